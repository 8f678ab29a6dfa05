/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The objects of a ruleset as maps from names to digests.  Two objects with the same digest are the same for packets and
 * in listings.  An object is serialized into a buffer, each part with its length; the digest is SHA-1 of that, cut to
 * the size of an IPv6 address, which is a type that a set's elements can have.
 */
#include <sha1.h>
#include <stdlib.h>

#include "nft/load/objects.h"
#include "base/parallel_for.h"

/* ---- input of the digests ---- */

/* More than a statement, or an element of a set, can take. */
enum { ROOM = 1024 };

static void need_room(struct out *out)
{
	if (out->room - out->len < ROOM)
		out_make_room(out, ROOM);
}

/* The rest is written where need_room() was called before. */
static void serialize_byte(struct out *out, unsigned byte)
{
	out->data[out->len++] = (char)byte;
}

static void serialize_number(struct out *out, uint64_t number)
{
	memcpy(out->data + out->len, &number, sizeof(number));
	out->len += sizeof(number);
}

static void serialize_text(struct out *out, struct text text)
{
	uint32_t len = text.len < ROOM / 4 ? text.len : ROOM / 4; /* names are shorter */

	serialize_byte(out, len & 0xff);
	serialize_byte(out, len >> 8);
	if (len)
		memcpy(out->data + out->len, text.ptr, len);
	out->len += len;
}

/* All of it is copied, as that is faster, and only what counts is kept. */
static void serialize_value(struct out *out, const struct nft_value *value)
{
	memcpy(out->data + out->len, value, sizeof(*value));
	out->len += 1u + value->length;
}

static void serialize_verdict(struct out *out, const struct nft_verdict *verdict)
{
	serialize_byte(out, (unsigned)verdict->kind);
	if (verdict->chain)
		serialize_text(out, verdict->chain->name);
}

static void serialize_element(struct out *out, const struct nft_set *set, const struct nft_element *element)
{
	need_room(out);
	for (unsigned i = 0; i < set->part_count; i++)
		serialize_value(out, &element->key[i]);
	if (set->interval)
		serialize_value(out, &element->last);
	if (set->verdicts)
		serialize_verdict(out, &element->verdict);
}

static void serialize_set(struct out *out, const struct nft_set *set)
{
	need_room(out);
	serialize_byte(out, 's');
	serialize_byte(out, set->verdicts ? 1 : 0);
	serialize_byte(out, set->interval ? 1 : 0);
	serialize_byte(out, set->dynamic ? 1 : 0);
	serialize_text(out, set->name);
	serialize_byte(out, set->part_count);
	for (unsigned i = 0; i < set->part_count; i++)
		serialize_byte(out, (unsigned)set->parts[i]);
	serialize_number(out, set->size);
	serialize_number(out, set->timeout);
	serialize_number(out, set->element_count);
	for (uint32_t i = 0; i < set->element_count; i++)
		serialize_element(out, set, &set->elements[i]);
}

static void serialize_keys(struct out *out, const struct nft_key *keys, unsigned count)
{
	serialize_byte(out, (unsigned)count);
	for (unsigned i = 0; i < count; i++) {
		serialize_byte(out, (unsigned)keys[i].field);
		serialize_byte(out, (unsigned)keys[i].masked);
		if (keys[i].masked)
			serialize_value(out, &keys[i].mask);
	}
}

static void serialize_match(struct out *out, const struct nft_match *match)
{
	serialize_byte(out, (unsigned)match->op);
	serialize_byte(out, (unsigned)match->bits);
	serialize_keys(out, match->keys, match->key_count);
	if (match->set)
		serialize_text(out, match->set->name);
	else
		serialize_value(out, &match->value);
	if (match->op == NFT_OP_RANGE)
		serialize_value(out, &match->last);
}

static void serialize_limit(struct out *out, const struct nft_limit *limit)
{
	serialize_number(out, limit->rate);
	serialize_number(out, (uint64_t)limit->unit << 32 | limit->burst);
}

static void serialize_statement(struct out *out, const struct nft_statement *s)
{
	need_room(out);
	serialize_byte(out, (unsigned)s->kind);
	switch (s->kind) {
	case NFT_STMT_MATCH:
		serialize_match(out, s->match);
		break;
	case NFT_STMT_VMAP:
		serialize_keys(out, s->vmap->keys, s->vmap->key_count);
		serialize_text(out, s->vmap->set->name);
		break;
	case NFT_STMT_VERDICT:
		serialize_verdict(out, &s->verdict);
		break;
	case NFT_STMT_COUNTER:
		break;
	case NFT_STMT_LIMIT:
		serialize_limit(out, s->limit);
		break;
	case NFT_STMT_LOG:
		serialize_text(out, s->log_prefix);
		break;
	case NFT_STMT_MARK:
		serialize_number(out, (uint64_t)s->mark.keep << 32 | s->mark.bits);
		break;
	case NFT_STMT_CT_MARK:
		serialize_number(out, s->ct_mark);
		break;
	case NFT_STMT_CT_LABEL:
		serialize_byte(out, s->ct_label);
		break;
	case NFT_STMT_CT_HELPER:
		serialize_text(out, s->helper->name);
		break;
	case NFT_STMT_UPDATE:
		serialize_keys(out, &s->update->key, 1);
		serialize_text(out, s->update->set->name);
		serialize_limit(out, s->update->limit);
		break;
	case NFT_STMT_REJECT:
		serialize_byte(out, (unsigned)s->reject);
		break;
	case NFT_STMT_QUEUE:
		serialize_number(out, (uint64_t)s->queue.first << 16 | s->queue.last);
		break;
	}
}

static void serialize_chain(struct out *out, const struct nft_chain *chain)
{
	need_room(out);
	serialize_byte(out, 'c');
	serialize_text(out, chain->name);
	serialize_number(out, (uint64_t)chain->hook << 32 | (uint32_t)chain->priority);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next) {
		need_room(out);
		serialize_byte(out, rule->statement_count);
		serialize_text(out, rule->comment);
		for (uint32_t i = 0; i < rule->statement_count; i++)
			serialize_statement(out, &rule->statements[i]);
	}
}

/* ---- digests ---- */

struct nft_digest nft_digest_of(const struct out *buffer)
{
	uint8_t whole[SHA1_DIGEST_LENGTH];
	struct nft_digest digest;
	SHA1_CTX sha;

	SHA1Init(&sha);
	SHA1Update(&sha, (const uint8_t *)buffer->data, buffer->len);
	SHA1Final(whole, &sha);
	memcpy(digest.bytes, whole, sizeof(digest.bytes));
	return digest;
}

static struct nft_digest digest_chain(struct out *buffer, const struct nft_chain *chain)
{
	buffer->len = 0;
	serialize_chain(buffer, chain);
	return nft_digest_of(buffer);
}

static struct nft_digest digest_set(struct out *buffer, const struct nft_set *set)
{
	buffer->len = 0;
	serialize_set(buffer, set);
	return nft_digest_of(buffer);
}

struct nft_digest nft_digest_chain(const struct nft_chain *chain)
{
	struct nft_digest digest;
	struct out buffer;

	out_init_memory(&buffer);
	digest = digest_chain(&buffer, chain);
	out_free(&buffer);
	return digest;
}

struct nft_digest nft_digest_contents(const struct nft_set *set)
{
	struct nft_set nameless = *set;
	struct nft_digest digest;
	struct out buffer;

	nameless.name = (struct text){ NULL, 0 };
	out_init_memory(&buffer);
	digest = digest_set(&buffer, &nameless);
	out_free(&buffer);
	return digest;
}

/* ---- the objects of a table ---- */

struct nft_shape nft_set_shape(const struct nft_loaded_set *set)
{
	return (struct nft_shape){ { set->flags, set->key_type, set->key_length, set->data_type, set->size,
				     (uint32_t)set->timeout, (uint32_t)(set->timeout >> 32) } };
}

struct nft_shape nft_chain_shape(enum nft_hook hook, int32_t priority, bool filters)
{
	return hook == NFT_HOOK_NONE ? (struct nft_shape){ { NFT_HOOK_NONE } }
				     : (struct nft_shape){ { hook, (uint32_t)priority, filters } };
}

/* Chains are many, and independent of each other: some at a time for each thread. */
struct chain_jobs {
	struct nft_object *objects;
	uint32_t count;
	struct out buffers[PARALLEL_MOST];
};

enum { CHAINS_PER_JOB = 64 };

static void digest_some(void *context, unsigned worker, unsigned n)
{
	struct chain_jobs *jobs = context;
	uint32_t end = (n + 1) * CHAINS_PER_JOB < jobs->count ? (n + 1) * CHAINS_PER_JOB : jobs->count;

	for (uint32_t i = n * CHAINS_PER_JOB; i < end; i++)
		jobs->objects[i].digest = digest_chain(&jobs->buffers[worker], jobs->objects[i].chain);
}

static void add_object(struct object_map *map, enum nft_object_kind kind, struct text name, const struct nft_object *object)
{
	object_map_add(map, (uint8_t)kind, name, nft_digest_text(&object->digest), object);
}

static void digest_add_chains(struct object_map *map, struct arena *arena, const struct nft_table *table)
{
	struct chain_jobs jobs = { .objects = ARENA_ARRAY(arena, struct nft_object, table->chain_count) };
	unsigned count = (table->chain_count + CHAINS_PER_JOB - 1) / CHAINS_PER_JOB;
	unsigned workers = parallel_workers(table->chain_count);

	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next) {
		struct nft_object *object = &jobs.objects[jobs.count++];

		object->chain = chain;
		object->shape = nft_chain_shape(chain->hook, chain->priority, true);
		add_object(map, NFT_OBJECT_CHAIN, chain->name, object);
	}
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_init_memory(&jobs.buffers[i]);
	parallel_run(workers < count ? workers : count, count, digest_some, &jobs);
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_free(&jobs.buffers[i]);
}

static struct object_map make_map(struct arena *arena, const struct nft_table *table)
{
	struct object_map map = { .arena = arena };
	struct nft_object *objects = ARENA_ARRAY(arena, struct nft_object, table->helper_count + table->set_count);
	struct out buffer;

	object_map_reserve(&map, table->helper_count + table->set_count + table->chain_count);
	out_init_memory(&buffer);
	for (const struct nft_helper *helper = table->helpers; helper; helper = helper->next) {
		buffer.len = 0;
		need_room(&buffer);
		serialize_byte(&buffer, 'h');
		serialize_byte(&buffer, helper->protocol);
		serialize_text(&buffer, helper->name);
		out_string(&buffer, helper->helper);
		objects->helper = helper;
		objects->digest = nft_digest_of(&buffer);
		add_object(&map, NFT_OBJECT_HELPER, helper->name, objects++);
	}
	for (const struct nft_set *set = table->sets; set; set = set->next) {
		struct nft_loaded_set description = nft_set_description(set);

		objects->set = set;
		objects->shape = nft_set_shape(&description);
		objects->digest = digest_set(&buffer, set);
		add_object(&map, NFT_OBJECT_SET, set->name, objects++);
	}
	out_free(&buffer);
	digest_add_chains(&map, arena, table);
	object_map_sort(&map);
	return map;
}

/* ---- the set of digests ---- */

static struct nft_set *digest_make_set(struct arena *arena, const struct nft_table *table, const struct object_map *map)
{
	struct nft_set *set = ARENA_NEW(arena, struct nft_set);
	struct nft_digest *all = ARENA_ARRAY(arena, struct nft_digest, map->count);

	for (uint32_t i = 0; i < map->count; i++)
		all[i] = nft_object_of(&map->objects[i])->digest;
	if (map->count)
		qsort(all, map->count, sizeof(*all), compare_digests_16);
	set->name = TEXT(NFT_DIGEST_SET);
	set->part_count = 1;
	set->parts[0] = NFT_TYPE_IPV6_ADDR;
	set->id = table->set_count + 1;
	set->element_count = map->count;
	set->elements = ARENA_ARRAY(arena, struct nft_element, set->element_count);
	for (uint32_t i = 0; i < set->element_count; i++) {
		set->elements[i].key[0].length = NFT_DIGEST_BYTES;
		memcpy(set->elements[i].key[0].bytes, all[i].bytes, NFT_DIGEST_BYTES);
	}
	return set;
}

struct nft_objects nft_objects_of(struct arena *arena, const struct nft_ruleset *ruleset)
{
	struct nft_objects objects = { 0 };

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nft_table *table = ruleset->tables[i];

		if (!table)
			continue;
		objects.tables[i] = make_map(arena, table);
		*table->last_set = digest_make_set(arena, table, &objects.tables[i]);
		table->last_set = &(*table->last_set)->next;
		table->set_count++;
	}
	return objects;
}
