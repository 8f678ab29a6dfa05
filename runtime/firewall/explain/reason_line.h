/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A deciding line in one line of text. */
#ifndef PVEFW_REASON_LINE_H
#define PVEFW_REASON_LINE_H

#include "questions/asked.h"

/* "firewall/cluster.fw:11  IN DROP -p tcp   (group web, from firewall/100.fw:7)"; of an implied rule its name.  From
 * `arena`, escaped for terminals. */
const char *reason_line(struct arena *arena, const struct source_map *map, const struct reason *reason);
/* "firewall/cluster.fw:11"; NULL if it is not a line. */
const char *reason_place(struct arena *arena, const struct source_map *map, struct span span);
/* Whether both have the same line, or none and the same implied rule. */
bool reason_is_same(const struct source_map *map, const struct reason *a, const struct reason *b);

#endif
