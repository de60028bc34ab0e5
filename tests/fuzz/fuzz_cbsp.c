/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Anything a BSC could send, read with both codings of the repetition period. What is decoded and
 * may be sent is encoded and must mean the same again. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <talloc.h>

#include <tocsin/codec/cbsp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* A number derived from everything that lists and pages hold: reads each octet of them. */
static unsigned int touch(const struct cbsp_pdu *pdu)
{
	unsigned int sum = pdu->cells.n;
	size_t i, k;

	for (i = 0; i < pdu->n_pages; i++) {
		for (k = 0; k < CBS_PAGE_OCTETS; k++)
			sum = sum * 31 + pdu->pages[i].octets[k];
	}
	for (i = 0; i < pdu->cells.n; i++)
		sum = sum * 31 + pdu->cells.cells[i].lac + pdu->cells.cells[i].ci;
	for (i = 0; i < pdu->n_failures; i++)
		sum = sum * 31 + pdu->failures[i].cell.ci + pdu->failures[i].cause;
	for (i = 0; i < pdu->n_counts; i++)
		sum = sum * 31 + pdu->counts[i].cell.ci + pdu->counts[i].count + pdu->counts[i].info;
	for (i = 0; i < pdu->n_loads; i++)
		sum = sum * 31 + pdu->loads[i].cell.lac + pdu->loads[i].load[0];
	return sum;
}

static void encode_again(const struct cbsp_pdu *pdu, enum cbsp_period_coding coding)
{
	size_t size = cbsp_encoded_size(pdu);
	uint8_t *out = malloc(size);
	int n = cbsp_encode(pdu, coding, out, size);

	require(n != -ENOSPC);
	if (n > 0) {
		struct cbsp_pdu *again = cbsp_decode(NULL, out, n, coding, NULL);

		require(again && again->type == pdu->type && touch(again) == touch(pdu));
		talloc_free(again);
	}
	free(out);
}

static void decode(const uint8_t *data, size_t size, enum cbsp_period_coding coding)
{
	const char *error = NULL;
	struct cbsp_pdu *pdu = cbsp_decode(NULL, data, size, coding, &error);

	require(pdu ? !error : error && *error);
	if (!pdu)
		return;
	require(size <= CBSP_MAX_PDU && pdu->n_pages <= CBS_MAX_PAGES);
	require(talloc_total_size(pdu) <= 4096 + 16 * size);
	encode_again(pdu, coding);
	talloc_free(pdu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int len = cbsp_frame_len(data, size);

	require(len == -EMSGSIZE || len == 0 || (len >= CBSP_HEADER_LEN && len <= CBSP_MAX_PDU));
	decode(data, size, CBSP_PERIOD_12BIT);
	decode(data, size, CBSP_PERIOD_16BIT);
	return 0;
}
