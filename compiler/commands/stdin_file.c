/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/stdin_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/real_path.h"
#include "commands/commands.h"

static int count_operands(const struct cli *cli)
{
	int count = 0;

	for (int i = 0; i < cli->operand_count; i++)
		count += is_standard_stream(cli->operands[i]);
	return count;
}

bool stdin_file_check(const struct cli *cli)
{
	const char *name = cli->value[CLI_STDIN_FILENAME];
	int count = count_operands(cli);

	if (count > 1)
		cli_error("standard input (-) can only be read once");
	else if (!count && name)
		cli_error("--stdin-filename needs the operand -, which is missing");
	else if (name && !name[0])
		cli_error("--stdin-filename: the name is empty");
	else if (count && !name && !cli->value[CLI_KIND])
		cli_error(
			"cannot tell what kind of file standard input is; use --stdin-filename NAME or --kind");
	else if (count && cli->value[CLI_WATCH])
		cli_error("standard input cannot be watched");
	else if (count && (cli->value[CLI_FIX] || cli->value[CLI_IN_PLACE]))
		cli_error("standard input cannot be written to; use --diff instead of %s",
			  cli->value[CLI_FIX] ? "--fix" : "--write");
	else
		return true;
	return false;
}

/* 0 at the end, or an errno. */
static int read_all(struct out *bytes)
{
	char piece[1 << 16];
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		struct pollfd ready = { STDIN_FILENO, POLLIN, 0 };

		if (n > 0)
			out_bytes(bytes, piece, (size_t)n);
		else if (errno == EAGAIN)
			poll(&ready, 1, -1);
		else if (errno != EINTR)
			return errno;
	}
	return 0;
}

void stdin_file_open(struct stdin_file *file, struct run *run)
{
	const char *name = run->cli->value[CLI_STDIN_FILENAME];
	struct out bytes;

	*file = (struct stdin_file){ .is_used = count_operands(run->cli) > 0, .shown = name ? name : "<stdin>" };
	if (!file->is_used)
		return;
	out_init_memory(&bytes);
	file->reason = read_all(&bytes);
	file->buffer.size = bytes.len;
	file->buffer.bytes = arena_alloc(&run->arena, bytes.len + 1);
	if (bytes.len)
		memcpy(file->buffer.bytes, bytes.data, bytes.len);
	out_free(&bytes);
	if (name) {
		file->buffer.place = place_of(&run->arena, name);
		file->buffer.target = place_of_target(&run->arena, name);
	}
	run->map.buffer = &file->buffer;
}

const struct source_overlay *stdin_file_overlay(struct stdin_file *file, struct arena *arena, const char *root)
{
	const char *folder = place_of_target(arena, root);
	const char *path = folder && file->buffer.place ? place_below(folder, file->buffer.place) : NULL;

	if (!path && folder && file->buffer.target)
		path = place_below(folder, file->buffer.target);
	if (!path || file->reason || file->buffer.size > UINT32_MAX)
		return NULL;
	file->file = (struct overlay_file){ path, file->buffer.bytes, (uint32_t)file->buffer.size };
	file->overlay = (struct source_overlay){ .files = &file->file, .count = 1 };
	return &file->overlay;
}
