/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Centres that store and forward: what is taken is not delivered until a receipt says so. */
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

static struct fake_smsc *settle_town(struct world *w, unsigned int n_phones)
{
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct fake_smsc *smsc;

	world_use_sms(w, SMS_ALWAYS, 0);
	world_add_phones(w, bsc, 0, n_phones);
	smsc = world_add_smsc(w);
	smsc->mode = SMSC_STORE;
	return smsc;
}

static struct phone *first_phone(struct world *w)
{
	return llist_first_entry(&w->phones, struct phone, entry);
}

/* An alert of three parts. */
static struct post *post_long(struct world *w)
{
	return world_post(w, &(struct alert_spec){ .identifier = "a", .pages = 5 });
}

static void it_is_delivered_when_the_receipt_of_its_last_part_says_so(void **state)
{
	struct world *w = *state;
	struct post *post;

	settle_town(w, 4)->receipt_ms = 10000;
	first_phone(w)->attached = false;
	world_start(w);
	world_run(w, 1);
	post = post_long(w);
	world_run(w, 5);
	assert_int_equal(world_with_copies(w, post, 1), 3);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 4);
	world_run(w, 15);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
	world_attach_phone(first_phone(w), true);
	world_run(w, 15);
	assert_int_equal(world_with_copies(w, post, 1), 4);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 4);
}

static void a_receipt_before_the_answer_counts(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->phone_ms = smsc->receipt_ms = 1;
	smsc->answer_ms = 3000;
	world_start(w);
	world_run(w, 1);
	post = post_long(w);
	world_run(w, 8);
	assert_int_equal(world_sms_count(w, post, OUTCOME_SENT), 3);
	world_run(w, 4);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
}

static void without_receipts_it_stays_taken(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->lose_receipts = true;
	world_start(w);
	world_run(w, 1);
	post = post_long(w);
	world_run(w, 1000);
	assert_int_equal(world_with_copies(w, post, 1), 3);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 3);
	assert_int_equal(smsc->submits, 3);
	world_run(w, 4000);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 3);
}

static void a_receipt_that_comes_twice_counts_once(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 1);
	struct phone *phone = first_phone(w);
	struct post *post;

	smsc->double_receipts = true;
	world_start(w);
	world_run(w, 1);
	post = post_long(w);
	world_run(w, 0.8);
	/* One part is there, and its receipt came twice. */
	phone->memory_full = true;
	world_run(w, 5);
	assert_int_equal(llist_first_entry(&phone->texts, struct phone_text, entry)->copies[0], 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 1);
	phone->memory_full = false;
	world_run(w, 40);
	assert_int_equal(world_with_copies(w, post, 1), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 1);
}

static void a_receipt_without_a_handle_proves_nothing(void **state)
{
	struct world *w = *state;
	struct post *post;

	settle_town(w, 2)->hint_receipts = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 10);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 2);
	assert_true(world_sms_evidence(w, post, first_phone(w)).flags & EVIDENCE_HINT);
}

static void what_the_centre_gives_up_has_failed_and_is_not_sent_again(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->keep_ms = 60000;
	first_phone(w)->attached = false;
	world_start(w);
	world_run(w, 1);
	post = post_long(w);
	world_run(w, 120);
	assert_int_equal(world_sms_count(w, post, OUTCOME_FAILED), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 2);
	world_run(w, 600);
	assert_int_equal(smsc->submits, 3);
	world_run(w, 4000);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_FAILED), 1);
}

static void a_receipt_that_comes_after_the_expiry_counts(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->receipt_ms = 100000;
	first_phone(w)->attached = false;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 60 });
	world_run(w, 70);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 3);
	assert_false(world_ended(w, post));
	/* The centre gives it up at its expiry. */
	world_run(w, 130);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_FAILED), 1);
	assert_true(world_ended(w, post));
}

static void receipts_that_never_come_keep_no_alert_alive(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->lose_receipts = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 60 });
	world_run(w, 500);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 3);
}

static void receipts_wait_for_the_link(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->receipt_ms = 2000;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	smsc_set_wire(smsc, false);
	world_run(w, 60);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 3);
	smsc_set_wire(smsc, true);
	world_run(w, 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
	assert_int_equal(smsc->submits, 3);
}

/* The centre knows only its own handles, and two centres may use the same. */
static void a_receipt_is_looked_for_at_the_centre_that_gave_the_handle(void **state)
{
	struct world *w = *state;
	struct fake_smsc *first = settle_town(w, 2), *second = world_add_smsc(w);
	struct post *a, *b;

	second->mode = SMSC_STORE;
	snprintf(second->name, sizeof(second->name), "other");
	first->receipt_ms = 60000;
	first->same_handles = second->same_handles = true;
	world_start(w);
	world_run(w, 1);
	a = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 5);
	smsc_set_wire(first, false);
	b = world_post(w, &(struct alert_spec){ .identifier = "b" });
	world_run(w, 5);
	assert_int_equal(world_sms_count(w, a, OUTCOME_TAKEN), 2);
	assert_int_equal(world_sms_count(w, b, OUTCOME_DELIVERED), 2);
	smsc_set_wire(first, true);
	world_run(w, 120);
	assert_int_equal(world_sms_count(w, a, OUTCOME_DELIVERED), 2);
}

static void receipts_are_known_after_a_restart(void **state, bool crash)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->receipt_ms = 20000;
	first_phone(w)->attached = false;
	world_start(w);
	world_run(w, 1);
	post = post_long(w);
	world_run(w, 10);
	if (crash) {
		world_crash(w);
	} else {
		world_stop(w);
		world_run(w, 60);
		world_start_again(w);
	}
	world_run(w, 60);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 2);
	world_attach_phone(first_phone(w), true);
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 1), 3);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
	assert_int_equal(smsc->submits, 3);
}

static void receipts_are_known_after_a_stop(void **state)
{
	receipts_are_known_after_a_restart(state, false);
}

static void receipts_are_known_after_a_crash(void **state)
{
	receipts_are_known_after_a_restart(state, true);
}

/* The Cancel took the evidence to the disk, and the daemon died before it noted that the handle is
 * used up. */
static void a_receipt_that_came_is_not_awaited_after_a_crash(void **state)
{
	struct world *w = *state;
	struct post *post;

	settle_town(w, 1)->receipt_ms = 2000;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run_ms(w, 2535);
	world_cancel(w, post, "c", NULL, NULL);
	world_run_ms(w, 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 1);
	world_crash(w);
	world_run(w, 30);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 1);
	assert_true(world_ended(w, post));
}

static void what_was_taken_is_not_sent_again_whatever_happens(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;
	int i;

	smsc->lose_receipts = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 5);
	for (i = 0; i < 5; i++) {
		smsc_set_wire(smsc, false);
		world_run(w, 30);
		smsc_set_wire(smsc, true);
		world_run(w, 400);
		world_crash(w);
		world_run(w, 400);
	}
	assert_int_equal(smsc->submits, 3);
	assert_int_equal(world_with_copies(w, post, 1), 3);
	assert_int_equal(world_sms_count(w, post, OUTCOME_TAKEN), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(it_is_delivered_when_the_receipt_of_its_last_part_says_so),
		T(a_receipt_before_the_answer_counts),
		T(without_receipts_it_stays_taken),
		T(a_receipt_that_comes_twice_counts_once),
		T(a_receipt_without_a_handle_proves_nothing),
		T(what_the_centre_gives_up_has_failed_and_is_not_sent_again),
		T(a_receipt_that_comes_after_the_expiry_counts),
		T(receipts_that_never_come_keep_no_alert_alive),
		T(receipts_wait_for_the_link),
		T(a_receipt_is_looked_for_at_the_centre_that_gave_the_handle),
		T(receipts_are_known_after_a_stop),
		T(receipts_are_known_after_a_crash),
		T(a_receipt_that_came_is_not_awaited_after_a_crash),
		T(what_was_taken_is_not_sent_again_whatever_happens),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
