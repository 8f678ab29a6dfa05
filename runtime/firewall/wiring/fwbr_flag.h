/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that tells qemu-server and pve-container how to plug guests.
 *
 * While it exists they give a NIC with firewall=1 a firewall bridge (fwbr, fwln, fwpr).  If it does not, and the node has
 * chosen nftables, they plug the NIC straight into vmbrN (PVE::Firewall::Helpers, needs_fwbr).  iptables filters nothing
 * without these bridges; our nftables target filters both.  So the file exists unless nftables filters, for sure.
 *
 * It stays when the service ends: guests with a firewall bridge are filtered by whatever comes next.
 */
#ifndef PVEFW_FWBR_FLAG_H
#define PVEFW_FWBR_FLAG_H

#include <stdbool.h>

#include "firewall/base/log.h"

struct fwbr_flag {
	struct log *log;
	int run_dir;      /* of this service; not owned */
	const char *path; /* NULL: not ours to write, a service of another run directory is the node's */
	bool is_set;      /* the file was set as `present` says */
	bool present;
	int reason;       /* errno of the last try, which was logged; 0: nothing was wrong */
};

/* Writes nothing yet.  The environment variable PVEFW_FWBR_FLAG names another file, for tests. */
void fwbr_flag_init(struct fwbr_flag *flag, struct log *log, int run_dir);
/* Creates the file, or removes it.  A failure is logged once, as critical. */
void fwbr_flag_set(struct fwbr_flag *flag, bool present);
/* Restores the file as the last fwbr_flag_set() left it; one system call if it is unchanged. */
void fwbr_flag_keep(struct fwbr_flag *flag);

#endif
