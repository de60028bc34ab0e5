/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Does a ring enclose its inside exactly once?
 *
 * Accepted is every ring whose winding number is 0 outside and the same +1 or -1 everywhere
 * inside, so that any sensible reading of it (even-odd, non-zero) names the same area. A ring may
 * therefore touch itself in a vertex or with a vertex on an edge. It may also run along an edge
 * and back along the same edge through its own inside: so senders cut a hole, for which CAP has
 * no other word. Refused are edges that cross, edges that overlap otherwise, spikes to the
 * outside (the way to a mistyped point and back would alert what lies along it), and loops that
 * enclose a place twice or inside out. */

#include <tocsin/geo/shape.h>

struct ring_fault {
	enum {
		RING_CROSSES,  /*!< edges a and b cross */
		RING_OVERLAPS, /*!< edges a and b run along each other */
		RING_TWISTS, /*!< at vertex a it passes to its own other side, or a spike begins or
				ends */
	} kind;
	size_t a, b;		/*!< edge i runs from vertex i to the next */
};

/*! Sweep over the ring: O(n log n) whatever its shape, exact. No two consecutive vertices may be
 *  equal.
 *  \param[in] orientation  sign of the ring's area.
 *  \param[in] ctx  owner of scratch memory, freed before the call returns.
 *  \returns 0, -EINVAL with *fault filled in, or -ENOMEM. */
int ring_check(void *ctx, const struct geo_ring *ring, int orientation,
	       struct ring_fault *fault);
