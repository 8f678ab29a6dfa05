/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source addresses that NICs may send from.  All NICs share one hash set for each
 * prefix length that occurs, of pairs of interface and network; a chain asks them
 * one after the other and drops what none has.  Intervals would do with one set,
 * but lose packets while they are replaced.
 */
#include "nft/lower/build.h"

enum { LENGTHS = 129 };

struct nft_filter {
	const char *name;
	enum nft_field fields[2];         /* NFT_FIELDS: none */
	struct nft_list lists[2][LENGTHS]; /* by family_mask and prefix length */
	struct nft_chain *chain;
};

struct nft_filter *nft_filter_new(struct nft_builder *b, const char *name, enum nft_field field4,
				  enum nft_field field6)
{
	struct nft_filter *filter = ARENA_NEW(b->arena, struct nft_filter);

	filter->name = name;
	filter->fields[0] = field4;
	filter->fields[1] = field6;
	filter->chain = nft_chain_add(b, text_of(name));
	return filter;
}

struct nft_chain *nft_filter_chain(struct nft_filter *filter)
{
	return filter->chain;
}

void nft_filter_add(struct nft_builder *b, struct nft_filter *filter, struct text device, const struct address_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		struct prefix *prefixes;
		uint32_t count = address_range_split(b->arena, &set->ranges[i], set->size, &prefixes);

		for (uint32_t j = 0; j < count; j++)
			nft_list_add(b, &filter->lists[set->size != 4][prefixes[j].length],
				     nft_iface_value(device, false), nft_bytes(prefixes[j].bytes, (uint8_t)set->size));
	}
}

static struct nft_key address_key(enum nft_field field, unsigned length)
{
	struct nft_key key = nft_key(field);
	unsigned size = nft_types[nft_fields[field].type].length;

	if (length == size * 8)
		return key;
	key.masked = true;
	key.mask.length = (uint8_t)size;
	for (unsigned bit = 0; bit < length; bit++)
		key.mask.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return key;
}

static struct nft_statement protocol_of(struct nft_builder *b, enum nft_field field)
{
	if (field == NFT_FIELD_ARP_SADDR_IP)
		return nft_is(b, NFT_FIELD_PROTOCOL, ETHER_ARP);
	return nft_family(b, field == NFT_FIELD_IP_SADDR ? IPV4 : IPV6);
}

static void add_length(struct nft_builder *b, struct nft_filter *filter, unsigned six, unsigned length)
{
	const char *name = arena_printf(b->arena, "%s-v%c-%u", filter->name, six ? '6' : '4', length);
	struct nft_list *list = &filter->lists[six][length];
	enum nft_field field = filter->fields[six];
	struct nft_draft d = { .count = 0 };

	nft_draft_add(&d, protocol_of(b, field));
	if (length)
		nft_draft_pair_in(b, &d, name, NFT_FIELD_IIFNAME, address_key(field, length), list);
	else
		nft_draft_iface_in(b, &d, name, NFT_FIELD_IIFNAME, list);
	nft_draft_add(&d, nft_to(NFT_TO_RETURN));
	nft_rule_add(b, filter->chain, d.items, d.count);
}

void nft_filter_finish(struct nft_builder *b, struct nft_filter *filter)
{
	for (unsigned six = 0; six < 2; six++)
		for (unsigned length = LENGTHS; length-- > 0;)
			if (filter->lists[six][length].count)
				add_length(b, filter, six, length);
	NFT_RULE(b, filter->chain, nft_to(NFT_TO_DROP));
}
