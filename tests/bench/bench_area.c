/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Area lookup: the cell index against GEOS (STRtree over coverage polygons and a prepared
 * polygon), in alternation within one process. Both hand over the list of all rows found; the
 * polygon is moved a little before each pair. Results are compared before times are.
 *
 * usage: bench_area [cells [seed]]
 * A table for people on stderr, one JSON object per goal and line on stdout. */

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <geos_c.h>
#include <talloc.h>

#include <tocsin/geo/cell_index.h>

#define PAIRS 31
#define LAT 51.0
#define LON 10.0
#define METRE (1 / 111195.0)	/* degrees of latitude, near enough for a synthetic country */
#define COUNTRY 420000.0	/* radius, metres */
#define TOWNS 400

struct bench {
	uint64_t seed, state;
	size_t n;
	struct geo_footprint *cells;
	struct cell_index *index;
	GEOSContextHandle_t geos;
	GEOSGeometry **coverage;
	GEOSSTRtree *tree;
	const GEOSPreparedGeometry *prepared;
	uint32_t *rows;			/* what GEOS found */
	size_t n_rows;
	bool wrong;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static double u01(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return ((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double gauss(uint64_t *s)
{
	return sqrt(-2 * log(u01(s) + 1e-12)) * cos(2 * M_PI * u01(s));
}

/* ---- a country -------------------------------------------------------------------------- */

struct towns {
	double x[TOWNS], y[TOWNS], weight[TOWNS], sum;
};

static void towns_make(struct towns *t, uint64_t *s)
{
	int i;

	t->sum = 0;
	for (i = 0; i < TOWNS; i++) {
		double a = u01(s) * 2 * M_PI, r = 0.9 * COUNTRY * sqrt(u01(s));

		/* The largest town stands where the small polygons are. */
		t->x[i] = i ? r * cos(a) : 120000;
		t->y[i] = i ? r * sin(a) : 90000;
		t->weight[i] = pow(i + 1, -0.9);
		t->sum += t->weight[i];
	}
}

/* Position and range of one site, metres from the middle of the country: 62 % stand in towns. */
static void site_make(const struct towns *t, uint64_t *s, double *x, double *y, double *range)
{
	int i = 0;

	if (u01(s) < 0.62) {
		double pick = u01(s) * t->sum, sd;

		while (i < TOWNS - 1 && (pick -= t->weight[i]) > 0)
			i++;
		sd = 1500 + 14000 * sqrt(t->weight[i]);
		*x = t->x[i] + sd * gauss(s);
		*y = t->y[i] + sd * gauss(s);
		*range = 250 + 1500 * u01(s) * u01(s);
	} else {
		double a = u01(s) * 2 * M_PI, r = COUNTRY * sqrt(u01(s));

		*x = r * cos(a);
		*y = r * sin(a);
		*range = 1500 + 9000 * u01(s) * u01(s);
	}
}

static struct geo_point point_at(double x, double y)
{
	double lat = LAT + y * METRE;

	return (struct geo_point){ lround(lat * GEO_DEGREE),
				   lround((LON + x * METRE / cos(LAT * M_PI / 180)) * GEO_DEGREE) };
}

/* Sites of one to four bands with three sectors, or an antenna for all directions. */
static void cells_make(struct bench *b)
{
	struct towns towns;
	uint64_t *s = &b->state;
	size_t n = 0, i;

	towns_make(&towns, s);
	while (n < b->n) {
		double x, y, range;
		int bands = 1 + 4 * u01(s), band, sector, turn = 360 * u01(s);
		bool omni = u01(s) < 0.06;

		site_make(&towns, s, &x, &y, &range);
		for (band = 0; band < bands; band++) {
			for (sector = 0; sector < (omni ? 1 : 3) && n < b->n; sector++)
				b->cells[n++] = (struct geo_footprint){
					point_at(x, y), range * (1 - 0.15 * band),
					(turn + 120 * sector) % 360, omni ? 360 : 120 };
		}
	}
	/* In no order, like an operator's export. */
	for (i = b->n - 1; i > 0; i--) {
		size_t j = u01(s) * (i + 1);
		struct geo_footprint f = b->cells[i];

		b->cells[i] = b->cells[j];
		b->cells[j] = f;
	}
}

/* ---- polygons --------------------------------------------------------------------------- */

struct shape {
	const char *name;
	double x, y, radius, rough;
	int n;
};

static const struct shape shapes[] = {
	{ "town", 120000, 90000, 5000, 0.4, 4 }, { "town", 120000, 90000, 5000, 0.4, 100 },
	{ "town", 120000, 90000, 5000, 0.4, 2000 }, { "county", 120000, 90000, 40000, 0.4, 4 },
	{ "county", 120000, 90000, 40000, 0.4, 100 }, { "county", 120000, 90000, 40000, 0.4, 2000 },
	{ "country", 0, 0, 330000, 0.4, 4 }, { "country", 0, 0, 330000, 0.4, 100 },
	{ "country", 0, 0, 330000, 0.4, 2000 }, { "country", 0, 0, 330000, 0.4, 10000 },
};

/* A star-shaped ring with a smooth and a rough part. */
static struct geo_area *shape_make(void *ctx, const struct shape *h, uint64_t seed, int shift)
{
	char *text = talloc_size(ctx, (h->n + 1) * 40), *t = text;
	double phase[6], amplitude[6];
	struct geo_area *area = geo_area_alloc(ctx);
	struct problem problem;
	int i, k;

	for (k = 0; k < 6; k++) {
		phase[k] = u01(&seed) * 2 * M_PI;
		amplitude[k] = u01(&seed) / (k + 1);
	}
	for (i = 0; i < h->n; i++) {
		double a = 2 * M_PI * (i + 0.6 * (u01(&seed) - 0.5)) / h->n, q = 1;
		struct geo_point p;

		for (k = 0; k < 6; k++)
			q += h->rough * amplitude[k] * sin((k + 2) * a + phase[k]);
		q *= h->radius * (1 + 0.1 * h->rough * (u01(&seed) - 0.5));
		p = point_at(h->x + q * cos(a) + 3 * shift, h->y + q * sin(a) - 2 * shift);
		t += sprintf(t, "%.7f,%.7f ", p.lat / 1e7, p.lon / 1e7);
	}
	strcpy(t, talloc_strndup(text, text, strcspn(text, " ")));
	if (geo_area_add_polygon(area, text, "bench", 0, &problem)) {
		fprintf(stderr, "bench_area: %s\n", problem.detail);
		exit(1);
	}
	talloc_free(text);
	return area;
}

/* ---- GEOS ------------------------------------------------------------------------------- */

static GEOSGeometry *geos_polygon(struct bench *b, const double *x, const double *y, unsigned int n)
{
	GEOSCoordSequence *s = GEOSCoordSeq_create_r(b->geos, n, 2);
	unsigned int i;

	for (i = 0; i < n; i++)
		GEOSCoordSeq_setXY_r(b->geos, s, i, x[i], y[i]);
	return GEOSGeom_createPolygon_r(b->geos, GEOSGeom_createLinearRing_r(b->geos, s), NULL, 0);
}

/* A sector of 12 chords, a disc of 24, in degrees; the radius splits the chords' error. */
static GEOSGeometry *geos_coverage(struct bench *b, const struct geo_footprint *f)
{
	double x0 = f->site.lon / 1e7, y0 = f->site.lat / 1e7, r = fmax(f->range_m, 0.1) * METRE;
	double x[32], y[32], wide = 1 / cos(f->site.lat / 1e7 * M_PI / 180);
	int i, n = 0, chords = f->beam_deg == 360 ? 24 : 12;

	r *= 2 / (1 + cos(f->beam_deg * M_PI / 360 / chords));
	if (f->beam_deg != 360) {
		x[n] = x0;
		y[n++] = y0;
	}
	for (i = 0; i <= chords; i++) {
		double a = f->azimuth_deg - f->beam_deg / 2.0 + f->beam_deg * (double)i / chords;

		if (f->beam_deg == 360 && i == chords)
			break;
		x[n] = x0 + r * wide * sin(a * M_PI / 180);
		y[n++] = y0 + r * cos(a * M_PI / 180);
	}
	x[n] = x[0];
	y[n] = y[0];
	return geos_polygon(b, x, y, n + 1);
}

static void geos_hit(void *item, void *data)
{
	struct bench *b = data;
	size_t i = (uintptr_t)item;

	if (GEOSPreparedIntersects_r(b->geos, b->prepared, b->coverage[i]))
		b->rows[b->n_rows++] = i;
}

static void geos_query(struct bench *b, const GEOSGeometry *g)
{
	b->prepared = GEOSPrepare_r(b->geos, g);
	b->n_rows = 0;
	GEOSSTRtree_query_r(b->geos, b->tree, g, geos_hit, b);
	GEOSPreparedGeom_destroy_r(b->geos, b->prepared);
}

static void geos_build(struct bench *b)
{
	GEOSGeometry *nothing;
	size_t i;

	b->geos = GEOS_init_r();
	b->tree = GEOSSTRtree_create_r(b->geos, 10);
	for (i = 0; i < b->n; i++) {
		b->coverage[i] = geos_coverage(b, &b->cells[i]);
		GEOSSTRtree_insert_r(b->geos, b->tree, b->coverage[i], (void *)(uintptr_t)i);
	}
	/* The tree is built by the first query. */
	nothing = GEOSGeom_createPointFromXY_r(b->geos, -170, 0);
	b->prepared = GEOSPrepare_r(b->geos, nothing);
	GEOSSTRtree_query_r(b->geos, b->tree, nothing, geos_hit, b);
	GEOSPreparedGeom_destroy_r(b->geos, b->prepared);
	GEOSGeom_destroy_r(b->geos, nothing);
}

static void geos_free(struct bench *b)
{
	size_t i;

	GEOSSTRtree_destroy_r(b->geos, b->tree);
	for (i = 0; i < b->n; i++)
		GEOSGeom_destroy_r(b->geos, b->coverage[i]);
	GEOS_finish_r(b->geos);
}

static GEOSGeometry *geos_area(struct bench *b, const struct geo_area *area)
{
	const struct geo_ring *r = &area->rings[0];
	double *x = talloc_array(NULL, double, r->n + 1), *y = talloc_array(x, double, r->n + 1);
	GEOSGeometry *g;
	size_t i;

	for (i = 0; i <= r->n; i++) {
		x[i] = r->lon[i % r->n] / 1e7;
		y[i] = r->lat[i % r->n] / 1e7;
	}
	g = geos_polygon(b, x, y, r->n + 1);
	talloc_free(x);
	return g;
}

/* ---- correctness ------------------------------------------------------------------------ */

static struct cell_search *index_query(const struct cell_index *index, const struct geo_area *area)
{
	struct cell_search *s = cell_search_alloc(NULL, index, area);
	int rc = 0;

	while (s && rc == 0)
		rc = cell_search_step(s, 20000);
	if (rc != 1)
		abort();
	return s;
}

/* Every row, or every k-th where all would take minutes. */
static void check(struct bench *b, const struct shape *h)
{
	struct geo_area *area = shape_make(NULL, h, b->seed, 0);
	struct cell_search *s = index_query(b->index, area);
	GEOSGeometry *g = geos_area(b, area);
	size_t n, i, at = 0, every = 1 + (double)h->n * b->n / 3e8;
	const uint32_t *rows = cell_search_rows(s, &n);

	for (i = 0; i < b->n; i += every) {
		while (at < n && rows[at] < i)
			at++;
		if ((at < n && rows[at] == i) != geo_footprint_meets(&b->cells[i], area)) {
			fprintf(stderr, "%s-%d: row %zu differs from brute force\n", h->name, h->n,
				i);
			b->wrong = true;
			break;
		}
	}
	geos_query(b, g);
	if (fabs((double)b->n_rows - n) > 2 + 0.001 * n) {
		fprintf(stderr, "%s-%d: %zu rows, GEOS %zu\n", h->name, h->n, n, b->n_rows);
		b->wrong = true;
	}
	GEOSGeom_destroy_r(b->geos, g);
	talloc_free(s);
	talloc_free(area);
}

/* ---- times ------------------------------------------------------------------------------ */

struct pairs {
	double a[PAIRS], b[PAIRS], ratio[PAIRS];	/* seconds; ratio = b / a */
};

static int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const double *v, double q)
{
	double sorted[PAIRS];

	memcpy(sorted, v, sizeof(sorted));
	qsort(sorted, PAIRS, sizeof(*sorted), double_cmp);
	return sorted[(int)(q * (PAIRS - 1) + 0.5)];
}

static double time_index(const struct cell_index *index, const struct geo_area *area, size_t *n)
{
	double t = now();
	struct cell_search *s = index_query(index, area);

	(void)cell_search_rows(s, n);
	t = now() - t;
	talloc_free(s);
	return t;
}

static double time_geos(struct bench *b, const struct geo_area *area)
{
	GEOSGeometry *g = geos_area(b, area);
	double t = now();

	geos_query(b, g);
	t = now() - t;
	GEOSGeom_destroy_r(b->geos, g);
	return t;
}

static void pairs_geos(struct bench *b, const struct shape *h, struct pairs *p)
{
	size_t n;
	int i;

	for (i = 0; i < PAIRS; i++) {
		struct geo_area *area = shape_make(NULL, h, b->seed, i + 1);

		p->a[i] = time_index(b->index, area, &n);
		p->b[i] = time_geos(b, area);
		p->ratio[i] = p->b[i] / p->a[i];
		talloc_free(area);
	}
	fprintf(stderr, "%-8s %6d %8zu %9.3f %9.2f %7.0fx %7.0fx %7.0fx\n", h->name, h->n, n,
		quantile(p->a, 0.5) * 1e3, quantile(p->b, 0.5) * 1e3, quantile(p->ratio, 0.1),
		quantile(p->ratio, 0.5), quantile(p->ratio, 0.9));
}

/* Two searches against each other: other index, other polygon. */
static void pairs_index(struct bench *b, const struct cell_index *ia, const struct shape *ha,
			const struct cell_index *ib, const struct shape *hb, struct pairs *p)
{
	size_t n;
	int i;

	for (i = 0; i < PAIRS; i++) {
		struct geo_area *a = shape_make(NULL, ha, b->seed, i + 1);
		struct geo_area *c = shape_make(NULL, hb, b->seed, i + 1);

		p->a[i] = time_index(ia, a, &n);
		p->b[i] = time_index(ib, c, &n);
		p->ratio[i] = p->b[i] / p->a[i];
		talloc_free(a);
		talloc_free(c);
	}
}

/* One goal for the machine. Wanted is at least the threshold, or at most if it is negative. */
static void goal(const struct bench *b, const char *id, double value, double p10, double p90,
		 double threshold, double noise)
{
	bool pass = threshold < 0 ? value <= -threshold : value >= threshold;
	const char *verdict = b->wrong	    ? "fail"
			      : noise > 1.6 ? "unmeasurable"
			      : pass	    ? "pass"
					    : "fail";

	printf("{\"id\":\"%s\",\"value\":%.3f,\"p10\":%.3f,\"p90\":%.3f,\"n\":%d,\"threshold\":%g,"
	       "\"verdict\":\"%s\",\"seed\":%llu,\"cells\":%zu}\n", id, value, p10, p90, PAIRS,
	       fabs(threshold), verdict, (unsigned long long)b->seed, b->n);
	fprintf(stderr, "%s: %.2f (p10 %.2f, p90 %.2f, %s %g): %s\n", id, value, p10, p90,
		threshold < 0 ? "at most" : "at least", fabs(threshold), verdict);
}

static void goal_ratio(const struct bench *b, const char *id, const struct pairs *p,
		       double threshold)
{
	double low = quantile(p->ratio, 0.1), high = quantile(p->ratio, 0.9);

	goal(b, id, quantile(p->ratio, 0.5), low, high, threshold, high / low);
}

static void goal_exponent(const struct bench *b, const char *id, const struct pairs *p, double step,
			  double threshold)
{
	double low = quantile(p->ratio, 0.1), high = quantile(p->ratio, 0.9);

	goal(b, id, log(quantile(p->ratio, 0.5)) / log(step), log(low) / log(step),
	     log(high) / log(step), threshold, high / low);
}

/* P4: sites only, against one pass over the coordinates. */
static void points_against_pass(struct bench *b, const struct shape *h)
{
	struct geo_footprint *sites = talloc_memdup(NULL, b->cells, b->n * sizeof(*sites));
	int32_t *xy = talloc_array(sites, int32_t, 2 * b->n);
	struct cell_index *index;
	struct pairs p;
	size_t i, n, k;

	for (i = 0; i < b->n; i++) {
		sites[i].range_m = 0;
		xy[2 * i] = sites[i].site.lat;
		xy[2 * i + 1] = sites[i].site.lon;
	}
	index = cell_index_build(sites, sites, b->n);
	for (k = 0; k < PAIRS; k++) {
		struct geo_area *area = shape_make(NULL, h, b->seed, k + 1);
		uint32_t sum = 0;
		double t;

		p.b[k] = time_index(index, area, &n);
		t = now();
		for (i = 0; i < 2 * b->n; i++)
			sum += xy[i];
		__asm__ volatile("" : : "r"(sum));
		p.a[k] = now() - t;
		p.ratio[k] = p.b[k] / p.a[k];
		talloc_free(area);
	}
	fprintf(stderr, "points: %zu rows, %.3f ms; one pass %.3f ms\n", n,
		quantile(p.b, 0.5) * 1e3, quantile(p.a, 0.5) * 1e3);
	goal_ratio(b, "P4", &p, -8);
	talloc_free(sites);
}

static void goals(struct bench *b, const struct pairs *p2)
{
	const struct shape *country = &shapes[7], *thousands = &shapes[8], *most = &shapes[9];
	struct cell_index *tenth = cell_index_build(NULL, b->cells, b->n / 10);
	double bytes = (double)talloc_total_size(b->index) / b->n;
	struct pairs p;

	goal_ratio(b, "P2", p2, 150);
	points_against_pass(b, country);
	pairs_index(b, b->index, country, b->index, most, &p);
	goal_ratio(b, "P5", &p, -40);
	pairs_index(b, tenth, country, b->index, country, &p);
	goal_exponent(b, "P6-cells", &p, 10, -1.0);
	pairs_index(b, b->index, thousands, b->index, most, &p);
	goal_exponent(b, "P6-vertices", &p, 5, -1.15);
	goal(b, "P7-geometry", bytes, bytes, bytes, -28, 1);
	talloc_free(tenth);
}

int main(int argc, char **argv)
{
	struct bench b = { .n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000,
			   .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL) };
	struct pairs p, p2 = { { 0 }, { 0 }, { 0 } };
	double t;
	size_t i;

	if (b.n < 1000) {
		fprintf(stderr, "usage: bench_area [cells [seed]], at least 1000 cells\n");
		return 2;
	}
	b.state = b.seed;
	b.cells = talloc_array(NULL, struct geo_footprint, b.n);
	b.coverage = talloc_array(b.cells, GEOSGeometry *, b.n);
	b.rows = talloc_array(b.cells, uint32_t, b.n);
	cells_make(&b);
	t = now();
	b.index = cell_index_build(b.cells, b.cells, b.n);
	fprintf(stderr, "%zu cells, seed %llu; index built in %.0f ms", b.n,
		(unsigned long long)b.seed, (now() - t) * 1e3);
	t = now();
	geos_build(&b);
	fprintf(stderr, ", GEOS tree in %.0f ms\n", (now() - t) * 1e3);
	fprintf(stderr, "%-8s %6s %8s %9s %9s %8s %8s %8s\n", "polygon", "points", "rows",
		"index ms", "GEOS ms", "p10", "median", "p90");
	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		check(&b, &shapes[i]);
		pairs_geos(&b, &shapes[i], &p);
		if (i == 7)
			p2 = p;
	}
	goals(&b, &p2);
	geos_free(&b);
	talloc_free(b.cells);
	return b.wrong;
}
