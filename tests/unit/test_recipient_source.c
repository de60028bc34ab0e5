/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/core/recipient_source.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1800000000

/* What is said of the IMSI 001010000000000 + nr. */
struct say {
	unsigned int nr;
	const char *at;		/* "" = nothing */
	const char *msisdn;
	const char *language;
	bool drill;
};
#define AT(nr, at) { nr, at, "", "", false }

static struct target location(const char *text)
{
	struct target t = { 0 };

	if (*text && target_parse(TARGET_CGI, text, strlen(text), &t, NULL) < 0)
		assert_int_equal(target_parse(TARGET_LAI, text, strlen(text), &t, NULL), 0);
	return t;
}

static struct target imsi(unsigned int nr)
{
	return (struct target){ .type = TARGET_IMSI, .mnc_digits = 15, .value = UINT64_C(1010000000000) + nr };
}

/* Every row has a language of its own, so that an index into the wrong table shows. */
static struct recipient_table *table(const struct say *say, size_t n)
{
	struct recipient *rows = talloc_zero_array(NULL, struct recipient, n ? n : 1);
	char **languages = talloc_zero_array(NULL, char *, n ? n : 1);
	struct recipient_table *made;
	size_t i;

	for (i = 0; i < n; i++) {
		rows[i].imsi = imsi(say[i].nr);
		rows[i].at = location(say[i].at);
		if (*say[i].msisdn)
			assert_int_equal(msisdn_parse(say[i].msisdn, strlen(say[i].msisdn), &rows[i].msisdn, NULL), 0);
		languages[i] = talloc_strdup(languages, say[i].language);
		rows[i].language = *say[i].language ? i + 1 : 0;
		rows[i].drill = say[i].drill;
	}
	made = recipient_table_make(NULL, rows, n, languages, n);
	assert_non_null(made);
	return made;
}

static struct recipient_table *table_of(const struct say *say)
{
	return table(say, 1);
}

static bool said(const struct recipient *r, const char *language, const struct say *want)
{
	struct target who = imsi(want->nr), at = location(want->at);
	char number[MSISDN_TEXT_LEN];

	return !target_compare(&r->imsi, &who) && !target_compare(&r->at, &at) &&
	       !strcmp(msisdn_format(&r->msisdn, number, sizeof(number)), want->msisdn) &&
	       !strcmp(language ? language : "", want->language) && r->drill == want->drill;
}

static void expect(struct recipient_walk *walk, const struct say *want, size_t n)
{
	const char *language;
	struct recipient r;
	size_t i;

	assert_non_null(walk);
	for (i = 0; i < n; i++) {
		assert_true(recipient_walk_next(walk, &r, &language));
		if (!said(&r, language, &want[i]))
			fail_msg("recipient %zu of the walk is not what the sources say", i);
	}
	assert_false(recipient_walk_next(walk, &r, &language));
	assert_false(recipient_walk_next(walk, &r, &language));
	talloc_free(walk);
}

static void a_new_source_has_no_table(void **state)
{
	struct recipient_sources *sources = recipient_sources_alloc(NULL);
	struct problem problem = { .code = PROBLEM_INTERNAL };
	struct recipient_source *s;

	(void)state;
	assert_true(recipient_sources_complete(sources, 0));
	assert_null(recipient_source_next(sources, NULL));
	expect(recipient_walk_alloc(sources, sources, NOW), NULL, 0);
	s = recipient_source_add(sources, "list", "file", false, 0);
	assert_non_null(s);
	assert_string_equal(recipient_source_name(s), "list");
	assert_string_equal(recipient_source_kind(s), "file");
	assert_int_equal(recipient_source_count(s), 0);
	assert_int_equal(recipient_source_updated(s), 0);
	assert_int_equal(recipient_source_last(s, &problem), 0);
	assert_int_equal(problem.code, PROBLEM_NONE);
	assert_int_equal(recipient_source_last(s, NULL), 0);
	assert_false(recipient_sources_complete(sources, 0));
	expect(recipient_walk_alloc(sources, sources, NOW), NULL, 0);
	talloc_free(sources);
}

static void sources_keep_their_order_and_their_names_are_their_own(void **state)
{
	struct recipient_sources *sources = recipient_sources_alloc(NULL);
	struct recipient_source *s[RECIPIENT_MAX_SOURCES];
	char name[16];
	size_t i;

	(void)state;
	for (i = 0; i < N(s); i++) {
		snprintf(name, sizeof(name), "source-%zu", N(s) - i);
		s[i] = recipient_source_add(sources, name, "file", false, 0);
		assert_non_null(s[i]);
		assert_null(recipient_source_add(sources, name, "osmo-msc", true, 60));
	}
	assert_null(recipient_source_add(sources, "one more", "file", false, 0));
	for (i = 0; i < N(s); i++)
		assert_ptr_equal(recipient_source_next(sources, i ? s[i - 1] : NULL), s[i]);
	assert_null(recipient_source_next(sources, s[N(s) - 1]));
	assert_ptr_equal(recipient_source_by_name(sources, "source-6"), s[2]);
	recipient_source_remove(s[2]);
	recipient_source_remove(NULL);
	assert_null(recipient_source_by_name(sources, "source-6"));
	assert_ptr_equal(recipient_source_next(sources, s[1]), s[3]);
	s[2] = recipient_source_add(sources, "source-6", "file", false, 0);
	assert_non_null(s[2]);
	assert_ptr_equal(recipient_source_next(sources, s[7]), s[2]);
	talloc_free(sources);
}

static void a_table_replaces_the_one_before_and_a_failure_does_not(void **state)
{
	static const struct say three[] = { AT(3, "001-01-1"), AT(1, "001-01-1"), AT(2, "001-01-1") };
	static const struct say one[] = { { 9, "001-01-2-2", "999", "de", true } };
	struct recipient_sources *sources = recipient_sources_alloc(NULL);
	struct recipient_source *s = recipient_source_add(sources, "list", "file", false, 0);
	struct recipient_source *other = recipient_source_add(sources, "other", "file", false, 0);
	unsigned int version = recipient_sources_version(sources);
	struct problem problem;

	(void)state;
	problem_set(&problem, PROBLEM_RECIPIENTS_LINE, "list.csv", 7, "wrong");
	recipient_source_failed(s, &problem, NOW - 1);
	assert_int_equal(recipient_source_updated(s), 0);
	assert_int_equal(recipient_source_last(s, NULL), NOW - 1);
	recipient_source_put(s, table(three, 3), NOW);
	assert_int_equal(recipient_source_count(s), 3);
	assert_int_equal(recipient_source_updated(s), NOW);
	assert_int_equal(recipient_source_last(s, &problem), NOW);
	assert_int_equal(problem.code, PROBLEM_NONE);
	assert_int_not_equal(recipient_sources_version(sources), version);
	assert_false(recipient_sources_complete(sources, 0));
	recipient_source_put(other, table(NULL, 0), NOW);
	assert_true(recipient_sources_complete(sources, 0));
	version = recipient_sources_version(sources);
	problem_set(&problem, PROBLEM_RECIPIENTS_LINE, "list.csv", 7, "wrong");
	recipient_source_failed(s, &problem, NOW + 1);
	problem = (struct problem){ .code = PROBLEM_NONE };
	assert_int_equal(recipient_source_count(s), 3);
	assert_int_equal(recipient_source_updated(s), NOW);
	assert_int_equal(recipient_source_last(s, &problem), NOW + 1);
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_int_equal(problem.line, 7);
	assert_int_equal(recipient_sources_version(sources), version);
	recipient_source_put(s, table(one, 1), NOW + 2);
	assert_int_not_equal(recipient_sources_version(sources), version);
	assert_int_equal(recipient_source_count(s), 1);
	expect(recipient_walk_alloc(sources, sources, NOW), one, 1);
	version = recipient_sources_version(sources);
	recipient_source_remove(s);
	assert_int_not_equal(recipient_sources_version(sources), version);
	expect(recipient_walk_alloc(sources, sources, NOW), NULL, 0);
	talloc_free(sources);
}

static void a_walk_goes_by_imsi_and_has_each_once(void **state)
{
	static const struct say a[] = { AT(5, "001-01-5"), AT(1, "001-01-1"), AT(9, "001-01-9") };
	static const struct say b[] = { AT(2, "001-01-2"), AT(5, "001-01-6"), AT(9, "001-01-7") };
	static const struct say c[] = { AT(9, "001-01-8"), AT(12, "001-01-12") };
	static const struct say want[] = { AT(1, "001-01-1"), AT(2, "001-01-2"), AT(5, "001-01-5"),
					   AT(9, "001-01-9"), AT(12, "001-01-12") };
	struct recipient_sources *sources = recipient_sources_alloc(NULL);

	(void)state;
	recipient_source_put(recipient_source_add(sources, "a", "file", false, 0), table(a, N(a)), NOW);
	recipient_source_put(recipient_source_add(sources, "b", "file", false, 0), table(b, N(b)), NOW);
	recipient_source_put(recipient_source_add(sources, "empty", "file", false, 0), table(NULL, 0), NOW);
	recipient_source_put(recipient_source_add(sources, "c", "file", false, 0), table(c, N(c)), NOW);
	recipient_source_add(sources, "not yet", "osmo-msc", true, 60);
	expect(recipient_walk_alloc(sources, sources, NOW), want, N(want));
	talloc_free(sources);
}

#define HOME "001-01-100-1"
#define FILE_2 "001-01-100-2"
#define HERE "001-01-200-7"
#define LIVE_2 "001-01-300"

/* Sources in order: a file, a live source, a second file, a second live source; of one person. */
static const struct {
	const char *name;
	struct say file, live, file_2, live_2;
	int64_t age_s;			/* of the first live source's table; its max_age_s is 60 */
	struct say want;
} merges[] = {
	{ "a live location counts before that of a file",
	  AT(1, HOME), AT(1, HERE), AT(1, FILE_2), AT(1, LIVE_2), 0,
	  AT(1, HERE) },
	{ "a live source that knows no location leaves it to the next live one",
	  AT(1, HOME), { 1, "", "1234", "", false }, AT(1, FILE_2), AT(1, LIVE_2), 0,
	  { 1, LIVE_2, "1234", "", false } },
	{ "when no live source knows a location, the first file that does counts",
	  { 1, "", "1234", "", false }, AT(1, ""), AT(1, FILE_2), AT(1, ""), 0,
	  { 1, FILE_2, "1234", "", false } },
	{ "of two files the first counts",
	  AT(1, HOME), AT(1, ""), AT(1, FILE_2), AT(1, ""), 0,
	  AT(1, HOME) },
	{ "a live location counts until it is older than its source allows",
	  AT(1, HOME), AT(1, HERE), AT(1, FILE_2), AT(1, ""), 60,
	  AT(1, HERE) },
	{ "after that the file's counts again",
	  AT(1, HOME), AT(1, HERE), AT(1, FILE_2), AT(1, ""), 61,
	  AT(1, HOME) },
	{ "or that of another live source",
	  AT(1, HOME), AT(1, HERE), AT(1, FILE_2), AT(1, LIVE_2), 61,
	  AT(1, LIVE_2) },
	{ "or none",
	  { 1, "", "1234", "", false }, AT(1, HERE), AT(1, ""), AT(1, ""), 61,
	  { 1, "", "1234", "", false } },
	{ "number and language of an old live source count still",
	  AT(1, HOME), { 1, HERE, "5678", "fr", true }, { 1, FILE_2, "9999", "de", false }, AT(1, ""), 100000,
	  { 1, HOME, "5678", "fr", true } },
	{ "number and language are the first source's that has one, each by itself",
	  { 1, HOME, "", "en", false }, { 1, HERE, "", "fr", false }, { 1, "", "1234", "de", false },
	  { 1, LIVE_2, "5678", "", false }, 0,
	  { 1, HERE, "1234", "en", false } },
	{ "whoever any source names for drills takes part in drills",
	  AT(1, HOME), AT(1, ""), AT(1, ""), { 1, "", "", "", true }, 0,
	  { 1, HOME, "", "", true } },
	{ "nobody else does",
	  { 1, HOME, "", "", false }, AT(1, HERE), AT(1, FILE_2), AT(1, LIVE_2), 0,
	  { 1, HERE, "", "", false } },
};

static void what_the_sources_say_of_one_person_becomes_one_row(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(merges); i++) {
		struct recipient_sources *sources = recipient_sources_alloc(NULL);
		struct recipient_walk *walk;
		const char *language;
		struct recipient r;

		recipient_source_put(recipient_source_add(sources, "f", "file", false, 0),
				     table_of(&merges[i].file), 1);
		recipient_source_put(recipient_source_add(sources, "l", "osmo-msc", true, 60),
				     table_of(&merges[i].live), NOW - merges[i].age_s);
		recipient_source_put(recipient_source_add(sources, "f2", "file", false, 0),
				     table_of(&merges[i].file_2), 1);
		recipient_source_put(recipient_source_add(sources, "l2", "osmo-msc", true, 60),
				     table_of(&merges[i].live_2), NOW);
		walk = recipient_walk_alloc(sources, sources, NOW);
		if (!recipient_walk_next(walk, &r, &language) || !said(&r, language, &merges[i].want) ||
		    recipient_walk_next(walk, &r, &language))
			fail_msg("not so: %s", merges[i].name);
		talloc_free(sources);
	}
}

static void a_live_source_without_an_age_never_grows_old(void **state)
{
	static const struct say say[] = { AT(1, HERE) };
	struct recipient_sources *sources = recipient_sources_alloc(NULL);

	(void)state;
	recipient_source_put(recipient_source_add(sources, "l", "osmo-msc", true, 0), table(say, 1), 1);
	expect(recipient_walk_alloc(sources, sources, NOW), say, 1);
	talloc_free(sources);
}

static void a_walk_keeps_the_tables_of_its_beginning(void **state)
{
	static const struct say old[] = { { 1, HOME, "", "de", false }, { 2, HOME, "", "fr", false },
					  { 3, HOME, "", "en", false } };
	static const struct say young[] = { AT(2, HERE), AT(4, HERE) };
	void *root = talloc_new(NULL);
	struct recipient_sources *sources = recipient_sources_alloc(root);
	struct recipient_source *s = recipient_source_add(sources, "list", "file", false, 0);
	struct recipient_walk *first, *second;
	size_t blocks, left;
	const char *language;
	struct recipient r;

	(void)state;
	recipient_source_put(s, table(old, N(old)), NOW);
	recipient_source_put(s, table(young, N(young)), NOW);
	blocks = talloc_total_blocks(root);
	recipient_source_put(s, table(old, N(old)), NOW);
	first = recipient_walk_alloc(root, sources, NOW);
	second = recipient_walk_alloc(root, sources, NOW);
	assert_true(recipient_walk_next(first, &r, &language));
	assert_true(said(&r, language, &old[0]));
	recipient_source_put(s, table(young, N(young)), NOW);
	expect(first, old + 1, N(old) - 1);
	recipient_source_put(s, table(old, N(old)), NOW);
	recipient_source_put(s, table(young, N(young)), NOW);
	expect(second, old, N(old));
	/* And nobody keeps them afterwards. */
	left = talloc_total_blocks(root);
	assert_int_equal(left, blocks);
	first = recipient_walk_alloc(root, sources, NOW);
	talloc_free(sources);
	expect(first, young, N(young));
	assert_int_equal(talloc_total_blocks(root), 1);
	talloc_free(root);
}

static void recipients_that_share_all_but_the_imsi_are_two(void **state)
{
	static const struct say a[] = { { 1, HOME, "1234", "de", false }, { 2, HOME, "1234", "de", false } };
	struct recipient_sources *sources = recipient_sources_alloc(NULL);
	struct recipient *rows = talloc_zero_array(NULL, struct recipient, 1);
	struct recipient_walk *walk;
	const char *language;
	struct recipient r;
	unsigned int n = 0;

	(void)state;
	/* The IMSI of the first with a zero less in front: the same number, another subscriber. */
	rows[0].imsi = imsi(1);
	rows[0].imsi.mnc_digits = 14;
	recipient_source_put(recipient_source_add(sources, "a", "file", false, 0), table(a, N(a)), NOW);
	recipient_source_put(recipient_source_add(sources, "b", "file", false, 0),
			     recipient_table_make(NULL, rows, 1, NULL, 0), NOW);
	walk = recipient_walk_alloc(sources, sources, NOW);
	while (recipient_walk_next(walk, &r, &language))
		n++;
	assert_int_equal(n, 3);
	talloc_free(sources);
}

/* ---- against a naive merge ------------------------------------------------------------------ */

#define PEOPLE 40

static const char *const places[] = { "", HOME, HERE, LIVE_2, FILE_2, "001-01-300-9" };
static const char *const numbers[] = { "", "", "1234", "5678", "9999" };
static const char *const languages[] = { "", "", "de", "en", "fr" };

/* The sources as they stand in the order of configuration, each with what it says of every person. */
struct naive {
	bool knows[PEOPLE];
	struct say say[PEOPLE];
	bool live, stale;
};

static unsigned int below(unsigned int n)
{
	return lrand48() % n;
}

static void draw(struct naive *s, struct recipient_sources *sources)
{
	struct say rows[PEOPLE];
	char name[16];
	unsigned int max_age_s = below(3) ? 100 : 0, age_s = 90 + below(20), share = below(4);
	size_t n = 0, i;

	s->live = below(2);
	s->stale = max_age_s && age_s > max_age_s;
	for (i = 0; i < PEOPLE; i++) {
		s->knows[i] = below(4) < share;
		s->say[i] = (struct say){ i, places[below(N(places))], numbers[below(N(numbers))],
					  languages[below(N(languages))], !below(8) };
		if (s->knows[i])
			rows[n++] = s->say[i];
	}
	snprintf(name, sizeof(name), "%p", (void *)s);
	recipient_source_put(recipient_source_add(sources, name, "any", s->live, max_age_s), table(rows, n),
			     NOW - age_s);
}

static bool locates(const struct naive *s, unsigned int nr, bool live)
{
	return s->knows[nr] && !s->stale && s->live == live && *s->say[nr].at;
}

/* \returns false if no source knows the person. */
static bool naive_row(const struct naive *s, size_t n, unsigned int nr, struct say *want)
{
	bool known = false;
	size_t i;

	*want = (struct say){ nr, "", "", "", false };
	for (i = n; i-- > 0;) {
		if (locates(&s[i], nr, false))
			want->at = s[i].say[nr].at;
	}
	for (i = n; i-- > 0;) {
		if (locates(&s[i], nr, true))
			want->at = s[i].say[nr].at;
	}
	for (i = n; i-- > 0;) {
		if (!s[i].knows[nr])
			continue;
		known = true;
		want->drill = want->drill || s[i].say[nr].drill;
		if (*s[i].say[nr].msisdn)
			want->msisdn = s[i].say[nr].msisdn;
		if (*s[i].say[nr].language)
			want->language = s[i].say[nr].language;
	}
	return known;
}

static void a_walk_says_what_a_naive_merge_says(void **state)
{
	struct naive s[RECIPIENT_MAX_SOURCES];
	uint64_t seed = 20261124;
	unsigned int round, nr;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct recipient_sources *sources = recipient_sources_alloc(NULL);
		struct recipient_walk *walk;
		const char *language;
		struct recipient r;
		size_t n, i;
		struct say want;

		srand48(seed + round);
		n = below(RECIPIENT_MAX_SOURCES + 1);
		for (i = 0; i < n; i++)
			draw(&s[i], sources);
		walk = recipient_walk_alloc(sources, sources, NOW);
		for (nr = 0; nr < PEOPLE; nr++) {
			if (naive_row(s, n, nr, &want) &&
			    (!recipient_walk_next(walk, &r, &language) || !said(&r, language, &want)))
				fail_msg("seed %" PRIu64 ": person %u differs", seed + round, nr);
		}
		if (recipient_walk_next(walk, &r, &language))
			fail_msg("seed %" PRIu64 ": one too many", seed + round);
		talloc_free(sources);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_source_has_no_table),
		cmocka_unit_test(sources_keep_their_order_and_their_names_are_their_own),
		cmocka_unit_test(a_table_replaces_the_one_before_and_a_failure_does_not),
		cmocka_unit_test(a_walk_goes_by_imsi_and_has_each_once),
		cmocka_unit_test(what_the_sources_say_of_one_person_becomes_one_row),
		cmocka_unit_test(a_live_source_without_an_age_never_grows_old),
		cmocka_unit_test(a_walk_keeps_the_tables_of_its_beginning),
		cmocka_unit_test(recipients_that_share_all_but_the_imsi_are_two),
		cmocka_unit_test(a_walk_says_what_a_naive_merge_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
