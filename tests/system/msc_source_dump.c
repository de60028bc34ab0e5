/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a source of recipients finds out from an OsmoMSC:
 *	msc_source_dump ADDRESS MCC MNC INTERVAL_S
 * prints "recipients N" and N rows "IMSI,MSISDN,PLACE" after each poll that succeeds, "failed: WHY"
 * after each that does not, until it is ended. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/fsm.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/link/msc_source.h>

static void print_row(const struct recipient *r)
{
	char imsi[TARGET_TEXT_LEN], place[TARGET_TEXT_LEN] = "", msisdn[MSISDN_TEXT_LEN];

	if (r->at.type)
		target_format(&r->at, place, sizeof(place));
	printf("%s,%s,%s\n", target_format(&r->imsi, imsi, sizeof(imsi)),
	       msisdn_format(&r->msisdn, msisdn, sizeof(msisdn)), place);
}

static void print_all(void *ctx, const struct recipient_sources *sources,
		      const struct recipient_source *source)
{
	struct recipient_walk *walk = recipient_walk_alloc(ctx, sources, clock_utc());
	const char *language;
	struct recipient r;

	printf("recipients %zu\n", recipient_source_count(source));
	while (walk && recipient_walk_next(walk, &r, &language))
		print_row(&r);
	talloc_free(walk);
}

static struct msc_source_config *configure(void *ctx, char **argv)
{
	struct msc_source_config *config = msc_source_config_alloc(ctx);

	config->remote_ip = talloc_strdup(config, argv[1]);
	config->mcc = atoi(argv[2]);
	config->mnc = atoi(argv[3]);
	config->mnc_digits = strlen(argv[3]);
	config->interval_s = atoi(argv[4]);
	return config;
}

static void watch(void *ctx, const struct recipient_sources *sources, const struct recipient_source *source)
{
	unsigned int version = recipient_sources_version(sources);
	struct problem problem, last = { .code = PROBLEM_NONE };

	for (;;) {
		osmo_select_main_ctx(0);
		if (recipient_sources_version(sources) != version)
			print_all(ctx, sources, source);
		version = recipient_sources_version(sources);
		recipient_source_last(source, &problem);
		if (problem.code && strcmp(problem.detail, last.detail))
			printf("failed: %s\n", problem.detail);
		last = problem;
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	void *ctx = talloc_named_const(NULL, 0, "msc_source_dump");
	struct recipient_sources *sources = recipient_sources_alloc(ctx);
	struct recipient_source *source = recipient_source_add(sources, "msc", "osmo-msc", true, 0);
	struct problem problem;

	if (argc != 5)
		return 2;
	log_init(&tocsin_log_info, NULL);
	if (!msc_source_open(ctx, source, configure(ctx, argv), &problem)) {
		fprintf(stderr, "%s\n", problem.detail);
		return 1;
	}
	watch(ctx, sources, source);
}
