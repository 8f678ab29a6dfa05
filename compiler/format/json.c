/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as one JSON object, for programs: whether the input is valid, how many diagnostics there are,
 * and each with all its parts.
 *
 * A place tells bytes (from 0), and lines and columns (from 1) in characters and in units of UTF-16; its end
 * is behind the last character. pvefw-cc(1) describes the members.
 */
#include "format/diag_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/formats.h"
#include "format/common.h"
#include "base/escape.h"
#include "base/xmalloc.h"

static int json_write(const char *bytes, size_t len, void *out)
{
	out_bytes(out, bytes, len);
	return 0;
}

void json_print(struct out *out, json_t *value)
{
	if (!value || json_dump_callback(value, json_write, out, JSON_INDENT(2)) != 0)
		out_of_memory();
	out_char(out, '\n');
	json_decref(value);
}

json_t *json_escaped(struct text text)
{
	struct out shown;
	json_t *value;

	out_init_memory(&shown);
	out_escaped(&shown, text);
	value = json_stringn(shown.len ? shown.data : "", shown.len);
	out_free(&shown);
	return value;
}

static json_t *point(uint32_t byte, const struct place *place)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "byte", (json_int_t)byte, "line", (json_int_t)place->line,
			 "column", (json_int_t)place->column, "column16", (json_int_t)place->column16);
}

/* Prints null for a place outside files. */
static json_t *extent(const struct diags *diags, struct span span)
{
	struct extent e = diag_extent(diags, span);

	if (!e.begin.source)
		return json_null();
	return json_pack("{s:s, s:o, s:o}", "file", diag_escaped(diags, e.file), "begin",
			 point(e.first_byte, &e.begin), "end", point(e.end_byte, &e.end));
}

static json_t *labels(const struct diags *diags, const struct diagnostic *d)
{
	json_t *list = json_array();

	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_LABEL && !diag_is_note(diags, part))
			json_array_append_new(list, json_pack("{s:s, s:o}", "text", diag_escaped(diags, part->text),
							      "place", extent(diags, part->span)));
	return list;
}

static json_t *json_remarks(const struct diags *diags, const struct diagnostic *d, bool notes)
{
	json_t *list = json_array();

	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (notes ? diag_is_note(diags, part) : part->kind == DIAG_HELP)
			json_array_append_new(list, json_string(diag_escaped(diags, part->text)));
	return list;
}

/* At most one, of any number of edits. */
static json_t *json_fixes(const struct diags *diags, const struct diagnostic *d)
{
	enum diag_fix_kind kind = diag_fix_kind(diags, d);
	json_t *edits = json_array();

	for (const struct diag_part *part = d->parts; part && kind != FIX_NONE; part = part->next)
		if (part->kind == DIAG_FIX)
			json_array_append_new(edits, json_pack("{s:o, s:s}", "place", extent(diags, part->span),
							       "text", part->text));
	if (kind == FIX_NONE) {
		json_decref(edits);
		return json_array();
	}
	return json_pack("[{s:b, s:o}]", "certain", kind == FIX_CERTAIN, "edits", edits);
}

void json_add_nodes(json_t *object, const struct diags *diags, const struct diagnostic *d)
{
	json_t *list = d->nodes ? json_array() : NULL;

	for (unsigned i = 0; list && i < d->nodes->of->count; i++)
		if (node_set_has(d->nodes, i))
			json_array_append_new(list, json_string(diag_escaped(diags, d->nodes->of->names[i].ptr)));
	if (list)
		json_object_set_new(object, "nodes", list);
}

static json_t *json_diagnostic(const struct diags *diags, const struct diagnostic *d, const char *fingerprint)
{
	struct diag_code code = diag_code(d->id);
	json_t *object;

	object = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:s}", "id", code.text,
			   "name", diag_catalogue[d->id].name, "severity", severity_name(d->severity),
			   "message", diag_escaped(diags, d->message), "label",
			   d->label ? diag_escaped(diags, d->label) : NULL, "place", extent(diags, d->span),
			   "labels", labels(diags, d), "notes", json_remarks(diags, d, true), "helps",
			   json_remarks(diags, d, false), "fixes", json_fixes(diags, d), "fingerprint",
			   fingerprint);
	json_add_nodes(object, diags, d);
	return object;
}

static void json_print_all(struct out *out, const struct diags *diags, bool colour)
{
	const char *const *fingerprint = diag_fingerprints(diags);
	json_t *list = json_array();

	(void)colour;
	for (const struct diagnostic *d = diags->first; d; d = d->next)
		json_array_append_new(list, json_diagnostic(diags, d, *fingerprint++));
	json_print(out, json_pack("{s:b, s:I, s:I, s:I, s:I, s:o}", "valid", !diags->counts[SEVERITY_ERROR], "errors",
				  (json_int_t)diags->counts[SEVERITY_ERROR], "warnings",
				  (json_int_t)diags->counts[SEVERITY_WARNING], "notes",
				  (json_int_t)diags->counts[SEVERITY_NOTE], "not_shown",
				  (json_int_t)diags->not_shown, "diagnostics", list));
}

const struct diag_format diag_format_json = {
	.name = "json",
	.text = "one JSON object with all details",
	.says_not_shown = true,
	.print = json_print_all,
};
