/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Live values for status pages and the VTY, rendered on the loop. */

#include <osmocom/core/rate_ctr.h>

#include <tocsin/base/clock.h>

#include "config.h"
#include "core.h"

/* What has been on its way to the disk for longer makes every stored state doubtful. */
#define STORE_LATE_MS 2000

static void json_counters(struct json *j, const struct peer *peer)
{
	unsigned int i;

	json_object_begin(j, "counters");
	for (i = 0; i < peer->ctrs->desc->num_ctr; i++)
		json_int(j, peer->ctrs->desc->ctr_desc[i].name, rate_ctr_group_get_ctr(peer->ctrs, i)->current);
	json_object_end(j);
}

static size_t lane_length(const struct lane *lane)
{
	const struct delivery *d;
	size_t n = 0;

	llist_for_each_entry(d, &lane->deliveries, in_lane)
		n += !d->settled;
	return n;
}

/* UTC second of the next attempt to connect, 0 if none is waited for. */
static int64_t next_attempt(const struct peer *peer)
{
	int64_t wait_ms = peer->ops->retry_ms(peer);

	return wait_ms < 0 ? 0 : clock_utc() + (wait_ms + 999) / 1000;
}

/* Of peers that stand for each other: which one is used. Their deliveries are the same. */
static void json_bearer(struct json *j, const struct peer *peer)
{
	if (!peer->ops->bearer) {
		json_null(j, "bearer");
		return;
	}
	json_object_begin(j, "bearer");
	json_string(j, "name", peer->ops->bearer);
	json_int(j, "preference", peer->ops->preference(peer));
	json_boolean(j, "in_use", peer->state == PEER_UP && peer->lane->peer == peer);
	json_object_end(j);
}

void gateway_render_peers(struct gateway *gw, struct json *j)
{
	const struct peer *peer = NULL;

	json_array_begin(j, "peers");
	while ((peer = peer_next(gw->peers, peer))) {
		json_object_begin(j, NULL);
		json_string(j, "peer", peer->name);
		json_string(j, "protocol", peer->ops->protocol);
		json_string(j, "state", peer_state_name(peer->state));
		json_string(j, "why", peer->why);
		json_time(j, "since", peer->since_utc);
		json_string(j, "remote", peer->ops->remote(peer));
		json_time(j, "next_attempt", next_attempt(peer));
		json_bearer(j, peer);
		json_int(j, "outstanding", peer->outstanding);
		json_int(j, "deliveries", lane_length(peer->lane));
		json_counters(j, peer);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_problem(struct json *j, const struct problem *problem)
{
	if (problem->code == PROBLEM_NONE) {
		json_null(j, "problem");
		return;
	}
	json_object_begin(j, "problem");
	json_string(j, "code", problem_code_name(problem->code));
	json_string(j, "where", *problem->where ? problem->where : NULL);
	if (problem->line)
		json_int(j, "line", problem->line);
	json_string(j, "detail", problem->detail);
	json_object_end(j);
}

void gateway_render_recipients(struct gateway *gw, struct json *j)
{
	const struct recipient_source *source = NULL;
	struct problem problem;
	int64_t last;

	recipient_sources_set_gauges(gw->recipients, clock_utc());
	json_array_begin(j, "sources");
	while ((source = recipient_source_next(gw->recipients, source))) {
		last = recipient_source_last(source, &problem);
		json_object_begin(j, NULL);
		json_string(j, "source", recipient_source_name(source));
		json_string(j, "kind", recipient_source_kind(source));
		json_int(j, "recipients", recipient_source_count(source));
		json_time(j, "updated", recipient_source_updated(source));
		json_time(j, "last_attempt", last);
		json_problem(j, &problem);
		json_object_end(j);
	}
	json_array_end(j);
}

/* What readers find in the store is what is known here: nothing waits for long, nothing failed. */
static bool store_is_current(const struct gateway *gw)
{
	return !gw->store_failing && store_stalled_ms(gw->store) <= STORE_LATE_MS;
}

bool gateway_render_health(struct gateway *gw, struct json *j)
{
	const struct peer *peer = NULL;
	unsigned int up = 0, down = 0;

	/* Codes get free by the passing of time alone, so somebody has to look now and then. */
	ledger_set_gauges(gw->ledger, clock_utc());
	while ((peer = peer_next(gw->peers, peer))) {
		if (peer->state == PEER_UP)
			up++;
		else
			down++;
	}
	json_string(j, "status", !store_is_current(gw) || down ? "degraded" : "ok");
	json_object_begin(j, "store");
	json_boolean(j, "ok", store_is_current(gw));
	json_int(j, "pending", store_pending(gw->store));
	json_object_end(j);
	json_object_begin(j, "peers");
	json_int(j, "up", up);
	json_int(j, "down", down);
	json_object_end(j);
	json_int(j, "cells", cell_table_count(gw->cells));
	json_int(j, "alerts_live", llist_count(&gw->alerts));
	json_string(j, "version", PACKAGE_VERSION);
	return store_is_current(gw);
}

void gateway_each_delivery(struct gateway *gw, void (*cb)(const struct delivery_view *view, void *data), void *data)
{
	int64_t now = clock_utc();
	struct live_alert *alert;
	struct delivery *d;
	size_t i;

	llist_for_each_entry(alert, &gw->alerts, entry) {
		llist_for_each_entry(d, &alert->deliveries, in_alert) {
			struct delivery_view view = {
				.alert_id = alert->id,
				.peer = d->lane->peer_name,
				.message = d->message,
				.revision = d->revision,
				.n = d->n,
				.on = message_on(d->message, alert->cancelled, now),
			};

			for (i = 0; i < d->n; i++)
				view.counts[evidence_outcome(&d->evidence[i], view.on)]++;
			cb(&view, data);
		}
	}
}
