/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Deliveries: what is wanted at a peer, what is known about it, and the one function that sends
 * the difference.
 *
 * delivery_run() is called for a new alert, a link that came up, an answer, a restart of the peer,
 * a retry timer, an expiry, a cancel and the start of the daemon. It never asks which of these it
 * was: it asks evidence_next() for each target that is due and batches equal needs into requests.
 * Stops go first, then the more important messages, then the older ones. When a target is due again
 * stands in a tree (due.h), so that an answer costs the work for its own targets only. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

/* Nothing sleeps longer, so that one forgotten wake-up is no lost alert. */
#define LANE_MAX_SLEEP_S 30
/* For receipts that come after the end of what they are about. */
#define RECEIPT_GRACE_S 300
/* Between two copies to a recipient who has one perhaps, however often the phone is in contact. */
#define CONTACT_PAUSE_S 60

bool delivery_on(const struct delivery *d, int64_t now)
{
	return message_on(d->message, d->alert->cancelled, now);
}

void delivery_dirty(struct delivery *d, size_t i)
{
	size_t chunk = i / EVIDENCE_CHUNK;

	d->dirty[chunk / 64] |= UINT64_C(1) << chunk % 64;
	gateway_dirty(d->alert->gw, d, false);
}

void delivery_all_dirty(struct delivery *d)
{
	size_t i;

	for (i = 0; i < d->n; i += EVIDENCE_CHUNK)
		delivery_dirty(d, i);
}

void delivery_changed(struct delivery *d, size_t i)
{
	due_set(d->due, i, DUE_NOW);
	d->next_utc = 0;
	delivery_dirty(d, i);
}

void delivery_touch(struct delivery *d)
{
	due_set_all(d->due, DUE_NOW);
	lane_wake(d->lane);
}

void delivery_admit(struct delivery *d, size_t i, enum admission admission)
{
	if (!d->admission) {
		if (admission == ADMIT_NOW)
			return;
		d->admission = talloc_array(d, uint8_t, d->n);
		if (!d->admission)	/* rather a second warning than none */
			return;
		memset(d->admission, ADMIT_NOW, d->n);
	}
	if (d->admission[i] == admission)
		return;
	d->admission[i] = admission;
	due_set(d->due, i, DUE_NOW);
	d->next_utc = 0;
}

/* Batching */

/* One pass over what is due of a delivery. */
struct look {
	struct delivery *d;
	const struct peer_caps *caps;
	struct evidence_rules rules;
	int64_t now;
	bool wanted;		/* while capacity allows it */
	struct request *req[_NUM_PEER_VERB];	/* takes more targets */
	bool closed[_NUM_PEER_VERB];	/* no more of these in this look */
};

static void set_wait(struct delivery *d, size_t i, enum wait_reason wait)
{
	if (d->evidence[i].wait == wait)
		return;
	d->evidence[i].wait = wait;
	delivery_dirty(d, i);
}

/* One that went silent is asked with one request at a time, until it answers. */
static unsigned int open_window(const struct lane *lane, const struct peer_caps *caps)
{
	return lane->peer->silent >= caps->window ? 1 : caps->window;
}

/* Those who did not answer before leave half of the places to those who were not tried yet, of
 * whatever alert. */
static bool retries_are_full(const struct lane *lane, const struct peer_caps *caps)
{
	return lane->retries && lane->retries >= open_window(lane, caps) / 2;
}

/* A peer that cannot take back what it was given gets no more than was agreed. Of the others, stops
 * and the most urgent class are not limited. */
static bool has_place(const struct delivery *d, enum peer_verb verb, const struct peer_caps *caps)
{
	const struct lane *lane = d->lane;

	if (caps->mark_first)
		return lane->outstanding < open_window(lane, caps) && lane->marked < caps->room &&
		       !d->alert->gw->store_failing && !d->alert->gw->stopping;
	return verb == PEER_STOP || d->message->class == MESSAGE_CLASS_NATIONAL ||
	       lane->outstanding < caps->window;
}

/* Answers name the message only, so it has one request of a verb at a peer, whichever of its
 * revisions that is of. */
static bool message_is_out(const struct delivery *d, enum peer_verb verb)
{
	const struct delivery *other;

	if (d->out[verb] || !d->alert->has_revisions)
		return d->out[verb];
	llist_for_each_entry(other, &d->alert->deliveries, in_alert) {
		if (other->out[verb] && other->message == d->message && other->lane == d->lane)
			return true;
	}
	return false;
}

/* Is there a place for one more request of that verb? */
static bool may_send(const struct look *look, enum peer_verb verb)
{
	const struct delivery *d = look->d;

	if (look->closed[verb] || d->lane->blocked || (look->caps->one_per_message && message_is_out(d, verb)))
		return false;
	return has_place(d, verb, look->caps);
}

static void send_batch(struct look *look, enum peer_verb verb)
{
	struct request *req = look->req[verb];

	look->req[verb] = NULL;
	look->closed[verb] = look->caps->one_per_message;
	if (look->d->lane->blocked)
		request_drop(req);
	else
		request_send(req, look->caps, look->now);
}

/* \returns false: not in this look. */
static bool batch_add(struct look *look, enum peer_verb verb, size_t i)
{
	struct delivery *d = look->d;
	uint16_t period = verb == PEER_WRITE ? capacity_period(d, i, look->caps) : 0;
	struct request *req = look->req[verb];

	if (!req) {
		if (!may_send(look, verb))
			return false;
		req = look->req[verb] = request_alloc(d, verb);
		if (!req)
			return false;
		req->pub.period = period;
	}
	if (req->pub.period != period || !request_add(req, i, OSMO_MIN(d->n, look->caps->max_targets)))
		return false;
	if (req->pub.n_targets == look->caps->max_targets)
		send_batch(look, verb);
	return true;
}

/* What stands in the way of a write to that target? \returns WAIT_NONE: nothing. */
static enum wait_reason obstacle(const struct look *look, size_t i)
{
	const struct delivery *d = look->d;

	if (d->admission && d->admission[i] == ADMIT_HELD)
		return WAIT_BROADCAST;
	if (d->admission && d->admission[i] == ADMIT_LATER)
		return WAIT_CAPACITY;
	return WAIT_NONE;
}

static uint32_t due_at(int64_t utc)
{
	return utc >= DUE_NEVER ? DUE_NEVER : utc < 0 ? DUE_NOW : utc;
}

/* \returns when to look at it again. What ends by an event that touches the target is never due by
 * itself. */
static uint32_t look_at_target(struct look *look, size_t i)
{
	struct delivery *d = look->d;
	bool on = look->wanted && !(d->admission && d->admission[i] == ADMIT_NO);
	int64_t due;
	enum peer_verb verb = evidence_next(&d->evidence[i], on, &look->rules, look->now, &due);
	enum wait_reason wait = verb == PEER_WRITE ? obstacle(look, i) : WAIT_NONE;

	if (!on && look->wanted)
		set_wait(d, i, WAIT_CAPACITY);
	if (verb == _NUM_PEER_VERB)
		return DUE_NEVER;
	/* Its Cancel is on the way to the disk, with all that is known until now. */
	if (verb == PEER_WRITE && d->alert->cancelling)
		return DUE_NEVER;
	if (wait != WAIT_NONE) {
		set_wait(d, i, wait);
		return DUE_NEVER;
	}
	if (due > look->now) {
		if (verb == PEER_WRITE)
			set_wait(d, i, WAIT_RETRY);
		return due_at(due);
	}
	if (evidence_is_retry(&d->evidence[i]) && retries_are_full(d->lane, look->caps))
		return due_at(look->now);
	if (batch_add(look, verb, i))
		return DUE_NEVER;
	/* Looked at again when an answer frees the place. */
	if (verb == PEER_WRITE)
		set_wait(d, i, WAIT_TURN);
	return DUE_NOW;
}

/* Nothing that is due can be sent now. Of recipients, to whom nothing but writes is sent, this ends
 * the look: a million may wait for their turn. */
static bool is_over(const struct look *look)
{
	return look->d->details && !look->req[PEER_WRITE] && !may_send(look, PEER_WRITE);
}

/* Receipts are awaited until then; INT64_MAX: none is. */
static int64_t receipts_end(const struct delivery *d)
{
	return d->n_awaited ? d->message->expires_utc + RECEIPT_GRACE_S : INT64_MAX;
}

/* When to look at the delivery again by itself. */
static int64_t next_look(const struct delivery *d, int64_t now)
{
	uint32_t first = due_first(d->due);
	int64_t next = first == DUE_NEVER ? INT64_MAX : first;

	/* What is due waits for an event, which will wake it; look again all the same. */
	if (next <= now)
		next = now + 1;
	return OSMO_MIN(next, d->on ? d->message->expires_utc : receipts_end(d));
}

/* Who waits longest goes first where there are not places for all: an attempt that failed does not go
 * before those who had none yet, and these are due since ever (DUE_NOW). */
static long first_due(const struct delivery *d, uint32_t until)
{
	return d->details ? due_earliest(d->due, until) : due_next(d->due, 0, until);
}

/* One that stays due after it was looked at ends the look. */
static long next_due(const struct delivery *d, size_t i, uint32_t until)
{
	if (!d->details)
		return due_next(d->due, i + 1, until);
	return due_get(d->due, i) <= until ? -1 : due_earliest(d->due, until);
}

static struct evidence_rules rules_of(const struct delivery *d)
{
	return (struct evidence_rules){
		.can_query = d->message->kind == MESSAGE_EMERGENCY ? d->lane->can_query_emergency : d->lane->can_query,
		.leave_unknown = d->alert->gw->sms->leave_unknown,
	};
}

/* \returns when to look at it again by itself. */
static int64_t delivery_look(struct delivery *d, const struct peer_caps *caps, int64_t now)
{
	struct look look = { .d = d, .caps = caps, .rules = rules_of(d), .now = now, .wanted = d->on };
	uint32_t until = due_at(now), again;
	long i;
	int v;

	for (i = first_due(d, until); i >= 0 && !is_over(&look); i = next_due(d, i, until)) {
		/* First, since a request that comes to nothing at once makes it due again. */
		due_set(d->due, i, DUE_NEVER);
		again = look_at_target(&look, i);
		if (again != DUE_NEVER)
			due_set(d->due, i, again);
	}
	for (v = 0; v < _NUM_PEER_VERB; v++) {
		if (look.req[v])
			send_batch(&look, v);
	}
	d->next_utc = next_look(d, now);
	return d->next_utc;
}

/* Without a link nothing can be done, but what follows from the time alone is still seen. */
static int64_t delivery_wait(struct delivery *d, enum wait_reason wait)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (evidence_outcome(&d->evidence[i], d->on) == OUTCOME_QUEUED && d->evidence[i].wait != WAIT_BROADCAST)
			set_wait(d, i, wait);
	}
	d->next_utc = d->on ? d->message->expires_utc : receipts_end(d);
	return d->next_utc;
}

static bool delivery_settle(struct delivery *d, int64_t now)
{
	struct evidence_rules rules = rules_of(d);
	size_t i, at;

	if (d->settled || d->on)
		return d->settled;
	if (now < receipts_end(d) && receipts_end(d) != INT64_MAX)
		return false;
	for (i = 0; i < d->n; i++) {
		/* The one that was not settled before is most likely still not. */
		at = (d->unsettled + i) % d->n;
		if (!evidence_settled(&d->evidence[at], false, &rules)) {
			d->unsettled = at;
			return false;
		}
	}
	d->settled = true;
	gateway_dirty(d->alert->gw, d, false);
	return true;
}

/* Its life ends, or begins anew because the clock was set back. */
static void notice_end(struct delivery *d, int64_t now)
{
	bool on = delivery_on(d, now);

	if (on == d->on)
		return;
	d->on = on;
	d->next_utc = 0;
	/* Nothing is taken back from recipients. */
	due_set_all(d->due, on || !d->details ? DUE_NOW : DUE_NEVER);
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

/* The one reconciling function: compares what is wanted with what is known, and sends the
 * difference. Called when anything changed; cheap when nothing is due. */
void delivery_run(struct lane *lane)
{
	int64_t now = clock_utc(), next = INT64_MAX, at;
	struct peer_caps caps = { 0 };
	struct delivery *d;
	int pass;
	bool up;

	osmo_timer_del(&lane->timer);
	lane_choose_peer(lane);
	up = lane->peer && lane->peer->state == PEER_UP;
	if (up) {
		lane->peer->ops->caps(lane->peer, &caps);
		lane->can_query = caps.can_query;
		lane->can_query_emergency = caps.can_query_emergency;
		capacity_plan(lane, &caps, now);
	}
	for (pass = 0; pass < 2; pass++) {
		llist_for_each_entry(d, &lane->deliveries, in_lane) {
			notice_end(d, now);
			/* Stops go first. */
			if (d->on != (pass == 1) || delivery_settle(d, now))
				continue;
			at = d->next_utc;
			if (at <= now) {
				at = up ? delivery_look(d, &caps, now) :
				     delivery_wait(d, lane->peer ? WAIT_LINK : WAIT_PEER);
				if (delivery_settle(d, now))
					continue;
			}
			if (at < next)
				next = at;
		}
	}
	lane_schedule(lane, next, now);
}

/* Doubt */

void lane_doubt(struct lane *lane, enum doubt doubt, enum message_kind kind,
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
			if (n_patterns && p == n_patterns)
				continue;
			evidence_doubted(&d->evidence[i], doubt, now);
			delivery_changed(d, i);
		}
	}
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

/* The phone's answer to the call for this very message is a contact too: one that may have it gets no
 * second copy for that. */
static bool may_be_tried_at_once(const struct evidence *e, int64_t now)
{
	if (!evidence_is_retry(e) || e->flags & EVIDENCE_OUT_WRITE)
		return false;
	return !(e->flags & EVIDENCE_MAYBE_ON_AIR) || now - e->write_sent >= CONTACT_PAUSE_S;
}

void peer_target_available(struct peer *peer, const struct target *target)
{
	struct delivery *d;
	long i;

	llist_for_each_entry(d, &peer->lane->deliveries, in_lane) {
		i = d->settled ? -1 : target_find(d->wanted, d->n, target);
		if (i < 0 || !may_be_tried_at_once(&d->evidence[i], clock_utc()))
			continue;
		d->evidence[i].attempts = 0;
		delivery_changed(d, i);
		lane_wake(peer->lane);
	}
}

/* Making and ending */

static int delivery_destructor(struct delivery *d)
{
	struct request *req, *next;

	llist_for_each_entry_safe(req, next, &d->lane->requests, in_lane) {
		if (req->delivery == d)
			request_free(req);
	}
	handles_forget(d->alert->gw->handles, d);
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

static int fill(struct delivery *d, const struct target *wanted, const struct recipient_detail *details)
{
	size_t i, n_chunks = (d->n + EVIDENCE_CHUNK - 1) / EVIDENCE_CHUNK;

	d->wanted = talloc_memdup(d, wanted, d->n * sizeof(*wanted));
	d->evidence = talloc_array(d, struct evidence, d->n);
	d->dirty = talloc_zero_array(d, uint64_t, n_chunks / 64 + 1);
	d->due = due_alloc(d, d->n);
	if (details)
		d->details = talloc_memdup(d, details, d->n * sizeof(*details));
	if (!d->wanted || !d->evidence || !d->dirty || !d->due || (details && !d->details))
		return -ENOMEM;
	for (i = 0; i < d->n; i++)
		evidence_init(&d->evidence[i], &d->wanted[i]);
	return 0;
}

struct delivery *delivery_alloc(struct live_alert *alert, const struct message *message,
				const char *peer_name, const struct target *wanted,
				const struct recipient_detail *details, size_t n)
{
	struct delivery *d = talloc_pooled_object(alert, struct delivery, 5,
						  n * (sizeof(*d->wanted) + sizeof(*d->evidence)) + 1024);

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->alert = alert;
	d->message = message;
	d->n = n;
	d->on = true;
	d->order = alert->order;
	d->lane = lane_get(alert->gw, peer_name);
	if (!d->lane || fill(d, wanted, details) < 0) {
		talloc_free(d);
		return NULL;
	}
	INIT_LLIST_HEAD(&d->in_dirty);
	INIT_LLIST_HEAD(&d->in_lane);
	llist_add_tail(&d->in_alert, &alert->deliveries);
	talloc_set_destructor(d, delivery_destructor);
	return d;
}

unsigned int delivery_next_revision(const struct live_alert *alert, const struct message *message,
				    const char *peer_name)
{
	const struct delivery *d;
	unsigned int next = 0;

	llist_for_each_entry(d, &alert->deliveries, in_alert) {
		if (d->message == message && d->revision >= next && !strcmp(d->lane->peer_name, peer_name))
			next = d->revision + 1;
	}
	return next;
}

struct delivery *delivery_put_new(struct store_txn *txn, struct live_alert *alert, const struct message *message,
				  const char *peer_name, unsigned int revision, const struct target *wanted,
				  const struct recipient_detail *details, size_t n, int64_t now)
{
	struct delivery_row row = {
		.message_nr = message->nr, .peer = peer_name, .revision = revision, .wanted = wanted,
		.details = details, .n = n, .updated_utc = now,
	};
	struct delivery *d = delivery_alloc(alert, message, peer_name, wanted, details, n);

	if (!d)
		return NULL;
	d->revision = revision;
	alert->has_revisions |= revision > 0;
	OSMO_STRLCPY_ARRAY(row.alert_id, alert->id);
	if (store_put_delivery(txn, &row) < 0)
		TALLOC_FREE(d);
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
