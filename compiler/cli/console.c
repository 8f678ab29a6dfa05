/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/console.h"

#include <errno.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/escape.h"
#include "diag/suggest.h"
#include "base/atomic_files.h"

static const char *program_name = "pvefw";

void cli_set_name(const char *name)
{
	program_name = name;
}

int cli_error(const char *format, ...)
{
	struct arena arena = { 0 };
	struct out out;
	va_list args;

	va_start(args, format);
	out_init_fd(&out, STDERR_FILENO);
	out_printf(&out, "%s: ", program_name);
	out_escaped(&out, text_of(arena_vprintf(&arena, format, args)));
	out_char(&out, '\n');
	out_flush(&out);
	va_end(args);
	out_free(&out);
	arena_free(&arena);
	return EXIT_ERROR;
}

int cli_unknown(const char *what, const char *prefix, const struct suggestion *s)
{
	if (s->best.len)
		return cli_error("unknown %s `%s%.*s`; did you mean `%s%.*s`?", what, prefix,
				 TEXT_ARG(s->wanted), prefix, TEXT_ARG(s->best));
	return cli_error("unknown %s `%s%.*s`", what, prefix, TEXT_ARG(s->wanted));
}

void stdout_open(struct out *out)
{
	out_init_fd(out, STDOUT_FILENO);
}

int stdout_close(struct out *out)
{
	int reason = out_flush(out);

	out_free(out);
	return is_write_failure(reason) ? cli_error("cannot write standard output: %s", error_text(reason))
					: EXIT_CLEAN;
}

bool is_standard_stream(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

bool cli_commit_files(struct out_files *files)
{
	bool done = out_files_commit(files);

	if (!done && files->failed_path)
		cli_error("cannot write %s: %s", files->failed_path, error_text(files->reason));
	return done;
}
