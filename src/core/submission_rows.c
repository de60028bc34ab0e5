/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a submission leaves in the store, and in memory for the time after. */

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "submission.h"

int submission_put_alert(struct submission *sub, int64_t ended_utc)
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
		.expires_utc = submission_expires_utc(sub),
		.bytes = draft->bytes,
		.n_bytes = draft->len,
		.area = draft->area_json,
		.answer = submission_answer(sub),
		.ended_utc = ended_utc,
		.n_cells = sub->plan ? plan_n_cells(sub->plan) : 0,
	};

	if (!row.answer)
		return -ENOMEM;
	OSMO_STRLCPY_ARRAY(row.id, draft->id);
	memcpy(row.sha256, draft->sha256, DIGEST_LEN);
	return store_put_alert(sub->txn, &row);
}

int submission_put_messages(const struct submission *sub)
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

static struct short_message *copy_short(const struct submission *sub, const struct message *message)
{
	struct short_message *sms = talloc_memdup(sub->alert, message->sms, sizeof(*sms));

	if (sms && sms->protocol_id)
		sms->protocol_id = replace_type_for(sub, message);
	return sms;
}

int submission_make_alert(struct submission *sub, const struct message *messages, size_t n)
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
