/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A batch for people; expressions are printed by libnftnl. */
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/netlink/message.h"

enum { NFT_RULE_TEXT = 8192 };

static const struct {
	uint16_t type;
	const char *text;
	uint16_t name; /* the attribute with the object's name */
} nft_message_kinds[] = {
	{ NFT_MSG_NEWTABLE, "add table", NFTA_TABLE_NAME },
	{ NFT_MSG_DELTABLE, "delete table", NFTA_TABLE_NAME },
	{ NFT_MSG_NEWCHAIN, "add chain", NFTA_CHAIN_NAME },
	{ NFT_MSG_DELCHAIN, "delete chain", NFTA_CHAIN_NAME },
	{ NFT_MSG_NEWOBJ, "add ct helper", NFTA_OBJ_NAME },
	{ NFT_MSG_DELOBJ, "delete ct helper", NFTA_OBJ_NAME },
	{ NFT_MSG_NEWSET, "add set", NFTA_SET_NAME },
	{ NFT_MSG_DELSET, "delete set", NFTA_SET_NAME },
	{ NFT_MSG_NEWSETELEM, "add elements", NFTA_SET_ELEM_LIST_SET },
	{ NFT_MSG_DELSETELEM, "delete elements", NFTA_SET_ELEM_LIST_SET },
	{ NFT_MSG_NEWRULE, "add rule", NFTA_RULE_CHAIN },
	{ NFT_MSG_DELRULE, "flush chain", NFTA_RULE_CHAIN },
};

static void nft_print_expressions(struct out *out, const struct nlmsghdr *message)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	char text[NFT_RULE_TEXT];

	if (rule && nftnl_rule_nlmsg_parse(message, rule) == 0 &&
	    nftnl_rule_snprintf(text, sizeof(text), rule, NFTNL_OUTPUT_DEFAULT, 0) > 0)
		for (char *line = strchr(text, '['); line; line = strchr(line + 1, '[')) {
			out_string(out, "  ");
			out_bytes(out, line, strcspn(line, "\n"));
			out_char(out, '\n');
			line += strcspn(line, "\n");
		}
	if (rule)
		nftnl_rule_free(rule);
}

static void nft_print_kind(struct out *out, const struct nlmsghdr *message, unsigned kind)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse(message, sizeof(*general), nft_collect, found);
	out_printf(out, "%s %s", nft_message_kinds[kind].text, general->nfgen_family == NFPROTO_BRIDGE ? "bridge" : "inet");
	for (unsigned i = NFTA_TABLE_NAME; i <= nft_message_kinds[kind].name; i++)
		if ((i == NFTA_TABLE_NAME || i == nft_message_kinds[kind].name) && found[i])
			out_printf(out, " %s", mnl_attr_get_str(found[i]));
}

static void nft_print_message(struct out *out, const struct nft_message *m, const struct nlmsghdr *message)
{
	unsigned type = message->nlmsg_type & 0xff, count = sizeof(nft_message_kinds) / sizeof(nft_message_kinds[0]), kind = 0;

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) {
		out_string(out, message->nlmsg_type == NFNL_MSG_BATCH_BEGIN ? "begin" : "end");
		out_printf(out, " (%u bytes)\n", message->nlmsg_len);
		return;
	}
	while (kind < count - 1 && nft_message_kinds[kind].type != type)
		kind++;
	nft_print_kind(out, message, kind);
	out_printf(out, " (%u bytes)", message->nlmsg_len);
	if (m->origin.rule && m->origin.rule->comment.len)
		out_printf(out, " from %.*s", TEXT_ARG(m->origin.rule->comment));
	out_char(out, '\n');
	if (type == NFT_MSG_NEWRULE)
		nft_print_expressions(out, message);
}

void nft_batch_print(struct out *out, const struct nft_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		const char *at = batch->bytes.data + batch->messages[i].offset;

		nft_print_message(out, &batch->messages[i], (const struct nlmsghdr *)(const void *)at);
	}
}
