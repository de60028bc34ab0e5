/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/clock.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <osmocom/core/timer.h>
#include <osmocom/core/timer_compat.h>

#define SECONDS_PER_DAY 86400

int64_t clock_utc(void)
{
	struct timeval tv;

	osmo_gettimeofday(&tv, NULL);
	return tv.tv_sec;
}

int64_t clock_mono_ms(void)
{
	struct timespec ts;

	osmo_clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. Years start in March here, so that the
 * leap day is the last one. */
static int64_t days_from_civil(int64_t year, unsigned int month, unsigned int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static unsigned int days_in_month(unsigned int year, unsigned int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Exactly n digits at *p. */
static int read_digits(const char **p, unsigned int n, unsigned int *out)
{
	unsigned int v = 0;

	while (n--) {
		if (**p < '0' || **p > '9')
			return -EINVAL;
		v = v * 10 + (*(*p)++ - '0');
	}
	*out = v;
	return 0;
}

static int read_char(const char **p, char c)
{
	if (**p != c)
		return -EINVAL;
	(*p)++;
	return 0;
}

static int read_offset(const char **p, int *seconds)
{
	unsigned int hours, minutes;
	int sign;

	if (**p == 'Z') {
		(*p)++;
		*seconds = 0;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return -EINVAL;
	sign = *(*p)++ == '-' ? -1 : 1;
	if (read_digits(p, 2, &hours) < 0 || read_char(p, ':') < 0 || read_digits(p, 2, &minutes) < 0)
		return -EINVAL;
	/* XML Schema allows offsets up to 14:00. */
	if (hours > 14 || minutes > 59 || (hours == 14 && minutes))
		return -EINVAL;
	*seconds = sign * (int)(hours * 3600 + minutes * 60);
	return 0;
}

int clock_parse(const char *text, int64_t *utc)
{
	unsigned int year, month, day, hour, minute, second;
	const char *p = text;
	int offset;

	if (read_digits(&p, 4, &year) < 0 || read_char(&p, '-') < 0 ||
	    read_digits(&p, 2, &month) < 0 || read_char(&p, '-') < 0 ||
	    read_digits(&p, 2, &day) < 0 || read_char(&p, 'T') < 0 ||
	    read_digits(&p, 2, &hour) < 0 || read_char(&p, ':') < 0 ||
	    read_digits(&p, 2, &minute) < 0 || read_char(&p, ':') < 0 ||
	    read_digits(&p, 2, &second) < 0 || read_offset(&p, &offset) < 0 || *p)
		return -EINVAL;
	if (!year || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	*utc = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 +
	       second - offset;
	return 0;
}

char *clock_format(int64_t utc, char *buf, size_t size)
{
	time_t t = utc;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, size, "?");
	return buf;
}
