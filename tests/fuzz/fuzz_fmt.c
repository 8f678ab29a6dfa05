/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes are a file; the first one says of which kind, and whether comments are aligned.
 * Laid out, it means the same and has as many mistakes; laid out again, it stays.
 */
#include "fuzz.h"

#include "resolve/compile.h"
#include "rewrite/fmt.h"

static bool align; /* as with --align */

/* The edits that lay the file out; *errors is how many mistakes it has, apart from its line ends. */
static struct fixes lay_out(struct fuzz *f, struct source *source, enum file_kind kind, unsigned *errors)
{
	struct inputs inputs = { .root = ".", .netdb = fuzz_netdb() };
	struct single_memory memory = { 0 };

	*errors = 0;
	compile_single(&(struct single_compilation){ .source = source, .kind = kind, .inputs = &inputs, .memory = &memory },
		       &f->diags);
	single_memory_free(&memory);
	for (const struct diagnostic *d = f->diags.first; d; d = d->next)
		*errors += d->severity == SEVERITY_ERROR && d->id != DIAG_CRLF;
	return fmt_layout(&f->diags, ast_parse(&f->arena, source, kind), align);
}

/* What the file means, without the lines at which its rules stand. */
static struct out meaning(enum file_kind kind, struct text bytes)
{
	struct config *config;
	struct out all, out;
	struct text rest;
	struct fuzz f;

	fuzz_start(&f);
	out_init_memory(&all);
	out_init_memory(&out);
	config = fuzz_compile(&f, kind, bytes);
	config_dump(&all, config);
	config_free(config);
	rest = (struct text){ all.data, (uint32_t)all.len };
	while (rest.ptr) {
		struct text line = fuzz_next_line(&rest);
		uint32_t at = 0;

		while (at < line.len && (line.ptr[at] == ' ' || char_is_digit(line.ptr[at])))
			at++;
		if (at < line.len && line.ptr[at] == ':')
			line = (struct text){ line.ptr + at, line.len - at };
		out_text(&out, line);
		out_char(&out, '\n');
	}
	out_free(&all);
	fuzz_free(&f);
	return out;
}

static void require_same_meaning(enum file_kind kind, struct text before, struct text after)
{
	struct out first = meaning(kind, before), second = meaning(kind, after);

	REQUIRE(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	out_free(&first);
	out_free(&second);
}

static void require_fixpoint(enum file_kind kind, struct text bytes, unsigned errors)
{
	unsigned again;
	struct fuzz f;

	fuzz_start(&f);
	REQUIRE(lay_out(&f, fuzz_source(&f, "again.fw", bytes), kind, &again).count == 0);
	REQUIRE(again == errors);
	fuzz_free(&f);
}

static void check(struct fuzz *f, struct source *source, enum file_kind kind)
{
	unsigned errors;
	struct fixes fixes = lay_out(f, source, kind, &errors);
	struct file_edits edits = { fixes.edits, fixes.count };
	struct text bytes;
	struct out out;

	if (!fixes.count)
		return;
	out_init_memory(&out);
	fixes_apply(&out, &edits, 0, source->size);
	bytes = (struct text){ out.data, (uint32_t)out.len };
	require_same_meaning(kind, (struct text){ source->text, source->size }, bytes);
	require_fixpoint(kind, bytes, errors);
	out.len = 0;
	fixes_diff(&fixes, &out);
	out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source *source;
	uint32_t at;
	struct fuzz f;

	if (!size)
		return 0;
	fuzz_start(&f);
	align = data[0] & 0x80;
	source = fuzz_source(&f, "test.fw", (struct text){ (const char *)data + 1, (uint32_t)size - 1 });
	if (!fmt_refuses(source, &at))
		check(&f, source, fuzz_kind(data[0]));
	fuzz_free(&f);
	return 0;
}
