/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Live alerts: loaded at start, kept in memory while anything is owed, and written back as their
 * evidence changes. An alert ends in the same transaction as its last evidence. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

/* Time to pack evidence for one transaction, so that a commit stays short as well. */
#define FLUSH_SLICE_MS 20
#define FLUSH_RETRY_S 5

static int live_alert_destructor(struct live_alert *alert)
{
	struct delivery *d, *next;

	llist_for_each_entry_safe(d, next, &alert->deliveries, in_alert)
		talloc_free(d);
	llist_del(&alert->entry);
	return 0;
}

struct live_alert *live_alert_alloc(struct gateway *gw, const char *id, const char *originator, const char *sender)
{
	struct live_alert *alert = talloc_zero(gw, struct live_alert);

	if (!alert)
		return NULL;
	alert->gw = gw;
	alert->order = gw->next_order++;
	OSMO_STRLCPY_ARRAY(alert->id, id);
	INIT_LLIST_HEAD(&alert->deliveries);
	INIT_LLIST_HEAD(&alert->entry);
	alert->originator = talloc_strdup(alert, originator);
	alert->sender = talloc_strdup(alert, sender);
	if (!alert->originator || !alert->sender) {
		talloc_free(alert);
		return NULL;
	}
	talloc_set_destructor(alert, live_alert_destructor);
	return alert;
}

struct live_alert *live_alert_by_id(const struct gateway *gw, const char *id)
{
	struct live_alert *alert;

	llist_for_each_entry(alert, &gw->alerts, entry) {
		if (!strcmp(alert->id, id))
			return alert;
	}
	return NULL;
}

/* Loading */

static int live_cb(const struct alert_row *row, void *data)
{
	struct gateway *gw = data;
	struct live_alert *alert = live_alert_alloc(gw, row->id, row->originator, row->sender);

	if (!alert)
		return -ENOMEM;
	alert->cancelled = row->cancelled_by != NULL;
	alert->received_utc = row->received_utc;
	alert->followed_utc = row->followed_utc;
	llist_del(&alert->entry);
	llist_add_tail(&alert->entry, &gw->alerts);
	return 0;
}

static int message_cb(const struct message *row, void *data)
{
	struct live_alert *alert = data;
	struct message *messages, *m;

	messages = talloc_realloc(alert, alert->messages, struct message, alert->n_messages + 1);
	if (!messages)
		return -ENOMEM;
	alert->messages = messages;
	m = &messages[alert->n_messages++];
	*m = *row;
	m->language = row->language ? talloc_strdup(alert, row->language) : NULL;
	m->text = row->text ? talloc_strdup(alert, row->text) : NULL;
	m->sms = row->sms ? talloc_memdup(alert, row->sms, sizeof(*row->sms)) : NULL;
	return (row->text && !m->text) || (row->sms && !m->sms) ? -ENOMEM : 0;
}

static const struct message *message_by_nr(const struct live_alert *alert, unsigned int nr)
{
	size_t i;

	for (i = 0; i < alert->n_messages; i++) {
		if (alert->messages[i].nr == nr)
			return &alert->messages[i];
	}
	return NULL;
}

static int delivery_cb(const struct delivery_row *row, void *data)
{
	struct live_alert *alert = data;
	const struct message *message = message_by_nr(alert, row->message_nr);
	int64_t now = clock_utc();
	struct delivery *d;
	size_t i;

	if (!message)
		return -EBADMSG;
	d = delivery_alloc(alert, message, row->peer, row->wanted, row->details, row->n);
	if (!d)
		return -ENOMEM;
	d->revision = row->revision;
	alert->has_revisions |= row->revision > 0;
	d->settled = row->settled && !message_on(message, alert->cancelled, now);
	memcpy(d->evidence, row->evidence, row->n * sizeof(*d->evidence));
	for (i = 0; i < d->n && !d->settled; i++)
		evidence_doubted(&d->evidence[i], DOUBT_RESTART, now);
	return 0;
}

static struct delivery *delivery_of(const struct live_alert *alert, const struct handle_row *row)
{
	struct delivery *d;

	llist_for_each_entry(d, &alert->deliveries, in_alert) {
		if (d->message->nr == row->message_nr && d->revision == row->revision &&
		    d->details && row->target < d->n && !strcmp(d->lane->peer_name, row->lane))
			return d;
	}
	return NULL;
}

static int handle_cb(const struct handle_row *row, void *data)
{
	struct live_alert *alert = data;
	struct delivery *d = delivery_of(alert, row);

	/* Its receipt came: a Cancel stores the evidence before it is noted that the handle is used. */
	if (d && d->evidence[row->target].write_answer != PEER_ANSWER_DONE)
		return 0;
	return d ? handles_restore(alert->gw->handles, row->peer, row->handle, d, row->target) : -EBADMSG;
}

static int load_alert(struct gateway *gw, struct live_alert *alert)
{
	struct delivery *d;
	int rc = store_load_messages(gw->store, alert->id, message_cb, alert);

	if (rc == 0)
		rc = store_load_deliveries(gw->store, alert->id, delivery_cb, alert);
	if (rc == 0)
		rc = store_load_handles(gw->store, alert->id, handle_cb, alert);
	if (rc < 0)
		return rc;
	alert->follow = follow_up_applies(alert);
	if (alert->follow && follow_up_begin(alert) < 0)
		return -ENOMEM;
	llist_for_each_entry(d, &alert->deliveries, in_alert) {
		delivery_join(d);
		delivery_all_dirty(d);
	}
	return 0;
}

int live_load(struct gateway *gw, struct problem *problem)
{
	struct live_alert *alert;
	int rc = store_load_live(gw->store, live_cb, gw);

	if (rc < 0)
		return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, store_dir(gw->store), 0,
				   "Live alerts cannot be read: %s.", strerror(-rc));
	llist_for_each_entry(alert, &gw->alerts, entry) {
		rc = load_alert(gw, alert);
		if (rc < 0)
			return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, store_dir(gw->store), 0,
					   "Alert %s cannot be read: %s.", alert->id, strerror(-rc));
		LOGP(DDELIV, LOGL_NOTICE, "alert=%s goes on after a restart\n", alert->id);
	}
	return 0;
}

/* Writing back */

/* One transaction of evidence on its way. */
struct flush {
	struct gateway *gw;
	struct live_alert **ending;	/* alerts whose end is in it */
	size_t n_ending;
	unsigned int n_peer_numbers;	/* of those that are in it or were before */
};

static void all_dirty(struct gateway *gw)
{
	struct live_alert *alert;
	struct delivery *d;

	llist_for_each_entry(alert, &gw->alerts, entry) {
		/* The store does not know those yet that have not joined their lane. */
		llist_for_each_entry(d, &alert->deliveries, in_alert) {
			if (!llist_empty(&d->in_lane))
				delivery_all_dirty(d);
		}
	}
}

/* Recipients whose marks were in the transaction may be sent to now. */
static void tell_lanes(struct gateway *gw, bool ok)
{
	struct lane *lane;

	llist_for_each_entry(lane, &gw->lanes, entry)
		requests_committed(lane, ok);
}

static void flush_done(int rc, void *data)
{
	struct flush *flush = data;
	struct gateway *gw = flush->gw;
	size_t i;

	gw->flushing = false;
	gw->store_failing = rc < 0;
	handles_committed(gw->handles, rc == 0);
	if (rc == 0)
		gw->n_peer_numbers_stored = flush->n_peer_numbers;
	tell_lanes(gw, rc == 0);
	if (rc < 0) {
		LOGP(DSTORE, LOGL_ERROR, "evidence could not be stored: %s; trying again\n", strerror(-rc));
		for (i = 0; i < flush->n_ending; i++)
			flush->ending[i]->ending = false;
		all_dirty(gw);
		osmo_timer_schedule(&gw->flush_timer, FLUSH_RETRY_S, 0);
	} else {
		for (i = 0; i < flush->n_ending; i++) {
			LOGP(DDELIV, LOGL_NOTICE, "alert=%s ended: nothing of it is on air\n", flush->ending[i]->id);
			talloc_free(flush->ending[i]);
		}
		if (!llist_empty(&gw->dirty))
			osmo_timer_schedule(&gw->flush_timer, 0, 0);
	}
	talloc_free(flush);
}

/* Settled, and nothing of it is left for a later transaction. */
static bool all_settled(const struct live_alert *alert)
{
	const struct delivery *d;

	if (follow_up_is_busy(alert))
		return false;
	llist_for_each_entry(d, &alert->deliveries, in_alert) {
		if (!d->settled || !llist_empty(&d->in_dirty))
			return false;
	}
	return true;
}

static struct delivery_row row_of(const struct delivery *d, int64_t now)
{
	struct delivery_row row = {
		.message_nr = d->message->nr,
		.peer = d->lane->peer_name,
		.revision = d->revision,
		.wanted = d->wanted,
		.evidence = d->evidence,
		.n = d->n,
		.settled = d->settled,
		.updated_utc = now,
	};

	OSMO_STRLCPY_ARRAY(row.alert_id, d->alert->id);
	return row;
}

static size_t dirty_words(const struct delivery *d)
{
	return (d->n + EVIDENCE_CHUNK - 1) / EVIDENCE_CHUNK / 64 + 1;
}

int live_put_evidence(struct store_txn *txn, const struct delivery *d, int64_t now)
{
	struct delivery_row row = row_of(d, now);
	int rc = store_put_delivery_state(txn, &row);
	uint64_t left;
	size_t w;

	for (w = 0; w < dirty_words(d); w++) {
		for (left = d->dirty[w]; left && rc == 0; left &= left - 1)
			rc = store_put_evidence_chunk(txn, &row, w * 64 + __builtin_ctzll(left));
	}
	return rc;
}

/* Chunk by chunk, until the time is over. It leaves the list when nothing is left. */
static void flush_delivery(struct store_txn *txn, struct delivery *d, int64_t now, int64_t until_ms)
{
	struct delivery_row row = row_of(d, now);
	size_t w, chunk;

	(void)store_put_delivery_state(txn, &row);	/* a failure fails the commit */
	for (w = 0; w < dirty_words(d); w++) {
		while (d->dirty[w]) {
			chunk = w * 64 + __builtin_ctzll(d->dirty[w]);
			d->dirty[w] &= d->dirty[w] - 1;
			(void)store_put_evidence_chunk(txn, &row, chunk);
			if (clock_mono_ms() >= until_ms && d->dirty[w])
				return;
		}
	}
	llist_del_init(&d->in_dirty);
}

static void put_end(struct flush *flush, struct store_txn *txn, struct live_alert *alert, int64_t now)
{
	struct live_alert **ending;

	if (alert->ending || !all_settled(alert))
		return;
	ending = talloc_realloc(flush, flush->ending, struct live_alert *, flush->n_ending + 1);
	if (!ending)
		return;
	flush->ending = ending;
	flush->ending[flush->n_ending++] = alert;
	alert->ending = true;
	(void)store_put_ended(txn, alert->id, now);	/* a failure fails the commit */
	(void)store_put_event(txn, alert->id, now, "ended", "nothing of it is on air");
}

/* Numbers of message centres that evidence speaks of from now on. */
static void put_peer_numbers(struct flush *flush, struct store_txn *txn)
{
	const struct gateway *gw = flush->gw;

	flush->n_peer_numbers = gw->n_peer_numbers_stored;
	while (flush->n_peer_numbers < UINT8_MAX && gw->peer_numbers[flush->n_peer_numbers + 1]) {
		flush->n_peer_numbers++;
		(void)store_put_peer_number(txn, flush->n_peer_numbers, gw->peer_numbers[flush->n_peer_numbers]);
	}
}

/* As much as fits into a slice. It is handed over before the loop goes on, so that no newer
 * evidence of the same targets is committed before it; the rest follows when it is done. */
static void put_slice(struct flush *flush, struct store_txn *txn)
{
	int64_t now = clock_utc(), until_ms = clock_mono_ms() + FLUSH_SLICE_MS;
	struct delivery *d, *next;
	struct lane *lane;

	put_peer_numbers(flush, txn);
	handles_put(flush->gw->handles, txn);
	llist_for_each_entry_safe(d, next, &flush->gw->dirty, in_dirty) {
		flush_delivery(txn, d, now, until_ms);
		/* At the very end slices do not wait for each other, so one may fail and the next
		 * succeed: the next start says that it ended. */
		if (!flush->gw->stopping)
			put_end(flush, txn, d->alert, now);
		if (clock_mono_ms() >= until_ms)
			break;
	}
	llist_for_each_entry(lane, &flush->gw->lanes, entry)
		requests_committing(lane);
}

void live_flush_cb(void *data)
{
	struct gateway *gw = data;
	struct store_txn *txn;
	struct flush *flush;

	if (gw->flushing || llist_empty(&gw->dirty))
		return;
	flush = talloc_zero(gw, struct flush);
	txn = store_txn_alloc(gw->store);
	if (!flush || !txn) {
		talloc_free(flush);
		talloc_free(txn);
		osmo_timer_schedule(&gw->flush_timer, FLUSH_RETRY_S, 0);
		return;
	}
	flush->gw = gw;
	put_slice(flush, txn);
	gw->flushing = true;
	store_commit(gw->store, txn, flush_done, flush);
}
