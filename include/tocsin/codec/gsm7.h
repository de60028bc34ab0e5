/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! GSM 7-bit default alphabet with its extension table (3GPP TS 23.038, 6.2.1), by code point.
 *  Pure functions. Septets are one per octet, 0x00 to 0x7f; an extension character is two. */

#include <stddef.h>
#include <stdint.h>

#define GSM7_ESCAPE 0x1b

/*! Septets of one character.
 *  \param[out] out  room for two.
 *  \returns 1 or 2, or -EILSEQ if the alphabet lacks the character. */
int gsm7_from_codepoint(int32_t cp, uint8_t out[2]);
/*! Pack septets, first in the low bits (23.038, 6.1.2.2.1).
 *  \returns number of octets written: ceil(7 n / 8); out must have that room. */
size_t gsm7_pack(const uint8_t *septets, size_t n, uint8_t *out);
