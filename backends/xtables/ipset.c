/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP sets in the language of `ipset restore` (spec 2.9). */
#include <stdlib.h>

#include "xtables.h"

/* One set of one IP version. */
struct set_version {
	char name[32];
	const struct ipset *set;
	unsigned version;
	uint32_t order;
};

struct set_list {
	struct set_version *items;
	uint32_t count;
};

static uint32_t count_sets(const struct config *config)
{
	uint32_t count = HASH_COUNT(config->cluster.ipsets) + HASH_COUNT(config->sdn.ipsets);

	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		count += HASH_COUNT(guest->scope.ipsets);
	return count;
}

static void add_version(struct set_list *list, const struct ipset *set, unsigned version)
{
	struct set_version *item = &list->items[list->count];
	struct out name = { .data = item->name, .room = sizeof(item->name), .fd = -1 };

	item->set = set;
	item->version = version;
	item->order = list->count++;
	xt_print_set_name(&name, set, version);
	item->name[name.len] = '\0';
}

static void add_scope(struct set_list *list, const struct scope *scope)
{
	for (const struct ipset *set = scope->ipsets; set; set = set->hh.next) {
		add_version(list, set, IPV4);
		add_version(list, set, IPV6);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct set_version *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->order < y->order ? -1 : 1;
}

/* ---- members ---- */

struct member {
	const char *text; /* canonical: the same for the same network */
	uint32_t order;
	bool nomatch;
};

/* By text; of the same network the last one first, because it decides. */
static int by_text(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : x->order < y->order ? 1 : -1;
}

static uint32_t collect(struct arena *arena, const struct set_version *item, struct member *members)
{
	uint32_t count = 0;

	for (const struct set_entry *entry = item->set->entries; entry; entry = entry->next) {
		char text[PREFIX_TEXT_SIZE];
		uint32_t len;

		if (entry->repeated || !(prefix_versions(&entry->prefix) & item->version))
			continue;
		len = prefix_format(&entry->prefix, text);
		members[count] = (struct member){ arena_string(arena, (struct text){ text, len }), count, entry->nomatch };
		count++;
	}
	return count;
}

static void print_members(struct out *out, struct arena *arena, const struct set_version *item)
{
	struct member *members = ARENA_ARRAY(arena, struct member, item->set->size);
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

static void print_set(struct out *out, struct arena *arena, const struct set_version *item)
{
	struct arena_mark mark = arena_mark(arena);
	uint32_t size = hash_size(item->set->size);

	out_string(out, "create ");
	out_string(out, item->name);
	out_string(out, item->version == IPV4 ? " hash:net family inet hashsize " : " hash:net family inet6 hashsize ");
	out_number(out, size);
	out_string(out, " maxelem ");
	out_number(out, size);
	out_string(out, " bucketsize 12\n");
	print_members(out, arena, item);
	arena_release(arena, mark);
}

void xt_print_ipsets(struct out *out, const struct config *config)
{
	struct arena arena = { 0 };
	struct set_list list = { .items = NULL };

	if (!config_enabled(config))
		return;
	list.items = ARENA_ARRAY(&arena, struct set_version, 2 * count_sets(config));
	add_scope(&list, &config->cluster);
	add_scope(&list, &config->sdn);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		add_scope(&list, &guest->scope);
	qsort(list.items, list.count, sizeof(*list.items), by_name);
	/* The cluster's and the SDN's sets share their names: the SDN's come last, and win. */
	for (uint32_t i = 0; i < list.count; i++)
		if (i + 1 == list.count || strcmp(list.items[i].name, list.items[i + 1].name) != 0)
			print_set(out, &arena, &list.items[i]);
	arena_free(&arena);
}
