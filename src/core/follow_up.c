/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Follow-up: who gets the short messages of a live alert, and when.
 *
 * A pass walks over all recipients in slices. Those in a place of the plan who are not in a delivery
 * of the alert yet become one of the next revision, which is committed before anything is sent.
 * Passes are repeated until every source has had a list; after that only where the class's rule asks
 * for those who enter.
 *
 * By the rule "unconfirmed" a recipient is held back while its place is confirmed, that is, while a
 * cell there broadcasts, and for some time after that. Nothing is remembered of it in the store:
 * what broadcasts stands in the evidence of the cells. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"
#include "places.h"
#include "short.h"

#define TICK_S 1
#define SLICE_MS 20
#define RETRY_S 5
/* Recipients of one commit. */
#define MAX_BATCH 50000
/* Rows between two looks at the clock. */
#define ROWS_AT_ONCE 256

/* A delivery to cells, and the place of each of them. */
struct cells {
	const struct delivery *d;
	uint32_t *place;
};

/* A delivery to recipients likewise, and how far a pass is in it. */
struct group {
	struct delivery *d;
	uint32_t *place;
	size_t cursor;
};

/* Recipients of one message that are to be committed. */
struct batch {
	struct target *wanted;
	struct recipient_detail *details;
	size_t n;
};

struct follow_up {
	struct live_alert *alert;
	const struct sms_rule *rule;	/* in force, of the class */
	struct places *places;
	struct cells *cells;
	size_t n_cells;
	struct group *groups;
	size_t n_groups;
	const struct message *messages[SHORT_MAX_MESSAGES];
	size_t n_messages;
	/* By place. */
	int64_t *confirmed_s;		/* when it was last seen confirmed; at first: since when it could be.
					 * Monotonic: a clock that is set changes nothing about it */
	uint8_t *needed, *next_needed;
	int64_t looked_s;		/* when that was last looked at, monotonic */
	/* The pass. */
	struct recipient_walk *walk;	/* NULL: none is under way */
	struct batch batch[SHORT_MAX_MESSAGES];
	size_t n_batched;
	bool complete;			/* every source had a good list when it began */
	unsigned int version;		/* of the sources when the last one began */
	bool begun;			/* there was one in this life */
	bool committing;
	int64_t retry_utc;
};

static void free_batches(struct follow_up *f)
{
	size_t i;

	for (i = 0; i < f->n_messages; i++) {
		talloc_free(f->batch[i].wanted);
		talloc_free(f->batch[i].details);
	}
	memset(f->batch, 0, sizeof(f->batch));
	f->n_batched = 0;
}

/* Places */

static uint32_t *places_of(struct follow_up *f, const struct delivery *d)
{
	uint32_t *place = talloc_array(f, uint32_t, d->n);
	size_t i;

	for (i = 0; place && i < d->n; i++)
		place[i] = places_find(f->places, d->details ? &d->details[i].at : &d->wanted[i]);
	return place;
}

static int add_cells(struct follow_up *f, const struct delivery *d)
{
	struct cells *more = talloc_realloc(f, f->cells, struct cells, f->n_cells + 1);

	if (!more)
		return -ENOMEM;
	f->cells = more;
	more[f->n_cells] = (struct cells){ .d = d, .place = places_of(f, d) };
	if (!more[f->n_cells].place)
		return -ENOMEM;
	f->n_cells++;
	return 0;
}

static int add_group(struct follow_up *f, struct delivery *d)
{
	struct group *more = talloc_realloc(f, f->groups, struct group, f->n_groups + 1);

	if (!more)
		return -ENOMEM;
	f->groups = more;
	more[f->n_groups] = (struct group){ .d = d, .place = places_of(f, d) };
	if (!more[f->n_groups].place)
		return -ENOMEM;
	f->n_groups++;
	return 0;
}

static int make_places(struct follow_up *f)
{
	struct delivery *d;
	size_t n;
	int rc = 0;

	f->places = places_alloc(f);
	llist_for_each_entry(d, &f->alert->deliveries, in_alert) {
		if (f->places && rc == 0 && d->message->kind == MESSAGE_TEXT)
			rc = places_add(f->places, d->wanted, d->n);
	}
	if (!f->places || rc < 0 || places_finish(f->places) < 0)
		return -ENOMEM;
	llist_for_each_entry(d, &f->alert->deliveries, in_alert) {
		if (d->message->kind == MESSAGE_TEXT)
			rc = add_cells(f, d);
		else if (d->details)
			rc = add_group(f, d);
		if (rc < 0)
			return rc;
	}
	n = places_count(f->places);
	f->confirmed_s = talloc_zero_array(f, int64_t, n + 1);
	f->needed = talloc_zero_array(f, uint8_t, n + 1);
	f->next_needed = talloc_zero_array(f, uint8_t, n + 1);
	return f->confirmed_s && f->needed && f->next_needed ? 0 : -ENOMEM;
}

void follow_up_add_cells(struct delivery *d)
{
	struct follow_up *f = d->alert->follow_up;

	/* Without them people are texted whom broadcast may reach: rather twice than not at all. */
	if (f && d->message->kind == MESSAGE_TEXT)
		(void)add_cells(f, d);
}

/* Holding back */

static void admit_group(const struct follow_up *f, const struct group *g)
{
	size_t i;

	for (i = 0; i < g->d->n; i++) {
		/* Stored with a place that the plan does not have: nothing is known to reach it. */
		bool needed = g->place[i] >= places_count(f->places) || f->needed[g->place[i]];

		delivery_admit(g->d, i, needed ? ADMIT_NOW : ADMIT_HELD);
	}
}

static bool is_confirmed(const struct cells *c, size_t i, const struct peer_caps *caps, bool up)
{
	enum outcome outcome = evidence_outcome(&c->d->evidence[i], c->d->on);

	return outcome == OUTCOME_BROADCASTING || (outcome == OUTCOME_TAKEN && up && !caps->can_query);
}

static void note_confirmed(struct follow_up *f, const struct cells *c, int64_t now_s)
{
	const struct peer *peer = c->d->lane->peer;
	struct peer_caps caps = { 0 };
	bool up = peer && peer->state == PEER_UP;
	size_t i;

	if (up)
		peer->ops->caps(peer, &caps);
	for (i = 0; i < c->d->n; i++) {
		if (is_confirmed(c, i, &caps, up) && c->place[i] < places_count(f->places))
			f->confirmed_s[c->place[i]] = now_s;
	}
}

static bool cell_needs_it(const struct follow_up *f, size_t i, int64_t now_s)
{
	if (f->rule->when == SMS_ALWAYS)
		return true;
	return f->rule->when == SMS_UNCONFIRMED && now_s - f->confirmed_s[i] >= f->rule->after_s;
}

/* \returns whether any place differs from before. */
static bool find_needed(struct follow_up *f, int64_t now_s)
{
	size_t i, n = places_count(f->places);
	bool changed;
	long area;

	for (i = 0; i < f->n_cells; i++)
		note_confirmed(f, &f->cells[i], now_s);
	memset(f->next_needed, 0, n);
	for (i = 0; i < n; i++) {
		area = places_area_of(f->places, i);
		if (area < 0 || !cell_needs_it(f, i, now_s))
			continue;
		/* Of a recipient whose cell is unknown any cell of the location area may be the one. */
		f->next_needed[i] = f->next_needed[area] = true;
	}
	changed = memcmp(f->needed, f->next_needed, n);
	memcpy(f->needed, f->next_needed, n);
	return changed;
}

/* Once a second: that is the unit of the rule, and a pass has many slices in one. */
static void hold_back(struct follow_up *f)
{
	int64_t now_s = clock_mono_ms() / 1000;
	struct lane *lane = NULL;
	size_t i;

	if (now_s == f->looked_s)
		return;
	f->looked_s = now_s;
	if (!find_needed(f, now_s))
		return;
	for (i = 0; i < f->n_groups; i++) {
		admit_group(f, &f->groups[i]);
		lane = f->groups[i].d->lane;
	}
	if (lane)
		lane_wake(lane);
}

/* The pass */

/* Both sides are in the order of IMSIs, so that nothing is searched for. */
static bool has_it_already(struct follow_up *f, const struct target *imsi)
{
	bool found = false;
	size_t i;

	for (i = 0; i < f->n_groups; i++) {
		struct group *g = &f->groups[i];

		while (g->cursor < g->d->n && target_compare(&g->d->wanted[g->cursor], imsi) < 0)
			g->cursor++;
		found |= g->cursor < g->d->n && !target_compare(&g->d->wanted[g->cursor], imsi);
	}
	return found;
}

static int batch_add(struct follow_up *f, const struct recipient *row, const char *language)
{
	struct batch *b = &f->batch[short_choose(f->messages, f->n_messages, language)];

	if (!b->wanted) {
		b->wanted = talloc_array(f, struct target, MAX_BATCH);
		b->details = talloc_array(f, struct recipient_detail, MAX_BATCH);
		if (!b->wanted || !b->details)
			return -ENOMEM;
	}
	b->wanted[b->n] = row->imsi;
	b->details[b->n++] = (struct recipient_detail){ .msisdn = row->msisdn, .at = row->at };
	f->n_batched++;
	return 0;
}

static bool is_meant(struct follow_up *f, const struct recipient *row)
{
	if (f->messages[0]->drill && !row->drill)
		return false;
	return places_find(f->places, &row->at) >= 0 && !has_it_already(f, &row->imsi);
}

/* \returns 1 at the end of the list, 0 when the time is over or the batch full, or -ENOMEM. */
static int walk_on(struct follow_up *f, int64_t until_ms)
{
	struct recipient row;
	const char *language;
	unsigned int n = 0;

	while (f->n_batched < MAX_BATCH) {
		if (++n % ROWS_AT_ONCE == 0 && clock_mono_ms() >= until_ms)
			return 0;
		if (!recipient_walk_next(f->walk, &row, &language))
			return 1;
		if (is_meant(f, &row) && batch_add(f, &row, language) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* One commit of a pass on its way. */
struct revision {
	struct follow_up *f;
	struct delivery *made[SHORT_MAX_MESSAGES];
	size_t n;
	int64_t followed_utc;		/* the pass ended with it; 0 = it goes on */
};

static int put_delivery(struct revision *rev, struct store_txn *txn, const struct message *message,
			const struct batch *b, int64_t now)
{
	struct live_alert *alert = rev->f->alert;
	struct delivery *d = delivery_put_new(txn, alert, message, SMS_BEARER,
					      delivery_next_revision(alert, message, SMS_BEARER),
					      b->wanted, b->details, b->n, now);

	if (!d)
		return -ENOMEM;
	rev->made[rev->n++] = d;
	return 0;
}

static void give_up(struct follow_up *f, int64_t now)
{
	LOGP(DDELIV, LOGL_ERROR, "alert=%s recipients could not be kept; trying again\n", f->alert->id);
	TALLOC_FREE(f->walk);
	free_batches(f);
	f->begun = false;
	f->retry_utc = now + RETRY_S;
}

static void revision_done(int rc, void *data)
{
	struct revision *rev = data;
	struct follow_up *f = rev->f;
	int64_t now = clock_utc();
	size_t i, n = 0;

	f->committing = false;
	for (i = 0; i < rev->n; i++) {
		n += rev->made[i]->n;
		/* Without a place of its own each is let through: rather twice than not at all. */
		if (rc == 0 && add_group(f, rev->made[i]) == 0)
			admit_group(f, &f->groups[f->n_groups - 1]);
		if (rc == 0)
			delivery_join(rev->made[i]);
		else
			talloc_free(rev->made[i]);
	}
	if (rc < 0) {
		give_up(f, now);
	} else {
		if (n)
			LOGP(DDELIV, LOGL_NOTICE, "alert=%s %zu recipients more\n", f->alert->id, n);
		free_batches(f);
		if (rev->followed_utc)
			f->alert->followed_utc = rev->followed_utc;
	}
	talloc_free(rev);
	follow_up_wake(f->alert->gw);
}

/* \param[in] end  the pass ends with it. */
static void commit_batches(struct follow_up *f, bool end, int64_t now)
{
	struct store *store = f->alert->gw->store;
	struct store_txn *txn = store_txn_alloc(store);
	struct revision *rev = talloc_zero(f, struct revision);
	size_t i;
	int rc = txn && rev ? 0 : -ENOMEM;

	if (rev)
		rev->f = f;
	for (i = 0; i < f->n_messages && rc == 0; i++) {
		if (f->batch[i].n)
			rc = put_delivery(rev, txn, f->messages[i], &f->batch[i], now);
	}
	if (rc == 0 && end && f->complete && !f->alert->followed_utc) {
		rev->followed_utc = now;
		rc = store_put_followed(txn, f->alert->id, now);
	}
	if (rc < 0) {
		for (i = 0; rev && i < rev->n; i++)
			talloc_free(rev->made[i]);
		talloc_free(rev);
		talloc_free(txn);
		give_up(f, now);
		return;
	}
	f->committing = true;
	store_commit(store, txn, revision_done, rev);
}

static bool wants_pass(const struct follow_up *f)
{
	const struct recipient_sources *sources = f->alert->gw->recipients;

	if (f->alert->followed_utc && !f->rule->entering)
		return false;
	return !f->begun || f->version != recipient_sources_version(sources);
}

static int begin_pass(struct follow_up *f, int64_t now)
{
	const struct recipient_sources *sources = f->alert->gw->recipients;
	size_t i;

	f->walk = recipient_walk_alloc(f, sources, now);
	if (!f->walk)
		return -ENOMEM;
	f->begun = true;
	f->version = recipient_sources_version(sources);
	f->complete = recipient_sources_complete(sources, now);
	for (i = 0; i < f->n_groups; i++)
		f->groups[i].cursor = 0;
	return 0;
}

static void pass(struct follow_up *f, int64_t until_ms, int64_t now)
{
	int rc = 0;

	if (!f->walk)
		rc = begin_pass(f, now);
	if (rc == 0)
		rc = walk_on(f, until_ms);
	if (rc < 0) {
		give_up(f, now);
		return;
	}
	if (rc > 0)
		TALLOC_FREE(f->walk);
	if (f->n_batched == MAX_BATCH || (rc > 0 && (f->n_batched || (f->complete && !f->alert->followed_utc))))
		commit_batches(f, rc > 0, now);
}

/* Beginning */

static void find_messages(struct follow_up *f)
{
	const struct live_alert *alert = f->alert;
	size_t i;

	for (i = 0; i < alert->n_messages && f->n_messages < SHORT_MAX_MESSAGES; i++) {
		if (alert->messages[i].kind == MESSAGE_SHORT)
			f->messages[f->n_messages++] = &alert->messages[i];
	}
}

bool follow_up_applies(const struct live_alert *alert)
{
	bool cells = false, shorts = false;
	size_t i;

	for (i = 0; i < alert->n_messages; i++) {
		cells |= alert->messages[i].kind == MESSAGE_TEXT;
		shorts |= alert->messages[i].kind == MESSAGE_SHORT;
	}
	return cells && shorts;
}

int follow_up_begin(struct live_alert *alert)
{
	int64_t now_s = clock_mono_ms() / 1000;
	struct follow_up *f = talloc_zero(alert, struct follow_up);
	size_t i;

	if (!f)
		return -ENOMEM;
	f->alert = alert;
	find_messages(f);
	f->rule = &alert->gw->sms->rule[f->messages[0]->class];
	if (make_places(f) < 0) {
		talloc_free(f);
		return -ENOMEM;
	}
	/* Nothing was asked yet, so nothing can be confirmed before some time has passed from here. */
	for (i = 0; i < places_count(f->places); i++)
		f->confirmed_s[i] = now_s;
	alert->follow_up = f;
	(void)find_needed(f, now_s);
	for (i = 0; i < f->n_groups; i++)
		admit_group(f, &f->groups[i]);
	return 0;
}

/* All of them */

static bool is_over(const struct follow_up *f, int64_t now)
{
	return !message_on(f->messages[0], f->alert->cancelled, now) || f->alert->cancelling || f->alert->ending;
}

/* \returns whether there is more to do at once. */
static bool work_on(struct follow_up *f, int64_t until_ms, int64_t now)
{
	if (is_over(f, now))
		return false;
	hold_back(f);
	if (f->committing || now < f->retry_utc)
		return false;
	if (f->walk || wants_pass(f))
		pass(f, until_ms, now);
	return f->walk && !f->committing;
}

void follow_up_cb(void *data)
{
	struct gateway *gw = data;
	int64_t until_ms = clock_mono_ms() + SLICE_MS, now = clock_utc();
	struct live_alert *alert;
	bool more = false, any = false;

	llist_for_each_entry(alert, &gw->alerts, entry) {
		if (!alert->follow)
			continue;
		any = true;
		if (!alert->follow_up && follow_up_begin(alert) < 0)
			continue;	/* at the next tick */
		/* Each gets a little, also when the time is over, so that none waits for ever. */
		more |= work_on(alert->follow_up, until_ms, now);
	}
	if (any && !gw->stopping)
		osmo_timer_schedule(&gw->follow_timer, more ? 0 : TICK_S, 0);
}

void follow_up_wake(struct gateway *gw)
{
	if (!gw->stopping)
		osmo_timer_schedule(&gw->follow_timer, 0, 0);
}

bool follow_up_is_busy(const struct live_alert *alert)
{
	return alert->follow_up && alert->follow_up->committing;
}
