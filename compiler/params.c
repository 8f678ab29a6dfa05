/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options behind a rule's action: that they exist, stand with one blank
 * before their value, and that nothing else stands between them.  What the
 * values mean is read in rules.c.
 */
#include "resolve.h"

static struct span param_span(const struct ast_param *p)
{
	uint32_t end = p->value.ptr ? p->value.begin + p->value.len : p->key.begin + p->key.len;

	return (struct span){ p->key.begin, end };
}

/* Spellings of other programs, and guesses, that are too far from ours to be
 * found as such. */
static const struct {
	const char *wrong, *right;
} spellings[] = {
	{ "-s", "-source" },
	{ "-src", "-source" },
	{ "--src", "-source" },
	{ "-d", "-dest" },
	{ "-dst", "-dest" },
	{ "--dst", "-dest" },
	{ "-destination", "-dest" },
	{ "--destination", "-dest" },
	{ "-protocol", "-proto" },
	{ "--protocol", "--proto" },
	{ "-iface", "-i" },
	{ "--iface", "-i" },
	{ "-interface", "-i" },
	{ "--interface", "-i" },
	{ "--in-interface", "-i" },
	{ "-P", "-p" },
	{ "-I", "-i" },
	{ "--p", "-p" },
	{ "--i", "-i" },
	{ "-icmptype", "-icmp-type" },
};

static struct suggestion nearest_param(struct text key)
{
	struct suggestion s;

	suggest_start(&s, key);
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (text_is(key, spellings[i].wrong))
			s.best = text_of(spellings[i].right);
	if (s.best.len || key.len < 4)
		return s;
	for (int i = 0; i < RULE_PARAMS; i++)
		for (int j = 0; j < 3 && rule_param_table[i].spellings[j]; j++)
			suggest(&s, text_of(rule_param_table[i].spellings[j]), (struct span){ 0, 0 });
	return s;
}

static void report_unknown(struct resolver *r, const struct ast_param *p)
{
	struct text key = word_text(p->key);
	struct suggestion s = nearest_param(key);
	struct diagnostic *d;

	d = rule_error(r, word_span(p->key), DIAG_UNKNOWN_PARAM, "rules have no option `%.*s`",
		       TEXT_ARG(key));
	rule_fate(r, d);
	if (text_is(key, "-comment") || text_is(key, "--comment"))
		diag_help(d, "a comment is written behind `#`, at the end of the line");
	else if (text_is(key, "-enable") || text_is(key, "--enable"))
		diag_help(d, "a rule is switched off by a `|` in front of it");
	else if (s.best.len)
		suggest_to(d, &s, word_span(p->key), "");
	else
		diag_help(d, "it is -i, -p, -dport, -sport, -source, -dest, -log or -icmp-type");
}

static void report_gap(struct resolver *r, const struct ast_param *p)
{
	struct span gap = { p->key.begin + p->key.len, p->value.begin };
	bool tab = gap.end - gap.begin == 1;
	struct diagnostic *d = rule_error(r, gap, DIAG_PARAM_GAP,
					  "exactly one blank stands between `%.*s` and its value",
					  TEXT_ARG(p->key));

	diag_here(d, tab ? "a tab here" : "%u here", gap.end - gap.begin);
	rule_fate(r, d);
	diag_fix(diag_help(d, "write `%.*s %.*s`", TEXT_ARG(p->key), TEXT_ARG(p->value)), param_span(p),
		 "%.*s %.*s", TEXT_ARG(p->key), TEXT_ARG(p->value));
}

static void report_no_value(struct resolver *r, const struct ast_param *p)
{
	struct diagnostic *d = rule_error(r, word_span(p->key), DIAG_PARAM_NO_VALUE, "`%.*s` has no value",
					  TEXT_ARG(p->key));

	rule_fate(r, d);
	diag_help(d, "write the value behind it, or leave it out");
}

static void report_stray(struct resolver *r, const struct ast_param *p, const struct ast_param *before)
{
	struct word word = p->key;
	struct diagnostic *d = rule_error(r, word_span(word), DIAG_STRAY_WORD, "`%.*s` belongs to no option",
					  TEXT_ARG(word));
	uint8_t number;

	rule_fate(r, d);
	if (before && before->value.len && before->value.ptr[before->value.len - 1] == ',')
		diag_fix(diag_help(d, "no blank stands behind a comma"),
			 (struct span){ before->value.begin + before->value.len, word.begin }, "%s", "");
	else if (netdb_protocol(r->config->netdb, word_text(word), &number))
		diag_guess(diag_help(d, "did you mean `-p %.*s`?", TEXT_ARG(word)), word_span(word), "-p %.*s",
			 TEXT_ARG(word));
	else
		diag_help(d, "a comment begins with `#`");
}

/* Log levels are read where they stand: each must be valid, also one that a
 * later one replaces. */
static void report_log_level(struct resolver *r, const struct ast_param *p)
{
	struct text level = word_text(p->value);
	enum log_level any = log_level_find(level, true);
	struct diagnostic *d;

	d = rule_error(r, word_span(p->value), DIAG_BAD_LOG_LEVEL, "no log level `%.*s`", TEXT_ARG(level));
	rule_fate(r, d);
	if (any != LOG_LEVELS)
		diag_fix(diag_help(d, "in rules log levels are written in lower case: `%s`",
				   log_level_names[any]),
			 word_span(p->value), "%s", log_level_names[any]);
	else
		suggest_log_level(d, p->value);
}

static void report_group_param(struct resolver *r, const struct ast_param *p)
{
	struct diagnostic *d = rule_error(r, word_span(p->key), DIAG_GROUP_PARAM,
					  "a GROUP rule takes no `%.*s`", TEXT_ARG(p->key));

	rule_fate(r, d);
	diag_help(d, "it takes `-i` only; everything else stands in the rules of the group");
}

/* True if something was wrong with how the option is written. */
static bool report_shape(struct resolver *r, const struct ast_param *p, enum rule_param id, bool group)
{
	bool key_as_value = p->form == PARAM_OK && p->value.ptr[0] == '-';

	if (id == RULE_PARAMS)
		report_unknown(r, p);
	else if (group && id != PARAM_IFACE)
		report_group_param(r, p);
	else if (p->form == PARAM_NO_VALUE || key_as_value)
		report_no_value(r, p);
	else if (p->form == PARAM_WIDE_GAP)
		report_gap(r, p);
	else if (id == PARAM_LOG && log_level_find(word_text(p->value), false) == LOG_LEVELS)
		report_log_level(r, p);
	else
		return false;
	return true;
}

static void report_repeated(struct resolver *r, const struct ast_param *p, struct word before)
{
	struct diagnostic *d = diag(r->diags, param_span(p), DIAG_DUPLICATE_PARAM, "`%.*s` is given twice",
				    TEXT_ARG(p->key));

	diag_label(d, word_span(before), "first here");
	diag_note(d, "the last one counts");
}

bool params_read(struct resolver *r, const struct ast_rule *rule, bool group, struct params *params)
{
	const struct ast_param *before = NULL;

	for (const struct ast_param *p = rule->params; p; before = p, p = p->next) {
		enum rule_param id = rule_param_find(word_text(p->key));

		if (p->form == PARAM_STRAY) {
			/* The rest of the line is hardly meant as options. */
			if (!r->failed)
				report_stray(r, p, before);
			return false;
		}
		if (report_shape(r, p, id, group))
			continue;
		if (params->value[id].ptr)
			report_repeated(r, p, params->key[id]);
		params->value[id] = p->value;
		params->key[id] = p->key;
	}
	return !r->failed;
}
