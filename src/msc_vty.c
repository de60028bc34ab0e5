/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "msc_vty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/front/config_source.h>
#include <tocsin/front/vty_command.h>
#include <tocsin/link/conn.h>
#include <tocsin/link/msc_source.h>

#include "peer_protocol.h"

enum { RECIPIENTS_MSC_NODE = FIRST_NODE_AFTER_PEERS };

/* An MSC that cannot be asked for longer leaves nothing but guesses where people are. */
#define DEFAULT_MAX_AGE_S 21600

struct msc_settings {
	struct msc_source_config *config;
	struct msc_source *source;	/* NULL unless it is open */
};

static void *msc_alloc(void *ctx)
{
	struct msc_settings *msc = talloc_zero(ctx, struct msc_settings);

	if (!msc)
		return NULL;
	msc->config = msc_source_config_alloc(msc);
	if (!msc->config)
		TALLOC_FREE(msc);
	return msc;
}

static int msc_check(const struct config_source *source, struct problem *problem)
{
	const struct msc_settings *msc = source->settings;

	return msc_source_config_check(msc->config, problem);
}

static int msc_open(struct config_source *source, struct problem *problem)
{
	struct msc_settings *msc = source->settings;

	msc->source = msc_source_open(msc, source->source, msc->config, problem);
	return msc->source ? 0 : -EINVAL;
}

static void msc_close(struct config_source *source)
{
	struct msc_settings *msc = source->settings;

	TALLOC_FREE(msc->source);
}

static void msc_rearm(struct config_source *source)
{
	struct msc_settings *msc = source->settings;

	msc_source_rearm(msc->source);
}

static void msc_write(struct vty *vty, const struct config_source *source)
{
	const struct msc_source_config *config = ((const struct msc_settings *)source->settings)->config;

	if (config->remote_ip)
		vty_out(vty, " remote-ip %s%s", config->remote_ip, VTY_NEWLINE);
	if (config->local_ip)
		vty_out(vty, " local-ip %s%s", config->local_ip, VTY_NEWLINE);
	vty_out(vty, " vty-port %u%s", config->remote_port, VTY_NEWLINE);
	if (config->mnc_digits)
		vty_out(vty, " plmn %03u %0*u%s", config->mcc, config->mnc_digits, config->mnc, VTY_NEWLINE);
	vty_out(vty, " poll-interval %u%s", config->interval_s, VTY_NEWLINE);
	vty_out(vty, " timeout %u%s", config->timeout_s, VTY_NEWLINE);
}

static struct config_source_kind msc_kind = {
	.name = "osmo-msc",
	.live = true,
	.max_age_s = DEFAULT_MAX_AGE_S,
	.enter = CONFIG_SOURCE_ENTER("osmo-msc", "The subscribers that an OsmoMSC knows, over its VTY\n"),
	.node = { .node = RECIPIENTS_MSC_NODE, .prompt = "%s(config-recipients-msc)# ", .vtysh = 1 },
	.settings_alloc = msc_alloc,
	.check = msc_check,
	.open = msc_open,
	.close = msc_close,
	.rearm = msc_rearm,
	.write = msc_write,
};

/* Settings */

struct msc_setting {
	struct cmd_element cmd;
	int (*set)(struct vty *vty, struct msc_settings *msc, const char **argv);
};

static int on_setting(struct cmd_element *self, struct vty *vty, int argc, const char **argv)
{
	const struct msc_setting *setting = container_of(self, struct msc_setting, cmd);
	struct config_source *source = config_source_of(vty);
	int rc;

	if (!source)
		return CMD_WARNING;
	rc = setting->set(vty, source->settings, argv);
	if (rc == CMD_SUCCESS)
		config_source_say_reopens(vty, source);
	return rc;
}

static int set_ip(struct vty *vty, void *ctx, char **where, const char *ip)
{
	struct osmo_sockaddr address;

	if (conn_address(ip, 0, &address) < 0) {
		vty_out(vty, "%% %s is not an IPv4 or IPv6 address%s", ip, VTY_NEWLINE);
		return CMD_WARNING;
	}
	return peer_vty_set_string(vty, ctx, where, ip);
}

static int set_remote_ip(struct vty *vty, struct msc_settings *msc, const char **argv)
{
	return set_ip(vty, msc->config, &msc->config->remote_ip, argv[0]);
}

static int set_local_ip(struct vty *vty, struct msc_settings *msc, const char **argv)
{
	return set_ip(vty, msc->config, &msc->config->local_ip, argv[0]);
}

static int set_vty_port(struct vty *vty, struct msc_settings *msc, const char **argv)
{
	msc->config->remote_port = atoi(argv[0]);
	return CMD_SUCCESS;
}

static bool is_digits(const char *text, size_t min, size_t max)
{
	size_t len = strlen(text);

	return len >= min && len <= max && strspn(text, "0123456789") == len;
}

static int set_plmn(struct vty *vty, struct msc_settings *msc, const char **argv)
{
	if (!is_digits(argv[0], 3, 3) || !is_digits(argv[1], 2, 3)) {
		vty_out(vty, "%% An MCC has three digits, an MNC two or three%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	msc->config->mcc = atoi(argv[0]);
	msc->config->mnc = atoi(argv[1]);
	msc->config->mnc_digits = strlen(argv[1]);
	return CMD_SUCCESS;
}

static int set_interval(struct vty *vty, struct msc_settings *msc, const char **argv)
{
	msc->config->interval_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_timeout(struct vty *vty, struct msc_settings *msc, const char **argv)
{
	msc->config->timeout_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

#define MSC_COMMAND(words, help) .cmd = { .string = words, .doc = help, .func = on_setting }

static struct msc_setting settings[] = {
	{ MSC_COMMAND("remote-ip ADDRESS", "Address of the MSC\n" "IPv4 or IPv6 address\n"), .set = set_remote_ip },
	{ MSC_COMMAND("local-ip ADDRESS", "Our address towards the MSC\n" "IPv4 or IPv6 address\n"),
	  .set = set_local_ip },
	{ MSC_COMMAND("vty-port <1-65535>", "TCP port of the MSC's VTY\n" "TCP port\n"), .set = set_vty_port },
	{ MSC_COMMAND("plmn MCC MNC", "The MSC's network\n" "Mobile country code, three digits\n"
		      "Mobile network code, two or three digits\n"),
	  .set = set_plmn },
	{ MSC_COMMAND("poll-interval <5-3600>", "How often to ask\n" "Seconds\n"), .set = set_interval },
	{ MSC_COMMAND("timeout <1-120>", "How long one answer may take\n" "Seconds\n"), .set = set_timeout },
};

void msc_vty_init(void)
{
	size_t i;

	config_source_install(&msc_kind, NULL);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		install_element(RECIPIENTS_MSC_NODE, &settings[i].cmd);
}
