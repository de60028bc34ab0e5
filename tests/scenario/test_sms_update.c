/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Another version of an alert, as short messages: it takes the place of the one before, or follows it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <osmocom/core/utils.h>

#include "world.h"

#define LONG_WORDS "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen" \
	" sixteen seventeen eighteen nineteen twenty twentyone twentytwo twentythree twentyfour"

static struct fake_smsc *settle_town(struct world *w, unsigned int n_phones)
{
	struct fake_bsc *bsc = world_add_bsc(w, 2);

	world_use_sms(w, SMS_ALWAYS, 0);
	world_add_phones(w, bsc, 0, n_phones);
	return world_add_smsc(w);
}

static struct phone *first_phone(struct world *w)
{
	return llist_first_entry(&w->phones, struct phone, entry);
}

static const struct phone_text *text_with(const struct phone *phone, const char *words)
{
	const struct phone_text *text;

	llist_for_each_entry(text, &phone->texts, entry) {
		if (strstr(text->text, words))
			return text;
	}
	return NULL;
}

/* The alert a, which everybody has. */
static struct post *a_is_there(struct world *w, const char *words)
{
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .words = words });
	world_run(w, 5);
	return post;
}

static struct post *update_to_b(struct world *w, const struct post *a, const char *words)
{
	return world_update(w, a, &(struct alert_spec){ .identifier = "b", .words = words });
}

static void a_new_text_of_one_part_takes_the_place_of_the_old_one(void **state)
{
	struct world *w = *state;
	const struct phone_text *old, *new;
	struct post *a, *b;

	settle_town(w, 3);
	a = a_is_there(w, "oldwords");
	b = update_to_b(w, a, "newwords");
	world_run(w, 5);
	assert_int_equal(post_status(b), 202);
	assert_int_equal(world_with_copies(w, b, 1), 3);
	old = text_with(first_phone(w), "oldwords");
	new = text_with(first_phone(w), "newwords");
	assert_int_equal(new->protocol_id, old->protocol_id);
	assert_true(old->replaced);
	assert_false(new->replaced);
	world_run(w, 30);
	assert_true(world_ended(w, a));
}

static void a_text_of_another_length_follows_the_old_one(void **state)
{
	static const struct { const char *old, *new; } cases[] = {
		{ "oldwords", LONG_WORDS }, { LONG_WORDS, "newwords" }, { LONG_WORDS, LONG_WORDS " newwords" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_open();
		struct post *a, *b;

		settle_town(w, 2);
		a = a_is_there(w, cases[i].old);
		b = update_to_b(w, a, cases[i].new);
		world_run(w, 5);
		assert_int_equal(world_with_copies(w, a, 1), 2);
		assert_int_equal(world_with_copies(w, b, 1), 2);
		assert_false(text_with(first_phone(w), cases[i].old)->replaced);
		world_close(w);
	}
	(void)state;
}

/* Who had not got the old text yet gets the new one only. */
static void what_is_not_submitted_of_the_old_text_never_is(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 40);
	struct post *a, *b;
	size_t had;

	smsc->phone_ms = 2000;
	world_start(w);
	world_run(w, 1);
	a = world_post(w, &(struct alert_spec){ .identifier = "a", .words = "oldwords" });
	world_run(w, 3);
	b = update_to_b(w, a, "newwords");
	world_run(w, 60);
	had = world_with_copies(w, a, 1);
	assert_in_range(had, 10, 20);
	assert_int_equal(world_with_copies(w, a, 0), 40 - had);
	assert_int_equal(world_with_copies(w, b, 1), 40);
	assert_int_equal(world_sms_count(w, a, OUTCOME_STOPPED), 40 - had);
	assert_true(world_ended(w, a));
}

/* Whatever point it dies at: one version or the other goes on, and in the end everybody has one text of the
 * new version if that was taken. */
static void a_crash_leaves_one_version_in_force(void **state)
{
	unsigned int at, n = 0;

	(void)state;
	for (at = 1; at <= 30; at++) {
		struct world *w = world_open();
		struct post *a, *b;

		settle_town(w, 4);
		a = a_is_there(w, "oldwords");
		w->kill_at = w->points + at;
		b = update_to_b(w, a, "newwords");
		world_run(w, 200);
		n += !w->kill_at;
		if (world_kept(w, b)) {
			assert_int_equal(world_with_copies(w, b, 0), 0);
			assert_true(world_ended(w, a));
		} else {
			assert_false(world_ended(w, a));
			assert_int_equal(world_with_copies(w, b, 0), 4);
		}
		world_close(w);
	}
	assert_true(n >= 5);
}

static void an_update_that_cannot_be_stored_leaves_the_old_version_alone(void **state)
{
	struct world *w = *state;
	struct post *a, *b;

	settle_town(w, 3);
	a = a_is_there(w, "oldwords");
	world_fail_store(w, true);
	b = update_to_b(w, a, "newwords");
	world_run(w, 10);
	world_fail_store(w, false);
	world_run(w, 60);
	assert_true(post_status(b) >= 500);
	assert_false(world_ended(w, a));
	assert_int_equal(world_on_air(w, a, w->bscs[0]), 2);
	assert_int_equal(world_with_copies(w, b, 0), 3);
}

static void only_its_own_sender_makes_another_version(void **state)
{
	struct world *w = *state;
	struct post *a, *b, foreign;

	settle_town(w, 2);
	a = a_is_there(w, "oldwords");
	foreign = *a;
	foreign.originator = (char *)"other";
	b = update_to_b(w, &foreign, "newwords");
	world_run(w, 10);
	assert_int_equal(post_status(b), 403);
	assert_int_equal(world_with_copies(w, a, 1), 2);
	assert_int_equal(world_on_air(w, a, w->bscs[0]), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(a_new_text_of_one_part_takes_the_place_of_the_old_one),
		cmocka_unit_test(a_text_of_another_length_follows_the_old_one),
		T(what_is_not_submitted_of_the_old_text_never_is),
		cmocka_unit_test(a_crash_leaves_one_version_in_force),
		T(an_update_that_cannot_be_stored_leaves_the_old_version_alone),
		T(only_its_own_sender_makes_another_version),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
