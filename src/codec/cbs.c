/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/cbs.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <tocsin/codec/gsm7.h>

#include "text_parts.h"

#define CR 0x0d

uint16_t cbs_serial(enum cbs_scope scope, uint16_t code, uint8_t update)
{
	return (scope & 0x3) << 14 | (code & 0x3ff) << 4 | (update & 0xf);
}

/* 3GPP TS 23.038, clause 5: coding groups 0000 and 0010. */
static const struct {
	char language[3];
	uint8_t dcs;
} languages[] = {
	{ "de", 0x00 }, { "en", 0x01 }, { "it", 0x02 }, { "fr", 0x03 }, { "es", 0x04 },
	{ "nl", 0x05 }, { "sv", 0x06 }, { "da", 0x07 }, { "pt", 0x08 }, { "fi", 0x09 },
	{ "no", 0x0a }, { "nb", 0x0a }, { "nn", 0x0a }, { "el", 0x0b }, { "tr", 0x0c },
	{ "hu", 0x0d }, { "pl", 0x0e }, { "cs", 0x20 }, { "he", 0x21 }, { "ar", 0x22 },
	{ "ru", 0x23 }, { "is", 0x24 },
};

/* A wrong language silences the phones that filter by it and a missing one does not, so whatever
 * is not known for certain has none. */
static uint8_t dcs_gsm7(const char *language)
{
	size_t i;

	if (!language || strcspn(language, "-") != 2)
		return CBS_DCS_GSM7_UNSPECIFIED;
	for (i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
		if (!strncasecmp(language, languages[i].language, 2))
			return languages[i].dcs;
	}
	return CBS_DCS_GSM7_UNSPECIFIED;
}

uint16_t cbs_warning_type(enum cbs_etws_type type, bool user_alert, bool popup)
{
	return (type & 0x7f) << 9 | user_alert << 8 | popup << 7;
}

_Static_assert(CBS_MAX_PAGES == TEXT_MAX_PARTS && CBS_PAGE_SEPTETS <= TEXT_MAX_UNITS,
	       "a message has room for every page that is filled");

static void gsm7_page(const uint16_t *units, size_t n, struct cbs_page *page)
{
	uint8_t septets[CBS_PAGE_SEPTETS];
	size_t i;

	for (i = 0; i < CBS_PAGE_SEPTETS; i++)
		septets[i] = i < n ? units[i] : CR;
	gsm7_pack(septets, CBS_PAGE_SEPTETS, page->octets);
	page->used = (7 * n + 7) / 8;
}

static void ucs2_page(const uint16_t *units, size_t n, struct cbs_page *page)
{
	static const uint16_t padding = CR;
	size_t i;

	text_ucs2_octets(units, n, page->octets);
	for (i = n; i < CBS_PAGE_UCS2; i++)
		text_ucs2_octets(&padding, 1, page->octets + 2 * i);
	page->used = 2 * n;
}

int cbs_paginate(const char *utf8, const char *language, struct cbs_pages *pages,
		 struct problem *problem)
{
	struct text_survey survey;
	struct text_parts parts;
	size_t i;

	if (text_survey(utf8, &survey, problem) < 0)
		return -EINVAL;
	text_fill(&survey, survey.gsm7 ? CBS_PAGE_SEPTETS : CBS_PAGE_UCS2, CBS_MAX_PAGES, &parts);
	pages->dcs = survey.gsm7 ? dcs_gsm7(language) : CBS_DCS_UCS2;
	pages->n = parts.n;
	pages->cut = parts.cut;
	pages->text_octets = parts.end - utf8;
	for (i = 0; i < parts.n; i++)
		(survey.gsm7 ? gsm7_page : ucs2_page)(parts.units[i], parts.used[i],
						      &pages->page[i]);
	return 0;
}

/* 3GPP TS 23.041, 9.4.1.2.2: ETWS test; CMAS monthly test and exercise with their twins for
 * further languages. */
bool cbs_identifier_is_drill(uint16_t message_identifier)
{
	static const uint16_t drills[] = { 4355, 4380, 4381, 4393, 4394 };
	size_t i;

	for (i = 0; i < sizeof(drills) / sizeof(drills[0]); i++) {
		if (drills[i] == message_identifier)
			return true;
	}
	return false;
}

bool cbs_identifier_is_etws(uint16_t message_identifier)
{
	return message_identifier >= 4352 && message_identifier <= 4359;
}

int cbs_check_drill(uint16_t message_identifier, bool drill, struct problem *problem)
{
	if (cbs_identifier_is_drill(message_identifier) == drill)
		return 0;
	return problem_set(problem, PROBLEM_CONTENT_DRILL, NULL, 0,
			   "A %s may not leave on identifier %u, which phones show as a %s",
			   drill ? "drill" : "live alert", message_identifier,
			   drill ? "live alert" : "drill");
}
