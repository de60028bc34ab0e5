/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! CAP 1.2 (OASIS CAP-v1.2-os) as a tree of plain structs.
 *
 * Pure: bytes in, structs out, no network, no clock, no global but the schema, which is compiled
 * once and then only read. Everything hangs off the struct cap_alert that cap_parse() returns;
 * free that with talloc_free(). Strings are UTF-8 without control characters other than TAB and
 * LF (others become blanks), blanks at both ends removed (text elements keep inner line breaks);
 * an absent or empty optional element is NULL, an empty required one is "". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

enum cap_status { CAP_STATUS_ACTUAL, CAP_STATUS_EXERCISE, CAP_STATUS_SYSTEM, CAP_STATUS_TEST, CAP_STATUS_DRAFT };
enum cap_msg_type { CAP_MSG_ALERT, CAP_MSG_UPDATE, CAP_MSG_CANCEL, CAP_MSG_ACK, CAP_MSG_ERROR };
enum cap_scope { CAP_SCOPE_PUBLIC, CAP_SCOPE_RESTRICTED, CAP_SCOPE_PRIVATE };
enum cap_urgency { CAP_URGENCY_IMMEDIATE, CAP_URGENCY_EXPECTED, CAP_URGENCY_FUTURE, CAP_URGENCY_PAST, CAP_URGENCY_UNKNOWN };
enum cap_severity { CAP_SEVERITY_EXTREME, CAP_SEVERITY_SEVERE, CAP_SEVERITY_MODERATE, CAP_SEVERITY_MINOR, CAP_SEVERITY_UNKNOWN };
enum cap_certainty { CAP_CERTAINTY_OBSERVED, CAP_CERTAINTY_LIKELY, CAP_CERTAINTY_POSSIBLE, CAP_CERTAINTY_UNLIKELY, CAP_CERTAINTY_UNKNOWN };

/*! valueName and value of an eventCode, parameter or geocode. */
struct cap_pair {
	const char *name;
	const char *value;
	unsigned int line;
};

/*! Text of a repeated element, with the line it starts on. */
struct cap_text {
	const char *text;
	unsigned int line;
};

/*! CAP 3.2.4. Polygons and circles are kept as text; core/area.h gives them their meaning. */
struct cap_area {
	const char *desc;
	struct cap_text *polygons;
	size_t n_polygons;
	struct cap_text *circles;
	size_t n_circles;
	struct cap_pair *geocodes;
	size_t n_geocodes;
	unsigned int line;
};

/*! CAP 3.2.2. Times are UTC seconds; 0 = absent. */
struct cap_info {
	const char *language;		/*!< RFC 3066; "en-US" when absent (schema default) */
	const char *event;
	enum cap_urgency urgency;
	enum cap_severity severity;
	enum cap_certainty certainty;
	int64_t effective_utc;
	int64_t onset_utc;
	int64_t expires_utc;
	const char *sender_name;
	const char *headline;
	const char *description;
	const char *instruction;
	const char *web;
	const char *contact;
	const char *audience;
	unsigned int categories;	/*!< bit per value, in the schema's order (Geo = bit 0) */
	unsigned int response_types;	/*!< bit per value, in the schema's order (Shelter = bit 0) */
	struct cap_pair *event_codes;
	size_t n_event_codes;
	struct cap_pair *parameters;
	size_t n_parameters;
	size_t n_resources;
	struct cap_area *areas;
	size_t n_areas;
	unsigned int line;
};

/*! One triple of references (CAP 3.2.1): compared as an instant, never as text. */
struct cap_reference {
	const char *sender;
	const char *identifier;
	int64_t sent_utc;
};

/*! CAP 3.2.1. */
struct cap_alert {
	const char *identifier;
	const char *sender;
	int64_t sent_utc;
	const char *sent_text;		/*!< as received */
	enum cap_status status;
	enum cap_msg_type msg_type;
	enum cap_scope scope;
	const char *source;
	const char *restriction;
	const char *addresses;
	const char *note;
	const char *incidents;
	struct cap_text *codes;
	size_t n_codes;
	struct cap_reference *references;
	size_t n_references;
	unsigned int references_line;	/*!< line of the references element, 0 = none */
	struct cap_info *infos;
	size_t n_infos;
	bool has_signature;		/*!< a Signature element is there; nothing was checked */
};

/*! Limits on what is read, counted while the document is parsed. */
#define CAP_MAX_DEPTH 32
#define CAP_MAX_ATTRIBUTES 64	/*!< of one element; also namespaces in scope */
#define CAP_MAX_ELEMENTS 100000	/*!< also attributes of all elements together */
#define CAP_MAX_TEXT (4u << 20)	/*!< octets of one text */

/*! Compile the CAP 1.2 schema (embedded in the program). Call once at start, before any thread
 *  and before cap_parse(), which refuses everything without it.
 *  \returns 0 or -ENOMEM. */
int cap_init(void);
/*! Release what cap_init() made. */
void cap_exit(void);

/*! Read one CAP 1.2 document: well-formed XML without DOCTYPE, the OASIS schema, then the struct.
 *  May run on several threads at once, each with a talloc root of its own.
 *  \param[in] ctx  owner of the result.
 *  \param[out] problem  why not; element path and line are filled in.
 *  \returns the alert, or NULL. */
struct cap_alert *cap_parse(void *ctx, const void *bytes, size_t len, struct problem *problem);

/*! The rules that the schema does not hold, none of which depend on the time of day:
 *  characters of identifier and sender (3.2.1), references of Update and Cancel, addresses of a
 *  Private alert, an info and an area where an Alert needs them, expires after sent.
 *  \returns 0 or -EINVAL with the problem filled in. */
int cap_check(const struct cap_alert *alert, struct problem *problem);

/*! Names as CAP writes them ("Actual", "Extreme"). Never NULL. */
const char *cap_status_name(enum cap_status v);
const char *cap_msg_type_name(enum cap_msg_type v);
const char *cap_scope_name(enum cap_scope v);
const char *cap_urgency_name(enum cap_urgency v);
const char *cap_severity_name(enum cap_severity v);
const char *cap_certainty_name(enum cap_certainty v);
/*! The reverse, exact spelling. \returns the value or -EINVAL. */
int cap_status_parse(const char *name);
int cap_urgency_parse(const char *name);
int cap_severity_parse(const char *name);
int cap_certainty_parse(const char *name);
