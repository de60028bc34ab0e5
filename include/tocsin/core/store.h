/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The store: SQLite in WAL mode with synchronous=FULL, written by one thread of its own.
 *
 * The loop fills a transaction with rows (each is copied) and hands it over with store_commit();
 * the writer runs those that wait together in one commit and reports each back on the loop. What
 * was committed survives a crash of the program or the machine. Readers have handles of their own
 * and see the last commit. Nothing but this module knows SQL. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/digest.h>
#include <tocsin/base/problem.h>
#include <tocsin/core/draft.h>
#include <tocsin/core/evidence.h>
#include <tocsin/core/ledger.h>
#include <tocsin/core/message.h>

struct store;
struct store_txn;
struct store_reader;

/*! One alert. Strings are borrowed when written, talloc children of the owner when read. */
struct alert_row {
	char id[ALERT_ID_LEN + 1];
	int64_t seq;			/*!< order of acceptance, set by the store */
	const char *originator;
	const char *source;
	const char *sender;
	const char *identifier;
	int64_t sent_utc;
	const char *status;		/*!< CAP's word */
	const char *msg_type;
	const char *event;		/*!< of the info that is broadcast; NULL without info */
	const char *headline;
	const char *language;
	int64_t received_utc;
	int64_t expires_utc;		/*!< 0 = none (Cancel) */
	uint8_t sha256[DIGEST_LEN];
	const uint8_t *bytes;		/*!< read only when asked for */
	size_t n_bytes;
	const char *area;		/*!< GeoJSON; NULL = none. Written only: see store_read_area() */
	const char *answer;		/*!< JSON body of the 202 */
	const char *cancelled_by;	/*!< alert id; NULL = not cancelled */
	int64_t cancelled_utc;
	int64_t ended_utc;		/*!< nothing is owed any more; 0 = live */
	size_t n_cells;
};

/*! One delivery: message × peer. wanted[] and evidence[] are parallel. */
struct delivery_row {
	char alert_id[ALERT_ID_LEN + 1];
	unsigned int message_nr;
	const char *peer;
	unsigned int revision;		/*!< of wanted */
	const struct target *wanted;
	const struct evidence *evidence;	/*!< NULL when written: nothing has happened yet */
	size_t n;
	bool settled;
	int64_t updated_utc;
};

/*! Open or create the database in that folder, bring its schema up to date, check its integrity.
 *  \returns NULL with PROBLEM_STORE_UNAVAILABLE. */
struct store *store_open(void *ctx, const char *dir, struct problem *problem);
/*! Start the writer thread; without it store_drain() does the work (tests, simulation). */
int store_start(struct store *store);
/*! Commit what is waiting, stop the thread, close. Reports what was waiting from within this call;
 *  not to be called from a store_done. */
void store_close(struct store *store);
const char *store_dir(const struct store *store);
/*! Run all waiting transactions here and now and call their callbacks. Not with a thread. */
void store_drain(struct store *store);
/*! Transactions handed over and not yet reported back. */
size_t store_pending(const struct store *store);
/*! Milliseconds for which transactions have waited without any being reported back; 0 = none waits. */
int64_t store_stalled_ms(const struct store *store);

/*! \param[in] rc  0, -ENOSPC (no space), -EIO or another negative errno: nothing of it was kept. */
typedef void (*store_done)(int rc, void *data);

struct store_txn *store_txn_alloc(struct store *store);
/*! All of these return 0 or -ENOMEM; after -ENOMEM the commit fails. */
int store_put_alert(struct store_txn *txn, const struct alert_row *row);
int store_put_message(struct store_txn *txn, const char *alert_id, const struct message *message);
int store_put_delivery(struct store_txn *txn, const struct delivery_row *row);
/*! The same delivery, its wanted unchanged: settled, time and evidence. */
int store_put_evidence(struct store_txn *txn, const struct delivery_row *row);
int store_put_ledger(struct store_txn *txn, const char *alert_id, const struct ledger_entry *entry);
int store_put_cancelled(struct store_txn *txn, const char *alert_id, const char *by, int64_t utc);
int store_put_ended(struct store_txn *txn, const char *alert_id, int64_t utc);
int store_put_event(struct store_txn *txn, const char *alert_id, int64_t utc, const char *kind, const char *detail);
/*! A named value ("cell-table"). */
int store_put_meta(struct store_txn *txn, const char *key, const char *value);
/*! Hand it over; takes the transaction whatever happens. done is called on the loop, never from
 *  within this call (but from store_drain()). */
void store_commit(struct store *store, struct store_txn *txn, store_done done, void *data);
/*! Take back what store_commit() was given and has not reported yet.
 *  \returns 0: the writer had not begun it, nothing of it will be kept and done will not be called;
 *  -EBUSY: it had; done will tell. */
int store_withdraw(struct store_txn *txn);

/* Reading at start, on the loop's thread, before store_start(). Each calls back per row; a
 * negative return of the callback ends it. Rows live during the callback only. */
int store_load_keys(struct store *store, int (*cb)(const struct alert_row *row, void *data), void *data);
int store_load_live(struct store *store, int (*cb)(const struct alert_row *row, void *data), void *data);
int store_load_messages(struct store *store, const char *alert_id,
			int (*cb)(const struct message *message, void *data), void *data);
int store_load_deliveries(struct store *store, const char *alert_id,
			  int (*cb)(const struct delivery_row *row, void *data), void *data);
int store_load_ledger(struct store *store, int (*cb)(const struct ledger_entry *entry, void *data), void *data);
/*! \returns talloc string, NULL if there is none. */
char *store_get_meta(struct store *store, void *ctx, const char *key);

/* Reading from any thread: a handle per thread. No read transaction outlives one call. */
struct store_reader *store_reader_open(void *ctx, const char *dir, struct problem *problem);
/*! A sentence about the last failure of a call below. */
const char *store_reader_why(const struct store_reader *r);
/*! Alerts, newest first, continuing below a seq (INT64_MAX: from the newest).
 *  \returns number of rows (talloc array of ctx), or a negative errno. */
int store_read_alerts(struct store_reader *r, void *ctx, int64_t before_seq, size_t max, struct alert_row **rows);
/*! \returns 0, -ENOENT, or a negative errno. */
int store_read_alert(struct store_reader *r, void *ctx, const char *id, bool with_bytes, struct alert_row *row);
/*! The area that the alert was decided on, as GeoJSON.
 *  \param[out] area  talloc string; NULL for an alert without area (Cancel), and for one of a time
 *                    when it was not kept.
 *  \returns 0, -ENOENT, or a negative errno. */
int store_read_area(struct store_reader *r, void *ctx, const char *id, char **area);
int store_read_messages(struct store_reader *r, void *ctx, const char *id, struct message **messages);
/*! Deliveries of an alert, all of one peer (NULL = of all).
 *  \returns number of rows, or a negative errno. */
int store_read_deliveries(struct store_reader *r, void *ctx, const char *id, const char *peer, struct delivery_row **rows);
char *store_read_meta(struct store_reader *r, void *ctx, const char *key);
