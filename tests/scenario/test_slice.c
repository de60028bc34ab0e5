/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A large alert is worked on in slices, and everything else goes in between. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include "checker.h"
#include "world.h"

/* A machine so slow that a slice is over at every look at the clock, or at the second one. */
enum speed { NORMAL = 0, SLOW = 25, HALF_AS_SLOW = 12 };

static enum speed speed;	/* milliseconds that a look takes */

/* Taken by the daemon instead of libosmocore's. */
int osmo_clock_gettime(clockid_t clock, struct timespec *tp)
{
	if (clock == CLOCK_MONOTONIC)
		osmo_clock_override_add(CLOCK_MONOTONIC, 0, speed * 1000000L);
	*tp = *osmo_clock_override_gettimespec(clock);
	return 0;
}

static int setup(void **state)
{
	speed = NORMAL;
	return world_setup(state);
}

static int teardown(void **state)
{
	speed = NORMAL;
	return world_teardown(state);
}

/* Three peers, a slice each, after those of the search. One alert is on air, if asked for. */
static struct post *start(struct world *w, bool on_air)
{
	struct post *post = NULL;
	int i;

	for (i = 0; i < 3; i++)
		world_add_bsc(w, 2);
	world_start(w);
	world_run(w, 1);
	if (on_air) {
		post = world_post(w, &(struct alert_spec){ .identifier = "before", .life_s = 7200, .n_bscs = 1 });
		world_run(w, 20);
		assert_int_equal(world_on_air(w, post, w->bscs[0]), 2);
	}
	speed = SLOW;
	return post;
}

/* One round of the loop. */
static void turn(void)
{
	osmo_timers_prepare();
	osmo_timers_update();
}

static size_t handed_over(const struct world *w)
{
	return store_pending(gateway_store(w->gw));
}

/* \returns rounds until something is handed over to the store. */
static unsigned int turn_until_handed_over(struct world *w)
{
	unsigned int rounds;

	for (rounds = 0; !handed_over(w); rounds++) {
		assert_true(rounds < 1000);
		turn();
	}
	return rounds;
}

static void assert_everywhere(struct world *w, const struct post *post)
{
	unsigned int i;

	assert_int_equal(post_status(post), 202);
	for (i = 0; i < w->n_bscs; i++)
		assert_int_equal(world_on_air(w, post, w->bscs[i]), w->bscs[i]->n_cells);
}

static void what_goes_to_many_peers_takes_many_rounds(void **state)
{
	struct world *w = *state;
	struct post *post;

	start(w, false);
	speed = HALF_AS_SLOW;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	/* The search, two of the peers, the third. */
	assert_true(turn_until_handed_over(w) >= 3);
	speed = NORMAL;
	world_run(w, 5);
	assert_everywhere(w, post);
}

static void a_cancel_goes_between_the_slices(void **state)
{
	struct world *w = *state;
	struct post *before = start(w, true), *post, *cancel;

	post = world_post(w, &(struct alert_spec){ .identifier = "a", .class = MESSAGE_CLASS_NATIONAL });
	turn();
	turn();
	cancel = world_cancel(w, before, "c", NULL, NULL);
	assert_int_equal(handed_over(w), 0);
	turn();
	assert_int_equal(handed_over(w), 1);
	store_drain(gateway_store(w->gw));
	assert_true(cancel->staged);
	assert_false(post->staged);
	speed = NORMAL;
	world_run(w, 5);
	assert_int_equal(post_status(cancel), 202);
	assert_int_equal(world_on_air(w, before, w->bscs[0]), 0);
	assert_everywhere(w, post);
}

static void a_more_urgent_alert_goes_between_the_slices(void **state)
{
	struct world *w = *state;
	struct post *post, *urgent;

	start(w, false);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .class = MESSAGE_CLASS_SEVERE });
	turn();
	turn();
	urgent = world_post(w, &(struct alert_spec){ .identifier = "b", .class = MESSAGE_CLASS_NATIONAL,
						     .n_bscs = 1 });
	turn_until_handed_over(w);
	store_drain(gateway_store(w->gw));
	assert_true(urgent->staged);
	assert_false(post->staged);
	speed = NORMAL;
	world_run(w, 5);
	assert_everywhere(w, post);
	assert_int_equal(world_on_air(w, urgent, w->bscs[0]), 2);
}

static void a_cancel_of_the_alert_that_is_worked_on_waits_for_it(void **state)
{
	struct world *w = *state;
	struct post *post, *cancel;

	start(w, false);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	turn();
	turn();
	cancel = world_cancel(w, post, "c", NULL, NULL);
	turn();
	assert_int_equal(handed_over(w), 0);
	speed = NORMAL;
	world_run(w, 20);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(post_status(cancel), 202);
	assert_true(world_ended(w, post));
	assert_true(bsc_silent(w->bscs[0]));
}

static void given_up_between_the_slices_nothing_is_left_of_it(void **state)
{
	struct world *w = *state;
	int turns, i;
	struct post *post;

	start(w, false);
	for (turns = 0;; turns++) {
		speed = SLOW;
		post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200 });
		for (i = 0; i < turns; i++)
			turn();
		speed = NORMAL;
		if (handed_over(w))
			break;
		assert_true(world_give_up(w, post));
		world_run(w, 5);
		assert_false(world_kept(w, post));
		assert_true(bsc_silent(w->bscs[0]));
	}
	assert_true(turns > 3);
	world_run(w, 5);
	assert_false(post->repeated);
	assert_everywhere(w, post);
}

static void ended_or_killed_between_the_slices_nothing_is_left_of_it(void **state)
{
	struct world *w = *state;
	struct post *post, *again;
	unsigned int rounds, i;
	int how;

	start(w, false);
	post = world_post(w, &(struct alert_spec){ .identifier = "measure", .life_s = 60 });
	rounds = turn_until_handed_over(w);
	speed = NORMAL;
	world_run(w, 120);
	for (how = 0; how < 2; how++) {
		speed = SLOW;
		post = world_post(w, &(struct alert_spec){ .identifier = how ? "a" : "b" });
		for (i = 1; i < rounds; i++)
			turn();
		speed = NORMAL;
		assert_int_equal(handed_over(w), 0);
		if (how) {
			world_crash(w);
		} else {
			world_stop(w);
			world_start_again(w);
		}
		world_run(w, 5);
		assert_true(post->lost);
		assert_false(world_kept(w, post));
		assert_true(bsc_silent(w->bscs[0]));
	}
	again = world_repeat(w, post);
	world_run(w, 5);
	assert_everywhere(w, again);
}

static void what_is_known_at_the_end_is_stored_in_all_its_slices(void **state)
{
	struct world *w = *state;
	struct evidence evidence;
	struct post *post;
	unsigned int i;

	start(w, false);
	speed = NORMAL;
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200 });
	/* Written and answered, and ended before that is stored 100 ms later. */
	world_run_ms(w, 50);
	assert_everywhere(w, post);
	evidence = world_evidence(w, post, 1, w->bscs[0], 0);
	assert_int_equal(evidence.write_sent, 0);
	speed = SLOW;
	world_stop(w);
	speed = NORMAL;
	for (i = 0; i < w->n_bscs; i++)
		bsc_set_wire(w->bscs[i], false);
	world_start_again(w);
	for (i = 0; i < w->n_bscs; i++) {
		evidence = world_evidence(w, post, 1, w->bscs[i], 0);
		assert_int_not_equal(evidence.write_answered, 0);
	}
}

/* Evidence of more recipients than go into one slice: each text waits for its own mark. */
static void texts_leave_when_their_marks_are_stored_slice_by_slice(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct fake_smsc *smsc = world_add_smsc(w);
	struct post *post;

	world_add_phones(w, bsc, 0, 600);
	world_use_sms(w, SMS_ALWAYS, 0);
	smsc->caps.window = 500;
	world_start(w);
	world_run(w, 1);
	speed = SLOW;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 20);
	speed = NORMAL;
	world_run(w, 20);
	assert_int_equal(world_with_copies(w, post, 1), 600);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(what_goes_to_many_peers_takes_many_rounds),
		T(a_cancel_goes_between_the_slices),
		T(a_more_urgent_alert_goes_between_the_slices),
		T(a_cancel_of_the_alert_that_is_worked_on_waits_for_it),
		T(given_up_between_the_slices_nothing_is_left_of_it),
		T(ended_or_killed_between_the_slices_nothing_is_left_of_it),
		T(what_is_known_at_the_end_is_stored_in_all_its_slices),
		T(texts_leave_when_their_marks_are_stored_slice_by_slice),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
