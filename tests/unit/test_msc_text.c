/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The texts were recorded from osmo-msc 1.9.0 of Debian 12, octet for octet. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/link/msc_text.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_FOUND 8

static const char greeting[] =
	"Welcome to the OsmoMSC VTY interface\r\n\r\n"
	"OsmoMSC - Osmocom Circuit-Switched Core Network implementation\r\n"
	"Copyright (C) 2016 by sysmocom s.f.m.c. GmbH <info@sysmocom.de>\r\n"
	"Based on OsmoNITB:\r\n  (C) 2008-2010 by Harald Welte <laforge@gnumonks.org>\r\n"
	"  (C) 2009-2012 by Holger Hans Peter Freyther <zecke@selfish.org>\r\n"
	"Contributions by Daniel Willmann, Jan L\xc3\xbc" "bbe, Stefan Schmidt\r\n"
	"Dieter Spaar, Andreas Eversberg, Sylvain Munaut, Neels Hofmeyr\r\n\r\n"
	"License AGPLv3+: GNU AGPL version 3 or later <http://gnu.org/licenses/agpl-3.0.html>\r\n"
	"This is free software: you are free to change and redistribute it.\r\n"
	"There is NO WARRANTY, to the extent permitted by law.\r\n"
	"\xff\xfb\x01\xff\xfb\x03\xff\xfe\"\xff\xfd\x1fOsmoMSC> ";

#define FLAGS \
	"    Flags: \r\n" \
	"      IMSI detached:                  false\r\n" \
	"      Conf. by radio contact:         true\r\n" \
	"      Subscr. data conf. by HLR:      true\r\n" \
	"      Location conf. in HLR:          true\r\n" \
	"      Subscriber dormant:             false\r\n" \
	"      Received cancel location:       false\r\n" \
	"      MS not reachable:               false\r\n" \
	"      LA allowed:                     true\r\n"
#define SGS \
	"    SGs-state: SGs-NULL\r\n" \
	"    SGs-MME: (none)\r\n"
#define ECHO_2 "show subscriber imsi 001010000000002\r\n"
#define HEAD_2 ECHO_2 "  Subscriber: \r\n"
#define TAIL \
	FLAGS \
	"    Expires: in 59 min 58 sec\r\n" \
	"    Paging: not paging for 0 requests\r\n" \
	SGS \
	"    Use count total: 1\r\n" \
	"    Use count: 1 (attached)\r\n" \
	"OsmoMSC> "

static const char where[] =
	HEAD_2
	"    MSISDN: 49170000001\r\n"
	"    LAC / cell ID: 100 / 1001\r\n"
	"    RAN type: GERAN-A\r\n"
	"    IMSI: 001010000000002\r\n"
	"    TMSI: 13E5AF4B\r\n"
	TAIL;

static const char where_busy[] =
	HEAD_2
	"    MSISDN: 49170000001\r\n"
	"    LAC / cell ID: 100 / 1001\r\n"
	"    RAN type: GERAN-A\r\n"
	"    IMSI: 001010000000002\r\n"
	"    TMSI: 032949E9\r\n"
	"    IMEI: 35609204000001\r\n"
	FLAGS
	"    Expires: never\r\n"
	"    Paging: is paging for 1 requests\r\n"
	SGS
	"    Use count total: 4\r\n"
	"    Use count: 4 (attached,SMS-receiver,SMS,Paging)\r\n"
	"OsmoMSC> ";

static const char nobody[] = ECHO_2 "% No subscriber found for imsi 001010000000002\r\nOsmoMSC> ";

#define ECHO_LIST "show fsm-instances SGs-UE\r\n"
#define DETAIL " Log-Level: 'INFO', State: 'SGs-NULL'\r\n"
static const char list[] =
	ECHO_LIST
	"FSM Instance Name: 'SGs-UE(imsi:001010000000003)[0x559418eb7210]', ID: 'imsi:001010000000003'\r\n" DETAIL
	"FSM Instance Name: 'SGs-UE(num:2)[0x559418eb3890]', ID: 'num:2'\r\n" DETAIL
	"FSM Instance Name: 'SGs-UE(imsi:001010000000001)[0x559418eb0b30]', ID: 'imsi:001010000000001'\r\n" DETAIL
	"OsmoMSC> ";

struct reading {
	struct msc_answer answer;
	struct msc_subscriber found[MAX_FOUND];
	size_t n;
	int refuse;		/* what on_subscriber() says */
	struct problem problem;
};

static int on_subscriber(void *priv, const struct msc_subscriber *s, struct problem *problem)
{
	struct reading *r = priv;

	if (r->refuse)
		return problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0, "enough"), r->refuse;
	assert_true(r->n < MAX_FOUND);
	r->found[r->n++] = *s;
	return 0;
}

static struct target imsi_of(const char *digits)
{
	struct target imsi;

	assert_int_equal(target_parse(TARGET_IMSI, digits, strlen(digits), &imsi, NULL), 0);
	return imsi;
}

/* Read a text as a conn would cut it. \returns what the last piece gave. */
static int read_all(struct reading *r, enum msc_question question, const char *text)
{
	struct target about = imsi_of("001010000000002");
	size_t len = strlen(text), pos = 0;
	int rc = 0;

	memset(r->found, 0, sizeof(r->found));
	memset(&r->problem, 0, sizeof(r->problem));
	r->n = 0;
	r->answer.on_subscriber = on_subscriber;
	r->answer.priv = r;
	msc_answer_begin(&r->answer, question, question == MSC_WHERE ? &about : NULL);
	while (!rc && pos < len) {
		int n = msc_frame_len((const uint8_t *)text + pos, len - pos);

		assert_in_range(n, 1, len - pos);
		rc = msc_answer_read(&r->answer, (const uint8_t *)text + pos, n, &r->problem);
		pos += n;
	}
	if (rc > 0)
		assert_int_equal(pos, len);
	return rc;
}

static void the_stream_is_cut_into_lines_prompts_and_telnet_commands(void **state)
{
	static const struct {
		const char *data;
		int len;	/* of the first piece */
	} cases[] = {
		{ "", 0 },
		{ "  Subscriber: \r\n    IMSI", 16 },
		{ "  Subscriber: \r", 0 },
		{ "\r\n", 2 },
		{ "\n\n", 1 },
		{ "OsmoMSC> ", 9 },
		{ "OsmoMSC> show uptime\r\n", 9 },
		{ "OsmoMSC# ", 9 },
		{ "msc-1.example_net> ", 19 },
		{ "OsmoMSC>", 0 },
		{ "OsmoMSC>\r\n", 10 },
		{ "OsmoMSC", 0 },
		{ "> x\n", 4 },
		{ "Copyright by <a@b.c> \n", 22 },
		{ "\xff\xfb\x01Osmo", 3 },
		{ "\xff\xfb", 3 },
		{ "\xff", 0 },
		{ "\xff\xfa\x01", -EPROTO },
		{ "\xff\xff", -EPROTO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# case %zu\n", i);
		assert_int_equal(msc_frame_len((const uint8_t *)cases[i].data, strlen(cases[i].data)),
				 cases[i].len);
	}
}

static void a_line_has_a_longest_length(void **state)
{
	uint8_t data[MSC_MAX_LINE + 2];

	(void)state;
	memset(data, ' ', sizeof(data));
	assert_int_equal(msc_frame_len(data, MSC_MAX_LINE - 1), 0);
	assert_int_equal(msc_frame_len(data, MSC_MAX_LINE), -EPROTO);
	data[MSC_MAX_LINE] = '\n';
	assert_int_equal(msc_frame_len(data, sizeof(data)), -EPROTO);
	data[MSC_MAX_LINE - 1] = '\n';
	assert_int_equal(msc_frame_len(data, sizeof(data)), MSC_MAX_LINE);
}

/* However TCP cuts it: a piece is found late, never otherwise. */
static void pieces_are_the_same_however_the_stream_arrives(void **state)
{
	const char *texts[] = { greeting, where, list };
	size_t i, pos, have, len;
	int whole, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		len = strlen(texts[i]);
		for (pos = 0; pos < len; pos += whole) {
			const uint8_t *data = (const uint8_t *)texts[i] + pos;

			whole = msc_frame_len(data, len - pos);
			assert_in_range(whole, 1, len - pos);
			for (have = 0; have < (size_t)whole; have++) {
				n = msc_frame_len(data, have);
				assert_true(n == 0 || n == whole);
			}
		}
	}
}

static void the_greeting_ends_with_a_prompt(void **state)
{
	struct reading r = {};

	(void)state;
	assert_int_equal(read_all(&r, MSC_GREETING, greeting), 1);
}

static void a_password_is_asked_for_in_vain(void **state)
{
	struct reading r = {};

	(void)state;
	assert_int_equal(read_all(&r, MSC_GREETING, "\r\nUser Access Verification\r\n"), -EINVAL);
	assert_int_equal(r.problem.code, PROBLEM_RECIPIENTS_SOURCE);
	assert_non_null(strstr(r.problem.detail, "password"));
}

static void a_subscriber_is_read(void **state)
{
	const char *texts[] = { where, where_busy };
	struct target wanted = imsi_of("001010000000002");
	struct reading r = {};
	char number[MSISDN_TEXT_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(read_all(&r, MSC_WHERE, texts[i]), 1);
		assert_int_equal(r.n, 1);
		assert_int_equal(target_compare(&r.found[0].imsi, &wanted), 0);
		assert_string_equal(msisdn_format(&r.found[0].msisdn, number, sizeof(number)), "49170000001");
		assert_int_equal(r.found[0].lac, 100);
		assert_int_equal(r.found[0].ci, 1001);
		assert_true(r.found[0].in_gsm);
	}
}

static void somebody_unknown_is_nobody(void **state)
{
	struct reading r = {};

	(void)state;
	assert_int_equal(read_all(&r, MSC_WHERE, nobody), 1);
	assert_int_equal(r.n, 0);
}

static void what_a_record_says_is_taken_as_it_is(void **state)
{
	static const struct {
		const char *name, *number, *cell, *ran;
		unsigned int digits, lac, ci;
		bool in_gsm;
	} cases[] = {
		{ "no number", "", "100 / 1001", "GERAN-A", 0, 100, 1001, true },
		{ "an extension is no number", "    MSISDN: 0815\r\n", "100 / 1001", "GERAN-A", 0, 100, 1001, true },
		{ "two digits are no number", "    MSISDN: 11\r\n", "100 / 1001", "GERAN-A", 0, 100, 1001, true },
		{ "fifteen digits", "    MSISDN: 491700000012345\r\n", "1 / 2", "GERAN-A", 15, 1, 2, true },
		{ "no cell yet", "", "100 / 0", "unknown", 0, 100, 0, false },
		{ "largest cell", "", "65535 / 65535", "GERAN-A", 0, 65535, 65535, true },
		{ "UMTS has service areas", "", "100 / 7", "UTRAN-Iu", 0, 100, 7, false },
		{ "LTE has other cells", "", "100 / 7", "EUTRAN-SGs", 0, 100, 7, false },
	};
	struct reading r = {};
	char text[2048];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# %s\n", cases[i].name);
		snprintf(text, sizeof(text), HEAD_2 "%s    LAC / cell ID: %s\r\n    RAN type: %s\r\n"
			 "    IMSI: 001010000000002\r\n" TAIL, cases[i].number, cases[i].cell, cases[i].ran);
		assert_int_equal(read_all(&r, MSC_WHERE, text), 1);
		assert_int_equal(r.n, 1);
		assert_int_equal(r.found[0].msisdn.digits, cases[i].digits);
		assert_int_equal(r.found[0].lac, cases[i].lac);
		assert_int_equal(r.found[0].ci, cases[i].ci);
		assert_int_equal(r.found[0].in_gsm, cases[i].in_gsm);
	}
}

static void the_list_has_those_with_an_imsi(void **state)
{
	struct target first = imsi_of("001010000000003"), second = imsi_of("001010000000001");
	struct reading r = {};

	(void)state;
	assert_int_equal(read_all(&r, MSC_LIST, list), 1);
	assert_int_equal(r.n, 2);
	assert_int_equal(target_compare(&r.found[0].imsi, &first), 0);
	assert_int_equal(target_compare(&r.found[1].imsi, &second), 0);
	assert_int_equal(read_all(&r, MSC_LIST, ECHO_LIST "OsmoMSC> "), 1);
	assert_int_equal(r.n, 0);
}

static void the_reader_of_a_list_can_have_enough(void **state)
{
	struct reading r = { .refuse = -E2BIG };

	(void)state;
	assert_int_equal(read_all(&r, MSC_LIST, list), -E2BIG);
	assert_int_equal(r.problem.code, PROBLEM_NO_MEMORY);
}

static void the_uptime_is_read_in_seconds(void **state)
{
	static const struct {
		const char *text;
		long seconds;
	} cases[] = {
		{ "OsmoMSC has been running for 0d 0h 0m 8s\r\n", 8 },
		{ "OsmoMSC has been running for 0d 0h 1m 36s\r\n", 96 },
		{ "OsmoMSC has been running for 400d 23h 59m 59s\r\n", 34646399 },
		{ "OsmoMSC has been running for 0d 0h 1m 60s\r\n", -1 },
		{ "OsmoMSC has been running for 0d 0h -1m 6s\r\n", -1 },
		{ "OsmoMSC has been running for 99999999999d 0h 0m 6s\r\n", -1 },
		{ "OsmoMSC has been running for 0d 0h 0m 8s or so\r\n", -1 },
		{ "OsmoMSC has been running for 0h 0m 8s\r\n", -1 },
		{ "% Unknown command.\r\n", -1 },
		{ "", -1 },
	};
	struct reading r = {};
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# case %zu\n", i);
		snprintf(text, sizeof(text), "show uptime\r\n%sOsmoMSC> ", cases[i].text);
		assert_int_equal(read_all(&r, MSC_UPTIME, text), 1);
		assert_int_equal(r.answer.uptime_s, cases[i].seconds);
	}
}

#define NUMBER "    MSISDN: 49170000001\r\n"
#define CELL "    LAC / cell ID: 100 / 1001\r\n"
#define RAN "    RAN type: GERAN-A\r\n"
#define IMSI "    IMSI: 001010000000002\r\n"

static void what_is_not_understood_is_an_error_with_its_line(void **state)
{
	static const struct {
		const char *name;
		enum msc_question question;
		const char *text;
		unsigned int line;
	} cases[] = {
		{ "no echo", MSC_WHERE, "OsmoMSC> ", 0 },
		{ "no echo of the list", MSC_LIST, "OsmoMSC> ", 0 },
		{ "echo of another command", MSC_WHERE, "show subscriber imsi 001010000000003\r\n", 1 },
		{ "echo of half the command", MSC_WHERE, "show subscriber imsi 00101000000000\r\n", 1 },
		{ "an answer where there is none", MSC_NO_PAGER, "terminal length 0\r\n% Unknown command.\r\n", 2 },
		{ "no answer", MSC_WHERE, ECHO_2 "OsmoMSC> ", 1 },
		{ "an unknown command", MSC_WHERE, ECHO_2 "% Unknown command.\r\n", 2 },
		{ "nobody else", MSC_WHERE, ECHO_2 "% No subscriber found for imsi 001010000000003\r\n", 2 },
		{ "nobody twice", MSC_WHERE, ECHO_2 "% No subscriber found for imsi 001010000000002\r\n"
		  "% No subscriber found for imsi 001010000000002\r\n", 3 },
		{ "nobody, and then somebody", MSC_WHERE,
		  ECHO_2 "% No subscriber found for imsi 001010000000002\r\n  Subscriber: \r\n", 3 },
		{ "another subscriber", MSC_WHERE, HEAD_2 "    IMSI: 001010000000003\r\n", 3 },
		{ "an IMSI with a letter", MSC_WHERE, HEAD_2 "    IMSI: 00101000000000x\r\n", 3 },
		{ "an IMSI too short", MSC_WHERE, HEAD_2 "    IMSI: 00101\r\n", 3 },
		{ "an IMSI twice", MSC_WHERE, HEAD_2 IMSI IMSI, 4 },
		{ "a cell twice", MSC_WHERE, HEAD_2 CELL CELL, 4 },
		{ "a cell twice, other first", MSC_WHERE, HEAD_2 "    LAC / cell ID: 1 / 1\r\n" IMSI CELL, 5 },
		{ "a LAC of 17 bits", MSC_WHERE, HEAD_2 "    LAC / cell ID: 65536 / 1\r\n", 3 },
		{ "a CI of 17 bits", MSC_WHERE, HEAD_2 "    LAC / cell ID: 1 / 65536\r\n", 3 },
		{ "a LAC in hex", MSC_WHERE, HEAD_2 "    LAC / cell ID: 0x1 / 1\r\n", 3 },
		{ "a negative CI", MSC_WHERE, HEAD_2 "    LAC / cell ID: 1 / -1\r\n", 3 },
		{ "no CI", MSC_WHERE, HEAD_2 "    LAC / cell ID: 1 / \r\n", 3 },
		{ "a LAC alone", MSC_WHERE, HEAD_2 "    LAC / cell ID: 1\r\n", 3 },
		{ "three numbers", MSC_WHERE, HEAD_2 "    LAC / cell ID: 1 / 2 / 3\r\n", 3 },
		{ "a number with a letter", MSC_WHERE, HEAD_2 "    MSISDN: none\r\n", 3 },
		{ "a line without indent", MSC_WHERE, HEAD_2 "LAC / cell ID: 1 / 2\r\n", 3 },
		{ "a second subscriber", MSC_WHERE, HEAD_2 NUMBER CELL RAN IMSI "  Subscriber: \r\n", 7 },
		{ "an empty line", MSC_WHERE, HEAD_2 "\r\n", 3 },
		{ "no IMSI", MSC_WHERE, HEAD_2 NUMBER CELL RAN TAIL, 20 },
		{ "no cell", MSC_WHERE, HEAD_2 NUMBER RAN IMSI TAIL, 20 },
		{ "no radio network", MSC_WHERE, HEAD_2 NUMBER CELL IMSI TAIL, 20 },
		{ "half a record", MSC_WHERE, HEAD_2 NUMBER CELL RAN IMSI FLAGS "OsmoMSC> ", 15 },
		{ "no such list", MSC_LIST, ECHO_LIST "Error: FSM with name 'SGs-UE' doesn't exist!\r\n", 2 },
		{ "a detail first", MSC_LIST, ECHO_LIST DETAIL, 2 },
		{ "another machine", MSC_LIST,
		  ECHO_LIST "FSM Instance Name: 'lu(imsi:001010000000003)[0x1]', ID: 'imsi:001010000000003'\r\n", 2 },
		{ "half an entry", MSC_LIST, ECHO_LIST "FSM Instance Name: 'SGs-UE(imsi:001010000000003)[0x1]'\r\n", 2 },
		{ "an entry cut in its name", MSC_LIST,
		  ECHO_LIST "FSM Instance Name: 'SGs-UE(imsi:001010000000003)[0x1]', ID: 'imsi:00101000\r\n", 2 },
		{ "something behind an entry", MSC_LIST,
		  ECHO_LIST "FSM Instance Name: 'SGs-UE(imsi:001010000000003)[0x1]', ID: 'imsi:001010000000003' x\r\n", 2 },
		{ "an entry without IMSI", MSC_LIST,
		  ECHO_LIST "FSM Instance Name: 'SGs-UE(imsi:)[0x1]', ID: 'imsi:'\r\n", 2 },
		{ "another kind of name", MSC_LIST,
		  ECHO_LIST "FSM Instance Name: 'SGs-UE(x)[0x1]', ID: '001010000000003'\r\n", 2 },
		{ "an entry after an error", MSC_LIST, ECHO_LIST
		  "FSM Instance Name: 'SGs-UE(num:2)[0x1]', ID: 'num:2'\r\n" DETAIL "% oops\r\n", 4 },
	};
	struct reading r = {};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# %s\n", cases[i].name);
		assert_int_equal(read_all(&r, cases[i].question, cases[i].text), -EINVAL);
		assert_int_equal(r.n, 0);
		assert_int_equal(r.problem.code, PROBLEM_RECIPIENTS_SOURCE);
		assert_int_equal(r.problem.line, cases[i].line);
		assert_true(r.problem.where[0] && r.problem.detail[0]);
		/* Problems are logged. */
		assert_null(strstr(r.problem.detail, "00101"));
		assert_null(strstr(r.problem.where, "00101"));
	}
}

static void commands_are_those_of_the_vty(void **state)
{
	struct target imsi = imsi_of("001010000000002"), longest = imsi_of("999999999999999");
	char buf[MSC_COMMAND_LEN];

	(void)state;
	assert_string_equal(msc_command(MSC_NO_PAGER, NULL, buf, sizeof(buf)), "terminal length 0");
	assert_string_equal(msc_command(MSC_UPTIME, NULL, buf, sizeof(buf)), "show uptime");
	assert_string_equal(msc_command(MSC_LIST, NULL, buf, sizeof(buf)), "show fsm-instances SGs-UE");
	assert_string_equal(msc_command(MSC_WHERE, &imsi, buf, sizeof(buf)),
			    "show subscriber imsi 001010000000002");
	assert_string_equal(msc_command(MSC_WHERE, &longest, buf, sizeof(buf)),
			    "show subscriber imsi 999999999999999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stream_is_cut_into_lines_prompts_and_telnet_commands),
		cmocka_unit_test(a_line_has_a_longest_length),
		cmocka_unit_test(pieces_are_the_same_however_the_stream_arrives),
		cmocka_unit_test(the_greeting_ends_with_a_prompt),
		cmocka_unit_test(a_password_is_asked_for_in_vain),
		cmocka_unit_test(a_subscriber_is_read),
		cmocka_unit_test(somebody_unknown_is_nobody),
		cmocka_unit_test(what_a_record_says_is_taken_as_it_is),
		cmocka_unit_test(the_list_has_those_with_an_imsi),
		cmocka_unit_test(the_reader_of_a_list_can_have_enough),
		cmocka_unit_test(the_uptime_is_read_in_seconds),
		cmocka_unit_test(what_is_not_understood_is_an_error_with_its_line),
		cmocka_unit_test(commands_are_those_of_the_vty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
