/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests: from the decision to send to the answer, the deadline or the loss of the link.
 *
 * Where a peer cannot take back what it was given, a request goes through three stages: marked in
 * the evidence, that evidence on its way into the store, handed over. A crash then leaves no more
 * doubtful targets than were marked and not answered, and those are at most one window. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

/* Of its target i in the delivery. */
static size_t index_of(const struct request *req, size_t i)
{
	return req->index ? req->index[i] : req->first + i;
}

static struct evidence *evidence_of(const struct request *req, size_t i)
{
	return &req->delivery->evidence[index_of(req, i)];
}

static void all_changed(const struct request *req)
{
	size_t i;

	for (i = 0; i < req->pub.n_targets; i++)
		delivery_changed(req->delivery, index_of(req, i));
}

/* Making one */

struct request *request_alloc(struct delivery *d, enum peer_verb verb)
{
	struct request *req = talloc_zero(d, struct request);

	if (!req)
		return NULL;
	req->delivery = d;
	req->pub.verb = verb;
	req->pub.message = d->message;
	INIT_LLIST_HEAD(&req->in_lane);
	INIT_HLIST_NODE(&req->by_id);
	return req;
}

/* A gap comes: from here on the request has a list of its own. */
static bool own_list(struct request *req, size_t max)
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
		req->targets[i] = req->delivery->wanted[req->first + i];
		req->index[i] = req->first + i;
	}
	req->pub.targets = req->targets;
	return true;
}

bool request_add(struct request *req, size_t i, size_t max)
{
	const struct delivery *d = req->delivery;

	if (!req->pub.n_targets) {
		req->first = i;
		req->pub.targets = &d->wanted[i];
		req->pub.details = d->details ? &d->details[i] : NULL;
	} else if (!req->index && i != req->first + req->pub.n_targets) {
		/* Recipients are handed over one by one, or in a row. */
		if (d->details || !own_list(req, max))
			return false;
	}
	if (req->index) {
		req->targets[req->pub.n_targets] = d->wanted[i];
		req->index[req->pub.n_targets] = i;
	}
	req->pub.n_targets++;
	return true;
}

/* Its end */

void request_free(struct request *req)
{
	struct delivery *d = req->delivery;
	struct lane *lane = d->lane;

	osmo_timer_del(&req->deadline);
	if (!llist_empty(&req->in_lane)) {
		llist_del(&req->in_lane);
		hash_del(&req->by_id);
		lane->outstanding--;
		lane->retries -= req->retry;
		if (req->stage != REQUEST_OUT)
			lane->marked--;
		else
			req->peer->outstanding--;
	}
	if (d->out[req->pub.verb] == req)
		d->out[req->pub.verb] = NULL;
	talloc_free(req);
}

void request_drop(struct request *req)
{
	size_t i;

	for (i = 0; i < req->pub.n_targets; i++)
		due_set(req->delivery->due, index_of(req, i), DUE_NOW);
	request_free(req);
}

void request_undo(struct request *req)
{
	size_t i;

	for (i = 0; i < req->pub.n_targets; i++)
		*evidence_of(req, i) = req->before[i];
	all_changed(req);
	request_free(req);
}

void request_lost(struct request *req, int64_t now)
{
	size_t i;

	/* What no link had yet is not lost. */
	if (req->stage != REQUEST_OUT) {
		request_undo(req);
		return;
	}
	for (i = 0; i < req->pub.n_targets; i++)
		evidence_doubted(evidence_of(req, i), DOUBT_LINK, now);
	all_changed(req);
	request_free(req);
}

static void deadline_cb(void *data)
{
	struct request *req = data;
	struct lane *lane = req->delivery->lane;
	int64_t now = clock_utc();
	size_t i;

	if (clock_mono_ms() < req->due_ms) {
		request_rearm(req);
		return;
	}
	LOGP(DDELIV, LOGL_NOTICE, "peer=%s alert=%s no answer in time for %zu targets\n",
	     peer_name(req->peer), req->delivery->alert->id, req->pub.n_targets);
	peer_count(req->peer, PEER_CTR_TIMEOUTS);
	for (i = 0; i < req->pub.n_targets; i++)
		evidence_silent(evidence_of(req, i), req->pub.verb, now);
	all_changed(req);
	lane_peer_silent(lane, req->peer);
	request_free(req);
	/* A place is free: what waits for its turn may go. */
	lane_wake(lane);
}

/* libosmocore's timers follow the wall clock; a deadline does not. */
void request_rearm(struct request *req)
{
	int64_t left_ms = req->due_ms - clock_mono_ms();

	if (req->stage != REQUEST_OUT)
		return;
	if (left_ms < 0)
		left_ms = 0;
	osmo_timer_schedule(&req->deadline, left_ms / 1000, left_ms % 1000 * 1000);
}

static void deadline_begin(struct request *req)
{
	struct peer_caps caps;

	req->peer->ops->caps(req->peer, &caps);
	req->due_ms = clock_mono_ms() + caps.deadline_s * 1000;
	osmo_timer_setup(&req->deadline, deadline_cb, req);
	request_rearm(req);
}

/* Sending */

static int call_link(struct peer *peer, const struct request *req)
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

/* The link will not encode it, and never will: say so instead of trying for ever. */
static void impossible(struct request *req, int rc, int64_t now)
{
	const struct peer_result refused = { .answer = PEER_ANSWER_IMPOSSIBLE };
	size_t i;

	LOGP(DDELIV, LOGL_ERROR, "peer=%s alert=%s message cannot be encoded: %s\n",
	     peer_name(req->peer), req->delivery->alert->id, strerror(-rc));
	for (i = 0; i < req->pub.n_targets; i++)
		evidence_answered(evidence_of(req, i), req->pub.verb, &refused, now);
	all_changed(req);
	request_free(req);
}

static void hand_over(struct request *req, int64_t now)
{
	struct delivery *d = req->delivery;
	struct lane *lane = d->lane;
	int rc;

	req->pub.remaining_s = d->message->expires_utc > now ? d->message->expires_utc - now : 1;
	rc = call_link(req->peer, req);
	if (rc == -EAGAIN || rc == -ENOTCONN) {
		lane->blocked = rc == -EAGAIN;
		request_undo(req);
	} else if (rc < 0) {
		impossible(req, rc, now);
	} else {
		lane->marked--;
		req->peer->outstanding++;
		req->stage = REQUEST_OUT;
		TALLOC_FREE(req->before);
		peer_count(req->peer, PEER_CTR_REQUESTS);
		deadline_begin(req);
	}
}

static struct request *find_by_id(const struct lane *lane, uint32_t id)
{
	struct request *req;

	hash_for_each_possible(lane->requests_by_id, req, by_id, id) {
		if (req->pub.id == id)
			return req;
	}
	return NULL;
}

static void join_lane(struct request *req, struct lane *lane)
{
	do {
		req->pub.id = ++lane->last_id;
	} while (!req->pub.id || find_by_id(lane, req->pub.id));
	llist_add_tail(&req->in_lane, &lane->requests);
	hash_add(lane->requests_by_id, &req->by_id, req->pub.id);
	lane->outstanding++;
	lane->marked++;
	lane->retries += req->retry;
}

void request_send(struct request *req, const struct peer_caps *caps, int64_t now)
{
	struct delivery *d = req->delivery;
	uint8_t via = d->lane->peer->ops->bearer ? peer_number(d->lane->peer) : 0;
	size_t i;

	req->peer = d->lane->peer;
	req->before = talloc_array(req, struct evidence, req->pub.n_targets);
	if (!req->before) {
		request_drop(req);
		return;
	}
	for (i = 0; i < req->pub.n_targets; i++) {
		struct evidence *e = evidence_of(req, i);

		req->before[i] = *e;
		req->pub.again |= e->flags & EVIDENCE_MAYBE_ON_AIR;
		req->retry |= evidence_is_retry(e);
		/* Changed before the octets leave, so that it never claims less than was sent. */
		evidence_sent(e, req->pub.verb, req->pub.period, now);
		e->via = via;
		delivery_dirty(d, index_of(req, i));
	}
	if (caps->one_per_message)
		d->out[req->pub.verb] = req;
	join_lane(req, d->lane);
	if (caps->mark_first)
		gateway_dirty(d->alert->gw, d, true);
	else
		hand_over(req, now);
}

/* Durable marks */

static bool is_stored(const struct request *req)
{
	size_t i, chunk;

	for (i = 0; i < req->pub.n_targets; i++) {
		chunk = index_of(req, i) / EVIDENCE_CHUNK;
		if (req->delivery->dirty[chunk / 64] >> chunk % 64 & 1)
			return false;
	}
	return true;
}

void requests_committing(struct lane *lane)
{
	struct request *req;

	if (!lane->marked)
		return;
	llist_for_each_entry(req, &lane->requests, in_lane) {
		if (req->stage == REQUEST_MARKED && is_stored(req))
			req->stage = REQUEST_COMMITTING;
	}
}

/* What was decided when it was marked may not be so any more. */
static bool may_leave(const struct request *req, int64_t now)
{
	const struct delivery *d = req->delivery;

	if (d->admission && d->admission[req->first] == ADMIT_HELD)
		return false;
	return delivery_on(d, now) && !d->alert->cancelling && !d->lane->blocked &&
	       req->peer->state == PEER_UP && !d->alert->gw->stopping;
}

void requests_committed(struct lane *lane, bool ok)
{
	int64_t now = clock_utc();
	struct request *req, *next;

	if (!lane->marked)
		return;
	llist_for_each_entry_safe(req, next, &lane->requests, in_lane) {
		if (req->stage != REQUEST_COMMITTING)
			continue;
		if (ok && may_leave(req, now))
			hand_over(req, now);
		else
			request_undo(req);
	}
	lane_wake(lane);
}

void requests_recall(struct delivery *d)
{
	struct request *req, *next;

	llist_for_each_entry_safe(req, next, &d->lane->requests, in_lane) {
		if (req->delivery == d && req->stage != REQUEST_OUT)
			request_undo(req);
	}
}

void requests_stop(struct lane *lane)
{
	struct request *req, *next;

	llist_for_each_entry_safe(req, next, &lane->requests, in_lane) {
		if (req->stage != REQUEST_OUT)
			request_undo(req);
	}
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

const struct peer_request *peer_request_by_id(struct peer *peer, uint32_t id)
{
	const struct request *req = find_by_id(peer->lane, id);

	return req && req->peer == peer && req->stage == REQUEST_OUT ? &req->pub : NULL;
}

void peer_request_goes_on(struct peer *peer, const struct peer_request *request)
{
	(void)peer;
	deadline_begin((struct request *)request);
}

static void await_receipts(struct peer *peer, const struct request *req, size_t i,
			   const struct peer_result *result)
{
	struct handles *handles = req->delivery->alert->gw->handles;
	size_t h;

	for (h = 0; h < result->n_handles; h++)
		handles_add(handles, peer, result->handles[h], req->delivery, index_of(req, i));
}

void peer_request_done(struct peer *peer, const struct peer_request *request,
		       const struct peer_result *results)
{
	struct request *req = (struct request *)request;
	int64_t now = clock_utc();
	size_t i;

	for (i = 0; i < req->pub.n_targets; i++) {
		evidence_answered(evidence_of(req, i), req->pub.verb, &results[i], now);
		if (results[i].n_handles)
			await_receipts(peer, req, i, &results[i]);
	}
	all_changed(req);
	request_free(req);
	peer->silent = 0;
	peer->mute_until_ms = 0;
	/* A place is free: what waits for its turn may go. */
	lane_wake(peer->lane);
}
