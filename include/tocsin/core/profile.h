/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Profile: from what an alert says to the message identifier that a country's phones expect.
 *
 * A table of rules, evaluated top down; the first that matches decides. An alert that no rule
 * matches is not broadcast. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/cap/cap.h>
#include <tocsin/codec/cbs.h>
#include <tocsin/core/message.h>

#define PROFILE_ANY -1
#define PROFILE_MAX_LANGUAGES 8

struct profile_rule {
	unsigned int nr;	/*!< 1 to 999, the order */
	int status;		/*!< enum cap_status or PROFILE_ANY; likewise below */
	int severity;
	int urgency;
	int certainty;
	char *event;		/*!< equals the event without regard to case; NULL = any */
	uint16_t identifier;
	bool etws;		/*!< an ETWS primary notification goes before the text */
	enum cbs_etws_type etws_type;
};

struct profile {
	char *name;
	struct profile_rule *rules;	/*!< sorted by nr */
	size_t n_rules;
	char *languages[PROFILE_MAX_LANGUAGES + 1];	/*!< NULL-terminated */
};

/*! A profile without rules. */
struct profile *profile_alloc(void *ctx, const char *name);
/*! The shipped EU-Alert rules (ETSI TS 102 900): Test 4380, Exercise 4381, Actual by severity,
 *  urgency and certainty on 4371 to 4378. */
struct profile *profile_eu_alert(void *ctx);
/*! Add or replace the rule of that number. The rule's event is copied.
 *  \returns 0, -EINVAL (a drill on a live identifier or the reverse; ETWS outside its range), -ENOMEM. */
int profile_set_rule(struct profile *profile, const struct profile_rule *rule, struct problem *problem);
void profile_remove_rule(struct profile *profile, unsigned int nr);
/*! The rule that decides for this info block, NULL if none. */
const struct profile_rule *profile_match(const struct profile *profile, const struct cap_alert *alert,
					 const struct cap_info *info);
/*! Priority class that follows from rule and info. */
enum message_class profile_class(const struct profile_rule *rule, const struct cap_info *info);
/*! Does this status call for a drill identifier? */
bool cap_status_is_drill(enum cap_status status);
