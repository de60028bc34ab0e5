/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Which cells meet an area: a static packed index over footprints.
 *
 * A footprint is a disc (beam_deg 360) or a sector around its site: all points within range_m
 * whose bearing lies within beam_deg / 2 of azimuth_deg; range 0 is the site alone. A footprint
 * meets an area when they share a point. The predicate is evaluated in a local frame at the site
 * (azimuthal equidistant on WGS 84), with an error of at most max(1 m, 0.1 % of the range);
 * geo_footprint_meets() is that predicate and the definition, the index only finds the candidates.
 *
 * Both are closed sets: touching is meeting. A cell in a hole that a ring cuts out with an edge and
 * its way back meets the area if its footprint reaches the ring, the cut included.
 *
 * Immutable once built; may be searched from several threads. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/geo/shape.h>

struct geo_footprint {
	struct geo_point site;
	uint32_t range_m;	/*!< 0 to 300,000 */
	uint16_t azimuth_deg;	/*!< clockwise from north, 0 to 359 */
	uint16_t beam_deg;	/*!< 1 to 360; 360 = disc */
};

struct cell_index;
struct cell_search;

/*! Build an index over n footprints; row i of the answers is element i of the array, which is
 *  copied. \returns NULL when out of memory. */
struct cell_index *cell_index_build(void *ctx, const struct geo_footprint *footprints, size_t n);
size_t cell_index_count(const struct cell_index *index);
/*! The footprint it was built with, so that nobody has to keep another copy.
 *  \param[in] row  less than cell_index_count(). */
struct geo_footprint cell_index_footprint(const struct cell_index *index, uint32_t row);

/*! The predicate itself, one footprint against one area, without any index. */
bool geo_footprint_meets(const struct geo_footprint *footprint, const struct geo_area *area);

/*! Start a search. Index and area are borrowed and must outlive it.
 *  \returns NULL when out of memory. */
struct cell_search *cell_search_alloc(void *ctx, const struct cell_index *index,
				      const struct geo_area *area);
/*! Work for about budget_us microseconds of one core.
 *  \returns 1 when done, 0 when there is more to do, -ENOMEM. */
int cell_search_step(struct cell_search *search, unsigned int budget_us);
/*! Rows found, ascending, without repetition; valid once cell_search_step() returned 1.
 *  \param[out] n  their number.
 *  \returns borrowed array, child of the search. */
const uint32_t *cell_search_rows(const struct cell_search *search, size_t *n);
