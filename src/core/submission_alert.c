/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An Alert or Update: its plan, its serial numbers, its transaction, stage by stage. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>

#include "submission.h"

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

static int make_delivery(const struct submission *sub, const struct message *message,
			 const struct plan_peer *peer)
{
	const struct delivery *d = delivery_put_new(sub->txn, sub->alert, message, peer->peer, 0, peer->targets, NULL,
						    peer->n, sub->now);

	return d ? 0 : -ENOMEM;
}

static int plan_begin(struct submission *sub)
{
	int rc = submission_remember(sub);

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
	rc = sub->txn ? submission_make_alert(sub, messages, n) : -ENOMEM;
	advise_peers(sub);
	if (rc == 0)
		rc = submission_put_alert(sub, 0);
	if (rc == 0)
		rc = submission_put_messages(sub);
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

/* An Update ends the alerts that it refers to in its own transaction: the new text is durable, or the old
 * one goes on. */
static int commit_alert(struct submission *sub)
{
	int rc = submission_put_ends(sub);

	if (rc == 0)
		submission_commit(sub);
	return rc;
}

void submission_work_on_alert(struct submission *sub, int64_t until_ms)
{
	struct problem problem = { 0 };
	int64_t retry_after_s = 0;
	int rc = 0;

	if (sub->stage == STAGE_NEW) {
		if (submission_repeated(sub))
			return;
		rc = sub->draft->cap->msg_type == CAP_MSG_UPDATE ? submission_resolve(sub, &problem) : 0;
		if (rc > 0) {
			submission_wait(sub);
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
		submission_refuse(sub, rc, &problem, retry_after_s);
}
