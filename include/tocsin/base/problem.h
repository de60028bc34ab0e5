/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Reasons why something was refused, written once and used everywhere.
 *
 * A problem is what a person must understand: it becomes the problem+json body of an HTTP
 * answer (RFC 9457), the log line and the error of a configuration file. Functions that can
 * refuse input take a caller-supplied struct problem and fill it in when they fail. */

#include <stdbool.h>

/*! Every problem there is: enumerator, stable code, HTTP status, title. The code is API: it is
 *  documented in the manual and never changes its meaning. */
#define PROBLEM_LIST(X) \
	X(NONE, "none", 200, "no problem") \
	/* the request */ \
	X(HTTP_METHOD, "method-not-allowed", 405, "The method is not allowed here") \
	X(HTTP_NOT_FOUND, "not-found", 404, "There is no such thing") \
	X(HTTP_MEDIA_TYPE, "media-type", 415, "The media type is not supported") \
	X(HTTP_TOO_LARGE, "too-large", 413, "The document is too large") \
	X(HTTP_BAD_PARAMETER, "bad-parameter", 400, "A parameter of the request is wrong") \
	X(HTTP_TOO_BUSY, "too-busy", 503, "Too many requests wait for an answer") \
	X(ORIGINATOR_UNKNOWN, "originator-unknown", 401, "The originator is not known") \
	X(ORIGINATOR_FORBIDDEN, "originator-forbidden", 403, "The originator may not do this") \
	/* reading CAP */ \
	X(CAP_NOT_WELL_FORMED, "cap-not-well-formed", 400, "The document is not well-formed XML") \
	X(CAP_DOCTYPE, "cap-doctype", 400, "The document has a DOCTYPE") \
	X(CAP_TOO_COMPLEX, "cap-too-complex", 400, "The document exceeds a limit of depth or number") \
	X(CAP_NOT_CAP, "cap-not-cap", 422, "The document is not a CAP 1.2 alert") \
	X(CAP_SCHEMA, "cap-schema", 422, "The document breaks the CAP schema") \
	X(CAP_IDENTIFIER, "cap-identifier", 422, "An identifier has a forbidden character") \
	X(CAP_TIME, "cap-time", 422, "A time is not a CAP time") \
	X(CAP_REFERENCES, "cap-references", 422, "References are missing or malformed") \
	X(CAP_ADDRESSES, "cap-addresses", 422, "A Private alert has no addresses") \
	X(CAP_NO_INFO, "cap-no-info", 422, "The alert has no info block") \
	X(CAP_NO_AREA, "cap-no-area", 422, "The alert names no area") \
	X(CAP_NO_TEXT, "cap-no-text", 422, "The alert has no text") \
	X(CAP_NO_EXPIRES, "cap-no-expires", 422, "The alert has no expires") \
	X(CAP_EXPIRED, "cap-expired", 422, "The alert has expired") \
	X(CAP_SENT_FUTURE, "cap-sent-future", 422, "The alert was sent in the future") \
	X(CAP_MIXED_INFO, "cap-mixed-info", 422, "Info blocks of one language differ") \
	X(CAP_MSG_TYPE, "cap-msg-type", 422, "This msgType is not handled") \
	X(CAP_NOT_PUBLIC, "cap-not-public", 422, "Only scope Public is broadcast") \
	X(CAP_STATUS, "cap-status", 422, "Alerts of this status are not broadcast") \
	X(CAP_DUPLICATE, "cap-duplicate", 409, "The same alert was sent before with other content") \
	X(CAP_REFERENCE_UNKNOWN, "cap-reference-unknown", 422, "A referenced alert is not known") \
	/* areas */ \
	X(AREA_POLYGON, "area-polygon", 422, "A polygon cannot be understood") \
	X(AREA_CIRCLE, "area-circle", 422, "A circle cannot be understood") \
	X(AREA_GEOCODE, "area-geocode", 422, "A geocode cannot be resolved") \
	X(AREA_TOO_COMPLEX, "area-too-complex", 422, "An area has too many points or rings") \
	X(AREA_NO_CELLS, "area-no-cells", 422, "No cell covers the area") \
	/* content */ \
	X(CONTENT_NO_RULE, "content-no-rule", 422, "No rule of the profile broadcasts this alert") \
	X(CONTENT_DRILL, "content-drill", 422, "A drill and a live identifier must not meet") \
	X(CONTENT_TEXT, "content-text", 422, "The text cannot be encoded") \
	X(SERIAL_EXHAUSTED, "serial-exhausted", 503, "No serial number is free") \
	/* the store */ \
	X(STORE_UNAVAILABLE, "store-unavailable", 503, "The store cannot commit now") \
	X(STORE_FULL, "store-full", 507, "The store has no space left") \
	X(STORE_TIMEOUT, "store-timeout", 503, "The store did not commit in time") \
	/* files */ \
	X(CELLS_FILE, "cells-file", 422, "The cell file cannot be read") \
	X(CELLS_LINE, "cells-line", 422, "A line of the cell file is wrong") \
	X(RECIPIENTS_FILE, "recipients-file", 422, "The recipient file cannot be read") \
	X(RECIPIENTS_LINE, "recipients-line", 422, "A line of the recipient file is wrong") \
	X(RECIPIENTS_SOURCE, "recipients-source", 503, "A source of recipients does not answer") \
	X(CONFIG, "config", 422, "The configuration is wrong") \
	X(NO_MEMORY, "no-memory", 503, "There is not enough memory") \
	X(INTERNAL, "internal", 500, "An internal error")

enum problem_code {
#define X(name, code, status, title) PROBLEM_##name,
	PROBLEM_LIST(X)
#undef X
	_NUM_PROBLEM
};

/*! One reason, with the place it was found at. A value: copy freely, owns nothing. */
struct problem {
	enum problem_code code;
	char where[160];	/*!< element path, field or file ("info[1]/area[0]/polygon[2]"); may be empty */
	unsigned int line;	/*!< line in the document or file, from 1; 0 = no line */
	char detail[320];	/*!< a sentence for people, without control characters */
};

/*! Fill in a problem. The text is cut to what fits; control characters and octets that are no
 *  UTF-8 become '?'.
 *  \param[out] p      may be NULL: nothing happens.
 *  \param[in] where   element path or file; may be NULL.
 *  \param[in] line    line from 1, or 0.
 *  \returns -EINVAL always, so that "return problem_set(...)" reads well. */
int problem_set(struct problem *p, enum problem_code code, const char *where, unsigned int line,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*! Stable code of a problem ("cap-expired"). Never NULL. */
const char *problem_code_name(enum problem_code code);
/*! HTTP status that answers this problem (400 to 599). */
int problem_status(enum problem_code code);
/*! Title: what is the same for every problem of this code. Never NULL. */
const char *problem_title(enum problem_code code);
