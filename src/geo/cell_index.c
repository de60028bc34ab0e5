/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The cells stand in columns, in the order of a Hilbert curve, in blocks of 64; a block and each
 * group of eight boxes above it has a box around its sites and the largest window of a footprint in
 * it. A search walks down from the root with the list of edges that come near the box, which gets
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
#include <string.h>
#include <time.h>

#include <talloc.h>

#include "footprint.h"

#define BLOCK 64		/* cells; bits of a mask */
#define FAN 8
#define MAX_LEVELS 12		/* 64 * 8^11 cells */
#define BUNCH 16	/* edges that follow one another */
#define LEAF_BUNCHES 4	/* that a border block looks at between two looks at the clock */
#define TURN (360LL * GEO_DEGREE)
#define RADIANS (M_PI / 180 / GEO_DEGREE)
#define ENDLESS 1e18		/* a span that holds everything; finite, so that 0 times it is 0 */

/* Radii of curvature of WGS 84: none is larger, and no parallel is longer than 2 pi times the
 * second one times the cosine of its latitude. */
#define MAX_RADIUS 6399594.0

struct box {
	int32_t lat0, lat1, lon0, lon1;		/* of the sites */
	struct footprint_window window;		/* the largest one inside */
	uint32_t range;				/* the largest one inside, metres */
};

struct cell_index {
	size_t n;
	int32_t *lat, *lon;
	uint32_t *range;
	uint16_t *azimuth, *beam;
	uint32_t *row, *place;			/* of a cell; and the reverse, by row */
	unsigned int levels;
	size_t n_boxes[MAX_LEVELS];
	struct box *boxes[MAX_LEVELS];		/* [0]: blocks, the last one: the root */
};

/* ---- building --------------------------------------------------------------------------- */

struct key {
	uint32_t curve, row;
};

/* Position on a Hilbert curve through a square of 65536 x 65536. */
static uint32_t hilbert(uint32_t x, uint32_t y)
{
	uint32_t d = 0, s, t;

	for (s = 1U << 15; s; s >>= 1) {
		uint32_t right = (x & s) > 0, up = (y & s) > 0;

		d += s * s * ((3 * right) ^ up);
		if (!up) {
			if (right) {
				x = 65535 - x;
				y = 65535 - y;
			}
			t = x;
			x = y;
			y = t;
		}
	}
	return d;
}

static struct box box_around(const struct geo_footprint *f, size_t n)
{
	struct box b = {
		.lat0 = INT32_MAX, .lat1 = INT32_MIN, .lon0 = INT32_MAX, .lon1 = INT32_MIN
	};
	size_t i;

	for (i = 0; i < n; i++) {
		b.lat0 = f[i].site.lat < b.lat0 ? f[i].site.lat : b.lat0;
		b.lat1 = f[i].site.lat > b.lat1 ? f[i].site.lat : b.lat1;
		b.lon0 = f[i].site.lon < b.lon0 ? f[i].site.lon : b.lon0;
		b.lon1 = f[i].site.lon > b.lon1 ? f[i].site.lon : b.lon1;
	}
	return b;
}

static void keys_make(const struct geo_footprint *f, size_t n, struct key *keys)
{
	struct box b = box_around(f, n);
	double scale_lat = 65535.0 / fmax(1, (double)b.lat1 - b.lat0);
	double scale_lon = 65535.0 / fmax(1, (double)b.lon1 - b.lon0);
	size_t i;

	for (i = 0; i < n; i++) {
		keys[i].curve = hilbert(((double)f[i].site.lon - b.lon0) * scale_lon,
					((double)f[i].site.lat - b.lat0) * scale_lat);
		keys[i].row = i;
	}
}

/* Stable radix sort, three passes of 11 bits. \returns the one of both arrays with the result. */
static struct key *keys_sort(struct key *keys, struct key *other, size_t n)
{
	size_t counts[2048], i, sum, c;
	unsigned int shift;
	struct key *swap;

	for (shift = 0; shift < 33; shift += 11) {
		memset(counts, 0, sizeof(counts));
		for (i = 0; i < n; i++)
			counts[(keys[i].curve >> shift) & 2047]++;
		for (i = 0, sum = 0; i < 2048; i++) {
			c = counts[i];
			counts[i] = sum;
			sum += c;
		}
		for (i = 0; i < n; i++)
			other[counts[(keys[i].curve >> shift) & 2047]++] = keys[i];
		swap = keys;
		keys = other;
		other = swap;
	}
	return keys;
}

static struct geo_footprint footprint_at(const struct cell_index *index, size_t i)
{
	return (struct geo_footprint){
		.site = { index->lat[i], index->lon[i] }, .range_m = index->range[i],
		.azimuth_deg = index->azimuth[i], .beam_deg = index->beam[i],
	};
}

static void columns_fill(struct cell_index *index, const struct geo_footprint *footprints,
			 const struct key *keys)
{
	size_t i;

	for (i = 0; i < index->n; i++) {
		const struct geo_footprint *f = &footprints[keys[i].row];

		index->lat[i] = f->site.lat;
		index->lon[i] = f->site.lon;
		index->range[i] = f->range_m;
		index->azimuth[i] = f->azimuth_deg;
		index->beam[i] = f->beam_deg;
		index->row[i] = keys[i].row;
		index->place[keys[i].row] = i;
	}
}

static void box_add(struct box *b, const struct box *other)
{
	b->lat0 = other->lat0 < b->lat0 ? other->lat0 : b->lat0;
	b->lat1 = other->lat1 > b->lat1 ? other->lat1 : b->lat1;
	b->lon0 = other->lon0 < b->lon0 ? other->lon0 : b->lon0;
	b->lon1 = other->lon1 > b->lon1 ? other->lon1 : b->lon1;
	b->window.lat = other->window.lat > b->window.lat ? other->window.lat : b->window.lat;
	b->window.lon = other->window.lon > b->window.lon ? other->window.lon : b->window.lon;
	b->range = other->range > b->range ? other->range : b->range;
}

static struct box box_of_cell(const struct cell_index *index, size_t i)
{
	struct geo_footprint f = footprint_at(index, i);
	struct box b = { f.site.lat, f.site.lat, f.site.lon, f.site.lon, { 0, 0 }, f.range_m };

	footprint_window(&f, &b.window);
	return b;
}

static void blocks_fill(struct cell_index *index)
{
	size_t i;

	for (i = 0; i < index->n; i++) {
		struct box *block = &index->boxes[0][i / BLOCK], b = box_of_cell(index, i);

		if (i % BLOCK == 0)
			*block = b;
		else
			box_add(block, &b);
	}
}

static void level_fill(struct cell_index *index, unsigned int level)
{
	const struct box *below = index->boxes[level - 1];
	size_t i;

	for (i = 0; i < index->n_boxes[level - 1]; i++) {
		struct box *b = &index->boxes[level][i / FAN];

		if (i % FAN == 0)
			*b = below[i];
		else
			box_add(b, &below[i]);
	}
}

static bool columns_alloc(struct cell_index *index)
{
	index->lat = talloc_array(index, int32_t, index->n);
	index->lon = talloc_array(index, int32_t, index->n);
	index->range = talloc_array(index, uint32_t, index->n);
	index->azimuth = talloc_array(index, uint16_t, index->n);
	index->beam = talloc_array(index, uint16_t, index->n);
	index->row = talloc_array(index, uint32_t, index->n);
	index->place = talloc_array(index, uint32_t, index->n);
	return index->lat && index->lon && index->range && index->azimuth && index->beam &&
	       index->row && index->place;
}

static bool boxes_alloc(struct cell_index *index)
{
	size_t n = (index->n + BLOCK - 1) / BLOCK;

	while (n) {
		unsigned int l = index->levels++;

		index->n_boxes[l] = n;
		index->boxes[l] = talloc_array(index, struct box, n);
		if (!index->boxes[l])
			return false;
		n = n > 1 ? (n + FAN - 1) / FAN : 0;
	}
	return true;
}

static bool index_fill(struct cell_index *index, const struct geo_footprint *footprints)
{
	struct key *keys = talloc_array(index, struct key, index->n);
	struct key *other = talloc_array(index, struct key, index->n);
	bool ok = keys && other;
	unsigned int level;

	if (ok) {
		keys_make(footprints, index->n, keys);
		columns_fill(index, footprints, keys_sort(keys, other, index->n));
		blocks_fill(index);
		for (level = 1; level < index->levels; level++)
			level_fill(index, level);
	}
	talloc_free(keys);
	talloc_free(other);
	return ok;
}

struct cell_index *cell_index_build(void *ctx, const struct geo_footprint *footprints, size_t n)
{
	struct cell_index *index;

	if (n > UINT32_MAX)
		return NULL;
	index = talloc_zero(ctx, struct cell_index);
	if (!index)
		return NULL;
	index->n = n;
	if (n && (!columns_alloc(index) || !boxes_alloc(index) || !index_fill(index, footprints))) {
		talloc_free(index);
		return NULL;
	}
	return index;
}

size_t cell_index_count(const struct cell_index *index)
{
	return index->n;
}

struct geo_footprint cell_index_footprint(const struct cell_index *index, uint32_t row)
{
	return footprint_at(index, index->place[row]);
}

/* ---- searching: state ------------------------------------------------------------------- */

/* Two cells at a time: every machine has this, and one need not hope for the optimizer. A
 * comparison gives -1 (all bits) for true. */
#define LANES 2
typedef double reals __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t truths __attribute__((vector_size(LANES * sizeof(int64_t))));

/* Edges BUNCH * i and following of a ring: which of them are meant. */
struct bunch {
	uint32_t i, edges;
};

/* A box in the ring's turn, as centre and half spans. */
struct rect {
	double lon, lat, half_lon, half_lat;
};

/* Around all edges of a bunch. */
struct bunch_box {
	struct rect rect;
	double radius;		/* metres from its middle that hold them */
};

/* Siblings still to be visited, and what is known about the box they are in. */
struct group {
	unsigned int level;
	size_t next, end;
	struct bunch *near; /* what of the ring comes near the box; behind it is room */
	size_t n_near;
	int64_t lon, lat;		/* a point of the box, in the ring's turn */
	bool inside;			/* whether the ring encloses that point */
};

/* A block at the border of the area, while its cells are looked at one by one. */
struct leaf {
	bool busy;
	bool sided;			/* the edges have been counted, inside is known */
	size_t first;			/* cell */
	unsigned int n;
	const struct bunch *near;
	size_t n_near, next;
	uint32_t range;			/* the largest one of its cells */
	int64_t lon0, lat0;		/* the point whose side is known */
	struct rect sites;		/* the box around the cells' sites */
	uint64_t pending;		/* cells that no edge has met yet */
	uint64_t framed;		/* cells whose frame is ready */
	reals lat[BLOCK / LANES], lon[BLOCK / LANES];	/* in the ring's turn */
	reals reach_lat[BLOCK / LANES], reach_lon[BLOCK / LANES];
	truths inside[BLOCK / LANES];
	struct footprint_frame frames[BLOCK];
};

struct cell_search {
	const struct cell_index *index;
	const struct geo_area *area;
	size_t ring, circle;		/* the shape at work; rings first */
	int turn; /* -1, 0, 1: the ring is compared with cells moved by that much */
	bool walking;			/* the stack belongs to this shape and turn */
	unsigned int depth;
	struct group stack[MAX_LEVELS + 1];
	struct bunch *near;		/* room for the lists of all levels */
	struct bunch_box *boxes;	/* of the ring's bunches */
	struct leaf leaf;
	struct geod_geodesic earth;
	uint64_t *found;		/* a bit per row */
	uint32_t *rows;
	size_t n_rows;
};

static void found_set(struct cell_search *s, size_t cell)
{
	uint32_t row = s->index->row[cell];

	s->found[row / 64] |= 1ULL << (row % 64);
}

static bool found_get(const struct cell_search *s, size_t cell)
{
	uint32_t row = s->index->row[cell];

	return s->found[row / 64] >> (row % 64) & 1;
}

/* Cells of box i of a level. */
static size_t box_cells(const struct cell_index *index, unsigned int level, size_t i, size_t *first)
{
	size_t per_box = (size_t)BLOCK << (3 * level);

	*first = i * per_box;
	return index->n - *first < per_box ? index->n - *first : per_box;
}

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

/* ---- searching: rings ------------------------------------------------------------------- */

static struct rect rect_of(const struct box *b, int64_t shift, bool grown)
{
	struct rect r = {
		.lon = ((double)b->lon0 + b->lon1) / 2 + shift,
		.lat = ((double)b->lat0 + b->lat1) / 2,
		.half_lon = ((double)b->lon1 - b->lon0) / 2,
		.half_lat = ((double)b->lat1 - b->lat0) / 2,
	};

	if (grown) {
		/* One unit for the rounding of the windows. */
		r.half_lat += b->window.lat + 1.0;
		r.half_lon += b->window.lon == WINDOW_ALL_ROUND ? ENDLESS : b->window.lon + 1.0;
	}
	return r;
}

/* Separating axes: the sides of the box and the edge. May say yes to an edge a hair outside. */
static bool edge_near_rect(const struct footprint_edge *e, const struct rect *r)
{
	double dx = (e->lon2 - e->lon1) / 2.0, dy = ((int64_t)e->lat2 - e->lat1) / 2.0;
	double x = (e->lon1 + e->lon2) / 2.0 - r->lon;
	double y = ((int64_t)e->lat1 + e->lat2) / 2.0 - r->lat;

	if (fabs(x) > fabs(dx) + r->half_lon || fabs(y) > fabs(dy) + r->half_lat)
		return false;
	return fabs(dx * y - dy * x) <= fabs(dx) * r->half_lat + fabs(dy) * r->half_lon + 4096;
}

static struct footprint_edge bunch_edge(const struct cell_search *s, const struct bunch *b,
					uint32_t edges)
{
	return footprint_ring_edge(&s->area->rings[s->ring],
				   (size_t)b->i * BUNCH + __builtin_ctz(edges));
}

static bool rects_apart(const struct rect *a, const struct rect *b)
{
	return fabs(a->lon - b->lon) > a->half_lon + b->half_lon ||
	       fabs(a->lat - b->lat) > a->half_lat + b->half_lat;
}

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

/* True if an edge lies between two points in the sense of the way from one to the other, first
 * along the parallel and then along the meridian. Points count as moved a little up and by far
 * less to the right, here as in footprint_edge_left(). */
static bool edge_between(const struct footprint_edge *e, int64_t lon0, int64_t lat0, int64_t lon,
			 int64_t lat)
{
	bool crossed = false, corner;

	if ((e->lat1 > lat0) == (e->lat2 > lat0) && (e->lon1 > lon) == (e->lon2 > lon))
		return false;
	corner = footprint_edge_left(e, lon, lat0);
	if ((e->lat1 > lat0) != (e->lat2 > lat0))
		crossed ^= footprint_edge_left(e, lon0, lat0) != corner;
	if ((e->lon1 > lon) != (e->lon2 > lon))
		crossed ^= footprint_edge_left(e, lon, lat) != corner;
	return crossed;
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

static void leaf_start(struct cell_search *s, size_t block, const struct group *known)
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
		f = footprint_at(s->index, l->first + i);
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

static void leaf_work(struct cell_search *s)
{
	struct leaf *l = &s->leaf;
	unsigned int i;

	for (i = 0; i < LEAF_BUNCHES && l->next < l->n_near; i++) {
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

/* ---- searching: circles ----------------------------------------------------------------- */

static double degrees(double v)
{
	return v / GEO_DEGREE;
}

static void circle_test_block(struct cell_search *s, size_t block)
{
	const struct geo_circle *circle = &s->area->circles[s->circle];
	size_t first, i, n = box_cells(s->index, 0, block, &first);

	for (i = first; i < first + n; i++) {
		struct geo_footprint f = footprint_at(s->index, i);

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

/* ---- searching: the walk ---------------------------------------------------------------- */

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
