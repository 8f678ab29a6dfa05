/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets.  Whoever wants one collects its elements and asks for it; equal contents
 * give the same set.  IP sets are resolved to ranges once, for both tables; one
 * that holds nothing but single addresses needs no intervals.
 */
#include "nft/lower/build.h"

#include "lang/limit_table.h"

/* ---- sets by contents ---- */

struct interned {
	const struct nft_set *set;
	UT_hash_handle hh;
};

static size_t contents_size(const struct nft_set *set)
{
	return 4 + set->element_count * (size_t)(set->part_count + set->interval) * 16;
}

/* What makes sets equal, as bytes. */
static struct text set_contents(struct arena *arena, const struct nft_set *set)
{
	size_t size = contents_size(set);
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
	*b->table->last_set = set;
	b->table->last_set = &set->next;
	return set;
}

const struct nft_set *nft_set_of(struct nft_builder *b, struct nft_set draft)
{
	struct interned *found = NULL;
	struct text contents;

	contents = set_contents(b->arena, &draft);
	HASH_FIND(hh, b->interned, contents.ptr, contents.len, found);
	if (found)
		return found->set;
	found = ARENA_NEW(b->arena, struct interned);
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
	const struct nft_set *made[NFT_TABLES]; /* of more than one range, where a rule has asked for it */
	UT_hash_handle hh;
};

static struct address_set resolve(struct arena *arena, const struct ipset *ipset, unsigned family_mask)
{
	struct prefix_entry *entries;
	uint32_t count = 0;

	for (const struct set_entry *e = ipset->entries; e; e = e->next)
		count++;
	entries = ARENA_ARRAY(arena, struct prefix_entry, count);
	count = 0;
	for (const struct set_entry *e = ipset->entries; e; e = e->next)
		if (!e->repeated)
			entries[count++] = (struct prefix_entry){ e->prefix, e->nomatch };
	return prefix_set_resolve(arena, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
}

static struct resolved_set *find_resolved(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask)
{
	struct resolved_key key = { ipset, family_mask };
	struct resolved_set *found = NULL;

	HASH_FIND(hh, *b->resolved, &key, sizeof(key), found);
	if (found)
		return found;
	found = ARENA_NEW(b->arena, struct resolved_set);
	found->key = key;
	found->set = resolve(b->arena, ipset, family_mask);
	HASH_ADD(hh, *b->resolved, key, sizeof(key), found);
	return found;
}

const struct address_set *nft_resolve(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask)
{
	return &find_resolved(b, ipset, family_mask)->set;
}

void nft_forget_resolved(struct resolved_set **resolved)
{
	HASH_CLEAR(hh, *resolved);
}

_Static_assert(sizeof("guest-4294967295-" "-v6") - 1 + LIMIT_SET_NAME <= LIMIT_NFT_NAME, "a set has a name");

static struct text ipset_name(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask)
{
	char v = family_mask == IPV4 ? '4' : '6';

	if (ipset->scope == SCOPE_GUEST)
		return text_of(arena_printf(b->arena, "guest-%u-%.*s-v%c", ipset->vmid, TEXT_ARG(ipset->name), v));
	return text_of(arena_printf(b->arena, "%s-%.*s-v%c", ipset->scope == SCOPE_SDN ? "sdn" : "cluster",
				    TEXT_ARG(ipset->name), v));
}

static bool only_single_addresses(const struct address_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (memcmp(set->ranges[i].first, set->ranges[i].last, set->size) != 0)
			return false;
	return true;
}

static const struct nft_set *set_of_ranges(struct nft_builder *b, const struct address_set *ranges, struct text name)
{
	uint8_t size = (uint8_t)ranges->size;
	struct nft_set draft = { .name = name, .part_count = 1, .element_count = ranges->count };

	draft.parts[0] = size == 4 ? NFT_TYPE_IPV4_ADDR : NFT_TYPE_IPV6_ADDR;
	draft.interval = !only_single_addresses(ranges);
	draft.elements = ARENA_ARRAY(b->arena, struct nft_element, ranges->count);
	for (uint32_t i = 0; i < ranges->count; i++) {
		draft.elements[i].key[0] = nft_bytes(ranges->ranges[i].first, size);
		draft.elements[i].last = nft_bytes(ranges->ranges[i].last, size);
	}
	return nft_set_of(b, draft);
}

struct nft_statement nft_in_ipset(struct nft_builder *b, enum nft_field field, const struct ipset *ipset,
				  unsigned family_mask)
{
	struct nft_match m = { .keys = { nft_key(field) }, .key_count = 1, .op = NFT_OP_IN };
	struct resolved_set *resolved = find_resolved(b, ipset, family_mask);
	const struct nft_set **made = &resolved->made[b->bridge];

	if (!*made)
		*made = set_of_ranges(b, &resolved->set, ipset_name(b, ipset, family_mask));
	m.set = *made;
	return nft_match(b, m);
}

bool nft_draft_from_ipset(struct nft_builder *b, struct nft_draft *d, const struct ipset *ipset, unsigned family_mask)
{
	enum nft_field field = family_mask == IPV4 ? NFT_FIELD_IP_SADDR : NFT_FIELD_IP6_SADDR;
	const struct address_set *set = nft_resolve(b, ipset, family_mask);

	if (!set->count)
		return false;
	nft_draft_add(d, nft_family(b, family_mask));
	if (set->count > 1)
		nft_draft_add(d, nft_in_ipset(b, field, ipset, family_mask));
	else if (address_range_bits(&set->ranges[0], set->size) != 0)
		nft_draft_add(d, nft_address(b, field, &set->ranges[0], set->size));
	return true;
}
