/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Areas on the earth: polygons and circles on WGS 84.
 *
 * Coordinates are integers of 1e-7 degree. Edges of a polygon are straight in longitude/latitude
 * (RFC 7946, 3.1.1), the short way round; a ring may cross the antimeridian: its longitudes are
 * then unrolled, so a vertex may lie beyond ±180 degrees. Circles are WGS 84 geodesics. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

#define GEO_DEGREE 10000000
#define GEO_MAX_VERTICES 100000		/*!< of one polygon */
#define GEO_MAX_AREA_VERTICES 500000	/*!< of one area */
#define GEO_MAX_RINGS 5000		/*!< polygons and circles of one area together */

struct geo_point {
	int32_t lat, lon;	/*!< 1e-7 degree */
};

/*! A ring: vertices without the repeated last one; longitudes unrolled (int64 so that a ring may
 *  span more than ±214 degrees). */
struct geo_ring {
	int64_t *lon;
	int32_t *lat;
	size_t n;
};

struct geo_circle {
	struct geo_point centre;
	double radius_m;	/*!< 0 allowed: the point itself */
};

/*! Union of polygons and circles. Rings and arrays are talloc children of the area. */
struct geo_area {
	struct geo_ring *rings;
	size_t n_rings;
	struct geo_circle *circles;
	size_t n_circles;
	size_t n_vertices;
};

struct geo_area *geo_area_alloc(void *ctx);

/*! Add a CAP polygon: "lat,lon lat,lon ..." (CAP 3.2.4), at least four pairs, last equal to first.
 *  Refused: fewer points, not closed, out of range (latitude beyond 90, longitude beyond 180), no
 *  numbers, all points on one line (no area), limits exceeded; an edge of exactly 180 degrees of
 *  longitude, a ring round a pole or more than once round the earth (their inside is ambiguous); a
 *  ring that crosses itself, overlaps itself, encloses a place twice or has a spike to the outside.
 *  Accepted: touching itself in a point, and going along an edge inside and back (a cut to a hole).
 *  A refused polygon leaves the area as it was.
 *  \param[in] where, line  for the problem.
 *  \returns 0 or -EINVAL (PROBLEM_AREA_POLYGON, PROBLEM_AREA_TOO_COMPLEX), -ENOMEM. */
int geo_area_add_polygon(struct geo_area *area, const char *text, const char *where,
			 unsigned int line, struct problem *problem);
/*! Add a CAP circle: "lat,lon radius", radius in kilometres, 0 to 20,037.
 *  \returns 0 or -EINVAL (PROBLEM_AREA_CIRCLE), -ENOMEM. */
int geo_area_add_circle(struct geo_area *area, const char *text, const char *where,
			unsigned int line, struct problem *problem);
