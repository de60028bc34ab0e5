/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <tocsin/core/e164.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Every country code that is assigned to a country, written out by hand from the list. */
static const char *const countries[] = {
	"1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
	"48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
	"82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
	"211", "212", "213", "216", "218",
	"220", "221", "222", "223", "224", "225", "226", "227", "228", "229",
	"230", "231", "232", "233", "234", "235", "236", "237", "238", "239",
	"240", "241", "242", "243", "244", "245", "246", "247", "248", "249",
	"250", "251", "252", "253", "254", "255", "256", "257", "258",
	"260", "261", "262", "263", "264", "265", "266", "267", "268", "269",
	"290", "291", "297", "298", "299",
	"350", "351", "352", "353", "354", "355", "356", "357", "358", "359",
	"370", "371", "372", "373", "374", "375", "376", "377", "378", "379",
	"380", "381", "382", "383", "385", "386", "387", "389",
	"420", "421", "423",
	"500", "501", "502", "503", "504", "505", "506", "507", "508", "509",
	"590", "591", "592", "593", "594", "595", "596", "597", "598", "599",
	"670", "672", "673", "674", "675", "676", "677", "678", "679",
	"680", "681", "682", "683", "685", "686", "687", "688", "689",
	"690", "691", "692",
	"850", "852", "853", "855", "856", "880", "886",
	"960", "961", "962", "963", "964", "965", "966", "967", "968",
	"970", "971", "972", "973", "974", "975", "976", "977",
	"992", "993", "994", "995", "996", "998",
};

static const struct {
	const char *prefix;
	enum e164_kind kind;
	bool may_send;
} services[] = {
	{ "800", E164_FREEPHONE, false },
	{ "808", E164_SHARED_COST, false },
	{ "870", E164_SATELLITE, true },
	{ "878", E164_PERSONAL, false },
	{ "881", E164_UNLISTED, false },
	{ "882", E164_UNLISTED, false },
	{ "883", E164_UNLISTED, false },
	{ "888", E164_RETURNED, false },
	{ "979", E164_PREMIUM, false },
	{ "991", E164_TRIAL, false },
};

static enum e164_kind expected(const char *prefix)
{
	size_t i;

	for (i = 0; i < N(services); i++) {
		if (!strcmp(services[i].prefix, prefix))
			return services[i].kind;
	}
	for (i = 0; i < N(countries); i++) {
		if (!strncmp(countries[i], prefix, strlen(countries[i])))
			return E164_GEOGRAPHIC;
	}
	return E164_SPARE;
}

static void every_prefix_of_three_digits_has_the_kind_of_the_list(void **state)
{
	char prefix[20];
	int i, geographic = 0, spare = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		snprintf(prefix, sizeof(prefix), "%03d", i);
		if (e164_kind(prefix) != expected(prefix))
			fail_msg("%s is of %s", prefix, e164_kind_title(e164_kind(prefix)));
		geographic += e164_kind(prefix) == E164_GEOGRAPHIC;
		spare += e164_kind(prefix) == E164_SPARE;
		/* What follows a code of one to three digits does not change it. */
		if (i < 881 || i > 883) {
			enum e164_kind kind = expected(prefix);

			strcat(prefix, "099999");
			assert_int_equal(e164_kind(prefix), kind);
		}
	}
	assert_int_equal(geographic + spare + (int)N(services), 1000);
}

static void senders_are_open_as_their_kind_says(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(services); i++) {
		if (e164_may_send(e164_kind(services[i].prefix)) != services[i].may_send)
			fail_msg("%s", services[i].prefix);
	}
	assert_true(e164_may_send(E164_GEOGRAPHIC));
	assert_true(e164_may_send(E164_NETWORK));
	assert_false(e164_may_send(E164_SPARE));
	assert_false(e164_may_send(_NUM_E164));
}

static const struct {
	const char *digits;
	enum e164_kind kind;
} longest[] = {
	{ "8815999", E164_UNLISTED },
	{ "8816", E164_SATELLITE },
	{ "8819", E164_SATELLITE },
	{ "8810", E164_UNLISTED },
	{ "882129", E164_UNLISTED },
	{ "88213", E164_SATELLITE },
	{ "88214", E164_UNLISTED },
	{ "88216123456", E164_SATELLITE },
	{ "8823", E164_UNLISTED },
	{ "88232", E164_NETWORK },
	{ "88233", E164_UNLISTED },
	{ "88234", E164_NETWORK },
	{ "883510", E164_UNLISTED },
	{ "8835100", E164_NETWORK },
	{ "88351000000", E164_NETWORK },
	{ "8835101", E164_UNLISTED },
	{ "8835110", E164_NETWORK },
	{ "8835130", E164_NETWORK },
	{ "8835140", E164_UNLISTED },
};

static void the_longest_code_decides(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(longest); i++) {
		if (e164_kind(longest[i].digits) != longest[i].kind)
			fail_msg("%s", longest[i].digits);
	}
}

static void what_is_no_number_belongs_to_nobody(void **state)
{
	(void)state;
	assert_int_equal(e164_kind(""), E164_SPARE);
	assert_int_equal(e164_kind("0"), E164_SPARE);
	assert_int_equal(e164_kind("049"), E164_SPARE);
	assert_int_equal(e164_kind("0000049"), E164_SPARE);
	assert_int_equal(e164_kind("+49"), E164_SPARE);
	assert_int_equal(e164_kind("2"), E164_SPARE);
	assert_int_equal(e164_kind("2x0"), E164_SPARE);
	assert_int_equal(e164_kind("49x"), E164_GEOGRAPHIC);
}

static void every_kind_has_a_title_of_its_own(void **state)
{
	int a, b;

	(void)state;
	for (a = 0; a < _NUM_E164; a++) {
		assert_non_null(e164_kind_title(a));
		for (b = 0; b < a; b++)
			assert_string_not_equal(e164_kind_title(a), e164_kind_title(b));
	}
	assert_non_null(e164_kind_title(_NUM_E164));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix_of_three_digits_has_the_kind_of_the_list),
		cmocka_unit_test(senders_are_open_as_their_kind_says),
		cmocka_unit_test(the_longest_code_decides),
		cmocka_unit_test(what_is_no_number_belongs_to_nobody),
		cmocka_unit_test(every_kind_has_a_title_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
