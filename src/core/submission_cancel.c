/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A Cancel: what it refers to, what it ends, and the text that follows it to those who have what it ends. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>

#include "submission.h"

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
	if (submission_waits_in(&sub->gw->work, id))
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

int submission_resolve(struct submission *sub, struct problem *problem)
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

struct live_alert *submission_ends(const struct submission *sub, size_t i)
{
	struct live_alert *alert = live_alert_by_id(sub->gw, sub->cancels[i]);

	return alert && !alert->cancelled ? alert : NULL;
}

static void advise_ended(struct submission *sub)
{
	size_t i;

	for (i = 0; i < sub->n_cancels; i++) {
		if (!submission_ends(sub, i))
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

/* Nobody gets it any more whom no link has got yet. */
static void hold_requests(const struct live_alert *alert)
{
	struct delivery *d;

	llist_for_each_entry(d, &alert->deliveries, in_alert)
		requests_recall(d);
}

int submission_put_ends(struct submission *sub)
{
	struct live_alert *alert;
	size_t i;
	int rc = 0;

	for (i = 0; i < sub->n_cancels && rc == 0; i++) {
		alert = submission_ends(sub, i);
		if (alert) {
			hold_requests(alert);
			rc = put_cancel(sub->txn, sub, alert);
		}
		sub->n_held = i + 1;
	}
	return rc;
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
		alerts[n] = submission_ends(sub, i);
		if (alerts[n])
			hold_requests(alerts[n++]);
	}
	rc = recall_make(sub->recall, sub->draft, sub->gw->sms, alerts, n, sub->now, sub->recall);
	talloc_free(alerts);
	if (rc < 0 || !sub->recall->n)
		return rc;
	for (i = 0; i < sub->recall->n; i++)
		messages[i] = sub->recall->parts[i].message;
	return submission_make_alert(sub, messages, sub->recall->n);
}

static int put_recall_part(struct submission *sub, const struct message *message, const struct recall_part *p)
{
	const struct delivery *d;

	if (!p->n)
		return 0;
	d = delivery_put_new(sub->txn, sub->alert, message, SMS_BEARER, 0, p->wanted, p->details, p->n, sub->now);
	return d ? 0 : -ENOMEM;
}

static int put_recall(struct submission *sub)
{
	size_t i;
	int rc = submission_put_messages(sub);

	for (i = 0; i < sub->recall->n && rc == 0; i++)
		rc = put_recall_part(sub, &sub->alert->messages[i], &sub->recall->parts[i]);
	return rc;
}

/* All at once: evidence that is written in between would be overwritten with what is older. */
static int commit_cancel(struct submission *sub)
{
	int rc = submission_remember(sub);

	if (rc < 0)
		return rc;
	sub->stage = STAGE_FILL;
	sub->txn = store_txn_alloc(sub->gw->store);
	advise_ended(sub);
	rc = sub->txn ? make_recall(sub) : -ENOMEM;
	if (rc == 0)
		rc = submission_put_alert(sub, sub->alert ? 0 : sub->now);
	if (rc == 0 && sub->alert)
		rc = put_recall(sub);
	if (rc == 0)
		rc = submission_put_ends(sub);
	if (rc == 0)
		submission_commit(sub);
	return rc;
}

void submission_work_on_cancel(struct submission *sub)
{
	struct problem problem = { 0 };
	int rc;

	if (submission_repeated(sub))
		return;
	sub->now = clock_utc();
	rc = submission_resolve(sub, &problem);
	if (rc > 0) {
		submission_wait(sub);
		return;
	}
	if (rc == 0)
		rc = commit_cancel(sub);
	if (rc < 0)
		submission_refuse(sub, rc, &problem, 0);
}
