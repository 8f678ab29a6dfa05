/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets. A pass collects elements and asks for a set; equal contents give the same
 * set. IP sets are resolved to ranges once for both tables; one with single addresses only
 * needs no intervals.
 */
#include "nft/lower/build.h"

#include "lang/limit_table.h"

/* ---- sets by contents ---- */

struct interned {
	const struct nft_set *set;
	UT_hash_handle hh;
};

/* What makes sets equal, as bytes. */
static struct text nft_set_contents(struct arena *arena, const struct nft_set *set)
{
	size_t size = 4 + set->element_count * (size_t)(set->part_count + set->interval) * 16;
	char *bytes = arena_alloc(arena, size), *at = bytes;

	*at++ = (char)set->interval;
	*at++ = (char)set->part_count;
	*at++ = (char)set->parts[0];
	*at++ = (char)set->parts[1];
	for (uint32_t i = 0; i < set->element_count; i++) {
		const struct nft_element *e = &set->elements[i];

		for (unsigned part = 0; part < set->part_count; part++, at += 16)
			memcpy(at, e->key[part].bytes, 16);
		if (set->interval) {
			memcpy(at, e->last.bytes, 16);
			at += 16;
		}
	}
	return (struct text){ bytes, (uint32_t)size };
}

const struct nft_set *nft_set_add(struct nft_builder *b, const struct nft_set *draft)
{
	struct nft_set *set = ARENA_NEW(b->arena, struct nft_set);

	*set = *draft;
	set->id = ++b->table->set_count;
	set->next = NULL;
	set->elements = ARENA_ARRAY(b->arena, struct nft_element, draft->element_count);
	if (draft->element_count)
		memcpy(set->elements, draft->elements, draft->element_count * sizeof(*set->elements));
	*b->table->last_set = set;
	b->table->last_set = &set->next;
	return set;
}

const struct nft_set *nft_set_of(struct nft_builder *b, struct nft_set draft)
{
	struct text contents = nft_set_contents(b->drafts, &draft);
	struct interned *found = NULL;

	HASH_FIND(hh, b->interned, contents.ptr, contents.len, found);
	if (found)
		return found->set;
	found = ARENA_NEW(b->drafts, struct interned);
	found->set = nft_set_add(b, &draft);
	HASH_ADD_KEYPTR(hh, b->interned, contents.ptr, contents.len, found);
	return found->set;
}

void nft_forget_sets(struct nft_builder *b)
{
	HASH_CLEAR(hh, b->interned);
}

/* ---- IP sets ---- */

struct resolved_key {
	const struct ipset *ipset;
	uintptr_t family_mask;
};

struct resolved_set {
	struct resolved_key key;
	struct address_set set;
	const struct nft_set *made[NFT_TABLES]; /* for a rule, of more than one range */
	UT_hash_handle hh;
};

static struct resolved_set *nft_find_resolved(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask)
{
	struct resolved_key key = { ipset, family_mask };
	struct resolved_set *found = NULL;
	struct prefix_entry *entries;
	struct address_range *ranges;
	struct arena_mark mark = arena_mark(&b->scratch);
	uint32_t count = 0;

	HASH_FIND(hh, *b->resolved, &key, sizeof(key), found);
	if (found)
		return found;
	for (const struct set_entry *e = ipset->entries; e; e = e->next)
		count++;
	entries = ARENA_ARRAY(&b->scratch, struct prefix_entry, count);
	count = 0;
	for (const struct set_entry *e = ipset->entries; e; e = e->next)
		if (!e->repeated)
			entries[count++] = (struct prefix_entry){ e->prefix, e->nomatch };
	found = ARENA_NEW(b->drafts, struct resolved_set);
	found->key = key;
	found->set = prefix_set_resolve(&b->scratch, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
	ranges = ARENA_ARRAY(b->drafts, struct address_range, found->set.count);
	if (found->set.count)
		memcpy(ranges, found->set.ranges, found->set.count * sizeof(*ranges));
	found->set.ranges = ranges;
	arena_release(&b->scratch, mark);
	HASH_ADD(hh, *b->resolved, key, sizeof(key), found);
	return found;
}

const struct address_set *nft_resolve(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask)
{
	return &nft_find_resolved(b, ipset, family_mask)->set;
}

void nft_forget_resolved(struct resolved_set **resolved)
{
	HASH_CLEAR(hh, *resolved);
}

_Static_assert(sizeof("guest-4294967295-" "-v6") - 1 + LIMIT_SET_NAME <= LIMIT_NFT_NAME, "a set has a name");

static const struct nft_set *nft_ipset_of(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask,
					  const struct address_set *ranges)
{
	const char *scope = ipset->scope == SCOPE_GUEST ? arena_printf(b->arena, "guest-%u", ipset->vmid) :
			    ipset->scope == SCOPE_SDN	? "sdn" :
							  "cluster";
	uint8_t size = (uint8_t)ranges->size;
	struct nft_set draft = { .part_count = 1, .element_count = ranges->count };

	draft.name = text_of(arena_printf(b->arena, "%s-%.*s-v%c", scope, TEXT_ARG(ipset->name),
					  family_mask == IPV4 ? '4' : '6'));
	draft.parts[0] = size == 4 ? NFT_TYPE_IPV4_ADDR : NFT_TYPE_IPV6_ADDR;
	draft.elements = ARENA_ARRAY(b->drafts, struct nft_element, ranges->count);
	for (uint32_t i = 0; i < ranges->count; i++) {
		const struct address_range *range = &ranges->ranges[i];

		draft.elements[i].key[0] = nft_bytes(range->first, size);
		draft.elements[i].last = nft_bytes(range->last, size);
		draft.interval |= memcmp(range->first, range->last, size) != 0;
	}
	return nft_set_of(b, draft);
}

struct nft_statement nft_in_ipset(struct nft_builder *b, enum nft_field field, const struct ipset *ipset,
				  unsigned family_mask)
{
	struct resolved_set *resolved = nft_find_resolved(b, ipset, family_mask);
	const struct nft_set **made = &resolved->made[b->bridge];

	if (!*made)
		*made = nft_ipset_of(b, ipset, family_mask, &resolved->set);
	return nft_match(b, (struct nft_match){ .keys = { nft_key(field) }, .key_count = 1, .op = NFT_OP_IN, .set = *made });
}

void nft_from_ipset(struct nft_builder *b, struct nft_chain *chain, const struct ipset *ipset,
		    struct nft_statement verdict)
{
	for (unsigned family = IPV4; family <= IPV6; family++) {
		enum nft_field field = family == IPV4 ? NFT_FIELD_IP_SADDR : NFT_FIELD_IP6_SADDR;
		const struct address_set *set = nft_resolve(b, ipset, family);
		struct nft_draft d = { .count = 0 };

		if (!set->count)
			continue;
		nft_draft_add(&d, nft_family(b, family));
		if (set->count > 1)
			nft_draft_add(&d, nft_in_ipset(b, field, ipset, family));
		else if (address_range_bits(&set->ranges[0], set->size) != 0)
			nft_draft_add(&d, nft_address(b, field, &set->ranges[0], set->size));
		nft_draft_end(b, chain, &d, verdict);
	}
}
