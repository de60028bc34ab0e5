/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/peer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

static const struct rate_ctr_desc peer_ctr_desc[] = {
	[PEER_CTR_LINK_UP] = { "link:up", "Link came up" },
	[PEER_CTR_LINK_DOWN] = { "link:down", "Link went down" },
	[PEER_CTR_TX] = { "pdu:tx", "PDUs sent" },
	[PEER_CTR_RX] = { "pdu:rx", "PDUs received" },
	[PEER_CTR_RX_MALFORMED] = { "pdu:malformed", "PDUs received that could not be decoded" },
	[PEER_CTR_RX_UNMATCHED] = { "pdu:unmatched", "Answers that nobody had asked for" },
	[PEER_CTR_REQUESTS] = { "request:sent", "Requests sent" },
	[PEER_CTR_TIMEOUTS] = { "request:timeout", "Requests without an answer in time" },
	[PEER_CTR_CONN_REFUSED] = { "conn:refused", "Connections refused or not established" },
};

static const struct rate_ctr_group_desc peer_ctr_group = {
	.group_name_prefix = "peer",
	.group_description = "Peer",
	.num_ctr = sizeof(peer_ctr_desc) / sizeof(peer_ctr_desc[0]),
	.ctr_desc = peer_ctr_desc,
};

struct peer_set *peer_set_alloc(void *ctx, struct gateway *gw)
{
	struct peer_set *set = talloc_zero(ctx, struct peer_set);

	if (!set)
		return NULL;
	INIT_LLIST_HEAD(&set->peers);
	hash_init(set->by_name);
	set->gw = gw;
	return set;
}

static int peer_destructor(struct peer *peer)
{
	peer->ops->close(peer);
	lane_remove_peer(peer->lane, peer);
	llist_del(&peer->entry);
	hash_del(&peer->by_name);
	rate_ctr_group_free(peer->ctrs);
	return 0;
}

struct peer *peer_alloc(struct peer_set *set, const char *name, const struct peer_ops *ops, void *config)
{
	struct peer *peer = talloc_zero(set, struct peer);

	if (!peer)
		return NULL;
	peer->set = set;
	peer->ops = ops;
	peer->name = talloc_strdup(peer, name);
	peer->since_utc = clock_utc();
	/* Not a child: the group must outlive nothing but is walked by name until it is freed. */
	peer->ctrs = rate_ctr_group_alloc(set, &peer_ctr_group, set->next_ctr_index++);
	peer->lane = lane_get(set->gw, ops->bearer ? ops->bearer : name);
	if (!peer->name || !peer->ctrs || !peer->lane) {
		rate_ctr_group_free(peer->ctrs);
		talloc_free(peer);
		return NULL;
	}
	rate_ctr_group_set_name(peer->ctrs, name);
	peer->config = talloc_steal(peer, config);
	llist_add_tail(&peer->entry, &set->peers);
	hash_add(set->by_name, &peer->by_name, name_hash(name));
	lane_add_peer(peer->lane, peer);
	talloc_set_destructor(peer, peer_destructor);
	return peer;
}

void peer_free(struct peer *peer)
{
	talloc_free(peer);
}

const char *peer_name(const struct peer *peer)
{
	return peer->name;
}

const struct peer_ops *peer_ops(const struct peer *peer)
{
	return peer->ops;
}

void *peer_config(const struct peer *peer)
{
	return peer->config;
}

void *peer_link(const struct peer *peer)
{
	return peer->link;
}

void peer_link_set(struct peer *peer, void *link)
{
	peer->link = link;
}

enum peer_state peer_state(const struct peer *peer)
{
	return peer->state;
}

const char *peer_state_why(const struct peer *peer)
{
	return peer->why;
}

int64_t peer_state_since(const struct peer *peer)
{
	return peer->since_utc;
}

const char *peer_state_name(enum peer_state state)
{
	static const char *const names[] = {
		[PEER_DOWN] = "down", [PEER_CONNECTING] = "connecting", [PEER_OPENING] = "opening",
		[PEER_UP] = "up",
	};

	return (unsigned int)state < sizeof(names) / sizeof(names[0]) ? names[state] : "down";
}

struct peer *peer_by_name(const struct peer_set *set, const char *name)
{
	struct peer *peer;

	hash_for_each_possible(set->by_name, peer, by_name, name_hash(name)) {
		if (!strcmp(peer->name, name))
			return peer;
	}
	return NULL;
}

struct peer *peer_next(const struct peer_set *set, const struct peer *after)
{
	const struct llist_head *next = after ? after->entry.next : set->peers.next;

	return next == &set->peers ? NULL : llist_entry(next, struct peer, entry);
}

void peer_count(struct peer *peer, enum peer_ctr ctr)
{
	rate_ctr_inc(rate_ctr_group_get_ctr(peer->ctrs, ctr));
}

void peer_set_state(struct peer *peer, enum peer_state state, const char *why)
{
	bool was_up = peer->state == PEER_UP;

	snprintf(peer->why, sizeof(peer->why), "%s", why ? why : "");
	if (state == peer->state)
		return;
	LOGP(DLINK, state == PEER_UP || was_up ? LOGL_NOTICE : LOGL_INFO, "peer=%s link %s -> %s: %s\n",
	     peer->name, peer_state_name(peer->state), peer_state_name(state), peer->why);
	peer->state = state;
	peer->since_utc = clock_utc();
	if (state == PEER_UP) {
		peer_count(peer, PEER_CTR_LINK_UP);
		lane_choose_peer(peer->lane);
		peer->lane->blocked = false;
		lane_wake(peer->lane);
	} else if (was_up) {
		peer_count(peer, PEER_CTR_LINK_DOWN);
		lane_link_down(peer->lane, peer);
	}
}

void peer_ready(struct peer *peer)
{
	if (peer == peer->lane->peer)
		peer->lane->blocked = false;
	lane_wake(peer->lane);
}

void peer_unmatched(struct peer *peer)
{
	peer_count(peer, PEER_CTR_RX_UNMATCHED);
}

uint8_t peer_number(struct peer *peer)
{
	char **names = peer->set->gw->peer_numbers;
	unsigned int i;

	for (i = 1; !peer->number && i <= UINT8_MAX; i++) {
		if (!names[i])
			names[i] = talloc_strdup(peer->set->gw, peer->name);
		if (names[i] && !strcmp(names[i], peer->name))
			peer->number = i;
	}
	return peer->number;
}
