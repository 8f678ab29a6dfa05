/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the messages of NFLOG (linux/netfilter/nfnetlink_log.h). */
#ifndef PVEFW_NFLOG_MESSAGE_H
#define PVEFW_NFLOG_MESSAGE_H

#include <linux/netlink.h>

#include "logger/packet/packet.h"

/*
 * Numbers that the kernel gives to packets, one more each: a gap is what was lost. The local ones are of one
 * group, whose first packet has 0; the global ones are of all groups of the network namespace that are
 * numbered so.
 */
struct sequence {
	bool known;    /* whether `next` is */
	uint32_t next; /* expected */
	uint64_t lost;
};

struct nflog_message {
	struct logged_packet packet;
	bool has_local, has_global;
	uint32_t local, global;
};

/* Counts `number`; returns how many were lost before it. */
uint32_t sequence_take(struct sequence *sequence, uint32_t number);

/* Whether it is the message of a packet. */
bool nflog_is_packet(const struct nlmsghdr *header);
/* What is missing is 0 or empty; the result points into the message. False if the message is too short to
 * be one. */
bool nflog_read(const struct nlmsghdr *header, struct nflog_message *message);

#endif
