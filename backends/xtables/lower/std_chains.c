/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains that every ruleset has, from the table std_chains.def. */
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

enum { MATCHES_MOST = 5 };

enum row_kind {
	ROW_CHAIN,
	ROW_RULE,
	ROW_IMPLIED,
	ROW_LOG,
};

struct row {
	enum row_kind kind;
	unsigned family_mask;
	const char *chain;
	enum implied_id implied;
	size_t log_option; /* in struct host_options */
	struct xt_target target;
	struct xt_match matches[MATCHES_MOST + 1]; /* ended by XT_ANY */
};

static const struct row rows[] = {
#define CHAIN(families_, name) { .kind = ROW_CHAIN, .family_mask = families_, .chain = name },
#define RULE(families_, target_, ...) \
	{ .kind = ROW_RULE, .family_mask = families_, .target = target_, .matches = { __VA_ARGS__ } },
#define IMPLIED_RULE(rule, target_) \
	{ .kind = ROW_IMPLIED, .family_mask = IPV_BOTH, .implied = IMPLIED_##rule, .target = target_ },
#define LOG(option) { .kind = ROW_LOG, .family_mask = IPV_BOTH, .log_option = offsetof(struct host_options, option) },
#include "xtables/lower/std_chains.def"
#undef CHAIN
#undef RULE
#undef IMPLIED_RULE
#undef LOG
};

static uint32_t count_matches(const struct xt_match *matches)
{
	uint32_t count = 0;

	while (matches[count].kind != XT_ANY)
		count++;
	return count;
}

/* From the row behind the chain's own to the next chain's. */
static void fill(struct xt_builder *b, struct xt_chain *chain)
{
	const char *options = (const char *)&b->config->host_options;
	const struct row *end = rows + sizeof(rows) / sizeof(rows[0]);

	for (const struct row *row = (const struct row *)chain->subject + 1; row < end && row->kind != ROW_CHAIN; row++) {
		if (!(row->family_mask & b->family_mask))
			continue;
		if (row->kind == ROW_LOG)
			xt_log_add(b, chain, NULL, 0, 0, *(const enum log_level *)(options + row->log_option),
				   "DROP: ", SPAN_NONE);
		else if (row->kind == ROW_IMPLIED)
			xt_implied_add(b, chain, row->target, row->implied, AT_HOST_IN, NULL, 0);
		else
			xt_rule_add(b, chain, row->matches, count_matches(row->matches), row->target)->wide = true;
	}
}

void xt_standard_chains(struct xt_builder *b)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == ROW_CHAIN && (rows[i].family_mask & b->family_mask))
			xt_chain_add(b, text_of(rows[i].chain), fill)->subject = &rows[i];
}
