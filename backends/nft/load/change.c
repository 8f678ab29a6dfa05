/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is loaded to what is desired in one transaction: for each table two maps from the names of chains, sets and
 * helpers to digests, and their difference.
 *
 * A service knows what it has loaded.  As long as the kernel has the digests of just that, what has the same digest is
 * the same, and only sets that differ are read.  A digest does not tell what others have done since, so without such
 * knowledge the names, all rules and all elements are read and compared; a chain loses and gains only the rules in
 * which it differs, so that the others go on counting.
 */
#include <linux/netfilter.h>
#include <stdlib.h>

#include "nft/load/rules.h"

/* ---- reported differences ---- */

static void note_objects(struct nft_change *c)
{
	for (uint32_t i = 0; i < c->desired->count; i++) {
		const struct object *object = &c->desired->objects[i];
		const struct nft_object *o = nft_object_of(object);
		bool is_set = object->kind == NFT_OBJECT_SET;

		if (object->kind == NFT_OBJECT_HELPER)
			continue;
		if (object->change == OBJECT_ADDED)
			nft_note(c, nft_has_digest(c, object), ": %s %.*s is missing", is_set ? "set" : "chain", TEXT_ARG(object->name));
		if (object->change == OBJECT_REPLACED && is_set)
			nft_note(c, nft_has_digest(c, object), ": set %.*s is of another type", TEXT_ARG(object->name));
		if (object->change == OBJECT_REPLACED && !is_set)
			nft_note(c, nft_has_digest(c, object), ", chain %.*s: other hook, priority or type", TEXT_ARG(object->name));
		if (o->resets_policy && !is_set)
			nft_note(c, true, ", chain %.*s: other policy", TEXT_ARG(object->name));
		if (o->patch && !is_set)
			nft_note_counts(c, object, o->patch->missing_count, o->patch->foreign_count);
	}
}

/* ---- comparing ---- */

/* The chain's rules, one by one. */
static enum object_change compare_rules(struct nft_change *c, const struct object *loaded, struct nft_object *desired)
{
	struct nft_rule_patch *patch = ARENA_NEW(c->arena, struct nft_rule_patch);
	struct nft_rule_list have, want = nft_rules_desired(c->arena, desired->chain);
	uint32_t *pair = ARENA_ARRAY(c->arena, uint32_t, want.count);

	desired->resets_policy = desired->chain->hook != NFT_HOOK_NONE && nft_object_of(loaded)->policy != NF_ACCEPT;
	c->reason = nft_rules_read(c->kernel, c->arena, c->w.table->family, loaded->name, &have);
	if (c->reason)
		return OBJECT_CHANGED;
	sequence_pair(c->arena, have.digests, have.count, want.digests, want.count, sizeof(*want.digests), pair);
	patch->rule_count = want.count;
	patch->kept = ARENA_ARRAY(c->arena, uint64_t, want.count);
	for (uint32_t i = 0; i < want.count; i++) {
		if (pair[i] == UINT32_MAX) {
			patch->missing_count++;
			continue;
		}
		patch->kept[i] = have.handles[pair[i]];
		have.handles[pair[i]] = 0;
	}
	patch->foreign = have.handles;
	for (uint32_t i = 0; i < have.count; i++)
		if (have.handles[i])
			patch->foreign[patch->foreign_count++] = have.handles[i];
	desired->patch = patch;
	return patch->missing_count || patch->foreign_count || desired->resets_policy ? OBJECT_CHANGED : OBJECT_SAME;
}

/* A helper of another kind cannot take the place of one with its name. */
static enum object_change compare_objects(void *context, const struct object *loaded, const struct object *desired)
{
	struct nft_change *c = context;
	struct nft_object *d = nft_object_of(desired);
	bool has_shape = memcmp(&nft_object_of(loaded)->shape, &d->shape, sizeof(d->shape)) == 0;
	struct arena_mark mark;
	enum object_change change;

	if (desired->kind == NFT_OBJECT_HELPER)
		return nft_has_digest(c, desired) ? OBJECT_SAME : OBJECT_REPLACED;
	if (!c->loading && text_equal(loaded->content, desired->content))
		return OBJECT_SAME;
	if (!has_shape || !c->loading || desired->kind == NFT_OBJECT_SET || c->reason)
		return has_shape ? OBJECT_CHANGED : OBJECT_REPLACED;
	mark = arena_mark(c->arena);
	change = compare_rules(c, loaded, d);
	if (change == OBJECT_SAME) {
		d->patch = NULL;
		arena_release(c->arena, mark);
	}
	return change;
}

static bool uses_replaced_set(const struct nft_change *c, const struct nft_chain *chain)
{
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->statement_count; i++) {
			const struct nft_set *set = nft_statement_set(&rule->statements[i]);
			const struct object *object = set ? object_map_find(c->desired, NFT_OBJECT_SET, set->name) : NULL;

			if (object && object->change == OBJECT_REPLACED)
				return true;
		}
	return false;
}

/* Refills the chains that use a recreated set.  False: the table must be replaced. */
static bool follow_replaced(struct nft_change *c)
{
	bool any_set = false;

	for (uint32_t i = 0; i < c->desired->count; i++) {
		struct object *object = &c->desired->objects[i];

		if (object->change == OBJECT_REPLACED && object->kind != NFT_OBJECT_SET)
			return false;
		any_set |= object->change == OBJECT_REPLACED;
		if (!any_set || object->kind != NFT_OBJECT_CHAIN || object->change == OBJECT_ADDED ||
		    !uses_replaced_set(c, nft_object_of(object)->chain))
			continue;
		object->change = OBJECT_CHANGED;
		nft_object_of(object)->patch = NULL;
	}
	return true;
}

/* ---- tables ---- */

static void begin_change(struct nft_change *c, const struct nft_loaded_table *table)
{
	for (uint32_t i = 0; i < c->desired->count; i++) { /* after an attempt before */
		nft_object_of(&c->desired->objects[i])->patch = NULL;
		nft_object_of(&c->desired->objects[i])->resets_policy = false;
		nft_object_of(&c->desired->objects[i])->is_loaded_first = false;
	}
	c->makes_digests = !table->known;
	c->loaded_digests.arena = c->desired_digests.arena = c->arena;
	object_map_reserve(&c->loaded_digests, table->digest_count);
	object_map_reserve(&c->desired_digests, c->desired->count);
	for (uint32_t i = 0; i < table->digest_count; i++)
		nft_digests_add(&c->loaded_digests, &table->digests[i]);
	for (uint32_t i = 0; i < c->desired->count; i++)
		nft_digests_add(&c->desired_digests, &nft_object_of(&c->desired->objects[i])->digest);
	object_map_sort(&c->loaded_digests);
	object_map_sort(&c->desired_digests);
}

/* Whether the kernel has exactly the digests of the cached objects. */
static bool has_known_digests(struct nft_change *c, const struct object_map *known)
{
	uint32_t count = 0;

	if (c->loaded_digests.count != known->count)
		return false;
	while (count < known->count && nft_has_digest(c, &known->objects[count]))
		count++;
	return count == known->count;
}

static void change_add_loaded(struct nft_change *c, enum nft_object_kind kind, struct text name, struct nft_object object)
{
	struct nft_object *copy = ARENA_NEW(c->arena, struct nft_object);

	*copy = object;
	object_map_add(c->loaded, (uint8_t)kind, name, TEXT(""), copy);
}

static void read_loaded(struct nft_change *c, struct nft_loaded_table *t)
{
	c->reason = nft_kernel_read_names(c->kernel, c->arena, c->w.table->family, t);
	for (uint32_t i = 0; i < t->helper_count; i++)
		change_add_loaded(c, NFT_OBJECT_HELPER, t->helpers[i], (struct nft_object){ .policy = 0 });
	for (uint32_t i = 0; i < t->set_count; i++)
		if (!text_is(t->sets[i].name, NFT_DIGEST_SET))
			change_add_loaded(c, NFT_OBJECT_SET, t->sets[i].name, (struct nft_object){ .shape = nft_set_shape(&t->sets[i]) });
	for (uint32_t i = 0; i < t->chain_count; i++) {
		const struct nft_loaded_chain *chain = &t->chains[i];

		change_add_loaded(c, NFT_OBJECT_CHAIN, chain->name,
			   (struct nft_object){ .shape = nft_chain_shape(chain->hook, chain->priority, chain->filters),
						.policy = chain->policy });
	}
}

static void replace_table(struct nft_change *c, uint8_t family, bool exists)
{
	if (c->w.table && !exists)
		nft_note(c, family == NFPROTO_BRIDGE && c->loading && c->loading->patched, " is missing");
	if (exists)
		nft_write_table(&c->w, NFT_MSG_DELTABLE, family, NFT_TABLE_NAME);
	if (c->w.table)
		nft_write_all(&c->w);
}

static void change_table(struct nft_change *c, struct nft_batch *first, struct nft_loaded_table *table,
			 struct object_map *known)
{
	const struct object_comparison comparison = { .compare = compare_objects, .context = c };
	struct object_map loaded = { .arena = c->arena };
	struct backend_loading *loading = c->loading;

	begin_change(c, table);
	if (known && table->known && !table->dormant && has_known_digests(c, known)) {
		c->loaded = known;
		c->loading = NULL;
	} else {
		c->loaded = &loaded;
		read_loaded(c, table);
	}
	if (c->loading && table->dormant) {
		nft_note(c, true, ": is dormant");
		nft_write_table(&c->w, NFT_MSG_NEWTABLE, c->w.table->family, c->w.table->name);
	}
	if (!c->reason)
		object_maps_compare(c->loaded, c->desired, &comparison);
	if (c->reason)
		return;
	note_objects(c);
	if (follow_replaced(c)) {
		nft_write_first(c, first);
		nft_write_change(c);
	} else {
		replace_table(c, c->w.table->family, true);
	}
	c->loading = loading;
}

int nft_batch_change(struct nft_batches *batches, struct nft_kernel *kernel, struct arena *arena, const struct nft_ruleset *ruleset,
		     struct nft_objects *desired, struct nft_loaded *loaded, struct nft_cache *cache, bool whole,
		     struct backend_loading *loading)
{
	struct nft_change c = { .reason = 0 };

	loading->differences = NULL; /* of an attempt before */
	loading->last_difference = NULL;
	loading->difference_count = loading->certain_count = 0;

	for (unsigned i = 0; i < NFT_TABLES && !c.reason; i++) {
		c = (struct nft_change){ .w = nft_writer_of(&batches->second, ruleset, i), .arena = arena, .kernel = kernel,
					 .loading = loading, .desired = &desired->tables[i] };
		if (c.w.table && !whole && loaded->tables[i].exists)
			change_table(&c, &batches->first, &loaded->tables[i], cache && cache->valid ? &cache->loaded.tables[i] : NULL);
		else
			replace_table(&c, nft_families[i], loaded->tables[i].exists);
	}
	nft_batches_end(batches);
	return c.reason;
}
