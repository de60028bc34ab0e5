/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The time, from one place, so that a test can move it.
 *
 * UTC is in seconds since 1970; offsets exist only at the edges (CAP in, JSON out). Both clocks
 * go through libosmocore and follow its test overrides. */

#include <stdint.h>
#include <stddef.h>

/*! UTC now, seconds. */
int64_t clock_utc(void);
/*! Monotonic milliseconds: for measuring durations only. */
int64_t clock_mono_ms(void);

/*! Text of a UTC second: "2026-11-23T21:05:00Z". Thread-safe.
 *  \param[out] buf  at least 32 octets.
 *  \returns buf. */
char *clock_format(int64_t utc, char *buf, size_t size);

/*! Parse a CAP 1.2 time, "YYYY-MM-DDThh:mm:ss+hh:mm" (CAP 3.3.2); also accepts "Z".
 *  Checks the ranges of every field, leap years included.
 *  \returns 0 or -EINVAL. */
int clock_parse(const char *text, int64_t *utc);
