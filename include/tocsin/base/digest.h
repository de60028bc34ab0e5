/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! SHA-256 (FIPS 180-4), from GnuTLS, which libmicrohttpd brings along for TLS. */

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32

/*! Digest of one piece of memory. \returns 0 or -EIO. */
int digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_LEN]);
/*! Lower-case hexadecimal text. \param[out] out  2 × len + 1 octets. \returns out. */
char *digest_hex(const uint8_t *digest, size_t len, char *out);
