/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* When an alert goes out by short message at all, to whom, and in which words. */
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

/* Two BSCs of two cells, a phone in each cell, one message centre. */
static struct fake_smsc *settle_land(struct world *w, struct phone *phones[4])
{
	struct fake_bsc *bsc;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		bsc = i % 2 ? w->bscs[i / 2] : world_add_bsc(w, 2);
		phones[i] = world_add_phone(w, bsc, i % 2);
	}
	return world_add_smsc(w);
}

static struct post *post_alert(struct world *w, const char *identifier)
{
	return world_post(w, &(struct alert_spec){ .identifier = identifier, .life_s = 20000 });
}

static unsigned int got(struct phone *const phones[4])
{
	unsigned int i, bits = 0;

	for (i = 0; i < 4; i++)
		bits |= phone_got(phones[i], " a:") << 4 * i;
	return bits;
}

static void without_a_rule_nobody_is_texted(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);
	struct message *messages;
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 600);
	assert_int_equal(smsc->submits, 0);
	assert_int_equal(world_messages(w, post, &messages), 1);
}

static void the_class_of_the_alert_decides(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);

	w->sms.rule[MESSAGE_CLASS_NATIONAL].when = SMS_ALWAYS;
	world_start(w);
	world_run(w, 1);
	post_alert(w, "b");
	world_run(w, 60);
	assert_int_equal(smsc->submits, 0);
	world_post(w, &(struct alert_spec){ .identifier = "a", .class = MESSAGE_CLASS_NATIONAL });
	world_run(w, 5);
	assert_int_equal(got(phones), 0x1111);
	assert_int_equal(smsc->submits, 4);
}

/* Only where broadcast does not reach */

static void where_it_is_broadcast_nobody_is_texted(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);
	struct post *post;

	world_use_sms(w, SMS_UNCONFIRMED, 60);
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 5000);
	assert_int_equal(smsc->submits, 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 4);
	assert_int_equal(world_sms_evidence(w, post, phones[0]).wait, WAIT_BROADCAST);
	world_run(w, 20000);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 4);
}

static void only_those_in_unconfirmed_cells_are_texted(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct post *post;

	settle_land(w, phones);
	w->bscs[0]->write_answer[0] = PEER_ANSWER_REFUSED;
	world_use_sms(w, SMS_UNCONFIRMED, 90);
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 85);
	assert_int_equal(got(phones), 0);
	world_run(w, 40);
	assert_int_equal(got(phones), 0x0001);
	world_run(w, 3600);
	assert_int_equal(got(phones), 0x0001);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 1);
}

static void a_bsc_that_is_down_has_its_subscribers_texted(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	world_use_sms(w, SMS_UNCONFIRMED, 120);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 600);
	assert_int_equal(got(phones), 0);
	bsc_set_wire(w->bscs[1], false);
	world_run(w, 110);
	assert_int_equal(got(phones), 0);
	world_run(w, 50);
	assert_int_equal(got(phones), 0x1100);
}

static void a_bsc_that_never_was_there_has_its_subscribers_texted(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	w->bscs[1]->wire = false;
	world_use_sms(w, SMS_UNCONFIRMED, 120);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 118);
	assert_int_equal(got(phones), 0);
	world_run(w, 10);
	assert_int_equal(got(phones), 0x1100);
}

static void a_confirmation_that_comes_in_time_holds_the_texts_back(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	w->bscs[1]->wire = false;
	world_use_sms(w, SMS_UNCONFIRMED, 120);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 40);
	bsc_set_wire(w->bscs[1], true);
	world_run(w, 600);
	assert_int_equal(got(phones), 0);
}

static void a_confirmation_that_comes_late_stops_the_rest(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct fake_smsc *smsc = world_add_smsc(w);
	struct post *post;
	size_t n;

	world_add_phones(w, bsc, 0, 300);
	smsc->caps.window = 1;
	bsc->wire = false;
	world_use_sms(w, SMS_UNCONFIRMED, 60);
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 65);
	assert_in_range(world_with_copies(w, post, 1), 2, 15);
	bsc_set_wire(bsc, true);
	/* Its count rises for the first time after one period of 30 s. */
	world_run(w, 60);
	n = world_with_copies(w, post, 1);
	assert_true(n < 150);
	world_run(w, 600);
	assert_int_equal(world_with_copies(w, post, 1), n);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), n);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 300 - n);
}

/* \returns after how many seconds all four cells are known to broadcast. */
static unsigned int confirmed_after_s(struct world *w)
{
	struct phone *phones[4];
	size_t counts[_NUM_OUTCOME];
	struct post *post;
	unsigned int s = 0;

	settle_land(w, phones);
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	do {
		world_run(w, 1);
		world_outcomes(w, post, NULL, counts);
		s++;
	} while (counts[OUTCOME_BROADCASTING] < 4);
	return s;
}

static void a_confirmation_that_comes_while_marks_are_stored_is_heeded(void **state)
{
	unsigned int s = confirmed_after_s(*state);
	struct fake_smsc *smsc;
	struct phone *phones[4];
	struct world *w;

	world_close(*state);
	*state = w = world_open();
	smsc = settle_land(w, phones);
	world_use_sms(w, SMS_UNCONFIRMED, s - 3);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, s - 4);
	w->store_delay_ms = 5000;
	world_run(w, 60);
	w->store_delay_ms = 0;
	world_run(w, 600);
	assert_int_equal(smsc->submits, 0);
}

static void where_a_peer_cannot_be_asked_its_word_is_taken(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);
	struct post *post;

	w->bscs[0]->caps.can_query = w->bscs[1]->caps.can_query = false;
	world_use_sms(w, SMS_UNCONFIRMED, 60);
	world_start(w);
	world_run(w, 1);
	post = post_alert(w, "a");
	world_run(w, 1000);
	assert_int_equal(smsc->submits, 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 4);
	assert_int_equal(w->bscs[0]->requests[PEER_QUERY], 0);
}

static void a_cell_that_takes_it_and_broadcasts_nothing_is_unconfirmed(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	world_use_sms(w, SMS_UNCONFIRMED, 60);
	world_start(w);
	world_run(w, 1);
	bsc_fail_cell(w->bscs[0], 1, true);
	post_alert(w, "a");
	world_run(w, 200);
	assert_int_equal(got(phones), 0x0010);
}

/* Nobody knows in which of the cells he is: one that is not reached may be his. */
static void whose_cell_is_unknown_is_texted_where_any_cell_of_his_area_is_unconfirmed(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	int i;

	settle_land(w, phones);
	for (i = 0; i < 4; i += 2) {
		phones[i]->at.type = TARGET_LAI;
		phones[i]->at.value &= ~0xffffull;
	}
	w->bscs[0]->write_answer[1] = PEER_ANSWER_REFUSED;
	world_use_sms(w, SMS_UNCONFIRMED, 90);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 600);
	assert_int_equal(got(phones), 0x0011);
}

static void after_a_restart_the_time_is_not_waited_for_again(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	w->bscs[1]->wire = false;
	world_use_sms(w, SMS_UNCONFIRMED, 120);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 60);
	world_stop(w);
	world_run(w, 60);
	world_start_again(w);
	world_run(w, 200);
	assert_int_equal(got(phones), 0x1100);
}

/* Who is a recipient */

static void move_in(struct phone *phone, const struct fake_bsc *bsc, size_t cell)
{
	phone->at = bsc->cells[cell];
	world_put_recipients(phone->w);
}

static void whoever_enters_is_texted_only_where_the_rule_says_so(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 4);
	struct phone *phone = world_add_phone(w, bsc, 3), *stays = world_add_phone(w, bsc, 0);
	const struct alert_spec severe = { .identifier = "a", .n_cells = 2, .life_s = 7200 };
	const struct alert_spec national = {
		.identifier = "b", .n_cells = 2, .class = MESSAGE_CLASS_NATIONAL, .life_s = 7200,
	};

	world_add_smsc(w);
	world_use_sms(w, SMS_ALWAYS, 0);
	w->sms.rule[MESSAGE_CLASS_NATIONAL].entering = true;
	world_start(w);
	world_run(w, 1);
	world_post(w, &severe);
	world_post(w, &national);
	world_run(w, 60);
	assert_int_equal(phone_got(stays, " a:"), 1);
	assert_int_equal(phone_got(stays, " b:"), 1);
	assert_int_equal(phone_got(phone, ":"), 0);
	move_in(phone, bsc, 1);
	world_run(w, 120);
	assert_int_equal(phone_got(phone, " a:"), 0);
	assert_int_equal(phone_got(phone, " b:"), 1);
	/* Out and in again, also across a restart: once is enough. */
	move_in(phone, bsc, 3);
	world_run(w, 120);
	move_in(phone, bsc, 0);
	world_run(w, 120);
	world_crash(w);
	world_run(w, 120);
	assert_int_equal(phone_got(phone, " b:"), 1);
	assert_int_equal(phone_got(stays, " b:"), 1);
	assert_int_equal(phone_got(phone, " a:"), 0);
}

static void whoever_enters_after_its_end_is_not_texted(void **state)
{
	struct world *w = *state;
	struct fake_bsc *bsc = world_add_bsc(w, 4);
	struct phone *phone = world_add_phone(w, bsc, 3);
	struct fake_smsc *smsc = world_add_smsc(w);
	struct post *post;

	world_use_sms(w, SMS_ALWAYS, 0);
	w->sms.rule[MESSAGE_CLASS_SEVERE].entering = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .n_cells = 2, .life_s = 60 });
	world_run(w, 100);
	assert_true(world_ended(w, post));
	move_in(phone, bsc, 0);
	world_run(w, 120);
	assert_int_equal(smsc->submits, 0);
}

static void whoever_stands_in_two_lists_is_texted_once(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);
	int i;

	for (i = 0; i < 4; i++)
		phones[i]->in_msc = true;
	phones[3]->in_file = false;
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 10);
	assert_int_equal(got(phones), 0x1111);
	assert_int_equal(smsc->submits, 4);
}

static void recipients_are_looked_for_when_the_lists_are_there(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);

	w->lists_late_ms = 20000;
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 10);
	assert_int_equal(smsc->submits, 0);
	assert_int_equal(world_on_air(w, llist_first_entry(&w->posts, struct post, entry), w->bscs[0]), 2);
	world_run(w, 60);
	assert_int_equal(got(phones), 0x1111);
	world_crash(w);
	world_run(w, 60);
	assert_int_equal(got(phones), 0x1111);
	assert_int_equal(smsc->submits, 4);
}

static void whoever_stands_only_in_a_list_that_comes_late_is_not_missed(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	phones[3]->in_file = false;
	phones[3]->in_msc = true;
	w->live_late_ms = 20000;
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 10);
	assert_int_equal(got(phones), 0x0111);
	world_run(w, 30);
	assert_int_equal(got(phones), 0x1111);
}

static void who_was_looked_for_before_a_crash_is_still_meant_after_it(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);

	smsc->wire = false;
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 10);
	/* They leave: they were there when it was said. */
	phones[0]->at.value += 77;
	world_put_recipients(w);
	world_crash(w);
	smsc_set_wire(smsc, true);
	world_run(w, 60);
	assert_int_equal(got(phones), 0x1111);
}

/* Words */

static void a_text_takes_the_place_of_none_but_itself(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct post *first;

	settle_land(w, phones);
	w->sms.cancel_text = (char *)"All clear.";
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	first = post_alert(w, "a");
	post_alert(w, "b");
	world_run(w, 10);
	post_alert(w, "c");
	world_run(w, 10);
	world_crash(w);
	world_cancel(w, first, "over", NULL, NULL);
	world_run(w, 10);
	assert_true(phone_shows(phones[0], "All clear."));
	assert_true(phone_shows(phones[0], " b:"));
	assert_true(phone_shows(phones[0], " c:"));
}

/* There are seven types of texts that replace; with more alerts than that none replaces another. */
static void however_many_alerts_hold_each_can_be_read(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	char name[16];
	int i;

	settle_land(w, phones);
	w->bscs[0]->caps.period = w->bscs[1]->caps.period = 64;
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	for (i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		post_alert(w, name);
	}
	world_run(w, 60);
	for (i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), " a%d:", i);
		assert_true(phone_shows(phones[0], name));
	}
}

/* A text that went twice because its answer was lost is there once. */
static void a_second_copy_takes_the_place_of_the_first(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];
	struct fake_smsc *smsc = settle_land(w, phones);
	const struct phone_text *text;

	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	post_alert(w, "a");
	world_run(w, 0.2);
	smsc_set_wire(smsc, false);
	world_run(w, 5);
	smsc_set_wire(smsc, true);
	world_run(w, 30);
	assert_int_equal(phone_got(phones[0], " a:"), 2);
	text = llist_first_entry(&phones[0]->texts, struct phone_text, entry);
	assert_in_range(text->protocol_id, 0x41, 0x47);
}

static void a_drill_goes_to_those_who_take_part_and_says_what_it_is(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	phones[1]->drill = phones[2]->drill = true;
	w->sms.drill_prefix = (char *)"EXERCISE ONLY. ";
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	world_post(w, &(struct alert_spec){ .identifier = "a", .class = MESSAGE_CLASS_OTHER });
	world_run(w, 5);
	assert_int_equal(got(phones), 0x0110);
	assert_int_equal(phone_got(phones[1], "EXERCISE ONLY. "), 1);
	post_alert(w, "b");
	world_run(w, 5);
	assert_int_equal(phone_got(phones[0], " b:"), 1);
	assert_int_equal(phone_got(phones[1], " b:"), 1);
}

static void everybody_gets_it_in_a_language_of_his_own_or_the_first_configured(void **state)
{
	static const char *const languages[] = { "fr", "en", "de", NULL };
	static const struct {
		const char *language, *words;
	} cases[4] = {
		{ "fr", "fr a:" }, { "en", "Warning a:" }, { "pl", "de a:" }, { NULL, "de a:" },
	};
	struct world *w = *state;
	struct phone *phones[4];
	struct post *post;
	int i;

	settle_land(w, phones);
	for (i = 0; i < 4; i++)
		phones[i]->language = cases[i].language;
	w->languages[0] = "de";
	w->languages[1] = "en";
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .languages = languages });
	world_run(w, 5);
	assert_int_equal(post_status(post), 202);
	assert_int_equal(got(phones), 0x1111);
	for (i = 0; i < 4; i++)
		assert_int_equal(phone_got(phones[i], cases[i].words), 1);
}

static void a_clock_set_back_delays_nobody(void **state)
{
	struct world *w = *state;
	struct phone *phones[4];

	settle_land(w, phones);
	world_use_sms(w, SMS_UNCONFIRMED, 60);
	world_start(w);
	world_run(w, 1);
	world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 20000 });
	world_run(w, 300);
	world_step_clock(w, -3600);
	bsc_set_wire(w->bscs[1], false);
	world_run(w, 40);
	assert_int_equal(got(phones), 0);
	world_run(w, 40);
	assert_int_equal(got(phones), 0x1100);
}

/* Where people were long ago says nothing of now: the alert waits for a better list. */
static void a_list_that_is_too_old_is_not_the_last_word(void **state)
{
	struct world *w = *state;
	struct recipient_sources *sources;
	struct phone *phones[4];
	unsigned int i;

	settle_land(w, phones);
	for (i = 0; i < 4; i++) {
		phones[i]->in_file = false;
		phones[i]->in_msc = true;
	}
	world_use_sms(w, SMS_ALWAYS, 0);
	world_start(w);
	sources = gateway_recipients(w->gw);
	recipient_source_remove(recipient_source_by_name(sources, "msc"));
	assert_non_null(recipient_source_add(sources, "msc", "osmo-msc", true, 100));
	world_put_recipients(w);
	world_run(w, 200);
	post_alert(w, "a");
	world_run(w, 60);
	assert_int_equal(got(phones), 0);
	world_put_recipients(w);
	world_run(w, 60);
	assert_int_equal(got(phones), 0x1111);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(without_a_rule_nobody_is_texted),
		T(the_class_of_the_alert_decides),
		T(where_it_is_broadcast_nobody_is_texted),
		T(only_those_in_unconfirmed_cells_are_texted),
		T(a_bsc_that_is_down_has_its_subscribers_texted),
		T(a_bsc_that_never_was_there_has_its_subscribers_texted),
		T(a_confirmation_that_comes_in_time_holds_the_texts_back),
		T(a_confirmation_that_comes_late_stops_the_rest),
		T(a_confirmation_that_comes_while_marks_are_stored_is_heeded),
		T(where_a_peer_cannot_be_asked_its_word_is_taken),
		T(a_cell_that_takes_it_and_broadcasts_nothing_is_unconfirmed),
		T(whose_cell_is_unknown_is_texted_where_any_cell_of_his_area_is_unconfirmed),
		T(after_a_restart_the_time_is_not_waited_for_again),
		T(whoever_enters_is_texted_only_where_the_rule_says_so),
		T(whoever_enters_after_its_end_is_not_texted),
		T(whoever_stands_in_two_lists_is_texted_once),
		T(recipients_are_looked_for_when_the_lists_are_there),
		T(whoever_stands_only_in_a_list_that_comes_late_is_not_missed),
		T(who_was_looked_for_before_a_crash_is_still_meant_after_it),
		T(a_text_takes_the_place_of_none_but_itself),
		T(however_many_alerts_hold_each_can_be_read),
		T(a_second_copy_takes_the_place_of_the_first),
		T(a_drill_goes_to_those_who_take_part_and_says_what_it_is),
		T(everybody_gets_it_in_a_language_of_his_own_or_the_first_configured),
		T(a_clock_set_back_delays_nobody),
		T(a_list_that_is_too_old_is_not_the_last_word),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
