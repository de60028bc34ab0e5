/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fake_smsc.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

static void set_text(struct short_message *sms, const char *text)
{
	sms->parts = (struct sms_text){ .alphabet = SMS_GSM7, .n = 1 };
	sms->parts.part[0].len = strlen(text);
	memcpy(sms->parts.part[0].octets, text, strlen(text));
}

void set_parts(struct short_message *sms, unsigned int n)
{
	unsigned int i;

	sms->parts = (struct sms_text){ .alphabet = SMS_GSM7, .n = n };
	sms->protocol_id = 0;
	for (i = 0; i < n; i++) {
		sms->parts.part[i].len = 5;
		memset(sms->parts.part[i].octets, 'A', 4);
		sms->parts.part[i].octets[4] = i + 1;
	}
}

void write_password(struct smsc *s, const char *text)
{
	FILE *f = fopen(s->path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

int setup(void **state)
{
	struct smsc *s = talloc_zero(NULL, struct smsc);
	int fd;

	fake_start();
	s->peer = fake_peer(s, "smsc-1");
	s->peer->config = s->config = smpp_config_alloc(s->peer);
	s->config->link.remote_ip = (char *)"127.0.0.1";
	s->config->system_id = (char *)"cbgw";
	s->listening = fake_bind(&s->config->link.remote_port, true);
	s->fd = s->fd_rx = -1;
	snprintf(s->path, sizeof(s->path), "%s/test_link_smpp.XXXXXX", "/tmp");
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	close(fd);
	write_password(s, "secret\nsecond line\n");
	s->config->password_file = s->path;
	s->sms = (struct short_message){
		.sender = { .kind = SENDER_ALPHANUMERIC, .text = "Warning" },
		.protocol_id = MESSAGE_PID_REPLACE, .reference = 200,
	};
	set_text(&s->sms, "Storm");
	s->message = (struct message){
		.nr = 1, .kind = MESSAGE_SHORT, .class = MESSAGE_CLASS_NATIONAL, .language = "en",
		.text = "Storm", .sms = &s->sms,
	};
	*state = s;
	return 0;
}

int teardown(void **state)
{
	struct smsc *s = *state;

	link_smpp_ops.close(s->peer);
	assert_null(s->peer->link);
	close(s->listening);
	if (s->fd >= 0)
		close(s->fd);
	if (s->fd_rx >= 0)
		close(s->fd_rx);
	unlink(s->path);
	talloc_free(s);
	return 0;
}

/* Octets */

static uint32_t number_at(const uint8_t *octets)
{
	return (uint32_t)octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3];
}

void read_from(struct smsc *s, int fd)
{
	assert_int_equal(fake_read(fd, s->got, 4), 4);
	s->got_len = number_at(s->got);
	assert_in_range(s->got_len, SMPP_HEADER_LEN, sizeof(s->got));
	assert_int_equal(fake_read(fd, s->got + 4, s->got_len - 4), s->got_len - 4);
	assert_int_equal(smpp_decode(s->got, s->got_len, &s->pdu), 0);
}

void expect_octets(struct smsc *s, const char *hex)
{
	uint8_t wanted[1024];
	int len = osmo_hexparse(hex, wanted, sizeof(wanted));

	assert_true(len > 0);
	read_from(s, s->fd);
	if (s->got_len != (size_t)len || memcmp(s->got, wanted, len))
		fail_msg("sent %s\n wanted %s", osmo_hexdump_nospc(s->got, s->got_len), hex);
}

void expect(struct smsc *s, uint32_t command, uint32_t status, uint32_t sequence)
{
	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, command);
	assert_int_equal(s->pdu.status, status);
	assert_int_equal(s->pdu.sequence, sequence);
}

void nothing_is_sent(struct smsc *s)
{
	int i;

	for (i = 0; i < 20; i++)
		fake_turn();
	assert_int_equal(recv(s->fd, s->got, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

size_t put_pdu(uint8_t *out, uint32_t command, uint32_t status, uint32_t sequence,
	       const void *body, size_t len)
{
	const uint32_t header[] = { SMPP_HEADER_LEN + len, command, status, sequence };
	size_t i;

	for (i = 0; i < 16; i++)
		out[i] = header[i / 4] >> (24 - i % 4 * 8);
	memcpy(out + 16, body, len);
	return 16 + len;
}

void say_on(struct smsc *s, int fd, uint32_t command, uint32_t status, uint32_t sequence,
	    const void *body, size_t len)
{
	unsigned int before = s->peer->counters[PEER_CTR_RX];
	uint8_t out[1024];
	size_t n = put_pdu(out, command, status, sequence, body, len);

	assert_int_equal(send(fd, out, n, 0), n);
	TURN_UNTIL(s->peer->counters[PEER_CTR_RX] > before);
}

void say(struct smsc *s, uint32_t command, uint32_t status, uint32_t sequence)
{
	say_on(s, s->fd, command, status, sequence, "", 0);
}

void answer(struct smsc *s, uint32_t sequence, uint32_t status, const char *id)
{
	say_on(s, s->fd, SMPP_SUBMIT_SM | RESP, status, sequence, id, status ? 0 : strlen(id) + 1);
}

int accept_conn(struct smsc *s)
{
	int fd = fake_accept(s->listening), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	return fd;
}

void open_link(struct smsc *s)
{
	assert_int_equal(link_smpp_ops.open(s->peer), 0);
	s->fd = accept_conn(s);
	read_from(s, s->fd);
	s->bind_sequence = s->pdu.sequence;
}

void bound(struct smsc *s)
{
	say_on(s, s->fd, SMPP_BIND_TRANSCEIVER | RESP, 0, s->bind_sequence, "", 1);
	assert_int_equal(s->peer->state, PEER_UP);
}

void come_up(struct smsc *s)
{
	open_link(s);
	bound(s);
}

void reconnect(struct smsc *s)
{
	int64_t wait_ms = link_smpp_ops.retry_ms(s->peer);

	assert_true(wait_ms >= 0);
	close(s->fd);
	fake_advance_ms(wait_ms + 1);
	s->fd = accept_conn(s);
}

void open_both(struct smsc *s)
{
	s->config->bind = SMPP_BIND_AS_TRANSMITTER_RECEIVER;
	assert_int_equal(link_smpp_ops.open(s->peer), 0);
	s->fd = accept_conn(s);
	s->fd_rx = accept_conn(s);
}

void bind_both(struct smsc *s)
{
	read_from(s, s->fd);
	say_on(s, s->fd, SMPP_BIND_TRANSMITTER | RESP, 0, s->pdu.sequence, "", 1);
	read_from(s, s->fd_rx);
	say_on(s, s->fd_rx, SMPP_BIND_RECEIVER | RESP, 0, s->pdu.sequence, "", 1);
	assert_int_equal(s->peer->state, PEER_UP);
}

struct peer_request *make_request(struct smsc *s, unsigned int nr)
{
	struct peer_request *r = &s->requests[nr];

	s->targets[nr] = (struct target){
		.type = TARGET_IMSI, .value = 1010000000000 + nr, .mnc_digits = 15,
	};
	s->details[nr] = (struct recipient_detail){ .msisdn = { 88123000 + nr, 8 } };
	*r = (struct peer_request){
		.id = nr, .verb = PEER_WRITE, .message = &s->message, .targets = &s->targets[nr],
		.details = &s->details[nr], .n_targets = 1, .remaining_s = 5400,
	};
	return r;
}

int try_submit(struct smsc *s, unsigned int nr)
{
	struct peer_request *r = make_request(s, nr);
	int rc = link_smpp_ops.submit(s->peer, r);

	/* As core does: it is outstanding once the link has taken it. */
	if (!rc)
		fake_request(s->peer, r);
	return rc;
}

void submit(struct smsc *s, unsigned int nr)
{
	assert_int_equal(try_submit(s, nr), 0);
}

uint32_t expect_submit(struct smsc *s, unsigned int nr)
{
	char imsi[TARGET_TEXT_LEN];

	read_from(s, s->fd);
	assert_int_equal(s->pdu.command, SMPP_SUBMIT_SM);
	snprintf(imsi, sizeof(imsi), "001010000000%03u", nr);
	assert_string_equal(s->pdu.destination.digits, imsi);
	return s->pdu.sequence;
}

uint32_t submitted(struct smsc *s, unsigned int nr)
{
	submit(s, nr);
	return expect_submit(s, nr);
}

const struct fake_answer *last_answer(const struct smsc *s)
{
	assert_true(s->peer->n_answers > 0);
	return &s->peer->answers[s->peer->n_answers - 1];
}

void answered(const struct smsc *s, unsigned int nr, enum peer_answer wanted)
{
	assert_int_equal(last_answer(s)->id, nr);
	assert_int_equal(last_answer(s)->answer, wanted);
}

struct peer_caps caps_of(const struct smsc *s)
{
	struct peer_caps caps;

	link_smpp_ops.caps(s->peer, &caps);
	return caps;
}

size_t put_string(uint8_t *out, const char *text)
{
	memcpy(out, text, strlen(text) + 1);
	return strlen(text) + 1;
}

size_t put_deliver(uint8_t *out, uint8_t ton, uint8_t npi, const char *source,
		   uint8_t esm_class, const char *text, const char *tlvs)
{
	size_t n = put_string(out, "");

	out[n++] = ton;
	out[n++] = npi;
	n += put_string(out + n, source);
	out[n++] = 5;
	out[n++] = 0;
	n += put_string(out + n, "Warning");
	out[n++] = esm_class;
	/* PID, priority, two times, registered delivery, replace, coding, default message. */
	memset(out + n, 0, 8);
	n += 8;
	out[n++] = strlen(text);
	memcpy(out + n, text, strlen(text));
	n += strlen(text);
	return n + osmo_hexparse(tlvs, out + n, 256);
}

void deliver_on(struct smsc *s, int fd, uint8_t npi, const char *source, uint8_t esm_class,
		const char *text, const char *tlvs)
{
	uint8_t body[600];
	size_t len = put_deliver(body, npi == SMPP_NPI_IMSI ? 4 : 1, npi, source, esm_class, text,
		tlvs);

	say_on(s, fd, SMPP_DELIVER_SM, 0, 77, body, len);
	/* Always acknowledged, with an empty message id (4.6.2). */
	read_from(s, fd);
	assert_int_equal(s->pdu.command, SMPP_DELIVER_SM | RESP);
	assert_int_equal(s->pdu.status, SMPP_ROK);
	assert_int_equal(s->pdu.sequence, 77);
	assert_int_equal(s->got_len, 17);
	assert_int_equal(s->got[16], 0);
}

void receipt(struct smsc *s, const char *number, const char *text)
{
	deliver_on(s, s->fd, SMPP_NPI_E164, number, SMPP_ESM_RECEIPT, text, "");
}

void come_up_to_store(struct smsc *s)
{
	s->config->mode = SMPP_MODE_STORE;
	come_up(s);
}
