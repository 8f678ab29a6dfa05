/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as XML of our own, with all that is known; pvefw-diagnostics.rng beside this file is its
 * schema. A place is the same as in JSON (see diag_json.c).
 */
#include "format/formats.h"
#include "format/common.h"
#include "format/diag_xml.h"

static void place(struct xml_out *xml, const struct diags *diags, struct span span)
{
	struct extent e = diag_extent(diags, span);

	if (!e.file)
		return;
	xml_attribute(xml, "file", diag_escaped(diags, e.file));
	xml_number(xml, "byte", e.first_byte);
	xml_number(xml, "line", e.begin.line);
	xml_number(xml, "column", e.begin.column);
	xml_number(xml, "column16", e.begin.column16);
	xml_number(xml, "end-byte", e.end_byte);
	xml_number(xml, "end-line", e.end.line);
	xml_number(xml, "end-column", e.end.column);
	xml_number(xml, "end-column16", e.end.column16);
}

static void placed(struct xml_out *xml, const struct diags *diags, const char *name, struct span span,
		   const char *text)
{
	xml_open(xml, name);
	place(xml, diags, span);
	xml_text(xml, text);
	xml_close(xml);
}

static void part(struct xml_out *xml, const struct diags *diags, const struct diag_part *p)
{
	if (diag_is_note(diags, p))
		xml_element(xml, "note", diag_escaped(diags, p->text));
	else if (p->kind == DIAG_HELP)
		xml_element(xml, "help", diag_escaped(diags, p->text));
	else if (p->kind == DIAG_LABEL)
		placed(xml, diags, "label", p->span, diag_escaped(diags, p->text));
}

static void fix(struct xml_out *xml, const struct diags *diags, const struct diagnostic *d)
{
	enum diag_fix_kind kind = diag_fix_kind(diags, d);

	if (kind == FIX_NONE)
		return;
	xml_open(xml, "fix");
	xml_attribute(xml, "certain", kind == FIX_CERTAIN ? "true" : "false");
	for (const struct diag_part *p = d->parts; p; p = p->next)
		if (p->kind == DIAG_FIX)
			placed(xml, diags, "edit", p->span, p->text);
	xml_close(xml);
}

static void xml_diagnostic(struct xml_out *xml, const struct diags *diags, const struct diagnostic *d,
			   const char *fingerprint)
{
	xml_open(xml, "diagnostic");
	xml_attribute(xml, "id", diag_code(d->id).text);
	xml_attribute(xml, "name", diag_catalogue[d->id].name);
	xml_attribute(xml, "severity", severity_name(d->severity));
	xml_attribute(xml, "fingerprint", fingerprint);
	place(xml, diags, d->span);
	xml_element(xml, "message", diag_escaped(diags, d->message));
	if (d->label)
		xml_element(xml, "here", diag_escaped(diags, d->label));
	for (unsigned i = 0; d->nodes && i < d->nodes->of->count; i++)
		if (node_set_has(d->nodes, i))
			xml_element(xml, "node", diag_escaped(diags, d->nodes->of->names[i].ptr));
	for (const struct diag_part *p = d->parts; p; p = p->next)
		part(xml, diags, p);
	fix(xml, diags, d);
	xml_close(xml);
}

void diag_xml_list(struct xml_out *xml, const struct diags *diags)
{
	const char *const *fingerprint = diag_fingerprints(diags);

	xml_open(xml, "diagnostics");
	xml_attribute(xml, "xmlns", "urn:pvefw:diagnostics:1");
	xml_attribute(xml, "valid", diags->counts[SEVERITY_ERROR] ? "false" : "true");
	xml_number(xml, "errors", diags->counts[SEVERITY_ERROR]);
	xml_number(xml, "warnings", diags->counts[SEVERITY_WARNING]);
	xml_number(xml, "notes", diags->counts[SEVERITY_NOTE]);
	if (diags->not_shown)
		xml_number(xml, "not_shown", diags->not_shown);
	for (const struct diagnostic *d = diags->first; d; d = d->next)
		xml_diagnostic(xml, diags, d, *fingerprint++);
	xml_close(xml);
}

static void xml_print_all(struct out *out, const struct diags *diags, bool colour)
{
	struct xml_out xml;

	(void)colour;
	xml_begin(&xml, out);
	diag_xml_list(&xml, diags);
	xml_end(&xml);
}

const struct diag_format diag_format_xml = {
	.name = "xml",
	.text = "XML in pvefw's own format, with all details",
	.says_not_shown = true,
	.print = xml_print_all,
};
