/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of tests for programs: TAP 13, JUnit, and JSON of our own (schemas/test.schema.json). */
#include "policy/policy_suite.h"

#include "base/escape.h"
#include "base/xml_writer.h"
#include "format/common.h"
#include "format/diag_json.h"

static const char *const policy_result_names[] = {
	[POLICY_PASSED] = "passed",
	[POLICY_FAILED] = "failed",
	[POLICY_UNDECIDED] = "undecided",
	[POLICY_ERROR] = "error",
};

/* The test as text that acts on no terminal. */
static const char *policy_item_text(const struct policy_suite *suite, const struct policy_item *item)
{
	return diag_escaped(suite->diags, arena_string(suite->arena, item->text));
}

static const char *policy_item_file(const struct policy_suite *suite, const struct policy_item *item)
{
	return diag_escaped(suite->diags, diag_file(suite->diags, item->source));
}

static struct place policy_item_place(const struct policy_suite *suite, const struct policy_item *item)
{
	return source_place(suite->diags->map, item->span.begin);
}

/* What was reported about the test: message, mark, notes and helps. */
static const char *policy_item_message(const struct policy_suite *suite, const struct policy_item *item)
{
	const struct diagnostic *d = item->report.d;
	const char *text;

	if (!d)
		return item->report.result == POLICY_PASSED ? "" : "the test is wrong";
	text = diag_whole_message(suite->diags, d);
	return d->label ? arena_printf(suite->arena, "%s: %s", diag_escaped(suite->diags, d->label), text) : text;
}

/* ---- summary ---- */

void policy_print_summary(struct out *out, const struct policy_suite *suite, const struct policy_covered *covered)
{
	static const char *const words[] = {
		[POLICY_PASSED] = "passed",
		[POLICY_FAILED] = "failed",
		[POLICY_UNDECIDED] = "not decided",
		[POLICY_ERROR] = "wrong",
	};

	out_printf(out, "%u test%s, %u passed, %u failed", suite->count, suite->count == 1 ? "" : "s",
		   suite->results[POLICY_PASSED], suite->results[POLICY_FAILED]);
	for (int i = POLICY_UNDECIDED; i <= POLICY_ERROR; i++)
		if (suite->results[i])
			out_printf(out, ", %u %s", suite->results[i], words[i]);
	out_char(out, '\n');
	if (covered->is_asked)
		out_printf(out, "%u of %u rules reached\n", covered->reached, covered->rules);
}

/* ---- TAP ---- */

/* A '#' would begin a directive. */
static void tap_description(struct out *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			out_char(out, '\\');
		out_char(out, *text);
	}
}

static void tap_yaml(struct out *out, const char *key, const char *text)
{
	out_printf(out, "  %s: \"", key);
	for (; *text; text++)
		if (*text == '\n') {
			out_string(out, "\\n");
		} else {
			if (*text == '"' || *text == '\\')
				out_char(out, '\\');
			out_char(out, *text);
		}
	out_string(out, "\"\n");
}

void policy_print_tap(struct out *out, const struct policy_suite *suite)
{
	unsigned number = 0;

	out_printf(out, "TAP version 13\n1..%u\n", suite->count);
	for (const struct policy_item *item = suite->first; item; item = item->next) {
		out_printf(out, "%sok %u - ", item->report.result == POLICY_PASSED ? "" : "not ", ++number);
		tap_description(out, policy_item_file(suite, item));
		out_printf(out, ":%u: ", policy_item_place(suite, item).line);
		tap_description(out, policy_item_text(suite, item));
		out_char(out, '\n');
		if (item->report.result == POLICY_PASSED)
			continue;
		out_string(out, "  ---\n");
		tap_yaml(out, "result", policy_result_names[item->report.result]);
		tap_yaml(out, "message", policy_item_message(suite, item));
		if (item->report.example)
			tap_yaml(out, "example", diag_escaped(suite->diags, item->report.example));
		out_string(out, "  ...\n");
	}
}

/* ---- JUnit ---- */

static void junit_test(struct xml_out *xml, const struct policy_suite *suite, const struct policy_item *item, const char *file)
{
	xml_open(xml, "testcase");
	xml_attribute(xml, "classname", file);
	xml_attribute(xml, "name",
		      arena_printf(suite->arena, "%u: %s", policy_item_place(suite, item).line, policy_item_text(suite, item)));
	if (item->report.result != POLICY_PASSED) {
		xml_open(xml, item->report.result == POLICY_FAILED ? "failure" : "error");
		xml_attribute(xml, "type", item->report.d ? diag_code(item->report.d->id).text : "E1302");
		xml_attribute(xml, "message", item->report.d ? diag_escaped(suite->diags, item->report.d->message) : "the test is wrong");
		xml_text(xml, policy_item_message(suite, item));
		xml_close(xml);
	}
	xml_close(xml);
}

/* Prints the tests of the file of `first`; returns the first of the next file. */
static const struct policy_item *junit_file(struct xml_out *xml, const struct policy_suite *suite, const struct policy_item *first)
{
	const char *file = policy_item_file(suite, first);
	unsigned results[POLICY_ERROR + 1] = { 0 }, count = 0;
	const struct policy_item *end = first;

	for (; end && end->source == first->source; end = end->next, count++)
		results[end->report.result]++;
	xml_open(xml, "testsuite");
	xml_attribute(xml, "name", file);
	xml_number(xml, "tests", count);
	xml_number(xml, "failures", results[POLICY_FAILED]);
	xml_number(xml, "errors", results[POLICY_UNDECIDED] + results[POLICY_ERROR]);
	for (const struct policy_item *item = first; item != end; item = item->next)
		junit_test(xml, suite, item, file);
	xml_close(xml);
	return end;
}

void policy_print_junit(struct out *out, const struct policy_suite *suite)
{
	struct xml_out xml;

	xml_begin(&xml, out);
	xml_open(&xml, "testsuites");
	xml_attribute(&xml, "name", "pvefw");
	for (const struct policy_item *item = suite->first; item;)
		item = junit_file(&xml, suite, item);
	xml_close(&xml);
	xml_end(&xml);
}

/* ---- JSON ---- */

static json_t *policy_place_json(const struct policy_suite *suite, struct span span)
{
	struct source *source = source_find(suite->diags->map, span.begin);
	struct place place = source_place(suite->diags->map, span.begin);
	struct word line = source_line(suite->diags->map, source, place.line);

	return json_pack("{s:s, s:I, s:o}", "file", diag_escaped(suite->diags, diag_file(suite->diags, source)), "line",
			 (json_int_t)place.line, "text", json_escaped(text_trim(word_text(line))));
}

/* The lines that decide. */
static json_t *policy_lines_json(const struct policy_suite *suite, const struct diagnostic *d)
{
	json_t *lines = json_array();

	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_LABEL && source_find(suite->diags->map, part->span.begin)) {
			json_t *line = policy_place_json(suite, part->span);

			json_object_set_new(line, "label", json_escaped(text_of(part->text)));
			json_array_append_new(lines, line);
		}
	return lines;
}

/* null if there is no text */
static json_t *policy_string_json(const char *text)
{
	return text ? json_escaped(text_of(text)) : json_null();
}

static json_t *policy_item_json(const struct policy_suite *suite, const struct policy_item *item)
{
	struct place place = policy_item_place(suite, item);
	const struct policy_report *report = &item->report;
	const struct diagnostic *d = report->d;
	json_t *test = json_pack("{s:s, s:I, s:I, s:o, s:o, s:s}", "file", policy_item_file(suite, item), "line",
				 (json_int_t)place.line, "column", (json_int_t)place.column, "text",
				 json_escaped(item->text), "id", item->id.len ? json_escaped(item->id) : json_null(),
				 "result", policy_result_names[report->result]);

	json_object_set_new(test, "node", policy_string_json(item->node));
	json_object_set_new(test, "zones", policy_string_json(report->zones));
	json_object_set_new(test, "example", policy_string_json(report->example));
	json_object_set_new(test, "verdict", policy_string_json(report->verdict));
	json_object_set_new(test, "diagnostic", d ? json_string(diag_code(d->id).text) : json_null());
	json_object_set_new(test, "message", policy_string_json(d ? d->message : NULL));
	json_object_set_new(test, "lines", d ? policy_lines_json(suite, d) : json_array());
	return test;
}

static json_t *policy_coverage_json(const struct policy_suite *suite, const struct policy_covered *covered)
{
	json_t *unreached = json_array();

	for (const struct diagnostic *d = suite->diags->first; d; d = d->next)
		if (d->id == DIAG_TEST_UNREACHED)
			json_array_append_new(unreached, policy_place_json(suite, d->span));
	return json_pack("{s:I, s:I, s:o}", "rules", (json_int_t)covered->rules, "reached", (json_int_t)covered->reached, "unreached",
			 unreached);
}

void policy_print_json(struct out *out, const struct policy_suite *suite, const struct policy_covered *covered)
{
	json_t *tests = json_array(), *all;

	for (const struct policy_item *item = suite->first; item; item = item->next)
		json_array_append_new(tests, policy_item_json(suite, item));
	all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "count", (json_int_t)suite->count, "passed",
			(json_int_t)suite->results[POLICY_PASSED], "failed", (json_int_t)suite->results[POLICY_FAILED], "undecided",
			(json_int_t)suite->results[POLICY_UNDECIDED], "errors", (json_int_t)suite->results[POLICY_ERROR], "tests", tests);
	json_object_set_new(all, "coverage", covered->is_asked ? policy_coverage_json(suite, covered) : json_null());
	json_print(out, all);
}
