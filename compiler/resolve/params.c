/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options after a rule's action: whether they exist, and are followed by one space and a value, with nothing between
 * them.  rules.c reads the values.
 *
 * Most rules are right and are read from the syntax tree.  Any other is split into words again, and reading goes on at the
 * next option after a mistake, so that each mistake is reported once.  An option that was reported is read as the one
 * that it probably means.
 */
#include "diag/suggest.h"
#include "lang/foreign.h"
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"

/* More options than a rule can have, but for those that are given twice. */
enum { REGULAR_OPTIONS = 2 * RULE_PARAMS };

/* A rule while its words are read. */
struct words {
	struct resolver *r;
	const struct ast_rule *rule;
	struct params *params;
	bool group;
	struct word *at;
	uint32_t count;
	struct diagnostic *refused; /* of options that are not allowed in a GROUP rule */
	enum rule_param last; /* the option that the word before is the value of, or RULE_PARAMS */
};

static struct span span_between(struct word first, struct word last)
{
	return (struct span){ first.begin, last.begin + last.len };
}

/* With the space before it, for deleting it. */
static struct span span_with_blank(struct word first, struct word last)
{
	return (struct span){ first.begin - 1, last.begin + last.len };
}

/* One or two dashes and a letter, or -4 and -6 of other programs. */
static bool is_key(struct word w)
{
	uint32_t i = 0;

	if (text_is(word_text(w), "-4") || text_is(word_text(w), "-6"))
		return true;
	while (i < w.len && i < 2 && w.ptr[i] == '-')
		i++;
	return i > 0 && i < w.len && char_is_letter(w.ptr[i]);
}

/* Index of the first option at or after word `i`; `known`: of those that rules have. */
static uint32_t next_key(const struct words *w, uint32_t i, bool known)
{
	while (i < w->count &&
	       (!is_key(w->at[i]) || (known && rule_param_find(word_text(w->at[i])) == RULE_PARAMS)))
		i++;
	return i;
}

/* Index of the last word of the option at `i`: of its value if it has one. */
static uint32_t end_of_option(const struct words *w, uint32_t i)
{
	return i + 1 < w->count && !is_key(w->at[i + 1]) ? i + 1 : i;
}

static struct word value_of(const struct words *w, uint32_t i)
{
	static const struct word none;
	uint32_t end = end_of_option(w, i);

	return end > i ? w->at[end] : none;
}

/* ---- options that rules have ---- */

/* Exactly one space belongs in `gap`. */
static struct diagnostic *report_gap(const struct words *w, struct word key, struct word value, struct span gap,
				     const char *here)
{
	struct diagnostic *d = rule_error(w->r, gap, DIAG_PARAM_GAP,
					  "`%.*s` and its value are not separated by exactly one space",
					  TEXT_ARG(key));

	diag_here(d, "%s", here);
	return diag_help(d, "write `%.*s %.*s`", TEXT_ARG(key), TEXT_ARG(value));
}

static void check_gap(const struct words *w, struct word key, struct word value)
{
	struct span gap = { key.begin + key.len, value.begin };
	bool one = gap.end - gap.begin == 1;
	struct diagnostic *d;

	if (one && key.ptr[key.len] == ' ')
		return;
	d = report_gap(w, key, value, gap,
		       one ? "a tab here" : arena_printf(w->r->arena, "%u spaces here", gap.end - gap.begin));
	if (rule_param_find(word_text(key)) != RULE_PARAMS)
		diag_fix(d, span_between(key, value), "%.*s %.*s", TEXT_ARG(key), TEXT_ARG(value));
	else
		diag_fix(d, gap, " "); /* the key is corrected, too */
}

/* "info-p": the length of the level before an option that is glued to it, or 0. */
static uint32_t glued_to_level(struct text value)
{
	long dash = text_find(value, '-');
	struct text level = { value.ptr, dash > 0 ? (uint32_t)dash : 0 };
	struct text key = { value.ptr + level.len, value.len - level.len };

	return level.len && log_level_find(level, false) != LOG_LEVELS && rule_param_find(key) != RULE_PARAMS ?
		       level.len :
		       0;
}

/* Every log level must be valid, even if a later one replaces it. */
static void check_log_level(struct resolver *r, struct word value)
{
	enum log_level any = log_level_find(word_text(value), true);
	uint32_t glued = glued_to_level(word_text(value));
	struct diagnostic *d;

	if (log_level_find(word_text(value), false) != LOG_LEVELS)
		return;
	d = rule_error(r, word_span(value), DIAG_BAD_LOG_LEVEL, "log level `%.*s` does not exist",
		       TEXT_ARG(value));
	if (any != LOG_LEVELS)
		diag_fix(diag_help(d, "write the log level of a rule in lower case: `%s`",
				   log_level_names[any]),
			 word_span(value), "%s", log_level_names[any]);
	else if (glued)
		diag_suggest(d, word_span(value), "%.*s %.*s", (int)glued, value.ptr,
			     (int)(value.len - glued), value.ptr + glued);
	else
		suggest_log_level(d, value);
}

/* One mistake, however many options there are. */
static void report_group_param(struct words *w, struct word key)
{
	struct diagnostic *d;

	if (w->refused) {
		diag_label(w->refused, word_span(key), "nor this");
		return;
	}
	d = rule_error(w->r, word_span(key), DIAG_GROUP_PARAM, "`%.*s` not allowed in a GROUP rule",
		       TEXT_ARG(key));
	w->refused = d;
	diag_help(d, "only `-i` is allowed; write everything else in the rules of the group");
}

static void set_value(struct resolver *r, struct params *params, enum rule_param id, struct word key, struct word value)
{
	struct text port, proto;

	if ((id == PARAM_DPORT || id == PARAM_SPORT) && foreign_port_and_proto(protocol_names(r), word_text(value), &port, &proto))
		params->meant[PARAM_PROTO] = true; /* "22/tcp": reported by ports_read() */
	if (params->value[id].ptr) {
		struct diagnostic *d = diag(r->diags, span_between(key, value), DIAG_DUPLICATE_PARAM,
					    "`%.*s` is given twice", TEXT_ARG(key));

		diag_label(d, word_span(params->key[id]), "first here");
		diag_note(d, "the last one applies");
	}
	params->value[id] = value;
	params->key[id] = key;
	params->meant[id] = true;
}

static void read_known(struct words *w, enum rule_param id, struct word key, struct word value)
{
	w->params->meant[id] = true;
	if (w->group && id != PARAM_IFACE) {
		report_group_param(w, key);
		return;
	}
	if (!value.len) {
		diag_help(rule_error(w->r, word_span(key), DIAG_PARAM_NO_VALUE, "`%.*s` has no value", TEXT_ARG(key)),
			  "write the value after it, or delete the option");
		return;
	}
	if (id == PARAM_LOG)
		check_log_level(w->r, value);
	set_value(w->r, w->params, id, key, value);
	w->last = id;
}

/* ---- options that rules do not have ---- */

static struct diagnostic *report_unknown_param(const struct words *w, struct word key)
{
	return rule_error(w->r, word_span(key), DIAG_UNKNOWN_PARAM, "rule option `%.*s` does not exist",
			  TEXT_ARG(key));
}

static struct diagnostic *fix_leave_out(struct words *w, struct diagnostic *d, uint32_t first, uint32_t last)
{
	return diag_fix(d, span_with_blank(w->at[first], w->at[last]), "%s", "");
}

static bool has_quote(struct word w, uint32_t at, char quote)
{
	return w.len > at && w.ptr[at] == quote;
}

/* The last word of a comment behind -comment: the one with its other quote, or the one before the next
 * option of ours. */
static uint32_t end_of_comment(const struct words *w, uint32_t i)
{
	struct word first = value_of(w, i);
	char quote = has_quote(first, 0, '\'') ? '\'' : '"';

	if (!first.len)
		return i;
	if (!has_quote(first, 0, quote))
		return next_key(w, i + 1, true) - 1;
	for (uint32_t at = i + 1; at < w->count; at++)
		if (w->at[at].len > (at == i + 1) && w->at[at].ptr[w->at[at].len - 1] == quote)
			return at;
	return w->count - 1;
}

static uint32_t report_comment_option(struct words *w, uint32_t i)
{
	struct diagnostic *d = report_unknown_param(w, w->at[i]);
	uint32_t last = end_of_comment(w, i);
	struct word text;

	diag_help(d, "write a comment after `#`, at the end of the line");
	if (last == i || last + 1 < w->count || w->rule->line.comment.ptr)
		return last + 1;
	text = w->at[i + 1];
	text.len = w->at[last].begin + w->at[last].len - text.begin;
	if (text.len > 1 && (text.ptr[0] == '"' || text.ptr[0] == '\'') && text.ptr[text.len - 1] == text.ptr[0])
		text = word_part(text, 1, text.len - 2);
	diag_fix(d, span_between(w->at[i], w->at[last]), "# %.*s", TEXT_ARG(text));
	return last + 1;
}

static uint32_t report_enable(struct words *w, uint32_t i)
{
	struct diagnostic *d = report_unknown_param(w, w->at[i]);
	struct word value = value_of(w, i), type = w->rule->type;
	uint32_t last = end_of_option(w, i);

	diag_help(d, "to disable a rule, write `|` before it");
	if (text_is(word_text(value), "1") && !w->rule->disabled)
		fix_leave_out(w, d, i, last);
	else if (text_is(word_text(value), "0") && !w->rule->disabled)
		diag_fix(fix_leave_out(w, d, i, last), (struct span){ type.begin, type.begin + 1 }, "|%c", type.ptr[0]);
	return last + 1;
}

static uint32_t report_macro_option(struct words *w, uint32_t i)
{
	struct diagnostic *d = report_unknown_param(w, w->at[i]);
	const struct macro *macro = macro_find(word_text(value_of(w, i)));
	const struct foreign_service *service = foreign_service(word_text(value_of(w, i)));
	struct word action = w->rule->action;
	bool plain = action.len && !w->rule->macro.ptr && action_find(word_text(action), false) != ACTIONS;

	if (service)
		diag_help(d, "no macro exists for it; write `%.*s %.*s %s`", TEXT_ARG(w->rule->type),
			  plain ? (int)action.len : 6, plain ? action.ptr : "ACCEPT", service->options);
	else
		diag_help(d,
			  "write the macro before the action, and the action in parentheses: `%.*s %s(%.*s)`",
			  TEXT_ARG(w->rule->type), macro ? macro->name : "MACRO", plain ? (int)action.len : 6,
			  plain ? action.ptr : "ACCEPT");
	if (macro && plain) {
		diag_fix(d, word_span(action), "%s(%.*s)", macro->name, TEXT_ARG(action));
		fix_leave_out(w, d, i, end_of_option(w, i));
	}
	/* Do not report options as missing that the macro would set. */
	w->params->meant[PARAM_PROTO] = true;
	return end_of_option(w, i) + 1;
}

/* -j and its like: the action among the options. */
static uint32_t report_jump(struct words *w, uint32_t i)
{
	struct word value = value_of(w, i), type = w->rule->type, action = w->rule->action;
	bool has_action = action.len && action.ptr[0] != '-';
	const struct foreign_verdict *verdict = foreign_verdict(word_text(value));
	enum action of_value = action_find(word_text(value), true);
	struct diagnostic *d = report_unknown_param(w, w->at[i]);

	w->params->action = true;
	if (of_value == ACTIONS && verdict)
		of_value = verdict->action;
	if (of_value == ACTIONS && verdict) {
		diag_help(d, "%s", verdict->help);
	} else if (of_value == ACTIONS) {
		diag_help(d, "write the action after %.*s: ACCEPT, DROP, REJECT, or MACRO(ACTION)",
			  TEXT_ARG(type));
	} else {
		diag_help(d, "write the action after %.*s: `%.*s %s`", TEXT_ARG(type), TEXT_ARG(type),
			  action_names[of_value]);
		if (!has_action)
			diag_fix(d, word_span(type), "%.*s %s", TEXT_ARG(type), action_names[of_value]);
		if (!has_action || text_is(word_text(action), action_names[of_value]))
			fix_leave_out(w, d, i, end_of_option(w, i));
	}
	return end_of_option(w, i) + 1;
}

static bool state_has(struct text states, const char *state)
{
	uint32_t len = (uint32_t)strlen(state);

	for (uint32_t i = 0; i + len <= states.len; i++)
		if (text_equal_nocase((struct text){ states.ptr + i, len }, text_of(state)))
			return true;
	return false;
}

/* `first`: the -m before it, if there is one; `i`: the option with the states, or the end. */
static uint32_t report_states(struct words *w, uint32_t first, uint32_t i)
{
	struct diagnostic *d = report_unknown_param(w, w->at[first]);
	struct word value = { 0 };
	bool accepts = action_find(word_text(w->rule->action), false) == ACTION_ACCEPT;

	if (i < w->count) {
		value = value_of(w, i);
		if (first < i)
			diag_label(d, word_span(w->at[i]), "nor this");
	}
	if (state_has(word_text(value), "NEW") && (accepts || text_is(word_text(value), "NEW"))) {
		diag_help(d, "rules only match the first packet of a connection; delete the option");
		fix_leave_out(w, d, first, end_of_option(w, i));
	} else if (state_has(word_text(value), "ESTABLISHED") || state_has(word_text(value), "RELATED")) {
		diag_help(d, "packets of established connections are accepted before all rules; %s",
			  accepts ? "remove the line" : "no rule can drop them");
	} else if (state_has(word_text(value), "INVALID")) {
		diag_help(d, "invalid packets are dropped before all rules, unless host.fw has "
			     "`nf_conntrack_allow_invalid: 1`; remove the line");
	} else {
		diag_help(d, "rules only match the first packet of a connection; delete the option");
	}
	return i < w->count ? end_of_option(w, i) + 1 : end_of_option(w, first) + 1;
}

static bool is_option_named(struct word key, const char *const *names)
{
	uint32_t dashes = key.len > 1 && key.ptr[1] == '-' ? 2 : 1;

	for (; *names; names++)
		if (text_is((struct text){ key.ptr + dashes, key.len - dashes }, *names))
			return true;
	return false;
}

static const char *const state_options[] = { "ctstate", "state", NULL };
static const char *const two_values[] = { "match-set", "tcp-flags", NULL };

/* Index after an option that rules do not have and its one or two values. */
static uint32_t behind_foreign(const struct words *w, uint32_t i)
{
	uint32_t end = end_of_option(w, i) + 1;

	if (end < w->count && end > i + 1 && is_option_named(w->at[i], two_values) && !is_key(w->at[end]))
		end++;
	return end;
}

/* iptables' -m and the options that come with it. */
static uint32_t report_match(struct words *w, uint32_t i)
{
	const struct foreign_match *match = foreign_match(word_text(value_of(w, i)));
	uint32_t next = next_key(w, i + 1, false);
	struct diagnostic *d;

	if (match && !match->needless && !*match->help)
		return report_states(
			w, i,
			next < w->count && is_option_named(w->at[next], state_options) ? next : w->count);
	d = report_unknown_param(w, w->at[i]);
	if (match && match->needless)
		fix_leave_out(w, diag_help(d, "rules need no match module; delete it"), i,
			      end_of_option(w, i));
	else if (match)
		diag_help(d, "%s", match->help);
	else
		diag_help(d, "rules can match with -i, -p, -dport, -sport, -source, -dest and -icmp-type");
	if (!match || match->needless)
		return end_of_option(w, i) + 1;
	/* The options that belong to the match are reported with it. */
	for (; next < w->count; next = behind_foreign(w, next)) {
		struct text key = word_text(w->at[next]);
		const struct foreign_option *option = foreign_option(key);

		if (!(option && strcmp(option->help, match->help) == 0) &&
		    !(key.len > 2 && text_starts(text_skip(key, 2), match->name)))
			break;
	}
	return next;
}

/* iptables' -o. */
static uint32_t report_out_interface(struct words *w, uint32_t i)
{
	enum direction direction = direction_find(word_text(w->rule->type));
	struct diagnostic *d = report_unknown_param(w, w->at[i]);
	struct word value = value_of(w, i);

	if (direction == DIRECTION_OUT) {
		diag_fix(diag_help(d, "in an OUT rule `-i` is the outgoing interface"), word_span(w->at[i]),
			 "-i");
		if (value.len)
			set_value(w->r, w->params, PARAM_IFACE, w->at[i], value);
	} else {
		if (w->rule->action.len && !text_is(word_text(w->rule->action), "ACCEPT"))
			diag_note(d, "it blocks nothing");
		if (direction == DIRECTION_FORWARD && !w->r->config->forwards && !w->r->config->host_options.nftables)
			diag_note(d, "iptables enforces no FORWARD rules at all");
		diag_help(d, "%s rule can only name the incoming interface, with `-i`",
			  direction == DIRECTION_FORWARD ? "a FORWARD" : "an IN");
	}
	return end_of_option(w, i) + 1;
}

static const struct {
	const char *names[5];
	uint32_t (*report)(struct words *w, uint32_t i);
} special_options[] = {
	{ { "comment", NULL }, report_comment_option },
	{ { "enable", "enabled", NULL }, report_enable },
	{ { "macro", NULL }, report_macro_option },
	{ { "j", "jump", "action", "target", NULL }, report_jump },
	{ { "g", "goto", NULL }, report_jump },
	{ { "m", "match", NULL }, report_match },
	{ { "o", "out-interface", "oif", "oifname", NULL }, report_out_interface },
};

/* The option of rules that is spelled most like `key`. */
static struct suggestion nearest_param(struct text key)
{
	struct suggestion s;

	suggest_start(&s, key);
	if (key.len < 4)
		return s;
	for (int i = 0; i < RULE_PARAMS; i++)
		for (int j = 0; j < 3 && rule_param_table[i].spellings[j]; j++)
			suggest(&s, text_of(rule_param_table[i].spellings[j]), SPAN_NONE);
	return s;
}

/* Reports an option with another program's name for it, which certainly means our option. */
static void read_renamed(struct words *w, enum rule_param id, struct word key, struct word value)
{
	const char *right = rule_param_table[id].spellings[0];

	if (w->group && id != PARAM_IFACE) {
		report_group_param(w, key);
		return;
	}
	diag_correct(report_unknown_param(w, key), word_span(key), "%s", right);
	w->params->meant[id] = true;
	if (value.len)
		read_known(w, id, key, value);
}

static void read_misspelt(struct words *w, struct word key, struct word value)
{
	struct suggestion s = nearest_param(word_text(key));
	struct diagnostic *d = report_unknown_param(w, key);
	enum rule_param id;

	if (!s.best.len) {
		diag_help(d, "write -i, -p, -dport, -sport, -source, -dest, -log or -icmp-type");
		return;
	}
	id = rule_param_find(s.best);
	w->params->meant[id] = true;
	if (s.distance == 0)
		diag_fix(diag_help(d, "write options in lower case: `%.*s`", TEXT_ARG(s.best)),
			 word_span(key), "%.*s", TEXT_ARG(s.best));
	else
		suggest_to(d, &s, word_span(key), "");
	/* If the guess is less certain, the value may belong to another option. */
	if (s.distance <= 1 && value.len && !w->group)
		read_known(w, id, key, value);
}

/* ---- options without a space before the value ---- */

static bool is_name_of_option(struct text key)
{
	return rule_param_find(key) != RULE_PARAMS || foreign_option(key);
}

/* "-ptcp" and "-dport80": the length of the key, or 0. */
static uint32_t key_before_value(const struct words *w, struct word word)
{
	uint32_t digits = 0;
	uint8_t number;

	if (is_name_of_option(word_text(word)))
		return 0;
	if (text_starts(word_text(word), "-p") && word.len > 2 &&
	    netdb_protocol(w->r->config->netdb, (struct text){ word.ptr + 2, word.len - 2 }, &number))
		return 2;
	while (digits < word.len && !char_is_digit(word.ptr[digits]))
		digits++;
	return digits < word.len && rule_param_find((struct text){ word.ptr, digits }) != RULE_PARAMS ? digits : 0;
}

/* Splits the word at `i` if it is an option and its value, and reports that. */
static bool read_glued(struct words *w, uint32_t i)
{
	struct word word = w->at[i], key, value;
	uint32_t sign = 1, len; /* where "--dport=80" and "-p:tcp" have it, or 0 */
	const struct foreign_option *foreign;
	struct span gap;

	while (sign + 1 < word.len && word.ptr[sign] != '=' && word.ptr[sign] != ':')
		sign++;
	if (sign + 1 >= word.len || !is_name_of_option((struct text){ word.ptr, sign }))
		sign = 0;
	len = sign ? sign : key_before_value(w, word);
	if (!len)
		return false;
	key = word_part(word, 0, len);
	value = word_part(word, len + (sign != 0), word.len - len - (sign != 0));
	foreign = rule_param_find(word_text(key)) == RULE_PARAMS ? foreign_option(word_text(key)) : NULL;
	if (foreign && foreign->param == RULE_PARAMS)
		return false;
	gap = (struct span){ word.begin + len, word.begin + len + 1 };
	if (sign)
		diag_fix(report_gap(w, key, value, gap, arena_printf(w->r->arena, "`%c` here", word.ptr[len])), gap,
			 " ");
	else
		diag_fix(report_gap(w, key, value, gap, "no space before this"), gap, " %c", word.ptr[len]);
	if (foreign)
		read_renamed(w, foreign->param, key, value);
	else
		read_known(w, rule_param_find(word_text(key)), key, value);
	return true;
}

/* ---- words that belong to no option ---- */

/* "80, 443": a list with blanks in it.  The part before the first counts as what is written.  Returns the
 * index behind the list. */
static uint32_t report_list_blanks(struct words *w, uint32_t i, uint32_t end)
{
	struct diagnostic *d;
	struct word *value;

	if (w->last == RULE_PARAMS || (w->at[i].ptr[0] != ',' && w->at[i - 1].ptr[w->at[i - 1].len - 1] != ','))
		return i;
	d = rule_error(w->r, word_span(w->at[i]), DIAG_STRAY_WORD, "`%.*s` is not an option and not a value",
		       TEXT_ARG(w->at[i]));
	if (w->last == PARAM_PROTO)
		diag_help(d, "a rule has one protocol; write a rule for each");
	else
		diag_help(d, "delete the space next to the comma");
	for (; i < end; i++) {
		if (w->at[i].ptr[0] != ',' && w->at[i - 1].ptr[w->at[i - 1].len - 1] != ',')
			break;
		if (w->last != PARAM_PROTO)
			diag_fix(d, (struct span){ w->at[i - 1].begin + w->at[i - 1].len, w->at[i].begin }, "%s", "");
	}
	value = &w->params->value[w->last];
	while (value->len && value->ptr[value->len - 1] == ',')
		value->len--;
	if (!value->len)
		value->ptr = NULL;
	w->last = RULE_PARAMS;
	return i;
}

static bool is_of_list(const struct words *w, struct word word)
{
	struct prefix ignored;
	uint64_t number;
	uint16_t port;

	if (w->last == PARAM_SOURCE || w->last == PARAM_DEST)
		return !prefix_parse(word_text(word), &ignored);
	return (w->last == PARAM_DPORT || w->last == PARAM_SPORT) &&
	       (text_to_number(word_text(word), UINT16_MAX, &number) ||
		netdb_service(w->r->config->netdb, word_text(word), 0, &port));
}

/* "80 and 443" */
static bool is_between(struct text t)
{
	return text_equal_nocase(t, TEXT("and")) || text_equal_nocase(t, TEXT("or")) || text_is(t, "&") ||
	       text_is(t, "&&") || text_is(t, "|") || text_is(t, "||") || text_is(t, "+") || text_is(t, ";");
}

/* "10.0.0.1 - 10.0.0.5": a range with spaces. */
static bool suggest_range(const struct words *w, struct diagnostic *d, uint32_t i, uint32_t end)
{
	bool ports = w->last == PARAM_DPORT || w->last == PARAM_SPORT;
	struct word low, high;

	if (i == 0 || end - i != 2 || w->last == RULE_PARAMS)
		return false;
	low = w->at[i - 1];
	high = w->at[i + 1];
	if (!(text_is(word_text(w->at[i]), "-") || text_is(word_text(w->at[i]), ":") ||
	      text_equal_nocase(word_text(w->at[i]), TEXT("to"))) ||
	    !is_of_list(w, low) || !is_of_list(w, high))
		return false;
	diag_suggest(d, span_between(low, high), "%.*s%c%.*s", TEXT_ARG(low), ports ? ':' : '-',
		     TEXT_ARG(high));
	return true;
}

/* "tcp udp" and "tcp and udp" */
static bool help_protocols(const struct words *w, struct diagnostic *d, uint32_t i, uint32_t end)
{
	uint8_t number;

	if (w->last != PARAM_PROTO)
		return false;
	if (is_between(word_text(w->at[i])))
		i++;
	if (i == end || !netdb_protocol(w->r->config->netdb, word_text(w->at[i]), &number))
		return false;
	diag_help(d, "a rule has one protocol; write a rule for each");
	return true;
}

/* "http https": a list without commas. */
static bool suggest_list(const struct words *w, struct diagnostic *d, uint32_t i, uint32_t end)
{
	const char *list;

	if (w->last == RULE_PARAMS || !is_of_list(w, w->at[i - 1]))
		return false;
	list = arena_printf(w->r->arena, "%.*s", TEXT_ARG(w->at[i - 1]));
	for (uint32_t at = i; at < end; at++) {
		if (at + 1 < end && is_between(word_text(w->at[at])))
			continue;
		if (!is_of_list(w, w->at[at]))
			return false;
		list = arena_printf(w->r->arena, "%s,%.*s", list, TEXT_ARG(w->at[at]));
	}
	diag_suggest(d, span_between(w->at[i - 1], w->at[end - 1]), "%s", list);
	return true;
}

/* "iface vmbr0", "- - tcp 22 -": words without options, as other programs have them. */
static bool suggest_columns(struct words *w, struct diagnostic *d, uint32_t i, uint32_t end)
{
	struct columns columns;
	const char *text;

	if (!foreign_columns(protocol_names(w->r), w->at + i, end - i, &columns))
		return false;
	if (columns.value[PARAM_DPORT].len && !columns.value[PARAM_PROTO].len && !w->params->meant[PARAM_PROTO])
		columns.value[PARAM_PROTO] = TEXT("tcp");
	text = foreign_text(w->r->arena, &columns);
	for (int id = 0; w->group && id < RULE_PARAMS; id++)
		if (id != PARAM_IFACE && columns.value[id].len)
			return false;
	if (!*text) {
		if (columns.action.len || columns.type.len)
			return false;
		diag_help(d, "delete it: without an option a rule matches everything");
		return true;
	}
	for (int id = 0; id < RULE_PARAMS; id++)
		w->params->meant[id] |= columns.value[id].len != 0;
	d->span.end = w->at[end - 1].begin + w->at[end - 1].len;
	diag_suggest(d, span_between(w->at[i], w->at[end - 1]), "%s", text + 1);
	return true;
}

/* "IN ACCEPT SSH" */
static bool suggest_macro(const struct words *w, struct diagnostic *d, uint32_t i)
{
	const struct macro *macro = macro_find(word_text(w->at[i]));
	const struct foreign_service *service = foreign_service(word_text(w->at[i]));
	struct word action = w->rule->action;

	if (i == 0 && service && !w->rule->macro.ptr) {
		diag_help(d, "no macro exists for it; write `%s`", service->options);
		return true;
	}
	if (i > 0 || !macro || w->rule->macro.ptr || action_find(word_text(action), false) == ACTIONS)
		return false;
	diag_help(d, "did you mean `%s(%.*s)`?", macro->name, TEXT_ARG(action));
	diag_guess(d, word_span(action), "%s(%.*s)", macro->name, TEXT_ARG(action));
	diag_guess(d, span_with_blank(w->at[i], w->at[i]), "%s", "");
	return true;
}

/* "; a comment" and "// a comment" */
static bool fix_comment(const struct words *w, struct diagnostic *d, uint32_t i)
{
	struct text text = word_text(w->at[i]);
	uint32_t len = text_starts(text, ";") ? 1 : text_starts(text, "//") ? 2 : 0;

	if (!len)
		return false;
	diag_help(d, "a comment begins with `#`");
	diag_fix(d, (struct span){ w->at[i].begin, w->at[i].begin + len }, "#");
	return true;
}

/* The words from `i` to before `end`. */
static void report_stray(struct words *w, uint32_t i, uint32_t end)
{
	struct diagnostic *d;

	uint32_t glued = w->last == PARAM_LOG ? glued_to_level(word_text(w->at[i - 1])) : 0;

	if (glued) { /* its value */
		w->params->meant[rule_param_find(word_text(word_part(w->at[i - 1], glued, w->at[i - 1].len - glued)))] =
			true;
		i++;
	}
	if (i < end)
		i = report_list_blanks(w, i, end);
	if (i == end)
		return;
	d = rule_error(w->r, word_span(w->at[i]), DIAG_STRAY_WORD, "`%.*s` is not an option and not a value",
		       TEXT_ARG(w->at[i]));
	if (fix_comment(w, d, i))
		w->count = i;
	else if (text_starts(word_text(w->at[i]), "!"))
		diag_help(d,
			  "rules cannot negate; an IP set can contain exceptions, with `!` before an entry");
	else if (!help_protocols(w, d, i, end) && !suggest_range(w, d, i, end) && !suggest_list(w, d, i, end) &&
		 !suggest_macro(w, d, i) && !suggest_columns(w, d, i, end))
		diag_help(
			d, "%s",
			w->group
				? "a GROUP rule has only the group's name and `-i`; write the rest in the rules of the group, or after `#`"
				: "a comment begins with `#`");
}

/* ---- whole rules ---- */

/* Index after an option and its value; a `!` and the next word are one value. */
static uint32_t behind_option(const struct words *w, uint32_t i)
{
	uint32_t end = end_of_option(w, i) + 1;

	return end < w->count && text_is(word_text(w->at[end - 1]), "!") && !is_key(w->at[end]) ? end + 1 : end;
}

/* Index of the last word of a quoted value with spaces, or 0. */
static uint32_t end_of_quotes(const struct words *w, uint32_t i)
{
	struct word value = value_of(w, i);

	if (!value.len || (value.ptr[0] != '"' && value.ptr[0] != '\'') ||
	    (value.len > 1 && value.ptr[value.len - 1] == value.ptr[0]))
		return 0;
	for (uint32_t at = i + 2; at < w->count && !is_key(w->at[at]); at++)
		if (w->at[at].ptr[w->at[at].len - 1] == value.ptr[0])
			return at;
	return 0;
}

/* "80 443" with its quotes: one mistake. */
static void report_quotes(struct words *w, enum rule_param id, uint32_t i, uint32_t end)
{
	struct diagnostic *d = rule_error(w->r, span_between(w->at[i + 1], w->at[end]), DIAG_STRAY_WORD,
					  "the value of `%.*s` must not contain quotes or spaces",
					  TEXT_ARG(w->at[i]));

	if (id == PARAM_DPORT || id == PARAM_SPORT)
		diag_help(d, "separate the ports of a list by commas, as in `80,443`");
	else if (id == PARAM_SOURCE || id == PARAM_DEST)
		diag_help(d, "separate the addresses of a list by commas");
	w->params->meant[id] = true;
}

/* Reads the option at `i`; returns where reading goes on. */
static uint32_t read_key(struct words *w, uint32_t i)
{
	struct word key = w->at[i], value = value_of(w, i);
	enum rule_param id = rule_param_find(word_text(key));
	const struct foreign_option *foreign;
	uint32_t quoted = end_of_quotes(w, i);

	if (id != RULE_PARAMS && quoted && !w->group) {
		report_quotes(w, id, i, quoted);
		return quoted + 1;
	}
	if (id != RULE_PARAMS) {
		if (value.len && (!w->group || id == PARAM_IFACE))
			check_gap(w, key, value);
		read_known(w, id, key, value);
		return behind_option(w, i);
	}
	if (read_glued(w, i))
		return i + 1;
	for (size_t s = 0; s < sizeof(special_options) / sizeof(special_options[0]); s++)
		if (is_option_named(key, special_options[s].names))
			return special_options[s].report(w, i);
	if (is_option_named(key, state_options))
		return report_states(w, i, i);
	foreign = foreign_option(word_text(key));
	if (foreign && foreign->param == RULE_PARAMS) {
		diag_help(report_unknown_param(w, key), "%s", foreign->help);
		return behind_foreign(w, i);
	}
	if (value.len && (foreign || nearest_param(word_text(key)).distance <= 1))
		check_gap(w, key, value);
	if (foreign)
		read_renamed(w, foreign->param, key, value);
	else
		read_misspelt(w, key, value);
	return behind_option(w, i);
}

/* Splits "22;": the semicolon is meant to begin a comment. */
static void add_word(struct words *w, struct word word)
{
	if (word.len > 1 && word.ptr[0] != ';' && word.ptr[word.len - 1] == ';') {
		w->at[w->count++] = word_part(word, 0, word.len - 1);
		word = word_part(word, word.len - 1, 1);
	}
	if (word.len)
		w->at[w->count++] = word;
}

/* Splits the rule into words: those after the action, and the action if it is an option. */
static void take_apart(struct words *w)
{
	struct word action = w->rule->action;
	uint32_t room = 2;

	for (const struct ast_param *p = w->rule->params; p; p = p->next)
		room += 4;
	w->at = ARENA_ARRAY(w->r->arena, struct word, room);
	if (action.len && action.ptr[0] == '-')
		add_word(w, action);
	for (const struct ast_param *p = w->rule->params; p; p = p->next) {
		add_word(w, p->key);
		add_word(w, p->value);
	}
}

/* `reported`: the words before the first option were reported. */
static void read_words(struct words *w, bool reported)
{
	take_apart(w);
	for (uint32_t i = 0; i < w->count; reported = false) {
		uint32_t next = next_key(w, i, false);

		if (i < next && !reported)
			report_stray(w, i, next);
		w->last = RULE_PARAMS;
		i = next < w->count ? read_key(w, next) : next;
	}
}

/* Whether all options are known, have values and fit into `ids`, which gets what they are. */
static bool is_regular(const struct ast_rule *rule, bool group, enum rule_param ids[REGULAR_OPTIONS])
{
	unsigned count = 0;

	if (rule->action.len && rule->action.ptr[0] == '-')
		return false;
	for (const struct ast_param *p = rule->params; p; p = p->next) {
		enum rule_param id;

		if (p->form != PARAM_OK || p->value.ptr[0] == '-' || count == REGULAR_OPTIONS)
			return false;
		ids[count++] = id = rule_param_find(word_text(p->key));
		if (id == RULE_PARAMS || (group && id != PARAM_IFACE))
			return false;
	}
	return true;
}

void params_read(struct resolver *r, const struct ast_rule *rule, bool group, bool stray, struct params *params)
{
	struct words w = { .r = r, .rule = rule, .params = params, .group = group, .last = RULE_PARAMS };

	enum rule_param ids[REGULAR_OPTIONS];
	unsigned i = 0;

	if (!is_regular(rule, group, ids)) {
		read_words(&w, stray);
		return;
	}
	for (const struct ast_param *p = rule->params; p; p = p->next) {
		enum rule_param id = ids[i++];

		if (id == PARAM_LOG)
			check_log_level(r, p->value);
		set_value(r, params, id, p->key, p->value);
	}
}
