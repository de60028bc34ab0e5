/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/gsm7.h>

#include <errno.h>

/* 3GPP TS 23.038, 6.2.1. ESC has no character of its own. */
static const uint16_t alphabet[128] = {
	'@', 0xa3, '$', 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, '\n', 0xd8, 0xf8, '\r', 0xc5, 0xe5,
	0x394, '_', 0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0,
	0xc6, 0xe6, 0xdf, 0xc9,
	' ', '!', '"', '#', 0xa4, '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
	0xa1, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
	0xbf, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0xe4, 0xf6, 0xf1, 0xfc, 0xe0,
};

/* 3GPP TS 23.038, 6.2.1.1. */
static const struct {
	uint8_t septet;
	uint16_t cp;
} extension[] = {
	{ 0x0a, '\f' }, { 0x14, '^' }, { 0x28, '{' }, { 0x29, '}' }, { 0x2f, '\\' },
	{ 0x3c, '[' }, { 0x3d, '~' }, { 0x3e, ']' }, { 0x40, '|' }, { 0x65, 0x20ac },
};

#define N_EXTENSION (sizeof(extension) / sizeof(extension[0]))

int gsm7_from_codepoint(int32_t cp, uint8_t out[2])
{
	size_t i;

	if (cp <= 0)
		return -EILSEQ;
	/* Most of ASCII stands at its own place. */
	if (cp < 128 && alphabet[cp] == cp) {
		out[0] = cp;
		return 1;
	}
	for (i = 0; i < N_EXTENSION; i++) {
		if (extension[i].cp == cp) {
			out[0] = GSM7_ESCAPE;
			out[1] = extension[i].septet;
			return 2;
		}
	}
	for (i = 0; i < 128; i++) {
		if (alphabet[i] == cp) {
			out[0] = i;
			return 1;
		}
	}
	return -EILSEQ;
}

size_t gsm7_pack(const uint8_t *septets, size_t n, uint8_t *out)
{
	unsigned int bits = 0, held = 0;
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		held |= (septets[i] & 0x7fu) << bits;
		bits += 7;
		if (bits >= 8) {
			out[len++] = held;
			held >>= 8;
			bits -= 8;
		}
	}
	if (bits)
		out[len++] = held;
	return len;
}
