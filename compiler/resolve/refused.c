/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that are right by the language, but were refused when they were to be loaded. */
#include "resolve/left_out.h"
#include "resolve/resolver.h"

struct diagnostic *refused_report(struct resolver *r, struct span line, const char *fate)
{
	const struct left_out_line *found = left_out_find(r->config->left_out, r->file->source, line.begin);
	struct diagnostic *d;

	if (!found)
		return NULL;
	d = diag(r->diags, line, DIAG_REFUSED, "refused: %s", found->words);
	if (fate)
		diag_note(d, "%s", fate);
	return d;
}
