/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/gateway.h>

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/log.h>

#include "core.h"

/* Evidence that changes in one burst goes to the store in one commit. */
#define FLUSH_DELAY_US 100000

static int gateway_destructor(struct gateway *gw)
{
	struct live_alert *alert, *next;

	/* Their deliveries stand in the lanes, which are freed in any order. */
	llist_for_each_entry_safe(alert, next, &gw->alerts, entry)
		talloc_free(alert);
	osmo_timer_del(&gw->work_timer);
	osmo_timer_del(&gw->flush_timer);
	osmo_timer_del(&gw->follow_timer);
	osmo_timer_del(&gw->rehome_timer);
	return 0;
}

struct gateway *gateway_alloc(void *ctx)
{
	struct gateway *gw = talloc_zero(ctx, struct gateway);

	if (!gw)
		return NULL;
	INIT_LLIST_HEAD(&gw->alerts);
	INIT_LLIST_HEAD(&gw->lanes);
	hash_init(gw->lanes_by_name);
	INIT_LLIST_HEAD(&gw->work);
	INIT_LLIST_HEAD(&gw->blocked);
	INIT_LLIST_HEAD(&gw->committing);
	INIT_LLIST_HEAD(&gw->dirty);
	INIT_LLIST_HEAD(&gw->imports);
	INIT_LLIST_HEAD(&gw->recipient_imports);
	osmo_timer_setup(&gw->work_timer, submission_work_cb, gw);
	osmo_timer_setup(&gw->flush_timer, live_flush_cb, gw);
	osmo_timer_setup(&gw->follow_timer, follow_up_cb, gw);
	osmo_timer_setup(&gw->rehome_timer, rehome_cb, gw);
	gw->cells_version = 1;
	gw->peers = peer_set_alloc(gw, gw);
	gw->originators = originator_set_alloc(gw);
	gw->profile = profile_eu_alert(gw);
	gw->cells = cell_table_empty(gw);
	gw->ledger = ledger_alloc(gw);
	gw->recipients = recipient_sources_alloc(gw);
	gw->sms = sms_rules_alloc(gw);
	gw->handles = handles_alloc(gw);
	gw->index = alert_index_alloc(gw);
	if (!gw->peers || !gw->originators || !gw->profile || !gw->cells || !gw->ledger || !gw->index ||
	    !gw->recipients || !gw->sms) {
		talloc_free(gw);
		return NULL;
	}
	talloc_set_destructor(gw, gateway_destructor);
	return gw;
}

static int key_cb(const struct alert_row *row, void *data)
{
	struct gateway *gw = data;
	char document[ALERT_ID_LEN + 1];
	struct alert_known *known;

	alert_id_make("", row->sender, row->identifier, row->sent_utc, document);
	known = alert_index_add(gw->index, row->id, document, row->sha256);
	if (!known)
		return -ENOMEM;
	known->committed = true;
	return 0;
}

static int ledger_cb(const struct ledger_entry *entry, void *data)
{
	struct gateway *gw = data;

	return ledger_restore(gw->ledger, entry);
}

static int peer_number_cb(uint8_t number, const char *name, void *data)
{
	struct gateway *gw = data;

	gw->peer_numbers[number] = talloc_strdup(gw, name);
	gw->n_peer_numbers_stored = OSMO_MAX(gw->n_peer_numbers_stored, number);
	return gw->peer_numbers[number] ? 0 : -ENOMEM;
}

static int load_cells(struct gateway *gw, struct problem *problem)
{
	char *name = store_get_meta(gw->store, gw, "cell-table");
	struct cell_table *table;
	char *path;

	if (!name)
		return 0;
	path = talloc_asprintf(name, "%s/%s", store_dir(gw->store), name);
	table = path ? cell_table_load(gw, path, true, problem) : NULL;
	talloc_free(name);
	if (!table)
		return -EINVAL;
	talloc_unlink(gw, gw->cells);
	gw->cells = table;
	return 0;
}

int gateway_start(struct gateway *gw, const char *dir, bool threaded, struct problem *problem)
{
	struct problem cells_problem = { 0 };
	int rc;

	gw->threaded = threaded;
	gw->store = store_open(gw, dir, problem);
	if (!gw->store)
		return -EINVAL;
	/* A broken snapshot is no reason to forget live alerts: they carry their cells themselves. */
	if (load_cells(gw, &cells_problem) < 0)
		LOGP(DCELL, LOGL_ERROR, "cell table lost: %s %s\n", cells_problem.where, cells_problem.detail);
	rc = store_load_keys(gw->store, key_cb, gw);
	if (rc == 0)
		rc = store_load_ledger(gw->store, ledger_cb, gw);
	if (rc == 0)
		rc = store_load_peer_numbers(gw->store, peer_number_cb, gw);
	if (rc < 0)
		return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, dir, 0,
				   "The store cannot be read: %s.", strerror(-rc));
	rc = live_load(gw, problem);
	if (rc < 0)
		return rc;
	follow_up_wake(gw);
	rehome_wake(gw, 0);
	rc = threaded ? store_start(gw->store) : 0;
	if (rc < 0)
		return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, dir, 0,
				   "The store's thread does not start: %s.", strerror(-rc));
	return 0;
}

/* Every slice of it, without a wait for the one before. */
static void flush_all(struct gateway *gw)
{
	do {
		gw->flushing = false;
		live_flush_cb(gw);
	} while (gw->flushing && !llist_empty(&gw->dirty));
}

void gateway_stop(struct gateway *gw)
{
	struct peer *peer, *next;
	struct lane *lane;

	gw->stopping = true;
	osmo_timer_del(&gw->follow_timer);
	osmo_timer_del(&gw->rehome_timer);
	llist_for_each_entry(lane, &gw->lanes, entry)
		requests_stop(lane);
	osmo_timer_del(&gw->work_timer);
	cell_import_abort(gw);
	recipient_import_abort(gw);
	/* What is known now is kept; that the links go down says nothing about the air. */
	if (gw->store) {
		flush_all(gw);
		store_close(gw->store);
	}
	gw->store = NULL;
	for (peer = peer_next(gw->peers, NULL); peer; peer = next) {
		next = peer_next(gw->peers, peer);
		peer_free(peer);
	}
	osmo_timer_del(&gw->flush_timer);
}

void gateway_wake(struct gateway *gw)
{
	struct lane *lane;

	llist_for_each_entry(lane, &gw->lanes, entry)
		lane_clock_set(lane);
	if (!llist_empty(&gw->dirty) && gw->store)
		osmo_timer_schedule(&gw->flush_timer, 0, FLUSH_DELAY_US);
	if (!llist_empty(&gw->work))
		osmo_timer_schedule(&gw->work_timer, 0, 0);
	follow_up_wake(gw);
}

void gateway_dirty(struct gateway *gw, struct delivery *d, bool now)
{
	if (llist_empty(&d->in_dirty))
		llist_add_tail(&d->in_dirty, &gw->dirty);
	if (!gw->store)
		return;
	if (now) {
		llist_move(&d->in_dirty, &gw->dirty);
		osmo_timer_schedule(&gw->flush_timer, 0, 0);
	} else if (!osmo_timer_pending(&gw->flush_timer)) {
		osmo_timer_schedule(&gw->flush_timer, 0, FLUSH_DELAY_US);
	}
}

struct peer_set *gateway_peers(struct gateway *gw)
{
	return gw->peers;
}

struct originator_set *gateway_originators(struct gateway *gw)
{
	return gw->originators;
}

struct store *gateway_store(struct gateway *gw)
{
	return gw->store;
}

struct profile *gateway_profile(struct gateway *gw)
{
	return gw->profile;
}

void gateway_set_profile(struct gateway *gw, struct profile *profile)
{
	talloc_free(gw->profile);
	gw->profile = talloc_steal(gw, profile);
}

const struct cell_table *gateway_cells(struct gateway *gw)
{
	return gw->cells;
}

struct recipient_sources *gateway_recipients(struct gateway *gw)
{
	return gw->recipients;
}

struct sms_rules *gateway_sms(struct gateway *gw)
{
	return gw->sms;
}
