/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether iptables has nothing of ours, by the kernel's own word: no chain of ours in the nf_tables tables of
 * iptables-nft, and no legacy table.  iptables-save does not show a table that somebody has put native rules
 * into, and may not be there at all.
 */
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink_socket.h"
#include "xtables/load/xt_load.h"

/* Sets *data for a chain of ours: whenever there are any, PVEFW-HOST-IN and the like are among them. */
static int xt_note_chain(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;
	bool *found = data;

	NETLINK_FOR_EACH_ATTRIBUTE(attribute, header, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == NFTA_CHAIN_NAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0 &&
		    strncmp(mnl_attr_get_str(attribute), "PVEFW-", 6) == 0)
			*found = true;
	return MNL_CB_OK;
}

/* Returns false if there are chains of ours, or if the kernel does not answer. */
static bool has_no_chains(uint8_t family)
{
	_Alignas(struct nlmsghdr) char buffer[128] = { 0 };
	bool found = false;
	struct netlink_dump dump = {
		.request = netlink_nf_request(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, family),
		.each = xt_note_chain,
		.data = &found,
	};

	return netlink_ask(NETLINK_NETFILTER, &dump) == 0 && !found;
}

static bool is_empty(const char *path)
{
	FILE *names = fopen(path, "re");
	bool empty = !names || fgetc(names) == EOF;

	if (names)
		fclose(names);
	return empty;
}

bool xt_is_absent(void)
{
	return has_no_chains(AF_INET) && has_no_chains(AF_INET6) && is_empty("/proc/thread-self/net/ip_tables_names") &&
	       is_empty("/proc/thread-self/net/ip6_tables_names");
}
