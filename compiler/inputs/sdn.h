/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IP sets of the SDN. */
#ifndef PVEFW_SDN_H
#define PVEFW_SDN_H

#include "diag/diag.h"
#include "inputs/named_addresses.h"

/*
 * Reads the sets from sdn/.running-config and from the IPAM's state; either may be NULL.  Reports mistakes and leaves
 * those members out.  The caller frees `sdn` with scope_free().
 */
void sdn_parse(struct diags *diags, struct source *running, struct source *ipam, struct scope *sdn);

#endif
