/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "src/core/core.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1780315200		/* 2026-06-01T12:00:00Z */
#define LIFE_S 3600
#define EXPIRES "2026-06-01T13:00:00+00:00"
#define SQUARE "<polygon>50,10 50,11 51,11 51,10 50,10</polygon>"
#define NOWHERE "<polygon>-50,10 -50,11 -51,11 -51,10 -50,10</polygon>"

/* Rows out of order, peers out of order; the last two lie outside the square. */
static const char cells_csv[] =
	"type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n"
	"cgi,262-01-200-9,bsc-2,50.5,10.5,1000,,\n"
	"cgi,262-01-100-3,bsc-1,50.2,10.2,1000,,\n"
	"cgi,262-01-100-1,bsc-2,50.1,10.1,1000,,\n"
	"cgi,262-01-100-2,bsc-1,50.9,10.9,1000,,\n"
	"cgi,262-01-300-1,bsc-1,50.3,10.8,1000,,\n"
	"cgi,262-01-100-7,bsc-3,48.1,11.5,1000,,\n"
	"cgi,262-01-100-8,bsc-1,48.2,11.5,1000,,\n";

struct fixture {
	struct cell_table *table;
	struct profile *profile;
	struct sms_rules *sms;
	struct ledger *ledger;
	struct problem problem;
};

static int setup(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);
	struct profile_rule etws = {
		.nr = 10, .status = CAP_STATUS_ACTUAL, .severity = PROFILE_ANY, .urgency = PROFILE_ANY,
		.certainty = PROFILE_ANY, .event = (char *)"Tsunami", .identifier = 4353, .etws = true,
		.etws_type = CBS_ETWS_TSUNAMI,
	};

	f->table = cell_table_parse(f, cells_csv, strlen(cells_csv), "cells.csv", NULL, NULL, &f->problem);
	f->profile = profile_eu_alert(f);
	f->sms = sms_rules_alloc(f);
	f->ledger = ledger_alloc(f);
	*state = f;
	return f->table && f->ledger && profile_set_rule(f->profile, &etws, NULL) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* What a case says of its alert. */
struct text {
	const char *status, *event, *urgency, *severity, *certainty, *texts, *area, *expires;
};

#define ACTUAL(what, how) .status = "Actual", .event = what, .urgency = "Immediate", .severity = how, \
	.certainty = "Observed", .expires = EXPIRES
#define FLOOD ACTUAL("Flood", "Severe")

static const struct text flood = { FLOOD, .texts = "<headline>a</headline>", .area = SQUARE };
static const struct text tsunami = { ACTUAL("Tsunami", "Severe"), .texts = "<headline>a</headline>", .area = SQUARE };

static struct alert_draft *draft_of(void *ctx, const struct text *t)
{
	static const char *const languages[] = { "en", NULL };
	char *text = talloc_asprintf(ctx, "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">"
				     "<identifier>1</identifier><sender>met@example.org</sender>"
				     "<sent>2026-06-01T12:00:00+00:00</sent><status>%s</status><msgType>Alert</msgType>"
				     "<scope>Public</scope><info><language>en-GB</language><category>Met</category>"
				     "<event>%s</event><urgency>%s</urgency><severity>%s</severity>"
				     "<certainty>%s</certainty><expires>%s</expires>%s<area><areaDesc>d</areaDesc>%s</area>"
				     "</info></alert>", t->status, t->event, t->urgency, t->severity, t->certainty,
				     t->expires, t->texts, t->area);
	struct problem problem;
	struct alert_draft *draft = alert_draft_read(ctx, "met", (uint8_t *)text, strlen(text), languages, NOW, &problem);

	if (!draft)
		fail_msg("%s: %s", problem.where, problem.detail);
	return draft;
}

static int run(struct plan *plan, unsigned int budget_us, struct problem *problem)
{
	int rc;

	*problem = (struct problem){ 0 };
	do {
		rc = plan_step(plan, budget_us, NOW, problem);
	} while (rc == 0);
	return rc;
}

/* A plan that is done. */
static struct plan *planned(struct fixture *f, const struct text *t)
{
	struct plan *plan = plan_alloc(f, draft_of(f, t), f->profile, f->sms, f->table, NOW);

	if (run(plan, 1000000, &f->problem) != 1)
		fail_msg("%s", f->problem.detail);
	return plan;
}

static int number(struct fixture *f, struct plan *plan)
{
	int64_t retry;

	return plan_number(plan, f->ledger, NOW, &f->problem, &retry);
}

/* Text */

#define W10 "word word "
#define W100 W10 W10 W10 W10 W10 W10 W10 W10 W10 W10
#define W1400 W100 W100 W100 W100 W100 W100 W100 W100 W100 W100 W100 W100 W100 W100

static const struct {
	const char *name;
	const char *texts;
	const char *want;
	uint8_t dcs;
} texts[] = {
	{ "all three, each on a line of its own", "<headline>one</headline><description>two</description>"
	  "<instruction>three</instruction>", "one\ntwo\nthree", 0x01 },
	{ "a headline alone", "<headline>one</headline>", "one", 0x01 },
	{ "no headline", "<description>two</description><instruction>three</instruction>", "two\nthree", 0x01 },
	{ "no description", "<headline>one</headline><instruction>three</instruction>", "one\nthree", 0x01 },
	{ "an empty headline", "<headline> </headline><description>two</description>", "two", 0x01 },
	{ "text beyond the GSM alphabet", "<headline>\xd0\x9f\xd0\xbe\xd0\xb2\xd1\x96\xd0\xbd\xd1\x8c</headline>",
	  "\xd0\x9f\xd0\xbe\xd0\xb2\xd1\x96\xd0\xbd\xd1\x8c", 0x48 },
};

static void test_text_is_headline_description_and_instruction(void **state)
{
	struct fixture *f = *state;
	const struct message *m;
	struct text t = flood;
	size_t i, n;

	for (i = 0; i < N(texts); i++) {
		t.texts = texts[i].texts;
		m = plan_messages(planned(f, &t), &n);
		assert_int_equal(n, 1);
		if (strcmp(m->text, texts[i].want) || m->pages.dcs != texts[i].dcs || m->pages.n != 1)
			fail_msg("%s: \"%s\", DCS %02x", texts[i].name, m->text, m->pages.dcs);
	}
}

static bool advised(const struct alert_draft *draft, const char *code)
{
	size_t i;

	for (i = 0; i < draft->n_advisories; i++) {
		if (!strcmp(draft->advisories[i].code, code))
			return true;
	}
	return false;
}

/* 15 pages of 93 septets are 1,395: of words of five with their blank, 279 fit. */
static void test_long_text_is_cut_at_a_word_and_the_sender_told(void **state)
{
	static const char full[] = W1400;
	struct fixture *f = *state;
	struct text t = flood;
	struct alert_draft *draft;
	struct plan *plan;
	const struct message *m;
	size_t n;

	t.texts = "<headline>" W1400 "word</headline>";
	draft = draft_of(f, &t);
	plan = plan_alloc(f, draft, f->profile, f->sms, f->table, NOW);
	assert_int_equal(run(plan, 1000000, &f->problem), 1);
	m = plan_messages(plan, &n);
	assert_int_equal(m->pages.n, CBS_MAX_PAGES);
	assert_int_equal(strlen(m->text), 1394);
	assert_memory_equal(m->text, full, 1394);
	assert_true(advised(draft, "text-cut"));
}

static void test_text_that_just_fits_is_not_cut(void **state)
{
	struct fixture *f = *state;
	struct text t = flood;
	struct alert_draft *draft;
	struct plan *plan;
	const struct message *m;
	char *head = talloc_strdup(f, "<headline>");
	size_t n;
	int i;

	for (i = 0; i < 1395; i++)
		head = talloc_strdup_append(head, "x");
	t.texts = talloc_strdup_append(head, "</headline>");
	draft = draft_of(f, &t);
	plan = plan_alloc(f, draft, f->profile, f->sms, f->table, NOW);
	assert_int_equal(run(plan, 1000000, &f->problem), 1);
	m = plan_messages(plan, &n);
	assert_int_equal(m->pages.n, CBS_MAX_PAGES);
	assert_int_equal(strlen(m->text), 1395);
	assert_int_equal(draft->n_advisories, 0);
}

/* Messages and their numbers */

static void test_message_of_an_alert(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = planned(f, &flood);
	const struct ledger_entry *entry = plan_entries(plan);
	const struct message *m;
	size_t n;

	assert_int_equal(number(f, plan), 0);
	m = plan_messages(plan, &n);
	assert_int_equal(n, 1);
	assert_int_equal(m->nr, 1);
	assert_int_equal(m->kind, MESSAGE_TEXT);
	assert_int_equal(m->class, MESSAGE_CLASS_SEVERE);
	assert_false(m->drill);
	assert_int_equal(m->identifier, 4375);
	assert_int_equal(m->expires_utc, NOW + LIFE_S);
	assert_string_equal(m->language, "en-GB");
	/* 23.041, 9.4.1.2.1: scope PLMN, message code, update number 0 */
	assert_int_equal(m->serial, 0x4000 | entry->code << 4);
	assert_int_equal(entry->identifier, 4375);
	assert_string_equal(plan_info(plan)->event, "Flood");
	assert_int_equal(plan_n_cells(plan), 5);
}

/* Toward a BSC that repeats at half the speed it may, a message goes on for twice its life. */
static void test_code_is_kept_for_24_hours_after_the_last_possible_broadcast(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = planned(f, &flood);

	assert_int_equal(number(f, plan), 0);
	assert_true(plan_entries(plan)->free_utc >= NOW + 2 * LIFE_S + 86400);
	assert_true(plan_entries(plan)->free_utc <= NOW + 2 * LIFE_S + 86400 + 60);
}

static void test_drill_goes_to_a_drill_identifier(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *status; uint16_t identifier; } drills[] = { { "Test", 4380 }, { "Exercise", 4381 } };
	const struct message *m;
	struct text t = flood;
	size_t i, n;

	for (i = 0; i < N(drills); i++) {
		t.status = drills[i].status;
		m = plan_messages(planned(f, &t), &n);
		assert_int_equal(m->identifier, drills[i].identifier);
		assert_true(m->drill);
		assert_int_equal(m->class, MESSAGE_CLASS_OTHER);
	}
}

/* 23.041, 9.4.1.2.1 and 9.3.24 */
static void test_etws_is_a_primary_and_a_text(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = planned(f, &tsunami);
	const struct ledger_entry *entries = plan_entries(plan);
	const struct message *m;
	size_t n;

	assert_int_equal(number(f, plan), 0);
	m = plan_messages(plan, &n);
	assert_int_equal(n, 2);
	assert_int_equal(m[0].kind, MESSAGE_EMERGENCY);
	assert_int_equal(m[1].kind, MESSAGE_TEXT);
	assert_int_equal(m[0].nr, 1);
	assert_int_equal(m[1].nr, 2);
	assert_int_equal(m[0].identifier, 4353);
	assert_int_equal(m[1].identifier, 4353);
	/* tsunami = 1, emergency user alert, popup */
	assert_int_equal(m[0].warning_type, 0x0380);
	assert_int_equal(m[0].pages.n, 0);
	assert_null(m[0].text);
	assert_string_equal(m[1].text, "a");
	assert_int_equal(m[0].class, MESSAGE_CLASS_NATIONAL);
	assert_int_equal(m[1].class, MESSAGE_CLASS_NATIONAL);
	/* scope 0 and 1; bits 13 and 12 set; eight bits of code, each its own; update number 0 */
	assert_int_not_equal(entries[0].code, entries[1].code);
	assert_in_range(entries[0].code, 0, 255);
	assert_in_range(entries[1].code, 0, 255);
	assert_int_equal(m[0].serial, 0x3000 | entries[0].code << 4);
	assert_int_equal(m[1].serial, 0x7000 | entries[1].code << 4);
}

static void test_etws_primary_ends_after_ten_minutes_or_with_its_alert(void **state)
{
	struct fixture *f = *state;
	struct text t = tsunami;
	const struct message *m;
	size_t n;

	m = plan_messages(planned(f, &t), &n);
	assert_int_equal(m[0].expires_utc, NOW + 600);
	assert_int_equal(m[1].expires_utc, NOW + LIFE_S);
	t.expires = "2026-06-01T12:05:00+00:00";
	m = plan_messages(planned(f, &t), &n);
	assert_int_equal(m[0].expires_utc, NOW + 300);
	assert_int_equal(m[1].expires_utc, NOW + 300);
}

static void test_every_etws_code_keeps_its_flags(void **state)
{
	struct fixture *f = *state;
	const struct message *m;
	bool seen[256] = { 0 };
	size_t i, k, n;

	for (i = 0; i < 128; i++) {
		struct plan *plan = planned(f, &tsunami);

		assert_int_equal(number(f, plan), 0);
		m = plan_messages(plan, &n);
		for (k = 0; k < 2; k++) {
			assert_int_equal(m[k].serial & 0x3000, 0x3000);
			assert_int_equal(m[k].serial & 0x000f, 0);
			assert_false(seen[m[k].serial >> 4 & 0xff]);
			seen[m[k].serial >> 4 & 0xff] = true;
		}
		talloc_free(plan);
	}
}

static void test_numbers_that_run_out_take_nothing(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = planned(f, &tsunami);
	struct ledger_entry entry;
	int64_t retry = 0;
	int i;

	for (i = 0; i < 255; i++)
		assert_int_equal(ledger_take(f->ledger, 4353, 256, NOW, NOW + i, &entry, &retry), 0);
	assert_int_equal(plan_number(plan, f->ledger, NOW, &f->problem, &retry), -EBUSY);
	assert_int_equal(f->problem.code, PROBLEM_SERIAL_EXHAUSTED);
	assert_int_equal(retry, 86400);
	assert_int_equal(ledger_taken(f->ledger, 4353, NOW), 255);
	assert_int_equal(plan_number(plan, f->ledger, NOW + 86401, &f->problem, &retry), 0);
}

static void test_numbers_given_back_are_free(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = planned(f, &tsunami);

	assert_int_equal(number(f, plan), 0);
	assert_int_equal(ledger_taken(f->ledger, 4353, NOW), 2);
	plan_give_back(plan, f->ledger);
	assert_int_equal(ledger_taken(f->ledger, 4353, NOW), 0);
}

/* Peers and cells */

static void check_peer(const struct plan_peer *p, const char *name, const char *const *want, size_t n)
{
	char text[TARGET_TEXT_LEN];
	size_t i;

	assert_string_equal(p->peer, name);
	assert_int_equal(p->n, n);
	for (i = 0; i < n; i++) {
		assert_string_equal(target_format(&p->targets[i], text, sizeof(text)), want[i]);
		assert_true(i == 0 || target_compare(&p->targets[i - 1], &p->targets[i]) < 0);
	}
}

static const char *const cells_1[] = { "262-01-100-2", "262-01-100-3", "262-01-300-1" };
static const char *const cells_2[] = { "262-01-100-1", "262-01-200-9" };

static void check_split(const struct plan *plan)
{
	const struct plan_peer *peers;
	size_t n, i;
	unsigned int seen = 0;

	peers = plan_peers(plan, &n);
	assert_int_equal(n, 2);
	assert_int_equal(plan_n_cells(plan), 5);
	for (i = 0; i < n; i++) {
		if (!strcmp(peers[i].peer, "bsc-1")) {
			check_peer(&peers[i], "bsc-1", cells_1, N(cells_1));
			seen |= 1;
		} else {
			check_peer(&peers[i], "bsc-2", cells_2, N(cells_2));
			seen |= 2;
		}
	}
	assert_int_equal(seen, 3);
}

static void test_cells_are_split_by_peer_and_sorted(void **state)
{
	check_split(planned(*state, &flood));
}

static void test_slices_give_the_same_plan(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = plan_alloc(f, draft_of(f, &flood), f->profile, f->sms, f->table, NOW);

	assert_int_equal(run(plan, 0, &f->problem), 1);
	check_split(plan);
}

static void test_plan_keeps_the_table_it_was_made_from(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = plan_alloc(f, draft_of(f, &flood), f->profile, f->sms, f->table, NOW);

	talloc_unlink(f, f->table);
	f->table = cell_table_empty(f);
	assert_int_equal(run(plan, 1000000, &f->problem), 1);
	check_split(plan);
}

/* Refusals */

static const struct {
	const char *name;
	struct text text;
	enum problem_code code;
} refusals[] = {
	{ "an area without a cell", { FLOOD, .texts = "<headline>a</headline>", .area = NOWHERE }, PROBLEM_AREA_NO_CELLS },
	{ "no rule", { ACTUAL("Flood", "Minor"), .texts = "<headline>a</headline>", .area = SQUARE },
	  PROBLEM_CONTENT_NO_RULE },
	{ "text of blanks that are not XML's", { FLOOD, .texts = "<headline>\xc2\xa0\xe2\x80\x8b</headline>", .area = SQUARE },
	  PROBLEM_CONTENT_TEXT },
};

static void test_refused_alert_uses_no_serial_number(void **state)
{
	struct fixture *f = *state;
	unsigned int identifier;
	struct plan *plan;
	size_t i;

	for (i = 0; i < N(refusals); i++) {
		plan = plan_alloc(f, draft_of(f, &refusals[i].text), f->profile, f->sms, f->table, NOW);
		if (run(plan, 1000000, &f->problem) != -EINVAL || f->problem.code != refusals[i].code)
			fail_msg("%s: %s", refusals[i].name, problem_code_name(f->problem.code));
	}
	planned(f, &flood);	/* neither does one that is not numbered yet */
	for (identifier = 0; identifier <= UINT16_MAX; identifier++)
		assert_int_equal(ledger_taken(f->ledger, identifier, NOW), 0);
}

static void test_empty_cell_table_refuses_every_alert(void **state)
{
	struct fixture *f = *state;
	struct plan *plan = plan_alloc(f, draft_of(f, &flood), f->profile, f->sms, cell_table_empty(f), NOW);

	assert_int_equal(run(plan, 1000000, &f->problem), -EINVAL);
	assert_int_equal(f->problem.code, PROBLEM_AREA_NO_CELLS);
}

/* Whatever a profile came to say: the plan looks again. */
static void test_wrong_rule_lets_no_drill_out_live(void **state)
{
	struct fixture *f = *state;
	struct text t = flood;
	struct plan *plan;
	size_t i;

	for (i = 0; i < f->profile->n_rules; i++)
		f->profile->rules[i].identifier = f->profile->rules[i].status == CAP_STATUS_ACTUAL ? 4381 : 4371;
	plan = plan_alloc(f, draft_of(f, &t), f->profile, f->sms, f->table, NOW);
	assert_int_equal(run(plan, 1000000, &f->problem), -EINVAL);
	assert_int_equal(f->problem.code, PROBLEM_CONTENT_DRILL);
	t.status = "Exercise";
	plan = plan_alloc(f, draft_of(f, &t), f->profile, f->sms, f->table, NOW);
	assert_int_equal(run(plan, 1000000, &f->problem), -EINVAL);
	assert_int_equal(f->problem.code, PROBLEM_CONTENT_DRILL);
}

static int start(void **state)
{
	(void)state;
	return cap_init();
}

static int stop(void **state)
{
	(void)state;
	cap_exit();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text_is_headline_description_and_instruction),
		TEST(test_long_text_is_cut_at_a_word_and_the_sender_told),
		TEST(test_text_that_just_fits_is_not_cut),
		TEST(test_message_of_an_alert),
		TEST(test_code_is_kept_for_24_hours_after_the_last_possible_broadcast),
		TEST(test_drill_goes_to_a_drill_identifier),
		TEST(test_etws_is_a_primary_and_a_text),
		TEST(test_etws_primary_ends_after_ten_minutes_or_with_its_alert),
		TEST(test_every_etws_code_keeps_its_flags),
		TEST(test_numbers_that_run_out_take_nothing),
		TEST(test_numbers_given_back_are_free),
		TEST(test_cells_are_split_by_peer_and_sorted),
		TEST(test_slices_give_the_same_plan),
		TEST(test_plan_keeps_the_table_it_was_made_from),
		TEST(test_refused_alert_uses_no_serial_number),
		TEST(test_empty_cell_table_refuses_every_alert),
		TEST(test_wrong_rule_lets_no_drill_out_live),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
