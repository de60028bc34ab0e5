/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* BSCs on streams that are not ours: libosmo-netif carries the octets, libosmogsm reads our
 * requests. What the BSCs say is written by hand (3GPP TS 48.049, 8.1.3): libosmogsm is no help
 * with answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
/* Their reader has a type of this name too. */
#define cbsp_msg_type osmo_cbsp_msg_type
#include <osmocom/gsm/cbsp.h>
#undef cbsp_msg_type
#include <osmocom/gsm/gsm23003.h>
#include <osmocom/netif/stream.h>

#include <tocsin/link/link_cbsp.h>
#include <tocsin/link/listener.h>

#include "fake_peer.h"

#define MAX_BSCS 50
#define N_CELLS 2
/* Less than any WRITE-REPLACE, so that each takes more than one reading. */
#define READ_OCTETS 64
#define HEADER 4

/* All data lost in the whole BSS: ordinary messages, and emergency messages. */
static const uint8_t restart_text[] = {
	0x13, 0, 0, 8, 0x04, 0, 1, 0x06, 0x16, 0x00, 0x0d, 0x01,
};
static const uint8_t restart_both[] = {
	0x13, 0, 0, 8, 0x04, 0, 1, 0x06, 0x16, 0x00, 0x0d, 0x01,
	0x13, 0, 0, 8, 0x04, 0, 1, 0x06, 0x16, 0x01, 0x0d, 0x01,
};

struct bsc {
	struct peer *peer;
	struct cbsp_config *config;
	char ip[16];
	struct osmo_stream_cli *cli, *old_cli;
	struct osmo_stream_srv *srv;
	uint8_t got[1024];
	size_t got_len;
	bool overrun;
	struct message message;
	struct target cells[N_CELLS];
	struct peer_request request;
};

struct lab {
	struct listeners *listeners;
	int hold;	/* keeps our port from others */
	uint16_t port;
	struct osmo_stream_srv_link *srv_link;
	struct bsc bscs[MAX_BSCS];
	unsigned int n;
};

/* The BSC's end of the stream */

static void bsc_hears(struct bsc *b, const struct msgb *msg)
{
	if (msgb_length(msg) > sizeof(b->got) - b->got_len) {
		b->overrun = true;
		return;
	}
	memcpy(b->got + b->got_len, msgb_data(msg), msgb_length(msg));
	b->got_len += msgb_length(msg);
}

static int cli_read(struct osmo_stream_cli *cli)
{
	struct msgb *msg = msgb_alloc(READ_OCTETS, "bsc reads");

	if (osmo_stream_cli_recv(cli, msg) > 0)
		bsc_hears(osmo_stream_cli_get_data(cli), msg);
	msgb_free(msg);
	return 0;
}

static int srv_read(struct osmo_stream_srv *srv)
{
	struct bsc *b = osmo_stream_srv_get_data(srv);
	struct msgb *msg = msgb_alloc(READ_OCTETS, "bsc reads");
	int n = osmo_stream_srv_recv(srv, msg);

	if (n > 0)
		bsc_hears(b, msg);
	msgb_free(msg);
	if (n > 0)
		return 0;
	osmo_stream_srv_destroy(srv);
	return -EBADF;	/* tells the library that the conn is no more */
}

static int srv_closed(struct osmo_stream_srv *srv)
{
	struct bsc *b = osmo_stream_srv_get_data(srv);

	b->srv = NULL;
	return 0;
}

static int srv_accept(struct osmo_stream_srv_link *link, int fd)
{
	struct bsc *b = osmo_stream_srv_link_get_data(link);

	b->srv = osmo_stream_srv_create(link, link, fd, srv_read, srv_closed, b);
	return b->srv ? 0 : -ENOMEM;
}

/* Connect from the BSC's own address to our port. */
static void bsc_calls(struct lab *lab, struct bsc *b)
{
	b->cli = osmo_stream_cli_create(lab);
	assert_non_null(b->cli);
	osmo_stream_cli_set_proto(b->cli, IPPROTO_TCP);
	osmo_stream_cli_set_local_addr(b->cli, b->ip);
	osmo_stream_cli_set_addr(b->cli, "127.0.0.1");
	osmo_stream_cli_set_port(b->cli, lab->port);
	osmo_stream_cli_set_nodelay(b->cli, true);
	osmo_stream_cli_set_reconnect_timeout(b->cli, -1);
	osmo_stream_cli_set_read_cb(b->cli, cli_read);
	osmo_stream_cli_set_data(b->cli, b);
	assert_true(osmo_stream_cli_open(b->cli) >= 0);
}

/* \returns the port that the system chose. */
static uint16_t bsc_listens(struct lab *lab, struct bsc *b)
{
	char port[6];

	lab->srv_link = osmo_stream_srv_link_create(lab);
	assert_non_null(lab->srv_link);
	osmo_stream_srv_link_set_proto(lab->srv_link, IPPROTO_TCP);
	osmo_stream_srv_link_set_addr(lab->srv_link, b->ip);
	osmo_stream_srv_link_set_port(lab->srv_link, 0);
	osmo_stream_srv_link_set_accept_cb(lab->srv_link, srv_accept);
	osmo_stream_srv_link_set_data(lab->srv_link, b);
	assert_true(osmo_stream_srv_link_open(lab->srv_link) >= 0);
	assert_int_equal(osmo_sock_get_local_ip_port(
				 osmo_stream_srv_link_get_ofd(lab->srv_link)->fd, port,
				 sizeof(port)), 0);
	return atoi(port);
}

static void bsc_sends(struct bsc *b, const uint8_t *octets, size_t len)
{
	struct msgb *msg = msgb_alloc(len, "bsc sends");

	assert_non_null(msg);
	memcpy(msgb_put(msg, len), octets, len);
	if (b->cli)
		osmo_stream_cli_send(b->cli, msg);
	else
		osmo_stream_srv_send(b->srv, msg);
}

/* The octet has left the library's queue. */
static void bsc_sends_an_octet(struct bsc *b, uint8_t octet)
{
	const struct osmo_fd *ofd = osmo_stream_cli_get_ofd(b->cli);

	bsc_sends(b, &octet, 1);
	TURN_UNTIL(!(ofd->when & OSMO_FD_WRITE));
	fake_turn();
}

static size_t pdu_len(const struct bsc *b)
{
	return HEADER + (b->got[1] << 16 | b->got[2] << 8 | b->got[3]);
}

static bool has_a_pdu(const struct bsc *b)
{
	return b->got_len >= HEADER && b->got_len >= pdu_len(b);
}

/* Read the one PDU that has come, as OsmoBSC would. */
static struct osmo_cbsp_decoded *bsc_decodes(struct lab *lab, struct bsc *b)
{
	struct osmo_cbsp_decoded *d;
	struct msgb *msg;

	TURN_UNTIL(has_a_pdu(b));
	assert_false(b->overrun);
	assert_int_equal(b->got_len, pdu_len(b));
	msg = msgb_alloc(b->got_len, "bsc decodes");
	msg->l1h = msgb_put(msg, b->got_len);
	memcpy(msg->l1h, b->got, b->got_len);
	msg->l2h = msg->l1h + HEADER;
	d = osmo_cbsp_decode(lab, msg);
	msgb_free(msg);
	b->got_len = 0;
	assert_non_null(d);
	return d;
}

/* Requests and answers */

/* Two pages for two cells; no two BSCs get the same. */
static void make_request(struct bsc *b, unsigned int nr)
{
	unsigned int i;

	b->message = (struct message){
		.nr = 1 + nr,
		.kind = MESSAGE_TEXT,
		.class = MESSAGE_CLASS_NATIONAL,
		.identifier = 4371,
		.serial = 0x4010 + nr * 16,
		.language = "en",
		.text = "x",
		.pages = { .dcs = 0x0f, .n = 2 },
	};
	memset(b->message.pages.page[0].octets, 'A' + nr, CBS_PAGE_OCTETS);
	b->message.pages.page[0].used = CBS_PAGE_OCTETS;
	memset(b->message.pages.page[1].octets, 'B' + nr, CBS_PAGE_OCTETS);
	b->message.pages.page[1].used = 10;
	for (i = 0; i < N_CELLS; i++)
		b->cells[i] = (struct target){
			.type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2,
			.value = (100 + nr) << 16 | (1001 + i),
		};
	b->request = (struct peer_request){
		.verb = PEER_WRITE,
		.message = &b->message,
		.targets = b->cells,
		.n_targets = N_CELLS,
		.period = 15,
		.remaining_s = 100,
	};
}

static void submit(struct bsc *b)
{
	b->peer->n_done = 0;
	b->peer->requests[PEER_WRITE] = &b->request;
	assert_int_equal(link_cbsp_ops.submit(b->peer, &b->request), 0);
}

static void assert_pages(const struct llist_head *list, const struct message *m)
{
	const struct osmo_cbsp_content *page;
	unsigned int i = 0;

	llist_for_each_entry(page, list, list) {
		assert_true(i < m->pages.n);
		assert_int_equal(page->user_len, m->pages.page[i].used);
		assert_memory_equal(page->data, m->pages.page[i].octets, CBS_PAGE_OCTETS);
		i++;
	}
	assert_int_equal(i, m->pages.n);
}

static void assert_cells(const struct osmo_cbsp_cell_list *list, const struct target *cells)
{
	const struct osmo_cbsp_cell_ent *e;
	unsigned int i = 0;

	assert_int_equal(list->id_discr, CELL_IDENT_WHOLE_GLOBAL);
	llist_for_each_entry(e, &list->list, list) {
		assert_true(i < N_CELLS);
		assert_int_equal(e->cell_id.global.lai.plmn.mcc, cells[i].mcc);
		assert_int_equal(e->cell_id.global.lai.plmn.mnc, cells[i].mnc);
		assert_false(e->cell_id.global.lai.plmn.mnc_3_digits);
		assert_int_equal(e->cell_id.global.lai.lac, cells[i].value >> 16);
		assert_int_equal(e->cell_id.global.cell_identity, cells[i].value & 0xffff);
		i++;
	}
	assert_int_equal(i, N_CELLS);
}

static void assert_write(const struct osmo_cbsp_decoded *d, const struct bsc *b)
{
	const struct osmo_cbsp_write_replace *w = &d->u.write_replace;

	assert_int_equal(d->msg_type, CBSP_MSGT_WRITE_REPLACE);
	assert_int_equal(w->msg_id, b->message.identifier);
	assert_int_equal(w->new_serial_nr, b->message.serial);
	assert_null(w->old_serial_nr);
	assert_true(w->is_cbs);
	assert_int_equal(w->u.cbs.rep_period, 15);
	assert_int_equal(w->u.cbs.dcs, 0x0f);
	assert_pages(&w->u.cbs.msg_content, &b->message);
	assert_cells(&w->cell_list, b->cells);
}

/* WRITE-REPLACE COMPLETE (8.1.3.2) for what the BSC has read. */
static size_t make_complete(const struct osmo_cbsp_write_replace *w, uint8_t out[64])
{
	const uint8_t start[] = {
		0x02, 0, 0, 0,
		0x0e, w->msg_id >> 8, w->msg_id,
		0x03, w->new_serial_nr >> 8, w->new_serial_nr,
		0x04, 0, 1 + 7 * N_CELLS, 0x00,
	};
	const struct osmo_cbsp_cell_ent *e;
	uint8_t *p = out + sizeof(start);

	memcpy(out, start, sizeof(start));
	llist_for_each_entry(e, &w->cell_list.list, list) {
		const struct osmo_cell_global_id *id = &e->cell_id.global;

		osmo_plmn_to_bcd(p, &id->lai.plmn);
		p[3] = id->lai.lac >> 8;
		p[4] = id->lai.lac;
		p[5] = id->cell_identity >> 8;
		p[6] = id->cell_identity;
		p += 7;
	}
	*p++ = 0x12;	/* channel indicator: basic */
	*p++ = 0x00;
	out[3] = p - out - HEADER;
	return p - out;
}

/* \returns the length of the answer to the request that has come. */
static size_t bsc_takes_the_write(struct lab *lab, struct bsc *b, uint8_t complete[64])
{
	struct osmo_cbsp_decoded *d = bsc_decodes(lab, b);
	size_t len;

	assert_write(d, b);
	len = make_complete(&d->u.write_replace, complete);
	talloc_free(d);
	return len;
}

static void assert_done(const struct bsc *b)
{
	unsigned int i;

	for (i = 0; i < N_CELLS; i++)
		assert_int_equal(b->peer->results[i].answer, PEER_ANSWER_DONE);
	assert_int_equal(b->peer->unmatched, 0);
	assert_int_equal(b->peer->counters[PEER_CTR_RX_MALFORMED], 0);
}

static void a_write_is_answered(struct lab *lab, struct bsc *b)
{
	uint8_t complete[64];
	size_t len;

	submit(b);
	len = bsc_takes_the_write(lab, b, complete);
	assert_int_equal(b->peer->n_done, 0);
	bsc_sends(b, complete, len);
	TURN_UNTIL(b->peer->n_done == 1);
	assert_done(b);
}

static void a_restart_is_reported(struct bsc *b)
{
	unsigned int before = b->peer->n_losses;

	bsc_sends(b, restart_text, sizeof(restart_text));
	TURN_UNTIL(b->peer->n_losses == before + 1);
	assert_int_equal(b->peer->loss, PEER_LOSS_DATA_LOST);
	assert_int_equal(b->peer->loss_kind, MESSAGE_TEXT);
	assert_int_equal(b->peer->n_patterns, 0);
}

static unsigned int times_up(const struct bsc *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < b->peer->n_history; i++)
		n += b->peer->history[i] == PEER_UP;
	return n;
}

/* The laboratory */

/* A BSC at 127.0.0.2 and so on, and its peer, not yet open. */
static struct bsc *new_bsc(struct lab *lab)
{
	struct bsc *b = &lab->bscs[lab->n];

	snprintf(b->ip, sizeof(b->ip), "127.0.0.%u", lab->n + 2);
	b->peer = fake_peer(lab, b->ip);
	b->peer->config = b->config = cbsp_config_alloc(b->peer);
	b->config->link.remote_ip = b->ip;
	make_request(b, lab->n++);
	return b;
}

static void expect_call(struct lab *lab, struct bsc *b)
{
	b->config->link.role = LINK_LISTEN;
	b->config->link.listeners = lab->listeners;
	b->config->link.local_ip = (char *)"127.0.0.1";
	b->config->link.local_port = lab->port;
	assert_int_equal(link_cbsp_ops.open(b->peer), 0);
}

static struct bsc *bsc_that_called(struct lab *lab)
{
	struct bsc *b = new_bsc(lab);

	expect_call(lab, b);
	bsc_calls(lab, b);
	TURN_UNTIL(b->peer->state == PEER_UP && osmo_stream_cli_is_connected(b->cli));
	return b;
}

static int setup(void **state)
{
	struct lab *lab = talloc_zero(NULL, struct lab);

	fake_start();
	lab->listeners = listeners_alloc(lab);
	lab->hold = fake_bind(&lab->port, false);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;
	unsigned int i;

	for (i = 0; i < lab->n; i++) {
		struct bsc *b = &lab->bscs[i];

		link_cbsp_ops.close(b->peer);
		if (b->cli)
			osmo_stream_cli_destroy(b->cli);
		if (b->old_cli)
			osmo_stream_cli_destroy(b->old_cli);
		if (b->srv)
			osmo_stream_srv_destroy(b->srv);
	}
	if (lab->srv_link)
		osmo_stream_srv_link_destroy(lab->srv_link);
	close(lab->hold);
	talloc_free(lab);
	return 0;
}

static void a_bsc_that_connects_to_us_restarts_and_confirms_a_write(void **state)
{
	struct lab *lab = *state;
	struct bsc *b = bsc_that_called(lab);

	a_restart_is_reported(b);
	assert_int_equal(b->peer->state, PEER_UP);
	a_write_is_answered(lab, b);
}

static void a_bsc_that_we_connect_to_restarts_and_confirms_a_write(void **state)
{
	struct lab *lab = *state;
	struct bsc *b = new_bsc(lab);

	b->config->link.remote_port = bsc_listens(lab, b);
	assert_int_equal(link_cbsp_ops.open(b->peer), 0);
	TURN_UNTIL(b->peer->state == PEER_UP && b->srv);
	a_restart_is_reported(b);
	a_write_is_answered(lab, b);
	link_cbsp_ops.close(b->peer);
	TURN_UNTIL(!b->srv);
}

static void frames_are_found_wherever_the_stream_is_cut(void **state)
{
	struct lab *lab = *state;
	struct bsc *b = bsc_that_called(lab);
	uint8_t complete[64];
	size_t len, i;

	bsc_sends(b, restart_both, sizeof(restart_both));
	TURN_UNTIL(b->peer->n_losses == 2);
	assert_int_equal(b->peer->loss_kind, MESSAGE_EMERGENCY);

	submit(b);
	len = bsc_takes_the_write(lab, b, complete);
	for (i = 0; i < len; i++) {
		assert_int_equal(b->peer->n_done, 0);
		bsc_sends_an_octet(b, complete[i]);
	}
	TURN_UNTIL(b->peer->n_done == 1);
	assert_done(b);
}

static void a_bsc_that_closes_may_come_again(void **state)
{
	struct lab *lab = *state;
	struct bsc *b = bsc_that_called(lab);

	osmo_stream_cli_close(b->cli);
	TURN_UNTIL(b->peer->state == PEER_DOWN);
	assert_null(link_cbsp_ops.remote(b->peer));
	assert_int_equal(link_cbsp_ops.submit(b->peer, &b->request), -ENOTCONN);

	assert_true(osmo_stream_cli_open(b->cli) >= 0);
	TURN_UNTIL(b->peer->state == PEER_UP && osmo_stream_cli_is_connected(b->cli));
	a_restart_is_reported(b);
	a_write_is_answered(lab, b);
}

/* A BSC that lost its conn without our knowledge opens another. */
static void the_newest_conn_of_a_bsc_wins(void **state)
{
	struct lab *lab = *state;
	struct bsc *b = bsc_that_called(lab);
	char old[64];

	snprintf(old, sizeof(old), "%s", link_cbsp_ops.remote(b->peer));
	b->old_cli = b->cli;
	bsc_calls(lab, b);
	TURN_UNTIL(!osmo_stream_cli_is_connected(b->old_cli));
	TURN_UNTIL(b->peer->state == PEER_UP && osmo_stream_cli_is_connected(b->cli));
	assert_int_equal(times_up(b), 2);
	assert_string_not_equal(link_cbsp_ops.remote(b->peer), old);
	a_restart_is_reported(b);
	a_write_is_answered(lab, b);
}

static bool all_are_up(const struct lab *lab)
{
	unsigned int i;

	for (i = 0; i < lab->n; i++) {
		if (lab->bscs[i].peer->state != PEER_UP ||
		    !osmo_stream_cli_is_connected(lab->bscs[i].cli))
			return false;
	}
	return true;
}

static void fifty_bscs_come_at_once_and_each_gets_its_own(void **state)
{
	struct lab *lab = *state;
	unsigned int i;

	for (i = 0; i < MAX_BSCS; i++)
		expect_call(lab, new_bsc(lab));
	for (i = 0; i < MAX_BSCS; i++)
		bsc_calls(lab, &lab->bscs[i]);
	TURN_UNTIL(all_are_up(lab));
	assert_int_equal(fake_refused(), 0);
	for (i = 0; i < MAX_BSCS; i++)
		submit(&lab->bscs[i]);
	for (i = 0; i < MAX_BSCS; i++) {
		struct bsc *b = &lab->bscs[i];
		uint8_t complete[64];
		size_t len = bsc_takes_the_write(lab, b, complete);

		bsc_sends(b, complete, len);
		TURN_UNTIL(b->peer->n_done == 1);
		assert_done(b);
		assert_int_equal(times_up(b), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_bsc_that_connects_to_us_restarts_and_confirms_a_write),
		T(a_bsc_that_we_connect_to_restarts_and_confirms_a_write),
		T(frames_are_found_wherever_the_stream_is_cut),
		T(a_bsc_that_closes_may_come_again),
		T(the_newest_conn_of_a_bsc_wins),
		T(fifty_bscs_come_at_once_and_each_gets_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
