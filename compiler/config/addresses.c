/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/addresses.h"

#include "net/prefix_set.h"

struct cached_set {
	const struct ipset *set;
	struct interval_set values[2]; /* IPv4, IPv6 */
	UT_hash_handle hh;
};

void address_cache_free(struct address_cache *cache)
{
	HASH_CLEAR(hh, cache->sets);
	arena_free(&cache->arena);
}

static struct interval_set resolve_set(struct arena *arena, const struct ipset *set, unsigned family_mask)
{
	uint32_t count = 0;
	struct prefix_entry *entries;
	struct interval *ranges;
	struct address_set found;

	for (const struct set_entry *e = set->entries; e; e = e->next)
		count++;
	entries = ARENA_ARRAY(arena, struct prefix_entry, count);
	count = 0;
	for (const struct set_entry *e = set->entries; e; e = e->next)
		if (!e->repeated && (!e->alias || e->alias->valid))
			entries[count++] = (struct prefix_entry){ e->alias ? e->alias->prefix : e->prefix,
								  e->nomatch };
	found = prefix_set_resolve(arena, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
	ranges = ARENA_ARRAY(arena, struct interval, found.count);
	for (uint32_t i = 0; i < found.count; i++)
		ranges[i] = (struct interval){ number_of_address(found.ranges[i].first, found.size),
					       number_of_address(found.ranges[i].last, found.size) };
	return (struct interval_set){ ranges, found.count };
}

struct interval_set ipset_addresses(struct address_cache *cache, const struct ipset *set,
				    unsigned family_mask)
{
	struct cached_set *cached;

	HASH_FIND_PTR(cache->sets, &set, cached);
	if (!cached) {
		cached = ARENA_NEW(&cache->arena, struct cached_set);
		cached->set = set;
		cached->values[0] = resolve_set(&cache->arena, set, IPV4);
		cached->values[1] = resolve_set(&cache->arena, set, IPV6);
		HASH_ADD_PTR(cache->sets, set, cached);
	}
	return cached->values[family_mask == IPV6];
}

struct interval_set endpoint_addresses(struct address_cache *cache, struct arena *arena,
				       const struct endpoint *endpoint, unsigned family_mask)
{
	const struct prefix *p = endpoint->prefixes;
	struct interval *range;

	switch (endpoint->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		return ipset_addresses(cache, endpoint->ipset, family_mask);
	case ENDPOINT_ALIAS:
		return interval_set_of_prefixes(arena, &endpoint->alias->prefix, 1, family_mask);
	case ENDPOINT_RANGE:
		if (prefix_family_mask(&p[0]) != family_mask)
			return (struct interval_set){ NULL, 0 };
		range = ARENA_NEW(arena, struct interval);
		*range = (struct interval){ interval_of_prefix(&p[0]).first, interval_of_prefix(&p[1]).last };
		return (struct interval_set){ range, 1 };
	case ENDPOINT_LIST:
		return interval_set_of_prefixes(arena, p, endpoint->count, family_mask);
	}
	return every_address(family_mask);
}
