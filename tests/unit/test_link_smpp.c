/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Binding, and the life of the link. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <osmocom/core/utils.h>

#include "fake_smsc.h"

/* Binding */

static void a_transceiver_is_bound(void **state)
{
	struct smsc *s = *state;

	assert_int_equal(link_smpp_ops.open(s->peer), 0);
	assert_int_equal(s->peer->state, PEER_CONNECTING);
	s->fd = accept_conn(s);
	/* SMPP 3.4, 4.1.5: version 0x34, no address range. */
	expect_octets(s, "000000210000000900000000000100016362677700736563726574000034000000");
	assert_int_equal(s->peer->state, PEER_OPENING);
	/* OsmoMSC answers without a system id and without a version. */
	say_on(s, s->fd, SMPP_BIND_TRANSCEIVER | RESP, 0, 0x10001, "", 1);
	assert_int_equal(s->peer->state, PEER_UP);
	assert_string_equal(link_smpp_ops.protocol, "smpp");
	assert_string_equal(link_smpp_ops.bearer, "sms");
	assert_int_equal(link_smpp_ops.preference(s->peer), 10);
	assert_non_null(link_smpp_ops.remote(s->peer));
	assert_int_equal(link_smpp_ops.retry_ms(s->peer), -1);
}

static void a_bind_may_go_without_password_and_has_a_system_type(void **state)
{
	struct smsc *s = *state;

	s->config->password_file = NULL;
	s->config->system_type = (char *)"WARN";
	assert_int_equal(link_smpp_ops.open(s->peer), 0);
	s->fd = accept_conn(s);
	expect_octets(s, "0000001f0000000900000000000100016362677700005741524e0034000000");
}

static uint32_t expect_bind(struct smsc *s, int fd, const char *command, const char *body)
{
	uint8_t wanted[64];
	int len = osmo_hexparse(body, wanted, sizeof(wanted));

	read_from(s, fd);
	assert_string_equal(smpp_command_name(s->pdu.command), command);
	assert_int_equal(s->got_len, 16 + len);
	assert_memory_equal(s->got + 16, wanted, len);
	return s->pdu.sequence;
}

#define BIND_BODY "6362677700736563726574000034000000"

static void a_transmitter_and_a_receiver_are_up_when_both_are_bound(void **state)
{
	struct smsc *s = *state;
	uint32_t tx, rx;

	open_both(s);
	tx = expect_bind(s, s->fd, "bind_transmitter", BIND_BODY);
	rx = expect_bind(s, s->fd_rx, "bind_receiver", BIND_BODY);
	assert_int_not_equal(tx, rx);
	say_on(s, s->fd, SMPP_BIND_TRANSMITTER | RESP, 0, tx, "smsc", 5);
	assert_int_equal(s->peer->state, PEER_OPENING);
	assert_non_null(strstr(s->peer->why, "receiver"));
	/* OsmoMSC answers bind_receiver with the command of bind_transmitter. */
	say_on(s, s->fd_rx, SMPP_BIND_TRANSMITTER | RESP, 0, rx, "smsc", 5);
	assert_int_equal(s->peer->state, PEER_UP);
}

static void one_of_two_conns_lost_is_down_until_it_is_back(void **state)
{
	struct smsc *s = *state;

	open_both(s);
	bind_both(s);
	close(s->fd_rx);
	TURN_UNTIL(s->peer->state == PEER_DOWN);
	assert_non_null(strstr(s->peer->why, "receiver"));
	fake_advance_ms(link_smpp_ops.retry_ms(s->peer) + 1);
	s->fd_rx = accept_conn(s);
	read_from(s, s->fd_rx);
	assert_int_equal(s->pdu.command, SMPP_BIND_RECEIVER);
	say_on(s, s->fd_rx, SMPP_BIND_RECEIVER | RESP, 0, s->pdu.sequence, "", 1);
	assert_int_equal(s->peer->state, PEER_UP);
	nothing_is_sent(s);
}

static void a_refused_bind_is_told_and_tried_again(void **state)
{
	static const struct { uint32_t command, status; const char *name; } cases[] = {
		{ SMPP_BIND_TRANSCEIVER | RESP, 0x0e, "RINVPASWD" },
		{ SMPP_BIND_TRANSCEIVER | RESP, 0x0f, "RINVSYSID" },
		{ SMPP_BIND_TRANSCEIVER | RESP, 0x05, "RALYBND" },
		{ SMPP_BIND_TRANSCEIVER | RESP, 0x0d, "RBINDFAIL" },
		{ SMPP_BIND_TRANSCEIVER | RESP, 0x401, "0x401" },
		{ SMPP_GENERIC_NACK, 0x03, "RINVCMDID" },
		{ SMPP_GENERIC_NACK, 0x00, "refused" },
	};
	struct smsc *s = *state;
	size_t i;

	assert_int_equal(link_smpp_ops.open(s->peer), 0);
	s->fd = accept_conn(s);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t at_least_ms = 500 << i;

		read_from(s, s->fd);
		say(s, cases[i].command, cases[i].status, s->pdu.sequence);
		assert_int_equal(s->peer->state, PEER_DOWN);
		if (!strstr(s->peer->why, cases[i].name))
			fail_msg("%s: %s", cases[i].name, s->peer->why);
		assert_int_equal(s->peer->counters[PEER_CTR_CONN_REFUSED], i + 1);
		/* Half of the wait is certain, and it doubles up to 30 s. */
		assert_true(link_smpp_ops.retry_ms(s->peer) > OSMO_MIN(at_least_ms, 15000));
		reconnect(s);
		assert_true(strstr(s->peer->why, "connected") != NULL || s->peer->state != PEER_UP);
	}
	read_from(s, s->fd);
	say_on(s, s->fd, SMPP_BIND_TRANSCEIVER | RESP, 0, s->pdu.sequence, "", 1);
	assert_int_equal(s->peer->state, PEER_UP);
}

/* OsmoMSC says nothing to what it does not like. */
static void a_bind_without_answer_is_given_up(void **state)
{
	struct smsc *s = *state;

	open_link(s);
	fake_advance_ms(9900);
	assert_int_equal(s->peer->state, PEER_OPENING);
	fake_advance_ms(200);
	assert_int_equal(s->peer->state, PEER_DOWN);
	TURN_UNTIL(fake_at_end(s->fd));
}

static void only_the_answer_to_the_bind_opens_the_link(void **state)
{
	struct smsc *s = *state;

	open_link(s);
	say_on(s, s->fd, SMPP_BIND_TRANSCEIVER | RESP, 0, s->bind_sequence + 1, "", 1);
	say_on(s, s->fd, SMPP_SUBMIT_SM | RESP, 0, s->bind_sequence, "1", 2);
	say(s, SMPP_GENERIC_NACK, 3, 33);	/* the length of the bind */
	assert_int_equal(s->peer->unmatched, 3);
	assert_int_equal(s->peer->state, PEER_OPENING);
	bound(s);
	/* A second answer is none. */
	say(s, SMPP_BIND_TRANSCEIVER | RESP, 0x0e, s->bind_sequence);
	assert_int_equal(s->peer->state, PEER_UP);
}

static void without_a_password_there_is_no_bind(void **state)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "", "empty" },
		{ "\nsecret\n", "empty" },
		{ "ninechars", "longer" },
		{ "much longer than any password may be\n", "longer" },
	};
	struct smsc *s = *state;
	size_t i;

	unlink(s->path);
	assert_int_equal(link_smpp_ops.open(s->peer), 0);
	s->fd = accept_conn(s);
	TURN_UNTIL(s->peer->state == PEER_DOWN);
	assert_non_null(strstr(s->peer->why, "No such file"));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		write_password(s, cases[i].text);
		reconnect(s);
		TURN_UNTIL(s->peer->state == PEER_DOWN);
		if (!strstr(s->peer->why, "password") || !strstr(s->peer->why, cases[i].why))
			fail_msg("\"%s\": %s", cases[i].text, s->peer->why);
		assert_int_equal(recv(s->fd, s->got, 1, 0), 0);
	}
	/* A FIFO blocks nothing. */
	unlink(s->path);
	assert_int_equal(mkfifo(s->path, 0600), 0);
	reconnect(s);
	TURN_UNTIL(s->peer->state == PEER_DOWN);
	unlink(s->path);
	write_password(s, "eight888\r\n");
	reconnect(s);
	read_from(s, s->fd);
	assert_string_equal(s->pdu.password, "eight888");
}

static void a_wrong_configuration_is_refused(void **state)
{
	struct smsc *s = *state;
	struct smpp_config good = *s->config, c;
	struct problem problem;

	assert_int_equal(smpp_config_check(&good, NULL), 0);
#define WRONG(field, named) do { \
	c = good; \
	c.field; \
	assert_int_equal(smpp_config_check(&c, &problem), -EINVAL); \
	assert_string_equal(problem.where, named); \
} while (0)
	WRONG(system_id = NULL, "system-id");
	WRONG(system_id = (char *)"", "system-id");
	WRONG(system_id = (char *)"sixteencharacter", "system-id");
	WRONG(system_id = (char *)"b\303\244h", "system-id");
	WRONG(system_type = (char *)"thirteenchars", "system-type");
	WRONG(link.role = LINK_LISTEN; c.link.local_port = 1, "role");
	WRONG(bind = SMPP_BIND_AS_TRANSMITTER_RECEIVER; c.link.local_port = 1, "local-port");
	WRONG(preference = 0, "preference");
	WRONG(preference = 100, "preference");
	WRONG(window = 0, "window");
	WRONG(window = 1001, "window");
	WRONG(rate = 10001, "rate");
	WRONG(response_timeout_s = 4, "response-timeout");
	WRONG(response_timeout_s = 601, "response-timeout");
	WRONG(link.keep_alive_s = 0, "keep-alive");
	WRONG(link.remote_ip = NULL, "remote-ip");
	s->config->window = 0;
	assert_int_equal(link_smpp_ops.open(s->peer), -EINVAL);
	c = good;
	c.link.remote_port = 0;
	c.system_id = (char *)"fifteencharacte";
	assert_int_equal(smpp_config_check(&c, NULL), 0);
}

static void the_second_conn_is_armed_again_too(void **state)
{
	struct smsc *s = *state;

	open_both(s);
	bind_both(s);
	fake_step_wall_s(-7200);
	link_rearm(link_smpp_link(s->peer));
	fake_advance_ms(30000);
	read_from(s, s->fd_rx);
	assert_int_equal(s->pdu.command, SMPP_ENQUIRE_LINK);
	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, SMPP_ENQUIRE_LINK);
}

/* The link */

static void a_lost_link_forgets_all(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence;

	come_up(s);
	sequence = submitted(s, 1);
	make_request(s, 2);
	s->targets[2] = s->targets[1];
	assert_int_equal(link_smpp_ops.submit(s->peer, &s->requests[2]), 0);
	close(s->fd);
	s->fd = -1;
	TURN_UNTIL(s->peer->state == PEER_DOWN);
	assert_int_equal(try_submit(s, 3), -ENOTCONN);
	assert_int_equal(caps_of(s).room, 0);
	/* What core had is gone, too. */
	s->peer->n_out = 0;
	memset(s->requests, 0xa5, sizeof(s->requests));
	fake_advance_ms(link_smpp_ops.retry_ms(s->peer) + 1);
	s->fd = accept_conn(s);
	read_from(s, s->fd);
	s->bind_sequence = s->pdu.sequence;
	bound(s);
	assert_int_equal(caps_of(s).room, 10);
	answer(s, sequence, SMPP_ROK, "");
	assert_int_equal(s->peer->unmatched, 1);
	assert_int_equal(s->peer->n_answers, 0);
	nothing_is_sent(s);
}

static void a_cut_in_the_middle_of_a_frame_answers_nothing(void **state)
{
	struct smsc *s = *state;
	uint8_t out[64];
	size_t n;

	come_up(s);
	n = put_pdu(out, SMPP_SUBMIT_SM | RESP, 0, submitted(s, 1), "", 1);
	assert_int_equal(send(s->fd, out, n - 1, 0), n - 1);
	close(s->fd);
	s->fd = -1;
	TURN_UNTIL(s->peer->state == PEER_DOWN);
	assert_int_equal(s->peer->n_answers, 0);
}

static void answers_in_pieces_are_put_together(void **state)
{
	struct smsc *s = *state;
	uint8_t out[64];
	size_t n, i;

	come_up(s);
	n = put_pdu(out, SMPP_SUBMIT_SM | RESP, 0, submitted(s, 1), "", 1);
	for (i = 0; i < n; i++) {
		assert_int_equal(s->peer->n_answers, 0);
		assert_int_equal(send(s->fd, out + i, 1, 0), 1);
		fake_turn();
		fake_turn();
	}
	TURN_UNTIL(s->peer->n_answers == 1);
	answered(s, 1, DELIVERED);
}

static void a_silent_centre_is_asked_and_then_left(void **state)
{
	struct smsc *s = *state;

	come_up(s);
	fake_advance_ms(30000);
	read_from(s, s->fd);
	assert_int_equal(s->got_len, 16);
	assert_int_equal(s->pdu.command, SMPP_ENQUIRE_LINK);
	say(s, SMPP_ENQUIRE_LINK | RESP, 0, s->pdu.sequence);
	fake_advance_ms(29000);
	/* Its own question shows as well that it is there. */
	say(s, SMPP_ENQUIRE_LINK, 0, 99);
	expect(s, SMPP_ENQUIRE_LINK | RESP, SMPP_ROK, 99);
	fake_advance_ms(29900);
	nothing_is_sent(s);
	fake_advance_ms(200);
	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, SMPP_ENQUIRE_LINK);
	fake_advance_ms(9000);
	assert_int_equal(s->peer->state, PEER_UP);
	fake_advance_ms(1100);
	assert_int_equal(s->peer->state, PEER_DOWN);
	TURN_UNTIL(fake_at_end(s->fd));
}

static void an_unbind_is_answered_and_followed_by_a_bind(void **state)
{
	struct smsc *s = *state;

	come_up(s);
	submitted(s, 1);
	say(s, SMPP_UNBIND, 0, 42);
	expect(s, SMPP_UNBIND | RESP, SMPP_ROK, 42);
	assert_int_equal(s->peer->state, PEER_DOWN);
	assert_non_null(strstr(s->peer->why, "unbound"));
	assert_int_equal(recv(s->fd, s->got, 1, 0), 0);
	reconnect(s);
	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, SMPP_BIND_TRANSCEIVER);
}

static void closing_unbinds(void **state)
{
	struct smsc *s = *state;

	come_up(s);
	link_smpp_ops.close(s->peer);
	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, SMPP_UNBIND);
	assert_int_equal(recv(s->fd, s->got, 1, 0), 0);
	assert_null(link_smpp_link(s->peer));
	assert_null(link_smpp_ops.remote(s->peer));
	assert_int_equal(link_smpp_ops.retry_ms(s->peer), -1);
	assert_int_equal(caps_of(s).room, 0);
	link_smpp_drop(s->peer);
}

static void an_operator_drops_both_conns(void **state)
{
	struct smsc *s = *state;

	open_both(s);
	bind_both(s);
	link_smpp_drop(s->peer);
	assert_int_equal(s->peer->state, PEER_DOWN);
	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, SMPP_UNBIND);
	read_from(s, s->fd_rx);
	assert_int_equal(s->pdu.command, SMPP_UNBIND);
	assert_true(link_smpp_ops.retry_ms(s->peer) > 0);
}

static void a_centre_that_forgot_the_bind_is_bound_again(void **state)
{
	struct smsc *s = *state;
	uint32_t a;

	come_up(s);
	a = submitted(s, 1);
	submitted(s, 2);
	answer(s, a, SMPP_RINVBNDSTS, "");
	/* It says that it did not take this one. */
	answered(s, 1, LATER);
	assert_int_equal(s->peer->n_answers, 1);
	assert_int_equal(s->peer->state, PEER_DOWN);
	assert_non_null(strstr(s->peer->why, "RINVBNDSTS"));
}

static void what_nobody_can_use_is_refused(void **state)
{
	static const uint32_t commands[] = {
		SMPP_DATA_SM, SMPP_SUBMIT_SM, 0x03, 0x15 << 8, 0x111, 0x7fffffff,
	};
	uint8_t body[600];
	struct smsc *s = *state;
	size_t i, n = put_deliver(body, 1, 1, NUMBER_1, 0, "x", "");

	open_link(s);
	/* Before the bind nothing is delivered. */
	say_on(s, s->fd, SMPP_DELIVER_SM, 0, 3, body, n);
	expect(s, SMPP_DELIVER_SM | RESP, SMPP_RINVBNDSTS, 3);
	say_on(s, s->fd, SMPP_ALERT_NOTIFICATION, 0, 3, "\004\006" IMSI_1 "\0\0\0\0", 21);
	assert_int_equal(s->peer->n_available, 0);
	assert_int_equal(s->peer->counters[PEER_CTR_RX_MALFORMED], 0);
	bound(s);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		say_on(s, s->fd, commands[i], 0, 1000 + i, body, n);
		expect(s, SMPP_GENERIC_NACK, SMPP_RINVCMDID, 1000 + i);
	}
	say_on(s, s->fd, SMPP_OUTBIND, 0, 9, "smsc\0secret", 12);
	expect(s, SMPP_GENERIC_NACK, SMPP_RINVCMDID, 9);
	say_on(s, s->fd, SMPP_DELIVER_SM, 0, 4, body, 10);
	expect(s, SMPP_GENERIC_NACK, SMPP_RINVCMDLEN, 4);
	assert_int_equal(s->peer->counters[PEER_CTR_RX_MALFORMED], 1);
	say_on(s, s->fd, SMPP_ALERT_NOTIFICATION, 0, 4, body, 3);
	assert_int_equal(s->peer->counters[PEER_CTR_RX_MALFORMED], 2);
	nothing_is_sent(s);
	assert_int_equal(s->peer->state, PEER_UP);
}

static void a_length_that_cannot_be_loses_the_link(void **state)
{
	static const uint8_t lengths[][4] = { { 0, 0, 0, 15 }, { 0, 1, 0, 1 }, { 255, 255, 255,
		255 } };
	struct smsc *s = *state;
	size_t i;

	come_up(s);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_int_equal(send(s->fd, lengths[i], 4, 0), 4);
		TURN_UNTIL(s->peer->state == PEER_DOWN);
		assert_string_equal(s->peer->why, "framing lost");
		reconnect(s);
		read_from(s, s->fd);
		s->bind_sequence = s->pdu.sequence;
		bound(s);
	}
}

/* Every command, any body: nothing but the counters moves, and the link lives or is bound anew. */
static void garbage_does_no_harm(void **state)
{
	static const uint32_t commands[] = {
		SMPP_GENERIC_NACK, SMPP_SUBMIT_SM | RESP, SMPP_DELIVER_SM, SMPP_DELIVER_SM | RESP,
		SMPP_ENQUIRE_LINK, SMPP_ALERT_NOTIFICATION, SMPP_DATA_SM,
			SMPP_BIND_TRANSCEIVER | RESP,
	};
	struct smsc *s = *state;
	unsigned int seed = 20261124, i;

	come_up_to_store(s);
	submitted(s, 1);
	print_message("seed %u\n", seed);
	srand(seed);
	for (i = 0; i < 3000; i++) {
		uint8_t body[256];
		size_t len = rand() % sizeof(body), k;

		for (k = 0; k < len; k++)
			body[k] = rand() % 3 ? rand() % 10 : rand();
		say_on(s, s->fd, commands[rand() % ARRAY_SIZE(commands)], rand() % 2,
			rand() % 100000 + 1,
		       body, len);
		while (recv(s->fd, s->got, sizeof(s->got), MSG_DONTWAIT) > 0)
			;
		/* The one sequence number that means something is not among them. */
		assert_int_equal(s->peer->state, PEER_UP);
	}
	assert_int_equal(s->peer->n_answers, 0);
	assert_int_equal(s->peer->n_receipts, 0);
}

static void the_mode_stays_while_the_link_is_open(void **state)
{
	struct smsc *s = *state;
	uint32_t sequence;

	come_up_to_store(s);
	sequence = submitted(s, 1);
	/* Stored is not delivered, whatever is configured since. */
	s->config->mode = SMPP_MODE_TRANSACTION;
	s->config->window = 1;
	answer(s, sequence, SMPP_ROK, "1");
	answered(s, 1, DONE);
	assert_int_equal(caps_of(s).window, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_transceiver_is_bound),
		TEST(a_bind_may_go_without_password_and_has_a_system_type),
		TEST(a_transmitter_and_a_receiver_are_up_when_both_are_bound),
		TEST(one_of_two_conns_lost_is_down_until_it_is_back),
		TEST(a_refused_bind_is_told_and_tried_again),
		TEST(a_bind_without_answer_is_given_up),
		TEST(only_the_answer_to_the_bind_opens_the_link),
		TEST(without_a_password_there_is_no_bind),
		TEST(a_wrong_configuration_is_refused),
		TEST(the_second_conn_is_armed_again_too),
		TEST(a_lost_link_forgets_all),
		TEST(a_cut_in_the_middle_of_a_frame_answers_nothing),
		TEST(answers_in_pieces_are_put_together),
		TEST(a_silent_centre_is_asked_and_then_left),
		TEST(an_unbind_is_answered_and_followed_by_a_bind),
		TEST(closing_unbinds),
		TEST(an_operator_drops_both_conns),
		TEST(a_centre_that_forgot_the_bind_is_bound_again),
		TEST(what_nobody_can_use_is_refused),
		TEST(a_length_that_cannot_be_loses_the_link),
		TEST(garbage_does_no_harm),
		TEST(the_mode_stays_while_the_link_is_open),
	};

	return cmocka_run_group_tests_name("link_smpp", tests, NULL, NULL);
}
