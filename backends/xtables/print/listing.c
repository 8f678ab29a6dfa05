/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables as text: the listing and the restore scripts (spec 2.12, 6.1). */
#include "api/backend.h"
#include "base/parallel_for.h"
#include "xtables/load/xt_state.h"

#include <sha1.h>

#include "diag/diag.h"

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

/* ---- restore scripts ---- */

/* For a system that has none of it. */
static void restore_table(struct out *out, const struct config *config, enum xt_table_id id)
{
	struct xt_script script = { .out = out };

	xt_script_table(&script, id, NULL, &(struct xt_goal){ .config = config });
}

static void restore_filter4(struct out *out, const struct config *config)
{
	restore_table(out, config, XT_FILTER4);
}

static void restore_filter6(struct out *out, const struct config *config)
{
	restore_table(out, config, XT_FILTER6);
}

static void restore_raw4(struct out *out, const struct config *config)
{
	restore_table(out, config, XT_RAW4);
}

static void restore_raw6(struct out *out, const struct config *config)
{
	restore_table(out, config, XT_RAW6);
}

static const struct backend_file files[] = {
	{ "ipset.restore", xt_print_ipsets },
	{ "iptables-filter.restore", restore_filter4 },
	{ "iptables-raw.restore", restore_raw4 },
	{ "ip6tables-filter.restore", restore_filter6 },
	{ "ip6tables-raw.restore", restore_raw6 },
	{ "ebtables.restore", eb_print_restore },
	{ NULL, NULL },
};

/* ---- the lowered form, for people ---- */

static void dump_table(struct out *out, const struct config *config, lower_function *lower,
		       unsigned family_mask)
{
	struct arena arena = { 0 };
	const struct xt_table *table = lower(&arena, config, family_mask);

	out_printf(out, "table %s ipv%d\n", table->name, family_mask == IPV4 ? 4 : 6);
	for (uint32_t i = 0; i < table->chain_count; i++) {
		struct xt_chain *chain = table->chains[i];

		out_printf(out, "  chain %.*s\n", TEXT_ARG(chain->name));
		xt_chain_fill(&arena, table, chain);
		for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
			struct place place = source_place(config->diags->map, rule->span.begin);

			out_string(out, "    ");
			xt_print_rule(out, chain, rule, family_mask);
			if (place.source)
				out_printf(out, "  <- %s:%u", place.source->path, place.line);
			out_char(out, '\n');
		}
	}
	arena_free(&arena);
}

static void dump(struct out *out, const struct config *config)
{
	dump_table(out, config, xt_lower_filter, IPV4);
	dump_table(out, config, xt_lower_filter, IPV6);
	dump_table(out, config, xt_lower_raw, IPV4);
	dump_table(out, config, xt_lower_raw, IPV6);
}

const struct backend backend_iptables = {
	.name = "iptables",
	.text = "iptables, ip6tables, ipset and ebtables restore scripts",
	.print = xt_print_listing,
	.files = files,
	.load = xt_load_once,
	.counters = xt_counters_once,
	.dump = dump,
};
