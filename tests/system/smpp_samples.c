/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Prints every PDU that this ESME can send as a hex dump for text2pcap, one after the other, each
 * from offset 0. What they hold is expected in tshark_smpp.sh, in the same order. */

#include <stdio.h>
#include <string.h>

#include <tocsin/codec/smpp.h>
#include <tocsin/codec/sms.h>

static uint32_t sequence;

static int print_pdu(struct smpp_pdu pdu)
{
	uint8_t out[1024];
	int i, n;

	pdu.sequence = ++sequence;
	n = smpp_encode(&pdu, out, sizeof(out));
	for (i = 0; i < n; i++) {
		if (i % 16 == 0)
			printf("%s%06x", i ? "\n" : "", (unsigned int)i);
		printf(" %02x", out[i]);
	}
	printf("\n");
	return n < 0 ? n : 0;
}

static int print_command(uint32_t command, uint32_t status)
{
	return print_pdu((struct smpp_pdu){ .command = command, .status = status });
}

static int print_bind(uint32_t command)
{
	return print_pdu((struct smpp_pdu){
		.command = command, .system_id = "tocsin", .password = "secret12",
		.system_type = "alert", .interface_version = SMPP_INTERFACE_VERSION,
	});
}

static void put_part(struct smpp_pdu *pdu, const struct sms_text *sms, unsigned int nr)
{
	uint8_t *p = pdu->short_message;

	if (sms->n > 1) {
		sms_udh(0xa7, sms->n, nr + 1, p);
		p += SMS_UDH_LEN;
		pdu->esm_class |= SMPP_ESM_UDHI;
	}
	memcpy(p, sms->part[nr].octets, sms->part[nr].len);
	pdu->sm_length = p - pdu->short_message + sms->part[nr].len;
	pdu->data_coding = sms->alphabet == SMS_UCS2 ? SMPP_CODING_UCS2 : SMPP_CODING_DEFAULT;
}

static int print_text(struct smpp_pdu pdu, const char *text)
{
	struct sms_text sms;
	unsigned int i;

	if (sms_split(text, SMS_MAX_PARTS, &sms, NULL) < 0)
		return -1;
	for (i = 0; i < sms.n; i++) {
		struct smpp_pdu part = pdu;

		put_part(&part, &sms, i);
		if (print_pdu(part) < 0)
			return -1;
	}
	return 0;
}

/* To the phone at once, by IMSI, from a name. */
static struct smpp_pdu forward(void)
{
	struct smpp_pdu pdu = {
		.command = SMPP_SUBMIT_SM, .esm_class = SMPP_ESM_TRANSACTION,
		.source = { SMPP_TON_ALPHANUMERIC, SMPP_NPI_UNKNOWN, "Warning" },
		.destination = { SMPP_TON_INTERNATIONAL, SMPP_NPI_IMSI, "001010000000001" },
		.priority = 3,
	};

	smpp_time_relative(1800, pdu.validity_period);
	return pdu;
}

/* To be stored, by number, with a receipt. */
static struct smpp_pdu store(void)
{
	struct smpp_pdu pdu = {
		.command = SMPP_SUBMIT_SM, .esm_class = SMPP_ESM_STORE, .service_type = "CMT",
		.source = { SMPP_TON_NETWORK, SMPP_NPI_PRIVATE, "112" },
		.destination = { SMPP_TON_INTERNATIONAL, SMPP_NPI_E164, "491700000001" },
		.protocol_id = 0x41, .registered_delivery = 1, .replace_if_present = 1,
		.has_user_message_reference = true, .user_message_reference = 1003,
	};

	smpp_time_absolute(1795488162, pdu.validity_period);
	return pdu;
}

int main(void)
{
	int rc = 0;

	rc |= print_bind(SMPP_BIND_TRANSCEIVER);
	rc |= print_bind(SMPP_BIND_TRANSMITTER);
	rc |= print_bind(SMPP_BIND_RECEIVER);
	rc |= print_text(forward(), "Test message");
	rc |= print_text(store(), "Проверка тревоги");
	rc |= print_text(forward(), "This is a long warning that takes more than the one hundred and "
			 "sixty characters of a single short message, so that it is sent in two parts "
			 "with a header before each of them.");
	rc |= print_text(store(), "Проверка тревоги: одно длинное сообщение кириллицей, которое "
			 "занимает две части");
	rc |= print_command(SMPP_ENQUIRE_LINK, SMPP_ROK);
	rc |= print_command(SMPP_ENQUIRE_LINK | SMPP_RESPONSE, SMPP_ROK);
	rc |= print_command(SMPP_DELIVER_SM | SMPP_RESPONSE, SMPP_ROK);
	rc |= print_command(SMPP_GENERIC_NACK, SMPP_RINVCMDID);
	rc |= print_command(SMPP_UNBIND, SMPP_ROK);
	rc |= print_command(SMPP_UNBIND | SMPP_RESPONSE, SMPP_ROK);
	return rc ? 1 : 0;
}
