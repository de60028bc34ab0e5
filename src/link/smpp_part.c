/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What leaves. Lengths are checked here: OsmoMSC takes whatever fits into a submit_sm and makes a
 * broken message of it, so nothing that is too long may reach it, and never message_payload. */
#include <errno.h>
#include <string.h>

#include <osmocom/core/utils.h>

#include <tocsin/core/message.h>

#include "smpp.h"

/* 5.2.14. */
static uint8_t priority_of(enum message_class class)
{
	switch (class) {
	case MESSAGE_CLASS_NATIONAL:
		return 3;
	case MESSAGE_CLASS_SEVERE:
		return 2;
	default:
		return 1;
	}
}

static void set_source(const struct sender_id *sender, struct smpp_address *source)
{
	switch (sender->kind) {
	case SENDER_ALPHANUMERIC:
		source->ton = SMPP_TON_ALPHANUMERIC;
		source->npi = SMPP_NPI_UNKNOWN;
		break;
	case SENDER_INTERNATIONAL:
		source->ton = SMPP_TON_INTERNATIONAL;
		source->npi = SMPP_NPI_E164;
		break;
	case SENDER_SHORT_CODE:
		source->ton = SMPP_TON_NETWORK;
		source->npi = SMPP_NPI_UNKNOWN;
		break;
	}
	OSMO_STRLCPY_ARRAY(source->digits, sender->text);
}

static void set_destination(enum smpp_destination by, const struct peer_request *request,
			    struct smpp_address *destination)
{
	destination->ton = SMPP_TON_INTERNATIONAL;
	if (by == SMPP_TO_IMSI) {
		destination->npi = SMPP_NPI_IMSI;
		target_format(request->targets, destination->digits, sizeof(destination->digits));
	} else {
		destination->npi = SMPP_NPI_E164;
		msisdn_format(&request->details->msisdn, destination->digits,
			      sizeof(destination->digits));
	}
}

static void set_text(const struct short_message *sms, unsigned int part, struct smpp_pdu *pdu)
{
	const struct sms_part *p = &sms->parts.part[part];

	pdu->data_coding = sms->parts.alphabet == SMS_UCS2 ? SMPP_CODING_UCS2 : SMPP_CODING_DEFAULT;
	if (sms->parts.n > 1) {
		pdu->esm_class |= SMPP_ESM_UDHI;
		sms_udh(sms->reference, sms->parts.n, part + 1, pdu->short_message);
		pdu->sm_length = SMS_UDH_LEN;
	}
	memcpy(pdu->short_message + pdu->sm_length, p->octets, p->len);
	pdu->sm_length += p->len;
}

static void set_mode(enum smpp_mode mode, uint8_t reference, struct smpp_pdu *pdu)
{
	if (mode == SMPP_MODE_TRANSACTION) {
		pdu->esm_class = SMPP_ESM_TRANSACTION;
		return;
	}
	pdu->esm_class = SMPP_ESM_STORE;
	pdu->registered_delivery = 1;
	pdu->has_user_message_reference = true;
	pdu->user_message_reference = reference;
}

void smpp_part(const struct smpp_config *config, const struct peer_request *request,
	       unsigned int part, int64_t remaining_s, struct smpp_pdu *pdu)
{
	const struct message *m = request->message;

	*pdu = (struct smpp_pdu){ .command = SMPP_SUBMIT_SM };
	set_source(&m->sms->sender, &pdu->source);
	set_destination(config->destination, request, &pdu->destination);
	set_mode(config->mode, m->sms->reference, pdu);
	set_text(m->sms, part, pdu);
	pdu->protocol_id = m->sms->protocol_id;
	pdu->priority = priority_of(m->class);
	/* Relative: the centre's clock may be wrong. */
	smpp_time_relative(remaining_s, pdu->validity_period);
}

/* What may leave */

/* 3GPP TS 23.040, 9.2.3.24: 140 octets or 160 septets, of which a header of six octets takes as
 * many octets or seven septets. */
static bool part_fits(const struct sms_text *text, unsigned int part)
{
	size_t len = text->part[part].len;
	bool alone = text->n == 1;

	if (text->alphabet == SMS_GSM7)
		return len && len <= (alone ? SMS_SEPTETS : SMS_SEPTETS_OF_PART);
	return len && len % 2 == 0 && len <= (alone ? SMS_UCS2_OCTETS : SMS_UCS2_OCTETS_OF_PART);
}

static bool message_fits(const struct message *m)
{
	const struct sms_text *text;
	unsigned int part;

	if (m->kind != MESSAGE_SHORT || !m->sms)
		return false;
	text = &m->sms->parts;
	for (part = 0; part < text->n && text->n <= SMS_MAX_PARTS; part++) {
		if (!part_fits(text, part))
			return false;
	}
	return part > 0;
}

/* Up to 15 digits, and how many of them, since an IMSI may begin with zeros. */
static uint64_t key_of(uint64_t number, unsigned int digits)
{
	return number << 4 | digits;
}

int smpp_request_check(const struct smpp_config *config, const struct peer_request *request,
		       uint64_t *destination)
{
	const struct target *t = request->targets;

	if (!message_fits(request->message) || request->n_targets != 1 || t->type != TARGET_IMSI ||
	    !target_valid(t))
		return -EINVAL;
	if (config->destination == SMPP_TO_IMSI) {
		*destination = key_of(t->value, t->mnc_digits);
		return 0;
	}
	if (!request->details || !request->details->msisdn.digits)
		return -EINVAL;
	*destination = key_of(request->details->msisdn.number, request->details->msisdn.digits);
	return 0;
}
