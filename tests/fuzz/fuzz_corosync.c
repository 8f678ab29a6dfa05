/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as corosync.conf, for a node of the name n1. */
#include "fuzz.h"

#include "inputs/inputs.h"

static void check_link(const struct corosync_link *link)
{
	struct prefix ours, theirs;

	REQUIRE(link->family_mask == IPV4 || link->family_mask == IPV6);
	REQUIRE(address_parse(link->ours, &ours) == ADDRESS_OK);
	REQUIRE(address_parse(link->theirs, &theirs) == ADDRESS_OK);
	REQUIRE(prefix_family_mask(&ours) == link->family_mask && ours.family == theirs.family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct corosync corosync = { 0 };
	struct source *source;
	struct fuzz f;

	fuzz_start(&f);
	source = fuzz_source(&f, "corosync.conf", (struct text){ (const char *)data, (uint32_t)size });
	corosync_parse(&f.diags, source, TEXT("n1"), false, &corosync);
	for (const struct corosync_link *link = corosync.links; link; link = link->next)
		check_link(link);
	fuzz_end(&f);
	return 0;
}
