/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The predicate behind geo_footprint_meets(), in the pieces the index needs.
 *
 * A footprint meets a ring if the site lies inside (decided exactly, in integers, in the plane of
 * longitude and latitude) or if an edge of the ring enters the footprint. For the latter an edge
 * is cut to a window around the footprint, divided until each piece is straight to 0.03 % of the
 * range (or 0.3 m), and laid into the azimuthal equidistant frame at the site, which is computed
 * to better than 0.01 % of the distance. So the border of a footprint is right to
 * max(0.5 m, 0.05 % of the range).
 *
 * All functions take a ring's unrolled longitudes; they find the turn that fits. */

#include <stdbool.h>
#include <stdint.h>

#include <geodesic.h>

#include <tocsin/geo/cell_index.h>

/*! Longitude span of a window that goes all round (a pole is near). */
#define WINDOW_ALL_ROUND UINT32_MAX
/*! Windows with a larger half span of longitude go all round. */
#define WINDOW_MAX_LON (90LL * GEO_DEGREE)

/*! Half spans of a box around the site that holds the footprint, 1e-7 degree. */
struct footprint_window {
	uint32_t lat, lon;
};

/*! One footprint, prepared for many edges. A value. */
struct footprint_frame {
	struct geo_point site;
	struct footprint_window window;
	double range;		/*!< metres; 0 = the site alone */
	double tolerance;	/*!< how far a piece may deviate from the edge, metres */
	bool disc;
	bool wide;		/*!< the sector spans more than half a turn */
	double sin_azimuth, cos_azimuth, sin_half, cos_half;
	bool near;		/*!< the window is small enough for the series */
	double sin_lat, cos_lat;
	double rho, z;		/*!< distance from the axis and from the equator's plane, metres */
	double m, m1;		/*!< radius of curvature of the meridian, and its derivative */
	double max_sin_lat, max_cos_lat;	/*!< in the window */
};

struct footprint_edge {
	int64_t lon1, lon2;	/*!< unrolled, 1e-7 degree, less than 180 degrees apart */
	int32_t lat1, lat2;
};

/*! Half span of the window in latitude, before rounding. */
double footprint_reach(uint32_t range_m);
/*! Span of longitude for a span of latitude, on a parallel; huge near a pole. Grows with |lat|. */
double footprint_stretch(double lat);
void footprint_window(const struct geo_footprint *footprint, struct footprint_window *window);
void footprint_frame_init(struct footprint_frame *frame, const struct geo_footprint *footprint);
bool footprint_meets_edge(const struct footprint_frame *frame, const struct footprint_edge *edge);
/*! Whether edges may meet the footprint all of which lie within a disc; only for windows that do
 *  not go all round.
 *  \param[in] dlat, dlon  from the site to the disc's centre, radians, no farther away than the
 *	window and the disc together reach.
 *  \param[in] radius  metres on the ground, at most FOOTPRINT_MAX_DISC.
 *  \returns false if footprint_meets_edge() says no to each of them. */
bool footprint_near_disc(const struct footprint_frame *frame, double dlat, double dlon,
			 double radius);
#define FOOTPRINT_MAX_DISC 100000.0

/*! WGS 84, for footprint_meets_circle(). */
void footprint_earth_init(struct geod_geodesic *earth);
bool footprint_meets_circle(const struct geo_footprint *footprint, const struct geo_circle *circle,
			    const struct geod_geodesic *earth);

/*! Edge i of a ring, from vertex i to the next. */
static inline struct footprint_edge footprint_ring_edge(const struct geo_ring *ring, size_t i)
{
	size_t j = i + 1 < ring->n ? i + 1 : 0;

	return (struct footprint_edge){ ring->lon[i], ring->lon[j], ring->lat[i], ring->lat[j] };
}

/*! Which side of an edge a point lies on, exact. A point on the line counts as moved a little up
 *  and by far less to the right, so that the answers for several edges fit together.
 *  \returns true for the left side, seen along the edge. */
bool footprint_edge_left(const struct footprint_edge *edge, int64_t lon, int64_t lat);
/*! Even-odd, for a longitude in the ring's own turn. What lies on the border may count either
 *  way: footprint_meets_edge() decides that. */
bool footprint_ring_encloses(const struct geo_ring *ring, int64_t lon, int64_t lat);
