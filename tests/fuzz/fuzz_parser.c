/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes are a file; the first one says of which kind.  The tree's places are
 * those of the text, and the tree printed is a file that gives the same tree and
 * prints as itself.
 */
#include "fuzz.h"

#include "encoding.h"

static void check_word(const struct source *source, struct word word)
{
	if (!word.ptr)
		return;
	REQUIRE(word.begin >= source->base);
	REQUIRE(word.begin + word.len <= source->base + source->size);
	REQUIRE(word.ptr == source->text + (word.begin - source->base));
}

/* Lines stand in the order of the file. */
static void check_places(const struct ast_file *file)
{
	const struct source *source = file->source;
	uint32_t at = source->base;

	for (const struct ast_section *s = file->sections; s; s = s->next) {
		REQUIRE(s->kind == SECTION_NONE || (s->span.begin >= at && s->span.end > s->span.begin));
		at = s->span.end > at ? s->span.end : at;
		check_word(source, s->name);
		check_word(source, s->comment);
		for (const struct ast_line *line = s->lines; line; line = line->next) {
			REQUIRE(line->span.begin >= at && line->span.end >= line->span.begin);
			check_word(source, line->comment);
			at = line->span.end;
		}
	}
	REQUIRE(at <= source->base + source->size);
}

static struct out printed(const struct ast_file *file)
{
	struct out out;

	out_init_memory(&out);
	ast_print(&out, file);
	return out;
}

static struct out dumped(const struct ast_file *file)
{
	struct out out;

	out_init_memory(&out);
	ast_dump(&out, file, false);
	return out;
}

static void require_same(struct out *a, struct out *b)
{
	REQUIRE(a->len == b->len);
	REQUIRE(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
	out_free(a);
	out_free(b);
}

static void check_fixpoint(struct fuzz *f, const struct ast_file *file)
{
	struct out text = printed(file), again, tree, tree_again;
	struct text bytes = { text.data, (uint32_t)text.len };
	const struct ast_file *second;

	second = ast_parse(&f->arena, fuzz_source(f, "printed.fw", bytes), file->kind);
	check_places(second);
	again = printed(second);
	tree = dumped(file);
	tree_again = dumped(second);
	require_same(&tree, &tree_again);
	require_same(&text, &again);
}

static void dump_all(struct source *source, const struct ast_file *file)
{
	struct out out;

	out_init_memory(&out);
	tokens_dump(&out, source, file->kind);
	ast_dump(&out, file, true);
	out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ast_file *file;
	struct source *source;
	struct fuzz f;

	if (!size)
		return 0;
	fuzz_start(&f);
	source = fuzz_source(&f, "test.fw", (struct text){ (const char *)data + 1, (uint32_t)size - 1 });
	file = ast_parse(&f.arena, source, fuzz_kind(data[0]));
	check_places(file);
	check_fixpoint(&f, file);
	dump_all(source, file);
	encoding_check(&f.arena, &f.diags, file);
	fuzz_end(&f);
	return 0;
}
