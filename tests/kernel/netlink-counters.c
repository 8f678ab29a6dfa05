/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink-counters WHAT ARGUMENT [OPTION ...]: what the rules in the current network
 * namespace have counted, which are those of the tree that the options of pvefw-cc load
 * name.  WHAT is `file` (ARGUMENT: its name), `top` (how many), `json` (a file or all),
 * `zones` (-), or `zero` (the file to write the baseline to).  BASELINE in the
 * environment: such a file, to count from.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/commands.h"
#include "resolve/compile.h"
#include "findings/run.h"
#include "firewall/commands/counters_print.h"

static void read_baseline(struct counters *c)
{
	const char *path = getenv("BASELINE");
	struct source_map map;
	struct source *source;

	if (!path)
		return;
	source_map_init(&map, c->arena);
	source = source_load(&map, AT_FDCWD, path, path);
	if (!source || counters_read_baseline(c, (struct text){ source->text, source->size }))
		puts("the baseline is stale");
}

static void print_zones(struct out *out, const struct counters *c)
{
	static const char *const kinds[] = { "host", "guest", "vnet", "group" };

	for (const struct counted_zone *z = c->zones; z; z = z->hh.next)
		out_printf(out, "%s %.*s: %llu accepted, %llu dropped, %llu rejected\n", kinds[z->kind],
			   TEXT_ARG(z->name), (unsigned long long)z->outcomes[BACKEND_ACCEPTED].packets,
			   (unsigned long long)z->outcomes[BACKEND_DROPPED].packets,
			   (unsigned long long)z->outcomes[BACKEND_REJECTED].packets);
}

static int write_baseline(struct counters *c, const char *path)
{
	FILE *file = fopen(path, "w");
	struct out out;

	if (!file)
		return 2;
	counters_zero(c);
	out_init_fd(&out, fileno(file));
	counters_print_baseline(&out, c);
	out_flush(&out);
	out_free(&out);
	return fclose(file) ? 2 : 0;
}

static int answer(struct counters *c, const char *what, const char *argument)
{
	const struct counted_file *file = counters_find_file(c, text_of(argument));
	struct out out;
	int status = 0;

	if (strcmp(what, "zero") == 0)
		return write_baseline(c, argument);
	out_init_fd(&out, STDOUT_FILENO);
	if (strcmp(what, "file") == 0 && file)
		counters_print_file(&out, c, file, false);
	else if (strcmp(what, "top") == 0)
		counters_print_top(&out, c, (uint32_t)atoi(argument), true);
	else if (strcmp(what, "json") == 0)
		counters_print_json(&out, c, file);
	else if (strcmp(what, "zones") == 0)
		print_zones(&out, c);
	else
		status = 2;
	if (out_flush(&out))
		status = 2;
	out_free(&out);
	return status;
}

int main(int argc, char **argv)
{
	struct cli cli = { .program = &pvefw_cc, .command = COMMAND_LOAD };
	struct inputs inputs = { 0 };
	struct arena arena = { 0 };
	struct config *config;
	struct counters counters;
	struct run run;
	int status;

	if (argc < 3 || !cli_parse(&cli, &arena, argc - 3, argv + 3) || !run_begin(&run, &cli) ||
	    !inputs_load(&inputs, &run.options, &run.diags))
		return 2;
	inputs.forwards = true;
	config = compile(&inputs, &run.diags);
	counters_init(&counters, &run.arena, &run.map, config);
	status = counters_read(&counters, &backend_netlink);
	if (status) {
		fprintf(stderr, "netlink-counters: %s\n", strerror(status));
	} else {
		read_baseline(&counters);
		status = answer(&counters, argv[1], argv[2]);
	}
	if (counters.skipped)
		printf("skipped %u\n", counters.skipped);
	counters_free(&counters);
	config_free(config);
	arena_free(&run.arena);
	arena_free(&arena);
	return status;
}
