/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of packets that were seen: their passes are known, and not the zones. */
#ifndef PVEFW_SEEN_PATH_H
#define PVEFW_SEEN_PATH_H

#include "meaning/paths.h"

/* Sets the ends of the path from its passes: the host, the guests whose ports are the first and the last one, or else
 * outside. */
void seen_path_set_ends(const struct config *config, struct path *path);

#endif
