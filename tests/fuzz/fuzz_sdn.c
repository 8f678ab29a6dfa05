/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the running configuration of the SDN and, behind a line of %%, as
 * the IPAM's state. */
#include "fuzz.h"

#include "inputs/sdn.h"

#include "lang/name.h"

static void check_set(const struct ipset *set)
{
	uint32_t count = 0;

	REQUIRE(name_is_valid(set->name) && set->name.len <= SET_NAME_MAX);
	REQUIRE(set->scope == SCOPE_SDN);
	for (const struct set_entry *entry = set->entries; entry; entry = entry->next, count++) {
		struct prefix prefix;

		REQUIRE(prefix_parse(entry->text, &prefix) == ADDRESS_OK);
		REQUIRE(prefix_compare(&prefix, &entry->prefix) == 0);
	}
	REQUIRE(count == set->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, (uint32_t)size };
	struct source *running, *ipam = NULL;
	struct scope sdn;
	struct fuzz f;

	fuzz_start(&f);
	running = fuzz_source(&f, "sdn/.running-config", fuzz_next_file(&rest));
	if (rest.ptr)
		ipam = fuzz_source(&f, "sdn/pve-ipam-state.json", rest);
	sdn_parse(&f.diags, running, ipam, &sdn);
	for (const struct ipset *set = sdn.ipsets; set; set = set->hh.next)
		check_set(set);
	scope_free(&sdn);
	fuzz_end(&f);
	return 0;
}
