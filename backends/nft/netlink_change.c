/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is loaded to what is wanted in one transaction.
 *
 * Whatever has the same digest stays as it is.  Of what has not, sets lose and gain
 * elements, and chains are emptied and filled; what the kernel cannot change in
 * place, a set's type, is deleted and made again with every chain that uses it.  So
 * sets and maps that packets are being looked up in are never taken away.
 *
 * Mostly a few chains differ and no name is new or gone: then each digest that is
 * wanted and not loaded stands against one that is loaded and not wanted, and only
 * the objects that differ are asked for.  Else all names are read.
 */
#include <errno.h>
#include <stdlib.h>

#include "nft/netlink_batch.h"

enum state {
	SAME,
	DIFFERENT, /* its contents */
	MISSING,
	OTHER_KIND, /* must be deleted and made again */
};

struct change {
	struct nft_writer w;
	struct nft_kernel *kernel;
	struct arena *arena;
	struct nft_loaded_table *loaded;
	const struct nft_table_digests *digests;
	uint8_t *sets;   /* enum state, by id */
	uint8_t *chains; /* by order */
	bool helpers_differ;
	uint32_t different; /* objects */
	bool names_same;    /* none is new or gone, as far as we know */
	bool impossible;    /* but for replacing the table */
	int reason;         /* errno of reading */
};

/* So many objects are asked for one by one. */
enum { FEW = 16 };

/* ---- what is loaded ---- */

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nft_digest));
}

static bool is_loaded(const struct change *c, const struct nft_digest *digest)
{
	return c->loaded->digest_count &&
	       bsearch(digest, c->loaded->digests, c->loaded->digest_count, sizeof(*digest), compare_digests);
}

/* Whatever is searched for begins with its name. */
static int compare_names(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static const void *find(struct text name, const void *list, uint32_t count, size_t size)
{
	return count ? bsearch(&name, list, count, size, compare_names) : NULL;
}

/* ---- what differs ---- */

/* By the digests alone: MISSING is whatever is not loaded as it is wanted. */
static void compare_digests_only(struct change *c)
{
	const struct nft_table *table = c->w.table;
	uint32_t n = 0;

	for (const struct nft_set *set = table->sets; set; set = set->next)
		if (set->name.len && !text_is(set->name, NFT_DIGEST_SET)) {
			c->sets[set->id] = is_loaded(c, &c->digests->sets[set->id]) ? SAME : MISSING;
			c->different += c->sets[set->id] != SAME;
		}
	for (; n < table->chain_count; n++) {
		c->chains[n] = is_loaded(c, &c->digests->chains[n]) ? SAME : MISSING;
		c->different += c->chains[n] != SAME;
	}
	for (n = 0; n < table->helper_count; n++)
		c->helpers_differ |= !is_loaded(c, &c->digests->helpers[n]);
}

/* How many of the loaded digests are not wanted. */
static uint32_t count_stale(const struct change *c)
{
	uint32_t wanted = c->w.table->chain_count + c->w.table->helper_count;

	for (const struct nft_set *set = c->w.table->sets; set; set = set->next)
		wanted += set->name.len && !text_is(set->name, NFT_DIGEST_SET);
	return c->loaded->digest_count - (wanted - c->different);
}

/* ---- names ---- */

static int read_few_sets(struct change *c)
{
	struct nft_loaded_table *t = c->loaded;
	int reason = 0;

	t->sets = ARENA_ARRAY(c->arena, struct nft_loaded_set, FEW);
	for (const struct nft_set *set = c->w.table->sets; set && !reason; set = set->next)
		if (c->sets[set->id] != SAME)
			reason = nft_kernel_read_set(c->kernel, c->arena, c->w.table->family, set->name,
						     &t->sets[t->set_count++]);
	return reason;
}

static int read_few_chains(struct change *c)
{
	struct nft_loaded_table *t = c->loaded;
	int reason = 0;
	uint32_t n = 0;

	t->chains = ARENA_ARRAY(c->arena, struct nft_loaded_chain, FEW);
	for (const struct nft_chain *chain = c->w.table->chains; chain && !reason; chain = chain->next)
		if (c->chains[n++] != SAME)
			reason = nft_kernel_read_chain(c->kernel, c->arena, c->w.table->family, chain->name,
						       &t->chains[t->chain_count++]);
	return reason;
}

static void sort_names(struct nft_loaded_table *t)
{
	if (t->set_count)
		qsort(t->sets, t->set_count, sizeof(*t->sets), compare_names);
	if (t->chain_count)
		qsort(t->chains, t->chain_count, sizeof(*t->chains), compare_names);
}

static void read_names(struct change *c)
{
	c->names_same = !c->helpers_differ && c->different <= FEW && c->different == count_stale(c);
	if (c->names_same) {
		c->loaded->set_count = c->loaded->chain_count = 0;
		c->reason = read_few_sets(c);
		if (!c->reason)
			c->reason = read_few_chains(c);
		sort_names(c->loaded);
		c->names_same = c->reason != ENOENT;
	}
	if (!c->names_same)
		c->reason = nft_kernel_read_names(c->kernel, c->arena, c->w.table->family, c->loaded);
}

/* ---- how it differs ---- */

static enum state compare_set(const struct change *c, const struct nft_set *set)
{
	const struct nft_loaded_set *loaded = find(set->name, c->loaded->sets, c->loaded->set_count,
						   sizeof(*c->loaded->sets));
	struct nft_loaded_set wanted = nft_set_description(set);

	if (!loaded)
		return MISSING;
	return loaded->flags == wanted.flags && loaded->key_type == wanted.key_type &&
			       loaded->key_length == wanted.key_length &&
			       loaded->data_type == wanted.data_type && loaded->size == wanted.size &&
			       loaded->timeout == wanted.timeout
		       ? DIFFERENT
		       : OTHER_KIND;
}

static const struct nft_set *set_of(const struct nft_statement *s)
{
	switch (s->kind) {
	case NFT_STMT_MATCH:
		return s->match->set;
	case NFT_STMT_VMAP:
		return s->vmap->set;
	case NFT_STMT_UPDATE:
		return s->update->set;
	default:
		return NULL;
	}
}

static bool uses_set_made_again(const struct change *c, const struct nft_chain *chain)
{
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->statement_count; i++) {
			const struct nft_set *set = set_of(&rule->statements[i]);

			if (set && c->sets[set->id] == OTHER_KIND)
				return true;
		}
	return false;
}

static enum state compare_chain(const struct change *c, const struct nft_chain *chain)
{
	const struct nft_loaded_chain *loaded = find(chain->name, c->loaded->chains, c->loaded->chain_count,
						     sizeof(*c->loaded->chains));

	if (!loaded)
		return MISSING;
	if (loaded->hook != chain->hook ||
	    (chain->hook != NFT_HOOK_NONE && loaded->priority != chain->priority))
		return OTHER_KIND;
	return DIFFERENT;
}

/* Returns true if any is to be made again. */
static bool compare_sets(struct change *c)
{
	bool again = false;

	for (const struct nft_set *set = c->w.table->sets; set; set = set->next)
		if (c->sets[set->id] != SAME) {
			c->sets[set->id] = (uint8_t)compare_set(c, set);
			again |= c->sets[set->id] == OTHER_KIND;
		}
	return again;
}

static void compare_chains(struct change *c, bool sets_again)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next, n++) {
		if (c->chains[n] != SAME)
			c->chains[n] = (uint8_t)compare_chain(c, chain);
		else if (sets_again && uses_set_made_again(c, chain))
			c->chains[n] = DIFFERENT;
		c->impossible |= c->chains[n] == OTHER_KIND;
	}
}

static bool helper_is_loaded(const struct change *c, const struct nft_helper *helper)
{
	return find(helper->name, c->loaded->helpers, c->loaded->helper_count, sizeof(*c->loaded->helpers));
}

/* A helper of another kind under the same name cannot be. */
static void compare_helpers(struct change *c)
{
	uint32_t n = 0;

	for (const struct nft_helper *helper = c->w.table->helpers; helper; helper = helper->next)
		c->impossible |= !is_loaded(c, &c->digests->helpers[n++]) && helper_is_loaded(c, helper);
}

/* ---- what is not wanted any more ---- */

/* Names of the wanted chains, sorted. */
static struct text *chain_names(struct change *c)
{
	struct text *names = ARENA_ARRAY(c->arena, struct text, c->w.table->chain_count);
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next)
		names[n++] = chain->name;
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	return names;
}

static struct text *set_names(struct change *c, uint32_t *count)
{
	struct text *names = ARENA_ARRAY(c->arena, struct text, c->w.table->set_count);

	*count = 0;
	for (const struct nft_set *set = c->w.table->sets; set; set = set->next)
		if (set->name.len)
			names[(*count)++] = set->name;
	if (*count)
		qsort(names, *count, sizeof(*names), compare_names);
	return names;
}

static void delete_chains(struct change *c, uint16_t type, const struct text *names)
{
	for (uint32_t i = 0; i < c->loaded->chain_count; i++)
		if (!find(c->loaded->chains[i].name, names, c->w.table->chain_count, sizeof(*names)))
			nft_write_delete(&c->w, type, c->loaded->chains[i].name);
}

static void delete_sets(struct change *c)
{
	uint32_t count;
	const struct text *names = set_names(c, &count);

	for (uint32_t i = 0; i < c->loaded->set_count; i++)
		if (!find(c->loaded->sets[i].name, names, count, sizeof(*names)))
			nft_write_delete(&c->w, NFT_MSG_DELSET, c->loaded->sets[i].name);
}

static void delete_helpers(struct change *c)
{
	for (uint32_t i = 0; i < c->loaded->helper_count; i++) {
		const struct nft_helper *helper = c->w.table->helpers;

		while (helper && !text_equal(helper->name, c->loaded->helpers[i]))
			helper = helper->next;
		if (!helper)
			nft_write_delete(&c->w, NFT_MSG_DELOBJ, c->loaded->helpers[i]);
	}
}

/* ---- elements ---- */

struct elements {
	struct nft_kernel_element *items;
	uint32_t count;
};

static struct elements wanted_elements(struct change *c, const struct nft_set *set)
{
	struct elements list = { ARENA_ARRAY(c->arena, struct nft_kernel_element, set->element_count + 1),
				 0 };

	if (nft_set_begins_late(set))
		list.items[list.count++].first = true;
	for (uint32_t i = 0; i < set->element_count; i++)
		list.items[list.count++] = nft_kernel_element(set, &set->elements[i]);
	qsort(list.items, list.count, sizeof(*list.items), nft_kernel_element_compare);
	return list;
}

/* Writes what `have` has and `other` has not; both are sorted. */
static void write_difference(struct change *c, const struct nft_set *set, uint16_t type, struct elements have,
			     struct elements other)
{
	struct nft_element_writer e = { .w = &c->w, .set = set, .type = type };
	uint32_t j = 0;

	for (uint32_t i = 0; i < have.count; i++) {
		while (j < other.count && nft_kernel_element_compare(&other.items[j], &have.items[i]) < 0)
			j++;
		if (j == other.count || !nft_kernel_element_equal(&have.items[i], &other.items[j]))
			nft_element_write(&e, &have.items[i]);
	}
	nft_elements_end(&e);
}

static void change_elements(struct change *c, const struct nft_set *set)
{
	struct arena_mark mark = arena_mark(c->arena);
	struct elements wanted = wanted_elements(c, set), loaded = { NULL, 0 };

	c->reason = nft_kernel_read_elements(c->kernel, c->arena, c->w.table->family, set->name,
					     set->interval, &loaded.items, &loaded.count);
	if (!c->reason) {
		write_difference(c, set, NFT_MSG_DELSETELEM, loaded, wanted);
		write_difference(c, set, NFT_MSG_NEWSETELEM, wanted, loaded);
	}
	arena_release(c->arena, mark);
}

/* The digests were read already, and are many. */
static void write_digests(struct change *c, const struct nft_set *set, uint16_t type)
{
	struct nft_element_writer e = { .w = &c->w, .set = set, .type = type };
	bool delete = type == NFT_MSG_DELSETELEM;
	uint32_t i = 0, j = 0;

	while (i < c->loaded->digest_count || j < set->element_count) {
		const uint8_t *loaded = i < c->loaded->digest_count ? c->loaded->digests[i].bytes : NULL;
		const uint8_t *wanted = j < set->element_count ? set->elements[j].key[0].bytes : NULL;
		int order = !loaded ? 1 : !wanted ? -1 : memcmp(loaded, wanted, NFT_DIGEST_BYTES);
		struct nft_kernel_element element = { 0 };

		if (order) {
			memcpy(element.key, order < 0 ? loaded : wanted, NFT_DIGEST_BYTES);
			if (delete == (order < 0))
				nft_element_write(&e, &element);
		}
		i += order <= 0;
		j += order >= 0;
	}
	nft_elements_end(&e);
}

static void change_digests(struct change *c, const struct nft_set *set)
{
	write_digests(c, set, NFT_MSG_DELSETELEM);
	write_digests(c, set, NFT_MSG_NEWSETELEM);
}

/* ---- the table ---- */

static void add_missing(struct change *c)
{
	uint32_t n = 0;

	for (const struct nft_helper *helper = c->w.table->helpers; helper; helper = helper->next)
		if (c->helpers_differ && !helper_is_loaded(c, helper))
			nft_write_helper(&c->w, helper);
	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next)
		if (c->chains[n++] == MISSING)
			nft_write_chain(&c->w, chain);
}

static void empty_chains(struct change *c)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next)
		if (c->chains[n++] == DIFFERENT)
			nft_write_delete(&c->w, NFT_MSG_DELRULE, chain->name);
}

static void change_sets(struct change *c)
{
	for (const struct nft_set *set = c->w.table->sets; set && !c->reason; set = set->next) {
		enum state state = c->sets[set->id];

		if (state == OTHER_KIND)
			nft_write_delete(&c->w, NFT_MSG_DELSET, set->name);
		if (state == OTHER_KIND || state == MISSING) {
			nft_write_set(&c->w, set, NULL);
			nft_write_elements(&c->w, set);
		} else if (text_is(set->name, NFT_DIGEST_SET)) {
			change_digests(c, set);
		} else if (state == DIFFERENT) {
			change_elements(c, set);
		}
	}
}

static void fill_chains(struct change *c)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next)
		if (c->chains[n++] != SAME)
			nft_write_rules(&c->w, chain);
}

/* The order in which nothing is named before it is there or deleted while it is in use. */
static void write_changes(struct change *c)
{
	const struct text *names = c->names_same ? NULL : chain_names(c);

	add_missing(c);
	empty_chains(c);
	if (!c->names_same)
		delete_chains(c, NFT_MSG_DELRULE, names);
	change_sets(c);
	fill_chains(c);
	if (c->names_same)
		return;
	delete_sets(c);
	delete_chains(c, NFT_MSG_DELCHAIN, names);
	delete_helpers(c);
}

static void compare(struct change *c)
{
	compare_digests_only(c);
	if (!c->different && !c->helpers_differ && !count_stale(c)) {
		c->names_same = true;
		return;
	}
	read_names(c);
	if (c->reason)
		return;
	compare_chains(c, compare_sets(c));
	compare_helpers(c);
}

static int change_table(struct nft_writer w, struct nft_kernel *kernel, struct arena *arena,
			const struct nft_table_digests *digests, struct nft_loaded_table *loaded)
{
	struct change c = { .w = w, .kernel = kernel, .arena = arena, .digests = digests, .loaded = loaded };

	c.sets = ARENA_ARRAY(arena, uint8_t, w.table->set_count + 1);
	c.chains = ARENA_ARRAY(arena, uint8_t, w.table->chain_count);
	compare(&c);
	if (c.impossible) {
		nft_write_table(&w, NFT_MSG_DELTABLE, w.table->family, w.table->name);
		nft_write_all(&w);
	} else if (!c.reason) {
		write_changes(&c);
	}
	return c.reason;
}

static int replace_table(struct nft_writer w, uint8_t family, bool exists)
{
	if (exists)
		nft_write_table(&w, NFT_MSG_DELTABLE, family, NFT_TABLE_NAME);
	if (w.table)
		nft_write_all(&w);
	return 0;
}

int nft_batch_change(struct nft_batch *batch, struct nft_kernel *kernel, struct arena *arena,
		     const struct nft_ruleset *ruleset, const struct nft_digests *digests,
		     struct nft_loaded *loaded, bool whole)
{
	int reason = 0;

	nft_batch_begin(batch, loaded->generation);
	for (unsigned i = 0; i < NFT_TABLES && !reason; i++) {
		struct nft_writer w = nft_writer_of(batch, ruleset, i);
		struct nft_loaded_table *table = &loaded->tables[i];

		if (w.table && table->known && !whole)
			reason = change_table(w, kernel, arena, &digests->tables[i], table);
		else
			reason = replace_table(w, nft_families[i], table->exists);
	}
	nft_batch_end(batch);
	return reason;
}
