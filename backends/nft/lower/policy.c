/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging (spec 2.4), and policies at the end of a chain. */
#include "nft/lower/build.h"

#include "lang/limit_table.h"

/* ---- logging ---- */

static struct nft_limit limit_of(const struct ratelimit *r)
{
	static const struct {
		const char *name;
		enum nft_unit unit;
	} units[] = { { "/second", NFT_SECOND }, { "/minute", NFT_MINUTE }, { "/hour", NFT_HOUR }, { "/day", NFT_DAY } };
	struct nft_limit limit = { .rate = 1, .unit = NFT_SECOND, .burst = LIMIT_LOG_BURST_DEFAULT };
	long slash = text_find(r->rate, '/');
	uint64_t most;

	if (r->burst)
		limit.burst = r->burst;
	if (slash >= 0)
		text_to_number((struct text){ r->rate.ptr, (uint32_t)slash }, UINT32_MAX, &limit.rate);
	for (size_t i = 0; slash >= 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (text_is((struct text){ r->rate.ptr + slash, r->rate.len - (uint32_t)slash }, units[i].name))
			limit.unit = units[i].unit;
	/* The kernel counts it in nanoseconds of the unit, in 64 bits. */
	most = UINT64_MAX / 1000000000 / limit.unit - 1;
	if (limit.burst > most)
		limit.burst = (uint32_t)most;
	return limit;
}

static struct nft_statement log_statement(struct nft_builder *b, const struct nft_place *place, enum log_level level,
					  const char *message)
{
	const char *prefix = arena_printf(b->arena, ":%u:%u:%.*s: %s", place->vmid, (unsigned)level,
					  TEXT_ARG(place->chain->name), message);

	return (struct nft_statement){ .kind = NFT_STMT_LOG, .log_prefix = text_of(prefix) };
}

struct nft_rule *nft_log_add(struct nft_builder *b, const struct nft_place *place, struct nft_chain *chain,
			     const struct nft_draft *matches, enum log_level level, const char *message)
{
	const struct ratelimit *rate = &b->config->cluster_options.log_ratelimit;
	struct nft_draft d = *matches;

	if (level == LOG_NOLOG)
		return NULL;
	if (!rate->off) {
		struct nft_limit *limit = ARENA_NEW(b->arena, struct nft_limit);

		*limit = limit_of(rate);
		nft_draft_add(&d, (struct nft_statement){ .kind = NFT_STMT_LIMIT, .limit = limit });
	}
	nft_draft_add(&d, log_statement(b, place, level, message));
	return nft_rule_add(b, chain, d.items, d.count);
}

const char *nft_log_message(const struct nft_place *place, enum action action)
{
	static const char *const messages[ACTIONS] = { "ACCEPT: ", "DROP: ", "REJECT: " };

	return place->group ? "" : messages[action];
}

/* ---- policies ---- */

/* One policy, while it becomes rules. */
struct ending {
	struct nft_builder *b;
	const struct nft_place *place;
	const struct policy *policy;
};

static void from_option(const struct ending *e, struct nft_rule *rule)
{
	static const char *const options[] = { "policy_in", "policy_out", "policy_forward" };

	if (e->policy->span.begin)
		nft_rule_from(e->b, rule, e->policy->span);
	else
		nft_rule_from_default(e->b, rule, e->place->file, options[e->place->direction]);
}

/* All that comes to the policy is counted once, whether it logs or not. */
static void end_counted(const struct ending *e, struct nft_statement verdict)
{
	from_option(e, NFT_RULE(e->b, e->place->chain, nft_counter(), verdict));
}

static void drop_or_reject(const struct ending *e, bool reject, enum log_level level)
{
	static const struct nft_draft always;
	struct nft_builder *b = e->b;
	struct nft_chain *chain = e->place->chain;

	if (level == LOG_NOLOG) {
		end_counted(e, nft_to_chain(NFT_TO_GOTO, nft_policy_chain(b, reject)));
		return;
	}
	end_counted(e, nft_to_chain(NFT_TO_JUMP, nft_noise_chain(b, reject)));
	from_option(e, nft_log_add(b, e->place, chain, &always, level, reject ? "policy REJECT: " : "policy DROP: "));
	from_option(e, NFT_RULE(b, chain, reject ? nft_to_chain(NFT_TO_GOTO, nft_reject_chain(b)) : nft_to(NFT_TO_DROP)));
}

void nft_policy(struct nft_builder *b, const struct nft_place *place, const struct policy *policy, enum log_level level)
{
	struct ending e = { b, place, policy };

	if (policy->action == ACTION_ACCEPT)
		end_counted(&e, place->accept);
	else
		drop_or_reject(&e, policy->action == ACTION_REJECT, level);
}
