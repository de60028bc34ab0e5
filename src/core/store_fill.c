/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Filling in transactions of the store: rows into values of statements. */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "store_txn.h"

#define TXN_BLOCK 32768
#define ROOM_ALIGN _Alignof(max_align_t)

struct store_txn *store_txn_alloc(struct store *store)
{
	struct store_txn *txn = talloc_zero(NULL, struct store_txn);

	(void)store;	/* nobody's child: it goes to another thread */
	if (txn)
		INIT_LLIST_HEAD(&txn->ops);
	return txn;
}

/* An alert for thousands of peers has tens of thousands of values, and they all go at once. */
static void *txn_room(struct store_txn *txn, size_t len)
{
	uint8_t *room;
	size_t size;

	len = (len + ROOM_ALIGN - 1) / ROOM_ALIGN * ROOM_ALIGN;
	if (len > txn->block_left) {
		size = OSMO_MAX(len, TXN_BLOCK);
		txn->block = talloc_size(txn, size);
		txn->block_left = txn->block ? size : 0;
	}
	if (!txn->block) {
		txn->error = -ENOMEM;
		return NULL;
	}
	room = txn->block;
	txn->block += len;
	txn->block_left -= len;
	return room;
}

static struct op *op_add(struct store_txn *txn, enum sql_stmt stmt, size_t max)
{
	struct op *op = txn_room(txn, sizeof(*op) + max * sizeof(op->values[0]));

	if (!op)
		return NULL;
	memset(op, 0, sizeof(*op) + max * sizeof(op->values[0]));
	op->txn = txn;
	op->stmt = stmt;
	op->max = max;
	llist_add_tail(&op->entry, &txn->ops);
	return op;
}

static struct value *next_value(struct op *op)
{
	return op && op->n < op->max ? &op->values[op->n++] : NULL;
}

static void add_int(struct op *op, int64_t number)
{
	struct value *v = next_value(op);

	if (v)
		*v = (struct value){ .type = VALUE_INT, .number = number };
}

/* Takes what lies in the room of the transaction, or NULL when there was no memory for it. */
static void add_owned(struct op *op, const void *data, size_t len, bool text)
{
	struct value *v = next_value(op);

	if (v && data)
		*v = (struct value){ .type = text ? VALUE_TEXT : VALUE_BLOB, .data = data, .len = len };
}

static void add_copy(struct op *op, const void *data, size_t len, bool text)
{
	void *copy;

	if (!op)
		return;
	copy = len ? txn_room(op->txn, len) : "";
	if (copy && len)
		memcpy(copy, data, len);
	add_owned(op, copy, len, text);
}

static void add_text(struct op *op, const char *text)
{
	if (text)
		add_copy(op, text, strlen(text), true);
	else
		next_value(op);
}

/* Its row number takes the place of its name when the operation runs. */
static void add_alert(struct op *op, const char *id)
{
	size_t at = op ? op->n : 0;

	add_text(op, id);
	if (op && at < op->n)
		op->values[at].type = VALUE_ALERT;
}

static void add_blob(struct op *op, const void *data, size_t len)
{
	add_copy(op, data, len, false);
}

int store_put_alert(struct store_txn *txn, const struct alert_row *row)
{
	struct op *op = op_add(txn, SQL_PUT_ALERT, 20);

	add_text(op, row->id);
	add_text(op, row->originator);
	add_text(op, row->source);
	add_text(op, row->sender);
	add_text(op, row->identifier);
	add_int(op, row->sent_utc);
	add_text(op, row->status);
	add_text(op, row->msg_type);
	add_text(op, row->event);
	add_text(op, row->headline);
	add_text(op, row->language);
	add_int(op, row->received_utc);
	add_int(op, row->expires_utc);
	add_blob(op, row->sha256, DIGEST_LEN);
	add_int(op, row->n_cells);
	add_text(op, row->cancelled_by);
	add_int(op, row->cancelled_utc);
	add_int(op, row->ended_utc);
	add_text(op, row->answer);
	add_int(op, row->followed_utc);

	op = op_add(txn, SQL_PUT_DOCUMENT, 3);
	add_text(op, row->id);
	add_blob(op, row->bytes, row->n_bytes);
	add_text(op, row->area);
	return txn->error;
}

static void add_pages(struct op *op, const struct cbs_pages *pages)
{
	size_t len = 1 + pages->n * PAGE_PACKED_LEN, i;
	uint8_t *blob = op ? txn_room(op->txn, len) : NULL, *p = blob;

	if (p)
		*p++ = PACKED_VERSION;
	for (i = 0; p && i < pages->n; i++, p += PAGE_PACKED_LEN) {
		memcpy(p, pages->page[i].octets, CBS_PAGE_OCTETS);
		p[CBS_PAGE_OCTETS] = pages->page[i].used;
	}
	add_owned(op, blob, len, false);
}

static void add_parts(struct op *op, const struct sms_text *parts)
{
	size_t len = 1 + parts->n * PART_PACKED_LEN, i;
	uint8_t *blob = op ? txn_room(op->txn, len) : NULL, *p = blob;

	if (p)
		*p++ = PACKED_VERSION;
	for (i = 0; p && i < parts->n; i++, p += PART_PACKED_LEN) {
		memcpy(p, parts->part[i].octets, SMS_SEPTETS);
		p[SMS_SEPTETS] = parts->part[i].len;
	}
	add_owned(op, blob, len, false);
}

static void put_short_message(struct store_txn *txn, const char *alert_id,
			      const struct message *message)
{
	const struct short_message *sms = message->sms;
	struct op *op = op_add(txn, SQL_PUT_SHORT_MESSAGE, 10);

	add_alert(op, alert_id);
	add_int(op, message->nr);
	add_int(op, sms->sender.kind);
	add_text(op, sms->sender.text);
	add_int(op, sms->protocol_id);
	add_int(op, sms->reference);
	add_int(op, sms->parts.alphabet);
	add_int(op, sms->parts.cut);
	add_int(op, sms->parts.text_octets);
	add_parts(op, &sms->parts);
}

int store_put_message(struct store_txn *txn, const char *alert_id, const struct message *message)
{
	struct op *op = op_add(txn, SQL_PUT_MESSAGE, 15);

	txn->content = true;
	add_text(op, alert_id);
	add_int(op, message->nr);
	add_int(op, message->kind);
	add_int(op, message->class);
	add_int(op, message->drill);
	add_int(op, message->identifier);
	add_int(op, message->serial);
	add_int(op, message->warning_type);
	add_int(op, message->expires_utc);
	add_text(op, message->language);
	add_text(op, message->text);
	add_int(op, message->pages.dcs);
	add_int(op, message->pages.cut);
	add_int(op, message->pages.text_octets);
	add_pages(op, &message->pages);
	if (message->sms)
		put_short_message(txn, alert_id, message);
	return txn->error;
}

static uint8_t *pack_msisdn(uint8_t *p, const struct msisdn *m)
{
	uint64_t packed = htobe64((uint64_t)m->digits << 56 | m->number);

	memcpy(p, &packed, MSISDN_PACKED_LEN);
	return p + MSISDN_PACKED_LEN;
}

static void add_details(struct op *op, const struct recipient_detail *details, size_t n)
{
	size_t len = 1 + n * DETAIL_PACKED_LEN, i;
	uint8_t *blob = op && details ? txn_room(op->txn, len) : NULL, *p = blob;

	if (p)
		*p++ = PACKED_VERSION;
	for (i = 0; p && i < n; i++, p += TARGET_PACKED_LEN) {
		p = pack_msisdn(p, &details[i].msisdn);
		target_pack(&details[i].at, p);
	}
	add_owned(op, blob, len, false);
}

static void add_wanted(struct op *op, const struct target *wanted, size_t n)
{
	size_t len = 1 + n * TARGET_PACKED_LEN, i;
	uint8_t *blob = op ? txn_room(op->txn, len) : NULL;

	if (blob)
		*blob = PACKED_VERSION;
	for (i = 0; blob && i < n; i++)
		target_pack(&wanted[i], blob + 1 + i * TARGET_PACKED_LEN);
	add_owned(op, blob, len, false);
}

static void add_evidence(struct op *op, const struct evidence *evidence, size_t n)
{
	size_t len = 1 + n * EVIDENCE_PACKED_LEN, i;
	uint8_t *blob = op ? txn_room(op->txn, len) : NULL;

	if (blob)
		*blob = EVIDENCE_VERSION;
	for (i = 0; blob && i < n; i++)
		evidence_pack(&evidence[i], blob + 1 + i * EVIDENCE_PACKED_LEN);
	add_owned(op, blob, len, false);
}

/* An operation on a delivery, with its key as the first four values. */
static struct op *delivery_op(struct store_txn *txn, enum sql_stmt stmt,
			      const struct delivery_row *row, size_t more)
{
	struct op *op = op_add(txn, stmt, 4 + more);

	add_alert(op, row->alert_id);
	add_int(op, row->message_nr);
	add_text(op, row->peer);
	add_int(op, row->revision);
	return op;
}

int store_put_evidence_chunk(struct store_txn *txn, const struct delivery_row *row, size_t chunk)
{
	size_t n = chunk_targets(row->n, chunk);
	struct op *op;

	if (!n || !row->evidence)
		return txn->error;
	op = delivery_op(txn, SQL_PUT_EVIDENCE, row, 2);
	add_int(op, chunk);
	add_evidence(op, row->evidence + chunk * EVIDENCE_CHUNK, n);
	return txn->error;
}

static int put_chunks(struct store_txn *txn, const struct delivery_row *row)
{
	size_t chunk;

	for (chunk = 0; chunk_targets(row->n, chunk); chunk++)
		store_put_evidence_chunk(txn, row, chunk);
	return txn->error;
}

int store_put_delivery(struct store_txn *txn, const struct delivery_row *row)
{
	struct op *op = delivery_op(txn, SQL_PUT_DELIVERY, row, 3);

	txn->content = true;
	add_int(op, row->n);
	add_int(op, row->settled);
	add_int(op, row->updated_utc);

	op = op_add(txn, SQL_PUT_TARGETS, 2);
	add_wanted(op, row->wanted, row->n);
	add_details(op, row->details, row->n);
	return put_chunks(txn, row);
}

int store_put_delivery_state(struct store_txn *txn, const struct delivery_row *row)
{
	struct op *op = delivery_op(txn, SQL_PUT_STATE, row, 2);

	add_int(op, row->settled);
	add_int(op, row->updated_utc);
	return txn->error;
}

int store_put_evidence(struct store_txn *txn, const struct delivery_row *row)
{
	(void)store_put_delivery_state(txn, row);	/* its error stays */
	return put_chunks(txn, row);
}

int store_put_handle(struct store_txn *txn, const char *alert_id, const struct handle_row *row)
{
	struct op *op = op_add(txn, SQL_PUT_HANDLE, 7);

	add_alert(op, alert_id);
	add_int(op, row->message_nr);
	add_text(op, row->lane);
	add_int(op, row->revision);
	add_text(op, row->peer);
	add_text(op, row->handle);
	add_int(op, row->target);
	return txn->error;
}

int store_drop_handle(struct store_txn *txn, const char *peer, const char *handle)
{
	struct op *op = op_add(txn, SQL_DROP_HANDLE, 2);

	add_text(op, peer);
	add_text(op, handle);
	return txn->error;
}

int store_put_peer_number(struct store_txn *txn, uint8_t number, const char *name)
{
	struct op *op = op_add(txn, SQL_PUT_PEER_NUMBER, 2);

	add_int(op, number);
	add_text(op, name);
	return txn->error;
}

int store_put_ledger(struct store_txn *txn, const char *alert_id, const struct ledger_entry *entry)
{
	struct op *op = op_add(txn, SQL_PUT_LEDGER, 5);

	add_text(op, alert_id);
	add_int(op, entry->identifier);
	add_int(op, entry->code);
	add_int(op, entry->update);
	add_int(op, entry->free_utc);
	return txn->error;
}

int store_put_cancelled(struct store_txn *txn, const char *alert_id, const char *by, int64_t utc)
{
	struct op *op = op_add(txn, SQL_PUT_CANCELLED, 3);

	add_text(op, alert_id);
	add_text(op, by);
	add_int(op, utc);
	return txn->error;
}

int store_put_followed(struct store_txn *txn, const char *alert_id, int64_t utc)
{
	struct op *op = op_add(txn, SQL_PUT_FOLLOWED, 2);

	add_text(op, alert_id);
	add_int(op, utc);
	return txn->error;
}

int store_put_ended(struct store_txn *txn, const char *alert_id, int64_t utc)
{
	struct op *op = op_add(txn, SQL_PUT_ENDED, 2);

	txn->ends = true;
	add_text(op, alert_id);
	add_int(op, utc);
	return txn->error;
}

int store_put_event(struct store_txn *txn, const char *alert_id, int64_t utc, const char *kind,
		    const char *detail)
{
	struct op *op = op_add(txn, SQL_PUT_EVENT, 4);

	add_text(op, alert_id);
	add_int(op, utc);
	add_text(op, kind);
	add_text(op, detail);
	return txn->error;
}

int store_put_meta(struct store_txn *txn, const char *key, const char *value)
{
	struct op *op = op_add(txn, SQL_PUT_META, 2);

	add_text(op, key);
	add_text(op, value);
	return txn->error;
}
