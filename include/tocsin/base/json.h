/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Streaming JSON writer (RFC 8259): appends to a growing buffer, puts the commas itself.
 *
 * Writes only; JSON from outside is read with json-c. Strings are escaped; octets that are not
 * UTF-8 become U+FFFD, so the output is always valid. Running out of memory is sticky. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 32

struct json {
	char *buf;	/*!< talloc, child of the context given to json_init(); not NUL-terminated */
	size_t len;
	size_t size;
	int error;	/*!< 0, -ENOMEM, or -EINVAL if nested deeper than JSON_MAX_DEPTH */
	void *ctx;
	unsigned int depth;
	uint32_t has_member;	/*!< bit per depth: a comma is due */
};

void json_init(struct json *j, void *ctx);
/*! Take out what was written so far, keep the nesting: for streams.
 *  \returns number of octets copied to out, at most max. */
size_t json_drain(struct json *j, char *out, size_t max);

/*! All writers take the member name first; NULL inside arrays and at the top. */
void json_object_begin(struct json *j, const char *name);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *name);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *name, const char *value);	/*!< NULL value: null */
void json_string_n(struct json *j, const char *name, const char *value, size_t len);
void json_int(struct json *j, const char *name, int64_t value);
/*! The same without the zeros at its end ("-0.05", "7"). */
void json_number(struct json *j, const char *name, int64_t value, unsigned int scale);
/*! A value that is JSON text already. */
void json_raw(struct json *j, const char *name, const char *text, size_t len);
void json_boolean(struct json *j, const char *name, bool value);
void json_null(struct json *j, const char *name);
/*! A scaled integer as a decimal number: value / 10^scale, with all its digits ("-0.0500000").
 *  \param[in] scale  1 to 18. */
void json_decimal(struct json *j, const char *name, int64_t value, unsigned int scale);
/*! UTC seconds as "2026-11-23T21:05:00Z"; 0 becomes null. */
void json_time(struct json *j, const char *name, int64_t utc);
