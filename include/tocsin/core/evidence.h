/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What is known about one target of one delivery, and what follows from it.
 *
 * Evidence is only ever what was sent and what a peer said. The functions that change it are named
 * after what happened; a newer event clears what it makes obsolete, so no times are compared.
 * evidence_outcome() is the only place that names a state: API, VTY, metrics and log all read it.
 * Times are UTC seconds in 32 bits (until 2106); 0 = never. */

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/core/peer.h>

/*! The states of a target, one list everywhere. */
enum outcome {
	OUTCOME_ACCEPTED,	/*!< durable, not yet looked at */
	OUTCOME_HELD,		/*!< waits for a release */
	OUTCOME_SCHEDULED,	/*!< waits for its time */
	OUTCOME_QUEUED,		/*!< wanted, waits for what evidence_wait says */
	OUTCOME_SENT,		/*!< handed to the peer, no answer yet */
	OUTCOME_TAKEN,		/*!< the peer confirmed it */
	OUTCOME_BROADCASTING,	/*!< the peer counts broadcasts */
	OUTCOME_DELIVERED,	/*!< the recipient has it */
	OUTCOME_STOPPED,	/*!< not on air, and meant to be so */
	OUTCOME_REFUSED,	/*!< the peer refused it */
	OUTCOME_FAILED,		/*!< the peer says that the target broadcasts nothing */
	OUTCOME_UNKNOWN,	/*!< it may be on air or not: no answer, or the answer is no longer good */
	_NUM_OUTCOME
};

/*! Why a target that is wanted on air has not been written. */
enum wait_reason {
	WAIT_NEW,		/*!< about to be sent; evidence of all zeros says so */
	WAIT_NONE,
	WAIT_LINK,		/*!< the peer's link is down */
	WAIT_CAPACITY,		/*!< more important messages fill the cell */
	WAIT_RETRY,		/*!< refused or silent before, next try is timed */
	WAIT_TURN,		/*!< another request to that peer comes first */
	WAIT_PEER,		/*!< the peer is not configured */
	WAIT_BROADCAST,		/*!< goes out only if broadcast does not reach its cell */
	_NUM_WAIT
};

/*! Why an earlier confirmation is no longer good. */
enum doubt {
	DOUBT_NONE,
	DOUBT_LINK,		/*!< the link was down since */
	DOUBT_RESTART,		/*!< this daemon restarted since */
	DOUBT_KEPT,		/*!< the peer restarted and says its data are there */
	DOUBT_LOST,		/*!< the peer says its data are lost */
	DOUBT_ABSENT,		/*!< the peer was asked and does not have it */
	DOUBT_FAILED,		/*!< the peer says that the target broadcasts nothing */
	DOUBT_SILENT,		/*!< the peer was asked and did not answer */
};

/*! Why a target is not the delivery's any more, whatever becomes of the message. */
enum target_left {
	TARGET_STAYS,
	TARGET_MOVED,		/*!< the cell table gives it to another peer */
	TARGET_VANISHED,	/*!< the cell table does not have it */
	_NUM_TARGET_LEFT
};

/*! All there is about one target. A value, packed into the store as it is described there. */
struct evidence {
	uint32_t write_sent;	/*!< last write handed to the peer */
	uint32_t write_answered;
	uint32_t stop_sent;	/*!< last stop since that write */
	uint32_t stop_answered;
	uint32_t query_sent;
	uint32_t count_at;	/*!< when count was reported */
	uint32_t rose_at;	/*!< when count was last seen higher than before */
	uint32_t doubt_at;
	uint16_t count;		/*!< broadcasts reported since the write; of a recipient: parts of the
				 *   message that receipts say it has */
	uint16_t period;	/*!< repetition period of the write, the peer's unit */
	uint8_t write_answer;	/*!< enum peer_answer */
	uint8_t write_cause;
	uint8_t stop_answer;
	uint8_t stop_cause;
	uint8_t doubt;		/*!< enum doubt */
	uint8_t wait;		/*!< enum wait_reason */
	uint8_t attempts;	/*!< writes or stops without success, saturating */
	uint8_t flags;
	uint8_t via;		/*!< number of the peer of a bearer that it was handed to last; 0 = none */
	uint8_t left;		/*!< enum target_left: unless 0 it is not wanted here */
	uint8_t spare[2];	/*!< 0; so that nothing of it is padding */
};

/*! It was on air, or may have been: a stop is owed before it counts as stopped. */
#define EVIDENCE_MAYBE_ON_AIR 0x01
/*! A request is outstanding (in memory only: cleared when loaded). */
#define EVIDENCE_OUT_WRITE 0x02
#define EVIDENCE_OUT_STOP 0x04
#define EVIDENCE_OUT_QUERY 0x08

/*! The peer had it before this write: the first count that it reports is no rise. */
#define EVIDENCE_NO_BASELINE 0x20
/*! The target is a recipient: what it has cannot be taken back, and it gets the message once. Where
 *  it was on air, read: the recipient may have it. Set by evidence_init(). */
#define EVIDENCE_ONCE 0x40
/*! Of a recipient: a receipt without a handle named it. A hint, no proof. */
#define EVIDENCE_HINT 0x80

#define EVIDENCE_PACKED_LEN 48
/*! Evidence is stored in chunks of so many targets. */
#define EVIDENCE_CHUNK 256

/*! Of a target to which nothing has happened yet. */
void evidence_init(struct evidence *e, const struct target *target);

void evidence_pack(const struct evidence *e, uint8_t out[EVIDENCE_PACKED_LEN]);
void evidence_unpack(const uint8_t in[EVIDENCE_PACKED_LEN], struct evidence *e);

/* What happened. */
void evidence_sent(struct evidence *e, enum peer_verb verb, uint16_t period, int64_t now);
void evidence_answered(struct evidence *e, enum peer_verb verb, const struct peer_result *result, int64_t now);
/*! A receipt for one of so many parts of a short message: DELIVERED or GIVEN_UP. */
void evidence_receipt(struct evidence *e, const struct peer_result *result, unsigned int n_parts, int64_t now);
/*! The cell table says another thing about the target's peer than before. */
void evidence_left(struct evidence *e, enum target_left left);
/*! The deadline of a request passed without an answer. */
void evidence_silent(struct evidence *e, enum peer_verb verb, int64_t now);
void evidence_doubted(struct evidence *e, enum doubt doubt, int64_t now);

/* What follows. */

/*! \param[in] on  the message is wanted on air now; here and below, a target that left is not. */
enum outcome evidence_outcome(const struct evidence *e, bool on);
/*! What is to be done next depends on these too. */
struct evidence_rules {
	bool can_query;		/*!< the peer can be asked how the message is doing */
	bool leave_unknown;	/*!< a recipient that may have it gets no second copy */
};
/*! What is to be done next; _NUM_PEER_VERB = nothing.
 *  \param[out] due_utc  when: in the past or now = at once; INT64_MAX = never by itself. */
enum peer_verb evidence_next(const struct evidence *e, bool on, const struct evidence_rules *rules,
			     int64_t now, int64_t *due_utc);
/*! Of a recipient: an attempt was made before, and came to nothing that is known. */
bool evidence_is_retry(const struct evidence *e);
/*! After a stop the peer said that it does not have the message. */
bool evidence_stop_proved(const struct evidence *e);
/*! Nothing is owed any more: wanted off and known to be off, by the peer's answer to a question where
 *  it can be asked; of a recipient: no answer is awaited. */
bool evidence_settled(const struct evidence *e, bool on, const struct evidence_rules *rules);

/*! Stable words for API, VTY, metrics. Never NULL. */
const char *outcome_name(enum outcome outcome);
int outcome_parse(const char *name);
const char *wait_reason_name(enum wait_reason wait);
const char *doubt_name(enum doubt doubt);
const char *target_left_name(enum target_left left);
