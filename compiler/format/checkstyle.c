/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as a report of Checkstyle, which many collectors of findings read: a list of files, and for
 * each what was found in it.
 */
#include "format/formats.h"
#include "format/common.h"
#include "base/xml_writer.h"

static const char *const severities[] = {
	[SEVERITY_NOTE] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static void error(struct xml_out *xml, const struct diags *diags, const struct diagnostic *d)
{
	struct extent e = diag_extent(diags, d->span);
	const char *source = arena_printf(diags->arena, "pvefw.%s.%s", diag_code(d->id).text,
					  diag_catalogue[d->id].name);

	xml_open(xml, "error");
	xml_number(xml, "line", e.file ? e.begin.line : 1);
	xml_number(xml, "column", e.file ? e.begin.column : 1);
	xml_attribute(xml, "severity", severities[d->severity]);
	xml_attribute(xml, "message", diag_whole_message(diags, d));
	xml_attribute(xml, "source", source);
	xml_close(xml);
}

/* They come by file. */
static void checkstyle_print_all(struct out *out, const struct diags *diags, bool colour)
{
	const struct diagnostic *d = diags->first;
	struct xml_out xml;

	(void)colour;
	xml_begin(&xml, out);
	xml_open(&xml, "checkstyle");
	xml_attribute(&xml, "version", "8.0");
	while (d) {
		const struct source *source = source_find(diags->map, d->span.begin);

		xml_open(&xml, "file");
		xml_attribute(&xml, "name", source ? diag_escaped(diags, diag_file(diags, source)) : ".");
		for (; d && source_find(diags->map, d->span.begin) == source; d = d->next)
			error(&xml, diags, d);
		xml_close(&xml);
	}
	xml_close(&xml);
	xml_end(&xml);
}

const struct diag_format diag_format_checkstyle = {
	.name = "checkstyle",
	.text = "XML in the format of Checkstyle",
	.print = checkstyle_print_all,
};
