/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/ledger.h>

#include <errno.h>
#include <stdbool.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/talloc.h>

#define CODES 1024

/* All codes of one message identifier. */
struct codes {
	struct llist_head entry;
	uint16_t identifier;
	uint16_t last;			/* code last taken */
	int64_t free_utc[CODES];	/* 0 = never used */
};

struct ledger {
	struct llist_head identifiers;
};

struct ledger *ledger_alloc(void *ctx)
{
	struct ledger *ledger = talloc_zero(ctx, struct ledger);

	if (ledger)
		INIT_LLIST_HEAD(&ledger->identifiers);
	return ledger;
}

static struct codes *codes_find(const struct ledger *ledger, uint16_t identifier)
{
	struct codes *codes;

	llist_for_each_entry(codes, &ledger->identifiers, entry) {
		if (codes->identifier == identifier)
			return codes;
	}
	return NULL;
}

static struct codes *codes_get(struct ledger *ledger, uint16_t identifier, uint16_t last)
{
	struct codes *codes = codes_find(ledger, identifier);

	if (codes)
		return codes;
	codes = talloc_zero(ledger, struct codes);
	if (!codes)
		return NULL;
	codes->identifier = identifier;
	codes->last = last;
	llist_add_tail(&codes->entry, &ledger->identifiers);
	return codes;
}

int ledger_take(struct ledger *ledger, uint16_t identifier, unsigned int n_codes, int64_t now,
		int64_t last_utc, struct ledger_entry *entry, int64_t *retry_after_s)
{
	/* One code per minute of the clock as the starting point: after the loss of the store the
	 * codes of the last hours are not the first to be used again. */
	struct codes *codes = codes_get(ledger, identifier, (now / 60) % n_codes);
	int64_t soonest = INT64_MAX;
	unsigned int i, code;

	*retry_after_s = 0;
	if (!codes)
		return -ENOMEM;
	for (i = 1; i <= n_codes; i++) {
		code = (codes->last + i) % n_codes;
		if (codes->free_utc[code] > now) {
			if (codes->free_utc[code] < soonest)
				soonest = codes->free_utc[code];
			continue;
		}
		codes->last = code;
		codes->free_utc[code] = last_utc + LEDGER_QUARANTINE_S;
		*entry = (struct ledger_entry){
			.identifier = identifier,
			.code = code,
			.free_utc = codes->free_utc[code],
		};
		return 0;
	}
	*retry_after_s = soonest - now;
	return -EBUSY;
}

void ledger_give_back(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct codes *codes = codes_find(ledger, entry->identifier);

	if (codes && entry->code < CODES && codes->free_utc[entry->code] == entry->free_utc)
		codes->free_utc[entry->code] = 0;
}

int ledger_restore(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct codes *codes;

	if (entry->code >= CODES)
		return -EINVAL;
	codes = codes_get(ledger, entry->identifier, entry->code);
	if (!codes)
		return -ENOMEM;
	/* The code taken last is the one that stays taken longest, near enough: it only decides
	 * where the search for a free one starts. */
	if (entry->free_utc >= codes->free_utc[codes->last])
		codes->last = entry->code;
	if (entry->free_utc > codes->free_utc[entry->code])
		codes->free_utc[entry->code] = entry->free_utc;
	return 0;
}

size_t ledger_taken(const struct ledger *ledger, uint16_t identifier, int64_t now)
{
	const struct codes *codes = codes_find(ledger, identifier);
	size_t i, n = 0;

	for (i = 0; codes && i < CODES; i++)
		n += codes->free_utc[i] > now;
	return n;
}
