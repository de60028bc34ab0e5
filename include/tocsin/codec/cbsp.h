/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Cell Broadcast Service Protocol between CBC and BSC (3GPP TS 48.049), clause 8.
 *
 * Pure codec over a sticky cursor. Decoded PDUs are talloc trees; decoding bounds every length and
 * count, so no input can make it read beyond its end, loop or allocate more than a small multiple
 * of the octets it was given. An element with an unknown identifier cannot be skipped (there is no
 * common length rule): such a PDU is undecodable, the connection stays usable. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/codec/cbs.h>

#define CBSP_PORT 48049
#define CBSP_HEADER_LEN 4
/*! Largest PDU that is taken in, header included; a longer announced length is framing loss. */
#define CBSP_MAX_PDU 65536
/*! Cells in one PDU at most: OsmoBSC builds its answer in 64 KiB (11,000 unknown cells abort it). */
#define CBSP_MAX_CELLS 2000

enum cbsp_msg_type {
	CBSP_WRITE_REPLACE = 1, CBSP_WRITE_REPLACE_COMPLETE, CBSP_WRITE_REPLACE_FAILURE,
	CBSP_KILL, CBSP_KILL_COMPLETE, CBSP_KILL_FAILURE,
	CBSP_LOAD_QUERY, CBSP_LOAD_QUERY_COMPLETE, CBSP_LOAD_QUERY_FAILURE,
	CBSP_STATUS_QUERY, CBSP_STATUS_QUERY_COMPLETE, CBSP_STATUS_QUERY_FAILURE,
	CBSP_SET_DRX, CBSP_SET_DRX_COMPLETE, CBSP_SET_DRX_FAILURE,
	CBSP_RESET, CBSP_RESET_COMPLETE, CBSP_RESET_FAILURE,
	CBSP_RESTART, CBSP_FAILURE, CBSP_ERROR_INDICATION,
	CBSP_KEEP_ALIVE, CBSP_KEEP_ALIVE_COMPLETE,
};

/*! Cell list discriminator, low four bits (8.2.6). */
enum cbsp_disc {
	CBSP_DISC_CGI = 0, CBSP_DISC_LAC_CI = 1, CBSP_DISC_CI = 2,
	CBSP_DISC_LAI = 4, CBSP_DISC_LAC = 5, CBSP_DISC_BSS = 6,
};

/*! Causes (8.2.13). */
enum cbsp_cause {
	CBSP_CAUSE_PARAMETER_NOT_RECOGNISED, CBSP_CAUSE_PARAMETER_INVALID,
	CBSP_CAUSE_REFERENCE_NOT_IDENTIFIED, CBSP_CAUSE_CELL_NOT_VALID,
	CBSP_CAUSE_UNRECOGNISED_MESSAGE, CBSP_CAUSE_MISSING_ELEMENT, CBSP_CAUSE_BSC_CAPACITY,
	CBSP_CAUSE_CELL_MEMORY, CBSP_CAUSE_BSC_MEMORY, CBSP_CAUSE_NOT_SUPPORTED,
	CBSP_CAUSE_NOT_OPERATIONAL, CBSP_CAUSE_DRX, CBSP_CAUSE_EXTENDED_CHANNEL,
	CBSP_CAUSE_REFERENCE_USED, CBSP_CAUSE_UNSPECIFIED, CBSP_CAUSE_LAI_NOT_VALID,
};

/*! One cell or area; which members count depends on the discriminator. */
struct cbsp_cell {
	uint16_t mcc, mnc;	/*!< CGI, LAI */
	uint8_t mnc_digits;	/*!< 2 or 3 */
	uint16_t lac;		/*!< CGI, LAC+CI, LAI, LAC */
	uint16_t ci;		/*!< CGI, LAC+CI, CI */
};

/*! Cell list (8.2.6): one discriminator for all entries; BSS has none. */
struct cbsp_cell_list {
	bool present;
	enum cbsp_disc disc;
	struct cbsp_cell *cells;
	size_t n;
};

/*! An entry of the failure list (8.2.11): each has its own discriminator. */
struct cbsp_failure {
	enum cbsp_disc disc;
	struct cbsp_cell cell;
	uint8_t cause;
};

/*! How far a broadcast count can be believed (8.2.10). */
enum cbsp_count_info { CBSP_COUNT_VALID, CBSP_COUNT_OVERFLOW, CBSP_COUNT_UNKNOWN };

/*! An entry of the number of broadcasts completed list (8.2.10). */
struct cbsp_count {
	struct cbsp_cell cell;
	uint16_t count;
	enum cbsp_count_info info;
};

/*! An entry of the radio resource loading list (8.2.12): per cent of the basic and the extended
 *  channel in use. */
struct cbsp_load {
	struct cbsp_cell cell;
	uint8_t load[2];
};

/*! How the peer codes the repetition period: 8.2.8 (12 bits in a split octet) or as Osmocom does. */
enum cbsp_period_coding { CBSP_PERIOD_12BIT, CBSP_PERIOD_16BIT };

/*! One PDU. Which members are meaningful follows from the type (clause 8.1); has_x says whether
 *  an optional element was there (decoding) or is wanted (encoding). */
struct cbsp_pdu {
	enum cbsp_msg_type type;
	bool has_message_identifier, has_old_serial, has_new_serial, has_channel, has_category,
	     has_period, has_num_broadcasts, has_dcs, has_emergency, has_cause, has_recovery,
	     has_broadcast_type, has_warning_period, has_keep_alive_period;
	uint16_t message_identifier;
	uint16_t old_serial, new_serial;
	uint8_t channel;		/*!< 0 basic, 1 extended */
	uint8_t category;		/*!< 0 high priority, 1 background, 2 normal */
	uint16_t period;		/*!< units of 1.883 s, 1 to 4,095 */
	uint16_t num_broadcasts;
	uint8_t dcs;
	uint8_t n_pages;		/*!< content elements; number-of-pages is written from it */
	const struct cbs_page *pages;
	uint8_t emergency;		/*!< emergency indicator: 1 = ETWS */
	uint16_t warning_type;
	uint8_t warning_period;		/*!< coded, see cbsp_warning_period() */
	uint8_t keep_alive_period;	/*!< coded likewise */
	uint8_t cause;
	uint8_t recovery;		/*!< 0 data available, 1 data lost */
	uint8_t broadcast_type;		/*!< 0 CBS, 1 emergency */
	struct cbsp_cell_list cells;
	bool has_failures;
	struct cbsp_failure *failures;
	size_t n_failures;
	bool has_counts;
	enum cbsp_disc count_disc;
	struct cbsp_count *counts;
	size_t n_counts;
	bool has_loads;
	enum cbsp_disc load_disc;
	struct cbsp_load *loads;
	size_t n_loads;
};

/*! Name of a message type ("WRITE-REPLACE COMPLETE"); "unknown" if there is none. */
const char *cbsp_msg_type_name(unsigned int type);
/*! Name of a cause ("message-reference-already-used"); "reserved" if there is none. */
const char *cbsp_cause_name(uint8_t cause);

/*! Seconds to the coded warning or keep-alive period (8.2.25), rounded up; 0 = unlimited;
 *  above 3,600 s the largest. */
uint8_t cbsp_warning_period(unsigned int seconds);

/*! Octets that cbsp_encode() needs at most for this PDU. */
size_t cbsp_encoded_size(const struct cbsp_pdu *pdu);
/*! Encode a PDU, header included. Refuses what the far end could not take: no page or more than
 *  15, more than CBSP_MAX_CELLS entries in a list, an empty list, missing mandatory elements,
 *  elements that the message has no place for, period 0 and other values out of range. The warning
 *  security information of an emergency message is sent as zeros. SET-DRX is not supported.
 *  \returns octets written, -EINVAL, or -ENOSPC. */
int cbsp_encode(const struct cbsp_pdu *pdu, enum cbsp_period_coding coding, uint8_t *out, size_t size);

/*! Length of the PDU that starts here, header included.
 *  \returns the length; 0 if fewer than four octets are there; -EMSGSIZE if it announces more
 *  than CBSP_MAX_PDU (framing is lost: close the connection). */
int cbsp_frame_len(const uint8_t *data, size_t len);

/*! Decode one whole PDU. Mandatory elements of its type are checked, in any order; trailing or
 *  missing octets are an error.
 *  \param[in] ctx    owner of the result.
 *  \param[out] error a sentence for the log when it fails; may be NULL.
 *  \returns the PDU, or NULL. */
struct cbsp_pdu *cbsp_decode(void *ctx, const uint8_t *data, size_t len,
			     enum cbsp_period_coding coding, const char **error);
