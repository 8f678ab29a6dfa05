/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes are worked off by a fixed set of threads.  Each prints the files of one node into memory and then
 * writes them, so that memory holds at most one file for each processor.
 */
#include "commands/node_files.h"

#include <pthread.h>

#include "base/atomic_files.h"
#include "base/parallel_for.h"
#include "commands/commands.h"

bool node_options_fit(const struct cli *cli)
{
	const char *command = cli->program->commands[cli->command].name, *path = cli->value[CLI_WRITE];

	if (!cli->value[CLI_ALL_NODES])
		return cli_has_one_node(cli);
	if (cli_names_node(cli))
		cli_error("--all-nodes and --node exclude each other");
	else if (!path)
		cli_error("%s --all-nodes needs -o DIR: it writes a directory for each node", command);
	else if (is_standard_stream(path))
		cli_error("%s --all-nodes writes a directory for each node, not to standard output", command);
	else if (cli->value[CLI_DUMP])
		cli_error("--all-nodes and --dump exclude each other");
	else
		return true;
	return false;
}

struct node_job {
	const struct node_files *files;
	const char *folder;
	struct arena arena; /* of paths: printing can take from the run's */
	struct out_files written;
	struct out printed[PARALLEL_MOST]; /* by worker: kept, as much memory is slow to get */
	pthread_mutex_t lock; /* of `written` and the arena */
};

static void write_node(void *context, unsigned worker, unsigned node)
{
	struct node_job *job = context;
	const struct node_files *files = job->files;
	struct text name = files->pipeline->nodes.names->names[node];
	struct out *printed = &job->printed[worker], *out;

	for (unsigned file = 0; files->names[file]; file++) {
		bool done;

		printed->len = 0;
		done = files->print(files->context, printed, node, file);
		pthread_mutex_lock(&job->lock);
		if (!done)
			job->written.failed = true;
		if (!file)
			out_files_directory(&job->written, arena_printf(&job->arena, "%s/%.*s", job->folder,
									TEXT_ARG(name)));
		out = out_files_open(&job->written, arena_printf(&job->arena, "%s/%.*s/%s", job->folder, TEXT_ARG(name),
								 files->names[file]));
		if (out)
			out_bytes(out, printed->data, printed->len);
		pthread_mutex_unlock(&job->lock);
	}
}

bool node_files_write(struct run *run, const struct node_files *files)
{
	struct node_job job = { .files = files,
				.folder = run->cli->value[CLI_WRITE],
				.lock = PTHREAD_MUTEX_INITIALIZER };
	unsigned count = files->pipeline->nodes.names->count;
	bool done;

	if (!files->pipeline->nodes.listed) {
		cli_error("%s has no directory in nodes/: there is no node to %s", files->pipeline->nodes.inputs[0].root,
			  files->purpose);
		return false;
	}
	job.written.arena = &job.arena;
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_init_memory(&job.printed[i]);
	out_files_directory(&job.written, job.folder);
	if (!job.written.failed)
		parallel_run(parallel_workers_for_long(count), count, write_node, &job);
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_free(&job.printed[i]);
	done = cli_commit_files(&job.written);
	arena_free(&job.arena);
	return done;
}
