/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the lines of [OPTIONS]; option_readers.c reads the values. */
#include "diag/suggest.h"
#include "resolve/file_passes.h"
#include "resolve/option_readers.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"
#include "source/lines.h"

/* "host.fw or a guest's file": the files that have the option; NULL if it does not exist. */
static const char *homes_of(struct resolver *r, struct text key)
{
	static const char *const files[] = { "cluster.fw", "host.fw", "a guest's file", "a vnet file" };
	const char *homes = NULL;

	for (int kind = 0; kind < FILE_KINDS; kind++)
		if (option_find((enum file_kind)kind, key) != OPTION_COUNT)
			homes = homes ? arena_printf(r->arena, "%s or %s", homes, files[kind]) : files[kind];
	return homes;
}

/* Notes the value of cluster.fw or host.fw that applies instead. */
static void note_other_value(struct resolver *r, struct diagnostic *d, struct text key)
{
	const struct config *config = r->config;
	enum option_id cluster = option_find(FILE_CLUSTER, key), host = option_find(FILE_HOST, key);

	if (r->file->kind != FILE_CLUSTER && cluster != OPTION_COUNT)
		diag_note(d, "the value of cluster.fw applies (%s %s)", option_table[cluster].key,
			  option_value_text(r->arena, cluster, &config->cluster_options));
	else if (r->file->kind == FILE_GUEST && host != OPTION_COUNT)
		diag_note(d, "the value of the node's host.fw applies (%s %s)", option_table[host].key,
			  option_value_text(r->arena, host, &config->host_options));
}

/* Reports an option of other kinds of file; returns false if there is none. */
static bool report_misplaced(struct resolver *r, const struct ast_option *node)
{
	static const char *const kinds[] = { "cluster.fw", "host.fw", "guest", "vnet" };
	const char *homes = homes_of(r, word_text(node->key));
	struct diagnostic *d;

	if (!homes)
		return false;
	d = diag(r->diags, word_span(node->key), DIAG_MISPLACED_OPTION, "`%.*s` is not a %s option",
		 TEXT_ARG(node->key), kinds[r->file->kind]);
	diag_note(d, "the line is ignored");
	if (r->file->kind == FILE_HOST && text_equal_nocase(word_text(node->key), TEXT("policy_forward")))
		diag_note(d, "the policy of cluster.fw applies (policy_forward %s)",
			  action_names[r->config->cluster_options.policy_forward.action]);
	else if (r->file->kind == FILE_HOST && text_starts(word_text(node->key), "policy_"))
		diag_note(d, "the policies of cluster.fw apply (policy_in %s, policy_out %s)",
			  action_names[r->config->cluster_options.policy_in.action],
			  action_names[r->config->cluster_options.policy_out.action]);
	else
		note_other_value(r, d, word_text(node->key));
	diag_help(d, "this option belongs in %s", homes);
	return true;
}

/* Reports mistakes in a value that is ignored for another reason. */
static void verify_option(const struct setting *s)
{
	static const size_t sizes[FILE_KINDS] = {
		[FILE_CLUSTER] = sizeof(struct cluster_options),
		[FILE_HOST] = sizeof(struct host_options),
		[FILE_GUEST] = sizeof(struct guest_options),
		[FILE_VNET] = sizeof(struct vnet_options),
	};
	size_t size = sizes[s->r->file->kind];
	struct setting copy = *s;

	if (!s->value.len)
		return;
	copy.options = memcpy(arena_alloc(s->r->arena, size), s->options, size);
	option_readers[s->row->type](&copy);
}

/* "policy" and "log_level" begin several names: suggests all of them. */
static bool help_beginning(struct resolver *r, struct diagnostic *d, struct text key)
{
	const char *names = NULL;

	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *name = option_table[id].key;

		if (option_table[id].kind != r->file->kind || strlen(name) <= key.len || name[key.len] != '_' ||
		    !text_equal_nocase((struct text){ name, key.len }, key))
			continue;
		names = names ? arena_printf(r->arena, "%s or `%s`", names, name) : arena_printf(r->arena, "`%s`", name);
	}
	if (names)
		diag_help(d, "did you mean %s?", names);
	return names != NULL;
}

static void report_unknown_option(struct resolver *r, const struct ast_option *node, struct setting *setting)
{
	struct suggestion s;
	struct diagnostic *d;

	if (report_misplaced(r, node))
		return;
	d = diag(r->diags, word_span(node->key), DIAG_UNKNOWN_OPTION, "option `%.*s` does not exist",
		 TEXT_ARG(node->key));
	diag_note(d, "the line is ignored");
	suggest_start(&s, word_text(node->key));
	for (int id = 0; id < OPTION_COUNT; id++)
		if (option_table[id].kind == r->file->kind)
			suggest(&s, text_of(option_table[id].key), SPAN_NONE);
	if (!s.best.len && help_beginning(r, d, word_text(node->key)))
		return;
	if (!s.best.len) {
		diag_help(d, "`pvefw-cc options` lists the options");
		return;
	}
	suggest_to(d, &s, word_span(node->key), "");
	if (s.distance > 1)
		return;
	setting->id = option_find(r->file->kind, s.best);
	setting->row = &option_table[setting->id];
	verify_option(setting);
}

/* Index of the comment in a value: of `#`, or of a comment sign of other programs; -1 if there is none. */
static long find_comment(struct text value)
{
	long hash = text_find(value, '#');

	for (uint32_t i = 1; hash < 0 && i < value.len; i++)
		if (char_is_blank(value.ptr[i - 1]) &&
		    (value.ptr[i] == ';' || text_starts((struct text){ value.ptr + i, value.len - i }, "//")))
			return (long)i;
	return hash;
}

/* Reports a comment after an option, and cuts it off the value. */
static bool report_comment_behind(struct setting *s, struct span line)
{
	long begin = s->value.ptr ? find_comment(word_text(s->value)) : -1;
	struct word comment;
	struct diagnostic *d;
	uint32_t mark;

	if (begin < 0)
		return false;
	comment = word_part(s->value, (uint32_t)begin, s->value.len - (uint32_t)begin);
	d = diag(s->r->diags, word_span(comment), DIAG_OPTION_COMMENT, "comment not allowed after an option");
	setting_keeps(s, d);
	s->value = word_trim(word_part(s->value, 0, (uint32_t)begin));
	diag_help(d, "move it to a line of its own%s", comment.ptr[0] == '#' ? "" : ", with a `#` before it");
	mark = comment.ptr[0] == '/' ? 2 : 1;
	if (s->value.len)
		diag_fix(d, line, "#%.*s\n%.*s: %.*s", (int)(comment.len - mark), comment.ptr + mark, TEXT_ARG(s->key),
			 TEXT_ARG(s->value));
	return true;
}

static bool blanks_beside_commas(struct text list)
{
	for (uint32_t i = 1; i + 1 < list.len; i++)
		if (char_is_blank(list.ptr[i]) && list.ptr[i - 1] != ',' && list.ptr[i + 1] != ',' &&
		    !char_is_blank(list.ptr[i - 1]) && !char_is_blank(list.ptr[i + 1]))
			return false;
	return true;
}

/* Reports a space in a list. */
static bool report_list_blank(struct setting *s)
{
	uint32_t first = 0, len = 0;
	struct diagnostic *d;
	char *joined;

	if (s->row->type != OPTION_RATELIMIT && s->row->type != OPTION_HELPERS &&
	    s->row->type != OPTION_LAYER2)
		return false;
	while (first < s->value.len && !char_is_blank(s->value.ptr[first]))
		first++;
	if (first == s->value.len)
		return false;
	joined = ARENA_ARRAY(s->r->arena, char, s->value.len + 1);
	for (uint32_t i = 0; i < s->value.len; i++)
		if (!char_is_blank(s->value.ptr[i]))
			joined[len++] = s->value.ptr[i];
	joined[len] = '\0';
	d = diag(s->r->diags, word_span(word_part(s->value, first, 1)), DIAG_OPTION_BLANK,
		 "space not allowed in the list of `%s`", s->row->key);
	setting_keeps(s, d);
	diag_correct(d, word_span(s->value), "%s", joined);
	if (blanks_beside_commas(word_text(s->value)))
		verify_option(s);
	return true;
}

static bool report_case(struct setting *s)
{
	struct diagnostic *d;

	if (s->row->type != OPTION_RATELIMIT || text_is(word_text(s->key), s->row->key))
		return false;
	d = diag(s->r->diags, word_span(s->key), DIAG_OPTION_CASE, "`%s` must be in lower case", s->row->key);
	setting_keeps(s, d);
	diag_fix(d, word_span(s->key), "%s", s->row->key);
	return true;
}

static void report_missing_value(struct setting *s)
{
	struct diagnostic *d = diag(s->r->diags, word_span(s->key), DIAG_BAD_OPTION_VALUE,
				    "`%s` has no value", s->row->key);

	setting_keeps(s, d);
}

static void report_repeated(struct setting *s)
{
	uint32_t before = s->r->written[s->id].begin;
	struct diagnostic *d = diag(s->r->diags, word_span(s->key), DIAG_DUPLICATE_OPTION,
				    "`%s` is set twice", s->row->key);

	diag_label(d, (struct span){ before, before + s->key.len }, "first here");
	diag_note(d, "the last one applies");
}

static void read_option(struct resolver *r, const struct ast_option *node, void *options)
{
	enum option_id id = option_find(r->file->kind, word_text(node->key));
	struct setting s = { .r = r, .id = id, .options = options, .key = node->key, .value = node->value };
	struct diagnostic *d;
	bool wrong;

	if (id == OPTION_COUNT) {
		report_unknown_option(r, node, &s);
		return;
	}
	s.row = &option_table[id];
	s.set_before = r->written[id].begin != 0;
	d = refused_report(r, node->line.span, NULL);
	if (d) {
		setting_keeps(&s, d);
		return;
	}
	wrong = report_case(&s);
	wrong |= report_comment_behind(&s, node->line.span);
	if (report_list_blank(&s))
		return;
	if (wrong) {
		verify_option(&s);
		return;
	}
	if (!s.value.len && s.row->type != OPTION_LOGLEVEL)
		report_missing_value(&s);
	else
		option_readers[s.row->type](&s);
	if (s.failed)
		return;
	if (s.set_before)
		report_repeated(&s);
	r->written[id] = node->line.span;
}

/* "key : value", "key = value" and "key value" with the right sign between them. */
static void suggest_colon(struct diagnostic *d, struct word line, uint32_t key)
{
	uint32_t value = key;

	while (value < line.len && char_is_blank(line.ptr[value]))
		value++;
	if (value < line.len && (line.ptr[value] == ':' || line.ptr[value] == '='))
		value++;
	while (value < line.len && char_is_blank(line.ptr[value]))
		value++;
	if (value == line.len)
		diag_help(d, "write an option as `key: value`");
	else
		diag_fix(diag_help(d, "write a colon directly after the name"), word_span(line), "%.*s: %.*s",
			 (int)key, line.ptr, (int)(line.len - value), line.ptr + value);
}

static void report_unparsable(struct resolver *r, const struct ast_text_line *node)
{
	struct word line = node->text;
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_UNPARSABLE_OPTION,
				    "line is not an option");
	uint32_t end = 0;

	diag_note(d, "the line is ignored");
	while (end < line.len && !char_is_blank(line.ptr[end]) && line.ptr[end] != ':' &&
	       line.ptr[end] != '=')
		end++;
	if (option_find(r->file->kind, (struct text){ line.ptr, end }) != OPTION_COUNT)
		suggest_colon(d, line, end);
	else if (header_help(r, d))
		return;
	else if (looks_like_rule(word_text(line)))
		diag_help(d, "rules belong in [RULES]");
	else
		diag_help(d, "write an option as `key: value`");
}

void options_read(struct resolver *r, void *options)
{
	for (const struct ast_section *s = r->file->sections; s; s = s->next) {
		if (s->kind != SECTION_OPTIONS)
			continue;
		header_pass(r, NULL);
		for (const struct ast_line *line = s->lines; line; line = line->next) {
			header_pass(r, line);
			if (encoding_lost(r->lost, line->span))
				continue;
			if (line->kind == LINE_OPTION)
				read_option(r, (const struct ast_option *)line, options);
			else if (line->kind == LINE_BAD)
				report_unparsable(r, (const struct ast_text_line *)line);
		}
	}
}
