/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iptables backend: its printer and its loader. */
#include "diag/diag.h"
#include "xtables/load/xt_state.h"
#include "base/xmalloc.h"

/* ---- restore scripts, for a system that has none of it ---- */

static void restore_table(struct out *out, const struct config *config, enum xt_table_id id)
{
	struct xt_script script = { .out = out };

	xt_script_table(&script, id, NULL, &(struct xt_desired){ .config = config });
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

static void restore_bridge(struct out *out, const struct config *config)
{
	struct xt_script script = { .out = out };

	xt_script_bridge(&script, NULL, &(struct xt_desired){ .config = config });
}

static const struct backend_file restore_files[] = {
	{ "ipset.restore", xt_print_ipsets },
	{ "iptables-filter.restore", restore_filter4 },
	{ "iptables-raw.restore", restore_raw4 },
	{ "ip6tables-filter.restore", restore_filter6 },
	{ "ip6tables-raw.restore", restore_raw6 },
	{ "ebtables.restore", restore_bridge },
	{ NULL, NULL },
};

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

static struct backend_session *xt_open(void)
{
	struct xt_session *s = xcalloc(1, sizeof(*s));

	s->base.backend = &backend_iptables;
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
	.list = xt_print_listing,
	.dump = xt_dump,
	.open = xt_open,
	.close = xt_close,
	.forget = xt_forget,
	.load = xt_load,
	.load_guest = xt_load_guest,
	.differs = xt_differs,
	.is_in_force = xt_is_in_force,
	.is_absent = xt_is_absent,
	.is_stale = xt_is_stale,
	.has_changed = xt_has_changed,
	.counters = xt_counters,
};
