/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the command status of an answer means for the recipient (5.1.3). */
#include <osmocom/core/utils.h>

#include "smpp.h"

bool smpp_is_throttled(uint32_t status)
{
	return status == SMPP_RTHROTTLED || status == SMPP_RMSGQFUL;
}

/* The PDU itself is wrong for the centre: no repetition makes it better. */
static bool is_permanent(uint32_t status)
{
	static const uint32_t permanent[] = {
		SMPP_RINVMSGLEN, SMPP_RINVPARLEN, SMPP_RINVSRCADR, SMPP_RINVSRCTON, SMPP_RINVSRCNPI,
		SMPP_RINVDSTTON, SMPP_RINVDSTNPI,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(permanent); i++) {
		if (permanent[i] == status)
			return true;
	}
	return false;
}

static enum peer_answer answer_in_transaction(uint32_t status)
{
	switch (status) {
	case SMPP_ROK:
		return PEER_ANSWER_DELIVERED;
	case SMPP_RDELIVERYFAILURE:
		/* The phone did not acknowledge, which does not say that it has not got it. */
		return PEER_ANSWER_NONE;
	default:
		/* RINVDSTADR of OsmoMSC: not attached, which may pass. */
		return PEER_ANSWER_REFUSED;
	}
}

static enum peer_answer answer_in_store(uint32_t status)
{
	switch (status) {
	case SMPP_ROK:
		return PEER_ANSWER_DONE;
	case SMPP_RINVDSTADR:
		return PEER_ANSWER_IMPOSSIBLE;
	default:
		return PEER_ANSWER_REFUSED;
	}
}

enum peer_answer smpp_answer_of(enum smpp_mode mode, uint32_t status, bool taken)
{
	if (smpp_is_throttled(status) || status == SMPP_RINVBNDSTS)
		return taken ? PEER_ANSWER_REFUSED : PEER_ANSWER_LATER;
	if (is_permanent(status))
		return PEER_ANSWER_IMPOSSIBLE;
	return mode == SMPP_MODE_TRANSACTION ? answer_in_transaction(status)
					     : answer_in_store(status);
}

/* The range that version 3.4 reserves is where the states of receipts are shown. */
uint8_t smpp_cause_of(uint32_t status)
{
	if (status > 0xff || (status >= SMPP_CAUSE_RECEIPT && status < 0xc0))
		return SMPP_RUNKNOWNERR;
	return status;
}

const char *smpp_cause_name(uint8_t cause)
{
	static const char *const states[] = {
		[SMPP_STATE_ENROUTE] = "ENROUTE", [SMPP_STATE_DELIVERED] = "DELIVERED",
		[SMPP_STATE_EXPIRED] = "EXPIRED", [SMPP_STATE_DELETED] = "DELETED",
		[SMPP_STATE_UNDELIVERABLE] = "UNDELIVERABLE", [SMPP_STATE_ACCEPTED] = "ACCEPTED",
		[SMPP_STATE_UNKNOWN] = "UNKNOWN", [SMPP_STATE_REJECTED] = "REJECTED",
	};
	unsigned int state = cause - SMPP_CAUSE_RECEIPT;

	if (cause > SMPP_CAUSE_RECEIPT && state < ARRAY_SIZE(states))
		return states[state];
	return smpp_status_name(cause);
}
