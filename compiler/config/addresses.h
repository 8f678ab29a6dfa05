/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses that a source or destination of a rule stands for. */
#ifndef PVEFW_CONFIG_ADDRESSES_H
#define PVEFW_CONFIG_ADDRESSES_H

#include "config/config.h"
#include "net/interval_set.h"

/* The addresses of IP sets, which are computed once; begins zeroed. */
struct address_cache {
	struct arena arena;
	struct cached_set *sets; /* uthash */
};

void address_cache_free(struct address_cache *cache);

/* All addresses of IPv4 or IPv6. */
static inline struct interval_set every_address(unsigned family_mask)
{
	return interval_set_everyone(family_mask == IPV4 ? AF_INET : AF_INET6);
}

static inline bool is_every_address(const struct interval_set *values, unsigned family_mask)
{
	struct interval_set all = every_address(family_mask);

	return values->count == 1 && number_compare(values->ranges[0].first, all.ranges[0].first) == 0 &&
	       number_compare(values->ranges[0].last, all.ranges[0].last) == 0;
}

/* Results last as long as the cache and `arena`; those of one set are always the same ranges. */
struct interval_set ipset_addresses(struct address_cache *cache, const struct ipset *set,
				    unsigned family_mask);
struct interval_set endpoint_addresses(struct address_cache *cache, struct arena *arena,
				       const struct endpoint *endpoint, unsigned family_mask);

#endif
