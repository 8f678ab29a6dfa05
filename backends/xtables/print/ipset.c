/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP sets in the language of `ipset restore` (spec 2.9). */
#include <stdlib.h>

#include "config/left_out.h"
#include "base/text_memo.h"
#include "xtables/lower/xtables.h"

static uint32_t count_sets(const struct config *config)
{
	uint32_t count = HASH_COUNT(config->cluster.ipsets) + HASH_COUNT(config->sdn.ipsets);

	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		count += HASH_COUNT(guest->scope.ipsets);
	return count;
}

static void add_one(struct xt_set_list *list, const struct ipset *set, unsigned family_mask)
{
	struct xt_set *item = &list->items[list->count];
	struct out name = { .data = item->name, .room = sizeof(item->name), .fd = -1 };

	item->set = set;
	item->family_mask = family_mask;
	item->order = list->count++;
	xt_print_set_name(&name, set, family_mask);
	item->name[name.len] = '\0';
}

static void add_scope(struct xt_set_list *list, const struct scope *scope)
{
	for (const struct ipset *set = scope->ipsets; set; set = set->hh.next) {
		add_one(list, set, IPV4);
		add_one(list, set, IPV6);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct xt_set *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->order < y->order ? -1 : 1;
}

/* ---- members ---- */

struct member {
	const char *text; /* canonical: the same for the same network */
	uint32_t order;
	bool nomatch;
	struct span span;
};

/* By text; of the same network the last one first, because it decides. */
static int by_text(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : x->order < y->order ? 1 : -1;
}

/* Entries of both versions that stand for every address: the SDN's or a local network. */
static uint32_t count_universal(const struct ipset *set)
{
	uint32_t count = 0;

	for (const struct set_entry *entry = set->entries; entry; entry = entry->next)
		count += entry->prefix.length == 0;
	return count;
}

static struct member member_of(struct arena *arena, const struct prefix *prefix, uint32_t order,
			       const struct set_entry *entry)
{
	char text[PREFIX_TEXT_SIZE];
	uint32_t len = prefix_format(prefix, text);

	return (struct member){ arena_string(arena, (struct text){ text, len }), order, entry->nomatch, entry->span };
}

static uint32_t collect(struct arena *arena, const struct xt_set *item, struct member *members)
{
	uint32_t count = 0;

	for (const struct set_entry *entry = item->set->entries; entry; entry = entry->next) {
		struct prefix half = entry->prefix;

		if (entry->repeated || !(prefix_family_mask(&entry->prefix) & item->family_mask))
			continue;
		if (entry->prefix.length == 0) { /* which ipset refuses: the second half here, the first below */
			half.length = 1;
			half.bytes[0] = 0x80;
			members[count] = member_of(arena, &half, count, entry);
			count++;
			half.bytes[0] = 0;
		}
		members[count] = member_of(arena, &half, count, entry);
		count++;
	}
	return count;
}

static void print_members(struct out *out, struct out *spans, struct arena *arena, const struct xt_set *item)
{
	struct member *members = ARENA_ARRAY(arena, struct member, item->set->size + count_universal(item->set));
	uint32_t count = collect(arena, item, members);

	qsort(members, count, sizeof(*members), by_text);
	for (uint32_t i = 0; i < count; i++) {
		if (i && strcmp(members[i - 1].text, members[i].text) == 0)
			continue;
		out_string(out, "add ");
		out_string(out, item->name);
		out_char(out, ' ');
		out_string(out, members[i].text);
		out_string(out, members[i].nomatch ? " nomatch\n" : "\n");
		if (spans)
			out_bytes(spans, (const char *)&members[i].span, sizeof(members[i].span));
	}
}

/* At least 64, else the next power of two. */
static uint32_t hash_size(uint32_t entries)
{
	uint32_t size = 64;

	while (size < entries)
		size *= 2;
	return size;
}

void xt_print_set(struct out *out, struct out *spans, struct arena *arena, const struct xt_set *item)
{
	struct arena_mark mark = arena_mark(arena);
	uint32_t size = hash_size(item->set->size + count_universal(item->set));

	out_string(out, "create ");
	out_string(out, item->name);
	out_string(out, item->family_mask == IPV4 ? " hash:net family inet hashsize " : " hash:net family inet6 hashsize ");
	out_number(out, size);
	out_string(out, " maxelem ");
	out_number(out, size);
	out_string(out, " bucketsize 12\n");
	print_members(out, spans, arena, item);
	arena_release(arena, mark);
}

/* All sets, sorted by name.  The cluster's and the SDN's share their names: the SDN's come last, and win. */
struct xt_set_list xt_sets_of(struct arena *arena, const struct config *config)
{
	struct xt_set_list list = { .items = NULL };
	uint32_t kept = 0;

	if (!config_enabled(config) || left_out_layer(config->left_out, LAYER_SETS))
		return list;
	list.items = ARENA_ARRAY(arena, struct xt_set, 2 * count_sets(config));
	add_scope(&list, &config->cluster);
	add_scope(&list, &config->sdn);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		add_scope(&list, &guest->scope);
	qsort(list.items, list.count, sizeof(*list.items), by_name);
	for (uint32_t i = 0; i < list.count; i++)
		if (i + 1 == list.count || strcmp(list.items[i].name, list.items[i + 1].name) != 0)
			list.items[kept++] = list.items[i];
	list.count = kept;
	return list;
}

/* A set that all nodes have is sorted and printed once. */
static void print_common_set(struct out *out, struct text_memo *memo, struct arena *arena, const struct xt_set *item)
{
	struct text text = text_memo_find(memo, item->set, item->family_mask);
	struct out printed;

	if (text.ptr) {
		out_text(out, text);
		return;
	}
	out_init_memory(&printed);
	xt_print_set(&printed, NULL, arena, item);
	text = (struct text){ printed.data, (uint32_t)printed.len };
	out_text(out, text);
	text_memo_put(memo, item->set, item->family_mask, text);
	out_free(&printed);
}

void xt_print_ipsets(struct out *out, const struct config *config)
{
	struct arena arena = { 0 };
	struct xt_set_list list = xt_sets_of(&arena, config);

	for (uint32_t i = 0; i < list.count; i++)
		if (config->memo && list.items[i].set->scope != SCOPE_GUEST)
			print_common_set(out, config->memo, &arena, &list.items[i]);
		else
			xt_print_set(out, NULL, &arena, &list.items[i]);
	arena_free(&arena);
}
