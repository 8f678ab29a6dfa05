/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall compile and compare: print the present configuration, and its differences from the kernel. */
#include "base/errno_text.h"
#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/view/view.h"

static int compile_shown(const struct cli *cli, void *context)
{
	struct view view;
	struct out out;
	bool known;
	int status;

	(void)context;
	view_compile(&view, cli, false, NULL);
	view_compare(&view);
	stdout_open(&out);
	if (view.config) {
		view.backend->list(&out, view.config);
		out_printf(&out, "%s\n", !view.compared ? "it is not known whether this differs from the loaded rules"
					 : view.differs ? "detected changes"
							: "no changes");
	}
	known = view.compared || !view.config;
	status = view_end(&view);
	return stdout_close(&out) == EXIT_CLEAN && known ? status : EXIT_ERROR;
}

int cmd_compile_service(const struct cli *cli)
{
	if (cli->operand_count)
		return cli_error("compile does not take an operand; use --root for the tree");
	return bounded_run(compile_shown, bounded_late, cli, NULL);
}

static void print_comparison(struct out *out, const struct view *view, const struct backend_loading *loading)
{
	out_printf(out, "target: %s\n", view->backend->target);
	for (const struct backend_difference *d = loading->differences; d; d = d->next)
		out_printf(out, "differs: %s\n", d->text);
	if (loading->difference_count > BACKEND_DIFFERENCES_MOST)
		out_printf(out, "differs: %u more\n", loading->difference_count - BACKEND_DIFFERENCES_MOST);
	if (!loading->problems)
		out_printf(out, "%s\n", view->differs ? "detected changes" : "no changes");
}

static int compare_tree(const struct cli *cli, void *context)
{
	struct log nowhere = { .target = LOG_TO_FILE, .path = "/dev/null" };
	struct view view;
	struct out out;
	int status, reason;

	(void)context;
	view_compile(&view, cli, true, NULL);
	if (!view.config)
		return view_end(&view);
	struct backend_loading loading = { .arena = &view.run.arena, .dry = true };

	view.differs = view_differs(&loading, &view);
	stdout_open(&out);
	print_comparison(&out, &view, &loading);
	status = stdout_close(&out);
	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		cli_error("cannot compare with the loaded rules: %s", p->text);
	reason = report_unfiltered(view.config, &view.run.map, view.backend, &nowhere);
	if (reason)
		cli_error("cannot read the interfaces of this machine: %s", error_text(reason));
	if (status == EXIT_CLEAN)
		status = loading.problems ? EXIT_ERROR : view.differs ? EXIT_FOUND : EXIT_CLEAN;
	/* lint reports the faults of the files. */
	diags_clear(&view.run.diags);
	view_end(&view);
	return status;
}

int cmd_compare(const struct cli *cli)
{
	if (cli->operand_count)
		return cli_error("compare does not take an operand; use --root for the tree");
	return bounded_run(compare_tree, bounded_late, cli, NULL);
}
