/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An alert is answered once, after it is durable, and nothing of it leaves before. */
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

static void nothing_is_sent_and_nothing_is_answered_before_the_commit(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	w->store_stuck = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 60);
	assert_int_equal(post_status(post), 0);
	assert_int_equal(bsc->requests[PEER_WRITE], 0);
	w->store_stuck = false;
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 3);
}

static void the_same_bytes_again_are_the_same_alert(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *again[5];
	int i, round;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	for (round = 0; round < 4; round++) {
		/* At once, after the commit, after a restart, after a crash. */
		for (i = 0; i < 5; i++)
			again[i] = world_repeat(w, post);
		world_run(w, 2);
		assert_int_equal(post_status(post), 202);
		for (i = 0; i < 5; i++) {
			assert_int_equal(post_status(again[i]), 202);
			assert_true(again[i]->repeated);
			assert_string_equal(again[i]->id, post->id);
		}
		if (round == 1) {
			world_stop(w);
			world_start_again(w);
		} else if (round == 2) {
			world_crash(w);
		}
	}
	assert_int_equal(bsc->requests[PEER_WRITE], 1);
	assert_int_equal(world_on_air(w, post, bsc), 3);
}

static void repetitions_share_the_fate_of_a_commit_that_fails(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *again;

	world_start(w);
	world_run(w, 1);
	world_fail_store(w, true);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	again = world_repeat(w, post);
	world_run(w, 30);
	assert_true(post_status(post) >= 500);
	assert_int_equal(post_status(again), post_status(post));
	assert_true(post->retry_after_s > 0);
	assert_int_equal(bsc->requests[PEER_WRITE], 0);
	world_fail_store(w, false);
	again = world_repeat(w, post);
	world_run(w, 10);
	assert_int_equal(post_status(again), 202);
	assert_false(again->repeated);
	assert_int_equal(world_on_air(w, again, bsc), 3);
}

static void other_content_under_the_same_name_is_refused(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *other;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	other = world_post(w, &(struct alert_spec){ .identifier = "a", .pages = 2 });
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(post_status(other), 409);
	world_crash(w);
	other = world_repeat(w, other);
	world_run(w, 1);
	assert_int_equal(post_status(other), 409);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(world_message(w, post)->pages.n, 1);
}

static void two_originators_may_use_the_same_name(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *ours, *theirs;

	world_start(w);
	ours = world_post(w, &(struct alert_spec){ .identifier = "a" });
	theirs = world_post(w, &(struct alert_spec){ .identifier = "a", .originator = "fire" });
	world_run(w, 2);
	assert_int_equal(post_status(ours), 202);
	assert_int_equal(post_status(theirs), 202);
	assert_string_not_equal(ours->id, theirs->id);
	assert_int_equal(world_on_air(w, ours, bsc), 3);
	assert_int_equal(world_on_air(w, theirs, bsc), 3);
}

static void what_cannot_be_stored_is_refused_and_not_sent(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *before, *refused, *after;
	unsigned int writes;

	world_start(w);
	before = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 60);
	world_fail_store(w, true);
	writes = bsc->requests[PEER_WRITE];
	refused = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 600);
	assert_true(post_status(refused) >= 500);
	assert_int_equal(bsc->requests[PEER_WRITE], writes);
	assert_int_equal(world_on_air(w, before, bsc), 3);
	/* What is on air goes on, and is looked after. */
	bsc_lose_all(bsc);
	bsc_report(bsc, PEER_LOSS_DATA_LOST, 0, -1);
	world_run(w, 10);
	assert_int_equal(world_on_air(w, before, bsc), 3);
	world_fail_store(w, false);
	after = world_post(w, &(struct alert_spec){ .identifier = "c" });
	world_run(w, 30);
	assert_int_equal(post_status(after), 202);
	assert_int_equal(world_on_air(w, after, bsc), 3);
	world_crash(w);
	world_run(w, 10);
	assert_int_equal(bsc_pages(bsc, 0), 2);
}

static void an_end_that_cannot_be_stored_is_stored_later(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 300 });
	world_run(w, 100);
	world_fail_store(w, true);
	world_run(w, 600);
	assert_true(bsc_silent(bsc));
	assert_false(world_ended(w, post));
	world_fail_store(w, false);
	world_run(w, 10);
	assert_true(world_ended(w, post));
}

static void what_was_refused_uses_up_no_serial_number(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 1);
	struct post *post;
	char name[24];
	int i;

	w->rows_unchecked = true;
	world_start(w);
	world_run(w, 1);
	world_fail_store(w, true);
	for (i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		post = world_post(w, &(struct alert_spec){ .identifier = name });
		world_run_ms(w, 10);
		assert_int_equal(post->problem, PROBLEM_STORE_FULL);
	}
	world_fail_store(w, false);
	post = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 10);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 1);
}

/* Posts short alerts until the numbers are used up. \returns how many were taken. */
static unsigned int use_up(struct world *w, bool seen[1024], struct post **refused)
{
	unsigned int taken = 0, code;
	struct post *post;
	char name[24];

	for (;;) {
		snprintf(name, sizeof(name), "a%u", taken);
		post = world_post(w, &(struct alert_spec){ .identifier = name, .life_s = 8 });
		world_run_ms(w, 50);
		if (post_status(post) != 202) {
			*refused = post;
			return taken;
		}
		taken++;
		code = world_message(w, post)->serial >> 4 & 0x3ff;
		assert_false(seen[code]);
		seen[code] = true;
		if (taken == 500)
			world_crash(w);
	}
}

static void a_serial_number_is_used_once_in_24_hours(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 1);
	bool seen[1024] = { false };
	struct post *refused = NULL, *post;

	bsc->caps.period = 2000;
	bsc->storm = 4000;
	w->rows_unchecked = true;
	world_start(w);
	world_run(w, 1);
	assert_int_equal(use_up(w, seen, &refused), 1024);
	assert_int_equal(post_status(refused), 503);
	assert_true(refused->retry_after_s > 86000 && refused->retry_after_s <= 86400 + 100);
	world_crash(w);
	post = world_repeat(w, refused);
	world_run(w, 1);
	assert_int_equal(post_status(post), 503);
	w->rows_unchecked = false;
	world_run(w, post->retry_after_s);
	post = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 1);
}

/* \returns talloc string of the world, NULL if none is kept. */
static char *area_of(struct world *w, const struct post *post)
{
	char *area;

	assert_int_equal(store_read_area(w->reader, w, post->id, &area), 0);
	return area;
}

static void the_area_that_was_decided_on_is_kept_with_the_alert(void **state)
{
	static const char ring[] = "[[[19.996,10.4],[80,10.4],[80,10.6],[19.996,10.6],[19.996,10.4]]]";
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;
	int i;

	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	assert_int_equal(post_status(post), 202);
	for (i = 0; i < 2; i++) {
		assert_non_null(strstr(area_of(w, post), ring));
		world_crash(w);
		world_run(w, 1);
	}
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 5);
	assert_int_equal(post_status(cancel), 202);
	assert_int_equal(world_on_air(w, post, bsc), 0);
	assert_true(world_ended(w, post));
	assert_non_null(strstr(area_of(w, post), ring));
	assert_null(area_of(w, cancel));
}

static void cells_of_a_peer_that_is_not_configured_wait_and_the_sender_is_told(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3), *later = world_add_bsc(w, 2);
	struct alert_row row;
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	assert_int_equal(store_read_alert(w->reader, w, post->id, false, &row), 0);
	assert_non_null(strstr(row.answer, "\"advisories\":[]"));
	peer_free(later->peer);
	post = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 10);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(store_read_alert(w->reader, w, post->id, false, &row), 0);
	assert_non_null(strstr(row.answer, "\"advisories\":[{\"code\":\"peer-not-configured\","
					   "\"detail\":\"Peer bsc-1 of 2 cells is not configured: they wait.\"}]"));
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_int_equal(world_on_air(w, post, later), 0);
	assert_int_equal(bsc_attach(later), 0);
	world_run(w, 10);
	assert_int_equal(world_on_air(w, post, later), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(nothing_is_sent_and_nothing_is_answered_before_the_commit),
		T(the_same_bytes_again_are_the_same_alert),
		T(repetitions_share_the_fate_of_a_commit_that_fails),
		T(other_content_under_the_same_name_is_refused),
		T(two_originators_may_use_the_same_name),
		T(what_cannot_be_stored_is_refused_and_not_sent),
		T(an_end_that_cannot_be_stored_is_stored_later),
		T(what_was_refused_uses_up_no_serial_number),
		T(a_serial_number_is_used_once_in_24_hours),
		T(the_area_that_was_decided_on_is_kept_with_the_alert),
		T(cells_of_a_peer_that_is_not_configured_wait_and_the_sender_is_told),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
