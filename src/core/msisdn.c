/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/recipient.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/base/text.h>

#define MIN_DIGITS 3
#define MAX_DIGITS 15

static int refuse(const char **why, const char *sentence)
{
	if (why)
		*why = sentence;
	return -EINVAL;
}

int msisdn_parse(const char *text, size_t len, struct msisdn *out, const char **why)
{
	uint64_t number;

	*out = (struct msisdn){ 0 };
	if (len && *text == '+') {
		text++;
		len--;
	}
	if (len < MIN_DIGITS || len > MAX_DIGITS || text_uint(text, len, UINT64_MAX, &number) < 0)
		return refuse(why, "an international number has 3 to 15 digits");
	if (*text == '0')
		return refuse(why, "an international number does not begin with 0");
	out->number = number;
	out->digits = len;
	return 0;
}

char *msisdn_format(const struct msisdn *m, char *buf, size_t size)
{
	if (m->digits)
		snprintf(buf, size, "%" PRIu64, (uint64_t)m->number);
	else
		snprintf(buf, size, "%s", "");
	return buf;
}

const char *recipient_shorten(const char *digits, char *buf, size_t size)
{
	size_t len = strlen(digits);

	if (len < 8)
		snprintf(buf, size, "%.2s...", digits);
	else
		snprintf(buf, size, "%.5s...%s", digits, digits + len - 2);
	return buf;
}
