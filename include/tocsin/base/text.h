/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! UTF-8 and numbers, strictly. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*! Read one code point.
 *  \param[in,out] p  start of the character; moved behind it.
 *  \returns the code point, or -EILSEQ for malformed UTF-8 (overlong, surrogate, truncated). */
int32_t text_utf8_next(const char **p, const char *end);
/*! True if the octets are valid UTF-8 without NUL. */
bool text_utf8_valid(const char *s, size_t len);

/*! Parse a decimal ("-12.345", no exponent, no blanks) into a scaled integer, exactly: the
 *  value times 10^scale. Digits beyond the scale are rounded half away from zero.
 *  \param[in] s, len  the text, all of which must be the number.
 *  \param[in] scale  at most 10.
 *  \returns 0, -EINVAL if it is no decimal, -ERANGE if it does not fit. */
int text_decimal(const char *s, size_t len, unsigned int scale, int64_t *out);
/*! The same for a number with something behind it.
 *  \param[in,out] p  its start; moved behind the last octet that can belong to it. */
int text_decimal_next(const char **p, const char *end, unsigned int scale, int64_t *out);

/*! Parse an unsigned integer of decimal digits only.
 *  \returns 0, -EINVAL, or -ERANGE beyond max. */
int text_uint(const char *s, size_t len, uint64_t max, uint64_t *out);
