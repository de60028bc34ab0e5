/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A search walks down from the root with the list of edges that come near the box, which gets
 * shorter on the way; edges that follow one another are listed, and passed over, in bunches, so
 * that a ring of many short edges is hardly slower than one of few. Where no edge is near, the
 * whole box is inside or outside; which of the two is known for one corner of each box and is
 * carried from box to box by counting the edges between. So only blocks along the border look at
 * single cells, and those are decided by the predicate itself: the result equals brute force.
 *
 * The walk keeps its own stack, so that it can stop at any time and go on later. */

#include <tocsin/geo/cell_index.h>

#include <errno.h>
#include <math.h>
#include <time.h>

#include <talloc.h>

#include "cell_search.h"

/* Radii of curvature of WGS 84: none is larger, and no parallel is longer than 2 pi times the
 * second one times the cosine of its latitude. */
#define MAX_RADIUS 6399594.0

static void found_box(struct cell_search *s, unsigned int level, size_t i)
{
	size_t first, n = box_cells(s->index, level, i, &first);

	for (i = 0; i < n; i++)
		found_set(s, first + i);
}

static void group_push(struct cell_search *s, unsigned int level, size_t first, size_t end,
		       const struct group *known)
{
	struct group *g = &s->stack[s->depth++];

	*g = *known;
	g->level = level;
	g->next = first;
	g->end = end < s->index->n_boxes[level] ? end : s->index->n_boxes[level];
}

/* Distance from the middle of a box to its farthest point, metres, or more: along the meridian,
 * then along the parallel. */
static double ground_radius(int32_t lat0, int32_t lat1, double half_lon)
{
	double lat = lat0 > 0 ? lat0 : lat1 < 0 ? lat1 : 0;	/* nearest the equator */
	double high = ((double)lat1 - lat0) / 2;

	return 1.000001 * MAX_RADIUS * RADIANS * (high + half_lon * cos(lat * RADIANS)) + 0.001;
}

/*
 * Rings
 */

static bool rect_within(const struct rect *a, const struct rect *b)
{
	return fabs(a->lon - b->lon) + a->half_lon <= b->half_lon &&
	       fabs(a->lat - b->lat) + a->half_lat <= b->half_lat;
}

/* Those of a bunch's edges that come near a box. */
static uint32_t bunch_narrow(const struct cell_search *s, const struct bunch *b,
			     const struct rect *r)
{
	const struct rect *all = &s->boxes[b->i].rect;
	uint32_t near = 0, rest;

	if (rects_apart(all, r))
		return 0;
	if (rect_within(all, r))
		return b->edges;
	for (rest = b->edges; rest; rest &= rest - 1) {
		struct footprint_edge e = bunch_edge(s, b, rest);

		if (edge_near_rect(&e, r))
			near |= rest & -rest;
	}
	return near;
}

static size_t near_narrow(const struct cell_search *s, const struct group *g, const struct rect *r,
			  struct bunch *out)
{
	size_t i, n = 0;

	for (i = 0; i < g->n_near; i++) {
		out[n] = (struct bunch){ g->near[i].i, bunch_narrow(s, &g->near[i], r) };
		n += out[n].edges != 0;
	}
	return n;
}

/* Whether edge_between() is false for all that lies in a box. */
static bool box_beside_way(const struct rect *r, int64_t lat0, int64_t lon)
{
	return (r->lat - r->half_lat > lat0 || r->lat + r->half_lat <= lat0) &&
	       (r->lon - r->half_lon > lon || r->lon + r->half_lon <= lon);
}

/* The edges near the parent's box hold all that can lie between two of its points. */
static bool side_carry(const struct cell_search *s, const struct group *g, int64_t lon, int64_t lat)
{
	bool inside = g->inside;
	uint32_t rest;
	size_t i;

	for (i = 0; i < g->n_near; i++) {
		const struct bunch *b = &g->near[i];

		if (box_beside_way(&s->boxes[b->i].rect, g->lat, lon))
			continue;
		for (rest = b->edges; rest; rest &= rest - 1) {
			struct footprint_edge e = bunch_edge(s, b, rest);

			inside ^= edge_between(&e, g->lon, g->lat, lon, lat);
		}
	}
	return inside;
}

static void ring_visit(struct cell_search *s, struct group *g, size_t i)
{
	const struct box *b = &s->index->boxes[g->level][i];
	int64_t shift = s->turn * TURN;
	struct rect r = rect_of(b, shift, true);
	struct group known = { .lon = b->lon0 + shift, .lat = b->lat0 };

	known.inside = side_carry(s, g, known.lon, known.lat);
	known.near = g->near + g->n_near;
	known.n_near = near_narrow(s, g, &r, known.near);
	if (!known.n_near) {
		if (known.inside)
			found_box(s, g->level, i);
	} else if (g->level) {
		group_push(s, g->level - 1, i * FAN, (i + 1) * FAN, &known);
	} else {
		leaf_start(s, i, &known);
	}
}

/* \param[in] first  of the edges; as many as a bunch has, or as the ring has left. */
static struct bunch bunch_make(const struct geo_ring *ring, size_t first, struct bunch_box *box)
{
	size_t n = ring->n - first < BUNCH ? ring->n - first : BUNCH, i;
	int64_t lon0 = ring->lon[first], lon1 = lon0;
	int32_t lat0 = ring->lat[first], lat1 = lat0;

	for (i = first; i < first + n; i++) {
		struct footprint_edge e = footprint_ring_edge(ring, i);

		lon0 = e.lon2 < lon0 ? e.lon2 : lon0;
		lon1 = e.lon2 > lon1 ? e.lon2 : lon1;
		lat0 = e.lat2 < lat0 ? e.lat2 : lat0;
		lat1 = e.lat2 > lat1 ? e.lat2 : lat1;
	}
	box->rect = (struct rect){ (lon0 + lon1) / 2.0, ((int64_t)lat0 + lat1) / 2.0,
				   (lon1 - lon0) / 2.0, ((int64_t)lat1 - lat0) / 2.0 };
	box->radius = ground_radius(lat0, lat1, box->rect.half_lon);
	return (struct bunch){ first / BUNCH, (1U << n) - 1 };
}

/* The root is visited like any other box, from a point outside the tree's lists: all edges, and
 * the side of its own corner by the ray. */
static void ring_start(struct cell_search *s)
{
	const struct geo_ring *ring = &s->area->rings[s->ring];
	unsigned int top = s->index->levels - 1;
	const struct box *root = s->index->boxes[top];
	struct group known = { .lon = root->lon0 + s->turn * TURN, .lat = root->lat0 };
	struct rect r = rect_of(root, s->turn * TURN, true);
	bool near = false;
	size_t i;

	for (i = 0; i * BUNCH < ring->n; i++) {
		s->near[i] = bunch_make(ring, i * BUNCH, &s->boxes[i]);
		near |= fabs(s->boxes[i].rect.lon - r.lon) <= s->boxes[i].rect.half_lon + r.half_lon;
	}
	/* A ring that lies on both sides of the root has an edge across it. */
	if (!near)
		return;
	known.near = s->near;
	known.n_near = i;
	known.inside = footprint_ring_encloses(ring, known.lon, known.lat);
	group_push(s, top, 0, 1, &known);
}

/*
 * Circles
 */

static double degrees(double v)
{
	return v / GEO_DEGREE;
}

static void circle_test_block(struct cell_search *s, size_t block)
{
	const struct geo_circle *circle = &s->area->circles[s->circle];
	size_t first, i, n = box_cells(s->index, 0, block, &first);

	for (i = first; i < first + n; i++) {
		struct geo_footprint f = cell_at(s->index, i);

		if (!found_get(s, i) && footprint_meets_circle(&f, circle, &s->earth))
			found_set(s, i);
	}
}

static void circle_visit(struct cell_search *s, struct group *g, size_t i)
{
	const struct geo_circle *c = &s->area->circles[s->circle];
	const struct box *b = &s->index->boxes[g->level][i];
	double radius = ground_radius(b->lat0, b->lat1, ((double)b->lon1 - b->lon0) / 2), distance;
	struct group none = { 0 };

	geod_inverse(&s->earth, degrees(((double)b->lat0 + b->lat1) / 2),
		     degrees(((double)b->lon0 + b->lon1) / 2), degrees(c->centre.lat),
		     degrees(c->centre.lon), &distance, NULL, NULL);
	if (distance - radius > c->radius_m + b->range)
		return;
	if (distance + radius < c->radius_m)
		found_box(s, g->level, i);
	else if (g->level)
		group_push(s, g->level - 1, i * FAN, (i + 1) * FAN, &none);
	else
		circle_test_block(s, i);
}

static void circle_start(struct cell_search *s)
{
	struct group none = { 0 };

	group_push(s, s->index->levels - 1, 0, 1, &none);
}

/*
 * The walk
 */

/* The smallest piece of work. \returns false if there was none left. */
static bool search_work(struct cell_search *s)
{
	bool rings = s->ring < s->area->n_rings;
	struct group *g;

	if (!s->index->n || (!rings && s->circle == s->area->n_circles))
		return false;
	if (!s->walking) {
		s->walking = true;
		if (rings)
			ring_start(s);
		else
			circle_start(s);
		return true;
	}
	if (s->leaf.busy) {
		leaf_work(s);
		return true;
	}
	while (s->depth && s->stack[s->depth - 1].next == s->stack[s->depth - 1].end)
		s->depth--;
	if (s->depth) {
		g = &s->stack[s->depth - 1];
		if (rings)
			ring_visit(s, g, g->next++);
		else
			circle_visit(s, g, g->next++);
		return true;
	}
	s->walking = false;
	if (!rings) {
		s->circle++;
	} else if (++s->turn > 1) {
		s->turn = -1;
		s->ring++;
	}
	return true;
}

static int rows_make(struct cell_search *s)
{
	size_t words = (s->index->n + 63) / 64, i, n = 0;
	uint64_t w;

	for (i = 0; i < words; i++)
		n += __builtin_popcountll(s->found[i]);
	s->rows = talloc_array(s, uint32_t, n + 1);
	if (!s->rows)
		return -ENOMEM;
	for (i = 0, n = 0; i < words; i++) {
		for (w = s->found[i]; w; w &= w - 1)
			s->rows[n++] = i * 64 + __builtin_ctzll(w);
	}
	s->n_rows = n;
	return 1;
}

struct cell_search *cell_search_alloc(void *ctx, const struct cell_index *index,
				      const struct geo_area *area)
{
	struct cell_search *s = talloc_zero(ctx, struct cell_search);
	size_t i, longest = 0, n_bunches;

	if (!s)
		return NULL;
	s->index = index;
	s->area = area;
	s->turn = -1;
	footprint_earth_init(&s->earth);
	for (i = 0; i < area->n_rings; i++)
		longest = area->rings[i].n > longest ? area->rings[i].n : longest;
	n_bunches = longest / BUNCH + 1;
	/* One list for the whole ring and one for each level, each no longer than the one above. */
	s->near = talloc_array(s, struct bunch, n_bunches * (index->levels + 1) + 1);
	s->boxes = talloc_array(s, struct bunch_box, n_bunches);
	s->found = talloc_zero_array(s, uint64_t, index->n / 64 + 1);
	if (!s->near || !s->boxes || !s->found) {
		talloc_free(s);
		return NULL;
	}
	return s;
}

static int64_t now_ns(void)
{
	struct timespec t;

	/* The machine's own clock: a budget is for the loop's sake, not part of any result, and
	 * must not follow a test's override. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int cell_search_step(struct cell_search *s, unsigned int budget_us)
{
	int64_t end = now_ns() + budget_us * 1000LL;

	if (s->rows)
		return 1;
	while (search_work(s)) {
		if (now_ns() >= end)
			return 0;
	}
	return rows_make(s);
}

const uint32_t *cell_search_rows(const struct cell_search *s, size_t *n)
{
	*n = s->n_rows;
	return s->rows;
}
