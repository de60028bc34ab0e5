/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A peer: the network element that puts messages on air or hands them to recipients.
 *
 * This is where core and link meet. Core says what it wants through struct peer_ops, one per
 * protocol, filled in by link/; the link reports what the peer said through the functions below.
 * Nothing else in the program knows which protocol a peer speaks. A peer belongs to its
 * struct peer_set; freeing it closes its link. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/core/message.h>
#include <tocsin/core/target.h>

struct peer;
struct peer_set;
struct peer_request;

/*! What a request asks of a peer. */
enum peer_verb {
	PEER_WRITE,	/*!< put a message on air */
	PEER_STOP,	/*!< take it off the air */
	PEER_QUERY,	/*!< how often was it broadcast */
	_NUM_PEER_VERB
};

/*! One request, owned by core until peer_request_done() or its deadline. */
struct peer_request {
	uint32_t id;			/*!< unique among those outstanding at the peer; never 0 */
	enum peer_verb verb;
	const struct message *message;
	const struct target *targets;	/*!< sorted */
	const struct recipient_detail *details;	/*!< one per target where these are recipients, else NULL */
	size_t n_targets;
	uint16_t period;		/*!< repetition period in the peer's own unit (write) */
	int64_t remaining_s;		/*!< life that is left, seconds, at least 1 (write) */
	bool again;			/*!< this message may already be there (write) */
};

/*! What a peer said about one target of a request. */
enum peer_answer {
	PEER_ANSWER_NONE,	/*!< nothing: it stays unknown */
	PEER_ANSWER_DONE,
	PEER_ANSWER_ALREADY,	/*!< write: the same message is there already: a confirmation */
	PEER_ANSWER_ABSENT,	/*!< stop, query: no such message there */
	PEER_ANSWER_REFUSED,	/*!< refused for a reason that may pass */
	PEER_ANSWER_IMPOSSIBLE,	/*!< refused for a reason that lies in the target (unknown cell, no broadcast there) */
	PEER_ANSWER_DELIVERED,	/*!< write: the recipient has it */
	PEER_ANSWER_LATER,	/*!< write: not taken, for a reason that lies in the peer alone (busy) */
	PEER_ANSWER_GIVEN_UP,	/*!< write: taken before, and the peer has given it up (a receipt) */
	_NUM_PEER_ANSWER
};

struct peer_result {
	enum peer_answer answer;
	uint8_t cause;		/*!< the protocol's own cause, peer_ops.cause_name() */
	bool has_count;		/*!< count holds a number of broadcasts */
	uint16_t count;
	/*! Of a write that was DONE: names under which receipts will come, one per part of the
	 *  message; NULL: no receipt will come. */
	const char *const *handles;
	size_t n_handles;
};

/*! What a link can do, constant per peer while its link is up. */
struct peer_caps {
	size_t max_targets;	/*!< targets in one request */
	unsigned int window;	/*!< requests that may be outstanding */
	unsigned int room;	/*!< more requests that it would take now, by its pace; peer_ready() tells
				 *   when there is more. UINT_MAX: any number */
	unsigned int deadline_s;	/*!< for the answer to a request; of a short message, for each part */
	bool one_per_message;	/*!< one request of each verb per message, since answers do not name
				 *   their request */
	bool mark_first;	/*!< what it took cannot be taken back: a request is durable before its
				 *   octets leave */
	uint16_t period;	/*!< repetition period for targets with nothing on air, own unit */
	unsigned int period_unit_ms;	/*!< length of that unit */
	unsigned int pages_per_period;	/*!< 1: in one unit of the period one page fits (GSM); 0: no limit */
	bool can_query;		/*!< it can be asked how often a text was broadcast */
	bool can_query_emergency;
};

enum peer_state { PEER_DOWN, PEER_CONNECTING, PEER_OPENING, PEER_UP };

/*! One table per protocol. All calls return at once. */
struct peer_ops {
	const char *protocol;	/*!< "cbsp" */
	/*! Peers of one bearer stand for each other: what goes to one of them can go to any, and the
	 *  one of the lowest preference() that is up gets it. NULL: each peer has its own targets. */
	const char *bearer;
	/*! Start to keep the link up until close(). \returns 0 or a negative errno (bad configuration). */
	int (*open)(struct peer *peer);
	void (*close)(struct peer *peer);
	void (*caps)(const struct peer *peer, struct peer_caps *caps);
	/*! Hand a request to the peer. \returns 0: its octets are written or queued for this conn;
	 *  -ENOTCONN; -EAGAIN: the send queue is full, try when peer_ready() was called; -EINVAL. */
	int (*submit)(struct peer *peer, const struct peer_request *request);
	int (*withdraw)(struct peer *peer, const struct peer_request *request);
	int (*query)(struct peer *peer, const struct peer_request *request);
	const char *(*cause_name)(uint8_t cause);
	/*! Text of the remote end ("127.0.0.1:48049"), or NULL. */
	const char *(*remote)(const struct peer *peer);
	/*! Milliseconds until the next attempt to connect, -1 if none is waited for. */
	int64_t (*retry_ms)(const struct peer *peer);
	/*! With a bearer only: the lower, the earlier it is used. */
	unsigned int (*preference)(const struct peer *peer);
};

/*! Why something on air may be gone. */
enum peer_loss {
	PEER_LOSS_DATA_LOST,	/*!< the peer says its data are lost */
	PEER_LOSS_DATA_KEPT,	/*!< it restarted and says its data are there */
	PEER_LOSS_FAILED,	/*!< the cell broadcasts nothing for now */
};

/* What the link tells core. */

void peer_set_state(struct peer *peer, enum peer_state state, const char *why);
/*! The send queue has room again. */
void peer_ready(struct peer *peer);
/*! Outstanding request of that verb, NULL if there is none (count and drop the answer). */
const struct peer_request *peer_request_find(struct peer *peer, enum peer_verb verb,
					      uint16_t identifier, uint16_t serial);
/*! The same by its id: NULL if it is not outstanding any more. */
const struct peer_request *peer_request_by_id(struct peer *peer, uint32_t id);
/*! A part of the request was answered: its deadline begins anew. */
void peer_request_goes_on(struct peer *peer, const struct peer_request *request);
/*! The request found there was answered.
 *  \param[in] results  one per target, in the order of the request. */
void peer_request_done(struct peer *peer, const struct peer_request *request,
		       const struct peer_result *results);
/*! The peer reported a restart or failure.
 *  \param[in] kind      which messages are concerned; 0 = all.
 *  \param[in] patterns  which targets; n = 0 means all of the peer. */
void peer_report_loss(struct peer *peer, enum peer_loss loss, enum message_kind kind,
		      const struct target_pattern *patterns, size_t n);
/*! Who is meant by a handle that the peer gave (struct peer_result), while its receipt is awaited?
 *  \returns false: unknown, or its receipt came before. */
bool peer_handle_find(struct peer *peer, const char *handle, struct target *target,
		      struct recipient_detail *detail);
/*! Its receipt came: DELIVERED or GIVEN_UP. Each handle counts once. */
void peer_handle_done(struct peer *peer, const char *handle, const struct peer_result *result);
/*! A receipt came that names its recipient and a reference, but no handle. No proof: it changes no
 *  state and is shown as what it is. */
void peer_receipt_hint(struct peer *peer, const struct target *target, uint8_t reference);
/*! The peer says that this recipient can be reached now: what waits for a later attempt goes. */
void peer_target_available(struct peer *peer, const struct target *target);
/*! An answer that nobody asked for came: counted. */
void peer_unmatched(struct peer *peer);

/* Peers as core and front see them. */

/*! \param[in] config  the link's own configuration, a talloc object: becomes a child of the peer. */
struct peer *peer_alloc(struct peer_set *set, const char *name, const struct peer_ops *ops, void *config);
/*! Close the link and forget the peer; deliveries to it stay and wait. */
void peer_free(struct peer *peer);
const char *peer_name(const struct peer *peer);
const struct peer_ops *peer_ops(const struct peer *peer);
/*! The protocol's configuration given to peer_alloc(). */
void *peer_config(const struct peer *peer);
/*! The link's own state, set by its open(). */
void *peer_link(const struct peer *peer);
void peer_link_set(struct peer *peer, void *link);
enum peer_state peer_state(const struct peer *peer);
const char *peer_state_name(enum peer_state state);
/*! Why it is in that state, and since when (UTC seconds). */
const char *peer_state_why(const struct peer *peer);
int64_t peer_state_since(const struct peer *peer);
struct peer *peer_by_name(const struct peer_set *set, const char *name);
/*! Next peer by name order of configuration; NULL starts, NULL ends. */
struct peer *peer_next(const struct peer_set *set, const struct peer *after);

/*! Per-peer counters, walked by metrics and VTY. */
enum peer_ctr {
	PEER_CTR_LINK_UP, PEER_CTR_LINK_DOWN, PEER_CTR_TX, PEER_CTR_RX, PEER_CTR_RX_MALFORMED,
	PEER_CTR_RX_UNMATCHED, PEER_CTR_REQUESTS, PEER_CTR_TIMEOUTS, PEER_CTR_CONN_REFUSED,
};
void peer_count(struct peer *peer, enum peer_ctr ctr);
