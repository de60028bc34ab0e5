/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/core/profile.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define N_STATUS 5
#define N_GRADES 5	/* of severity, urgency and certainty alike */

static const uint16_t drill_identifiers[] = { 4355, 4380, 4381, 4393, 4394 };

static bool is_drill_identifier(unsigned int identifier)
{
	size_t i;

	for (i = 0; i < N(drill_identifiers); i++) {
		if (drill_identifiers[i] == identifier)
			return true;
	}
	return false;
}

static struct profile_rule rule(unsigned int nr, int status, uint16_t identifier)
{
	return (struct profile_rule){ .nr = nr, .status = status, .severity = PROFILE_ANY,
				      .urgency = PROFILE_ANY, .certainty = PROFILE_ANY, .identifier = identifier };
}

/* 0 when no rule matches. */
static unsigned int identifier_for(const struct profile *profile, enum cap_status status,
				   const struct cap_info *info)
{
	struct cap_alert alert = { .status = status };
	const struct profile_rule *found = profile_match(profile, &alert, info);

	return found ? found->identifier : 0;
}

/* ETSI TS 102 900 over 3GPP TS 23.041, 9.4.1.2.2 */

static const struct {
	enum cap_severity severity;
	enum cap_urgency urgency;
	enum cap_certainty certainty;
	uint16_t identifier;
} eu_alert[] = {
	{ CAP_SEVERITY_EXTREME, CAP_URGENCY_IMMEDIATE, CAP_CERTAINTY_OBSERVED, 4371 },
	{ CAP_SEVERITY_EXTREME, CAP_URGENCY_IMMEDIATE, CAP_CERTAINTY_LIKELY, 4372 },
	{ CAP_SEVERITY_EXTREME, CAP_URGENCY_EXPECTED, CAP_CERTAINTY_OBSERVED, 4373 },
	{ CAP_SEVERITY_EXTREME, CAP_URGENCY_EXPECTED, CAP_CERTAINTY_LIKELY, 4374 },
	{ CAP_SEVERITY_SEVERE, CAP_URGENCY_IMMEDIATE, CAP_CERTAINTY_OBSERVED, 4375 },
	{ CAP_SEVERITY_SEVERE, CAP_URGENCY_IMMEDIATE, CAP_CERTAINTY_LIKELY, 4376 },
	{ CAP_SEVERITY_SEVERE, CAP_URGENCY_EXPECTED, CAP_CERTAINTY_OBSERVED, 4377 },
	{ CAP_SEVERITY_SEVERE, CAP_URGENCY_EXPECTED, CAP_CERTAINTY_LIKELY, 4378 },
};

static unsigned int eu_alert_for(enum cap_status status, const struct cap_info *info)
{
	size_t i;

	if (status == CAP_STATUS_TEST)
		return 4380;
	if (status == CAP_STATUS_EXERCISE)
		return 4381;
	for (i = 0; i < N(eu_alert) && status == CAP_STATUS_ACTUAL; i++) {
		if (eu_alert[i].severity == info->severity && eu_alert[i].urgency == info->urgency &&
		    eu_alert[i].certainty == info->certainty)
			return eu_alert[i].identifier;
	}
	return 0;
}

static void test_eu_alert_gives_every_combination_its_identifier(void **state)
{
	struct profile *profile = profile_eu_alert(NULL);
	unsigned int i, got, n[2] = { 0 };

	(void)state;
	assert_string_equal(profile->name, "eu-alert");
	for (i = 0; i < N_STATUS * N_GRADES * N_GRADES * N_GRADES; i++) {
		enum cap_status status = i % N_STATUS;
		struct cap_info info = {
			.event = "Flood",
			.severity = i / N_STATUS % N_GRADES,
			.urgency = i / N_STATUS / N_GRADES % N_GRADES,
			.certainty = i / N_STATUS / N_GRADES / N_GRADES,
		};

		got = identifier_for(profile, status, &info);
		if (got != eu_alert_for(status, &info))
			fail_msg("%s %s %s %s: %u, not %u", cap_status_name(status),
				 cap_severity_name(info.severity), cap_urgency_name(info.urgency),
				 cap_certainty_name(info.certainty), got, eu_alert_for(status, &info));
		n[got != 0]++;
	}
	assert_int_equal(n[1], 8 + 2 * N_GRADES * N_GRADES * N_GRADES);
	talloc_free(profile);
}

/* Drills and live alerts never meet */

static bool may_carry(int status, unsigned int identifier)
{
	if (status == CAP_STATUS_ACTUAL)
		return !is_drill_identifier(identifier);
	if (status == CAP_STATUS_TEST || status == CAP_STATUS_EXERCISE)
		return is_drill_identifier(identifier);
	return false;
}

static void test_no_rule_joins_a_drill_and_a_live_identifier(void **state)
{
	struct profile *profile = profile_alloc(NULL, "test");
	struct problem problem;
	struct profile_rule r;
	unsigned int identifier;
	int status;

	(void)state;
	for (status = PROFILE_ANY; status < N_STATUS; status++) {
		for (identifier = 0; identifier <= UINT16_MAX; identifier++) {
			problem = (struct problem){ 0 };
			r = rule(1, status, identifier);
			if (profile_set_rule(profile, &r, &problem) == (may_carry(status, identifier) ? 0 : -EINVAL) &&
			    (problem.code == PROBLEM_NONE) == may_carry(status, identifier))
				continue;
			fail_msg("status %d on %u: %s", status, identifier, problem_code_name(problem.code));
		}
	}
	talloc_free(profile);
}

static void test_last_gate_keeps_every_identifier_to_its_kind(void **state)
{
	struct problem problem;
	unsigned int identifier, drill;

	(void)state;
	for (identifier = 0; identifier <= UINT16_MAX; identifier++) {
		for (drill = 0; drill < 2; drill++) {
			problem = (struct problem){ 0 };
			if (cbs_check_drill(identifier, drill, &problem) ==
			    (is_drill_identifier(identifier) == drill ? 0 : -EINVAL) &&
			    (problem.code == PROBLEM_NONE) == (is_drill_identifier(identifier) == drill))
				continue;
			fail_msg("%s on %u", drill ? "drill" : "live alert", identifier);
		}
	}
}

static void test_status_of_a_drill(void **state)
{
	(void)state;
	assert_true(cap_status_is_drill(CAP_STATUS_TEST));
	assert_true(cap_status_is_drill(CAP_STATUS_EXERCISE));
	assert_false(cap_status_is_drill(CAP_STATUS_ACTUAL));
	assert_false(cap_status_is_drill(CAP_STATUS_SYSTEM));
	assert_false(cap_status_is_drill(CAP_STATUS_DRAFT));
}

static const struct {
	const char *name;
	int status;
	uint16_t identifier;
	enum cbs_etws_type type;
	int rc;
	enum problem_code code;
} etws[] = {
	{ "an earthquake", CAP_STATUS_ACTUAL, 4352, CBS_ETWS_EARTHQUAKE, 0, PROBLEM_NONE },
	{ "the last identifier", CAP_STATUS_ACTUAL, 4359, CBS_ETWS_OTHER, 0, PROBLEM_NONE },
	{ "the one before the first", CAP_STATUS_ACTUAL, 4351, CBS_ETWS_OTHER, -EINVAL, PROBLEM_CONFIG },
	{ "the one behind the last", CAP_STATUS_ACTUAL, 4360, CBS_ETWS_OTHER, -EINVAL, PROBLEM_CONFIG },
	{ "a CMAS identifier", CAP_STATUS_ACTUAL, 4371, CBS_ETWS_OTHER, -EINVAL, PROBLEM_CONFIG },
	{ "a test", CAP_STATUS_TEST, 4355, CBS_ETWS_TEST, 0, PROBLEM_NONE },
	{ "an exercise", CAP_STATUS_EXERCISE, 4355, CBS_ETWS_TEST, 0, PROBLEM_NONE },
	{ "a test that looks like an earthquake", CAP_STATUS_TEST, 4355, CBS_ETWS_EARTHQUAKE, -EINVAL,
	  PROBLEM_CONTENT_DRILL },
	{ "a tsunami that looks like a test", CAP_STATUS_ACTUAL, 4353, CBS_ETWS_TEST, -EINVAL,
	  PROBLEM_CONTENT_DRILL },
};

static void test_etws_stays_in_its_range_and_its_kind(void **state)
{
	struct profile *profile = profile_alloc(NULL, "test");
	struct problem problem;
	struct profile_rule r;
	size_t i;

	(void)state;
	for (i = 0; i < N(etws); i++) {
		problem = (struct problem){ 0 };
		r = rule(i + 1, etws[i].status, etws[i].identifier);
		r.etws = true;
		r.etws_type = etws[i].type;
		if (profile_set_rule(profile, &r, &problem) != etws[i].rc || problem.code != etws[i].code)
			fail_msg("%s: %s", etws[i].name, problem_code_name(problem.code));
	}
	talloc_free(profile);
}

/* Rules */

static void test_first_rule_by_number_decides(void **state)
{
	struct profile *profile = profile_alloc(NULL, "test");
	const struct profile_rule r[] = {
		rule(999, CAP_STATUS_ACTUAL, 4378), rule(1, CAP_STATUS_ACTUAL, 4371), rule(500, CAP_STATUS_ACTUAL, 4375),
	};
	const struct cap_info info = { .event = "Flood" };
	size_t i;

	(void)state;
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 0);
	for (i = 0; i < N(r); i++)
		assert_int_equal(profile_set_rule(profile, &r[i], NULL), 0);
	assert_int_equal(profile->n_rules, 3);
	assert_int_equal(profile->rules[0].nr, 1);
	assert_int_equal(profile->rules[1].nr, 500);
	assert_int_equal(profile->rules[2].nr, 999);
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 4371);
	profile_remove_rule(profile, 1);
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 4375);
	profile_remove_rule(profile, 1);
	profile_remove_rule(profile, 998);
	assert_int_equal(profile->n_rules, 2);
	profile_remove_rule(profile, 999);
	profile_remove_rule(profile, 500);
	assert_int_equal(profile->n_rules, 0);
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 0);
	talloc_free(profile);
}

static void test_rule_of_the_same_number_is_replaced(void **state)
{
	struct profile *profile = profile_eu_alert(NULL);
	struct profile_rule r = rule(200, CAP_STATUS_ACTUAL, 4370);
	const struct cap_info info = { .event = "Flood", .severity = CAP_SEVERITY_EXTREME };
	size_t n = profile->n_rules;
	struct problem problem;

	(void)state;
	assert_int_equal(profile_set_rule(profile, &r, NULL), 0);
	assert_int_equal(profile->n_rules, n);
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 4370);
	/* a rule that is refused changes nothing */
	r = rule(200, CAP_STATUS_TEST, 4371);
	assert_int_equal(profile_set_rule(profile, &r, &problem), -EINVAL);
	assert_int_equal(profile->n_rules, n);
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 4370);
	talloc_free(profile);
}

static void test_rule_numbers_are_1_to_999(void **state)
{
	struct profile *profile = profile_alloc(NULL, "test");
	static const struct { unsigned int nr; int rc; } numbers[] = {
		{ 0, -EINVAL }, { 1, 0 }, { 999, 0 }, { 1000, -EINVAL },
	};
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < N(numbers); i++) {
		struct profile_rule r = rule(numbers[i].nr, CAP_STATUS_ACTUAL, 4371);

		assert_int_equal(profile_set_rule(profile, &r, &problem), numbers[i].rc);
	}
	talloc_free(profile);
}

static void test_event_is_compared_whole_and_without_regard_to_case(void **state)
{
	struct profile *profile = profile_alloc(NULL, "test");
	char event[] = "Dam Failure";
	static const struct { const char *event; unsigned int identifier; } events[] = {
		{ "Dam Failure", 4370 }, { "DAM FAILURE", 4370 }, { "dam failure", 4370 },
		{ "Dam", 4378 }, { "Dam Failure 2", 4378 }, { "", 4378 }, { "Flood", 4378 },
	};
	struct profile_rule r = rule(10, CAP_STATUS_ACTUAL, 4370);
	size_t i;

	(void)state;
	r.event = event;
	assert_int_equal(profile_set_rule(profile, &r, NULL), 0);
	memset(event, 'x', sizeof(event) - 1);	/* it was copied */
	r = rule(20, CAP_STATUS_ACTUAL, 4378);
	assert_int_equal(profile_set_rule(profile, &r, NULL), 0);
	for (i = 0; i < N(events); i++) {
		struct cap_info info = { .event = events[i].event };

		assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), events[i].identifier);
	}
	talloc_free(profile);
}

static void test_each_member_of_a_rule_counts(void **state)
{
	struct profile *profile = profile_alloc(NULL, "test");
	struct profile_rule r = { .nr = 1, .status = CAP_STATUS_ACTUAL, .severity = CAP_SEVERITY_SEVERE,
				  .urgency = CAP_URGENCY_EXPECTED, .certainty = CAP_CERTAINTY_LIKELY, .identifier = 4378 };
	struct cap_info info = { .event = "", .severity = CAP_SEVERITY_SEVERE,
				 .urgency = CAP_URGENCY_EXPECTED, .certainty = CAP_CERTAINTY_LIKELY };

	(void)state;
	assert_int_equal(profile_set_rule(profile, &r, NULL), 0);
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 4378);
	assert_int_equal(identifier_for(profile, CAP_STATUS_TEST, &info), 0);
	info.severity = CAP_SEVERITY_EXTREME;
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 0);
	info.severity = CAP_SEVERITY_SEVERE;
	info.urgency = CAP_URGENCY_IMMEDIATE;
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 0);
	info.urgency = CAP_URGENCY_EXPECTED;
	info.certainty = CAP_CERTAINTY_OBSERVED;
	assert_int_equal(identifier_for(profile, CAP_STATUS_ACTUAL, &info), 0);
	talloc_free(profile);
}

static const struct {
	const char *name;
	int status;
	uint16_t identifier;
	bool etws;
	enum cap_severity severity;
	enum cap_urgency urgency;
	enum message_class class;
} classes[] = {
	{ "the national level", CAP_STATUS_ACTUAL, 4370, false, CAP_SEVERITY_MINOR, CAP_URGENCY_UNKNOWN, MESSAGE_CLASS_NATIONAL },
	{ "extreme and immediate", CAP_STATUS_ACTUAL, 4371, false, CAP_SEVERITY_EXTREME, CAP_URGENCY_IMMEDIATE, MESSAGE_CLASS_NATIONAL },
	{ "an ETWS primary", CAP_STATUS_ACTUAL, 4356, true, CAP_SEVERITY_MINOR, CAP_URGENCY_FUTURE, MESSAGE_CLASS_NATIONAL },
	{ "extreme but expected", CAP_STATUS_ACTUAL, 4373, false, CAP_SEVERITY_EXTREME, CAP_URGENCY_EXPECTED, MESSAGE_CLASS_SEVERE },
	{ "severe", CAP_STATUS_ACTUAL, 4375, false, CAP_SEVERITY_SEVERE, CAP_URGENCY_IMMEDIATE, MESSAGE_CLASS_SEVERE },
	{ "moderate", CAP_STATUS_ACTUAL, 4396, false, CAP_SEVERITY_MODERATE, CAP_URGENCY_IMMEDIATE, MESSAGE_CLASS_OTHER },
	{ "unknown", CAP_STATUS_ACTUAL, 4396, false, CAP_SEVERITY_UNKNOWN, CAP_URGENCY_UNKNOWN, MESSAGE_CLASS_OTHER },
	{ "a drill, however extreme", CAP_STATUS_TEST, 4380, false, CAP_SEVERITY_EXTREME, CAP_URGENCY_IMMEDIATE, MESSAGE_CLASS_OTHER },
	{ "an ETWS drill", CAP_STATUS_EXERCISE, 4355, true, CAP_SEVERITY_EXTREME, CAP_URGENCY_IMMEDIATE, MESSAGE_CLASS_OTHER },
};

static void test_class_follows_from_rule_and_info(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(classes); i++) {
		struct profile_rule r = rule(1, classes[i].status, classes[i].identifier);
		struct cap_info info = { .severity = classes[i].severity, .urgency = classes[i].urgency };

		r.etws = classes[i].etws;
		if (profile_class(&r, &info) != classes[i].class)
			fail_msg("%s: class %d", classes[i].name, profile_class(&r, &info));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eu_alert_gives_every_combination_its_identifier),
		cmocka_unit_test(test_no_rule_joins_a_drill_and_a_live_identifier),
		cmocka_unit_test(test_last_gate_keeps_every_identifier_to_its_kind),
		cmocka_unit_test(test_status_of_a_drill),
		cmocka_unit_test(test_etws_stays_in_its_range_and_its_kind),
		cmocka_unit_test(test_first_rule_by_number_decides),
		cmocka_unit_test(test_rule_of_the_same_number_is_replaced),
		cmocka_unit_test(test_rule_numbers_are_1_to_999),
		cmocka_unit_test(test_event_is_compared_whole_and_without_regard_to_case),
		cmocka_unit_test(test_each_member_of_a_rule_counts),
		cmocka_unit_test(test_class_follows_from_rule_and_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
