/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/text.h>

#include <endian.h>
#include <errno.h>
#include <string.h>

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

/* Steps over ASCII without NUL, eight octets at a time: most of any document. */
static const char *skip_ascii(const char *s, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t octets;

	for (; end - s >= (ptrdiff_t)sizeof(octets); s += sizeof(octets)) {
		memcpy(&octets, s, sizeof(octets));
		/* The subtraction borrows a top bit from a NUL only, where none was set. */
		if ((octets | (octets - ones)) & tops)
			break;
	}
	return s;
}

bool text_utf8_valid(const char *s, size_t len)
{
	const char *end = s + len;

	while ((s = skip_ascii(s, end)) < end) {
		if (text_utf8_next(&s, end) <= 0)
			return false;
	}
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Up to eight digits at once: no step waits for each digit's multiplication.
 * \param[in] s  eight octets.
 * \returns how many of them are digits before another one; their value in *value. */
static unsigned int eight_digits(const char *s, int64_t *value)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), each = UINT64_C(0xff000000ff);
	uint64_t v, other;
	unsigned int n;

	memcpy(&v, s, sizeof(v));
	v = le64toh(v) ^ '0' * ones;	/* the first digit lowest */
	other = (v | (v + 0x76 * ones)) & ones << 7;	/* a top bit for each octet beyond 9 */
	n = other ? __builtin_ctzll(other) / 8 : 8;
	if (!n)
		return 0;
	v <<= 64 - 8 * n;	/* with zeros before the first digit */
	v = v * 10 + (v >> 8);		/* pairs, in every other octet */
	*value = ((v & each) * (100 + (UINT64_C(1000000) << 32)) +
		  (v >> 16 & each) * (1 + (UINT64_C(10000) << 32))) >> 32;
	return n;
}

int text_decimal_next(const char **p, const char *end, unsigned int scale, int64_t *out)
{
	static const int64_t powers[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
	};
	bool negative = false, round_up = false, overflow = false;
	const char *s = *p, *start;
	int64_t whole = 0, part = 0, eight;
	unsigned int decimals = 0, n;
	size_t digits;

	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	for (start = s; s < end && is_digit(*s); s++)
		overflow |= __builtin_mul_overflow(whole, 10, &whole) ||
			    __builtin_add_overflow(whole, *s - '0', &whole);
	digits = s - start;
	if (s < end && *s == '.') {
		start = ++s;
		n = end - s >= 8 ? eight_digits(s, &eight) : 0;
		if (n && n <= scale) {
			part = eight;
			decimals = n;
			s += n;
		}
		for (; decimals < scale && s < end && is_digit(*s); s++, decimals++)
			part = part * 10 + (*s - '0');
		round_up = s < end && is_digit(*s) && *s >= '5';
		while (s < end && is_digit(*s))
			s++;
		digits += s - start;
	}
	*p = s;
	if (!digits)
		return -EINVAL;
	part = part * powers[scale - decimals] + round_up;
	overflow |= __builtin_mul_overflow(whole, powers[scale], &whole) ||
		    __builtin_add_overflow(whole, part, &whole);
	if (overflow)
		return -ERANGE;
	*out = negative ? -whole : whole;
	return 0;
}

int text_decimal(const char *s, size_t len, unsigned int scale, int64_t *out)
{
	const char *end = s + len;
	int64_t v;
	int rc = text_decimal_next(&s, end, scale, &v);

	if (s != end)
		return -EINVAL;
	if (!rc)
		*out = v;
	return rc;
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
