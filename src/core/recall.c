/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "recall.h"

#include <errno.h>
#include <stdlib.h>

#include <osmocom/core/talloc.h>

/* It should be read even if the alert would have ended by itself by now. */
#define RECALL_MIN_LIFE_S 600

/* Somebody whom the alert has reached, and in which language. */
struct reached {
	struct target imsi;
	struct recipient_detail detail;
	const char *language;
};

struct list {
	struct reached *all;
	size_t n;
};

static bool may_have_it(const struct evidence *e)
{
	return e->flags & EVIDENCE_MAYBE_ON_AIR;
}

static size_t count_recipients(struct live_alert *const *alerts, size_t n_alerts)
{
	const struct delivery *d;
	size_t i, n = 0;

	for (i = 0; i < n_alerts; i++) {
		llist_for_each_entry(d, &alerts[i]->deliveries, in_alert)
			n += d->details ? d->n : 0;
	}
	return n;
}

static void add_reached(struct list *list, const struct delivery *d)
{
	size_t i;

	for (i = 0; d->details && i < d->n; i++) {
		if (may_have_it(&d->evidence[i]))
			list->all[list->n++] = (struct reached){
				.imsi = d->wanted[i], .detail = d->details[i], .language = d->message->language,
			};
	}
}

static int by_imsi(const void *a, const void *b)
{
	return target_compare(&((const struct reached *)a)->imsi, &((const struct reached *)b)->imsi);
}

/* Each once, whatever number of alerts the Cancel ends. */
static void sort_unique(struct list *list)
{
	size_t i, n = 0;

	qsort(list->all, list->n, sizeof(*list->all), by_imsi);
	for (i = 0; i < list->n; i++) {
		if (!n || by_imsi(&list->all[n - 1], &list->all[i]))
			list->all[n++] = list->all[i];
	}
	list->n = n;
}

static int find_reached(void *ctx, struct live_alert *const *alerts, size_t n_alerts, struct list *list)
{
	const struct delivery *d;
	size_t i;

	list->all = talloc_array(ctx, struct reached, count_recipients(alerts, n_alerts));
	if (!list->all)
		return -ENOMEM;
	for (i = 0; i < n_alerts; i++) {
		llist_for_each_entry(d, &alerts[i]->deliveries, in_alert)
			add_reached(list, d);
	}
	sort_unique(list);
	return 0;
}

/* Class, drill and end are those of what it takes back. */
static bool like_those(struct live_alert *const *alerts, size_t n_alerts, int64_t now, struct message *like)
{
	bool found = false;
	size_t i, m;

	*like = (struct message){ .class = MESSAGE_CLASS_OTHER, .expires_utc = now + RECALL_MIN_LIFE_S };
	for (i = 0; i < n_alerts; i++) {
		for (m = 0; m < alerts[i]->n_messages; m++) {
			const struct message *message = &alerts[i]->messages[m];

			if (message->kind != MESSAGE_SHORT)
				continue;
			found = true;
			like->drill |= message->drill;
			like->class = OSMO_MIN(like->class, message->class);
			like->expires_utc = OSMO_MAX(like->expires_utc, message->expires_utc);
		}
	}
	return found;
}

/* \returns the number of messages, or -ENOMEM. */
static int make_messages(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
			 const struct message *like, struct message *messages)
{
	const struct cap_alert *cap = draft->cap;
	int n = 0, rc;

	if (cap->n_infos)
		n = short_make_texts(ctx, draft, rules, &cap->infos[0], like, messages);
	if (n)
		return n;
	rc = short_make_one(ctx, draft->id, rules, rules->cancel_text, "", like, messages);
	return rc == -ENOMEM ? rc : rc == 0;
}

static int share_out(void *ctx, const struct list *list, struct recall *recall)
{
	const struct message *messages[SHORT_MAX_MESSAGES];
	size_t i;

	for (i = 0; i < recall->n; i++) {
		struct recall_part *p = &recall->parts[i];

		messages[i] = &p->message;
		p->wanted = talloc_array(ctx, struct target, list->n);
		p->details = talloc_array(ctx, struct recipient_detail, list->n);
		if (!p->wanted || !p->details)
			return -ENOMEM;
	}
	for (i = 0; i < list->n; i++) {
		const struct reached *r = &list->all[i];
		struct recall_part *p = &recall->parts[short_choose(messages, recall->n, r->language)];

		p->wanted[p->n] = r->imsi;
		p->details[p->n++] = r->detail;
	}
	return 0;
}

int recall_make(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
		struct live_alert *const *alerts, size_t n_alerts, int64_t now, struct recall *recall)
{
	struct message messages[SHORT_MAX_MESSAGES], like;
	struct list list = { 0 };
	int rc, i;

	recall->n = 0;
	if (!rules->cancel_text || !rules->has_sender || !like_those(alerts, n_alerts, now, &like))
		return 0;
	rc = find_reached(ctx, alerts, n_alerts, &list);
	if (rc < 0 || !list.n)
		return rc;
	rc = make_messages(ctx, draft, rules, &like, messages);
	for (i = 0; i < rc; i++)
		recall->parts[i] = (struct recall_part){ .message = messages[i] };
	for (i = 0; i < rc; i++)
		recall->parts[i].message.nr = i + 1;
	recall->expires_utc = like.expires_utc;
	if (rc > 0) {
		recall->n = rc;
		rc = share_out(ctx, &list, recall);
	}
	talloc_free(list.all);
	return rc < 0 ? rc : 0;
}
