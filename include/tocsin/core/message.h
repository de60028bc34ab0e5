/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A message: content × message identifier × serial number. Immutable once made. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/codec/cbs.h>

enum message_kind {
	MESSAGE_TEXT = 1,	/*!< pages of text, repeated */
	MESSAGE_EMERGENCY,	/*!< ETWS primary notification: a warning type and no text */
};

/*! Priority classes: lower goes first. */
enum message_class {
	MESSAGE_CLASS_NATIONAL = 1,	/*!< national, ETWS primary, extreme and immediate */
	MESSAGE_CLASS_SEVERE,		/*!< other extreme and severe */
	MESSAGE_CLASS_OTHER,		/*!< information, drills */
};

struct message {
	unsigned int nr;		/*!< within its alert, from 1 */
	enum message_kind kind;
	enum message_class class;
	bool drill;			/*!< status Test or Exercise: never on a live identifier */
	uint16_t identifier;		/*!< message identifier (23.041, 9.4.1.2.2) */
	uint16_t serial;
	uint16_t warning_type;		/*!< emergency only */
	int64_t expires_utc;		/*!< not on air at and after this second */
	const char *language;		/*!< RFC 3066 tag */
	const char *text;		/*!< UTF-8, as broadcast (after any cut) */
	struct cbs_pages pages;		/*!< n = 0 for emergency */
};

/*! Is this message wanted on air at that time? The one rule for it: its alert is not cancelled and
 *  its life has not ended. */
static inline bool message_on(const struct message *message, bool cancelled, int64_t now)
{
	return !cancelled && now < message->expires_utc;
}
