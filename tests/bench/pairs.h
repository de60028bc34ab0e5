/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Paired measurements: subject and baseline in alternation within one process, so that whatever
 *  disturbs the machine disturbs both. Only ratios are judged. */

#include <stdbool.h>
#include <stdint.h>

#define PAIRS_MAX 301

struct pairs {
	double ratio[PAIRS_MAX];
	double subject[PAIRS_MAX];	/*!< seconds */
	double baseline[PAIRS_MAX];
	unsigned int n;
	double stolen_before;		/*!< share of stolen time is judged between init and report */
};

/*! Monotonic seconds. */
double pairs_now(void);
void pairs_init(struct pairs *p);
void pairs_add(struct pairs *p, double subject_s, double baseline_s);

/*! A line of the table on stderr, and the goal's JSON line on stdout: the median ratio with its 10th
 *  and 90th percentile, and the ratio of the best times. The verdict is "unmeasurable", never "pass",
 *  when p90/p10 exceeds 1.6, the baseline's own spread exceeds 40 %, or more than 5 % of the time was
 *  stolen.
 *  \param[in] at_least  true: the ratio shall be at least the threshold; false: at most.
 *  \returns true unless the verdict is "fail". */
bool pairs_report(const struct pairs *p, const char *id, const char *what, double threshold,
		  bool at_least, uint64_t seed);
