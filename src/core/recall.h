/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The text that follows a Cancel to those whom its alert has reached by short message. */

#include "core.h"
#include "short.h"

/*! Recipients of one text, sorted. */
struct recall_part {
	struct message message;
	struct target *wanted;
	struct recipient_detail *details;
	size_t n;
};

struct recall {
	struct recall_part parts[SHORT_MAX_MESSAGES];
	size_t n;
	int64_t expires_utc;
};

/*! Make it: the Cancel's own text in the language that each was written in, else the configured one,
 *  to everybody who has the alert's text or may have it.
 *  \param[in] alerts  that the Cancel ends.
 *  \returns 0 (recall->n may be 0: nothing is configured, or nobody was reached) or -ENOMEM. */
int recall_make(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
		struct live_alert *const *alerts, size_t n_alerts, int64_t now, struct recall *recall);
