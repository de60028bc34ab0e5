/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Prints every request that this CBC can send as a hex dump for text2pcap, one PDU after the
 * other, each from offset 0. What they hold is expected in tshark_cbsp.sh, in the same order. */

#include <stdio.h>
#include <string.h>

#include <tocsin/codec/cbs.h>
#include <tocsin/codec/cbsp.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static int print_pdu(const struct cbsp_pdu *pdu)
{
	uint8_t out[4096];
	int i, n = cbsp_encode(pdu, CBSP_PERIOD_12BIT, out, sizeof(out));

	for (i = 0; i < n; i++) {
		if (i % 16 == 0)
			printf("%s%06x", i ? "\n" : "", (unsigned int)i);
		printf(" %02x", out[i]);
	}
	printf("\n");
	return n < 0 ? n : 0;
}

static struct cbs_pages make_pages(const char *text, const char *language)
{
	struct cbs_pages pages = { 0 };

	if (cbs_paginate(text, language, &pages, NULL) < 0)
		pages.n = 0;
	return pages;
}

static struct cbsp_pdu request(enum cbsp_msg_type type, enum cbsp_disc disc,
			       struct cbsp_cell *cells, size_t n)
{
	return (struct cbsp_pdu){
		.type = type, .cells = { .present = true, .disc = disc, .cells = cells, .n = n },
	};
}

static int print_write(const struct cbs_pages *pages, struct cbsp_pdu pdu, bool replace)
{
	pdu.has_message_identifier = pdu.has_new_serial = pdu.has_channel = pdu.has_category =
		pdu.has_period = pdu.has_num_broadcasts = pdu.has_dcs = true;
	pdu.has_old_serial = replace;
	pdu.message_identifier = 4370;
	pdu.old_serial = cbs_serial(CBS_SCOPE_PLMN, 5, 0);
	pdu.new_serial = cbs_serial(CBS_SCOPE_PLMN, 5, replace);
	pdu.channel = replace;
	pdu.period = replace ? 300 : 15;
	pdu.num_broadcasts = replace ? 65535 : 120;
	pdu.dcs = pages->dcs;
	pdu.pages = pages->page;
	pdu.n_pages = pages->n;
	return print_pdu(&pdu);
}

static int print_emergency(struct cbsp_pdu pdu)
{
	pdu.has_message_identifier = pdu.has_new_serial = true;
	pdu.has_emergency = pdu.has_warning_period = true;
	pdu.message_identifier = 4354;
	pdu.new_serial = cbs_serial(CBS_SCOPE_CELL_IMMEDIATE, 0x301, 0);
	pdu.emergency = 1;
	pdu.warning_type = cbs_warning_type(CBS_ETWS_EARTHQUAKE_TSUNAMI, true, true);
	pdu.warning_period = cbsp_warning_period(60);
	return print_pdu(&pdu);
}

static int print_by_reference(struct cbsp_pdu pdu, bool channel)
{
	pdu.has_message_identifier = pdu.has_old_serial = true;
	pdu.has_channel = channel;
	pdu.message_identifier = 4371;
	pdu.old_serial = cbs_serial(CBS_SCOPE_PLMN, 5, 0);
	return print_pdu(&pdu);
}

static int print_load_query(struct cbsp_pdu pdu)
{
	pdu.has_channel = true;
	return print_pdu(&pdu);
}

static int print_keep_alive(unsigned int seconds)
{
	const struct cbsp_pdu pdu = {
		.type = CBSP_KEEP_ALIVE, .has_keep_alive_period = true,
		.keep_alive_period = cbsp_warning_period(seconds),
	};

	return print_pdu(&pdu);
}

int main(void)
{
	struct cbsp_cell cells[] = {
		{ .mcc = 1, .mnc = 1, .mnc_digits = 2, .lac = 1, .ci = 2001 },
		{ .mcc = 310, .mnc = 410, .mnc_digits = 3, .lac = 2, .ci = 2002 },
	};
	struct cbs_pages english = make_pages("Test message", "en");
	struct cbs_pages russian = make_pages("Проверка тревоги: одно сообщение на двух страницах", "ru");
	int rc = 0;

	rc |= print_write(&english, request(CBSP_WRITE_REPLACE, CBSP_DISC_CGI, cells, 2), false);
	rc |= print_write(&russian, request(CBSP_WRITE_REPLACE, CBSP_DISC_LAC_CI, cells, 2), true);
	rc |= print_emergency(request(CBSP_WRITE_REPLACE, CBSP_DISC_BSS, NULL, 0));
	rc |= print_by_reference(request(CBSP_KILL, CBSP_DISC_CGI, cells, 1), true);
	rc |= print_by_reference(request(CBSP_KILL, CBSP_DISC_BSS, NULL, 0), false);
	rc |= print_by_reference(request(CBSP_STATUS_QUERY, CBSP_DISC_CI, cells, 2), true);
	rc |= print_load_query(request(CBSP_LOAD_QUERY, CBSP_DISC_LAC, cells, 2));
	rc |= print_pdu(&(struct cbsp_pdu){ .type = CBSP_RESET, .cells = { .present = true,
					    .disc = CBSP_DISC_BSS } });
	rc |= print_keep_alive(30);
	return rc ? 1 : 0;
}
