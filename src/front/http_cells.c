/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Lists of cells, streamed: of one alert with state and evidence, and of the cell table.
 *
 * A national alert has 100,000 targets and its list 50 MB of JSON. The packed rows are copied out
 * of the store once, then each piece is made when the client has room for it; nothing of the store
 * is held meanwhile. */

#include "http_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/digest.h>

/* Cells of one answer, unless asked for fewer. */
#define TARGETS_MAX 100000
#define TABLE_DEFAULT 1000
#define TABLE_MAX 100000
#define PEER_MAX 255

/*
 * Where a list goes on: behind the (message, peer, target) that was last. Written as hexadecimal,
 * since it is nobody's business and must pass through a URL as it is.
 */

struct position {
	unsigned int nr;
	struct target target;
	char peer[PEER_MAX + 1];
};

#define POSITION_HEAD (2 + TARGET_PACKED_LEN)
#define POSITION_MAX (POSITION_HEAD + PEER_MAX)

static char *position_format(void *ctx, unsigned int nr, const struct target *target, const char *peer)
{
	size_t n_peer = strnlen(peer, PEER_MAX);
	uint8_t raw[POSITION_MAX];
	char *text = talloc_array(ctx, char, 2 * (POSITION_HEAD + n_peer) + 1);

	raw[0] = nr >> 8;
	raw[1] = nr;
	target_pack(target, raw + 2);
	memcpy(raw + POSITION_HEAD, peer, n_peer);
	return text ? digest_hex(raw, POSITION_HEAD + n_peer, text) : NULL;
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static int position_parse(const char *text, struct position *pos)
{
	size_t len = strlen(text) / 2, i;
	uint8_t raw[POSITION_MAX];

	if (strlen(text) % 2 || len <= POSITION_HEAD || len > POSITION_MAX)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		raw[i] = high << 4 | low;
	}
	pos->nr = raw[0] << 8 | raw[1];
	target_unpack(raw + 2, &pos->target);
	memcpy(pos->peer, raw + POSITION_HEAD, len - POSITION_HEAD);
	pos->peer[len - POSITION_HEAD] = '\0';
	return 0;
}

/*
 * Cells of an alert
 */

struct target_list {
	struct alert_row alert;
	struct message *messages;
	size_t n_messages;
	struct delivery_row *rows;
	size_t n_rows;
	size_t row, i;			/* what comes next */
	int state;			/* enum outcome that is wanted, -1 = all */
	size_t left;
	int64_t now;
	bool late;			/* http_store_is_late() */
	bool begun;
};

static const char *answer_name(uint8_t answer)
{
	static const char *const names[] = {
		[PEER_ANSWER_DONE] = "done",
		[PEER_ANSWER_ALREADY] = "already",
		[PEER_ANSWER_ABSENT] = "absent",
		[PEER_ANSWER_REFUSED] = "refused",
		[PEER_ANSWER_IMPOSSIBLE] = "impossible",
	};

	return answer < ARRAY_SIZE(names) ? names[answer] : NULL;
}

static void put_evidence(struct json *j, const struct evidence *e)
{
	json_object_begin(j, "evidence");
	json_time(j, "write_sent", e->write_sent);
	json_time(j, "write_answered", e->write_answered);
	json_string(j, "write_answer", answer_name(e->write_answer));
	/* 0 is a cause of its own, so it is left away only where the peer gave none. */
	if (e->write_answer > PEER_ANSWER_DONE)
		json_int(j, "write_cause", e->write_cause);
	else
		json_null(j, "write_cause");
	json_time(j, "stop_sent", e->stop_sent);
	json_time(j, "stop_answered", e->stop_answered);
	json_string(j, "stop_answer", answer_name(e->stop_answer));
	json_time(j, "query_sent", e->query_sent);
	if (e->count_at)
		json_int(j, "count", e->count);
	else
		json_null(j, "count");
	json_time(j, "count_at", e->count_at);
	json_time(j, "count_rose_at", e->rose_at);
	json_time(j, "doubt_at", e->doubt_at);
	json_object_end(j);
}

static void put_target(struct json *j, const struct target *t)
{
	char text[TARGET_TEXT_LEN];

	json_string(j, "type", target_type_name(t->type));
	json_string(j, "id", target_format(t, text, sizeof(text)));
}

static void put_cell(struct json *j, const struct delivery_row *row, const struct message *m,
		     size_t i, enum outcome outcome)
{
	const struct evidence *e = &row->evidence[i];

	json_object_begin(j, NULL);
	json_string(j, "peer", row->peer);
	put_target(j, &row->wanted[i]);
	json_int(j, "message", m->nr);
	json_int(j, "message_identifier", m->identifier);
	json_int(j, "serial_number", m->serial);
	json_string(j, "state", outcome_name(outcome));
	json_string(j, "waits_for", outcome == OUTCOME_QUEUED && e->wait != WAIT_NONE ? wait_reason_name(e->wait) : NULL);
	json_string(j, "doubt", e->doubt != DOUBT_NONE ? doubt_name(e->doubt) : NULL);
	put_evidence(j, e);
	json_object_end(j);
}

/* Find the next target that passes the filters.
 *  \returns false at the end of the list. */
static bool advance(struct target_list *list, enum outcome *outcome)
{
	for (; list->row < list->n_rows; list->row++, list->i = 0) {
		const struct delivery_row *row = &list->rows[list->row];
		const struct message *m = http_message_by_nr(list->messages, list->n_messages, row->message_nr);
		bool on = http_delivery_on(&list->alert, m, list->now);

		for (; list->i < row->n; list->i++) {
			*outcome = http_outcome(&row->evidence[list->i], on, &list->alert, list->late);
			if (list->state < 0 || (enum outcome)list->state == *outcome)
				return true;
		}
	}
	return false;
}

/* The target before the one at row and i, in the order of the list, whether it was shown or not. */
static void put_next(struct json *j, const struct target_list *list)
{
	const struct delivery_row *row = &list->rows[list->row];
	size_t i = list->i;
	char *text;

	if (!i) {
		do {
			row--;
		} while (!row->n);
		i = row->n;
	}
	text = position_format(j->ctx, row->message_nr, &row->wanted[i - 1], row->peer);
	if (text)
		json_string(j, "next", text);
	else
		j->error = -ENOMEM;
	talloc_free(text);
}

static int list_next(void *stream, struct json *j)
{
	struct target_list *list = stream;
	const struct delivery_row *row;
	enum outcome outcome;
	bool more;

	if (!list->begun) {
		json_object_begin(j, NULL);
		json_array_begin(j, "cells");
		list->begun = true;
	}
	more = advance(list, &outcome);
	if (more && list->left) {
		row = &list->rows[list->row];
		put_cell(j, row, http_message_by_nr(list->messages, list->n_messages, row->message_nr),
			 list->i, outcome);
		list->i++;
		list->left--;
		return 1;
	}
	json_array_end(j);
	if (more)
		put_next(j, list);
	else
		json_null(j, "next");
	json_object_end(j);
	return 0;
}

static int by_message_and_peer(const void *a, const void *b)
{
	const struct delivery_row *x = a, *y = b;

	if (x->message_nr != y->message_nr)
		return x->message_nr < y->message_nr ? -1 : 1;
	return strcmp(x->peer, y->peer);
}

/* Go behind a position. It need not exist any more: the first target that is greater is next. */
static void skip_to(struct target_list *list, const struct position *pos)
{
	struct delivery_row key = { .message_nr = pos->nr, .peer = pos->peer };
	size_t low, high;
	int rc = -1;

	while (list->row < list->n_rows && (rc = by_message_and_peer(&list->rows[list->row], &key)) < 0)
		list->row++;
	if (list->row == list->n_rows || rc > 0)
		return;
	low = 0;
	high = list->rows[list->row].n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (target_compare(&list->rows[list->row].wanted[mid], &pos->target) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	list->i = low;
}

/* Only rows of the wanted message; each needs its message, or its state could not be told. */
static int keep_rows(struct target_list *list, unsigned int nr)
{
	size_t i, n = 0;

	for (i = 0; i < list->n_rows; i++) {
		if (nr && list->rows[i].message_nr != nr)
			continue;
		if (!http_message_by_nr(list->messages, list->n_messages, list->rows[i].message_nr))
			return -EIO;
		list->rows[n++] = list->rows[i];
	}
	list->n_rows = n;
	return 0;
}

static int list_read(struct target_list *list, struct store_reader *r, const char *id, const char *peer, unsigned int nr)
{
	int rc = store_read_alert(r, list, id, false, &list->alert);

	if (rc < 0)
		return rc;
	rc = store_read_messages(r, list, id, &list->messages);
	if (rc < 0)
		return rc;
	list->n_messages = rc;
	rc = store_read_deliveries(r, list, id, peer, &list->rows);
	if (rc < 0)
		return rc;
	list->n_rows = rc;
	qsort(list->rows, list->n_rows, sizeof(*list->rows), by_message_and_peer);
	return keep_rows(list, nr);
}

struct cells_query {
	uint64_t max, nr;
	int state;
	bool goes_on;
	struct position after;
};

static int read_query(struct http_request *req, struct cells_query *q)
{
	const char *state = http_param(req, "state"), *after = http_param(req, "after");

	*q = (struct cells_query){ .max = TARGETS_MAX, .state = -1, .goes_on = after };
	if (http_param_number(req, "max", 1, TARGETS_MAX, &q->max) < 0 ||
	    http_param_number(req, "message", 1, UINT16_MAX, &q->nr) < 0)
		return -EINVAL;
	if (state && (q->state = outcome_parse(state)) < 0) {
		http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, "state", "There is no such state.");
		return -EINVAL;
	}
	if (after && position_parse(after, &q->after) < 0) {
		http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, "after", "after is what an earlier answer gave as next.");
		return -EINVAL;
	}
	return 0;
}

void http_serve_alert_cells(struct http_request *req)
{
	struct cells_query q;
	struct target_list *list;
	struct store_reader *r;
	int rc;

	if (read_query(req, &q) < 0)
		return;
	r = http_reader(req);
	if (!r)
		return;
	list = talloc_zero(req, struct target_list);
	rc = list ? list_read(list, r, req->arg, http_param(req, "peer"), q.nr) : -ENOMEM;
	if (rc < 0) {
		http_refuse_read(req, rc);
		return;
	}
	list->state = q.state;
	list->left = q.max;
	list->now = clock_utc();
	list->late = http_store_is_late(req);
	if (q.goes_on)
		skip_to(list, &q.after);
	http_reply_stream(req, list_next, list);
}

/*
 * The cell table
 */

struct table_list {
	const struct cell_table *table;
	uint32_t row;
	long peer;		/* index of the wanted one, -1 = all */
	uint64_t left;
	bool begun;
};

static void put_table_cell(struct json *j, const struct cell_table *table, uint32_t row)
{
	struct cell cell;

	cell_table_get(table, row, &cell);
	json_object_begin(j, NULL);
	put_target(j, &cell.target);
	json_string(j, "peer", cell.peer);
	json_decimal(j, "lat", cell.footprint.site.lat, 7);
	json_decimal(j, "lon", cell.footprint.site.lon, 7);
	json_int(j, "range_m", cell.footprint.range_m);
	json_int(j, "azimuth_deg", cell.footprint.azimuth_deg);
	json_int(j, "beam_deg", cell.footprint.beam_deg);
	json_object_end(j);
}

static bool table_advance(struct table_list *list)
{
	size_t n = cell_table_count(list->table);

	while (list->row < n && list->peer >= 0 &&
	       (long)cell_table_peer_of(list->table, list->row) != list->peer)
		list->row++;
	return list->row < n;
}

static int table_next(void *stream, struct json *j)
{
	struct table_list *list = stream;
	bool more = table_advance(list);

	if (!list->begun) {
		json_object_begin(j, NULL);
		json_int(j, "total", cell_table_count(list->table));
		json_array_begin(j, "cells");
		list->begun = true;
	}
	if (more && list->left) {
		put_table_cell(j, list->table, list->row++);
		list->left--;
		return 1;
	}
	json_array_end(j);
	if (more)
		json_int(j, "next", (int64_t)list->row - 1);
	else
		json_null(j, "next");
	json_object_end(j);
	return 0;
}

static int load_snapshot(struct http_request *req, char *name)
{
	struct http_listener *l = req->listener;
	struct cell_table *table = NULL;
	char *path;

	if (name && !strchr(name, '/')) {
		path = talloc_asprintf(req, "%s/%s", l->store_dir, name);
		table = path ? cell_table_load(NULL, path, false, &req->problem) : NULL;
	} else if (!name) {
		table = cell_table_empty(NULL);
	}
	if (!table) {
		http_refuse(req, PROBLEM_STORE_UNAVAILABLE, NULL, "The cell table cannot be read now.");
		return -EIO;
	}
	/* Streams that still run keep a reference to the one before. */
	talloc_unlink(NULL, l->cells);
	talloc_free(l->cells_name);
	l->cells = table;
	l->cells_name = talloc_steal(NULL, name);
	return 0;
}

/* The table that the store names, loaded again when another was imported. */
static const struct cell_table *current_table(struct http_request *req)
{
	struct http_listener *l = req->listener;
	struct store_reader *r = http_reader(req);
	char *name;

	if (!r)
		return NULL;
	name = store_read_meta(r, req, "cell-table");
	if (!l->cells || !name != !l->cells_name || (name && strcmp(name, l->cells_name))) {
		if (load_snapshot(req, name) < 0)
			return NULL;
	}
	return l->cells;
}

static long peer_index(const struct cell_table *table, const char *peer)
{
	size_t i, n = cell_table_n_peers(table);

	for (i = 0; i < n; i++) {
		if (!strcmp(cell_table_peer(table, i), peer))
			return i;
	}
	return -1;
}

void http_serve_cells(struct http_request *req)
{
	uint64_t max = TABLE_DEFAULT, after = UINT64_MAX;
	const char *peer = http_param(req, "peer");
	const struct cell_table *table;
	struct table_list *list;

	if (http_param_number(req, "max", 1, TABLE_MAX, &max) < 0 ||
	    http_param_number(req, "after", 0, UINT32_MAX - 1, &after) < 0)
		return;
	table = current_table(req);
	if (!table)
		return;
	list = talloc_zero(req, struct table_list);
	list->table = list ? talloc_reference(list, table) : NULL;
	if (!list || !list->table) {
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory for the answer.");
		return;
	}
	list->left = max;
	list->row = after + 1;
	list->peer = peer ? peer_index(table, peer) : -1;
	/* A peer without cells: nothing passes. */
	if (peer && list->peer < 0)
		list->row = cell_table_count(table);
	http_reply_stream(req, table_next, list);
}
