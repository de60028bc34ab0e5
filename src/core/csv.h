/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! CSV text, as tables are imported from it: a header that must be exact, then rows of fields that
 *  are never quoted. Empty lines and lines that start with '#' are skipped; a line may end with CR LF. */

#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

#define CSV_MAX_FILE (UINT64_C(1) << 30)
#define CSV_MAX_FIELDS 8

/*! One field. Not terminated. */
struct csv_field {
	const char *s;
	size_t len;
};

/*! One reading of one text: what it must look like, and where it is. */
struct csv {
	const char *header;	/*!< its commas say how many fields a row has, at most CSV_MAX_FIELDS */
	const char *name;	/*!< of the file, for the problem */
	enum problem_code code;	/*!< what a wrong line is */
	struct problem *problem;
	uint32_t line;		/*!< being read, from 1 */
	size_t n_fields;	/*!< counted by csv_read() */
	/*! Take one row. \returns 0, or a negative errno that ends the reading. */
	int (*row)(void *data, const struct csv_field *fields);
	void *data;
};

/*! Read all lines. \returns 0, or what the first wrong line gave (-EINVAL: csv->problem says why). */
int csv_read(struct csv *csv, const char *text, size_t len);
/*! Lines of a text, up to max: one row per line is the most there can be. */
size_t csv_count_lines(const char *text, size_t len, size_t max);

/*! Say what is wrong with the line that is being read. \returns -EINVAL. */
#define csv_wrong(csv, ...) \
	problem_set((csv)->problem, (csv)->code, (csv)->name, (csv)->line, __VA_ARGS__)
