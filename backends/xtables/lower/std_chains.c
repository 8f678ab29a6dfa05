/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains that every ruleset has, from the table std_chains.def. */
#include "xtables/lower/xtables.h"

#define PORTS(name, list, n, ...) \
	static const struct port_range name##_ranges[] = { __VA_ARGS__ }; \
	static const struct ports name##_ports = { TEXT_INIT(list), (struct port_range *)name##_ranges, n };

PORTS(whois, "43", 1, { 43, 43 })
PORTS(smb_udp, "135,445", 2, { 135, 135 }, { 445, 445 })
PORTS(smb_tcp, "135,139,445", 3, { 135, 135 }, { 139, 139 }, { 445, 445 })
PORTS(netbios, "137:139", 1, { 137, 139 })
PORTS(netbios_ns, "137", 1, { 137, 137 })
PORTS(high, "1024:65535", 1, { 1024, 65535 })
PORTS(upnp, "1900", 1, { 1900, 1900 })
PORTS(dns, "53", 1, { 53, 53 })
PORTS(zero, "0", 1, { 0, 0 })

#define ADDRESSES(name, cidr, version_, length_, ...) \
	static const struct prefix name##_prefix = { version_, length_, { __VA_ARGS__ } }; \
	static const struct endpoint name##_net = { \
		.kind = ENDPOINT_LIST, .family_mask = version_ == 4 ? IPV4 : IPV6, .text = TEXT_INIT(cidr), \
		.prefixes = (struct prefix *)&name##_prefix, .count = 1 };

ADDRESSES(multicast4, "224.0.0.0/4", 4, 4, 224)
ADDRESSES(multicast6, "ff00::/8", 6, 8, 0xff)
ADDRESSES(unspecified4, "0.0.0.0/32", 4, 32, 0)

enum { MATCHES_MOST = 5 };

enum row_kind {
	ROW_CHAIN,
	ROW_RULE,
	ROW_LOG,
};

struct row {
	enum row_kind kind;
	unsigned family_mask;
	const char *chain;
	size_t log_option; /* in struct host_options */
	struct xt_target target;
	struct xt_match matches[MATCHES_MOST + 1]; /* ended by XT_ANY */
};

static const struct row rows[] = {
#define CHAIN(families_, name) { .kind = ROW_CHAIN, .family_mask = families_, .chain = name },
#define RULE(families_, target_, ...) \
	{ .kind = ROW_RULE, .family_mask = families_, .target = target_, .matches = { __VA_ARGS__ } },
#define LOG(option) { .kind = ROW_LOG, .family_mask = IPV_BOTH, .log_option = offsetof(struct host_options, option) },
#include "xtables/lower/std_chains.def"
#undef CHAIN
#undef RULE
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
