/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The node of a message centre. */
#include "peer_protocol.h"

#include <stdlib.h>
#include <string.h>

#include <osmocom/core/utils.h>

#include <tocsin/front/vty_command.h>
#include <tocsin/link/link_smpp.h>

static int set_system_id(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	return peer_vty_set_string(vty, smpp, &smpp->system_id, argv[0]);
}

static int set_password_file(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	return peer_vty_set_string(vty, smpp, &smpp->password_file, argv[0]);
}

static int set_system_type(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	return peer_vty_set_string(vty, smpp, &smpp->system_type, argv[0]);
}

static int set_bind(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->bind = !strcmp(argv[0], "transceiver") ? SMPP_BIND_AS_TRANSCEIVER : SMPP_BIND_AS_TRANSMITTER_RECEIVER;
	return CMD_SUCCESS;
}

static int set_mode(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->mode = !strcmp(argv[0], "transaction") ? SMPP_MODE_TRANSACTION : SMPP_MODE_STORE;
	return CMD_SUCCESS;
}

static int set_destination(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->destination = !strcmp(argv[0], "imsi") ? SMPP_TO_IMSI : SMPP_TO_MSISDN;
	return CMD_SUCCESS;
}

static int set_preference(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->preference = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_window(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->window = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_rate(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->rate = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_no_rate(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->rate = 0;
	return CMD_SUCCESS;
}

static int set_response_timeout(struct vty *vty, void *config, const char **argv)
{
	struct smpp_config *smpp = config;

	smpp->response_timeout_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

#define RATE_STR "Bound on submits per second\n"

static struct peer_setting settings[] = {
	{ PEER_COMMAND("system-id NAME", "Our name at the message centre\n" "1 to 15 characters\n"),
	  .reopens = true, .set = set_system_id },
	{ PEER_COMMAND("password-file PATH", "The password that belongs to it\n"
		       "File with the password on its first line, at most 8 characters; read at each bind\n"),
	  .reopens = true, .set = set_password_file },
	{ PEER_COMMAND("system-type TYPE", "What we are, where the centre asks for it\n" "1 to 12 characters\n"),
	  .reopens = true, .set = set_system_type },
	{ PEER_COMMAND("bind (transceiver|transmitter-receiver)",
		       "How to bind\n" "One connection for both directions\n" "A connection for each direction\n"),
	  .reopens = true, .set = set_bind },
	{ PEER_COMMAND("mode (transaction|store-and-forward)",
		       "What the answer to a submit says\n"
		       "What the phone did: the centre answers when it knows\n"
		       "That the centre stored it; delivery receipts say what became of it\n"),
	  .reopens = true, .set = set_mode },
	{ PEER_COMMAND("destination (imsi|msisdn)", "How recipients are addressed\n" "By IMSI\n" "By number\n"),
	  .reopens = true, .set = set_destination },
	{ PEER_COMMAND("preference <1-99>",
		       "Which message centre to use\n" "The lowest that is up is used\n"),
	  .set = set_preference },
	{ PEER_COMMAND("window <1-1000>",
		       "Bound on submits without an answer\n" "Number of submits\n"),
	  .reopens = true, .set = set_window },
	{ PEER_COMMAND("rate <1-10000>", RATE_STR "Submits per second\n"), .reopens = true, .set = set_rate },
	{ PEER_COMMAND("no rate", NO_STR RATE_STR), .reopens = true, .set = set_no_rate },
	{ PEER_COMMAND("response-timeout <5-600>",
		       "How long to wait for the answer to a submit\n" "Seconds\n"),
	  .reopens = true, .set = set_response_timeout },
};

static void write_text(struct vty *vty, const char *command, const char *text)
{
	if (text && *text)
		vty_out(vty, " %s %s%s", command, text, VTY_NEWLINE);
}

static void write_settings(struct vty *vty, const void *config)
{
	const struct smpp_config *smpp = config;

	write_text(vty, "system-id", smpp->system_id);
	write_text(vty, "password-file", smpp->password_file);
	write_text(vty, "system-type", smpp->system_type);
	vty_out(vty, " bind %s%s", smpp->bind == SMPP_BIND_AS_TRANSCEIVER ? "transceiver" : "transmitter-receiver",
		VTY_NEWLINE);
	vty_out(vty, " mode %s%s", smpp->mode == SMPP_MODE_TRANSACTION ? "transaction" : "store-and-forward",
		VTY_NEWLINE);
	vty_out(vty, " destination %s%s", smpp->destination == SMPP_TO_IMSI ? "imsi" : "msisdn", VTY_NEWLINE);
	vty_out(vty, " preference %u%s", smpp->preference, VTY_NEWLINE);
	vty_out(vty, " window %u%s", smpp->window, VTY_NEWLINE);
	if (smpp->rate)
		vty_out(vty, " rate %u%s", smpp->rate, VTY_NEWLINE);
	else
		vty_out(vty, " no rate%s", VTY_NEWLINE);
	vty_out(vty, " response-timeout %u%s", smpp->response_timeout_s, VTY_NEWLINE);
}

static void *settings_alloc(void *ctx)
{
	return smpp_config_alloc(ctx);
}

static int check(const void *config, struct problem *problem)
{
	return smpp_config_check(config, problem);
}

static struct link_config *link_config_of(void *config)
{
	return &((struct smpp_config *)config)->link;
}

static bool *shutdown_of(void *config)
{
	return &((struct smpp_config *)config)->shutdown;
}

struct peer_protocol peer_smpp = {
	.ops = &link_smpp_ops,
	.enter = PEER_ENTER("smpp", "A message centre over SMPP 3.4\n"),
	.node = { .node = PEER_SMPP_NODE, .prompt = "%s(config-peer-smpp)# ", .vtysh = 1 },
	.settings = settings,
	.n_settings = ARRAY_SIZE(settings),
	.config_alloc = settings_alloc,
	.check = check,
	.write = write_settings,
	.link_config = link_config_of,
	.shutdown = shutdown_of,
	.link = link_smpp_link,
	.drop = link_smpp_drop,
};
