/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/front/metrics.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/stat_item.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

/* Groups of one kind, gathered first: the format wants all samples of a name side by side, while
 * the library walks group by group. */
struct groups {
	void **list;
	size_t n;
};

static int groups_add(struct groups *groups, void *group)
{
	void **list = groups->list;

	if (groups->n == talloc_array_length(list)) {
		list = talloc_realloc(NULL, list, void *, groups->n ? groups->n * 2 : 64);
		if (!list)
			return -ENOMEM;
		groups->list = list;
	}
	list[groups->n++] = group;
	return 0;
}

static int on_ctr_group(struct rate_ctr_group *group, void *data)
{
	return groups_add(data, group);
}

static int on_stat_group(struct osmo_stat_item_group *group, void *data)
{
	return groups_add(data, group);
}

static int by_number(unsigned int a, unsigned int b)
{
	return a < b ? -1 : a > b;
}

static int by_counter_kind(const void *a, const void *b)
{
	const struct rate_ctr_group *x = *(struct rate_ctr_group *const *)a;
	const struct rate_ctr_group *y = *(struct rate_ctr_group *const *)b;
	int rc = strcmp(x->desc->group_name_prefix, y->desc->group_name_prefix);

	if (!rc)
		rc = by_number(x->desc->num_ctr, y->desc->num_ctr);
	return rc ? rc : by_number(x->idx, y->idx);
}

static int by_gauge_kind(const void *a, const void *b)
{
	const struct osmo_stat_item_group *x = *(struct osmo_stat_item_group *const *)a;
	const struct osmo_stat_item_group *y = *(struct osmo_stat_item_group *const *)b;
	int rc = strcmp(x->desc->group_name_prefix, y->desc->group_name_prefix);

	if (!rc)
		rc = by_number(x->desc->num_items, y->desc->num_items);
	return rc ? rc : by_number(x->idx, y->idx);
}

/* Groups of one kind may have descriptions at different addresses: the library makes a copy for
 * each group where it has to correct a name. */
static bool same_counters(const struct rate_ctr_group *a, const struct rate_ctr_group *b)
{
	unsigned int i;

	if (strcmp(a->desc->group_name_prefix, b->desc->group_name_prefix) || a->desc->num_ctr != b->desc->num_ctr)
		return false;
	for (i = 0; i < a->desc->num_ctr; i++) {
		if (strcmp(a->desc->ctr_desc[i].name, b->desc->ctr_desc[i].name))
			return false;
	}
	return true;
}

/* Metric names here are [a-z0-9_] only; the library's have dots, colons and capitals as well. */
static void put_name_part(FILE *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = *s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s;

		fputc((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_', out);
	}
}

static void put_name(FILE *out, const char *group, const char *member, const char *suffix)
{
	fputs("tocsin_", out);
	put_name_part(out, group);
	fputc('_', out);
	put_name_part(out, member);
	fputs(suffix, out);
}

static void put_escaped(FILE *out, const char *s, bool quoted)
{
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\\\", out);
		else if (*s == '\n')
			fputs("\\n", out);
		else if (*s == '"' && quoted)
			fputs("\\\"", out);
		else
			fputc(*s, out);
	}
}

static void put_head(FILE *out, const char *group, const char *member, const char *suffix,
		     const char *type, const char *help)
{
	fputs("# HELP ", out);
	put_name(out, group, member, suffix);
	fputc(' ', out);
	put_escaped(out, help ? help : "", false);
	fputs("\n# TYPE ", out);
	put_name(out, group, member, suffix);
	fprintf(out, " %s\n", type);
}

static void put_label(FILE *out, const char *name, unsigned int idx)
{
	if (name) {
		fputs("{name=\"", out);
		put_escaped(out, name, true);
		fputs("\"} ", out);
	} else {
		fprintf(out, "{idx=\"%u\"} ", idx);
	}
}

static void put_counters(FILE *out, struct rate_ctr_group **groups, size_t n)
{
	const struct rate_ctr_group_desc *desc = groups[0]->desc;
	unsigned int i;
	size_t g;

	for (i = 0; i < desc->num_ctr; i++) {
		const struct rate_ctr_desc *ctr = &desc->ctr_desc[i];

		put_head(out, desc->group_name_prefix, ctr->name, "_total", "counter", ctr->description);
		for (g = 0; g < n; g++) {
			put_name(out, desc->group_name_prefix, ctr->name, "_total");
			put_label(out, groups[g]->name, groups[g]->idx);
			fprintf(out, "%" PRIu64 "\n", rate_ctr_group_get_ctr(groups[g], i)->current);
		}
	}
}

static void put_gauges(FILE *out, struct osmo_stat_item_group **groups, size_t n)
{
	const struct osmo_stat_item_group_desc *desc = groups[0]->desc;
	unsigned int i;
	size_t g;

	for (i = 0; i < desc->num_items; i++) {
		const struct osmo_stat_item_desc *item = &desc->item_desc[i];

		put_head(out, desc->group_name_prefix, item->name, "", "gauge", item->description);
		for (g = 0; g < n; g++) {
			put_name(out, desc->group_name_prefix, item->name, "");
			put_label(out, groups[g]->name, groups[g]->idx);
			fprintf(out, "%d\n",
				(int)osmo_stat_item_get_last(osmo_stat_item_group_get_item(groups[g], i)));
		}
	}
}

static int render_counters(FILE *out)
{
	struct groups groups = { 0 };
	struct rate_ctr_group **list;
	size_t i, end;
	int rc;

	rc = rate_ctr_for_each_group(on_ctr_group, &groups);
	list = (struct rate_ctr_group **)groups.list;
	if (!rc && groups.n) {
		qsort(list, groups.n, sizeof(*list), by_counter_kind);
		for (i = 0; i < groups.n; i = end) {
			for (end = i + 1; end < groups.n && same_counters(list[i], list[end]); end++)
				;
			put_counters(out, list + i, end - i);
		}
	}
	talloc_free(groups.list);
	return rc;
}

static int render_gauges(FILE *out)
{
	struct groups groups = { 0 };
	struct osmo_stat_item_group **list;
	size_t i, end;
	int rc;

	rc = osmo_stat_item_for_each_group(on_stat_group, &groups);
	list = (struct osmo_stat_item_group **)groups.list;
	if (!rc && groups.n) {
		qsort(list, groups.n, sizeof(*list), by_gauge_kind);
		for (i = 0; i < groups.n; i = end) {
			for (end = i + 1; end < groups.n && list[end]->desc == list[i]->desc; end++)
				;
			put_gauges(out, list + i, end - i);
		}
	}
	talloc_free(groups.list);
	return rc;
}

int metrics_render(FILE *out)
{
	int rc = render_counters(out);

	return rc ? rc : render_gauges(out);
}
