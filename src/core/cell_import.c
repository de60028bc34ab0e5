/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Importing a cell table without holding up the loop: a thread reads the file, builds the index
 * and writes the snapshot; the loop names it in the store and only then puts it in force. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "background.h"
#include "core.h"

/* Everything the thread touches hangs off this, which has no parent of its own. */
struct cell_import {
	struct llist_head waiting;	/* in gateway.imports, until its turn comes */
	char *path;
	char *dir;
	char **peers;			/* NULL-terminated */
	struct cell_table *table;	/* result, or NULL with the problem */
	char name[CELL_SNAPSHOT_NAME_LEN];
	struct problem problem;
	/* The loop's own. */
	struct gateway *gw;
	struct background background;
	gateway_imported done;
	void *data;
};

static bool peer_is_known(const char *peer, void *data)
{
	char **peers = data;

	for (; *peers; peers++) {
		if (!strcmp(*peers, peer))
			return true;
	}
	return false;
}

static void import_work(void *data)
{
	struct cell_import *imp = data;
	int rc;

	imp->table = cell_table_import(imp, imp->path, peer_is_known, imp->peers, &imp->problem);
	if (!imp->table)
		return;
	rc = cell_table_save(imp->table, imp->dir, imp->name);
	if (rc < 0) {
		problem_set(&imp->problem, PROBLEM_STORE_UNAVAILABLE, imp->dir, 0,
			    "The snapshot of the cell table cannot be written: %s.", strerror(-rc));
		TALLOC_FREE(imp->table);
	}
}

static struct cell_import *import_alloc(struct gateway *gw, const char *path)
{
	struct cell_import *imp = talloc_zero(NULL, struct cell_import);
	struct peer *peer = NULL;
	size_t n = 0;

	if (!imp)
		return NULL;
	imp->gw = gw;
	imp->path = talloc_strdup(imp, path);
	imp->dir = talloc_strdup(imp, store_dir(gw->store));
	while ((peer = peer_next(gw->peers, peer)))
		n++;
	imp->peers = talloc_zero_array(imp, char *, n + 1);
	for (n = 0; imp->peers && (peer = peer_next(gw->peers, peer)); n++) {
		imp->peers[n] = talloc_strdup(imp->peers, peer_name(peer));
		if (!imp->peers[n])
			TALLOC_FREE(imp->peers);
	}
	if (!imp->path || !imp->dir || !imp->peers)
		TALLOC_FREE(imp);
	return imp;
}

static void put_in_force(struct gateway *gw, struct cell_table *table)
{
	talloc_unlink(gw, gw->cells);
	gw->cells = talloc_steal(gw, table);
	gw->cells_version++;
	rehome_wake(gw, 0);
	LOGP(DCELL, LOGL_NOTICE, "cell table with %zu cells is in force\n", cell_table_count(table));
}

static void import_next(struct gateway *gw);

/* Ends the import, reports it. */
static void import_finish(struct cell_import *imp)
{
	struct gateway *gw = imp->gw;
	size_t n = imp->table ? cell_table_count(imp->table) : 0;

	gw->import = NULL;
	gw->import_problem = imp->problem;
	gw->imported_utc = clock_utc();
	if (imp->table)
		put_in_force(gw, imp->table);
	else
		LOGP(DCELL, LOGL_ERROR, "import of %s refused, the old table stays: %s:%u: %s\n", imp->path,
		     imp->problem.where, imp->problem.line, imp->problem.detail);
	if (imp->done)
		imp->done(imp->table ? NULL : &imp->problem, n, imp->data);
	talloc_free(imp);
	import_next(gw);
}

static void named_cb(int rc, void *data)
{
	struct cell_import *imp = data;

	if (rc < 0) {
		problem_set(&imp->problem, PROBLEM_STORE_UNAVAILABLE, imp->dir, 0,
			    "The store could not commit the new cell table: %s.", strerror(-rc));
		TALLOC_FREE(imp->table);
	}
	import_finish(imp);
}

/* On the loop: the file was read. */
static void import_read(void *data)
{
	struct cell_import *imp = data;
	struct store_txn *txn;

	if (!imp->table) {
		import_finish(imp);
		return;
	}
	txn = store_txn_alloc(imp->gw->store);
	if (!txn || store_put_meta(txn, "cell-table", imp->name) < 0) {
		talloc_free(txn);
		named_cb(-ENOMEM, imp);
		return;
	}
	store_commit(imp->gw->store, txn, named_cb, imp);
}

static void import_start(struct cell_import *imp)
{
	int rc;

	imp->gw->import = imp;
	if (!imp->gw->threaded) {
		import_work(imp);
		import_read(imp);
		return;
	}
	rc = background_start(&imp->background, imp->gw, import_work, import_read, imp);
	if (rc < 0) {
		problem_set(&imp->problem, PROBLEM_NO_MEMORY, imp->path, 0,
			    "The import's thread does not start: %s.", strerror(-rc));
		import_finish(imp);
	}
}

static void import_next(struct gateway *gw)
{
	struct cell_import *imp;

	if (gw->import || llist_empty(&gw->imports))
		return;
	imp = llist_entry(gw->imports.next, struct cell_import, waiting);
	llist_del(&imp->waiting);
	import_start(imp);
}

/* One that has not begun will read the file as it is then: nobody needs another behind it. */
static bool is_waiting(const struct gateway *gw, const char *path)
{
	const struct cell_import *imp;

	llist_for_each_entry(imp, &gw->imports, waiting) {
		if (!strcmp(imp->path, path) && !imp->done)
			return true;
	}
	return false;
}

int gateway_import_cells(struct gateway *gw, const char *path, gateway_imported done, void *data)
{
	struct cell_import *imp;

	if (!done && is_waiting(gw, path))
		return 0;
	imp = import_alloc(gw, path);
	if (!imp)
		return -ENOMEM;
	imp->done = done;
	imp->data = data;
	llist_add_tail(&imp->waiting, &gw->imports);
	import_next(gw);
	return 0;
}

void cell_import_abort(struct gateway *gw)
{
	struct cell_import *imp, *next;

	llist_for_each_entry_safe(imp, next, &gw->imports, waiting) {
		llist_del(&imp->waiting);
		talloc_free(imp);
	}
	imp = gw->import;
	if (!imp || !background_abort(&imp->background))
		return;
	gw->import = NULL;
	talloc_free(imp);
}

/* \returns 1 if the table in force was made from these bytes. */
static int file_is_in_force(const struct gateway *gw, const char *path)
{
	uint8_t digest[DIGEST_LEN];

	if (cell_table_digest_file(path, digest) < 0)
		return 0;
	return !memcmp(digest, cell_table_source_digest(gw->cells), DIGEST_LEN);
}

/* The peers may have changed although the file has not. */
static bool all_peers_known(const struct gateway *gw)
{
	size_t i;

	for (i = 0; i < cell_table_n_peers(gw->cells); i++) {
		if (!peer_by_name(gw->peers, cell_table_peer(gw->cells, i)))
			return false;
	}
	return true;
}

static int start_with(struct gateway *gw, struct cell_import *imp, struct problem *problem)
{
	struct store_txn *txn;

	import_work(imp);
	if (!imp->table) {
		*problem = imp->problem;
		gw->import_problem = imp->problem;
		gw->imported_utc = clock_utc();
		return cell_table_count(gw->cells) ? 1 : -EINVAL;
	}
	/* Should this commit be lost, the next start imports the file once more. */
	txn = store_txn_alloc(gw->store);
	if (!txn || store_put_meta(txn, "cell-table", imp->name) < 0) {
		talloc_free(txn);
		return problem_set(problem, PROBLEM_NO_MEMORY, imp->path, 0, "There is not enough memory.");
	}
	store_commit(gw->store, txn, NULL, NULL);
	gw->imported_utc = clock_utc();
	put_in_force(gw, imp->table);
	return 0;
}

int gateway_cells_at_start(struct gateway *gw, const char *path, struct problem *problem)
{
	struct cell_import *imp;
	int rc;

	if (file_is_in_force(gw, path) && all_peers_known(gw))
		return 0;
	imp = import_alloc(gw, path);
	if (!imp)
		return problem_set(problem, PROBLEM_NO_MEMORY, path, 0, "There is not enough memory.");
	rc = start_with(gw, imp, problem);
	talloc_free(imp);
	return rc;
}

int64_t gateway_last_import(const struct gateway *gw, struct problem *problem)
{
	if (problem)
		*problem = gw->import_problem;
	return gw->imported_utc;
}
