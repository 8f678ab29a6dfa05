/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolve/scope.h"

struct alias *scope_find_alias(const struct scope *scope, struct text name)
{
	struct alias *alias = NULL;

	if (scope && scope->aliases)
		HASH_FIND(hh, scope->aliases, name.ptr, name.len, alias);
	return alias;
}

struct ipset *scope_find_set(const struct scope *scope, struct text name)
{
	struct ipset *set = NULL;

	if (scope && scope->ipsets)
		HASH_FIND(hh, scope->ipsets, name.ptr, name.len, set);
	return set;
}

struct group *scope_find_group(const struct config *config, struct text name)
{
	struct group *group = NULL;

	if (config->groups)
		HASH_FIND(hh, config->groups, name.ptr, name.len, group);
	return group;
}

/* A letter for the kind of name, then the name in lower case. */
struct text scope_skipped_key(struct arena *arena, enum section_kind kind, struct text name)
{
	const char letter = (char)('a' + (int)kind);

	return arena_lower(arena, ARENA_JOIN(arena, (struct text){ &letter, 1 }, name));
}

bool section_has_valid_name(const struct ast_section *section)
{
	struct text name = word_text(section->name);

	return name_is_valid(name) && name.len <= (section->kind == SECTION_GROUP ? GROUP_NAME_MAX : SET_NAME_MAX);
}

bool looks_like_alias(struct text text)
{
	uint32_t prefix = text_starts(text, "dc/") ? 3 : text_starts(text, "guest/") ? 6 : 0;

	return name_is_valid((struct text){ text.ptr + prefix, text.len - prefix });
}

bool looks_like_rule(struct text line)
{
	uint32_t begin = line.len && line.ptr[0] == '|', end = begin;

	while (end < line.len && !char_is_blank(line.ptr[end]))
		end++;
	return direction_find((struct text){ line.ptr + begin, end - begin }) != DIRECTIONS;
}
