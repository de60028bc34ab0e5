/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! SQLite handles of the store: one type for its writer and its readers. A handle belongs to one
 *  thread at a time. */

#include <stdbool.h>

#include <sqlite3.h>

#include <tocsin/core/store.h>

/*! Every statement there is, prepared when the handle is opened. */
enum sql_stmt {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_ROLLBACK_TO,
	SQL_RELEASE,
	SQL_SCRUB,
	SQL_SWEEP,
	SQL_TOUCH,
	SQL_FIND_ALERT,
	SQL_PUT_ALERT,
	SQL_PUT_DOCUMENT,
	SQL_PUT_MESSAGE,
	SQL_PUT_SHORT_MESSAGE,
	SQL_PUT_DELIVERY,
	SQL_PUT_TARGETS,
	SQL_PUT_STATE,
	SQL_PUT_EVIDENCE,
	SQL_PUT_HANDLE,
	SQL_DROP_HANDLE,
	SQL_PUT_PEER_NUMBER,
	SQL_PUT_LEDGER,
	SQL_PUT_CANCELLED,
	SQL_PUT_FOLLOWED,
	SQL_PUT_ENDED,
	SQL_PUT_EVENT,
	SQL_PUT_META,
	SQL_FIRST_READ,
	SQL_LOAD_KEYS = SQL_FIRST_READ,
	SQL_LOAD_LIVE,
	SQL_LOAD_LEDGER,
	SQL_READ_ALERTS,
	SQL_READ_ALERT,
	SQL_READ_AREA,
	SQL_READ_MESSAGES,
	SQL_READ_DELIVERIES,
	SQL_READ_N_TARGETS,
	SQL_READ_EVIDENCE,
	SQL_READ_HANDLES,
	SQL_READ_PEER_NUMBERS,
	SQL_READ_META,
	_NUM_SQL
};

struct sql {
	sqlite3 *db;
	sqlite3_stmt *stmts[_NUM_SQL];
	char why[240];		/*!< sentence about the last failure */
	char alert_id[ALERT_ID_LEN + 1];	/*!< the writer's: alert of alert_seq, or empty */
	int64_t alert_seq;
};

#define STORE_DATABASE "tocsin.db"

/*! Open the database for writing, bring its schema up to date, check its integrity. On failure
 *  sql_close() is still due. \returns 0 or a negative errno, why is filled in. */
int sql_open_writer(struct sql *sql, const char *path);
/*! The same for reading only; refuses another version of the schema. */
int sql_open_reader(struct sql *sql, const char *path);
void sql_close(struct sql *sql);
/*! Run a statement that has no parameters and gives no rows. \returns 0 or a negative errno. */
int sql_run(struct sql *sql, enum sql_stmt stmt);
/*! Make the errno of what SQLite returned and keep its message in why. Looks at errno, too, which
 *  is to be 0 before the call that may fail. */
int sql_error(struct sql *sql, int sqlite_rc);

/*! Something that is read with the handle of the store or of a reader. */
int sql_load_keys(struct sql *sql, int (*cb)(const struct alert_row *row, void *data), void *data);
int sql_load_live(struct sql *sql, int (*cb)(const struct alert_row *row, void *data), void *data);
int sql_load_ledger(struct sql *sql, int (*cb)(const struct ledger_entry *entry, void *data), void *data);
int sql_load_messages(struct sql *sql, const char *alert_id,
		      int (*cb)(const struct message *message, void *data), void *data);
int sql_load_deliveries(struct sql *sql, const char *alert_id, const char *peer,
			int (*cb)(const struct delivery_row *row, void *data), void *data);
int sql_load_handles(struct sql *sql, const char *alert_id,
		     int (*cb)(const struct handle_row *row, void *data), void *data);
int sql_load_peer_numbers(struct sql *sql, int (*cb)(uint8_t number, const char *name, void *data), void *data);
char *sql_get_meta(struct sql *sql, void *ctx, const char *key);

/*! Versions of the packed columns, their first octet. */
#define PACKED_VERSION 1
#define EVIDENCE_VERSION 2
/*! Evidence of version 1, in old deliveries, ends earlier. */
#define OLD_EVIDENCE_PACKED_LEN 44
/*! Octets of a packed page: the page and its used length. */
#define PAGE_PACKED_LEN (CBS_PAGE_OCTETS + 1)
/*! Of a packed part of a short message, in the same way. */
#define PART_PACKED_LEN (SMS_SEPTETS + 1)
/*! Of a packed detail: number of digits, telephone number, where the recipient was. */
#define MSISDN_PACKED_LEN 8
#define DETAIL_PACKED_LEN (MSISDN_PACKED_LEN + TARGET_PACKED_LEN)

/*! Targets in a chunk of the evidence of n. */
static inline size_t chunk_targets(size_t n, size_t chunk)
{
	size_t first = chunk * EVIDENCE_CHUNK;

	return first >= n ? 0 : n - first < EVIDENCE_CHUNK ? n - first : EVIDENCE_CHUNK;
}

/*! Space kept in reserve beside the database, so that what must be written on a full disk
 *  (cancels, evidence) can be. (store_reserve.c) */
struct reserve {
	const char *dir;
	const char *path;
	bool there;
	bool spent;	/*!< there is no space for it now: nothing new is to be taken */
};

/*! Make it if it is not there and the disk has several times as much to spare. */
void reserve_make(struct reserve *reserve);
/*! Give the write-ahead log, in that folder, its usual length ahead of its use, if the disk has
 *  several times as much to spare. */
void log_extend(const char *dir);
/*! Give it up. \returns true if that freed space. */
bool reserve_spend(struct reserve *reserve);
