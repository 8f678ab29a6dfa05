/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges and lists of ports. */
#ifndef PVEFW_PORTS_H
#define PVEFW_PORTS_H

#include <stdint.h>

#include "base/text.h"

struct port_range {
	uint16_t first, last;
};

/* A port list: its printed text and its ranges. */
struct ports {
	struct text text;
	struct port_range *ranges;
	uint32_t count; /* elements of the comma list */
};

#endif
