/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/gsm/gsm_utils.h>

#include <tocsin/base/text.h>
#include <tocsin/codec/gsm7.h>

/* 3GPP TS 23.038, 6.2.1, read off the table row by row; a space stands for ESC. */
static const char alphabet[] =
	"@£$¥èéùìòÇ\nØø\rÅå"
	"Δ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ"
	" !\"#¤%&'()*+,-./"
	"0123456789:;<=>?"
	"¡ABCDEFGHIJKLMNO"
	"PQRSTUVWXYZÄÖÑÜ§"
	"¿abcdefghijklmno"
	"pqrstuvwxyzäöñüà";

/* 6.2.1.1 */
static const struct {
	uint8_t septet;
	const char *character;
} extension[] = {
	{ 0x0a, "\f" }, { 0x14, "^" }, { 0x28, "{" }, { 0x29, "}" }, { 0x2f, "\\" },
	{ 0x3c, "[" }, { 0x3d, "~" }, { 0x3e, "]" }, { 0x40, "|" }, { 0x65, "€" },
};

#define N_EXTENSION (sizeof(extension) / sizeof(extension[0]))

static uint32_t roll(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 16) % below;
}

static void the_whole_alphabet_goes_both_ways(void **state)
{
	const char *p = alphabet, *end = p + strlen(p);
	int septet;

	(void)state;
	for (septet = 0; septet < 128; septet++) {
		int32_t cp = text_utf8_next(&p, end);
		uint8_t out[2] = { 0xff, 0xff };

		if (septet == GSM7_ESCAPE)
			continue;
		assert_int_equal(gsm7_from_codepoint(cp, out), 1);
		assert_int_equal(out[0], septet);
		assert_int_equal(gsm7_to_codepoint(septet, 0), cp);
	}
	assert_ptr_equal(p, end);
}

static void the_whole_extension_goes_both_ways(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N_EXTENSION; i++) {
		const char *p = extension[i].character;
		int32_t cp = text_utf8_next(&p, p + strlen(p));
		uint8_t out[2];

		assert_int_equal(gsm7_from_codepoint(cp, out), 2);
		assert_int_equal(out[0], GSM7_ESCAPE);
		assert_int_equal(out[1], extension[i].septet);
		assert_int_equal(gsm7_to_codepoint(extension[i].septet, 1), cp);
	}
}

/* Nothing is replaced by something that looks like it. */
static void no_other_code_point_has_septets(void **state)
{
	unsigned int known = 0;
	int32_t cp;

	(void)state;
	for (cp = -200; cp <= 0x10ffff; cp++) {
		uint8_t out[2];
		int n = gsm7_from_codepoint(cp, out);

		if (n == -EILSEQ)
			continue;
		assert_int_equal(gsm7_to_codepoint(out[n - 1], n == 2), cp);
		known++;
	}
	assert_int_equal(known, 127 + N_EXTENSION);
}

static void what_has_no_character_is_refused(void **state)
{
	unsigned int septet, known = 0;

	(void)state;
	assert_int_equal(gsm7_to_codepoint(GSM7_ESCAPE, 0), -EILSEQ);
	for (septet = 0; septet < 256; septet++) {
		if (septet >= 128)
			assert_int_equal(gsm7_to_codepoint(septet, 0), -EILSEQ);
		known += gsm7_to_codepoint(septet, 1) >= 0;
	}
	assert_int_equal(known, N_EXTENSION);
}

static void texts_are_encoded_or_refused(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		int rc;
		const char *septets;
	} cases[] = {
		{ "", 0, 0, "" },
		{ "hello", 5, 5, "hello" },
		{ "hello", 4, -ENOSPC, NULL },
		{ "5€", 3, 3, "5\x1b\x65" },
		{ "5€", 2, -ENOSPC, NULL },
		{ "Ä@", 2, 2, "\x5b\x00" },
		{ "Çç", 10, -EILSEQ, NULL },
		{ "”", 10, -EILSEQ, NULL },
		{ "a\xc3", 10, -EILSEQ, NULL },
		{ "a\xff", 10, -EILSEQ, NULL },
		{ "\x1b", 10, -EILSEQ, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t out[16];
		int rc = gsm7_encode(cases[i].text, out, cases[i].max);

		if (rc != cases[i].rc || (rc > 0 && memcmp(out, cases[i].septets, rc)))
			fail_msg("\"%s\" gave %d", cases[i].text, rc);
	}
}

static void known_texts_have_their_octets(void **state)
{
	static const struct {
		const char *text;
		unsigned int fill_bits;
		size_t len;
		uint8_t octets[8];
	} cases[] = {
		{ "hello", 0, 5, { 0xe8, 0x32, 0x9b, 0xfd, 0x06 } },
		/* behind a header of six octets */
		{ "hello", 1, 5, { 0xd0, 0x65, 0x36, 0xfb, 0x0d } },
		{ "Warning!", 0, 7, { 0xd7, 0xb0, 0xdc, 0x9d, 0x76, 0x9f, 0x43 } },
		{ "@", 0, 1, { 0x00 } },
		{ "a", 6, 2, { 0x40, 0x18 } },
		{ "", 0, 0, { 0 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t septets[8], octets[8], back[8];
		int n = gsm7_encode(cases[i].text, septets, sizeof(septets));

		assert_int_equal(gsm7_pack(septets, n, cases[i].fill_bits, octets), cases[i].len);
		assert_memory_equal(octets, cases[i].octets, cases[i].len);
		gsm7_unpack(octets, n, cases[i].fill_bits, back);
		assert_memory_equal(back, septets, n);
	}
}

/* Exact allocations, so that the sanitizer sees an octet too far. */
static void packing_agrees_with_libosmogsm(void **state)
{
	uint64_t run;

	(void)state;
	for (run = 1; run <= 4000; run++) {
		uint64_t seed = run * 0x9e3779b97f4a7c15;
		unsigned int fill = roll(&seed, 7);
		size_t i, n = 1 + roll(&seed, 300), len = (fill + 7 * n + 7) / 8;
		uint8_t *septets = malloc(n), *ours = malloc(len), *theirs = calloc(1, len + 8);
		uint8_t *back = malloc(n);
		int their_len;

		for (i = 0; i < n; i++)
			septets[i] = roll(&seed, 128);
		if (gsm7_pack(septets, n, fill, ours) != len)
			fail_msg("run %llu: length", (unsigned long long)run);
		their_len = gsm_septet_pack(theirs, septets, n, fill);
		if ((size_t)their_len != len || memcmp(ours, theirs, len))
			fail_msg("run %llu: libosmogsm packs otherwise", (unsigned long long)run);
		gsm7_unpack(ours, n, fill, back);
		if (memcmp(back, septets, n))
			fail_msg("run %llu: not read back", (unsigned long long)run);
		free(septets);
		free(ours);
		free(theirs);
		free(back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_alphabet_goes_both_ways),
		cmocka_unit_test(the_whole_extension_goes_both_ways),
		cmocka_unit_test(no_other_code_point_has_septets),
		cmocka_unit_test(what_has_no_character_is_refused),
		cmocka_unit_test(texts_are_encoded_or_refused),
		cmocka_unit_test(known_texts_have_their_octets),
		cmocka_unit_test(packing_agrees_with_libosmogsm),
	};

	return cmocka_run_group_tests_name("gsm7", tests, NULL, NULL);
}
