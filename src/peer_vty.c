/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "peer_vty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/front/vty_command.h>
#include <tocsin/link/conn.h>
#include <tocsin/link/link_cbsp.h>

enum { PEER_CBSP_NODE = FIRST_PEER_NODE };

static struct cmd_node cbsp_node = { .node = PEER_CBSP_NODE, .prompt = "%s(config-peer-cbsp)# ", .vtysh = 1 };

static const struct config *config_of(const struct vty *vty)
{
	return config_of_vty(vty);
}

/* A VTY keeps the name, since another one may remove the peer meanwhile.
 * \returns NULL, and says so, if that happened. */
static struct peer *peer_of(struct vty *vty)
{
	struct peer *peer = peer_by_name(gateway_peers(config_of(vty)->gw), vty->index);

	if (!peer)
		vty_out(vty, "%% This peer was removed%s", VTY_NEWLINE);
	return peer;
}

static struct peer *make_cbsp(const struct config *config, const char *name)
{
	struct cbsp_config *cbsp = cbsp_config_alloc(config->gw);
	struct peer *peer;

	if (!cbsp)
		return NULL;
	cbsp->link.listeners = config->listeners;
	peer = peer_alloc(gateway_peers(config->gw), name, &link_cbsp_ops, cbsp);
	if (!peer)
		talloc_free(cbsp);
	return peer;
}

#define PEER_STR "A network element that puts messages on air\n" "Its name, as in the cell table\n"

DEFUN(cfg_peer_cbsp, cfg_peer_cbsp_cmd, "peer NAME cbsp", PEER_STR "A BSC over CBSP (3GPP TS 48.049)\n")
{
	struct peer *peer = peer_by_name(gateway_peers(config_of(vty)->gw), argv[0]);

	if (config_check_name(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	if (!peer)
		peer = make_cbsp(config_of(vty), argv[0]);
	if (!peer || peer_ops(peer) != &link_cbsp_ops) {
		vty_out(vty, "%% Peer %s cannot be made%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = talloc_strdup(vty, argv[0]);
	if (!vty->index)
		return CMD_WARNING;
	vty->node = PEER_CBSP_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_peer, cfg_no_peer_cmd, "no peer NAME", NO_STR PEER_STR)
{
	struct peer *peer = peer_by_name(gateway_peers(config_of(vty)->gw), argv[0]);

	if (!peer) {
		vty_out(vty, "%% There is no such peer%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	peer_free(peer);
	return CMD_SUCCESS;
}

/* One command of a peer's node. What reopens takes effect when the link is opened the next time. */
struct setting {
	struct cmd_element cmd;
	bool reopens;
	int (*set)(struct vty *vty, struct cbsp_config *cbsp, const char **argv);
};

static int on_setting(struct cmd_element *self, struct vty *vty, int argc, const char **argv)
{
	const struct setting *setting = container_of(self, struct setting, cmd);
	struct peer *peer = peer_of(vty);
	int rc;

	if (!peer)
		return CMD_WARNING;
	rc = setting->set(vty, peer_config(peer), argv);
	if (rc == CMD_SUCCESS && setting->reopens && peer_link(peer))
		vty_out(vty, "%% This takes effect after \"shutdown\" and \"no shutdown\"%s", VTY_NEWLINE);
	return rc;
}

static int set_role(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->link.role = !strcmp(argv[0], "listen") ? LINK_LISTEN : LINK_CONNECT;
	return CMD_SUCCESS;
}

static int set_ip(struct vty *vty, struct cbsp_config *cbsp, char **where, const char *ip)
{
	struct osmo_sockaddr address;
	char *copy;

	if (conn_address(ip, 0, &address) < 0) {
		vty_out(vty, "%% %s is not an IPv4 or IPv6 address%s", ip, VTY_NEWLINE);
		return CMD_WARNING;
	}
	copy = talloc_strdup(cbsp, ip);
	if (!copy)
		return CMD_WARNING;
	talloc_free(*where);
	*where = copy;
	return CMD_SUCCESS;
}

static int set_remote_ip(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	return set_ip(vty, cbsp, &cbsp->link.remote_ip, argv[0]);
}

static int set_local_ip(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	return set_ip(vty, cbsp, &cbsp->link.local_ip, argv[0]);
}

static int set_remote_port(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->link.remote_port = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_local_port(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->link.local_port = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_on_link_up(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->on_link_up = !strcmp(argv[0], "reset") ? CBSP_RESET_FIRST : CBSP_RECONCILE;
	return CMD_SUCCESS;
}

static int set_period(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->period = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_period_coding(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->period_coding = !strcmp(argv[0], "12-bit") ? CBSP_PERIOD_12BIT : CBSP_PERIOD_16BIT;
	return CMD_SUCCESS;
}

static int set_keep_alive(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->link.keep_alive_s = atoi(argv[0]);
	cbsp->link.keep_alive_timeout_s = atoi(argv[1]);
	return CMD_SUCCESS;
}

static int set_backoff(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	unsigned int min_ms = atoi(argv[0]), max_ms = atoi(argv[1]);

	if (min_ms > max_ms) {
		vty_out(vty, "%% The first pause is longer than the longest%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	cbsp->link.backoff_min_ms = min_ms;
	cbsp->link.backoff_max_ms = max_ms;
	return CMD_SUCCESS;
}

static int set_user_timeout(struct vty *vty, struct cbsp_config *cbsp, const char **argv)
{
	cbsp->link.tcp_user_timeout_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

#define COMMAND(words, help) .cmd = { .string = words, .doc = help, .func = on_setting }

static struct setting settings[] = {
	{ COMMAND("role (listen|connect)",
		  "Who opens the connection\n" "The peer connects to us\n" "We connect to the peer\n"),
	  .reopens = true, .set = set_role },
	{ COMMAND("remote-ip ADDRESS", "Address of the peer\n" "IPv4 or IPv6 address\n"),
	  .reopens = true, .set = set_remote_ip },
	{ COMMAND("remote-port <0-65535>",
		  "TCP port of the peer\n" "0: 48049 to connect to, any to listen for\n"),
	  .reopens = true, .set = set_remote_port },
	{ COMMAND("local-ip ADDRESS", "Our address towards the peer\n" "IPv4 or IPv6 address\n"),
	  .reopens = true, .set = set_local_ip },
	{ COMMAND("local-port <0-65535>",
		  "Our TCP port\n"
		  "0: 48049 to listen on, any to connect from; a fixed one recovers a half-open peer\n"),
	  .reopens = true, .set = set_local_port },
	{ COMMAND("on-link-up (reconcile|reset)",
		  "What to do first when the link comes up\n"
		  "Ask for what should be on air and send what is missing\n"
		  "Send RESET, then everything anew\n"),
	  .set = set_on_link_up },
	{ COMMAND("repetition-period <1-4095>",
		  "Repetition period of cells with nothing on air\n"
		  "Units of 1.883 s; up to 15 suits both codings\n"),
	  .set = set_period },
	{ COMMAND("repetition-coding (12-bit|16-bit)",
		  "How the peer codes the repetition period\n"
		  "As 3GPP TS 48.049, 8.2.8 says\n" "As Osmocom does\n"),
	  .set = set_period_coding },
	{ COMMAND("keep-alive <1-120> timeout <1-120>",
		  "Probe a silent link\n" "Seconds of silence before a KEEP-ALIVE\n"
		  "How long to wait for its answer\n" "Seconds\n"),
	  .reopens = true, .set = set_keep_alive },
	{ COMMAND("backoff <10-3600000> <10-3600000>",
		  "Pause between attempts to connect\n" "First pause, ms\n" "Longest pause, ms\n"),
	  .reopens = true, .set = set_backoff },
	{ COMMAND("tcp-user-timeout <0-3600>",
		  "Give up a connection whose data are not acknowledged (connect)\n"
		  "Seconds; 0 leaves it to the system\n"),
	  .reopens = true, .set = set_user_timeout },
};

static int open_peer(struct peer *peer, struct problem *problem)
{
	const struct cbsp_config *cbsp = peer_config(peer);
	int rc;

	if (cbsp_config_check(cbsp, problem) < 0)
		return -EINVAL;
	rc = peer_ops(peer)->open(peer);
	if (rc < 0)
		return problem_set(problem, PROBLEM_CONFIG, peer_name(peer), 0, "The link cannot be opened: %s.",
				   rc == -EEXIST ? "another peer has the same address and port" : strerror(-rc));
	return 0;
}

DEFUN(cfg_no_shutdown, cfg_no_shutdown_cmd, "no shutdown", NO_STR "Keep the link closed\n")
{
	struct peer *peer = peer_of(vty);
	struct problem problem = { 0 };
	struct cbsp_config *cbsp;

	if (!peer)
		return CMD_WARNING;
	cbsp = peer_config(peer);
	cbsp->shutdown = false;
	if (!config_of(vty)->running || peer_link(peer))
		return CMD_SUCCESS;
	if (open_peer(peer, &problem) < 0) {
		vty_out(vty, "%% %s%s", problem.detail, VTY_NEWLINE);
		return CMD_WARNING;
	}
	return CMD_SUCCESS;
}

DEFUN(cfg_shutdown, cfg_shutdown_cmd, "shutdown", "Keep the link closed\n")
{
	struct peer *peer = peer_of(vty);
	struct cbsp_config *cbsp;

	if (!peer)
		return CMD_WARNING;
	cbsp = peer_config(peer);
	cbsp->shutdown = true;
	if (peer_link(peer)) {
		peer_ops(peer)->close(peer);
		peer_set_state(peer, PEER_DOWN, "shut down by the operator");
	}
	return CMD_SUCCESS;
}

DEFUN(peer_drop, peer_drop_cmd, "peer NAME drop", PEER_STR "Close its connection; the link goes on\n")
{
	struct peer *peer = peer_by_name(gateway_peers(config_of(vty)->gw), argv[0]);

	if (!peer || peer_ops(peer) != &link_cbsp_ops || !peer_link(peer)) {
		vty_out(vty, "%% There is no such peer, or its link is closed%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	link_cbsp_drop(peer);
	return CMD_SUCCESS;
}

static void write_cbsp(struct vty *vty, const struct peer *peer)
{
	const struct cbsp_config *cbsp = peer_config(peer);
	const struct link_config *link = &cbsp->link;

	vty_out(vty, "peer %s cbsp%s", peer_name(peer), VTY_NEWLINE);
	vty_out(vty, " role %s%s", link->role == LINK_LISTEN ? "listen" : "connect", VTY_NEWLINE);
	if (link->remote_ip)
		vty_out(vty, " remote-ip %s%s", link->remote_ip, VTY_NEWLINE);
	if (link->remote_port)
		vty_out(vty, " remote-port %u%s", link->remote_port, VTY_NEWLINE);
	if (link->local_ip)
		vty_out(vty, " local-ip %s%s", link->local_ip, VTY_NEWLINE);
	if (link->local_port)
		vty_out(vty, " local-port %u%s", link->local_port, VTY_NEWLINE);
	vty_out(vty, " on-link-up %s%s", cbsp->on_link_up == CBSP_RESET_FIRST ? "reset" : "reconcile", VTY_NEWLINE);
	vty_out(vty, " repetition-period %u%s", cbsp->period, VTY_NEWLINE);
	vty_out(vty, " repetition-coding %s%s", cbsp->period_coding == CBSP_PERIOD_12BIT ? "12-bit" : "16-bit",
		VTY_NEWLINE);
	vty_out(vty, " keep-alive %u timeout %u%s", link->keep_alive_s, link->keep_alive_timeout_s, VTY_NEWLINE);
	vty_out(vty, " backoff %u %u%s", link->backoff_min_ms, link->backoff_max_ms, VTY_NEWLINE);
	vty_out(vty, " tcp-user-timeout %u%s", link->tcp_user_timeout_s, VTY_NEWLINE);
	vty_out(vty, " %sshutdown%s", cbsp->shutdown ? "" : "no ", VTY_NEWLINE);
}

static int config_write_cbsp(struct vty *vty)
{
	const struct peer_set *peers = gateway_peers(config_of(vty)->gw);
	const struct peer *peer = NULL;

	while ((peer = peer_next(peers, peer))) {
		if (peer_ops(peer) == &link_cbsp_ops)
			write_cbsp(vty, peer);
	}
	return CMD_SUCCESS;
}

int peer_vty_check(const struct config *config, struct problem *problem)
{
	const struct peer *peer = NULL;

	while ((peer = peer_next(gateway_peers(config->gw), peer))) {
		if (cbsp_config_check(peer_config(peer), problem) < 0) {
			OSMO_STRLCPY_ARRAY(problem->where, peer_name(peer));
			return -EINVAL;
		}
	}
	return 0;
}

int peer_vty_open_all(struct config *config, struct problem *problem)
{
	const struct cbsp_config *cbsp;
	struct peer *peer = NULL;

	while ((peer = peer_next(gateway_peers(config->gw), peer))) {
		cbsp = peer_config(peer);
		if (!cbsp->shutdown && open_peer(peer, problem) < 0)
			return -EINVAL;
	}
	return 0;
}

void peer_vty_rearm_all(struct config *config)
{
	struct peer *peer = NULL;

	while ((peer = peer_next(gateway_peers(config->gw), peer))) {
		if (link_cbsp_link(peer))
			link_rearm(link_cbsp_link(peer));
	}
}

void peer_vty_init(void)
{
	size_t i;

	install_node(&cbsp_node, config_write_cbsp);
	install_element(CONFIG_NODE, &cfg_peer_cbsp_cmd);
	install_element(CONFIG_NODE, &cfg_no_peer_cmd);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		install_element(PEER_CBSP_NODE, &settings[i].cmd);
	install_element(PEER_CBSP_NODE, &cfg_no_shutdown_cmd);
	install_element(PEER_CBSP_NODE, &cfg_shutdown_cmd);
	install_element(ENABLE_NODE, &peer_drop_cmd);
}
