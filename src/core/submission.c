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

#include "submission.h"

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

void submission_refuse(struct submission *sub, int rc, struct problem *problem, int64_t retry_after_s)
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

bool submission_waits_in(const struct llist_head *list, const char *id)
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
	return alert_index_find(gw->index, id) || submission_waits_in(&gw->work, id) ||
	       submission_waits_in(&gw->blocked, id);
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
bool submission_repeated(struct submission *sub)
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

int submission_remember(struct submission *sub)
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

/* Committing */

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
		submission_refuse(sub, rc, &problem, 5);
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

void submission_commit(struct submission *sub)
{
	sub->stage = STAGE_COMMIT;
	llist_del(&sub->entry);
	llist_add_tail(&sub->entry, &sub->gw->committing);
	store_commit(sub->gw->store, sub->txn, committed, sub);
}

void submission_wait(struct submission *sub)
{
	llist_del(&sub->entry);
	llist_add_tail(&sub->entry, &sub->gw->blocked);
}

/* Work */

void submission_work_cb(void *data)
{
	struct gateway *gw = data;
	int64_t until = clock_mono_ms() + SLICE_MS;
	struct submission *sub;

	while (!llist_empty(&gw->work)) {
		sub = llist_entry(gw->work.next, struct submission, entry);
		if (sub->draft->cap->msg_type == CAP_MSG_CANCEL)
			submission_work_on_cancel(sub);
		else
			submission_work_on_alert(sub, until);
		if (clock_mono_ms() >= until)
			break;
	}
	if (!llist_empty(&gw->work))
		schedule_work(gw);
}
