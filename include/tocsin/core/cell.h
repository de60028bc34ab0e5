/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The cell table: identity, footprint and peer of every cell the operator has.
 *
 * One table is immutable; an import makes another one, which replaces it whole. On disk it is one
 * packed, checksummed snapshot file whose name the store keeps. Reference-counted by talloc: the
 * gateway and running plans hold references. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/digest.h>
#include <tocsin/base/problem.h>
#include <tocsin/core/target.h>
#include <tocsin/geo/cell_index.h>

struct cell_table;

struct cell {
	struct target target;
	struct geo_footprint footprint;
	const char *peer;	/*!< borrowed from the table */
};

/*! Knows which peers exist, so that a typing error in a file is found at once. */
typedef bool (*cell_peer_known)(const char *peer, void *data);

/*! Read a CSV file with the header "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg". The first
 *  wrong line refuses the whole file (PROBLEM_CELLS_LINE, where = path, line); a cell given twice
 *  is wrong. Empty lines and lines that start with '#' are skipped; azimuth and beam may be empty
 *  (a disc). Rows are kept sorted by target.
 *  \param[in] known  may be NULL: every peer name is taken.
 *  \returns the table, or NULL. */
struct cell_table *cell_table_import(void *ctx, const char *path, cell_peer_known known, void *data,
				     struct problem *problem);
/*! The same from memory. */
struct cell_table *cell_table_parse(void *ctx, const char *text, size_t len, const char *name,
				    cell_peer_known known, void *data, struct problem *problem);
/*! SHA-256 of a file, as cell_table_source_digest() would give it. \returns 0 or a negative errno. */
int cell_table_digest_file(const char *path, uint8_t digest[DIGEST_LEN]);
/*! A table without cells. */
struct cell_table *cell_table_empty(void *ctx);

/*! Write the snapshot into dir under a name made from its digest, durably (fsync of file and
 *  folder), never changing an existing snapshot of another table.
 *  \param[out] name  file name without folder; at least CELL_SNAPSHOT_NAME_LEN.
 *  \returns 0 or a negative errno. */
#define CELL_SNAPSHOT_NAME_LEN 80
int cell_table_save(const struct cell_table *table, const char *dir, char *name);
/*! Load a snapshot; a wrong checksum, version or length refuses it whole.
 *  \param[in] with_index  false for readers that only list rows. */
struct cell_table *cell_table_load(void *ctx, const char *path, bool with_index, struct problem *problem);

size_t cell_table_count(const struct cell_table *table);
/*! Row i, sorted by target. */
void cell_table_get(const struct cell_table *table, uint32_t row, struct cell *cell);
/*! Peers named in the table, and the peer of a row as an index into them. */
size_t cell_table_n_peers(const struct cell_table *table);
const char *cell_table_peer(const struct cell_table *table, size_t peer);
size_t cell_table_peer_of(const struct cell_table *table, uint32_t row);
const struct target *cell_table_target(const struct cell_table *table, uint32_t row);
/*! Rows of the index are rows of the table. NULL if loaded without. */
const struct cell_index *cell_table_index(const struct cell_table *table);
/*! SHA-256 of the text it was imported from; all zero for the empty table. */
const uint8_t *cell_table_source_digest(const struct cell_table *table);
