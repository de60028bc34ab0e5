/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The daemon is stopped or killed while texts are on their way, or cannot store what it is about to
 * do: nobody is missing and at most a window has two, or nobody has two and each gap is listed. */
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

#define N_PHONES 8
#define WINDOW 3

static struct phone *first_phone(struct world *w)
{
	return llist_first_entry(&w->phones, struct phone, entry);
}

static struct fake_smsc *settle_town(struct world *w, unsigned int n_phones)
{
	struct fake_bsc *bsc = world_add_bsc(w, 2);
	struct fake_smsc *smsc = world_add_smsc(w);

	world_add_phones(w, bsc, 0, n_phones);
	world_use_sms(w, SMS_ALWAYS, 0);
	smsc->caps.window = WINDOW;
	return smsc;
}

/* Until the client has an answer it asks again with the same bytes. */
static struct post *insist(struct world *w, struct post *post)
{
	int i;

	for (i = 0; i < 100 && post_status(post) != 202; i++) {
		world_run_ms(w, 50);
		if (post->lost)
			post = world_repeat(w, post);
	}
	assert_int_equal(post_status(post), 202);
	return post;
}

/* Two alerts, one of which is cancelled, somebody who comes into the area and one whose phone is
 * switched on late. */
struct story {
	struct world *w;
	struct fake_smsc *smsc;
	struct phone *enters, *late;
	struct post *stays, *cancelled;
};

static void tell(struct story *s, unsigned int kill_at, bool leave, enum smsc_mode mode)
{
	struct world *w = s->w;

	s->smsc = settle_town(w, N_PHONES);
	s->smsc->mode = mode;
	s->late = first_phone(w);
	s->late->attached = false;
	s->enters = world_add_phone(w, NULL, 0);
	w->sms.leave_unknown = leave;
	w->sms.cancel_text = (char *)"All clear.";
	w->sms.rule[MESSAGE_CLASS_SEVERE].entering = true;
	w->kill_at = kill_at;
	world_start(w);
	s->stays = insist(w, world_post(w, &(struct alert_spec){ .identifier = "stays", .life_s = 20000 }));
	world_run_ms(w, 600);
	s->cancelled = insist(w, world_post(w, &(struct alert_spec){
		.identifier = "cancelled", .class = MESSAGE_CLASS_NATIONAL, .life_s = 20000 }));
	world_run_ms(w, 700);
	insist(w, world_cancel(w, s->cancelled, "cancel", NULL, NULL));
	s->enters->at = w->bscs[0]->cells[1];
	world_put_recipients(w);
	world_run(w, 10);
	world_attach_phone(s->late, true);
	world_run(w, 60);
}

struct sums {
	unsigned int missing, second, told_over, not_told;
};

static void add_up(struct story *s, struct sums *sums)
{
	static const char *const texts[] = { " stays:", " cancelled:", "All clear." };
	const struct phone *phone = first_phone(s->w);
	size_t i;

	for (; phone; phone = world_next_phone(phone)) {
		for (i = 0; i < ARRAY_SIZE(texts); i++) {
			if (phone_got(phone, texts[i]) > 1)
				sums->second += phone_got(phone, texts[i]) - 1;
		}
		sums->missing += !phone_got(phone, " stays:");
		sums->told_over += phone_got(phone, "All clear.") && !phone_got(phone, " cancelled:");
		sums->not_told += !phone_got(phone, "All clear.") && phone_got(phone, " cancelled:");
	}
}

static void judge(struct story *s, bool leave, enum smsc_mode mode)
{
	struct sums sums = { 0 };
	size_t counts[_NUM_OUTCOME];

	world_run(s->w, 700);
	checker_converged(s->w->checker);
	world_run_ms(s->w, 0);
	add_up(s, &sums);
	world_sms_outcomes(s->w, s->stays, counts);
	assert_true(world_ended(s->w, s->cancelled) || world_sms_count(s->w, s->cancelled, OUTCOME_TAKEN));
	if (leave) {
		assert_int_equal(sums.second, 0);
		assert_in_range(counts[OUTCOME_UNKNOWN], sums.missing, WINDOW);
	} else {
		assert_int_equal(sums.missing, 0);
		assert_int_equal(sums.not_told, 0);
		assert_true(sums.second <= WINDOW);
		assert_int_equal(counts[OUTCOME_UNKNOWN], 0);
	}
	/* Who may have the one gets the other; nobody else does. */
	assert_true(sums.told_over <= WINDOW);
	assert_int_equal(counts[OUTCOME_QUEUED] + counts[OUTCOME_REFUSED] + counts[OUTCOME_SENT], 0);
	if (mode == SMSC_TRANSACTION)
		assert_int_equal(counts[OUTCOME_DELIVERED] + counts[OUTCOME_UNKNOWN], N_PHONES + 1);
}

static void killed_at_any_point(void **state, bool leave, enum smsc_mode mode)
{
	unsigned int k, points = UINT32_MAX;
	char name[64];
	struct story s;

	for (k = 1; k <= points; k++) {
		snprintf(name, sizeof(name), "killed at point %u", k);
		s.w = *state;
		s.w->name = name;
		tell(&s, k, leave, mode);
		if (s.w->kill_at)	/* the story was over before */
			points = k;
		judge(&s, leave, mode);
		world_close(s.w);
		*state = world_open();
	}
	assert_true(points > 60);
}

static void killed_at_any_point_nobody_is_missing_and_at_most_a_window_has_two(void **state)
{
	killed_at_any_point(state, false, SMSC_TRANSACTION);
}

static void killed_at_any_point_nobody_has_two_and_each_gap_is_listed(void **state)
{
	killed_at_any_point(state, true, SMSC_TRANSACTION);
}

static void killed_at_any_point_with_a_centre_that_stores(void **state)
{
	killed_at_any_point(state, false, SMSC_STORE);
}

static void stopped_in_the_middle_it_goes_on_where_it_was(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 30);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 2.2);
	world_stop(w);
	world_run(w, 60);
	assert_true(smsc->submits > 6 && smsc->submits < 20);
	world_start_again(w);
	world_run(w, 30);
	assert_int_equal(world_with_copies(w, post, 0), 0);
	assert_true(world_with_copies(w, post, 2) <= WINDOW);
	assert_int_equal(world_with_copies(w, post, 1) + world_with_copies(w, post, 2), 30);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 30);
}

static void what_expired_while_the_daemon_was_down_is_not_sent(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 30);
	struct post *post;
	unsigned int n;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 60 });
	world_run(w, 2);
	world_stop(w);
	n = smsc->submits;
	world_run(w, 600);
	world_start_again(w);
	world_run(w, 60);
	assert_int_equal(smsc->submits, n);
	assert_true(world_ended(w, post));
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 30 - n);
}

/* A store that cannot keep what is about to be done */

static void while_marks_cannot_be_stored_nothing_is_sent(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 10);
	struct post *post;

	smsc->wire = false;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 5);
	world_fail_store(w, true);
	smsc_set_wire(smsc, true);
	world_run(w, 120);
	assert_int_equal(smsc->submits, 0);
	world_fail_store(w, false);
	world_run(w, 30);
	assert_int_equal(world_with_copies(w, post, 1), 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 10);
}

enum hurt { HURT_FAILS, HURT_HANGS };

static void set_hurt(struct world *w, enum hurt hurt, bool on)
{
	if (hurt == HURT_FAILS)
		world_fail_store(w, on);
	else
		w->store_stuck = on;
}

static void the_store_is_hurt_in_the_middle(void **state, enum hurt hurt)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 30);
	struct post *post;
	unsigned int n;

	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 2);
	set_hurt(w, hurt, true);
	n = smsc->submits;
	world_run(w, 60);
	assert_int_equal(smsc->submits, n);
	set_hurt(w, hurt, false);
	world_run(w, 30);
	assert_int_equal(world_with_copies(w, post, 1), 30);
	assert_int_equal(smsc->submits, 30);
	world_run(w, 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_DELIVERED), 30);
}

static void when_the_store_fails_in_the_middle_it_pauses_and_nobody_has_two(void **state)
{
	the_store_is_hurt_in_the_middle(state, HURT_FAILS);
}

static void when_the_store_hangs_in_the_middle_it_pauses_and_nobody_has_two(void **state)
{
	the_store_is_hurt_in_the_middle(state, HURT_HANGS);
}

static void a_slow_store_slows_it_down_and_nothing_else(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 30);
	struct post *post;

	world_start(w);
	world_run(w, 1);
	w->store_delay_ms = 1000;
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 1), 30);
	assert_int_equal(smsc->submits, 30);
	assert_true(smsc->most_out <= WINDOW);
}

/* Marked, and the link is lost before the mark is stored: nothing was handed over. */
static void what_was_only_marked_when_the_link_went_is_not_unknown(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct post *post;

	w->sms.leave_unknown = true;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	w->store_delay_ms = 700;
	world_run_ms(w, 1700);
	assert_int_equal(smsc->submits, 0);
	smsc_set_wire(smsc, false);
	w->store_delay_ms = 0;
	world_run(w, 10);
	assert_int_equal(world_sms_count(w, post, OUTCOME_QUEUED), 5);
	smsc_set_wire(smsc, true);
	world_run(w, 30);
	assert_int_equal(world_with_copies(w, post, 1), 5);
}

static void what_expires_while_its_mark_is_stored_is_not_sent(void **state)
{
	struct world *w = *state;
	struct fake_smsc *smsc = settle_town(w, 5);
	struct post *post;

	smsc->wire = false;
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a", .life_s = 30 });
	world_run(w, 28);
	w->store_delay_ms = 5000;
	smsc_set_wire(smsc, true);
	world_run(w, 60);
	w->store_delay_ms = 0;
	world_run(w, 60);
	assert_int_equal(smsc->submits, 0);
	assert_int_equal(world_sms_count(w, post, OUTCOME_STOPPED), 5);
	assert_true(world_ended(w, post));
}

static void a_cancel_that_cannot_be_stored_stops_nothing_for_good(void **state)
{
	struct world *w = *state;
	struct post *post, *cancel;

	settle_town(w, 30);
	world_start(w);
	world_run(w, 1);
	post = world_post(w, &(struct alert_spec){ .identifier = "a" });
	world_run(w, 1);
	world_fail_store(w, true);
	cancel = world_cancel(w, post, "c", NULL, NULL);
	world_run(w, 5);
	assert_true(post_status(cancel) >= 500);
	world_fail_store(w, false);
	world_run(w, 60);
	assert_int_equal(world_with_copies(w, post, 1), 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
		T(killed_at_any_point_nobody_is_missing_and_at_most_a_window_has_two),
		T(killed_at_any_point_nobody_has_two_and_each_gap_is_listed),
		T(killed_at_any_point_with_a_centre_that_stores),
		T(stopped_in_the_middle_it_goes_on_where_it_was),
		T(what_expired_while_the_daemon_was_down_is_not_sent),
		T(while_marks_cannot_be_stored_nothing_is_sent),
		T(when_the_store_fails_in_the_middle_it_pauses_and_nobody_has_two),
		T(when_the_store_hangs_in_the_middle_it_pauses_and_nobody_has_two),
		T(a_slow_store_slows_it_down_and_nothing_else),
		T(what_was_only_marked_when_the_link_went_is_not_unknown),
		T(what_expires_while_its_mark_is_stored_is_not_sent),
		T(a_cancel_that_cannot_be_stored_stops_nothing_for_good),
#undef T
	};

	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
