/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/codec/smpp.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Hex digits to octets; blanks are for the reader, and what stands between quotes is text. */
static size_t unhex(const char *hex, uint8_t *out)
{
	const char *all = "0123456789abcdef";
	bool text = false;
	size_t n = 0;

	for (; *hex; hex++) {
		if (*hex == '\'') {
			text = !text;
		} else if (text) {
			out[n++] = *hex;
		} else if (!isspace((unsigned char)*hex)) {
			assert_non_null(strchr(all, hex[0]));
			assert_true(hex[1] && strchr(all, hex[1]));
			out[n++] = (strchr(all, hex[0]) - all) << 4 | (strchr(all, hex[1]) - all);
			hex++;
		}
	}
	return n;
}

static void set_length(uint8_t *pdu, size_t n)
{
	pdu[0] = n >> 24;
	pdu[1] = n >> 16 & 0xff;
	pdu[2] = n >> 8 & 0xff;
	pdu[3] = n & 0xff;
}

#define HELLO { 'h', 'e', 'l', 'l', 'o' }
#define WARNING { .ton = SMPP_TON_ALPHANUMERIC, .digits = "Warning" }
#define IMSI { .ton = SMPP_TON_INTERNATIONAL, .npi = SMPP_NPI_IMSI, .digits = "001010000000001" }

/* Written by hand from the tables of the specification. */
static const struct {
	const char *name, *hex;
	struct smpp_pdu pdu;
} golden[] = {
	{ "bind_transceiver, 4.1.5",
	  "00000025 00000009 00000000 00000001 'tocsin'00 'secret'00 'vw'00 34 00 00 00",
	  { .command = SMPP_BIND_TRANSCEIVER, .sequence = 1, .system_id = "tocsin",
	    .password = "secret", .system_type = "vw", .interface_version = 0x34 } },
	{ "bind_transmitter, 4.1.1",
	  "00000020 00000002 00000000 7fffffff 't'00 '12345678'00 00 34 00 00 00",
	  { .command = SMPP_BIND_TRANSMITTER, .sequence = 0x7fffffff, .system_id = "t",
	    .password = "12345678", .interface_version = 0x34 } },
	{ "bind_receiver, 4.1.3",
	  "00000026 00000001 00000000 00000002 '123456789012345'00 00 00 34 00 00 00",
	  { .command = SMPP_BIND_RECEIVER, .sequence = 2, .system_id = "123456789012345",
	    .interface_version = 0x34 } },
	{ "bind_transceiver_resp with its version, 4.1.6",
	  "0000001a 80000009 00000000 00000001 'smsc'00 0210 0001 34",
	  { .command = SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE, .sequence = 1, .system_id = "smsc",
	    .interface_version = 0x34 } },
	{ "bind_transceiver_resp of OsmoMSC",
	  "00000011 80000009 00000000 00000001 00",
	  { .command = SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE, .sequence = 1 } },
	{ "bind_receiver_resp that refuses, 4.1.4",
	  "00000010 80000001 0000000e 00000001",
	  { .command = SMPP_BIND_RECEIVER | SMPP_RESPONSE, .status = SMPP_RINVPASWD,
	    .sequence = 1 } },
	{ "outbind, 4.1.7",
	  "0000001c 0000000b 00000000 00000001 'smsc'00 'secret'00",
	  { .command = SMPP_OUTBIND, .sequence = 1, .system_id = "smsc", .password = "secret" } },
	{ "submit_sm of one part, 4.4.1",
	  "00000052 00000004 00000000 00000003 00 05 00 'Warning'00 01 06 '001010000000001'00"
	  "02 00 00 00 '000000003000000R'00 01 00 00 00 05 'hello' 0204 0002 03eb",
	  { .command = SMPP_SUBMIT_SM, .sequence = 3, .source = WARNING, .destination = IMSI,
	    .esm_class = SMPP_ESM_TRANSACTION, .validity_period = "000000003000000R",
	    .registered_delivery = 1, .sm_length = 5, .short_message = HELLO,
	    .has_user_message_reference = true, .user_message_reference = 1003 } },
	{ "submit_sm of a part with its header, 5.2.12",
	  "0000005a 00000004 00000000 00000004 'WAP'00 01 01 '491700000001'00 01 06"
	  "'001010000000001'00 42 41 03 '261124024200000+'00 00 00 01 00 00"
	  "0b 050003070201 'hello'",
	  { .command = SMPP_SUBMIT_SM, .sequence = 4, .service_type = "WAP",
	    .source = { 1, 1, "491700000001" }, .destination = IMSI,
	    .esm_class = SMPP_ESM_TRANSACTION | SMPP_ESM_UDHI, .protocol_id = 0x41, .priority = 3,
	    .schedule_time = "261124024200000+", .replace_if_present = 1, .sm_length = 11,
	    .short_message = { 5, 0, 3, 7, 2, 1, 'h', 'e', 'l', 'l', 'o' } } },
	{ "submit_sm_resp, 4.4.2",
	  "00000013 80000004 00000000 00000003 '1f'00",
	  { .command = SMPP_SUBMIT_SM | SMPP_RESPONSE, .sequence = 3, .message_id = "1f" } },
	{ "submit_sm_resp without message id, as OsmoMSC answers in transaction mode",
	  "00000011 80000004 00000000 00000003 00",
	  { .command = SMPP_SUBMIT_SM | SMPP_RESPONSE, .sequence = 3 } },
	{ "submit_sm_resp that refuses, 4.4.2",
	  "00000010 80000004 00000058 00000003",
	  { .command = SMPP_SUBMIT_SM | SMPP_RESPONSE, .status = SMPP_RTHROTTLED,
	    .sequence = 3 } },
	{ "deliver_sm with a receipt, 4.6.1 and 5.3.2",
	  "00000049 00000005 00000000 80000007 00 01 06 '001010000000001'00 05 00 'Warning'00"
	  "04 00 00 00 00 00 00 00 00 00 0204 0002 00eb 001e 0003 '1f'00 0427 0001 02",
	  { .command = SMPP_DELIVER_SM, .sequence = 0x80000007, .source = IMSI,
	    .destination = WARNING, .esm_class = SMPP_ESM_RECEIPT,
	    .has_user_message_reference = true, .user_message_reference = 235,
	    .receipted_message_id = "1f", .message_state = SMPP_STATE_DELIVERED } },
	{ "deliver_sm_resp, 4.6.2",
	  "00000011 80000005 00000000 00000007 00",
	  { .command = SMPP_DELIVER_SM | SMPP_RESPONSE, .sequence = 7 } },
	{ "deliver_sm_resp that refuses has a body all the same, 4.6.2",
	  "00000011 80000005 00000064 00000007 00",
	  { .command = SMPP_DELIVER_SM | SMPP_RESPONSE, .status = 0x64, .sequence = 7 } },
	{ "alert_notification, 4.12.1",
	  "0000002a 00000102 00000000 00000008 04 06 '001010000000001'00 00 00 00 0422 0001 00",
	  { .command = SMPP_ALERT_NOTIFICATION, .sequence = 8,
	    .source = { 4, 6, "001010000000001" }, .has_ms_availability = true } },
	{ "enquire_link, 4.11.1", "00000010 00000015 00000000 00000009",
	  { .command = SMPP_ENQUIRE_LINK, .sequence = 9 } },
	{ "enquire_link_resp, 4.11.2", "00000010 80000015 00000000 00000009",
	  { .command = SMPP_ENQUIRE_LINK | SMPP_RESPONSE, .sequence = 9 } },
	{ "unbind, 4.2.1", "00000010 00000006 00000000 0000000a",
	  { .command = SMPP_UNBIND, .sequence = 10 } },
	{ "unbind_resp, 4.2.2", "00000010 80000006 00000000 0000000a",
	  { .command = SMPP_UNBIND | SMPP_RESPONSE, .sequence = 10 } },
	{ "generic_nack, 4.3.1", "00000010 80000000 00000003 00000010",
	  { .command = SMPP_GENERIC_NACK, .status = SMPP_RINVCMDID, .sequence = 16 } },
};

static size_t golden_octets(size_t i, uint8_t *out)
{
	size_t n = unhex(golden[i].hex, out);
	int len = smpp_frame_len(out, n);

	if (len != (int)n)
		fail_msg("%s: %zu octets, not %d", golden[i].name, n, len);
	return n;
}

static void golden_pdus_are_decoded(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(golden); i++) {
		uint8_t data[512];
		size_t n = golden_octets(i, data);
		struct smpp_pdu pdu;

		if (smpp_decode(data, n, &pdu) < 0)
			fail_msg("%s: not decoded", golden[i].name);
		if (memcmp(&pdu, &golden[i].pdu, sizeof(pdu)))
			fail_msg("%s: decoded to something else", golden[i].name);
	}
}

static void golden_pdus_are_encoded(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(golden); i++) {
		uint8_t data[512], out[512];
		struct smpp_pdu pdu = golden[i].pdu;
		size_t n = golden_octets(i, data);

		/* One is what the far end may send and this one may not. */
		if (!(pdu.command & SMPP_RESPONSE) && pdu.sequence > 0x7fffffff) {
			assert_int_equal(smpp_encode(&pdu, out, sizeof(out)), -EINVAL);
			pdu.sequence = data[12] = 0;
			pdu.sequence = data[15];
		}
		if (smpp_encode(&pdu, out, sizeof(out)) != (int)n || memcmp(out, data, n))
			fail_msg("%s: encoded otherwise", golden[i].name);
		if (smpp_encode(&pdu, out, n - 1) != -ENOSPC)
			fail_msg("%s: fits into less", golden[i].name);
	}
}

/* Every PDU cut short, with the length that it announces and with the one that it has. What is left
 * is whole only where the optional parameters end, or without any body. */
static void pdus_cut_anywhere_are_never_read_beyond(void **state)
{
	size_t i, cut;

	(void)state;
	for (i = 0; i < ARRAY_LEN(golden); i++) {
		uint8_t data[512];
		size_t n = golden_octets(i, data);

		for (cut = 0; cut < n; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);
			struct smpp_pdu pdu;

			memcpy(exact, data, cut);
			assert_int_equal(smpp_decode(exact, cut, &pdu), -EBADMSG);
			if (cut >= 16) {
				set_length(exact, cut);
				smpp_decode(exact, cut, &pdu);
				assert_int_equal(pdu.command, golden[i].pdu.command);
				assert_int_equal(pdu.status, golden[i].pdu.status);
				assert_int_equal(pdu.sequence, golden[i].pdu.sequence);
			}
			free(exact);
		}
	}
}

static void lengths_frame_the_stream(void **state)
{
	static const struct {
		const char *hex;
		int len;
	} cases[] = {
		{ "", 0 }, { "000000", 0 }, { "00000010", 0 },
		{ "00000010 00000015 00000000 000000", 0 },
		{ "00000010 00000015 00000000 00000001", 16 },
		{ "00000010 00000015 00000000 00000001 00000010", 16 },
		{ "00010000 00000004 00000000 00000001", 65536 },
		{ "0000000f", -EPROTO }, { "00000000", -EPROTO }, { "00010001", -EPROTO },
		{ "80000010", -EPROTO }, { "ffffffff 00000015 00000000 00000001", -EPROTO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t data[64];
		size_t n = unhex(cases[i].hex, data);

		if (smpp_frame_len(data, n) != cases[i].len)
			fail_msg("%s", cases[i].hex);
	}
}

/* A PDU without its length, which is put before it. */
static int decode_rest(const char *rest, struct smpp_pdu *pdu)
{
	uint8_t data[1024];
	size_t n = 4 + unhex(rest, data + 4);

	set_length(data, n);
	return smpp_decode(data, n, pdu);
}

#define X8 "'xxxxxxxx'"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8
#define RESP "80000004 00000000 00000003"
#define DELIVER "00000005 00000000 00000003"
/* Up to sm_length. */
#define RECEIPT_HEAD DELIVER "00 010600 050000 04 0000 00 00 00 00 00 00"
#define RECEIPT RECEIPT_HEAD "00"
#define ALERT "00000102 00000000 00000003"

static void bodies_out_of_bounds_are_refused(void **state)
{
	static const struct {
		const char *name, *rest;
	} cases[] = {
		{ "an answer without body", RESP },
		{ "a string without end", RESP "'1f'" },
		{ "a message id of 65 characters", RESP X64 "'x'00" },
		{ "a message id without end, longer than any", RESP X64 X64 },
		{ "a system id of 16", "80000009 00000000 00000001" X8 X8 "00" },
		{ "a password of 9", "00000009 00000000 00000001 't'00" X8 "'x'00 00 34 000000" },
		{ "a system type of 13",
		  "00000009 00000000 00000001 't'00 00" X8 "'xxxxx'00 34 000000" },
		{ "an address range of 41", "00000009 00000000 00000001 't'00 00 00 34 0000"
		  X8 X8 X8 X8 X8 "'x'00" },
		{ "a service type of 6",
		  DELIVER "'xxxxxx'00 010600 050000 04 0000 00 00 00000000 00" },
		{ "an address of 21",
		  DELIVER "00 0106" X8 X8 "'xxxxx'00 050000 04 0000 00 00 00000000 00" },
		{ "a validity period of 17",
		  DELIVER "00 010600 050000 04 0000 00" X8 X8 "'x'00 00000000 00" },
		{ "an alert's address of 65", ALERT "0406" X64 "'x'00 000000" },
		{ "no length of the text", RECEIPT_HEAD },
		{ "a text longer than the PDU", RECEIPT_HEAD "05 'hell'" },
		{ "a text of 255 octets",
		  RECEIPT_HEAD "ff" X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "'xxxxxxx'" },
		{ "half a tag", RECEIPT "02" },
		{ "a tag without length", RECEIPT "0204" },
		{ "half a length", RECEIPT "0204 00" },
		{ "a value cut off", RECEIPT "0204 0002 00" },
		{ "an unknown value cut off", RECEIPT "1400 0003 0000" },
		{ "a value longer than any PDU", RECEIPT "1400 ffff 00" },
		{ "an octet behind the message id", RESP "'1f'00 00" },
		{ "half a body of an error", "80000004 00000045 00000003 '1f'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct smpp_pdu pdu, header = { 0 };

		if (decode_rest(cases[i].rest, &pdu) != -EBADMSG)
			fail_msg("%s is taken", cases[i].name);
		header.command = pdu.command;
		header.status = pdu.status;
		header.sequence = pdu.sequence;
		assert_true(pdu.command && pdu.sequence);
		if (memcmp(&pdu, &header, sizeof(pdu)))
			fail_msg("%s leaves half a body", cases[i].name);
	}
}

static void values_at_their_bounds_are_taken(void **state)
{
	struct smpp_pdu pdu;

	(void)state;
	assert_int_equal(decode_rest(RESP X64 "00", &pdu), 0);
	assert_int_equal(strlen(pdu.message_id), 64);
	assert_int_equal(decode_rest("80000009 00000000 00000001" X8 "'xxxxxxx'00", &pdu), 0);
	assert_int_equal(strlen(pdu.system_id), 15);
	assert_int_equal(decode_rest(RECEIPT_HEAD "fe" X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "'xxxxxx'",
				     &pdu), 0);
	assert_int_equal(pdu.sm_length, 254);
	assert_int_equal(decode_rest(DELIVER "00 0106" X8 X8 "'xxxx'00 050000 04 0000 00 00"
				     "00000000 00", &pdu), 0);
	assert_int_equal(strlen(pdu.source.digits), 20);
}

/* Half a number would be another number. */
static void an_alert_of_an_address_too_long_names_nobody(void **state)
{
	struct smpp_pdu pdu;

	(void)state;
	assert_int_equal(decode_rest(ALERT "0406" X64 "00 0101'12345'00 0422 0001 02", &pdu), 0);
	assert_string_equal(pdu.source.digits, "");
	assert_string_equal(pdu.destination.digits, "12345");
	assert_true(pdu.has_ms_availability);
	assert_int_equal(pdu.ms_availability, 2);
}

static void optional_parameters_that_say_nothing_are_skipped(void **state)
{
	static const struct {
		const char *name, *tlvs;
	} cases[] = {
		{ "an unknown one", "1400 0003 010203 0204 0002 0007" },
		{ "an unknown one without value", "1400 0000 0204 0002 0007" },
		{ "one that belongs elsewhere", "0210 0001 34 0204 0002 0007" },
		{ "a message state of two octets", "0427 0002 0002 0204 0002 0007" },
		{ "a message state without value", "0427 0000 0204 0002 0007" },
		{ "a reference of one octet", "0204 0002 0007 0204 0001 09" },
		{ "a message id of 65", "001e 0041" X64 "'x' 0204 0002 0007" },
		{ "an empty message id", "001e 0001 00 0204 0002 0007" },
		{ "a message id without value", "0204 0002 0007 001e 0000" },
	};
	struct smpp_pdu expected;
	size_t i;

	(void)state;
	assert_int_equal(decode_rest(RECEIPT "0204 0002 0007", &expected), 0);
	assert_true(expected.has_user_message_reference);
	assert_int_equal(expected.user_message_reference, 7);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char rest[512];
		struct smpp_pdu pdu;

		snprintf(rest, sizeof(rest), RECEIPT "%s", cases[i].tlvs);
		if (decode_rest(rest, &pdu) < 0 || memcmp(&pdu, &expected, sizeof(pdu)))
			fail_msg("%s is not skipped", cases[i].name);
	}
}

static void a_message_id_needs_no_end_where_its_length_is_given(void **state)
{
	struct smpp_pdu pdu;

	(void)state;
	assert_int_equal(decode_rest(RECEIPT "001e 0002 '1f'", &pdu), 0);
	assert_string_equal(pdu.receipted_message_id, "1f");
	assert_int_equal(decode_rest(RECEIPT "001e 0040" X64, &pdu), 0);
	assert_int_equal(strlen(pdu.receipted_message_id), 64);
	assert_int_equal(decode_rest(RECEIPT "001e 0041" X64 "00", &pdu), 0);
	assert_int_equal(strlen(pdu.receipted_message_id), 64);
}

static void a_payload_stands_in_for_an_empty_text_only(void **state)
{
	struct smpp_pdu pdu;

	(void)state;
	assert_int_equal(decode_rest(RECEIPT "0424 0005 'hello'", &pdu), 0);
	assert_int_equal(pdu.sm_length, 5);
	assert_memory_equal(pdu.short_message, "hello", 5);
	assert_int_equal(decode_rest(RECEIPT_HEAD "02 'me' 0424 0005 'hello'", &pdu), 0);
	assert_int_equal(pdu.sm_length, 2);
	assert_memory_equal(pdu.short_message, "me", 2);
	assert_int_equal(decode_rest(RECEIPT "0424 00fe" X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "'xxxxxx'",
				     &pdu), 0);
	assert_int_equal(pdu.sm_length, 254);
	assert_int_equal(decode_rest(RECEIPT "0424 00ff" X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "'xxxxxxx'",
				     &pdu), 0);
	assert_int_equal(pdu.sm_length, 0);
}

static void unknown_commands_leave_the_header_only(void **state)
{
	static const char *const cases[] = {
		"00000103 00000000 00000005 00", "00000111 00000000 00000005 ffffff",
		"80000103 00000008 00000005", "00000015 00000000 00000005 00",
		"80000102 00000000 00000005 04",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct smpp_pdu pdu, header = { 0 };

		assert_int_equal(decode_rest(cases[i], &pdu), 0);
		assert_int_equal(pdu.sequence, 5);
		header.command = pdu.command;
		header.status = pdu.status;
		header.sequence = 5;
		assert_memory_equal(&pdu, &header, sizeof(pdu));
	}
}

static void no_end(char *s, size_t size) { memset(s, 'x', size); }
static void no_sequence(struct smpp_pdu *p) { p->sequence = 0; }
static void large_sequence(struct smpp_pdu *p) { p->sequence = 0x80000000; }
static void status(struct smpp_pdu *p) { p->status = SMPP_RSYSERR; }
static void data_sm(struct smpp_pdu *p) { p->command = SMPP_DATA_SM; }
static void command_0(struct smpp_pdu *p) { p->command = 0; }
static void command_3(struct smpp_pdu *p) { p->command = 3; }
static void response_3(struct smpp_pdu *p) { p->command = 0x80000003; }
static void service(struct smpp_pdu *p) { no_end(p->service_type, sizeof(p->service_type)); }
static void from(struct smpp_pdu *p) { no_end(p->source.digits, sizeof(p->source.digits)); }
static void to(struct smpp_pdu *p) { no_end(p->destination.digits, SMPP_ADDRESS_SIZE); }
static void schedule(struct smpp_pdu *p) { no_end(p->schedule_time, SMPP_TIME_SIZE); }
static void short_time(struct smpp_pdu *p) { memcpy(p->validity_period, "000000003000000", 16); }
static void long_text(struct smpp_pdu *p) { p->sm_length = 255; }
static void system_id(struct smpp_pdu *p)
{
	p->command = SMPP_BIND_TRANSCEIVER;
	no_end(p->system_id, sizeof(p->system_id));
}

static void password(struct smpp_pdu *p)
{
	p->command = SMPP_BIND_TRANSCEIVER;
	no_end(p->password, sizeof(p->password));
}

static void message_id(struct smpp_pdu *p)
{
	p->command = SMPP_SUBMIT_SM | SMPP_RESPONSE;
	no_end(p->message_id, sizeof(p->message_id));
}

static void receipted_id(struct smpp_pdu *p)
{
	p->command = SMPP_DELIVER_SM;
	no_end(p->receipted_message_id, sizeof(p->receipted_message_id));
}

static void what_cannot_be_said_is_not_encoded(void **state)
{
	static void (*const spoil[])(struct smpp_pdu *p) = {
		no_sequence, large_sequence, status, data_sm, command_0, command_3, response_3,
		service, from, to, schedule, short_time, long_text, system_id, password, message_id,
		receipted_id,
	};
	const struct smpp_pdu good = {
		.command = SMPP_SUBMIT_SM, .sequence = 1, .source = WARNING, .destination = IMSI,
		.sm_length = 5, .short_message = HELLO,
	};
	uint8_t out[1024];
	size_t i;

	(void)state;
	assert_true(smpp_encode(&good, out, sizeof(out)) > 0);
	for (i = 0; i < ARRAY_LEN(spoil); i++) {
		struct smpp_pdu pdu = good;

		spoil[i](&pdu);
		if (smpp_encode(&pdu, out, sizeof(out)) != -EINVAL)
			fail_msg("case %zu is encoded", i);
	}
}

/* 5.1.4: the answer has the number of what it answers, even of a wrong one. */
static void answers_repeat_any_number(void **state)
{
	const uint32_t numbers[] = { 0, 1, 0x80000000, 0xffffffff };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		struct smpp_pdu back, pdu = {
			.command = SMPP_ENQUIRE_LINK | SMPP_RESPONSE, .sequence = numbers[i],
		};
		uint8_t out[16];

		assert_int_equal(smpp_encode(&pdu, out, sizeof(out)), 16);
		assert_int_equal(smpp_decode(out, 16, &back), 0);
		assert_int_equal(back.sequence, numbers[i]);
	}
}

static void times_have_sixteen_characters(void **state)
{
	static const struct {
		int64_t utc;
		const char *text;
	} absolute[] = {
		{ 0, "700101000000000+" }, { 951782399, "000228235959000+" },
		{ 951782400, "000229000000000+" }, { 1795488162, "261124024242000+" },
		{ 4102444799, "991231235959000+" }, { INT64_MAX, "991231235959000+" },
		{ -1, "700101000000000+" },
	}, relative[] = {
		{ 1800, "000000003000000R" }, { 1, "000000000001000R" }, { 59, "000000000059000R" },
		{ 86399, "000000235959000R" }, { 86400, "000001000000000R" },
		{ 63 * 86400, "000063000000000R" }, { 63 * 86400 + 1, "000063000000000R" },
		{ INT64_MAX, "000063000000000R" },
		/* Nothing at all could be read as the centre's own default. */
		{ 0, "000000000001000R" }, { INT64_MIN, "000000000001000R" },
	};
	char out[SMPP_TIME_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(absolute); i++) {
		smpp_time_absolute(absolute[i].utc, out);
		assert_string_equal(out, absolute[i].text);
	}
	for (i = 0; i < ARRAY_LEN(relative); i++) {
		smpp_time_relative(relative[i].utc, out);
		assert_string_equal(out, relative[i].text);
	}
}

static void commands_and_statuses_have_names(void **state)
{
	(void)state;
	assert_string_equal(smpp_command_name(SMPP_SUBMIT_SM), "submit_sm");
	assert_string_equal(smpp_command_name(SMPP_SUBMIT_SM | SMPP_RESPONSE), "submit_sm_resp");
	assert_string_equal(smpp_command_name(SMPP_GENERIC_NACK), "generic_nack");
	assert_string_equal(smpp_command_name(0x80000102), "unknown");
	assert_string_equal(smpp_command_name(0), "unknown");
	assert_string_equal(smpp_status_name(SMPP_ROK), "ROK");
	assert_string_equal(smpp_status_name(0x58), "RTHROTTLED");
	assert_string_equal(smpp_status_name(0xfe), "RDELIVERYFAILURE");
	assert_string_equal(smpp_status_name(0x400), "unknown");
}

#define OSMOMSC_RECEIPT "id:00000001 sub:000 dlvrd:000 submit date:YYMMDDhhmm " \
	"done date:YYMMDDhhmm stat:DELIVRD err:000 text:"
#define USUAL_RECEIPT "id:7220bb6bd0be98fa628de66590f80070 sub:001 dlvrd:001 " \
	"submit date:2611240230 done date:2611240231 stat:UNDELIV err:001 Text:hello"

static struct smpp_pdu receipt_of(const char *text)
{
	struct smpp_pdu pdu = { .command = SMPP_DELIVER_SM, .esm_class = SMPP_ESM_RECEIPT };

	pdu.sm_length = strlen(text);
	memcpy(pdu.short_message, text, pdu.sm_length);
	return pdu;
}

static void receipts_are_read_from_their_text(void **state)
{
	static const struct {
		const char *text, *id;
		enum smpp_message_state state;
	} cases[] = {
		{ OSMOMSC_RECEIPT, "00000001", SMPP_STATE_DELIVERED },
		{ USUAL_RECEIPT, "7220bb6bd0be98fa628de66590f80070", SMPP_STATE_UNDELIVERABLE },
		{ "id:1 stat:ENROUTE", "1", SMPP_STATE_ENROUTE },
		{ "id:1 stat:EXPIRED", "1", SMPP_STATE_EXPIRED },
		{ "id:1 stat:DELETED", "1", SMPP_STATE_DELETED },
		{ "id:1 stat:ACCEPTD", "1", SMPP_STATE_ACCEPTED },
		{ "id:1 stat:UNKNOWN", "1", SMPP_STATE_UNKNOWN },
		{ "id:1 stat:REJECTD", "1", SMPP_STATE_REJECTED },
		{ "ID:1 STAT:delivrd ERR:0", "1", SMPP_STATE_DELIVERED },
		{ "id:1\nstat:DELIVERED\r\n", "1", SMPP_STATE_DELIVERED },
		{ "stat:REJECTED id:9", "9", SMPP_STATE_REJECTED },
		{ "stat:UNDELIVERABLE", "", SMPP_STATE_UNDELIVERABLE },
		{ "id: stat:ACCEPTED", "", SMPP_STATE_ACCEPTED },
		{ "stat:DELIVRD text:id:5", "", SMPP_STATE_DELIVERED },
		{ "idx:5 stat:DELIVRD", "", SMPP_STATE_DELIVERED },
		{ "id:0123456789012345678901234567890123456789012345678901234567890123 "
		  "stat:DELIVRD",
		  "0123456789012345678901234567890123456789012345678901234567890123",
		  SMPP_STATE_DELIVERED },
		{ "id:01234567890123456789012345678901234567890123456789012345678901234 "
		  "stat:DELIVRD", "", SMPP_STATE_DELIVERED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct smpp_pdu pdu = receipt_of(cases[i].text);
		struct smpp_receipt receipt;

		if (!smpp_receipt_parse(&pdu, &receipt))
			fail_msg("\"%s\" is no receipt", cases[i].text);
		if (receipt.state != cases[i].state || strcmp(receipt.id, cases[i].id))
			fail_msg("\"%s\" is state %u of %s", cases[i].text, receipt.state,
				 receipt.id);
		assert_false(receipt.has_reference);
	}
}

static void what_does_not_tell_a_state_is_no_receipt(void **state)
{
	static const char *const cases[] = {
		"", "id:1", "id:1 stat:", "id:1 stat:DELIVR", "id:1 stat:DELIVRDX",
		"id:1 stat:DELAYED",
		"id:1 stat :DELIVRD", "id:1 stat: DELIVRD", "id:1 xstat:DELIVRD", "id:1 DELIVRD",
		/* Only what the centre says counts, and its first word. */
		"id:1 text:stat:DELIVRD", "id:1 text: stat:DELIVRD", "id:1 Text:all stat:DELIVRD",
		"id:1 stat:LATER stat:DELIVRD",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct smpp_pdu pdu = receipt_of(cases[i]);
		struct smpp_receipt receipt;

		if (smpp_receipt_parse(&pdu, &receipt))
			fail_msg("\"%s\" is a receipt", cases[i]);
	}
}

static void optional_parameters_win_over_the_text(void **state)
{
	struct smpp_pdu pdu = receipt_of(OSMOMSC_RECEIPT);
	struct smpp_receipt receipt;

	(void)state;
	pdu.message_state = SMPP_STATE_EXPIRED;
	strcpy(pdu.receipted_message_id, "2a");
	pdu.has_user_message_reference = true;
	pdu.user_message_reference = 1003;
	assert_true(smpp_receipt_parse(&pdu, &receipt));
	assert_int_equal(receipt.state, SMPP_STATE_EXPIRED);
	assert_string_equal(receipt.id, "2a");
	assert_true(receipt.has_reference);
	assert_int_equal(receipt.reference, 235);

	/* One of a later version, and the text does not make a delivery of it. */
	pdu.message_state = 9;
	assert_false(smpp_receipt_parse(&pdu, &receipt));
}

static void optional_parameters_need_no_text(void **state)
{
	struct smpp_pdu pdu = receipt_of("");
	struct smpp_receipt receipt;

	(void)state;
	pdu.message_state = SMPP_STATE_DELIVERED;
	assert_true(smpp_receipt_parse(&pdu, &receipt));
	assert_int_equal(receipt.state, SMPP_STATE_DELIVERED);
	assert_string_equal(receipt.id, "");
	assert_false(receipt.has_reference);
}

/* Anybody can write a text like a receipt. */
static void what_a_subscriber_wrote_is_no_receipt(void **state)
{
	static const uint8_t classes[] = {
		0, SMPP_ESM_STORE, SMPP_ESM_UDHI, 0x08, 0x0c, 0x10, 0x18, 0x20, 0x24,
	};
	struct smpp_pdu pdu = receipt_of(OSMOMSC_RECEIPT);
	struct smpp_receipt receipt;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(classes); i++) {
		pdu.esm_class = classes[i];
		assert_false(smpp_receipt_parse(&pdu, &receipt));
	}
	pdu.esm_class = SMPP_ESM_RECEIPT | SMPP_ESM_STORE;
	assert_true(smpp_receipt_parse(&pdu, &receipt));
	pdu.command = SMPP_SUBMIT_SM;
	assert_false(smpp_receipt_parse(&pdu, &receipt));
}

static void message_ids_match_as_far_as_they_tell(void **state)
{
	static const struct {
		const char *submitted, *receipted;
		int match;
	} cases[] = {
		{ "1f", "1f", 2 }, { "1f", "1F", 2 }, { "0000001F", "1f", 2 },
		{ "1f", "00001f", 2 }, { "0", "000", 2 }, { "42", "42", 2 },
		{ "abc-12", "ABC-12", 2 },
		{ "1f", "31", 1 }, { "0000001F", "31", 1 }, { "31", "1F", 1 }, { "10", "16", 1 },
		{ "16", "10", 1 }, { "10", "0000000016", 1 }, { "ffffffffffffffff",
		  "18446744073709551615", 1 },
		{ "1f", "32", 0 }, { "1f", "1e", 0 }, { "12", "21", 0 }, { "", "", 0 },
		{ "1", "", 0 }, { "", "1", 0 }, { "0", "1", 0 },
		{ "msg_id_not_implemented", "00000001", 0 },
		{ "abc-12", "abc-13", 0 }, { "1f ", "31", 0 }, { "-1", "1", 0 },
		{ "0x1f", "31", 0 },
		/* Too large for a number is no number, and not the largest. */
		{ "ffffffffffffffff", "18446744073709551616", 0 },
		{ "1ffffffffffffffff", "18446744073709551615", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		if (smpp_message_id_match(cases[i].submitted, cases[i].receipted) != cases[i].match)
			fail_msg("\"%s\" and \"%s\"", cases[i].submitted, cases[i].receipted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_pdus_are_decoded),
		cmocka_unit_test(golden_pdus_are_encoded),
		cmocka_unit_test(pdus_cut_anywhere_are_never_read_beyond),
		cmocka_unit_test(lengths_frame_the_stream),
		cmocka_unit_test(bodies_out_of_bounds_are_refused),
		cmocka_unit_test(values_at_their_bounds_are_taken),
		cmocka_unit_test(an_alert_of_an_address_too_long_names_nobody),
		cmocka_unit_test(optional_parameters_that_say_nothing_are_skipped),
		cmocka_unit_test(a_message_id_needs_no_end_where_its_length_is_given),
		cmocka_unit_test(a_payload_stands_in_for_an_empty_text_only),
		cmocka_unit_test(unknown_commands_leave_the_header_only),
		cmocka_unit_test(what_cannot_be_said_is_not_encoded),
		cmocka_unit_test(answers_repeat_any_number),
		cmocka_unit_test(times_have_sixteen_characters),
		cmocka_unit_test(commands_and_statuses_have_names),
		cmocka_unit_test(receipts_are_read_from_their_text),
		cmocka_unit_test(what_does_not_tell_a_state_is_no_receipt),
		cmocka_unit_test(optional_parameters_win_over_the_text),
		cmocka_unit_test(optional_parameters_need_no_text),
		cmocka_unit_test(what_a_subscriber_wrote_is_no_receipt),
		cmocka_unit_test(message_ids_match_as_far_as_they_tell),
	};

	return cmocka_run_group_tests_name("smpp", tests, NULL, NULL);
}
