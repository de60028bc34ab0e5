/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "smpp_pace.h"

#include <limits.h>

#include <osmocom/core/utils.h>

/* The bucket holds a tenth of a second's submits, and is looked into no more often than this. */
#define STEP_MS 10
#define BUCKET_PER_S 10
#define ONE 1000		/* credit of one submit */
#define LONGEST_PAUSE_S 60
/* A limit from here on limits nothing: no centre takes that many over one conn. */
#define UNLIMITED_FROM 10000

void smpp_pace_init(struct smpp_pace *pace, unsigned int rate, int64_t now_ms)
{
	*pace = (struct smpp_pace){
		.rate = rate, .limit = rate, .credit = ONE, .at_ms = now_ms, .resume_ms = now_ms,
		.second_ms = now_ms, .faster_ms = now_ms,
	};
}

static void refill(struct smpp_pace *pace, int64_t now_ms)
{
	int64_t full = OSMO_MAX((int64_t)pace->limit * ONE / BUCKET_PER_S, (int64_t)ONE);
	/* More would only overflow. */
	int64_t passed_ms = OSMO_MIN(OSMO_MAX(now_ms - pace->at_ms, 0), ONE);

	pace->at_ms = now_ms;
	pace->credit = OSMO_MIN(pace->credit + passed_ms * pace->limit, full);
}

unsigned int smpp_pace_room(struct smpp_pace *pace, int64_t now_ms)
{
	if (now_ms < pace->resume_ms)
		return 0;
	if (!pace->limit)
		return UINT_MAX;
	refill(pace, now_ms);
	return pace->credit / ONE;
}

unsigned int smpp_pace_take(struct smpp_pace *pace, int64_t now_ms)
{
	if (pace->limit) {
		refill(pace, now_ms);
		pace->credit -= ONE;
	}
	return pace->round;
}

int64_t smpp_pace_wait_ms(struct smpp_pace *pace, int64_t now_ms)
{
	if (now_ms < pace->resume_ms)
		return pace->resume_ms - now_ms;
	if (smpp_pace_room(pace, now_ms))
		return 0;
	return OSMO_MAX((ONE - pace->credit + pace->limit - 1) / pace->limit, STEP_MS);
}

/* Where no rate is configured, what there is to halve is what the centre took of late. */
static void count_taken(struct smpp_pace *pace, int64_t now_ms)
{
	int64_t passed_ms = now_ms - pace->second_ms;

	if (passed_ms >= 1000) {
		pace->taken_before = passed_ms < 2000 ? pace->taken : 0;
		pace->taken = 0;
		pace->second_ms = now_ms;
	}
	pace->taken++;
}

static void go_faster(struct smpp_pace *pace, int64_t now_ms)
{
	unsigned int most = pace->rate ? pace->rate : UNLIMITED_FROM;

	if (pace->limit == pace->rate || now_ms - pace->faster_ms < 1000)
		return;
	pace->faster_ms = now_ms;
	pace->limit += OSMO_MAX(pace->limit / 8, 1u);
	if (pace->limit >= most)
		pace->limit = pace->rate;
}

void smpp_pace_success(struct smpp_pace *pace, unsigned int round, int64_t now_ms)
{
	count_taken(pace, now_ms);
	if (round != pace->round)
		return;
	pace->pause_s = 0;
	go_faster(pace, now_ms);
}

void smpp_pace_throttled(struct smpp_pace *pace, unsigned int round, int64_t now_ms)
{
	unsigned int was = pace->limit ? pace->limit : OSMO_MAX(pace->taken, pace->taken_before);

	/* One reason to slow down, however many of a window say it. */
	if (round != pace->round)
		return;
	pace->round++;
	pace->limit = OSMO_MAX(was / 2, 1u);
	pace->pause_s = OSMO_MIN(OSMO_MAX(pace->pause_s * 2, 1u), LONGEST_PAUSE_S);
	pace->resume_ms = now_ms + pace->pause_s * 1000;
	/* It begins with one, whatever the bucket holds. */
	pace->at_ms = pace->resume_ms;
	pace->credit = ONE;
	pace->faster_ms = pace->resume_ms;
}
