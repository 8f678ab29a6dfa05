/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each frame carries a mark, "pvfw" and the packet's number: TCP as sequence and acknowledgement numbers,
 * SCTP as an INIT chunk's tag and window, ARP as padding, all others as data.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mark_text[4] = { 'p', 'v', 'f', 'w' };

/* ---- making ---- */

static void put(struct frame *f, const void *bytes, size_t size)
{
	memcpy(f->bytes + f->size, bytes, size);
	f->size += size;
}

static void put8(struct frame *f, unsigned value)
{
	f->bytes[f->size++] = (unsigned char)value;
}

static void put16(struct frame *f, unsigned value)
{
	put8(f, value >> 8 & 255);
	put8(f, value & 255);
}

static void put32(struct frame *f, unsigned value)
{
	put16(f, value >> 16);
	put16(f, value & 0xffff);
}

static void put_mark(struct frame *f, unsigned number)
{
	put(f, mark_text, sizeof(mark_text));
	put32(f, number);
}

static void put_address(struct frame *f, bool six, const char *text)
{
	unsigned char address[16] = { 0 };

	inet_pton(six ? AF_INET6 : AF_INET, text, address);
	put(f, address, six ? 16 : 4);
}

static unsigned checksum(const unsigned char *bytes, size_t size, unsigned sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (unsigned)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void set16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static unsigned crc32c(const unsigned char *bytes, size_t size)
{
	unsigned crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static bool is_six(const struct packet *p)
{
	return p->ethertype == 0x86dd;
}

/* Returns where the payload begins, whose length put_end() sets. */
static size_t put_ip(struct frame *f, const struct packet *p, const char *source, const char *dest)
{
	if (is_six(p)) {
		put32(f, 0x60000000);
		put16(f, 0);
		put8(f, p->protocol);
		put8(f, 255);
	} else {
		put16(f, 0x4500);
		put16(f, 0);
		put16(f, p->number & 0xffff);
		put16(f, 0);
		put8(f, 64);
		put8(f, p->protocol);
		put16(f, 0);
	}
	put_address(f, is_six(p), source);
	put_address(f, is_six(p), dest);
	return f->size;
}

static void put_end(struct frame *f, const struct packet *p, size_t payload)
{
	unsigned char *ip = f->bytes + payload - 20;

	if (is_six(p)) {
		set16(f->bytes + payload - 36, (unsigned)(f->size - payload));
		return;
	}
	set16(ip + 2, (unsigned)(f->size - payload + 20));
	set16(ip + 10, 0);
	set16(ip + 10, checksum(ip, 20, 0));
}

/* The checksum at `offset` of the payload, over the addresses before it, the protocol and the length. */
static void put_sum(struct frame *f, const struct packet *p, size_t payload, size_t offset)
{
	size_t size = f->size - payload, addresses = is_six(p) ? 32 : 8;

	set16(f->bytes + payload + offset,
	      checksum(f->bytes + payload - addresses, addresses + size, (unsigned)size + p->protocol));
}

static void put_tcp(struct frame *f, const struct packet *p, size_t payload)
{
	put16(f, p->sport);
	put16(f, p->dport);
	put_mark(f, p->number);
	put16(f, 0x5000 | p->flags);
	put16(f, 8192);
	put32(f, 0);
	put_sum(f, p, payload, 16);
}

/* UDPLite's length is the checksum's coverage: 0 is all. */
static void put_udp(struct frame *f, const struct packet *p, size_t payload)
{
	put16(f, p->sport);
	put16(f, p->dport);
	put16(f, p->protocol == IPPROTO_UDP ? 16 : 0);
	put16(f, 0);
	put_mark(f, p->number);
	put_sum(f, p, payload, 6);
}

static void put_sctp(struct frame *f, const struct packet *p, size_t payload)
{
	unsigned sum;

	put16(f, p->sport);
	put16(f, p->dport);
	put32(f, 0);
	put32(f, 0);
	put32(f, 0x01000014); /* INIT, 20 bytes */
	put_mark(f, p->number);
	put32(f, 0x00010001);
	put32(f, 1);
	sum = crc32c(f->bytes + payload, f->size - payload);
	for (unsigned i = 0; i < 4; i++)
		f->bytes[payload + 8 + i] = (unsigned char)(sum >> 8 * i);
}

/* The packet that an error quotes: its header and the first bytes. */
static void put_quote(struct frame *f, const struct packet *about)
{
	size_t payload = put_ip(f, about, about->source, about->dest), end;

	if (about->protocol == IPPROTO_UDP) {
		put16(f, about->sport);
		put16(f, about->dport);
		put16(f, 16);
		put16(f, 0);
	} else {
		put8(f, about->type);
		put8(f, about->code);
		put16(f, 0);
		put16(f, about->number & 0xffff);
		put16(f, 0);
	}
	end = f->size;
	f->size += 8;
	put_end(f, about, payload);
	f->size = end;
}

static void put_icmp(struct frame *f, const struct packet *p, const struct packet *about, size_t payload)
{
	bool answers = strcmp(p->state, "established") == 0;

	put8(f, p->type);
	put8(f, p->code);
	put16(f, 0);
	put16(f, about ? 0 : answers ? p->ref & 0xffff : p->number & 0xffff);
	put16(f, 0);
	if (about)
		put_quote(f, about);
	put_mark(f, p->number);
	if (is_six(p))
		put_sum(f, p, payload, 2);
	else
		set16(f->bytes + payload + 2, checksum(f->bytes + payload, f->size - payload, 0));
}

static void put_arp(struct frame *f, const struct packet *p)
{
	static const unsigned char request[] = { 0, 1, 8, 0, 6, 4, 0, 1 }, nobody[6] = { 0 };

	put(f, request, sizeof(request));
	put(f, p->mac, 6);
	put_address(f, false, p->source);
	put(f, nobody, 6);
	put_address(f, false, p->dest);
	put_mark(f, p->number);
}

void frame_make(struct frame *f, const struct packet *p, const unsigned char to[6],
		const struct packet *about)
{
	size_t payload;

	memset(f, 0, sizeof(*f));
	put(f, to, 6);
	put(f, p->mac, 6);
	put16(f, p->ethertype);
	if (p->ethertype != 0x800 && p->ethertype != 0x86dd) {
		if (p->ethertype == 0x806)
			put_arp(f, p);
		else
			put_mark(f, p->number);
		f->size = 60;
		return;
	}
	payload = put_ip(f, p, p->source, p->dest);
	switch (p->protocol) {
	case IPPROTO_TCP:
		put_tcp(f, p, payload);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		put_udp(f, p, payload);
		break;
	case IPPROTO_SCTP:
		put_sctp(f, p, payload);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put_icmp(f, p, about, payload);
		break;
	default:
		/* REJECT answers what has a right checksum of all, where the protocol may have one. */
		put_mark(f, p->number);
		put16(f, 0);
		if (is_six(p))
			put_sum(f, p, payload, 8);
		else
			set16(f->bytes + payload + 8, checksum(f->bytes + payload, 8, 0));
	}
	put_end(f, p, payload);
}

/* ---- reading ---- */

static unsigned get16(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static bool find_mark(const unsigned char *bytes, size_t size, unsigned *number)
{
	const unsigned char *mark = memmem(bytes, size, mark_text, sizeof(mark_text));

	if (!mark || (size_t)(mark - bytes) + 8 > size)
		return false;
	*number = (unsigned)mark[4] << 24 | (unsigned)mark[5] << 16 | (unsigned)mark[6] << 8 | mark[7];
	return true;
}

struct frame_facts frame_read_payload(bool six, unsigned protocol, const unsigned char *bytes, size_t size)
{
	struct frame_facts facts = { .kind = FRAME_OTHER };
	bool is_error = six ? protocol == IPPROTO_ICMPV6 && size && bytes[0] < 128
			    : protocol == IPPROTO_ICMP && size &&
					(bytes[0] == 3 || bytes[0] == 11 || bytes[0] == 12);

	if (find_mark(bytes, size, &facts.number)) {
		facts.kind = FRAME_PACKET;
		/* An error of ours has its mark directly behind its header. */
		if (is_error && size >= 16 && memcmp(bytes + 8, mark_text, 4) != 0) {
			facts.kind = FRAME_ERROR;
			facts.type = bytes[0];
			facts.code = bytes[1];
		}
	} else if (protocol == IPPROTO_TCP && size >= 20 && (bytes[13] & 4)) {
		facts.kind = FRAME_RESET;
		facts.sport = get16(bytes);
		facts.dport = get16(bytes + 2);
	}
	return facts;
}

struct frame_facts frame_read(unsigned ethertype, const unsigned char *bytes, size_t size)
{
	struct frame_facts facts = { .kind = FRAME_OTHER };

	if (ethertype == 0x800 && size >= 20) {
		size_t header = (size_t)(bytes[0] & 15) * 4;

		facts = frame_read_payload(false, bytes[9], bytes + header,
					   size > header ? size - header : 0);
		inet_ntop(AF_INET, bytes + 12, facts.source, sizeof(facts.source));
		inet_ntop(AF_INET, bytes + 16, facts.dest, sizeof(facts.dest));
	} else if (ethertype == 0x86dd && size >= 40) {
		facts = frame_read_payload(true, bytes[6], bytes + 40, size - 40);
		inet_ntop(AF_INET6, bytes + 8, facts.source, sizeof(facts.source));
		inet_ntop(AF_INET6, bytes + 24, facts.dest, sizeof(facts.dest));
	} else if (find_mark(bytes, size, &facts.number)) {
		facts.kind = FRAME_PACKET;
	}
	return facts;
}
