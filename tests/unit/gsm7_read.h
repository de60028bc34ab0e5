/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What a phone makes of 7-bit octets (3GPP TS 23.038): shares nothing with codec/gsm7. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GSM7_N_EXTENSION 10

/*! Bit by bit (6.1.2.2.1). */
void gsm7_read(const uint8_t *octets, size_t n, uint8_t *septets);
/*! Code point of a septet, or of the septet behind an escape (6.2.1, 6.2.1.1); -1 if there is none. */
int32_t gsm7_character(uint8_t septet, bool escaped);
