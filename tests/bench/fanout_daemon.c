/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fanout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <talloc.h>

#include <tocsin/base/digest.h>

#define START_MS 20000

void fanout_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "bench_fanout: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(FANOUT_EXIT_FAULT);
}

int64_t fanout_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

void fanout_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fanout_die("cannot be bound to core %d: %s", cpu, strerror(errno));
}

/* The scratch folder */

/* A commit costs nothing on a file system that is memory. */
static bool on_disk(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

char *fanout_scratch(void *ctx)
{
	const char *base = getenv("BENCH_DIR");
	char *dir = talloc_asprintf(ctx, "%s/bench_fanout.XXXXXX", base ? base : "/var/tmp");

	if (!mkdtemp(dir))
		fanout_die("%s: %s", dir, strerror(errno));
	if (on_disk(dir))
		return dir;
	rmdir(dir);
	fanout_die("%s lies in memory; name a folder on a disk in BENCH_DIR", dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fanout_scratch_remove(const char *dir)
{
	if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		fprintf(stderr, "bench_fanout: %s is not removed: %s\n", dir, strerror(errno));
}

void fanout_show_log(const char *dir)
{
	char *path = talloc_asprintf(NULL, "%s/tocsind.log", dir), text[2001];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f) {
		if (fseek(f, -2000, SEEK_END) < 0)
			rewind(f);
		n = fread(text, 1, sizeof(text) - 1, f);
		fprintf(stderr, "The daemon's last words:\n%.*s\n", (int)n, text);
		fclose(f);
	}
	talloc_free(path);
}

/* Files */

static FILE *create(struct fanout_daemon *d, const char *name)
{
	char *path = talloc_asprintf(d, "%s/%s", d->dir, name);
	FILE *f = fopen(path, "w");

	if (!f)
		fanout_die("%s: %s", path, strerror(errno));
	talloc_free(path);
	return f;
}

static void finish(FILE *f)
{
	if (ferror(f) | fclose(f))
		fanout_die("a file cannot be written");
}

/* A new network for each run, of its seed: the first cells of a peer in a box of 0.8 by 1 degrees
 * around the centre, the others some 350 km to the north. */
static void write_cells(struct fanout_daemon *d)
{
	FILE *f = create(d, "cells.csv");
	unsigned int p, c;

	fprintf(f, "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n");
	for (p = 0; p < FANOUT_PEERS; p++) {
		for (c = 0; c < FANOUT_CELLS + FANOUT_OUTSIDE; c++) {
			double lat = 46.6 + 0.8 * drand48() + (c < FANOUT_CELLS ? 0 : 3);

			fprintf(f, "cgi,001-01-%u-%u,bsc-%u,%.5f,%.5f,%u,%u,120\n", p + 1, c + 1, p, lat,
				7.5 + drand48(), 300 + (unsigned int)(5000 * drand48()), 120 * (c % 3));
		}
	}
	finish(f);
}

static void write_token(struct fanout_daemon *d)
{
	uint8_t random[16];
	FILE *f = create(d, "token");

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		fanout_die("no random octets");
	digest_hex(random, sizeof(random), d->token);
	fprintf(f, "%s\n", d->token);
	finish(f);
}

static void write_config(struct fanout_daemon *d)
{
	FILE *f = create(d, "tocsind.cfg");
	unsigned int i;

	fprintf(f, "log stderr\n logging filter all 1\n logging color 0\n logging timestamp 1\n"
		" logging level set-all notice\n");
	fprintf(f, "line vty\n no login\n bind 127.0.0.1 %u\n", d->vty_port);
	fprintf(f, "store\n directory %s\n", d->store);
	fprintf(f, "http\n listen 127.0.0.1 %u\n", d->http_port);
	fprintf(f, "originator bench\n token-file %s/token\n", d->dir);
	fprintf(f, "cells\n file %s/cells.csv\nprofile eu-alert\n language en\n", d->dir);
	for (i = 0; i < FANOUT_PEERS; i++)
		fprintf(f, "peer bsc-%u cbsp\n role listen\n remote-ip %s\n local-ip 127.0.0.1\n"
			" local-port %u\n no shutdown\n", i, inet_ntoa(fanout_address(i)), d->cbsp_port);
	finish(f);
}

/* Nobody else is likely to take it before the daemon does. */
static uint16_t free_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&any, &len) < 0)
		fanout_die("no free port: %s", strerror(errno));
	close(fd);
	return ntohs(any.sin_port);
}

struct fanout_daemon *fanout_daemon_alloc(void *ctx, const char *dir)
{
	struct fanout_daemon *d = talloc_zero(ctx, struct fanout_daemon);

	d->dir = dir;
	d->store = talloc_asprintf(d, "%s/store", dir);
	d->http_port = free_port();
	d->cbsp_port = free_port();
	d->vty_port = free_port();
	d->http = -1;
	write_cells(d);
	write_token(d);
	write_config(d);
	return d;
}

/* The process */

/* This program is tests/bench/bench_fanout of the same build. */
static char *binary(void *ctx)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int up;

	if (n < 0)
		fanout_die("/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	for (up = 0; up < 3; up++) {
		slash = strrchr(self, '/');
		if (!slash)
			fanout_die("tocsind is not found beside this program");
		*slash = '\0';
	}
	return talloc_asprintf(ctx, "%s/tocsind", self);
}

static void run(struct fanout_daemon *d, int cpu)
{
	char *path = binary(d), *config = talloc_asprintf(d, "%s/tocsind.cfg", d->dir);
	char *log = talloc_asprintf(d, "%s/tocsind.log", d->dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fanout_pin(cpu);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(127);
	/* With -D the traced process is our child, and strace a stranger that ends with it. */
	if (d->trace)
		execlp("strace", "strace", "-D", "-f", "-q", "-e", "trace=recvfrom,sendto,fdatasync,fsync",
		       "-s", "32", "-o", d->trace, path, "-c", config, NULL);
	else
		execl(path, path, "-c", config, NULL);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static int http_connect(const struct fanout_daemon *d)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(d->http_port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fanout_die("no socket: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

void fanout_daemon_start(struct fanout_daemon *d, int cpu, bool traced)
{
	int64_t end = fanout_now_ns() + START_MS * 1000000LL;
	int status;

	if (traced)
		d->trace = talloc_asprintf(d, "%s/trace", d->dir);
	d->pid = fork();
	if (d->pid < 0)
		fanout_die("fork: %s", strerror(errno));
	if (!d->pid)
		run(d, cpu);
	while ((d->http = http_connect(d)) < 0) {
		if (waitpid(d->pid, &status, WNOHANG) == d->pid)
			fanout_die("tocsind ended before it served HTTP");
		if (fanout_now_ns() > end)
			fanout_die("tocsind does not serve HTTP");
		usleep(20000);
	}
}

void fanout_daemon_kill(struct fanout_daemon *d)
{
	int status;

	kill(d->pid, SIGKILL);
	if (waitpid(d->pid, &status, 0) != d->pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fanout_die("tocsind had ended by itself");
	close(d->http);
}

/* HTTP */

char *fanout_request(struct fanout_daemon *d, const char *method, const char *path, const char *body)
{
	char *head = talloc_asprintf(d, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n",
				     method, path, d->http_port, d->token);

	if (!body)
		return talloc_strdup_append(head, "\r\n");
	return talloc_asprintf_append(head, "Content-Type: application/cap+xml\r\nContent-Length: %zu\r\n\r\n%s",
				      strlen(body), body);
}

void fanout_send(struct fanout_daemon *d, const char *request)
{
	size_t len = strlen(request);

	if (send(d->http, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		fanout_die("the daemon does not take a request: %s", strerror(errno));
}

struct fanout_answer fanout_receive(struct fanout_daemon *d)
{
	struct fanout_answer answer = { 0 };
	size_t size = 1 << 20, got = 0, want = 0, head = 0;
	char *text = talloc_zero_size(d, size), *p;
	ssize_t n;

	while (!want || got < want) {
		n = recv(d->http, text + got, size - 1 - got, 0);
		if (n <= 0)
			fanout_die("the daemon does not answer: %s", n ? strerror(errno) : "closed");
		got += n;
		p = want ? NULL : strstr(text, "\r\n\r\n");
		if (!p)
			continue;
		head = p + 4 - text;
		p = strcasestr(text, "\r\nContent-Length:");
		if (!p)
			fanout_die("an answer without a length");
		want = head + strtoul(p + 17, NULL, 10);
		if (want >= size)
			fanout_die("an answer of %zu octets", want);
	}
	answer.status = atoi(text + strlen("HTTP/1.1 "));
	answer.len = got - head;
	answer.body = talloc_strndup(d, text + head, answer.len);
	talloc_free(text);
	return answer;
}

struct fanout_answer fanout_get(struct fanout_daemon *d, const char *path)
{
	char *request = fanout_request(d, "GET", path, NULL);

	fanout_send(d, request);
	talloc_free(request);
	return fanout_receive(d);
}
