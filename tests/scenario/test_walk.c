/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Seeded random walks over everything that can go wrong. The checker judges every step; in the end
 * all faults stop, and everything must be as it was asked for.
 *
 * A failure names its seed: "test_walk SEED" runs that walk alone; "test_walk FIRST LAST" runs
 * many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "checker.h"
#include "world.h"

#define N_SEEDS 40
#define N_STEPS 300
#define MAX_POSTS 24
#define MAX_LIFE_S 2400
/* Longest pause between two tries, plus their deadlines and a sweep. */
#define CONVERGE_S 700

struct walk {
	struct world *w;
	uint64_t random;
	struct post *alerts[MAX_POSTS];
	unsigned int n_alerts, n_cancels;
	unsigned int steps_back;
	struct fake_bsc *home;		/* of the phones */
	bool trace;
};

/* xorshift64* */
static uint32_t draw(struct walk *k, uint32_t below)
{
	k->random ^= k->random >> 12;
	k->random ^= k->random << 25;
	k->random ^= k->random >> 27;
	return (k->random * 2685821657736338717u >> 32) % below;
}

static struct fake_bsc *any_bsc(struct walk *k)
{
	return k->w->bscs[draw(k, k->w->n_bscs)];
}

static void pass_time(struct walk *k)
{
	static const int most_ms[] = { 20, 200, 2000, 12000, 40000 };

	world_run_ms(k->w, draw(k, most_ms[draw(k, ARRAY_SIZE(most_ms))]));
}

static void post_alert(struct walk *k)
{
	char name[24];
	struct alert_spec spec = {
		.identifier = name,
		.class = 1 + draw(k, 3),
		.life_s = 30 + draw(k, MAX_LIFE_S - 30),
		.pages = draw(k, 8) ? 1 + draw(k, 4) : 1 + draw(k, 12),
		.first_bsc = draw(k, k->w->n_bscs),
		.first_cell = draw(k, 3),
	};

	if (k->n_alerts == MAX_POSTS)
		return;
	snprintf(name, sizeof(name), "a%u", k->n_alerts);
	spec.n_cells = 1 + draw(k, 3);
	if (!draw(k, 12))
		spec.event = "ETWS";
	k->alerts[k->n_alerts++] = world_post(k->w, &spec);
}

static void repeat(struct walk *k)
{
	if (k->n_alerts)
		world_repeat(k->w, k->alerts[draw(k, k->n_alerts)]);
}

static void cancel(struct walk *k)
{
	char name[24];

	if (!k->n_alerts || k->n_cancels == MAX_POSTS)
		return;
	snprintf(name, sizeof(name), "c%u", k->n_cancels++);
	world_cancel(k->w, k->alerts[draw(k, k->n_alerts)], name, NULL, NULL);
}

/* Is there anybody else of that identity who was not told that nothing was kept? */
static bool asked_by_others(const struct world *w, const struct post *post)
{
	struct post *other;

	llist_for_each_entry(other, &w->posts, entry) {
		if (other != post && !strcmp(other->identifier, post->identifier) &&
		    other->problem != PROBLEM_STORE_UNAVAILABLE)
			return true;
	}
	return false;
}

static void give_up(struct walk *k)
{
	struct post *post, *waits = NULL;

	llist_for_each_entry(post, &k->w->posts, entry) {
		if (!post->answered && !post->staged && !post->lost && (!waits || draw(k, 2)))
			waits = post;
	}
	if (!waits || !k->w->gw)
		return;
	if (!world_give_up(k->w, waits) && !asked_by_others(k->w, waits))
		world_violate(k->w, "%s is not begun, nobody waits for it, and it goes on", waits->identifier);
}

/* Who was told that nothing was kept was told the truth. */
static void judge_given_up(struct walk *k)
{
	struct post *post;

	llist_for_each_entry(post, &k->w->posts, entry) {
		if (post->problem == PROBLEM_STORE_UNAVAILABLE && !asked_by_others(k->w, post) &&
		    world_kept(k->w, post))
			fail_msg("%s: %s was refused and is kept", k->w->name, post->identifier);
	}
}

static void flap(struct walk *k)
{
	struct fake_bsc *bsc = any_bsc(k);

	if (!bsc->wire)
		bsc_set_wire(bsc, true);
	else if (draw(k, 2))
		bsc_cut(bsc);
	else
		bsc_set_wire(bsc, false);
}

static void be_odd(struct walk *k)
{
	static const unsigned int delays[] = { 0, 5, 10, 10, 10, 700, 4000, 12000 };
	struct fake_bsc *bsc = any_bsc(k);

	switch (draw(k, 5)) {
	case 0:
		bsc->mute = !bsc->mute;
		break;
	case 1:
		bsc->deaf = !bsc->deaf;
		break;
	case 2:
		bsc->claims_loss = !bsc->claims_loss;
		break;
	case 3:
		bsc->work_ms = delays[draw(k, ARRAY_SIZE(delays))];
		break;
	default:
		bsc->answer_ms = delays[draw(k, ARRAY_SIZE(delays))];
	}
}

static void fill_queue(struct walk *k)
{
	struct fake_bsc *bsc = any_bsc(k);

	if (bsc->queue_full)
		bsc_ready(bsc);
	else
		bsc->queue_full = true;
}

static void restart_bsc(struct walk *k)
{
	struct fake_bsc *bsc = any_bsc(k);
	bool lost = draw(k, 2);

	bsc_cut(bsc);
	if (lost)
		bsc_lose_all(bsc);
	pass_time(k);
	bsc_set_wire(bsc, true);
	world_run_ms(k->w, 150);
	/* "Kept" is never said of what is lost; to say nothing is possible. */
	if (draw(k, 3) && bsc->up)
		bsc_report(bsc, lost || draw(k, 2) ? PEER_LOSS_DATA_LOST : PEER_LOSS_DATA_KEPT,
			   MESSAGE_TEXT, -1);
	if (lost && bsc->up)
		bsc_report(bsc, PEER_LOSS_DATA_LOST, MESSAGE_EMERGENCY, -1);
}

static void restart_cell(struct walk *k)
{
	struct fake_bsc *bsc = any_bsc(k);
	size_t cell = draw(k, bsc->n_cells);
	bool lost;

	if (!bsc->up)
		return;
	if (!bsc->failed_ms[cell]) {
		bsc_fail_cell(bsc, cell, true);
		bsc_report(bsc, PEER_LOSS_FAILED, draw(k, 3), cell);
		return;
	}
	bsc_fail_cell(bsc, cell, false);
	lost = draw(k, 2);
	if (lost)
		bsc_lose_cell(bsc, cell);
	bsc_report(bsc, lost ? PEER_LOSS_DATA_LOST : PEER_LOSS_DATA_KEPT, 0, cell);
}

static void refuse_cell(struct walk *k)
{
	struct fake_bsc *bsc = any_bsc(k);
	size_t cell = draw(k, bsc->n_cells);

	bsc->write_answer[cell] = bsc->write_answer[cell] ? 0 :
				  draw(k, 2) ? PEER_ANSWER_REFUSED : PEER_ANSWER_IMPOSSIBLE;
}

/* Short messages */

static struct fake_smsc *any_smsc(struct walk *k)
{
	return k->w->smscs[draw(k, k->w->n_smscs)];
}

static struct phone *any_phone(struct walk *k)
{
	struct phone *phone = llist_first_entry(&k->w->phones, struct phone, entry);
	unsigned int nr = draw(k, k->w->n_phones);

	while (nr--)
		phone = world_next_phone(phone);
	return phone;
}

static void flap_smsc(struct walk *k)
{
	struct fake_smsc *smsc = any_smsc(k);

	if (!smsc->wire)
		smsc_set_wire(smsc, true);
	else if (draw(k, 2))
		smsc_cut(smsc);
	else
		smsc_set_wire(smsc, false);
}

static void be_odd_smsc(struct walk *k)
{
	static const unsigned int delays[] = { 0, 5, 10, 10, 10, 700, 4000, 50000 };
	struct fake_smsc *smsc = any_smsc(k);

	switch (draw(k, 9)) {
	case 0:
		smsc->mute = !smsc->mute;
		break;
	case 1:
		smsc->deaf = !smsc->deaf;
		break;
	case 2:
		smsc->throttled = !smsc->throttled;
		break;
	case 3:
		smsc->pace_ms = smsc->pace_ms ? 0 : 100 + draw(k, 2000);
		break;
	case 4:
		smsc->to_ms = delays[draw(k, ARRAY_SIZE(delays))];
		break;
	case 5:
		smsc->phone_ms = delays[draw(k, ARRAY_SIZE(delays))];
		break;
	case 6:
		smsc->answer_ms = delays[draw(k, ARRAY_SIZE(delays))];
		break;
	case 7:
		smsc->receipt_ms = delays[draw(k, ARRAY_SIZE(delays))];
		break;
	default:
		smsc->lose_receipts = draw(k, 2);
		smsc->double_receipts = draw(k, 2);
		smsc->hint_receipts = !draw(k, 4);
	}
}

static void be_odd_phone(struct walk *k)
{
	struct phone *phone = any_phone(k);

	switch (draw(k, 5)) {
	case 0:
		phone->memory_full = !phone->memory_full;
		break;
	case 3:
		phone->ack_lost = !phone->ack_lost;
		break;
	case 1:
		phone->silent = !phone->silent;
		break;
	case 2:
		phone->barred = !phone->barred;
		break;
	default:
		world_attach_phone(phone, !phone->attached);
	}
}

static void move_phone(struct walk *k)
{
	struct phone *phone = any_phone(k);

	phone->in_msc = draw(k, 2);
	if (draw(k, 4))
		phone->at = k->home->cells[draw(k, k->home->n_cells)];
	else
		phone->at = (struct target){ 0 };
	world_put_recipients(k->w);
}

static void people(struct walk *k)
{
	struct world *w = k->w;
	unsigned int i;

	k->home = w->bscs[1];
	for (i = 0; i < 8; i++)
		world_add_phone(w, k->home, draw(k, 5))->drill = draw(k, 2);
	for (i = 0; i < 2; i++) {
		struct fake_smsc *smsc = world_add_smsc(w);

		smsc->caps.window = 1 + draw(k, 4);
		smsc->caps.deadline_s = 10 + draw(k, 50);
		smsc->mode = draw(k, 2) ? SMSC_TRANSACTION : SMSC_STORE;
		smsc->says_available = draw(k, 2);
		smsc->sure = draw(k, 2);
	}
	for (i = MESSAGE_CLASS_NATIONAL; i <= MESSAGE_CLASS_OTHER; i++) {
		w->sms.rule[i].when = draw(k, 3);
		w->sms.rule[i].after_s = 10 + draw(k, 200);
		w->sms.rule[i].entering = draw(k, 2);
	}
	w->sms.leave_unknown = !draw(k, 3);
	w->lists_late_ms = draw(k, 2) ? draw(k, 20000) : 0;
	if (draw(k, 2))
		w->sms.cancel_text = (char *)"All clear.";
}

static void die(struct walk *k)
{
	switch (draw(k, 3)) {
	case 0:
		world_crash(k->w);
		break;
	case 1:
		k->w->kill_at = k->w->points + 1 + draw(k, 12);
		break;
	default:
		if (k->w->store_failing)
			world_fail_store(k->w, false);
		k->w->store_stuck = false;
		world_stop(k->w);
		pass_time(k);
		world_start_again(k->w);
	}
}

static void hurt_store(struct walk *k)
{
	struct world *w = k->w;

	switch (draw(k, 3)) {
	case 0:
		world_fail_store(w, !w->store_failing);
		break;
	case 1:
		w->store_stuck = !w->store_stuck;
		break;
	default:
		w->store_delay_ms = w->store_delay_ms ? 0 : 1 + draw(k, 6000);
	}
}

static void set_clock(struct walk *k)
{
	bool back = draw(k, 2);

	if (k->steps_back >= 3)
		return;
	k->steps_back += back;
	world_step_clock(k->w, back ? -3600 : (int64_t)draw(k, 600));
}

static void step(struct walk *k)
{
	static const struct {
		unsigned int weight;
		void (*act)(struct walk *k);
		const char *name;
	} acts[] = {
		{ 40, pass_time, "time" }, { 8, post_alert, "post" }, { 3, repeat, "repeat" },
		{ 4, cancel, "cancel" }, { 6, flap, "flap" }, { 5, be_odd, "be odd" },
		{ 3, fill_queue, "queue" }, { 3, restart_bsc, "restart bsc" },
		{ 4, restart_cell, "restart cell" }, { 2, refuse_cell, "refuse cell" }, { 4, die, "die" },
		{ 3, hurt_store, "store" }, { 1, set_clock, "clock" }, { 2, give_up, "give up" },
		{ 3, flap_smsc, "flap smsc" }, { 4, be_odd_smsc, "be odd smsc" },
		{ 3, be_odd_phone, "be odd phone" }, { 2, move_phone, "move phone" },
	};
	unsigned int sum = 0, at, i;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		sum += acts[i].weight;
	at = draw(k, sum);
	for (i = 0; at >= acts[i].weight; i++)
		at -= acts[i].weight;
	if (k->trace)
		print_message("%lld.%03lld %s\n", (long long)(k->w->mono_ms / 1000),
			      (long long)(k->w->mono_ms % 1000), acts[i].name);
	acts[i].act(k);
}

static void heal_sms(struct world *w)
{
	struct phone *phone;
	unsigned int i;

	for (i = 0; i < w->n_smscs; i++) {
		struct fake_smsc *smsc = w->smscs[i];

		smsc->deaf = smsc->mute = smsc->throttled = false;
		smsc->says_available = true;
		smsc->pace_ms = 0;
		smsc->to_ms = smsc->phone_ms = smsc->answer_ms = smsc->receipt_ms = 10;
		smsc_set_wire(smsc, true);
	}
	llist_for_each_entry(phone, &w->phones, entry) {
		phone->memory_full = phone->silent = phone->barred = phone->ack_lost = false;
		world_attach_phone(phone, true);
	}
}

static void heal(struct world *w)
{
	unsigned int b;
	size_t i;

	heal_sms(w);

	if (w->store_failing)
		world_fail_store(w, false);
	w->store_stuck = false;
	w->store_delay_ms = 0;
	w->kill_at = 0;
	for (b = 0; b < w->n_bscs; b++) {
		struct fake_bsc *bsc = w->bscs[b];

		bsc->deaf = bsc->mute = false;
		bsc->work_ms = bsc->answer_ms = 10;
		for (i = 0; i < bsc->n_cells; i++) {
			if (bsc->failed_ms[i]) {
				bsc_fail_cell(bsc, i, false);
				bsc_report(bsc, PEER_LOSS_DATA_KEPT, 0, i);
			}
			if (bsc->write_answer[i] == PEER_ANSWER_REFUSED)
				bsc->write_answer[i] = 0;
		}
		bsc_set_wire(bsc, true);
		bsc_ready(bsc);
	}
}

static void judge_end(struct walk *k)
{
	struct world *w = k->w;
	unsigned int b;

	heal(w);
	w->rows_every_ms = 20000;
	world_run(w, 100);
	/* Who has a text perhaps is tried again soon only when the phone is in contact. */
	heal_sms(w);
	world_run(w, CONVERGE_S - 100);
	checker_converged(w->checker);
	world_run_ms(w, 0);
	judge_given_up(k);
	world_run(w, MAX_LIFE_S + 3 * 3600);
	checker_converged(w->checker);
	world_run_ms(w, 0);
	for (b = 0; b < w->n_bscs; b++)
		assert_true(bsc_silent(w->bscs[b]));
}

static void walk(struct world *w, unsigned int seed, bool trace)
{
	struct walk k = { .w = w, .random = seed * 2654435761u + 1, .trace = trace };
	char name[32];
	unsigned int i;

	snprintf(name, sizeof(name), "seed %u", seed);
	w->name = name;
	for (i = 0; i < 2; i++) {
		struct fake_bsc *bsc = world_add_bsc(w, 5);

		bsc->caps.period = 8;
		bsc->caps.max_targets = 2 + draw(&k, 3);
		bsc->claims_loss = draw(&k, 2);
	}
	people(&k);
	world_start(w);
	world_run(w, 1);
	for (i = 0; i < N_STEPS; i++)
		step(&k);
	judge_end(&k);
}

struct seeds {
	unsigned int first, last;
	bool trace;
};

static void everything_comes_right_after_any_faults(void **state)
{
	const struct seeds *seeds = *state;
	struct world *w = NULL;
	unsigned int seed;

	for (seed = seeds->first; seed <= seeds->last; seed++) {
		w = world_open();
		*state = w;
		walk(w, seed, seeds->trace);
		world_close(w);
		*state = NULL;
	}
}

static int close_if_open(void **state)
{
	if (*state)
		world_close(*state);
	return 0;
}

int main(int argc, char **argv)
{
	struct seeds seeds = { .first = 1, .last = N_SEEDS };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(everything_comes_right_after_any_faults, NULL,
							 close_if_open, &seeds),
	};

	if (argc > 1) {
		seeds.first = atoi(argv[1]);
		seeds.last = argc > 2 ? (unsigned int)atoi(argv[2]) : seeds.first;
		seeds.trace = argc == 2;
	}
	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
