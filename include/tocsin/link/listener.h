/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Listening sockets and who is let in.
 *
 * There is one socket per (local address, local port), shared by all members that expect their peer
 * there. A connection is handed to the member whose peer it comes from; all others are closed at
 * once, and counted per socket. A socket lives as long as it has members; freeing a member (a
 * talloc object) is to leave. A member must not be freed inside on_conn(). */

#include <stdint.h>

struct listeners;
struct listener_member;

struct listener_config {
	const char *local_ip;	/*!< literal */
	uint16_t local_port;	/*!< 0: any free one */
	const char *remote_ip;	/*!< literal, of the same family */
	uint16_t remote_port;	/*!< 0: any */
};

struct listener_ops {
	/*! A connection from the member's peer: takes the socket. */
	void (*on_conn)(void *priv, int fd);
	/*! One came from the member's address, but from a port that no member has; it was closed.
	 */
	void (*on_refused)(void *priv);
};

/*! The set of all listening sockets; freed after its members. */
struct listeners *listeners_alloc(void *ctx);

/*! Wait for a peer. A local address that the host does not have yet is fine.
 *  \returns 0; -EEXIST: another member there could not be told apart from this one (the same
 *  remote address, unless both have a port and the ports differ); -EINVAL for a malformed address;
 *  -EADDRINUSE, -EACCES etc. from the system. */
int listener_join(void *ctx, struct listeners *set, const struct listener_config *config,
		  const struct listener_ops *ops, void *priv, struct listener_member **out);
/*! The local port in use. */
uint16_t listener_port(const struct listener_member *member);
/*! The wall clock was stepped: arm the timer again that waits for free descriptors. */
void listener_rearm(struct listener_member *member);
