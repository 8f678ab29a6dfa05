/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that are dropped before all rules (spec 2.2). */
#include <netinet/in.h>

#include "xtables/lower/xtables.h"

static void xt_fill_blacklist(struct xt_builder *b, struct xt_chain *chain)
{
	xt_log_add(b, chain, NULL, 0, 0, b->config->host_options.log_level_out, "DROP: ", SPAN_NONE);
	XT_ADD_ALL(b, chain, XT_TO(XT_DROP))->implied = implied_phrase(IMPLIED_BLACKLIST);
}

void xt_blacklist_chain(struct xt_builder *b)
{
	if (cluster_ipset(b->config, "blacklist"))
		xt_chain_add(b, TEXT("PVEFW-blacklist"), xt_fill_blacklist);
}

void xt_input_filters(struct xt_builder *b, struct xt_chain *chain)
{
	const struct ipset *blacklist = cluster_ipset(b->config, "blacklist");
	const struct span *written = b->config->host_written;

	if (blacklist)
		XT_ADD(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-blacklist"),
		       { .kind = XT_SOURCE, .endpoint = xt_set_endpoint(b, blacklist) })
			->implied = implied_phrase(IMPLIED_BLACKLIST);
	if (b->config->host_options.nosmurfs && b->family_mask == IPV4)
		XT_ADD(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-smurfs"), XT_STATE("INVALID,NEW", XT_INVALID | XT_NEW))
			->span = written[OPTION_HOST_NOSMURFS];
	if (b->config->host_options.tcpflags)
		XT_ADD(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-tcpflags"), XT_PROTOCOL("tcp", IPPROTO_TCP))
			->span = written[OPTION_HOST_TCPFLAGS];
}
