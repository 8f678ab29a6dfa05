/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of a probe's own making: an ARP request, a UDP packet, a TCP segment, an ICMP message, any IP
 * or Ethernet protocol, with whatever sender it claims to be. Each carries a mark of eight bytes by
 * which it is known where it arrives: TCP as its sequence and acknowledgement numbers, ARP as its
 * padding, the others as their data. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

enum {
	HEADER_ETHERNET = 14,
	HEADER_IPV4 = 20,
	HEADER_IPV6 = 40,
	HEADER_ICMP = 8 + 16, /* with a target */
	MARK_SIZE = 8,
	FRAME_SIZE = 128,
};

static const unsigned char mark_text[4] = {'p', 'v', 'f', 'w'};

/* A frame as it grows; `size` bytes of it are written. */
struct frame {
	unsigned char bytes[FRAME_SIZE];
	size_t size;
};

static void put(struct frame *frame, const void *bytes, size_t size)
{
	memcpy(frame->bytes + frame->size, bytes, size);
	frame->size += size;
}

static void put8(struct frame *frame, unsigned int value)
{
	frame->bytes[frame->size++] = (unsigned char)value;
}

static void put16(struct frame *frame, unsigned int value)
{
	put8(frame, value >> 8);
	put8(frame, value & 0xff);
}

static void put_mac(struct frame *frame, const char *text)
{
	unsigned int b[6] = {0};

	sscanf(text, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4, b + 5);
	for (size_t i = 0; i < 6; i++)
		put8(frame, b[i]);
}

static void put_address(struct frame *frame, bool ipv6, const char *text)
{
	unsigned char address[16];

	inet_pton(ipv6 ? AF_INET6 : AF_INET, text, address);
	put(frame, address, ipv6 ? 16 : 4);
}

static void put_mark(struct frame *frame, size_t number)
{
	put(frame, mark_text, sizeof mark_text);
	put16(frame, (unsigned int)(number >> 16));
	put16(frame, (unsigned int)(number & 0xffff));
}

/* The Internet checksum of size bytes (an odd last one counts as the high half), over a first sum. */
static unsigned int checksum(const unsigned char *bytes, size_t size, unsigned int sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (unsigned int)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void set_checksum(unsigned char *at, unsigned int sum)
{
	at[0] = (unsigned char)(sum >> 8);
	at[1] = (unsigned char)sum;
}

static void put_arp(struct frame *frame, const struct probe *probe, const char *mac, const char *address,
		    size_t number)
{
	static const unsigned char request[] = {0, 1, 8, 0, 6, 4, 0, 1};

	put16(frame, ETHERTYPE_ARP);
	put(frame, request, sizeof request);
	put_mac(frame, mac);
	put_address(frame, false, address);
	put_mac(frame, "0:0:0:0:0:0");
	put_address(frame, false, probe->destination->ipv4);
	put_mark(frame, number);
	frame->size = ETH_ZLEN;
}

static unsigned int ip_protocol(const struct probe *probe)
{
	switch (probe->protocol) {
	case PROTOCOL_TCP:
		return IPPROTO_TCP;
	case PROTOCOL_UDP:
		return IPPROTO_UDP;
	case PROTOCOL_ICMP:
		return probe->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	default:
		return (unsigned int)probe->port;
	}
}

static const char *target_address(const struct probe *probe)
{
	if (*probe->target)
		return probe->target;
	return probe->ipv6 ? probe->destination->ipv6 : probe->destination->ipv4;
}

/* The IPv4 or IPv6 header before a payload of so many bytes. Neighbour discovery wants the highest
 * hop limit. */
static void put_ip(struct frame *frame, const struct probe *probe, const char *address, size_t payload)
{
	unsigned char *start = frame->bytes + HEADER_ETHERNET;

	put16(frame, probe->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (probe->ipv6) {
		put16(frame, 0x6000);
		put16(frame, 0);
		put16(frame, (unsigned int)payload);
		put8(frame, ip_protocol(probe));
		put8(frame, 255);
	} else {
		put16(frame, 0x4500);
		put16(frame, (unsigned int)(HEADER_IPV4 + payload));
		put16(frame, 0);
		put16(frame, 0);
		put8(frame, 64);
		put8(frame, ip_protocol(probe));
		put16(frame, 0);
	}
	put_address(frame, probe->ipv6, address);
	put_address(frame, probe->ipv6, target_address(probe));
	if (!probe->ipv6)
		set_checksum(start + 10, checksum(start, HEADER_IPV4, 0));
}

/* Where the checksum of a payload is that began at start and ends here: over the addresses, which come
 * right before it, the protocol and the length, or (ICMP of IPv4) over the payload alone. */
static void put_sum(struct frame *frame, const struct probe *probe, unsigned char *start, size_t offset)
{
	size_t size = (size_t)(frame->bytes + frame->size - start), addresses = probe->ipv6 ? 32 : 8;

	if (probe->protocol == PROTOCOL_ICMP && !probe->ipv6)
		set_checksum(start + offset, checksum(start, size, 0));
	else
		set_checksum(start + offset, checksum(start - addresses, addresses + size,
						      (unsigned int)size + ip_protocol(probe)));
}

static unsigned int source_port(const struct probe *probe, size_t number)
{
	/* the probe's number, so that no two raw probes are one connection */
	return probe->source_port ? (unsigned int)probe->source_port : (unsigned int)(20000 + number);
}

static void put_tcp(struct frame *frame, const struct probe *probe, const char *address, size_t number)
{
	unsigned char *start;

	put_ip(frame, probe, address, 20);
	start = frame->bytes + frame->size;
	put16(frame, source_port(probe, number));
	put16(frame, (unsigned int)probe->port);
	put_mark(frame, number);
	put16(frame, 0x5000 | (probe->flags ? probe->flags : 2)); /* five words of header; SYN */
	put16(frame, 8192);
	put16(frame, 0);
	put16(frame, 0);
	put_sum(frame, probe, start, 16);
}

static void put_udp(struct frame *frame, const struct probe *probe, const char *address, size_t number)
{
	unsigned char *start;

	put_ip(frame, probe, address, 8 + MARK_SIZE);
	start = frame->bytes + frame->size;
	put16(frame, source_port(probe, number));
	put16(frame, (unsigned int)probe->port);
	put16(frame, 8 + MARK_SIZE);
	put16(frame, 0);
	put_mark(frame, number);
	put_sum(frame, probe, start, 6);
}

/* All messages have room for the target of a neighbour solicitation. */
static void put_icmp(struct frame *frame, const struct probe *probe, const char *address, size_t number)
{
	unsigned int echo = probe->ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	unsigned char *start;

	put_ip(frame, probe, address, HEADER_ICMP + MARK_SIZE);
	start = frame->bytes + frame->size;
	put8(frame, probe->type >= 0 ? (unsigned int)probe->type : echo);
	put8(frame, 0);
	put16(frame, 0);
	put16(frame, (unsigned int)number);
	put16(frame, 0);
	put_address(frame, true, probe->destination->ipv6);
	put_mark(frame, number);
	put_sum(frame, probe, start, 2);
}

static void put_payload(struct frame *frame, const struct probe *probe, const char *mac, const char *address,
			size_t number)
{
	switch (probe->protocol) {
	case PROTOCOL_TCP:
		put_tcp(frame, probe, address, number);
		break;
	case PROTOCOL_UDP:
		put_udp(frame, probe, address, number);
		break;
	case PROTOCOL_ICMP:
		put_icmp(frame, probe, address, number);
		break;
	case PROTOCOL_ARP:
		put_arp(frame, probe, mac, address, number);
		break;
	case PROTOCOL_IP:
		put_ip(frame, probe, address, MARK_SIZE);
		put_mark(frame, number);
		break;
	case PROTOCOL_ETHER:
		put16(frame, (unsigned int)probe->port);
		put_mark(frame, number);
		frame->size = ETH_ZLEN;
		break;
	}
}

/* Frames to a group of addresses go to the group's hardware address, others to the destination's. */
static void put_goal(struct frame *frame, const struct probe *probe)
{
	unsigned char to[16];

	inet_pton(probe->ipv6 ? AF_INET6 : AF_INET, target_address(probe), to);
	if (probe->ipv6 && to[0] == 0xff) {
		put16(frame, 0x3333);
		put(frame, to + 12, 4);
	} else if (!probe->ipv6 && to[0] >= 224 && to[0] < 240) {
		put16(frame, 0x0100);
		put8(frame, 0x5e);
		put8(frame, to[1] & 0x7f);
		put(frame, to + 2, 2);
	} else if (!probe->ipv6 && to[3] == 255) {
		put_mac(frame, "ff:ff:ff:ff:ff:ff");
	} else {
		put_mac(frame, probe->destination->mac);
	}
}

int raw_open(bool listen)
{
	int protocol = listen ? htons(ETH_P_ALL) : 0;
	int raw = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	struct sockaddr_ll link = {.sll_family = AF_PACKET,
				   .sll_protocol = (uint16_t)protocol,
				   .sll_ifindex = (int)if_nametoindex("eth0")};

	if (raw < 0 || bind(raw, (struct sockaddr *)&link, sizeof link)) {
		perror("packet socket");
		exit(2);
	}
	return raw;
}

void raw_send(int raw, const struct probe *probe, size_t number)
{
	struct frame frame = {.size = 0};
	const char *mac = *probe->mac ? probe->mac : probe->source->mac;
	const char *address = probe->ipv6 ? probe->source->ipv6 : probe->source->ipv4;

	if (*probe->address)
		address = probe->address;
	put_goal(&frame, probe);
	put_mac(&frame, mac);
	put_payload(&frame, probe, mac, address, number);
	if (send(raw, frame.bytes, frame.size, 0) < 0) {
		perror(probe->text);
		exit(2);
	}
}

size_t raw_number(const unsigned char *frame, size_t size)
{
	const unsigned char *mark = memmem(frame, size, mark_text, sizeof mark_text);
	bool ipv4 = size >= HEADER_ETHERNET && frame[12] == 0x08 && frame[13] == 0x00;
	size_t furthest = HEADER_ETHERNET + (ipv4 ? HEADER_IPV4 : HEADER_IPV6) + HEADER_ICMP;

	/* one further behind is quoted by an ICMP error */
	if (!mark || (size_t)(mark - frame) > furthest || (size_t)(mark - frame) + MARK_SIZE > size)
		return SIZE_MAX;
	return (size_t)mark[4] << 24 | (size_t)mark[5] << 16 | (size_t)mark[6] << 8 | mark[7];
}
