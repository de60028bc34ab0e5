/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* POST /v1/alerts, the part on the loop.
 *
 * Jobs come in through the queue, are sorted into classes, and are handed to the gateway in slices,
 * so that a burst of alerts does not keep the loop from its links. What wakes the loop is an
 * eventfd, and time is monotonic: a timer that follows the wall clock would leave alerts lying when
 * the clock is set back. Every job is answered exactly once: by the gateway, by its deadline or at
 * the end of the daemon. */

#include "http_private.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <talloc.h>

#include <tocsin/base/clock.h>

/* Longest time for which the loop hands over jobs without doing anything else. */
#define SLICE_MS 20

int http_job_reserve(struct http *http)
{
	/* Counted first and looked at then: http_jobs_stop() relies on the order. */
	if (atomic_fetch_add(&http->waiting, 1) < http->limits.jobs && !atomic_load(&http->stopping))
		return 0;
	atomic_fetch_sub(&http->waiting, 1);
	return -EBUSY;
}

int http_job_enqueue(struct http *http, struct http_request *req)
{
	int rc = osmo_it_q_enqueue(http->queue, req, list);

	if (rc < 0)
		atomic_fetch_sub(&http->waiting, 1);
	return rc;
}

/* The request is the listener's again; it must not be touched after this. */
static void job_end(struct http_request *req)
{
	struct http *http = req->listener->http;

	llist_del(&req->list);
	req->answered = true;
	atomic_fetch_sub(&http->waiting, 1);
	http_request_resume(req);
}

static void on_answered(const struct gateway_answer *answer, void *data)
{
	struct http_request *req = data;

	if (answer->why && answer->why->code != PROBLEM_NONE)
		req->problem = *answer->why;
	else if (answer->problem != PROBLEM_NONE || !answer->id)
		http_refuse(req, answer->problem ? answer->problem : PROBLEM_INTERNAL, NULL, "%s",
			    problem_title(answer->problem));
	req->retry_after_s = answer->retry_after_s;
	job_end(req);
}

/* That nothing is kept is said only when it is certain. */
static void job_give_up(struct http *http, struct http_request *req, const char *why)
{
	if (req->submitted)
		gateway_forget(http->gw, req);
	if (gateway_knows(http->gw, req->id))
		http_refuse(req, PROBLEM_STORE_TIMEOUT, NULL,
			    "%s. It may have been kept: send the same document again to learn what became of it.", why);
	else
		http_refuse(req, PROBLEM_STORE_UNAVAILABLE, NULL,
			    "%s. Nothing of it was kept, and nothing was sent: send it again.", why);
	req->retry_after_s = 5;
	job_end(req);
}

static struct http_request *job_first(struct http *http)
{
	unsigned int i;

	for (i = 0; i < HTTP_NUM_CLASS; i++) {
		if (!llist_empty(&http->ready[i]))
			return llist_first_entry(&http->ready[i], struct http_request, list);
	}
	return NULL;
}

static void job_submit(struct http *http, struct http_request *req)
{
	/* From here on the gateway's; no longer part of what this request's end frees. */
	struct alert_draft *draft = talloc_steal(NULL, req->draft);

	req->draft = NULL;
	req->submitted = true;
	llist_del(&req->list);
	llist_add_tail(&req->list, &http->submitted);
	gateway_submit(http->gw, draft, on_answered, req);
}

static int on_kick(struct osmo_fd *ofd, unsigned int what)
{
	struct http *http = ofd->data;
	int64_t end_ms = clock_mono_ms() + SLICE_MS;
	struct http_request *req;
	eventfd_t count;

	(void)what;
	while ((req = job_first(http))) {
		job_submit(http, req);
		if (clock_mono_ms() >= end_ms)
			break;
	}
	/* While there is more the descriptor stays readable, so the loop comes back. */
	if (!job_first(http))
		(void)eventfd_read(ofd->fd, &count);
	return 0;
}

static void on_queued(struct osmo_it_q *queue, struct llist_head *item)
{
	struct http *http = queue->data;
	struct http_request *req = llist_entry(item, struct http_request, list);

	req->due_ms = clock_mono_ms() + http->limits.answer_ms;
	llist_add_tail(&req->list, &http->ready[req->class]);
	/* Fails only if the counter is full, and then it is readable. */
	(void)eventfd_write(http->kick.fd, 1);
}

static void sweep_list(struct http *http, struct llist_head *list, int64_t now)
{
	struct http_request *req, *next;

	llist_for_each_entry_safe(req, next, list, list) {
		if (now >= req->due_ms)
			job_give_up(http, req, "The alert was not decided in time");
	}
}

void http_jobs_sweep(struct http *http)
{
	int64_t now = clock_mono_ms();
	unsigned int i;

	for (i = 0; i < HTTP_NUM_CLASS; i++)
		sweep_list(http, &http->ready[i], now);
	sweep_list(http, &http->submitted, now);
}

static void stop_list(struct http *http, struct llist_head *list)
{
	struct http_request *req, *next;

	llist_for_each_entry_safe(req, next, list, list)
		job_give_up(http, req, "The daemon is ending");
}

int http_jobs_start(struct http *http)
{
	char name[32];
	unsigned int i;
	int fd;

	for (i = 0; i < HTTP_NUM_CLASS; i++)
		INIT_LLIST_HEAD(&http->ready[i]);
	INIT_LLIST_HEAD(&http->submitted);
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	osmo_fd_setup(&http->kick, fd, OSMO_FD_READ, on_kick, http, 0);
	if (osmo_fd_register(&http->kick) < 0)
		return -EIO;
	/* The library wants a name of its own for each queue. */
	snprintf(name, sizeof(name), "http-%p", (void *)http);
	http->queue = osmo_it_q_alloc(http, name, http->limits.jobs, on_queued, http);
	if (!http->queue)
		return -ENOMEM;
	return osmo_fd_register(&http->queue->event_ofd);
}

/* osmo_it_q_dequeue() of libosmocore 1.7.0 takes the list's head for an item when there is none. */
static struct http_request *dequeue(struct osmo_it_q *queue)
{
	struct http_request *req = NULL;
	bool empty;

	pthread_mutex_lock(&queue->mutex);
	empty = llist_empty(&queue->list);
	pthread_mutex_unlock(&queue->mutex);
	if (!empty)
		osmo_it_q_dequeue(queue, &req, list);
	return req;
}

/* A listener's thread that has counted its job and not yet queued it is between two lines: it
 * comes. One that counts from now on sees that we are stopping. */
static void drain(struct http *http)
{
	struct http_request *req;
	unsigned int i;

	do {
		req = dequeue(http->queue);
		if (req)
			on_queued(http->queue, &req->list);
		for (i = 0; i < HTTP_NUM_CLASS; i++)
			stop_list(http, &http->ready[i]);
		stop_list(http, &http->submitted);
		if (!req)
			sched_yield();
	} while (req || atomic_load(&http->waiting));
}

void http_jobs_stop(struct http *http)
{
	if (http->queue) {
		drain(http);
		osmo_fd_unregister(&http->queue->event_ofd);
		osmo_it_q_destroy(http->queue);
		http->queue = NULL;
	}
	if (http->kick.fd >= 0) {
		osmo_fd_unregister(&http->kick);
		close(http->kick.fd);
		http->kick.fd = -1;
	}
}
