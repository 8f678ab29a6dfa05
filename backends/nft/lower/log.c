/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that log (spec 2.4). */
#include "nft/lower/passes.h"

#include "lang/limit_table.h"

static struct nft_limit nft_limit_of(const struct ratelimit *r)
{
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = { { "/second", 1 }, { "/minute", 60 }, { "/hour", 3600 }, { "/day", 86400 } };
	struct nft_limit limit = { .rate = 1, .unit = 1, .burst = r->burst ? r->burst : LIMIT_LOG_BURST_DEFAULT };
	long slash = text_find(r->rate, '/');
	uint64_t burst_max;

	if (slash >= 0) {
		text_to_number((struct text){ r->rate.ptr, (uint32_t)slash }, UINT32_MAX, &limit.rate);
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (text_is(text_skip(r->rate, (uint32_t)slash), units[i].name))
				limit.unit = units[i].seconds;
	}
	/* The kernel computes burst times the unit's nanoseconds in 64 bits. */
	burst_max = UINT64_MAX / 1000000000 / limit.unit - 1;
	if (limit.burst > burst_max)
		limit.burst = (uint32_t)burst_max;
	return limit;
}

struct nft_rule *nft_log_add(struct nft_builder *b, const struct nft_place *place, struct nft_chain *chain,
			     const struct nft_draft *matches, enum log_level level, const char *message)
{
	const struct ratelimit *rate = &b->config->cluster_options.log_ratelimit;
	struct nft_draft d = *matches;
	struct text prefix;

	if (level == LOG_NOLOG)
		return NULL;
	if (!rate->off) {
		struct nft_limit *limit = ARENA_NEW(b->arena, struct nft_limit);

		*limit = nft_limit_of(rate);
		nft_draft_add(&d, (struct nft_statement){ .kind = NFT_STMT_LIMIT, .limit = limit });
	}
	prefix = text_of(arena_printf(b->arena, ":%u:%u:%.*s: %s", place->zone.vmid, (unsigned)level,
				      TEXT_ARG(place->chain->name), message));
	return nft_draft_end(b, chain, &d, (struct nft_statement){ .kind = NFT_STMT_LOG, .log_prefix = prefix });
}
