/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digests of chains, sets and helpers: what two of the same name must agree in to
 * be the same for packets and in listings.  Everything is written to a buffer, each
 * piece with its length, and SHA-1 of it cut to the size of an IPv6 address: that
 * is a type a set can have, and its elements are all it needs.
 */
#include <sha1.h>
#include <stdlib.h>

#include "nft/load/kernel.h"
#include "base/parallel_for.h"

/* ---- what is digested ---- */

/* More than a statement, or an element of a set, can take. */
enum { ROOM = 1024 };

static void need_room(struct out *out)
{
	if (out->room - out->len < ROOM)
		out_make_room(out, ROOM);
}

/* The rest is written where need_room() was called before. */
static void feed_byte(struct out *out, unsigned byte)
{
	out->data[out->len++] = (char)byte;
}

static void feed_number(struct out *out, uint64_t number)
{
	memcpy(out->data + out->len, &number, sizeof(number));
	out->len += sizeof(number);
}

static void feed_text(struct out *out, struct text text)
{
	uint32_t len = text.len < ROOM / 4 ? text.len : ROOM / 4; /* names are shorter */

	feed_byte(out, len & 0xff);
	feed_byte(out, len >> 8);
	if (len)
		memcpy(out->data + out->len, text.ptr, len);
	out->len += len;
}

/* All of it is copied, as that is faster, and only what counts is kept. */
static void feed_value(struct out *out, const struct nft_value *value)
{
	memcpy(out->data + out->len, value, sizeof(*value));
	out->len += 1u + value->length;
}

static void feed_verdict(struct out *out, const struct nft_verdict *verdict)
{
	feed_byte(out, (unsigned)verdict->kind);
	if (verdict->chain)
		feed_text(out, verdict->chain->name);
}

static void feed_element(struct out *out, const struct nft_set *set, const struct nft_element *element)
{
	need_room(out);
	for (unsigned i = 0; i < set->part_count; i++)
		feed_value(out, &element->key[i]);
	if (set->interval)
		feed_value(out, &element->last);
	if (set->verdicts)
		feed_verdict(out, &element->verdict);
}

static void feed_set(struct out *out, const struct nft_set *set)
{
	need_room(out);
	feed_byte(out, 's');
	feed_byte(out, set->verdicts ? 1 : 0);
	feed_byte(out, set->interval ? 1 : 0);
	feed_byte(out, set->dynamic ? 1 : 0);
	feed_text(out, set->name);
	feed_byte(out, set->part_count);
	for (unsigned i = 0; i < set->part_count; i++)
		feed_byte(out, (unsigned)set->parts[i]);
	feed_number(out, set->size);
	feed_number(out, set->timeout);
	feed_number(out, set->element_count);
	for (uint32_t i = 0; i < set->element_count; i++)
		feed_element(out, set, &set->elements[i]);
}

/* A set with a name has a digest of its own. */
static void feed_set_used(struct out *out, const struct nft_set *set)
{
	feed_text(out, set->name);
	if (!set->name.len)
		feed_set(out, set);
}

static void feed_keys(struct out *out, const struct nft_key *keys, unsigned count)
{
	feed_byte(out, (unsigned)count);
	for (unsigned i = 0; i < count; i++) {
		feed_byte(out, (unsigned)keys[i].field);
		feed_byte(out, (unsigned)keys[i].masked);
		if (keys[i].masked)
			feed_value(out, &keys[i].mask);
	}
}

static void feed_match(struct out *out, const struct nft_match *match)
{
	feed_byte(out, (unsigned)match->op);
	feed_byte(out, (unsigned)match->bits);
	feed_keys(out, match->keys, match->key_count);
	if (match->set)
		feed_set_used(out, match->set);
	else
		feed_value(out, &match->value);
	if (match->op == NFT_OP_RANGE)
		feed_value(out, &match->last);
}

static void feed_limit(struct out *out, const struct nft_limit *limit)
{
	feed_number(out, limit->rate);
	feed_number(out, (uint64_t)limit->unit << 32 | limit->burst);
}

static void feed_statement(struct out *out, const struct nft_statement *s)
{
	need_room(out);
	feed_byte(out, (unsigned)s->kind);
	switch (s->kind) {
	case NFT_STMT_MATCH:
		feed_match(out, s->match);
		break;
	case NFT_STMT_VMAP:
		feed_keys(out, s->vmap->keys, s->vmap->key_count);
		feed_set_used(out, s->vmap->set);
		break;
	case NFT_STMT_VERDICT:
		feed_verdict(out, &s->verdict);
		break;
	case NFT_STMT_COUNTER:
		break;
	case NFT_STMT_LIMIT:
		feed_limit(out, s->limit);
		break;
	case NFT_STMT_LOG:
		feed_text(out, s->log_prefix);
		break;
	case NFT_STMT_MARK:
		feed_number(out, (uint64_t)s->mark.keep << 32 | s->mark.bits);
		break;
	case NFT_STMT_CT_MARK:
		feed_number(out, s->ct_mark);
		break;
	case NFT_STMT_CT_LABEL:
		feed_byte(out, s->ct_label);
		break;
	case NFT_STMT_CT_HELPER:
		feed_text(out, s->helper->name);
		break;
	case NFT_STMT_UPDATE:
		feed_keys(out, &s->update->key, 1);
		feed_set_used(out, s->update->set);
		feed_limit(out, s->update->limit);
		break;
	case NFT_STMT_REJECT:
		feed_byte(out, (unsigned)s->reject);
		break;
	case NFT_STMT_QUEUE:
		feed_number(out, (uint64_t)s->queue.first << 16 | s->queue.last);
		break;
	}
}

static void feed_chain(struct out *out, const struct nft_chain *chain)
{
	need_room(out);
	feed_byte(out, 'c');
	feed_text(out, chain->name);
	feed_number(out, (uint64_t)chain->hook << 32 | (uint32_t)chain->priority);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next) {
		need_room(out);
		feed_byte(out, rule->statement_count);
		feed_text(out, rule->comment);
		for (uint32_t i = 0; i < rule->statement_count; i++)
			feed_statement(out, &rule->statements[i]);
	}
}

/* ---- digests ---- */

static struct nft_digest digest_of(const struct out *buffer)
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
	feed_chain(buffer, chain);
	return digest_of(buffer);
}

static struct nft_digest digest_set(struct out *buffer, const struct nft_set *set)
{
	buffer->len = 0;
	feed_set(buffer, set);
	return digest_of(buffer);
}

static struct nft_digest digest_helper(struct out *buffer, const struct nft_helper *helper)
{
	buffer->len = 0;
	need_room(buffer);
	feed_byte(buffer, 'h');
	feed_byte(buffer, helper->protocol);
	feed_text(buffer, helper->name);
	out_string(buffer, helper->helper);
	return digest_of(buffer);
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

/* Chains are many, and independent of each other: some at a time for each thread. */
struct chain_jobs {
	const struct nft_chain **chains;
	struct nft_digest *digests;
	uint32_t count;
	struct out buffers[PARALLEL_MOST];
};

enum { CHAINS_PER_JOB = 64 };

static void digest_some(void *context, unsigned worker, unsigned n)
{
	struct chain_jobs *jobs = context;
	uint32_t end = (n + 1) * CHAINS_PER_JOB < jobs->count ? (n + 1) * CHAINS_PER_JOB : jobs->count;

	for (uint32_t i = n * CHAINS_PER_JOB; i < end; i++)
		jobs->digests[i] = digest_chain(&jobs->buffers[worker], jobs->chains[i]);
}

static struct nft_digest *digest_chains(struct arena *arena, const struct nft_table *table)
{
	struct chain_jobs jobs = { .count = 0 };
	unsigned count = (table->chain_count + CHAINS_PER_JOB - 1) / CHAINS_PER_JOB;
	unsigned workers = parallel_workers(table->chain_count);

	jobs.chains = ARENA_ARRAY(arena, const struct nft_chain *, table->chain_count);
	jobs.digests = ARENA_ARRAY(arena, struct nft_digest, table->chain_count);
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		jobs.chains[jobs.count++] = chain;
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_init_memory(&jobs.buffers[i]);
	parallel_run(workers < count ? workers : count, count, digest_some, &jobs);
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_free(&jobs.buffers[i]);
	return jobs.digests;
}

static struct nft_table_digests digest_table(struct arena *arena, const struct nft_table *table)
{
	struct nft_table_digests digests = {
		.chains = digest_chains(arena, table),
		.sets = ARENA_ARRAY(arena, struct nft_digest, table->set_count + 2), /* from 1, and ours */
		.helpers = ARENA_ARRAY(arena, struct nft_digest, table->helper_count),
	};
	struct out buffer;
	uint32_t n = 0;

	out_init_memory(&buffer);
	for (const struct nft_set *set = table->sets; set; set = set->next)
		if (set->name.len)
			digests.sets[set->id] = digest_set(&buffer, set);
	for (const struct nft_helper *helper = table->helpers; helper; helper = helper->next)
		digests.helpers[n++] = digest_helper(&buffer, helper);
	out_free(&buffer);
	return digests;
}

/* ---- the set of them ---- */

/* All of them, sorted. */
static struct nft_digest *collect(struct arena *arena, const struct nft_table *table,
				  const struct nft_table_digests *digests, uint32_t *count)
{
	uint32_t most = table->chain_count + table->set_count + table->helper_count, n = table->chain_count;
	struct nft_digest *all = ARENA_ARRAY(arena, struct nft_digest, most);

	memcpy(all, digests->chains, n * sizeof(*all));
	for (const struct nft_set *s = table->sets; s; s = s->next)
		if (s->name.len)
			all[n++] = digests->sets[s->id];
	for (uint32_t i = 0; i < table->helper_count; i++)
		all[n++] = digests->helpers[i];
	qsort(all, n, sizeof(*all), compare_digests_16);
	*count = n;
	return all;
}

static struct nft_set *make_set(struct arena *arena, const struct nft_table *table,
				const struct nft_table_digests *digests)
{
	struct nft_set *set = ARENA_NEW(arena, struct nft_set);
	struct nft_digest *all = collect(arena, table, digests, &set->element_count);

	set->name = TEXT(NFT_DIGEST_SET);
	set->part_count = 1;
	set->parts[0] = NFT_TYPE_IPV6_ADDR;
	set->id = table->set_count + 1;
	set->elements = ARENA_ARRAY(arena, struct nft_element, set->element_count);
	for (uint32_t i = 0; i < set->element_count; i++) {
		set->elements[i].key[0].length = NFT_DIGEST_BYTES;
		memcpy(set->elements[i].key[0].bytes, all[i].bytes, NFT_DIGEST_BYTES);
	}
	return set;
}

struct nft_digests nft_digests_add(struct arena *arena, const struct nft_ruleset *ruleset)
{
	struct nft_digests digests = { 0 };

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nft_table *table = ruleset->tables[i];

		if (!table)
			continue;
		digests.tables[i] = digest_table(arena, table);
		*table->last_set = make_set(arena, table, &digests.tables[i]);
		table->last_set = &(*table->last_set)->next;
		table->set_count++;
	}
	return digests;
}
