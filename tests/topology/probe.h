/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of probe: hosts and probes as read from their files, and raw frames.
 * README.md has the grammar of a spec file. */
#ifndef PVEFW_PROBE_H
#define PVEFW_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum protocol { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP, PROTOCOL_ARP, PROTOCOL_IP, PROTOCOL_ETHER };

/* A row of hosts.tsv. */
struct host {
	char name[16], space[16], ipv4[16], ipv6[40], mac[18];
};

/* A line of the spec file. */
struct probe {
	const struct host *source, *destination;
	enum protocol protocol;
	bool ipv6;
	int port;           /* 0 when the protocol has none; of ip the protocol, of ether the type */
	int source_port;    /* 0: any */
	char own[40];       /* another address of the source or the destination to use; empty: the */
	char other[40];     /* one of hosts.tsv */
	char want[16];
	char mac[18];       /* with any of these the probe is a raw frame: the sender's hardware */
	char address[40];   /* address, its protocol address, */
	char target[40];    /* the goal's protocol address (with group addresses also the frame's), */
	int type;           /* the ICMP type (-1: echo request), */
	unsigned int flags; /* the TCP flags (0: SYN) */
	char text[160];     /* the line, to print */
	char result[16];    /* what happened; empty until something has */
	int socket;
};

struct spec {
	struct host *hosts;
	size_t host_count;
	struct probe *probes;
	size_t probe_count;
};

/* Reads both files; ends the program with a message when a line is wrong. */
void spec_read(struct spec *spec, const char *hosts, const char *probes);

/* True for probes that are sent as a frame of their own making and only watched for at their goal. */
bool probe_is_raw(const struct probe *probe);

/* Socket address of the probe's goal, and of its source. */
socklen_t goal_address(const struct probe *probe, struct sockaddr_storage *address);
socklen_t own_address(const struct probe *probe, struct sockaddr_storage *address);

/* Lets the program continue in the namespace of a host. */
void enter_space(const char *prefix, const struct host *host);

/* A packet socket on the present namespace's eth0; for all frames if it is to listen. */
int raw_open(bool listen);

/* Sends the probe's frame from the present namespace; number marks it. */
void raw_send(int raw, const struct probe *probe, size_t number);

/* The number of the probe whose mark is in this frame, or none (SIZE_MAX). */
size_t raw_number(const unsigned char *frame, size_t size);

#endif
