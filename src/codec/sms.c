/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/sms.h>

#include <errno.h>

#include "text_parts.h"

_Static_assert(SMS_MAX_PARTS == TEXT_MAX_PARTS && SMS_SEPTETS == TEXT_MAX_UNITS,
	       "a message has room for every part that is filled");

static void put_part(const struct text_parts *parts, size_t nr, bool gsm7, struct sms_part *out)
{
	size_t i, n = parts->used[nr];

	if (gsm7) {
		for (i = 0; i < n; i++)
			out->octets[i] = parts->units[nr][i];
		out->len = n;
	} else {
		text_ucs2_octets(parts->units[nr], n, out->octets);
		out->len = 2 * n;
	}
}

/* A text that fits into one part needs no header and has its room too. */
static void fill(const struct text_survey *survey, unsigned int max_parts, struct text_parts *parts)
{
	text_fill(survey, survey->gsm7 ? SMS_SEPTETS : SMS_UCS2_OCTETS / 2, 1, parts);
	if (parts->cut && max_parts > 1)
		text_fill(survey, survey->gsm7 ? SMS_SEPTETS_OF_PART : SMS_UCS2_OCTETS_OF_PART / 2,
			  max_parts, parts);
}

int sms_split(const char *utf8, unsigned int max_parts, struct sms_text *sms,
	      struct problem *problem)
{
	struct text_survey survey;
	struct text_parts parts;
	size_t i;

	if (max_parts < 1 || max_parts > SMS_MAX_PARTS)
		return problem_set(problem, PROBLEM_CONTENT_TEXT, NULL, 0,
				   "A text has 1 to %u parts, not %u", SMS_MAX_PARTS, max_parts);
	if (text_survey(utf8, &survey, problem) < 0)
		return -EINVAL;
	fill(&survey, max_parts, &parts);
	*sms = (struct sms_text){
		.alphabet = survey.gsm7 ? SMS_GSM7 : SMS_UCS2, .n = parts.n, .cut = parts.cut,
		.text_octets = parts.end - utf8,
	};
	for (i = 0; i < parts.n; i++)
		put_part(&parts, i, survey.gsm7, &sms->part[i]);
	return 0;
}

/* 3GPP TS 23.040, 9.2.3.24.1. The 8-bit reference is the one that every centre pads rightly: some
 * garble septets behind the seven octets of a header with a 16-bit reference. */
void sms_udh(uint8_t reference, uint8_t total, uint8_t nr, uint8_t out[SMS_UDH_LEN])
{
	out[0] = SMS_UDH_LEN - 1;
	out[1] = 0x00;
	out[2] = 3;
	out[3] = reference;
	out[4] = total;
	out[5] = nr;
}
