/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/digest.h>

#include <errno.h>
#include <stdio.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

int digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, out) < 0 ? -EIO : 0;
}

char *digest_hex(const uint8_t *digest, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 0x0f];
	}
	out[2 * len] = '\0';
	return out;
}
