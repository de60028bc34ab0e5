/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "http_message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cursor {
	const uint8_t *at;
	size_t left;
};

bool slice_is(struct slice s, const char *text)
{
	return s.at && s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

static bool slice_is_any_case(struct slice s, const char *text)
{
	return s.at && s.len == strlen(text) && !strncasecmp((const char *)s.at, text, s.len);
}

/* RFC 9110, 5.6.2 */
static bool is_token(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.at[i] >= 0x80 || (!isalnum(s.at[i]) && (!s.at[i] || !strchr("!#$%&'*+-.^_`|~", s.at[i]))))
			return false;
	}
	return s.len > 0;
}

static struct slice trim(struct slice s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* A line without its CRLF. A control character other than HTAB is odd, wherever it is. */
static enum reading take_line(struct cursor *c, struct slice *line)
{
	size_t i;

	for (i = 0; i < c->left; i++) {
		uint8_t o = c->at[i];

		if (o == '\r' && i + 1 == c->left)
			return READ_PART;
		if (o == '\r' && c->at[i + 1] == '\n')
			break;
		if ((o < ' ' && o != '\t') || o == 0x7f)
			return READ_ODD;
	}
	if (i == c->left)
		return READ_PART;
	*line = (struct slice){ c->at, i };
	c->at += i + 2;
	c->left -= i + 2;
	return READ_WHOLE;
}

/* Up to a character, which is taken off too. */
static bool split(struct slice *rest, char at, struct slice *part)
{
	const uint8_t *end = memchr(rest->at, at, rest->len);

	if (!end)
		return false;
	*part = (struct slice){ rest->at, end - rest->at };
	rest->len -= part->len + 1;
	rest->at = end + 1;
	return true;
}

static bool read_version(struct http_message *m, struct slice s)
{
	m->minor = slice_is(s, "HTTP/1.1");
	return m->minor || slice_is(s, "HTTP/1.0");
}

static bool read_request_line(struct http_message *m, struct slice line)
{
	size_t i;

	if (!split(&line, ' ', &m->method) || !split(&line, ' ', &m->target) || !is_token(m->method))
		return false;
	for (i = 0; i < m->target.len; i++) {
		if (m->target.at[i] <= ' ' || m->target.at[i] >= 0x7f)
			return false;
	}
	return m->target.len && read_version(m, line);
}

static bool read_status_line(struct http_message *m, struct slice line)
{
	struct slice version, status;
	size_t i;

	if (!split(&line, ' ', &version) || !read_version(m, version) || !split(&line, ' ', &status))
		return false;
	for (i = 0; i < status.len; i++) {
		if (!isdigit(status.at[i]))
			return false;
		m->status = m->status * 10 + status.at[i] - '0';
	}
	return status.len == 3 && m->status >= 100 && m->status < 600;
}

static bool read_field(struct http_message *m, struct slice line)
{
	struct slice name;

	if (m->n_fields == HTTP_MESSAGE_FIELDS || !split(&line, ':', &name) || !is_token(name))
		return false;
	m->names[m->n_fields] = name;
	m->values[m->n_fields++] = trim(line);
	return true;
}

static enum reading read_fields(struct http_message *m, struct cursor *c)
{
	struct slice line;
	enum reading rc;

	while ((rc = take_line(c, &line)) == READ_WHOLE && line.len) {
		if (!read_field(m, line))
			return READ_ODD;
	}
	return rc;
}

struct slice http_message_field(const struct http_message *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->n_fields; i++) {
		if (slice_is_any_case(m->names[i], name))
			return m->values[i];
	}
	return (struct slice){ NULL, 0 };
}

bool http_message_field_has(const struct http_message *m, const char *name, const char *word)
{
	struct slice rest, part;
	size_t i;

	for (i = 0; i < m->n_fields; i++) {
		if (!slice_is_any_case(m->names[i], name))
			continue;
		rest = m->values[i];
		while (split(&rest, ',', &part)) {
			if (slice_is_any_case(trim(part), word))
				return true;
		}
		if (slice_is_any_case(trim(rest), word))
			return true;
	}
	return false;
}

bool http_message_ends_connection(const struct http_message *m)
{
	if (http_message_field_has(m, "Connection", "close"))
		return true;
	return !m->minor && !http_message_field_has(m, "Connection", "keep-alive");
}

/* More than can be is as much as can be: so much never comes. */
static bool read_number(struct slice s, unsigned int base, uint64_t *out)
{
	unsigned int digit;
	size_t i;

	*out = 0;
	for (i = 0; i < s.len; i++) {
		if (base == 16 ? !isxdigit(s.at[i]) : !isdigit(s.at[i]))
			return false;
		digit = isdigit(s.at[i]) ? s.at[i] - '0' : tolower(s.at[i]) - 'a' + 10;
		*out = *out > (UINT64_MAX - digit) / base ? UINT64_MAX : *out * base + digit;
	}
	return s.len > 0;
}

/* One Content-Length, or chunked alone in HTTP/1.1, or none (RFC 9112, 6). */
static bool read_framing(struct http_message *m)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < m->n_fields; i++) {
		if (slice_is_any_case(m->names[i], "Content-Length")) {
			m->has_length = read_number(m->values[i], 10, &m->length);
			if (!m->has_length)
				return false;
			n++;
		} else if (slice_is_any_case(m->names[i], "Transfer-Encoding")) {
			m->chunked = slice_is_any_case(m->values[i], "chunked");
			if (!m->chunked || !m->minor)
				return false;
			n++;
		}
	}
	return n <= 1;
}

static enum reading take_octets(struct http_message *m, struct cursor *c, uint64_t n)
{
	if (n > c->left)
		return READ_PART;
	if (n) {
		m->body = realloc(m->body, m->n_body + n);
		memcpy(m->body + m->n_body, c->at, n);
	}
	m->n_body += n;
	c->at += n;
	c->left -= n;
	return READ_WHOLE;
}

static enum reading take_chunk(struct http_message *m, struct cursor *c, uint64_t *size)
{
	struct slice line, digits;
	enum reading rc = take_line(c, &line);

	if (rc != READ_WHOLE)
		return rc;
	digits = line;
	(void)split(&line, ';', &digits);
	if (!read_number(digits, 16, size))
		return READ_ODD;
	if (!*size)
		return READ_WHOLE;
	rc = take_octets(m, c, *size);
	if (rc != READ_WHOLE)
		return rc;
	if (c->left && *c->at != '\r')
		return READ_ODD;
	rc = take_line(c, &line);
	return rc == READ_WHOLE && line.len ? READ_ODD : rc;
}

static enum reading take_chunks(struct http_message *m, struct cursor *c)
{
	struct http_message trailer = { 0 };
	enum reading rc;
	uint64_t size;

	do {
		rc = take_chunk(m, c, &size);
	} while (rc == READ_WHOLE && size);
	return rc == READ_WHOLE ? read_fields(&trailer, c) : rc;
}

enum reading http_message_read_request(struct http_message *m, const uint8_t *data, size_t len)
{
	struct cursor c = { data, len };
	struct slice line;
	enum reading rc;

	*m = (struct http_message){ 0 };
	do {
		rc = take_line(&c, &line);
	} while (rc == READ_WHOLE && !line.len);
	if (rc == READ_WHOLE)
		rc = read_request_line(m, line) ? read_fields(m, &c) : READ_ODD;
	m->bad_framing = rc == READ_WHOLE && !read_framing(m);
	if (m->bad_framing)
		rc = READ_ODD;
	m->has_head = rc == READ_WHOLE;
	if (m->has_head)
		rc = m->chunked ? take_chunks(m, &c) : take_octets(m, &c, m->length);
	m->size = len - c.left;
	return rc;
}

enum reading http_message_read_answer(struct http_message *m, const uint8_t *data, size_t len,
				      bool to_head, bool ended)
{
	struct cursor c = { data, len };
	struct slice line;
	enum reading rc;

	*m = (struct http_message){ 0 };
	rc = take_line(&c, &line);
	if (rc == READ_WHOLE)
		rc = read_status_line(m, line) ? read_fields(m, &c) : READ_ODD;
	if (rc == READ_WHOLE && !read_framing(m))
		rc = READ_ODD;
	m->has_head = rc == READ_WHOLE;
	if (!m->has_head)
		return rc;
	if (to_head || m->status < 200 || m->status == 204 || m->status == 304)
		rc = READ_WHOLE;
	else if (m->chunked)
		rc = take_chunks(m, &c);
	else if (m->has_length)
		rc = take_octets(m, &c, m->length);
	else
		rc = ended ? take_octets(m, &c, c.left) : READ_PART;
	m->size = len - c.left;
	return rc;
}

void http_message_clear(struct http_message *m)
{
	free(m->body);
	m->body = NULL;
}
