/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The answer to an alert that was taken, as it is stored and given again to repetitions. */

#include <stdio.h>

#include <osmocom/core/talloc.h>

#include "submission.h"

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

int64_t submission_expires_utc(const struct submission *sub)
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

char *submission_answer(struct submission *sub)
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
	json_time(&j, "expires", submission_expires_utc(sub));
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
