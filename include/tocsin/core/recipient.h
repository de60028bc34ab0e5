/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Recipients: the people that short messages can reach, and where they were last seen.
 *
 * A recipient is an IMSI. A recipient table is one source's list, immutable, sorted by IMSI without
 * repetition; a newer list of the source replaces it whole. Nothing here knows how a list was got:
 * a file (recipient_csv.c) or a network element (link/) both end in recipient_table_make(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/target.h>

/*! A telephone number of up to 15 digits in international form (E.164), or none. */
struct msisdn {
	uint64_t number : 56;
	uint64_t digits : 8;	/*!< 0 = none */
};

#define MSISDN_TEXT_LEN 16
/*! Read digits with or without a leading "+". Strict: 3 to 15 digits, no leading zero.
 *  \param[out] why  a sentence when it fails (static); may be NULL.
 *  \returns 0 or -EINVAL. */
int msisdn_parse(const char *text, size_t len, struct msisdn *out, const char **why);
/*! The digits, without "+"; "" if there is none.
 *  \param[out] buf  at least MSISDN_TEXT_LEN.
 *  \returns buf. */
char *msisdn_format(const struct msisdn *m, char *buf, size_t size);

/*! Longest tag of a language, and how many languages a table can have. */
#define RECIPIENT_LANGUAGE_LEN 11
#define RECIPIENT_MAX_LANGUAGES 255
/*! Rows of a table: what one talloc array holds. */
#define RECIPIENT_MAX_ROWS 5000000

/*! One row: 48 octets, since there may be millions. */
struct recipient {
	struct target imsi;	/*!< TARGET_IMSI */
	struct target at;	/*!< TARGET_CGI: last or home cell; TARGET_LAI: location area;
				 *   type 0: unknown */
	struct msisdn msisdn;
	uint32_t line;		/*!< its place in what the table was made from, from 1 (a file: the line) */
	uint8_t language;	/*!< index into the table's languages, from 1; 0 = unknown */
	bool drill;		/*!< takes part in tests and exercises */
};

/*! What a delivery keeps of a recipient beside the IMSI: its number, and where it was when it
 *  became one. */
struct recipient_detail {
	struct msisdn msisdn;
	struct target at;		/*!< as in struct recipient */
};

struct recipient_table;

/*! Build a table from rows in any order. Two rows of one IMSI: the later one counts. The members
 *  line need not be set: rows are numbered as they come.
 *  \param[in] rows       talloc array; taken over, whatever happens; may be NULL if n is 0.
 *  \param[in] languages  talloc array of n strings for index 1 and up; taken over; may be NULL.
 *  \returns NULL when out of memory. */
struct recipient_table *recipient_table_make(void *ctx, struct recipient *rows, size_t n,
					     char **languages, size_t n_languages);
size_t recipient_table_count(const struct recipient_table *table);
/*! Row i, sorted by IMSI: as target_compare() sorts. Borrowed from the table. */
const struct recipient *recipient_table_get(const struct recipient_table *table, size_t row);
/*! Row of an IMSI, or -1. */
long recipient_table_find(const struct recipient_table *table, const struct target *imsi);
/*! RFC 3066 tag of a row, NULL if unknown. */
const char *recipient_table_language(const struct recipient_table *table, const struct recipient *r);

/*! Read a CSV file with the header "imsi,msisdn,cell,language,drill". imsi: 6 to 15 digits;
 *  msisdn: E.164 digits or empty; cell: "MCC-MNC-LAC-CI", "MCC-MNC-LAC" or empty; language: RFC 3066
 *  or empty, kept in lower case; drill: "yes", "no" or empty. The first wrong line refuses the whole
 *  file (PROBLEM_RECIPIENTS_LINE, where = path, line); an IMSI given twice is wrong; so is a row that
 *  has neither cell nor number. Empty lines and lines that start with '#' are skipped. No problem
 *  says a whole IMSI or number.
 *  \returns the table, or NULL (PROBLEM_RECIPIENTS_FILE if the file cannot be read). */
struct recipient_table *recipient_table_import(void *ctx, const char *path, struct problem *problem);
/*! The same from memory. */
struct recipient_table *recipient_table_parse(void *ctx, const char *text, size_t len, const char *name,
					      struct problem *problem);

#define RECIPIENT_SHORT_LEN 11
/*! Text of an IMSI or number as it may stand in a log: the first five and the last two digits
 *  ("00101...01"); of less than eight digits the first two alone.
 *  \param[out] buf  at least RECIPIENT_SHORT_LEN.
 *  \returns buf. */
const char *recipient_shorten(const char *digits, char *buf, size_t size);

/*! A registered sender identity of short messages. */
enum sender_kind { SENDER_ALPHANUMERIC, SENDER_INTERNATIONAL, SENDER_SHORT_CODE };
#define SENDER_ID_MAX 20
struct sender_id {
	enum sender_kind kind;
	char text[SENDER_ID_MAX + 1];	/*!< as it leaves; digits without "+" */
};
/*! Read a sender id as it was configured: 3 to 11 characters of letters, digits, blank, '.', '_', '-'
 *  with at least one letter and no blank at either end; "+" and an international number whose country
 *  code is assigned and open to senders (e164.h); or a short code of 3 to 8 digits.
 *  \returns 0 or -EINVAL (PROBLEM_CONFIG). */
int sender_id_parse(const char *text, struct sender_id *id, struct problem *problem);
#define SENDER_ID_TEXT_LEN (SENDER_ID_MAX + 2)
/*! The reverse: as it was configured. \param[out] buf at least SENDER_ID_TEXT_LEN. \returns buf. */
char *sender_id_format(const struct sender_id *id, char *buf, size_t size);
