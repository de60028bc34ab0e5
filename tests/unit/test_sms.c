/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/codec/gsm7.h>
#include <tocsin/codec/sms.h>

#include "gsm7_read.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SIREN "\xf0\x9f\x9a\xa8"	/* U+1F6A8: a surrogate pair */

static uint32_t roll(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 16) % below;
}

/* iconv's word on what some octets say; false if they are no whole characters. */
static bool convert(const char *from, const uint8_t *octets, size_t n, char *out, size_t size)
{
	iconv_t cd = iconv_open("UTF-8", from);
	char *in = (char *)octets;
	size_t left = size - 1;
	bool whole;

	assert_true(cd != (iconv_t)-1);
	whole = iconv(cd, &in, &n, &out, &left) == 0 && n == 0;
	*out = '\0';
	iconv_close(cd);
	return whole;
}

/* What a phone shows of one septet string: code points of the test's own table, as UTF-32. */
static bool septets_text(const struct sms_part *part, char *out, size_t size)
{
	uint8_t utf32[SMS_SEPTETS * 4];
	size_t i, n = 0;

	for (i = 0; i < part->len; i++) {
		bool escaped = part->octets[i] == GSM7_ESCAPE;
		int32_t cp;

		if (escaped && ++i == part->len)
			return false;
		cp = gsm7_character(part->octets[i], escaped);
		if (cp < 0)
			return false;
		utf32[n++] = 0;
		utf32[n++] = 0;
		utf32[n++] = cp >> 8;
		utf32[n++] = cp & 0xff;
	}
	return convert("UTF-32BE", utf32, n, out, size);
}

static bool part_text(const struct sms_text *sms, size_t nr, char *out, size_t size)
{
	if (sms->alphabet == SMS_GSM7)
		return septets_text(&sms->part[nr], out, size);
	return convert("UTF-16BE", sms->part[nr].octets, sms->part[nr].len, out, size);
}

static size_t limit_of(const struct sms_text *sms)
{
	if (sms->alphabet == SMS_GSM7)
		return sms->n > 1 ? 153 : 160;
	return sms->n > 1 ? 134 : 140;
}

/* Every part alone has its room and whole characters.
 * \returns what is read of them, one after the other. */
static const char *read_parts(const struct sms_text *sms, const char *what)
{
	static char all[16384];
	size_t nr, len = 0;

	for (nr = 0; nr < sms->n; nr++) {
		if (sms->part[nr].len < 1 || sms->part[nr].len > limit_of(sms))
			fail_msg("%s: part %zu has %u octets", what, nr, sms->part[nr].len);
		if (!part_text(sms, nr, all + len, sizeof(all) - len))
			fail_msg("%s: part %zu splits a character", what, nr);
		len += strlen(all + len);
	}
	return all;
}

static struct sms_text split(const char *text, unsigned int max_parts)
{
	struct sms_text sms;

	assert_int_equal(sms_split(text, max_parts, &sms, NULL), 0);
	assert_in_range(sms.n, 1, max_parts);
	return sms;
}

/* n times the same text. */
static const char *repeat(const char *text, size_t n)
{
	static char buf[16384];
	size_t len = strlen(text), i;

	assert_true(n * len < sizeof(buf));
	for (i = 0; i < n; i++)
		memcpy(buf + i * len, text, len);
	buf[n * len] = '\0';
	return buf;
}

static void known_texts_have_their_octets(void **state)
{
	static const struct {
		const char *text, *packed;
		size_t len;
	} cases[] = {
		{ "hello", "\xe8\x32\x9b\xfd\x06", 5 },
		{ "Warning!", "\xd7\xb0\xdc\x9d\x76\x9f\x43", 7 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct sms_text sms = split(cases[i].text, 1);
		uint8_t packed[140];

		assert_int_equal(sms.alphabet, SMS_GSM7);
		assert_int_equal(gsm7_pack(sms.part[0].octets, sms.part[0].len, packed),
				 cases[i].len);
		assert_memory_equal(packed, cases[i].packed, cases[i].len);
	}
}

static void septets_are_no_ascii(void **state)
{
	struct sms_text sms = split("@$_x\xc3\xa9\xce\xa9", 1);

	(void)state;
	assert_int_equal(sms.alphabet, SMS_GSM7);
	assert_int_equal(sms.part[0].len, 6);
	assert_memory_equal(sms.part[0].octets, "\x00\x02\x11\x78\x05\x15", 6);
}

static void ucs2_is_big_endian(void **state)
{
	struct sms_text sms = split("h\xd0\xb6" SIREN, 1);

	(void)state;
	assert_int_equal(sms.alphabet, SMS_UCS2);
	assert_int_equal(sms.part[0].len, 8);
	assert_memory_equal(sms.part[0].octets, "\x00\x68\x04\x36\xd8\x3d\xde\xa8", 8);
}

/* The header, one bit of filling, then the septets: what the centre sends of a part. */
static void a_header_stands_before_its_septets(void **state)
{
	static const uint8_t expected[] = "\x05\x00\x03\x07\x02\x01\xd0\x65\x36\xfb\x0d";
	struct sms_text sms = split("hello", 1);
	uint8_t out[11] = { 0 };
	size_t i;

	(void)state;
	sms_udh(7, 2, 1, out);
	for (i = 0; i < 7 * 5u; i++)
		out[(49 + i) / 8] |= (sms.part[0].octets[i / 7] >> i % 7 & 1) << (49 + i) % 8;
	assert_memory_equal(out, expected, sizeof(out));
	sms_udh(255, 15, 15, out);
	assert_memory_equal(out, "\x05\x00\x03\xff\x0f\x0f", SMS_UDH_LEN);
}

/* Which code points a phone has septets for. */
static void read_alphabet(bool has[0x10000])
{
	unsigned int septet;

	for (septet = 0; septet < 128; septet++) {
		int32_t plain = gsm7_character(septet, false);
		int32_t escaped = gsm7_character(septet, true);

		if (plain > 0)
			has[plain] = true;
		if (escaped > 0)
			has[escaped] = true;
	}
}

static void the_alphabet_follows_from_the_code_points(void **state)
{
	static bool has[0x10000];
	int32_t cp;

	(void)state;
	read_alphabet(has);
	for (cp = '!'; cp < 0x10000; cp++) {
		char text[16];
		struct sms_text sms;
		uint8_t utf32[] = { 0, 0, cp >> 8, cp & 0xff };

		/* Blanks and surrogates are no text. */
		if (!convert("UTF-32BE", utf32, 4, text, sizeof(text)) ||
		    sms_split(text, 1, &sms, NULL) < 0)
			continue;
		if ((sms.alphabet == SMS_GSM7) != has[cp])
			fail_msg("U+%04x is in the wrong alphabet", cp);
		if (strcmp(read_parts(&sms, text), text))
			fail_msg("U+%04x is read as another character", cp);
	}
}

static void the_extension_table_costs_two(void **state)
{
	static const char *const characters[] = {
		"€", "[", "]", "{", "}", "\\", "^", "~", "|",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(characters); i++) {
		struct sms_text sms = split(characters[i], 1);

		assert_int_equal(sms.alphabet, SMS_GSM7);
		assert_int_equal(sms.part[0].len, 2);
		assert_int_equal(sms.part[0].octets[0], GSM7_ESCAPE);
	}
}

static void texts_take_their_parts(void **state)
{
	static const struct {
		const char *what, *piece;
		size_t times, n, first, last;
	} cases[] = {
		{ "one character", "x", 1, 1, 1, 1 },
		{ "153 characters", "x", 153, 1, 153, 153 },
		{ "160 characters", "x", 160, 1, 160, 160 },
		{ "161 characters", "x", 161, 2, 153, 8 },
		{ "306 characters", "x", 306, 2, 153, 153 },
		{ "307 characters", "x", 307, 3, 153, 1 },
		{ "2,295 characters", "x", 2295, 15, 153, 153 },
		{ "80 euros", "€", 80, 1, 160, 160 },
		{ "81 euros", "€", 81, 2, 152, 10 },
		{ "1,140 euros", "€", 1140, 15, 152, 152 },
		{ "67 Cyrillic", "ж", 67, 1, 134, 134 },
		{ "70 Cyrillic", "ж", 70, 1, 140, 140 },
		{ "71 Cyrillic", "ж", 71, 2, 134, 8 },
		{ "135 Cyrillic", "ж", 135, 3, 134, 2 },
		{ "1,005 Cyrillic", "ж", 1005, 15, 134, 134 },
		{ "35 sirens", SIREN, 35, 1, 140, 140 },
		{ "36 sirens", SIREN, 36, 2, 132, 12 },
		{ "495 sirens", SIREN, 495, 15, 132, 132 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = repeat(cases[i].piece, cases[i].times);
		struct sms_text sms = split(text, SMS_MAX_PARTS);

		if (sms.n != cases[i].n || sms.part[0].len != cases[i].first ||
		    sms.part[sms.n - 1].len != cases[i].last || sms.cut ||
		    sms.text_octets != strlen(text))
			fail_msg("%s: %u parts of %u to %u", cases[i].what, sms.n, sms.part[0].len,
				 sms.part[sms.n - 1].len);
		if (strcmp(read_parts(&sms, cases[i].what), text))
			fail_msg("%s: something else is read", cases[i].what);
	}
}

/* A character of two units behind every number of characters of one, up to the third border. */
static void no_border_splits_a_character(const char *one, const char *two, size_t per_part)
{
	char text[8192], what[32];
	size_t before;

	for (before = 0; before <= 3 * per_part + 1; before++) {
		struct sms_text sms;

		snprintf(text, sizeof(text), "%s%s%s", repeat(one, before), two, one);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
			 repeat(one, per_part));
		snprintf(what, sizeof(what), "behind %zu", before);
		sms = split(text, SMS_MAX_PARTS);
		if (sms.cut || strcmp(read_parts(&sms, what), text))
			fail_msg("%s: something else is read", what);
	}
}

static void no_border_splits_an_escape_pair(void **state)
{
	(void)state;
	no_border_splits_a_character("x", "€", 153);
	no_border_splits_a_character("x", "[", 160);
}

static void no_border_splits_a_surrogate_pair(void **state)
{
	(void)state;
	no_border_splits_a_character("ж", SIREN, 67);
	no_border_splits_a_character("ж", SIREN, 70);
}

static void a_text_too_long_ends_behind_a_word(void **state)
{
	static const struct {
		const char *what, *piece;
		size_t times;
		const char *tail;
		unsigned int max_parts;
		size_t octets;
	} cases[] = {
		{ "a word that does not fit", "ninechars ", 15, "thirteenchars", 1, 149 },
		{ "a word that just fits", "ninechars ", 15, "tenletters more", 1, 160 },
		{ "the last of two parts", "ninechars ", 30, "sevenxx", 2, 299 },
		{ "Cyrillic", "девять ", 9, "двенадцатьдв", 1, 9 * 13 - 1 },
		{ "a word longer than a part", "x", 161, "", 1, 160 },
		{ "a word longer than all parts", "x", 500, "", 2, 306 },
		{ "a pair that does not fit", "x", 159, "€", 1, 159 },
		{ "sirens", SIREN, 80, "", 2, 66 * 4 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char text[4096];
		struct sms_text sms;

		snprintf(text, sizeof(text), "%s%s", repeat(cases[i].piece, cases[i].times),
			 cases[i].tail);
		sms = split(text, cases[i].max_parts);
		if (!sms.cut || sms.text_octets != cases[i].octets)
			fail_msg("%s: ends at %zu", cases[i].what, sms.text_octets);
		text[cases[i].octets] = '\0';
		if (strcmp(read_parts(&sms, cases[i].what), text))
			fail_msg("%s: something else is read", cases[i].what);
	}
}

/* A script without blanks, or an address: not much is given up for a whole word. */
static void a_long_word_at_the_end_is_cut_within(void **state)
{
	static const struct {
		const char *what, *words;
		size_t n;
		const char *piece;
		unsigned int max_parts;
		size_t octets;
	} cases[] = {
		{ "more than a part", "ab ", 101, "x", 3, 459 },
		{ "just a part", "ab ", 102, "x", 3, 305 },
		{ "more than half", "ab ", 26, "x", 1, 160 },
		{ "less than half", "ab ", 27, "x", 1, 80 },
		{ "Chinese", "警报 ", 1, "警", 1, 7 + 67 * 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char text[4096];
		struct sms_text sms;

		snprintf(text, sizeof(text), "%s", repeat(cases[i].words, cases[i].n));
		strcat(text, repeat(cases[i].piece, 200));
		sms = split(text, cases[i].max_parts);
		if (!sms.cut || sms.text_octets != cases[i].octets)
			fail_msg("%s: ends at %zu", cases[i].what, sms.text_octets);
		text[cases[i].octets] = '\0';
		if (strcmp(read_parts(&sms, cases[i].what), text))
			fail_msg("%s: something else is read", cases[i].what);
	}
}

/* Its rest behind many blanks does not fit: what is left needs no header any more. */
static void a_text_cut_to_one_part_is_one_part(void **state)
{
	char text[1024];
	struct sms_text sms;

	(void)state;
	snprintf(text, sizeof(text), "all%300s%s", "", "that was not said");
	sms = split(text, 2);
	assert_true(sms.cut);
	assert_int_equal(sms.n, 1);
	assert_int_equal(sms.text_octets, 3);
	assert_string_equal(read_parts(&sms, "cut"), "all");
}

static void white_space_is_made_fit_for_phones(void **state)
{
	static const struct {
		const char *text, *read;
	} cases[] = {
		{ "a\r\nb", "a\nb" }, { "a\rb", "a\nb" }, { "a\n\rb", "a\n\nb" }, { "a\tb", "a b" },
		{ " \t\r\n a b \r\n", "a b" }, { "\xc2\xa0x\xe3\x80\x80", "x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct sms_text sms = split(cases[i].text, 1);

		assert_int_equal(sms.alphabet, SMS_GSM7);
		assert_string_equal(read_parts(&sms, cases[i].read), cases[i].read);
	}
}

static void what_is_no_text_is_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned int max_parts;
	} cases[] = {
		{ "", 1 }, { " \r\n\t", 1 }, { "\xc2\xa0", 1 }, { "\xff", 1 }, { "abc\xc3", 15 },
		{ "\xed\xa0\x80", 1 }, { "x", 0 }, { "x", 16 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct sms_text sms;
		struct problem problem = { 0 };

		assert_int_equal(sms_split(cases[i].text, cases[i].max_parts, &sms, &problem),
				 -EINVAL);
		assert_int_equal(problem.code, PROBLEM_CONTENT_TEXT);
		assert_true(problem.detail[0]);
	}
}

/* A random text of words shorter than a part, and how it is to be read. */
static void random_text(uint64_t *seed, char *text, char *read, bool wide)
{
	static const char *const pieces[] = {
		"x", "word", "@", "€", "[", "ß", "extraordinarily", "ж", SIREN, "警",
	};
	static const char *const blanks[] = { " ", "\n", "\r\n", "\t" };
	static const char *const read_as[] = { " ", "\n", "\n", " " };
	size_t words = 1 + roll(seed, wide ? 130 : 300);

	while (words--) {
		const char *first = pieces[roll(seed, wide ? 10 : 7)];
		const char *second = pieces[roll(seed, wide ? 10 : 7)];
		size_t blank = roll(seed, ARRAY_LEN(blanks));

		text += sprintf(text, "%s%s%s", first, second, words ? blanks[blank] : "");
		read += sprintf(read, "%s%s%s", first, second, words ? read_as[blank] : "");
	}
}

static void random_texts_arrive_whole_or_cut_at_a_word(void **state)
{
	unsigned int cut = 0, whole = 0;
	uint64_t run;

	(void)state;
	for (run = 1; run <= 3000; run++) {
		static char text[16384], read[16384];
		uint64_t seed = run * 0x9e3779b97f4a7c15;
		unsigned int max_parts = 1 + roll(&seed, SMS_MAX_PARTS);
		struct sms_text sms;
		const char *got, *rest;
		char what[32];

		snprintf(what, sizeof(what), "run %u", (unsigned int)run);
		random_text(&seed, text, read, run & 1);
		sms = split(text, max_parts);
		got = read_parts(&sms, what);
		rest = read + strlen(got);
		if (strncmp(got, read, strlen(got)))
			fail_msg("%s: something else is read", what);
		if (sms.cut ? !strchr(" \n", *rest) || strchr(" \n", rest[-1]) : *rest)
			fail_msg("%s: the text ends at \"%.10s\"", what, rest);
		if (sms.cut ? !strchr(" \t\r\n", text[sms.text_octets]) : text[sms.text_octets])
			fail_msg("%s: text_octets is wrong", what);
		if (sms.cut && sms.n < max_parts)
			fail_msg("%s: cut too early", what);
		*(sms.cut ? &cut : &whole) += 1;
	}
	assert_true(cut > 100 && whole > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_have_their_octets),
		cmocka_unit_test(septets_are_no_ascii),
		cmocka_unit_test(ucs2_is_big_endian),
		cmocka_unit_test(a_header_stands_before_its_septets),
		cmocka_unit_test(the_alphabet_follows_from_the_code_points),
		cmocka_unit_test(the_extension_table_costs_two),
		cmocka_unit_test(texts_take_their_parts),
		cmocka_unit_test(no_border_splits_an_escape_pair),
		cmocka_unit_test(no_border_splits_a_surrogate_pair),
		cmocka_unit_test(a_text_too_long_ends_behind_a_word),
		cmocka_unit_test(a_long_word_at_the_end_is_cut_within),
		cmocka_unit_test(a_text_cut_to_one_part_is_one_part),
		cmocka_unit_test(white_space_is_made_fit_for_phones),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(random_texts_arrive_whole_or_cut_at_a_word),
	};

	return cmocka_run_group_tests_name("sms", tests, NULL, NULL);
}
