/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packets of packets/ and the lines that they must give.
 *
 *     packet NAME                    or: packet (not on a wire) NAME
 *     HEXADECIMAL ...                an Ethernet frame; any number of lines
 *     line TEXT                      with TIME for the time, as it comes in by the interface "wire"
 *
 * Lines of a # and empty lines do not count.  A packet that is not on a wire is one
 * that the kernel gives away otherwise than it came.
 */
#ifndef PVEFW_PACKETS_H
#define PVEFW_PACKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_PREFIX ":100:6:tap100i0-IN: policy DROP: "

enum { LINK_SIZE = 14 }; /* of the Ethernet header, which every frame has */

struct packet_case {
	char name[128];
	char line[1024];
	bool on_wire;
	uint8_t frame[2048];
	size_t size;
};

static inline void packet_case_bytes(struct packet_case *p, const char *text)
{
	unsigned value;
	int taken;

	while (p->size < sizeof(p->frame) && sscanf(text, " %2x%n", &value, &taken) == 1) {
		p->frame[p->size++] = (uint8_t)value;
		text += taken;
	}
}

/* Reads the next one; false at the end of the file. */
static inline bool packet_case_next(FILE *file, struct packet_case *p)
{
	char line[2048];

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "packet ", 7) == 0) {
			p->on_wire = strncmp(line + 7, "(not on a wire) ", 16) != 0;
			snprintf(p->name, sizeof(p->name), "%.100s", line + 7);
			p->size = 0;
		} else if (strncmp(line, "line ", 5) == 0) {
			snprintf(p->line, sizeof(p->line), "%.1000s", line + 5);
			return true;
		} else if (line[0] != '#') {
			packet_case_bytes(p, line);
		}
	}
	return false;
}

#endif
