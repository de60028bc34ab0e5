/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the modules of core/ know of each other: live alerts, deliveries, lanes.
 *
 * A live alert owns its messages and deliveries. A lane is everything that goes to one peer, by the
 * peer's name: it exists as long as there are deliveries, whether or not the peer is configured. */

#include <osmocom/core/hashtable.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <tocsin/core/gateway.h>

struct lane;
struct cell_import;
struct alert_index;

/*! Where a request keeps what peers must not see. */
struct request {
	struct peer_request pub;	/*!< first: converted by a cast */
	struct delivery *delivery;
	struct target *targets;		/*!< what pub.targets points to, or NULL: the delivery's */
	uint32_t *index;		/*!< of each target in the delivery; NULL: the same there */
	struct osmo_timer_list deadline;
	int64_t due_ms;			/*!< the same, monotonic */
};

/*! May this target have the message? (capacity.c) */
enum admission {
	ADMIT_NO,	/*!< more important messages fill the cell: take it off */
	ADMIT_LATER,	/*!< it may, once others have left */
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
	struct message *messages;
	size_t n_messages;
	struct llist_head deliveries;
	struct gateway *gw;
};

/*! One message to one peer. */
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
	size_t n;
	uint8_t *admission;		/*!< enum admission per target; NULL = all ADMIT_NOW */
	struct request *out[_NUM_PEER_VERB];
	int64_t next_utc;		/*!< nothing to do before; 0 = look now */
	bool settled;
};

struct lane {
	struct llist_head entry;	/*!< gateway.lanes */
	struct hlist_node by_name;	/*!< gateway.lanes_by_name */
	struct gateway *gw;
	char *peer_name;
	struct peer *peer;		/*!< NULL: not configured */
	struct llist_head deliveries;
	struct osmo_timer_list timer;
	unsigned int outstanding;
	bool blocked;			/*!< the send queue was full; wait for peer_ready() */
	bool had_admission;		/*!< some delivery has admission[] */
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
	struct rate_ctr_group *ctrs;
};

struct peer_set {
	struct llist_head peers;
	struct gateway *gw;
	unsigned int next_ctr_index;
};

/* peer.c */
struct peer_set *peer_set_alloc(void *ctx, struct gateway *gw);

/* delivery.c */

/*! A lane without deliveries; joins the gateway's. NULL when out of memory. */
struct lane *lane_alloc(struct gateway *gw, const char *peer_name);
/*! For gateway.lanes_by_name. */
uint32_t lane_hash(const char *peer_name);
/*! A delivery of n targets, all evidence empty, of that alert; not yet in its lane, so that nothing
 *  is sent before the commit. NULL when out of memory. */
struct delivery *delivery_alloc(struct live_alert *alert, const struct message *message,
				const char *peer_name, const struct target *wanted, size_t n);
/*! It is durable: let it run. Cannot fail. */
void delivery_join(struct delivery *d);
/*! An alert is durable: join all its deliveries and run their lanes at once. (delivery.c) */
void live_alert_begin(struct live_alert *alert);
/*! Look at every target of the lane again, soon, from the loop: delivery_run(). */
void lane_wake(struct lane *lane);
/*! The wall clock was set: timers follow it, deadlines must not. */
void lane_clock_set(struct lane *lane);
/*! The peer's link went down: outstanding requests are void, confirmations doubtful. */
void lane_link_down(struct lane *lane);
/*! Evidence of every delivery of the alert became doubtful or its wish changed. */
void delivery_touch(struct delivery *d);

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
};

/* submission.c: an alert's way from the draft to the commit. */

/*! Work on waiting submissions for at most 20 ms. */
void submission_work_cb(void *data);

/* live.c: alerts in memory. */

struct live_alert *live_alert_alloc(struct gateway *gw, const char *id, const char *originator, const char *sender);
struct live_alert *live_alert_by_id(const struct gateway *gw, const char *id);
/*! Read every live alert from the store. Their evidence is in doubt until peers confirm it. */
int live_load(struct gateway *gw, struct problem *problem);
/*! Put the evidence of one delivery into a transaction. */
int live_put_evidence(struct store_txn *txn, const struct delivery *d, int64_t now);
/*! Write changed evidence, and the end of alerts to which nothing is owed. */
void live_flush_cb(void *data);

/* cell_import.c */
void cell_import_abort(struct gateway *gw);

/*! Evidence changed: it goes to the store soon. */
void gateway_dirty(struct gateway *gw, struct delivery *d);

/*! Lane of that peer name, made when there is none. NULL when out of memory. */
struct lane *lane_get(struct gateway *gw, const char *peer_name);
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

/*! \param[in] profile  used by the first plan_step() only, which must follow at once. */
struct plan *plan_alloc(void *ctx, struct alert_draft *draft, const struct profile *profile,
			const struct cell_table *table, int64_t now);
/*! Work for about budget_us. \returns 1 done, 0 more to do, negative: refused (problem set). */
int plan_step(struct plan *plan, unsigned int budget_us, int64_t now, struct problem *problem);
/*! Number the messages. \returns 0 or -EBUSY. */
int plan_number(struct plan *plan, struct ledger *ledger, int64_t now, struct problem *problem,
		int64_t *retry_after_s);
void plan_give_back(struct plan *plan, struct ledger *ledger);
const struct message *plan_messages(const struct plan *plan, size_t *n);
const struct ledger_entry *plan_entries(const struct plan *plan);
const struct plan_peer *plan_peers(const struct plan *plan, size_t *n);
size_t plan_n_cells(const struct plan *plan);
const struct cap_info *plan_info(const struct plan *plan);
