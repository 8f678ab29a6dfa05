/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both tables do with packets before they are filtered: they limit sources that open too
 * many TCP connections, and assign conntrack helpers (spec 2.11, 3.4).
 */
#include "nft/lower/passes.h"

/* Sources that are counted at a time; further ones pass uncounted. */
enum { NFT_SOURCES_MAX = 65535 };

/* Counts the source, with IPv6 its /64, and matches when it is over the limit. */
static struct nft_statement nft_count_source(struct nft_builder *b, bool six, const struct nft_limit *limit)
{
	static const struct nft_value network = { 16, { 255, 255, 255, 255, 255, 255, 255, 255 } };
	struct nft_update *update = ARENA_NEW(b->arena, struct nft_update);
	struct nft_set sources = { .name = six ? TEXT("synflood-v6") : TEXT("synflood-v4"), .dynamic = true,
				   .part_count = 1, .size = NFT_SOURCES_MAX };

	sources.parts[0] = six ? NFT_TYPE_IPV6_ADDR : NFT_TYPE_IPV4_ADDR;
	sources.timeout = (uint32_t)b->config->host_options.nf_conntrack_tcp_timeout_syn_recv;
	update->limit = limit;
	update->set = nft_set_add(b, &sources);
	update->key = nft_key(six ? NFT_FIELD_IP6_SADDR : NFT_FIELD_IP_SADDR);
	if (six) {
		update->key.masked = true;
		update->key.mask = network;
	}
	return (struct nft_statement){ .kind = NFT_STMT_UPDATE, .update = update };
}

static void nft_limit_synflood(struct nft_builder *b, struct nft_chain *chain)
{
	const struct host_options *o = &b->config->host_options;
	struct nft_limit *limit = ARENA_NEW(b->arena, struct nft_limit);

	*limit = (struct nft_limit){ (uint64_t)o->protection_synflood_rate, 1, (uint32_t)o->protection_synflood_burst };
	for (unsigned family = IPV4; family <= IPV6; family++)
		nft_rule_implied(NFT_RULE(b, chain, nft_family(b, family), nft_proto(b, IPPROTO_TCP),
					  nft_masked(b, NFT_FIELD_TCP_FLAGS, TH_FIN | TH_SYN | TH_RST | TH_ACK, NFT_OP_EQ, TH_SYN),
					  nft_count_source(b, family == IPV6, limit), nft_to(NFT_TO_DROP)),
				 IMPLIED_SYNFLOOD);
}

/* A rule that assigns the helper to new connections, and the object that it refers to. */
static void nft_assign_helper(struct nft_builder *b, struct nft_chain *chain, const struct helper *row)
{
	bool udp = strcmp(row->proto, "udp") == 0;
	struct nft_helper *object = ARENA_NEW(b->arena, struct nft_helper);
	struct nft_draft d = { .count = 0 };

	object->name = text_of(arena_printf(b->arena, "helper-%s", row->name));
	object->helper = row->name;
	object->protocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
	object->span = b->config->host_written[OPTION_HOST_NF_CONNTRACK_HELPERS];
	*b->table->last_helper = object;
	b->table->last_helper = &object->next;
	b->table->helper_count++;
	if (row->family_mask != IPV_BOTH)
		nft_draft_add(&d, nft_family(b, row->family_mask));
	nft_draft_add(&d, nft_proto(b, object->protocol));
	nft_draft_add(&d, nft_is(b, udp ? NFT_FIELD_UDP_DPORT : NFT_FIELD_TCP_DPORT, row->port));
	nft_draft_end(b, chain, &d, (struct nft_statement){ .kind = NFT_STMT_CT_HELPER, .helper = object });
}

bool nft_wants_prerouting(const struct config *config)
{
	return config->host_options.protection_synflood || config->host_options.nf_conntrack_helpers.count;
}

void nft_prerouting(struct nft_builder *b, struct nft_chain *chain)
{
	const struct helper_list *helpers = &b->config->host_options.nf_conntrack_helpers;

	if (b->config->host_options.protection_synflood)
		nft_limit_synflood(b, chain);
	for (unsigned i = 0; i < helpers->count; i++) /* each once, where it is written first */
		if (memchr(helpers->order, helpers->order[i], sizeof(helpers->order)) == &helpers->order[i])
			nft_assign_helper(b, chain, &helper_table[helpers->order[i]]);
}
