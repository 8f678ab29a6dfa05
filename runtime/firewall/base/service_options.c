/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/service_options.h"

#include <unistd.h>

#include "firewall/base/rundir.h"
#include "firewall/base/tree_marks.h"

#define DEFAULT_RUN_DIR "/run/pve-firewall"

const char *firewall_run_dir(const struct cli *cli)
{
	return cli->value[CLI_RUN_DIR] ? cli->value[CLI_RUN_DIR] : DEFAULT_RUN_DIR;
}

const char *firewall_state_dir(const struct cli *cli)
{
	if (cli->value[CLI_STATE_DIR])
		return cli->value[CLI_STATE_DIR];
	return strcmp(firewall_run_dir(cli), DEFAULT_RUN_DIR) == 0 ? "/var/lib/pvefw" : firewall_run_dir(cli);
}

bool firewall_wants_json(const struct cli *cli)
{
	return cli->value[CLI_REPORT_FORMAT] && strcmp(cli->value[CLI_REPORT_FORMAT], "json") == 0;
}

struct input_options firewall_inputs(const struct cli *cli)
{
	struct input_options inputs = cli_inputs(cli);
	int run_dir = rundir_open_existing(firewall_run_dir(cli));

	inputs.resolve = true;
	inputs.demand = TREE_WHOLE;
	if (run_dir >= 0) {
		inputs.marks = tree_marks_read(run_dir, inputs.root ? inputs.root : "/etc/pve");
		close(run_dir);
	}
	return inputs;
}
