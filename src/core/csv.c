/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "csv.h"

#include <stdbool.h>
#include <string.h>

#define MAX_LINE 1000

/* \returns the number of fields, n + 1 if there are more. */
static size_t split(const char *s, size_t len, struct csv_field *f, size_t n)
{
	const char *end = s + len, *comma;
	size_t i = 0;

	while (i < n) {
		comma = memchr(s, ',', end - s);
		f[i++] = (struct csv_field){ s, (comma ? comma : end) - s };
		if (!comma)
			return i;
		s = comma + 1;
	}
	return n + 1;
}

static int read_row(struct csv *csv, const char *s, size_t len)
{
	struct csv_field f[CSV_MAX_FIELDS];
	size_t n;

	if (memchr(s, '"', len))
		return csv_wrong(csv, "quoted fields are not supported");
	n = split(s, len, f, csv->n_fields);
	if (n != csv->n_fields)
		return csv_wrong(csv, "%zu fields are wanted, this line has %s%zu", csv->n_fields,
				 n > csv->n_fields ? "at least " : "", n);
	return csv->row(csv->data, f);
}

static int read_header(struct csv *csv, const char *s, size_t len)
{
	struct csv_field f[CSV_MAX_FIELDS];

	if (len != strlen(csv->header) || memcmp(s, csv->header, len))
		return csv_wrong(csv, "the first line must be exactly \"%s\"", csv->header);
	csv->n_fields = split(s, len, f, CSV_MAX_FIELDS);
	return 0;
}

int csv_read(struct csv *csv, const char *text, size_t len)
{
	const char *end = text + len, *lf;
	bool has_header = false;
	int rc = 0;

	for (; text < end && !rc; text = lf ? lf + 1 : end) {
		csv->line++;
		lf = memchr(text, '\n', end - text);
		len = (lf ? lf : end) - text;
		if (len && text[len - 1] == '\r')
			len--;
		if (len > MAX_LINE)
			return csv_wrong(csv, "the line is longer than %d octets", MAX_LINE);
		if (!len || *text == '#')
			continue;
		rc = has_header ? read_row(csv, text, len) : read_header(csv, text, len);
		has_header = true;
	}
	if (!rc && !has_header)
		return csv_wrong(csv, "the header \"%s\" is missing", csv->header);
	return rc;
}

size_t csv_count_lines(const char *text, size_t len, size_t max)
{
	const char *end = text + len;
	size_t n = 1;

	for (; n < max && (text = memchr(text, '\n', end - text)); text++)
		n++;
	return n;
}
