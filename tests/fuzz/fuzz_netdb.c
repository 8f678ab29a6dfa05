/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as services, protocols and ethertypes, cut at lines of %%; the first
 * words of it all are names to ask for.
 */
#include "fuzz.h"

enum { SIZE_MOST = 4096, WORDS_MOST = 64 };

static void ask(const struct netdb *db, struct text name)
{
	uint16_t port, type;
	uint8_t number;

	REQUIRE(netdb_service(db, name, SERVICE_TCP, &port) == netdb_service(db, name, 0, &port));
	netdb_protocol(db, name, &number);
	netdb_ethertype(db, name, &type);
	netdb_near_service(db, name);
	netdb_near_protocol(db, name);
	netdb_near_ethertype(db, name);
}

static void ask_words(const struct netdb *db, struct text t)
{
	uint32_t end, count = 0;

	for (uint32_t at = 0; at < t.len && count < WORDS_MOST; at = end + 1, count++) {
		for (end = at; end < t.len && !char_is_blank(t.ptr[end]) && t.ptr[end] != '\n'; end++)
			;
		ask(db, (struct text){ t.ptr + at, end - at });
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text all = { (const char *)data, (uint32_t)size }, rest = all;
	const char *files[3];
	struct fuzz f;

	if (!size || size > SIZE_MOST)
		return 0;
	fuzz_start(&f);
	for (unsigned i = 0; i < 3; i++)
		files[i] = fuzz_memory_file(i, fuzz_next_file(&rest));
	/* What is behind the third file is no file. */
	ask_words(netdb_load(&f.diags, files[0], files[1], files[2]), all);
	REQUIRE(!f.diags.unreadable);
	fuzz_end(&f);
	return 0;
}
