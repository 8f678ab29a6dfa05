/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the names that a file defines. */
#include "resolve/file_passes.h"
#include "resolve/scope.h"

/* ---- first pass: headers ---- */

/* Uses of the name become labels of `d` and are not reported themselves. */
static void skip_name(struct resolver *r, enum section_kind kind, struct text name, struct diagnostic *d)
{
	struct text key = scope_skipped_key(r->arena, kind, name);
	struct skipped_name *skipped = NULL;

	HASH_FIND(hh, r->own->skipped, key.ptr, key.len, skipped);
	if (!skipped) {
		skipped = ARENA_NEW(r->arena, struct skipped_name);
		skipped->key = key;
		HASH_ADD_KEYPTR(hh, r->own->skipped, key.ptr, key.len, skipped);
	}
	skipped->d = d;
}

/* The name of the set or group is invalid: skips the section. */
static void report_bad_name(struct resolver *r, const struct ast_section *section)
{
	bool group = section->kind == SECTION_GROUP;
	enum diag_id id = group ? DIAG_BAD_GROUP_NAME : DIAG_BAD_SET_NAME;
	const char *what = group ? "security group" : "IP set";
	struct text name = word_text(section->name);
	struct diagnostic *d;

	if (name_is_valid(name)) {
		d = diag(r->diags, word_span(section->name), id,
			 "name is too long for a%s %s: at most %u characters", group ? "" : "n", what,
			 (unsigned)(group ? GROUP_NAME_MAX : SET_NAME_MAX));
		diag_here(d, "%u characters", name.len);
	} else {
		d = diag(r->diags, word_span(section->name), id, "`%.*s` is not a valid name for a%s %s",
			 TEXT_ARG(name), group ? "" : "n", what);
		diag_help(d, "write a letter, then letters, digits, `-` and `_`, at least two characters");
	}
	diag_note(d, "the whole section is ignored, and so is every rule that uses it");
	skip_name(r, section->kind, name, d);
}

static void define_set(struct resolver *r, const struct ast_section *section)
{
	struct text name = arena_lower(r->arena, word_text(section->name));
	struct ipset *set = scope_find_set(r->own, name);

	if (set) {
		struct diagnostic *d = diag(r->diags, word_span(section->name), DIAG_DUPLICATE_SET,
					    "IP set `%.*s` is defined twice", TEXT_ARG(name));

		diag_label(d, set->span, "first defined here");
		diag_note(d, "this definition applies everywhere; the entries of the first one are ignored");
		set->last_span = section->span;
		return;
	}
	set = ARENA_NEW(r->arena, struct ipset);
	set->name = name;
	set->scope = r->own->kind;
	set->vmid = r->own->vmid;
	set->last = &set->entries;
	set->span = set->last_span = section->span;
	HASH_ADD_KEYPTR(hh, r->own->ipsets, set->name.ptr, set->name.len, set);
}

static void define_group(struct resolver *r, const struct ast_section *section)
{
	struct text name = arena_lower(r->arena, word_text(section->name));
	struct group *group = scope_find_group(r->config, name);

	if (group) {
		struct diagnostic *d = diag(r->diags, word_span(section->name), DIAG_DUPLICATE_GROUP,
					    "security group `%.*s` is defined twice", TEXT_ARG(name));

		diag_label(d, group->span, "first defined here");
		diag_note(d, "this definition applies everywhere; the rules of the first one are ignored");
		group->last_span = section->span;
		return;
	}
	group = ARENA_NEW(r->arena, struct group);
	group->name = name;
	group->rules.last = &group->rules.first;
	group->span = group->last_span = section->span;
	group->id = r->config->group_count++;
	HASH_ADD_KEYPTR(hh, r->config->groups, group->name.ptr, group->name.len, group);
}

static void define_section(struct resolver *r, const struct ast_section *section)
{
	if (section->kind != SECTION_IPSET && section->kind != SECTION_GROUP)
		return;
	if (!section_has_valid_name(section))
		report_bad_name(r, section);
	else if (section->kind == SECTION_IPSET)
		define_set(r, section);
	else
		define_group(r, section);
}

/* ---- first pass: aliases ---- */

static const char no_value[] = "the alias has no value; rules and set entries that use it are ignored";

/* Notes what happens to the uses of an alias without a value; `lost` if no other file defines it. */
static struct diagnostic *note_uses(struct resolver *r, struct diagnostic *d, struct word word, const char *lost)
{
	struct text name = arena_lower(r->arena, word_text(word));
	struct alias *alias = scope_find_alias(r->own, name);

	if (!alias || !alias->valid)
		alias = scope_find_alias(&r->config->cluster, name);
	if (!alias || !alias->valid)
		return diag_note(d, "%s", lost);
	diag_label(d, alias->span, "this alias of the same name is used instead");
	return diag_note(d, "the line is ignored");
}

static struct diagnostic *report_alias_address(struct resolver *r, const struct ast_alias *node,
					       enum address_error error)
{
	enum diag_id id = error == ADDRESS_TOO_LONG ? DIAG_ALIAS_PREFIX_LENGTH : DIAG_BAD_ALIAS_ADDRESS;
	struct span span = word_span(node->cidr);
	bool several = text_find(word_text(node->cidr), ',') > 0 || text_find(word_text(node->cidr), '-') > 0;
	char intended[PREFIX_TEXT_SIZE];
	struct diagnostic *d;

	if (error == ADDRESS_TOO_LONG)
		d = diag(r->diags, span, id, "prefix length of alias `%.*s` is too long",
			 TEXT_ARG(node->name));
	else
		d = diag(r->diags, span, id, "`%.*s` is not a valid address for alias `%.*s`",
			 TEXT_ARG(node->cidr), TEXT_ARG(node->name));
	if (address_intended(word_text(node->cidr), intended))
		diag_suggest(d, span, "%s", intended);
	else if (error != ADDRESS_TOO_LONG && several)
		diag_help(d, "an alias is one address or one network; for several, define an IP set");
	else if (error != ADDRESS_TOO_LONG)
		diag_help(d, "an alias is one address or one network, as in 10.0.0.1 or 10.0.0.0/24");
	else
		diag_here(d, "at most %d", text_find(word_text(node->cidr), ':') >= 0 ? 128 : 32);
	return note_uses(r, d, node->name, no_value);
}

static struct diagnostic *report_alias_gap(struct resolver *r, const struct ast_alias *node)
{
	struct span gap = { node->name.begin + node->name.len, node->cidr.begin };
	struct span whole = { node->name.begin, node->cidr.begin + node->cidr.len };
	struct diagnostic *d = diag(r->diags, gap, DIAG_ALIAS_GAP,
				    "alias and its address are not separated by exactly one space");

	diag_here(d, "%u spaces here", gap.end - gap.begin);
	note_uses(r, d, node->name, no_value);
	return diag_correct(d, whole, "%.*s %.*s", TEXT_ARG(node->name), TEXT_ARG(node->cidr));
}

/* Defines an alias that was reported, so that its uses are not reported again. */
static void define_without_value(struct resolver *r, struct word word, struct text cidr, struct diagnostic *d)
{
	struct text name = arena_lower(r->arena, word_text(word));
	struct alias *alias = scope_find_alias(r->own, name);

	if (alias && alias->valid)
		return; /* keeps the value it has */
	if (!alias) {
		alias = ARENA_NEW(r->arena, struct alias);
		alias->name = name;
		alias->span = word_span(word);
		HASH_ADD_KEYPTR(hh, r->own->aliases, alias->name.ptr, alias->name.len, alias);
	}
	alias->cidr = cidr;
	alias->reported = d;
}

/* *swapped: the name and the address are swapped. */
static bool report_alias_name(struct resolver *r, const struct ast_alias *node, bool *swapped)
{
	struct text name = word_text(node->name);
	struct word meant = node->name;
	struct prefix ignored;
	struct diagnostic *d;

	if (name_is_valid(name) && name.len <= ALIAS_NAME_MAX)
		return false;
	if (!prefix_parse(name, &ignored) && name_is_valid(word_text(node->cidr)))
		*swapped = true;
	d = diag(r->diags, word_span(node->name), DIAG_BAD_ALIAS_NAME,
		 "`%.*s` is not a valid name for an alias", TEXT_ARG(name));
	diag_note(d, "the alias is ignored, and so are rules and set entries that use it");
	if (*swapped) {
		diag_suggest(d, node->line.span, "%.*s %.*s", TEXT_ARG(node->cidr), TEXT_ARG(name));
		return true;
	}
	meant.len -= name.ptr[name.len - 1] == ':';
	if (meant.len == name.len || !name_is_valid(word_text(meant))) {
		diag_help(d, "write a letter, then letters, digits, `-` and `_`, 2 to 64 characters");
		skip_name(r, SECTION_ALIASES, name, d);
		return true;
	}
	diag_suggest(d, word_span(node->name), "%.*s", TEXT_ARG(meant));
	define_without_value(r, meant, word_text(node->cidr), d);
	return true;
}

static struct alias *alias_for(struct resolver *r, const struct ast_alias *node)
{
	struct text name = arena_lower(r->arena, word_text(node->name));
	struct alias *alias = scope_find_alias(r->own, name);

	if (alias && !alias->valid) {
		alias->span = word_span(node->name); /* the first valid definition */
		return alias;
	}
	if (alias) {
		struct diagnostic *d = diag(r->diags, word_span(node->name), DIAG_DUPLICATE_ALIAS,
					    "alias `%.*s` is defined twice", TEXT_ARG(name));

		diag_label(d, alias->span, "first defined here, as %.*s", TEXT_ARG(alias->cidr));
		if (text_equal(alias->cidr, word_text(node->cidr)))
			diag_note(d, "both lines are equivalent; remove one of them");
		else
			diag_note(d, "%.*s applies everywhere, also in rules and sets above",
				  TEXT_ARG(node->cidr));
		return alias;
	}
	alias = ARENA_NEW(r->arena, struct alias);
	alias->name = name;
	alias->span = word_span(node->name);
	HASH_ADD_KEYPTR(hh, r->own->aliases, alias->name.ptr, alias->name.len, alias);
	return alias;
}

static void define_alias(struct resolver *r, const struct ast_alias *node)
{
	struct text cidr = word_text(node->cidr);
	struct prefix prefix;
	enum address_error error;
	struct diagnostic *d = NULL;
	struct alias *alias;
	bool bad_name, swapped = false;

	bad_name = report_alias_name(r, node, &swapped);
	if (swapped)
		return;
	error = prefix_parse(cidr, &prefix);
	if (node->wide_gap)
		d = report_alias_gap(r, node);
	if (error)
		d = report_alias_address(r, node, error);
	if (bad_name)
		return;
	if (d) {
		define_without_value(r, node->name, cidr, d);
		return;
	}
	alias = alias_for(r, node);
	alias->cidr = prefix_text_without_length(cidr, &prefix);
	alias->prefix = prefix;
	alias->valid = true;
}

/* The word at or after byte `at`; len 0: there is none. */
static struct word word_behind(struct word line, uint32_t at)
{
	uint32_t end;

	while (at < line.len && char_is_blank(line.ptr[at]))
		at++;
	for (end = at; end < line.len && !char_is_blank(line.ptr[end]); end++)
		;
	return word_part(line, at, end - at);
}

static void report_malformed_alias(struct resolver *r, struct word line)
{
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_MALFORMED_ALIAS, "line is not an alias");
	struct word name = word_behind(line, 0), cidr = word_behind(line, name.len);
	struct word third = word_behind(line, cidr.begin - line.begin + cidr.len);
	struct ast_alias meant = { .name = name, .cidr = cidr };
	struct prefix ignored;
	bool right = name_is_valid(word_text(name)) && !prefix_parse(word_text(cidr), &ignored);
	enum address_error error;

	if (text_is(word_text(cidr), "=") || text_is(word_text(cidr), ":")) {
		diag_help(d, "separate name and address by one space and nothing else");
		meant.cidr = third;
		if (third.len && name_is_valid(word_text(name)))
			diag_fix(d, (struct span){ name.begin + name.len, third.begin }, " ");
	} else if (!header_help(r, d)) {
		diag_help(d, "write an alias as `NAME ADDRESS`; a comment begins with `#`");
		if (right && (text_starts(word_text(third), ";") || text_starts(word_text(third), "//")))
			diag_fix(d, (struct span){ third.begin, third.begin + (third.ptr[0] == ';' ? 1 : 2) }, "#");
	}
	note_uses(r, d, name, "the line is ignored, and so are rules and set entries that use the alias");
	error = prefix_parse(word_text(meant.cidr), &ignored);
	if (error && meant.cidr.len && (char_is_digit(meant.cidr.ptr[0]) || text_find(word_text(meant.cidr), ':') >= 0))
		report_alias_address(r, &meant, error);
	if (name_is_valid(word_text(name)) && name.len <= ALIAS_NAME_MAX)
		define_without_value(r, name, (struct text){ "", 0 }, d);
}

/* ---- first pass: all lines ---- */

static struct word line_text(const struct ast_line *line)
{
	return ((const struct ast_text_line *)line)->text;
}

static void report_outside(struct resolver *r, const struct ast_line *line)
{
	struct diagnostic *d = diag(r->diags, line->span, DIAG_NO_SECTION, "line before the first section");

	diag_note(d, "the line is ignored");
	if (looks_like_rule(word_text(line_text(line))))
		diag_help(d, "write `[RULES]` above it");
	else if (text_find(word_text(line_text(line)), ':') > 0)
		diag_help(d, "write `[OPTIONS]` above it");
}

static void define_line(struct resolver *r, const struct ast_section *section, const struct ast_line *line)
{
	if (line->kind == LINE_HEADER)
		header_report(r, section, line_text(line));
	else if (encoding_lost(r->lost, line->span))
		return;
	else if (line->kind == LINE_RAW)
		report_outside(r, line);
	else if (section->kind == SECTION_ALIASES && line->kind == LINE_ALIAS)
		define_alias(r, (const struct ast_alias *)line);
	else if (section->kind == SECTION_ALIASES && line->kind == LINE_BAD)
		report_malformed_alias(r, line_text(line));
}

void names_define(struct resolver *r)
{
	for (const struct ast_section *s = r->file->sections; s; s = s->next) {
		define_section(r, s);
		if (section_table[s->kind].named && !section_has_valid_name(s))
			continue;
		header_pass(r, NULL);
		for (const struct ast_line *line = s->lines; line; line = line->next) {
			header_pass(r, line);
			define_line(r, s, line);
		}
	}
}
