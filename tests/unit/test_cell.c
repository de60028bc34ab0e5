/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/digest.h>
#include <tocsin/core/cell.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define HEADER "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n"
#define ROW(id) "cgi," id ",bsc-1,48.1,11.5,1000,,\n"

struct fixture {
	char dir[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "test-cell.XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];
	int rc;

	snprintf(cmd, sizeof(cmd), "rm -r '%s'", f->dir);
	rc = system(cmd);
	free(f);
	return rc;
}

static struct cell_table *parse(const char *text, struct problem *problem)
{
	return cell_table_parse(NULL, text, strlen(text), "cells.csv", NULL, NULL, problem);
}

static struct target cgi(const char *text)
{
	struct target t;

	assert_int_equal(target_parse(TARGET_CGI, text, strlen(text), &t, NULL), 0);
	return t;
}

static void a_file_becomes_a_table_sorted_by_target(void **state)
{
	static const char text[] =
		"# cells of the test network\n"
		"\n"
		HEADER
		"cgi,001-01-100-1001,bsc-2,48.137154,11.576124,1500,30,65\r\n"
		"cgi,001-01-100-7,bsc-1,-33.8688197,151.2092955,300000,,\n"
		"# one more\n"
		"cgi,262-02-1-65535,bsc-2,90,-180,0,359,360";
	struct problem problem = { 0 };
	struct cell_table *table = parse(text, &problem);
	struct target t = cgi("001-01-100-1001");
	uint8_t digest[DIGEST_LEN];
	struct cell cell;

	(void)state;
	assert_non_null(table);
	assert_int_equal(cell_table_count(table), 3);
	assert_int_equal(target_compare(cell_table_target(table, 1), &t), 0);

	cell_table_get(table, 0, &cell);
	assert_int_equal(cell.target.value, 100 << 16 | 7);
	assert_string_equal(cell.peer, "bsc-1");
	assert_int_equal(cell.footprint.site.lat, -338688197);
	assert_int_equal(cell.footprint.site.lon, 1512092955);
	assert_int_equal(cell.footprint.range_m, 300000);
	assert_int_equal(cell.footprint.beam_deg, 360);
	cell_table_get(table, 1, &cell);
	assert_string_equal(cell.peer, "bsc-2");
	assert_int_equal(cell.footprint.site.lat, 481371540);
	assert_int_equal(cell.footprint.azimuth_deg, 30);
	assert_int_equal(cell.footprint.beam_deg, 65);
	cell_table_get(table, 2, &cell);
	assert_int_equal(cell.footprint.site.lon, -1800000000);

	assert_int_equal(cell_table_n_peers(table), 2);
	assert_string_equal(cell_table_peer(table, cell_table_peer_of(table, 2)), "bsc-2");
	assert_int_equal(cell_index_count(cell_table_index(table)), 3);
	assert_int_equal(digest_sha256(text, strlen(text), digest), 0);
	assert_memory_equal(cell_table_source_digest(table), digest, DIGEST_LEN);
	talloc_free(table);
}

static const struct {
	const char *name;
	const char *text;
	unsigned int line;
	enum problem_code code;
} refused[] = {
	{ "an empty file", "", 0, PROBLEM_CELLS_LINE },
	{ "comments alone", "# nothing\n\n", 2, PROBLEM_CELLS_LINE },
	{ "no header", ROW("001-01-1-1"), 1, PROBLEM_CELLS_LINE },
	{ "columns in another order", "id,type,peer,lat,lon,range_m,azimuth_deg,beam_deg\n", 1, PROBLEM_CELLS_LINE },
	{ "the header twice", HEADER HEADER, 2, PROBLEM_CELLS_LINE },
	{ "a field too few", HEADER "cgi,001-01-1-1,b,1,1,1,1\n", 2, PROBLEM_CELLS_LINE },
	{ "a field too many", HEADER "cgi,001-01-1-1,b,1,1,1,,,\n", 2, PROBLEM_CELLS_LINE },
	{ "a quoted field", HEADER "cgi,001-01-1-1,\"b\",1,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "another type of cell", HEADER "ecgi,001-01-1,b,1,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "a wrong identity", HEADER ROW("001-01-1-1") ROW("001-1-1-2"), 3, PROBLEM_CELLS_LINE },
	{ "no peer", HEADER "cgi,001-01-1-1,,1,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "a peer with a blank", HEADER "cgi,001-01-1-1,b c,1,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "latitude beyond 90", HEADER "cgi,001-01-1-1,b,90.0000001,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "latitude with an exponent", HEADER "cgi,001-01-1-1,b,1e1,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "latitude that is no number", HEADER "cgi,001-01-1-1,b,nan,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "latitude left out", HEADER "cgi,001-01-1-1,b,,1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "a blank before a number", HEADER "cgi,001-01-1-1,b,1, 1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "longitude beyond 180", HEADER "cgi,001-01-1-1,b,1,-180.1,1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "a range beyond 300 km", HEADER "cgi,001-01-1-1,b,1,1,300001,,\n", 2, PROBLEM_CELLS_LINE },
	{ "a negative range", HEADER "cgi,001-01-1-1,b,1,1,-1,,\n", 2, PROBLEM_CELLS_LINE },
	{ "an azimuth of 360", HEADER "cgi,001-01-1-1,b,1,1,1,360,1\n", 2, PROBLEM_CELLS_LINE },
	{ "a beam of 0", HEADER "cgi,001-01-1-1,b,1,1,1,0,0\n", 2, PROBLEM_CELLS_LINE },
	{ "a beam of 361", HEADER "cgi,001-01-1-1,b,1,1,1,0,361\n", 2, PROBLEM_CELLS_LINE },
	{ "an azimuth without a beam", HEADER "cgi,001-01-1-1,b,1,1,1,5,\n", 2, PROBLEM_CELLS_LINE },
	{ "a beam without an azimuth", HEADER "cgi,001-01-1-1,b,1,1,1,,5\n", 2, PROBLEM_CELLS_LINE },
	{ "a bare CR inside a line", HEADER "cgi,001-01-1-1,b,1,1,1,,\rcgi", 2, PROBLEM_CELLS_LINE },
};

static void wrong_lines_refuse_the_file_and_are_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(refused); i++) {
		struct problem problem = { 0 };

		if (parse(refused[i].text, &problem))
			fail_msg("taken: %s", refused[i].name);
		if (problem.code != refused[i].code || problem.line != refused[i].line)
			fail_msg("%s: line %u, %s", refused[i].name, problem.line, problem.detail);
		assert_string_equal(problem.where, "cells.csv");
	}
}

static void a_repeated_cell_names_both_lines(void **state)
{
	struct problem problem = { 0 };

	(void)state;
	assert_null(parse(HEADER ROW("001-01-9-9") ROW("001-01-1-1") "#\n" ROW("001-01-1-2")
			  ROW("001-01-01-001") ROW("001-01-9-9"), &problem));
	assert_int_equal(problem.code, PROBLEM_CELLS_LINE);
	assert_int_equal(problem.line, 6);
	assert_non_null(strstr(problem.detail, "001-01-1-1"));
	assert_non_null(strstr(problem.detail, "line 3"));
}

static void cells_of_01_and_001_are_two_cells(void **state)
{
	struct cell_table *table = parse(HEADER ROW("310-001-1-1") ROW("310-01-1-1"), NULL);

	(void)state;
	assert_int_equal(cell_table_count(table), 2);
	assert_int_equal(cell_table_target(table, 0)->mnc_digits, 2);
	talloc_free(table);
}

static char *long_line(size_t len)
{
	char *text = malloc(sizeof(HEADER) + len + 1);

	strcpy(text, HEADER "#");
	memset(text + sizeof(HEADER), 'x', len - 1);
	text[sizeof(HEADER) - 1 + len] = '\0';
	return text;
}

static void lines_of_1000_octets_are_read_and_longer_ones_refused(void **state)
{
	struct problem problem = { 0 };
	char *text = long_line(1000);
	struct cell_table *table = parse(text, &problem);

	(void)state;
	assert_non_null(table);
	talloc_free(table);
	free(text);
	text = long_line(1001);
	assert_null(parse(text, &problem));
	assert_int_equal(problem.line, 2);
	free(text);
}

static void peer_names_have_1_to_63_characters(void **state)
{
	char text[512], name[65];
	struct cell_table *table;
	size_t len;

	(void)state;
	for (len = 63; len <= 64; len++) {
		memset(name, 'p', len);
		name[len] = '\0';
		snprintf(text, sizeof(text), HEADER "cgi,001-01-1-1,%s,1,1,1,,\n", name);
		table = parse(text, NULL);
		assert_int_equal(!!table, len == 63);
		talloc_free(table);
	}
}

static bool known_bsc_1(const char *peer, void *data)
{
	(*(int *)data)++;
	return !strcmp(peer, "bsc-1");
}

static void peers_that_are_not_configured_are_refused(void **state)
{
	static const char text[] = HEADER ROW("001-01-1-1") ROW("001-01-1-2")
				   "cgi,001-01-1-3,bsc-l,1,1,1,,\n";
	struct problem problem = { 0 };
	int asked = 0;

	(void)state;
	assert_null(cell_table_parse(NULL, text, strlen(text), "f", known_bsc_1, &asked, &problem));
	assert_int_equal(problem.line, 4);
	assert_int_equal(asked, 2);
}

/* Many peers and cells in a random order: the hash and the sort against what was put in. */
static void large_tables_keep_every_cell_with_its_peer(void **state)
{
	enum { CELLS = 20000, PEERS = 3000 };
	unsigned int seed = 4711, *order = calloc(CELLS, sizeof(*order)), i, j, swap;
	char *text = NULL, want[32];
	struct cell_table *table;
	struct cell cell;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	for (i = 0; i < CELLS; i++) {
		order[i] = i;
		j = rand_r(&seed) % (i + 1);
		swap = order[j];
		order[j] = order[i];
		order[i] = swap;
	}
	fputs(HEADER, f);
	for (i = 0; i < CELLS; i++)
		fprintf(f, "cgi,001-01-%u-%u,peer-%u,%u.5,0,%u,,\n", 1 + order[i] / 1000,
			order[i] % 1000 * 65, order[i] % PEERS, order[i] % 90, order[i]);
	fclose(f);
	table = cell_table_parse(NULL, text, len, "f", NULL, NULL, NULL);
	assert_non_null(table);
	assert_int_equal(cell_table_count(table), CELLS);
	assert_int_equal(cell_table_n_peers(table), PEERS);
	for (i = 0; i < CELLS; i++) {
		cell_table_get(table, i, &cell);
		snprintf(want, sizeof(want), "peer-%u", i % PEERS);
		assert_int_equal(cell.target.value, (1 + i / 1000) << 16 | i % 1000 * 65);
		assert_string_equal(cell.peer, want);
		assert_int_equal(cell.footprint.range_m, i);
	}
	talloc_free(table);
	free(order);
	free(text);
}

static const char three_cells[] =
	HEADER
	"cgi,001-01-100-1001,bsc-2,48.137154,11.576124,1500,30,65\n"
	"cgi,001-01-100-7,bsc-1,-33.8688197,-151.2092955,300000,,\n"
	"cgi,262-002-1-65535,bsc-2,90,-180,0,359,360\n";

static void assert_same_table(const struct cell_table *a, const struct cell_table *b)
{
	size_t i;

	assert_int_equal(cell_table_count(a), cell_table_count(b));
	for (i = 0; i < cell_table_count(a); i++) {
		struct cell x, y;

		cell_table_get(a, i, &x);
		cell_table_get(b, i, &y);
		assert_int_equal(target_compare(&x.target, &y.target), 0);
		assert_memory_equal(&x.footprint, &y.footprint, sizeof(x.footprint));
		assert_string_equal(x.peer, y.peer);
	}
	assert_memory_equal(cell_table_source_digest(a), cell_table_source_digest(b), DIGEST_LEN);
}

static void save(struct fixture *f, const struct cell_table *table, char *path, size_t size)
{
	char name[CELL_SNAPSHOT_NAME_LEN];

	assert_int_equal(cell_table_save(table, f->dir, name), 0);
	snprintf(path, size, "%s/%s", f->dir, name);
}

static void snapshots_are_read_back_as_they_were_saved(void **state)
{
	struct cell_table *table = parse(three_cells, NULL), *back;
	struct problem problem = { 0 };
	char path[256];
	struct stat st;

	save(*state, table, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	back = cell_table_load(NULL, path, false, &problem);
	assert_non_null(back);
	assert_null(cell_table_index(back));
	assert_same_table(table, back);
	talloc_free(back);
	back = cell_table_load(NULL, path, true, &problem);
	assert_int_equal(cell_index_count(cell_table_index(back)), 3);
	talloc_free(back);
	talloc_free(table);
}

static void the_empty_table_can_be_saved_too(void **state)
{
	static const uint8_t zero[DIGEST_LEN];
	struct cell_table *table = cell_table_empty(NULL), *back;
	char path[256];

	assert_non_null(table);
	assert_int_equal(cell_table_count(table), 0);
	assert_memory_equal(cell_table_source_digest(table), zero, DIGEST_LEN);
	save(*state, table, path, sizeof(path));
	back = cell_table_load(NULL, path, true, NULL);
	assert_non_null(back);
	assert_same_table(table, back);
	talloc_free(back);
	talloc_free(table);
}

/* The layout that cell_file.c describes, written by hand from that description. */
static void snapshots_have_the_documented_octets(void **state)
{
	static const uint8_t want[] = {
		'T', 'C', 'S', 'N', 'C', 'E', 'L', 'L', 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1,
	};
	static const uint8_t body[] = {
		1, 'b',
		TARGET_CGI, 2, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4,
		0, 0,
		0x00, 0x98, 0x96, 0x80,
		0xff, 0xff, 0xff, 0xff,
		0, 0, 0x01, 0x02,
		0x01, 0x67, 0, 7,
	};
	struct cell_table *table = parse(HEADER "cgi,001-02-3-4,b,1,-0.0000001,258,359,7\n", NULL);
	uint8_t buf[512], digest[DIGEST_LEN];
	char path[256], name[64], hex[17];
	size_t len;
	FILE *f;

	save(*state, table, path, sizeof(path));
	f = fopen(path, "rb");
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	assert_int_equal(len, sizeof(want) + DIGEST_LEN + sizeof(body) + DIGEST_LEN);
	assert_memory_equal(buf, want, sizeof(want));
	assert_memory_equal(buf + sizeof(want), cell_table_source_digest(table), DIGEST_LEN);
	assert_memory_equal(buf + sizeof(want) + DIGEST_LEN, body, sizeof(body));
	assert_int_equal(digest_sha256(buf, len - DIGEST_LEN, digest), 0);
	assert_memory_equal(buf + len - DIGEST_LEN, digest, DIGEST_LEN);
	snprintf(name, sizeof(name), "/cells-%s.snapshot", digest_hex(digest, 8, hex));
	assert_string_equal(strrchr(path, '/'), name);
	talloc_free(table);
}

static void every_damaged_octet_and_every_cut_is_noticed(void **state)
{
	struct cell_table *table = parse(three_cells, NULL);
	struct problem problem;
	uint8_t good[1024], bad[1024];
	char path[256];
	size_t len, i;
	FILE *f;

	save(*state, table, path, sizeof(path));
	talloc_free(table);
	f = fopen(path, "rb");
	len = fread(good, 1, sizeof(good), f);
	fclose(f);
	for (i = 0; i < 2 * len; i++) {
		memcpy(bad, good, len);
		bad[i % len] ^= 0x40;
		f = fopen(path, "wb");
		fwrite(i < len ? bad : good, 1, i < len ? len : i - len, f);
		fclose(f);
		problem = (struct problem){ 0 };
		table = cell_table_load(NULL, path, true, &problem);
		if (table || problem.code != PROBLEM_CELLS_FILE)
			fail_msg("octet %zu of %zu: %s", i % len, len, i < len ? "changed" : "cut");
	}
}

static void a_damaged_snapshot_is_mended_by_saving_again(void **state)
{
	struct cell_table *table = parse(three_cells, NULL), *back;
	char path[256];

	save(*state, table, path, sizeof(path));
	assert_int_equal(truncate(path, 100), 0);
	assert_null(cell_table_load(NULL, path, false, NULL));
	save(*state, table, path, sizeof(path));
	back = cell_table_load(NULL, path, false, NULL);
	assert_non_null(back);
	talloc_free(back);
	talloc_free(table);
}

static void a_full_disk_leaves_no_snapshot_behind(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, old;
	struct cell_table *table = parse(three_cells, NULL);
	char name[CELL_SNAPSHOT_NAME_LEN];
	int rc;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ .rlim_cur = 64, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	rc = cell_table_save(table, f->dir, name);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	talloc_free(table);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };
	char path[128];

	assert_null(cell_table_import(NULL, "/nonexistent/cells.csv", NULL, NULL, &problem));
	assert_int_equal(problem.code, PROBLEM_CELLS_FILE);
	assert_string_equal(problem.where, "/nonexistent/cells.csv");
	assert_null(cell_table_import(NULL, f->dir, NULL, NULL, &problem));
	assert_int_equal(problem.code, PROBLEM_CELLS_FILE);
	snprintf(path, sizeof(path), "%s/pipe", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(cell_table_load(NULL, path, false, &problem));
	assert_int_equal(problem.code, PROBLEM_CELLS_FILE);
}

static void files_are_imported_like_text(void **state)
{
	struct fixture *f = *state;
	struct cell_table *table = parse(three_cells, NULL), *imported;
	uint8_t digest[DIGEST_LEN];
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cells.csv", f->dir);
	file = fopen(path, "w");
	fputs(three_cells, file);
	fclose(file);
	imported = cell_table_import(NULL, path, NULL, NULL, NULL);
	assert_non_null(imported);
	assert_int_equal(cell_table_digest_file(path, digest), 0);
	assert_memory_equal(digest, cell_table_source_digest(imported), DIGEST_LEN);
	assert_true(cell_table_digest_file("/nonexistent/cells.csv", digest) < 0);
	assert_same_table(table, imported);
	talloc_free(imported);
	talloc_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_becomes_a_table_sorted_by_target),
		cmocka_unit_test(wrong_lines_refuse_the_file_and_are_named),
		cmocka_unit_test(a_repeated_cell_names_both_lines),
		cmocka_unit_test(cells_of_01_and_001_are_two_cells),
		cmocka_unit_test(lines_of_1000_octets_are_read_and_longer_ones_refused),
		cmocka_unit_test(peer_names_have_1_to_63_characters),
		cmocka_unit_test(peers_that_are_not_configured_are_refused),
		cmocka_unit_test(large_tables_keep_every_cell_with_its_peer),
		cmocka_unit_test_setup_teardown(snapshots_are_read_back_as_they_were_saved, setup, teardown),
		cmocka_unit_test_setup_teardown(the_empty_table_can_be_saved_too, setup, teardown),
		cmocka_unit_test_setup_teardown(snapshots_have_the_documented_octets, setup, teardown),
		cmocka_unit_test_setup_teardown(every_damaged_octet_and_every_cut_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_snapshot_is_mended_by_saving_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_no_snapshot_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_imported_like_text, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
