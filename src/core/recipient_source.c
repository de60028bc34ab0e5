/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sources of recipients, and the walk over all of them.
 *
 * A table belongs to its source; a walk holds references. Whoever lets go last frees it, so that a
 * table that is replaced in the middle of a walk lives until the end of that. */

#include <tocsin/core/recipient_source.h>

#include <string.h>

#include <limits.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/stat_item.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "recipient_table.h"

enum { GAUGE_COUNT, GAUGE_AGE };

static const struct osmo_stat_item_desc gauge_desc[] = {
	[GAUGE_COUNT] = { "count", "Recipients in the list of the source", NULL, 1, 0 },
	[GAUGE_AGE] = { "age", "Seconds since the list came, -1 without one", "s", 1, -1 },
};

static const struct osmo_stat_item_group_desc gauge_group = {
	.group_name_prefix = "recipients",
	.group_description = "A source of recipients",
	.num_items = ARRAY_SIZE(gauge_desc),
	.item_desc = gauge_desc,
};

struct recipient_sources {
	struct llist_head list;		/* recipient_source, in order of configuration */
	unsigned int version;
	unsigned int next_gauges;
};

struct recipient_source {
	struct llist_head entry;
	struct recipient_sources *sources;
	char *name;
	const char *kind;
	bool live;
	unsigned int max_age_s;
	struct recipient_table *table;	/* NULL: none yet */
	int64_t updated_utc;
	struct problem problem;		/* of the last attempt */
	int64_t last_utc;
	struct osmo_stat_item_group *gauges;
};

/* Where a walk stands in one table. */
struct cursor {
	const struct recipient_table *table;
	const struct recipient *row, *end;
	bool live;
	bool stale;			/* its locations are too old to be believed */
};

struct recipient_walk {
	struct cursor cursors[RECIPIENT_MAX_SOURCES];	/* in order of configuration */
	unsigned int n;
};

struct recipient_sources *recipient_sources_alloc(void *ctx)
{
	struct recipient_sources *sources = talloc_zero(ctx, struct recipient_sources);

	if (sources)
		INIT_LLIST_HEAD(&sources->list);
	return sources;
}

static int source_destructor(struct recipient_source *source)
{
	osmo_stat_item_group_free(source->gauges);
	return 0;
}

struct recipient_source *recipient_source_add(struct recipient_sources *sources, const char *name,
					      const char *kind, bool live, unsigned int max_age_s)
{
	struct recipient_source *source;

	if (recipient_source_by_name(sources, name) || llist_count(&sources->list) >= RECIPIENT_MAX_SOURCES)
		return NULL;
	source = talloc_zero(sources, struct recipient_source);
	if (!source)
		return NULL;
	source->name = talloc_strdup(source, name);
	source->gauges = osmo_stat_item_group_alloc(source, &gauge_group, sources->next_gauges++);
	if (!source->name || !source->gauges) {
		osmo_stat_item_group_free(source->gauges);
		talloc_free(source);
		return NULL;
	}
	osmo_stat_item_group_set_name(source->gauges, name);
	talloc_set_destructor(source, source_destructor);
	source->sources = sources;
	source->kind = kind;
	source->live = live;
	source->max_age_s = max_age_s;
	llist_add_tail(&source->entry, &sources->list);
	return source;
}

void recipient_source_remove(struct recipient_source *source)
{
	if (!source)
		return;
	if (source->table)
		source->sources->version++;
	llist_del(&source->entry);
	talloc_free(source);
}

struct recipient_source *recipient_source_by_name(const struct recipient_sources *sources, const char *name)
{
	struct recipient_source *source;

	llist_for_each_entry(source, &sources->list, entry) {
		if (!strcmp(source->name, name))
			return source;
	}
	return NULL;
}

struct recipient_source *recipient_source_next(const struct recipient_sources *sources,
					       const struct recipient_source *after)
{
	const struct llist_head *next = after ? after->entry.next : sources->list.next;

	return next == &sources->list ? NULL : llist_entry(next, struct recipient_source, entry);
}

void recipient_source_put(struct recipient_source *source, struct recipient_table *table, int64_t now)
{
	if (source->table)
		talloc_unlink(source, source->table);
	source->table = talloc_steal(source, table);
	source->updated_utc = source->last_utc = now;
	source->problem = (struct problem){ .code = PROBLEM_NONE };
	source->sources->version++;
}

void recipient_source_failed(struct recipient_source *source, const struct problem *problem, int64_t now)
{
	source->problem = *problem;
	source->last_utc = now;
}

const char *recipient_source_name(const struct recipient_source *source)
{
	return source->name;
}

const char *recipient_source_kind(const struct recipient_source *source)
{
	return source->kind;
}

size_t recipient_source_count(const struct recipient_source *source)
{
	return source->table ? recipient_table_count(source->table) : 0;
}

int64_t recipient_source_updated(const struct recipient_source *source)
{
	return source->updated_utc;
}

int64_t recipient_source_last(const struct recipient_source *source, struct problem *problem)
{
	if (problem)
		*problem = source->problem;
	return source->last_utc;
}

void recipient_sources_set_gauges(const struct recipient_sources *sources, int64_t now)
{
	const struct recipient_source *source;
	int64_t age;

	llist_for_each_entry(source, &sources->list, entry) {
		age = source->updated_utc ? OSMO_MAX(OSMO_MIN(now - source->updated_utc, INT_MAX), 0) : -1;
		osmo_stat_item_set(osmo_stat_item_group_get_item(source->gauges, GAUGE_COUNT),
				   recipient_source_count(source));
		osmo_stat_item_set(osmo_stat_item_group_get_item(source->gauges, GAUGE_AGE), age);
	}
}

unsigned int recipient_sources_version(const struct recipient_sources *sources)
{
	return sources->version;
}

/* Its locations are too old to be believed. */
static bool is_stale(const struct recipient_source *source, int64_t now)
{
	return source->max_age_s && now - source->updated_utc > source->max_age_s;
}

bool recipient_sources_complete(const struct recipient_sources *sources, int64_t now)
{
	const struct recipient_source *source;

	llist_for_each_entry(source, &sources->list, entry) {
		if (!source->table || is_stale(source, now))
			return false;
	}
	return true;
}

static int walk_add(struct recipient_walk *walk, const struct recipient_source *source, int64_t now)
{
	struct cursor *c = &walk->cursors[walk->n];

	c->table = talloc_reference(walk, source->table);
	if (!c->table)
		return -1;
	c->row = c->table->rows;
	c->end = c->row + c->table->n;
	c->live = source->live;
	c->stale = is_stale(source, now);
	walk->n++;
	return 0;
}

struct recipient_walk *recipient_walk_alloc(void *ctx, const struct recipient_sources *sources, int64_t now)
{
	struct recipient_walk *walk = talloc_zero(ctx, struct recipient_walk);
	const struct recipient_source *source;

	if (!walk)
		return NULL;
	llist_for_each_entry(source, &sources->list, entry) {
		if (source->table && walk_add(walk, source, now) < 0) {
			talloc_free(walk);
			return NULL;
		}
	}
	return walk;
}

/* The row that comes next; of several with one IMSI that of the first source. */
static const struct recipient *first_row(const struct recipient_walk *walk)
{
	const struct recipient *first = NULL;
	const struct cursor *c;

	for (c = walk->cursors; c < walk->cursors + walk->n; c++) {
		if (c->row < c->end && (!first || target_compare(&c->row->imsi, &first->imsi) < 0))
			first = c->row;
	}
	return first;
}

/* What this source adds to what those before it said. */
static void merge(struct recipient *row, bool *located_live, const char **language, const struct cursor *c)
{
	const struct recipient *r = c->row;

	/* A file knows where somebody was at the time, or lives: whoever sees them now knows better. */
	if (r->at.type && !c->stale && (!row->at.type || (c->live && !*located_live))) {
		row->at = r->at;
		*located_live = c->live;
	}
	if (!row->msisdn.digits)
		row->msisdn = r->msisdn;
	if (!*language && r->language)
		*language = recipient_table_language(c->table, r);
	row->drill |= r->drill;
}

bool recipient_walk_next(struct recipient_walk *walk, struct recipient *row, const char **language)
{
	const struct recipient *first = first_row(walk);
	bool located_live = false;
	struct cursor *c;

	if (!first)
		return false;
	*row = (struct recipient){ .imsi = first->imsi, .line = first->line };
	*language = NULL;
	for (c = walk->cursors; c < walk->cursors + walk->n; c++) {
		if (c->row != first && (c->row == c->end || !recipient_same_imsi(c->row, first)))
			continue;
		merge(row, &located_live, language, c);
		c->row++;
	}
	return true;
}
