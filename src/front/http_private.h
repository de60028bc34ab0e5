/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the files of the HTTP front share among themselves.
 *
 * Who touches what:
 * - struct http and everything of http_job.c belong to the loop, but for the atomics.
 * - struct http_listener and its cache belong to the listener's thread once it runs, but for the
 *   atomics and the list of connections, which has a lock.
 * - a struct http_request is a talloc root of its own. It belongs to the listener's thread; while
 *   its connection is suspended it belongs to the loop.
 * talloc_enable_null_tracking() would tie all roots together and must never be called. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <osmocom/core/it_q.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/select.h>

#include <tocsin/base/json.h>
#include <tocsin/base/problem.h>
#include <tocsin/core/cell.h>
#include <tocsin/core/draft.h>
#include <tocsin/core/gateway.h>
#include <tocsin/core/originator.h>
#include <tocsin/core/store.h>
#include <tocsin/front/http.h>

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;
struct rate_ctr_group;
struct sockaddr;

#define HTTP_NO_DEADLINE INT64_MAX

/*! What a listener counts; its thread adds, the loop moves it into the rate counters. */
enum http_ctr {
	HTTP_CTR_REQUESTS,
	HTTP_CTR_ACCEPTED,	/*!< answered 202 */
	HTTP_CTR_REFUSED,	/*!< answered 4xx */
	HTTP_CTR_UNAVAILABLE,	/*!< answered 5xx */
	HTTP_CTR_LATE,		/*!< connections ended by a deadline */
	_NUM_HTTP_CTR
};

/*! Whose alerts are taken, and in which language they are read. */
struct http_settings {
	struct originator_set *originators;
	const char **languages;		/*!< NULL-terminated */
};

/*! What the loop renders for status. */
enum http_page { HTTP_PAGE_PEERS, HTTP_PAGE_RECIPIENTS, HTTP_PAGE_HEALTH, HTTP_PAGE_METRICS, _NUM_HTTP_PAGE };
struct http_live {
	char *text[_NUM_HTTP_PAGE];
	size_t len[_NUM_HTTP_PAGE];
	int64_t rendered_ms;		/*!< monotonic */
	bool can_commit;
};

/*! One TCP connection, as its deadline sees it. */
struct http_conn {
	struct llist_head list;
	int fd;
	_Atomic int64_t deadline_ms;	/*!< monotonic */
};

struct http_listener {
	struct http *http;
	struct http_listener_config config;
	char *store_dir;
	struct MHD_Daemon *daemon;
	pthread_t thread;
	bool has_thread;
	int wake_fd;			/*!< eventfd: a connection was resumed, or the end has come */
	atomic_bool ending;
	int fd;
	uint16_t port;
	/*! Roots made by the loop, taken up by the thread: an exchange of the pointer, nothing else. */
	_Atomic(void *) next_settings;
	_Atomic(void *) next_live;
	atomic_uint open;		/*!< requests begun and not completed */
	atomic_uint counts[_NUM_HTTP_CTR];
	struct rate_ctr_group *ctrs;	/*!< the loop's */
	pthread_mutex_t conns_lock;
	struct llist_head conns;

	/* the thread's own */
	struct http_settings *settings;
	struct http_live *live;
	struct store_reader *reader;
	struct cell_table *cells;
	char *cells_name;
};

/*! Classes of jobs, the order in which the loop takes them: Cancels first. */
#define HTTP_NUM_CLASS 4

struct http {
	struct gateway *gw;
	struct http_limits limits;
	struct http_listener **listeners;
	size_t n_listeners;
	struct osmo_it_q *queue;
	struct osmo_fd kick;		/*!< eventfd: readable while a class has jobs */
	struct osmo_fd tick;		/*!< timerfd */
	int64_t rendered_ms;
	struct llist_head ready[HTTP_NUM_CLASS];
	struct llist_head submitted;
	atomic_bool stopping;
	atomic_uint waiting;		/*!< jobs handed over and not yet answered */
	atomic_size_t held;
};

struct http_request;

/*! A resource and the method that is allowed on it. A path is fixed, or has one variable part
 *  between prefix and suffix. */
struct http_route {
	const char *method;
	const char *prefix;
	const char *suffix;		/*!< NULL: no variable part */
	unsigned int serves;
	const char *const *params;	/*!< of the query, NULL-terminated */
	void (*serve)(struct http_request *req);
};

struct http_request {
	struct http_listener *listener;
	struct MHD_Connection *connection;
	struct http_conn *conn;
	const struct http_route *route;
	char *arg;			/*!< the variable part of the path */
	bool is_post;
	bool is_head;
	bool close;			/*!< no further request on this connection */
	struct problem problem;		/*!< why it is refused; PROBLEM_NONE so far */
	const char *allow;		/*!< of a 405 */
	int64_t retry_after_s;
	uint8_t *body;
	size_t n_body;
	size_t held;
	uint64_t received;
	char *originator;
	char *identifier;
	struct MHD_Response *response;	/*!< the answer once it is made, until it is queued */
	unsigned int status;

	/* as a job */
	struct llist_head list;
	struct alert_draft *draft;
	unsigned int class;
	int64_t due_ms;
	bool submitted;
	bool answered;
	char id[ALERT_ID_LEN + 1];
};

/* http_conn.c: listening sockets, connections and their deadlines */
int http_listen(const struct http_listener_config *config, uint16_t *port, struct problem *problem);
bool http_address_is_loopback(const struct sockaddr *addr);
/*! The same for its text. */
bool http_text_is_loopback(const char *address);
/*! Does the Host header name this machine by address, or as localhost? */
bool http_host_is_local(const char *host);
void http_conn_opened(struct http_listener *l, int fd, void **context);
void http_conn_closed(struct http_listener *l, void **context);
void http_conn_allow_ms(struct http_conn *conn, unsigned int ms);
void http_conn_allow_all(struct http_conn *conn);
void http_conns_sweep(struct http_listener *l);

/* http.c */
/*! http_start() but for the threads: whoever calls it takes the listeners' turns himself (tests). */
int http_open(struct http *http, const struct http_listener_config *listeners, size_t n,
	      struct problem *problem);

/* http_request.c: life of a request */
int http_daemon_open(struct http_listener *l);
/*! Wait for work, at most that long, and do it once. \returns whether there was some. */
bool http_daemon_turn(struct http_listener *l, unsigned int max_ms);
/*! Give an open one a thread that takes its turns. */
int http_daemon_start(struct http_listener *l);
void http_daemon_stop(struct http_listener *l);
void http_count(struct http_listener *l, enum http_ctr ctr);
void http_refuse(struct http_request *req, enum problem_code code, const char *where,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
const char *http_header(struct http_request *req, const char *name);
/*! Value of a parameter of the query, NULL if it is not there. */
const char *http_param(struct http_request *req, const char *name);
/*! \returns 0, or -EINVAL with the request refused. *out keeps its value if there is none. */
int http_param_number(struct http_request *req, const char *name, uint64_t min, uint64_t max, uint64_t *out);
/*! The answer. A copy of the octets is made. */
void http_reply(struct http_request *req, unsigned int status, const char *type, const void *body, size_t len);
void http_reply_json(struct http_request *req, unsigned int status, struct json *j);
void http_reply_header(struct http_request *req, const char *name, const char *value);
/*! An answer of unknown length. next() appends some of it to j; \returns 1 while there is more.
 *  \param[in] stream  a talloc object, taken over. */
typedef int (*http_stream_next)(void *stream, struct json *j);
void http_reply_stream(struct http_request *req, http_stream_next next, void *stream);
/*! The listener's own handle of the store; NULL with the request refused. */
struct store_reader *http_reader(struct http_request *req);
/*! The store could not be read. */
void http_refuse_read(struct http_request *req, int rc);

/* http_alert.c: POST /v1/alerts, on the listener's thread */
void http_alert_begin(struct http_request *req);
/*! Did somebody on this host ask, and say no other name? */
bool http_from_this_host(struct http_request *req);
/*! Which originator is it? \returns 0, or a negative errno with the request refused. */
int http_identify(struct http_request *req);
void http_alert_body(struct http_request *req, const void *data, size_t len);
/*! The body is complete. \returns true: the connection is suspended, the request belongs to the loop. */
bool http_alert_submit(struct http_request *req);
void http_alert_reply(struct http_request *req);
void http_alert_log_refused(struct http_request *req);
/*! Let go a suspended connection. From any thread; the request is no longer the caller's. */
void http_request_resume(struct http_request *req);

/* http_job.c: the same, on the loop */
int http_jobs_start(struct http *http);
/*! Count a job that is about to come. From a listener's thread.
 *  \returns 0, or -EBUSY: too many wait, or the daemon is ending. */
int http_job_reserve(struct http *http);
/*! Hand over what was counted. From a listener's thread; afterwards the request is no longer the caller's.
 *  \returns 0 or a negative errno (then it still is). */
int http_job_enqueue(struct http *http, struct http_request *req);
/*! Answer those that have waited too long. */
void http_jobs_sweep(struct http *http);
/*! Answer all 503. */
void http_jobs_stop(struct http *http);

/* http_status.c, http_targets.c, http_cells.c: resources */
void http_serve_alerts(struct http_request *req);
void http_serve_alert(struct http_request *req);
void http_serve_document(struct http_request *req);
void http_serve_peers(struct http_request *req);
void http_serve_health(struct http_request *req);
void http_serve_metrics(struct http_request *req);
void http_serve_problem(struct http_request *req);
void http_serve_recipients(struct http_request *req);
void http_serve_alert_cells(struct http_request *req);
void http_serve_alert_recipients(struct http_request *req);
void http_serve_cells(struct http_request *req);
/*! Type and identity, as members of an open object. */
void http_put_target(struct json *j, const struct target *t);
/*! What the store holds may be older than what the loop knows: the states of live alerts cannot be
 *  told. */
bool http_store_is_late(struct http_request *req);
/*! State of one target as a reader of the store may tell it.
 *  \param[in] late  http_store_is_late() */
enum outcome http_outcome(const struct evidence *e, bool on, const struct alert_row *alert, bool late);
/*! Is the message wanted on air now? It may be NULL: then not. */
bool http_delivery_on(const struct alert_row *alert, const struct message *message, int64_t now);
/*! Are its targets recipients? Else they are cells. */
bool http_of_recipients(const struct delivery_row *row);
const struct message *http_message_by_nr(const struct message *messages, size_t n, unsigned int nr);
