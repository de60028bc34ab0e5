/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A conn is the queue of an osmo_wqueue with a frame buffer on its reading side. Two things shape the code:
 * a callback may come for a descriptor of the same number that was closed a moment ago, so every readiness
 * is a hint only; and a conn freed by its owner inside a callback lives on, closed, until conn_cb() ends.
 *
 * The queue is written by this module: osmo_wqueue_bfd_cb() writes one frame per turn of the loop. */
#include <tocsin/link/conn.h>

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <linux/sockios.h>
#include <unistd.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/core/write_queue.h>

/* One read per callback: what a peer can make us decode in one go stays far below 50 ms. */
#define READ_CHUNK 16384
/* Frames in the queue, whatever their size: each costs an msgb of its own. */
#define MAX_QUEUE_FRAMES 4096
/* In one write. */
#define FRAMES_AT_ONCE 64

struct conn {
	struct osmo_wqueue wq;
	const struct conn_ops *ops;
	void *priv;
	bool connecting;
	bool refused;		/* conn_send() has said -EAGAIN and on_ready() is owed */
	bool dead;		/* freed by its owner inside a callback */
	bool busy;		/* inside a callback */
	size_t queued;		/* octets in the queue */
	uint8_t *rx; /* begins with the first octet of a frame; NULL while nothing waits */
	size_t rx_len;
	char remote[CONN_ADDRESS_LEN];
};

int conn_address(const char *ip, uint16_t port, struct osmo_sockaddr *out)
{
	memset(out, 0, sizeof(*out));
	if (!ip)
		return -EINVAL;
	if (inet_pton(AF_INET, ip, &out->u.sin.sin_addr) == 1) {
		out->u.sin.sin_family = AF_INET;
		out->u.sin.sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, ip, &out->u.sin6.sin6_addr) == 1) {
		out->u.sin6.sin6_family = AF_INET6;
		out->u.sin6.sin6_port = htons(port);
		return 0;
	}
	return -EINVAL;
}

static socklen_t address_len(const struct osmo_sockaddr *a)
{
	return a->u.sa.sa_family == AF_INET6 ? sizeof(a->u.sin6) : sizeof(a->u.sin);
}

static void conn_shut(struct conn *conn)
{
	osmo_fd_close(&conn->wq.bfd);
	osmo_wqueue_clear(&conn->wq);
	conn->queued = 0;
}

static bool conn_is_shut(const struct conn *conn)
{
	return conn->wq.bfd.fd < 0;
}

/* What the queue begins with, as many frames as fit. \returns octets sent, or -1. */
static ssize_t send_queue(struct conn *conn)
{
	struct iovec parts[FRAMES_AT_ONCE];
	struct msghdr all = { .msg_iov = parts };
	struct msgb *msg;

	llist_for_each_entry(msg, &conn->wq.msg_queue, list) {
		if (all.msg_iovlen == FRAMES_AT_ONCE)
			break;
		parts[all.msg_iovlen++] = (struct iovec){ msgb_data(msg), msgb_length(msg) };
	}
	return sendmsg(conn->wq.bfd.fd, &all, MSG_NOSIGNAL);
}

/* What was said in this turn of the loop is said before the conn closes, an unbind above all. */
static void last_words(struct conn *conn)
{
	if (!conn_is_shut(conn) && !conn->connecting && conn->ops->together && !llist_empty(&conn->wq.msg_queue))
		(void)send_queue(conn);
}

/* When the parent is freed, talloc hands a busy conn to its grandparent; conn_cb() frees it. */
static int conn_destructor(struct conn *conn)
{
	last_words(conn);
	conn_shut(conn);
	conn->dead = true;
	return conn->busy ? -1 : 0;
}

void conn_free(struct conn *conn)
{
	if (!conn)
		return;
	if (conn->busy)
		talloc_steal(NULL, conn);
	talloc_free(conn);
}

static void conn_lost(struct conn *conn, const char *why)
{
	conn_shut(conn);
	conn->ops->on_closed(conn->priv, why);
}

/* Hand out the whole frames. \returns octets used, or -EBADF once the conn is shut. */
static long conn_frames(struct conn *conn)
{
	size_t pos = 0;

	while (pos < conn->rx_len) {
		size_t left = conn->rx_len - pos;
		int need = conn->ops->frame_len(conn->rx + pos, left);

		if (need < 0 || (size_t)need > conn->ops->max_frame) {
			conn_lost(conn, "framing lost");
			return -EBADF;
		}
		if (!need || (size_t)need > left)
			break;
		conn->ops->on_frame(conn->priv, conn->rx + pos, need);
		if (conn_is_shut(conn))
			return -EBADF;
		pos += need;
	}
	return pos;
}

/* Make room for a chunk behind what is there. That is bounded: a frame that is not whole is
 * shorter than max_frame. */
static bool conn_rx_room(struct conn *conn)
{
	size_t size = conn->rx ? talloc_get_size(conn->rx) : 0;
	uint8_t *rx;

	if (size - conn->rx_len >= READ_CHUNK)
		return true;
	rx = talloc_realloc(conn, conn->rx, uint8_t, conn->rx_len + 2 * READ_CHUNK);
	if (!rx)
		return false;
	conn->rx = rx;
	return true;
}

static void conn_read(struct conn *conn)
{
	ssize_t n;
	long used;

	if (!conn_rx_room(conn)) {
		conn_lost(conn, "no memory");
		return;
	}
	n = recv(conn->wq.bfd.fd, conn->rx + conn->rx_len, READ_CHUNK, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_lost(conn, n ? strerror(errno) : "closed by the far end");
		return;
	}
	conn->rx_len += n;
	used = conn_frames(conn);
	if (used < 0)
		return;
	conn->rx_len -= used;
	if (conn->rx_len)
		memmove(conn->rx, conn->rx + used, conn->rx_len);
	else
		TALLOC_FREE(conn->rx);	/* thousands of idle conns need no buffers */
}

/* So many octets are gone; what is left of a frame stays at the head. */
static void queue_pull(struct conn *conn, size_t n)
{
	struct msgb *msg;
	size_t len;

	conn->queued -= n;
	while (n) {
		msg = llist_first_entry(&conn->wq.msg_queue, struct msgb, list);
		len = OSMO_MIN(n, (size_t)msgb_length(msg));
		msgb_pull(msg, len);
		n -= len;
		if (msgb_length(msg))
			return;
		llist_del(&msg->list);
		conn->wq.current_length--;
		msgb_free(msg);
	}
}

static void conn_write(struct conn *conn)
{
	ssize_t n;

	if (llist_empty(&conn->wq.msg_queue)) {
		osmo_fd_write_disable(&conn->wq.bfd);
		return;
	}
	n = send_queue(conn);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			conn_lost(conn, strerror(errno));
		return;
	}
	queue_pull(conn, n);
	if (llist_empty(&conn->wq.msg_queue))
		osmo_fd_write_disable(&conn->wq.bfd);
	if (conn->refused && conn->queued <= conn->ops->max_queue / 2) {
		conn->refused = false;
		conn->ops->on_ready(conn->priv);
	}
}

/* SO_ERROR alone does not tell success from "not yet", and the readiness may be another's. */
static void conn_finish_connect(struct conn *conn)
{
	int fd = conn->wq.bfd.fd, error = 0;
	socklen_t len = sizeof(error);
	struct osmo_sockaddr remote;
	socklen_t remote_len = sizeof(remote);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		conn_lost(conn, strerror(error));
		return;
	}
	if (getpeername(fd, &remote.u.sa, &remote_len) < 0)
		return;
	conn->connecting = false;
	osmo_fd_update_when(&conn->wq.bfd, 0, OSMO_FD_READ);
	conn->ops->on_connected(conn->priv);
}

static void conn_transfer(struct conn *conn, unsigned int what)
{
	if (what & OSMO_FD_READ)
		conn_read(conn);
	if (what & OSMO_FD_WRITE && !conn_is_shut(conn))
		conn_write(conn);
}

static int conn_cb(struct osmo_fd *fd, unsigned int what)
{
	struct conn *conn = fd->data;

	conn->busy = true;
	if (conn->connecting)
		conn_finish_connect(conn);
	else
		conn_transfer(conn, what);
	conn->busy = false;
	if (conn->dead)
		talloc_free(conn);
	return 0;
}

/* Takes the socket. */
static int conn_alloc(void *ctx, int fd, unsigned int when, const struct conn_ops *ops, void *priv,
		      struct conn **out)
{
	struct conn *conn = talloc_zero(ctx, struct conn);
	int rc;

	if (!conn) {
		close(fd);
		return -ENOMEM;
	}
	conn->ops = ops;
	conn->priv = priv;
	osmo_wqueue_init(&conn->wq, MAX_QUEUE_FRAMES);
	osmo_fd_setup(&conn->wq.bfd, fd, when, conn_cb, conn, 0);
	rc = osmo_fd_register(&conn->wq.bfd);
	if (rc < 0) {
		close(fd);
		talloc_free(conn);
		return -ENOMEM;
	}
	talloc_set_destructor(conn, conn_destructor);
	*out = conn;
	return 0;
}

static void set_int(int fd, int level, int option, int value)
{
	/* An option that the system lacks costs speed of detection, not correctness. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/* A frame must not wait for the acknowledgement of the one before. */
static void set_common(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* Notice a dead far end whether or not something waits to be acknowledged. */
static void set_timeouts(int fd, unsigned int timeout_s)
{
	int third = timeout_s > 3 ? timeout_s / 3 : 1;

	if (!timeout_s)
		return;
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, third);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, third);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeout_s * 1000);
}

static int bind_local(int fd, const struct conn_config *config, int family)
{
	const char *any = family == AF_INET6 ? "::" : "0.0.0.0";
	struct linger abort_on_close = { .l_onoff = 1, .l_linger = 0 };
	struct osmo_sockaddr local;
	int rc;

	if (!config->local_ip && !config->local_port)
		return 0;
	rc = conn_address(config->local_ip ? config->local_ip : any, config->local_port, &local);
	if (rc < 0 || local.u.sa.sa_family != family)
		return -EINVAL;
	if (config->local_port) {
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_on_close,
				 sizeof(abort_on_close));
	} else {
		set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	}
	return bind(fd, &local.u.sa, address_len(&local)) < 0 ? -errno : 0;
}

static int start_connect(const struct conn_config *config, const struct osmo_sockaddr *remote)
{
	int fd = socket(remote->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	set_common(fd);
	set_timeouts(fd, config->user_timeout_s);
	rc = bind_local(fd, config, remote->u.sa.sa_family);
	if (!rc && connect(fd, &remote->u.sa, address_len(remote)) < 0 && errno != EINPROGRESS)
		rc = -errno;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int conn_connect(void *ctx, const struct conn_config *config, const struct conn_ops *ops,
		 void *priv, struct conn **out)
{
	struct osmo_sockaddr remote;
	int fd, rc;

	rc = conn_address(config->remote_ip, config->remote_port, &remote);
	if (rc < 0)
		return rc;
	fd = start_connect(config, &remote);
	if (fd < 0)
		return fd;
	rc = conn_alloc(ctx, fd, OSMO_FD_WRITE, ops, priv, out);
	if (rc < 0)
		return rc;
	(*out)->connecting = true;
	osmo_sockaddr_to_str_buf((*out)->remote, sizeof((*out)->remote), &remote);
	return 0;
}

int conn_accept(void *ctx, int fd, const struct conn_ops *ops, void *priv, struct conn **out)
{
	struct osmo_sockaddr remote = {};
	socklen_t len = sizeof(remote);
	int rc;

	set_common(fd);
	/* Without it the kernel gives up after tcp_retries2, some 15 minutes. */
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, INT_MAX);
	rc = conn_alloc(ctx, fd, OSMO_FD_READ, ops, priv, out);
	if (rc < 0)
		return rc;
	if (!getpeername(fd, &remote.u.sa, &len))
		osmo_sockaddr_to_str_buf((*out)->remote, sizeof((*out)->remote), &remote);
	return 0;
}

/* Nothing waits before it: save the trip through the queue and the next poll. An error is left to
 * the queue to find, since the caller is no place to lose a conn in.
 * \returns true if all of it is gone. */
static bool send_at_once(struct conn *conn, struct msgb *msg)
{
	ssize_t n;

	if (conn->queued || conn->ops->together)
		return false;
	n = send(conn->wq.bfd.fd, msgb_data(msg), msgb_length(msg), MSG_NOSIGNAL);
	if (n > 0)
		msgb_pull(msg, n);
	return !msgb_length(msg);
}

int conn_send(struct conn *conn, struct msgb *msg)
{
	size_t len;
	int rc;

	if (conn_is_shut(conn) || conn->connecting) {
		msgb_free(msg);
		return -ENOTCONN;
	}
	if (send_at_once(conn, msg)) {
		msgb_free(msg);
		return 0;
	}
	len = msgb_length(msg);
	if (conn->queued && conn->queued + len > conn->ops->max_queue)
		rc = -EAGAIN;
	else
		rc = osmo_wqueue_enqueue_quiet(&conn->wq, msg);
	if (rc < 0) {
		conn->refused = true;
		msgb_free(msg);
		return -EAGAIN;
	}
	talloc_steal(conn, msg);
	conn->queued += len;
	return 0;
}

size_t conn_unacked(const struct conn *conn)
{
	int n = 0;

	if (conn_is_shut(conn) || ioctl(conn->wq.bfd.fd, SIOCOUTQ, &n) < 0)
		n = 0;
	return conn->queued + n;
}

const char *conn_remote(const struct conn *conn)
{
	return conn->remote;
}
