/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/problem.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *code;
	int status;
	const char *title;
} problem_table[_NUM_PROBLEM] = {
#define X(name, code, status, title) [PROBLEM_##name] = { code, status, title },
	PROBLEM_LIST(X)
#undef X
};

/* Log lines and terminals must not be steered by what a sender wrote. */
static void drop_controls(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
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
