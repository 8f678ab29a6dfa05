/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verifying rules, and expanding their macros.
 *
 * A rule is first taken apart into its parameters (shape), then each of these
 * is read, then they are checked against each other.  Anything wrong ignores
 * the rule, and only it; a rule can have several mistakes, and each is reported
 * once.
 */
#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "lang/limit_table.h"
#include "lang/foreign.h"
#include "resolve/file_passes.h"
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"

/* ---- type and action ---- */

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

/* The type that is nearly `type`, or what others call so; len 0: none. */
static struct text near_type(const struct resolver *r, struct text type)
{
	static const struct {
		const char *name;
		enum direction direction;
	} others[] = {
		{ "INPUT", DIRECTION_IN },  { "INBOUND", DIRECTION_IN },   { "INCOMING", DIRECTION_IN },
		{ "INGRESS", DIRECTION_IN }, { "OUTPUT", DIRECTION_OUT },   { "OUTBOUND", DIRECTION_OUT },
		{ "EGRESS", DIRECTION_OUT }, { "OUTGOING", DIRECTION_OUT },
	};
	struct suggestion s;

	suggest_start(&s, type);
	for (int i = 0; i < DIRECTIONS; i++)
		if (type_allowed(r, (enum direction)i))
			suggest(&s, text_of(direction_names[i]), SPAN_NONE);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (text_equal_nocase(type, text_of(others[i].name)))
			s.best = text_of(direction_names[others[i].direction]);
	return s.best;
}

/* ACCEPT, ALLOW, SSH(ACCEPT): the action without a type before it; ACTIONS: it is none. */
static enum action action_in_type(struct word type, struct word *macro)
{
	long open = text_find(word_text(type), '(');
	struct word action = type;
	const struct foreign_verdict *verdict;
	enum action found;

	*macro = (struct word){ 0 };
	if (open > 0 && type.ptr[type.len - 1] == ')') {
		*macro = word_part(type, 0, (uint32_t)open);
		action = word_part(type, (uint32_t)open + 1, type.len - (uint32_t)open - 2);
	}
	found = action_find(word_text(action), true);
	verdict = foreign_verdict(word_text(action));
	return found == ACTIONS && verdict ? verdict->action : found;
}

/* What a line of another program means, if that is known. */
static void suggest_translation(struct resolver *r, const struct ast_rule *node, struct diagnostic *d, bool iptables)
{
	struct word line = { node->type.ptr, node->line.span.end - node->type.begin, node->type.begin };
	struct columns columns;
	uint32_t count;
	struct word *words = foreign_words(r->arena, line, &count);
	const char *text;

	if (!(iptables ? foreign_iptables(words, count, &columns) : foreign_columns(protocol_names(r), words, count, &columns)) ||
	    !columns.action.len)
		return;
	if (!columns.type.len)
		columns.type = TEXT("IN");
	if (columns.value[PARAM_DPORT].len && !columns.value[PARAM_PROTO].len)
		columns.value[PARAM_PROTO] = TEXT("tcp");
	text = arena_printf(r->arena, "%.*s %.*s%s", TEXT_ARG(columns.type), TEXT_ARG(columns.action),
			    foreign_text(r->arena, &columns));
	diag_suggest(d, word_span(line), "%s", text);
}

/* A line of iptables, nft and so on: one mistake, whatever stands in it. */
static bool report_foreign_line(struct resolver *r, const struct ast_rule *node)
{
	const char *program = foreign_program(word_text(node->type));
	struct diagnostic *d;

	if (!program || !node->action.len)
		return false;
	d = rule_fail(r, word_span(node->type), DIAG_UNKNOWN_TYPE, "rule type `%.*s` does not exist",
		      TEXT_ARG(node->type));
	diag_note(d, "this looks like a line of %s", program);
	rule_note_effect(r, d);
	diag_help(d, "write a rule as `TYPE ACTION` and options, as in `IN ACCEPT -p tcp -dport 22`");
	suggest_translation(r, node, d, strcmp(program, "iptables") == 0 || strcmp(program, "ip6tables") == 0);
	return true;
}

/* Reports the type, which is none.  Returns what is meant as the rule instead, or NULL if nothing can be said
 * about the rest of the line.  *has_action: the word that should be the type is the action. */
static const struct ast_rule *report_type(struct resolver *r, const struct ast_rule *node, enum direction *direction,
					  bool *has_action)
{
	struct ast_rule *meant = ARENA_NEW(r->arena, struct ast_rule);
	struct word type = node->type, macro, whole;
	struct text near = near_type(r, word_text(type));
	enum action action = action_in_type(type, &macro);
	struct diagnostic *d;

	if (report_foreign_line(r, node))
		return NULL;
	*meant = *node;
	*direction = direction_find(near);
	d = rule_error(r, word_span(type), DIAG_UNKNOWN_TYPE, "rule type `%.*s` does not exist",
		       TEXT_ARG(type));
	if (action != ACTIONS && node->action.len && direction_find(word_text(node->action)) != DIRECTIONS) {
		/* "ACCEPT IN" */
		*direction = direction_find(word_text(node->action));
		whole = (struct word){ type.ptr, node->action.begin + node->action.len - type.begin, type.begin };
		diag_help(d, "did you mean `%s %.*s`?", direction_names[*direction], TEXT_ARG(type));
		diag_guess(d, word_span(whole), "%s %.*s", direction_names[*direction], TEXT_ARG(type));
		meant->action = macro.len ? word_part(type, macro.len + 1, type.len - macro.len - 2) : type;
		meant->macro = macro;
		return meant;
	}
	if (action != ACTIONS && (!node->action.len || node->action.ptr[0] == '-')) {
		/* "ACCEPT -p tcp" */
		const char *what = macro.len ? arena_printf(r->arena, "%.*s(%s)", TEXT_ARG(macro), action_names[action])
					     : action_names[action];

		*direction = DIRECTION_IN;
		*has_action = true;
		diag_help(d, "write the type before the action; did you mean `IN %s` or `OUT %s`?", what,
			  what);
		return meant;
	}
	if (near.len) {
		diag_suggest(d, word_span(type), "%.*s", TEXT_ARG(near));
		return meant;
	}
	if (!header_help(r, d))
		diag_help(d, "a rule begins with IN, OUT, FORWARD or GROUP");
	if (action != ACTIONS)
		suggest_translation(r, node, d, false);
	*direction = DIRECTION_IN;
	return action == ACTIONS && action_find(word_text(node->action), true) != ACTIONS ? meant : NULL;
}

static void report_misplaced_type(struct resolver *r, struct word type, enum direction direction)
{
	const char *place = r->in_group ? "security group"
					: arena_printf(r->arena, "%s file", file_kind_name(r->file->kind));
	struct diagnostic *d = rule_fail(r, word_span(type), DIAG_MISPLACED_TYPE,
					 "%s rules are not allowed in a %s", direction_names[direction],
					 place);

	if (r->rule->disabled)
		rule_note_effect(r, d);
	else
		diag_note(d, "the rule is ignored");
	if (r->in_group)
		diag_help(d, "a group contains IN, OUT and FORWARD rules; groups cannot be nested");
	else if (r->file->kind == FILE_VNET)
		diag_help(d, "a vnet file contains FORWARD and GROUP rules");
	else
		diag_help(d, "a guest's file contains IN, OUT and GROUP rules");
}

/* What to read the rest of the rule as, and its direction; NULL if nothing more can be said about it. */
static const struct ast_rule *read_type(struct resolver *r, const struct ast_rule *node, enum direction *direction,
					bool *has_action)
{
	*has_action = false;
	*direction = direction_find(word_text(node->type));
	if (*direction == DIRECTIONS)
		return report_type(r, node, direction, has_action);
	if (type_allowed(r, *direction))
		return node;
	report_misplaced_type(r, node->type, *direction);
	return *direction == DIRECTION_GROUP ? NULL : node;
}

/* "SSH (ACCEPT)" and "SSH ACCEPT": the word behind the macro, without brackets; len 0: it is no action. */
static struct word action_behind_macro(const struct ast_rule *rule)
{
	const struct ast_param *next = rule->params;
	struct word word = { 0 };

	if (!next || next->form != PARAM_STRAY)
		return word;
	word = next->key;
	if (word.len > 2 && word.ptr[0] == '(')
		word = word_part(word, 1, word.len - 1);
	if (word.len > 1 && word.ptr[word.len - 1] == ')')
		word.len--;
	if (action_find(word_text(word), true) == ACTIONS)
		word.len = 0;
	return word;
}

/* The name of a macro alone. */
static void help_macro(struct diagnostic *d, const struct ast_rule *rule)
{
	struct word word = rule->action, action = action_behind_macro(rule);
	enum action found = action_find(word_text(action), true);
	struct word behind;

	if (!action.len) {
		diag_help(d, "it is a macro: write `%.*s(ACCEPT)`, `%.*s(DROP)` or `%.*s(REJECT)`",
			  TEXT_ARG(word), TEXT_ARG(word), TEXT_ARG(word));
		return;
	}
	behind = rule->params->key;
	diag_help(d, "it is a macro; write its action in parentheses: `%.*s(%s)`", TEXT_ARG(word),
		  action_names[found]);
	diag_fix(d, (struct span){ word.begin, behind.begin + behind.len }, "%.*s(%s)", TEXT_ARG(word),
		 action_names[found]);
}

/* "ACCEPT(SSH)", "SSH/ACCEPT", "SSH:ACCEPT", "SSH[ACCEPT]" and "SSH(ACCEPT" */
static bool suggest_swapped(struct diagnostic *d, const struct ast_rule *rule)
{
	struct word word = rule->action, first = rule->macro, second = rule->action;
	const struct macro *macro;
	enum action action;
	long sign;

	if (rule->macro.ptr) {
		macro = macro_find(word_text(second));
		action = action_find(word_text(first), true);
		word = (struct word){ first.ptr, first.len + second.len + 2, first.begin };
	} else {
		sign = -1;
		for (const char *s = "/:[("; *s && sign < 0; s++)
			sign = text_find(word_text(word), *s);
		if (sign <= 0)
			return false;
		first = word_part(word, 0, (uint32_t)sign);
		second = word_part(word, (uint32_t)sign + 1, word.len - (uint32_t)sign - 1);
		if (second.len && (second.ptr[second.len - 1] == ']' || second.ptr[second.len - 1] == ')'))
			second.len--;
		macro = macro_find(word_text(first));
		action = action_find(word_text(second), true);
	}
	if (!macro || action == ACTIONS)
		return false;
	diag_suggest(d, word_span(word), "%s(%s)", macro->name, action_names[action]);
	return true;
}

static void help_verdict(struct diagnostic *d, struct word word, const struct foreign_verdict *verdict)
{
	if (verdict->action == ACTIONS)
		diag_help(d, "%s", verdict->help);
	else if (verdict->certain)
		diag_correct(d, word_span(word), "%s", action_names[verdict->action]);
	else
		diag_suggest(d, word_span(word), "%s", action_names[verdict->action]);
}

/* True if words behind the action are part of the mistake. */
static bool report_action(struct resolver *r, const struct ast_rule *rule)
{
	struct word word = rule->action;
	enum action any = action_find(word_text(word), true);
	const struct foreign_verdict *verdict = foreign_verdict(word_text(word));
	const struct foreign_service *service = foreign_service(word_text(word));
	struct diagnostic *d;
	struct suggestion s;

	d = rule_error(r, word_span(word), DIAG_UNKNOWN_ACTION, "action `%.*s` does not exist",
		       TEXT_ARG(word));
	if (any != ACTIONS) {
		diag_fix(diag_help(d, "write actions in capital letters: `%s`", action_names[any]),
			 word_span(word), "%s", action_names[any]);
		return false;
	}
	if (verdict) {
		help_verdict(d, word, verdict);
		return false;
	}
	if (text_equal_nocase(word_text(word), TEXT("GROUP"))) {
		diag_help(d, "write a security group on a line of its own: `GROUP NAME`");
		return true;
	}
	if (!rule->macro.ptr && macro_find(word_text(word))) {
		help_macro(d, rule);
		return true;
	}
	if (suggest_swapped(d, rule))
		return true;
	if (!rule->macro.ptr && service) {
		diag_help(d, "no macro exists for it; write `%.*s ACCEPT %s`", TEXT_ARG(rule->type),
			  service->options);
		return true;
	}
	if (word.len > 1 && word.ptr[word.len - 1] == ';') {
		diag_help(d, "a comment begins with `#`");
		return true;
	}
	suggest_start(&s, word_text(word));
	for (int i = 0; i < ACTIONS; i++)
		suggest(&s, text_of(action_names[i]), SPAN_NONE);
	if (s.best.len)
		suggest_to(d, &s, word_span(word), "");
	else
		diag_help(d, "write ACCEPT, DROP or REJECT, or a macro with one of them: MACRO(ACTION)");
	return !s.best.len;
}

/* The protocol stands where a macro is expected. */
static bool says_protocol(struct resolver *r, struct word macro)
{
	uint8_t number;

	return foreign_service(word_text(macro)) ||
	       netdb_protocol(r->config->netdb, arena_lower(r->arena, word_text(macro)), &number);
}

/* How the rule is written without a macro, if `name` says what it is about. */
static bool help_no_macro(struct resolver *r, struct diagnostic *d, struct word name)
{
	const struct ast_rule *node = r->rule;
	const struct foreign_service *service = foreign_service(word_text(name));
	struct text lower = arena_lower(r->arena, word_text(name));
	const struct foreign_verdict *verdict = foreign_verdict(word_text(node->action));
	enum action action = action_find(word_text(node->action), true);
	bool known = action != ACTIONS;
	struct span whole = { name.begin, node->action.begin + node->action.len + 1 };
	const char *options = service ? service->options : NULL;
	uint16_t port;
	uint8_t number;

	if (!options && netdb_protocol(r->config->netdb, lower, &number))
		options = arena_printf(r->arena, "-p %.*s", TEXT_ARG(lower));
	if (!options && netdb_service(r->config->netdb, lower, 0, &port))
		options = arena_printf(r->arena, "-p %s -dport %.*s",
				       netdb_service(r->config->netdb, lower, 0, &port) & SERVICE_TCP ? "tcp" : "udp",
				       TEXT_ARG(lower));
	if (!options)
		return false;
	if (!known)
		action = verdict && verdict->action != ACTIONS ? verdict->action : ACTION_ACCEPT;
	diag_help(d, "no macro exists for it; write `%.*s %s %s`", TEXT_ARG(node->type), action_names[action],
		  options);
	if (service && *service->help)
		diag_help(d, "%s", service->help);
	if (known && !node->params)
		diag_guess(d, whole, "%s %s", action_names[action], options);
	return true;
}

static void report_macro(struct resolver *r, struct word name)
{
	struct diagnostic *d = rule_error(r, word_span(name), DIAG_UNKNOWN_MACRO,
					  "macro `%.*s` does not exist", TEXT_ARG(name));
	struct suggestion s;
	uint64_t port;

	if (text_find(word_text(name), ',') > 0) {
		diag_help(d, "a rule has only one macro; write a rule for each");
		return;
	}
	if (text_to_number(word_text(name), UINT16_MAX, &port)) {
		diag_help(d, "write a port as `IN ACCEPT -p tcp -dport %.*s`", TEXT_ARG(name));
		return;
	}
	if (help_no_macro(r, d, name))
		return;
	suggest_start(&s, word_text(name));
	for (unsigned i = 0; i < macro_count; i++)
		suggest(&s, text_of(macro_table[i].name), SPAN_NONE);
	if (s.best.len)
		suggest_to(d, &s, word_span(name), "");
	else
		diag_help(d, "`pvefw-cc macros` lists the macros");
}

/* No action where one is due: at the end of the line, before an option, or in
 * a macro's brackets. */
static void report_no_action(struct resolver *r, const struct ast_rule *node, enum direction direction)
{
	bool group = direction == DIRECTION_GROUP, macro = node->macro.ptr != NULL;
	struct word where = macro ? node->macro : node->type;
	struct diagnostic *d = rule_error(r, word_span(where), DIAG_MISSING_ACTION, "%s has no %s",
					  group   ? "GROUP rule"
					  : macro ? "macro"
						  : "rule",
					  group ? "group name" : "action");

	if (macro)
		diag_help(d, "write `%.*s(ACCEPT)`, `%.*s(DROP)` or `%.*s(REJECT)`", TEXT_ARG(where),
			  TEXT_ARG(where), TEXT_ARG(where));
	else if (!group)
		diag_help(d, "write the action after %s: ACCEPT, DROP, REJECT, or MACRO(ACTION)",
			  direction_names[direction]);
}

/* "IN GROUP(web)" */
static void report_group_as_macro(struct resolver *r, const struct ast_rule *node)
{
	struct diagnostic *d = rule_error(r, word_span(node->macro), DIAG_UNKNOWN_MACRO,
					  "macro `%.*s` does not exist", TEXT_ARG(node->macro));

	diag_help(d, "write a security group on a line of its own: `GROUP %.*s`", TEXT_ARG(node->action));
}

/* True if words behind the action are part of a mistake in it. */
static bool read_action(struct resolver *r, const struct ast_rule *node, struct rule *rule)
{
	bool swapped = node->macro.ptr && action_find(word_text(node->macro), true) != ACTIONS &&
		       macro_find(word_text(node->action)), stray = false;

	if (node->macro.ptr && text_equal_nocase(word_text(node->macro), TEXT("GROUP"))) {
		report_group_as_macro(r, node);
		return true;
	}
	rule->action = action_find(word_text(node->action), false);
	if (node->macro.ptr)
		rule->macro = macro_find(word_text(node->macro));
	if (rule->action == ACTIONS)
		stray = report_action(r, node);
	if (node->macro.ptr && !rule->macro && !swapped)
		report_macro(r, node->macro);
	if (rule->direction == DIRECTION_FORWARD && rule->action == ACTION_REJECT)
		diag_correct(rule_error(r, word_span(node->action), DIAG_FORWARD_REJECT,
					"FORWARD rule cannot have the action REJECT"),
			     word_span(node->action), "DROP");
	if (r->odd && encoding_odd(r->file->source, word_span(node->action)))
		stray = true; /* a character in it may have been meant as a blank */
	return stray;
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

/* Longer than the kernel's names are, and no alternative name that is known. */
static void report_long_iface(struct resolver *r, struct word value)
{
	struct diagnostic *d = rule_error(r, word_span(value), DIAG_IFACE_TOO_LONG,
					  "interface name `%.*s` is too long", TEXT_ARG(value));

	diag_here(d, "%u characters, but at most %d are possible", value.len, LIMIT_IFACE_NAME);
	diag_help(d, "write a name or an alternative name that `ip link` shows");
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
	/* "net00" is a valid name, but none that a guest can have. */
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
	if (rule->iface.len > LIMIT_IFACE_NAME)
		report_long_iface(r, value);
}

/* ---- protocol, ports, ICMP types ---- */

/* The options that a macro sets, as "-p tcp -dport 80". */
static const char *macro_rule_text(struct arena *arena, const struct macro_rule *m)
{
	const char *text = arena_printf(arena, "-p %s", m->proto);

	if (m->dport)
		text = arena_printf(arena, "%s -dport %s", text, m->dport);
	return m->sport ? arena_printf(arena, "%s -sport %s", text, m->sport) : text;
}

/* Says what the macro sets, and how its rule is written with a port of its own; `proto_given`: by the rule. */
static void help_without_macro(struct resolver *r, struct diagnostic *d, const struct macro *macro, struct word key,
			       struct word value, bool proto_given)
{
	const struct ast_rule *node = r->rule;
	const char *sets = macro_rule_text(r->arena, &macro->rules[0]);
	const char *proto = macro->rules[0].proto;
	struct span whole = { node->macro.begin, node->action.begin + node->action.len + 1 };
	bool more = macro->count > 1;

	if (macro->count == 2)
		sets = arena_printf(r->arena, "%s` and `%s", sets, macro_rule_text(r->arena, &macro->rules[1]));
	diag_note(d, "macro %s sets `%s`%s itself", macro->name, sets, macro->count > 2 ? " and more" : "");
	for (unsigned i = 1; more && i < macro->count; i++)
		more = strcmp(macro->rules[i].proto, proto) == 0;
	if (macro->count > 1 && !more) {
		diag_help(d, "write rules without the macro, one for each protocol: `%.*s %.*s -p %s %.*s %.*s`",
			  TEXT_ARG(node->type), TEXT_ARG(node->action), proto, TEXT_ARG(key), TEXT_ARG(value));
		return;
	}
	diag_help(d, "delete `%.*s`, or write the rule without the macro: `%.*s %.*s -p %s %.*s %.*s`",
		  TEXT_ARG(key), TEXT_ARG(node->type), TEXT_ARG(node->action), proto, TEXT_ARG(key),
		  TEXT_ARG(value));
	if (!text_equal(word_text(value), text_of(macro->rules[0].dport ? macro->rules[0].dport : "")))
		diag_guess(d, whole, "%.*s%s%s", TEXT_ARG(node->action), proto_given ? "" : " -p ",
			   proto_given ? "" : proto);
}

static void help_proto(struct resolver *r, struct diagnostic *d, enum rule_param param, struct word value)
{
	uint16_t port;
	unsigned services = netdb_service(r->config->netdb, word_text(value), 0, &port);

	if (param == PARAM_ICMP_TYPE || icmp_type_find(IPV4, word_text(value)) || icmp_type_find(IPV6, word_text(value)))
		diag_help(d, "add `-p icmp` or `-p icmpv6`");
	else if (services == SERVICE_TCP)
		diag_help(d, "add `-p tcp`");
	else if (services == SERVICE_UDP)
		diag_help(d, "add `-p udp`");
	else
		diag_help(d, "add `-p tcp` or `-p udp`");
}

/* Ports and ICMP types that need -p: one mistake, however many there are. */
static void report_without_proto(struct resolver *r, const struct params *params, const struct macro *macro)
{
	static const enum rule_param dependent[] = { PARAM_DPORT, PARAM_SPORT, PARAM_ICMP_TYPE };
	struct diagnostic *d = NULL;

	for (size_t i = 0; i < 3; i++) {
		struct word key = params->key[dependent[i]], value = params->value[dependent[i]];

		if (!key.ptr)
			continue;
		if (d) {
			diag_label(d, word_span(key), "this needs it, too");
			continue;
		}
		d = rule_error(r, word_span(key), DIAG_PARAM_WITHOUT_PROTO, "`%.*s` needs a protocol%s",
			       TEXT_ARG(key), macro ? ", also in a rule with a macro" : "");
		if (!r->rule->macro.ptr && dependent[i] != PARAM_ICMP_TYPE)
			diag_note(
				d,
				"the nftables preview of Proxmox VE ignores the port: there the rule matches every port");
		if (macro)
			help_without_macro(r, d, macro, key, value, false);
		else
			help_proto(r, d, dependent[i], value);
	}
}

static void report_no_ports(struct resolver *r, struct word key, const struct proto *proto)
{
	struct diagnostic *d = rule_error(r, word_span(key), DIAG_PROTO_WITHOUT_PORTS,
					  "protocol `%.*s` has no ports", TEXT_ARG(proto->text));

	if (proto->number == 1 || proto->number == 58)
		diag_help(d, "write an ICMP type as `-p %s -icmp-type NAME`",
			  proto->number == 1 ? "icmp" : "icmpv6");
	else
		diag_help(d, "only tcp, udp, udplite, sctp and dccp have ports");
}

static void read_dport(struct resolver *r, struct word key, struct word value, struct condition *c)
{
	if (text_is(c->proto.text, "ipv6-icmp"))
		diag_help(rule_error(r, word_span(key), DIAG_IPV6_ICMP_DPORT,
				     "ICMP type in `%.*s` not allowed with `-p ipv6-icmp`", TEXT_ARG(key)),
			  "write `-p icmpv6`, or `-icmp-type` instead of `%.*s`", TEXT_ARG(key));
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

static bool is_icmp_type(struct text name)
{
	return icmp_type_find(IPV4, name) || icmp_type_find(IPV6, name);
}

static void read_icmp_type(struct resolver *r, const struct params *params, struct condition *c)
{
	struct word key = params->key[PARAM_ICMP_TYPE], value = params->value[PARAM_ICMP_TYPE];

	if (!c->proto.icmp)
		diag_help(rule_error(r, word_span(key), DIAG_ICMP_TYPE_PROTO,
				     "protocol `%.*s` has no ICMP types", TEXT_ARG(c->proto.text)),
			  "use `-p icmp` or `-p icmpv6`");
	else if (params->value[PARAM_DPORT].ptr)
		diag_label(diag_help(rule_error(r, word_span(key), DIAG_ICMP_TYPE_AND_DPORT,
						"`-icmp-type` and `-dport` cannot be combined"),
				     "delete `-dport`"),
			   word_span(params->key[PARAM_DPORT]), "this is an ICMP type, too");
	else
		icmp_read(r, value, false, c);
}

/* The values that a rule gives to options of a protocol which is missing or wrong: `proto` is the one that is
 * meant, or proto_any.  Only what would be wrong with every protocol is reported. */
static void verify_without_proto(struct resolver *r, const struct params *params, const struct proto *proto)
{
	static const enum rule_param ports[] = { PARAM_DPORT, PARAM_SPORT };
	struct word type = params->value[PARAM_ICMP_TYPE];

	for (size_t i = 0; proto->has_ports && i < 2; i++) {
		struct word value = params->value[ports[i]];

		if (value.ptr && !is_icmp_type(word_text(value)))
			ports_read(r, value, proto);
	}
	if (type.ptr && (proto->icmp || !is_icmp_type(word_text(type)))) {
		struct condition ignored = { .proto = *proto };

		if (!proto->icmp)
			ignored.proto = (struct proto){ .text = TEXT("icmp"), .icmp = IPV4 };
		icmp_read(r, type, false, &ignored);
	}
}

/* What the rule itself says about protocol and ports. */
static void read_condition(struct resolver *r, const struct params *params, const struct macro *macro,
			   struct condition *c)
{
	struct word proto = params->value[PARAM_PROTO];
	struct proto meant = proto_any;

	if (!proto.ptr || !proto_read(r, proto, &meant)) {
		/* A word that cannot be read may have been the protocol. */
		if (!params->meant[PARAM_PROTO] && !r->odd)
			report_without_proto(r, params, macro);
		verify_without_proto(r, params, &meant);
		return;
	}
	c->proto = meant;
	if (c->proto.icmp)
		c->family_mask = c->proto.icmp;
	if (params->value[PARAM_ICMP_TYPE].ptr)
		read_icmp_type(r, params, c);
	if (params->value[PARAM_DPORT].ptr && !(c->proto.icmp && params->value[PARAM_ICMP_TYPE].ptr))
		read_dport(r, params->key[PARAM_DPORT], params->value[PARAM_DPORT], c);
	if (params->value[PARAM_SPORT].ptr)
		read_sport(r, params->key[PARAM_SPORT], params->value[PARAM_SPORT], c);
}

/* ---- macros ---- */

/* Whether a value of the rule is another than the macro's; reports it then, in *d if something is there. */
static bool conflicts(struct resolver *r, const struct macro *macro, const struct params *params,
		      enum rule_param id, const char *of_macro, struct diagnostic **d)
{
	struct word value = params->value[id];
	struct span span;

	if (!value.ptr || !of_macro || text_is(word_text(value), of_macro))
		return false;
	span = (struct span){ params->key[id].begin, value.begin + value.len };
	if (*d) {
		diag_label(*d, span, "it sets `%s %s`", rule_param_table[id].spellings[0], of_macro);
		return true;
	}
	*d = rule_error(r, span, DIAG_MACRO_CONFLICT, "macro %s sets `%s %s` itself", macro->name,
			rule_param_table[id].spellings[0], of_macro);
	if (id == PARAM_PROTO)
		diag_help(*d, "delete the option, or write the rule without the macro");
	else
		help_without_macro(r, *d, macro, params->key[id], value, true);
	return true;
}

static void fill_condition(struct resolver *r, const struct condition *own, const struct macro_rule *m,
			   struct condition *c)
{
	*c = *own;
	c->family_mask = own->family_mask & m->family_mask;
	if (!own->proto.text.len)
		c->proto = proto_of_macro(r, m->proto);
	if (c->proto.icmp)
		c->family_mask &= c->proto.icmp;
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
	static const struct condition anything = { .family_mask = IPV_BOTH };
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

		struct diagnostic *d = NULL;

		if (!(m->family_mask & rule->family_mask))
			continue;
		conflicts(r, macro, params, PARAM_PROTO, m->proto, &d);
		conflicts(r, macro, params, PARAM_DPORT, m->dport, &d);
		conflicts(r, macro, params, PARAM_SPORT, m->sport, &d);
		if (d)
			return;
	}
	rule->conditions = expand_all(r, macro, own);
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

/* One that is wrong, and was reported, counts as any. */
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

/* Reads all that a rule says, also behind what is wrong: each mistake is reported. */
static void read_plain_rule(struct resolver *r, const struct ast_rule *node, bool has_action, struct rule *rule)
{
	struct params params = { 0 };
	struct condition condition = { .family_mask = IPV_BOTH }, *own = &condition;
	bool missing = !node->action.len || node->action.ptr[0] == '-', stray = false;

	rule->action = ACTIONS;
	if (!missing)
		stray = read_action(r, node, rule);
	params_read(r, node, false, stray, &params);
	if (node->macro.ptr && !rule->macro && !params.meant[PARAM_PROTO])
		params.meant[PARAM_PROTO] = says_protocol(r, node->macro);
	if (missing && !has_action && !params.action && !r->odd)
		report_no_action(r, node, rule->direction);
	if (params.value[PARAM_IFACE].ptr)
		read_iface(r, params.value[PARAM_IFACE], rule);
	rule->source = read_endpoint(r, params.value[PARAM_SOURCE]);
	rule->dest = read_endpoint(r, params.value[PARAM_DEST]);
	read_condition(r, &params, rule->macro, own);
	if (params.value[PARAM_LOG].ptr)
		rule->log = log_level_find(word_text(params.value[PARAM_LOG]), false);
	if (!set_family_mask(r, rule, node, &params, own) || r->failed)
		return;
	if (rule->macro) {
		expand_macro(r, rule, &params, own);
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

	if (node->macro.ptr) /* "GROUP a(b)": one word all the same */
		name = (struct word){ node->macro.ptr, node->macro.len + node->action.len + 2, node->macro.begin };
	params_read(r, node, true, is_before_semicolon(name), &params);
	if (params.value[PARAM_IFACE].ptr)
		read_iface(r, params.value[PARAM_IFACE], rule);
	if (!name.len || name.ptr[0] == '-') {
		report_no_action(r, node, rule->direction);
		return;
	}
	rule->group = scope_find_group(r->config, word_text(name));
	if (reference_is_skipped(r, &r->config->cluster, SECTION_GROUP, word_text(name), name))
		return;
	if (!report_group_name(r, name) && !rule->group)
		report_unknown_group(r, name);
}

static void report_bar_gap(struct resolver *r, const struct ast_rule *node)
{
	struct span gap = { node->line.span.begin + 1, node->type.begin };
	struct diagnostic *d = rule_error(r, gap, DIAG_BAR_GAP,
					  "space between `|` and the rule is not allowed");

	diag_fix(d, gap, "%s", "");
}

/* A rule that is right, and was refused by the kernel or a tool. */
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
	if (node->gap_after_bar)
		report_bar_gap(r, node);
	meant = read_type(r, node, &rule->direction, &has_action);
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

/* A rule with a character that the language does not allow: the other mistakes in it. */
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
