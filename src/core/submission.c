/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An alert's way from the draft to the commit, on the loop.
 *
 * Submissions wait in one list, cancels first, and are worked on in slices of at most 20 ms. A
 * submission is answered exactly once: when it is refused, or when its commit has ended. Everything
 * that will be needed after the commit is allocated before it, so that nothing can fail between
 * the durable promise and its delivery. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"

#define SLICE_MS 20
#define SLICE_US (SLICE_MS * 1000u)
/* Octets of all documents that are on their way into the store. */
#define HELD_MAX_OCTETS (64u << 20)

/* Somebody who waits for the answer. */
struct asker {
	struct llist_head entry;
	gateway_answered done;
	void *data;
	bool repeated;
};

struct submission {
	struct llist_head entry;
	struct gateway *gw;
	struct alert_draft *draft;
	struct llist_head askers;
	size_t octets;			/* of the document */
	int rank;			/* 0 = cancel; else the more urgent the lower */
	struct plan *plan;
	struct live_alert *alert;	/* made, waits for the commit */
	char **cancels;			/* ids of live alerts that this one ends */
	size_t n_cancels;
	int64_t now;			/* time of acceptance */
};

static void answer(struct submission *sub, const struct gateway_answer *given)
{
	struct asker *asker, *next;
	struct gateway_answer mine;

	llist_for_each_entry_safe(asker, next, &sub->askers, entry) {
		mine = *given;
		mine.repeated |= asker->repeated;
		llist_del(&asker->entry);
		if (asker->done)
			asker->done(&mine, asker->data);
		talloc_free(asker);
	}
}

/* Ends a submission; nothing of it stays but what was committed. */
static void finish(struct submission *sub, const struct gateway_answer *given)
{
	answer(sub, given);
	llist_del(&sub->entry);
	talloc_free(sub);
}

static void finish_refused(struct submission *sub, const struct problem *problem, int64_t retry_after_s)
{
	struct gateway_answer given = {
		.problem = problem->code,
		.why = problem,
		.retry_after_s = retry_after_s,
	};
	const struct cap_alert *cap = sub->draft->cap;

	LOGP(DPLAN, LOGL_INFO, "originator=%s identifier=%s refused: %s: %s\n", sub->draft->originator,
	     cap->identifier, problem_code_name(problem->code), problem->detail);
	finish(sub, &given);
}

static void finish_taken(struct submission *sub, bool repeated)
{
	struct gateway_answer given = { .id = sub->draft->id, .repeated = repeated };

	finish(sub, &given);
}

/* A number that orders work; the rule table has the last word on the class, later. */
static int rank_of(const struct cap_alert *cap)
{
	if (cap->msg_type == CAP_MSG_CANCEL)
		return 0;
	if (cap_status_is_drill(cap->status) || !cap->n_infos)
		return 9;
	return 1 + cap->infos[0].severity;
}

static void work_insert(struct submission *sub)
{
	struct submission *other;

	llist_for_each_entry(other, &sub->gw->work, entry) {
		if (other->rank > sub->rank) {
			llist_add_tail(&sub->entry, &other->entry);
			return;
		}
	}
	llist_add_tail(&sub->entry, &sub->gw->work);
}

static void schedule_work(struct gateway *gw)
{
	if (!osmo_timer_pending(&gw->work_timer))
		osmo_timer_schedule(&gw->work_timer, 0, 0);
}

static struct asker *add_asker(struct submission *sub, gateway_answered done, void *data, bool repeated)
{
	struct asker *asker = talloc_zero(sub, struct asker);

	if (!asker)
		return NULL;
	asker->done = done;
	asker->data = data;
	asker->repeated = repeated;
	llist_add_tail(&asker->entry, &sub->askers);
	return asker;
}

static void refuse_at_once(enum problem_code code, const char *why, gateway_answered done, void *data)
{
	struct problem problem;
	struct gateway_answer given = { .problem = code, .why = &problem, .retry_after_s = 5 };

	problem_set(&problem, code, NULL, 0, "%s", why);
	done(&given, data);
}

static int submission_destructor(struct submission *sub)
{
	sub->gw->held_octets -= sub->octets;
	return 0;
}

/* A disk that hangs must not fill the memory. A Cancel is let in all the same: it is small, and it
 * takes something away. */
static bool is_full(const struct gateway *gw, const struct alert_draft *draft)
{
	return gw->held_octets + draft->len > HELD_MAX_OCTETS && draft->cap->msg_type != CAP_MSG_CANCEL;
}

void gateway_submit(struct gateway *gw, struct alert_draft *draft, gateway_answered done, void *data)
{
	struct submission *sub;

	if (is_full(gw, draft)) {
		talloc_free(draft);
		refuse_at_once(PROBLEM_HTTP_TOO_BUSY, "Too many alerts wait for the store.", done, data);
		return;
	}
	sub = talloc_zero(gw, struct submission);
	if (sub) {
		sub->gw = gw;
		sub->octets = draft->len;
		gw->held_octets += sub->octets;
		talloc_set_destructor(sub, submission_destructor);
		INIT_LLIST_HEAD(&sub->askers);
		sub->draft = talloc_steal(sub, draft);
		sub->rank = rank_of(draft->cap);
	}
	if (!sub || !add_asker(sub, done, data, false)) {
		talloc_free(sub ? (void *)sub : draft);
		refuse_at_once(PROBLEM_NO_MEMORY, "There is not enough memory for this alert.", done, data);
		return;
	}
	work_insert(sub);
	schedule_work(gw);
}

static void forget_in(struct llist_head *list, const void *data)
{
	struct submission *sub;
	struct asker *asker;

	llist_for_each_entry(sub, list, entry) {
		llist_for_each_entry(asker, &sub->askers, entry) {
			if (asker->data == data)
				asker->done = NULL;
		}
	}
}

void gateway_forget(struct gateway *gw, void *data)
{
	forget_in(&gw->work, data);
	forget_in(&gw->blocked, data);
	forget_in(&gw->committing, data);
}

/* Repetition */

static void unblock(struct gateway *gw)
{
	struct submission *sub, *next;

	llist_for_each_entry_safe(sub, next, &gw->blocked, entry) {
		llist_del(&sub->entry);
		work_insert(sub);
	}
	schedule_work(gw);
}

/* The same alert is on its way into the store: share its fate. */
static void follow(struct submission *sub, struct submission *first)
{
	struct asker *asker, *next;

	llist_for_each_entry_safe(asker, next, &sub->askers, entry) {
		llist_del(&asker->entry);
		asker->repeated = true;
		talloc_steal(first, asker);
		llist_add_tail(&asker->entry, &first->askers);
	}
	llist_del(&sub->entry);
	talloc_free(sub);
}

/* \returns true if the submission has been dealt with. */
static bool repeated(struct submission *sub)
{
	const struct alert_draft *draft = sub->draft;
	struct alert_known *known = alert_index_find(sub->gw->index, draft->id);
	struct problem problem;

	if (!known)
		return false;
	if (memcmp(known->sha256, draft->sha256, DIGEST_LEN)) {
		problem_set(&problem, PROBLEM_CAP_DUPLICATE, "alert/identifier", 0,
			    "Identifier %s was sent before at the same time with other content.",
			    draft->cap->identifier);
		finish_refused(sub, &problem, 0);
	} else if (known->committed) {
		finish_taken(sub, true);
	} else {
		follow(sub, known->submission);
	}
	return true;
}

static int remember(struct submission *sub)
{
	const struct cap_alert *cap = sub->draft->cap;
	char document[ALERT_ID_LEN + 1];
	struct alert_known *known;

	alert_id_make("", cap->sender, cap->identifier, cap->sent_utc, document);
	known = alert_index_add(sub->gw->index, sub->draft->id, document, sub->draft->sha256);
	if (!known)
		return -ENOMEM;
	known->submission = sub;
	return 0;
}

/* A refusal after remember(): as if it had never been sent. */
static void forget_and_refuse(struct submission *sub, const struct problem *problem, int64_t retry_after_s)
{
	struct gateway *gw = sub->gw;

	alert_index_remove(gw->index, sub->draft->id);
	finish_refused(sub, problem, retry_after_s);
	unblock(gw);
}

/* The stored answer (202) */

static void json_message(struct json *j, const struct message *m)
{
	json_object_begin(j, NULL);
	json_int(j, "nr", m->nr);
	json_string(j, "kind", m->kind == MESSAGE_EMERGENCY ? "emergency" : "text");
	json_int(j, "message_identifier", m->identifier);
	json_int(j, "serial_number", m->serial);
	if (m->kind == MESSAGE_TEXT) {
		json_int(j, "dcs", m->pages.dcs);
		json_int(j, "pages", m->pages.n);
		json_string(j, "language", m->language);
		json_string(j, "text", m->text);
		json_boolean(j, "cut", m->pages.cut);
	} else {
		json_int(j, "warning_type", m->warning_type);
	}
	json_time(j, "expires", m->expires_utc);
	json_object_end(j);
}

static void json_plan(struct json *j, const struct plan *plan)
{
	const struct plan_peer *peers = NULL;
	const struct message *messages = NULL;
	size_t n_peers = 0, n_messages = 0, i;

	if (plan) {
		peers = plan_peers(plan, &n_peers);
		messages = plan_messages(plan, &n_messages);
	}
	json_int(j, "cells", plan ? plan_n_cells(plan) : 0);
	json_array_begin(j, "peers");
	for (i = 0; i < n_peers; i++) {
		json_object_begin(j, NULL);
		json_string(j, "peer", peers[i].peer);
		json_int(j, "cells", peers[i].n);
		json_object_end(j);
	}
	json_array_end(j);
	json_array_begin(j, "messages");
	for (i = 0; i < n_messages; i++)
		json_message(j, &messages[i]);
	json_array_end(j);
}

static void json_advisories(struct json *j, const struct alert_draft *draft)
{
	size_t i;

	json_array_begin(j, "advisories");
	for (i = 0; i < draft->n_advisories; i++) {
		json_object_begin(j, NULL);
		json_string(j, "code", draft->advisories[i].code);
		json_string(j, "detail", draft->advisories[i].detail);
		json_object_end(j);
	}
	json_array_end(j);
}

/* \returns a talloc string, child of the submission. */
static char *make_answer(struct submission *sub)
{
	const struct alert_draft *draft = sub->draft;
	const struct cap_alert *cap = draft->cap;
	char url[64];
	struct json j;
	size_t i;

	json_init(&j, sub);
	json_object_begin(&j, NULL);
	json_string(&j, "id", draft->id);
	json_string(&j, "state", outcome_name(OUTCOME_ACCEPTED));
	snprintf(url, sizeof(url), "/v1/alerts/%s", draft->id);
	json_string(&j, "url", url);
	json_string(&j, "originator", draft->originator);
	json_string(&j, "sender", cap->sender);
	json_string(&j, "identifier", cap->identifier);
	json_time(&j, "sent", cap->sent_utc);
	json_string(&j, "status", cap_status_name(cap->status));
	json_string(&j, "msg_type", cap_msg_type_name(cap->msg_type));
	json_time(&j, "expires", sub->plan ? plan_info(sub->plan)->expires_utc : 0);
	json_string(&j, "language", draft->language);
	json_plan(&j, sub->plan);
	if (cap->msg_type == CAP_MSG_CANCEL) {
		json_array_begin(&j, "cancels");
		for (i = 0; i < sub->n_cancels; i++)
			json_string(&j, NULL, sub->cancels[i]);
		json_array_end(&j);
	}
	json_advisories(&j, draft);
	json_object_end(&j);
	return j.error ? NULL : talloc_strndup(sub, j.buf, j.len);
}

/* Committing */

static int put_alert_row(struct store_txn *txn, struct submission *sub, int64_t ended_utc)
{
	const struct alert_draft *draft = sub->draft;
	const struct cap_alert *cap = draft->cap;
	const struct cap_info *info = sub->plan ? plan_info(sub->plan) : NULL;
	struct alert_row row = {
		.originator = draft->originator,
		.source = draft->source,
		.sender = cap->sender,
		.identifier = cap->identifier,
		.sent_utc = cap->sent_utc,
		.status = cap_status_name(cap->status),
		.msg_type = cap_msg_type_name(cap->msg_type),
		.event = info ? info->event : NULL,
		.headline = info ? info->headline : NULL,
		.language = draft->language,
		.received_utc = sub->now,
		.expires_utc = info ? info->expires_utc : 0,
		.bytes = draft->bytes,
		.n_bytes = draft->len,
		.answer = make_answer(sub),
		.ended_utc = ended_utc,
		.n_cells = sub->plan ? plan_n_cells(sub->plan) : 0,
	};

	if (!row.answer)
		return -ENOMEM;
	OSMO_STRLCPY_ARRAY(row.id, draft->id);
	memcpy(row.sha256, draft->sha256, DIGEST_LEN);
	return store_put_alert(txn, &row);
}

static void advise_peers(struct submission *sub)
{
	const struct plan_peer *peers;
	size_t n, i;

	peers = plan_peers(sub->plan, &n);
	for (i = 0; i < n; i++) {
		if (!peer_by_name(sub->gw->peers, peers[i].peer))
			alert_draft_advise(sub->draft, "peer-not-configured",
					   "Peer %s of %zu cells is not configured: they wait.",
					   peers[i].peer, peers[i].n);
	}
}

static int put_plan(struct store_txn *txn, const struct submission *sub)
{
	const struct ledger_entry *entries = plan_entries(sub->plan);
	const struct delivery *d;
	size_t i;
	int rc = 0;

	for (i = 0; i < sub->alert->n_messages && rc == 0; i++) {
		rc = store_put_message(txn, sub->draft->id, &sub->alert->messages[i]);
		if (rc == 0)
			rc = store_put_ledger(txn, sub->draft->id, &entries[i]);
	}
	llist_for_each_entry(d, &sub->alert->deliveries, in_alert) {
		struct delivery_row row = {
			.message_nr = d->message->nr,
			.peer = d->lane->peer_name,
			.wanted = d->wanted,
			.n = d->n,
			.updated_utc = sub->now,
		};

		OSMO_STRLCPY_ARRAY(row.alert_id, sub->draft->id);
		if (rc == 0)
			rc = store_put_delivery(txn, &row);
	}
	return rc;
}

static int make_deliveries(struct live_alert *alert, const struct plan *plan)
{
	const struct plan_peer *peers;
	struct delivery *d;
	size_t n_peers, i, p;

	peers = plan_peers(plan, &n_peers);
	for (p = 0; p < n_peers; p++) {
		for (i = 0; i < alert->n_messages; i++) {
			d = delivery_alloc(alert, &alert->messages[i], peers[p].peer, peers[p].targets, peers[p].n);
			if (!d)
				return -ENOMEM;
		}
	}
	return 0;
}

/* The alert as it will live, complete but asleep. */
static int make_alert(struct submission *sub)
{
	const struct message *messages;
	struct live_alert *alert;
	size_t i;

	alert = live_alert_alloc(sub->gw, sub->draft->id, sub->draft->originator, sub->draft->cap->sender);
	if (!alert)
		return -ENOMEM;
	sub->alert = alert;
	messages = plan_messages(sub->plan, &alert->n_messages);
	alert->messages = talloc_memdup(alert, messages, alert->n_messages * sizeof(*messages));
	for (i = 0; alert->messages && i < alert->n_messages; i++) {
		struct message *m = &alert->messages[i];

		m->language = talloc_strdup(alert, m->language);
		m->text = m->text ? talloc_strdup(alert, m->text) : NULL;
		if (!m->language || (m->kind == MESSAGE_TEXT && !m->text))
			return -ENOMEM;
	}
	return alert->messages ? make_deliveries(alert, sub->plan) : -ENOMEM;
}

static void store_problem(int rc, struct problem *problem)
{
	if (rc == -ENOSPC)
		problem_set(problem, PROBLEM_STORE_FULL, NULL, 0,
			    "The store has no space left, so the alert cannot be kept; nothing was sent.");
	else if (rc == -ENOMEM)
		problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0, "There is not enough memory for this alert.");
	else
		problem_set(problem, PROBLEM_STORE_UNAVAILABLE, NULL, 0,
			    "The store could not commit (%s); nothing was sent.", strerror(-rc));
}

static void wake_up(struct submission *sub)
{
	struct delivery *d;

	LOGP(DPLAN, LOGL_NOTICE, "alert=%s accepted from originator=%s identifier=%s: %zu cells\n",
	     sub->draft->id, sub->draft->originator, sub->draft->cap->identifier, plan_n_cells(sub->plan));
	llist_del(&sub->alert->entry);
	llist_add_tail(&sub->alert->entry, &sub->gw->alerts);
	llist_for_each_entry(d, &sub->alert->deliveries, in_alert)
		delivery_join(d);
	sub->alert = NULL;
}

/* The Cancel is decided: taken, or as if it had never come. */
static void end_cancel(struct submission *sub, bool taken)
{
	struct live_alert *alert;
	struct delivery *d;
	size_t i;

	for (i = 0; i < sub->n_cancels; i++) {
		alert = live_alert_by_id(sub->gw, sub->cancels[i]);
		if (!alert)
			continue;
		if (taken)
			LOGP(DPLAN, LOGL_NOTICE, "alert=%s cancelled by alert=%s\n", alert->id, sub->draft->id);
		if (alert->cancelling)
			alert->cancelling--;
		alert->cancelled |= taken;
		llist_for_each_entry(d, &alert->deliveries, in_alert)
			delivery_touch(d);
	}
}

static void committed(int rc, void *data)
{
	struct submission *sub = data;
	struct gateway *gw = sub->gw;
	struct alert_known *known;
	struct problem problem;

	gw->store_failing = rc < 0;
	if (rc < 0) {
		store_problem(rc, &problem);
		if (sub->plan)
			plan_give_back(sub->plan, gw->ledger);
		TALLOC_FREE(sub->alert);
		end_cancel(sub, false);
		forget_and_refuse(sub, &problem, 5);
		return;
	}
	known = alert_index_find(gw->index, sub->draft->id);
	if (known) {
		known->committed = true;
		known->submission = NULL;
	}
	if (sub->alert)
		wake_up(sub);
	end_cancel(sub, true);
	finish_taken(sub, false);
	unblock(gw);
}

static void commit(struct submission *sub, struct store_txn *txn)
{
	llist_del(&sub->entry);
	llist_add_tail(&sub->entry, &sub->gw->committing);
	store_commit(sub->gw->store, txn, committed, sub);
}

/* Alert */

static void refuse_plan(struct submission *sub, int rc, struct problem *problem, int64_t retry_after_s)
{
	if (rc == -ENOMEM)
		store_problem(rc, problem);
	TALLOC_FREE(sub->alert);
	forget_and_refuse(sub, problem, retry_after_s);
}

static void commit_alert(struct submission *sub)
{
	struct problem problem = { 0 };
	int64_t retry_after_s = 0;
	struct store_txn *txn;
	int rc = plan_number(sub->plan, sub->gw->ledger, sub->now, &problem, &retry_after_s);

	if (rc < 0) {
		refuse_plan(sub, rc, &problem, retry_after_s);
		return;
	}
	txn = store_txn_alloc(sub->gw->store);
	rc = txn ? make_alert(sub) : -ENOMEM;
	advise_peers(sub);
	if (rc == 0)
		rc = put_alert_row(txn, sub, 0);
	if (rc == 0)
		rc = put_plan(txn, sub);
	if (rc == 0)
		rc = store_put_event(txn, sub->draft->id, sub->now, "accepted", sub->draft->originator);
	if (rc < 0) {
		talloc_free(txn);
		plan_give_back(sub->plan, sub->gw->ledger);
		refuse_plan(sub, rc, &problem, 0);
		return;
	}
	commit(sub, txn);
}

static void work_on_alert(struct submission *sub)
{
	struct gateway *gw = sub->gw;
	struct problem problem = { 0 };
	int rc;

	if (!sub->plan) {
		if (repeated(sub))
			return;
		sub->now = clock_utc();
		if (remember(sub) < 0) {
			store_problem(-ENOMEM, &problem);
			forget_and_refuse(sub, &problem, 0);
			return;
		}
		sub->plan = plan_alloc(sub, sub->draft, gw->profile, gw->cells, sub->now);
		if (!sub->plan) {
			refuse_plan(sub, -ENOMEM, &problem, 0);
			return;
		}
	}
	rc = plan_step(sub->plan, SLICE_US, sub->now, &problem);
	if (rc < 0)
		refuse_plan(sub, rc, &problem, 0);
	else if (rc > 0)
		commit_alert(sub);
}

/* Cancel */

/* What a reference of a Cancel leads to. */
enum reference { REF_FOUND, REF_UNKNOWN, REF_FOREIGN, REF_ON_ITS_WAY };

/* Has the alert been posted, but not been looked at yet? Cancels go before it. */
static bool waits_for_work(const struct gateway *gw, const char *id)
{
	const struct submission *sub;

	llist_for_each_entry(sub, &gw->work, entry) {
		if (!strcmp(sub->draft->id, id))
			return true;
	}
	return false;
}

static enum reference look_up(const struct submission *sub, const struct cap_reference *ref, char *id)
{
	const struct alert_draft *draft = sub->draft;
	const struct alert_known *known;
	char document[ALERT_ID_LEN + 1];

	alert_id_make(draft->originator, ref->sender, ref->identifier, ref->sent_utc, id);
	/* A Cancel that names itself would wait for itself. */
	if (!strcmp(id, draft->id))
		return REF_UNKNOWN;
	known = alert_index_find(sub->gw->index, id);
	if (known && strcmp(ref->sender, draft->cap->sender))
		return REF_FOREIGN;
	if (known)
		return known->committed ? REF_FOUND : REF_ON_ITS_WAY;
	if (waits_for_work(sub->gw, id))
		return REF_ON_ITS_WAY;
	alert_id_make("", ref->sender, ref->identifier, ref->sent_utc, document);
	return alert_index_has_document(sub->gw->index, document) ? REF_FOREIGN : REF_UNKNOWN;
}

static int add_cancel(struct submission *sub, const char *id)
{
	char **cancels = talloc_realloc(sub, sub->cancels, char *, sub->n_cancels + 1);

	if (!cancels)
		return -ENOMEM;
	sub->cancels = cancels;
	cancels[sub->n_cancels] = talloc_strdup(cancels, id);
	if (!cancels[sub->n_cancels])
		return -ENOMEM;
	sub->n_cancels++;
	return 0;
}

static int refuse_reference(const struct submission *sub, const struct cap_reference *ref,
			    enum reference what, struct problem *problem)
{
	unsigned int line = sub->draft->cap->references_line;

	if (what == REF_FOREIGN)
		return problem_set(problem, PROBLEM_ORIGINATOR_FORBIDDEN, "alert/references", line,
				   "%s of %s belongs to another originator or sender; only its own may cancel it.",
				   ref->identifier, ref->sender);
	return problem_set(problem, PROBLEM_CAP_REFERENCE_UNKNOWN, "alert/references", line,
			   "%s of %s is not known here, so nothing can be cancelled.", ref->identifier,
			   ref->sender);
}

/* \returns 1: wait, 0: the references are resolved, negative: refused. */
static int resolve(struct submission *sub, struct problem *problem)
{
	const struct cap_alert *cap = sub->draft->cap;
	const struct cap_reference *unknown = NULL;
	char id[ALERT_ID_LEN + 1];
	size_t i;

	TALLOC_FREE(sub->cancels);
	sub->n_cancels = 0;
	for (i = 0; i < cap->n_references; i++) {
		const struct cap_reference *ref = &cap->references[i];
		enum reference what = look_up(sub, ref, id);

		if (what == REF_FOREIGN)
			return refuse_reference(sub, ref, what, problem);
		if (what == REF_ON_ITS_WAY)
			return 1;
		if (what == REF_UNKNOWN)
			unknown = ref;
		else if (add_cancel(sub, id) < 0)
			return -ENOMEM;
	}
	if (!sub->n_cancels)
		return refuse_reference(sub, unknown, REF_UNKNOWN, problem);
	if (unknown)
		alert_draft_advise(sub->draft, "reference-unknown", "%s of %s is not known here.",
				   unknown->identifier, unknown->sender);
	return 0;
}

static struct live_alert *still_live(const struct submission *sub, size_t i)
{
	struct live_alert *alert = live_alert_by_id(sub->gw, sub->cancels[i]);

	return alert && !alert->cancelled ? alert : NULL;
}

static void advise_ended(struct submission *sub)
{
	size_t i;

	for (i = 0; i < sub->n_cancels; i++) {
		if (!still_live(sub, i))
			alert_draft_advise(sub->draft, "already-ended", "Alert %s was no longer live.",
					   sub->cancels[i]);
	}
}

/* The Cancel takes with it what is known, so that no reader sees a target as never sent to when it
 * was, and nothing more is written until it is decided. */
static int put_cancel(struct store_txn *txn, const struct submission *sub, struct live_alert *alert)
{
	const struct delivery *d;
	int rc = store_put_cancelled(txn, alert->id, sub->draft->id, sub->now);

	if (rc == 0)
		rc = store_put_event(txn, alert->id, sub->now, "cancelled", sub->draft->id);
	llist_for_each_entry(d, &alert->deliveries, in_alert) {
		if (rc == 0 && !llist_empty(&d->in_dirty))
			rc = live_put_evidence(txn, d, sub->now);
	}
	alert->cancelling++;
	return rc;
}

static int put_cancels(struct store_txn *txn, const struct submission *sub)
{
	struct live_alert *alert;
	size_t i;
	int rc = 0;

	for (i = 0; i < sub->n_cancels && rc == 0; i++) {
		alert = still_live(sub, i);
		if (alert)
			rc = put_cancel(txn, sub, alert);
	}
	return rc;
}

static void commit_cancel(struct submission *sub)
{
	struct problem problem = { 0 };
	struct store_txn *txn = store_txn_alloc(sub->gw->store);
	int rc = txn ? remember(sub) : -ENOMEM;

	advise_ended(sub);
	if (rc == 0)
		rc = put_alert_row(txn, sub, sub->now);
	if (rc == 0)
		rc = put_cancels(txn, sub);
	if (rc == 0) {
		commit(sub, txn);
		return;
	}
	talloc_free(txn);
	end_cancel(sub, false);
	refuse_plan(sub, rc, &problem, 0);
}

static void work_on_cancel(struct submission *sub)
{
	struct gateway *gw = sub->gw;
	struct problem problem = { 0 };
	int rc;

	if (repeated(sub))
		return;
	sub->now = clock_utc();
	rc = resolve(sub, &problem);
	if (rc > 0) {
		llist_del(&sub->entry);
		llist_add_tail(&sub->entry, &sub->gw->blocked);
	} else if (rc < 0) {
		if (rc == -ENOMEM)
			store_problem(rc, &problem);
		finish_refused(sub, &problem, 0);
		unblock(gw);
	} else {
		commit_cancel(sub);
	}
}

void submission_work_cb(void *data)
{
	struct gateway *gw = data;
	int64_t until = clock_mono_ms() + SLICE_MS;
	struct submission *sub;

	while (!llist_empty(&gw->work)) {
		sub = llist_entry(gw->work.next, struct submission, entry);
		if (sub->draft->cap->msg_type == CAP_MSG_CANCEL)
			work_on_cancel(sub);
		else
			work_on_alert(sub);
		if (clock_mono_ms() >= until)
			break;
	}
	if (!llist_empty(&gw->work))
		schedule_work(gw);
}
