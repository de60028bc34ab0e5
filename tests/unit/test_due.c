/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <osmocom/core/talloc.h>

#include "../../src/core/due.h"

static const size_t sizes[] = { 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 5000 };

static long next_by_hand(const uint32_t *when, size_t n, size_t i, uint32_t limit)
{
	for (; i < n; i++) {
		if (when[i] <= limit)
			return i;
	}
	return -1;
}

static uint32_t first_by_hand(const uint32_t *when, size_t n)
{
	uint32_t min = DUE_NEVER;
	size_t i;

	for (i = 0; i < n; i++)
		min = when[i] < min ? when[i] : min;
	return min;
}

static void all_is_due_at_first(void **state)
{
	size_t s;

	(void)state;
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct due *due = due_alloc(NULL, sizes[s]);

		assert_int_equal(due_first(due), DUE_NOW);
		assert_int_equal(due_next(due, 0, 0), 0);
		assert_int_equal(due_next(due, sizes[s] - 1, 0), sizes[s] - 1);
		assert_int_equal(due_next(due, sizes[s], 0), -1);
		talloc_free(due);
	}
}

static void nothing_is_due_of_nothing(void **state)
{
	struct due *due = due_alloc(NULL, 0);

	(void)state;
	assert_int_equal(due_first(due), DUE_NEVER);
	assert_int_equal(due_next(due, 0, DUE_NEVER), -1);
	talloc_free(due);
}

static void it_agrees_with_a_walk_over_all(void **state)
{
	unsigned int seed = 20261124, round;
	size_t s;

	(void)state;
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		size_t n = sizes[s], i;
		struct due *due = due_alloc(NULL, n);
		uint32_t *when = calloc(n, sizeof(*when));

		for (round = 0; round < 3000; round++) {
			i = rand_r(&seed) % n;
			when[i] = rand_r(&seed) % 8 ? 1u + rand_r(&seed) % 1000 : DUE_NEVER;
			due_set(due, i, when[i]);
			assert_int_equal(due_get(due, i), when[i]);
			assert_int_equal(due_first(due), first_by_hand(when, n));
			i = rand_r(&seed) % n;
			assert_int_equal(due_next(due, i, round % 1000),
					 next_by_hand(when, n, i, round % 1000));
		}
		due_set_all(due, 7);
		assert_int_equal(due_first(due), 7);
		assert_int_equal(due_next(due, 0, 6), -1);
		free(when);
		talloc_free(due);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_due_at_first),
		cmocka_unit_test(nothing_is_due_of_nothing),
		cmocka_unit_test(it_agrees_with_a_walk_over_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
