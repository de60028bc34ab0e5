/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>

#include <tocsin/base/log.h>

#include "src/core/core.h"

#define NOW 1800000000
#define HEADER "imsi,msisdn,cell,language,drill\n"

struct world {
	struct gateway *gw;
	struct recipient_source *source;
	char path[64];
};

/* How an import ended. */
struct end {
	unsigned int calls;
	struct problem problem;
	size_t n;
};

static void on_end(const struct problem *problem, size_t n, void *data)
{
	struct end *end = data;

	end->calls++;
	end->n = n;
	end->problem = problem ? *problem : (struct problem){ .code = PROBLEM_NONE };
}

static int setup(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);

	osmo_gettimeofday_override = true;
	osmo_gettimeofday_override_time = (struct timeval){ .tv_sec = NOW };
	w->gw = gateway_alloc(w);
	assert_non_null(w->gw);
	w->source = recipient_source_add(gateway_recipients(w->gw), "list", "file", false, 0);
	strcpy(w->path, "/tmp/tocsin-recipients-XXXXXX");
	close(mkstemp(w->path));
	*state = w;
	return 0;
}

static int setup_threaded(void **state)
{
	struct world *w;

	setup(state);
	w = *state;
	w->gw->threaded = true;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	gateway_stop(w->gw);
	unlink(w->path);
	talloc_free(w);
	osmo_gettimeofday_override = false;
	return 0;
}

static void write_file(const struct world *w, unsigned int n_rows, const char *more)
{
	FILE *f = fopen(w->path, "w");
	unsigned int i;

	assert_non_null(f);
	fprintf(f, HEADER);
	for (i = 0; i < n_rows; i++)
		fprintf(f, "00101%010u,,001-01-1-%u,,\n", i, i);
	fprintf(f, "%s", more);
	fclose(f);
}

static void import(struct world *w, struct end *end)
{
	assert_int_equal(gateway_import_recipients(w->gw, w->source, w->path, end ? on_end : NULL, end), 0);
}

/* Let the loop run until it was told how often imports ended. */
static void run_until(const struct end *end, unsigned int calls)
{
	while (end->calls < calls)
		osmo_select_main(0);
}

static void a_file_becomes_the_table_of_its_source(void **state)
{
	struct world *w = *state;
	struct problem problem;
	struct end end = { 0 };

	write_file(w, 3, "");
	import(w, &end);
	run_until(&end, 1);
	assert_int_equal(end.calls, 1);
	assert_int_equal(end.problem.code, PROBLEM_NONE);
	assert_int_equal(end.n, 3);
	assert_int_equal(recipient_source_count(w->source), 3);
	assert_int_equal(recipient_source_updated(w->source), NOW);
	assert_int_equal(recipient_source_last(w->source, &problem), NOW);
	assert_int_equal(problem.code, PROBLEM_NONE);
}

static void a_wrong_file_leaves_the_table_before_in_force(void **state)
{
	struct world *w = *state;
	struct problem problem;
	struct end end = { 0 };

	write_file(w, 3, "");
	import(w, &end);
	run_until(&end, 1);
	osmo_gettimeofday_override_time.tv_sec += 60;
	write_file(w, 5, "wrong\n");
	import(w, &end);
	run_until(&end, 2);
	assert_int_equal(end.problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_int_equal(end.problem.line, 7);
	assert_int_equal(recipient_source_count(w->source), 3);
	assert_int_equal(recipient_source_updated(w->source), NOW);
	assert_int_equal(recipient_source_last(w->source, &problem), NOW + 60);
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_string_equal(problem.where, w->path);
}

static void a_file_that_is_missing_is_told(void **state)
{
	struct world *w = *state;
	struct problem problem;
	struct end end = { 0 };

	unlink(w->path);
	import(w, &end);
	run_until(&end, 1);
	assert_int_equal(end.problem.code, PROBLEM_RECIPIENTS_FILE);
	assert_int_equal(recipient_source_last(w->source, &problem), NOW);
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_FILE);
	assert_false(recipient_sources_complete(gateway_recipients(w->gw), 0));
}

static void an_import_that_nobody_waits_for_ends_as_well(void **state)
{
	struct world *w = *state;

	write_file(w, 3, "");
	import(w, NULL);
	while (!recipient_source_count(w->source))
		osmo_select_main(0);
	assert_int_equal(recipient_source_count(w->source), 3);
}

static void the_loop_goes_on_while_the_file_is_read(void **state)
{
	struct world *w = *state;
	struct end end = { 0 };

	write_file(w, 1000, "");
	import(w, &end);
	assert_int_equal(end.calls, 0);
	assert_int_equal(recipient_source_count(w->source), 0);
	run_until(&end, 1);
	assert_int_equal(recipient_source_count(w->source), 1000);
}

static void an_import_follows_the_one_before(void **state)
{
	struct world *w = *state;
	struct recipient_source *other = recipient_source_add(gateway_recipients(w->gw), "other", "file", false, 0);
	unsigned int version = recipient_sources_version(gateway_recipients(w->gw));
	struct end end = { 0 };

	write_file(w, 3, "");
	import(w, NULL);
	import(w, &end);
	import(w, NULL);
	/* The last of these waits already. */
	import(w, NULL);
	assert_int_equal(gateway_import_recipients(w->gw, other, w->path, NULL, NULL), 0);
	import(w, &end);
	run_until(&end, 2);
	assert_int_equal(recipient_sources_version(gateway_recipients(w->gw)), version + 5);
	assert_int_equal(recipient_source_count(other), 3);
}

static void files_are_read_in_the_order_they_were_asked_for(void **state)
{
	struct world *w = *state;
	struct recipient_sources *sources = gateway_recipients(w->gw);
	unsigned int version = recipient_sources_version(sources);
	char *other = talloc_asprintf(w, "%s-2", w->path);
	struct end end = { 0 };

	write_file(w, 5, "");
	assert_int_equal(rename(w->path, other), 0);
	write_file(w, 3, "");
	import(w, NULL);
	assert_int_equal(gateway_import_recipients(w->gw, w->source, other, NULL, NULL), 0);
	import(w, NULL);
	assert_int_equal(gateway_import_recipients(w->gw, w->source, other, on_end, &end), 0);
	run_until(&end, 1);
	unlink(other);
	assert_int_equal(recipient_sources_version(sources), version + 4);
	assert_int_equal(recipient_source_count(w->source), 5);
}

static void a_source_that_is_removed_meanwhile_gets_nothing(void **state)
{
	struct world *w = *state;
	struct end end = { 0 };

	write_file(w, 3, "");
	import(w, &end);
	import(w, &end);
	recipient_source_remove(w->source);
	/* Nor does another that has its name since. */
	w->source = recipient_source_add(gateway_recipients(w->gw), "list", "file", false, 0);
	run_until(&end, 2);
	assert_int_equal(end.problem.code, PROBLEM_CONFIG);
	assert_int_equal(recipient_source_count(w->source), 0);
	assert_int_equal(recipient_source_last(w->source, NULL), 0);
	import(w, &end);
	run_until(&end, 3);
	assert_int_equal(end.problem.code, PROBLEM_NONE);
	assert_int_equal(recipient_source_count(w->source), 3);
}

static void a_gateway_that_stops_ends_its_imports_silently(void **state)
{
	struct world *w = *state;
	struct end end = { 0 };

	write_file(w, 1000, "");
	import(w, &end);
	import(w, &end);
	gateway_stop(w->gw);
	osmo_select_main(1);
	assert_int_equal(end.calls, 0);
	assert_int_equal(recipient_source_count(w->source), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define INLINE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define THREADED(f) { #f " in a thread", f, setup_threaded, teardown, NULL }
		INLINE(a_file_becomes_the_table_of_its_source),
		INLINE(a_wrong_file_leaves_the_table_before_in_force),
		INLINE(a_file_that_is_missing_is_told),
		INLINE(an_import_that_nobody_waits_for_ends_as_well),
		THREADED(a_file_becomes_the_table_of_its_source),
		THREADED(a_wrong_file_leaves_the_table_before_in_force),
		THREADED(a_file_that_is_missing_is_told),
		THREADED(an_import_that_nobody_waits_for_ends_as_well),
		THREADED(the_loop_goes_on_while_the_file_is_read),
		THREADED(an_import_follows_the_one_before),
		THREADED(files_are_read_in_the_order_they_were_asked_for),
		THREADED(a_source_that_is_removed_meanwhile_gets_nothing),
		THREADED(a_gateway_that_stops_ends_its_imports_silently),
	};

	void *ctx = talloc_new(NULL);
	int rc;

	osmo_init_logging2(ctx, &tocsin_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
