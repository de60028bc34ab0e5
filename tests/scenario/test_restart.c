/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The daemon is stopped or killed at any point: what it promised is kept, with the same numbers,
 * and what it did not promise leaves no trace. */
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

/* A little of everything, of which the daemon may be killed at any point. */
struct story {
	struct world *w;
	struct fake_bsc *bscs[2];
	struct post *stays, *cancelled, *expires, *cancel;
};

/* Until the client has an answer it asks again with the same bytes. */
static struct post *insist(struct world *w, struct post *post)
{
	int i;

	for (i = 0; i < 10 && post_status(post) != 202; i++) {
		world_run(w, 3);
		if (post_status(post) != 202 && post->lost)
			post = world_repeat(w, post);
	}
	assert_int_equal(post_status(post), 202);
	return post;
}

static void tell(struct story *s, unsigned int kill_at)
{
	struct world *w = s->w;
	int i;

	for (i = 0; i < 2; i++) {
		s->bscs[i] = world_add_bsc(w, 3);
		s->bscs[i]->caps.max_targets = 2;
		s->bscs[i]->claims_loss = i == 1;
	}
	w->kill_at = kill_at;
	world_start(w);
	s->stays = world_post(w, &(struct alert_spec){ .identifier = "stays", .life_s = 20000 });
	s->stays = insist(w, s->stays);
	s->cancelled = world_post(w, &(struct alert_spec){ .identifier = "cancelled", .life_s = 20000 });
	s->expires = world_post(w, &(struct alert_spec){ .identifier = "expires", .life_s = 60 });
	s->cancelled = insist(w, s->cancelled);
	s->expires = insist(w, s->expires);
	bsc_set_wire(s->bscs[1], false);
	s->cancel = insist(w, world_cancel(w, s->cancelled, "cancel", NULL, NULL));
	world_run(w, 20);
	bsc_set_wire(s->bscs[1], true);
	world_run(w, 100);
}

static void judge(struct story *s)
{
	struct world *w = s->w;
	struct post *again;
	int i;

	world_run(w, 300);
	checker_converged(w->checker);
	world_run_ms(w, 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(world_on_air(w, s->stays, s->bscs[i]), 3);
		assert_int_equal(world_on_air(w, s->cancelled, s->bscs[i]), 0);
		assert_int_equal(world_on_air(w, s->expires, s->bscs[i]), 0);
		assert_int_equal(bsc_pages(s->bscs[i], 0), 1);
	}
	assert_false(world_ended(w, s->stays));
	assert_true(world_ended(w, s->cancelled));
	assert_true(world_ended(w, s->expires));
	again = world_repeat(w, s->stays);
	world_run(w, 1);
	assert_true(again->repeated);
	assert_string_equal(again->id, s->stays->id);
}

static void killed_at_any_point_it_keeps_what_it_promised(void **state)
{
	unsigned int k, points = UINT32_MAX;
	char name[32];
	struct story s;

	for (k = 1; k <= points; k++) {
		snprintf(name, sizeof(name), "killed at point %u", k);
		s.w = *state;
		s.w->name = name;
		tell(&s, k);
		if (s.w->kill_at)	/* the story was over before */
			points = k;
		judge(&s);
		world_close(s.w);
		*state = world_open();
	}
	assert_true(points > 60);
}

static void what_was_never_answered_and_never_committed_leaves_no_trace(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	w->store_stuck = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 5);
	world_crash(w);
	w->store_stuck = false;
	world_run(w, 600);
	assert_true(post->lost);
	assert_int_equal(bsc->requests[PEER_WRITE], 0);
	post = world_repeat(w, post);
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	assert_false(post->repeated);
	assert_int_equal(world_on_air(w, post, bsc), 3);
}

static void a_write_whose_record_was_lost_is_stopped_all_the_same(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200 });
	/* Written, and dead before its evidence is stored 100 ms later. */
	world_run_ms(w, 30);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	bsc_set_wire(bsc, false);
	world_crash(w);
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 5);
	assert_false(world_ended(w, post));
	bsc_set_wire(bsc, true);
	world_run(w, 5);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
}

static void what_expired_while_the_daemon_was_down_is_stopped_and_not_sent(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *sent, *waiting;
	unsigned int writes;

	world_start(w);
	world_run(w, 1);
	sent = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 300 });
	world_run(w, 5);
	bsc_set_wire(bsc, false);
	waiting = world_post(w, &(struct alert_spec){ .identifier = "b", .life_s = 300 });
	world_run(w, 5);
	world_stop(w);
	world_run(w, 3600);
	bsc_set_wire(bsc, true);
	writes = bsc->requests[PEER_WRITE];
	world_start_again(w);
	world_run(w, 10);
	assert_int_equal(bsc->requests[PEER_WRITE], writes);
	assert_true(world_ended(w, sent));
	assert_true(world_ended(w, waiting));
}

static void after_a_restart_nothing_is_claimed_until_a_peer_says_it(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	size_t counts[_NUM_OUTCOME];
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 100);
	bsc_set_wire(bsc, false);
	world_run(w, 1);
	world_stop(w);
	world_run(w, 10);
	world_start_again(w);
	world_run(w, 2);
	world_outcomes(w, post, bsc, counts);
	assert_int_equal(counts[OUTCOME_UNKNOWN], 3);
	bsc_set_wire(bsc, true);
	world_run(w, 60);
	world_outcomes(w, post, bsc, counts);
	assert_int_equal(counts[OUTCOME_BROADCASTING], 3);
	assert_int_equal(bsc->requests[PEER_WRITE], 1);
}

static void a_peer_that_is_no_longer_configured_is_waited_for(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3), *other = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 10);
	peer_free(other->peer);
	world_run(w, 10);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 10);
	assert_true(bsc_silent(bsc));
	assert_false(bsc_silent(other));
	assert_false(world_ended(w, post));
	assert_int_equal(bsc_attach(other), 0);
	world_run(w, 10);
	assert_true(bsc_silent(other));
	assert_true(world_ended(w, post));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(killed_at_any_point_it_keeps_what_it_promised),
		T(what_was_never_answered_and_never_committed_leaves_no_trace),
		T(a_write_whose_record_was_lost_is_stopped_all_the_same),
		T(what_expired_while_the_daemon_was_down_is_stopped_and_not_sent),
		T(after_a_restart_nothing_is_claimed_until_a_peer_says_it),
		T(a_peer_that_is_no_longer_configured_is_waited_for),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
