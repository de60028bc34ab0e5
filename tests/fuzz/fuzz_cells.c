/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Cell files: text goes through the import; what starts like a snapshot goes, with its checksum put
 * right, through the decoder of snapshots. What was taken must survive being encoded again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include "../../src/core/cell_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_again(struct cell_table *table)
{
	struct cell_table *back;
	uint8_t *octets;
	size_t len;

	if (cell_table_encode(table, &octets, &len) < 0)
		return;
	back = cell_table_decode(NULL, octets, len, "again", true, NULL);
	if (!back || back->n != table->n)
		abort();
	talloc_free(back);
	free(octets);
}

static struct cell_table *decode_with_checksum(const uint8_t *data, size_t size)
{
	struct cell_table *table;
	uint8_t *copy = malloc(size + DIGEST_LEN);

	if (!copy)
		return NULL;
	memcpy(copy, data, size);
	if (digest_sha256(data, size, copy + size) < 0)
		abort();
	table = cell_table_decode(NULL, copy, size + DIGEST_LEN, "fuzz", false, NULL);
	free(copy);
	return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problem problem;
	struct cell_table *table;

	if (size >= 8 && !memcmp(data, "TCSNCELL", 8))
		table = decode_with_checksum(data, size);
	else
		table = cell_table_parse(NULL, (const char *)data, size, "fuzz", NULL, NULL, &problem);
	if (table)
		encode_again(table);
	talloc_free(table);
	return 0;
}
