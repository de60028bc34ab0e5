/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "background.h"

#include <errno.h>
#include <stdio.h>

#include <osmocom/core/select.h>

static void release(struct background *bg)
{
	bg->running = false;
	osmo_fd_unregister(&bg->queue->event_ofd);
	osmo_it_q_destroy(bg->queue);
}

static void queue_cb(struct osmo_it_q *queue, struct llist_head *item)
{
	struct background *bg = llist_entry(item, struct background, item);

	(void)queue;
	pthread_join(bg->thread, NULL);
	release(bg);
	bg->done(bg->data);
}

static void *thread_main(void *data)
{
	struct background *bg = data;

	bg->work(bg->data);
	osmo_it_q_enqueue(bg->queue, bg, item);
	return NULL;
}

int background_start(struct background *bg, void *ctx, void (*work)(void *data),
		     void (*done)(void *data), void *data)
{
	char name[40];
	int rc;

	*bg = (struct background){ .work = work, .done = done, .data = data };
	/* Queues of one process have different names. */
	snprintf(name, sizeof(name), "background-%p", (void *)bg);
	bg->queue = osmo_it_q_alloc(ctx, name, 1, queue_cb, bg);
	if (!bg->queue)
		return -ENOMEM;
	osmo_fd_register(&bg->queue->event_ofd);
	bg->running = true;
	rc = pthread_create(&bg->thread, NULL, thread_main, bg);
	if (rc)
		release(bg);
	return -rc;
}

bool background_abort(struct background *bg)
{
	if (!bg->running)
		return false;
	pthread_join(bg->thread, NULL);
	/* A queue frees what is in it, and this is not its own. */
	(void)_osmo_it_q_dequeue(bg->queue);
	release(bg);
	return true;
}
