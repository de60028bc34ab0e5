/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which alerts the store holds. In memory, because every alert that comes in must be compared with
 * all that came before, and the loop never waits for a disk. Open addressing twice over: by the
 * alert's id, and by its document (sender, identifier, sent), to notice what belongs to another
 * originator. About 130 octets an alert. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "core.h"

#define KEY_LEN (ALERT_ID_LEN / 2)

struct alert_index {
	struct alert_known *known;	/* a removed one has no id */
	size_t n, room;
	uint32_t *by_id;		/* position + 1; 0 = free */
	uint32_t *by_document;
	size_t mask;
};

static int key_from_text(const char *text, uint8_t key[KEY_LEN])
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t i;

	if (strlen(text) != ALERT_ID_LEN)
		return -EINVAL;
	for (i = 0; i < KEY_LEN; i++) {
		high = strchr(digits, text[2 * i]);
		low = strchr(digits, text[2 * i + 1]);
		if (!high || !low)
			return -EINVAL;
		key[i] = (high - digits) << 4 | (low - digits);
	}
	return 0;
}

static size_t key_hash(const uint8_t key[KEY_LEN])
{
	uint64_t h;

	/* Keys are pieces of a SHA-256: any eight octets are as good as a hash. */
	memcpy(&h, key, sizeof(h));
	return h;
}

struct alert_index *alert_index_alloc(void *ctx)
{
	return talloc_zero(ctx, struct alert_index);
}

static bool is_removed(const struct alert_known *k)
{
	static const uint8_t none[KEY_LEN];

	return !memcmp(k->id, none, KEY_LEN);
}

static void table_put(uint32_t *table, size_t mask, const uint8_t key[KEY_LEN], uint32_t pos)
{
	size_t i = key_hash(key) & mask;

	while (table[i])
		i = (i + 1) & mask;
	table[i] = pos + 1;
}

static size_t count(const struct alert_index *index)
{
	size_t n = 0, i;

	for (i = 0; i < index->n; i++)
		n += !is_removed(&index->known[i]);
	return n;
}

static void close_gaps(struct alert_index *index)
{
	size_t n = 0, i;

	for (i = 0; i < index->n; i++) {
		if (!is_removed(&index->known[i]))
			index->known[n++] = index->known[i];
	}
	index->n = n;
}

/* Both tables anew, without what was removed; larger if what is left needs it. */
static int make_room(struct alert_index *index)
{
	size_t room = index->room, mask, i;
	struct alert_known *known = index->known;
	uint32_t *by_id, *by_document;

	if (!room || count(index) > room / 2)
		room = room ? 2 * room : 1024;
	mask = 2 * room - 1;
	known = talloc_realloc(index, known, struct alert_known, room);
	if (!known)
		return -ENOMEM;
	index->known = known;
	by_id = talloc_zero_array(index, uint32_t, mask + 1);
	by_document = talloc_zero_array(index, uint32_t, mask + 1);
	if (!by_id || !by_document) {
		talloc_free(by_id);
		talloc_free(by_document);
		return -ENOMEM;
	}
	close_gaps(index);
	for (i = 0; i < index->n; i++) {
		table_put(by_id, mask, known[i].id, i);
		table_put(by_document, mask, known[i].document, i);
	}
	talloc_free(index->by_id);
	talloc_free(index->by_document);
	index->by_id = by_id;
	index->by_document = by_document;
	index->room = room;
	index->mask = mask;
	return 0;
}

struct alert_known *alert_index_find(struct alert_index *index, const char *id)
{
	struct alert_known *k;
	uint8_t key[KEY_LEN];
	size_t i;

	if (!index->n || key_from_text(id, key) < 0)
		return NULL;
	for (i = key_hash(key) & index->mask; index->by_id[i]; i = (i + 1) & index->mask) {
		k = &index->known[index->by_id[i] - 1];
		if (!is_removed(k) && !memcmp(k->id, key, KEY_LEN))
			return k;
	}
	return NULL;
}

bool alert_index_has_document(const struct alert_index *index, const char *document)
{
	const struct alert_known *k;
	uint8_t key[KEY_LEN];
	size_t i;

	if (!index->n || key_from_text(document, key) < 0)
		return false;
	for (i = key_hash(key) & index->mask; index->by_document[i]; i = (i + 1) & index->mask) {
		k = &index->known[index->by_document[i] - 1];
		if (!is_removed(k) && !memcmp(k->document, key, KEY_LEN))
			return true;
	}
	return false;
}

struct alert_known *alert_index_add(struct alert_index *index, const char *id, const char *document,
				    const uint8_t sha256[DIGEST_LEN])
{
	struct alert_known *k;

	if (index->n == index->room && make_room(index) < 0)
		return NULL;
	k = &index->known[index->n];
	memset(k, 0, sizeof(*k));
	/* The id of all zeros is what a removed one has. */
	if (key_from_text(id, k->id) < 0 || key_from_text(document, k->document) < 0 || is_removed(k))
		return NULL;
	memcpy(k->sha256, sha256, DIGEST_LEN);
	table_put(index->by_id, index->mask, k->id, index->n);
	table_put(index->by_document, index->mask, k->document, index->n);
	index->n++;
	return k;
}

/* The slot stays in the tables as a grave until there is no room for another alert. */
void alert_index_remove(struct alert_index *index, const char *id)
{
	struct alert_known *k = alert_index_find(index, id);

	if (k)
		memset(k, 0, sizeof(*k));
}
