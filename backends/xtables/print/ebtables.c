/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layer 2: which MAC addresses, ARP senders and protocols a guest may use
 * (spec 2.10).  The rules are few and of five forms, so they are lowered to
 * text at once.
 */
#include <stdlib.h>

#include "inputs/netdb.h"
#include "xtables/load/xt_state.h"

struct eb_rule {
	struct text text; /* behind "-A CHAIN " */
	struct span span; /* of the option that it comes from, if a line sets that */
	struct eb_rule *next;
};

struct eb_chain {
	struct text name;
	struct eb_rule *first, **last;
};

struct eb_table {
	struct arena arena;
	struct eb_chain *chains;
	uint32_t count;
};

static struct eb_chain *add_chain(struct eb_table *t, struct text name)
{
	struct eb_chain *chain = &t->chains[t->count++];

	chain->name = name;
	chain->last = &chain->first;
	return chain;
}

static struct eb_rule *add(struct eb_table *t, struct eb_chain *chain, struct text text)
{
	struct eb_rule *rule = ARENA_NEW(&t->arena, struct eb_rule);

	rule->text = text;
	*chain->last = rule;
	chain->last = &rule->next;
	return rule;
}

/* A rule put together from pieces of text. */
#define ADD(t, chain, ...) add(t, chain, ARENA_JOIN(&(t)->arena, __VA_ARGS__))

/* ebtables prints MAC addresses without leading zeros. */
static struct text mac_text(struct eb_table *t, const uint8_t mac[6])
{
	char text[18];
	uint32_t len = 0;

	for (int i = 0; i < 6; i++) {
		if (i)
			text[len++] = ':';
		if (mac[i] > 0xf)
			text[len++] = hex_digit(mac[i] >> 4);
		text[len++] = hex_digit(mac[i]);
	}
	return arena_copy(&t->arena, (struct text){ text, len });
}

/* ---- ARP ---- */

/* The IPv4 addresses that a NIC may answer for. */
struct arp_entry {
	struct prefix prefix;
	uint32_t order;
	bool nomatch, repeated; /* as in struct set_entry */
};

struct arp_list {
	struct arp_entry *items;
	uint32_t count;
	bool exceptions;
};

static void arp_add(struct arp_list *list, struct prefix prefix, bool nomatch, bool repeated)
{
	list->items[list->count] = (struct arp_entry){ prefix, list->count, nomatch, repeated };
	list->count++;
	list->exceptions |= nomatch;
}

/* Longest prefix first, as a set decides; else as written. */
static int by_length(const void *a, const void *b)
{
	const struct arp_entry *x = a, *y = b;

	if (x->prefix.length != y->prefix.length)
		return x->prefix.length > y->prefix.length ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Of one network the last first. */
static int by_network(const void *a, const void *b)
{
	const struct arp_entry *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : x->order > y->order ? -1 : 1;
}

/* With exceptions it matters which entry of a network counts: the last of those that are members of the set. */
static void arp_order(struct arp_list *list)
{
	uint32_t kept = 0;

	qsort(list->items, list->count, sizeof(*list->items), by_network);
	for (uint32_t i = 0; i < list->count; i++)
		if (!list->items[i].repeated &&
		    (!kept || prefix_compare(&list->items[kept - 1].prefix, &list->items[i].prefix) != 0))
			list->items[kept++] = list->items[i];
	list->count = kept;
	qsort(list->items, kept, sizeof(*list->items), by_length);
}

static struct arp_list arp_collect(struct eb_table *t, const struct guest *guest, const struct nic *nic)
{
	struct arp_list list = { .count = 0 };
	const struct ipset *set = guest_filter_set(guest, nic);
	uint32_t room = 1;

	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		room++;
	list.items = ARENA_ARRAY(&t->arena, struct arp_entry, room);
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		if (!e->implicit && e->prefix.family == AF_INET)
			arp_add(&list, e->prefix, e->nomatch, e->repeated);
	if (guest->options.ipfilter && nic->ip4.family) {
		struct prefix own = nic->ip4;

		own.length = 32;
		arp_add(&list, own, false, false);
	}
	if (list.exceptions)
		arp_order(&list);
	return list;
}

static void add_arp(struct eb_table *t, struct eb_chain *chain, const struct guest *guest, const struct nic *nic)
{
	struct arp_list list = arp_collect(t, guest, nic);
	struct eb_chain *arp;

	if (!list.count)
		return;
	arp = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT-ARP")));
	ADD(t, chain, TEXT("-p ARP -j "), arp->name);
	for (uint32_t i = 0; i < list.count; i++) {
		char text[PREFIX_TEXT_SIZE];
		uint32_t len = prefix_format(&list.items[i].prefix, text);

		ADD(t, arp, TEXT("-p ARP --arp-ip-src "), ((struct text){ text, len }),
		    list.items[i].nomatch ? TEXT(" -j DROP") : TEXT(" -j RETURN"));
	}
	add(t, arp, TEXT("-j DROP"));
}

/* ---- the chains ---- */

static void add_protocols(struct eb_table *t, struct eb_chain *chain, const struct guest *guest,
			  const struct nic *nic)
{
	const struct layer2_list *list = &guest->options.layer2_protocols;
	struct eb_chain *protocols;

	if (!list->count)
		return;
	protocols = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT-PROTO")));
	ADD(t, chain, TEXT("-j "), protocols->name);
	for (uint32_t i = 0; i < list->count; i++)
		ADD(t, protocols, TEXT("-p "), list->items[i].name, TEXT(" -j RETURN"))->span =
			guest_option_span(guest, OPTION_GUEST_LAYER2_PROTOCOLS);
	add(t, protocols, TEXT("-j DROP"));
}

static void add_nic(struct eb_table *t, struct eb_chain *forward_out, const struct guest *guest,
		    const struct nic *nic)
{
	struct eb_chain *chain = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT")));

	if (guest->options.macfilter && nic->mac.len)
		ADD(t, chain, TEXT("-s ! "), mac_text(t, nic->mac_bytes), TEXT(" -j DROP"))->span =
			guest_option_span(guest, OPTION_GUEST_MACFILTER);
	add_arp(t, chain, guest, nic);
	add_protocols(t, chain, guest, nic);
	add(t, chain, TEXT("-j ACCEPT"));
	ADD(t, forward_out, TEXT("-i "), nic->device, TEXT(" -j "), chain->name);
}

static int by_name(const void *a, const void *b)
{
	return text_compare(((const struct eb_chain *)a)->name, ((const struct eb_chain *)b)->name);
}

static uint32_t count_nics(const struct config *config)
{
	uint32_t count = 0;

	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			count++;
	return count;
}

static void lower(struct eb_table *t, const struct config *config)
{
	struct eb_chain *forward, *forward_out;

	*t = (struct eb_table){ .count = 0 };
	if (!config_enabled(config) || !config->cluster_options.ebtables)
		return;
	t->chains = ARENA_ARRAY(&t->arena, struct eb_chain, 2 + 3 * count_nics(config));
	forward = add_chain(t, TEXT("PVEFW-FORWARD"));
	forward_out = add_chain(t, TEXT("PVEFW-FWBR-OUT"));
	add(t, forward, TEXT("-p IPv4 -j ACCEPT"));
	add(t, forward, TEXT("-p IPv6 -j ACCEPT"));
	add(t, forward, TEXT("-o fwln+ -j PVEFW-FWBR-OUT"));
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic && guest->options.enable; nic = nic->next)
			if (nic->firewall)
				add_nic(t, forward_out, guest, nic);
	qsort(t->chains, t->count, sizeof(*t->chains), by_name);
}

static void print_rules(struct out *out, const struct eb_chain *chain)
{
	for (const struct eb_rule *rule = chain->first; rule; rule = rule->next) {
		out_string(out, "-A ");
		out_text(out, chain->name);
		out_char(out, ' ');
		out_text(out, rule->text);
		out_char(out, '\n');
	}
}

void eb_print_listing(struct out *out, const struct config *config)
{
	struct eb_table t;

	lower(&t, config);
	for (uint32_t i = 0; i < t.count; i++) {
		out_char(out, ':');
		out_text(out, t.chains[i].name);
		out_char(out, '\n');
		print_rules(out, &t.chains[i]);
	}
	arena_free(&t.arena);
}

/* ---- the restore script ---- */

/* The words of a line, one after the other; `ptr` NULL behind the last. */
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

static bool same_protocol(const struct netdb *netdb, struct text a, struct text b)
{
	long number = protocol_number(netdb, a);

	return number >= 0 && number == protocol_number(netdb, b);
}

/* The same rules, where the tool may write the name of a protocol that was given as a number. */
static bool same_rules(const struct netdb *netdb, struct text a, struct text b)
{
	bool protocol = false;

	while (a.len && b.len) {
		struct text x = next_word(&a), y = next_word(&b);

		if (!text_equal(x, y) && !(protocol && same_protocol(netdb, x, y)))
			return false;
		protocol = text_is(x, "-p");
	}
	return !a.len && !b.len;
}

/* Of chains of ours; those of ebtables have one. */
#define POLICY "ACCEPT"

static bool piece_has_rules(const struct xt_piece *piece, const struct netdb *netdb, struct text rules)
{
	return piece && strcmp(piece->policy, POLICY) == 0 &&
	       same_rules(netdb, (struct text){ piece->lines, (uint32_t)piece->len }, rules);
}

static bool is_loaded(const struct eb_table *t, const struct xt_loaded_bridge *loaded, const struct netdb *netdb)
{
	struct out lines;
	bool same = HASH_COUNT(loaded->chains) == t->count && loaded->hooked == (t->count > 0);

	out_init_memory(&lines);
	for (uint32_t i = 0; i < t->count && same; i++) {
		lines.len = 0;
		print_rules(&lines, &t->chains[i]);
		same = piece_has_rules(xt_piece_find(loaded->chains, t->chains[i].name), netdb,
				       (struct text){ lines.data, (uint32_t)lines.len });
	}
	out_free(&lines);
	return same;
}

static bool has_chain(const struct eb_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (text_is(t->chains[i].name, name))
			return true;
	return false;
}

/* What differs of what is there. */
static void explain(struct xt_script *script, const struct eb_table *t, const struct xt_loaded_bridge *loaded,
		    const struct netdb *netdb)
{
	struct out lines, text;

	if (!script->explain)
		return;
	if (!loaded->chains) {
		if (t->count)
			xt_script_differs(script, false, "ebtables: all our chains are missing");
		return;
	}
	if (!loaded->hooked && t->count)
		xt_script_differs(script, true, "ebtables, chain FORWARD: the jump to PVEFW-FORWARD is missing");
	out_init_memory(&lines);
	out_init_memory(&text);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct xt_piece *piece = xt_piece_find(loaded->chains, t->chains[i].name);
		struct xt_difference d;

		lines.len = text.len = 0;
		print_rules(&lines, &t->chains[i]);
		if (piece_has_rules(piece, netdb, (struct text){ lines.data, (uint32_t)lines.len }))
			continue;
		if (!piece) {
			xt_script_differs(script, false, "ebtables: chain %.*s is missing", TEXT_ARG(t->chains[i].name));
			continue;
		}
		d = xt_difference_of((struct text){ lines.data, (uint32_t)lines.len },
				     (struct text){ piece->lines, (uint32_t)piece->len });
		xt_difference_print(&text, &d, "rule");
		if (strcmp(piece->policy, POLICY) != 0)
			xt_script_differs(script, true, "ebtables, chain %s: policy %s instead of %s", piece->name,
					  piece->policy, POLICY);
		if (d.missing || d.foreign || strcmp(piece->policy, POLICY) == 0)
			xt_script_differs(script, !piece->len, "ebtables, chain %s: %.*s", piece->name, (int)text.len, text.data);
	}
	for (const struct xt_piece *piece = loaded->chains; piece; piece = piece->hh.next)
		if (!has_chain(t, piece->name))
			xt_script_differs(script, false, "ebtables: foreign chain %s", piece->name);
	out_free(&lines);
	out_free(&text);
}

static void print_lines(struct xt_script *script, const char *lines, size_t len)
{

	out_bytes(script->out, lines, len);
	for (size_t i = 0; i < len; i++)
		if (lines[i] == '\n')
			xt_script_line(script, SPAN_NONE);
}

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
static void print_hooked(struct xt_script *script, const struct xt_loaded_bridge *loaded,
			 const struct xt_loaded_bridge *image)
{
	struct out here, there;
	bool others_same;

	out_init_memory(&here);
	out_init_memory(&there);
	print_others(&here, loaded);
	if (image)
		print_others(&there, image);
	others_same = image && here.len == there.len && (!here.len || memcmp(here.data, there.data, here.len) == 0);
	out_free(&here);
	out_free(&there);
	if (others_same)
		loaded = image;
	print_lines(script, loaded->rules.data, loaded->rules.len);
	if (!loaded->hooked)
		xt_script_printf(script, "%s\n", XT_BRIDGE_HOOK);
}

static void declare(struct xt_script *script, struct text name)
{
	xt_script_printf(script, ":%.*s " POLICY "\n", TEXT_ARG(name));
	script->chains++;
}

static void count_rules(struct xt_script *script, const struct eb_chain *chain)
{
	for (const struct eb_rule *rule = chain->first; rule; rule = rule->next)
		script->rules++;
}

static void want_config(struct xt_script *script, const struct eb_table *t)
{
	struct out lines;

	for (uint32_t i = 0; i < t->count; i++)
		declare(script, t->chains[i].name);
	out_init_memory(&lines);
	for (uint32_t i = 0; i < t->count; i++) {
		lines.len = 0;
		print_rules(&lines, &t->chains[i]);
		out_bytes(script->out, lines.data, lines.len);
		for (const struct eb_rule *rule = t->chains[i].first; rule; rule = rule->next)
			xt_script_line(script, rule->span);
		count_rules(script, &t->chains[i]);
	}
	out_free(&lines);
}

static void want_image(struct xt_script *script, const struct xt_loaded_bridge *image)
{
	for (const struct xt_piece *piece = image->chains; piece; piece = piece->hh.next)
		declare(script, text_of(piece->name));
	for (const struct xt_piece *piece = image->chains; piece; piece = piece->hh.next)
		print_lines(script, piece->lines, piece->len);
}

/* What was loaded before, with what others have now. */
static bool image_is_loaded(const struct xt_loaded_bridge *image, const struct xt_loaded_bridge *loaded)
{
	bool same = HASH_COUNT(loaded->chains) == HASH_COUNT(image->chains) && loaded->hooked == image->hooked;

	for (const struct xt_piece *want = image->chains; want && same; want = want->hh.next)
		same = xt_piece_is(xt_piece_find(loaded->chains, text_of(want->name)), want->lines, want->len) &&
		       strcmp(xt_piece_find(loaded->chains, text_of(want->name))->policy, POLICY) == 0;
	return same;
}

static void start_script(struct xt_script *script, const struct xt_loaded_bridge *loaded)
{
	xt_script_printf(script, "*filter\n");
	if (loaded)
		print_lines(script, loaded->declarations.data, loaded->declarations.len);
}

static void end_script(struct xt_script *script, const struct xt_loaded_bridge *loaded, bool hooked,
		       const struct xt_loaded_bridge *image)
{
	struct out others;

	if (loaded && hooked) {
		print_hooked(script, loaded, image);
	} else if (hooked) {
		xt_script_printf(script, "%s\n", XT_BRIDGE_HOOK);
	} else if (loaded) {
		out_init_memory(&others);
		print_others(&others, loaded);
		print_lines(script, others.data, others.len);
		out_free(&others);
	}
}

static void script_config(struct xt_script *script, const struct xt_loaded_bridge *loaded, const struct config *config,
			  bool whole)
{
	struct eb_table t;

	lower(&t, config);
	if (!loaded || !is_loaded(&t, loaded, config->netdb) || (whole && t.count)) {
		if (loaded)
			explain(script, &t, loaded, config->netdb);
		start_script(script, loaded);
		want_config(script, &t);
		end_script(script, loaded, t.count > 0, NULL);
		script->changes = script->shape = true;
	}
	arena_free(&t.arena);
}

void xt_script_bridge(struct xt_script *script, struct xt_loaded_bridge *loaded, const struct xt_goal *goal)
{
	static const struct xt_loaded_bridge nothing = { .rules = { .fd = -1 }, .declarations = { .fd = -1 } };
	const struct xt_loaded_bridge *image = goal->image ? &goal->image->bridge : &nothing;

	script->explain = goal->explain;

	if (goal->config) {
		script_config(script, loaded, goal->config, goal->whole);
	} else if (!image_is_loaded(image, loaded)) {
		start_script(script, loaded);
		want_image(script, image);
		end_script(script, loaded, image->hooked, image);
		script->changes = script->shape = true;
	}
}

void eb_print_restore(struct out *out, const struct config *config)
{
	struct xt_script script = { .out = out };

	xt_script_bridge(&script, NULL, &(struct xt_goal){ .config = config });
}
