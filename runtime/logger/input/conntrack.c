/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of connection tracking, on libnetfilter_conntrack. */
#include "logger/input/conntrack.h"

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink_compat.h>

#include "logger/packet/packet.h"

unsigned conntrack_groups(void)
{
	return NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY;
}

/* Returns 0 unless the message reports a new or a destroyed connection. */
static unsigned event_of(const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW:
		return message->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL) ? NFCT_T_NEW : 0;
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE:
		return NFCT_T_DESTROY;
	}
	return 0;
}

bool conntrack_line(struct out *out, const struct nlmsghdr *message)
{
	unsigned event = event_of(message);
	char line[LINE_MOST];
	struct nf_conntrack *ct;
	int len = -1;

	if (!event || mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return false;
	ct = nfct_new();
	if (ct && nfct_nlmsg_parse(message, ct) == 0)
		len = nfct_snprintf(line, sizeof(line), ct, event, NFCT_O_DEFAULT,
				    NFCT_OF_SHOW_LAYER3 | NFCT_OF_TIMESTAMP);
	if (ct)
		nfct_destroy(ct);
	if (len < 0)
		return false;
	out_bytes(out, line, strnlen(line, sizeof(line) - 1));
	out_char(out, '\n');
	return true;
}
