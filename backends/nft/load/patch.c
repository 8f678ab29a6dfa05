/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The change of one guest's file, without the other guests.
 *
 * The guest is lowered alone, as it was and as it is.  What it shares with others (the
 * base chains, maps and sets of all guests) then holds nothing but its own part; where
 * that part is the same both times, the whole is, too, and only chains that are the
 * guest's own can differ.  These are loaded.  Their rules name sets of all kinds: one
 * that is loaded with the same contents, under whatever name, is the one they mean.
 *
 * Everything else, such as a NIC that comes, an option that puts other chains in front,
 * or a set that another guest has under the same name, is left to loading it all.  What
 * comes of a patch is compared with that sooner or later anyway.
 */
#include <stdio.h>

#include "nft/load/ask.h"
#include "nft/load/known.h"
#include "base/parallel_for.h"

struct side {
	struct guest_view view;
	struct arena arena;
	const struct nft_ruleset *ruleset;
	struct nft_digests digests;
};

struct patch {
	struct backend_loading *loading;
	struct arena arena;
	struct nft_known *known;
	const struct guest *guest;
	struct side sides[2];
	struct side *old, *new;
	uint8_t *changed; /* chains of `new`, by order: to be loaded */
	uint8_t *wanted;  /* sets of `new`, by id: used by those */
	uint8_t *fresh;   /* and not loaded */
};

static const struct nft_table *table_of(const struct side *side)
{
	return side->ruleset->tables[NFT_BRIDGE];
}

static const struct nft_digest *chain_digest(const struct side *side, uint32_t n)
{
	return &side->digests.tables[NFT_BRIDGE].chains[n];
}

static bool same(const struct nft_digest *a, const struct nft_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- whose chains ---- */

static bool begins_with_number(struct text name, const char *prefix, uint32_t vmid, char end)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%s%u%c", prefix, vmid, end);

	return name.len > (uint32_t)len && memcmp(name.ptr, text, (size_t)len) == 0;
}

/* tap100i0-in, veth100i0-out-2, guest-100-in-1; see guests.c and rules.c. */
static bool is_own(const struct patch *p, struct text name)
{
	uint32_t vmid = p->guest->vmid;

	return begins_with_number(name, "tap", vmid, 'i') || begins_with_number(name, "veth", vmid, 'i') ||
	       begins_with_number(name, "guest-", vmid, '-');
}

static const struct nft_digest *find_chain(const struct side *side, struct text name)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = table_of(side)->chains; chain; chain = chain->next, n++)
		if (text_equal(chain->name, name))
			return chain_digest(side, n);
	return NULL;
}

/* A security group's chains depend on the cluster's file alone, which others have, too. */
static bool is_new_group(const struct patch *p, const struct nft_chain *chain)
{
	return text_starts(chain->name, "group-") && !nft_known_chain(p->known, chain->name);
}

/* Marks the chains to load; false if others than the guest's differ. */
static bool compare_chains(struct patch *p)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next, n++) {
		const struct nft_digest *digest = chain_digest(p->new, n), *before = find_chain(p->old, chain->name);
		const struct nft_known_item *loaded = nft_known_chain(p->known, chain->name);

		if (is_own(p, chain->name))
			p->changed[n] = !before || !same(before, digest);
		else if (before && same(before, digest))
			continue;
		else if (!before && is_new_group(p, chain))
			p->changed[n] = true;
		else if (!loaded || !same(&loaded->digest, digest))
			return false;
	}
	return true;
}

/* ---- sets ---- */

static struct nft_set *set_of(const struct nft_statement *s)
{
	const struct nft_set *set = NULL;

	if (s->kind == NFT_STMT_MATCH)
		set = s->match->set;
	else if (s->kind == NFT_STMT_VMAP)
		set = s->vmap->set;
	else if (s->kind == NFT_STMT_UPDATE)
		set = s->update->set;
	/* It is of this patch's arena. */
	return set && set->name.len ? (struct nft_set *)(uintptr_t)set : NULL;
}

/* Gives the set the name under which it is loaded; false if the name means another one. */
static bool find_loaded(struct patch *p, struct nft_set *set)
{
	struct nft_digest contents = nft_digest_contents(set);
	const struct nft_known_item *loaded = nft_known_contents(p->known, &contents);

	if (loaded) {
		set->name = (struct text){ loaded->name, loaded->len };
		return true;
	}
	p->fresh[set->id] = true;
	return !nft_known_set(p->known, set->name);
}

static bool find_sets_of(struct patch *p, const struct nft_chain *chain)
{
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->statement_count; i++) {
			struct nft_set *set = set_of(&rule->statements[i]);

			if (!set || p->wanted[set->id])
				continue;
			p->wanted[set->id] = true;
			if (!find_loaded(p, set))
				return false;
		}
	return true;
}

static const struct nft_digest *find_set(const struct side *side, struct text name)
{
	for (const struct nft_set *set = table_of(side)->sets; set; set = set->next)
		if (set->name.len && text_equal(set->name, name))
			return &side->digests.tables[NFT_BRIDGE].sets[set->id];
	return NULL;
}

/* Sets that the guest's own chains do not use are about all guests: they must be as they were. */
static bool compare_other_sets(const struct patch *p)
{
	for (const struct nft_set *set = table_of(p->new)->sets; set; set = set->next) {
		const struct nft_digest *before;

		if (!set->name.len || p->wanted[set->id] || text_is(set->name, NFT_DIGEST_SET))
			continue;
		before = find_set(p->old, set->name);
		if (!before || !same(before, &p->new->digests.tables[NFT_BRIDGE].sets[set->id]))
			return false;
	}
	return true;
}

static bool find_sets(struct patch *p)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next, n++)
		if (p->changed[n] && !find_sets_of(p, chain))
			return false;
	return compare_other_sets(p);
}

/* ---- the batch ---- */

static void write_digest(struct nft_element_writer *e, const struct nft_digest *digest)
{
	struct nft_kernel_element element = { .has_end = false };

	memcpy(element.key, digest->bytes, sizeof(digest->bytes));
	nft_element_write(e, &element);
}

static const struct nft_set *digest_set(const struct nft_table *table)
{
	const struct nft_set *set = table->sets;

	while (!text_is(set->name, NFT_DIGEST_SET))
		set = set->next;
	return set;
}

/* The guest's chains of which nothing is left. */
static bool is_gone(const struct patch *p, const struct nft_chain *chain)
{
	return is_own(p, chain->name) && !find_chain(p->new, chain->name);
}

static void write_old_digests(struct patch *p, struct nft_writer *w)
{
	struct nft_element_writer e = { .w = w, .set = digest_set(table_of(p->new)), .type = NFT_MSG_DELSETELEM };
	const struct nft_known_item *loaded;
	uint32_t n = 0;

	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next, n++)
		if (p->changed[n] && (loaded = nft_known_chain(p->known, chain->name)))
			write_digest(&e, &loaded->digest);
	for (const struct nft_chain *chain = table_of(p->old)->chains; chain; chain = chain->next)
		if (is_gone(p, chain) && (loaded = nft_known_chain(p->known, chain->name)))
			write_digest(&e, &loaded->digest);
	nft_elements_end(&e);
}

static void write_new_digests(struct patch *p, struct nft_writer *w)
{
	struct nft_element_writer e = { .w = w, .set = digest_set(table_of(p->new)), .type = NFT_MSG_NEWSETELEM };
	uint32_t n = 0;

	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next, n++) {
		struct nft_digest digest;

		if (!p->changed[n])
			continue;
		digest = nft_digest_chain(chain);
		write_digest(&e, &digest);
	}
	for (const struct nft_set *set = table_of(p->new)->sets; set; set = set->next)
		if (set->name.len && p->fresh[set->id])
			write_digest(&e, &p->new->digests.tables[NFT_BRIDGE].sets[set->id]);
	nft_elements_end(&e);
}

static void write_fresh_sets(struct patch *p, struct nft_writer *w)
{
	for (const struct nft_set *set = table_of(p->new)->sets; set; set = set->next)
		if (p->fresh[set->id]) {
			nft_write_set(w, set);
			nft_write_elements(w, set);
		}
}

static void delete_gone(struct patch *p, struct nft_writer *w, uint16_t type)
{
	for (const struct nft_chain *chain = table_of(p->old)->chains; chain; chain = chain->next)
		if (is_gone(p, chain))
			nft_write_delete(w, type, chain->name);
}

/* As in netlink_change.c: nothing is named before it is there or deleted while it is in use. */
static void write_patch(struct patch *p, struct nft_batch *batch)
{
	struct nft_writer w = nft_writer_of(batch, p->new->ruleset, NFT_BRIDGE);
	uint32_t n = 0;

	nft_batch_begin(batch, p->known->generation);
	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next, n++)
		if (p->changed[n] && !nft_known_chain(p->known, chain->name))
			nft_write_chain(&w, chain);
		else if (p->changed[n])
			nft_write_delete(&w, NFT_MSG_DELRULE, chain->name);
	delete_gone(p, &w, NFT_MSG_DELRULE);
	write_fresh_sets(p, &w);
	write_old_digests(p, &w);
	write_new_digests(p, &w);
	n = 0;
	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next)
		if (p->changed[n++])
			nft_write_rules(&w, chain);
	delete_gone(p, &w, NFT_MSG_DELCHAIN);
	nft_batch_end(batch);
}

/* ---- sending ---- */

/* What is loaded now. */
static void note(struct patch *p, struct nft_kernel *kernel)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = table_of(p->new)->chains; chain; chain = chain->next) {
		struct nft_digest digest;

		if (!p->changed[n++])
			continue;
		digest = nft_digest_chain(chain);
		nft_known_put_chain(p->known, chain->name, &digest);
	}
	for (const struct nft_set *set = table_of(p->new)->sets; set; set = set->next)
		if (p->fresh[set->id]) {
			struct nft_digest contents = nft_digest_contents(set);

			nft_known_put_set(p->known, set->name, &contents);
		}
	for (const struct nft_chain *chain = table_of(p->old)->chains; chain; chain = chain->next)
		if (is_gone(p, chain))
			nft_known_drop_chain(p->known, chain->name);
	if (nft_kernel_read_generation(kernel, &p->known->generation) != 0)
		nft_known_forget(p->known);
}

/* When the kernel refuses, be it only because others have changed something, all is as it was. */
static bool load(struct patch *p)
{
	struct nft_answers answers;
	struct nft_kernel kernel;
	struct nft_batch batch;
	bool done = nft_kernel_open(&kernel) == 0;

	if (!done)
		return false;
	nft_batch_init(&batch);
	write_patch(p, &batch);
	nft_loading_note(p->loading, &batch);
	if (!nft_batch_is_empty(&batch)) {
		done = nft_kernel_send(&kernel, p->loading->arena, &batch, false, &answers);
		p->loading->kernel_time = answers.nanoseconds;
	}
	if (done)
		note(p, &kernel);
	nft_batch_free(&batch);
	nft_kernel_close(&kernel);
	return done;
}

/* ---- the whole ---- */

/* Both sides, at the same time. */
static void lower_side(void *context, unsigned worker, unsigned n)
{
	struct patch *p = context;
	struct side *side = &p->sides[n];

	(void)worker;
	side->ruleset = nft_lower_bridge(&side->arena, &side->view.config);
	side->digests = nft_digests_add(&side->arena, side->ruleset);
}

static bool patch(struct patch *p)
{
	const struct nft_table *table = table_of(p->new);

	if (!table || !table_of(p->old))
		return false;
	p->changed = ARENA_ARRAY(&p->arena, uint8_t, table->chain_count);
	p->wanted = ARENA_ARRAY(&p->arena, uint8_t, table->set_count + 1);
	p->fresh = ARENA_ARRAY(&p->arena, uint8_t, table->set_count + 1);
	return compare_chains(p) && find_sets(p) && load(p);
}

bool nft_guest_patch(struct backend_loading *loading, struct nft_known *known, const struct config *config,
		     const struct guest *old, const struct guest *new)
{
	struct patch p = { .loading = loading, .known = known, .guest = old };
	bool done;

	if (!known->valid)
		return false;
	p.old = &p.sides[0];
	p.new = &p.sides[1];
	guest_view_init(&p.old->view, config, old);
	guest_view_init(&p.new->view, config, new);
	parallel_run(2, 2, lower_side, &p);
	done = patch(&p);
	arena_free(&p.sides[0].arena);
	arena_free(&p.sides[1].arena);
	arena_free(&p.arena);
	return done;
}
