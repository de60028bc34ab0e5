/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An alert that was taken reaches the air wherever it can, whatever the peers do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <tocsin/base/clock.h>
#include <tocsin/base/json.h>

#include "checker.h"
#include "world.h"

static size_t outcome_count(struct world *w, const struct post *post, const struct fake_bsc *bsc,
			    enum outcome outcome)
{
	size_t counts[_NUM_OUTCOME];

	world_outcomes(w, post, bsc, counts);
	return counts[outcome];
}

static void an_alert_goes_on_air_and_off_again_at_its_expiry(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 8);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .n_cells = 5, .life_s = 600 });
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 5);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_TAKEN), 5);
	world_run(w, 120);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_BROADCASTING), 5);
	assert_int_equal(bsc->requests[PEER_WRITE], 1);
	world_run(w, 600);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_STOPPED), 5);
}


static char *peers_page(struct world *w)
{
	struct json j;

	json_init(&j, w);
	json_object_begin(&j, NULL);
	gateway_render_peers(w->gw, &j);
	json_object_end(&j);
	return talloc_strndup(w, j.buf, j.len);
}

static void the_peers_page_tells_when_a_link_is_tried_again(void **state)
{
	char at[32], expected[64];
	struct world *w = *state;

	world_add_bsc(w, 1);
	world_start(w);
	snprintf(expected, sizeof(expected), "\"next_attempt\":\"%s\"",
		 clock_format(clock_utc() + 1, at, sizeof(at)));
	assert_non_null(strstr(peers_page(w), expected));
	world_run(w, 1);
	assert_non_null(strstr(peers_page(w), "\"next_attempt\":null"));
}

static void a_peer_that_comes_late_gets_the_alert_when_it_comes(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 4);
	struct post *post;

	bsc->wire = false;
	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 600);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_QUEUED), 4);
	assert_int_equal(world_evidence(w, post, 1, bsc, 0).wait, WAIT_LINK);
	bsc_set_wire(bsc, true);
	world_run(w, 1);
	assert_int_equal(world_on_air(w, post, bsc), 4);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_TAKEN), 4);
}

static void only_the_cells_that_refused_are_tried_again(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 6);
	struct post *post;

	bsc->write_answer[1] = bsc->write_answer[2] = PEER_ANSWER_REFUSED;
	bsc->write_answer[5] = PEER_ANSWER_IMPOSSIBLE;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_REFUSED), 3);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_TAKEN), 3);
	bsc->write_answer[1] = bsc->write_answer[2] = 0;
	world_run(w, 15);
	assert_int_equal(world_on_air(w, post, bsc), 5);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_REFUSED), 1);
	assert_int_equal(bsc->targets_written, 6 + 2);
}

/* What a peer may say of itself, and what follows for an alert in cells 0 to 3. */
static const struct loss_case {
	const char *name;
	enum peer_loss loss;
	enum message_kind kind;
	bool all;			/* no pattern */
	uint64_t value, mask;		/* as LAC and CI */
	uint8_t lost;			/* cells that lose it, as bits */
	uint8_t failed;
	unsigned int rewritten;
} loss_cases[] = {
	{ "the whole BSS lost its data", PEER_LOSS_DATA_LOST, 0, true, 0, 0, 0xf, 0, 4 },
	{ "the whole BSS claims a loss that did not happen", PEER_LOSS_DATA_LOST, MESSAGE_TEXT, true, 0, 0, 0, 0, 4 },
	{ "the whole BSS kept its data", PEER_LOSS_DATA_KEPT, 0, true, 0, 0, 0, 0, 0 },
	{ "the BSS says kept and one cell is empty", PEER_LOSS_DATA_KEPT, 0, true, 0, 0, 0x4, 0, 1 },
	{ "one cell lost its data", PEER_LOSS_DATA_LOST, 0, false, 0x10002, UINT64_MAX, 0x2, 0, 1 },
	{ "one location area lost its data", PEER_LOSS_DATA_LOST, 0, false, 0x10000, 0xffff0000, 0xf, 0, 4 },
	{ "a cell identity alone", PEER_LOSS_DATA_LOST, 0, false, 0x3, 0xffff, 0x4, 0, 1 },
	{ "a cell that nobody knows", PEER_LOSS_DATA_LOST, 0, false, 0x90009, UINT64_MAX, 0, 0, 0 },
	{ "emergency messages only", PEER_LOSS_DATA_LOST, MESSAGE_EMERGENCY, true, 0, 0, 0, 0, 0 },
	{ "one cell kept its data", PEER_LOSS_DATA_KEPT, 0, false, 0x10001, UINT64_MAX, 0, 0, 0 },
	{ "one cell broadcasts nothing", PEER_LOSS_FAILED, 0, false, 0x10001, UINT64_MAX, 0, 0x1, 0 },
	{ "the whole BSS broadcasts nothing", PEER_LOSS_FAILED, 0, true, 0, 0, 0, 0xf, 0 },
};

static void one_loss(struct world *w, const struct loss_case *lc)
{
	struct fake_bsc *bsc = world_add_bsc(w, 4);
	const struct target_pattern pattern = {
		.t = { .type = TARGET_CGI, .value = lc->value }, .mask = lc->mask, .any_plmn = true,
	};
	struct post *post;
	size_t i;

	w->name = lc->name;
	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 60);
	assert_int_equal(bsc->targets_written, 4);
	for (i = 0; i < 4; i++) {
		if (lc->lost & 1 << i)
			bsc_lose_cell(bsc, i);
		if (lc->failed & 1 << i)
			bsc_fail_cell(bsc, i, true);
	}
	bsc_report_pattern(bsc, lc->loss, lc->kind, lc->all ? NULL : &pattern);
	world_run(w, 2);
	assert_int_equal(bsc->targets_written, 4 + lc->rewritten);
	assert_int_equal(world_on_air(w, post, bsc), 4);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_FAILED), __builtin_popcount(lc->failed));
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_UNKNOWN), 0);
}

static void whatever_a_peer_says_of_itself_is_followed(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(loss_cases); i++) {
		one_loss(*state, &loss_cases[i]);
		world_close(*state);
		*state = world_open();
	}
}

static void a_failed_cell_is_shown_so_until_it_broadcasts_again(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 100);
	bsc_fail_cell(bsc, 0, true);
	bsc_report(bsc, PEER_LOSS_FAILED, 0, 0);
	world_run(w, 3600);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_FAILED), 1);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_BROADCASTING), 1);
	bsc_fail_cell(bsc, 0, false);
	bsc_report(bsc, PEER_LOSS_DATA_KEPT, 0, 0);
	world_run(w, 200);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_BROADCASTING), 2);
	assert_int_equal(bsc->targets_written, 2);
}

static void a_loss_that_nobody_reports_is_found_by_asking(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 200);
	bsc_lose_cell(bsc, 1);
	world_run(w, 70);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	bsc_set_wire(bsc, false);
	bsc_lose_all(bsc);
	world_run(w, 30);
	bsc_set_wire(bsc, true);
	world_run(w, 1);
	assert_int_equal(world_on_air(w, post, bsc), 3);
}

static void a_peer_that_does_the_work_and_never_answers_leaves_it_unknown(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	bsc->mute = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 5);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_SENT), 3);
	world_run(w, 30);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_UNKNOWN), 3);
	world_run(w, 200);
	bsc->mute = false;
	world_run(w, 300);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_BROADCASTING), 3);
}

static void answers_that_always_come_after_the_deadline_do_no_harm(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	bsc->answer_ms = 12000;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 1200 });
	world_run(w, 600);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	bsc->answer_ms = 10;
	world_run(w, 400);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_BROADCASTING), 3);
	world_run(w, 700);
	assert_true(world_ended(w, post));
}

static void a_request_that_was_lost_is_sent_again(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	bsc->deaf = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 5);
	bsc->deaf = false;
	world_run(w, 15);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(bsc->again, 1);
}

static void a_stalled_peer_does_not_delay_another(void **state)
{
	struct world *w = *state;
	struct fake_bsc *stalled = world_add_bsc(w, 50), *well = world_add_bsc(w, 50);
	struct post *post = NULL;
	char name[24];
	int i;

	stalled->deaf = true;
	stalled->caps.period = well->caps.period = 64;
	world_start(w);
	world_run(w, 1);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		post = world_post(w, &(struct alert_spec){ .identifier = name });
		world_run_ms(w, 300);
		assert_int_equal(world_on_air(w, post, well), 50);
	}
	assert_true(bsc_silent(stalled));
}

static void messages_that_are_never_answered_do_not_hold_up_the_next(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct post *post;
	char name[24];
	int i;

	bsc->deaf_to = 4380;
	bsc->caps.period = 64;
	world_start(w);
	world_run(w, 1);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		world_post(w, &(struct alert_spec){ .identifier = name, .class = MESSAGE_CLASS_OTHER });
	}
	for (i = 0; i < 10; i++) {
		world_run(w, 7);
		snprintf(name, sizeof(name), "a%d", i);
		post = world_post(w, &(struct alert_spec){ .identifier = name });
		world_run(w, 11);
		assert_int_equal(world_on_air(w, post, bsc), 2);
	}
}

static void an_emergency_is_written_again_after_a_flap(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct message *messages;
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .event = "ETWS" });
	world_run(w, 1);
	assert_int_equal(world_messages(w, post, &messages), 2);
	assert_int_equal(messages[0].kind, MESSAGE_EMERGENCY);
	assert_true(bsc_on_air(bsc, messages[0].identifier, messages[0].serial, 2));
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(bsc->again, 0);
	bsc_set_wire(bsc, false);
	world_run(w, 5);
	bsc_set_wire(bsc, true);
	world_run(w, 1);
	assert_int_equal(bsc->again, 1);
	world_run(w, 620);
	assert_false(bsc_on_air(bsc, messages[0].identifier, messages[0].serial, 2));
	assert_int_equal(world_on_air(w, post, bsc), 3);
}

static void five_thousand_cells_go_out_in_requests_of_bounded_size(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 5000);
	struct post *post, *cancel;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	assert_int_equal(world_on_air(w, post, bsc), 5000);
	assert_int_equal(bsc->requests[PEER_WRITE], 5);
	assert_int_equal(bsc->largest, 1000);
	world_run(w, 100);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_BROADCASTING), 5000);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 2);
	assert_int_equal(post_status(cancel), 202);
	assert_true(bsc_silent(bsc));
	world_run(w, 4);
	assert_true(world_ended(w, post));
}

/* More targets than go into one transaction of evidence. */
static void the_end_of_a_very_large_alert_is_stored_whole(void **state)
{
	struct world *w = *state;
	struct delivery_row *rows;
	struct post *post;
	int i, n;

	for (i = 0; i < WORLD_MAX_BSCS; i++)
		world_add_bsc(w, 35000)->caps.max_targets = 35000;
	w->rows_unchecked = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .event = "ETWS", .life_s = 20 });
	world_run(w, 40);
	assert_true(world_ended(w, post));
	n = store_read_deliveries(w->reader, w, post->id, NULL, &rows);
	assert_int_equal(n, 2 * WORLD_MAX_BSCS);
	for (i = 0; i < n; i++)
		assert_true(rows[i].settled);
}

static void a_full_send_queue_is_waited_for(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *other;

	world_start(w);
	world_run(w, 1);
	bsc->queue_full = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	other = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 100);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_QUEUED), 3);
	bsc_ready(bsc);
	world_run(w, 1);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(world_on_air(w, other, bsc), 3);
}

static void a_flapping_link_costs_one_question_or_write_each_time(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;
	int i;

	bsc->claims_loss = true;
	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	for (i = 0; i < 200; i++) {
		bsc_set_wire(bsc, false);
		world_run(w, 1);
		bsc_set_wire(bsc, true);
		world_run(w, 1);
	}
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_true(bsc->requests[PEER_WRITE] <= 201);
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_UNKNOWN), 0);
}

static void what_expired_while_the_link_was_down_is_stopped_when_it_is_back(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 300 });
	world_run(w, 60);
	bsc_set_wire(bsc, false);
	world_run(w, 600);
	assert_false(world_ended(w, post));
	assert_int_equal(outcome_count(w, post, bsc, OUTCOME_UNKNOWN), 3);
	bsc_set_wire(bsc, true);
	world_run(w, 1);
	assert_true(world_ended(w, post));
	assert_true(bsc_silent(bsc));
}

static void a_clock_set_back_stretches_no_pause_and_no_deadline(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *first, *second;

	world_start(w);
	world_run(w, 1);
	bsc->deaf = true;
	first = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 60);
	second = world_post(w, &(struct alert_spec){ .identifier = "b", .life_s = 20000 });
	world_run(w, 1);
	world_step_clock(w, -3600);
	bsc->deaf = false;
	world_run(w, 30);
	assert_int_equal(world_on_air(w, first, bsc), 3);
	assert_int_equal(world_on_air(w, second, bsc), 3);
	world_cancel(w, first, "c", NULL, NULL);
	world_run(w, 2);
	assert_int_equal(world_on_air(w, first, bsc), 0);
}

static void a_stop_that_was_refused_is_repeated_after_the_clock_was_set_back(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 10);
	bsc->stop_answer = PEER_ANSWER_REFUSED;
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 40);
	world_step_clock(w, -3600);
	bsc->stop_answer = 0;
	world_run(w, 10);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
}

static void a_clock_set_back_makes_no_storm_of_questions(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	unsigned int before;

	world_start(w);
	world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 100);
	bsc_fail_cell(bsc, 0, true);
	bsc_report(bsc, PEER_LOSS_FAILED, 0, 0);
	world_run(w, 10);
	world_step_clock(w, -3600);
	before = bsc->requests[PEER_QUERY];
	world_run(w, 120);
	assert_true(bsc->requests[PEER_QUERY] - before <= 40);
}

static void a_clock_set_forward_ends_what_has_expired_and_nothing_else(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *brief, *lasting;

	world_start(w);
	brief = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 1800 });
	lasting = world_post(w, &(struct alert_spec){ .identifier = "b", .life_s = 7200 });
	world_run(w, 10);
	world_step_clock(w, 3600);
	world_run(w, 5);
	assert_true(world_ended(w, brief));
	assert_int_equal(world_on_air(w, brief, bsc), 0);
	assert_int_equal(world_on_air(w, lasting, bsc), 3);
}

static void a_deadline_is_not_met_early_by_a_clock_that_runs_ahead(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);

	world_start(w);
	world_run(w, 1);
	bsc->deaf = true;
	world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 1);
	/* Timers run before the watch has noticed. A second request would break a rule. */
	osmo_gettimeofday_override_time.tv_sec += 60;
	world_run(w, 1);
	world_step_clock(w, 0);
	bsc->deaf = false;
	world_run(w, 20);
	assert_int_equal(bsc_pages(bsc, 0), 1);
}

/* The clock ran ahead, which ended the alert at one of two peers; the other was not there. */
static void expiry_before_its_time(void **state, bool restart)
{
	struct world *w = *state;
	struct fake_bsc *here = world_add_bsc(w, 3), *away = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 1800 });
	world_run(w, 10);
	bsc_set_wire(away, false);
	world_step_clock(w, 3600);
	world_run(w, 5);
	assert_int_equal(world_on_air(w, post, here), 0);
	if (restart)
		world_stop(w);
	world_step_clock(w, -3600);
	if (restart)
		world_start_again(w);
	world_run(w, 5);
	assert_int_equal(world_on_air(w, post, here), 3);
	bsc_set_wire(away, true);
	world_run(w, 5);
	assert_int_equal(world_on_air(w, post, away), 3);
	world_run(w, 1900);
	assert_true(world_ended(w, post));
}

static void an_alert_that_is_still_owed_comes_back_when_the_clock_is_set_right(void **state)
{
	expiry_before_its_time(state, false);
}

static void an_alert_that_is_still_owed_comes_back_also_by_a_restart(void **state)
{
	expiry_before_its_time(state, true);
}

static void imported(const struct problem *problem, size_t n_cells, void *data)
{
	assert_null(problem);
	*(size_t *)data = n_cells;
}

static void a_new_cell_table_takes_from_live_alerts_only_what_it_lacks(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 4);
	struct post *before, *after;
	size_t n_cells = 0;
	char path[256];
	FILE *f;

	world_start(w);
	before = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 10);
	snprintf(path, sizeof(path), "%s/cells.csv", w->scratch);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\ncgi,001-01-1-2,bsc-0,10.5,20.01,200,,\n");
	fclose(f);
	assert_int_equal(gateway_import_cells(w->gw, path, imported, &n_cells), 0);
	world_run(w, 1);
	assert_int_equal(n_cells, 1);
	bsc_lose_all(bsc);
	bsc_report(bsc, PEER_LOSS_DATA_LOST, 0, -1);
	after = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 2);
	assert_int_equal(world_on_air(w, before, bsc), 1);
	assert_int_equal(world_on_air(w, after, bsc), 1);
	world_crash(w);
	bsc_lose_all(bsc);
	world_run(w, 5);
	assert_int_equal(world_on_air(w, before, bsc), 1);
}

static void write_cells(const char *path, unsigned int n)
{
	FILE *f = fopen(path, "w");
	unsigned int i;

	assert_non_null(f);
	fprintf(f, "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n");
	for (i = 0; i < n; i++)
		fprintf(f, "cgi,001-01-1-%u,bsc-0,10.5,20.01,200,,\n", i + 1);
	fclose(f);
}

static void an_import_that_is_asked_for_during_another_follows_it(void **state)
{
	struct world *w = *state;
	size_t first = 0, second = 0;
	char path[256];

	world_add_bsc(w, 1);
	world_start(w);
	snprintf(path, sizeof(path), "%s/cells.csv", w->scratch);
	write_cells(path, 2);
	assert_int_equal(gateway_import_cells(w->gw, path, imported, &first), 0);
	/* The first was read, but is not yet committed. */
	write_cells(path, 3);
	assert_int_equal(gateway_import_cells(w->gw, path, imported, &second), 0);
	assert_int_equal(gateway_import_cells(w->gw, path, NULL, NULL), 0);
	world_run(w, 1);
	assert_int_equal(first, 2);
	assert_int_equal(second, 3);
	assert_int_equal(cell_table_count(gateway_cells(w->gw)), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(an_alert_goes_on_air_and_off_again_at_its_expiry),
		T(an_import_that_is_asked_for_during_another_follows_it),
		T(the_peers_page_tells_when_a_link_is_tried_again),
		T(a_peer_that_comes_late_gets_the_alert_when_it_comes),
		T(only_the_cells_that_refused_are_tried_again),
		T(whatever_a_peer_says_of_itself_is_followed),
		T(a_failed_cell_is_shown_so_until_it_broadcasts_again),
		T(a_loss_that_nobody_reports_is_found_by_asking),
		T(a_peer_that_does_the_work_and_never_answers_leaves_it_unknown),
		T(answers_that_always_come_after_the_deadline_do_no_harm),
		T(a_request_that_was_lost_is_sent_again),
		T(a_stalled_peer_does_not_delay_another),
		T(messages_that_are_never_answered_do_not_hold_up_the_next),
		T(an_emergency_is_written_again_after_a_flap),
		T(five_thousand_cells_go_out_in_requests_of_bounded_size),
		T(the_end_of_a_very_large_alert_is_stored_whole),
		T(a_full_send_queue_is_waited_for),
		T(a_flapping_link_costs_one_question_or_write_each_time),
		T(what_expired_while_the_link_was_down_is_stopped_when_it_is_back),
		T(a_clock_set_back_stretches_no_pause_and_no_deadline),
		T(a_stop_that_was_refused_is_repeated_after_the_clock_was_set_back),
		T(a_clock_set_back_makes_no_storm_of_questions),
		T(a_clock_set_forward_ends_what_has_expired_and_nothing_else),
		T(a_deadline_is_not_met_early_by_a_clock_that_runs_ahead),
		T(an_alert_that_is_still_owed_comes_back_when_the_clock_is_set_right),
		T(an_alert_that_is_still_owed_comes_back_also_by_a_restart),
		T(a_new_cell_table_takes_from_live_alerts_only_what_it_lacks),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
