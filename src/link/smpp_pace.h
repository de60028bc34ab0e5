/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! How fast submits may leave: a token bucket, and what a centre that is too busy makes of it.
 *
 * RTHROTTLED and RMSGQFUL halve the rate and stop everything for 1, 2, 4 ... 60 s; answers that are
 * better make it faster again. All times are monotonic milliseconds. */

#include <stdbool.h>
#include <stdint.h>

struct smpp_pace {
	unsigned int rate;	/*!< configured, submits per second; 0 = not limited */
	unsigned int limit;	/*!< in force now; 0 = none */
	int64_t credit;		/*!< thousandths of a submit */
	int64_t at_ms;		/*!< when credit was right */
	int64_t resume_ms;	/*!< nothing leaves before */
	unsigned int pause_s;	/*!< the last pause; 0 = none since the last success */
	unsigned int round;	/*!< number of the pause; what left before it does not count */
	int64_t second_ms;	/*!< start of the second that taken counts */
	unsigned int taken, taken_before;	/*!< answers in that second and the one before */
	int64_t faster_ms;	/*!< when the limit was raised or lowered last */
};

void smpp_pace_init(struct smpp_pace *pace, unsigned int rate, int64_t now_ms);
/*! Submits that may leave now; UINT_MAX: any number. */
unsigned int smpp_pace_room(struct smpp_pace *pace, int64_t now_ms);
/*! One leaves. \returns the round that its answer belongs to. */
unsigned int smpp_pace_take(struct smpp_pace *pace, int64_t now_ms);
/*! The centre took one, or refused it for a reason of its own. */
void smpp_pace_success(struct smpp_pace *pace, unsigned int round, int64_t now_ms);
/*! The centre is too busy for one. */
void smpp_pace_throttled(struct smpp_pace *pace, unsigned int round, int64_t now_ms);
/*! Milliseconds until there may be room; 0 = there is. */
int64_t smpp_pace_wait_ms(struct smpp_pace *pace, int64_t now_ms);
