/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP sets in the language of `ipset restore` (spec 2.9). */
#include <stdlib.h>

#include "base/text_memo.h"
#include "config/left_out.h"
#include "xtables/print/print.h"

/* ---- the sets ---- */

static void xt_add_scope(struct xt_set_list *list, const struct scope *scope)
{
	for (const struct ipset *set = scope->ipsets; set; set = set->hh.next)
		for (unsigned family = IPV4; family <= IPV6; family++) {
			struct xt_set *item = &list->items[list->count];
			struct out name = { .data = item->name, .room = sizeof(item->name), .fd = -1 };

			item->set = set;
			item->family_mask = family;
			item->order = list->count++;
			xt_print_set_name(&name, set, family);
			item->name[name.len] = '\0';
		}
}

static int xt_compare_sets(const void *a, const void *b)
{
	const struct xt_set *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->order < y->order ? -1 : 1;
}

/* Sets of the cluster and of the SDN can have the same name: the SDN's comes last and wins. */
struct xt_set_list xt_sets_of(struct arena *arena, const struct config *config)
{
	uint32_t count = HASH_COUNT(config->cluster.ipsets) + HASH_COUNT(config->sdn.ipsets), kept = 0;
	struct xt_set_list list = { .items = NULL };

	if (!config_enabled(config) || left_out_layer(config->left_out, LAYER_SETS))
		return list;
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		count += HASH_COUNT(guest->scope.ipsets);
	list.items = ARENA_ARRAY(arena, struct xt_set, 2 * count);
	xt_add_scope(&list, &config->cluster);
	xt_add_scope(&list, &config->sdn);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		xt_add_scope(&list, &guest->scope);
	qsort(list.items, list.count, sizeof(*list.items), xt_compare_sets);
	for (uint32_t i = 0; i < list.count; i++)
		if (i + 1 == list.count || strcmp(list.items[i].name, list.items[i + 1].name) != 0)
			list.items[kept++] = list.items[i];
	list.count = kept;
	return list;
}

/* ---- members ---- */

struct xt_member {
	struct text text; /* canonical, ends with a NUL: the same for the same network */
	uint32_t order;
	bool nomatch;
	struct span span;
};

/* By text; of the same network the last one first, because it decides. */
static int xt_compare_members(const void *a, const void *b)
{
	const struct xt_member *x = *(const struct xt_member *const *)a, *y = *(const struct xt_member *const *)b;
	int order = strcmp(x->text.ptr, y->text.ptr);

	return order ? order : x->order < y->order ? 1 : -1;
}

static struct xt_member xt_member_of(struct arena *arena, const struct prefix *prefix, uint32_t order,
				     const struct set_entry *entry)
{
	char text[PREFIX_TEXT_SIZE];
	uint32_t len = prefix_format(prefix, text);

	return (struct xt_member){ arena_copy(arena, (struct text){ text, len }), order, entry->nomatch, entry->span };
}

/* Entries of both families for all addresses, each of which becomes two members. */
static uint32_t xt_count_universal(const struct ipset *set)
{
	uint32_t count = 0;

	for (const struct set_entry *entry = set->entries; entry; entry = entry->next)
		count += entry->prefix.length == 0;
	return count;
}

static void xt_print_members(struct out *out, struct out *spans, struct arena *arena, const struct xt_set *item)
{
	uint32_t most = item->set->size + xt_count_universal(item->set), count = 0;
	struct xt_member *members = ARENA_ARRAY(arena, struct xt_member, most);
	struct text add = ARENA_JOIN(arena, TEXT("add "), text_of(item->name), TEXT(" "));
	const struct xt_member **sorted = ARENA_ARRAY(arena, const struct xt_member *, most);

	for (const struct set_entry *entry = item->set->entries; entry; entry = entry->next) {
		struct prefix half = entry->prefix;

		if (entry->repeated || !(prefix_family_mask(&entry->prefix) & item->family_mask))
			continue;
		if (entry->prefix.length == 0) { /* ipset refuses it: the second half here, the first below */
			half.length = 1;
			half.bytes[0] = 0x80;
			members[count] = xt_member_of(arena, &half, count, entry);
			count++;
			half.bytes[0] = 0;
		}
		members[count] = xt_member_of(arena, &half, count, entry);
		count++;
	}
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = &members[i];
	qsort(sorted, count, sizeof(*sorted), xt_compare_members);
	for (uint32_t i = 0; i < count; i++) {
		if (i && strcmp(sorted[i - 1]->text.ptr, sorted[i]->text.ptr) == 0)
			continue;
		out_text(out, add);
		out_text(out, sorted[i]->text);
		out_text(out, sorted[i]->nomatch ? TEXT(" nomatch\n") : TEXT("\n"));
		if (spans)
			out_bytes(spans, (const char *)&sorted[i]->span, sizeof(sorted[i]->span));
	}
}

/* The size of the hash table is a power of two, at least 64. */
void xt_print_set(struct out *out, struct out *spans, struct arena *arena, const struct xt_set *item)
{
	struct arena_mark mark = arena_mark(arena);
	uint32_t entries = item->set->size + xt_count_universal(item->set), size = 64;

	while (size < entries)
		size *= 2;
	out_string(out, "create ");
	out_string(out, item->name);
	out_string(out, item->family_mask == IPV4 ? " hash:net family inet hashsize " : " hash:net family inet6 hashsize ");
	out_number(out, size);
	out_string(out, " maxelem ");
	out_number(out, size);
	out_string(out, " bucketsize 12\n");
	xt_print_members(out, spans, arena, item);
	arena_release(arena, mark);
}

/* A set that all nodes have is sorted and printed once. */
static void xt_print_common_set(struct out *out, struct text_memo *memo, struct arena *arena, const struct xt_set *item)
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

void xt_print_one_set(struct out *out, struct arena *arena, const struct config *config, const struct xt_set *item)
{
	if (config->memo && item->set->scope != SCOPE_GUEST)
		xt_print_common_set(out, config->memo, arena, item);
	else
		xt_print_set(out, NULL, arena, item);
}

void xt_print_ipsets(struct out *out, const struct config *config)
{
	struct arena arena = { 0 };
	struct xt_set_list list = xt_sets_of(&arena, config);

	for (uint32_t i = 0; i < list.count; i++)
		xt_print_one_set(out, &arena, config, &list.items[i]);
	arena_free(&arena);
}
