/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Deliveries: what is wanted at a peer, what is known about it, and the one function that sends
 * the difference.
 *
 * delivery_run() is called for a new alert, a link that came up, an answer, a restart of the peer,
 * a retry timer, an expiry, a cancel and the start of the daemon. It never asks which of these it
 * was: it asks evidence_next() for each target and batches equal needs into requests. Stops go
 * first, then the more important messages, then the older ones. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

/* Requests outstanding at one peer; stops and the most urgent class are not limited. */
#define LANE_WINDOW 16
#define REQUEST_DEADLINE_S 10
/* Nothing sleeps longer, so that one forgotten wake-up is no lost alert. */
#define LANE_MAX_SLEEP_S 30

void delivery_touch(struct delivery *d)
{
	d->next_utc = 0;
	lane_wake(d->lane);
}

static void changed(struct delivery *d)
{
	d->next_utc = 0;
	gateway_dirty(d->alert->gw, d);
}

/* Requests */

/* Of its target i. */
static struct evidence *evidence_of(const struct request *req, size_t i)
{
	return &req->delivery->evidence[req->index ? req->index[i] : i];
}

static void request_free(struct request *req)
{
	osmo_timer_del(&req->deadline);
	req->delivery->out[req->pub.verb] = NULL;
	if (req->delivery->lane->outstanding)
		req->delivery->lane->outstanding--;
	talloc_free(req);
}

static void request_silent(struct request *req, int64_t now)
{
	struct delivery *d = req->delivery;
	size_t i;

	for (i = 0; i < req->pub.n_targets; i++)
		evidence_silent(evidence_of(req, i), req->pub.verb, now);
	changed(d);
}

/* libosmocore's timers follow the wall clock; a deadline does not. */
static void deadline_arm(struct request *req)
{
	int64_t left_ms = req->due_ms - clock_mono_ms();

	if (left_ms < 0)
		left_ms = 0;
	osmo_timer_schedule(&req->deadline, left_ms / 1000, left_ms % 1000 * 1000);
}

static void deadline_cb(void *data)
{
	struct request *req = data;
	struct lane *lane = req->delivery->lane;

	if (clock_mono_ms() < req->due_ms) {
		deadline_arm(req);
		return;
	}
	LOGP(DDELIV, LOGL_NOTICE, "peer=%s alert=%s no answer in %d s for %zu targets\n",
	     lane->peer_name, req->delivery->alert->id, REQUEST_DEADLINE_S, req->pub.n_targets);
	if (lane->peer)
		peer_count(lane->peer, PEER_CTR_TIMEOUTS);
	request_silent(req, clock_utc());
	request_free(req);
	/* A place is free: everything that waits for its turn may go. */
	lane_wake(lane);
}

/* Without targets yet; those that are added first point into the delivery's own list. */
static struct request *request_alloc(struct delivery *d, enum peer_verb verb)
{
	struct request *req = talloc_zero(d, struct request);

	if (!req)
		return NULL;
	req->delivery = d;
	req->pub.verb = verb;
	req->pub.message = d->message;
	req->pub.targets = d->wanted;
	osmo_timer_setup(&req->deadline, deadline_cb, req);
	return req;
}

/* A gap comes: from here on the request has a list of its own. */
static bool request_own_list(struct request *req, size_t max)
{
	size_t i;

	req->targets = talloc_array(req, struct target, max);
	req->index = talloc_array(req, uint32_t, max);
	if (!req->targets || !req->index) {
		TALLOC_FREE(req->targets);
		TALLOC_FREE(req->index);
		return false;
	}
	for (i = 0; i < req->pub.n_targets; i++) {
		req->targets[i] = req->delivery->wanted[i];
		req->index[i] = i;
	}
	req->pub.targets = req->targets;
	return true;
}

/* \param[in] i    of the target in the delivery, after those that were added before.
 * \param[in] max  targets that there will be at most.
 * \returns false when out of memory. */
static bool request_add(struct request *req, size_t i, size_t max)
{
	if (!req->index && i != req->pub.n_targets && !request_own_list(req, max))
		return false;
	if (req->index) {
		req->targets[req->pub.n_targets] = req->delivery->wanted[i];
		req->index[req->pub.n_targets] = i;
	}
	req->pub.n_targets++;
	return true;
}

static int hand_over(struct peer *peer, const struct request *req)
{
	switch (req->pub.verb) {
	case PEER_WRITE:
		return peer->ops->submit(peer, &req->pub);
	case PEER_STOP:
		return peer->ops->withdraw(peer, &req->pub);
	default:
		return peer->ops->query(peer, &req->pub);
	}
}

/* Evidence is changed before the octets leave, so that it never claims less than was sent. */
static void request_send(struct request *req, int64_t now)
{
	struct delivery *d = req->delivery;
	struct lane *lane = d->lane;
	struct evidence *before;
	size_t i;
	int rc;

	before = talloc_array(NULL, struct evidence, req->pub.n_targets);
	if (!before) {
		talloc_free(req);
		return;
	}
	req->pub.remaining_s = d->message->expires_utc > now ? d->message->expires_utc - now : 1;
	for (i = 0; i < req->pub.n_targets; i++) {
		struct evidence *e = evidence_of(req, i);

		before[i] = *e;
		if (e->flags & EVIDENCE_MAYBE_ON_AIR)
			req->pub.again = true;
		evidence_sent(e, req->pub.verb, req->pub.period, now);
	}
	d->out[req->pub.verb] = req;
	lane->outstanding++;
	rc = hand_over(lane->peer, req);
	if (rc == 0) {
		peer_count(lane->peer, PEER_CTR_REQUESTS);
		req->due_ms = clock_mono_ms() + REQUEST_DEADLINE_S * 1000;
		deadline_arm(req);
		changed(d);
		talloc_free(before);
		return;
	}
	if (rc == -EAGAIN || rc == -ENOTCONN) {
		lane->blocked = rc == -EAGAIN;
		for (i = 0; i < req->pub.n_targets; i++)
			*evidence_of(req, i) = before[i];
	} else {
		/* The link will not encode it, and never will: say so instead of trying for ever. */
		struct peer_result refused = { .answer = PEER_ANSWER_IMPOSSIBLE };

		LOGP(DDELIV, LOGL_ERROR, "peer=%s alert=%s message cannot be encoded: %s\n",
		     lane->peer_name, d->alert->id, strerror(-rc));
		for (i = 0; i < req->pub.n_targets; i++)
			evidence_answered(evidence_of(req, i), req->pub.verb, &refused, now);
		changed(d);
	}
	talloc_free(before);
	request_free(req);
}

/* Batching */

/* Targets of one delivery that need the same thing now. */
struct batch {
	struct request *req[_NUM_PEER_VERB];
	bool full[_NUM_PEER_VERB];
};

static bool batch_add(struct batch *batch, struct delivery *d, enum peer_verb verb, size_t i,
		      const struct peer_caps *caps)
{
	struct request *req = batch->req[verb];
	uint16_t period = verb == PEER_WRITE ? capacity_period(d, i, caps) : 0;

	if (batch->full[verb])
		return false;
	if (!req) {
		req = batch->req[verb] = request_alloc(d, verb);
		if (!req) {
			batch->full[verb] = true;
			return false;
		}
		req->pub.period = period;
	}
	if (req->pub.period != period || req->pub.n_targets == caps->max_targets)
		return false;
	if (!request_add(req, i, OSMO_MIN(d->n, caps->max_targets))) {
		batch->full[verb] = true;
		return false;
	}
	return true;
}

static void set_wait(struct delivery *d, size_t i, enum wait_reason wait)
{
	if (d->evidence[i].wait == wait)
		return;
	d->evidence[i].wait = wait;
	gateway_dirty(d->alert->gw, d);
}

/* Is there a place for one more request of that verb? */
static bool may_send(const struct delivery *d, enum peer_verb verb)
{
	if (d->out[verb])
		return false;
	return verb == PEER_STOP || d->message->class == MESSAGE_CLASS_NATIONAL ||
	       d->lane->outstanding < LANE_WINDOW;
}

/* \param[in] wanted  while capacity allows it, it is wanted on air. */
static void look_at_target(struct delivery *d, size_t i, struct batch *batch,
			   const struct peer_caps *caps, bool wanted, int64_t now, int64_t *next)
{
	bool can_query = d->message->kind == MESSAGE_TEXT || caps->can_query_emergency;
	bool on = wanted && !(d->admission && d->admission[i] == ADMIT_NO);
	int64_t due;
	enum peer_verb verb = evidence_next(&d->evidence[i], on, can_query, now, &due);

	if (!on && wanted)
		set_wait(d, i, WAIT_CAPACITY);
	if (verb == _NUM_PEER_VERB)
		return;
	/* Its Cancel is on the way to the disk, with all that is known until now. */
	if (verb == PEER_WRITE && d->alert->cancelling)
		return;
	if (verb == PEER_WRITE && d->admission && d->admission[i] == ADMIT_LATER) {
		set_wait(d, i, WAIT_CAPACITY);
		return;
	}
	if (due > now) {
		if (verb == PEER_WRITE)
			set_wait(d, i, WAIT_RETRY);
		if (due < *next)
			*next = due;
		return;
	}
	if (!may_send(d, verb)) {
		/* Looked at again when an answer frees the place. */
		if (verb == PEER_WRITE)
			set_wait(d, i, WAIT_TURN);
		return;
	}
	if (!batch_add(batch, d, verb, i, caps) && verb == PEER_WRITE)
		set_wait(d, i, WAIT_TURN);
}

/* \returns when to look at it again by itself. */
static int64_t delivery_look(struct delivery *d, const struct peer_caps *caps, int64_t now)
{
	bool on = message_on(d->message, d->alert->cancelled, now);
	int64_t next = on ? d->message->expires_utc : INT64_MAX;
	struct batch batch = { 0 };
	size_t i;
	int v;

	for (i = 0; i < d->n; i++)
		look_at_target(d, i, &batch, caps, on, now, &next);
	d->next_utc = next;
	for (v = 0; v < _NUM_PEER_VERB; v++) {
		if (!batch.req[v])
			continue;
		if (d->lane->blocked || !d->lane->peer || d->lane->peer->state != PEER_UP) {
			talloc_free(batch.req[v]);
			d->next_utc = 0;
		} else {
			request_send(batch.req[v], now);
		}
	}
	return next;
}

/* Without a link nothing can be done, but what follows from the time alone is still seen. */
static int64_t delivery_wait(struct delivery *d, enum wait_reason wait, int64_t now)
{
	bool on = message_on(d->message, d->alert->cancelled, now);
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (evidence_outcome(&d->evidence[i], on) == OUTCOME_QUEUED)
			set_wait(d, i, wait);
	}
	d->next_utc = on ? d->message->expires_utc : INT64_MAX;
	return d->next_utc;
}

static bool delivery_settle(struct delivery *d, int64_t now)
{
	bool on = message_on(d->message, d->alert->cancelled, now);
	size_t i;

	if (d->settled || on)
		return d->settled;
	for (i = 0; i < d->n; i++) {
		if (!evidence_settled(&d->evidence[i], false))
			return false;
	}
	d->settled = true;
	gateway_dirty(d->alert->gw, d);
	return true;
}

static void lane_schedule(struct lane *lane, int64_t next, int64_t now)
{
	int64_t wait;

	if (next == INT64_MAX)
		return;
	wait = next > now ? next - now : 1;
	if (wait > LANE_MAX_SLEEP_S)
		wait = LANE_MAX_SLEEP_S;
	osmo_timer_schedule(&lane->timer, wait, 0);
}

static bool stops_first(const struct delivery *d, int64_t now)
{
	return !message_on(d->message, d->alert->cancelled, now);
}

/* The one reconciling function: compares what is wanted with what is known, and sends the
 * difference. Called when anything changed; cheap when nothing is due. */
static void delivery_run(struct lane *lane)
{
	bool up = lane->peer && lane->peer->state == PEER_UP;
	int64_t now = clock_utc(), next = INT64_MAX, at;
	struct peer_caps caps = { 0 };
	struct delivery *d;
	int pass;

	osmo_timer_del(&lane->timer);
	if (up) {
		lane->peer->ops->caps(lane->peer, &caps);
		capacity_plan(lane, &caps, now);
	}
	for (pass = 0; pass < 2; pass++) {
		llist_for_each_entry(d, &lane->deliveries, in_lane) {
			if (stops_first(d, now) != (pass == 0) || delivery_settle(d, now))
				continue;
			at = d->next_utc;
			if (at <= now) {
				at = up ? delivery_look(d, &caps, now) :
				     delivery_wait(d, lane->peer ? WAIT_LINK : WAIT_PEER, now);
				if (delivery_settle(d, now))
					continue;
			}
			if (at < next)
				next = at;
		}
	}
	lane_schedule(lane, next, now);
}

/* Lanes */

static void lane_timer_cb(void *data)
{
	delivery_run(data);
}

void lane_wake(struct lane *lane)
{
	struct delivery *d;

	llist_for_each_entry(d, &lane->deliveries, in_lane)
		d->next_utc = 0;
	osmo_timer_schedule(&lane->timer, 0, 0);
}

static void lane_doubt(struct lane *lane, enum doubt doubt, enum message_kind kind,
		       const struct target_pattern *patterns, size_t n_patterns)
{
	int64_t now = clock_utc();
	struct delivery *d;
	size_t i, p;

	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		if (d->settled || (kind && d->message->kind != kind))
			continue;
		for (i = 0; i < d->n; i++) {
			for (p = 0; p < n_patterns; p++) {
				if (target_matches(&patterns[p], &d->wanted[i]))
					break;
			}
			if (!n_patterns || p < n_patterns)
				evidence_doubted(&d->evidence[i], doubt, now);
		}
		changed(d);
	}
}

void lane_clock_set(struct lane *lane)
{
	int64_t now = clock_utc();
	struct delivery *d;
	int v;

	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		for (v = 0; v < _NUM_PEER_VERB; v++) {
			if (d->out[v])
				deadline_arm(d->out[v]);
		}
		/* Set back before its expiry: only an end that was committed is final. */
		if (message_on(d->message, d->alert->cancelled, now) && !d->alert->ending)
			d->settled = false;
	}
	lane_wake(lane);
}

void lane_link_down(struct lane *lane)
{
	struct delivery *d;
	int v;

	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		for (v = 0; v < _NUM_PEER_VERB; v++) {
			if (d->out[v])
				request_free(d->out[v]);
		}
	}
	lane->blocked = false;
	lane_doubt(lane, DOUBT_LINK, 0, NULL, 0);
	lane_wake(lane);
}

/* What the link tells (declared in core/peer.h) */

const struct peer_request *peer_request_find(struct peer *peer, enum peer_verb verb,
					      uint16_t identifier, uint16_t serial)
{
	struct delivery *d;

	llist_for_each_entry(d, &peer->lane->deliveries, in_lane) {
		if (d->out[verb] && d->message->identifier == identifier && d->message->serial == serial)
			return &d->out[verb]->pub;
	}
	return NULL;
}

void peer_request_done(struct peer *peer, const struct peer_request *request,
		       const struct peer_result *results)
{
	struct request *req = (struct request *)request;
	struct delivery *d = req->delivery;
	int64_t now = clock_utc();
	size_t i;

	for (i = 0; i < req->pub.n_targets; i++)
		evidence_answered(evidence_of(req, i), req->pub.verb, &results[i], now);
	changed(d);
	request_free(req);
	/* A place is free: everything that waits for its turn may go. */
	lane_wake(peer->lane);
}

void peer_report_loss(struct peer *peer, enum peer_loss loss, enum message_kind kind,
		      const struct target_pattern *patterns, size_t n)
{
	static const enum doubt doubts[] = {
		[PEER_LOSS_DATA_LOST] = DOUBT_LOST,
		[PEER_LOSS_DATA_KEPT] = DOUBT_KEPT,
		[PEER_LOSS_FAILED] = DOUBT_FAILED,
	};

	lane_doubt(peer->lane, doubts[loss], kind, patterns, n);
	lane_wake(peer->lane);
}

static int lane_destructor(struct lane *lane)
{
	osmo_timer_del(&lane->timer);
	llist_del(&lane->entry);
	hash_del(&lane->by_name);
	return 0;
}

/* FNV-1a. */
uint32_t lane_hash(const char *peer_name)
{
	uint32_t h = 2166136261u;

	for (; *peer_name; peer_name++)
		h = (h ^ (uint8_t)*peer_name) * 16777619u;
	return h;
}

struct lane *lane_alloc(struct gateway *gw, const char *peer_name)
{
	struct lane *lane = talloc_zero(gw, struct lane);

	if (!lane)
		return NULL;
	lane->gw = gw;
	lane->peer_name = talloc_strdup(lane, peer_name);
	if (!lane->peer_name) {
		talloc_free(lane);
		return NULL;
	}
	INIT_LLIST_HEAD(&lane->deliveries);
	osmo_timer_setup(&lane->timer, lane_timer_cb, lane);
	llist_add_tail(&lane->entry, &gw->lanes);
	hash_add(gw->lanes_by_name, &lane->by_name, lane_hash(peer_name));
	talloc_set_destructor(lane, lane_destructor);
	return lane;
}

/* Deliveries */

static int delivery_destructor(struct delivery *d)
{
	int v;

	for (v = 0; v < _NUM_PEER_VERB; v++) {
		if (d->out[v])
			request_free(d->out[v]);
	}
	llist_del(&d->in_alert);
	llist_del(&d->in_lane);
	llist_del(&d->in_dirty);
	return 0;
}

static void lane_insert(struct lane *lane, struct delivery *d)
{
	struct delivery *other;

	llist_for_each_entry(other, &lane->deliveries, in_lane) {
		if (other->message->class > d->message->class ||
		    (other->message->class == d->message->class && other->order > d->order)) {
			llist_add_tail(&d->in_lane, &other->in_lane);
			return;
		}
	}
	llist_add_tail(&d->in_lane, &lane->deliveries);
}

struct delivery *delivery_alloc(struct live_alert *alert, const struct message *message,
				const char *peer_name, const struct target *wanted, size_t n)
{
	struct delivery *d = talloc_pooled_object(alert, struct delivery, 2,
						  n * (sizeof(*d->wanted) + sizeof(*d->evidence)));

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->alert = alert;
	d->message = message;
	d->n = n;
	d->order = alert->order;
	d->lane = lane_get(alert->gw, peer_name);
	d->wanted = talloc_memdup(d, wanted, n * sizeof(*wanted));
	d->evidence = talloc_zero_array(d, struct evidence, n);
	if (!d->lane || !d->wanted || !d->evidence) {
		talloc_free(d);
		return NULL;
	}
	INIT_LLIST_HEAD(&d->in_dirty);
	INIT_LLIST_HEAD(&d->in_lane);
	llist_add_tail(&d->in_alert, &alert->deliveries);
	talloc_set_destructor(d, delivery_destructor);
	return d;
}

void delivery_join(struct delivery *d)
{
	llist_del(&d->in_lane);
	lane_insert(d->lane, d);
	delivery_touch(d);
}

void live_alert_begin(struct live_alert *alert)
{
	struct delivery *d;

	llist_for_each_entry(d, &alert->deliveries, in_alert)
		delivery_join(d);
	/* At once: hundreds of lanes that wait for a timer each, and the answer to the originator that
	 * is made before, cost as much as the sending. A lane with two messages sends both when it looks
	 * at the first. When the daemon is about to end there is nobody to store that it was sent. */
	llist_for_each_entry(d, &alert->deliveries, in_alert) {
		if (!d->next_utc && !alert->gw->stopping)
			delivery_run(d->lane);
	}
}
