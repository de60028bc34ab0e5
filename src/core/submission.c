/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An alert's way from the draft to the commit, on the loop.
 *
 * Submissions wait in one list, cancels first, and are worked on in slices of at most 20 ms, stage
 * by stage; whatever is more urgent goes in between. A submission is answered exactly once: when it
 * is refused, or when its commit has ended. Everything that will be needed after the commit is
 * allocated before it, so that nothing can fail between the durable promise and its delivery.
 *
 * One whose askers were all told that it was not taken is withdrawn, unless the writer has begun
 * it: then only the end of that commit decides, and a repetition learns what became of it. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "core.h"
#include "recall.h"

#define SLICE_MS 20
/* Octets of all documents that are on their way into the store. */
#define HELD_MAX_OCTETS (64u << 20)
/* A Cancel up to that length has room beyond it. */
#define CANCEL_ALWAYS_OCTETS (64u << 10)

/* Somebody who waits for the answer. */
struct asker {
	struct llist_head entry;
	gateway_answered done;
	void *data;
	bool repeated;
};

/* How far a submission is; each stage has something to give back when it goes no further. */
enum stage {
	STAGE_NEW,	/* waits for its turn, or a Cancel for the commit of its alert */
	STAGE_PLAN,	/* in the index; its cells are searched */
	STAGE_FILL,	/* has its serial numbers; its transaction is filled */
	STAGE_COMMIT,	/* the transaction is the store's */
};

struct submission {
	struct llist_head entry;
	struct gateway *gw;
	struct alert_draft *draft;
	struct llist_head askers;
	size_t octets;			/* that the draft holds */
	int rank;			/* 0 = cancel; else the more urgent the lower */
	enum stage stage;
	struct plan *plan;
	struct live_alert *alert;	/* made, waits for the commit */
	struct store_txn *txn;
	size_t n_filled;		/* peers of the plan whose deliveries are in it */
	char **cancels;			/* ids of live alerts that this one ends */
	size_t n_cancels;
	size_t n_held;			/* the first of these: nothing new is written meanwhile */
	struct recall *recall;		/* of a Cancel that people are told of */
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
	if (sub->stage < STAGE_COMMIT)
		talloc_free(sub->txn);
	return 0;
}

/* The document and what was rendered from it. */
static size_t draft_octets(const struct alert_draft *draft)
{
	return draft->len + (draft->area_json ? strlen(draft->area_json) : 0);
}

/* A disk that hangs must not fill the memory. A Cancel of a usual size is let in all the same: it
 * takes something away. */
static bool is_full(const struct gateway *gw, const struct alert_draft *draft)
{
	if (draft->cap->msg_type == CAP_MSG_CANCEL && draft->len <= CANCEL_ALWAYS_OCTETS)
		return false;
	return gw->held_octets + draft_octets(draft) > HELD_MAX_OCTETS;
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
		sub->octets = draft_octets(draft);
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

/* Undoing */

/* Cancels that waited for something which has been decided now. */
static void unblock(struct gateway *gw)
{
	struct submission *sub, *next;

	llist_for_each_entry_safe(sub, next, &gw->blocked, entry) {
		llist_del(&sub->entry);
		work_insert(sub);
	}
	schedule_work(gw);
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
		if (i < sub->n_held && alert->cancelling)
			alert->cancelling--;
		alert->cancelled |= taken;
		llist_for_each_entry(d, &alert->deliveries, in_alert)
			delivery_touch(d);
	}
}

/* Give back all that was taken for it, as if it had never been sent. */
static void undo(struct submission *sub)
{
	if (sub->stage >= STAGE_FILL) {
		if (sub->plan)
			plan_give_back(sub->plan, sub->gw->ledger);
		end_cancel(sub, false);
	}
	if (sub->stage >= STAGE_PLAN)
		alert_index_remove(sub->gw->index, sub->draft->id);
	TALLOC_FREE(sub->alert);
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

/* \param[in] rc  what stopped it: of -EINVAL and -EBUSY the problem is set already. */
static void refuse(struct submission *sub, int rc, struct problem *problem, int64_t retry_after_s)
{
	struct gateway *gw = sub->gw;

	if (rc == -ENOMEM)
		store_problem(rc, problem);
	undo(sub);
	finish_refused(sub, problem, retry_after_s);
	unblock(gw);
}

/* Nobody waits for it any more, and all who did were told that it was not taken. A Cancel is no
 * exception: a warning that stays on air until it is cancelled again does less harm than one that
 * goes while its sender believes it on air. */
static void withdraw(struct submission *sub)
{
	struct gateway *gw = sub->gw;

	LOGP(DPLAN, LOGL_NOTICE, "originator=%s identifier=%s withdrawn: not taken in time\n",
	     sub->draft->originator, sub->draft->cap->identifier);
	undo(sub);
	llist_del(&sub->entry);
	talloc_free(sub);
	unblock(gw);
}

static void asker_gone(struct submission *sub, struct asker *asker)
{
	llist_del(&asker->entry);
	talloc_free(asker);
	if (!llist_empty(&sub->askers))
		return;
	if (sub->stage < STAGE_COMMIT || store_withdraw(sub->txn) == 0)
		withdraw(sub);
}

static struct asker *asker_find(const struct submission *sub, const void *data)
{
	struct asker *asker;

	llist_for_each_entry(asker, &sub->askers, entry) {
		if (asker->data == data)
			return asker;
	}
	return NULL;
}

void gateway_forget(struct gateway *gw, void *data)
{
	struct llist_head *const lists[] = { &gw->work, &gw->blocked, &gw->committing };
	struct submission *sub;
	struct asker *asker;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		llist_for_each_entry(sub, lists[i], entry) {
			asker = asker_find(sub, data);
			if (asker) {
				asker_gone(sub, asker);
				return;
			}
		}
	}
}

/* Has an alert been posted, but not been decided yet? */
static bool waits_in(const struct llist_head *list, const char *id)
{
	const struct submission *sub;

	llist_for_each_entry(sub, list, entry) {
		if (!strcmp(sub->draft->id, id))
			return true;
	}
	return false;
}

bool gateway_knows(const struct gateway *gw, const char *id)
{
	return alert_index_find(gw->index, id) || waits_in(&gw->work, id) || waits_in(&gw->blocked, id);
}

/* Repetition */

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
	sub->stage = STAGE_PLAN;
	return 0;
}

/* The stored answer (202) */

static void json_short(struct json *j, const struct message *m)
{
	const struct short_message *sms = m->sms;
	char sender[SENDER_ID_TEXT_LEN];

	json_string(j, "sender_id", sender_id_format(&sms->sender, sender, sizeof(sender)));
	json_string(j, "alphabet", sms->parts.alphabet == SMS_GSM7 ? "gsm7" : "ucs2");
	json_int(j, "parts", sms->parts.n);
	json_string(j, "language", m->language);
	json_string(j, "text", m->text);
	json_boolean(j, "cut", sms->parts.cut);
}

static void json_broadcast(struct json *j, const struct message *m)
{
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
}

static void json_message(struct json *j, const struct message *m)
{
	json_object_begin(j, NULL);
	json_int(j, "nr", m->nr);
	json_string(j, "kind", message_kind_name(m->kind));
	if (m->kind == MESSAGE_SHORT)
		json_short(j, m);
	else
		json_broadcast(j, m);
	json_time(j, "expires", m->expires_utc);
	json_object_end(j);
}

/* 0: of a Cancel that nobody is told of. */
static int64_t expires_utc(const struct submission *sub)
{
	if (sub->plan)
		return plan_info(sub->plan)->expires_utc;
	return sub->recall && sub->recall->n ? sub->recall->expires_utc : 0;
}

static void json_plan(struct json *j, const struct submission *sub)
{
	const struct plan *plan = sub->plan;
	const struct plan_peer *peers = NULL;
	const struct message *messages = NULL;
	size_t n_peers = 0, n_messages = 0, i;

	if (plan) {
		peers = plan_peers(plan, &n_peers);
		messages = plan_messages(plan, &n_messages);
	} else if (sub->alert) {
		messages = sub->alert->messages;
		n_messages = sub->alert->n_messages;
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
	json_time(&j, "expires", expires_utc(sub));
	json_string(&j, "language", draft->language);
	json_plan(&j, sub);
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
		.expires_utc = expires_utc(sub),
		.bytes = draft->bytes,
		.n_bytes = draft->len,
		.area = draft->area_json,
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

static int put_messages(const struct submission *sub)
{
	const struct ledger_entry *entries = sub->plan ? plan_entries(sub->plan) : NULL;
	size_t i;
	int rc = 0;

	for (i = 0; i < sub->alert->n_messages && rc == 0; i++) {
		rc = store_put_message(sub->txn, sub->draft->id, &sub->alert->messages[i]);
		if (rc == 0 && sub->alert->messages[i].kind != MESSAGE_SHORT)
			rc = store_put_ledger(sub->txn, sub->draft->id, &entries[i]);
	}
	return rc;
}

/* An alert that this one ends, unless it has ended already. */
static struct live_alert *still_live(const struct submission *sub, size_t i)
{
	struct live_alert *alert = live_alert_by_id(sub->gw, sub->cancels[i]);

	return alert && !alert->cancelled ? alert : NULL;
}

/* As bits: which replace types the texts of an alert have. */
static unsigned int types_of(const struct live_alert *alert)
{
	unsigned int used = 0, type;
	size_t i;

	for (i = 0; i < alert->n_messages; i++) {
		const struct message *m = &alert->messages[i];

		type = m->sms ? m->sms->protocol_id - MESSAGE_PID_REPLACE : MESSAGE_N_PID_REPLACE;
		if (type < MESSAGE_N_PID_REPLACE)
			used |= 1u << type;
	}
	return used;
}

static unsigned int types_on_their_way(const struct llist_head *list, const struct live_alert *but)
{
	const struct submission *sub;
	unsigned int used = 0;

	llist_for_each_entry(sub, list, entry) {
		if (sub->alert && sub->alert != but)
			used |= types_of(sub->alert);
	}
	return used;
}

/* A text takes the place of the one that a phone has of its type (3GPP TS 23.040, 9.2.3.9). That must
 * be no other alert's, or the phone would forget a warning that still holds.
 * \returns 0 when all types are taken: then a second copy stands beside the first. */
static uint8_t free_replace_type(const struct live_alert *alert)
{
	const struct gateway *gw = alert->gw;
	const struct live_alert *other;
	unsigned int used, i, type;

	used = types_on_their_way(&gw->work, alert) | types_on_their_way(&gw->committing, alert);
	llist_for_each_entry(other, &gw->alerts, entry)
		used |= types_of(other);
	for (i = 0; i < MESSAGE_N_PID_REPLACE; i++) {
		type = (alert->order + i) % MESSAGE_N_PID_REPLACE;
		if (!(used >> type & 1))
			return MESSAGE_PID_REPLACE + type;
	}
	return 0;
}

/* The text of an Update takes the place of the one before it in the same language. Both have one part,
 * since only then they have a type. \returns 0: there is none to take the place of. */
static uint8_t replaced_type(const struct submission *sub, const struct message *message)
{
	const struct live_alert *old;
	size_t i, m;

	for (i = 0; i < sub->n_cancels; i++) {
		old = still_live(sub, i);
		for (m = 0; old && m < old->n_messages; m++) {
			const struct message *before = &old->messages[m];

			if (before->sms && before->sms->protocol_id && !strcmp(before->language, message->language))
				return before->sms->protocol_id;
		}
	}
	return 0;
}

static struct short_message *copy_short(const struct submission *sub, const struct message *message)
{
	struct short_message *sms = talloc_memdup(sub->alert, message->sms, sizeof(*sms));
	uint8_t type = 0;

	if (!sms || !sms->protocol_id)
		return sms;
	if (sub->draft->cap->msg_type == CAP_MSG_UPDATE)
		type = replaced_type(sub, message);
	sms->protocol_id = type ? type : free_replace_type(sub->alert);
	return sms;
}

/* The alert as it will live, asleep, still without deliveries. */
static int make_alert(struct submission *sub, const struct message *messages, size_t n)
{
	struct live_alert *alert;
	size_t i;

	alert = live_alert_alloc(sub->gw, sub->draft->id, sub->draft->originator, sub->draft->cap->sender);
	if (!alert)
		return -ENOMEM;
	sub->alert = alert;
	alert->received_utc = sub->now;
	alert->n_messages = n;
	alert->messages = talloc_memdup(alert, messages, n * sizeof(*messages));
	for (i = 0; alert->messages && i < alert->n_messages; i++) {
		struct message *m = &alert->messages[i];

		m->language = talloc_strdup(alert, m->language);
		m->text = m->text ? talloc_strdup(alert, m->text) : NULL;
		m->sms = m->sms ? copy_short(sub, m) : NULL;
		if (!m->language || (m->kind != MESSAGE_EMERGENCY && !m->text) ||
		    (m->kind == MESSAGE_SHORT && !m->sms))
			return -ENOMEM;
	}
	return alert->messages ? 0 : -ENOMEM;
}

static int make_delivery(const struct submission *sub, const struct message *message,
			 const struct plan_peer *peer)
{
	return delivery_put_new(sub->txn, sub->alert, message, peer->peer, 0, peer->targets, NULL, peer->n, sub->now) ?
	       0 : -ENOMEM;
}

/* First of all, it goes out. */
static void wake_up(struct submission *sub)
{
	llist_del(&sub->alert->entry);
	llist_add_tail(&sub->alert->entry, &sub->gw->alerts);
	sub->alert->follow = follow_up_applies(sub->alert);
	live_alert_begin(sub->alert);
	if (sub->alert->follow)
		follow_up_wake(sub->gw);
	LOGP(DPLAN, LOGL_NOTICE, "alert=%s accepted from originator=%s identifier=%s: %zu cells\n",
	     sub->draft->id, sub->draft->originator, sub->draft->cap->identifier,
	     sub->plan ? plan_n_cells(sub->plan) : 0);
	sub->alert = NULL;
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
		refuse(sub, rc, &problem, 5);
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

static void commit(struct submission *sub)
{
	sub->stage = STAGE_COMMIT;
	llist_del(&sub->entry);
	llist_add_tail(&sub->entry, &sub->gw->committing);
	store_commit(sub->gw->store, sub->txn, committed, sub);
}

/* Alert */

static int plan_begin(struct submission *sub)
{
	int rc = remember(sub);

	if (rc < 0)
		return rc;
	sub->now = clock_utc();
	sub->plan = plan_alloc(sub, sub->draft, sub->gw->profile, sub->gw->sms,
			       sub->gw->cells, sub->now);
	return sub->plan ? 0 : -ENOMEM;
}

static int fill_begin(struct submission *sub, struct problem *problem, int64_t *retry_after_s)
{
	int rc = plan_number(sub->plan, sub->gw->ledger, sub->now, problem, retry_after_s);
	const struct message *messages;
	size_t n;

	if (rc < 0)
		return rc;
	sub->stage = STAGE_FILL;
	sub->txn = store_txn_alloc(sub->gw->store);
	messages = plan_messages(sub->plan, &n);
	rc = sub->txn ? make_alert(sub, messages, n) : -ENOMEM;
	advise_peers(sub);
	if (rc == 0)
		rc = put_alert_row(sub->txn, sub, 0);
	if (rc == 0)
		rc = put_messages(sub);
	if (rc == 0)
		rc = store_put_event(sub->txn, sub->draft->id, sub->now, "accepted", sub->draft->originator);
	return rc;
}

/* \returns 1 done, 0 more to do, negative: no memory. */
static int fill_step(struct submission *sub, int64_t until_ms)
{
	const struct plan_peer *peers;
	size_t n_peers, i;
	int rc = 0;

	peers = plan_peers(sub->plan, &n_peers);
	while (sub->n_filled < n_peers) {
		for (i = 0; i < sub->alert->n_messages && rc == 0; i++) {
			/* Of short messages the recipients come later. */
			if (sub->alert->messages[i].kind != MESSAGE_SHORT)
				rc = make_delivery(sub, &sub->alert->messages[i], &peers[sub->n_filled]);
		}
		if (rc < 0)
			return rc;
		sub->n_filled++;
		if (clock_mono_ms() >= until_ms)
			break;
	}
	return sub->n_filled == n_peers;
}

static unsigned int left_us(int64_t until_ms)
{
	int64_t left_ms = until_ms - clock_mono_ms();

	return left_ms > 0 ? left_ms * 1000 : 0;
}

/* Cancel */

/* What a reference of a Cancel leads to. */
enum reference { REF_FOUND, REF_UNKNOWN, REF_FOREIGN, REF_ON_ITS_WAY };

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
	/* Cancels go before it. */
	if (waits_in(&sub->gw->work, id))
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

static int put_cancels(struct store_txn *txn, struct submission *sub)
{
	struct live_alert *alert;
	size_t i;
	int rc = 0;

	for (i = 0; i < sub->n_cancels && rc == 0; i++) {
		alert = still_live(sub, i);
		if (alert)
			rc = put_cancel(txn, sub, alert);
		sub->n_held = i + 1;
	}
	return rc;
}

/* Nobody gets it any more whom no link has got yet. */
static void hold_requests(const struct live_alert *alert)
{
	struct delivery *d;

	llist_for_each_entry(d, &alert->deliveries, in_alert)
		requests_recall(d);
}

/* Those who have the text of what is cancelled are told by one of its own. */
static int make_recall(struct submission *sub)
{
	struct live_alert **alerts = talloc_array(sub, struct live_alert *, sub->n_cancels + 1);
	struct message messages[SHORT_MAX_MESSAGES];
	size_t i, n = 0;
	int rc;

	sub->recall = talloc_zero(sub, struct recall);
	if (!alerts || !sub->recall)
		return -ENOMEM;
	for (i = 0; i < sub->n_cancels; i++) {
		alerts[n] = still_live(sub, i);
		if (alerts[n])
			hold_requests(alerts[n++]);
	}
	rc = recall_make(sub->recall, sub->draft, sub->gw->sms, alerts, n, sub->now, sub->recall);
	talloc_free(alerts);
	if (rc < 0 || !sub->recall->n)
		return rc;
	for (i = 0; i < sub->recall->n; i++)
		messages[i] = sub->recall->parts[i].message;
	return make_alert(sub, messages, sub->recall->n);
}

static int put_recall_part(struct submission *sub, const struct message *message, const struct recall_part *p)
{
	if (!p->n)
		return 0;
	return delivery_put_new(sub->txn, sub->alert, message, SMS_BEARER, 0, p->wanted, p->details, p->n, sub->now) ?
	       0 : -ENOMEM;
}

static int put_recall(struct submission *sub)
{
	size_t i;
	int rc = put_messages(sub);

	for (i = 0; i < sub->recall->n && rc == 0; i++)
		rc = put_recall_part(sub, &sub->alert->messages[i], &sub->recall->parts[i]);
	return rc;
}

/* All at once: evidence that is written in between would be overwritten with what is older. */
static int commit_cancel(struct submission *sub)
{
	int rc = remember(sub);

	if (rc < 0)
		return rc;
	sub->stage = STAGE_FILL;
	sub->txn = store_txn_alloc(sub->gw->store);
	advise_ended(sub);
	rc = sub->txn ? make_recall(sub) : -ENOMEM;
	if (rc == 0)
		rc = put_alert_row(sub->txn, sub, sub->alert ? 0 : sub->now);
	if (rc == 0 && sub->alert)
		rc = put_recall(sub);
	if (rc == 0)
		rc = put_cancels(sub->txn, sub);
	if (rc == 0)
		commit(sub);
	return rc;
}

static void wait_for_reference(struct submission *sub)
{
	llist_del(&sub->entry);
	llist_add_tail(&sub->entry, &sub->gw->blocked);
}

static void work_on_cancel(struct submission *sub)
{
	struct problem problem = { 0 };
	int rc;

	if (repeated(sub))
		return;
	sub->now = clock_utc();
	rc = resolve(sub, &problem);
	if (rc > 0) {
		wait_for_reference(sub);
		return;
	}
	if (rc == 0)
		rc = commit_cancel(sub);
	if (rc < 0)
		refuse(sub, rc, &problem, 0);
}

/* Alert and Update */

/* An Update ends the alerts that it refers to in its own transaction: the new text is durable, or the old
 * one goes on. */
static int commit_alert(struct submission *sub)
{
	struct live_alert *old;
	size_t i;
	int rc;

	for (i = 0; i < sub->n_cancels; i++) {
		old = still_live(sub, i);
		if (old)
			hold_requests(old);
	}
	rc = put_cancels(sub->txn, sub);
	if (rc == 0)
		commit(sub);
	return rc;
}

static void work_on_alert(struct submission *sub, int64_t until_ms)
{
	struct problem problem = { 0 };
	int64_t retry_after_s = 0;
	int rc = 0;

	if (sub->stage == STAGE_NEW) {
		if (repeated(sub))
			return;
		rc = sub->draft->cap->msg_type == CAP_MSG_UPDATE ? resolve(sub, &problem) : 0;
		if (rc > 0) {
			wait_for_reference(sub);
			return;
		}
		if (rc == 0)
			rc = plan_begin(sub);
	}
	if (rc == 0 && sub->stage == STAGE_PLAN) {
		rc = plan_step(sub->plan, left_us(until_ms), sub->now, &problem);
		if (rc > 0)
			rc = fill_begin(sub, &problem, &retry_after_s);
	} else if (rc == 0) {
		rc = fill_step(sub, until_ms);
		if (rc > 0)
			rc = commit_alert(sub);
	}
	if (rc < 0)
		refuse(sub, rc, &problem, retry_after_s);
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
			work_on_alert(sub, until);
		if (clock_mono_ms() >= until)
			break;
	}
	if (!llist_empty(&gw->work))
		schedule_work(gw);
}
