/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All tables as one text (spec 6.1). */
#include "base/parallel_for.h"
#include "xtables/lower/xtables.h"

typedef struct xt_table *lower_function(struct arena *, const struct config *, unsigned);

/* ---- the listing ---- */

/* `rules` is for this chain alone. */
static void list_chain(struct out *out, struct arena *rules, const struct xt_table *table, struct xt_chain *chain)
{
	out_char(out, ':');
	out_text(out, chain->name);
	out_char(out, '\n');
	xt_chain_fill(rules, table, chain);
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		xt_print_rule(out, chain, rule, table->family_mask);
		out_char(out, '\n');
	}
	arena_reset(rules);
}

static void list_table(struct out *out, const struct config *config, lower_function *lower, unsigned family_mask)
{
	struct arena arena = { 0 }, rules = { 0 };
	const struct xt_table *table = lower(&arena, config, family_mask);

	for (uint32_t i = 0; i < table->chain_count; i++)
		list_chain(out, &rules, table, table->chains[i]);
	arena_free(&rules);
	arena_free(&arena);
}

static void list_filter4(struct out *out, const struct config *config)
{
	list_table(out, config, xt_lower_filter, IPV4);
}

static void list_filter6(struct out *out, const struct config *config)
{
	list_table(out, config, xt_lower_filter, IPV6);
}

static void list_raw4(struct out *out, const struct config *config)
{
	list_table(out, config, xt_lower_raw, IPV4);
}

static void list_raw6(struct out *out, const struct config *config)
{
	list_table(out, config, xt_lower_raw, IPV6);
}

static const struct section {
	const char *title;
	void (*print)(struct out *out, const struct config *config);
} sections[] = {
	{ "ipset", xt_print_ipsets },
	{ "iptables filter", list_filter4 },
	{ "ip6tables filter", list_filter6 },
	{ "iptables raw", list_raw4 },
	{ "ip6tables raw", list_raw6 },
	{ "ebtables filter", eb_print_listing },
};

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]), HALF = 2 };

/* The listing in two halves, of which the second is made at the same time as the
 * first is written: each has the filter table of one IP version. */
struct listing {
	const struct config *config;
	struct out *first, second;
};

static void list_half(void *context, unsigned worker, unsigned n)
{
	struct listing *listing = context;
	struct out *out = n ? &listing->second : listing->first;

	(void)worker;
	for (unsigned i = n ? HALF : 0; i < (n ? SECTIONS : HALF); i++) {
		out_printf(out, "=== %s\n", sections[i].title);
		sections[i].print(out, listing->config);
	}
}

void xt_print_listing(struct out *out, const struct config *config)
{
	struct listing listing = { .config = config, .first = out };

	out_init_memory(&listing.second);
	parallel_run(2, 2, list_half, &listing);
	out_bytes(out, listing.second.data, listing.second.len);
	out_free(&listing.second);
}
