/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Inside of the cell table, shared by its import and its snapshot file. */

#include <tocsin/core/cell.h>

#define CELL_MAX_ROWS 10000000
#define CELL_MAX_PEERS 65535
#define CELL_PEER_LEN 63
#define CELL_MAX_RANGE_M 300000

/*! Columns, one element per cell each, sorted by target. 18 octets of identity and peer. */
struct cell_table {
	size_t n;
	struct target *targets;
	uint16_t *peer_of;		/*!< index into peers */
	struct geo_footprint *footprints;	/*!< NULL once the index has them */
	char **peers;			/*!< in order of first appearance */
	size_t n_peers;
	struct cell_index *index;	/*!< NULL if loaded without */
	uint8_t source[DIGEST_LEN];
};

/*! A table with columns for n cells, to be filled in. NULL when out of memory. */
struct cell_table *cell_table_alloc(void *ctx, size_t n);
/*! Build the index, which takes the footprints over. \returns 0 or -ENOMEM. */
int cell_table_make_index(struct cell_table *table);
/*! Of a row, wherever it is kept. */
struct geo_footprint cell_table_footprint(const struct cell_table *table, uint32_t row);
bool cell_footprint_valid(const struct geo_footprint *f);
bool cell_peer_name_valid(const char *name, size_t len);

/*! The snapshot's octets, malloc()ed; the last DIGEST_LEN of them are the checksum.
 *  \returns 0 or a negative errno. */
int cell_table_encode(const struct cell_table *table, uint8_t **data, size_t *len);
/*! The reverse. \param[in] name  for the problem. */
struct cell_table *cell_table_decode(void *ctx, const uint8_t *data, size_t len, const char *name,
				     bool with_index, struct problem *problem);
