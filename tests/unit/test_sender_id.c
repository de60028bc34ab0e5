/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <tocsin/core/recipient.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	enum sender_kind kind;
	const char *want;	/* NULL: the text itself */
} good[] = {
	{ "Warning", SENDER_ALPHANUMERIC, NULL },
	{ "abc", SENDER_ALPHANUMERIC, NULL },
	{ "A.b_c-d e12", SENDER_ALPHANUMERIC, NULL },
	{ "1a2", SENDER_ALPHANUMERIC, NULL },
	{ "..A", SENDER_ALPHANUMERIC, NULL },
	{ "+4930123456", SENDER_INTERNATIONAL, "4930123456" },
	{ "+123", SENDER_INTERNATIONAL, "123" },
	{ "+123456789012345", SENDER_INTERNATIONAL, "123456789012345" },
	{ "+8816312345", SENDER_INTERNATIONAL, "8816312345" },
	{ "+8821612345", SENDER_INTERNATIONAL, "8821612345" },
	{ "+883510012345", SENDER_INTERNATIONAL, "883510012345" },
	{ "+870773123456", SENDER_INTERNATIONAL, "870773123456" },
	{ "112", SENDER_SHORT_CODE, NULL },
	{ "000", SENDER_SHORT_CODE, NULL },
	{ "12345678", SENDER_SHORT_CODE, NULL },
};

static const struct {
	const char *name;
	const char *text;
} bad[] = {
	{ "nothing", "" },
	{ "a name of 2 characters", "ab" },
	{ "a name of 12 characters", "abcdefghijkl" },
	{ "a name without letter", "1.2" },
	{ "a name of hyphens", "---" },
	{ "a name of blanks", "   " },
	{ "a name with a blank before it", " abc" },
	{ "a name with a blank behind it", "abc " },
	{ "a name with an exclamation mark", "Help!" },
	{ "a name with a comma", "a,b" },
	{ "a name with an umlaut", "W\xc3\xa4rme" },
	{ "a name with a line end", "abc\n" },
	{ "a name with a control character", "ab\x01" },
	{ "a name with a plus in it", "a+b" },
	{ "a short code of 2 digits", "12" },
	{ "a short code of 9 digits", "123456789" },
	{ "a number without its plus", "4930123456" },
	{ "a plus alone", "+" },
	{ "a plus and a name", "+abc" },
	{ "two pluses", "++4930123456" },
	{ "an international number of 2 digits", "+49" },
	{ "an international number of 16 digits", "+1234567890123456" },
	{ "an international number with a blank", "+49 30123456" },
	{ "an international number that begins with 0", "+0493012345" },
	{ "a country code that is spare", "+21012345678" },
	{ "a country code that was withdrawn", "+38812345678" },
	{ "international freephone", "+80012345678" },
	{ "international shared cost", "+80812345678" },
	{ "universal personal telecommunication", "+878101234567" },
	{ "what was disaster relief", "+88812345678" },
	{ "international premium rate", "+979123456789" },
	{ "a trial", "+99112345678" },
	{ "a satellite system that is not listed", "+8810123456" },
	{ "a network that is not listed", "+8820012345678" },
	{ "a code of networks that ends early", "+882" },
	{ "an identification code that ends early", "+883510" },
	{ "a network of machines that is not listed", "+883999123456" },
};

static void what_is_registered_is_taken_as_it_leaves(void **state)
{
	struct problem problem;
	struct sender_id id;
	size_t i;

	(void)state;
	for (i = 0; i < N(good); i++) {
		if (sender_id_parse(good[i].text, &id, &problem) < 0)
			fail_msg("%s: %s", good[i].text, problem.detail);
		assert_int_equal(id.kind, good[i].kind);
		assert_string_equal(id.text, good[i].want ? good[i].want : good[i].text);
	}
}

static void what_nobody_may_send_from_is_refused_with_a_reason(void **state)
{
	struct problem problem;
	struct sender_id id;
	size_t i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		problem = (struct problem){ 0 };
		if (sender_id_parse(bad[i].text, &id, &problem) != -EINVAL ||
		    problem.code != PROBLEM_CONFIG || !problem.detail[0])
			fail_msg("taken: %s", bad[i].name);
	}
	assert_int_equal(sender_id_parse("ab", &id, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_registered_is_taken_as_it_leaves),
		cmocka_unit_test(what_nobody_may_send_from_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
