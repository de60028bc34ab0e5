/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Requests and answers as RFC 9112 writes them, read with no leniency at all and with no code of
 *  the daemon: what the HTTP front makes of the same octets is held against this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reading {
	READ_WHOLE,	/*!< one message is there */
	READ_PART,	/*!< so far so good, more is needed */
	READ_ODD,	/*!< not as the RFC writes it: another reader may see something else, or nothing */
};

#define HTTP_MESSAGE_FIELDS 64

struct slice {
	const uint8_t *at;
	size_t len;
};

struct http_message {
	bool has_head;		/*!< true also for a part, once its head is whole */
	struct slice method;	/*!< of a request */
	struct slice target;
	unsigned int status;	/*!< of an answer */
	unsigned int minor;	/*!< HTTP/1.minor */
	struct slice names[HTTP_MESSAGE_FIELDS];
	struct slice values[HTTP_MESSAGE_FIELDS];
	size_t n_fields;
	bool bad_framing;	/*!< its head is as it should be but for that: nobody knows where it ends */
	bool has_length;
	bool chunked;
	uint64_t length;	/*!< as announced */
	uint8_t *body;		/*!< malloc, whole messages only; NULL if empty */
	size_t n_body;
	size_t size;		/*!< octets of the whole message on the wire */
};

/*! Read the first request. Empty lines before it are part of it (RFC 9112, 2.2).
 *  Whatever it returns, http_message_clear() is owed. */
enum reading http_message_read_request(struct http_message *m, const uint8_t *data, size_t len);
/*! Read the first answer.
 *  \param[in] to_head  it answers HEAD, so no body follows.
 *  \param[in] ended    the connection has ended after these octets. */
enum reading http_message_read_answer(struct http_message *m, const uint8_t *data, size_t len,
				      bool to_head, bool ended);
void http_message_clear(struct http_message *m);

bool slice_is(struct slice s, const char *text);
/*! First field of this name, any case; .at is NULL if there is none. */
struct slice http_message_field(const struct http_message *m, const char *name);
/*! Does a comma-separated field hold this word? */
bool http_message_field_has(const struct http_message *m, const char *name, const char *word);
/*! The connection ends after this message (RFC 9112, 9.3). */
bool http_message_ends_connection(const struct http_message *m);
