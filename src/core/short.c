/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "short.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/talloc.h>

char *alert_text(void *ctx, const struct cap_info *info)
{
	const char *parts[] = { info->headline, info->description, info->instruction };
	char *text = talloc_strdup(ctx, "");
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && text; i++) {
		if (parts[i] && *parts[i])
			text = talloc_asprintf_append(text, "%s%s", *text ? "\n" : "", parts[i]);
	}
	return text;
}

/* Two alerts that a phone collects parts of at the same time should differ in it. It follows from
 * the alert alone, so that a restart does not begin at the same numbers again. */
static uint8_t reference_of(const char *id)
{
	const char hex[] = { id[0], id[0] ? id[1] : '\0', '\0' };

	return strtoul(hex, NULL, 16);
}

int short_make_one(void *ctx, const char *id, const struct sms_rules *rules, const char *text,
		   const char *language, const struct message *like, struct message *message)
{
	struct short_message *sms = talloc_zero(ctx, struct short_message);
	char *whole = talloc_asprintf(sms, "%s%s", like->drill ? rules->drill_prefix : "", text);
	struct problem problem;

	if (!whole || sms_split(whole, rules->max_parts, &sms->parts, &problem) < 0) {
		talloc_free(sms);
		return whole ? -EINVAL : -ENOMEM;
	}
	if (sms->parts.cut)
		whole[sms->parts.text_octets] = '\0';
	sms->sender = rules->sender;
	sms->protocol_id = sms->parts.n == 1 ? MESSAGE_PID_REPLACE : 0;
	sms->reference = reference_of(id);
	*message = (struct message){
		.kind = MESSAGE_SHORT,
		.class = like->class,
		.drill = like->drill,
		.expires_utc = like->expires_utc,
		.language = language,
		.text = whole,
		.sms = sms,
	};
	return 0;
}

static int make_of_info(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
			const struct cap_info *info, const struct message *like, struct message *message)
{
	char *text = alert_text(ctx, info);
	int rc = text ? short_make_one(ctx, draft->id, rules, text, info->language, like, message) : -ENOMEM;

	talloc_free(text);
	if (rc == -EINVAL)
		alert_draft_advise(draft, "short-message-not-made",
				   "Nothing of the text in language %s can be sent as a short message.",
				   info->language);
	else if (rc == 0 && message->sms->parts.cut)
		alert_draft_advise(draft, "short-message-cut",
				   "The text in language %s is longer than %u parts: %zu octets of it are sent.",
				   info->language, rules->max_parts, message->sms->parts.text_octets);
	return rc;
}

static bool says_the_same(const struct cap_info *a, const struct cap_info *b)
{
	return a->urgency == b->urgency && a->severity == b->severity && a->certainty == b->certainty;
}

static bool has_language(const struct message *messages, size_t n, const char *language)
{
	while (n--) {
		if (!strcasecmp(messages[n].language, language))
			return true;
	}
	return false;
}

int short_make(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
	       const struct cap_info *broadcast, const struct message *like, struct message *messages)
{
	if (!rules->has_sender || rules->rule[like->class].when == SMS_NEVER)
		return 0;
	return short_make_texts(ctx, draft, rules, broadcast, like, messages);
}

int short_make_texts(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
		     const struct cap_info *broadcast, const struct message *like, struct message *messages)
{
	const struct cap_alert *cap = draft->cap;
	const struct cap_info *info = broadcast;
	size_t n = 0, i;
	int rc;

	for (i = 0; i <= cap->n_infos && n < SHORT_MAX_MESSAGES; info = &cap->infos[i++]) {
		if (!says_the_same(info, broadcast) || has_language(messages, n, info->language))
			continue;
		rc = make_of_info(ctx, draft, rules, info, like, &messages[n]);
		if (rc == -ENOMEM)
			return rc;
		n += rc == 0;
	}
	return n;
}

static bool same_primary(const char *a, const char *b)
{
	size_t n = strcspn(a, "-");

	return n == strcspn(b, "-") && !strncasecmp(a, b, n);
}

size_t short_choose(const struct message *const *messages, size_t n, const char *language)
{
	size_t i;

	for (i = 0; language && i < n; i++) {
		if (!strcasecmp(messages[i]->language, language))
			return i;
	}
	for (i = 0; language && i < n; i++) {
		if (same_primary(messages[i]->language, language))
			return i;
	}
	return 0;
}
