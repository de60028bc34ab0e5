/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "checker.h"

#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/core/store.h>

#include "sms_checker.h"

/* Evidence is written within 100 ms; a row may be that old, and the step that checks it a little
 * older. */
#define ROW_LAG_MS 1000
/* A store that failed is tried again within 5 s. */
#define STORE_LAG_MS 12000
#define MAX_ALERTS 2000
/* Receipts are awaited for so long after an expiry, also of an alert that was cancelled before. */
#define RECEIPT_GRACE_S 302

/* What the daemon was told last about one target of one message. */
struct told {
	enum { TOLD_NOTHING, TOLD_ON, TOLD_OFF, TOLD_REFUSED, TOLD_DOUBT, TOLD_LOST, TOLD_FAILED } what;
	bool handed;		/* a write was, ever */
	bool rose;		/* the count, in this life, since the write and since a failure */
	uint16_t count;
	int64_t changed_ms;
};

/* One message at one peer: a delivery. */
struct known_peer {
	struct llist_head entry;
	char *peer;
	unsigned int revision;
	struct target *wanted;
	struct told *told;
	size_t n;
};

/* One message that was seen on its way to a peer. */
struct known {
	struct llist_head entry;
	struct llist_head in_bucket;	/* by serial number */
	char alert_id[ALERT_ID_LEN + 1];
	struct message message;
	struct llist_head peers;
	bool ended;
};

#define N_BUCKETS 256

struct checker {
	struct world *w;
	struct llist_head known;
	struct llist_head by_serial[N_BUCKETS];
};

struct checker *checker_alloc(struct world *w)
{
	struct checker *c = talloc_zero(w, struct checker);

	size_t i;

	c->w = w;
	INIT_LLIST_HEAD(&c->known);
	for (i = 0; i < N_BUCKETS; i++)
		INIT_LLIST_HEAD(&c->by_serial[i]);
	return c;
}

static struct llist_head *bucket(struct checker *c, uint16_t serial)
{
	return &c->by_serial[serial / 16 % N_BUCKETS];
}

static struct known *known_find(struct checker *c, uint16_t identifier, uint16_t serial)
{
	struct known *k;

	llist_for_each_entry(k, bucket(c, serial), in_bucket) {
		if (k->message.identifier == identifier && k->message.serial == serial)
			return k;
	}
	return NULL;
}

static struct told *told_in(const struct known *k, const char *peer, const struct target *target)
{
	struct known_peer *kp;
	long i;

	llist_for_each_entry(kp, &k->peers, entry) {
		i = strcmp(kp->peer, peer) ? -1 : target_find(kp->wanted, kp->n, target);
		if (i >= 0)
			return &kp->told[i];
	}
	return NULL;
}

static struct told *told_find(struct checker *c, const char *peer, uint16_t identifier,
			      uint16_t serial, const struct target *target)
{
	struct known *k = known_find(c, identifier, serial);

	return k ? told_in(k, peer, target) : NULL;
}

static void tell(struct checker *c, struct told *told, int what)
{
	told->what = what;
	told->changed_ms = c->w->mono_ms;
}

/* Learning from the store what may be sent */

static bool knows_delivery(const struct known *k, const struct delivery_row *row)
{
	const struct known_peer *kp;

	llist_for_each_entry(kp, &k->peers, entry) {
		if (kp->revision == row->revision && !strcmp(kp->peer, row->peer))
			return true;
	}
	return false;
}

/* What is new of it. */
static void learn_peers(struct checker *c, struct known *k)
{
	struct delivery_row *rows;
	struct known_peer *kp;
	int n = store_read_deliveries(c->w->reader, k, k->alert_id, NULL, &rows), i;

	for (i = 0; i < n; i++) {
		if (rows[i].message_nr != k->message.nr || knows_delivery(k, &rows[i]))
			continue;
		kp = talloc_zero(k, struct known_peer);
		kp->peer = talloc_strdup(kp, rows[i].peer);
		kp->revision = rows[i].revision;
		kp->n = rows[i].n;
		kp->wanted = talloc_memdup(kp, rows[i].wanted, kp->n * sizeof(*kp->wanted));
		kp->told = talloc_zero_array(kp, struct told, kp->n);
		llist_add_tail(&kp->entry, &k->peers);
	}
	if (n >= 0)
		talloc_free(rows);
}

static struct known *learn(struct checker *c, const char *alert_id, const struct message *message)
{
	struct known *k = talloc_zero(c, struct known);

	OSMO_STRLCPY_ARRAY(k->alert_id, alert_id);
	k->message = *message;
	k->message.text = message->text ? talloc_strdup(k, message->text) : NULL;
	INIT_LLIST_HEAD(&k->peers);
	llist_add_tail(&k->entry, &c->known);
	llist_add(&k->in_bucket, bucket(c, message->serial));
	learn_peers(c, k);
	return k;
}

/* A phone remembers a number for 24 hours; after that it may mean another message. */
static void forget_if_free(struct checker *c, struct known *k)
{
	if (!k->ended || world_utc(c->w) < k->message.expires_utc + LEDGER_QUARANTINE_S)
		return;
	llist_del(&k->entry);
	llist_del(&k->in_bucket);
	talloc_free(k);
}

static struct known *look_among(struct checker *c, uint16_t identifier, uint16_t serial, size_t n_newest)
{
	struct message *messages;
	struct known *k = NULL;
	struct alert_row *rows;
	int n, n_messages, i, m;

	n = store_read_alerts(c->w->reader, c, INT64_MAX, n_newest, &rows);
	for (i = 0; i < n && !k; i++) {
		n_messages = store_read_messages(c->w->reader, rows, rows[i].id, &messages);
		for (m = 0; m < n_messages && !k; m++) {
			if (messages[m].identifier == identifier && messages[m].serial == serial)
				k = learn(c, rows[i].id, &messages[m]);
		}
	}
	if (n >= 0)
		talloc_free(rows);
	return k;
}

/* The committed alert that these numbers belong to. */
static struct known *look_up(struct checker *c, uint16_t identifier, uint16_t serial)
{
	struct known *k = known_find(c, identifier, serial);

	if (k)
		forget_if_free(c, k);
	k = known_find(c, identifier, serial);
	if (!k)
		k = look_among(c, identifier, serial, 4);
	return k ? k : look_among(c, identifier, serial, MAX_ALERTS);
}

/* What is handed over */

static bool same_content(const struct message *a, const struct message *b)
{
	return a->kind == b->kind && a->warning_type == b->warning_type &&
	       a->expires_utc == b->expires_utc && a->pages.dcs == b->pages.dcs &&
	       a->pages.n == b->pages.n &&
	       !memcmp(a->pages.page, b->pages.page, a->pages.n * sizeof(a->pages.page[0]));
}

static void check_write(struct checker *c, const struct known *k, const struct peer_request *request)
{
	struct alert_row row;
	void *ctx = talloc_new(c);

	if (store_read_alert(c->w->reader, ctx, k->alert_id, false, &row) < 0)
		world_violate(c->w, "%s is written and no longer stored", k->alert_id);
	else if (row.cancelled_by)
		world_violate(c->w, "%s is written after its cancel", k->alert_id);
	else if (row.ended_utc)
		world_violate(c->w, "%s is written after its end", k->alert_id);
	if (world_utc(c->w) >= k->message.expires_utc)
		world_violate(c->w, "%s is written after its expiry", k->alert_id);
	if (request->remaining_s > k->message.expires_utc - world_utc(c->w))
		world_violate(c->w, "%s is written for longer than its life", k->alert_id);
	talloc_free(ctx);
}

static void check_targets(struct checker *c, struct known *k, const struct fake_bsc *bsc,
			  const struct peer_request *request)
{
	struct told *told;
	size_t i;

	for (i = 0; i < request->n_targets; i++) {
		told = told_in(k, bsc->name, &request->targets[i]);
		if (!told) {
			learn_peers(c, k);
			told = told_in(k, bsc->name, &request->targets[i]);
		}
		if (!told) {
			world_violate(c->w, "%s goes to a cell outside what was committed for %s", k->alert_id, bsc->name);
			return;
		}
		if (i && target_compare(&request->targets[i - 1], &request->targets[i]) >= 0)
			world_violate(c->w, "%s: targets not sorted", k->alert_id);
		if (request->verb != PEER_WRITE)
			continue;
		tell(c, told, TOLD_NOTHING);
		told->handed = true;
		told->rose = false;
		told->count = 0;
	}
}

void checker_handed(struct checker *c, struct fake_bsc *bsc, const struct peer_request *request)
{
	const struct message *message = request->message;
	struct known *k = look_up(c, message->identifier, message->serial);

	if (!k) {
		world_violate(c->w, "%s: %u/%04x is sent although no alert of it was committed",
			      bsc->name, message->identifier, message->serial);
		return;
	}
	if (!same_content(&k->message, message))
		world_violate(c->w, "%u/%04x is sent with other content", message->identifier, message->serial);
	if (!request->n_targets || request->n_targets > bsc->caps.max_targets)
		world_violate(c->w, "%s: a request of %zu targets", bsc->name, request->n_targets);
	if (request->verb == PEER_WRITE)
		check_write(c, k, request);
	check_targets(c, k, bsc, request);
}

/* What the daemon is told */

static void told_of_query(struct checker *c, struct told *told, const struct peer_result *result)
{
	bool rose = result->has_count && result->count > told->count;

	if (result->answer == PEER_ANSWER_ABSENT) {
		tell(c, told, TOLD_OFF);
		return;
	}
	if (result->answer != PEER_ANSWER_DONE)
		return;
	told->rose |= rose;
	told->count = result->count;
	if (told->what != TOLD_FAILED || rose)
		tell(c, told, TOLD_ON);
}

void checker_told(struct checker *c, const struct fake_bsc *bsc, enum peer_verb verb,
		  uint16_t identifier, uint16_t serial, const struct target *target,
		  const struct peer_result *result)
{
	struct told *told = told_find(c, bsc->name, identifier, serial, target);

	if (!told || !result->answer)
		return;
	if (verb == PEER_QUERY)
		told_of_query(c, told, result);
	else if (verb == PEER_STOP && (result->answer == PEER_ANSWER_DONE || result->answer == PEER_ANSWER_ABSENT))
		tell(c, told, TOLD_OFF);
	else if (verb == PEER_WRITE && (result->answer == PEER_ANSWER_DONE || result->answer == PEER_ANSWER_ALREADY))
		tell(c, told, TOLD_ON);
	else if (verb == PEER_WRITE)
		tell(c, told, TOLD_REFUSED);
}

static void doubt(struct checker *c, struct told *told, int what)
{
	if (told->what == TOLD_ON || told->what == TOLD_FAILED)
		tell(c, told, what);
	if (what == TOLD_FAILED)
		told->rose = false;
}

void checker_told_loss(struct checker *c, const struct fake_bsc *bsc, enum peer_loss loss,
		       enum message_kind kind, const struct target_pattern *patterns, size_t n)
{
	static const int whats[] = {
		[PEER_LOSS_DATA_LOST] = TOLD_LOST,
		[PEER_LOSS_DATA_KEPT] = TOLD_DOUBT,
		[PEER_LOSS_FAILED] = TOLD_FAILED,
	};
	struct known_peer *kp;
	struct known *k;
	size_t i, p;

	llist_for_each_entry(k, &c->known, entry) {
		if (kind && k->message.kind != kind)
			continue;
		llist_for_each_entry(kp, &k->peers, entry) {
			for (i = 0; i < kp->n && !strcmp(kp->peer, bsc->name); i++) {
				for (p = 0; p < n; p++) {
					if (target_matches(&patterns[p], &kp->wanted[i]))
						break;
				}
				if (!n || p < n)
					doubt(c, &kp->told[i], whats[loss]);
			}
		}
	}
}

void checker_link_down(struct checker *c, const struct fake_bsc *bsc)
{
	checker_told_loss(c, bsc, PEER_LOSS_DATA_KEPT, 0, NULL, 0);
}

void checker_new_life(struct checker *c)
{
	struct known_peer *kp;
	struct known *k;
	size_t i;

	llist_for_each_entry(k, &c->known, entry) {
		llist_for_each_entry(kp, &k->peers, entry) {
			for (i = 0; i < kp->n; i++) {
				doubt(c, &kp->told[i], TOLD_DOUBT);
				kp->told[i].rose = false;
				kp->told[i].count = 0;
				kp->told[i].changed_ms = c->w->mono_ms;
			}
		}
	}
}

/* What the store says */

static struct fake_bsc *bsc_by_name(const struct world *w, const char *name)
{
	unsigned int i;

	for (i = 0; i < w->n_bscs; i++) {
		if (!strcmp(w->bscs[i]->name, name))
			return w->bscs[i];
	}
	return NULL;
}

static bool truly_on_air(const struct checker *c, const char *peer, const struct message *m,
			 const struct target *target)
{
	struct fake_bsc *bsc = bsc_by_name(c->w, peer);
	long cell = bsc ? target_find(bsc->cells, bsc->n_cells, target) : -1;

	return cell >= 0 && bsc_on_air(bsc, m->identifier, m->serial, cell);
}

/* \returns why this outcome claims too much, or NULL. */
static const char *too_good(const struct told *told, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_TAKEN:
		return told && told->what == TOLD_ON ? NULL : "the peer did not confirm it";
	case OUTCOME_BROADCASTING:
		return told && told->what == TOLD_ON && told->rose ? NULL : "no count rose";
	case OUTCOME_REFUSED:
		return told && told->what == TOLD_REFUSED ? NULL : "nobody refused it";
	case OUTCOME_SENT:
		return told && told->handed ? NULL : "nothing was sent";
	default:
		return NULL;
	}
}

/* It believes a peer that says so, until it has asked. */
static bool was_lied_to(const struct checker *c, const char *peer, const struct told *told)
{
	const struct fake_bsc *bsc = bsc_by_name(c->w, peer);

	return bsc && bsc->lied && told && told->what == TOLD_OFF;
}

static void check_target(struct checker *c, const struct delivery_row *row, const struct message *m,
			 size_t i, bool on)
{
	const struct told *told = told_find(c, row->peer, m->identifier, m->serial, &row->wanted[i]);
	enum outcome outcome = evidence_outcome(&row->evidence[i], on);
	const char *why = too_good(told, outcome);
	char cell[TARGET_TEXT_LEN];

	if (told && c->w->mono_ms - told->changed_ms < ROW_LAG_MS)
		return;
	if (outcome == OUTCOME_STOPPED && truly_on_air(c, row->peer, m, &row->wanted[i]) &&
	    !was_lied_to(c, row->peer, told))
		why = "it is on air";
	if (why)
		world_violate(c->w, "%s at %s, cell %s: reported %s although %s", row->alert_id, row->peer,
			      target_format(&row->wanted[i], cell, sizeof(cell)), outcome_name(outcome), why);
}

static const struct message *message_by_nr(const struct message *messages, int n, unsigned int nr)
{
	int i;

	for (i = 0; i < n; i++) {
		if (messages[i].nr == nr)
			return &messages[i];
	}
	return NULL;
}

static void check_alert(struct checker *c, const struct alert_row *alert)
{
	struct delivery_row *rows = NULL;
	struct message *messages = NULL;
	void *ctx = talloc_new(c);
	int n_messages, n, i;
	size_t t;

	n_messages = store_read_messages(c->w->reader, ctx, alert->id, &messages);
	n = store_read_deliveries(c->w->reader, ctx, alert->id, NULL, &rows);
	for (i = 0; i < n; i++) {
		const struct message *m = message_by_nr(messages, n_messages, rows[i].message_nr);
		bool on = m && !alert->ended_utc &&
			  message_on(m, alert->cancelled_by != NULL, world_utc(c->w));

		if (!m) {
			world_violate(c->w, "%s has a delivery without a message", alert->id);
			break;
		}
		if (alert->ended_utc && !rows[i].settled)
			world_violate(c->w, "%s ended with something owed to %s", alert->id, rows[i].peer);
		if (m->kind == MESSAGE_SHORT)
			sms_checker_row(c->w->sms_checker, alert, &rows[i], m, on);
		for (t = 0; t < rows[i].n && m->kind != MESSAGE_SHORT; t++)
			check_target(c, &rows[i], m, t, on);
	}
	talloc_free(ctx);
}

/* \returns whether it was before. */
static bool mark_ended(struct checker *c, const char *alert_id)
{
	struct known *k;
	bool before = false;

	llist_for_each_entry(k, &c->known, entry) {
		if (!strcmp(k->alert_id, alert_id)) {
			before = k->ended;
			k->ended = true;
		}
	}
	return before;
}

void checker_rows(struct checker *c)
{
	struct alert_row *rows;
	int n, i;

	if (c->w->store_failing || c->w->store_stuck || c->w->store_delay_ms ||
	    c->w->mono_ms - c->w->store_failed_ms < STORE_LAG_MS ||
	    c->w->mono_ms - c->w->life_ms < ROW_LAG_MS)
		return;
	n = store_read_alerts(c->w->reader, c, INT64_MAX, MAX_ALERTS, &rows);
	for (i = 0; i < n; i++) {
		if (!rows[i].ended_utc || !mark_ended(c, rows[i].id))
			check_alert(c, &rows[i]);
	}
	if (n >= 0)
		talloc_free(rows);
}

void checker_air(struct checker *c)
{
	struct air_message *m;
	struct known *k;
	unsigned int i;

	for (i = 0; i < c->w->n_bscs; i++) {
		bsc_refresh(c->w->bscs[i]);
		llist_for_each_entry(m, &c->w->bscs[i]->messages, entry) {
			k = known_find(c, m->identifier, m->serial);
			if (!k)
				world_violate(c->w, "%u/%04x is on air and was never accepted",
					      m->identifier, m->serial);
			else if (k->ended)
				world_violate(c->w, "%s is on air at %s after its end", k->alert_id,
					      c->w->bscs[i]->name);
		}
	}
}

/* Convergence */

/* \returns what is wrong with a target that should be on air, or NULL. */
static const char *should_be_on(struct checker *c, const struct delivery_row *row,
				const struct message *m, size_t i)
{
	const struct told *told = told_find(c, row->peer, m->identifier, m->serial, &row->wanted[i]);
	enum outcome outcome = evidence_outcome(&row->evidence[i], true);
	struct fake_bsc *bsc = bsc_by_name(c->w, row->peer);
	long cell = target_find(bsc->cells, bsc->n_cells, &row->wanted[i]);

	/* Something has just changed: the row may not say so yet. */
	if (told && c->w->mono_ms - told->changed_ms < ROW_LAG_MS)
		return NULL;
	if (bsc->write_answer[cell] == PEER_ANSWER_IMPOSSIBLE)
		return outcome != OUTCOME_STOPPED ? NULL : "it is wanted and shown stopped";
	if (truly_on_air(c, row->peer, m, &row->wanted[i]))
		return outcome == OUTCOME_TAKEN || outcome == OUTCOME_BROADCASTING ? NULL :
		       "it is on air and not known to be";
	/* Since the clock was set back, expiries lie further ahead than what was asked for, and it
	 * takes a minute to see that a broadcast has ended. */
	if (m->kind == MESSAGE_EMERGENCY ||
	    (c->w->clock_set_back && (outcome == OUTCOME_BROADCASTING || row->evidence[i].wait == WAIT_CAPACITY)))
		return NULL;
	if (row->evidence[i].wait != WAIT_CAPACITY)
		return "it is not on air";
	return bsc_pages(bsc, cell) + m->pages.n > bsc->caps.period ? NULL : "it waits although there is room";
}

/* Does the daemon's table give the cell to another peer, or to none? */
static bool is_another_peers(const struct checker *c, const struct delivery_row *row, size_t i)
{
	const struct fake_bsc *bsc = bsc_by_name(c->w, row->peer);

	return bsc->unlisted[target_find(bsc->cells, bsc->n_cells, &row->wanted[i])];
}

static void converged_delivery(struct checker *c, const struct delivery_row *row,
			       const struct message *m, bool on)
{
	char cell[TARGET_TEXT_LEN];
	const char *why;
	size_t i;

	for (i = 0; i < row->n; i++) {
		if (on && !is_another_peers(c, row, i))
			why = should_be_on(c, row, m, i);
		else
			why = truly_on_air(c, row->peer, m, &row->wanted[i]) ? "it is still on air" : NULL;
		if (why)
			world_violate(c->w, "in the end %s (class %d, %u pages) at %s, cell %s: %s; outcome %s, wait %s, doubt %s",
				      row->alert_id, m->class, m->pages.n, row->peer,
				      target_format(&row->wanted[i], cell, sizeof(cell)), why,
				      outcome_name(evidence_outcome(&row->evidence[i], on)),
				      wait_reason_name(row->evidence[i].wait), doubt_name(row->evidence[i].doubt));
	}
}

static void converged_alert(struct checker *c, const struct alert_row *alert)
{
	struct delivery_row *rows = NULL;
	struct message *messages = NULL;
	void *ctx = talloc_new(c);
	bool any_on = false, any_lately = false, awaits = false, on, lately;
	int n_messages, n, i;

	n_messages = store_read_messages(c->w->reader, ctx, alert->id, &messages);
	n = store_read_deliveries(c->w->reader, ctx, alert->id, NULL, &rows);
	for (i = 0; i < n; i++) {
		const struct message *m = message_by_nr(messages, n_messages, rows[i].message_nr);

		on = message_on(m, alert->cancelled_by != NULL, world_utc(c->w));
		lately = message_on(m, alert->cancelled_by != NULL, world_utc(c->w) - 2);
		any_on |= on;
		if (m->kind == MESSAGE_SHORT && on && !alert->ended_utc)
			sms_checker_nobody_missed(c->w->sms_checker, alert, m, rows, n);
		awaits |= sms_checker_awaits(&rows[i]) && world_utc(c->w) < m->expires_utc + RECEIPT_GRACE_S;
		any_lately |= lately;
		if (m->kind == MESSAGE_SHORT)
			sms_checker_converged(c->w->sms_checker, alert, &rows[i], m, on && !alert->ended_utc);
		else if (on || !lately)
			converged_delivery(c, &rows[i], m, on && !alert->ended_utc);
	}
	if (!any_lately && !awaits && !alert->ended_utc)
		world_violate(c->w, "in the end %s has not ended", alert->id);
	/* A clock that was ahead may have ended it. */
	if (any_on && alert->ended_utc && !c->w->clock_set_back)
		world_violate(c->w, "in the end %s has ended too early", alert->id);
	talloc_free(ctx);
}

void checker_converged(struct checker *c)
{
	struct alert_row *rows;
	int n = store_read_alerts(c->w->reader, c, INT64_MAX, MAX_ALERTS, &rows), i;

	for (i = 0; i < n; i++)
		converged_alert(c, &rows[i]);
	if (n >= 0)
		talloc_free(rows);
}
