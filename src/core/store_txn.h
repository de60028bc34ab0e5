/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A transaction of the store: a list of operations, each a prepared statement with copies of its
 *  values, in a talloc tree of its own that is made, filled in (store_fill.c) and freed on the loop;
 *  the writer (store.c) only reads it. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <osmocom/core/linuxlist.h>

#include "store_sql.h"

struct value {
	enum { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB, VALUE_ALERT } type;
	int64_t number;
	const void *data;
	size_t len;
};

struct op {
	struct llist_head entry;
	struct store_txn *txn;
	enum sql_stmt stmt;
	size_t n, max;
	struct value values[];
};

/*! What was handed over is begun by the writer or withdrawn by the loop, whoever comes first. */
enum txn_stage { TXN_WAITS, TXN_BEGUN, TXN_WITHDRAWN };

struct store_txn {
	struct llist_head entry;	/*!< first: osmo_it_q wants it so */
	struct llist_head ops;
	_Atomic(enum txn_stage) stage;
	uint8_t *block;			/*!< room for operations and their values, in blocks */
	size_t block_left;
	int error;			/*!< sticky: -ENOMEM while it was filled in */
	bool content;			/*!< holds a new message or delivery */
	bool ends;			/*!< holds the end of an alert */
	bool stop;			/*!< no transaction: ends the writer */
	int rc;
	char why[120];			/*!< for the log; of a group that failed, only in its first */
	store_done done;
	void *data;
};
