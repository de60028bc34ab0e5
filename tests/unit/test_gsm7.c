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

#include <tocsin/codec/gsm7.h>

#include "gsm7_read.h"

static uint32_t roll(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 16) % below;
}

static void every_character_of_the_alphabet_has_its_septets(void **state)
{
	unsigned int septet, escaped, known = 0;

	(void)state;
	for (escaped = 0; escaped < 2; escaped++) {
		for (septet = 0; septet < 128; septet++) {
			int32_t cp = gsm7_character(septet, escaped);
			uint8_t out[2] = { 0xff, 0xff };

			if (cp < 0)
				continue;
			known++;
			assert_int_equal(gsm7_from_codepoint(cp, out), 1 + escaped);
			assert_int_equal(out[escaped], septet);
			if (escaped)
				assert_int_equal(out[0], GSM7_ESCAPE);
		}
	}
	assert_int_equal(known, 127 + GSM7_N_EXTENSION);
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
		assert_int_equal(gsm7_character(out[n - 1], n == 2), cp);
		known++;
	}
	assert_int_equal(known, 127 + GSM7_N_EXTENSION);
}

static void known_septets_have_their_octets(void **state)
{
	static const struct {
		const char *septets;
		size_t n, len;
		uint8_t octets[8];
	} cases[] = {
		{ "hello", 5, 5, { 0xe8, 0x32, 0x9b, 0xfd, 0x06 } },
		{ "Warning!", 8, 7, { 0xd7, 0xb0, 0xdc, 0x9d, 0x76, 0x9f, 0x43 } },
		{ "\0", 1, 1, { 0x00 } },
		{ "", 0, 0, { 0 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t octets[8], back[8];

		assert_int_equal(gsm7_pack((const uint8_t *)cases[i].septets, cases[i].n, octets), cases[i].len);
		assert_memory_equal(octets, cases[i].octets, cases[i].len);
		gsm7_read(octets, cases[i].n, back);
		assert_memory_equal(back, cases[i].septets, cases[i].n);
	}
}

/* Exact allocations, so that the sanitizer sees an octet too far. */
static void packing_agrees_with_libosmogsm(void **state)
{
	uint64_t run;

	(void)state;
	for (run = 1; run <= 4000; run++) {
		uint64_t seed = run * 0x9e3779b97f4a7c15;
		size_t i, n = 1 + roll(&seed, 300), len = (7 * n + 7) / 8;
		uint8_t *septets = malloc(n), *ours = malloc(len), *theirs = calloc(1, len + 8);
		uint8_t *back = malloc(n);
		int their_len;

		for (i = 0; i < n; i++)
			septets[i] = roll(&seed, 128);
		if (gsm7_pack(septets, n, ours) != len)
			fail_msg("run %llu: length", (unsigned long long)run);
		their_len = gsm_septet_pack(theirs, septets, n, 0);
		if ((size_t)their_len != len || memcmp(ours, theirs, len))
			fail_msg("run %llu: libosmogsm packs otherwise", (unsigned long long)run);
		gsm7_read(ours, n, back);
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
		cmocka_unit_test(every_character_of_the_alphabet_has_its_septets),
		cmocka_unit_test(no_other_code_point_has_septets),
		cmocka_unit_test(known_septets_have_their_octets),
		cmocka_unit_test(packing_agrees_with_libosmogsm),
	};

	return cmocka_run_group_tests_name("gsm7", tests, NULL, NULL);
}
