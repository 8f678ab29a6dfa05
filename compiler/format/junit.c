/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as a report of JUnit, for those CI systems that show nothing else.
 *
 * Each .fw file is a suite, and so is anything else in which something was found. An error is a test that
 * failed; warnings and notes are tests that passed and have said something; a file without any is one test
 * that passed.
 */
#include "format/formats.h"
#include "format/common.h"
#include "base/xml_writer.h"

/* A file's diagnostics follow each other: they come sorted. */
struct suite {
	const char *name;
	const struct diagnostic *first, *end;
	unsigned tests, failures;
};

static struct suite suite_of(const struct diags *diags, const struct source *source, const char *name,
			     const struct diagnostic *first)
{
	struct suite suite = { .name = name, .first = first, .end = first };

	for (; suite.end && source_find(diags->map, suite.end->span.begin) == source;
	     suite.end = suite.end->next) {
		suite.tests++;
		suite.failures += suite.end->severity == SEVERITY_ERROR;
	}
	return suite;
}

static void test(struct xml_out *xml, const struct diags *diags, const struct suite *suite,
		 const struct diagnostic *d)
{
	struct extent e = diag_extent(diags, d->span);
	const char *code = arena_printf(diags->arena, "%s %s", diag_code(d->id).text, diag_catalogue[d->id].name);
	const char *message = diag_escaped(diags, d->message), *text = diag_whole_message(diags, d);

	if (e.file)
		text = arena_printf(diags->arena, "%s:%u:%u: %s", suite->name, e.begin.line, e.begin.column, text);
	xml_open(xml, "testcase");
	xml_attribute(xml, "classname", suite->name);
	xml_attribute(xml, "name",
		      e.file ? arena_printf(diags->arena, "%s at %u:%u", code, e.begin.line, e.begin.column)
			     : code);
	if (d->severity == SEVERITY_ERROR) {
		xml_open(xml, "failure");
		xml_attribute(xml, "type", diag_code(d->id).text);
		xml_attribute(xml, "message", message);
		xml_text(xml, text);
		xml_close(xml);
	} else {
		xml_element(xml, "system-out", text);
	}
	xml_close(xml);
}

static void print_suite(struct xml_out *xml, const struct diags *diags, const struct suite *suite)
{
	xml_open(xml, "testsuite");
	xml_attribute(xml, "name", suite->name);
	xml_number(xml, "tests", suite->tests ? suite->tests : 1);
	xml_number(xml, "failures", suite->failures);
	xml_number(xml, "errors", 0);
	for (const struct diagnostic *d = suite->first; d != suite->end; d = d->next)
		test(xml, diags, suite, d);
	if (!suite->tests) {
		xml_open(xml, "testcase");
		xml_attribute(xml, "classname", suite->name);
		xml_attribute(xml, "name", "nothing found");
		xml_close(xml);
	}
	xml_close(xml);
}

/* What --max-findings has left out: a test that fails if an error is among it. */
static void print_not_shown(struct xml_out *xml, const struct diags *diags)
{
	const char *message = arena_printf(diags->arena, "%u finding%s not shown (--max-findings)", diags->not_shown,
					   diags->not_shown == 1 ? " is" : "s are");
	unsigned errors = diags->counts[SEVERITY_ERROR];

	for (const struct diagnostic *d = diags->first; d; d = d->next)
		errors -= d->severity == SEVERITY_ERROR;
	xml_open(xml, "testsuite");
	xml_attribute(xml, "name", "not shown");
	xml_number(xml, "tests", 1);
	xml_number(xml, "failures", errors ? 1 : 0);
	xml_number(xml, "errors", 0);
	xml_open(xml, "testcase");
	xml_attribute(xml, "classname", "not shown");
	xml_attribute(xml, "name", message);
	if (errors) {
		xml_open(xml, "failure");
		xml_attribute(xml, "type", "not shown");
		xml_attribute(xml, "message",
			      arena_printf(diags->arena, "%u of them %s", errors, errors == 1 ? "is an error" : "are errors"));
		xml_close(xml);
	}
	xml_close(xml);
	xml_close(xml);
}

static void junit_print_all(struct out *out, const struct diags *diags, bool colour)
{
	const struct diagnostic *d = diags->first;
	struct xml_out xml;

	(void)colour;
	xml_begin(&xml, out);
	xml_open(&xml, "testsuites");
	xml_attribute(&xml, "name", "pvefw");
	if (d && !source_find(diags->map, d->span.begin)) {
		struct suite suite = suite_of(diags, NULL, "input", d);

		print_suite(&xml, diags, &suite);
		d = suite.end;
	}
	for (uint32_t i = 0; i < diags->map->count; i++) {
		const struct source *source = diags->map->sources[i];
		const char *name = diag_escaped(diags, diag_file(diags, source));
		struct suite suite = suite_of(diags, source, name, d);

		/* A file without shown findings may have hidden ones. */
		if (suite.tests || (source->is_fw && !source->unasked && !diags->not_shown))
			print_suite(&xml, diags, &suite);
		d = suite.end;
	}
	if (diags->not_shown)
		print_not_shown(&xml, diags);
	xml_close(&xml);
	xml_end(&xml);
}

const struct diag_format diag_format_junit = {
	.name = "junit",
	.text = "XML in the format of JUnit, one suite per file",
	.says_not_shown = true,
	.print = junit_print_all,
};
