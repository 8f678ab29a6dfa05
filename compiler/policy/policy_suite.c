/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy_suite.h"

#include <uthash.h>

#include "base/output.h"

void policy_suite_open(struct policy_suite *suite, const struct policy_suite_options *options)
{
	suite->last = &suite->first;
	suite->node_count = options->count;
	suite->nodes = ARENA_ARRAY(suite->arena, struct policy_node, options->count);
	for (unsigned i = 0; i < options->count; i++) {
		struct policy_node *node = &suite->nodes[i];

		node->config = options->configs[i];
		if (suite->is_asked)
			asked_open(&node->asked, node->config, options->target(options->context, node->config),
				   options->budget);
	}
}

void policy_suite_close(struct policy_suite *suite)
{
	for (unsigned i = 0; i < suite->node_count; i++) {
		address_cache_free(&suite->nodes[i].cache);
		if (suite->is_asked)
			asked_close(&suite->nodes[i].asked);
	}
}

/* ---- tests that occur twice ---- */

struct policy_seen {
	struct text text;
	struct span span;
	UT_hash_handle hh;
};

/* What a line tests, without its action. */
static struct text policy_tested(struct policy_suite *suite, const struct fwtest_line *line)
{
	struct fwtest_line without = *line;
	struct text text;
	struct out out;

	without.action.ptr = NULL;
	out_init_memory(&out);
	fwtest_print(&out, &without);
	text = arena_copy(suite->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

static void policy_check_twice(struct policy_suite *suite, const struct fwtest_line *line, struct policy_seen **all)
{
	struct text text = policy_tested(suite, line);
	struct policy_seen *seen;
	struct diagnostic *d;

	HASH_FIND(hh, *all, text.ptr, text.len, seen);
	if (seen) {
		d = diag(suite->diags, line->span, DIAG_TEST_DUPLICATE, "test occurs twice");
		diag_label(d, seen->span, "the same packets are tested here");
		return;
	}
	seen = ARENA_NEW(suite->arena, struct policy_seen);
	seen->text = text;
	seen->span = line->span;
	HASH_ADD_KEYPTR(hh, *all, seen->text.ptr, seen->text.len, seen);
}

/* ---- lines ---- */

/* A line of a file: a test, or a row. */
struct policy_line {
	struct source *source;
	const struct fwtest_line *test;
	struct word row;
	struct span span;
};

static struct policy_test *policy_read(struct policy_reader *r, const struct policy_line *line)
{
	return line->test ? policy_read_line(r, line->source, line->test) : policy_read_row(r, line->source, line->row);
}

static struct policy_reader policy_reader_of(struct policy_suite *suite, struct policy_node *node, struct diags *diags,
					     bool rows)
{
	struct policy_reader r = { .arena = suite->arena, .diags = diags, .netdb = suite->netdb, .rows = rows };

	if (!node)
		return r;
	r.config = node->config;
	r.cache = &node->cache;
	r.ifaces = suite->is_asked ? &node->asked.ifaces : NULL;
	return r;
}

static void policy_add_item(struct policy_suite *suite, const struct policy_line *line, const struct policy_test *test,
			    struct policy_report report, const char *node)
{
	struct policy_item *item = ARENA_NEW(suite->arena, struct policy_item);

	*item = (struct policy_item){ .source = line->source, .span = line->span, .report = report, .node = node };
	item->text = (struct text){ line->source->text + (line->span.begin - line->source->base),
				    line->span.end - line->span.begin };
	if (test)
		item->id = test->id;
	*suite->last = item;
	suite->last = &item->next;
	suite->count++;
	suite->results[report.result]++;
}

/* Failed tests come before undecided ones, and those before errors. */
static bool policy_is_worse(enum policy_result a, enum policy_result b)
{
	static const unsigned rank[] = {
		[POLICY_PASSED] = 0, [POLICY_ERROR] = 1, [POLICY_UNDECIDED] = 2, [POLICY_FAILED] = 3,
	};

	return rank[a] > rank[b];
}

/* Reads the line for each node, and runs it on those that have its zones.  Returns false if it cannot be read. */
static bool policy_take_line(struct policy_suite *suite, const struct policy_line *line)
{
	struct policy_report worst = { .result = POLICY_PASSED };
	const struct policy_test *known = NULL;
	struct diags first_found = { .first = NULL };
	const char *where = NULL;
	unsigned nodes = suite->node_count ? suite->node_count : 1;
	bool has_found = false, elsewhere = suite->is_partial;

	for (unsigned i = 0; i < nodes; i++) {
		struct policy_node *node = suite->node_count ? &suite->nodes[i] : NULL;
		struct diags found;
		struct policy_reader r;
		struct policy_test *test;

		diags_init(&found, suite->arena, suite->diags->map);
		r = policy_reader_of(suite, node, &found, !line->test);
		test = policy_read(&r, line);
		elsewhere &= !test && r.unknown_zone;
		/* Another node may have the zones. */
		if (!test && !(has_found && r.unknown_zone) && !known) {
			first_found = found;
			if (found.first)
				first_found.last = found.last;
			has_found = true;
			if (!r.unknown_zone)
				break;
		}
		if (!test)
			continue;
		known = test;
		if (suite->is_asked) {
			struct policy_report report;

			diags_init(&found, suite->arena, suite->diags->map);
			report = policy_run(test, &node->asked, &found, suite->coverage);
			if (policy_is_worse(report.result, worst.result)) {
				worst = report;
				where = nodes > 1 ? arena_string(suite->arena, node->config->node) : NULL;
				first_found = found;
				has_found = true;
			} else if (worst.result == POLICY_PASSED) {
				diags_append(suite->diags, &found);
			}
		}
	}
	if (elsewhere)
		return false;
	if (!known)
		worst = (struct policy_report){ .result = POLICY_ERROR, .d = first_found.first };
	if (has_found && (!known || worst.result != POLICY_PASSED))
		diags_append(suite->diags, &first_found);
	if (where && worst.d)
		diag_note(worst.d, "on node %s", where);
	policy_add_item(suite, line, known, worst, where);
	return known != NULL;
}

/* ---- files ---- */

static void policy_take_tests(struct policy_suite *suite, struct source *source)
{
	const struct fwtest_file *file = fwtest_parse(suite->arena, source);
	struct policy_seen *seen = NULL;

	for (const struct fwtest_line *line = file->lines; line; line = line->next) {
		if (line->kind == FWTEST_COMMENT)
			continue;
		if (policy_take_line(suite, &(struct policy_line){ .source = source, .test = line, .span = line->span }))
			policy_check_twice(suite, line, &seen);
	}
	HASH_CLEAR(hh, seen);
}

static void policy_take_rows(struct policy_suite *suite, struct source *source)
{
	struct text rest = { source->text, source->size }, line;

	while (text_next_line(&rest, &line)) {
		struct text row = text_trim(line);
		struct word word = { row.ptr, row.len, source->base + (uint32_t)(row.ptr - source->text) };

		if (row.len && row.ptr[0] != '#')
			policy_take_line(suite, &(struct policy_line){ .source = source, .row = word, .span = word_span(word) });
	}
}

void policy_suite_file(struct policy_suite *suite, struct source *source, bool rows)
{
	suite->files++;
	if (rows)
		policy_take_rows(suite, source);
	else
		policy_take_tests(suite, source);
}
