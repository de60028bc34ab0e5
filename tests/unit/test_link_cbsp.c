/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The far end writes and reads octets; our own codec judges nothing here but is looked through
 * where a single field of a request matters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/codec/cbsp.h>
#include <tocsin/link/link_cbsp.h>
#include <tocsin/link/listener.h>

#include "fake_peer.h"

#define NONE PEER_ANSWER_NONE
#define DONE PEER_ANSWER_DONE
#define ALREADY PEER_ANSWER_ALREADY
#define ABSENT PEER_ANSWER_ABSENT
#define REFUSED PEER_ANSWER_REFUSED
#define IMPOSSIBLE PEER_ANSWER_IMPOSSIBLE

struct bsc {
	struct peer *peer;
	struct cbsp_config *config;
	int listening;
	int fd;		/* the BSC's end of the conn */
	uint8_t got[80000];
	size_t got_len;
};

static const struct target cells[] = {
	{ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 | 1001 },
	{ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 | 1002 },
	{ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 200 << 16 | 2001 },
};
static const struct target bss[] = { { .type = TARGET_BSS } };

/* Two pages of an ordinary text, and an ETWS primary notification. */
static struct message text_message(void)
{
	struct message m = {
		.nr = 1,
		.kind = MESSAGE_TEXT,
		.class = MESSAGE_CLASS_NATIONAL,
		.identifier = 4371,
		.serial = 0x4010,
		.language = "en",
		.text = "x",
		.pages = {.dcs = 0x0f, .n = 2},
	};

	memset(m.pages.page[0].octets, 'A', CBS_PAGE_OCTETS);
	m.pages.page[0].used = 10;
	memset(m.pages.page[1].octets, 'B', CBS_PAGE_OCTETS);
	m.pages.page[1].used = 82;
	return m;
}

static struct message emergency_message(void)
{
	return (struct message){
		.nr = 1,
		.kind = MESSAGE_EMERGENCY,
		.class = MESSAGE_CLASS_NATIONAL,
		.identifier = 4352,
		.serial = 0x0010,
		.warning_type = 0x0580,
		.language = "en",
		.text = "",
	};
}

static struct peer_request request_of(enum peer_verb verb, const struct message *m,
				      const struct target *targets, size_t n)
{
	return (struct peer_request){
		.verb = verb,
		.message = m,
		.targets = targets,
		.n_targets = n,
		.period = 15,
		.remaining_s = 100,
	};
}

static int setup(void **state)
{
	struct bsc *b = talloc_zero(NULL, struct bsc);

	fake_start();
	b->peer = fake_peer(b, "bsc-7");
	b->peer->config = b->config = cbsp_config_alloc(b->peer);
	b->config->link.remote_ip = (char *)"127.0.0.1";
	b->listening = fake_bind(&b->config->link.remote_port, true);
	b->fd = -1;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bsc *b = *state;

	link_cbsp_ops.close(b->peer);
	assert_null(b->peer->link);
	close(b->listening);
	if (b->fd >= 0)
		close(b->fd);
	talloc_free(b);
	return 0;
}

static void come_up(struct bsc *b)
{
	assert_int_equal(link_cbsp_ops.open(b->peer), 0);
	b->fd = fake_accept(b->listening);
	TURN_UNTIL(b->peer->state == PEER_UP);
}

static void read_pdu(struct bsc *b)
{
	assert_int_equal(fake_read(b->fd, b->got, 4), 4);
	b->got_len = 4 + (b->got[1] << 16 | b->got[2] << 8 | b->got[3]);
	assert_true(b->got_len <= sizeof(b->got));
	assert_int_equal(fake_read(b->fd, b->got + 4, b->got_len - 4), b->got_len - 4);
}

static void expect_pdu(struct bsc *b, const char *hex)
{
	uint8_t wanted[1024];
	int len = osmo_hexparse(hex, wanted, sizeof(wanted));

	assert_true(len > 0);
	read_pdu(b);
	assert_int_equal(b->got_len, len);
	assert_memory_equal(b->got, wanted, len);
}

static void nothing_is_sent(struct bsc *b)
{
	int i;

	for (i = 0; i < 20; i++)
		fake_turn();
	assert_int_equal(recv(b->fd, b->got, 1, MSG_DONTWAIT), -1);
}

/* Send a PDU of these elements and wait until it was taken. */
static void answer_octets(struct bsc *b, uint8_t type, const uint8_t *body, size_t len)
{
	const uint8_t header[] = { type, len >> 16, len >> 8, len };
	unsigned int before = b->peer->counters[PEER_CTR_RX];
	size_t pos = 0;

	assert_int_equal(send(b->fd, header, sizeof(header), 0), sizeof(header));
	while (pos < len) {
		ssize_t n = send(b->fd, body + pos, len - pos, MSG_DONTWAIT);

		pos += n > 0 ? n : 0;
		fake_turn();
	}
	TURN_UNTIL(b->peer->counters[PEER_CTR_RX] > before);
}

static void answer(struct bsc *b, uint8_t type, const char *hex)
{
	uint8_t body[1024];
	int len = osmo_hexparse(hex, body, sizeof(body));

	assert_true(len >= 0);
	answer_octets(b, type, body, len);
}

/* Requests */

/* 3GPP TS 48.049, 8.1.3 and 8.2; octets made by another encoder than ours. */
#define A41                                                                                        \
	"4141414141414141414141414141414141414141414141414141414141414141414141414141414141414141" \
	"4141"                                                                                     \
	"414141414141414141414141414141414141414141414141414141414141414141414141"
#define B42                                                                                        \
	"4242424242424242424242424242424242424242424242424242424242424242424242424242424242424242" \
	"4242"                                                                                     \
	"424242424242424242424242424242424242424242424242424242424242424242424242"
#define CELLS_AB "04000f0000f110006403e900f110006403ea"
#define ZEROS50                                                                                    \
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
	"000000000000"

static void requests_have_the_octets_of_the_specification(void **state)
{
	struct message text = text_message(), emergency = emergency_message();
	const struct {
		enum peer_verb verb;
		const struct message *message;
		bool again;
		const struct target *targets;
		size_t n;
		const char *hex;
	} cases[] = {
		{PEER_WRITE, &text, false, cells, 2,
		 "010000ce0e1113034010" CELLS_AB "1200050006000f07000813020c0f010a" A41 "0152" B42},
		/* A text that is written again has no old serial number: that would ask to replace
		   it. */
		{PEER_WRITE, &text, true, cells, 2,
		 "010000ce0e1113034010" CELLS_AB "1200050006000f07000813020c0f010a" A41 "0152" B42},
		{PEER_WRITE, &emergency, false, cells, 2,
		 "010000520e1100030010" CELLS_AB "0f0110058011" ZEROS50 "1726"},
		{PEER_WRITE, &emergency, true, cells, 2,
		 "010000550e1100030010020010" CELLS_AB "0f0110058011" ZEROS50 "1726"},
		{PEER_STOP, &text, false, cells, 2, "0400001a0e1113024010" CELLS_AB "1200"},
		{PEER_STOP, &emergency, false, cells, 2, "040000180e1100020010" CELLS_AB},
		{PEER_STOP, &text, false, bss, 1, "0400000c0e1113024010040001061200"},
		{PEER_QUERY, &text, false, cells, 2, "0a00001a0e1113024010" CELLS_AB "1200"},
	};
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer_request r =
			request_of(cases[i].verb, cases[i].message, cases[i].targets, cases[i].n);
		int rc;

		r.again = cases[i].again;
		if (cases[i].message == &emergency)
			r.remaining_s = 118;	/* 120 s is the next value that can be said */
		if (r.verb == PEER_WRITE)
			rc = link_cbsp_ops.submit(b->peer, &r);
		else if (r.verb == PEER_STOP)
			rc = link_cbsp_ops.withdraw(b->peer, &r);
		else
			rc = link_cbsp_ops.query(b->peer, &r);
		assert_int_equal(rc, 0);
		expect_pdu(b, cases[i].hex);
	}
	assert_int_equal(b->peer->counters[PEER_CTR_TX], ARRAY_SIZE(cases));
}

static struct cbsp_pdu *sent_write(struct bsc *b, const struct peer_request *r)
{
	struct cbsp_pdu *pdu;

	assert_int_equal(link_cbsp_ops.submit(b->peer, r), 0);
	read_pdu(b);
	pdu = cbsp_decode(b, b->got, b->got_len, b->config->period_coding, NULL);
	assert_non_null(pdu);
	return pdu;
}

static void a_message_is_broadcast_at_least_to_its_end(void **state)
{
	static const struct { int64_t remaining_s; uint16_t period, count;
	} cases[] = {
		{1, 15, 2},
		{28, 15, 2},
		{29, 15, 4},
		{56, 15, 4},
		{57, 15, 6},
		{2, 1, 4},
		{3600, 15, 256},
		{1, 4095, 2},
		{925500, 15, 65534},
		{1000000, 15, 65535},
		{86400 * 3650LL, 15, 65535},
		{INT64_MAX, 1, 65535},
		{INT64_MAX, 4095, 65535},
		{0, 15, 2},
		{-5, 15, 2},
	};
	struct message text = text_message();
	struct peer_request r = request_of(PEER_WRITE, &text, cells, 1);
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		r.remaining_s = cases[i].remaining_s;
		r.period = cases[i].period;
		assert_int_equal(sent_write(b, &r)->num_broadcasts, cases[i].count);
	}
}

static void an_emergency_lasts_as_long_as_can_be_said(void **state)
{
	static const struct { int64_t remaining_s; uint8_t coded; } cases[] = {
		{ 1, 1 }, { 0, 1 }, { 31, 21 }, { 3571, 186 }, { 3600, 186 }, { INT64_MAX, 186 },
	};
	struct message m = emergency_message();
	struct peer_request r = request_of(PEER_WRITE, &m, cells, 1);
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		r.remaining_s = cases[i].remaining_s;
		assert_int_equal(sent_write(b, &r)->warning_period, cases[i].coded);
	}
}

static void only_national_messages_have_high_priority(void **state)
{
	static const struct { enum message_class class; uint8_t category;
	} cases[] = {
		{MESSAGE_CLASS_NATIONAL, 0},
		{MESSAGE_CLASS_SEVERE, 2},
		{MESSAGE_CLASS_OTHER, 2},
	};
	struct message text = text_message();
	struct peer_request r = request_of(PEER_WRITE, &text, cells, 1);
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		text.class = cases[i].class;
		assert_int_equal(sent_write(b, &r)->category, cases[i].category);
	}
}

static void the_period_is_coded_as_the_peer_reads_it(void **state)
{
	static const uint8_t as_16_bits[] = {0x06, 0x01, 0x2c, 0x07},
			     as_12_bits[] = {0x06, 0x12, 0x0c, 0x07};
	struct message text = text_message();
	struct peer_request r = request_of(PEER_WRITE, &text, cells, 1);
	struct bsc *b = *state;

	come_up(b);
	r.period = 300;
	sent_write(b, &r);
	assert_non_null(memmem(b->got, b->got_len, as_16_bits, 4));
	b->config->period_coding = CBSP_PERIOD_12BIT;
	sent_write(b, &r);
	assert_non_null(memmem(b->got, b->got_len, as_12_bits, 4));
}

static void what_must_not_leave_is_refused(void **state)
{
	struct bsc *b = *state;
	struct message good = text_message(), drill_on_live = good, live_on_drill = good,
		       etws_drill = emergency_message();
	struct target *many = talloc_zero_array(b, struct target, CBSP_MAX_CELLS + 1);
	const struct target sai = {
		.type = TARGET_SAI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 1};
	struct peer_request r;
	size_t i;

	for (i = 0; i <= CBSP_MAX_CELLS; i++)
		many[i] = (struct target){
			.type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = i};
	drill_on_live.drill = true;
	live_on_drill.identifier = 4380;
	etws_drill.drill = true;

	r = request_of(PEER_WRITE, &good, cells, 1);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -ENOTCONN);
	assert_int_equal(link_cbsp_ops.withdraw(b->peer, &r), -ENOTCONN);
	assert_int_equal(link_cbsp_ops.query(b->peer, &r), -ENOTCONN);
	come_up(b);
	r = request_of(PEER_WRITE, &drill_on_live, cells, 1);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r = request_of(PEER_WRITE, &live_on_drill, cells, 1);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r = request_of(PEER_WRITE, &etws_drill, cells, 1);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r = request_of(PEER_QUERY, &etws_drill, cells, 1);
	assert_int_equal(link_cbsp_ops.query(b->peer, &r), -EINVAL);
	r = request_of(PEER_WRITE, &good, cells, 0);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r = request_of(PEER_WRITE, &good, &sai, 1);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r = request_of(PEER_WRITE, &good, many, CBSP_MAX_CELLS + 1);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r = request_of(PEER_WRITE, &good, cells, 1);
	r.period = 0;
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	r.period = 4096;
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -EINVAL);
	nothing_is_sent(b);
}

/* Answers */

/* Elements: identifier and new or old serial number of the text; its cells. */
#define NEW "0e1113034010"
#define OLD "0e1113024010"
#define CGI_A "00f110006403e9"
#define CGI_B "00f110006403ea"
#define CGI_C "00f11000c807d1"

static const struct answer_case {
	const char *name;
	uint8_t type;
	const char *hex;
	enum peer_answer wanted[3];
	uint8_t cause[3];
	int count[3];	/* -1: none */
} answer_cases[] = {
	{"a complete write names all cells",
	 CBSP_WRITE_REPLACE_COMPLETE,
	 NEW "04001600" CGI_A CGI_B CGI_C "1200",
	 {DONE, DONE, DONE},
	 {0},
	 {-1, -1, -1}},
	{"a complete write names no list and means all",
	 CBSP_WRITE_REPLACE_COMPLETE,
	 NEW "1200",
	 {DONE, DONE, DONE},
	 {0},
	 {-1, -1, -1}},
	{"a complete write that leaves out a cell leaves it unknown",
	 CBSP_WRITE_REPLACE_COMPLETE,
	 NEW "04000f00" CGI_C CGI_A,
	 {DONE, NONE, DONE},
	 {0},
	 {-1, -1, -1}},
	{"a cell of another network is not ours",
	 CBSP_WRITE_REPLACE_COMPLETE,
	 NEW "04000f0000f120006403e9" CGI_B,
	 {NONE, DONE, NONE},
	 {0},
	 {-1, -1, -1}},
	{"a network code of three digits is another than one of two",
	 CBSP_WRITE_REPLACE_COMPLETE,
	 NEW "04000f00001100006403e9" CGI_B,
	 {NONE, DONE, NONE},
	 {0},
	 {-1, -1, -1}},
	{"counts of the replaced message confirm no write",
	 CBSP_WRITE_REPLACE_COMPLETE,
	 NEW "08000b00" CGI_A "000300"
	     "04000800" CGI_B,
	 {NONE, DONE, NONE},
	 {0},
	 {-1, -1, -1}},
	{"a failed write is done where it says so",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000900" CGI_B "09"
	     "04000f00" CGI_A CGI_C "1200",
	 {DONE, IMPOSSIBLE, DONE},
	 {0, 9, 0},
	 {-1, -1, -1}},
	{"failures come by any kind of identity",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000a"
	     "01006403e90d"
	     "0203ea06",
	 {ALREADY, REFUSED, NONE},
	 {13, 6, 0},
	 {-1, -1, -1}},
	{"a failed location area concerns its cells",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "090004"
	     "0500640f",
	 {IMPOSSIBLE, IMPOSSIBLE, NONE},
	 {15, 15, 0},
	 {-1, -1, -1}},
	{"a failed location area of a network likewise",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000e"
	     "0400f11000c800"
	     "0400f12000640f",
	 {NONE, NONE, IMPOSSIBLE},
	 {0},
	 {-1, -1, -1}},
	{"a failed BSS concerns all",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "0900020602",
	 {REFUSED, REFUSED, REFUSED},
	 {2, 2, 2},
	 {-1, -1, -1}},
	{"failure is believed before success",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000900" CGI_A "0a"
	     "04001600" CGI_A CGI_B CGI_C,
	 {REFUSED, DONE, DONE},
	 {10},
	 {-1, -1, -1}},
	{"causes 0, 3 and 12 lie in the cell",
	 CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09001b00" CGI_A "0000" CGI_B "0300" CGI_C "0c",
	 {IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE},
	 {0, 3, 12},
	 {-1, -1, -1}},
	{"a complete kill has counts only",
	 CBSP_KILL_COMPLETE,
	 OLD "08001f00" CGI_A "000300" CGI_B "7fff01" CGI_C "000902"
	     "1200",
	 {DONE, DONE, DONE},
	 {0},
	 {3, 0x7fff, -1}},
	{"a failed kill: gone, gone before, unknown",
	 CBSP_KILL_FAILURE,
	 OLD "09000900" CGI_B "02"
	     "08000b00" CGI_A "000400"
	     "1200",
	 {DONE, ABSENT, NONE},
	 {0, 2, 0},
	 {4, -1, -1}},
	{"a kill is not confirmed by a reference in use",
	 CBSP_KILL_FAILURE,
	 OLD "09000900" CGI_A "0d",
	 {REFUSED, NONE, NONE},
	 {13, 0, 0},
	 {-1, -1, -1}},
	{"a complete query has counts",
	 CBSP_STATUS_QUERY_COMPLETE,
	 OLD "08001f00" CGI_A "000000" CGI_B "012c00" CGI_C "000100"
	     "1200",
	 {DONE, DONE, DONE},
	 {0},
	 {0, 300, 1}},
	{"a failed query finds some",
	 CBSP_STATUS_QUERY_FAILURE,
	 OLD "09001200" CGI_B "0200" CGI_C "00"
	     "1200"
	     "08000b00" CGI_A "000500",
	 {DONE, ABSENT, IMPOSSIBLE},
	 {0, 2, 0},
	 {5, -1, -1}},
	{"a query of all answered for the BSS",
	 CBSP_STATUS_QUERY_COMPLETE,
	 OLD "080001061200",
	 {DONE, DONE, DONE},
	 {0},
	 {-1, -1, -1}},
};

static enum peer_verb verb_of(uint8_t type)
{
	return type <= CBSP_WRITE_REPLACE_FAILURE ? PEER_WRITE
	       : type <= CBSP_KILL_FAILURE	  ? PEER_STOP
						  : PEER_QUERY;
}

static void answers_say_of_each_cell_what_the_peer_said(void **state)
{
	struct message text = text_message();
	struct bsc *b = *state;
	size_t i, k;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(answer_cases); i++) {
		const struct answer_case *c = &answer_cases[i];
		struct peer_request r = request_of(verb_of(c->type), &text, cells, 3);

		b->peer->requests[r.verb] = &r;
		b->peer->n_done = 0;
		answer(b, c->type, c->hex);
		for (k = 0; k < 3 && b->peer->n_done; k++) {
			const struct peer_result *got = &b->peer->results[k];

			if (got->answer != c->wanted[k] || got->cause != c->cause[k] ||
			    got->has_count != (c->count[k] >= 0) ||
			    (got->has_count && got->count != c->count[k]))
				fail_msg("%s: cell %zu: answer %d cause %u count %d", c->name, k,
					 got->answer, got->cause, got->has_count ? got->count : -1);
		}
		if (b->peer->n_done != 1)
			fail_msg("%s: not answered", c->name);
	}
	assert_int_equal(b->peer->counters[PEER_CTR_RX_MALFORMED], 0);
}

static const struct {
	const char *name;
	uint8_t type;
	const char *hex;
	enum peer_answer wanted;
} bss_cases[] = {
	{"written everywhere", CBSP_WRITE_REPLACE_COMPLETE, NEW "04000f00" CGI_A CGI_B, DONE},
	{"written, without a list", CBSP_WRITE_REPLACE_COMPLETE, NEW, DONE},
	{"written, new here and there before elsewhere", CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000900" CGI_B "0d"
	     "04000800" CGI_A,
	 DONE},
	{"there before, everywhere", CBSP_WRITE_REPLACE_FAILURE, NEW "090002060d", ALREADY},
	{"written in part only is neither done nor refused", CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000900" CGI_B "06"
	     "04000800" CGI_A,
	 NONE},
	{"not written where that is impossible, neither", CBSP_WRITE_REPLACE_FAILURE,
	 NEW "09000900" CGI_B "09"
	     "04000800" CGI_A,
	 NONE},
	{"refused everywhere", CBSP_WRITE_REPLACE_FAILURE, NEW "09000900" CGI_B "06", REFUSED},
	{"stopped, in part gone before", CBSP_KILL_FAILURE,
	 OLD "09000900" CGI_B "02"
	     "08000b00" CGI_A "000400",
	 DONE},
	{"stopped, and nothing to stop where nothing can be", CBSP_KILL_FAILURE,
	 OLD "09000900" CGI_B "09"
	     "08000b00" CGI_A "000400",
	 DONE},
	{"stopped in part only", CBSP_KILL_FAILURE,
	 OLD "09000900" CGI_B "0a"
	     "08000b00" CGI_A "000400",
	 NONE},
	{"gone before everywhere", CBSP_KILL_FAILURE, OLD "0900020602", ABSENT},
	{"found in part only is to be written again", CBSP_STATUS_QUERY_FAILURE,
	 OLD "09000900" CGI_B "02"
	     "1200"
	     "08000b00" CGI_A "000400",
	 ABSENT},
	{"found everywhere", CBSP_STATUS_QUERY_COMPLETE, OLD "080001061200", DONE},
};

static void a_whole_bss_gets_one_word_that_is_never_too_good(void **state)
{
	struct message text = text_message();
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(bss_cases); i++) {
		struct peer_request r = request_of(verb_of(bss_cases[i].type), &text, bss, 1);

		b->peer->requests[r.verb] = &r;
		b->peer->n_done = 0;
		answer(b, bss_cases[i].type, bss_cases[i].hex);
		if (b->peer->n_done != 1 || b->peer->results[0].answer != bss_cases[i].wanted)
			fail_msg("%s: answer %d", bss_cases[i].name, b->peer->results[0].answer);
		assert_true(b->peer->results[0].answer == DONE || !b->peer->results[0].has_count);
		assert_true(b->peer->results[0].answer != DONE || !b->peer->results[0].cause);
	}
}

static void two_thousand_cells_find_their_answers(void **state)
{
	struct bsc *b = *state;
	struct message text = text_message();
	struct target *many = talloc_zero_array(b, struct target, CBSP_MAX_CELLS);
	struct peer_request r = request_of(PEER_WRITE, &text, many, CBSP_MAX_CELLS);
	uint8_t *body = talloc_array(b, uint8_t, 60000), *p = body, *len_at;
	unsigned int i;

	for (i = 0; i < CBSP_MAX_CELLS; i++)
		many[i] = (struct target){ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2,
					   .value = (i / 50) << 16 | (i % 50) };
	come_up(b);
	assert_int_equal(link_cbsp_ops.submit(b->peer, &r), 0);
	read_pdu(b);
	assert_int_equal(b->got_len,
			 4 + 3 + 3 + 4 + 7 * CBSP_MAX_CELLS + 2 + 2 + 3 + 3 + 2 + 2 + 2 * 84);
	b->peer->requests[PEER_WRITE] = &r;

	p += osmo_hexparse(NEW "090000", p, 16);
	len_at = p - 2;
	for (i = 0; i < CBSP_MAX_CELLS; i += 2) {	/* the even ones fail, backwards */
		unsigned int k = CBSP_MAX_CELLS - 2 - i;
		const uint8_t entry[] = { 1, 0, k / 50, 0, k % 50, k % 3 ? 6 : 13 };

		memcpy(p, entry, sizeof(entry));
		p += sizeof(entry);
	}
	len_at[0] = (p - len_at - 2) >> 8;
	len_at[1] = p - len_at - 2;
	len_at = p + 1;
	p += osmo_hexparse("04000000", p, 16);
	for (i = 1; i < CBSP_MAX_CELLS; i += 2) {
		const uint8_t entry[] = { 0x00, 0xf1, 0x10, 0, i / 50, 0, i % 50 };

		memcpy(p, entry, sizeof(entry));
		p += sizeof(entry);
	}
	len_at[0] = (p - len_at - 2) >> 8;
	len_at[1] = p - len_at - 2;
	answer_octets(b, CBSP_WRITE_REPLACE_FAILURE, body, p - body);
	assert_int_equal(b->peer->n_done, 1);
	for (i = 0; i < CBSP_MAX_CELLS; i++)
		assert_int_equal(b->peer->results[i].answer, i % 2   ? DONE
							     : i % 3 ? REFUSED
								     : ALREADY);
}

static void answers_to_nobody_are_counted_and_change_nothing(void **state)
{
	static const struct { uint8_t type; const char *hex;
	} cases[] = {
		{CBSP_WRITE_REPLACE_COMPLETE, "0e1113034011"},
		{CBSP_WRITE_REPLACE_COMPLETE, "0e1112034010"},
		{CBSP_KILL_COMPLETE, OLD},
		{CBSP_STATUS_QUERY_COMPLETE, OLD "08000b00" CGI_A "000100"
						 "1200"},
		{CBSP_RESET_COMPLETE, "04000106"},
		{CBSP_KILL, OLD "040001061200"},
		{CBSP_ERROR_INDICATION, "0b0e"},
		{CBSP_ERROR_INDICATION, "0b0e"
					"0e1113024010"},
	};
	struct message text = text_message();
	struct peer_request r = request_of(PEER_WRITE, &text, cells, 3);
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	b->peer->requests[PEER_WRITE] = &r;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		answer(b, cases[i].type, cases[i].hex);
		assert_int_equal(b->peer->unmatched, i + 1);
	}
	assert_int_equal(b->peer->n_done, 0);
	assert_ptr_equal(b->peer->requests[PEER_WRITE], &r);
	assert_int_equal(b->peer->state, PEER_UP);
}

static void what_cannot_be_decoded_is_counted_and_the_conn_kept(void **state)
{
	static const struct { uint8_t type; const char *hex;
	} cases[] = {
		{CBSP_WRITE_REPLACE_COMPLETE, "0e1113"},
		{CBSP_WRITE_REPLACE_COMPLETE, NEW "04ffff00"},
		{99, "01"},
		{0, ""},
		{CBSP_RESTART, NEW},
		{CBSP_WRITE_REPLACE_COMPLETE, NEW "7f00"},
	};
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		answer(b, cases[i].type, cases[i].hex);
		assert_int_equal(b->peer->counters[PEER_CTR_RX_MALFORMED], i + 1);
	}
	assert_int_equal(b->peer->state, PEER_UP);
	assert_int_equal(b->peer->n_losses, 0);
}

static void an_announced_length_beyond_all_bounds_ends_the_conn(void **state)
{
	static const uint8_t header[] = { CBSP_RESTART, 0xff, 0xff, 0xff };
	struct bsc *b = *state;

	come_up(b);
	assert_int_equal(send(b->fd, header, sizeof(header), 0), sizeof(header));
	TURN_UNTIL(b->peer->state == PEER_DOWN);
	assert_string_equal(b->peer->why, "framing lost");
	TURN_UNTIL(fake_at_end(b->fd));
}

static void an_error_indication_refuses_the_request_it_names(void **state)
{
	static const struct { enum peer_verb verb; const char *hex; } cases[] = {
		{ PEER_WRITE, "0b0e" NEW }, { PEER_STOP, "0b0e" OLD }, { PEER_QUERY, "0b0e" OLD },
	};
	struct message text = text_message();
	struct bsc *b = *state;
	size_t i, k;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer_request r = request_of(cases[i].verb, &text, cells, 3);

		b->peer->requests[r.verb] = &r;
		answer(b, CBSP_ERROR_INDICATION, cases[i].hex);
		assert_int_equal(b->peer->n_done, i + 1);
		for (k = 0; k < 3; k++) {
			assert_int_equal(b->peer->results[k].answer, REFUSED);
			assert_int_equal(b->peer->results[k].cause, 14);
		}
	}
}

/* Restart and failure */

static void restarts_and_failures_are_reported_for_the_right_messages_and_cells(void **state)
{
	static const struct {
		uint8_t type;
		const char *hex;
		enum peer_loss loss;
		enum message_kind kind;
		size_t n;
		struct target_pattern first;
	} cases[] = {
		{CBSP_RESTART,
		 "04000106"
		 "1600"
		 "0d01",
		 PEER_LOSS_DATA_LOST,
		 MESSAGE_TEXT,
		 0,
		 {}},
		{CBSP_RESTART,
		 "04000106"
		 "1601"
		 "0d01",
		 PEER_LOSS_DATA_LOST,
		 MESSAGE_EMERGENCY,
		 0,
		 {}},
		{CBSP_RESTART,
		 "04000501006403e9"
		 "1600"
		 "0d00",
		 PEER_LOSS_DATA_KEPT,
		 MESSAGE_TEXT,
		 1,
		 {{.type = TARGET_CGI, .value = 0x006403e9}, 0xffffffff, true}},
		{CBSP_RESTART,
		 "04000f00" CGI_A CGI_B "1600"
		 "0d01",
		 PEER_LOSS_DATA_LOST,
		 MESSAGE_TEXT,
		 2,
		 {{.type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 0x006403e9},
		  0xffffffff,
		  false}},
		{CBSP_RESTART,
		 "0400030203e9"
		 "1600"
		 "0d01",
		 PEER_LOSS_DATA_LOST,
		 MESSAGE_TEXT,
		 1,
		 {{.type = TARGET_CGI, .value = 0x03e9}, 0xffff, true}},
		{CBSP_RESTART,
		 "040003050064"
		 "1600"
		 "0d01",
		 PEER_LOSS_DATA_LOST,
		 MESSAGE_TEXT,
		 1,
		 {{.type = TARGET_CGI, .value = 0x640000}, 0xffff0000, true}},
		{CBSP_RESTART,
		 "0400060400f1100064"
		 "1600"
		 "0d01",
		 PEER_LOSS_DATA_LOST,
		 MESSAGE_TEXT,
		 1,
		 {{.type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 0x640000},
		  0xffff0000,
		  false}},
		{CBSP_FAILURE,
		 "09000601006403e90a"
		 "1600",
		 PEER_LOSS_FAILED,
		 MESSAGE_TEXT,
		 1,
		 {{.type = TARGET_CGI, .value = 0x006403e9}, 0xffffffff, true}},
		{CBSP_FAILURE,
		 "09000801006403e90a060a"
		 "1601",
		 PEER_LOSS_FAILED,
		 MESSAGE_EMERGENCY,
		 0,
		 {}},
	};
	struct bsc *b = *state;
	size_t i;

	come_up(b);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct target_pattern *got = b->peer->patterns, *wanted = &cases[i].first;

		answer(b, cases[i].type, cases[i].hex);
		assert_int_equal(b->peer->n_losses, i + 1);
		assert_int_equal(b->peer->loss, cases[i].loss);
		assert_int_equal(b->peer->loss_kind, cases[i].kind);
		assert_int_equal(b->peer->n_patterns, cases[i].n);
		if (!cases[i].n)
			continue;
		assert_int_equal(got->t.type, wanted->t.type);
		assert_int_equal(got->t.value, wanted->t.value);
		assert_int_equal(got->t.mcc, wanted->t.mcc);
		assert_int_equal(got->t.mnc, wanted->t.mnc);
		assert_int_equal(got->t.mnc_digits, wanted->t.mnc_digits);
		assert_int_equal(got->mask, wanted->mask);
		assert_int_equal(got->any_plmn, wanted->any_plmn);
	}
	assert_int_equal(b->peer->state, PEER_UP);
}

static void a_restart_of_no_cell_is_not_one_of_all(void **state)
{
	struct bsc *b = *state;

	come_up(b);
	answer(b, CBSP_RESTART, "04000100" "1600" "0d01");
	assert_int_equal(b->peer->n_losses, 0);
}

static void more_cells_than_a_bsc_has_are_all_cells(void **state)
{
	struct bsc *b = *state;
	uint8_t *body = talloc_zero_array(b, uint8_t, 8 + 2 * 30000);

	body[0] = 0x04;
	body[1] = (1 + 2 * 30000) >> 8;
	body[2] = (1 + 2 * 30000) & 0xff;
	body[3] = CBSP_DISC_CI;
	memcpy(body + 4 + 2 * 30000, "\x16\x00\x0d\x01", 4);
	come_up(b);
	answer_octets(b, CBSP_RESTART, body, 8 + 2 * 30000);
	assert_int_equal(b->peer->n_losses, 1);
	assert_int_equal(b->peer->n_patterns, 0);
}

/* The link */

static void the_reset_policy_reports_all_lost_and_waits_for_the_reset(void **state)
{
	static const struct { uint8_t type; const char *hex; } answers[] = {
		{ CBSP_RESET_COMPLETE, "04000106" }, { CBSP_RESET_FAILURE, "09000900" CGI_A "00" },
	};
	struct bsc *b = *state;
	struct message text = text_message();
	struct peer_request r = request_of(PEER_WRITE, &text, cells, 1);
	size_t i;

	b->config->on_link_up = CBSP_RESET_FIRST;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		assert_int_equal(link_cbsp_ops.open(b->peer), 0);
		b->fd = fake_accept(b->listening);
		expect_pdu(b, "1000000404000106");
		assert_int_equal(b->peer->state, PEER_OPENING);
		assert_int_equal(b->peer->n_losses, i + 1);
		assert_int_equal(b->peer->loss, PEER_LOSS_DATA_LOST);
		assert_int_equal(b->peer->loss_kind, 0);
		assert_int_equal(b->peer->n_patterns, 0);
		assert_int_equal(b->peer->state_at_loss, PEER_OPENING);
		assert_int_equal(link_cbsp_ops.submit(b->peer, &r), -ENOTCONN);
		answer(b, answers[i].type, answers[i].hex);
		assert_int_equal(b->peer->state, PEER_UP);
		link_cbsp_ops.close(b->peer);
		close(b->fd);
		b->fd = -1;
		b->peer->state = PEER_DOWN;
	}
}

static void keep_alives_have_their_period_and_their_answer(void **state)
{
	struct bsc *b = *state;

	come_up(b);
	fake_advance_ms(30200);
	expect_pdu(b, "160000021814");
	answer(b, CBSP_KEEP_ALIVE_COMPLETE, "");
	fake_advance_ms(11000);
	assert_int_equal(b->peer->state, PEER_UP);
	assert_int_equal(b->peer->unmatched, 0);
}

static void an_operator_can_drop_the_conn(void **state)
{
	struct bsc *b = *state;

	link_cbsp_drop(b->peer);
	assert_null(link_cbsp_link(b->peer));
	assert_null(link_cbsp_ops.remote(b->peer));
	come_up(b);
	assert_non_null(link_cbsp_ops.remote(b->peer));
	link_cbsp_drop(b->peer);
	assert_int_equal(b->peer->state, PEER_DOWN);
	TURN_UNTIL(fake_at_end(b->fd));
	close(b->fd);
	fake_advance_ms(1001);
	b->fd = fake_accept(b->listening);
	TURN_UNTIL(b->peer->state == PEER_UP);
}

static void the_next_attempt_is_told_while_it_is_waited_for(void **state)
{
	struct bsc *b = *state;
	int holder = fake_bind(&b->config->link.remote_port, false);
	int64_t wait_ms;

	assert_int_equal(link_cbsp_ops.retry_ms(b->peer), -1);
	assert_int_equal(link_cbsp_ops.open(b->peer), 0);
	assert_int_equal(link_cbsp_ops.retry_ms(b->peer), -1);
	TURN_UNTIL(b->peer->state == PEER_DOWN);
	wait_ms = link_cbsp_ops.retry_ms(b->peer);
	assert_in_range(wait_ms, 1, 1000);
	fake_advance_ms(wait_ms - 1);
	assert_int_equal(link_cbsp_ops.retry_ms(b->peer), 1);
	link_cbsp_ops.close(b->peer);
	assert_int_equal(link_cbsp_ops.retry_ms(b->peer), -1);
	close(holder);
}

static void listening_peers_share_a_socket_and_strangers_are_refused(void **state)
{
	struct bsc *b = *state;
	struct peer *other = fake_peer(b, "bsc-8");
	struct cbsp_config *config = cbsp_config_alloc(other);
	struct listeners *listeners = listeners_alloc(b);
	uint16_t port, port_b;
	int hold = fake_bind(&port, false), hold_b = fake_bind(&port_b, false), stranger;

	b->config->link.role = config->link.role = LINK_LISTEN;
	b->config->link.listeners = config->link.listeners = listeners;
	b->config->link.local_port = config->link.local_port = port;
	/* Only there the port is known to be free. */
	b->config->link.local_ip = config->link.local_ip = (char *)"127.0.0.1";
	b->config->link.remote_port = port_b;
	config->link.remote_ip = (char *)"127.0.0.1";
	other->config = config;
	assert_int_equal(link_cbsp_ops.open(b->peer), 0);
	assert_int_equal(link_cbsp_ops.open(other), -EEXIST);
	assert_null(other->link);
	config->link.remote_ip = (char *)"127.0.0.2";
	assert_int_equal(link_cbsp_ops.open(other), 0);

	stranger = fake_connect(port, 0);
	TURN_UNTIL(fake_at_end(stranger));
	assert_int_equal(fake_refused(), 1);
	assert_int_equal(b->peer->counters[PEER_CTR_CONN_REFUSED], 1);
	assert_int_equal(other->counters[PEER_CTR_CONN_REFUSED], 0);
	b->fd = fake_connect(port, port_b);
	TURN_UNTIL(b->peer->state == PEER_UP);
	assert_int_equal(other->state, PEER_DOWN);
	link_cbsp_ops.close(other);
	link_cbsp_ops.close(b->peer);
	close(stranger);
	close(hold);
	close(hold_b);
}

static void configurations_are_checked(void **state)
{
	struct bsc *b = *state;
	struct cbsp_config *c = cbsp_config_alloc(b);
	struct problem problem = {};
	struct peer_caps caps;

	assert_int_equal(cbsp_config_check(c, &problem), -EINVAL);
	assert_string_equal(problem.where, "remote-ip");
	c->link.remote_ip = (char *)"::1";
	assert_int_equal(cbsp_config_check(c, &problem), 0);
	c->link.role = LINK_LISTEN;
	assert_int_equal(cbsp_config_check(c, &problem), 0);
	c->period = 0;
	assert_int_equal(cbsp_config_check(c, &problem), -EINVAL);
	assert_string_equal(problem.where, "period");
	c->period = 4096;
	assert_int_equal(cbsp_config_check(c, &problem), -EINVAL);
	c->period = 4095;
	c->link.keep_alive_s = 121;
	assert_int_equal(cbsp_config_check(c, &problem), -EINVAL);
	assert_string_equal(problem.where, "keep-alive");

	link_cbsp_ops.caps(b->peer, &caps);
	assert_int_equal(caps.max_targets, CBSP_MAX_CELLS);
	assert_int_equal(caps.period, 15);
	assert_int_equal(caps.period_unit_ms, 1883);
	assert_int_equal(caps.pages_per_period, 1);
	assert_false(caps.can_query_emergency);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(requests_have_the_octets_of_the_specification),
		T(a_message_is_broadcast_at_least_to_its_end),
		T(an_emergency_lasts_as_long_as_can_be_said),
		T(only_national_messages_have_high_priority),
		T(the_period_is_coded_as_the_peer_reads_it),
		T(what_must_not_leave_is_refused),
		T(answers_say_of_each_cell_what_the_peer_said),
		T(a_whole_bss_gets_one_word_that_is_never_too_good),
		T(two_thousand_cells_find_their_answers),
		T(answers_to_nobody_are_counted_and_change_nothing),
		T(what_cannot_be_decoded_is_counted_and_the_conn_kept),
		T(an_announced_length_beyond_all_bounds_ends_the_conn),
		T(an_error_indication_refuses_the_request_it_names),
		T(restarts_and_failures_are_reported_for_the_right_messages_and_cells),
		T(a_restart_of_no_cell_is_not_one_of_all),
		T(more_cells_than_a_bsc_has_are_all_cells),
		T(the_reset_policy_reports_all_lost_and_waits_for_the_reset),
		T(keep_alives_have_their_period_and_their_answer),
		T(an_operator_can_drop_the_conn),
		T(the_next_attempt_is_told_while_it_is_waited_for),
		T(listening_peers_share_a_socket_and_strangers_are_refused),
		T(configurations_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
