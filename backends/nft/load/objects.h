/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helpers, sets and chains of a table as a map (api/difference.h) from names to digests: of a ruleset that is
 * desired; of what the kernel has; of what was loaded, which a service keeps.
 */
#ifndef PVEFW_NFT_LOAD_OBJECTS_H
#define PVEFW_NFT_LOAD_OBJECTS_H

#include "api/difference.h"
#include "nft/load/ask.h"

/* In the order in which they are created; chains are created empty before, so that maps can name them. */
enum nft_object_kind {
	NFT_OBJECT_HELPER,
	NFT_OBJECT_SET,
	NFT_OBJECT_CHAIN,
};

/* Properties that the kernel cannot change in place: type and size of a set, hook and priority of a chain. */
struct nft_shape {
	uint32_t values[7];
};

struct nft_shape nft_set_shape(const struct nft_loaded_set *set);
struct nft_shape nft_chain_shape(enum nft_hook hook, int32_t priority, bool filters);

/* Item of an object.  The digest is its content. */
struct nft_object {
	struct nft_digest digest;
	struct nft_shape shape;
	union { /* of desired ones, by the kind */
		const struct nft_helper *helper;
		const struct nft_set *set;
		const struct nft_chain *chain;
	};
	struct nft_digest contents;   /* of a set that was loaded: without its name */
	struct nft_rule_patch *patch; /* of a desired chain that was compared by contents, and differs */
	uint32_t policy;              /* of a base chain that the kernel has */
	bool resets_policy;           /* of a desired chain: the loaded one has another policy */
	/* Of cached ones, see references.c. */
	uint64_t *references;
	uint32_t reference_count;
	bool is_reached; /* from a base chain, when that was looked at last */
	bool is_exempt;  /* was not reached when everything was loaded */
	bool is_loaded_first;         /* of an added one: nft_write_first() has written it */
};

/* A table has no map if it is not desired. */
struct nft_objects {
	struct object_map tables[NFT_TABLES];
};

static inline struct nft_object *nft_object_of(const struct object *object)
{
	return object->item;
}

static inline struct text nft_digest_text(const struct nft_digest *digest)
{
	return (struct text){ (const char *)digest->bytes, NFT_DIGEST_BYTES };
}

/* The set that a statement looks up or updates, or NULL. */
static inline const struct nft_set *nft_statement_set(const struct nft_statement *s)
{
	return s->kind == NFT_STMT_MATCH  ? s->match->set :
	       s->kind == NFT_STMT_VMAP	  ? s->vmap->set :
	       s->kind == NFT_STMT_UPDATE ? s->update->set :
					    NULL;
}

/* ---- digest.c ---- */

/*
 * Returns the objects of the ruleset, and adds the set "digests" to each table: an element for each object, its digest.
 * By them a later load knows what it has loaded: the kernel cannot change the userdata of a chain or set, but elements
 * come and go.  All is from `arena`.
 */
struct nft_objects nft_objects_of(struct arena *arena, const struct nft_ruleset *ruleset);
/* Of serialized bytes; of a chain; of a set without its name. */
struct nft_digest nft_digest_of(const struct out *buffer);
struct nft_digest nft_digest_chain(const struct nft_chain *chain);
struct nft_digest nft_digest_contents(const struct nft_set *set);

/* ---- cache.c: the loaded objects, for a running service ---- */

struct nft_cache {
	bool valid;
	uint32_t generation; /* of the kernel, at which all this is so */
	struct arena arena;
	struct nft_objects loaded;
};

void nft_cache_forget(struct nft_cache *cache);
/* After `objects` were loaded. */
void nft_cache_fill(struct nft_cache *cache, struct nft_kernel *kernel, const struct nft_objects *objects);
/* Puts a chain or a set in the place of `cached`, which has its name; NULL: adds it. */
void nft_cache_put(struct nft_cache *cache, unsigned table, struct object *cached, const struct object *object);
/* A set with these contents, under whatever name, or NULL. */
const struct object *nft_cache_find_contents(const struct nft_cache *cache, unsigned table, const struct nft_digest *contents);

/* ---- references.c ---- */

/* Fills in the references of `copy`, the object to be cached; from `arena`. */
void nft_object_refer(struct arena *arena, struct nft_object *copy, const struct object *object);
/* Sets is_reached of all cached objects of a table; works in `arena`. */
void nft_objects_reach(struct arena *arena, struct object_map *map);

/* ---- tidy.c: after changes of guests ---- */

/* tidy of struct backend. */
bool nft_cache_tidy(struct backend_loading *loading, struct nft_cache *cache);

/* ---- write.c: the change of one table ---- */

/* How the rules of a loaded chain become those that are desired. */
struct nft_rule_patch {
	uint64_t *kept; /* for each desired rule the handle of the loaded one that it is, or 0 */
	uint64_t *foreign; /* handles of those to be deleted */
	uint32_t rule_count, missing_count, foreign_count;
};

struct nft_change {
	struct nft_writer w;
	struct arena *arena;
	struct object_map *loaded, *desired; /* that were compared */
	/* What the set of digests has and should have; names are the digests.  With `makes_digests` the set is new. */
	struct object_map loaded_digests, desired_digests;
	bool makes_digests;
	/* Of nft_batch_change(): where elements are read; what gets the differences, or NULL without a comparison by
	 * contents; an errno of reading. */
	struct nft_kernel *kernel;
	struct backend_loading *loading;
	int reason;
};

void nft_digests_add(struct object_map *digests, const struct nft_digest *digest);
/* Whether the kernel's set of digests has that of a desired object: who differs from it was changed by others. */
bool nft_has_digest(struct nft_change *c, const struct object *desired);
/* Reports a difference; `certain` as in struct backend_difference. */
void nft_note(struct nft_change *c, bool certain, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "2 rules missing, 1 foreign rule" of a chain or a set. */
void nft_note_counts(struct nft_change *c, const struct object *object, uint32_t missing, uint32_t foreign);
/*
 * Writes what is new into a batch that is sent before, if the other changes need that.  Since 6.18 a set of intervals is
 * looked up in an array that nft_rbtree_commit() publishes after the new generation has begun: until then the rules of
 * that generation find nothing in a new set, and a port map that finds nothing drops.  In a transaction of its own the set
 * is complete before a packet asks it.  Does nothing if no such set is new; then no message is added to `first`.
 */
void nft_write_first(struct nft_change *c, struct nft_batch *first);
/*
 * Writes what must change so that a table has the desired objects.  What is the same stays untouched; sets lose and gain
 * elements; chains are emptied and filled or, with a patch, lose and gain rules.  The order is one in which nothing
 * is named before it is there or deleted while it is in use.
 */
void nft_write_change(struct nft_change *c);

/* ---- batches.c: one change as one or two transactions ---- */

/* The first is empty unless nft_write_first() has written to it. */
struct nft_batches {
	struct nft_batch first, second;
};

/* Both are for `generation` and the one after it; 0: any. */
void nft_batches_begin(struct nft_batches *batches, uint32_t generation);
void nft_batches_end(struct nft_batches *batches);
void nft_batches_free(struct nft_batches *batches);
static inline bool nft_batches_are_empty(const struct nft_batches *batches)
{
	return nft_batch_is_empty(&batches->first) && nft_batch_is_empty(&batches->second);
}
/* How much they hold. */
void nft_batches_note(struct backend_loading *loading, const struct nft_batches *batches);
/*
 * Sends those that are not empty, and adds to the kernel's time.  False: the kernel has refused `*refused`, with `answers`.  If that is the second one, what
 * the first one has added stays: nothing refers to it, its digests are there, and the next load removes or uses it.
 */
bool nft_batches_send(struct nft_kernel *kernel, struct backend_loading *loading, const struct nft_batches *batches,
		      const struct nft_batch **refused, struct nft_answers *answers);

/* ---- change.c ---- */

/*
 * What must change so that `ruleset`, which has the desired objects, is loaded instead of what is.  With a valid cache, as
 * long as the kernel has the digests of that, objects are compared by digest, else by contents.  A table whose base chains
 * differ is replaced, with `whole` both are.  What is read on the way is added to `loaded`, differences of the contents
 * to `loading`.  0 or an errno.
 */
int nft_batch_change(struct nft_batches *batches, struct nft_kernel *kernel, struct arena *arena, const struct nft_ruleset *ruleset,
		     struct nft_objects *desired, struct nft_loaded *loaded, struct nft_cache *cache, bool whole,
		     struct backend_loading *loading);

#endif
