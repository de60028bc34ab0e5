/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A disk that hangs: who is told that nothing was kept is told the truth, and so is who is told
 * that nobody knows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include "checker.h"
#include "world.h"

/* Taken by SQLite instead of libc's: what happens on the loop while a commit hangs in it. */
static struct {
	void (*meanwhile)(void *data);
	void *data;
	int error;		/* errno of the sync in the end */
} hang;

int fdatasync(int fd)
{
	void (*meanwhile)(void *data) = hang.meanwhile;
	int error = hang.error;

	hang.meanwhile = NULL;
	if (meanwhile) {
		hang.error = 0;
		meanwhile(hang.data);
	}
	if (meanwhile && error) {
		errno = error;
		return -1;
	}
	return syscall(SYS_fdatasync, fd);
}

/* The next commit hangs, and ends with that. */
static void hang_next(void (*meanwhile)(void *data), void *data, int error)
{
	hang.meanwhile = meanwhile;
	hang.data = data;
	hang.error = error;
}

static int setup(void **state)
{
	memset(&hang, 0, sizeof(hang));
	return world_setup(state);
}

static void start(struct world *w)
{
	world_start(w);
	world_run(w, 1);
}

static struct post *on_air(struct world *w, struct fake_bsc *bsc, const char *identifier)
{
	struct post *post = world_post(w, &(struct alert_spec){ .identifier = identifier, .life_s = 7200 });

	world_run(w, 20);
	assert_int_equal(world_on_air(w, post, bsc), bsc->n_cells);
	return post;
}

static void assert_taken_anew(struct world *w, const struct post *first, struct fake_bsc *bsc)
{
	struct post *again;

	assert_false(world_kept(w, first));
	again = world_repeat(w, first);
	world_run(w, 5);
	assert_int_equal(post_status(again), 202);
	assert_false(again->repeated);
	assert_int_equal(world_on_air(w, again, bsc), bsc->n_cells);
}

static void what_nobody_waits_for_any_more_is_never_sent(void **state)
{
	/* Before anything was done for it, while it waits for the store. */
	static const int after_ms[] = { -1, 0, 29000 };
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;
	char name[8];
	size_t i;

	start(w);
	for (i = 0; i < ARRAY_SIZE(after_ms); i++) {
		unsigned int writes = bsc->requests[PEER_WRITE];

		snprintf(name, sizeof(name), "a%zu", i);
		w->store_stuck = true;
		post = world_post(w, &(struct alert_spec){ .identifier = name, .life_s = 300 });
		if (after_ms[i] >= 0)
			world_run_ms(w, after_ms[i]);
		assert_true(world_give_up(w, post));
		world_run(w, 5);
		w->store_stuck = false;
		world_run(w, 60);
		assert_int_equal(bsc->requests[PEER_WRITE], writes);
		assert_taken_anew(w, post, bsc);
		world_run(w, 400);
	}
}

static void what_is_asked_for_anew_while_the_disk_hangs_is_taken_once(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *again;

	start(w);
	w->store_stuck = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 30);
	assert_true(world_give_up(w, post));
	again = world_repeat(w, post);
	world_run(w, 10);
	w->store_stuck = false;
	world_run(w, 5);
	assert_int_equal(post_status(again), 202);
	assert_false(again->repeated);
	assert_int_equal(bsc->requests[PEER_WRITE], 1);
	assert_int_equal(world_on_air(w, again, bsc), 3);
}

static void as_long_as_one_asker_waits_it_goes_on(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *first, *second;

	start(w);
	w->store_stuck = true;
	first = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 10);
	second = world_repeat(w, first);
	world_run(w, 20);
	assert_false(world_give_up(w, first));
	w->store_stuck = false;
	world_run(w, 5);
	assert_int_equal(post_status(second), 202);
	assert_int_equal(world_on_air(w, second, bsc), 3);
}

static void when_the_last_asker_has_gone_it_is_dropped(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *first, *second;

	start(w);
	w->store_stuck = true;
	first = world_post(w, &(struct alert_spec){ .identifier = "a" });
	second = world_repeat(w, first);
	/* Nothing has been done for either, and the other one counts all the same. */
	assert_false(world_give_up(w, first));
	world_run(w, 20);
	assert_true(world_give_up(w, second));
	w->store_stuck = false;
	world_run(w, 5);
	assert_int_equal(bsc->requests[PEER_WRITE], 0);
	assert_taken_anew(w, first, bsc);
}

static void a_late_repetition_that_goes_leaves_what_was_taken(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *again;

	start(w);
	post = on_air(w, bsc, "a");
	again = world_repeat(w, post);
	assert_false(world_give_up(w, again));
	world_run(w, 5);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	again = world_repeat(w, post);
	world_run(w, 1);
	assert_true(again->repeated);
}

static void give_up_in_the_commit(void *data)
{
	struct post *post = data;

	assert_false(world_give_up(post->w, post));
}

static void what_the_hanging_commit_holds_lives_if_it_is_committed(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *again;

	start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	hang_next(give_up_in_the_commit, post, 0);
	world_run(w, 5);
	assert_int_equal(post_status(post), 503);
	assert_int_equal(post->problem, PROBLEM_STORE_TIMEOUT);
	again = world_repeat(w, post);
	world_run(w, 1);
	assert_int_equal(post_status(again), 202);
	assert_true(again->repeated);
	assert_int_equal(bsc->requests[PEER_WRITE], 1);
	assert_int_equal(world_on_air(w, again, bsc), 3);
}

static void what_the_hanging_commit_holds_is_gone_if_it_fails(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post;

	start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	hang_next(give_up_in_the_commit, post, EIO);
	world_run(w, 60);
	assert_int_equal(post->problem, PROBLEM_STORE_TIMEOUT);
	assert_int_equal(bsc->requests[PEER_WRITE], 0);
	assert_taken_anew(w, post, bsc);
}

struct behind {
	struct world *w;
	struct post *post;
};

/* Sent in, worked on, and given up behind the commit that hangs. */
static void come_and_go(void *data)
{
	struct behind *behind = data;

	behind->post = world_post(behind->w, &(struct alert_spec){ .identifier = "behind" });
	osmo_timers_prepare();
	osmo_timers_update();
	assert_true(world_give_up(behind->w, behind->post));
}

static void what_waits_behind_the_hanging_commit_is_dropped(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct behind behind = { .w = w };
	struct post *post;

	start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 7200 });
	hang_next(come_and_go, &behind, 0);
	world_run(w, 60);
	assert_int_equal(post_status(post), 202);
	assert_non_null(behind.post);
	assert_int_equal(bsc_pages(bsc, 0), 1);
	assert_taken_anew(w, behind.post, bsc);
}

static void what_was_dropped_uses_up_no_serial_number(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 1);
	struct post *post;
	char name[24];
	int i;

	w->rows_unchecked = true;
	start(w);
	w->store_stuck = true;
	for (i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		post = world_post(w, &(struct alert_spec){ .identifier = name });
		world_run_ms(w, 10);
		assert_true(world_give_up(w, post));
	}
	w->store_stuck = false;
	post = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 10);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 1);
}

static void a_cancel_that_was_told_nothing_was_kept_takes_nothing_off_the_air(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;

	start(w);
	post = on_air(w, bsc, "a");
	w->store_stuck = true;
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 30);
	assert_true(world_give_up(w, cancel));
	/* The alert is looked after as before, also while the disk still hangs. */
	bsc_lose_all(bsc);
	bsc_report(bsc, PEER_LOSS_DATA_LOST, 0, -1);
	world_run(w, 5);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	w->store_stuck = false;
	world_run(w, 60);
	assert_false(world_kept(w, cancel));
	assert_int_equal(world_on_air(w, post, bsc), 3);
	cancel = world_repeat(w, cancel);
	world_run(w, 10);
	assert_int_equal(post_status(cancel), 202);
	assert_false(cancel->repeated);
	assert_true(bsc_silent(bsc));
	assert_true(world_ended(w, post));
}

static void one_of_two_cancels_that_goes_leaves_the_other(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *goes, *stays;

	start(w);
	post = on_air(w, bsc, "a");
	w->store_stuck = true;
	goes = world_cancel(w, post, "c0", NULL, NULL);
	stays = world_cancel(w, post, "c1", NULL, NULL);
	world_run(w, 30);
	assert_true(world_give_up(w, goes));
	w->store_stuck = false;
	world_run(w, 10);
	assert_int_equal(post_status(stays), 202);
	assert_false(world_kept(w, goes));
	assert_true(bsc_silent(bsc));
}

static void a_cancel_in_the_hanging_commit_counts_if_it_is_committed(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;

	start(w);
	post = on_air(w, bsc, "a");
	cancel = world_cancel(w, post, "c", NULL, NULL);
	hang_next(give_up_in_the_commit, cancel, 0);
	world_run(w, 10);
	assert_int_equal(cancel->problem, PROBLEM_STORE_TIMEOUT);
	assert_true(bsc_silent(bsc));
	cancel = world_repeat(w, cancel);
	world_run(w, 1);
	assert_int_equal(post_status(cancel), 202);
	assert_true(cancel->repeated);
}

static void a_cancel_of_an_alert_that_was_dropped_is_refused(void **state)
{
	/* Before the alert was worked on, and while it waits for the store. */
	static const int after_ms[] = { 0, 1000 };
	struct world *w = *state;
	struct post *post, *cancel;
	char name[8];
	size_t i;

	world_add_bsc(w, 3);
	start(w);
	for (i = 0; i < ARRAY_SIZE(after_ms); i++) {
		snprintf(name, sizeof(name), "a%zu", i);
		w->store_stuck = true;
		post = world_post(w, &(struct alert_spec){ .identifier = name });
		if (after_ms[i])
			world_run_ms(w, after_ms[i]);
		snprintf(name, sizeof(name), "c%zu", i);
		cancel = world_cancel(w, post, name, NULL, NULL);
		if (after_ms[i])
			world_run_ms(w, after_ms[i]);
		assert_true(world_give_up(w, post));
		world_run(w, 1);
		assert_int_equal(post_status(cancel), 422);
		w->store_stuck = false;
		world_run(w, 1);
	}
}

static void a_cancel_that_goes_while_it_waits_for_its_alert_leaves_it(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *post, *cancel;

	start(w);
	w->store_stuck = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 20);
	assert_true(world_give_up(w, cancel));
	w->store_stuck = false;
	world_run(w, 10);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	assert_false(world_kept(w, cancel));
}

/* What is said meanwhile */

static bool health_is_ok(struct world *w)
{
	struct json j;
	bool ok;

	json_init(&j, w);
	json_object_begin(&j, NULL);
	ok = gateway_render_health(w->gw, &j);
	json_object_end(&j);
	talloc_free(j.buf);
	return ok;
}

static void a_hanging_disk_is_no_health_until_it_moves_again(void **state)
{
	struct world *w = *state;
	struct post *post;

	world_add_bsc(w, 3);
	start(w);
	world_run(w, 60);
	assert_true(health_is_ok(w));
	w->store_stuck = true;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	assert_true(health_is_ok(w));
	world_run(w, 3);
	assert_false(health_is_ok(w));
	assert_true(world_give_up(w, post));
	assert_false(health_is_ok(w));
	w->store_stuck = false;
	world_run(w, 1);
	assert_true(health_is_ok(w));
}

/* Octets that wait */

#define MOST_OCTETS (64u << 20)
#define N_LARGE 16
/* For what is rendered from a document and counts as well. */
#define SLACK 65536

static struct post *post_padded(struct world *w, char prefix, unsigned int nr, size_t padding)
{
	struct post *post;
	char name[8];

	snprintf(name, sizeof(name), "%c%02u", prefix, nr);
	post = world_post(w, &(struct alert_spec){ .identifier = name, .life_s = 600, .padding = padding });
	world_run_ms(w, 20);
	return post;
}

/* Posts large alerts until hardly an octet more is let in. */
static void fill_up(struct world *w, char prefix, struct post *posts[N_LARGE])
{
	size_t octets = 0, bare = 0;
	unsigned int i;

	for (i = 0; i < N_LARGE; i++) {
		posts[i] = post_padded(w, prefix, i, i + 1 < N_LARGE ? MOST_OCTETS / N_LARGE :
						     MOST_OCTETS - octets - bare - SLACK);
		assert_int_equal(post_status(posts[i]), 0);
		octets += strlen(posts[i]->cap);
		bare = strlen(posts[i]->cap) - MOST_OCTETS / N_LARGE;
	}
	assert_int_equal(octets, MOST_OCTETS - SLACK);
}

static void the_octets_that_wait_for_the_store_are_bounded(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 3);
	struct post *warning, *cancel, *refused, *again, *posts[N_LARGE];
	unsigned int i;

	w->rows_unchecked = true;
	start(w);
	warning = on_air(w, bsc, "warning");
	w->store_stuck = true;
	fill_up(w, 'a', posts);
	refused = post_padded(w, 'b', 0, SLACK);
	assert_int_equal(refused->problem, PROBLEM_HTTP_TOO_BUSY);
	assert_int_equal(post_status(refused), 503);
	assert_true(refused->retry_after_s > 0);
	cancel = world_cancel(w, warning, "cancel", NULL, NULL);
	world_run(w, 1);
	assert_int_equal(post_status(cancel), 0);

	/* Room comes back with what is dropped, and with what is taken. */
	assert_true(world_give_up(w, posts[0]));
	again = world_repeat(w, refused);
	world_run(w, 1);
	assert_int_equal(post_status(again), 0);
	w->store_stuck = false;
	world_run(w, 20);
	assert_int_equal(post_status(cancel), 202);
	assert_int_equal(post_status(again), 202);
	for (i = 1; i < N_LARGE; i++)
		assert_int_equal(post_status(posts[i]), 202);
	w->store_stuck = true;
	fill_up(w, 'c', posts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
		T(what_nobody_waits_for_any_more_is_never_sent),
		T(what_is_asked_for_anew_while_the_disk_hangs_is_taken_once),
		T(as_long_as_one_asker_waits_it_goes_on),
		T(when_the_last_asker_has_gone_it_is_dropped),
		T(a_late_repetition_that_goes_leaves_what_was_taken),
		T(what_the_hanging_commit_holds_lives_if_it_is_committed),
		T(what_the_hanging_commit_holds_is_gone_if_it_fails),
		T(what_waits_behind_the_hanging_commit_is_dropped),
		T(what_was_dropped_uses_up_no_serial_number),
		T(a_cancel_that_was_told_nothing_was_kept_takes_nothing_off_the_air),
		T(one_of_two_cancels_that_goes_leaves_the_other),
		T(a_cancel_in_the_hanging_commit_counts_if_it_is_committed),
		T(a_cancel_of_an_alert_that_was_dropped_is_refused),
		T(a_cancel_that_goes_while_it_waits_for_its_alert_leaves_it),
		T(a_hanging_disk_is_no_health_until_it_moves_again),
		T(the_octets_that_wait_for_the_store_are_bounded),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
