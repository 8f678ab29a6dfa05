/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the type and the action of rules, and suggests corrections of invalid ones. */
#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "resolve/file_passes.h"
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"

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

/* The type that is spelled like `type` or that other programs call so; len 0: none. */
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

/* The action that stands where the type should be, as ACCEPT, ALLOW or SSH(ACCEPT); ACTIONS if it is not one. */
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

/* Suggests the rule that a line of another program means, if that is known. */
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

/* Reports a line of iptables, nft or another program as one mistake. */
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
const struct ast_rule *rule_read_type(struct resolver *r, const struct ast_rule *node, enum direction *direction,
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

/* "SSH (ACCEPT)" and "SSH ACCEPT": the action after the macro, without brackets; len 0 if it is not one. */
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

/* Returns true if words after the action are part of the mistake. */
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
bool rule_macro_says_protocol(struct resolver *r, struct word macro)
{
	uint8_t number;

	return foreign_service(word_text(macro)) ||
	       netdb_protocol(r->config->netdb, arena_lower(r->arena, word_text(macro)), &number);
}

/* If `name` is a service or protocol, says how to write the rule without a macro. */
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
void rule_report_no_action(struct resolver *r, const struct ast_rule *node, enum direction direction)
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

/* Whether words after the action belong to a mistake in it. */
bool rule_read_action(struct resolver *r, const struct ast_rule *node, struct rule *rule)
{
	bool swapped = node->macro.ptr && action_find(word_text(node->macro), true) != ACTIONS &&
		       macro_find(word_text(node->action)), stray = false;

	if (node->macro.ptr && text_equal_nocase(word_text(node->macro), TEXT("GROUP"))) {
		diag_help(rule_error(r, word_span(node->macro), DIAG_UNKNOWN_MACRO,
				     "macro `%.*s` does not exist", TEXT_ARG(node->macro)),
			  "write a security group on a line of its own: `GROUP %.*s`",
			  TEXT_ARG(node->action));
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
		stray = true; /* a character in it may be meant as a space */
	return stray;
}
