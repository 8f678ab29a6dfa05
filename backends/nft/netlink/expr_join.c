/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparisons of adjacent payload as one, as nft does it (stmt_reduce there): of
 * the comparisons that stand between two statements of other kinds, sorted by
 * place, neighbours are joined as long as the result pays.  nft joins inequalities
 * too, which says something else than was written; the lowering never puts two
 * adjacent ones into a rule.
 */
#include "nft/netlink/expr.h"

#include <linux/netfilter/nf_tables.h>

struct candidate {
	uint32_t statement;
	uint8_t base, offset, length;
	bool protocol; /* says what the header behind it is: must not move forward */
};

/* How nft treats a match: neither a comparison nor in the way, or a comparison. */
static bool is_comparison(const struct nft_statement *s)
{
	const struct nft_match *m = s->match;

	return (m->op == NFT_OP_EQ || m->op == NFT_OP_NE) && !m->keys[0].masked &&
	       nft_sources[m->keys[0].field].source == NFT_SOURCE_PAYLOAD;
}

static struct candidate candidate_of(const struct nft_rule *rule, uint32_t i)
{
	const struct nft_match *m = rule->statements[i].match;
	const struct nft_source_row *row = &nft_sources[m->keys[0].field];

	return (struct candidate){ i, row->key, row->offset, m->value.length,
				   m->keys[0].field == NFT_FIELD_ETHER_TYPE };
}

/* Sorted by place; equals stay in their order. */
static void insert(struct candidate *list, unsigned count, struct candidate c)
{
	while (count && (list[count - 1].base > c.base ||
			 (list[count - 1].base == c.base && list[count - 1].offset > c.offset))) {
		list[count] = list[count - 1];
		count--;
	}
	list[count] = c;
}

/* Loads of up to four bytes are fast but for the link layer's. */
static bool pays(const struct candidate *a, const struct candidate *b)
{
	unsigned total = (unsigned)a->length + b->length;

	if (a->base != b->base || a->offset + a->length != b->offset || total > NFT_JOIN_BYTES)
		return false;
	return total <= 4 || a->base == NFT_PAYLOAD_LL_HEADER || a->length > 4 || b->length > 4;
}

static const uint8_t *bytes_of(const struct nft_joined *j, const struct nft_rule *rule, uint32_t i)
{
	return j->longer >> i & 1 ? j->joins[i].bytes : rule->statements[i].match->value.bytes;
}

/* Joins *b into *a, or the other way round; what is left is *a. */
static void join(struct nft_joined *j, const struct nft_rule *rule, struct candidate *a,
		 const struct candidate *b)
{
	struct nft_join joined = { .offset = a->offset, .length = (uint8_t)(a->length + b->length) };
	uint32_t stays = b->protocol ? b->statement : a->statement;
	uint32_t goes = b->protocol ? a->statement : b->statement;

	memcpy(joined.bytes, bytes_of(j, rule, a->statement), a->length);
	memcpy(joined.bytes + a->length, bytes_of(j, rule, b->statement), b->length);
	j->joins[stays] = joined;
	j->longer |= 1u << stays;
	j->gone |= 1u << goes;
	*a = (struct candidate){ stays, a->base, a->offset, joined.length, b->protocol || a->protocol };
}

static void join_list(struct nft_joined *j, const struct nft_rule *rule, struct candidate *list,
		      unsigned count)
{
	struct candidate last = list[0];

	for (unsigned i = 1; i < count; i++) {
		const struct nft_match *a = rule->statements[last.statement].match;
		const struct nft_match *b = rule->statements[list[i].statement].match;

		if (pays(&last, &list[i]) && a->op == NFT_OP_EQ && b->op == NFT_OP_EQ)
			join(j, rule, &last, &list[i]);
		else
			last = list[i];
	}
}

void nft_expr_join(struct nft_joined *joined, const struct nft_rule *rule)
{
	struct candidate list[NFT_JOIN_MOST];
	unsigned count = 0;

	joined->gone = 0;
	joined->longer = 0;
	for (uint32_t i = 0; i < rule->statement_count && i < NFT_JOIN_MOST; i++) {
		const struct nft_statement *s = &rule->statements[i];

		if (s->kind == NFT_STMT_MATCH) {
			if (is_comparison(s))
				insert(list, count++, candidate_of(rule, i));
		} else if (count > 1) { /* a lone one stays in the list: nft forgets to drop it */
			join_list(joined, rule, list, count);
			count = 0;
		}
	}
	if (count > 1)
		join_list(joined, rule, list, count);
}
