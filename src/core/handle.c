/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names that message centres gave to what they took, until their receipts come.
 *
 * A receipt can come days later and after a restart, so the names are stored in the same
 * transaction as the evidence that says "taken", and taken out in the one that holds what their
 * receipt said. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

struct handle {
	struct hlist_node by_text;
	struct delivery *delivery;
	size_t target;
	char *peer;
	char *text;
};

/* What the store does not know yet. */
struct change {
	struct llist_head entry;
	bool drop;
	bool sent;			/* in the transaction on its way */
	char alert_id[ALERT_ID_LEN + 1];
	struct handle_row row;		/* its strings are children */
};

struct handles {
	DECLARE_HASHTABLE(by_text, 12);
	struct llist_head changes;
};

struct handles *handles_alloc(void *ctx)
{
	struct handles *handles = talloc_zero(ctx, struct handles);

	if (!handles)
		return NULL;
	hash_init(handles->by_text);
	INIT_LLIST_HEAD(&handles->changes);
	return handles;
}

static struct handle *find(struct handles *handles, const char *peer, const char *text)
{
	struct handle *h;

	hash_for_each_possible(handles->by_text, h, by_text, name_hash(text)) {
		if (!strcmp(h->text, text) && !strcmp(h->peer, peer))
			return h;
	}
	return NULL;
}

static void handle_free(struct handle *h)
{
	hash_del(&h->by_text);
	h->delivery->n_awaited--;
	talloc_free(h);
}

int handles_restore(struct handles *handles, const char *peer_name, const char *text, struct delivery *d, size_t i)
{
	struct handle *h = talloc_zero(d, struct handle);

	if (!h)
		return -ENOMEM;
	h->peer = talloc_strdup(h, peer_name);
	h->text = talloc_strdup(h, text);
	if (!h->peer || !h->text) {
		talloc_free(h);
		return -ENOMEM;
	}
	h->delivery = d;
	h->target = i;
	d->n_awaited++;
	hash_add(handles->by_text, &h->by_text, name_hash(text));
	return 0;
}

static void note_change(struct handles *handles, const struct handle *h, bool drop)
{
	struct change *c = talloc_zero(handles, struct change);
	const struct delivery *d = h->delivery;

	if (!c)
		return;
	c->drop = drop;
	OSMO_STRLCPY_ARRAY(c->alert_id, d->alert->id);
	c->row = (struct handle_row){
		.peer = talloc_strdup(c, h->peer),
		.handle = talloc_strdup(c, h->text),
		.message_nr = d->message->nr,
		.lane = talloc_strdup(c, d->lane->peer_name),
		.revision = d->revision,
		.target = h->target,
	};
	if (!c->row.peer || !c->row.handle || !c->row.lane) {
		talloc_free(c);
		return;
	}
	llist_add_tail(&c->entry, &handles->changes);
}

void handles_add(struct handles *handles, const struct peer *peer, const char *text, struct delivery *d, size_t i)
{
	struct handle *h = find(handles, peer->name, text);

	/* A centre that uses a name twice means the newer one. */
	if (h) {
		note_change(handles, h, true);
		handle_free(h);
	}
	if (handles_restore(handles, peer->name, text, d, i) < 0)
		LOGP(DDELIV, LOGL_ERROR, "peer=%s out of memory for a receipt\n", peer->name);
	h = find(handles, peer->name, text);
	if (h)
		note_change(handles, h, false);
}

void handles_put(struct handles *handles, struct store_txn *txn)
{
	struct change *c;

	llist_for_each_entry(c, &handles->changes, entry) {
		c->sent = true;
		if (c->drop)
			(void)store_drop_handle(txn, c->row.peer, c->row.handle);	/* a failure fails the commit */
		else
			(void)store_put_handle(txn, c->alert_id, &c->row);
	}
}

void handles_committed(struct handles *handles, bool ok)
{
	struct change *c, *next;

	llist_for_each_entry_safe(c, next, &handles->changes, entry) {
		if (c->sent && ok) {
			llist_del(&c->entry);
			talloc_free(c);
		} else {
			c->sent = false;
		}
	}
}

void handles_forget(struct handles *handles, const struct delivery *d)
{
	struct handle *h;
	struct hlist_node *next;
	unsigned int bucket;

	if (!d->n_awaited)
		return;
	hash_for_each_safe(handles->by_text, bucket, next, h, by_text) {
		if (h->delivery != d)
			continue;
		note_change(handles, h, true);
		handle_free(h);
	}
}

/* What the link tells (declared in core/peer.h) */

bool peer_handle_find(struct peer *peer, const char *text, struct target *target,
		      struct recipient_detail *detail)
{
	const struct handle *h = find(peer->set->gw->handles, peer->name, text);

	if (!h)
		return false;
	*target = h->delivery->wanted[h->target];
	*detail = h->delivery->details[h->target];
	return true;
}

void peer_handle_done(struct peer *peer, const char *text, const struct peer_result *result)
{
	struct handles *handles = peer->set->gw->handles;
	struct handle *h = find(handles, peer->name, text);
	struct delivery *d;
	size_t i;

	if (!h)
		return;
	d = h->delivery;
	i = h->target;
	note_change(handles, h, true);
	handle_free(h);
	evidence_receipt(&d->evidence[i], result, d->message->sms->parts.n, clock_utc());
	delivery_changed(d, i);
	lane_wake(d->lane);
}

void peer_receipt_hint(struct peer *peer, const struct target *target, uint8_t reference)
{
	struct delivery *d;
	long i;

	llist_for_each_entry(d, &peer->lane->deliveries, in_lane) {
		if (!d->message->sms || d->message->sms->reference != reference)
			continue;
		i = target_find(d->wanted, d->n, target);
		if (i < 0 || d->evidence[i].write_answer != PEER_ANSWER_DONE)
			continue;
		d->evidence[i].flags |= EVIDENCE_HINT;
		delivery_dirty(d, i);
	}
}
