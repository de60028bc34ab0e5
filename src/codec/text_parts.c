/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "text_parts.h"

#include <string.h>

#include <tocsin/base/text.h>
#include <tocsin/codec/gsm7.h>

/* White space of Unicode, and the zero-width characters that show nothing either. */
static bool is_blank(int32_t cp)
{
	return cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0x85 || cp == 0xa0 ||
	       cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200b) || cp == 0x2028 || cp == 0x2029 ||
	       cp == 0x202f || cp == 0x205f || cp == 0x3000 || cp == 0xfeff;
}

/* The next character as it will be sent. Phones drop CRs. */
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

/* A place between two characters, in the parts and in the text. */
struct place {
	size_t part, units;	/* units used of that part */
	size_t total;		/* units used of all parts */
	const char *text;
};

struct filler {
	int (*units)(int32_t cp, uint16_t out[2]);
	size_t per_part, max_parts;
	struct place at, word_start, word_end;
	bool in_word;
	struct text_parts *parts;
};

/* Note where words begin and end. */
static void mark_word(struct filler *f, bool blank)
{
	if (f->in_word && blank)
		f->word_end = f->at;
	else if (!f->in_word && !blank)
		f->word_start = f->at;
	f->in_word = !blank;
}

/* \returns false if there is no room. A pair that does not fit begins the next part. */
static bool add_char(struct filler *f, int32_t cp)
{
	uint16_t unit[2];
	size_t i, n = f->units(cp, unit);

	if (f->at.units + n > f->per_part) {
		if (f->at.part + 1 == f->max_parts)
			return false;
		f->at.part++;
		f->at.units = 0;
	}
	for (i = 0; i < n; i++)
		f->parts->units[f->at.part][f->at.units++] = unit[i];
	f->parts->used[f->at.part] = f->at.units;
	f->at.total += n;
	return true;
}

/* Back to the end of the last whole word, unless that throws away more than a part or half of
 * everything: a script without blanks is one long word. */
static void cut_at_word(struct filler *f)
{
	size_t lost = f->in_word ? f->at.total - f->word_start.total : 0;

	if (lost > f->per_part || lost > f->at.total / 2)
		return;
	if (!f->word_end.total)
		return;
	f->at = f->word_end;
	f->parts->used[f->at.part] = f->at.units;
}

/* \returns true if the text had to be cut. */
static bool fill(struct filler *f, const char *text, const char *end)
{
	f->at.text = text;
	while (text < end) {
		int32_t cp = next_char(&text, end);

		mark_word(f, is_blank(cp));
		if (!add_char(f, cp)) {
			cut_at_word(f);
			return true;
		}
		f->at.text = text;
	}
	return false;
}

void text_fill(const struct text_survey *survey, size_t per_part, size_t max_parts,
	       struct text_parts *parts)
{
	struct filler f = {
		.units = survey->gsm7 ? gsm7_units : ucs2_units,
		.per_part = per_part, .max_parts = max_parts, .parts = parts,
	};

	parts->cut = fill(&f, survey->start, survey->end);
	parts->n = f.at.part + 1;
	parts->end = f.at.text;
}

static int survey_chars(struct text_survey *s, const char *utf8)
{
	const char *p = utf8, *end = utf8 + strlen(utf8);
	bool blanks_fit = true;

	*s = (struct text_survey){ .gsm7 = true };
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

int text_survey(const char *utf8, struct text_survey *survey, struct problem *problem)
{
	if (survey_chars(survey, utf8) < 0)
		return problem_set(problem, PROBLEM_CONTENT_TEXT, NULL, 0,
				   "The text is not valid UTF-8");
	if (!survey->start)
		return problem_set(problem, PROBLEM_CONTENT_TEXT, NULL, 0, "The text is empty");
	return 0;
}

void text_ucs2_octets(const uint16_t *units, size_t n, uint8_t *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = units[i] >> 8;
		out[2 * i + 1] = units[i] & 0xff;
	}
}
