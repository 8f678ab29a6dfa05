/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pve-firewall status, compile: what the present configuration is, and whether it is
 * what the kernel has.  Both compile by themselves, so that they tell the truth
 * whatever the service does.
 */
#include <jansson.h>
#include <stdlib.h>

#include "firewall/client.h"
#include "firewall/confirm.h"
#include "firewall/rundir.h"
#include "run.h"
#include "visible.h"
#include "xtables/xt_load.h"

/* One compilation of a command. */
struct view {
	struct run run;
	struct inputs inputs;
	struct config *config; /* NULL: cannot be read */
	const struct backend *backend;
	bool compared; /* else it was reported why not, and is trouble */
	bool differs;  /* from what is loaded */
};

/* Compiles the tree, or what is enforced in its place. */
static void view_compile(struct view *view, const struct cli *cli, bool held)
{
	struct confirm confirm = { .run_path = firewall_run_dir(cli) };

	*view = (struct view){ .config = NULL };
	if (!run_begin(&view->run, cli))
		return;
	if (held)
		view->run.options = confirm_inputs(&confirm, &view->run.arena, &view->run.options);
	view->run.options.resolve = true;
	if (!inputs_load(&view->inputs, &view->run.options, &view->run.diags))
		return;
	view->config = compile(&view->inputs, &view->run.diags);
	view->backend = target_of(view->config);
}

static bool differs(struct backend_loading *loading, const struct view *view)
{
	struct xt_state *state;
	bool result;

	if (view->backend != &backend_iptables) {
		loading->dry = true;
		view->backend->load(loading, view->config);
		return loading->messages != 0;
	}
	state = xt_state_new();
	result = xt_differs(loading, state, view->config);
	xt_state_free(state);
	return result;
}

static void view_compare(struct view *view)
{
	struct backend_loading loading = { .arena = &view->run.arena };

	view->differs = view->config && differs(&loading, view);
	view->compared = view->config && !loading.problems;
	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		cli_error("cannot compare with what is loaded: %s", p->text);
}

static int view_end(struct view *view)
{
	if (view->config)
		config_free(view->config);
	return run_end(&view->run);
}

/* ---- status ---- */

/* The service's own view; an empty object if none runs, NULL if that was reported not to be known. */
static json_t *ask_service(const struct cli *cli)
{
	bool missing;
	json_t *answer = client_ask(cli, json_pack("{s:s}", "command", "status"), &missing);

	return missing ? json_object() : answer;
}

static const char *state_of(const json_t *service)
{
	return !service ? "unknown" : json_is_true(json_object_get(service, "running")) ? "running" : "stopped";
}

static bool is_true(const json_t *service, const char *key)
{
	return json_is_true(json_object_get(service, key));
}

static void print_conditions(struct out *out, const json_t *service)
{
	const json_t *condition;
	size_t i;

	json_array_foreach(json_object_get(service, "conditions"), i, condition) {
		const char *file = json_string_value(json_object_get(condition, "file"));

		out_printf(out, "%s: ", json_string_value(json_object_get(condition, "priority")));
		if (file) {
			out_visible(out, text_of(file));
			out_printf(out, ":%d: ", (int)json_integer_value(json_object_get(condition, "line")));
		}
		out_visible(out, text_of(json_string_value(json_object_get(condition, "message"))));
		out_char(out, '\n');
	}
}

static void print_text(struct out *out, const struct view *view, const json_t *service)
{
	bool enabled = view->config && config_enabled(view->config);

	out_printf(out, "Status: %s/%s%s\n", enabled ? "enabled" : "disabled",
		   state_of(service),
		   !view->compared ? " (whether changes are pending is not known)"
		   : view->differs ? " (pending changes)"
				   : "");
	if (is_true(service, "pending-confirmation"))
		out_printf(out, "Not confirmed yet: in %lld seconds what was enforced before is enforced again.\n",
			   (long long)json_integer_value(json_object_get(service, "seconds-left")));
	else if (is_true(service, "held"))
		out_string(out, "The configuration was not confirmed: the one before is enforced, until the present one "
				"changes or `pve-firewall apply` asks for it.\n");
	if (is_true(service, "failing"))
		out_string(out, "The last configuration could not be applied: what was in force before stays in force. The "
				"log says why; it is tried again.\n");
	print_conditions(out, service);
}

static void print_json(struct out *out, const struct view *view, const json_t *service)
{
	const unsigned *counts = view->run.diags.counts;
	json_t *status = json_pack("{s:b, s:o, s:b, s:b, s:b, s:s?, s:o, s:{s:i, s:i, s:i}}", "enabled",
				   (int)(view->config && config_enabled(view->config)), "running",
				   service ? json_boolean(is_true(service, "running")) : json_null(), "pending-confirmation",
				   (int)is_true(service, "pending-confirmation"), "held", (int)is_true(service, "held"),
				   "failing", (int)is_true(service, "failing"), "target",
				   view->config ? view->backend->name : NULL, "pending-changes",
				   view->compared ? json_boolean(view->differs) : json_null(), "diagnostics", "errors",
				   (int)counts[SEVERITY_ERROR], "warnings", (int)counts[SEVERITY_WARNING], "notes",
				   (int)counts[SEVERITY_NOTE]);
	json_t *conditions = json_object_get(service, "conditions");
	char *text;

	json_object_set_new(status, "conditions", conditions ? json_incref(conditions) : json_array());
	text = json_dumps(status, JSON_INDENT(2));

	out_printf(out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(status);
}

static bool wants_json(const struct cli *cli)
{
	return cli->value[CLI_REPORT_FORMAT] && strcmp(cli->value[CLI_REPORT_FORMAT], "json") == 0;
}

int cmd_status(const struct cli *cli)
{
	json_t *service;
	struct view view;
	struct out out;
	bool known;
	int status;

	if (cli->operand_count)
		return cli_error("status takes no operand; --root names the tree");
	service = ask_service(cli);
	known = service != NULL;
	view_compile(&view, cli, is_true(service, "held"));
	view_compare(&view);
	stdout_open(&out);
	if (wants_json(cli))
		print_json(&out, &view, service);
	else
		print_text(&out, &view, service);
	json_decref(service);
	/* The diagnostics first, on the other stream. */
	known = known && (view.compared || !view.config);
	status = view_end(&view);
	return stdout_close(&out) == EXIT_CLEAN && known ? status : EXIT_TROUBLE;
}

/* ---- compile ---- */

int cmd_compile_service(const struct cli *cli)
{
	struct view view;
	struct out out;
	bool known;
	int status;

	if (cli->operand_count)
		return cli_error("compile takes no operand; --root names the tree");
	view_compile(&view, cli, false);
	view_compare(&view);
	stdout_open(&out);
	if (view.config) {
		const struct backend *shown = view.backend == &backend_netlink ? &backend_nft : view.backend;

		shown->print(&out, view.config);
		out_printf(&out, "%s\n", !view.compared ? "it is not known whether this differs from what is loaded"
					 : view.differs ? "detected changes"
							: "no changes");
	}
	known = view.compared || !view.config;
	status = view_end(&view);
	return stdout_close(&out) == EXIT_CLEAN && known ? status : EXIT_TROUBLE;
}
