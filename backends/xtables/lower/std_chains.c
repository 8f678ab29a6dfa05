/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains that every ruleset has, from the table std_chains.def. */
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "xtables/lower/xtables.h"

static const struct port_range zero_ranges[] = { { 0, 0 } };
static const struct ports zero_ports = { TEXT_INIT("0"), (struct port_range *)zero_ranges, 1 };

static const struct prefix unspecified4 = { .family = AF_INET, .length = 32 };

#define NETWORK(name, cidr, prefix_, families_) \
	static const struct endpoint name##_net = { \
		.kind = ENDPOINT_LIST, .family_mask = families_, .text = TEXT_INIT(cidr), \
		.prefixes = (struct prefix *)(prefix_), .count = 1 };

NETWORK(multicast4, "224.0.0.0/4", &implied_multicast[0], IPV4)
NETWORK(multicast6, "ff00::/8", &implied_multicast[1], IPV6)
NETWORK(unspecified4, "0.0.0.0/32", &unspecified4, IPV4)

enum xt_std_kind {
	XT_STD_CHAIN,
	XT_STD_RULE,
	XT_STD_IMPLIED,
	XT_STD_LOG,
};

struct xt_std_row {
	enum xt_std_kind kind;
	unsigned family_mask;
	const char *chain;
	enum implied_id implied; /* or IMPLIED_RULES */
	size_t log_option; /* in struct host_options */
	struct xt_target target;
	struct xt_match matches[6]; /* ended by XT_ANY */
};

static const struct xt_std_row xt_std_rows[] = {
#define CHAIN(families_, name) { .kind = XT_STD_CHAIN, .family_mask = families_, .chain = name },
#define RULE(families_, target_, ...) \
	{ .kind = XT_STD_RULE, .family_mask = families_, .implied = IMPLIED_RULES, .target = target_, \
	  .matches = { __VA_ARGS__ } },
#define RULE_FOR(rule, families_, target_, ...) \
	{ .kind = XT_STD_RULE, .family_mask = families_, .implied = IMPLIED_##rule, .target = target_, \
	  .matches = { __VA_ARGS__ } },
#define IMPLIED_RULE(rule, target_) \
	{ .kind = XT_STD_IMPLIED, .family_mask = IPV_BOTH, .implied = IMPLIED_##rule, .target = target_ },
#define LOG(option) \
	{ .kind = XT_STD_LOG, .family_mask = IPV_BOTH, .log_option = offsetof(struct host_options, option) },
#include "xtables/lower/std_chains.def"
#undef CHAIN
#undef RULE
#undef RULE_FOR
#undef IMPLIED_RULE
#undef LOG
};

static const struct xt_std_row *const xt_std_end = xt_std_rows + sizeof(xt_std_rows) / sizeof(xt_std_rows[0]);

/* The rules of a chain follow its own row. */
static void xt_fill_standard(struct xt_builder *b, struct xt_chain *chain)
{
	const char *options = (const char *)&b->config->host_options;
	struct xt_rule *rule;
	uint32_t count;

	for (const struct xt_std_row *row = chain->row + 1; row < xt_std_end && row->kind != XT_STD_CHAIN; row++) {
		if (!(row->family_mask & b->family_mask))
			continue;
		if (row->kind == XT_STD_LOG) {
			xt_log_add(b, chain, NULL, 0, 0, *(const enum log_level *)(options + row->log_option), "DROP: ",
				   SPAN_NONE);
		} else if (row->kind == XT_STD_IMPLIED) {
			xt_implied_add(b, chain, row->target, row->implied, AT_HOST_IN, NULL, 0);
		} else {
			for (count = 0; row->matches[count].kind != XT_ANY; count++)
				;
			rule = xt_rule_add(b, chain, row->matches, count, row->target);
			rule->wide = true;
			if (row->implied != IMPLIED_RULES)
				rule->implied = implied_phrase(row->implied);
		}
	}
}

void xt_standard_chains(struct xt_builder *b)
{
	for (const struct xt_std_row *row = xt_std_rows; row < xt_std_end; row++)
		if (row->kind == XT_STD_CHAIN && (row->family_mask & b->family_mask))
			xt_chain_add(b, text_of(row->chain), xt_fill_standard)->row = row;
}
