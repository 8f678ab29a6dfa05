/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iptables backend: its printer and its loader. */
#include "diag/diag.h"
#include "xtables/load/xt_state.h"
#include "xtables/meaning/xt_meaning.h"
#include "base/xmalloc.h"

/* ---- restore scripts, for a system that has none of it ---- */

enum restore_file { RESTORE_SETS, RESTORE_FILTER4, RESTORE_RAW4, RESTORE_FILTER6, RESTORE_RAW6, RESTORE_BRIDGE };

static const char *const restore_files[] = {
	[RESTORE_SETS] = "ipset.restore",
	[RESTORE_FILTER4] = "iptables-filter.restore",
	[RESTORE_RAW4] = "iptables-raw.restore",
	[RESTORE_FILTER6] = "ip6tables-filter.restore",
	[RESTORE_RAW6] = "ip6tables-raw.restore",
	[RESTORE_BRIDGE] = "ebtables.restore",
	NULL,
};

static void xt_print_file(struct out *out, const struct config *config, unsigned file)
{
	static const enum xt_table_id tables[] = {
		[RESTORE_FILTER4] = XT_FILTER4,
		[RESTORE_RAW4] = XT_RAW4,
		[RESTORE_FILTER6] = XT_FILTER6,
		[RESTORE_RAW6] = XT_RAW6,
	};
	const struct xt_desired desired = { .config = config };
	struct xt_script script = { .out = out };

	if (file == RESTORE_SETS)
		xt_print_ipsets(out, config);
	else if (file == RESTORE_BRIDGE)
		xt_script_bridge(&script, NULL, &desired);
	else
		xt_script_table(&script, tables[file], NULL, &desired);
}

/* ---- the lowered form, for people ---- */

static void xt_dump(struct out *out, const struct config *config)
{
	for (const struct xt_table_row *row = xt_table_rows; row < xt_table_rows + XT_TABLES; row++) {
		struct arena arena = { 0 };
		const struct xt_table *table = row->lower(&arena, config, row->family_mask);

		out_printf(out, "table %s ipv%d\n", table->name, row->family_mask == IPV4 ? 4 : 6);
		for (uint32_t i = 0; i < table->chain_count; i++) {
			struct xt_chain *chain = table->chains[i];

			out_printf(out, "  chain %.*s\n", TEXT_ARG(chain->name));
			xt_chain_fill(&arena, table, chain);
			for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
				struct place place = source_place(config->diags->map, rule->span.begin);

				out_string(out, "    ");
				xt_print_rule(out, chain, rule, row->family_mask);
				if (place.source)
					out_printf(out, "  <- %s:%u", place.source->path, place.line);
				out_char(out, '\n');
			}
		}
		arena_free(&arena);
	}
}

static struct backend_session *xt_open(const struct backend *backend)
{
	struct xt_session *s = xcalloc(1, sizeof(*s));

	s->base.backend = backend;
	xt_bridge_free(&s->loaded.bridge);
	return &s->base;
}

const struct backend backend_iptables = {
	.name = "iptables",
	.text = "iptables, ip6tables, ipset and ebtables restore scripts",
	.target = "iptables",
	.needs_bridge_calls = true,
	.layers = 1u << LAYER_SETS | 1u << LAYER_EBTABLES | 1u << LAYER_IP6TABLES | 1u << LAYER_RAW | 1u << LAYER_NFLOG,
	.print = xt_print_listing,
	.files = restore_files,
	.print_file = xt_print_file,
	.list = xt_print_listing,
	.dump = xt_dump,
	.meaning = xt_meaning,
	.lowered = xt_lowered,
	.open = xt_open,
	.close = xt_close,
	.forget = xt_forget,
	.load = xt_load,
	.load_guests = xt_load_guests,
	.tidy = xt_tidy,
	.differs = xt_differs,
	.is_in_force = xt_is_in_force,
	.is_absent = xt_is_absent,
	.is_stale = xt_is_stale,
	.has_changed = xt_has_changed,
	.counters = xt_counters,
};
