/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink-send FILE FAMILY [EXPRESSION ...]: sends a batch as `compile --target
 * netlink -o` writes it, with only the messages of one family (a number; 0: all), and
 * without rules that hold one of the expressions ("meta:17" is meta with that key)
 * and without objects, if "objref" is one of them: so that a kernel can show what
 * it can do of a batch.  Prints what the kernel refuses.
 */
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct filter {
	int family;
	char **expressions;
	int count;
};

struct buffer {
	char *bytes;
	size_t len;
	struct nlmsghdr *last; /* that is neither begin nor end */
};

static int collect(const struct nlattr *attribute, void *array)
{
	const struct nlattr **found = array;

	if (mnl_attr_get_type(attribute) < 32)
		found[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static int is_named(const struct filter *filter, const char *name, long key)
{
	char with_key[64];

	snprintf(with_key, sizeof(with_key), "%s:%ld", name, key);
	for (int i = 0; i < filter->count; i++)
		if (strcmp(filter->expressions[i], name) == 0 ||
		    strcmp(filter->expressions[i], with_key) == 0)
			return 1;
	return 0;
}

/* Stops at an expression that is to be left out. */
static int look_at_expression(const struct nlattr *attribute, void *context)
{
	const struct nlattr *parts[32] = { NULL }, *data[32] = { NULL };
	long key = -1;

	mnl_attr_parse_nested(attribute, collect, parts);
	if (parts[NFTA_EXPR_DATA])
		mnl_attr_parse_nested(parts[NFTA_EXPR_DATA], collect, data);
	if (data[NFTA_META_KEY] && mnl_attr_get_payload_len(data[NFTA_META_KEY]) == 4)
		key = (long)be32toh(mnl_attr_get_u32(data[NFTA_META_KEY]));
	return is_named(context, mnl_attr_get_str(parts[NFTA_EXPR_NAME]), key) ? MNL_CB_STOP : MNL_CB_OK;
}

static int is_wanted(const struct nlmsghdr *message, struct filter *filter)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	const struct nlattr *found[32] = { NULL };
	unsigned type = message->nlmsg_type & 0xff;

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 1;
	if (filter->family && general->nfgen_family != filter->family)
		return 0;
	if (type == NFT_MSG_NEWOBJ)
		return !is_named(filter, "objref", -1);
	mnl_attr_parse(message, sizeof(*general), collect, found);
	return type != NFT_MSG_NEWRULE || !found[NFTA_RULE_EXPRESSIONS] ||
	       mnl_attr_parse_nested(found[NFTA_RULE_EXPRESSIONS], look_at_expression, filter) != MNL_CB_STOP;
}

static struct buffer read_batch(const char *path, struct filter *filter)
{
	struct buffer whole = { NULL, 0, NULL }, kept = { NULL, 0, NULL };
	FILE *file = fopen(path, "r");
	size_t room = 64 << 20;
	int rest;

	whole.bytes = malloc(room);
	kept.bytes = malloc(room);
	if (!file || !whole.bytes || !kept.bytes) {
		perror(path);
		exit(2);
	}
	whole.len = fread(whole.bytes, 1, room, file);
	fclose(file);
	rest = (int)whole.len;
	for (struct nlmsghdr *m = (void *)whole.bytes; mnl_nlmsg_ok(m, rest); m = mnl_nlmsg_next(m, &rest)) {
		struct nlmsghdr *copy = (void *)(kept.bytes + kept.len);

		if (!is_wanted(m, filter))
			continue;
		memcpy(copy, m, m->nlmsg_len);
		copy->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		if (m->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES)
			kept.last = copy;
		kept.len += NLMSG_ALIGN(m->nlmsg_len);
	}
	free(whole.bytes);
	return kept;
}

static int print_answers(struct mnl_socket *socket)
{
	char bytes[1 << 16];
	ssize_t len;
	int wrong = 0, answers = 0;

	while ((len = recv(mnl_socket_get_fd(socket), bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		int rest = (int)len;

		for (struct nlmsghdr *m = (void *)bytes; mnl_nlmsg_ok(m, rest);
		     m = mnl_nlmsg_next(m, &rest)) {
			const struct nlmsgerr *error = mnl_nlmsg_get_payload(m);

			answers++;
			wrong += error->error != 0;
			if (error->error)
				printf("message %u, type %u: %s\n", m->nlmsg_seq,
				       error->msg.nlmsg_type & 0xff, strerror(-error->error));
		}
	}
	return wrong || !answers;
}

int main(int argc, char **argv)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	int size = 256 << 20;
	struct filter filter;
	struct buffer batch;

	if (argc < 3 || !socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return 2;
	filter = (struct filter){ atoi(argv[2]), argv + 3, argc - 3 };
	batch = read_batch(argv[1], &filter);
	if (batch.last)
		batch.last->nlmsg_flags |= NLM_F_ACK;
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (mnl_socket_sendto(socket, batch.bytes, batch.len) < 0) {
		perror("sendto");
		return 2;
	}
	return print_answers(socket);
}
