/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Originators: who may send alerts, and how each is recognised.
 *
 * The loop owns the set that is configured; each HTTP thread gets a copy of its own whenever it
 * changes (originator_set_copy()), so nothing is shared. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/digest.h>
#include <tocsin/base/problem.h>

struct originator {
	char *name;
	char *token_file;		/*!< NULL = none */
	bool has_token;
	uint8_t token_sha256[DIGEST_LEN];
	bool loopback_default;		/*!< a request from loopback without a token counts as this one */
};

struct originator_set;

struct originator_set *originator_set_alloc(void *ctx);
struct originator_set *originator_set_copy(void *ctx, const struct originator_set *set);
/*! Find or make. \returns NULL when out of memory. */
struct originator *originator_add(struct originator_set *set, const char *name);
void originator_remove(struct originator_set *set, const char *name);
struct originator *originator_by_name(const struct originator_set *set, const char *name);
struct originator *originator_next(const struct originator_set *set, const struct originator *after);
/*! Read the token from its file: one line of 16 to 512 printable characters, without blanks.
 *  \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int originator_load_token(struct originator *orig, const char *path, struct problem *problem);
/*! Who is it? Compares digests in constant time.
 *  \param[in] token  of "Authorization: Bearer", or NULL.
 *  \param[in] loopback  the request came from this host.
 *  \returns NULL with PROBLEM_ORIGINATOR_UNKNOWN. */
const struct originator *originator_identify(const struct originator_set *set, const char *token,
					     bool loopback, struct problem *problem);
