/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of ebtables as text. */
#include "xtables/lower/xtables.h"

void eb_print_rules(struct out *out, const struct eb_chain *chain)
{
	for (const struct eb_rule *rule = chain->first; rule; rule = rule->next) {
		out_string(out, "-A ");
		out_text(out, chain->name);
		out_char(out, ' ');
		out_text(out, rule->text);
		out_char(out, '\n');
	}
}

void eb_print_listing(struct out *out, const struct config *config)
{
	struct eb_table t;

	eb_lower(&t, config);
	for (uint32_t i = 0; i < t.count; i++) {
		out_char(out, ':');
		out_text(out, t.chains[i].name);
		out_char(out, '\n');
		eb_print_rules(out, &t.chains[i]);
	}
	arena_free(&t.arena);
}
