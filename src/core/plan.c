/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From alert to messages × peers × cell lists.
 *
 * The text and the rule are decided first, which is quick and refuses most of what will be refused;
 * then the cells are searched in slices; then the rows that were found are split by peer in one
 * pass (rows are sorted by target, so every list comes out sorted). The serial numbers come last,
 * so that a refused alert uses none up. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/talloc.h>

#include "core.h"
#include "short.h"

/* An emergency, a text, and short messages. */
#define MAX_MESSAGES (2 + SHORT_MAX_MESSAGES)
/* The goal of an ETWS primary is to wake people now; phones that come later get the text. */
#define EMERGENCY_LIFE_S 600

struct plan {
	struct alert_draft *draft;
	const struct cell_table *table;
	const struct cap_info *info;
	const struct profile_rule *rule;
	struct cell_search *search;
	struct message messages[MAX_MESSAGES];
	size_t n_messages;
	struct ledger_entry entries[MAX_MESSAGES];
	struct plan_peer *peers;
	size_t n_peers;
	size_t n_cells;
	const struct profile *profile;
	const struct sms_rules *sms;
	int64_t accepted_utc;
};

static const struct cap_info *broadcast_info(const struct alert_draft *draft)
{
	size_t i;

	for (i = 0; i < draft->cap->n_infos; i++) {
		if (!strcasecmp(draft->cap->infos[i].language, draft->language))
			return &draft->cap->infos[i];
	}
	return NULL;
}

static struct message *add_message(struct plan *plan, enum message_kind kind)
{
	struct message *m = &plan->messages[plan->n_messages++];

	*m = (struct message){
		.nr = plan->n_messages,
		.kind = kind,
		.class = profile_class(plan->rule, plan->info),
		.drill = cap_status_is_drill(plan->draft->cap->status),
		.identifier = plan->rule->identifier,
		.expires_utc = plan->info->expires_utc,
		.language = plan->info->language,
	};
	return m;
}

static void add_emergency(struct plan *plan, int64_t now)
{
	struct message *m = add_message(plan, MESSAGE_EMERGENCY);

	m->warning_type = cbs_warning_type(plan->rule->etws_type, true, true);
	if (m->expires_utc > now + EMERGENCY_LIFE_S)
		m->expires_utc = now + EMERGENCY_LIFE_S;
}

static int add_text(struct plan *plan, struct problem *problem)
{
	struct message *m = add_message(plan, MESSAGE_TEXT);
	char *text = alert_text(plan, plan->info);
	int rc;

	if (!text)
		return -ENOMEM;
	rc = cbs_paginate(text, plan->info->language, &m->pages, problem);
	if (rc < 0)
		return rc;
	if (m->pages.cut) {
		alert_draft_advise(plan->draft, "text-cut",
				   "The text is longer than %d pages: %zu of %zu octets are broadcast.",
				   CBS_MAX_PAGES, m->pages.text_octets, strlen(text));
		text[m->pages.text_octets] = '\0';
	}
	m->text = text;
	return 0;
}

static int add_short(struct plan *plan)
{
	struct message *first = &plan->messages[plan->n_messages];
	int n = short_make(plan, plan->draft, plan->sms, plan->info, first - 1, first);

	if (n < 0)
		return n;
	for (; n; n--, first++)
		first->nr = ++plan->n_messages;
	return 0;
}

static int decide(struct plan *plan, int64_t now, struct problem *problem)
{
	int rc;

	plan->info = broadcast_info(plan->draft);
	if (!plan->info)
		return problem_set(problem, PROBLEM_CAP_NO_INFO, "alert", 0, "The alert has no info block.");
	plan->rule = profile_match(plan->profile, plan->draft->cap, plan->info);
	if (!plan->rule)
		return problem_set(problem, PROBLEM_CONTENT_NO_RULE, "alert/info", plan->info->line,
				   "Profile %s broadcasts nothing for status %s, severity %s, urgency %s, certainty %s.",
				   plan->profile->name, cap_status_name(plan->draft->cap->status),
				   cap_severity_name(plan->info->severity), cap_urgency_name(plan->info->urgency),
				   cap_certainty_name(plan->info->certainty));
	rc = cbs_check_drill(plan->rule->identifier, cap_status_is_drill(plan->draft->cap->status), problem);
	if (rc < 0)
		return rc;
	if (plan->rule->etws)
		add_emergency(plan, now);
	rc = add_text(plan, problem);
	return rc < 0 ? rc : add_short(plan);
}

struct plan *plan_alloc(void *ctx, struct alert_draft *draft, const struct profile *profile,
			const struct sms_rules *sms, const struct cell_table *table, int64_t now)
{
	struct plan *plan = talloc_zero(ctx, struct plan);

	if (!plan)
		return NULL;
	plan->draft = draft;
	plan->profile = profile;
	plan->sms = sms;
	plan->accepted_utc = now;
	/* A reference keeps the table while an import replaces it. */
	plan->table = talloc_reference(plan, table);
	if (!plan->table)
		TALLOC_FREE(plan);
	return plan;
}

/* Split the rows by peer: count, allocate, fill. */
static int split_by_peer(struct plan *plan, const uint32_t *rows, size_t n)
{
	size_t n_peers = cell_table_n_peers(plan->table), i, p;
	size_t *count = talloc_zero_array(plan, size_t, n_peers + 1);
	struct plan_peer **of = talloc_zero_array(plan, struct plan_peer *, n_peers + 1);
	struct target *targets = talloc_array(plan, struct target, n);
	struct plan_peer *peer;

	plan->peers = talloc_zero_array(plan, struct plan_peer, n_peers + 1);
	if (!count || !of || !targets || !plan->peers)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		count[cell_table_peer_of(plan->table, rows[i])]++;
	for (p = 0; p < n_peers; p++) {
		if (!count[p])
			continue;
		peer = of[p] = &plan->peers[plan->n_peers++];
		peer->peer = cell_table_peer(plan->table, p);
		peer->targets = targets;
		targets += count[p];
	}
	for (i = 0; i < n; i++) {
		peer = of[cell_table_peer_of(plan->table, rows[i])];
		peer->targets[peer->n++] = *cell_table_target(plan->table, rows[i]);
	}
	plan->n_cells = n;
	talloc_free(count);
	talloc_free(of);
	return 0;
}

int plan_step(struct plan *plan, unsigned int budget_us, int64_t now, struct problem *problem)
{
	const uint32_t *rows;
	size_t n;
	int rc;

	if (!plan->search) {
		rc = decide(plan, now, problem);
		if (rc < 0)
			return rc;
		plan->search = cell_search_alloc(plan, cell_table_index(plan->table), plan->draft->area);
		if (!plan->search)
			return -ENOMEM;
	}
	rc = cell_search_step(plan->search, budget_us);
	if (rc <= 0)
		return rc;
	rows = cell_search_rows(plan->search, &n);
	if (!n)
		return problem_set(problem, PROBLEM_AREA_NO_CELLS, "alert/info/area", plan->info->line,
				   "None of the %zu cells in the cell table meets the area.",
				   cell_table_count(plan->table));
	rc = split_by_peer(plan, rows, n);
	return rc < 0 ? rc : 1;
}

/* Last second at which a message can be on air: toward OsmoBSC twice the number of broadcasts is
 * asked for that the period needs, since it may send twice as fast; when it does not and cannot be
 * stopped, it goes on for twice the life, and one period. */
static int64_t last_broadcast_utc(const struct plan *plan, const struct message *m)
{
	return m->expires_utc + (m->expires_utc - plan->accepted_utc) + 60;
}

int plan_number(struct plan *plan, struct ledger *ledger, int64_t now, struct problem *problem,
		int64_t *retry_after_s)
{
	size_t i;
	int rc;

	for (i = 0; i < plan->n_messages; i++) {
		struct message *m = &plan->messages[i];
		bool etws = cbs_identifier_is_etws(m->identifier);
		uint16_t code;

		if (m->kind == MESSAGE_SHORT)
			continue;
		rc = ledger_take(ledger, m->identifier, etws ? 256 : 1024, now, last_broadcast_utc(plan, m),
				 &plan->entries[i], retry_after_s);
		if (rc < 0) {
			while (i--) {
				if (plan->messages[i].kind != MESSAGE_SHORT)
					ledger_give_back(ledger, &plan->entries[i]);
			}
			if (rc == -EBUSY)
				problem_set(problem, PROBLEM_SERIAL_EXHAUSTED, NULL, 0,
					    "Every serial number of message identifier %u was used within 24 hours.",
					    m->identifier);
			return rc;
		}
		/* In ETWS bits 13 and 12 ask for alarm and popup (23.041, 9.4.1.2.1). */
		code = etws ? 0x300 | plan->entries[i].code : plan->entries[i].code;
		m->serial = cbs_serial(m->kind == MESSAGE_EMERGENCY ? CBS_SCOPE_CELL_IMMEDIATE : CBS_SCOPE_PLMN,
				       code, plan->entries[i].update);
	}
	return 0;
}

void plan_give_back(struct plan *plan, struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < plan->n_messages; i++) {
		if (plan->messages[i].kind != MESSAGE_SHORT)
			ledger_give_back(ledger, &plan->entries[i]);
	}
}

const struct message *plan_messages(const struct plan *plan, size_t *n)
{
	*n = plan->n_messages;
	return plan->messages;
}

const struct ledger_entry *plan_entries(const struct plan *plan)
{
	return plan->entries;
}

const struct plan_peer *plan_peers(const struct plan *plan, size_t *n)
{
	*n = plan->n_peers;
	return plan->peers;
}

size_t plan_n_cells(const struct plan *plan)
{
	return plan->n_cells;
}

const struct cap_info *plan_info(const struct plan *plan)
{
	return plan->info;
}
