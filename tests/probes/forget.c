/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forget: makes the kernel forget all connections of the present network namespace, as `conntrack -F` does,
 * so that probes of one ruleset are nothing established for the next. */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	char buffer[8192];
	struct mnl_socket *netlink = mnl_socket_open(NETLINK_NETFILTER);

	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("forget");
		return 1;
	}
	for (size_t i = 0; i < sizeof families; i++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct nfgenmsg *header;
		ssize_t size;

		message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		header = mnl_nlmsg_put_extra_header(message, sizeof *header);
		header->nfgen_family = families[i];
		header->version = NFNETLINK_V0;
		if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0 ||
		    (size = mnl_socket_recvfrom(netlink, buffer, sizeof buffer)) < 0 ||
		    mnl_cb_run(buffer, (size_t)size, 0, mnl_socket_get_portid(netlink), NULL, NULL) < 0) {
			perror("forget");
			return 1;
		}
	}
	return 0;
}
