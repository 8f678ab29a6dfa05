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

/* PVEFW-HOST-IN and the like are there whenever anything of ours is. */
static bool is_our_chain(const char *name)
{
	return strncmp(name, "PVEFW-", 6) == 0;
}

static int collect(const struct nlattr *attribute, void *data)
{
	const struct nlattr **names = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type <= NFTA_CHAIN_MAX && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		names[type] = attribute;
	return MNL_CB_OK;
}

static int take_chain(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *found[NFTA_CHAIN_MAX + 1] = { NULL };

	mnl_attr_parse(header, sizeof(struct nfgenmsg), collect, found);
	if (found[NFTA_CHAIN_NAME] && is_our_chain(mnl_attr_get_str(found[NFTA_CHAIN_NAME])))
		*(bool *)data = true;
	return MNL_CB_OK;
}

/* False: there are chains of ours, or it cannot be found out. */
static bool has_no_chains(uint8_t family)
{
	_Alignas(struct nlmsghdr) char buffer[128] = { 0 };
	bool found = false;
	struct netlink_dump dump = {
		.request = netlink_nf_request(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, family),
		.each = take_chain,
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
