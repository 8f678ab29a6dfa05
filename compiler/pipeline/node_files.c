/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node is a job.  Its files are printed into memory; then, one node at a time, written.  So there
 * are no more of them in memory than there are processors.
 */
#include "pipeline/node_files.h"

#include <pthread.h>

#include "commands/commands.h"
#include "base/atomic_files.h"
#include "base/parallel_for.h"

bool node_files_asked(const struct cli *cli, bool *valid)
{
	const char *command = cli->program->commands[cli->command].name, *path = cli->value[CLI_WRITE];

	*valid = true;
	if (!cli->value[CLI_ALL_NODES]) {
		*valid = cli_has_one_node(cli);
		return false;
	}
	*valid = false;
	/* A --node of a file does not count beside it. */
	if (cli->nodes && cli_shown(cli, CLI_NODE)[0] == '-')
		cli_error("--all-nodes and --node exclude each other");
	else if (!path)
		cli_error("%s --all-nodes needs -o DIR: it writes a folder for each node", command);
	else if (is_standard_stream(path))
		cli_error("%s --all-nodes writes a folder for each node, not to standard output", command);
	else if (cli->value[CLI_DUMP])
		cli_error("--all-nodes and --dump exclude each other");
	else
		*valid = true;
	return true;
}

struct job {
	struct run *run;
	const struct node_files *files;
	struct arena arena; /* of paths: printing can take from the run's */
	struct out_files written;
	struct out printed[PARALLEL_MOST]; /* by worker: kept, as much memory is slow to get */
	pthread_mutex_t lock; /* of `written` and the arena */
};

static void write_file(struct job *job, unsigned node, unsigned file, const struct out *printed)
{
	const char *path = arena_printf(&job->arena, "%s/%.*s/%s", job->run->cli->value[CLI_WRITE],
					TEXT_ARG(job->files->nodes->names[node]),
					job->files->name(job->files->context, file, &job->arena));
	struct out *out = out_files_open(&job->written, path);

	if (out)
		out_bytes(out, printed->data, printed->len);
}

static void make_folder(struct job *job, unsigned node)
{
	out_files_directory(&job->written,
			    arena_printf(&job->arena, "%s/%.*s", job->run->cli->value[CLI_WRITE],
					 TEXT_ARG(job->files->nodes->names[node])));
}

static void run_job(void *context, unsigned worker, unsigned node)
{
	struct job *job = context;

	for (unsigned file = 0; file < job->files->count; file++) {
		struct out *out = &job->printed[worker];
		bool printed;

		out->len = 0;
		printed = job->files->print(job->files->context, out, node, file);
		pthread_mutex_lock(&job->lock);
		if (!printed)
			job->written.failed = true;
		if (!file)
			make_folder(job, node);
		if (!job->written.failed)
			write_file(job, node, file, out);
		pthread_mutex_unlock(&job->lock);
	}
}

bool node_files_write(struct run *run, const struct node_files *files)
{
	struct job job = { .run = run, .files = files, .lock = PTHREAD_MUTEX_INITIALIZER };
	unsigned count = files->nodes->count;
	bool done;

	job.written.arena = &job.arena;
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_init_memory(&job.printed[i]);
	out_files_directory(&job.written, run->cli->value[CLI_WRITE]);
	if (!job.written.failed)
		parallel_run(parallel_workers_for_long(count), count, run_job, &job);
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_free(&job.printed[i]);
	done = out_files_commit(&job.written);
	arena_free(&job.arena);
	return done;
}
