/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <src/core/schema_sql.h>

#define SCHEMA_VERSION 3
#define BUSY_TIMEOUT_MS 5000

/* Columns in the order of alert_from_row(). */
#define ALERT_COLUMNS "seq, id, originator, source, sender, identifier, sent_utc, status, msg_type, event," \
	" headline, language, received_utc, expires_utc, sha256, n_cells, cancelled_by, cancelled_utc," \
	" ended_utc, answer, followed_utc"

/* The delivery that parameters 1 to 4 name. Where its number is wanted, it is asked for as a value:
 * an INSERT ... SELECT could be of many rows, and would keep a journal of its own each time. */
#define THE_DELIVERY "alert = ?1 AND message = ?2 AND peer = ?3 AND revision = ?4"

/* An INSERT ... SELECT inserts nothing for an alert that is not there, which is then an error. */
static const char *const statements[_NUM_SQL] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT txn",
	[SQL_ROLLBACK_TO] = "ROLLBACK TO txn",
	[SQL_RELEASE] = "RELEASE txn",
	[SQL_SCRUB] = "INSERT INTO meta (key, value) VALUES ('failed-commits', '1')"
		" ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
	[SQL_TOUCH] = "INSERT INTO meta (key, value) VALUES ('log-begun', '1')"
		" ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
	[SQL_FIND_ALERT] = "SELECT seq FROM alert WHERE id = ?",
	[SQL_PUT_ALERT] = "INSERT INTO alert (id, originator, source, sender, identifier, sent_utc, status,"
		" msg_type, event, headline, language, received_utc, expires_utc, sha256, n_cells,"
		" cancelled_by, cancelled_utc, ended_utc, answer, followed_utc)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_PUT_DOCUMENT] = "INSERT INTO document (alert, bytes, area)"
		" SELECT seq, ?2, ?3 FROM alert WHERE id = ?1",
	[SQL_PUT_MESSAGE] = "INSERT INTO message (alert, nr, kind, class, drill, identifier, serial,"
		" warning_type, expires_utc, language, text, dcs, cut, text_octets, pages)"
		" SELECT seq, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15"
		" FROM alert WHERE id = ?1",
	[SQL_PUT_SHORT_MESSAGE] = "INSERT INTO short_message (alert, message, sender_kind, sender_text, protocol_id,"
		" reference, alphabet, cut, text_octets, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_PUT_DELIVERY] = "INSERT INTO delivery (alert, message, peer, revision, n, settled, updated_utc)"
		" VALUES (?, ?, ?, ?, ?, ?, ?)",
	/* Of the delivery that was put just before. */
	[SQL_PUT_TARGETS] = "INSERT INTO delivery_targets (delivery, wanted, details)"
		" VALUES (last_insert_rowid(), ?, ?)",
	[SQL_PUT_STATE] = "UPDATE delivery SET settled = ?5, updated_utc = ?6 WHERE " THE_DELIVERY,
	[SQL_PUT_EVIDENCE] = "INSERT INTO evidence (delivery, chunk, packed)"
		" VALUES ((SELECT id FROM delivery WHERE " THE_DELIVERY "), ?5, ?6)"
		" ON CONFLICT (delivery, chunk) DO UPDATE SET packed = excluded.packed",
	/* A message centre that begins to count anew gives a name again: the later one counts. */
	[SQL_PUT_HANDLE] = "INSERT INTO handle (peer, handle, delivery, target)"
		" VALUES (?5, ?6, (SELECT id FROM delivery WHERE " THE_DELIVERY " AND ?7 < n), ?7)"
		" ON CONFLICT (peer, handle) DO UPDATE SET delivery = excluded.delivery,"
		" target = excluded.target",
	[SQL_DROP_HANDLE] = "DELETE FROM handle WHERE peer = ? AND handle = ?",
	/* Some of the handles of a delivery whose alert has ended. Few deliveries have any, so they are
	 * looked for from one to the next in the index. */
	[SQL_SWEEP] = "DELETE FROM handle WHERE (peer, handle) IN (SELECT peer, handle FROM handle"
		" WHERE delivery = (WITH RECURSIVE owner (id) AS (SELECT min(delivery) FROM handle UNION ALL"
		" SELECT (SELECT min(delivery) FROM handle WHERE delivery > id) FROM owner WHERE id IS NOT NULL)"
		" SELECT delivery.id FROM owner JOIN delivery ON delivery.id = owner.id"
		" JOIN alert ON seq = delivery.alert WHERE ended_utc != 0 LIMIT 1) LIMIT 1000)",
	/* A number that has a name keeps it, since evidence was written with it: NULL is refused. */
	[SQL_PUT_PEER_NUMBER] = "INSERT INTO peer_number (number, name) VALUES (?, ?)"
		" ON CONFLICT (number) DO UPDATE SET name = CASE name WHEN excluded.name THEN name END",
	[SQL_PUT_LEDGER] = "INSERT INTO ledger (identifier, code, update_nr, free_utc, alert)"
		" SELECT ?2, ?3, ?4, ?5, seq FROM alert WHERE id = ?1"
		" ON CONFLICT (identifier, code) DO UPDATE SET update_nr = excluded.update_nr,"
		" free_utc = excluded.free_utc, alert = excluded.alert",
	[SQL_PUT_CANCELLED] = "UPDATE alert SET cancelled_by = ?2, cancelled_utc = ?3 WHERE id = ?1",
	[SQL_PUT_FOLLOWED] = "UPDATE alert SET followed_utc = ?2 WHERE id = ?1",
	[SQL_PUT_ENDED] = "UPDATE alert SET ended_utc = ?2 WHERE id = ?1",
	[SQL_PUT_EVENT] = "INSERT INTO event (alert, utc, kind, detail)"
		" SELECT (SELECT seq FROM alert WHERE id = ?1), ?2, ?3, ?4"
		" WHERE ?1 IS NULL OR EXISTS (SELECT 1 FROM alert WHERE id = ?1)",
	[SQL_PUT_META] = "INSERT INTO meta (key, value) VALUES (?, ?)"
		" ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[SQL_LOAD_KEYS] = "SELECT seq, id, originator, sender, identifier, sent_utc, sha256 FROM alert"
		" ORDER BY seq",
	[SQL_LOAD_LIVE] = "SELECT " ALERT_COLUMNS " FROM alert WHERE ended_utc = 0 ORDER BY seq",
	[SQL_LOAD_LEDGER] = "SELECT identifier, code, update_nr, free_utc FROM ledger",
	[SQL_READ_ALERTS] = "SELECT " ALERT_COLUMNS " FROM alert WHERE seq < ? ORDER BY seq DESC LIMIT ?",
	[SQL_READ_ALERT] = "SELECT " ALERT_COLUMNS ","
		" CASE WHEN ?2 THEN (SELECT bytes FROM document WHERE alert = seq) END"
		" FROM alert WHERE id = ?1",
	[SQL_READ_AREA] = "SELECT area FROM alert JOIN document ON document.alert = alert.seq WHERE id = ?",
	[SQL_READ_MESSAGES] = "SELECT nr, kind, class, drill, message.identifier, serial, warning_type,"
		" message.expires_utc, message.language, text, dcs, message.cut, message.text_octets, pages,"
		" sender_kind, sender_text, protocol_id, reference, alphabet, short_message.cut,"
		" short_message.text_octets, parts"
		" FROM alert JOIN message ON message.alert = alert.seq"
		" LEFT JOIN short_message ON short_message.alert = seq AND short_message.message = nr"
		" WHERE alert.id = ? ORDER BY nr",
	[SQL_READ_DELIVERIES] = "SELECT delivery.id, delivery.message, delivery.peer, delivery.revision, n,"
		" delivery.settled, delivery.updated_utc, ifnull(delivery_targets.wanted, old.wanted), details,"
		" old.evidence FROM alert JOIN delivery ON delivery.alert = alert.seq"
		" LEFT JOIN delivery_targets ON delivery_targets.delivery = delivery.id"
		" LEFT JOIN old_delivery AS old ON old.alert = delivery.alert AND old.message = delivery.message"
		" AND old.peer = delivery.peer AND old.revision = delivery.revision"
		" WHERE alert.id = ?1 AND (?2 IS NULL OR delivery.peer = ?2)"
		" ORDER BY delivery.message, delivery.peer, delivery.revision",
	[SQL_READ_N_TARGETS] = "SELECT ifnull(sum(n), 0) FROM alert JOIN delivery ON delivery.alert = alert.seq"
		" WHERE alert.id = ?",
	[SQL_READ_EVIDENCE] = "SELECT chunk, packed FROM evidence WHERE delivery = ? ORDER BY chunk",
	[SQL_READ_HANDLES] = "SELECT handle.peer, handle, message, delivery.peer, revision, target, n"
		" FROM alert JOIN delivery ON delivery.alert = alert.seq JOIN handle ON handle.delivery = delivery.id"
		" WHERE alert.id = ?",
	[SQL_READ_PEER_NUMBERS] = "SELECT number, name FROM peer_number",
	[SQL_READ_META] = "SELECT value FROM meta WHERE key = ?",
};

static int constraint_errno(int extended)
{
	return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ?
	       -EEXIST : -EINVAL;
}

/* No space shows as SQLITE_FULL for ENOSPC only; a quota or a limit of file size as an I/O error
 * whose cause is, after a failed COMMIT, not in sqlite3_system_errno() but still in errno. */
static int io_errno(int system)
{
	return system == ENOSPC || system == EDQUOT || system == EFBIG ? -ENOSPC : -EIO;
}

int sql_error(struct sql *sql, int sqlite_rc)
{
	int system = errno;

	snprintf(sql->why, sizeof(sql->why), "%s", sql->db ? sqlite3_errmsg(sql->db) : "no memory");
	switch (sqlite_rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		return constraint_errno(sqlite_rc);
	case SQLITE_MISMATCH:
		return -EINVAL;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
		return (sqlite_rc == SQLITE_IOERR_NOMEM) ? -ENOMEM : io_errno(system);
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
		return -EROFS;
	default:
		return -EIO;
	}
}

int sql_run(struct sql *sql, enum sql_stmt stmt)
{
	int rc;

	errno = 0;
	rc = sqlite3_step(sql->stmts[stmt]);
	rc = rc == SQLITE_DONE ? 0 : sql_error(sql, rc);
	sqlite3_reset(sql->stmts[stmt]);
	return rc;
}

static int exec(struct sql *sql, const char *text)
{
	int rc = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_error(sql, rc);
}

static int prepare(struct sql *sql, enum sql_stmt first)
{
	size_t i;
	int rc;

	for (i = first; i < _NUM_SQL; i++) {
		rc = sqlite3_prepare_v3(sql->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
					&sql->stmts[i], NULL);
		if (rc != SQLITE_OK)
			return sql_error(sql, rc);
	}
	return 0;
}

/* First column of the first row. \returns 0 or a negative errno. */
static int ask(struct sql *sql, const char *text, char *answer, size_t size)
{
	const char *value = NULL;
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(sql->db, text, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		value = (const char *)sqlite3_column_text(stmt, 0);
	if (value) {
		snprintf(answer, size, "%s", value);
		rc = 0;
	} else {
		rc = sql_error(sql, rc);
		rc = rc ? rc : -ENOMEM;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* The statements of one upgrade: from its mark to the next. \returns malloc()ed text or NULL. */
static char *upgrade_text(int version)
{
	char mark[32];
	const char *start, *end;

	snprintf(mark, sizeof(mark), "-- upgrade %d\n", version);
	start = strstr(schema_sql, mark);
	if (!start)
		return NULL;
	start += strlen(mark);
	end = strstr(start, "-- upgrade ");
	return strndup(start, end ? (size_t)(end - start) : strlen(start));
}

static int upgrade(struct sql *sql, int version)
{
	char set[48], *text = upgrade_text(version);
	int rc;

	if (!text)
		return -ENOMEM;
	snprintf(set, sizeof(set), "PRAGMA user_version = %d", version);
	rc = exec(sql, "BEGIN IMMEDIATE");
	if (!rc)
		rc = exec(sql, text);
	if (!rc)
		rc = exec(sql, set);
	if (!rc)
		rc = exec(sql, "COMMIT");
	if (rc && !sqlite3_get_autocommit(sql->db))
		sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
	free(text);
	return rc;
}

static int check_version(struct sql *sql, int *version)
{
	char text[16];
	int rc = ask(sql, "PRAGMA user_version", text, sizeof(text));

	if (rc)
		return rc;
	*version = atoi(text);
	if (*version > SCHEMA_VERSION) {
		snprintf(sql->why, sizeof(sql->why), "the database has version %d, this program knows"
			 " versions up to %d: it was written by a newer one", *version, SCHEMA_VERSION);
		rc = -EPROTONOSUPPORT;
	}
	return rc;
}

static int bring_up_to_date(struct sql *sql)
{
	int version, rc = check_version(sql, &version);

	while (!rc && version < SCHEMA_VERSION)
		rc = upgrade(sql, ++version);
	return rc;
}

static int check_integrity(struct sql *sql)
{
	char verdict[200];
	int rc = ask(sql, "PRAGMA quick_check(1)", verdict, sizeof(verdict));

	if (rc || !strcmp(verdict, "ok"))
		return rc;
	snprintf(sql->why, sizeof(sql->why), "%s", verdict);
	return -EBADMSG;
}

/* Some damage is a verdict of the check, some keeps SQLite from coming as far as that. */
static int name_damage(struct sql *sql, int rc)
{
	char why[200];

	if (rc != -EBADMSG)
		return rc;
	snprintf(why, sizeof(why), "%.199s", sql->why);
	snprintf(sql->why, sizeof(sql->why), "the database is damaged: %s", why);
	return rc;
}

static int open_handle(struct sql *sql, const char *path, int flags)
{
	int rc = sqlite3_open_v2(path, &sql->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return sql_error(sql, rc);
	sqlite3_extended_result_codes(sql->db, 1);
	sqlite3_busy_timeout(sql->db, BUSY_TIMEOUT_MS);
	/* Sub-journals of savepoints must not depend on the space in /tmp. */
	return exec(sql, "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
		    "PRAGMA cell_size_check = ON");
}

int sql_open_writer(struct sql *sql, const char *path)
{
	char mode[16];
	int version, rc;

	/* Its counts of memory take a lock for each piece; refused, which is harmless, once it runs. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	rc = open_handle(sql, path, SQLITE_OPEN_READWRITE);
	/* A newer database is left as it is, down to its journal. */
	if (!rc)
		rc = check_version(sql, &version);
	if (!rc)
		rc = ask(sql, "PRAGMA journal_mode = WAL", mode, sizeof(mode));
	if (!rc && strcmp(mode, "wal")) {
		snprintf(sql->why, sizeof(sql->why), "the file system does not allow a write-ahead log");
		rc = -ENOTSUP;
	}
	if (!rc)
		rc = exec(sql, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
			  "PRAGMA journal_size_limit = 67108864");
	if (!rc)
		rc = bring_up_to_date(sql);
	if (!rc)
		rc = check_integrity(sql);
	if (!rc)
		rc = prepare(sql, SQL_BEGIN);
	return name_damage(sql, rc);
}

int sql_open_reader(struct sql *sql, const char *path)
{
	int version, rc = open_handle(sql, path, SQLITE_OPEN_READONLY);

	if (!rc)
		rc = check_version(sql, &version);
	if (!rc && version != SCHEMA_VERSION) {
		snprintf(sql->why, sizeof(sql->why), "the database has version %d and must be upgraded", version);
		rc = -EPROTONOSUPPORT;
	}
	return rc ? rc : prepare(sql, SQL_FIRST_READ);
}

void sql_close(struct sql *sql)
{
	size_t i;

	for (i = 0; i < _NUM_SQL; i++) {
		sqlite3_finalize(sql->stmts[i]);
		sql->stmts[i] = NULL;
	}
	sqlite3_close(sql->db);
	sql->db = NULL;
}
