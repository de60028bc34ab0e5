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
/*! Code point of a septet, or of the septet behind an escape. \returns -EILSEQ if there is none. */
int32_t gsm7_to_codepoint(uint8_t septet, int escaped);

/*! Encode UTF-8.
 *  \returns number of septets; -EILSEQ if a character is not in the alphabet or the UTF-8 is
 *  malformed; -ENOSPC if more than max are needed. */
int gsm7_encode(const char *utf8, uint8_t *septets, size_t max);
/*! Pack septets, first in the low bits (23.038, 6.1.2.1.1).
 *  \param[in] fill_bits  0 to 6 zero bits before the first septet (behind a user data header).
 *  \returns number of octets written: ceil((fill_bits + 7 n) / 8); out must have that room. */
size_t gsm7_pack(const uint8_t *septets, size_t n, unsigned int fill_bits, uint8_t *out);
/*! Unpack n septets. */
void gsm7_unpack(const uint8_t *octets, size_t n, unsigned int fill_bits, uint8_t *septets);
