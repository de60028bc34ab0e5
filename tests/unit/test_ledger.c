/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include <osmocom/core/stat_item.h>
#include <osmocom/core/talloc.h>

#include <tocsin/core/ledger.h>

#define NOW 1790000000
#define DAY 86400
#define CODES 1024
#define ETWS_CODES 256

static uint16_t take_ok(struct ledger *ledger, uint16_t identifier, unsigned int n_codes, int64_t now,
			int64_t last_utc)
{
	struct ledger_entry entry;
	int64_t retry = -1;

	assert_int_equal(ledger_take(ledger, identifier, n_codes, now, last_utc, &entry, &retry), 0);
	assert_int_equal(retry, 0);
	assert_int_equal(entry.identifier, identifier);
	assert_int_equal(entry.update, 0);
	assert_int_equal(entry.free_utc, last_utc + DAY);
	assert_in_range(entry.code, 0, n_codes - 1);
	return entry.code;
}

static void test_codes_follow_one_another(void **state)
{
	struct ledger *ledger = ledger_alloc(NULL);
	uint16_t first = take_ok(ledger, 4371, CODES, NOW, NOW + 60), i;

	(void)state;
	for (i = 1; i < CODES; i++)
		assert_int_equal(take_ok(ledger, 4371, CODES, NOW, NOW + 60), (first + i) % CODES);
	talloc_free(ledger);
}

static void test_first_code_follows_from_the_clock(void **state)
{
	bool seen[CODES] = { 0 };
	unsigned int i, n = 0;

	(void)state;
	for (i = 0; i < CODES; i++) {
		struct ledger *ledger = ledger_alloc(NULL);

		seen[take_ok(ledger, 4371, CODES, NOW + 60 * i, NOW + 60 * i)] = true;
		talloc_free(ledger);
	}
	for (i = 0; i < CODES; i++)
		n += seen[i];
	assert_int_equal(n, CODES);
}

/* One alert a minute at most: the codes of the hours before the loss are the last to come again. */
static void test_lost_store_does_not_repeat_the_codes_of_the_last_hours(void **state)
{
	struct ledger *before = ledger_alloc(NULL), *after = ledger_alloc(NULL);
	bool used[CODES] = { 0 };
	int64_t now = NOW, lost;
	unsigned int i;

	(void)state;
	for (i = 0; i < 180; i++, now += 60)
		used[take_ok(before, 4371, CODES, now, now + 600)] = true;
	lost = now;
	for (i = 0; i < 180; i++, now += 60)
		assert_false(used[take_ok(after, 4371, CODES, lost + 60 * i, now)]);
	talloc_free(before);
	talloc_free(after);
}

static void test_identifiers_do_not_share_codes(void **state)
{
	struct ledger *ledger = ledger_alloc(NULL);
	unsigned int i;

	(void)state;
	for (i = 0; i < CODES; i++)
		take_ok(ledger, 4371, CODES, NOW, NOW);
	take_ok(ledger, 4372, CODES, NOW, NOW);
	assert_int_equal(ledger_taken(ledger, 4371, NOW), CODES);
	assert_int_equal(ledger_taken(ledger, 4372, NOW), 1);
	assert_int_equal(ledger_taken(ledger, 4373, NOW), 0);
	talloc_free(ledger);
}

/* 23.041, 9.4.1.2.1: in ETWS two bits of the code are flags; 256 codes are left. */
static void check_exhaustion(unsigned int n_codes)
{
	struct ledger *ledger = ledger_alloc(NULL);
	struct ledger_entry entry;
	int64_t retry = 0, shortest = 0;
	bool seen[CODES] = { 0 };
	unsigned int i;
	uint16_t code, soonest = 0;

	for (i = 0; i < n_codes; i++) {
		/* one in the middle is free first */
		code = take_ok(ledger, 4352, n_codes, NOW, NOW + 1000 + (i == 100 ? 0 : i + 1));
		assert_false(seen[code]);
		seen[code] = true;
		if (i == 100)
			soonest = code;
	}
	shortest = 1000 + DAY;
	assert_int_equal(ledger_take(ledger, 4352, n_codes, NOW, NOW, &entry, &retry), -EBUSY);
	assert_int_equal(retry, shortest);
	assert_int_equal(ledger_take(ledger, 4352, n_codes, NOW + shortest - 1, NOW, &entry, &retry), -EBUSY);
	assert_int_equal(retry, 1);
	assert_int_equal(ledger_taken(ledger, 4352, NOW + shortest - 1), n_codes);
	assert_int_equal(ledger_taken(ledger, 4352, NOW + shortest), n_codes - 1);
	assert_int_equal(take_ok(ledger, 4352, n_codes, NOW + shortest, NOW + shortest), soonest);
	talloc_free(ledger);
}

static void test_exhausted_identifier_says_when_to_come_back(void **state)
{
	(void)state;
	check_exhaustion(CODES);
	check_exhaustion(ETWS_CODES);
}

static void test_code_given_back_can_be_taken_again(void **state)
{
	struct ledger *ledger = ledger_alloc(NULL);
	struct ledger_entry entry, last, other;
	int64_t retry;
	unsigned int i;

	(void)state;
	for (i = 0; i < CODES; i++)
		assert_int_equal(ledger_take(ledger, 4371, CODES, NOW, NOW, i == 7 ? &entry : &last, &retry), 0);
	/* an entry that is no longer the code's own frees nothing */
	other = entry;
	other.free_utc++;
	ledger_give_back(ledger, &other);
	assert_int_equal(ledger_taken(ledger, 4371, NOW), CODES);
	other = entry;
	other.identifier++;
	ledger_give_back(ledger, &other);
	other = entry;
	other.code = CODES;
	ledger_give_back(ledger, &other);
	assert_int_equal(ledger_taken(ledger, 4371, NOW), CODES);
	ledger_give_back(ledger, &entry);
	assert_int_equal(ledger_taken(ledger, 4371, NOW), CODES - 1);
	assert_int_equal(take_ok(ledger, 4371, CODES, NOW, NOW), entry.code);
	talloc_free(ledger);
}

static void test_restored_codes_are_taken(void **state)
{
	struct ledger *ledger = ledger_alloc(NULL);
	struct ledger_entry entry = { .identifier = 4371, .code = 512, .free_utc = NOW + 100 };

	(void)state;
	assert_int_equal(ledger_restore(ledger, &entry), 0);
	assert_int_equal(ledger_taken(ledger, 4371, NOW), 1);
	assert_int_equal(take_ok(ledger, 4371, CODES, NOW, NOW), 513);
	/* an older use of the same code does not free it */
	entry.free_utc = NOW - 100;
	assert_int_equal(ledger_restore(ledger, &entry), 0);
	assert_int_equal(ledger_taken(ledger, 4371, NOW), 2);
	entry.code = CODES;
	assert_int_equal(ledger_restore(ledger, &entry), -EINVAL);
	talloc_free(ledger);
}

/* A long life: alerts of random length, commits that fail, restarts from what a store holds. */

struct simulation {
	unsigned int seed, random;
	struct ledger *ledger;
	int64_t now;
	uint16_t identifier[3];
	int64_t quiet_utc[3][CODES];	/* last possible broadcast + 24 h; 0 = never used */
	unsigned int taken, refused, restarts;
};

static unsigned int dice(struct simulation *s, unsigned int n)
{
	return rand_r(&s->random) % n;
}

static void sim_take(struct simulation *s)
{
	unsigned int k = dice(s, 3), n_codes = k == 2 ? ETWS_CODES : CODES, code;
	int64_t last = s->now + 60 + dice(s, 2 * DAY), retry, soonest = INT64_MAX;
	struct ledger_entry entry;
	int rc = ledger_take(s->ledger, s->identifier[k], n_codes, s->now, last, &entry, &retry);

	if (rc == 0) {
		if (entry.code >= n_codes || s->quiet_utc[k][entry.code] > s->now)
			fail_msg("seed %u: code %u of %u is not free at %" PRId64, s->seed, entry.code,
				 s->identifier[k], s->now);
		s->taken++;
		if (dice(s, 10) == 0)
			ledger_give_back(s->ledger, &entry);
		else
			s->quiet_utc[k][entry.code] = last + DAY;
		return;
	}
	for (code = 0; code < n_codes; code++) {
		if (s->quiet_utc[k][code] < soonest)
			soonest = s->quiet_utc[k][code];
	}
	if (rc != -EBUSY || retry != soonest - s->now || retry <= 0)
		fail_msg("seed %u: refused with %d, retry after %" PRId64, s->seed, rc, retry);
	s->refused++;
}

static void sim_restart(struct simulation *s)
{
	struct ledger_entry entries[3 * CODES], swap;
	size_t n = 0, i, j, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < CODES; i++) {
			/* what is free again need not be stored */
			if (s->quiet_utc[k][i] > s->now - (int64_t)dice(s, DAY))
				entries[n++] = (struct ledger_entry){ s->identifier[k], i, 0, s->quiet_utc[k][i] };
		}
	}
	for (i = n; i > 1; i--) {
		j = dice(s, i);
		swap = entries[i - 1];
		entries[i - 1] = entries[j];
		entries[j] = swap;
	}
	talloc_free(s->ledger);
	s->ledger = ledger_alloc(NULL);
	for (i = 0; i < n; i++)
		assert_int_equal(ledger_restore(s->ledger, &entries[i]), 0);
	s->restarts++;
}

static void sim_check_taken(struct simulation *s)
{
	size_t k, i, n;

	for (k = 0; k < 3; k++) {
		for (i = n = 0; i < CODES; i++)
			n += s->quiet_utc[k][i] > s->now;
		if (ledger_taken(s->ledger, s->identifier[k], s->now) != n)
			fail_msg("seed %u: %zu codes are taken, not %zu", s->seed, n,
				 ledger_taken(s->ledger, s->identifier[k], s->now));
	}
}

static void test_no_code_is_used_twice_within_24_hours(void **state)
{
	unsigned int seed, i;

	(void)state;
	for (seed = 1; seed <= 8; seed++) {
		struct simulation *s = calloc(1, sizeof(*s));

		*s = (struct simulation){ .seed = seed, .random = seed, .ledger = ledger_alloc(NULL),
					  .now = NOW, .identifier = { 4371, 4370, 4352 } };
		for (i = 0; i < 20000; i++) {
			sim_take(s);
			s->now += dice(s, 240);
			if (dice(s, 500) == 0)
				sim_restart(s);
			if (i % 100 == 0)
				sim_check_taken(s);
		}
		assert_true(s->taken > 5000);
		assert_true(s->refused > 100);
		assert_true(s->restarts > 10);
		talloc_free(s->ledger);
		free(s);
	}
}

static int gauge(uint16_t identifier)
{
	struct osmo_stat_item_group *group = osmo_stat_item_get_group_by_name_idx("ledger", identifier);

	assert_non_null(group);
	return osmo_stat_item_get_last(osmo_stat_item_group_get_item(group, 0));
}

static void test_gauges_tell_how_many_codes_are_taken(void **state)
{
	struct ledger *ledger = ledger_alloc(NULL);
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		take_ok(ledger, 4371, CODES, NOW, NOW + i);
	take_ok(ledger, 4352, ETWS_CODES, NOW, NOW);
	ledger_set_gauges(ledger, NOW);
	assert_int_equal(gauge(4371), 3);
	assert_int_equal(gauge(4352), 1);
	ledger_set_gauges(ledger, NOW + DAY);
	assert_int_equal(gauge(4371), 2);
	assert_int_equal(gauge(4352), 0);
	talloc_free(ledger);
	assert_null(osmo_stat_item_get_group_by_name_idx("ledger", 4371));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes_follow_one_another),
		cmocka_unit_test(test_first_code_follows_from_the_clock),
		cmocka_unit_test(test_lost_store_does_not_repeat_the_codes_of_the_last_hours),
		cmocka_unit_test(test_identifiers_do_not_share_codes),
		cmocka_unit_test(test_exhausted_identifier_says_when_to_come_back),
		cmocka_unit_test(test_code_given_back_can_be_taken_again),
		cmocka_unit_test(test_restored_codes_are_taken),
		cmocka_unit_test(test_gauges_tell_how_many_codes_are_taken),
		cmocka_unit_test(test_no_code_is_used_twice_within_24_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
