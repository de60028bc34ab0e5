/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The life of a request on its listener's thread.
 *
 * libmicrohttpd calls the handler once when the header is there, then per piece of the body, then
 * once more; after a suspension once again. A response that is queued while a body is still to come
 * makes it close the connection, which a client that is still sending may see as a reset: so a
 * refused body is read and dropped first, within bounds. Request state dies in on_completed() and
 * nowhere else. */

#include "http_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/base/text.h>

/* How much of a refused body is read, in multiples of the limit. */
#define DROP_FACTOR 4
/* Header and read buffer of one connection. */
#define CONNECTION_MEMORY (48 * 1024)
#define STREAM_PIECE (64 * 1024)
/* How long a stopping daemon lets clients fetch their answers. */
#define STOP_WAIT_MS 1000
/* Longest wait of a listener's thread: nothing depends on it. */
#define WAIT_MAX_MS 10000

static const char *const params_none[] = { NULL };
static const char *const params_alerts[] = { "max", "before", NULL };
static const char *const params_alert_cells[] = { "peer", "state", "message", "max", "after", NULL };
static const char *const params_alert_recipients[] = { "state", "message", "max", "after", NULL };
static const char *const params_cells[] = { "peer", "max", "after", NULL };

static const struct http_route routes[] = {
	{ "POST", "/v1/alerts", NULL, HTTP_INTAKE, params_none, NULL },
	{ "GET", "/v1/alerts", NULL, HTTP_READ, params_alerts, http_serve_alerts },
	{ "GET", "/v1/alerts/", "", HTTP_READ, params_none, http_serve_alert },
	{ "GET", "/v1/alerts/", "/cells", HTTP_READ, params_alert_cells, http_serve_alert_cells },
	{ "GET", "/v1/alerts/", "/recipients", HTTP_READ, params_alert_recipients, http_serve_alert_recipients },
	{ "GET", "/v1/alerts/", "/document", HTTP_READ, params_none, http_serve_document },
	{ "GET", "/v1/peers", NULL, HTTP_READ, params_none, http_serve_peers },
	{ "GET", "/v1/recipients", NULL, HTTP_READ, params_none, http_serve_recipients },
	{ "GET", "/v1/cells", NULL, HTTP_READ, params_cells, http_serve_cells },
	{ "GET", "/v1/health", NULL, HTTP_READ, params_none, http_serve_health },
	{ "GET", "/v1/problems/", "", HTTP_READ, params_none, http_serve_problem },
	{ "GET", "/metrics", NULL, HTTP_READ, params_none, http_serve_metrics },
};

void http_count(struct http_listener *l, enum http_ctr ctr)
{
	atomic_fetch_add(&l->counts[ctr], 1);
}

void http_refuse(struct http_request *req, enum problem_code code, const char *where, const char *fmt, ...)
{
	char detail[sizeof(req->problem.detail)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	problem_set(&req->problem, code, where, 0, "%s", detail);
}

const char *http_header(struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

const char *http_param(struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_GET_ARGUMENT_KIND, name);
}

int http_param_number(struct http_request *req, const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *text = http_param(req, name);
	uint64_t v;

	if (!text)
		return 0;
	if (text_uint(text, strlen(text), max, &v) < 0 || v < min) {
		http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, name,
			    "%s must be a number from %llu to %llu.", name,
			    (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

/* A misspelt filter that is ignored would show what was not asked for, so it is refused. */
static enum MHD_Result check_param(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct http_request *req = cls;
	const char *const *name;

	(void)kind;
	for (name = req->route->params; *name; name++) {
		if (!strcmp(*name, key))
			break;
	}
	if (*name && value)
		return MHD_YES;
	http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, key,
		    *name ? "This parameter needs a value." : "There is no such parameter here.");
	return MHD_NO;
}

/*
 * Answers
 */

static void set_response(struct http_request *req, unsigned int status, const char *type, struct MHD_Response *response)
{
	if (req->response)
		MHD_destroy_response(req->response);
	req->response = response;
	req->status = status;
	if (!response)
		return;
	http_reply_header(req, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	http_reply_header(req, "X-Content-Type-Options", "nosniff");
	http_reply_header(req, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

void http_reply(struct http_request *req, unsigned int status, const char *type, const void *body, size_t len)
{
	/* Only read: MUST_COPY. The library's parameter is not const. */
	set_response(req, status, type,
		     MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_MUST_COPY));
}

void http_reply_json(struct http_request *req, unsigned int status, struct json *j)
{
	if (j->error)
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory for the answer.");
	else
		http_reply(req, status, "application/json", j->buf, j->len);
}

void http_reply_header(struct http_request *req, const char *name, const char *value)
{
	if (req->response)
		(void)MHD_add_response_header(req->response, name, value);
}

struct stream {
	struct json j;
	http_stream_next next;
	void *data;
	bool more;
};

static ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = cls;

	(void)pos;
	while (s->more && s->j.len < max && !s->j.error)
		s->more = s->next(s->data, &s->j) > 0;
	if (s->j.error)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!s->j.len)
		return MHD_CONTENT_READER_END_OF_STREAM;
	return json_drain(&s->j, buf, max);
}

static void stream_free(void *cls)
{
	talloc_free(cls);
}

void http_reply_stream(struct http_request *req, http_stream_next next, void *data)
{
	/* A root of its own: the response may outlive the request's state by a moment. */
	struct stream *s = talloc_zero(NULL, struct stream);
	struct MHD_Response *response = NULL;

	if (s) {
		s->next = next;
		s->data = talloc_steal(s, data);
		s->more = true;
		json_init(&s->j, s);
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE,
							     stream_read, s, stream_free);
		if (!response)
			talloc_free(s);
	} else {
		talloc_free(data);
	}
	/* 0.9.75 ends a chunked answer to HEAD with a last chunk, which would be taken for the start
	 * of the next answer. */
	if (response && req->is_head)
		(void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	set_response(req, MHD_HTTP_OK, "application/json", response);
}

static void problem_headers(struct http_request *req)
{
	char seconds[24];

	if (req->status == MHD_HTTP_UNAUTHORIZED)
		http_reply_header(req, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (req->allow)
		http_reply_header(req, MHD_HTTP_HEADER_ALLOW, req->allow);
	if (req->status == MHD_HTTP_SERVICE_UNAVAILABLE) {
		snprintf(seconds, sizeof(seconds), "%lld",
			 (long long)(req->retry_after_s > 0 ? req->retry_after_s : 1));
		http_reply_header(req, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
}

/* RFC 9457 */
static void reply_problem(struct http_request *req)
{
	const struct problem *p = &req->problem;
	unsigned int status = problem_status(p->code);
	char type[64];
	struct json j;

	snprintf(type, sizeof(type), "/v1/problems/%s", problem_code_name(p->code));
	json_init(&j, req);
	json_object_begin(&j, NULL);
	json_string(&j, "type", type);
	json_string(&j, "title", problem_title(p->code));
	json_int(&j, "status", status);
	json_string(&j, "detail", p->detail);
	if (p->where[0])
		json_string(&j, "where", p->where);
	if (p->line)
		json_int(&j, "line", p->line);
	json_object_end(&j);
	/* Without memory for the sentence the status alone must do. */
	http_reply(req, status, "application/problem+json", j.error ? "" : j.buf, j.error ? 0 : j.len);
	problem_headers(req);
	if (req->is_post)
		http_alert_log_refused(req);
}

static enum MHD_Result send_answer(struct http_request *req)
{
	enum MHD_Result rc;

	if (req->problem.code != PROBLEM_NONE)
		reply_problem(req);
	if (!req->response)
		return MHD_NO;
	if (req->close || atomic_load(&req->listener->http->stopping))
		http_reply_header(req, MHD_HTTP_HEADER_CONNECTION, "close");
	http_conn_allow_ms(req->conn, req->listener->http->limits.send_ms);
	if (req->status == MHD_HTTP_ACCEPTED)
		http_count(req->listener, HTTP_CTR_ACCEPTED);
	else if (req->status >= 400)
		http_count(req->listener, req->status < 500 ? HTTP_CTR_REFUSED : HTTP_CTR_UNAVAILABLE);
	rc = MHD_queue_response(req->connection, req->status, req->response);
	MHD_destroy_response(req->response);
	req->response = NULL;
	return rc;
}

/*
 * The header
 */

static bool path_matches(const struct http_route *route, const char *url, const char **arg, size_t *n)
{
	size_t prefix = strlen(route->prefix), len = strlen(url), suffix;

	if (!route->suffix)
		return !strcmp(url, route->prefix);
	suffix = strlen(route->suffix);
	if (len <= prefix + suffix || strncmp(url, route->prefix, prefix) ||
	    strcmp(url + len - suffix, route->suffix))
		return false;
	*arg = url + prefix;
	*n = len - prefix - suffix;
	return !memchr(*arg, '/', *n);
}

/* Only /v1/alerts has two methods. */
static const char *allowed(unsigned int serves, bool get, bool post)
{
	get = get && (serves & HTTP_READ);
	post = post && (serves & HTTP_INTAKE);
	return get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : post ? "POST" : NULL;
}

static void find_route(struct http_request *req, const char *url, const char *method)
{
	const char *wanted = req->is_head ? "GET" : method, *arg = NULL;
	unsigned int serves = req->listener->config.serves;
	bool get = false, post = false;
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!path_matches(&routes[i], url, &arg, &n))
			continue;
		if (!strcmp(routes[i].method, wanted))
			req->route = &routes[i];
		get |= !strcmp(routes[i].method, "GET");
		post |= !strcmp(routes[i].method, "POST");
	}
	req->allow = allowed(serves, get, post);
	if (req->route ? !(req->route->serves & serves) : !req->allow) {
		http_refuse(req, PROBLEM_HTTP_NOT_FOUND, NULL, "There is nothing at this path.");
		req->allow = NULL;
	} else if (!req->route) {
		http_refuse(req, PROBLEM_HTTP_METHOD, NULL, "Allowed here: %s.", req->allow);
	} else {
		req->allow = NULL;
		req->arg = talloc_strndup(req, arg ? arg : "", n);
		if (!req->arg)
			http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory.");
	}
}

struct framing {
	unsigned int lengths;
	unsigned int encodings;
	unsigned int hosts;
	bool chunked;
	bool blank;		/* in the name of a field */
};

static enum MHD_Result count_framing(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct framing *f = cls;

	(void)kind;
	f->blank |= key[strcspn(key, " \t")] != '\0';
	f->hosts += !strcasecmp(key, MHD_HTTP_HEADER_HOST);
	if (!strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH))
		f->lengths++;
	if (!strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		f->encodings++;
		f->chunked = value && !strcasecmp(value, "chunked");
	}
	return MHD_YES;
}

/* One framing only, or two readers of the same octets may see different requests (RFC 9112, 6.1).
 * "Content-Length : 5" is a framing to some and nothing to the library (5.1); HTTP/1.0 knows no
 * chunks. */
static bool framing_clear(const struct framing *f, bool is_1_0)
{
	return !f->blank && f->lengths + f->encodings <= 1 && (!f->encodings || (f->chunked && !is_1_0));
}

static void check_header(struct http_request *req, const char *version)
{
	bool is_1_0 = !strcmp(version, MHD_HTTP_VERSION_1_0);
	struct framing f = { 0 };

	MHD_get_connection_values(req->connection, MHD_HEADER_KIND, count_framing, &f);
	/* Whatever else is wrong: what follows may be no request at all. */
	req->close = !framing_clear(&f, is_1_0);
	if (req->problem.code != PROBLEM_NONE)
		return;
	if (f.blank)
		http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, NULL, "The name of a header field has a blank in it.");
	else if (req->close)
		http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, "Transfer-Encoding",
			    "A request has either one Content-Length or Transfer-Encoding: chunked.");
	/* RFC 9112, 3.2. Left to the library (0.9.75), the refusal would begin twice. */
	else if (f.hosts > 1 || (!f.hosts && !is_1_0))
		http_refuse(req, PROBLEM_HTTP_BAD_PARAMETER, "Host", "A request names one Host.");
}

static bool length_beyond(struct http_request *req, uint64_t limit)
{
	const char *text = http_header(req, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t length;

	return text && text_uint(text, strlen(text), limit, &length) == -ERANGE;
}

static bool expects_continue(struct http_request *req)
{
	const char *expect = http_header(req, MHD_HTTP_HEADER_EXPECT);

	return expect && !strcasecmp(expect, "100-continue");
}

/* Is it better to refuse at once and close, than to read the body first? If the client waits for
 * our word before it sends, if it announces more than is ever read, and if nobody knows where its
 * body ends. The library allows it for POST and PUT only. */
static bool refuse_at_once(struct http_request *req, const char *method)
{
	if (req->problem.code == PROBLEM_NONE || (strcmp(method, "POST") && strcmp(method, "PUT")))
		return false;
	return req->close || expects_continue(req) ||
	       length_beyond(req, (uint64_t)req->listener->http->limits.body * DROP_FACTOR);
}

static void take_up_settings(struct http_listener *l)
{
	struct http_settings *settings = atomic_exchange(&l->next_settings, NULL);

	if (!settings)
		return;
	talloc_free(l->settings);
	l->settings = settings;
}

static struct http_request *request_alloc(struct http_listener *l, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *conn = info ? info->socket_context : NULL;
	struct http_request *req;

	req = conn ? talloc_zero(NULL, struct http_request) : NULL;
	if (!req)
		return NULL;
	req->listener = l;
	req->connection = connection;
	req->conn = conn;
	atomic_fetch_add(&l->open, 1);
	http_count(l, HTTP_CTR_REQUESTS);
	return req;
}

static enum MHD_Result begin(struct http_request *req, const char *url, const char *method, const char *version)
{
	struct http_limits *limits = &req->listener->http->limits;

	take_up_settings(req->listener);
	http_conn_allow_ms(req->conn, limits->body_ms);
	req->is_head = !strcmp(method, "HEAD");
	find_route(req, url, method);
	if (req->problem.code == PROBLEM_NONE)
		MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND, check_param, req);
	req->is_post = req->route && !req->route->serve;
	check_header(req, version);
	if (req->problem.code == PROBLEM_NONE && req->is_post)
		http_alert_begin(req);
	if (req->problem.code == PROBLEM_NONE && length_beyond(req, limits->body))
		http_refuse(req, PROBLEM_HTTP_TOO_LARGE, NULL, "At most %zu octets are taken.", limits->body);
	return refuse_at_once(req, method) ? send_answer(req) : MHD_YES;
}

/*
 * Body and end
 */

static enum MHD_Result collect(struct http_request *req, const char *data, size_t len)
{
	size_t limit = req->listener->http->limits.body;

	req->received += len;
	if (req->is_post && req->problem.code == PROBLEM_NONE)
		http_alert_body(req, data, len);
	return req->received / DROP_FACTOR > limit ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct http_request *req)
{
	if (req->problem.code != PROBLEM_NONE)
		return send_answer(req);
	if (!req->is_post)
		req->route->serve(req);
	else if (req->answered)
		http_alert_reply(req);
	else if (http_alert_submit(req))
		return MHD_YES;
	return send_answer(req);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **context)
{
	struct http_request *req = *context;
	enum MHD_Result rc;

	if (!req) {
		req = request_alloc(cls, connection);
		*context = req;
		return req ? begin(req, url, method, version) : MHD_NO;
	}
	/* A piece may be empty: after "100 Continue" the library (0.9.75) offers none of a body that has
	 * no octets if the next request is there, and takes no answer yet. */
	if (data) {
		rc = collect(req, data, *len);
		*len = 0;
		return rc;
	}
	return finish(req);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct http_listener *l = cls;
	struct http_request *req = *context;

	(void)connection;
	(void)why;
	if (!req)
		return;
	http_conn_allow_ms(req->conn, l->http->limits.idle_s * 1000 + l->http->limits.header_ms);
	atomic_fetch_sub(&l->http->held, req->held);
	if (req->response)
		MHD_destroy_response(req->response);
	talloc_free(req);
	*context = NULL;
	atomic_fetch_sub(&l->open, 1);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		http_conn_closed(cls, context);
	else if (info)
		http_conn_opened(cls, info->connect_fd, context);
}

void http_request_resume(struct http_request *req)
{
	struct http_listener *l = req->listener;

	/* With a thread of ours the library has nothing of its own to wake it by. */
	MHD_resume_connection(req->connection);
	(void)eventfd_write(l->wake_fd, 1);
}

/*
 * Store
 */

struct store_reader *http_reader(struct http_request *req)
{
	struct http_listener *l = req->listener;

	/* A root of its own: nothing of the loop's tree is touched from this thread. */
	if (!l->reader)
		l->reader = store_reader_open(NULL, l->store_dir, &req->problem);
	if (!l->reader && req->problem.code == PROBLEM_NONE)
		http_refuse(req, PROBLEM_STORE_UNAVAILABLE, NULL, "The store cannot be read now.");
	return l->reader;
}

void http_refuse_read(struct http_request *req, int rc)
{
	if (rc == -ENOENT)
		http_refuse(req, PROBLEM_HTTP_NOT_FOUND, NULL, "There is no such alert.");
	else if (rc == -ENOMEM)
		http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory.");
	else
		http_refuse(req, PROBLEM_STORE_UNAVAILABLE, NULL, "The store cannot be read now.");
}

/*
 * The daemon
 */

static void on_log(void *cls, const char *fmt, va_list ap)
{
	struct http_listener *l = cls;
	struct problem text;
	char line[sizeof(text.detail)];

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	/* For its removal of control characters: this may quote what a client sent. */
	problem_set(&text, PROBLEM_INTERNAL, NULL, 0, "%s", line);
	LOGP(DHTTP, LOGL_INFO, "listener=%s:%u %s\n", l->config.address, l->port, text.detail);
}

static unsigned int per_address(const struct http_listener *l)
{
	/* Behind a loopback listener is a proxy or a local tool, all from one address. */
	if (http_text_is_loopback(l->config.address))
		return 0;
	return l->http->limits.per_address;
}

/* The library's own thread (0.9.75) waits in epoll again, with events in its hands, whenever it was
 * given exactly as many as it asked for: 128 clients then stall until somebody else does something.
 * So the thread is ours: it waits outside, and the library is only run when there is work. */
bool http_daemon_turn(struct http_listener *l, unsigned int max_ms)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = { { .fd = info->epoll_fd, .events = POLLIN }, { .fd = l->wake_fd, .events = POLLIN } };
	MHD_UNSIGNED_LONG_LONG ms = max_ms;
	eventfd_t count;
	bool due;

	due = MHD_get_timeout(l->daemon, &ms) == MHD_YES && !ms;
	if (poll(fds, ARRAY_SIZE(fds), ms < max_ms ? ms : max_ms) > 0)
		due = true;
	/* Before the run: what is resumed from now on wakes us again. */
	(void)eventfd_read(l->wake_fd, &count);
	MHD_run(l->daemon);
	return due;
}

static void *run_daemon(void *data)
{
	struct http_listener *l = data;

	while (!atomic_load(&l->ending))
		(void)http_daemon_turn(l, WAIT_MAX_MS);
	return NULL;
}

static struct MHD_Daemon *make_daemon(struct http_listener *l)
{
	const struct http_limits *limits = &l->http->limits;
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	if (strchr(l->config.address, ':'))
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, l,
				MHD_OPTION_EXTERNAL_LOGGER, on_log, l,
				MHD_OPTION_LISTEN_SOCKET, l->fd,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_CONNECTION_LIMIT, limits->connections,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address(l),
				MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_s,
				MHD_OPTION_END);
}

int http_daemon_open(struct http_listener *l)
{
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->wake_fd < 0)
		return -errno;
	l->daemon = make_daemon(l);
	if (!l->daemon)
		return -EINVAL;
	/* From now on the library closes the socket. */
	l->fd = -1;
	return 0;
}

int http_daemon_start(struct http_listener *l)
{
	sigset_t all, before;
	int rc;

	/* The thread inherits the mask: signals are for the loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&l->thread, NULL, run_daemon, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	l->has_thread = rc == 0;
	return -rc;
}

void http_daemon_stop(struct http_listener *l)
{
	static const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	if (l->has_thread) {
		/* Stopping the library throws away what is not sent yet. */
		for (i = 0; i < STOP_WAIT_MS && atomic_load(&l->open); i++)
			nanosleep(&ms, NULL);
		atomic_store(&l->ending, true);
		(void)eventfd_write(l->wake_fd, 1);
		pthread_join(l->thread, NULL);
		l->has_thread = false;
	}
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	l->wake_fd = -1;
}
