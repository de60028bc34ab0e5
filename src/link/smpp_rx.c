/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* PDUs from a message centre. */
#include <stdio.h>

#include <tocsin/base/log.h>

#include "smpp.h"

void smpp_unmatched(struct smpp_link *sl, const struct smpp_pdu *pdu)
{
	unsigned int left_out;

	peer_unmatched(sl->peer);
	if (rate_pass(&sl->unmatched, &left_out))
		LOGP(DLINK, LOGL_NOTICE, "peer=%s %s matches no request (%u more not logged)\n",
		     peer_name(sl->peer), smpp_command_name(pdu->command), left_out);
}

/* Without room in the queue the centre gets no answer and will ask again. */
static void answer(struct smpp_session *session, const struct smpp_pdu *pdu, uint32_t command,
		   uint32_t status)
{
	const struct smpp_pdu response = {
		.command = command, .status = status, .sequence = pdu->sequence,
	};

	(void)smpp_send(session, &response);
}

/* Binding */

/* What the centre says may stand in a log. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

static void on_bind_answer(struct smpp_session *session, struct smpp_pdu *pdu)
{
	struct smpp_link *sl = session->sl;
	char why[64];

	session->bind_sequence = 0;
	if (pdu->status == SMPP_ROK && pdu->command != SMPP_GENERIC_NACK) {
		make_printable(pdu->system_id);
		LOGP(DLINK, LOGL_INFO, "peer=%s %s done, the centre calls itself \"%s\"\n",
		     peer_name(sl->peer), smpp_command_name(session->bind), pdu->system_id);
		link_opened(session->link);
		return;
	}
	peer_count(sl->peer, PEER_CTR_CONN_REFUSED);
	snprintf(why, sizeof(why), "bind refused: %s (0x%x)", smpp_status_name(pdu->status),
		 pdu->status);
	LOGP(DLINK, LOGL_ERROR, "peer=%s %s\n", peer_name(sl->peer), why);
	link_drop(session->link, why);
}

/* By its sequence number: OsmoMSC answers bind_receiver as if it had been bind_transmitter. */
static bool is_bind_answer(const struct smpp_session *session, const struct smpp_pdu *pdu)
{
	switch (pdu->command) {
	case SMPP_GENERIC_NACK:
	case SMPP_BIND_RECEIVER | SMPP_RESPONSE:
	case SMPP_BIND_TRANSMITTER | SMPP_RESPONSE:
	case SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE:
		return session->bind_sequence && pdu->sequence == session->bind_sequence;
	default:
		return false;
	}
}

/* Responses */

static void on_response(struct smpp_session *session, struct smpp_pdu *pdu)
{
	if (is_bind_answer(session, pdu)) {
		on_bind_answer(session, pdu);
		return;
	}
	switch (pdu->command) {
	case SMPP_GENERIC_NACK:
		/* OsmoMSC puts the length of what it does not know where the sequence number
		 * belongs; ours are longer than any PDU. */
		if (pdu->status == SMPP_ROK)
			pdu->status = SMPP_RUNKNOWNERR;
		smpp_submit_answered(session, pdu);
		break;
	case SMPP_SUBMIT_SM | SMPP_RESPONSE:
		smpp_submit_answered(session, pdu);
		break;
	case SMPP_ENQUIRE_LINK | SMPP_RESPONSE:
	case SMPP_UNBIND | SMPP_RESPONSE:
		break;	/* that it came was all there was to know */
	default:
		smpp_unmatched(session->sl, pdu);
	}
}

/* Requests */

static void on_deliver(struct smpp_session *session, const struct smpp_pdu *pdu)
{
	answer(session, pdu, SMPP_DELIVER_SM | SMPP_RESPONSE, SMPP_ROK);
	smpp_receipt(session->sl, pdu);
}

/* 5.3.2.30: that there is no availability given means that there is one. */
static void on_alert(struct smpp_session *session, const struct smpp_pdu *pdu)
{
	struct target target;

	if ((pdu->has_ms_availability && pdu->ms_availability) || !smpp_imsi(&pdu->source, &target))
		return;
	peer_target_available(session->sl->peer, &target);
}

static void on_request(struct smpp_session *session, const struct smpp_pdu *pdu)
{
	bool bound = link_state(session->link) == PEER_UP;

	switch (pdu->command) {
	case SMPP_ENQUIRE_LINK:
		answer(session, pdu, SMPP_ENQUIRE_LINK | SMPP_RESPONSE, SMPP_ROK);
		break;
	case SMPP_UNBIND:
		answer(session, pdu, SMPP_UNBIND | SMPP_RESPONSE, SMPP_ROK);
		link_drop(session->link, "unbound by the centre");
		break;
	case SMPP_DELIVER_SM:
		if (bound)
			on_deliver(session, pdu);
		else
			answer(session, pdu, SMPP_DELIVER_SM | SMPP_RESPONSE, SMPP_RINVBNDSTS);
		break;
	case SMPP_ALERT_NOTIFICATION:
		if (bound)
			on_alert(session, pdu);
		break;
	default:
		answer(session, pdu, SMPP_GENERIC_NACK, SMPP_RINVCMDID);
	}
}

static void on_malformed(struct smpp_session *session, const struct smpp_pdu *pdu)
{
	struct smpp_link *sl = session->sl;
	unsigned int left_out;

	peer_count(sl->peer, PEER_CTR_RX_MALFORMED);
	if (rate_pass(&sl->malformed, &left_out))
		LOGP(DLINK, LOGL_NOTICE,
		     "peer=%s PDU 0x%x (%s) not understood (%u more not logged)\n",
		     peer_name(sl->peer), pdu->command, smpp_command_name(pdu->command), left_out);
	if (!(pdu->command & SMPP_RESPONSE) && pdu->command != SMPP_ALERT_NOTIFICATION)
		answer(session, pdu, SMPP_GENERIC_NACK, SMPP_RINVCMDLEN);
}

void smpp_rx(struct smpp_session *session, const uint8_t *octets, size_t len)
{
	struct smpp_pdu pdu;
	/* Some centres leave the body of a response away: its header says enough. */
	bool understood = !smpp_decode(octets, len, &pdu) ||
			  (pdu.command & SMPP_RESPONSE && len == SMPP_HEADER_LEN);

	if (!understood)
		on_malformed(session, &pdu);
	else if (pdu.command & SMPP_RESPONSE)
		on_response(session, &pdu);
	else
		on_request(session, &pdu);
}
