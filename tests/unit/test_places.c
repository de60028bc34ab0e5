/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "src/core/places.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct target target(enum target_type type, const char *text)
{
	struct target t;

	assert_int_equal(target_parse(type, text, strlen(text), &t, NULL), 0);
	return t;
}

static struct target cgi(const char *text)
{
	return target(TARGET_CGI, text);
}

static struct target lai(const char *text)
{
	return target(TARGET_LAI, text);
}

static long find(const struct places *p, struct target at)
{
	return places_find(p, &at);
}

/* Is it found, under a number that leads back to it? */
static bool is_place(const struct places *p, struct target at)
{
	long nr = places_find(p, &at);

	return nr >= 0 && (size_t)nr < places_count(p) && !target_compare(places_get(p, nr), &at);
}

static struct places *places_of(const struct target *cells, size_t n)
{
	struct places *p = places_alloc(NULL);

	assert_non_null(p);
	assert_int_equal(places_add(p, cells, n), 0);
	assert_int_equal(places_finish(p), 0);
	return p;
}

static void a_recipient_in_a_cell_of_the_plan_is_in_its_place(void **state)
{
	const struct target cells[] = { cgi("001-01-100-1"), cgi("001-01-100-2"), cgi("001-01-200-1") };
	struct places *p = places_of(cells, N(cells));

	(void)state;
	assert_int_equal(places_count(p), 5);
	assert_true(is_place(p, cells[0]));
	assert_true(is_place(p, cells[1]));
	assert_true(is_place(p, cells[2]));
	talloc_free(p);
}

static void a_recipient_of_an_unknown_cell_is_in_the_location_area(void **state)
{
	const struct target cells[] = { cgi("001-01-100-1"), cgi("001-01-200-1") };
	struct places *p = places_of(cells, N(cells));

	(void)state;
	assert_true(is_place(p, lai("001-01-100")));
	assert_true(is_place(p, lai("001-01-200")));
	assert_int_equal(find(p, lai("001-01-300")), -1);
	talloc_free(p);
}

static void a_known_cell_outside_of_the_plan_is_no_place_though_its_location_area_is(void **state)
{
	const struct target cells[] = { cgi("001-01-100-1"), cgi("001-01-100-3") };
	struct places *p = places_of(cells, N(cells));

	(void)state;
	assert_true(is_place(p, lai("001-01-100")));
	assert_int_equal(find(p, cgi("001-01-100-2")), -1);
	/* CI 0 has the value of the location area itself. */
	assert_int_equal(find(p, cgi("001-01-100-0")), -1);
	talloc_free(p);
}

static void nobody_is_in_a_place_without_a_location(void **state)
{
	const struct target cells[] = { cgi("001-01-100-1") };
	struct places *p = places_of(cells, N(cells));

	(void)state;
	assert_int_equal(find(p, (struct target){ 0 }), -1);
	assert_int_equal(find(p, (struct target){ .value = cells[0].value, .mcc = 1, .mnc = 1, .mnc_digits = 2 }), -1);
	talloc_free(p);
}

static void networks_and_types_are_told_apart(void **state)
{
	const struct target cells[] = { cgi("001-01-100-1"), target(TARGET_SAI, "001-01-500-7") };
	struct places *p = places_of(cells, N(cells));

	(void)state;
	assert_int_equal(find(p, cgi("001-001-100-1")), -1);
	assert_int_equal(find(p, cgi("001-02-100-1")), -1);
	assert_int_equal(find(p, cgi("002-01-100-1")), -1);
	assert_int_equal(find(p, lai("001-001-100")), -1);
	assert_int_equal(find(p, target(TARGET_SAI, "001-01-100-1")), -1);
	assert_true(is_place(p, cells[1]));
	assert_true(is_place(p, lai("001-01-500")));
	assert_int_equal(find(p, cgi("001-01-500-7")), -1);
	talloc_free(p);
}

static void values_beyond_their_range_are_no_places(void **state)
{
	const struct target good = cgi("001-01-100-1");
	struct target cells[] = { good, good, good, good, good };
	struct places *p = places_of(&good, 1);
	size_t i;

	(void)state;
	cells[0].value |= UINT64_C(1) << 32;
	cells[1].mcc |= 1024;
	cells[2].mnc |= 1024;
	cells[3].mnc_digits = 4;
	cells[4].mnc_digits = 1;
	for (i = 0; i < N(cells); i++)
		assert_int_equal(places_find(p, &cells[i]), -1);
	talloc_free(p);
	p = places_of(cells, N(cells));
	assert_int_equal(places_count(p), 0);
	talloc_free(p);
}

static void targets_that_no_location_names_are_no_places(void **state)
{
	const struct target cells[] = { target(TARGET_ECGI, "001-01-6553601"), target(TARGET_NCGI, "001-01-6553601"),
					target(TARGET_IMSI, "001010000000001"), { .type = TARGET_BSS } };
	struct places *p = places_of(cells, N(cells));
	size_t i;

	(void)state;
	assert_int_equal(places_count(p), 0);
	for (i = 0; i < N(cells); i++)
		assert_int_equal(places_find(p, &cells[i]), -1);
	talloc_free(p);
}

static void a_location_area_alone_is_no_cell_of_a_plan(void **state)
{
	const struct target cells[] = { lai("001-01-100") };
	struct places *p = places_of(cells, N(cells));

	(void)state;
	assert_int_equal(find(p, cells[0]), -1);
	talloc_free(p);
}

static void a_plan_without_cells_has_no_places(void **state)
{
	struct places *p = places_of(NULL, 0);

	(void)state;
	assert_int_equal(places_count(p), 0);
	assert_int_equal(find(p, cgi("001-01-100-1")), -1);
	assert_int_equal(find(p, lai("001-01-100")), -1);
	talloc_free(p);
}

static void cells_of_several_peers_and_messages_count_once(void **state)
{
	const struct target a[] = { cgi("001-01-100-1"), cgi("001-01-100-2"), cgi("001-01-200-1") };
	const struct target b[] = { cgi("001-01-100-2"), cgi("001-01-200-9"), cgi("001-01-300-1") };
	struct places *p = places_alloc(NULL);
	size_t i;

	(void)state;
	assert_int_equal(places_add(p, b, N(b)), 0);
	assert_int_equal(places_add(p, a, N(a)), 0);
	assert_int_equal(places_add(p, a, N(a)), 0);
	assert_int_equal(places_finish(p), 0);
	assert_int_equal(places_count(p), 5 + 3);
	for (i = 0; i < places_count(p); i++)
		assert_int_equal(places_find(p, places_get(p, i)), i);
	for (i = 0; i < N(a); i++)
		assert_true(is_place(p, a[i]));
	for (i = 0; i < N(b); i++)
		assert_true(is_place(p, b[i]));
	talloc_free(p);
}

static void every_cell_knows_the_place_of_its_location_area(void **state)
{
	const struct target cells[] = { cgi("001-01-100-1"), cgi("001-01-200-65535"), cgi("001-001-200-1"),
					target(TARGET_SAI, "001-01-200-7") };
	const struct target areas[] = { lai("001-01-100"), lai("001-01-200"), lai("001-001-200"), lai("001-01-200") };
	struct places *p = places_of(cells, N(cells));
	size_t i;

	(void)state;
	for (i = 0; i < N(cells); i++) {
		long area = places_area_of(p, find(p, cells[i]));

		assert_int_equal(area, find(p, areas[i]));
		assert_true(area >= 0);
		assert_int_equal(places_area_of(p, area), -1);
	}
	talloc_free(p);
}

/* ---- against a naive search ----------------------------------------------------------------- */

static struct target any_location(void)
{
	static const uint8_t types[] = { TARGET_CGI, TARGET_CGI, TARGET_CGI, TARGET_SAI, TARGET_LAI, 0 };
	struct target t = { .type = types[lrand48() % N(types)], .mcc = 1 + lrand48() % 2, .mnc = lrand48() % 2,
			    .mnc_digits = 2 + lrand48() % 2 };

	t.value = (uint64_t)(1 + lrand48() % 6) << 16;
	if (t.type != TARGET_LAI)
		t.value |= lrand48() % 40;
	return t;
}

static bool naive(const struct target *cells, size_t n, const struct target *at)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (at->type == TARGET_LAI && at->mcc == cells[i].mcc && at->mnc == cells[i].mnc &&
		    at->mnc_digits == cells[i].mnc_digits && at->value >> 16 == cells[i].value >> 16)
			return true;
		if (at->type != TARGET_LAI && !target_compare(at, &cells[i]))
			return true;
	}
	return false;
}

static size_t draw_cells(struct target *cells, size_t max)
{
	size_t n = lrand48() % max, i;

	for (i = 0; i < n;) {
		cells[i] = any_location();
		i += cells[i].type == TARGET_CGI || cells[i].type == TARGET_SAI;
	}
	return n;
}

static void places_are_what_a_naive_search_finds(void **state)
{
	struct target cells[400], at;
	uint64_t seed = 20261124;
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 40; round++) {
		struct places *p = places_alloc(NULL);
		size_t n, half;

		srand48(seed + round);
		n = draw_cells(cells, N(cells));
		half = n / 2;
		assert_int_equal(places_add(p, cells, half), 0);
		assert_int_equal(places_add(p, cells + half, n - half), 0);
		assert_int_equal(places_finish(p), 0);
		for (i = 0; i < 1000; i++) {
			at = any_location();
			if (naive(cells, n, &at) != is_place(p, at) || is_place(p, at) != (find(p, at) >= 0))
				fail_msg("seed %" PRIu64 ": location %u differs", seed + round, i);
		}
		talloc_free(p);
	}
}

/* Numbered in rows, as operators number them: the worst a hash that mixes badly can be given. */
static void a_hundred_thousand_cells_cost_forty_octets_each_and_are_all_found(void **state)
{
	size_t n = 100000, i;
	struct target *cells = talloc_array(NULL, struct target, n);
	struct places *p;

	(void)state;
	for (i = 0; i < n; i++)
		cells[i] = (struct target){ .type = TARGET_CGI, .mcc = 262, .mnc = 1, .mnc_digits = 2,
					    .value = (uint64_t)(1 + i / 250) << 16 | i % 250 * 2 };
	p = places_of(cells, n);
	assert_int_equal(places_count(p), n + 400);
	for (i = 0; i < n; i++) {
		assert_true(is_place(p, cells[i]));
		cells[i].value++;
		assert_int_equal(places_find(p, &cells[i]), -1);
	}
	assert_true(talloc_total_size(p) <= 40 * (n + 400));
	talloc_free(p);
	talloc_free(cells);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recipient_in_a_cell_of_the_plan_is_in_its_place),
		cmocka_unit_test(a_recipient_of_an_unknown_cell_is_in_the_location_area),
		cmocka_unit_test(a_known_cell_outside_of_the_plan_is_no_place_though_its_location_area_is),
		cmocka_unit_test(nobody_is_in_a_place_without_a_location),
		cmocka_unit_test(networks_and_types_are_told_apart),
		cmocka_unit_test(values_beyond_their_range_are_no_places),
		cmocka_unit_test(targets_that_no_location_names_are_no_places),
		cmocka_unit_test(a_location_area_alone_is_no_cell_of_a_plan),
		cmocka_unit_test(a_plan_without_cells_has_no_places),
		cmocka_unit_test(cells_of_several_peers_and_messages_count_once),
		cmocka_unit_test(every_cell_knows_the_place_of_its_location_area),
		cmocka_unit_test(places_are_what_a_naive_search_finds),
		cmocka_unit_test(a_hundred_thousand_cells_cost_forty_octets_each_and_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
