/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The rules of short messages that no fault may break.
 *
 * What a phone got cannot be taken back, so every request is judged before the message centre has
 * it: by the store as it is at that moment, by what the daemon was told before, and by where the
 * lists said that the phone was. */

#include <stdbool.h>
#include <stdint.h>

#include <tocsin/core/peer.h>
#include <tocsin/core/store.h>

#include "smsc.h"
#include "world.h"

struct sms_checker;

struct sms_checker *sms_checker_alloc(struct world *w);
/*! Before the centre takes the request.
 *  \returns the key of its text, by which the functions below know it. */
char *sms_checker_handed(struct sms_checker *c, struct fake_smsc *smsc, const struct peer_request *request);
/*! The request has a new deadline. */
void sms_checker_goes_on(struct sms_checker *c, const struct fake_smsc *smsc, const char *key,
			 const struct target *imsi, int64_t until_ms);
/*! The daemon was told what became of its request. */
void sms_checker_told(struct sms_checker *c, const char *key, const struct target *imsi,
		      enum peer_answer answer);
/*! It was told by a receipt for one part. */
void sms_checker_receipt(struct sms_checker *c, const char *key, const struct target *imsi,
			 enum peer_answer answer);
/*! What was outstanding at that centre will not be answered. */
void sms_checker_link_down(struct sms_checker *c, const struct fake_smsc *smsc);
/*! A new life of the daemon: it knows no more than its store. */
void sms_checker_new_life(struct sms_checker *c);
/*! Compare one stored delivery with the truth. */
void sms_checker_row(struct sms_checker *c, const struct alert_row *alert, const struct delivery_row *row,
		     const struct message *message, bool on);
/*! Demand that everybody who has been there all the time is among its recipients. */
void sms_checker_nobody_missed(struct sms_checker *c, const struct alert_row *alert,
			       const struct message *message, const struct delivery_row *rows, int n);
/*! May receipts be awaited for it? Then its alert lives on for a while. */
bool sms_checker_awaits(const struct delivery_row *row);
/*! Demand that everybody whom it is for has it, or is known not to have it for a reason. */
void sms_checker_converged(struct sms_checker *c, const struct alert_row *alert,
			   const struct delivery_row *row, const struct message *message, bool on);
