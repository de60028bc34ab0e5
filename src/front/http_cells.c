/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The cell table, streamed. */

#include "http_private.h"

#include <errno.h>
#include <string.h>

#include <talloc.h>

#define TABLE_DEFAULT 1000
#define TABLE_MAX 100000

struct table_list {
	const struct cell_table *table;
	uint32_t row;
	long peer;		/* index of the wanted one, -1 = all */
	uint64_t left;
	bool begun;
};

static void put_table_cell(struct json *j, const struct cell_table *table, uint32_t row)
{
	struct cell cell;

	cell_table_get(table, row, &cell);
	json_object_begin(j, NULL);
	http_put_target(j, &cell.target);
	json_string(j, "peer", cell.peer);
	json_decimal(j, "lat", cell.footprint.site.lat, 7);
	json_decimal(j, "lon", cell.footprint.site.lon, 7);
	json_int(j, "range_m", cell.footprint.range_m);
	json_int(j, "azimuth_deg", cell.footprint.azimuth_deg);
	json_int(j, "beam_deg", cell.footprint.beam_deg);
	json_object_end(j);
}

static bool table_advance(struct table_list *list)
{
	size_t n = cell_table_count(list->table);

	while (list->row < n && list->peer >= 0 &&
	       (long)cell_table_peer_of(list->table, list->row) != list->peer)
		list->row++;
	return list->row < n;
}

static int table_next(void *stream, struct json *j)
{
	struct table_list *list = stream;
	bool more = table_advance(list);

	if (!list->begun) {
		json_object_begin(j, NULL);
		json_int(j, "total", cell_table_count(list->table));
		json_array_begin(j, "cells");
		list->begun = true;
	}
	if (more && list->left) {
		put_table_cell(j, list->table, list->row++);
		list->left--;
		return 1;
	}
	json_array_end(j);
	if (more)
		json_int(j, "next", (int64_t)list->row - 1);
	else
		json_null(j, "next");
	json_object_end(j);
	return 0;
}

static int load_snapshot(struct http_request *req, char *name)
{
	struct http_listener *l = req->listener;
	struct cell_table *table = NULL;
	char *path;

	if (name && !strchr(name, '/')) {
		path = talloc_asprintf(req, "%s/%s", l->store_dir, name);
		table = path ? cell_table_load(NULL, path, false, &req->problem) : NULL;
	} else if (!name) {
		table = cell_table_empty(NULL);
	}
	if (!table) {
		http_refuse(req, PROBLEM_STORE_UNAVAILABLE, NULL, "The cell table cannot be read now.");
		return -EIO;
	}
	/* Streams that still run keep a reference to the one before. */
	talloc_unlink(NULL, l->cells);
	talloc_free(l->cells_name);
	l->cells = table;
	l->cells_name = talloc_steal(NULL, name);
	return 0;
}

/* The table that the store names, loaded again when another was imported. */
static const struct cell_table *current_table(struct http_request *req)
{
	struct http_listener *l = req->listener;
	struct store_reader *r = http_reader(req);
	char *name;

	if (!r)
		return NULL;
	name = store_read_meta(r, req, "cell-table");
	if (!l->cells || !name != !l->cells_name || (name && strcmp(name, l->cells_name))) {
		if (load_snapshot(req, name) < 0)
			return NULL;
	}
	return l->cells;
}

static long peer_index(const struct cell_table *table, const char *peer)
{
	size_t i, n = cell_table_n_peers(table);

	for (i = 0; i < n; i++) {
		if (!strcmp(cell_table_peer(table, i), peer))
			return i;
	}
	return -1;
}

void http_serve_cells(struct http_request *req)
{
	uint64_t max = TABLE_DEFAULT, after = UINT64_MAX;
	const char *peer = http_param(req, "peer");
	const struct cell_table *table;
	struct table_list *list;

	if (http_param_number(req, "max", 1, TABLE_MAX, &max) < 0 ||
	    http_param_number(req, "after", 0, UINT32_MAX - 1, &after) < 0)
		return;
	table = current_table(req);
	if (!table)
		return;
	list = talloc_zero(req, struct table_list);
	list->table = list ? talloc_reference(list, table) : NULL;
	if (!list || !list->table) {
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory for the answer.");
		return;
	}
	list->left = max;
	list->row = after + 1;
	list->peer = peer ? peer_index(table, peer) : -1;
	/* A peer without cells: nothing passes. */
	if (peer && list->peer < 0)
		list->row = cell_table_count(table);
	http_reply_stream(req, table_next, list);
}
