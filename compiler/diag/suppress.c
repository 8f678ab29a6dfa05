/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comments that suppress diagnostics (spec 5.4):
 *
 *     IN ACCEPT -p tcp -dport 22,22    # pvefw: ignore[W0512]
 *     # pvefw: ignore[duplicate-alias, W0207] for the migration
 *     web 10.0.0.2
 *     # pvefw: ignore-file[W0801]
 *
 * Behind something, a comment is about its line; on a line of its own about the next one that is not such a
 * comment itself. Errors are never suppressed. What suppresses nothing, or cannot be read, is reported: it
 * may hide what it was not meant for one day. But nothing is known of that while there are errors: what they
 * keep from counting may be what the comment is for.
 */
#include "diag/filter.h"
#include "diag/suggest.h"

/* One item of one list. */
struct ignore {
	enum diag_id id;
	uint32_t line;     /* that it is about; 0: the file */
	struct span span;  /* the item */
	struct span whole; /* what goes if it goes; {0, 0} if there is nothing of it left */
	bool used;
	struct ignore *next;
};

struct ignore_list {
	struct ignore *first, **last;
};

/* Those of one file: by line, of the whole file, and those that say again what another does. So there are
 * no more to ask than there are diagnostics. */
struct ignores {
	struct ignore_list lines, file, again;
};

struct scan {
	struct diags *diags;
	struct source *source;
	struct ignores *found;
	uint32_t next;                /* what line_below() has said */
	uint32_t in_line[DIAG_COUNT]; /* the last line about which there is one of this id */
	bool in_file[DIAG_COUNT];
};

static const char mark[] = "pvefw:";

/* ---- reading ---- */

static struct text skip_blanks(struct text t)
{
	while (t.len && char_is_blank(t.ptr[0]))
		t = (struct text){ t.ptr + 1, t.len - 1 };
	return t;
}

static struct text trim(struct text t)
{
	t = skip_blanks(t);
	while (t.len && char_is_blank(t.ptr[t.len - 1]))
		t.len--;
	return t;
}

/* The comment of the line that is for us, from its "#"; nothing if there is none. */
static struct text ignore_comment(struct text line)
{
	for (; line.len; line = (struct text){ line.ptr + 1, line.len - 1 })
		if (line.ptr[0] == '#' &&
		    text_starts(skip_blanks((struct text){ line.ptr + 1, line.len - 1 }), mark))
			break;
	return line;
}

static struct span span_of(const struct source *source, struct text t)
{
	uint32_t begin = source->base + (uint32_t)(t.ptr - source->text);

	return (struct span){ begin, begin + t.len };
}

static struct diagnostic *bad_ignore(struct scan *scan, struct text at, const char *what)
{
	struct diagnostic *d = diag(scan->diags, span_of(scan->source, at), DIAG_BAD_IGNORE, "%s", what);

	return diag_note(d, "comment suppresses nothing");
}

/* The line that a comment alone on line `number` is about. */
static uint32_t line_below(struct scan *scan, uint32_t number)
{
	struct text line;

	/* From the comment above this one. */
	if (number < scan->next)
		return scan->next;
	do {
		number++;
		if (number > scan->source->line_count)
			break;
		line = trim(word_text(source_line(scan->diags->map, scan->source, number)));
	} while (line.len && ignore_comment(line).ptr == line.ptr);
	scan->next = number;
	return number;
}

static bool read_id(struct scan *scan, struct text item, enum diag_id *id)
{
	struct suggestion s;
	struct diagnostic *d;

	*id = diag_find(item);
	if (*id < DIAG_COUNT && diag_catalogue[*id].letter != 'E')
		return true;
	if (*id < DIAG_COUNT) {
		bad_ignore(scan, item, "errors cannot be suppressed");
		return false;
	}
	suggest_start(&s, item);
	for (int i = 0; i < DIAG_COUNT; i++)
		if (diag_catalogue[i].letter != 'E')
			suggest(&s, text_of(diag_catalogue[i].name), SPAN_NONE);
	d = bad_ignore(scan, item,
		       item.len ? "diagnostic does not exist" : "name of a diagnostic is missing");
	suggest_to(d, &s, span_of(scan->source, item), "");
	return false;
}

static void add_ignore(struct scan *scan, enum diag_id id, uint32_t line, struct text item, struct span whole)
{
	bool again = line ? scan->in_line[id] == line : scan->in_file[id];
	struct ignore_list *list = again ? &scan->found->again : line ? &scan->found->lines : &scan->found->file;
	struct ignore *new = ARENA_NEW(scan->diags->arena, struct ignore);

	*new = (struct ignore){ .id = id, .line = line, .span = span_of(scan->source, item), .whole = whole };
	*list->last = new;
	list->last = &new->next;
	if (line)
		scan->in_line[id] = line;
	else
		scan->in_file[id] = true;
}

/* An item, and what goes with it: one comma. */
static void read_ignore_list(struct scan *scan, struct text list, uint32_t line, struct span alone)
{
	bool only = text_find(list, ',') < 0;

	for (bool first = true;; first = false) {
		long comma = text_find(list, ',');
		struct text part = { list.ptr, comma < 0 ? list.len : (uint32_t)comma }, item = trim(part);
		struct span whole = span_of(scan->source, part);
		enum diag_id id;

		if (first && !only)
			whole.end += (uint32_t)(skip_blanks((struct text){ part.ptr + part.len + 1,
									   list.len - part.len - 1 }).ptr -
						(part.ptr + part.len));
		whole.begin -= !first;
		if (read_id(scan, item.len ? item : part, &id))
			add_ignore(scan, id, line, item, only ? alone : whole);
		if (comma < 0)
			break;
		list = (struct text){ list.ptr + comma + 1, list.len - (uint32_t)comma - 1 };
	}
}

/* Extends the comment by the spaces before it, or to its whole line. */
static struct span comment_span(const struct scan *scan, struct text line, struct text comment, bool alone)
{
	struct span span = span_of(scan->source, (struct text){ line.ptr, 0 });

	span.end += (uint32_t)(comment.ptr - line.ptr) + comment.len;
	if (alone) {
		span.end += span.end < scan->source->base + scan->source->size;
		return span;
	}
	span.begin += (uint32_t)(comment.ptr - line.ptr);
	for (const char *at = comment.ptr; at > line.ptr && char_is_blank(at[-1]); at--)
		span.begin--;
	return span;
}

/* The comment begins with "#" and the mark. */
static void read_comment(struct scan *scan, struct text line, struct text comment, uint32_t number)
{
	struct text rest = skip_blanks((struct text){ comment.ptr + 1, comment.len - 1 });
	bool alone = trim(line).ptr == comment.ptr, file;
	long end;

	rest = skip_blanks((struct text){ rest.ptr + sizeof(mark) - 1, rest.len - (uint32_t)sizeof(mark) + 1 });
	file = text_starts(rest, "ignore-file[");
	if (!file && !text_starts(rest, "ignore[")) {
		bad_ignore(scan, comment, "comment is not `ignore[...]` or `ignore-file[...]`");
		return;
	}
	end = text_find(rest, ']');
	if (end < 0) {
		bad_ignore(scan, comment, "list has no closing bracket");
		return;
	}
	rest.len = (uint32_t)end;
	end = text_find(rest, '[');
	rest = (struct text){ rest.ptr + end + 1, rest.len - (uint32_t)end - 1 };
	read_ignore_list(scan, rest,
			 file    ? 0
			 : alone ? line_below(scan, number)
				 : number,
			 comment_span(scan, line, comment, alone));
}

/* The next mark at or after `at`. It is looked for by its rarest letter: rules and addresses have none. */
static const char *find_mark(const struct source *source, uint32_t at)
{
	const char *end = source->text + source->size, *w = source->text + at;

	for (; (w = memchr(w, 'w', (size_t)(end - w))); w++)
		if (w - source->text >= at + 4 && end - w > 1 && memcmp(w - 4, mark, sizeof(mark) - 1) == 0)
			return w - 4;
	return NULL;
}

/* NULL if the file has no comment for us. */
static struct ignores *read_ignores(struct diags *diags, struct source *source)
{
	struct scan scan = { .diags = diags, .source = source };
	uint32_t at = 0;

	for (;;) {
		const char *here = find_mark(source, at);
		struct text line, comment;
		uint32_t number;

		if (!here)
			return scan.found;
		number = source_line_number(diags->map, source->base + (uint32_t)(here - source->text));
		line = word_text(source_line(diags->map, source, number));
		comment = ignore_comment(line);
		at = (uint32_t)(line.ptr - source->text) + line.len;
		if (!comment.len)
			continue;
		if (!scan.found) {
			scan.found = ARENA_NEW(diags->arena, struct ignores);
			scan.found->lines.last = &scan.found->lines.first;
			scan.found->file.last = &scan.found->file.first;
			scan.found->again.last = &scan.found->again.first;
		}
		read_comment(&scan, line, comment, number);
	}
}

/* ---- suppressing ---- */

static bool use_ignore(struct ignore *list, const struct diagnostic *d, uint32_t line)
{
	for (struct ignore *i = list; i && i->line == line; i = i->next)
		if (i->id == d->id) {
			i->used = true;
			return true;
		}
	return false;
}

/* Looks for one that suppresses it; `at` is the first about its line or a later one. */
static bool is_suppressed(const struct diags *diags, const struct diagnostic *d, struct ignores *ignores,
			  struct ignore **at)
{
	uint32_t line = source_line_number(diags->map, d->span.begin);

	if (diag_catalogue[d->id].letter == 'E')
		return false;
	while (*at && (*at)->line < line)
		*at = (*at)->next;
	return use_ignore(*at, d, line) || use_ignore(ignores->file.first, d, 0);
}

static void report_unused(struct diags *diags, const struct source *source, const struct ignore *list,
			  const struct diag_filter *choice)
{
	for (const struct ignore *i = list; i; i = i->next) {
		struct diagnostic *d;

		/* Its absence means something only if it was looked for. */
		if (i->used || (choice && choice->off[i->id]) ||
		    (diag_is_of_lint(i->id) && !(diags->linted && source->root)))
			continue;
		d = diag(diags, i->span, DIAG_UNUSED_IGNORE, "%s does not occur %s",
			 diag_catalogue[i->id].name,
			 i->line ? "on the line to which the comment applies" : "in this file");
		diag_note(d, "the comment would hide a later occurrence");
		diag_fix(diag_help(d, "delete the comment"), i->whole, "%s", "");
	}
}

/* The diagnostics of one file, from *next on; those that are left go back to the list. */
static void suppress_in(struct diags *diags, const struct source *source, struct ignores *ignores,
			struct diagnostic **next)
{
	struct ignore *at = ignores ? ignores->lines.first : NULL;

	while (*next && source_find(diags->map, (*next)->span.begin) == source) {
		struct diagnostic *d = *next;

		*next = d->next;
		if (!ignores || !is_suppressed(diags, d, ignores, &at))
			diags_add(diags, d);
	}
}

void diags_suppress(struct diags *diags, const struct diag_filter *choice)
{
	struct diagnostic *next = diags->first;
	bool errors = diags->counts[SEVERITY_ERROR] != 0;

	diags_clear(diags);
	suppress_in(diags, NULL, NULL, &next);
	for (uint32_t i = 0; i < diags->map->count; i++) {
		struct source *source = diags->map->sources[i];
		struct ignores *ignores = source->is_fw && source->text ? read_ignores(diags, source) : NULL;

		suppress_in(diags, source, ignores, &next);
		if (ignores && !errors && !source->unasked) {
			report_unused(diags, source, ignores->lines.first, choice);
			report_unused(diags, source, ignores->file.first, choice);
			report_unused(diags, source, ignores->again.first, choice);
		}
	}
	for (struct diagnostic *d = next; d; d = next) {
		next = d->next;
		diags_add(diags, d);
	}
}
