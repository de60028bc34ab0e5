/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define MAX_SPREAD 1.6
#define MAX_BASELINE_SPREAD 1.4
#define MAX_STOLEN 0.05

double pairs_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

/* Seconds that the hypervisor gave to others, over all cores (proc(5)). */
static double stolen_s(void)
{
	unsigned long long v[8] = { 0 };
	FILE *f = fopen("/proc/stat", "r");
	int n = 0;

	if (f) {
		n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
			   &v[4], &v[5], &v[6], &v[7]);
		fclose(f);
	}
	return n == 8 ? v[7] / 100.0 : 0;
}

void pairs_init(struct pairs *p)
{
	memset(p, 0, sizeof(*p));
	p->stolen_before = stolen_s();
}

void pairs_add(struct pairs *p, double subject_s, double baseline_s)
{
	if (p->n == PAIRS_MAX)
		return;
	p->subject[p->n] = subject_s;
	p->baseline[p->n] = baseline_s;
	p->ratio[p->n++] = subject_s / baseline_s;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const double *values, unsigned int n, double q)
{
	double sorted[PAIRS_MAX];

	if (!n)
		return 0;
	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return sorted[(unsigned int)(q * (n - 1) + 0.5)];
}

static double total(const double *values, unsigned int n)
{
	double sum = 0;

	while (n--)
		sum += values[n];
	return sum;
}

static const char *judge(const struct pairs *p, double value, double spread, double threshold, bool at_least)
{
	double busy = total(p->subject, p->n) + total(p->baseline, p->n);
	double calm = quantile(p->baseline, p->n, 0.75) / quantile(p->baseline, p->n, 0.25);

	if (!p->n || spread > MAX_SPREAD || calm > MAX_BASELINE_SPREAD ||
	    stolen_s() - p->stolen_before > MAX_STOLEN * busy)
		return "unmeasurable";
	return (at_least ? value >= threshold : value <= threshold) ? "pass" : "fail";
}

/* What the numbers depend on besides the code. */
static void print_host(void)
{
	struct utsname u = { .release = "" };
	bool optimised = false;

#ifdef __OPTIMIZE__
	optimised = true;
#endif
	uname(&u);
	printf("\"flags\":{\"compiler\":\"%s\",\"optimised\":%s},"
	       "\"host\":{\"cores\":%ld,\"kernel\":\"%s\"}", __VERSION__, optimised ? "true" : "false",
	       sysconf(_SC_NPROCESSORS_ONLN), u.release);
}

bool pairs_report(const struct pairs *p, const char *id, const char *what, double threshold,
		  bool at_least, uint64_t seed)
{
	double value = quantile(p->ratio, p->n, 0.5);
	double p10 = quantile(p->ratio, p->n, 0.1), p90 = quantile(p->ratio, p->n, 0.9);
	const char *verdict = judge(p, value, p90 / p10, threshold, at_least);

	fprintf(stderr, "%-4s %-44s %9.3f ms against %9.3f ms: %7.2f (%.2f to %.2f), %s %g: %s\n", id, what,
		quantile(p->subject, p->n, 0.5) * 1e3, quantile(p->baseline, p->n, 0.5) * 1e3, value, p10,
		p90, at_least ? "at least" : "at most", threshold, verdict);
	printf("{\"id\":\"%s\",\"what\":\"%s\",\"value\":%.4f,\"p10\":%.4f,\"p90\":%.4f,\"best\":%.4f,"
	       "\"n\":%u,\"threshold\":%g,\"verdict\":\"%s\",\"seed\":%llu,", id, what, value, p10, p90,
	       quantile(p->subject, p->n, 0) / quantile(p->baseline, p->n, 0), p->n, threshold, verdict,
	       (unsigned long long)seed);
	print_host();
	printf("}\n");
	return strcmp(verdict, "fail");
}
