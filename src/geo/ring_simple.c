/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A plane sweep after Shamos and Hoey, from left to right (from bottom to top where that is
 * equal), that gives up as soon as anything is out of the ordinary. So it needs none of what makes
 * ring_check() slow.
 *
 * The ring is cut where it turns back, to the left or to the right, into chains that run from left
 * to right. Events are only the ends of chains, of which an outline has far fewer than vertices.
 * The chains under the sweep line are a list from bottom to top; each knows its neighbours. What
 * two neighbours do between events is made up for when they are next looked at, at the latest when
 * they cease to be neighbours: every vertex of the lower one must lie below the upper one, and
 * vice versa (pair_follow()). As each chain walks along its two neighbours once, that is O(n).
 *
 * Why that proves it: at each place of the sweep line every two neighbours are strictly ordered,
 * so all chains are, and no two of them share a point but the ends where they meet. */

#include "ring_simple.h"

#include <errno.h>

#include <talloc.h>

/* The radix sort looks at so much of the longitude that most events differ there; what it cannot
 * tell apart is put in order one by one. */
#define MAX_DIGITS 3
#define DIGIT_BITS 8
#define DIGIT_MAX ((1 << DIGIT_BITS) - 1)
/* So few are quicker put in order one by one. */
#define FEW 32
#define MAX_MOVES 16	/* per event */

/* How far round the ring the search for a chain nearby looks. */
#define MAX_HINTS 16

#define NONE UINT32_MAX

/* Chain k runs between the turns k and k + 1; even ones along the ring, odd ones against it. */
struct chain {
	uint32_t below, above;	/* its neighbours under the sweep line; NONE if it is not there */
	/* Left ends of edges: up to where it was compared with the one above and the one below,
	 * and where a search last met it. */
	uint32_t up, down, met;
};

struct sweep {
	uint32_t n;		/* vertices */
	uint32_t m;		/* turns, and chains; an even number */
	uint64_t *at;		/* vertex: longitude << 32 | latitude, both from the ring's least;
				 * the first one is the least and is repeated at the end */
	uint32_t *turns;	/* vertices, and n at the end; even ones begin chains, odd ones end
				 * them */
	uint64_t *order;	/* turns in sweep order: digits << 32 | turn */
	unsigned int digits;
	struct chain *chains;	/* and one more: it lies below the lowest and above the highest */
	uint32_t last;		/* a chain near the last event */
	uint64_t steps;		/* that searches may still take */
};

/* \returns the least vertex. */
static size_t least_vertex(const struct geo_ring *ring, uint64_t *span)
{
	int64_t high = ring->lon[0];
	size_t i, least = 0;

	for (i = 1; i < ring->n; i++) {
		if (ring->lon[i] < ring->lon[least] ||
		    (ring->lon[i] == ring->lon[least] && ring->lat[i] < ring->lat[least]))
			least = i;
		high = ring->lon[i] > high ? ring->lon[i] : high;
	}
	*span = high - ring->lon[least];
	return least;
}

static void vertices_fill(struct sweep *s, const struct geo_ring *ring, size_t least)
{
	int64_t low = ring->lon[least];
	uint64_t *at = s->at;
	size_t i;

	for (i = least; i < ring->n; i++)
		*at++ = (uint64_t)(ring->lon[i] - low) << 32 | (ring->lat[i] + 90LL * GEO_DEGREE);
	for (i = 0; i < least; i++)
		*at++ = (uint64_t)(ring->lon[i] - low) << 32 | (ring->lat[i] + 90LL * GEO_DEGREE);
	*at = s->at[0];
}

/* \returns false if two vertices that follow each other are in one place. */
static bool turns_find(struct sweep *s)
{
	bool right = true, goes_right, moves = s->at[s->n - 1] != s->at[0];
	uint32_t i;

	s->turns[0] = 0;
	s->m = 1;
	for (i = 1; i < s->n; i++) {
		moves &= s->at[i] != s->at[i - 1];
		goes_right = s->at[i + 1] > s->at[i];
		s->turns[s->m] = i;
		s->m += goes_right != right;
		right = goes_right;
	}
	s->turns[s->m] = s->n;
	return moves;
}

/* ---- sorting ----------------------------------------------------------------------------- */

static void order_fill(struct sweep *s, uint64_t span)
{
	unsigned int shift = 0;
	uint32_t k;

	s->digits = s->m < 256 ? 1 : s->m < 16384 ? 2 : MAX_DIGITS;
	while (span >> shift >> (s->digits * DIGIT_BITS))
		shift++;
	for (k = 0; k < s->m; k++)
		s->order[k] = s->at[s->turns[k]] >> 32 >> shift << 32 | k;
}

static void sort_digits(struct sweep *s, uint64_t *other)
{
	unsigned int d, shift;
	uint64_t *swap;

	for (d = 0; d < s->digits; d++) {
		uint32_t counts[DIGIT_MAX + 1] = { 0 }, i, sum, c;

		shift = 32 + d * DIGIT_BITS;
		for (i = 0; i < s->m; i++)
			counts[s->order[i] >> shift & DIGIT_MAX]++;
		for (i = 0, sum = 0; i <= DIGIT_MAX; i++) {
			c = counts[i];
			counts[i] = sum;
			sum += c;
		}
		for (i = 0; i < s->m; i++)
			other[counts[s->order[i] >> shift & DIGIT_MAX]++] = s->order[i];
		swap = s->order;
		s->order = other;
		other = swap;
	}
}

static uint64_t turn_at(const struct sweep *s, uint64_t entry)
{
	return s->at[s->turns[(uint32_t)entry]];
}

/* \returns false if two turns are in one place, or if too many were out of order. */
static bool sort_rest(struct sweep *s)
{
	uint64_t *order = s->order, moves = 0, entry, at;
	uint32_t i, j;

	for (i = 1; i < s->m; i++) {
		entry = order[i];
		at = turn_at(s, entry);
		for (j = i; j && turn_at(s, order[j - 1]) > at; j--)
			order[j] = order[j - 1];
		order[j] = entry;
		moves += i - j;
		if ((j && turn_at(s, order[j - 1]) == at) || moves > (uint64_t)MAX_MOVES * s->m)
			return false;
	}
	return true;
}

/* ---- sweeping ---------------------------------------------------------------------------- */

/* 1 if v lies above the line from a to b, which is right of it, 0 on it, -1 below. Longitudes span
 * less than 2^31 and latitudes less than 2^31, so that the difference of the products fits. */
static int side(uint64_t a, uint64_t b, uint64_t v)
{
	int64_t x = a >> 32, y = (uint32_t)a;
	int64_t d = ((int64_t)(b >> 32) - x) * ((int64_t)(uint32_t)v - y) -
		    ((int64_t)(uint32_t)b - y) * ((int64_t)(v >> 32) - x);

	return (d > 0) - (d < 0);
}

/* From a vertex of a chain to the next one on its right. */
static uint32_t step(uint32_t chain)
{
	return chain & 1 ? -1 : 1;
}

/* The edge of a chain, from the given one on, under the sweep line. */
static uint32_t edge_at(const struct sweep *s, uint32_t chain, uint32_t vertex, uint64_t until)
{
	while (s->at[vertex + step(chain)] < until)
		vertex += step(chain);
	return vertex;
}

/* Are two neighbours in order up to where the sweep line is? Neither ends before that. */
static bool pair_follow(struct sweep *s, uint32_t lower, uint32_t upper, uint64_t until)
{
	uint32_t i = s->chains[lower].up, j = s->chains[upper].down;
	uint32_t di = step(lower), dj = step(upper);
	uint64_t a = s->at[i], b = s->at[j], a_next = s->at[i + di], b_next = s->at[j + dj];

	while (a_next <= until || b_next <= until) {
		if (a_next == b_next)
			return i + di == j + dj;
		if (a_next < b_next) {
			if (side(b, b_next, a_next) >= 0)
				return false;
			if (a_next == until)
				break;
			i += di;
			a = a_next;
			a_next = s->at[i + di];
		} else {
			if (side(a, a_next, b_next) <= 0)
				return false;
			if (b_next == until)
				break;
			j += dj;
			b = b_next;
			b_next = s->at[j + dj];
		}
	}
	s->chains[lower].up = i;
	s->chains[upper].down = j;
	return true;
}

static bool neighbours_follow(struct sweep *s, uint32_t lower, uint32_t upper, uint64_t until)
{
	struct chain *chains = s->chains;

	if (lower != s->m && upper != s->m)
		return pair_follow(s, lower, upper, until);
	if (lower != s->m)
		chains[lower].up = edge_at(s, lower, chains[lower].up, until);
	if (upper != s->m)
		chains[upper].down = edge_at(s, upper, chains[upper].down, until);
	return true;
}

/* A chain under the sweep line near a turn: what is near along the ring is often near. */
static uint32_t chain_near(const struct sweep *s, uint32_t turn)
{
	uint32_t i, chain;

	for (i = 2; i < MAX_HINTS; i++) {
		chain = turn + i - 1;
		if (chain < s->m && s->chains[chain].above != NONE)
			return chain;
		chain = turn - i;
		if (chain < s->m && s->chains[chain].above != NONE)
			return chain;
	}
	return s->last;
}

/* Does v lie above a chain (1), on it (0) or below (-1)? */
static int chain_side(struct sweep *s, uint32_t chain, uint64_t v)
{
	struct chain *c = &s->chains[chain];

	c->met = edge_at(s, chain, c->met, v);
	return side(s->at[c->met], s->at[c->met + step(chain)], v);
}

/* Between which two neighbours does v lie? \returns false if on one, or if that takes too long. */
static bool chains_around(struct sweep *s, uint32_t near, uint64_t v, uint32_t *lower,
			  uint32_t *upper)
{
	const struct chain *chains = s->chains;
	int where = near == s->m ? 1 : chain_side(s, near, v), way = where;

	while (way && where == way && s->steps--) {
		near = way > 0 ? chains[near].above : chains[near].below;
		where = near == s->m ? -way : chain_side(s, near, v);
	}
	*lower = where > 0 ? near : chains[near].below;
	*upper = chains[*lower].above;
	return way && where == -way;
}

static void chain_link(struct sweep *s, uint32_t lower, uint32_t upper)
{
	s->chains[lower].above = upper;
	s->chains[upper].below = lower;
}

/* Two chains begin at a turn. */
static bool chains_enter(struct sweep *s, uint32_t turn)
{
	uint32_t along = turn, against = turn ? turn - 1 : s->m - 1, lower, upper;
	uint32_t first = s->turns[turn], other_first = s->turns[against + 1];
	uint64_t v = s->at[first];
	/* If they lie on each other, that shows at the end of the shorter edge. */
	int order = side(v, s->at[first + 1], s->at[other_first - 1]);

	if (!chains_around(s, chain_near(s, turn), v, &lower, &upper) ||
	    !neighbours_follow(s, lower, upper, v))
		return false;
	s->chains[along] = (struct chain){ .up = first, .down = first, .met = first };
	s->chains[against] = (struct chain){ .up = other_first, .down = other_first,
					     .met = other_first };
	chain_link(s, lower, order > 0 ? along : against);
	chain_link(s, order > 0 ? along : against, order > 0 ? against : along);
	chain_link(s, order > 0 ? against : along, upper);
	s->last = along;
	return true;
}

/* Two chains end at a turn. */
static bool chains_leave(struct sweep *s, uint32_t turn)
{
	struct chain *chains = s->chains;
	uint32_t lower = chains[turn].above == turn - 1 ? turn : turn - 1;
	uint32_t upper = lower == turn ? turn - 1 : turn;
	uint32_t below = chains[lower].below, above = chains[upper].above;
	uint64_t v = s->at[s->turns[turn]];

	if (chains[lower].above != upper || !neighbours_follow(s, below, lower, v) ||
	    !neighbours_follow(s, lower, upper, v) || !neighbours_follow(s, upper, above, v))
		return false;
	chain_link(s, below, above);
	chains[lower].above = chains[upper].above = NONE;
	s->last = below;
	return true;
}

static bool sweep_run(struct sweep *s)
{
	uint32_t i, turn;

	for (i = 0; i < s->m; i++)
		s->chains[i].above = NONE;
	chain_link(s, s->m, s->m);
	s->last = s->m;
	s->steps = (uint64_t)RING_SIMPLE_MAX_STEPS * s->n;
	for (i = 0; i < s->m; i++) {
		turn = (uint32_t)s->order[i];
		if (turn & 1 ? !chains_leave(s, turn) : !chains_enter(s, turn))
			return false;
	}
	return true;
}

/* What is needed for each turn. */
static int turns_alloc(struct sweep *s)
{
	s->order = talloc_array(s->at, uint64_t, 2 * (size_t)s->m);
	s->chains = talloc_array(s->at, struct chain, (size_t)s->m + 1);
	return s->order && s->chains ? 0 : -ENOMEM;
}

static int prove(struct sweep *s, uint64_t span)
{
	if (!turns_find(s))
		return 0;
	if (turns_alloc(s) < 0)
		return -ENOMEM;
	order_fill(s, span);
	if (s->m > FEW)
		sort_digits(s, s->order + s->m);
	return sort_rest(s) && sweep_run(s);
}

int ring_simple(void *ctx, const struct geo_ring *ring)
{
	struct sweep s = { .n = ring->n };
	uint64_t span;
	size_t least = least_vertex(ring, &span);
	int rc = -ENOMEM;

	if (span >= 1ULL << 31)
		return 0;
	s.at = talloc_array(ctx, uint64_t, (size_t)s.n + 1);
	s.turns = talloc_array(s.at, uint32_t, (size_t)s.n + 1);
	if (s.at && s.turns) {
		vertices_fill(&s, ring, least);
		rc = prove(&s, span);
	}
	talloc_free(s.at);
	return rc;
}
