/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The rules that no fault may break.
 *
 * The checker sees what the daemon hands over, what the peers tell it, what its store holds and
 * what is on air in truth. It knows nothing of evidence but evidence_outcome() of stored rows. */

#include <tocsin/core/peer.h>

#include "world.h"

struct checker *checker_alloc(struct world *w);
/*! Before the BSC takes the request. */
void checker_handed(struct checker *c, struct fake_bsc *bsc, const struct peer_request *request);
/*! The daemon was told this about one target. */
void checker_told(struct checker *c, const struct fake_bsc *bsc, enum peer_verb verb,
		  uint16_t identifier, uint16_t serial, const struct target *target,
		  const struct peer_result *result);
void checker_told_loss(struct checker *c, const struct fake_bsc *bsc, enum peer_loss loss,
		       enum message_kind kind, const struct target_pattern *patterns, size_t n);
void checker_link_down(struct checker *c, const struct fake_bsc *bsc);
/*! A new life of the daemon: it has forgotten what it was told. */
void checker_new_life(struct checker *c);
/*! Compare the stored rows with what was told. */
void checker_rows(struct checker *c);
/*! The air alone. */
void checker_air(struct checker *c);
/*! Demand that every live alert is on air wherever it can be, and that nothing else is. */
void checker_converged(struct checker *c);
