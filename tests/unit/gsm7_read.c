/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gsm7_read.h"

#include <string.h>

#include <tocsin/base/text.h>

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

#define ESC 0x1b

/* 6.2.1.1 */
static const struct {
	uint8_t septet;
	const char *character;
} extension[GSM7_N_EXTENSION] = {
	{ 0x0a, "\f" }, { 0x14, "^" }, { 0x28, "{" }, { 0x29, "}" }, { 0x2f, "\\" },
	{ 0x3c, "[" }, { 0x3d, "~" }, { 0x3e, "]" }, { 0x40, "|" }, { 0x65, "€" },
};

void gsm7_read(const uint8_t *octets, size_t n, uint8_t *septets)
{
	size_t i;

	memset(septets, 0, n);
	for (i = 0; i < 7 * n; i++)
		septets[i / 7] |= (octets[i / 8] >> i % 8 & 1) << i % 7;
}

static int32_t nth_character(const char *text, unsigned int nr)
{
	const char *end = text + strlen(text);
	int32_t cp;

	do {
		cp = text_utf8_next(&text, end);
	} while (nr--);
	return cp;
}

int32_t gsm7_character(uint8_t septet, bool escaped)
{
	size_t i;

	if (!escaped)
		return septet < 128 && septet != ESC ? nth_character(alphabet, septet) : -1;
	for (i = 0; i < GSM7_N_EXTENSION; i++) {
		if (extension[i].septet == septet)
			return nth_character(extension[i].character, 0);
	}
	return -1;
}
