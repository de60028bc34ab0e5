/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* POST /v1/alerts, the part on the listener's thread: who is it, collect, read and check, hand over;
 * and when the loop has decided, the answer. */

#include "http_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#define FIRST_PIECE (16u * 1024)

static const char *const media_types[] = { "application/cap+xml", "application/xml", "text/xml" };

/* The token of "Authorization: Bearer", NULL if there is none. */
static const char *bearer_token(const char *authorization)
{
	const char *token;

	if (!authorization || strncasecmp(authorization, "Bearer ", 7))
		return NULL;
	for (token = authorization + 7; *token == ' '; token++)
		;
	return token;
}

/* A proxy on this host speaks for whoever is behind it. */
static bool was_forwarded(struct http_request *req)
{
	static const char *const names[] = { "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (http_header(req, names[i]))
			return true;
	}
	return false;
}

/* May this request count as the local originator's although it has no token? A browser on this
 * host must not be talked into it by a web page: it sends Origin, and the name it was told. */
static bool is_local(struct http_request *req)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *host = http_header(req, MHD_HTTP_HEADER_HOST);

	return info && http_address_is_loopback(info->client_addr) && !http_header(req, MHD_HTTP_HEADER_ORIGIN) &&
	       (!host || http_host_is_local(host)) && !was_forwarded(req);
}

bool http_from_this_host(struct http_request *req)
{
	return !http_header(req, MHD_HTTP_HEADER_AUTHORIZATION) && is_local(req);
}

int http_identify(struct http_request *req)
{
	const char *authorization = http_header(req, MHD_HTTP_HEADER_AUTHORIZATION);
	const char *token = bearer_token(authorization);
	const struct originator *orig;

	if (authorization && !token) {
		http_refuse(req, PROBLEM_ORIGINATOR_UNKNOWN, "Authorization", "Only Bearer tokens are taken.");
		return -EACCES;
	}
	orig = originator_identify(req->listener->settings->originators, token,
				   http_from_this_host(req), &req->problem);
	if (!orig) {
		if (req->problem.code == PROBLEM_NONE)
			http_refuse(req, PROBLEM_ORIGINATOR_UNKNOWN, NULL, "The originator is not known.");
		return -EACCES;
	}
	req->originator = talloc_strdup(req, orig->name);
	if (req->originator)
		return 0;
	http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory.");
	return -ENOMEM;
}

static bool media_type_taken(const char *text)
{
	size_t len = text ? strcspn(text, ";") : 0, i;

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	for (i = 0; i < ARRAY_SIZE(media_types); i++) {
		if (len == strlen(media_types[i]) && !strncasecmp(text, media_types[i], len))
			return true;
	}
	return false;
}

static void check_media_type(struct http_request *req)
{
	const char *encoding = http_header(req, MHD_HTTP_HEADER_CONTENT_ENCODING);

	if (!media_type_taken(http_header(req, MHD_HTTP_HEADER_CONTENT_TYPE)))
		http_refuse(req, PROBLEM_HTTP_MEDIA_TYPE, "Content-Type",
			    "An alert is sent as application/cap+xml; application/xml and text/xml are taken too.");
	else if (encoding && strcasecmp(encoding, "identity"))
		http_refuse(req, PROBLEM_HTTP_MEDIA_TYPE, "Content-Encoding", "No content coding is taken.");
}

void http_alert_begin(struct http_request *req)
{
	if (http_identify(req) == 0)
		check_media_type(req);
}

/* All bodies together are bounded too, so that many large ones cannot exhaust the memory. */
static int hold(struct http_request *req, size_t size)
{
	struct http *http = req->listener->http;
	size_t more = size - req->held;

	if (atomic_fetch_add(&http->held, more) + more > http->limits.held) {
		atomic_fetch_sub(&http->held, more);
		return -ENOSPC;
	}
	req->held = size;
	return 0;
}

static void let_go(struct http_request *req)
{
	talloc_free(req->body);
	req->body = NULL;
	atomic_fetch_sub(&req->listener->http->held, req->held);
	req->held = 0;
}

static int reserve(struct http_request *req, size_t len)
{
	size_t size = req->held ? req->held : FIRST_PIECE, max = req->listener->http->limits.body;
	uint8_t *body;

	while (size < len)
		size *= 2;
	if (size > max)
		size = max;
	if (size <= req->held)
		return 0;
	if (hold(req, size) < 0)
		return -ENOSPC;
	body = talloc_realloc(req, req->body, uint8_t, size);
	if (!body)
		return -ENOMEM;
	req->body = body;
	return 0;
}

void http_alert_body(struct http_request *req, const void *data, size_t len)
{
	size_t limit = req->listener->http->limits.body;

	if (len > limit - req->n_body) {
		http_refuse(req, PROBLEM_HTTP_TOO_LARGE, NULL, "At most %zu octets are taken.", limit);
		let_go(req);
		return;
	}
	if (reserve(req, req->n_body + len) < 0) {
		http_refuse(req, PROBLEM_HTTP_TOO_BUSY, NULL, "Too many documents are being read; try again.");
		let_go(req);
		return;
	}
	memcpy(req->body + req->n_body, data, len);
	req->n_body += len;
}

/* The loop takes Cancels first, then what threatens life most. */
static unsigned int job_class(const struct cap_alert *cap)
{
	enum cap_severity severity = CAP_SEVERITY_UNKNOWN;
	size_t i;

	if (cap->msg_type == CAP_MSG_CANCEL)
		return 0;
	if (cap->status != CAP_STATUS_ACTUAL)
		return 3;
	for (i = 0; i < cap->n_infos; i++) {
		if (cap->infos[i].severity < severity)
			severity = cap->infos[i].severity;
	}
	return severity == CAP_SEVERITY_EXTREME ? 1 : severity == CAP_SEVERITY_SEVERE ? 2 : 3;
}

static int read_draft(struct http_request *req)
{
	const struct http_settings *settings = req->listener->settings;
	uint8_t *bytes = req->body;

	/* An empty body is read as a document too, so that its problem is named in one place. */
	if (!bytes)
		bytes = talloc_array(req, uint8_t, 1);
	req->body = NULL;
	if (bytes)
		req->draft = alert_draft_read(req, req->originator, bytes, req->n_body,
					      settings->languages, clock_utc(), &req->problem);
	if (!req->draft) {
		if (req->problem.code == PROBLEM_NONE)
			http_refuse(req, PROBLEM_NO_MEMORY, NULL, "There is not enough memory.");
		return -EINVAL;
	}
	OSMO_STRLCPY_ARRAY(req->id, req->draft->id);
	req->identifier = talloc_strdup(req, req->draft->cap->identifier);
	req->class = job_class(req->draft->cap);
	return 0;
}

bool http_alert_submit(struct http_request *req)
{
	struct http *http = req->listener->http;
	struct http_conn *conn = req->conn;
	int64_t deadline_ms = atomic_load(&conn->deadline_ms);

	if (read_draft(req) < 0)
		return false;
	if (http_job_reserve(http) < 0) {
		req->retry_after_s = 1;
		http_refuse(req, PROBLEM_HTTP_TOO_BUSY, NULL, "Too many alerts wait for an answer; try again.");
		return false;
	}
	/* First suspended, then handed over: the answer may come before the next line is reached. */
	http_conn_allow_all(conn);
	MHD_suspend_connection(req->connection);
	if (http_job_enqueue(http, req) == 0)
		return true;
	atomic_store(&conn->deadline_ms, deadline_ms);
	http_refuse(req, PROBLEM_HTTP_TOO_BUSY, NULL, "Too many alerts wait for an answer; try again.");
	http_request_resume(req);
	return true;
}

/* The alert is taken even if its row cannot be read back just now: the answer must not deny it. */
static void reply_short(struct http_request *req, const char *url)
{
	struct json j;

	json_init(&j, req);
	json_object_begin(&j, NULL);
	json_string(&j, "id", req->id);
	json_string(&j, "state", "accepted");
	json_string(&j, "url", url);
	json_object_end(&j);
	http_reply(req, MHD_HTTP_ACCEPTED, "application/json", j.error ? "" : j.buf, j.error ? 0 : j.len);
}

void http_alert_reply(struct http_request *req)
{
	struct store_reader *reader = http_reader(req);
	struct alert_row row = { 0 };
	char url[sizeof("/v1/alerts/") + ALERT_ID_LEN];

	snprintf(url, sizeof(url), "/v1/alerts/%s", req->id);
	if (reader && store_read_alert(reader, req, req->id, false, &row) == 0 && row.answer)
		http_reply(req, MHD_HTTP_ACCEPTED, "application/json", row.answer, strlen(row.answer));
	else
		reply_short(req, url);
	req->problem.code = PROBLEM_NONE;
	http_reply_header(req, MHD_HTTP_HEADER_LOCATION, url);
}

/* What a sender wrote must not steer a log or a terminal: control characters go, also those that
 * UTF-8 spells with two octets (U+0080 to U+009F). */
static void clean(char *out, size_t size, const char *s)
{
	size_t n = 0;

	for (; s && *s && n + 1 < size; s++) {
		unsigned char c = *s;
		bool c1 = c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0;

		out[n++] = c <= ' ' || c == 0x7f || c1 ? '?' : c;
		s += c1;
	}
	out[n] = '\0';
}

void http_alert_log_refused(struct http_request *req)
{
	const struct problem *p = &req->problem;
	char originator[64], identifier[128];

	clean(originator, sizeof(originator), req->originator ? req->originator : "-");
	clean(identifier, sizeof(identifier), req->identifier ? req->identifier : "-");
	LOGP(DHTTP, LOGL_NOTICE, "originator=%s identifier=%s refused: %u %s%s%s: %s\n", originator,
	     identifier, problem_status(p->code), problem_code_name(p->code), p->where[0] ? " at " : "",
	     p->where, p->detail);
}
