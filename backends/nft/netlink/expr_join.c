/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins comparisons of adjacent payload to one, as nft does (stmt_reduce() there): the
 * comparisons between two statements of other kinds are sorted by place, and neighbours
 * are joined as long as one load is cheaper than two. nft also joins inequalities, which changes
 * their meaning; the lowering never puts two adjacent ones into a rule.
 */
#include "nft/netlink/expr.h"

#include <linux/netfilter/nf_tables.h>

struct nft_comparison_place {
	uint32_t statement;
	uint8_t base, offset, length;
	bool protocol; /* names the next header: a joined comparison takes its place */
};

/* Inserts it sorted by place, after its equals. */
static void nft_join_insert(struct nft_comparison_place *list, unsigned count, struct nft_comparison_place c)
{
	while (count && (list[count - 1].base > c.base ||
			 (list[count - 1].base == c.base && list[count - 1].offset > c.offset))) {
		list[count] = list[count - 1];
		count--;
	}
	list[count] = c;
}

/* Loads of up to four bytes are fast except those of the link layer. */
static bool nft_join_pays(const struct nft_comparison_place *a, const struct nft_comparison_place *b)
{
	unsigned total = (unsigned)a->length + b->length;

	if (a->base != b->base || a->offset + a->length != b->offset || total > NFT_JOIN_BYTES)
		return false;
	return total <= 4 || a->base == NFT_PAYLOAD_LL_HEADER || a->length > 4 || b->length > 4;
}

static const uint8_t *nft_join_bytes(const struct nft_joined *j, const struct nft_rule *rule, uint32_t i)
{
	return j->longer >> i & 1 ? j->joins[i].bytes : rule->statements[i].match->value.bytes;
}

/* Joins the two statements; *a becomes the one that remains. */
static void nft_join_two(struct nft_joined *j, const struct nft_rule *rule, struct nft_comparison_place *a,
			 const struct nft_comparison_place *b)
{
	struct nft_join joined = { .offset = a->offset, .length = (uint8_t)(a->length + b->length) };
	uint32_t stays = b->protocol ? b->statement : a->statement;
	uint32_t goes = b->protocol ? a->statement : b->statement;

	memcpy(joined.bytes, nft_join_bytes(j, rule, a->statement), a->length);
	memcpy(joined.bytes + a->length, nft_join_bytes(j, rule, b->statement), b->length);
	j->joins[stays] = joined;
	j->longer |= 1u << stays;
	j->gone |= 1u << goes;
	*a = (struct nft_comparison_place){ stays, a->base, a->offset, joined.length, b->protocol || a->protocol };
}

static void nft_join_list(struct nft_joined *j, const struct nft_rule *rule, struct nft_comparison_place *list,
			  unsigned count)
{
	struct nft_comparison_place last = list[0];

	for (unsigned i = 1; i < count; i++) {
		const struct nft_match *a = rule->statements[last.statement].match;
		const struct nft_match *b = rule->statements[list[i].statement].match;

		if (nft_join_pays(&last, &list[i]) && a->op == NFT_OP_EQ && b->op == NFT_OP_EQ)
			nft_join_two(j, rule, &last, &list[i]);
		else
			last = list[i];
	}
}

void nft_expr_join(struct nft_joined *joined, const struct nft_rule *rule)
{
	struct nft_comparison_place list[NFT_JOIN_MAX];
	unsigned count = 0;

	joined->gone = joined->longer = 0;
	for (uint32_t i = 0; i < rule->statement_count && i < NFT_JOIN_MAX; i++) {
		const struct nft_statement *s = &rule->statements[i];

		if (s->kind == NFT_STMT_MATCH) {
			const struct nft_match *m = s->match;
			const struct nft_source_row *row = &nft_sources[m->keys[0].field];

			if ((m->op == NFT_OP_EQ || m->op == NFT_OP_NE) && !m->keys[0].masked &&
			    row->source == NFT_SOURCE_PAYLOAD)
				nft_join_insert(list, count++,
						(struct nft_comparison_place){ i, row->key, row->offset, m->value.length,
									       m->keys[0].field == NFT_FIELD_ETHER_TYPE });
		} else if (count > 1) { /* a single one stays in the list: nft forgets to drop it */
			nft_join_list(joined, rule, list, count);
			count = 0;
		}
	}
	if (count > 1)
		nft_join_list(joined, rule, list, count);
}
