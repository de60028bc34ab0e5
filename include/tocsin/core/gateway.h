/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The gateway: everything that the loop owns, and an alert's way through it.
 *
 * draft → repetition? → plan (in slices) → ledger → store_commit → delivery_run() → answer.
 * Used by the HTTP front through a queue and by the scenario tests directly; knows neither HTTP
 * nor any protocol of a peer. All functions run on the loop's thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/json.h>
#include <tocsin/base/problem.h>
#include <tocsin/core/cell.h>
#include <tocsin/core/draft.h>
#include <tocsin/core/originator.h>
#include <tocsin/core/peer.h>
#include <tocsin/core/profile.h>
#include <tocsin/core/recipient_source.h>
#include <tocsin/core/sms_rules.h>
#include <tocsin/core/store.h>

struct gateway;

struct gateway *gateway_alloc(void *ctx);
/*! Open the store in its folder, load what is live, start to deliver. Peers, originators and
 *  profile were configured before.
 *  \param[in] threaded  false: the caller drains the store (tests). */
int gateway_start(struct gateway *gw, const char *store_dir, bool threaded, struct problem *problem);
/*! Flush evidence, close links and store. */
void gateway_stop(struct gateway *gw);

/*! The wall clock was set: look at everything anew. */
void gateway_wake(struct gateway *gw);

struct peer_set *gateway_peers(struct gateway *gw);
struct originator_set *gateway_originators(struct gateway *gw);
struct store *gateway_store(struct gateway *gw);
/*! The profile in force; the gateway owns it. */
struct profile *gateway_profile(struct gateway *gw);
/*! Put another one in its place; becomes a child of the gateway. */
void gateway_set_profile(struct gateway *gw, struct profile *profile);
const struct cell_table *gateway_cells(struct gateway *gw);
/*! Where recipients come from, and the rules of short messages; the gateway owns both. */
struct recipient_sources *gateway_recipients(struct gateway *gw);
struct sms_rules *gateway_sms(struct gateway *gw);

/*! How an alert was answered. */
struct gateway_answer {
	enum problem_code problem;	/*!< PROBLEM_NONE: taken */
	const struct problem *why;	/*!< when refused */
	int64_t retry_after_s;		/*!< 0 = none */
	const char *id;			/*!< alert id when taken; its stored answer is the body */
	bool repeated;			/*!< the same alert was taken before */
};
typedef void (*gateway_answered)(const struct gateway_answer *answer, void *data);

/*! Take an alert in. The draft is taken over whatever happens. done is called exactly once: after
 *  the commit or the refusal, or from within this call when there is no room for the alert. */
void gateway_submit(struct gateway *gw, struct alert_draft *draft, gateway_answered done, void *data);
/*! The asker is told that the alert was not taken in time: done will not be called. When nobody else
 *  asks for it, the alert is withdrawn as if it had never been sent, unless the store has begun to
 *  commit it; then it lives if that commit ends well, and gateway_knows() it. Not for an asker that
 *  went away by itself: it did ask. */
void gateway_forget(struct gateway *gw, void *data);
/*! Is an alert of that identity kept, or on its way? If not, nothing of it will ever be sent. */
bool gateway_knows(const struct gateway *gw, const char *id);

/*! Replace the cell table from a CSV file, off the loop; done is called once on the loop.
 *  Running alerts keep their cells, but for those that it lacks, and follow those that it gives to another
 *  peer. One import follows the other. \returns 0 or -ENOMEM. */
typedef void (*gateway_imported)(const struct problem *problem, size_t n_rows, void *data);
int gateway_import_cells(struct gateway *gw, const char *path, gateway_imported done, void *data);
/*! The same for the table of a source of recipients. The source may be removed meanwhile: done is
 *  called all the same, with a problem. */
int gateway_import_recipients(struct gateway *gw, struct recipient_source *source, const char *path,
			      gateway_imported done, void *data);

/*! At start, before anything can arrive: import the file unless the table in force was made from the
 *  same bytes. \returns 0; with a problem and a table from before, 1; -EINVAL without one. */
int gateway_cells_at_start(struct gateway *gw, const char *path, struct problem *problem);
/*! What became of the last import: UTC seconds, 0 = none; the problem's code is PROBLEM_NONE if it
 *  went well. */
int64_t gateway_last_import(const struct gateway *gw, struct problem *problem);

/*! Live values for status, as members of an open JSON object: all peers; sources of recipients;
 *  health. \returns of health: the store can commit. */
void gateway_render_peers(struct gateway *gw, struct json *j);
void gateway_render_recipients(struct gateway *gw, struct json *j);
bool gateway_render_health(struct gateway *gw, struct json *j);

/*! One line per live delivery, for the VTY. */
struct delivery_view {
	const char *alert_id;
	const char *peer;
	const struct message *message;
	unsigned int revision;
	size_t n;				/*!< targets */
	size_t counts[_NUM_OUTCOME];
	bool on;
};
void gateway_each_delivery(struct gateway *gw, void (*cb)(const struct delivery_view *view, void *data), void *data);
