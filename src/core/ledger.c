/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/ledger.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/stat_item.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#define CODES 1024

enum { GAUGE_TAKEN };

static const struct osmo_stat_item_desc gauge_desc[] = {
	[GAUGE_TAKEN] = { "codes:taken", "Message codes not free, of 1024 (ETWS: 256)", NULL, 1, 0 },
};

static const struct osmo_stat_item_group_desc gauge_group = {
	.group_name_prefix = "ledger",
	.group_description = "Serial numbers of a message identifier",
	.num_items = ARRAY_SIZE(gauge_desc),
	.item_desc = gauge_desc,
};

/* All codes of one message identifier. */
struct codes {
	struct llist_head entry;
	uint16_t identifier;
	uint16_t last;			/* code last taken */
	int64_t free_utc[CODES];	/* 0 = never used */
	struct osmo_stat_item_group *gauges;
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

static int codes_destructor(struct codes *codes)
{
	osmo_stat_item_group_free(codes->gauges);
	return 0;
}

static struct codes *codes_alloc(struct ledger *ledger, uint16_t identifier)
{
	struct codes *codes = talloc_zero(ledger, struct codes);
	char name[8];

	if (!codes)
		return NULL;
	codes->identifier = identifier;
	codes->gauges = osmo_stat_item_group_alloc(codes, &gauge_group, identifier);
	if (!codes->gauges) {
		talloc_free(codes);
		return NULL;
	}
	talloc_set_destructor(codes, codes_destructor);
	snprintf(name, sizeof(name), "%u", identifier);
	osmo_stat_item_group_set_name(codes->gauges, name);
	return codes;
}

static struct codes *codes_get(struct ledger *ledger, uint16_t identifier, uint16_t last)
{
	struct codes *codes = codes_find(ledger, identifier);

	if (codes)
		return codes;
	codes = codes_alloc(ledger, identifier);
	if (!codes)
		return NULL;
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

static size_t count_taken(const struct codes *codes, int64_t now)
{
	size_t i, n = 0;

	for (i = 0; i < CODES; i++)
		n += codes->free_utc[i] > now;
	return n;
}

size_t ledger_taken(const struct ledger *ledger, uint16_t identifier, int64_t now)
{
	const struct codes *codes = codes_find(ledger, identifier);

	return codes ? count_taken(codes, now) : 0;
}

void ledger_set_gauges(struct ledger *ledger, int64_t now)
{
	struct codes *codes;

	llist_for_each_entry(codes, &ledger->identifiers, entry)
		osmo_stat_item_set(osmo_stat_item_group_get_item(codes->gauges, GAUGE_TAKEN),
				   count_taken(codes, now));
}
