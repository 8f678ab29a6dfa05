/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc compile: the pipeline from a tree to what a backend prints of it.
 *
 * Input that cannot be read yields no output at all: half a ruleset would leave holes.  Lines that are wrong yield
 * diagnostics, and the ruleset without them.
 */
#include "base/atomic_files.h"
#include "base/escape.h"
#include "base/text_memo.h"
#include "commands/commands.h"
#include "commands/lint_config.h"
#include "commands/node_files.h"

/* What goes into a file that gets all of a ruleset. */
static void print_ruleset(struct out *out, const struct backend *backend, const struct config *config)
{
	(backend->write ? backend->write : backend->print)(out, config);
}

/* -o of one node: the backend's files, or its one text. */
static bool write_files(struct run *run, const struct pipeline *p, const char *path)
{
	struct out_files files = { .arena = &run->arena };
	const char *const *names = p->backend->files;
	struct out *out;

	if (names)
		out_files_directory(&files, path);
	else if ((out = out_files_open(&files, path)))
		print_ruleset(out, p->backend, p->configs.configs[0]);
	for (unsigned i = 0; names && names[i]; i++) {
		out = out_files_open(&files, arena_printf(&run->arena, "%s/%s", path, names[i]));
		if (out)
			p->backend->print_file(out, p->configs.configs[0], i);
	}
	return cli_commit_files(&files);
}

/* The listing of --dump is for people: all that can be a file's is escaped, which tabs at the beginning are not. */
static void print_dump(struct out *out, struct text listing)
{
	struct text line;

	while (text_next_line(&listing, &line)) {
		for (; line.len && line.ptr[0] == '\t'; line = text_skip(line, 1))
			out_char(out, '\t');
		out_escaped(out, line);
		out_char(out, '\n');
	}
}

static bool print_to_stdout(const struct pipeline *p)
{
	struct out out;

	stdout_open(&out);
	if (p->dump)
		print_dump(&out, (struct text){ p->listing->data, (uint32_t)p->listing->len });
	else
		p->backend->print(&out, p->configs.configs[0]);
	return stdout_close(&out) == EXIT_CLEAN;
}

static bool print_node(void *context, struct out *out, unsigned node, unsigned file)
{
	const struct pipeline *p = context;
	const struct config *config = p->configs.configs[node];

	if (p->backend->files)
		p->backend->print_file(out, config, file);
	else
		print_ruleset(out, p->backend, config);
	return true;
}

/* -o of all nodes. */
static bool write_nodes(struct run *run, struct pipeline *p)
{
	const char *const *names = p->backend->files;
	struct text_memo *memo = text_memo_new();
	struct node_files files = { p, "compile for", NULL, print_node, p };
	unsigned count = 0;
	bool done;

	while (names && names[count])
		count++;
	files.names = ARENA_ARRAY(&run->arena, const char *, count + 2);
	if (!names)
		files.names[0] = arena_printf(&run->arena, "ruleset.%s", p->backend->name);
	for (unsigned i = 0; i < count; i++)
		files.names[i] = names[i];
	for (unsigned i = 0; i < p->configs.count; i++)
		p->configs.configs[i]->memo = memo;
	done = node_files_write(run, &files);
	text_memo_free(memo);
	return done;
}

static bool compile_command(struct run *run, const struct backend *backend, struct out *listing)
{
	const char *const *value = run->cli->value;
	struct input_options options = run->options;
	struct pipeline p = { .options = &options, .diags = &run->diags, .backend = backend, .dump = value[CLI_DUMP],
			      .all_nodes = value[CLI_ALL_NODES] != NULL, .plain_lists = value[CLI_NO_OPTIMIZE] != NULL,
			      .listing = listing };
	bool done;

	if (p.all_nodes)
		options.nodes = NULL;
	done = pipeline_run(&p);
	if (done && p.all_nodes)
		done = write_nodes(run, &p);
	else if (done && value[CLI_WRITE] && !is_standard_stream(value[CLI_WRITE]) && !p.dump)
		done = write_files(run, &p, value[CLI_WRITE]);
	else if (done)
		done = print_to_stdout(&p);
	pipeline_end(&p);
	return done;
}

static int run_compile(const struct cli *cli)
{
	const char *target = cli->value[CLI_TARGET];
	struct out listing;
	struct run run;

	if (!node_options_fit(cli) || !cli_may_write(cli, CLI_WRITE))
		return EXIT_ERROR;
	if (cli->operand_count)
		return cli_error("compile does not take an operand; use --root for the tree");
	out_init_memory(&listing);
	if (run_begin(&run, cli) &&
	    !compile_command(&run, target ? backend_find(text_of(target)) : backends[0], &listing))
		run.failed = true;
	out_free(&listing);
	return run_end(&run);
}

int cmd_compile(const struct cli *cli)
{
	return lint_config_run(cli, run_compile);
}
