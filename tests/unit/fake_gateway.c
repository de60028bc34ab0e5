/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fake_gateway.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>

struct submission {
	struct llist_head entry;
	struct alert_draft *draft;
	gateway_answered done;
	void *data;
};

struct gateway {
	struct fake_gateway fake;
	struct originator_set *originators;
	struct profile profile;
	struct llist_head submissions;
};

struct fake_alert {
	struct alert_row row;
	size_t n;
	size_t n_recipients;
	uint8_t *bytes;
	size_t n_bytes;
};

/* Written by the loop, read by the threads of the listeners. */
struct store {
	pthread_mutex_t lock;
	struct fake_alert alerts[4096];
	size_t n;
};

struct store_reader {
	struct gateway *gw;
};

/* store_reader_open() has nothing but a folder's name to go by. */
static struct gateway *the_gateway;

static int gateway_destructor(struct gateway *gw)
{
	if (the_gateway == gw)
		the_gateway = NULL;
	return 0;
}

struct fake_gateway *fake_gateway_alloc(void *ctx)
{
	struct gateway *gw = talloc_zero(ctx, struct gateway);

	gw->fake.gw = gw;
	gw->fake.store_ok = true;
	gw->fake.dir = "/nonexistent";
	gw->fake.store = talloc_zero(gw, struct store);
	pthread_mutex_init(&gw->fake.store->lock, NULL);
	gw->originators = originator_set_alloc(gw);
	gw->profile.languages[0] = talloc_strdup(gw, "en");
	INIT_LLIST_HEAD(&gw->submissions);
	talloc_set_destructor(gw, gateway_destructor);
	the_gateway = gw;
	return &gw->fake;
}

struct originator_set *gateway_originators(struct gateway *gw)
{
	return gw->originators;
}

struct profile *gateway_profile(struct gateway *gw)
{
	return &gw->profile;
}

struct store *gateway_store(struct gateway *gw)
{
	return gw->fake.store;
}

void gateway_submit(struct gateway *gw, struct alert_draft *draft, gateway_answered done, void *data)
{
	struct submission *s = talloc_zero(gw, struct submission);

	if (gw->fake.watch)
		gw->fake.watch(draft, data, gw->fake.watcher);
	s->draft = talloc_steal(s, draft);
	s->done = done;
	s->data = data;
	llist_add_tail(&s->entry, &gw->submissions);
	if (gw->fake.submitted < ARRAY_SIZE(gw->fake.order))
		snprintf(gw->fake.order[gw->fake.submitted], sizeof(gw->fake.order[0]), "%s", draft->cap->identifier);
	gw->fake.submitted++;
}

void gateway_forget(struct gateway *gw, void *data)
{
	struct submission *s, *next;

	llist_for_each_entry_safe(s, next, &gw->submissions, entry) {
		if (s->data != data)
			continue;
		llist_del(&s->entry);
		talloc_free(s);
		gw->fake.forgotten++;
	}
}

bool gateway_knows(const struct gateway *gw, const char *id)
{
	(void)id;
	return gw->fake.knows;
}

static struct fake_alert *find(struct store *store, const char *id)
{
	size_t i;

	for (i = 0; i < store->n; i++) {
		if (!strcmp(store->alerts[i].row.id, id))
			return &store->alerts[i];
	}
	return NULL;
}

static struct fake_alert *add(struct store *store, const char *id)
{
	struct fake_alert *a;

	if (store->n == ARRAY_SIZE(store->alerts))
		abort();
	a = &store->alerts[store->n++];
	*a = (struct fake_alert){
		.row = {
			.seq = store->n,
			.originator = "local",
			.source = "cap",
			.sender = "test@example.org",
			.identifier = "test",
			.sent_utc = clock_utc(),
			.status = "Actual",
			.msg_type = "Alert",
			.event = "Flood",
			.language = "en",
			.received_utc = clock_utc(),
			.expires_utc = clock_utc() + 600,
		},
	};
	snprintf(a->row.id, sizeof(a->row.id), "%s", id);
	return a;
}

/* \returns whether it was there before. */
static bool keep(struct store *store, const struct alert_draft *draft)
{
	struct fake_alert *a;
	bool repeated;

	pthread_mutex_lock(&store->lock);
	a = find(store, draft->id);
	repeated = a;
	if (!a) {
		a = add(store, draft->id);
		a->row.identifier = talloc_strdup(store, draft->cap->identifier);
		a->row.originator = talloc_strdup(store, draft->originator);
		a->row.area = draft->area_json ? talloc_strdup(store, draft->area_json) : NULL;
		a->row.answer = talloc_asprintf(store, "{\"id\":\"%s\",\"state\":\"accepted\",\"identifier\":\"%s\"}",
						draft->id, draft->cap->identifier);
		a->bytes = talloc_memdup(store, draft->bytes, draft->len);
		a->n_bytes = draft->len;
	}
	pthread_mutex_unlock(&store->lock);
	return repeated;
}

static void answer(struct gateway *gw, struct submission *s)
{
	struct gateway_answer a = { 0 };

	if (gw->fake.mode == FAKE_REFUSE) {
		a.problem = gw->fake.refusal.code;
		a.why = &gw->fake.refusal;
		a.retry_after_s = 7;
	} else {
		a.id = s->draft->id;
		a.repeated = keep(gw->fake.store, s->draft);
		gw->fake.taken += !a.repeated;
	}
	s->done(&a, s->data);
	talloc_free(s);
}

void fake_gateway_run(struct fake_gateway *fake)
{
	struct submission *s, *next;

	if (fake->mode == FAKE_HOLD)
		return;
	llist_for_each_entry_safe(s, next, &fake->gw->submissions, entry) {
		llist_del(&s->entry);
		answer(fake->gw, s);
	}
}

void fake_store_add(struct fake_gateway *fake, const char *id, size_t n_cells, bool cancelled)
{
	static const char doc[] =
		"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>x</identifier><sender>y</sender>"
		"<sent>2026-11-23T21:00:00+00:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
		"<info><language>en</language><category>Met</category><event>Flood</event><urgency>Immediate</urgency>"
		"<severity>Extreme</severity><certainty>Observed</certainty><expires>2026-11-23T22:00:00+00:00</expires>"
		"<headline>h</headline><area><areaDesc>a</areaDesc><polygon>1,1 1,2 2,2 1,1</polygon>"
		"<polygon>3,3 3,4 4,4 3,3</polygon><circle>5,5 1</circle></area></info></alert>";
	struct fake_alert *a;

	pthread_mutex_lock(&fake->store->lock);
	a = add(fake->store, id);
	a->n = n_cells;
	a->row.n_cells = n_cells;
	a->bytes = talloc_memdup(fake->store, doc, strlen(doc));
	a->n_bytes = strlen(doc);
	if (cancelled) {
		a->row.cancelled_by = "ffffffffffffffffffff";
		a->row.cancelled_utc = clock_utc();
	}
	pthread_mutex_unlock(&fake->store->lock);
}

void fake_store_add_recipients(struct fake_gateway *fake, const char *id, size_t n_cells, size_t n)
{
	struct fake_alert *a;

	fake_store_add(fake, id, n_cells, false);
	pthread_mutex_lock(&fake->store->lock);
	a = &fake->store->alerts[fake->store->n - 1];
	a->n_recipients = n;
	a->row.followed_utc = 1003;
	pthread_mutex_unlock(&fake->store->lock);
}

void gateway_render_recipients(struct gateway *gw, struct json *j)
{
	(void)gw;
	json_array_begin(j, "sources");
	json_object_begin(j, NULL);
	json_string(j, "source", "list");
	json_object_end(j);
	json_array_end(j);
}

void gateway_render_peers(struct gateway *gw, struct json *j)
{
	(void)gw;
	json_array_begin(j, "peers");
	json_object_begin(j, NULL);
	json_string(j, "peer", "bsc-1");
	json_object_end(j);
	json_array_end(j);
}

bool gateway_render_health(struct gateway *gw, struct json *j)
{
	json_string(j, "status", gw->fake.store_ok ? "ok" : "degraded");
	json_object_begin(j, "store");
	json_boolean(j, "ok", gw->fake.store_ok);
	json_object_end(j);
	return gw->fake.store_ok;
}

/*
 * The store's readers
 */

const char *store_dir(const struct store *store)
{
	(void)store;
	return the_gateway->fake.dir;
}

struct store_reader *store_reader_open(void *ctx, const char *dir, struct problem *problem)
{
	struct store_reader *r;

	(void)dir;
	if (the_gateway->fake.reader_fails) {
		problem_set(problem, PROBLEM_STORE_UNAVAILABLE, NULL, 0, "it is broken");
		return NULL;
	}
	r = talloc_zero(ctx, struct store_reader);
	r->gw = the_gateway;
	return r;
}

static void copy_row(void *ctx, const struct fake_alert *a, bool with_bytes, struct alert_row *row)
{
	*row = a->row;
	row->answer = a->row.answer ? talloc_strdup(ctx, a->row.answer) : NULL;
	if (with_bytes) {
		row->bytes = talloc_memdup(ctx, a->bytes, a->n_bytes);
		row->n_bytes = a->n_bytes;
	}
}

int store_read_alerts(struct store_reader *r, void *ctx, int64_t before_seq, size_t max, struct alert_row **rows)
{
	struct store *store = r->gw->fake.store;
	size_t i, n = 0;

	*rows = talloc_array(ctx, struct alert_row, max);
	pthread_mutex_lock(&store->lock);
	for (i = store->n; i > 0 && n < max; i--) {
		if (store->alerts[i - 1].row.seq < before_seq)
			copy_row(*rows, &store->alerts[i - 1], false, &(*rows)[n++]);
	}
	pthread_mutex_unlock(&store->lock);
	return n;
}

int store_read_alert(struct store_reader *r, void *ctx, const char *id, bool with_bytes, struct alert_row *row)
{
	struct store *store = r->gw->fake.store;
	struct fake_alert *a;

	if (r->gw->fake.answers_missing)
		return -EIO;
	pthread_mutex_lock(&store->lock);
	a = find(store, id);
	if (a)
		copy_row(ctx, a, with_bytes, row);
	pthread_mutex_unlock(&store->lock);
	return a ? 0 : -ENOENT;
}

int store_read_area(struct store_reader *r, void *ctx, const char *id, char **area)
{
	struct store *store = r->gw->fake.store;
	struct fake_alert *a;

	pthread_mutex_lock(&store->lock);
	a = find(store, id);
	*area = a && a->row.area ? talloc_strdup(ctx, a->row.area) : NULL;
	pthread_mutex_unlock(&store->lock);
	return a ? 0 : -ENOENT;
}

static const struct short_message short_en = {
	.parts = { .alphabet = SMS_GSM7, .n = 2 }, .sender = { SENDER_ALPHANUMERIC, "Civil" }, .reference = 7,
};
static const struct short_message short_de = {
	.parts = { .alphabet = SMS_UCS2, .n = 1 }, .sender = { SENDER_INTERNATIONAL, "4930123456" },
	.protocol_id = MESSAGE_PID_REPLACE,
};

/* What an alert has, as it was when asked for. */
static struct fake_alert alert_of(struct store_reader *r, const char *id)
{
	struct store *store = r->gw->fake.store;
	struct fake_alert copy = { 0 }, *a;

	pthread_mutex_lock(&store->lock);
	a = find(store, id);
	if (a)
		copy = *a;
	pthread_mutex_unlock(&store->lock);
	return copy;
}

int store_read_messages(struct store_reader *r, void *ctx, const char *id, struct message **messages)
{
	int64_t expires = clock_utc() + 600;
	const struct message all[] = {
		{ .nr = 1, .kind = MESSAGE_TEXT, .identifier = 4370, .serial = 0x4010, .expires_utc = expires,
		  .language = "en", .text = "Flood. Go uphill.", .pages = { .dcs = 1, .n = 1 } },
		{ .nr = 2, .kind = MESSAGE_SHORT, .expires_utc = expires, .language = "en",
		  .text = "Flood. Go uphill.", .sms = &short_en },
		{ .nr = 3, .kind = MESSAGE_SHORT, .expires_utc = expires, .language = "de",
		  .text = "Flut. Geht bergauf.", .sms = &short_de },
	};
	size_t n = alert_of(r, id).n_recipients ? ARRAY_SIZE(all) : 1;

	*messages = talloc_memdup(ctx, all, n * sizeof(all[0]));
	return n;
}

static void alloc_row(void *ctx, struct delivery_row *row, const char *id, unsigned int nr, const char *peer,
		      unsigned int revision, size_t n)
{
	*row = (struct delivery_row){
		.message_nr = nr, .peer = peer, .revision = revision, .n = n, .updated_utc = 1002,
		.wanted = talloc_zero_array(ctx, struct target, n ? n : 1),
		.evidence = talloc_zero_array(ctx, struct evidence, n ? n : 1),
	};
	snprintf(row->alert_id, sizeof(row->alert_id), "%s", id);
}

/* Cells first to first + n - 1 of an alert. */
static void fill_row(void *ctx, struct delivery_row *row, const char *id, const char *peer, size_t first, size_t n)
{
	struct target *wanted;
	struct evidence *evidence;
	size_t i;

	alloc_row(ctx, row, id, 1, peer, 1, n);
	wanted = (struct target *)row->wanted;
	evidence = (struct evidence *)row->evidence;
	for (i = 0; i < n; i++) {
		wanted[i] = (struct target){ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2,
					     .value = (uint64_t)(100 + (first + i) / 60000) << 16 | (first + i) % 60000 };
		evidence[i].wait = WAIT_NEW;
		if ((first + i) % 2 == 0) {
			evidence_sent(&evidence[i], PEER_WRITE, 2, 1000);
			evidence_answered(&evidence[i], PEER_WRITE,
					  &(struct peer_result){ .answer = PEER_ANSWER_DONE }, 1001);
		}
		if ((first + i) % 4 == 0) {
			evidence_sent(&evidence[i], PEER_QUERY, 0, 1001);
			evidence_answered(&evidence[i], PEER_QUERY,
					  &(struct peer_result){ .answer = PEER_ANSWER_DONE, .has_count = true, .count = 3 }, 1002);
		}
	}
}

static void submitted(struct evidence *e, uint8_t via, struct peer_result result)
{
	evidence_sent(e, PEER_WRITE, 0, 1000);
	e->via = via;
	if (result.answer != PEER_ANSWER_NONE)
		evidence_answered(e, PEER_WRITE, &result, 1001);
}

static void fill_recipient(struct evidence *e, size_t i)
{
	switch (i % 6) {
	case 0:
		submitted(e, 1, (struct peer_result){ .answer = PEER_ANSWER_DELIVERED });
		break;
	case 1:
		e->wait = WAIT_BROADCAST;
		break;
	case 2:
		submitted(e, 2, (struct peer_result){ .answer = PEER_ANSWER_REFUSED, .cause = 11 });
		break;
	case 3:
		submitted(e, 2, (struct peer_result){ .answer = PEER_ANSWER_DONE });
		e->flags |= EVIDENCE_HINT;
		e->count = 1;
		break;
	case 4:
		submitted(e, 2, (struct peer_result){ .answer = PEER_ANSWER_NONE });
		evidence_doubted(e, DOUBT_LINK, 1004);
		break;
	}
}

/* Recipients first to first + n - 1 of an alert. */
static void fill_short(void *ctx, struct delivery_row *row, const char *id, unsigned int nr, unsigned int revision,
		       size_t first, size_t n)
{
	struct recipient_detail *details = talloc_zero_array(ctx, struct recipient_detail, n ? n : 1);
	struct evidence *evidence;
	struct target *wanted;
	size_t i;

	alloc_row(ctx, row, id, nr, "sms", revision, n);
	row->details = details;
	wanted = (struct target *)row->wanted;
	evidence = (struct evidence *)row->evidence;
	for (i = 0; i < n; i++) {
		wanted[i] = (struct target){ .type = TARGET_IMSI, .mnc_digits = 15,
					     .value = UINT64_C(1010000000001) + first + i };
		if ((first + i) % 2 == 0) {
			details[i].msisdn = (struct msisdn){ .number = UINT64_C(99900000001) + first + i, .digits = 11 };
			details[i].at = (struct target){ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2,
							 .value = 100 << 16 | 1001 };
		}
		evidence_init(&evidence[i], &wanted[i]);
		if (nr == 2)
			fill_recipient(&evidence[i], first + i);
	}
}

int store_read_deliveries(struct store_reader *r, void *ctx, const char *id, const char *peer, struct delivery_row **rows)
{
	static const char *const peers[] = { "bsc-1", "bsc-2" };
	struct fake_alert alert = alert_of(r, id);
	size_t first = 0, i, half = alert.n_recipients / 2;
	int n = 0;

	*rows = talloc_zero_array(ctx, struct delivery_row, 5);
	/* In no order. */
	if (half && (!peer || !strcmp(peer, "sms"))) {
		fill_short(*rows, &(*rows)[n++], id, 3, 1, alert.n_recipients, 2);
		fill_short(*rows, &(*rows)[n++], id, 2, 2, half, alert.n_recipients - half);
		fill_short(*rows, &(*rows)[n++], id, 2, 1, 0, half);
	}
	for (i = 0; alert.n && i < 2; i++) {
		size_t part = i ? alert.n - alert.n / 2 : alert.n / 2;

		if (!peer || !strcmp(peer, peers[i]))
			fill_row(*rows, &(*rows)[n++], id, peers[i], first, part);
		first += part;
	}
	return n;
}

int store_read_each_delivery(struct store_reader *r, const char *id,
			     int (*cb)(const struct delivery_row *row, void *data), void *data)
{
	struct delivery_row *rows;
	int n = store_read_deliveries(r, r, id, NULL, &rows), i, rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = cb(&rows[i], data);
	talloc_free(rows);
	return rc;
}

int store_read_n_targets(struct store_reader *r, const char *id, size_t *n)
{
	struct fake_alert alert = alert_of(r, id);

	*n = alert.n + (alert.n_recipients ? alert.n_recipients + 2 : 0);
	return 0;
}

int store_read_peer_numbers(struct store_reader *r, void *ctx, char ***names)
{
	(void)r;
	*names = talloc_zero_array(ctx, char *, 256);
	(*names)[1] = talloc_strdup(*names, "smsc-1");
	(*names)[2] = talloc_strdup(*names, "smsc-2");
	return 0;
}

char *store_read_meta(struct store_reader *r, void *ctx, const char *key)
{
	const char *name = r->gw->fake.cell_table;

	return name && !strcmp(key, "cell-table") ? talloc_strdup(ctx, name) : NULL;
}
