/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a source, one after the other, and small cuts of them: for the input files that are no .fw
 * files and need no grammar. */
#ifndef PVEFW_LINES_H
#define PVEFW_LINES_H

#include "source/source.h"

struct lines {
	const struct source *source;
	uint32_t next; /* offset of the next line */
};

static inline struct lines lines_of(const struct source *source)
{
	return (struct lines){ source, 0 };
}

/* Without blanks at both ends. */
static inline struct word word_trim(struct word w)
{
	uint32_t from = 0, end = w.len;

	while (from < end && char_is_space(w.ptr[from]))
		from++;
	while (end > from && char_is_space(w.ptr[end - 1]))
		end--;
	return word_part(w, from, end - from);
}

/* Sets *line to the next line, trimmed; false after the last. */
static inline bool lines_next(struct lines *lines, struct word *line)
{
	const struct source *source = lines->source;
	const char *start = source->text + lines->next, *end;
	uint32_t rest = source->size - lines->next, len;

	if (rest == 0)
		return false;
	end = memchr(start, '\n', rest);
	len = end ? (uint32_t)(end - start) : rest;
	*line = word_trim(source_word(source, lines->next, len));
	lines->next += len + (end != NULL);
	return true;
}

/* Cuts `w` at the first `c`: what is before it is returned, *rest is what is behind; without `c` all of it
 * is returned and rest->ptr is NULL. */
static inline struct word word_cut(struct word w, char c, struct word *rest)
{
	long at = text_find(word_text(w), c);
	uint32_t len = at < 0 ? w.len : (uint32_t)at;

	*rest = at < 0 ? (struct word){ 0 } : word_part(w, len + 1, w.len - len - 1);
	return word_part(w, 0, len);
}

/* Returns the first word; *rest is what follows it. */
static inline struct word word_first(struct word w, struct word *rest)
{
	uint32_t from = 0, end;

	while (from < w.len && char_is_space(w.ptr[from]))
		from++;
	for (end = from; end < w.len && !char_is_space(w.ptr[end]); end++)
		;
	*rest = word_part(w, end, w.len - end);
	return word_part(w, from, end - from);
}

#endif
