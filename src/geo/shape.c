/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/geo/shape.h>

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/base/text.h>

#include "ring_check.h"
#include "ring_simple.h"

#define HALF_TURN (180LL * GEO_DEGREE)
#define USUAL_PAIR 16	/* octets of "latitude,longitude " */
#define QUICK_DEGREES 16	/* octets that the quick way looks at, or more */
#define MAX_RADIUS_MM (20037LL * 1000 * 1000)	/* half the equator: the whole earth */

/* Where a shape came from, for the problem. */
struct origin {
	const char *where;
	unsigned int line;
	struct problem *problem;
};

/* Dropped points make numbers and vertices differ, and a problem has to name the point as the
 * sender counts it, from 1. */
struct draft_point {
	struct geo_point at;
	uint32_t number;
};

/* A ring while it is read. */
struct draft {
	const struct origin *origin;
	struct draft_point *points;
	size_t n, room;
	size_t max;		/* numbers that may be given, the repeated first one included */
	size_t number;		/* of the last point */
};

#define refuse(origin, code, ...) \
	problem_set((origin)->problem, PROBLEM_AREA_##code, (origin)->where, (origin)->line, \
		    __VA_ARGS__)

static int no_memory(const struct origin *origin)
{
	problem_set(origin->problem, PROBLEM_NO_MEMORY, origin->where, origin->line,
		    "there is no memory for the area");
	return -ENOMEM;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* The next run of characters that are no blanks. */
static bool word_next(const char **p, const char **word, size_t *len)
{
	*p = *word = skip_blanks(*p);
	while (**p && !is_blank(**p))
		(*p)++;
	*len = *p - *word;
	return *len > 0;
}

/* The quick way to read what nearly all numbers look like: no more than three digits, a point, and
 * one to seven digits. They are taken together with the point before them as eight octets, without
 * a step for each.
 * \param[in,out] p  QUICK_DEGREES octets; moved behind the number.
 * \returns false, *p where it was, for all others: text_decimal_next() knows what they are. */
static inline bool degrees_quick(const char **p, int64_t *degrees)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), each = UINT64_C(0xff000000ff);
	bool negative = **p == '-';
	const char *s = *p + negative;
	uint64_t v, other;
	int64_t whole = 0;
	unsigned int n;

	for (n = 0; n < 3 && *s >= '0' && *s <= '9'; n++)
		whole = whole * 10 + (*s++ - '0');
	memcpy(&v, s, sizeof(v));
	v = le64toh(v) ^ '0' * ones;	/* the point lowest */
	/* A top bit for each octet behind the point that is no digit. */
	other = (v | (v + 0x76 * ones)) & ones << 7 & ~UINT64_C(0xff);
	if (!n || (v & 0xff) != ('.' ^ '0') || (!other && s[8] >= '0' && s[8] <= '9'))
		return false;
	n = other ? __builtin_ctzll(other) / 8 : 8;
	if (n == 1)
		return false;
	/* Zeros for the point and behind the digits. */
	v = v & ~UINT64_C(0xff) & ~UINT64_C(0) >> (64 - 8 * n);
	v = v * 10 + (v >> 8);	/* pairs, in every other octet */
	v = ((v & each) * (100 + (UINT64_C(1000000) << 32)) +
	     (v >> 16 & each) * (1 + (UINT64_C(10000) << 32))) >> 32;
	whole = whole * GEO_DEGREE + (int64_t)v;
	*degrees = negative ? -whole : whole;
	*p = s + n;
	return true;
}

/* \returns false, *p where it was, for what point_next() has to look at. */
static inline bool point_quick(const char **p, const char *end, struct geo_point *point)
{
	const char *s = *p;
	int64_t lat, lon;

	if (end - s < 2 * QUICK_DEGREES || !degrees_quick(&s, &lat) || *s++ != ',' ||
	    !degrees_quick(&s, &lon) || !is_blank(*s) || lat < -HALF_TURN / 2 ||
	    lat > HALF_TURN / 2 || lon < -HALF_TURN || lon > HALF_TURN)
		return false;
	*point = (struct geo_point){ .lat = lat, .lon = lon };
	*p = s;
	return true;
}

/* "lat,lon" and a blank or the end behind it.
 * \param[in,out] p  moved behind it.
 * \returns 0, -EINVAL if it is no such pair, -ERANGE outside the earth. */
static int point_next(const char **p, const char *end, struct geo_point *point)
{
	int64_t lat, lon;
	int rc, rc2;

	rc = text_decimal_next(p, end, 7, &lat);
	if (rc == -EINVAL || *p == end || **p != ',')
		return -EINVAL;
	(*p)++;
	rc2 = text_decimal_next(p, end, 7, &lon);
	if (rc2 == -EINVAL || (*p < end && !is_blank(**p)))
		return -EINVAL;
	if (rc || rc2 || lat < -HALF_TURN / 2 || lat > HALF_TURN / 2 ||
	    lon < -HALF_TURN || lon > HALF_TURN)
		return -ERANGE;
	point->lat = lat;
	point->lon = lon;
	return 0;
}

/* Longitude from a to b the short way round: -180 to 180 degrees. */
static int64_t lon_step(int64_t a, int64_t b)
{
	int64_t d = b - a;

	if (d > HALF_TURN)
		d -= 2 * HALF_TURN;
	else if (d < -HALF_TURN)
		d += 2 * HALF_TURN;
	return d;
}

static bool same_place(const struct geo_point *a, const struct geo_point *b)
{
	return a->lat == b->lat && lon_step(a->lon, b->lon) == 0;
}

static int draft_add(struct draft *d, struct geo_point p)
{
	struct draft_point *points;

	if (d->n == d->room) {
		points = talloc_realloc(NULL, d->points, struct draft_point, 2 * d->room);
		if (!points)
			return no_memory(d->origin);
		d->points = points;
		d->room *= 2;
	}
	d->points[d->n++] = (struct draft_point){ p, d->number };
	return 0;
}

static int draft_add_text(struct draft *d, const char **text, const char *end)
{
	struct geo_point p, slow = { 0 };
	int rc = 0;

	/* The quick one stays in registers, as its address goes nowhere. */
	if (!point_quick(text, end, &p)) {
		rc = point_next(text, end, &slow);
		p = slow;
	}
	if (++d->number > d->max)
		return refuse(d->origin, TOO_COMPLEX, "a polygon may have %d points, the polygons "
			      "of an area %d together", GEO_MAX_VERTICES, GEO_MAX_AREA_VERTICES);
	if (rc == -ERANGE)
		return refuse(d->origin, POLYGON, "point %zu lies beyond latitude 90 or longitude "
			      "180; the order is latitude,longitude", d->number);
	if (rc)
		return refuse(d->origin, POLYGON,
			      "point %zu is not a pair of numbers \"latitude,longitude\"",
			      d->number);
	if (d->n && same_place(&d->points[d->n - 1].at, &p))
		return 0;
	return draft_add(d, p);
}

/* Read the points, leave out those that repeat their predecessor and the last one. */
static int draft_read(struct draft *d, const char *text)
{
	const char *end = text + strlen(text);
	int rc = 0;

	while (!rc && (text = skip_blanks(text)) < end)
		rc = draft_add_text(d, &text, end);
	if (rc)
		return rc;
	if (d->number < 4)
		return refuse(d->origin, POLYGON,
			      "a polygon needs at least 4 points, the last equal "
			      "to the first; this one has %zu",
			      d->number);
	if (!same_place(&d->points[0].at, &d->points[d->n - 1].at))
		return refuse(d->origin, POLYGON, "the ring is not closed: point %zu differs from "
			      "point 1", d->number);
	if (d->n > 1)
		d->n--;
	if (d->n < 3)
		return refuse(d->origin, POLYGON,
			      "a polygon needs 3 different points; this one has "
			      "%zu",
			      d->n);
	return 0;
}

/* Make longitudes continuous along the ring. A ring that does not come back to where it started
 * has gone round a pole, and which side of it is meant nobody can tell. */
static int ring_unroll(const struct draft *d, struct geo_ring *ring)
{
	int64_t lon = d->points[0].at.lon, low = lon, high = lon;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct geo_point *p = &d->points[i].at;
		const struct geo_point *next = &d->points[i + 1 < d->n ? i + 1 : 0].at;
		int64_t step = lon_step(p->lon, next->lon);

		ring->lat[i] = p->lat;
		ring->lon[i] = lon;
		low = lon < low ? lon : low;
		high = lon > high ? lon : high;
		if (high - low > 2 * HALF_TURN)
			return refuse(d->origin, POLYGON,
				      "by point %u the polygon has gone more than "
				      "once round the earth",
				      d->points[i].number);
		if (step == HALF_TURN || step == -HALF_TURN)
			return refuse(d->origin, POLYGON,
				      "the edge after point %u spans exactly 180 "
				      "degrees of longitude, so its direction is ambiguous; put a "
				      "point between",
				      d->points[i].number);
		lon += step;
	}
	if (lon != ring->lon[0])
		return refuse(d->origin, POLYGON, "the polygon goes round a pole, so its inside is "
			      "ambiguous; cut it into polygons that do not");
	return 0;
}

static bool ring_is_line(const struct geo_ring *r)
{
	int64_t dx = r->lon[1] - r->lon[0], dy = (int64_t)r->lat[1] - r->lat[0];
	size_t i;

	for (i = 2; i < r->n; i++) {
		if ((__int128)dx * ((int64_t)r->lat[i] - r->lat[0]) !=
		    (__int128)dy * (r->lon[i] - r->lon[0]))
			return false;
	}
	return true;
}

/* Sign of the area: 1 if the ring runs anticlockwise. */
static int ring_orientation(const struct geo_ring *r)
{
	__int128 sum = 0;
	size_t i, j;

	for (i = 0; i < r->n; i++) {
		j = i + 1 < r->n ? i + 1 : 0;
		sum += (__int128)(r->lon[i] - r->lon[0]) * r->lat[j] -
		       (__int128)(r->lon[j] - r->lon[0]) * r->lat[i];
	}
	return (sum > 0) - (sum < 0);
}

static int ring_refuse(const struct draft *d, const struct ring_fault *fault)
{
	uint32_t a = d->points[fault->a].number, b = d->points[fault->b].number;

	switch (fault->kind) {
	case RING_CROSSES:
		return refuse(d->origin, POLYGON,
			      "the polygon crosses itself: the edge after point %u "
			      "crosses the edge after point %u",
			      a, b);
	case RING_OVERLAPS:
		return refuse(d->origin, POLYGON,
			      "the polygon runs along itself: the edge after point "
			      "%u overlaps the edge after point %u",
			      a, b);
	case RING_TWISTS:
		break;
	}
	return refuse(d->origin, POLYGON,
		      "at point %u the polygon crosses itself or runs back along "
		      "itself",
		      a);
}

static int ring_validate(const struct draft *d, const struct geo_ring *ring)
{
	struct ring_fault fault;
	int rc = ring_simple(d->points, ring);

	if (rc == 1)
		return 0;
	if (rc < 0)
		return no_memory(d->origin);
	if (ring_is_line(ring))
		return refuse(d->origin, POLYGON,
			      "the polygon has no area: all points lie on one line");
	rc = ring_check(d->points, ring, ring_orientation(ring), &fault);
	if (rc == -ENOMEM)
		return no_memory(d->origin);
	return rc ? ring_refuse(d, &fault) : 0;
}

/* Room for one more element; the array doubles whenever its length reaches a power of two. */
static void *array_grow(void *ctx, void *array, size_t n, size_t size)
{
	if (array && (n & (n - 1)))
		return array;
	return talloc_realloc_size(ctx, array, size * (n ? 2 * n : 1));
}

static int area_check_limits(const struct geo_area *area, const struct origin *origin)
{
	if (area->n_rings + area->n_circles >= GEO_MAX_RINGS)
		return refuse(origin, TOO_COMPLEX, "an area may have %d polygons and circles",
			      GEO_MAX_RINGS);
	return 0;
}

static int ring_read(struct draft *d, const char *text, struct geo_ring *ring)
{
	int rc = draft_read(d, text);

	if (rc)
		return rc;
	ring->n = d->n;
	ring->lon = talloc_array(d->points, int64_t, ring->n);
	ring->lat = talloc_array(d->points, int32_t, ring->n);
	if (!ring->lon || !ring->lat)
		return no_memory(d->origin);
	rc = ring_unroll(d, ring);
	return rc ? rc : ring_validate(d, ring);
}

/* Room for a text of usual pairs; it grows if they are short. */
static size_t draft_room(const struct draft *d, const char *text)
{
	size_t n = strlen(text) / USUAL_PAIR + 4;

	return n < d->max ? n : d->max;
}

struct geo_area *geo_area_alloc(void *ctx)
{
	return talloc_zero(ctx, struct geo_area);
}

int geo_area_add_polygon(struct geo_area *area, const char *text, const char *where,
			 unsigned int line, struct problem *problem)
{
	const struct origin origin = { where, line, problem };
	size_t left = GEO_MAX_AREA_VERTICES - area->n_vertices;
	struct draft d = { .origin = &origin };
	struct geo_ring ring = { 0 }, *rings;
	int rc;

	rc = area_check_limits(area, &origin);
	if (rc)
		return rc;
	d.max = 1 + (left < GEO_MAX_VERTICES ? left : GEO_MAX_VERTICES);
	d.room = draft_room(&d, text);
	d.points = talloc_array(area, struct draft_point, d.room);
	rings = array_grow(area, area->rings, area->n_rings, sizeof(ring));
	if (rings)
		area->rings = rings;
	if (!d.points || !rings) {
		rc = no_memory(&origin);
		goto out;
	}
	rc = ring_read(&d, text, &ring);
	if (rc)
		goto out;
	talloc_steal(rings, ring.lon);
	talloc_steal(rings, ring.lat);
	rings[area->n_rings++] = ring;
	area->n_vertices += ring.n;
out:
	talloc_free(d.points);
	return rc;
}

static int circle_parse(const char *text, struct geo_circle *circle, const struct origin *origin)
{
	const char *centre, *radius, *rest;
	size_t centre_len, radius_len, rest_len;
	int64_t mm;
	int rc;

	if (!word_next(&text, &centre, &centre_len) || !word_next(&text, &radius, &radius_len) ||
	    word_next(&text, &rest, &rest_len))
		return refuse(origin, CIRCLE, "a circle is \"latitude,longitude radius\"");
	rc = point_next(&centre, centre + centre_len, &circle->centre);
	if (rc == -ERANGE)
		return refuse(origin, CIRCLE,
			      "the centre lies beyond latitude 90 or longitude 180; "
			      "the order is latitude,longitude");
	if (rc)
		return refuse(origin, CIRCLE,
			      "the centre is not a pair of numbers \"latitude,longitude\"");
	rc = text_decimal(radius, radius_len, 6, &mm);
	if (rc == -EINVAL)
		return refuse(origin, CIRCLE, "the radius is not a number of kilometres");
	if (rc || mm < 0 || mm > MAX_RADIUS_MM)
		return refuse(origin, CIRCLE, "the radius is not between 0 and 20037 kilometres");
	circle->radius_m = mm / 1000.0;
	return 0;
}

int geo_area_add_circle(struct geo_area *area, const char *text, const char *where,
			unsigned int line, struct problem *problem)
{
	const struct origin origin = { where, line, problem };
	struct geo_circle circle, *circles;
	int rc;

	rc = area_check_limits(area, &origin);
	if (!rc)
		rc = circle_parse(text, &circle, &origin);
	if (rc)
		return rc;
	circles = array_grow(area, area->circles, area->n_circles, sizeof(circle));
	if (!circles)
		return no_memory(&origin);
	circles[area->n_circles++] = circle;
	area->circles = circles;
	return 0;
}
