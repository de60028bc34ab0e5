/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "due.h"

#include <string.h>

#include <osmocom/core/talloc.h>

#define FANOUT 64
#define MAX_LEVELS 6	/* 64^6 targets */

struct due {
	size_t n;			/* targets */
	unsigned int levels;
	uint32_t *level[MAX_LEVELS];	/* [0]: the targets; above: minima; the last has one entry */
	size_t len[MAX_LEVELS];
};

static size_t blocks(size_t n)
{
	return (n + FANOUT - 1) / FANOUT;
}

struct due *due_alloc(void *ctx, size_t n)
{
	struct due *due = talloc_zero(ctx, struct due);

	if (!due)
		return NULL;
	due->n = n;
	do {
		due->len[due->levels] = n;
		due->level[due->levels] = talloc_zero_array(due, uint32_t, n ? n : 1);
		if (!due->level[due->levels++]) {
			talloc_free(due);
			return NULL;
		}
		n = blocks(n);
	} while (due->len[due->levels - 1] > 1 && due->levels < MAX_LEVELS);
	return due;
}

/* \param[in] floor  none of the block is lower, so that one like it ends the search. */
static uint32_t block_min(const struct due *due, unsigned int level, size_t block, uint32_t floor)
{
	size_t i = block * FANOUT, end = i + FANOUT;
	uint32_t min = DUE_NEVER;

	if (end > due->len[level])
		end = due->len[level];
	for (; i < end && min > floor; i++) {
		if (due->level[level][i] < min)
			min = due->level[level][i];
	}
	return min;
}

void due_set(struct due *due, size_t i, uint32_t when)
{
	unsigned int level;
	uint32_t before, *at;

	for (level = 0; level < due->levels; level++, i /= FANOUT) {
		at = &due->level[level][i];
		before = *at;
		if (level)
			/* Only what was the minimum may have to be searched for. */
			when = when < before ? when : block_min(due, level - 1, i, before);
		if (when == before)
			return;
		*at = when;
	}
}

void due_set_all(struct due *due, uint32_t when)
{
	unsigned int level;
	size_t i;

	for (level = 0; level < due->levels; level++) {
		for (i = 0; i < due->len[level]; i++)
			due->level[level][i] = when;
	}
}

uint32_t due_get(const struct due *due, size_t i)
{
	return due->level[0][i];
}

uint32_t due_first(const struct due *due)
{
	return due->n ? due->level[due->levels - 1][0] : DUE_NEVER;
}

/* Climb while nothing is left in the block, descend where something is. */
long due_next(const struct due *due, size_t i, uint32_t when)
{
	unsigned int level = 0;

	while (i < due->len[level]) {
		if (due->level[level][i] <= when) {
			if (!level)
				return i;
			level--;
			i *= FANOUT;
		} else if ((i + 1) % FANOUT || level + 1 == due->levels) {
			i++;
		} else {
			i = (i + 1) / FANOUT;
			level++;
		}
	}
	return -1;
}

long due_earliest(const struct due *due, uint32_t when)
{
	unsigned int level = due->levels - 1;
	size_t i = 0, end;

	if (!due->n || due->level[level][0] > when)
		return -1;
	when = due->level[level][0];
	while (level--) {
		i *= FANOUT;
		end = i + FANOUT < due->len[level] ? i + FANOUT : due->len[level];
		while (i < end - 1 && due->level[level][i] != when)
			i++;
	}
	return i;
}
