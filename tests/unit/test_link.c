/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include <tocsin/link/link.h>
#include <tocsin/link/listener.h>

#include "fake_peer.h"

/* A protocol of one-octet frames. 'K' is our keep-alive; with "greet", 'H' is our greeting and 'h'
 * its answer. */
struct proto {
	void *ctx;
	struct peer *peer;
	struct link *link;
	struct link_config config;
	struct listeners *listeners;
	bool greet;
	unsigned int frames;
	int far_listening;	/* connecting role: where the link connects to */
	int holder;		/* listening role: holds the port */
};

static struct msgb *octet(char c)
{
	struct msgb *msg = msgb_alloc(1, "octet");

	msgb_put_u8(msg, c);
	return msg;
}

static int frame_len(const uint8_t *data, size_t len)
{
	(void)data;
	return len > 0;
}

static void on_connected(void *priv)
{
	struct proto *p = priv;

	if (p->greet)
		link_send(p->link, octet('H'));
	else
		link_opened(p->link);
}

static void on_frame(void *priv, const uint8_t *frame, size_t len)
{
	struct proto *p = priv;

	(void)len;
	p->frames++;
	if (*frame == 'h')
		link_opened(p->link);
}

static struct msgb *keep_alive(void *priv)
{
	(void)priv;
	return octet('K');
}

static const struct link_ops ops = {
	.max_frame = 16, .frame_len = frame_len, .on_connected = on_connected, .on_frame = on_frame,
	.keep_alive = keep_alive,
};

static int setup(void **state)
{
	struct proto *p = talloc_zero(NULL, struct proto);

	fake_start();
	p->ctx = talloc_new(p);
	p->peer = fake_peer(p, "bsc-7 (north)");
	p->listeners = listeners_alloc(p);
	p->far_listening = p->holder = -1;
	link_config_init(&p->config);
	p->config.remote_ip = (char *)"127.0.0.1";
	p->config.local_ip = (char *)"127.0.0.1";
	p->config.listeners = p->listeners;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct proto *p = *state;

	talloc_free(p->link);
	if (p->far_listening >= 0)
		close(p->far_listening);
	if (p->holder >= 0)
		close(p->holder);
	talloc_free(p);
	return 0;
}

/* \returns the far end's socket. */
static int open_connecting(struct proto *p)
{
	p->far_listening = fake_bind(&p->config.remote_port, true);
	assert_int_equal(link_open(p->ctx, p->peer, &p->config, &ops, p, &p->link), 0);
	return fake_accept(p->far_listening);
}

static void open_listening(struct proto *p)
{
	p->config.role = LINK_LISTEN;
	p->holder = fake_bind(&p->config.local_port, false);
	assert_int_equal(link_open(p->ctx, p->peer, &p->config, &ops, p, &p->link), 0);
}

static void expect_octet(int fd, char c)
{
	char got = 0;

	assert_int_equal(fake_read(fd, &got, 1), 1);
	assert_int_equal(got, c);
}

static void say(struct proto *p, int fd, char c)
{
	unsigned int before = p->frames;

	assert_int_equal(send(fd, &c, 1, 0), 1);
	TURN_UNTIL(p->frames > before);
}

static void nothing_comes(int fd)
{
	char c;
	int i;

	for (i = 0; i < 20; i++)
		fake_turn();
	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void a_connecting_link_comes_up_through_its_states(void **state)
{
	static const enum peer_state wanted[] = { PEER_CONNECTING, PEER_OPENING, PEER_UP };
	struct proto *p = *state;
	int far = open_connecting(p);

	TURN_UNTIL(link_state(p->link) == PEER_UP);
	assert_int_equal(p->peer->n_history, 3);
	assert_memory_equal(p->peer->history, wanted, sizeof(wanted));
	assert_int_equal(strncmp(link_remote(p->link), "127.0.0.1:", 10), 0);
	assert_int_equal(link_send(p->link, octet('x')), 0);
	expect_octet(far, 'x');
	say(p, far, 'y');
	assert_int_equal(p->peer->counters[PEER_CTR_TX], 1);
	assert_int_equal(p->peer->counters[PEER_CTR_RX], 1);
	talloc_free(p->link);
	p->link = NULL;
	TURN_UNTIL(fake_at_end(far));
	close(far);
}

static void waits_grow_and_are_jittered_and_never_end(void **state)
{
	struct proto *p = *state;
	int64_t bound = 1000, first_at_max = 0;
	bool differ = false;
	unsigned int i;

	p->holder = fake_bind(&p->config.remote_port, false);
	assert_int_equal(link_open(p->ctx, p->peer, &p->config, &ops, p, &p->link), 0);
	for (i = 0; i < 40; i++) {
		int64_t wait;

		TURN_UNTIL(link_state(p->link) == PEER_DOWN);
		wait = link_retry_ms(p->link);
		assert_true(wait > bound / 2 && wait <= bound);
		if (bound == 30000) {
			first_at_max = first_at_max ? first_at_max : wait;
			differ |= wait != first_at_max;
		}
		fake_advance_ms(wait + 1);
		assert_int_equal(link_state(p->link), PEER_CONNECTING);
		bound = bound * 2 < 30000 ? bound * 2 : 30000;
	}
	assert_true(differ);
	assert_int_equal(p->peer->counters[PEER_CTR_CONN_REFUSED], 40);
}

static void a_flapping_peer_is_asked_less_and_less_often(void **state)
{
	struct proto *p = *state;
	int far = open_connecting(p);
	unsigned int i;

	for (i = 0; i < 6; i++) {
		TURN_UNTIL(link_state(p->link) == PEER_UP);
		fake_advance_ms(5000);
		close(far);
		TURN_UNTIL(link_state(p->link) == PEER_DOWN);
		if (i < 5) {
			fake_advance_ms(link_retry_ms(p->link) + 1);
			far = fake_accept(p->far_listening);
		}
	}
	assert_true(link_retry_ms(p->link) > 15000);
	fake_advance_ms(link_retry_ms(p->link) + 1);
	far = fake_accept(p->far_listening);
	TURN_UNTIL(link_state(p->link) == PEER_UP);
	for (i = 0; i < 4; i++) {
		fake_advance_ms(10000);
		say(p, far, 'y');
	}
	close(far);
	TURN_UNTIL(link_state(p->link) == PEER_DOWN);
	assert_true(link_retry_ms(p->link) <= 1000);
}

static void a_fixed_local_port_is_used_again_whoever_closed(void **state)
{
	struct proto *p = *state;
	int far, i;

	p->holder = fake_bind(&p->config.local_port, false);
	far = open_connecting(p);
	for (i = 0; i < 4; i++) {
		TURN_UNTIL(link_state(p->link) == PEER_UP);
		assert_int_equal(fake_remote_port(far), p->config.local_port);
		if (i % 2)
			link_drop(p->link, "test");
		else
			close(far);
		TURN_UNTIL(link_state(p->link) == PEER_DOWN);
		if (i % 2) {
			/* By RST: otherwise TIME-WAIT would hold the port. */
			errno = 0;
			assert_int_equal(recv(far, (char[1]){}, 1, 0), -1);
			assert_int_equal(errno, ECONNRESET);
			close(far);
		}
		fake_advance_ms(link_retry_ms(p->link) + 1);
		assert_int_equal(link_state(p->link), PEER_CONNECTING);
		far = fake_accept(p->far_listening);
	}
	close(far);
}

static void connecting_in_vain_ends_by_timer(void **state)
{
	struct proto *p = *state;
	int far;
	unsigned int i;

	/* A full backlog: the handshake is not finished. */
	p->far_listening = fake_bind(&p->config.remote_port, false);
	assert_int_equal(listen(p->far_listening, 0), 0);
	far = fake_connect(p->config.remote_port, 0);
	assert_int_equal(link_open(p->ctx, p->peer, &p->config, &ops, p, &p->link), 0);
	for (i = 0; i < 20; i++)
		fake_turn();
	assert_int_equal(link_state(p->link), PEER_CONNECTING);
	fake_advance_ms(9900);
	assert_int_equal(link_state(p->link), PEER_CONNECTING);
	fake_advance_ms(200);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	close(far);
}

static void a_keep_alive_is_sent_into_silence_only(void **state)
{
	struct proto *p = *state;
	int far = open_connecting(p), i;

	TURN_UNTIL(link_state(p->link) == PEER_UP);
	for (i = 0; i < 5; i++) {
		fake_advance_ms(29000);
		nothing_comes(far);
		say(p, far, 'y');
	}
	fake_advance_ms(30200);
	expect_octet(far, 'K');
	fake_advance_ms(9000);
	say(p, far, 'k');
	fake_advance_ms(29000);
	assert_int_equal(link_state(p->link), PEER_UP);
	nothing_comes(far);
	close(far);
}

static void an_unanswered_keep_alive_ends_a_connecting_conn(void **state)
{
	struct proto *p = *state;
	int far = open_connecting(p);

	TURN_UNTIL(link_state(p->link) == PEER_UP);
	fake_advance_ms(30200);
	expect_octet(far, 'K');
	fake_advance_ms(9500);
	assert_int_equal(link_state(p->link), PEER_UP);
	fake_advance_ms(600);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	assert_true(link_retry_ms(p->link) >= 0);
	TURN_UNTIL(fake_at_end(far));
	close(far);
}

static void a_silent_listening_conn_is_kept_and_heals(void **state)
{
	struct proto *p = *state;
	int far, i;

	open_listening(p);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	far = fake_connect(p->config.local_port, 0);
	TURN_UNTIL(link_state(p->link) == PEER_UP);
	fake_advance_ms(30200);
	expect_octet(far, 'K');
	fake_advance_ms(10200);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	/* It goes on asking. */
	for (i = 0; i < 50; i++) {
		fake_advance_ms(41000);
		expect_octet(far, 'K');
		assert_int_equal(link_state(p->link), PEER_DOWN);
		assert_false(fake_at_end(far));
	}
	say(p, far, 'k');
	assert_int_equal(link_state(p->link), PEER_UP);
	fake_advance_ms(29000);
	assert_int_equal(link_state(p->link), PEER_UP);
	close(far);
	TURN_UNTIL(link_remote(p->link) == NULL);
	assert_int_equal(link_state(p->link), PEER_DOWN);
}

static void a_kept_conn_that_ends_leaves_the_link_waiting(void **state)
{
	struct proto *p = *state;
	int far;

	open_listening(p);
	far = fake_connect(p->config.local_port, 0);
	TURN_UNTIL(link_state(p->link) == PEER_UP);
	fake_advance_ms(30200);
	fake_advance_ms(10200);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	link_drop(p->link, "dropped by an operator");
	assert_string_equal(p->peer->why, "dropped by an operator");
	TURN_UNTIL(fake_at_end(far));
	close(far);
	far = fake_connect(p->config.local_port, 0);
	TURN_UNTIL(link_state(p->link) == PEER_UP);
	close(far);
}

static void the_newest_conn_wins(void **state)
{
	static const enum peer_state wanted[] = {PEER_OPENING, PEER_UP, PEER_DOWN, PEER_OPENING,
						 PEER_UP};
	struct proto *p = *state;
	int old, new;

	open_listening(p);
	old = fake_connect(p->config.local_port, 0);
	TURN_UNTIL(link_state(p->link) == PEER_UP);
	new = fake_connect(p->config.local_port, 0);
	TURN_UNTIL(fake_at_end(old));
	TURN_UNTIL(link_state(p->link) == PEER_UP);
	assert_int_equal(p->peer->n_history, 5);
	assert_memory_equal(p->peer->history, wanted, sizeof(wanted));
	link_send(p->link, octet('x'));
	expect_octet(new, 'x');
	close(old);
	close(new);
}

static void an_unanswered_greeting_ends_a_connecting_conn(void **state)
{
	struct proto *p = *state;
	int far;

	p->greet = true;
	far = open_connecting(p);
	expect_octet(far, 'H');
	fake_advance_ms(9900);
	assert_int_equal(link_state(p->link), PEER_OPENING);
	fake_advance_ms(200);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	TURN_UNTIL(fake_at_end(far));
	close(far);
	fake_advance_ms(1001);
	far = fake_accept(p->far_listening);
	expect_octet(far, 'H');
	say(p, far, 'h');
	assert_int_equal(link_state(p->link), PEER_UP);
	close(far);
}

static void an_unanswered_greeting_does_not_keep_a_listening_link_down(void **state)
{
	struct proto *p = *state;
	int far;

	p->greet = true;
	open_listening(p);
	far = fake_connect(p->config.local_port, 0);
	expect_octet(far, 'H');
	fake_advance_ms(10100);
	assert_int_equal(link_state(p->link), PEER_UP);
	assert_false(fake_at_end(far));
	close(far);
}

static void a_clock_step_forward_fires_no_timer_early(void **state)
{
	struct proto *p = *state;
	int far = open_connecting(p);

	TURN_UNTIL(link_state(p->link) == PEER_UP);
	fake_advance_ms(30200);
	expect_octet(far, 'K');
	fake_step_wall_s(3600);
	fake_step_wall_s(3600);
	assert_int_equal(link_state(p->link), PEER_UP);
	fake_advance_ms(10200);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	fake_step_wall_s(3600);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	close(far);
}

static void a_clock_step_back_delays_nothing_once_armed_again(void **state)
{
	struct proto *p = *state;
	int far = open_connecting(p);

	TURN_UNTIL(link_state(p->link) == PEER_UP);
	fake_advance_ms(20000);
	fake_step_wall_s(-3600);
	link_rearm(p->link);
	fake_advance_ms(9000);
	nothing_comes(far);
	fake_advance_ms(1200);
	expect_octet(far, 'K');
	fake_advance_ms(10200);
	assert_int_equal(link_state(p->link), PEER_DOWN);
	fake_step_wall_s(-3600);
	link_rearm(p->link);
	fake_advance_ms(1001);
	assert_int_equal(link_state(p->link), PEER_CONNECTING);
	close(far);
}

static void two_listening_links_that_look_alike_are_refused(void **state)
{
	struct proto *p = *state;
	struct link *other = NULL;

	open_listening(p);
	assert_int_equal(link_open(p->ctx, p->peer, &p->config, &ops, p, &other), -EEXIST);
	assert_null(other);
}

static void what_cannot_work_is_refused_with_the_field(void **state)
{
	const struct {
		const char *where;
		struct link_config change;
	} cases[] = {
		{"", {.remote_ip = (char *)"::1", .remote_port = 1}},
		{"remote-ip", {.remote_port = 1}},
		{"remote-ip", {.remote_ip = (char *)"bsc.example", .remote_port = 1}},
		{"local-ip",
		 {.remote_ip = (char *)"::1", .local_ip = (char *)"127.0.0.1", .remote_port = 1}},
		{"local-ip",
		 {.remote_ip = (char *)"::1", .local_ip = (char *)"any", .remote_port = 1}},
		{"remote-port", {.remote_ip = (char *)"::1"}},
		{"local-port", {.remote_ip = (char *)"::1", .role = LINK_LISTEN}},
		{"keep-alive",
		 {.remote_ip = (char *)"::1", .remote_port = 1, .keep_alive_s = 3601}},
		{"keep-alive-timeout",
		 {.remote_ip = (char *)"::1", .remote_port = 1, .keep_alive_timeout_s = 3601}},
		{"backoff-min",
		 {.remote_ip = (char *)"::1", .remote_port = 1, .backoff_min_ms = 40000}},
		{"backoff-max",
		 {.remote_ip = (char *)"::1", .remote_port = 1, .backoff_max_ms = 1}},
		{"tcp-user-timeout",
		 {.remote_ip = (char *)"::1", .remote_port = 1, .tcp_user_timeout_s = 3601}},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_config c = cases[i].change, defaults;
		struct problem problem = {};

		link_config_init(&defaults);
		c.keep_alive_s = c.keep_alive_s ? c.keep_alive_s : defaults.keep_alive_s;
		c.keep_alive_timeout_s = c.keep_alive_timeout_s ? c.keep_alive_timeout_s
								: defaults.keep_alive_timeout_s;
		c.backoff_min_ms = c.backoff_min_ms ? c.backoff_min_ms : defaults.backoff_min_ms;
		c.backoff_max_ms = c.backoff_max_ms ? c.backoff_max_ms : defaults.backoff_max_ms;
		assert_int_equal(link_config_check(&c, &problem), *cases[i].where ? -EINVAL : 0);
		assert_string_equal(problem.where, cases[i].where);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_connecting_link_comes_up_through_its_states),
		T(waits_grow_and_are_jittered_and_never_end),
		T(a_flapping_peer_is_asked_less_and_less_often),
		T(a_fixed_local_port_is_used_again_whoever_closed),
		T(connecting_in_vain_ends_by_timer),
		T(a_keep_alive_is_sent_into_silence_only),
		T(an_unanswered_keep_alive_ends_a_connecting_conn),
		T(a_silent_listening_conn_is_kept_and_heals),
		T(a_kept_conn_that_ends_leaves_the_link_waiting),
		T(the_newest_conn_wins),
		T(an_unanswered_greeting_ends_a_connecting_conn),
		T(an_unanswered_greeting_does_not_keep_a_listening_link_down),
		T(a_clock_step_forward_fires_no_timer_early),
		T(a_clock_step_back_delays_nothing_once_armed_again),
		T(two_listening_links_that_look_alike_are_refused),
		T(what_cannot_work_is_refused_with_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
