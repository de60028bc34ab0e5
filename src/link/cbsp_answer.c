/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An answer names cells in up to three lists and by six kinds of discriminator; OsmoBSC mixes kinds
 * in one failure list. All that is mentioned becomes one sorted list of keys, in which every target
 * is looked up under each kind that occurs: (targets + mentions) x log(mentions), whatever a peer
 * may send. */
#include "cbsp.h"

#include <errno.h>
#include <stdlib.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#define N_DISCS 8
#define _NUM_ANSWER (PEER_ANSWER_IMPOSSIBLE + 1)

struct mention {
	uint64_t key;
	struct peer_result result;
};

struct mentions {
	struct mention *m;
	size_t n;
	unsigned int discs;	/* bit per enum cbsp_disc that occurs */
	bool any_list;
};

/* Discriminator, PLMN, LAC, CI, of which the kind uses what it has. */
static uint64_t cell_key(enum cbsp_disc disc, const struct cbsp_cell *c)
{
	uint64_t plmn = (uint64_t)c->mcc << 43 | (uint64_t)c->mnc << 33 |
			(uint64_t)(c->mnc_digits == 3) << 32;
	uint64_t key = (uint64_t)disc << 56;

	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAI)
		key |= plmn;
	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAC_CI || disc == CBSP_DISC_LAI ||
	    disc == CBSP_DISC_LAC)
		key |= (uint64_t)c->lac << 16;
	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAC_CI || disc == CBSP_DISC_CI)
		key |= c->ci;
	return key;
}

static enum peer_answer answer_of_cause(enum peer_verb verb, uint8_t cause)
{
	switch (cause) {
	case CBSP_CAUSE_REFERENCE_USED:
		return verb == PEER_WRITE ? PEER_ANSWER_ALREADY : PEER_ANSWER_REFUSED;
	case CBSP_CAUSE_REFERENCE_NOT_IDENTIFIED:
		return verb == PEER_WRITE ? PEER_ANSWER_REFUSED : PEER_ANSWER_ABSENT;
	case CBSP_CAUSE_PARAMETER_NOT_RECOGNISED:	/* OsmoBSC: a cell it does not have */
	case CBSP_CAUSE_CELL_NOT_VALID:
	case CBSP_CAUSE_NOT_SUPPORTED:
	case CBSP_CAUSE_EXTENDED_CHANNEL:
	case CBSP_CAUSE_LAI_NOT_VALID:
		return PEER_ANSWER_IMPOSSIBLE;
	default:
		return PEER_ANSWER_REFUSED;
	}
}

/* Of two statements about one cell the worse holds. */
static void merge(struct peer_result *into, const struct peer_result *other)
{
	static const uint8_t rank[_NUM_ANSWER] = {
		[PEER_ANSWER_NONE] = 0, [PEER_ANSWER_ALREADY] = 1, [PEER_ANSWER_DONE] = 2,
		[PEER_ANSWER_ABSENT] = 3, [PEER_ANSWER_IMPOSSIBLE] = 4, [PEER_ANSWER_REFUSED] = 5,
	};

	if (rank[other->answer] > rank[into->answer]) {
		into->answer = other->answer;
		into->cause = other->cause;
	}
	if (other->has_count && (!into->has_count || other->count < into->count)) {
		into->has_count = true;
		into->count = other->count;
	}
}

static void add(struct mentions *all, enum cbsp_disc disc, const struct cbsp_cell *cell,
		struct peer_result result)
{
	static const struct cbsp_cell none;

	all->m[all->n++] = (struct mention){
		.key = cell_key(disc, cell ? cell : &none), .result = result,
	};
	all->discs |= 1u << disc;
}

static void add_cells(struct mentions *all, const struct cbsp_cell_list *list)
{
	const struct peer_result done = { .answer = PEER_ANSWER_DONE };
	size_t i;

	all->any_list = true;
	for (i = 0; i < list->n; i++)
		add(all, list->disc, &list->cells[i], done);
	if (list->disc == CBSP_DISC_BSS && !list->n)
		add(all, CBSP_DISC_BSS, NULL, done);
}

static void add_counts(struct mentions *all, const struct cbsp_pdu *pdu)
{
	const struct peer_result done = { .answer = PEER_ANSWER_DONE };
	size_t i;

	all->any_list = true;
	for (i = 0; i < pdu->n_counts; i++) {
		const struct cbsp_count *c = &pdu->counts[i];
		struct peer_result result = done;

		/* An overflowed count is still a lower bound (8.2.10). */
		result.has_count = c->info != CBSP_COUNT_UNKNOWN;
		result.count = result.has_count ? c->count : 0;
		add(all, pdu->count_disc, &c->cell, result);
	}
	/* OsmoBSC's answer for the whole BSS. */
	if (pdu->count_disc == CBSP_DISC_BSS && !pdu->n_counts)
		add(all, CBSP_DISC_BSS, NULL, done);
}

static void add_failures(struct mentions *all, const struct cbsp_pdu *pdu, enum peer_verb verb)
{
	size_t i;

	all->any_list = true;
	for (i = 0; i < pdu->n_failures; i++) {
		const struct cbsp_failure *f = &pdu->failures[i];
		const struct peer_result result = {
			.answer = answer_of_cause(verb, f->cause), .cause = f->cause,
		};

		add(all, f->disc, &f->cell, result);
	}
}

static int by_key(const void *pa, const void *pb)
{
	const struct mention *a = pa, *b = pb;

	return OSMO_CMP(a->key, b->key);
}

/* Sort, and make one of all mentions of the same cell. */
static void sort_mentions(struct mentions *all)
{
	size_t i, n = 0;

	qsort(all->m, all->n, sizeof(all->m[0]), by_key);
	for (i = 0; i < all->n; i++) {
		if (n && all->m[n - 1].key == all->m[i].key)
			merge(&all->m[n - 1].result, &all->m[i].result);
		else
			all->m[n++] = all->m[i];
	}
	all->n = n;
}

static int collect(void *ctx, const struct cbsp_pdu *pdu, enum peer_verb verb, struct mentions *all)
{
	*all = (struct mentions){};
	all->m = talloc_array(ctx, struct mention,
			      pdu->cells.n + pdu->n_counts + pdu->n_failures + 2);
	if (!all->m)
		return -ENOMEM;
	if (pdu->cells.present)
		add_cells(all, &pdu->cells);
	/* In the answer to a write the counts are those of the message that was replaced. */
	if (pdu->has_counts && verb != PEER_WRITE)
		add_counts(all, pdu);
	if (pdu->has_failures)
		add_failures(all, pdu, verb);
	sort_mentions(all);
	return 0;
}

static void map_cell(const struct mentions *all, const struct target *t, struct peer_result *result)
{
	const struct cbsp_cell cell = {
		.mcc = t->mcc, .mnc = t->mnc, .mnc_digits = t->mnc_digits,
		.lac = t->value >> 16, .ci = t->value & 0xffff,
	};
	unsigned int disc;

	for (disc = 0; disc < N_DISCS; disc++) {
		const struct mention wanted = { .key = cell_key(disc, &cell) };
		const struct mention *found;

		if (!(all->discs & 1u << disc))
			continue;
		found = bsearch(&wanted, all->m, all->n, sizeof(all->m[0]), by_key);
		if (found)
			merge(result, &found->result);
	}
}

/* One word for a BSS whose cells gave different answers. A mixture that is neither done nor refused
 * stays unknown, so that core neither believes nor forgets it. */
static enum peer_answer word_for_bss(const size_t n[_NUM_ANSWER], enum peer_verb verb)
{
	bool refused = n[PEER_ANSWER_REFUSED];
	/* A cell that cannot broadcast has nothing to stop. */
	bool impossible = n[PEER_ANSWER_IMPOSSIBLE] && verb != PEER_STOP;
	bool others = n[PEER_ANSWER_DONE] || n[PEER_ANSWER_ALREADY] || n[PEER_ANSWER_ABSENT];

	if ((refused || impossible) && others)
		return PEER_ANSWER_NONE;
	if (refused || impossible)
		return refused ? PEER_ANSWER_REFUSED : PEER_ANSWER_IMPOSSIBLE;
	/* Asked for and missing somewhere: to be written again. */
	if (n[PEER_ANSWER_ABSENT] && verb == PEER_QUERY)
		return PEER_ANSWER_ABSENT;
	if (n[PEER_ANSWER_DONE])
		return PEER_ANSWER_DONE;
	if (n[PEER_ANSWER_ALREADY])
		return PEER_ANSWER_ALREADY;
	if (n[PEER_ANSWER_ABSENT])
		return PEER_ANSWER_ABSENT;
	return n[PEER_ANSWER_IMPOSSIBLE] ? PEER_ANSWER_IMPOSSIBLE : PEER_ANSWER_NONE;
}

static void map_bss(const struct mentions *all, enum peer_verb verb, struct peer_result *result)
{
	size_t n[_NUM_ANSWER] = {};
	size_t i;

	for (i = 0; i < all->n; i++) {
		n[all->m[i].result.answer]++;
		merge(result, &all->m[i].result);
	}
	result->answer = word_for_bss(n, verb);
}

/* Leave what belongs to the answer: counts to success, causes to anything else. */
static void tidy(struct peer_result *result)
{
	if (result->answer == PEER_ANSWER_DONE) {
		result->cause = 0;
	} else {
		result->has_count = false;
		result->count = 0;
	}
}

static bool is_complete(enum cbsp_msg_type type)
{
	return type == CBSP_WRITE_REPLACE_COMPLETE || type == CBSP_KILL_COMPLETE ||
	       type == CBSP_STATUS_QUERY_COMPLETE;
}

int cbsp_answer_map(void *ctx, const struct cbsp_pdu *pdu, const struct peer_request *request,
		    struct peer_result *results)
{
	struct mentions all;
	size_t i;

	if (collect(ctx, pdu, request->verb, &all) < 0)
		return -ENOMEM;
	for (i = 0; i < request->n_targets; i++) {
		if (!all.any_list && is_complete(pdu->type))
			results[i].answer = PEER_ANSWER_DONE;
		else if (request->targets[i].type == TARGET_BSS)
			map_bss(&all, request->verb, &results[i]);
		else
			map_cell(&all, &request->targets[i], &results[i]);
		tidy(&results[i]);
	}
	talloc_free(all.m);
	return 0;
}
