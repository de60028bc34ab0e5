/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Listening sockets and the deadlines of connections.
 *
 * libmicrohttpd ends a connection on which nothing moves, but not one that moves an octet every few
 * seconds, before or after its header is complete. So each connection has a deadline here, which
 * the listener's thread sets and the loop enforces. The lock makes sure that a descriptor is not
 * shut down after it was closed and given to somebody else. */

#include "http_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/text.h>

/* Cut to net.core.somaxconn by the kernel. */
#define BACKLOG 4096

static int parse_address(const struct http_listener_config *config, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, config->address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(config->port);
		*len = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, config->address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(config->port);
		*len = sizeof(*in6);
		return 0;
	}
	return -EINVAL;
}

static int bound_port(int fd, uint16_t *port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	*port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port :
						 ((struct sockaddr_in *)&ss)->sin_port);
	return 0;
}

int http_listen(const struct http_listener_config *config, uint16_t *port, struct problem *problem)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, one = 1;

	if (parse_address(config, &ss, &len) < 0)
		return problem_set(problem, PROBLEM_CONFIG, "http", 0, "%s is no IPv4 or IPv6 address", config->address);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return problem_set(problem, PROBLEM_CONFIG, "http", 0, "no socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    bound_port(fd, port) < 0) {
		problem_set(problem, PROBLEM_CONFIG, "http", 0, "cannot listen on %s port %u: %s",
			    config->address, config->port, strerror(errno));
		close(fd);
		return -EINVAL;
	}
	return fd;
}

bool http_address_is_loopback(const struct sockaddr *addr)
{
	const struct in6_addr *in6;

	if (!addr)
		return false;
	if (addr->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (addr->sa_family != AF_INET6)
		return false;
	in6 = &((const struct sockaddr_in6 *)addr)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
}

bool http_text_is_loopback(const char *address)
{
	struct http_listener_config config = { .address = address };
	struct sockaddr_storage ss;
	socklen_t len;

	return parse_address(&config, &ss, &len) == 0 && http_address_is_loopback((struct sockaddr *)&ss);
}

static bool port_valid(const char *s)
{
	uint64_t port;

	return !*s || (*s == ':' && text_uint(s + 1, strlen(s + 1), UINT16_MAX, &port) == 0);
}

/* A name that is not an address may have been made to point here by whoever owns it (DNS
 * rebinding): a browser then takes this daemon for the site it came from. */
bool http_host_is_local(const char *host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	bool is_v6 = *host == '[';
	const char *start = is_v6 ? host + 1 : host;
	size_t len = strcspn(start, is_v6 ? "]" : ":");

	if (len >= sizeof(text) || (is_v6 && start[len] != ']'))
		return false;
	memcpy(text, start, len);
	text[len] = '\0';
	if (!port_valid(start + len + is_v6))
		return false;
	if (is_v6)
		return inet_pton(AF_INET6, text, &addr) == 1;
	return inet_pton(AF_INET, text, &addr) == 1 || !strcasecmp(text, "localhost");
}

void http_conn_opened(struct http_listener *l, int fd, void **context)
{
	struct http_conn *conn = talloc_zero(NULL, struct http_conn);

	*context = conn;
	if (!conn)
		return;
	conn->fd = fd;
	http_conn_allow_ms(conn, l->http->limits.header_ms);
	pthread_mutex_lock(&l->conns_lock);
	llist_add_tail(&conn->list, &l->conns);
	pthread_mutex_unlock(&l->conns_lock);
}

void http_conn_closed(struct http_listener *l, void **context)
{
	struct http_conn *conn = *context;

	if (!conn)
		return;
	pthread_mutex_lock(&l->conns_lock);
	llist_del(&conn->list);
	pthread_mutex_unlock(&l->conns_lock);
	talloc_free(conn);
	*context = NULL;
}

void http_conn_allow_ms(struct http_conn *conn, unsigned int ms)
{
	atomic_store(&conn->deadline_ms, clock_mono_ms() + ms);
}

void http_conn_allow_all(struct http_conn *conn)
{
	atomic_store(&conn->deadline_ms, HTTP_NO_DEADLINE);
}

void http_conns_sweep(struct http_listener *l)
{
	int64_t now = clock_mono_ms();
	struct http_conn *conn;

	pthread_mutex_lock(&l->conns_lock);
	llist_for_each_entry(conn, &l->conns, list) {
		if (now < atomic_load(&conn->deadline_ms))
			continue;
		/* The listener's thread sees the end of the stream and tidies up. */
		shutdown(conn->fd, SHUT_RDWR);
		http_conn_allow_all(conn);
		http_count(l, HTTP_CTR_LATE);
	}
	pthread_mutex_unlock(&l->conns_lock);
}
