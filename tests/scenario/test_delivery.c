/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An alert that was taken reaches the air wherever it can, whatever the peers do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <osmocom/core/utils.h>

#include "checker.h"
#include "world.h"

#define A ((struct alert_spec){ .identifier = "a" })

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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(an_alert_goes_on_air_and_off_again_at_its_expiry),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
