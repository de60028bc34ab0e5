/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A cell carries only as many pages as its repetition period has room for; the more important
 * messages come first, and the others come back when there is room. */
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

static struct fake_bsc *small(struct world *w, unsigned int period)
{
	struct fake_bsc *bsc = world_add_bsc(w, 3);

	bsc->caps.period = period;
	world_start(w);
	world_run(w, 1);
	return bsc;
}

static struct post *post_pages(struct world *w, const char *name, enum message_class class, unsigned int pages,
			       int life_s)
{
	struct post *post = world_post(w, &(struct alert_spec){
		.identifier = name, .class = class, .pages = pages, .life_s = life_s });

	world_run(w, 5);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_message(w, post)->pages.n, pages);
	return post;
}

static void what_does_not_fit_waits_and_says_why(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *first = post_pages(w, "a", MESSAGE_CLASS_SEVERE, 5, 600);
	struct post *second = post_pages(w, "b", MESSAGE_CLASS_SEVERE, 4, 7200);
	size_t counts[_NUM_OUTCOME];

	world_run(w, 60);
	assert_int_equal(world_on_air(w, first, bsc), 3);
	assert_int_equal(world_on_air(w, second, bsc), 0);
	world_outcomes(w, second, bsc, counts);
	assert_int_equal(counts[OUTCOME_QUEUED], 3);
	assert_int_equal(world_evidence(w, second, 1, bsc, 0).wait, WAIT_CAPACITY);
	world_run(w, 600);
	assert_int_equal(world_on_air(w, second, bsc), 3);
}

static void the_more_important_takes_the_place_of_the_least_and_gives_it_back(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *test = post_pages(w, "t", MESSAGE_CLASS_OTHER, 3, 7200);
	struct post *severe = post_pages(w, "s", MESSAGE_CLASS_SEVERE, 3, 7200);
	struct post *national = post_pages(w, "n", MESSAGE_CLASS_NATIONAL, 4, 7200), *cancel;
	uint16_t serial = world_message(w, test)->serial;

	assert_int_equal(world_on_air(w, national, bsc), 3);
	assert_int_equal(world_on_air(w, severe, bsc), 3);
	assert_int_equal(world_on_air(w, test, bsc), 0);
	assert_false(world_ended(w, test));
	cancel = world_cancel(w, national, "c", NULL, NULL);
	world_run(w, 10);
	assert_int_equal(post_status(cancel), 202);
	assert_int_equal(world_on_air(w, test, bsc), 3);
	assert_int_equal(world_message(w, test)->serial, serial);
}

static void a_long_message_stretches_the_period_of_an_empty_cell(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *post = post_pages(w, "a", MESSAGE_CLASS_OTHER, 12, 3600);

	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(bsc_pages(bsc, 0), 12);
}

static void a_long_message_of_the_first_class_pushes_everything_out(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *test = post_pages(w, "t", MESSAGE_CLASS_OTHER, 2, 7200);
	struct post *national = post_pages(w, "n", MESSAGE_CLASS_NATIONAL, 12, 600);

	world_run(w, 20);
	assert_int_equal(world_on_air(w, national, bsc), 3);
	assert_int_equal(world_on_air(w, test, bsc), 0);
	world_run(w, 700);
	assert_int_equal(world_on_air(w, test, bsc), 3);
}

static void a_stop_that_fails_keeps_the_next_one_waiting(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *test = post_pages(w, "t", MESSAGE_CLASS_OTHER, 6, 7200), *national;

	bsc->stop_answer = PEER_ANSWER_REFUSED;
	national = post_pages(w, "n", MESSAGE_CLASS_NATIONAL, 4, 7200);
	assert_int_equal(world_on_air(w, national, bsc), 0);
	assert_int_equal(world_evidence(w, national, 1, bsc, 0).wait, WAIT_CAPACITY);
	bsc->stop_answer = 0;
	world_run(w, 30);
	assert_int_equal(world_on_air(w, national, bsc), 3);
	assert_int_equal(world_on_air(w, test, bsc), 0);
}

static void a_new_period_is_used_only_in_cells_that_are_empty(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *old = post_pages(w, "a", MESSAGE_CLASS_SEVERE, 2, 600), *beside, *later;

	world_stop(w);
	bsc->caps.period = 20;
	world_start_again(w);
	world_run(w, 5);
	beside = post_pages(w, "b", MESSAGE_CLASS_SEVERE, 2, 600);
	assert_int_equal(world_on_air(w, old, bsc), 3);
	assert_int_equal(world_on_air(w, beside, bsc), 3);
	assert_int_equal(world_evidence(w, beside, 1, bsc, 0).period, 8);
	world_run(w, 700);
	assert_true(bsc_silent(bsc));
	later = post_pages(w, "c", MESSAGE_CLASS_SEVERE, 2, 600);
	assert_int_equal(world_evidence(w, later, 1, bsc, 0).period, 20);
}

static void cells_that_are_full_do_not_hold_up_their_neighbours(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *one, *all;

	one = world_post(w, &(struct alert_spec){ .identifier = "a", .pages = 6, .first_cell = 1, .n_cells = 1 });
	world_run(w, 5);
	all = post_pages(w, "b", MESSAGE_CLASS_SEVERE, 4, 3600);
	assert_int_equal(world_on_air(w, one, bsc), 1);
	assert_int_equal(world_on_air(w, all, bsc), 2);
	assert_int_equal(world_evidence(w, all, 1, bsc, 1).wait, WAIT_CAPACITY);
}

static void a_restart_in_the_middle_of_a_change_overfills_nothing(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = small(w, 8);
	struct post *test = post_pages(w, "t", MESSAGE_CLASS_OTHER, 6, 7200), *national;

	bsc->deaf = true;
	national = post_pages(w, "n", MESSAGE_CLASS_NATIONAL, 4, 7200);
	world_crash(w);
	bsc->deaf = false;
	world_run(w, 60);
	assert_int_equal(world_on_air(w, national, bsc), 3);
	assert_int_equal(world_on_air(w, test, bsc), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(what_does_not_fit_waits_and_says_why),
		T(the_more_important_takes_the_place_of_the_least_and_gives_it_back),
		T(a_long_message_stretches_the_period_of_an_empty_cell),
		T(a_long_message_of_the_first_class_pushes_everything_out),
		T(a_stop_that_fails_keeps_the_next_one_waiting),
		T(a_new_period_is_used_only_in_cells_that_are_empty),
		T(cells_that_are_full_do_not_hold_up_their_neighbours),
		T(a_restart_in_the_middle_of_a_change_overfills_nothing),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
