/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "footprint.h"

#include <math.h>

#define TURN (360LL * GEO_DEGREE)
#define RADIANS (M_PI / 180 / GEO_DEGREE)

/* WGS 84 */
#define AXIS 6378137.0
#define FLATTENING (1 / 298.257223563)
#define E2 (FLATTENING * (2 - FLATTENING))
#define MIN_CURVATURE_RADIUS 6335439.0	/* of the meridian at the equator */
#define MEAN_RADIUS 6371008.8

/* The series of frame_map_near() stop at the third order: with spans up to this their error is
 * below 1e-5 of the range. */
#define NEAR_SPAN 0.03

/* A window whose rim comes this close to a pole goes all round. */
#define POLAR_LAT (89.9 * GEO_DEGREE)

/* ---- the window ------------------------------------------------------------------------ */

double footprint_reach(uint32_t range_m)
{
	/* A margin for the frame's own error, so that the window never decides. */
	return (range_m * 1.002 + 2) / MIN_CURVATURE_RADIUS / RADIANS;
}

double footprint_stretch(double lat)
{
	return fabs(lat) < POLAR_LAT ? 1 / cos(lat * RADIANS) : 2.0 * TURN;
}

void footprint_window(const struct geo_footprint *footprint, struct footprint_window *window)
{
	double lat = footprint_reach(footprint->range_m);
	double lon = lat * footprint_stretch(fabs((double)footprint->site.lat) + lat);

	window->lat = fmin(lat, 180.0 * GEO_DEGREE) + 1;
	window->lon = lon < WINDOW_MAX_LON ? lon + 1 : WINDOW_ALL_ROUND;
}

/* ---- the frame ------------------------------------------------------------------------- */

struct vec {
	double x, y;	/* east and north of the site, metres */
};

/* Distance from the axis and from the plane of the equator. */
static void meridian_point(double sin_lat, double cos_lat, double *rho, double *z)
{
	double n = AXIS / sqrt(1 - E2 * sin_lat * sin_lat);

	*rho = n * cos_lat;
	*z = n * (1 - E2) * sin_lat;
}

void footprint_frame_init(struct footprint_frame *f, const struct geo_footprint *footprint)
{
	double lat = footprint->site.lat * RADIANS, half, azimuth, w;

	f->site = footprint->site;
	f->range = footprint->range_m;
	f->tolerance = fmax(0.3, 3e-4 * f->range);
	footprint_window(footprint, &f->window);

	f->disc = footprint->beam_deg >= 360;
	f->wide = footprint->beam_deg > 180;
	half = footprint->beam_deg * (M_PI / 360);
	azimuth = footprint->azimuth_deg * (M_PI / 180);
	sincos(azimuth, &f->sin_azimuth, &f->cos_azimuth);
	sincos(half, &f->sin_half, &f->cos_half);

	sincos(lat, &f->sin_lat, &f->cos_lat);
	meridian_point(f->sin_lat, f->cos_lat, &f->rho, &f->z);
	w = 1 - E2 * f->sin_lat * f->sin_lat;
	f->m = AXIS * (1 - E2) / (w * sqrt(w));
	f->m1 = 3 * f->m * E2 * f->sin_lat * f->cos_lat / w;
	f->near = f->window.lon < NEAR_SPAN / RADIANS;
	f->max_sin_lat = fmin(1, fabs(f->sin_lat) + f->window.lat * RADIANS);
	f->max_cos_lat = fmin(1, f->cos_lat + f->window.lat * RADIANS);
}

/* East and north by series in the differences of latitude and longitude, then from the chord's
 * foot to the arc. About four times faster than the general form. */
static struct vec frame_map_near(const struct footprint_frame *f, double dlat, double dlon)
{
	double ms = f->m * f->sin_lat;
	double bend = 0.5 * (f->m * f->cos_lat + f->m1 * f->sin_lat);
	double x = dlon * (f->rho - dlat * (ms + bend * dlat) - f->rho * dlon * dlon * (1.0 / 6));
	double y = dlat * (f->m + dlat * (0.5 * f->m1 - dlat * f->m * (1.0 / 6))) +
		   0.5 * f->sin_lat * dlon * dlon * (f->rho - ms * dlat);
	double arc = 1 + (x * x + y * y) * (1 / (6 * MEAN_RADIUS * MEAN_RADIUS));

	return (struct vec){ x * arc, y * arc };
}

/* The general form: the point in space, seen from the site as east, north and up. The chord gives
 * the distance (the arc over it, with the mean radius: error below 1e-6 up to 450 km), its
 * direction the azimuth. */
static struct vec frame_map_far(const struct footprint_frame *f, double dlat, double dlon)
{
	double sin_lat, cos_lat, sin_lon, cos_lon, rho, z, x, y, up, foot2, chord2, q, arc;

	sincos(f->site.lat * RADIANS + dlat, &sin_lat, &cos_lat);
	sincos(dlon, &sin_lon, &cos_lon);
	meridian_point(sin_lat, cos_lat, &rho, &z);
	x = rho * sin_lon;
	y = f->cos_lat * (z - f->z) - f->sin_lat * (rho * cos_lon - f->rho);
	up = f->sin_lat * (z - f->z) + f->cos_lat * (rho * cos_lon - f->rho);
	foot2 = x * x + y * y;
	chord2 = foot2 + up * up;
	if (foot2 <= 0)
		return (struct vec){ 0, 0 };
	q = chord2 / (4 * MEAN_RADIUS * MEAN_RADIUS);
	arc = sqrt(chord2 / foot2) * (1 + q * (1.0 / 6 + q * (3.0 / 40)));
	return (struct vec){ x * arc, y * arc };
}

static struct vec frame_map(const struct footprint_frame *f, double dlat, double dlon)
{
	return f->near ? frame_map_near(f, dlat, dlon) : frame_map_far(f, dlat, dlon);
}

/* ---- a straight piece against the footprint -------------------------------------------- */

/* Part of a piece, as its parameter: from..to of a + t (b - a). */
struct span {
	double from, to;
};

/* Keep the part of the span where a function that is linear along it is not negative. */
static bool span_cut(struct span *s, double at0, double at1)
{
	double t;

	if (at0 >= 0 && at1 >= 0)
		return true;
	if (at0 < 0 && at1 < 0)
		return false;
	t = at0 / (at0 - at1);
	if (at0 < 0)
		s->from = fmax(s->from, t);
	else
		s->to = fmin(s->to, t);
	return s->from <= s->to;
}

static bool span_cut_disc(struct span *s, struct vec a, struct vec b, double range)
{
	double dx = b.x - a.x, dy = b.y - a.y;
	double qa = dx * dx + dy * dy;
	double qb = a.x * dx + a.y * dy;
	double qc = a.x * a.x + a.y * a.y - range * range;
	double root = qb * qb - qa * qc;

	if (qa <= 0)
		return qc <= 0;
	if (root < 0)
		return false;
	root = sqrt(root);
	s->from = fmax(s->from, (-qb - root) / qa);
	s->to = fmin(s->to, (-qb + root) / qa);
	return s->from <= s->to;
}

/* Turned so that the sector looks along u: a point lies within it when neither the distance to
 * the left bound nor that to the right one is negative; for a sector wider than half a turn, when
 * one of them is not. */
static void sector_bounds(const struct footprint_frame *f, struct vec p, double *left,
			  double *right)
{
	double u = p.x * f->sin_azimuth + p.y * f->cos_azimuth;
	double v = p.x * f->cos_azimuth - p.y * f->sin_azimuth;

	*left = u * f->sin_half - v * f->cos_half;
	*right = u * f->sin_half + v * f->cos_half;
}

static bool sector_meets_span(const struct footprint_frame *f, struct vec a, struct vec b,
			      struct span s)
{
	struct span left_part = s;
	double left0, right0, left1, right1;

	sector_bounds(f, a, &left0, &right0);
	sector_bounds(f, b, &left1, &right1);
	if (f->wide)
		return span_cut(&left_part, left0, left1) || span_cut(&s, right0, right1);
	return span_cut(&s, left0, left1) && span_cut(&s, right0, right1);
}

static bool piece_meets(const struct footprint_frame *f, struct vec a, struct vec b)
{
	struct span s = { 0, 1 };

	if (!span_cut_disc(&s, a, b, f->range))
		return false;
	return f->disc || sector_meets_span(f, a, b, s);
}

/* ---- an edge ---------------------------------------------------------------------------- */

/* The edge relative to the site, radians. */
struct offsets {
	double lat1, lon1, lat2, lon2;
};

/* How many straight pieces stand for it. The deviation of a curve from its chord is at most an
 * eighth of its second derivative, here of the point in space by the parameter along the edge;
 * dlat and dlon are the edge's whole spans. */
static unsigned int pieces(const struct footprint_frame *f, double dlat, double dlon)
{
	double second = 1.02 * AXIS * (dlat * dlat + f->max_cos_lat * dlon * dlon +
				       2 * f->max_sin_lat * fabs(dlat * dlon));

	return ceil(sqrt(fmax(second / (8 * f->tolerance), 1)));
}

static bool offsets_meet(const struct footprint_frame *f, const struct offsets *o)
{
	double w = f->window.lat * RADIANS, dlat = o->lat2 - o->lat1, dlon = o->lon2 - o->lon1;
	struct span s = { 0, 1 };
	struct vec a, b;
	unsigned int i, n;
	double t;

	if (!span_cut(&s, w - o->lat1, w - o->lat2) || !span_cut(&s, w + o->lat1, w + o->lat2))
		return false;
	if (f->window.lon != WINDOW_ALL_ROUND) {
		w = f->window.lon * RADIANS;
		if (!span_cut(&s, w - o->lon1, w - o->lon2) ||
		    !span_cut(&s, w + o->lon1, w + o->lon2))
			return false;
	}
	n = pieces(f, dlat * (s.to - s.from), dlon * (s.to - s.from));
	a = frame_map(f, o->lat1 + dlat * s.from, o->lon1 + dlon * s.from);
	for (i = 1; i <= n; i++) {
		t = s.from + (s.to - s.from) * i / n;
		b = frame_map(f, o->lat1 + dlat * t, o->lon1 + dlon * t);
		if (piece_meets(f, a, b))
			return true;
		a = b;
	}
	return false;
}

/* Whole turns that bring the middle of the edge nearest to the site. An edge spans less than 180
 * degrees and a window that does not go all round at most 180, so no other turn can meet. */
static int64_t edge_turn(const struct footprint_edge *e, int64_t lon)
{
	int64_t twice = e->lon1 + e->lon2 - 2 * lon;	/* to the middle, doubled */
	int64_t turns = (twice + (twice < 0 ? -TURN : TURN)) / (2 * TURN);

	return turns * TURN;
}

/* Sign of twice the area of (edge, point): exact, the products need 68 bits. */
static int edge_side(const struct footprint_edge *e, int64_t lon, int64_t lat)
{
	/* Double arithmetic errs by less than 4096 for values below 2^63; beyond that the sign is
	 * certain. */
	double d = (double)(e->lon2 - e->lon1) * (double)(lat - e->lat1) -
		   (double)(e->lat2 - (int64_t)e->lat1) * (double)(lon - e->lon1);
	__int128 exact;

	if (fabs(d) > 4096)
		return d > 0 ? 1 : -1;
	exact = (__int128)(e->lon2 - e->lon1) * (lat - e->lat1) -
		(__int128)(e->lat2 - (int64_t)e->lat1) * (lon - e->lon1);
	return (exact > 0) - (exact < 0);
}

static bool between(int64_t v, int64_t a, int64_t b)
{
	return a < b ? a <= v && v <= b : b <= v && v <= a;
}

static bool edge_holds_point(const struct footprint_edge *e, int64_t lon, int64_t lat)
{
	/* All longitudes of a pole are one point. */
	if (lat == 90LL * GEO_DEGREE || lat == -90LL * GEO_DEGREE)
		return e->lat1 == lat || e->lat2 == lat;
	return between(lon, e->lon1, e->lon2) && between(lat, e->lat1, e->lat2) &&
	       !edge_side(e, lon, lat);
}

static bool apart(int64_t a, int64_t b, int64_t limit)
{
	return (a > limit && b > limit) || (a < -limit && b < -limit);
}

bool footprint_meets_edge(const struct footprint_frame *f, const struct footprint_edge *e)
{
	int64_t lat1 = (int64_t)e->lat1 - f->site.lat, lat2 = (int64_t)e->lat2 - f->site.lat;
	int64_t lon, lon1, lon2;
	struct offsets o;

	if (apart(lat1, lat2, f->window.lat))
		return false;
	lon = f->site.lon + edge_turn(e, f->site.lon);
	lon1 = e->lon1 - lon;
	lon2 = e->lon2 - lon;
	if (f->window.lon != WINDOW_ALL_ROUND && apart(lon1, lon2, f->window.lon))
		return false;
	if (edge_holds_point(e, lon, f->site.lat))
		return true;
	if (f->range <= 0)
		return false;
	o = (struct offsets){ lat1 * RADIANS, lon1 * RADIANS, lat2 * RADIANS, lon2 * RADIANS };
	return offsets_meet(f, &o);
}

bool footprint_near_disc(const struct footprint_frame *f, double dlat, double dlon, double radius)
{
	struct vec p = frame_map(f, dlat, dlon);
	/* The frame stretches distances across the way to the site, by less than 0.3 % this far
	 * out. The rest is ample for its errors, and the pieces of an edge leave no disc, which is
	 * convex. */
	double r = 1.01 * radius + 1e-3 * f->range + 1, left, right;

	if (p.x * p.x + p.y * p.y > (f->range + r) * (f->range + r))
		return false;
	if (f->disc)
		return true;
	sector_bounds(f, p, &left, &right);
	return f->wide ? left >= -r || right >= -r : left >= -r && right >= -r;
}

bool footprint_edge_left(const struct footprint_edge *e, int64_t lon, int64_t lat)
{
	int s = edge_side(e, lon, lat);

	if (s)
		return s > 0;
	return e->lon2 != e->lon1 ? e->lon2 > e->lon1 : e->lat2 < e->lat1;
}

bool footprint_ring_encloses(const struct geo_ring *ring, int64_t lon, int64_t lat)
{
	bool inside = false;
	size_t i;

	for (i = 0; i < ring->n; i++) {
		struct footprint_edge e = footprint_ring_edge(ring, i);

		/* Edges that a ray to the east crosses. */
		if ((e.lat1 > lat) != (e.lat2 > lat))
			inside ^= footprint_edge_left(&e, lon, lat) == (e.lat2 > e.lat1);
	}
	return inside;
}

/* ---- circles ---------------------------------------------------------------------------- */

void footprint_earth_init(struct geod_geodesic *earth)
{
	geod_init(earth, AXIS, FLATTENING);
}

static double degrees(int32_t v)
{
	return v / (double)GEO_DEGREE;
}

/* Distance along a radial edge of the sector, from the site, of the point nearest to the circle's
 * centre, given the centre's distance and its direction from the edge's. On a sphere of mean
 * radius; the caller repeats it from the point found, which takes the ellipsoid in. */
static double foot_on_line(double distance, double angle)
{
	double arc = distance / MEAN_RADIUS;

	return MEAN_RADIUS * atan2(sin(arc) * cos(angle), cos(arc));
}

static double clamp(double v, double low, double high)
{
	return v < low ? low : v > high ? high : v;
}

/* Distance from the circle's centre to a radial edge of the sector. The distance to a point that
 * is off by some metres is off by no more than that, and the repetition makes it centimetres. */
static double radial_distance(const struct geo_footprint *f, const struct geo_circle *c,
			      double bearing, double distance, double azimuth,
			      const struct geod_geodesic *earth)
{
	double t = clamp(foot_on_line(distance, (azimuth - bearing) * (M_PI / 180)), 0, f->range_m);
	double best = INFINITY, lat, lon, course, d, toward;
	int i;

	for (i = 0; i < 4; i++) {
		geod_direct(earth, degrees(f->site.lat), degrees(f->site.lon), bearing, t, &lat,
			    &lon, &course);
		geod_inverse(earth, lat, lon, degrees(c->centre.lat), degrees(c->centre.lon), &d,
			     &toward, NULL);
		best = fmin(best, d);
		d = clamp(t + foot_on_line(d, (toward - course) * (M_PI / 180)), 0, f->range_m);
		if (fabs(d - t) < 0.01)
			break;
		t = d;
	}
	return best;
}

static double angle_between(double a, double b)
{
	return fabs(remainder(a - b, 360));
}

bool footprint_meets_circle(const struct geo_footprint *f, const struct geo_circle *c,
			    const struct geod_geodesic *earth)
{
	/* A micrometre for rounding, so that equal points are equal whatever their longitude. */
	double radius = c->radius_m + 1e-6, half = f->beam_deg / 2.0, d, azimuth, edge;

	geod_inverse(earth, degrees(f->site.lat), degrees(f->site.lon), degrees(c->centre.lat),
		     degrees(c->centre.lon), &d, &azimuth, NULL);
	if (d <= radius)
		return true;
	if (d > radius + f->range_m)
		return false;
	if (f->beam_deg >= 360 || angle_between(azimuth, f->azimuth_deg) <= half)
		return true;
	edge = radial_distance(f, c, f->azimuth_deg - half, d, azimuth, earth);
	if (edge <= radius)
		return true;
	edge = radial_distance(f, c, f->azimuth_deg + half, d, azimuth, earth);
	return edge <= radius;
}

/* ---- brute force ------------------------------------------------------------------------ */

static bool meets_ring(const struct footprint_frame *f, const struct geo_ring *ring)
{
	size_t i;
	int turn;

	for (turn = -1; turn <= 1; turn++) {
		if (footprint_ring_encloses(ring, f->site.lon + turn * TURN, f->site.lat))
			return true;
	}
	for (i = 0; i < ring->n; i++) {
		struct footprint_edge e = footprint_ring_edge(ring, i);

		if (footprint_meets_edge(f, &e))
			return true;
	}
	return false;
}

bool geo_footprint_meets(const struct geo_footprint *footprint, const struct geo_area *area)
{
	struct footprint_frame frame;
	struct geod_geodesic earth;
	size_t i;

	footprint_frame_init(&frame, footprint);
	for (i = 0; i < area->n_rings; i++) {
		if (meets_ring(&frame, &area->rings[i]))
			return true;
	}
	if (!area->n_circles)
		return false;
	footprint_earth_init(&earth);
	for (i = 0; i < area->n_circles; i++) {
		if (footprint_meets_circle(footprint, &area->circles[i], &earth))
			return true;
	}
	return false;
}
