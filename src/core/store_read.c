/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store's reading side: alerts, messages and what is small; deliveries have a file of their own. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "store_rows.h"

struct store_reader {
	struct sql sql;
};

static void col_id(struct columns *c, char id[ALERT_ID_LEN + 1])
{
	const char *text = (const char *)sqlite3_column_text(c->stmt, c->next++);

	if (!text || strlen(text) != ALERT_ID_LEN)
		damaged(c);
	else
		memcpy(id, text, ALERT_ID_LEN + 1);
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
	row->followed_utc = col_int(c);
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

static bool part_valid(const struct sms_part *part, enum sms_alphabet alphabet)
{
	return alphabet == SMS_GSM7 ? part->len <= SMS_SEPTETS :
				      part->len <= SMS_UCS2_OCTETS && part->len % 2 == 0;
}

static void parts_from_row(struct columns *c, struct sms_text *parts)
{
	const uint8_t *p;
	size_t n, i;

	parts->alphabet = col_range(c, SMS_GSM7, SMS_UCS2);
	parts->cut = col_int(c);
	parts->text_octets = col_range(c, 0, INT64_MAX);
	p = col_packed(c, PART_PACKED_LEN, &n);
	if (!n || n > SMS_MAX_PARTS) {
		damaged(c);
		return;
	}
	parts->n = n;
	for (i = 0; i < n; i++, p += PART_PACKED_LEN) {
		memcpy(parts->part[i].octets, p, SMS_SEPTETS);
		parts->part[i].len = p[SMS_SEPTETS];
		if (!part_valid(&parts->part[i], parts->alphabet))
			damaged(c);
	}
}

static void sender_from_row(struct columns *c, struct sender_id *sender)
{
	const char *text;

	sender->kind = col_range(c, SENDER_ALPHANUMERIC, SENDER_SHORT_CODE);
	text = col_text(c);
	if (!text || !*text || strlen(text) > SENDER_ID_MAX)
		damaged(c);
	else
		OSMO_STRLCPY_ARRAY(sender->text, text);
}

static const struct short_message *short_message_from_row(struct columns *c)
{
	struct short_message *sms = talloc_zero(c->ctx, struct short_message);

	if (!sms) {
		no_memory(c);
		return NULL;
	}
	sender_from_row(c, &sms->sender);
	sms->protocol_id = col_range(c, 0, UINT8_MAX);
	sms->reference = col_range(c, 0, UINT8_MAX);
	parts_from_row(c, &sms->parts);
	return sms;
}

static int message_from_row(struct columns *c, struct message *m)
{
	m->nr = col_range(c, 1, UINT32_MAX);
	m->kind = col_range(c, MESSAGE_TEXT, MESSAGE_SHORT);
	m->class = col_range(c, MESSAGE_CLASS_NATIONAL, MESSAGE_CLASS_OTHER);
	m->drill = col_int(c);
	m->identifier = col_range(c, 0, UINT16_MAX);
	m->serial = col_range(c, 0, UINT16_MAX);
	m->warning_type = col_range(c, 0, UINT16_MAX);
	m->expires_utc = col_int(c);
	m->language = col_text(c);
	m->text = col_text(c);
	pages_from_row(c, &m->pages);
	if (m->kind == MESSAGE_SHORT)
		m->sms = short_message_from_row(c);
	return c->error;
}

/* Loading: a callback per row, whose texts live as long as it runs */

struct load {
	int (*on_alert)(const struct alert_row *row, void *data);
	int (*on_message)(const struct message *message, void *data);
	int (*on_entry)(const struct ledger_entry *entry, void *data);
	int (*on_number)(uint8_t number, const char *name, void *data);
	void *data;
};

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

static int load_number(struct columns *c, void *data)
{
	struct load *load = data;
	uint8_t number = col_range(c, 1, UINT8_MAX);
	const char *name = col_text(c);

	return c->error ? c->error : load->on_number(number, name, load->data);
}

static int on_key(struct columns *c, void *data) { return own_row(c, load_key, data); }
static int on_alert(struct columns *c, void *data) { return own_row(c, load_alert, data); }
static int on_message(struct columns *c, void *data) { return own_row(c, load_message, data); }
static int on_number(struct columns *c, void *data) { return own_row(c, load_number, data); }

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

int sql_load_peer_numbers(struct sql *sql, int (*cb)(uint8_t number, const char *name, void *data),
			  void *data)
{
	struct load load = { .on_number = cb, .data = data };

	return each_row(sql, SQL_READ_PEER_NUMBERS, NULL, on_number, &load);
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

int store_read_each_delivery(struct store_reader *r, const char *id,
			     int (*cb)(const struct delivery_row *row, void *data), void *data)
{
	return sql_load_deliveries(&r->sql, id, NULL, cb, data);
}

static int read_n_targets(struct columns *c, void *data)
{
	*(size_t *)data = col_range(c, 0, INT64_MAX);
	return c->error;
}

int store_read_n_targets(struct store_reader *r, const char *id, size_t *n)
{
	*n = 0;
	bind_text(&r->sql, SQL_READ_N_TARGETS, 1, id);
	return each_row(&r->sql, SQL_READ_N_TARGETS, NULL, read_n_targets, n);
}

char *store_read_meta(struct store_reader *r, void *ctx, const char *key)
{
	return sql_get_meta(&r->sql, ctx, key);
}

static int read_peer_number(struct columns *c, void *data)
{
	char **names = data;
	uint8_t number = col_range(c, 1, UINT8_MAX);

	names[number] = col_text(c);
	return c->error;
}

int store_read_peer_numbers(struct store_reader *r, void *ctx, char ***names)
{
	int rc;

	*names = talloc_zero_array(ctx, char *, UINT8_MAX + 1);
	if (!*names)
		return -ENOMEM;
	rc = each_row(&r->sql, SQL_READ_PEER_NUMBERS, *names, read_peer_number, *names);
	if (rc < 0)
		TALLOC_FREE(*names);
	return rc;
}
