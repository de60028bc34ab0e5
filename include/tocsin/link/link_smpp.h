/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Peers that are message centres, over SMPP 3.4 (SMPP Developers Forum, issue 1.2).
 *
 * All of them are peers of the bearer "sms". */

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/codec/smpp.h>
#include <tocsin/link/link.h>

enum smpp_bind { SMPP_BIND_AS_TRANSCEIVER, SMPP_BIND_AS_TRANSMITTER_RECEIVER };
enum smpp_mode {
	SMPP_MODE_TRANSACTION,	/*!< the answer to a submit says what the phone did */
	SMPP_MODE_STORE,	/*!< the centre stores and forwards; receipts say the rest */
};
enum smpp_destination { SMPP_TO_IMSI, SMPP_TO_MSISDN };

struct smpp_config {
	struct link_config link;	/*!< role is always connect; port 0 means SMPP_PORT */
	char *system_id;		/*!< 1 to 15 characters */
	char *password_file;		/*!< its first line, 1 to 8 characters, is read at each
					 *   bind; NULL: no password */
	char *system_type;		/*!< at most 12 characters; may be NULL */
	enum smpp_bind bind;
	enum smpp_mode mode;
	enum smpp_destination destination;
	unsigned int preference;	/*!< the lower, the earlier it is used; 1 to 99 */
	unsigned int window;		/*!< submits without an answer, 1 to 1000 */
	unsigned int rate;		/*!< submits per second; 0 = not limited */
	unsigned int response_timeout_s;	/*!< for the answer to a submit, 5 to 600 */
	bool shutdown;			/*!< the operator keeps the link closed */
};

/*! The defaults: transceiver, transaction mode, by IMSI, preference 10, window 10, no rate
 *  limit, 60 s; timers of link.h (enquire_link is its keep-alive). */
struct smpp_config *smpp_config_alloc(void *ctx);
/*! \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int smpp_config_check(const struct smpp_config *config, struct problem *problem);

/*! Causes of results are command statuses (5.1.3) of one octet, 0xff for any other; behind this
 *  one, which version 3.4 leaves free, they are the message states of receipts (5.2.28). */
#define SMPP_CAUSE_RECEIPT 0x80

extern const struct peer_ops link_smpp_ops;

/*! An operator closes the peer's conns; the links go on. */
void link_smpp_drop(struct peer *peer);
/*! The peer's (first) link, for link_rearm() and display; NULL unless it is open. */
struct link *link_smpp_link(const struct peer *peer);
