/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Anything a message centre could send. What is decoded and may be sent is encoded and must mean
 * the same again; receipts and message ids are read out of it too. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/codec/smpp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_strings(const struct smpp_pdu *pdu)
{
	require(memchr(pdu->system_id, 0, sizeof(pdu->system_id)));
	require(memchr(pdu->password, 0, sizeof(pdu->password)));
	require(memchr(pdu->system_type, 0, sizeof(pdu->system_type)));
	require(memchr(pdu->service_type, 0, sizeof(pdu->service_type)));
	require(memchr(pdu->source.digits, 0, sizeof(pdu->source.digits)));
	require(memchr(pdu->destination.digits, 0, sizeof(pdu->destination.digits)));
	require(memchr(pdu->schedule_time, 0, sizeof(pdu->schedule_time)));
	require(memchr(pdu->validity_period, 0, sizeof(pdu->validity_period)));
	require(memchr(pdu->message_id, 0, sizeof(pdu->message_id)));
	require(memchr(pdu->receipted_message_id, 0, sizeof(pdu->receipted_message_id)));
	require(pdu->sm_length <= SMPP_MAX_SHORT_MESSAGE);
}

/* Struct against struct: decoding fills every octet, so that equal PDUs are equal memory. */
static void encode_again(const struct smpp_pdu *pdu)
{
	uint8_t out[1024];
	int len, n = smpp_encode(pdu, out, sizeof(out));
	struct smpp_pdu again;

	require(n != -ENOSPC);
	if (n < 0)
		return;
	len = smpp_frame_len(out, n);
	require(len == n && smpp_decode(out, n, &again) == 0);
	/* An error is answered without body. */
	require(again.command == pdu->command && again.sequence == pdu->sequence);
	require(n == SMPP_HEADER_LEN || !memcmp(&again, pdu, sizeof(again)));
}

static void read_receipt(const struct smpp_pdu *pdu)
{
	struct smpp_receipt receipt;
	bool is_receipt = smpp_receipt_parse(pdu, &receipt);

	require(is_receipt == (receipt.state != SMPP_STATE_NONE));
	require(receipt.state <= SMPP_STATE_REJECTED);
	require(memchr(receipt.id, 0, sizeof(receipt.id)));
	require(smpp_message_id_match(receipt.id, receipt.id) == (receipt.id[0] ? 2 : 0));
	require(smpp_message_id_match(receipt.id, "1f") == smpp_message_id_match("1f", receipt.id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int len = smpp_frame_len(data, size);
	struct smpp_pdu pdu;
	int rc = smpp_decode(data, size, &pdu);

	require(len == -EPROTO || len == 0 || (len >= SMPP_HEADER_LEN && len <= SMPP_MAX_PDU));
	require(rc == -EBADMSG || (rc == 0 && (size_t)len == size));
	require_strings(&pdu);
	read_receipt(&pdu);
	if (rc == 0)
		encode_again(&pdu);
	return 0;
}
