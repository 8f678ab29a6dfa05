/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verifies rules.  The parts of a rule are read by the functions of rule_parts.h, then checked against each other.  A rule
 * with a mistake is ignored; each of its mistakes is reported.
 */
#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "lang/limit_table.h"
#include "lang/foreign.h"
#include "resolve/file_passes.h"
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"

/* ---- interfaces ---- */

/* ^[A-Za-z][A-Za-z0-9_]{1,20}([:.][0-9]+)?$ */
static bool iface_is_valid(struct text t)
{
	uint32_t i = 1;

	if (!t.len || !char_is_letter(t.ptr[0]))
		return false;
	while (i < t.len && (char_is_letter(t.ptr[i]) || char_is_digit(t.ptr[i]) || t.ptr[i] == '_'))
		i++;
	if (i < 2 || i > 21)
		return false;
	if (i == t.len)
		return true;
	return (t.ptr[i] == ':' || t.ptr[i] == '.') && text_all_digits((struct text){ t.ptr + i + 1, t.len - i - 1 });
}

static void report_nic(struct resolver *r, struct word value)
{
	struct text lower = arena_lower(r->arena, word_text(value));
	struct diagnostic *d = rule_error(r, word_span(value), DIAG_NIC_NAME,
					  "`%.*s` is not a NIC of a guest", TEXT_ARG(value));

	if (text_starts(lower, "net") && text_all_digits((struct text){ lower.ptr + 3, lower.len - 3 }))
		diag_suggest(d, word_span(value), "%.*s", TEXT_ARG(lower));
	else
		diag_help(d, "write net0, net1 and so on, as in the guest's configuration");
}

static void report_iface_not_allowed(struct resolver *r, struct word value)
{
	struct diagnostic *d = rule_error(r, word_span(value), DIAG_IFACE_NOT_ALLOWED,
					  "interface not allowed in a %s",
					  r->in_group ? "security group" : "vnet file");

	if (r->in_group)
		diag_help(d, "write it where the group is used: `GROUP name -i iface`");
	else
		diag_help(d, "delete it; the rules of a vnet apply to all traffic through it");
}

static void report_iface(struct resolver *r, struct word value)
{
	struct diagnostic *d = rule_error(r, word_span(value), DIAG_BAD_IFACE,
					  "`%.*s` is not a valid interface name", TEXT_ARG(value));

	if (text_find(word_text(value), ',') >= 0)
		diag_help(d, "a rule has only one interface; write a rule for each");
	else if (text_find(word_text(value), '+') >= 0 || text_find(word_text(value), '*') >= 0)
		diag_help(d,
			  "wildcards are not possible; write a rule for each interface, or leave `-i` out");
	else if (text_starts(word_text(value), "!"))
		diag_help(d, "rules cannot negate; write a rule for each of the other interfaces");
	else
		diag_help(
			d,
			"write a letter, then letters, digits and `_`, 2 to 21 characters, optionally `.` or `:` and a number");
}

static void read_nic(struct resolver *r, struct word value, struct rule *rule)
{
	struct text digits = { value.ptr + 3, value.len - 3 };
	uint64_t number = 0;

	rule->iface = word_text(value);
	if (!text_starts(rule->iface, "net") || !text_all_digits(digits)) {
		report_nic(r, value);
		return;
	}
	/* "net00" is valid, but no NIC of a guest is called so. */
	rule->net = INT32_MAX;
	if (text_to_number(digits, INT32_MAX - 1, &number) && (digits.len == 1 || digits.ptr[0] != '0'))
		rule->net = (int32_t)number;
}

static void read_iface(struct resolver *r, struct word value, struct rule *rule)
{
	if (r->in_group || r->file->kind == FILE_VNET) {
		report_iface_not_allowed(r, value);
		return;
	}
	if (r->file->kind == FILE_GUEST) {
		read_nic(r, value, rule);
		return;
	}
	rule->iface = word_text(value);
	if (!iface_is_valid(rule->iface)) {
		report_iface(r, value);
		return;
	}
	for (const struct altname *a = r->config->altnames; a; a = a->next)
		if (text_equal(a->name, rule->iface)) {
			rule->iface = a->iface;
			return;
		}
	if (rule->iface.len > LIMIT_IFACE_NAME) {
		struct diagnostic *d = rule_error(r, word_span(value), DIAG_IFACE_TOO_LONG,
						  "interface name `%.*s` is too long", TEXT_ARG(value));

		diag_here(d, "%u characters, but at most %d are possible", value.len, LIMIT_IFACE_NAME);
		diag_help(d, "write a name or an alternative name that `ip link` shows");
	}
}

/* ---- IP version ---- */

/* The parts of a rule that may fix its IP version. */
struct version_part {
	unsigned family_mask;
	struct span span;
	const char *what;
};

static const char *version_name(unsigned family_mask)
{
	return family_mask == IPV4 ? "IPv4" : "IPv6";
}

static bool agree_on_family_mask(struct resolver *r, const struct version_part *parts, unsigned count,
			     unsigned *family_mask)
{
	const struct version_part *first = NULL;

	*family_mask = IPV_BOTH;
	for (unsigned i = 0; i < count; i++) {
		const struct version_part *part = &parts[i];
		struct diagnostic *d;

		if (*family_mask & part->family_mask) {
			if (part->family_mask != IPV_BOTH && !first)
				first = part;
			*family_mask &= part->family_mask;
			continue;
		}
		d = rule_error(r, part->span, DIAG_MIXED_VERSIONS, "rule combines IPv4 and IPv6");
		diag_here(d, "%s is %s", part->what, version_name(part->family_mask));
		diag_label(d, first->span, "%s is %s", first->what, version_name(first->family_mask));
		diag_help(d, "write a rule for each IP version");
		return false;
	}
	return true;
}

static const struct endpoint any_endpoint = { .kind = ENDPOINT_ANY, .family_mask = IPV_BOTH };

static bool set_family_mask(struct resolver *r, struct rule *rule, const struct ast_rule *node,
			 const struct params *params, const struct condition *own)
{
	struct version_part parts[] = {
		{ rule->macro ? rule->macro->family_mask : IPV_BOTH, word_span(node->macro), "the macro" },
		{ own->family_mask, word_span(params->value[PARAM_PROTO]), "the protocol" },
		{ rule->source->family_mask, rule->source->span, "the source" },
		{ rule->dest->family_mask, rule->dest->span, "the destination" },
	};

	return agree_on_family_mask(r, parts, 4, &rule->family_mask);
}

/* ---- how many rules the tools make of one ---- */

static uint64_t addresses_in(const struct endpoint *e)
{
	return e->kind == ENDPOINT_LIST ? e->count : 1;
}

/* iptables makes a rule of each pair of a source and a destination; nftables does not. */
static void check_pairs(struct resolver *r, const struct rule *rule)
{
	uint64_t pairs = addresses_in(rule->source) * addresses_in(rule->dest) * rule->condition_count;
	struct diagnostic *d;

	if (pairs <= LIMIT_RULES_OF_LINE || rule->direction == DIRECTION_FORWARD)
		return;
	d = rule_error(r, rule->source->span, DIAG_TOO_MANY_PAIRS,
		       "too many pairs of source and destination");
	diag_here(d, "%llu pairs, and iptables needs a rule for each", (unsigned long long)pairs);
	diag_help(d, "a rule has at most %d; use IP sets", LIMIT_RULES_OF_LINE);
}

/* ---- whole rules ---- */

/* A value that was reported is read as any address. */
static const struct endpoint *read_endpoint(struct resolver *r, struct word value)
{
	const struct endpoint *e = value.ptr ? endpoint_read(r, value) : NULL;

	return e ? e : &any_endpoint;
}

static void warn_forward(struct resolver *r, const struct ast_rule *node)
{
	struct diagnostic *d;

	if (r->config->forwards || r->config->host_options.nftables || node->disabled)
		return;
	d = diag(r->diags, node->line.span, DIAG_FORWARD_NOT_ENFORCED, "iptables does not enforce FORWARD rules");
	diag_note(d, "the rule has no effect on nodes without `nftables: 1` in host.fw");
}

/* Reads the whole rule, also after a mistake, so that each mistake is reported. */
static void read_plain_rule(struct resolver *r, const struct ast_rule *node, bool has_action, struct rule *rule)
{
	struct params params = { 0 };
	struct condition condition = { .family_mask = IPV_BOTH }, *own = &condition;
	bool missing = !node->action.len || node->action.ptr[0] == '-', stray = false;

	rule->action = ACTIONS;
	if (!missing)
		stray = rule_read_action(r, node, rule);
	params_read(r, node, false, stray, &params);
	if (node->macro.ptr && !rule->macro && !params.meant[PARAM_PROTO])
		params.meant[PARAM_PROTO] = rule_macro_says_protocol(r, node->macro);
	if (missing && !has_action && !params.action && !r->odd)
		rule_report_no_action(r, node, rule->direction);
	if (params.value[PARAM_IFACE].ptr)
		read_iface(r, params.value[PARAM_IFACE], rule);
	rule->source = read_endpoint(r, params.value[PARAM_SOURCE]);
	rule->dest = read_endpoint(r, params.value[PARAM_DEST]);
	rule_read_condition(r, &params, rule->macro, own);
	if (params.value[PARAM_LOG].ptr)
		rule->log = log_level_find(word_text(params.value[PARAM_LOG]), false);
	if (!set_family_mask(r, rule, node, &params, own) || r->failed)
		return;
	if (rule->macro) {
		rule_expand_macro(r, rule, &params, own);
	} else {
		own = ARENA_NEW(r->arena, struct condition);
		*own = condition;
		rule->conditions = own;
		rule->condition_count = 1;
	}
	if (!r->failed)
		check_pairs(r, rule);
	if (rule->direction == DIRECTION_FORWARD && !r->failed)
		warn_forward(r, node);
}

static void suggest_group(struct resolver *r, struct diagnostic *d, struct word name)
{
	struct suggestion s;

	suggest_start(&s, word_text(name));
	if (!suggest_among(&r->compared, HASH_COUNT(r->config->groups)))
		return;
	for (struct group *g = r->config->groups; g; g = g->hh.next)
		suggest(&s, g->name, g->span);
	suggest_to(d, &s, word_span(name), "");
}

/* "GROUP web; a comment" */
static bool is_before_semicolon(struct word name)
{
	return name.len && name.ptr[name.len - 1] == ';';
}

/* A name that no group can have, or that is not found for its capitals. */
static bool report_group_name(struct resolver *r, struct word name)
{
	struct text lower = arena_lower(r->arena, word_text(name));
	bool valid = name_is_valid(word_text(name)), capitals = !text_equal(lower, word_text(name));
	struct diagnostic *d;
	struct group *group;

	group = scope_find_group(r->config, lower);
	if (valid && name.len <= GROUP_NAME_MAX && !(capitals && group))
		return false;
	d = rule_error(r, word_span(name), DIAG_BAD_GROUP_REFERENCE,
		       "`%.*s` is not a valid reference to a security group", TEXT_ARG(name));
	if (valid && group) {
		diag_label(d, group->span, "stored as `%.*s`", TEXT_ARG(lower));
		diag_fix(diag_help(d, "write references to groups in lower case: `%.*s`", TEXT_ARG(lower)),
			 word_span(name), "%.*s", TEXT_ARG(lower));
	} else if (valid) {
		diag_here(d, "%u characters", name.len);
		diag_help(d, "a name has at most %d characters", GROUP_NAME_MAX);
	} else if (text_find(word_text(name), ',') > 0) {
		diag_help(d, "a GROUP rule has only one group; write a rule for each");
	} else if (text_starts(word_text(name), "+")) {
		diag_suggest(d, word_span(name), "%.*s", (int)name.len - 1, name.ptr + 1);
	} else if (text_find(word_text(name), '(') > 0) {
		diag_help(d, "a GROUP rule has only the name; the group's rules have the actions");
	} else if (is_before_semicolon(name)) {
		diag_help(d, "a comment begins with `#`");
	} else {
		diag_help(d, "write a letter, then letters, digits, `-` and `_`, 2 to %d characters",
			  GROUP_NAME_MAX);
	}
	return true;
}

static void report_unknown_group(struct resolver *r, struct word name)
{
	struct diagnostic *d;

	if (r->cluster_unknown) {
		d = rule_fail(r, word_span(name), DIAG_CLUSTER_UNKNOWN,
			      "cannot check security group `%.*s`: no cluster.fw found", TEXT_ARG(name));
		diag_note(d, "cluster.fw may define it, but there is none next to this file");
		diag_note(d, "if it does not, the rule is ignored");
		diag_help(d, "check the whole tree instead of the file");
		return;
	}
	d = rule_error(r, word_span(name), DIAG_UNKNOWN_GROUP, "security group `%.*s` is not defined",
		       TEXT_ARG(name));
	diag_here(d,
		  r->file->kind == FILE_CLUSTER ? "not defined in this file" : "not defined in cluster.fw");
	suggest_group(r, d, name);
}

static void read_group_rule(struct resolver *r, const struct ast_rule *node, struct rule *rule)
{
	struct params params = { 0 };
	struct word name = node->action;

	if (node->macro.ptr) /* "GROUP a(b)" is one word */
		name = (struct word){ node->macro.ptr, node->macro.len + node->action.len + 2, node->macro.begin };
	params_read(r, node, true, is_before_semicolon(name), &params);
	if (params.value[PARAM_IFACE].ptr)
		read_iface(r, params.value[PARAM_IFACE], rule);
	if (!name.len || name.ptr[0] == '-') {
		rule_report_no_action(r, node, rule->direction);
		return;
	}
	rule->group = scope_find_group(r->config, word_text(name));
	if (reference_is_skipped(r, &r->config->cluster, SECTION_GROUP, word_text(name), name))
		return;
	if (!report_group_name(r, name) && !rule->group)
		report_unknown_group(r, name);
}

/* Reports a valid rule that the kernel or a tool has refused. */
static void report_refused(struct resolver *r, const struct ast_rule *node)
{
	struct diagnostic *d = refused_report(r, node->line.span, NULL);

	if (!d)
		return;
	r->failed = true;
	rule_note_effect(r, d);
}

static void read_rule(struct resolver *r, const struct ast_rule *node, struct rule_list *rules)
{
	struct rule *rule = ARENA_NEW(r->arena, struct rule);
	const struct ast_rule *meant;
	bool has_action;

	r->rule = node;
	r->failed = r->odd != NULL;
	rule->enabled = !node->disabled;
	rule->log = LOG_NOLOG;
	rule->net = -1;
	rule->source = rule->dest = &any_endpoint;
	rule->family_mask = IPV_BOTH;
	rule->span = node->line.span;
	if (node->gap_after_bar) {
		struct span gap = { node->line.span.begin + 1, node->type.begin };

		diag_fix(rule_error(r, gap, DIAG_BAR_GAP, "space between `|` and the rule is not allowed"), gap,
			 "%s", "");
	}
	meant = rule_read_type(r, node, &rule->direction, &has_action);
	if (meant && rule->direction == DIRECTION_GROUP)
		read_group_rule(r, meant, rule);
	else if (meant)
		read_plain_rule(r, meant, has_action, rule);
	if (!r->failed)
		report_refused(r, node);
	if (r->failed)
		return;
	rules->count++;
	*rules->last = rule;
	rules->last = &rule->next;
}

static void report_malformed_rule(struct resolver *r, const struct ast_text_line *node)
{
	struct diagnostic *d = diag(r->diags, word_span(node->text), DIAG_MALFORMED_RULE,
				    "line is not a rule");

	diag_note(d, "the line is ignored");
	if (!header_help(r, d))
		diag_help(
			d,
			"write a rule as `TYPE ACTION`, `TYPE MACRO(ACTION)` or `GROUP name`, then its options");
}

/* Reports the other mistakes in a rule with a character that the language does not allow. */
static void read_odd_rule(struct resolver *r, const struct ast_rule *node)
{
	struct diags reported;
	struct rule_list none = { .last = &none.first };

	if (!encoding_odd(r->file->source, node->line.span))
		return;
	diags_init(&reported, r->scratch, r->diags->map);
	r->odd = &reported;
	read_rule(r, node, &none);
	r->odd = NULL;
}

void rules_read(struct resolver *r, const struct ast_section *section, struct rule_list *rules)
{
	r->in_group = section->kind == SECTION_GROUP;
	header_pass(r, NULL);
	for (const struct ast_line *line = section->lines; line; line = line->next) {
		header_pass(r, line);
		if (encoding_lost(r->lost, line->span)) {
			if (line->kind == LINE_RULE && r->lost->odd)
				read_odd_rule(r, (const struct ast_rule *)line);
			continue;
		}
		if (line->kind == LINE_RULE)
			read_rule(r, (const struct ast_rule *)line, rules);
		else if (line->kind == LINE_BAD)
			report_malformed_rule(r, (const struct ast_text_line *)line);
	}
	r->in_group = false;
	r->rule = NULL;
}
