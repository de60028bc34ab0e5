/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The BSCs. Reading goes before everything else: octets are taken in and their time is noted while
 * there are any; only then PDUs are decoded, recorded and answered. What comes from the daemon and
 * what comes from a bare send() takes the same way up to the answer. */
#include "fanout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <talloc.h>

#include <tocsin/codec/cbsp.h>

#define PATIENCE_MS 10000

struct bsc;

/* One connection of a BSC. */
struct wire {
	struct bsc *bsc;
	bool bare;
	int fd;
	bool pending;		/* whole PDUs wait to be handled */
	size_t len;
	int64_t read_ns;	/* of the last octet */
	uint8_t octets[2 * FANOUT_FRAME];
};

struct bsc {
	unsigned int nr;
	struct wire daemon, bare;
	bool held;		/* a message is on air */
	uint16_t identifier, serial;
};

struct element {
	struct fanout_shared *shared;
	int done;
	int epoll;
	struct wire *pending[2 * FANOUT_PEERS];
	size_t n_pending;
	struct bsc bsc[FANOUT_PEERS];
};

/* Answers */

static void hold(struct bsc *bsc, const struct cbsp_pdu *pdu)
{
	if (bsc->held)
		fanout_die("peer %u: written although a message is on air", bsc->nr);
	bsc->held = true;
	bsc->identifier = pdu->message_identifier;
	bsc->serial = pdu->new_serial;
}

static void check_held(const struct bsc *bsc, const struct cbsp_pdu *pdu)
{
	if (!bsc->held || pdu->message_identifier != bsc->identifier || pdu->old_serial != bsc->serial)
		fanout_die("peer %u: %s of a message that is not on air", bsc->nr,
			   cbsp_msg_type_name(pdu->type));
}

/* As OsmoBSC does: a KILL of a text is answered with counts. */
static void add_counts(struct cbsp_pdu *answer, const struct cbsp_pdu *pdu)
{
	size_t i;

	answer->has_counts = true;
	answer->count_disc = pdu->cells.disc;
	answer->n_counts = pdu->cells.n;
	answer->counts = talloc_zero_array(pdu, struct cbsp_count, pdu->cells.n);
	for (i = 0; i < pdu->cells.n; i++)
		answer->counts[i] = (struct cbsp_count){ .cell = pdu->cells.cells[i], .count = 1 };
}

static struct cbsp_pdu answer_to(struct bsc *bsc, const struct cbsp_pdu *pdu)
{
	struct cbsp_pdu answer = {
		.type = pdu->type + 1,	/* its COMPLETE */
		.has_message_identifier = pdu->has_message_identifier,
		.message_identifier = pdu->message_identifier,
		.has_channel = pdu->has_channel, .channel = pdu->channel,
	};

	switch (pdu->type) {
	case CBSP_WRITE_REPLACE:
		hold(bsc, pdu);
		answer.has_new_serial = true;
		answer.new_serial = pdu->new_serial;
		answer.cells = pdu->cells;
		break;
	case CBSP_KILL:
	case CBSP_STATUS_QUERY:
		check_held(bsc, pdu);
		bsc->held = pdu->type != CBSP_KILL;
		answer.has_old_serial = true;
		answer.old_serial = pdu->old_serial;
		add_counts(&answer, pdu);
		break;
	case CBSP_KEEP_ALIVE:
		break;
	default:
		fanout_die("peer %u: unexpected %s", bsc->nr, cbsp_msg_type_name(pdu->type));
	}
	return answer;
}

static void send_answer(struct wire *wire, const struct cbsp_pdu *pdu)
{
	struct cbsp_pdu answer = answer_to(wire->bsc, pdu);
	uint8_t out[FANOUT_FRAME];
	int len = cbsp_encode(&answer, CBSP_PERIOD_16BIT, out, sizeof(out));

	if (len < 0 || send(wire->fd, out, len, MSG_NOSIGNAL) != len)
		fanout_die("peer %u: %s not answered", wire->bsc->nr, cbsp_msg_type_name(pdu->type));
}

/* Telling the driver */

static void tell(struct element *e, const struct wire *wire, enum fanout_event event)
{
	e->shared->peer[wire->bsc->nr].seen[event]++;
	if (wire->read_ns > e->shared->event[event].last_ns)
		e->shared->event[event].last_ns = wire->read_ns;
	if (__atomic_add_fetch(&e->shared->event[event].n, 1, __ATOMIC_RELEASE) == FANOUT_PEERS)
		(void)eventfd_write(e->done, 1);	/* the driver is patient, not endlessly */
}

static void record(struct element *e, const struct wire *wire, const uint8_t *frame, size_t len)
{
	unsigned int nr = wire->bsc->nr;

	if (wire->bare) {
		if (len != e->shared->peer[nr].len || memcmp(frame, e->shared->peer[nr].frame, len))
			fanout_die("peer %u: the bare octets are not those of the daemon", nr);
		tell(e, wire, FANOUT_BARE);
		return;
	}
	if (frame[0] == CBSP_WRITE_REPLACE) {
		memcpy(e->shared->peer[nr].frame, frame, len);
		e->shared->peer[nr].len = len;
		tell(e, wire, FANOUT_WRITE);
	} else if (frame[0] == CBSP_KILL) {
		tell(e, wire, FANOUT_KILL);
	}
}

static void handle_frame(struct element *e, struct wire *wire, const uint8_t *frame, size_t len)
{
	const char *error = "";
	struct cbsp_pdu *pdu = cbsp_decode(NULL, frame, len, CBSP_PERIOD_16BIT, &error);

	if (!pdu)
		fanout_die("peer %u: not decoded: %s", wire->bsc->nr, error);
	if (!wire->bare)
		send_answer(wire, pdu);
	record(e, wire, frame, len);
	talloc_free(pdu);
}

static void handle(struct element *e, struct wire *wire)
{
	size_t pos = 0;
	int len;

	wire->pending = false;
	while ((len = cbsp_frame_len(wire->octets + pos, wire->len - pos)) > 0 &&
	       (size_t)len <= wire->len - pos) {
		handle_frame(e, wire, wire->octets + pos, len);
		pos += len;
	}
	if (len < 0)
		fanout_die("peer %u: framing lost", wire->bsc->nr);
	wire->len -= pos;
	memmove(wire->octets, wire->octets + pos, wire->len);
}

static void take_in(struct element *e, struct wire *wire)
{
	ssize_t n = recv(wire->fd, wire->octets + wire->len, sizeof(wire->octets) - wire->len, 0);
	int len;

	if (n <= 0)	/* the end of the daemon is part of the bench */
		_exit(0);
	wire->read_ns = fanout_now_ns();
	wire->len += n;
	len = cbsp_frame_len(wire->octets, wire->len);
	if (!wire->pending && len && (len < 0 || (size_t)len <= wire->len)) {
		wire->pending = true;
		e->pending[e->n_pending++] = wire;
	}
}

static void serve(struct element *e)
{
	struct epoll_event events[FANOUT_PEERS];
	int n, i;

	for (;;) {
		n = epoll_wait(e->epoll, events, FANOUT_PEERS, e->n_pending ? 0 : -1);
		for (i = 0; i < n; i++)
			take_in(e, events[i].data.ptr);
		if (n <= 0 && e->n_pending)
			handle(e, e->pending[--e->n_pending]);
	}
}

/* Connections */

struct in_addr fanout_address(unsigned int peer)
{
	return (struct in_addr){ htonl(0x7f010000 + ((peer / 250 + 1) << 8) + peer % 250 + 1) };
}

static void wire_connect(struct element *e, struct wire *wire, struct bsc *bsc, uint16_t port)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr = fanout_address(bsc->nr) };
	struct sockaddr_in remote = { .sin_family = AF_INET, .sin_port = htons(port),
				      .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = wire };
	int one = 1;

	wire->bsc = bsc;
	wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (wire->fd < 0 || bind(wire->fd, (struct sockaddr *)&local, sizeof(local)) < 0 ||
	    connect(wire->fd, (struct sockaddr *)&remote, sizeof(remote)) < 0 ||
	    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    epoll_ctl(e->epoll, EPOLL_CTL_ADD, wire->fd, &event) < 0)
		fanout_die("peer %u cannot connect to port %u: %s", bsc->nr, port, strerror(errno));
}

static void peers_main(struct element *e, uint16_t cbsp_port, uint16_t bare_port)
{
	unsigned int i;

	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < FANOUT_PEERS; i++) {
		e->bsc[i].nr = i;
		e->bsc[i].bare.bare = true;
		wire_connect(e, &e->bsc[i].bare, &e->bsc[i], bare_port);
		wire_connect(e, &e->bsc[i].daemon, &e->bsc[i], cbsp_port);
	}
	serve(e);
}

/* The driver's side */

static int bare_listen(uint16_t *port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, FANOUT_PEERS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&any, &len) < 0)
		fanout_die("cannot listen: %s", strerror(errno));
	*port = ntohs(any.sin_port);
	return fd;
}

static void bare_accept(struct fanout_peers *peers, int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	unsigned int i;
	int one = 1, conn = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);

	for (i = 0; i < FANOUT_PEERS; i++) {
		if (conn >= 0 && fanout_address(i).s_addr == from.sin_addr.s_addr) {
			(void)setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			peers->bare[i] = conn;
			return;
		}
	}
	fanout_die("a bare connection is missing");
}

void fanout_peers_start(struct fanout_peers *peers, int cpu, uint16_t cbsp_port)
{
	uint16_t bare_port;
	int fd = bare_listen(&bare_port);
	struct element *e;
	unsigned int i;
	pid_t pid;

	peers->shared = mmap(NULL, sizeof(*peers->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	peers->done = eventfd(0, EFD_CLOEXEC);
	if (peers->shared == MAP_FAILED || peers->done < 0)
		fanout_die("no memory to share: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fanout_die("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Nothing of the driver's: the daemon must see its connection end. */
		close_range(3, peers->done - 1, 0);
		close_range(peers->done + 1, ~0U, 0);
		fanout_pin(cpu);
		e = talloc_zero(NULL, struct element);
		e->shared = peers->shared;
		e->done = peers->done;
		peers_main(e, cbsp_port, bare_port);
	}
	for (i = 0; i < FANOUT_PEERS; i++)
		bare_accept(peers, fd);
	close(fd);
}

void fanout_expect(struct fanout_peers *peers, enum fanout_event event)
{
	unsigned int i;

	for (i = 0; i < FANOUT_PEERS; i++)
		peers->shared->peer[i].seen[event] = 0;
	peers->shared->event[event].last_ns = 0;
	__atomic_store_n(&peers->shared->event[event].n, 0, __ATOMIC_RELEASE);
}

int64_t fanout_wait(struct fanout_peers *peers, enum fanout_event event)
{
	struct pollfd pfd = { .fd = peers->done, .events = POLLIN };
	eventfd_t count;

	while (__atomic_load_n(&peers->shared->event[event].n, __ATOMIC_ACQUIRE) < FANOUT_PEERS) {
		if (poll(&pfd, 1, PATIENCE_MS) == 0)
			return 0;
		(void)eventfd_read(peers->done, &count);
	}
	return peers->shared->event[event].last_ns;
}
