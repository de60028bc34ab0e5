/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/originator.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/talloc.h>

#define TOKEN_MIN 16
#define TOKEN_MAX 512

struct originator_entry {
	struct originator pub;		/* first: converted by a cast */
	struct llist_head entry;
};

struct originator_set {
	struct llist_head originators;
};

struct originator_set *originator_set_alloc(void *ctx)
{
	struct originator_set *set = talloc_zero(ctx, struct originator_set);

	if (set)
		INIT_LLIST_HEAD(&set->originators);
	return set;
}

struct originator *originator_by_name(const struct originator_set *set, const char *name)
{
	struct originator_entry *e;

	llist_for_each_entry(e, &set->originators, entry) {
		if (!strcmp(e->pub.name, name))
			return &e->pub;
	}
	return NULL;
}

struct originator *originator_add(struct originator_set *set, const char *name)
{
	struct originator *found = originator_by_name(set, name);
	struct originator_entry *e;

	if (found)
		return found;
	e = talloc_zero(set, struct originator_entry);
	if (!e)
		return NULL;
	e->pub.name = talloc_strdup(e, name);
	if (!e->pub.name) {
		talloc_free(e);
		return NULL;
	}
	llist_add_tail(&e->entry, &set->originators);
	return &e->pub;
}

void originator_remove(struct originator_set *set, const char *name)
{
	struct originator_entry *e = (struct originator_entry *)originator_by_name(set, name);

	if (!e)
		return;
	llist_del(&e->entry);
	talloc_free(e);
}

struct originator *originator_next(const struct originator_set *set, const struct originator *after)
{
	const struct originator_entry *e = (const struct originator_entry *)after;
	struct llist_head *next = e ? e->entry.next : set->originators.next;

	return next == &set->originators ? NULL :
	       &llist_entry(next, struct originator_entry, entry)->pub;
}

struct originator_set *originator_set_copy(void *ctx, const struct originator_set *set)
{
	struct originator_set *copy = originator_set_alloc(ctx);
	const struct originator *from = NULL;
	struct originator *to;

	while (copy && (from = originator_next(set, from))) {
		to = originator_add(copy, from->name);
		if (!to) {
			TALLOC_FREE(copy);
			break;
		}
		to->has_token = from->has_token;
		to->loopback_default = from->loopback_default;
		memcpy(to->token_sha256, from->token_sha256, sizeof(to->token_sha256));
	}
	return copy;
}

/* The one line of the file, without its end of line. */
static int read_token(const char *path, char *token, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return -errno;
	n = fread(token, 1, size - 1, f);
	fclose(f);
	/* A buffer that is full did not hold the whole file. */
	while (n && n < size - 1 && (token[n - 1] == '\n' || token[n - 1] == '\r'))
		n--;
	token[n] = '\0';
	return n;
}

int originator_load_token(struct originator *orig, const char *path, struct problem *problem)
{
	char token[TOKEN_MAX + 4];	/* CR LF, one octet too many, NUL */
	int i, n = read_token(path, token, sizeof(token));
	int rc = -EINVAL;

	if (n < 0)
		return problem_set(problem, PROBLEM_CONFIG, path, 0, "The token file cannot be read: %s.",
				   strerror(-n));
	for (i = 0; i < n && token[i] > ' ' && token[i] < 0x7f; i++)
		;
	if (i < n || n < TOKEN_MIN || n > TOKEN_MAX)
		problem_set(problem, PROBLEM_CONFIG, path, 0,
			    "A token is one line of %d to %d printable characters without blanks.",
			    TOKEN_MIN, TOKEN_MAX);
	else if (digest_sha256(token, n, orig->token_sha256) < 0)
		problem_set(problem, PROBLEM_INTERNAL, path, 0, "SHA-256 is not available.");
	else
		rc = 0;
	explicit_bzero(token, sizeof(token));
	if (rc < 0)
		return rc;
	if (orig->token_file != path) {
		talloc_free(orig->token_file);
		orig->token_file = talloc_strdup(orig, path);
	}
	orig->has_token = true;
	return 0;
}

/* Takes the same time wherever the difference is. */
static bool digest_equal(const uint8_t *a, const uint8_t *b)
{
	uint8_t diff = 0;
	size_t i;

	for (i = 0; i < DIGEST_LEN; i++)
		diff |= a[i] ^ b[i];
	return !diff;
}

static const struct originator *by_token(const struct originator_set *set, const char *token)
{
	const struct originator *orig = NULL, *found = NULL;
	uint8_t digest[DIGEST_LEN];

	if (digest_sha256(token, strlen(token), digest) < 0)
		return NULL;
	while ((orig = originator_next(set, orig))) {
		if (orig->has_token && digest_equal(orig->token_sha256, digest))
			found = orig;
	}
	return found;
}

static const struct originator *by_loopback(const struct originator_set *set)
{
	const struct originator *orig = NULL;

	while ((orig = originator_next(set, orig))) {
		if (orig->loopback_default)
			return orig;
	}
	return NULL;
}

const struct originator *originator_identify(const struct originator_set *set, const char *token,
					     bool loopback, struct problem *problem)
{
	const struct originator *orig = NULL;

	/* A wrong token is never excused by where the request came from. */
	if (token)
		orig = by_token(set, token);
	else if (loopback)
		orig = by_loopback(set);
	if (!orig)
		problem_set(problem, PROBLEM_ORIGINATOR_UNKNOWN, NULL, 0, "%s", token ?
			    "No originator has this token." :
			    "Send the token of an originator as \"Authorization: Bearer TOKEN\".");
	return orig;
}
