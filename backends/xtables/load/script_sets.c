/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts for ipset restore that make of the sets that are loaded those that are desired.
 *
 * A set that differs is made anew as NAME_swap and swapped in, so that rules see the old members or the new ones.  What
 * was left behind half-way is thrown away first.
 */
#include "lang/limit_table.h"
#include "xtables/load/xt_state.h"

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

/* Writes "VERB NAME ..." lines, with the suffix after each name.  `spans`: source lines except the first. */
static void print_set_lines(struct xt_script *script, struct text lines, const char *name, const char *suffix,
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
static void explain_set(struct xt_script *script, const struct xt_object *set, struct text desired)
{
	struct text found = xt_object_text(set), rest;
	uint32_t desired_header = (uint32_t)text_find(desired, '\n') + 1, header = (uint32_t)text_find(found, '\n') + 1;
	uint32_t add = (uint32_t)(sizeof("add  ") - 1 + strlen(set->name));
	struct xt_difference d;
	struct out text;

	rest = (struct text){ desired.ptr + desired_header, desired.len - desired_header };
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
	xt_script_differs(script, false, "set %s: %.*s", set->name, (int)text.len, text.data);
	out_free(&text);
}

/* The work on all sets. */
struct set_script {
	struct xt_script *script; /* before the tables */
	const struct xt_desired *desired;
	struct arena arena;
	struct out lines, spans; /* of the set that was printed last */
};

/* Prints it for a configuration; an earlier ruleset has no source lines. */
static struct text set_lines(struct set_script *s, const struct object *object)
{
	if (!s->desired->config)
		return xt_object_text(object->item);
	s->lines.len = s->spans.len = 0;
	xt_print_set(&s->lines, &s->spans, &s->arena, object->item);
	return (struct text){ s->lines.data, (uint32_t)s->lines.len };
}

static enum object_change compare_set(void *context, const struct object *loaded, const struct object *desired)
{
	struct set_script *s = context;
	struct text a, b, rest_a, rest_b;
	uint32_t head_a, head_b;

	if (s->desired->config && s->desired->whole)
		return OBJECT_CHANGED;
	a = xt_object_text(loaded->item);
	b = set_lines(s, desired);
	rest_a = skip_hashsize(a, &head_a);
	rest_b = skip_hashsize(b, &head_b);
	a.len = head_a;
	b.len = head_b;
	return text_equal(a, b) && text_equal(rest_a, rest_b) ? OBJECT_SAME : OBJECT_CHANGED;
}

static void write_set(struct set_script *s, const struct object *object)
{
	struct xt_script *script = s->script;
	const struct xt_object *loaded = object->other ? object->other->item : NULL;
	const char *name = arena_string(&s->arena, object->name);
	struct text lines = set_lines(s, object);
	char digest[XT_DIGEST_SIZE];

	if (loaded && script->explain)
		explain_set(script, loaded, lines);
	else if (!loaded)
		xt_script_differs(script, false, "set %s is missing", name);
	print_set_lines(script, lines, name, loaded ? swap_suffix : "", s->desired->config ? &s->spans : NULL);
	if (loaded) {
		xt_script_printf(script, "swap %s%s %s\n", name, swap_suffix, name);
		flush_and_destroy(script, name, swap_suffix);
	}
	script->changes = true;
	script->sets++;
	xt_set_digest(lines, digest);
	xt_script_touch(script, object->name, digest, 0);
}

static void add_sets(struct object_map *map, const struct xt_object *sets)
{
	for (const struct xt_object *set = sets; set; set = set->hh.next)
		if (!text_ends(text_of(set->name), swap_suffix))
			object_map_add(map, 0, text_of(set->name), TEXT(""), set);
}

void xt_script_sets(struct xt_script *before, struct xt_script *after, struct xt_loaded *loaded,
		    const struct xt_desired *desired)
{
	struct set_script s = { .script = before, .desired = desired };
	const struct object_comparison comparison = { .compare = compare_set, .context = &s };
	struct object_map have = { .arena = &s.arena }, want = { .arena = &s.arena };
	struct xt_set_list list = { .count = 0 };

	for (const struct xt_object *set = loaded->sets; set; set = set->hh.next)
		if (text_ends(text_of(set->name), swap_suffix))
			flush_and_destroy(before, set->name, "");
	before->explain = after->explain = desired->explain;
	out_init_memory(&s.lines);
	out_init_memory(&s.spans);
	add_sets(&have, loaded->sets);
	if (desired->config)
		list = xt_sets_of(&s.arena, desired->config);
	else if (desired->snapshot)
		add_sets(&want, desired->snapshot->sets);
	for (uint32_t i = 0; i < list.count; i++)
		object_map_add(&want, 0, text_of(list.items[i].name), TEXT(""), &list.items[i]);
	object_maps_compare(&have, &want, &comparison);
	for (uint32_t i = 0; i < want.count; i++)
		if (want.objects[i].change != OBJECT_SAME)
			write_set(&s, &want.objects[i]);
	for (uint32_t i = 0; i < have.count; i++) {
		const struct xt_object *set = have.objects[i].item;

		if (have.objects[i].change != OBJECT_REMOVED)
			continue;
		xt_script_differs(after, false, "foreign set %s", set->name);
		flush_and_destroy(after, set->name, "");
		after->deleted++;
		after->shape = true;
	}
	out_free(&s.lines);
	out_free(&s.spans);
	arena_free(&s.arena);
}
