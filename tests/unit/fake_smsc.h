/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A message centre as the tests of the SMPP link need it: it reads and writes octets. What we send
 *  is compared with literal octets, and looked through with our own decoder only where a single
 *  field matters. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/codec/smpp.h>
#include <tocsin/core/message.h>
#include <tocsin/link/link_smpp.h>

#include "fake_peer.h"

#define NONE PEER_ANSWER_NONE
#define DONE PEER_ANSWER_DONE
#define REFUSED PEER_ANSWER_REFUSED
#define IMPOSSIBLE PEER_ANSWER_IMPOSSIBLE
#define DELIVERED PEER_ANSWER_DELIVERED
#define LATER PEER_ANSWER_LATER
#define GIVEN_UP PEER_ANSWER_GIVEN_UP

#define RESP SMPP_RESPONSE
#define MAX_REQUESTS 1024

/* Of request 1. */
#define NUMBER_1 "88123001"
#define IMSI_1 "001010000000001"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

struct smsc {
	struct peer *peer;
	struct smpp_config *config;
	int listening;
	int fd;			/* the centre's end of the conn that submits */
	int fd_rx;		/* of the receiver's, or -1 */
	uint32_t bind_sequence;
	char path[64];		/* of the password */
	uint8_t got[2048];
	size_t got_len;
	struct smpp_pdu pdu;	/* the same, decoded */
	struct short_message sms;
	struct message message;
	struct peer_request requests[MAX_REQUESTS];
	struct target targets[MAX_REQUESTS];
	struct recipient_detail details[MAX_REQUESTS];
};

/*! Text of each part: "AAAA" and its number. */
void set_parts(struct short_message *sms, unsigned int n);
/*! What the file of the password holds from now on. */
void write_password(struct smsc *s, const char *text);
/*! cmocka fixtures: state is a struct smsc, and no link is open. */
int setup(void **state);
int teardown(void **state);
/*! Read a whole PDU into got and pdu. */
void read_from(struct smsc *s, int fd);
/*! Read a PDU that has exactly these octets. */
void expect_octets(struct smsc *s, const char *hex);
/*! Read a PDU that has this header. */
void expect(struct smsc *s, uint32_t command, uint32_t status, uint32_t sequence);
/*! Nor will anything be, as long as the clock stands still. */
void nothing_is_sent(struct smsc *s);
/*! Octets of a PDU. \returns how many. */
size_t put_pdu(uint8_t *out, uint32_t command, uint32_t status, uint32_t sequence,
	       const void *body, size_t len);
/*! Send a PDU on that conn, and wait until it was taken. */
void say_on(struct smsc *s, int fd, uint32_t command, uint32_t status, uint32_t sequence,
	    const void *body, size_t len);
void say(struct smsc *s, uint32_t command, uint32_t status, uint32_t sequence);
/*! A submit_sm_resp: with a message id where it is ROK. */
void answer(struct smsc *s, uint32_t sequence, uint32_t status, const char *id);
/*! The next conn that the link opens. */
int accept_conn(struct smsc *s);
/*! Open the link and take its conn; the bind is read. */
void open_link(struct smsc *s);
/*! Answer the bind. */
void bound(struct smsc *s);
/*! Open the link, take its conn, bind it. */
void come_up(struct smsc *s);
/*! The next attempt, after the wait. */
void reconnect(struct smsc *s);
/*! A transmitter and a receiver: both conns stand; the binds are not read. */
void open_both(struct smsc *s);
/*! And they are bound. */
void bind_both(struct smsc *s);
/*! Request nr, from 1: to IMSI 001010000000000 + nr, number 88123000 + nr. */
struct peer_request *make_request(struct smsc *s, unsigned int nr);
/*! As core does it. \returns what submit() says. */
int try_submit(struct smsc *s, unsigned int nr);
/*! The same, and it must be taken. */
void submit(struct smsc *s, unsigned int nr);
/*! Read a submit_sm to the recipient of that request. \returns its sequence number. */
uint32_t expect_submit(struct smsc *s, unsigned int nr);
/*! Submit it and read it. \returns its sequence number. */
uint32_t submitted(struct smsc *s, unsigned int nr);
const struct fake_answer *last_answer(const struct smsc *s);
/*! The last answer that core got is that one. */
void answered(const struct smsc *s, unsigned int nr, enum peer_answer wanted);
struct peer_caps caps_of(const struct smsc *s);
size_t put_string(uint8_t *out, const char *text);
/*! Body of a deliver_sm (4.6.1). \returns its length. */
size_t put_deliver(uint8_t *out, uint8_t ton, uint8_t npi, const char *source,
		   uint8_t esm_class, const char *text, const char *tlvs);
/*! A deliver_sm on that conn; its acknowledgement is checked. */
void deliver_on(struct smsc *s, int fd, uint8_t npi, const char *source, uint8_t esm_class,
		const char *text, const char *tlvs);
/*! The same as a receipt from a number. */
void receipt(struct smsc *s, const char *number, const char *text);
/*! come_up() in store mode. */
void come_up_to_store(struct smsc *s);
