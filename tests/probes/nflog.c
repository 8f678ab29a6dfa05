/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nflog SECONDS COMMAND…: runs COMMAND and prints what reaches NFLOG group 0 meanwhile and until SECONDS after.
 *
 * A line a packet, its fields as NAME=VALUE: of the packet (src dst proto sport dport), then the
 * prefix in brackets, then what the kernel tells about it (hook, in, out, physin, physout, mark, and the sizes
 * of the link layer's header and of the payload). An interface that is not told is `-`. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Sends one configuration message for group 0 and waits for the kernel to agree. */
static void configure(struct mnl_socket *netlink, uint16_t type, size_t size, const void *value)
{
	char buffer[8192];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;
	ssize_t received;

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header = mnl_nlmsg_put_extra_header(message, sizeof *header);
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	mnl_attr_put(message, type, size, value);
	if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0)
		fail("nflog");
	received = mnl_socket_recvfrom(netlink, buffer, sizeof buffer);
	if (received < 0 || mnl_cb_run(buffer, (size_t)received, 0, mnl_socket_get_portid(netlink), NULL, NULL) < 0)
		fail("nflog");
}

static struct mnl_socket *open_group(void)
{
	struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
	struct nfulnl_msg_config_mode mode = {.copy_range = htonl(256), .copy_mode = NFULNL_COPY_PACKET};
	uint32_t one = htonl(1);
	struct mnl_socket *netlink = mnl_socket_open(NETLINK_NETFILTER);

	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		fail("nflog");
	configure(netlink, NFULA_CFG_CMD, sizeof bind, &bind);
	configure(netlink, NFULA_CFG_MODE, sizeof mode, &mode);
	configure(netlink, NFULA_CFG_QTHRESH, sizeof one, &one);
	return netlink;
}

static int keep_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **kept = data;

	if (mnl_attr_get_type(attribute) <= NFULA_MAX)
		kept[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void print_device(const char *name, const struct nlattr *index)
{
	char device[IF_NAMESIZE] = "-";

	if (index && !if_indextoname(ntohl(mnl_attr_get_u32(index)), device))
		strcpy(device, "?");
	printf(" %s=%s", name, device);
}

/* Addresses, protocol and, of TCP and UDP, ports. */
static void print_packet(const unsigned char *data, size_t size)
{
	bool ipv6 = size >= 40 && data[0] >> 4 == 6;
	size_t header = ipv6 ? 40 : (size_t)(data[0] & 15) * 4;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	unsigned int protocol;

	if (size < 20 || size < header) {
		printf("src=? dst=? proto=? sport=- dport=-");
		return;
	}
	protocol = ipv6 ? data[6] : data[9];
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, data + (ipv6 ? 8 : 12), source, sizeof source);
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, data + (ipv6 ? 24 : 16), destination, sizeof destination);
	printf("src=%s dst=%s proto=%u", source, destination, protocol);
	if ((protocol == 6 || protocol == 17) && size >= header + 4)
		printf(" sport=%d dport=%d", data[header] << 8 | data[header + 1],
		       data[header + 2] << 8 | data[header + 3]);
	else
		printf(" sport=- dport=-");
}

static int print_message(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *kept[NFULA_MAX + 1] = {NULL};
	const struct nfulnl_msg_packet_hdr *header;

	(void)data;
	if (message->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(struct nfgenmsg), keep_attribute, kept);
	if (!kept[NFULA_PACKET_HDR] || !kept[NFULA_PAYLOAD])
		return MNL_CB_OK;
	header = mnl_attr_get_payload(kept[NFULA_PACKET_HDR]);
	print_packet(mnl_attr_get_payload(kept[NFULA_PAYLOAD]), mnl_attr_get_payload_len(kept[NFULA_PAYLOAD]));
	printf(" [%s] hook=%d", kept[NFULA_PREFIX] ? mnl_attr_get_str(kept[NFULA_PREFIX]) : "", header->hook);
	print_device("in", kept[NFULA_IFINDEX_INDEV]);
	print_device("out", kept[NFULA_IFINDEX_OUTDEV]);
	print_device("physin", kept[NFULA_IFINDEX_PHYSINDEV]);
	print_device("physout", kept[NFULA_IFINDEX_PHYSOUTDEV]);
	printf(" mark=0x%x", kept[NFULA_MARK] ? ntohl(mnl_attr_get_u32(kept[NFULA_MARK])) : 0);
	printf(" link=%d", kept[NFULA_HWHEADER] ? mnl_attr_get_payload_len(kept[NFULA_HWHEADER]) : 0);
	printf(" size=%d\n", mnl_attr_get_payload_len(kept[NFULA_PAYLOAD]));
	fflush(stdout);
	return MNL_CB_OK;
}

static void print_messages(struct mnl_socket *netlink)
{
	static char buffer[1 << 16];
	struct pollfd waiting = {mnl_socket_get_fd(netlink), POLLIN, 0};
	ssize_t size;

	if (poll(&waiting, 1, 50) <= 0)
		return;
	size = mnl_socket_recvfrom(netlink, buffer, sizeof buffer);
	if (size > 0)
		mnl_cb_run(buffer, (size_t)size, 0, 0, print_message, NULL);
	else if (errno == ENOBUFS)
		fail("nflog");
}

int main(int count, char **arguments)
{
	struct mnl_socket *netlink;
	double end = 0;
	pid_t child;
	int status = 0;

	if (count < 3) {
		fprintf(stderr, "usage: nflog SECONDS COMMAND…\n");
		return 2;
	}
	netlink = open_group();
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(arguments[2], arguments + 2);
		perror(arguments[2]);
		_exit(2);
	}
	while (end == 0 || now() < end) {
		print_messages(netlink);
		if (end == 0 && waitpid(child, &status, WNOHANG) == child)
			end = now() + atof(arguments[1]);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) < 2 ? 0 : 2;
}
