/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether iptables has nothing of ours, by the kernel's own word: no chain of ours in the nf_tables tables of
 * iptables-nft, and no legacy table.  iptables-save does not show a table that somebody has put native rules
 * into, and may not be there at all.
 */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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

/* False: it cannot be found out. */
static bool ask_chains(struct mnl_socket *socket, uint8_t family, unsigned sequence, bool *found)
{
	char buffer[16384] = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *message;
	int state = MNL_CB_OK;

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = sequence;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	*message = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0 };
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return false;
	while (state > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (len < 0)
			return false;
		state = mnl_cb_run(buffer, (size_t)len, sequence, mnl_socket_get_portid(socket), take_chain, found);
	}
	return state == MNL_CB_STOP;
}

static bool has_no_chains(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	bool found = false, known;

	if (!socket)
		return false;
	known = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 && ask_chains(socket, AF_INET, 1, &found) &&
		ask_chains(socket, AF_INET6, 2, &found);
	mnl_socket_close(socket);
	return known && !found;
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
	return has_no_chains() && is_empty("/proc/thread-self/net/ip_tables_names") &&
	       is_empty("/proc/thread-self/net/ip6_tables_names");
}
