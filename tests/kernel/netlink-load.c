/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink-load [OPTION ...]: `pvefw-cc load --target netlink` with the same options,
 * for kernels that lack expressions in the bridge family (connection tracking,
 * reject, meta ibrname) and queue: leave-out.c leaves out rules with these.  --stats prints the
 * same, with the whole ruleset's own numbers of sets and rules; diagnostics of the
 * tree are not printed.
 */
#include <linux/netfilter.h>
#include <stdio.h>
#include <time.h>

#include "api/backend.h"
#include "commands/commands.h"
#include "resolve/compile.h"
#include "nft/load/kernel.h"
#include "findings/run.h"

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static int load(struct run *run, const struct config *config)
{
	struct backend_loading loading = { .arena = &run->arena,
					   .whole = run->cli->value[CLI_WHOLE] != NULL };
	int64_t begin = now();
	static const struct nft_ruleset nothing;
	const struct nft_ruleset *ruleset = run->cli->value[CLI_REMOVE] ? &nothing
									: nft_lower(&run->arena, config);
	struct nft_kernel kernel;
	bool loaded;

	loading.lower_time = now() - begin;
	if (nft_kernel_open(&kernel))
		return 2;
	loaded = nft_kernel_load(&kernel, &loading, &run->arena, ruleset, NULL);
	nft_kernel_close(&kernel);
	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		fprintf(stderr, "netlink-load: %s\n", p->text);
	if (run->cli->value[CLI_STATS])
		printf("messages %u\nsets %u\nelements %u\nchains %u\nrules %u\ndeleted %u\nbytes %zu\n"
		       "lower-ms %.3f\nread-ms %.3f\nbuild-ms %.3f\nkernel-ms %.3f\n",
		       loading.messages, loading.sets, loading.elements, loading.chains, loading.rules,
		       loading.deleted, loading.bytes, (double)loading.lower_time / 1e6,
		       (double)loading.read_time / 1e6, (double)loading.build_time / 1e6,
		       (double)loading.kernel_time / 1e6);
	return loaded ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct cli cli = { .program = &pvefw_cc, .command = COMMAND_LOAD };
	struct inputs inputs = { 0 };
	struct arena arena = { 0 };
	struct config *config;
	struct run run;
	int status;

	if (!cli_parse(&cli, &arena, argc - 1, argv + 1) || !run_begin(&run, &cli))
		return 2;
	if (!inputs_load(&inputs, &run.options, &run.diags)) {
		fprintf(stderr, "netlink-load: cannot read the tree\n");
		return 2;
	}
	config = compile(&inputs, &run.diags);
	status = load(&run, config);
	config_free(config);
	arena_free(&run.arena);
	arena_free(&arena);
	return status;
}
