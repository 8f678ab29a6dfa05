/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting diagnostics. */
#include "diag/diag.h"

#include <stdlib.h>

#include "base/errno_text.h"

const struct diag_row diag_catalogue[DIAG_COUNT] = {
#define DIAG(letter, number, ID, name, summary, what, effect, fix, wrong, right) \
	{ #letter[0], #number, name, summary, what, effect, fix, what " " effect " " fix, wrong, right },
#include "diag/diagnostics.def"
#undef DIAG
};

void diags_init(struct diags *diags, struct arena *arena, struct source_map *map)
{
	*diags = (struct diags){ .arena = arena, .map = map };
	diags->last = &diags->first;
}

enum severity diag_severity(const struct diag_row *row)
{
	return row->letter == 'E' ? SEVERITY_ERROR : row->letter == 'W' ? SEVERITY_WARNING : SEVERITY_NOTE;
}

/* Their numbers begin so. */
bool diag_is_of_lint(enum diag_id id)
{
	return memcmp(diag_catalogue[id].number, "09", 2) == 0;
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[severity];
}

struct diagnostic *diag(struct diags *diags, struct span span, enum diag_id id, const char *format, ...)
{
	struct diagnostic *d = ARENA_NEW(diags->arena, struct diagnostic);
	va_list args;

	va_start(args, format);
	d->message = arena_vprintf(diags->arena, format, args);
	va_end(args);
	d->id = id;
	d->severity = diag_severity(&diag_catalogue[id]);
	d->span = span;
	d->nodes = diags->nodes;
	d->check = diags->check;
	d->last_part = &d->parts;
	d->owner = diags;
	diags_add(diags, d);
	return d;
}

struct diagnostic *diag_unreadable(struct diags *diags, const char *path, int reason)
{
	diags->unreadable = true;
	return diag(diags, SPAN_NONE, DIAG_CANNOT_READ, "cannot read %s: %s", path, error_text(reason));
}

struct diagnostic *diag_add_part(unsigned kind, struct diagnostic *d, struct span span, const char *format, ...)
{
	struct diag_part *part = ARENA_NEW(d->owner->arena, struct diag_part);
	va_list args;

	va_start(args, format);
	part->text = arena_vprintf(d->owner->arena, format, args);
	va_end(args);
	part->kind = (enum diag_part_kind)(kind & ~(unsigned)DIAG_GUESSED);
	part->guess = kind & DIAG_GUESSED;
	part->span = span;
	*d->last_part = part;
	d->last_part = &part->next;
	return d;
}

struct diagnostic *diag_here(struct diagnostic *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	d->label = arena_vprintf(d->owner->arena, format, args);
	va_end(args);
	return d;
}

struct diagnostic *diag_add_fix(unsigned kind, const char *help, struct diagnostic *d, struct span span,
				const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(d->owner->arena, format, args);
	va_end(args);
	return diag_add_part(kind, diag_help(d, help, text), span, "%s", text);
}

void diags_clear(struct diags *diags)
{
	diags->first = NULL;
	diags->last = &diags->first;
	memset(diags->counts, 0, sizeof(diags->counts));
}

void diags_add(struct diags *diags, struct diagnostic *d)
{
	d->next = NULL;
	diags->counts[d->severity]++;
	*diags->last = d;
	diags->last = &d->next;
}

void diags_append(struct diags *diags, struct diags *other)
{
	for (struct diagnostic *d = other->first; d; d = d->next)
		d->owner = diags;
	if (other->first) {
		*diags->last = other->first;
		diags->last = other->last;
	}
	for (int i = 0; i <= SEVERITY_ERROR; i++)
		diags->counts[i] += other->counts[i];
	diags->unreadable |= other->unreadable;
	diags->linted |= other->linted;
	diags_init(other, other->arena, other->map);
}

/* Merge sort of the list: stable, and no array to allocate. */
static struct diagnostic *merge(struct diagnostic *a, struct diagnostic *b)
{
	struct diagnostic *first = NULL, **last = &first;

	while (a && b) {
		struct diagnostic **least = b->span.begin < a->span.begin ? &b : &a;

		*last = *least;
		last = &(*least)->next;
		*least = *last;
	}
	*last = a ? a : b;
	return first;
}

static struct diagnostic *sort_diagnostics(struct diagnostic *list)
{
	struct diagnostic *slow = list, *fast = list ? list->next : NULL, *half;

	if (!fast)
		return list;
	while (fast && fast->next) {
		slow = slow->next;
		fast = fast->next->next;
	}
	half = slow->next;
	slow->next = NULL;
	return merge(sort_diagnostics(list), sort_diagnostics(half));
}

void diags_sort(struct diags *diags)
{
	diags->first = sort_diagnostics(diags->first);
	diags->last = &diags->first;
	while (*diags->last)
		diags->last = &(*diags->last)->next;
}

enum diag_id diag_find(struct text name)
{
	for (int i = 0; i < DIAG_COUNT; i++) {
		const struct diag_row *row = &diag_catalogue[i];
		bool by_number = name.len == strlen(row->number) + 1 &&
				 char_lower(name.ptr[0]) == char_lower(row->letter) &&
				 memcmp(name.ptr + 1, row->number, name.len - 1) == 0;

		if (by_number || text_is(name, row->name))
			return (enum diag_id)i;
	}
	return DIAG_COUNT;
}
