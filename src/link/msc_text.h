/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the VTY of OsmoMSC says, cut into pieces and read strictly.
 *
 * An answer is read line by line as it comes and never kept. What is not understood where it matters
 * is an error that names the line: nobody is looked for where a line was misread. Problems never
 * quote a line, since any may hold an IMSI. Pure: octets in, subscribers out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/recipient.h>

/*! Octets of a line; a longer one is an error. */
#define MSC_MAX_LINE 4096

/*! Cut the stream: one piece is a line with its end, a prompt ("OsmoMSC> ") or a telnet command
 *  (RFC 854).
 *  \returns its length, which may be more than len; 0: more octets are needed to tell; -EPROTO. */
int msc_frame_len(const uint8_t *data, size_t len);

enum msc_question {
	MSC_GREETING,	/*!< none: what comes with the connection */
	MSC_NO_PAGER,	/*!< print long answers without waiting for a key */
	MSC_UPTIME,
	MSC_LIST,	/*!< the IMSIs of all who are registered */
	MSC_WHERE,	/*!< one subscriber */
};

/*! One subscriber, as an answer to MSC_WHERE says; of MSC_LIST only the IMSI. */
struct msc_subscriber {
	struct target imsi;
	struct msisdn msisdn;	/*!< none: there is none, or none of E.164 */
	uint16_t lac;
	uint16_t ci;
	bool in_gsm;		/*!< the CI is that of a GSM cell */
};

/*! Reads the answer to one question. */
struct msc_answer {
	/*! Each subscriber found. \returns 0, or a negative errno that ends the reading. */
	int (*on_subscriber)(void *priv, const struct msc_subscriber *subscriber, struct problem *problem);
	void *priv;
	long uptime_s;		/*!< MSC_UPTIME: -1 if it was not understood */
	/* Private. */
	enum msc_question question;
	struct target about;
	unsigned int line;	/* of the answer, from 1: the echo */
	unsigned int seen;	/* keys of the record so far */
	bool found;		/* MSC_WHERE: the record has begun; MSC_LIST: an entry has */
	bool nobody;		/* MSC_WHERE: the MSC does not know the IMSI */
	struct msc_subscriber subscriber;
};

#define MSC_COMMAND_LEN 48
/*! Text of a question, without the end of the line.
 *  \param[in] about  an IMSI for MSC_WHERE, else NULL.
 *  \param[out] buf  at least MSC_COMMAND_LEN. \returns buf. */
char *msc_command(enum msc_question question, const struct target *about, char *buf, size_t size);

/*! Begin with the answer to a question; on_subscriber and priv stay. */
void msc_answer_begin(struct msc_answer *a, enum msc_question question, const struct target *about);
/*! Read the next piece.
 *  \returns 1: that was the prompt, the answer is whole; 0: go on; negative: -EINVAL
 *  (PROBLEM_RECIPIENTS_SOURCE) or what on_subscriber() said. */
int msc_answer_read(struct msc_answer *a, const uint8_t *frame, size_t len, struct problem *problem);
