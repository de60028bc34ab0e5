/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Status: alerts from the store, live pages from what the loop rendered last. */

#include "http_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <microhttpd.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/digest.h>

#define ALERTS_DEFAULT 50
#define ALERTS_MAX 500
/* How many targets are looked at to count the states of one list of alerts. */
#define LIST_TARGETS_MAX 200000

/*
 * Live pages
 */

static const struct http_live *take_up_live(struct http_listener *l)
{
	struct http_live *live = atomic_exchange(&l->next_live, NULL);

	if (live) {
		talloc_free(l->live);
		l->live = live;
	}
	return l->live;
}

/* Puts the age, as of now, before the first member of what was rendered. */
static void serve_live_json(struct http_request *req, enum http_page page, bool unavailable)
{
	const struct http_live *live = take_up_live(req->listener);
	const char *text = live ? live->text[page] : NULL;
	char *body;
	int n;

	if (!text) {
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There was not enough memory to render this.");
		return;
	}
	body = talloc_array(req, char, live->len[page] + 40);
	if (!body) {
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory for the answer.");
		return;
	}
	n = sprintf(body, "{\"age_ms\":%lld%s", (long long)(clock_mono_ms() - live->rendered_ms),
		    live->len[page] > 2 ? "," : "");
	memcpy(body + n, text + 1, live->len[page] - 1);
	http_reply(req, unavailable ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, "application/json",
		   body, n + live->len[page] - 1);
	if (unavailable)
		http_reply_header(req, MHD_HTTP_HEADER_RETRY_AFTER, "5");
}

void http_serve_peers(struct http_request *req)
{
	serve_live_json(req, HTTP_PAGE_PEERS, false);
}

void http_serve_recipients(struct http_request *req)
{
	serve_live_json(req, HTTP_PAGE_RECIPIENTS, false);
}

void http_serve_health(struct http_request *req)
{
	const struct http_live *live = take_up_live(req->listener);

	serve_live_json(req, HTTP_PAGE_HEALTH, live && !live->can_commit);
}

void http_serve_metrics(struct http_request *req)
{
	const struct http_live *live = take_up_live(req->listener);

	if (live && live->text[HTTP_PAGE_METRICS])
		http_reply(req, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
			   live->text[HTTP_PAGE_METRICS], live->len[HTTP_PAGE_METRICS]);
	else
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There was not enough memory to render this.");
}

void http_serve_problem(struct http_request *req)
{
	struct json j;
	unsigned int i;

	for (i = PROBLEM_NONE + 1; i < _NUM_PROBLEM; i++) {
		if (!strcmp(problem_code_name(i), req->arg))
			break;
	}
	if (i == _NUM_PROBLEM) {
		http_refuse(req, PROBLEM_HTTP_NOT_FOUND, NULL, "There is no such problem.");
		return;
	}
	json_init(&j, req);
	json_object_begin(&j, NULL);
	json_string(&j, "code", problem_code_name(i));
	json_string(&j, "title", problem_title(i));
	json_int(&j, "status", problem_status(i));
	json_object_end(&j);
	http_reply_json(req, MHD_HTTP_OK, &j);
}

/*
 * States
 */

const struct message *http_message_by_nr(const struct message *messages, size_t n, unsigned int nr)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (messages[i].nr == nr)
			return &messages[i];
	}
	return NULL;
}

bool http_delivery_on(const struct alert_row *alert, const struct message *message, int64_t now)
{
	return message && !alert->ended_utc && message_on(message, alert->cancelled_by != NULL, now);
}

bool http_store_is_late(struct http_request *req)
{
	const struct http_live *live = take_up_live(req->listener);

	return live && !live->can_commit;
}

enum outcome http_outcome(const struct evidence *e, bool on, const struct alert_row *alert, bool late)
{
	return late && !alert->ended_utc ? OUTCOME_UNKNOWN : evidence_outcome(e, on);
}

bool http_of_recipients(const struct delivery_row *row)
{
	return row->n && row->wanted[0].type == TARGET_IMSI;
}

static void put_states(struct json *j, const size_t counts[_NUM_OUTCOME])
{
	unsigned int i;

	json_object_begin(j, "states");
	for (i = 0; i < _NUM_OUTCOME; i++) {
		if (counts[i])
			json_int(j, outcome_name(i), counts[i]);
	}
	json_object_end(j);
}

/* By the message centre that was handed the message last; 0: none was yet. */
#define MAX_CENTRES 256

/* What is told of a delivery; its targets are not kept. */
struct delivery_counts {
	unsigned int message_nr;
	unsigned int revision;
	char *peer;
	size_t n;
	bool settled;
	int64_t updated_utc;
	size_t counts[_NUM_OUTCOME];
};

struct counts {
	size_t n;
	size_t states[_NUM_OUTCOME];
};

struct alert_view {
	struct alert_row row;
	struct message *messages;
	int n_messages;
	struct delivery_counts *deliveries;
	size_t n_deliveries;
	struct counts cells, recipients;	/* never added up */
	struct counts *centres;		/* of recipients: MAX_CENTRES */
	int64_t now;
	bool late;			/* http_store_is_late() */
};

static struct delivery_counts *add_delivery(struct alert_view *v, const struct delivery_row *row)
{
	struct delivery_counts *more = talloc_realloc(v->messages, v->deliveries, struct delivery_counts, v->n_deliveries + 1);
	struct delivery_counts *d;

	if (!more)
		return NULL;
	v->deliveries = more;
	d = &more[v->n_deliveries++];
	*d = (struct delivery_counts){
		.message_nr = row->message_nr, .revision = row->revision, .n = row->n, .settled = row->settled,
		.updated_utc = row->updated_utc, .peer = talloc_strdup(v->messages, row->peer),
	};
	return d->peer ? d : NULL;
}

static void count(struct counts *counts, enum outcome outcome)
{
	counts->n++;
	counts->states[outcome]++;
}

static int on_delivery(const struct delivery_row *row, void *data)
{
	struct alert_view *v = data;
	const struct message *message = http_message_by_nr(v->messages, v->n_messages, row->message_nr);
	bool on = http_delivery_on(&v->row, message, v->now), recipients = http_of_recipients(row);
	struct delivery_counts *d = add_delivery(v, row);
	size_t i;

	if (!d)
		return -ENOMEM;
	for (i = 0; i < row->n; i++) {
		enum outcome outcome = http_outcome(&row->evidence[i], on, &v->row, v->late);

		d->counts[outcome]++;
		count(recipients ? &v->recipients : &v->cells, outcome);
		if (recipients)
			count(&v->centres[row->evidence[i].via], outcome);
	}
	return 0;
}

static int view_read(struct store_reader *r, void *ctx, struct alert_view *v)
{
	v->now = clock_utc();
	v->n_messages = store_read_messages(r, ctx, v->row.id, &v->messages);
	if (v->n_messages < 0)
		return v->n_messages;
	v->centres = talloc_zero_array(ctx, struct counts, MAX_CENTRES);
	return v->centres ? store_read_each_delivery(r, v->row.id, on_delivery, v) : -ENOMEM;
}

/* Members of "recipients" that the list and the single alert have in common. */
static void put_counts(struct json *j, const struct counts *counts)
{
	json_int(j, "count", counts->n);
	put_states(j, counts->states);
}

static void put_centres(struct json *j, const struct alert_view *v, char **names)
{
	unsigned int i;

	json_array_begin(j, "message_centres");
	for (i = 0; i < MAX_CENTRES; i++) {
		if (!v->centres[i].n)
			continue;
		json_object_begin(j, NULL);
		json_string(j, "message_centre", names[i]);
		put_counts(j, &v->centres[i]);
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_recipients(struct json *j, const struct alert_view *v, char **centres)
{
	json_object_begin(j, "recipients");
	put_counts(j, &v->recipients);
	json_time(j, "looked_for", v->row.followed_utc);
	put_centres(j, v, centres);
	json_object_end(j);
}

/* Members that the list and the single alert have in common. */
static void put_alert(struct json *j, const struct alert_row *row)
{
	json_string(j, "id", row->id);
	json_int(j, "seq", row->seq);
	json_string(j, "originator", row->originator);
	json_string(j, "sender", row->sender);
	json_string(j, "identifier", row->identifier);
	json_time(j, "sent", row->sent_utc);
	json_string(j, "status", row->status);
	json_string(j, "msg_type", row->msg_type);
	json_string(j, "event", row->event);
	json_time(j, "received", row->received_utc);
	json_time(j, "expires", row->expires_utc);
	json_int(j, "cells", row->n_cells);
	json_time(j, "cancelled", row->cancelled_utc);
	json_time(j, "ended", row->ended_utc);
}

/*
 * The list
 */

static int put_view_states(struct json *j, struct store_reader *r, struct alert_view *v)
{
	void *ctx = talloc_new(NULL);
	int rc = ctx ? view_read(r, ctx, v) : -ENOMEM;

	if (rc == 0) {
		put_states(j, v->cells.states);
		json_object_begin(j, "recipients");
		put_counts(j, &v->recipients);
		json_object_end(j);
	}
	talloc_free(ctx);
	return rc;
}

static int put_list_states(struct json *j, struct store_reader *r, const struct alert_row *row, bool late,
			   size_t *budget)
{
	struct alert_view v = { .row = *row, .late = late };
	size_t n;
	int rc = store_read_n_targets(r, row->id, &n);

	if (rc < 0)
		return rc;
	/* Counting means reading every target: a list of the largest alerts goes without. */
	if (n > *budget) {
		*budget = 0;
		json_null(j, "states");
		json_null(j, "recipients");
		return 0;
	}
	*budget -= n;
	return put_view_states(j, r, &v);
}

static int put_alerts(struct json *j, struct store_reader *r, const struct alert_row *rows, size_t n, bool late)
{
	size_t i, budget = LIST_TARGETS_MAX;
	int rc = 0;

	json_array_begin(j, "alerts");
	for (i = 0; i < n && rc == 0; i++) {
		json_object_begin(j, NULL);
		put_alert(j, &rows[i]);
		rc = put_list_states(j, r, &rows[i], late, &budget);
		json_object_end(j);
	}
	json_array_end(j);
	return rc;
}

void http_serve_alerts(struct http_request *req)
{
	uint64_t max = ALERTS_DEFAULT, before = INT64_MAX;
	struct store_reader *r;
	struct alert_row *rows;
	struct json j;
	bool more;
	int n, rc;

	if (http_param_number(req, "max", 1, ALERTS_MAX, &max) < 0 ||
	    http_param_number(req, "before", 0, INT64_MAX, &before) < 0)
		return;
	r = http_reader(req);
	if (!r)
		return;
	/* One more than asked for tells whether there is a next page. */
	n = store_read_alerts(r, req, before, max + 1, &rows);
	if (n < 0) {
		http_refuse_read(req, n);
		return;
	}
	more = (uint64_t)n > max;
	json_init(&j, req);
	json_object_begin(&j, NULL);
	rc = put_alerts(&j, r, rows, more ? max : (uint64_t)n, http_store_is_late(req));
	if (more)
		json_int(&j, "next", rows[max - 1].seq);
	else
		json_null(&j, "next");
	json_object_end(&j);
	if (rc < 0)
		http_refuse_read(req, rc);
	else
		http_reply_json(req, MHD_HTTP_OK, &j);
}

/*
 * One alert
 */

static bool is_alert_id(const char *s)
{
	return strlen(s) == ALERT_ID_LEN && strspn(s, "0123456789abcdef") == ALERT_ID_LEN;
}

/* \returns the reader, or NULL with the request refused. */
static struct store_reader *read_alert(struct http_request *req, bool with_bytes, struct alert_row *row)
{
	struct store_reader *r;
	int rc = -ENOENT;

	if (is_alert_id(req->arg)) {
		r = http_reader(req);
		if (!r)
			return NULL;
		rc = store_read_alert(r, req, req->arg, with_bytes, row);
	}
	if (rc == 0)
		return r;
	http_refuse_read(req, rc);
	return NULL;
}

static void put_delivery(struct json *j, const struct delivery_counts *d)
{
	json_object_begin(j, NULL);
	json_string(j, "peer", d->peer);
	json_int(j, "revision", d->revision);
	json_int(j, "targets", d->n);
	json_boolean(j, "settled", d->settled);
	json_time(j, "updated", d->updated_utc);
	put_states(j, d->counts);
	json_object_end(j);
}

static void put_short(struct json *j, const struct short_message *sms)
{
	char sender[SENDER_ID_TEXT_LEN];

	json_string(j, "sender_id", sender_id_format(&sms->sender, sender, sizeof(sender)));
	json_string(j, "alphabet", sms->parts.alphabet == SMS_GSM7 ? "gsm7" : "ucs2");
	json_int(j, "parts", sms->parts.n);
	json_boolean(j, "cut", sms->parts.cut);
}

static void put_broadcast(struct json *j, const struct message *m)
{
	json_int(j, "message_identifier", m->identifier);
	json_int(j, "serial_number", m->serial);
	json_int(j, "dcs", m->pages.dcs);
	json_int(j, "pages", m->pages.n);
}

static void put_message(struct json *j, const struct alert_view *v, const struct message *m)
{
	size_t i;

	json_object_begin(j, NULL);
	json_int(j, "nr", m->nr);
	json_string(j, "kind", message_kind_name(m->kind));
	if (m->sms)
		put_short(j, m->sms);
	else
		put_broadcast(j, m);
	json_string(j, "language", m->language);
	json_string(j, "text", m->text);
	json_time(j, "expires", m->expires_utc);
	json_boolean(j, "drill", m->drill);
	json_array_begin(j, "deliveries");
	for (i = 0; i < v->n_deliveries; i++) {
		if (v->deliveries[i].message_nr == m->nr)
			put_delivery(j, &v->deliveries[i]);
	}
	json_array_end(j);
	json_object_end(j);
}

static void put_details(struct json *j, const struct alert_row *row, const char *area)
{
	char sha256[2 * DIGEST_LEN + 1];

	json_string(j, "source", row->source);
	json_string(j, "headline", row->headline);
	json_string(j, "language", row->language);
	json_string(j, "cancelled_by", row->cancelled_by);
	json_string(j, "sha256", digest_hex(row->sha256, DIGEST_LEN, sha256));
	json_boolean(j, "live", !row->ended_utc);
	if (area)
		json_raw(j, "area", area, strlen(area));
	else
		json_null(j, "area");
}

void http_serve_alert(struct http_request *req)
{
	struct alert_view v = { .late = http_store_is_late(req) };
	struct store_reader *r = read_alert(req, false, &v.row);
	struct json j;
	char *area = NULL, **centres = NULL;
	int i, rc;

	if (!r)
		return;
	rc = view_read(r, req, &v);
	if (rc == 0)
		rc = store_read_peer_numbers(r, req, &centres);
	if (rc == 0)
		rc = store_read_area(r, req, v.row.id, &area);
	if (rc < 0) {
		http_refuse_read(req, rc);
		return;
	}
	json_init(&j, req);
	json_object_begin(&j, NULL);
	put_alert(&j, &v.row);
	put_details(&j, &v.row, area);
	talloc_free(area);
	put_states(&j, v.cells.states);
	put_recipients(&j, &v, centres);
	json_array_begin(&j, "messages");
	for (i = 0; i < v.n_messages; i++)
		put_message(&j, &v, &v.messages[i]);
	json_array_end(&j);
	json_object_end(&j);
	http_reply_json(req, MHD_HTTP_OK, &j);
}

void http_serve_document(struct http_request *req)
{
	struct alert_row row = { 0 };

	if (read_alert(req, true, &row))
		http_reply(req, MHD_HTTP_OK, "application/cap+xml", row.bytes, row.n_bytes);
}
