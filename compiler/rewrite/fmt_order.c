/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of sections: OPTIONS, ALIASES, IPSET, RULES, GROUP, which is the one that Proxmox VE itself
 * writes. Definitions come before their uses in it, save those of groups, which may stand anywhere. Sections
 * of one kind stay in their order, as rules and later definitions depend on it.
 *
 * Sections are moved all or not at all.  They stay where they are if a name that a rule or
 * an entry uses would be read before its definition, or no longer be: such a line counts or
 * is ignored because of where it stands.  And they stay if it is not plain what moves with
 * them: below a line in brackets that begins no section, or where a comment between empty
 * lines may be about what is above it or about what is below.
 */
#include <uthash.h>

#include "rewrite/fmt.h"

/* Where a name is defined: numbers of sections in the old and in the new order. */
struct name {
	struct text lower;
	struct {
		unsigned first, last;
	} old, new;
	UT_hash_handle hh;
};

struct order {
	struct arena *arena;
	const struct source_map *map;
	struct fmt_part *parts;
	unsigned count;
	unsigned *new; /* by number in the old order: that in the new one */
	struct name *aliases, *sets;
};

/* ---- which lines belong to which section ---- */

static uint32_t line_of_span(const struct order *o, struct span span)
{
	return source_line_number(o->map, span.begin);
}

/* The first of the comments that stand right above the header; NULL if none does. */
static const struct ast_line *comments_above(const struct order *o, const struct ast_section *before,
					     const struct ast_section *header)
{
	const struct ast_line *first = NULL;
	uint32_t last = 0;

	for (const struct ast_line *line = before->lines; line; line = line->next) {
		uint32_t number = line_of_span(o, line->span);

		if (line->kind != LINE_COMMENT)
			first = NULL;
		else if (!first || number > last + 1)
			first = line;
		last = number;
	}
	return first && line_of_span(o, header->span) == last + 1 ? first : NULL;
}

static void collect_parts(struct order *o, const struct ast_file *file)
{
	const struct ast_section *before = NULL;

	for (const struct ast_section *s = file->sections; s; before = s, s = s->next) {
		struct fmt_part *part = &o->parts[o->count++];

		part->section = s;
		if (before)
			part->above = part[-1].end = comments_above(o, before, s);
	}
}

/* ---- what speaks against moving ---- */

/* The last line is a comment with nothing right above or below it but other comments. */
static bool ends_loosely(const struct order *o, const struct fmt_part *part)
{
	uint32_t last = 0;
	bool loose = false;

	for (const struct ast_line *line = part->section->lines; line != part->end; line = line->next) {
		uint32_t number = line_of_span(o, line->span);

		if (line->kind != LINE_COMMENT)
			loose = false;
		else if (!last || number > last + 1)
			loose = true;
		last = number;
	}
	return loose && part->section->kind != SECTION_NONE;
}

static void define(struct order *o, struct name **table, struct text name, unsigned section)
{
	struct text lower = arena_lower(o->arena, name);
	struct name *known;

	HASH_FIND(hh, *table, lower.ptr, lower.len, known);
	if (!known) {
		known = ARENA_NEW(o->arena, struct name);
		known->lower = lower;
		known->old.first = section;
		known->new.first = o->new[section];
		HASH_ADD_KEYPTR(hh, *table, known->lower.ptr, known->lower.len, known);
	}
	known->old.last = section;
	known->new.last = o->new[section];
}

/* Includes lines that are not aliases: the first word can name an alias without a value. */
static void define_aliases(struct order *o, unsigned section)
{
	const struct fmt_part *part = &o->parts[section];

	for (const struct ast_line *line = part->section->lines; line != part->end; line = line->next) {
		struct text name = { NULL, 0 };

		if (line->kind == LINE_ALIAS)
			name = word_text(((const struct ast_alias *)line)->name);
		else if (line->kind == LINE_BAD)
			name = word_text(((const struct ast_text_line *)line)->text);
		for (uint32_t i = 0; i < name.len; i++)
			if (char_is_blank(name.ptr[i]) || name.ptr[i] == ':')
				name.len = i;
		if (name.len)
			define(o, &o->aliases, name, section);
	}
}

static void define_names(struct order *o)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct ast_section *s = o->parts[i].section;

		if (s->kind == SECTION_ALIASES)
			define_aliases(o, i);
		else if (s->kind == SECTION_IPSET)
			define(o, &o->sets, word_text(s->name), i);
	}
}

/* Whether the section stays on the same side of all definitions of the name. */
static bool stays_behind(const struct order *o, const struct name *table, struct text name,
			 unsigned section)
{
	struct text lower = arena_lower(o->arena, name);
	unsigned new = o->new[section];
	const struct name *known;

	HASH_FIND(hh, table, lower.ptr, lower.len, known);
	return !known || (known->old.last < section && known->new.last < new) ||
	       (known->old.first > section && known->new.first > new);
}

/* A reference, or any other word. */
static bool reference_stays(const struct order *o, struct word word, unsigned section)
{
	static const char *const scopes[] = { "dc/", "guest/", "sdn/" };
	struct text name = word_text(word);
	bool set = text_starts(name, "+");

	if (set)
		name = (struct text){ name.ptr + 1, name.len - 1 };
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if (text_starts(name, scopes[i])) {
			uint32_t len = (uint32_t)strlen(scopes[i]);

			name = (struct text){ name.ptr + len, name.len - len };
			break;
		}
	return stays_behind(o, set ? o->sets : o->aliases, name, section);
}

static bool line_stays(const struct order *o, const struct ast_line *line, unsigned section)
{
	if (line->kind == LINE_ENTRY)
		return reference_stays(o, ((const struct ast_entry *)line)->address, section);
	if (line->kind != LINE_RULE)
		return true;
	for (const struct ast_param *p = ((const struct ast_rule *)line)->params; p; p = p->next)
		if (p->value.ptr && !reference_stays(o, p->value, section))
			return false;
	return true;
}

static bool references_stay(struct order *o)
{
	bool stay = true;

	define_names(o);
	for (unsigned i = 0; i < o->count && stay; i++)
		for (const struct ast_line *line = o->parts[i].section->lines; line && stay; line = line->next)
			stay = line_stays(o, line, i);
	HASH_CLEAR(hh, o->aliases);
	HASH_CLEAR(hh, o->sets);
	return stay;
}

/* ---- sorting ---- */

/* Fills in the new numbers. */
static void sort_parts(struct order *o)
{
	static const enum section_kind order[SECTION_KINDS] = {
		SECTION_NONE, SECTION_OPTIONS, SECTION_ALIASES, SECTION_IPSET, SECTION_RULES, SECTION_GROUP,
	};
	unsigned next = 0;

	for (int kind = 0; kind < SECTION_KINDS; kind++)
		for (unsigned i = 0; i < o->count; i++)
			if (o->parts[i].section->kind == order[kind])
				o->new[i] = next++;
}

static bool may_move(struct order *o)
{
	bool sorted = true;

	for (unsigned i = 0; i < o->count; i++) {
		sorted = sorted && o->new[i] == i;
		for (const struct ast_line *line = o->parts[i].section->lines; line; line = line->next)
			if (line->kind == LINE_HEADER) /* a stray one */
				return false;
		if (ends_loosely(o, &o->parts[i]))
			return false;
	}
	return !sorted && references_stay(o);
}

struct fmt_part *fmt_order(struct arena *arena, const struct source_map *map, const struct ast_file *file,
			   unsigned *count)
{
	struct order o = { .arena = arena, .map = map };
	struct fmt_part *moved;

	*count = 0;
	for (const struct ast_section *s = file->sections; s; s = s->next)
		++*count;
	o.parts = ARENA_ARRAY(arena, struct fmt_part, *count);
	o.new = ARENA_ARRAY(arena, unsigned, *count);
	collect_parts(&o, file);
	sort_parts(&o);
	if (!may_move(&o))
		return o.parts;
	moved = ARENA_ARRAY(arena, struct fmt_part, *count);
	for (unsigned i = 0; i < *count; i++)
		moved[o.new[i]] = o.parts[i];
	return moved;
}
