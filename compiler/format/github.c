/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a change:
 *
 *     ::error file=firewall/100.fw,line=14,endLine=14,col=25,endColumn=33,title=E0203 unknown-alias::...
 *
 * A percent sign and ends of lines are escaped; in properties colons and commas, too.
 */
#include "format/formats.h"
#include "format/common.h"

static void escaped(struct out *out, const char *text, const char *special)
{
	for (; *text; text++)
		if (strchr(special, *text))
			out_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
		else
			out_char(out, *text);
}

static void property(struct out *out, const struct diags *diags, const char *text)
{
	escaped(out, diag_escaped(diags, text), "%\r\n:,");
}

static void annotation(struct out *out, const struct diags *diags, const struct diagnostic *d)
{
	struct extent e = diag_extent(diags, d->span);

	out_printf(out, "::%s ", d->severity == SEVERITY_NOTE ? "notice" : severity_name(d->severity));
	if (e.file) {
		out_string(out, "file=");
		property(out, diags, e.file);
		out_printf(out, ",line=%u,endLine=%u,col=%u,endColumn=%u,", e.begin.line, e.end.line,
			   e.begin.column, e.end.column);
	}
	out_printf(out, "title=%s ", diag_code(d->id).text);
	property(out, diags, diag_catalogue[d->id].name);
	out_string(out, "::");
	escaped(out, diag_whole_message(diags, d), "%\r\n");
	out_char(out, '\n');
}

static void github_print_all(struct out *out, const struct diags *diags, bool colour)
{
	(void)colour;
	for (const struct diagnostic *d = diags->first; d; d = d->next)
		annotation(out, diags, d);
}

const struct diag_format diag_format_github = {
	.name = "github",
	.text = "annotations for GitHub Actions",
	.print = github_print_all,
};
