/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "pipeline/pipeline.h"

#include "commands/commands.h"
#include "resolve/compile.h"

const struct backend *cmd_backend(const struct cli *cli, const char *otherwise)
{
	const char *name = cli->value[CLI_TARGET] ? cli->value[CLI_TARGET] : otherwise;

	return backend_find(text_of(name));
}

bool cmd_pipeline(struct run *run, const struct backend *backend, cmd_use *use)
{
	struct inputs inputs = { 0 };
	struct config *config;
	bool done = false;

	if (!inputs_load(&inputs, &run->options, &run->diags))
		return false;
	inputs.forwards = backend->forwards;
	inputs.left_out = run->left_out;
	config = compile(&inputs, &run->diags);
	if (!run->diags.unreadable)
		done = use(run, backend, &inputs, config);
	config_free(config);
	return done;
}
