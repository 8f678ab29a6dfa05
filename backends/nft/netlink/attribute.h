/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes at the end of a netlink message.
 *
 * They are inline because a ruleset of 50,000 rules has a million of them: with calls of libmnl, and an object of libnftnl
 * for each expression, writing them took as long as all passes before.  The caller makes sure that there is room.
 */
#ifndef PVEFW_NFT_NETLINK_ATTRIBUTE_H
#define PVEFW_NFT_NETLINK_ATTRIBUTE_H

#include <endian.h>
#include <linux/netlink.h>

#include "base/text.h"

/* Appends an attribute of `len` bytes; returns the place for them.  The padding is zero. */
static inline char *nft_attr_add(struct nlmsghdr *message, uint16_t type, size_t len)
{
	char *place = (char *)message + message->nlmsg_len;
	struct nlattr attribute = { .nla_len = (uint16_t)(sizeof(attribute) + len), .nla_type = type };
	uint32_t padding = -(uint32_t)len % NLA_ALIGNTO;

	memcpy(place, &attribute, sizeof(attribute));
	place += sizeof(attribute);
	memset(place + len, 0, padding);
	message->nlmsg_len += (uint32_t)(sizeof(attribute) + len) + padding;
	return place;
}

static inline void nft_attr_bytes(struct nlmsghdr *message, uint16_t type, const void *bytes, size_t len)
{
	memcpy(nft_attr_add(message, type, len), bytes, len);
}

/* Numbers are sent in network byte order. */
static inline void nft_attr_u8(struct nlmsghdr *message, uint16_t type, uint8_t number)
{
	nft_attr_bytes(message, type, &number, sizeof(number));
}

static inline void nft_attr_u16(struct nlmsghdr *message, uint16_t type, uint16_t number)
{
	uint16_t sent = htobe16(number);

	nft_attr_bytes(message, type, &sent, sizeof(sent));
}

static inline void nft_attr_u32(struct nlmsghdr *message, uint16_t type, uint32_t number)
{
	uint32_t sent = htobe32(number);

	nft_attr_bytes(message, type, &sent, sizeof(sent));
}

static inline void nft_attr_u64(struct nlmsghdr *message, uint16_t type, uint64_t number)
{
	uint64_t sent = htobe64(number);

	nft_attr_bytes(message, type, &sent, sizeof(sent));
}

/* A string with its NUL; `size` is the kernel's limit with the NUL, and the rest is cut off. */
static inline void nft_attr_text(struct nlmsghdr *message, uint16_t type, struct text text, size_t size)
{
	size_t len = text.len < size ? text.len : size - 1;
	char *place = nft_attr_add(message, type, len + 1);

	memcpy(place, text.ptr, len);
	place[len] = '\0';
}

static inline void nft_attr_string(struct nlmsghdr *message, uint16_t type, const char *string)
{
	nft_attr_bytes(message, type, string, strlen(string) + 1);
}

/* Opens a nested attribute; attributes that are added before nft_attr_end() are in it. */
static inline struct nlattr *nft_attr_nest(struct nlmsghdr *message, uint16_t type)
{
	return (struct nlattr *)(void *)(nft_attr_add(message, NLA_F_NESTED | type, 0) - sizeof(struct nlattr));
}

static inline void nft_attr_end(const struct nlmsghdr *message, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)((const char *)message + message->nlmsg_len - (const char *)nest);
}

#endif
