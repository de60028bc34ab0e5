/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Text of a short message, cut into parts (3GPP TS 23.040, 9.2.3.16 and 9.2.3.24.1; 23.038).
 *
 * Pure functions. A part holds the user data as it goes behind the user data header: one GSM septet
 * per octet (the way SMPP carries them), or UCS-2 in big-endian order. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

#define SMS_MAX_PARTS 15
#define SMS_SEPTETS 160			/*!< of a text in one part */
#define SMS_SEPTETS_OF_PART 153		/*!< of each of several parts */
#define SMS_UCS2_OCTETS 140
#define SMS_UCS2_OCTETS_OF_PART 134
/*! User data header of one of several parts: concatenation with an 8-bit reference. */
#define SMS_UDH_LEN 6

enum sms_alphabet { SMS_GSM7, SMS_UCS2 };

struct sms_part {
	uint8_t len;		/*!< septets or octets used */
	uint8_t octets[SMS_SEPTETS];
};

/*! A text in parts. A value. */
struct sms_text {
	enum sms_alphabet alphabet;
	uint8_t n;		/*!< 1 to SMS_MAX_PARTS */
	bool cut;		/*!< the text was longer and ends at a word */
	size_t text_octets;	/*!< octets of the UTF-8 text up to the last character carried */
	struct sms_part part[SMS_MAX_PARTS];
};

/*! Put a text into parts: GSM 7-bit (by code point, extension table included) where every character
 *  fits, else UCS-2. No escape pair and no surrogate pair is split; a text longer than max_parts is
 *  cut behind the last word that fits, or in the word where that would lose more than a part or
 *  than half of what fits. Line ends become LF, TAB a space; blanks at both ends are left away.
 *  \param[in] utf8       valid UTF-8.
 *  \param[in] max_parts  1 to SMS_MAX_PARTS.
 *  \returns 0 or -EINVAL (PROBLEM_CONTENT_TEXT: nothing is left of it, not UTF-8, or max_parts out
 *  of its range). */
int sms_split(const char *utf8, unsigned int max_parts, struct sms_text *sms, struct problem *problem);
/*! User data header of part nr (from 1) of total: 05 00 03 reference total nr. */
void sms_udh(uint8_t reference, uint8_t total, uint8_t nr, uint8_t out[SMS_UDH_LEN]);
