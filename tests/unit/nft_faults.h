/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults that tests plant in a lowered ruleset of nftables, to see that they are found. */
#ifndef PVEFW_TEST_NFT_FAULTS_H
#define PVEFW_TEST_NFT_FAULTS_H

#include "nft/lower/build.h"
#include "nft/meaning/nft_meaning.h"

/* One fault, for each rule or each set; returns whether it can have it, and if `plant` has it now. */
struct nft_fault {
	const char *name;
	bool (*in_rule)(struct arena *arena, struct nft_chain *chain, struct nft_rule *rule, bool plant);
	bool (*in_set)(struct arena *arena, struct nft_set *set, bool plant);
};

/* The first statement that `is` accepts, in a copy that can be altered; NULL: none. */
static inline struct nft_statement *nft_fault_find(struct arena *arena, struct nft_rule *rule,
						   bool (*is)(const struct nft_statement *s))
{
	struct nft_statement *copy;

	for (uint32_t i = 0; i < rule->statement_count; i++) {
		if (!is(&rule->statements[i]))
			continue;
		copy = ARENA_ARRAY(arena, struct nft_statement, rule->statement_count);
		memcpy(copy, rule->statements, rule->statement_count * sizeof(*copy));
		rule->statements = copy;
		return &copy[i];
	}
	return NULL;
}

static inline bool nft_fault_is_source(const struct nft_statement *s)
{
	return s->kind == NFT_STMT_MATCH && s->match->keys[0].field == NFT_FIELD_IP_SADDR;
}

static inline bool nft_fault_is_mark(const struct nft_statement *s)
{
	return s->kind == NFT_STMT_MARK && s->mark.bits == MARK_REJECT;
}

static inline bool nft_fault_is_jump(const struct nft_statement *s)
{
	return s->kind == NFT_STMT_VERDICT && s->verdict.kind == NFT_TO_JUMP;
}

static inline bool nft_fault_lost_match(struct arena *arena, struct nft_chain *chain, struct nft_rule *rule, bool plant)
{
	struct nft_statement *s = rule->span.begin ? nft_fault_find(arena, rule, nft_fault_is_source) : NULL;

	(void)chain;
	if (s && plant)
		s->kind = NFT_STMT_COUNTER; /* asks for nothing */
	return s;
}

static inline bool nft_fault_lost_mark(struct arena *arena, struct nft_chain *chain, struct nft_rule *rule, bool plant)
{
	struct nft_statement *s = nft_fault_find(arena, rule, nft_fault_is_mark);

	(void)chain;
	if (s && plant)
		s->mark.bits = 0;
	return s;
}

static inline bool nft_fault_goto(struct arena *arena, struct nft_chain *chain, struct nft_rule *rule, bool plant)
{
	struct nft_statement *s = rule->next ? nft_fault_find(arena, rule, nft_fault_is_jump) : NULL;

	(void)chain;
	if (s && plant)
		s->verdict.kind = NFT_TO_GOTO;
	return s;
}

static inline bool nft_fault_lost_element(struct arena *arena, struct nft_set *set, bool plant)
{
	(void)arena;
	if (!set->verdicts || !set->element_count)
		return false;
	if (plant)
		set->element_count--;
	return true;
}

/* The last interval ends one address too late. */
static inline bool nft_fault_long_interval(struct arena *arena, struct nft_set *set, bool plant)
{
	struct nft_element *copy, *last;

	if (!set->interval || set->parts[0] != NFT_TYPE_IPV4_ADDR)
		return false;
	copy = ARENA_ARRAY(arena, struct nft_element, set->element_count);
	memcpy(copy, set->elements, set->element_count * sizeof(*copy));
	last = &copy[set->element_count - 1];
	for (int i = 3; plant && i >= 0 && !++last->last.bytes[i]; i--)
		;
	set->elements = copy;
	return true;
}

static const struct nft_fault nft_faults[] = {
	{ "a match is lost", nft_fault_lost_match, NULL },
	{ "the mark of a reject is lost", nft_fault_lost_mark, NULL },
	{ "a jump does not come back", nft_fault_goto, NULL },
	{ "a verdict map lacks an element", NULL, nft_fault_lost_element },
	{ "an interval is too long", NULL, nft_fault_long_interval },
};

enum { NFT_FAULTS = sizeof(nft_faults) / sizeof(nft_faults[0]) };

/* Plants the fault once, after `skip` places that could have it; false: there are not as many. */
static inline bool nft_fault_plant(struct arena *arena, const struct nft_fault *fault, unsigned skip,
				   const struct nft_ruleset *ruleset)
{
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		const struct nft_table *table = ruleset->tables[i];

		for (struct nft_set *set = table && fault->in_set ? table->sets : NULL; set; set = set->next)
			if (fault->in_set(arena, set, !skip) && skip-- == 0)
				return true;
		for (struct nft_chain *chain = table && fault->in_rule ? table->chains : NULL; chain; chain = chain->next)
			for (struct nft_rule *rule = chain->first; rule; rule = rule->next)
				if (fault->in_rule(arena, chain, rule, !skip) && skip-- == 0)
					return true;
	}
	return false;
}

#endif
