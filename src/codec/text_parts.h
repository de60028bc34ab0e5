/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A text in an alphabet of phones, filled into parts of a fixed size: the pages of cell broadcast,
 *  the parts of a short message (3GPP TS 23.038). Pure functions. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

#define TEXT_MAX_PARTS 15
#define TEXT_MAX_UNITS 160

/*! A text without the blanks at both ends. Borrows it. */
struct text_survey {
	const char *start, *end;
	bool gsm7;	/*!< every character is in the GSM 7-bit alphabet or its extension */
};

struct text_parts {
	size_t n;			/*!< 1 to TEXT_MAX_PARTS */
	bool cut;			/*!< the text was longer and ends at a word */
	const char *end;		/*!< behind the last character carried */
	size_t used[TEXT_MAX_PARTS];
	uint16_t units[TEXT_MAX_PARTS][TEXT_MAX_UNITS];	/*!< septets, or units of UCS-2 */
};

/*! Look over a text before it is filled.
 *  \returns 0 or -EINVAL (PROBLEM_CONTENT_TEXT: not UTF-8, or nothing but blanks). */
int text_survey(const char *utf8, struct text_survey *survey, struct problem *problem);
/*! Fill parts of per_part units each, in septets if survey->gsm7, else in UCS-2. No escape pair and
 *  no surrogate pair is split. CR LF and CR become LF, TAB a space. A text longer than max_parts is
 *  cut behind the last word that fits, or in the word where that would lose more than a part or
 *  than half of what fits.
 *  \param[in] per_part   2 to TEXT_MAX_UNITS.
 *  \param[in] max_parts  1 to TEXT_MAX_PARTS. */
void text_fill(const struct text_survey *survey, size_t per_part, size_t max_parts,
	       struct text_parts *parts);
/*! Units as UCS-2 goes over the wire: big-endian. */
void text_ucs2_octets(const uint16_t *units, size_t n, uint8_t *out);
