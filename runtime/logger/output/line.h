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

#include "logger/output/interfaces.h"
#include "logger/packet/packet.h"

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
