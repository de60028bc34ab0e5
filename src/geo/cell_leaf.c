/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A block at the border: first the edges are counted that lie between a point whose side is known
 * and the site of each cell; then the cells that lie outside are tested against every edge that
 * comes near. All 64 cells go together, two at a time; where rounding could decide, one by one. */

#include <tocsin/geo/cell_index.h>

#include <math.h>

#include "cell_search.h"

#define BUNCHES_A_STEP 4	/* that are looked at between two looks at the clock */

void leaf_start(struct cell_search *s, size_t block, const struct group *known)
{
	const struct cell_index *index = s->index;
	const struct box *b = &index->boxes[0][block];
	double rim = fmax(fabs((double)b->lat0), fabs((double)b->lat1)) + b->window.lat;
	double stretch = footprint_stretch(rim);
	struct leaf *l = &s->leaf;
	unsigned int i;

	l->busy = true;
	l->sided = false;
	l->n = box_cells(index, 0, block, &l->first);
	l->near = known->near;
	l->n_near = known->n_near;
	l->next = 0;
	l->range = b->range;
	l->lon0 = known->lon;
	l->lat0 = known->lat;
	l->sites = rect_of(b, s->turn * TURN, false);
	l->framed = 0;
	for (i = 0; i < BLOCK; i++) {
		/* Places beyond the last cell repeat it and are never looked at. */
		size_t cell = l->first + (i < l->n ? i : l->n - 1);
		double reach = footprint_reach(index->range[cell]) + 1,
		       reach_lon = reach * stretch + 1;

		l->lat[i / LANES][i % LANES] = index->lat[cell];
		l->lon[i / LANES][i % LANES] = (double)index->lon[cell] + s->turn * TURN;
		l->reach_lat[i / LANES][i % LANES] = reach;
		l->reach_lon[i / LANES][i % LANES] =
			reach_lon < WINDOW_MAX_LON ? reach_lon : ENDLESS;
		l->inside[i / LANES][i % LANES] = -(int64_t)known->inside;
	}
}

static reals magnitude(reals v)
{
	return (reals)((truths)v & INT64_MAX);
}

static bool any(truths t)
{
	return t[0] | t[1];
}

static uint64_t mask_of(const truths *t)
{
	uint64_t mask = 0;
	unsigned int i;

	for (i = 0; i < BLOCK / LANES; i++)
		mask |= ((uint64_t)(t[i][0] & 1) | (uint64_t)(t[i][1] & 2)) << (LANES * i);
	return mask;
}

/* edge_between() for all cells of the block, in double arithmetic.
 * \returns false if a point is so near to the edge's line that rounding could decide. */
static bool leaf_sides(const struct leaf *l, const struct footprint_edge *e, truths *crossed)
{
	double x1 = e->lon1, x2 = e->lon2, y1 = e->lat1, dx = x2 - x1, dy = e->lat2 - y1;
	double level = dx * (l->lat0 - y1);
	int64_t along = -(int64_t)((e->lat1 > l->lat0) != (e->lat2 > l->lat0));
	int64_t start = -(int64_t)footprint_edge_left(e, l->lon0, l->lat0);
	truths doubt = { 0 };
	unsigned int i;

	for (i = 0; i < BLOCK / LANES; i++) {
		reals east = dy * (l->lon[i] - x1);
		reals c = level - east, d = dx * (l->lat[i] - y1) - east;
		truths corner = c > 0.0, end = d > 0.0;
		truths up = (l->lon[i] < x1) ^ (l->lon[i] < x2);

		crossed[i] = (along & (start ^ corner)) ^ (up & (corner ^ end));
		doubt |= (magnitude(c) <= 4096.0) | (magnitude(d) <= 4096.0);
	}
	return !any(doubt);
}

static void leaf_count_edge(struct leaf *l, const struct footprint_edge *e)
{
	truths crossed[BLOCK / LANES];
	unsigned int i;

	/* An edge beside the box lies between none of its points. */
	if (!edge_near_rect(e, &l->sites))
		return;
	if (!leaf_sides(l, e, crossed)) {
		for (i = 0; i < BLOCK; i++)
			crossed[i / LANES][i % LANES] = -(int64_t)edge_between(
				e, l->lon0, l->lat0, l->lon[i / LANES][i % LANES],
				l->lat[i / LANES][i % LANES]);
	}
	for (i = 0; i < BLOCK / LANES; i++)
		l->inside[i] ^= crossed[i];
}

/* Cells whose window an edge comes near to, as a mask: edge_near_rect() for all. */
static uint64_t leaf_near(const struct leaf *l, const struct footprint_edge *e)
{
	double dx = (e->lon2 - e->lon1) / 2.0, dy = ((int64_t)e->lat2 - e->lat1) / 2.0;
	double x = (e->lon1 + e->lon2) / 2.0, y = ((int64_t)e->lat1 + e->lat2) / 2.0;
	double ax = fabs(dx), ay = fabs(dy);
	truths near[BLOCK / LANES], some = { 0 };
	unsigned int i;

	for (i = 0; i < BLOCK / LANES; i++) {
		reals px = x - l->lon[i], py = y - l->lat[i];
		reals rx = l->reach_lon[i], ry = l->reach_lat[i];

		near[i] = (magnitude(px) <= ax + rx) & (magnitude(py) <= ay + ry) &
			  (magnitude(dx * py - dy * px) <= ax * ry + ay * rx + 4096.0);
		some |= near[i];
	}
	return any(some) ? mask_of(near) : 0;
}

static const struct footprint_frame *leaf_frame(struct cell_search *s, unsigned int i)
{
	struct leaf *l = &s->leaf;
	struct geo_footprint f;

	if (!(l->framed >> i & 1)) {
		f = cell_at(s->index, l->first + i);
		footprint_frame_init(&l->frames[i], &f);
		l->framed |= 1ULL << i;
	}
	return &l->frames[i];
}

static void leaf_test_edge(struct cell_search *s, const struct footprint_edge *e)
{
	struct leaf *l = &s->leaf;
	uint64_t mask = leaf_near(l, e) & l->pending;

	for (; mask; mask &= mask - 1) {
		unsigned int i = __builtin_ctzll(mask);

		if (footprint_meets_edge(leaf_frame(s, i), e)) {
			found_set(s, l->first + i);
			l->pending &= ~(1ULL << i);
		}
	}
}

static void leaf_count_bunch(struct cell_search *s, const struct bunch *b)
{
	uint32_t rest = rects_apart(&s->boxes[b->i].rect, &s->leaf.sites) ? 0 : b->edges;

	for (; rest; rest &= rest - 1) {
		struct footprint_edge e = bunch_edge(s, b, rest);

		leaf_count_edge(&s->leaf, &e);
	}
}

/* Cells whose window comes near to a box, as a mask. */
static uint64_t leaf_near_box(const struct leaf *l, const struct rect *box)
{
	truths near[BLOCK / LANES], some = { 0 };
	unsigned int i;

	for (i = 0; i < BLOCK / LANES; i++) {
		near[i] = (magnitude(box->lon - l->lon[i]) <= box->half_lon + l->reach_lon[i]) &
			  (magnitude(box->lat - l->lat[i]) <= box->half_lat + l->reach_lat[i]);
		some |= near[i];
	}
	return any(some) ? mask_of(near) : 0;
}

static bool cell_meets_bunch(struct cell_search *s, unsigned int i, const struct bunch *b)
{
	const struct footprint_frame *frame = leaf_frame(s, i);
	const struct bunch_box *box = &s->boxes[b->i];
	double dlat = box->rect.lat - s->leaf.lat[i / LANES][i % LANES];
	double dlon = box->rect.lon - s->leaf.lon[i / LANES][i % LANES];
	uint32_t rest;

	if (s->leaf.reach_lon[i / LANES][i % LANES] < ENDLESS &&
	    !footprint_near_disc(frame, dlat * RADIANS, dlon * RADIANS, box->radius))
		return false;
	for (rest = b->edges; rest; rest &= rest - 1) {
		struct footprint_edge e = bunch_edge(s, b, rest);

		if (footprint_meets_edge(frame, &e))
			return true;
	}
	return false;
}

/* Together only where the edges are short for the cells' ranges: else a disc around them says
 * little, and the edges themselves say more. */
static void leaf_test_bunch(struct cell_search *s, const struct bunch *b)
{
	const struct bunch_box *box = &s->boxes[b->i];
	struct leaf *l = &s->leaf;
	uint64_t mask;
	uint32_t rest;

	if (box->radius > FOOTPRINT_MAX_DISC || 2 * box->radius > l->range) {
		for (rest = b->edges; rest; rest &= rest - 1) {
			struct footprint_edge e = bunch_edge(s, b, rest);

			leaf_test_edge(s, &e);
		}
		return;
	}
	for (mask = leaf_near_box(l, &box->rect) & l->pending; mask; mask &= mask - 1) {
		unsigned int i = __builtin_ctzll(mask);

		if (cell_meets_bunch(s, i, b)) {
			found_set(s, l->first + i);
			l->pending &= ~(1ULL << i);
		}
	}
}

/* All edges are counted: cells inside are found, the others wait for an edge that meets them. */
static void leaf_settle_sides(struct cell_search *s)
{
	struct leaf *l = &s->leaf;
	unsigned int i;

	l->sided = true;
	l->next = 0;
	l->pending = 0;
	for (i = 0; i < l->n; i++) {
		if (l->inside[i / LANES][i % LANES])
			found_set(s, l->first + i);
		else if (!found_get(s, l->first + i))
			l->pending |= 1ULL << i;
	}
}

void leaf_work(struct cell_search *s)
{
	struct leaf *l = &s->leaf;
	unsigned int i;

	for (i = 0; i < BUNCHES_A_STEP && l->next < l->n_near; i++) {
		const struct bunch *b = &l->near[l->next++];

		if (l->sided)
			leaf_test_bunch(s, b);
		else
			leaf_count_bunch(s, b);
	}
	if (l->next == l->n_near && !l->sided)
		leaf_settle_sides(s);
	l->busy = !l->sided || (l->next < l->n_near && l->pending);
}
