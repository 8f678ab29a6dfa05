/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of the run directory that the daemon pve-firewall shares with us.
 *
 *     log_nf_conntrack  written by it: 1 if connections are to be logged
 *     logger.state      written by us: what has been counted, "KEY VALUE" a line
 */
#ifndef PVEFW_LOGGER_STATE_H
#define PVEFW_LOGGER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define STATE_CONNTRACK "log_nf_conntrack"

struct logger_counts {
#define COUNT(name, text) uint64_t name;
#include "counts.def"
};

/* Replaces logger.state; false if that is not possible, with the reason in errno. */
bool state_write(const char *run_dir, const struct logger_counts *counts);
/* What log_nf_conntrack says; false if there is no such file. */
bool state_wants_conntrack(const char *run_dir);

#endif
