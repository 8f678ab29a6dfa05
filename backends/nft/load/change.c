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
 *
 * A digest tells what was loaded.  What others have done since it does not: compared by content, all rules and
 * elements are read, and a chain loses and gains only the rules in which it differs, so that the others go on counting.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>

#include "nft/load/compare.h"

enum state {
	SAME,
	DIFFERENT, /* its contents */
	MISSING,
	OTHER_KIND, /* must be deleted and made again */
	PATCHED,    /* a chain: some of its rules differ */
};

/* What is done to a chain's rules: those of `wanted` that have no handle are written behind the last one before them that
 * has, or at the beginning. */
struct patch {
	struct nft_rule_id *wanted, *loaded; /* handle of a loaded rule 0: it stays */
	uint32_t wanted_count, loaded_count, missing, foreign;
};

struct change {
	struct nft_writer w;
	struct nft_kernel *kernel;
	struct arena *arena;
	struct nft_loaded_table *loaded;
	const struct nft_table_digests *digests;
	struct backend_loading *loading; /* gets the differences */
	bool by_content;
	uint8_t *sets;   /* enum state, by id */
	uint8_t *chains; /* by order */
	bool *policies;  /* by order: is another one */
	struct patch *patches;              /* by order */
	const struct nft_set **sets_by_id;  /* set_count + 2 of them */
	bool *set_was_loaded;               /* by id: its digest is there */
	bool helpers_differ;
	uint32_t different; /* objects */
	bool names_same;    /* none is new or gone, as far as we know */
	bool impossible;    /* but for replacing the table */
	int reason;         /* errno of reading */
};

/* So many objects are asked for one by one. */
enum { FEW = 16 };

/* ---- what is loaded ---- */

static bool is_loaded(const struct change *c, const struct nft_digest *digest)
{
	return c->loaded->digest_count &&
	       bsearch(digest, c->loaded->digests, c->loaded->digest_count, sizeof(*digest), compare_digests_16);
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
	c->names_same = !c->by_content && !c->helpers_differ && c->different <= FEW && c->different == count_stale(c);
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
	    (chain->hook != NFT_HOOK_NONE && (loaded->priority != chain->priority || !loaded->filters)))
		return OTHER_KIND;
	return DIFFERENT;
}

/* ---- contents ---- */

static void note(struct change *c, bool certain, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void note(struct change *c, bool certain, const char *format, ...)
{
	struct out text;
	va_list args;
	char line[256];

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	out_init_memory(&text);
	out_printf(&text, "table %s %s%s", c->w.table->family == NFPROTO_BRIDGE ? "bridge" : "inet", c->w.table->name, line);
	backend_difference_add(c->loading, certain, (struct text){ text.data, (uint32_t)text.len });
	out_free(&text);
}

/* "2 rules missing, 1 foreign rule" */
static void note_counts(struct change *c, bool certain, const char *kind, struct text name, uint32_t missing, uint32_t foreign,
			const char *thing)
{
	char lacks[64] = "", has[64] = "";

	if (missing)
		snprintf(lacks, sizeof(lacks), "%u %s%s missing", missing, thing, missing == 1 ? "" : "s");
	if (foreign)
		snprintf(has, sizeof(has), "%u foreign %s%s", foreign, thing, foreign == 1 ? "" : "s");
	note(c, certain, ", %s %.*s: %s%s%s", kind, TEXT_ARG(name), lacks, missing && foreign ? ", " : "", has);
}

static bool same_rule(const struct patch *p, uint32_t i, uint32_t j)
{
	return memcmp(&p->wanted[i].digest, &p->loaded[j].digest, sizeof(struct nft_digest)) == 0;
}

static void keep_rule(struct patch *p, uint32_t i, uint32_t j)
{
	p->wanted[i].handle = p->loaded[j].handle;
	p->loaded[j].handle = 0;
}

/* Rules [first, last_wanted) and [first, last_loaded): each takes the next that is the same. */
static void match_next(struct patch *p, uint32_t first, uint32_t last_wanted, uint32_t last_loaded)
{
	uint32_t j = first, k;

	for (uint32_t i = first; i < last_wanted; i++) {
		for (k = j; k < last_loaded && !same_rule(p, i, k);)
			k++;
		if (k == last_loaded)
			continue;
		keep_rule(p, i, k);
		j = k + 1;
	}
}

/* The same by the longest common subsequence: of a rule that was moved, the others stay. */
static void match_most(struct change *c, struct patch *p, uint32_t first, uint32_t last_wanted, uint32_t last_loaded)
{
	uint32_t rows = last_wanted - first, columns = last_loaded - first, i = 0, j = 0, width = columns + 1;
	struct arena_mark mark = arena_mark(c->arena);
	uint32_t *longest = ARENA_ARRAY(c->arena, uint32_t, (size_t)(rows + 1) * width); /* from a pair on */

	memset(longest, 0, (size_t)(rows + 1) * width * sizeof(*longest));
	for (i = rows; i--;)
		for (j = columns; j--;) {
			uint32_t below = longest[(i + 1) * width + j], right = longest[i * width + j + 1];

			longest[i * width + j] = same_rule(p, first + i, first + j) ? longest[(i + 1) * width + j + 1] + 1 :
						 below > right			    ? below :
										      right;
		}
	for (i = j = 0; i < rows && j < columns;)
		if (same_rule(p, first + i, first + j))
			keep_rule(p, first + i++, first + j++);
		else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1])
			i++;
		else
			j++;
	arena_release(c->arena, mark);
}

/* Pairs rules that are the same, in order; what is left over is missing or foreign. */
static void match_rules(struct change *c, struct patch *p)
{
	enum { PAIRS_MOST = 1 << 20 };
	uint32_t first = 0, last_wanted = p->wanted_count, last_loaded = p->loaded_count;

	for (; first < last_wanted && first < last_loaded && same_rule(p, first, first); first++)
		keep_rule(p, first, first);
	while (last_wanted > first && last_loaded > first && same_rule(p, last_wanted - 1, last_loaded - 1))
		keep_rule(p, --last_wanted, --last_loaded);
	if ((uint64_t)(last_wanted - first) * (last_loaded - first) <= PAIRS_MOST)
		match_most(c, p, first, last_wanted, last_loaded);
	else
		match_next(p, first, last_wanted, last_loaded);
	for (uint32_t i = 0; i < p->wanted_count; i++)
		p->missing += !p->wanted[i].handle;
	for (uint32_t i = 0; i < p->loaded_count; i++)
		p->foreign += p->loaded[i].handle != 0;
}

static enum state compare_rules(struct change *c, const struct nft_chain *chain, uint32_t n)
{
	struct patch *p = &c->patches[n];

	c->reason = nft_rules_read(c->kernel, c->arena, c->w.table->family, chain->name, &p->loaded, &p->loaded_count);
	if (c->reason)
		return DIFFERENT;
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		p->wanted_count++;
	p->wanted = ARENA_ARRAY(c->arena, struct nft_rule_id, p->wanted_count);
	nft_rules_want(p->wanted, c->arena, c->sets_by_id, c->w.table->set_count + 2, chain);
	match_rules(c, p);
	return p->missing || p->foreign ? PATCHED : SAME;
}

/* `certain`: the chain is there by its digest. */
static void compare_contents(struct change *c, const struct nft_chain *chain, uint32_t n, bool certain)
{
	const struct nft_loaded_chain *loaded = find(chain->name, c->loaded->chains, c->loaded->chain_count,
						     sizeof(*c->loaded->chains));

	if (c->chains[n] == MISSING)
		note(c, certain, ": chain %.*s is missing", TEXT_ARG(chain->name));
	if (c->chains[n] == OTHER_KIND)
		note(c, certain, ", chain %.*s: other hook, priority or type", TEXT_ARG(chain->name));
	if (c->chains[n] != DIFFERENT)
		return;
	c->policies[n] = chain->hook != NFT_HOOK_NONE && loaded->policy != NF_ACCEPT;
	if (c->policies[n])
		note(c, true, ", chain %.*s: other policy", TEXT_ARG(chain->name));
	c->chains[n] = (uint8_t)compare_rules(c, chain, n);
	if (c->chains[n] == PATCHED)
		note_counts(c, certain, "chain", chain->name, c->patches[n].missing, c->patches[n].foreign, "rule");
}

/* Returns true if any is to be made again. */
static bool compare_sets(struct change *c)
{
	bool again = false;

	for (const struct nft_set *set = c->w.table->sets; set; set = set->next) {
		bool compared = c->by_content && set->name.len && !text_is(set->name, NFT_DIGEST_SET), was = c->sets[set->id] == SAME;

		if (c->sets[set->id] == SAME && !compared)
			continue;
		c->set_was_loaded[set->id] = was;
		c->sets[set->id] = (uint8_t)compare_set(c, set);
		again |= c->sets[set->id] == OTHER_KIND;
		if (compared && c->sets[set->id] != DIFFERENT)
			note(c, was, ": set %.*s %s", TEXT_ARG(set->name),
			     c->sets[set->id] == MISSING ? "is missing" : "is of another type");
	}
	return again;
}

static void compare_chains(struct change *c, bool sets_again)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain && !c->reason; chain = chain->next, n++) {
		bool was = c->chains[n] == SAME;

		if (!was || c->by_content)
			c->chains[n] = (uint8_t)compare_chain(c, chain);
		if (c->by_content)
			compare_contents(c, chain, n, was);
		if ((c->chains[n] == SAME || c->chains[n] == PATCHED) && sets_again && uses_set_made_again(c, chain))
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
		if (!find(c->loaded->chains[i].name, names, c->w.table->chain_count, sizeof(*names))) {
			nft_write_delete(&c->w, type, c->loaded->chains[i].name);
			if (c->by_content && type == NFT_MSG_DELCHAIN)
				note(c, false, ": foreign chain %.*s", TEXT_ARG(c->loaded->chains[i].name));
		}
}

static void delete_sets(struct change *c)
{
	uint32_t count;
	const struct text *names = set_names(c, &count);

	for (uint32_t i = 0; i < c->loaded->set_count; i++)
		if (!find(c->loaded->sets[i].name, names, count, sizeof(*names))) {
			nft_write_delete(&c->w, NFT_MSG_DELSET, c->loaded->sets[i].name);
			if (c->by_content)
				note(c, false, ": foreign set %.*s", TEXT_ARG(c->loaded->sets[i].name));
		}
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
	struct elements list;

	list.items = nft_kernel_elements_of(c->arena, set, &list.count);
	return list;
}

/* Writes what `have` has and `other` has not; both are sorted.  Returns how many that are. */
static uint32_t write_difference(struct change *c, const struct nft_set *set, uint16_t type, struct elements have,
			     struct elements other)
{
	struct nft_element_writer e = { .w = &c->w, .set = set, .type = type };
	uint32_t j = 0, written = 0;

	for (uint32_t i = 0; i < have.count; i++) {
		while (j < other.count && nft_kernel_element_compare(&other.items[j], &have.items[i]) < 0)
			j++;
		if (j < other.count && nft_kernel_element_equal(&have.items[i], &other.items[j]))
			continue;
		nft_element_write(&e, &have.items[i]);
		written++;
	}
	nft_elements_end(&e);
	return written;
}

static void change_elements(struct change *c, const struct nft_set *set)
{
	struct arena_mark mark = arena_mark(c->arena);
	struct elements wanted = wanted_elements(c, set), loaded = { NULL, 0 };
	uint32_t foreign, missing;

	c->reason = nft_kernel_read_elements(c->kernel, c->arena, c->w.table->family, set->name,
					     set->interval, &loaded.items, &loaded.count);
	if (!c->reason) {
		foreign = write_difference(c, set, NFT_MSG_DELSETELEM, loaded, wanted);
		missing = write_difference(c, set, NFT_MSG_NEWSETELEM, wanted, loaded);
		if (c->by_content && (foreign || missing))
			note_counts(c, c->set_was_loaded[set->id], "set", set->name, missing, foreign, "element");
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
	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next, n++)
		if (c->chains[n] == MISSING || c->policies[n])
			nft_write_chain(&c->w, chain);
}

static void delete_foreign_rules(struct change *c, const struct nft_chain *chain, const struct patch *p)
{
	for (uint32_t i = 0; i < p->loaded_count; i++)
		if (p->loaded[i].handle)
			nft_write_delete_rule(&c->w, chain->name, p->loaded[i].handle);
}

/* From the last to the first: each is put directly behind the rule that stays. */
static void write_missing_rules(struct change *c, const struct nft_chain *chain, const struct patch *p)
{
	const struct nft_rule **rules = ARENA_ARRAY(c->arena, const struct nft_rule *, p->wanted_count);
	uint64_t *behind = ARENA_ARRAY(c->arena, uint64_t, p->wanted_count), last = 0;
	uint32_t n = 0;

	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next, n++) {
		rules[n] = rule;
		behind[n] = last;
		if (p->wanted[n].handle)
			last = p->wanted[n].handle;
	}
	while (n--)
		if (!p->wanted[n].handle)
			nft_write_rule(&c->w, chain, rules[n], &behind[n]);
}

static void empty_chains(struct change *c)
{
	uint32_t n = 0;

	for (const struct nft_chain *chain = c->w.table->chains; chain; chain = chain->next, n++)
		if (c->chains[n] == DIFFERENT)
			nft_write_delete(&c->w, NFT_MSG_DELRULE, chain->name);
		else if (c->chains[n] == PATCHED)
			delete_foreign_rules(c, chain, &c->patches[n]);
}

static void change_sets(struct change *c)
{
	for (const struct nft_set *set = c->w.table->sets; set && !c->reason; set = set->next) {
		enum state state = c->sets[set->id];

		if (state == OTHER_KIND)
			nft_write_delete(&c->w, NFT_MSG_DELSET, set->name);
		if (state == OTHER_KIND || state == MISSING) {
			nft_write_set(&c->w, set);
			nft_write_elements(&c->w, set);
		} else if (text_is(set->name, NFT_DIGEST_SET) && !c->loaded->known) {
			nft_write_set(&c->w, set);
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
		if (c->chains[n] == PATCHED)
			write_missing_rules(c, chain, &c->patches[n++]);
		else if (c->chains[n++] != SAME)
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
	if (!c->by_content && !c->different && !c->helpers_differ && !count_stale(c)) {
		c->names_same = true;
		return;
	}
	read_names(c);
	if (c->reason)
		return;
	c->helpers_differ |= c->by_content;
	compare_chains(c, compare_sets(c));
	compare_helpers(c);
}

static void make_room(struct change *c)
{
	const struct nft_table *table = c->w.table;

	c->sets = ARENA_ARRAY(c->arena, uint8_t, table->set_count + 1);
	c->set_was_loaded = ARENA_ARRAY(c->arena, bool, table->set_count + 1);
	c->chains = ARENA_ARRAY(c->arena, uint8_t, table->chain_count);
	c->policies = ARENA_ARRAY(c->arena, bool, table->chain_count);
	if (!c->by_content)
		return;
	c->patches = ARENA_ARRAY(c->arena, struct patch, table->chain_count);
	c->sets_by_id = ARENA_ARRAY(c->arena, const struct nft_set *, table->set_count + 2);
	for (const struct nft_set *set = table->sets; set; set = set->next)
		c->sets_by_id[set->id] = set;
}

static int change_table(struct nft_writer w, struct nft_kernel *kernel, struct arena *arena,
			const struct nft_table_digests *digests, struct nft_loaded_table *loaded,
			struct backend_loading *loading, bool by_content)
{
	struct change c = { .w = w, .kernel = kernel, .arena = arena, .digests = digests, .loaded = loaded,
			    .loading = loading, .by_content = by_content };

	make_room(&c);
	if (by_content && loaded->dormant) {
		note(&c, true, ": is dormant");
		nft_write_table(&c.w, NFT_MSG_NEWTABLE, w.table->family, w.table->name);
	}
	compare(&c);
	if (c.impossible) {
		nft_write_table(&w, NFT_MSG_DELTABLE, w.table->family, w.table->name);
		nft_write_all(&w);
	} else if (!c.reason) {
		write_changes(&c);
	}
	return c.reason;
}

static int replace_table(struct nft_writer w, uint8_t family, bool exists, struct backend_loading *loading)
{
	struct change c = { .w = w, .loading = loading };

	if (w.table && !exists)
		note(&c, false, " is missing");
	if (exists)
		nft_write_table(&w, NFT_MSG_DELTABLE, family, NFT_TABLE_NAME);
	if (w.table)
		nft_write_all(&w);
	return 0;
}

int nft_batch_change(struct nft_batch *batch, struct nft_kernel *kernel, struct arena *arena,
		     const struct nft_ruleset *ruleset, const struct nft_digests *digests,
		     struct nft_loaded *loaded, enum nft_comparison comparison, struct backend_loading *loading)
{
	bool by_content = comparison == NFT_BY_CONTENT;
	int reason = 0;

	loading->differences = NULL; /* of an attempt before */
	loading->last_difference = NULL;
	loading->difference_count = loading->certain_count = 0;

	nft_batch_begin(batch, loaded->generation);
	for (unsigned i = 0; i < NFT_TABLES && !reason; i++) {
		struct nft_writer w = nft_writer_of(batch, ruleset, i);
		struct nft_loaded_table *table = &loaded->tables[i];

		if (w.table && comparison != NFT_NOT_AT_ALL && (table->known || (by_content && table->exists)))
			reason = change_table(w, kernel, arena, &digests->tables[i], table, loading, by_content);
		else
			reason = replace_table(w, nft_families[i], table->exists, loading);
	}
	nft_batch_end(batch);
	return reason;
}
