/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Live alerts follow their cells when the cell table changes.
 *
 * An alert's cells were decided when it was accepted and never change by themselves; only the peer
 * that reaches a cell may. After a new table, and after each start, every delivery to cells is
 * compared with the table: a cell that another peer has now becomes a target of that peer, in a
 * delivery of the next revision, which is committed before anything of it is sent, and leaves this
 * one; a cell that the table lacks leaves it too. What left is stopped like all that is not wanted,
 * and comes back when the table gives the cell back.
 *
 * A crash in between does no harm, since the comparison is made anew at the next start. */

#include <errno.h>
#include <stdlib.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "cell_table.h"
#include "core.h"

#define SLICE_MS 20
#define RETRY_S 5

/* A cell and the peer that the table gives it to. */
struct move {
	size_t peer;		/* index into the table's */
	struct target target;
};

/* One delivery whose cells move, on its way to the store. */
struct rehome {
	struct gateway *gw;
	struct delivery *from;
	unsigned int version;	/* of the table that it was compared with */
	struct delivery **made;
	size_t n_made;
};

/* A table that was lost says nothing about cells. */
static bool table_counts(const struct gateway *gw)
{
	return cell_table_count(gw->cells) > 0;
}

static bool is_due(const struct delivery *d)
{
	const struct gateway *gw = d->alert->gw;

	return d->cells_version != gw->cells_version && !d->details && !d->rehoming && !d->settled &&
	       !llist_empty(&d->in_lane);
}

/* \returns the row of the table, or -1. */
static long row_of(const struct cell_table *table, const struct target *t)
{
	return target_find(table->targets, table->n, t);
}

static enum target_left left_by(const struct delivery *d, const struct target *t)
{
	const struct cell_table *table = d->alert->gw->cells;
	long row;

	/* A peer whose cells are unknown has no rows. */
	if (t->type == TARGET_BSS)
		return TARGET_STAYS;
	row = row_of(table, t);
	if (row < 0)
		return TARGET_VANISHED;
	return strcmp(table->peers[table->peer_of[row]], d->lane->peer_name) ? TARGET_MOVED : TARGET_STAYS;
}

static void set_left(struct delivery *d)
{
	size_t i, n[_NUM_TARGET_LEFT] = { 0 };
	enum target_left left;

	for (i = 0; i < d->n; i++) {
		left = left_by(d, &d->wanted[i]);
		if (left == d->evidence[i].left)
			continue;
		n[left]++;
		evidence_left(&d->evidence[i], left);
		delivery_changed(d, i);
	}
	if (!n[TARGET_STAYS] && !n[TARGET_MOVED] && !n[TARGET_VANISHED])
		return;
	LOGP(DDELIV, LOGL_NOTICE, "alert=%s peer=%s cells moved to another peer %zu, vanished %zu, back %zu\n",
	     d->alert->id, d->lane->peer_name, n[TARGET_MOVED], n[TARGET_VANISHED], n[TARGET_STAYS]);
	lane_wake(d->lane);
}

/* Is it a target of the message at that peer already? */
static bool has_target(const struct delivery *of, const char *peer, const struct target *t)
{
	const struct delivery *d;

	llist_for_each_entry(d, &of->alert->deliveries, in_alert) {
		if (d->message == of->message && !strcmp(d->lane->peer_name, peer) &&
		    target_find(d->wanted, d->n, t) >= 0)
			return true;
	}
	return false;
}

static int compare_moves(const void *a, const void *b)
{
	const struct move *left = a, *right = b;

	if (left->peer != right->peer)
		return left->peer < right->peer ? -1 : 1;
	return target_compare(&left->target, &right->target);
}

/* \returns how many cells get a new peer, or -ENOMEM. */
static long find_moves(const struct delivery *d, struct move **moves)
{
	const struct cell_table *table = d->alert->gw->cells;
	long n = 0, row;
	size_t i;

	*moves = NULL;
	for (i = 0; i < d->n; i++) {
		if (left_by(d, &d->wanted[i]) != TARGET_MOVED)
			continue;
		row = row_of(table, &d->wanted[i]);
		if (has_target(d, table->peers[table->peer_of[row]], &d->wanted[i]))
			continue;
		if (!*moves)
			*moves = talloc_array(d, struct move, d->n);
		if (!*moves)
			return -ENOMEM;
		(*moves)[n++] = (struct move){ .peer = table->peer_of[row], .target = d->wanted[i] };
	}
	if (n)
		qsort(*moves, n, sizeof(**moves), compare_moves);
	return n;
}

static int put_moves(struct rehome *re, struct store_txn *txn, const struct move *moves, size_t n, int64_t now)
{
	const struct delivery *from = re->from;
	const char *peer = re->gw->cells->peers[moves[0].peer];
	struct target *targets = talloc_array(re, struct target, n);
	struct delivery *d;
	size_t i;

	for (i = 0; targets && i < n; i++)
		targets[i] = moves[i].target;
	d = targets ? delivery_put_new(txn, from->alert, from->message, peer,
				       delivery_next_revision(from->alert, from->message, peer), targets, NULL, n,
				       now) : NULL;
	talloc_free(targets);
	if (!d)
		return -ENOMEM;
	re->made[re->n_made++] = d;
	return 0;
}

static int put_all_moves(struct rehome *re, struct store_txn *txn, const struct move *moves, size_t n, int64_t now)
{
	char detail[96];
	size_t first, end;
	int rc = 0;

	for (first = 0; first < n && rc == 0; first = end) {
		for (end = first + 1; end < n && moves[end].peer == moves[first].peer; end++)
			;
		rc = put_moves(re, txn, &moves[first], end - first, now);
	}
	snprintf(detail, sizeof(detail), "%zu cells of %s have another peer", n, re->from->lane->peer_name);
	return rc < 0 ? rc : store_put_event(txn, re->from->alert->id, now, "rehomed", detail);
}

static void rehome_done(int rc, void *data)
{
	struct rehome *re = data;
	struct delivery *d = re->from;
	size_t i;

	d->rehoming = false;
	for (i = 0; i < re->n_made; i++) {
		if (rc < 0) {
			talloc_free(re->made[i]);
			continue;
		}
		delivery_join(re->made[i]);
		follow_up_add_cells(re->made[i]);
	}
	if (rc == 0) {
		d->cells_version = re->version;
		set_left(d);
	}
	rehome_wake(re->gw, rc < 0 ? RETRY_S : 0);
	talloc_free(re);
}

static struct rehome *rehome_alloc(struct delivery *from)
{
	struct gateway *gw = from->alert->gw;
	struct rehome *re = talloc_zero(gw, struct rehome);

	if (!re)
		return NULL;
	re->gw = gw;
	re->from = from;
	re->version = gw->cells_version;
	re->made = talloc_array(re, struct delivery *, cell_table_n_peers(gw->cells));
	if (!re->made)
		TALLOC_FREE(re);
	return re;
}

/* \returns 0, or -ENOMEM: nothing was begun. */
static int commit_moves(struct delivery *d, const struct move *moves, size_t n)
{
	struct store *store = d->alert->gw->store;
	struct store_txn *txn = store_txn_alloc(store);
	struct rehome *re = rehome_alloc(d);
	size_t i;

	if (!txn || !re || put_all_moves(re, txn, moves, n, clock_utc()) < 0) {
		for (i = 0; re && i < re->n_made; i++)
			talloc_free(re->made[i]);
		talloc_free(re);
		talloc_free(txn);
		return -ENOMEM;
	}
	d->rehoming = true;
	store_commit(store, txn, rehome_done, re);
	return 0;
}

static int compare_with_table(struct delivery *d)
{
	struct move *moves;
	long n = find_moves(d, &moves);
	int rc = n;

	if (n > 0)
		rc = commit_moves(d, moves, n);
	talloc_free(moves);
	if (n == 0) {
		d->cells_version = d->alert->gw->cells_version;
		set_left(d);
	}
	return rc;
}

void rehome_cb(void *data)
{
	struct gateway *gw = data;
	int64_t until_ms = clock_mono_ms() + SLICE_MS;
	struct live_alert *alert;
	struct delivery *d;

	if (gw->stopping || !table_counts(gw))
		return;
	llist_for_each_entry(alert, &gw->alerts, entry) {
		llist_for_each_entry(d, &alert->deliveries, in_alert) {
			if (!is_due(d))
				continue;
			if (compare_with_table(d) < 0) {
				rehome_wake(gw, RETRY_S);
				return;
			}
			if (clock_mono_ms() >= until_ms) {
				rehome_wake(gw, 0);
				return;
			}
		}
	}
}

void rehome_wake(struct gateway *gw, unsigned int after_s)
{
	if (!gw->stopping)
		osmo_timer_schedule(&gw->rehome_timer, after_s, 0);
}
