/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue NUMBER...: drops all packets that rules pass to these queues of NFQUEUE, in the present network namespace.
 * Goes into the background when it listens to all of them.  A packet that arrives has then passed no queue.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { QUEUE_LENGTH = 4096 };

static struct mnl_socket *netlink;

static struct nlmsghdr *start_message(char *buffer, unsigned type, unsigned queue)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	header->res_id = htons((uint16_t)queue);
	return message;
}

static void send_message(const struct nlmsghdr *message)
{
	if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0) {
		perror("queue: send");
		exit(2);
	}
}

/* Waits for the kernel's answer. */
static void bind_queue(unsigned queue)
{
	char buffer[8192];
	struct nlmsghdr *message = start_message(buffer, NFQNL_MSG_CONFIG, queue);
	struct nfqnl_msg_config_cmd bind_command = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = { .copy_range = htonl(0), .copy_mode = NFQNL_COPY_META };
	ssize_t size;

	message->nlmsg_flags |= NLM_F_ACK;
	mnl_attr_put(message, NFQA_CFG_CMD, sizeof(bind_command), &bind_command);
	mnl_attr_put(message, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(message, NFQA_CFG_QUEUE_MAXLEN, htonl(QUEUE_LENGTH));
	send_message(message);
	size = mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));
	if (size < 0 || mnl_cb_run(buffer, (size_t)size, 0, mnl_socket_get_portid(netlink), NULL, NULL) < 0) {
		perror("queue: bind");
		exit(2);
	}
}

static int take_attribute(const struct nlattr *attribute, void *context)
{
	if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR)
		*(const struct nfqnl_msg_packet_hdr **)context = mnl_attr_get_payload(attribute);
	return MNL_CB_OK;
}

static int drop_packet(const struct nlmsghdr *header, void *context)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
	const struct nfqnl_msg_packet_hdr *packet = NULL;
	struct nfqnl_msg_verdict_hdr verdict = { .verdict = htonl(NF_DROP) };
	char buffer[256];
	struct nlmsghdr *message;

	(void)context;
	mnl_attr_parse(header, sizeof(*generic), take_attribute, &packet);
	if (!packet)
		return MNL_CB_OK;
	verdict.id = packet->packet_id;
	message = start_message(buffer, NFQNL_MSG_VERDICT, ntohs(generic->res_id));
	mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	send_message(message);
	return MNL_CB_OK;
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];

	netlink = mnl_socket_open(NETLINK_NETFILTER);
	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("queue");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		bind_queue((unsigned)atoi(argv[i]));
	if (daemon(1, 0) < 0)
		return 2;
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));

		if (size > 0)
			mnl_cb_run(buffer, (size_t)size, 0, 0, drop_packet, NULL);
	}
}
