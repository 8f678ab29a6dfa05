/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verifying rules, and expanding their macros.
 *
 * A rule is first taken apart into its parameters (shape), then each of these
 * is read, then they are checked against each other.  Anything wrong ignores
 * the rule, and only it; a rule can have several mistakes, and each is reported
 * once.
 */
#include "resolve.h"

/* ---- reporting ---- */

struct diagnostic *rule_error(struct resolver *r, struct span span, enum diag_id id,
			      const char *format, ...)
{
	const char *message;
	va_list args;

	va_start(args, format);
	message = arena_vprintf(r->arena, format, args);
	va_end(args);
	r->failed = true;
	return diag(r->diags, span, id, "%s", message);
}

/* The policy that decides about what the rule would have decided. */
static const char *policy_of(const struct resolver *r, enum direction direction, const char **name)
{
	const struct cluster_options *cluster = &r->config->cluster_options;
	bool guest = r->file->kind == FILE_GUEST && r->guest;

	if (direction == DIRECTION_FORWARD) {
		*name = "policy_forward";
		return action_names[r->vnet ? r->vnet->policy_forward : cluster->policy_forward];
	}
	*name = direction == DIRECTION_IN ? "policy_in" : "policy_out";
	if (direction == DIRECTION_IN)
		return action_names[guest ? r->guest->policy_in : cluster->policy_in];
	return action_names[guest ? r->guest->policy_out : cluster->policy_out];
}

struct diagnostic *rule_fate(struct resolver *r, struct diagnostic *d)
{
	enum direction direction;
	const char *policy, *name;

	if (!r->rule)
		return diag_note(d, "the entry is ignored");
	if (r->rule->disabled)
		return diag_note(d, "the rule is disabled; it would be ignored if it were not");
	direction = direction_find(word_text(r->rule->type));
	if (direction == DIRECTION_GROUP)
		return diag_note(d, "the rule is ignored; none of the group's rules applies here");
	if (r->in_group)
		return diag_note(d, "the rule is ignored, wherever the group is used");
	if (direction == DIRECTIONS)
		return diag_note(d, "the rule is ignored");
	policy = policy_of(r, direction, &name);
	return diag_note(d, "the rule is ignored; the traffic falls through to %s %s", name, policy);
}

/* ---- shape ---- */

/* A rule's parameters; ptr NULL for what is not given. */
struct params {
	struct word value[RULE_PARAMS];
	struct word key[RULE_PARAMS];
};

static struct span param_span(const struct ast_param *p)
{
	uint32_t end = p->value.ptr ? p->value.begin + p->value.len : p->key.begin + p->key.len;

	return (struct span){ p->key.begin, end };
}

static void report_unknown_param(struct resolver *r, const struct ast_param *p)
{
	struct diagnostic *d = rule_error(r, word_span(p->key), DIAG_UNKNOWN_PARAM, "rules have no option `%.*s`",
					  TEXT_ARG(p->key));
	struct text key = word_text(p->key);
	struct suggestion s;

	rule_fate(r, d);
	suggest_start(&s, key);
	for (int i = 0; i < RULE_PARAMS; i++)
		for (int j = 0; j < 3 && rule_param_table[i].spellings[j]; j++)
			suggest(&s, text_of(rule_param_table[i].spellings[j]), (struct span){ 0, 0 });
	if (text_is(key, "-s") || text_is(key, "-d"))
		suggest(&s, key.ptr[1] == 's' ? TEXT("-source") : TEXT("-dest"), (struct span){ 0, 0 });
	if (text_is(key, "-s") || text_is(key, "-d"))
		s.best = key.ptr[1] == 's' ? TEXT("-source") : TEXT("-dest");
	if (text_is(key, "-comment") || text_is(key, "--comment"))
		diag_help(d, "a comment is written behind `#`, at the end of the line");
	else
		suggest_to(d, &s, word_span(p->key), "");
}

static void report_gap(struct resolver *r, const struct ast_param *p)
{
	struct span gap = { p->key.begin + p->key.len, p->value.begin };
	bool tab = gap.end - gap.begin == 1;
	struct diagnostic *d = rule_error(r, gap, DIAG_PARAM_GAP, "exactly one blank stands between `%.*s` and its value",
					  TEXT_ARG(p->key));

	diag_here(d, tab ? "a tab here" : "%u here", gap.end - gap.begin);
	rule_fate(r, d);
	diag_fix(diag_help(d, "write `%.*s %.*s`", TEXT_ARG(p->key), TEXT_ARG(p->value)), gap, " ");
}

static void report_stray(struct resolver *r, const struct ast_param *p)
{
	struct diagnostic *d = rule_error(r, word_span(p->key), DIAG_STRAY_WORD, "`%.*s` belongs to no option",
					  TEXT_ARG(p->key));

	rule_fate(r, d);
	if (p->key.ptr[0] == '(')
		diag_help(d, "a macro is written without blanks: MACRO(ACTION)");
	else
		diag_help(d, "a comment is written behind `#`");
}

/* Log levels are read where they stand: each must be valid, also one that a
 * later one replaces. */
static bool report_log_level(struct resolver *r, const struct ast_param *p)
{
	struct text level = word_text(p->value);
	enum log_level any = log_level_find(level, true);
	struct diagnostic *d;

	if (log_level_find(level, false) != LOG_LEVELS)
		return false;
	d = rule_error(r, word_span(p->value), DIAG_BAD_LOG_LEVEL, "no log level `%.*s`", TEXT_ARG(level));
	rule_fate(r, d);
	if (any != LOG_LEVELS) {
		diag_fix(diag_help(d, "in rules log levels are written in lower case"), word_span(p->value), "%s",
			 log_level_names[any]);
		return true;
	}
	suggest_log_level(d, p->value);
	return true;
}

/* True if the parameter was wrong by itself, and the rest of the line means nothing. */
static bool report_shape(struct resolver *r, const struct ast_param *p, enum rule_param id)
{
	if (p->form == PARAM_STRAY)
		report_stray(r, p);
	else if (id == RULE_PARAMS)
		report_unknown_param(r, p);
	else if (p->form == PARAM_NO_VALUE)
		rule_fate(r, rule_error(r, word_span(p->key), DIAG_PARAM_NO_VALUE, "`%.*s` has no value",
					TEXT_ARG(p->key)));
	else if (p->form == PARAM_WIDE_GAP)
		report_gap(r, p);
	else
		return id == PARAM_LOG && report_log_level(r, p);
	return true;
}

static void report_repeated(struct resolver *r, const struct ast_param *p, struct word before)
{
	struct diagnostic *d = diag(r->diags, param_span(p), DIAG_DUPLICATE_PARAM, "`%.*s` is given twice",
				    TEXT_ARG(p->key));

	diag_label(d, word_span(before), "first here");
	diag_note(d, "the last one counts");
}

static bool read_params(struct resolver *r, const struct ast_rule *rule, bool group,
			struct params *params)
{
	for (const struct ast_param *p = rule->params; p; p = p->next) {
		enum rule_param id = rule_param_find(word_text(p->key));

		if (group && p->form != PARAM_STRAY && id != RULE_PARAMS && id != PARAM_IFACE) {
			rule_fate(r, rule_error(r, word_span(p->key), DIAG_GROUP_PARAM,
						"a GROUP rule takes no `%.*s`", TEXT_ARG(p->key)));
			return false;
		}
		if (report_shape(r, p, id))
			return false;
		if (params->value[id].ptr)
			report_repeated(r, p, params->key[id]);
		params->value[id] = p->value;
		params->key[id] = p->key;
	}
	return true;
}

/* ---- type and action ---- */

bool looks_like_rule(struct text line)
{
	uint32_t begin = line.len && line.ptr[0] == '|', end = begin;

	while (end < line.len && !char_is_blank(line.ptr[end]))
		end++;
	return direction_find((struct text){ line.ptr + begin, end - begin }) != DIRECTIONS;
}

static bool type_allowed(const struct resolver *r, enum direction direction)
{
	if (r->in_group)
		return direction != DIRECTION_GROUP;
	if (r->file->kind == FILE_GUEST)
		return direction != DIRECTION_FORWARD;
	if (r->file->kind == FILE_VNET)
		return direction == DIRECTION_FORWARD || direction == DIRECTION_GROUP;
	return true;
}

static void report_type(struct resolver *r, struct word type)
{
	struct diagnostic *d = rule_error(r, word_span(type), DIAG_UNKNOWN_TYPE, "no rule type `%.*s`",
					  TEXT_ARG(type));
	struct suggestion s;

	rule_fate(r, d);
	suggest_start(&s, word_text(type));
	for (int i = 0; i < DIRECTIONS; i++)
		if (type_allowed(r, (enum direction)i))
			suggest(&s, text_of(direction_names[i]), (struct span){ 0, 0 });
	if (s.best.len)
		suggest_to(d, &s, word_span(type), "");
	else
		diag_help(d, "a rule begins with IN, OUT, FORWARD or GROUP");
}

static bool read_type(struct resolver *r, const struct ast_rule *rule, enum direction *direction)
{
	*direction = direction_find(word_text(rule->type));
	if (*direction == DIRECTIONS) {
		report_type(r, rule->type);
		return false;
	}
	if (type_allowed(r, *direction))
		return true;
	rule_fate(r, rule_error(r, word_span(rule->type), DIAG_MISPLACED_TYPE, "%s rules are not allowed in a %s",
				direction_names[*direction],
				r->in_group ? "security group"
					    : arena_printf(r->arena, "%s file", file_kind_name(r->file->kind))));
	return false;
}

static void report_action(struct resolver *r, const struct ast_rule *rule)
{
	struct word word = rule->action;
	enum action any = action_find(word_text(word), true);
	struct diagnostic *d;
	struct suggestion s;

	d = rule_error(r, word_span(word), DIAG_UNKNOWN_ACTION, "no action `%.*s`", TEXT_ARG(word));
	rule_fate(r, d);
	if (any != ACTIONS) {
		diag_fix(diag_help(d, "actions are written in capitals"), word_span(word), "%s", action_names[any]);
		return;
	}
	if (text_is(word_text(word), "DENY")) {
		diag_fix(diag_help(d, "did you mean `DROP`?"), word_span(word), "DROP");
		return;
	}
	if (!rule->macro.ptr && macro_find(word_text(word))) {
		diag_help(d, "it is a macro: write `%.*s(ACCEPT)`, `(DROP)` or `(REJECT)`", TEXT_ARG(word));
		return;
	}
	suggest_start(&s, word_text(word));
	for (int i = 0; i < ACTIONS; i++)
		suggest(&s, text_of(action_names[i]), (struct span){ 0, 0 });
	suggest_to(d, &s, word_span(word), "");
}

static void report_macro(struct resolver *r, struct word name)
{
	struct diagnostic *d = rule_error(r, word_span(name), DIAG_UNKNOWN_MACRO, "no macro named `%.*s`",
					  TEXT_ARG(name));
	struct suggestion s;
	uint64_t port;

	rule_fate(r, d);
	if (text_to_number(word_text(name), UINT16_MAX, &port)) {
		diag_help(d, "a port is written `IN ACCEPT -p tcp -dport %.*s`", TEXT_ARG(name));
		return;
	}
	suggest_start(&s, word_text(name));
	for (unsigned i = 0; i < macro_count; i++)
		suggest(&s, text_of(macro_table[i].name), (struct span){ 0, 0 });
	suggest_to(d, &s, word_span(name), "");
}

static bool read_action(struct resolver *r, const struct ast_rule *node, struct rule *rule)
{
	rule->action = action_find(word_text(node->action), false);
	if (node->macro.ptr)
		rule->macro = macro_find(word_text(node->macro));
	if (rule->action == ACTIONS)
		report_action(r, node);
	else if (node->macro.ptr && !rule->macro)
		report_macro(r, node->macro);
	else if (rule->direction == DIRECTION_FORWARD && rule->action == ACTION_REJECT)
		rule_fate(r, diag_help(rule_error(r, word_span(node->action), DIAG_FORWARD_REJECT,
						  "a FORWARD rule cannot REJECT"),
				       "use DROP"));
	else
		return true;
	return false;
}

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

static void read_nic(struct resolver *r, struct word value, struct rule *rule)
{
	struct text digits = { value.ptr + 3, value.len - 3 };
	uint64_t number = 0;

	rule->iface = word_text(value);
	if (!text_starts(rule->iface, "net") || !text_all_digits(digits)) {
		rule_fate(r, diag_help(rule_error(r, word_span(value), DIAG_NIC_NAME, "`%.*s` is no NIC of a guest",
						  TEXT_ARG(value)),
				       "it is net0, net1 and so on, as in the guest's configuration"));
		return;
	}
	/* "net00" is a valid name, but none that a guest can have. */
	rule->net = INT32_MAX;
	if (text_to_number(digits, INT32_MAX - 1, &number) && (digits.len == 1 || digits.ptr[0] != '0'))
		rule->net = (int32_t)number;
}

static void read_iface(struct resolver *r, struct word value, struct rule *rule)
{
	if (r->in_group || r->file->kind == FILE_VNET) {
		rule_fate(r, rule_error(r, word_span(value), DIAG_IFACE_NOT_ALLOWED,
					"no interface can be named in a %s", r->in_group ? "security group" : "vnet file"));
		return;
	}
	if (r->file->kind == FILE_GUEST) {
		read_nic(r, value, rule);
		return;
	}
	rule->iface = word_text(value);
	if (!iface_is_valid(rule->iface)) {
		rule_fate(r, rule_error(r, word_span(value), DIAG_BAD_IFACE, "`%.*s` cannot be the name of an interface",
					TEXT_ARG(value)));
		return;
	}
	for (const struct altname *a = r->config->altnames; a; a = a->next)
		if (text_equal(a->name, rule->iface)) {
			rule->iface = a->iface;
			return;
		}
}

/* ---- protocol, ports, ICMP types ---- */

static void report_without_proto(struct resolver *r, struct word key)
{
	struct diagnostic *d = rule_error(r, word_span(key), DIAG_PARAM_WITHOUT_PROTO, "`%.*s` needs a protocol",
					  TEXT_ARG(key));

	rule_fate(r, d);
	if (text_find(word_text(key), 'i') >= 0)
		diag_help(d, "add `-p icmp` or `-p icmpv6`");
	else
		diag_help(d, "add `-p tcp` or `-p udp`");
}

static void report_no_ports(struct resolver *r, struct word key, const struct proto *proto)
{
	rule_fate(r, rule_error(r, word_span(key), DIAG_PROTO_WITHOUT_PORTS, "the protocol `%.*s` has no ports",
				TEXT_ARG(proto->text)));
}

static void read_dport(struct resolver *r, struct word key, struct word value, struct condition *c)
{
	if (text_is(c->proto.text, "ipv6-icmp"))
		rule_fate(r, diag_help(rule_error(r, word_span(key), DIAG_IPV6_ICMP_DPORT,
						  "`-p ipv6-icmp` takes no ICMP type in `%.*s`", TEXT_ARG(key)),
				       "write `-p icmpv6`, or `-icmp-type` instead of `%.*s`", TEXT_ARG(key)));
	else if (c->proto.icmp)
		icmp_read(r, value, true, c);
	else if (!c->proto.has_ports)
		report_no_ports(r, key, &c->proto);
	else
		c->dport = ports_read(r, value, &c->proto);
}

static void read_sport(struct resolver *r, struct word key, struct word value, struct condition *c)
{
	if (!c->proto.has_ports)
		report_no_ports(r, key, &c->proto);
	else
		c->sport = ports_read(r, value, &c->proto);
}

static void read_icmp_type(struct resolver *r, const struct params *params, struct condition *c)
{
	struct word key = params->key[PARAM_ICMP_TYPE], value = params->value[PARAM_ICMP_TYPE];

	if (!c->proto.icmp)
		rule_fate(r, diag_help(rule_error(r, word_span(key), DIAG_ICMP_TYPE_PROTO,
						  "the protocol `%.*s` has no ICMP types", TEXT_ARG(c->proto.text)),
				       "use `-p icmp` or `-p icmpv6`"));
	else if (params->value[PARAM_DPORT].ptr)
		rule_fate(r, diag_label(rule_error(r, word_span(key), DIAG_ICMP_TYPE_AND_DPORT,
						   "`-icmp-type` cannot stand together with `-dport`"),
					word_span(params->key[PARAM_DPORT]), "this is an ICMP type, too"));
	else
		icmp_read(r, value, false, c);
}

/* What the rule itself says about protocol and ports. */
static void read_condition(struct resolver *r, const struct params *params, struct condition *c)
{
	static const enum rule_param dependent[] = { PARAM_DPORT, PARAM_SPORT, PARAM_ICMP_TYPE };

	if (!params->value[PARAM_PROTO].ptr) {
		for (size_t i = 0; i < 3; i++)
			if (params->value[dependent[i]].ptr)
				report_without_proto(r, params->key[dependent[i]]);
		return;
	}
	if (!proto_read(r, params->value[PARAM_PROTO], &c->proto))
		return;
	if (c->proto.icmp)
		c->versions = c->proto.icmp;
	if (params->value[PARAM_ICMP_TYPE].ptr)
		read_icmp_type(r, params, c);
	else if (params->value[PARAM_DPORT].ptr)
		read_dport(r, params->key[PARAM_DPORT], params->value[PARAM_DPORT], c);
	if (params->value[PARAM_SPORT].ptr)
		read_sport(r, params->key[PARAM_SPORT], params->value[PARAM_SPORT], c);
}

/* ---- macros ---- */

/* Whether a value of the rule is another than the macro's; reports it then. */
static bool conflicts(struct resolver *r, const struct macro *macro, const struct params *params,
		      enum rule_param id, const char *of_macro)
{
	struct word value = params->value[id];
	struct span span;
	struct diagnostic *d;

	if (!value.ptr || !of_macro || text_is(word_text(value), of_macro))
		return false;
	span = (struct span){ params->key[id].begin, value.begin + value.len };
	d = rule_error(r, span, DIAG_MACRO_CONFLICT, "the macro %s sets `%s %s` itself", macro->name,
		       rule_param_table[id].spellings[0], of_macro);
	rule_fate(r, d);
	diag_help(d, "leave the option out, or write the rule without the macro");
	return true;
}

static void fill_condition(struct resolver *r, const struct condition *own, const struct macro_rule *m,
			   struct condition *c)
{
	*c = *own;
	c->versions = own->versions & m->versions;
	if (!own->proto.text.len)
		c->proto = proto_of_macro(r, m->proto);
	if (c->proto.icmp)
		c->versions &= c->proto.icmp;
	if (m->dport && c->proto.icmp)
		c->icmp[1] = (struct icmp_match){ text_of(m->dport), icmp_type_find(c->proto.icmp, text_of(m->dport)) };
	else if (m->dport)
		c->dport = ports_of_macro(r, m->dport, &c->proto);
	if (m->sport)
		c->sport = ports_of_macro(r, m->sport, &c->proto);
}

static const struct condition *expand_all(struct resolver *r, const struct macro *macro,
					  const struct condition *own)
{
	struct condition *conditions = ARENA_ARRAY(r->arena, struct condition, macro->count);

	for (unsigned i = 0; i < macro->count; i++)
		fill_condition(r, own, &macro->rules[i], &conditions[i]);
	return conditions;
}

/* The conditions of a macro for a rule that adds none of its own: made once. */
static const struct condition *expand_plain(struct resolver *r, const struct macro *macro)
{
	static const struct condition anything = { .versions = IPV_BOTH };
	const struct condition **known;

	if (!r->cache->macros)
		r->cache->macros = ARENA_ARRAY(r->arena, const struct condition *, macro_count);
	known = &r->cache->macros[macro - macro_table];
	if (!*known)
		*known = expand_all(r, macro, &anything);
	return *known;
}

static void expand_macro(struct resolver *r, struct rule *rule, const struct params *params,
			 const struct condition *own)
{
	const struct macro *macro = rule->macro;

	rule->condition_count = macro->count;
	if (!params->value[PARAM_PROTO].ptr) {
		rule->conditions = expand_plain(r, macro);
		return;
	}
	for (unsigned i = 0; i < macro->count; i++) {
		const struct macro_rule *m = &macro->rules[i];

		if ((m->versions & rule->versions) && (conflicts(r, macro, params, PARAM_PROTO, m->proto) ||
						       conflicts(r, macro, params, PARAM_DPORT, m->dport) ||
						       conflicts(r, macro, params, PARAM_SPORT, m->sport)))
			return;
	}
	rule->conditions = expand_all(r, macro, own);
}

/* ---- IP versions ---- */

/* The parts of a rule that may fix its IP version. */
struct version_part {
	unsigned versions;
	struct span span;
	const char *what;
};

static const char *version_name(unsigned versions)
{
	return versions == IPV4 ? "IPv4" : "IPv6";
}

static bool agree_on_version(struct resolver *r, const struct version_part *parts, unsigned count,
			     unsigned *versions)
{
	const struct version_part *first = NULL;

	*versions = IPV_BOTH;
	for (unsigned i = 0; i < count; i++) {
		const struct version_part *part = &parts[i];
		struct diagnostic *d;

		if (*versions & part->versions) {
			if (part->versions != IPV_BOTH && !first)
				first = part;
			*versions &= part->versions;
			continue;
		}
		d = rule_error(r, part->span, DIAG_MIXED_VERSIONS, "IPv4 and IPv6 in one rule");
		diag_here(d, "%s is %s", part->what, version_name(part->versions));
		diag_label(d, first->span, "%s is %s", first->what, version_name(first->versions));
		rule_fate(r, d);
		return false;
	}
	return true;
}

static const struct endpoint any_endpoint = { .kind = ENDPOINT_ANY, .versions = IPV_BOTH };

static bool set_versions(struct resolver *r, struct rule *rule, const struct ast_rule *node,
			 const struct params *params, const struct condition *own)
{
	struct version_part parts[] = {
		{ rule->macro ? rule->macro->versions : IPV_BOTH, word_span(node->macro), "the macro" },
		{ own->versions, word_span(params->value[PARAM_PROTO]), "the protocol" },
		{ rule->source->versions, rule->source->span, "the source" },
		{ rule->dest->versions, rule->dest->span, "the destination" },
	};

	return agree_on_version(r, parts, 4, &rule->versions);
}

/* ---- whole rules ---- */

static const struct endpoint *read_endpoint(struct resolver *r, struct word value)
{
	return value.ptr ? endpoint_read(r, value) : &any_endpoint;
}

static void warn_forward(struct resolver *r, const struct ast_rule *node)
{
	struct diagnostic *d;

	if (r->config->host_options.nftables || node->disabled)
		return;
	d = diag(r->diags, node->line.span, DIAG_FORWARD_NOT_ENFORCED, "iptables does not enforce FORWARD rules");
	diag_note(d, "the rule has no effect on nodes without `nftables: 1` in host.fw");
}

static void read_plain_rule(struct resolver *r, const struct ast_rule *node, struct rule *rule)
{
	struct params params = { 0 };
	struct condition condition = { .versions = IPV_BOTH }, *own = &condition;

	if (!read_action(r, node, rule) || !read_params(r, node, false, &params))
		return;
	if (params.value[PARAM_IFACE].ptr)
		read_iface(r, params.value[PARAM_IFACE], rule);
	rule->source = read_endpoint(r, params.value[PARAM_SOURCE]);
	rule->dest = read_endpoint(r, params.value[PARAM_DEST]);
	read_condition(r, &params, own);
	if (params.value[PARAM_LOG].ptr)
		rule->log = log_level_find(word_text(params.value[PARAM_LOG]), false);
	if (r->failed || !set_versions(r, rule, node, &params, own))
		return;
	if (rule->macro) {
		expand_macro(r, rule, &params, own);
	} else {
		own = ARENA_NEW(r->arena, struct condition);
		*own = condition;
		rule->conditions = own;
		rule->condition_count = 1;
	}
	if (rule->direction == DIRECTION_FORWARD && !r->failed)
		warn_forward(r, node);
}

static void suggest_group(struct resolver *r, struct diagnostic *d, struct word name)
{
	struct suggestion s;

	suggest_start(&s, word_text(name));
	for (struct group *g = r->config->groups; g; g = g->hh.next)
		suggest(&s, g->name, g->span);
	suggest_to(d, &s, word_span(name), "");
}

/* A name that no group can have, or that is not found for its capitals. */
static bool report_group_name(struct resolver *r, struct word name)
{
	struct text lower = arena_lower(r->arena, word_text(name));
	bool valid = name_is_valid(word_text(name)), capitals = !text_equal(lower, word_text(name));
	struct diagnostic *d;
	struct group *group;

	if (valid && name.len <= NAME_LONGEST_GROUP && !capitals)
		return false;
	d = rule_error(r, word_span(name), DIAG_BAD_GROUP_REFERENCE, "`%.*s` is no name of a security group",
		       TEXT_ARG(name));
	rule_fate(r, d);
	group = names_group(r->config, lower);
	if (valid && name.len > NAME_LONGEST_GROUP)
		diag_here(d, "more than %d characters", NAME_LONGEST_GROUP);
	else if (valid && group)
		diag_label(d, group->span, "stored as `%.*s`", TEXT_ARG(lower));
	if (valid && capitals && name.len <= NAME_LONGEST_GROUP)
		diag_fix(diag_help(d, "groups are stored, and referred to, in lower case: write `%.*s`", TEXT_ARG(lower)),
			 word_span(name), "%.*s", TEXT_ARG(lower));
	return true;
}

static void report_unknown_group(struct resolver *r, struct word name)
{
	struct diagnostic *d;

	if (r->cluster_unknown) {
		d = rule_error(r, word_span(name), DIAG_CLUSTER_UNKNOWN, "no security group named `%.*s` at hand",
			       TEXT_ARG(name));
		diag_note(d, "cluster.fw may define it, but there is none beside this file");
		diag_note(d, "if it does not, the rule is ignored");
		diag_help(d, "name the tree, not the file");
		return;
	}
	d = rule_error(r, word_span(name), DIAG_UNKNOWN_GROUP, "no security group named `%.*s`", TEXT_ARG(name));
	rule_fate(r, diag_here(d, r->file->kind == FILE_CLUSTER ? "not defined in this file" : "not defined in cluster.fw"));
	suggest_group(r, d, name);
}

static void read_group_rule(struct resolver *r, const struct ast_rule *node, struct rule *rule)
{
	struct params params = { 0 };
	struct word name = node->action;

	if (node->macro.ptr) /* "GROUP a(b)": one word all the same */
		name = (struct word){ node->macro.ptr, node->macro.len + node->action.len + 2, node->macro.begin };
	if (!read_params(r, node, true, &params))
		return;
	if (params.value[PARAM_IFACE].ptr)
		read_iface(r, params.value[PARAM_IFACE], rule);
	rule->group = names_group(r->config, word_text(name));
	if (names_are_skipped(r, &r->config->cluster, SECTION_GROUP, word_text(name), name))
		return;
	if (!report_group_name(r, name) && !rule->group)
		report_unknown_group(r, name);
}

static void report_bar_gap(struct resolver *r, const struct ast_rule *node)
{
	struct span gap = { node->line.span.begin + 1, node->type.begin };
	struct diagnostic *d = rule_error(r, gap, DIAG_BAR_GAP, "no blank stands between `|` and the rule");

	diag_fix(rule_fate(r, d), gap, "%s", "");
}

static void read_rule(struct resolver *r, const struct ast_rule *node, struct rule_list *rules)
{
	struct rule *rule = ARENA_NEW(r->arena, struct rule);

	r->rule = node;
	r->failed = false;
	rule->enabled = !node->disabled;
	rule->log = LOG_NOLOG;
	rule->net = -1;
	rule->source = rule->dest = &any_endpoint;
	rule->versions = IPV_BOTH;
	rule->span = node->line.span;
	if (node->gap_after_bar)
		report_bar_gap(r, node);
	else if (!read_type(r, node, &rule->direction))
		;
	else if (!node->action.ptr)
		rule_fate(r, rule_error(r, word_span(node->type), DIAG_MISSING_ACTION,
					rule->direction == DIRECTION_GROUP ? "a GROUP rule without the group's name"
									   : "a rule without action"));
	else if (rule->direction == DIRECTION_GROUP)
		read_group_rule(r, node, rule);
	else
		read_plain_rule(r, node, rule);
	if (r->failed)
		return;
	rules->count++;
	*rules->last = rule;
	rules->last = &rule->next;
}

static void report_malformed_rule(struct resolver *r, const struct ast_text_line *node)
{
	struct diagnostic *d = diag(r->diags, word_span(node->text), DIAG_MALFORMED_RULE, "this is no rule");

	diag_note(d, "the line is ignored");
	diag_help(d, "a rule is written `TYPE ACTION`, `TYPE MACRO(ACTION)` or `GROUP name`, then its options");
}

void rules_read(struct resolver *r, const struct ast_section *section, struct rule_list *rules)
{
	r->in_group = section->kind == SECTION_GROUP;
	for (const struct ast_line *line = section->lines; line; line = line->next) {
		if (encoding_lost(r->lost, line->span))
			continue;
		if (line->kind == LINE_RULE)
			read_rule(r, (const struct ast_rule *)line, rules);
		else if (line->kind == LINE_BAD)
			report_malformed_rule(r, (const struct ast_text_line *)line);
	}
	r->in_group = false;
	r->rule = NULL;
}
