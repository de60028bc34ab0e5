/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Receipts: whose are they? (appendix B; 5.3.2)
 *
 * Core knows the message ids that submits were answered with, in one form ("handles"). A receipt
 * that has such an id is its recipient's, unless it comes from somebody else. Some centres give
 * hexadecimal ids and send receipts with decimal ones, or the other way round: there the receipt's
 * address must be the recipient's, and from then on always, since an id of one message may be
 * another one's in the other base. OsmoMSC gives no ids at all: what it sends is a hint. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/log.h>

#include "smpp.h"

/* Receipts that wait for the answer to their submit, per place in the window: there are parts. */
#define EARLY_PER_SUBMIT 4

struct early {
	struct llist_head entry;
	struct smpp_receipt receipt;
	struct smpp_address source;
};

bool smpp_imsi(const struct smpp_address *address, struct target *target)
{
	return address->npi == SMPP_NPI_IMSI &&
	       !target_parse(TARGET_IMSI, address->digits, strlen(address->digits), target, NULL);
}

bool smpp_handle_of(const char *message_id, char out[SMPP_HANDLE_SIZE])
{
	size_t i;

	while (*message_id == '0')
		message_id++;
	for (i = 0; i < SMPP_HANDLE_SIZE - 1 && message_id[i]; i++) {
		if (!isgraph((unsigned char)message_id[i]))
			return false;
		out[i] = tolower((unsigned char)message_id[i]);
	}
	out[i] = '\0';
	/* OsmoMSC answers every submit in store mode with this one. */
	return i && strcmp(out, "msg_id_not_implemented") != 0;
}

/* The same number in the other base. \returns false if the handle is no number in this one. */
static bool in_other_base(const char *handle, int base, char out[SMPP_HANDLE_SIZE])
{
	const char *digits = base == 10 ? "0123456789" : "0123456789abcdef";
	size_t len = strspn(handle, digits);
	unsigned long long number;

	/* Beyond 19 decimal or 16 hexadecimal digits a number may not fit. */
	if (!len || handle[len] || len > (base == 10 ? 19 : 16))
		return false;
	number = strtoull(handle, NULL, base);
	snprintf(out, SMPP_HANDLE_SIZE, base == 10 ? "%llx" : "%llu", number);
	return true;
}

static bool is_address_of(const struct smpp_address *address, const struct target *target,
			  const struct recipient_detail *detail)
{
	const char *digits = address->digits + (address->digits[0] == '+');
	char imsi[TARGET_TEXT_LEN], number[MSISDN_TEXT_LEN];

	if (!*digits)
		return false;
	return !strcmp(digits, target_format(target, imsi, sizeof(imsi))) ||
	       !strcmp(digits, msisdn_format(&detail->msisdn, number, sizeof(number)));
}

static bool ends_with(const char *digits, const char *tail)
{
	size_t n = strlen(digits), n_tail = strlen(tail);

	return n >= n_tail && !strcmp(digits + n - n_tail, tail);
}

/* The address is not the recipient's: may it not be? A number may be written without its country
 * code, or with something in front; a name says nothing. */
static bool is_of_another(const struct smpp_address *address, const struct recipient_detail *detail)
{
	const char *digits = address->digits + strspn(address->digits, "+0");
	char number[MSISDN_TEXT_LEN];

	if (address->npi == SMPP_NPI_IMSI)
		return *address->digits;
	if (!detail->msisdn.digits || !*digits || digits[strspn(digits, "0123456789")])
		return false;
	msisdn_format(&detail->msisdn, number, sizeof(number));
	return !ends_with(number, digits) && !ends_with(digits, number);
}

enum proof { BY_ADDRESS, BY_ID };

/* Does the handle lead to somebody, and is the receipt that person's? */
static bool leads_to(struct smpp_link *sl, const char *handle, const struct smpp_address *source,
		     enum proof proof)
{
	struct recipient_detail detail = { 0 };
	struct target target;

	if (!peer_handle_find(sl->peer, handle, &target, &detail))
		return false;
	return proof == BY_ADDRESS ? is_address_of(source, &target, &detail)
				   : !is_of_another(source, &detail);
}

/* \param[out] handle  the one that the receipt is for. */
static bool find_handle(struct smpp_link *sl, const struct smpp_receipt *receipt,
			const struct smpp_address *source, char handle[SMPP_HANDLE_SIZE])
{
	char id[SMPP_HANDLE_SIZE];
	unsigned int i;

	if (!smpp_handle_of(receipt->id, id))
		return false;
	memcpy(handle, id, sizeof(id));
	if (leads_to(sl, handle, source, BY_ADDRESS))
		return true;
	for (i = 0; i < 2; i++) {
		if (in_other_base(id, i ? 16 : 10, handle) &&
		    leads_to(sl, handle, source, BY_ADDRESS)) {
			sl->ids_doubtful = true;
			return true;
		}
	}
	memcpy(handle, id, sizeof(id));
	return !sl->ids_doubtful && leads_to(sl, handle, source, BY_ID);
}

static bool is_final(enum smpp_message_state state)
{
	return state == SMPP_STATE_DELIVERED || state == SMPP_STATE_EXPIRED ||
	       state == SMPP_STATE_DELETED || state == SMPP_STATE_UNDELIVERABLE ||
	       state == SMPP_STATE_REJECTED;
}

static bool settle(struct smpp_link *sl, const struct smpp_receipt *receipt,
		   const struct smpp_address *source)
{
	bool delivered = receipt->state == SMPP_STATE_DELIVERED;
	const struct peer_result result = {
		.answer = delivered ? PEER_ANSWER_DELIVERED : PEER_ANSWER_GIVEN_UP,
		.cause = delivered ? 0 : SMPP_CAUSE_RECEIPT + receipt->state,
	};
	char handle[SMPP_HANDLE_SIZE];

	if (!find_handle(sl, receipt, source, handle))
		return false;
	peer_handle_done(sl->peer, handle, &result);
	return true;
}

/* Only good news are hinted at: a hint cannot take anything back. */
static void leave_hint(struct smpp_link *sl, const struct smpp_receipt *receipt,
		       const struct smpp_address *source)
{
	struct target target;

	if (receipt->state == SMPP_STATE_DELIVERED && receipt->has_reference &&
	    smpp_imsi(source, &target))
		peer_receipt_hint(sl->peer, &target, receipt->reference);
	else
		peer_unmatched(sl->peer);
}

static void early_drop(struct smpp_link *sl, struct early *e)
{
	llist_del(&e->entry);
	sl->n_early--;
	talloc_free(e);
}

static void give_up(struct smpp_link *sl, struct early *e)
{
	leave_hint(sl, &e->receipt, &e->source);
	early_drop(sl, e);
}

/* The answer to its submit may be on its way.
 * \returns false: without memory, it is as if no answer were awaited. */
static bool keep_early(struct smpp_link *sl, const struct smpp_receipt *receipt,
		       const struct smpp_address *source)
{
	struct early *e = talloc(sl, struct early);

	if (!e)
		return false;
	e->receipt = *receipt;
	e->source = *source;
	llist_add_tail(&e->entry, &sl->early);
	if (++sl->n_early > EARLY_PER_SUBMIT * sl->config.window)
		give_up(sl, llist_first_entry(&sl->early, struct early, entry));
	return true;
}

void smpp_receipt(struct smpp_link *sl, const struct smpp_pdu *pdu)
{
	struct smpp_receipt receipt;
	char handle[SMPP_HANDLE_SIZE];

	if (!smpp_receipt_parse(pdu, &receipt)) {
		smpp_unmatched(sl, pdu);
		return;
	}
	if (!is_final(receipt.state) || settle(sl, &receipt, &pdu->source))
		return;
	if (sl->n_submits && !sl->ids_missing && smpp_handle_of(receipt.id, handle) &&
	    keep_early(sl, &receipt, &pdu->source))
		return;
	leave_hint(sl, &receipt, &pdu->source);
}

void smpp_receipts_retry(struct smpp_link *sl)
{
	struct early *e, *next;

	llist_for_each_entry_safe(e, next, &sl->early, entry) {
		if (settle(sl, &e->receipt, &e->source))
			early_drop(sl, e);
	}
}

void smpp_receipts_give_up(struct smpp_link *sl)
{
	struct early *e, *next;

	llist_for_each_entry_safe(e, next, &sl->early, entry)
		give_up(sl, e);
}
