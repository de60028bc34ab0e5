/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cell_table.h"

#include <errno.h>

#include <osmocom/core/talloc.h>

struct cell_table *cell_table_alloc(void *ctx, size_t n)
{
	struct cell_table *table = talloc_zero(ctx, struct cell_table);

	if (!table)
		return NULL;
	table->n = n;
	table->targets = talloc_zero_array(table, struct target, n);
	table->peer_of = talloc_zero_array(table, uint16_t, n);
	table->footprints = talloc_zero_array(table, struct geo_footprint, n);
	if (!table->targets || !table->peer_of || !table->footprints) {
		talloc_free(table);
		return NULL;
	}
	return table;
}

int cell_table_make_index(struct cell_table *table)
{
	table->index = cell_index_build(table, table->footprints, table->n);
	if (!table->index)
		return -ENOMEM;
	TALLOC_FREE(table->footprints);
	return 0;
}

struct geo_footprint cell_table_footprint(const struct cell_table *table, uint32_t row)
{
	return table->index ? cell_index_footprint(table->index, row) : table->footprints[row];
}

struct cell_table *cell_table_empty(void *ctx)
{
	struct cell_table *table = cell_table_alloc(ctx, 0);

	if (table && cell_table_make_index(table) < 0) {
		talloc_free(table);
		return NULL;
	}
	return table;
}

bool cell_footprint_valid(const struct geo_footprint *f)
{
	return f->site.lat >= -90 * GEO_DEGREE && f->site.lat <= 90 * GEO_DEGREE &&
	       f->site.lon >= -180 * GEO_DEGREE && f->site.lon <= 180 * GEO_DEGREE &&
	       f->range_m <= CELL_MAX_RANGE_M && f->azimuth_deg <= 359 &&
	       f->beam_deg >= 1 && f->beam_deg <= 360;
}

bool cell_peer_name_valid(const char *name, size_t len)
{
	size_t i;

	if (!len || len > CELL_PEER_LEN)
		return false;
	for (i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

size_t cell_table_count(const struct cell_table *table)
{
	return table->n;
}

void cell_table_get(const struct cell_table *table, uint32_t row, struct cell *cell)
{
	cell->target = table->targets[row];
	cell->footprint = cell_table_footprint(table, row);
	cell->peer = table->peers[table->peer_of[row]];
}

size_t cell_table_n_peers(const struct cell_table *table)
{
	return table->n_peers;
}

const char *cell_table_peer(const struct cell_table *table, size_t peer)
{
	return table->peers[peer];
}

size_t cell_table_peer_of(const struct cell_table *table, uint32_t row)
{
	return table->peer_of[row];
}

const struct target *cell_table_target(const struct cell_table *table, uint32_t row)
{
	return &table->targets[row];
}

const struct cell_index *cell_table_index(const struct cell_table *table)
{
	return table->index;
}

const uint8_t *cell_table_source_digest(const struct cell_table *table)
{
	return table->source;
}
