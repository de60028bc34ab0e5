/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Built from the cells upwards: sorted along the curve, so that neighbours share a block, then a
 * box around each block and each group of eight boxes. */

#include <tocsin/geo/cell_index.h>

#include <math.h>
#include <string.h>

#include <talloc.h>

#include "cell_tree.h"

struct key {
	uint32_t curve, row;
};

/* Position on a Hilbert curve through a square of 65536 x 65536. */
static uint32_t hilbert(uint32_t x, uint32_t y)
{
	uint32_t d = 0, s, t;

	for (s = 1U << 15; s; s >>= 1) {
		uint32_t right = (x & s) > 0, up = (y & s) > 0;

		d += s * s * ((3 * right) ^ up);
		if (!up) {
			if (right) {
				x = 65535 - x;
				y = 65535 - y;
			}
			t = x;
			x = y;
			y = t;
		}
	}
	return d;
}

static struct box box_around(const struct geo_footprint *f, size_t n)
{
	struct box b = {
		.lat0 = INT32_MAX, .lat1 = INT32_MIN, .lon0 = INT32_MAX, .lon1 = INT32_MIN
	};
	size_t i;

	for (i = 0; i < n; i++) {
		b.lat0 = f[i].site.lat < b.lat0 ? f[i].site.lat : b.lat0;
		b.lat1 = f[i].site.lat > b.lat1 ? f[i].site.lat : b.lat1;
		b.lon0 = f[i].site.lon < b.lon0 ? f[i].site.lon : b.lon0;
		b.lon1 = f[i].site.lon > b.lon1 ? f[i].site.lon : b.lon1;
	}
	return b;
}

static void keys_make(const struct geo_footprint *f, size_t n, struct key *keys)
{
	struct box b = box_around(f, n);
	double scale_lat = 65535.0 / fmax(1, (double)b.lat1 - b.lat0);
	double scale_lon = 65535.0 / fmax(1, (double)b.lon1 - b.lon0);
	size_t i;

	for (i = 0; i < n; i++) {
		keys[i].curve = hilbert(((double)f[i].site.lon - b.lon0) * scale_lon,
					((double)f[i].site.lat - b.lat0) * scale_lat);
		keys[i].row = i;
	}
}

/* Stable radix sort, three passes of 11 bits. \returns the one of both arrays with the result. */
static struct key *keys_sort(struct key *keys, struct key *other, size_t n)
{
	size_t counts[2048], i, sum, c;
	unsigned int shift;
	struct key *swap;

	for (shift = 0; shift < 33; shift += 11) {
		memset(counts, 0, sizeof(counts));
		for (i = 0; i < n; i++)
			counts[(keys[i].curve >> shift) & 2047]++;
		for (i = 0, sum = 0; i < 2048; i++) {
			c = counts[i];
			counts[i] = sum;
			sum += c;
		}
		for (i = 0; i < n; i++)
			other[counts[(keys[i].curve >> shift) & 2047]++] = keys[i];
		swap = keys;
		keys = other;
		other = swap;
	}
	return keys;
}

static void columns_fill(struct cell_index *index, const struct geo_footprint *footprints,
			 const struct key *keys)
{
	size_t i;

	for (i = 0; i < index->n; i++) {
		const struct geo_footprint *f = &footprints[keys[i].row];

		index->lat[i] = f->site.lat;
		index->lon[i] = f->site.lon;
		index->range[i] = f->range_m;
		index->azimuth[i] = f->azimuth_deg;
		index->beam[i] = f->beam_deg;
		index->row[i] = keys[i].row;
		index->place[keys[i].row] = i;
	}
}

static void box_add(struct box *b, const struct box *other)
{
	b->lat0 = other->lat0 < b->lat0 ? other->lat0 : b->lat0;
	b->lat1 = other->lat1 > b->lat1 ? other->lat1 : b->lat1;
	b->lon0 = other->lon0 < b->lon0 ? other->lon0 : b->lon0;
	b->lon1 = other->lon1 > b->lon1 ? other->lon1 : b->lon1;
	b->window.lat = other->window.lat > b->window.lat ? other->window.lat : b->window.lat;
	b->window.lon = other->window.lon > b->window.lon ? other->window.lon : b->window.lon;
	b->range = other->range > b->range ? other->range : b->range;
}

static struct box box_of_cell(const struct cell_index *index, size_t i)
{
	struct geo_footprint f = cell_at(index, i);
	struct box b = { f.site.lat, f.site.lat, f.site.lon, f.site.lon, { 0, 0 }, f.range_m };

	footprint_window(&f, &b.window);
	return b;
}

static void blocks_fill(struct cell_index *index)
{
	size_t i;

	for (i = 0; i < index->n; i++) {
		struct box *block = &index->boxes[0][i / BLOCK], b = box_of_cell(index, i);

		if (i % BLOCK == 0)
			*block = b;
		else
			box_add(block, &b);
	}
}

static void level_fill(struct cell_index *index, unsigned int level)
{
	const struct box *below = index->boxes[level - 1];
	size_t i;

	for (i = 0; i < index->n_boxes[level - 1]; i++) {
		struct box *b = &index->boxes[level][i / FAN];

		if (i % FAN == 0)
			*b = below[i];
		else
			box_add(b, &below[i]);
	}
}

static bool columns_alloc(struct cell_index *index)
{
	index->lat = talloc_array(index, int32_t, index->n);
	index->lon = talloc_array(index, int32_t, index->n);
	index->range = talloc_array(index, uint32_t, index->n);
	index->azimuth = talloc_array(index, uint16_t, index->n);
	index->beam = talloc_array(index, uint16_t, index->n);
	index->row = talloc_array(index, uint32_t, index->n);
	index->place = talloc_array(index, uint32_t, index->n);
	return index->lat && index->lon && index->range && index->azimuth && index->beam &&
	       index->row && index->place;
}

static bool boxes_alloc(struct cell_index *index)
{
	size_t n = (index->n + BLOCK - 1) / BLOCK;

	while (n) {
		unsigned int l = index->levels++;

		index->n_boxes[l] = n;
		index->boxes[l] = talloc_array(index, struct box, n);
		if (!index->boxes[l])
			return false;
		n = n > 1 ? (n + FAN - 1) / FAN : 0;
	}
	return true;
}

static bool index_fill(struct cell_index *index, const struct geo_footprint *footprints)
{
	struct key *keys = talloc_array(index, struct key, index->n);
	struct key *other = talloc_array(index, struct key, index->n);
	bool ok = keys && other;
	unsigned int level;

	if (ok) {
		keys_make(footprints, index->n, keys);
		columns_fill(index, footprints, keys_sort(keys, other, index->n));
		blocks_fill(index);
		for (level = 1; level < index->levels; level++)
			level_fill(index, level);
	}
	talloc_free(keys);
	talloc_free(other);
	return ok;
}

struct cell_index *cell_index_build(void *ctx, const struct geo_footprint *footprints, size_t n)
{
	struct cell_index *index;

	if (n > UINT32_MAX)
		return NULL;
	index = talloc_zero(ctx, struct cell_index);
	if (!index)
		return NULL;
	index->n = n;
	if (n && (!columns_alloc(index) || !boxes_alloc(index) || !index_fill(index, footprints))) {
		talloc_free(index);
		return NULL;
	}
	return index;
}

size_t cell_index_count(const struct cell_index *index)
{
	return index->n;
}

struct geo_footprint cell_index_footprint(const struct cell_index *index, uint32_t row)
{
	return cell_at(index, index->place[row]);
}
