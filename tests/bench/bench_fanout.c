/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* P11: from the first octet of an alert's POST to the last octet of its WRITE-REPLACE at the last of
 * 200 BSCs, against a bare send() of the very same octets to as many sockets (the middle of five).
 *
 * The subject is the tocsind of this build with its normal configuration, HTTP, token and durable
 * commit included. Every round posts an alert of its own, checks what each BSC was told against
 * the answer and the cell table, and cancels it again. At the end the daemon is killed, and its
 * store must know every alert that was answered.
 *
 * usage: bench_fanout [--pairs N] [--slow MS] [--counts] [seed]
 *   --slow MS  wait that long inside the measured time: "bench_fanout --slow 50" must fail. Beside
 *              other work, "chrt -f 10 bench_fanout" (as root) keeps the scheduler out of it
 *   --counts   measure nothing; count commits and sends with strace (P13) */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <talloc.h>

#include <tocsin/codec/cbsp.h>
#include <tocsin/core/store.h>

#include "fanout.h"
#include "pairs.h"
#include "../unit/json_path.h"

#define THRESHOLD 2.0
#define WARM_UP 3
#define BARE_RUNS 5
#define VERTICES 100
/* Of pairs: three messages take codes out of one list of 1,024 a day. */
#define MAX_PAIRS 300
#define MAX_ALERTS 4096
/* Longer than any pause after which the daemon does what it had put off. */
#define QUIET_US 150000
#define BREATH_US 20000

struct shape {
	const char *name;
	unsigned int chars;	/* of the text, GSM 7-bit */
	unsigned int pages;
};

static const struct shape shapes[] = {
	{ "HTTP, commit, 200 peers, 1 page", 80, 1 },
	{ "HTTP, commit, 200 peers, 15 pages", 1390, 15 },
};

struct options {
	unsigned int pairs;
	unsigned int slow_ms;
	bool counts;
	uint64_t seed;
};

/* An alert that was answered 202. */
struct posted {
	char *id;
	char *document;
};

struct bench {
	const struct options *opt;
	struct fanout_daemon *daemon;
	struct fanout_peers peers;
	unsigned int nr;		/* of the alert, for its identifier */
	struct posted posted[MAX_ALERTS];
	size_t n_posted;
	uint8_t bare[FANOUT_PEERS][FANOUT_FRAME];	/* octets of the last alert */
	size_t bare_len[FANOUT_PEERS];
};

/* Documents */

static void cap_time(time_t t, char *out, size_t size)
{
	struct tm tm;

	strftime(out, size, "%Y-%m-%dT%H:%M:%S-00:00", gmtime_r(&t, &tm));
}

/* A ring with a seeded, star-shaped edge (it never crosses itself), in another place every time;
 * it always holds the box of the cells and nothing of the others. */
static char *polygon(void *ctx)
{
	double lat = 47 + 0.1 * (drand48() - 0.5), lon = 8 + 0.1 * (drand48() - 0.5), y, x, a, r;
	char *text = talloc_strdup(ctx, ""), first[40] = "";
	unsigned int i;

	for (i = 0; i < VERTICES; i++) {
		a = 2 * M_PI * i / VERTICES;
		r = 0.8 + 0.3 * drand48();
		y = lat + r * sin(a);
		x = lon + r * cos(a);
		if (!i)
			snprintf(first, sizeof(first), "%.5f,%.5f", y, x);
		text = talloc_asprintf_append_buffer(text, "%.5f,%.5f ", y, x);
	}
	return talloc_strdup_append_buffer(text, first);
}

static char *words(void *ctx, unsigned int chars)
{
	char *text = talloc_zero_size(ctx, chars + 1);
	unsigned int i;

	for (i = 0; i < chars; i++)
		text[i] = i % 7 == 6 && i + 1 < chars ? ' ' : 'a' + (int)(26 * drand48());
	return text;
}

static char *document(struct bench *b, const char *identifier, const char *sent, const char *type,
		      const char *rest)
{
	return talloc_asprintf(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>%s</identifier>"
			       "<sender>bench@example.org</sender><sent>%s</sent><status>Actual</status>"
			       "<msgType>%s</msgType><scope>Public</scope>%s</alert>\n",
			       identifier, sent, type, rest);
}

static char *alert_document(struct bench *b, const struct shape *shape, const char *identifier,
			    const char *sent)
{
	char expires[32], *info, *doc;

	cap_time(time(NULL) + 3600, expires, sizeof(expires));
	info = talloc_asprintf(b, "<info><language>en</language><category>Met</category><event>Flood</event>"
			       "<urgency>Immediate</urgency><severity>Severe</severity>"
			       "<certainty>Observed</certainty><expires>%s</expires><description>%s</description>"
			       "<area><areaDesc>Valley</areaDesc><polygon>%s</polygon></area></info>", expires,
			       words(b, shape->chars), polygon(b));
	doc = document(b, identifier, sent, "Alert", info);
	talloc_free(info);
	return doc;
}

static char *cancel_document(struct bench *b, const char *identifier, const char *sent)
{
	char *rest = talloc_asprintf(b, "<references>bench@example.org,%s,%s</references>", identifier, sent);
	char *name = talloc_asprintf(b, "%s-cancel", identifier), now[32], *doc;

	cap_time(time(NULL), now, sizeof(now));
	doc = document(b, name, now, "Cancel", rest);
	talloc_free(rest);
	talloc_free(name);
	return doc;
}

/* Answers */

/* A member that must be there; talloc. */
static char *member(struct bench *b, const struct fanout_answer *answer, const char *path)
{
	char *text = json_path(answer->body, answer->len, path), *copy;

	if (!text)
		fanout_die("no \"%s\" in the answer %d: %.300s", path, answer->status, answer->body);
	copy = talloc_strdup(b, text);
	free(text);
	return copy;
}

static long number(struct bench *b, const struct fanout_answer *answer, const char *path)
{
	char *text = member(b, answer, path);
	long n = strtol(text, NULL, 10);

	talloc_free(text);
	return n;
}

static void accepted(struct bench *b, const struct fanout_answer *answer, char *doc)
{
	if (answer->status != 202)
		fanout_die("answered with %d: %.500s", answer->status, answer->body);
	if (b->n_posted == MAX_ALERTS)
		fanout_die("too many alerts");
	b->posted[b->n_posted++] = (struct posted){ .id = member(b, answer, "id"), .document = doc };
}

/* Correctness: what the BSCs were told */

static size_t check_cells(const struct cbsp_pdu *pdu, unsigned int peer)
{
	bool seen[FANOUT_CELLS + 1] = { false };
	size_t i;

	for (i = 0; i < pdu->cells.n; i++) {
		const struct cbsp_cell *c = &pdu->cells.cells[i];

		if (c->mcc != 1 || c->mnc != 1 || c->mnc_digits != 2 || c->lac != peer + 1 || c->ci < 1 ||
		    c->ci > FANOUT_CELLS || seen[c->ci])
			fanout_die("peer %u was told of a wrong cell: %u-%u", peer, c->lac, c->ci);
		seen[c->ci] = true;
	}
	return pdu->cells.n;
}

static size_t check_peer(struct bench *b, unsigned int peer, const struct shape *shape,
			 const struct fanout_answer *answer)
{
	const struct fanout_shared *shared = b->peers.shared;
	const char *error = "";
	struct cbsp_pdu *pdu = cbsp_decode(b, shared->peer[peer].frame, shared->peer[peer].len,
					   CBSP_PERIOD_16BIT, &error);
	size_t n;

	if (!pdu || pdu->type != CBSP_WRITE_REPLACE || shared->peer[peer].seen[FANOUT_WRITE] != 1)
		fanout_die("peer %u got %u writes; %s", peer, shared->peer[peer].seen[FANOUT_WRITE], error);
	if (pdu->message_identifier != number(b, answer, "messages/0/message_identifier") ||
	    pdu->new_serial != number(b, answer, "messages/0/serial_number") || pdu->n_pages != shape->pages)
		fanout_die("peer %u got another message than was answered", peer);
	if (!pdu->cells.present || pdu->cells.disc != CBSP_DISC_CGI)
		fanout_die("peer %u got no list of cells", peer);
	n = check_cells(pdu, peer);
	talloc_free(pdu);
	return n;
}

/* All cells of the area and no other, as the answer said. */
static void check_round(struct bench *b, const struct shape *shape, const struct fanout_answer *answer)
{
	size_t cells = 0;
	unsigned int i;

	for (i = 0; i < FANOUT_PEERS; i++)
		cells += check_peer(b, i, shape, answer);
	if (cells != FANOUT_PEERS * FANOUT_CELLS || number(b, answer, "cells") != (long)cells ||
	    json_path_length(answer->body, answer->len, "peers") != FANOUT_PEERS)
		fanout_die("%zu cells were told, %ld answered, %u lie in the area", cells,
			   number(b, answer, "cells"), FANOUT_PEERS * FANOUT_CELLS);
}

/* Rounds */

static char *post_document(struct bench *b, char *doc)
{
	return fanout_request(b->daemon, "POST", "/v1/alerts", doc);
}

/* \returns what was answered; the body is to be freed. */
static struct fanout_answer post(struct bench *b, char *doc)
{
	char *request = post_document(b, doc);
	struct fanout_answer answer;

	fanout_send(b->daemon, request);
	talloc_free(request);
	answer = fanout_receive(b->daemon);
	accepted(b, &answer, doc);
	return answer;
}

static void capture(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < FANOUT_PEERS; i++) {
		b->bare_len[i] = b->peers.shared->peer[i].len;
		memcpy(b->bare[i], b->peers.shared->peer[i].frame, b->bare_len[i]);
	}
}

/* The next round shall find a daemon that has nothing left to do. */
static void wait_ended(struct bench *b, const char *id)
{
	char *path = talloc_asprintf(b, "/v1/alerts/%s", id), *ended;
	bool waits = true;
	int tries;

	for (tries = 0; waits; tries++) {
		struct fanout_answer answer = fanout_get(b->daemon, path);

		ended = member(b, &answer, "ended");
		waits = !strcmp(ended, "null");
		talloc_free(ended);
		talloc_free(answer.body);
		if (waits && tries == 500)
			fanout_die("alert %s does not end", id);
		usleep(BREATH_US);
	}
	talloc_free(path);
	usleep(QUIET_US);
}

static void cancel(struct bench *b, const char *identifier, const char *sent)
{
	const char *id = b->posted[b->n_posted - 1].id;
	struct fanout_answer answer;

	fanout_expect(&b->peers, FANOUT_KILL);
	answer = post(b, cancel_document(b, identifier, sent));
	talloc_free(answer.body);
	if (!fanout_wait(&b->peers, FANOUT_KILL))
		fanout_die("not every peer was told to stop");
	wait_ended(b, id);
}

static double subject(struct bench *b, const struct shape *shape)
{
	char *identifier = talloc_asprintf(b, "bench-%llu-%u", (unsigned long long)b->opt->seed, b->nr++);
	struct fanout_answer answer;
	char sent[32], *doc, *request;
	int64_t start, end;

	cap_time(time(NULL), sent, sizeof(sent));
	doc = alert_document(b, shape, identifier, sent);
	request = post_document(b, doc);
	fanout_expect(&b->peers, FANOUT_WRITE);
	usleep(BREATH_US);

	start = fanout_now_ns();
	if (b->opt->slow_ms)
		usleep(b->opt->slow_ms * 1000);
	fanout_send(b->daemon, request);
	end = fanout_wait(&b->peers, FANOUT_WRITE);

	answer = fanout_receive(b->daemon);
	accepted(b, &answer, doc);
	if (!end)
		fanout_die("not every peer got the alert");
	check_round(b, shape, &answer);
	capture(b);
	cancel(b, identifier, sent);
	talloc_free(answer.body);
	talloc_free(request);
	talloc_free(identifier);
	return (end - start) * 1e-9;
}

static double bare_run(struct bench *b)
{
	int64_t start, end;
	unsigned int i;

	fanout_expect(&b->peers, FANOUT_BARE);
	usleep(BREATH_US);

	start = fanout_now_ns();
	for (i = 0; i < FANOUT_PEERS; i++) {
		if (send(b->peers.bare[i], b->bare[i], b->bare_len[i], MSG_NOSIGNAL) != (ssize_t)b->bare_len[i])
			fanout_die("bare send: %s", strerror(errno));
	}
	end = fanout_wait(&b->peers, FANOUT_BARE);
	if (!end)
		fanout_die("not every peer got the bare octets");
	return (end - start) * 1e-9;
}

/* The middle one of some: a single one of about a millisecond is at the mercy of the scheduler. */
static double baseline(struct bench *b)
{
	double run[BARE_RUNS], t;
	unsigned int i, j;

	for (i = 0; i < BARE_RUNS; i++) {
		t = bare_run(b);
		for (j = i; j && run[j - 1] > t; j--)
			run[j] = run[j - 1];
		run[j] = t;
	}
	return run[BARE_RUNS / 2];
}

static bool measure(struct bench *b, const struct shape *shape)
{
	double subject_s, baseline_s = 0;
	struct pairs pairs;
	unsigned int i;

	for (i = 0; i < WARM_UP; i++) {
		subject(b, shape);
		baseline(b);
	}
	pairs_init(&pairs);
	for (i = 0; i < b->opt->pairs; i++) {
		if (i % 2)
			baseline_s = baseline(b);
		subject_s = subject(b, shape);
		if (i % 2 == 0)
			baseline_s = baseline(b);
		pairs_add(&pairs, subject_s, baseline_s);
	}
	return pairs_report(&pairs, "P11", shape->name, THRESHOLD, false, b->opt->seed);
}

/* Durability */

static void check_posted(struct store_reader *reader, void *ctx, const struct posted *posted)
{
	struct alert_row row = { 0 };
	int rc = store_read_alert(reader, ctx, posted->id, true, &row);

	if (rc < 0)
		fanout_die("alert %s was answered and is lost: %s", posted->id, strerror(-rc));
	if (row.n_bytes != strlen(posted->document) || memcmp(row.bytes, posted->document, row.n_bytes))
		fanout_die("alert %s is not kept as it was sent", posted->id);
}

static void check_store(struct bench *b)
{
	void *ctx = talloc_new(NULL);
	struct problem problem = { 0 };
	struct store *store = store_open(ctx, b->daemon->store, &problem);
	struct store_reader *reader = store ? store_reader_open(ctx, b->daemon->store, &problem) : NULL;
	size_t i;

	if (!reader)
		fanout_die("the store does not open after kill -9: %s", problem.detail);
	for (i = 0; i < b->n_posted; i++)
		check_posted(reader, ctx, &b->posted[i]);
	talloc_free(reader);
	store_close(store);
	talloc_free(ctx);
	fprintf(stderr, "     after kill -9 the store knows all %zu alerts that were answered\n", b->n_posted);
}

/* The last one is killed on its way to the peers. */
static void kill_and_check(struct bench *b)
{
	char *identifier = talloc_asprintf(b, "bench-%llu-last", (unsigned long long)b->opt->seed);
	struct fanout_answer answer;
	char sent[32];

	cap_time(time(NULL), sent, sizeof(sent));
	answer = post(b, alert_document(b, &shapes[0], identifier, sent));
	fanout_daemon_kill(b->daemon);
	talloc_free(answer.body);
	check_store(b);
}

/* The program */

static void wait_links(struct bench *b)
{
	struct fanout_answer answer;
	long up = 0;
	int tries;

	for (tries = 0; up != FANOUT_PEERS; tries++) {
		if (tries == 100)
			fanout_die("%ld of %u links are up", up, FANOUT_PEERS);
		usleep(100000);
		answer = fanout_get(b->daemon, "/v1/health");
		up = number(b, &answer, "peers/up");
		talloc_free(answer.body);
	}
}

static bool run_all(struct bench *b)
{
	bool ok = true;
	size_t s;
	unsigned int i;

	for (s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		for (i = 0; b->opt->counts && i < b->opt->pairs; i++)
			subject(b, &shapes[s]);
		if (!b->opt->counts)
			ok &= measure(b, &shapes[s]);
	}
	kill_and_check(b);
	if (b->opt->counts)
		ok &= fanout_counts_report(b->daemon->trace, b->opt->seed);
	return ok;
}

static int worker(const struct options *opt, const char *dir)
{
	struct bench *b = talloc_zero(NULL, struct bench);
	int cores = sysconf(_SC_NPROCESSORS_ONLN);

	b->opt = opt;
	srand48(opt->seed);
	fanout_pin(0);
	b->daemon = fanout_daemon_alloc(b, dir);
	fanout_daemon_start(b->daemon, 0, opt->counts);
	fanout_peers_start(&b->peers, cores > 1 ? 1 : 0, b->daemon->cbsp_port);
	wait_links(b);
	fprintf(stderr, "     tocsind (process %d) and the driver on core 0, %u peers on core %d, store in %s\n",
		b->daemon->pid, FANOUT_PEERS, cores > 1 ? 1 : 0, dir);
	return run_all(b) ? 0 : 1;
}

static void read_options(int argc, char **argv, struct options *opt)
{
	static const struct option names[] = {
		{ "pairs", required_argument, NULL, 'p' },
		{ "slow", required_argument, NULL, 's' },
		{ "counts", no_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'p')
			opt->pairs = strtoul(optarg, NULL, 10);
		else if (c == 's')
			opt->slow_ms = strtoul(optarg, NULL, 10);
		else if (c == 'c')
			opt->counts = true;
		else
			exit(FANOUT_EXIT_FAULT);
	}
	if (optind < argc)
		opt->seed = strtoull(argv[optind], NULL, 10);
	if (!opt->pairs || opt->pairs > MAX_PAIRS)
		fanout_die("the number of pairs is 1 to %u", MAX_PAIRS);
}

/* Wait for the worker and for what it leaves, which comes to us and dies with it. */
static int keep(pid_t worker_pid, const sigset_t *set)
{
	int status, result = FANOUT_EXIT_FAULT, sig;
	pid_t pid;

	for (;;) {
		if (sigwait(set, &sig) == 0 && sig != SIGCHLD)
			kill(worker_pid, SIGKILL);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == worker_pid && WIFEXITED(status))
				result = WEXITSTATUS(status);
		}
		if (pid < 0)
			return result;
	}
}

int main(int argc, char **argv)
{
	struct options opt = { .pairs = 31, .seed = (uint64_t)(pairs_now() * 1e6) };
	sigset_t set, before;
	char *dir;
	pid_t pid;
	int status;

	read_options(argc, argv, &opt);
	dir = fanout_scratch(NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(worker(&opt, dir));
	}
	status = pid < 0 ? FANOUT_EXIT_FAULT : keep(pid, &set);
	if (status == FANOUT_EXIT_FAULT)
		fanout_show_log(dir);
	fanout_scratch_remove(dir);
	talloc_free(dir);
	return status;
}
