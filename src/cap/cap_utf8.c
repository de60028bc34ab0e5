/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What happens to a document before libxml2 sees it.
 *
 * libxml2 would convert any encoding that iconv knows, and report what it cannot convert on
 * stderr. Here the few encodings that are met become checked UTF-8, so that only one decoder of
 * outside octets has to be trusted, and one that is our own. */

#include "cap_xml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <talloc.h>

#include <tocsin/base/text.h>
#include <tocsin/cap/cap.h>

/* The hook that counts attributes exactly runs when libxml2 has already compared each attribute
 * of the tag with each other one: a million of them would take minutes. This much is harmless,
 * and leaves room for tags in CDATA, which are counted here though they are only text. */
#define MAX_TAG_ATTRIBUTES (16 * CAP_MAX_ATTRIBUTES)

/* An XML declaration is at the very start and short. */
#define MAX_DECLARATION 256

enum encoding {
	ENCODING_UTF8,
	ENCODING_LATIN1,
	ENCODING_UTF16LE,
	ENCODING_UTF16BE,
	ENCODING_OTHER,
};

static const struct {
	const char *name;
	enum encoding encoding;
} encoding_names[] = {
	{ "UTF-8", ENCODING_UTF8 },
	{ "UTF8", ENCODING_UTF8 },
	{ "US-ASCII", ENCODING_UTF8 },
	{ "ASCII", ENCODING_UTF8 },
	{ "ISO-8859-1", ENCODING_LATIN1 },
	{ "ISO8859-1", ENCODING_LATIN1 },
	{ "LATIN1", ENCODING_LATIN1 },
};

static const struct {
	const char *mark;
	size_t len;	/* of the mark */
	size_t skip;	/* what of it is no part of the document */
	enum encoding encoding;
} marks[] = {
	{ "\xef\xbb\xbf", 3, 3, ENCODING_UTF8 },
	{ "\xff\xfe", 2, 2, ENCODING_UTF16LE },
	{ "\xfe\xff", 2, 2, ENCODING_UTF16BE },
	{ "<\0", 2, 0, ENCODING_UTF16LE },
	{ "\0<", 2, 0, ENCODING_UTF16BE },
};

static unsigned int line_at(const char *start, const char *pos)
{
	unsigned int line = 1;

	while ((start = memchr(start, '\n', pos - start))) {
		start++;
		line++;
	}
	return line;
}

/* The name in <?xml ... encoding="name"?>, empty if there is none (XML 1.0, 4.3.3). */
static struct cap_octets declared_encoding(struct cap_octets doc)
{
	static const struct cap_octets none = { "", 0 };
	size_t n = doc.len < MAX_DECLARATION ? doc.len : MAX_DECLARATION;
	const char *end, *p, *close;

	if (n < 6 || memcmp(doc.data, "<?xml", 5))
		return none;
	end = memmem(doc.data, n, "?>", 2);
	p = end ? memmem(doc.data, end - doc.data, "encoding", 8) : NULL;
	if (!p)
		return none;
	for (p += 8; p < end && strchr(" \t\r\n=", *p); p++)
		;
	if (p >= end || (*p != '"' && *p != '\''))
		return none;
	close = memchr(p + 1, *p, end - p - 1);
	return close ? (struct cap_octets){ p + 1, close - p - 1 } : none;
}

static enum encoding encoding_by_name(struct cap_octets name)
{
	size_t i;

	/* XML 1.0, 4.3.3: UTF-8 is the default. */
	if (!name.len)
		return ENCODING_UTF8;
	for (i = 0; i < sizeof(encoding_names) / sizeof(encoding_names[0]); i++) {
		if (strlen(encoding_names[i].name) == name.len &&
		    !strncasecmp(encoding_names[i].name, name.data, name.len))
			return encoding_names[i].encoding;
	}
	return ENCODING_OTHER;
}

/* Find out the encoding (XML 1.0, appendix F) and step over a byte order mark. The mark is
 * believed before the declaration, which relays forget to change when they convert. */
static int detect(struct cap_octets *doc, enum encoding *encoding, struct problem *problem)
{
	struct cap_octets name;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (doc->len >= marks[i].len && !memcmp(doc->data, marks[i].mark, marks[i].len)) {
			doc->data += marks[i].skip;
			doc->len -= marks[i].skip;
			*encoding = marks[i].encoding;
			return 0;
		}
	}
	name = declared_encoding(*doc);
	*encoding = encoding_by_name(name);
	if (*encoding == ENCODING_OTHER)
		return problem_set(problem, PROBLEM_CAP_NOT_WELL_FORMED, NULL, 1,
				   "The document is not in the encoding \"%.*s\" or that is not "
				   "understood here; UTF-8 is.",
				   name.len < 40 ? (int)name.len : 40, name.data);
	return 0;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = 0xc0 | c >> 6;
		out[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	if (c < 0x10000) {
		out[0] = 0xe0 | c >> 12;
		out[1] = 0x80 | (c >> 6 & 0x3f);
		out[2] = 0x80 | (c & 0x3f);
		return 3;
	}
	out[0] = 0xf0 | c >> 18;
	out[1] = 0x80 | (c >> 12 & 0x3f);
	out[2] = 0x80 | (c >> 6 & 0x3f);
	out[3] = 0x80 | (c & 0x3f);
	return 4;
}

static uint32_t utf16_unit(struct cap_octets in, size_t i, enum encoding encoding)
{
	uint32_t first = (uint8_t)in.data[i], second = (uint8_t)in.data[i + 1];

	return encoding == ENCODING_UTF16LE ? second << 8 | first : first << 8 | second;
}

/* The character at *i, which moves behind it, or -EILSEQ. */
static int32_t next_char(struct cap_octets in, size_t *i, enum encoding encoding)
{
	uint32_t c, low;

	if (encoding == ENCODING_LATIN1)
		return (uint8_t)in.data[(*i)++];
	if (in.len - *i < 2)
		return -EILSEQ;
	c = utf16_unit(in, *i, encoding);
	*i += 2;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	/* RFC 2781, 2.2: a high surrogate and a low one make one character. */
	if (c > 0xdbff || in.len - *i < 2)
		return -EILSEQ;
	low = utf16_unit(in, *i, encoding);
	if (low < 0xdc00 || low > 0xdfff)
		return -EILSEQ;
	*i += 2;
	return 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
}

static int convert(void *ctx, struct cap_octets in, enum encoding encoding,
		   struct cap_octets *out, struct problem *problem)
{
	/* An octet of ISO-8859-1 or two of UTF-16 become at most 2 or 3 of UTF-8. */
	char *buf = talloc_array(ctx, char, in.len * 2 + 4);
	size_t i = 0, n = 0;
	int32_t c;

	if (!buf) {
		problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0,
			    "The document does not fit into memory.");
		return -ENOMEM;
	}
	while (i < in.len) {
		c = next_char(in, &i, encoding);
		if (c < 0)
			return problem_set(problem, PROBLEM_CAP_NOT_WELL_FORMED, NULL,
					   line_at(buf, buf + n),
					   "The document is not valid UTF-16.");
		n += put_utf8(buf + n, c);
	}
	out->data = buf;
	out->len = n;
	return 0;
}

static int check_utf8(struct cap_octets doc, struct problem *problem)
{
	const char *p = doc.data, *bad = p, *end = p + doc.len;

	if (text_utf8_valid(doc.data, doc.len))
		return 0;
	while (text_utf8_next(&p, end) > 0)
		bad = p;
	return problem_set(problem, PROBLEM_CAP_NOT_WELL_FORMED, NULL, line_at(doc.data, bad),
			   *bad ? "The document is not valid UTF-8 (octet 0x%02x)."
				: "The document has a NUL (octet 0x%02x).", (uint8_t)*bad);
}

/* Count the attributes of the tag at p; returns its end. '<' cannot stand in an attribute, so a
 * tag ends there at the latest. */
static const char *count_attributes(const char *p, const char *end, unsigned int *count)
{
	char quote = 0;

	for (*count = 0, p++; p < end && *p != '<'; p++) {
		if (quote) {
			if (*p == quote)
				quote = 0;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
			(*count)++;
		} else if (*p == '>') {
			break;
		}
	}
	return p;
}

static int check_tags(struct cap_octets doc, struct problem *problem)
{
	const char *p = doc.data, *end = p + doc.len, *tag;
	unsigned int count;

	while ((p = memchr(p, '<', end - p))) {
		tag = p++;
		if (p < end && (*p == '!' || *p == '?' || *p == '/'))
			continue;
		p = count_attributes(tag, end, &count);
		if (count > MAX_TAG_ATTRIBUTES)
			return problem_set(problem, PROBLEM_CAP_TOO_COMPLEX, NULL,
					   line_at(doc.data, tag),
					   "An element has %u attributes; %d are allowed.", count,
					   CAP_MAX_ATTRIBUTES);
	}
	return 0;
}

int cap_utf8(void *ctx, struct cap_octets in, struct cap_octets *out, struct problem *problem)
{
	enum encoding encoding;
	int rc;

	if (!in.len)
		return problem_set(problem, PROBLEM_CAP_NOT_WELL_FORMED, NULL, 0,
				   "The document is empty.");
	if (in.len > INT32_MAX / 2)
		return problem_set(problem, PROBLEM_CAP_TOO_COMPLEX, NULL, 0,
				   "The document has %zu octets.", in.len);
	rc = detect(&in, &encoding, problem);
	if (rc < 0)
		return rc;
	*out = in;
	if (encoding != ENCODING_UTF8)
		rc = convert(ctx, in, encoding, out, problem);
	if (rc < 0)
		return rc;
	rc = check_utf8(*out, problem);
	return rc < 0 ? rc : check_tags(*out, problem);
}
