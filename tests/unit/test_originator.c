/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>

#include <tocsin/core/originator.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define A512 A64 A64 A64 A64 A64 A64 A64 A64

struct fixture {
	struct originator_set *set;
	struct originator *orig;	/* "met", without token */
	char path[64];
};

static int setup(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);
	int fd;

	snprintf(f->path, sizeof(f->path), "test-originator.XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	close(fd);
	f->set = originator_set_alloc(f);
	f->orig = originator_add(f->set, "met");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	talloc_free(f);
	return 0;
}

static void put(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int load(struct fixture *f, struct originator *orig, const char *text, struct problem *problem)
{
	put(f->path, text, strlen(text));
	return originator_load_token(orig, f->path, problem);
}

static const char *who(const struct originator_set *set, const char *token, bool loopback)
{
	struct problem problem = { 0 };
	const struct originator *orig = originator_identify(set, token, loopback, &problem);

	assert_int_equal(problem.code, orig ? PROBLEM_NONE : PROBLEM_ORIGINATOR_UNKNOWN);
	return orig ? orig->name : "nobody";
}

static const struct {
	const char *name;
	const char *text;
	const char *token;	/* NULL: the file is refused */
} files[] = {
	{ "the shortest token", A16, A16 },
	{ "a line feed behind it", A16 "\n", A16 },
	{ "CR and LF behind it", A16 "\r\n", A16 },
	{ "the longest token", A512, A512 },
	{ "the longest token with a line feed", A512 "\n", A512 },
	{ "the longest token with CR and LF", A512 "\r\n", A512 },
	{ "every kind of printable character", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~Zz09",
	  "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~Zz09" },
	{ "an empty file", "", NULL },
	{ "an empty line", "\n", NULL },
	{ "15 characters", "aaaaaaaaaaaaaaa", NULL },
	{ "15 characters and a line feed", "aaaaaaaaaaaaaaa\n", NULL },
	{ "513 characters", A512 "a", NULL },
	{ "513 characters and a line feed", A512 "a\n", NULL },
	{ "1,024 characters", A512 A512, NULL },
	{ "a second line", A16 "\n" A16 "\n", NULL },
	{ "a second line behind the longest token", A512 "\n" A16 "\n", NULL },
	{ "a second line behind the longest token with CR and LF", A512 "\r\n" A16 "\r\n", NULL },
	{ "empty lines and a second one behind the longest token", A512 "\n\n\n\n\n" A16, NULL },
	{ "an empty line before", "\n" A16, NULL },
	{ "a blank inside", A16 " " A16, NULL },
	{ "a blank behind", A16 " \n", NULL },
	{ "a tab", A16 "\t" A16, NULL },
	{ "a control character", A16 "\x01" A16, NULL },
	{ "DEL", A16 "\x7f" A16, NULL },
	{ "a character outside ASCII", A16 "\xc3\xa4", NULL },
};

static void test_limits_of_a_token_file(void **state)
{
	struct fixture *f = *state;
	struct problem problem;
	char name[16];
	size_t i;

	for (i = 0; i < N(files); i++) {
		struct originator *orig;
		int rc;

		snprintf(name, sizeof(name), "o%zu", i);
		orig = originator_add(f->set, name);
		problem = (struct problem){ 0 };
		rc = load(f, orig, files[i].text, &problem);
		if (rc != (files[i].token ? 0 : -EINVAL) || orig->has_token != !rc ||
		    problem.code != (rc ? PROBLEM_CONFIG : PROBLEM_NONE))
			fail_msg("%s: %d, %s", files[i].name, rc, problem.detail);
		if (files[i].token && strcmp(who(f->set, files[i].token, false), name))
			fail_msg("%s: not the token that was meant", files[i].name);
		originator_remove(f->set, name);
	}
}

static void test_token_file_with_a_nul_is_refused(void **state)
{
	struct fixture *f = *state;
	struct problem problem;

	put(f->path, A16 "\0" A16, 33);
	assert_int_equal(originator_load_token(f->orig, f->path, &problem), -EINVAL);
	assert_string_equal(who(f->set, A16, false), "nobody");
}

static void test_missing_token_file_is_named(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };

	assert_int_equal(originator_load_token(f->orig, "no-such-file", &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_CONFIG);
	assert_string_equal(problem.where, "no-such-file");
	assert_false(f->orig->has_token);
	assert_null(f->orig->token_file);
	assert_int_equal(originator_load_token(f->orig, ".", &problem), -EINVAL);
}

static void test_problem_does_not_tell_the_token(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };

	assert_int_equal(load(f, f->orig, "sesame sesame sesame", &problem), -EINVAL);
	assert_null(strstr(problem.detail, "sesame"));
	assert_string_equal(problem.where, f->path);
}

static void test_failed_reload_keeps_the_token_that_was(void **state)
{
	struct fixture *f = *state;
	struct problem problem;

	assert_int_equal(load(f, f->orig, "first-token-0123456789\n", &problem), 0);
	assert_string_equal(f->orig->token_file, f->path);
	assert_int_equal(load(f, f->orig, "short\n", &problem), -EINVAL);
	assert_string_equal(who(f->set, "first-token-0123456789", false), "met");
	put(f->path, "second-token-0123456789\n", 24);
	assert_int_equal(originator_load_token(f->orig, f->orig->token_file, &problem), 0);
	assert_string_equal(f->orig->token_file, f->path);
	assert_string_equal(who(f->set, "second-token-0123456789", false), "met");
	assert_string_equal(who(f->set, "first-token-0123456789", false), "nobody");
}

/* Who is it? */

static const struct {
	const char *name;
	const char *token;
	bool loopback;
	const char *who;
} requests[] = {
	{ "the right token from afar", "met-token-0123456789", false, "met" },
	{ "the right token from loopback", "met-token-0123456789", true, "met" },
	{ "the token of another", "civ-token-0123456789", true, "civ" },
	{ "no token from loopback", NULL, true, "local" },
	{ "no token from afar", NULL, false, "nobody" },
	{ "a wrong token from loopback", "wrong-token-0123456789", true, "nobody" },
	{ "a wrong token from afar", "wrong-token-0123456789", false, "nobody" },
	{ "an empty token from loopback", "", true, "nobody" },
	{ "the beginning of a token", "met-token-012345678", true, "nobody" },
	{ "more than a token", "met-token-01234567890", true, "nobody" },
	{ "a token in other case", "MET-token-0123456789", true, "nobody" },
	{ "the name of an originator", "met", true, "nobody" },
};

static void add_three(struct fixture *f)
{
	struct problem problem;

	assert_int_equal(load(f, f->orig, "met-token-0123456789", &problem), 0);
	originator_add(f->set, "local")->loopback_default = true;
	assert_int_equal(load(f, originator_add(f->set, "civ"), "civ-token-0123456789", &problem), 0);
}

static void test_originator_of_a_request(void **state)
{
	struct fixture *f = *state;
	size_t i;

	add_three(f);
	for (i = 0; i < N(requests); i++) {
		if (strcmp(who(f->set, requests[i].token, requests[i].loopback), requests[i].who))
			fail_msg("%s is %s", requests[i].name, who(f->set, requests[i].token, requests[i].loopback));
	}
}

static void test_loopback_is_nobody_without_a_default(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(who(f->set, NULL, true), "nobody");
	f->orig->loopback_default = true;
	assert_string_equal(who(f->set, NULL, true), "met");
	assert_string_equal(who(f->set, NULL, false), "nobody");
}

static void test_originator_without_token_is_reached_by_none(void **state)
{
	struct fixture *f = *state;
	char zeros[DIGEST_LEN + 1] = { 0 };

	assert_string_equal(who(f->set, "", false), "nobody");
	assert_string_equal(who(f->set, zeros, false), "nobody");
	assert_string_equal(who(f->set, "0123456789abcdef", false), "nobody");
}

/* The set */

static void test_originators_are_found_by_name_in_order(void **state)
{
	struct fixture *f = *state;
	struct originator *civ = originator_add(f->set, "civ"), *sea = originator_add(f->set, "sea");

	assert_ptr_equal(originator_add(f->set, "civ"), civ);
	assert_ptr_equal(originator_by_name(f->set, "sea"), sea);
	assert_null(originator_by_name(f->set, "SEA"));
	assert_ptr_equal(originator_next(f->set, NULL), f->orig);
	assert_ptr_equal(originator_next(f->set, f->orig), civ);
	originator_remove(f->set, "civ");
	originator_remove(f->set, "none");
	assert_ptr_equal(originator_next(f->set, f->orig), sea);
	assert_null(originator_next(f->set, sea));
}

static void test_copy_is_independent(void **state)
{
	struct fixture *f = *state;
	struct originator_set *copy, *again;
	struct problem problem;

	add_three(f);
	copy = originator_set_copy(NULL, f->set);
	assert_non_null(copy);
	assert_int_equal(load(f, f->orig, "new-token-0123456789", &problem), 0);
	originator_remove(f->set, "civ");
	originator_by_name(f->set, "local")->loopback_default = false;
	assert_string_equal(who(copy, "met-token-0123456789", false), "met");
	assert_string_equal(who(copy, "new-token-0123456789", false), "nobody");
	assert_string_equal(who(copy, "civ-token-0123456789", false), "civ");
	assert_string_equal(who(copy, NULL, true), "local");
	again = originator_set_copy(NULL, f->set);
	assert_string_equal(who(again, "new-token-0123456789", false), "met");
	assert_string_equal(who(again, "civ-token-0123456789", false), "nobody");
	assert_string_equal(who(again, NULL, true), "nobody");
	talloc_free(f->set);
	assert_string_equal(who(copy, "met-token-0123456789", false), "met");
	talloc_free(copy);
	talloc_free(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_limits_of_a_token_file),
		TEST(test_token_file_with_a_nul_is_refused),
		TEST(test_missing_token_file_is_named),
		TEST(test_problem_does_not_tell_the_token),
		TEST(test_failed_reload_keeps_the_token_that_was),
		TEST(test_originator_of_a_request),
		TEST(test_loopback_is_nobody_without_a_default),
		TEST(test_originator_without_token_is_reached_by_none),
		TEST(test_originators_are_found_by_name_in_order),
		TEST(test_copy_is_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
