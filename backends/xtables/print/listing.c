/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All tables as one text (spec 6.1). */
#include "base/parallel_for.h"
#include "xtables/print/print.h"

/* A table of iptables, or what `print` prints. */
static const struct xt_section {
	const char *title;
	struct xt_table *(*lower)(struct arena *arena, const struct config *config, unsigned family_mask);
	unsigned family_mask;
	void (*print)(struct out *out, const struct config *config);
} xt_sections[] = {
	{ .title = "ipset", .print = xt_print_ipsets },
	{ "iptables filter", xt_lower_filter, IPV4, NULL },
	{ "ip6tables filter", xt_lower_filter, IPV6, NULL },
	{ "iptables raw", xt_lower_raw, IPV4, NULL },
	{ "ip6tables raw", xt_lower_raw, IPV6, NULL },
	{ .title = "ebtables filter", .print = eb_print_listing },
};

enum { XT_SECTIONS = sizeof(xt_sections) / sizeof(xt_sections[0]), XT_HALF = 2 };

/* The rules of a chain are freed before those of the next one are made. */
static void xt_list_table(struct out *out, const struct config *config, const struct xt_section *section)
{
	struct arena arena = { 0 }, rules = { 0 };
	const struct xt_table *table = section->lower(&arena, config, section->family_mask);

	for (uint32_t i = 0; i < table->chain_count; i++) {
		struct xt_chain *chain = table->chains[i];

		out_char(out, ':');
		out_text(out, chain->name);
		out_char(out, '\n');
		xt_chain_fill(&rules, table, chain);
		for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
			xt_print_rule(out, chain, rule, table->family_mask);
			out_char(out, '\n');
		}
		arena_reset(&rules);
	}
	arena_free(&rules);
	arena_free(&arena);
}

/* The listing in two halves, each with the filter table of one family: the second is made while the first is written. */
struct xt_listing {
	const struct config *config;
	struct out *first, second;
};

static void xt_list_half(void *context, unsigned worker, unsigned n)
{
	struct xt_listing *listing = context;
	struct out *out = n ? &listing->second : listing->first;

	(void)worker;
	for (unsigned i = n ? XT_HALF : 0; i < (n ? XT_SECTIONS : XT_HALF); i++) {
		out_printf(out, "=== %s\n", xt_sections[i].title);
		if (xt_sections[i].print)
			xt_sections[i].print(out, listing->config);
		else
			xt_list_table(out, listing->config, &xt_sections[i]);
	}
}

void xt_print_listing(struct out *out, const struct config *config)
{
	struct xt_listing listing = { .config = config, .first = out };

	out_init_memory(&listing.second);
	parallel_run(2, 2, xt_list_half, &listing);
	out_bytes(out, listing.second.data, listing.second.len);
	out_free(&listing.second);
}
