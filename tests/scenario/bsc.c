/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/log.h>

#include "checker.h"

#define LINK_DELAY_MS 100
#define DEADLINE_MS 10000	/* after which the core may ask again */

/* Causes of 3GPP TS 48.049, 8.2.13, as OsmoBSC uses them. */
#define CAUSE_NOT_IDENTIFIED 2
#define CAUSE_CAPACITY 6
#define CAUSE_NOT_OPERATIONAL 10
#define CAUSE_USED 13

static void schedule(struct osmo_timer_list *timer, int64_t delay_ms)
{
	if (delay_ms < 0)
		delay_ms = 0;
	osmo_timer_schedule(timer, delay_ms / 1000, delay_ms % 1000 * 1000);
}

/* The air */

static int64_t period_ms(const struct fake_bsc *bsc, const struct air *air)
{
	return (int64_t)air->period * bsc->caps.period_unit_ms;
}

static uint32_t count_of(const struct fake_bsc *bsc, const struct air *air, size_t cell)
{
	int64_t now = bsc->failed_ms[cell] ? bsc->failed_ms[cell] : bsc->w->mono_ms;
	int64_t n = (now - air->since_ms) / period_ms(bsc, air);

	return n < air->max ? n : air->max;
}

static struct air_message *find(const struct fake_bsc *bsc, uint16_t identifier, uint16_t serial)
{
	struct air_message *m;

	llist_for_each_entry(m, &bsc->messages, entry) {
		if (m->identifier == identifier && m->serial == serial)
			return m;
	}
	return NULL;
}

static bool is_empty(const struct fake_bsc *bsc, const struct air_message *m)
{
	size_t i;

	for (i = 0; i < bsc->n_cells; i++) {
		if (m->cells[i].on)
			return false;
	}
	return true;
}

void bsc_refresh(struct fake_bsc *bsc)
{
	struct air_message *m, *next;
	size_t i;

	if (bsc->refreshed_ms == bsc->w->mono_ms)
		return;
	bsc->refreshed_ms = bsc->w->mono_ms;
	llist_for_each_entry_safe(m, next, &bsc->messages, entry) {
		for (i = 0; i < bsc->n_cells; i++) {
			if (m->cells[i].on && count_of(bsc, &m->cells[i], i) >= m->cells[i].max)
				m->cells[i].on = false;
		}
		if (is_empty(bsc, m)) {
			llist_del(&m->entry);
			talloc_free(m);
		}
	}
}

bool bsc_on_air(struct fake_bsc *bsc, uint16_t identifier, uint16_t serial, size_t cell)
{
	struct air_message *m;

	bsc_refresh(bsc);
	m = find(bsc, identifier, serial);
	return m && m->cells[cell].on;
}

bool bsc_silent(struct fake_bsc *bsc)
{
	struct air_message *m;

	bsc_refresh(bsc);
	llist_for_each_entry(m, &bsc->messages, entry) {
		if (!is_empty(bsc, m))
			return false;
	}
	return true;
}

unsigned int bsc_pages(struct fake_bsc *bsc, size_t cell)
{
	struct air_message *m;
	unsigned int pages = 0;

	bsc_refresh(bsc);
	llist_for_each_entry(m, &bsc->messages, entry) {
		if (m->cells[cell].on)
			pages += m->pages;
	}
	return pages;
}

static uint16_t period_of_cell(const struct fake_bsc *bsc, size_t cell)
{
	const struct air_message *m;

	llist_for_each_entry(m, &bsc->messages, entry) {
		if (m->cells[cell].on && m->kind == MESSAGE_TEXT)
			return m->cells[cell].period;
	}
	return 0;
}

static bool emergency_active(const struct fake_bsc *bsc, size_t cell)
{
	const struct air_message *m;

	llist_for_each_entry(m, &bsc->messages, entry) {
		if (m->cells[cell].on && m->kind == MESSAGE_EMERGENCY)
			return true;
	}
	return false;
}

void bsc_lose_cell(struct fake_bsc *bsc, size_t cell)
{
	struct air_message *m;

	llist_for_each_entry(m, &bsc->messages, entry)
		m->cells[cell].on = false;
}

void bsc_lose_all(struct fake_bsc *bsc)
{
	size_t i;

	for (i = 0; i < bsc->n_cells; i++)
		bsc_lose_cell(bsc, i);
}

void bsc_fail_cell(struct fake_bsc *bsc, size_t cell, bool failed)
{
	struct air_message *m;

	if (failed == !!bsc->failed_ms[cell])
		return;
	bsc_refresh(bsc);
	if (failed) {
		bsc->failed_ms[cell] = bsc->w->mono_ms;
		return;
	}
	llist_for_each_entry(m, &bsc->messages, entry) {
		if (m->cells[cell].since_ms < bsc->failed_ms[cell])
			m->cells[cell].since_ms += bsc->w->mono_ms - bsc->failed_ms[cell];
		else
			m->cells[cell].since_ms = bsc->w->mono_ms;
	}
	bsc->failed_ms[cell] = 0;
}

/* Working on requests */

static struct peer_result refused(enum peer_answer answer, uint8_t cause)
{
	return (struct peer_result){ .answer = answer, .cause = cause };
}

static struct air_message *get(struct fake_bsc *bsc, const struct bsc_request *req)
{
	struct air_message *m = find(bsc, req->identifier, req->serial);

	if (m)
		return m;
	m = talloc_zero(bsc, struct air_message);
	m->identifier = req->identifier;
	m->serial = req->serial;
	m->kind = req->kind;
	m->pages = req->pages;
	m->cells = talloc_zero_array(m, struct air, bsc->n_cells);
	llist_add_tail(&m->entry, &bsc->messages);
	return m;
}

/* Nothing may ever be asked for that the cell's schedule cannot hold: OsmoBSC survives one refusal,
 * but not a mixture of periods. */
static struct peer_result no_room(struct fake_bsc *bsc, const struct bsc_request *req, size_t cell)
{
	uint16_t period = period_of_cell(bsc, cell);

	if (period && period != req->pub.period)
		world_violate(bsc->w, "%s cell %zu: period %u beside period %u", bsc->name, cell,
			      req->pub.period, period);
	if (bsc_pages(bsc, cell) + req->pages > req->pub.period)
		world_violate(bsc->w, "%s cell %zu: %u pages more than its period %u holds (%u there)",
			      bsc->name, cell, req->pages, req->pub.period, bsc_pages(bsc, cell));
	else
		return refused(PEER_ANSWER_NONE, 0);
	return refused(PEER_ANSWER_REFUSED, CAUSE_CAPACITY);
}

static struct peer_result write_cell(struct fake_bsc *bsc, const struct bsc_request *req, size_t cell)
{
	struct air_message *m = find(bsc, req->identifier, req->serial);
	struct peer_result result;

	if (bsc->write_answer[cell])
		return refused(bsc->write_answer[cell], CAUSE_NOT_OPERATIONAL);
	if (req->kind == MESSAGE_EMERGENCY) {
		/* An active one is replaced only by a write that names an old serial number. */
		if (emergency_active(bsc, cell) && !req->pub.again)
			return refused(PEER_ANSWER_REFUSED, CAUSE_CAPACITY);
	} else if (m && m->cells[cell].on) {
		return refused(PEER_ANSWER_ALREADY, CAUSE_USED);
	} else {
		result = no_room(bsc, req, cell);
		if (result.answer)
			return result;
	}
	m = get(bsc, req);
	m->cells[cell] = (struct air){
		.on = true,
		.period = req->kind == MESSAGE_TEXT ? req->pub.period : 1,
		.since_ms = bsc->w->mono_ms,
	};
	m->cells[cell].max = (req->pub.remaining_s * 1000 + period_ms(bsc, &m->cells[cell]) - 1) /
			     period_ms(bsc, &m->cells[cell]);
	return (struct peer_result){ .answer = PEER_ANSWER_DONE };
}

static struct peer_result stop_cell(struct fake_bsc *bsc, const struct bsc_request *req, size_t cell)
{
	struct air_message *m = find(bsc, req->identifier, req->serial);

	bsc->lied |= bsc->stop_answer == PEER_ANSWER_DONE;
	if (bsc->stop_answer)
		return refused(bsc->stop_answer, CAUSE_NOT_OPERATIONAL);
	if (!m || !m->cells[cell].on)
		return refused(PEER_ANSWER_ABSENT, CAUSE_NOT_IDENTIFIED);
	m->cells[cell].on = false;
	return (struct peer_result){ .answer = PEER_ANSWER_DONE };
}

static struct peer_result query_cell(struct fake_bsc *bsc, const struct bsc_request *req, size_t cell)
{
	struct air_message *m = find(bsc, req->identifier, req->serial);

	if (!m || !m->cells[cell].on)
		return refused(PEER_ANSWER_ABSENT, CAUSE_NOT_IDENTIFIED);
	return (struct peer_result){
		.answer = PEER_ANSWER_DONE,
		.has_count = true,
		.count = count_of(bsc, &m->cells[cell], cell),
	};
}

static void work_on(struct fake_bsc *bsc, struct bsc_request *req)
{
	size_t i;

	bsc_refresh(bsc);
	for (i = 0; i < req->pub.n_targets; i++) {
		long cell = target_find(bsc->cells, bsc->n_cells, &req->targets[i]);

		if (cell < 0)
			req->results[i] = refused(PEER_ANSWER_IMPOSSIBLE, 0);
		else if (req->pub.verb == PEER_WRITE)
			req->results[i] = write_cell(bsc, req, cell);
		else if (req->pub.verb == PEER_STOP)
			req->results[i] = stop_cell(bsc, req, cell);
		else
			req->results[i] = query_cell(bsc, req, cell);
	}
}

/* Answering */

static void outstanding_remove(struct fake_bsc *bsc, enum peer_verb verb, uint16_t identifier,
			       uint16_t serial)
{
	size_t i;

	for (i = 0; i < bsc->n_outstanding; i++) {
		struct outstanding *o = &bsc->outstanding[i];

		if (o->verb == verb && o->identifier == identifier && o->serial == serial) {
			*o = bsc->outstanding[--bsc->n_outstanding];
			return;
		}
	}
}

/* As the link does: an answer belongs to whatever is outstanding under its verb and numbers, and
 * says nothing of targets that it does not name. */
static void answer(struct fake_bsc *bsc, const struct bsc_request *req)
{
	const struct peer_request *asked;
	struct peer_result *results;
	size_t i;

	asked = peer_request_find(bsc->peer, req->pub.verb, req->identifier, req->serial);
	if (!asked) {
		peer_unmatched(bsc->peer);
		return;
	}
	results = talloc_zero_array(bsc, struct peer_result, asked->n_targets);
	for (i = 0; i < asked->n_targets; i++) {
		long at = target_find(req->targets, req->pub.n_targets, &asked->targets[i]);

		if (at >= 0)
			results[i] = req->results[at];
		checker_told(bsc->w->checker, bsc, req->pub.verb, req->identifier, req->serial,
			     &asked->targets[i], &results[i]);
	}
	outstanding_remove(bsc, req->pub.verb, req->identifier, req->serial);
	LOGP(DCBSP, LOGL_DEBUG, "%lld %s -> verb %d of %u/%04x: answer %d to the first of %zu targets\n",
	     (long long)bsc->w->mono_ms, bsc->name, req->pub.verb, req->identifier, req->serial,
	     results[0].answer, asked->n_targets);
	peer_request_done(bsc->peer, asked, results);
	talloc_free(results);
}

static void outbox_cb(void *data)
{
	struct fake_bsc *bsc = data;
	struct bsc_request *req;

	while (!llist_empty(&bsc->outbox)) {
		req = llist_first_entry(&bsc->outbox, struct bsc_request, entry);
		if (req->at_ms > bsc->w->mono_ms) {
			schedule(&bsc->outbox_timer, req->at_ms - bsc->w->mono_ms);
			return;
		}
		llist_del(&req->entry);
		if (bsc->up && !req->is_report)
			answer(bsc, req);
		if (bsc->up && req->is_report) {
			checker_told_loss(bsc->w->checker, bsc, req->loss, req->report_kind,
					  req->patterns, req->n_patterns);
			peer_report_loss(bsc->peer, req->loss, req->report_kind, req->patterns, req->n_patterns);
		}
		talloc_free(req);
	}
}

static void send_back(struct fake_bsc *bsc, struct bsc_request *req, unsigned int delay_ms)
{
	struct bsc_request *last;

	req->at_ms = bsc->w->mono_ms + delay_ms;
	if (!llist_empty(&bsc->outbox)) {
		last = llist_last_entry(&bsc->outbox, struct bsc_request, entry);
		req->at_ms = OSMO_MAX(req->at_ms, last->at_ms);
	}
	llist_add_tail(&req->entry, &bsc->outbox);
	if (!osmo_timer_pending(&bsc->outbox_timer))
		schedule(&bsc->outbox_timer, req->at_ms - bsc->w->mono_ms);
}

static void inbox_cb(void *data)
{
	struct fake_bsc *bsc = data;
	struct bsc_request *req;

	while (!llist_empty(&bsc->inbox)) {
		req = llist_first_entry(&bsc->inbox, struct bsc_request, entry);
		if (req->at_ms > bsc->w->mono_ms) {
			schedule(&bsc->inbox_timer, req->at_ms - bsc->w->mono_ms);
			return;
		}
		llist_del(&req->entry);
		work_on(bsc, req);
		if (bsc->mute || req->no_answer)
			talloc_free(req);
		else
			send_back(bsc, req, bsc->answer_ms);
	}
}

bool bsc_write_waits(const struct fake_bsc *bsc, uint16_t identifier, uint16_t serial)
{
	const struct bsc_request *req;

	llist_for_each_entry(req, &bsc->inbox, entry) {
		if (req->pub.verb == PEER_WRITE && req->identifier == identifier && req->serial == serial)
			return true;
	}
	return false;
}

void bsc_report_pattern(struct fake_bsc *bsc, enum peer_loss loss, enum message_kind kind,
			const struct target_pattern *pattern)
{
	struct bsc_request *req = talloc_zero(bsc, struct bsc_request);

	req->is_report = true;
	req->loss = loss;
	req->report_kind = kind;
	if (pattern) {
		req->patterns = talloc_memdup(req, pattern, sizeof(*pattern));
		req->n_patterns = 1;
	}
	send_back(bsc, req, 0);
}

void bsc_report(struct fake_bsc *bsc, enum peer_loss loss, enum message_kind kind, long cell)
{
	struct target_pattern pattern = { .mask = UINT64_MAX, .any_plmn = true };

	if (cell >= 0)
		pattern.t = bsc->cells[cell];
	bsc_report_pattern(bsc, loss, kind, cell >= 0 ? &pattern : NULL);
}

/* The link */

static void drop_outbox(struct fake_bsc *bsc)
{
	struct bsc_request *req, *next;

	osmo_timer_del(&bsc->outbox_timer);
	llist_for_each_entry_safe(req, next, &bsc->outbox, entry) {
		llist_del(&req->entry);
		talloc_free(req);
	}
	/* The conn that these would be answered on is gone. */
	llist_for_each_entry(req, &bsc->inbox, entry)
		req->no_answer = true;
}

static void link_down(struct fake_bsc *bsc)
{
	osmo_timer_del(&bsc->link_timer);
	bsc->up = false;
	bsc->n_outstanding = 0;
	bsc->queue_full = false;
	drop_outbox(bsc);
	checker_link_down(bsc->w->checker, bsc);
}

static void link_up_cb(void *data)
{
	struct fake_bsc *bsc = data;

	if (!bsc->wire || !bsc->peer || bsc->up)
		return;
	bsc->up = true;
	peer_set_state(bsc->peer, PEER_UP, "connected");
	if (bsc->claims_loss)
		bsc_report(bsc, PEER_LOSS_DATA_LOST, MESSAGE_TEXT, -1);
}

void bsc_set_wire(struct fake_bsc *bsc, bool wire)
{
	bsc->wire = wire;
	if (wire) {
		if (!bsc->up && bsc->peer)
			schedule(&bsc->link_timer, LINK_DELAY_MS);
		return;
	}
	if (!bsc->up)
		return;
	link_down(bsc);
	if (bsc->peer)
		peer_set_state(bsc->peer, PEER_DOWN, "cut");
}

void bsc_cut(struct fake_bsc *bsc)
{
	struct bsc_request *req, *next;

	bsc_set_wire(bsc, false);
	osmo_timer_del(&bsc->inbox_timer);
	llist_for_each_entry_safe(req, next, &bsc->inbox, entry) {
		llist_del(&req->entry);
		talloc_free(req);
	}
}

static void rearm(struct fake_bsc *bsc, struct osmo_timer_list *timer, struct llist_head *box)
{
	if (osmo_timer_pending(timer))
		schedule(timer, llist_first_entry(box, struct bsc_request, entry)->at_ms - bsc->w->mono_ms);
}

void bsc_clock_set(struct fake_bsc *bsc)
{
	rearm(bsc, &bsc->inbox_timer, &bsc->inbox);
	rearm(bsc, &bsc->outbox_timer, &bsc->outbox);
	if (osmo_timer_pending(&bsc->link_timer))
		schedule(&bsc->link_timer, LINK_DELAY_MS);
}

void bsc_ready(struct fake_bsc *bsc)
{
	bsc->queue_full = false;
	if (bsc->up)
		peer_ready(bsc->peer);
}

/* The daemon's side */

struct fake_config {
	struct fake_bsc *bsc;
};

static struct fake_bsc *of(const struct peer *peer)
{
	const struct fake_config *config = peer_config(peer);

	return config->bsc;
}

static int fake_open(struct peer *peer)
{
	struct fake_bsc *bsc = of(peer);

	bsc->peer = peer;
	if (bsc->wire)
		schedule(&bsc->link_timer, LINK_DELAY_MS);
	return 0;
}

static void fake_close(struct peer *peer)
{
	bsc_detach(of(peer));
}

static void fake_caps(const struct peer *peer, struct peer_caps *caps)
{
	*caps = of(peer)->caps;
}

static void remember_outstanding(struct fake_bsc *bsc, const struct peer_request *request)
{
	uint16_t identifier = request->message->identifier, serial = request->message->serial;
	size_t i;

	for (i = 0; i < bsc->n_outstanding; i++) {
		struct outstanding *o = &bsc->outstanding[i];

		if (o->verb == request->verb && o->identifier == identifier && o->serial == serial &&
		    o->until_ms > bsc->w->mono_ms)
			world_violate(bsc->w, "%s: a second request of verb %d for %u/%04x", bsc->name,
				      request->verb, identifier, serial);
	}
	outstanding_remove(bsc, request->verb, identifier, serial);
	if (bsc->n_outstanding == ARRAY_SIZE(bsc->outstanding)) {
		world_violate(bsc->w, "%s: too many requests outstanding", bsc->name);
		return;
	}
	bsc->outstanding[bsc->n_outstanding++] = (struct outstanding){
		.verb = request->verb, .identifier = identifier, .serial = serial,
		.until_ms = bsc->w->mono_ms + DEADLINE_MS,
	};
}

static void count_request(struct fake_bsc *bsc, const struct peer_request *request)
{
	bsc->requests[request->verb]++;
	bsc->largest = OSMO_MAX(bsc->largest, request->n_targets);
	if (request->verb == PEER_WRITE) {
		bsc->targets_written += request->n_targets;
		bsc->again += request->again;
		if (!bsc->first_write_ms)
			bsc->first_write_ms = bsc->w->mono_ms;
	}
	if (bsc->second_ms / 1000 != bsc->w->mono_ms / 1000)
		bsc->in_second = 0;
	bsc->second_ms = bsc->w->mono_ms;
	if (++bsc->in_second > bsc->storm)
		world_violate(bsc->w, "%s: %u requests within one second", bsc->name, bsc->in_second);
}

static void take(struct fake_bsc *bsc, const struct peer_request *request)
{
	struct bsc_request *req = talloc_zero(bsc, struct bsc_request), *last;

	req->pub = *request;
	req->pub.message = NULL;
	req->identifier = request->message->identifier;
	req->serial = request->message->serial;
	req->kind = request->message->kind;
	req->pages = request->message->kind == MESSAGE_TEXT ? request->message->pages.n : 0;
	req->targets = talloc_memdup(req, request->targets, request->n_targets * sizeof(*req->targets));
	req->results = talloc_zero_array(req, struct peer_result, request->n_targets);
	req->at_ms = bsc->w->mono_ms + bsc->work_ms;
	if (!llist_empty(&bsc->inbox)) {
		last = llist_last_entry(&bsc->inbox, struct bsc_request, entry);
		req->at_ms = OSMO_MAX(req->at_ms, last->at_ms);
	}
	llist_add_tail(&req->entry, &bsc->inbox);
	if (!osmo_timer_pending(&bsc->inbox_timer))
		schedule(&bsc->inbox_timer, req->at_ms - bsc->w->mono_ms);
}

static int hand_over(struct peer *peer, const struct peer_request *request)
{
	struct fake_bsc *bsc = of(peer);

	if (bsc->w->doomed || !bsc->up)
		return -ENOTCONN;
	if (bsc->queue_full)
		return -EAGAIN;
	checker_handed(bsc->w->checker, bsc, request);
	LOGP(DCBSP, LOGL_DEBUG, "%lld %s <- verb %d of %u/%04x for %zu targets\n",
	     (long long)bsc->w->mono_ms, bsc->name, request->verb, request->message->identifier,
	     request->message->serial, request->n_targets);
	remember_outstanding(bsc, request);
	count_request(bsc, request);
	if (!bsc->deaf && !(bsc->deaf_to && bsc->deaf_to == request->message->identifier))
		take(bsc, request);
	world_point(bsc->w);
	return 0;
}

static const char *fake_cause_name(uint8_t cause)
{
	return cause == CAUSE_CAPACITY ? "capacity" : "other";
}

static const char *fake_remote(const struct peer *peer)
{
	return of(peer)->name;
}

static int64_t fake_retry_ms(const struct peer *peer)
{
	struct osmo_timer_list *timer = &of(peer)->link_timer;
	struct timeval left;

	if (!osmo_timer_pending(timer) || osmo_timer_remaining(timer, NULL, &left) < 0)
		return -1;
	return (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000;
}

const struct peer_ops fake_bsc_ops = {
	.protocol = "fake",
	.open = fake_open,
	.close = fake_close,
	.caps = fake_caps,
	.submit = hand_over,
	.withdraw = hand_over,
	.query = hand_over,
	.cause_name = fake_cause_name,
	.remote = fake_remote,
	.retry_ms = fake_retry_ms,
};

int bsc_attach(struct fake_bsc *bsc)
{
	struct fake_config *config = talloc_zero(NULL, struct fake_config);
	struct peer *peer;

	config->bsc = bsc;
	peer = peer_alloc(gateway_peers(bsc->w->gw), bsc->name, &fake_bsc_ops, config);
	return peer ? peer_ops(peer)->open(peer) : -ENOMEM;
}

void bsc_detach(struct fake_bsc *bsc)
{
	link_down(bsc);
	bsc->peer = NULL;
}

/* The cells of one BSC lie 0.01 degrees apart on parallels of its own. */
struct fake_bsc *bsc_alloc(struct world *w, unsigned int nr, size_t n_cells)
{
	struct fake_bsc *bsc = talloc_zero(w, struct fake_bsc);
	size_t i;

	bsc->w = w;
	snprintf(bsc->name, sizeof(bsc->name), "bsc-%u", nr);
	bsc->wire = true;
	bsc->storm = 400;
	bsc->refreshed_ms = -1;
	bsc->work_ms = 10;
	bsc->answer_ms = 10;
	bsc->caps = (struct peer_caps){
		.max_targets = 1000, .window = 16, .room = UINT_MAX, .deadline_s = DEADLINE_MS / 1000,
		.one_per_message = true, .period = 16, .period_unit_ms = 1883, .pages_per_period = 1,
		.can_query = true,
	};
	bsc->n_cells = n_cells;
	bsc->cells = talloc_zero_array(bsc, struct target, n_cells);
	bsc->write_answer = talloc_zero_array(bsc, enum peer_answer, n_cells);
	bsc->failed_ms = talloc_zero_array(bsc, int64_t, n_cells);
	bsc->unlisted = talloc_zero_array(bsc, bool, n_cells);
	for (i = 0; i < n_cells; i++) {
		bsc->cells[i] = (struct target){
			.type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2,
			.value = (uint64_t)(nr + 1) << 16 | (i + 1),
		};
	}
	INIT_LLIST_HEAD(&bsc->messages);
	INIT_LLIST_HEAD(&bsc->inbox);
	INIT_LLIST_HEAD(&bsc->outbox);
	osmo_timer_setup(&bsc->inbox_timer, inbox_cb, bsc);
	osmo_timer_setup(&bsc->outbox_timer, outbox_cb, bsc);
	osmo_timer_setup(&bsc->link_timer, link_up_cb, bsc);
	return bsc;
}

struct fake_bsc *bsc_alloc_twin(struct world *w, unsigned int nr, const struct fake_bsc *of)
{
	struct fake_bsc *bsc = bsc_alloc(w, nr, of->n_cells);

	memcpy(bsc->cells, of->cells, of->n_cells * sizeof(*of->cells));
	memset(bsc->unlisted, true, of->n_cells * sizeof(*bsc->unlisted));
	return bsc;
}

void bsc_release(struct fake_bsc *bsc)
{
	osmo_timer_del(&bsc->inbox_timer);
	osmo_timer_del(&bsc->outbox_timer);
	osmo_timer_del(&bsc->link_timer);
}
