/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing fixes, and writing the files. */
#include "rewrite/fix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "format/common.h"
#include "base/atomic_files.h"
#include "base/errno_text.h"

/* ---- collecting ---- */

/* Only .fw files are for us to change. */
static bool is_certain(const struct diags *diags, const struct diagnostic *d)
{
	bool any = false;

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		const struct source *source;

		if (part->kind != DIAG_FIX)
			continue;
		source = source_find(diags->map, part->span.begin);
		if (part->guess || !source || !source->is_fw)
			return false;
		any = true;
	}
	return any;
}

static struct edit edit_of(struct source *source, const char *path, const struct diag_part *part, unsigned group)
{
	uint32_t end = part->span.end - source->base;

	/* A span may hold the end of the file. */
	return (struct edit){ .source = source,
			      .path = path,
			      .begin = part->span.begin - source->base,
			      .end = end < source->size ? end : source->size,
			      .text = part->text,
			      .group = group };
}

/* A deleted file is reported under its old name. */
const char *fix_path(const struct diags *diags, const struct source *source)
{
	const char *path = diag_file(diags, source);
	char *real = realpath(path, NULL);

	if (real)
		path = arena_string(diags->arena, text_of(real));
	free(real);
	return path;
}

static unsigned collect_edits(const struct diags *diags, struct edit *edits)
{
	const struct source *last = NULL;
	const char *path = NULL;
	unsigned count = 0, group = 0;

	for (const struct diagnostic *d = diags->first; d; d = d->next, group++) {
		if (!is_certain(diags, d))
			continue;
		for (const struct diag_part *part = d->parts; part; part = part->next) {
			struct source *source = source_find(diags->map, part->span.begin);

			if (part->kind != DIAG_FIX)
				continue;
			if (edits && source != last)
				path = fix_path(diags, source);
			last = source;
			if (edits)
				edits[count] = edit_of(source, path, part, group);
			count++;
		}
	}
	return count;
}

static int compare_edits(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->group < y->group ? -1 : x->group > y->group;
}

/* A file that was read twice has everything reported twice. */
static bool is_same_edit(const struct edit *a, const struct edit *b)
{
	return a->begin == b->begin && a->end == b->end && strcmp(a->text, b->text) == 0;
}

/* Takes the edits of a group out that has one which overlaps an earlier one. */
static unsigned leave_apart(struct arena *arena, struct edit *edits, unsigned count, unsigned groups)
{
	bool *rejected = ARENA_ARRAY(arena, bool, groups);
	const struct edit *last = NULL;
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (rejected[edits[i].group])
			continue;
		if (last && strcmp(last->path, edits[i].path) == 0 && !is_same_edit(last, &edits[i]) &&
		    (edits[i].begin < last->end ||
		     (edits[i].begin == last->begin && edits[i].end == last->end)))
			rejected[edits[i].group] = true;
		else
			last = &edits[i];
	}
	for (unsigned i = 0; i < count; i++) {
		bool again = kept && strcmp(edits[kept - 1].path, edits[i].path) == 0 &&
			     is_same_edit(&edits[kept - 1], &edits[i]);

		if (!rejected[edits[i].group] && !again)
			edits[kept++] = edits[i];
	}
	return kept;
}

struct fixes fixes_collect(const struct diags *diags)
{
	struct fixes fixes = { .arena = diags->arena, .diags = diags };
	unsigned count = collect_edits(diags, NULL), groups = 0;

	for (const struct diagnostic *d = diags->first; d; d = d->next)
		groups++;
	fixes.edits = ARENA_ARRAY(diags->arena, struct edit, count);
	collect_edits(diags, fixes.edits);
	if (count)
		qsort(fixes.edits, count, sizeof(*fixes.edits), compare_edits);
	fixes.count = leave_apart(diags->arena, fixes.edits, count, groups);
	return fixes;
}

bool fixes_next_file(const struct fixes *fixes, unsigned *at, struct file_edits *file)
{
	unsigned first = *at;

	while (*at < fixes->count && strcmp(fixes->edits[*at].path, fixes->edits[first].path) == 0)
		(*at)++;
	*file = (struct file_edits){ fixes->edits + first, *at - first };
	return file->count > 0;
}

/* ---- applying ---- */

/* New lines end as the one does in which they are put. */
static void put_text(struct out *out, const struct edit *edit)
{
	const char *at = edit->source->text + edit->end, *end = memchr(at, '\n', edit->source->size - edit->end);
	bool crlf = end && end > edit->source->text && end[-1] == '\r';

	for (const char *c = edit->text; *c; c++) {
		if (*c == '\n' && crlf && !edit->exact)
			out_char(out, '\r');
		out_char(out, *c);
	}
}

void fixes_apply(struct out *out, const struct file_edits *file, uint32_t begin, uint32_t end)
{
	for (unsigned i = 0; i < file->count; i++) {
		const struct edit *edit = &file->edits[i];

		if (edit->begin < begin || edit->end > end)
			continue;
		out_bytes(out, edit->source->text + begin, edit->begin - begin);
		put_text(out, edit);
		begin = edit->end;
	}
	out_bytes(out, file->edits[0].source->text + begin, end - begin);
}

/* ---- writing ---- */

/* Only the checked contents may be changed. */
static bool is_unchanged(const struct fixes *fixes, const struct file_edits *file)
{
	const struct source *read = file->edits[0].source, *now;
	struct source_map map;

	for (unsigned i = 1; i < file->count; i++)
		if (file->edits[i].source->size != read->size ||
		    memcmp(file->edits[i].source->text, read->text, read->size) != 0)
			return false;
	source_map_init(&map, fixes->arena);
	now = source_load(&map, AT_FDCWD, file->edits[0].path, file->edits[0].path);
	return now && now->size == read->size && memcmp(now->text, read->text, read->size) == 0;
}

const char *fixes_write(const struct fixes *fixes, struct out *out)
{
	struct out_files files = { .arena = fixes->arena };
	struct file_edits file;

	for (unsigned at = 0; !files.failed && fixes_next_file(fixes, &at, &file);) {
		const struct source *source = file.edits[0].source;
		struct out *written;

		if (!is_unchanged(fixes, &file)) {
			files.failed = true;
			out_files_commit(&files);
			return arena_printf(fixes->arena, "%s was changed in the meantime", diag_file(fixes->diags, source));
		}
		written = out_files_replace(&files, file.edits[0].path);
		if (written)
			fixes_apply(written, &file, 0, source->size);
	}
	if (!out_files_commit(&files))
		return arena_printf(fixes->arena, "cannot write %s: %s", files.failed_path, error_text(files.reason));
	for (unsigned at = 0; fixes_next_file(fixes, &at, &file);)
		out_printf(out, "%s: %u %s\n",
			   diag_escaped(fixes->diags, diag_file(fixes->diags, file.edits[0].source)), file.count,
			   file.count == 1 ? "change" : "changes");
	return NULL;
}
