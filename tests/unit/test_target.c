/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/core/target.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	enum target_type type;
	const char *text;
	struct target want;
	const char *canonical;	/* NULL: the text itself */
} good[] = {
	{ "a cgi with two MNC digits", TARGET_CGI, "001-01-100-1001",
	  { .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 | 1001 }, NULL },
	{ "a cgi with three MNC digits", TARGET_CGI, "310-001-65535-65535",
	  { .type = TARGET_CGI, .mcc = 310, .mnc = 1, .mnc_digits = 3, .value = 0xffffffff }, NULL },
	{ "the least LAC and CI", TARGET_CGI, "999-99-1-0",
	  { .type = TARGET_CGI, .mcc = 999, .mnc = 99, .mnc_digits = 2, .value = 1 << 16 }, NULL },
	{ "leading zeros are decimal, not octal", TARGET_CGI, "001-01-00100-010",
	  { .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 | 10 },
	  "001-01-100-10" },
	{ "an sai", TARGET_SAI, "262-02-513-7",
	  { .type = TARGET_SAI, .mcc = 262, .mnc = 2, .mnc_digits = 2, .value = 513 << 16 | 7 }, NULL },
	{ "the largest ECI", TARGET_ECGI, "262-02-268435455",
	  { .type = TARGET_ECGI, .mcc = 262, .mnc = 2, .mnc_digits = 2, .value = 0xfffffff }, NULL },
	{ "an ECI of 0", TARGET_ECGI, "262-02-0",
	  { .type = TARGET_ECGI, .mcc = 262, .mnc = 2, .mnc_digits = 2 }, NULL },
	{ "the largest NCI", TARGET_NCGI, "262-002-68719476735",
	  { .type = TARGET_NCGI, .mcc = 262, .mnc = 2, .mnc_digits = 3, .value = 0xfffffffff }, NULL },
	{ "an IMSI that starts with zeros", TARGET_IMSI, "001010000000001",
	  { .type = TARGET_IMSI, .mnc_digits = 15, .value = 1010000000001 }, NULL },
	{ "the shortest IMSI", TARGET_IMSI, "001010",
	  { .type = TARGET_IMSI, .mnc_digits = 6, .value = 1010 }, NULL },
	{ "the largest IMSI", TARGET_IMSI, "999999999999999",
	  { .type = TARGET_IMSI, .mnc_digits = 15, .value = 999999999999999 }, NULL },
	{ "a whole BSS", TARGET_BSS, "bss", { .type = TARGET_BSS }, NULL },
	{ "an lai", TARGET_LAI, "001-01-100",
	  { .type = TARGET_LAI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 }, NULL },
	{ "the largest LAC and three MNC digits", TARGET_LAI, "310-001-65535",
	  { .type = TARGET_LAI, .mcc = 310, .mnc = 1, .mnc_digits = 3, .value = 0xffff0000 }, NULL },
};

static const struct {
	const char *name;
	enum target_type type;
	const char *text;
} bad[] = {
	{ "empty text", TARGET_CGI, "" },
	{ "MCC of one digit", TARGET_CGI, "1-01-100-1001" },
	{ "MCC of four digits", TARGET_CGI, "0001-01-100-1001" },
	{ "MCC with a sign", TARGET_CGI, "+01-01-100-1001" },
	{ "MNC of one digit", TARGET_CGI, "001-1-100-1001" },
	{ "MNC of four digits", TARGET_CGI, "001-0001-100-1001" },
	{ "MNC with a blank", TARGET_CGI, "001- 1-100-1001" },
	{ "reserved LAC 0", TARGET_CGI, "001-01-0-1001" },
	{ "reserved LAC 65534", TARGET_CGI, "001-01-65534-1001" },
	{ "LAC beyond 16 bits", TARGET_CGI, "001-01-65536-1001" },
	{ "CI beyond 16 bits", TARGET_CGI, "001-01-100-65536" },
	{ "CI of many zeros", TARGET_CGI, "001-01-100-000001" },
	{ "CI that is hexadecimal", TARGET_CGI, "001-01-100-0x1f" },
	{ "CI left out", TARGET_CGI, "001-01-100" },
	{ "empty CI", TARGET_CGI, "001-01-100-" },
	{ "one field too many", TARGET_CGI, "001-01-100-1001-1" },
	{ "negative CI", TARGET_CGI, "001-01-100--1" },
	{ "a trailing blank", TARGET_CGI, "001-01-100-1001 " },
	{ "an sai with a reserved LAC", TARGET_SAI, "001-01-65534-1" },
	{ "ECI of 29 bits", TARGET_ECGI, "001-01-268435456" },
	{ "ECI with a LAC", TARGET_ECGI, "001-01-100-1001" },
	{ "NCI of 37 bits", TARGET_NCGI, "001-01-68719476736" },
	{ "IMSI of 5 digits", TARGET_IMSI, "00101" },
	{ "IMSI of 16 digits", TARGET_IMSI, "0010100000000001" },
	{ "IMSI with a letter", TARGET_IMSI, "00101000000000a" },
	{ "a BSS with a number", TARGET_BSS, "bss1" },
	{ "an lai without LAC", TARGET_LAI, "001-01" },
	{ "an lai with an empty LAC", TARGET_LAI, "001-01-" },
	{ "an lai with a CI", TARGET_LAI, "001-01-100-1001" },
	{ "an lai with the reserved LAC 0", TARGET_LAI, "001-01-0" },
	{ "an lai with the reserved LAC 65534", TARGET_LAI, "001-01-65534" },
	{ "an lai beyond 16 bits", TARGET_LAI, "001-01-65536" },
	{ "an lai with an MNC of one digit", TARGET_LAI, "001-1-100" },
	{ "a type that does not exist", 99, "001-01-100-1001" },
	{ "no type", 0, "001-01-100-1001" },
};

static void well_formed_texts_are_read_and_written_back(void **state)
{
	char buf[TARGET_TEXT_LEN];
	struct target t;
	size_t i;

	(void)state;
	for (i = 0; i < N(good); i++) {
		if (target_parse(good[i].type, good[i].text, strlen(good[i].text), &t, NULL) < 0 ||
		    target_compare(&t, &good[i].want) || !target_valid(&t))
			fail_msg("%s", good[i].name);
		assert_string_equal(target_format(&t, buf, sizeof(buf)),
				    good[i].canonical ? good[i].canonical : good[i].text);
	}
}

static void malformed_texts_are_refused_with_a_reason(void **state)
{
	struct target t;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		why = NULL;
		if (target_parse(bad[i].type, bad[i].text, strlen(bad[i].text), &t, &why) != -EINVAL)
			fail_msg("taken: %s", bad[i].name);
		assert_non_null(why);
	}
}

static void text_is_read_up_to_its_length_only(void **state)
{
	struct target t;

	(void)state;
	assert_int_equal(target_parse(TARGET_CGI, "001-01-100-1001", 14, &t, NULL), 0);
	assert_int_equal(t.value, 100 << 16 | 100);
}

static void networks_with_01_and_001_differ(void **state)
{
	struct target a, b;

	(void)state;
	assert_int_equal(target_parse(TARGET_CGI, "310-01-5-6", 10, &a, NULL), 0);
	assert_int_equal(target_parse(TARGET_CGI, "310-001-5-6", 11, &b, NULL), 0);
	assert_true(target_compare(&a, &b) < 0);
	assert_true(target_compare(&b, &a) > 0);
}

static void order_is_type_mcc_mnc_digits_value(void **state)
{
	static const struct target sorted[] = {
		{ .type = 1, .mcc = 2, .mnc = 1, .mnc_digits = 2, .value = 9 },
		{ .type = 1, .mcc = 2, .mnc = 1, .mnc_digits = 3, .value = 1 },
		{ .type = 1, .mcc = 2, .mnc = 2, .mnc_digits = 2, .value = 0 },
		{ .type = 1, .mcc = 3, .mnc = 0, .mnc_digits = 2, .value = 0 },
		{ .type = 1, .mcc = 3, .mnc = 0, .mnc_digits = 2, .value = UINT64_C(1) << 33 },
		{ .type = 2, .mcc = 1, .mnc = 0, .mnc_digits = 2, .value = 0 },
	};
	struct target absent = { .type = 1, .mcc = 3, .mnc = 0, .mnc_digits = 2, .value = 7 };
	size_t i, j;

	(void)state;
	for (i = 0; i < N(sorted); i++) {
		for (j = 0; j < N(sorted); j++) {
			int rc = target_compare(&sorted[i], &sorted[j]);

			assert_int_equal((rc > 0) - (rc < 0), (i > j) - (i < j));
		}
		assert_int_equal(target_find(sorted, N(sorted), &sorted[i]), i);
	}
	assert_int_equal(target_find(sorted, N(sorted), &absent), -1);
	assert_int_equal(target_find(sorted, 0, &absent), -1);
}

static void packed_targets_have_the_documented_octets(void **state)
{
	static const uint8_t want[TARGET_PACKED_LEN] = {
		TARGET_NCGI, 3, 0x01, 0x36, 0x00, 0x1a, 0, 0, 0, 0x0f, 0xed, 0xcb, 0xa9, 0x87,
	};
	struct target t = { .type = TARGET_NCGI, .mnc_digits = 3, .mcc = 310, .mnc = 26,
			    .value = UINT64_C(0xfedcba987) }, back;
	uint8_t packed[TARGET_PACKED_LEN];

	(void)state;
	target_pack(&t, packed);
	assert_memory_equal(packed, want, sizeof(want));
	target_unpack(want, &back);
	assert_int_equal(target_compare(&t, &back), 0);
}

static void values_out_of_range_are_not_valid(void **state)
{
	static const struct target wrong[] = {
		{ .type = 0 },
		{ .type = 200, .mnc_digits = 2, .value = 0x10001 },
		{ .type = TARGET_CGI, .mcc = 1000, .mnc_digits = 2, .value = 0x10001 },
		{ .type = TARGET_CGI, .mnc = 100, .mnc_digits = 2, .value = 0x10001 },
		{ .type = TARGET_CGI, .mnc = 1000, .mnc_digits = 3, .value = 0x10001 },
		{ .type = TARGET_CGI, .mnc_digits = 4, .value = 0x10001 },
		{ .type = TARGET_CGI, .mnc_digits = 2, .value = 0x00001 },
		{ .type = TARGET_SAI, .mnc_digits = 2, .value = 0xfffe0001 },
		{ .type = TARGET_CGI, .mnc_digits = 2, .value = UINT64_C(0x100000000) },
		{ .type = TARGET_ECGI, .mnc_digits = 2, .value = 1 << 28 },
		{ .type = TARGET_NCGI, .mnc_digits = 2, .value = UINT64_C(1) << 36 },
		{ .type = TARGET_IMSI, .mnc_digits = 6, .value = 1000000 },
		{ .type = TARGET_IMSI, .mnc_digits = 16, .value = 1 },
		{ .type = TARGET_IMSI, .mcc = 1, .mnc_digits = 6, .value = 1 },
		{ .type = TARGET_BSS, .value = 1 },
		{ .type = TARGET_LAI, .mnc_digits = 2, .value = 0x10001 },
		{ .type = TARGET_LAI, .mnc_digits = 2, .value = 0 },
		{ .type = TARGET_LAI, .mnc_digits = 2, .value = 0xfffe0000 },
		{ .type = TARGET_LAI, .mnc_digits = 2, .value = UINT64_C(0x100000000) },
		{ .type = TARGET_LAI, .mcc = 1000, .mnc_digits = 2, .value = 0x10000 },
		{ .type = TARGET_LAI, .mnc_digits = 1, .value = 0x10000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(wrong); i++) {
		if (target_valid(&wrong[i]))
			fail_msg("row %zu", i);
	}
}

static void types_have_names(void **state)
{
	static const char *const names[] = {
		[TARGET_CGI] = "cgi", [TARGET_SAI] = "sai", [TARGET_ECGI] = "ecgi", [TARGET_NCGI] = "ncgi",
		[TARGET_IMSI] = "imsi", [TARGET_BSS] = "bss", [TARGET_LAI] = "lai",
	};
	int type;

	(void)state;
	for (type = TARGET_CGI; type <= TARGET_LAI; type++)
		assert_string_equal(target_type_name(type), names[type]);
	assert_null(target_type_name(0));
	assert_null(target_type_name(TARGET_LAI + 1));
}

/* What a store keeps must mean the same ever after. */
static void types_have_the_numbers_that_stores_hold(void **state)
{
	(void)state;
	assert_int_equal(TARGET_CGI, 1);
	assert_int_equal(TARGET_SAI, 2);
	assert_int_equal(TARGET_ECGI, 3);
	assert_int_equal(TARGET_NCGI, 4);
	assert_int_equal(TARGET_IMSI, 5);
	assert_int_equal(TARGET_BSS, 6);
	assert_int_equal(TARGET_LAI, 7);
}

static void a_location_area_makes_a_pattern_of_its_cells(void **state)
{
	struct target cell, lai;
	struct target_pattern p = { .mask = 0xffff0000 };

	(void)state;
	assert_int_equal(target_parse(TARGET_LAI, "001-01-100", 10, &lai, NULL), 0);
	p.t = lai;
	p.t.type = TARGET_CGI;
	assert_int_equal(target_parse(TARGET_CGI, "001-01-100-7", 12, &cell, NULL), 0);
	assert_true(target_matches(&p, &cell));
	assert_int_equal(target_parse(TARGET_CGI, "001-01-101-7", 12, &cell, NULL), 0);
	assert_false(target_matches(&p, &cell));
	assert_int_equal(target_parse(TARGET_CGI, "001-001-100-7", 13, &cell, NULL), 0);
	assert_false(target_matches(&p, &cell));
}

static void a_location_area_is_packed_and_unpacked(void **state)
{
	static const uint8_t want[TARGET_PACKED_LEN] = {
		TARGET_LAI, 2, 0x00, 0x01, 0x00, 0x01, 0, 0, 0, 0, 0x00, 0x64, 0, 0,
	};
	uint8_t packed[TARGET_PACKED_LEN];
	struct target t, back;

	(void)state;
	assert_int_equal(target_parse(TARGET_LAI, "001-01-100", 10, &t, NULL), 0);
	target_pack(&t, packed);
	assert_memory_equal(packed, want, sizeof(want));
	target_unpack(want, &back);
	assert_int_equal(target_compare(&t, &back), 0);
}

static void patterns_match_what_a_peer_leaves_out(void **state)
{
	struct target t = { .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 | 7 };
	struct target_pattern whole = { .t = t, .mask = 0xffffffff };
	struct target_pattern lac = { .t = { .type = TARGET_CGI, .value = 100 << 16 },
				      .mask = 0xffff0000, .any_plmn = true };
	struct target_pattern ci = { .t = { .type = TARGET_CGI, .value = 7 }, .mask = 0xffff, .any_plmn = true };
	struct target_pattern other;

	(void)state;
	assert_true(target_matches(&whole, &t));
	assert_true(target_matches(&lac, &t));
	assert_true(target_matches(&ci, &t));
	other = whole;
	other.t.mnc_digits = 3;
	assert_false(target_matches(&other, &t));
	other = lac;
	other.t.value = 101 << 16;
	assert_false(target_matches(&other, &t));
	other = ci;
	other.t.type = TARGET_SAI;
	assert_false(target_matches(&other, &t));
	other = lac;
	other.any_plmn = false;
	assert_false(target_matches(&other, &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_texts_are_read_and_written_back),
		cmocka_unit_test(malformed_texts_are_refused_with_a_reason),
		cmocka_unit_test(text_is_read_up_to_its_length_only),
		cmocka_unit_test(networks_with_01_and_001_differ),
		cmocka_unit_test(order_is_type_mcc_mnc_digits_value),
		cmocka_unit_test(packed_targets_have_the_documented_octets),
		cmocka_unit_test(values_out_of_range_are_not_valid),
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(types_have_the_numbers_that_stores_hold),
		cmocka_unit_test(a_location_area_makes_a_pattern_of_its_cells),
		cmocka_unit_test(a_location_area_is_packed_and_unpacked),
		cmocka_unit_test(patterns_match_what_a_peer_leaves_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
