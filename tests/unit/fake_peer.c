/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fake_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <osmocom/core/fsm.h>
#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/timer_compat.h>

#include <tocsin/base/log.h>

struct peer *fake_peer(void *ctx, const char *name)
{
	struct peer *peer = talloc_zero(ctx, struct peer);

	peer->name = name;
	return peer;
}

void peer_set_state(struct peer *peer, enum peer_state state, const char *why)
{
	snprintf(peer->why, sizeof(peer->why), "%s", why);
	if (state == peer->state)
		return;
	peer->state = state;
	if (peer->n_history < sizeof(peer->history) / sizeof(peer->history[0]))
		peer->history[peer->n_history++] = state;
}

void peer_ready(struct peer *peer)
{
	peer->ready++;
}

const struct peer_request *peer_request_find(struct peer *peer, enum peer_verb verb,
					     uint16_t identifier, uint16_t serial)
{
	const struct peer_request *r = peer->requests[verb];

	return r && r->message->identifier == identifier && r->message->serial == serial ? r : NULL;
}

void fake_request(struct peer *peer, const struct peer_request *request)
{
	if (peer->n_out == FAKE_OUT)
		abort();
	peer->out[peer->n_out++] = request;
}

static bool take_out(struct peer *peer, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < peer->n_out; i++) {
		if (peer->out[i]->id == id) {
			peer->out[i] = peer->out[--peer->n_out];
			return true;
		}
	}
	return false;
}

void fake_forget(struct peer *peer, uint32_t id)
{
	if (!take_out(peer, id))
		abort();
}

const struct peer_request *peer_request_by_id(struct peer *peer, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < peer->n_out; i++) {
		if (peer->out[i]->id == id)
			return peer->out[i];
	}
	return NULL;
}

void peer_request_goes_on(struct peer *peer, const struct peer_request *request)
{
	peer->n_goes_on++;
	peer->last_goes_on = request->id;
}

static long awaited_index(const struct peer *peer, const char *handle)
{
	unsigned int i;

	for (i = 0; i < peer->n_awaited; i++) {
		if (!strcmp(peer->awaited[i].handle, handle))
			return i;
	}
	return -1;
}

static void await(struct peer *peer, const struct peer_request *request, const char *handle)
{
	long i = awaited_index(peer, handle);	/* the newer one has it */
	struct fake_handle *h = &peer->awaited[i < 0 ? peer->n_awaited++ : i];

	if (peer->n_awaited > FAKE_OUT)
		abort();
	*h = (struct fake_handle){ .target = request->targets[0] };
	if (request->details)
		h->detail = request->details[0];
	snprintf(h->handle, sizeof(h->handle), "%s", handle);
}

static void done_one(struct peer *peer, const struct peer_request *request,
		     const struct peer_result *result)
{
	struct fake_answer *a = &peer->answers[peer->n_answers++];
	size_t i;

	if (peer->n_answers > FAKE_OUT || result->n_handles > SMS_MAX_PARTS)
		abort();
	*a = (struct fake_answer){
		.id = request->id, .answer = result->answer, .cause = result->cause,
		.n_handles = result->n_handles,
	};
	for (i = 0; i < result->n_handles; i++) {
		snprintf(a->handles[i], sizeof(a->handles[i]), "%s", result->handles[i]);
		await(peer, request, result->handles[i]);
	}
}

bool peer_handle_find(struct peer *peer, const char *handle, struct target *target,
		      struct recipient_detail *detail)
{
	long i = awaited_index(peer, handle);

	if (i < 0)
		return false;
	*target = peer->awaited[i].target;
	*detail = peer->awaited[i].detail;
	return true;
}

void peer_handle_done(struct peer *peer, const char *handle, const struct peer_result *result)
{
	long i = awaited_index(peer, handle);
	struct fake_handle *h = &peer->receipts[peer->n_receipts];

	if (i < 0 || ++peer->n_receipts > FAKE_OUT)
		abort();
	*h = peer->awaited[i];
	h->answer = result->answer;
	h->cause = result->cause;
	peer->awaited[i] = peer->awaited[--peer->n_awaited];
}

void peer_receipt_hint(struct peer *peer, const struct target *target, uint8_t reference)
{
	peer->n_hints++;
	peer->hinted = *target;
	peer->hinted_reference = reference;
}

void peer_target_available(struct peer *peer, const struct target *target)
{
	peer->n_available++;
	peer->available = *target;
}

void peer_request_done(struct peer *peer, const struct peer_request *request,
		       const struct peer_result *results)
{
	if (request->n_targets > FAKE_MAX)
		abort();
	if (take_out(peer, request->id))
		done_one(peer, request, results);
	memcpy(peer->results, results, request->n_targets * sizeof(results[0]));
	peer->requests[request->verb] = NULL;
	peer->n_done++;
}

void peer_report_loss(struct peer *peer, enum peer_loss loss, enum message_kind kind,
		      const struct target_pattern *patterns, size_t n)
{
	peer->n_losses++;
	peer->loss = loss;
	peer->loss_kind = kind;
	peer->n_patterns = n;
	peer->state_at_loss = peer->state;
	if (n)
		memcpy(peer->patterns, patterns, (n < 8 ? n : 8) * sizeof(patterns[0]));
}

void peer_unmatched(struct peer *peer)
{
	peer->unmatched++;
}

void peer_count(struct peer *peer, enum peer_ctr ctr)
{
	peer->counters[ctr]++;
}

const char *peer_name(const struct peer *peer)
{
	return peer->name;
}

void *peer_config(const struct peer *peer)
{
	return peer->config;
}

void *peer_link(const struct peer *peer)
{
	return peer->link;
}

void peer_link_set(struct peer *peer, void *link)
{
	peer->link = link;
}

void fake_start(void)
{
	if (!osmo_log_info)
		log_init(&tocsin_log_info, NULL);
	osmo_fsm_term_safely(true);
	osmo_gettimeofday_override = true;
	osmo_gettimeofday_override_time = (struct timeval){ .tv_sec = 1700000000 };
	osmo_clock_override_enable(CLOCK_MONOTONIC, true);
	*osmo_clock_override_gettimespec(CLOCK_MONOTONIC) = (struct timespec){ .tv_sec = 5000 };
}

void fake_advance_ms(int64_t ms)
{
	/* In steps, so that a timer that arms itself again runs as often as it would. */
	while (ms > 0) {
		int64_t step = ms < 100 ? ms : 100;

		osmo_gettimeofday_override_add(0, step * 1000);
		osmo_clock_override_add(CLOCK_MONOTONIC, 0, step * 1000000);
		osmo_timers_update();
		ms -= step;
	}
}

void fake_step_wall_s(int64_t s)
{
	osmo_gettimeofday_override_add(s, 0);
	osmo_timers_update();
}

void fake_turn(void)
{
	osmo_select_main_ctx(1);
}

int64_t fake_real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int bound_socket(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	a.sin_port = htons(*port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		abort();
	*port = ntohs(a.sin_port);
	return fd;
}

int fake_bind(uint16_t *port, bool listening)
{
	int fd;

	*port = 0;
	fd = bound_socket(port);
	if (listening && listen(fd, 8) < 0)
		abort();
	return fd;
}

int fake_connect(uint16_t port, uint16_t from)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = bound_socket(&from);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		abort();
	return fd;
}

int fake_accept(int listening)
{
	int64_t end = fake_real_ms() + 5000;

	while (fake_real_ms() < end) {
		struct timeval none = {};
		fd_set set;

		fake_turn();
		FD_ZERO(&set);
		FD_SET(listening, &set);
		if (select(listening + 1, &set, NULL, NULL, &none) > 0)
			return accept(listening, NULL, NULL);
	}
	return -1;
}

uint16_t fake_remote_port(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	return getpeername(fd, (struct sockaddr *)&a, &len) ? 0 : ntohs(a.sin_port);
}

static int add_refused(struct rate_ctr_group *group, void *data)
{
	uint64_t *refused = data;

	if (!strcmp(group->desc->group_name_prefix, "listener"))
		*refused += rate_ctr_group_get_ctr(group, 0)->current;
	return 0;
}

uint64_t fake_refused(void)
{
	uint64_t refused = 0;

	rate_ctr_for_each_group(add_refused, &refused);
	return refused;
}

size_t fake_read(int fd, void *buf, size_t len)
{
	int64_t end = fake_real_ms() + 5000;
	size_t got = 0;

	while (got < len && fake_real_ms() < end) {
		ssize_t n;

		fake_turn();
		n = recv(fd, (char *)buf + got, len - got, MSG_DONTWAIT);
		if (!n || (n < 0 && errno != EAGAIN))
			break;
		got += n > 0 ? n : 0;
	}
	return got;
}

bool fake_at_end(int fd)
{
	char buf[256];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		;
	return !n || errno != EAGAIN;
}
