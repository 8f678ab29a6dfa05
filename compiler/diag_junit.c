/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics as a report of JUnit, for those CI systems that show nothing else.
 *
 * Each .fw file is a suite, and so is anything else in which something was found.  An
 * error is a test that failed; warnings and notes are tests that passed and have said
 * something; a file without any is one test that passed.
 */
#include "diag_format.h"
#include "diag_shared.h"
#include "xml_out.h"

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
	const char *message = diag_visible(diags, d->message), *text = diag_whole_message(diags, d);

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

static void print(struct out *out, const struct diags *diags, bool colour)
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
		const char *name = diag_visible(diags, diag_file(diags, source));
		struct suite suite = suite_of(diags, source, name, d);

		if (suite.tests || (source->is_fw && !source->unasked))
			print_suite(&xml, diags, &suite);
		d = suite.end;
	}
	xml_close(&xml);
	xml_end(&xml);
}

const struct diag_format diag_format_junit = {
	.name = "junit",
	.text = "XML as JUnit writes it: a suite for each file",
	.print = print,
};
