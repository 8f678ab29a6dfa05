/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel finds each field, from the table fields.def, and the numbers
 * nft has for the payload ones (src/proto.h there): it keeps them in the userdata
 * of anonymous sets.
 */
#include "nft/netlink/expr.h"

#include <linux/netfilter/nf_tables.h>

/* Headers, as nft counts them. */
enum {
	HEADER_ICMP = 4,
	HEADER_UDP = 6,
	HEADER_UDPLITE,
	HEADER_TCP,
	HEADER_DCCP,
	HEADER_SCTP,
	HEADER_IP = 12,
	HEADER_IP6,
	HEADER_ICMPV6,
	HEADER_ARP,
	HEADER_ETHER = 17,
};

/* PAYLOAD rows of fields.def: the header and the number of the field in it. */
#define NUMBER_ETHER_DADDR HEADER_ETHER, 1
#define NUMBER_ETHER_SADDR HEADER_ETHER, 2
#define NUMBER_ETHER_TYPE HEADER_ETHER, 3
#define NUMBER_IP_SADDR HEADER_IP, 11
#define NUMBER_IP_DADDR HEADER_IP, 12
#define NUMBER_IP6_SADDR HEADER_IP6, 8
#define NUMBER_IP6_DADDR HEADER_IP6, 9
#define NUMBER_ARP_SADDR_IP HEADER_ARP, 7
#define NUMBER_ICMP_TYPE HEADER_ICMP, 1
#define NUMBER_ICMP_CODE HEADER_ICMP, 2
#define NUMBER_ICMPV6_TYPE HEADER_ICMPV6, 1
#define NUMBER_ICMPV6_CODE HEADER_ICMPV6, 2
#define NUMBER_TCP_SPORT HEADER_TCP, 1
#define NUMBER_TCP_DPORT HEADER_TCP, 2
#define NUMBER_TCP_FLAGS HEADER_TCP, 7
#define NUMBER_UDP_SPORT HEADER_UDP, 1
#define NUMBER_UDP_DPORT HEADER_UDP, 2
#define NUMBER_UDPLITE_SPORT HEADER_UDPLITE, 1
#define NUMBER_UDPLITE_DPORT HEADER_UDPLITE, 2
#define NUMBER_DCCP_SPORT HEADER_DCCP, 1
#define NUMBER_DCCP_DPORT HEADER_DCCP, 2
#define NUMBER_SCTP_SPORT HEADER_SCTP, 1
#define NUMBER_SCTP_DPORT HEADER_SCTP, 2

const struct nft_source_row nft_sources[NFT_FIELDS] = {
#define META(ID, spelling, type, key_) [NFT_FIELD_##ID] = { NFT_SOURCE_META, .key = key_ },
#define CT(ID, spelling, type, key_) [NFT_FIELD_##ID] = { NFT_SOURCE_CT, .key = key_ },
#define PAYLOAD(ID, spelling, type, base, offset) \
	[NFT_FIELD_##ID] = { NFT_SOURCE_PAYLOAD, NFT_PAYLOAD_##base##_HEADER, offset, NUMBER_##ID },
#define FIB(ID, spelling, type, flags) [NFT_FIELD_##ID] = { NFT_SOURCE_FIB, .key = flags },
#include "nft/lower/fields.def"
};
