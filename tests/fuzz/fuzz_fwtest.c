/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes are a file of tests; the first one says whether they are run, and whether comments are aligned.
 * Spans lie in the file.  Laid out, the file has the same tests and mistakes; laid out again, it stays.
 */
#include "fuzz.h"

#include "policy/policy_suite.h"
#include "rewrite/fmt.h"

static const struct backend *fuzz_target(const void *context, const struct config *config)
{
	(void)context, (void)config;
	return NULL;
}

static void check_spans(const struct source *source, const struct fwtest_file *file)
{
	uint32_t at = source->base, end = source->base + source->size;

	for (const struct fwtest_line *line = file->lines; line; line = line->next) {
		REQUIRE(line->span.begin >= at && line->span.end >= line->span.begin && line->span.end <= end);
		at = line->span.end;
		for (const struct fwtest_clause *c = line->clauses; c; c = c->next) {
			struct span span = fwtest_clause_span(c);

			REQUIRE(span.begin >= line->span.begin && span.end <= line->span.end);
		}
	}
}

/* Reads the file, and returns how its tests fare: a letter each. */
static const char *results_of(struct fuzz *f, const struct config *config, struct source *source, bool rows, bool run)
{
	struct config *configs[] = { (struct config *)(uintptr_t)config };
	const struct policy_suite_options options = { .configs = configs,
						      .count = 1,
						      .target = fuzz_target,
						      .budget = { 200000, 16 << 20 } };
	struct policy_suite suite = { .arena = &f->arena, .diags = &f->diags, .netdb = fuzz_netdb(), .is_asked = run };
	const char *text = "";

	policy_suite_open(&suite, &options);
	policy_suite_file(&suite, source, rows);
	for (const struct policy_item *item = suite.first; item; item = item->next)
		text = arena_printf(&f->arena, "%s%c", text, "pfue"[item->report.result]);
	policy_suite_close(&suite);
	return text;
}

static struct text laid_out(struct fuzz *f, struct source *source, bool align, unsigned *edits)
{
	struct fixes fixes;
	struct diags none;
	struct text text;
	struct out out;

	diags_init(&none, &f->arena, &f->map);
	fixes = fmt_layout_tests(&none, fwtest_parse(&f->arena, source), align);
	*edits = fixes.count;
	if (!fixes.count)
		return (struct text){ source->text, source->size };
	out_init_memory(&out);
	fixes_apply(&out, &(struct file_edits){ fixes.edits, fixes.count }, 0, source->size);
	text = arena_copy(&f->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool run, align;
	struct source *source, *again;
	struct config *config;
	const char *results;
	struct text text;
	unsigned edits;
	uint32_t at;
	struct fuzz f;

	if (!size)
		return 0;
	run = data[0] & 1;
	align = data[0] & 2;
	fuzz_start(&f);
	config = fuzz_compile(&f, FILE_GUEST, TEXT("[OPTIONS]\nenable: 1\n[ALIASES]\nown 10.0.0.7\n[RULES]\nIN ACCEPT -p tcp -dport 22\n"));
	source = fuzz_source(&f, "a.fwtest", (struct text){ (const char *)data + 1, (uint32_t)size - 1 });
	check_spans(source, fwtest_parse(&f.arena, source));
	results = results_of(&f, config, source, false, run);
	if (!fmt_refuses(source, &at)) {
		text = laid_out(&f, source, align, &edits);
		again = fuzz_source(&f, "b.fwtest", text);
		laid_out(&f, again, align, &edits);
		REQUIRE(edits == 0);
		REQUIRE(strcmp(results_of(&f, config, again, false, run), results) == 0);
	}
	config_free(config);
	fuzz_end(&f);
	return 0;
}
