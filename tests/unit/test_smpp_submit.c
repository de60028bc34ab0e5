/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Submits: what leaves and when, and what its answer means. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <osmocom/core/timer.h>
#include <osmocom/core/timer_compat.h>
#include <osmocom/core/utils.h>

#include "fake_smsc.h"

/* Submits */

#define HEADER(len) "000000" len "000000040000000000010002"

#define ALPHANUMERIC "0500" "5761726e696e6700"
#define TO_IMSI "0106" "30303130313030303030303030303100"
#define VALID_90_MIN "3030303030303031333030303030305200"

static void a_submit_has_the_octets_of_the_specification(void **state)
{
	struct smsc *s = *state;
	const struct {
		const char *name;
		enum smpp_mode mode;
		enum smpp_destination destination;
		enum message_class class;
		struct sender_id sender;
		const char *hex;
	} cases[] = {
		{ "transaction mode", SMPP_MODE_TRANSACTION, SMPP_TO_IMSI, MESSAGE_CLASS_NATIONAL,
		  s->sms.sender,
		  HEADER("4c") "00" ALPHANUMERIC TO_IMSI "02410300" VALID_90_MIN "00000000"
		  "0553746f726d" },
		{ "store mode asks for a receipt", SMPP_MODE_STORE, SMPP_TO_IMSI,
		  MESSAGE_CLASS_SEVERE,
		  s->sms.sender,
		  HEADER("52") "00" ALPHANUMERIC TO_IMSI "03410200" VALID_90_MIN "01000000"
		  "0553746f726d"
		  "0204000200c8" },
		{ "by number, from a number", SMPP_MODE_TRANSACTION, SMPP_TO_MSISDN,
		  MESSAGE_CLASS_OTHER,
		  { SENDER_INTERNATIONAL, "4930123456" },
		  HEADER("48") "00" "01013439333031323334353600" "0101383831323330303100" "02410100"
		  VALID_90_MIN "00000000" "0553746f726d" },
		{ "from a short code", SMPP_MODE_TRANSACTION, SMPP_TO_IMSI, MESSAGE_CLASS_NATIONAL,
		  { SENDER_SHORT_CODE, "112" },
		  HEADER("48") "00" "030031313200" TO_IMSI "02410300" VALID_90_MIN "00000000"
		  "0553746f726d" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s->config->mode = cases[i].mode;
		s->config->destination = cases[i].destination;
		s->message.class = cases[i].class;
		s->sms.sender = cases[i].sender;
		come_up(s);
		print_message("%s\n", cases[i].name);
		submit(s, 1);
		expect_octets(s, cases[i].hex);
		fake_forget(s->peer, 1);
		link_smpp_ops.close(s->peer);
		close(s->fd);
	}
}

static void ucs2_goes_as_it_is(void **state)
{
	static const uint8_t storm[] = { 0x04, 0x11, 0x04, 0x43, 0x04, 0x40, 0x04, 0x4f };
	struct smsc *s = *state;

	s->sms.protocol_id = 0;
	s->sms.parts = (struct sms_text){ .alphabet = SMS_UCS2, .n = 1 };
	s->sms.parts.part[0].len = sizeof(storm);
	memcpy(s->sms.parts.part[0].octets, storm, sizeof(storm));
	come_up(s);
	submit(s, 1);
	expect_octets(s, HEADER("4f") "00" ALPHANUMERIC TO_IMSI "02000300" VALID_90_MIN "00000800"
			 "08" "041104430440044f");
}

/* 3GPP TS 23.040, 9.2.3.24.1: 05 00 03, reference, total, number. */
#define PART(sequence, nr) \
	"0000005200000004000000000001000" sequence "00" ALPHANUMERIC TO_IMSI "42000300" \
	VALID_90_MIN "00000000" "0b" "050003c8030" nr "414141410" nr

static void parts_leave_one_after_the_other(void **state)
{
	struct smsc *s = *state;

	set_parts(&s->sms, 3);
	come_up(s);
	submit(s, 1);
	expect_octets(s, PART("2", "1"));
	nothing_is_sent(s);
	answer(s, 0x10002, SMPP_ROK, "");
	assert_int_equal(s->peer->n_answers, 0);
	assert_int_equal(s->peer->last_goes_on, 1);
	expect_octets(s, PART("3", "2"));
	answer(s, 0x10002, SMPP_ROK, "");	/* of a part that was answered */
	assert_int_equal(s->peer->unmatched, 1);
	nothing_is_sent(s);
	answer(s, 0x10003, SMPP_ROK, "");
	expect_octets(s, PART("4", "3"));
	answer(s, 0x10004, SMPP_ROK, "");
	answered(s, 1, DELIVERED);
	assert_int_equal(s->peer->n_answers, 1);
	nothing_is_sent(s);
}

static void a_message_is_valid_as_long_as_it_lives(void **state)
{
	static const struct { int64_t remaining_s; const char *wanted; } cases[] = {
		{ 1, "000000000001000R" }, { 59, "000000000059000R" }, { 60, "000000000100000R" },
		{ 3661, "000000010101000R" }, { 86400, "000001000000000R" }, { 0,
		  "000000000001000R" },
		{ INT64_MAX, "000063000000000R" },
	};
	struct smsc *s = *state;
	size_t i;

	come_up(s);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer_request *r = make_request(s, i + 1);

		r->remaining_s = cases[i].remaining_s;
		assert_int_equal(link_smpp_ops.submit(s->peer, r), 0);
		expect_submit(s, i + 1);
		assert_string_equal(s->pdu.validity_period, cases[i].wanted);
	}
}

static void the_longest_parts_fit(void **state)
{
	static const struct { enum sms_alphabet alphabet; unsigned int n, len, octets; } cases[] = {
		{ SMS_GSM7, 1, 160, 160 }, { SMS_GSM7, 2, 153, 159 }, { SMS_UCS2, 1, 140, 140 },
		{ SMS_UCS2, 15, 134, 140 },
	};
	struct smsc *s = *state;
	size_t i;

	come_up(s);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int p;

		set_parts(&s->sms, cases[i].n);
		s->sms.parts.alphabet = cases[i].alphabet;
		for (p = 0; p < cases[i].n; p++)
			s->sms.parts.part[p].len = cases[i].len;
		submit(s, i + 1);
		expect_submit(s, i + 1);
		assert_int_equal(s->pdu.sm_length, cases[i].octets);
		/* What has begun is not to be answered here. */
		fake_forget(s->peer, i + 1);
	}
}

static void what_must_not_leave_is_refused(void **state)
{
	struct smsc *s = *state;
	const struct short_message good = s->sms;
	struct peer_request *r;

#define REFUSED_IF(change) do { \
	r = make_request(s, 1); \
	s->sms = good; \
	s->message.kind = MESSAGE_SHORT; \
	s->message.sms = &s->sms; \
	change; \
	assert_int_equal(link_smpp_ops.submit(s->peer, r), -EINVAL); \
} while (0)
	r = make_request(s, 1);
	assert_int_equal(link_smpp_ops.submit(s->peer, r), -ENOTCONN);
	open_link(s);
	assert_int_equal(link_smpp_ops.submit(s->peer, r), -ENOTCONN);
	bound(s);
	REFUSED_IF(s->message.kind = MESSAGE_TEXT);
	REFUSED_IF(s->message.sms = NULL);
	REFUSED_IF(s->sms.parts.n = 0);
	REFUSED_IF(s->sms.parts.n = 16);
	REFUSED_IF(s->sms.parts.part[0].len = 0);
	REFUSED_IF(s->sms.parts.part[0].len = 161);
	REFUSED_IF(s->sms.parts.n = 2);		/* and the second one is empty */
	REFUSED_IF(set_parts(&s->sms, 3); s->sms.parts.part[2].len = 154);
	REFUSED_IF(s->sms.parts.alphabet = SMS_UCS2; s->sms.parts.part[0].len = 142);
	REFUSED_IF(s->sms.parts.alphabet = SMS_UCS2; s->sms.parts.part[0].len = 5);
	REFUSED_IF(set_parts(&s->sms, 2); s->sms.parts.alphabet = SMS_UCS2;
		   s->sms.parts.part[0].len = s->sms.parts.part[1].len = 136);
	REFUSED_IF(r->n_targets = 0);
	REFUSED_IF(r->n_targets = 2);
	REFUSED_IF(s->targets[1] = ((struct target){ .type = TARGET_CGI, .mcc = 1, .mnc = 1,
						     .mnc_digits = 2, .value = 100 << 16 | 1 }));
	REFUSED_IF(s->targets[1].mnc_digits = 5);
	REFUSED_IF(s->targets[1].value = 9999999999999999);
	assert_int_equal(link_smpp_ops.withdraw(s->peer, make_request(s, 1)), -EINVAL);
	assert_int_equal(link_smpp_ops.query(s->peer, make_request(s, 1)), -EINVAL);
	nothing_is_sent(s);
}

static void nobody_is_reached_by_a_number_that_is_not_there(void **state)
{
	struct smsc *s = *state;
	struct peer_request *r;

	s->config->destination = SMPP_TO_MSISDN;
	come_up(s);
	r = make_request(s, 1);
	s->details[1].msisdn.digits = 0;
	assert_int_equal(link_smpp_ops.submit(s->peer, r), -EINVAL);
	r->details = NULL;
	assert_int_equal(link_smpp_ops.submit(s->peer, r), -EINVAL);
	nothing_is_sent(s);
}

/* Window */

static void the_window_is_never_exceeded(void **state)
{
	struct smsc *s = *state;
	uint32_t first = 0;
	unsigned int i, ready;

	s->config->window = 3;
	come_up(s);
	assert_int_equal(caps_of(s).window, 3);
	assert_int_equal(caps_of(s).room, 3);
	assert_int_equal(caps_of(s).max_targets, 1);
	assert_int_equal(caps_of(s).deadline_s, 60);
	assert_true(caps_of(s).mark_first);
	assert_false(caps_of(s).one_per_message);
	for (i = 1; i <= 3; i++) {
		uint32_t sequence = submitted(s, i);

		first = i == 1 ? sequence : first;
		assert_int_equal(caps_of(s).room, 3 - i);
	}
	ready = s->peer->ready;
	assert_int_equal(try_submit(s, 4), -EAGAIN);
	nothing_is_sent(s);
	answer(s, first, SMPP_ROK, "");
	answered(s, 1, DELIVERED);
	assert_int_equal(caps_of(s).room, 1);
	assert_true(s->peer->ready > ready);
	submitted(s, 4);
}

static void answers_come_in_any_order(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence[200];
	unsigned int i;

	s->config->window = 200;
	come_up(s);
	for (i = 0; i < 200; i++)
		sequence[i] = submitted(s, i + 1);
	for (i = 0; i < 200; i++) {
		unsigned int k = i * 77 % 200;

		answer(s, sequence[k], k % 2 ? SMPP_ROK : SMPP_RSYSERR, "");
		answered(s, k + 1, k % 2 ? DELIVERED : REFUSED);
	}
	assert_int_equal(caps_of(s).room, 200);
	assert_int_equal(s->peer->unmatched, 0);
}

static void one_recipient_gets_one_at_a_time(void **state)
{
	struct smsc *s = *state;
	uint32_t a, b;

	come_up(s);
	a = submitted(s, 1);
	make_request(s, 2);
	make_request(s, 3);
	s->targets[2] = s->targets[3] = s->targets[1];
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[2]), 0);
	fake_request(s->peer, &s->requests[2]);
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[3]), 0);
	fake_request(s->peer, &s->requests[3]);
	nothing_is_sent(s);
	assert_int_equal(caps_of(s).room, 7);
	/* Others go ahead. */
	submitted(s, 4);
	/* What waits here does not run into the deadline that is for the centre. */
	s->peer->n_goes_on = 0;
	fake_advance_ms(4000);
	assert_in_range(s->peer->n_goes_on, 2 * 3, 2 * 5);
	answer(s, a, SMPP_RDELIVERYFAILURE, "");
	answered(s, 1, NONE);
	b = expect_submit(s, 1);
	assert_int_equal(s->peer->last_goes_on, 2);
	nothing_is_sent(s);
	answer(s, b, SMPP_ROK, "");
	answered(s, 2, DELIVERED);
	answer(s, expect_submit(s, 1), SMPP_ROK, "");
	answered(s, 3, DELIVERED);
}

/* Answers */

static void every_status_has_its_meaning(void **state)
{
	static const struct {
		enum smpp_mode mode;
		uint32_t status;
		enum peer_answer wanted;
		uint8_t cause;
		const char *name;
	} cases[] = {
		{ SMPP_MODE_TRANSACTION, SMPP_ROK, DELIVERED, 0x00, "ROK" },
		{ SMPP_MODE_TRANSACTION, 0xfe, NONE, 0xfe, "RDELIVERYFAILURE" },
		{ SMPP_MODE_TRANSACTION, 0x0b, REFUSED, 0x0b, "RINVDSTADR" },
		{ SMPP_MODE_TRANSACTION, 0x08, REFUSED, 0x08, "RSYSERR" },
		{ SMPP_MODE_TRANSACTION, 0x45, REFUSED, 0x45, "RSUBMITFAIL" },
		{ SMPP_MODE_TRANSACTION, 0xff, REFUSED, 0xff, "RUNKNOWNERR" },
		{ SMPP_MODE_TRANSACTION, 0x405, REFUSED, 0xff, "RUNKNOWNERR" },
		{ SMPP_MODE_TRANSACTION, 0x83, REFUSED, 0xff, "RUNKNOWNERR" },
		{ SMPP_MODE_TRANSACTION, 0x01, IMPOSSIBLE, 0x01, "RINVMSGLEN" },
		{ SMPP_MODE_TRANSACTION, 0xc2, IMPOSSIBLE, 0xc2, "RINVPARLEN" },
		{ SMPP_MODE_TRANSACTION, 0x0a, IMPOSSIBLE, 0x0a, "RINVSRCADR" },
		{ SMPP_MODE_TRANSACTION, 0x48, IMPOSSIBLE, 0x48, "RINVSRCTON" },
		{ SMPP_MODE_TRANSACTION, 0x49, IMPOSSIBLE, 0x49, "RINVSRCNPI" },
		{ SMPP_MODE_TRANSACTION, 0x50, IMPOSSIBLE, 0x50, "RINVDSTTON" },
		{ SMPP_MODE_TRANSACTION, 0x51, IMPOSSIBLE, 0x51, "RINVDSTNPI" },
		{ SMPP_MODE_STORE, SMPP_ROK, DONE, 0x00, "ROK" },
		{ SMPP_MODE_STORE, 0x0b, IMPOSSIBLE, 0x0b, "RINVDSTADR" },
		{ SMPP_MODE_STORE, 0xfe, REFUSED, 0xfe, "RDELIVERYFAILURE" },
		{ SMPP_MODE_STORE, 0x08, REFUSED, 0x08, "RSYSERR" },
		{ SMPP_MODE_STORE, 0x62, REFUSED, 0x62, "RINVEXPIRY" },
	};
	struct smsc *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t sequence;

		s->config->mode = cases[i].mode;
		come_up(s);
		sequence = submitted(s, 1);
		answer(s, sequence, cases[i].status, cases[i].mode == SMPP_MODE_STORE ? "1" : "");
		answered(s, 1, cases[i].wanted);
		assert_int_equal(last_answer(s)->cause, cases[i].cause);
		assert_string_equal(link_smpp_ops.cause_name(last_answer(s)->cause), cases[i].name);
		assert_int_equal(s->peer->state, PEER_UP);
		link_smpp_ops.close(s->peer);
		close(s->fd);
		s->peer->n_awaited = 0;
	}
	assert_string_equal(link_smpp_ops.cause_name(0x83), "EXPIRED");
	assert_string_equal(link_smpp_ops.cause_name(0x88), "REJECTED");
	assert_string_equal(link_smpp_ops.cause_name(0x80), "unknown");
	assert_string_equal(link_smpp_ops.cause_name(0x89), "unknown");
}

/* Who stores the text gives it a name, and does not know what the phone will do. */
static void a_centre_that_stores_in_transaction_mode_has_delivered_nothing(void **state)
{
	static const char *const ids[] = { "1", "msg_id_not_implemented" };
	struct smsc *s = *state;
	unsigned int i;

	set_parts(&s->sms, 2);
	come_up(s);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		answer(s, submitted(s, i + 1), SMPP_ROK, i ? "" : ids[i]);
		answer(s, expect_submit(s, i + 1), SMPP_ROK, i ? ids[i] : "");
		answered(s, i + 1, DONE);
		assert_int_equal(last_answer(s)->n_handles, 0);
	}
}

/* The first part may be on the phone. */
static void a_later_part_refused_leaves_it_unknown(void **state)
{
	static const uint32_t cases[] = { 0xfe, 0x0b, 0x08, 0xc2 };
	struct smsc *s = *state;
	unsigned int i;

	set_parts(&s->sms, 2);
	come_up(s);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		answer(s, submitted(s, i + 1), SMPP_ROK, "");
		answer(s, expect_submit(s, i + 1), cases[i], "");
		answered(s, i + 1, NONE);
		nothing_is_sent(s);
	}
	assert_int_equal(caps_of(s).room, 10);
}

static void an_answer_without_its_body_is_one(void **state)
{
	struct smsc *s = *state;

	come_up(s);
	say(s, SMPP_SUBMIT_SM | RESP, SMPP_ROK, submitted(s, 1));
	answered(s, 1, DELIVERED);
}

static void a_wrong_answer_answers_nothing(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence;

	come_up(s);
	sequence = submitted(s, 1);
	answer(s, sequence + 1, SMPP_ROK, "");
	answer(s, 0, SMPP_ROK, "");
	/* OsmoMSC has the length of the request in it, or 16. */
	say(s, SMPP_GENERIC_NACK, SMPP_RINVCMDID, s->got_len);
	say(s, SMPP_GENERIC_NACK, SMPP_RINVCMDID, 16);
	say(s, SMPP_DELIVER_SM | RESP, SMPP_ROK, sequence);
	say(s, SMPP_DATA_SM | RESP, SMPP_ROK, sequence);
	say(s, SMPP_BIND_TRANSCEIVER | RESP, SMPP_ROK, sequence);
	say(s, 0x80000111, SMPP_ROK, sequence);
	assert_int_equal(s->peer->unmatched, 8);
	/* Its body has no end: nobody knows what it says. */
	say_on(s, s->fd, SMPP_SUBMIT_SM | RESP, 0, sequence, "abc", 3);
	assert_int_equal(s->peer->counters[PEER_CTR_RX_MALFORMED], 1);
	assert_int_equal(s->peer->n_answers, 0);
	nothing_is_sent(s);
	answer(s, sequence, SMPP_ROK, "");
	answered(s, 1, DELIVERED);
}

static void a_nack_of_our_own_number_is_a_refusal(void **state)
{
	struct smsc *s = *state;

	come_up(s);
	say(s, SMPP_GENERIC_NACK, SMPP_RINVCMDLEN, submitted(s, 1));
	answered(s, 1, REFUSED);
	assert_int_equal(last_answer(s)->cause, SMPP_RINVCMDLEN);
	say(s, SMPP_GENERIC_NACK, SMPP_ROK, submitted(s, 2));
	answered(s, 2, REFUSED);
}

static void a_late_answer_is_counted_and_dropped(void **state)
{
	struct smsc *s = *state;
	uint32_t a, b;

	s->config->window = 2;
	come_up(s);
	a = submitted(s, 1);
	b = submitted(s, 2);
	assert_int_equal(caps_of(s).room, 0);
	fake_forget(s->peer, 1);
	fake_forget(s->peer, 2);
	answer(s, a, SMPP_ROK, "");
	assert_int_equal(s->peer->unmatched, 1);
	assert_int_equal(caps_of(s).room, 1);
	/* Nor does one that never comes hold its place for long. */
	s->peer->ready = 0;
	fake_advance_ms(1100);
	assert_int_equal(caps_of(s).room, 2);
	answer(s, b, SMPP_ROK, "");
	assert_int_equal(s->peer->unmatched, 2);
	assert_int_equal(s->peer->n_answers, 0);
}

static void a_forgotten_request_is_not_sent(void **state)
{
	struct smsc *s = *state;
	uint32_t a;

	set_parts(&s->sms, 2);
	come_up(s);
	a = submitted(s, 1);
	make_request(s, 2);
	s->targets[2] = s->targets[1];
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[2]), 0);
	/* Core never kept it: that is as good as forgotten. */
	fake_forget(s->peer, 1);
	answer(s, a, SMPP_ROK, "");
	nothing_is_sent(s);
	assert_int_equal(caps_of(s).room, 10);
}

static void what_has_expired_while_it_waited_is_not_sent(void **state)
{
	struct smsc *s = *state;
	uint32_t a;

	come_up(s);
	a = submitted(s, 1);
	make_request(s, 2);
	s->targets[2] = s->targets[1];
	s->requests[2].remaining_s = 3;
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[2]), 0);
	fake_request(s->peer, &s->requests[2]);
	fake_advance_ms(2000);
	assert_int_equal(s->peer->n_answers, 0);
	fake_advance_ms(2100);
	answered(s, 2, LATER);
	answer(s, a, SMPP_ROK, "");
	answered(s, 1, DELIVERED);
	nothing_is_sent(s);
}

static void half_a_text_that_expired_is_unknown(void **state)
{
	struct smsc *s = *state;

	set_parts(&s->sms, 2);
	come_up(s);
	make_request(s, 1)->remaining_s = 2;
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[1]), 0);
	fake_request(s->peer, &s->requests[1]);
	answer(s, expect_submit(s, 1), SMPP_ROK, "");
	answer(s, expect_submit(s, 1), SMPP_RTHROTTLED, "");
	fake_advance_ms(1000);
	answer(s, expect_submit(s, 1), SMPP_RTHROTTLED, "");
	fake_advance_ms(2000);
	answered(s, 1, NONE);
	nothing_is_sent(s);
}

static void what_waited_is_valid_for_the_rest_of_its_life(void **state)
{
	struct smsc *s = *state;
	uint32_t a;

	come_up(s);
	a = submitted(s, 1);
	make_request(s, 2);
	s->targets[2] = s->targets[1];
	s->requests[2].remaining_s = 100;
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[2]), 0);
	fake_request(s->peer, &s->requests[2]);
	fake_advance_ms(20000);
	answer(s, a, SMPP_ROK, "");
	expect_submit(s, 1);
	assert_string_equal(s->pdu.validity_period, "000000000120000R");
}

/* Pace */

static void a_busy_centre_is_left_alone_for_a_while(void **state)
{
	static const unsigned int pauses_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct smsc *s = *state;
	unsigned int i;

	s->config->link.keep_alive_s = 3600;
	come_up(s);
	for (i = 0; i < ARRAY_SIZE(pauses_s); i++) {
		answer(s, submitted(s, i + 1), i % 2 ? SMPP_RMSGQFUL : SMPP_RTHROTTLED, "");
		answered(s, i + 1, LATER);
		assert_int_equal(caps_of(s).room, 0);
		assert_int_equal(try_submit(s, 900), -EAGAIN);
		s->peer->ready = 0;
		fake_advance_ms(pauses_s[i] * 1000 - 100);
		assert_int_equal(caps_of(s).room, 0);
		assert_int_equal(s->peer->ready, 0);
		fake_advance_ms(100);
		assert_int_equal(caps_of(s).room, 1);
		assert_int_equal(s->peer->ready, 1);
	}
	/* One that is taken makes the next pause short again. */
	answer(s, submitted(s, 100), SMPP_ROK, "");
	answered(s, 100, DELIVERED);
	fake_advance_ms(1000);
	answer(s, submitted(s, 101), SMPP_RTHROTTLED, "");
	fake_advance_ms(1000);
	assert_int_equal(caps_of(s).room, 1);
	nothing_is_sent(s);
}

static void a_window_that_is_throttled_counts_once(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence[10];
	unsigned int i;

	come_up(s);
	for (i = 0; i < 10; i++)
		sequence[i] = submitted(s, i + 1);
	for (i = 0; i < 10; i++) {
		answer(s, sequence[i], SMPP_RTHROTTLED, "");
		answered(s, i + 1, LATER);
	}
	fake_advance_ms(1000);
	assert_int_equal(caps_of(s).room, 1);
}

/* Answer all for a time. \returns submits that left. */
static unsigned int run_for(struct smsc *s, unsigned int ms, unsigned int *nr)
{
	unsigned int sent = 0, t;

	for (t = 0; t < ms; t += 10) {
		while (caps_of(s).room) {
			*nr = *nr % 999 + 1;
			answer(s, submitted(s, *nr), SMPP_ROK, "");
			s->peer->n_answers = 0;
			sent++;
		}
		fake_advance_ms(10);
	}
	return sent;
}

static void the_rate_is_kept(void **state)
{
	static const unsigned int rates[] = { 1, 7, 50, 300 };
	struct smsc *s = *state;
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		unsigned int sent;

		s->config->rate = rates[i];
		come_up(s);
		assert_in_range(caps_of(s).room, 1, rates[i] / 10 + 1);
		run_for(s, 1000, &nr);
		s->peer->ready = 0;
		sent = run_for(s, 4000, &nr);
		if (sent < rates[i] * 4 * 95 / 100 || sent > rates[i] * 4 + 1)
			fail_msg("rate %u: %u in 4 s", rates[i], sent);
		assert_true(s->peer->ready > 0);
		link_smpp_ops.close(s->peer);
		close(s->fd);
	}
}

static void a_busy_centre_gets_half_and_then_slowly_more(void **state)
{
	struct smsc *s = *state;
	unsigned int nr = 0, halved, later, i;

	s->config->rate = 100;
	come_up(s);
	run_for(s, 1000, &nr);
	answer(s, submitted(s, 999), SMPP_RTHROTTLED, "");
	fake_advance_ms(1000);
	assert_int_equal(caps_of(s).room, 1);
	halved = run_for(s, 900, &nr);
	assert_in_range(halved, 40, 50);
	for (i = 0; i < 9; i++)
		run_for(s, 1000, &nr);
	later = run_for(s, 1000, &nr);
	assert_in_range(later, 95, 101);
}

static void a_centre_without_rate_is_slowed_down_by_what_it_took(void **state)
{
	struct smsc *s = *state;
	unsigned int nr, sent;

	s->config->window = 100;
	come_up(s);
	for (nr = 1; nr <= 80; nr++)
		answer(s, submitted(s, nr), SMPP_ROK, "");
	answer(s, submitted(s, 81), SMPP_RMSGQFUL, "");
	fake_advance_ms(1000);
	sent = run_for(s, 900, &nr);
	assert_in_range(sent, 32, 40);
}

static void what_it_took_long_ago_does_not_count(void **state)
{
	struct smsc *s = *state;
	unsigned int nr;

	come_up(s);
	for (nr = 1; nr <= 80; nr++)
		answer(s, submitted(s, nr), SMPP_ROK, "");
	fake_advance_ms(10000);
	answer(s, submitted(s, 81), SMPP_ROK, "");
	answer(s, submitted(s, 82), SMPP_RMSGQFUL, "");
	fake_advance_ms(1000);
	assert_int_equal(run_for(s, 900, &nr), 1);
}

/* Nobody else would wake core, for nothing is answered. */
static void core_is_told_when_the_rate_allows_more(void **state)
{
	struct smsc *s = *state;

	s->config->rate = 10;
	come_up(s);
	submitted(s, 1);
	assert_int_equal(caps_of(s).room, 0);
	fake_advance_ms(99);
	assert_int_equal(s->peer->ready, 0);
	fake_advance_ms(1);
	assert_int_equal(s->peer->ready, 1);
	assert_int_equal(caps_of(s).room, 1);
}

static void the_rest_of_a_text_goes_when_the_centre_has_time(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence;

	set_parts(&s->sms, 2);
	come_up(s);
	answer(s, submitted(s, 1), SMPP_ROK, "");
	sequence = expect_submit(s, 1);
	answer(s, sequence, SMPP_RTHROTTLED, "");
	assert_int_equal(s->peer->n_answers, 0);
	assert_int_equal(s->peer->n_goes_on, 3);	/* answered, sent, answered */
	fake_advance_ms(900);
	nothing_is_sent(s);
	fake_advance_ms(200);
	assert_int_not_equal(expect_submit(s, 1), sequence);
	assert_int_equal(s->pdu.short_message[5], 2);
	assert_true(s->peer->n_goes_on >= 4);
	answer(s, s->pdu.sequence, SMPP_ROK, "");
	answered(s, 1, DELIVERED);
}

static void what_was_sent_before_a_pause_does_not_shorten_the_next(void **state)
{
	struct smsc *s = *state;
	uint32_t a, b;

	come_up(s);
	a = submitted(s, 1);
	b = submitted(s, 2);
	answer(s, a, SMPP_RTHROTTLED, "");
	answer(s, b, SMPP_ROK, "");
	fake_advance_ms(1000);
	answer(s, submitted(s, 3), SMPP_RTHROTTLED, "");
	fake_advance_ms(1900);
	assert_int_equal(caps_of(s).room, 0);
	fake_advance_ms(100);
	assert_int_equal(caps_of(s).room, 1);
}

static void what_has_begun_goes_first(void **state)
{
	struct smsc *s = *state;
	uint32_t a, b, c;

	set_parts(&s->sms, 2);
	come_up(s);
	a = submitted(s, 1);
	b = submitted(s, 2);
	make_request(s, 3);
	s->targets[3] = s->targets[1];
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[3]), 0);
	fake_request(s->peer, &s->requests[3]);
	c = submitted(s, 4);
	answer(s, c, SMPP_RTHROTTLED, "");
	answer(s, a, SMPP_RSYSERR, "");
	s->peer->n_goes_on = 0;
	answer(s, b, SMPP_ROK, "");
	assert_int_equal(s->peer->n_goes_on, 1);
	assert_int_equal(caps_of(s).room, 0);
	nothing_is_sent(s);
	fake_advance_ms(1000);
	expect_submit(s, 2);
	assert_int_equal(s->pdu.short_message[5], 2);
	nothing_is_sent(s);
	/* The next place is taken, though nothing has been sent yet. */
	osmo_clock_override_add(CLOCK_MONOTONIC, 1, 0);
	assert_int_equal(caps_of(s).room, 0);
	assert_int_equal(try_submit(s, 5), -EAGAIN);
	fake_advance_ms(1000);
	expect_submit(s, 1);
	assert_int_equal(s->pdu.short_message[5], 1);
}

static void a_step_of_the_wall_clock_delays_nothing(void **state)
{
	struct smsc *s = *state;

	come_up(s);
	answer(s, submitted(s, 1), SMPP_RTHROTTLED, "");
	s->peer->ready = 0;
	fake_step_wall_s(3600);
	assert_int_equal(s->peer->ready, 0);
	fake_step_wall_s(-7200);
	link_rearm(link_smpp_link(s->peer));
	fake_advance_ms(1000);
	assert_int_equal(s->peer->ready, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_submit_has_the_octets_of_the_specification),
		TEST(ucs2_goes_as_it_is),
		TEST(parts_leave_one_after_the_other),
		TEST(a_message_is_valid_as_long_as_it_lives),
		TEST(the_longest_parts_fit),
		TEST(what_must_not_leave_is_refused),
		TEST(nobody_is_reached_by_a_number_that_is_not_there),
		TEST(the_window_is_never_exceeded),
		TEST(answers_come_in_any_order),
		TEST(one_recipient_gets_one_at_a_time),
		TEST(every_status_has_its_meaning),
		TEST(a_centre_that_stores_in_transaction_mode_has_delivered_nothing),
		TEST(a_later_part_refused_leaves_it_unknown),
		TEST(an_answer_without_its_body_is_one),
		TEST(a_wrong_answer_answers_nothing),
		TEST(a_nack_of_our_own_number_is_a_refusal),
		TEST(a_late_answer_is_counted_and_dropped),
		TEST(a_forgotten_request_is_not_sent),
		TEST(what_has_expired_while_it_waited_is_not_sent),
		TEST(half_a_text_that_expired_is_unknown),
		TEST(what_waited_is_valid_for_the_rest_of_its_life),
		TEST(a_busy_centre_is_left_alone_for_a_while),
		TEST(a_window_that_is_throttled_counts_once),
		TEST(the_rate_is_kept),
		TEST(a_busy_centre_gets_half_and_then_slowly_more),
		TEST(a_centre_without_rate_is_slowed_down_by_what_it_took),
		TEST(what_it_took_long_ago_does_not_count),
		TEST(core_is_told_when_the_rate_allows_more),
		TEST(the_rest_of_a_text_goes_when_the_centre_has_time),
		TEST(what_was_sent_before_a_pause_does_not_shorten_the_next),
		TEST(what_has_begun_goes_first),
		TEST(a_step_of_the_wall_clock_delays_nothing),
	};

	return cmocka_run_group_tests_name("smpp_submit", tests, NULL, NULL);
}
