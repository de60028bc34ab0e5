/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/problem.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/base/text.h>

static const struct {
	const char *code;
	int status;
	const char *title;
} problem_table[_NUM_PROBLEM] = {
#define X(name, code, status, title) [PROBLEM_##name] = { code, status, title },
	PROBLEM_LIST(X)
#undef X
};

/* Log lines and terminals must not be steered by what a sender wrote: neither by control characters
 * of either set nor by octets that are no UTF-8, like those of a character cut at the end. */
static void drop_controls(char *s)
{
	const char *p = s, *end = s + strlen(s);

	while (s < end) {
		int32_t cp = text_utf8_next(&p, end);

		if (cp < 0)
			p = s + 1;
		if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
			memset(s, '?', p - s);
		s += p - s;
	}
}

int problem_set(struct problem *p, enum problem_code code, const char *where, unsigned int line,
		const char *fmt, ...)
{
	va_list ap;

	if (!p)
		return -EINVAL;
	p->code = code;
	p->line = line;
	snprintf(p->where, sizeof(p->where), "%s", where ? where : "");
	va_start(ap, fmt);
	vsnprintf(p->detail, sizeof(p->detail), fmt, ap);
	va_end(ap);
	drop_controls(p->where);
	drop_controls(p->detail);
	return -EINVAL;
}

const char *problem_code_name(enum problem_code code)
{
	return code < _NUM_PROBLEM ? problem_table[code].code : "internal";
}

int problem_status(enum problem_code code)
{
	return code < _NUM_PROBLEM ? problem_table[code].status : 500;
}

const char *problem_title(enum problem_code code)
{
	return code < _NUM_PROBLEM ? problem_table[code].title : "An internal error";
}
