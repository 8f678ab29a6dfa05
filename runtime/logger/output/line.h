/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the log:
 *
 *     VMID LEVEL CHAIN TIME MESSAGE FIELD...
 *
 * The first three come from the prefix that the compiler gives to rules that log,
 * ":VMID:LEVEL:CHAIN: MESSAGE"; a rule of somebody else has another prefix, which is
 * all message then.
 */
#ifndef PVEFW_LINE_H
#define PVEFW_LINE_H

#include "logger/packet/bytes.h"
#include "logger/output/interfaces.h"
#include "base/output.h"

/* With the LF at its end. */
enum { LINE_MOST = 512 };

/* What NFLOG says about a packet. */
struct logged_packet {
	struct text prefix;
	unsigned ethertype;                /* 0: not known */
	uint32_t in, out, physin, physout; /* numbers of interfaces; 0: none */
	uint32_t mark;
	int64_t seconds;   /* Unix time; 0: not known */
	struct bytes link; /* the link layer's header */
	struct bytes data; /* from the network layer on, maybe cut short */
};

/* What printing lines needs to remember. */
struct line_printer {
	int64_t now; /* Unix time; the caller sets it */
	struct interfaces interfaces;
	int64_t shown; /* the time that `time` shows */
	char time[40];
};

struct line_prefix {
	struct text vmid, level, chain, message;
};

struct line_prefix line_prefix_of(struct text prefix);

/* Appends the line; false if a part of the packet could not be read, which it says. */
bool line_packet(struct line_printer *printer, struct out *out, const struct logged_packet *packet);
/* Appends a line of the logger's own; `level` as in syslog(3). */
void line_message(struct line_printer *printer, struct out *out, int level, struct text message);

#endif
