/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP sets in the language of `ipset restore` (spec 2.9), and the scripts that make of
 * the sets that are loaded those that are wanted.
 *
 * A set that differs is made anew as NAME_swap and swapped in, so that rules see the old
 * members or the new ones.  What somebody left behind half-way is thrown away first.
 */
#include <stdlib.h>

#include "config/left_out.h"
#include "lang/limit_table.h"
#include "base/text_memo.h"
#include "xtables/load/xt_state.h"

/* One set of one IP version. */
struct set_family_mask {
	char name[32];
	const struct ipset *set;
	unsigned family_mask;
	uint32_t order;
};

struct set_list {
	struct set_family_mask *items;
	uint32_t count;
};

static uint32_t count_sets(const struct config *config)
{
	uint32_t count = HASH_COUNT(config->cluster.ipsets) + HASH_COUNT(config->sdn.ipsets);

	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		count += HASH_COUNT(guest->scope.ipsets);
	return count;
}

static void add_one(struct set_list *list, const struct ipset *set, unsigned family_mask)
{
	struct set_family_mask *item = &list->items[list->count];
	struct out name = { .data = item->name, .room = sizeof(item->name), .fd = -1 };

	item->set = set;
	item->family_mask = family_mask;
	item->order = list->count++;
	xt_print_set_name(&name, set, family_mask);
	item->name[name.len] = '\0';
}

static void add_scope(struct set_list *list, const struct scope *scope)
{
	for (const struct ipset *set = scope->ipsets; set; set = set->hh.next) {
		add_one(list, set, IPV4);
		add_one(list, set, IPV6);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct set_family_mask *x = a, *y = b;
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

static uint32_t collect(struct arena *arena, const struct set_family_mask *item, struct member *members)
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

/* `spans`, if not NULL, gets the line of source of each. */
static void print_members(struct out *out, struct out *spans, struct arena *arena, const struct set_family_mask *item)
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

static void print_set(struct out *out, struct out *spans, struct arena *arena, const struct set_family_mask *item)
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
static struct set_list list_sets(struct arena *arena, const struct config *config)
{
	struct set_list list = { .items = NULL };
	uint32_t kept = 0;

	if (!config_enabled(config) || left_out_layer(config->left_out, LAYER_SETS))
		return list;
	list.items = ARENA_ARRAY(arena, struct set_family_mask, 2 * count_sets(config));
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
static void print_common_set(struct out *out, struct text_memo *memo, struct arena *arena, const struct set_family_mask *item)
{
	struct text text = text_memo_find(memo, item->set, item->family_mask);
	struct out printed;

	if (text.ptr) {
		out_text(out, text);
		return;
	}
	out_init_memory(&printed);
	print_set(&printed, NULL, arena, item);
	text = (struct text){ printed.data, (uint32_t)printed.len };
	out_text(out, text);
	text_memo_put(memo, item->set, item->family_mask, text);
	out_free(&printed);
}

void xt_print_ipsets(struct out *out, const struct config *config)
{
	struct arena arena = { 0 };
	struct set_list list = list_sets(&arena, config);

	for (uint32_t i = 0; i < list.count; i++)
		if (config->memo && list.items[i].set->scope != SCOPE_GUEST)
			print_common_set(out, config->memo, &arena, &list.items[i]);
		else
			print_set(out, NULL, &arena, &list.items[i]);
	arena_free(&arena);
}

/* ---- what differs ---- */

static const char swap_suffix[] = "_swap";

/* The size of the hash table is left out: it grows by itself, and the limit says as much. */
static struct text skip_hashsize(struct text lines, uint32_t *head)
{
	static const char word[] = " hashsize ";
	const char *at = memmem(lines.ptr, lines.len, word, sizeof(word) - 1);
	uint32_t from;

	*head = at ? (uint32_t)(at - lines.ptr) : lines.len;
	for (from = *head + (at ? (uint32_t)sizeof(word) - 1 : 0); from < lines.len && char_is_digit(lines.ptr[from]); from++)
		;
	return (struct text){ lines.ptr + from, lines.len - from };
}

static bool same_set(struct text a, struct text b)
{
	uint32_t head_a, head_b;
	struct text rest_a = skip_hashsize(a, &head_a), rest_b = skip_hashsize(b, &head_b);

	return text_equal((struct text){ a.ptr, head_a }, (struct text){ b.ptr, head_b }) &&
	       text_equal(rest_a, rest_b);
}

_Static_assert(sizeof("PVESIG:") - 1 + XT_DIGEST_SIZE - 1 <= LIMIT_COMMENT, "a digest is a comment");

void xt_set_digest(struct text lines, char digest[XT_DIGEST_SIZE])
{
	uint32_t head;
	struct text rest = skip_hashsize(lines, &head);
	char signature[sizeof("PVESIG:") + XT_DIGEST_SIZE];
	struct out out = { .data = signature, .room = sizeof(signature), .fd = -1 };
	struct arena arena = { 0 };
	struct text whole = ARENA_JOIN(&arena, ((struct text){ lines.ptr, head }), rest);

	xt_print_signature(&out, whole.ptr, whole.len);
	memcpy(digest, signature + sizeof("PVESIG:") - 1, XT_DIGEST_SIZE - 1);
	digest[XT_DIGEST_SIZE - 1] = '\0';
	arena_free(&arena);
}

/* "VERB NAME ..." lines with the suffix behind each name.  `spans`: the lines of source of all but the first. */
static void print_lines(struct xt_script *script, struct text lines, const char *name, const char *suffix,
			const struct out *spans)
{
	const struct span *member = spans ? (const struct span *)(const void *)spans->data : NULL;
	struct span span = { 0, 0 };
	size_t verb_and_name;

	while (lines.len) {
		uint32_t len = (uint32_t)text_find(lines, '\n') + 1;

		verb_and_name = (size_t)text_find(lines, ' ') + 1 + strlen(name);
		out_bytes(script->out, lines.ptr, verb_and_name);
		out_string(script->out, suffix);
		out_bytes(script->out, lines.ptr + verb_and_name, len - verb_and_name);
		xt_script_line(script, span);
		if (member && lines.len > len)
			span = *member++;
		lines = (struct text){ lines.ptr + len, lines.len - len };
		script->elements++;
	}
	script->elements--; /* the header is none */
}

static void flush_and_destroy(struct xt_script *script, const char *name, const char *suffix)
{
	xt_script_printf(script, "flush %s%s\n", name, suffix);
	xt_script_printf(script, "destroy %s%s\n", name, suffix);
	script->changes = true;
}

/* "set NAME: 2 members missing (192.0.2.0/24), 1 foreign member (10.0.0.0/8)" */
static void explain_set(struct xt_script *script, const struct xt_piece *piece, struct text wanted)
{
	struct text found = { piece->lines, (uint32_t)piece->len }, rest;
	uint32_t wanted_header = (uint32_t)text_find(wanted, '\n') + 1, header = (uint32_t)text_find(found, '\n') + 1;
	uint32_t add = (uint32_t)(sizeof("add  ") - 1 + strlen(piece->name));
	struct xt_difference d;
	struct out text;

	rest = (struct text){ wanted.ptr + wanted_header, wanted.len - wanted_header };
	d = xt_difference_of(rest, (struct text){ found.ptr + header, found.len - header });
	out_init_memory(&text);
	if (!d.missing && !d.foreign)
		out_string(&text, "other type or size");
	else
		xt_difference_print(&text, &d, "member");
	if (d.missing)
		out_printf(&text, "; missing: %.*s", (int)(d.first_missing.len - add), d.first_missing.ptr + add);
	if (d.foreign)
		out_printf(&text, "; foreign: %.*s", (int)(d.first_foreign.len - add), d.first_foreign.ptr + add);
	xt_script_differs(script, false, "set %s: %.*s", piece->name, (int)text.len, text.data);
	out_free(&text);
}

static void want_set(struct xt_script *script, struct xt_loaded *loaded, const char *name, struct text lines,
		     const struct out *spans, bool whole)
{
	struct xt_piece *piece = xt_piece_find(loaded->sets, text_of(name));
	char digest[XT_DIGEST_SIZE];

	if (piece)
		piece->wanted = true;
	if (piece && !whole && same_set((struct text){ piece->lines, (uint32_t)piece->len }, lines))
		return;
	if (piece && script->explain)
		explain_set(script, piece, lines);
	else if (!piece)
		xt_script_differs(script, false, "set %s is missing", name);
	print_lines(script, lines, name, piece ? swap_suffix : "", spans);
	if (piece) {
		xt_script_printf(script, "swap %s%s %s\n", name, swap_suffix, name);
		flush_and_destroy(script, name, swap_suffix);
	}
	script->changes = true;
	script->sets++;
	xt_set_digest(lines, digest);
	xt_script_touch(script, text_of(name), digest, 0);
}

static bool is_left_over(const struct xt_piece *piece)
{
	size_t len = strlen(piece->name), suffix = sizeof(swap_suffix) - 1;

	return len > suffix && strcmp(piece->name + len - suffix, swap_suffix) == 0;
}

static void want_config(struct xt_script *script, struct xt_loaded *loaded, const struct xt_goal *goal)
{
	struct arena arena = { 0 };
	struct set_list list = list_sets(&arena, goal->config);
	struct out lines, spans;

	out_init_memory(&lines);
	out_init_memory(&spans);
	for (uint32_t i = 0; i < list.count; i++) {
		lines.len = spans.len = 0;
		print_set(&lines, &spans, &arena, &list.items[i]);
		want_set(script, loaded, list.items[i].name, (struct text){ lines.data, (uint32_t)lines.len }, &spans,
			 goal->whole);
	}
	out_free(&lines);
	out_free(&spans);
	arena_free(&arena);
}

static void want_image(struct xt_script *script, struct xt_loaded *loaded, const struct xt_loaded *image)
{
	for (const struct xt_piece *piece = image->sets; piece; piece = piece->hh.next)
		if (!is_left_over(piece))
			want_set(script, loaded, piece->name, (struct text){ piece->lines, (uint32_t)piece->len }, NULL,
				 false);
}

void xt_script_sets(struct xt_script *before, struct xt_script *after, struct xt_loaded *loaded,
		    const struct xt_goal *goal)
{
	for (struct xt_piece *piece = loaded->sets; piece; piece = piece->hh.next) {
		piece->wanted = is_left_over(piece);
		if (piece->wanted)
			flush_and_destroy(before, piece->name, "");
	}
	before->explain = after->explain = goal->explain;
	if (goal->config)
		want_config(before, loaded, goal);
	else if (goal->image)
		want_image(before, loaded, goal->image);
	for (struct xt_piece *piece = loaded->sets; piece; piece = piece->hh.next) {
		if (piece->wanted)
			continue;
		xt_script_differs(after, false, "foreign set %s", piece->name);
		flush_and_destroy(after, piece->name, "");
		after->deleted++;
		after->shape = true;
	}
}
