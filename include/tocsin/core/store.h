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
#include <tocsin/core/recipient.h>

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
	int64_t followed_utc;		/*!< when its recipients were first looked for; 0 = not yet */
};

/*! The name that a peer gave to one part of what it took, until its receipt comes. */
struct handle_row {
	const char *peer;		/*!< of the message centre itself */
	const char *handle;
	unsigned int message_nr;
	const char *lane;		/*!< peer of the delivery (the bearer) */
	unsigned int revision;
	size_t target;			/*!< its index in the delivery */
};

/*! One delivery: message × peer × revision. A delivery never gets other targets; those that come
 *  later are a delivery of the next revision. wanted[], details[] and evidence[] are parallel. */
struct delivery_row {
	char alert_id[ALERT_ID_LEN + 1];
	unsigned int message_nr;
	const char *peer;		/*!< name of the peer, or of the bearer */
	unsigned int revision;
	const struct target *wanted;
	const struct recipient_detail *details;	/*!< of recipients; NULL of cells */
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
/*! Of kind MESSAGE_SHORT with all of its sms. */
int store_put_message(struct store_txn *txn, const char *alert_id, const struct message *message);
/*! A new one, never another in the place of what is there (-EEXIST). With details NULL nothing is kept
 *  of them, with evidence NULL nothing has happened yet. */
int store_put_delivery(struct store_txn *txn, const struct delivery_row *row);
/*! The same delivery, its wanted unchanged: settled, time and all evidence. */
int store_put_evidence(struct store_txn *txn, const struct delivery_row *row);
/*! Only settled and time. */
int store_put_delivery_state(struct store_txn *txn, const struct delivery_row *row);
/*! Only the evidence of one chunk: of targets from chunk * EVIDENCE_CHUNK on, at most so many. The row
 *  names the delivery (alert, message, peer, revision) and has all of its evidence and their n; the rest
 *  of it is not looked at. */
int store_put_evidence_chunk(struct store_txn *txn, const struct delivery_row *row, size_t chunk);
/*! Recipients of the alert were looked for at that time. */
int store_put_followed(struct store_txn *txn, const char *alert_id, int64_t utc);
/*! A peer of a bearer has this number from now on (evidence.via), 1 to 255. Neither changes: another
 *  name for the number is -EINVAL, another number for the name -EEXIST, the same again is none. */
int store_put_peer_number(struct store_txn *txn, uint8_t number, const char *name);
/*! In place of what the same peer gave that name to before. Kept until its receipt or until the alert
 *  has ended. */
int store_put_handle(struct store_txn *txn, const char *alert_id, const struct handle_row *row);
/*! Its receipt came. That there is none is no error. */
int store_drop_handle(struct store_txn *txn, const char *peer, const char *handle);
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
int store_load_handles(struct store *store, const char *alert_id,
		       int (*cb)(const struct handle_row *row, void *data), void *data);
int store_load_peer_numbers(struct store *store, int (*cb)(uint8_t number, const char *name, void *data), void *data);
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
/*! Names of the peers of bearers by their number (evidence.via), NULL where there is none.
 *  \param[out] names  talloc array of 256, owning its strings.
 *  \returns 0 or a negative errno. */
int store_read_peer_numbers(struct store_reader *r, void *ctx, char ***names);
int store_read_messages(struct store_reader *r, void *ctx, const char *id, struct message **messages);
/*! Deliveries of an alert, all of one peer (NULL = of all).
 *  \returns number of rows, or a negative errno. */
int store_read_deliveries(struct store_reader *r, void *ctx, const char *id, const char *peer, struct delivery_row **rows);
/*! The same one after the other, of which only one is in memory: it lives during the callback, whose
 *  negative return ends it. \returns 0 or a negative errno. */
int store_read_each_delivery(struct store_reader *r, const char *id,
			     int (*cb)(const struct delivery_row *row, void *data), void *data);
/*! How many targets all deliveries of an alert have; quick. */
int store_read_n_targets(struct store_reader *r, const char *id, size_t *n);
char *store_read_meta(struct store_reader *r, void *ctx, const char *key);
