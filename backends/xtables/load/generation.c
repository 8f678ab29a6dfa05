/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tells at once that somebody has changed the tables: nf_tables counts its
 * transactions, and of a legacy table the kernel tells number and size of the rules.
 * A legacy table that does not exist is not asked for, since asking would make it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#undef XT_RETURN /* the kernel's macro; here it names a target */
#include "net/netlink_socket.h"
#include "xtables/load/xt_state.h"

static int xt_take_generation(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;
	uint32_t *generation = data;

	NETLINK_FOR_EACH_ATTRIBUTE(attribute, header, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == NFTA_GEN_ID && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			*generation = ntohl(mnl_attr_get_u32(attribute));
	return MNL_CB_OK;
}

/* 0: there is no nf_tables. */
static uint32_t xt_nft_generation(void)
{
	_Alignas(struct nlmsghdr) char buffer[128] = { 0 };
	uint32_t generation = 0;
	struct netlink_dump dump = {
		.request = netlink_nf_request(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK, AF_UNSPEC),
		.each = xt_take_generation,
		.data = &generation,
	};

	return netlink_ask(NETLINK_NETFILTER, &dump) == 0 ? generation : 0;
}

/* The legacy tables that there are, a line each. */
struct table_names {
	char lines[512];
};

static struct table_names read_names(unsigned family_mask)
{
	const char *path = family_mask == IPV4 ? "/proc/thread-self/net/ip_tables_names"
					   : "/proc/thread-self/net/ip6_tables_names";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct table_names names = { "" };

	if (fd < 0)
		return names;
	if (read(fd, names.lines, sizeof(names.lines) - 1) < 0)
		names.lines[0] = '\0';
	close(fd);
	return names;
}

static bool is_among(const struct table_names *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = names->lines; *line; line += strspn(line, "\n")) {
		size_t end = strcspn(line, "\n");

		if (end == len && memcmp(line, name, len) == 0)
			return true;
		line += end;
	}
	return false;
}

static uint64_t size_of(const struct xt_table_row *row, const struct table_names *names)
{
	bool four = row->family_mask == IPV4;
	struct ipt_getinfo info4 = { .valid_hooks = 0 };
	struct ip6t_getinfo info6 = { .valid_hooks = 0 };
	socklen_t len = four ? sizeof(info4) : sizeof(info6);
	int s, status;

	if (!is_among(names, row->name))
		return 0;
	s = socket(four ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (s < 0)
		return 0;
	snprintf(info4.name, sizeof(info4.name), "%s", row->name);
	snprintf(info6.name, sizeof(info6.name), "%s", row->name);
	status = four ? getsockopt(s, IPPROTO_IP, IPT_SO_GET_INFO, &info4, &len)
		      : getsockopt(s, IPPROTO_IPV6, IP6T_SO_GET_INFO, &info6, &len);
	close(s);
	if (status < 0)
		return 0;
	return four ? (uint64_t)info4.num_entries << 32 | info4.size
		    : (uint64_t)info6.num_entries << 32 | info6.size;
}

uint64_t xt_legacy_size(const struct xt_table_row *row)
{
	struct table_names names = read_names(row->family_mask);

	return size_of(row, &names);
}

struct xt_generation xt_generation_read(void)
{
	struct xt_generation now = { .generation = xt_nft_generation() };
	struct table_names four = read_names(IPV4), six = read_names(IPV6);

	for (int i = 0; i < XT_TABLES; i++)
		now.legacy[i] = size_of(&xt_table_rows[i], xt_table_rows[i].family_mask == IPV4 ? &four : &six);
	return now;
}

bool xt_generation_equal(const struct xt_generation *a, const struct xt_generation *b)
{
	return a->generation == b->generation && memcmp(a->legacy, b->legacy, sizeof(a->legacy)) == 0;
}
