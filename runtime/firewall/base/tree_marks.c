/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/tree_marks.h"

#include <string.h>

#include "firewall/base/rundir.h"

#define NAME "tree"

unsigned tree_marks_read(int run_dir, const char *root)
{
	uint64_t marks = 0;
	struct out text;
	const char *end;

	out_init_memory(&text);
	if (rundir_read(run_dir, NAME, &text) == 0) {
		out_char(&text, '\0');
		end = rundir_numbers(text.data, "", 1, &marks);
		if (!end || *end != ' ' || strcmp(end + 1, root) != 0)
			marks = 0;
	}
	out_free(&text);
	return (unsigned)marks;
}

void tree_marks_write(int run_dir, const char *root, unsigned marks)
{
	struct out text;

	out_init_memory(&text);
	out_printf(&text, "%u %s", marks, root);
	rundir_write(run_dir, NAME, text.data, text.len);
	out_free(&text);
}

void tree_marks_forget(int run_dir)
{
	rundir_remove(run_dir, NAME);
}
