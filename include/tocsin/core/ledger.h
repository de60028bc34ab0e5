/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Serial number ledger: which message codes of which message identifier are taken, until when.
 *
 * Phones drop a message whose identifier and serial number they have seen within 24 hours, so a
 * code is free again only 24 h after its last possible broadcast. One ledger for all networks and
 * scopes. Owned by the loop; the store holds every entry before its first use on the wire. */

#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

/*! How long a phone remembers (AOSP: 24 h). */
#define LEDGER_QUARANTINE_S 86400

struct ledger;

struct ledger_entry {
	uint16_t identifier;
	uint16_t code;		/*!< message code, 10 bits; 8 in ETWS */
	uint8_t update;		/*!< update number, 4 bits */
	int64_t free_utc;	/*!< the code may be used again at this second */
};

struct ledger *ledger_alloc(void *ctx);
/*! Take a code for a new message: the one after the code last taken for that identifier, skipping
 *  those not free. The first code of an identifier follows from the clock, so that a lost store
 *  does not start at 0 again.
 *  \param[in] n_codes    1024, or 256 for ETWS.
 *  \param[in] last_utc   last second at which it may be broadcast.
 *  \returns 0, or -EBUSY (PROBLEM_SERIAL_EXHAUSTED; *retry_after_s is set). */
int ledger_take(struct ledger *ledger, uint16_t identifier, unsigned int n_codes, int64_t now,
		int64_t last_utc, struct ledger_entry *entry, int64_t *retry_after_s);
/*! Give a code back that never reached the wire (the commit failed). */
void ledger_give_back(struct ledger *ledger, const struct ledger_entry *entry);
/*! Put in what the store held. */
int ledger_restore(struct ledger *ledger, const struct ledger_entry *entry);
/*! Codes taken of an identifier at that time. */
size_t ledger_taken(const struct ledger *ledger, uint16_t identifier, int64_t now);
/*! Bring the gauges up to date: one per identifier used so far, with what ledger_taken() says. */
void ledger_set_gauges(struct ledger *ledger, int64_t now);
