/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/cbs.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <tocsin/base/text.h>
#include <tocsin/codec/gsm7.h>

#define CR 0x0d

uint16_t cbs_serial(enum cbs_scope scope, uint16_t code, uint8_t update)
{
	return (scope & 0x3) << 14 | (code & 0x3ff) << 4 | (update & 0xf);
}

enum cbs_scope cbs_serial_scope(uint16_t serial)
{
	return serial >> 14;
}

uint16_t cbs_serial_code(uint16_t serial)
{
	return serial >> 4 & 0x3ff;
}

uint8_t cbs_serial_update(uint16_t serial)
{
	return serial & 0xf;
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
uint8_t cbs_dcs_gsm7(const char *language)
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

/* White space of Unicode, and the zero-width characters that show nothing either. */
static bool is_blank(int32_t cp)
{
	return cp == ' ' || (cp >= '\t' &&
		cp <= '\r') || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
	       (cp >= 0x2000 && cp <= 0x200b) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
	       cp == 0x205f || cp == 0x3000 || cp == 0xfeff;
}

/* The next character as it will be sent. */
static int32_t next_char(const char **p, const char *end)
{
	int32_t cp = text_utf8_next(p, end);

	if (cp == '\t')
		return ' ';
	if (cp != '\r')
		return cp;
	if (*p < end && **p == '\n')
		(*p)++;
	return '\n';
}

static int gsm7_units(int32_t cp, uint16_t out[2])
{
	uint8_t septets[2];
	int i, n = gsm7_from_codepoint(cp, septets);

	for (i = 0; i < n; i++)
		out[i] = septets[i];
	return n;
}

/* "UCS-2" is UTF-16 to every phone. */
static int ucs2_units(int32_t cp, uint16_t out[2])
{
	if (cp < 0x10000) {
		out[0] = cp;
		return 1;
	}
	out[0] = 0xd800 | (cp - 0x10000) >> 10;
	out[1] = 0xdc00 | (cp & 0x3ff);
	return 2;
}

static void gsm7_page(const uint16_t *units, size_t n, struct cbs_page *page)
{
	uint8_t septets[CBS_PAGE_SEPTETS];
	size_t i;

	for (i = 0; i < CBS_PAGE_SEPTETS; i++)
		septets[i] = i < n ? units[i] : CR;
	gsm7_pack(septets, CBS_PAGE_SEPTETS, 0, page->octets);
	page->used = (7 * n + 7) / 8;
}

static void ucs2_page(const uint16_t *units, size_t n, struct cbs_page *page)
{
	size_t i;

	for (i = 0; i < CBS_PAGE_UCS2; i++) {
		uint16_t unit = i < n ? units[i] : CR;

		page->octets[2 * i] = unit >> 8;
		page->octets[2 * i + 1] = unit & 0xff;
	}
	page->used = 2 * n;
}

/* What differs between the two alphabets. */
struct alphabet {
	size_t per_page;
	int (*units)(int32_t cp, uint16_t out[2]);
	void (*page)(const uint16_t *units, size_t n, struct cbs_page *page);
};

static const struct alphabet gsm7_alphabet = { CBS_PAGE_SEPTETS, gsm7_units, gsm7_page };
static const struct alphabet ucs2_alphabet = { CBS_PAGE_UCS2, ucs2_units, ucs2_page };

/* A place between two characters, in the pages and in the text. */
struct place {
	size_t page, units;	/* units used on that page */
	size_t total;		/* units used on all pages */
	const char *text;
};

struct pager {
	const struct alphabet *alphabet;
	struct place at, word_start, word_end;
	bool in_word;
	uint16_t units[CBS_MAX_PAGES][CBS_PAGE_SEPTETS];
	size_t used[CBS_MAX_PAGES];
};

/* Note where words begin and end. */
static void mark_word(struct pager *pg, bool blank)
{
	if (pg->in_word && blank)
		pg->word_end = pg->at;
	else if (!pg->in_word && !blank)
		pg->word_start = pg->at;
	pg->in_word = !blank;
}

/* \returns false if there is no room. A pair that does not fit begins the next page. */
static bool add_char(struct pager *pg, int32_t cp)
{
	uint16_t unit[2];
	size_t i, n = pg->alphabet->units(cp, unit);

	if (pg->at.units + n > pg->alphabet->per_page) {
		if (pg->at.page + 1 == CBS_MAX_PAGES)
			return false;
		pg->at.page++;
		pg->at.units = 0;
	}
	for (i = 0; i < n; i++)
		pg->units[pg->at.page][pg->at.units++] = unit[i];
	pg->used[pg->at.page] = pg->at.units;
	pg->at.total += n;
	return true;
}

/* Back to the end of the last whole word, unless that throws away more than a page. */
static void cut_at_word(struct pager *pg)
{
	if (pg->in_word && pg->at.total - pg->word_start.total > pg->alphabet->per_page)
		return;
	if (!pg->word_end.total)
		return;
	pg->at = pg->word_end;
	pg->used[pg->at.page] = pg->at.units;
}

/* \returns true if the text had to be cut. */
static bool fill_pages(struct pager *pg, const char *text, const char *end)
{
	pg->at.text = text;
	while (text < end) {
		int32_t cp = next_char(&text, end);

		mark_word(pg, is_blank(cp));
		if (!add_char(pg, cp)) {
			cut_at_word(pg);
			return true;
		}
		pg->at.text = text;
	}
	return false;
}

/* One look over the text before it is put into pages. */
struct survey {
	const char *start, *end;	/* without blanks at both ends;
	  NULL if there is nothing else */
	bool gsm7;			/* every character between them is in the GSM alphabet */
};

static int survey_text(struct survey *s, const char *utf8)
{
	const char *p = utf8, *end = utf8 + strlen(utf8);
	bool blanks_fit = true;

	*s = (struct survey){ .gsm7 = true };
	while (p < end) {
		const char *at = p;
		int32_t cp = next_char(&p, end);
		uint8_t septets[2];

		if (cp < 0)
			return cp;
		if (is_blank(cp)) {
			blanks_fit &= gsm7_from_codepoint(cp, septets) > 0;
			continue;
		}
		if (!s->start)
			s->start = at;
		else
			s->gsm7 &= blanks_fit;
		s->gsm7 &= gsm7_from_codepoint(cp, septets) > 0;
		s->end = p;
		blanks_fit = true;
	}
	return 0;
}

int cbs_paginate(const char *utf8, const char *language, struct cbs_pages *pages,
		 struct problem *problem)
{
	struct pager pg = { 0 };
	struct survey s;
	size_t i;

	if (survey_text(&s, utf8) < 0)
		return problem_set(problem, PROBLEM_CONTENT_TEXT, NULL, 0,
				   "The text is not valid UTF-8");
	if (!s.start)
		return problem_set(problem, PROBLEM_CONTENT_TEXT, NULL, 0, "The text is empty");
	pg.alphabet = s.gsm7 ? &gsm7_alphabet : &ucs2_alphabet;
	pages->dcs = s.gsm7 ? cbs_dcs_gsm7(language) : CBS_DCS_UCS2;
	pages->cut = fill_pages(&pg, s.start, s.end);
	pages->n = pg.at.page + 1;
	pages->text_octets = pg.at.text - utf8;
	for (i = 0; i < pages->n; i++)
		pg.alphabet->page(pg.units[i], pg.used[i], &pages->page[i]);
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
