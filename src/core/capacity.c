/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How many messages a cell can carry at once.
 *
 * In GSM one page goes out per unit of the repetition period, and all messages of a cell must have
 * one period (OsmoBSC mixes them up otherwise), so the pages of a cell's messages may not exceed
 * its period (3GPP TS 45.002, 6.5.4). A cell has one ETWS primary at a time; OsmoBSC would let a
 * second one replace the first without a word.
 *
 * Which messages stay is decided anew from the deliveries each time: the more important first, then
 * the older. What does not fit is not wanted in that cell for now, which makes delivery_run() take
 * it off the air there and put it back later; there is no other mechanism. The common case, where
 * everything fits everywhere, costs one sum. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/log.h>

#include "core.h"

/* Room of one target. */
struct room {
	struct target target;
	uint16_t period;	/* of what is on air there; 0 = nothing is */
	unsigned int on_air;	/* pages on air or possibly so */
	unsigned int planned;	/* pages of those admitted so far */
	bool emergency_on_air;	/* an ETWS primary is on air or possibly so */
	bool emergency_planned;
};

/* Open addressing, at most half full. */
struct room_map {
	struct room *rooms;
	size_t mask;
};

static size_t target_hash(const struct target *t)
{
	uint64_t h = t->value * 0x9e3779b97f4a7c15u ^ ((uint64_t)t->mcc << 32 | (uint64_t)t->mnc << 8 | t->type);

	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

static struct room *room_get(struct room_map *map, const struct target *t)
{
	size_t i = target_hash(t) & map->mask;

	while (map->rooms[i].target.type && target_compare(&map->rooms[i].target, t))
		i = (i + 1) & map->mask;
	map->rooms[i].target = *t;
	return &map->rooms[i];
}

static int room_map_init(struct room_map *map, void *ctx, size_t n)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	map->mask = size - 1;
	map->rooms = talloc_zero_array(ctx, struct room, size);
	return map->rooms ? 0 : -ENOMEM;
}

static unsigned int pages_of(const struct delivery *d)
{
	return d->message->kind == MESSAGE_TEXT ? d->message->pages.n : 0;
}

static bool is_emergency(const struct delivery *d)
{
	return d->message->kind == MESSAGE_EMERGENCY;
}

static bool maybe_on_air(const struct delivery *d, size_t i)
{
	return d->evidence[i].flags & EVIDENCE_MAYBE_ON_AIR;
}

/* Does everything fit everywhere, even if every delivery met in one cell? */
static bool all_fit(const struct lane *lane, const struct peer_caps *caps, size_t *n_targets)
{
	unsigned int pages = 0, emergencies = 0;
	bool mixed = false;
	struct delivery *d;
	size_t i;

	*n_targets = 0;
	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		if (d->settled)
			continue;
		pages += pages_of(d);
		emergencies += is_emergency(d);
		*n_targets += d->n;
		for (i = 0; i < d->n && !mixed && !is_emergency(d); i++)
			mixed = maybe_on_air(d, i) && d->evidence[i].period &&
				d->evidence[i].period != caps->period;
	}
	return !mixed && emergencies <= 1 && pages <= caps->pages_per_period * caps->period;
}

static void forget_admission(struct lane *lane)
{
	struct delivery *d;

	if (!lane->had_admission)
		return;
	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		if (d->admission) {
			TALLOC_FREE(d->admission);
			due_set_all(d->due, DUE_NOW);
			d->next_utc = 0;
		}
	}
	lane->had_admission = false;
}

static void count_on_air(struct room_map *map, const struct delivery *d)
{
	struct room *room;
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (!maybe_on_air(d, i))
			continue;
		room = room_get(map, &d->wanted[i]);
		room->on_air += pages_of(d);
		room->emergency_on_air |= is_emergency(d);
		if (!room->period && !is_emergency(d))
			room->period = d->evidence[i].period;
	}
}

/* A message that is longer than the period stretches it, else it would never fit; it gets the cell
 * to itself, since it is not admitted before the others have left. */
static unsigned int room_size(const struct room *room, const struct delivery *d, const struct peer_caps *caps)
{
	unsigned int period = room->period ? room->period : caps->period;

	if (!room->planned && period < pages_of(d))
		period = pages_of(d);
	return period * caps->pages_per_period;
}

static enum admission admit_emergency(struct room *room, const struct delivery *d, size_t i)
{
	if (room->emergency_planned)
		return ADMIT_NO;
	room->emergency_planned = true;
	if (room->emergency_on_air && !maybe_on_air(d, i))
		return ADMIT_LATER;
	room->emergency_on_air = true;
	return ADMIT_NOW;
}

static enum admission admit(struct room *room, const struct delivery *d, size_t i, const struct peer_caps *caps)
{
	unsigned int size = room_size(room, d, caps);

	if (is_emergency(d))
		return admit_emergency(room, d, i);
	if (room->planned + pages_of(d) > size)
		return ADMIT_NO;
	room->planned += pages_of(d);
	/* What may be on air is counted already, but may have to be written once more. */
	if (!maybe_on_air(d, i)) {
		if (room->on_air + pages_of(d) > size)
			return ADMIT_LATER;
		room->on_air += pages_of(d);
	}
	return room->on_air > size ? ADMIT_LATER : ADMIT_NOW;
}

static void admit_delivery(struct room_map *map, struct delivery *d, const struct peer_caps *caps)
{
	uint8_t before;
	size_t i;

	if (!d->admission) {
		d->admission = talloc_array(d, uint8_t, d->n);
		if (!d->admission)
			return;
		memset(d->admission, ADMIT_NOW, d->n);
	}
	for (i = 0; i < d->n; i++) {
		if (d->evidence[i].left)
			continue;
		before = d->admission[i];
		d->admission[i] = admit(room_get(map, &d->wanted[i]), d, i, caps);
		if (d->admission[i] != before) {
			due_set(d->due, i, DUE_NOW);
			d->next_utc = 0;
		}
	}
	d->lane->had_admission = true;
}

void capacity_plan(struct lane *lane, const struct peer_caps *caps, int64_t now)
{
	struct room_map map;
	struct delivery *d;
	size_t n;

	if (!caps->pages_per_period || all_fit(lane, caps, &n)) {
		forget_admission(lane);
		return;
	}
	if (room_map_init(&map, lane, n) < 0) {
		LOGP(DDELIV, LOGL_ERROR, "peer=%s out of memory for its capacity\n", lane->peer_name);
		return;
	}
	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		if (!d->settled)
			count_on_air(&map, d);
	}
	llist_for_each_entry(d, &lane->deliveries, in_lane) {
		if (!d->settled && message_on(d->message, d->alert->cancelled, now))
			admit_delivery(&map, d, caps);
	}
	talloc_free(map.rooms);
}

/* The period of whatever else is on air in that target. */
static uint16_t period_in_use(const struct delivery *d, const struct target *t)
{
	const struct delivery *other;
	long i;

	llist_for_each_entry(other, &d->lane->deliveries, in_lane) {
		if (other == d || !pages_of(other) || other->settled)
			continue;
		i = target_find(other->wanted, other->n, t);
		if (i >= 0 && maybe_on_air(other, i) && other->evidence[i].period)
			return other->evidence[i].period;
	}
	return 0;
}

uint16_t capacity_period(const struct delivery *d, size_t i, const struct peer_caps *caps)
{
	/* Without admission everything on air has the configured period (all_fit()). */
	uint16_t period = d->admission ? period_in_use(d, &d->wanted[i]) : caps->period;

	if (!period)
		period = caps->period;
	if (caps->pages_per_period && period < pages_of(d))
		period = pages_of(d);
	return period;
}
