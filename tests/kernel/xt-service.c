/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xt-service [OPTION ...]: loads the iptables target as a service does, which remembers what is loaded.
 *
 * Options are those of `pvefw-cc load`. Commands are lines of standard input:
 *
 *   load ROOT      compiles and loads a tree; prints what --stats of pvefw-cc load does, and `stale 0|1`
 *                  as it was before
 *   remove         takes all away
 *   forget         forgets what is known
 *   counters ROOT  prints `FILE:LINE PACKETS BYTES` for each rule that comes from a line, then `skipped N`
 *   zero           sets counters to zero
 *
 * After each comes a line `ok`, or `failed` behind the problems.
 */
#include <stdio.h>

#include "commands/commands.h"
#include "resolve/compile.h"
#include "findings/run.h"
#include "xtables/load/xt_load.h"

static double milliseconds(int64_t nanoseconds)
{
	return (double)nanoseconds / 1e6;
}

static void print_stats(const struct backend_loading *l, bool stale)
{
	printf("stale %d\nmessages %u\nsets %u\nelements %u\nchains %u\nrules %u\ndeleted %u\nbytes %zu\n",
	       stale, l->messages, l->sets, l->elements, l->chains, l->rules, l->deleted, l->bytes);
	printf("lower-ms %.3f\nread-ms %.3f\nbuild-ms %.3f\nkernel-ms %.3f\n", milliseconds(l->lower_time),
	       milliseconds(l->read_time), milliseconds(l->build_time), milliseconds(l->kernel_time));
}

static void print_count(void *context, const struct backend_count *count)
{
	(void)context;
	if (count->line)
		printf("%s:%u", count->source->path, count->line);
	else
		printf("%s:%.*s", count->source->path, TEXT_ARG(count->option));
	printf(" %llu %llu\n", (unsigned long long)count->packets, (unsigned long long)count->bytes);
}

static bool act(struct run *run, struct backend_session *session, char command, const struct config *config)
{
	struct backend_loading loading = { .arena = &run->arena,
					   .whole = run->cli->value[CLI_WHOLE] != NULL };
	bool stale = xt_is_stale(session), done;
	uint32_t skipped;

	if (command == 'c') {
		done = xt_counters(config, print_count, run, &skipped) == 0;
		printf("skipped %u\n", skipped);
	} else if (command == 'z') {
		done = xt_counters_zero(&loading);
	} else {
		done = xt_load(session, &loading, config);
		print_stats(&loading, stale);
	}
	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		printf("problem %s\n", p->text);
	return done;
}

static bool obey(struct cli *cli, struct backend_session *session, char command, const char *root)
{
	struct inputs inputs = { 0 };
	struct config *config;
	struct run run;
	bool done;

	if (*root)
		cli->value[CLI_ROOT] = root;
	if (!run_begin(&run, cli))
		return false;
	if (!*root) {
		done = act(&run, session, command, NULL);
	} else if (inputs_load(&inputs, &run.options, &run.diags)) {
		config = compile(&inputs, &run.diags);
		done = act(&run, session, command, config);
		config_free(config);
	} else {
		done = false;
	}
	arena_free(&run.arena);
	return done;
}

int main(int argc, char **argv)
{
	struct cli cli = { .program = &pvefw_cc, .command = COMMAND_LOAD };
	struct backend_session *session = backend_iptables.open(&backend_iptables);
	struct arena arena = { 0 };
	char line[4096];

	if (!cli_parse(&cli, &arena, argc - 1, argv + 1))
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		char *root = line + strcspn(line, " \n");
		bool done = true;

		if (*root)
			*root++ = '\0';
		root[strcspn(root, "\n")] = '\0';
		if (strcmp(line, "forget") == 0)
			xt_forget(session);
		else
			done = obey(&cli, session, line[0], root);
		puts(done ? "ok" : "failed");
		fflush(stdout);
	}
	xt_close(session);
	arena_free(&arena);
	return 0;
}
