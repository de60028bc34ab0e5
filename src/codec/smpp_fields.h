/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What each PDU consists of: read by the encoder and the decoder. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/codec/smpp.h>

/*! Addresses of alert_notification may be this long, with the NUL (4.12.1). */
#define SMPP_LONG_ADDRESS_SIZE 65
/*! address_range of a bind (5.2.7), which this side leaves empty. */
#define SMPP_ADDRESS_RANGE_SIZE 41

enum smpp_kind {
	SMPP_KIND_NONE,			/*!< ends a list */
	SMPP_KIND_OCTET, SMPP_KIND_STRING, SMPP_KIND_TIME, SMPP_KIND_ADDRESS,
	SMPP_KIND_LONG_ADDRESS, SMPP_KIND_RANGE, SMPP_KIND_MESSAGE,
};

/*! One mandatory parameter. */
struct smpp_field {
	enum smpp_kind kind;
	uint16_t at;			/*!< of the member in struct smpp_pdu */
	uint16_t size;			/*!< of a string, with the NUL */
};

/*! One optional parameter (5.3.2). */
struct smpp_tlv {
	uint16_t tag;
	uint8_t octets;			/*!< 1 or 2 of a number; 0: a string */
	uint16_t has, at;		/*!< octet that is not 0 if it is there; its value */
};

struct smpp_layout {
	uint32_t command;
	const struct smpp_field *fields;
	const struct smpp_tlv *tlvs;	/*!< ends with tag 0; may be NULL */
	bool bare_error;		/*!< without body where the status tells an error */
};

/*! \returns NULL if the PDU is a header only, or not known. */
const struct smpp_layout *smpp_layout_of(uint32_t command);
