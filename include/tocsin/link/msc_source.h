/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A source of recipients: OsmoMSC, asked over its VTY who is registered and where.
 *
 * One poll is one connection: a list of the subscribers, then a question for each of them, a few at
 * a time and with pauses, since every such question makes the MSC look through all its subscribers.
 * A poll that succeeds puts a new table in force; one that fails, at whatever point, leaves the old
 * one. The CTRL interface of the MSC is not used: asked for its subscribers it aborts the MSC when
 * there are more than some 2,300 of them (seen with osmo-msc 1.9.0 and 3,000).
 *
 * An MSC that was started again knows nobody until the phones report, which takes up to the time of
 * their periodic update. Until then what was known before stays in the table.
 *
 * Timers follow the wall clock, as osmo_timer does, but are checked against the monotonic one. */

#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/recipient_source.h>

#define MSC_VTY_PORT 4254
/*! Subscribers of one MSC; with more, polls fail. */
#define MSC_MAX_SUBSCRIBERS 1000000
/*! For so long after its start an MSC may not have heard of all phones again: T3212 is at most so
 *  long as OsmoMSC sets it up. */
#define MSC_REPORT_S 3600

struct msc_source;

/*! A talloc object that owns its strings. */
struct msc_source_config {
	char *remote_ip;	/*!< literal; required */
	uint16_t remote_port;	/*!< of the VTY */
	char *local_ip;		/*!< literal; NULL: any */
	uint16_t mcc, mnc;	/*!< of all location areas: the VTY does not print them; required */
	uint8_t mnc_digits;	/*!< 2 or 3 */
	unsigned int interval_s;	/*!< from the end of a poll to the next, 5 to 3600 */
	unsigned int timeout_s;	/*!< for the connection and for each answer, 1 to 120 */
};

/*! The defaults: the usual port, 30 s, 10 s; no address and no network. */
struct msc_source_config *msc_source_config_alloc(void *ctx);
/*! \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int msc_source_config_check(const struct msc_source_config *config, struct problem *problem);

/*! Start to poll, at once. After a failure the next attempt comes after 5 s, then after ever more, up
 *  to 5 minutes.
 *  \param[in] source  borrowed; outlives the object.
 *  \param[in] config  copied.
 *  \returns a talloc object, freed to stop; NULL with a problem. */
struct msc_source *msc_source_open(void *ctx, struct recipient_source *source,
				   const struct msc_source_config *config, struct problem *problem);
/*! The wall clock was stepped: arm the timer again. */
void msc_source_rearm(struct msc_source *msc);
