/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A search at work, shared by cell_search.c (the walk down the tree) and cell_leaf.c (the cells of
 *  a block at the border). What is counted a million times stands here, to be inlined. */

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell_tree.h"

#define BUNCH 16		/*!< edges that follow one another */
#define TURN (360LL * GEO_DEGREE)
#define RADIANS (M_PI / 180 / GEO_DEGREE)
#define ENDLESS 1e18		/*!< a span that holds everything; finite, so that 0 times it is 0 */

/*! Two cells at a time: every machine has this, and one need not hope for the optimizer. A
 *  comparison gives -1 (all bits) for true. */
#define LANES 2
typedef double reals __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t truths __attribute__((vector_size(LANES * sizeof(int64_t))));

/*! Edges BUNCH * i and following of a ring: which of them are meant. */
struct bunch {
	uint32_t i, edges;
};

/*! A box in the ring's turn, as centre and half spans. */
struct rect {
	double lon, lat, half_lon, half_lat;
};

/*! Around all edges of a bunch. */
struct bunch_box {
	struct rect rect;
	double radius;		/*!< metres from its middle that hold them */
};

/*! Siblings still to be visited, and what is known about the box they are in. */
struct group {
	unsigned int level;
	size_t next, end;
	struct bunch *near; /*!< what of the ring comes near the box; behind it is room */
	size_t n_near;
	int64_t lon, lat;		/*!< a point of the box, in the ring's turn */
	bool inside;			/*!< whether the ring encloses that point */
};

/*! A block at the border of the area, while its cells are looked at one by one. */
struct leaf {
	bool busy;
	bool sided;			/*!< the edges have been counted, inside is known */
	size_t first;			/*!< cell */
	unsigned int n;
	const struct bunch *near;
	size_t n_near, next;
	uint32_t range;			/*!< the largest one of its cells */
	int64_t lon0, lat0;		/*!< the point whose side is known */
	struct rect sites;		/*!< the box around the cells' sites */
	uint64_t pending;		/*!< cells that no edge has met yet */
	uint64_t framed;		/*!< cells whose frame is ready */
	reals lat[BLOCK / LANES], lon[BLOCK / LANES];	/*!< in the ring's turn */
	reals reach_lat[BLOCK / LANES], reach_lon[BLOCK / LANES];
	truths inside[BLOCK / LANES];
	struct footprint_frame frames[BLOCK];
};

struct cell_search {
	const struct cell_index *index;
	const struct geo_area *area;
	size_t ring, circle;		/*!< the shape at work; rings first */
	int turn; /*!< -1, 0, 1: the ring is compared with cells moved by that much */
	bool walking;			/*!< the stack belongs to this shape and turn */
	unsigned int depth;
	struct group stack[MAX_LEVELS + 1];
	struct bunch *near;		/*!< room for the lists of all levels */
	struct bunch_box *boxes;	/*!< of the ring's bunches */
	struct leaf leaf;
	struct geod_geodesic earth;
	uint64_t *found;		/*!< a bit per row */
	uint32_t *rows;
	size_t n_rows;
};

/*! Begin with a block that edges come near to. */
void leaf_start(struct cell_search *s, size_t block, const struct group *known);
/*! The smallest piece of work; leaf.busy tells whether there is more. */
void leaf_work(struct cell_search *s);

static inline void found_set(struct cell_search *s, size_t cell)
{
	uint32_t row = s->index->row[cell];

	s->found[row / 64] |= 1ULL << (row % 64);
}

static inline bool found_get(const struct cell_search *s, size_t cell)
{
	uint32_t row = s->index->row[cell];

	return s->found[row / 64] >> (row % 64) & 1;
}

static inline struct footprint_edge bunch_edge(const struct cell_search *s, const struct bunch *b,
					       uint32_t edges)
{
	return footprint_ring_edge(&s->area->rings[s->ring],
				   (size_t)b->i * BUNCH + __builtin_ctz(edges));
}

static inline struct rect rect_of(const struct box *b, int64_t shift, bool grown)
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

static inline bool rects_apart(const struct rect *a, const struct rect *b)
{
	return fabs(a->lon - b->lon) > a->half_lon + b->half_lon ||
	       fabs(a->lat - b->lat) > a->half_lat + b->half_lat;
}

/*! Separating axes: the sides of the box and the edge. May say yes to an edge a hair outside. */
static inline bool edge_near_rect(const struct footprint_edge *e, const struct rect *r)
{
	double dx = (e->lon2 - e->lon1) / 2.0, dy = ((int64_t)e->lat2 - e->lat1) / 2.0;
	double x = (e->lon1 + e->lon2) / 2.0 - r->lon;
	double y = ((int64_t)e->lat1 + e->lat2) / 2.0 - r->lat;

	if (fabs(x) > fabs(dx) + r->half_lon || fabs(y) > fabs(dy) + r->half_lat)
		return false;
	return fabs(dx * y - dy * x) <= fabs(dx) * r->half_lat + fabs(dy) * r->half_lon + 4096;
}

/*! True if an edge lies between two points in the sense of the way from one to the other, first
 *  along the parallel and then along the meridian. Points count as moved a little up and by far
 *  less to the right, here as in footprint_edge_left(). */
static inline bool edge_between(const struct footprint_edge *e, int64_t lon0, int64_t lat0,
				int64_t lon, int64_t lat)
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
