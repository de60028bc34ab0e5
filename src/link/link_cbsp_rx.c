/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cbsp.h"

#include <osmocom/core/talloc.h>

#include <tocsin/base/log.h>

static void on_unmatched(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	unsigned int left_out;

	peer_unmatched(cl->peer);
	if (rate_pass(&cl->unmatched, &left_out))
		LOGP(DCBSP, LOGL_NOTICE, "peer=%s %s matches no request (%u more not logged)\n",
		     peer_name(cl->peer), cbsp_msg_type_name(pdu->type), left_out);
}

/* Answers */

/* It names cells, and none of this request: the late answer to an earlier one, since all parts of a
 * message's cell list share identifier and serial number. */
static bool is_of_another(const struct cbsp_pdu *pdu, const struct peer_request *request,
			  const struct peer_result *results)
{
	size_t i;

	if (!pdu->cells.n && !pdu->n_counts && !pdu->n_failures)
		return false;
	for (i = 0; i < request->n_targets; i++) {
		if (results[i].answer != PEER_ANSWER_NONE || results[i].cause)
			return false;
	}
	return true;
}

static void on_answer(struct cbsp_link *cl, const struct cbsp_pdu *pdu, enum peer_verb verb,
		      uint16_t serial)
{
	const struct peer_request *request =
		peer_request_find(cl->peer, verb, pdu->message_identifier, serial);
	struct peer_result *results;

	if (!request) {
		on_unmatched(cl, pdu);
		return;
	}
	/* Without memory the request runs into its deadline, as if the answer had been lost. */
	results = talloc_zero_array(cl, struct peer_result, request->n_targets);
	if (results && !cbsp_answer_map(results, pdu, request, results)) {
		if (is_of_another(pdu, request, results))
			on_unmatched(cl, pdu);
		else
			peer_request_done(cl->peer, request, results);
	}
	talloc_free(results);
}

/* The request an ERROR INDICATION speaks of: a write has a new serial number, the others
 * have an old one only. */
static const struct peer_request *request_in_error(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	const struct peer_request *request;

	if (!pdu->has_message_identifier)
		return NULL;
	if (pdu->has_new_serial)
		return peer_request_find(cl->peer, PEER_WRITE, pdu->message_identifier,
					 pdu->new_serial);
	if (!pdu->has_old_serial)
		return NULL;
	request = peer_request_find(cl->peer, PEER_STOP, pdu->message_identifier, pdu->old_serial);
	if (!request)
		request = peer_request_find(cl->peer, PEER_QUERY, pdu->message_identifier,
					    pdu->old_serial);
	return request;
}

static void on_error_indication(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	const struct peer_request *request = request_in_error(cl, pdu);
	struct peer_result *results;
	unsigned int left_out;
	size_t i;

	if (rate_pass(&cl->errors, &left_out))
		LOGP(DCBSP, LOGL_ERROR, "peer=%s ERROR INDICATION: %s (%u more not logged)\n",
		     peer_name(cl->peer), cbsp_cause_name(pdu->cause), left_out);
	if (!request) {
		peer_unmatched(cl->peer);
		return;
	}
	results = talloc_zero_array(cl, struct peer_result, request->n_targets);
	if (!results)
		return;
	for (i = 0; i < request->n_targets; i++)
		results[i] = (struct peer_result){
			.answer = PEER_ANSWER_REFUSED, .cause = pdu->cause,
		};
	peer_request_done(cl->peer, request, results);
	talloc_free(results);
}

/* Restart and failure */

static struct target_pattern pattern_of(enum cbsp_disc disc, const struct cbsp_cell *c)
{
	bool has_plmn = disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAI;
	struct target_pattern p = { .t.type = TARGET_CGI, .any_plmn = !has_plmn };

	if (has_plmn) {
		p.t.mcc = c->mcc;
		p.t.mnc = c->mnc;
		p.t.mnc_digits = c->mnc_digits;
	}
	if (disc != CBSP_DISC_CI) {
		p.t.value = (uint64_t)c->lac << 16;
		p.mask = 0xffff0000;
	}
	if (disc != CBSP_DISC_LAI && disc != CBSP_DISC_LAC) {
		p.t.value |= c->ci;
		p.mask |= 0xffff;
	}
	return p;
}

/* A type that the clause does not know concerns all messages (8.2.24: 0 CBS, 1 emergency). */
static enum message_kind kind_of(const struct cbsp_pdu *pdu)
{
	switch (pdu->broadcast_type) {
	case 0:
		return MESSAGE_TEXT;
	case 1:
		return MESSAGE_EMERGENCY;
	default:
		return 0;
	}
}

/* More patterns than a BSC has cells are not worth being compared with every target: the loss is
 * reported for all. */
static bool is_for_all(enum cbsp_disc disc, size_t n)
{
	return disc == CBSP_DISC_BSS || n > CBSP_MAX_CELLS;
}

static void on_restart(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	/* Whatever is not "available" is lost. */
	enum peer_loss loss = pdu->recovery ? PEER_LOSS_DATA_LOST : PEER_LOSS_DATA_KEPT;
	const struct cbsp_cell_list *list = &pdu->cells;
	struct target_pattern *patterns;
	size_t i;

	LOGP(DCBSP, LOGL_NOTICE, "peer=%s RESTART, broadcast type %u, data %s\n",
	     peer_name(cl->peer), pdu->broadcast_type, pdu->recovery ? "lost" : "available");
	if (is_for_all(list->disc, list->n)) {
		peer_report_loss(cl->peer, loss, kind_of(pdu), NULL, 0);
		return;
	}
	if (!list->n)
		return;
	/* Without memory all are doubted, which costs questions but hides nothing. */
	patterns = talloc_array(cl, struct target_pattern, list->n);
	for (i = 0; patterns && i < list->n; i++)
		patterns[i] = pattern_of(list->disc, &list->cells[i]);
	peer_report_loss(cl->peer, loss, kind_of(pdu), patterns, patterns ? list->n : 0);
	talloc_free(patterns);
}

static void on_failure(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	struct target_pattern *patterns;
	bool for_all = is_for_all(CBSP_DISC_CGI, pdu->n_failures);
	size_t i;

	if (!pdu->n_failures)
		return;
	LOGP(DCBSP, LOGL_NOTICE,
	     "peer=%s FAILURE of %zu cells, broadcast type %u, first cause %s\n",
	     peer_name(cl->peer), pdu->n_failures, pdu->broadcast_type,
	     cbsp_cause_name(pdu->failures[0].cause));
	patterns = talloc_array(cl, struct target_pattern, pdu->n_failures);
	for_all |= !patterns;
	for (i = 0; patterns && i < pdu->n_failures; i++) {
		for_all |= pdu->failures[i].disc == CBSP_DISC_BSS;
		patterns[i] = pattern_of(pdu->failures[i].disc, &pdu->failures[i].cell);
	}
	peer_report_loss(cl->peer, PEER_LOSS_FAILED, kind_of(pdu), for_all ? NULL : patterns,
			 for_all ? 0 : pdu->n_failures);
	talloc_free(patterns);
}

static void on_reset_done(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	if (link_state(cl->link) != PEER_OPENING) {
		on_unmatched(cl, pdu);
		return;
	}
	if (pdu->type == CBSP_RESET_FAILURE)
		LOGP(DCBSP, LOGL_ERROR, "peer=%s could not reset all of its cells\n",
		     peer_name(cl->peer));
	link_opened(cl->link);
}

static void on_pdu(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	switch (pdu->type) {
	case CBSP_WRITE_REPLACE_COMPLETE:
	case CBSP_WRITE_REPLACE_FAILURE:
		on_answer(cl, pdu, PEER_WRITE, pdu->new_serial);
		break;
	case CBSP_KILL_COMPLETE:
	case CBSP_KILL_FAILURE:
		on_answer(cl, pdu, PEER_STOP, pdu->old_serial);
		break;
	case CBSP_STATUS_QUERY_COMPLETE:
	case CBSP_STATUS_QUERY_FAILURE:
		on_answer(cl, pdu, PEER_QUERY, pdu->old_serial);
		break;
	case CBSP_RESET_COMPLETE:
	case CBSP_RESET_FAILURE:
		on_reset_done(cl, pdu);
		break;
	case CBSP_RESTART:
		on_restart(cl, pdu);
		break;
	case CBSP_FAILURE:
		on_failure(cl, pdu);
		break;
	case CBSP_ERROR_INDICATION:
		on_error_indication(cl, pdu);
		break;
	case CBSP_KEEP_ALIVE_COMPLETE:
		break;	/* that it came was all there was to know */
	default:
		on_unmatched(cl, pdu);
	}
}

void cbsp_rx(struct cbsp_link *cl, const uint8_t *octets, size_t len)
{
	const char *error = NULL;
	struct cbsp_pdu *pdu = cbsp_decode(cl, octets, len, cl->config->period_coding, &error);
	unsigned int left_out;

	if (pdu) {
		on_pdu(cl, pdu);
		talloc_free(pdu);
		return;
	}
	peer_count(cl->peer, PEER_CTR_RX_MALFORMED);
	if (rate_pass(&cl->malformed, &left_out))
		LOGP(DCBSP, LOGL_NOTICE,
		     "peer=%s PDU of type %u (%s) not understood: %s (%u more not logged)\n",
		     peer_name(cl->peer), octets[0], cbsp_msg_type_name(octets[0]),
		     error ? error : "no memory", left_out);
}
