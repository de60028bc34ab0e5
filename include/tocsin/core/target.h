/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Whom a message is for: a cell, a recipient, or a whole BSS whose cells are unknown.
 *
 * A target is an identity, never an index into a table, and a plain value: copy and compare it.
 * Lists of targets are sorted by target_compare() and free of repetition. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum target_type {
	TARGET_CGI = 1,	/*!< GSM cell: LAC << 16 | CI (3GPP TS 23.003, 4.3.1) */
	TARGET_SAI,	/*!< UMTS service area: LAC << 16 | SAC (23.003, 12.5) */
	TARGET_ECGI,	/*!< LTE cell: 28 bits (23.003, 19.6) */
	TARGET_NCGI,	/*!< NR cell: 36 bits (23.003, 19.6A) */
	TARGET_IMSI,	/*!< recipient: the IMSI as a number */
	TARGET_BSS,	/*!< all cells of a peer whose cells are unknown */
	TARGET_LAI,	/*!< GSM location area: LAC << 16, where a CGI has it, so that one mask
			 *   of a pattern fits both (23.003, 4.1) */
};

struct target {
	uint64_t value;
	uint16_t mcc;
	uint16_t mnc;
	uint8_t mnc_digits;	/*!< 2 or 3: "01" and "001" are different networks. Of an IMSI: its
				 *   number of digits, since it may start with zeros */
	uint8_t type;		/*!< enum target_type; 0 = none */
};

/*! Octets of one packed target in the store. */
#define TARGET_PACKED_LEN 14
#define TARGET_TEXT_LEN 40

/*! Total order: type, MCC, MNC, digits, value. \returns <0, 0, >0. */
int target_compare(const struct target *a, const struct target *b);
/*! Index of a target in a sorted list, or -1. */
long target_find(const struct target *sorted, size_t n, const struct target *t);

/*! "cgi" etc. NULL for an unknown type. */
const char *target_type_name(enum target_type type);
/*! Read the text of a target: "MCC-MNC-LAC-CI" for cgi, "MCC-MNC-LAC" for lai. Digits and ranges are
 *  strict.
 *  \param[out] why  a sentence when it fails (static); may be NULL.
 *  \returns 0 or -EINVAL. */
int target_parse(enum target_type type, const char *text, size_t len, struct target *t, const char **why);
/*! The reverse. \param[out] buf at least TARGET_TEXT_LEN. \returns buf. */
char *target_format(const struct target *t, char *buf, size_t size);

/*! Are all members in their range? For what comes from a file. */
bool target_valid(const struct target *t);
void target_pack(const struct target *t, uint8_t out[TARGET_PACKED_LEN]);
void target_unpack(const uint8_t in[TARGET_PACKED_LEN], struct target *t);

/*! What a peer names when it does not give whole identities (LAC+CI, CI, LAC). Matches targets of
 *  the type whose masked value is equal and whose PLMN is equal unless any_plmn. */
struct target_pattern {
	struct target t;
	uint64_t mask;
	bool any_plmn;
};
bool target_matches(const struct target_pattern *p, const struct target *t);
