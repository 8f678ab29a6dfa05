/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines with characters that the language does not allow. */
#ifndef PVEFW_ENCODING_H
#define PVEFW_ENCODING_H

#include "ast.h"
#include "diag/diag.h"

struct lost_lines {
	struct span *spans; /* in the order of the file */
	uint32_t count, room;
	bool odd; /* some of them for their characters */
};

/*
 * Reports CRLF ends, NULs, control and non-ASCII characters and invalid UTF-8. Returns the lines that are
 * ignored because of them.
 */
struct lost_lines *encoding_check(struct arena *arena, struct diags *diags, const struct ast_file *file);
bool encoding_lost_line(const struct lost_lines *lost, struct span line);
/* Whether `span` has a character that the language does not allow. */
bool encoding_odd(const struct source *source, struct span span);

/* Whether a line is ignored: hardly any file has such lines. */
static inline bool encoding_lost(const struct lost_lines *lost, struct span line)
{
	return lost->count && encoding_lost_line(lost, line);
}

#endif
