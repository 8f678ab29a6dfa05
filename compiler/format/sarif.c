/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics in SARIF 2.1.0, the format of OASIS for results of static analysis, which GitHub code scanning
 * and editors read.
 *
 * The rules are the rows of the catalogue that were reported, with their explanation and examples as help.
 * Columns count units of UTF-16, as programs do there by default.
 */
#include "format/formats.h"
#include "format/diag_json.h"
#include "format/common.h"
#include "base/version.h"

static const char *const levels[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

/* ---- places ---- */

/* All but what needs no escape in any part of a path. */
static const char *uri_of(const struct diags *diags, const char *path)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	const char *uri;
	struct out out;

	out_init_memory(&out);
	if (path[0] == '/')
		out_string(&out, "file://");
	for (; *path; path++)
		if (strchr(safe, *path))
			out_char(&out, *path);
		else
			out_printf(&out, "%%%02X", (unsigned)(unsigned char)*path);
	uri = arena_string(diags->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return uri;
}

static json_t *region(const struct extent *e)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "startLine", (json_int_t)e->begin.line, "startColumn",
			 (json_int_t)e->begin.column16, "endLine", (json_int_t)e->end.line, "endColumn",
			 (json_int_t)e->end.column16, "byteOffset", (json_int_t)e->first_byte, "byteLength",
			 (json_int_t)(e->end_byte - e->first_byte));
}

static json_t *artifact(const struct diags *diags, const struct extent *e)
{
	return json_pack("{s:s}", "uri", uri_of(diags, e->file));
}

static json_t *physical(const struct diags *diags, const struct extent *e)
{
	return json_pack("{s:o, s:o}", "artifactLocation", artifact(diags, e), "region", region(e));
}

static json_t *locations(const struct diags *diags, const struct diagnostic *d)
{
	struct extent e = diag_extent(diags, d->span);

	return e.file ? json_pack("[{s:o}]", "physicalLocation", physical(diags, &e)) : json_array();
}

static json_t *related(const struct diags *diags, const struct diagnostic *d)
{
	json_t *list = json_array();

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		struct extent e;

		if (part->kind != DIAG_LABEL || diag_is_note(diags, part))
			continue;
		e = diag_extent(diags, part->span);
		json_array_append_new(list, json_pack("{s:I, s:o, s:{s:s}}", "id",
						      (json_int_t)json_array_size(list), "physicalLocation",
						      physical(diags, &e), "message", "text",
						      diag_escaped(diags, part->text)));
	}
	return list;
}

/* ---- fixes ---- */

/* Edits of one file that follow each other are one change. */
static json_t *changes(const struct diags *diags, const struct diagnostic *d)
{
	json_t *list = json_array(), *replacements = NULL;
	const struct source *last = NULL;

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		struct extent e;

		if (part->kind != DIAG_FIX)
			continue;
		e = diag_extent(diags, part->span);
		if (e.begin.source != last) {
			replacements = json_array();
			json_array_append_new(list, json_pack("{s:o, s:o}", "artifactLocation",
							      artifact(diags, &e), "replacements", replacements));
			last = e.begin.source;
		}
		json_array_append_new(replacements, json_pack("{s:o, s:{s:s}}", "deletedRegion", region(&e),
							      "insertedContent", "text", part->text));
	}
	return list;
}

static json_t *sarif_fixes(const struct diags *diags, const struct diagnostic *d)
{
	enum diag_fix_kind kind = diag_fix_kind(diags, d);

	if (kind == FIX_NONE)
		return json_array();
	return json_pack("[{s:{s:s}, s:o}]", "description", "text",
			 kind == FIX_CERTAIN ? "Fix" : "Possible fix", "artifactChanges", changes(diags, d));
}

/* ---- rules ---- */

static const char *help_text(const struct diags *diags, const struct diag_row *row, bool markdown)
{
	const char *fence = markdown ? "```\n" : "", *end = markdown ? "\n```" : "";

	if (!row->wrong[0])
		return row->explanation;
	return arena_printf(diags->arena, "%s\n\nWrong:\n\n%s%s%s%s%s%s%s%s", row->explanation, fence, row->wrong,
			    end, row->right[0] ? "\n\nRight:\n\n" : "", row->right[0] ? fence : "", row->right,
			    row->right[0] ? end : "", "\n");
}

static json_t *rule(const struct diags *diags, enum diag_id id)
{
	const struct diag_row *row = &diag_catalogue[id];

	return json_pack("{s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s}}", "id", diag_code(id).text, "name",
			 row->name, "shortDescription", "text",
			 arena_printf(diags->arena, "%s.", row->summary), "fullDescription", "text",
			 row->explanation, "help", "text", help_text(diags, row, false), "markdown",
			 help_text(diags, row, true), "defaultConfiguration", "level",
			 levels[diag_severity(row)]);
}

/* Those that were reported, by id; sets the index of each. */
static json_t *rules(const struct diags *diags, json_int_t index[DIAG_COUNT])
{
	bool is_used[DIAG_COUNT] = { false };
	json_t *list = json_array();

	for (const struct diagnostic *d = diags->first; d; d = d->next)
		is_used[d->id] = true;
	for (int id = 0; id < DIAG_COUNT; id++) {
		if (!is_used[id])
			continue;
		index[id] = (json_int_t)json_array_size(list);
		json_array_append_new(list, rule(diags, (enum diag_id)id));
	}
	return list;
}

/* ---- results ---- */

/* SARIF has no empty lists in some places. */
static void add_list(json_t *object, const char *name, json_t *list)
{
	if (json_array_size(list))
		json_object_set_new(object, name, list);
	else
		json_decref(list);
}

static json_t *result(const struct diags *diags, const struct diagnostic *d, json_int_t rule_index,
		      const char *fingerprint)
{
	json_t *object = json_pack("{s:s, s:I, s:s, s:{s:s}, s:{s:s}}", "ruleId", diag_code(d->id).text,
				   "ruleIndex", rule_index, "level", levels[d->severity], "message", "text",
				   diag_whole_message(diags, d), "partialFingerprints", "pvefw/v1", fingerprint);

	add_list(object, "locations", locations(diags, d));
	add_list(object, "relatedLocations", related(diags, d));
	add_list(object, "fixes", sarif_fixes(diags, d));
	if (d->nodes) {
		json_t *properties = json_object();

		json_add_nodes(properties, diags, d);
		json_object_set_new(object, "properties", properties);
	}
	return object;
}

static void sarif_print_all(struct out *out, const struct diags *diags, bool colour)
{
	const char *const *fingerprint = diag_fingerprints(diags);
	json_int_t index[DIAG_COUNT] = { 0 };
	json_t *results = json_array(), *driver;

	(void)colour;
	driver = json_pack("{s:s, s:s, s:o}", "name", "pvefw", "version", PVEFW_VERSION, "rules",
			   rules(diags, index));
	for (const struct diagnostic *d = diags->first; d; d = d->next)
		json_array_append_new(results, result(diags, d, index[d->id], *fingerprint++));
	json_print(out, json_pack("{s:s, s:s, s:[{s:{s:o}, s:s, s:[{s:b}], s:o}]}", "$schema",
				  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
				  "sarif-schema-2.1.0.json",
				  "version", "2.1.0", "runs", "tool", "driver", driver, "columnKind",
				  "utf16CodeUnits", "invocations", "executionSuccessful", !diags->unreadable,
				  "results", results));
}

const struct diag_format diag_format_sarif = {
	.name = "sarif",
	.text = "SARIF 2.1.0, for code scanning",
	.print = sarif_print_all,
};
