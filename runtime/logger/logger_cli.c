/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the options say, and which of the two things the program does: to log, or to print. */
#include "logger/logger_cli.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "logger/follow.h"
#include "logger/logger.h"

/* False was reported. */
static bool logger_number(const struct cli *cli, unsigned option, uint64_t least, uint64_t most,
			  uint64_t *number)
{
	const char *value = cli->value[option];

	if (!value || (text_to_number(text_of(value), most, number) && *number >= least))
		return true;
	cli_error("--%s takes a number from %llu to %llu, not `%s`", cli->program->options[option].name,
		  (unsigned long long)least, (unsigned long long)most, value);
	return false;
}

/* Becomes pve-firewall explain-log: the model is no part of this program.  The one that lies beside it is of the same
 * version. */
static int explain(const char *log_file, const char *run_dir)
{
	char path[PATH_MAX], *slash;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/pve-firewall"));

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash, "/pve-firewall");
		execl(path, "pve-firewall", "explain-log", "--follow", "--packet-log", log_file, "--run-dir", run_dir, (char *)NULL);
	}
	execlp("pve-firewall", "pve-firewall", "explain-log", "--follow", "--packet-log", log_file, "--run-dir", run_dir,
	       (char *)NULL);
	return cli_error("cannot run pve-firewall explain-log: %s", error_text(errno));
}

static int run_logger(const struct cli *cli)
{
	const char *const *value = cli->value;
	uint64_t group = 0, buffer = 16384;
	const char *log_file = value[LOGGER_LOG_FILE] ? value[LOGGER_LOG_FILE] : "/var/log/pve-firewall.log";
	const char *run_dir = value[LOGGER_RUN_DIR] ? value[LOGGER_RUN_DIR] : "/run/pve-firewall";

	if (cli->operand_count)
		return cli_error("operand `%s` not expected; only options are allowed", cli->operands[0]);
	if (!logger_number(cli, LOGGER_GROUP, 0, UINT16_MAX, &group) ||
	    !logger_number(cli, LOGGER_BUFFER, 1, 1 << 20, &buffer))
		return EXIT_ERROR;
	if (value[LOGGER_EXPLAIN] && !value[LOGGER_PRINT])
		return cli_error("--explain needs --print");
	if (value[LOGGER_EXPLAIN])
		return explain(log_file, run_dir);
	if (value[LOGGER_PRINT])
		return follow(log_file, value[LOGGER_COLOUR]);
	return logger_run(&(struct logger_options){
		.log_file = log_file,
		.run_dir = run_dir,
		.group = (uint16_t)group,
		.buffer = (unsigned)buffer * 1024,
		.conntrack = value[LOGGER_CONNTRACK],
		.foreground = value[LOGGER_FOREGROUND] || value[LOGGER_DEBUG],
		.debug = value[LOGGER_DEBUG],
	});
}

static const struct command_row commands[] = {
	{ NULL, "", "Write the log of the firewall's rules to a file", run_logger },
};

#define TAKES_INPUTS 0
#define TAKES_DIAGNOSTICS 0

static const struct cli_option_row options[LOGGER_OPTIONS] = {
#define CLI_OPTION(ID, letter, name, argument, takers, text) \
	[CLI_##ID] = { letter, name, argument, takers, text },
#include "cli/cli_shared.def"
#undef CLI_OPTION
#define CLI_OPTION(ID, letter, name, argument, takers, text) \
	[LOGGER_##ID] = { letter, name, argument, takers, text },
#include "logger/logger_cli.def"
};

const struct cli_program pvefw_logger = {
	.name = "pvefw-logger",
	.see = "pvefw-logger(8) is the manual.",
	.commands = commands,
	.command_count = 1,
	.options = options,
	.option_count = LOGGER_OPTIONS,
};
