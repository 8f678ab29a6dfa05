/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The script for ebtables-restore, which replaces the whole table: if a chain of ours differs, or the hook, the table is
 * written with what others have in it.
 */
#include <stdlib.h>

#include "inputs/netdb.h"
#include "xtables/load/xt_state.h"

/* Iterates over the words of a line; `ptr` is NULL after the last. */
static struct text next_word(struct text *rest)
{
	struct text word = { NULL, 0 };
	uint32_t len = 0;

	if (!rest->len)
		return word;
	while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\n')
		len++;
	word = (struct text){ rest->ptr, len };
	len += len < rest->len;
	*rest = (struct text){ rest->ptr + len, rest->len - len };
	return word;
}

/* The number of a protocol by its name in /etc/ethertypes, or by one of those spelled 0800 or, where the
 * file has no name for it, 0x800; -1: none of them. */
static long protocol_number(const struct netdb *netdb, struct text word)
{
	char digits[sizeof("0xffff")], *end;
	uint16_t number;
	long value;

	if (netdb_ethertype(netdb, word, &number))
		return number;
	if (!text_starts(word, "0x") || word.len >= sizeof(digits))
		return -1;
	memcpy(digits, word.ptr, word.len);
	digits[word.len] = '\0';
	value = strtol(digits, &end, 16);
	return *end ? -1 : value;
}

/* The same rules, where the tool may write the name of a protocol that was given as a number. */
static bool same_rules(const struct netdb *netdb, struct text a, struct text b)
{
	bool protocol = false;

	while (a.len && b.len) {
		struct text x = next_word(&a), y = next_word(&b);

		if (!text_equal(x, y)) {
			long number = protocol ? protocol_number(netdb, x) : -1;

			if (number < 0 || number != protocol_number(netdb, y))
				return false;
		}
		protocol = text_is(x, "-p");
	}
	return !a.len && !b.len;
}

/* The policy of our chains: in ebtables, user-defined chains have a policy, too. */
#define POLICY "ACCEPT"

/* The work on the table. */
struct bridge_script {
	struct xt_script *script;
	const struct xt_loaded_bridge *loaded; /* or NULL */
	const struct config *config;           /* or NULL: the earlier ruleset is desired */
	struct object_map have, want;          /* our chains */
	struct out lines;                      /* of the chain that was printed last */
	struct arena arena;
};

static struct text bridge_lines_of(struct bridge_script *b, const struct object *object)
{
	if (!b->config)
		return xt_object_text(object->item);
	b->lines.len = 0;
	eb_print_rules(&b->lines, object->item);
	return (struct text){ b->lines.data, (uint32_t)b->lines.len };
}

static enum object_change compare_chain(void *context, const struct object *loaded, const struct object *desired)
{
	struct bridge_script *b = context;
	const struct xt_object *chain = loaded->item;
	struct text lines = bridge_lines_of(b, desired);
	bool same = strcmp(chain->policy, POLICY) == 0 &&
		    (b->config ? same_rules(b->config->netdb, xt_object_text(chain), lines) : text_equal(xt_object_text(chain), lines));

	return same ? OBJECT_SAME : OBJECT_CHANGED;
}

/* ---- what differs ---- */

static void bridge_explain_chain(struct bridge_script *b, const struct object *object)
{
	const struct xt_object *chain = object->other->item;
	struct xt_difference d = xt_difference_of(bridge_lines_of(b, object), xt_object_text(chain));
	bool other_policy = strcmp(chain->policy, POLICY) != 0;
	struct out text;

	out_init_memory(&text);
	xt_difference_print(&text, &d, "rule");
	if (other_policy)
		xt_script_differs(b->script, true, "ebtables, chain %s: policy %s instead of %s", chain->name, chain->policy, POLICY);
	if (d.missing || d.foreign || !other_policy)
		xt_script_differs(b->script, !chain->len, "ebtables, chain %s: %.*s", chain->name, (int)text.len, text.data);
	out_free(&text);
}

static void bridge_explain(struct bridge_script *b)
{
	if (!b->loaded->chains) {
		if (b->want.count)
			xt_script_differs(b->script, false, "ebtables: all our chains are missing");
		return;
	}
	if (!b->loaded->hooked && b->want.count)
		xt_script_differs(b->script, true, "ebtables, chain FORWARD: the jump to PVEFW-FORWARD is missing");
	for (uint32_t i = 0; i < b->want.count; i++)
		if (b->want.objects[i].change == OBJECT_ADDED)
			xt_script_differs(b->script, false, "ebtables: chain %.*s is missing", TEXT_ARG(b->want.objects[i].name));
		else if (b->want.objects[i].change == OBJECT_CHANGED)
			bridge_explain_chain(b, &b->want.objects[i]);
	for (uint32_t i = 0; i < b->have.count; i++)
		if (b->have.objects[i].change == OBJECT_REMOVED)
			xt_script_differs(b->script, false, "ebtables: foreign chain %.*s", TEXT_ARG(b->have.objects[i].name));
}

/* ---- the script ---- */

/* The rules of others, without our hook. */
static void print_others(struct out *out, const struct xt_loaded_bridge *loaded)
{
	const char *hook = loaded->rules.len ? memmem(loaded->rules.data, loaded->rules.len, XT_BRIDGE_HOOK "\n",
						      sizeof(XT_BRIDGE_HOOK)) : NULL;
	size_t before = hook ? (size_t)(hook - loaded->rules.data) : loaded->rules.len;

	out_bytes(out, loaded->rules.data, before);
	if (hook)
		out_bytes(out, hook + sizeof(XT_BRIDGE_HOOK), loaded->rules.len - before - sizeof(XT_BRIDGE_HOOK));
}

/* Others' rules with our hook where it is, or was, or, when it is missing, at the end. */
static void write_hooked(struct xt_script *script, const struct xt_loaded_bridge *loaded, const struct xt_loaded_bridge *before)
{
	struct out here, there;

	out_init_memory(&here);
	out_init_memory(&there);
	print_others(&here, loaded);
	if (before)
		print_others(&there, before);
	if (before && here.len == there.len && (!here.len || memcmp(here.data, there.data, here.len) == 0))
		loaded = before;
	out_free(&here);
	out_free(&there);
	xt_script_lines(script, (struct text){ loaded->rules.data, (uint32_t)loaded->rules.len }, NULL);
	if (!loaded->hooked)
		xt_script_printf(script, "%s\n", XT_BRIDGE_HOOK);
}

static void bridge_write_chain(struct bridge_script *b, const struct object *object)
{
	const struct eb_chain *chain = object->item;
	struct out spans;

	out_init_memory(&spans);
	for (const struct eb_rule *rule = b->config ? chain->first : NULL; rule; rule = rule->next) {
		out_bytes(&spans, (const char *)&rule->span, sizeof(rule->span));
		b->script->rules++;
	}
	xt_script_lines(b->script, bridge_lines_of(b, object), b->config ? &spans : NULL);
	out_free(&spans);
}

static void bridge_write_table(struct bridge_script *b, bool hooked, const struct xt_loaded_bridge *before)
{
	struct xt_script *script = b->script;

	xt_script_printf(script, "*filter\n");
	if (b->loaded)
		xt_script_lines(script, (struct text){ b->loaded->declarations.data, (uint32_t)b->loaded->declarations.len }, NULL);
	for (uint32_t i = 0; i < b->want.count; i++)
		xt_script_printf(script, ":%.*s " POLICY "\n", TEXT_ARG(b->want.objects[i].name));
	script->chains += b->want.count;
	for (uint32_t i = 0; i < b->want.count; i++)
		bridge_write_chain(b, &b->want.objects[i]);
	if (b->loaded && hooked) {
		write_hooked(script, b->loaded, before);
	} else if (hooked) {
		xt_script_printf(script, "%s\n", XT_BRIDGE_HOOK);
	} else if (b->loaded) {
		struct out others;

		out_init_memory(&others);
		print_others(&others, b->loaded);
		xt_script_lines(script, (struct text){ others.data, (uint32_t)others.len }, NULL);
		out_free(&others);
	}
	script->changes = script->shape = true;
}

static void bridge_add_chains(struct object_map *map, const struct xt_object *chains)
{
	for (const struct xt_object *chain = chains; chain; chain = chain->hh.next)
		object_map_add(map, 0, text_of(chain->name), TEXT(""), chain);
}

void xt_script_bridge(struct xt_script *script, struct xt_loaded_bridge *loaded, const struct xt_desired *desired)
{
	const struct xt_loaded_bridge *before = desired->snapshot ? &desired->snapshot->bridge : NULL;
	struct bridge_script b = { .script = script, .loaded = loaded, .config = desired->config };
	const struct object_comparison comparison = { .compare = compare_chain, .context = &b };
	struct object_counts counts;
	struct eb_table table = { .count = 0 };
	bool hooked;

	script->explain = desired->explain;
	b.have.arena = b.want.arena = &b.arena;
	out_init_memory(&b.lines);
	if (desired->config)
		eb_lower(&table, desired->config);
	for (uint32_t i = 0; i < table.count; i++)
		object_map_add(&b.want, 0, table.chains[i]->name, TEXT(""), table.chains[i]);
	if (before)
		bridge_add_chains(&b.want, before->chains);
	if (loaded)
		bridge_add_chains(&b.have, loaded->chains);
	counts = object_maps_compare(&b.have, &b.want, &comparison);
	hooked = before ? before->hooked : b.want.count > 0;
	if (!loaded || counts.added || counts.changed || counts.removed || loaded->hooked != hooked ||
	    (desired->config && desired->whole && b.want.count)) {
		if (loaded && script->explain && desired->config)
			bridge_explain(&b);
		bridge_write_table(&b, hooked, before);
	}
	out_free(&b.lines);
	arena_free(&table.arena);
	arena_free(&b.arena);
}
