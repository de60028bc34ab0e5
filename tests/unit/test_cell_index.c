/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geodesic.h>
#include <talloc.h>

#include <tocsin/geo/cell_index.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define AT_ONCE 1000000000
#define STAR_MAX 400

static double u01(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return ((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static unsigned int pick(uint64_t *s, unsigned int n)
{
	return u01(s) * n;
}

/* ---- tables and areas ------------------------------------------------------------------- */

/* A part of the earth to play in. */
struct region {
	const char *name;
	double lat, lon;
	double spread;	/* degrees */
};

static const struct region regions[] = {
	{ "middle latitudes", 51, 10, 3 },
	{ "a town", 48.2, 16.37, 0.1 },
	{ "the equator", 0, -70, 2 },
	{ "the antimeridian", -17.5, 180, 2 },
	{ "the antimeridian, far north", 71, -179.9, 4 },
	{ "the Arctic", 84, 20, 5 },
	{ "the north pole", 89.97, 100, 0.2 },
	{ "the south pole", -89, -60, 3 },
	{ "half the earth", 10, 30, 85 },
};

static int32_t clamp_lat(double lat)
{
	return lround(fmax(-90, fmin(90, lat)) * GEO_DEGREE);
}

static int32_t wrap_lon(double lon)
{
	return llround(remainder(lon, 360) * GEO_DEGREE);
}

static struct geo_footprint random_cell(uint64_t *s, const struct region *r)
{
	static const uint16_t beams[] = { 360, 360, 120, 120, 65, 1, 180, 181, 300, 359 };
	struct geo_footprint f = {
		.site = { clamp_lat(r->lat + r->spread * (2 * u01(s) - 1)),
			  wrap_lon(r->lon + r->spread * (2 * u01(s) - 1) / fmax(0.01,
				   cos(r->lat * M_PI / 180))) },
		.azimuth_deg = pick(s, 360), .beam_deg = beams[pick(s, LENGTH(beams))],
	};

	switch (pick(s, 8)) {
	case 0:
		f.range_m = 0;
		break;
	case 1:
		f.range_m = 1 + pick(s, 300000);
		break;
	default:
		f.range_m = fmin(300000, pow(10, 1 + 3.5 * u01(s)) * fmin(1, r->spread));
	}
	return f;
}

static struct geo_footprint *random_table(void *ctx, uint64_t *s, const struct region *r, size_t n)
{
	struct geo_footprint *t = talloc_array(ctx, struct geo_footprint, n);
	size_t i;

	for (i = 0; i < n; i++) {
		t[i] = random_cell(s, r);
		/* Sites have several cells. */
		if (i && pick(s, 2))
			t[i].site = t[i - 1].site;
	}
	return t;
}

/* A polygon around a centre, as text, so that it goes the way of an alert. */
struct star {
	double lat, lon;
	unsigned int n;
	double x[STAR_MAX], y[STAR_MAX];	/* degrees from the centre */
};

static struct star random_star(uint64_t *s, const struct region *r)
{
	double size = r->spread * pow(10, -2.5 * u01(s)), rough = u01(s);
	double wide = 1 / fmax(0.01, cos(r->lat * M_PI / 180));
	struct star p = { .lat = r->lat + r->spread * (2 * u01(s) - 1),
			  .lon = r->lon + r->spread * wide * (2 * u01(s) - 1),
			  .n = 3 + (pick(s, 8) ? pick(s, 60) : pick(s, STAR_MAX - 3)) };
	unsigned int i;

	if (size * wide > 89)
		wide = 89 / size;
	for (i = 0; i < p.n; i++) {
		double a = 2 * M_PI * i / p.n, q = size * (1 - rough * u01(s));

		p.x[i] = q * wide * cos(a);
		p.y[i] = q * sin(a);
	}
	return p;
}

/* \returns false if the polygon is refused: it may have lost its shape at a pole. */
static bool star_add(const struct star *p, double scale, double lon_offset, struct geo_area *area)
{
	char text[(STAR_MAX + 1) * 40], *t = text;
	unsigned int i;

	for (i = 0; i <= p->n; i++) {
		int32_t lat = clamp_lat(p->lat + scale * p->y[i % p->n]);
		int32_t lon = wrap_lon(p->lon + lon_offset + scale * p->x[i % p->n]);

		t += sprintf(t, "%s%d.%07d,%s%d.%07d ", lat < 0 ? "-" : "", abs(lat) / GEO_DEGREE,
			     abs(lat) % GEO_DEGREE, lon < 0 ? "-" : "", abs(lon) / GEO_DEGREE,
			     abs(lon) % GEO_DEGREE);
	}
	return geo_area_add_polygon(area, text, NULL, 0, NULL) == 0;
}

static void circle_add(uint64_t *s, const struct region *r, struct geo_area *area)
{
	struct geo_footprint f = random_cell(s, r);
	double km = pick(s, 10) ? 111 * r->spread * pow(10, -3 * u01(s)) : 20037 * u01(s);
	char text[100];

	if (!pick(s, 10))
		km = 0;
	snprintf(text, sizeof(text), "%.7f,%.7f %.6f", f.site.lat / 1e7, f.site.lon / 1e7, km);
	assert_int_equal(geo_area_add_circle(area, text, NULL, 0, NULL), 0);
}

static struct geo_area *random_area(void *ctx, uint64_t *s, const struct region *r)
{
	struct geo_area *area = geo_area_alloc(ctx);
	unsigned int i, n = 1 + pick(s, 3);

	for (i = 0; i < n; i++) {
		if (pick(s, 4)) {
			struct star p = random_star(s, r);

			(void)star_add(&p, 1, 0, area);	/* a refused one is left out */
		} else {
			circle_add(s, r, area);
		}
	}
	return area;
}

/* ---- answers ---------------------------------------------------------------------------- */

/* Which rows the index finds, as one octet per row. */
static uint8_t *by_index(void *ctx, const struct cell_index *index, const struct geo_area *area,
			 unsigned int budget_us)
{
	struct cell_search *search = cell_search_alloc(NULL, index, area);
	size_t i, n, count = cell_index_count(index);
	uint8_t *met = talloc_zero_array(ctx, uint8_t, count + 1);
	const uint32_t *rows;
	int rc;

	assert_non_null(search);
	do {
		rc = cell_search_step(search, budget_us);
	} while (rc == 0);
	assert_int_equal(rc, 1);
	rows = cell_search_rows(search, &n);
	for (i = 0; i < n; i++) {
		assert_true(rows[i] < count);
		assert_true(i == 0 || rows[i] > rows[i - 1]);
		met[rows[i]] = 1;
	}
	talloc_free(search);
	return met;
}

static uint8_t *by_force(void *ctx, const struct geo_footprint *table, size_t n,
			 const struct geo_area *area)
{
	uint8_t *met = talloc_zero_array(ctx, uint8_t, n + 1);
	size_t i;

	for (i = 0; i < n; i++)
		met[i] = geo_footprint_meets(&table[i], area);
	return met;
}

static void assert_same(const uint8_t *a, const uint8_t *b, const struct geo_footprint *table,
			size_t n, const char *what, uint64_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (a[i] != b[i])
			fail_msg("%s, seed %llu, row %zu: %d, not %d; cell %d,%d range %u azimuth "
				 "%u beam %u",
				 what, (unsigned long long)seed, i, a[i], b[i], table[i].site.lat,
				 table[i].site.lon, table[i].range_m, table[i].azimuth_deg,
				 table[i].beam_deg);
	}
}

/* ---- index against predicate ------------------------------------------------------------ */

static void the_index_finds_what_brute_force_finds(void **state)
{
	const struct region *r = *state;
	size_t met = 0, missed = 0;
	uint64_t round;

	for (round = 0; round < 40; round++) {
		uint64_t seed = round * 1000003 + (r - regions), s = seed;
		void *ctx = talloc_new(NULL);
		size_t i, n = 1 + pick(&s, 700);
		struct geo_footprint *table = random_table(ctx, &s, r, n);
		struct cell_index *index = cell_index_build(ctx, table, n);
		unsigned int area_no;

		assert_int_equal(cell_index_count(index), n);
		for (area_no = 0; area_no < 10; area_no++) {
			struct geo_area *area = random_area(ctx, &s, r);
			uint8_t *a = by_index(ctx, index, area, AT_ONCE);
			uint8_t *b = by_force(ctx, table, n, area);

			assert_same(a, b, table, n, r->name, seed);
			for (i = 0; i < n; i++)
				*(b[i] ? &met : &missed) += 1;
		}
		talloc_free(ctx);
	}
	/* A test of nothing but misses would prove little. */
	assert_true(met > 1000 && missed > 1000);
}

static void the_index_gives_footprints_back_by_row(void **state)
{
	uint64_t seed = 20261127;
	void *ctx = talloc_new(NULL);
	size_t i, n = 1000;
	struct geo_footprint *table = random_table(ctx, &seed, &regions[0], n), f;
	struct cell_index *index = cell_index_build(ctx, table, n);

	(void)state;
	for (i = 0; i < n; i++) {
		f = cell_index_footprint(index, i);
		assert_memory_equal(&f, &table[i], sizeof(f));
	}
	talloc_free(ctx);
}

static void a_table_deeper_than_three_levels_is_searched_as_well(void **state)
{
	uint64_t s = 4711;
	void *ctx = talloc_new(NULL);
	size_t n = 40000;
	struct geo_footprint *table = random_table(ctx, &s, &regions[0], n);
	struct cell_index *index = cell_index_build(ctx, table, n);
	unsigned int i;

	(void)state;
	for (i = 0; i < n; i++)
		table[i].range_m /= 20;
	talloc_free(index);
	index = cell_index_build(ctx, table, n);
	for (i = 0; i < 10; i++) {
		struct geo_area *area = random_area(ctx, &s, &regions[0]);
		uint8_t *b = by_force(ctx, table, n, area);

		assert_same(by_index(ctx, index, area, AT_ONCE), b, table, n, "deep", 4711);
		assert_same(by_index(ctx, index, area, 1), b, table, n, "deep, stepwise", 4711);
	}
	talloc_free(ctx);
}

static void small_steps_find_the_same_and_take_several_calls(void **state)
{
	uint64_t s = 99;
	void *ctx = talloc_new(NULL);
	struct geo_footprint *table = random_table(ctx, &s, &regions[0], 5000);
	struct cell_index *index = cell_index_build(ctx, table, 5000);
	struct star p = random_star(&s, &regions[0]);
	struct geo_area *area = geo_area_alloc(ctx);
	struct cell_search *search;
	int steps = 0, rc;

	(void)state;
	assert_true(star_add(&p, 1, 0, area));
	assert_same(by_index(ctx, index, area, 1), by_index(ctx, index, area, AT_ONCE), table, 5000,
		    "stepwise", 99);
	search = cell_search_alloc(ctx, index, area);
	do {
		rc = cell_search_step(search, 0);
		steps++;
	} while (rc == 0);
	assert_int_equal(rc, 1);
	assert_int_equal(cell_search_step(search, 0), 1);
	assert_true(steps > 3);
	talloc_free(ctx);
}

static void no_cells_and_no_shapes_give_no_rows(void **state)
{
	void *ctx = talloc_new(NULL);
	struct geo_footprint one = { { 0, 0 }, 1000, 0, 360 };
	struct cell_index *none = cell_index_build(ctx, NULL, 0);
	struct cell_index *index = cell_index_build(ctx, &one, 1);
	struct geo_area *area = geo_area_alloc(ctx);

	(void)state;
	assert_int_equal(by_index(ctx, index, area, AT_ONCE)[0], 0);
	assert_false(geo_footprint_meets(&one, area));
	assert_int_equal(geo_area_add_circle(area, "0,0 1", NULL, 0, NULL), 0);
	assert_int_equal(by_index(ctx, index, area, AT_ONCE)[0], 1);
	(void)by_index(ctx, none, area, AT_ONCE);
	assert_int_equal(cell_index_count(none), 0);
	talloc_free(ctx);
}

/* ---- properties ------------------------------------------------------------------------- */

static void assert_subset(const uint8_t *small, const uint8_t *large, size_t n, const char *what,
			  uint64_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (small[i] && !large[i])
			fail_msg("%s, seed %llu: row %zu was added", what, (unsigned long long)seed,
				 i);
	}
}

static void shrinking_a_polygon_never_adds_a_cell(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 200; seed++) {
		uint64_t s = seed;
		const struct region *r = &regions[pick(&s, 5)];
		void *ctx = talloc_new(NULL);
		struct geo_footprint *table = random_table(ctx, &s, r, 300);
		struct cell_index *index = cell_index_build(ctx, table, 300);
		struct star p = random_star(&s, r);
		struct geo_area *large = geo_area_alloc(ctx), *small = geo_area_alloc(ctx);

		if (star_add(&p, 1, 0, large) && star_add(&p, 0.9, 0, small))
			assert_subset(by_index(ctx, index, small, AT_ONCE),
				      by_index(ctx, index, large, AT_ONCE), 300, r->name, seed);
		talloc_free(ctx);
	}
}

static void shrinking_a_footprint_never_adds_a_cell(void **state)
{
	uint64_t seed;
	size_t i;

	(void)state;
	for (seed = 1; seed <= 200; seed++) {
		uint64_t s = seed;
		const struct region *r = &regions[pick(&s, LENGTH(regions))];
		void *ctx = talloc_new(NULL);
		struct geo_footprint *table = random_table(ctx, &s, r, 300);
		struct geo_area *area = random_area(ctx, &s, r);
		uint8_t *large = by_force(ctx, table, 300, area);

		/* By more than the predicate's tolerance, in range and beam. */
		for (i = 0; i < 300; i++) {
			table[i].range_m = table[i].range_m > 20 ? table[i].range_m * 0.95 - 1 : 0;
			if (table[i].beam_deg > 20)
				table[i].beam_deg -= 10;
		}
		assert_subset(by_force(ctx, table, 300, area), large, 300, r->name, seed);
		talloc_free(ctx);
	}
}

static void the_cells_of_a_union_are_the_union_of_the_cells(void **state)
{
	uint64_t seed;
	size_t i;

	(void)state;
	for (seed = 1; seed <= 200; seed++) {
		uint64_t s = seed, s1 = seed + 5000, s2 = seed + 9000, s3 = s1, s4 = s2;
		const struct region *r = &regions[pick(&s, LENGTH(regions))];
		void *ctx = talloc_new(NULL);
		struct geo_footprint *table = random_table(ctx, &s, r, 300);
		struct cell_index *index = cell_index_build(ctx, table, 300);
		struct geo_area *one = geo_area_alloc(ctx), *two = geo_area_alloc(ctx);
		struct geo_area *both = geo_area_alloc(ctx);
		struct star p = random_star(&s1, r);
		uint8_t *a, *b, *c;

		(void)star_add(&p, 1, 0, one);
		(void)star_add(&p, 1, 0, both);
		circle_add(&s2, r, two);
		circle_add(&s4, r, both);
		p = random_star(&s1, r);
		(void)random_star(&s3, r);
		(void)star_add(&p, 1, 0, two);
		(void)star_add(&p, 1, 0, both);
		a = by_index(ctx, index, one, AT_ONCE);
		b = by_index(ctx, index, two, AT_ONCE);
		c = by_index(ctx, index, both, AT_ONCE);
		for (i = 0; i < 300; i++)
			a[i] |= b[i];
		assert_same(c, a, table, 300, "union", seed);
		talloc_free(ctx);
	}
}

static void moving_everything_over_the_antimeridian_changes_nothing(void **state)
{
	static const double offsets[] = { 170, -170, 90.5, 1, 179 };
	uint64_t seed;
	size_t i, met = 0;

	(void)state;
	for (seed = 1; seed <= 100; seed++) {
		uint64_t s = seed;
		const struct region *r = &regions[seed % 3];
		void *ctx = talloc_new(NULL);
		struct geo_footprint *table = random_table(ctx, &s, r, 300), *moved;
		double offset = offsets[pick(&s, LENGTH(offsets))];
		struct geo_area *here = geo_area_alloc(ctx), *there = geo_area_alloc(ctx);
		struct star p = random_star(&s, r);
		uint8_t *a, *b;

		moved = talloc_memdup(ctx, table, 300 * sizeof(*table));
		for (i = 0; i < 300; i++)
			moved[i].site.lon = wrap_lon(table[i].site.lon / 1e7 + offset);
		assert_true(star_add(&p, 1, 0, here));
		assert_true(star_add(&p, 1, offset, there));
		a = by_index(ctx, cell_index_build(ctx, table, 300), here, AT_ONCE);
		b = by_index(ctx, cell_index_build(ctx, moved, 300), there, AT_ONCE);
		assert_same(b, a, moved, 300, "moved", seed);
		for (i = 0; i < 300; i++)
			met += a[i];
		talloc_free(ctx);
	}
	assert_true(met > 1000);
}

/* ---- the predicate against geodesics ---------------------------------------------------- */

static struct geod_geodesic earth(void)
{
	struct geod_geodesic g;

	geod_init(&g, 6378137, 1 / 298.257223563);
	return g;
}

/* A speck of some centimetres at a distance and bearing from the site, as polygon or circle. */
static bool speck_met(const struct geo_footprint *f, double bearing, double distance, bool circle)
{
	struct geod_geodesic g = earth();
	struct geo_area *area = geo_area_alloc(NULL);
	double lat, lon, w;
	char text[200];
	bool met;
	int rc;

	geod_direct(&g, f->site.lat / 1e7, f->site.lon / 1e7, bearing, distance, &lat, &lon, NULL);
	if (circle) {
		snprintf(text, sizeof(text), "%.7f,%.7f 0.00003", lat, lon);
		rc = geo_area_add_circle(area, text, NULL, 0, NULL);
	} else {
		w = fmin(170, 3e-7 / cos(lat * M_PI / 180));
		snprintf(text, sizeof(text), "%.7f,%.7f %.7f,%.7f %.7f,%.7f %.7f,%.7f", lat, lon,
			 lat, remainder(lon + w, 360), lat + (lat > 0 ? -3e-7 : 3e-7), lon, lat,
			 lon);
		rc = geo_area_add_polygon(area, text, NULL, 0, NULL);
	}
	assert_int_equal(rc, 0);
	met = geo_footprint_meets(f, area);
	talloc_free(area);
	return met;
}

static void check_border(const struct geo_footprint *f, double bearing, double distance, bool met,
			 uint64_t seed)
{
	int circle;

	for (circle = 0; circle < 2; circle++) {
		if (speck_met(f, bearing, distance, circle) != met)
			fail_msg("seed %llu, %s: site %d,%d range %u azimuth %u beam %u is %smet "
				 "at %.7f, %.3f m",
				 (unsigned long long)seed, circle ? "circle" : "polygon",
				 f->site.lat, f->site.lon, f->range_m, f->azimuth_deg, f->beam_deg,
				 met ? "not " : "", bearing, distance);
	}
}

static struct geo_footprint border_footprint(uint64_t *s)
{
	return (struct geo_footprint){
		.site = { clamp_lat(pick(s, 3) ? 170 * u01(s) - 85 : 89.99 - 5 * u01(s) * u01(s)),
			  wrap_lon(360 * u01(s)) },
		.range_m = pick(s, 4) ? pow(10, 1 + 4.47 * u01(s)) : 300000,
		.azimuth_deg = pick(s, 360), .beam_deg = 10 + pick(s, 340),
	};
}

static void the_range_is_right_to_a_metre_or_a_thousandth(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 8000; seed++) {
		uint64_t s = seed;
		struct geo_footprint f = border_footprint(&s);
		double slack = fmax(1, f.range_m * 0.001), bearing = 360 * u01(&s);

		f.beam_deg = 360;
		check_border(&f, bearing, f.range_m - slack, true, seed);
		check_border(&f, bearing, f.range_m + slack, false, seed);
	}
}

static void the_beam_is_right_to_a_metre_or_a_thousandth(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 8000; seed++) {
		uint64_t s = seed;
		struct geo_footprint f = border_footprint(&s);
		double slack = fmax(1, f.range_m * 0.001);
		double distance = 0.2 * f.range_m + 0.7 * f.range_m * u01(&s);
		double angle = asin(fmin(1, slack / distance)) * 180 / M_PI;
		int side = pick(&s, 2) ? 1 : -1;
		double bearing = f.azimuth_deg + side * f.beam_deg / 2.0;

		/* Small or narrow: the slack is as large as the sector or its rest. */
		if (angle > 4)
			continue;
		check_border(&f, bearing - side * angle, distance, true, seed);
		check_border(&f, bearing + side * angle, distance, false, seed);
	}
}

/* A cap over a parallel that spans far more than the footprint: a long edge, straight in longitude
 * and latitude and curved on the ground. */
static bool parallel_met(const struct geo_footprint *f, double lat, double wide)
{
	struct geo_area *area = geo_area_alloc(NULL);
	double lon = f->site.lon / 1e7;
	char text[300];
	bool met;

	snprintf(text, sizeof(text), "%.7f,%.7f %.7f,%.7f 89,%.7f 89,%.7f %.7f,%.7f", lat,
		 remainder(lon - wide, 360), lat, remainder(lon + 0.7 * wide, 360),
		 remainder(lon + 0.7 * wide, 360), remainder(lon - wide, 360), lat,
		 remainder(lon - wide, 360));
	assert_int_equal(geo_area_add_polygon(area, text, NULL, 0, NULL), 0);
	met = geo_footprint_meets(f, area);
	talloc_free(area);
	return met;
}

static void an_edge_of_thousands_of_kilometres_is_curved_on_the_ground(void **state)
{
	struct geod_geodesic g = earth();
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 5000; seed++) {
		uint64_t s = seed;
		struct geo_footprint f = { { clamp_lat(-80 + 155 * u01(&s)),
					     wrap_lon(360 * u01(&s)) },
					   pow(10, 2 + 3.47 * u01(&s)),
					   0,
					   360 };
		double slack = fmax(1, f.range_m * 0.001), wide = 5 + 80 * u01(&s), lat, lon;

		geod_direct(&g, f.site.lat / 1e7, f.site.lon / 1e7, 0, f.range_m - slack, &lat,
			    &lon, NULL);
		if (!parallel_met(&f, lat, wide))
			fail_msg("seed %llu: missed", (unsigned long long)seed);
		/* The parallel bends to the pole as seen from the south, from the north towards it.
		 */
		geod_direct(&g, f.site.lat / 1e7, f.site.lon / 1e7, 0, f.range_m + slack, &lat,
			    &lon, NULL);
		if (lat > 0 && f.site.lat > 0 && parallel_met(&f, lat, wide))
			fail_msg("seed %llu: met", (unsigned long long)seed);
	}
}

static void a_site_alone_meets_what_holds_its_very_point(void **state)
{
	static const struct {
		int32_t lat, lon;
		bool met;
	} cases[] = {
		{ 0, 0, true },				/* a vertex */
		{ 5000000, 5000000, true },		/* inside */
		{ 10000000, 5000000, true },		/* on the northern edge */
		{ 0, 5000000, true },			/* on the southern edge */
		{ 5000000, 0, true },			/* on the western edge */
		{ 5000000, 10000000, true },		/* on the eastern edge */
		{ 10000001, 5000000, false },
		{ -1, 5000000, false },
		{ 5000000, -1, false },
		{ 5000000, 10000001, false },
		{ 5000000, 1800000000, false },
	};
	struct geo_area *area = geo_area_alloc(NULL);
	struct geo_footprint table[LENGTH(cases)];
	uint8_t *met;
	size_t i;

	(void)state;
	assert_int_equal(geo_area_add_polygon(area, "0,0 0,1 1,1 1,0 0,0", NULL, 0, NULL), 0);
	for (i = 0; i < LENGTH(cases); i++)
		table[i] = (struct geo_footprint){ { cases[i].lat, cases[i].lon }, 0, 0, 360 };
	met = by_index(area, cell_index_build(area, table, LENGTH(cases)), area, AT_ONCE);
	for (i = 0; i < LENGTH(cases); i++) {
		assert_int_equal(geo_footprint_meets(&table[i], area), cases[i].met);
		assert_int_equal(met[i], cases[i].met);
	}
	talloc_free(area);
}

static void a_site_on_a_pole_meets_a_polygon_that_touches_it_anywhere(void **state)
{
	struct geo_area *area = geo_area_alloc(NULL);
	struct geo_footprint pole = { { 900000000, -1234567890 }, 0, 0, 360 };
	struct geo_footprint near = { { 899990000, -1500000000 }, 200, 0, 360 };
	struct geo_footprint far = { { 899900000, -1500000000 }, 1000, 0, 360 };

	(void)state;
	assert_int_equal(geo_area_add_polygon(area, "90,10 80,0 80,20 90,10", NULL, 0, NULL), 0);
	assert_true(geo_footprint_meets(&pole, area));
	assert_true(geo_footprint_meets(&near, area));
	assert_false(geo_footprint_meets(&far, area));
	talloc_free(area);
}

static void a_sector_meets_only_what_lies_before_it(void **state)
{
	static const struct {
		const char *name, *polygon, *circle;
		uint16_t azimuth, beam;
		bool met;
	} cases[] = {
		{ "before it", "0.01,0 0.02,0.01 0.02,-0.01 0.01,0", "0.02,0 0.5", 0, 60, true },
		{ "behind it", "0.01,0 0.02,0.01 0.02,-0.01 0.01,0", "0.02,0 0.5", 180, 60, false },
		{ "beside it", "0.01,0 0.02,0.001 0.02,-0.001 0.01,0", "0.02,0 0.1", 90, 120,
		  false },
		{ "in a wide one", "0.01,0 0.02,0.001 0.02,-0.001 0.01,0", "0.02,0 0.1", 90, 200,
		  true },
		{ "in a wide one's gap", "0.01,0 0.02,0.001 0.02,-0.001 0.01,0", "0.02,0 0.1", 180,
		  340, false },
		{ "across it", "0.01,-1 0.011,-1 0.011,1 0.01,1 0.01,-1", "0.02,0.02 2", 0, 20,
		  true },
		{ "across a wide one's gap", "0.01,-1 0.011,-1 0.011,1 0.01,1 0.01,-1",
		  "0.02,0 1.2", 180, 300, true },
		{ "around its site", "-0.01,-0.01 -0.01,0.01 0.01,0 -0.01,-0.01", "-0.01,0 1.5", 0,
		  10, true },
		{ "past its end", "0.06,0 0.07,0.01 0.07,-0.01 0.06,0", "0.06,0 1", 0, 60, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct geo_footprint f = { { 0, 0 }, 5000, cases[i].azimuth, cases[i].beam };
		struct geo_area *p = geo_area_alloc(NULL), *c = geo_area_alloc(NULL);

		assert_int_equal(geo_area_add_polygon(p, cases[i].polygon, NULL, 0, NULL), 0);
		assert_int_equal(geo_area_add_circle(c, cases[i].circle, NULL, 0, NULL), 0);
		if (geo_footprint_meets(&f, p) != cases[i].met)
			fail_msg("polygon %s", cases[i].name);
		if (geo_footprint_meets(&f, c) != cases[i].met)
			fail_msg("circle %s", cases[i].name);
		talloc_free(p);
		talloc_free(c);
	}
}

int main(void)
{
	static const struct CMUnitTest rest[] = {
		cmocka_unit_test(the_index_gives_footprints_back_by_row),
		cmocka_unit_test(a_table_deeper_than_three_levels_is_searched_as_well),
		cmocka_unit_test(small_steps_find_the_same_and_take_several_calls),
		cmocka_unit_test(no_cells_and_no_shapes_give_no_rows),
		cmocka_unit_test(shrinking_a_polygon_never_adds_a_cell),
		cmocka_unit_test(shrinking_a_footprint_never_adds_a_cell),
		cmocka_unit_test(the_cells_of_a_union_are_the_union_of_the_cells),
		cmocka_unit_test(moving_everything_over_the_antimeridian_changes_nothing),
		cmocka_unit_test(the_range_is_right_to_a_metre_or_a_thousandth),
		cmocka_unit_test(the_beam_is_right_to_a_metre_or_a_thousandth),
		cmocka_unit_test(an_edge_of_thousands_of_kilometres_is_curved_on_the_ground),
		cmocka_unit_test(a_site_alone_meets_what_holds_its_very_point),
		cmocka_unit_test(a_site_on_a_pole_meets_a_polygon_that_touches_it_anywhere),
		cmocka_unit_test(a_sector_meets_only_what_lies_before_it),
	};
	struct CMUnitTest tests[LENGTH(regions) + LENGTH(rest)];
	char names[LENGTH(regions)][80];
	size_t i, n = 0;

	for (i = 0; i < LENGTH(regions); i++) {
		snprintf(names[i], sizeof(names[i]), "the index finds what brute force finds: %s",
			 regions[i].name);
		tests[n++] = (struct CMUnitTest){ names[i], the_index_finds_what_brute_force_finds,
						  NULL, NULL, (void *)&regions[i] };
	}
	for (i = 0; i < LENGTH(rest); i++)
		tests[n++] = rest[i];
	return cmocka_run_group_tests_name("cell_index", tests, NULL, NULL);
}
