/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! When an alert goes to recipients by short message, and what it looks like: the operator's rules.
 *
 * Plain values that the configuration sets and the gateway owns. What an alert was accepted with
 * (text, sender, parts) is stored with it; when it is sent follows from the rules in force. */

#include <stdbool.h>
#include <stddef.h>

#include <tocsin/core/message.h>
#include <tocsin/core/recipient.h>

/*! Name of the bearer, which all message centres share; no peer may have it. */
#define SMS_BEARER "sms"

enum sms_when {
	SMS_NEVER,
	SMS_ALWAYS,		/*!< to every recipient in a cell of the plan */
	SMS_UNCONFIRMED,	/*!< where no broadcast was confirmed after some time */
};

struct sms_rule {
	enum sms_when when;
	unsigned int after_s;	/*!< SMS_UNCONFIRMED: that time */
	bool entering;		/*!< also to those who come into the area while the alert lives */
};

#define SMS_DEFAULT_PARTS 6
#define SMS_DEFAULT_DRILL_PREFIX "TEST: "

struct sms_rules {
	bool has_sender;
	struct sender_id sender;
	struct sms_rule rule[MESSAGE_CLASS_OTHER + 1];	/*!< by enum message_class */
	unsigned int max_parts;		/*!< 1 to SMS_MAX_PARTS */
	char *drill_prefix;		/*!< before the text of a Test or Exercise; never empty */
	char *cancel_text;		/*!< to those reached, when a Cancel has no text; NULL: a Cancel
					 *   sends nothing */
	bool leave_unknown;		/*!< on-unknown leave: no second copy; else repeat */
};

/*! Never, and everything else at its default; without a sender. NULL when out of memory. */
struct sms_rules *sms_rules_alloc(void *ctx);
/*! "never" etc.; NULL if it is none. */
const char *sms_when_name(enum sms_when when);
