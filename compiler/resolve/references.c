/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * References to aliases and IP sets: the scopes to search, whether the definition is above the reference, and what was
 * probably meant if there is none.
 */
#include "diag/suggest.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"

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

		if (!suggest_among(&r->compared, HASH_COUNT(aliases)))
			return;
		for (struct alias *a = aliases; a; a = a->hh.next)
			if (!a->implicit)
				suggest(s, a->name, a->span);
	}
}

static const char *where_looked(const struct resolver *r, const struct lookup *look)
{
	if (text_is(text_of(look->prefix), "sdn/"))
		return r->config->sdn.ipsets ? "not defined by the SDN"
					     : "this tree has no SDN configuration (sdn/.running-config)";
	if (look->count == 1 && look->scopes[0] == r->own)
		return "not defined in this file";
	if (r->file->kind == FILE_GUEST && !*look->prefix)
		return "not defined in this file or in cluster.fw";
	return r->file->kind == FILE_CLUSTER ? "not defined in this file" : "not defined in cluster.fw";
}

/* cluster.fw may define the name, but there is none. */
static struct diagnostic *report_cluster_unknown(struct resolver *r, struct word reference, const char *what)
{
	struct diagnostic *d = rule_fail(r, word_span(reference), DIAG_CLUSTER_UNKNOWN,
					 "cannot check %s `%.*s`: no cluster.fw found", what,
					 TEXT_ARG(reference));

	diag_note(d, "cluster.fw may define it, but there is none next to this file");
	diag_note(d, "if it does not, the %s is ignored", r->rule ? "rule" : "entry");
	return diag_help(d, "check the whole tree instead of the file");
}

/* `sign`: "+" for sets, of which `reference` is what follows it. */
static void report_guest_scope(struct resolver *r, struct word reference, const char *sign, struct text name,
			       bool in_cluster)
{
	struct span whole = { reference.begin - (uint32_t)strlen(sign), reference.begin + reference.len };
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_GUEST_SCOPE,
					  "`guest/` is only allowed in a guest's file");

	if (r->in_group)
		diag_here(d, "a security group does not belong to a guest");
	else
		diag_here(d, "a %s file does not belong to a guest", file_kind_name(r->file->kind));
	if (in_cluster)
		diag_suggest(d, whole, "%sdc/%.*s", sign, TEXT_ARG(name));
}

/* `what` is "alias" or "IP set". */
static void report_below(struct resolver *r, struct word reference, enum diag_id id, const char *what, struct text name,
			 struct span definition)
{
	struct diagnostic *d = rule_error(r, word_span(reference), id, "%s `%.*s` is used before its definition", what,
					  TEXT_ARG(name));

	diag_label(d, definition, "defined here");
	diag_help(d, "files are read from top to bottom; move the definition up");
}

static void report_implicit_local_network(struct resolver *r, struct word reference)
{
	struct diagnostic *d = rule_error(r, word_span(reference), DIAG_IMPLICIT_LOCAL_NETWORK,
					  "`local_network` is not defined in cluster.fw");

	diag_note(
		d,
		"without a definition it is determined after all files are read, only for the set `management` and for cluster traffic");
	diag_help(d, "define it in [ALIASES] of cluster.fw, above its first use");
}

/* Helps with a name that is not an alias, or an alias of another scope. */
static bool suggest_other_kind(struct resolver *r, struct diagnostic *d, struct word reference,
			       const struct lookup *look)
{
	struct text name = word_text(look->name), lower = arena_lower(r->arena, name);
	const char *scope = NULL; /* the prefix of another scope than was looked in, which has the alias */
	bool set = false;

	if (*look->prefix && r->file->kind == FILE_GUEST && scope_find_alias(r->own, lower))
		scope = "guest/";
	else if (*look->prefix && scope_find_alias(&r->config->cluster, lower))
		scope = "dc/";
	for (unsigned i = 0; i < look->seen_count && !set; i++)
		set = scope_find_set(look->seen_in[i], lower) != NULL;
	if (scope)
		diag_suggest(d, word_span(reference), "%s%.*s", scope, TEXT_ARG(name));
	else if (set && r->rule)
		diag_guess(diag_help(d, "did you mean the IP set, `+%s%.*s`?", look->prefix, TEXT_ARG(lower)),
			 word_span(reference), "+%s%.*s", look->prefix, TEXT_ARG(lower));
	else if (set)
		diag_help(d, "it is an IP set, and an IP set cannot contain another one");
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

	if (reference_is_skipped_alias(r, reference))
		return;
	if (look->guest_prefix) {
		report_guest_scope(
			r, reference, "", word_text(look->name),
			scope_find_alias(&r->config->cluster, arena_lower(r->arena, word_text(look->name))));
		return;
	}
	if (look->cluster && r->cluster_unknown) {
		report_cluster_unknown(r, reference, "alias");
		return;
	}
	d = rule_error(r, word_span(reference), DIAG_UNKNOWN_ALIAS, "alias `%.*s` is not defined",
		       TEXT_ARG(reference));
	diag_here(d, "%s", where_looked(r, look));
	suggest_start(&s, word_text(look->name));
	suggest_aliases(r, &s, look);
	if (!suggest_other_kind(r, d, reference, look))
		suggest_to(d, &s, word_span(reference), look->prefix);
}

/* The definition was reported; adds a label at this use of it. */
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

bool reference_is_skipped(struct resolver *r, const struct scope *scope, enum section_kind kind,
		       struct text name, struct word reference)
{
	const struct skipped_name *s = NULL;
	struct text key;

	if (!scope || !scope->skipped)
		return false;
	key = scope_skipped_key(r->arena, kind, name);
	HASH_FIND(hh, scope->skipped, key.ptr, key.len, s);
	if (s)
		show_use(r, s->d, reference);
	return s != NULL;
}

/* Reports a name that is too long only with its prefix. */
static bool report_long_reference(struct resolver *r, struct word reference, const struct lookup *look)
{
	struct diagnostic *d;

	if (!r->rule || !*look->prefix || reference.len <= ALIAS_NAME_MAX ||
	    look->name.len > ALIAS_NAME_MAX)
		return false;
	d = rule_error(r, word_span(reference), DIAG_LONG_REFERENCE,
		       "reference is too long: at most %d characters", ALIAS_NAME_MAX);
	diag_here(d, "%u with `%s`", reference.len, look->prefix);
	diag_help(d, "after `%s` a name has at most %u characters", look->prefix,
		  ALIAS_NAME_MAX - (unsigned)strlen(look->prefix));
	return true;
}

bool reference_is_skipped_alias(struct resolver *r, struct word reference)
{
	struct lookup look = lookup_start(r, reference, false);

	for (unsigned i = 0; i < look.count; i++)
		if (reference_is_skipped(r, look.scopes[i], SECTION_ALIASES, word_text(look.name), reference))
			return true;
	return false;
}

static bool alias_was_seen(const struct resolver *r, const struct lookup *look, struct text name,
			   struct word reference)
{
	struct scope *const *scopes = r->rule ? look->seen_in : look->scopes;
	unsigned count = r->rule ? look->seen_count : look->count;

	for (unsigned i = 0; i < count; i++) {
		struct alias *alias = scope_find_alias(scopes[i], name);

		if (alias && is_above(r, alias->span, reference))
			return true;
	}
	return false;
}

/* The alias of the nearest scope, preferring those with a value: a wrong line does not hide a definition elsewhere. */
static struct alias *nearest_alias(const struct lookup *look, struct text name)
{
	struct alias *wrong = NULL;

	for (unsigned i = 0; i < look->count; i++) {
		struct alias *alias = scope_find_alias(look->scopes[i], name);

		if (alias && alias->valid)
			return alias;
		if (!wrong)
			wrong = alias;
	}
	return wrong;
}

const struct alias *reference_alias(struct resolver *r, struct word reference)
{
	struct lookup look = lookup_start(r, reference, false);
	struct text name = arena_lower(r->arena, word_text(look.name));
	struct alias *first = nearest_alias(&look, name);
	bool seen = alias_was_seen(r, &look, name, reference);

	if (report_long_reference(r, reference, &look))
		return NULL;
	if (first && seen && first->valid)
		return first;
	if (first && seen)
		show_use(r, first->reported, reference);
	else if (first)
		report_below(r, reference, DIAG_ALIAS_BEFORE_DEFINITION, "alias", first->name, first->span);
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

		if (!suggest_among(&r->compared, HASH_COUNT(sets)))
			return;
		for (struct ipset *set = sets; set; set = set->hh.next)
			suggest(s, set->name, set->span);
	}
}

/* Helps with a set of another scope, or an alias of that name. */
static bool suggest_other_scope(struct resolver *r, struct diagnostic *d, struct word reference,
				const struct lookup *look)
{
	static const char *const prefixes[] = {
		[SCOPE_CLUSTER] = "dc/", [SCOPE_GUEST] = "guest/", [SCOPE_SDN] = "sdn/"
	};
	struct text name = word_text(look->name);

	for (unsigned i = 0; i < look->seen_count; i++)
		if (scope_find_set(look->seen_in[i], name)) {
			const char *prefix = prefixes[look->seen_in[i]->kind];

			diag_suggest(d, with_plus(reference), "+%s%.*s", prefix, TEXT_ARG(name));
			return true;
		}
	for (unsigned i = 0; i < look->seen_count; i++)
		if (scope_find_alias(look->seen_in[i], arena_lower(r->arena, name))) {
			diag_guess(diag_help(d, "did you mean the alias, `%.*s`?", TEXT_ARG(name)),
				 with_plus(reference), "%.*s", TEXT_ARG(name));
			return true;
		}
	return false;
}

static void report_unknown_set(struct resolver *r, struct word reference, const struct lookup *look)
{
	struct text name = word_text(look->name), nic = text_after(name, "ipfilter-net");
	bool predefined = text_is(name, "management") || text_is(name, "blacklist") ||
			  (nic.ptr && text_all_digits(nic));
	struct suggestion s;
	struct diagnostic *d;

	d = rule_error(r, word_span(reference), predefined ? DIAG_IMPLICIT_SET : DIAG_UNKNOWN_SET,
		       predefined ? "IP set `%.*s` is used but not defined in a file"
				  : "IP set `%.*s` is not defined",
		       TEXT_ARG(look->name));
	diag_here(d, "%s", where_looked(r, look));
	if (predefined) {
		diag_note(d, "the set is predefined, but a rule can use it only if a file defines it");
		diag_help(d, "write `[IPSET %.*s]` above its first use, even without entries",
			  TEXT_ARG(look->name));
		return;
	}
	suggest_start(&s, word_text(look->name));
	suggest_sets(r, &s, look);
	if (!suggest_other_scope(r, d, reference, look))
		suggest_to(d, &s, with_plus(reference), arena_printf(r->arena, "+%s", look->prefix));
}

/* True if the reference fails only because of its capitals. */
static bool report_set_case(struct resolver *r, struct word reference, const struct lookup *look)
{
	struct text lower = arena_lower(r->arena, word_text(look->name));
	struct diagnostic *d;

	if (text_equal(lower, word_text(look->name)))
		return false;
	for (unsigned i = 0; i < look->count; i++) {
		struct ipset *set = scope_find_set(look->scopes[i], lower);

		if (!set)
			continue;
		d = rule_fail(r, word_span(reference), DIAG_SET_NAME_CASE,
			      "reference to an IP set must be in lower case");
		diag_label(d, set->span, "stored as `%.*s`", TEXT_ARG(set->name));
		rule_note_effect(r, d);
		diag_correct(d, with_plus(reference), "+%s%.*s", look->prefix, TEXT_ARG(lower));
		return true;
	}
	return false;
}

/* The text after '+' is not a valid name of an IP set. */
static void report_bad_set(struct resolver *r, struct word reference)
{
	struct diagnostic *d = rule_error(r, with_plus(reference), DIAG_BAD_SET_REFERENCE,
					  "`+%.*s` is not a valid reference to an IP set",
					  TEXT_ARG(reference));

	diag_help(d, "write `+name`, `+dc/name`, `+guest/name` or `+sdn/name`");
	diag_help(d, "write a letter, then letters, digits, `-` and `_`, 2 to %d characters", SET_NAME_MAX);
}

static void report_missing_set(struct resolver *r, struct word reference, const struct lookup *look)
{
	for (unsigned i = 0; i < look->count; i++)
		if (reference_is_skipped(r, look->scopes[i], SECTION_IPSET, word_text(look->name), reference))
			return;
	if (!name_is_valid(word_text(look->name)))
		report_bad_set(r, reference);
	else if (look->guest_prefix)
		report_guest_scope(r, reference, "+", word_text(look->name),
				   scope_find_set(&r->config->cluster, word_text(look->name)));
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
		struct ipset *set = scope_find_set(look->seen_in[i], word_text(look->name));

		if (set && is_above(r, set->span, reference))
			return true;
	}
	return false;
}

const struct ipset *reference_set(struct resolver *r, struct word reference)
{
	struct lookup look = lookup_start(r, reference, true);
	struct ipset *first = NULL;

	for (unsigned i = 0; i < look.count && !first; i++)
		first = scope_find_set(look.scopes[i], word_text(look.name));
	if (report_long_reference(r, reference, &look))
		return NULL;
	if (first && set_was_seen(r, &look, reference))
		return first;
	if (first)
		report_below(r, reference, DIAG_SET_BEFORE_DEFINITION, "IP set", first->name, first->span);
	else
		report_missing_set(r, reference, &look);
	return NULL;
}
