/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input that the compiler of the nftables preview, written in Rust, treats otherwise than this one and the stock
 * compiler, and that is not reported as a mistake.  diag/portability.def lists all that is known.
 */
#include "source/lines.h"
#include "lint/lint_context.h"

/* ---- headers ---- */

/* The beginning that the preview expects of a header; NULL if the header has it. */
static const char *wanted_begin(struct text header)
{
	static const char *const forms[] = { "[OPTIONS", "[ALIASES", "[RULES", "[IPSET ", "[group " };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (header.len > strlen(forms[i]) && text_starts_nocase(header, forms[i]))
			return text_starts(header, forms[i]) ? NULL : forms[i];
	return NULL;
}

/* Reports the headers of a file once, with a fix for each. */
static void check_headers(struct lint *lint, const struct lint_file *file)
{
	struct lines lines = lines_of(file->source);
	struct diagnostic *d = NULL;
	unsigned others = 0;
	struct word line;

	while (lines_next(&lines, &line)) {
		const char *wanted = line.len && line.ptr[0] == '[' ? wanted_begin(word_text(line)) : NULL;

		if (!wanted)
			continue;
		if (d)
			others++;
		else
			d = diag(lint->diags, word_span(line), DIAG_HEADER_CASE,
				 "header is not accepted by the nftables preview of Proxmox VE");
		diag_fix(d, word_span(word_part(line, 0, (uint32_t)strlen(wanted))), "%s", wanted);
	}
	if (!d)
		return;
	if (others)
		diag_note(d, "and %u more in this file", others);
	diag_note(d,
		  "it refuses the whole configuration and filters nothing; this compiler accepts the header");
	diag_help(d, "write [OPTIONS], [ALIASES], [RULES], [IPSET name] and [group name] exactly so");
}

/* ---- lines ---- */

/* The same finding in many lines of a file is reported once. */
enum line_finding {
	FOUND_COMMENT_HASH,
	FOUND_ALIAS_WITHOUT_SCOPE,
	FOUND_GROUP_CASE,
	FOUND_MACRO_CASE,
	FOUND_ICMP_DPORT,
	LINE_FINDINGS
};

struct tally {
	struct lint *lint;
	struct diagnostic *d[LINE_FINDINGS];
	unsigned count[LINE_FINDINGS];
};

static void tally_add(struct tally *t, enum line_finding finding, struct span span)
{
	static const struct {
		enum diag_id id;
		const char *message, *note, *help;
	} texts[] = {
		[FOUND_COMMENT_HASH] = { DIAG_COMMENT_HASH,
					 "comment cannot be parsed by the nftables preview of Proxmox VE",
					 "before proxmox-firewall 1.2.3 it refuses the whole configuration and filters nothing",
					 "write the comment with one `#` and some text after it" },
		[FOUND_ALIAS_WITHOUT_SCOPE] = { DIAG_ALIAS_WITHOUT_SCOPE,
						"alias without `dc/` or `guest/` is not accepted by the nftables preview of Proxmox VE",
						"it refuses the whole configuration and filters nothing",
						"write `dc/NAME` for an alias of cluster.fw, and `guest/NAME` for an alias of this file" },
		[FOUND_GROUP_CASE] = { DIAG_GROUP_CASE,
				       "GROUP must be in capital letters for the nftables preview of Proxmox VE",
				       "it refuses the whole configuration and filters nothing", NULL },
		[FOUND_MACRO_CASE] = { DIAG_MACRO_CASE,
				       "macro in this case is not known by the nftables preview of Proxmox VE",
				       "it distinguishes upper and lower case, and ignores the rule", NULL },
		[FOUND_ICMP_DPORT] = { DIAG_ICMP_DPORT,
				       "rule matches all ICMP types in the nftables preview of Proxmox VE",
				       "it reads the type only from -icmp-type",
				       "write `-icmp-type` for `-dport`" },
	};

	if (t->count[finding]++)
		return;
	t->d[finding] = diag(t->lint->diags, span, texts[finding].id, "%s", texts[finding].message);
	diag_note(t->d[finding], "%s", texts[finding].note);
	if (texts[finding].help)
		diag_help(t->d[finding], "%s", texts[finding].help);
}

/* The preview takes what follows the last `#` for the comment, unless that is empty. */
static void check_comment(struct tally *t, const struct ast_line *line)
{
	struct text comment = word_text(line->comment);

	if (!comment.len)
		return;
	comment = (struct text){ comment.ptr + 1, comment.len - 1 };
	if (!comment.len || text_find(comment, '#') >= 0)
		tally_add(t, FOUND_COMMENT_HASH, word_span(line->comment));
}

static void check_macro(struct tally *t, struct word macro)
{
	const struct macro *known = macro.ptr ? macro_find(word_text(macro)) : NULL;

	if (!known || text_is(word_text(macro), known->name))
		return;
	tally_add(t, FOUND_MACRO_CASE, word_span(macro));
	diag_fix(t->d[FOUND_MACRO_CASE], word_span(macro), "%s", known->name);
}

static void check_icmp(struct tally *t, const struct ast_rule *rule)
{
	const struct ast_param *dport = NULL;
	bool icmp = false;

	for (const struct ast_param *p = rule->params; p; p = p->next) {
		struct text key = word_text(p->key);

		while (key.len && key.ptr[0] == '-')
			key = text_skip(key, 1);
		if (text_is(key, "p") || text_is(key, "proto"))
			icmp |= text_is(word_text(p->value), "icmp") || text_is(word_text(p->value), "icmpv6") ||
				text_is(word_text(p->value), "ipv6-icmp");
		if (text_is(key, "dport"))
			dport = p;
	}
	if (icmp && dport)
		tally_add(t, FOUND_ICMP_DPORT, word_span(dport->key));
}

static void check_rule(struct tally *t, const struct ast_rule *rule)
{
	struct text type = word_text(rule->type);

	check_comment(t, &rule->line);
	if (text_equal_nocase(type, TEXT("GROUP")) && !text_is(type, "GROUP")) {
		tally_add(t, FOUND_GROUP_CASE, word_span(rule->type));
		diag_fix(t->d[FOUND_GROUP_CASE], word_span(rule->type), "GROUP");
	}
	check_macro(t, rule->macro);
	if (!rule->disabled)
		check_icmp(t, rule);
}

/* The stock compiler requires a property that has a default. */
static void check_ratelimit(struct tally *t, const struct ast_option *option)
{
	struct word rest = option->value, element = word_trim(word_cut(rest, ',', &rest));
	bool enable = text_find(word_text(element), '=') < 0;
	struct diagnostic *d;

	if (!text_equal_nocase(word_text(option->key), TEXT("log_ratelimit")) || !option->value.len)
		return;
	for (; element.ptr; element = rest.ptr ? word_trim(word_cut(rest, ',', &rest)) : (struct word){ 0 })
		enable |= text_starts(word_text(element), "enable=");
	if (enable)
		return;
	d = diag(t->lint->diags, word_span(option->value), DIAG_RATELIMIT_WITHOUT_ENABLE,
		 "`log_ratelimit` needs `enable=` for the stock compiler of Proxmox VE");
	diag_note(
		d,
		"it aborts at this line, and a node that boots with it has no rules; this compiler assumes `enable=1`");
	diag_fix(diag_help(d, "write `log_ratelimit: enable=1,%.*s`", TEXT_ARG(option->value)),
		 (struct span){ option->value.begin, option->value.begin }, "enable=1,");
}

static void check_portable_line(struct tally *t, enum section_kind section, const struct ast_line *line)
{
	struct text address = line->kind == LINE_ENTRY ? word_text(((const struct ast_entry *)line)->address) : TEXT("");

	if (line->kind == LINE_RULE)
		check_rule(t, (const struct ast_rule *)line);
	else if (address.len && section == SECTION_IPSET && char_is_letter(address.ptr[0]) &&
		 text_find(address, '/') < 0 && text_find(address, ':') < 0)
		tally_add(t, FOUND_ALIAS_WITHOUT_SCOPE, word_span(((const struct ast_entry *)line)->address));
	else if (line->kind == LINE_OPTION && section == SECTION_OPTIONS)
		check_ratelimit(t, (const struct ast_option *)line);
}

static void check_lines(struct lint *lint, const struct lint_file *file)
{
	struct tally tally = { .lint = lint };
	struct arena trees = { 0 };
	struct ast_file *ast = lint_parse(&trees, file);

	for (const struct ast_section *s = ast->sections; s; s = s->next)
		for (const struct ast_line *l = s->lines; l; l = l->next)
			check_portable_line(&tally, s->kind, l);
	for (unsigned i = 0; i < LINE_FINDINGS; i++)
		if (tally.count[i] > 1)
			diag_note(tally.d[i], "the same applies to %u more in this file", tally.count[i] - 1);
	arena_free(&trees);
}

/* ---- REJECT to guests ---- */

struct rejects {
	struct diagnostic *d;
	unsigned count;
};

static void add_reject(struct lint *lint, struct rejects *rejects, struct span span, const char *what)
{
	enum { MOST_LABELS = 4 };

	if (!rejects->count++)
		rejects->d = diag(lint->diags, span, DIAG_REJECT_TO_GUEST,
				  "%s drops silently in the nftables preview of Proxmox VE", what);
	else if (rejects->count <= MOST_LABELS)
		diag_label(rejects->d, span, "and this");
}

static bool rejects_in(const struct rule *rule)
{
	return rule->enabled && rule->direction == DIRECTION_IN && rule->action == ACTION_REJECT;
}

/* Which groups guests use, by id. */
static bool *groups_of_guests(struct lint *lint)
{
	bool *used = ARENA_ARRAY(&lint->scratch, bool, lint->config->group_count + 1);

	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *guest = lint->files[i].guest;

		for (const struct rule *r = guest ? guest->rules.first : NULL; r; r = r->next)
			if (r->enabled && r->direction == DIRECTION_GROUP)
				used[r->group->id] = true;
	}
	return used;
}

static void add_guest_rejects(struct lint *lint, struct rejects *rejects, const struct guest *guest)
{
	const struct policy *policy = &guest->options.policy_in;

	if (policy->action == ACTION_REJECT && policy->span.begin)
		add_reject(lint, rejects, policy->span, "this policy");
	for (const struct rule *r = guest->rules.first; r; r = r->next)
		if (rejects_in(r))
			add_reject(lint, rejects, r->span, "this rule");
}

/* Reported once for the tree. */
static void check_rejects(struct lint *lint)
{
	const bool *used = groups_of_guests(lint);
	struct rejects rejects = { .count = 0 };

	for (const struct group *g = lint->config->groups; g; g = g->hh.next)
		for (const struct rule *r = used[g->id] ? g->rules.first : NULL; r; r = r->next)
			if (rejects_in(r))
				add_reject(lint, &rejects, r->span, "this rule");
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].guest)
			add_guest_rejects(lint, &rejects, lint->files[i].guest);
	if (!rejects.d)
		return;
	if (rejects.count > 1)
		diag_note(rejects.d, "and all %u in this tree", rejects.count);
	diag_note(rejects.d,
		  "here the sender receives a TCP reset or an ICMP error; there it waits for a timeout");
}

void lint_portability(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->file_count; i++) {
		check_headers(lint, &lint->files[i]);
		check_lines(lint, &lint->files[i]);
	}
	check_rejects(lint);
}
