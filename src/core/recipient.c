/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The recipient table.
 *
 * Rows are sorted where they are, by radix from the highest octet (a second array would double what
 * a list of millions takes). The key is the IMSI and then the row's line, so that equal IMSIs stand
 * side by side in the order of their source. */

#include "recipient_table.h"

#include <string.h>

#include <osmocom/core/talloc.h>

#define IMSI_OCTETS 7	/* digits 4 bits, value 50 */
#define KEY_OCTETS (IMSI_OCTETS + 4)
#define FEW 32		/* sorted by insertion */

/* Orders as target_compare() does for targets of this type. */
static uint64_t imsi_key(const struct target *imsi)
{
	return (uint64_t)imsi->mnc_digits << 50 | imsi->value;
}

static bool is_after(const struct recipient *a, const struct recipient *b)
{
	uint64_t x = imsi_key(&a->imsi), y = imsi_key(&b->imsi);

	return x > y || (x == y && a->line > b->line);
}

static uint8_t key_octet(const struct recipient *r, unsigned int nr)
{
	if (nr < IMSI_OCTETS)
		return imsi_key(&r->imsi) >> 8 * (IMSI_OCTETS - 1 - nr);
	return r->line >> 8 * (KEY_OCTETS - 1 - nr);
}

static void sort_few(struct recipient *rows, size_t n)
{
	struct recipient r;
	size_t i, j;

	for (i = 1; i < n; i++) {
		r = rows[i];
		for (j = i; j && is_after(&rows[j - 1], &r); j--)
			rows[j] = rows[j - 1];
		rows[j] = r;
	}
}

/* Bring every row into the part of its octet. A row that is picked up pushes out the one that stands
 * where it belongs, until one is found that belongs where the first was. */
static void distribute(struct recipient *rows, unsigned int nr, size_t next[256], const size_t end[256])
{
	struct recipient r, swap;
	unsigned int part;
	uint8_t octet;

	for (part = 0; part < 256; part++) {
		while (next[part] < end[part]) {
			r = rows[next[part]];
			while ((octet = key_octet(&r, nr)) != part) {
				swap = rows[next[octet]];
				rows[next[octet]++] = r;
				r = swap;
			}
			rows[next[part]++] = r;
		}
	}
}

/* Sort rows that are equal in the octets before nr. */
static void sort_from(struct recipient *rows, size_t n, unsigned int nr)
{
	size_t next[256] = { 0 }, end[256], start = 0, i;

	if (n <= FEW || nr == KEY_OCTETS) {
		sort_few(rows, n);
		return;
	}
	for (i = 0; i < n; i++)
		next[key_octet(&rows[i], nr)]++;
	for (i = 0; i < 256; i++) {
		end[i] = start + next[i];
		next[i] = start;
		start = end[i];
	}
	if (end[key_octet(&rows[0], nr)] - next[key_octet(&rows[0], nr)] < n)
		distribute(rows, nr, next, end);
	for (start = 0, i = 0; i < 256; start = end[i++]) {
		if (end[i] - start > 1)
			sort_from(rows + start, end[i] - start, nr + 1);
	}
}

void recipient_sort(struct recipient *rows, size_t n)
{
	size_t i;

	/* Lists are exported in order more often than not. */
	for (i = 1; i < n && !is_after(&rows[i - 1], &rows[i]); i++)
		;
	if (i < n)
		sort_from(rows, n, 0);
}

bool recipient_same_imsi(const struct recipient *a, const struct recipient *b)
{
	return imsi_key(&a->imsi) == imsi_key(&b->imsi);
}

/* Of rows with one IMSI the last stays. \returns how many are left. */
static size_t drop_repeated(struct recipient *rows, size_t n)
{
	size_t kept = 0, i;

	for (i = 0; i < n; i++) {
		if (i + 1 == n || !recipient_same_imsi(&rows[i], &rows[i + 1]))
			rows[kept++] = rows[i];
	}
	return kept;
}

struct recipient_table *recipient_table_of_sorted(void *ctx, struct recipient *rows, size_t n,
						  char **languages, size_t n_languages)
{
	struct recipient_table *table = talloc_zero(ctx, struct recipient_table);
	struct recipient *fitting = table ? talloc_realloc(table, rows, struct recipient, n ? n : 1) : NULL;

	if (!fitting) {
		talloc_free(rows);
		talloc_free(languages);
		talloc_free(table);
		return NULL;
	}
	table->n = n;
	table->rows = talloc_steal(table, fitting);
	table->languages = talloc_steal(table, languages);
	table->n_languages = languages ? n_languages : 0;
	return table;
}

struct recipient_table *recipient_table_make(void *ctx, struct recipient *rows, size_t n,
					     char **languages, size_t n_languages)
{
	size_t i;

	for (i = 0; i < n; i++)
		rows[i].line = i + 1;
	recipient_sort(rows, n);
	return recipient_table_of_sorted(ctx, rows, drop_repeated(rows, n), languages, n_languages);
}

size_t recipient_table_count(const struct recipient_table *table)
{
	return table->n;
}

const struct recipient *recipient_table_get(const struct recipient_table *table, size_t row)
{
	return &table->rows[row];
}

long recipient_table_find(const struct recipient_table *table, const struct target *imsi)
{
	uint64_t key = imsi_key(imsi), found;
	size_t low = 0, high = table->n;

	if (!target_valid(imsi) || imsi->type != TARGET_IMSI)
		return -1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		found = imsi_key(&table->rows[mid].imsi);
		if (found == key)
			return mid;
		if (found < key)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

const char *recipient_table_language(const struct recipient_table *table, const struct recipient *r)
{
	return r->language && r->language <= table->n_languages ? table->languages[r->language - 1] : NULL;
}
