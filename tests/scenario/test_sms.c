/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Short messages: who gets them, in what order, at what pace, and what is known of it afterwards. */
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

/* One BSC of four cells, one message centre, that many phones in the first cell. */
static struct fake_smsc *settle_town(struct world *w, unsigned int n_phones)
{
	struct fake_bsc *bsc = world_add_bsc(w, 4);

	world_use_sms(w, SMS_ALWAYS, 0);
	if (n_phones)
		world_add_phones(w, bsc, 0, n_phones);
	return world_add_smsc(w);
}

static struct phone *first_phone(struct world *w)
{
	return llist_first_entry(&w->phones, struct phone, entry);
}

static struct post *post_alert(struct world *w, const char *identifier)
{
	return world_post(w, &(struct alert_spec){ .identifier = identifier });
}

static void everybody_in_the_area_gets_it_once_and_nobody_else(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct fake_bsc *bsc = w->bscs[0];
	struct phone *outside = world_add_phone(w, bsc, 3), *nowhere = world_add_phone(w, NULL, 0);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .n_cells = 3 });
	world_run(w, 5);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(world_with_copies(w, post, 1), 5);
	assert_int_equal(phone_got(outside, "a:"), 0);
	assert_int_equal(phone_got(nowhere, "a:"), 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 5);
	assert_int_equal(world_on_air(w, post, bsc), 3);
	world_run(w, 4000);
	assert_int_equal(world_with_copies(w, post, 1), 5);
	assert_int_equal(smsc->submits, 5);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 5);
}

static void whose_cell_is_unknown_gets_it_in_the_location_area(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc, *other;
	struct phone *here, *there;
	struct post *post;

	settle_town(w, 1);
	bsc = w->bscs[0];
	other = world_add_bsc(w, 4);
	here = world_add_phone(w, bsc, 0);
	there = world_add_phone(w, other, 0);
	here->at.type = there->at.type = TARGET_LAI;
	here->at.value &= ~0xffffull;
	there->at.value &= ~0xffffull;
	world_start(w);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .n_bscs = 1, .n_cells = 1, .first_cell = 2 });
	world_run(w, 5);
	assert_int_equal(phone_got(here, "a:"), 1);
	assert_int_equal(phone_got(there, "a:"), 0);
	assert_int_equal(world_with_copies(w, post, 1), 1);
}

/* Recipients are kept in commits of at most 50,000. */
static void more_recipients_than_fit_into_one_commit_are_all_found(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 50001);
	struct post *post;

	smsc->wire = false;
	w->rows_unchecked = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 60 });
	world_run(w, 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 50001);
	world_run(w, 60);
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 50001);
	assert_true(world_ended(w, post));
}

static void two_alerts_at_once_both_reach_a_phone_that_takes_one_at_a_time(void **state)
{
	struct world *w = *state;
	struct post *a, *b;

	settle_town(w, 4);
	world_start(w);
	world_run(w, 1);
	a = post_alert(w, "a");
	b = world_post(w, &(struct alert_spec){ .identifier = "b", .pages = 5 });
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, a, 1), 4);
	assert_int_equal(world_with_copies(w, b, 1), 4);
	assert_int_equal(world_sms_count(w, a, OUTCOME_DELIVERED), 4);
	assert_int_equal(world_sms_count(w, b, OUTCOME_DELIVERED), 4);
}

static const struct window_case {
	const char *name;
	unsigned int window;
} window_cases[] = {
	{ "one at a time", 1 },
	{ "ten at a time", 10 },
	{ "a hundred at a time", 100 },
};

static void one_window(struct world *w, const struct window_case *wc)
{
	struct fake_smsc *smsc = settle_town(w, 300);
	struct post *post;

	w->name = wc->name;
	smsc->caps.window = wc->window;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	/* Each takes 0.52 s. */
	world_run(w, 300 / wc->window * 0.52 / 0.95 + 1);
	assert_int_equal(world_with_copies(w, post, 1), 300);
	assert_int_equal(smsc->most_out, wc->window);
	world_run(w, 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 300);
}

static void the_window_is_used_and_kept(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(window_cases); i++) {
		one_window(*state, &window_cases[i]);
		world_close(*state);
		*state = world_open();
	}
}

static void the_more_severe_alert_goes_first(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 100);
	struct post *minor, *major;
	size_t before;

	smsc->caps.window = 2;
	world_start(w);
	world_run(w, 1);
	minor = post_alert(w, "minor");
	world_run(w, 5);
	before = world_with_copies(w, minor, 1);
	assert_true(before > 10 && before < 50);
	major = world_post(w, &(struct alert_spec){ .identifier = "major", .class = MESSAGE_CLASS_NATIONAL });
	while (world_with_copies(w, major, 1) < 100)
		world_run_ms(w, 100);
	/* What was on its way could not be held up. */
	assert_true(world_with_copies(w, minor, 1) <= before + smsc->caps.window);
	world_run(w, 40);
	assert_int_equal(world_with_copies(w, minor, 1), 100);
}

static void the_pace_of_a_centre_is_kept(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 10);
	struct post *post;

	smsc->pace_ms = 1000;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5);
	assert_in_range(world_with_copies(w, post, 1), 4, 6);
	world_run(w, 6);
	assert_int_equal(world_with_copies(w, post, 1), 10);
	assert_int_equal(smsc->turned_away, 0);
}

static void a_centre_that_is_busy_is_tried_ever_more_slowly_and_gets_it_later(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct post *post;

	smsc->throttled = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 40);
	assert_in_range(smsc->submits, 6, 40);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 5);
	assert_int_equal(world_with_copies(w, post, 0), 5);
	smsc->throttled = false;
	world_run(w, 65);
	assert_int_equal(world_with_copies(w, post, 1), 5);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 5);
}

static void a_full_send_queue_is_waited_for(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 25);
	struct post *post;

	smsc->queue_full = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 100);
	assert_int_equal(smsc->submits, 0);
	assert_in_range(smsc->turned_away, 1, 30);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 25);
	smsc_ready(smsc);
	world_run(w, 3);
	assert_int_equal(world_with_copies(w, post, 1), 25);
}

static void a_full_send_queue_does_not_hold_up_a_better_centre(void **state)
{
	struct world *w = *state;
	struct fake_smsc *worse = settle_town(w, 25), *better = world_add_smsc(w);
	struct post *post;

	better->preference = 1;
	better->wire = false;
	worse->queue_full = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 10);
	assert_int_equal(world_with_copies(w, post, 0), 25);
	smsc_set_wire(better, true);
	world_run(w, 3);
	assert_int_equal(world_with_copies(w, post, 1), 25);
	assert_int_equal(worse->submits, 0);
}

static const char *via(struct world *w, const struct post *post, const struct phone *phone)
{
	struct evidence e = world_sms_evidence(w, post, phone);
	char **names;

	assert_int_equal(store_read_peer_numbers(w->reader, w, &names), 0);
	assert_non_null(names[e.via]);
	return names[e.via];
}

static void another_centre_takes_over_and_gives_back(void **state)
{
	struct world *w = *state;
	struct fake_smsc *first = settle_town(w, 60), *second = world_add_smsc(w);
	struct phone *late;
	struct post *post;
	unsigned int n;

	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 1.2);
	n = first->submits;
	assert_true(n > 10 && n < 60);
	assert_int_equal(second->submits, 0);
	smsc_cut(first);
	late = first_phone(w);
	while (world_next_phone(late))
		late = world_next_phone(late);
	world_run(w, 5);
	assert_int_equal(world_with_copies(w, post, 0), 0);
	assert_true(world_with_copies(w, post, 1) >= 60 - first->caps.window);
	assert_string_equal(via(w, post, first_phone(w)), first->name);
	assert_string_equal(via(w, post, late), second->name);
	smsc_set_wire(first, true);
	world_run(w, 1);
	n = second->submits;
	post = post_alert(w, "b");
	world_run(w, 5);
	assert_int_equal(world_with_copies(w, post, 1), 60);
	assert_int_equal(second->submits, n);
	assert_string_equal(via(w, post, late), first->name);
}

static void a_new_centre_is_used_only_while_the_better_one_is_down(void **state)
{
	struct world *w = *state;
	struct fake_smsc *worse = settle_town(w, 4), *better = world_add_smsc(w);
	struct post *post;

	better->preference = 1;
	better->wire = false;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 3);
	assert_int_equal(world_with_copies(w, post, 1), 4);
	assert_int_equal(worse->submits, 4);
	smsc_set_wire(better, true);
	world_run(w, 1);
	post = post_alert(w, "b");
	world_run(w, 3);
	assert_int_equal(world_with_copies(w, post, 1), 4);
	assert_int_equal(better->submits, 4);
}

static void the_fall_of_one_centre_leaves_alone_what_another_one_has(void **state)
{
	struct world *w = *state;
	struct fake_smsc *first = settle_town(w, 5), *second = world_add_smsc(w);
	struct post *post;

	w->sms.leave_unknown = true;
	first->wire = false;
	second->phone_ms = 20000;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5);
	assert_int_equal(second->submits, 5);
	smsc_set_wire(first, true);
	world_run(w, 2);
	smsc_set_wire(first, false);
	world_run(w, 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_SENT), 5);
	world_run(w, 30);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 5);
	assert_int_equal(first->submits, 0);
}

static void a_centre_that_is_no_longer_configured_is_waited_for(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 40);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 0.7);
	peer_free(smsc->peer);
	world_run(w, 5);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 20);
	assert_int_equal(smsc_attach(smsc), 0);
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 0), 0);
	assert_int_equal(world_with_copies(w, post, 2), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 40);
}

/* The link goes while ten are on their way; the phones get these, and nobody hears of it. */
static void lose_the_link(struct world *w, struct fake_smsc *smsc, bool cut)
{
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 0.7);
	assert_int_equal(smsc_outstanding(smsc), 10);
	if (cut)
		smsc_cut(smsc);
	else
		smsc_set_wire(smsc, false);
	world_run(w, 5);
}

static struct post *only_post(struct world *w)
{
	return llist_first_entry(&w->posts, struct post, entry);
}

static void after_a_lost_link_nobody_is_missing_and_at_most_a_window_has_two(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 40);
	struct post *post;

	lose_the_link(w, smsc, false);
	post = only_post(w);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	assert_int_equal(world_with_copies(w, post, 1), 20);
	smsc_set_wire(smsc, true);
	world_run(w, 30);
	assert_int_equal(world_with_copies(w, post, 1), 30);
	assert_int_equal(world_with_copies(w, post, 2), 10);
	assert_int_equal(smsc->again, 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 40);
}

static void what_was_lost_on_its_way_is_sent_again(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 40);
	struct post *post;

	smsc->to_ms = 1000;
	lose_the_link(w, smsc, true);
	post = only_post(w);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	smsc_set_wire(smsc, true);
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 1), 40);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 40);
}

static void where_the_operator_wants_no_second_copy_each_gap_is_listed(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 40);
	struct post *post;

	w->sms.leave_unknown = true;
	smsc->to_ms = 1000;
	lose_the_link(w, smsc, true);
	post = only_post(w);
	smsc_set_wire(smsc, true);
	world_run(w, 600);
	assert_int_equal(world_with_copies(w, post, 1), 30);
	assert_int_equal(world_with_copies(w, post, 0), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 30);
	assert_int_equal(smsc->again, 0);
	world_run(w, 4000);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
}

static void a_centre_that_never_answers_leaves_a_window_unknown_and_then_one_at_a_time(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 25);
	struct post *post;

	w->sms.leave_unknown = true;
	smsc->mute = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 30);
	assert_int_equal(world_sms_count(w, post, OUTCOME_SENT), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 15);
	world_run(w, 60);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_SENT), 1);
	world_run(w, 120);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 12);
	smsc->mute = false;
	world_run(w, 120);
	assert_in_range(world_sms_count(w, post, OUTCOME_UNKNOWN), 12, 13);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 0);
	assert_int_equal(world_with_copies(w, post, 1), 25);
}

/* Each of them holds a place for as long as it is called, and is called again and again. */
static void silent_phones_hold_nobody_else_up(void **state)
{
	struct world *w = *state;
	struct phone *phone;
	struct post *post;
	unsigned int i = 0;

	settle_town(w, 500);
	w->rows_unchecked = true;
	for (phone = first_phone(w); phone; phone = world_next_phone(phone))
		phone->silent = i++ < 400;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 900);
	assert_int_equal(world_with_copies(w, post, 1), 100);
}

static void silent_phones_of_a_severe_alert_do_not_hold_up_a_lesser_one(void **state)
{
	struct world *w = *state;
	struct post *severe, *lesser;
	struct phone *phone;

	settle_town(w, 400);
	world_add_phones(w, w->bscs[0], 1, 30);
	w->rows_unchecked = true;
	for (phone = first_phone(w); phone; phone = world_next_phone(phone))
		phone->silent = target_compare(&phone->at, &w->bscs[0]->cells[0]) == 0;
	world_start(w);
	world_run(w, 1);
	severe = world_post(w, &(struct alert_spec){ .identifier = "a", .n_cells = 1, .life_s = 20000,
						     .class = MESSAGE_CLASS_NATIONAL });
	world_run(w, 1800);
	assert_int_equal(world_with_copies(w, severe, 0), 430);
	lesser = world_post(w, &(struct alert_spec){ .identifier = "b", .first_cell = 1, .n_cells = 1,
						     .life_s = 20000 });
	world_run(w, 120);
	assert_int_equal(world_with_copies(w, lesser, 1), 30);
}

static void a_centre_that_does_not_answer_is_left_for_another_one(void **state)
{
	struct world *w = *state;
	struct fake_smsc *first = settle_town(w, 100), *second = world_add_smsc(w);
	struct post *post;

	first->preference = 1;
	second->preference = 2;
	first->deaf = true;
	w->sms.leave_unknown = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 200);
	assert_int_equal(world_with_copies(w, post, 1), 90);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	assert_int_equal(first->submits, 10);
}

static void who_loses_its_acknowledgement_gets_copies_ever_more_rarely(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 1);

	first_phone(w)->ack_lost = true;
	smsc->says_available = true;
	world_start(w);
	world_run(w, 1);
	world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 7200);
	assert_in_range(phone_got(first_phone(w), " a:"), 2, 9);
	/* The answer to the call for the text itself is no reason to send it again. */
	world_attach_phone(first_phone(w), false);
	world_attach_phone(first_phone(w), true);
	world_run(w, 10);
	world_attach_phone(first_phone(w), false);
	world_attach_phone(first_phone(w), true);
	world_run(w, 10);
	assert_in_range(phone_got(first_phone(w), " a:"), 3, 10);
}

static void without_an_answer_it_is_sent_again_until_one_comes(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	smsc->deaf = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 200);
	assert_int_equal(world_with_copies(w, post, 0), 3);
	assert_true(smsc->submits >= 6);
	smsc->deaf = false;
	world_run(w, 300);
	assert_int_equal(world_with_copies(w, post, 1), 3);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
}

static void an_answer_after_the_deadline_is_counted_and_dropped(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 1);
	struct post *post;

	w->sms.leave_unknown = true;
	smsc->answer_ms = 70000;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 120);
	assert_int_equal(smsc->unmatched, 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 1);
	assert_int_equal(world_with_copies(w, post, 1), 1);
}

static void a_clock_set_back_delays_no_second_try(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 2);
	struct post *post;

	first_phone(w)->memory_full = true;
	world_next_phone(first_phone(w))->silent = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 60);
	world_step_clock(w, -3600);
	first_phone(w)->memory_full = false;
	world_next_phone(first_phone(w))->silent = false;
	world_run(w, 310);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_in_range(smsc->submits, 3, 20);
}

static void a_clock_set_forward_sends_nothing_that_has_expired(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 50);
	struct post *brief, *lasting;
	unsigned int n;

	smsc->caps.window = 1;
	world_start(w);
	world_run(w, 1);
	brief = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 1800 });
	lasting = world_post(w, &(struct alert_spec){ .identifier = "b", .life_s = 7200 });
	world_run(w, 5);
	world_step_clock(w, 3600);
	n = smsc->submits;
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, brief, 1), n);
	assert_true(world_ended(w, brief));
	assert_int_equal(world_with_copies(w, lasting, 1), 50);
}

/* Expiry and cancel */

static void nothing_new_is_sent_after_the_expiry(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 100);
	struct post *post;
	size_t n;

	smsc->caps.window = 1;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 30 });
	world_run(w, 40);
	n = world_with_copies(w, post, 1);
	assert_in_range(n, 50, 58);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), n);
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 100 - n);
	world_run(w, 60);
	assert_true(world_ended(w, post));
	assert_int_equal(world_with_copies(w, post, 1), n);
}

static void what_could_not_be_sent_before_its_expiry_is_shown_stopped(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct post *post;

	smsc->wire = false;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 60 });
	world_run(w, 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 5);
	assert_int_equal(world_sms_evidence(w, post, first_phone(w)).wait, WAIT_LINK);
	world_run(w, 60);
	smsc_set_wire(smsc, true);
	world_run(w, 60);
	assert_int_equal(smsc->submits, 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 5);
	assert_true(world_ended(w, post));
}

static void without_any_centre_an_alert_is_broadcast_all_the_same_and_ends(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct post *post;

	world_use_sms(w, SMS_ALWAYS, 0);
	world_add_phones(w, bsc, 0, 3);
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 60 });
	world_run(w, 5);
	assert_int_equal(world_on_air(w, post, bsc), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 3);
	assert_int_equal(world_sms_evidence(w, post, first_phone(w)).wait, WAIT_PEER);
	world_run(w, 100);
	assert_true(world_ended(w, post));
}

static void a_cancel_stops_what_is_not_submitted(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 100);
	struct post *post;
	size_t n;

	smsc->caps.window = 2;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5);
	n = smsc->submits;
	assert_true(n > 10 && n < 50);
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 5);
	assert_int_equal(smsc->submits, n);
	assert_int_equal(world_with_copies(w, post, 1), n);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), n);
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 100 - n);
	assert_true(world_ended(w, post));
}

static unsigned int with_cancel_text(struct world *w, const struct post *post)
{
	const struct phone *phone = first_phone(w);
	unsigned int n = 0, got;

	for (; phone; phone = world_next_phone(phone)) {
		got = phone_got(phone, "All clear");
		assert_int_equal(got, phone_got(phone, talloc_asprintf(w, " %s:", post->identifier)));
		n += got;
	}
	return n;
}

static void those_who_were_reached_hear_that_it_is_over_and_nobody_else(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 100);
	struct post *post;
	size_t n;

	w->sms.cancel_text = (char *)"All clear.";
	smsc->caps.window = 2;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5);
	n = smsc->submits;
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 1), n);
	assert_int_equal(with_cancel_text(w, post), n);
	assert_int_equal(smsc->submits, 2 * n);
}

static void what_a_cancel_says_itself_goes_before_the_configured_text(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct post *post;

	w->sms.cancel_text = (char *)"All clear.";
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5);
	world_cancel_saying(w, post, "c", "The river has fallen. All clear.");
	world_run(w, 5);
	assert_int_equal(with_cancel_text(w, post), 5);
	assert_int_equal(phone_got(first_phone(w), "The river has fallen. All clear."), 1);
	assert_int_equal(smsc->submits, 10);
}

static void without_a_configured_text_a_cancel_sends_nothing(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5);
	world_cancel_saying(w, post, "c", "The river has fallen.");
	world_run(w, 60);
	assert_int_equal(smsc->submits, 5);
	assert_true(world_ended(w, post));
}

static void one_cancel_of_two_alerts_is_told_once(void **state)
{
	struct world *w = *state;
	struct post *a, *b;

	settle_town(w, 5);
	w->sms.cancel_text = (char *)"All clear.";
	world_start(w);
	world_run(w, 1);
	a = post_alert(w, "a");
	b = post_alert(w, "b");
	world_run(w, 20);
	world_cancel_both(w, a, b, "c");
	world_run(w, 20);
	assert_int_equal(with_cancel_text(w, a), 5);
	assert_true(world_ended(w, a));
	assert_true(world_ended(w, b));
}

/* Marked in the store, but not handed over when the cancel came. */
static void whoever_was_only_about_to_get_it_hears_nothing(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 20);
	struct post *post, *cancel;

	w->sms.cancel_text = (char *)"All clear.";
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run_ms(w, 20);
	w->store_delay_ms = 2000;
	world_run_ms(w, 600);
	assert_int_equal(smsc->submits, 10);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 60);
	assert_int_equal(post_status(cancel), 202);
	assert_int_equal(world_with_copies(w, post, 1), 10);
	assert_int_equal(with_cancel_text(w, post), 10);
	assert_int_equal(smsc->submits, 20);
}

static void whoever_may_have_it_hears_that_it_is_over(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 20);
	struct post *post;

	w->sms.cancel_text = (char *)"All clear.";
	w->sms.leave_unknown = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 0.2);
	smsc_set_wire(smsc, false);
	world_run(w, 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 10);
	world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 2);
	smsc_set_wire(smsc, true);
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 1), 10);
	assert_int_equal(with_cancel_text(w, post), 10);
}

/* Phones */

static void a_phone_that_comes_later_gets_it_by_and_by(void **state)
{
	struct world *w = *state;
	struct phone *phone;
	struct post *post;

	settle_town(w, 3);
	phone = first_phone(w);
	phone->attached = false;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 100);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_REFUSED), 1);
	world_attach_phone(phone, true);
	world_run(w, 310);
	assert_int_equal(phone_got(phone, "a:"), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
}

static void a_phone_that_comes_later_gets_it_at_once_where_the_centre_tells(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct phone *phone = first_phone(w);
	unsigned int submits;
	struct post *post;

	phone->attached = false;
	smsc->says_available = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 1000);
	world_attach_phone(phone, true);
	world_run(w, 2);
	assert_int_equal(phone_got(phone, "a:"), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
	submits = smsc->submits;
	world_attach_phone(phone, true);
	world_run(w, 400);
	assert_int_equal(smsc->submits, submits);
}

static const struct phone_case {
	const char *name;
	bool memory_full, silent, barred, sure;
	enum outcome outcome;
} phone_cases[] = {
	{ "memory full", .memory_full = true, .outcome = OUTCOME_UNKNOWN },
	{ "memory full, and the centre is sure", .memory_full = true, .sure = true, .outcome = OUTCOME_REFUSED },
	{ "silent", .silent = true, .outcome = OUTCOME_UNKNOWN },
	{ "silent, and the centre is sure", .silent = true, .sure = true, .outcome = OUTCOME_REFUSED },
	{ "unknown to the centre", .barred = true, .outcome = OUTCOME_REFUSED },
};

static void one_phone_cannot(struct world *w, const struct phone_case *pc)
{
	struct fake_smsc *smsc = settle_town(w, 3);
	struct phone *phone = first_phone(w);
	struct post *post;

	w->name = pc->name;
	phone->memory_full = pc->memory_full;
	phone->silent = pc->silent;
	phone->barred = pc->barred;
	smsc->sure = pc->sure;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 14);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_int_equal(world_sms_count(w, post, pc->outcome), 1);
	world_run(w, 600);
	assert_in_range(smsc->submits, 4, 15);
	phone->memory_full = phone->silent = phone->barred = false;
	world_run(w, 1000);
	assert_int_equal(phone_got(phone, "a:"), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
}

static void a_phone_that_cannot_take_it_is_tried_until_it_can(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(phone_cases); i++) {
		one_phone_cannot(*state, &phone_cases[i]);
		world_close(*state);
		*state = world_open();
	}
}

static void whose_acknowledgement_is_lost_gets_two(void **state)
{
	struct world *w = *state;
	struct post *post;

	settle_town(w, 3);
	first_phone(w)->ack_lost = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 3);
	assert_int_equal(world_with_copies(w, post, 1), 3);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 1);
	first_phone(w)->ack_lost = false;
	world_run(w, 30);
	assert_int_equal(phone_got(first_phone(w), " a:"), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 3);
}

/* What was refused now may still have got through before. */
static void what_may_have_got_through_stays_unknown_when_it_is_refused_later(void **state)
{
	struct world *w = *state;
	struct phone *phone;
	struct post *post;

	settle_town(w, 1);
	phone = first_phone(w);
	phone->ack_lost = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 600 });
	world_run(w, 3);
	phone->attached = false;
	world_run(w, 300);
	assert_int_equal(world_sms_evidence(w, post, phone).write_answer, PEER_ANSWER_REFUSED);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 1);
	world_run(w, 400);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 1);
}

static void who_did_not_acknowledge_is_left_alone_where_the_operator_wants_it(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 3);
	struct post *post;

	w->sms.leave_unknown = true;
	first_phone(w)->memory_full = true;
	world_next_phone(first_phone(w))->ack_lost = true;
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 30);
	first_phone(w)->memory_full = false;
	world_run(w, 2000);
	assert_int_equal(smsc->submits, 3);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 1);
}

static void a_phone_that_never_comes_is_shown_refused_in_the_end(void **state)
{
	struct world *w = *state;
	struct post *post;

	settle_town(w, 3);
	first_phone(w)->attached = false;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 600 });
	world_run(w, 700);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_REFUSED), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 2);
}

/* Several parts */

static void each_part_of_a_long_text_has_its_own_deadline(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 2);
	struct post *post;

	smsc->caps.deadline_s = 5;
	smsc->phone_ms = 3000;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .pages = 5 });
	world_run(w, 8);
	assert_int_equal(world_with_copies(w, post, 1), 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_SENT), 2);
	world_run(w, 3);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 2);
	assert_int_equal(smsc->submits, 2);
}

static void a_text_is_delivered_only_with_all_its_parts(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 1);
	struct phone *phone = first_phone(w);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .pages = 5 });
	world_run(w, 0.8);
	phone->memory_full = true;
	world_run(w, 2);
	assert_int_equal(llist_first_entry(&phone->texts, struct phone_text, entry)->copies[0], 1);
	assert_int_equal(world_with_copies(w, post, 1), 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_UNKNOWN), 1);
	phone->memory_full = false;
	world_run(w, 30);
	assert_int_equal(world_with_copies(w, post, 1), 1);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 1);
	assert_int_equal(smsc->submits, 2);
}

static void characters_beyond_gsm_go_as_ucs2(void **state)
{
	struct world *w = *state;
	struct post *post;

	settle_town(w, 2);
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .pages = 2, .words = "\u0412\u043e\u0434\u0430" });
	world_run(w, 5);
	assert_int_equal(world_with_copies(w, post, 1), 2);
	assert_int_equal(phone_got(first_phone(w), "\u0412\u043e\u0434\u0430"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(everybody_in_the_area_gets_it_once_and_nobody_else),
		T(whose_cell_is_unknown_gets_it_in_the_location_area),
		T(more_recipients_than_fit_into_one_commit_are_all_found),
		T(two_alerts_at_once_both_reach_a_phone_that_takes_one_at_a_time),
		T(the_window_is_used_and_kept),
		T(the_more_severe_alert_goes_first),
		T(the_pace_of_a_centre_is_kept),
		T(a_centre_that_is_busy_is_tried_ever_more_slowly_and_gets_it_later),
		T(a_full_send_queue_is_waited_for),
		T(a_full_send_queue_does_not_hold_up_a_better_centre),
		T(another_centre_takes_over_and_gives_back),
		T(a_new_centre_is_used_only_while_the_better_one_is_down),
		T(the_fall_of_one_centre_leaves_alone_what_another_one_has),
		T(a_centre_that_is_no_longer_configured_is_waited_for),
		T(after_a_lost_link_nobody_is_missing_and_at_most_a_window_has_two),
		T(what_was_lost_on_its_way_is_sent_again),
		T(where_the_operator_wants_no_second_copy_each_gap_is_listed),
		T(a_centre_that_never_answers_leaves_a_window_unknown_and_then_one_at_a_time),
		T(silent_phones_hold_nobody_else_up),
		T(silent_phones_of_a_severe_alert_do_not_hold_up_a_lesser_one),
		T(a_centre_that_does_not_answer_is_left_for_another_one),
		T(who_loses_its_acknowledgement_gets_copies_ever_more_rarely),
		T(without_an_answer_it_is_sent_again_until_one_comes),
		T(an_answer_after_the_deadline_is_counted_and_dropped),
		T(a_clock_set_back_delays_no_second_try),
		T(a_clock_set_forward_sends_nothing_that_has_expired),
		T(nothing_new_is_sent_after_the_expiry),
		T(what_could_not_be_sent_before_its_expiry_is_shown_stopped),
		T(without_any_centre_an_alert_is_broadcast_all_the_same_and_ends),
		T(a_cancel_stops_what_is_not_submitted),
		T(those_who_were_reached_hear_that_it_is_over_and_nobody_else),
		T(what_a_cancel_says_itself_goes_before_the_configured_text),
		T(without_a_configured_text_a_cancel_sends_nothing),
		T(one_cancel_of_two_alerts_is_told_once),
		T(whoever_was_only_about_to_get_it_hears_nothing),
		T(whoever_may_have_it_hears_that_it_is_over),
		T(a_phone_that_comes_later_gets_it_by_and_by),
		T(a_phone_that_comes_later_gets_it_at_once_where_the_centre_tells),
		T(a_phone_that_cannot_take_it_is_tried_until_it_can),
		T(whose_acknowledgement_is_lost_gets_two),
		T(what_may_have_got_through_stays_unknown_when_it_is_refused_later),
		T(who_did_not_acknowledge_is_left_alone_where_the_operator_wants_it),
		T(a_phone_that_never_comes_is_shown_refused_in_the_end),
		T(each_part_of_a_long_text_has_its_own_deadline),
		T(a_text_is_delivered_only_with_all_its_parts),
		T(characters_beyond_gsm_go_as_ucs2),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
