/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading a recipient table from CSV text. What it says of a wrong line goes to logs, so it names the
 * line and quotes no field: columns may have changed places. */

#include "recipient_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "csv.h"
#include "file.h"

#define HEADER "imsi,msisdn,cell,language,drill"

enum { F_IMSI, F_MSISDN, F_CELL, F_LANGUAGE, F_DRILL };

struct import {
	struct csv csv;
	size_t n, max;
	struct recipient *rows;
	char **languages;
	size_t n_languages;
	uint8_t last_language;	/* index of the row before: most often the same again */
};

#define wrong(im, ...) csv_wrong(&(im)->csv, __VA_ARGS__)

static int read_imsi(struct import *im, const struct csv_field *f, struct recipient *r)
{
	const char *why;

	if (target_parse(TARGET_IMSI, f->s, f->len, &r->imsi, &why) < 0)
		return wrong(im, "imsi: %s", why);
	return 0;
}

static int read_msisdn(struct import *im, const struct csv_field *f, struct recipient *r)
{
	const char *why;

	if (f->len && msisdn_parse(f->s, f->len, &r->msisdn, &why) < 0)
		return wrong(im, "msisdn: %s", why);
	return 0;
}

static size_t count_hyphens(const struct csv_field *f)
{
	size_t n = 0, i;

	for (i = 0; i < f->len; i++)
		n += f->s[i] == '-';
	return n;
}

static int read_cell(struct import *im, const struct csv_field *f, struct recipient *r)
{
	size_t hyphens = count_hyphens(f);
	const char *why;

	if (!f->len)
		return 0;
	if (hyphens != 2 && hyphens != 3)
		return wrong(im, "cell: a cell is MCC-MNC-LAC-CI, a location area MCC-MNC-LAC");
	if (target_parse(hyphens == 2 ? TARGET_LAI : TARGET_CGI, f->s, f->len, &r->at, &why) < 0)
		return wrong(im, "cell: %s", why);
	return 0;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 3066, 2.1: 1 to 8 letters, then parts of 1 to 8 letters and digits, each behind a hyphen. */
static bool language_valid(const struct csv_field *f)
{
	bool first = true;
	size_t run = 0, i;
	char c;

	for (i = 0; i < f->len; i++) {
		c = f->s[i];
		if (c == '-' && run) {
			first = false;
			run = 0;
		} else if (!is_letter(c) && (first || c < '0' || c > '9')) {
			return false;
		} else if (++run > 8) {
			return false;
		}
	}
	return run && f->len <= RECIPIENT_LANGUAGE_LEN;
}

static int add_language(struct import *im, const char *tag)
{
	if (im->n_languages == RECIPIENT_MAX_LANGUAGES)
		return wrong(im, "language: more than %d languages", RECIPIENT_MAX_LANGUAGES);
	im->languages[im->n_languages] = talloc_strdup(im->languages, tag);
	if (!im->languages[im->n_languages])
		return -ENOMEM;
	im->n_languages++;
	return 0;
}

/* Tags say the same in upper and lower case (RFC 3066, 2.1): one spelling is kept. */
static int read_language(struct import *im, const struct csv_field *f, struct recipient *r)
{
	char tag[RECIPIENT_LANGUAGE_LEN + 1];
	size_t i;
	int rc;

	if (!f->len)
		return 0;
	if (!language_valid(f))
		return wrong(im, "language: a tag like de or de-AT of at most %d characters is wanted",
			     RECIPIENT_LANGUAGE_LEN);
	for (i = 0; i < f->len; i++)
		tag[i] = tolower((unsigned char)f->s[i]);
	tag[f->len] = '\0';
	i = im->last_language ? im->last_language - 1u : 0;
	if (!im->last_language || strcmp(im->languages[i], tag)) {
		for (i = 0; i < im->n_languages && strcmp(im->languages[i], tag); i++)
			;
		rc = i == im->n_languages ? add_language(im, tag) : 0;
		if (rc < 0)
			return rc;
	}
	im->last_language = r->language = i + 1;
	return 0;
}

static int read_drill(struct import *im, const struct csv_field *f, struct recipient *r)
{
	r->drill = f->len == 3 && !memcmp(f->s, "yes", 3);
	if (f->len && !r->drill && (f->len != 2 || memcmp(f->s, "no", 2)))
		return wrong(im, "drill: yes, no or nothing is wanted");
	return 0;
}

static int read_row(void *data, const struct csv_field *f)
{
	struct import *im = data;
	struct recipient r = { .line = im->csv.line };
	int rc;

	if (im->n == im->max)
		return wrong(im, "more than %d recipients", RECIPIENT_MAX_ROWS);
	rc = read_imsi(im, &f[F_IMSI], &r);
	if (!rc)
		rc = read_msisdn(im, &f[F_MSISDN], &r);
	if (!rc)
		rc = read_cell(im, &f[F_CELL], &r);
	if (!rc)
		rc = read_language(im, &f[F_LANGUAGE], &r);
	if (!rc)
		rc = read_drill(im, &f[F_DRILL], &r);
	if (!rc && !r.msisdn.digits && !r.at.type)
		rc = wrong(im, "a recipient needs a cell, a number, or both");
	im->rows[im->n++] = r;
	return rc;
}

/* Of several, name the one that comes first in the file. */
static int refuse_repeated(struct import *im)
{
	char digits[TARGET_TEXT_LEN], text[RECIPIENT_SHORT_LEN];
	const struct recipient *first = NULL, *r;
	size_t i;

	for (i = 1; i < im->n; i++) {
		r = &im->rows[i];
		if (recipient_same_imsi(r - 1, r) && (!first || r->line < first->line))
			first = r;
	}
	if (!first)
		return 0;
	im->csv.line = first->line;
	target_format(&first->imsi, digits, sizeof(digits));
	return wrong(im, "imsi: %s was given before, in line %u",
		     recipient_shorten(digits, text, sizeof(text)), first[-1].line);
}

static int import_run(struct import *im, const char *text, size_t len)
{
	int rc;

	im->rows = talloc_array(im, struct recipient, im->max);
	im->languages = talloc_zero_array(im, char *, RECIPIENT_MAX_LANGUAGES);
	if (!im->rows || !im->languages)
		return -ENOMEM;
	rc = csv_read(&im->csv, text, len);
	if (rc < 0)
		return rc;
	recipient_sort(im->rows, im->n);
	return refuse_repeated(im);
}

struct recipient_table *recipient_table_parse(void *ctx, const char *text, size_t len, const char *name,
					      struct problem *problem)
{
	struct import *im = talloc_zero(ctx, struct import);
	struct recipient_table *table = NULL;
	int rc = -ENOMEM;

	if (!len)
		text = "";
	if (im) {
		im->csv = (struct csv){ .header = HEADER, .name = name, .code = PROBLEM_RECIPIENTS_LINE,
					.problem = problem, .row = read_row, .data = im };
		im->max = csv_count_lines(text, len, RECIPIENT_MAX_ROWS);
		rc = import_run(im, text, len);
	}
	if (!rc)
		table = recipient_table_of_sorted(ctx, im->rows, im->n, im->languages, im->n_languages);
	if (rc == -ENOMEM || (!rc && !table))
		problem_set(problem, PROBLEM_NO_MEMORY, name, 0, "no memory for this list of recipients");
	talloc_free(im);
	return table;
}

struct recipient_table *recipient_table_import(void *ctx, const char *path, struct problem *problem)
{
	struct recipient_table *table;
	uint8_t *text;
	size_t len;

	if (file_read(path, CSV_MAX_FILE, PROBLEM_RECIPIENTS_FILE, &text, &len, problem) < 0)
		return NULL;
	table = recipient_table_parse(ctx, (const char *)text, len, path, problem);
	free(text);
	return table;
}
