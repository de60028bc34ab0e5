/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Inside of the recipient table, shared by it and its import. */

#include <tocsin/core/recipient.h>

struct recipient_table {
	size_t n;
	struct recipient *rows;		/*!< sorted by IMSI, each once */
	char **languages;		/*!< language of index i + 1 */
	size_t n_languages;
};

/*! Sort by IMSI, rows of one IMSI by line, in place. */
void recipient_sort(struct recipient *rows, size_t n);
bool recipient_same_imsi(const struct recipient *a, const struct recipient *b);
/*! As recipient_table_make() for rows that are sorted and free of repetition; keeps their lines. */
struct recipient_table *recipient_table_of_sorted(void *ctx, struct recipient *rows, size_t n,
						  char **languages, size_t n_languages);
