/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading a cell table from CSV text.
 *
 * One pass over the text fills records in the order of the file; a stable radix sort over a 61-bit
 * key, which orders as target_compare() does, brings them into the order of the table and puts
 * repeated cells side by side, the earlier line first. */

#include "cell_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/text.h>

#include "csv.h"
#include "file.h"

#define HEADER "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg"
#define PEER_SLOTS (1u << 17)	/* power of two, twice CELL_MAX_PEERS */

enum { F_TYPE, F_ID, F_PEER, F_LAT, F_LON, F_RANGE, F_AZIMUTH, F_BEAM };

/* What is sorted: 16 octets. */
struct record {
	uint64_t key;
	uint32_t row;	/* in the order of the file */
	uint32_t line;
};

struct import {
	struct csv csv;
	cell_peer_known known;
	void *data;
	size_t n, max;
	struct record *records;
	struct record *spare;		/* the sort's other half */
	uint16_t *peer_of;
	struct geo_footprint *footprints;
	char **peers;
	size_t n_peers;
	uint32_t *slots;		/* hash of peer names: index + 1, 0 = free */
};

#define wrong(im, ...) csv_wrong(&(im)->csv, __VA_ARGS__)

/* From the top: type 4 bits, MCC 10, MNC 10, its digits 1, value 36. */
static uint64_t target_key(const struct target *t)
{
	return (uint64_t)t->type << 57 | (uint64_t)t->mcc << 47 | (uint64_t)t->mnc << 37 |
	       (uint64_t)(t->mnc_digits - 2) << 36 | t->value;
}

static void key_target(uint64_t key, struct target *t)
{
	*t = (struct target){
		.type = key >> 57, .mcc = key >> 47 & 0x3ff, .mnc = key >> 37 & 0x3ff,
		.mnc_digits = (key >> 36 & 1) + 2, .value = key & ((UINT64_C(1) << 36) - 1),
	};
}

/* FNV-1a. */
static uint32_t hash(const struct csv_field *f)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < f->len; i++)
		h = (h ^ (uint8_t)f->s[i]) * 16777619u;
	return h;
}

static int add_peer(struct import *im, const struct csv_field *f)
{
	char *name;

	if (!cell_peer_name_valid(f->s, f->len))
		return wrong(im, "peer: 1 to %d of the characters A-Z a-z 0-9 . _ - are wanted, not \"%.*s\"",
			     CELL_PEER_LEN, (int)f->len, f->s);
	if (im->n_peers == CELL_MAX_PEERS)
		return wrong(im, "peer: more than %d peers", CELL_MAX_PEERS);
	name = talloc_strndup(im->peers, f->s, f->len);
	if (!name)
		return -ENOMEM;
	if (im->known && !im->known(name, im->data))
		return wrong(im, "peer: \"%s\" is not configured", name);
	im->peers[im->n_peers++] = name;
	return 0;
}

static int find_peer(struct import *im, const struct csv_field *f, uint16_t *peer)
{
	uint32_t slot = hash(f) & (PEER_SLOTS - 1);
	int rc;

	for (; im->slots[slot]; slot = (slot + 1) & (PEER_SLOTS - 1)) {
		const char *name = im->peers[im->slots[slot] - 1];

		if (strlen(name) == f->len && !memcmp(name, f->s, f->len)) {
			*peer = im->slots[slot] - 1;
			return 0;
		}
	}
	rc = add_peer(im, f);
	if (rc < 0)
		return rc;
	im->slots[slot] = im->n_peers;
	*peer = im->n_peers - 1;
	return 0;
}

static int read_target(struct import *im, const struct csv_field *f, uint64_t *key)
{
	struct target t;
	const char *why;

	if (f[F_TYPE].len != 3 || memcmp(f[F_TYPE].s, "cgi", 3))
		return wrong(im, "type: only cgi can be imported, not \"%.*s\"",
			     (int)f[F_TYPE].len, f[F_TYPE].s);
	if (target_parse(TARGET_CGI, f[F_ID].s, f[F_ID].len, &t, &why) < 0)
		return wrong(im, "id: %s, not \"%.*s\"", why, (int)f[F_ID].len, f[F_ID].s);
	*key = target_key(&t);
	return 0;
}

static int read_degrees(struct import *im, const struct csv_field *f, const char *field, int limit,
			int32_t *out)
{
	int64_t v;

	if (text_decimal(f->s, f->len, 7, &v) < 0 || v < -(int64_t)limit * GEO_DEGREE ||
	    v > (int64_t)limit * GEO_DEGREE)
		return wrong(im, "%s: a decimal number from -%d to %d is wanted, not \"%.*s\"",
			     field, limit, limit, (int)f->len, f->s);
	*out = v;
	return 0;
}

static int read_whole(struct import *im, const struct csv_field *f, const char *field, unsigned int min,
		      unsigned int max, uint32_t *out)
{
	uint64_t v;

	if (text_uint(f->s, f->len, max, &v) < 0 || v < min)
		return wrong(im, "%s: a whole number from %u to %u is wanted, not \"%.*s\"",
			     field, min, max, (int)f->len, f->s);
	*out = v;
	return 0;
}

static int read_sector(struct import *im, const struct csv_field *f, struct geo_footprint *fp)
{
	uint32_t azimuth = 0, beam = 360;

	if (!f[F_AZIMUTH].len != !f[F_BEAM].len)
		return wrong(im, "azimuth_deg and beam_deg go together: give both or neither");
	if (f[F_BEAM].len && (read_whole(im, &f[F_AZIMUTH], "azimuth_deg", 0, 359, &azimuth) < 0 ||
			      read_whole(im, &f[F_BEAM], "beam_deg", 1, 360, &beam) < 0))
		return -EINVAL;
	fp->azimuth_deg = azimuth;
	fp->beam_deg = beam;
	return 0;
}

static int read_footprint(struct import *im, const struct csv_field *f, struct geo_footprint *fp)
{
	if (read_degrees(im, &f[F_LAT], "lat", 90, &fp->site.lat) < 0 ||
	    read_degrees(im, &f[F_LON], "lon", 180, &fp->site.lon) < 0 ||
	    read_whole(im, &f[F_RANGE], "range_m", 0, CELL_MAX_RANGE_M, &fp->range_m) < 0)
		return -EINVAL;
	return read_sector(im, f, fp);
}

static int read_row(void *data, const struct csv_field *f)
{
	struct import *im = data;
	struct record *record = &im->records[im->n];
	int rc;

	if (im->n == im->max)
		return wrong(im, "more than %d cells", CELL_MAX_ROWS);
	rc = read_target(im, f, &record->key);
	if (!rc)
		rc = find_peer(im, &f[F_PEER], &im->peer_of[im->n]);
	if (!rc)
		rc = read_footprint(im, f, &im->footprints[im->n]);
	record->row = im->n++;
	record->line = im->csv.line;
	return rc;
}

/* One pass of the sort; skipped when all records have the same octet there. */
static void sort_by_octet(struct import *im, unsigned int shift)
{
	size_t start[256] = { 0 }, sum = 0, count, i;
	struct record *swap;

	for (i = 0; i < im->n; i++)
		start[im->records[i].key >> shift & 0xff]++;
	if (im->n && start[im->records[0].key >> shift & 0xff] == im->n)
		return;
	for (i = 0; i < 256; i++) {
		count = start[i];
		start[i] = sum;
		sum += count;
	}
	for (i = 0; i < im->n; i++)
		im->spare[start[im->records[i].key >> shift & 0xff]++] = im->records[i];
	swap = im->records;
	im->records = im->spare;
	im->spare = swap;
}

static int refuse_repeated(struct import *im)
{
	char text[TARGET_TEXT_LEN];
	const struct record *first = NULL, *r;
	struct target t;
	size_t i;

	/* Of several, name the one that comes first in the file. */
	for (i = 1; i < im->n; i++) {
		r = &im->records[i];
		if (r->key == r[-1].key && (!first || r->line < first->line))
			first = r;
	}
	if (!first)
		return 0;
	key_target(first->key, &t);
	im->csv.line = first->line;
	return wrong(im, "id: %s was given before, in line %u", target_format(&t, text, sizeof(text)),
		     first[-1].line);
}

static struct cell_table *make_table(void *ctx, struct import *im)
{
	struct cell_table *table = cell_table_alloc(ctx, im->n);
	size_t i;

	if (!table)
		return NULL;
	for (i = 0; i < im->n; i++) {
		uint32_t row = im->records[i].row;

		key_target(im->records[i].key, &table->targets[i]);
		table->peer_of[i] = im->peer_of[row];
		table->footprints[i] = im->footprints[row];
	}
	/* It had room for as many as there may be. */
	table->peers = talloc_realloc(im, im->peers, char *, im->n_peers + 1);
	if (!table->peers) {
		talloc_free(table);
		return NULL;
	}
	im->peers = NULL;
	talloc_steal(table, table->peers);
	table->n_peers = im->n_peers;
	return table;
}

static int import_alloc(struct import *im)
{
	im->records = talloc_array(im, struct record, im->max);
	im->spare = talloc_array(im, struct record, im->max);
	im->peer_of = talloc_array(im, uint16_t, im->max);
	im->footprints = talloc_array(im, struct geo_footprint, im->max);
	im->peers = talloc_zero_array(im, char *, CELL_MAX_PEERS);
	im->slots = talloc_zero_array(im, uint32_t, PEER_SLOTS);
	return im->records && im->spare && im->peer_of && im->footprints && im->peers && im->slots ?
	       0 : -ENOMEM;
}

static int import_run(struct import *im, void *ctx, const char *text, size_t len, struct cell_table **table)
{
	unsigned int shift;
	int rc = import_alloc(im);

	if (!rc)
		rc = csv_read(&im->csv, text, len);
	if (rc < 0)
		return rc;
	for (shift = 0; shift < 64; shift += 8)
		sort_by_octet(im, shift);
	rc = refuse_repeated(im);
	if (rc < 0)
		return rc;
	*table = make_table(ctx, im);
	if (!*table || cell_table_make_index(*table) < 0)
		return -ENOMEM;
	return digest_sha256(text, len, (*table)->source);
}

struct cell_table *cell_table_parse(void *ctx, const char *text, size_t len, const char *name,
				    cell_peer_known known, void *data, struct problem *problem)
{
	struct import *im = talloc_zero(ctx, struct import);
	struct cell_table *table = NULL;
	int rc = -ENOMEM;

	if (!len)
		text = "";
	if (im) {
		im->csv = (struct csv){ .header = HEADER, .name = name, .code = PROBLEM_CELLS_LINE,
					.problem = problem, .row = read_row, .data = im };
		im->known = known;
		im->data = data;
		im->max = csv_count_lines(text, len, CELL_MAX_ROWS);
		rc = import_run(im, ctx, text, len, &table);
	}
	if (rc < 0) {
		talloc_free(table);
		table = NULL;
	}
	if (rc == -ENOMEM)
		problem_set(problem, PROBLEM_NO_MEMORY, name, 0, "no memory for this cell table");
	if (rc == -EIO)
		problem_set(problem, PROBLEM_INTERNAL, name, 0, "SHA-256 is not available");
	talloc_free(im);
	return table;
}

struct cell_table *cell_table_import(void *ctx, const char *path, cell_peer_known known, void *data,
				     struct problem *problem)
{
	struct cell_table *table;
	uint8_t *text;
	size_t len;

	if (file_read(path, CSV_MAX_FILE, PROBLEM_CELLS_FILE, &text, &len, problem) < 0)
		return NULL;
	table = cell_table_parse(ctx, (const char *)text, len, path, known, data, problem);
	free(text);
	return table;
}

int cell_table_digest_file(const char *path, uint8_t digest[DIGEST_LEN])
{
	uint8_t *text;
	size_t len;
	int rc;

	if (file_read(path, CSV_MAX_FILE, PROBLEM_CELLS_FILE, &text, &len, NULL) < 0)
		return -EIO;
	rc = digest_sha256(text, len, digest);
	free(text);
	return rc;
}
