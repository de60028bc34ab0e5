/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Work that takes too long for the loop: done in a thread of its own, ended on the loop.
 *
 * What the thread touches is its alone until then, and hangs off a talloc root of its own. */

#include <pthread.h>
#include <stdbool.h>

#include <osmocom/core/it_q.h>
#include <osmocom/core/linuxlist.h>

/*! One piece of work, in the caller's storage: for the loop alone, but for what work() is given. */
struct background {
	struct llist_head item;		/*!< in the queue back to the loop */
	struct osmo_it_q *queue;
	pthread_t thread;
	bool running;
	void (*work)(void *data);
	void (*done)(void *data);
	void *data;
};

/*! Do work(data) in a thread, then done(data) on the loop, which may free the background.
 *  \param[in] ctx  owner of the queue; not what the thread touches.
 *  \returns 0, or negative: neither will be called. */
int background_start(struct background *bg, void *ctx, void (*work)(void *data),
		     void (*done)(void *data), void *data);
/*! If it is under way, wait until the work is done; done() will not be called.
 *  \returns true if it was. */
bool background_abort(struct background *bg);
