/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The signalling association to a peer, common to all protocols. Drawing: doc/link-fsm.dot.
 *
 * A link outlives its conns: DOWN, CONNECTING, OPENING (the protocol's own greeting), UP, and DOWN
 * again, for ever, until it is freed. It reports every change to its struct peer, or to a protocol
 * that makes one peer of several links. In the connecting role it waits with growing, jittered
 * delays between attempts. In the listening role the peer comes to us, and its newest conn wins.
 * There a silent conn takes the link DOWN but is kept, with an unanswered keep-alive in it: a peer
 * that believes in a dead conn would never open another, and this way the line heals by itself.
 *
 * A link is never freed inside its own callbacks. Its timers follow the wall clock, as osmo_timer
 * does, but are checked against the monotonic one: a step forward fires none of them early, and
 * link_rearm() undoes a step back. */

#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/peer.h>

struct link;
struct listeners;
struct msgb;

enum link_role { LINK_CONNECT, LINK_LISTEN };

struct link_config {
	enum link_role role;
	char *remote_ip;		/*!< literal; required */
	uint16_t remote_port;		/*!< 0: any (listen) */
	char *local_ip;			/*!< literal; NULL: any */
	uint16_t local_port;		/*!< 0: any (connect) */
	unsigned int keep_alive_s;
	unsigned int keep_alive_timeout_s;
	unsigned int tcp_user_timeout_s;	/*!< connect; 0 = the system's */
	unsigned int backoff_min_ms;
	unsigned int backoff_max_ms;
	struct listeners *listeners;	/*!< listen: shared by all peers; borrowed */
};

/*! Usual times; role connect, no address. */
void link_config_init(struct link_config *config);
/*! \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int link_config_check(const struct link_config *config, struct problem *problem);

/*! One table per protocol. */
struct link_ops {
	bool together;		/*!< as of conn_ops */
	size_t max_frame;	/*!< octets; a longer frame is framing loss */
	/*! As in struct conn_ops. */
	int (*frame_len)(const uint8_t *data, size_t len);
	/*! A conn stands, the state is OPENING: greet the peer, and call link_opened() now or when
	 * it has answered. */
	void (*on_connected)(void *priv);
	/*! One whole frame, borrowed, in OPENING and UP. */
	void (*on_frame)(void *priv, const uint8_t *frame, size_t len);
	/*! Make a message that the peer must answer. NULL when out of memory. */
	struct msgb *(*keep_alive)(void *priv);
	/* The rest may be NULL. */
	/*! The link changed its state, or why it is in it. NULL: that is the peer's state too. A link
	 *  calls it as early as in link_open(). */
	void (*on_state)(void *priv, enum peer_state state, const char *why);
	/*! After link_send() said -EAGAIN: there is room again. NULL: peer_ready(). */
	void (*on_ready)(void *priv);
	/*! The wall clock was stepped: arm the protocol's own timers again. */
	void (*on_rearm)(void *priv);
};

/*! Open the link; it starts to connect or to listen at once.
 *  \param[in] config  copied: later changes concern the next link_open().
 *  \param[out] out  a talloc object; freeing it closes the link without a word to the peer object.
 *  \returns 0; -EINVAL; -EEXIST: two listening peers could not be told apart; or what the system
 *  says about the listening socket. */
int link_open(void *ctx, struct peer *peer, const struct link_config *config,
	      const struct link_ops *ops, void *priv, struct link **out);

/*! The greeting is done: the link is UP. */
void link_opened(struct link *link);
/*! Hand a message to the conn, which takes it whatever is returned.
 *  \returns 0; -EAGAIN: full, on_ready() will be called; -ENOTCONN. */
int link_send(struct link *link, struct msgb *msg);
/*! Close the conn there is; the link goes on (connects again, or waits for the peer). */
void link_drop(struct link *link, const char *why);
/*! The wall clock was stepped: arm all timers again, the protocol's own too. */
void link_rearm(struct link *link);

enum peer_state link_state(const struct link *link);
/*! Far end of the conn ("127.0.0.1:48049"), NULL if there is none. */
const char *link_remote(const struct link *link);
/*! Milliseconds until the next attempt to connect, -1 if none is waited for. */
int64_t link_retry_ms(const struct link *link);
