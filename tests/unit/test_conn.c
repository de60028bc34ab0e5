/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include <tocsin/link/conn.h>
#include <tocsin/link/listener.h>

#include "fake_peer.h"

/* The frames of these tests: two octets of length, which counts all, then anything. */
#define MAX_FRAME 3000
#define MAX_QUEUE 8000
/* What is sent may be larger, so that the kernel takes a part of it only. */
#define BIG_FRAME 65000

struct owner {
	void *ctx;
	struct conn *conn;
	struct conn *victim;	/* freed in on_frame */
	void *victim_ctx;	/* likewise */
	unsigned int connected, frames, ready, closed;
	uint8_t last[MAX_FRAME];
	size_t last_len;
	size_t total;
	char why[64];
	int accepted;		/* listener: the last socket */
	unsigned int n_accepted, n_refused;
};

static int frame_len(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	return data[0] == 0xff ? -EINVAL : data[0] << 8 | data[1];
}

static void on_connected(void *priv)
{
	((struct owner *)priv)->connected++;
}

static void on_frame(void *priv, const uint8_t *frame, size_t len)
{
	struct owner *o = priv;

	o->frames++;
	o->total += len;
	memcpy(o->last, frame, len);
	o->last_len = len;
	if (o->victim)
		conn_free(o->victim);
	talloc_free(o->victim_ctx);
	o->victim = o->victim_ctx = NULL;
}

static void on_ready(void *priv)
{
	((struct owner *)priv)->ready++;
}

static void on_closed(void *priv, const char *why)
{
	struct owner *o = priv;

	o->closed++;
	strncpy(o->why, why, sizeof(o->why) - 1);
	conn_free(o->conn);
	o->conn = NULL;
}

static const struct conn_ops ops = {
	.max_frame = MAX_FRAME,
	.max_queue = MAX_QUEUE,
	.frame_len = frame_len,
	.on_connected = on_connected,
	.on_frame = on_frame,
	.on_ready = on_ready,
	.on_closed = on_closed,
};

static int setup(void **state)
{
	struct owner *o = talloc_zero(NULL, struct owner);

	fake_start();
	o->ctx = talloc_new(o);
	o->accepted = -1;
	*state = o;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* A conn with a small send buffer in front of the far end's small receive buffer. */
static int pair_with(struct owner *o, const struct conn_ops *how)
{
	int small = 4096, listening, far, near;
	uint16_t port;

	listening = fake_bind(&port, true);
	far = fake_connect(port, 0);
	near = fake_accept(listening);
	close(listening);
	assert_true(near >= 0);
	setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(far, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(conn_accept(o->ctx, near, how, o, &o->conn), 0);
	return far;
}

static int pair(struct owner *o)
{
	return pair_with(o, &ops);
}

static struct msgb *frame(size_t len, uint8_t fill)
{
	struct msgb *msg = msgb_alloc(len, "frame");
	uint8_t *p = msgb_put(msg, len);

	memset(p, fill, len);
	p[0] = len >> 8;
	p[1] = len & 0xff;
	return msg;
}

static void a_slow_reader_gets_every_octet_in_order(void **state)
{
	enum { FRAMES = 200 };
	static uint8_t wanted[BIG_FRAME], got[BIG_FRAME];
	struct owner *o = *state;
	unsigned int i, sent = 0, received = 0, refused = 0, seed = 20261123;
	size_t lens[FRAMES];
	int far = pair(o);

	for (i = 0; i < FRAMES; i++)
		lens[i] = 2 + rand_r(&seed) % (i % 4 ? 3000 : BIG_FRAME - 2);
	while (received < FRAMES) {
		while (sent < FRAMES) {
			int rc = conn_send(o->conn, frame(lens[sent], sent));

			assert_true(!rc || rc == -EAGAIN);
			if (rc) {
				refused++;
				break;
			}
			sent++;
		}
		assert_true(conn_unacked(o->conn) > 0);
		memset(wanted, received, lens[received]);
		wanted[0] = lens[received] >> 8;
		wanted[1] = lens[received] & 0xff;
		assert_int_equal(fake_read(far, got, lens[received]), lens[received]);
		assert_memory_equal(got, wanted, lens[received]);
		received++;
	}
	assert_true(refused > 0 && o->ready > 0);
	TURN_UNTIL(conn_unacked(o->conn) == 0);
	assert_int_equal(recv(far, got, 1, MSG_DONTWAIT), -1);
	close(far);
}

static void frames_of_one_turn_leave_together(void **state)
{
	enum { FRAMES = 150 };
	struct conn_ops together = ops;
	struct owner *o = *state;
	uint8_t got[FRAMES * 10];
	unsigned int i;
	int far;

	together.together = true;
	far = pair_with(o, &together);
	for (i = 0; i < FRAMES; i++)
		assert_int_equal(conn_send(o->conn, frame(10, i)), 0);
	assert_int_equal(recv(far, got, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	fake_turn();
	/* As many as one write takes, the rest at the next turns. */
	assert_int_equal(recv(far, got, sizeof(got), MSG_DONTWAIT | MSG_PEEK), 640);
	assert_int_equal(fake_read(far, got, sizeof(got)), sizeof(got));
	for (i = 0; i < FRAMES; i++)
		assert_int_equal(got[10 * i + 2], i);
	/* What is said last is heard before the end. */
	assert_int_equal(conn_send(o->conn, frame(10, 7)), 0);
	conn_free(o->conn);
	o->conn = NULL;
	assert_int_equal(fake_read(far, got, 11), 10);
	assert_int_equal(got[9], 7);
	close(far);
}

static void a_full_queue_refuses_and_tells_when_there_is_room(void **state)
{
	struct owner *o = *state;
	unsigned int sent = 0;
	uint8_t buf[MAX_FRAME];
	int far = pair(o);

	while (!conn_send(o->conn, frame(1000, 0)))
		sent++;
	/* The kernel takes what it can hold, the queue the rest. */
	assert_in_range(sent, MAX_QUEUE / 1000, 4 * MAX_QUEUE / 1000);
	assert_int_equal(o->ready, 0);
	while (sent--)
		assert_int_equal(fake_read(far, buf, 1000), 1000);
	assert_int_equal(o->ready, 1);
	close(far);
}

static void an_empty_queue_takes_a_frame_beyond_its_size(void **state)
{
	struct owner *o = *state;
	static uint8_t buf[MAX_QUEUE * 6];
	int far = pair(o);

	assert_int_equal(conn_send(o->conn, frame(sizeof(buf), 1)), 0);
	assert_int_equal(conn_send(o->conn, frame(10, 1)), -EAGAIN);
	assert_int_equal(fake_read(far, buf, sizeof(buf)), sizeof(buf));
	close(far);
}

static void frames_come_whole_however_they_are_cut(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 7, 1000, 2999, 100000 };
	static uint8_t stream[200000];
	struct owner *o = *state;
	unsigned int seed = 7, c;

	for (c = 0; c < sizeof(cuts) / sizeof(cuts[0]); c++) {
		int far = pair(o);
		size_t len = 0, pos = 0, n_frames = 0;

		o->frames = o->total = 0;
		while (len < (cuts[c] < 100 ? 9000u : 150000u)) {
			size_t n = 2 + rand_r(&seed) % (MAX_FRAME - 1);

			memset(stream + len, n_frames++, n);
			stream[len] = n >> 8;
			stream[len + 1] = n & 0xff;
			len += n;
		}
		while (pos < len) {
			ssize_t n = send(far, stream + pos,
					 len - pos < cuts[c] ? len - pos : cuts[c], MSG_DONTWAIT);

			pos += n > 0 ? n : 0;
			fake_turn();
		}
		TURN_UNTIL(o->frames == n_frames);
		assert_int_equal(o->total, len);
		assert_memory_equal(o->last, stream + len - o->last_len, o->last_len);
		assert_int_equal(o->closed, 0);
		conn_free(o->conn);
		close(far);
	}
}

static void lost_framing_closes(void **state)
{
	static const uint8_t too_long[] = {0, 4, 1, 2, (MAX_FRAME + 1) >> 8, (MAX_FRAME + 1) & 0xff,
					   0};
	static const uint8_t malformed[] = { 0, 4, 1, 2, 0xff, 0 };
	const struct { const uint8_t *data; size_t len; } cases[] = {
		{ too_long, sizeof(too_long) }, { malformed, sizeof(malformed) },
	};
	struct owner *o = *state;
	size_t i;

	for (i = 0; i < 2; i++) {
		int far = pair(o);

		o->closed = o->frames = 0;
		assert_int_equal(send(far, cases[i].data, cases[i].len, 0), cases[i].len);
		TURN_UNTIL(o->closed);
		assert_int_equal(o->frames, 1);
		assert_string_equal(o->why, "framing lost");
		TURN_UNTIL(fake_at_end(far));
		close(far);
	}
}

static void the_far_end_closing_is_told_once(void **state)
{
	struct owner *o = *state;
	int far = pair(o), i;

	close(far);
	TURN_UNTIL(o->closed);
	for (i = 0; i < 10; i++)
		fake_turn();
	assert_int_equal(o->closed, 1);
}

static void a_far_end_that_stops_reading_is_a_loss_and_no_signal(void **state)
{
	struct owner *o = *state;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(conn_accept(o->ctx, fd[0], &ops, o, &o->conn), 0);
	assert_int_equal(shutdown(fd[1], SHUT_RD), 0);
	conn_send(o->conn, frame(2000, 0));
	conn_send(o->conn, frame(2000, 0));
	TURN_UNTIL(o->closed);
	assert_null(o->conn);
	close(fd[1]);
}

static void a_conn_may_be_freed_by_its_own_callback(void **state)
{
	static const uint8_t three[] = { 0, 2, 0, 2, 0, 2 };
	struct owner *o = *state;
	int far = pair(o), i;

	conn_send(o->conn, frame(100, 0));
	o->victim = o->conn;
	assert_int_equal(send(far, three, sizeof(three), 0), sizeof(three));
	TURN_UNTIL(o->frames);
	assert_true(fake_at_end(far));
	close(far);

	far = pair(o);
	o->frames = 0;
	o->victim_ctx = o->ctx;
	o->ctx = talloc_new(o);
	assert_int_equal(send(far, three, sizeof(three), 0), sizeof(three));
	TURN_UNTIL(o->frames);
	for (i = 0; i < 10; i++)
		fake_turn();
	assert_int_equal(o->frames, 1);
	assert_true(fake_at_end(far));
	assert_int_equal(o->closed, 0);
	close(far);
}

static void connecting_succeeds_or_tells_why_not(void **state)
{
	struct owner *o = *state;
	struct conn_config config = { .remote_ip = "127.0.0.1", .user_timeout_s = 5 };
	int holder = fake_bind(&config.remote_port, false);
	int far;

	assert_int_equal(conn_connect(o->ctx, &config, &ops, o, &o->conn), 0);
	assert_int_equal(conn_send(o->conn, frame(10, 0)), -ENOTCONN);
	TURN_UNTIL(o->closed);
	assert_string_equal(o->why, "Connection refused");
	assert_int_equal(o->connected, 0);

	assert_int_equal(listen(holder, 1), 0);
	assert_int_equal(conn_connect(o->ctx, &config, &ops, o, &o->conn), 0);
	far = fake_accept(holder);
	TURN_UNTIL(o->connected);
	assert_int_equal(send(far, "\0\5abc", 5, 0), 5);
	TURN_UNTIL(o->frames);
	close(far);
	close(holder);
}

static void addresses_are_literals_of_both_families(void **state)
{
	static const struct { const char *ip, *text; } cases[] = {
		{ "127.0.0.1", "127.0.0.1:48049" }, { "::1", "[::1]:48049" }, { "localhost", NULL },
		{ "127.0.0.1:80", NULL }, { "", NULL }, { "1.2.3", NULL },
	};
	struct osmo_sockaddr a;
	char text[CONN_ADDRESS_LEN];
	size_t i;

	(void)state;
	assert_int_equal(conn_address(NULL, 1, &a), -EINVAL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(conn_address(cases[i].ip, 48049, &a), cases[i].text ? 0 : -EINVAL);
		if (cases[i].text) {
			osmo_sockaddr_to_str_buf(text, sizeof(text), &a);
			assert_string_equal(text, cases[i].text);
		}
	}
}

/* Listening */

static void take(void *priv, int fd)
{
	struct owner *o = priv;

	if (o->accepted >= 0)
		close(o->accepted);
	o->accepted = fd;
	o->n_accepted++;
}

static void refused(void *priv)
{
	((struct owner *)priv)->n_refused++;
}

static const struct listener_ops listener_ops = { .on_conn = take, .on_refused = refused };

static void only_the_expected_addresses_are_let_in(void **state)
{
	struct owner *o = *state;
	struct listener_config config = { .local_ip = "127.0.0.1", .remote_ip = "127.0.0.9" };
	struct listeners *set = listeners_alloc(o);
	struct listener_member *m;
	int far;

	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &m), 0);
	far = fake_connect(listener_port(m), 0);
	TURN_UNTIL(fake_refused() == 1);
	TURN_UNTIL(fake_at_end(far));
	assert_int_equal(o->n_accepted, 0);
	close(far);
	talloc_free(m);
}

static void peers_behind_one_address_are_told_apart_by_port(void **state)
{
	struct owner *o = *state;
	struct owner *other = talloc_zero(o, struct owner);
	struct listener_config config = { .local_ip = "127.0.0.1", .remote_ip = "127.0.0.1" };
	struct listeners *set = listeners_alloc(o);
	struct listener_member *a, *b, *c;
	uint16_t port_a, port_b, local;
	int hold_a = fake_bind(&port_a, false), hold_b = fake_bind(&port_b, false);
	int hold = fake_bind(&local, false), far_a, far_b, far_c;

	other->accepted = -1;
	config.local_port = local;
	config.remote_port = port_a;
	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &a), 0);
	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &c), -EEXIST);
	config.remote_port = 0;
	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &c), -EEXIST);
	config.remote_port = port_b;
	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, other, &b), 0);

	far_b = fake_connect(local, port_b);
	TURN_UNTIL(other->n_accepted == 1);
	far_a = fake_connect(local, port_a);
	TURN_UNTIL(o->n_accepted == 1);
	far_c = fake_connect(local, 0);
	TURN_UNTIL(o->n_refused == 1 && other->n_refused == 1);
	assert_int_equal(o->n_accepted + other->n_accepted, 2);

	talloc_free(a);
	talloc_free(b);
	config.remote_port = 0;
	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &a), 0);
	talloc_free(a);
	close(far_a);
	close(far_b);
	close(far_c);
	close(hold_a);
	close(hold_b);
	close(hold);
}

static void a_burst_of_connections_is_taken_whole(void **state)
{
	enum { BURST = 600 };
	struct owner *o = *state;
	struct listener_config config = { .local_ip = "127.0.0.1", .remote_ip = "127.0.0.1" };
	struct listeners *set = listeners_alloc(o);
	struct listener_member *m;
	int far[BURST], i;

	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &m), 0);
	for (i = 0; i < BURST; i++)
		far[i] = fake_connect(listener_port(m), 0);
	TURN_UNTIL(o->n_accepted == BURST);
	for (i = 0; i < BURST; i++)
		close(far[i]);
	talloc_free(m);
}

static void without_descriptors_accepting_pauses_and_goes_on(void **state)
{
	struct owner *o = *state;
	struct listener_config config = { .local_ip = "127.0.0.1", .remote_ip = "127.0.0.1" };
	struct listeners *set = listeners_alloc(o);
	struct listener_member *m;
	struct rlimit old, none;
	int far, i, next, handled = 0;

	assert_int_equal(listener_join(o->ctx, set, &config, &listener_ops, o, &m), 0);
	far = fake_connect(listener_port(m), 0);
	next = dup(far);
	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (i = 0; i < 50; i++)
		handled += osmo_select_main_ctx(1) > 0;
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(o->n_accepted, 0);
	assert_int_equal(handled, 1);
	fake_advance_ms(200);
	TURN_UNTIL(o->n_accepted == 1);
	close(far);
	talloc_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_slow_reader_gets_every_octet_in_order),
		T(frames_of_one_turn_leave_together),
		T(a_full_queue_refuses_and_tells_when_there_is_room),
		T(an_empty_queue_takes_a_frame_beyond_its_size),
		T(frames_come_whole_however_they_are_cut),
		T(lost_framing_closes),
		T(the_far_end_closing_is_told_once),
		T(a_far_end_that_stops_reading_is_a_loss_and_no_signal),
		T(a_conn_may_be_freed_by_its_own_callback),
		T(connecting_succeeds_or_tells_why_not),
		T(addresses_are_literals_of_both_families),
		T(only_the_expected_addresses_are_let_in),
		T(peers_behind_one_address_are_told_apart_by_port),
		T(a_burst_of_connections_is_taken_whole),
		T(without_descriptors_accepting_pauses_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
