/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that nothing refers to, and names that mean two things.
 *
 * Every word outside of comments that can be a reference counts as a use, also in rules that are disabled or wrong:
 * their authors have the name in mind, and a wrong rule has a diagnostic of its own.  So this looks up the words of the
 * files, not the references of resolved rules.
 */
#include <stdlib.h>

#include "source/lines.h"
#include "lint/lint_context.h"
#include "lint/lint_packets.h"

enum name_kind { NAME_ALIAS, NAME_SET, NAME_GROUP };

enum { LONGEST_NAME = 64 };

/* A name with a definition of each kind. */
struct name {
	struct text text;    /* lower case */
	struct span span[3]; /* by kind; begin 0: not defined */
	bool used[3];
	UT_hash_handle hh;
};

static void define_name(struct arena *arena, struct name **names, enum name_kind kind, struct text text,
		   struct span span)
{
	struct name *name = NULL;

	if (!span.begin)
		return;
	if (*names)
		HASH_FIND(hh, *names, text.ptr, text.len, name);
	if (!name) {
		name = ARENA_NEW(arena, struct name);
		name->text = text;
		HASH_ADD_KEYPTR(hh, *names, name->text.ptr, name->text.len, name);
	}
	name->span[kind] = span;
}

/* Sets and aliases that work without a reference. */
static bool has_meaning(struct text name)
{
	return text_is(name, "management") || text_is(name, "blacklist") || text_is(name, "local_network") ||
	       text_starts(name, "ipfilter-net");
}

static struct name *names_of_scope(struct arena *arena, const struct scope *scope)
{
	struct name *names = NULL;

	for (const struct alias *a = scope->aliases; a; a = a->hh.next)
		if (!has_meaning(a->name))
			define_name(arena, &names, NAME_ALIAS, a->name, a->span);
	for (const struct ipset *s = scope->ipsets; s; s = s->hh.next)
		if (!has_meaning(s->name))
			define_name(arena, &names, NAME_SET, s->name, s->span);
	return names;
}

/* ---- uses ---- */

static void use(struct name *names, struct text word, bool set, bool group)
{
	struct name *name = NULL;
	char lower[LONGEST_NAME + 1];

	if (!word.len || word.len > LONGEST_NAME || !names || !char_is_letter(word.ptr[0]))
		return;
	for (uint32_t i = 0; i < word.len; i++)
		lower[i] = char_lower(word.ptr[i]);
	HASH_FIND(hh, names, lower, word.len, name);
	if (!name)
		return;
	/* An alias that is used as a set, or a set as an alias, is reported at the reference. */
	name->used[NAME_ALIAS] |= !group;
	name->used[NAME_SET] |= !group;
	name->used[NAME_GROUP] |= group && !set;
}

/* Looks up a word without `+`, `!` and scope. */
static void use_word(struct name *own, struct name *cluster, struct text word, bool group)
{
	bool set = false, elsewhere;
	long slash;

	while (word.len && (word.ptr[0] == '+' || word.ptr[0] == '!')) {
		set |= word.ptr[0] == '+';
		word = (struct text){ word.ptr + 1, word.len - 1 };
	}
	slash = text_find(word, '/');
	elsewhere = slash >= 0 && text_equal_nocase((struct text){ word.ptr, (uint32_t)slash }, TEXT("dc"));
	if (slash >= 0)
		word = (struct text){ word.ptr + slash + 1, word.len - (uint32_t)slash - 1 };
	if (!elsewhere)
		use(own, word, set, group);
	use(cluster, word, set, group);
}

static bool line_is_header(struct word line)
{
	return line.len && line.ptr[0] == '[';
}

/* Looks up the words of a file, except in [ALIASES], whose lines define. */
static void use_file(const struct source *source, struct name *own, struct name *cluster)
{
	struct lines lines = lines_of(source);
	bool aliases = false;
	struct word line, comment;

	while (lines_next(&lines, &line)) {
		struct word rest = word_cut(line, '#', &comment), word;
		bool group = false;

		if (line_is_header(line))
			aliases = text_starts_nocase(word_text(line), "[aliases]");
		if (aliases || line_is_header(line))
			continue;
		for (word = word_first(rest, &rest); word.len; word = word_first(rest, &rest)) {
			struct text text = word_text(word);

			use_word(own, cluster, text, group);
			group = text_equal_nocase(text, TEXT("GROUP")) ||
				text_equal_nocase(text, TEXT("|GROUP"));
		}
	}
}

/* ---- unused ---- */

static void report_unused_names(struct lint *lint, const struct name *names)
{
	static const struct {
		enum diag_id id;
		const char *what;
	} kinds[] = { { DIAG_UNUSED_ALIAS, "alias" },
		      { DIAG_UNUSED_SET, "IP set" },
		      { DIAG_UNUSED_GROUP, "security group" } };

	for (const struct name *n = names; n; n = n->hh.next)
		for (int kind = 0; kind < 3; kind++) {
			struct diagnostic *d;

			if (!n->span[kind].begin || n->used[kind])
				continue;
			d = diag(lint->diags, n->span[kind], kinds[kind].id, "%s `%.*s` is not used",
				 kinds[kind].what, TEXT_ARG(n->text));
			diag_note(d, "it has no effect on any traffic");
		}
}

void lint_unused_names(struct lint *lint)
{
	const struct config *config = lint->config;
	struct name *cluster = names_of_scope(&lint->scratch, &config->cluster), *own;

	for (const struct group *g = config->groups; g; g = g->hh.next)
		define_name(&lint->scratch, &cluster, NAME_GROUP, g->name, g->span);
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct lint_file *file = &lint->files[i];

		own = file->guest ? names_of_scope(&lint->scratch, &file->guest->scope) : NULL;
		use_file(file->source, own, cluster);
		report_unused_names(lint, own);
		HASH_CLEAR(hh, own);
	}
	for (uint32_t i = 0; i < lint->other_host_count; i++)
		use_file(lint->other_hosts[i], NULL, cluster);
	report_unused_names(lint, cluster);
	HASH_CLEAR(hh, cluster);
}

/* ---- shadowed ---- */

static bool sets_are_equal(struct lint *lint, const struct ipset *a, const struct ipset *b)
{
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set x = lint_ipset(lint, a, family_mask), y = lint_ipset(lint, b, family_mask);

		if (x.count != y.count || (x.count && memcmp(x.ranges, y.ranges, x.count * sizeof(*x.ranges)) != 0))
			return false;
	}
	return true;
}

static void report_shadowed(struct lint *lint, const char *what, struct text name, struct span here,
			    struct span there)
{
	struct diagnostic *d = diag(lint->diags, here, DIAG_SHADOWED_NAME,
				    "cluster.fw has %s `%.*s` with other addresses", what, TEXT_ARG(name));

	diag_label(d, there, "defined in cluster.fw here");
	diag_note(d, "in this file `%.*s` means this one; `dc/%.*s` means that of cluster.fw", TEXT_ARG(name),
		  TEXT_ARG(name));
	diag_help(d, "rename this one");
}

static void compare_scopes(struct lint *lint, const struct scope *own, const struct scope *cluster)
{
	for (const struct alias *a = cluster->aliases ? own->aliases : NULL; a; a = a->hh.next) {
		const struct alias *other = NULL;

		HASH_FIND(hh, cluster->aliases, a->name.ptr, a->name.len, other);
		if (other && a->span.begin && other->span.begin && a->valid && other->valid &&
		    prefix_compare(&a->prefix, &other->prefix) != 0)
			report_shadowed(lint, "an alias", a->name, a->span, other->span);
	}
	for (const struct ipset *s = cluster->ipsets ? own->ipsets : NULL; s; s = s->hh.next) {
		const struct ipset *other = NULL;

		HASH_FIND(hh, cluster->ipsets, s->name.ptr, s->name.len, other);
		if (other && s->span.begin && other->span.begin && !has_meaning(s->name) &&
		    !sets_are_equal(lint, s, other))
			report_shadowed(lint, "an IP set", s->name, s->span, other->span);
	}
}

void lint_shadowed_names(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].guest)
			compare_scopes(lint, &lint->files[i].guest->scope, &lint->config->cluster);
}
