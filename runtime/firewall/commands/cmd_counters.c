/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pve-firewall counters: how many packets and bytes each line of the configuration has decided about, beside the line.
 *
 * The kernel counts for loaded rules, which are assigned to the lines that they come from: so the tree is compiled first.
 * --zero writes the numbers to the run directory; they are subtracted from then on.
 */
#include <errno.h>
#include <unistd.h>

#include "firewall/view/bounded.h"
#include "firewall/service/compilation.h"
#include "firewall/service/confirm.h"
#include "firewall/commands/counters_print.h"
#include "firewall/commands/firewall.h"
#include "firewall/base/rundir.h"
#include "diag/suggest.h"
#include "findings/run.h"
#include "base/errno_text.h"

#define BASELINE "counters" /* in the run directory */

enum { TRIES = 5, TOP_MOST = 100000 };

/* ---- reading ---- */

static int read_counts(struct counters *c, const struct config *config)
{
	const struct backend *backend = backend_of_host(config);
	int reason = EINTR;

	/* EINTR: the rules were changed while they were read. */
	for (int i = 0; i < TRIES && reason == EINTR; i++)
		reason = counters_read(c, backend);
	if (reason)
		cli_error("cannot read the counters of %s: %s", backend->name, error_text(reason));
	return reason;
}

/* ---- the baseline ---- */

static int counters_write_baseline(const struct counters *c, int dir)
{
	struct out text;
	int reason;

	out_init_memory(&text);
	counters_print_baseline(&text, c);
	reason = rundir_write(dir, BASELINE, text.data, text.len);
	out_free(&text);
	return reason;
}

static void use_baseline(struct counters *c, int dir)
{
	struct out text;

	out_init_memory(&text);
	if (rundir_read(dir, BASELINE, &text) == 0 &&
	    counters_read_baseline(c, (struct text){ text.data, (uint32_t)text.len }))
		counters_write_baseline(c, dir); /* if it cannot be written, it is outdated as before */
	out_free(&text);
}

static bool zero(struct counters *c, const struct cli *cli)
{
	int dir = rundir_open(firewall_run_dir(cli)), reason = dir < 0 ? errno : 0;

	counters_zero(c);
	if (!reason) {
		reason = counters_write_baseline(c, dir);
		close(dir);
	}
	if (reason)
		cli_error("cannot write %s/%s: %s", firewall_run_dir(cli), BASELINE, error_text(reason));
	return reason == 0;
}

static void count_since_zero(struct counters *c, const struct cli *cli)
{
	int dir = rundir_open_existing(firewall_run_dir(cli));

	if (dir < 0)
		return;
	use_baseline(c, dir);
	close(dir);
}

/* ---- printing ---- */

static void counters_report_unknown(const struct counters *c, const char *name)
{
	struct suggestion s;

	suggest_start(&s, text_of(name));
	for (uint32_t i = 0; i < c->file_count; i++) {
		const char *path = c->files[i].source->path, *slash = strrchr(path, '/');

		suggest_word(&s, text_of(path));
		suggest_word(&s, text_of(slash ? slash + 1 : path));
	}
	if (s.best.len)
		cli_error("%s is not a configuration file of this node; did you mean `%.*s`?", name,
			  TEXT_ARG(s.best));
	else
		cli_error("%s is not a configuration file of this node", name);
}

/* The files that are named, or all. */
static bool print_files(struct out *out, const struct counters *c, const struct cli *cli)
{
	bool exact = cli->value[CLI_EXACT] != NULL;

	for (int i = 0; i < cli->operand_count; i++) {
		const struct counted_file *file = counters_find_file(c, text_of(cli->operands[i]));

		if (!file) {
			counters_report_unknown(c, cli->operands[i]);
			return false;
		}
		if (firewall_wants_json(cli))
			counters_print_json(out, c, file);
		else
			counters_print_file(out, c, file, exact);
	}
	if (!cli->operand_count && firewall_wants_json(cli))
		counters_print_json(out, c, NULL);
	for (uint32_t i = 0; i < c->file_count && !cli->operand_count && !firewall_wants_json(cli); i++)
		counters_print_file(out, c, &c->files[i], exact);
	return true;
}

static bool print_counters(struct out *out, const struct counters *c, const struct cli *cli, uint64_t top)
{
	if (!top)
		return print_files(out, c, cli);
	if (firewall_wants_json(cli))
		counters_print_top_json(out, c, (uint32_t)top);
	else
		counters_print_top(out, c, (uint32_t)top, cli->value[CLI_EXACT] != NULL);
	return true;
}

/* ---- the command ---- */

static bool counters_show(const struct cli *cli, struct run *run, const struct config *config, uint64_t top)
{
	struct counters c;
	struct out out;
	bool done;

	counters_init(&c, &run->arena, &run->map, config);
	done = read_counts(&c, config) == 0;
	if (done && cli->value[CLI_ZERO]) {
		done = zero(&c, cli);
	} else if (done) {
		count_since_zero(&c, cli);
		stdout_open(&out);
		done = print_counters(&out, &c, cli, top);
		done = stdout_close(&out) == EXIT_CLEAN && done;
	}
	counters_free(&c);
	return done;
}

/* Reads --top; 0: not given.  False: invalid, and reported. */
static bool read_top(const struct cli *cli, uint64_t *top)
{
	const char *text = cli->value[CLI_TOP];

	*top = 0;
	if (!text || (text_to_number(text_of(text), TOP_MOST, top) && *top))
		return true;
	cli_error("--top takes a number from 1 to %d, not `%s`", TOP_MOST, text);
	return false;
}

/* False: options that exclude each other were reported. */
static bool fits(const struct cli *cli)
{
	bool all = cli->value[CLI_TOP] || cli->value[CLI_ZERO];

	if (all && cli->operand_count)
		cli_error("--%s applies to all files and cannot be combined with a file: `%s`",
			  cli->value[CLI_ZERO] ? "zero" : "top", cli->operands[0]);
	else if (cli->value[CLI_TOP] && cli->value[CLI_ZERO])
		cli_error("--zero prints nothing and cannot be combined with --top");
	else
		return true;
	return false;
}

/* Compiles the enforced configuration, whose rules the kernel counts. */
static int count_tree(const struct cli *cli, void *context)
{
	uint64_t top = *(const uint64_t *)context;
	struct confirm confirm;
	struct inputs inputs;
	struct config *config;
	struct run run;
	bool readable;
	int status;

	if (!run_begin(&run, cli))
		return run_end(&run);
	run.options = firewall_inputs(cli);
	confirm_open(&confirm, firewall_state_dir(cli), firewall_run_dir(cli), false, NULL);
	confirm_poll(&confirm, run.options.root, NULL);
	run.options = confirm_inputs(&confirm, &run.options);
	readable = inputs_load(&inputs, &run.options, &run.diags);
	bounded_done();
	if (readable) {
		config = compile(&inputs, &run.diags);
		run.failed = !counters_show(cli, &run, config, top);
		config_free(config);
		/* Other commands report diagnostics; lines that count nothing are marked. */
		if (!run.diags.unreadable)
			diags_init(&run.diags, &run.arena, &run.map);
	}
	status = run_end(&run);
	confirm_close(&confirm);
	return status;
}

int cmd_counters(const struct cli *cli)
{
	uint64_t top;

	if (!read_top(cli, &top) || !fits(cli))
		return EXIT_ERROR;
	return bounded_run(count_tree, bounded_late, cli, &top);
}
