/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What cell_index.c builds and cell_search.c walks down. The cells stand in columns, in the order
 *  of a Hilbert curve, in blocks of 64; a block and each group of eight boxes above it has a box
 *  around its sites and the largest window of a footprint in it. */

#include <stddef.h>
#include <stdint.h>

#include "footprint.h"

#define BLOCK 64		/*!< cells; bits of a mask */
#define FAN 8
#define MAX_LEVELS 12		/*!< 64 * 8^11 cells */

struct box {
	int32_t lat0, lat1, lon0, lon1;		/*!< of the sites */
	struct footprint_window window;		/*!< the largest one inside */
	uint32_t range;				/*!< the largest one inside, metres */
};

struct cell_index {
	size_t n;
	int32_t *lat, *lon;
	uint32_t *range;
	uint16_t *azimuth, *beam;
	uint32_t *row, *place;			/*!< of a cell; and the reverse, by row */
	unsigned int levels;
	size_t n_boxes[MAX_LEVELS];
	struct box *boxes[MAX_LEVELS];		/*!< [0]: blocks, the last one: the root */
};

/*! The footprint of the cell in place i. */
static inline struct geo_footprint cell_at(const struct cell_index *index, size_t i)
{
	return (struct geo_footprint){
		.site = { index->lat[i], index->lon[i] }, .range_m = index->range[i],
		.azimuth_deg = index->azimuth[i], .beam_deg = index->beam[i],
	};
}

/*! Cells of box i of a level. */
static inline size_t box_cells(const struct cell_index *index, unsigned int level, size_t i,
			       size_t *first)
{
	size_t per_box = (size_t)BLOCK << (3 * level);

	*first = i * per_box;
	return index->n - *first < per_box ? index->n - *first : per_box;
}
