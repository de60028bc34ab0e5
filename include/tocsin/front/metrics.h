/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! All rate counters and stat items as Prometheus text (exposition format 0.0.4).
 *
 * Walks the groups that the program has registered with libosmocore, so VTY, statsd and Prometheus
 * cannot disagree. Runs on the loop, which owns the counters. */

#include <stdio.h>

/*! \returns 0 or -ENOMEM; a failure of the stream itself is left to ferror(). */
int metrics_render(FILE *out);
