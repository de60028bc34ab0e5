/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>

#include <tocsin/core/recipient.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define HEADER "imsi,msisdn,cell,language,drill\n"
#define ROW(imsi) imsi ",99900000001,001-01-100-1001,en,no\n"

static struct recipient_table *parse_octets(const char *text, size_t len, struct problem *problem)
{
	struct recipient_table *table;
	/* An exact allocation, so that the sanitizer sees every octet read beyond it. */
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	table = recipient_table_parse(NULL, copy, len, "recipients.csv", problem);
	free(copy);
	return table;
}

static struct recipient_table *parse(const char *text, struct problem *problem)
{
	return parse_octets(text, strlen(text), problem);
}

static struct target target(enum target_type type, const char *text)
{
	struct target t;

	assert_int_equal(target_parse(type, text, strlen(text), &t, NULL), 0);
	return t;
}

static struct target imsi(const char *digits)
{
	return target(TARGET_IMSI, digits);
}

static bool same_target(const struct target *t, enum target_type type, const char *text)
{
	struct target want = target(type, text);

	return !target_compare(t, &want);
}

static const struct recipient *row_of(const struct recipient_table *table, const char *digits)
{
	struct target t = imsi(digits);
	long row = recipient_table_find(table, &t);

	assert_true(row >= 0);
	return recipient_table_get(table, row);
}

static void a_file_becomes_a_table_sorted_by_imsi(void **state)
{
	static const char text[] =
		"# subscribers of the test network\r\n"
		"\n"
		HEADER
		"262010000000001,+4915100000001,262-01-7-65535,de-AT,yes\r\n"
		"001010000000002,,001-01-200,,\n"
		"# one more\n"
		"001010000000001,999,,EN,no\n"
		"001010,99900000000015,001-01-100-1001,en,no";
	struct problem problem = { 0 };
	struct recipient_table *table = parse(text, &problem);
	const struct recipient *r;
	char buf[MSISDN_TEXT_LEN];

	(void)state;
	assert_non_null(table);
	assert_int_equal(recipient_table_count(table), 4);
	/* As target_compare() has it: by the number of digits, then by value. */
	r = recipient_table_get(table, 0);
	assert_true(same_target(&r->imsi, TARGET_IMSI, "001010"));
	assert_true(same_target(&r->at, TARGET_CGI, "001-01-100-1001"));
	assert_string_equal(msisdn_format(&r->msisdn, buf, sizeof(buf)), "99900000000015");
	assert_string_equal(recipient_table_language(table, r), "en");
	assert_int_equal(r->line, 8);
	r = recipient_table_get(table, 1);
	assert_true(same_target(&r->imsi, TARGET_IMSI, "001010000000001"));
	assert_int_equal(r->at.type, 0);
	assert_string_equal(msisdn_format(&r->msisdn, buf, sizeof(buf)), "999");
	assert_string_equal(recipient_table_language(table, r), "en");
	assert_false(r->drill);
	r = recipient_table_get(table, 2);
	assert_true(same_target(&r->at, TARGET_LAI, "001-01-200"));
	assert_int_equal(r->msisdn.digits, 0);
	assert_string_equal(msisdn_format(&r->msisdn, buf, sizeof(buf)), "");
	assert_null(recipient_table_language(table, r));
	assert_false(r->drill);
	r = recipient_table_get(table, 3);
	assert_true(same_target(&r->at, TARGET_CGI, "262-01-7-65535"));
	assert_string_equal(msisdn_format(&r->msisdn, buf, sizeof(buf)), "4915100000001");
	assert_string_equal(recipient_table_language(table, r), "de-at");
	assert_true(r->drill);
	talloc_free(table);
}

static void an_imsi_keeps_its_leading_zeros(void **state)
{
	struct recipient_table *table = parse(HEADER ROW("001010000000001") ROW("1010000000001") ROW("01010000000001"), NULL);
	struct target absent = imsi("0001010000001");
	char buf[TARGET_TEXT_LEN];

	(void)state;
	assert_non_null(table);
	assert_int_equal(recipient_table_count(table), 3);
	assert_string_equal(target_format(&row_of(table, "001010000000001")->imsi, buf, sizeof(buf)), "001010000000001");
	assert_string_equal(target_format(&row_of(table, "01010000000001")->imsi, buf, sizeof(buf)), "01010000000001");
	assert_string_equal(target_format(&row_of(table, "1010000000001")->imsi, buf, sizeof(buf)), "1010000000001");
	assert_int_equal(recipient_table_find(table, &absent), -1);
	talloc_free(table);
}

static const struct {
	const char *name;
	const char *text;
	unsigned int line;
} refused[] = {
	{ "an empty file", "", 0 },
	{ "comments alone", "# nothing\n\n", 2 },
	{ "no header", ROW("001010000000001"), 1 },
	{ "columns in another order", "msisdn,imsi,cell,language,drill\n", 1 },
	{ "a header with a blank", "imsi, msisdn,cell,language,drill\n", 1 },
	{ "a byte order mark", "\xef\xbb\xbf" HEADER, 1 },
	{ "the header twice", HEADER HEADER, 2 },
	{ "a field too few", HEADER "001010000000001,999,,en\n", 2 },
	{ "a field too many", HEADER "001010000000001,999,,en,no,\n", 2 },
	{ "a quoted field", HEADER "\"001010000000001\",999,,en,no\n", 2 },
	{ "no IMSI", HEADER ",999,,en,no\n", 2 },
	{ "an IMSI of 5 digits", HEADER ROW("00101"), 2 },
	{ "an IMSI of 16 digits", HEADER ROW("0010100000000001"), 2 },
	{ "an IMSI with a letter", HEADER ROW("00101000000000x"), 2 },
	{ "an IMSI with a blank", HEADER ROW(" 001010000000001"), 2 },
	{ "an IMSI with a sign", HEADER ROW("+01010000000001"), 2 },
	{ "the third line is wrong", HEADER ROW("001010000000001") ROW("1"), 3 },
	{ "comments count as lines", "# a\n" HEADER "# b\n\n" ROW("1"), 5 },
	{ "the first of two wrong lines counts", HEADER ROW("001010000000001") ROW("1") ROW("2"), 3 },
	{ "a number of 2 digits", HEADER "001010000000001,99,,en,no\n", 2 },
	{ "a number of 16 digits", HEADER "001010000000001,9990000000000001,,en,no\n", 2 },
	{ "a number that begins with 0", HEADER "001010000000001,09990000,,en,no\n", 2 },
	{ "a number that begins with 00", HEADER "001010000000001,009990000,,en,no\n", 2 },
	{ "a number with a hyphen", HEADER "001010000000001,999-1234,,en,no\n", 2 },
	{ "a number with two signs", HEADER "001010000000001,++9991234,,en,no\n", 2 },
	{ "a sign alone", HEADER "001010000000001,+,,en,no\n", 2 },
	{ "a cell of two fields", HEADER "001010000000001,999,001-01,en,no\n", 2 },
	{ "a cell of five fields", HEADER "001010000000001,999,001-01-1-1-1,en,no\n", 2 },
	{ "a reserved LAC", HEADER "001010000000001,999,001-01-65534,en,no\n", 2 },
	{ "a cell with a reserved LAC", HEADER "001010000000001,999,001-01-0-1,en,no\n", 2 },
	{ "a CI beyond 16 bits", HEADER "001010000000001,999,001-01-1-65536,en,no\n", 2 },
	{ "a cell with an empty CI", HEADER "001010000000001,999,001-01-1-,en,no\n", 2 },
	{ "a language of digits", HEADER "001010000000001,999,,12,no\n", 2 },
	{ "a language with an underscore", HEADER "001010000000001,999,,de_AT,no\n", 2 },
	{ "a language that ends with a hyphen", HEADER "001010000000001,999,,de-,no\n", 2 },
	{ "a language that begins with a hyphen", HEADER "001010000000001,999,,-de,no\n", 2 },
	{ "a language with two hyphens", HEADER "001010000000001,999,,de--at,no\n", 2 },
	{ "a language with a part of 9", HEADER "001010000000001,999,,abcdefghi,no\n", 2 },
	{ "a language of 12", HEADER "001010000000001,999,,abcdefgh-abc,no\n", 2 },
	{ "a language with an umlaut", HEADER "001010000000001,999,,d\xc3\xa4,no\n", 2 },
	{ "a language with a control character", HEADER "001010000000001,999,,d\x01,no\n", 2 },
	{ "a drill that is neither yes nor no", HEADER "001010000000001,999,,en,maybe\n", 2 },
	{ "a drill in capitals", HEADER "001010000000001,999,,en,YES\n", 2 },
	{ "a drill with a blank", HEADER "001010000000001,999,,en,no \n", 2 },
	{ "a drill of two CR", HEADER "001010000000001,999,,en,no\r\r\n", 2 },
	{ "a bare CR inside a line", HEADER "001010000000001,999,,en,no\r001", 2 },
	{ "neither cell nor number", HEADER ROW("001010000000001") "001010000000002,,,en,no\n", 3 },
	{ "an IMSI given twice", HEADER ROW("001010000000001") ROW("001010000000002") ROW("001010000000001"), 4 },
	{ "the first of several repetitions", HEADER ROW("001010000000009") ROW("001010000000001") "#\n"
	  ROW("001010000000009") ROW("001010000000001") ROW("001010000000009"), 5 },
};

static void the_first_wrong_line_refuses_the_file(void **state)
{
	struct recipient_table *table;
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < N(refused); i++) {
		problem = (struct problem){ 0 };
		table = parse(refused[i].text, &problem);
		if (table || problem.code != PROBLEM_RECIPIENTS_LINE || problem.line != refused[i].line ||
		    strcmp(problem.where, "recipients.csv") || !problem.detail[0])
			fail_msg("%s: %s, line %u: %s", refused[i].name, table ? "taken" : "refused",
				 problem.line, problem.detail);
	}
}

static void every_octet_that_is_put_into_a_row_is_looked_at(void **state)
{
	static const char row[] = HEADER ROW("001010000000001");
	struct recipient_table *table;
	char copy[sizeof(row)];
	size_t at;

	(void)state;
	/* NUL and DEL fit nowhere. */
	for (at = 0; at < strlen(row); at++) {
		memcpy(copy, row, sizeof(row));
		copy[at] = at % 2 ? '\0' : '\x7f';
		table = parse_octets(copy, strlen(row), NULL);
		if (table)
			fail_msg("octet %zu", at);
	}
}

static void a_line_may_have_1000_octets(void **state)
{
	struct problem problem = { 0 };
	struct recipient_table *table;
	char text[2200];
	int n;

	(void)state;
	n = snprintf(text, sizeof(text), "#%0999d\n" HEADER ROW("001010000000001"), 0);
	table = parse_octets(text, n, &problem);
	assert_non_null(table);
	talloc_free(table);
	n = snprintf(text, sizeof(text), HEADER "#%01000d\n" ROW("001010000000001"), 0);
	assert_null(parse_octets(text, n, &problem));
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_int_equal(problem.line, 2);
}

static void a_problem_tells_no_imsi_and_no_number(void **state)
{
	static const char *const texts[] = {
		HEADER ROW("001017777777777") ROW("001017777777777"),
		HEADER "x,001017777777777,,,\n",
		HEADER "001017777777777x,,,,\n",
		HEADER "001010000000001,001017777777777,,,\n",
		HEADER "001010000000001,,001017777777777,,\n",
		HEADER "001010000000001,,,001017777777777,\n",
		HEADER "001010000000001,999,,,001017777777777\n",
	};
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < N(texts); i++) {
		assert_null(parse(texts[i], &problem));
		if (strstr(problem.detail, "7777777"))
			fail_msg("%s", problem.detail);
	}
	assert_null(parse(texts[0], &problem));
	assert_non_null(strstr(problem.detail, "00101...77"));
	assert_non_null(strstr(problem.detail, "line 2"));
}

static char *many_languages(unsigned int n)
{
	char *text = talloc_strdup(NULL, HEADER);
	unsigned int i;

	for (i = 0; i < n; i++)
		text = talloc_asprintf_append_buffer(text, "00101%06u,999,,%c%c,\n", i, 'a' + i / 26, 'a' + i % 26);
	return text;
}

static void a_table_has_at_most_255_languages(void **state)
{
	struct problem problem = { 0 };
	struct recipient_table *table;
	char *text = many_languages(255), digits[16], want[3];
	unsigned int i;

	(void)state;
	table = parse(text, &problem);
	assert_non_null(table);
	for (i = 0; i < 255; i++) {
		snprintf(digits, sizeof(digits), "00101%06u", i);
		snprintf(want, sizeof(want), "%c%c", 'a' + i / 26, 'a' + i % 26);
		assert_string_equal(recipient_table_language(table, row_of(table, digits)), want);
	}
	talloc_free(table);
	talloc_free(text);
	text = many_languages(256);
	assert_null(parse(text, &problem));
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_int_equal(problem.line, 257);
	talloc_free(text);
}

static void a_header_alone_is_an_empty_table(void **state)
{
	struct recipient_table *table = parse(HEADER, NULL);
	struct target t = imsi("001010000000001");

	(void)state;
	assert_non_null(table);
	assert_int_equal(recipient_table_count(table), 0);
	assert_int_equal(recipient_table_find(table, &t), -1);
	talloc_free(table);
}

/* Rows of a seed, in order: IMSIs of every length, close together and far apart, each once. */
static void make_rows(struct recipient *rows, size_t n, unsigned int seed)
{
	unsigned int digits, before = 0;
	uint64_t value = 0;
	size_t i;

	srandom(seed);
	for (i = 0; i < n; i++) {
		digits = 6 + i * 10 / n;
		value = digits == before ? value + 1 + (random() % 8 ? random() % 3 : random() % 1000) : 0;
		before = digits;
		rows[i] = (struct recipient){
			.imsi = { .type = TARGET_IMSI, .mnc_digits = digits, .value = value },
			.msisdn = { 99900000000 + i, 11 },
			.drill = i % 3 == 0,
		};
	}
}

static void shuffle(struct recipient *rows, size_t n)
{
	struct recipient swap;
	size_t i, j;

	for (i = n; i > 1; i--) {
		j = random() % i;
		swap = rows[i - 1];
		rows[i - 1] = rows[j];
		rows[j] = swap;
	}
}

static struct recipient_table *make(const struct recipient *rows, size_t n)
{
	struct recipient *copy = talloc_memdup(NULL, rows, n * sizeof(*rows));
	struct recipient_table *table;

	assert_non_null(copy);
	talloc_set_type(copy, struct recipient);
	table = recipient_table_make(NULL, copy, n, NULL, 0);
	assert_non_null(table);
	return table;
}

static void any_order_of_rows_gives_the_same_table(void **state)
{
	static const size_t sizes[] = { 1, 2, 31, 32, 33, 100, 1000, 7000 };
	static struct recipient rows[7000], shuffled[7000];
	struct recipient_table *table;
	unsigned int seed;
	size_t n, i, s;

	(void)state;
	for (s = 0; s < N(sizes); s++) {
		for (seed = 1; seed <= 5; seed++) {
			n = sizes[s];
			make_rows(rows, n, seed);
			memcpy(shuffled, rows, sizeof(rows));
			shuffle(shuffled, n);
			table = make(shuffled, n);
			assert_int_equal(recipient_table_count(table), n);
			for (i = 0; i < n; i++) {
				const struct recipient *r = recipient_table_get(table, i);

				if (target_compare(&r->imsi, &rows[i].imsi) ||
				    r->msisdn.number != rows[i].msisdn.number || r->drill != rows[i].drill ||
				    recipient_table_find(table, &rows[i].imsi) != (long)i)
					fail_msg("seed %u, %zu rows, row %zu", seed, n, i);
			}
			talloc_free(table);
		}
	}
}

static void any_order_of_lines_gives_the_same_table(void **state)
{
	static const char *const lines[] = {
		ROW("001010000000001"), ROW("001010000000002"), "001010000000003,,001-01-7,FR,yes\n",
		"262010000000001,999,,de,\n", ROW("001010"), "31001000000000,+1555,,fr,no\n",
	};
	size_t order[N(lines)] = { 0, 1, 2, 3, 4, 5 }, i, j, swap, round;
	struct recipient_table *want, *table;
	char text[1000];

	(void)state;
	srandom(7);
	for (want = NULL, round = 0; round < 50; round++) {
		strcpy(text, HEADER);
		for (i = 0; i < N(lines); i++)
			strcat(text, lines[order[i]]);
		table = parse(text, NULL);
		assert_non_null(table);
		for (i = 0; want && i < N(lines); i++) {
			const struct recipient *a = recipient_table_get(want, i), *b = recipient_table_get(table, i);
			const char *x = recipient_table_language(want, a), *y = recipient_table_language(table, b);

			if (target_compare(&a->imsi, &b->imsi) || target_compare(&a->at, &b->at) ||
			    a->msisdn.number != b->msisdn.number || a->drill != b->drill || strcmp(x, y))
				fail_msg("round %zu, row %zu:\n%s", round, i, text);
		}
		if (want)
			talloc_free(table);
		else
			want = table;
		for (i = N(lines); i > 1; i--) {
			j = random() % i;
			swap = order[i - 1];
			order[i - 1] = order[j];
			order[j] = swap;
		}
	}
	talloc_free(want);
}

static void of_rows_with_one_imsi_the_later_counts(void **state)
{
	static struct recipient rows[9000];
	struct recipient_table *table;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		rows[i] = (struct recipient){ .imsi = imsi("001010000000001"), .msisdn = { 1000 + i, 5 } };
		if (i % 3)
			rows[i].imsi.value += i % 3;
	}
	table = make(rows, N(rows));
	assert_int_equal(recipient_table_count(table), 3);
	assert_int_equal(row_of(table, "001010000000001")->msisdn.number, 1000 + 8997);
	assert_int_equal(row_of(table, "001010000000002")->msisdn.number, 1000 + 8998);
	assert_int_equal(row_of(table, "001010000000003")->msisdn.number, 1000 + 8999);
	talloc_free(table);
}

static void a_table_of_nothing_and_without_languages_can_be_made(void **state)
{
	struct recipient_table *table = recipient_table_make(NULL, NULL, 0, NULL, 0);
	struct recipient r = { .language = 1 };

	(void)state;
	assert_non_null(table);
	assert_int_equal(recipient_table_count(table), 0);
	assert_null(recipient_table_language(table, &r));
	talloc_free(table);
}

static void a_table_owns_its_rows_and_languages(void **state)
{
	void *ctx = talloc_new(NULL);
	struct recipient *rows = talloc_zero_array(ctx, struct recipient, 2);
	char **languages = talloc_zero_array(ctx, char *, 1);
	struct recipient_table *table;

	(void)state;
	languages[0] = talloc_strdup(languages, "en");
	rows[0] = (struct recipient){ .imsi = imsi("001010000000002"), .language = 1 };
	rows[1] = (struct recipient){ .imsi = imsi("001010000000001"), .language = 2 };
	table = recipient_table_make(NULL, rows, 2, languages, 1);
	talloc_free(ctx);
	assert_string_equal(recipient_table_language(table, row_of(table, "001010000000002")), "en");
	assert_null(recipient_table_language(table, row_of(table, "001010000000001")));
	talloc_free(table);
}

static void only_an_imsi_is_found(void **state)
{
	struct recipient_table *table = parse(HEADER ROW("001010000000001"), NULL);
	struct target cell = { .type = TARGET_CGI, .mcc = 1, .mnc_digits = 15, .value = 1010000000001 };
	struct target large = { .type = TARGET_IMSI, .mnc_digits = 200, .value = UINT64_MAX };

	(void)state;
	assert_int_equal(recipient_table_find(table, &cell), -1);
	assert_int_equal(recipient_table_find(table, &large), -1);
	talloc_free(table);
}

static void a_row_takes_48_octets(void **state)
{
	char *text = talloc_strdup(NULL, HEADER);
	struct recipient_table *table;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2000; i++)
		text = talloc_asprintf_append_buffer(text, "00101%010u,999,,en,\n# %u\n", i * 7919 % 100000, i);
	table = parse(text, NULL);
	assert_non_null(table);
	assert_int_equal(recipient_table_count(table), 2000);
	assert_true(talloc_total_size(table) <= 48 * 2000 + 4096);
	talloc_free(table);
	talloc_free(text);
}

static void files_are_imported_like_text(void **state)
{
	char path[] = "test-recipient.XXXXXX";
	static const char text[] = HEADER ROW("001010000000001") ROW("1");
	struct problem problem = { 0 };
	struct recipient_table *table;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_null(recipient_table_import(NULL, path, &problem));
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_string_equal(problem.where, path);
	assert_int_equal(problem.line, 3);
	assert_int_equal(ftruncate(fd, strlen(HEADER ROW("001010000000001"))), 0);
	table = recipient_table_import(NULL, path, &problem);
	assert_non_null(table);
	assert_int_equal(recipient_table_count(table), 1);
	talloc_free(table);
	close(fd);
	unlink(path);
	assert_null(recipient_table_import(NULL, path, &problem));
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_FILE);
	assert_null(recipient_table_import(NULL, "/dev/null", &problem));
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_FILE);
}

static void the_example_is_what_it_says(void **state)
{
	const char *srcdir = getenv("SRCDIR");
	struct problem problem = { 0 };
	struct recipient_table *table;
	char path[1000];

	(void)state;
	snprintf(path, sizeof(path), "%s/doc/examples/recipients.csv", srcdir ? srcdir : ".");
	table = recipient_table_import(NULL, path, &problem);
	if (!table)
		fail_msg("line %u: %s", problem.line, problem.detail);
	assert_int_equal(recipient_table_count(table), 5);
	assert_string_equal(recipient_table_language(table, row_of(table, "001010000000002")), "de-at");
	assert_int_equal(row_of(table, "001010000000003")->at.type, TARGET_LAI);
	assert_int_equal(row_of(table, "001010000000004")->msisdn.digits, 0);
	assert_int_equal(row_of(table, "001010000000005")->at.type, 0);
	assert_true(row_of(table, "001010000000005")->drill);
	talloc_free(table);
}

static const struct {
	const char *text;
	int rc;
	uint64_t number;
	unsigned int digits;
} numbers[] = {
	{ "100", 0, 100, 3 },
	{ "+100", 0, 100, 3 },
	{ "999999999999999", 0, 999999999999999, 15 },
	{ "+999999999999999", 0, 999999999999999, 15 },
	{ "", -EINVAL, 0, 0 },
	{ "+", -EINVAL, 0, 0 },
	{ "12", -EINVAL, 0, 0 },
	{ "+12", -EINVAL, 0, 0 },
	{ "1000000000000000", -EINVAL, 0, 0 },
	{ "012", -EINVAL, 0, 0 },
	{ "+0123", -EINVAL, 0, 0 },
	{ "12+3", -EINVAL, 0, 0 },
	{ "123 ", -EINVAL, 0, 0 },
	{ " 123", -EINVAL, 0, 0 },
	{ "-123", -EINVAL, 0, 0 },
	{ "0x12", -EINVAL, 0, 0 },
};

static void numbers_are_read_strictly(void **state)
{
	char buf[MSISDN_TEXT_LEN];
	struct msisdn m;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < N(numbers); i++) {
		why = NULL;
		if (msisdn_parse(numbers[i].text, strlen(numbers[i].text), &m, &why) != numbers[i].rc ||
		    m.number != numbers[i].number || m.digits != numbers[i].digits || !why != !numbers[i].rc)
			fail_msg("%s", numbers[i].text);
		if (!numbers[i].rc)
			assert_string_equal(msisdn_format(&m, buf, sizeof(buf)),
					    numbers[i].text + (numbers[i].text[0] == '+'));
	}
	assert_int_equal(msisdn_parse("1234567", 4, &m, NULL), 0);
	assert_int_equal(m.number, 1234);
}

static void logs_get_the_ends_of_a_number(void **state)
{
	char buf[RECIPIENT_SHORT_LEN];

	(void)state;
	assert_string_equal(recipient_shorten("001010000000001", buf, sizeof(buf)), "00101...01");
	assert_string_equal(recipient_shorten("12345678", buf, sizeof(buf)), "12345...78");
	assert_string_equal(recipient_shorten("1234567", buf, sizeof(buf)), "12...");
	assert_string_equal(recipient_shorten("1", buf, sizeof(buf)), "1...");
	assert_string_equal(recipient_shorten("", buf, sizeof(buf)), "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_becomes_a_table_sorted_by_imsi),
		cmocka_unit_test(an_imsi_keeps_its_leading_zeros),
		cmocka_unit_test(the_first_wrong_line_refuses_the_file),
		cmocka_unit_test(every_octet_that_is_put_into_a_row_is_looked_at),
		cmocka_unit_test(a_line_may_have_1000_octets),
		cmocka_unit_test(a_problem_tells_no_imsi_and_no_number),
		cmocka_unit_test(a_table_has_at_most_255_languages),
		cmocka_unit_test(a_header_alone_is_an_empty_table),
		cmocka_unit_test(any_order_of_rows_gives_the_same_table),
		cmocka_unit_test(any_order_of_lines_gives_the_same_table),
		cmocka_unit_test(of_rows_with_one_imsi_the_later_counts),
		cmocka_unit_test(a_table_of_nothing_and_without_languages_can_be_made),
		cmocka_unit_test(a_table_owns_its_rows_and_languages),
		cmocka_unit_test(only_an_imsi_is_found),
		cmocka_unit_test(a_row_takes_48_octets),
		cmocka_unit_test(files_are_imported_like_text),
		cmocka_unit_test(the_example_is_what_it_says),
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(logs_get_the_ends_of_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
