/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts for iptables-restore -n that make of what is loaded what is wanted (spec
 * 2.12): chains that are missing are declared, hooks that are missing added, chains
 * that differ in digest or number of rules flushed and filled anew, chains that are
 * wanted no more flushed and deleted.  With nothing loaded the script is what
 * `compile -o DIR` writes.
 *
 * A chain is written first and taken back if it is as it should be: its digest is only
 * known when its rules are made.
 */
#include <stdio.h>

#include "config/left_out.h"
#include "xtables/load/xt_state.h"

/* ---- scripts of all kinds ---- */

void xt_script_line(struct xt_script *script, struct span span)
{
	struct xt_origin origin = { ++script->line, span };

	if (script->tracing && span.begin)
		out_bytes(&script->origins, (const char *)&origin, sizeof(origin));
}

void xt_script_printf(struct xt_script *script, const char *format, ...)
{
	va_list args;
	char line[256];
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	out_bytes(script->out, line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
	xt_script_line(script, SPAN_NONE);
}

void xt_script_touch(struct xt_script *script, struct text name, const char *digest, uint32_t rules)
{
	struct xt_touched touched = { .rules = rules };

	if (!script->tracing || name.len >= sizeof(touched.name))
		return;
	memcpy(touched.name, name.ptr, name.len);
	memcpy(touched.digest, digest, strlen(digest) + 1);
	out_bytes(&script->touched, (const char *)&touched, sizeof(touched));
}

void xt_script_differs(struct xt_script *script, bool certain, const char *format, ...)
{
	va_list args;
	char line[256];
	int len;

	if (!script->tracing || !script->explain)
		return;
	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	out_char(&script->differences, certain ? '!' : '?');
	out_bytes(&script->differences, line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
	out_char(&script->differences, '\n');
}

struct span xt_script_origin(const struct xt_script *script, uint32_t line)
{
	const struct xt_origin *origins = (const struct xt_origin *)script->origins.data;
	size_t low = 0, high = script->origins.len / sizeof(*origins);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (origins[middle].line == line)
			return origins[middle].span;
		if (origins[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return SPAN_NONE;
}

void xt_script_free(struct xt_script *script)
{
	out_free(&script->origins);
	out_free(&script->touched);
	out_free(&script->differences);
}

/* ---- one chain ---- */

/* To take back what was written since. */
struct mark {
	size_t len, origins;
	uint32_t line;
};

static struct mark mark(const struct xt_script *script)
{
	return (struct mark){ script->out->len, script->origins.len, script->line };
}

static void take_back(struct xt_script *script, struct mark mark)
{
	script->out->len = mark.len;
	script->origins.len = mark.origins;
	script->line = mark.line;
}

static void flush_chain(struct xt_script *script, struct text name)
{

	out_string(script->out, "-F ");
	out_text(script->out, name);
	out_char(script->out, '\n');
	xt_script_line(script, SPAN_NONE);
}

/* The work on one table. */
struct work {
	struct xt_script *script;
	struct xt_loaded_table *loaded;
	const struct xt_hook *hooks;
	const struct xt_table *table; /* of a configuration */
	bool whole, explain;
	const char *tool;   /* for people */
	struct out lines;   /* of a chain, without separators, for its digest */
	struct arena rules; /* of a chain */
	struct xt_canonical *canonical;
	struct out wanted, found; /* the rules of a chain in one spelling */
};

static void count_change(struct work *w, const struct xt_piece *piece, struct text name, const char *digest,
			 uint32_t rules)
{
	w->script->changes = true;
	w->script->chains++;
	w->script->rules += rules;
	w->script->deleted += piece && piece->rules;
	w->script->shape |= !piece;
	xt_script_touch(w->script, name, digest, rules);
}

/* A rule that was refused is left out; while it is not known which was, what may be it drops everything. */
static bool is_left_out(struct work *w, struct xt_chain *chain, size_t start)
{
	struct out *lines = &w->lines;
	const struct left_out_rule *rule =
		left_out_find_rule(w->table->config->left_out, lines->data + start, lines->len - start);

	if (!rule)
		return false;
	lines->len = start;
	if (!rule->guarded)
		return true;
	out_string(lines, "-A ");
	out_text(lines, chain->name);
	out_string(lines, " -j DROP");
	return false;
}

/* Writes the rules; returns how many rules that makes. */
static uint32_t print_rules(struct work *w, struct xt_chain *chain)
{
	struct out *out = w->script->out, *lines = &w->lines;
	bool has_left_out = w->table->config->left_out && w->table->config->left_out->rules;
	uint32_t count = 0;

	lines->len = 0;
	flush_chain(w->script, chain->name);
	xt_chain_fill(&w->rules, w->table, chain);
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		size_t start = lines->len;

		xt_print_rule(lines, chain, rule, w->table->family_mask);
		if (has_left_out && is_left_out(w, chain, start))
			continue;
		out_bytes(out, lines->data + start, lines->len - start);
		out_char(out, '\n');
		xt_script_line(w->script, rule->span);
		count += xt_rule_multiplicity(rule);
	}
	arena_reset(&w->rules);
	return count;
}

/* Writes the rule that holds the digest, and that into `digest`. */
static void print_digest(struct work *w, struct text name, char digest[XT_DIGEST_SIZE])
{
	struct out *out = w->script->out, *lines = &w->lines;
	size_t start = lines->len;

	xt_print_signature(lines, lines->data, start);
	out_string(out, "-A ");
	out_text(out, name);
	out_string(out, " -m comment --comment \"");
	out_bytes(out, lines->data + start, lines->len - start);
	out_string(out, "\"\n");
	memcpy(digest, lines->data + start + sizeof("PVESIG:") - 1, XT_DIGEST_SIZE - 1);
	digest[XT_DIGEST_SIZE - 1] = '\0';
	xt_script_line(w->script, SPAN_NONE);
}

/* Tells what was printed the last time from what is new, at a tenth of the digest's cost. */
static uint64_t fingerprint(const char *bytes, size_t len)
{
	uint64_t sum = len, part;

	for (; len > 0; bytes += sizeof(part)) {
		size_t some = len < sizeof(part) ? len : sizeof(part);

		part = 0;
		memcpy(&part, bytes, some);
		sum = (sum ^ part) * 0x9e3779b97f4a7c15;
		sum ^= sum >> 29;
		len -= some;
	}
	return sum ? sum : 1;
}

/* ---- what a chain has ---- */

/* The rules that were written since, with that of the digest, and without the line that flushes the chain. */
static struct text written_since(const struct work *w, struct mark before, struct text chain)
{
	size_t flush = before.len + sizeof("-F ") - 1 + chain.len + 1;

	return (struct text){ w->script->out->data + flush, (uint32_t)(w->script->out->len - flush) };
}

static struct text spell(struct work *w, struct out *out, struct text lines)
{
	if (!w->canonical)
		w->canonical = xt_canonical_new(w->table->family_mask);
	out->len = 0;
	xt_canonical_lines(w->canonical, out, lines);
	return (struct text){ out->data, (uint32_t)out->len };
}

static struct text lines_of(const struct xt_piece *piece)
{
	return (struct text){ piece->lines, (uint32_t)piece->len };
}

/* Digest and number of rules may be the same after somebody has replaced a rule. */
static bool has_rules(struct work *w, const struct xt_piece *piece, struct text wanted)
{
	return text_equal(spell(w, &w->wanted, wanted), spell(w, &w->found, lines_of(piece)));
}

static const struct xt_hook *hook_of(const struct work *w, const struct xt_piece *piece)
{
	for (const struct xt_hook *hook = w->hooks; hook->chain; hook++)
		if (strcmp(hook->chain, piece->name) == 0)
			return hook;
	return NULL;
}

/* With the digest of what is wanted, or of nothing, a chain that has other rules was changed by somebody else; we leave
 * only those empty that are hooked in. */
static void explain(struct work *w, const struct xt_piece *piece, struct text wanted, const char *digest)
{
	bool certain = strcmp(piece->digest, digest) == 0 || (!piece->digest[0] && (piece->rules || !hook_of(w, piece)));
	struct xt_difference d = xt_difference_of(spell(w, &w->wanted, wanted), spell(w, &w->found, lines_of(piece)));
	struct out text;

	out_init_memory(&text);
	xt_difference_print(&text, &d, "rule");
	xt_script_differs(w->script, certain, "%s, chain %s: %.*s", w->tool, piece->name, (int)text.len, text.data);
	out_free(&text);
}

/* ---- counters ---- */

/* A rule that is loaded, in its one spelling. */
struct counted_rule {
	struct text text;
	const struct xt_count *count;
	bool taken;
};

static int by_text(const void *a, const void *b)
{
	const struct counted_rule *x = a, *y = b;
	int order = text_compare(x->text, y->text);

	return order ? order : x->count < y->count ? -1 : x->count > y->count;
}

static struct text next_line(struct text *rest)
{
	long end = text_find(*rest, '\n');
	struct text line = { rest->ptr, end < 0 ? rest->len : (uint32_t)end + 1 };

	*rest = (struct text){ rest->ptr + line.len, rest->len - line.len };
	return line;
}

/* What the rules of a chain have counted, by their spelling; from `arena`. */
static struct counted_rule *list_counted(struct work *w, struct arena *arena, const struct xt_piece *piece)
{
	struct counted_rule *rules = ARENA_ARRAY(arena, struct counted_rule, piece->rules);
	struct text rest = spell(w, &w->found, lines_of(piece));

	for (uint32_t i = 0; i < piece->rules; i++)
		rules[i] = (struct counted_rule){ next_line(&rest), &piece->counts[i], false };
	if (piece->rules)
		qsort(rules, piece->rules, sizeof(*rules), by_text);
	return rules;
}

static const struct xt_count *take_count(struct counted_rule *rules, uint32_t count, struct text spelled)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (text_compare(rules[middle].text, spelled) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < count && rules[low].taken && text_equal(rules[low].text, spelled))
		low++;
	if (low == count || !text_equal(rules[low].text, spelled))
		return NULL;
	rules[low].taken = true;
	return rules[low].count;
}

/* Writes the rules once more, those that are loaded already with what they have counted. */
static void write_counts(struct work *w, const struct xt_piece *piece, struct text wanted)
{
	struct arena arena = { 0 };
	struct counted_rule *rules = list_counted(w, &arena, piece);
	struct text rest = arena_copy(&arena, wanted);

	w->script->out->len = (size_t)(wanted.ptr - w->script->out->data);
	while (rest.len) {
		struct text line = next_line(&rest), spelled = spell(w, &w->wanted, line);
		/* Of a line that is several rules each would get the whole. */
		bool single = text_find(spelled, '\n') + 1 == (long)spelled.len;
		const struct xt_count *count = single ? take_count(rules, piece->rules, spelled) : NULL;

		if (count && (count->packets || count->bytes))
			out_printf(w->script->out, "[%llu:%llu] ", (unsigned long long)count->packets,
				   (unsigned long long)count->bytes);
		out_text(w->script->out, line);
	}
	arena_free(&arena);
}

/* ---- changing a chain ---- */

static void change_chain(struct work *w, struct xt_chain *chain)
{
	struct xt_piece *piece = w->loaded ? xt_piece_find(w->loaded->chains, chain->name) : NULL;
	struct mark before = mark(w->script);
	char digest[XT_DIGEST_SIZE];
	struct text wanted;
	uint32_t rules = print_rules(w, chain) + 1;
	bool comparable = piece && !w->whole && piece->rules == rules;
	uint64_t printed = comparable ? fingerprint(w->lines.data, w->lines.len) : 0;

	if (comparable && piece->fingerprint == printed) {
		take_back(w->script, before);
		return;
	}
	print_digest(w, chain->name, digest);
	wanted = written_since(w, before, chain->name);
	if (comparable && strcmp(piece->digest, digest) == 0 && (piece->compared || has_rules(w, piece, wanted))) {
		piece->compared = true;
		piece->fingerprint = printed;
		take_back(w->script, before);
		return;
	}
	if (piece && w->explain)
		explain(w, piece, wanted, digest);
	if (piece && piece->counts)
		write_counts(w, piece, wanted);
	count_change(w, piece, chain->name, digest, rules);
}

/* The same for a chain as it was. */
static void restore_piece(struct work *w, const struct xt_piece *wanted)
{
	struct xt_piece *piece = xt_piece_find(w->loaded->chains, text_of(wanted->name));

	if (xt_piece_is(piece, wanted->lines, wanted->len))
		return;
	flush_chain(w->script, text_of(wanted->name));
	out_bytes(w->script->out, wanted->lines, wanted->len);
	w->script->line += wanted->rules;
	count_change(w, piece, text_of(wanted->name), wanted->digest, wanted->rules);
}

/* ---- declarations and hooks ---- */

static bool declare(struct work *w, struct text name)
{
	struct xt_piece *piece = w->loaded ? xt_piece_find(w->loaded->chains, name) : NULL;

	if (piece) {
		piece->wanted = true;
		return false;
	}
	out_char(w->script->out, ':');
	out_text(w->script->out, name);
	out_string(w->script->out, " - [0:0]\n");
	xt_script_line(w->script, SPAN_NONE);
	return true;
}

static bool has_chain(const struct xt_table *table, const char *name)
{
	for (uint32_t i = 0; i < table->chain_count; i++)
		if (text_is(table->chains[i]->name, name))
			return true;
	return false;
}

/* A chain of ours that is there and not hooked in has lost its hook. */
static void explain_hook(struct work *w, const struct xt_hook *hook)
{
	if (w->explain && w->loaded && xt_piece_find(w->loaded->chains, text_of(hook->chain)))
		xt_script_differs(w->script, true, "%s, chain %s: the jump to %s is missing", w->tool, hook->builtin, hook->chain);
}

static void change_hook(struct work *w, const struct xt_hook *hook, const char *command)
{
	xt_script_printf(w->script, "%s -j %s\n", command, hook->chain);
	w->script->changes = w->script->shape = true;
}

static void add_hooks(struct work *w)
{
	for (uint32_t i = 0; w->hooks[i].chain; i++) {
		char command[64];

		if (!has_chain(w->table, w->hooks[i].chain) || (w->loaded && w->loaded->hooks[i].count))
			continue;
		snprintf(command, sizeof(command), "-A %s", w->hooks[i].builtin);
		explain_hook(w, &w->hooks[i]);
		change_hook(w, &w->hooks[i], command);
	}
}

/* Hooks where they were, or none. */
static void restore_hooks(struct work *w, const struct xt_loaded_table *image)
{
	for (uint32_t i = 0; w->hooks[i].chain; i++) {
		const struct xt_hooked *have = &w->loaded->hooks[i], *want = image ? &image->hooks[i] : NULL;
		char command[64];

		if (want && want->count && !have->count) {
			snprintf(command, sizeof(command), "-I %s %u", w->hooks[i].builtin,
				 want->position <= have->rules + 1 ? want->position : have->rules + 1);
			change_hook(w, &w->hooks[i], command);
		}
		snprintf(command, sizeof(command), "-D %s", w->hooks[i].builtin);
		for (uint32_t n = 0; n < have->count && !(want && want->count); n++)
			change_hook(w, &w->hooks[i], command);
	}
}

/* ---- chains that go ---- */

/* A configuration never takes away hooks and the chains they lead to: they are emptied. */
static void remove_chains(struct work *w)
{
	bool keep_hooks = w->table != NULL;

	for (struct xt_piece *piece = w->loaded->chains; piece; piece = piece->hh.next) {
		if (piece->wanted || (!piece->rules && keep_hooks && hook_of(w, piece)))
			continue;
		if (w->explain && w->table)
			xt_script_differs(w->script, false, "%s: foreign chain %s", w->tool, piece->name);
		flush_chain(w->script, text_of(piece->name));
		w->script->changes = w->script->shape = true;
		w->script->deleted++;
	}
	for (struct xt_piece *piece = w->loaded->chains; piece; piece = piece->hh.next)
		if (!piece->wanted && !(keep_hooks && hook_of(w, piece)))
			xt_script_printf(w->script, "-X %s\n", piece->name);
}

/* ---- the whole ---- */

static void want_config(struct work *w)
{
	const struct xt_table *table = w->table;

	bool any = w->loaded && w->loaded->chains;

	if (w->explain && !any && table->chain_count)
		xt_script_differs(w->script, false, "%s: all our chains are missing", w->tool);
	for (uint32_t i = 0; i < table->chain_count; i++)
		if (declare(w, table->chains[i]->name) && w->explain && any)
			xt_script_differs(w->script, false, "%s: chain %.*s is missing", w->tool,
					  TEXT_ARG(table->chains[i]->name));
	add_hooks(w);
	for (uint32_t i = 0; i < table->chain_count; i++)
		change_chain(w, table->chains[i]);
}

/* All that it asks for must be there already, and nothing goes. */
static void want_guest(struct work *w, const struct guest *guest)
{
	const struct xt_table *table = w->table;

	for (uint32_t i = 0; i < table->chain_count; i++)
		if (!xt_piece_find(w->loaded->chains, table->chains[i]->name))
			w->script->impossible = true;
		else if (xt_is_chain_of(guest, table->chains[i]->name))
			change_chain(w, table->chains[i]);
}

static void want_image(struct work *w, const struct xt_loaded_table *image)
{
	for (const struct xt_piece *piece = image ? image->chains : NULL; piece; piece = piece->hh.next)
		if (declare(w, text_of(piece->name)))
			w->script->changes = true;
	restore_hooks(w, image);
	for (const struct xt_piece *piece = image ? image->chains : NULL; piece; piece = piece->hh.next)
		restore_piece(w, piece);
}

static void want_nothing_yet(struct xt_loaded_table *loaded)
{
	for (struct xt_piece *piece = loaded ? loaded->chains : NULL; piece; piece = piece->hh.next)
		piece->wanted = false;
}

void xt_script_table(struct xt_script *script, enum xt_table_id id, struct xt_loaded_table *loaded,
		     const struct xt_goal *goal)
{
	const struct xt_table_row *row = &xt_table_rows[id];
	struct work w = { .script = script, .loaded = loaded, .hooks = row->hooks, .whole = goal->whole };
	struct arena arena = { 0 };
	char tool[32];

	snprintf(tool, sizeof(tool), "%s %s", row->family_mask == IPV4 ? "iptables" : "ip6tables", row->name);
	w.tool = tool;
	w.explain = script->explain = goal->explain;
	out_init_memory(&w.lines);
	out_init_memory(&w.wanted);
	out_init_memory(&w.found);
	want_nothing_yet(loaded);
	xt_script_printf(script, "*%s\n", row->name);
	if (goal->config) {
		w.table = row->lower(&arena, goal->config, row->family_mask);
		if (goal->guest)
			want_guest(&w, goal->guest);
		else
			want_config(&w);
	} else {
		want_image(&w, goal->image ? &goal->image->tables[id] : NULL);
	}
	if (loaded && !goal->guest)
		remove_chains(&w);
	xt_script_printf(script, "COMMIT\n");
	if (w.canonical)
		xt_canonical_free(w.canonical);
	out_free(&w.lines);
	out_free(&w.wanted);
	out_free(&w.found);
	arena_free(&w.rules);
	arena_free(&arena);
}
