/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the operator can ask for on the VTY. States come from where the API has them. */
#include <tocsin/front/config.h>
#include <tocsin/front/vty_command.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/core/store.h>

#define SHOW_ALERTS 20
#define SHOW_CELLS 100

static struct gateway *gateway_of(const struct vty *vty)
{
	const struct config *config = config_of_vty(vty);

	return config->gw;
}

static const char *alert_life(const struct alert_row *row)
{
	if (row->ended_utc)
		return row->cancelled_by ? "cancelled, ended" : "ended";
	return row->cancelled_by ? "cancelled" : "live";
}

static void show_alert(struct vty *vty, const struct alert_row *row)
{
	char received[32], expires[32], followed[32];

	vty_out(vty, "alert %s %s %s %s: %s%s", row->id, row->status, row->msg_type, alert_life(row),
		row->headline ? row->headline : row->event ? row->event : "", VTY_NEWLINE);
	vty_out(vty, "  originator %s sender %s identifier %s%s", row->originator, row->sender,
		row->identifier, VTY_NEWLINE);
	vty_out(vty, "  received %s expires %s cells %zu",
		clock_format(row->received_utc, received, sizeof(received)),
		row->expires_utc ? clock_format(row->expires_utc, expires, sizeof(expires)) : "-", row->n_cells);
	if (row->followed_utc)
		vty_out(vty, " recipients looked for %s", clock_format(row->followed_utc, followed, sizeof(followed)));
	vty_out(vty, "%s", VTY_NEWLINE);
}

DEFUN(show_alerts, show_alerts_cmd, "show alerts", SHOW_STR "Newest alerts\n")
{
	const struct store *store = gateway_store(gateway_of(vty));
	struct problem problem;
	struct store_reader *reader;
	struct alert_row *rows;
	int i, n;

	if (!store)
		return CMD_WARNING;
	reader = store_reader_open(vty, store_dir(store), &problem);
	if (!reader) {
		vty_out(vty, "%% %s%s", problem.detail, VTY_NEWLINE);
		return CMD_WARNING;
	}
	n = store_read_alerts(reader, reader, INT64_MAX, SHOW_ALERTS, &rows);
	for (i = 0; i < n; i++)
		show_alert(vty, &rows[i]);
	talloc_free(reader);
	if (n < 0)
		vty_out(vty, "%% The store cannot be read: %s%s", strerror(-n), VTY_NEWLINE);
	return n < 0 ? CMD_WARNING : CMD_SUCCESS;
}

static void show_message(struct vty *vty, const struct message *m)
{
	if (m->sms)
		vty_out(vty, "short message %u language %s parts %u %s", m->nr, m->language ? m->language : "-",
			m->sms->parts.n, m->sms->parts.alphabet == SMS_GSM7 ? "gsm7" : "ucs2");
	else
		vty_out(vty, "message-identifier %u serial-number %u", m->identifier, m->serial);
}

static void show_delivery(const struct delivery_view *view, void *data)
{
	struct vty *vty = data;
	int i;

	vty_out(vty, "alert %s peer %s ", view->alert_id, view->peer);
	show_message(vty, view->message);
	if (view->revision)
		vty_out(vty, " revision %u", view->revision);
	vty_out(vty, " %s targets %zu:", view->on ? "on" : "off", view->n);
	for (i = 0; i < _NUM_OUTCOME; i++) {
		if (view->counts[i])
			vty_out(vty, " %s %zu", outcome_name(i), view->counts[i]);
	}
	vty_out(vty, "%s", VTY_NEWLINE);
}

DEFUN(show_deliveries, show_deliveries_cmd, "show deliveries", SHOW_STR "Deliveries of live alerts\n")
{
	gateway_each_delivery(gateway_of(vty), show_delivery, vty);
	return CMD_SUCCESS;
}

static void show_peer(struct vty *vty, const struct peer *peer)
{
	const char *remote = peer_ops(peer)->remote(peer);
	int64_t retry_ms = peer_ops(peer)->retry_ms(peer);
	char since[32];

	vty_out(vty, "peer %s %s %s since %s", peer_name(peer), peer_ops(peer)->protocol,
		peer_state_name(peer_state(peer)), clock_format(peer_state_since(peer), since, sizeof(since)));
	if (remote)
		vty_out(vty, " remote %s", remote);
	if (peer_ops(peer)->bearer)
		vty_out(vty, " bearer %s preference %u", peer_ops(peer)->bearer, peer_ops(peer)->preference(peer));
	if (retry_ms >= 0)
		vty_out(vty, " next attempt in %" PRId64 " s", (retry_ms + 999) / 1000);
	vty_out(vty, ": %s%s", peer_state_why(peer), VTY_NEWLINE);
}

DEFUN(show_peers, show_peers_cmd, "show peers", SHOW_STR "Peers and their links\n")
{
	const struct peer_set *peers = gateway_peers(gateway_of(vty));
	const struct peer *peer = NULL;

	while ((peer = peer_next(peers, peer)))
		show_peer(vty, peer);
	return CMD_SUCCESS;
}

static void show_attempt(struct vty *vty, const char *what, int64_t at, const struct problem *problem)
{
	char when[32];

	if (!at)
		return;
	vty_out(vty, "%s %s: ", what, clock_format(at, when, sizeof(when)));
	if (problem->code == PROBLEM_NONE)
		vty_out(vty, "taken%s", VTY_NEWLINE);
	else if (problem->line)
		vty_out(vty, "refused, %s:%u: %s%s", problem->where, problem->line, problem->detail, VTY_NEWLINE);
	else
		vty_out(vty, "refused, %s%s%s%s", problem->where, *problem->where ? ": " : "", problem->detail,
			VTY_NEWLINE);
}

static void show_import(struct vty *vty)
{
	struct problem problem;
	int64_t at = gateway_last_import(gateway_of(vty), &problem);

	show_attempt(vty, "last import", at, &problem);
}

static void show_cell(struct vty *vty, const struct cell *cell)
{
	char text[TARGET_TEXT_LEN];

	vty_out(vty, "cell %s %s peer %s lat %.7f lon %.7f range_m %" PRIu32, target_type_name(cell->target.type),
		target_format(&cell->target, text, sizeof(text)), cell->peer,
		cell->footprint.site.lat / (double)GEO_DEGREE, cell->footprint.site.lon / (double)GEO_DEGREE,
		cell->footprint.range_m);
	if (cell->footprint.beam_deg < 360)
		vty_out(vty, " azimuth_deg %u beam_deg %u", cell->footprint.azimuth_deg, cell->footprint.beam_deg);
	vty_out(vty, "%s", VTY_NEWLINE);
}

static int show_cells_from(struct vty *vty, uint32_t row)
{
	const struct cell_table *table = gateway_cells(gateway_of(vty));
	size_t n = cell_table_count(table), shown;
	struct cell cell;

	vty_out(vty, "%zu cells%s", n, VTY_NEWLINE);
	show_import(vty);
	for (shown = 0; row < n && shown < SHOW_CELLS; row++, shown++) {
		cell_table_get(table, row, &cell);
		show_cell(vty, &cell);
	}
	if (row < n)
		vty_out(vty, "more: show cells %u%s", row, VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_cells, show_cells_cmd, "show cells", SHOW_STR "Cell table and its last import\n")
{
	return show_cells_from(vty, 0);
}

DEFUN(show_cells_row, show_cells_row_cmd, "show cells <0-4294967294>",
      SHOW_STR "Cell table and its last import\n" "First row to show\n")
{
	return show_cells_from(vty, strtoul(argv[0], NULL, 10));
}

static void show_source(struct vty *vty, const struct recipient_source *source)
{
	int64_t updated = recipient_source_updated(source), last;
	struct problem problem;
	char when[32];

	last = recipient_source_last(source, &problem);
	vty_out(vty, "recipients %s %s count %zu as of %s%s", recipient_source_name(source),
		recipient_source_kind(source), recipient_source_count(source),
		updated ? clock_format(updated, when, sizeof(when)) : "-", VTY_NEWLINE);
	show_attempt(vty, "  last attempt", last, &problem);
}

DEFUN(show_recipients, show_recipients_cmd, "show recipients",
      SHOW_STR "Sources of recipients and their last attempts\n")
{
	const struct recipient_sources *sources = gateway_recipients(gateway_of(vty));
	const struct recipient_source *source = NULL;

	while ((source = recipient_source_next(sources, source)))
		show_source(vty, source);
	return CMD_SUCCESS;
}

void config_show_init(void)
{
	install_element_ve(&show_alerts_cmd);
	install_element_ve(&show_deliveries_cmd);
	install_element_ve(&show_peers_cmd);
	install_element_ve(&show_recipients_cmd);
	install_element_ve(&show_cells_cmd);
	install_element_ve(&show_cells_row_cmd);
}
