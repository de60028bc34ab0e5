/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Peers on the VTY: what is the same for every protocol. */
#include "peer_vty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/front/vty_command.h>
#include <tocsin/link/conn.h>

#include "peer_protocol.h"

static struct peer_protocol *const protocols[] = { &peer_cbsp, &peer_smpp };

static const struct peer_protocol *protocol_of(const struct peer *peer)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (protocols[i]->ops == peer_ops(peer))
			return protocols[i];
	}
	return NULL;
}

static bool is_shut_down(const struct peer *peer)
{
	return *protocol_of(peer)->shutdown(peer_config(peer));
}

static struct peer *peer_named(const struct vty *vty, const char *name)
{
	return peer_by_name(gateway_peers(config_of_vty(vty)->gw), name);
}

/* A VTY keeps the name, since another one may remove the peer meanwhile.
 * \returns NULL, and says so, if that happened. */
static struct peer *peer_of(struct vty *vty)
{
	struct peer *peer = peer_named(vty, vty->index);

	if (!peer || protocol_of(peer)->node.node != vty->node) {
		vty_out(vty, "%% This peer was removed%s", VTY_NEWLINE);
		return NULL;
	}
	return peer;
}

/* What goes to any peer of a bearer bears its name. */
static bool names_a_bearer(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (protocols[i]->ops->bearer && !strcmp(protocols[i]->ops->bearer, name))
			return true;
	}
	return false;
}

static struct peer *make_peer(struct config *config, const char *name, const struct peer_protocol *protocol)
{
	void *settings = protocol->config_alloc(config->gw);
	struct peer *peer;

	if (!settings)
		return NULL;
	protocol->link_config(settings)->listeners = config->listeners;
	peer = peer_alloc(gateway_peers(config->gw), name, protocol->ops, settings);
	if (!peer)
		talloc_free(settings);
	else
		config_note_peer(config, name);
	return peer;
}

int peer_vty_enter(struct cmd_element *self, struct vty *vty, int argc, const char **argv)
{
	const struct peer_protocol *protocol = container_of(self, struct peer_protocol, enter);
	struct peer *peer = peer_named(vty, argv[0]);

	if (config_check_name(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	if (names_a_bearer(argv[0])) {
		vty_out(vty, "%% The name %s stands for all message centres%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (!peer)
		peer = make_peer(config_of_vty(vty), argv[0], protocol);
	if (!peer || peer_ops(peer) != protocol->ops) {
		vty_out(vty, "%% Peer %s cannot be made%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = talloc_strdup(vty, argv[0]);
	if (!vty->index)
		return CMD_WARNING;
	vty->node = protocol->node.node;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_peer, cfg_no_peer_cmd, "no peer NAME", NO_STR PEER_STR)
{
	struct peer *peer = peer_named(vty, argv[0]);

	if (!peer) {
		vty_out(vty, "%% There is no such peer%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	peer_free(peer);
	return CMD_SUCCESS;
}

/*
 * Settings
 */

static void say_reopens(struct vty *vty, const struct peer *peer)
{
	if (peer_link(peer))
		vty_out(vty, "%% This takes effect after \"shutdown\" and \"no shutdown\"%s", VTY_NEWLINE);
}

int peer_vty_set(struct cmd_element *self, struct vty *vty, int argc, const char **argv)
{
	const struct peer_setting *setting = container_of(self, struct peer_setting, cmd);
	struct peer *peer = peer_of(vty);
	int rc;

	if (!peer)
		return CMD_WARNING;
	rc = setting->set(vty, peer_config(peer), argv);
	if (rc == CMD_SUCCESS && setting->reopens)
		say_reopens(vty, peer);
	return rc;
}

int peer_vty_set_string(struct vty *vty, void *ctx, char **where, const char *value)
{
	char *copy = talloc_strdup(ctx, value);

	if (!copy) {
		vty_out(vty, "%% Out of memory%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	talloc_free(*where);
	*where = copy;
	return CMD_SUCCESS;
}

/* A setting of the link: every protocol has it, and it takes effect when the link is opened. */
struct link_setting {
	struct cmd_element cmd;
	/*! \param[in] ctx  parent of the link's strings. */
	int (*set)(struct vty *vty, void *ctx, struct link_config *link, const char **argv);
};

static int on_link_setting(struct cmd_element *self, struct vty *vty, int argc, const char **argv)
{
	const struct link_setting *setting = container_of(self, struct link_setting, cmd);
	struct peer *peer = peer_of(vty);
	void *config;
	int rc;

	if (!peer)
		return CMD_WARNING;
	config = peer_config(peer);
	rc = setting->set(vty, config, protocol_of(peer)->link_config(config), argv);
	if (rc == CMD_SUCCESS)
		say_reopens(vty, peer);
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

static int set_remote_ip(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	return set_ip(vty, ctx, &link->remote_ip, argv[0]);
}

static int set_local_ip(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	return set_ip(vty, ctx, &link->local_ip, argv[0]);
}

static int set_remote_port(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	link->remote_port = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_local_port(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	link->local_port = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int set_keep_alive(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	link->keep_alive_s = atoi(argv[0]);
	link->keep_alive_timeout_s = atoi(argv[1]);
	return CMD_SUCCESS;
}

static int set_backoff(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	unsigned int min_ms = atoi(argv[0]), max_ms = atoi(argv[1]);

	if (min_ms > max_ms) {
		vty_out(vty, "%% The first pause is longer than the longest%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	link->backoff_min_ms = min_ms;
	link->backoff_max_ms = max_ms;
	return CMD_SUCCESS;
}

static int set_user_timeout(struct vty *vty, void *ctx, struct link_config *link, const char **argv)
{
	link->tcp_user_timeout_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

#define LINK_COMMAND(words, help) .cmd = { .string = words, .doc = help, .func = on_link_setting }

static struct link_setting link_settings[] = {
	{ LINK_COMMAND("remote-ip ADDRESS", "Address of the peer\n" "IPv4 or IPv6 address\n"), .set = set_remote_ip },
	{ LINK_COMMAND("remote-port <0-65535>",
		       "TCP port of the peer\n" "0: the protocol's own to connect to, any to listen for\n"),
	  .set = set_remote_port },
	{ LINK_COMMAND("local-ip ADDRESS", "Our address towards the peer\n" "IPv4 or IPv6 address\n"),
	  .set = set_local_ip },
	{ LINK_COMMAND("local-port <0-65535>",
		       "Our TCP port\n"
		       "0: the protocol's own to listen on, any to connect from; a fixed one recovers a half-open peer\n"),
	  .set = set_local_port },
	{ LINK_COMMAND("keep-alive <1-120> timeout <1-120>",
		       "Probe a silent link\n" "Seconds of silence before the peer is asked\n"
		       "How long to wait for its answer\n" "Seconds\n"),
	  .set = set_keep_alive },
	{ LINK_COMMAND("backoff <10-3600000> <10-3600000>",
		       "Pause between attempts to connect\n" "First pause, ms\n" "Longest pause, ms\n"),
	  .set = set_backoff },
	{ LINK_COMMAND("tcp-user-timeout <0-3600>",
		       "Give up a connection whose data are not acknowledged, where we connect\n"
		       "Seconds; 0 leaves it to the system\n"),
	  .set = set_user_timeout },
};

/*
 * Opening and closing
 */

static int check_peer(const struct config *config, const struct peer *peer, struct problem *problem)
{
	if (config_check_bearer(config, peer, problem) < 0)
		return -EINVAL;
	if (protocol_of(peer)->check(peer_config(peer), problem) == 0)
		return 0;
	config_place_peer(config, peer, problem);
	return -EINVAL;
}

static int open_peer(const struct config *config, struct peer *peer, struct problem *problem)
{
	int rc;

	if (check_peer(config, peer, problem) < 0)
		return -EINVAL;
	rc = peer_ops(peer)->open(peer);
	if (rc == 0)
		return 0;
	return problem_set(problem, PROBLEM_CONFIG, peer_name(peer), 0, "The link cannot be opened: %s.",
			   rc == -EEXIST ? "another peer has the same address and port" : strerror(-rc));
}

DEFUN(cfg_no_shutdown, cfg_no_shutdown_cmd, "no shutdown", NO_STR "Keep the link closed\n")
{
	const struct config *config = config_of_vty(vty);
	struct peer *peer = peer_of(vty);
	struct problem problem = { 0 };

	if (!peer)
		return CMD_WARNING;
	*protocol_of(peer)->shutdown(peer_config(peer)) = false;
	if (!config->running || peer_link(peer))
		return CMD_SUCCESS;
	if (open_peer(config, peer, &problem) < 0) {
		vty_out(vty, "%% %s%s", problem.detail, VTY_NEWLINE);
		return CMD_WARNING;
	}
	return CMD_SUCCESS;
}

DEFUN(cfg_shutdown, cfg_shutdown_cmd, "shutdown", "Keep the link closed\n")
{
	struct peer *peer = peer_of(vty);

	if (!peer)
		return CMD_WARNING;
	*protocol_of(peer)->shutdown(peer_config(peer)) = true;
	if (peer_link(peer)) {
		peer_ops(peer)->close(peer);
		peer_set_state(peer, PEER_DOWN, "shut down by the operator");
	}
	return CMD_SUCCESS;
}

DEFUN(peer_drop, peer_drop_cmd, "peer NAME drop", PEER_STR "Close its connection; the link goes on\n")
{
	struct peer *peer = peer_named(vty, argv[0]);

	if (!peer || !peer_link(peer)) {
		vty_out(vty, "%% There is no such peer, or its link is closed%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	protocol_of(peer)->drop(peer);
	return CMD_SUCCESS;
}

/*
 * Writing
 */

static void write_link(struct vty *vty, const struct link_config *link)
{
	if (link->remote_ip)
		vty_out(vty, " remote-ip %s%s", link->remote_ip, VTY_NEWLINE);
	if (link->remote_port)
		vty_out(vty, " remote-port %u%s", link->remote_port, VTY_NEWLINE);
	if (link->local_ip)
		vty_out(vty, " local-ip %s%s", link->local_ip, VTY_NEWLINE);
	if (link->local_port)
		vty_out(vty, " local-port %u%s", link->local_port, VTY_NEWLINE);
	vty_out(vty, " keep-alive %u timeout %u%s", link->keep_alive_s, link->keep_alive_timeout_s, VTY_NEWLINE);
	vty_out(vty, " backoff %u %u%s", link->backoff_min_ms, link->backoff_max_ms, VTY_NEWLINE);
	vty_out(vty, " tcp-user-timeout %u%s", link->tcp_user_timeout_s, VTY_NEWLINE);
}

/* All peers, in their order. */
static int config_write_peers(struct vty *vty)
{
	const struct peer_set *peers = gateway_peers(config_of_vty(vty)->gw);
	const struct peer *peer = NULL;

	while ((peer = peer_next(peers, peer))) {
		const struct peer_protocol *protocol = protocol_of(peer);
		void *config = peer_config(peer);

		vty_out(vty, "peer %s %s%s", peer_name(peer), peer_ops(peer)->protocol, VTY_NEWLINE);
		protocol->write(vty, config);
		write_link(vty, protocol->link_config(config));
		vty_out(vty, " %sshutdown%s", is_shut_down(peer) ? "" : "no ", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

/*
 * All peers
 */

int peer_vty_check(const struct config *config, struct problem *problem)
{
	const struct peer *peer = NULL;

	while ((peer = peer_next(gateway_peers(config->gw), peer))) {
		if (check_peer(config, peer, problem) < 0)
			return -EINVAL;
	}
	return 0;
}

int peer_vty_open_all(struct config *config, struct problem *problem)
{
	struct peer *peer = NULL;

	while ((peer = peer_next(gateway_peers(config->gw), peer))) {
		if (!is_shut_down(peer) && open_peer(config, peer, problem) < 0)
			return -EINVAL;
	}
	return 0;
}

void peer_vty_rearm_all(struct config *config)
{
	struct peer *peer = NULL;

	while ((peer = peer_next(gateway_peers(config->gw), peer))) {
		struct link *link = protocol_of(peer)->link(peer);

		if (link)
			link_rearm(link);
	}
}

static void install_protocol(struct peer_protocol *protocol, int (*write)(struct vty *vty))
{
	int node = protocol->node.node;
	size_t i;

	install_node(&protocol->node, write);
	install_element(CONFIG_NODE, &protocol->enter);
	for (i = 0; i < protocol->n_settings; i++)
		install_element(node, &protocol->settings[i].cmd);
	for (i = 0; i < ARRAY_SIZE(link_settings); i++)
		install_element(node, &link_settings[i].cmd);
	install_element(node, &cfg_no_shutdown_cmd);
	install_element(node, &cfg_shutdown_cmd);
}

void peer_vty_init(void)
{
	size_t i;

	/* The first node writes them all, so that their order is kept. */
	for (i = 0; i < ARRAY_SIZE(protocols); i++)
		install_protocol(protocols[i], i ? NULL : config_write_peers);
	install_element(CONFIG_NODE, &cfg_no_peer_cmd);
	install_element(ENABLE_NODE, &peer_drop_cmd);
}
