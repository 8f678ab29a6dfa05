/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as compilers print them, one line each, which editors and most other programs can read:
 *
 *     firewall/100.fw:14:25: error: no alias named `webservr` [E0203]
 *
 * What is about no place in a file has the program's name in front.
 */
#include "format/formats.h"
#include "format/common.h"
#include "base/escape.h"

static void gcc_print_all(struct out *out, const struct diags *diags, bool colour)
{
	(void)colour;
	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		struct extent e = diag_extent(diags, d->span);
		const char *nodes = diag_nodes_text(diags, d);

		out_escaped(out, text_of(e.file ? e.file : "pvefw"));
		if (e.file)
			out_printf(out, ":%u:%u", e.begin.line, e.begin.column);
		out_printf(out, ": %s: ", severity_name(d->severity));
		out_escaped(out, text_of(d->message));
		if (nodes) {
			out_string(out, " (on node ");
			out_escaped(out, text_of(nodes));
			out_char(out, ')');
		}
		out_printf(out, " [%s]\n", diag_code(d->id).text);
	}
}

const struct diag_format diag_format_gcc = {
	.name = "gcc",
	.text = "one line per diagnostic, for editors",
	.print = gcc_print_all,
};
