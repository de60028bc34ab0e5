/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The cell table's snapshot file. All numbers are big-endian.
 *
 *	magic "TCSNCELL", u32 version, u32 cells, u32 peers, 32 octets digest of the source text
 *	peers: each u8 length, then the name
 *	columns, one after the other: target (14 octets as target_pack() makes them), peer u16,
 *	latitude i32, longitude i32, range u32, azimuth u16, beam u16
 *	SHA-256 of all of that
 *
 * The name holds the beginning of the digest, so a name never gets another content. */

#include "cell_table.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/wire.h>

#include "file.h"

#define MAGIC "TCSNCELL"
#define MAGIC_LEN 8
#define VERSION 1
#define HEAD_LEN (MAGIC_LEN + 3 * 4 + DIGEST_LEN)
#define ROW_LEN (TARGET_PACKED_LEN + 2 + 3 * 4 + 2 * 2)
#define MAX_LEN (HEAD_LEN + CELL_MAX_PEERS * (1 + CELL_PEER_LEN) + (size_t)CELL_MAX_ROWS * ROW_LEN + DIGEST_LEN)

/* Columns hold many numbers of one kind: quicker than a cursor. */
static uint8_t *put16(uint8_t *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint16_t get16(const uint8_t *column, size_t i)
{
	uint16_t v;

	memcpy(&v, column + i * sizeof(v), sizeof(v));
	return be16toh(v);
}

static uint32_t get32(const uint8_t *column, size_t i)
{
	uint32_t v;

	memcpy(&v, column + i * sizeof(v), sizeof(v));
	return be32toh(v);
}

static void encode_columns(const struct cell_table *table, uint8_t *p)
{
	size_t n = table->n, i;
	uint8_t *peer = p + n * TARGET_PACKED_LEN, *lat = peer + 2 * n, *lon = lat + 4 * n;
	uint8_t *range = lon + 4 * n, *azimuth = range + 4 * n, *beam = azimuth + 2 * n;

	for (i = 0; i < n; i++) {
		struct geo_footprint f = cell_table_footprint(table, i);

		target_pack(&table->targets[i], p + i * TARGET_PACKED_LEN);
		peer = put16(peer, table->peer_of[i]);
		lat = put32(lat, f.site.lat);
		lon = put32(lon, f.site.lon);
		range = put32(range, f.range_m);
		azimuth = put16(azimuth, f.azimuth_deg);
		beam = put16(beam, f.beam_deg);
	}
}

static void encode_head(const struct cell_table *table, struct wire_writer *w)
{
	size_t i;

	wire_write_bytes(w, MAGIC, MAGIC_LEN);
	wire_write_u32(w, VERSION);
	wire_write_u32(w, table->n);
	wire_write_u32(w, table->n_peers);
	wire_write_bytes(w, table->source, DIGEST_LEN);
	for (i = 0; i < table->n_peers; i++) {
		wire_write_u8(w, strlen(table->peers[i]));
		wire_write_bytes(w, table->peers[i], strlen(table->peers[i]));
	}
}

int cell_table_encode(const struct cell_table *table, uint8_t **data, size_t *len)
{
	size_t body = HEAD_LEN + table->n * ROW_LEN, i;
	struct wire_writer w;

	for (i = 0; i < table->n_peers; i++)
		body += 1 + strlen(table->peers[i]);
	*data = malloc(body + DIGEST_LEN);
	if (!*data)
		return -ENOMEM;
	*len = body + DIGEST_LEN;
	w = wire_writer_init(*data, body);
	encode_head(table, &w);
	encode_columns(table, *data + w.pos);
	if (digest_sha256(*data, body, *data + body) < 0) {
		free(*data);
		return -EIO;
	}
	return 0;
}

static int refuse(struct problem *problem, const char *name, const char *why)
{
	return problem_set(problem, PROBLEM_CELLS_FILE, name, 0, "the cell snapshot cannot be used: %s", why);
}

static bool checksum_holds(const uint8_t *data, size_t len)
{
	uint8_t digest[DIGEST_LEN];

	return digest_sha256(data, len - DIGEST_LEN, digest) == 0 &&
	       !memcmp(digest, data + len - DIGEST_LEN, DIGEST_LEN);
}

static int decode_peers(struct cell_table *table, struct wire_reader *r)
{
	size_t i, len;
	const char *name;

	table->peers = talloc_zero_array(table, char *, table->n_peers);
	if (!table->peers)
		return -ENOMEM;
	for (i = 0; i < table->n_peers; i++) {
		len = wire_read_u8(r);
		name = (const char *)wire_read_bytes(r, len);
		if (!name || !cell_peer_name_valid(name, len))
			return -EBADMSG;
		table->peers[i] = talloc_strndup(table->peers, name, len);
		if (!table->peers[i])
			return -ENOMEM;
	}
	return 0;
}

static int decode_targets(struct cell_table *table, const uint8_t *p)
{
	size_t i;

	for (i = 0; i < table->n; i++) {
		struct target *t = &table->targets[i];

		target_unpack(p + i * TARGET_PACKED_LEN, t);
		if (!target_valid(t) || (i && target_compare(t - 1, t) >= 0))
			return -EBADMSG;
	}
	return 0;
}

static int decode_columns(struct cell_table *table, const uint8_t *p)
{
	size_t n = table->n, i;
	const uint8_t *peer = p + n * TARGET_PACKED_LEN, *lat = peer + 2 * n, *lon = lat + 4 * n;
	const uint8_t *range = lon + 4 * n, *azimuth = range + 4 * n, *beam = azimuth + 2 * n;

	for (i = 0; i < n; i++) {
		struct geo_footprint *f = &table->footprints[i];

		table->peer_of[i] = get16(peer, i);
		f->site.lat = (int32_t)get32(lat, i);
		f->site.lon = (int32_t)get32(lon, i);
		f->range_m = get32(range, i);
		f->azimuth_deg = get16(azimuth, i);
		f->beam_deg = get16(beam, i);
		if (table->peer_of[i] >= table->n_peers || !cell_footprint_valid(f))
			return -EBADMSG;
	}
	return decode_targets(table, p);
}

static int decode_body(struct cell_table *table, struct wire_reader *r)
{
	int rc;

	memcpy(table->source, wire_read_bytes(r, DIGEST_LEN), DIGEST_LEN);
	rc = decode_peers(table, r);
	if (rc < 0)
		return rc;
	if (wire_left(r) != table->n * ROW_LEN)
		return -EBADMSG;
	return decode_columns(table, r->data + r->pos);
}

struct cell_table *cell_table_decode(void *ctx, const uint8_t *data, size_t len, const char *name,
				     bool with_index, struct problem *problem)
{
	struct cell_table *table;
	struct wire_reader r;
	uint32_t n, n_peers;
	int rc;

	if (len < HEAD_LEN + DIGEST_LEN || memcmp(data, MAGIC, MAGIC_LEN)) {
		refuse(problem, name, "it is none");
		return NULL;
	}
	r = wire_reader_init(data + MAGIC_LEN, len - MAGIC_LEN - DIGEST_LEN);
	if (wire_read_u32(&r) != VERSION) {
		refuse(problem, name, "it has another version");
		return NULL;
	}
	if (!checksum_holds(data, len)) {
		refuse(problem, name, "its checksum is wrong");
		return NULL;
	}
	n = wire_read_u32(&r);
	n_peers = wire_read_u32(&r);
	if (n > CELL_MAX_ROWS || n_peers > CELL_MAX_PEERS || (uint64_t)n * ROW_LEN > len) {
		refuse(problem, name, "its counts are wrong");
		return NULL;
	}
	table = cell_table_alloc(ctx, n);
	rc = -ENOMEM;
	if (table) {
		table->n_peers = n_peers;
		rc = decode_body(table, &r);
	}
	if (!rc && with_index)
		rc = cell_table_make_index(table);
	if (!rc)
		return table;
	talloc_free(table);
	if (rc == -ENOMEM)
		problem_set(problem, PROBLEM_NO_MEMORY, name, 0, "no memory for this cell table");
	else
		refuse(problem, name, "its content is malformed");
	return NULL;
}

struct cell_table *cell_table_load(void *ctx, const char *path, bool with_index, struct problem *problem)
{
	struct cell_table *table;
	uint8_t *data;
	size_t len;

	if (file_read(path, MAX_LEN, PROBLEM_CELLS_FILE, &data, &len, problem) < 0)
		return NULL;
	table = cell_table_decode(ctx, data, len, path, with_index, problem);
	free(data);
	return table;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, data + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

static int write_durably(int dirfd, const char *name, const uint8_t *data, size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	return rc;
}

/* A rename over a file of the same name puts the same octets in its place, and so mends one that
 * was damaged; whoever has the old one open keeps it. */
static int save_in(int dirfd, const char *name, const uint8_t *data, size_t len)
{
	char temp[CELL_SNAPSHOT_NAME_LEN + 8];
	int rc;

	snprintf(temp, sizeof(temp), "%s.tmp", name);
	rc = write_durably(dirfd, temp, data, len);
	if (!rc && renameat(dirfd, temp, dirfd, name) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(dirfd, temp, 0);
	else if (fsync(dirfd) < 0)
		rc = -errno;
	return rc;
}

int cell_table_save(const struct cell_table *table, const char *dir, char *name)
{
	char hex[2 * 8 + 1];
	uint8_t *data;
	size_t len;
	int rc, dirfd;

	rc = cell_table_encode(table, &data, &len);
	if (rc < 0)
		return rc;
	snprintf(name, CELL_SNAPSHOT_NAME_LEN, "cells-%s.snapshot",
		 digest_hex(data + len - DIGEST_LEN, 8, hex));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dirfd < 0 ? -errno : save_in(dirfd, name, data, len);
	if (dirfd >= 0)
		close(dirfd);
	free(data);
	return rc;
}
