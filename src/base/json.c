/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/json.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/text.h>

void json_init(struct json *j, void *ctx)
{
	*j = (struct json){ .ctx = ctx };
}

static void append(struct json *j, const char *s, size_t n)
{
	if (j->error)
		return;
	if (j->size - j->len < n) {
		size_t size = j->size ? j->size * 2 : 1024;
		char *buf;

		while (size - j->len < n)
			size *= 2;
		buf = talloc_realloc(j->ctx, j->buf, char, size);
		if (!buf) {
			j->error = -ENOMEM;
			return;
		}
		j->buf = buf;
		j->size = size;
	}
	memcpy(j->buf + j->len, s, n);
	j->len += n;
}

static void append_escaped(struct json *j, const char *s, size_t len)
{
	const char *end = s + len;

	append(j, "\"", 1);
	while (s < end) {
		const char *start = s;
		int32_t cp = text_utf8_next(&s, end);
		char esc[16];

		if (cp < 0) {
			s = start + 1;
			append(j, "\xef\xbf\xbd", 3);
		} else if (cp == '"' || cp == '\\') {
			esc[0] = '\\';
			esc[1] = cp;
			append(j, esc, 2);
		} else if (cp == '\n') {
			append(j, "\\n", 2);
		} else if (cp < 0x20 || cp == 0x7f) {
			snprintf(esc, sizeof(esc), "\\u%04x", (unsigned int)cp);
			append(j, esc, 6);
		} else {
			append(j, start, s - start);
		}
	}
	append(j, "\"", 1);
}

static void member(struct json *j, const char *name)
{
	if (j->has_member & (1u << j->depth))
		append(j, ",", 1);
	j->has_member |= 1u << j->depth;
	if (name) {
		append_escaped(j, name, strlen(name));
		append(j, ":", 1);
	}
}

static void begin(struct json *j, const char *name, const char *bracket)
{
	member(j, name);
	append(j, bracket, 1);
	if (j->depth + 1 >= JSON_MAX_DEPTH) {
		j->error = -EINVAL;
		return;
	}
	j->depth++;
	j->has_member &= ~(1u << j->depth);
}

static void end(struct json *j, const char *bracket)
{
	append(j, bracket, 1);
	if (j->depth)
		j->depth--;
}

size_t json_drain(struct json *j, char *out, size_t max)
{
	size_t n = j->len < max ? j->len : max;

	if (!n)
		return 0;
	memcpy(out, j->buf, n);
	memmove(j->buf, j->buf + n, j->len - n);
	j->len -= n;
	return n;
}

void json_object_begin(struct json *j, const char *name)
{
	begin(j, name, "{");
}

void json_object_end(struct json *j)
{
	end(j, "}");
}

void json_array_begin(struct json *j, const char *name)
{
	begin(j, name, "[");
}

void json_array_end(struct json *j)
{
	end(j, "]");
}

void json_string_n(struct json *j, const char *name, const char *value, size_t len)
{
	member(j, name);
	append_escaped(j, value, len);
}

void json_string(struct json *j, const char *name, const char *value)
{
	if (value)
		json_string_n(j, name, value, strlen(value));
	else
		json_null(j, name);
}

void json_int(struct json *j, const char *name, int64_t value)
{
	char buf[24];
	int n = snprintf(buf, sizeof(buf), "%lld", (long long)value);

	member(j, name);
	append(j, buf, n);
}

/* Writes backwards from end. \returns the first character. */
static char *format_decimal(char *end, int64_t value, unsigned int scale, bool zeros)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *p = end;

	for (; scale; scale--, rest /= 10) {
		if (zeros || p < end || rest % 10)
			*--p = '0' + rest % 10;
	}
	if (p < end)
		*--p = '.';
	do
		*--p = '0' + rest % 10;
	while (rest /= 10);
	if (value < 0)
		*--p = '-';
	return p;
}

static void put_decimal(struct json *j, const char *name, int64_t value, unsigned int scale, bool zeros)
{
	char buf[48], *end = buf + sizeof(buf), *start = format_decimal(end, value, scale, zeros);

	member(j, name);
	append(j, start, end - start);
}

void json_decimal(struct json *j, const char *name, int64_t value, unsigned int scale)
{
	put_decimal(j, name, value, scale, true);
}

void json_number(struct json *j, const char *name, int64_t value, unsigned int scale)
{
	put_decimal(j, name, value, scale, false);
}

void json_raw(struct json *j, const char *name, const char *text, size_t len)
{
	member(j, name);
	append(j, text, len);
}

void json_boolean(struct json *j, const char *name, bool value)
{
	member(j, name);
	append(j, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *j, const char *name)
{
	member(j, name);
	append(j, "null", 4);
}

void json_time(struct json *j, const char *name, int64_t utc)
{
	char buf[32];

	if (utc)
		json_string(j, name, clock_format(utc, buf, sizeof(buf)));
	else
		json_null(j, name);
}
