/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/text.h>

#include <errno.h>

/* Octets of a sequence by its first octet, and the least code point that needs so many. */
static int sequence(uint8_t first, int32_t *value, int32_t *least)
{
	if (first < 0x80) {
		*value = first;
		*least = 0;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		*value = first & 0x1f;
		*least = 0x80;
		return 2;
	}
	if ((first & 0xf0) == 0xe0) {
		*value = first & 0x0f;
		*least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*value = first & 0x07;
		*least = 0x10000;
		return 4;
	}
	return -EILSEQ;
}

int32_t text_utf8_next(const char **p, const char *end)
{
	const uint8_t *s = (const uint8_t *)*p;
	int32_t value, least;
	int i, n;

	if (*p >= end)
		return -EILSEQ;
	n = sequence(*s, &value, &least);
	if (n < 0 || end - *p < n)
		return -EILSEQ;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -EILSEQ;
		value = value << 6 | (s[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return -EILSEQ;
	*p += n;
	return value;
}

bool text_utf8_valid(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		if (text_utf8_next(&s, end) <= 0)
			return false;
	}
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int text_decimal(const char *s, size_t len, unsigned int scale, int64_t *out)
{
	const char *end = s + len;
	bool negative = false, any = false, overflow = false;
	unsigned int decimals = 0;
	int64_t v = 0;
	int round_up = 0;

	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	for (; s < end && is_digit(*s); s++) {
		any = true;
		overflow |= __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v);
	}
	if (s < end && *s == '.') {
		for (s++; s < end && is_digit(*s); s++) {
			any = true;
			if (decimals == scale) {
				round_up = *s >= '5';
			} else if (decimals < scale) {
				overflow |= __builtin_mul_overflow(v, 10, &v) ||
					    __builtin_add_overflow(v, *s - '0', &v);
			}
			if (decimals <= scale)
				decimals++;
		}
	}
	if (!any || s != end)
		return -EINVAL;
	for (; decimals < scale; decimals++)
		overflow |= __builtin_mul_overflow(v, 10, &v);
	overflow |= __builtin_add_overflow(v, round_up, &v);
	if (overflow)
		return -ERANGE;
	*out = negative ? -v : v;
	return 0;
}

int text_uint(const char *s, size_t len, uint64_t max, uint64_t *out)
{
	bool overflow = false;
	uint64_t v = 0;
	size_t i;

	if (!len)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (!is_digit(s[i]))
			return -EINVAL;
		overflow |= __builtin_mul_overflow(v, 10, &v) ||
			    __builtin_add_overflow(v, s[i] - '0', &v) || v > max;
	}
	if (overflow)
		return -ERANGE;
	*out = v;
	return 0;
}
