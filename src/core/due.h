/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! When each target of a delivery is to be looked at again.
 *
 * One time per target, UTC seconds, and the earliest of every 64 above it, and so on: the next
 * target that is due is found, and one time changed, without a walk over the others. */

#include <stddef.h>
#include <stdint.h>

#define DUE_NOW 0		/*!< look at once */
#define DUE_NEVER UINT32_MAX	/*!< not by itself */

struct due;

/*! For n targets, all DUE_NOW. NULL when out of memory. */
struct due *due_alloc(void *ctx, size_t n);
void due_set(struct due *due, size_t i, uint32_t when);
void due_set_all(struct due *due, uint32_t when);
uint32_t due_get(const struct due *due, size_t i);
/*! The earliest time of all, DUE_NEVER if there is none. */
uint32_t due_first(const struct due *due);
/*! Of those that are due at that time the one that has been so for longest, of several the first.
 *  \returns -1: none is due. */
long due_earliest(const struct due *due, uint32_t when);
/*! The first target from index i on that is due at or before that time, -1 if there is none. */
long due_next(const struct due *due, size_t i, uint32_t when);
