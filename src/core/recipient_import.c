/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Importing a file of recipients without holding up the loop: a thread reads it and builds the table,
 * the loop puts it in force. One at a time, since a large list takes its memory twice meanwhile. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "background.h"
#include "core.h"

/* Everything the thread touches hangs off this, which has no parent of its own. */
struct recipient_import {
	struct llist_head waiting;	/* in gateway.recipient_imports, until its turn comes */
	char *path;
	struct recipient_table *table;	/* result, or NULL with the problem */
	struct problem problem;
	/* The loop's own. */
	struct gateway *gw;
	struct tie *tie;		/* NULL: the source was removed */
	struct background background;
	gateway_imported done;
	void *data;
};

/* A child of the source, so that a source that is removed takes it along. */
struct tie {
	struct recipient_source *source;
	struct recipient_import *imp;
};

static int tie_destructor(struct tie *tie)
{
	tie->imp->tie = NULL;
	return 0;
}

static void import_free(struct recipient_import *imp)
{
	talloc_free(imp->tie);
	talloc_free(imp);
}

static struct recipient_import *import_alloc(struct gateway *gw, struct recipient_source *source, const char *path)
{
	struct recipient_import *imp = talloc_zero(NULL, struct recipient_import);
	struct tie *tie = imp ? talloc_zero(source, struct tie) : NULL;

	if (!tie) {
		talloc_free(imp);
		return NULL;
	}
	*tie = (struct tie){ .source = source, .imp = imp };
	talloc_set_destructor(tie, tie_destructor);
	imp->gw = gw;
	imp->tie = tie;
	imp->path = talloc_strdup(imp, path);
	if (!imp->path) {
		import_free(imp);
		return NULL;
	}
	return imp;
}

static void import_work(void *data)
{
	struct recipient_import *imp = data;

	imp->table = recipient_table_import(imp, imp->path, &imp->problem);
}

static void put_in_force(struct recipient_source *source, struct recipient_import *imp)
{
	recipient_source_put(source, imp->table, clock_utc());
	LOGP(DRECIP, LOGL_NOTICE, "recipients=%s %zu recipients from %s are in force\n",
	     recipient_source_name(source), recipient_source_count(source), imp->path);
}

static void refuse(struct recipient_source *source, const struct recipient_import *imp)
{
	recipient_source_failed(source, &imp->problem, clock_utc());
	LOGP(DRECIP, LOGL_ERROR, "recipients=%s import refused, the list before stays: %s:%u: %s\n",
	     recipient_source_name(source), imp->problem.where, imp->problem.line, imp->problem.detail);
}

static void import_next(struct gateway *gw);

/* On the loop: the file was read. */
static void import_finish(void *data)
{
	struct recipient_import *imp = data;
	struct recipient_source *source = imp->tie ? imp->tie->source : NULL;
	struct gateway *gw = imp->gw;
	size_t n = imp->table ? recipient_table_count(imp->table) : 0;

	gw->recipient_import = NULL;
	if (!source)
		problem_set(&imp->problem, PROBLEM_CONFIG, imp->path, 0, "The source was removed during the import.");
	else if (imp->table)
		put_in_force(source, imp);
	else
		refuse(source, imp);
	if (imp->done)
		imp->done(source && imp->table ? NULL : &imp->problem, n, imp->data);
	import_free(imp);
	import_next(gw);
}

static void import_start(struct recipient_import *imp)
{
	int rc;

	imp->gw->recipient_import = imp;
	if (!imp->gw->threaded) {
		import_work(imp);
		import_finish(imp);
		return;
	}
	rc = background_start(&imp->background, imp->gw, import_work, import_finish, imp);
	if (rc < 0) {
		problem_set(&imp->problem, PROBLEM_NO_MEMORY, imp->path, 0,
			    "The import's thread does not start: %s.", strerror(-rc));
		import_finish(imp);
	}
}

static void import_next(struct gateway *gw)
{
	struct recipient_import *imp;

	if (gw->recipient_import || llist_empty(&gw->recipient_imports))
		return;
	imp = llist_entry(gw->recipient_imports.next, struct recipient_import, waiting);
	llist_del(&imp->waiting);
	import_start(imp);
}

/* One that has not begun will read the file as it is then: nobody needs another behind it. */
static bool is_waiting(const struct gateway *gw, const struct recipient_source *source, const char *path)
{
	const struct recipient_import *imp;

	llist_for_each_entry(imp, &gw->recipient_imports, waiting) {
		if (imp->tie && imp->tie->source == source && !strcmp(imp->path, path) && !imp->done)
			return true;
	}
	return false;
}

int gateway_import_recipients(struct gateway *gw, struct recipient_source *source, const char *path,
			      gateway_imported done, void *data)
{
	struct recipient_import *imp;

	if (!done && is_waiting(gw, source, path))
		return 0;
	imp = import_alloc(gw, source, path);
	if (!imp)
		return -ENOMEM;
	imp->done = done;
	imp->data = data;
	llist_add_tail(&imp->waiting, &gw->recipient_imports);
	import_next(gw);
	return 0;
}

void recipient_import_abort(struct gateway *gw)
{
	struct recipient_import *imp, *next;

	llist_for_each_entry_safe(imp, next, &gw->recipient_imports, waiting) {
		llist_del(&imp->waiting);
		import_free(imp);
	}
	imp = gw->recipient_import;
	if (!imp)
		return;
	background_abort(&imp->background);
	gw->recipient_import = NULL;
	import_free(imp);
}
