/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Cell broadcast messages: serial number, data coding scheme, pages (3GPP TS 23.041, 23.038). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

#define CBS_PAGE_OCTETS 82
#define CBS_MAX_PAGES 15
#define CBS_PAGE_SEPTETS 93
#define CBS_PAGE_UCS2 41

/*! Geographical scope (23.041, 9.4.1.2.1). */
enum cbs_scope { CBS_SCOPE_CELL_IMMEDIATE = 0, CBS_SCOPE_PLMN = 1, CBS_SCOPE_AREA = 2, CBS_SCOPE_CELL = 3 };

/*! Serial number: scope (bits 15-14), message code (13-4), update number (3-0). */
uint16_t cbs_serial(enum cbs_scope scope, uint16_t code, uint8_t update);

/*! Data coding schemes used here (23.038, clause 5). */
#define CBS_DCS_GSM7_UNSPECIFIED 0x0f
#define CBS_DCS_UCS2 0x48

/*! ETWS warning types (23.041, 9.3.24). */
enum cbs_etws_type { CBS_ETWS_EARTHQUAKE, CBS_ETWS_TSUNAMI, CBS_ETWS_EARTHQUAKE_TSUNAMI, CBS_ETWS_TEST, CBS_ETWS_OTHER };
/*! Warning-Type, 16 bits: type, emergency user alert, popup. */
uint16_t cbs_warning_type(enum cbs_etws_type type, bool user_alert, bool popup);

/*! One page: 82 octets, padded with CR. */
struct cbs_page {
	uint8_t octets[CBS_PAGE_OCTETS];
	uint8_t used;		/*!< octets without padding, 1 to 82 (9.3.19) */
};

/*! A text in pages. A value. */
struct cbs_pages {
	uint8_t dcs;
	uint8_t n;		/*!< 1 to 15 */
	bool cut;		/*!< the text was longer and ends at a word */
	size_t text_octets;	/*!< octets of the UTF-8 text up to the last character carried */
	struct cbs_page page[CBS_MAX_PAGES];
};

/*! Put a text into pages: GSM 7-bit where every character fits, with the DCS of the language (group
 *  0000 or 0010, by the tag's primary subtag; else 0x0f); otherwise UCS-2 (DCS 0x48). No escape
 *  pair and no surrogate pair is split over two pages; a text longer than 15 pages is cut behind
 *  the last word that fits (or in the word where that is longer than a page); CR LF and CR become LF, since phones remove CRs at the end of a page, and TAB becomes
 *  a space. Blanks at both ends are left away.
 *  \param[in] utf8      valid, not empty once blanks are taken off.
 *  \param[in] language  RFC 3066 tag or NULL.
 *  \returns 0 or -EINVAL (PROBLEM_CONTENT_TEXT). */
int cbs_paginate(const char *utf8, const char *language, struct cbs_pages *pages,
		 struct problem *problem);

/*! True for message identifiers that phones show as a drill: 4355, 4380, 4381, 4393, 4394. */
bool cbs_identifier_is_drill(uint16_t message_identifier);
/*! True for the ETWS range 4352 to 4359 (23.041, 9.4.1.2.2). */
bool cbs_identifier_is_etws(uint16_t message_identifier);
/*! The last gate before the wire: a drill may leave on a drill identifier only, and an Actual
 *  alert on any other only. \returns 0 or -EINVAL (PROBLEM_CONTENT_DRILL). */
int cbs_check_drill(uint16_t message_identifier, bool drill, struct problem *problem);
