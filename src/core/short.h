/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Short messages of an alert: which there are, and which of them a recipient gets. */

#include <tocsin/core/draft.h>
#include <tocsin/core/message.h>
#include <tocsin/core/sms_rules.h>

/*! Short messages of one alert: one per language. */
#define SHORT_MAX_MESSAGES 16

/*! What people read: headline, description and instruction, each on lines of its own.
 *  \returns a talloc string, or NULL when out of memory. */
char *alert_text(void *ctx, const struct cap_info *info);

/*! Make the short messages of an alert, that of the language which is broadcast first. Info blocks
 *  of other languages count if they say the same (urgency, severity, certainty); one whose text
 *  cannot be sent gets an advisory.
 *  \param[in] broadcast  info block that is broadcast.
 *  \param[in] like       class, drill and expiry of each message are those of this one.
 *  \param[out] messages  room for SHORT_MAX_MESSAGES; what they point to are children of ctx.
 *  \returns their number (0: the rules say never, or there is no sender), or -ENOMEM. */
int short_make(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
	       const struct cap_info *broadcast, const struct message *like, struct message *messages);
/*! The same whatever the class's rule is. */
int short_make_texts(void *ctx, struct alert_draft *draft, const struct sms_rules *rules,
		     const struct cap_info *broadcast, const struct message *like, struct message *messages);
/*! The same of one text for all.
 *  \returns 0, -ENOMEM, or -EINVAL (nothing of the text can be sent). */
int short_make_one(void *ctx, const char *id, const struct sms_rules *rules, const char *text,
		   const char *language, const struct message *like, struct message *message);

/*! The message for a recipient of that language (NULL: unknown): the same tag, else the same
 *  language, else the first.
 *  \returns its index among n messages, n > 0. */
size_t short_choose(const struct message *const *messages, size_t n, const char *language);
