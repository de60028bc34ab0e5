/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the country code of an international number says of it (ITU-T E.164, 6.2).
 *
 * The codes stand in src/core/e164.def, with their source and date. */

#include <stdbool.h>

/*! Kinds of codes: enumerator, whether a sender may have such a number, what it is. */
#define E164_LIST(X) \
	X(SPARE, 0, "a country code that nobody has") \
	X(GEOGRAPHIC, 1, "a country") \
	X(FREEPHONE, 0, "international freephone") \
	X(SHARED_COST, 0, "international shared cost") \
	X(PREMIUM, 0, "international premium rate") \
	X(PERSONAL, 0, "universal personal telecommunication") \
	X(SATELLITE, 1, "a satellite system") \
	X(NETWORK, 1, "an international network") \
	X(UNLISTED, 0, "a shared code, with an identification code that is not listed") \
	X(RETURNED, 0, "a country code that was given back") \
	X(TRIAL, 0, "a trial of a service")

enum e164_kind {
#define X(name, open, title) E164_##name,
	E164_LIST(X)
#undef X
	_NUM_E164
};

/*! Kind of a number by the longest code that is its prefix.
 *  \param[in] digits  without "+"; what is not a digit ends it. */
enum e164_kind e164_kind(const char *digits);
/*! What it is, as it completes "it belongs to ". Never NULL. */
const char *e164_kind_title(enum e164_kind kind);

/*! May short messages leave with a number of this kind as their sender? Who may receive them is not
 *  a question of the kind: every number is written to. */
bool e164_may_send(enum e164_kind kind);
