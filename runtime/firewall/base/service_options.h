/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of pve-firewall, and what they say about directories and inputs. */
#ifndef PVEFW_SERVICE_OPTIONS_H
#define PVEFW_SERVICE_OPTIONS_H

#include "pipeline/input_options.h"

enum firewall_option {
	FIREWALL_BEFORE_OWN = CLI_SHARED - 1,
#define CLI_OPTION(ID, letter, name, argument, commands, text) CLI_##ID,
#include "firewall/base/service_options.def"
	FIREWALL_OPTIONS
};

/* The directory of the lock, the sockets and what must survive a kill. */
const char *firewall_run_dir(const struct cli *cli);
/* The directory of what must survive a reboot; with --run-dir but without --state-dir, the run directory. */
const char *firewall_state_dir(const struct cli *cli);
/* The inputs of every compilation for the kernel: the names in corosync.conf are resolved, the tree must be complete. */
struct input_options firewall_inputs(const struct cli *cli);

#endif
