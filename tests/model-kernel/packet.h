/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet to be sent, and what the model says of it: one line of a file that draw writes and inject reads. */
#ifndef PVEFW_MODEL_KERNEL_PACKET_H
#define PVEFW_MODEL_KERNEL_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct packet {
	unsigned number;
	unsigned phase; /* 2: sent when those of phase 1 have arrived, as it belongs to a connection of one of
			   them */
	unsigned ref;   /* the number of that one */
	char from[16], to[16]; /* network namespaces of tests/topology, without the prefix */
	int flooded;           /* sent to the broadcast address */
	unsigned ethertype, protocol, sport, dport, type, code, flags;
	char source[46], dest[46]; /* of ARP the sender and the target; else "-" */
	uint8_t mac[6];            /* of the sender */
	char state[12];            /* of connection tracking: new, established, related, invalid, untracked */
	char verdict[20];          /* pass, queue, drop, reset, port, host, admin, unreachable */
};

static inline void packet_write(const struct packet *p)
{
	printf("%u %u %u %s %s %d %x %u %u %u %u %u %x %s %s %02x:%02x:%02x:%02x:%02x:%02x %s %s\n",
	       p->number, p->phase, p->ref, p->from, p->to, p->flooded, p->ethertype, p->protocol, p->sport,
	       p->dport, p->type, p->code, p->flags, p->source, p->dest, p->mac[0], p->mac[1], p->mac[2],
	       p->mac[3], p->mac[4], p->mac[5], p->state, p->verdict);
}

static inline bool packet_read(FILE *file, struct packet *p)
{
	return fscanf(file,
		      "%u %u %u %15s %15s %d %x %u %u %u %u %u %x %45s %45s %hhx:%hhx:%hhx:%hhx:%hhx:%hhx %11s %19s",
		      &p->number, &p->phase, &p->ref, p->from, p->to, &p->flooded, &p->ethertype,
		      &p->protocol, &p->sport, &p->dport, &p->type, &p->code, &p->flags, p->source, p->dest,
		      &p->mac[0], &p->mac[1], &p->mac[2], &p->mac[3], &p->mac[4], &p->mac[5], p->state,
		      p->verdict) == 23;
}

#endif
