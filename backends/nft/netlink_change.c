/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is loaded to what is wanted in one transaction.
 *
 * Whatever has the same digest stays as it is.  Of what has not, sets lose and gain
 * elements, and chains are emptied and filled; what the kernel cannot change in
 * place, a set's type, is deleted and made again with every chain that uses it.  So
 * sets and maps that packets are being looked up in are never taken away.
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
	const struct nft_loaded_table *loaded;
	struct out buffer;   /* for digests */
	uint8_t *sets;       /* enum state, by id */
	uint8_t *chains;     /* by order */
	bool impossible;     /* but for replacing the table */
	int reason;          /* errno of reading elements */
};

/* ---- what is loaded ---- */

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nft_digest));
}

static bool is_loaded(const struct change *c, struct nft_digest digest)
{
	return c->loaded->digest_count && bsearch(&digest, c->loaded->digests, c->loaded->digest_count,
						   sizeof(digest), compare_digests);
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

/* ---- comparing ---- */

static enum state compare_set(struct change *c, const struct nft_set *set)
{
	const struct nft_loaded_set *loaded =
		find(set->name, c->loaded->sets, c->loaded->set_count, sizeof(*c->loaded->sets));
	struct nft_loaded_set wanted = nft_set_description(set);

	if (!loaded)
		return MISSING;
	if (loaded->flags != wanted.flags || loaded->key_type != wanted.key_type ||
	    loaded->key_length != wanted.key_length || loaded->data_type != wanted.data_type ||
	    loaded->size != wanted.size || loaded->timeout != wanted.timeout)
		return OTHER_KIND;
	return is_loaded(c, nft_digest_set(&c->buffer, set)) ? SAME : DIFFERENT;
}

static const struct nft_set *set_of(const struct nft_statement *s)
{
	switch (s->kind) {
	case NFT_STMT_MATCH:
		return s->match->set;
	case NFT_STMT_VMAP:
		return s->vmap.set;
	case NFT_STMT_UPDATE:
		return s->update.set;
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

static enum state compare_chain(struct change *c, const struct nft_chain *chain, bool sets_again)
{
	const struct nft_loaded_chain *loaded =
		find(chain->name, c->loaded->chains, c->loaded->chain_count, sizeof(*c->loaded->chains));

	if (!loaded)
		return MISSING;
	if (loaded->hook != chain->hook || (chain->hook != NFT_HOOK_NONE && loaded->priority != chain->priority))
		return OTHER_KIND;
	if (!is_loaded(c, nft_digest_chain(&c->buffer, chain)))
		return DIFFERENT;
	return sets_again && uses_set_made_again(c, chain) ? DIFFERENT : SAME;
}

static void compare_all(struct change *c)
{
	const struct nft_table *table = c->w.table;
	bool sets_again = false;
	uint32_t n = 0;

	for (const struct nft_set *set = table->sets; set; set = set->next)
		if (set->name.len) {
			c->sets[set->id] = (uint8_t)compare_set(c, set);
			sets_again |= c->sets[set->id] == OTHER_KIND;
		}
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next, n++) {
		c->chains[n] = (uint8_t)compare_chain(c, chain, sets_again);
		c->impossible |= c->chains[n] == OTHER_KIND;
	}
	for (const struct nft_helper *helper = table->helpers; helper; helper = helper->next)
		c->impossible |= find(helper->name, c->loaded->helpers, c->loaded->helper_count,
				      sizeof(*c->loaded->helpers)) &&
				 !is_loaded(c, nft_digest_helper(&c->buffer, helper));
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
	struct elements list = { ARENA_ARRAY(c->arena, struct nft_kernel_element, set->element_count + 1), 0 };

	if (nft_set_begins_late(set))
		list.items[list.count++].first = true;
	for (uint32_t i = 0; i < set->element_count; i++)
		list.items[list.count++] = nft_kernel_element(set, &set->elements[i]);
	qsort(list.items, list.count, sizeof(*list.items), nft_kernel_element_compare);
	return list;
}

static struct elements loaded_elements(struct change *c, const struct nft_set *set)
{
	struct elements list = { NULL, 0 };

	if (!text_is(set->name, NFT_DIGEST_SET)) {
		c->reason = nft_kernel_read_elements(c->kernel, c->arena, c->w.table->family, c->w.table->name,
						     set->name, set->interval, &list.items, &list.count);
		return list;
	}
	list.items = ARENA_ARRAY(c->arena, struct nft_kernel_element, c->loaded->digest_count);
	for (; list.count < c->loaded->digest_count; list.count++)
		memcpy(list.items[list.count].key, c->loaded->digests[list.count].bytes, NFT_DIGEST_BYTES);
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
	struct elements wanted = wanted_elements(c, set), loaded = loaded_elements(c, set);

	if (!c->reason) {
		write_difference(c, set, NFT_MSG_DELSETELEM, loaded, wanted);
		write_difference(c, set, NFT_MSG_NEWSETELEM, wanted, loaded);
	}
	arena_release(c->arena, mark);
}

/* ---- the table ---- */

static void add_missing(struct change *c)
{
	uint32_t n = 0;

	for (const struct nft_helper *helper = c->w.table->helpers; helper; helper = helper->next)
		if (!find(helper->name, c->loaded->helpers, c->loaded->helper_count, sizeof(*c->loaded->helpers)))
			nft_write_helper(&c->w, helper);
	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next)
		if (c->chains[n++] == MISSING)
			nft_write_chain(&c->w, chain);
}

static void empty_chains(struct change *c, const struct text *names)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next)
		if (c->chains[n++] == DIFFERENT)
			nft_write_delete(&c->w, NFT_MSG_DELRULE, chain->name);
	delete_chains(c, NFT_MSG_DELRULE, names);
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
	const struct text *names = chain_names(c);

	add_missing(c);
	empty_chains(c, names);
	change_sets(c);
	fill_chains(c);
	delete_sets(c);
	delete_chains(c, NFT_MSG_DELCHAIN, names);
	delete_helpers(c);
}

static int change_table(struct nft_writer w, struct nft_kernel *kernel, struct arena *arena,
			const struct nft_loaded_table *loaded)
{
	struct change c = { .w = w, .kernel = kernel, .arena = arena, .loaded = loaded };

	c.sets = ARENA_ARRAY(arena, uint8_t, w.table->set_count + 1);
	c.chains = ARENA_ARRAY(arena, uint8_t, w.table->chain_count);
	out_init_memory(&c.buffer);
	compare_all(&c);
	out_free(&c.buffer);
	if (!c.impossible) {
		write_changes(&c);
		return c.reason;
	}
	nft_write_table(&w, NFT_MSG_DELTABLE, w.table->family, w.table->name);
	nft_write_all(&w);
	return 0;
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
		     const struct nft_ruleset *ruleset, const struct nft_loaded *loaded, bool whole)
{
	int reason = 0;

	nft_batch_begin(batch, loaded->generation);
	for (unsigned i = 0; i < NFT_TABLES && !reason; i++) {
		struct nft_writer w = nft_writer_of(batch, ruleset, i);
		const struct nft_loaded_table *table = &loaded->tables[i];

		if (w.table && table->known && !whole)
			reason = change_table(w, kernel, arena, table);
		else
			reason = replace_table(w, nft_families[i], table->exists);
	}
	nft_batch_end(batch);
	return reason;
}
