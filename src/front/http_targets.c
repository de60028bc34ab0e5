/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Targets of an alert with state and evidence, streamed: its cells, or its recipients.
 *
 * A national alert has 100,000 targets and its list 50 MB of JSON. The packed rows are copied out
 * of the store once, then each piece is made when the client has room for it; nothing of the store
 * is held meanwhile. */

#include "http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/bits.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/digest.h>

/* Targets of one answer, unless asked for fewer. */
#define TARGETS_MAX 100000
#define PEER_MAX 255

/*
 * Where a list goes on: at that target of that delivery, whose targets never change. Who it is must not
 * stand there, since it is part of a URL. Written as hexadecimal.
 */

struct position {
	unsigned int nr;
	unsigned int revision;
	size_t i;
	char peer[PEER_MAX + 1];
};

#define POSITION_HEAD 10
#define POSITION_MAX (POSITION_HEAD + PEER_MAX)

static char *position_format(void *ctx, const struct delivery_row *row, size_t i)
{
	size_t n_peer = strnlen(row->peer, PEER_MAX);
	uint8_t raw[POSITION_MAX];
	char *text = talloc_array(ctx, char, 2 * (POSITION_HEAD + n_peer) + 1);

	osmo_store16be(row->message_nr, raw);
	osmo_store32be(row->revision, raw + 2);
	osmo_store32be(i, raw + 6);
	memcpy(raw + POSITION_HEAD, row->peer, n_peer);
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
	pos->nr = osmo_load16be(raw);
	pos->revision = osmo_load32be(raw + 2);
	pos->i = osmo_load32be(raw + 6);
	memcpy(pos->peer, raw + POSITION_HEAD, len - POSITION_HEAD);
	pos->peer[len - POSITION_HEAD] = '\0';
	return 0;
}

/*
 * Targets of an alert
 */

struct target_list;

/* What is listed, and how one of it is told. */
struct target_kind {
	const char *name;		/* of the array */
	bool recipients;		/* else cells */
	void (*put)(struct json *j, const struct target_list *list, const struct delivery_row *row, size_t i,
		    enum outcome outcome);
};

struct target_list {
	const struct target_kind *kind;
	struct alert_row alert;
	struct message *messages;
	size_t n_messages;
	struct delivery_row *rows;
	size_t n_rows;
	char **centres;			/* names of message centres by number; of recipients only */
	size_t row, i;			/* what comes next */
	int state;			/* enum outcome that is wanted, -1 = all */
	size_t left;
	int64_t now;
	bool late;			/* http_store_is_late() */
	bool begun;
};

static const struct message *message_of(const struct target_list *list, const struct delivery_row *row)
{
	return http_message_by_nr(list->messages, list->n_messages, row->message_nr);
}

static const char *answer_name(uint8_t answer)
{
	static const char *const names[] = {
		[PEER_ANSWER_DONE] = "done",
		[PEER_ANSWER_ALREADY] = "already",
		[PEER_ANSWER_ABSENT] = "absent",
		[PEER_ANSWER_REFUSED] = "refused",
		[PEER_ANSWER_IMPOSSIBLE] = "impossible",
		[PEER_ANSWER_DELIVERED] = "delivered",
		[PEER_ANSWER_LATER] = "later",
		[PEER_ANSWER_GIVEN_UP] = "given-up",
	};

	return answer < ARRAY_SIZE(names) ? names[answer] : NULL;
}

static void put_state(struct json *j, const struct evidence *e, enum outcome outcome)
{
	bool waits = (outcome == OUTCOME_QUEUED && e->wait != WAIT_NONE) ||
		     (outcome == OUTCOME_REFUSED && e->wait == WAIT_BROADCAST);

	json_string(j, "state", outcome_name(outcome));
	json_string(j, "waits_for", waits ? wait_reason_name(e->wait) : NULL);
	json_string(j, "doubt", e->doubt != DOUBT_NONE && outcome != OUTCOME_STOPPED ? doubt_name(e->doubt) : NULL);
}

void http_put_target(struct json *j, const struct target *t)
{
	char text[TARGET_TEXT_LEN];

	json_string(j, "type", target_type_name(t->type));
	json_string(j, "id", target_format(t, text, sizeof(text)));
}

/*
 * Cells
 */

static void put_cell_evidence(struct json *j, const struct evidence *e)
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
	json_boolean(j, "stop_proved", evidence_stop_proved(e));
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

static void put_cell(struct json *j, const struct target_list *list, const struct delivery_row *row, size_t i,
		     enum outcome outcome)
{
	const struct evidence *e = &row->evidence[i];
	const struct message *m = message_of(list, row);

	json_object_begin(j, NULL);
	json_string(j, "peer", row->peer);
	http_put_target(j, &row->wanted[i]);
	json_int(j, "message", m->nr);
	json_int(j, "message_identifier", m->identifier);
	json_int(j, "serial_number", m->serial);
	put_state(j, e, outcome);
	json_string(j, "left", e->left ? target_left_name(e->left) : NULL);
	put_cell_evidence(j, e);
	json_object_end(j);
}

static const struct target_kind cells = { .name = "cells", .put = put_cell };

/*
 * Recipients
 */

static void put_recipient_evidence(struct json *j, const struct evidence *e)
{
	json_object_begin(j, "evidence");
	json_time(j, "submitted", e->write_sent);
	json_time(j, "answered", e->write_answered);
	json_string(j, "answer", answer_name(e->write_answer));
	if (e->write_cause)
		json_int(j, "cause", e->write_cause);
	else
		json_null(j, "cause");
	json_int(j, "parts_confirmed", e->count);
	json_boolean(j, "receipt_hint", e->flags & EVIDENCE_HINT);
	json_time(j, "doubt_at", e->doubt_at);
	json_object_end(j);
}

static void put_detail(struct json *j, const struct recipient_detail *detail)
{
	char digits[MSISDN_TEXT_LEN];

	json_string(j, "msisdn", detail && detail->msisdn.digits ?
				 msisdn_format(&detail->msisdn, digits, sizeof(digits)) : NULL);
	if (detail && detail->at.type) {
		json_object_begin(j, "location");
		http_put_target(j, &detail->at);
		json_object_end(j);
	} else {
		json_null(j, "location");
	}
}

static void put_recipient(struct json *j, const struct target_list *list, const struct delivery_row *row, size_t i,
			  enum outcome outcome)
{
	const struct evidence *e = &row->evidence[i];
	const struct message *m = message_of(list, row);
	char imsi[TARGET_TEXT_LEN];

	json_object_begin(j, NULL);
	json_string(j, "imsi", target_format(&row->wanted[i], imsi, sizeof(imsi)));
	put_detail(j, row->details ? &row->details[i] : NULL);
	json_int(j, "message", m->nr);
	json_string(j, "language", m->language);
	put_state(j, e, outcome);
	json_string(j, "message_centre", e->via ? list->centres[e->via] : NULL);
	put_recipient_evidence(j, e);
	json_object_end(j);
}

static const struct target_kind recipients = { .name = "recipients", .recipients = true, .put = put_recipient };

/*
 * Streaming
 */

/* Find the next target that passes the filters.
 *  \returns false at the end of the list. */
static bool advance(struct target_list *list, enum outcome *outcome)
{
	for (; list->row < list->n_rows; list->row++, list->i = 0) {
		const struct delivery_row *row = &list->rows[list->row];
		bool on = http_delivery_on(&list->alert, message_of(list, row), list->now);

		for (; list->i < row->n; list->i++) {
			*outcome = http_outcome(&row->evidence[list->i], on, &list->alert, list->late);
			if (list->state < 0 || (enum outcome)list->state == *outcome)
				return true;
		}
	}
	return false;
}

static void put_next(struct json *j, const struct target_list *list)
{
	char *text = position_format(j->ctx, &list->rows[list->row], list->i);

	if (text)
		json_string(j, "next", text);
	else
		j->error = -ENOMEM;
	talloc_free(text);
}

static int list_next(void *stream, struct json *j)
{
	struct target_list *list = stream;
	enum outcome outcome;
	bool more;

	if (!list->begun) {
		json_object_begin(j, NULL);
		json_array_begin(j, list->kind->name);
		list->begun = true;
	}
	more = advance(list, &outcome);
	if (more && list->left) {
		list->kind->put(j, list, &list->rows[list->row], list->i, outcome);
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

static int by_place(const void *a, const void *b)
{
	const struct delivery_row *x = a, *y = b;
	int rc;

	if (x->message_nr != y->message_nr)
		return x->message_nr < y->message_nr ? -1 : 1;
	rc = strcmp(x->peer, y->peer);
	return rc ? rc : x->revision < y->revision ? -1 : x->revision > y->revision;
}

/* Go to a position. If its delivery is not listed any more, the one that comes behind it is next. */
static void skip_to(struct target_list *list, const struct position *pos)
{
	struct delivery_row key = { .message_nr = pos->nr, .peer = pos->peer, .revision = pos->revision };
	int rc = -1;

	while (list->row < list->n_rows && (rc = by_place(&list->rows[list->row], &key)) < 0)
		list->row++;
	if (!rc)
		list->i = pos->i;
}

/* Only rows of the kind and of the wanted message; each needs its message, or its state could not be
 * told. */
static int keep_rows(struct target_list *list, unsigned int nr)
{
	size_t i, n = 0;

	for (i = 0; i < list->n_rows; i++) {
		if ((nr && list->rows[i].message_nr != nr) || http_of_recipients(&list->rows[i]) != list->kind->recipients)
			continue;
		if (!message_of(list, &list->rows[i]))
			return -EIO;
		list->rows[n++] = list->rows[i];
	}
	list->n_rows = n;
	return 0;
}

/* All but the alert itself. */
static int list_read(struct target_list *list, struct store_reader *r, const char *peer, unsigned int nr)
{
	const char *id = list->alert.id;
	int rc = store_read_messages(r, list, id, &list->messages);

	if (rc < 0)
		return rc;
	list->n_messages = rc;
	rc = store_read_deliveries(r, list, id, peer, &list->rows);
	if (rc < 0)
		return rc;
	list->n_rows = rc;
	qsort(list->rows, list->n_rows, sizeof(*list->rows), by_place);
	rc = keep_rows(list, nr);
	if (rc < 0 || !list->kind->recipients)
		return rc;
	return store_read_peer_numbers(r, list, &list->centres);
}

struct targets_query {
	uint64_t max, nr;
	int state;
	bool goes_on;
	struct position after;
};

static int read_query(struct http_request *req, struct targets_query *q)
{
	const char *state = http_param(req, "state"), *after = http_param(req, "after");

	*q = (struct targets_query){ .max = TARGETS_MAX, .state = -1, .goes_on = after };
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

/* The list with its alert. \returns NULL with the request refused. */
static struct target_list *list_open(struct http_request *req, const struct target_kind *kind)
{
	struct store_reader *r = http_reader(req);
	struct target_list *list = r ? talloc_zero(req, struct target_list) : NULL;
	int rc;

	if (!r)
		return NULL;
	rc = list ? store_read_alert(r, list, req->arg, false, &list->alert) : -ENOMEM;
	if (rc < 0) {
		http_refuse_read(req, rc);
		return NULL;
	}
	list->kind = kind;
	return list;
}

static void list_reply(struct http_request *req, struct target_list *list, const struct targets_query *q)
{
	struct store_reader *r = http_reader(req);
	int rc;

	if (!r)
		return;
	rc = list_read(list, r, list->kind->recipients ? SMS_BEARER : http_param(req, "peer"), q->nr);
	if (rc < 0) {
		http_refuse_read(req, rc);
		return;
	}
	list->state = q->state;
	list->left = q->max;
	list->now = clock_utc();
	list->late = http_store_is_late(req);
	if (q->goes_on)
		skip_to(list, &q->after);
	http_reply_stream(req, list_next, list);
}

void http_serve_alert_cells(struct http_request *req)
{
	struct targets_query q;
	struct target_list *list;

	if (read_query(req, &q) < 0)
		return;
	list = list_open(req, &cells);
	if (list)
		list_reply(req, list, &q);
}

/* Who was where, and under which number, is nobody's business but that of whoever works on this
 * host, and of the originator that sent the alert. */
static bool may_see_recipients(struct http_request *req, const struct alert_row *alert)
{
	if (!req->originator || !strcmp(req->originator, alert->originator))
		return true;
	http_refuse(req, PROBLEM_ORIGINATOR_FORBIDDEN, NULL,
		    "Only the originator of an alert may see its recipients.");
	return false;
}

void http_serve_alert_recipients(struct http_request *req)
{
	struct targets_query q;
	struct target_list *list;

	if (!http_from_this_host(req) && http_identify(req) < 0)
		return;
	if (read_query(req, &q) < 0)
		return;
	list = list_open(req, &recipients);
	if (list && may_see_recipients(req, &list->alert))
		list_reply(req, list, &q);
}
