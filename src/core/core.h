/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the modules of core/ know of each other: live alerts, deliveries, lanes.
 *
 * A live alert owns its messages and deliveries. A lane is everything that goes to one peer, by the
 * peer's name, or to the peers of one bearer, by the bearer's: it exists as long as there are
 * deliveries, whether or not a peer is configured. */

#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <tocsin/core/gateway.h>

#include "due.h"

struct lane;
struct cell_import;
struct recipient_import;
struct alert_index;
struct follow_up;
struct handles;

/*! A request whose octets cannot be taken back is durable before they leave. */
enum request_stage {
	REQUEST_MARKED,		/*!< its evidence says that it was sent, in memory */
	REQUEST_COMMITTING,	/*!< that is on its way into the store */
	REQUEST_OUT,		/*!< the peer's link has it */
};

/*! Where a request keeps what peers must not see. */
struct request {
	struct peer_request pub;	/*!< first: converted by a cast */
	struct llist_head in_lane;
	struct hlist_node by_id;	/*!< lane.requests_by_id */
	struct delivery *delivery;
	struct peer *peer;		/*!< whose request it is */
	enum request_stage stage;
	size_t first;			/*!< index of its first target in the delivery */
	struct target *targets;		/*!< what pub.targets points to where these are not in a row, or NULL */
	uint32_t *index;		/*!< of each target in the delivery; NULL: in a row from the first */
	struct evidence *before;	/*!< of each target, until the link has taken it */
	bool retry;			/*!< counted in lane.retries */
	struct osmo_timer_list deadline;
	int64_t due_ms;			/*!< the same, monotonic */
};

/*! May this target have the message? (capacity.c, follow_up.c) */
enum admission {
	ADMIT_NO,	/*!< more important messages fill the cell: take it off */
	ADMIT_LATER,	/*!< it may, once others have left */
	ADMIT_HELD,	/*!< a recipient whom broadcast reaches */
	ADMIT_NOW,
};

struct live_alert {
	struct llist_head entry;	/*!< gateway.alerts, in order of acceptance */
	char id[ALERT_ID_LEN + 1];
	char *originator;
	char *sender;
	uint64_t order;			/*!< of acceptance */
	bool cancelled;
	unsigned int cancelling;	/*!< Cancels of it on their way to the store: nothing new is written */
	bool ending;			/*!< its end is on the way to the store */
	int64_t received_utc;
	int64_t followed_utc;		/*!< when its recipients were first looked for; 0 = not yet */
	bool has_revisions;		/*!< some delivery is not the first of its message at its peer */
	bool follow;			/*!< recipients are looked for: follow_up_applies() */
	struct follow_up *follow_up;	/*!< NULL until that has begun */
	struct message *messages;
	size_t n_messages;
	struct llist_head deliveries;
	struct gateway *gw;
};

/*! One message to one peer, or one bearer: the targets that one revision brought. */
struct delivery {
	struct llist_head in_alert;
	struct llist_head in_lane;	/*!< sorted: class, then acceptance */
	struct llist_head in_dirty;	/*!< gateway.dirty, or empty */
	struct live_alert *alert;
	const struct message *message;
	struct lane *lane;
	unsigned int revision;
	uint64_t order;			/*!< of acceptance */
	struct target *wanted;
	struct evidence *evidence;
	struct recipient_detail *details;	/*!< of recipients, else NULL */
	struct due *due;		/*!< when each target is to be looked at again */
	size_t n;
	uint8_t *admission;		/*!< enum admission per target; NULL = all ADMIT_NOW */
	struct request *out[_NUM_PEER_VERB];	/*!< where one of each is allowed (peer_caps) */
	int64_t next_utc;		/*!< nothing to do before; 0 = look now */
	size_t unsettled;		/*!< a target that was not settled when last looked at */
	size_t n_awaited;		/*!< handles whose receipts are to come */
	uint64_t *dirty;		/*!< a bit per chunk of evidence that is not in the store */
	unsigned int cells_version;	/*!< of the cell table that it was compared with (rehome.c) */
	bool rehoming;			/*!< what that said is on its way to the store */
	bool on;			/*!< was wanted when last looked at */
	bool settled;
};

struct lane {
	struct llist_head entry;	/*!< gateway.lanes */
	struct hlist_node by_name;	/*!< gateway.lanes_by_name */
	struct gateway *gw;
	char *peer_name;
	struct llist_head peers;	/*!< those that can carry it; more than one of a bearer */
	struct peer *peer;		/*!< the one in use; NULL: none is configured */
	struct llist_head deliveries;
	struct llist_head requests;
	DECLARE_HASHTABLE(requests_by_id, 8);
	uint32_t last_id;
	struct osmo_timer_list timer;
	unsigned int outstanding;	/*!< requests in any stage */
	unsigned int marked;		/*!< those that are not OUT yet */
	unsigned int retries;		/*!< those to recipients who had an attempt before */
	bool blocked;			/*!< the send queue was full; wait for peer_ready() */
	bool had_admission;		/*!< some delivery has admission[] */
	bool can_query;			/*!< as when its peer was last up (struct peer_caps) */
	bool can_query_emergency;
};

struct peer {
	struct llist_head entry;
	struct peer_set *set;
	char *name;
	const struct peer_ops *ops;
	void *config;
	void *link;
	enum peer_state state;
	char why[128];
	int64_t since_utc;
	struct lane *lane;
	struct llist_head in_lane;	/*!< lane.peers */
	struct hlist_node by_name;	/*!< peer_set.by_name */
	unsigned int outstanding;	/*!< requests that its link has */
	unsigned int silent;		/*!< requests whose deadline passed since the last answer */
	int64_t mute_until_ms;		/*!< another peer of the bearer is used until then, monotonic */
	uint8_t number;			/*!< of a bearer (evidence.via); 0 = none yet */
	struct rate_ctr_group *ctrs;
};

struct peer_set {
	struct llist_head peers;
	DECLARE_HASHTABLE(by_name, 10);
	struct gateway *gw;
	unsigned int next_ctr_index;
};

/* peer.c */
struct peer_set *peer_set_alloc(void *ctx, struct gateway *gw);
/*! Number of a peer of a bearer, given when it is first needed. 0: there are too many. */
uint8_t peer_number(struct peer *peer);

/* lane.c */

/*! Lane of that peer or bearer, made when there is none. NULL when out of memory. */
struct lane *lane_get(struct gateway *gw, const char *peer_name);
/*! FNV-1a, for the tables by name. */
uint32_t name_hash(const char *name);
void lane_add_peer(struct lane *lane, struct peer *peer);
void lane_remove_peer(struct lane *lane, struct peer *peer);
/*! A request to that peer was not answered in time. */
void lane_peer_silent(struct lane *lane, struct peer *peer);
/*! A peer came up or went down, was silent or may be tried again: choose the one to use. */
void lane_choose_peer(struct lane *lane);
/*! Run it soon, from the loop: what is due of its deliveries, delivery_run(). */
void lane_wake(struct lane *lane);
/*! The wall clock was set: timers follow it, deadlines must not. */
void lane_clock_set(struct lane *lane);
/*! The link of that peer went down: its requests are void, confirmations doubtful. */
void lane_link_down(struct lane *lane, struct peer *peer);

/* request.c */

/*! Without targets yet. NULL when out of memory. */
struct request *request_alloc(struct delivery *d, enum peer_verb verb);
/*! \param[in] i    of the target in the delivery, after those that were added before.
 *  \param[in] max  targets that there will be at most.
 *  \returns false when out of memory. */
bool request_add(struct request *req, size_t i, size_t max);
/*! Note in the evidence that it was sent, and hand it over: at once, or when that is durable. Takes it. */
void request_send(struct request *req, const struct peer_caps *caps, int64_t now);
/*! Forget it; its evidence says what is known already. */
void request_free(struct request *req);
/*! It was never sent: free it, its targets are due again. */
void request_drop(struct request *req);
/*! Its link is gone: free it, its targets are in doubt. */
void request_lost(struct request *req, int64_t now);
/*! Nothing of it left: as if it had not been made, and free it. */
void request_undo(struct request *req);
/*! Arm its timer again by the monotonic clock. */
void request_rearm(struct request *req);
/*! The evidence of all marked requests that is not dirty any more is in the transaction now. */
void requests_committing(struct lane *lane);
/*! That transaction ended: hand over what it held. \param[in] ok  false: nothing of it was kept. */
void requests_committed(struct lane *lane, bool ok);
/*! The delivery ends: undo all of it that no link has. */
void requests_recall(struct delivery *d);
/*! Nothing is handed over any more: undo all that no link has. */
void requests_stop(struct lane *lane);

/* delivery.c */

/*! A delivery of n targets, all evidence empty, of that alert; not yet in its lane, so that nothing
 *  is sent before the commit. NULL when out of memory.
 *  \param[in] details  of recipients, else NULL. */
struct delivery *delivery_alloc(struct live_alert *alert, const struct message *message,
				const char *peer_name, const struct target *wanted,
				const struct recipient_detail *details, size_t n);
/*! The same, put into a transaction. */
struct delivery *delivery_put_new(struct store_txn *txn, struct live_alert *alert, const struct message *message,
				  const char *peer_name, unsigned int revision, const struct target *wanted,
				  const struct recipient_detail *details, size_t n, int64_t now);
/*! The first revision that the alert does not have of that message there. */
unsigned int delivery_next_revision(const struct live_alert *alert, const struct message *message,
				    const char *peer_name);
/*! It is durable: let it run. Cannot fail. */
void delivery_join(struct delivery *d);
/*! An alert is durable: join all its deliveries and run their lanes at once. */
void live_alert_begin(struct live_alert *alert);
/*! Is it wanted now? The alert is not cancelled and the message's life has not ended. */
bool delivery_on(const struct delivery *d, int64_t now);
/*! Evidence of these targets (none given: of all) of one kind of messages (0: of all) is in doubt. */
void lane_doubt(struct lane *lane, enum doubt doubt, enum message_kind kind,
		const struct target_pattern *patterns, size_t n_patterns);
/*! Compare what is wanted in the lane with what is known, and send the difference. */
void delivery_run(struct lane *lane);
/*! Something that concerns all its targets changed: look at each of them. */
void delivery_touch(struct delivery *d);
/*! The evidence of target i changed: store it, and look at it again. */
void delivery_changed(struct delivery *d, size_t i);
/*! What is stored of target i changed, and nothing follows from it. */
void delivery_dirty(struct delivery *d, size_t i);
/*! Everything of it is to be stored. */
void delivery_all_dirty(struct delivery *d);
/*! May target i have the message? Of recipients; of cells capacity.c says it. */
void delivery_admit(struct delivery *d, size_t i, enum admission admission);

/* follow_up.c: who gets the short messages of a live alert, and when */

/*! Has the alert short messages to people in its cells? That of a Cancel goes to known ones. */
bool follow_up_applies(const struct live_alert *alert);
/*! Begin, or go on after a restart: before its deliveries run, since some may be held back.
 *  \returns 0 or -ENOMEM. */
int follow_up_begin(struct live_alert *alert);
/*! Cells of the alert have a new peer: what that one says of them counts too. */
void follow_up_add_cells(struct delivery *d);
/*! Is a revision of it on its way into the store? */
bool follow_up_is_busy(const struct live_alert *alert);
/*! There is something new to look at. */
void follow_up_wake(struct gateway *gw);
/*! Work on all of them for at most 20 ms. */
void follow_up_cb(void *data);

/* handle.c: names that peers gave to what they took, until their receipts come */

struct handles *handles_alloc(void *ctx);
/*! Await a receipt for target i. When out of memory the receipt will not be known. */
void handles_add(struct handles *handles, const struct peer *peer, const char *text, struct delivery *d, size_t i);
/*! The same, read from the store. \returns 0 or -ENOMEM. */
int handles_restore(struct handles *handles, const char *peer_name, const char *text, struct delivery *d, size_t i);
/*! Put what was added and dropped since into a transaction; one at a time. */
void handles_put(struct handles *handles, struct store_txn *txn);
/*! It ended. \param[in] ok  false: what was put is put once more. */
void handles_committed(struct handles *handles, bool ok);
/*! The delivery goes away. */
void handles_forget(struct handles *handles, const struct delivery *d);

/* rehome.c: cells that have another peer, or none */

/*! Compare live alerts with the cell table, soon. */
void rehome_wake(struct gateway *gw, unsigned int after_s);
/*! Work on that for at most 20 ms. */
void rehome_cb(void *data);

/* capacity.c */

/*! Decide which deliveries each target of the lane can carry; sets admission[] and periods. */
void capacity_plan(struct lane *lane, const struct peer_caps *caps, int64_t now);
/*! Repetition period for a write to that target of the delivery. */
uint16_t capacity_period(const struct delivery *d, size_t i, const struct peer_caps *caps);

/* gateway.c and the files that share its state */

struct gateway {
	struct store *store;
	bool threaded;
	struct peer_set *peers;
	struct originator_set *originators;
	struct profile *profile;
	struct cell_table *cells;
	unsigned int cells_version;	/*!< counts the tables that came into force; never 0 */
	struct osmo_timer_list rehome_timer;
	struct recipient_sources *recipients;
	struct sms_rules *sms;
	struct handles *handles;
	struct osmo_timer_list follow_timer;
	char *peer_numbers[256];	/*!< names of the peers of bearers; NULL: free */
	unsigned int n_peer_numbers_stored;	/*!< the first of these are in the store */
	struct ledger *ledger;
	struct alert_index *index;
	struct llist_head alerts;	/*!< live_alert, in order of acceptance */
	struct llist_head lanes;
	DECLARE_HASHTABLE(lanes_by_name, 10);
	struct llist_head work;		/*!< submissions, the more urgent first */
	struct llist_head blocked;	/*!< cancels that wait for a commit on its way */
	struct llist_head committing;	/*!< submissions handed to the store */
	size_t held_octets;		/*!< of the documents of all these, and of their rendered areas */
	struct osmo_timer_list work_timer;
	struct llist_head dirty;	/*!< deliveries whose evidence is to be stored */
	struct osmo_timer_list flush_timer;
	bool flushing;
	bool store_failing;
	bool stopping;			/*!< what is committed from now on goes out after the next start */
	uint64_t next_order;
	struct cell_import *import;	/*!< running, or NULL */
	struct llist_head imports;	/*!< waiting for it to end */
	struct problem import_problem;	/*!< of the last import */
	int64_t imported_utc;
	struct recipient_import *recipient_import;	/*!< running, or NULL */
	struct llist_head recipient_imports;	/*!< waiting for it to end */
};

/* submission.c, and what belongs to it: an alert's way from the draft to the commit. */

/*! Work on waiting submissions for at most 20 ms. */
void submission_work_cb(void *data);

/* live.c: alerts in memory. */

struct live_alert *live_alert_alloc(struct gateway *gw, const char *id, const char *originator, const char *sender);
struct live_alert *live_alert_by_id(const struct gateway *gw, const char *id);
/*! Read every live alert from the store. Their evidence is in doubt until peers confirm it. */
int live_load(struct gateway *gw, struct problem *problem);
/*! Put what is dirty of one delivery into a transaction; it stays so, since that may be withdrawn. */
int live_put_evidence(struct store_txn *txn, const struct delivery *d, int64_t now);
/*! Write changed evidence, and the end of alerts to which nothing is owed. */
void live_flush_cb(void *data);

/* cell_import.c, recipient_import.c */
void cell_import_abort(struct gateway *gw);
void recipient_import_abort(struct gateway *gw);

/*! Evidence changed: it goes to the store soon.
 *  \param[in] now  at once, before what waits already. */
void gateway_dirty(struct gateway *gw, struct delivery *d, bool now);

/* alert_index.c: every alert the store holds, by identity, to tell repetitions. */

/*! One known alert. */
struct alert_known {
	uint8_t id[ALERT_ID_LEN / 2];
	uint8_t document[ALERT_ID_LEN / 2];	/*!< same for the same (sender, identifier, sent) of any originator */
	uint8_t sha256[DIGEST_LEN];
	bool committed;
	void *submission;		/*!< while it is on its way into the store */
};

struct alert_index *alert_index_alloc(void *ctx);
/*! \returns borrowed until the next alert_index_add(); NULL if there is none. */
struct alert_known *alert_index_find(struct alert_index *index, const char *id);
/*! Is there an alert of another originator with that sender, identifier and sent? */
bool alert_index_has_document(const struct alert_index *index, const char *document);
struct alert_known *alert_index_add(struct alert_index *index, const char *id, const char *document,
				    const uint8_t sha256[DIGEST_LEN]);
void alert_index_remove(struct alert_index *index, const char *id);

/* plan.c */

/*! A plan in the making: alert → messages × peers × cell lists. Pure but for the ledger, which is
 *  asked last. */
struct plan;

/*! Messages per peer, as the plan decided. */
struct plan_peer {
	const char *peer;		/*!< of the cell table, which the plan keeps */
	struct target *targets;		/*!< sorted */
	size_t n;
};

/*! \param[in] profile  used by the first plan_step() only, which must follow at once.
 *  \param[in] sms      likewise. */
struct plan *plan_alloc(void *ctx, struct alert_draft *draft, const struct profile *profile,
			const struct sms_rules *sms, const struct cell_table *table, int64_t now);
/*! Work for about budget_us. \returns 1 done, 0 more to do, negative: refused (problem set). */
int plan_step(struct plan *plan, unsigned int budget_us, int64_t now, struct problem *problem);
/*! Number the messages. \returns 0 or -EBUSY. */
int plan_number(struct plan *plan, struct ledger *ledger, int64_t now, struct problem *problem,
		int64_t *retry_after_s);
void plan_give_back(struct plan *plan, struct ledger *ledger);
const struct message *plan_messages(const struct plan *plan, size_t *n);
/*! One per message; of a short message it means nothing. */
const struct ledger_entry *plan_entries(const struct plan *plan);
const struct plan_peer *plan_peers(const struct plan *plan, size_t *n);
size_t plan_n_cells(const struct plan *plan);
const struct cap_info *plan_info(const struct plan *plan);
