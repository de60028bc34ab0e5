/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the VTY must know of a protocol, one table per protocol. What all peers have in common
 *  (addresses, timers, shutdown, dropping) is in peer_vty.c. */

#include <stdbool.h>
#include <stddef.h>

#include <osmocom/vty/command.h>

#include <tocsin/core/peer.h>
#include <tocsin/front/config.h>
#include <tocsin/link/link.h>

enum { PEER_CBSP_NODE = FIRST_PEER_NODE, PEER_SMPP_NODE, FIRST_NODE_AFTER_PEERS };

/*! One command of a peer's node. */
struct peer_setting {
	struct cmd_element cmd;		/*!< PEER_COMMAND() */
	bool reopens;			/*!< takes effect when the link is opened the next time */
	/*! \param[in] config  of the protocol. \returns CMD_SUCCESS or CMD_WARNING. */
	int (*set)(struct vty *vty, void *config, const char **argv);
};

struct peer_protocol {
	const struct peer_ops *ops;
	struct cmd_element enter;	/*!< PEER_ENTER() */
	struct cmd_node node;
	struct peer_setting *settings;	/*!< those that only this protocol has */
	size_t n_settings;
	/*! A configuration of defaults, child of ctx; NULL when out of memory. */
	void *(*config_alloc)(void *ctx);
	int (*check)(const void *config, struct problem *problem);
	/*! Print the settings that only this protocol has, with their values. */
	void (*write)(struct vty *vty, const void *config);
	/*! Parts of a configuration that every protocol has. */
	struct link_config *(*link_config)(void *config);
	bool *(*shutdown)(void *config);
	/*! The peer's link, NULL unless it is open. */
	struct link *(*link)(const struct peer *peer);
	/*! Close its conns; its link goes on. Called while it is open only. */
	void (*drop)(struct peer *peer);
};

extern struct peer_protocol peer_cbsp, peer_smpp;

#define PEER_STR "A network element that messages are handed to\n" "Its name; of a BSC as in the cell table\n"
/*! The command that enters the node. */
#define PEER_ENTER(protocol, help) \
	{ .string = "peer NAME " protocol, .doc = PEER_STR help, .func = peer_vty_enter }
#define PEER_COMMAND(words, help) .cmd = { .string = words, .doc = help, .func = peer_vty_set }

int peer_vty_enter(struct cmd_element *self, struct vty *vty, int argc, const char **argv);
int peer_vty_set(struct cmd_element *self, struct vty *vty, int argc, const char **argv);
/*! Put a copy of a string in the place of another. \param[in] ctx  its parent. */
int peer_vty_set_string(struct vty *vty, void *ctx, char **where, const char *value);
