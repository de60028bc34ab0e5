/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The parts of bench_fanout: the daemon and its world, and the simulated BSCs.
 *
 * Three processes: tocsind (with this driver on one core), the BSCs (all in one process, on another
 * core where there is one), and a keeper that removes what the others leave. A part that cannot go
 * on ends its process through fanout_die(); the keeper ends the others. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FANOUT_PEERS 200
/*! Cells of one peer inside the area of every alert, and outside of it; the first have the cell
 *  identities 1 to FANOUT_CELLS. The LAC is the number of the peer, from 1. */
#define FANOUT_CELLS 50
#define FANOUT_OUTSIDE 5
/*! The largest PDU here: 15 pages, 50 cells. */
#define FANOUT_FRAME 4096

/*! Wrong results and broken machinery; a verdict "fail" ends with 1. */
#define FANOUT_EXIT_FAULT 2
void fanout_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*! Monotonic nanoseconds, the same clock in all processes. */
int64_t fanout_now_ns(void);
/*! Where a peer connects from: 127.1.x.y. */
struct in_addr fanout_address(unsigned int peer);
/*! Bind the calling process to one core. */
void fanout_pin(int cpu);

/* fanout_peers.c: the BSCs */

enum fanout_event {
	FANOUT_WRITE,	/*!< a WRITE-REPLACE from the daemon */
	FANOUT_KILL,	/*!< a KILL from the daemon */
	FANOUT_BARE,	/*!< the same octets from the driver's bare send() */
	_NUM_FANOUT_EVENT
};

/*! What the BSCs tell the driver; mapped into both processes. Written by the BSCs while an event is
 *  waited for, by the driver in between. */
struct fanout_shared {
	struct {
		unsigned int n;		/*!< peers that have handled it */
		int64_t last_ns;	/*!< when the last octet of the last one was read */
	} event[_NUM_FANOUT_EVENT];
	struct {
		unsigned int seen[_NUM_FANOUT_EVENT];
		size_t len;
		uint8_t frame[FANOUT_FRAME];	/*!< its last WRITE-REPLACE, as received */
	} peer[FANOUT_PEERS];
};

struct fanout_peers {
	struct fanout_shared *shared;
	int done;		/*!< eventfd: an event is complete */
	int bare[FANOUT_PEERS];	/*!< the driver's ends of the bare connections */
};

/*! Fork the BSCs; each connects to the daemon's port and, a second time, to the driver. */
void fanout_peers_start(struct fanout_peers *peers, int cpu, uint16_t cbsp_port);
/*! Before it is caused. */
void fanout_expect(struct fanout_peers *peers, enum fanout_event event);
/*! Wait until every peer has handled it.
 *  \returns when the last octet was read, or 0 after ten seconds. */
int64_t fanout_wait(struct fanout_peers *peers, enum fanout_event event);

/* fanout_daemon.c: tocsind */

struct fanout_daemon {
	const char *dir;	/*!< scratch folder */
	char *store;
	char *trace;		/*!< strace's output, NULL if not traced */
	uint16_t http_port, cbsp_port, vty_port;
	char token[33];
	pid_t pid;
	int http;		/*!< a connection that is kept */
};

struct fanout_answer {
	int status;
	char *body;		/*!< talloc child of the daemon */
	size_t len;
};

/*! Make a folder for all files, on a file system that writes to a disk. */
char *fanout_scratch(void *ctx);
void fanout_scratch_remove(const char *dir);
/*! The last lines that the daemon logged, to stderr. */
void fanout_show_log(const char *dir);

/*! Write cell table, token and configuration; choose free ports. */
struct fanout_daemon *fanout_daemon_alloc(void *ctx, const char *dir);
/*! Start the tocsind of this build and wait until it serves HTTP. */
void fanout_daemon_start(struct fanout_daemon *d, int cpu, bool traced);
/*! kill -9. */
void fanout_daemon_kill(struct fanout_daemon *d);
/*! Send a request, whole, in one piece; the connection is kept. */
char *fanout_request(struct fanout_daemon *d, const char *method, const char *path, const char *body);
void fanout_send(struct fanout_daemon *d, const char *request);
struct fanout_answer fanout_receive(struct fanout_daemon *d);
struct fanout_answer fanout_get(struct fanout_daemon *d, const char *path);

/* fanout_counts.c: what strace saw */

/*! P13: commits between an alert and its first octet to a peer; sends per peer. A line of the table
 *  and the goal's JSON line. \returns false if the verdict is "fail". */
bool fanout_counts_report(const char *trace, uint64_t seed);
