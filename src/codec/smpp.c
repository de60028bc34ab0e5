/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/codec/smpp.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tocsin/base/wire.h>

#include "smpp_fields.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define DAY (24 * 60 * 60)

#define AT(member) offsetof(struct smpp_pdu, member)
#define OCTET(member) { SMPP_KIND_OCTET, AT(member), 0 }
#define STRING(member, size) { SMPP_KIND_STRING, AT(member), (size) }
#define TIME(member) { SMPP_KIND_TIME, AT(member), SMPP_TIME_SIZE }
#define ADDRESS(member) { SMPP_KIND_ADDRESS, AT(member), SMPP_ADDRESS_SIZE }
#define LONG_ADDRESS(member) { SMPP_KIND_LONG_ADDRESS, AT(member), SMPP_ADDRESS_SIZE }
#define END { SMPP_KIND_NONE, 0, 0 }

_Static_assert(sizeof(bool) == 1, "has_x are read and written as octets");

/* 4.1.1 */
static const struct smpp_field bind_fields[] = {
	STRING(system_id, SMPP_SYSTEM_ID_SIZE), STRING(password, SMPP_PASSWORD_SIZE),
	STRING(system_type, SMPP_SYSTEM_TYPE_SIZE), OCTET(interface_version),
	{ SMPP_KIND_RANGE, 0, SMPP_ADDRESS_RANGE_SIZE }, END
};
static const struct smpp_field bind_resp_fields[] = {
	STRING(system_id, SMPP_SYSTEM_ID_SIZE), END
};
static const struct smpp_field outbind_fields[] = {
	STRING(system_id, SMPP_SYSTEM_ID_SIZE), STRING(password, SMPP_PASSWORD_SIZE), END
};
/* 4.4.1 and 4.6.1 */
static const struct smpp_field message_fields[] = {
	STRING(service_type, SMPP_SERVICE_TYPE_SIZE), ADDRESS(source), ADDRESS(destination),
	OCTET(esm_class), OCTET(protocol_id), OCTET(priority), TIME(schedule_time),
	TIME(validity_period), OCTET(registered_delivery), OCTET(replace_if_present),
	OCTET(data_coding), OCTET(default_msg_id), { SMPP_KIND_MESSAGE, 0, 0 }, END
};
static const struct smpp_field message_resp_fields[] = {
	STRING(message_id, SMPP_MESSAGE_ID_SIZE), END
};
/* 4.12.1 */
static const struct smpp_field alert_fields[] = {
	LONG_ADDRESS(source), LONG_ADDRESS(destination), END
};

#define REFERENCE { 0x0204, 2, AT(has_user_message_reference), AT(user_message_reference) }

static const struct smpp_tlv bind_resp_tlvs[] = {
	{ 0x0210, 1, AT(interface_version), AT(interface_version) }, { 0 }
};
static const struct smpp_tlv submit_tlvs[] = { REFERENCE, { 0 } };
static const struct smpp_tlv deliver_tlvs[] = {
	REFERENCE,
	{ 0x001e, 0, AT(receipted_message_id), AT(receipted_message_id) },
	{ 0x0427, 1, AT(message_state), AT(message_state) }, { 0 }
};
static const struct smpp_tlv alert_tlvs[] = {
	{ 0x0422, 1, AT(has_ms_availability), AT(ms_availability) }, { 0 }
};

/* An error answers without body to a bind and a submit (4.1.2, 4.4.2), not to a deliver (4.6.2). */
static const struct smpp_layout layouts[] = {
	{ SMPP_BIND_RECEIVER, bind_fields, NULL, false },
	{ SMPP_BIND_TRANSMITTER, bind_fields, NULL, false },
	{ SMPP_BIND_TRANSCEIVER, bind_fields, NULL, false },
	{ SMPP_BIND_RECEIVER | SMPP_RESPONSE, bind_resp_fields, bind_resp_tlvs, true },
	{ SMPP_BIND_TRANSMITTER | SMPP_RESPONSE, bind_resp_fields, bind_resp_tlvs, true },
	{ SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE, bind_resp_fields, bind_resp_tlvs, true },
	{ SMPP_OUTBIND, outbind_fields, NULL, false },
	{ SMPP_SUBMIT_SM, message_fields, submit_tlvs, false },
	{ SMPP_SUBMIT_SM | SMPP_RESPONSE, message_resp_fields, NULL, true },
	{ SMPP_DELIVER_SM, message_fields, deliver_tlvs, false },
	{ SMPP_DELIVER_SM | SMPP_RESPONSE, message_resp_fields, NULL, false },
	{ SMPP_ALERT_NOTIFICATION, alert_fields, alert_tlvs, false },
};

const struct smpp_layout *smpp_layout_of(uint32_t command)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(layouts); i++) {
		if (layouts[i].command == command)
			return &layouts[i];
	}
	return NULL;
}

/* Names. */

struct name {
	uint32_t value;
	const char *name;
};

static const char *name_of(const struct name *names, size_t n, uint32_t value)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (names[i].value == value)
			return names[i].name;
	}
	return "unknown";
}

const char *smpp_command_name(uint32_t command)
{
	static const struct name names[] = {
		{ SMPP_GENERIC_NACK, "generic_nack" },
		{ SMPP_BIND_RECEIVER, "bind_receiver" },
		{ SMPP_BIND_RECEIVER | SMPP_RESPONSE, "bind_receiver_resp" },
		{ SMPP_BIND_TRANSMITTER, "bind_transmitter" },
		{ SMPP_BIND_TRANSMITTER | SMPP_RESPONSE, "bind_transmitter_resp" },
		{ SMPP_SUBMIT_SM, "submit_sm" },
		{ SMPP_SUBMIT_SM | SMPP_RESPONSE, "submit_sm_resp" },
		{ SMPP_DELIVER_SM, "deliver_sm" },
		{ SMPP_DELIVER_SM | SMPP_RESPONSE, "deliver_sm_resp" },
		{ SMPP_UNBIND, "unbind" },
		{ SMPP_UNBIND | SMPP_RESPONSE, "unbind_resp" },
		{ SMPP_BIND_TRANSCEIVER, "bind_transceiver" },
		{ SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE, "bind_transceiver_resp" },
		{ SMPP_OUTBIND, "outbind" },
		{ SMPP_ENQUIRE_LINK, "enquire_link" },
		{ SMPP_ENQUIRE_LINK | SMPP_RESPONSE, "enquire_link_resp" },
		{ SMPP_ALERT_NOTIFICATION, "alert_notification" },
		{ SMPP_DATA_SM, "data_sm" },
		{ SMPP_DATA_SM | SMPP_RESPONSE, "data_sm_resp" },
	};

	return name_of(names, ARRAY_LEN(names), command);
}

const char *smpp_status_name(uint32_t status)
{
	static const struct name names[] = {
		{ SMPP_ROK, "ROK" }, { SMPP_RINVMSGLEN, "RINVMSGLEN" },
		{ SMPP_RINVCMDLEN, "RINVCMDLEN" }, { SMPP_RINVCMDID, "RINVCMDID" },
		{ SMPP_RINVBNDSTS, "RINVBNDSTS" }, { SMPP_RALYBND, "RALYBND" },
		{ 0x06, "RINVPRTFLG" }, { 0x07, "RINVREGDLVFLG" }, { SMPP_RSYSERR, "RSYSERR" },
		{ SMPP_RINVSRCADR, "RINVSRCADR" }, { SMPP_RINVDSTADR, "RINVDSTADR" },
		{ SMPP_RINVMSGID, "RINVMSGID" }, { SMPP_RBINDFAIL, "RBINDFAIL" },
		{ SMPP_RINVPASWD, "RINVPASWD" }, { SMPP_RINVSYSID, "RINVSYSID" },
		{ 0x11, "RCANCELFAIL" }, { 0x13, "RREPLACEFAIL" }, { SMPP_RMSGQFUL, "RMSGQFUL" },
		{ 0x15, "RINVSERTYP" }, { 0x33, "RINVNUMDESTS" }, { 0x34, "RINVDLNAME" },
		{ 0x40, "RINVDESTFLAG" }, { 0x42, "RINVSUBREP" }, { 0x43, "RINVESMCLASS" },
		{ 0x44, "RCNTSUBDL" }, { SMPP_RSUBMITFAIL, "RSUBMITFAIL" },
		{ SMPP_RINVSRCTON, "RINVSRCTON" }, { SMPP_RINVSRCNPI, "RINVSRCNPI" },
		{ SMPP_RINVDSTTON, "RINVDSTTON" }, { SMPP_RINVDSTNPI, "RINVDSTNPI" },
		{ 0x53, "RINVSYSTYP" }, { 0x54, "RINVREPFLAG" }, { 0x55, "RINVNUMMSGS" },
		{ SMPP_RTHROTTLED, "RTHROTTLED" }, { 0x61, "RINVSCHED" },
		{ SMPP_RINVEXPIRY, "RINVEXPIRY" }, { 0x63, "RINVDFTMSGID" },
		{ 0x64, "RX_T_APPN" }, { 0x65, "RX_P_APPN" }, { 0x66, "RX_R_APPN" },
		{ 0x67, "RQUERYFAIL" }, { 0xc0, "RINVOPTPARSTREAM" },
		{ 0xc1, "ROPTPARNOTALLWD" }, { SMPP_RINVPARLEN, "RINVPARLEN" },
		{ 0xc3, "RMISSINGOPTPARAM" }, { 0xc4, "RINVOPTPARAMVAL" },
		{ SMPP_RDELIVERYFAILURE, "RDELIVERYFAILURE" },
		{ SMPP_RUNKNOWNERR, "RUNKNOWNERR" },
	};

	return name_of(names, ARRAY_LEN(names), status);
}

/* 7.1.1.1. Tenths of seconds and quarter hours from UTC are 0. */
void smpp_time_absolute(int64_t utc, char out[SMPP_TIME_SIZE])
{
	const int64_t end_of_2099 = 4102444799;
	time_t t = utc < 0 ? 0 : utc < end_of_2099 ? utc : end_of_2099;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	snprintf(out, SMPP_TIME_SIZE, "%02u%02u%02u%02u%02u%02u000+", tm.tm_year % 100u,
		 (tm.tm_mon + 1) % 100u, tm.tm_mday % 100u, tm.tm_hour % 100u, tm.tm_min % 100u,
		 tm.tm_sec % 100u);
}

/* 7.1.1.2. In days, since nobody knows how long a month is. */
/* Once per message; printf() would be a good part of what that costs. */
static char *put_two_digits(char *out, unsigned int number)
{
	*out++ = '0' + number / 10 % 10;
	*out++ = '0' + number % 10;
	return out;
}

void smpp_time_relative(int64_t seconds, char out[SMPP_TIME_SIZE])
{
	const int64_t longest = 63 * DAY;
	unsigned int s = seconds < 1 ? 1 : seconds < longest ? seconds : longest;

	memcpy(out, "0000", 4);
	out = put_two_digits(out + 4, s / DAY);
	out = put_two_digits(out, s / 3600 % 24);
	out = put_two_digits(out, s / 60 % 60);
	out = put_two_digits(out, s % 60);
	memcpy(out, "000R", sizeof("000R"));
}

int smpp_frame_len(const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader_init(data, len);
	uint32_t total = wire_read_u32(&r);

	if (r.error)
		return 0;
	if (total < SMPP_HEADER_LEN || total > SMPP_MAX_PDU)
		return -EPROTO;
	return len < SMPP_HEADER_LEN ? 0 : (int)total;
}

/* What may be sent. */

static const struct smpp_address *address_of(const struct smpp_pdu *pdu, const struct smpp_field *f)
{
	return (const void *)((const uint8_t *)pdu + f->at);
}

static bool string_fits(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

static bool field_fits(const struct smpp_pdu *pdu, const struct smpp_field *f)
{
	const char *s = (const char *)pdu + f->at;

	switch (f->kind) {
	case SMPP_KIND_STRING:
		return string_fits(s, f->size);
	case SMPP_KIND_TIME:
		return string_fits(s, f->size) && (!*s || strlen(s) == SMPP_TIME_SIZE - 1);
	case SMPP_KIND_ADDRESS:
	case SMPP_KIND_LONG_ADDRESS:
		return string_fits(address_of(pdu, f)->digits, f->size);
	case SMPP_KIND_MESSAGE:
		return pdu->sm_length <= SMPP_MAX_SHORT_MESSAGE;
	default:
		return true;
	}
}

/* 5.1.4: a response repeats the number of its request, whatever that was. */
static bool header_fits(const struct smpp_pdu *pdu)
{
	if (pdu->command & SMPP_RESPONSE)
		return true;
	return pdu->status == SMPP_ROK && pdu->sequence >= 1 && pdu->sequence <= 0x7fffffff;
}

static bool body_fits(const struct smpp_pdu *pdu, const struct smpp_layout *layout)
{
	const struct smpp_field *f;
	const struct smpp_tlv *tlv;

	for (f = layout->fields; f->kind; f++) {
		if (!field_fits(pdu, f))
			return false;
	}
	for (tlv = layout->tlvs; tlv && tlv->tag; tlv++) {
		if (!tlv->octets && !string_fits((const char *)pdu + tlv->at, SMPP_MESSAGE_ID_SIZE))
			return false;
	}
	return true;
}

/* Writing. */

static void put_string(struct wire_writer *w, const char *s)
{
	wire_write_bytes(w, s, strlen(s) + 1);
}

static void put_address(struct wire_writer *w, const struct smpp_address *address)
{
	wire_write_u8(w, address->ton);
	wire_write_u8(w, address->npi);
	put_string(w, address->digits);
}

static void put_field(struct wire_writer *w, const struct smpp_pdu *pdu, const struct smpp_field *f)
{
	static const struct smpp_address none;

	switch (f->kind) {
	case SMPP_KIND_OCTET:
		wire_write_u8(w, *((const uint8_t *)pdu + f->at));
		break;
	case SMPP_KIND_STRING:
	case SMPP_KIND_TIME:
		put_string(w, (const char *)pdu + f->at);
		break;
	case SMPP_KIND_ADDRESS:
	case SMPP_KIND_LONG_ADDRESS:
		put_address(w, address_of(pdu, f));
		break;
	case SMPP_KIND_RANGE:
		put_address(w, &none);
		break;
	case SMPP_KIND_MESSAGE:
		wire_write_u8(w, pdu->sm_length);
		wire_write_bytes(w, pdu->short_message, pdu->sm_length);
		break;
	case SMPP_KIND_NONE:
		break;
	}
}

static void put_tlv(struct wire_writer *w, const struct smpp_pdu *pdu, const struct smpp_tlv *tlv)
{
	const uint8_t *value = (const uint8_t *)pdu + tlv->at;
	uint16_t number;

	if (!*((const uint8_t *)pdu + tlv->has))
		return;
	wire_write_u16(w, tlv->tag);
	if (tlv->octets == 2) {
		memcpy(&number, value, sizeof(number));
		wire_write_u16(w, tlv->octets);
		wire_write_u16(w, number);
	} else {
		size_t n = tlv->octets ? 1 : strlen((const char *)value) + 1;

		wire_write_u16(w, n);
		wire_write_bytes(w, value, n);
	}
}

static void put_body(struct wire_writer *w, const struct smpp_pdu *pdu,
		     const struct smpp_layout *layout)
{
	const struct smpp_field *f;
	const struct smpp_tlv *tlv;

	for (f = layout->fields; f->kind; f++)
		put_field(w, pdu, f);
	for (tlv = layout->tlvs; tlv && tlv->tag; tlv++)
		put_tlv(w, pdu, tlv);
}

static bool is_header_only(uint32_t command)
{
	return command == SMPP_GENERIC_NACK || (command & ~SMPP_RESPONSE) == SMPP_UNBIND ||
	       (command & ~SMPP_RESPONSE) == SMPP_ENQUIRE_LINK;
}

int smpp_encode(const struct smpp_pdu *pdu, uint8_t *out, size_t size)
{
	const struct smpp_layout *layout = smpp_layout_of(pdu->command);
	struct wire_writer w = wire_writer_init(out, size);

	if (!header_fits(pdu) || (layout ? !body_fits(pdu, layout) : !is_header_only(pdu->command)))
		return -EINVAL;
	wire_write_u16(&w, 0);
	wire_write_u16(&w, 0);
	wire_write_u32(&w, pdu->command);
	wire_write_u32(&w, pdu->status);
	wire_write_u32(&w, pdu->sequence);
	if (layout && !(layout->bare_error && pdu->status != SMPP_ROK))
		put_body(&w, pdu, layout);
	/* No PDU of ours has 64 KiB. */
	wire_patch_u16(&w, 2, w.pos);
	return w.error ? w.error : (int)w.pos;
}
