/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend that prints the ruleset as a script for nft, and loads that. */
#include "nft/load/kernel.h"

static void nft_print_config(struct out *out, const struct config *config)
{
	struct arena arena = { 0 };

	nft_print(out, nft_lower(&arena, config));
	arena_free(&arena);
}

const struct backend backend_nft = {
	.name = "nft",
	.text = "a script for nft that replaces the tables `inet pvefw` and `bridge pvefw`",
	.forwards = true,
	.print = nft_print_config,
	.dump = nft_print_config,
	.load = nft_script_load,
	.counters = nft_counters,
};
