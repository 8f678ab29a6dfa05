/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel gathers packets of a group until there are QUEUED of them, or for TIMEOUT, and sends them in one
 * datagram: that is what makes 20,000 a second cheap. Everything is set in one message, so that there is no
 * packet without a number.
 */
#include "logger/input/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <poll.h>

enum {
	QUEUED = 50,
	TIMEOUT = 10,              /* hundredths of a second */
	GATHERED_MOST = 32 * 1024, /* bytes */
	ANSWER_WAIT = 2000,        /* ms */
};

static struct nlmsghdr *put_command(char *buffer, uint16_t group, uint8_t command)
{
	struct nfulnl_msg_config_cmd c = { .command = command };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *general;

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	general = mnl_nlmsg_put_extra_header(message, sizeof(*general));
	general->version = NFNETLINK_V0;
	general->res_id = htons(group);
	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(c), &c);
	return message;
}

static void put_settings(struct nlmsghdr *message)
{
	struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(NFLOG_COPIED),
		.copy_mode = NFULNL_COPY_PACKET,
	};

	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ | NFULNL_CFG_F_SEQ_GLOBAL));
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(QUEUED));
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(TIMEOUT));
	mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htonl(GATHERED_MOST));
}

struct answer {
	bool there;
	int reason;
};

static void take_answer(const struct nlmsghdr *message, void *data)
{
	struct answer *answer = data;

	if (message->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
		return;
	answer->there = true;
	answer->reason = -((const struct nlmsgerr *)mnl_nlmsg_get_payload(message))->error;
}

/* Before the answer there may be packets only if the group was ours before. */
static int ask(struct netlink_socket *netlink, struct nlmsghdr *message)
{
	struct pollfd waiting = { netlink_fd(netlink), POLLIN, 0 };
	struct answer answer = { false, 0 };

	if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0)
		return errno;
	while (!answer.there) {
		if (poll(&waiting, 1, ANSWER_WAIT) <= 0)
			return ETIMEDOUT;
		netlink_receive(netlink, take_answer, &answer);
	}
	return answer.reason;
}

int nflog_open(struct netlink_socket *netlink, uint16_t group, unsigned buffer)
{
	char bytes[512];
	struct nlmsghdr *message = put_command(bytes, group, NFULNL_CFG_CMD_BIND);
	int reason = netlink_open(netlink, 0, buffer);

	if (reason)
		return reason;
	put_settings(message);
	reason = ask(netlink, message);
	if (reason)
		netlink_close(netlink);
	return reason;
}

void nflog_release(struct netlink_socket *netlink, uint16_t group)
{
	char bytes[512];
	struct nlmsghdr *message = put_command(bytes, group, NFULNL_CFG_CMD_UNBIND);

	mnl_socket_sendto(netlink->socket, message, message->nlmsg_len);
}
