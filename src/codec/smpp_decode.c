/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/smpp.h>

#include <errno.h>
#include <string.h>

#include <tocsin/base/wire.h>

#include "smpp_fields.h"

#define TAG_MESSAGE_PAYLOAD 0x0424

/* A C-octet string of at most wire_size octets with its NUL; what does not fit into out is left
 * away, so that nobody takes half a number for a number. */
static void get_string(struct wire_reader *r, size_t wire_size, char *out, size_t size)
{
	size_t left = wire_left(r);
	const uint8_t *start = r->data + r->pos;
	const uint8_t *nul = left ? memchr(start, 0, left < wire_size ? left : wire_size) : NULL;
	size_t n;

	if (!nul) {
		r->error = -EBADMSG;
		return;
	}
	n = nul - start + 1;
	wire_read_bytes(r, n);
	if (n <= size)
		memcpy(out, start, n);
}

static void get_address(struct wire_reader *r, size_t wire_size, struct smpp_address *address)
{
	address->ton = wire_read_u8(r);
	address->npi = wire_read_u8(r);
	get_string(r, wire_size, address->digits, sizeof(address->digits));
}

static void get_message(struct wire_reader *r, struct smpp_pdu *pdu)
{
	uint8_t n = wire_read_u8(r);
	const uint8_t *octets = wire_read_bytes(r, n);

	if (!octets)
		return;
	if (n > SMPP_MAX_SHORT_MESSAGE) {
		r->error = -EBADMSG;
		return;
	}
	memcpy(pdu->short_message, octets, n);
	pdu->sm_length = n;
}

static void get_field(struct wire_reader *r, struct smpp_pdu *pdu, const struct smpp_field *f)
{
	uint8_t *member = (uint8_t *)pdu + f->at;
	struct smpp_address range;

	switch (f->kind) {
	case SMPP_KIND_OCTET:
		*member = wire_read_u8(r);
		break;
	case SMPP_KIND_STRING:
	case SMPP_KIND_TIME:
		get_string(r, f->size, (char *)member, f->size);
		break;
	case SMPP_KIND_ADDRESS:
		get_address(r, f->size, (struct smpp_address *)(void *)member);
		break;
	case SMPP_KIND_LONG_ADDRESS:
		get_address(r, SMPP_LONG_ADDRESS_SIZE, (struct smpp_address *)(void *)member);
		break;
	case SMPP_KIND_RANGE:
		get_address(r, f->size, &range);
		break;
	case SMPP_KIND_MESSAGE:
		get_message(r, pdu);
		break;
	case SMPP_KIND_NONE:
		break;
	}
}

/* Many centres leave the NUL of the message id away here. */
static void get_tlv_string(struct wire_reader *value, char *out)
{
	size_t n = strnlen((const char *)value->data, value->len);

	if (n >= SMPP_MESSAGE_ID_SIZE)
		return;
	memset(out, 0, SMPP_MESSAGE_ID_SIZE);
	memcpy(out, value->data, n);
}

/* A value of a wrong length says nothing, but the PDU is as good as with an unknown one. */
static void get_tlv(struct wire_reader *value, struct smpp_pdu *pdu, const struct smpp_tlv *tlv)
{
	uint8_t *member = (uint8_t *)pdu + tlv->at;
	uint16_t number;

	if (!tlv->octets) {
		get_tlv_string(value, (char *)member);
		return;
	}
	if (value->len != tlv->octets)
		return;
	*((uint8_t *)pdu + tlv->has) = true;
	if (tlv->octets == 1) {
		*member = wire_read_u8(value);
	} else {
		number = wire_read_u16(value);
		memcpy(member, &number, sizeof(number));
	}
}

/* 5.3.2.32: stands in for an empty short_message. */
static void get_payload(struct wire_reader *value, struct smpp_pdu *pdu)
{
	if (pdu->sm_length || value->len > SMPP_MAX_SHORT_MESSAGE)
		return;
	memcpy(pdu->short_message, value->data, value->len);
	pdu->sm_length = value->len;
}

static void get_tlvs(struct wire_reader *r, struct smpp_pdu *pdu, const struct smpp_tlv *known)
{
	while (wire_left(r)) {
		uint16_t tag = wire_read_u16(r), len = wire_read_u16(r);
		struct wire_reader value = wire_read_sub(r, len);
		const struct smpp_tlv *tlv = known;

		if (value.error)
			return;
		while (tlv && tlv->tag && tlv->tag != tag)
			tlv++;
		if (tlv && tlv->tag)
			get_tlv(&value, pdu, tlv);
		else if (tag == TAG_MESSAGE_PAYLOAD && pdu->command == SMPP_DELIVER_SM)
			get_payload(&value, pdu);
	}
}

static int get_body(struct wire_reader *r, struct smpp_pdu *pdu)
{
	const struct smpp_layout *layout = smpp_layout_of(pdu->command);
	const struct smpp_field *f;

	if (!layout)
		return 0;
	if (!wire_left(r) && pdu->command & SMPP_RESPONSE && pdu->status != SMPP_ROK)
		return 0;
	for (f = layout->fields; f->kind; f++)
		get_field(r, pdu, f);
	get_tlvs(r, pdu, layout->tlvs);
	return r->error;
}

/* \returns the announced length, 0 if there is no whole header. */
static uint32_t get_header(struct wire_reader *r, struct smpp_pdu *pdu)
{
	uint32_t announced = wire_read_u32(r);

	memset(pdu, 0, sizeof(*pdu));
	pdu->command = wire_read_u32(r);
	pdu->status = wire_read_u32(r);
	pdu->sequence = wire_read_u32(r);
	return r->error ? 0 : announced;
}

int smpp_decode(const uint8_t *data, size_t len, struct smpp_pdu *pdu)
{
	struct wire_reader r = wire_reader_init(data, len);
	uint32_t announced = get_header(&r, pdu);

	if (!announced || announced != len || len > SMPP_MAX_PDU)
		return -EBADMSG;
	if (get_body(&r, pdu) < 0) {
		/* Half a body is none. */
		r = wire_reader_init(data, len);
		get_header(&r, pdu);
		return -EBADMSG;
	}
	return 0;
}
