/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <tocsin/base/text.h>

static void well_formed_characters_are_read_and_passed(void **state)
{
	static const struct {
		const char *octets;
		int32_t cp;
	} cases[] = {
		{ "\x01", 0x01 }, { "\x7f", 0x7f },
		{ "\xc2\x80", 0x80 }, { "\xdf\xbf", 0x7ff },
		{ "\xe0\xa0\x80", 0x800 }, { "\xe2\x82\xac", 0x20ac }, { "\xed\x9f\xbf", 0xd7ff },
		{ "\xee\x80\x80", 0xe000 }, { "\xef\xbf\xbf", 0xffff },
		{ "\xf0\x90\x80\x80", 0x10000 }, { "\xf4\x8f\xbf\xbf", 0x10ffff },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *p = cases[i].octets, *end = p + strlen(p);

		assert_int_equal(text_utf8_next(&p, end), cases[i].cp);
		assert_ptr_equal(p, end);
		assert_true(text_utf8_valid(cases[i].octets, strlen(cases[i].octets)));
	}
}

static void malformed_characters_are_refused_in_place(void **state)
{
	static const struct {
		const char *what;
		const char *octets;
		size_t len;
	} cases[] = {
		{ "nothing", "", 0 },
		{ "lone continuation", "\x80", 1 },
		{ "overlong slash of two octets", "\xc0\xaf", 2 },
		{ "overlong DEL", "\xc1\xbf", 2 },
		{ "overlong of three octets", "\xe0\x9f\xbf", 3 },
		{ "overlong of four octets", "\xf0\x8f\xbf\xbf", 4 },
		{ "first surrogate", "\xed\xa0\x80", 3 },
		{ "last surrogate", "\xed\xbf\xbf", 3 },
		{ "above U+10FFFF", "\xf4\x90\x80\x80", 4 },
		{ "octet F5", "\xf5\x80\x80\x80", 4 },
		{ "octet FF", "\xff", 1 },
		{ "two octets cut", "\xc3", 1 },
		{ "three octets cut", "\xe2\x82", 2 },
		{ "four octets cut", "\xf0\x9f\x98", 3 },
		{ "no continuation", "\xe2\x28\xa1", 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *p = cases[i].octets;

		if (text_utf8_next(&p, p + cases[i].len) != -EILSEQ || p != cases[i].octets)
			fail_msg("%s", cases[i].what);
		if (cases[i].len && text_utf8_valid(cases[i].octets, cases[i].len))
			fail_msg("%s", cases[i].what);
	}
}

/* Every code point, written here by the arithmetic of RFC 3629, is read back. */
static void every_code_point_is_read_back(void **state)
{
	int32_t cp;

	(void)state;
	for (cp = 1; cp <= 0x10ffff; cp++) {
		unsigned char s[4];
		const char *p = (const char *)s;
		size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4, i;
		int32_t expected = cp >= 0xd800 && cp < 0xe000 ? -EILSEQ : cp;

		for (i = n; i-- > 1;)
			s[i] = 0x80 | (cp >> 6 * (n - 1 - i) & 0x3f);
		s[0] = n == 1 ? cp : (0xf00 >> n & 0xff) | cp >> 6 * (n - 1);
		if (text_utf8_next(&p, (const char *)s + n) != expected)
			fail_msg("U+%04X", (unsigned int)cp);
	}
}

static void nul_is_not_valid_text(void **state)
{
	(void)state;
	assert_false(text_utf8_valid("a\0b", 3));
	assert_true(text_utf8_valid("", 0));
	assert_true(text_utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
}

static void decimals_are_scaled_exactly(void **state)
{
	static const struct {
		const char *text;
		unsigned int scale;
		int rc;
		int64_t value;
	} cases[] = {
		{ "0", 7, 0, 0 }, { "-0", 7, 0, 0 }, { "-0.0", 0, 0, 0 },
		{ "48.137154", 7, 0, 481371540 }, { "-12.345", 3, 0, -12345 },
		{ "+7.5", 1, 0, 75 }, { ".5", 2, 0, 50 }, { "5.", 2, 0, 500 },
		{ "00012", 0, 0, 12 },
		/* half away from zero, and only by the first digit that goes */
		{ "0.5", 0, 0, 1 }, { "-0.5", 0, 0, -1 }, { "0.49999999999999999999", 0, 0, 0 },
		{ "1.005", 2, 0, 101 }, { "-1.005", 2, 0, -101 }, { "1.0049", 2, 0, 100 },
		{ "179.99999996", 7, 0, 1800000000 },
		{ "9223372036854775807", 0, 0, INT64_MAX },
		{ "9223372036854775808", 0, -ERANGE, 0 },
		{ "922337203685477580.75", 1, -ERANGE, 0 },
		{ "99999999999999999999999999", 0, -ERANGE, 0 },
		{ "922337203685477581", 1, -ERANGE, 0 },
		{ "", 0, -EINVAL, 0 }, { "-", 0, -EINVAL, 0 }, { ".", 0, -EINVAL, 0 },
		{ "-.", 0, -EINVAL, 0 },
		{ " 1", 0, -EINVAL, 0 }, { "1 ", 0, -EINVAL, 0 }, { "1e3", 0, -EINVAL, 0 },
		{ "1,5", 0, -EINVAL, 0 }, { "0x10", 0, -EINVAL, 0 }, { "1.2.3", 0, -EINVAL, 0 },
		{ "--1", 0, -EINVAL, 0 }, { "nan", 0, -EINVAL, 0 }, { "inf", 0, -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t v = 0;
		int rc = text_decimal(cases[i].text, strlen(cases[i].text), cases[i].scale, &v);

		if (rc != cases[i].rc || (!rc && v != cases[i].value))
			fail_msg("\"%s\" gave %d, %lld", cases[i].text, rc, (long long)v);
	}
}

static void only_the_given_length_counts(void **state)
{
	int64_t v;
	uint64_t u;

	(void)state;
	assert_int_equal(text_decimal("1.25,7", 4, 2, &v), 0);
	assert_int_equal(v, 125);
	assert_int_equal(text_uint("1234x", 4, UINT64_MAX, &u), 0);
	assert_int_equal(u, 1234);
	assert_int_equal(text_decimal("1\0002", 3, 0, &v), -EINVAL);
}

static void unsigned_integers_are_digits_only(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int rc;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0, 0 }, { "65535", 65535, 0, 65535 }, { "65536", 65535, -ERANGE, 0 },
		{ "007", 7, 0, 7 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999", UINT64_MAX, -ERANGE, 0 },
		{ "", 9, -EINVAL, 0 }, { "-1", 9, -EINVAL, 0 }, { "+1", 9, -EINVAL, 0 },
		{ " 1", 9, -EINVAL, 0 }, { "1 ", 9, -EINVAL, 0 }, { "1.0", 9, -EINVAL, 0 },
		{ "0x1", 9, -EINVAL, 0 },
		{ "70000x", 65535, -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 0;
		int rc = text_uint(cases[i].text, strlen(cases[i].text), cases[i].max, &v);

		if (rc != cases[i].rc || (!rc && v != cases[i].value))
			fail_msg("\"%s\" gave %d, %llu", cases[i].text, rc, (unsigned long long)v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_characters_are_read_and_passed),
		cmocka_unit_test(malformed_characters_are_refused_in_place),
		cmocka_unit_test(every_code_point_is_read_back),
		cmocka_unit_test(nul_is_not_valid_text),
		cmocka_unit_test(decimals_are_scaled_exactly),
		cmocka_unit_test(only_the_given_length_counts),
		cmocka_unit_test(unsigned_integers_are_digits_only),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
