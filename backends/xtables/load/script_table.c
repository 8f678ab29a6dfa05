/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts for iptables-restore -n that make of what is loaded what is desired (spec 2.12): chains that are missing are
 * declared, hooks that are missing added, chains that differ flushed and filled anew, chains that are not desired any
 * more flushed and deleted.  With nothing loaded the script is what `compile -o DIR` writes.
 *
 * Both sides are maps of chains and hooks (api/difference.h).  The rules of a desired chain are printed when it is
 * compared, and once more if it is written: the text of all chains together is large.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/left_out.h"
#include "xtables/load/xt_state.h"

enum {
	XT_OBJECT_CHAIN,
	XT_OBJECT_HOOK, /* the jump from a built-in chain, by the name of that */
};

/* The work on one table. */
struct table_script {
	struct xt_script *script;
	struct xt_loaded_table *loaded; /* or NULL */
	const struct xt_hook *hooks;
	const struct xt_table *table; /* of a configuration, or NULL */
	const struct xt_desired *desired;
	const char *tool; /* for people */
	struct arena arena;
	struct object_map have, want;
	/* Of the chain that was printed last: its rules, the line of source of each, and for its digest without separators. */
	struct out text, spans, lines;
	struct arena rules;
	struct xt_canonical *canonical;
	struct out spelled_desired, spelled_loaded; /* the rules of a chain in one spelling */
};

/* ---- printing a chain ---- */

/* A rule that was refused is left out; while it is not known which was, what may be it drops everything. */
static bool is_left_out(struct table_script *t, struct xt_chain *chain, size_t start)
{
	struct out *lines = &t->lines;
	const struct left_out_rule *rule =
		left_out_find_rule(t->table->config->left_out, lines->data + start, lines->len - start);

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

static void end_rule(struct table_script *t, struct span span)
{
	out_char(&t->text, '\n');
	out_bytes(&t->spans, (const char *)&span, sizeof(span));
}

/* Returns how many rules the tools make of it. */
static uint32_t print_rules(struct table_script *t, struct xt_chain *chain)
{
	bool has_left_out = t->table->config->left_out && t->table->config->left_out->rules;
	uint32_t count = 0;

	t->lines.len = t->text.len = t->spans.len = 0;
	xt_chain_fill(&t->rules, t->table, chain);
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		size_t start = t->lines.len;

		xt_print_rule(&t->lines, chain, rule, t->table->family_mask);
		if (has_left_out && is_left_out(t, chain, start))
			continue;
		out_bytes(&t->text, t->lines.data + start, t->lines.len - start);
		end_rule(t, rule->span);
		count += xt_rule_multiplicity(rule);
	}
	arena_reset(&t->rules);
	return count;
}

/* The rule that holds the digest, and that into `digest`. */
static void print_digest(struct table_script *t, struct text name, char digest[XT_DIGEST_SIZE])
{
	size_t start = t->lines.len;

	xt_print_signature(&t->lines, t->lines.data, start);
	out_string(&t->text, "-A ");
	out_text(&t->text, name);
	out_string(&t->text, " -m comment --comment \"");
	out_bytes(&t->text, t->lines.data + start, t->lines.len - start);
	out_char(&t->text, '"');
	end_rule(t, SPAN_NONE);
	memcpy(digest, t->lines.data + start + sizeof("PVESIG:") - 1, XT_DIGEST_SIZE - 1);
	digest[XT_DIGEST_SIZE - 1] = '\0';
}

static struct text printed_text(const struct table_script *t)
{
	return (struct text){ t->text.data, (uint32_t)t->text.len };
}

/* ---- comparing a chain ---- */

/* Distinguishes unchanged lines from new ones, at a tenth of the digest's cost. */
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

static struct text spell(struct table_script *t, struct out *out, struct text lines)
{
	if (!t->canonical)
		t->canonical = xt_canonical_new(t->table->family_mask);
	out->len = 0;
	xt_canonical_lines(t->canonical, out, lines);
	return (struct text){ out->data, (uint32_t)out->len };
}

/* Digest and number of rules may be the same after somebody has replaced a rule: the lines are compared, too, unless
 * they were before. */
static bool is_desired_chain(struct table_script *t, struct xt_object *loaded, struct xt_chain *chain)
{
	char digest[XT_DIGEST_SIZE];
	uint64_t printed;

	if (t->desired->whole || print_rules(t, chain) + 1 != loaded->rules)
		return false;
	printed = fingerprint(t->lines.data, t->lines.len);
	if (loaded->fingerprint == printed)
		return true;
	print_digest(t, chain->name, digest);
	if (strcmp(loaded->digest, digest) != 0 ||
	    (!loaded->compared && !text_equal(spell(t, &t->spelled_desired, printed_text(t)),
					      spell(t, &t->spelled_loaded, xt_object_text(loaded)))))
		return false;
	loaded->compared = true;
	loaded->fingerprint = printed;
	return true;
}

static enum object_change compare_object(void *context, const struct object *loaded, const struct object *desired)
{
	struct table_script *t = context;
	bool same = desired->kind == XT_OBJECT_HOOK ||
		    (t->table ? is_desired_chain(t, loaded->item, desired->item)
			      : text_equal(xt_object_text(loaded->item), xt_object_text(desired->item)));

	return same ? OBJECT_SAME : OBJECT_CHANGED;
}

/* ---- counters ---- */

/* A rule that is loaded, in its one spelling. */
struct counted_rule {
	struct text text;
	const struct xt_count *count;
	bool taken;
};

static int compare_counted(const void *a, const void *b)
{
	const struct counted_rule *x = a, *y = b;
	int order = text_compare(x->text, y->text);

	return order ? order : x->count < y->count ? -1 : x->count > y->count;
}

/* Returns the counters of a chain's rules by their text; from `arena`. */
static struct counted_rule *list_counted(struct table_script *t, struct arena *arena, const struct xt_object *loaded)
{
	struct counted_rule *rules = ARENA_ARRAY(arena, struct counted_rule, loaded->rules);
	struct text rest = spell(t, &t->spelled_loaded, xt_object_text(loaded));

	for (uint32_t i = 0; i < loaded->rules; i++) {
		rules[i].count = &loaded->counts[i];
		text_cut_line(&rest, &rules[i].text);
	}
	if (loaded->rules)
		qsort(rules, loaded->rules, sizeof(*rules), compare_counted);
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

/* Writes the rules that were printed, those that are loaded already with what they have counted. */
static void write_counted(struct table_script *t, const struct xt_object *loaded)
{
	const struct span *span = (const struct span *)(const void *)t->spans.data;
	struct arena arena = { 0 };
	struct counted_rule *rules = list_counted(t, &arena, loaded);
	struct text rest = printed_text(t), line;

	while (text_cut_line(&rest, &line)) {
		struct text spelled = spell(t, &t->spelled_desired, line);
		/* If a line makes several rules, each would get the total. */
		bool single = text_find(spelled, '\n') + 1 == (long)spelled.len;
		const struct xt_count *count = single ? take_count(rules, loaded->rules, spelled) : NULL;

		if (count && (count->packets || count->bytes))
			out_printf(t->script->out, "[%llu:%llu] ", (unsigned long long)count->packets,
				   (unsigned long long)count->bytes);
		out_text(t->script->out, line);
		xt_script_line(t->script, *span++);
	}
	arena_free(&arena);
}

/* ---- writing chains ---- */

static const struct xt_hook *hook_of(const struct table_script *t, const struct xt_object *chain)
{
	for (const struct xt_hook *hook = t->hooks; hook->chain; hook++)
		if (strcmp(hook->chain, chain->name) == 0)
			return hook;
	return NULL;
}

/* With the digest of what is desired, or of nothing, a chain that has other rules was changed by somebody else; we leave
 * only those empty that are hooked in. */
static void explain_chain(struct table_script *t, const struct xt_object *loaded, const char *digest)
{
	bool certain = strcmp(loaded->digest, digest) == 0 || (!loaded->digest[0] && (loaded->rules || !hook_of(t, loaded)));
	struct xt_difference d = xt_difference_of(spell(t, &t->spelled_desired, printed_text(t)),
						  spell(t, &t->spelled_loaded, xt_object_text(loaded)));
	struct out text;

	out_init_memory(&text);
	xt_difference_print(&text, &d, "rule");
	xt_script_differs(t->script, certain, "%s, chain %s: %.*s", t->tool, loaded->name, (int)text.len, text.data);
	out_free(&text);
}

static void flush_chain(struct xt_script *script, struct text name)
{
	xt_script_printf(script, "-F %.*s\n", TEXT_ARG(name));
}

static void write_chain(struct table_script *t, const struct object *object)
{
	const struct xt_object *loaded = object->other ? object->other->item : NULL, *before = object->item;
	char digest[XT_DIGEST_SIZE];
	uint32_t rules;

	flush_chain(t->script, object->name);
	if (t->table) {
		rules = print_rules(t, object->item) + 1;
		print_digest(t, object->name, digest);
		if (loaded && t->desired->explain)
			explain_chain(t, loaded, digest);
		if (loaded && loaded->counts)
			write_counted(t, loaded);
		else
			xt_script_lines(t->script, printed_text(t), &t->spans);
	} else {
		rules = before->rules;
		memcpy(digest, before->digest, sizeof(digest));
		xt_script_lines(t->script, xt_object_text(before), NULL);
	}
	t->script->changes = true;
	t->script->chains++;
	t->script->rules += rules;
	t->script->deleted += loaded && loaded->rules;
	t->script->shape |= !loaded;
	xt_script_touch(t->script, object->name, digest, rules);
}

/* A configuration never takes away hooks and the chains they lead to: they are emptied. */
static void remove_chains(struct table_script *t)
{
	bool keep_hooks = t->table != NULL;

	for (uint32_t i = 0; i < t->have.count; i++) {
		const struct object *object = &t->have.objects[i];
		const struct xt_object *chain = object->item;

		if (object->kind != XT_OBJECT_CHAIN || object->change != OBJECT_REMOVED ||
		    (!chain->rules && keep_hooks && hook_of(t, chain)))
			continue;
		if (t->table && t->desired->explain)
			xt_script_differs(t->script, false, "%s: foreign chain %s", t->tool, chain->name);
		flush_chain(t->script, object->name);
		t->script->changes = t->script->shape = true;
		t->script->deleted++;
	}
	for (uint32_t i = 0; i < t->have.count; i++)
		if (t->have.objects[i].kind == XT_OBJECT_CHAIN && t->have.objects[i].change == OBJECT_REMOVED &&
		    !(keep_hooks && hook_of(t, t->have.objects[i].item)))
			xt_script_printf(t->script, "-X %.*s\n", TEXT_ARG(t->have.objects[i].name));
}

/* ---- declarations and hooks ---- */

static void declare_chains(struct table_script *t)
{
	bool any = t->loaded && t->loaded->chains, explains = t->table && t->desired->explain;

	if (explains && !any && t->table->chain_count)
		xt_script_differs(t->script, false, "%s: all our chains are missing", t->tool);
	for (uint32_t i = 0; i < t->want.count; i++) {
		const struct object *object = &t->want.objects[i];

		if (object->kind != XT_OBJECT_CHAIN || object->change != OBJECT_ADDED)
			continue;
		xt_script_printf(t->script, ":%.*s - [0:0]\n", TEXT_ARG(object->name));
		t->script->changes = true;
		if (explains && any)
			xt_script_differs(t->script, false, "%s: chain %.*s is missing", t->tool, TEXT_ARG(object->name));
	}
}

static void write_hook(struct table_script *t, const struct xt_hook *hook, const char *command)
{
	xt_script_printf(t->script, "%s -j %s\n", command, hook->chain);
	t->script->changes = t->script->shape = true;
}

/* New ones at the end of the built-in chain or, of what was loaded before, where they were. */
static void change_hooks(struct table_script *t, const struct xt_loaded_table *before)
{
	for (uint32_t i = 0; t->hooks[i].chain; i++) {
		const struct xt_hook *hook = &t->hooks[i];
		const struct object *want = object_map_find(&t->want, XT_OBJECT_HOOK, text_of(hook->builtin));
		uint32_t count = t->loaded ? t->loaded->hooks[i].count : 0, last = t->loaded ? t->loaded->hooks[i].rules + 1 : 1;
		char command[64];

		if (want && want->change == OBJECT_ADDED && before) {
			snprintf(command, sizeof(command), "-I %s %u", hook->builtin,
				 before->hooks[i].position <= last ? before->hooks[i].position : last);
			write_hook(t, hook, command);
		} else if (want && want->change == OBJECT_ADDED) {
			/* If our chain exists without its jump, the jump was removed. */
			if (t->desired->explain && t->loaded && xt_object_find(t->loaded->chains, text_of(hook->chain)))
				xt_script_differs(t->script, true, "%s, chain %s: the jump to %s is missing", t->tool,
						  hook->builtin, hook->chain);
			snprintf(command, sizeof(command), "-A %s", hook->builtin);
			write_hook(t, hook, command);
		}
		snprintf(command, sizeof(command), "-D %s", hook->builtin);
		for (uint32_t n = 0; n < count && !want; n++)
			write_hook(t, hook, command);
	}
}

/* ---- the whole ---- */

static void add_hook(struct object_map *map, const struct xt_hook *hook)
{
	object_map_add(map, XT_OBJECT_HOOK, text_of(hook->builtin), TEXT(""), hook);
}

static void add_chains(struct object_map *map, const struct xt_object *chains)
{
	for (const struct xt_object *chain = chains; chain; chain = chain->hh.next)
		object_map_add(map, XT_OBJECT_CHAIN, text_of(chain->name), TEXT(""), chain);
}

/* The guests' own chains: thousands of others are not looked at. */
static void make_guest_maps(struct table_script *t)
{
	t->have.arena = t->want.arena = &t->arena;
	for (uint32_t i = 0; i < t->table->chain_count; i++) {
		struct xt_chain *chain = t->table->chains[i];
		const struct xt_object *loaded;

		if (!xt_is_chain_of(t->table->config->guests, chain->name))
			continue;
		object_map_add(&t->want, XT_OBJECT_CHAIN, chain->name, TEXT(""), chain);
		loaded = xt_object_find(t->loaded->chains, chain->name);
		if (loaded)
			object_map_add(&t->have, XT_OBJECT_CHAIN, text_of(loaded->name), TEXT(""), loaded);
	}
}

static void make_maps(struct table_script *t, const struct xt_loaded_table *before)
{
	t->have.arena = t->want.arena = &t->arena;
	if (t->loaded)
		add_chains(&t->have, t->loaded->chains);
	if (before)
		add_chains(&t->want, before->chains);
	for (uint32_t i = 0; t->table && i < t->table->chain_count; i++)
		object_map_add(&t->want, XT_OBJECT_CHAIN, t->table->chains[i]->name, TEXT(""), t->table->chains[i]);
	for (uint32_t i = 0; t->hooks[i].chain; i++) {
		bool hooked = t->loaded && t->loaded->hooks[i].count;

		if (hooked)
			add_hook(&t->have, &t->hooks[i]);
		if (t->table ? hooked || object_map_find(&t->want, XT_OBJECT_CHAIN, text_of(t->hooks[i].chain))
			     : before && before->hooks[i].count)
			add_hook(&t->want, &t->hooks[i]);
	}
}

/* All chains of guests' rules must be there already, and nothing goes. */
static void write_guests(struct table_script *t)
{
	for (uint32_t i = 0; i < t->want.count; i++) {
		const struct object *object = &t->want.objects[i];

		if (object->kind == XT_OBJECT_CHAIN && !object->other)
			t->script->impossible = true;
		else if (object->change == OBJECT_CHANGED)
			write_chain(t, object);
	}
}

static void write_table(struct table_script *t, const struct xt_loaded_table *before)
{
	declare_chains(t);
	change_hooks(t, before);
	for (uint32_t i = 0; i < t->want.count; i++) {
		const struct object *object = &t->want.objects[i];

		if (object->kind == XT_OBJECT_CHAIN && object->change != OBJECT_SAME)
			write_chain(t, object);
	}
	remove_chains(t);
}

void xt_script_table(struct xt_script *script, enum xt_table_id id, struct xt_loaded_table *loaded,
		     const struct xt_desired *desired)
{
	const struct xt_table_row *row = &xt_table_rows[id];
	const struct xt_loaded_table *before = desired->snapshot ? &desired->snapshot->tables[id] : NULL;
	struct table_script t = { .script = script, .loaded = loaded, .hooks = row->hooks, .desired = desired };
	const struct object_comparison comparison = { .compare = compare_object, .context = &t };
	char tool[32];

	snprintf(tool, sizeof(tool), "%s %s", row->family_mask == IPV4 ? "iptables" : "ip6tables", row->name);
	t.tool = tool;
	script->explain = desired->explain;
	out_init_memory(&t.text);
	out_init_memory(&t.spans);
	out_init_memory(&t.lines);
	out_init_memory(&t.spelled_desired);
	out_init_memory(&t.spelled_loaded);
	if (desired->config)
		t.table = row->lower(&t.arena, desired->config, row->family_mask);
	if (desired->only_guests)
		make_guest_maps(&t);
	else
		make_maps(&t, before);
	object_maps_compare(&t.have, &t.want, &comparison);
	xt_script_printf(script, "*%s\n", row->name);
	if (desired->only_guests)
		write_guests(&t);
	else
		write_table(&t, before);
	xt_script_printf(script, "COMMIT\n");
	if (t.canonical)
		xt_canonical_free(t.canonical);
	out_free(&t.text);
	out_free(&t.spans);
	out_free(&t.lines);
	out_free(&t.spelled_desired);
	out_free(&t.spelled_loaded);
	arena_free(&t.rules);
	arena_free(&t.arena);
}
