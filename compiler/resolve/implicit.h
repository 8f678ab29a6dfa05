/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the configuration that no file contains. */
#ifndef PVEFW_IMPLICIT_H
#define PVEFW_IMPLICIT_H

#include "config/config.h"
#include "inputs/inputs.h"

/* Sets config->local_network and adds it to the set `management` (spec 4.4, 2.9).
 * The cluster file's own alias comes before what the command line says. */
void implicit_local_network(struct config *config, const struct inputs *inputs);
/* Makes and fills the ipfilter sets of a guest that has a firewall file, from `arena`. */
void implicit_filters(struct arena *arena, struct guest *guest);

#endif
