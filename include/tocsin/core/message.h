/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A message: content × message identifier × serial number. Immutable once made. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/codec/cbs.h>
#include <tocsin/codec/sms.h>
#include <tocsin/core/recipient.h>

enum message_kind {
	MESSAGE_TEXT = 1,	/*!< pages of text, repeated */
	MESSAGE_EMERGENCY,	/*!< ETWS primary notification: a warning type and no text */
	MESSAGE_SHORT,		/*!< short message to recipients, once to each */
};

/*! TP-PID "replace short message type 1" to "type 7": a phone replaces what it has of the same sender
 *  with the same PID (3GPP TS 23.040, 9.2.3.9). No two live alerts have the same. */
#define MESSAGE_PID_REPLACE 0x41
#define MESSAGE_N_PID_REPLACE 7

/*! What a short message has beyond its text in UTF-8. */
struct short_message {
	struct sms_text parts;
	struct sender_id sender;	/*!< as configured when the alert was accepted */
	uint8_t protocol_id;		/*!< TP-PID: a replace type of one part, 0 of several */
	uint8_t reference;		/*!< of concatenated parts, and a hint in receipts */
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
	struct cbs_pages pages;		/*!< of a text; else n = 0 */
	const struct short_message *sms;	/*!< of a short message; else NULL. Its identifier and
						 *   serial number are 0 */
};

/*! "text", "emergency", "short". */
static inline const char *message_kind_name(enum message_kind kind)
{
	return kind == MESSAGE_EMERGENCY ? "emergency" : kind == MESSAGE_SHORT ? "short" : "text";
}

/*! Is this message wanted on air at that time? The one rule for it: its alert is not cancelled and
 *  its life has not ended. */
static inline bool message_on(const struct message *message, bool cancelled, int64_t now)
{
	return !cancelled && now < message->expires_utc;
}
