/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/geo/shape.h>

struct shape_case {
	const char *name;
	const char *text;
	const char *refusal;	/* part of the sentence; NULL = accepted */
	size_t n;		/* vertices if accepted */
};

static const struct shape_case polygons[] = {
	{ "a triangle is accepted", "1,1 1,2 2,1 1,1", NULL, 3 },
	{ "its orientation does not matter", "1,1 2,1 1,2 1,1", NULL, 3 },
	{ "blanks, tabs and new lines separate points", "\n 1,1\t1,2\r\n2,1   1,1 \n", NULL, 3 },
	{ "signs and missing digits are numbers", "-.5,+1. -.5,2 2,1 -.5,1", NULL, 3 },
	{ "a point that repeats its predecessor is dropped", "1,1 1,1 1,2 1,2 2,1 1,1 1,1", NULL,
	  3 },
	{ "points on a straight edge are kept", "0,0 0,1 0,2 2,2 0,0", NULL, 4 },
	{ "a ring over the antimeridian is accepted", "-17,179 -17,-179 -18,-179 -18,179 -17,179",
	  NULL, 4 },
	{ "-180 and 180 are the same longitude", "1,180 1,179 2,179 1,-180", NULL, 3 },
	{ "a band round the earth with a seam is accepted",
	  "60,-180 60,-60 60,60 60,180 70,180 70,60 70,-60 70,-180 60,-180", NULL, 8 },
	{ "a vertex may be a pole", "90,0 80,0 80,90 90,0", NULL, 3 },
	{ "a vertex may touch another vertex", "0,0 2,2 0,4 2,4 2,2 2,0 0,0", NULL, 6 },
	{ "a vertex may touch an edge", "0,0 0,4 4,4 0,2 4,0 0,0", NULL, 5 },
	{ "a hole may be cut with an edge and its way back",
	  "0,0 0,9 9,9 9,0 3,3 6,3 6,6 3,6 3,3 9,0 0,0", NULL, 10 },
	{ "a hole that hangs on a vertex is accepted", "0,0 0,9 9,9 9,0 0,0 1,4 2,4 1,5 0,0", NULL,
	  8 },
	{ "a slit to the inside is accepted", "0,0 0,4 4,4 2,2 4,4 4,0 0,0", NULL, 6 },

	{ "no text is no polygon", "", "needs at least 4 points", 0 },
	{ "blanks are no polygon", " \n\t", "needs at least 4 points", 0 },
	{ "three pairs are too few", "1,1 1,2 1,1", "this one has 3", 0 },
	{ "an open ring is refused", "1,1 1,2 2,2 2,1", "point 4 differs from point 1", 0 },
	{ "two different points are no polygon", "1,1 1,2 1,2 1,1", "this one has 2", 0 },
	{ "one point four times is no polygon", "1,1 1,1 1,1 1,1", "this one has 1", 0 },
	{ "text among the points is refused", "1,1 1,2 north 1,1", "point 3 is not a pair", 0 },
	{ "a pair without comma is refused", "1,1 1 2,1 1,1", "point 2 is not a pair", 0 },
	{ "a blank after the comma is refused", "1,1 1, 2 2,1 1,1", "point 2 is not a pair", 0 },
	{ "three numbers are no pair", "1,1 1,2,3 2,1 1,1", "point 2 is not a pair", 0 },
	{ "an exponent is no number", "1,1 1e0,2 2,1 1,1", "point 2 is not a pair", 0 },
	{ "a decimal comma gives itself away", "1,5,1,5 1,1 1,2 1,5,1,5", "point 1 is not", 0 },
	{ "latitude beyond 90 is refused", "1,1 90.0000001,2 2,1 1,1", "point 2 lies beyond", 0 },
	{ "longitude beyond 180 is refused", "1,-180.005 1,2 2,1 1,-180.005", "point 1 lies", 0 },
	{ "a number of any length is refused", "1,1 1,99999999999999999999999 2,1 1,1",
	  "point 2 lies", 0 },
	{ "points on one line have no area", "0,0 1,1 2,2 3,3 0,0", "all points lie on one line",
	  0 },
	{ "a star of spikes is refused", "0,0 1,1 0,0 1,-1 0,0 -1,0 0,0", "runs back along itself",
	  0 },
	{ "a spike to the outside is refused", "0,0 0,4 2,2 5,5 2,2 4,0 0,0", "at point", 0 },
	{ "a spike from the first corner is refused", "0,0 -9,-9 0,0 0,4 4,0 0,0", "runs back", 0 },
	{ "a bridge between two polygons is refused", "0,0 0,1 0,5 1,5 0,5 0,1 1,1 0,0", "at point",
	  0 },
	{ "a slit that leaves the ring is refused", "0,0 0,4 4,4 -1,2 4,4 4,0 0,0", "crosses", 0 },
	{ "a bow tie is refused", "0,0 2,2 2,0 0,2 0,0",
	  "the edge after point 1 crosses the edge after point 3", 0 },
	{ "a bow tie that crosses in a vertex is refused", "0,0 1,1 2,2 2,0 1,1 0,2 0,0",
	  "the polygon crosses itself or runs back", 0 },
	{ "a ring that crosses an edge in a vertex is refused", "0,0 0,4 4,4 0,2 -1,2 4,0 0,0",
	  "crosses itself", 0 },
	{ "a loop that winds the same way again is refused", "0,0 0,9 9,9 9,0 0,0 1,2 2,2 2,1 0,0",
	  "crosses itself", 0 },
	{ "a ring run through twice is refused", "0,0 0,2 2,0 0,0 0,2 2,0 0,0", "runs along itself",
	  0 },
	{ "edges that overlap in part are refused", "0,0 0,4 2,4 0,3 0,1 2,0 0,0",
	  "runs along itself", 0 },
	{ "a five-pointed star is refused", "0,3 5,1 2,5 2,0 5,4 0,3", "crosses", 0 },
	{ "an edge of 180 degrees is ambiguous", "1,0 1,180 2,90 1,0", "after point 1 spans", 0 },
	{ "a ring round a pole is refused", "80,0 80,90 80,179 80,-90 80,0", "goes round a pole",
	  0 },
	{ "a spiral round the earth is refused",
	  "1,0 1,120 2,-120 2,0 3,120 4,120 3,0 3,-120 2,119 2,0 1,0", "more than once round", 0 },
};

static void polygon_case(void **state)
{
	const struct shape_case *c = *state;
	struct geo_area *area = geo_area_alloc(NULL);
	struct problem p = { 0 };
	int rc = geo_area_add_polygon(area, c->text, "polygon[0]", 7, &p);

	if (c->refusal) {
		assert_int_equal(rc, -EINVAL);
		assert_int_equal(p.code, PROBLEM_AREA_POLYGON);
		assert_int_equal(p.line, 7);
		assert_string_equal(p.where, "polygon[0]");
		if (!strstr(p.detail, c->refusal))
			fail_msg("\"%s\" lacks \"%s\"", p.detail, c->refusal);
		assert_int_equal(area->n_rings, 0);
		assert_int_equal(area->n_vertices, 0);
	} else {
		if (rc)
			fail_msg("refused: %s", p.detail);
		assert_int_equal(area->n_rings, 1);
		assert_int_equal(area->rings[0].n, c->n);
		assert_int_equal(area->n_vertices, c->n);
	}
	talloc_free(area);
}

static const struct shape_case circles[] = {
	{ "a circle is accepted", "52.5,-4.25 10", NULL, 10000000 },
	{ "the radius may be 0", " 0,0\n0 ", NULL, 0 },
	{ "the radius has millimetres", "0,0 0.001234", NULL, 1234 },
	{ "the radius may be half the equator", "0,0 20037", NULL, 20037000000 },
	{ "a larger radius is refused", "0,0 20037.001", "between 0 and 20037", 0 },
	{ "a negative radius is refused", "0,0 -1", "between 0 and 20037", 0 },
	{ "a radius that is no number is refused", "0,0 ten", "not a number of kilometres", 0 },
	{ "a missing radius is refused", "0,0", "latitude,longitude radius", 0 },
	{ "a second radius is refused", "0,0 1 2", "latitude,longitude radius", 0 },
	{ "no text is no circle", "", "latitude,longitude radius", 0 },
	{ "a centre without comma is refused", "0 1", "not a pair", 0 },
	{ "a centre off the earth is refused", "91,0 1", "beyond latitude 90", 0 },
};

static void circle_case(void **state)
{
	const struct shape_case *c = *state;
	struct geo_area *area = geo_area_alloc(NULL);
	struct problem p = { 0 };
	int rc = geo_area_add_circle(area, c->text, "circle[1]", 3, &p);

	if (c->refusal) {
		assert_int_equal(rc, -EINVAL);
		assert_int_equal(p.code, PROBLEM_AREA_CIRCLE);
		if (!strstr(p.detail, c->refusal))
			fail_msg("\"%s\" lacks \"%s\"", p.detail, c->refusal);
		assert_int_equal(area->n_circles, 0);
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(area->n_circles, 1);
		assert_true(fabs(area->circles[0].radius_m - c->n / 1000.0) < 1e-6);
	}
	talloc_free(area);
}

static void longitudes_are_unrolled_over_the_antimeridian(void **state)
{
	static const int64_t lon[] = { 1790000000, 1810000000, 1810000000, 1790000000 };
	static const int32_t lat[] = { -170000000, -170000000, -180000000, -180000000 };
	struct geo_area *area = geo_area_alloc(NULL);

	(void)state;
	assert_int_equal(geo_area_add_polygon(area, "-17,179 -17,-179 -18,-179 -18,179 -17,179",
					      NULL, 0, NULL),
			 0);
	assert_memory_equal(area->rings[0].lon, lon, sizeof(lon));
	assert_memory_equal(area->rings[0].lat, lat, sizeof(lat));
	talloc_free(area);
}

static void digits_beyond_the_scale_are_rounded(void **state)
{
	struct geo_area *area = geo_area_alloc(NULL);

	(void)state;
	assert_int_equal(geo_area_add_circle(area, "-1.00000005,179.99999994999 1", NULL, 0, NULL),
			 0);
	assert_int_equal(area->circles[0].centre.lat, -10000001);
	assert_int_equal(area->circles[0].centre.lon, 1799999999);
	talloc_free(area);
}

static void an_area_holds_what_was_added_in_order(void **state)
{
	struct geo_area *area = geo_area_alloc(NULL);
	char text[100];
	int i;

	(void)state;
	for (i = 1; i < 100; i++) {
		snprintf(text, sizeof(text), "0,0 0,%d 1,0 0,0", i);
		assert_int_equal(geo_area_add_polygon(area, text, NULL, 0, NULL), 0);
		assert_int_equal(geo_area_add_polygon(area, "0,0", NULL, 0, NULL), -EINVAL);
		snprintf(text, sizeof(text), "0,0 %d", i);
		assert_int_equal(geo_area_add_circle(area, text, NULL, 0, NULL), 0);
	}
	assert_int_equal(area->n_rings, 99);
	assert_int_equal(area->n_circles, 99);
	assert_int_equal(area->n_vertices, 297);
	for (i = 1; i < 100; i++) {
		assert_int_equal(area->rings[i - 1].lon[1], i * 10000000LL);
		assert_true(fabs(area->circles[i - 1].radius_m - i * 1000.0) < 1e-6);
	}
	talloc_free(area);
}

/* A text of points that a test adds one by one. */
struct points {
	char *text;
	size_t len;
};

static void points_add(struct points *p, int64_t lat, int64_t lon)
{
	p->len += sprintf(p->text + p->len, "%s%lld.%07lld,%s%lld.%07lld ", lat < 0 ? "-" : "",
			  llabs(lat) / GEO_DEGREE, llabs(lat) % GEO_DEGREE, lon < 0 ? "-" : "",
			  llabs(lon) / GEO_DEGREE, llabs(lon) % GEO_DEGREE);
}

static struct points points_alloc(size_t n)
{
	return (struct points){ talloc_zero_size(NULL, n * 32 + 1), 0 };
}

static int polygon_add(const struct points *p, struct problem *problem)
{
	struct geo_area *area = geo_area_alloc(NULL);
	int rc = geo_area_add_polygon(area, p->text, "polygon", 0, problem);

	talloc_free(area);
	return rc;
}

/* Up and down across the whole height n times, then back along the bottom: every edge's box
 * overlaps thousands of others. */
static struct points zigzag(int n, bool cross)
{
	struct points p = points_alloc(n + 3);
	int i;

	for (i = 0; i < n; i++)
		points_add(&p, i % 2 ? 500000000 : 100000000, i * 1000);
	points_add(&p, 0, n * 1000);
	points_add(&p, cross ? 300000000 : 0, cross ? n * 500 : 0);
	points_add(&p, 100000000, 0);
	return p;
}

/* These would take hours if the check were quadratic. */
static void a_zigzag_of_100000_points_is_checked_in_bounded_time(void **state)
{
	struct problem problem;
	struct points p = zigzag(GEO_MAX_VERTICES - 2, false);

	(void)state;
	assert_int_equal(polygon_add(&p, &problem), 0);
	talloc_free(p.text);

	p = zigzag(GEO_MAX_VERTICES - 2, true);
	assert_int_equal(polygon_add(&p, &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_AREA_POLYGON);
	talloc_free(p.text);
}

static void a_fan_of_edges_that_meet_in_one_vertex_is_checked_in_bounded_time(void **state)
{
	struct points p = points_alloc(GEO_MAX_VERTICES + 1);
	struct problem problem;
	int i;

	(void)state;
	for (i = 0; i < GEO_MAX_VERTICES / 3; i++) {
		points_add(&p, 0, 0);
		points_add(&p, 500000000, i * 2000);
		points_add(&p, 500000000, i * 2000 + 1000);
	}
	points_add(&p, 0, 0);
	assert_int_equal(polygon_add(&p, &problem), 0);
	talloc_free(p.text);
}

static void the_limits_hold(void **state)
{
	struct geo_area *area = geo_area_alloc(NULL);
	struct points p = zigzag(GEO_MAX_VERTICES - 1, false);
	struct problem problem;
	int i;

	(void)state;
	assert_int_equal(polygon_add(&p, &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_AREA_TOO_COMPLEX);
	talloc_free(p.text);

	for (i = 0; i < GEO_MAX_RINGS; i++)
		assert_int_equal(geo_area_add_polygon(area, "0,0 0,1 1,0 0,0", "", 0, &problem), 0);
	assert_int_equal(geo_area_add_polygon(area, "0,0 0,1 1,0 0,0", "", 0, &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_AREA_TOO_COMPLEX);
	assert_int_equal(geo_area_add_circle(area, "0,0 1", "", 0, &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_AREA_TOO_COMPLEX);
	talloc_free(area);

	area = geo_area_alloc(NULL);
	p = zigzag(GEO_MAX_VERTICES - 2, false);
	for (i = 0; i < GEO_MAX_AREA_VERTICES / GEO_MAX_VERTICES; i++)
		assert_int_equal(geo_area_add_polygon(area, p.text, "", 0, &problem), 0);
	assert_int_equal(geo_area_add_polygon(area, "0,0 0,1 1,0 0,0", "", 0, &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_AREA_TOO_COMPLEX);
	talloc_free(p.text);
	talloc_free(area);
}

/* ---- the sweep against the definition ------------------------------------------------- */

#define GRID 6

static uint64_t next_random(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct grid_ring {
	int n, x[12], y[12];
};

static int orient(const struct grid_ring *r, int a, int b, int c)
{
	int d = (r->x[b] - r->x[a]) * (r->y[c] - r->y[a]) -
		(r->y[b] - r->y[a]) * (r->x[c] - r->x[a]);

	return (d > 0) - (d < 0);
}

/* Proper crossing of two edges, by four orientations. */
static bool edges_cross(const struct grid_ring *r, int i, int j)
{
	int a = i, b = (i + 1) % r->n, c = j, d = (j + 1) % r->n;

	return orient(r, a, b, c) * orient(r, a, b, d) < 0 &&
	       orient(r, c, d, a) * orient(r, c, d, b) < 0;
}

/* Winding number of a point that lies on no edge's line. */
static int winding(const struct grid_ring *r, double x, double y)
{
	int i, w = 0;

	for (i = 0; i < r->n; i++) {
		int j = (i + 1) % r->n;
		double d =
			(r->x[j] - r->x[i]) * (y - r->y[i]) - (r->y[j] - r->y[i]) * (x - r->x[i]);

		if ((r->y[i] > y) != (r->y[j] > y))
			w += d > 0 ? r->y[j] > y : -(r->y[i] > y);
	}
	return w;
}

enum verdict { GOOD, BAD };

/* A way there and back with the outside on one side at some place. */
static bool spike(const struct grid_ring *r, int i, int j)
{
	int k = (i + 1) % r->n, l = (j + 1) % r->n, dx = r->x[k] - r->x[i], dy = r->y[k] - r->y[i];
	double t;

	if (r->x[i] != r->x[l] || r->y[i] != r->y[l] || r->x[k] != r->x[j] || r->y[k] != r->y[j])
		return false;
	for (t = 0.0417; t < 1; t += 0.0531) {
		if (!winding(r, r->x[i] + t * dx + 1e-6 * dy, r->y[i] + t * dy - 1e-6 * dx))
			return true;
	}
	return false;
}

/* Brute force: no crossing, no spike, and the winding number is only 0 and one other value of 1 or
 * -1. */
static enum verdict definition(const struct grid_ring *r)
{
	int i, j, w, low = 0, high = 0;

	for (i = 0; i < r->n; i++) {
		for (j = 0; j < i; j++) {
			if (edges_cross(r, i, j) || spike(r, i, j) || spike(r, j, i))
				return BAD;
		}
	}
	/* Lines through grid points come no nearer to these than 1/(137 * 8), but meet none. */
	for (i = 0; i < GRID * 40; i++) {
		for (j = 0; j < GRID * 40; j++) {
			w = winding(r, (i + 0.317) / 40, (j + 0.589) / 40);
			low = w < low ? w : low;
			high = w > high ? w : high;
		}
	}
	return high - low <= 1 ? GOOD : BAD;
}

static void the_check_agrees_with_the_definition_on_small_rings(void **state)
{
	uint64_t seed = 20261123;
	int round, i, good = 0, bad = 0;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct points p = points_alloc(16);
		struct grid_ring r = { .n = 3 + next_random(&seed) % 6 };
		struct problem problem = { 0 };
		uint64_t before = seed;
		int rc;

		for (i = 0; i < r.n; i++) {
			do {
				r.x[i] = next_random(&seed) % GRID;
				r.y[i] = next_random(&seed) % GRID;
			} while ((i && r.x[i] == r.x[i - 1] && r.y[i] == r.y[i - 1]) ||
				 (i == r.n - 1 && r.x[i] == r.x[0] && r.y[i] == r.y[0]));
			points_add(&p, r.y[i] * 10000000LL, r.x[i] * 10000000LL);
		}
		points_add(&p, r.y[0] * 10000000LL, r.x[0] * 10000000LL);
		rc = polygon_add(&p, &problem);
		if (rc == 0) {
			if (definition(&r) != GOOD)
				fail_msg("accepted (state %llu): %s", (unsigned long long)before,
					 p.text);
			good++;
		} else if (strstr(problem.detail, "crosses")) {
			if (definition(&r) != BAD)
				fail_msg("refused (state %llu): %s: %s", (unsigned long long)before,
					 p.text, problem.detail);
			bad++;
		}
		talloc_free(p.text);
	}
	assert_true(good > 300 && bad > 300);
}

/* A ring as senders write it, and the same one in numbers of such length that they are read digit by
 * digit. */
struct twins {
	char *text[2];
	struct geo_area *area[2];
	struct problem problem[2];
};

static void put_number(struct twins *t, uint64_t *state, char end)
{
	unsigned int whole = next_random(state) % (next_random(state) % 8 ? 80 : 1200);
	unsigned int digits = next_random(state) % 8;
	unsigned int part = next_random(state) % 10000000, i;
	const char *sign = next_random(state) % 2 ? "-" : "";
	char decimals[8];

	for (i = 7; i > digits; i--)
		part -= part % (unsigned int)pow(10, 8 - i);
	snprintf(decimals, sizeof(decimals), "%07u", part);
	t->text[0] = talloc_asprintf_append_buffer(t->text[0], "%s%u%s%.*s%c", sign, whole,
						   digits ? "." : "", digits, decimals, end);
	t->text[1] = talloc_asprintf_append_buffer(t->text[1], "%s%u.%s00000%c", sign, whole, decimals,
						   end);
}

static void make_twins(struct twins *t, uint64_t *state)
{
	char *first[2];
	int i;

	for (i = 0; i < 2; i++)
		t->text[i] = talloc_strdup(NULL, "");
	for (i = 0; i < 6; i++) {
		put_number(t, state, ',');
		put_number(t, state, ' ');
		if (i == 0) {
			first[0] = talloc_strdup(NULL, t->text[0]);
			first[1] = talloc_strdup(NULL, t->text[1]);
		}
	}
	for (i = 0; i < 2; i++) {
		t->text[i] = talloc_strdup_append_buffer(t->text[i], first[i]);
		talloc_free(first[i]);
	}
}

static void assert_same_ring(const struct geo_ring *a, const struct geo_ring *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->lon, b->lon, a->n * sizeof(*a->lon));
	assert_memory_equal(a->lat, b->lat, a->n * sizeof(*a->lat));
}

static void numbers_are_the_same_however_many_zeros_follow(void **state)
{
	unsigned int accepted = 0, round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		struct twins t = { .area = { geo_area_alloc(NULL), geo_area_alloc(NULL) } };
		uint64_t seed = round;
		int rc[2];

		make_twins(&t, &seed);
		for (i = 0; i < 2; i++)
			rc[i] = geo_area_add_polygon(t.area[i], t.text[i], "here", 1, &t.problem[i]);
		if (rc[0] != rc[1] || strcmp(t.problem[0].detail, t.problem[1].detail))
			fail_msg("seed %u: %s: %s; %s", round, t.text[0], t.problem[0].detail,
				 t.problem[1].detail);
		if (!rc[0])
			assert_same_ring(&t.area[0]->rings[0], &t.area[1]->rings[0]);
		accepted += !rc[0];
		for (i = 0; i < 2; i++) {
			talloc_free(t.text[i]);
			talloc_free(t.area[i]);
		}
	}
	assert_in_range(accepted, 500, 15000);
}

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	static const struct CMUnitTest rest[] = {
		cmocka_unit_test(longitudes_are_unrolled_over_the_antimeridian),
		cmocka_unit_test(digits_beyond_the_scale_are_rounded),
		cmocka_unit_test(numbers_are_the_same_however_many_zeros_follow),
		cmocka_unit_test(an_area_holds_what_was_added_in_order),
		cmocka_unit_test(a_zigzag_of_100000_points_is_checked_in_bounded_time),
		cmocka_unit_test(a_fan_of_edges_that_meet_in_one_vertex_is_checked_in_bounded_time),
		cmocka_unit_test(the_limits_hold),
		cmocka_unit_test(the_check_agrees_with_the_definition_on_small_rings),
	};
	struct CMUnitTest tests[LENGTH(polygons) + LENGTH(circles) + LENGTH(rest)];
	size_t i, n = 0;

	for (i = 0; i < LENGTH(polygons); i++)
		tests[n++] = (struct CMUnitTest){ polygons[i].name, polygon_case, NULL, NULL,
						  (void *)&polygons[i] };
	for (i = 0; i < LENGTH(circles); i++)
		tests[n++] = (struct CMUnitTest){ circles[i].name, circle_case, NULL, NULL,
						  (void *)&circles[i] };
	for (i = 0; i < LENGTH(rest); i++)
		tests[n++] = rest[i];
	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
