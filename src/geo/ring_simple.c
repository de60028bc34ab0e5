/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A plane sweep after Shamos and Hoey, from left to right (from bottom to top where that is
 * equal), that gives up as soon as anything is out of the ordinary. So it needs none of what makes
 * ring_check() slow: every vertex is one event, and the edges under the sweep line stand in a plain
 * array from bottom to top, in which a search is short and a move cheap while they are few.
 *
 * The invariant: left of the sweep line no two edges meet, the array is strictly ordered, and each
 * pair of neighbours in it stays in order until the first of the two ends. Before two edges can
 * meet they are neighbours, and the end of the one or a point beyond the meeting shows it. */

#include "ring_simple.h"

#include <errno.h>
#include <string.h>

#include <talloc.h>

/* The radix sort looks at so much of the longitude that most vertices differ there; what it cannot
 * tell apart is put in order one by one. */
#define MAX_DIGITS 3
#define DIGIT_BITS 8
#define DIGIT_MAX ((1 << DIGIT_BITS) - 1)
/* So few are quicker put in order one by one. */
#define FEW 32
#define MAX_MOVES 16	/* per vertex */

struct sweep {
	uint32_t n;
	uint64_t *at;		/* vertex: longitude << 32 | latitude, both from the ring's least; the
				 * first one is repeated at the end */
	uint64_t *order;	/* vertices in sweep order: digits << 32 | vertex */
	unsigned int digits;
	uint32_t *active;	/* edges under the sweep line; edge i runs from vertex i to i + 1 */
	uint32_t n_active;
};

/* \returns the least longitude, and the span. */
static int64_t lon_range(const struct geo_ring *ring, uint64_t *span)
{
	int64_t low = ring->lon[0], high = low;
	size_t i;

	for (i = 1; i < ring->n; i++) {
		low = ring->lon[i] < low ? ring->lon[i] : low;
		high = ring->lon[i] > high ? ring->lon[i] : high;
	}
	*span = high - low;
	return low;
}

static void vertices_fill(struct sweep *s, const struct geo_ring *ring, int64_t low, uint64_t span)
{
	unsigned int shift = 0;
	uint32_t i;

	s->digits = s->n < 256 ? 1 : s->n < 16384 ? 2 : MAX_DIGITS;
	while (span >> shift >> (s->digits * DIGIT_BITS))
		shift++;
	for (i = 0; i < s->n; i++) {
		uint64_t x = ring->lon[i] - low, y = ring->lat[i] + 90LL * GEO_DEGREE;

		s->at[i] = x << 32 | y;
		s->order[i] = x >> shift << 32 | i;
	}
	s->at[s->n] = s->at[0];
}

/* ---- sorting ----------------------------------------------------------------------------- */

static void sort_digits(struct sweep *s, uint64_t *other)
{
	unsigned int d, shift;
	uint64_t *swap;

	for (d = 0; d < s->digits; d++) {
		uint32_t counts[DIGIT_MAX + 1] = { 0 }, i, sum, c;

		shift = 32 + d * DIGIT_BITS;
		for (i = 0; i < s->n; i++)
			counts[s->order[i] >> shift & DIGIT_MAX]++;
		for (i = 0, sum = 0; i <= DIGIT_MAX; i++) {
			c = counts[i];
			counts[i] = sum;
			sum += c;
		}
		for (i = 0; i < s->n; i++)
			other[counts[s->order[i] >> shift & DIGIT_MAX]++] = s->order[i];
		swap = s->order;
		s->order = other;
		other = swap;
	}
}

/* \returns false if two vertices are in one place, or if too many were out of order. */
static bool sort_rest(struct sweep *s)
{
	uint64_t *order = s->order, moves = 0, v;
	uint32_t i, j;

	for (i = 1; i < s->n; i++) {
		v = order[i];
		for (j = i; j && s->at[(uint32_t)order[j - 1]] > s->at[(uint32_t)v]; j--)
			order[j] = order[j - 1];
		order[j] = v;
		moves += i - j;
		if ((j && s->at[(uint32_t)order[j - 1]] == s->at[(uint32_t)v]) ||
		    moves > (uint64_t)MAX_MOVES * s->n)
			return false;
	}
	return true;
}

/* ---- sweeping ---------------------------------------------------------------------------- */

/* 1 if a vertex lies above the line through an edge, 0 on it, -1 below. Longitudes span less than
 * 2^31 and latitudes less than 2^31, so that the difference of the products fits. */
static int side(const struct sweep *s, uint32_t edge, uint64_t v)
{
	uint64_t a = s->at[edge], b = s->at[edge + 1], lo = a < b ? a : b, hi = a < b ? b : a;
	int64_t x = lo >> 32, y = (uint32_t)lo;
	int64_t d = ((int64_t)(hi >> 32) - x) * ((int64_t)(uint32_t)v - y) -
		    ((int64_t)(uint32_t)hi - y) * ((int64_t)(v >> 32) - x);

	return (d > 0) - (d < 0);
}

/* How many edges lie below a vertex, wholly. */
static uint32_t count_below(const struct sweep *s, uint64_t v)
{
	uint32_t low = 0, n = s->n_active, half;

	while (n) {
		half = n / 2;
		if (side(s, s->active[low + half], v) > 0) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low;
}

static uint64_t right_end(const struct sweep *s, uint32_t edge)
{
	uint64_t a = s->at[edge], b = s->at[edge + 1];

	return a > b ? a : b;
}

/* Do the edges in places i - 1 and i stay in order until one of them ends? */
static bool pair_stays(const struct sweep *s, uint32_t i)
{
	uint64_t lower, upper;

	if (!i || i >= s->n_active)
		return true;
	lower = right_end(s, s->active[i - 1]);
	upper = right_end(s, s->active[i]);
	/* No two vertices are in one place, so these edges are neighbours in the ring. */
	if (lower == upper)
		return true;
	return lower < upper ? side(s, s->active[i], lower) < 0 :
			       side(s, s->active[i - 1], upper) > 0;
}

/* Both edges of a vertex begin there. */
static bool edges_enter(struct sweep *s, uint32_t vertex, uint32_t before)
{
	uint64_t v = s->at[vertex];
	uint32_t i = count_below(s, v);
	/* Seen from v, which is the left end of both. */
	int order = side(s, before, s->at[vertex + 1]);

	if (!order || s->n_active + 2 > RING_SIMPLE_MAX_ACTIVE ||
	    (i < s->n_active && !side(s, s->active[i], v)))
		return false;
	memmove(&s->active[i + 2], &s->active[i], (s->n_active - i) * sizeof(*s->active));
	s->n_active += 2;
	s->active[i] = order > 0 ? before : vertex;
	s->active[i + 1] = order > 0 ? vertex : before;
	return pair_stays(s, i) && pair_stays(s, i + 2);
}

/* Both edges of a vertex end there. */
static bool edges_leave(struct sweep *s, uint32_t vertex, uint32_t before)
{
	uint32_t i = count_below(s, s->at[vertex]);
	const uint32_t *e = &s->active[i];

	if (i + 2 > s->n_active || !((e[0] == vertex && e[1] == before) ||
				     (e[0] == before && e[1] == vertex)))
		return false;
	s->n_active -= 2;
	memmove(&s->active[i], &s->active[i + 2], (s->n_active - i) * sizeof(*s->active));
	return pair_stays(s, i);
}

/* One edge ends at a vertex and the other one goes on. */
static bool edge_follows(struct sweep *s, uint32_t vertex, uint32_t ends, uint32_t begins)
{
	uint32_t i = count_below(s, s->at[vertex]);

	if (i == s->n_active || s->active[i] != ends)
		return false;
	s->active[i] = begins;
	return pair_stays(s, i) && pair_stays(s, i + 1);
}

static bool vertex_pass(struct sweep *s, uint32_t vertex)
{
	uint32_t before = vertex ? vertex - 1 : s->n - 1;
	bool from_left = s->at[before] < s->at[vertex];
	bool to_left = s->at[vertex + 1] < s->at[vertex];

	if (from_left && to_left)
		return edges_leave(s, vertex, before);
	if (!from_left && !to_left)
		return edges_enter(s, vertex, before);
	return from_left ? edge_follows(s, vertex, before, vertex) :
			   edge_follows(s, vertex, vertex, before);
}

static bool sweep_run(struct sweep *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		if (!vertex_pass(s, (uint32_t)s->order[i]))
			return false;
	}
	return true;
}

int ring_simple(void *ctx, const struct geo_ring *ring)
{
	uint32_t room = ring->n + 2 < RING_SIMPLE_MAX_ACTIVE ? ring->n + 2 : RING_SIMPLE_MAX_ACTIVE;
	struct sweep s = { .n = ring->n };
	uint64_t span, *other;
	int64_t low = lon_range(ring, &span);
	int rc = -ENOMEM;

	if (span >= 1ULL << 31)
		return 0;
	s.at = talloc_array(ctx, uint64_t, 3 * (size_t)s.n + 1);
	s.active = talloc_array(ctx, uint32_t, room);
	if (!s.at || !s.active)
		goto out;
	s.order = s.at + s.n + 1;
	other = s.order + s.n;
	vertices_fill(&s, ring, low, span);
	if (s.n > FEW)
		sort_digits(&s, other);
	rc = sort_rest(&s) && sweep_run(&s);
out:
	talloc_free(s.at);
	talloc_free(s.active);
	return rc;
}
