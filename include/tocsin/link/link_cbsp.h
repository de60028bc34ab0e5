/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! CBSP towards a BSC (3GPP TS 48.049).
 *
 * Stateless beyond its link: what is on air and what is asked for is known to core alone. A request
 * becomes one PDU; an answer finds its request by verb, message identifier and serial number, since
 * CBSP has no transaction identifier. */

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/codec/cbsp.h>
#include <tocsin/core/peer.h>
#include <tocsin/link/link.h>

extern const struct peer_ops link_cbsp_ops;

/*! What to do when a conn stands. */
enum cbsp_on_link_up {
	CBSP_RECONCILE,		/*!< nothing: core asks for what it believes on air */
	CBSP_RESET_FIRST,	/*!< RESET the whole BSS and report all as lost */
};

/*! Goes to peer_alloc(); a talloc object that owns its strings. */
struct cbsp_config {
	struct link_config link;	/*!< port 0 on the side of the server means CBSP_PORT */
	enum cbsp_on_link_up on_link_up;
	enum cbsp_period_coding period_coding;	/*!< default 16 bits, as Osmocom does */
	uint16_t period;		/*!< units of 1.883 s */
	bool shutdown;			/*!< the operator keeps the link closed */
};

/*! A configuration of defaults; only the remote address must be set. */
struct cbsp_config *cbsp_config_alloc(void *ctx);
/*! \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int cbsp_config_check(const struct cbsp_config *config, struct problem *problem);

/*! An operator closes the peer's conn; the link goes on. */
void link_cbsp_drop(struct peer *peer);
/*! The peer's link, for link_rearm() and display; NULL unless it is open. */
struct link *link_cbsp_link(const struct peer *peer);
