/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The quick way to say yes: most rings neither cross nor touch themselves. */

#include <tocsin/geo/shape.h>

/*! Try to prove that no two edges of a ring share a point, but neighbours their common vertex. Such
 *  a ring encloses its inside exactly once. Time and memory are bounded whatever the ring: O(n) of
 *  memory, O(n) of time, as all searches together may take RING_SIMPLE_MAX_STEPS steps per vertex.
 *  \param[in] ctx  owner of scratch memory, freed before the call returns.
 *  \returns 1 if proven, 0 if not (which says nothing: ask ring_check()), -ENOMEM. */
int ring_simple(void *ctx, const struct geo_ring *ring);

#define RING_SIMPLE_MAX_STEPS 16
