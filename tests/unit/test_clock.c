/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <osmocom/core/timer.h>

#include <tocsin/base/clock.h>

static void cap_times_become_utc(void **state)
{
	static const struct {
		const char *text;
		int64_t utc;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00-00:00", 0 },
		{ "1969-12-31T23:59:59+00:00", -1 },
		{ "2026-11-23T21:05:00+00:00", 1795467900 },
		{ "2026-11-23T22:05:00+01:00", 1795467900 },
		{ "2026-11-23T13:05:00-08:00", 1795467900 },
		{ "2026-11-24T02:35:00+05:30", 1795467900 },
		{ "2000-02-29T12:00:00Z", 951825600 },
		{ "2024-02-29T00:00:00+14:00", 1709114400 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t utc = -7;

		if (clock_parse(cases[i].text, &utc) != 0 || utc != cases[i].utc)
			fail_msg("%s became %lld", cases[i].text, (long long)utc);
	}
}

static void what_is_no_cap_time_is_refused(void **state)
{
	static const char *const cases[] = {
		"", "now", "2026-11-23", "2026-11-23T21:05:00", "2026-11-23T21:05:00z",
		"2026-11-23 21:05:00Z", "2026-11-23t21:05:00Z", "2026-11-23T21:05Z",
		"2026-11-23T21:05:00.5Z", "2026-11-23T21:05:00ZZ", "2026-11-23T21:05:00Z ",
		" 2026-11-23T21:05:00Z", "26-11-23T21:05:00Z", "02026-11-23T21:05:00Z",
		"-2026-11-23T21:05:00Z", "2026-11-23T21:05:00+1:00", "2026-11-23T21:05:00+0100",
		"2026-11-23T21:05:00+01", "2026-11-23T21:05:00,01:00", "2026-11-23T21:05:00+01:00Z",
		"2026-00-23T21:05:00Z", "2026-13-23T21:05:00Z", "2026-11-00T21:05:00Z",
		"2026-11-31T21:05:00Z", "2026-02-29T21:05:00Z", "1900-02-29T21:05:00Z",
		"2026-11-23T24:00:00Z", "2026-11-23T21:60:00Z", "2026-11-23T21:05:60Z",
		"0000-01-01T00:00:00Z", "2026-11-23T21:05:00+14:01", "2026-11-23T21:05:00+15:00",
		"2026-11-23T21:05:00+01:60", "2026-1x-23T21:05:00Z", "2026/11/23T21:05:00Z",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t utc;

		if (clock_parse(cases[i], &utc) != -EINVAL)
			fail_msg("\"%s\" was taken", cases[i]);
	}
}

/* Every day of 800 years against the C library. */
static void the_calendar_agrees_with_the_library(void **state)
{
	int64_t day;

	(void)state;
	for (day = -135140; day < 157060; day++) {
		time_t t = day * 86400 + (day & 0xffff);
		char text[40];
		struct tm tm;
		int64_t utc;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+00:00", &tm) > 0);
		if (clock_parse(text, &utc) != 0 || utc != t)
			fail_msg("%s became %lld", text, (long long)utc);
	}
}

static void times_are_written_in_utc_whatever_the_zone(void **state)
{
	char buf[32];

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	assert_string_equal(clock_format(1795467900, buf, sizeof(buf)), "2026-11-23T21:05:00Z");
	assert_string_equal(clock_format(0, buf, sizeof(buf)), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_format(-1, buf, sizeof(buf)), "1969-12-31T23:59:59Z");
	unsetenv("TZ");
	tzset();
}

static void a_time_that_cannot_be_written_is_still_a_text(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(clock_format(INT64_MAX, buf, sizeof(buf)), "?");
}

static void both_clocks_follow_the_override(void **state)
{
	struct timespec *mono = osmo_clock_override_gettimespec(CLOCK_MONOTONIC);

	(void)state;
	osmo_gettimeofday_override = true;
	osmo_gettimeofday_override_time = (struct timeval){ 1795467900, 987654 };
	osmo_clock_override_enable(CLOCK_MONOTONIC, true);
	*mono = (struct timespec){ 5000000000, 1999999 };
	assert_int_equal(clock_utc(), 1795467900);
	assert_int_equal(clock_mono_ms(), 5000000000001);
	osmo_gettimeofday_override_add(3600, 0);
	assert_int_equal(clock_utc(), 1795471500);
	/* A step of the wall clock is no duration. */
	assert_int_equal(clock_mono_ms(), 5000000000001);
	osmo_gettimeofday_override = false;
	osmo_clock_override_enable(CLOCK_MONOTONIC, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cap_times_become_utc),
		cmocka_unit_test(what_is_no_cap_time_is_refused),
		cmocka_unit_test(the_calendar_agrees_with_the_library),
		cmocka_unit_test(times_are_written_in_utc_whatever_the_zone),
		cmocka_unit_test(a_time_that_cannot_be_written_is_still_a_text),
		cmocka_unit_test(both_clocks_follow_the_override),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
