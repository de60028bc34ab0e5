/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Deliveries of the store: each is put together from its row, its targets and the chunks of its
 * evidence. All of it is read under one statement that is being stepped, and so of one commit. */

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "store_rows.h"

#define MSISDN_MIN_DIGITS 3
#define MSISDN_MAX_DIGITS 15

static void targets_from_row(struct columns *c, struct delivery_row *row)
{
	size_t n, i;
	const uint8_t *p = col_packed(c, TARGET_PACKED_LEN, &n);
	struct target *t;

	if (c->error || n != row->n) {
		damaged(c);
		return;
	}
	t = talloc_array(c->ctx, struct target, n);
	if (!t)
		no_memory(c);
	for (i = 0; t && i < n; i++) {
		target_unpack(p + i * TARGET_PACKED_LEN, &t[i]);
		if (!target_valid(&t[i]) || (i && target_compare(&t[i - 1], &t[i]) >= 0))
			damaged(c);
	}
	row->wanted = t;
}

/* No number at all, or one without a leading zero. */
static bool msisdn_valid(const struct msisdn *m)
{
	uint64_t limit = 1;
	unsigned int i;

	if (!m->digits)
		return !m->number;
	if (m->digits < MSISDN_MIN_DIGITS || m->digits > MSISDN_MAX_DIGITS)
		return false;
	for (i = 1; i < m->digits; i++)
		limit *= 10;
	return m->number >= limit && m->number / 10 < limit;
}

static bool detail_unpack(const uint8_t *p, struct recipient_detail *detail)
{
	uint64_t packed;

	memcpy(&packed, p, MSISDN_PACKED_LEN);
	packed = be64toh(packed);
	detail->msisdn.digits = packed >> 56;
	detail->msisdn.number = packed & ((UINT64_C(1) << 56) - 1);
	target_unpack(p + MSISDN_PACKED_LEN, &detail->at);
	return msisdn_valid(&detail->msisdn) && (!detail->at.type || target_valid(&detail->at));
}

static void details_from_row(struct columns *c, struct delivery_row *row)
{
	struct recipient_detail *details;
	const uint8_t *p;
	size_t n, i;

	if (sqlite3_column_type(c->stmt, c->next) == SQLITE_NULL) {
		c->next++;
		return;
	}
	p = col_packed(c, DETAIL_PACKED_LEN, &n);
	if (c->error || n != row->n) {
		damaged(c);
		return;
	}
	details = talloc_array(c->ctx, struct recipient_detail, n);
	if (!details)
		no_memory(c);
	for (i = 0; details && i < n; i++) {
		if (!detail_unpack(p + i * DETAIL_PACKED_LEN, &details[i]))
			damaged(c);
	}
	row->details = details;
}

/* Evidence of one delivery while its chunks are read. */
struct chunks {
	const struct target *wanted;
	struct evidence *evidence;
	size_t n;
};

static bool evidence_valid(const struct evidence *e)
{
	return e->write_answer < _NUM_PEER_ANSWER && e->stop_answer < _NUM_PEER_ANSWER &&
	       e->doubt <= DOUBT_SILENT && e->wait < _NUM_WAIT;
}

static bool unpack_evidence(const uint8_t *p, size_t len, const struct target *target,
			    struct evidence *e)
{
	uint8_t whole[EVIDENCE_PACKED_LEN] = { 0 };
	struct evidence fresh;

	memcpy(whole, p, len);
	evidence_unpack(whole, e);
	/* Whether it is given once lies in the target, whatever was written. */
	evidence_init(&fresh, target);
	e->flags = (e->flags & ~EVIDENCE_ONCE) | (fresh.flags & EVIDENCE_ONCE);
	return evidence_valid(e);
}

static void unpack_all(struct columns *c, const uint8_t *p, size_t len, const struct chunks *chunks,
		       size_t first, size_t n)
{
	size_t i;

	for (i = first; i < first + n; i++, p += len) {
		if (!unpack_evidence(p, len, &chunks->wanted[i], &chunks->evidence[i]))
			damaged(c);
	}
}

static int chunk_from_row(struct columns *c, void *data)
{
	const struct chunks *chunks = data;
	size_t chunk = col_range(c, 0, INT32_MAX);
	size_t n = chunk_targets(chunks->n, chunk), len;
	const uint8_t *blob = col_blob(c, &len);

	if (!n || len != 1 + n * EVIDENCE_PACKED_LEN || *blob != EVIDENCE_VERSION)
		damaged(c);
	if (!c->error)
		unpack_all(c, blob + 1, EVIDENCE_PACKED_LEN, chunks, chunk * EVIDENCE_CHUNK, n);
	return c->error;
}

/* Nothing but a version: nothing had happened when an older program wrote it. */
static void old_evidence_from_row(struct columns *c, const struct chunks *chunks)
{
	const uint8_t *p;
	size_t n;

	if (sqlite3_column_type(c->stmt, c->next) == SQLITE_NULL) {
		c->next++;
		return;
	}
	p = col_packed(c, OLD_EVIDENCE_PACKED_LEN, &n);
	if (n && n != chunks->n)
		damaged(c);
	if (!c->error)
		unpack_all(c, p, OLD_EVIDENCE_PACKED_LEN, chunks, 0, n);
}

/* Where there is neither a chunk nor an older program's evidence, nothing has happened yet. */
static void read_evidence(struct columns *c, int64_t delivery, struct delivery_row *row)
{
	struct evidence *e = talloc_array(c->ctx, struct evidence, row->n);
	struct chunks chunks = { .wanted = row->wanted, .evidence = e, .n = row->n };
	size_t i;

	if (!e) {
		no_memory(c);
		return;
	}
	for (i = 0; i < row->n; i++)
		evidence_init(&e[i], &row->wanted[i]);
	old_evidence_from_row(c, &chunks);
	sqlite3_bind_int64(c->sql->stmts[SQL_READ_EVIDENCE], 1, delivery);
	if (!c->error)
		c->error = each_row(c->sql, SQL_READ_EVIDENCE, NULL, chunk_from_row, &chunks);
	row->evidence = e;
}

int delivery_from_row(struct columns *c, const char *alert_id, struct delivery_row *row)
{
	int64_t id = col_int(c);

	OSMO_STRLCPY_ARRAY(row->alert_id, alert_id);
	row->message_nr = col_range(c, 1, UINT32_MAX);
	row->peer = col_text(c);
	row->revision = col_range(c, 0, UINT32_MAX);
	row->n = col_range(c, 0, RECIPIENT_MAX_ROWS);
	row->settled = col_int(c);
	row->updated_utc = col_int(c);
	targets_from_row(c, row);
	details_from_row(c, row);
	if (!c->error)
		read_evidence(c, id, row);
	if (c->error == -EBADMSG)
		snprintf(c->sql->why, sizeof(c->sql->why),
			 "alert=%s peer=%.64s: the stored targets or evidence of message %u, revision %u"
			 " are damaged", row->alert_id, row->peer ? row->peer : "?", row->message_nr,
			 row->revision);
	return c->error;
}

/* Loading */

struct load {
	const char *alert_id;
	int (*on_delivery)(const struct delivery_row *row, void *data);
	int (*on_handle)(const struct handle_row *row, void *data);
	void *data;
};

static int load_delivery(struct columns *c, void *data)
{
	struct load *load = data;
	struct delivery_row row = { 0 };
	int rc = delivery_from_row(c, load->alert_id, &row);

	return rc < 0 ? rc : load->on_delivery(&row, load->data);
}

static int load_handle(struct columns *c, void *data)
{
	struct load *load = data;
	struct handle_row row = { 0 };

	row.peer = col_text(c);
	row.handle = col_text(c);
	row.message_nr = col_range(c, 1, UINT32_MAX);
	row.lane = col_text(c);
	row.revision = col_range(c, 0, UINT32_MAX);
	row.target = col_range(c, 0, RECIPIENT_MAX_ROWS - 1);
	if (col_int(c) <= (int64_t)row.target)
		damaged(c);
	if (c->error == -EBADMSG)
		snprintf(c->sql->why, sizeof(c->sql->why),
			 "alert=%s peer=%.64s: a handle of message %u, revision %u is damaged",
			 load->alert_id, row.peer ? row.peer : "?", row.message_nr, row.revision);
	return c->error ? c->error : load->on_handle(&row, load->data);
}

static int on_delivery(struct columns *c, void *data) { return own_row(c, load_delivery, data); }
static int on_handle(struct columns *c, void *data) { return own_row(c, load_handle, data); }

int sql_load_deliveries(struct sql *sql, const char *alert_id, const char *peer,
			int (*cb)(const struct delivery_row *row, void *data), void *data)
{
	struct load load = { .alert_id = alert_id, .on_delivery = cb, .data = data };

	bind_text(sql, SQL_READ_DELIVERIES, 1, alert_id);
	bind_text(sql, SQL_READ_DELIVERIES, 2, peer);
	return each_row(sql, SQL_READ_DELIVERIES, NULL, on_delivery, &load);
}

int sql_load_handles(struct sql *sql, const char *alert_id,
		     int (*cb)(const struct handle_row *row, void *data), void *data)
{
	struct load load = { .alert_id = alert_id, .on_handle = cb, .data = data };

	bind_text(sql, SQL_READ_HANDLES, 1, alert_id);
	return each_row(sql, SQL_READ_HANDLES, NULL, on_handle, &load);
}
