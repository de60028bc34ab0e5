/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A plane sweep after Shamos and Hoey, from left to right (from bottom to top where that is
 * equal), with exact predicates. The status holds the edges under the sweep line from bottom to
 * top. While no two of them cross, each new pair of neighbours is tested once, which finds the
 * first crossing; and because every edge changes the winding number by one, the winding number
 * is 0, s, 0, s, ... from bottom to top exactly if the edges of the status run in alternating
 * directions and the lowest one always in the same. That second test finds what crosses in a
 * vertex or winds twice, without looking at angles. */

#include "ring_check.h"

#include <errno.h>
#include <stdlib.h>

#include <talloc.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/linuxrbtree.h>

struct point {
	int64_t x, y;
};

struct edge {
	struct point lo, hi;	/* lo before hi in sweep order */
	size_t index;		/* of its first vertex */
	int direction;		/* 1 if the ring runs from lo to hi, else -1 */
	bool active;		/* in the status */
	struct rb_node node;
};

struct sweep {
	const struct geo_ring *ring;
	struct edge *edges;
	struct edge **by_lo, **by_hi;
	struct rb_root status;
	struct edge **touched;	/* whose neighbours changed at this event */
	size_t n_touched;
	int orientation;	/* of the ring */
	int lowest;		/* direction of the lowest edge, 0 before the first */
	bool twisted;		/* the fault is known, unless a plainer one turns up */
	struct ring_fault *fault;
};

static int point_cmp(const struct point *a, const struct point *b)
{
	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	if (a->y != b->y)
		return a->y < b->y ? -1 : 1;
	return 0;
}

/* Sign of the area of (e->lo, e->hi, p): 1 if p lies above the edge. Differences have up to 34
 * bits, so the products need more than 64. */
static int side(const struct edge *e, const struct point *p)
{
	__int128 d = (__int128)(e->hi.x - e->lo.x) * (p->y - e->lo.y) -
		     (__int128)(e->hi.y - e->lo.y) * (p->x - e->lo.x);

	return (d > 0) - (d < 0);
}

static int fault_set(struct sweep *s, int kind, size_t a, size_t b)
{
	s->fault->kind = kind;
	s->fault->a = a;
	s->fault->b = b;
	return -EINVAL;
}

static int by_lo_cmp(const void *pa, const void *pb)
{
	const struct edge *a = *(struct edge *const *)pa, *b = *(struct edge *const *)pb;

	return point_cmp(&a->lo, &b->lo);
}

static int by_hi_cmp(const void *pa, const void *pb)
{
	const struct edge *a = *(struct edge *const *)pa, *b = *(struct edge *const *)pb;

	return point_cmp(&a->hi, &b->hi);
}

static void edges_fill(struct sweep *s)
{
	const struct geo_ring *r = s->ring;
	size_t i;

	for (i = 0; i < r->n; i++) {
		size_t j = i + 1 < r->n ? i + 1 : 0;
		struct point a = { r->lon[i], r->lat[i] }, b = { r->lon[j], r->lat[j] };
		bool forward = point_cmp(&a, &b) < 0;

		s->edges[i].lo = forward ? a : b;
		s->edges[i].hi = forward ? b : a;
		s->edges[i].direction = forward ? 1 : -1;
		s->edges[i].index = i;
		s->by_lo[i] = s->by_hi[i] = &s->edges[i];
	}
}

static struct edge *edge_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct edge, node) : NULL;
}

static void touch(struct sweep *s, struct edge *e)
{
	if (e)
		s->touched[s->n_touched++] = e;
}

/* An edge and its way back. */
static bool there_and_back(const struct edge *a, const struct edge *b)
{
	return a->direction != b->direction && !point_cmp(&a->lo, &b->lo) &&
	       !point_cmp(&a->hi, &b->hi);
}

/* Two neighbours of the status. A common point is fine, a crossing or a common stretch is not. */
static int pair_check(struct sweep *s, const struct edge *a, const struct edge *b)
{
	int al, ah, bl, bh;

	if (!a || !b || there_and_back(a, b))
		return 0;
	bl = side(a, &b->lo);
	bh = side(a, &b->hi);
	al = side(b, &a->lo);
	ah = side(b, &a->hi);
	if (bl * bh < 0 && al * ah < 0)
		return fault_set(s, RING_CROSSES, a->index, b->index);
	if (!bl && !bh && point_cmp(&a->lo, &b->hi) < 0 && point_cmp(&b->lo, &a->hi) < 0)
		return fault_set(s, RING_OVERLAPS, a->index, b->index);
	return 0;
}

static int edge_leave(struct sweep *s, struct edge *e)
{
	struct edge *below = edge_of(rb_prev(&e->node)), *above = edge_of(rb_next(&e->node));

	rb_erase(&e->node, &s->status);
	e->active = false;
	touch(s, below);
	touch(s, above);
	return pair_check(s, below, above);
}

static int edge_enter(struct sweep *s, struct edge *e)
{
	struct rb_node **link = &s->status.rb_node, *parent = NULL;
	int rc;

	while (*link) {
		struct edge *other = edge_of(*link);
		int where = side(other, &e->lo);

		/* It starts on the other edge: its far end decides. */
		if (!where)
			where = side(other, &e->hi);
		if (!where && !there_and_back(other, e))
			return fault_set(s, RING_OVERLAPS, other->index, e->index);
		/* The order that makes directions alternate if the two run inside the ring. */
		if (!where)
			where = e->direction == s->orientation ? 1 : -1;
		parent = *link;
		link = where < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&e->node, parent, link);
	rb_insert_color(&e->node, &s->status);
	e->active = true;
	touch(s, e);
	rc = pair_check(s, edge_of(rb_prev(&e->node)), e);
	return rc ? rc : pair_check(s, e, edge_of(rb_next(&e->node)));
}

static bool alternates(struct sweep *s, struct edge *e)
{
	struct edge *below = edge_of(rb_prev(&e->node)), *above = edge_of(rb_next(&e->node));

	if (!below && !s->lowest) {
		if (above && there_and_back(e, above))
			return false;
		s->lowest = e->direction;
	}
	if (below ? below->direction == e->direction : e->direction != s->lowest)
		return false;
	return !above || above->direction != e->direction;
}

/* A ring that is twisted here may cross itself further right, which says more to its author. */
static void touched_check(struct sweep *s, size_t vertex)
{
	size_t i;

	for (i = 0; i < s->n_touched && !s->twisted; i++) {
		if (s->touched[i]->active && !alternates(s, s->touched[i])) {
			s->twisted = true;
			fault_set(s, RING_TWISTS, vertex, vertex);
		}
	}
	s->n_touched = 0;
}

static size_t vertex_of(const struct sweep *s, const struct edge *e, bool lo)
{
	if (lo == (e->direction > 0))
		return e->index;
	return e->index + 1 < s->ring->n ? e->index + 1 : 0;
}

static int sweep_run(struct sweep *s)
{
	size_t in = 0, out = 0, vertex;
	struct point at;
	int rc = 0;

	while (out < s->ring->n && !rc) {
		bool enters =
			in < s->ring->n && point_cmp(&s->by_lo[in]->lo, &s->by_hi[out]->hi) < 0;

		at = enters ? s->by_lo[in]->lo : s->by_hi[out]->hi;
		vertex = vertex_of(s, enters ? s->by_lo[in] : s->by_hi[out], enters);
		while (!rc && out < s->ring->n && !point_cmp(&s->by_hi[out]->hi, &at))
			rc = edge_leave(s, s->by_hi[out++]);
		while (!rc && in < s->ring->n && !point_cmp(&s->by_lo[in]->lo, &at))
			rc = edge_enter(s, s->by_lo[in++]);
		if (!rc)
			touched_check(s, vertex);
	}
	return s->twisted ? -EINVAL : rc;
}

int ring_check(void *ctx, const struct geo_ring *ring, int orientation, struct ring_fault *fault)
{
	struct sweep s = { .ring = ring, .status = RB_ROOT, 
			   .orientation = orientation, .fault = fault };
	void *tmp = talloc_new(ctx);
	int rc = -ENOMEM;

	s.edges = talloc_zero_array(tmp, struct edge, ring->n);
	s.by_lo = talloc_array(tmp, struct edge *, ring->n);
	s.by_hi = talloc_array(tmp, struct edge *, ring->n);
	/* Every edge enters once and leaves once, with two neighbours. */
	s.touched = talloc_array(tmp, struct edge *, 3 * ring->n);
	if (!s.edges || !s.by_lo || !s.by_hi || !s.touched)
		goto out;
	edges_fill(&s);
	qsort(s.by_lo, ring->n, sizeof(*s.by_lo), by_lo_cmp);
	qsort(s.by_hi, ring->n, sizeof(*s.by_hi), by_hi_cmp);
	rc = sweep_run(&s);
out:
	talloc_free(tmp);
	return rc;
}
