/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a packet: two of its Ethernet type, then the network layer. */
#include "fuzz.h"

#include <stdlib.h>

#include "logger/output/line.h"
#include "logger_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct logged_packet packet = { .prefix = TEXT(":100:6:tap100i0-IN: policy DROP: ") };
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = malloc(size - 2 ? size - 2 : 1);
	memcpy(copy, data + 2, size - 2);
	packet.ethertype = be16(data);
	packet.data = (struct bytes){ copy, size - 2 };
	check_line(&packet);
	free(copy);
	return 0;
}
