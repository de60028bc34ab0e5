/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests to a BSC. The choices that are not the specification's are made for OsmoBSC, which is
 * what these PDUs go to: counts, old serial numbers and list sizes say so where they are set. */
#include <tocsin/link/link_cbsp.h>

#include <errno.h>
#include <limits.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/log.h>
#include <tocsin/codec/cbs.h>

#include "cbsp.h"

/* One page on a CBCH, 8 multiframes of 51 x 120/26 ms (3GPP TS 45.002, 6.5.4). */
#define PERIOD_UNIT_MS 1883
#define MAX_PERIOD 4095
#define MAX_OUTSTANDING 16
#define ANSWER_DEADLINE_S 10
#define MAX_KEEP_ALIVE_S 120
#define MAX_WARNING_PERIOD_S 3600

enum { CATEGORY_HIGH = 0, CATEGORY_NORMAL = 2 };	/* 8.2.7 */

/* Sending */

static struct msgb *cbsp_msgb(const struct cbsp_config *config, const struct cbsp_pdu *pdu)
{
	size_t size = cbsp_encoded_size(pdu);
	struct msgb *msg;
	int len;

	if (size > UINT16_MAX)	/* what an msgb can hold; never by our limits */
		return NULL;
	msg = msgb_alloc_c(NULL, size, cbsp_msg_type_name(pdu->type));
	if (!msg)
		return NULL;
	len = cbsp_encode(pdu, config->period_coding, msg->tail, msgb_tailroom(msg));
	if (len < 0) {
		msgb_free(msg);
		return NULL;
	}
	msgb_put(msg, len);
	return msg;
}

static int cbsp_send(struct cbsp_link *cl, const struct cbsp_pdu *pdu)
{
	struct msgb *msg = cbsp_msgb(cl->config, pdu);

	return msg ? link_send(cl->link, msg) : -EINVAL;
}

/* The cells of a request; all of them by CGI, or the whole BSS. */
static int cell_list(void *ctx, const struct peer_request *request, struct cbsp_cell_list *list)
{
	size_t i;

	list->present = true;
	if (request->n_targets == 1 && request->targets[0].type == TARGET_BSS) {
		list->disc = CBSP_DISC_BSS;
		return 0;
	}
	if (!request->n_targets || request->n_targets > CBSP_MAX_CELLS)
		return -EINVAL;
	list->disc = CBSP_DISC_CGI;
	list->cells = talloc_array(ctx, struct cbsp_cell, request->n_targets);
	if (!list->cells)
		return -ENOMEM;
	for (i = 0; i < request->n_targets; i++) {
		const struct target *t = &request->targets[i];

		if (t->type != TARGET_CGI)
			return -EINVAL;
		list->cells[i] = (struct cbsp_cell){
			.mcc = t->mcc, .mnc = t->mnc, .mnc_digits = t->mnc_digits,
			.lac = t->value >> 16, .ci = t->value & 0xffff,
		};
	}
	list->n = request->n_targets;
	return 0;
}

/* Broadcasts that surely outlast the message: OsmoBSC repeats up to twice as fast as it is told
 * when the BTS asks for pages early, and takes 0 ("until killed") for one. */
static uint16_t broadcasts(int64_t remaining_s, uint16_t period)
{
	int64_t period_ms = (int64_t)period * PERIOD_UNIT_MS;
	int64_t rounds;

	remaining_s = OSMO_MAX(OSMO_MIN(remaining_s, (int64_t)UINT16_MAX * period_ms / 1000), 1);
	rounds = (remaining_s * 1000 + period_ms - 1) / period_ms;
	return OSMO_MIN(2 * rounds, UINT16_MAX);
}

static void fill_text(struct cbsp_pdu *pdu, const struct peer_request *request)
{
	const struct message *m = request->message;

	pdu->has_channel = pdu->has_category = pdu->has_period = pdu->has_num_broadcasts =
		pdu->has_dcs = true;
	/* Phones need not read the extended channel. */
	pdu->channel = 0;
	pdu->category = m->class == MESSAGE_CLASS_NATIONAL ? CATEGORY_HIGH : CATEGORY_NORMAL;
	pdu->period = request->period;
	pdu->num_broadcasts = broadcasts(request->remaining_s, request->period);
	pdu->dcs = m->pages.dcs;
	pdu->n_pages = m->pages.n;
	pdu->pages = m->pages.page;
}

static void fill_emergency(struct cbsp_pdu *pdu, const struct peer_request *request)
{
	int64_t seconds = OSMO_MAX(OSMO_MIN(request->remaining_s, MAX_WARNING_PERIOD_S), 1);

	pdu->has_emergency = pdu->has_warning_period = true;
	pdu->emergency = 1;
	pdu->warning_type = request->message->warning_type;
	pdu->warning_period = cbsp_warning_period(seconds);
	/* OsmoBSC refuses a second emergency message without an old serial number while one is on
	 * air (cause 6), and takes any old serial number whether or not one is. */
	pdu->has_old_serial = request->again;
	pdu->old_serial = request->message->serial;
}

static int send_request(struct cbsp_link *cl, struct cbsp_pdu *pdu,
			const struct peer_request *request)
{
	int rc;

	pdu->has_message_identifier = true;
	pdu->message_identifier = request->message->identifier;
	rc = cell_list(cl, request, &pdu->cells);
	if (!rc)
		rc = cbsp_send(cl, pdu);
	talloc_free(pdu->cells.cells);
	return rc;
}

static struct cbsp_link *link_up(const struct peer *peer)
{
	struct cbsp_link *cl = peer_link(peer);

	return cl && link_state(cl->link) == PEER_UP ? cl : NULL;
}

static int cbsp_submit(struct peer *peer, const struct peer_request *request)
{
	const struct message *m = request->message;
	struct cbsp_pdu pdu = {
		.type = CBSP_WRITE_REPLACE, .has_new_serial = true, .new_serial = m->serial,
	};
	struct cbsp_link *cl = link_up(peer);
	struct problem problem;

	if (!cl)
		return -ENOTCONN;
	if (cbs_check_drill(m->identifier, m->drill, &problem) < 0) {
		LOGP(DCBSP, LOGL_ERROR, "peer=%s message %u not written: %s\n", peer_name(peer),
		     m->identifier, problem.detail);
		return -EINVAL;
	}
	if (m->kind == MESSAGE_EMERGENCY) {
		fill_emergency(&pdu, request);
	} else {
		if (!request->period || request->period > MAX_PERIOD)
			return -EINVAL;
		fill_text(&pdu, request);
	}
	return send_request(cl, &pdu, request);
}

static int cbsp_withdraw(struct peer *peer, const struct peer_request *request)
{
	const struct message *m = request->message;
	struct cbsp_pdu pdu = {
		.type = CBSP_KILL,
		.has_old_serial = true,
		.old_serial = m->serial,
		/* Absent in the KILL of an emergency message (3GPP TS 48.049, 8.1.3). */
		.has_channel = m->kind == MESSAGE_TEXT,
	};
	struct cbsp_link *cl = link_up(peer);

	return cl ? send_request(cl, &pdu, request) : -ENOTCONN;
}

static int cbsp_query(struct peer *peer, const struct peer_request *request)
{
	const struct message *m = request->message;
	struct cbsp_pdu pdu = {
		.type = CBSP_STATUS_QUERY,
		.has_old_serial = true,
		.old_serial = m->serial,
		.has_channel = true,
	};
	struct cbsp_link *cl = link_up(peer);

	if (m->kind != MESSAGE_TEXT)
		return -EINVAL;
	return cl ? send_request(cl, &pdu, request) : -ENOTCONN;
}

/* The link's callbacks */

static void on_connected(void *priv)
{
	struct cbsp_link *cl = priv;
	const struct cbsp_pdu reset = {
		.type = CBSP_RESET, .cells = { .present = true, .disc = CBSP_DISC_BSS },
	};

	if (cl->config->on_link_up == CBSP_RECONCILE) {
		link_opened(cl->link);
		return;
	}
	/* First, so that nothing is believed on air whatever becomes of the RESET. */
	peer_report_loss(cl->peer, PEER_LOSS_DATA_LOST, 0, NULL, 0);
	(void)cbsp_send(cl, &reset);	/* if it fails, the greeting goes unanswered */
}

static void on_frame(void *priv, const uint8_t *frame, size_t len)
{
	cbsp_rx(priv, frame, len);
}

static struct msgb *keep_alive(void *priv)
{
	const struct cbsp_link *cl = priv;
	const struct cbsp_pdu pdu = {
		.type = CBSP_KEEP_ALIVE, .has_keep_alive_period = true,
		.keep_alive_period = cbsp_warning_period(cl->link_config.keep_alive_s),
	};

	return cbsp_msgb(cl->config, &pdu);
}

static const struct link_ops cbsp_link_ops = {
	.max_frame = CBSP_MAX_PDU,
	.frame_len = cbsp_frame_len,
	.on_connected = on_connected,
	.on_frame = on_frame,
	.keep_alive = keep_alive,
};

/* Configuration */

struct cbsp_config *cbsp_config_alloc(void *ctx)
{
	struct cbsp_config *config = talloc_zero(ctx, struct cbsp_config);

	if (!config)
		return NULL;
	link_config_init(&config->link);
	config->on_link_up = CBSP_RECONCILE;
	config->period_coding = CBSP_PERIOD_16BIT;
	/* 15 pages fit, and up to 15 both period codings agree. */
	config->period = 15;
	return config;
}

/* The BSC's well-known port, or ours. */
static struct link_config with_ports(const struct cbsp_config *config)
{
	struct link_config c = config->link;

	if (c.role == LINK_CONNECT && !c.remote_port)
		c.remote_port = CBSP_PORT;
	if (c.role == LINK_LISTEN && !c.local_port)
		c.local_port = CBSP_PORT;
	return c;
}

int cbsp_config_check(const struct cbsp_config *config, struct problem *problem)
{
	const struct link_config c = with_ports(config);

	if (link_config_check(&c, problem) < 0)
		return -EINVAL;
	if (!config->period || config->period > MAX_PERIOD)
		return problem_set(problem, PROBLEM_CONFIG, "period", 0, "must be between 1 and %u",
				   MAX_PERIOD);
	if (c.keep_alive_s > MAX_KEEP_ALIVE_S)
		return problem_set(problem, PROBLEM_CONFIG, "keep-alive", 0, "must not exceed %u s",
				   MAX_KEEP_ALIVE_S);
	return 0;
}

/* The peer's operations */

static void cbsp_close(struct peer *peer)
{
	struct cbsp_link *cl = peer_link(peer);

	peer_link_set(peer, NULL);
	talloc_free(cl);
}

static int cbsp_open(struct peer *peer)
{
	const struct cbsp_config *config = peer_config(peer);
	struct cbsp_link *cl;
	int rc;

	if (cbsp_config_check(config, NULL) < 0)
		return -EINVAL;
	cl = talloc_zero(peer, struct cbsp_link);
	if (!cl)
		return -ENOMEM;
	cl->peer = peer;
	cl->config = config;
	cl->link_config = with_ports(config);
	rc = link_open(cl, peer, &cl->link_config, &cbsp_link_ops, cl, &cl->link);
	if (rc < 0)
		talloc_free(cl);
	else
		peer_link_set(peer, cl);
	return rc;
}

static void cbsp_caps(const struct peer *peer, struct peer_caps *caps)
{
	const struct cbsp_config *config = peer_config(peer);

	*caps = (struct peer_caps){
		.max_targets = CBSP_MAX_CELLS,
		.window = MAX_OUTSTANDING,
		.room = UINT_MAX,
		.deadline_s = ANSWER_DEADLINE_S,
		/* CBSP has no transaction identifier. */
		.one_per_message = true,
		.can_query = true,
		.period = config->period,
		.period_unit_ms = PERIOD_UNIT_MS,
		.pages_per_period = 1,
		/* OsmoBSC answers the query of an emergency message that is on air with cause 2. */
		.can_query_emergency = false,
	};
}

static const char *cbsp_remote(const struct peer *peer)
{
	struct cbsp_link *cl = peer_link(peer);

	return cl ? link_remote(cl->link) : NULL;
}

static int64_t cbsp_retry_ms(const struct peer *peer)
{
	struct cbsp_link *cl = peer_link(peer);

	return cl ? link_retry_ms(cl->link) : -1;
}

void link_cbsp_drop(struct peer *peer)
{
	struct cbsp_link *cl = peer_link(peer);

	if (cl)
		link_drop(cl->link, "dropped by an operator");
}

struct link *link_cbsp_link(const struct peer *peer)
{
	struct cbsp_link *cl = peer_link(peer);

	return cl ? cl->link : NULL;
}

const struct peer_ops link_cbsp_ops = {
	.protocol = "cbsp",
	.open = cbsp_open,
	.close = cbsp_close,
	.caps = cbsp_caps,
	.submit = cbsp_submit,
	.withdraw = cbsp_withdraw,
	.query = cbsp_query,
	.cause_name = cbsp_cause_name,
	.remote = cbsp_remote,
	.retry_ms = cbsp_retry_ms,
};
