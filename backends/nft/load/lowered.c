/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lowered rules by where they are loaded. */
#include "nft/load/kernel.h"

void nft_lowered(const struct config *config, backend_lowered_function *function, void *context)
{
	struct arena arena = { 0 };
	const struct nft_ruleset *ruleset = nft_lower(&arena, config);

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		const struct nft_table *table = ruleset->tables[i];

		for (const struct nft_chain *chain = table ? table->chains : NULL; chain; chain = chain->next) {
			struct backend_lowered lowered = {
				.family = table->family, .table = table->name, .chain = chain->name, .count = 1
			};

			for (const struct nft_rule *rule = chain->first; rule; rule = rule->next) {
				lowered.span = rule->span;
				lowered.comment = rule->comment;
				function(context, &lowered);
				lowered.position++;
			}
		}
	}
	arena_free(&arena);
}
