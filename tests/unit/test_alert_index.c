/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "src/core/core.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define ID_A "00112233445566778899"
#define ID_B "00112233445566778890"
#define DOC_A "ffeeddccbbaa99887766"
#define DOC_B "ffeeddccbbaa99887765"

static const uint8_t digest_a[DIGEST_LEN] = { 0xaa }, digest_b[DIGEST_LEN] = { 0xbb };

static void test_empty_index_finds_nothing(void **state)
{
	struct alert_index *index = alert_index_alloc(NULL);

	(void)state;
	assert_null(alert_index_find(index, ID_A));
	assert_false(alert_index_has_document(index, DOC_A));
	alert_index_remove(index, ID_A);
	talloc_free(index);
}

static void test_alert_is_found_by_id_and_by_document(void **state)
{
	struct alert_index *index = alert_index_alloc(NULL);
	struct alert_known *known;

	(void)state;
	known = alert_index_add(index, ID_A, DOC_A, digest_a);
	assert_non_null(known);
	assert_false(known->committed);
	assert_null(known->submission);
	known->committed = true;
	known = alert_index_find(index, ID_A);
	assert_non_null(known);
	assert_true(known->committed);
	assert_memory_equal(known->sha256, digest_a, DIGEST_LEN);
	assert_true(alert_index_has_document(index, DOC_A));
	/* the one is not the other, and the last digit counts */
	assert_null(alert_index_find(index, DOC_A));
	assert_null(alert_index_find(index, ID_B));
	assert_false(alert_index_has_document(index, ID_A));
	assert_false(alert_index_has_document(index, DOC_B));
	talloc_free(index);
}

static void test_what_was_removed_leaves_no_trace(void **state)
{
	struct alert_index *index = alert_index_alloc(NULL);
	char id[ALERT_ID_LEN + 1], document[ALERT_ID_LEN + 1];
	size_t size = 0;
	unsigned int i;

	(void)state;
	for (i = 1; i <= 300000; i++) {
		snprintf(id, sizeof(id), "%08x%012x", i * 2654435761u, i);
		snprintf(document, sizeof(document), "%08x%012x", i * 2246822519u, i);
		assert_non_null(alert_index_add(index, id, document, digest_a));
		/* One in 1,000 is kept. */
		if (i % 1000)
			alert_index_remove(index, id);
		if (i == 10000)
			size = talloc_total_size(index);
	}
	assert_int_equal(talloc_total_size(index), size);
	for (i = 1; i <= 300000; i++) {
		snprintf(id, sizeof(id), "%08x%012x", i * 2654435761u, i);
		snprintf(document, sizeof(document), "%08x%012x", i * 2246822519u, i);
		assert_int_equal(alert_index_find(index, id) != NULL, i % 1000 == 0);
		assert_int_equal(alert_index_has_document(index, document), i % 1000 == 0);
	}
	talloc_free(index);
}

static void test_document_of_two_originators_outlives_the_removal_of_one(void **state)
{
	struct alert_index *index = alert_index_alloc(NULL);

	(void)state;
	alert_index_add(index, ID_A, DOC_A, digest_a);
	alert_index_add(index, ID_B, DOC_A, digest_b);
	alert_index_remove(index, ID_A);
	assert_null(alert_index_find(index, ID_A));
	assert_non_null(alert_index_find(index, ID_B));
	assert_true(alert_index_has_document(index, DOC_A));
	alert_index_remove(index, ID_B);
	assert_false(alert_index_has_document(index, DOC_A));
	talloc_free(index);
}

static void test_removed_alert_can_come_again(void **state)
{
	struct alert_index *index = alert_index_alloc(NULL);
	struct alert_known *known;

	(void)state;
	alert_index_add(index, ID_A, DOC_A, digest_a);
	alert_index_remove(index, ID_A);
	assert_null(alert_index_find(index, ID_A));
	assert_non_null(alert_index_add(index, ID_A, DOC_A, digest_b));
	known = alert_index_find(index, ID_A);
	assert_non_null(known);
	assert_memory_equal(known->sha256, digest_b, DIGEST_LEN);
	assert_true(alert_index_has_document(index, DOC_A));
	talloc_free(index);
}

static void test_text_that_is_no_id_is_not_found(void **state)
{
	static const char *const texts[] = {
		"", "0011", ID_A "0", "0011223344556677889", "0011223344556677889g", "xx112233445566778899", "AABBCCDDEEFF00112233",
		" 0112233445566778899", "+0112233445566778899", "0x112233445566778899",
	};
	struct alert_index *index = alert_index_alloc(NULL);
	size_t i;

	(void)state;
	alert_index_add(index, ID_A, DOC_A, digest_a);
	for (i = 0; i < N(texts); i++) {
		assert_null(alert_index_find(index, texts[i]));
		assert_null(alert_index_add(index, texts[i], DOC_B, digest_a));
		assert_null(alert_index_add(index, ID_B, texts[i], digest_a));
	}
	assert_null(alert_index_find(index, ID_B));
	assert_false(alert_index_has_document(index, DOC_B));
	talloc_free(index);
}

static void test_id_of_zeros_is_no_alert(void **state)
{
	static const char zeros[] = "00000000000000000000";
	struct alert_index *index = alert_index_alloc(NULL);

	(void)state;
	assert_null(alert_index_add(index, zeros, DOC_A, digest_a));
	alert_index_add(index, "00000000000000000001", DOC_A, digest_a);
	alert_index_remove(index, "00000000000000000001");
	assert_null(alert_index_find(index, zeros));
	talloc_free(index);
}

/* Against a plain list, over several growths; few different keys, so that many meet. */

#define MANY 3000

struct model {
	char id[ALERT_ID_LEN + 1], document[ALERT_ID_LEN + 1];
	uint8_t sha256[DIGEST_LEN];
	bool there;
};

static void make_key(unsigned int *seed, unsigned int nr, char key[ALERT_ID_LEN + 1])
{
	/* the low octets, which the table looks at first, are poor on purpose */
	snprintf(key, ALERT_ID_LEN + 1, "%02x0000000000%08x", rand_r(seed) % 4, nr + 1);
}

static void check_model(struct alert_index *index, const struct model *m, size_t n, unsigned int seed)
{
	const struct alert_known *known;
	size_t i;

	for (i = 0; i < n; i++) {
		known = alert_index_find(index, m[i].id);
		if (!known != !m[i].there || (known && memcmp(known->sha256, m[i].sha256, DIGEST_LEN)))
			fail_msg("seed %u: alert %zu of %zu is %s", seed, i, n, known ? "there, or another" : "lost");
		if (alert_index_has_document(index, m[i].document) != m[i].there)
			fail_msg("seed %u: document %zu of %zu", seed, i, n);
	}
}

static void test_many_alerts_are_told_apart(void **state)
{
	struct model *m = calloc(MANY, sizeof(*m));
	struct alert_index *index = alert_index_alloc(NULL);
	const unsigned int first_seed = 7;
	unsigned int seed = first_seed, i, k;

	(void)state;
	for (i = 0; i < MANY; i++) {
		make_key(&seed, i, m[i].id);
		make_key(&seed, MANY + i, m[i].document);
		memcpy(m[i].sha256, &i, sizeof(i));
		m[i].there = true;
		assert_null(alert_index_find(index, m[i].id));
		assert_non_null(alert_index_add(index, m[i].id, m[i].document, m[i].sha256));
		if (i % 7 == 0) {
			k = rand_r(&seed) % (i + 1);
			alert_index_remove(index, m[k].id);
			m[k].there = false;
		}
		if (i % 1000 == 999)
			check_model(index, m, i + 1, first_seed);
	}
	talloc_free(index);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_index_finds_nothing),
		cmocka_unit_test(test_alert_is_found_by_id_and_by_document),
		cmocka_unit_test(test_what_was_removed_leaves_no_trace),
		cmocka_unit_test(test_document_of_two_originators_outlives_the_removal_of_one),
		cmocka_unit_test(test_removed_alert_can_come_again),
		cmocka_unit_test(test_text_that_is_no_id_is_not_found),
		cmocka_unit_test(test_id_of_zeros_is_no_alert),
		cmocka_unit_test(test_many_alerts_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
