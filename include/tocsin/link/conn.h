/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! One TCP connection: connect or take over, cut the stream into frames, queue, close.
 *
 * Nothing here blocks. A conn belongs to its talloc parent and dies once: when it is lost by itself
 * (closed by the far end, an error, framing lost) its socket is closed, on_closed() is called and
 * the owner calls conn_free(); a conn that the owner frees calls nothing. conn_free() is allowed
 * inside every callback. Addresses are literals: no name is ever resolved. */

#include <stddef.h>
#include <stdint.h>

#include <osmocom/core/socket.h>

struct conn;
struct msgb;

/*! Room for the text of an address with port, "[::1]:48049". */
#define CONN_ADDRESS_LEN 64

struct conn_config {
	const char *remote_ip;
	uint16_t remote_port;
	const char *local_ip;		/*!< NULL: the system chooses */
	uint16_t local_port;		/*!< 0: the system chooses */
	unsigned int
		user_timeout_s; /*!< unacknowledged or unanswered that long: lost; 0 = system's */
};

/*! What the owner of a conn provides. All but on_connected are needed. */
struct conn_ops {
	size_t max_frame;	/*!< octets; a longer frame is framing loss */
	size_t max_queue;	/*!< octets that may wait to be sent */
	bool together;		/*!< frames of one turn of the loop leave with one write, at its end: for
				 *   many small ones */
	/*! Length of the frame that starts here. \returns 0: more octets are needed to tell;
	 *  negative: framing is lost. */
	int (*frame_len)(const uint8_t *data, size_t len);
	/*! conn_connect() has succeeded. */
	void (*on_connected)(void *priv);
	/*! One whole frame, borrowed for the call. */
	void (*on_frame)(void *priv, const uint8_t *frame, size_t len);
	/*! After conn_send() said -EAGAIN: there is room again. */
	void (*on_ready)(void *priv);
	/*! The conn is lost; called once. */
	void (*on_closed)(void *priv, const char *why);
};

/*! Start to connect. A fixed local port makes the far end drop a conn of the same four-tuple that
 *  it still believes in (RFC 9293, 3.5.1, half-open connections); such a conn closes with RST,
 * since TIME-WAIT would keep it from connecting again. \param[out] out  the conn; on_connected() or
 * on_closed() will follow. \returns 0 or a negative errno: nothing was made. */
int conn_connect(void *ctx, const struct conn_config *config, const struct conn_ops *ops,
		 void *priv, struct conn **out);
/*! Take over an accepted socket. It is never given up by a timer of the kernel: the far end may
 *  know no way to come back but this conn.
 *  \returns 0 or a negative errno; the socket is taken (closed) in any case. */
int conn_accept(void *ctx, int fd, const struct conn_ops *ops, void *priv, struct conn **out);
void conn_free(struct conn *conn);

/*! Queue a frame. The msgb is taken whatever is returned.
 *  \returns 0; -EAGAIN: the queue is full, on_ready() will tell (an empty queue takes any frame);
 *  -ENOTCONN. */
int conn_send(struct conn *conn, struct msgb *msg);
/*! Octets that the far end's TCP has not acknowledged, those in the queue included. */
size_t conn_unacked(const struct conn *conn);
/*! "127.0.0.1:48049"; never NULL. */
const char *conn_remote(const struct conn *conn);

/*! Read a literal IPv4 or IPv6 address. \returns 0 or -EINVAL. */
int conn_address(const char *ip, uint16_t port, struct osmo_sockaddr *out);
