/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digests of chains, sets and helpers: what two of the same name must agree in to
 * be the same for packets and in listings.  Everything is written to a buffer, each
 * piece with its length, and SHA-1 of it cut to the size of an IPv6 address: that
 * is a type a set can have, and its elements are all it needs.
 */
#include <sha1.h>
#include <stdlib.h>

#include "nft/netlink.h"

/* ---- what is digested ---- */

static void feed_number(struct out *out, uint64_t number)
{
	out_bytes(out, (const char *)&number, sizeof(number));
}

static void feed_text(struct out *out, struct text text)
{
	out_char(out, (char)text.len);
	out_char(out, (char)(text.len >> 8));
	out_text(out, text);
}

static void feed_value(struct out *out, const struct nft_value *value)
{
	out_char(out, (char)value->length);
	out_bytes(out, (const char *)value->bytes, value->length);
}

static void feed_verdict(struct out *out, const struct nft_verdict *verdict)
{
	out_char(out, (char)verdict->kind);
	if (verdict->chain)
		feed_text(out, verdict->chain->name);
}

static void feed_element(struct out *out, const struct nft_set *set, const struct nft_element *element)
{
	for (unsigned i = 0; i < set->part_count; i++)
		feed_value(out, &element->key[i]);
	if (set->interval)
		feed_value(out, &element->last);
	if (set->verdicts)
		feed_verdict(out, &element->verdict);
}

static void feed_set(struct out *out, const struct nft_set *set)
{
	const char kind[] = { 's', (char)set->verdicts, (char)set->interval, (char)set->dynamic,
			      (char)set->part_count };

	out_bytes(out, kind, sizeof(kind));
	feed_text(out, set->name);
	for (unsigned i = 0; i < set->part_count; i++)
		out_char(out, (char)set->parts[i]);
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
	out_char(out, (char)count);
	for (unsigned i = 0; i < count; i++) {
		out_char(out, (char)keys[i].field);
		out_char(out, (char)keys[i].masked);
		if (keys[i].masked)
			feed_value(out, &keys[i].mask);
	}
}

static void feed_match(struct out *out, const struct nft_match *match)
{
	out_char(out, (char)match->op);
	out_char(out, (char)match->bits);
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
	out_char(out, (char)s->kind);
	switch (s->kind) {
	case NFT_STMT_MATCH:
		feed_match(out, s->match);
		break;
	case NFT_STMT_VMAP:
		feed_keys(out, s->vmap.keys, s->vmap.key_count);
		feed_set_used(out, s->vmap.set);
		break;
	case NFT_STMT_VERDICT:
		feed_verdict(out, &s->verdict);
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
	case NFT_STMT_CT_HELPER:
		feed_text(out, s->helper->name);
		break;
	case NFT_STMT_UPDATE:
		feed_keys(out, &s->update.key, 1);
		feed_set_used(out, s->update.set);
		feed_limit(out, s->update.limit);
		break;
	case NFT_STMT_REJECT:
		out_char(out, (char)s->answer);
		break;
	case NFT_STMT_QUEUE:
		feed_number(out, (uint64_t)s->queue.first << 16 | s->queue.last);
		break;
	}
}

static void feed_chain(struct out *out, const struct nft_chain *chain)
{
	out_char(out, 'c');
	feed_text(out, chain->name);
	feed_number(out, (uint64_t)chain->hook << 32 | (uint32_t)chain->priority);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next) {
		feed_number(out, rule->statement_count);
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

struct nft_digest nft_digest_chain(struct out *buffer, const struct nft_chain *chain)
{
	buffer->len = 0;
	feed_chain(buffer, chain);
	return digest_of(buffer);
}

struct nft_digest nft_digest_set(struct out *buffer, const struct nft_set *set)
{
	buffer->len = 0;
	feed_set(buffer, set);
	return digest_of(buffer);
}

struct nft_digest nft_digest_helper(struct out *buffer, const struct nft_helper *helper)
{
	buffer->len = 0;
	out_char(buffer, 'h');
	out_char(buffer, (char)helper->protocol);
	feed_text(buffer, helper->name);
	out_string(buffer, helper->helper);
	return digest_of(buffer);
}

/* ---- the set of them ---- */

static int compare_elements(const void *a, const void *b)
{
	return memcmp(((const struct nft_element *)a)->key[0].bytes, ((const struct nft_element *)b)->key[0].bytes,
		      NFT_DIGEST_BYTES);
}

static void add_element(struct nft_set *set, struct nft_digest digest)
{
	struct nft_value *key = &set->elements[set->element_count++].key[0];

	key->length = NFT_DIGEST_BYTES;
	memcpy(key->bytes, digest.bytes, NFT_DIGEST_BYTES);
}

static void fill(struct nft_set *digests, const struct nft_table *table)
{
	struct out buffer;

	out_init_memory(&buffer);
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		add_element(digests, nft_digest_chain(&buffer, chain));
	for (const struct nft_set *set = table->sets; set; set = set->next)
		if (set->name.len)
			add_element(digests, nft_digest_set(&buffer, set));
	for (const struct nft_helper *helper = table->helpers; helper; helper = helper->next)
		add_element(digests, nft_digest_helper(&buffer, helper));
	out_free(&buffer);
	qsort(digests->elements, digests->element_count, sizeof(*digests->elements), compare_elements);
}

static bool has_digests(const struct nft_table *table)
{
	for (const struct nft_set *set = table->sets; set; set = set->next)
		if (text_is(set->name, NFT_DIGEST_SET))
			return true;
	return false;
}

static void add_set(struct arena *arena, struct nft_table *table)
{
	uint32_t most = table->chain_count + table->set_count + table->helper_count;
	struct nft_set *digests = ARENA_NEW(arena, struct nft_set);

	digests->name = TEXT(NFT_DIGEST_SET);
	digests->part_count = 1;
	digests->parts[0] = NFT_TYPE_IPV6_ADDR;
	digests->elements = ARENA_ARRAY(arena, struct nft_element, most);
	fill(digests, table);
	digests->id = ++table->set_count;
	*table->last_set = digests;
	table->last_set = &digests->next;
}

void nft_digests_add(struct arena *arena, const struct nft_ruleset *ruleset)
{
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (ruleset->tables[i] && !has_digests(ruleset->tables[i]))
			add_set(arena, ruleset->tables[i]);
}
