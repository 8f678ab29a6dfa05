/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Laying a file out, as Proxmox VE's own writer does (PVE::Firewall, save_clusterfw_conf and its siblings in
 * 6.0.4): a header, an empty line, the lines, an empty line; one blank before a comment and one behind its
 * '#'; the options of a rule in one order. What that writer would lose stays: comments on lines of their own,
 * one empty line between lines, the spelling of words and the order of lines.
 *
 * The file becomes a list of rows, one for each line that it is to have. A row knows the line of the source
 * that it comes from, so the edits are found by walking along both: they are those of `lint --fix` (fix.h),
 * and so is what is done with them.
 */
#include "rewrite/fmt.h"

#include "lang/language.h"

/* The order in which Proxmox VE writes the options of a rule. */
static const enum rule_param written_order[] = {
	PARAM_IFACE, PARAM_SOURCE, PARAM_DEST, PARAM_PROTO,
	PARAM_DPORT, PARAM_SPORT,  PARAM_LOG,  PARAM_ICMP_TYPE,
};

enum {
	GAP = 1,            /* spaces between a line's text and its comment, at least */
	WIDEST_ALIGNED = 80 /* columns; comments of longer lines follow directly */
};

enum row_kind {
	ROW_EMPTY,
	ROW_COMMENT, /* nothing else */
	ROW_KEPT,    /* as it was */
	ROW_HEADER,
	ROW_CODE,
};

struct row {
	enum row_kind kind;
	uint32_t line;       /* of the source; 0 for empty rows */
	struct text text;    /* without its comment */
	struct text comment; /* ptr NULL if none */
	uint32_t gap;        /* blanks between the two */
};

struct layout {
	const struct diags *found;
	struct arena *arena;
	struct source *source;
	bool *wrong; /* by line */
	struct row *rows;
	unsigned count;
	bool empty;    /* an empty row is due before the next one */
	uint32_t last; /* line of the last row; 0 at the beginning of something */
};

/* ---- bytes that are not text ---- */

const char *fmt_refuses(const struct source *source, uint32_t *at)
{
	int32_t point;

	for (*at = 0; *at < source->size;) {
		uint32_t len = utf8_decode(source->text + *at, source->size - *at, &point);

		if (point < 0)
			return "the file is not UTF-8";
		if (point == 0)
			return "it contains a NUL byte";
		if (point == '\r' && (*at + 1 == source->size || source->text[*at + 1] != '\n'))
			return "it contains a carriage return within a line";
		*at += len;
	}
	return NULL;
}

/* ---- faulty lines ---- */

/* Only line endings are fixed. */
static void find_wrong_lines(struct layout *l)
{
	uint32_t base = l->source->base;

	l->wrong = ARENA_ARRAY(l->arena, bool, l->source->line_count + 1);
	for (const struct diagnostic *d = l->found->first; d; d = d->next)
		if (diag_catalogue[d->id].letter == 'E' && d->id != DIAG_CRLF && d->span.begin >= base &&
		    d->span.begin <= base + l->source->size)
			l->wrong[source_line_number(l->found->map, d->span.begin)] = true;
}

/* Lines of the source as they are, with their ends. */
static struct text lines(const struct source *source, uint32_t from, uint32_t to)
{
	uint32_t begin = source_line_offset(source, from);

	return (struct text){ source->text + begin, source_line_offset(source, to) - begin };
}

/* ---- rows ---- */

static struct row *add_row(struct layout *l, enum row_kind kind, uint32_t line, struct text text)
{
	if (l->empty)
		l->rows[l->count++] = (struct row){ .kind = ROW_EMPTY };
	l->empty = false;
	l->last = line;
	l->rows[l->count] = (struct row){ .kind = kind, .line = line, .text = text };
	return &l->rows[l->count++];
}

static void add_kept(struct layout *l, uint32_t line)
{
	add_row(l, ROW_KEPT, line, word_text(source_line(l->found->map, l->source, line)));
}

/* The rule with its options as Proxmox VE orders them; of one given twice the last still counts. */
static const struct ast_rule *in_written_order(struct layout *l, const struct ast_rule *rule)
{
	struct ast_rule *sorted = ARENA_NEW(l->arena, struct ast_rule);
	struct ast_param **last = &sorted->params;

	*sorted = *rule;
	for (size_t i = 0; i < sizeof(written_order) / sizeof(written_order[0]); i++)
		for (const struct ast_param *p = rule->params; p; p = p->next)
			if (rule_param_find(word_text(p->key)) == written_order[i]) {
				*last = ARENA_NEW(l->arena, struct ast_param);
				**last = *p;
				last = &(*last)->next;
			}
	*last = NULL;
	return sorted;
}

static void fold(char *at, uint32_t len, bool upper)
{
	for (uint32_t i = 0; i < len; i++)
		at[i] = upper && char_is_letter(at[i]) ? (char)(at[i] & ~0x20) : char_lower(at[i]);
}

/* The line without its comment: what it says, and the case of what has none. */
static struct text code_of_line(struct layout *l, const struct ast_line *line)
{
	struct text text;
	struct out out;

	if (line->kind == LINE_RULE)
		line = &in_written_order(l, (const struct ast_rule *)line)->line;
	out_init_memory(&out);
	ast_print_code(&out, line);
	if (line->kind == LINE_OPTION) {
		const struct ast_option *option = (const struct ast_option *)line;
		uint32_t end = line->span.end - l->source->base;

		fold(out.data, option->key.len, false);
		/* Proxmox VE writes "key: " also when there is no value. */
		if (!option->value.len && end < l->source->size && l->source->text[end] == ' ')
			out_char(&out, ' ');
	}
	if (line->kind == LINE_RULE) {
		const struct ast_rule *rule = (const struct ast_rule *)line;

		fold(out.data + rule->disabled, rule->type.len, true);
	}
	text = arena_copy(l->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

/*
 * Proxmox VE writes "# " before the text of a comment that is behind something, and nothing for one without
 * text. More blanks can come from the web interface, and stay.
 */
static struct text comment_of(struct layout *l, struct word comment)
{
	struct text text = word_text(comment);

	if (text.len < 2)
		return (struct text){ NULL, 0 };
	if (text.ptr[1] == ' ')
		return text;
	do
		text = (struct text){ text.ptr + 1, text.len - 1 };
	while (char_is_blank(text.ptr[0]));
	return ARENA_JOIN(l->arena, TEXT("# "), text);
}

static void add_line(struct layout *l, const struct ast_line *line, bool kept)
{
	uint32_t number = source_line_number(l->found->map, line->span.begin);

	/* One empty line is left of many. */
	if (l->last && number > l->last + 1)
		l->empty = true;
	if (kept || line->kind == LINE_HEADER || line->kind == LINE_RAW || line->kind == LINE_BAD || l->wrong[number])
		add_kept(l, number);
	else if (line->kind == LINE_COMMENT)
		add_row(l, ROW_COMMENT, number, word_text(line->comment));
	else
		add_row(l, ROW_CODE, number, code_of_line(l, line))->comment = comment_of(l, line->comment);
}

/* In capitals but for groups: so Proxmox VE writes them, and the nftables preview wants them. */
static void add_header(struct layout *l, const struct ast_section *section, uint32_t number)
{
	const char *name = section->kind == SECTION_GROUP ? "group" : section_name(section->kind);
	struct text lower;

	if (l->wrong[number]) {
		add_kept(l, number);
		return;
	}
	if (!section_table[section->kind].named) {
		add_row(l, ROW_HEADER, number, text_of(arena_printf(l->arena, "[%s]", name)));
		return;
	}
	lower = arena_lower(l->arena, word_text(section->name));
	add_row(l, ROW_HEADER, number, text_of(arena_printf(l->arena, "[%s %.*s]", name, TEXT_ARG(lower))))
		->comment = comment_of(l, section->comment);
}

static void add_empty(struct layout *l)
{
	l->rows[l->count++] = (struct row){ .kind = ROW_EMPTY };
	l->last = 0;
}

/*
 * Proxmox VE writes a header, an empty line, the lines, an empty line: two are below each other in an empty
 * section. A section whose header is wrong is not read at all, and stays as it is.
 */
static void add_part(struct layout *l, const struct fmt_part *part, bool last)
{
	const struct ast_section *section = part->section;
	bool kept = false;

	l->last = 0;
	for (const struct ast_line *line = part->above; line; line = line->next)
		add_line(l, line, false);
	if (section->kind != SECTION_NONE) {
		uint32_t number = source_line_number(l->found->map, section->span.begin);

		kept = l->wrong[number];
		add_header(l, section, number);
		add_empty(l);
		/* Of an alias that it cannot read, Proxmox VE writes the blank between name and address: a
		 * line of its own. */
		if (section->kind == SECTION_ALIASES && !kept && number + 2 <= l->source->line_count &&
		    text_equal(lines(l->source, number + 1, number + 3), TEXT("\n \n")))
			add_kept(l, number + 2);
	}
	for (const struct ast_line *line = section->lines; line != part->end; line = line->next)
		add_line(l, line, kept);
	if (section->kind != SECTION_NONE || (l->count && !last))
		add_empty(l);
}

/* ---- comments ---- */

static bool is_aligned(const struct row *row)
{
	return row->kind == ROW_CODE && row->comment.ptr && row->text.len <= WIDEST_ALIGNED;
}

/* Those of a block of lines stand below each other. */
static void align_comments(struct layout *l)
{
	for (unsigned i = 0, end; i < l->count; i = end) {
		uint32_t widest = 0;

		for (end = i; end < l->count && l->rows[end].kind == ROW_CODE; end++)
			if (is_aligned(&l->rows[end]) && l->rows[end].text.len > widest)
				widest = l->rows[end].text.len;
		end += end == i;
		for (unsigned j = i; j < end; j++)
			if (is_aligned(&l->rows[j]))
				l->rows[j].gap = widest - l->rows[j].text.len + GAP;
	}
}

static void print_row(struct out *out, const struct row *row)
{
	out_text(out, row->text);
	if (row->comment.ptr) {
		out_printf(out, "%*s", (int)row->gap, "");
		out_text(out, row->comment);
	}
	out_char(out, '\n');
}

/* ---- edits ---- */

/* Returns the change that begins at line `at`, which ends at the first unchanged line. */
struct change {
	struct layout *l;
	struct edit *edits;
	unsigned count;
	uint32_t at;    /* the next line of the source */
	uint32_t begin; /* offset; where the change begins */
	struct out text;
};

/* Line `to` stays: what comes before it is an edit. */
static void end_change(struct change *c, uint32_t to)
{
	const struct source *source = c->l->source;
	uint32_t end = source_line_offset(source, c->at);
	struct text text = { c->text.data, (uint32_t)c->text.len };

	if (end > c->begin || text.len)
		c->edits[c->count] = (struct edit){ .source = c->l->source,
						    .begin = c->begin,
						    .end = end,
						    .text = arena_string(c->l->arena, text),
						    .exact = true,
						    .group = c->count };
	c->count += end > c->begin || text.len;
	c->text.len = 0;
	c->begin = source_line_offset(source, to);
	c->at = to;
}

/* The line of the source that becomes the row; 0: none, it is new there. */
static uint32_t origin(const struct change *c, const struct row *row)
{
	struct text text;

	if (row->kind != ROW_EMPTY)
		return row->line >= c->at ? row->line : 0;
	if (c->at > c->l->source->line_count)
		return 0;
	text = lines(c->l->source, c->at, c->at + 1);
	while (text.len && char_is_space(text.ptr[0]))
		text = text_skip(text, 1);
	return text.len && text.ptr[0] == '\n' ? c->at : 0;
}

static void change_to(struct change *c, const struct row *row)
{
	uint32_t line = origin(c, row);
	struct text text;
	struct out out;

	out_init_memory(&out);
	print_row(&out, row);
	text = (struct text){ out.data, (uint32_t)out.len };
	if (line)
		c->at = line;
	if (line && text_equal(lines(c->l->source, line, line + 1), text)) {
		end_change(c, line);
		c->at = line + 1;
		c->begin = source_line_offset(c->l->source, c->at);
	} else {
		out_text(&c->text, text);
		c->at += line != 0;
	}
	out_free(&out);
}

static struct fixes find_edits(struct layout *l)
{
	struct change c = { .l = l, .at = 1 };

	/* Each row ends one at most. */
	c.edits = ARENA_ARRAY(l->arena, struct edit, l->count + 1);
	out_init_memory(&c.text);
	for (unsigned i = 0; i < l->count; i++)
		change_to(&c, &l->rows[i]);
	c.at = l->source->line_count + 1;
	end_change(&c, c.at);
	out_free(&c.text);
	return (struct fixes){ l->arena, l->found, c.edits, c.count };
}

static struct fixes finish_layout(struct layout *l, const char *path, bool align)
{
	struct fixes fixes;

	for (unsigned i = 0; i < l->count; i++)
		l->rows[i].gap = GAP;
	if (align)
		align_comments(l);
	fixes = find_edits(l);
	for (unsigned i = 0; i < fixes.count; i++)
		fixes.edits[i].path = path;
	return fixes;
}

struct fixes fmt_layout(const struct diags *found, const struct ast_file *file, bool align)
{
	struct source *source = source_find(found->map, file->source->base);
	struct layout l = { .found = found, .arena = found->arena, .source = source };
	const char *path = fix_path(found, source);
	struct fmt_part *parts;
	unsigned count;

	source_line_number(found->map, source->base); /* finds the lines */
	find_wrong_lines(&l);
	parts = fmt_order(l.arena, found->map, file, &count);
	/* A header has two empty rows behind it, and what is before the first one has one. */
	l.rows = ARENA_ARRAY(l.arena, struct row, 3 * source->line_count + 1);
	for (unsigned i = 0; i < count; i++)
		add_part(&l, &parts[i], i + 1 == count);
	return finish_layout(&l, path, align);
}

/* ---- tests ---- */

static bool has_gap(const struct ast_word_list *list)
{
	while (list && list->word.len)
		list = list->next;
	return list != NULL;
}

/* Whether something of the line is missing or fits nowhere: then it stays as it is. */
static bool test_is_wrong(const struct fwtest_line *line)
{
	bool wrong = line->kind == FWTEST_BAD || !line->action.ptr || line->strays;

	for (const struct fwtest_clause *c = line->clauses; c && !wrong; c = c->next)
		wrong = c->kind == FWTEST_STRAY || has_gap(c->items) || has_gap(c->excepted);
	return wrong;
}

static struct text text_of_test(struct layout *l, const struct fwtest_line *line)
{
	struct text text;
	struct out out;

	out_init_memory(&out);
	fwtest_print(&out, line);
	text = arena_copy(l->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

static void add_test(struct layout *l, const struct fwtest_line *line)
{
	uint32_t number = source_line_number(l->found->map, line->span.begin);

	if (l->last && number > l->last + 1)
		l->empty = true;
	if (line->kind == FWTEST_COMMENT)
		add_row(l, ROW_COMMENT, number, word_text(line->comment));
	else if (test_is_wrong(line))
		add_kept(l, number);
	else
		add_row(l, ROW_CODE, number, text_of_test(l, line))->comment = comment_of(l, line->comment);
}

struct fixes fmt_layout_tests(const struct diags *found, const struct fwtest_file *file, bool align)
{
	struct source *source = source_find(found->map, file->source->base);
	struct layout l = { .found = found, .arena = found->arena, .source = source };

	source_line_number(found->map, source->base); /* finds the lines */
	l.rows = ARENA_ARRAY(l.arena, struct row, 2 * source->line_count + 1);
	for (const struct fwtest_line *line = file->lines; line; line = line->next)
		add_test(&l, line);
	return finish_layout(&l, fix_path(found, source), align);
}
