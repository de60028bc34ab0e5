/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store's reading side: rows into structs. A row that does not hold what its type promises is
 * an error with a name, never trusted: the file may have been damaged. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "store_sql.h"

/* Reads the columns of a row in their order; the first error stays, as in wire.h. */
struct columns {
	struct sql *sql;
	sqlite3_stmt *stmt;
	void *ctx;		/* owner of texts */
	int next;
	int error;
};

struct store_reader {
	struct sql sql;
};

static void damaged(struct columns *c)
{
	if (!c->error) {
		c->error = -EBADMSG;
		snprintf(c->sql->why, sizeof(c->sql->why), "column %s is damaged",
			 sqlite3_column_name(c->stmt, c->next - 1));
	}
}

static int64_t col_int(struct columns *c)
{
	return sqlite3_column_int64(c->stmt, c->next++);
}

static int64_t col_range(struct columns *c, int64_t min, int64_t max)
{
	int64_t v = col_int(c);

	if (v < min || v > max)
		damaged(c);
	return v;
}

static char *col_text(struct columns *c)
{
	int i = c->next++;
	const unsigned char *text;
	char *copy;

	if (sqlite3_column_type(c->stmt, i) == SQLITE_NULL)
		return NULL;
	text = sqlite3_column_text(c->stmt, i);
	copy = text ? talloc_strdup(c->ctx, (const char *)text) : NULL;
	if (!copy && !c->error)
		c->error = -ENOMEM;
	return copy;
}

static void col_id(struct columns *c, char id[ALERT_ID_LEN + 1])
{
	const char *text = (const char *)sqlite3_column_text(c->stmt, c->next++);

	if (!text || strlen(text) != ALERT_ID_LEN)
		damaged(c);
	else
		memcpy(id, text, ALERT_ID_LEN + 1);
}

/* Borrowed from the statement until its next step. */
static const uint8_t *col_blob(struct columns *c, size_t *len)
{
	const uint8_t *blob = sqlite3_column_blob(c->stmt, c->next);

	*len = sqlite3_column_bytes(c->stmt, c->next);
	c->next++;
	return blob;
}

static void col_digest(struct columns *c, uint8_t digest[DIGEST_LEN])
{
	size_t len;
	const uint8_t *blob = col_blob(c, &len);

	if (len != DIGEST_LEN)
		damaged(c);
	else
		memcpy(digest, blob, DIGEST_LEN);
}

/* A packed list: one octet of version, then n elements of the same size. */
static const uint8_t *col_packed(struct columns *c, size_t element, size_t *n)
{
	size_t len;
	const uint8_t *blob = col_blob(c, &len);

	*n = 0;
	if (!len || blob[0] != PACKED_VERSION || (len - 1) % element) {
		damaged(c);
		return NULL;
	}
	*n = (len - 1) / element;
	return blob + 1;
}

typedef int (*row_fn)(struct columns *c, void *data);

/* Step through the rows; whatever happens, no read transaction outlives this. */
static int each_row(struct sql *sql, enum sql_stmt stmt, void *ctx, row_fn fn, void *data)
{
	sqlite3_stmt *s = sql->stmts[stmt];
	int step, rc = 0;

	while (rc >= 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
		struct columns c = { .sql = sql, .stmt = s, .ctx = ctx };

		rc = fn(&c, data);
	}
	if (rc >= 0)
		rc = step == SQLITE_DONE ? 0 : sql_error(sql, step);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc;
}

/* Borrowed until each_row() has ended, so that this cannot fail. */
static void bind_text(struct sql *sql, enum sql_stmt stmt, int i, const char *text)
{
	sqlite3_bind_text(sql->stmts[stmt], i, text, -1, SQLITE_STATIC);
}

/* Rows into structs */

static int alert_from_row(struct columns *c, struct alert_row *row)
{
	row->seq = col_int(c);
	col_id(c, row->id);
	row->originator = col_text(c);
	row->source = col_text(c);
	row->sender = col_text(c);
	row->identifier = col_text(c);
	row->sent_utc = col_int(c);
	row->status = col_text(c);
	row->msg_type = col_text(c);
	row->event = col_text(c);
	row->headline = col_text(c);
	row->language = col_text(c);
	row->received_utc = col_int(c);
	row->expires_utc = col_int(c);
	col_digest(c, row->sha256);
	row->n_cells = col_range(c, 0, INT64_MAX);
	row->cancelled_by = col_text(c);
	row->cancelled_utc = col_int(c);
	row->ended_utc = col_int(c);
	row->answer = col_text(c);
	return c->error;
}

static int key_from_row(struct columns *c, struct alert_row *row)
{
	row->seq = col_int(c);
	col_id(c, row->id);
	row->originator = col_text(c);
	row->sender = col_text(c);
	row->identifier = col_text(c);
	row->sent_utc = col_int(c);
	col_digest(c, row->sha256);
	return c->error;
}

static void pages_from_row(struct columns *c, struct cbs_pages *pages)
{
	const uint8_t *p;
	size_t n, i;

	pages->dcs = col_range(c, 0, UINT8_MAX);
	pages->cut = col_int(c);
	pages->text_octets = col_range(c, 0, INT64_MAX);
	p = col_packed(c, PAGE_PACKED_LEN, &n);
	if (n > CBS_MAX_PAGES) {
		damaged(c);
		return;
	}
	pages->n = n;
	for (i = 0; i < n; i++, p += PAGE_PACKED_LEN) {
		memcpy(pages->page[i].octets, p, CBS_PAGE_OCTETS);
		pages->page[i].used = p[CBS_PAGE_OCTETS];
		if (pages->page[i].used > CBS_PAGE_OCTETS)
			damaged(c);
	}
}

static int message_from_row(struct columns *c, struct message *m)
{
	m->nr = col_range(c, 1, UINT32_MAX);
	m->kind = col_range(c, MESSAGE_TEXT, MESSAGE_EMERGENCY);
	m->class = col_range(c, MESSAGE_CLASS_NATIONAL, MESSAGE_CLASS_OTHER);
	m->drill = col_int(c);
	m->identifier = col_range(c, 0, UINT16_MAX);
	m->serial = col_range(c, 0, UINT16_MAX);
	m->warning_type = col_range(c, 0, UINT16_MAX);
	m->expires_utc = col_int(c);
	m->language = col_text(c);
	m->text = col_text(c);
	pages_from_row(c, &m->pages);
	return c->error;
}

static void targets_from_row(struct columns *c, struct delivery_row *row)
{
	const uint8_t *p = col_packed(c, TARGET_PACKED_LEN, &row->n);
	struct target *t = talloc_array(c->ctx, struct target, row->n);
	size_t i;

	if (!t && !c->error)
		c->error = -ENOMEM;
	for (i = 0; t && i < row->n; i++) {
		target_unpack(p + i * TARGET_PACKED_LEN, &t[i]);
		if (!target_valid(&t[i]) || (i && target_compare(&t[i - 1], &t[i]) >= 0))
			damaged(c);
	}
	row->wanted = t;
}

static void evidence_from_row(struct columns *c, struct delivery_row *row)
{
	size_t n, i;
	const uint8_t *p = col_packed(c, EVIDENCE_PACKED_LEN, &n);
	struct evidence *e = talloc_zero_array(c->ctx, struct evidence, row->n);

	if (!e && !c->error)
		c->error = -ENOMEM;
	/* None at all: nothing has happened yet. */
	if (n && n != row->n) {
		damaged(c);
		n = 0;
	}
	for (i = 0; e && i < n; i++)
		evidence_unpack(p + i * EVIDENCE_PACKED_LEN, &e[i]);
	row->evidence = e;
}

static int delivery_from_row(struct columns *c, const char *alert_id, struct delivery_row *row)
{
	OSMO_STRLCPY_ARRAY(row->alert_id, alert_id);
	row->message_nr = col_range(c, 1, UINT32_MAX);
	row->peer = col_text(c);
	row->revision = col_range(c, 0, UINT32_MAX);
	row->settled = col_int(c);
	row->updated_utc = col_int(c);
	targets_from_row(c, row);
	evidence_from_row(c, row);
	if (c->error == -EBADMSG)
		snprintf(c->sql->why, sizeof(c->sql->why),
			 "alert=%s peer=%.64s: the stored targets or evidence of message %u are damaged",
			 row->alert_id, row->peer ? row->peer : "?", row->message_nr);
	return c->error;
}

/* Loading: a callback per row, whose texts live as long as it runs */

struct load {
	const char *alert_id;
	int (*on_alert)(const struct alert_row *row, void *data);
	int (*on_message)(const struct message *message, void *data);
	int (*on_delivery)(const struct delivery_row *row, void *data);
	int (*on_entry)(const struct ledger_entry *entry, void *data);
	void *data;
};

/* Gives the row a context of its own and calls back. */
static int load_row(struct columns *c, row_fn fn, struct load *load)
{
	int rc = -ENOMEM;

	c->ctx = talloc_new(NULL);
	if (c->ctx)
		rc = fn(c, load);
	talloc_free(c->ctx);
	return rc < 0 ? rc : 0;
}

static int load_key(struct columns *c, void *data)
{
	struct load *load = data;
	struct alert_row row = { 0 };
	int rc = key_from_row(c, &row);

	return rc < 0 ? rc : load->on_alert(&row, load->data);
}

static int load_alert(struct columns *c, void *data)
{
	struct load *load = data;
	struct alert_row row = { 0 };
	int rc = alert_from_row(c, &row);

	return rc < 0 ? rc : load->on_alert(&row, load->data);
}

static int load_message(struct columns *c, void *data)
{
	struct load *load = data;
	struct message message = { 0 };
	int rc = message_from_row(c, &message);

	return rc < 0 ? rc : load->on_message(&message, load->data);
}

static int load_delivery(struct columns *c, void *data)
{
	struct load *load = data;
	struct delivery_row row = { 0 };
	int rc = delivery_from_row(c, load->alert_id, &row);

	return rc < 0 ? rc : load->on_delivery(&row, load->data);
}

static int load_entry(struct columns *c, void *data)
{
	struct load *load = data;
	struct ledger_entry entry;

	entry.identifier = col_range(c, 0, UINT16_MAX);
	entry.code = col_range(c, 0, 1023);
	entry.update = col_range(c, 0, 15);
	entry.free_utc = col_int(c);
	return c->error ? c->error : load->on_entry(&entry, load->data);
}

static int on_key(struct columns *c, void *data) { return load_row(c, load_key, data); }
static int on_alert(struct columns *c, void *data) { return load_row(c, load_alert, data); }
static int on_message(struct columns *c, void *data) { return load_row(c, load_message, data); }
static int on_delivery(struct columns *c, void *data) { return load_row(c, load_delivery, data); }

int sql_load_keys(struct sql *sql, int (*cb)(const struct alert_row *row, void *data), void *data)
{
	struct load load = { .on_alert = cb, .data = data };

	return each_row(sql, SQL_LOAD_KEYS, NULL, on_key, &load);
}

int sql_load_live(struct sql *sql, int (*cb)(const struct alert_row *row, void *data), void *data)
{
	struct load load = { .on_alert = cb, .data = data };

	return each_row(sql, SQL_LOAD_LIVE, NULL, on_alert, &load);
}

int sql_load_ledger(struct sql *sql, int (*cb)(const struct ledger_entry *entry, void *data),
		    void *data)
{
	struct load load = { .on_entry = cb, .data = data };

	return each_row(sql, SQL_LOAD_LEDGER, NULL, load_entry, &load);
}

int sql_load_messages(struct sql *sql, const char *alert_id,
		      int (*cb)(const struct message *message, void *data), void *data)
{
	struct load load = { .on_message = cb, .data = data };

	bind_text(sql, SQL_READ_MESSAGES, 1, alert_id);
	return each_row(sql, SQL_READ_MESSAGES, NULL, on_message, &load);
}

int sql_load_deliveries(struct sql *sql, const char *alert_id, const char *peer,
			int (*cb)(const struct delivery_row *row, void *data), void *data)
{
	struct load load = { .alert_id = alert_id, .on_delivery = cb, .data = data };

	bind_text(sql, SQL_READ_DELIVERIES, 1, alert_id);
	bind_text(sql, SQL_READ_DELIVERIES, 2, peer);
	return each_row(sql, SQL_READ_DELIVERIES, NULL, on_delivery, &load);
}

static int meta_row(struct columns *c, void *data)
{
	*(char **)data = col_text(c);
	return c->error;
}

char *sql_get_meta(struct sql *sql, void *ctx, const char *key)
{
	char *value = NULL;

	bind_text(sql, SQL_READ_META, 1, key);
	(void)each_row(sql, SQL_READ_META, ctx, meta_row, &value);	/* NULL says it */
	return value;
}

/* Reading into arrays */

/* A growing talloc array; the texts of its elements are its children. */
struct rows {
	void *ctx;
	void *array;
	size_t size;		/* of an element */
	size_t n, max;
	const char *alert_id;
};

static int rows_init(struct rows *rows, void *ctx, size_t size)
{
	*rows = (struct rows){ .size = size, .max = 16 };
	rows->array = talloc_size(ctx, rows->size * rows->max);
	return rows->array ? 0 : -ENOMEM;
}

/* \returns the next element, zeroed, or NULL. */
static void *rows_next(struct rows *rows)
{
	void *more;

	if (rows->n == rows->max) {
		more = talloc_realloc_size(NULL, rows->array, rows->size * rows->max * 2);
		if (!more)
			return NULL;
		rows->array = more;
		rows->max *= 2;
	}
	return memset((char *)rows->array + rows->size * rows->n++, 0, rows->size);
}

static int rows_end(struct rows *rows, int rc, void *out)
{
	if (rc < 0) {
		talloc_free(rows->array);
		return rc;
	}
	memcpy(out, &rows->array, sizeof(rows->array));
	return rows->n;
}

static int read_alert_row(struct columns *c, void *data)
{
	struct rows *rows = data;
	struct alert_row *row = rows_next(rows);

	c->ctx = rows->array;
	return row ? alert_from_row(c, row) : -ENOMEM;
}

static int read_message_row(struct columns *c, void *data)
{
	struct rows *rows = data;
	struct message *message = rows_next(rows);

	c->ctx = rows->array;
	return message ? message_from_row(c, message) : -ENOMEM;
}

static int read_delivery_row(struct columns *c, void *data)
{
	struct rows *rows = data;
	struct delivery_row *row = rows_next(rows);

	c->ctx = rows->array;
	return row ? delivery_from_row(c, rows->alert_id, row) : -ENOMEM;
}

static int reader_destructor(struct store_reader *r)
{
	sql_close(&r->sql);
	return 0;
}

struct store_reader *store_reader_open(void *ctx, const char *dir, struct problem *problem)
{
	struct store_reader *r = talloc_zero(ctx, struct store_reader);
	char *path = talloc_asprintf(r, "%s/" STORE_DATABASE, dir);
	int rc;

	if (!r || !path) {
		talloc_free(r);
		problem_set(problem, PROBLEM_STORE_UNAVAILABLE, dir, 0, "no memory");
		return NULL;
	}
	talloc_set_destructor(r, reader_destructor);
	rc = sql_open_reader(&r->sql, path);
	talloc_free(path);
	if (rc < 0) {
		problem_set(problem, PROBLEM_STORE_UNAVAILABLE, dir, 0, "%s", r->sql.why);
		talloc_free(r);
		return NULL;
	}
	return r;
}

const char *store_reader_why(const struct store_reader *r)
{
	return r->sql.why;
}

int store_read_alerts(struct store_reader *r, void *ctx, int64_t before_seq, size_t max,
		      struct alert_row **out)
{
	sqlite3_stmt *stmt = r->sql.stmts[SQL_READ_ALERTS];
	struct rows rows;
	int rc = rows_init(&rows, ctx, sizeof(struct alert_row));

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(stmt, 1, before_seq);
	sqlite3_bind_int64(stmt, 2, max > INT32_MAX ? INT32_MAX : max);
	rc = each_row(&r->sql, SQL_READ_ALERTS, NULL, read_alert_row, &rows);
	return rows_end(&rows, rc, out);
}

struct one_alert {
	struct alert_row row;
	bool found;
};

static int read_one_alert(struct columns *c, void *data)
{
	struct one_alert *one = data;
	const uint8_t *bytes;
	int rc = alert_from_row(c, &one->row);

	if (rc < 0)
		return rc;
	one->found = true;
	bytes = col_blob(c, &one->row.n_bytes);
	one->row.bytes = bytes ? talloc_memdup(c->ctx, bytes, one->row.n_bytes) : NULL;
	return bytes && !one->row.bytes ? -ENOMEM : 0;
}

int store_read_alert(struct store_reader *r, void *ctx, const char *id, bool with_bytes,
		     struct alert_row *row)
{
	struct one_alert one = { .found = false };
	int rc;

	bind_text(&r->sql, SQL_READ_ALERT, 1, id);
	sqlite3_bind_int(r->sql.stmts[SQL_READ_ALERT], 2, with_bytes);
	rc = each_row(&r->sql, SQL_READ_ALERT, ctx, read_one_alert, &one);
	if (rc < 0)
		return rc;
	*row = one.row;	/* last: the id asked for may lie in it */
	return one.found ? 0 : -ENOENT;
}

struct one_area {
	char *text;
	bool found;
};

static int read_one_area(struct columns *c, void *data)
{
	struct one_area *one = data;

	one->found = true;
	one->text = col_text(c);
	return c->error;
}

int store_read_area(struct store_reader *r, void *ctx, const char *id, char **area)
{
	struct one_area one = { .found = false };
	int rc;

	bind_text(&r->sql, SQL_READ_AREA, 1, id);
	rc = each_row(&r->sql, SQL_READ_AREA, ctx, read_one_area, &one);
	*area = one.text;
	if (rc < 0)
		return rc;
	return one.found ? 0 : -ENOENT;
}

int store_read_messages(struct store_reader *r, void *ctx, const char *id, struct message **out)
{
	struct rows rows;
	int rc = rows_init(&rows, ctx, sizeof(struct message));

	if (rc < 0)
		return rc;
	bind_text(&r->sql, SQL_READ_MESSAGES, 1, id);
	rc = each_row(&r->sql, SQL_READ_MESSAGES, NULL, read_message_row, &rows);
	return rows_end(&rows, rc, out);
}

int store_read_deliveries(struct store_reader *r, void *ctx, const char *id, const char *peer,
			  struct delivery_row **out)
{
	struct rows rows;
	int rc = rows_init(&rows, ctx, sizeof(struct delivery_row));

	if (rc < 0)
		return rc;
	rows.alert_id = id;
	bind_text(&r->sql, SQL_READ_DELIVERIES, 1, id);
	bind_text(&r->sql, SQL_READ_DELIVERIES, 2, peer);
	rc = each_row(&r->sql, SQL_READ_DELIVERIES, NULL, read_delivery_row, &rows);
	return rows_end(&rows, rc, out);
}

char *store_read_meta(struct store_reader *r, void *ctx, const char *key)
{
	return sql_get_meta(&r->sql, ctx, key);
}
