/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc compile: the pipeline from a tree to what a backend makes of it.
 *
 * Input that cannot be read yields no output at all: half a ruleset would leave
 * holes.  Lines that are wrong yield diagnostics, and the ruleset without them.
 */
#include "pipeline/pipeline.h"
#include "commands/commands.h"
#include "resolve/compile.h"
#include "pipeline/lint_config.h"
#include "pipeline/node_files.h"
#include "base/atomic_files.h"
#include "base/text_memo.h"
#include "base/escape.h"

/* The file kinds of a tree in the order in which they are read. */
static void for_each_file(const struct inputs *inputs, struct out *out,
			  void (*dump)(struct out *out, struct source *source, enum file_kind kind))
{
	if (inputs->cluster)
		dump(out, inputs->cluster, FILE_CLUSTER);
	if (inputs->host)
		dump(out, inputs->host, FILE_HOST);
	for (const struct input_file *file = inputs->guest_files; file; file = file->next)
		dump(out, file->source, FILE_GUEST);
	for (const struct input_file *file = inputs->vnet_files; file; file = file->next)
		dump(out, file->source, FILE_VNET);
}

/* A file's name may hold a newline, too. */
static void dump_path(struct out *out, const struct source *source)
{
	out_string(out, "=== ");
	out_escaped(out, text_of(source->path));
	out_char(out, '\n');
}

static void dump_tokens(struct out *out, struct source *source, enum file_kind kind)
{
	dump_path(out, source);
	tokens_dump(out, source, kind);
}

static void dump_ast(struct out *out, struct source *source, enum file_kind kind)
{
	struct arena arena = { 0 };

	dump_path(out, source);
	ast_dump(out, ast_parse(&arena, source, kind), true);
	arena_free(&arena);
}

/* -o: the backend's files, or its one text. */
static bool write_files(struct run *run, const struct backend *backend, const struct config *config,
			const char *path)
{
	struct out_files files = { .arena = &run->arena };
	const struct backend_file *file = backend->files;
	struct out *out;

	if (!file) {
		out = out_files_open(&files, path);
		if (out)
			(backend->write ? backend->write : backend->print)(out, config);
		return out_files_commit(&files);
	}
	out_files_directory(&files, path);
	for (; file->name; file++) {
		out = out_files_open(&files, arena_printf(&run->arena, "%s/%s", path, file->name));
		if (out)
			file->print(out, config);
	}
	return out_files_commit(&files);
}

static void dump_stage(struct out *out, const char *stage, const struct backend *backend, const struct inputs *inputs,
		       const struct config *config)
{
	if (strcmp(stage, "tokens") == 0)
		for_each_file(inputs, out, dump_tokens);
	else if (strcmp(stage, "ast") == 0)
		for_each_file(inputs, out, dump_ast);
	else if (strcmp(stage, "ir") == 0)
		config_dump(out, config);
	else
		backend->dump(out, config);
}

/* Tabs at the beginning are the layout of a target's listing; all else may be a file's. */
static void print_dump_line(struct out *out, struct text line)
{
	while (line.len && line.ptr[0] == '\t') {
		out_char(out, '\t');
		line = (struct text){ line.ptr + 1, line.len - 1 };
	}
	out_escaped(out, line);
	out_char(out, '\n');
}

/* A listing is for people: whatever words of the files are in it, they are escaped here. */
static void print_dump(struct out *out, const char *stage, const struct backend *backend, const struct inputs *inputs,
		       const struct config *config)
{
	struct out listing;

	out_init_memory(&listing);
	dump_stage(&listing, stage, backend, inputs, config);
	for (const char *at = listing.data, *end; at && (end = memchr(at, '\n', listing.len - (size_t)(at - listing.data)));
	     at = end + 1)
		print_dump_line(out, (struct text){ at, (uint32_t)(end - at) });
	out_free(&listing);
}

static bool print(const struct run *run, const struct backend *backend, const struct inputs *inputs,
		  const struct config *config)
{
	const char *stage = run->cli->value[CLI_DUMP];
	struct out out;

	stdout_open(&out);
	if (stage)
		print_dump(&out, stage, backend, inputs, config);
	else
		backend->print(&out, config);
	return stdout_close(&out) == EXIT_CLEAN;
}

static bool use(struct run *run, const struct backend *backend, const struct inputs *inputs,
		const struct config *config)
{
	const char *path = run->cli->value[CLI_WRITE];

	return path && !is_standard_stream(path) && !run->cli->value[CLI_DUMP] ? write_files(run, backend, config, path)
						  : print(run, backend, inputs, config);
}

/* ---- all nodes ---- */

struct all_nodes {
	struct run *run;
	const struct backend *backend;
	struct node_configs configs;
};

static const char *file_name(void *context, unsigned file, struct arena *arena)
{
	const struct all_nodes *all = context;

	return all->backend->files ? all->backend->files[file].name
				   : arena_printf(arena, "ruleset.%s", all->backend->name);
}

static bool print_node(void *context, struct out *out, unsigned node, unsigned file)
{
	const struct all_nodes *all = context;
	const struct backend *backend = all->backend;
	const struct config *config = all->configs.configs[node];

	if (backend->files)
		backend->files[file].print(out, config);
	else
		(backend->write ? backend->write : backend->print)(out, config);
	return true;
}

static bool write_nodes(struct all_nodes *all, const struct node_names *names)
{
	struct node_files files = { .nodes = names, .count = 1, .name = file_name, .print = print_node, .context = all };
	struct text_memo *memo = text_memo_new();
	bool done;

	for (unsigned i = 0; i < all->configs.count; i++)
		all->configs.configs[i]->memo = memo;
	while (all->backend->files && all->backend->files[files.count].name)
		files.count++;
	done = node_files_write(all->run, &files);
	text_memo_free(memo);
	return done;
}

static bool compile_all(struct run *run, const struct backend *backend)
{
	struct all_nodes all = { .run = run, .backend = backend };
	struct node_inputs nodes;
	bool done = false;

	run->options.nodes = NULL;
	if (inputs_load_nodes(&nodes, &run->options, &run->diags)) {
		for (unsigned i = 0; i < nodes.count; i++)
			nodes.inputs[i].forwards = backend->forwards;
		all.configs = compile_nodes(&nodes, &run->diags);
		if (!nodes.listed)
			cli_error("%s has no folder in nodes/, and so no node to compile for", nodes.inputs[0].root);
		else if (!run->diags.unreadable)
			done = write_nodes(&all, nodes.names);
		node_configs_free(&all.configs);
	}
	diags_merge(&run->diags);
	return done;
}

static int run_compile(const struct cli *cli)
{
	const struct backend *backend = cmd_backend(cli, backends[0]->name);
	bool all, valid;
	struct run run;

	if (!backend)
		return EXIT_ERROR;
	all = node_files_asked(cli, &valid);
	if (!valid || !cli_may_write(cli, CLI_WRITE))
		return EXIT_ERROR;
	if (cli->operand_count)
		return cli_error("compile takes no operand; --root names the tree");
	if (run_begin(&run, cli) && !(all ? compile_all(&run, backend) : cmd_pipeline(&run, backend, use)))
		run.failed = true;
	return run_end(&run);
}

int cmd_compile(const struct cli *cli)
{
	return lint_config_run(cli, run_compile);
}
