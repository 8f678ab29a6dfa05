/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as a code quality report of GitLab, the list of issues of Code Climate: what GitLab compares
 * between two branches by the fingerprints.
 */
#include "format/formats.h"
#include "format/diag_json.h"
#include "format/common.h"

static const char *const severities[] = {
	[SEVERITY_NOTE] = "info",
	[SEVERITY_WARNING] = "minor",
	[SEVERITY_ERROR] = "critical",
};

/* GitLab requires a place even for diagnostics without one. */
static json_t *location(const struct diags *diags, const struct diagnostic *d)
{
	struct extent e = diag_extent(diags, d->span);
	json_int_t begin = e.file ? e.begin.line : 1, end = e.file ? e.end.line : 1;

	return json_pack("{s:s, s:{s:I, s:I}}", "path", e.file ? diag_escaped(diags, e.file) : ".", "lines",
			 "begin", begin, "end", end);
}

static const char *description(const struct diags *diags, const struct diagnostic *d)
{
	const char *nodes = diag_nodes_text(diags, d);

	return diag_escaped(diags, nodes ? arena_printf(diags->arena, "%s (on node %s)", d->message, nodes)
					 : d->message);
}

static void gitlab_print_all(struct out *out, const struct diags *diags, bool colour)
{
	const char *const *fingerprint = diag_fingerprints(diags);
	json_t *list = json_array();

	(void)colour;
	for (const struct diagnostic *d = diags->first; d; d = d->next)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:[s], s:s, s:s, s:o}", "type", "issue", "check_name",
					diag_code(d->id).text, "description", description(diags, d),
					"categories", "Security", "severity", severities[d->severity],
					"fingerprint", *fingerprint++, "location", location(diags, d)));
	json_print(out, list);
}

const struct diag_format diag_format_gitlab = {
	.name = "gitlab",
	.text = "a code quality report for GitLab",
	.print = gitlab_print_all,
};
