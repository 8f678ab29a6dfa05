/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table in which a number has one place; one that needs it takes it from another. */
#include "logger/output/interfaces.h"

#include <net/if.h>
#include <stdio.h>

#include "base/escape.h"

static struct interface_slot *slot_of(struct interfaces *interfaces, uint32_t index)
{
	return &interfaces->slots[index % INTERFACE_SLOTS];
}

void interface_put(struct interfaces *interfaces, uint32_t index, const char *name)
{
	struct interface_slot *slot = slot_of(interfaces, index);
	struct out shown;

	out_init_memory(&shown);
	out_escaped(&shown, text_of(name));
	slot->len = (uint32_t)(shown.len < sizeof(slot->name) ? shown.len : sizeof(slot->name));
	memcpy(slot->name, shown.data, slot->len);
	out_free(&shown);
	slot->index = index;
	slot->asked = interfaces->now;
}

struct text interface_name(struct interfaces *interfaces, uint32_t index)
{
	struct interface_slot *slot = slot_of(interfaces, index);
	char name[IF_NAMESIZE];

	if (slot->index != index || slot->asked != interfaces->now) {
		if (!if_indextoname(index, name))
			snprintf(name, sizeof(name), "%u", index);
		interface_put(interfaces, index, name);
	}
	return (struct text){ slot->name, slot->len };
}
