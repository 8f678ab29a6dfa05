/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done with packets before they are judged, in both tables: sources that
 * open too many TCP connections are held back, and helpers are given to the
 * connections that need one (spec 2.11, 3.4).
 */
#include "nft/lower/build.h"

/* ---- synflood ---- */

/* As many sources as are watched at a time; more than that pass unwatched. */
enum { SOURCES_MOST = 65535 };

static const struct nft_set *sources_set(struct nft_builder *b, bool six)
{
	struct nft_set draft = { .name = six ? TEXT("synflood-v6") : TEXT("synflood-v4"), .dynamic = true,
				 .part_count = 1, .size = SOURCES_MOST };

	draft.parts[0] = six ? NFT_TYPE_IPV6_ADDR : NFT_TYPE_IPV4_ADDR;
	draft.timeout = (uint32_t)b->config->host_options.nf_conntrack_tcp_timeout_syn_recv;
	return nft_set_add(b, &draft);
}

/* Counts the source, an IPv6 one by its /64, and matches when it is over the limit. */
static struct nft_statement count_source(struct nft_builder *b, unsigned family_mask, const struct nft_limit *limit)
{
	static const struct nft_value network = { 16, { 255, 255, 255, 255, 255, 255, 255, 255 } };
	struct nft_update *update = ARENA_NEW(b->arena, struct nft_update);

	update->limit = limit;
	update->set = sources_set(b, family_mask == IPV6);
	update->key = nft_key(family_mask == IPV6 ? NFT_FIELD_IP6_SADDR : NFT_FIELD_IP_SADDR);
	if (family_mask == IPV6) {
		update->key.masked = true;
		update->key.mask = network;
	}
	return (struct nft_statement){ .kind = NFT_STMT_UPDATE, .update = update };
}

static void add_synflood(struct nft_builder *b, struct nft_chain *chain)
{
	const struct host_options *o = &b->config->host_options;
	struct nft_limit *limit = ARENA_NEW(b->arena, struct nft_limit);

	*limit = (struct nft_limit){ (uint64_t)o->protection_synflood_rate, NFT_SECOND,
				     (uint32_t)o->protection_synflood_burst };
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++)
		NFT_RULE(b, chain, nft_family(b, family_mask), nft_proto(b, PROTO_TCP),
			 nft_masked(b, NFT_FIELD_TCP_FLAGS, TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, NFT_OP_EQ, TCP_SYN),
			 count_source(b, family_mask, limit), nft_to(NFT_TO_DROP));
}

/* ---- helpers ---- */

static const struct nft_helper *add_object(struct nft_builder *b, const struct helper *row, uint8_t protocol)
{
	struct nft_helper *object = ARENA_NEW(b->arena, struct nft_helper);

	object->name = text_of(arena_printf(b->arena, "helper-%s", row->name));
	object->helper = row->name;
	object->protocol = protocol;
	object->span = b->config->host_written[OPTION_HOST_NF_CONNTRACK_HELPERS];
	*b->table->last_helper = object;
	b->table->last_helper = &object->next;
	b->table->helper_count++;
	return object;
}

static void add_helper(struct nft_builder *b, struct nft_chain *chain, const struct helper *row)
{
	bool udp = strcmp(row->proto, "udp") == 0;
	uint8_t protocol = udp ? PROTO_UDP : PROTO_TCP;
	struct nft_draft d = { .count = 0 };

	if (row->family_mask != IPV_BOTH)
		nft_draft_add(&d, nft_family(b, row->family_mask));
	nft_draft_add(&d, nft_proto(b, protocol));
	nft_draft_add(&d, nft_is(b, udp ? NFT_FIELD_UDP_DPORT : NFT_FIELD_TCP_DPORT, row->port));
	nft_draft_add(&d, (struct nft_statement){ .kind = NFT_STMT_CT_HELPER, .helper = add_object(b, row, protocol) });
	nft_rule_add(b, chain, d.items, d.count);
}

static bool is_repeated(const struct helper_list *helpers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (helpers->order[i] == helpers->order[n])
			return true;
	return false;
}

/* ---- both ---- */

bool nft_wants_early(const struct config *config)
{
	return config->host_options.protection_synflood || config->host_options.nf_conntrack_helpers.count;
}

void nft_early_rules(struct nft_builder *b, struct nft_chain *chain)
{
	const struct helper_list *helpers = &b->config->host_options.nf_conntrack_helpers;

	if (b->config->host_options.protection_synflood)
		add_synflood(b, chain);
	for (unsigned i = 0; i < helpers->count; i++)
		if (!is_repeated(helpers, i))
			add_helper(b, chain, &helper_table[helpers->order[i]]);
}
