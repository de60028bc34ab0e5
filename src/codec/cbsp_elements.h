/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The elements of CBSP and the messages they stand in, as tables for encoder and decoder
 *  (3GPP TS 48.049, 8.1.3 and 8.2). */

#include <tocsin/codec/cbsp.h>

/*! Element identifiers (8.2.1). */
enum cbsp_iei {
	CBSP_IEI_CONTENT = 0x01, CBSP_IEI_OLD_SERIAL, CBSP_IEI_NEW_SERIAL, CBSP_IEI_CELLS,
	CBSP_IEI_CATEGORY, CBSP_IEI_PERIOD, CBSP_IEI_NUM_BROADCASTS, CBSP_IEI_COUNTS,
	CBSP_IEI_FAILURES, CBSP_IEI_LOADS, CBSP_IEI_CAUSE, CBSP_IEI_DCS, CBSP_IEI_RECOVERY,
	CBSP_IEI_MESSAGE_IDENTIFIER, CBSP_IEI_EMERGENCY, CBSP_IEI_WARNING_TYPE,
	CBSP_IEI_WARNING_SECURITY, CBSP_IEI_CHANNEL, CBSP_IEI_NUM_PAGES,
	CBSP_IEI_BROADCAST_TYPE = 0x16, CBSP_IEI_WARNING_PERIOD, CBSP_IEI_KEEP_ALIVE_PERIOD,
	_NUM_CBSP_IEI,
};

#define CBSP_WARNING_SECURITY_LEN 50

/*! How the value of an element is built. */
enum cbsp_kind {
	CBSP_KIND_NONE,		/*!< no such element */
	CBSP_KIND_NUMBER,
	CBSP_KIND_PERIOD,
	CBSP_KIND_SECURITY,
	CBSP_KIND_CONTENT,
	CBSP_KIND_CELLS,
	CBSP_KIND_COUNTS,
	CBSP_KIND_FAILURES,
	CBSP_KIND_LOADS,
	_NUM_CBSP_KIND,
};

/*! One element and its place in struct cbsp_pdu. */
struct cbsp_element {
	enum cbsp_kind kind;
	uint16_t has;		/*!< offset of the octet that is not 0 if the element is there */
	uint16_t value;		/*!< offset of a number */
	uint8_t octets;		/*!< 1 or 2: size of a number here and on the wire */
	uint8_t spare;		/*!< bits of a number of one octet to ignore on receipt (8.2) */
	uint16_t min, max;	/*!< values of a number that may be sent */
};

/*! \returns NULL if there is no such element. */
const struct cbsp_element *cbsp_element(uint8_t iei);

#define CBSP_OPTIONAL 0x80
/*! Elements of a message in sending order, ended by 0; optional ones carry CBSP_OPTIONAL.
 *  \param[in] emergency  the emergency form of WRITE-REPLACE is wanted.
 *  \returns NULL if there is no such message or it is not supported. */
const uint8_t *cbsp_elements_of(unsigned int type, bool emergency);

/*! Octets of an entry with this discriminator. \returns -EINVAL if there is none such. */
int cbsp_cell_len(unsigned int disc);
