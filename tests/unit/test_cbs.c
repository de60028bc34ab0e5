/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/base/text.h>
#include <tocsin/codec/cbs.h>
#include <tocsin/codec/gsm7.h>

#include "gsm7_read.h"

#define SIREN "\xf0\x9f\x9a\xa8"	/* U+1F6A8: a surrogate pair */

static uint32_t roll(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 16) % below;
}

/* What a phone does with the pages (3GPP TS 23.038, 6.1.2.2): characters one after the other,
 * without the CRs at the end of each page. */
struct phone {
	int32_t cp[CBS_MAX_PAGES * CBS_PAGE_SEPTETS];
	size_t n;
};

static size_t page_units(const struct cbs_pages *pages, size_t nr, uint16_t *units)
{
	const uint8_t *octets = pages->page[nr].octets;
	size_t i, n = pages->dcs == CBS_DCS_UCS2 ? CBS_PAGE_UCS2 : CBS_PAGE_SEPTETS;
	uint8_t septets[CBS_PAGE_SEPTETS];

	if (n == CBS_PAGE_SEPTETS)
		gsm7_read(octets, n, septets);
	for (i = 0; i < n; i++)
		units[i] = n == CBS_PAGE_UCS2 ? octets[2 * i] << 8 | octets[2 * i + 1] : septets[i];
	while (n && units[n - 1] == 0x0d)
		n--;
	return n;
}

static void phone_reads(struct phone *phone, const struct cbs_pages *pages)
{
	size_t nr, i;

	phone->n = 0;
	for (nr = 0; nr < pages->n; nr++) {
		uint16_t u[CBS_PAGE_SEPTETS];
		size_t n = page_units(pages, nr, u);

		for (i = 0; i < n; i++) {
			int32_t cp = u[i];

			if (pages->dcs != CBS_DCS_UCS2) {
				bool escaped = u[i] == GSM7_ESCAPE;

				i += escaped;
				cp = i < n ? gsm7_character(u[i], escaped) : -1;
			} else if ((u[i] & 0xfc00) == 0xd800) {
				i++;
				cp = i < n ?
				  0x10000 + ((u[i - 1] & 0x3ff) << 10 | (u[i] & 0x3ff)) : -1;
			}
			phone->cp[phone->n++] = cp;
		}
	}
}

static void assert_phone_reads(const struct cbs_pages *pages, const char *text)
{
	const char *p = text, *end = text + strlen(text);
	struct phone phone;
	size_t i;

	phone_reads(&phone, pages);
	for (i = 0; i < phone.n; i++)
		assert_int_equal(phone.cp[i], text_utf8_next(&p, end));
	assert_ptr_equal(p, end);
}

static struct cbs_pages paginate(const char *text)
{
	struct cbs_pages pages;

	assert_int_equal(cbs_paginate(text, "en", &pages, NULL), 0);
	return pages;
}

/* n times the same text. */
static const char *repeat(const char *text, size_t n)
{
	static char buf[16384];
	size_t len = strlen(text);

	buf[0] = '\0';
	for (; n--; memcpy(buf + strlen(buf), text, len + 1))
		assert_true(strlen(buf) + len < sizeof(buf));
	return buf;
}

static void serial_numbers_have_their_bits(void **state)
{
	static const struct {
		enum cbs_scope scope;
		uint16_t code;
		uint8_t update;
		uint16_t serial;
	} cases[] = {
		{ CBS_SCOPE_CELL_IMMEDIATE, 0, 0, 0x0000 }, { CBS_SCOPE_PLMN, 0, 0, 16384 },
		{ CBS_SCOPE_PLMN, 1, 0, 16400 }, { CBS_SCOPE_PLMN, 0, 1, 16385 },
		{ CBS_SCOPE_AREA, 0x155, 9, 0x9559 }, { CBS_SCOPE_CELL, 1023, 15, 0xffff },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cbs_serial(cases[i].scope, cases[i].code, cases[i].update),
		  cases[i].serial);
	}
	/* A number too large does not spill into its neighbour. */
	assert_int_equal(cbs_serial(CBS_SCOPE_PLMN, 1024, 16), 16384);
}

static void languages_have_their_coding_scheme(void **state)
{
	static const struct {
		const char *language;
		uint8_t dcs;
	} cases[] = {
		{ "de", 0x00 }, { "en", 0x01 }, { "it", 0x02 }, { "fr", 0x03 }, { "es", 0x04 },
		{ "nl", 0x05 }, { "sv", 0x06 }, { "da", 0x07 }, { "pt", 0x08 }, { "fi", 0x09 },
		{ "no", 0x0a }, { "el", 0x0b }, { "tr", 0x0c }, { "hu", 0x0d }, { "pl", 0x0e },
		{ "cs", 0x20 }, { "he", 0x21 }, { "ar", 0x22 }, { "ru", 0x23 }, { "is", 0x24 },
		{ "nb", 0x0a }, { "nn-NO", 0x0a }, { "en-US", 0x01 }, { "DE-at", 0x00 },
		{ "pt-BR", 0x08 },
		{ NULL, 0x0f }, { "", 0x0f }, { "-", 0x0f }, { "e", 0x0f }, { "eng", 0x0f },
		{ "enx-US", 0x0f },
		{ "uk", 0x0f }, { "x-en", 0x0f }, { "und", 0x0f }, { "-en", 0x0f },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cbs_pages pages;

		assert_int_equal(cbs_paginate("x", cases[i].language, &pages, NULL), 0);
		if (pages.dcs != cases[i].dcs)
			fail_msg("%s", cases[i].language ? cases[i].language : "no language");
	}
}

static void a_short_text_is_one_page_padded_with_cr(void **state)
{
	/* "hello", then CR septets: 8d 46 a3 d1 68 34 1a over and over. */
	static const uint8_t expected[CBS_PAGE_OCTETS] = {
		0xe8, 0x32, 0x9b, 0xfd, 0x6e, 0x34, 0x1a, 0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a,
		0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a, 0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a,
		0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a, 0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a,
		0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a, 0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a,
		0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a, 0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a,
		0x8d, 0x46, 0xa3, 0xd1, 0x68, 0x34, 0x1a, 0x8d, 0x46, 0xa3, 0xd1, 0x00,
	};
	struct cbs_pages pages = paginate("hello");

	(void)state;
	assert_int_equal(pages.n, 1);
	assert_int_equal(pages.dcs, 0x01);
	assert_int_equal(pages.page[0].used, 5);
	assert_int_equal(pages.text_octets, 5);
	assert_false(pages.cut);
	assert_memory_equal(pages.page[0].octets, expected, sizeof(expected));
}

static void a_character_outside_the_alphabet_makes_it_ucs2(void **state)
{
	struct cbs_pages pages = paginate("1" SIREN "ж");
	size_t i;

	(void)state;
	assert_int_equal(pages.n, 1);
	assert_int_equal(pages.dcs, CBS_DCS_UCS2);
	assert_int_equal(pages.page[0].used, 8);
	assert_int_equal(pages.text_octets, 7);
	assert_memory_equal(pages.page[0].octets, "\x00\x31\xd8\x3d\xde\xa8\x04\x36", 8);
	for (i = 8; i < CBS_PAGE_OCTETS; i += 2)
		assert_memory_equal(pages.page[0].octets + i, "\x00\x0d", 2);
}

static void texts_take_their_pages(void **state)
{
	static const struct {
		const char *what, *piece;
		size_t times, n;
		unsigned int last_used;
	} cases[] = {
		{ "one character", "x", 1, 1, 1 },
		{ "40 characters", "x", 40, 1, 35 },
		{ "92 characters", "x", 92, 1, 81 },
		{ "93 characters", "x", 93, 1, 82 },
		{ "94 characters", "x", 94, 2, 1 },
		{ "186 characters", "x", 186, 2, 82 },
		{ "187 characters", "x", 187, 3, 1 },
		{ "1,395 characters", "x", 1395, 15, 82 },
		{ "46 euros", "€", 46, 1, 81 },
		/* the pair that would begin at septet 93 moves on */
		{ "47 euros", "€", 47, 2, 2 },
		{ "690 euros", "€", 690, 15, 81 },
		{ "40 Cyrillic", "ж", 40, 1, 80 },
		{ "41 Cyrillic", "ж", 41, 1, 82 },
		{ "42 Cyrillic", "ж", 42, 2, 2 },
		{ "615 Cyrillic", "ж", 615, 15, 82 },
		{ "20 sirens", SIREN, 20, 1, 80 },
		/* the pair that would begin at unit 41 moves on */
		{ "21 sirens", SIREN, 21, 2, 4 },
		{ "300 sirens", SIREN, 300, 15, 80 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = repeat(cases[i].piece, cases[i].times);
		struct cbs_pages pages = paginate(text);

		if (pages.n != cases[i].n || pages.page[pages.n - 1].used != cases[i].last_used ||
		    pages.cut || pages.text_octets != strlen(text))
			fail_msg("%s: %u pages, last with %u octets", cases[i].what, pages.n,
				 pages.page[pages.n - 1].used);
		assert_phone_reads(&pages, text);
	}
}

static void an_escape_pair_is_not_split(void **state)
{
	char text[128];
	struct cbs_pages pages;
	uint8_t septets[CBS_PAGE_SEPTETS];

	(void)state;
	snprintf(text, sizeof(text), "%s€x", repeat("x", 92));
	pages = paginate(text);
	assert_int_equal(pages.n, 2);
	assert_int_equal(pages.page[0].used, 81);
	gsm7_read(pages.page[0].octets, CBS_PAGE_SEPTETS, septets);
	assert_int_equal(septets[91], 'x');
	assert_int_equal(septets[92], 0x0d);
	gsm7_read(pages.page[1].octets, CBS_PAGE_SEPTETS, septets);
	assert_memory_equal(septets, "\x1b\x65x\r", 4);
	assert_phone_reads(&pages, text);
}

static void a_surrogate_pair_is_not_split(void **state)
{
	char text[256];
	struct cbs_pages pages;

	(void)state;
	snprintf(text, sizeof(text), "%s" SIREN "x", repeat("ж", 40));
	pages = paginate(text);
	assert_int_equal(pages.n, 2);
	assert_int_equal(pages.page[0].used, 80);
	assert_memory_equal(pages.page[0].octets + 80, "\x00\x0d", 2);
	assert_memory_equal(pages.page[1].octets, "\xd8\x3d\xde\xa8\x00x\x00\x0d", 8);
	assert_phone_reads(&pages, text);
}

static void a_text_too_long_ends_behind_a_word(void **state)
{
	char text[4096];
	struct cbs_pages pages;

	(void)state;
	/* 139 words of ten with their space are 1,390 septets; "fifteen" does not fit behind. */
	snprintf(text, sizeof(text), "%sfifteen", repeat("ninechars ", 139));
	pages = paginate(text);
	assert_true(pages.cut);
	assert_int_equal(pages.n, 15);
	assert_int_equal(pages.text_octets, 1389);
	text[1389] = '\0';
	assert_phone_reads(&pages, text);
}

static void a_cut_takes_the_last_word_that_just_fits(void **state)
{
	char text[4200], expected[4096];
	struct cbs_pages pages;

	(void)state;
	snprintf(expected, sizeof(expected), "%sfives", repeat("ninechars ", 139));
	snprintf(text, sizeof(text), "%s more", expected);
	pages = paginate(text);
	assert_true(pages.cut);
	assert_int_equal(pages.text_octets, 1395);
	assert_phone_reads(&pages, expected);
}

static void a_cut_that_loses_whole_pages_leaves_them_out(void **state)
{
	char text[4096];
	struct cbs_pages pages;
	size_t words = strlen(repeat("ninechars ", 130));

	(void)state;
	/* The blanks behind the last word are more than a page, the word behind them is cut off. */
	snprintf(text, sizeof(text), "%s%90s%90s%s", repeat("ninechars ", 130), "", "",
		"1234567890123456789012345678901234567890");
	pages = paginate(text);
	assert_true(pages.cut);
	assert_int_equal(pages.text_octets, words - 1);
	assert_int_equal(pages.n, 14);
	text[words - 1] = '\0';
	assert_phone_reads(&pages, text);
}

static void a_word_longer_than_a_page_is_cut_within(void **state)
{
	static const struct {
		const char *head, *piece;
		size_t times, octets;
	} cases[] = {
		{ "", "x", 1396, 1395 },
		{ "two words ", "x", 1396, 1395 },
		{ "", "€", 691, 690 * 3 },
		{ "", "警", 616, 615 * 3 },
		{ "", SIREN, 301, 300 * 4 },
		{ "警报 ", "警", 1000, 7 + 612 * 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[8192];
		struct cbs_pages pages;

		snprintf(text, sizeof(text), "%s%s", cases[i].head, repeat(cases[i].piece,
			cases[i].times));
		pages = paginate(text);
		assert_true(pages.cut);
		assert_int_equal(pages.n, 15);
		assert_int_equal(pages.text_octets, cases[i].octets);
		text[cases[i].octets] = '\0';
		assert_phone_reads(&pages, text);
	}
}

/* Of the last word just a page's worth fits, or one septet more. */
static void a_word_is_given_up_only_if_it_is_at_most_a_page(void **state)
{
	char head[2048], text[4096];
	struct cbs_pages pages;

	(void)state;
	snprintf(head, sizeof(head), "%s", repeat("x", 1395 - 93 - 1));
	snprintf(text, sizeof(text), "%s %s", head, repeat("y", 200));
	pages = paginate(text);
	assert_true(pages.cut);
	assert_int_equal(pages.text_octets, strlen(head));

	snprintf(text, sizeof(text), "%s %s", head + 1, repeat("y", 200));
	pages = paginate(text);
	assert_true(pages.cut);
	assert_int_equal(pages.text_octets, 1395);
}

static void white_space_is_made_fit_for_phones(void **state)
{
	static const struct {
		const char *text, *read;
		size_t octets;
	} cases[] = {
		{ "a\r\nb", "a\nb", 4 }, { "a\rb", "a\nb", 3 }, { "a\n\rb", "a\n\nb", 4 },
		{ "a\r\r\nb", "a\n\nb", 5 }, { "a\tb", "a b", 3 },
		{ " \t\r\n a b \r\n", "a b", 8 }, { "\xc2\xa0x\xe3\x80\x80", "x", 3 },
		{ "\xef\xbb\xbfx", "x", 4 }, { "a\r", "a", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cbs_pages pages = paginate(cases[i].text);

		assert_int_equal(pages.dcs, 0x01);
		assert_int_equal(pages.text_octets, cases[i].octets);
		assert_phone_reads(&pages, cases[i].read);
	}
}

static void a_line_break_at_the_end_of_a_page_stays(void **state)
{
	char text[256], expected[256];
	struct cbs_pages pages;

	(void)state;
	snprintf(text, sizeof(text), "%s\r\nend", repeat("x", 92));
	snprintf(expected, sizeof(expected), "%s\nend", repeat("x", 92));
	pages = paginate(text);
	assert_int_equal(pages.n, 2);
	assert_phone_reads(&pages, expected);
}

static void blanks_decide_the_alphabet_only_within_the_text(void **state)
{
	(void)state;
	assert_int_equal(paginate("a\xc2\xa0").dcs, 0x01);
	assert_int_equal(paginate("\xe2\x80\x89" "a").dcs, 0x01);
	assert_int_equal(paginate("a\xc2\xa0" "b").dcs, CBS_DCS_UCS2);
	assert_int_equal(paginate("a\xc2\xa0 b").dcs, CBS_DCS_UCS2);
	assert_int_equal(paginate("\xc2\xa0" "a b").dcs, 0x01);
}

static void what_is_no_text_is_refused(void **state)
{
	static const char *const cases[] = {
		"", " ", "\r\n\t ", "\xc2\xa0\xe3\x80\x80", "\xff", "abc\xc3", "\xed\xa0\x80",
		  "a \xc0\xaf b",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cbs_pages pages;
		struct problem problem = { 0 };

		assert_int_equal(cbs_paginate(cases[i], "en", &pages, &problem), -EINVAL);
		assert_int_equal(problem.code, PROBLEM_CONTENT_TEXT);
		assert_true(problem.detail[0]);
	}
}

/* A random text of words shorter than a page, and how it is to be read. */
static void random_text(uint64_t *seed, char *text, char *read, bool wide)
{
	static const char *const parts[] = {
		"x", "word", "@", "€", "[", "ß", "extraordinarily", "ж", SIREN, "警",
	};
	static const struct {
		const char *sent, *read;
	} blanks[] = { { " ", " " }, { "\n", "\n" }, { "\r\n", "\n" }, { "\t", " " },
	  { " \r", " \n" } };
	size_t words = 1 + roll(seed, wide ? 130 : 300);

	text[0] = read[0] = '\0';
	while (words--) {
		const char *first = parts[roll(seed, wide ?
		  10 : 7)], *second = parts[roll(seed, wide ? 10 : 7)];
		size_t blank = roll(seed, 5);

		text += sprintf(text, "%s%s%s", first, second, words ? blanks[blank].sent : "");
		read += sprintf(read, "%s%s%s", first, second, words ? blanks[blank].read : "");
	}
}

static void check_page(const struct cbs_pages *pages, size_t nr, uint64_t run)
{
	uint16_t u[CBS_PAGE_SEPTETS];
	size_t n = page_units(pages, nr, u);
	bool wide = pages->dcs == CBS_DCS_UCS2;
	size_t used = wide ? 2 * n : (7 * n + 7) / 8;

	if (!n || pages->page[nr].used != used)
		fail_msg("run %llu: page %zu uses %zu octets, not %u", (unsigned long long)run,
			nr, used,
			 pages->page[nr].used);
	if (wide ? (u[n - 1] & 0xfc00) == 0xd800 : u[n - 1] == GSM7_ESCAPE &&
		(n < 2 || u[n - 2] != GSM7_ESCAPE))
		fail_msg("run %llu: a pair is split behind page %zu", (unsigned long long)run, nr);
}

static void random_texts_arrive_whole_or_cut_at_a_word(void **state)
{
	unsigned int cut = 0, whole = 0;
	uint64_t run;

	(void)state;
	for (run = 1; run <= 4000; run++) {
		static char text[16384], read[16384];
		uint64_t seed = run * 0x9e3779b97f4a7c15;
		struct cbs_pages pages;
		struct phone phone;
		const char *p = read;
		size_t i;

		random_text(&seed, text, read, run & 1);
		assert_int_equal(cbs_paginate(text, NULL, &pages, NULL), 0);
		for (i = 0; i < pages.n; i++)
			check_page(&pages, i, run);
		phone_reads(&phone, &pages);
		for (i = 0; i < phone.n; i++) {
			if (phone.cp[i] != text_utf8_next(&p, read + strlen(read)))
				fail_msg("run %llu: character %zu differs",
					(unsigned long long)run, i);
		}
		if (pages.cut ? !strchr(" \n", *p) || strchr(" \n", p[-1]) : *p)
			fail_msg("run %llu: the text ends at \"%.10s\"", (unsigned long long)run,
				p);
		if (pages.cut ?
			!strchr(" \t\r\n", text[pages.text_octets]) : text[pages.text_octets])
			fail_msg("run %llu: text_octets is wrong", (unsigned long long)run);
		if (pages.cut && pages.n < 15)
			fail_msg("run %llu: cut too early", (unsigned long long)run);
		*(pages.cut ? &cut : &whole) += 1;
	}
	assert_true(cut > 100 && whole > 100);
}

static void warning_types_have_their_bits(void **state)
{
	(void)state;
	assert_int_equal(cbs_warning_type(CBS_ETWS_EARTHQUAKE, false, false), 0x0000);
	assert_int_equal(cbs_warning_type(CBS_ETWS_EARTHQUAKE, true, true), 0x0180);
	assert_int_equal(cbs_warning_type(CBS_ETWS_TSUNAMI, false, true), 0x0280);
	assert_int_equal(cbs_warning_type(CBS_ETWS_EARTHQUAKE_TSUNAMI, true, true), 0x0580);
	assert_int_equal(cbs_warning_type(CBS_ETWS_TEST, true, false), 0x0700);
	assert_int_equal(cbs_warning_type(CBS_ETWS_OTHER, true, true), 0x0980);
}

static bool in(unsigned int id, const unsigned int *list)
{
	while (*list && *list != id)
		list++;
	return *list;
}

static void a_drill_and_a_live_identifier_never_meet(void **state)
{
	static const unsigned int drills[] = { 4355, 4380, 4381, 4393, 4394, 0 };
	unsigned int id;

	(void)state;
	for (id = 0; id <= UINT16_MAX; id++) {
		bool is_drill = in(id, drills);
		struct problem problem = { 0 };

		assert_int_equal(cbs_identifier_is_drill(id), is_drill);
		assert_int_equal(cbs_identifier_is_etws(id), id >= 4352 && id <= 4359);
		assert_int_equal(cbs_check_drill(id, is_drill, &problem), 0);
		assert_int_equal(problem.code, PROBLEM_NONE);
		assert_int_equal(cbs_check_drill(id, !is_drill, &problem), -EINVAL);
		assert_int_equal(problem.code, PROBLEM_CONTENT_DRILL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serial_numbers_have_their_bits),
		cmocka_unit_test(languages_have_their_coding_scheme),
		cmocka_unit_test(a_short_text_is_one_page_padded_with_cr),
		cmocka_unit_test(a_character_outside_the_alphabet_makes_it_ucs2),
		cmocka_unit_test(texts_take_their_pages),
		cmocka_unit_test(an_escape_pair_is_not_split),
		cmocka_unit_test(a_surrogate_pair_is_not_split),
		cmocka_unit_test(a_text_too_long_ends_behind_a_word),
		cmocka_unit_test(a_cut_takes_the_last_word_that_just_fits),
		cmocka_unit_test(a_cut_that_loses_whole_pages_leaves_them_out),
		cmocka_unit_test(a_word_longer_than_a_page_is_cut_within),
		cmocka_unit_test(a_word_is_given_up_only_if_it_is_at_most_a_page),
		cmocka_unit_test(white_space_is_made_fit_for_phones),
		cmocka_unit_test(a_line_break_at_the_end_of_a_page_stays),
		cmocka_unit_test(blanks_decide_the_alphabet_only_within_the_text),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(random_texts_arrive_whole_or_cut_at_a_word),
		cmocka_unit_test(warning_types_have_their_bits),
		cmocka_unit_test(a_drill_and_a_live_identifier_never_meet),
	};

	return cmocka_run_group_tests_name("cbs", tests, NULL, NULL);
}
