/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* To be preloaded into osmo-stp and osmo-msc where the kernel has no SCTP: their SCTP sockets
 * become TCP sockets. Only what these programs and their libraries call is here.
 *
 * SCTP keeps the borders of messages and TCP does not. All that travels between these programs is
 * M3UA, and each of its messages says its own length (RFC 4666, 3.1), so the borders are found
 * again without any framing of ours: a peer that has no SCTP either just speaks M3UA over TCP.
 *
 * gcc -shared -fPIC -O1 -o sctp_over_tcp.so sctp_over_tcp.c */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/sctp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define HEADER_OCTETS  8
#define PPID_M3UA      3
#define CLASS_TRANSFER 1
/* A message is written whole, so what has begun is complete at once or never. */
#define REST_MS 1000

/* What lksctp-tools declares in <netinet/sctp.h>; declared here so that its headers are not needed.
 */
int sctp_bindx(int fd, struct sockaddr *addresses, int n, int flags);
int sctp_connectx(int fd, struct sockaddr *addresses, int n, sctp_assoc_t *id);
int sctp_send(int fd, const void *message, size_t len, const struct sctp_sndrcvinfo *info,
	      int flags);
int sctp_recvmsg(int fd, void *message, size_t size, struct sockaddr *from, socklen_t *from_len,
		 struct sctp_sndrcvinfo *info, int *flags);

static int really_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

int socket(int domain, int type, int protocol)
{
	int fd, on = 1;

	if (protocol != IPPROTO_SCTP)
		return (int)syscall(SYS_socket, domain, type, protocol);
	type = SOCK_STREAM | (type & (SOCK_NONBLOCK | SOCK_CLOEXEC));
	fd = (int)syscall(SYS_socket, domain, type, IPPROTO_TCP);
	/* Many small messages, each waited for. Accepted connections inherit it. */
	if (fd >= 0)
		(void)really_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Options of SCTP are streams, retransmission and the wish for notifications. TCP has none of them
 * to set, and a notification never comes. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return level == IPPROTO_SCTP ? 0 : really_setsockopt(fd, level, name, value, len);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	if (level != IPPROTO_SCTP)
		return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
	memset(value, 0, *len);
	return 0;
}

static socklen_t address_len(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

/* TCP has one address at each end: the first one. */
int sctp_bindx(int fd, struct sockaddr *addresses, int n, int flags)
{
	(void)n;
	(void)flags;
	return bind(fd, addresses, address_len(addresses));
}

int sctp_connectx(int fd, struct sockaddr *addresses, int n, sctp_assoc_t *id)
{
	(void)n;
	if (id)
		*id = 1;
	return connect(fd, addresses, address_len(addresses));
}

static int wait_for(int fd, short events)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	if (poll(&pfd, 1, REST_MS) == 1)
		return 0;
	errno = ECONNRESET;
	return -1;
}

int sctp_send(int fd, const void *message, size_t len, const struct sctp_sndrcvinfo *info,
	      int flags)
{
	const char *octets = message;
	size_t done = 0;
	ssize_t n;

	(void)info;
	while (done < len) {
		n = send(fd, octets + done, len - done, flags | MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EAGAIN || !done || wait_for(fd, POLLOUT))
			return -1;
	}
	return (int)len;
}

/* The rest of a message of which got octets are there. */
static int read_up_to(int fd, char *message, size_t got, size_t len)
{
	ssize_t n;

	while (got < len) {
		n = recv(fd, message + got, len - got, MSG_DONTWAIT);
		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EAGAIN || wait_for(fd, POLLIN))
			return -1;
	}
	return 0;
}

/* User data may come on any stream but 0, management on stream 0 (RFC 4666, 1.4.7). */
static struct sctp_sndrcvinfo info_of(const uint8_t *m3ua)
{
	return (struct sctp_sndrcvinfo){
		.sinfo_ppid = htonl(PPID_M3UA),
		.sinfo_stream = m3ua[2] == CLASS_TRANSFER ? 1 : 0,
	};
}

int sctp_recvmsg(int fd, void *message, size_t size, struct sockaddr *from, socklen_t *from_len,
		 struct sctp_sndrcvinfo *info, int *flags)
{
	uint32_t len;
	ssize_t n;

	(void)from;
	(void)from_len;
	/* Nothing, the end and an error are for the caller; only from the first octet on we wait.
	 */
	n = recv(fd, message, HEADER_OCTETS, MSG_DONTWAIT);
	if (n <= 0)
		return (int)n;
	if (read_up_to(fd, message, (size_t)n, HEADER_OCTETS))
		return -1;
	memcpy(&len, (char *)message + 4, sizeof(len));
	len = ntohl(len);
	if (len < HEADER_OCTETS || len > size) {
		errno = EMSGSIZE;
		return -1;
	}
	if (read_up_to(fd, message, HEADER_OCTETS, len))
		return -1;
	if (info)
		*info = info_of(message);
	if (flags)
		*flags = MSG_EOR;
	return (int)len;
}
