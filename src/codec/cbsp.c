/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/cbsp.h>

#include <errno.h>
#include <string.h>

#include <tocsin/base/wire.h>

#include "cbsp_elements.h"

#define OPT(iei) ((iei) | CBSP_OPTIONAL)

/* The order is free for a receiver except that the pages stand in their order; this one is what
 * the field's BSCs are used to. */
static const uint8_t write_cbs[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_NEW_SERIAL, OPT(CBSP_IEI_OLD_SERIAL), CBSP_IEI_CELLS,
	CBSP_IEI_CHANNEL, CBSP_IEI_CATEGORY, CBSP_IEI_PERIOD, CBSP_IEI_NUM_BROADCASTS,
	CBSP_IEI_NUM_PAGES, CBSP_IEI_DCS, CBSP_IEI_CONTENT, 0
};
static const uint8_t write_emergency[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_NEW_SERIAL, OPT(CBSP_IEI_OLD_SERIAL), CBSP_IEI_CELLS,
	CBSP_IEI_EMERGENCY, CBSP_IEI_WARNING_TYPE, CBSP_IEI_WARNING_SECURITY,
	CBSP_IEI_WARNING_PERIOD, 0
};
static const uint8_t write_complete[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_NEW_SERIAL, OPT(CBSP_IEI_OLD_SERIAL),
	OPT(CBSP_IEI_COUNTS), OPT(CBSP_IEI_CELLS), OPT(CBSP_IEI_CHANNEL), 0
};
static const uint8_t write_failure[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_NEW_SERIAL, OPT(CBSP_IEI_OLD_SERIAL),
	CBSP_IEI_FAILURES, OPT(CBSP_IEI_COUNTS), OPT(CBSP_IEI_CELLS), OPT(CBSP_IEI_CHANNEL), 0
};
static const uint8_t kill_request[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_OLD_SERIAL, CBSP_IEI_CELLS, OPT(CBSP_IEI_CHANNEL), 0
};
static const uint8_t kill_complete[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_OLD_SERIAL, OPT(CBSP_IEI_COUNTS), OPT(CBSP_IEI_CELLS),
	OPT(CBSP_IEI_CHANNEL), 0
};
static const uint8_t kill_failure[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_OLD_SERIAL, CBSP_IEI_FAILURES, OPT(CBSP_IEI_COUNTS),
	OPT(CBSP_IEI_CELLS), OPT(CBSP_IEI_CHANNEL), 0
};
static const uint8_t load_query[] = { CBSP_IEI_CELLS, CBSP_IEI_CHANNEL, 0 };
static const uint8_t load_complete[] = { CBSP_IEI_LOADS, CBSP_IEI_CHANNEL, 0 };
static const uint8_t load_failure[] = {
	CBSP_IEI_FAILURES, CBSP_IEI_CHANNEL, OPT(CBSP_IEI_LOADS), 0
};
static const uint8_t status_query[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_OLD_SERIAL, CBSP_IEI_CELLS, CBSP_IEI_CHANNEL, 0
};
static const uint8_t status_complete[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_OLD_SERIAL, CBSP_IEI_COUNTS, CBSP_IEI_CHANNEL, 0
};
static const uint8_t status_failure[] = {
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_OLD_SERIAL, CBSP_IEI_FAILURES, CBSP_IEI_CHANNEL,
	OPT(CBSP_IEI_COUNTS), 0
};
static const uint8_t reset[] = { CBSP_IEI_CELLS, 0 };
static const uint8_t reset_failure[] = { CBSP_IEI_FAILURES, OPT(CBSP_IEI_CELLS), 0 };
static const uint8_t restart[] = {
	CBSP_IEI_CELLS, CBSP_IEI_BROADCAST_TYPE, CBSP_IEI_RECOVERY, 0
};
static const uint8_t failure[] = { CBSP_IEI_FAILURES, CBSP_IEI_BROADCAST_TYPE, 0 };
static const uint8_t error_indication[] = {
	CBSP_IEI_CAUSE, OPT(CBSP_IEI_MESSAGE_IDENTIFIER), OPT(CBSP_IEI_NEW_SERIAL),
	OPT(CBSP_IEI_OLD_SERIAL), OPT(CBSP_IEI_CHANNEL), 0
};
static const uint8_t keep_alive[] = { CBSP_IEI_KEEP_ALIVE_PERIOD, 0 };
static const uint8_t keep_alive_complete[] = { 0 };

/* 3GPP TS 48.049, 8.1.2 and 8.1.3. */
static const struct {
	const char *name;
	const uint8_t *elements;
} messages[] = {
	[CBSP_WRITE_REPLACE] = { "WRITE-REPLACE", write_cbs },
	[CBSP_WRITE_REPLACE_COMPLETE] = { "WRITE-REPLACE COMPLETE", write_complete },
	[CBSP_WRITE_REPLACE_FAILURE] = { "WRITE-REPLACE FAILURE", write_failure },
	[CBSP_KILL] = { "KILL", kill_request },
	[CBSP_KILL_COMPLETE] = { "KILL COMPLETE", kill_complete },
	[CBSP_KILL_FAILURE] = { "KILL FAILURE", kill_failure },
	[CBSP_LOAD_QUERY] = { "LOAD QUERY", load_query },
	[CBSP_LOAD_QUERY_COMPLETE] = { "LOAD QUERY COMPLETE", load_complete },
	[CBSP_LOAD_QUERY_FAILURE] = { "LOAD QUERY FAILURE", load_failure },
	[CBSP_STATUS_QUERY] = { "MESSAGE STATUS QUERY", status_query },
	[CBSP_STATUS_QUERY_COMPLETE] = { "MESSAGE STATUS QUERY COMPLETE", status_complete },
	[CBSP_STATUS_QUERY_FAILURE] = { "MESSAGE STATUS QUERY FAILURE", status_failure },
	[CBSP_SET_DRX] = { "SET-DRX", NULL },
	[CBSP_SET_DRX_COMPLETE] = { "SET-DRX COMPLETE", NULL },
	[CBSP_SET_DRX_FAILURE] = { "SET-DRX FAILURE", NULL },
	[CBSP_RESET] = { "RESET", reset },
	[CBSP_RESET_COMPLETE] = { "RESET COMPLETE", reset },
	[CBSP_RESET_FAILURE] = { "RESET FAILURE", reset_failure },
	[CBSP_RESTART] = { "RESTART", restart },
	[CBSP_FAILURE] = { "FAILURE", failure },
	[CBSP_ERROR_INDICATION] = { "ERROR INDICATION", error_indication },
	[CBSP_KEEP_ALIVE] = { "KEEP-ALIVE", keep_alive },
	[CBSP_KEEP_ALIVE_COMPLETE] = { "KEEP-ALIVE COMPLETE", keep_alive_complete },
};

#define N_MESSAGES (sizeof(messages) / sizeof(messages[0]))

const uint8_t *cbsp_elements_of(unsigned int type, bool emergency)
{
	if (type == CBSP_WRITE_REPLACE && emergency)
		return write_emergency;
	return type < N_MESSAGES ? messages[type].elements : NULL;
}

const char *cbsp_msg_type_name(unsigned int type)
{
	return type < N_MESSAGES && messages[type].name ? messages[type].name : "unknown";
}

const char *cbsp_cause_name(uint8_t cause)
{
	static const char *const names[] = {
		[CBSP_CAUSE_PARAMETER_NOT_RECOGNISED] = "parameter-not-recognised",
		[CBSP_CAUSE_PARAMETER_INVALID] = "parameter-value-invalid",
		[CBSP_CAUSE_REFERENCE_NOT_IDENTIFIED] = "message-reference-not-identified",
		[CBSP_CAUSE_CELL_NOT_VALID] = "cell-identity-not-valid",
		[CBSP_CAUSE_UNRECOGNISED_MESSAGE] = "unrecognised-message",
		[CBSP_CAUSE_MISSING_ELEMENT] = "missing-mandatory-element",
		[CBSP_CAUSE_BSC_CAPACITY] = "bsc-capacity-exceeded",
		[CBSP_CAUSE_CELL_MEMORY] = "cell-memory-exceeded",
		[CBSP_CAUSE_BSC_MEMORY] = "bsc-memory-exceeded",
		[CBSP_CAUSE_NOT_SUPPORTED] = "cell-broadcast-not-supported",
		[CBSP_CAUSE_NOT_OPERATIONAL] = "cell-broadcast-not-operational",
		[CBSP_CAUSE_DRX] = "incompatible-drx-parameter",
		[CBSP_CAUSE_EXTENDED_CHANNEL] = "extended-channel-not-supported",
		[CBSP_CAUSE_REFERENCE_USED] = "message-reference-already-used",
		[CBSP_CAUSE_UNSPECIFIED] = "unspecified-error",
		[CBSP_CAUSE_LAI_NOT_VALID] = "lai-or-lac-not-valid",
	};

	return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "reserved";
}

#define AT(member) offsetof(struct cbsp_pdu, member)
#define NUMBER(member, size, spare_bits, least, most) { \
	.kind = CBSP_KIND_NUMBER, .has = AT(has_##member), .value = AT(member), .octets = (size), \
	.spare = (spare_bits), .min = (least), .max = (most) }

_Static_assert(sizeof(bool) == 1, "has_x are read and written as octets");

const struct cbsp_element *cbsp_element(uint8_t iei)
{
	static const struct cbsp_element elements[_NUM_CBSP_IEI] = {
		[CBSP_IEI_CONTENT] = { .kind = CBSP_KIND_CONTENT, .has = AT(n_pages) },
		[CBSP_IEI_OLD_SERIAL] = NUMBER(old_serial, 2, 0, 0, UINT16_MAX),
		[CBSP_IEI_NEW_SERIAL] = NUMBER(new_serial, 2, 0, 0, UINT16_MAX),
		[CBSP_IEI_CELLS] = { .kind = CBSP_KIND_CELLS, .has = AT(cells.present) },
		[CBSP_IEI_CATEGORY] = NUMBER(category, 1, 0xf0, 0, 2),
		[CBSP_IEI_PERIOD] = { .kind = CBSP_KIND_PERIOD, .has = AT(has_period) },
		[CBSP_IEI_NUM_BROADCASTS] = NUMBER(num_broadcasts, 2, 0, 0, UINT16_MAX),
		[CBSP_IEI_COUNTS] = { .kind = CBSP_KIND_COUNTS, .has = AT(has_counts) },
		[CBSP_IEI_FAILURES] = { .kind = CBSP_KIND_FAILURES, .has = AT(has_failures) },
		[CBSP_IEI_LOADS] = { .kind = CBSP_KIND_LOADS, .has = AT(has_loads) },
		[CBSP_IEI_CAUSE] = NUMBER(cause, 1, 0, 0, UINT8_MAX),
		[CBSP_IEI_DCS] = NUMBER(dcs, 1, 0, 0, UINT8_MAX),
		[CBSP_IEI_RECOVERY] = NUMBER(recovery, 1, 0xf0, 0, 1),
		[CBSP_IEI_MESSAGE_IDENTIFIER] = NUMBER(message_identifier, 2, 0, 0, UINT16_MAX),
		[CBSP_IEI_EMERGENCY] = NUMBER(emergency, 1, 0, 1, 1),
		[CBSP_IEI_WARNING_TYPE] = {
			.kind = CBSP_KIND_NUMBER, .has = AT(has_emergency),
			  .value = AT(warning_type),
			.octets = 2, .max = UINT16_MAX },
		[CBSP_IEI_WARNING_SECURITY] = { .kind = CBSP_KIND_SECURITY,
		  .has = AT(has_emergency) },
		[CBSP_IEI_CHANNEL] = NUMBER(channel, 1, 0xf0, 0, 1),
		/* The number of pages is its own has_x: no page, no element. */
		[CBSP_IEI_NUM_PAGES] = {
			.kind = CBSP_KIND_NUMBER, .has = AT(n_pages), .value = AT(n_pages),
			.octets = 1, .min = 1, .max = CBS_MAX_PAGES },
		[CBSP_IEI_BROADCAST_TYPE] = NUMBER(broadcast_type, 1, 0xf0, 0, 1),
		[CBSP_IEI_WARNING_PERIOD] = NUMBER(warning_period, 1, 0, 0, 186),
		/* 1 to 120 seconds, 8.2.26. */
		[CBSP_IEI_KEEP_ALIVE_PERIOD] = NUMBER(keep_alive_period, 1, 0, 1, 38),
	};

	return iei < _NUM_CBSP_IEI && elements[iei].kind ? &elements[iei] : NULL;
}

int cbsp_cell_len(unsigned int disc)
{
	static const int8_t len[] = {
		[CBSP_DISC_CGI] = 7, [CBSP_DISC_LAC_CI] = 4, [CBSP_DISC_CI] = 2, -1,
		[CBSP_DISC_LAI] = 5, [CBSP_DISC_LAC] = 2, [CBSP_DISC_BSS] = 0,
	};

	return disc < sizeof(len) && len[disc] >= 0 ? len[disc] : -EINVAL;
}

/* 3GPP TS 48.049, 8.2.25: from each value on, the steps grow. */
static const struct {
	uint8_t coded;
	uint16_t seconds, step;
} warning_steps[] = {
	{ 0, 0, 1 }, { 10, 10, 2 }, { 20, 30, 5 }, { 38, 120, 10 }, { 86, 600, 30 },
	{ 186, 3600, 1 },
};

#define N_WARNING_STEPS (sizeof(warning_steps) / sizeof(warning_steps[0]))

uint8_t cbsp_warning_period(unsigned int seconds)
{
	size_t i;

	for (i = 0; i + 1 < N_WARNING_STEPS; i++) {
		unsigned int over = seconds - warning_steps[i].seconds;
		unsigned int step = warning_steps[i].step;

		if (seconds <= warning_steps[i + 1].seconds)
			return warning_steps[i].coded + (over + step - 1) / step;
	}
	return warning_steps[i].coded;
}

int cbsp_frame_len(const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader_init(data, len);
	uint32_t body;

	wire_read_u8(&r);
	body = wire_read_u24(&r);
	if (r.error)
		return 0;
	return body > CBSP_MAX_PDU - CBSP_HEADER_LEN ? -EMSGSIZE : (int)body + CBSP_HEADER_LEN;
}

/* What may be sent. */

static bool is_there(const struct cbsp_pdu *pdu, const struct cbsp_element *e)
{
	return *((const uint8_t *)pdu + e->has);
}

static unsigned int number_of(const struct cbsp_pdu *pdu, const struct cbsp_element *e)
{
	const uint8_t *p = (const uint8_t *)pdu + e->value;
	uint16_t v;

	if (e->octets == 1)
		return *p;
	memcpy(&v, p, sizeof(v));
	return v;
}

static bool cell_fits(enum cbsp_disc disc, const struct cbsp_cell *cell)
{
	if (cbsp_cell_len(disc) < 0)
		return false;
	if (disc != CBSP_DISC_CGI && disc != CBSP_DISC_LAI)
		return true;
	return cell->mcc <= 999 && ((cell->mnc_digits == 2 && cell->mnc <= 99) ||
				    (cell->mnc_digits == 3 && cell->mnc <= 999));
}

static bool number_fits(const struct cbsp_pdu *pdu, const struct cbsp_element *e)
{
	return number_of(pdu, e) >= e->min && number_of(pdu, e) <= e->max;
}

/* Twelve bits, whichever way they are coded. */
static bool period_fits(const struct cbsp_pdu *pdu)
{
	return pdu->period >= 1 && pdu->period <= 4095;
}

static bool content_fits(const struct cbsp_pdu *pdu)
{
	size_t i;

	if (pdu->n_pages > CBS_MAX_PAGES)
		return false;
	for (i = 0; i < pdu->n_pages; i++) {
		if (pdu->pages[i].used < 1 || pdu->pages[i].used > CBS_PAGE_OCTETS)
			return false;
	}
	return true;
}

/* "All cells of the BSS" stands alone; every other list names something. */
static bool length_fits(enum cbsp_disc disc, size_t n)
{
	return disc == CBSP_DISC_BSS ? n == 0 : n >= 1 && n <= CBSP_MAX_CELLS;
}

static bool cells_fit(const struct cbsp_pdu *pdu)
{
	size_t i;

	if (!length_fits(pdu->cells.disc, pdu->cells.n))
		return false;
	for (i = 0; i < pdu->cells.n; i++) {
		if (!cell_fits(pdu->cells.disc, &pdu->cells.cells[i]))
			return false;
	}
	return true;
}

static bool counts_fit(const struct cbsp_pdu *pdu)
{
	size_t i;

	if (!length_fits(pdu->count_disc, pdu->n_counts))
		return false;
	for (i = 0; i < pdu->n_counts; i++) {
		if (!cell_fits(pdu->count_disc, &pdu->counts[i].cell))
			return false;
	}
	return true;
}

static bool failures_fit(const struct cbsp_pdu *pdu)
{
	size_t i;

	if (pdu->n_failures < 1 || pdu->n_failures > CBSP_MAX_CELLS)
		return false;
	for (i = 0; i < pdu->n_failures; i++) {
		if (!cell_fits(pdu->failures[i].disc, &pdu->failures[i].cell))
			return false;
	}
	return true;
}

static bool loads_fit(const struct cbsp_pdu *pdu)
{
	size_t i;

	if (!length_fits(pdu->load_disc, pdu->n_loads))
		return false;
	for (i = 0; i < pdu->n_loads; i++) {
		if (!cell_fits(pdu->load_disc, &pdu->loads[i].cell))
			return false;
	}
	return true;
}

/* Writing. */

struct encoder {
	const struct cbsp_pdu *pdu;
	enum cbsp_period_coding coding;
	struct wire_writer w;
};

static void put_number(struct encoder *enc, const struct cbsp_element *e)
{
	if (e->octets == 1)
		wire_write_u8(&enc->w, number_of(enc->pdu, e));
	else
		wire_write_u16(&enc->w, number_of(enc->pdu, e));
}

/* 8.2.8: the first octet holds the high eight bits, the low half of the second the rest. */
static void put_period(struct encoder *enc)
{
	if (enc->coding == CBSP_PERIOD_16BIT) {
		wire_write_u16(&enc->w, enc->pdu->period);
	} else {
		wire_write_u8(&enc->w, enc->pdu->period >> 4);
		wire_write_u8(&enc->w, enc->pdu->period & 0x0f);
	}
}

static void put_security(struct encoder *enc)
{
	static const uint8_t zeros[CBSP_WARNING_SECURITY_LEN];

	wire_write_bytes(&enc->w, zeros, sizeof(zeros));
}

/* One element a page: the identifier of the first has been written. */
static void put_content(struct encoder *enc)
{
	size_t i;

	for (i = 0; i < enc->pdu->n_pages; i++) {
		if (i)
			wire_write_u8(&enc->w, CBSP_IEI_CONTENT);
		wire_write_u8(&enc->w, enc->pdu->pages[i].used);
		wire_write_bytes(&enc->w, enc->pdu->pages[i].octets, CBS_PAGE_OCTETS);
	}
}

/* 3GPP TS 24.008, 10.5.1.3: digits in swapped halves, 15 where a two-digit MNC has no third. */
static uint8_t *plmn_octets(uint8_t *p, const struct cbsp_cell *c)
{
	unsigned int mnc = c->mnc_digits == 3 ? c->mnc / 10 : c->mnc;
	unsigned int third = c->mnc_digits == 3 ? c->mnc % 10 : 15;

	*p++ = c->mcc / 10 % 10 << 4 | c->mcc / 100;
	*p++ = third << 4 | c->mcc % 10;
	*p++ = mnc % 10 << 4 | mnc / 10;
	return p;
}

static uint8_t *u16_octets(uint8_t *p, uint16_t v)
{
	*p++ = v >> 8;
	*p++ = v & 0xff;
	return p;
}

/* 8.2.6. Tens of thousands are written at once: the cursor is asked once for each. */
static void put_cell(struct wire_writer *w, enum cbsp_disc disc, const struct cbsp_cell *c)
{
	uint8_t octets[7], *p = octets;

	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAI)
		p = plmn_octets(p, c);
	if (disc != CBSP_DISC_CI && disc != CBSP_DISC_BSS)
		p = u16_octets(p, c->lac);
	if (disc == CBSP_DISC_CGI || disc == CBSP_DISC_LAC_CI || disc == CBSP_DISC_CI)
		p = u16_octets(p, c->ci);
	wire_write_bytes(w, octets, p - octets);
}

/* Lists have a length of two octets before their value. */
static size_t begin_list(struct wire_writer *w)
{
	wire_write_u16(w, 0);
	return w->pos;
}

static void end_list(struct wire_writer *w, size_t start)
{
	wire_patch_u16(w, start - 2, w->pos - start);
}

static void put_cells(struct encoder *enc)
{
	size_t i, start = begin_list(&enc->w);

	wire_write_u8(&enc->w, enc->pdu->cells.disc);
	for (i = 0; i < enc->pdu->cells.n; i++)
		put_cell(&enc->w, enc->pdu->cells.disc, &enc->pdu->cells.cells[i]);
	end_list(&enc->w, start);
}

static void put_counts(struct encoder *enc)
{
	size_t i, start = begin_list(&enc->w);

	wire_write_u8(&enc->w, enc->pdu->count_disc);
	for (i = 0; i < enc->pdu->n_counts; i++) {
		put_cell(&enc->w, enc->pdu->count_disc, &enc->pdu->counts[i].cell);
		wire_write_u16(&enc->w, enc->pdu->counts[i].count);
		wire_write_u8(&enc->w, enc->pdu->counts[i].info);
	}
	end_list(&enc->w, start);
}

static void put_failures(struct encoder *enc)
{
	size_t i, start = begin_list(&enc->w);

	for (i = 0; i < enc->pdu->n_failures; i++) {
		wire_write_u8(&enc->w, enc->pdu->failures[i].disc);
		put_cell(&enc->w, enc->pdu->failures[i].disc, &enc->pdu->failures[i].cell);
		wire_write_u8(&enc->w, enc->pdu->failures[i].cause);
	}
	end_list(&enc->w, start);
}

static void put_loads(struct encoder *enc)
{
	size_t i, start = begin_list(&enc->w);

	wire_write_u8(&enc->w, enc->pdu->load_disc);
	for (i = 0; i < enc->pdu->n_loads; i++) {
		put_cell(&enc->w, enc->pdu->load_disc, &enc->pdu->loads[i].cell);
		wire_write_bytes(&enc->w, enc->pdu->loads[i].load, sizeof(enc->pdu->loads[i].load));
	}
	end_list(&enc->w, start);
}

static const struct {
	bool (*fits)(const struct cbsp_pdu *pdu);
	void (*put)(struct encoder *enc);
} kinds[_NUM_CBSP_KIND] = {
	[CBSP_KIND_PERIOD] = { period_fits, put_period },
	[CBSP_KIND_SECURITY] = { NULL, put_security },
	[CBSP_KIND_CONTENT] = { content_fits, put_content },
	[CBSP_KIND_CELLS] = { cells_fit, put_cells },
	[CBSP_KIND_COUNTS] = { counts_fit, put_counts },
	[CBSP_KIND_FAILURES] = { failures_fit, put_failures },
	[CBSP_KIND_LOADS] = { loads_fit, put_loads },
};

static bool element_fits(const struct cbsp_pdu *pdu, const struct cbsp_element *e)
{
	if (e->kind == CBSP_KIND_NUMBER)
		return number_fits(pdu, e);
	return !kinds[e->kind].fits || kinds[e->kind].fits(pdu);
}

static void put_element(struct encoder *enc, uint8_t iei)
{
	const struct cbsp_element *e = cbsp_element(iei);

	if (!is_there(enc->pdu, e))
		return;
	wire_write_u8(&enc->w, iei);
	if (e->kind == CBSP_KIND_NUMBER)
		put_number(enc, e);
	else
		kinds[e->kind].put(enc);
}

/* Everything mandatory is there, everything that is there fits, and there is nothing else: an
 * element that is dropped silently would change what the message says. */
static bool pdu_fits(const struct cbsp_pdu *pdu, const uint8_t *elements)
{
	uint32_t wanted = 0;
	unsigned int iei;

	for (; *elements; elements++) {
		const struct cbsp_element *e = cbsp_element(*elements & ~CBSP_OPTIONAL);

		wanted |= 1u << (*elements & ~CBSP_OPTIONAL);
		if (is_there(pdu, e) ? !element_fits(pdu, e) : !(*elements & CBSP_OPTIONAL))
			return false;
	}
	for (iei = 0; iei < _NUM_CBSP_IEI; iei++) {
		const struct cbsp_element *e = cbsp_element(iei);

		if (e && !(wanted & 1u << iei) && is_there(pdu, e))
			return false;
	}
	return true;
}

size_t cbsp_encoded_size(const struct cbsp_pdu *pdu)
{
	/* Each number once, the security information, and the heads of the lists. */
	const size_t fixed = CBSP_HEADER_LEN + 17 * 3 + 1 + CBSP_WARNING_SECURITY_LEN + 4 * 4;

	return fixed + pdu->n_pages * (2 + CBS_PAGE_OCTETS) + pdu->cells.n * 7 + pdu->n_counts * 10 +
	       pdu->n_failures * 9 + pdu->n_loads * 9;
}

int cbsp_encode(const struct cbsp_pdu *pdu, enum cbsp_period_coding coding, uint8_t *out,
  size_t size)
{
	const uint8_t *elements = cbsp_elements_of(pdu->type, pdu->has_emergency);
	struct encoder enc = { pdu, coding, wire_writer_init(out, size) };

	if (!elements || !pdu_fits(pdu, elements))
		return -EINVAL;
	wire_write_u8(&enc.w, pdu->type);
	wire_write_u24(&enc.w, 0);
	for (; *elements; elements++)
		put_element(&enc, *elements & ~CBSP_OPTIONAL);
	wire_patch_u24(&enc.w, 1, enc.w.pos - CBSP_HEADER_LEN);
	return enc.w.error ? enc.w.error : (int)enc.w.pos;
}
