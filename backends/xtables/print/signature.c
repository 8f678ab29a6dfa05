/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The comment that identifies a chain's contents: SHA-1 of its rules in base64, as pve-firewall writes it. */
#include <sha1.h>

#include "xtables/print/print.h"

void xt_print_signature(struct out *out, const char *bytes, size_t len)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t digest[SHA1_DIGEST_LENGTH + 1] = { 0 };
	char text[28];
	SHA1_CTX sha;

	SHA1Init(&sha);
	SHA1Update(&sha, (const uint8_t *)bytes, len);
	SHA1Final(digest, &sha);
	for (size_t i = 0; i < 7; i++) {
		uint32_t group = (uint32_t)digest[i * 3] << 16 | (uint32_t)digest[i * 3 + 1] << 8 | digest[i * 3 + 2];

		for (size_t j = 0; j < 4; j++)
			text[i * 4 + j] = base64[group >> (18 - 6 * j) & 63];
	}
	out_string(out, "PVESIG:");
	out_bytes(out, text, 27);
}
