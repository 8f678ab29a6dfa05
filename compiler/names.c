/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: what a file defines, and what its references mean. */
#include "resolve.h"

/* ---- names as such ---- */

bool name_is_valid(struct text name)
{
	if (name.len < 2 || !char_is_letter(name.ptr[0]))
		return false;
	for (uint32_t i = 1; i < name.len; i++)
		if (!char_is_letter(name.ptr[i]) && !char_is_digit(name.ptr[i]) &&
		    name.ptr[i] != '-' && name.ptr[i] != '_')
			return false;
	return true;
}

static uint32_t longest_name(enum section_kind kind)
{
	return kind == SECTION_GROUP ? NAME_LONGEST_GROUP : NAME_LONGEST_SET;
}

bool names_section_counts(const struct ast_section *section)
{
	struct text name = word_text(section->name);

	return name_is_valid(name) && name.len <= longest_name(section->kind);
}

static struct alias *find_alias(struct scope *scope, struct text lower_name)
{
	struct alias *alias = NULL;

	if (scope && scope->aliases)
		HASH_FIND(hh, scope->aliases, lower_name.ptr, lower_name.len, alias);
	return alias;
}

static struct ipset *find_set(struct scope *scope, struct text name)
{
	struct ipset *set = NULL;

	if (scope && scope->ipsets)
		HASH_FIND(hh, scope->ipsets, name.ptr, name.len, set);
	return set;
}

struct group *names_group(const struct config *config, struct text name)
{
	struct group *group = NULL;

	if (config->groups)
		HASH_FIND(hh, config->groups, name.ptr, name.len, group);
	return group;
}

/* ---- first pass: headers ---- */

/* Uses of the name are shown with `d`, and not reported by themselves. */
static void skip_name(struct resolver *r, enum section_kind kind, struct text name, struct diagnostic *d)
{
	struct skipped_name *skipped = ARENA_NEW(r->arena, struct skipped_name);

	*skipped = (struct skipped_name){ kind, arena_lower(r->arena, name), d, r->own->skipped };
	r->own->skipped = skipped;
}

/* A name that breaks the rules for sets and groups: everything below is skipped. */
static void report_bad_name(struct resolver *r, const struct ast_section *section)
{
	bool group = section->kind == SECTION_GROUP;
	enum diag_id id = group ? DIAG_BAD_GROUP_NAME : DIAG_BAD_SET_NAME;
	const char *what = group ? "security group" : "IP set";
	struct text name = word_text(section->name);
	struct diagnostic *d;

	if (name_is_valid(name)) {
		d = diag(r->diags, word_span(section->name), id, "the name of a%s %s has at most %u characters",
			 group ? "" : "n", what, longest_name(section->kind));
		diag_here(d, "%u characters", name.len);
	} else {
		d = diag(r->diags, word_span(section->name), id, "`%.*s` cannot be the name of a%s %s",
			 TEXT_ARG(name), group ? "" : "n", what);
		diag_help(d, "a name is a letter, then letters, digits, `-` and `_`, at least two "
			     "characters in all");
	}
	diag_note(d, "the whole section is ignored, and so is every rule that refers to it");
	skip_name(r, section->kind, name, d);
}

static void define_set(struct resolver *r, const struct ast_section *section)
{
	struct text name = arena_lower(r->arena, word_text(section->name));
	struct ipset *set = find_set(r->own, name);

	if (set) {
		struct diagnostic *d = diag(r->diags, word_span(section->name), DIAG_DUPLICATE_SET,
					    "the IP set `%.*s` is defined twice", TEXT_ARG(name));

		diag_label(d, set->span, "first defined here");
		diag_note(d, "this definition counts, everywhere; the entries of the first one are lost");
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
	struct group *group = names_group(r->config, name);

	if (group) {
		struct diagnostic *d = diag(r->diags, word_span(section->name), DIAG_DUPLICATE_GROUP,
					    "the security group `%.*s` is defined twice", TEXT_ARG(name));

		diag_label(d, group->span, "first defined here");
		diag_note(d, "this definition counts, everywhere; the rules of the first one are lost");
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
	if (!names_section_counts(section))
		report_bad_name(r, section);
	else if (section->kind == SECTION_IPSET)
		define_set(r, section);
	else
		define_group(r, section);
}

/* ---- first pass: lines that look like headers and are none ---- */

/* What stands between the brackets. */
static struct text inside(struct word line)
{
	struct text inner = { line.ptr + 1, line.len - 1 };

	while (inner.len && (inner.ptr[inner.len - 1] == ']' || char_is_blank(inner.ptr[inner.len - 1])))
		inner.len--;
	while (inner.len && char_is_blank(inner.ptr[0])) {
		inner.ptr++;
		inner.len--;
	}
	return inner;
}

/* The known section that a stray header means, by its first word. */
static enum section_kind meant_section(struct word line)
{
	struct text inner = inside(line), first = { inner.ptr, 0 };

	while (first.len < inner.len && (char_is_letter(first.ptr[first.len]) || first.ptr[first.len] == '_'))
		first.len++;
	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		if (text_equal_nocase(text_of(section_table[kind].name), first))
			return (enum section_kind)kind;
	return SECTION_NONE;
}

static void note_section_goes_on(struct diagnostic *d, const struct ast_section *section)
{
	if (section->kind == SECTION_NONE)
		diag_note(d, "no section begins here; the lines below are ignored");
	else
		diag_note(d, "no section begins here; the lines below still belong to [%s%s%.*s] and stay "
			     "active",
			  section_name(section->kind), section->name.len ? " " : "",
			  TEXT_ARG(section->name));
}

/* The sections this file may have, as "[OPTIONS], [RULES]". */
static const char *allowed_sections(struct resolver *r)
{
	const char *list = "";

	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		if (section_allowed((enum section_kind)kind, r->file->kind))
			list = arena_printf(r->arena, "%s%s[%s%s]", list, *list ? ", " : "", section_table[kind].name,
					    section_table[kind].named ? " name" : "");
	return list;
}

/* The section whose name, alone or before a blank, is nearly `inner`; false if none. */
static bool suggest_section(struct resolver *r, struct diagnostic *d, struct word line, struct text inner)
{
	struct text first = inner;
	struct suggestion plain, named;

	while (first.len && text_find(first, ' ') >= 0)
		first.len = (uint32_t)text_find(first, ' ');
	suggest_start(&plain, inner);
	suggest_start(&named, first);
	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		if (section_allowed((enum section_kind)kind, r->file->kind))
			suggest(section_table[kind].named ? &named : &plain, text_of(section_table[kind].name),
				(struct span){ 0, 0 });
	if (named.best.len && first.len < inner.len)
		diag_help(d, "did you mean `[%.*s%.*s]`?", TEXT_ARG(named.best), (int)(inner.len - first.len),
			  inner.ptr + first.len);
	else if (plain.best.len)
		diag_fix(diag_help(d, "did you mean `[%.*s]`?", TEXT_ARG(plain.best)), word_span(line), "[%.*s]",
			 TEXT_ARG(plain.best));
	else
		return false;
	return true;
}

static struct diagnostic *report_unknown_section(struct resolver *r, const struct ast_section *section,
						 struct word line)
{
	struct text inner = inside(line);
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_UNKNOWN_SECTION, "there is no section `%.*s`",
				    TEXT_ARG(inner));

	if (suggest_section(r, d, line, inner))
		return d;
	diag_help(d, "a %s file has %s", file_kind_name(r->file->kind), allowed_sections(r));
	if (section->kind == SECTION_RULES || section->kind == SECTION_GROUP)
		diag_help(d, "to switch rules off, write `|` in front of each");
	return d;
}

/* "[RULES] # mine": plain sections take nothing behind the bracket. */
static struct diagnostic *report_header_comment(struct resolver *r, struct word line,
						enum section_kind kind)
{
	uint32_t close = (uint32_t)text_find(word_text(line), ']');
	struct word rest = word_part(line, close + 1, line.len - close - 1);
	struct diagnostic *d;

	while (rest.len && char_is_blank(rest.ptr[0]))
		rest = word_part(rest, 1, rest.len - 1);
	d = diag(r->diags, word_span(rest), DIAG_HEADER_COMMENT, "nothing may follow `[%s]`",
		 section_name(kind));
	diag_help(d, rest.ptr[0] == '#' ? "put the comment on a line of its own" : "put this on a line of its own");
	return diag_fix(d, word_span(line), "%.*s\n%.*s", (int)close + 1, line.ptr, TEXT_ARG(rest));
}

static struct diagnostic *report_misplaced_section(struct resolver *r, struct word line, enum section_kind kind)
{
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_MISPLACED_SECTION, "a %s file has no section [%s]",
				    file_kind_name(r->file->kind), section_name(kind));

	diag_here(d, "not allowed here");
	if (kind == SECTION_GROUP)
		return diag_help(d, "security groups are defined in cluster.fw");
	return diag_help(d, "%s are defined in cluster.fw, or in a guest's file for this guest",
			 kind == SECTION_ALIASES ? "aliases" : "IP sets");
}

static struct diagnostic *report_malformed_header(struct resolver *r, struct word line,
						  enum section_kind kind)
{
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_MALFORMED_HEADER,
				    "this is no section header");

	if (section_table[kind].named)
		return diag_help(d, "it is written `[%s name]`, with nothing behind it but a comment",
				 section_name(kind));
	return diag_fix(diag_help(d, "it is written `[%s]`", section_name(kind)), word_span(line), "[%s]",
			section_name(kind));
}

static struct diagnostic *report_header(struct resolver *r, const struct ast_section *section, struct word line)
{
	enum section_kind kind = meant_section(line);
	const char *name = section_name(kind);
	struct text text = word_text(line);
	struct diagnostic *d;

	if (kind == SECTION_NONE && inside(line).len)
		d = report_unknown_section(r, section, line);
	else if (kind == SECTION_NONE)
		d = diag_help(diag(r->diags, word_span(line), DIAG_MALFORMED_HEADER, "this is no section header"),
			      "a %s file has %s", file_kind_name(r->file->kind), allowed_sections(r));
	else if (!section_allowed(kind, r->file->kind))
		d = report_misplaced_section(r, line, kind);
	else if (!section_table[kind].named && text_find(text, ']') == (long)strlen(name) + 1)
		d = report_header_comment(r, line, kind);
	else
		d = report_malformed_header(r, line, kind);
	note_section_goes_on(d, section);
	return d;
}

/* ---- first pass: aliases ---- */

/* Cuts /32 or /128 off, which mean the same as no length. */
static struct text strip_full_length(struct text cidr, const struct prefix *prefix)
{
	long slash = text_find(cidr, '/');

	if (slash >= 0 && prefix->length == prefix_bits(prefix))
		cidr.len = (uint32_t)slash;
	return cidr;
}

static struct diagnostic *report_alias_address(struct resolver *r, const struct ast_alias *node,
					       enum address_error error)
{
	enum diag_id id = error == ADDRESS_TOO_LONG ? DIAG_ALIAS_PREFIX_LENGTH : DIAG_BAD_ALIAS_ADDRESS;
	struct span span = word_span(node->cidr);
	char intended[PREFIX_TEXT_SIZE];
	struct diagnostic *d;

	if (error == ADDRESS_TOO_LONG)
		d = diag(r->diags, span, id, "the prefix length of the alias `%.*s` is too long",
			 TEXT_ARG(node->name));
	else
		d = diag(r->diags, span, id, "`%.*s` is no address for the alias `%.*s`", TEXT_ARG(node->cidr),
			 TEXT_ARG(node->name));
	if (address_intended(word_text(node->cidr), intended))
		diag_fix(diag_help(d, "did you mean `%s`?", intended), span, "%s", intended);
	else if (error != ADDRESS_TOO_LONG)
		diag_help(d, "an alias is one address or one network, as in 10.0.0.1 or 10.0.0.0/24");
	else
		diag_here(d, "at most %d", text_find(word_text(node->cidr), ':') >= 0 ? 128 : 32);
	return diag_note(d, "the alias has no value; rules and set entries that use it are ignored");
}

static struct diagnostic *report_alias_gap(struct resolver *r, const struct ast_alias *node)
{
	struct span gap = { node->name.begin + node->name.len, node->cidr.begin };
	struct span whole = { node->name.begin, node->cidr.begin + node->cidr.len };
	struct diagnostic *d = diag(r->diags, gap, DIAG_ALIAS_GAP,
				    "exactly one blank stands between an alias and its address");

	diag_here(d, "%u here", gap.end - gap.begin);
	diag_note(d, "the alias has no value; rules and set entries that use it are ignored");
	return diag_fix(diag_help(d, "write `%.*s %.*s`", TEXT_ARG(node->name), TEXT_ARG(node->cidr)),
			whole, "%.*s %.*s", TEXT_ARG(node->name), TEXT_ARG(node->cidr));
}

/* An alias that was reported where it stands, and has no value. */
static void define_without_value(struct resolver *r, struct word word, struct text cidr, struct diagnostic *d)
{
	struct text name = arena_lower(r->arena, word_text(word));
	struct alias *alias = find_alias(r->own, name);

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

static bool report_alias_name(struct resolver *r, const struct ast_alias *node)
{
	struct text name = word_text(node->name);
	struct word meant = node->name;
	struct diagnostic *d;

	if (name_is_valid(name) && name.len <= NAME_LONGEST_ALIAS)
		return false;
	d = diag(r->diags, word_span(node->name), DIAG_BAD_ALIAS_NAME, "`%.*s` cannot be the name of an alias",
		 TEXT_ARG(name));
	diag_note(d, "the alias is ignored; nothing can refer to it");
	meant.len -= name.ptr[name.len - 1] == ':';
	if (meant.len == name.len || !name_is_valid(word_text(meant))) {
		diag_help(d, "a name is a letter, then letters, digits, `-` and `_`, 2 to 64 characters in all");
		skip_name(r, SECTION_ALIASES, name, d);
		return true;
	}
	diag_fix(diag_help(d, "did you mean `%.*s`?", TEXT_ARG(meant)), word_span(node->name), "%.*s", TEXT_ARG(meant));
	define_without_value(r, meant, word_text(node->cidr), d);
	return true;
}

static struct alias *alias_for(struct resolver *r, const struct ast_alias *node)
{
	struct text name = arena_lower(r->arena, word_text(node->name));
	struct alias *alias = find_alias(r->own, name);

	if (alias && !alias->valid) {
		alias->span = word_span(node->name); /* the first that counts */
		return alias;
	}
	if (alias) {
		struct diagnostic *d = diag(r->diags, word_span(node->name), DIAG_DUPLICATE_ALIAS,
					    "the alias `%.*s` is defined twice", TEXT_ARG(name));

		diag_label(d, alias->span, "first defined here, as %.*s", TEXT_ARG(alias->cidr));
		diag_note(d, "%.*s counts everywhere, also in rules and sets above", TEXT_ARG(node->cidr));
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
	struct alias *alias;

	if (report_alias_name(r, node))
		return;
	error = prefix_parse(cidr, &prefix);
	if (error || node->wide_gap) {
		define_without_value(r, node->name, cidr,
				     error ? report_alias_address(r, node, error) : report_alias_gap(r, node));
		return;
	}
	alias = alias_for(r, node);
	alias->cidr = strip_full_length(cidr, &prefix);
	alias->prefix = prefix;
	alias->valid = true;
}

static void report_malformed_alias(struct resolver *r, struct word line)
{
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_MALFORMED_ALIAS, "this is no alias");
	struct word name = word_part(line, 0, 0);

	diag_help(d, "an alias is written `NAME ADDRESS`; a comment begins with `#`");
	diag_note(d, "the line is ignored, and so are rules and set entries that use the alias");
	while (name.len < line.len && !char_is_blank(name.ptr[name.len]))
		name.len++;
	if (name_is_valid(word_text(name)) && name.len <= NAME_LONGEST_ALIAS)
		define_without_value(r, name, (struct text){ "", 0 }, d);
}

/* ---- first pass: all lines ---- */

static struct word line_text(const struct ast_line *line)
{
	return ((const struct ast_text_line *)line)->text;
}

static void report_outside(struct resolver *r, const struct ast_line *line)
{
	struct diagnostic *d = diag(r->diags, line->span, DIAG_NO_SECTION, "a line before the first section");

	diag_note(d, "the line is ignored");
	if (looks_like_rule(word_text(line_text(line))))
		diag_help(d, "write `[RULES]` above it");
	else if (text_find(word_text(line_text(line)), ':') > 0)
		diag_help(d, "write `[OPTIONS]` above it");
}

/* Lines that belong to no section because the header above them is none: they are
 * shown with that, not one by one. */
struct headless {
	struct diagnostic *header;
	struct span lines;
};

static void end_headless(struct headless *h)
{
	if (h->lines.begin)
		diag_label(h->header, h->lines, "ignored with it");
	*h = (struct headless){ 0 };
}

static void define_raw_line(struct resolver *r, const struct ast_line *line, struct headless *h)
{
	if (!h->header) {
		report_outside(r, line);
		return;
	}
	if (!h->lines.begin)
		h->lines.begin = line->span.begin;
	h->lines.end = line->span.end;
}

static void define_line(struct resolver *r, const struct ast_section *section, const struct ast_line *line,
			struct headless *h)
{
	if (line->kind == LINE_HEADER) {
		struct diagnostic *d = report_header(r, section, line_text(line));

		end_headless(h);
		h->header = section->kind == SECTION_NONE ? d : NULL;
	} else if (encoding_lost(r->lost, line->span)) {
		if (r->lost->header && !h->header)
			h->header = r->lost->header;
	} else if (line->kind == LINE_RAW)
		define_raw_line(r, line, h);
	else if (section->kind == SECTION_ALIASES && line->kind == LINE_ALIAS)
		define_alias(r, (const struct ast_alias *)line);
	else if (section->kind == SECTION_ALIASES && line->kind == LINE_BAD)
		report_malformed_alias(r, line_text(line));
}

void names_define(struct resolver *r)
{
	struct headless headless = { 0 };

	for (const struct ast_section *s = r->file->sections; s; s = s->next) {
		define_section(r, s);
		if (section_table[s->kind].named && !names_section_counts(s))
			continue;
		for (const struct ast_line *line = s->lines; line; line = line->next)
			define_line(r, s, line, &headless);
		end_headless(&headless);
	}
}

/* ---- second pass: references ---- */

/* "dc/", "guest/", "sdn/" in front of a name; SCOPE_ANY without one. */
static bool take_prefix(struct word *name, const char *prefix)
{
	uint32_t len = (uint32_t)strlen(prefix);

	if (!text_starts(word_text(*name), prefix))
		return false;
	*name = word_part(*name, len, name->len - len);
	return true;
}

/* Where a reference may look, nearest first. */
struct lookup {
	struct word name; /* without the prefix */
	const char *prefix;
	struct scope *scopes[3];
	unsigned count;
	/* In a rule it is enough that the name was seen in any scope before; which
	 * one the prefix means is decided when everything is read.  So it is in the
	 * stock compiler; in sets the prefix counts at once. */
	struct scope *seen_in[3];
	unsigned seen_count;
	bool guest_prefix; /* guest/ outside a guest's file */
	bool cluster;      /* the cluster's file is among them */
};

static struct lookup lookup_start(struct resolver *r, struct word reference, bool set)
{
	struct lookup look = { .name = reference, .prefix = "" };
	bool dc = take_prefix(&look.name, "dc/");
	bool guest = !dc && take_prefix(&look.name, "guest/");
	bool sdn = set && !dc && !guest && take_prefix(&look.name, "sdn/");
	bool any = !dc && !guest && !sdn;

	look.prefix = dc ? "dc/" : guest ? "guest/" : sdn ? "sdn/" : "";
	look.guest_prefix = guest && r->file->kind != FILE_GUEST;
	look.cluster = any || dc;
	if ((any || guest) && r->file->kind == FILE_GUEST)
		look.scopes[look.count++] = r->own;
	if (any || dc)
		look.scopes[look.count++] = &r->config->cluster;
	if (set && (any || sdn))
		look.scopes[look.count++] = &r->config->sdn;
	if (r->file->kind == FILE_GUEST)
		look.seen_in[look.seen_count++] = r->own;
	look.seen_in[look.seen_count++] = &r->config->cluster;
	if (set)
		look.seen_in[look.seen_count++] = &r->config->sdn;
	return look;
}

/* Whether what is defined at `definition` can be seen from `here`: in the same
 * file only what stands above. */
static bool is_above(const struct resolver *r, struct span definition, struct word here)
{
	uint32_t base = r->file->source->base, end = base + r->file->source->size;

	return definition.begin < base || definition.begin > end || definition.begin < here.begin;
}

static void suggest_aliases(struct resolver *r, struct suggestion *s, const struct lookup *look)
{
	for (unsigned i = 0; i < look->count; i++) {
		struct alias *aliases = look->scopes[i]->aliases;

		if (!suggest_among(r, HASH_COUNT(aliases)))
			return;
		for (struct alias *a = aliases; a; a = a->hh.next)
			if (!a->implicit)
				suggest(s, a->name, a->span);
	}
}

static const char *where_looked(const struct resolver *r, const struct lookup *look)
{
	if (text_is(text_of(look->prefix), "sdn/"))
		return r->config->sdn.ipsets ? "not a set of the SDN"
					     : "this tree has no SDN configuration (sdn/.running-config)";
	if (look->count == 1 && look->scopes[0] == r->own)
		return "not defined in this file";
	if (r->file->kind == FILE_GUEST && !*look->prefix)
		return "not defined in this file or in cluster.fw";
	return r->file->kind == FILE_CLUSTER ? "not defined in this file" : "not defined in cluster.fw";
}

/* A reference whose definition the cluster file may hold, which nobody has. */
static struct diagnostic *report_cluster_unknown(struct resolver *r, struct word reference,
						 const char *what)
{
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_CLUSTER_UNKNOWN,
					  "no %s named `%.*s` at hand", what, TEXT_ARG(reference));

	diag_note(d, "cluster.fw may define it, but there is none beside this file");
	diag_note(d, "if it does not, the %s is ignored", r->rule ? "rule" : "entry");
	return diag_help(d, "name the tree, not the file");
}

/* `sign`: "+" for sets, of which `reference` is what follows it. */
static void report_guest_scope(struct resolver *r, struct word reference, const char *sign, struct text name,
			       bool in_cluster)
{
	struct span whole = { reference.begin - (uint32_t)strlen(sign), reference.begin + reference.len };
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_GUEST_SCOPE,
					  "`guest/` can be used in a guest's file only");

	if (r->in_group)
		diag_here(d, "a security group belongs to no guest");
	else
		diag_here(d, "a %s file belongs to no guest", file_kind_name(r->file->kind));
	rule_fate(r, d);
	if (in_cluster)
		diag_fix(diag_help(d, "did you mean `%sdc/%.*s`?", sign, TEXT_ARG(name)), whole, "%sdc/%.*s", sign,
			 TEXT_ARG(name));
}

static void report_alias_below(struct resolver *r, struct word reference, const struct alias *alias)
{
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_ALIAS_BEFORE_DEFINITION,
					  "the alias `%.*s` is used before it is defined", TEXT_ARG(alias->name));

	diag_label(d, alias->span, "defined here");
	diag_help(rule_fate(r, d), "files are read from top to bottom: move the definition up");
}

static void report_implicit_local_network(struct resolver *r, struct word reference)
{
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_IMPLICIT_LOCAL_NETWORK,
					  "`local_network` is not defined in cluster.fw");

	rule_fate(r, d);
	diag_note(d, "without a definition it is added after all files are read, for the set `management` "
		     "and for the host's own rules only");
	diag_help(d, "define it in [ALIASES] of cluster.fw, above its first use");
}

/* The prefix of the scope that has the alias, if another one than was looked in. */
static const char *other_scope_of_alias(const struct resolver *r, const struct lookup *look, struct text name)
{
	if (*look->prefix && r->file->kind == FILE_GUEST && find_alias(r->own, name))
		return "guest/";
	return *look->prefix && find_alias(&r->config->cluster, name) ? "dc/" : NULL;
}

/* Helps with what is no alias at all, or one of another scope. */
static bool suggest_other_kind(struct resolver *r, struct diagnostic *d, struct word reference,
			       const struct lookup *look)
{
	struct text name = word_text(look->name), lower = arena_lower(r->arena, name);
	const char *scope = other_scope_of_alias(r, look, lower);
	bool set = false;

	for (unsigned i = 0; i < look->seen_count && !set; i++)
		set = find_set(look->seen_in[i], lower) != NULL;
	if (scope)
		diag_fix(diag_help(d, "did you mean `%s%.*s`?", scope, TEXT_ARG(name)), word_span(reference),
			 "%s%.*s", scope, TEXT_ARG(name));
	else if (set && r->rule)
		diag_fix(diag_help(d, "did you mean the IP set, `+%s%.*s`?", look->prefix, TEXT_ARG(lower)),
			 word_span(reference), "+%s%.*s", look->prefix, TEXT_ARG(lower));
	else if (set)
		diag_help(d, "it is an IP set, and no IP set can hold another one");
	else if (r->rule && !*look->prefix && (text_is(lower, "any") || text_is(lower, "all")))
		diag_help(d, "leave the option out to match every address");
	else
		return false;
	return true;
}

static void report_unknown_alias(struct resolver *r, struct word reference, const struct lookup *look)
{
	struct suggestion s;
	struct diagnostic *d;

	if (names_alias_is_skipped(r, reference))
		return;
	if (look->guest_prefix) {
		report_guest_scope(r, reference, "", word_text(look->name),
				   find_alias(&r->config->cluster, arena_lower(r->arena, word_text(look->name))));
		return;
	}
	if (look->cluster && r->cluster_unknown) {
		report_cluster_unknown(r, reference, "alias");
		return;
	}
	d = rule_error(r, word_span(reference), DIAG_UNKNOWN_ALIAS, "no alias named `%.*s`", TEXT_ARG(reference));
	diag_here(d, "%s", where_looked(r, look));
	suggest_start(&s, word_text(look->name));
	suggest_aliases(r, &s, look);
	rule_fate(r, d);
	if (!suggest_other_kind(r, d, reference, look))
		suggest_to(d, &s, word_span(reference), look->prefix);
}

/* What is referred to was reported where it stands; this only says who suffers. */
static void show_use(struct resolver *r, struct diagnostic *d, struct word reference)
{
	struct late_label *label;

	r->failed = true;
	if (!d)
		return;
	label = ARENA_NEW(r->arena, struct late_label);
	*label = (struct late_label){ d, word_span(reference), *r->late };
	*r->late = label;
}

bool names_are_skipped(struct resolver *r, const struct scope *scope, enum section_kind kind,
		       struct text name, struct word reference)
{
	const struct skipped_name *s = scope ? scope->skipped : NULL;
	struct text lower = arena_lower(r->arena, name);

	while (s && (s->kind != kind || !text_equal(s->name, lower)))
		s = s->next;
	if (s)
		show_use(r, s->d, reference);
	return s != NULL;
}

/* A name that is not too long, but is with its prefix. */
static bool report_long_reference(struct resolver *r, struct word reference, const struct lookup *look)
{
	struct diagnostic *d;

	if (!r->rule || !*look->prefix || reference.len <= NAME_LONGEST_ALIAS || look->name.len > NAME_LONGEST_ALIAS)
		return false;
	d = rule_error(r, word_span(reference), DIAG_LONG_REFERENCE, "a reference has at most %d characters",
		       NAME_LONGEST_ALIAS);
	rule_fate(r, diag_here(d, "%u with `%s`", reference.len, look->prefix));
	diag_help(d, "behind `%s` a name has at most %u characters", look->prefix,
		  NAME_LONGEST_ALIAS - (unsigned)strlen(look->prefix));
	return true;
}

bool names_alias_is_skipped(struct resolver *r, struct word reference)
{
	struct lookup look = lookup_start(r, reference, false);

	for (unsigned i = 0; i < look.count; i++)
		if (names_are_skipped(r, look.scopes[i], SECTION_ALIASES, word_text(look.name), reference))
			return true;
	return false;
}

static bool alias_was_seen(const struct resolver *r, const struct lookup *look, struct text name,
			   struct word reference)
{
	struct scope *const *scopes = r->rule ? look->seen_in : look->scopes;
	unsigned count = r->rule ? look->seen_count : look->count;

	for (unsigned i = 0; i < count; i++) {
		struct alias *alias = find_alias(scopes[i], name);

		if (alias && is_above(r, alias->span, reference))
			return true;
	}
	return false;
}

const struct alias *names_alias(struct resolver *r, struct word reference)
{
	struct lookup look = lookup_start(r, reference, false);
	struct text name = arena_lower(r->arena, word_text(look.name));
	struct alias *first = NULL;
	bool seen = alias_was_seen(r, &look, name, reference);

	for (unsigned i = 0; i < look.count && !first; i++)
		first = find_alias(look.scopes[i], name);
	if (report_long_reference(r, reference, &look))
		return NULL;
	if (first && seen && first->valid)
		return first;
	if (first && seen)
		show_use(r, first->reported, reference);
	else if (first)
		report_alias_below(r, reference, first);
	else if (text_is(name, "local_network") && !look.guest_prefix && !r->cluster_unknown)
		report_implicit_local_network(r, reference);
	else
		report_unknown_alias(r, reference, &look);
	return NULL;
}

/* A reference to a set with the '+' in front of it. */
static struct span with_plus(struct word reference)
{
	return (struct span){ reference.begin - 1, reference.begin + reference.len };
}

static void suggest_sets(struct resolver *r, struct suggestion *s, const struct lookup *look)
{
	for (unsigned i = 0; i < look->count; i++) {
		struct ipset *sets = look->scopes[i]->ipsets;

		if (!suggest_among(r, HASH_COUNT(sets)))
			return;
		for (struct ipset *set = sets; set; set = set->hh.next)
			suggest(s, set->name, set->span);
	}
}

static bool is_predefined_set(struct text name)
{
	return text_is(name, "management") || text_is(name, "blacklist") ||
	       (text_starts(name, "ipfilter-net") &&
		text_all_digits((struct text){ name.ptr + 12, name.len - 12 }));
}

/* Helps with a set of another scope, or an alias of that name. */
static bool suggest_other_scope(struct resolver *r, struct diagnostic *d, struct word reference,
				const struct lookup *look)
{
	static const char *const prefixes[] = { [SCOPE_CLUSTER] = "dc/", [SCOPE_GUEST] = "guest/", [SCOPE_SDN] = "sdn/" };
	struct text name = word_text(look->name);

	for (unsigned i = 0; i < look->seen_count; i++)
		if (find_set(look->seen_in[i], name)) {
			const char *prefix = prefixes[look->seen_in[i]->kind];

			diag_fix(diag_help(d, "did you mean `+%s%.*s`?", prefix, TEXT_ARG(name)), with_plus(reference),
				 "+%s%.*s", prefix, TEXT_ARG(name));
			return true;
		}
	for (unsigned i = 0; i < look->seen_count; i++)
		if (find_alias(look->seen_in[i], arena_lower(r->arena, name))) {
			diag_fix(diag_help(d, "did you mean the alias, `%.*s`?", TEXT_ARG(name)),
				 with_plus(reference), "%.*s", TEXT_ARG(name));
			return true;
		}
	return false;
}

static void report_unknown_set(struct resolver *r, struct word reference, const struct lookup *look)
{
	bool predefined = is_predefined_set(word_text(look->name));
	struct suggestion s;
	struct diagnostic *d;

	d = rule_error(r, word_span(reference), predefined ? DIAG_IMPLICIT_SET : DIAG_UNKNOWN_SET,
		       predefined ? "the IP set `%.*s` is used but not written" : "no IP set named `%.*s`",
		       TEXT_ARG(look->name));
	diag_here(d, "%s", where_looked(r, look));
	rule_fate(r, d);
	if (predefined) {
		diag_note(d, "the set has a meaning of its own, but can be referred to only where it is "
			     "written in a file");
		diag_help(d, "write `[IPSET %.*s]`, if only with no entries, above its first use",
			  TEXT_ARG(look->name));
		return;
	}
	suggest_start(&s, word_text(look->name));
	suggest_sets(r, &s, look);
	if (!suggest_other_scope(r, d, reference, look))
		suggest_to(d, &s, with_plus(reference), arena_printf(r->arena, "+%s", look->prefix));
}

static void report_set_below(struct resolver *r, struct word reference, const struct ipset *set)
{
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_SET_BEFORE_DEFINITION,
					  "the IP set `%.*s` is used before it is defined", TEXT_ARG(set->name));

	diag_label(d, set->span, "defined here");
	diag_help(rule_fate(r, d), "files are read from top to bottom: move the definition up");
}

/* True if the reference fails only because of its capitals. */
static bool report_set_case(struct resolver *r, struct word reference, const struct lookup *look)
{
	struct text lower = arena_lower(r->arena, word_text(look->name));
	struct diagnostic *d;

	if (text_equal(lower, word_text(look->name)))
		return false;
	for (unsigned i = 0; i < look->count; i++) {
		struct ipset *set = find_set(look->scopes[i], lower);

		if (!set)
			continue;
		d = rule_error(r, word_span(reference), DIAG_SET_NAME_CASE,
			       "IP sets are referred to in lower case");
		diag_label(d, set->span, "stored as `%.*s`", TEXT_ARG(set->name));
		rule_fate(r, d);
		diag_fix(diag_help(d, "write `+%s%.*s`", look->prefix, TEXT_ARG(lower)), with_plus(reference),
			 "+%s%.*s", look->prefix, TEXT_ARG(lower));
		return true;
	}
	return false;
}

/* Something behind a '+' that no IP set can be called. */
static void report_bad_set(struct resolver *r, struct word reference)
{
	struct diagnostic *d = rule_error(r, with_plus(reference), DIAG_BAD_SET_REFERENCE,
					  "`+%.*s` is no reference to an IP set", TEXT_ARG(reference));

	rule_fate(r, d);
	diag_help(d, "it is written `+name`, `+dc/name`, `+guest/name` or `+sdn/name`");
	diag_help(d, "a name is a letter, then letters, digits, `-` and `_`, 2 to %d characters in all",
		  NAME_LONGEST_SET);
}

static void report_missing_set(struct resolver *r, struct word reference, const struct lookup *look)
{
	for (unsigned i = 0; i < look->count; i++)
		if (names_are_skipped(r, look->scopes[i], SECTION_IPSET, word_text(look->name), reference))
			return;
	if (!name_is_valid(word_text(look->name)))
		report_bad_set(r, reference);
	else if (look->guest_prefix)
		report_guest_scope(r, reference, "+", word_text(look->name),
				   find_set(&r->config->cluster, word_text(look->name)));
	else if (report_set_case(r, reference, look))
		return;
	else if (look->cluster && r->cluster_unknown)
		report_cluster_unknown(r, reference, "IP set");
	else
		report_unknown_set(r, reference, look);
}

static bool set_was_seen(const struct resolver *r, const struct lookup *look, struct word reference)
{
	for (unsigned i = 0; i < look->seen_count; i++) {
		struct ipset *set = find_set(look->seen_in[i], word_text(look->name));

		if (set && is_above(r, set->span, reference))
			return true;
	}
	return false;
}

const struct ipset *names_set(struct resolver *r, struct word reference)
{
	struct lookup look = lookup_start(r, reference, true);
	struct ipset *first = NULL;

	for (unsigned i = 0; i < look.count && !first; i++)
		first = find_set(look.scopes[i], word_text(look.name));
	if (report_long_reference(r, reference, &look))
		return NULL;
	if (first && set_was_seen(r, &look, reference))
		return first;
	if (first)
		report_set_below(r, reference, first);
	else
		report_missing_set(r, reference, &look);
	return NULL;
}
