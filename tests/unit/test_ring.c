/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The quick proof that a ring is simple, against the sweep that decides: what it proves, the sweep
 * must accept; and it must prove what is plainly simple, else it would be of no use. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "../../src/geo/ring_check.h"
#include "../../src/geo/ring_simple.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_N 3000

struct ring {
	struct geo_ring r;
	int64_t lon[GEO_MAX_VERTICES];
	int32_t lat[GEO_MAX_VERTICES];
};

static uint64_t next_random(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static double u01(uint64_t *s)
{
	return (next_random(s) >> 11) * 0x1p-53;
}

static struct ring *ring_alloc(void)
{
	struct ring *ring = talloc(NULL, struct ring);

	ring->r = (struct geo_ring){ ring->lon, ring->lat, 0 };
	return ring;
}

/* Leaves out what repeats its predecessor, as the reader of polygons does. */
static void ring_add(struct ring *ring, double lon, double lat)
{
	size_t n = ring->r.n;

	ring->lon[n] = llround(lon);
	ring->lat[n] = lround(lat);
	if (!n || ring->lon[n] != ring->lon[n - 1] || ring->lat[n] != ring->lat[n - 1])
		ring->r.n++;
}

static void ring_close(struct ring *ring)
{
	size_t n = ring->r.n;

	if (n > 1 && ring->lon[n - 1] == ring->lon[0] && ring->lat[n - 1] == ring->lat[0])
		ring->r.n--;
}

static int orientation(const struct geo_ring *r)
{
	__int128 sum = 0;
	size_t i, j;

	for (i = 0; i < r->n; i++) {
		j = (i + 1) % r->n;
		sum += (__int128)r->lon[i] * r->lat[j] - (__int128)r->lon[j] * r->lat[i];
	}
	return (sum > 0) - (sum < 0);
}

/* ---- kinds of rings -------------------------------------------------------------------- */

static void star(struct ring *ring, uint64_t *s, size_t n, double rough)
{
	double size = pow(10, 2 + 6 * u01(s)), lat = 1e8 * u01(s), lon = 3e9 * (u01(s) - 0.5);
	size_t i;

	for (i = 0; i < n; i++) {
		double a = 2 * M_PI * i / n, r = size * (1 + rough * (u01(s) - 0.5));

		ring_add(ring, lon + r * cos(a), lat + r * sin(a));
	}
}

static void smooth(struct ring *ring, uint64_t *s, size_t n)
{
	star(ring, s, n, 0.001);
}

static void jagged(struct ring *ring, uint64_t *s, size_t n)
{
	star(ring, s, n, 1);
}

/* Points anywhere: crosses itself unless it is a triangle or lucky. */
static void wild(struct ring *ring, uint64_t *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ring_add(ring, 1e9 * u01(s), 1e8 * u01(s));
}

/* Few places for many points: vertices on vertices and on edges. */
static void on_a_grid(struct ring *ring, uint64_t *s, size_t n)
{
	unsigned int side = 2 + next_random(s) % 9;
	size_t i;

	for (i = 0; i < 3 + n % 7; i++)
		ring_add(ring, next_random(s) % side, next_random(s) % side);
}

/* Nearly everything in one corner of the box. */
static void clustered(struct ring *ring, uint64_t *s, size_t n)
{
	star(ring, s, n, 0.9);
	ring_add(ring, ring->lon[ring->r.n - 1] + 5e8, ring->lat[ring->r.n - 1] + 1e3 * u01(s));
}

/* Up and down, so that the sweep line meets all edges at once, or none but two. */
static void zigzag(struct ring *ring, uint64_t *s, size_t n)
{
	bool upright = next_random(s) & 1;
	size_t i;

	for (i = 0; i < n; i++) {
		double along = 1000.0 * i, across = i % 2 ? 5e8 : 1e8;

		ring_add(ring, upright ? along : across, upright ? across : along);
	}
	ring_add(ring, upright ? 1000.0 * n : 0, upright ? 0 : 1000.0 * n);
	ring_add(ring, 0, 0);
}

/* A comb: every second edge upright, many vertices of one longitude. */
static void comb(struct ring *ring, uint64_t *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		double y = 1e6 + 1e6 * u01(s);

		ring_add(ring, 100.0 * i, y);
		ring_add(ring, 100.0 * i, 2e7);
		ring_add(ring, 100.0 * i + 50, 2e7);
		ring_add(ring, 100.0 * i + 50, y);
	}
	ring_add(ring, 100.0 * n, 0);
	ring_add(ring, 0, 0);
}

/* Round and round inwards, and back out between the turns. */
static void spiral(struct ring *ring, uint64_t *s, size_t n)
{
	double turns = 1 + 5 * u01(s);
	size_t i;

	for (i = 0; i < n; i++) {
		double t = i < n / 2 ? (double)i / n : (double)(n - i) / n, a = 4 * M_PI * turns * t;
		double r = 1e8 * (1 - 1.5 * t) + (i < n / 2 ? 0 : 3e7 / (2 * turns + 1));

		ring_add(ring, r * cos(a), r * sin(a));
	}
}

static const struct kind {
	const char *name;
	void (*make)(struct ring *ring, uint64_t *s, size_t n);
	unsigned int simple;	/* of a hundred rings, at least so many are proven simple */
	unsigned int refused;	/* and at least so many are refused by the sweep */
} kinds[] = {
	{ "smooth rings", smooth, 60, 0 },
	{ "jagged rings", jagged, 60, 0 },
	{ "clustered rings", clustered, 10, 0 },
	{ "combs", comb, 100, 0 },
	{ "zigzags", zigzag, 100, 0 },
	{ "spirals", spiral, 20, 0 },
	{ "wild rings", wild, 0, 80 },
	{ "rings on a grid", on_a_grid, 5, 30 },
};

/* Makes about every third of them wrong somewhere. */
static void spoil(struct ring *ring, uint64_t *s)
{
	struct geo_ring *r = &ring->r;
	size_t a = next_random(s) % r->n, b = next_random(s) % r->n;

	switch (next_random(s) % 9) {
	case 0:		/* one vertex on another */
		r->lon[a] = r->lon[b];
		r->lat[a] = r->lat[b];
		break;
	case 1:		/* near another edge, or on it */
		r->lon[a] = (r->lon[b] + r->lon[(b + 1) % r->n]) / 2;
		r->lat[a] = ((int64_t)r->lat[b] + r->lat[(b + 1) % r->n]) / 2;
		break;
	case 2:
		r->lon[a] += 1 + next_random(s) % 100000;
		break;
	}
}

static bool repeats(const struct geo_ring *r)
{
	size_t i, j;

	for (i = 0; i < r->n; i++) {
		j = (i + 1) % r->n;
		if (r->lon[i] == r->lon[j] && r->lat[i] == r->lat[j])
			return true;
	}
	return false;
}

static void what_is_proven_simple_is_accepted_by_the_sweep(void **state)
{
	const struct kind *kind = *state;
	unsigned int simple = 0, refused = 0, rounds = 400, round;

	for (round = 0; round < rounds; round++) {
		uint64_t seed = 1000003 * round + (kind - kinds), s = seed;
		struct ring *ring = ring_alloc();
		struct ring_fault fault;
		int quick, sweep;

		kind->make(ring, &s, 3 + next_random(&s) % (round % 8 ? 60 : MAX_N / 4));
		ring_close(ring);
		if (ring->r.n >= 3 && round % 2)
			spoil(ring, &s);
		if (ring->r.n >= 3 && !repeats(&ring->r)) {
			quick = ring_simple(NULL, &ring->r);
			sweep = ring_check(NULL, &ring->r, orientation(&ring->r), &fault);
			if (quick < 0 || (quick && sweep))
				fail_msg("%s, seed %llu: quick %d, sweep %d", kind->name,
					 (unsigned long long)seed, quick, sweep);
			simple += quick;
			refused += sweep != 0;
		}
		talloc_free(ring);
	}
	if (100 * simple < kind->simple * rounds / 2 || 100 * refused < kind->refused * rounds / 2)
		fail_msg("%s: %u proven, %u refused of %u", kind->name, simple, refused, rounds);
}

/* ---- small rings against the definition ------------------------------------------------- */

static int turn(const struct geo_ring *r, size_t a, size_t b, size_t c)
{
	int64_t d = (r->lon[b] - r->lon[a]) * ((int64_t)r->lat[c] - r->lat[a]) -
		    ((int64_t)r->lat[b] - r->lat[a]) * (r->lon[c] - r->lon[a]);

	return (d > 0) - (d < 0);
}

static bool between(int64_t v, int64_t a, int64_t b)
{
	return a < b ? a <= v && v <= b : b <= v && v <= a;
}

static bool holds(const struct geo_ring *r, size_t a, size_t b, size_t v)
{
	return !turn(r, a, b, v) && between(r->lon[v], r->lon[a], r->lon[b]) &&
	       between(r->lat[v], r->lat[a], r->lat[b]);
}

/* Do edges i and j share a point that they may not share? */
static bool edges_meet(const struct geo_ring *r, size_t i, size_t j)
{
	size_t a = i, b = (i + 1) % r->n, c = j, d = (j + 1) % r->n;

	if (b == c)
		return holds(r, a, b, d) || holds(r, c, d, a);
	if (d == a)
		return holds(r, c, d, b) || holds(r, a, b, c);
	return holds(r, a, b, c) || holds(r, a, b, d) || holds(r, c, d, a) || holds(r, c, d, b) ||
	       (turn(r, a, b, c) * turn(r, a, b, d) < 0 && turn(r, c, d, a) * turn(r, c, d, b) < 0);
}

static bool is_simple(const struct geo_ring *r)
{
	size_t i, j;

	for (i = 0; i < r->n; i++) {
		for (j = 0; j < i; j++) {
			if (edges_meet(r, i, j))
				return false;
		}
	}
	return true;
}

static void small_rings_are_proven_exactly_when_no_two_edges_meet(void **state)
{
	unsigned int yes = 0, no = 0, round;

	(void)state;
	for (round = 0; round < 40000; round++) {
		uint64_t seed = round, s = seed;
		struct ring *ring = ring_alloc();
		int quick;

		on_a_grid(ring, &s, next_random(&s));
		ring_close(ring);
		if (ring->r.n >= 3) {
			quick = ring_simple(NULL, &ring->r);
			if (quick != is_simple(&ring->r))
				fail_msg("seed %llu: %d", (unsigned long long)seed, quick);
			*(quick ? &yes : &no) += 1;
		}
		talloc_free(ring);
	}
	assert_true(yes > 2000 && no > 2000);
}

/* ---- bounds ------------------------------------------------------------------------------ */

static void a_ring_over_more_than_half_the_earth_is_left_to_the_sweep(void **state)
{
	struct ring *ring = ring_alloc();

	(void)state;
	ring_add(ring, -1.8e9, 0);
	ring_add(ring, -0.6e9, 0);
	ring_add(ring, 0.6e9, 0);
	ring_add(ring, 1.8e9, 0);
	ring_add(ring, 0, 1e8);
	assert_int_equal(ring_simple(NULL, &ring->r), 0);
	talloc_free(ring);
}

/* Edge 0 runs from corner to corner of the largest box. Of all points these two are the nearest to
 * its line, on either side; the products differ by 1 in 62 bits. */
static void a_vertex_is_told_from_the_longest_edge_by_the_smallest_difference(void **state)
{
	const int64_t wide = (1LL << 31) - 1, high = 180LL * GEO_DEGREE;
	const int64_t x = 1609689297, y = 1349225983;
	struct ring *ring = ring_alloc();

	(void)state;
	assert_int_equal(wide * y - high * x, 1);
	ring_add(ring, 0, -high / 2);
	ring_add(ring, wide, high / 2);
	ring_add(ring, 0, high / 2);
	ring_add(ring, x, y - high / 2);
	assert_int_equal(ring_simple(NULL, &ring->r), 1);
	ring->lon[3] = wide - x;
	ring->lat[3] = high / 2 - y;
	assert_int_equal(ring_simple(NULL, &ring->r), 0);
	ring->lon[1] = wide - 1;
	ring->lon[3] = (wide - 1) / 2;
	ring->lat[3] = 0;
	assert_int_equal(ring_simple(NULL, &ring->r), 0);
	talloc_free(ring);
}

static void a_vertex_that_is_repeated_is_left_to_the_sweep(void **state)
{
	static const double square[][2] = { { 0, 0 }, { 0, 9 }, { 9, 9 }, { 9, 0 } };
	size_t i, n, repeated;

	(void)state;
	for (repeated = 0; repeated <= 4; repeated++) {
		struct ring *ring = ring_alloc();

		for (i = 0; i < 4; i++) {
			for (n = 0; n < 1 + (i == repeated); n++) {
				ring->lon[ring->r.n] = square[i][0];
				ring->lat[ring->r.n++] = square[i][1];
			}
		}
		assert_int_equal(ring_simple(NULL, &ring->r), repeated == 4);
		talloc_free(ring);
	}
}

/* Teeth to the left, the tip of each at a place of its own. */
static void teeth(struct ring *ring, size_t n, size_t stride)
{
	size_t i;

	ring_add(ring, 6e8, -1000);
	for (i = 0; i < n; i++) {
		ring_add(ring, 1e8 + i * stride % n * 1000, 1000.0 * i);
		ring_add(ring, 5e8, 1000.0 * i + 500);
	}
	ring_add(ring, 6e8, 1000.0 * n);
}

/* Tips that appear far from each other have to be looked for among all teeth; their number is a
 * prime. */
static void a_ring_that_takes_long_searches_is_left_to_the_sweep(void **state)
{
	const size_t n = 49999;
	struct ring *ring = ring_alloc();

	(void)state;
	teeth(ring, n, 1);
	assert_int_equal(ring_simple(NULL, &ring->r), 1);
	ring->r.n = 0;
	teeth(ring, n, 46106);
	assert_int_equal(ring_simple(NULL, &ring->r), 0);
	ring->r.n = 0;
	teeth(ring, 499, 301);
	assert_int_equal(ring_simple(NULL, &ring->r), 1);
	talloc_free(ring);
}

/* To the digits that are sorted by, all these longitudes are one; the rest would be quadratic. */
static void many_vertices_in_one_place_of_a_wide_ring_are_left_to_the_sweep(void **state)
{
	struct ring *ring = ring_alloc();
	size_t i, n = 4000;

	(void)state;
	for (i = 0; i < n; i++)
		ring_add(ring, i % 2 ? 20 : 10, i);
	ring_add(ring, 0, n);
	ring_add(ring, 0, -1);
	assert_int_equal(ring_simple(NULL, &ring->r), 1);
	ring_add(ring, 2e9, -2);
	assert_int_equal(ring_simple(NULL, &ring->r), 0);
	talloc_free(ring);
}

int main(void)
{
	static const struct CMUnitTest rest[] = {
		cmocka_unit_test(small_rings_are_proven_exactly_when_no_two_edges_meet),
		cmocka_unit_test(a_ring_over_more_than_half_the_earth_is_left_to_the_sweep),
		cmocka_unit_test(a_vertex_is_told_from_the_longest_edge_by_the_smallest_difference),
		cmocka_unit_test(a_vertex_that_is_repeated_is_left_to_the_sweep),
		cmocka_unit_test(a_ring_that_takes_long_searches_is_left_to_the_sweep),
		cmocka_unit_test(many_vertices_in_one_place_of_a_wide_ring_are_left_to_the_sweep),
	};
	struct CMUnitTest tests[LENGTH(kinds) + LENGTH(rest)];
	size_t i, n = 0;

	for (i = 0; i < LENGTH(kinds); i++)
		tests[n++] = (struct CMUnitTest){ kinds[i].name,
			what_is_proven_simple_is_accepted_by_the_sweep, NULL, NULL, (void *)&kinds[i] };
	for (i = 0; i < LENGTH(rest); i++)
		tests[n++] = rest[i];
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
