/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Lanes: what goes to one peer, or to the peers of one bearer, and which of these carries it. */

#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>

#include <tocsin/base/log.h>

#include "core.h"

/* A peer that did not answer is tried again after that. */
#define MUTE_MS 300000

static void timer_cb(void *data)
{
	delivery_run(data);
}

static int lane_destructor(struct lane *lane)
{
	osmo_timer_del(&lane->timer);
	llist_del(&lane->entry);
	hash_del(&lane->by_name);
	return 0;
}

uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static struct lane *lane_alloc(struct gateway *gw, const char *peer_name)
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
	INIT_LLIST_HEAD(&lane->peers);
	INIT_LLIST_HEAD(&lane->deliveries);
	INIT_LLIST_HEAD(&lane->requests);
	hash_init(lane->requests_by_id);
	osmo_timer_setup(&lane->timer, timer_cb, lane);
	llist_add_tail(&lane->entry, &gw->lanes);
	hash_add(gw->lanes_by_name, &lane->by_name, name_hash(peer_name));
	talloc_set_destructor(lane, lane_destructor);
	return lane;
}

struct lane *lane_get(struct gateway *gw, const char *peer_name)
{
	struct lane *lane;

	hash_for_each_possible(gw->lanes_by_name, lane, by_name, name_hash(peer_name)) {
		if (!strcmp(lane->peer_name, peer_name))
			return lane;
	}
	return lane_alloc(gw, peer_name);
}

void lane_wake(struct lane *lane)
{
	struct delivery *d;

	llist_for_each_entry(d, &lane->deliveries, in_lane)
		d->next_utc = 0;
	osmo_timer_schedule(&lane->timer, 0, 0);
}

/* Peers */

static unsigned int preference(const struct peer *peer)
{
	return peer->ops->bearer ? peer->ops->preference(peer) : 0;
}

static bool is_mute(const struct peer *peer)
{
	return peer->mute_until_ms > clock_mono_ms();
}

static bool is_better(const struct peer *peer, const struct peer *than)
{
	if (!than || is_mute(peer) != is_mute(than))
		return !than || is_mute(than);
	return preference(peer) < preference(than);
}

void lane_choose_peer(struct lane *lane)
{
	struct peer *peer, *best = NULL;

	llist_for_each_entry(peer, &lane->peers, in_lane) {
		if (peer->state == PEER_UP && is_better(peer, best))
			best = peer;
	}
	if (!best && !llist_empty(&lane->peers))
		best = llist_first_entry(&lane->peers, struct peer, in_lane);
	if (best != lane->peer)
		lane->blocked = false;
	lane->peer = best;
}

/* A link that is up and an element behind it that says nothing: as many requests as it may have, and not
 * one answer. What is sent there becomes unknown, so another one is used for a while. */
void lane_peer_silent(struct lane *lane, struct peer *peer)
{
	struct peer_caps caps;

	if (!peer->ops->bearer || peer->state != PEER_UP)
		return;
	peer->ops->caps(peer, &caps);
	if (++peer->silent < caps.window)
		return;
	if (!is_mute(peer))
		LOGP(DLINK, LOGL_ERROR, "peer=%s does not answer any more: %u requests in a row\n", peer->name, peer->silent);
	peer->mute_until_ms = clock_mono_ms() + MUTE_MS;
	lane_choose_peer(lane);
}

void lane_add_peer(struct lane *lane, struct peer *peer)
{
	llist_add_tail(&peer->in_lane, &lane->peers);
	lane_choose_peer(lane);
}

void lane_remove_peer(struct lane *lane, struct peer *peer)
{
	lane_link_down(lane, peer);
	llist_del(&peer->in_lane);
	lane_choose_peer(lane);
	lane_wake(lane);
}

void lane_link_down(struct lane *lane, struct peer *peer)
{
	int64_t now = clock_utc();
	struct request *req, *next;

	llist_for_each_entry_safe(req, next, &lane->requests, in_lane) {
		if (req->peer == peer)
			request_lost(req, now);
	}
	lane->blocked = false;
	/* A confirmed broadcast may have ended meanwhile; what a recipient has, it keeps. */
	if (!peer->ops->bearer)
		lane_doubt(lane, DOUBT_LINK, 0, NULL, 0);
	lane_choose_peer(lane);
	lane_wake(lane);
}

void lane_clock_set(struct lane *lane)
{
	int64_t now = clock_utc();
	struct request *req;
	struct delivery *d;

	llist_for_each_entry(req, &lane->requests, in_lane)
		request_rearm(req);
	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		/* Set back before its expiry: only an end that was committed is final. */
		if (delivery_on(d, now) && !d->alert->ending)
			d->settled = false;
		delivery_touch(d);
	}
	lane_wake(lane);
}
