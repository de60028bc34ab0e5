/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Configuration: what the VTY nodes fill in, and the nodes themselves.
 *
 * The file is read whole before anything is started. Values that can change while the daemon runs
 * take effect at once; the others say so and take effect at the next start. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/vty/command.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/gateway.h>
#include <tocsin/front/http.h>

#define CONFIG_MAX_LISTENERS 8
#define TOCSIN_VTY_PORT 4290

/*! VTY nodes; those that need link/ follow: of peers, one per protocol, and of sources of recipients. */
enum config_node {
	STORE_NODE = _LAST_OSMOVTY_NODE + 1,
	HTTP_NODE,
	ORIGINATOR_NODE,
	CELLS_NODE,
	PROFILE_NODE,
	SMS_NODE,
	RECIPIENTS_FILE_NODE,
	FIRST_PEER_NODE,
};

struct config {
	struct gateway *gw;
	struct http *http;		/*!< NULL until it runs */
	struct listeners *listeners;	/*!< of the links, for the peer nodes */
	bool running;			/*!< start-up is over */
	char *store_dir;
	struct http_listener_config http_listeners[CONFIG_MAX_LISTENERS];
	size_t n_http_listeners;
	char *cells_file;
	struct llist_head sources;	/*!< of recipients: struct config_source, in order */
	char *path;			/*!< the file that was read */
	FILE *reading;			/*!< the same while it is read, else NULL */
	long counted;			/*!< octets of it whose lines were counted */
	unsigned int line;		/*!< so many */
	struct llist_head peer_lines;	/*!< where in it the peers are */
};

/*! \param[in] listeners  borrowed, passed on to the peer nodes. */
struct config *config_alloc(void *ctx, struct gateway *gw, struct listeners *listeners);
/*! Install the nodes and commands. The config must be the priv of the telnet VTY and of the file. */
void config_vty_init(void);
/*! The config of a VTY, whether it is a file that is read or somebody who is connected. */
struct config *config_of_vty(const struct vty *vty);
/*! The name of an originator or a peer: 1 to 63 letters, digits, '.', '_' and '-'.
 *  \returns CMD_SUCCESS, or CMD_WARNING and says what a name is. */
int config_check_name(struct vty *vty, const char *name);
/*! Install "show" commands. */
void config_show_init(void);
/*! Read a configuration file. Errors go to stderr with file and line.
 *  \returns 0 or -EINVAL. */
int config_read(struct config *config, const char *path);
/*! What can be wrong although each line is right: no store, no originator, no peer, a source of
 *  recipients that is not complete.
 *  \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int config_check(const struct config *config, struct problem *problem);
/*! Import the cell file again, without stopping anything. */
int config_reload_cells(struct config *config);

/*! Line of the file that is being executed; 0 on a VTY that somebody is connected to. */
unsigned int config_line(struct config *config);
/*! A peer was made by the line that is being executed. */
void config_note_peer(struct config *config, const char *name);
/*! Say in a problem about a peer's configuration where that peer is: file and line, or its name if
 *  it was made on the VTY; and put its name before the sentence. */
void config_place_peer(const struct config *config, const struct peer *peer, struct problem *problem);
/*! Peers of a bearer need what their messages go out with: a sender id.
 *  \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int config_check_bearer(const struct config *config, const struct peer *peer, struct problem *problem);
