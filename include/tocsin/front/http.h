/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The HTTP interface: alerts in, status out.
 *
 * Each listener is a libmicrohttpd daemon on a thread of its own. A POST is collected, bounded, read and
 * checked there, then becomes a job that moves to the loop through a queue while its connection is
 * suspended; the answer comes back as bytes. GETs are served there, from a read-only handle of the
 * store or from buffers that the loop renders at most once a second: a GET never becomes a job. */

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/gateway.h>

/*! What a listener serves. */
#define HTTP_INTAKE 0x01	/*!< POST /v1/alerts */
#define HTTP_READ 0x02		/*!< all GETs */

#define HTTP_DEFAULT_PORT 12380
/*! Octets of a CAP document, the same figure everywhere. */
#define HTTP_MAX_BODY (8u << 20)

struct http;

struct http_listener_config {
	const char *address;	/*!< literal IPv4 or IPv6 address */
	uint16_t port;		/*!< 0: any free one (tests) */
	unsigned int serves;	/*!< HTTP_INTAKE | HTTP_READ */
};

/*! Bounds that keep one client from taking what others need. */
struct http_limits {
	size_t body;		/*!< octets of one document */
	size_t held;		/*!< octets of all documents that are being collected or decided */
	unsigned int jobs;	/*!< alerts that wait for their answer; beyond it 503 */
	unsigned int connections;	/*!< of one listener; more wait in the backlog */
	unsigned int per_address;	/*!< of them from one address; a loopback listener has no such bound */
	unsigned int idle_s;	/*!< a connection on which nothing moves */
	unsigned int header_ms;	/*!< a request's header, from its first octet to its last */
	unsigned int body_ms;	/*!< likewise its body */
	unsigned int answer_ms;	/*!< until the store has committed; beyond it 503 */
	unsigned int send_ms;	/*!< until the client has fetched its answer */
};

struct http *http_alloc(void *ctx, struct gateway *gw);
/*! The limits in force; change them before http_start(). */
struct http_limits *http_limits(struct http *http);
/*! Start the listeners, one thread each. The originators and languages are copied for them.
 *  \returns 0, or -EINVAL (PROBLEM_CONFIG) if one cannot listen; then none runs. */
int http_start(struct http *http, const struct http_listener_config *listeners, size_t n,
	       struct problem *problem);
/*! Port of listener i (what the system chose for 0). */
uint16_t http_port(const struct http *http, size_t i);
/*! Alerts that wait for their answer now. */
unsigned int http_waiting(const struct http *http);
/*! Hand the listeners the originators and languages that are configured now. */
void http_reconfigure(struct http *http);
/*! Answer what is suspended (503), stop the threads. */
void http_stop(struct http *http);
