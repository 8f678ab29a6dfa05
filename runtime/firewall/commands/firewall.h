/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of pve-firewall, from firewall.def. */
#ifndef PVEFW_FIREWALL_H
#define PVEFW_FIREWALL_H

#include "firewall/base/service_options.h"

/* FIREWALL_ with the ID of each row, and the functions of the commands. */
#include "generated/firewall_ids.h"

extern const struct cli_program pve_firewall;

#endif
