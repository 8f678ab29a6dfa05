/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of stock's regression tests: anonymous hashes of Perl, one a line, which are parsed and never evaluated.
 *
 *     { from => 'outside', to => 'ct200', dport => 22, action => 'ACCEPT' }
 */
#include "policy/policy_test.h"

#include "diag/suggest.h"

enum policy_key {
	KEY_FROM,
	KEY_TO,
	KEY_ACTION,
	KEY_ID,
	KEY_PROTO,
	KEY_SOURCE,
	KEY_DEST,
	KEY_SPORT,
	KEY_DPORT,
	KEY_SRCTYPE,
	KEY_DSTTYPE,
	POLICY_KEYS
};

static const char *const policy_keys[POLICY_KEYS] = {
	[KEY_FROM] = "from",   [KEY_TO] = "to",	      [KEY_ACTION] = "action",	 [KEY_ID] = "id",
	[KEY_PROTO] = "proto", [KEY_SOURCE] = "source", [KEY_DEST] = "dest",	 [KEY_SPORT] = "sport",
	[KEY_DPORT] = "dport", [KEY_SRCTYPE] = "srctype", [KEY_DSTTYPE] = "dsttype",
};

/* The zones that a row without one is about. */
static const char *const policy_row_zones[] = { "host", "outside", "nfvm", "vm100", "ct200" };

/* The values of a row; ptr NULL: not given. */
struct policy_row {
	struct policy_reader *reader;
	struct word rest; /* not read yet */
	struct word value[POLICY_KEYS];
	struct span key[POLICY_KEYS];
};

/* ---- syntax ---- */

static void row_skip(struct policy_row *row, uint32_t count)
{
	row->rest = word_part(row->rest, count, row->rest.len - count);
}

static void row_skip_spaces(struct policy_row *row)
{
	while (row->rest.len && char_is_space(row->rest.ptr[0]))
		row_skip(row, 1);
}

/* The next character after spaces; 0 at the end or at a comment. */
static char row_next(struct policy_row *row)
{
	row_skip_spaces(row);
	return row->rest.len && row->rest.ptr[0] != '#' ? row->rest.ptr[0] : '\0';
}

static bool row_take(struct policy_row *row, const char *sign)
{
	row_next(row);
	if (!text_starts(word_text(row->rest), sign))
		return false;
	row_skip(row, (uint32_t)strlen(sign));
	return true;
}

static struct diagnostic *row_error(struct policy_row *row, struct span span, const char *message)
{
	return policy_error(row->reader, span, DIAG_TEST_ROW, "%s", message);
}

/* Here, or at the end of the row. */
static struct span row_here(const struct policy_row *row)
{
	return (struct span){ row->rest.begin, row->rest.begin + (row->rest.len ? 1 : 0) };
}

static bool is_word_char(char c)
{
	return char_is_letter(c) || char_is_digit(c) || c == '_';
}

/* A word without quotes; len 0: none. */
static struct word row_bare_word(struct policy_row *row)
{
	uint32_t len = 0;
	struct word word;

	row_skip_spaces(row);
	while (len < row->rest.len && is_word_char(row->rest.ptr[len]))
		len++;
	word = word_part(row->rest, 0, len);
	row_skip(row, len);
	return word;
}

/* What is between quotes.  Perl would do more with some characters; they are refused. */
static bool row_quoted(struct policy_row *row, struct word *word)
{
	char quote = row->rest.ptr[0];
	uint32_t len = 1;

	while (len < row->rest.len && row->rest.ptr[len] != quote) {
		char c = row->rest.ptr[len];

		if (c == '\\' || (quote == '"' && (c == '$' || c == '@'))) {
			struct span span = { row->rest.begin + len, row->rest.begin + len + 1 };

			diag_help(row_error(row, span, "character has a special meaning in Perl"),
				  "rows are not evaluated; write the value itself");
			return false;
		}
		len++;
	}
	if (len == row->rest.len) {
		row_error(row, (struct span){ row->rest.begin, row->rest.begin + 1 }, "quote is not closed");
		return false;
	}
	*word = word_part(row->rest, 1, len - 1);
	row_skip(row, len + 1);
	return true;
}

static bool row_value(struct policy_row *row, struct word *value)
{
	char c = row_next(row);
	struct diagnostic *d;

	if (c == '\'' || c == '"')
		return row_quoted(row, value);
	*value = row_bare_word(row);
	if (!value->len) {
		diag_help(row_error(row, row_here(row), "value is missing"), "write a string in quotes, or a number");
		return false;
	}
	if (text_all_digits(word_text(*value)))
		return true;
	d = row_error(row, word_span(*value), "value is neither in quotes nor a number");
	diag_correct(d, word_span(*value), "'%.*s'", TEXT_ARG(*value));
	return false;
}

static bool row_add(struct policy_row *row, struct word key, struct word value)
{
	struct suggestion s;
	struct diagnostic *d;

	suggest_start(&s, word_text(key));
	for (int i = 0; i < POLICY_KEYS; i++) {
		if (!text_is(word_text(key), policy_keys[i])) {
			suggest(&s, text_of(policy_keys[i]), SPAN_NONE);
			continue;
		}
		if (row->value[i].ptr) {
			d = row_error(row, word_span(key), "key occurs twice");
			diag_label(d, row->key[i], "the first is here");
			return false;
		}
		row->value[i] = value;
		row->key[i] = word_span(key);
		return true;
	}
	d = policy_error(row->reader, word_span(key), DIAG_TEST_ROW, "unknown key `%.*s`", TEXT_ARG(key));
	if (s.best.len)
		suggest_to(d, &s, word_span(key), "");
	else
		diag_help(d, "keys are from, to, action, id, proto, source, dest, sport, dport, srctype and dsttype");
	return false;
}

/* KEY => VALUE */
static bool row_pair(struct policy_row *row)
{
	char c = row_next(row);
	struct word key, value;

	if (c == '\'' || c == '"') {
		if (!row_quoted(row, &key))
			return false;
	} else {
		key = row_bare_word(row);
	}
	if (!key.len) {
		diag_help(row_error(row, row_here(row), "key is missing"), "a row is `{ KEY => VALUE, ... }`");
		return false;
	}
	if (!row_take(row, "=>")) {
		diag_help(row_error(row, row_here(row), "`=>` is missing after the key"), "a row is `{ KEY => VALUE, ... }`");
		return false;
	}
	return row_value(row, &value) && row_add(row, key, value);
}

/* { PAIR, ... } , */
static bool row_parse(struct policy_row *row)
{
	if (!row_take(row, "{")) {
		diag_help(row_error(row, row_here(row), "`{` is missing at the start of the row"),
			  "a row is `{ KEY => VALUE, ... }` on one line");
		return false;
	}
	while (row_next(row) != '}') {
		if (!row_next(row)) {
			diag_help(row_error(row, row_here(row), "`}` is missing at the end of the row"),
				  "a row is `{ KEY => VALUE, ... }` on one line");
			return false;
		}
		if (!row_pair(row))
			return false;
		if (row_take(row, ",") || row_next(row) == '}')
			continue;
		diag_help(row_error(row, row_here(row), "`,` or `}` is missing after the value"),
			  "a row is `{ KEY => VALUE, ... }` on one line");
		return false;
	}
	row_skip(row, 1);
	row_take(row, ",");
	/* A NUL is text, too. */
	if (!row_next(row) && (!row->rest.len || row->rest.ptr[0] == '#'))
		return true;
	diag_help(row_error(row, row_here(row), "text after the row"), "write one row a line");
	return false;
}

/* ---- meaning ---- */

static bool row_zone(struct policy_row *row, enum policy_key key, struct policy_test *test)
{
	const struct fwtest_zone zone = { .word = row->value[key] };

	if (key == KEY_FROM)
		return policy_read_zone(row->reader, &zone, &test->from, &test->from_count, &test->chosen);
	return policy_read_zone(row->reader, &zone, &test->to, &test->to_count, &test->chosen);
}

/* Each of stock's zones that the tree has, but the other zone. */
static void row_every_zone(struct policy_row *row, struct text other, struct path_end **ends, uint32_t *count)
{
	enum { ZONES = sizeof(policy_row_zones) / sizeof(policy_row_zones[0]) };
	struct policy_reader *r = row->reader;

	*ends = ARENA_ARRAY(r->arena, struct path_end, ZONES);
	for (unsigned i = 0; i < ZONES && r->config; i++) {
		struct path_end end;

		if (text_is(other, policy_row_zones[i]) ||
		    path_end_parse(r->config, text_of(policy_row_zones[i]), &end))
			continue;
		(*ends)[(*count)++] = end;
	}
}

static void row_zones(struct policy_row *row, struct policy_test *test)
{
	struct word from = row->value[KEY_FROM], to = row->value[KEY_TO];

	if (from.ptr)
		row_zone(row, KEY_FROM, test);
	else
		row_every_zone(row, word_text(to), &test->from, &test->from_count);
	if (to.ptr)
		row_zone(row, KEY_TO, test);
	else
		row_every_zone(row, word_text(from), &test->to, &test->to_count);
	test->chosen = !from.ptr || !to.ptr;
}

static void row_addresses(struct policy_row *row, enum policy_key key, struct policy_test *test)
{
	struct word value = row->value[key];
	struct ast_word_list item = { .word = value };
	struct fwtest_clause clause = { .kind = key == KEY_SOURCE ? FWTEST_FROM : FWTEST_TO,
					.keyword = value,
					.items = &item };
	bool *special = key == KEY_SOURCE ? &test->has_special_source : &test->has_special_dest;
	struct interval_set sets[2];

	if (!value.ptr || !policy_read_addresses(row->reader, &clause, sets, special) || !row->reader->config)
		return;
	policy_addresses_clause(row->reader, &test->clauses, word_span(value), key == KEY_SOURCE, sets);
	if (key == KEY_SOURCE)
		test->has_source = true;
	else
		test->has_dest = true;
}

/* Returns whether the type is given and known. */
static bool row_type(struct policy_row *row, enum policy_key key, struct policy_test *test)
{
	static const struct {
		const char *name;
		enum model_type type;
	} types[] = {
		{ "UNICAST", MODEL_TYPE_UNICAST }, { "LOCAL", MODEL_TYPE_LOCAL }, { "BROADCAST", MODEL_TYPE_BROADCAST },
		{ "ANYCAST", MODEL_TYPE_ANYCAST }, { "MULTICAST", MODEL_TYPE_MULTICAST },
	};
	struct policy_reader *r = row->reader;
	struct word value = row->value[key];
	struct policy_clause *clause;
	struct suggestion s;

	if (!value.ptr)
		return false;
	suggest_start(&s, word_text(value));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		suggest(&s, text_of(types[i].name), SPAN_NONE);
		if (!text_is(word_text(value), types[i].name))
			continue;
		clause = policy_clause_new(r, &test->clauses, word_span(value), 1);
		policy_match(policy_term_add(clause), key == KEY_SRCTYPE ? MODEL_SOURCE_TYPE : MODEL_DEST_TYPE,
			     policy_values(r->arena, types[i].type, types[i].type));
		*(key == KEY_SRCTYPE ? &test->is_from_group : &test->is_to_group) = types[i].type == MODEL_TYPE_MULTICAST;
		return true;
	}
	suggest_to(policy_error(r, word_span(value), DIAG_TEST_ROW, "unknown address type `%.*s`", TEXT_ARG(value)), &s,
		   word_span(value), "");
	return false;
}

static void row_action(struct policy_row *row, struct span whole, struct policy_test *test)
{
	struct word value = row->value[KEY_ACTION];
	struct suggestion s;

	if (!value.ptr) {
		diag_help(row_error(row, whole, "action is missing"), "add `action => 'ACCEPT'`, for example");
		return;
	}
	test->action = fwtest_action_find(word_text(value));
	if (test->action != FWTEST_ACTIONS)
		return;
	suggest_start(&s, word_text(value));
	for (int i = 0; i < FWTEST_ACTIONS; i++)
		suggest(&s, text_of(fwtest_action_table[i].spelling), SPAN_NONE);
	suggest_to(policy_error(row->reader, word_span(value), DIAG_TEST_ROW, "unknown action `%.*s`", TEXT_ARG(value)), &s,
		   word_span(value), "");
}

struct policy_test *policy_read_row(struct policy_reader *r, const struct source *source, struct word line)
{
	struct policy_row row = { .reader = r, .rest = line };
	struct policy_test *test = ARENA_NEW(r->arena, struct policy_test);
	struct text text = text_trim(word_text(line));
	uint32_t begin = line.begin + (uint32_t)(text.ptr - line.ptr);

	(void)source;
	r->failed = r->unknown_zone = false;
	r->guests[0] = r->guests[1] = NULL;
	test->is_row = true;
	test->span = (struct span){ begin, begin + text.len };
	test->text = text;
	if (!row_parse(&row))
		return NULL;
	test->has_sport = row.value[KEY_SPORT].ptr != NULL;
	test->id = word_text(row.value[KEY_ID]);
	row_zones(&row, test);
	policy_read_row_service(r, row.value[KEY_PROTO], row.value[KEY_SPORT], row.value[KEY_DPORT], &test->clauses);
	row_addresses(&row, KEY_SOURCE, test);
	row_addresses(&row, KEY_DEST, test);
	test->has_source_type = row_type(&row, KEY_SRCTYPE, test);
	test->has_dest_type = row_type(&row, KEY_DSTTYPE, test);
	row_action(&row, test->span, test);
	return r->failed ? NULL : test;
}
