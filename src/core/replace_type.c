/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Replace types of short messages: which text takes the place of which on a phone. There are seven of them,
 * and every live alert has its own while they last. */

#include <string.h>

#include "submission.h"

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
		old = submission_ends(sub, i);
		for (m = 0; old && m < old->n_messages; m++) {
			const struct message *before = &old->messages[m];

			if (before->sms && before->sms->protocol_id && !strcmp(before->language, message->language))
				return before->sms->protocol_id;
		}
	}
	return 0;
}

uint8_t replace_type_for(const struct submission *sub, const struct message *message)
{
	uint8_t type = sub->draft->cap->msg_type == CAP_MSG_UPDATE ? replaced_type(sub, message) : 0;

	return type ? type : free_replace_type(sub->alert);
}
