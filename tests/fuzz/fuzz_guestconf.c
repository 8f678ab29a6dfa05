/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the configuration of a guest: a VM if the first one is q, else a
 * container. */
#include "fuzz.h"

#include "inputs/inputs.h"

static void check_nic(const struct nic *nic, enum guest_type type)
{
	REQUIRE(nic->index <= 31);
	REQUIRE(text_starts(nic->key, "net"));
	REQUIRE(nic->mac.len == 0 || (nic->mac.len == 17 && !(nic->mac_bytes[0] & 1)));
	REQUIRE(nic->ip4.family == 0 || nic->ip4.family == AF_INET);
	REQUIRE(nic->ip6.family == 0 || nic->ip6.family == AF_INET6);
	REQUIRE(text_starts(nic->device, type == GUEST_VM ? "tap100i" : "veth100i"));
	REQUIRE(!nic->next || text_compare(nic->key, nic->next->key) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum guest_type type = size && data[0] == 'q' ? GUEST_VM : GUEST_CONTAINER;
	struct source *source;
	struct fuzz f;

	if (!size)
		return 0;
	fuzz_start(&f);
	source = fuzz_source(&f, "100.conf", (struct text){ (const char *)data + 1, (uint32_t)size - 1 });
	for (struct nic *nic = guestconf_parse(&f.diags, source, type, TEXT("100")); nic; nic = nic->next)
		check_nic(nic, type);
	fuzz_end(&f);
	return 0;
}
