/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sender ids of short messages: what a person may answer to must be somebody's (ITU-T E.156: using a
 * number that is not assigned is misuse), and a warning does not come from a number that costs. */

#include <tocsin/core/recipient.h>

#include <stdio.h>
#include <string.h>

#include <tocsin/core/e164.h>

/* A TP-Originating-Address of 10 octets has room for 11 septets (3GPP TS 23.040, 9.1.2.5). */
#define MIN_CHARACTERS 3
#define MAX_CHARACTERS 11
#define MIN_SHORT_CODE 3
#define MAX_SHORT_CODE 8

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static int refuse(struct problem *problem, const char *text, const char *why)
{
	return problem_set(problem, PROBLEM_CONFIG, "sender-id", 0, "\"%.40s\": %s", text, why);
}

static int parse_international(const char *text, struct sender_id *id, struct problem *problem)
{
	struct msisdn number;
	enum e164_kind kind;
	const char *why;

	if (msisdn_parse(text, strlen(text), &number, &why) < 0)
		return refuse(problem, text, why);
	msisdn_format(&number, id->text, sizeof(id->text));
	kind = e164_kind(id->text);
	if (!e164_may_send(kind))
		return problem_set(problem, PROBLEM_CONFIG, "sender-id", 0,
				   "\"%s\" belongs to %s: nobody may send from it", text,
				   e164_kind_title(kind));
	id->kind = SENDER_INTERNATIONAL;
	return 0;
}

static int parse_short_code(const char *text, size_t len, struct sender_id *id, struct problem *problem)
{
	if (len < MIN_SHORT_CODE || len > MAX_SHORT_CODE)
		return refuse(problem, text,
			      "a short code has 3 to 8 digits; an international number begins with +");
	id->kind = SENDER_SHORT_CODE;
	memcpy(id->text, text, len + 1);
	return 0;
}

static int parse_alphanumeric(const char *text, size_t len, struct sender_id *id, struct problem *problem)
{
	if (strspn(text, LETTERS DIGITS " ._-") != len)
		return refuse(problem, text, "a name has letters, digits, blank, '.', '_' and '-' only");
	if (len < MIN_CHARACTERS || len > MAX_CHARACTERS)
		return refuse(problem, text, "a name has 3 to 11 characters");
	if (!strpbrk(text, LETTERS))
		return refuse(problem, text, "a name has at least one letter");
	if (text[0] == ' ' || text[len - 1] == ' ')
		return refuse(problem, text, "a name has no blank at its ends");
	id->kind = SENDER_ALPHANUMERIC;
	memcpy(id->text, text, len + 1);
	return 0;
}

int sender_id_parse(const char *text, struct sender_id *id, struct problem *problem)
{
	size_t len = strlen(text);

	*id = (struct sender_id){ 0 };
	if (*text == '+')
		return parse_international(text, id, problem);
	if (len && strspn(text, DIGITS) == len)
		return parse_short_code(text, len, id, problem);
	return parse_alphanumeric(text, len, id, problem);
}

char *sender_id_format(const struct sender_id *id, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", id->kind == SENDER_INTERNATIONAL ? "+" : "", id->text);
	return buf;
}
