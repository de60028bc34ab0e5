/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A submission: an alert on its way from the draft to the commit, and what its files know of each other.
 *
 * submission.c has the queue, the answers and the end; submission_alert.c and submission_cancel.c what an
 * Alert, an Update and a Cancel go through; submission_rows.c what they leave in the store. */

#include "core.h"
#include "recall.h"

/*! How far a submission is; each stage has something to give back when it goes no further. */
enum stage {
	STAGE_NEW,	/*!< waits for its turn, or a Cancel for the commit of its alert */
	STAGE_PLAN,	/*!< in the index; its cells are searched */
	STAGE_FILL,	/*!< has its serial numbers; its transaction is filled */
	STAGE_COMMIT,	/*!< the transaction is the store's */
};

struct submission {
	struct llist_head entry;
	struct gateway *gw;
	struct alert_draft *draft;
	struct llist_head askers;
	size_t octets;			/*!< that the draft holds */
	int rank;			/*!< 0 = cancel; else the more urgent the lower */
	enum stage stage;
	struct plan *plan;
	struct live_alert *alert;	/*!< made, waits for the commit */
	struct store_txn *txn;
	size_t n_filled;		/*!< peers of the plan whose deliveries are in it */
	char **cancels;			/*!< ids of live alerts that this one ends */
	size_t n_cancels;
	size_t n_held;			/*!< the first of these: nothing new is written meanwhile */
	struct recall *recall;		/*!< of a Cancel that people are told of */
	int64_t now;			/*!< time of acceptance */
};

/* submission.c */

/*! Was the same alert sent before? Then it has been dealt with. */
bool submission_repeated(struct submission *sub);
/*! From now on it is known, so that a repetition shares its fate. \returns 0 or -ENOMEM. */
int submission_remember(struct submission *sub);
/*! Until what it refers to is decided. */
void submission_wait(struct submission *sub);
/*! Hand its transaction to the store. */
void submission_commit(struct submission *sub);
/*! End it, as if it had never been sent.
 *  \param[in] rc  what stopped it: of -EINVAL and -EBUSY the problem is set already. */
void submission_refuse(struct submission *sub, int rc, struct problem *problem, int64_t retry_after_s);
/*! Has an alert been posted, but not been decided yet? */
bool submission_waits_in(const struct llist_head *list, const char *id);

/* submission_alert.c */

/*! Work on an Alert or Update until that time. */
void submission_work_on_alert(struct submission *sub, int64_t until_ms);

/* submission_cancel.c */

/*! Decide a Cancel. */
void submission_work_on_cancel(struct submission *sub);
/*! Find what it refers to. \returns 1: wait, 0: the references are resolved, negative: refused. */
int submission_resolve(struct submission *sub, struct problem *problem);
/*! An alert that this one ends, unless it has ended already. */
struct live_alert *submission_ends(const struct submission *sub, size_t i);
/*! Put the end of all these into its transaction; nobody gets them any more whom no link has got yet. */
int submission_put_ends(struct submission *sub);

/* submission_rows.c */

/*! The alert's own row, with its answer. 0 of ended_utc: it lives. \returns 0 or -ENOMEM. */
int submission_put_alert(struct submission *sub, int64_t ended_utc);
/*! The alert as it will live, asleep, still without deliveries. \returns 0 or -ENOMEM. */
int submission_make_alert(struct submission *sub, const struct message *messages, size_t n);
int submission_put_messages(const struct submission *sub);

/* submission_answer.c */

/*! The body of the 202, a talloc child of the submission; NULL when out of memory. */
char *submission_answer(struct submission *sub);
/*! When it ends by itself; 0: a Cancel that nobody is told of. */
int64_t submission_expires_utc(const struct submission *sub);

/* replace_type.c */

/*! The protocol identifier of a text of one part (3GPP TS 23.040, 9.2.3.9); 0: it replaces nothing. */
uint8_t replace_type_for(const struct submission *sub, const struct message *message);
