/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! An alert as it was received, read and checked, before anything was decided about it.
 *
 * Made by pure code on an HTTP thread (or by a test), then handed to the loop whole: one talloc
 * object that owns all it points to and that nothing else sees. */

#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/digest.h>
#include <tocsin/base/problem.h>
#include <tocsin/cap/cap.h>
#include <tocsin/geo/shape.h>

#define ALERT_ID_LEN 20
#define MAX_ADVISORIES 16

/*! Something the sender should know although the alert is taken. */
struct advisory {
	const char *code;	/*!< stable, static */
	char detail[200];
};

struct alert_draft {
	char id[ALERT_ID_LEN + 1];	/*!< from originator, sender, identifier and sent */
	char *originator;
	const char *source;		/*!< "cap", static */
	uint8_t *bytes;			/*!< as received */
	size_t len;
	uint8_t sha256[DIGEST_LEN];	/*!< of the bytes */
	struct cap_alert *cap;
	struct geo_area *area;		/*!< of all info blocks of language; NULL if there is none */
	char *area_json;		/*!< the same as GeoJSON, for readers; NULL if there is none */
	const char *language;		/*!< the one that is broadcast; NULL without info */
	struct advisory advisories[MAX_ADVISORIES];
	size_t n_advisories;
};

/*! Read a CAP document into a draft: parse, check, choose the language, build the area.
 *  \param[in] bytes      talloc, becomes a child of the draft (also when it fails).
 *  \param[in] languages  in order of preference, NULL-terminated; the first info's language counts
 *                        when none of them is there.
 *  \param[in] now        UTC seconds.
 *  \returns the draft, or NULL with the problem filled in. */
struct alert_draft *alert_draft_read(void *ctx, const char *originator, uint8_t *bytes, size_t len,
				     const char *const *languages, int64_t now,
				     struct problem *problem);
/*! Identity of an alert: the same for the same (originator, sender, identifier, sent). */
void alert_id_make(const char *originator, const char *sender, const char *identifier,
		   int64_t sent_utc, char id[ALERT_ID_LEN + 1]);
void alert_draft_advise(struct alert_draft *draft, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
