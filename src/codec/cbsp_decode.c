/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/cbsp.h>

#include <errno.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/base/wire.h>

#include "cbsp_elements.h"

struct decoder {
	struct wire_reader r;
	struct cbsp_pdu *pdu;
	enum cbsp_period_coding coding;
	uint32_t seen;			/* bit per element identifier */
	struct cbs_page *pages;
	uint8_t n_pages;		/* content elements,
	  to be compared with the announced number */
	const char *error;		/* the first one */
};

static void fail(struct decoder *d, const char *error)
{
	if (!d->error)
		d->error = error;
}

static void get_number(struct decoder *d, const struct cbsp_element *e)
{
	uint8_t *value = (uint8_t *)d->pdu + e->value;
	uint16_t v;

	*((uint8_t *)d->pdu + e->has) = true;
	if (e->octets == 1) {
		*value = wire_read_u8(&d->r) & ~e->spare;
		return;
	}
	v = wire_read_u16(&d->r);
	memcpy(value, &v, sizeof(v));
}

static void get_period(struct decoder *d)
{
	uint16_t v = wire_read_u16(&d->r);

	d->pdu->has_period = true;
	d->pdu->period = d->coding == CBSP_PERIOD_16BIT ? v : v >> 8 << 4 | (v & 0x0f);
}

/* No receiver checks it. */
static void get_security(struct decoder *d)
{
	wire_read_bytes(&d->r, CBSP_WARNING_SECURITY_LEN);
}

static void get_content(struct decoder *d)
{
	uint8_t used = wire_read_u8(&d->r);
	const uint8_t *octets = wire_read_bytes(&d->r, CBS_PAGE_OCTETS);
	struct cbs_page *pages;

	if (!octets)
		return;
	if (used < 1 || used > CBS_PAGE_OCTETS) {
		fail(d, "a page has an impossible length");
		return;
	}
	if (d->n_pages == CBS_MAX_PAGES) {
		fail(d, "there are more than 15 pages");
		return;
	}
	pages = talloc_realloc(d->pdu, d->pages, struct cbs_page, d->n_pages + 1);
	if (!pages) {
		fail(d, "out of memory");
		return;
	}
	d->pages = pages;
	pages[d->n_pages].used = used;
	memcpy(pages[d->n_pages].octets, octets, CBS_PAGE_OCTETS);
	d->n_pages++;
}

/* 3GPP TS 24.008, 10.5.1.3. */
static void get_plmn(struct decoder *d, struct wire_reader *r, struct cbsp_cell *c)
{
	uint8_t a = wire_read_u8(r), b = wire_read_u8(r), m = wire_read_u8(r);
	uint8_t third = b >> 4;

	if ((a & 15) > 9 || a >> 4 > 9 || (b & 15) > 9 || (m & 15) > 9 || m >> 4 > 9 ||
	    (third > 9 && third != 15)) {
		fail(d, "a PLMN has a digit above nine");
		return;
	}
	c->mcc = (a & 15) * 100 + (a >> 4) * 10 + (b & 15);
	c->mnc = (m & 15) * 10 + (m >> 4);
	c->mnc_digits = 2;
	if (third != 15) {
		c->mnc = c->mnc * 10 + third;
		c->mnc_digits = 3;
	}
}

static void get_cell(struct decoder *d, struct wire_reader *r, enum cbsp_disc disc,
		     struct cbsp_cell *c)
{
	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAI)
		get_plmn(d, r, c);
	if (disc != CBSP_DISC_CI && disc != CBSP_DISC_BSS)
		c->lac = wire_read_u16(r);
	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAC_CI || disc == CBSP_DISC_CI)
		c->ci = wire_read_u16(r);
}

/* 8.2.6: the high half of the octet is spare. */
static enum cbsp_disc get_disc(struct decoder *d, struct wire_reader *r)
{
	unsigned int disc = wire_read_u8(r) & 0x0f;

	if (cbsp_cell_len(disc) < 0) {
		fail(d, "a cell list has an unknown discriminator");
		return CBSP_DISC_BSS;
	}
	return disc;
}

static struct wire_reader get_list(struct decoder *d)
{
	uint16_t len = wire_read_u16(&d->r);
	struct wire_reader list = wire_read_sub(&d->r, len);

	if (!list.error && !len)
		fail(d, "a list is empty");
	return list;
}

/* Start a list of equal entries: the discriminator, then as many as fit exactly. An entry of the
 * whole BSS would have no cell, so there is none.
 * \param[in] extra  octets of an entry behind the cell.
 * \returns array with *n zeroed entries of this size, NULL if there are none. */
static void *begin_entries(struct decoder *d, struct wire_reader *list, enum cbsp_disc *disc,
			   size_t extra, size_t size, size_t *n)
{
	size_t left, len;
	void *entries;

	*list = get_list(d);
	if (list->error || d->error)
		return NULL;
	*disc = get_disc(d, list);
	left = wire_left(list);
	if (d->error || !left)
		return NULL;
	len = cbsp_cell_len(*disc) + extra;
	if (*disc == CBSP_DISC_BSS || left % len) {
		fail(d, "a list has octets that are no entry");
		return NULL;
	}
	entries = talloc_zero_size(d->pdu, left / len * size);
	if (!entries) {
		fail(d, "out of memory");
		return NULL;
	}
	*n = left / len;
	return entries;
}

static void get_cells(struct decoder *d)
{
	struct cbsp_cell_list *out = &d->pdu->cells;
	struct wire_reader list;
	size_t i;

	out->present = true;
	out->cells = begin_entries(d, &list, &out->disc, 0, sizeof(*out->cells), &out->n);
	for (i = 0; i < out->n; i++)
		get_cell(d, &list, out->disc, &out->cells[i]);
}

/* 8.2.10: peers disagree on the half of the octet that holds it. What is neither valid nor
 * overflow cannot be believed. */
static enum cbsp_count_info count_info(uint8_t octet)
{
	switch ((octet & 0x0f) | octet >> 4) {
	case 0:
		return CBSP_COUNT_VALID;
	case 1:
		return CBSP_COUNT_OVERFLOW;
	default:
		return CBSP_COUNT_UNKNOWN;
	}
}

static void get_counts(struct decoder *d)
{
	struct cbsp_pdu *pdu = d->pdu;
	struct wire_reader list;
	size_t i;

	pdu->has_counts = true;
	pdu->counts = begin_entries(d, &list, &pdu->count_disc, 3, sizeof(*pdu->counts),
				    &pdu->n_counts);
	for (i = 0; i < pdu->n_counts; i++) {
		get_cell(d, &list, pdu->count_disc, &pdu->counts[i].cell);
		pdu->counts[i].count = wire_read_u16(&list);
		pdu->counts[i].info = count_info(wire_read_u8(&list));
	}
}

static void get_loads(struct decoder *d)
{
	struct cbsp_pdu *pdu = d->pdu;
	struct wire_reader list;
	size_t i;

	pdu->has_loads = true;
	pdu->loads = begin_entries(d, &list, &pdu->load_disc, 2, sizeof(*pdu->loads),
				   &pdu->n_loads);
	for (i = 0; i < pdu->n_loads; i++) {
		get_cell(d, &list, pdu->load_disc, &pdu->loads[i].cell);
		pdu->loads[i].load[0] = wire_read_u8(&list);
		pdu->loads[i].load[1] = wire_read_u8(&list);
	}
}

/* 8.2.11: no discriminator for the list, but one for each entry. */
static void get_failures(struct decoder *d)
{
	struct cbsp_pdu *pdu = d->pdu;
	struct wire_reader list = get_list(d);

	pdu->has_failures = true;
	if (list.error || d->error)
		return;
	/* The shortest entry has two octets. */
	pdu->failures = talloc_zero_array(pdu, struct cbsp_failure, wire_left(&list) / 2 + 1);
	if (!pdu->failures) {
		fail(d, "out of memory");
		return;
	}
	while (!d->error && wire_left(&list)) {
		struct cbsp_failure *f = &pdu->failures[pdu->n_failures];

		f->disc = get_disc(d, &list);
		get_cell(d, &list, f->disc, &f->cell);
		f->cause = wire_read_u8(&list);
		if (list.error)
			fail(d, "a failure list ends inside an entry");
		else
			pdu->n_failures++;
	}
}

static void (*const getters[_NUM_CBSP_KIND])(struct decoder *d) = {
	[CBSP_KIND_PERIOD] = get_period,
	[CBSP_KIND_SECURITY] = get_security,
	[CBSP_KIND_CONTENT] = get_content,
	[CBSP_KIND_CELLS] = get_cells,
	[CBSP_KIND_COUNTS] = get_counts,
	[CBSP_KIND_FAILURES] = get_failures,
	[CBSP_KIND_LOADS] = get_loads,
};

static void get_element(struct decoder *d)
{
	uint8_t iei = wire_read_u8(&d->r);
	const struct cbsp_element *e = cbsp_element(iei);

	if (!e) {
		fail(d, "there is an element with an unknown identifier");
		return;
	}
	if (d->seen & 1u << iei && iei != CBSP_IEI_CONTENT) {
		fail(d, "an element stands twice");
		return;
	}
	d->seen |= 1u << iei;
	if (e->kind == CBSP_KIND_NUMBER)
		get_number(d, e);
	else
		getters[e->kind](d);
	if (d->r.error)
		fail(d, "the message ends inside an element");
}

static bool has_seen(const struct decoder *d, enum cbsp_iei iei)
{
	return d->seen & 1u << iei;
}

/* What the whole message must fulfil, once all of it is read. */
static void check_message(struct decoder *d)
{
	bool emergency = has_seen(d, CBSP_IEI_EMERGENCY);
	const uint8_t *elements = cbsp_elements_of(d->pdu->type, emergency);

	if (emergency && has_seen(d, CBSP_IEI_CHANNEL))
		fail(d, "there is both a channel indicator and an emergency indicator");
	if (d->n_pages != d->pdu->n_pages)
		fail(d, "the number of pages differs from the pages there are");
	for (; *elements; elements++) {
		if (!(*elements & CBSP_OPTIONAL) && !has_seen(d, *elements))
			fail(d, "a mandatory element is missing");
	}
}

static void decode_message(struct decoder *d, const uint8_t *data, size_t len)
{
	if (len < CBSP_HEADER_LEN || cbsp_frame_len(data, len) != (int)len) {
		fail(d, "the length announced is not the length of the message");
		return;
	}
	d->pdu->type = wire_read_u8(&d->r);
	wire_read_u24(&d->r);
	if (!cbsp_elements_of(d->pdu->type, false)) {
		fail(d, "the message type is unknown or not supported");
		return;
	}
	while (!d->error && wire_left(&d->r))
		get_element(d);
	if (!d->error)
		check_message(d);
	d->pdu->pages = d->pages;
}

struct cbsp_pdu *cbsp_decode(void *ctx, const uint8_t *data, size_t len,
			     enum cbsp_period_coding coding, const char **error)
{
	struct decoder d = { .r = wire_reader_init(data, len), .coding = coding };

	d.pdu = talloc_zero(ctx, struct cbsp_pdu);
	if (d.pdu)
		decode_message(&d, data, len);
	else
		fail(&d, "out of memory");
	if (d.error) {
		if (error)
			*error = d.error;
		talloc_free(d.pdu);
		return NULL;
	}
	return d.pdu;
}
