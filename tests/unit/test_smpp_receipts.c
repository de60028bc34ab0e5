/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Receipts and what else a message centre tells unasked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/utils.h>

#include "fake_smsc.h"

/* Receipts */

static const struct {
	const char *name;
	const char *submitted;
	uint8_t npi;
	const char *source, *text, *tlvs;
	enum peer_answer wanted;
	uint8_t cause;
	unsigned int handles;
} receipt_cases[] = {
	{ "as appendix B has it", "0123456789", 1, NUMBER_1,
	  "id:0123456789 sub:001 dlvrd:001 submit date:2611240900 done date:2611240901 "
	  "stat:DELIVRD err:000 text:Storm", "", DELIVERED, 0, 1 },
	{ "of capital letters", "AbCdEf-17", 1, "", "id:aBCDef-17 stat:DELIVRD", "", DELIVERED, 0,
	  1 },
	{ "with leading zeros in the receipt", "4711", 1, "", "id:0000004711 stat:DELIVRD", "",
	  DELIVERED, 0, 1 },
	{ "with leading zeros in the answer", "0000004711", 1, "", "id:4711 stat:DELIVRD", "",
	  DELIVERED, 0, 1 },
	{ "by optional parameters alone", "abc", 1, "", "", "001e000461626300" "0427000102",
	  DELIVERED, 0, 1 },
	{ "by optional parameters against the text", "abc", 1, "", "id:xyz stat:DELIVRD",
	  "001e000461626300" "0427000105", GIVEN_UP, 0x85, 1 },
	{ "expired", "7", 1, "", "id:7 stat:EXPIRED", "", GIVEN_UP, 0x83, 1 },
	{ "deleted", "7", 1, "", "id:7 stat:DELETED", "", GIVEN_UP, 0x84, 1 },
	{ "undeliverable", "7", 1, "", "id:7 stat:UNDELIV", "", GIVEN_UP, 0x85, 1 },
	{ "rejected", "7", 1, "", "id:7 stat:REJECTD", "", GIVEN_UP, 0x88, 1 },
	{ "under way", "7", 1, "", "id:7 stat:ENROUTE", "", NONE, 0, 1 },
	{ "accepted", "7", 1, "", "id:7 stat:ACCEPTD", "", NONE, 0, 1 },
	{ "of an unknown state", "7", 1, "", "id:7 stat:UNKNOWN", "", NONE, 0, 1 },
	{ "of a state that nobody knows", "7", 1, "", "id:7 stat:EATEN", "", NONE, 0, 1 },
	{ "of another message", "7", 1, NUMBER_1, "id:8 stat:DELIVRD", "", NONE, 0, 1 },
	{ "decimal after hexadecimal, from the number", "1f", 1, NUMBER_1, "id:31 stat:DELIVRD", "",
	  DELIVERED, 0, 1 },
	{ "decimal after hexadecimal, from a number with plus", "1f", 1, "+" NUMBER_1,
	  "id:31 stat:DELIVRD", "", DELIVERED, 0, 1 },
	{ "hexadecimal after decimal, from the IMSI", "31", 6, IMSI_1,
	  "id:0000001F stat:DELIVRD", "", DELIVERED, 0, 1 },
	{ "decimal after hexadecimal, of 64 bits", "ffffffffffff", 1, NUMBER_1,
	  "id:281474976710655 stat:UNDELIV", "", GIVEN_UP, 0x85, 1 },
	{ "in the other base from elsewhere", "1f", 1, "88123002", "id:31 stat:DELIVRD", "", NONE,
	  0, 1 },
	{ "in the other base from nowhere", "1f", 1, "", "id:31 stat:DELIVRD", "", NONE, 0, 1 },
	{ "of the same id, from a national number", "7", 1, "023001", "id:7 stat:DELIVRD", "",
	  DELIVERED, 0, 1 },
	{ "of the same id, from a number with a prefix", "7", 1, "0088123001",
	  "id:7 stat:DELIVRD", "",
	  DELIVERED, 0, 1 },
	{ "of the same id, from a number behind another", "7", 1, "9088123001",
	  "id:7 stat:DELIVRD", "", DELIVERED, 0, 1 },
	{ "of the same id, from a name", "7", 1, "Ann", "id:7 stat:DELIVRD", "", DELIVERED, 0, 1 },
	{ "of the same id, from another number", "7", 1, "88123002", "id:7 stat:DELIVRD", "",
	  NONE, 0, 1 },
	{ "of the same id, from another IMSI", "7", 6, "001010000000002", "id:7 stat:DELIVRD", "",
	  NONE, 0, 1 },
	{ "after an answer without id", "", 1, NUMBER_1, "id:7 stat:DELIVRD", "", NONE, 0, 0 },
	{ "after an answer of OsmoMSC", "msg_id_not_implemented", 1, NUMBER_1,
	  "id:msg_id_not_implemented stat:DELIVRD", "", NONE, 0, 0 },
	{ "after an answer of nothing but zeros", "0000", 1, NUMBER_1, "id:0000 stat:DELIVRD", "",
	  NONE, 0, 0 },
	{ "after an answer that cannot be shown", "\001\002", 1, NUMBER_1,
	  "id:\001\002 stat:DELIVRD", "", NONE, 0, 0 },
};

static void a_receipt_finds_its_submit(void **state)
{
	struct smsc *s = *state;
	size_t i;

	s->config->mode = SMPP_MODE_STORE;
	for (i = 0; i < ARRAY_SIZE(receipt_cases); i++) {
		bool settled = receipt_cases[i].wanted != NONE;

		come_up(s);
		s->peer->n_receipts = s->peer->n_awaited = s->peer->n_answers = 0;
		answer(s, submitted(s, 1), SMPP_ROK, receipt_cases[i].submitted);
		answered(s, 1, DONE);
		assert_int_equal(last_answer(s)->n_handles, receipt_cases[i].handles);
		deliver_on(s, s->fd, receipt_cases[i].npi, receipt_cases[i].source,
			SMPP_ESM_RECEIPT,
			   receipt_cases[i].text, receipt_cases[i].tlvs);
		if (s->peer->n_receipts != settled ||
		    (settled && (s->peer->receipts[0].answer != receipt_cases[i].wanted ||
				 s->peer->receipts[0].cause != receipt_cases[i].cause)))
			fail_msg("%s: %u receipts, answer %d cause 0x%x", receipt_cases[i].name,
				 s->peer->n_receipts, s->peer->receipts[0].answer,
				 s->peer->receipts[0].cause);
		link_smpp_ops.close(s->peer);
		close(s->fd);
	}
}

static void handles_have_one_form(void **state)
{
	struct smsc *s = *state;

	set_parts(&s->sms, 3);
	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "000AB");
	answer(s, expect_submit(s, 1), SMPP_ROK, "msg_id_not_implemented");
	answer(s, expect_submit(s, 1), SMPP_ROK, "Cd-7");
	answered(s, 1, DONE);
	assert_int_equal(last_answer(s)->n_handles, 2);
	assert_string_equal(last_answer(s)->handles[0], "ab");
	assert_string_equal(last_answer(s)->handles[1], "cd-7");
}

static void each_receipt_counts_once(void **state)
{
	struct smsc *s = *state;

	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "77");
	receipt(s, NUMBER_1, "id:77 stat:DELIVRD");
	receipt(s, NUMBER_1, "id:77 stat:DELIVRD");
	receipt(s, NUMBER_1, "id:077 stat:UNDELIV");
	assert_int_equal(s->peer->n_receipts, 1);
	assert_int_equal(s->peer->unmatched, 2);
}

static void a_receipt_may_come_before_the_answer(void **state)
{
	struct smsc *s = *state;
	uint32_t a, b;

	set_parts(&s->sms, 2);
	come_up_to_store(s);
	a = submitted(s, 1);
	receipt(s, NUMBER_1, "id:11 stat:DELIVRD");
	answer(s, a, SMPP_ROK, "11");
	b = expect_submit(s, 1);
	receipt(s, NUMBER_1, "id:012 stat:UNDELIV");
	assert_int_equal(s->peer->n_receipts, 0);
	answer(s, b, SMPP_ROK, "12");
	assert_int_equal(s->peer->n_receipts, 2);
	assert_string_equal(s->peer->receipts[0].handle, "11");
	assert_int_equal(s->peer->receipts[0].answer, DELIVERED);
	assert_string_equal(s->peer->receipts[1].handle, "12");
	assert_int_equal(s->peer->receipts[1].answer, GIVEN_UP);
	assert_int_equal(s->peer->unmatched, 0);
}

static void receipts_that_come_too_early_are_bounded(void **state)
{
	struct smsc *s = *state;
	uint32_t a, b;
	char text[64];
	unsigned int i;

	s->config->window = 2;
	come_up_to_store(s);
	a = submitted(s, 1);
	b = submitted(s, 2);
	receipt(s, NUMBER_1, "id:1000 stat:DELIVRD");
	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "id:%u stat:DELIVRD", 2000 + i);
		receipt(s, "88123002", text);
	}
	assert_int_equal(s->peer->unmatched, 1);
	answer(s, a, SMPP_ROK, "1000");		/* pushed out */
	assert_int_equal(s->peer->n_receipts, 0);
	answer(s, b, SMPP_ROK, "2007");
	assert_int_equal(s->peer->n_receipts, 1);
	/* Nothing is out that could explain the others. */
	assert_int_equal(s->peer->unmatched, 8);
}

/* The answer that would explain it has not come: it must not go to who has the same in the other
 * base. */
static void an_early_receipt_is_nobody_elses(void **state)
{
	struct smsc *s = *state;
	uint32_t a;

	come_up_to_store(s);
	a = submitted(s, 1);
	answer(s, submitted(s, 2), SMPP_ROK, "31");
	receipt(s, NUMBER_1, "id:31 stat:DELIVRD");
	assert_int_equal(s->peer->n_receipts, 0);
	answer(s, a, SMPP_ROK, "1F");
	assert_int_equal(s->peer->n_receipts, 1);
	assert_string_equal(s->peer->receipts[0].handle, "1f");
}

static void an_id_in_two_bases_needs_its_address(void **state)
{
	struct smsc *s = *state;

	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "10");
	answer(s, submitted(s, 2), SMPP_ROK, "16");
	/* 16 is 0x10, and the number says that this one is meant. */
	receipt(s, NUMBER_1, "id:16 stat:DELIVRD");
	assert_string_equal(s->peer->receipts[0].handle, "10");
	/* The same once more is not the other's. */
	receipt(s, NUMBER_1, "id:16 stat:DELIVRD");
	receipt(s, "", "id:16 stat:DELIVRD");
	assert_int_equal(s->peer->n_receipts, 1);
	receipt(s, "88123002", "id:22 stat:DELIVRD");
	assert_int_equal(s->peer->n_receipts, 2);
	assert_string_equal(s->peer->receipts[1].handle, "16");
}

static void an_id_given_twice_needs_its_address(void **state)
{
	struct smsc *s = *state;

	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "ok");
	answer(s, submitted(s, 2), SMPP_ROK, "ok");
	answered(s, 2, DONE);
	receipt(s, NUMBER_1, "id:ok stat:DELIVRD");
	receipt(s, "", "id:ok stat:DELIVRD");
	receipt(s, "23002", "id:ok stat:DELIVRD");
	assert_int_equal(s->peer->n_receipts, 0);
	receipt(s, "88123002", "id:ok stat:DELIVRD");
	assert_int_equal(s->peer->n_receipts, 1);
	assert_int_equal(s->peer->receipts[0].target.value, 1010000000002);
}

static void parts_of_one_id_have_one_handle(void **state)
{
	struct smsc *s = *state;

	set_parts(&s->sms, 2);
	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "9");
	answer(s, expect_submit(s, 1), SMPP_ROK, "09");
	answered(s, 1, DONE);
	assert_int_equal(last_answer(s)->n_handles, 1);
}

/* As OsmoMSC sends them: an id that nobody knows, the IMSI, and the reference. */
static void a_receipt_without_a_known_id_is_a_hint(void **state)
{
	static const char text[] = "id:00000001 sub:000 dlvrd:000 submit date:YYMMDDhhmm "
				   "done date:YYMMDDhhmm stat:DELIVRD err:000 text:";
	struct smsc *s = *state;
	uint32_t b;

	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "msg_id_not_implemented");
	b = submitted(s, 2);
	/* Even while an answer is awaited: this centre gives no ids. */
	deliver_on(s, s->fd, SMPP_NPI_IMSI, IMSI_1, SMPP_ESM_RECEIPT, text, "0204000200c8");
	assert_int_equal(s->peer->n_hints, 1);
	assert_int_equal(s->peer->hinted.value, 1010000000001);
	assert_int_equal(s->peer->hinted.mnc_digits, 15);
	assert_int_equal(s->peer->hinted_reference, 200);
	deliver_on(s, s->fd, SMPP_NPI_IMSI, IMSI_1, SMPP_ESM_RECEIPT, text, "");
	deliver_on(s, s->fd, SMPP_NPI_E164, NUMBER_1, SMPP_ESM_RECEIPT, text, "0204000200c8");
	deliver_on(s, s->fd, SMPP_NPI_IMSI, "nobody", SMPP_ESM_RECEIPT, text, "0204000200c8");
	deliver_on(s, s->fd, SMPP_NPI_IMSI, IMSI_1, SMPP_ESM_RECEIPT, "stat:UNDELIV",
		"0204000200c8");
	assert_int_equal(s->peer->n_hints, 1);
	assert_int_equal(s->peer->unmatched, 4);
	assert_int_equal(s->peer->n_receipts, 0);
	answer(s, b, SMPP_ROK, "msg_id_not_implemented");
}

static void what_a_subscriber_writes_is_no_receipt(void **state)
{
	struct smsc *s = *state;

	come_up_to_store(s);
	answer(s, submitted(s, 1), SMPP_ROK, "77");
	deliver_on(s, s->fd, SMPP_NPI_E164, NUMBER_1, 0, "id:77 stat:DELIVRD", "");
	deliver_on(s, s->fd, SMPP_NPI_E164, NUMBER_1, 0x10, "id:77 stat:DELIVRD", "");
	assert_int_equal(s->peer->n_receipts, 0);
	assert_int_equal(s->peer->unmatched, 2);
}

static void receipts_come_by_the_receiver(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence;

	s->config->mode = SMPP_MODE_STORE;
	open_both(s);
	bind_both(s);
	sequence = submitted(s, 1);
	/* There an answer to a submit is none. */
	say_on(s, s->fd_rx, SMPP_SUBMIT_SM | RESP, 0, sequence, "5", 2);
	assert_int_equal(s->peer->n_answers, 0);
	answer(s, sequence, SMPP_ROK, "5");
	deliver_on(s, s->fd_rx, SMPP_NPI_E164, NUMBER_1, SMPP_ESM_RECEIPT, "id:5 stat:DELIVRD", "");
	assert_int_equal(s->peer->n_receipts, 1);
}

static void who_is_there_again_is_told(void **state)
{
	static const struct { uint8_t npi; const char *source,
		*tlvs; unsigned int wanted; } cases[] = {
		{ 6, IMSI_1, "0422000100", 1 }, { 6, IMSI_1, "", 1 }, { 6, IMSI_1, "0422000101",
		  0 },
		{ 6, IMSI_1, "0422000102", 0 }, { 1, NUMBER_1, "0422000100", 0 },
		{ 6, "", "0422000100", 0 }, { 6, "12345", "0422000100", 0 },
		{ 6, "0010100000000012", "0422000100", 0 }, { 6, "00101x", "0422000100", 0 },
	};
	struct smsc *s = *state;
	size_t i;

	come_up(s);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t body[200] = { 4, cases[i].npi };
		size_t n = 2 + put_string(body + 2, cases[i].source);

		body[n++] = 0;
		body[n++] = 0;
		n += put_string(body + n, "cbgw");
		n += osmo_hexparse(cases[i].tlvs, body + n, 32);
		s->peer->n_available = 0;
		say_on(s, s->fd, SMPP_ALERT_NOTIFICATION, 0, 5, body, n);
		assert_int_equal(s->peer->n_available, cases[i].wanted);
	}
	assert_int_equal(s->peer->available.value, 1010000000001);
	nothing_is_sent(s);
}

static void receipts_nobody_can_explain_any_more_are_given_up(void **state)
{
	struct smsc *s = *state;

	come_up_to_store(s);
	submitted(s, 1);
	deliver_on(s, s->fd, SMPP_NPI_IMSI, IMSI_1, SMPP_ESM_RECEIPT, "id:7 stat:DELIVRD",
		"0204000200c8");
	receipt(s, NUMBER_1, "id:8 stat:DELIVRD");
	assert_int_equal(s->peer->n_hints, 0);
	assert_int_equal(s->peer->unmatched, 0);
	close(s->fd);
	s->fd = -1;
	TURN_UNTIL(s->peer->state == PEER_DOWN);
	assert_int_equal(s->peer->n_hints, 1);
	assert_int_equal(s->peer->unmatched, 1);
}

static void without_a_number_the_id_is_enough(void **state)
{
	struct smsc *s = *state;

	come_up_to_store(s);
	make_request(s, 1)->details = NULL;
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[1]), 0);
	fake_request(s->peer, &s->requests[1]);
	answer(s, expect_submit(s, 1), SMPP_ROK, "7");
	deliver_on(s, s->fd, SMPP_NPI_IMSI, "001010000000002", SMPP_ESM_RECEIPT,
		"id:7 stat:DELIVRD", "");
	assert_int_equal(s->peer->n_receipts, 0);
	receipt(s, NUMBER_1, "id:7 stat:DELIVRD");
	assert_int_equal(s->peer->n_receipts, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_receipt_finds_its_submit),
		TEST(handles_have_one_form),
		TEST(each_receipt_counts_once),
		TEST(a_receipt_may_come_before_the_answer),
		TEST(receipts_that_come_too_early_are_bounded),
		TEST(an_early_receipt_is_nobody_elses),
		TEST(an_id_in_two_bases_needs_its_address),
		TEST(an_id_given_twice_needs_its_address),
		TEST(parts_of_one_id_have_one_handle),
		TEST(a_receipt_without_a_known_id_is_a_hint),
		TEST(what_a_subscriber_writes_is_no_receipt),
		TEST(receipts_come_by_the_receiver),
		TEST(who_is_there_again_is_told),
		TEST(receipts_nobody_can_explain_any_more_are_given_up),
		TEST(without_a_number_the_id_is_enough),
	};

	return cmocka_run_group_tests_name("smpp_receipts", tests, NULL, NULL);
}
