/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Delivery receipts. In version 3.4 their text is the centre's own matter: appendix B describes a
 * usual one, "id:... sub:... dlvrd:... submit date:... done date:... stat:... err:... text:...",
 * and the optional parameters of 5.3.2 say the same where they are there. */

#include <tocsin/codec/smpp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Part of a text that is no string. */
struct span {
	const char *start, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static bool span_is(struct span s, const char *word)
{
	size_t n = s.end - s.start;

	return strlen(word) == n && !strncasecmp(s.start, word, n);
}

static bool starts_with(struct span s, const char *name)
{
	size_t n = strlen(name);

	return (size_t)(s.end - s.start) >= n && !strncasecmp(s.start, name, n);
}

/* What begins with a name of its own, at the start or behind a blank.
 * \returns an empty span at the end if there is none. */
static struct span find_name(struct span text, const char *name)
{
	const char *p;

	for (p = text.start; p < text.end; p++) {
		if (p > text.start && !is_blank(p[-1]))
			continue;
		if (starts_with((struct span){ p, text.end }, name))
			return (struct span){ p, text.end };
	}
	return (struct span){ text.end, text.end };
}

/* The word behind "name:". */
static struct span find_value(struct span text, const char *name)
{
	struct span s = find_name(text, name);

	if (s.start == s.end)
		return s;
	s.start += strlen(name);
	for (s.end = s.start; s.end < text.end && !is_blank(*s.end); s.end++)
		;
	return s;
}

/* The fields before "text:": behind it stands what somebody wrote to somebody. */
static struct span fields_of(const struct smpp_pdu *pdu)
{
	const char *start = (const char *)pdu->short_message;
	struct span all = { start, start + pdu->sm_length };

	return (struct span){ start, find_name(all, "text:").start };
}

static enum smpp_message_state state_of(struct span word)
{
	static const struct {
		const char *word;
		enum smpp_message_state state;
	} states[] = {
		{ "ENROUTE", SMPP_STATE_ENROUTE }, { "DELIVRD", SMPP_STATE_DELIVERED },
		{ "DELIVERED", SMPP_STATE_DELIVERED }, { "EXPIRED", SMPP_STATE_EXPIRED },
		{ "DELETED", SMPP_STATE_DELETED }, { "UNDELIV", SMPP_STATE_UNDELIVERABLE },
		{ "UNDELIVERABLE", SMPP_STATE_UNDELIVERABLE }, { "ACCEPTD", SMPP_STATE_ACCEPTED },
		{ "ACCEPTED", SMPP_STATE_ACCEPTED }, { "UNKNOWN", SMPP_STATE_UNKNOWN },
		{ "REJECTD", SMPP_STATE_REJECTED }, { "REJECTED", SMPP_STATE_REJECTED },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++) {
		if (span_is(word, states[i].word))
			return states[i].state;
	}
	return SMPP_STATE_NONE;
}

/* A state that 3.4 does not know is no state, whatever the text says. */
static enum smpp_message_state receipt_state(const struct smpp_pdu *pdu, struct span fields)
{
	if (!pdu->message_state)
		return state_of(find_value(fields, "stat:"));
	return pdu->message_state <= SMPP_STATE_REJECTED ? pdu->message_state : SMPP_STATE_NONE;
}

static void receipt_id(const struct smpp_pdu *pdu, struct span fields, char *out)
{
	struct span id = find_value(fields, "id:");
	size_t n = id.end - id.start;

	if (pdu->receipted_message_id[0]) {
		memcpy(out, pdu->receipted_message_id, SMPP_MESSAGE_ID_SIZE);
	} else if (n < SMPP_MESSAGE_ID_SIZE) {
		memcpy(out, id.start, n);
		out[n] = '\0';
	}
}

/* Only esm_class tells a receipt from a text that a subscriber wrote. */
bool smpp_receipt_parse(const struct smpp_pdu *pdu, struct smpp_receipt *receipt)
{
	struct span fields = fields_of(pdu);

	*receipt = (struct smpp_receipt){ 0 };
	if (pdu->command != SMPP_DELIVER_SM ||
	    (pdu->esm_class & SMPP_ESM_TYPE_MASK) != SMPP_ESM_RECEIPT)
		return false;
	receipt->state = receipt_state(pdu, fields);
	if (receipt->state == SMPP_STATE_NONE)
		return false;
	receipt_id(pdu, fields, receipt->id);
	receipt->has_reference = pdu->has_user_message_reference;
	receipt->reference = pdu->user_message_reference & 0xff;
	return true;
}

static const char *skip_zeros(const char *s)
{
	while (*s == '0')
		s++;
	return s;
}

static bool number_in(const char *s, int base, unsigned long long *out)
{
	size_t digits = strspn(s, base == 10 ? "0123456789" : "0123456789abcdefABCDEF");

	if (!digits || s[digits])
		return false;
	errno = 0;
	*out = strtoull(s, NULL, base);
	return errno == 0;
}

static bool same_number(const char *hexadecimal, const char *decimal)
{
	unsigned long long a, b;

	return number_in(hexadecimal, 16, &a) && number_in(decimal, 10, &b) && a == b;
}

int smpp_message_id_match(const char *submitted, const char *receipted)
{
	if (!*submitted || !*receipted)
		return 0;
	if (!strcasecmp(skip_zeros(submitted), skip_zeros(receipted)))
		return 2;
	return same_number(submitted, receipted) || same_number(receipted, submitted);
}
