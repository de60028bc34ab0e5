/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the parts of link_cbsp know of each other: requests out, PDUs in, answers mapped. */

#include <tocsin/link/link_cbsp.h>

#include "rate.h"

struct cbsp_link {
	struct peer *peer;
	const struct cbsp_config *config;
	struct link_config link_config;	/* with the default ports filled in */
	struct link *link;
	struct rate malformed;
	struct rate unmatched;
	struct rate errors;
};

/*! link_cbsp_rx.c: one whole PDU from the peer, borrowed. */
void cbsp_rx(struct cbsp_link *cl, const uint8_t *octets, size_t len);

/*! cbsp_answer.c: what an answer (COMPLETE or FAILURE of a write, kill or query) says about each
 *  target of its request. Failure is believed before success; what is not mentioned stays unknown,
 *  except that a COMPLETE without any list speaks for all.
 *  \param[in] ctx       for temporary memory.
 *  \param[out] results  request->n_targets of them, zeroed by the caller.
 *  \returns 0 or -ENOMEM. */
int cbsp_answer_map(void *ctx, const struct cbsp_pdu *pdu, const struct peer_request *request,
		    struct peer_result *results);
