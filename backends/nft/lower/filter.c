/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source addresses that NICs may use. All NICs share a hash set for each prefix length
 * that occurs, of pairs of interface and network. A chain looks these up one after the
 * other and drops what is in none. Intervals would need one set only, but they lose
 * packets while they are replaced.
 */
#include "nft/lower/passes.h"

enum { NFT_PREFIX_LENGTHS = 129 };

struct nft_filter {
	const char *name;
	enum nft_field fields[2];                    /* IPv4, IPv6; NFT_FIELDS: none */
	struct nft_list lists[2][NFT_PREFIX_LENGTHS]; /* by family and prefix length */
	struct nft_chain *chain;
};

struct nft_filter *nft_filter_new(struct nft_builder *b, const char *name, enum nft_field field4, enum nft_field field6)
{
	struct nft_filter *filter = ARENA_NEW(b->drafts, struct nft_filter);

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
		struct arena_mark mark = arena_mark(&b->scratch);
		struct prefix *prefixes;
		uint32_t count = address_range_split(&b->scratch, &set->ranges[i], set->size, &prefixes);

		for (uint32_t j = 0; j < count; j++)
			nft_list_add(b, &filter->lists[set->size != 4][prefixes[j].length],
				     nft_iface_value(device, false), nft_bytes(prefixes[j].bytes, (uint8_t)set->size));
		arena_release(&b->scratch, mark);
	}
}

/* The field, with a mask unless `length` is all of it. */
static struct nft_key nft_prefix_key(enum nft_field field, unsigned length)
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

void nft_filter_finish(struct nft_builder *b, struct nft_filter *filter)
{
	for (unsigned six = 0; six < 2; six++)
		for (unsigned length = NFT_PREFIX_LENGTHS; length-- > 0;) {
			struct nft_list *list = &filter->lists[six][length];
			enum nft_field field = filter->fields[six];
			struct nft_draft d = { .count = 0 };
			const char *name;

			if (!list->count)
				continue;
			name = arena_printf(b->arena, "%s-v%c-%u", filter->name, six ? '6' : '4', length);
			nft_draft_add(&d, field == NFT_FIELD_ARP_SADDR_IP ? nft_is(b, NFT_FIELD_PROTOCOL, ETH_P_ARP) :
									    nft_family(b, six ? IPV6 : IPV4));
			if (length)
				nft_draft_pair(b, &d, name, NFT_FIELD_IIFNAME, nft_prefix_key(field, length), list, true);
			else
				nft_draft_iface_in(b, &d, name, NFT_FIELD_IIFNAME, list);
			nft_draft_end(b, filter->chain, &d, nft_to(NFT_TO_RETURN));
		}
	nft_rule_implied(NFT_RULE(b, filter->chain, nft_to(NFT_TO_DROP)), IMPLIED_IP_FILTER);
}
