/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "batch.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

static int is_named(const struct batch_filter *filter, const char *name, long key)
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

static int is_wanted(const struct nlmsghdr *message, struct batch_filter *filter)
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

static struct buffer filter_batch(const struct buffer *whole, struct batch_filter *filter)
{
	struct buffer kept = { malloc(whole->len + 1), 0, NULL };
	int rest = (int)whole->len;

	if (!kept.bytes)
		abort();
	for (struct nlmsghdr *m = (void *)whole->bytes; mnl_nlmsg_ok(m, rest); m = mnl_nlmsg_next(m, &rest)) {
		struct nlmsghdr *copy = (void *)(kept.bytes + kept.len);

		if (!is_wanted(m, filter))
			continue;
		memcpy(copy, m, m->nlmsg_len);
		copy->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		if (m->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES)
			kept.last = copy;
		kept.len += NLMSG_ALIGN(m->nlmsg_len);
	}
	if (kept.last)
		kept.last->nlmsg_flags |= NLM_F_ACK;
	return kept;
}

static bool print_answers(struct mnl_socket *socket, FILE *refusals)
{
	char bytes[1 << 16];
	ssize_t len;
	bool answered = false, refused = false;

	while ((len = recv(mnl_socket_get_fd(socket), bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		int rest = (int)len;

		for (struct nlmsghdr *m = (void *)bytes; mnl_nlmsg_ok(m, rest);
		     m = mnl_nlmsg_next(m, &rest)) {
			const struct nlmsgerr *error = mnl_nlmsg_get_payload(m);

			answered = true;
			refused |= error->error != 0;
			if (error->error)
				fprintf(refusals, "message %u, type %u: %s\n", m->nlmsg_seq,
					error->msg.nlmsg_type & 0xff, strerror(-error->error));
		}
	}
	if (!answered)
		fputs("no answer\n", refusals);
	return answered && !refused;
}

static bool read_file(const char *path, struct buffer *into)
{
	FILE *file = fopen(path, "r");
	size_t room = 1 << 20;

	*into = (struct buffer){ 0 };
	if (!file)
		return false;
	do {
		room *= 2;
		into->bytes = realloc(into->bytes, room);
		if (!into->bytes)
			abort();
		into->len += fread(into->bytes + into->len, 1, room - into->len, file);
	} while (into->len == room);
	fclose(file);
	return true;
}

bool batch_send(struct mnl_socket *socket, const char *path, struct batch_filter *filter, FILE *refusals)
{
	struct buffer whole, kept;
	int size = 256 << 20;
	bool good = false;

	if (!read_file(path, &whole)) {
		fprintf(refusals, "%s: %s\n", path, strerror(errno));
		return false;
	}
	kept = filter_batch(&whole, filter);
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (mnl_socket_sendto(socket, kept.bytes, kept.len) < 0)
		fprintf(refusals, "sendto: %s\n", strerror(errno));
	else
		good = print_answers(socket, refusals);
	free(whole.bytes);
	free(kept.bytes);
	return good;
}
