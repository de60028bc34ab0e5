/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Notices when the wall clock is set, so that whoever armed timers can arm them again: osmo_timer
 *  follows the wall clock, and after a step back of an hour a timer of ten seconds fires an hour
 *  late. */

struct clock_watch;

/*! Call back on the loop after every step of CLOCK_REALTIME. Freed with talloc_free().
 *  \returns NULL when the system has no such timer. */
struct clock_watch *clock_watch_alloc(void *ctx, void (*stepped)(void *data), void *data);
