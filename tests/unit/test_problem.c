/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <tocsin/base/problem.h>
#include <tocsin/base/text.h>

static void a_problem_says_what_and_where(void **state)
{
	struct problem p;

	(void)state;
	assert_int_equal(problem_set(&p, PROBLEM_CAP_TIME, "info[1]/expires", 17, "%d is no time", 42),
			 -EINVAL);
	assert_int_equal(p.code, PROBLEM_CAP_TIME);
	assert_string_equal(p.where, "info[1]/expires");
	assert_int_equal(p.line, 17);
	assert_string_equal(p.detail, "42 is no time");
	problem_set(&p, PROBLEM_CAP_TIME, NULL, 0, "again");
	assert_string_equal(p.where, "");
	assert_int_equal(p.line, 0);
}

static void nobody_needs_to_ask_for_it(void **state)
{
	(void)state;
	assert_int_equal(problem_set(NULL, PROBLEM_INTERNAL, "here", 1, "unheard"), -EINVAL);
}

static void a_sender_cannot_steer_a_terminal(void **state)
{
	static const struct {
		const char *sent, *kept;
	} cases[] = {
		{ "\x1b[2Jclear", "?[2Jclear" },
		{ "two\r\nlines\t", "two??lines?" },
		{ "\x7f", "?" },
		/* U+009B starts a control sequence just as ESC [ does. */
		{ "\xc2\x9b" "2J", "??2J" },
		{ "\x9b" "2J", "?2J" },
		{ "\xc3(", "?(" },
		{ "gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\xa8", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\xa8" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct problem p;

		problem_set(&p, PROBLEM_CONFIG, cases[i].sent, 0, "%s", cases[i].sent);
		assert_string_equal(p.where, cases[i].kept);
		assert_string_equal(p.detail, cases[i].kept);
	}
}

static void a_long_text_is_cut_and_stays_text(void **state)
{
	char text[4096];
	size_t shift;

	(void)state;
	for (shift = 0; shift < 4; shift++) {
		struct problem p;
		size_t i;

		memset(text, 'x', shift);
		for (i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x9a\xa8", 4);
		text[i] = '\0';
		problem_set(&p, PROBLEM_CONFIG, text, 0, "%s", text);
		assert_int_equal(strlen(p.where), sizeof(p.where) - 1);
		assert_int_equal(strlen(p.detail), sizeof(p.detail) - 1);
		assert_true(text_utf8_valid(p.where, strlen(p.where)));
		assert_true(text_utf8_valid(p.detail, strlen(p.detail)));
	}
}

static void every_problem_has_a_code_of_its_own(void **state)
{
	unsigned int i, k;

	(void)state;
	for (i = 0; i < _NUM_PROBLEM; i++) {
		assert_true(problem_code_name(i)[0] && problem_title(i)[0]);
		assert_int_equal(strspn(problem_code_name(i), "abcdefghijklmnopqrstuvwxyz-"),
				 strlen(problem_code_name(i)));
		if (i != PROBLEM_NONE)
			assert_in_range(problem_status(i), 400, 599);
		for (k = 0; k < i; k++)
			assert_string_not_equal(problem_code_name(i), problem_code_name(k));
	}
	assert_string_equal(problem_code_name(_NUM_PROBLEM), "internal");
	assert_int_equal(problem_status(-1), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_says_what_and_where),
		cmocka_unit_test(nobody_needs_to_ask_for_it),
		cmocka_unit_test(a_sender_cannot_steer_a_terminal),
		cmocka_unit_test(a_long_text_is_cut_and_stays_text),
		cmocka_unit_test(every_problem_has_a_code_of_its_own),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
