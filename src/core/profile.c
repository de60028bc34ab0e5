/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/profile.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <talloc.h>

struct profile *profile_alloc(void *ctx, const char *name)
{
	struct profile *profile = talloc_zero(ctx, struct profile);

	if (!profile)
		return NULL;
	profile->name = talloc_strdup(profile, name);
	if (!profile->name)
		TALLOC_FREE(profile);
	return profile;
}

/* ETSI TS 102 900: tests and exercises on identifiers of their own; the eight combinations of
 * severity, urgency and certainty on 4371 to 4378 (the order of 3GPP TS 23.041, 9.4.1.2.2). */
static const struct profile_rule eu_alert_rules[] = {
#define ACTUAL(n, sev, urg, cert, id) \
	{ .nr = n, .status = CAP_STATUS_ACTUAL, .severity = CAP_SEVERITY_##sev, \
	  .urgency = CAP_URGENCY_##urg, .certainty = CAP_CERTAINTY_##cert, .identifier = id }
#define DRILL(n, st, id) \
	{ .nr = n, .status = CAP_STATUS_##st, .severity = PROFILE_ANY, .urgency = PROFILE_ANY, \
	  .certainty = PROFILE_ANY, .identifier = id }
	DRILL(100, TEST, 4380),
	DRILL(110, EXERCISE, 4381),
	ACTUAL(200, EXTREME, IMMEDIATE, OBSERVED, 4371),
	ACTUAL(210, EXTREME, IMMEDIATE, LIKELY, 4372),
	ACTUAL(220, EXTREME, EXPECTED, OBSERVED, 4373),
	ACTUAL(230, EXTREME, EXPECTED, LIKELY, 4374),
	ACTUAL(240, SEVERE, IMMEDIATE, OBSERVED, 4375),
	ACTUAL(250, SEVERE, IMMEDIATE, LIKELY, 4376),
	ACTUAL(260, SEVERE, EXPECTED, OBSERVED, 4377),
	ACTUAL(270, SEVERE, EXPECTED, LIKELY, 4378),
#undef ACTUAL
#undef DRILL
};

struct profile *profile_eu_alert(void *ctx)
{
	struct profile *profile = profile_alloc(ctx, "eu-alert");
	size_t i;

	if (!profile)
		return NULL;
	for (i = 0; i < sizeof(eu_alert_rules) / sizeof(eu_alert_rules[0]); i++) {
		if (profile_set_rule(profile, &eu_alert_rules[i], NULL) < 0) {
			talloc_free(profile);
			return NULL;
		}
	}
	return profile;
}

bool cap_status_is_drill(enum cap_status status)
{
	return status == CAP_STATUS_TEST || status == CAP_STATUS_EXERCISE;
}

static int check_rule(const struct profile_rule *rule, struct problem *problem)
{
	bool drill = cbs_identifier_is_drill(rule->identifier);

	if (rule->nr < 1 || rule->nr > 999)
		return problem_set(problem, PROBLEM_CONFIG, "rule", 0, "The number of a rule is 1 to 999.");
	if (rule->status == PROFILE_ANY)
		return problem_set(problem, PROBLEM_CONFIG, "rule", 0,
				   "A rule must name its status, so that no drill goes out live.");
	if (rule->status == CAP_STATUS_SYSTEM || rule->status == CAP_STATUS_DRAFT)
		return problem_set(problem, PROBLEM_CONFIG, "rule", 0,
				   "Alerts of status System and Draft are never broadcast.");
	if (drill != cap_status_is_drill(rule->status))
		return problem_set(problem, PROBLEM_CONTENT_DRILL, "rule", 0,
				   "Message identifier %u is %s and cannot carry status %s.", rule->identifier,
				   drill ? "for drills" : "live", cap_status_name(rule->status));
	if (rule->etws && !cbs_identifier_is_etws(rule->identifier))
		return problem_set(problem, PROBLEM_CONFIG, "rule", 0,
				   "Message identifier %u is not an ETWS identifier.", rule->identifier);
	/* Phones go by the warning type of a primary notification (23.041, 9.3.24). */
	if (rule->etws && drill != (rule->etws_type == CBS_ETWS_TEST))
		return problem_set(problem, PROBLEM_CONTENT_DRILL, "rule", 0,
				   "ETWS warning type test is for status Test and Exercise, and they take no other.");
	return 0;
}

static size_t rule_position(const struct profile *profile, unsigned int nr)
{
	size_t i = 0;

	while (i < profile->n_rules && profile->rules[i].nr < nr)
		i++;
	return i;
}

int profile_set_rule(struct profile *profile, const struct profile_rule *rule, struct problem *problem)
{
	size_t at = rule_position(profile, rule->nr);
	struct profile_rule *rules, copy = *rule;
	int rc = check_rule(rule, problem);

	if (rc < 0)
		return rc;
	if (rule->event) {
		copy.event = talloc_strdup(profile, rule->event);
		if (!copy.event)
			return -ENOMEM;
	}
	profile_remove_rule(profile, rule->nr);
	rules = talloc_realloc(profile, profile->rules, struct profile_rule, profile->n_rules + 1);
	if (!rules)
		return -ENOMEM;
	memmove(&rules[at + 1], &rules[at], (profile->n_rules - at) * sizeof(*rules));
	rules[at] = copy;
	profile->rules = rules;
	profile->n_rules++;
	return 0;
}

void profile_remove_rule(struct profile *profile, unsigned int nr)
{
	size_t at = rule_position(profile, nr);

	if (at == profile->n_rules || profile->rules[at].nr != nr)
		return;
	talloc_free(profile->rules[at].event);
	profile->n_rules--;
	memmove(&profile->rules[at], &profile->rules[at + 1],
		(profile->n_rules - at) * sizeof(*profile->rules));
}

static bool any_or(int wanted, int value)
{
	return wanted == PROFILE_ANY || wanted == value;
}

const struct profile_rule *profile_match(const struct profile *profile, const struct cap_alert *alert,
					 const struct cap_info *info)
{
	size_t i;

	for (i = 0; i < profile->n_rules; i++) {
		const struct profile_rule *rule = &profile->rules[i];

		if (any_or(rule->status, alert->status) && any_or(rule->severity, info->severity) &&
		    any_or(rule->urgency, info->urgency) && any_or(rule->certainty, info->certainty) &&
		    (!rule->event || !strcasecmp(rule->event, info->event)))
			return rule;
	}
	return NULL;
}

enum message_class profile_class(const struct profile_rule *rule, const struct cap_info *info)
{
	if (cap_status_is_drill(rule->status))
		return MESSAGE_CLASS_OTHER;
	if (rule->etws || rule->identifier == 4370 ||
	    (info->severity == CAP_SEVERITY_EXTREME && info->urgency == CAP_URGENCY_IMMEDIATE))
		return MESSAGE_CLASS_NATIONAL;
	if (info->severity == CAP_SEVERITY_EXTREME || info->severity == CAP_SEVERITY_SEVERE)
		return MESSAGE_CLASS_SEVERE;
	return MESSAGE_CLASS_OTHER;
}
