/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of a table as messages.
 *
 * Sets and maps that packets are being looked up in are never taken away, but those whose type is another one: they are
 * deleted and created again, and every chain that uses them is refilled.
 */
#include <linux/netfilter.h>

#include "nft/load/objects.h"

/* ---- reported differences ---- */

void nft_note(struct nft_change *c, bool certain, const char *format, ...)
{
	struct out text;
	va_list args;
	char line[256];

	if (!c->loading)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	out_init_memory(&text);
	out_printf(&text, "table %s %s%s", c->w.table->family == NFPROTO_BRIDGE ? "bridge" : "inet", c->w.table->name, line);
	backend_difference_add(c->loading, certain, (struct text){ text.data, (uint32_t)text.len });
	out_free(&text);
}

bool nft_has_digest(struct nft_change *c, const struct object *desired)
{
	return object_map_find(&c->loaded_digests, 0, desired->content);
}

void nft_note_counts(struct nft_change *c, const struct object *object, uint32_t missing, uint32_t foreign)
{
	bool is_set = object->kind == NFT_OBJECT_SET;
	const char *thing = is_set ? "element" : "rule";
	char lacks[64] = "", has[64] = "";

	if (!c->loading || (!missing && !foreign))
		return;
	if (missing)
		snprintf(lacks, sizeof(lacks), "%u %s%s missing", missing, thing, missing == 1 ? "" : "s");
	if (foreign)
		snprintf(has, sizeof(has), "%u foreign %s%s", foreign, thing, foreign == 1 ? "" : "s");
	nft_note(c, nft_has_digest(c, object), ", %s %.*s: %s%s%s", is_set ? "set" : "chain", TEXT_ARG(object->name), lacks,
		 missing && foreign ? ", " : "", has);
}

/* ---- elements ---- */

void nft_digests_add(struct object_map *digests, const struct nft_digest *digest)
{
	object_map_add(digests, 0, nft_digest_text(digest), TEXT(""), NULL);
}

static void add_elements(struct object_map *map, const struct nft_kernel_element *elements, uint32_t count)
{
	object_map_reserve(map, count);
	for (uint32_t i = 0; i < count; i++)
		object_map_add(map, elements[i].any, (struct text){ (const char *)elements[i].key, NFT_KEY_BYTES }, TEXT(""),
			       &elements[i]);
}

static enum object_change compare_elements(void *context, const struct object *loaded, const struct object *desired)
{
	(void)context;
	return !loaded->item || nft_kernel_element_equal(loaded->item, desired->item) ? OBJECT_SAME : OBJECT_CHANGED;
}

static void write_elements(struct nft_change *c, const struct nft_set *set, uint16_t type, const struct object_map *map)
{
	struct nft_element_writer e = { .w = &c->w, .set = set, .type = type };

	for (uint32_t i = 0; i < map->count; i++) {
		const struct object *object = &map->objects[i];
		struct nft_kernel_element digest = { .has_end = false };

		if (object->change == OBJECT_SAME)
			continue;
		if (!object->item)
			memcpy(digest.key, object->name.ptr, object->name.len);
		nft_element_write(&e, object->item ? object->item : &digest);
	}
	nft_elements_end(&e);
}

/* An element with another verdict is deleted and added. */
static struct object_counts change_elements(struct nft_change *c, const struct nft_set *set, struct object_map *loaded,
					    struct object_map *desired)
{
	const struct object_comparison comparison = { .compare = compare_elements };
	struct object_counts counts = object_maps_compare(loaded, desired, &comparison);

	write_elements(c, set, NFT_MSG_DELSETELEM, loaded);
	write_elements(c, set, NFT_MSG_NEWSETELEM, desired);
	return counts;
}

/* ---- sets ---- */

static bool is_to_be_added(const struct object *object)
{
	return object->change == OBJECT_ADDED && !nft_object_of(object)->is_loaded_first;
}

static void write_make_set(struct nft_change *c, const struct nft_set *set)
{
	nft_write_set(&c->w, set);
	nft_write_elements(&c->w, set);
}

static void change_set(struct nft_change *c, const struct object *object)
{
	const struct nft_set *set = nft_object_of(object)->set;
	struct arena_mark mark = arena_mark(c->arena);
	struct object_map loaded = { .arena = c->arena }, desired = { .arena = c->arena };
	struct nft_kernel_element *elements;
	struct object_counts counts;
	uint32_t count;

	c->reason = nft_kernel_read_elements(c->kernel, c->arena, c->w.table->family, set->name, set->interval, &elements, &count);
	if (!c->reason) {
		add_elements(&loaded, elements, count);
		elements = nft_kernel_elements_of(c->arena, set, &count);
		add_elements(&desired, elements, count);
		counts = change_elements(c, set, &loaded, &desired);
		nft_note_counts(c, object, counts.added + counts.changed, counts.removed + counts.changed);
	}
	arena_release(c->arena, mark);
}

static const struct nft_set *digests_of(const struct nft_change *c)
{
	const struct nft_set *set = c->w.table->sets;

	while (!text_is(set->name, NFT_DIGEST_SET))
		set = set->next;
	return set;
}

static void change_sets(struct nft_change *c)
{
	for (uint32_t i = 0; i < c->desired->count && !c->reason; i++) {
		const struct object *object = &c->desired->objects[i];

		if (object->kind != NFT_OBJECT_SET)
			continue;
		if (object->change == OBJECT_REPLACED)
			nft_write_delete(&c->w, NFT_MSG_DELSET, object->name);
		if (object->change == OBJECT_REPLACED || is_to_be_added(object))
			write_make_set(c, nft_object_of(object)->set);
		else if (object->change == OBJECT_CHANGED)
			change_set(c, object);
	}
	if (c->makes_digests)
		write_make_set(c, digests_of(c));
	else
		change_elements(c, digests_of(c), &c->loaded_digests, &c->desired_digests);
}

/* ---- chains ---- */

/* From the last to the first, because each is inserted directly after the kept rule. */
static void write_missing_rules(struct nft_change *c, const struct nft_chain *chain, const struct nft_rule_patch *patch)
{
	const struct nft_rule **rules = ARENA_ARRAY(c->arena, const struct nft_rule *, patch->rule_count);
	uint64_t *after = ARENA_ARRAY(c->arena, uint64_t, patch->rule_count), last = 0;
	uint32_t n = 0;

	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next, n++) {
		rules[n] = rule;
		after[n] = last;
		if (patch->kept[n])
			last = patch->kept[n];
	}
	while (n--)
		if (!patch->kept[n])
			nft_write_rule(&c->w, chain, rules[n], &after[n]);
}

static void empty_chain(struct nft_change *c, const struct object *object)
{
	const struct nft_rule_patch *patch = nft_object_of(object)->patch;

	if (!patch)
		nft_write_delete(&c->w, NFT_MSG_DELRULE, object->name);
	for (uint32_t i = 0; patch && i < patch->foreign_count; i++)
		nft_write_delete_rule(&c->w, object->name, patch->foreign[i]);
}

static void fill_chain(struct nft_change *c, const struct object *object)
{
	const struct nft_object *o = nft_object_of(object);

	if (o->patch)
		write_missing_rules(c, o->chain, o->patch);
	else
		nft_write_rules(&c->w, o->chain);
}

/* ---- the table ---- */

static void delete_objects(struct nft_change *c, enum nft_object_kind kind, uint16_t type)
{
	for (uint32_t i = 0; i < c->loaded->count; i++) {
		const struct object *object = &c->loaded->objects[i];

		if (object->kind != kind || object->change != OBJECT_REMOVED)
			continue;
		nft_write_delete(&c->w, type, object->name);
		if (type == NFT_MSG_DELSET)
			nft_note(c, false, ": foreign set %.*s", TEXT_ARG(object->name));
		else if (type == NFT_MSG_DELCHAIN)
			nft_note(c, false, ": foreign chain %.*s", TEXT_ARG(object->name));
	}
}

/* ---- what is new, in a transaction of its own ---- */

/* Whether packets begin to meet a set of intervals that is new.  Where a set is replaced, all is one transaction. */
static bool needs_first(const struct nft_change *c)
{
	bool is_new = false;

	for (uint32_t i = 0; i < c->desired->count; i++) {
		const struct object *object = &c->desired->objects[i];

		if (object->change == OBJECT_REPLACED)
			return false;
		if (object->kind == NFT_OBJECT_SET && object->change == OBJECT_ADDED)
			is_new |= nft_object_of(object)->set->interval && nft_object_of(object)->set->element_count;
	}
	return is_new;
}

/* Packets meet a base chain as soon as it is there. */
static bool is_first(const struct object *object)
{
	return object->change == OBJECT_ADDED &&
	       (object->kind != NFT_OBJECT_CHAIN || nft_object_of(object)->chain->hook == NFT_HOOK_NONE);
}

/* So that a later load knows what is there, even if this one ends between the two transactions. */
static void write_first_digests(struct nft_change *c)
{
	struct nft_element_writer e = { .w = &c->w, .set = digests_of(c), .type = NFT_MSG_NEWSETELEM };

	for (uint32_t i = 0; i < c->desired->count; i++) {
		struct nft_object *o = nft_object_of(&c->desired->objects[i]);
		struct nft_kernel_element digest = { .has_end = false };

		if (!o->is_loaded_first)
			continue;
		memcpy(digest.key, o->digest.bytes, NFT_DIGEST_BYTES);
		nft_element_write(&e, &digest);
		nft_digests_add(&c->loaded_digests, &o->digest);
	}
	nft_elements_end(&e);
	object_map_sort(&c->loaded_digests); /* it outlives the memory that change_set() takes */
}

void nft_write_first(struct nft_change *c, struct nft_batch *first)
{
	struct nft_batch *second = c->w.batch;
	const struct object *desired = c->desired->objects;
	uint32_t count = c->desired->count;

	if (!needs_first(c))
		return;
	c->w.batch = first;
	for (uint32_t i = 0; i < count; i++) {
		struct nft_object *o = nft_object_of(&desired[i]);

		o->is_loaded_first = is_first(&desired[i]);
		if (o->is_loaded_first && desired[i].kind == NFT_OBJECT_HELPER)
			nft_write_helper(&c->w, o->helper);
		else if (o->is_loaded_first && desired[i].kind == NFT_OBJECT_CHAIN)
			nft_write_chain(&c->w, o->chain);
	}
	for (uint32_t i = 0; i < count; i++)
		if (nft_object_of(&desired[i])->is_loaded_first && desired[i].kind == NFT_OBJECT_SET)
			write_make_set(c, nft_object_of(&desired[i])->set);
	for (uint32_t i = 0; i < count; i++)
		if (nft_object_of(&desired[i])->is_loaded_first && desired[i].kind == NFT_OBJECT_CHAIN)
			nft_write_rules(&c->w, nft_object_of(&desired[i])->chain);
	if (!c->makes_digests)
		write_first_digests(c);
	c->w.batch = second;
}

void nft_write_change(struct nft_change *c)
{
	const struct object *desired = c->desired->objects;
	uint32_t count = c->desired->count;

	for (uint32_t i = 0; i < count; i++)
		if (desired[i].kind == NFT_OBJECT_HELPER && is_to_be_added(&desired[i]))
			nft_write_helper(&c->w, nft_object_of(&desired[i])->helper);
		else if (desired[i].kind == NFT_OBJECT_CHAIN &&
			 (is_to_be_added(&desired[i]) || nft_object_of(&desired[i])->resets_policy))
			nft_write_chain(&c->w, nft_object_of(&desired[i])->chain);
	for (uint32_t i = 0; i < count; i++)
		if (desired[i].kind == NFT_OBJECT_CHAIN && desired[i].change == OBJECT_CHANGED)
			empty_chain(c, &desired[i]);
	delete_objects(c, NFT_OBJECT_CHAIN, NFT_MSG_DELRULE);
	change_sets(c);
	for (uint32_t i = 0; i < count; i++)
		if (desired[i].kind == NFT_OBJECT_CHAIN && (desired[i].change == OBJECT_CHANGED || is_to_be_added(&desired[i])))
			fill_chain(c, &desired[i]);
	delete_objects(c, NFT_OBJECT_SET, NFT_MSG_DELSET);
	delete_objects(c, NFT_OBJECT_CHAIN, NFT_MSG_DELCHAIN);
	delete_objects(c, NFT_OBJECT_HELPER, NFT_MSG_DELOBJ);
}
