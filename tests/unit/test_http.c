/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The HTTP front over real loopback sockets: raw requests in, raw answers out. The loop runs here,
 * between the client's own steps; gateway and store are fakes. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/select.h>
#include <osmocom/core/stats.h>
#include <osmocom/core/stat_item.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/front/http.h>
#include <tocsin/front/metrics.h>

#include "fake_gateway.h"
#include "json_path.h"

#define TOKEN "correct-horse-battery-staple"
/* Nothing here takes this long; it is when a test gives up. */
#define PATIENCE_MS 20000

enum { ALL, INTAKE, READ, N_LISTENERS };

struct fixture {
	void *ctx;
	struct fake_gateway *fake;
	struct http *http;
	unsigned int next_id;
};

struct answer {
	int status;		/* 0: the connection ended without one */
	char *head;
	char *body;
	size_t len;
};

/*
 * Fixture
 */

static void add_originators(struct originator_set *set)
{
	struct originator *orig = originator_add(set, "agency");

	orig->has_token = true;
	assert_int_equal(digest_sha256(TOKEN, strlen(TOKEN), orig->token_sha256), 0);
	orig = originator_add(set, "local");
	orig->loopback_default = true;
}

static int setup(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);

	f->ctx = talloc_new(NULL);
	f->fake = fake_gateway_alloc(f->ctx);
	add_originators(gateway_originators(f->fake->gw));
	f->http = http_alloc(f->ctx, f->fake->gw);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->http);
	talloc_free(f->ctx);
	talloc_free(f);
	return 0;
}

static void start(struct fixture *f)
{
	static const struct http_listener_config listeners[N_LISTENERS] = {
		[ALL] = { "127.0.0.1", 0, HTTP_INTAKE | HTTP_READ },
		[INTAKE] = { "127.0.0.1", 0, HTTP_INTAKE },
		[READ] = { "127.0.0.1", 0, HTTP_READ },
	};
	struct problem problem = { 0 };

	if (http_start(f->http, listeners, N_LISTENERS, &problem) < 0)
		fail_msg("%s", problem.detail);
}

/*
 * Client
 */

static int dial(struct fixture *f, unsigned int listener)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(http_port(f->http, listener)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* \returns octets sent: fewer when the other side has closed. */
static size_t put(int fd, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

		if (n < 0)
			break;
		done += n;
	}
	return done;
}

static void put_text(int fd, const char *text)
{
	assert_int_equal(put(fd, text, strlen(text)), strlen(text));
}

static void pump(struct fixture *f)
{
	osmo_select_main(1);
	fake_gateway_run(f->fake);
}

static int64_t real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read some; the loop runs meanwhile unless f is NULL. \returns octets, 0 at the end. */
static size_t get_some(struct fixture *f, int fd, char *buf, size_t max)
{
	int64_t end = real_ms() + PATIENCE_MS;

	while (real_ms() < end) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (f)
			pump(f);
		if (poll(&pfd, 1, 1) <= 0)
			continue;
		n = recv(fd, buf, max, MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN)
			return n > 0 ? n : 0;
	}
	fail_msg("nothing came for %d ms", PATIENCE_MS);
	return 0;
}

static const char *header(const struct answer *a, const char *name, char *buf, size_t size)
{
	const char *line = a->head ? strstr(a->head, "\r\n") : NULL;
	size_t n = strlen(name);

	for (; line && line[2]; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, n) || line[2 + n] != ':')
			continue;
		snprintf(buf, size, "%.*s", (int)strcspn(line + 4 + n, "\r"), line + 4 + n);
		return buf;
	}
	return NULL;
}

#define assert_header(a, name, value) do { \
	char buf_[256]; \
	const char *found_ = header(a, name, buf_, sizeof(buf_)); \
	assert_non_null(found_); \
	assert_string_equal(found_, value); \
} while (0)

static void dechunk(struct answer *a)
{
	char *in = a->body, *out = a->body, *next;
	size_t n;

	while ((n = strtoul(in, &next, 16))) {
		in = next + 2;
		memmove(out, in, n);
		out += n;
		in += n + 2;
	}
	a->len = out - a->body;
	*out = '\0';
}

/* Header of the final answer, once it is whole; it is taken off raw, and so is an interim one. */
static void take_head(struct answer *a, char *raw, size_t *n)
{
	char *end;

	while (!a->head && (end = memmem(raw, *n, "\r\n\r\n", 4))) {
		if (strncmp(raw, "HTTP/1.1 100", 12)) {
			a->head = strndup(raw, end - raw + 2);
			a->status = atoi(raw + 9);
		}
		*n -= end + 4 - raw;
		memmove(raw, end + 4, *n);
	}
}

static bool complete(const struct answer *a, const char *body, size_t n, bool is_head)
{
	char buf[64];

	if (!a->head || is_head)
		return a->head;
	if (header(a, "Content-Length", buf, sizeof(buf)))
		return n >= strtoul(buf, NULL, 10);
	return n >= 5 && !memcmp(body + n - 5, "0\r\n\r\n", 5);
}

static struct answer get_answer(struct fixture *f, int fd, bool is_head)
{
	size_t size = 1 << 16, n = 0, got;
	struct answer a = { 0 };
	char buf[64];

	a.body = malloc(size + 1);
	do {
		if (n == size)
			a.body = realloc(a.body, (size *= 2) + 1);
		got = get_some(f, fd, a.body + n, size - n);
		n += got;
		take_head(&a, a.body, &n);
	} while (got && !complete(&a, a.body, n, is_head));
	a.len = n;
	a.body[n] = '\0';
	if (a.head && !is_head && header(&a, "Transfer-Encoding", buf, sizeof(buf)))
		dechunk(&a);
	return a;
}

static void answer_clear(struct answer *a)
{
	free(a->head);
	free(a->body);
	*a = (struct answer){ 0 };
}

static bool at_end(struct fixture *f, int fd)
{
	char c;

	return get_some(f, fd, &c, 1) == 0;
}

static struct answer ask(struct fixture *f, unsigned int listener, const char *fmt, ...)
{
	int fd = dial(f, listener);
	struct answer a;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = talloc_vasprintf(f->ctx, fmt, ap);
	va_end(ap);
	put_text(fd, text);
	a = get_answer(f, fd, !strncmp(text, "HEAD ", 5));
	talloc_free(text);
	close(fd);
	return a;
}

static struct answer get(struct fixture *f, const char *path)
{
	return ask(f, ALL, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
}

#define assert_json(a, path, value) do { \
	char *found_ = json_path((a)->body, (a)->len, path); \
	if (!found_) \
		fail_msg("no %s in %s", path, (a)->body); \
	assert_string_equal(found_, value); \
	free(found_); \
} while (0)

static void assert_problem(struct answer *a, int status, const char *code)
{
	char type[100], number[8];

	if (a->status != status)
		fail_msg("%d where %d %s was expected: %s", a->status, status, code, a->body ? a->body : "(nothing)");
	snprintf(type, sizeof(type), "/v1/problems/%s", code);
	snprintf(number, sizeof(number), "%d", status);
	assert_header(a, "Content-Type", "application/problem+json");
	assert_json(a, "type", type);
	assert_json(a, "status", number);
	free(json_path(a->body, a->len, "title"));
	free(json_path(a->body, a->len, "detail"));
	answer_clear(a);
}

static void assert_status(struct answer *a, int status)
{
	if (a->status != status)
		fail_msg("%d where %d was expected: %s", a->status, status, a->body ? a->body : "(nothing)");
	answer_clear(a);
}

/*
 * Alerts
 */

static const char *cap_time(int64_t utc, char buf[40])
{
	clock_format(utc, buf, 32);
	strcpy(strchr(buf, 'Z'), "+00:00");
	return buf;
}

static char *cap_document(struct fixture *f, const char *identifier, const char *severity, const char *text)
{
	char sent[40], expires[40];

	return talloc_asprintf(f->ctx,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n<identifier>%s</identifier>\n"
		"<sender>test@example.org</sender><sent>%s</sent><status>Actual</status><msgType>Alert</msgType>"
		"<scope>Public</scope><info><language>en</language><category>Met</category><event>Flood</event>"
		"<urgency>Immediate</urgency><severity>%s</severity><certainty>Observed</certainty>"
		"<expires>%s</expires><headline>Flood</headline><description>%s</description>"
		"<area><areaDesc>Valley</areaDesc><circle>48.0,11.0 5</circle></area></info></alert>\n",
		identifier, cap_time(clock_utc() - 1, sent), severity, cap_time(clock_utc() + 600, expires), text);
}

static char *cap_cancel(struct fixture *f, const char *identifier)
{
	char sent[40];

	cap_time(clock_utc() - 1, sent);
	return talloc_asprintf(f->ctx,
		"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>%s</identifier>"
		"<sender>test@example.org</sender><sent>%s</sent><status>Actual</status><msgType>Cancel</msgType>"
		"<scope>Public</scope><references>test@example.org,x,%s</references></alert>", identifier, sent, sent);
}

static char *post_request(struct fixture *f, const char *headers, const char *body)
{
	return talloc_asprintf(f->ctx, "POST /v1/alerts HTTP/1.1\r\nHost: localhost:12380\r\n"
			       "Content-Type: application/cap+xml\r\n%sContent-Length: %zu\r\n\r\n%s",
			       headers, strlen(body), body);
}

static char *next_alert(struct fixture *f)
{
	char identifier[32];

	snprintf(identifier, sizeof(identifier), "a-%u", f->next_id++);
	return cap_document(f, identifier, "Severe", "Go uphill.");
}

static int dial_and_post(struct fixture *f, const char *headers, const char *body)
{
	int fd = dial(f, ALL);

	put_text(fd, post_request(f, headers, body));
	return fd;
}

static struct answer post(struct fixture *f, const char *headers, const char *body)
{
	int fd = dial_and_post(f, headers, body);
	struct answer a = get_answer(f, fd, false);

	close(fd);
	return a;
}

/* Until n alerts wait for their answer, without the loop. */
static void await_waiting(struct fixture *f, unsigned int n)
{
	int64_t end = real_ms() + PATIENCE_MS;

	while (http_waiting(f->http) != n) {
		if (real_ms() > end)
			fail_msg("%u alerts wait, not %u", http_waiting(f->http), n);
		sched_yield();
	}
}

static void a_good_alert_is_answered_202_with_its_place(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char url[64], buf[64], *id;

	start(f);
	a = post(f, "", next_alert(f));
	assert_int_equal(a.status, 202);
	assert_header(&a, "Content-Type", "application/json");
	assert_header(&a, "X-Content-Type-Options", "nosniff");
	assert_header(&a, "Cache-Control", "no-store");
	assert_null(header(&a, "Access-Control-Allow-Origin", buf, sizeof(buf)));
	id = json_path(a.body, a.len, "id");
	snprintf(url, sizeof(url), "/v1/alerts/%s", id);
	assert_header(&a, "Location", url);
	assert_json(&a, "identifier", "a-0");
	answer_clear(&a);
	free(id);
}

static void the_same_alert_twice_is_answered_alike(void **state)
{
	struct fixture *f = *state;
	struct answer a, b;
	char *doc;

	start(f);
	doc = next_alert(f);
	a = post(f, "", doc);
	b = post(f, "", doc);
	assert_int_equal(a.status, 202);
	assert_int_equal(b.status, 202);
	assert_string_equal(a.body, b.body);
	assert_int_equal(f->fake->taken, 1);
	answer_clear(&a);
	answer_clear(&b);
}

static void an_alert_whose_row_cannot_be_read_back_is_not_denied(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	start(f);
	f->fake->answers_missing = true;
	a = post(f, "", next_alert(f));
	assert_int_equal(a.status, 202);
	assert_json(&a, "state", "accepted");
	answer_clear(&a);
	f->fake->answers_missing = false;
	f->fake->reader_fails = true;
	a = ask(f, INTAKE, "%s", post_request(f, "", next_alert(f)));
	assert_status(&a, 202);
}

static void a_chunked_body_is_taken(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char *doc;
	int half;

	start(f);
	doc = next_alert(f);
	half = strlen(doc) / 2;
	a = ask(f, ALL, "POST /v1/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%.*s\r\n%zx\r\n%s\r\n0\r\n\r\n",
		half, half, doc, strlen(doc) - half, doc + half);
	assert_json(&a, "identifier", "a-0");
	assert_status(&a, 202);
}

static void a_client_that_expects_100_is_told_to_go_on(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char *doc, buf[64];
	int fd;

	start(f);
	doc = next_alert(f);
	fd = dial(f, ALL);
	put_text(fd, talloc_asprintf(f->ctx, "POST /v1/alerts HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\n"
		 "Content-Type: application/xml\r\nContent-Length: %zu\r\n\r\n", strlen(doc)));
	assert_true(get_some(f, fd, buf, sizeof(buf)) >= 12);
	assert_memory_equal(buf, "HTTP/1.1 100", 12);
	put_text(fd, doc);
	a = get_answer(f, fd, false);
	assert_status(&a, 202);
	close(fd);
}

static void one_connection_carries_many_requests(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int fd, i;

	start(f);
	fd = dial(f, ALL);
	for (i = 0; i < 5; i++) {
		put_text(fd, post_request(f, "", next_alert(f)));
		a = get_answer(f, fd, false);
		assert_status(&a, 202);
		put_text(fd, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
		a = get_answer(f, fd, false);
		assert_status(&a, 200);
	}
	close(fd);
}

static void two_hundred_at_once_are_all_answered(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int fd[200], i;

	start(f);
	for (i = 0; i < 200; i++)
		fd[i] = dial_and_post(f, "", next_alert(f));
	for (i = 0; i < 200; i++) {
		a = get_answer(f, fd[i], false);
		assert_status(&a, 202);
		close(fd[i]);
	}
	assert_int_equal(f->fake->taken, 200);
	assert_int_equal(http_waiting(f->http), 0);
}

/* As many as the library takes from epoll at a time: its own thread then waited for one more. */
static void clients_in_a_round_number_do_not_stall(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int fd[128], round;
	size_t i;

	start(f);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = dial(f, ALL);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < ARRAY_SIZE(fd); i++)
			put_text(fd[i], "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
		for (i = 0; i < ARRAY_SIZE(fd); i++) {
			a = get_answer(NULL, fd[i], false);
			assert_status(&a, 200);
		}
	}
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

static void cancels_go_first_and_then_what_is_most_severe(void **state)
{
	struct fixture *f = *state;
	char *docs[5] = {
		cap_document(f, "minor", "Minor", "t"), cap_document(f, "severe", "Severe", "t"),
		cap_document(f, "extreme", "Extreme", "t"), cap_cancel(f, "cancel-1"), cap_cancel(f, "cancel-2"),
	};
	static const char *const order[] = { "cancel-1", "cancel-2", "extreme", "severe", "minor" };
	struct answer a;
	int fd[5], i;

	start(f);
	for (i = 0; i < 5; i++) {
		fd[i] = dial_and_post(f, "", docs[i]);
		await_waiting(f, i + 1);
	}
	for (i = 0; i < 5; i++) {
		a = get_answer(f, fd[i], false);
		assert_status(&a, 202);
		close(fd[i]);
	}
	for (i = 0; i < 5; i++)
		assert_string_equal(f->fake->order[i], order[i]);
}

/*
 * Who
 */

static void originators_are_told_apart(void **state)
{
	static const struct {
		const char *name;
		const char *headers;
		int status;
	} cases[] = {
		{ "no token, from this host", "", 202 },
		{ "the right token", "Authorization: Bearer " TOKEN "\r\n", 202 },
		{ "the scheme in other letters", "Authorization: bearer  " TOKEN "\r\n", 202 },
		{ "a wrong token is not excused by loopback", "Authorization: Bearer wrong-wrong-wrong-wrong\r\n", 401 },
		{ "an empty token", "Authorization: Bearer \r\n", 401 },
		{ "another scheme", "Authorization: Basic YTpi\r\n", 401 },
		{ "a web page on this host", "Origin: http://localhost\r\n", 401 },
		{ "a web page with the token", "Origin: http://x\r\nAuthorization: Bearer " TOKEN "\r\n", 202 },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		a = post(f, cases[i].headers, next_alert(f));
		if (a.status != cases[i].status)
			fail_msg("%s: %d", cases[i].name, a.status);
		if (a.status == 401) {
			assert_header(&a, "WWW-Authenticate", "Bearer");
			assert_problem(&a, 401, "originator-unknown");
		}
		answer_clear(&a);
	}
}

static void only_a_literal_host_counts_as_this_host(void **state)
{
	static const struct {
		const char *host;
		int status;
	} cases[] = {
		{ "127.0.0.1", 202 }, { "127.0.0.1:12380", 202 }, { "LocalHost:1", 202 }, { "[::1]", 202 },
		{ "[::1]:12380", 202 }, { "192.0.2.1", 202 }, { "evil.example", 401 }, { "evil.example:12380", 401 },
		{ "127.0.0.1.evil.example", 401 }, { "localhost.evil.example", 401 }, { "127.0.0.1:x", 401 },
		{ "[::1", 401 }, { "[::1]x", 401 }, { "::1", 401 }, { "127.0.0.1:99999", 401 }, { "localhost:", 401 },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;
	char *doc;

	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		doc = next_alert(f);
		a = ask(f, ALL, "POST /v1/alerts HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n%s",
			cases[i].host, strlen(doc), doc);
		if (a.status != cases[i].status)
			fail_msg("Host: %s: %d", cases[i].host, a.status);
		answer_clear(&a);
	}
}

static void a_stranger_is_refused_before_the_body(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	start(f);
	/* The body never comes. */
	a = ask(f, ALL, "POST /v1/alerts HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/xml\r\n"
		"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
	assert_header(&a, "Connection", "close");
	assert_problem(&a, 401, "originator-unknown");
	assert_int_equal(f->fake->submitted, 0);
}

static void a_change_of_originators_reaches_the_listeners(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	start(f);
	a = post(f, "", next_alert(f));
	assert_status(&a, 202);
	originator_remove(gateway_originators(f->fake->gw), "local");
	/* Twice: the first is never picked up. */
	http_reconfigure(f->http);
	http_reconfigure(f->http);
	a = post(f, "", next_alert(f));
	assert_problem(&a, 401, "originator-unknown");
	a = post(f, "Authorization: Bearer " TOKEN "\r\n", next_alert(f));
	assert_status(&a, 202);
}

/*
 * What is refused
 */

static void other_media_types_are_refused(void **state)
{
	static const struct {
		const char *headers;
		int status;
	} cases[] = {
		{ "Content-Type: application/cap+xml\r\n", 202 },
		{ "Content-Type: Application/XML ;charset=utf-8\r\n", 202 },
		{ "Content-Type: text/xml;charset=utf-8\r\n", 202 },
		{ "", 415 },
		{ "Content-Type: application/json\r\n", 415 },
		{ "Content-Type: text/xmlx\r\n", 415 },
		{ "Content-Type: ;\r\n", 415 },
		{ "Content-Type: multipart/form-data; boundary=x\r\n", 415 },
		{ "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n", 415 },
		{ "Content-Type: text/xml\r\nContent-Encoding: identity\r\n", 202 },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;
	char *doc;

	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		doc = next_alert(f);
		a = ask(f, ALL, "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s",
			cases[i].headers, strlen(doc), doc);
		if (a.status != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, a.status);
		if (a.status == 415)
			assert_problem(&a, 415, "media-type");
		answer_clear(&a);
	}
}

static void documents_are_refused_with_the_place_of_the_fault(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	start(f);
	a = post(f, "", "");
	assert_problem(&a, 400, "cap-not-well-formed");
	a = post(f, "", "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><");
	assert_problem(&a, 400, "cap-not-well-formed");
	a = post(f, "", "<!DOCTYPE alert><alert/>");
	assert_problem(&a, 400, "cap-doctype");
	a = post(f, "", "<html/>");
	assert_problem(&a, 422, "cap-not-cap");
	a = post(f, "", cap_document(f, "no-such-severity", "Terrible", "t"));
	assert_json(&a, "line", "4");
	assert_non_null(strstr(a.body, "\"where\":\"alert/info"));
	assert_problem(&a, 422, "cap-schema");
	assert_int_equal(f->fake->submitted, 0);
}

static void what_the_gateway_refuses_is_told(void **state)
{
	static const enum problem_code codes[] = {
		PROBLEM_ORIGINATOR_FORBIDDEN, PROBLEM_CAP_DUPLICATE, PROBLEM_AREA_NO_CELLS,
		PROBLEM_STORE_UNAVAILABLE, PROBLEM_STORE_FULL, PROBLEM_INTERNAL,
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	start(f);
	f->fake->mode = FAKE_REFUSE;
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		problem_set(&f->fake->refusal, codes[i], "alert/info[1]", 17, "Because \"so\".");
		a = post(f, "", next_alert(f));
		assert_json(&a, "detail", "Because \"so\".");
		assert_json(&a, "where", "alert/info[1]");
		assert_json(&a, "line", "17");
		if (a.status == 503)
			assert_header(&a, "Retry-After", "7");
		assert_problem(&a, problem_status(codes[i]), problem_code_name(codes[i]));
	}
}

static void a_body_a_little_too_large_is_answered_413_and_the_connection_lives(void **state)
{
	struct fixture *f = *state;
	char *doc = talloc_zero_size(f->ctx, 3001);
	struct answer a;
	int fd, i;

	http_limits(f->http)->body = 1000;
	start(f);
	memset(doc, ' ', 3000);
	fd = dial(f, ALL);
	for (i = 0; i < 2; i++) {
		put_text(fd, post_request(f, "", doc));
		a = get_answer(f, fd, false);
		assert_problem(&a, 413, "too-large");
	}
	put_text(fd, talloc_asprintf(f->ctx, "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
		 "Transfer-Encoding: chunked\r\n\r\nbb8\r\n%s\r\n0\r\n\r\n", doc));
	a = get_answer(f, fd, false);
	assert_problem(&a, 413, "too-large");
	close(fd);
}

static void a_body_of_exactly_the_limit_is_read(void **state)
{
	struct fixture *f = *state;
	char *doc = cap_document(f, "exact", "Severe", "t");
	struct answer a;

	http_limits(f->http)->body = strlen(doc);
	start(f);
	a = post(f, "", doc);
	assert_status(&a, 202);
	a = post(f, "", talloc_asprintf(f->ctx, "%s\n", doc));
	assert_problem(&a, 413, "too-large");
}

static void a_huge_body_is_cut_off(void **state)
{
	struct fixture *f = *state;
	char *doc = talloc_zero_size(f->ctx, 100001);
	struct answer a;
	char head[256];
	int fd, i;

	http_limits(f->http)->body = 1000;
	start(f);
	/* Announced: told at once. */
	a = ask(f, ALL, "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 99999999999\r\n\r\n");
	assert_header(&a, "Connection", "close");
	assert_problem(&a, 413, "too-large");
	/* Not announced: read up to a bound, then closed. */
	memset(doc, ' ', 100000);
	fd = dial(f, ALL);
	snprintf(head, sizeof(head), "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n");
	put_text(fd, head);
	for (i = 0; i < 1000 && put(fd, doc, 100000) == 100000; i++)
		;
	assert_true(i < 1000);
	a = get_answer(f, fd, false);
	assert_int_equal(a.status, 0);
	answer_clear(&a);
	close(fd);
}

static void all_bodies_together_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int fd;

	/* Room for one first piece and no second. */
	http_limits(f->http)->held = 20000;
	start(f);
	f->fake->mode = FAKE_HOLD;
	fd = dial_and_post(f, "", next_alert(f));
	await_waiting(f, 1);
	a = post(f, "", next_alert(f));
	assert_header(&a, "Retry-After", "1");
	assert_problem(&a, 503, "too-busy");
	f->fake->mode = FAKE_ANSWER;
	a = get_answer(f, fd, false);
	assert_status(&a, 202);
	close(fd);
	a = post(f, "", next_alert(f));
	assert_status(&a, 202);
}

static void paths_and_methods_are_told_apart(void **state)
{
	static const struct {
		unsigned int listener;
		const char *method, *path;
		int status;
		const char *allow;
	} cases[] = {
		{ ALL, "GET", "/", 404, NULL },
		{ ALL, "GET", "/v1", 404, NULL },
		{ ALL, "GET", "/v1/alerts/", 404, NULL },
		{ ALL, "GET", "/v1/alerts//cells", 404, NULL },
		{ ALL, "GET", "/v1/alerts/a/b", 404, NULL },
		{ ALL, "GET", "/v1/alerts/00000000000000000000", 404, NULL },
		{ ALL, "GET", "/v1/alerts/..%2f..%2fetc", 404, NULL },
		{ ALL, "GET", "/v1/alerts/ABCDEF00000000000000", 404, NULL },
		{ ALL, "GET", "/v1/alerts/00000000000000000000/cells", 404, NULL },
		{ ALL, "GET", "/v1/alerts/00000000000000000000/document", 404, NULL },
		{ ALL, "GET", "/v1/problems/nonsense", 404, NULL },
		{ ALL, "POST", "/v1/alert", 404, NULL },
		{ ALL, "PUT", "/v1/alerts", 405, "GET, HEAD, POST" },
		{ ALL, "OPTIONS", "/v1/alerts", 405, "GET, HEAD, POST" },
		{ ALL, "DELETE", "/v1/alerts/00000000000000000000", 405, "GET, HEAD" },
		{ ALL, "POST", "/metrics", 405, "GET, HEAD" },
		{ ALL, "get", "/metrics", 405, "GET, HEAD" },
		{ INTAKE, "GET", "/v1/alerts", 404, NULL },
		{ INTAKE, "GET", "/v1/health", 404, NULL },
		{ INTAKE, "PUT", "/v1/alerts", 405, "POST" },
		{ READ, "POST", "/v1/alerts", 404, NULL },
		{ READ, "PUT", "/v1/alerts", 405, "GET, HEAD" },
		{ READ, "GET", "/v1/health", 200, NULL },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		a = ask(f, cases[i].listener, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
			cases[i].method, cases[i].path);
		if (a.status != cases[i].status)
			fail_msg("%s %s: %d", cases[i].method, cases[i].path, a.status);
		if (cases[i].allow)
			assert_header(&a, "Allow", cases[i].allow);
		if (a.status == 404)
			assert_problem(&a, 404, "not-found");
		answer_clear(&a);
	}
}

static void two_framings_end_the_connection_whatever_else_is_wrong(void **state)
{
	static const char *const requests[] = {
		"POST /nowhere", "GET /v1/health?no=1", "PUT /v1/alerts", "DELETE /v1/alerts",
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	start(f);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = dial(f, ALL);

		put_text(fd, talloc_asprintf(f->ctx, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
			 requests[i]));
		a = get_answer(f, fd, false);
		assert_header(&a, "Connection", "close");
		assert_in_range(a.status, 400, 499);
		answer_clear(&a);
		assert_true(at_end(f, fd));
		close(fd);
	}
}

static void a_request_names_one_host(void **state)
{
	static const struct {
		const char *version;
		const char *hosts;
		int status;
	} cases[] = {
		{ "1.1", "", 400 },
		{ "1.1", "Host: x\r\n", 200 },
		{ "1.1", "Host: x\r\nHost: x\r\n", 400 },
		{ "1.0", "", 200 },
		{ "1.0", "Host: x\r\nHost: y\r\n", 400 },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		a = ask(f, ALL, "GET /v1/health HTTP/%s\r\n%s\r\n", cases[i].version, cases[i].hosts);
		if (cases[i].status == 400)
			assert_problem(&a, 400, "bad-parameter");
		else
			assert_status(&a, cases[i].status);
	}
}

static void two_framings_of_one_body_are_refused(void **state)
{
	static const char *const framings[] = {
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 6\r\n",
		"Content-Length: +5\r\n",
		"Content-Length: 5, 5\r\n",
		"Content-Length : 5\r\n",
		"Transfer-Encoding\t: chunked\r\n",
		"Transfer-Encoding: gzip, chunked\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	start(f);
	for (i = 0; i < ARRAY_SIZE(framings); i++) {
		int fd = dial(f, ALL);

		put_text(fd, talloc_asprintf(f->ctx, "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
			 "%s\r\n0\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n", framings[i]));
		a = get_answer(f, fd, false);
		if (a.status != 400)
			fail_msg("%s: %d", framings[i], a.status);
		answer_clear(&a);
		/* What follows is not taken for a request. */
		assert_true(at_end(f, fd));
		close(fd);
	}
}

static void bad_parameters_are_named(void **state)
{
	static const struct {
		const char *path, *where;
	} cases[] = {
		{ "/v1/alerts?max=0", "max" }, { "/v1/alerts?max=501", "max" }, { "/v1/alerts?max=", "max" },
		{ "/v1/alerts?max=-1", "max" }, { "/v1/alerts?max=1e2", "max" }, { "/v1/alerts?max", "max" },
		{ "/v1/alerts?before=x", "before" }, { "/v1/alerts?before=99999999999999999999", "before" },
		{ "/v1/alerts?befor=1", "befor" }, { "/v1/health?x=1", "x" },
		{ "/v1/alerts/00000000000000000001/cells?state=on", "state" },
		{ "/v1/alerts/00000000000000000001/cells?message=0", "message" },
		{ "/v1/alerts/00000000000000000001/cells?message=70000", "message" },
		{ "/v1/alerts/00000000000000000001/cells?after=zz", "after" },
		{ "/v1/alerts/00000000000000000001/cells?after=00", "after" },
		{ "/v1/alerts/00000000000000000001/recipients?state=on", "state" },
		{ "/v1/alerts/00000000000000000001/recipients?peer=sms", "peer" },
		{ "/v1/alerts/00000000000000000001/recipients?after=00", "after" },
		{ "/v1/alerts/00000000000000000001/recipients?max=0", "max" },
		{ "/v1/cells?after=-1", "after" }, { "/v1/cells?max=100001", "max" },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	fake_store_add(f->fake, "00000000000000000001", 4, false);
	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		a = get(f, cases[i].path);
		if (a.status != 400)
			fail_msg("%s: %d", cases[i].path, a.status);
		assert_json(&a, "where", cases[i].where);
		assert_problem(&a, 400, "bad-parameter");
	}
}

/*
 * Waiting, lateness, the end
 */

static void a_full_queue_is_answered_503(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int fd[5], i;

	http_limits(f->http)->jobs = 4;
	start(f);
	for (i = 0; i < 4; i++)
		fd[i] = dial_and_post(f, "", next_alert(f));
	await_waiting(f, 4);
	fd[4] = dial_and_post(f, "", next_alert(f));
	/* The loop does not run while this is awaited. */
	a = get_answer(NULL, fd[4], false);
	assert_header(&a, "Retry-After", "1");
	assert_problem(&a, 503, "too-busy");
	for (i = 0; i < 4; i++) {
		a = get_answer(f, fd[i], false);
		assert_status(&a, 202);
	}
	put_text(fd[4], post_request(f, "", next_alert(f)));
	a = get_answer(f, fd[4], false);
	assert_status(&a, 202);
	for (i = 0; i < 5; i++)
		close(fd[i]);
}

/* From here on monotonic time moves only when told to. */
static void freeze_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*osmo_clock_override_gettimespec(CLOCK_MONOTONIC) = now;
	osmo_clock_override_enable(CLOCK_MONOTONIC, true);
}

static int thaw_and_teardown(void **state)
{
	osmo_clock_override_enable(CLOCK_MONOTONIC, false);
	return teardown(state);
}

static void an_alert_that_is_not_decided_in_time_is_answered_503(void **state)
{
	static const struct {
		bool knows;
		const char *code;
	} cases[] = {
		{ false, "store-unavailable" },	/* nothing is kept */
		{ true, "store-timeout" },	/* nobody can tell */
	};
	struct fixture *f = *state;
	struct answer a;
	unsigned int i;
	int fd;

	freeze_time();
	start(f);
	f->fake->mode = FAKE_HOLD;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		f->fake->knows = cases[i].knows;
		fd = dial_and_post(f, "", next_alert(f));
		await_waiting(f, 1);
		while (f->fake->submitted == i)
			pump(f);
		osmo_clock_override_add(CLOCK_MONOTONIC, 29, 0);
		pump(f);
		assert_int_equal(http_waiting(f->http), 1);
		osmo_clock_override_add(CLOCK_MONOTONIC, 2, 0);
		a = get_answer(f, fd, false);
		assert_header(&a, "Retry-After", "5");
		assert_problem(&a, 503, cases[i].code);
		assert_int_equal(f->fake->forgotten, i + 1);
		close(fd);
	}
}

static void a_slow_client_is_cut_off(void **state)
{
	static const struct {
		const char *name, *sent;
		time_t after_s;
	} cases[] = {
		{ "nothing sent", "", 11 },
		{ "half a header", "POST /v1/alerts HTTP/1.1\r\nHost: loc", 11 },
		{ "half a body", "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<al", 61 },
		{ "half a refused body", "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n<al", 61 },
	};
	struct fixture *f = *state;
	size_t i;

	freeze_time();
	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = dial(f, ALL), other = dial(f, ALL);
		struct answer a;

		put_text(fd, cases[i].sent);
		/* Once this is answered, the thread has seen what was sent before. */
		put_text(other, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
		a = get_answer(f, other, false);
		assert_status(&a, 200);
		put_text(other, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
		a = get_answer(f, other, false);
		assert_status(&a, 200);
		osmo_clock_override_add(CLOCK_MONOTONIC, cases[i].after_s, 0);
		if (!at_end(f, fd))
			fail_msg("%s: still open", cases[i].name);
		close(fd);
		close(other);
	}
}

static void a_client_that_has_gone_does_no_harm(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int i;

	start(f);
	for (i = 0; i < 20; i++) {
		close(dial_and_post(f, "", next_alert(f)));
		await_waiting(f, i + 1);
	}
	while (http_waiting(f->http))
		pump(f);
	assert_int_equal(f->fake->taken, 20);
	a = post(f, "", next_alert(f));
	assert_status(&a, 202);
}

static void what_was_asked_for_goes_on_when_the_client_hangs_up(void **state)
{
	struct fixture *f = *state;
	int fd;

	freeze_time();
	start(f);
	f->fake->mode = FAKE_HOLD;
	fd = dial_and_post(f, "", next_alert(f));
	await_waiting(f, 1);
	while (!f->fake->submitted)
		pump(f);
	close(fd);
	osmo_clock_override_add(CLOCK_MONOTONIC, 29, 0);
	pump(f);
	assert_int_equal(f->fake->forgotten, 0);
	f->fake->mode = FAKE_ANSWER;
	while (http_waiting(f->http))
		pump(f);
	assert_int_equal(f->fake->taken, 1);
	assert_int_equal(f->fake->forgotten, 0);
}

static void at_the_end_everybody_who_waits_is_answered(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	int fd[5], i;

	start(f);
	f->fake->mode = FAKE_HOLD;
	for (i = 0; i < 3; i++)
		fd[i] = dial_and_post(f, "", next_alert(f));
	await_waiting(f, 3);
	while (f->fake->submitted < 3)
		pump(f);
	for (; i < 5; i++)
		fd[i] = dial_and_post(f, "", next_alert(f));
	await_waiting(f, 5);
	http_stop(f->http);
	for (i = 0; i < 5; i++) {
		a = get_answer(NULL, fd[i], false);
		assert_problem(&a, 503, "store-unavailable");
		close(fd[i]);
	}
	assert_int_equal(f->fake->forgotten, 3);
	/* It can be started again. */
	f->fake->mode = FAKE_ANSWER;
	start(f);
	a = post(f, "", next_alert(f));
	assert_status(&a, 202);
}

static void a_listener_that_cannot_listen_starts_none(void **state)
{
	struct fixture *f = *state;
	struct http *second = http_alloc(f->ctx, f->fake->gw);
	struct http_listener_config taken[2] = { { "127.0.0.1", 0, HTTP_READ }, { "127.0.0.1", 0, HTTP_READ } };
	struct http_listener_config name[1] = { { "localhost", 0, HTTP_READ } };
	struct problem problem = { 0 };

	start(f);
	taken[1].port = http_port(f->http, ALL);
	assert_int_equal(http_start(second, taken, 2, &problem), -EINVAL);
	assert_int_equal(problem.code, PROBLEM_CONFIG);
	assert_int_equal(http_port(second, 0), 0);
	assert_int_equal(http_start(second, name, 1, &problem), -EINVAL);
	talloc_free(second);
}

static void an_ipv6_listener_knows_its_own_host(void **state)
{
	struct http_listener_config config = { "::1", 0, HTTP_INTAKE };
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct fixture *f = *state;
	int probe = socket(AF_INET6, SOCK_STREAM, 0), fd;
	struct answer a;

	/* Not every machine has IPv6. */
	if (probe < 0 || bind(probe, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(probe);
		skip();
	}
	close(probe);
	assert_int_equal(http_start(f->http, &config, 1, NULL), 0);
	addr.sin6_port = htons(http_port(f->http, 0));
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	put_text(fd, post_request(f, "", next_alert(f)));
	a = get_answer(f, fd, false);
	assert_status(&a, 202);
	close(fd);
}

/*
 * Status
 */

static void head_is_get_without_a_body(void **state)
{
	static const char *const paths[] = {
		"/v1/alerts", "/v1/health", "/metrics", "/v1/alerts/00000000000000000001",
		"/v1/alerts/00000000000000000001/cells", "/v1/alerts/00000000000000000001/document", "/v1/cells",
		"/v1/recipients", "/v1/alerts/00000000000000000001/recipients",
	};
	struct fixture *f = *state;
	struct answer a;
	char buf[32];
	size_t i;
	int fd;

	fake_store_add(f->fake, "00000000000000000001", 4, false);
	start(f);
	fd = dial(f, ALL);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		put_text(fd, talloc_asprintf(f->ctx, "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]));
		a = get_answer(f, fd, true);
		if (a.status != 200 || a.len)
			fail_msg("%s: %d, %zu octets", paths[i], a.status, a.len);
		if (header(&a, "Connection", buf, sizeof(buf))) {
			assert_true(at_end(f, fd));
			close(fd);
			fd = dial(f, ALL);
		}
		answer_clear(&a);
	}
	/* Nothing is left over on the line. */
	put_text(fd, "GET /v1/problems/cap-expired HTTP/1.1\r\nHost: x\r\n\r\n");
	a = get_answer(f, fd, false);
	assert_json(&a, "code", "cap-expired");
	assert_json(&a, "status", "422");
	assert_status(&a, 200);
	close(fd);
}

static void live_pages_tell_their_age(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char *age;

	freeze_time();
	start(f);
	osmo_clock_override_add(CLOCK_MONOTONIC, 0, 700000000);
	a = get(f, "/v1/peers");
	age = json_path(a.body, a.len, "age_ms");
	assert_string_equal(age, "700");
	free(age);
	assert_json(&a, "peers/0/peer", "bsc-1");
	assert_status(&a, 200);
	a = get(f, "/v1/health");
	assert_json(&a, "store/ok", "true");
	assert_json(&a, "age_ms", "700");
	assert_status(&a, 200);
}

static void health_is_503_while_the_store_cannot_commit(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	f->fake->store_ok = false;
	start(f);
	a = get(f, "/v1/health");
	assert_header(&a, "Content-Type", "application/json");
	assert_json(&a, "store/ok", "false");
	assert_status(&a, 503);
}

static void live_pages_follow_within_a_second_or_so(void **state)
{
	struct fixture *f = *state;
	int64_t end = real_ms() + PATIENCE_MS;
	struct answer a;
	int status;

	start(f);
	f->fake->store_ok = false;
	do {
		a = get(f, "/v1/health");
		status = a.status;
		answer_clear(&a);
	} while (status == 200 && real_ms() < end);
	assert_int_equal(status, 503);
}

static void counters_are_rendered_for_prometheus(void **state)
{
	static const struct rate_ctr_desc ctrs[] = { { "Rx:odd.Name", "a \\ back\nslash" } };
	static const struct rate_ctr_group_desc group = { "test.Group", "test", 0, ARRAY_SIZE(ctrs), ctrs };
	static const struct osmo_stat_item_desc items[] = { { "depth", "how deep", OSMO_STAT_ITEM_NO_UNIT, 1, 0 } };
	static const struct osmo_stat_item_group_desc gauges = { "tg", "test", 0, ARRAY_SIZE(items), items };
	struct fixture *f = *state;
	struct rate_ctr_group *a = rate_ctr_group_alloc(f->ctx, &group, 0), *b = rate_ctr_group_alloc(f->ctx, &group, 1);
	struct osmo_stat_item_group *g = osmo_stat_item_group_alloc(f->ctx, &gauges, 0);
	struct answer ans;

	rate_ctr_group_set_name(b, "q\"uo\\te");
	rate_ctr_add(rate_ctr_group_get_ctr(a, 0), 3);
	rate_ctr_add(rate_ctr_group_get_ctr(b, 0), 4);
	osmo_stat_item_set(osmo_stat_item_group_get_item(g, 0), -5);
	start(f);
	ans = get(f, "/metrics");
	assert_header(&ans, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	assert_non_null(strstr(ans.body,
			       "# HELP tocsin_test_group_rx_odd_name_total a \\\\ back\\nslash\n"
			       "# TYPE tocsin_test_group_rx_odd_name_total counter\n"
			       "tocsin_test_group_rx_odd_name_total{idx=\"0\"} 3\n"
			       "tocsin_test_group_rx_odd_name_total{name=\"q\\\"uo\\\\te\"} 4\n"));
	assert_non_null(strstr(ans.body, "# TYPE tocsin_tg_depth gauge\ntocsin_tg_depth{idx=\"0\"} -5\n"));
	assert_non_null(strstr(ans.body, "tocsin_http_requests_total{name=\"127.0.0.1:"));
	assert_status(&ans, 200);
	rate_ctr_group_free(a);
	rate_ctr_group_free(b);
	osmo_stat_item_group_free(g);
}

static void alerts_are_listed_in_pages(void **state)
{
	struct fixture *f = *state;
	unsigned int seen = 0, pages = 0;
	char id[21], path[64] = "/v1/alerts?max=3";
	struct answer a;
	char *next = NULL;
	long n, i;

	for (i = 0; i < 7; i++) {
		snprintf(id, sizeof(id), "%020ld", i);
		fake_store_add(f->fake, id, i, i == 6);
	}
	start(f);
	do {
		a = get(f, path);
		assert_int_equal(a.status, 200);
		n = json_path_length(a.body, a.len, "alerts");
		assert_in_range(n, 1, 3);
		if (!seen) {
			assert_json(&a, "alerts/0/id", "00000000000000000006");
			assert_json(&a, "alerts/1/states", "{\"queued\":2,\"taken\":1,\"broadcasting\":2}");
		}
		seen += n;
		pages++;
		free(next);
		next = json_path(a.body, a.len, "next");
		snprintf(path, sizeof(path), "/v1/alerts?max=3&before=%s", next);
		answer_clear(&a);
	} while (strcmp(next, "null"));
	free(next);
	assert_int_equal(seen, 7);
	assert_int_equal(pages, 3);
}

static void one_alert_is_told_in_full(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 8, false);
	start(f);
	a = get(f, "/v1/alerts/00000000000000000001");
	assert_json(&a, "live", "true");
	assert_json(&a, "cells", "8");
	assert_json(&a, "states", "{\"queued\":4,\"taken\":2,\"broadcasting\":2}");
	assert_json(&a, "messages/0/message_identifier", "4370");
	assert_json(&a, "messages/0/serial_number", "16400");
	assert_json(&a, "messages/0/kind", "text");
	assert_json(&a, "messages/0/deliveries/1/peer", "bsc-2");
	assert_json(&a, "messages/0/deliveries/1/targets", "4");
	assert_json(&a, "cancelled_by", "null");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts/00000000000000000001/document");
	assert_header(&a, "Content-Type", "application/cap+xml");
	assert_memory_equal(a.body, "<alert ", 7);
	assert_status(&a, 200);
}

static void the_area_is_told_as_geojson(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char path[64], *id;

	start(f);
	a = post(f, "", next_alert(f));
	assert_int_equal(a.status, 202);
	id = json_path(a.body, a.len, "id");
	snprintf(path, sizeof(path), "/v1/alerts/%s", id);
	free(id);
	answer_clear(&a);
	a = get(f, path);
	assert_json(&a, "area/type", "FeatureCollection");
	assert_int_equal(json_path_length(a.body, a.len, "area/features"), 1);
	assert_json(&a, "area/features/0/geometry", "{\"type\":\"Point\",\"coordinates\":[11,48]}");
	assert_json(&a, "area/features/0/properties", "{\"area\":0,\"radius_m\":5000}");
	assert_json(&a, "area/areas/0", "{\"description\":\"Valley\",\"polygons\":0,\"circles\":1}");
	assert_json(&a, "messages/0/nr", "1");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts");
	assert_int_equal(json_path_length(a.body, a.len, "alerts"), 1);
	assert_null(strstr(a.body, "FeatureCollection"));
	assert_status(&a, 200);
}

static void an_area_that_was_not_kept_is_null(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 8, false);
	start(f);
	a = get(f, "/v1/alerts/00000000000000000001");
	assert_json(&a, "area", "null");
	assert_json(&a, "cells", "8");
	assert_status(&a, 200);
}

static void a_cancelled_alert_is_not_called_on_air(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 8, true);
	start(f);
	a = get(f, "/v1/alerts/00000000000000000001");
	assert_json(&a, "cancelled_by", "ffffffffffffffffffff");
	/* Never written: stopped. Written and not stopped: still there. */
	assert_json(&a, "states/stopped", "4");
	assert_status(&a, 200);
}

static void cells_are_told_with_their_evidence(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 8, false);
	start(f);
	a = get(f, "/v1/alerts/00000000000000000001/cells");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 8);
	assert_json(&a, "cells/0/peer", "bsc-1");
	assert_json(&a, "cells/0/type", "cgi");
	assert_json(&a, "cells/0/id", "001-01-100-0");
	assert_json(&a, "cells/0/state", "broadcasting");
	assert_json(&a, "cells/0/waits_for", "null");
	assert_json(&a, "cells/0/evidence/write_answer", "done");
	assert_json(&a, "cells/0/evidence/write_cause", "null");
	assert_json(&a, "cells/0/evidence/write_sent", "1970-01-01T00:16:40Z");
	assert_json(&a, "cells/0/evidence/count", "3");
	assert_json(&a, "cells/1/state", "queued");
	assert_json(&a, "cells/1/evidence/write_answer", "null");
	assert_json(&a, "cells/1/evidence/count", "null");
	assert_json(&a, "cells/2/state", "taken");
	assert_json(&a, "next", "null");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts/00000000000000000001/cells?state=queued&peer=bsc-2&message=1");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 2);
	assert_json(&a, "cells/0/id", "001-01-100-5");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts/00000000000000000001/cells?message=2");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 0);
	assert_status(&a, 200);
	a = get(f, "/v1/alerts/00000000000000000001/cells?peer=nobody");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 0);
	assert_status(&a, 200);
}

#define ALERT_1 "/v1/alerts/00000000000000000001"

static void recipients_are_counted_beside_the_cells(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add_recipients(f->fake, "00000000000000000001", 8, 12);
	start(f);
	a = get(f, ALERT_1);
	assert_json(&a, "cells", "8");
	assert_json(&a, "states", "{\"queued\":4,\"taken\":2,\"broadcasting\":2}");
	assert_json(&a, "recipients/count", "14");
	assert_json(&a, "recipients/states",
		    "{\"queued\":6,\"taken\":2,\"delivered\":2,\"refused\":2,\"unknown\":2}");
	assert_json(&a, "recipients/looked_for", "1970-01-01T00:16:43Z");
	assert_int_equal(json_path_length(a.body, a.len, "recipients/message_centres"), 3);
	assert_json(&a, "recipients/message_centres/0",
		    "{\"message_centre\":null,\"count\":6,\"states\":{\"queued\":6}}");
	assert_json(&a, "recipients/message_centres/1",
		    "{\"message_centre\":\"smsc-1\",\"count\":2,\"states\":{\"delivered\":2}}");
	assert_json(&a, "recipients/message_centres/2/states", "{\"taken\":2,\"refused\":2,\"unknown\":2}");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts");
	assert_json(&a, "alerts/0/states", "{\"queued\":4,\"taken\":2,\"broadcasting\":2}");
	assert_json(&a, "alerts/0/recipients/count", "14");
	assert_json(&a, "alerts/0/recipients/states/delivered", "2");
	assert_status(&a, 200);
}

static void a_list_does_not_count_crowds(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 8, false);
	fake_store_add_recipients(f->fake, "00000000000000000002", 8, 300000);
	fake_store_add(f->fake, "00000000000000000003", 8, false);
	start(f);
	a = get(f, "/v1/alerts");
	assert_json(&a, "alerts/0/states/queued", "4");
	assert_json(&a, "alerts/1/states", "null");
	assert_json(&a, "alerts/1/recipients", "null");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts/00000000000000000002");
	assert_json(&a, "recipients/count", "300002");
	assert_json(&a, "recipients/states/delivered", "50000");
	assert_status(&a, 200);
}

static void an_alert_without_short_messages_has_no_recipients(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 8, false);
	start(f);
	a = get(f, ALERT_1);
	assert_json(&a, "recipients", "{\"count\":0,\"states\":{},\"looked_for\":null,\"message_centres\":[]}");
	assert_status(&a, 200);
	a = get(f, ALERT_1 "/recipients");
	assert_string_equal(a.body, "{\"recipients\":[],\"next\":null}");
	assert_status(&a, 200);
}

static void short_messages_are_told_with_sender_and_parts(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add_recipients(f->fake, "00000000000000000001", 8, 12);
	start(f);
	a = get(f, ALERT_1);
	assert_json(&a, "messages/0/kind", "text");
	assert_json(&a, "messages/1/kind", "short");
	assert_json(&a, "messages/1/sender_id", "Civil");
	assert_json(&a, "messages/1/alphabet", "gsm7");
	assert_json(&a, "messages/1/parts", "2");
	assert_json(&a, "messages/1/language", "en");
	assert_json(&a, "messages/1/text", "Flood. Go uphill.");
	assert_json(&a, "messages/1/deliveries/0/peer", "sms");
	assert_int_equal(json_path_length(a.body, a.len, "messages/1/deliveries"), 2);
	assert_json(&a, "messages/2/sender_id", "+4930123456");
	assert_json(&a, "messages/2/alphabet", "ucs2");
	assert_json(&a, "messages/2/parts", "1");
	assert_null(json_path(a.body, a.len, "messages/1/message_identifier"));
	assert_status(&a, 200);
}

static void recipients_are_told_with_their_evidence(void **state)
{
	static const char *const states[] = { "delivered", "queued", "refused", "taken", "unknown", "queued" };
	struct fixture *f = *state;
	struct answer a;
	char path[64];
	size_t i;

	fake_store_add_recipients(f->fake, "00000000000000000001", 8, 12);
	start(f);
	a = get(f, ALERT_1 "/recipients");
	assert_int_equal(json_path_length(a.body, a.len, "recipients"), 14);
	for (i = 0; i < 12; i++) {
		snprintf(path, sizeof(path), "recipients/%zu/state", i);
		assert_json(&a, path, states[i % 6]);
	}
	assert_json(&a, "recipients/0/imsi", "001010000000001");
	assert_json(&a, "recipients/0/msisdn", "99900000001");
	assert_json(&a, "recipients/0/location", "{\"type\":\"cgi\",\"id\":\"001-01-100-1001\"}");
	assert_json(&a, "recipients/0/message", "2");
	assert_json(&a, "recipients/0/language", "en");
	assert_json(&a, "recipients/0/message_centre", "smsc-1");
	assert_json(&a, "recipients/0/evidence",
		    "{\"submitted\":\"1970-01-01T00:16:40Z\",\"answered\":\"1970-01-01T00:16:41Z\","
		    "\"answer\":\"delivered\",\"cause\":null,\"parts_confirmed\":0,\"receipt_hint\":false,"
		    "\"doubt_at\":null}");
	assert_json(&a, "recipients/1/msisdn", "null");
	assert_json(&a, "recipients/1/location", "null");
	assert_json(&a, "recipients/1/waits_for", "broadcast");
	assert_json(&a, "recipients/1/message_centre", "null");
	assert_json(&a, "recipients/2/evidence/answer", "refused");
	assert_json(&a, "recipients/2/evidence/cause", "11");
	assert_json(&a, "recipients/3/message_centre", "smsc-2");
	assert_json(&a, "recipients/3/evidence/parts_confirmed", "1");
	assert_json(&a, "recipients/3/evidence/receipt_hint", "true");
	assert_json(&a, "recipients/4/doubt", "link-down");
	assert_json(&a, "recipients/12/message", "3");
	assert_json(&a, "recipients/12/language", "de");
	assert_json(&a, "recipients/12/imsi", "001010000000013");
	assert_status(&a, 200);
	a = get(f, ALERT_1 "/recipients?state=refused&message=2");
	assert_int_equal(json_path_length(a.body, a.len, "recipients"), 2);
	assert_json(&a, "recipients/1/imsi", "001010000000009");
	assert_status(&a, 200);
}

static void cells_and_recipients_are_listed_apart(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add_recipients(f->fake, "00000000000000000001", 8, 12);
	start(f);
	a = get(f, ALERT_1 "/cells");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 8);
	assert_null(strstr(a.body, "imsi"));
	assert_null(strstr(a.body, "00101000000"));
	assert_status(&a, 200);
	a = get(f, ALERT_1 "/cells?peer=sms");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 0);
	assert_status(&a, 200);
	a = get(f, ALERT_1 "/recipients");
	assert_null(strstr(a.body, "bsc-"));
	assert_status(&a, 200);
}

static void a_list_of_recipients_goes_on_over_revisions(void **state)
{
	static const char *const filters[] = { "", "&state=queued", "&message=2" };
	static const size_t expected[] = { 1003, 335, 1001 };
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	fake_store_add_recipients(f->fake, "00000000000000000001", 0, 1001);
	start(f);
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		char *next = strdup(""), *last = strdup("");
		size_t seen = 0;

		do {
			char *path = talloc_asprintf(f->ctx, ALERT_1 "/recipients?max=99%s%s%s", filters[i],
						     *next ? "&after=" : "", next);
			char *first;

			a = get(f, path);
			seen += json_path_length(a.body, a.len, "recipients");
			/* Sorted by IMSI as they are here, each page begins behind the one before. */
			first = json_path(a.body, a.len, "recipients/0/imsi");
			assert_true(strcmp(first, last) > 0);
			free(last);
			last = first;
			free(next);
			next = json_path(a.body, a.len, "next");
			assert_status(&a, 200);
		} while (strcmp(next, "null"));
		assert_int_equal(seen, expected[i]);
		free(next);
		free(last);
	}
}

/* It becomes part of a URL, which any proxy may log. All IMSIs here begin alike in hexadecimal. */
static void where_a_list_goes_on_names_nobody(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char *next;

	fake_store_add_recipients(f->fake, "00000000000000000001", 8, 12);
	start(f);
	a = get(f, ALERT_1 "/recipients?max=3");
	next = json_path(a.body, a.len, "next");
	assert_string_not_equal(next, "null");
	assert_null(strcasestr(next, "eb28b0f4"));
	assert_null(strstr(next, "0010100000"));
	free(next);
	assert_status(&a, 200);
}

static void recipients_are_shown_to_this_host_and_to_their_originator_only(void **state)
{
	static const struct {
		const char *headers;
		int status;
		const char *code;
	} cases[] = {
		{ "Host: 127.0.0.1\r\n", 200, NULL },
		{ "Host: localhost\r\n", 200, NULL },
		{ "Host: alerts.example.org\r\n", 401, "originator-unknown" },
		{ "Host: 127.0.0.1\r\nOrigin: http://example.org\r\n", 401, "originator-unknown" },
		{ "Host: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n", 401, "originator-unknown" },
		{ "Host: 127.0.0.1\r\nAuthorization: Bearer wrong-horse-battery-staple\r\n", 401, "originator-unknown" },
		{ "Host: 127.0.0.1\r\nAuthorization: Basic YTpi\r\n", 401, "originator-unknown" },
		/* The alert is of the originator "local". */
		{ "Host: 127.0.0.1\r\nAuthorization: Bearer " TOKEN "\r\n", 403, "originator-forbidden" },
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	fake_store_add_recipients(f->fake, "00000000000000000001", 8, 12);
	start(f);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		a = ask(f, READ, "GET " ALERT_1 "/recipients HTTP/1.1\r\n%s\r\n", cases[i].headers);
		if (cases[i].status == 200)
			assert_status(&a, 200);
		else
			assert_problem(&a, cases[i].status, cases[i].code);
	}
	a = get(f, "/v1/alerts/00000000000000000000/recipients");
	assert_problem(&a, 404, "not-found");
	/* What names nobody is for every reader. */
	a = ask(f, READ, "GET " ALERT_1 " HTTP/1.1\r\nHost: alerts.example.org\r\n\r\n");
	assert_json(&a, "recipients/count", "14");
	assert_status(&a, 200);
}

static void an_originator_sees_the_recipients_of_its_own_alert(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char *id;

	start(f);
	a = post(f, "Authorization: Bearer " TOKEN "\r\n", next_alert(f));
	id = json_path(a.body, a.len, "id");
	assert_status(&a, 202);
	a = ask(f, READ, "GET /v1/alerts/%s/recipients HTTP/1.1\r\nHost: alerts.example.org\r\n"
		"Authorization: Bearer " TOKEN "\r\n\r\n", id);
	assert_status(&a, 200);
	free(id);
}

static void sources_of_recipients_are_told_as_live_values(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	start(f);
	a = get(f, "/v1/recipients");
	assert_json(&a, "sources/0/source", "list");
	free(json_path(a.body, a.len, "age_ms"));
	assert_status(&a, 200);
}

/* Not strstr(): under the sanitizer it looks at all of the text for each find. */
static unsigned int count_text(const struct answer *a, const char *what)
{
	size_t len = strlen(what), i;
	unsigned int n = 0;

	for (i = 0; i + len <= a->len; i++)
		n += a->body[i] == what[0] && !memcmp(a->body + i, what, len);
	return n;
}

static void a_hundred_thousand_cells_are_streamed(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	fake_store_add(f->fake, "00000000000000000001", 100000, false);
	start(f);
	a = get(f, "/v1/alerts/00000000000000000001/cells");
	assert_int_equal(count_text(&a, "\"id\":\"001-01-"), 100000);
	assert_string_equal(a.body + a.len - strlen("],\"next\":null}"), "],\"next\":null}");
	assert_status(&a, 200);
	a = get(f, "/v1/alerts/00000000000000000001/cells?state=broadcasting&peer=bsc-1");
	assert_int_equal(count_text(&a, "\"id\":\"001-01-"), 12500);
	assert_status(&a, 200);
}

static void a_list_goes_on_where_it_ended(void **state)
{
	static const char *const filters[] = { "", "&state=taken", "&peer=bsc-2" };
	static const size_t expected[] = { 1001, 250, 501 };
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	fake_store_add(f->fake, "00000000000000000001", 1001, false);
	start(f);
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		char *next = strdup(""), *last = strdup("");
		size_t seen = 0;

		do {
			char *path = talloc_asprintf(f->ctx, "/v1/alerts/00000000000000000001/cells?max=100%s%s%s",
						     filters[i], *next ? "&after=" : "", next);
			long n;
			char *first;

			a = get(f, path);
			n = json_path_length(a.body, a.len, "cells");
			assert_in_range(n, 1, 100);
			first = json_path(a.body, a.len, "cells/0/id");
			assert_string_not_equal(first, last);
			free(last);
			last = first;
			seen += n;
			free(next);
			next = json_path(a.body, a.len, "next");
			assert_status(&a, 200);
		} while (strcmp(next, "null"));
		assert_int_equal(seen, expected[i]);
		free(next);
		free(last);
	}
}

static void a_reader_that_goes_in_mid_stream_does_no_harm(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	char buf[1000];
	int i, fd;

	fake_store_add(f->fake, "00000000000000000001", 100000, false);
	start(f);
	for (i = 0; i < 3; i++) {
		fd = dial(f, ALL);
		put_text(fd, "GET /v1/alerts/00000000000000000001/cells HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_true(get_some(f, fd, buf, sizeof(buf)) > 0);
		close(fd);
	}
	a = get(f, "/v1/health");
	assert_status(&a, 200);
	/* One more is in mid-stream when the daemon ends. */
	fd = dial(f, ALL);
	put_text(fd, "GET /v1/alerts/00000000000000000001/cells HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(get_some(f, fd, buf, sizeof(buf)) > 0);
	http_stop(f->http);
	close(fd);
}

static void a_store_that_cannot_be_read_is_told(void **state)
{
	static const char *const paths[] = {
		"/v1/alerts", "/v1/alerts/00000000000000000001", "/v1/alerts/00000000000000000001/cells", "/v1/cells",
		"/v1/alerts/00000000000000000001/recipients",
	};
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	f->fake->reader_fails = true;
	start(f);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		a = get(f, paths[i]);
		assert_problem(&a, 503, "store-unavailable");
	}
	/* What does not need the store goes on. */
	a = get(f, "/v1/health");
	assert_status(&a, 200);
}

static void the_cell_table_is_listed(void **state)
{
	static const char csv[] =
		"type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n"
		"cgi,001-01-100-1001,bsc-1,48.1234567,11.5,5000,,\n"
		"cgi,001-01-100-1002,bsc-2,-0.0000001,-0.5,300,120,60\n"
		"cgi,001-001-100-1003,bsc-1,-90,180,0,,\n";
	char dir[] = "/tmp/tocsin-test-http-XXXXXX", name[CELL_SNAPSHOT_NAME_LEN], path[256];
	struct fixture *f = *state;
	struct cell_table *table = cell_table_parse(f->ctx, csv, strlen(csv), "csv", NULL, NULL, NULL);
	struct answer a;

	assert_non_null(table);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(cell_table_save(table, dir, name), 0);
	f->fake->dir = dir;
	start(f);
	a = get(f, "/v1/cells");
	assert_json(&a, "total", "0");
	assert_status(&a, 200);
	f->fake->cell_table = name;
	a = get(f, "/v1/cells");
	assert_json(&a, "total", "3");
	assert_json(&a, "next", "null");
	assert_json(&a, "cells/0/id", "001-01-100-1001");
	assert_json(&a, "cells/0/lat", "48.1234567");
	assert_json(&a, "cells/0/lon", "11.5000000");
	assert_json(&a, "cells/0/beam_deg", "360");
	assert_json(&a, "cells/1/lat", "-0.0000001");
	assert_json(&a, "cells/1/lon", "-0.5000000");
	assert_json(&a, "cells/1/azimuth_deg", "120");
	assert_json(&a, "cells/2/lat", "-90.0000000");
	assert_json(&a, "cells/2/lon", "180.0000000");
	assert_status(&a, 200);
	a = get(f, "/v1/cells?peer=bsc-1&max=1");
	assert_json(&a, "cells/0/peer", "bsc-1");
	assert_json(&a, "next", "1");
	assert_status(&a, 200);
	a = get(f, "/v1/cells?peer=bsc-1&after=1");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 1);
	assert_json(&a, "next", "null");
	assert_status(&a, 200);
	a = get(f, "/v1/cells?peer=nobody");
	assert_int_equal(json_path_length(a.body, a.len, "cells"), 0);
	assert_status(&a, 200);
	f->fake->cell_table = "../etc/passwd";
	a = get(f, "/v1/cells");
	assert_problem(&a, 503, "store-unavailable");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, thaw_and_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_good_alert_is_answered_202_with_its_place),
		TEST(the_same_alert_twice_is_answered_alike),
		TEST(an_alert_whose_row_cannot_be_read_back_is_not_denied),
		TEST(a_chunked_body_is_taken),
		TEST(a_client_that_expects_100_is_told_to_go_on),
		TEST(one_connection_carries_many_requests),
		TEST(two_hundred_at_once_are_all_answered),
		TEST(clients_in_a_round_number_do_not_stall),
		TEST(cancels_go_first_and_then_what_is_most_severe),
		TEST(originators_are_told_apart),
		TEST(only_a_literal_host_counts_as_this_host),
		TEST(a_stranger_is_refused_before_the_body),
		TEST(a_change_of_originators_reaches_the_listeners),
		TEST(other_media_types_are_refused),
		TEST(documents_are_refused_with_the_place_of_the_fault),
		TEST(what_the_gateway_refuses_is_told),
		TEST(a_body_a_little_too_large_is_answered_413_and_the_connection_lives),
		TEST(a_body_of_exactly_the_limit_is_read),
		TEST(a_huge_body_is_cut_off),
		TEST(all_bodies_together_are_bounded),
		TEST(paths_and_methods_are_told_apart),
		TEST(two_framings_of_one_body_are_refused),
		TEST(two_framings_end_the_connection_whatever_else_is_wrong),
		TEST(a_request_names_one_host),
		TEST(bad_parameters_are_named),
		TEST(a_full_queue_is_answered_503),
		TEST(an_alert_that_is_not_decided_in_time_is_answered_503),
		TEST(a_slow_client_is_cut_off),
		TEST(a_client_that_has_gone_does_no_harm),
		TEST(what_was_asked_for_goes_on_when_the_client_hangs_up),
		TEST(at_the_end_everybody_who_waits_is_answered),
		TEST(a_listener_that_cannot_listen_starts_none),
		TEST(an_ipv6_listener_knows_its_own_host),
		TEST(head_is_get_without_a_body),
		TEST(live_pages_tell_their_age),
		TEST(health_is_503_while_the_store_cannot_commit),
		TEST(live_pages_follow_within_a_second_or_so),
		TEST(counters_are_rendered_for_prometheus),
		TEST(alerts_are_listed_in_pages),
		TEST(one_alert_is_told_in_full),
		TEST(the_area_is_told_as_geojson),
		TEST(an_area_that_was_not_kept_is_null),
		TEST(a_cancelled_alert_is_not_called_on_air),
		TEST(cells_are_told_with_their_evidence),
		TEST(recipients_are_counted_beside_the_cells),
		TEST(a_list_does_not_count_crowds),
		TEST(an_alert_without_short_messages_has_no_recipients),
		TEST(short_messages_are_told_with_sender_and_parts),
		TEST(recipients_are_told_with_their_evidence),
		TEST(cells_and_recipients_are_listed_apart),
		TEST(a_list_of_recipients_goes_on_over_revisions),
		TEST(where_a_list_goes_on_names_nobody),
		TEST(recipients_are_shown_to_this_host_and_to_their_originator_only),
		TEST(an_originator_sees_the_recipients_of_its_own_alert),
		TEST(sources_of_recipients_are_told_as_live_values),
		TEST(a_hundred_thousand_cells_are_streamed),
		TEST(a_list_goes_on_where_it_ended),
		TEST(a_reader_that_goes_in_mid_stream_does_no_harm),
		TEST(a_store_that_cannot_be_read_is_told),
		TEST(the_cell_table_is_listed),
	};
	void *ctx = talloc_named_const(NULL, 0, "test_http");
	int rc;

	log_enable_multithread();
	osmo_init_logging2(ctx, &tocsin_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rate_ctr_init(ctx);
	osmo_stat_item_init(ctx);
	assert_int_equal(cap_init(), 0);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	cap_exit();
	log_fini();
	talloc_free(ctx);
	return rc;
}
