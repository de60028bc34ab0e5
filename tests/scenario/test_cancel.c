/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What its originator cancels goes off the air and never comes back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "checker.h"
#include "world.h"

static struct post *on_air(struct world *w, struct fake_bsc *bsc)
{
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200 });
	world_run(w, 20);
	assert_int_equal(world_on_air(w, post, bsc), bsc->n_cells);
	return post;
}

static void a_cancel_takes_the_alert_off_the_air(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 4);
	struct post *post = on_air(w, bsc), *cancel = world_cancel(w, post, "c", NULL, NULL), *again;

	world_run(w, 1);
	assert_int_equal(post_status(cancel), 202);
	assert_true(bsc_silent(bsc));
	assert_false(world_ended(w, post));
	/* The BSC was asked whether it really is gone. */
	world_run(w, 4);
	assert_true(world_ended(w, post));
	again = world_repeat(w, cancel);
	world_run(w, 1);
	assert_int_equal(post_status(again), 202);
	assert_true(again->repeated);
	assert_string_equal(again->id, cancel->id);
}

static void a_cancel_before_the_first_answer_stops_what_may_be_on_air(void **state)
{
	static const unsigned int work_ms[] = { 0, 5000, 9990, 10010, 15000 };
	struct fake_bsc *bsc;
	struct world *w;
	struct post *post;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(work_ms); i++) {
		w = *state;
		bsc = world_add_bsc(w, 3);
		bsc->work_ms = work_ms[i];
		bsc->answer_ms = 3000;
		world_start(w);
		world_run(w, 1);
		post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200 });
		world_run(w, 1);
		world_cancel(w, post, "c", NULL, NULL);
		world_run(w, 100);
		assert_true(bsc_silent(bsc));
		world_run(w, 600);
		assert_true(world_ended(w, post) || work_ms[i] > 7000);
		world_close(w);
		*state = world_open();
	}
}

static void a_cancel_while_the_link_is_down_is_done_when_it_is_back(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc), *cancel;

	bsc_set_wire(bsc, false);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 300);
	assert_int_equal(post_status(cancel), 202);
	assert_false(world_ended(w, post));
	bsc_set_wire(bsc, true);
	world_run(w, 1);
	assert_true(bsc_silent(bsc));
	world_run(w, 4);
	assert_true(world_ended(w, post));
}

static void what_was_cancelled_before_it_was_ever_sent_is_never_sent(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	bsc->wire = false;
	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 5);
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 5);
	assert_true(world_ended(w, post));
	bsc_set_wire(bsc, true);
	world_run(w, 60);
	assert_int_equal(bsc->requests[PEER_WRITE], 0);
}

static void only_its_own_originator_and_sender_cancel_an_alert(void **state)
{
	static const struct {
		const char *originator, *sender;
	} cases[] = {
		{ "stranger", NULL }, { NULL, "other@example.org" }, { "stranger", "other@example.org" },
	};
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc), *cancel;
	char name[24];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		cancel = world_cancel(w, post, name, cases[i].originator, cases[i].sender);
		world_run(w, 10);
		assert_int_equal(post_status(cancel), 403);
		assert_int_equal(world_on_air(w, post, bsc), 3);
	}
}

static void a_cancel_that_names_itself_does_not_wait_for_itself(void **state)
{
	struct world *w = *state;
	struct post itself = { .identifier = (char *)"c", .sender = (char *)"met@example.org",
			       .originator = (char *)"met" };
	struct post *cancel;

	world_add_bsc(w, 1);
	world_start(w);
	itself.sent_utc = world_utc(w);
	cancel = world_cancel(w, &itself, "c", NULL, NULL);
	world_run(w, 1);
	assert_int_equal(post_status(cancel), 422);
}

static void a_cancel_of_what_is_not_known_is_refused_and_keeps_nothing_off(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post never = { .identifier = (char *)"a", .sender = (char *)"met@example.org",
			      .originator = (char *)"met", .sent_utc = WORLD_EPOCH };
	struct post *cancel, *post;

	world_start(w);
	cancel = world_cancel(w, &never, "c", NULL, NULL);
	world_run(w, 1);
	assert_int_equal(post_status(cancel), 422);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	cancel = world_repeat(w, cancel);
	world_run(w, 1);
	assert_int_equal(post_status(cancel), 422);	/* it names another "sent" */
}

static void a_cancel_waits_for_the_commit_of_its_alert(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;

	world_start(w);
	world_run(w, 1);
	w->store_delay_ms = 2000;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run_ms(w, 500);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 1);
	assert_int_equal(post_status(cancel), 0);
	world_run(w, 20);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(post_status(cancel), 202);
	assert_true(bsc_silent(bsc));
	w->store_delay_ms = 0;
	world_run(w, 20);
	assert_true(world_ended(w, post));
}

static void a_cancel_finds_the_alert_that_was_posted_just_before(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 20);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(post_status(cancel), 202);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
}

static void a_cancel_of_an_alert_whose_commit_fails_is_refused(void **state)
{
	struct world *w = *state;
	struct post *post, *cancel;

	world_add_bsc(w, 3);
	world_start(w);
	world_run(w, 1);
	w->store_stuck = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 1);
	world_fail_store(w, true);
	w->store_stuck = false;
	world_run(w, 1);
	assert_true(post_status(post) >= 500);
	assert_int_equal(post_status(cancel), 422);
	world_fail_store(w, false);
}

static void a_stop_that_the_peer_refuses_is_repeated_until_it_is_done(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc);
	size_t counts[_NUM_OUTCOME];

	bsc->stop_answer = PEER_ANSWER_REFUSED;
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 60);
	assert_false(world_ended(w, post));
	world_outcomes(w, post, bsc, counts);
	assert_int_equal(counts[OUTCOME_STOPPED], 0);
	bsc->stop_answer = 0;
	world_run(w, 60);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
}

static void a_peer_that_confirms_a_stop_and_goes_on_is_found_out_and_stopped(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc);
	size_t counts[_NUM_OUTCOME];

	bsc->stop_answer = PEER_ANSWER_DONE;
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 60);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_true(bsc->requests[PEER_STOP] > 3);
	assert_false(world_ended(w, post));
	bsc->stop_answer = 0;
	world_run(w, 30);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
	world_outcomes(w, post, bsc, counts);
	assert_int_equal(counts[OUTCOME_STOPPED], 3);
}

static void a_stop_is_believed_when_questions_stay_without_an_answer(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc);

	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 0.5);
	bsc->deaf = true;
	world_run(w, 60);
	assert_false(world_ended(w, post));
	world_run(w, 600);
	assert_true(world_ended(w, post));
}

static void a_cancel_that_could_not_be_stored_changes_nothing_and_works_later(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc), *cancel;

	world_fail_store(w, true);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 5);
	assert_true(post_status(cancel) >= 500);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	world_fail_store(w, false);
	cancel = world_repeat(w, cancel);
	world_run(w, 10);
	assert_int_equal(post_status(cancel), 202);
	assert_false(cancel->repeated);
	assert_true(bsc_silent(bsc));
}

static void what_was_cancelled_stays_off_whatever_the_peer_goes_through(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc);
	unsigned int writes;
	int i;

	bsc->deaf = true;
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 30);
	bsc->deaf = false;
	writes = bsc->requests[PEER_WRITE];
	for (i = 0; i < 5; i++) {
		bsc_report(bsc, i % 2 ? PEER_LOSS_DATA_LOST : PEER_LOSS_DATA_KEPT, 0, -1);
		bsc_set_wire(bsc, false);
		world_run(w, 1);
		bsc_set_wire(bsc, true);
		world_crash(w);
		world_run(w, 1);
	}
	assert_true(bsc_silent(bsc));
	assert_int_equal(bsc->requests[PEER_WRITE], writes);
	assert_true(world_ended(w, post));
}

static void a_cancel_of_one_alert_leaves_its_neighbours(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post = on_air(w, bsc), *other;

	other = world_post(w, &(struct alert_spec){ .identifier = "b", .life_s = 7200 });
	world_run(w, 10);
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 10);
	assert_int_equal(world_on_air(w, post, bsc), 0);
	assert_int_equal(world_on_air(w, other, bsc), 3);
}

static void while_a_cancel_waits_for_the_store_nothing_more_is_written(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;
	unsigned int writes;

	bsc->write_answer[1] = PEER_ANSWER_REFUSED;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 4);
	w->store_stuck = true;
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 1);
	writes = bsc->requests[PEER_WRITE];
	world_run(w, 60);
	assert_int_equal(bsc->requests[PEER_WRITE], writes);
	w->store_stuck = false;
	world_run(w, 5);
	assert_int_equal(post_status(cancel), 202);
	assert_true(bsc_silent(bsc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(a_cancel_takes_the_alert_off_the_air),
		T(a_cancel_before_the_first_answer_stops_what_may_be_on_air),
		T(a_cancel_while_the_link_is_down_is_done_when_it_is_back),
		T(what_was_cancelled_before_it_was_ever_sent_is_never_sent),
		T(only_its_own_originator_and_sender_cancel_an_alert),
		T(a_cancel_that_names_itself_does_not_wait_for_itself),
		T(a_cancel_of_what_is_not_known_is_refused_and_keeps_nothing_off),
		T(a_cancel_waits_for_the_commit_of_its_alert),
		T(a_cancel_finds_the_alert_that_was_posted_just_before),
		T(a_cancel_of_an_alert_whose_commit_fails_is_refused),
		T(a_stop_that_the_peer_refuses_is_repeated_until_it_is_done),
		T(a_peer_that_confirms_a_stop_and_goes_on_is_found_out_and_stopped),
		T(a_stop_is_believed_when_questions_stay_without_an_answer),
		T(a_cancel_that_could_not_be_stored_changes_nothing_and_works_later),
		T(what_was_cancelled_stays_off_whatever_the_peer_goes_through),
		T(a_cancel_of_one_alert_leaves_its_neighbours),
		T(while_a_cancel_waits_for_the_store_nothing_more_is_written),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
