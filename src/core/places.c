/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The places of a plan, in the order of their hashes.
 *
 * Millions of recipients are looked up in one go, and what that costs is misses of the cache. So a
 * place is one word, its key; the keys lie bucket after bucket without gaps, two to four in each,
 * and an array small enough to stay in the cache says where each bucket starts. The number of a
 * place is its key's index. */

#include "places.h"

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#define FIRST_KEYS 1024
#define MAX_MEAN 4		/* keys of a bucket */
#define AT_ONCE 8		/* keys that a search compares at least */

struct places {
	uint64_t *keys;			/* as added; places_finish() sorts them into buckets */
	size_t n_keys, max_keys;
	struct target *places;		/* the same as targets */
	size_t n;			/* of places, 0 until finished */
	uint32_t *start;		/* of each bucket, and of one after the last */
	unsigned int shift;		/* from a hash to its bucket */
};

/* Type, MCC, MNC, digits and value side by side; 0 = no place. */
static inline uint64_t key_of(const struct target *t)
{
	unsigned int three = t->mnc_digits - 2u;

	if (t->type != TARGET_CGI && t->type != TARGET_SAI && t->type != TARGET_LAI)
		return 0;
	if (t->mcc > 999 || t->mnc > 999 || three > 1 || t->value > UINT32_MAX)
		return 0;
	return (uint64_t)t->type << 53 | (uint64_t)t->mcc << 43 | (uint64_t)t->mnc << 33 |
	       (uint64_t)three << 32 | t->value;
}

static struct target target_of(uint64_t key)
{
	return (struct target){ .type = key >> 53, .mcc = key >> 43 & 0x3ff, .mnc = key >> 33 & 0x3ff,
				.mnc_digits = 2 + (key >> 32 & 1), .value = key & UINT32_MAX };
}

static bool is_cell(const struct target *t)
{
	return t->type == TARGET_CGI || t->type == TARGET_SAI;
}

/* The location area of a cell (3GPP TS 23.003, 4.1 and 12.5). */
static struct target area_of(const struct target *cell)
{
	struct target area = *cell;

	area.type = TARGET_LAI;
	area.value &= ~UINT64_C(0xffff);
	return area;
}

struct places *places_alloc(void *ctx)
{
	return talloc_zero(ctx, struct places);
}

static int add_key(struct places *p, uint64_t key)
{
	size_t max = p->max_keys ? 2 * p->max_keys : FIRST_KEYS;
	uint64_t *keys;

	if (p->n_keys == p->max_keys) {
		keys = talloc_realloc(p, p->keys, uint64_t, max);
		if (!keys)
			return -ENOMEM;
		p->keys = keys;
		p->max_keys = max;
	}
	p->keys[p->n_keys++] = key;
	return 0;
}

/* A cell and its location area; the cells of one stand side by side most of the time. */
static int add_cell(struct places *p, const struct target *cell, uint64_t *last_area)
{
	struct target area = area_of(cell);
	uint64_t key = key_of(cell), area_key = key_of(&area);
	int rc;

	if (!key)
		return 0;
	rc = add_key(p, key);
	if (!rc && area_key != *last_area)
		rc = add_key(p, area_key);
	*last_area = area_key;
	return rc;
}

int places_add(struct places *p, const struct target *cells, size_t n)
{
	uint64_t last_area = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		if (is_cell(&cells[i]))
			rc = add_cell(p, &cells[i], &last_area);
	}
	return rc;
}

/* Cells are numbered in rows: every bit of the key must reach the upper bits, which choose the bucket. */
static size_t bucket_of(const struct places *p, uint64_t key)
{
	key *= UINT64_C(0xd6e8feb86659fd93);
	key ^= key >> 32;
	key *= UINT64_C(0xd6e8feb86659fd93);
	return key >> p->shift;
}

/* \returns at least 1: a shift by all 64 bits would be none. */
static unsigned int bits_for(size_t n)
{
	unsigned int bits = 1;

	while ((size_t)MAX_MEAN << bits < n)
		bits++;
	return bits;
}

/* Copy the keys as they were added into their buckets, last first: then start[] ends as it should. */
static void sort_into_buckets(struct places *p, size_t n_buckets, uint64_t *sorted)
{
	size_t i;

	for (i = 0; i < p->n_keys; i++)
		p->start[bucket_of(p, p->keys[i])]++;
	for (i = 1; i <= n_buckets; i++)
		p->start[i] += p->start[i - 1];
	for (i = p->n_keys; i-- > 0;)
		sorted[--p->start[bucket_of(p, p->keys[i])]] = p->keys[i];
}

static bool among(const uint64_t *keys, size_t n, uint64_t key)
{
	while (n--) {
		if (keys[n] == key)
			return true;
	}
	return false;
}

/* \returns how many are left. */
static size_t drop_repeated(uint32_t *start, size_t n_buckets, uint64_t *keys)
{
	size_t kept = 0, i = 0, first, bucket;

	for (bucket = 0; bucket < n_buckets; bucket++) {
		for (first = kept; i < start[bucket + 1]; i++) {
			if (!among(keys + first, kept - first, keys[i]))
				keys[kept++] = keys[i];
		}
		start[bucket + 1] = kept;
	}
	return kept;
}

/* What was repeated needs no buckets: put neighbours together. */
static int fit_buckets(struct places *p, size_t n_buckets)
{
	unsigned int bits = bits_for(p->n), spare = 64 - p->shift - bits;
	uint32_t *start;
	size_t i;

	for (i = 0; i <= n_buckets >> spare; i++)
		p->start[i] = p->start[i << spare];
	p->shift = 64 - bits;
	start = talloc_realloc(p, p->start, uint32_t, (n_buckets >> spare) + 1);
	if (!start)
		return -ENOMEM;
	p->start = start;
	return 0;
}

static int make_targets(struct places *p)
{
	uint64_t *keys = talloc_realloc(p, p->keys, uint64_t, p->n + AT_ONCE);
	size_t i;

	p->places = talloc_array(p, struct target, p->n);
	if (!keys || !p->places)
		return -ENOMEM;
	p->keys = keys;
	memset(keys + p->n, 0, AT_ONCE * sizeof(*keys));
	for (i = 0; i < p->n; i++)
		p->places[i] = target_of(keys[i]);
	return 0;
}

int places_finish(struct places *p)
{
	unsigned int bits = bits_for(p->n_keys);
	size_t n_buckets = (size_t)1 << bits;
	uint64_t *sorted = talloc_array(p, uint64_t, p->n_keys);
	int rc;

	p->shift = 64 - bits;
	p->start = talloc_zero_array(p, uint32_t, n_buckets + 1);
	if (!sorted || !p->start)
		return -ENOMEM;
	sort_into_buckets(p, n_buckets, sorted);
	talloc_free(p->keys);
	p->keys = sorted;
	p->n = drop_repeated(p->start, n_buckets, p->keys);
	rc = fit_buckets(p, n_buckets);
	return rc < 0 ? rc : make_targets(p);
}

/* How many keys a bucket has, and which of them it is, no processor can foretell, and to guess wrong
 * costs more than to compare. So a few are compared whatever there are: behind a bucket is the next,
 * behind the last are zeros, and neither has the key. */
long places_find(const struct places *p, const struct target *at)
{
	uint64_t key = key_of(at);
	size_t bucket, first, i;
	long found = -1;

	if (!key)
		return -1;
	bucket = bucket_of(p, key);
	first = p->start[bucket];
	for (i = first; i < first + AT_ONCE; i++)
		found = p->keys[i] == key ? (long)i : found;
	for (; i < p->start[bucket + 1]; i++)
		found = p->keys[i] == key ? (long)i : found;
	return found;
}

size_t places_count(const struct places *p)
{
	return p->n;
}

const struct target *places_get(const struct places *p, size_t i)
{
	return &p->places[i];
}

long places_area_of(const struct places *p, size_t i)
{
	struct target area;

	if (!is_cell(&p->places[i]))
		return -1;
	area = area_of(&p->places[i]);
	return places_find(p, &area);
}
