/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The node of a BSC. */
#include "peer_protocol.h"

#include <stdlib.h>
#include <string.h>

#include <osmocom/core/utils.h>

#include <tocsin/front/vty_command.h>
#include <tocsin/link/link_cbsp.h>

static int set_role(struct vty *vty, void *config, const char **argv)
{
	struct cbsp_config *cbsp = config;

	cbsp->link.role = !strcmp(argv[0], "listen") ? LINK_LISTEN : LINK_CONNECT;
	return CMD_SUCCESS;
}

static int set_on_link_up(struct vty *vty, void *config, const char **argv)
{
	struct cbsp_config *cbsp = config;

	cbsp->on_link_up = !strcmp(argv[0], "reset") ? CBSP_RESET_FIRST : CBSP_RECONCILE;
	return CMD_SUCCESS;
}

static int set_period(struct vty *vty, void *config, const char **argv)
{
	struct cbsp_config *cbsp = config;

	cbsp->period = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_period_coding(struct vty *vty, void *config, const char **argv)
{
	struct cbsp_config *cbsp = config;

	cbsp->period_coding = !strcmp(argv[0], "12-bit") ? CBSP_PERIOD_12BIT : CBSP_PERIOD_16BIT;
	return CMD_SUCCESS;
}

static struct peer_setting settings[] = {
	{ PEER_COMMAND("role (listen|connect)",
		       "Who opens the connection\n" "The peer connects to us\n" "We connect to the peer\n"),
	  .reopens = true, .set = set_role },
	{ PEER_COMMAND("on-link-up (reconcile|reset)",
		       "What to do first when the link comes up\n"
		       "Ask for what should be on air and send what is missing\n"
		       "Send RESET, then everything anew\n"),
	  .set = set_on_link_up },
	{ PEER_COMMAND("repetition-period <1-4095>",
		       "Repetition period of cells with nothing on air\n"
		       "Units of 1.883 s; up to 15 suits both codings\n"),
	  .set = set_period },
	{ PEER_COMMAND("repetition-coding (12-bit|16-bit)",
		       "How the peer codes the repetition period\n"
		       "As 3GPP TS 48.049, 8.2.8 says\n" "As Osmocom does\n"),
	  .set = set_period_coding },
};

static void write_settings(struct vty *vty, const void *config)
{
	const struct cbsp_config *cbsp = config;

	vty_out(vty, " role %s%s", cbsp->link.role == LINK_LISTEN ? "listen" : "connect", VTY_NEWLINE);
	vty_out(vty, " on-link-up %s%s", cbsp->on_link_up == CBSP_RESET_FIRST ? "reset" : "reconcile", VTY_NEWLINE);
	vty_out(vty, " repetition-period %u%s", cbsp->period, VTY_NEWLINE);
	vty_out(vty, " repetition-coding %s%s", cbsp->period_coding == CBSP_PERIOD_12BIT ? "12-bit" : "16-bit",
		VTY_NEWLINE);
}

static void *settings_alloc(void *ctx)
{
	return cbsp_config_alloc(ctx);
}

static int check(const void *config, struct problem *problem)
{
	return cbsp_config_check(config, problem);
}

static struct link_config *link_config_of(void *config)
{
	return &((struct cbsp_config *)config)->link;
}

static bool *shutdown_of(void *config)
{
	return &((struct cbsp_config *)config)->shutdown;
}

struct peer_protocol peer_cbsp = {
	.ops = &link_cbsp_ops,
	.enter = PEER_ENTER("cbsp", "A BSC over CBSP (3GPP TS 48.049)\n"),
	.node = { .node = PEER_CBSP_NODE, .prompt = "%s(config-peer-cbsp)# ", .vtysh = 1 },
	.settings = settings,
	.n_settings = ARRAY_SIZE(settings),
	.config_alloc = settings_alloc,
	.check = check,
	.write = write_settings,
	.link_config = link_config_of,
	.shutdown = shutdown_of,
	.link = link_cbsp_link,
	.drop = link_cbsp_drop,
};
