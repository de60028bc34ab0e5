/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Rows of a statement into structs. A row that does not hold what its type promises is an error
 *  with a name, never trusted: the file may have been damaged. */

#include <stddef.h>
#include <stdint.h>

#include "store_sql.h"

/*! Reads the columns of a row in their order; the first error stays, as in wire.h. */
struct columns {
	struct sql *sql;
	sqlite3_stmt *stmt;
	void *ctx;		/*!< owner of texts */
	int next;
	int error;
};

/*! The column that was read last does not hold what it should. */
void damaged(struct columns *c);
/*! There was no memory for what a column holds. */
void no_memory(struct columns *c);
int64_t col_int(struct columns *c);
int64_t col_range(struct columns *c, int64_t min, int64_t max);
/*! \returns a child of the context, NULL of NULL. */
char *col_text(struct columns *c);
/*! Borrowed from the statement until its next step. */
const uint8_t *col_blob(struct columns *c, size_t *len);
/*! A packed list: one octet of version, then n elements of the same size. Borrowed as well.
 *  \returns the first element, NULL if it is damaged. */
const uint8_t *col_packed(struct columns *c, size_t element, size_t *n);

typedef int (*row_fn)(struct columns *c, void *data);

/*! Step through the rows of a statement; whatever happens, no read transaction outlives this.
 *  \returns 0, or the negative errno of the statement or of fn, which ends it. */
int each_row(struct sql *sql, enum sql_stmt stmt, void *ctx, row_fn fn, void *data);
/*! Borrowed until each_row() has ended, so that this cannot fail. */
void bind_text(struct sql *sql, enum sql_stmt stmt, int i, const char *text);
/*! Within each_row(): call fn with a context for this row alone. */
int own_row(struct columns *c, row_fn fn, void *data);

/*! A growing talloc array; the texts of its elements are its children. */
struct rows {
	void *ctx;
	void *array;
	size_t size;		/*!< of an element */
	size_t n, max;
	const char *alert_id;
};

int rows_init(struct rows *rows, void *ctx, size_t size);
/*! \returns the next element, zeroed, or NULL. */
void *rows_next(struct rows *rows);
/*! Hand over the array, or free it after an error.
 *  \param[out] out  pointer to it.
 *  \returns number of elements, or that error. */
int rows_end(struct rows *rows, int rc, void *out);

/*! The columns of SQL_READ_DELIVERIES, and the evidence of that delivery. (store_read_delivery.c) */
int delivery_from_row(struct columns *c, const char *alert_id, struct delivery_row *row);
