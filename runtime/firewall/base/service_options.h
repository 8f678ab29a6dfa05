/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of pve-firewall, and what they say about directories and inputs. */
#ifndef PVEFW_SERVICE_OPTIONS_H
#define PVEFW_SERVICE_OPTIONS_H

#include "pipeline/input_options.h"

/* CLI_ with the ID of each row of service_options.def. */
#include "generated/service_option_ids.h"

/* The directory of the lock, the sockets and what must survive a kill. */
const char *firewall_run_dir(const struct cli *cli);
/* The directory of what must survive a reboot; with --run-dir but without --state-dir, the run directory. */
const char *firewall_state_dir(const struct cli *cli);
/* The inputs of every compilation for the kernel: the names in corosync.conf are resolved, the tree must be complete. */
struct input_options firewall_inputs(const struct cli *cli);
/* Whether the answer is printed as JSON. */
bool firewall_wants_json(const struct cli *cli);

#endif
