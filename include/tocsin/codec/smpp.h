/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Short Message Peer-to-Peer, version 3.4 (SMPP Developers Forum, issue 1.2).
 *
 * Pure codec over a sticky cursor, for the side that submits (ESME). Decoding bounds every length,
 * allocates nothing: strings and octets of a decoded PDU are copied into it, optional parameters
 * that are not named below are skipped. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMPP_PORT 2775
#define SMPP_HEADER_LEN 16
/*! Largest PDU that is taken in; a longer announced length is framing loss. */
#define SMPP_MAX_PDU 65536
#define SMPP_INTERFACE_VERSION 0x34
/*! Octets of short_message (5.2.22). */
#define SMPP_MAX_SHORT_MESSAGE 254
/* C-octet strings, with the final NUL (4.1.1, 5.2). */
#define SMPP_SYSTEM_ID_SIZE 16
#define SMPP_PASSWORD_SIZE 9
#define SMPP_SYSTEM_TYPE_SIZE 13
#define SMPP_SERVICE_TYPE_SIZE 6
#define SMPP_ADDRESS_SIZE 21
#define SMPP_TIME_SIZE 17
#define SMPP_MESSAGE_ID_SIZE 65

/*! Command ids (5.1.2.1). The response is the request's with SMPP_RESPONSE set. */
enum smpp_command {
	SMPP_GENERIC_NACK = 0x80000000,
	SMPP_BIND_RECEIVER = 0x00000001, SMPP_BIND_TRANSMITTER = 0x00000002,
	SMPP_SUBMIT_SM = 0x00000004, SMPP_DELIVER_SM = 0x00000005, SMPP_UNBIND = 0x00000006,
	SMPP_BIND_TRANSCEIVER = 0x00000009, SMPP_OUTBIND = 0x0000000b,
	SMPP_ENQUIRE_LINK = 0x00000015, SMPP_ALERT_NOTIFICATION = 0x00000102, SMPP_DATA_SM = 0x00000103,
};
#define SMPP_RESPONSE 0x80000000u

/*! Command status, those that are told apart (5.1.3). */
enum smpp_status {
	SMPP_ROK = 0x00, SMPP_RINVMSGLEN = 0x01, SMPP_RINVCMDLEN = 0x02, SMPP_RINVCMDID = 0x03,
	SMPP_RINVBNDSTS = 0x04, SMPP_RALYBND = 0x05, SMPP_RSYSERR = 0x08, SMPP_RINVSRCADR = 0x0a,
	SMPP_RINVDSTADR = 0x0b, SMPP_RINVMSGID = 0x0c, SMPP_RBINDFAIL = 0x0d, SMPP_RINVPASWD = 0x0e,
	SMPP_RINVSYSID = 0x0f, SMPP_RMSGQFUL = 0x14, SMPP_RSUBMITFAIL = 0x45, SMPP_RINVSRCTON = 0x48,
	SMPP_RINVSRCNPI = 0x49, SMPP_RINVDSTTON = 0x50, SMPP_RINVDSTNPI = 0x51, SMPP_RTHROTTLED = 0x58,
	SMPP_RINVEXPIRY = 0x62, SMPP_RINVPARLEN = 0xc2, SMPP_RDELIVERYFAILURE = 0xfe,
	SMPP_RUNKNOWNERR = 0xff,
};

/*! Type of number and numbering plan (5.2.5, 5.2.6). */
enum smpp_ton { SMPP_TON_UNKNOWN, SMPP_TON_INTERNATIONAL, SMPP_TON_NATIONAL, SMPP_TON_NETWORK,
		SMPP_TON_SUBSCRIBER, SMPP_TON_ALPHANUMERIC, SMPP_TON_ABBREVIATED };
enum smpp_npi { SMPP_NPI_UNKNOWN = 0, SMPP_NPI_E164 = 1, SMPP_NPI_IMSI = 6, SMPP_NPI_PRIVATE = 9 };

/*! esm_class (5.2.12). */
#define SMPP_ESM_TRANSACTION 0x02
#define SMPP_ESM_STORE 0x03
#define SMPP_ESM_TYPE_MASK 0x3c
#define SMPP_ESM_RECEIPT 0x04
#define SMPP_ESM_UDHI 0x40

/*! data_coding (5.2.19). */
#define SMPP_CODING_DEFAULT 0x00
#define SMPP_CODING_UCS2 0x08

/*! message_state (5.2.28); 0: none given. */
enum smpp_message_state {
	SMPP_STATE_NONE, SMPP_STATE_ENROUTE, SMPP_STATE_DELIVERED, SMPP_STATE_EXPIRED, SMPP_STATE_DELETED,
	SMPP_STATE_UNDELIVERABLE, SMPP_STATE_ACCEPTED, SMPP_STATE_UNKNOWN, SMPP_STATE_REJECTED,
};

struct smpp_address {
	uint8_t ton, npi;
	char digits[SMPP_ADDRESS_SIZE];
};

/*! One PDU. Which members are meaningful follows from the command. */
struct smpp_pdu {
	uint32_t command;		/*!< enum smpp_command, or one with SMPP_RESPONSE */
	uint32_t status;
	uint32_t sequence;		/*!< 1 to 0x7fffffff */
	/* bind_* and its answers */
	char system_id[SMPP_SYSTEM_ID_SIZE];
	char password[SMPP_PASSWORD_SIZE];
	char system_type[SMPP_SYSTEM_TYPE_SIZE];
	uint8_t interface_version;	/*!< bind; sc_interface_version of its answer (TLV 0x0210), 0 = none */
	/* submit_sm, deliver_sm; alert_notification has source only, its esme_addr goes to destination */
	char service_type[SMPP_SERVICE_TYPE_SIZE];
	struct smpp_address source, destination;
	uint8_t esm_class, protocol_id, priority, registered_delivery, replace_if_present, data_coding,
		default_msg_id;
	char schedule_time[SMPP_TIME_SIZE], validity_period[SMPP_TIME_SIZE];
	uint8_t sm_length;
	uint8_t short_message[SMPP_MAX_SHORT_MESSAGE];
	/* submit_sm_resp, deliver_sm_resp */
	char message_id[SMPP_MESSAGE_ID_SIZE];
	/* optional parameters */
	bool has_user_message_reference;
	uint16_t user_message_reference;	/*!< TLV 0x0204 */
	char receipted_message_id[SMPP_MESSAGE_ID_SIZE];	/*!< TLV 0x001e; empty = absent */
	uint8_t message_state;			/*!< TLV 0x0427; 0 = absent */
	bool has_ms_availability;
	uint8_t ms_availability;		/*!< TLV 0x0422: 0 available, 1 denied, 2 unavailable */
};

/*! Octets of the PDU that starts here. \returns 0: the header is not whole; -EPROTO, as soon as the
 *  length is there: shorter than a header or longer than SMPP_MAX_PDU. */
int smpp_frame_len(const uint8_t *data, size_t len);
/*! Encode what struct smpp_pdu has members for; data_sm and others are not. An error answers to a
 *  bind or a submit without body (4.1.2, 4.4.2); a request has status ROK and a sequence number in
 *  its range; the address range of a bind is empty.
 *  \returns number of octets, or -ENOSPC, or -EINVAL (a member that cannot be encoded). */
int smpp_encode(const struct smpp_pdu *pdu, uint8_t *out, size_t size);
/*! Decode one whole PDU. A response with a status other than ROK may lack its body. An unknown
 *  command leaves the header only. Optional parameters of a wrong length are skipped like unknown
 *  ones; message_payload of a deliver_sm becomes its short_message if that is empty and it fits; an
 *  address of an alert_notification that does not fit is left empty.
 *  \returns 0 or -EBADMSG (the header members are set all the same, and nothing else). */
int smpp_decode(const uint8_t *data, size_t len, struct smpp_pdu *pdu);
/*! Name of a command or status ("submit_sm", "RTHROTTLED"), else "unknown". Never NULL. */
const char *smpp_command_name(uint32_t command);
const char *smpp_status_name(uint32_t status);
/*! Absolute validity period "YYMMDDhhmmss000+" of a UTC second (7.1.1), up to 2099, or relative of
 *  a duration in seconds ("...000R"), 1 second to 63 days: what is outside becomes the nearest.
 *  \param[out] out  SMPP_TIME_SIZE. */
void smpp_time_absolute(int64_t utc, char out[SMPP_TIME_SIZE]);
void smpp_time_relative(int64_t seconds, char out[SMPP_TIME_SIZE]);

/*! What a delivery receipt says (appendix B and 5.3.2): its optional parameters win over its text. */
struct smpp_receipt {
	char id[SMPP_MESSAGE_ID_SIZE];		/*!< empty: none */
	enum smpp_message_state state;
	bool has_reference;
	uint8_t reference;			/*!< low octet of user_message_reference */
};
/*! Is this deliver_sm a receipt, and what does it say? esm_class alone makes it one: a subscriber
 *  can write a text that looks the same. What stands behind "text:" is not read.
 *  \returns true and fills receipt; false if it is none or its state cannot be told (then without
 *  id and reference). */
bool smpp_receipt_parse(const struct smpp_pdu *pdu, struct smpp_receipt *receipt);
/*! Do two message ids mean the same message? Some centres answer a submit with hexadecimal and send
 *  receipts with decimal, or with leading zeros. Equal text, without regard to case and leading
 *  zeros, is certain; equal numbers (64 bits) in different bases are possible. An empty id matches
 *  none. \returns 0 no, 1 possible, 2 yes. */
int smpp_message_id_match(const char *submitted, const char *receipted);
