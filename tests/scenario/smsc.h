/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A model of a message centre behind fake peer_ops: what it takes, how it answers, and how it
 *  misbehaves.
 *
 * In transaction mode the answer to a part tells what the phone did, as with OsmoMSC; in store mode
 * it is taken at once, kept until the phone can be reached, and receipts follow. The model of its
 * link has one text to each phone under way, sends its parts in order, each after the answer to the
 * one before, and keeps a receipt back that comes before the answer which names it. It outlives the
 * daemon. Tests set its members. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>

#include <tocsin/core/peer.h>

struct world;
struct phone;

enum smsc_mode { SMSC_TRANSACTION, SMSC_STORE };

struct fake_smsc {
	struct world *w;
	char name[16];
	struct peer *peer;		/*!< NULL while the daemon is down */
	struct peer_caps caps;
	unsigned int preference;
	enum smsc_mode mode;

	/* Behaviour. */
	bool wire;			/*!< the link comes up when it can */
	bool up;			/*!< it is */
	int64_t up_ms;			/*!< since when */
	bool deaf;			/*!< submits are lost */
	bool mute;			/*!< does the work and does not answer */
	bool throttled;			/*!< takes nothing, and says so */
	bool sure;			/*!< where a phone did not acknowledge: it does not have it
					 *   [false: nobody knows, as with OsmoMSC] */
	bool queue_full;		/*!< -EAGAIN until it is false and smsc_ready() is called */
	unsigned int pace_ms;		/*!< between two submits; 0 = none */
	unsigned int to_ms;		/*!< until a submit is there */
	unsigned int phone_ms;		/*!< until the phone has it */
	unsigned int paging_ms;		/*!< until a silent phone is given up */
	unsigned int answer_ms;		/*!< until its answer is back */
	unsigned int receipt_ms;	/*!< from the phone to the receipt */
	unsigned int keep_ms;		/*!< store mode: gives up after so long [0: as long as it is valid] */
	bool lose_receipts;
	bool double_receipts;
	bool same_handles;		/*!< as another centre gives */
	bool hint_receipts;		/*!< without a handle: recipient and reference */
	bool says_available;		/*!< tells when a phone attaches */

	struct llist_head requests;	/*!< that the link has, and those whose answer is lost */
	struct llist_head stored;	/*!< parts that wait for their phone, or for their receipt */
	struct llist_head jobs;		/*!< what happens next, sorted by time */
	struct osmo_timer_list jobs_timer, link_timer;
	unsigned int last_handle;
	unsigned int backoff_ms;	/*!< after a throttled submit; 0 = none */
	int64_t room_ms;		/*!< from then on it takes one more */

	/* What was seen. */
	unsigned int submits;		/*!< requests */
	unsigned int again;		/*!< those that said so */
	unsigned int most_out;		/*!< requests outstanding at one time */
	unsigned int unmatched;		/*!< answers that came too late */
	int64_t silent_ms;		/*!< last deadline that passed of what is gone now */
	unsigned int turned_away;	/*!< requests for which it had no room any more */
};

extern const struct peer_ops fake_smsc_ops;

struct fake_smsc *smsc_alloc(struct world *w, unsigned int nr);
void smsc_release(struct fake_smsc *smsc);
/*! Tell the new daemon's peer. \returns 0 or a negative errno. */
int smsc_attach(struct fake_smsc *smsc);
/*! Cut or mend the link. What is on its way to the centre gets there, and its answer is lost. */
void smsc_set_wire(struct fake_smsc *smsc, bool wire);
/*! Cut the link; what was in flight toward the centre is lost too. */
void smsc_cut(struct fake_smsc *smsc);
/*! The wall clock was set, which timers follow and this must not. */
void smsc_clock_set(struct fake_smsc *smsc);
/*! Its send queue has room. */
void smsc_ready(struct fake_smsc *smsc);
/*! A phone came back: what waits for it goes, and who wants to know is told. */
void smsc_phone_attached(struct fake_smsc *smsc, struct phone *phone);
/*! Has it left a request without an answer until after its deadline? */
bool smsc_was_silent(const struct fake_smsc *smsc, int64_t lately_ms);
/*! Requests that the link has and that are not answered. */
unsigned int smsc_outstanding(const struct fake_smsc *smsc);
