/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the parts of link_smpp know of each other.
 *
 * A peer has one or two sessions (SMPP 3.4, 2.2), each over a link of its own, and is up while all
 * of them are bound. Requests of core's become submits, which live from submit() to the answer to
 * their last part, or until core forgets the request; all of them die when the peer goes down. */

#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>

#include <tocsin/codec/smpp.h>
#include <tocsin/link/link_smpp.h>

#include "rate.h"
#include "smpp_pace.h"

struct smpp_link;

struct smpp_session {
	struct smpp_link *sl;
	struct link *link;
	enum smpp_command bind;		/*!< how it is bound */
	uint32_t bind_sequence;		/*!< the answer has it; 0: none is awaited */
	enum peer_state state;
	char why[128];
};

enum smpp_submit_state {
	SMPP_SUBMIT_BEHIND,	/*!< waits for another one to the same recipient */
	SMPP_SUBMIT_READY,	/*!< its next part leaves when the pace allows */
	SMPP_SUBMIT_OUT,	/*!< a part has no answer yet */
};

/*! One request on its way: one recipient, all parts, one part at a time. */
struct smpp_submit {
	struct llist_head entry;	/*!< smpp_link.submits, in order of arrival */
	struct llist_head in_ready;
	struct hlist_node by_sequence;
	struct hlist_node by_destination;
	enum smpp_submit_state state;
	uint32_t id;			/*!< of core's request, which may be gone */
	uint32_t sequence;		/*!< of the part that is out */
	uint64_t destination;
	int64_t ends_ms;		/*!< the message's life, monotonic */
	unsigned int round;		/*!< of the pace */
	unsigned int part;		/*!< out or next, from 0 */
	const char *handles[SMS_MAX_PARTS];
	unsigned int n_handles;
	bool stored;			/*!< in transaction mode the centre said that it stored a part */
};

struct smpp_link {
	struct peer *peer;
	struct smpp_config config;	/*!< when the link was opened; its strings are ours */
	struct smpp_session session[2];	/*!< the first one submits */
	unsigned int n_sessions;
	bool up;
	uint32_t sequence;		/*!< last one used */
	struct smpp_pace pace;
	struct llist_head submits;
	struct llist_head ready;
	unsigned int n_submits, n_ready, n_behind;
	DECLARE_HASHTABLE(by_sequence, 8);
	DECLARE_HASHTABLE(by_destination, 8);
	bool starved;			/*!< there was no room: peer_ready() is owed */
	struct osmo_timer_list tick;
	int64_t tick_due_ms;
	struct llist_head early;	/*!< receipts that lead nowhere as yet, oldest first */
	unsigned int n_early;
	bool ids_missing;		/*!< the last answer had no message id to go by */
	bool ids_doubtful;		/*!< message ids alone prove nothing: they were given
					 *   twice, or come in two bases */
	struct rate malformed, unmatched, refused;
};

/* link_smpp.c */

uint32_t smpp_next_sequence(struct smpp_link *sl);
int smpp_send(struct smpp_session *session, const struct smpp_pdu *pdu);

/* smpp_rx.c */

/*! One whole PDU from the centre, borrowed. */
void smpp_rx(struct smpp_session *session, const uint8_t *octets, size_t len);
/*! An answer or receipt that belongs to nothing. */
void smpp_unmatched(struct smpp_link *sl, const struct smpp_pdu *pdu);

/* smpp_part.c: what leaves. */

/*! May all parts of the request leave? \param[out] destination  the same for the same recipient.
 *  \returns 0 or -EINVAL. */
int smpp_request_check(const struct smpp_config *config, const struct peer_request *request,
		       uint64_t *destination);
/*! One part (from 0) of a request that was checked as a submit_sm, all but its sequence number. */
void smpp_part(const struct smpp_config *config, const struct peer_request *request,
	       unsigned int part, int64_t remaining_s, struct smpp_pdu *pdu);

/* smpp_submit.c: submits and their answers. */

void smpp_submits_init(struct smpp_link *sl);
int smpp_submit(struct smpp_link *sl, const struct peer_request *request);
/*! An answer to a submit_sm, or a generic_nack. */
void smpp_submit_answered(struct smpp_session *session, const struct smpp_pdu *pdu);
/*! The peer is down: nothing that is under way is known any more. */
void smpp_submits_forget(struct smpp_link *sl);
/*! Requests that would be taken now. */
unsigned int smpp_room(struct smpp_link *sl);
/*! Something moved: send what may leave, and tell core when there is room again. */
void smpp_go_on(struct smpp_link *sl);
/*! The wall clock was stepped. */
void smpp_rearm(struct smpp_link *sl);

/* smpp_answer.c: what a status means. */

/*! \param[in] taken  parts before this one were taken. */
enum peer_answer smpp_answer_of(enum smpp_mode mode, uint32_t status, bool taken);
bool smpp_is_throttled(uint32_t status);
uint8_t smpp_cause_of(uint32_t status);
const char *smpp_cause_name(uint8_t cause);

/* smpp_receipts.c */

/*! Octets of a handle, with the NUL. */
#define SMPP_HANDLE_SIZE SMPP_MESSAGE_ID_SIZE
/*! The one form of a message id: lower case, no leading zeros.
 *  \returns false if nothing can be found again by it. */
bool smpp_handle_of(const char *message_id, char out[SMPP_HANDLE_SIZE]);
/*! A deliver_sm, which may be a receipt. */
void smpp_receipt(struct smpp_link *sl, const struct smpp_pdu *pdu);
/*! Core knows new handles: do receipts that came before belong to them? */
void smpp_receipts_retry(struct smpp_link *sl);
/*! No answer is awaited any more that could explain them. */
void smpp_receipts_give_up(struct smpp_link *sl);
/*! The recipient that an IMSI names. \returns false if the address is none. */
bool smpp_imsi(const struct smpp_address *address, struct target *target);
