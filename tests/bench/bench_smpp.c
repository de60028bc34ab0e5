/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* P22, P23: short messages over the real link to a message centre of a few lines, on loopback.
 *
 * The centre runs in a process of its own, answers every submit_sm of a read with one write, and, if
 * told to, 20 ms after it came. Subject: link_smpp, with this file in the place of core: a request per recipient,
 * handed over as core does, from the loop, as soon as there is a place. Nothing is stored: what marks on
 * the disk cost is measured elsewhere. Baseline of the CPU times and of the share of window/RTT: a bare
 * loop that puts each PDU together anew, with the same octets, writes as far as the window allows, reads, and
 * counts answers; it has no clock, no table, no checks. Before times are taken its octets are compared with
 * those of the link. usage: bench_smpp [seed] (nothing is drawn) */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <osmocom/core/fsm.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/log.h>
#include <tocsin/codec/smpp.h>
#include <tocsin/core/recipient.h>
#include <tocsin/link/link_smpp.h>

#include "pairs.h"

#define PAIRS 11
#define SLOTS 1024		/* more than the largest window */
#define BUFFER (1 << 17)
#define DELAY_S 0.020
#define SUBMIT_RESP 0x80000004u
#define OCTETS 140		/* of text */

/* The centre */

struct batch {
	double due;
	size_t len;
	uint8_t octets[BUFFER];
};

static void put_number(uint8_t *p, uint32_t number)
{
	number = htonl(number);
	memcpy(p, &number, 4);
}

static uint32_t number_at(const uint8_t *p)
{
	uint32_t number;

	memcpy(&number, p, 4);
	return ntohl(number);
}

/* An answer to each whole PDU. \returns octets used. */
static size_t answer_all(const uint8_t *in, size_t n, struct batch *out)
{
	size_t at = 0, len;

	out->len = 0;
	while (n - at >= 16 && n - at >= (len = number_at(in + at)) && out->len < BUFFER - 32) {
		uint8_t *p = out->octets + out->len;

		put_number(p, 17);
		put_number(p + 4, number_at(in + at + 4) | 0x80000000u);
		put_number(p + 8, 0);
		memcpy(p + 12, in + at + 12, 4);
		p[16] = 0;
		out->len += 17;
		at += len;
	}
	return at;
}

static void write_all(int fd, const uint8_t *octets, size_t len)
{
	while (len) {
		ssize_t n = write(fd, octets, len);

		if (n <= 0)
			_exit(1);
		octets += n;
		len -= n;
	}
}

/* Answers wait here until their time. */
struct pipeline {
	struct batch *first[64];
	unsigned int n;
};

static double wait_s(const struct pipeline *line)
{
	double left = line->n ? line->first[0]->due - pairs_now() : 1;

	return left > 0 ? left : 0;
}

static void give_due(int fd, struct pipeline *line)
{
	while (line->n && line->first[0]->due <= pairs_now()) {
		write_all(fd, line->first[0]->octets, line->first[0]->len);
		free(line->first[0]);
		memmove(line->first, line->first + 1, --line->n * sizeof(line->first[0]));
	}
}

static bool is_readable(int fd, double s)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec t = { .tv_sec = s, .tv_nsec = (s - (long)s) * 1e9 };

	return ppoll(&p, 1, &t, NULL) > 0;
}

static void serve(int fd, double delay_s)
{
	static uint8_t in[BUFFER];
	struct pipeline line = { .n = 0 };
	size_t n = 0, used;
	ssize_t got;

	for (;;) {
		give_due(fd, &line);
		if (line.n == ARRAY_SIZE(line.first) || !is_readable(fd, wait_s(&line)))
			continue;
		got = read(fd, in + n, sizeof(in) - n);
		if (got <= 0)
			return;
		n += got;
		line.first[line.n] = malloc(sizeof(struct batch));
		if (!line.first[line.n])
			_exit(1);
		used = answer_all(in, n, line.first[line.n]);
		line.first[line.n++]->due = pairs_now() + delay_s;
		memmove(in, in + used, n - used);
		n -= used;
	}
}

static void centre(int listening, double delay_s)
{
	int fd, on = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((fd = accept(listening, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		serve(fd, delay_s);
		close(fd);
	}
	_exit(0);
}

static pid_t start_centre(double delay_s, uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 4) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0 || (pid = fork()) < 0)
		exit(1);
	if (!pid)
		centre(fd, delay_s);
	close(fd);
	*port = ntohs(a.sin_port);
	return pid;
}

/* In the place of core */

struct peer {
	struct smpp_config *config;
	void *link;
	enum peer_state state;
	struct peer_request slot[SLOTS];	/* by id */
	bool out[SLOTS];
	unsigned int n_out;
	uint32_t next_id;
	unsigned long answers;
};

const char *peer_name(const struct peer *peer)
{
	(void)peer;
	return "centre";
}

void *peer_config(const struct peer *peer)
{
	return peer->config;
}

void *peer_link(const struct peer *peer)
{
	return peer->link;
}

void peer_link_set(struct peer *peer, void *link)
{
	peer->link = link;
}

void peer_set_state(struct peer *peer, enum peer_state state, const char *why)
{
	(void)why;
	peer->state = state;
}

void peer_ready(struct peer *peer)
{
	(void)peer;
}

const struct peer_request *peer_request_by_id(struct peer *peer, uint32_t id)
{
	return peer->out[id % SLOTS] && peer->slot[id % SLOTS].id == id ? &peer->slot[id % SLOTS] : NULL;
}

void peer_request_goes_on(struct peer *peer, const struct peer_request *request)
{
	(void)peer;
	(void)request;
}

void peer_request_done(struct peer *peer, const struct peer_request *request, const struct peer_result *results)
{
	if (results[0].answer != PEER_ANSWER_DELIVERED)
		exit(1);
	peer->out[request->id % SLOTS] = false;
	peer->n_out--;
	peer->answers++;
}

bool peer_handle_find(struct peer *peer, const char *handle, struct target *target, struct recipient_detail *detail)
{
	(void)peer;
	(void)handle;
	(void)target;
	(void)detail;
	return false;
}

void peer_handle_done(struct peer *peer, const char *handle, const struct peer_result *result)
{
	(void)peer;
	(void)handle;
	(void)result;
}

void peer_receipt_hint(struct peer *peer, const struct target *target, uint8_t reference)
{
	(void)peer;
	(void)target;
	(void)reference;
}

void peer_target_available(struct peer *peer, const struct target *target)
{
	(void)peer;
	(void)target;
}

void peer_unmatched(struct peer *peer)
{
	(void)peer;
	exit(1);
}

void peer_count(struct peer *peer, enum peer_ctr ctr)
{
	(void)peer;
	(void)ctr;
}

/* Both clients */

struct bench {
	struct peer *peer;
	struct message message;
	struct short_message sms;
	struct target targets[SLOTS];
	struct recipient_detail details[SLOTS];
	uint8_t pdu[512];	/* a submit of the link */
};

/* Wall clock and own CPU. */
struct cost {
	double wall_s, cpu_s;
};

static double cpu_now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static struct cost cost_now(void)
{
	return (struct cost){ pairs_now(), cpu_now() };
}

static struct cost cost_since(struct cost before)
{
	struct cost now = cost_now();

	return (struct cost){ now.wall_s - before.wall_s, now.cpu_s - before.cpu_s };
}

static void hand_over(struct bench *b)
{
	struct peer *peer = b->peer;
	unsigned int i = ++peer->next_id % SLOTS;

	peer->slot[i] = (struct peer_request){
		.id = peer->next_id, .verb = PEER_WRITE, .message = &b->message, .targets = &b->targets[i],
		.details = &b->details[i], .n_targets = 1, .remaining_s = 3600,
	};
	peer->out[i] = true;
	peer->n_out++;
	if (link_smpp_ops.submit(peer, &peer->slot[i]) < 0)
		exit(1);
}

static struct cost by_link(struct bench *b, uint16_t port, unsigned int window, unsigned long n)
{
	struct peer *peer = b->peer;
	struct cost before;
	unsigned long sent = 0;

	peer->config->link.remote_port = port;
	peer->config->window = window;
	if (link_smpp_ops.open(peer) < 0)
		exit(1);
	while (peer->state != PEER_UP)
		osmo_select_main(0);
	peer->answers = 0;
	before = cost_now();
	while (peer->answers < n) {
		for (; sent < n && peer->n_out < window; sent++)
			hand_over(b);
		osmo_select_main(0);
	}
	before = cost_since(before);
	link_smpp_ops.close(peer);
	peer->state = PEER_DOWN;
	return before;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		exit(1);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* A submit_sm as a few lines would make it. */
static size_t put_submit(const struct bench *b, uint8_t *out, uint32_t sequence)
{
	const struct target *imsi = &b->targets[sequence % SLOTS];
	uint8_t *p = out + 16;

	memcpy(p, "\0\5\0Warning\0\1\6", 13);	/* service type, source, type of the destination */
	p += 13;
	p += sprintf((char *)p, "%015llu", (unsigned long long)imsi->value) + 1;
	*p++ = 2;			/* esm class: transaction */
	*p++ = MESSAGE_PID_REPLACE;
	*p++ = 1;			/* priority */
	*p++ = 0;			/* schedule */
	memcpy(p, "000000010000000R", 17);
	p += 17;
	memset(p, 0, 4);		/* no receipt, coding and the like */
	p += 4;
	*p++ = OCTETS;
	memset(p, 'A', OCTETS);
	p += OCTETS;
	put_number(out, p - out);
	put_number(out + 4, 4);
	put_number(out + 8, 0);
	put_number(out + 12, sequence);
	return p - out;
}

static size_t fill(const struct bench *b, uint8_t *out, unsigned long *sent, unsigned long end)
{
	size_t len = 0;

	for (; *sent < end && len < BUFFER - sizeof(b->pdu); (*sent)++)
		len += put_submit(b, out + len, *sent + 1);
	return len;
}

static size_t count_answers(const uint8_t *in, size_t n, unsigned long *answers)
{
	size_t at = 0, len;

	while (n - at >= 16 && n - at >= (len = number_at(in + at))) {
		*answers += number_at(in + at + 4) == SUBMIT_RESP;
		at += len;
	}
	return at;
}

static struct cost by_bare_loop(const struct bench *b, uint16_t port, unsigned int window, unsigned long n)
{
	static uint8_t in[BUFFER], out[BUFFER];
	unsigned long sent = 0, answers = 0;
	int fd = connect_to(port);
	struct cost before = cost_now();
	size_t have = 0, used;
	ssize_t got;

	while (answers < n) {
		write_all(fd, out, fill(b, out, &sent, OSMO_MIN(n, answers + window)));
		got = read(fd, in + have, sizeof(in) - have);
		if (got <= 0)
			exit(1);
		have += got;
		used = count_answers(in, have, &answers);
		memmove(in, in + used, have - used);
		have -= used;
	}
	before = cost_since(before);
	close(fd);
	return before;
}

/* What the link sends first, against what the bare loop would. */
static void compare_octets(struct bench *b)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listening = socket(AF_INET, SOCK_STREAM, 0), fd;
	static struct batch out;
	socklen_t len = sizeof(a);
	uint8_t bind_pdu[128], mine[512];
	ssize_t n = 0;

	if (bind(listening, (struct sockaddr *)&a, len) < 0 || listen(listening, 1) < 0 ||
	    getsockname(listening, (struct sockaddr *)&a, &len) < 0)
		exit(1);
	b->peer->config->link.remote_port = ntohs(a.sin_port);
	b->peer->config->window = 1;
	if (link_smpp_ops.open(b->peer) < 0)
		exit(1);
	fd = accept(listening, NULL, NULL);
	while (n <= 0) {
		osmo_select_main(1);
		n = recv(fd, bind_pdu, sizeof(bind_pdu), MSG_DONTWAIT);
	}
	answer_all(bind_pdu, n, &out);
	write_all(fd, out.octets, out.len);
	while (b->peer->state != PEER_UP)
		osmo_select_main(0);
	hand_over(b);
	for (n = 0; n <= 0; n = recv(fd, b->pdu, sizeof(b->pdu), MSG_DONTWAIT))
		osmo_select_main(1);
	put_submit(b, mine, 1);
	memcpy(mine + 12, b->pdu + 12, 4);
	if (n < 16 + OCTETS || (size_t)n > sizeof(mine) || memcmp(b->pdu, mine, n)) {
		fprintf(stderr, "bench_smpp: the bare loop sends other octets\n%s\n", osmo_hexdump(b->pdu, n));
		fprintf(stderr, "%s\n", osmo_hexdump(mine, n));
		exit(1);
	}
	link_smpp_ops.close(b->peer);
	b->peer->state = PEER_DOWN;
	b->peer->n_out = 0;
	b->peer->out[b->peer->next_id % SLOTS] = false;
	close(fd);
	close(listening);
}

static bool windows(struct bench *b, uint16_t port, unsigned int window, double threshold)
{
	char what[64];
	struct pairs p;
	unsigned int i;

	snprintf(what, sizeof(what), "window 1, against window %u", window);
	pairs_init(&p);
	for (i = 0; i < PAIRS; i++)
		pairs_add(&p, by_link(b, port, 1, 1000).wall_s / 1000,
			  by_link(b, port, window, 1000 * window).wall_s / (1000 * window));
	return pairs_report(&p, "P22", what, threshold, true, 0);
}

static bool cpu(struct bench *b, uint16_t port)
{
	struct pairs p;
	unsigned int i;

	pairs_init(&p);
	for (i = 0; i < PAIRS; i++)
		pairs_add(&p, by_link(b, port, 100, 100000).cpu_s, by_bare_loop(b, port, 100, 100000).cpu_s);
	return pairs_report(&p, "P22", "CPU at window 100, against a bare loop", 5, false, 0);
}

/* The time that window/RTT would take, against what it took. */
static bool share(struct bench *b, uint16_t port)
{
	static const unsigned int window = 10;
	struct pairs p;
	unsigned int i;

	pairs_init(&p);
	for (i = 0; i < PAIRS; i++)
		pairs_add(&p, by_bare_loop(b, port, window, 20 * window).wall_s,
			  by_link(b, port, window, 20 * window).wall_s);
	return pairs_report(&p, "P23", "window/RTT at 20 ms, share reached", 0.95, true, 0);
}

static void make_message(struct bench *b)
{
	unsigned int i;

	b->sms = (struct short_message){
		.sender = { .kind = SENDER_ALPHANUMERIC, .text = "Warning" },
		.parts = { .alphabet = SMS_GSM7, .n = 1 }, .protocol_id = MESSAGE_PID_REPLACE,
	};
	b->sms.parts.part[0].len = OCTETS;
	memset(b->sms.parts.part[0].octets, 'A', OCTETS);
	b->message = (struct message){ .nr = 1, .kind = MESSAGE_SHORT, .language = "en", .sms = &b->sms };
	for (i = 0; i < SLOTS; i++) {
		b->targets[i] = (struct target){ .type = TARGET_IMSI, .value = 262010000000000 + i, .mnc_digits = 15 };
		b->details[i].msisdn = (struct msisdn){ 4917000000 + i, 10 };
	}
}

int main(void)
{
	struct bench *b = talloc_zero(NULL, struct bench);
	uint16_t fast_port, slow_port;
	pid_t fast, slow;
	bool ok;

	signal(SIGPIPE, SIG_IGN);
	fast = start_centre(0, &fast_port);
	slow = start_centre(DELAY_S, &slow_port);
	log_init(&tocsin_log_info, NULL);
	osmo_fsm_term_safely(true);
	b->peer = talloc_zero(b, struct peer);
	b->peer->config = smpp_config_alloc(b->peer);
	b->peer->config->link.remote_ip = (char *)"127.0.0.1";
	b->peer->config->system_id = (char *)"bench";
	make_message(b);
	compare_octets(b);
	ok = windows(b, fast_port, 10, 5);
	ok &= windows(b, fast_port, 100, 30);
	ok &= cpu(b, fast_port);
	ok &= share(b, slow_port);
	kill(fast, SIGKILL);
	kill(slow, SIGKILL);
	waitpid(fast, NULL, 0);
	waitpid(slow, NULL, 0);
	talloc_free(b);
	return ok ? 0 : 1;
}
