/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attribute that is too short for what it should hold counts as missing. */
#include "logger/input/nflog_message.h"

#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

uint32_t sequence_take(struct sequence *sequence, uint32_t number)
{
	uint32_t gap = sequence->known ? number - sequence->next : 0;

	/* A lower number: the count has restarted. */
	if (gap > INT32_MAX)
		gap = 0;
	sequence->known = true;
	sequence->next = number + 1;
	sequence->lost += gap;
	return gap;
}

/* ---- attributes ---- */

typedef const struct nlattr *attributes[NFULA_MAX + 1];

static int keep_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **kept = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type <= NFULA_MAX)
		kept[type] = attribute;
	return MNL_CB_OK;
}

static struct bytes payload(const struct nlattr *attribute)
{
	if (!attribute)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute) };
}

/* Of four bytes, big-endian; 0 if it is missing. */
static uint32_t number(const struct nlattr *attribute)
{
	struct bytes b = payload(attribute);

	return b.len < 4 ? 0 : be32(b.ptr);
}

static bool has_number(const struct nlattr *attribute, uint32_t *value)
{
	*value = number(attribute);
	return payload(attribute).len >= 4;
}

/* ---- messages ---- */

bool nflog_is_packet(const struct nlmsghdr *header)
{
	return header->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
}

/* Packets that are sent have none before their header is complete: then the family tells. */
static unsigned ethertype(uint8_t family, struct bytes header)
{
	unsigned type = header.len >= sizeof(struct nfulnl_msg_packet_hdr) ? be16(header.ptr) : 0;

	if (type)
		return type;
	switch (family) {
	case NFPROTO_IPV4:
		return ETH_P_IP;
	case NFPROTO_IPV6:
		return ETH_P_IPV6;
	case NFPROTO_ARP:
		return ETH_P_ARP;
	}
	return 0;
}

static int64_t seconds(struct bytes stamp)
{
	int64_t value;

	if (stamp.len < sizeof(struct nfulnl_msg_packet_timestamp))
		return 0;
	value = (int64_t)((uint64_t)be32(stamp.ptr) << 32 | be32(stamp.ptr + 4));
	return value > 0 ? value : 0;
}

bool nflog_read(const struct nlmsghdr *header, struct nflog_message *message)
{
	attributes kept = { NULL };
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(header);
	size_t size = mnl_nlmsg_get_payload_len(header);
	struct logged_packet *p = &message->packet;
	struct bytes prefix;

	*message = (struct nflog_message){ 0 };
	if (size < sizeof(*general))
		return false;
	/* Not mnl_attr_parse(): an attribute may reach there behind a length that is no multiple of 4. */
	mnl_attr_parse_payload(general + 1, size - sizeof(*general), keep_attribute, kept);
	prefix = payload(kept[NFULA_PREFIX]);
	p->prefix = (struct text){ (const char *)prefix.ptr,
				   prefix.ptr ? (uint32_t)strnlen((const char *)prefix.ptr, prefix.len) : 0 };
	p->ethertype = ethertype(general->nfgen_family, payload(kept[NFULA_PACKET_HDR]));
	p->in = number(kept[NFULA_IFINDEX_INDEV]);
	p->out = number(kept[NFULA_IFINDEX_OUTDEV]);
	p->physin = number(kept[NFULA_IFINDEX_PHYSINDEV]);
	p->physout = number(kept[NFULA_IFINDEX_PHYSOUTDEV]);
	p->mark = number(kept[NFULA_MARK]);
	p->seconds = seconds(payload(kept[NFULA_TIMESTAMP]));
	p->link = payload(kept[kept[NFULA_HWHEADER] ? NFULA_HWHEADER : NFULA_L2HDR]);
	p->data = payload(kept[NFULA_PAYLOAD]);
	message->has_local = has_number(kept[NFULA_SEQ], &message->local);
	message->has_global = has_number(kept[NFULA_SEQ_GLOBAL], &message->global);
	return true;
}
