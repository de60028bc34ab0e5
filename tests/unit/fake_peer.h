/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Core as the tests of link/ need it: a struct peer that remembers what it was told; sockets for
 *  the far end; a clock that stands still until it is moved. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/codec/sms.h>
#include <tocsin/core/peer.h>

#define FAKE_MAX 2048
#define FAKE_OUT 1024
#define FAKE_HANDLE 66

/*! A request of one recipient that was answered. */
struct fake_answer {
	uint32_t id;
	enum peer_answer answer;
	uint8_t cause;
	size_t n_handles;
	char handles[SMS_MAX_PARTS][FAKE_HANDLE];
};

/*! A handle whose receipt is awaited, or came. */
struct fake_handle {
	char handle[FAKE_HANDLE];
	struct target target;
	struct recipient_detail detail;
	enum peer_answer answer;
	uint8_t cause;
};

struct peer {
	const char *name;
	void *config;
	void *link;
	enum peer_state state;
	char why[128];
	enum peer_state history[64];
	unsigned int n_history;
	unsigned int counters[16];
	unsigned int ready, unmatched;
	const struct peer_request *requests[_NUM_PEER_VERB];	/*!< outstanding */
	unsigned int n_done;
	struct peer_result results[FAKE_MAX];			/*!< of the last answer */
	unsigned int n_losses;
	enum peer_loss loss;					/*!< the last one */
	enum message_kind loss_kind;
	struct target_pattern patterns[8];
	size_t n_patterns;
	enum peer_state state_at_loss;
	/* Of short messages: requests by their id. */
	const struct peer_request *out[FAKE_OUT];
	unsigned int n_out;
	unsigned int n_goes_on;
	uint32_t last_goes_on;					/*!< the request's id */
	struct fake_answer answers[FAKE_OUT];			/*!< in the order they came */
	unsigned int n_answers;
	struct fake_handle awaited[FAKE_OUT];
	unsigned int n_awaited;
	struct fake_handle receipts[FAKE_OUT];			/*!< in the order they came */
	unsigned int n_receipts;
	unsigned int n_hints, n_available;
	struct target hinted, available;			/*!< the last one */
	uint8_t hinted_reference;
};

struct peer *fake_peer(void *ctx, const char *name);

/*! A request is outstanding from now on, until it is answered or forgotten. */
void fake_request(struct peer *peer, const struct peer_request *request);
void fake_forget(struct peer *peer, uint32_t id);

/*! Start the tests: log, safe FSMs, a clock of our own. */
void fake_start(void);
/*! Let all clocks go on, and the timers with them. */
void fake_advance_ms(int64_t ms);
/*! Step the wall clock only. */
void fake_step_wall_s(int64_t s);

/*! One round of the loop, without waiting. */
void fake_turn(void);
/*! Turn the loop until the condition holds; five real seconds at most. */
#define TURN_UNTIL(cond) do { \
	int64_t end_ = fake_real_ms() + 5000; \
	while (!(cond) && fake_real_ms() < end_) \
		fake_turn(); \
	assert_true(cond); \
} while (0)
int64_t fake_real_ms(void);

/*! Connections that listeners refused, as /metrics counts them. */
uint64_t fake_refused(void);

/*! A socket bound to a free port of 127.0.0.1, listening or only holding the port. */
int fake_bind(uint16_t *port, bool listening);
/*! Connect to a port of 127.0.0.1, from a given one unless it is 0. */
int fake_connect(uint16_t port, uint16_t from);
/*! Accept, turning the loop meanwhile. */
int fake_accept(int listening);
uint16_t fake_remote_port(int fd);
/*! Read exactly so many octets, turning the loop meanwhile. \returns octets read before EOF. */
size_t fake_read(int fd, void *buf, size_t len);
/*! True once the far end has closed; what it has sent before is dropped. */
bool fake_at_end(int fd);
