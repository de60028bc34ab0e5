/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Log lines that a peer can cause at will: one per window, with the number left out since. */

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/base/clock.h>

#define RATE_WINDOW_MS 10000

struct rate {
	int64_t next_ms;	/*!< monotonic; 0 = at once */
	unsigned int left_out;
};

/*! \param[out] left_out  lines not written before this one.
 *  \returns true if the line may be written. */
static inline bool rate_pass(struct rate *rate, unsigned int *left_out)
{
	int64_t now = clock_mono_ms();

	if (now < rate->next_ms) {
		rate->left_out++;
		return false;
	}
	*left_out = rate->left_out;
	rate->left_out = 0;
	rate->next_ms = now + RATE_WINDOW_MS;
	return true;
}
