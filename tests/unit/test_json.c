/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>
#include <talloc.h>

#include <tocsin/base/json.h>

#define FFFD "\xef\xbf\xbd"

static uint64_t seed_of(uint64_t run)
{
	return run * 0x9e3779b97f4a7c15 + 1;
}

static uint32_t roll(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 16) % below;
}

/* Read strictly what was written: one document, valid UTF-8, nothing behind it. */
static struct json_object *read_back(const struct json *j)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, j->buf, j->len);
	if (json_tokener_get_error(tok) == json_tokener_continue)
		o = json_tokener_parse_ex(tok, "", 1);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    json_tokener_get_parse_end(tok) < (j->len > 1 ? 1u : 0u)) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tok);
	return o;
}

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	return talloc_free(*state);
}

static void assert_json(const struct json *j, const char *expected)
{
	assert_int_equal(j->error, 0);
	assert_int_equal(j->len, strlen(expected));
	assert_memory_equal(j->buf, expected, j->len);
}

static void commas_stand_between_members_only(void **state)
{
	struct json j;

	json_init(&j, *state);
	json_object_begin(&j, NULL);
	json_array_begin(&j, "empty");
	json_array_end(&j);
	json_array_begin(&j, "list");
	json_int(&j, NULL, 1);
	json_object_begin(&j, NULL);
	json_object_end(&j);
	json_null(&j, NULL);
	json_array_end(&j);
	json_boolean(&j, "yes", true);
	json_boolean(&j, "no", false);
	json_object_end(&j);
	assert_json(&j, "{\"empty\":[],\"list\":[1,{},null],\"yes\":true,\"no\":false}");
}

static void numbers_keep_all_their_digits(void **state)
{
	struct json j;

	json_init(&j, *state);
	json_array_begin(&j, NULL);
	json_int(&j, NULL, INT64_MIN);
	json_int(&j, NULL, 0);
	json_int(&j, NULL, INT64_MAX);
	json_array_end(&j);
	assert_json(&j, "[-9223372036854775808,0,9223372036854775807]");
}

static void times_are_utc_text_and_zero_is_null(void **state)
{
	struct json j;

	json_init(&j, *state);
	json_object_begin(&j, NULL);
	json_time(&j, "sent", 1795467900);
	json_time(&j, "ended", 0);
	json_object_end(&j);
	assert_json(&j, "{\"sent\":\"2026-11-23T21:05:00Z\",\"ended\":null}");
}

static void strings_are_escaped_and_repaired(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		const char *expected;
	} cases[] = {
		{ "plain", 5, "\"plain\"" },
		{ "", 0, "\"\"" },
		{ "say \"\\\"", 7, "\"say \\\"\\\\\\\"\"" },
		{ "a\nb\tc\x1b", 6, "\"a\\nb\\u0009c\\u001b\"" },
		{ "\x7f", 1, "\"\\u007f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", 11,
		  "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"" },
		{ "\xff!", 2, "\"" FFFD "!\"" },
		{ "\xe2\x82", 2, "\"" FFFD FFFD "\"" },
		{ "\xed\xa0\x80", 3, "\"" FFFD FFFD FFFD "\"" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json j;

		json_init(&j, *state);
		json_string_n(&j, NULL, cases[i].value, cases[i].len);
		assert_json(&j, cases[i].expected);
	}
}

static void no_string_is_null_and_names_are_escaped(void **state)
{
	struct json j;

	json_init(&j, *state);
	json_object_begin(&j, NULL);
	json_string(&j, "a\"\xff", NULL);
	json_string(&j, "b", "x");
	json_object_end(&j);
	assert_json(&j, "{\"a\\\"" FFFD "\":null,\"b\":\"x\"}");
}

static void nesting_too_deep_is_an_error_not_a_wrong_document(void **state)
{
	struct json j;
	int i;

	json_init(&j, *state);
	for (i = 0; i < JSON_MAX_DEPTH - 1; i++)
		json_array_begin(&j, NULL);
	assert_int_equal(j.error, 0);
	json_array_begin(&j, NULL);
	assert_int_equal(j.error, -EINVAL);
	for (i = 0; i < 2 * JSON_MAX_DEPTH; i++)
		json_array_end(&j);
	json_int(&j, NULL, 1);
	assert_int_equal(j.error, -EINVAL);
}

/* A string of random pieces, some of them no UTF-8, and what must be read back. */
static size_t random_string(uint64_t *seed, char *raw, size_t *raw_len, char *expected)
{
	static const struct {
		const char *raw, *read;
	} pieces[] = {
		{ "a", "a" }, { "\"", "\"" }, { "\\", "\\" }, { "/", "/" }, { "\n", "\n" },
		{ "\r", "\r" },
		{ "\x01", "\x01" }, { "\x1f", "\x1f" }, { "\x7f", "\x7f" },
		{ "\\u0041", "\\u0041" },
		{ "\xc3\xa9", "\xc3\xa9" }, { "\xe2\x80\xa8", "\xe2\x80\xa8" },
		{ "\xf0\x9f\x9a\xa8", "\xf0\x9f\x9a\xa8" }, { FFFD, FFFD },
		{ "\x80", FFFD }, { "\xff", FFFD }, { "\xc0\xaf", FFFD FFFD },
		{ "\xed\xa0\x80", FFFD FFFD FFFD }, { "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD },
		{ "\xe2\x82!", FFFD FFFD "!" }, { "\xf0\x9f\x9a!", FFFD FFFD FFFD "!" },
	};
	uint32_t n = roll(seed, 40);
	size_t len = 0;

	*raw_len = 0;
	while (n--) {
		uint32_t i = roll(seed, sizeof(pieces) / sizeof(pieces[0]));

		memcpy(raw + *raw_len, pieces[i].raw, strlen(pieces[i].raw));
		*raw_len += strlen(pieces[i].raw);
		memcpy(expected + len, pieces[i].read, strlen(pieces[i].read));
		len += strlen(pieces[i].read);
	}
	raw[*raw_len] = '\0';
	expected[len] = '\0';
	return len;
}

static struct json_object *write_value(struct json *j, const char *name, uint64_t *seed,
				       unsigned int depth);

static struct json_object *write_members(struct json *j, uint64_t *seed, unsigned int depth,
					 bool object)
{
	struct json_object *o = object ? json_object_new_object() : json_object_new_array();
	uint32_t i, n = roll(seed, 5);

	for (i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%u\"", i);
		if (object)
			json_object_object_add(o, name, write_value(j, name, seed, depth));
		else
			json_object_array_add(o, write_value(j, NULL, seed, depth));
	}
	return o;
}

/* Write one random value; returns the same as json-c builds it. */
static struct json_object *write_value(struct json *j, const char *name, uint64_t *seed,
				       unsigned int depth)
{
	struct json_object *o = NULL;
	char raw[512], expected[1024];
	size_t raw_len, len;
	int64_t number;

	switch (roll(seed, depth ? 6 : 4)) {
	case 0:
		json_null(j, name);
		return NULL;
	case 1:
		number = (int64_t)*seed;
		json_int(j, name, number);
		return json_object_new_int64(number);
	case 2:
		json_boolean(j, name, *seed & 1);
		return json_object_new_boolean(*seed & 1);
	case 3:
		len = random_string(seed, raw, &raw_len, expected);
		json_string_n(j, name, raw, raw_len);
		return json_object_new_string_len(expected, len);
	case 4:
		json_object_begin(j, name);
		o = write_members(j, seed, depth - 1, true);
		json_object_end(j);
		return o;
	default:
		json_array_begin(j, name);
		o = write_members(j, seed, depth - 1, false);
		json_array_end(j);
		return o;
	}
}

static void random_documents_are_read_back_by_another_reader(void **state)
{
	uint64_t run;

	for (run = 1; run <= 3000; run++) {
		uint64_t seed = seed_of(run);
		struct json_object *written, *read;
		struct json j;

		json_init(&j, *state);
		json_array_begin(&j, NULL);
		written = write_members(&j, &seed, 6, false);
		json_array_end(&j);
		read = read_back(&j);
		if (j.error || !read || !json_object_equal(written, read))
			fail_msg("run %llu: %.*s", (unsigned long long)run, (int)j.len, j.buf);
		json_object_put(written);
		json_object_put(read);
		talloc_free(j.buf);
	}
}

static void any_octets_give_a_document_that_can_be_read(void **state)
{
	uint64_t run;

	for (run = 1; run <= 3000; run++) {
		uint64_t seed = seed_of(run);
		char raw[64];
		size_t i, len = roll(&seed, sizeof(raw));
		struct json_object *read;
		struct json j;

		for (i = 0; i < len; i++)
			raw[i] = roll(&seed, 256);
		json_init(&j, *state);
		json_array_begin(&j, NULL);
		json_string_n(&j, NULL, raw, len);
		json_array_end(&j);
		read = read_back(&j);
		if (!read)
			fail_msg("run %llu: %.*s", (unsigned long long)run, (int)j.len, j.buf);
		json_object_put(read);
		talloc_free(j.buf);
	}
}

static void a_document_drained_in_pieces_is_the_whole_document(void **state)
{
	uint64_t seed = seed_of(7);
	char out[8192];
	struct json whole, pieces;
	size_t len = 0;
	int i;

	json_init(&whole, *state);
	json_init(&pieces, *state);
	json_array_begin(&whole, NULL);
	json_array_begin(&pieces, NULL);
	for (i = 0; i < 200; i++) {
		json_int(&whole, NULL, i * 1000003);
		json_int(&pieces, NULL, i * 1000003);
		len += json_drain(&pieces, out + len, roll(&seed, 30));
	}
	json_array_end(&whole);
	json_array_end(&pieces);
	while (pieces.len)
		len += json_drain(&pieces, out + len, 7);
	assert_int_equal(json_drain(&pieces, out + len, 7), 0);
	assert_int_equal(len, whole.len);
	assert_memory_equal(out, whole.buf, len);
}

static void a_scaled_integer_keeps_all_its_digits(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 0, "0.0000000" }, { 5, "0.0000005" }, { -500000, "-0.0500000" },
		{ 500100000, "50.0100000" }, { -1800000000, "-180.0000000" },
		{ INT64_MIN, "-922337203685.4775808" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json j;

		json_init(&j, NULL);
		json_decimal(&j, NULL, cases[i].value, 7);
		assert_int_equal(j.error, 0);
		assert_int_equal(j.len, strlen(cases[i].text));
		assert_memory_equal(j.buf, cases[i].text, j.len);
		talloc_free(j.buf);
	}
}

static void a_number_has_no_zeros_at_its_end(void **state)
{
	static const struct {
		int64_t value;
		unsigned int scale;
		const char *text;
	} cases[] = {
		{ 0, 7, "0" }, { 5, 7, "0.0000005" }, { -500000, 7, "-0.05" }, { 500100000, 7, "50.01" },
		{ -1800000000, 7, "-180" }, { 1000000000, 7, "100" }, { 1000000001, 7, "100.0000001" },
		{ 20037000000, 3, "20037000" }, { 10, 1, "1" }, { INT64_MIN, 7, "-922337203685.4775808" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json j;

		json_init(&j, *state);
		json_number(&j, NULL, cases[i].value, cases[i].scale);
		assert_json(&j, cases[i].text);
	}
}

static void what_is_json_already_is_taken_as_it_is(void **state)
{
	struct json j;

	json_init(&j, *state);
	json_object_begin(&j, NULL);
	json_raw(&j, "a", "{\"b\":[1,2]}", 11);
	json_raw(&j, "c", "null", 4);
	json_object_end(&j);
	assert_json(&j, "{\"a\":{\"b\":[1,2]},\"c\":null}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_number_has_no_zeros_at_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_json_already_is_taken_as_it_is, setup, teardown),
		cmocka_unit_test(a_scaled_integer_keeps_all_its_digits),
		cmocka_unit_test_setup_teardown(commas_stand_between_members_only, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_keep_all_their_digits, setup, teardown),
		cmocka_unit_test_setup_teardown(times_are_utc_text_and_zero_is_null, setup,
			teardown),
		cmocka_unit_test_setup_teardown(strings_are_escaped_and_repaired, setup, teardown),
		cmocka_unit_test_setup_teardown(no_string_is_null_and_names_are_escaped, setup,
			teardown),
		cmocka_unit_test_setup_teardown(nesting_too_deep_is_an_error_not_a_wrong_document,
			setup,
						teardown),
		cmocka_unit_test_setup_teardown(random_documents_are_read_back_by_another_reader,
			setup,
						teardown),
		cmocka_unit_test_setup_teardown(any_octets_give_a_document_that_can_be_read,
			setup, teardown),
		cmocka_unit_test_setup_teardown(a_document_drained_in_pieces_is_the_whole_document, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
