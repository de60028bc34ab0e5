/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What clients send, against the whole HTTP front with the real libmicrohttpd, on one thread and by
 * a clock of its own. What comes back, and what reaches the gateway, is held against a strict
 * reading of the same octets (http_message.h).
 *
 * The input is what client 0 sends, but for these, each after an octet 0xff:
 *   0 to 7  this client goes on; it connects when first named; 7 comes from a foreign address
 *   .       everything runs until nothing is left to do
 *   ,       the listener has one turn
 *   b  w    what follows is sent octet by octet; in one piece
 *   e       the client sends no more, but listens
 *   x       the client has gone
 *   t       31 s pass
 *   a r h   the gateway takes alerts from now on; refuses them; leaves them waiting
 *   k  K    1 KiB of 'x'; 16 KiB of blanks
 *   0xff    an octet 0xff */

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/logging.h>
#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/stat_item.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/cap/cap.h>

#include "../../src/front/http_private.h"
#include "../unit/fake_gateway.h"
#include "../unit/json_path.h"
#include "http_message.h"

#define NOW 1795467900 /* 2026-11-23T21:05:00Z */
#define TOKEN "correct-horse-battery-staple"
#define ESCAPE 0xff
#define PASSING_S 31
#define N_CLIENTS 8
#define FOREIGN_CLIENT 7

#define MAX_BODY (40u * 1024)
#define MAX_HELD (100u * 1024)
#define MAX_JOBS 2
/* One request beside its body: problem, draft, answer. */
#define MAX_REST (256u * 1024)
/* A refused body is read on for a while; beyond that nothing is promised. */
#define MAX_DROPPED (4u * MAX_BODY)
/* More turns than this without an end is a loop. */
#define MAX_TURNS 100000

struct octets {
	uint8_t *at;
	size_t n;
	size_t room;
};

struct client {
	bool used;
	int fd;				/* -1 once it has gone */
	int server_fd;
	struct octets sent;
	struct octets got;
	size_t sent_at;			/* what is before has been answered */
	size_t got_at;
	bool half_closed;
	bool ended;			/* by the other side */
	bool last;			/* the other side has said that it ends the connection */
	bool odd;			/* what it sent can be read in more than one way */
	bool muddled;			/* what still comes is the rest of a refusal of the library's */
	bool told_to_go_on;
	bool handed_over;		/* the request that is not answered yet */
	char id[ALERT_ID_LEN + 1];
};

struct fuzz {
	void *ctx;
	struct fake_gateway *fake;
	struct http *http;
	struct http_listener *listener;
	struct client clients[N_CLIENTS];
	struct client *client;
	bool by_octet;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void append(struct octets *o, const void *data, size_t n)
{
	if (!n)
		return;
	if (o->n + n > o->room) {
		o->room = 2 * (o->n + n);
		o->at = realloc(o->at, o->room);
	}
	memcpy(o->at + o->n, data, n);
	o->n += n;
}

/*
 * What is expected of an answer
 */

/* Before any code of ours could be asked. */
static bool refused_by_library(const struct http_message *a)
{
	static const unsigned int statuses[] = { 400, 413, 414, 431, 505 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (a->status == statuses[i])
			return !http_message_field(a, "Content-Type").at && http_message_ends_connection(a);
	}
	return false;
}

/* What 0.9.75 makes of a bad Content-Length: its refusal has its own head before its body, which
 * is then cut off. It ends the connection, so nobody takes the rest for another answer. */
static bool begins_twice(const struct http_message *a)
{
	return refused_by_library(a) && a->n_body >= 5 && !memcmp(a->body, "HTTP/", 5);
}

static void check_member(const struct http_message *a, const char *name, const char *prefix)
{
	char *value = json_path((const char *)a->body, a->n_body, name);

	require(value && *value && !strncmp(value, prefix, strlen(prefix)), "a problem that does not say what it is");
	free(value);
}

/* RFC 9457, 3, and what RFC 9110 asks of each status. */
static void check_problem(const struct http_message *a)
{
	char status[12];

	snprintf(status, sizeof(status), "%u", a->status);
	check_member(a, "type", "/v1/problems/");
	check_member(a, "title", "");
	check_member(a, "status", status);
	check_member(a, "detail", "");
	require(a->status != 401 || http_message_field(a, "WWW-Authenticate").at, "a 401 without a challenge");
	require(a->status != 405 || http_message_field(a, "Allow").at, "a 405 without what is allowed");
	require(a->status != 503 || http_message_field(a, "Retry-After").at, "a 503 without a time");
}

static void check_json(const struct http_message *a)
{
	char *text = json_path((const char *)a->body, a->n_body, "");

	require(text, "JSON that is none");
	free(text);
}

static void check_answer(const struct http_message *a, bool to_head)
{
	struct slice type = http_message_field(a, "Content-Type");

	require(a->status == 200 || a->status == 202 || a->status == 503 || (a->status >= 400 && a->status < 500) ||
		refused_by_library(a), "a status that nobody gives");
	if (to_head)
		return;
	if (slice_is(type, "application/json"))
		check_json(a);
	else if (slice_is(type, "application/problem+json"))
		check_problem(a);
	else
		require(a->status < 400 || refused_by_library(a), "refused without a problem");
}

static void check_accepted(const struct client *c, const struct http_message *a)
{
	char *id;

	if (a->status != 202)
		return;
	require(c->handed_over, "202 for what was not handed over");
	id = json_path((const char *)a->body, a->n_body, "id");
	require(id && !strcmp(id, c->id), "202 with another alert's id");
	free(id);
}

/* What is refused for its content is refused for the content that was sent. */
static void check_refused(const struct http_message *req, const struct http_message *a)
{
	static const char *const languages[] = { "en", NULL };
	static const char cap[] = "/v1/problems/cap-";
	char *type = json_path((const char *)a->body, a->n_body, "type");
	struct problem problem = { 0 };
	struct alert_draft *draft;
	uint8_t *bytes;

	if (type && !strncmp(type, cap, strlen(cap))) {
		bytes = talloc_array(NULL, uint8_t, req->n_body + 1);
		if (req->n_body)
			memcpy(bytes, req->body, req->n_body);
		draft = alert_draft_read(NULL, "local", bytes, req->n_body, languages, clock_utc(), &problem);
		require(!draft && !strcmp(strrchr(type, '/') + 1, problem_code_name(problem.code)),
			"refused for what is not there");
	}
	free(type);
}

/*
 * Clients
 */

/* The first that is not answered. */
static enum reading next_request(const struct client *c, struct http_message *req)
{
	static const uint8_t nothing;

	return http_message_read_request(req, c->sent.n ? c->sent.at + c->sent_at : &nothing, c->sent.n - c->sent_at);
}

static void request_done(struct client *c, size_t size)
{
	c->sent_at += size;
	c->told_to_go_on = false;
	c->handed_over = false;
}

static void on_interim(struct client *c, const struct http_message *req, const struct http_message *a)
{
	require(a->status == 100 && req->has_head && http_message_field_has(req, "Expect", "100-continue"),
		"an interim answer that nobody expects");
	require(!c->told_to_go_on, "told to go on twice");
	c->told_to_go_on = true;
}

/* An answer to a request of which a part is there must refuse it and end the connection, or the
 * rest would be taken for another request. */
static void on_final(struct client *c, enum reading rc, const struct http_message *req, const struct http_message *a)
{
	bool to_head = slice_is(req->method, "HEAD");

	require(!c->last, "an answer after the last one");
	require(rc == READ_WHOLE || a->status >= 400, "part of a request was answered as if it were whole");
	check_answer(a, to_head);
	check_accepted(c, a);
	if (rc == READ_WHOLE && a->status >= 400 && !c->handed_over)
		check_refused(req, a);
	c->last = http_message_ends_connection(a) || (rc == READ_WHOLE && http_message_ends_connection(req));
	require(rc == READ_WHOLE || c->last, "refused in the middle, and the rest is read on");
	c->muddled = begins_twice(a);
	request_done(c, rc == READ_WHOLE ? req->size : c->sent.n - c->sent_at);
}

/* Nobody can say how many answers there will be; but what is refused is refused in full, unless it
 * may have been asked with HEAD. */
static void on_odd(struct client *c, const struct http_message *req)
{
	bool to_head = memmem(c->sent.at + c->sent_at, c->sent.n - c->sent_at, "HEAD", 4);
	struct http_message a;
	enum reading rc = http_message_read_answer(&a, c->got.at + c->got_at, c->got.n - c->got_at, to_head, c->ended);

	require(rc != READ_ODD, "an answer that is none");
	if (rc == READ_WHOLE && a.status >= 400)
		check_answer(&a, to_head);
	if (rc == READ_WHOLE && a.status >= 200 && req->bad_framing)
		require(a.status >= 400 && http_message_ends_connection(&a), "nobody knows where it ends, and it is read on");
	http_message_clear(&a);
}

/* \returns whether there was an answer. */
static bool next_answer(struct client *c)
{
	const uint8_t *got = c->got.at + c->got_at;
	struct http_message req, a = { 0 };
	enum reading rc = next_request(c, &req), arc = READ_PART;

	if (rc == READ_ODD) {
		c->odd = true;
		on_odd(c, &req);
	} else {
		require(c->sent_at < c->sent.n, "an answer to nothing");
		arc = http_message_read_answer(&a, got, c->got.n - c->got_at, slice_is(req.method, "HEAD"), c->ended);
		require(arc != READ_ODD, "an answer that is none");
	}
	if (arc == READ_WHOLE) {
		c->got_at += a.size;
		if (a.status < 200)
			on_interim(c, &req, &a);
		else
			on_final(c, rc, &req, &a);
	}
	http_message_clear(&a);
	http_message_clear(&req);
	return arc == READ_WHOLE;
}

/* Read what has come. \returns whether anything has. */
static bool follow(struct client *c)
{
	uint8_t buf[65536];
	bool any = false;
	ssize_t n = 1;

	while (c->fd >= 0 && !c->ended && n > 0) {
		n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			append(&c->got, buf, n);
		else
			c->ended = n == 0 || errno != EAGAIN;
		any |= n > 0;
	}
	while (!c->odd && !c->muddled && c->got_at < c->got.n && next_answer(c))
		;
	return any;
}

/*
 * The gateway's side
 */

static struct client *client_of(struct fuzz *f, int server_fd)
{
	size_t i;

	for (i = 0; i < N_CLIENTS; i++) {
		if (f->clients[i].used && f->clients[i].server_fd == server_fd)
			return &f->clients[i];
	}
	return NULL;
}

static bool same_body(const struct http_message *req, const struct alert_draft *draft)
{
	return req->n_body == draft->len && !memcmp(req->body, draft->bytes, draft->len);
}

/* What the sender announced, as the library understood it. */
static void check_announced(struct http_request *req, const struct alert_draft *draft)
{
	const char *length = MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "Content-Length");

	require(!length || strtoull(length, NULL, 10) == draft->len, "handed over with another length than announced");
	require(req->received == draft->len, "handed over with another length than received");
}

/* RFC 6750, 2.1 */
static bool has_token(struct slice authorization)
{
	static const char scheme[] = "Bearer ";
	size_t n = strlen(scheme);

	if (authorization.len < n || strncasecmp((const char *)authorization.at, scheme, n))
		return false;
	while (n < authorization.len && authorization.at[n] == ' ')
		n++;
	return slice_is((struct slice){ authorization.at + n, authorization.len - n }, TOKEN);
}

static void check_originator(const struct http_message *req, const struct alert_draft *draft)
{
	struct slice authorization = http_message_field(req, "Authorization");

	require(!authorization.at || has_token(authorization), "the wrong token was taken");
	require(!strcmp(draft->originator, authorization.at ? "agency" : "local"), "one originator was taken for another");
}

/* Once the client has gone nobody knows which of its requests were answered. */
static void skip_to_body(struct client *c, const struct alert_draft *draft)
{
	struct http_message req;
	bool found = false;

	while (!found && next_request(c, &req) == READ_WHOLE) {
		found = same_body(&req, draft);
		if (!found)
			request_done(c, req.size);
		http_message_clear(&req);
	}
	if (!found)
		http_message_clear(&req);
}

static void on_handed_over(const struct alert_draft *draft, void *data, void *watcher)
{
	struct http_request *request = data;
	struct fuzz *f = watcher;
	struct client *c = client_of(f, request->conn->fd);
	struct http_message req;
	enum reading rc;

	require(c, "an alert from nowhere");
	require(draft->len <= MAX_BODY, "handed over although too large");
	check_announced(request, draft);
	require(c != &f->clients[FOREIGN_CLIENT] || strcmp(draft->originator, "local"), "a stranger was taken for local");
	follow(c);
	if (c->fd < 0)
		skip_to_body(c, draft);
	rc = next_request(c, &req);
	c->odd |= rc == READ_ODD;
	if (!c->odd) {
		require(!c->last, "handed over after the last answer");
		require(!c->handed_over || c->fd < 0, "handed over twice");
		require(rc == READ_WHOLE, "handed over before it was whole");
		require(slice_is(req.method, "POST"), "handed over although not posted");
		require(same_body(&req, draft), "handed over, but not what was sent");
		check_originator(&req, draft);
	}
	c->handed_over = true;
	snprintf(c->id, sizeof(c->id), "%s", draft->id);
	http_message_clear(&req);
}

/*
 * Running
 */

static bool follow_all(struct fuzz *f)
{
	bool any = false;
	size_t i;

	for (i = 0; i < N_CLIENTS; i++)
		any |= f->clients[i].used && follow(&f->clients[i]);
	return any;
}

static void check_bounds(struct fuzz *f)
{
	require(atomic_load(&f->http->held) <= MAX_HELD, "more is held than allowed");
	require(atomic_load(&f->http->waiting) <= MAX_JOBS, "more wait than allowed");
	require(talloc_total_size(NULL) - talloc_total_size(f->ctx) < MAX_HELD + N_CLIENTS * MAX_REST,
		"more memory than allowed");
}

static void run(struct fuzz *f)
{
	unsigned int turns = 0;
	bool any;

	do {
		fake_gateway_run(f->fake);
		any = http_daemon_turn(f->listener, 0);
		any |= osmo_select_main(1) > 0;
		any |= follow_all(f);
		require(++turns < MAX_TURNS, "it never ends");
	} while (any);
	check_bounds(f);
}

static void connect_client(struct fuzz *f, struct client *c)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(4242) };
	struct client *before;
	int fds[2];

	addr.sin_addr.s_addr = htonl(c == &f->clients[FOREIGN_CLIENT] ? 0xc0000201 : INADDR_LOOPBACK);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0, "no socket");
	/* A number that is given out again has no other owner any more. */
	before = client_of(f, fds[1]);
	if (before)
		before->server_fd = -1;
	*c = (struct client){ .used = true, .fd = fds[0], .server_fd = fds[1] };
	require(MHD_add_connection(f->listener->daemon, fds[1], (struct sockaddr *)&addr, sizeof(addr)) == MHD_YES,
		"no connection");
}

static struct client *client(struct fuzz *f)
{
	if (!f->client->used)
		connect_client(f, f->client);
	return f->client;
}

/* The other side need not read while it has not answered: then the rest is never sent. */
static void send_piece(struct fuzz *f, struct client *c, const uint8_t *data, size_t len)
{
	bool stuck = false;
	ssize_t n;

	while (len && !c->ended) {
		n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno != EAGAIN || stuck))
			return;
		stuck = n < 0;
		if (n > 0) {
			append(&c->sent, data, n);
			data += n;
			len -= n;
		}
		if (len)
			run(f);
	}
}

static void send_octets(struct fuzz *f, const uint8_t *data, size_t len, bool by_octet)
{
	struct client *c = client(f);
	size_t i;

	if (c->fd < 0 || c->half_closed || !len)
		return;
	if (!by_octet) {
		send_piece(f, c, data, len);
		return;
	}
	for (i = 0; i < len; i++) {
		send_piece(f, c, data + i, 1);
		(void)http_daemon_turn(f->listener, 0);
	}
}

static void send_filler(struct fuzz *f, char octet, size_t len)
{
	uint8_t filler[16 * 1024];

	memset(filler, octet, sizeof(filler));
	/* In one piece: the library looks through a growing head anew for every octet. */
	send_octets(f, filler, len, false);
}

static void half_close(struct fuzz *f)
{
	struct client *c = client(f);

	run(f);
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_WR);
	c->half_closed = true;
}

static void go_away(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void pass_time(struct fuzz *f)
{
	run(f);
	osmo_gettimeofday_override_add(PASSING_S, 0);
	osmo_clock_override_add(CLOCK_MONOTONIC, PASSING_S, 0);
	http_jobs_sweep(f->http);
	http_conns_sweep(f->listener);
	run(f);
}

static void set_mode(struct fuzz *f, enum fake_mode mode)
{
	f->fake->mode = mode;
}

static void command(struct fuzz *f, uint8_t what)
{
	static const uint8_t escape = ESCAPE;

	switch (what) {
	case '0' ... '7': f->client = &f->clients[what - '0']; break;
	case '.': run(f); break;
	case ',': (void)http_daemon_turn(f->listener, 0); break;
	case 'b': f->by_octet = true; break;
	case 'w': f->by_octet = false; break;
	case 'e': half_close(f); break;
	case 'x': go_away(client(f)); break;
	case 't': pass_time(f); break;
	case 'a': set_mode(f, FAKE_ANSWER); break;
	case 'r': set_mode(f, FAKE_REFUSE); break;
	case 'h': set_mode(f, FAKE_HOLD); break;
	case 'k': send_filler(f, 'x', 1024); break;
	case 'K': send_filler(f, ' ', 16 * 1024); break;
	case ESCAPE: send_octets(f, &escape, 1, f->by_octet); break;
	}
}

static void play(struct fuzz *f, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	while (data < end) {
		const uint8_t *escape = memchr(data, ESCAPE, end - data);

		send_octets(f, data, (escape ? escape : end) - data, f->by_octet);
		data = escape ? escape + 1 : end;
		if (escape && data < end)
			command(f, *data++);
	}
}

/*
 * The end
 */

/* Every whole request was answered, unless it was so large that it was cut off. */
static void check_all_answered(const struct client *c)
{
	struct http_message req;
	enum reading rc;

	if (c->odd || c->fd < 0 || c->half_closed)
		return;
	rc = next_request(c, &req);
	if (!c->last && rc == READ_WHOLE)
		require(c->ended && req.n_body > MAX_DROPPED, "a whole request was not answered");
	require(c->got_at == c->got.n || c->muddled || rc == READ_ODD, "part of an answer");
	require(!c->last || c->ended, "the connection lives on although its end was announced");
	http_message_clear(&req);
}

static void check_nothing_left(struct fuzz *f, size_t blocks)
{
	require(!atomic_load(&f->http->held), "octets are held for nobody");
	require(!atomic_load(&f->http->waiting), "a job waits for nobody");
	require(!atomic_load(&f->listener->open), "a request outlives its connection");
	require(llist_empty(&f->listener->conns), "a connection outlives its socket");
	require(talloc_total_blocks(f->http) == blocks, "the front holds memory of a connection");
}

static void open_front(struct fuzz *f)
{
	static const struct http_listener_config config = { "127.0.0.1", 0, HTTP_INTAKE | HTTP_READ };
	struct originator_set *set;
	struct originator *orig;
	struct problem problem;

	f->ctx = talloc_new(NULL);
	f->fake = fake_gateway_alloc(f->ctx);
	f->fake->watch = on_handed_over;
	f->fake->watcher = f;
	problem_set(&f->fake->refusal, PROBLEM_AREA_NO_CELLS, NULL, 0, "There is no cell there.");
	fake_store_add(f->fake, "0123456789abcdef0123", 5, false);
	set = gateway_originators(f->fake->gw);
	orig = originator_add(set, "agency");
	orig->has_token = true;
	require(digest_sha256(TOKEN, strlen(TOKEN), orig->token_sha256) == 0, "no digest");
	originator_add(set, "local")->loopback_default = true;
	f->http = http_alloc(f->ctx, f->fake->gw);
	http_limits(f->http)->body = MAX_BODY;
	http_limits(f->http)->held = MAX_HELD;
	http_limits(f->http)->jobs = MAX_JOBS;
	require(http_open(f->http, &config, 1, &problem) == 0, "no listener");
	f->listener = f->http->listeners[0];
	f->client = &f->clients[0];
}

static void close_all(struct fuzz *f, size_t blocks)
{
	size_t i;

	run(f);
	f->fake->mode = FAKE_ANSWER;
	run(f);
	for (i = 0; i < N_CLIENTS; i++) {
		if (f->clients[i].used)
			check_all_answered(&f->clients[i]);
		if (f->clients[i].used)
			go_away(&f->clients[i]);
	}
	run(f);
	check_nothing_left(f, blocks);
	for (i = 0; i < N_CLIENTS; i++) {
		free(f->clients[i].sent.at);
		free(f->clients[i].got.at);
	}
}

static void set_clocks(void)
{
	osmo_gettimeofday_override = true;
	osmo_gettimeofday_override_time = (struct timeval){ .tv_sec = NOW };
	osmo_clock_override_enable(CLOCK_MONOTONIC, true);
	*osmo_clock_override_gettimespec(CLOCK_MONOTONIC) = (struct timespec){ .tv_sec = 1000 };
}

static void prepare(void)
{
	static bool ready;
	void *ctx;

	if (ready)
		return;
	ready = true;
	/* All roots under one, to count them: there is only one thread here. */
	talloc_enable_null_tracking();
	ctx = talloc_named_const(NULL, 0, "fuzz_http");
	osmo_init_logging2(ctx, &tocsin_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rate_ctr_init(ctx);
	osmo_stat_item_init(ctx);
	require(cap_init() == 0, "no schema");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { 0 };
	size_t before, blocks;

	prepare();
	set_clocks();
	before = talloc_total_blocks(NULL);
	open_front(&f);
	blocks = talloc_total_blocks(f.http);
	play(&f, data, size);
	close_all(&f, blocks);
	talloc_free(f.ctx);
	require(talloc_total_blocks(NULL) == before, "memory is not given back");
	return 0;
}
