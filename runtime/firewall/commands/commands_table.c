/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of pve-firewall. */
#include "firewall/commands/firewall.h"

#include <unistd.h>

#include "firewall/base/rundir.h"
#include "firewall/tree/tree_marks.h"

#define IN(ID) (1u << FIREWALL_##ID)
#define DEFAULT_RUN_DIR "/run/pve-firewall"
#define TAKES_INPUTS ~0u
#define TAKES_DIAGNOSTICS (IN(STATUS) | IN(COMPILE) | IN(LOCALNET))
#define TAKES_FORMAT 0

static const struct command_row commands[FIREWALL_COMMANDS] = {
#define COMMAND(ID, function, name, operands, text) \
	[FIREWALL_##ID] = { name, operands, text, function },
#include "firewall/commands/firewall.def"
};

static const struct cli_option_row options[FIREWALL_OPTIONS] = {
#define CLI_OPTION(ID, letter, name, argument, takers, text) \
	[CLI_##ID] = { letter, name, argument, takers, text },
#include "cli/cli_shared.def"
#include "firewall/commands/firewall.def"
};

static const char *const later[] = { "simulate", NULL };

const struct cli_program pve_firewall = {
	.name = "pve-firewall",
	.see = "pve-firewall COMMAND --help lists the options of one; pve-firewall(8) tells all.",
	.commands = commands,
	.command_count = FIREWALL_COMMANDS,
	.options = options,
	.option_count = FIREWALL_OPTIONS,
	.later = later,
};

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
