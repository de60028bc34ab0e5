/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>

void damaged(struct columns *c)
{
	if (!c->error) {
		c->error = -EBADMSG;
		snprintf(c->sql->why, sizeof(c->sql->why), "column %s is damaged",
			 sqlite3_column_name(c->stmt, c->next - 1));
	}
}

void no_memory(struct columns *c)
{
	if (!c->error)
		c->error = -ENOMEM;
}

int64_t col_int(struct columns *c)
{
	return sqlite3_column_int64(c->stmt, c->next++);
}

int64_t col_range(struct columns *c, int64_t min, int64_t max)
{
	int64_t v = col_int(c);

	if (v < min || v > max)
		damaged(c);
	return v;
}

char *col_text(struct columns *c)
{
	int i = c->next++;
	const unsigned char *text;
	char *copy;

	if (sqlite3_column_type(c->stmt, i) == SQLITE_NULL)
		return NULL;
	text = sqlite3_column_text(c->stmt, i);
	copy = text ? talloc_strdup(c->ctx, (const char *)text) : NULL;
	if (!copy)
		no_memory(c);
	return copy;
}

const uint8_t *col_blob(struct columns *c, size_t *len)
{
	const uint8_t *blob = sqlite3_column_blob(c->stmt, c->next);

	*len = sqlite3_column_bytes(c->stmt, c->next);
	c->next++;
	return blob;
}

const uint8_t *col_packed(struct columns *c, size_t element, size_t *n)
{
	size_t len;
	const uint8_t *blob = col_blob(c, &len);

	*n = 0;
	if (!len || blob[0] != PACKED_VERSION || (len - 1) % element) {
		damaged(c);
		return NULL;
	}
	*n = (len - 1) / element;
	return blob + 1;
}

int each_row(struct sql *sql, enum sql_stmt stmt, void *ctx, row_fn fn, void *data)
{
	sqlite3_stmt *s = sql->stmts[stmt];
	int step, rc = 0;

	while (rc >= 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
		struct columns c = { .sql = sql, .stmt = s, .ctx = ctx };

		rc = fn(&c, data);
	}
	if (rc >= 0)
		rc = step == SQLITE_DONE ? 0 : sql_error(sql, step);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc;
}

void bind_text(struct sql *sql, enum sql_stmt stmt, int i, const char *text)
{
	sqlite3_bind_text(sql->stmts[stmt], i, text, -1, SQLITE_STATIC);
}

int own_row(struct columns *c, row_fn fn, void *data)
{
	int rc = -ENOMEM;

	c->ctx = talloc_new(NULL);
	if (c->ctx)
		rc = fn(c, data);
	talloc_free(c->ctx);
	return rc < 0 ? rc : 0;
}

int rows_init(struct rows *rows, void *ctx, size_t size)
{
	*rows = (struct rows){ .size = size, .max = 16 };
	rows->array = talloc_size(ctx, rows->size * rows->max);
	return rows->array ? 0 : -ENOMEM;
}

void *rows_next(struct rows *rows)
{
	void *more;

	if (rows->n == rows->max) {
		more = talloc_realloc_size(NULL, rows->array, rows->size * rows->max * 2);
		if (!more)
			return NULL;
		rows->array = more;
		rows->max *= 2;
	}
	return memset((char *)rows->array + rows->size * rows->n++, 0, rows->size);
}

int rows_end(struct rows *rows, int rc, void *out)
{
	if (rc < 0) {
		talloc_free(rows->array);
		return rc;
	}
	memcpy(out, &rows->array, sizeof(rows->array));
	return rows->n;
}
