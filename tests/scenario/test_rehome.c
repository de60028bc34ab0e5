/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A cell table that changes under live alerts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <osmocom/core/utils.h>

#include "checker.h"
#include "world.h"

struct twins {
	struct world *w;
	struct fake_bsc *first, *second;
	struct post *post;
};

/* Two BSCs, and an alert on air in all cells of the first. */
static struct twins on_air(struct world *w)
{
	struct twins t = { .w = w, .first = world_add_bsc(w, 4) };

	t.second = world_add_twin(w, t.first);
	world_start(w);
	world_run(w, 1);
	t.post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200, .n_bscs = 1 });
	world_run(w, 20);
	assert_int_equal(world_on_air(w, t.post, t.first), 4);
	return t;
}

static void give(struct twins *t, size_t cell, bool first, bool second)
{
	t->first->unlisted[cell] = !first;
	t->second->unlisted[cell] = !second;
}

static bool is_on(const struct twins *t, struct fake_bsc *bsc, size_t cell)
{
	const struct message *m = world_message(t->w, t->post);

	return bsc_on_air(bsc, m->identifier, m->serial, cell);
}

static void judge_end(struct world *w)
{
	checker_converged(w->checker);
	world_run_ms(w, 0);
}

static void a_cell_of_another_peer_takes_its_alert_along(void **state)
{
	struct twins t = on_air(*state);

	give(&t, 1, false, true);
	give(&t, 2, false, true);
	world_import_cells(t.w);
	world_run(t.w, 20);
	assert_false(is_on(&t, t.first, 1));
	assert_false(is_on(&t, t.first, 2));
	assert_true(is_on(&t, t.second, 1));
	assert_true(is_on(&t, t.second, 2));
	assert_int_equal(world_on_air(t.w, t.post, t.first), 2);
	assert_int_equal(world_on_air(t.w, t.post, t.second), 2);
	judge_end(t.w);
}

static void a_cell_that_vanishes_is_stopped_and_comes_back(void **state)
{
	struct twins t = on_air(*state);
	size_t counts[_NUM_OUTCOME];

	give(&t, 3, false, false);
	world_import_cells(t.w);
	world_run(t.w, 20);
	assert_int_equal(world_on_air(t.w, t.post, t.first), 3);
	world_outcomes(t.w, t.post, t.first, counts);
	assert_int_equal(counts[OUTCOME_STOPPED], 1);
	give(&t, 3, true, false);
	world_import_cells(t.w);
	world_run(t.w, 20);
	assert_int_equal(world_on_air(t.w, t.post, t.first), 4);
	judge_end(t.w);
}

static void a_cell_that_goes_to_and_fro_is_where_the_last_table_has_it(void **state)
{
	struct twins t = on_air(*state);
	unsigned int i;

	for (i = 0; i < 9; i++) {
		give(&t, 0, i % 2, !(i % 2));
		world_import_cells(t.w);
		world_run(t.w, i < 6 ? 0.05 : 20);
	}
	world_run(t.w, 60);
	assert_false(is_on(&t, t.first, 0));
	assert_true(is_on(&t, t.second, 0));
	judge_end(t.w);
}

static void cells_that_move_one_after_the_other_keep_to_one_request_per_message(void **state)
{
	struct twins t = on_air(*state);
	size_t i;

	t.second->answer_ms = 3000;
	for (i = 0; i < 4; i++) {
		give(&t, i, false, true);
		world_import_cells(t.w);
		world_run(t.w, 0.2);
	}
	world_run(t.w, 60);
	assert_int_equal(world_on_air(t.w, t.post, t.first), 0);
	assert_int_equal(world_on_air(t.w, t.post, t.second), 4);
	judge_end(t.w);
}

static void a_table_that_changes_while_the_daemon_is_down_is_seen_at_its_start(void **state)
{
	struct twins t = on_air(*state);

	world_stop(t.w);
	give(&t, 1, false, true);
	world_import_cells(t.w);
	world_run(t.w, 100);
	world_start_again(t.w);
	world_run(t.w, 20);
	assert_false(is_on(&t, t.first, 1));
	assert_true(is_on(&t, t.second, 1));
	judge_end(t.w);
}

static void a_crash_at_any_point_of_a_move_leaves_every_cell_with_one_peer(void **state)
{
	unsigned int points, at;

	(void)state;
	for (at = 1, points = 1; at <= points; at++) {
		struct world *w = world_open();
		struct twins t = on_air(w);
		unsigned int before = w->points;

		give(&t, 1, false, true);
		give(&t, 2, false, false);
		w->kill_at = before + at;
		world_import_cells(w);
		world_run(w, 400);
		points = w->kill_at ? 0 : w->points - before;
		judge_end(w);
		assert_int_equal(world_on_air(w, t.post, t.first), 2);
		assert_int_equal(world_on_air(w, t.post, t.second), 1);
		world_close(w);
		if (at == 40)
			break;
	}
	assert_true(at > 5);
}

static void a_peer_that_no_longer_knows_a_cell_that_left_it_is_done_with_it(void **state)
{
	struct twins t = on_air(*state);

	give(&t, 1, false, true);
	t.first->stop_answer = PEER_ANSWER_IMPOSSIBLE;
	bsc_lose_cell(t.first, 1);
	world_import_cells(t.w);
	world_run(t.w, 20);
	t.first->stop_answer = 0;
	world_cancel(t.w, t.post, "c", NULL, NULL);
	world_run(t.w, 20);
	assert_true(world_ended(t.w, t.post));
}

static void a_cancel_during_a_move_stops_the_alert_everywhere(void **state)
{
	struct twins t = on_air(*state);

	t.w->store_delay_ms = 400;
	give(&t, 1, false, true);
	world_import_cells(t.w);
	world_run(t.w, 0.1);
	world_cancel(t.w, t.post, "c", NULL, NULL);
	world_run(t.w, 60);
	t.w->store_delay_ms = 0;
	assert_true(bsc_silent(t.first));
	assert_true(bsc_silent(t.second));
	assert_true(world_ended(t.w, t.post));
}

static void moves_that_the_store_refuses_are_made_later(void **state)
{
	struct twins t = on_air(*state);

	give(&t, 1, false, true);
	world_import_cells(t.w);
	world_fail_store(t.w, true);
	world_run(t.w, 60);
	world_fail_store(t.w, false);
	world_import_cells(t.w);
	world_run(t.w, 60);
	assert_true(is_on(&t, t.second, 1));
	assert_false(is_on(&t, t.first, 1));
	judge_end(t.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(a_cell_of_another_peer_takes_its_alert_along),
		T(a_cell_that_vanishes_is_stopped_and_comes_back),
		T(a_cell_that_goes_to_and_fro_is_where_the_last_table_has_it),
		T(cells_that_move_one_after_the_other_keep_to_one_request_per_message),
		T(a_table_that_changes_while_the_daemon_is_down_is_seen_at_its_start),
		cmocka_unit_test(a_crash_at_any_point_of_a_move_leaves_every_cell_with_one_peer),
		T(a_peer_that_no_longer_knows_a_cell_that_left_it_is_done_with_it),
		T(a_cancel_during_a_move_stops_the_alert_everywhere),
		T(moves_that_the_store_refuses_are_made_later),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
