/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ast.h"
#include "pipeline/pipeline.h"

#include "base/escape.h"
#include "lint/lint.h"
#include "config/left_out.h"

static bool read_inputs(struct pipeline *p)
{
	static const struct node_set *every_node;

	if (p->all_nodes)
		return inputs_load_nodes(&p->nodes, p->options, p->diags);
	p->nodes = (struct node_inputs){ .inputs = &p->only, .sets = &every_node, .count = 1 };
	return inputs_load(&p->only, p->options, p->diags);
}

/* ---- --dump ---- */

static bool is_dumped(const struct pipeline *p, const char *stage)
{
	return p->dump && strcmp(p->dump, stage) == 0;
}

/* The files of the tree in the order in which they are read. */
static void dump_files(struct pipeline *p)
{
	bool tokens = is_dumped(p, "tokens"), tree = is_dumped(p, "ast");
	struct arena arena = { 0 };
	const struct inputs *inputs = p->nodes.inputs;
	const struct input_file cluster = { .source = inputs->cluster }, host = { .source = inputs->host };
	const struct input_file *const files[FILE_KINDS] = { [FILE_CLUSTER] = &cluster,
							     [FILE_HOST] = &host,
							     [FILE_GUEST] = inputs->guest_files,
							     [FILE_VNET] = inputs->vnet_files };

	for (int kind = 0; kind < FILE_KINDS && (tokens || tree); kind++)
		for (const struct input_file *file = files[kind]; file && file->source; file = file->next) {
			out_string(p->listing, "=== ");
			/* A file's name may hold a newline, too. */
			out_escaped(p->listing, text_of(file->source->path));
			out_char(p->listing, '\n');
			if (tokens)
				tokens_dump(p->listing, file->source, (enum file_kind)kind);
			else
				ast_dump(p->listing, ast_parse(&arena, file->source, (enum file_kind)kind),
					 true);
			arena_free(&arena);
		}
}

static void dump_config(struct pipeline *p, const char *stage,
			void (*dump)(struct out *out, const struct config *config))
{
	if (is_dumped(p, stage))
		dump(p->listing, p->configs.configs[0]);
}

/* ---- the stages ---- */

bool pipeline_run(struct pipeline *p)
{
	if (!read_inputs(p))
		return false;
	if (p->left_out)
		left_out_expire(p->left_out, p->diags->map);
	for (unsigned i = 0; i < p->nodes.count; i++) {
		p->nodes.inputs[i].forwards = p->backend && p->backend->forwards;
		p->nodes.inputs[i].plain_lists = p->plain_lists;
		p->nodes.inputs[i].left_out = p->left_out;
	}
	dump_files(p);

	p->configs = compile_nodes(&p->nodes, p->diags);
	dump_config(p, "ir", config_dump);

	/* The checks of a whole tree go as far as it can be read. */
	if (p->checks && (p->all_nodes || !p->diags->unreadable)) {
		lint_run_nodes(&p->configs, &p->nodes, p->diags);
		p->diags->linted = true;
	}
	if (p->diags->unreadable)
		return false;
	if (p->backend)
		dump_config(p, "ruleset", p->backend->dump);
	return true;
}

void pipeline_end(struct pipeline *p)
{
	node_configs_free(&p->configs);
	if (p->all_nodes)
		diags_merge(p->diags);
}
