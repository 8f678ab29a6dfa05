/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pve-firewall status, compile, compare: what the present configuration is, and whether it is
 * what the kernel has.  They compile by themselves, so that they tell the truth
 * whatever the service does.
 */
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "firewall/commands/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/commands/service_client.h"
#include "firewall/service/confirm.h"
#include "firewall/base/left_out_json.h"
#include "firewall/wiring/wiring.h"
#include "findings/run.h"
#include "base/errno_text.h"
#include "base/escape.h"

enum { STATUS_WAIT = 10000 /* milliseconds */ };

/* One compilation of a command. */
struct view {
	struct run run;
	struct inputs inputs;
	struct config *config; /* NULL: cannot be read */
	const struct backend *backend;
	bool compared; /* else it was reported why not, and is trouble */
	bool differs;  /* from what is loaded */
	struct confirm confirm;
	bool has_confirm;
	struct left_out left_out; /* by the service */
};

/* Lines that were refused are shown as conditions. */
static void drop_refused(struct diags *diags)
{
	struct diagnostic *d = diags->first, *next;

	for (diags_clear(diags); d; d = next) {
		next = d->next;
		if (d->id != DIAG_REFUSED)
			diags_add(diags, d);
	}
}

/* Compiles the tree; with `enforced` what is enforced in the place of rejected files.  `service`: its answer, or NULL. */
static void view_compile(struct view *view, const struct cli *cli, bool enforced, const json_t *service)
{
	bool readable;

	*view = (struct view){ .config = NULL };
	left_out_read_json(&view->left_out, json_object_get(service, "left_out"));
	if (enforced) {
		confirm_open(&view->confirm, firewall_state_dir(cli), firewall_run_dir(cli), false, NULL);
		view->has_confirm = true;
	}
	if (!run_begin(&view->run, cli)) {
		bounded_done();
		return;
	}
	view->run.options = firewall_inputs(cli);
	if (enforced) {
		confirm_poll(&view->confirm, view->run.options.root, NULL);
		view->run.options = confirm_inputs(&view->confirm, &view->run.options);
	}
	readable = inputs_load(&view->inputs, &view->run.options, &view->run.diags);
	bounded_done();
	if (!readable)
		return;
	view->inputs.left_out = &view->left_out;
	view->config = compile(&view->inputs, &view->run.diags);
	view->backend = backend_of_host(view->config);
	drop_refused(&view->run.diags);
}

static bool differs(struct backend_loading *loading, const struct view *view)
{
	struct backend_session *session = view->backend->open();
	bool result = view->backend->differs(session, loading, view->config);

	view->backend->close(session);
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
	int status;

	if (view->config)
		config_free(view->config);
	status = run_end(&view->run);
	left_out_clear(&view->left_out);
	if (view->has_confirm)
		confirm_close(&view->confirm);
	return status;
}

/* ---- status ---- */

enum status_kind {
#define STATUS(ID, name, exit_status, text) STATUS_##ID,
#include "firewall/commands/status.def"
};

static const struct {
	const char *name;
	int exit_status;
} status_rows[] = {
#define STATUS(ID, name, exit_status, text) { name, exit_status },
#include "firewall/commands/status.def"
};

/* The service's own view; an empty object if none runs, NULL if that was reported not to be known. */
static json_t *ask_service(const struct cli *cli)
{
	bool missing;
	json_t *answer = client_ask_within(cli, json_pack("{s:s}", "command", "status"), STATUS_WAIT, &missing);

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

/* Whether a condition of this kind lasts; NULL: of any kind that has no status of its own. */
static bool has_condition(const json_t *service, const char *name)
{
	const json_t *condition;
	size_t i;

	json_array_foreach(json_object_get(service, "conditions"), i, condition) {
		const char *kind = json_string_value(json_object_get(condition, "kind"));

		if (name && kind && strcmp(kind, name) == 0)
			return true;
		if (!name && kind && strcmp(kind, "tree_unreadable") != 0 && strcmp(kind, "not_applied") != 0 &&
		    strcmp(kind, "configuration_rejected") != 0)
			return true;
	}
	return false;
}

/* `view` NULL: the tree does not answer. */
static enum status_kind kind_of(const struct view *view, const json_t *service)
{
	if (!view || !view->config || has_condition(service, "tree_unreadable"))
		return STATUS_UNREADABLE;
	if (service && !is_true(service, "running"))
		return STATUS_STOPPED;
	if (is_true(service, "failing") || has_condition(service, "not_applied"))
		return STATUS_NOT_APPLIED;
	if (is_true(service, "pending_confirmation"))
		return STATUS_PENDING_CONFIRMATION;
	if (is_true(service, "held"))
		return STATUS_REJECTED;
	if (!service || !view->compared)
		return STATUS_UNKNOWN;
	if (view->differs)
		return STATUS_PENDING_CHANGES;
	if (has_condition(service, NULL))
		return STATUS_DEGRADED;
	return config_enabled(view->config) ? STATUS_ENABLED : STATUS_DISABLED;
}

/* ---- its text ---- */

static void print_conditions(struct out *out, const json_t *service)
{
	const json_t *condition;
	size_t i;

	json_array_foreach(json_object_get(service, "conditions"), i, condition) {
		const char *file = json_string_value(json_object_get(condition, "file"));
		const char *message = json_string_value(json_object_get(condition, "message"));
		json_int_t line = json_integer_value(json_object_get(condition, "line"));

		out_printf(out, "%s: ", json_string_value(json_object_get(condition, "priority")));
		/* Messages about a whole file name it themselves. */
		if (file && (line || strncmp(message, file, strlen(file)) != 0)) {
			out_escaped(out, text_of(file));
			if (line)
				out_printf(out, ":%d", (int)line);
			out_string(out, ": ");
		}
		out_escaped(out, text_of(message));
		out_char(out, '\n');
	}
}

/* "generation 3 of 2026-11-30 12:00:00" */
static void print_generation(struct out *out, const json_t *generation)
{
	time_t seconds = (time_t)json_integer_value(json_object_get(generation, "time"));
	char when[32] = "";
	struct tm local;

	if (localtime_r(&seconds, &local))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	out_printf(out, "generation %lld of %s", (long long)json_integer_value(json_object_get(generation, "number")), when);
}

static void print_pending(struct out *out, const json_t *service)
{
	const json_t *changed = json_object_get(service, "if_changed"), *unchanged = json_object_get(service, "if_unchanged");
	bool same = json_equal(changed, unchanged);

	out_printf(out, "Not confirmed yet: in %lld seconds ", (long long)json_integer_value(json_object_get(service, "seconds_left")));
	if (!json_is_object(unchanged)) {
		out_string(out, "what has changed since ");
		print_generation(out, changed);
		out_string(out, " is taken back.\n");
		return;
	}
	print_generation(out, unchanged);
	out_string(out, " is enforced again");
	if (!same) {
		out_string(out, ", or ");
		print_generation(out, changed);
		out_string(out, " if the files that this one has changed have changed again");
	}
	out_string(out, ".\n");
}

static const char *enabled_text(const struct view *view, const json_t *service)
{
	if (view && view->config)
		return config_enabled(view->config) ? "enabled" : "disabled";
	/* What the service has read last is in force. */
	return !is_true(service, "running") || !is_true(service, "known") ? "unknown"
	       : is_true(service, "enabled")				  ? "enabled"
									  : "disabled";
}

static void print_text(struct out *out, const struct view *view, const json_t *service, enum status_kind kind)
{
	const char *reason = json_string_value(json_object_get(service, "reason"));

	out_printf(out, "Status: %s/%s%s\n", enabled_text(view, service), state_of(service),
		   kind == STATUS_UNREADABLE ? " (the configuration cannot be read)"
		   : kind == STATUS_NOT_APPLIED ? " (not applied)"
		   : !view->compared	     ? " (whether changes are pending is not known)"
		   : view->differs	     ? " (pending changes)"
					     : "");
	if (is_true(service, "pending_confirmation"))
		print_pending(out, service);
	if (is_true(service, "held")) {
		out_string(out, "The configuration was not confirmed, or rolled back: ");
		print_generation(out, json_object_get(service, "enforced"));
		out_string(out, " is enforced in the place of the files below, until these change or `pve-firewall apply` asks "
				"for them.\n");
	}
	if (is_true(service, "failing")) {
		out_printf(out, "The last configuration could not be applied; %s, and it is tried again: ",
			   has_condition(service, "minimal_ruleset") ? "the minimal ruleset is in force"
								     : "what was in force before stays in force");
		out_escaped(out, text_of(reason ? reason : "the log says why"));
		out_char(out, '\n');
	}
	print_conditions(out, service);
}

/* ---- its JSON ---- */

static json_t *member_or_null(const json_t *service, const char *key)
{
	json_t *value = json_object_get(service, key);

	return value ? json_incref(value) : json_null();
}

/* The schema is in pve-firewall(8). */
static void print_json(struct out *out, const struct view *view, const json_t *service, enum status_kind kind)
{
	static const char *const members[] = { "generation", "if_changed", "if_unchanged", "enforced" };
	static const unsigned none[SEVERITY_ERROR + 1];
	const unsigned *counts = view ? view->run.diags.counts : none;
	const char *enabled = enabled_text(view, service);
	bool pending = is_true(service, "pending_confirmation"), known = view && view->config && view->compared;
	json_t *conditions = json_object_get(service, "conditions");
	json_t *status = json_pack(
		"{s:s, s:i, s:o, s:o, s:b, s:o, s:b, s:b, s:o, s:s?, s:o, s:{s:i, s:i, s:i}}", "state", status_rows[kind].name,
		"exit_status", status_rows[kind].exit_status, "enabled",
		strcmp(enabled, "unknown") == 0 ? json_null() : json_boolean(strcmp(enabled, "enabled") == 0), "running",
		service ? json_boolean(is_true(service, "running")) : json_null(), "pending_confirmation", (int)pending,
		"seconds_left", pending ? member_or_null(service, "seconds_left") : json_null(), "held",
		(int)is_true(service, "held"), "failing", (int)is_true(service, "failing"), "reason",
		member_or_null(service, "reason"), "target", view && view->config ? view->backend->name : NULL,
		"pending_changes", known ? json_boolean(view->differs) : json_null(), "diagnostics", "errors",
		(int)counts[SEVERITY_ERROR], "warnings", (int)counts[SEVERITY_WARNING], "notes", (int)counts[SEVERITY_NOTE]);
	char *text;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_object_set_new(status, members[i], member_or_null(service, members[i]));
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

/* ---- the command ---- */

static int print_status(const struct cli *cli, const struct view *view, const json_t *service, enum status_kind kind)
{
	struct out out;

	stdout_open(&out);
	if (wants_json(cli))
		print_json(&out, view, service, kind);
	else
		print_text(&out, view, service, kind);
	return stdout_close(&out) == EXIT_CLEAN ? status_rows[kind].exit_status : EXIT_ERROR;
}

static int status_of_tree(const struct cli *cli, void *context)
{
	json_t *service = context, *stored;
	enum status_kind kind;
	struct view view;
	int found, status;

	view_compile(&view, cli, true, service);
	view_compare(&view);
	/* Where none runs, the next one, or the guard, goes on with what was written down. */
	if (service && !is_true(service, "running")) {
		stored = confirm_json(&view.confirm);
		json_object_update(service, stored);
		json_decref(stored);
	}
	kind = kind_of(&view, service);
	/* What counts as errors is the user's choice, so it is asked for like everywhere. */
	run_filter(&view.run);
	if (kind == STATUS_ENABLED && run_finds(&view.run))
		kind = STATUS_ERRORS;
	status = print_status(cli, &view, service, kind);
	found = view_end(&view);
	return found == EXIT_ERROR && view.run.failed ? EXIT_ERROR : status;
}

static int status_without_tree(const struct cli *cli, void *context)
{
	bounded_late(cli, NULL);
	return print_status(cli, NULL, context, STATUS_UNREADABLE);
}

int cmd_status(const struct cli *cli)
{
	json_t *service;
	int status;

	if (cli->operand_count)
		return cli_error("status takes no operand; --root names the tree");
	service = ask_service(cli);
	status = client_tree_hangs() ? status_without_tree(cli, service)
				     : bounded_run(status_of_tree, status_without_tree, cli, service);
	json_decref(service);
	return status;
}

/* ---- compile ---- */

static int compile_tree(const struct cli *cli, void *context)
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
		out_printf(&out, "%s\n", !view.compared ? "it is not known whether this differs from what is loaded"
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
	return bounded_run(compile_tree, bounded_late, cli, NULL);
}

/* ---- compare ---- */

/* Says which guests the configuration cannot filter because of their wiring. */
static void tell_unfiltered(const struct view *view)
{
	struct log nowhere = { .target = LOG_TO_FILE, .path = "/dev/null" };
	struct wiring wiring = { .count = 0 };
	struct wiring_links links;
	struct conditions conditions;
	int reason = wiring_links_read(&links);

	if (reason) {
		cli_error("cannot read the interfaces of this machine: %s", error_text(reason));
		return;
	}
	conditions_init(&conditions, &nowhere);
	wiring_expect(&wiring, view->config, &view->run.map, view->backend->needs_bridge_calls);
	wiring_check(&wiring, &links, &conditions, 0);
	for (const struct service_condition *c = conditions.first; c; c = c->next)
		cli_error("%s", c->message);
	conditions_free(&conditions);
	wiring_free(&wiring);
	wiring_links_free(&links);
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
	struct view view;
	struct out out;
	int status;

	(void)context;
	view_compile(&view, cli, true, NULL);
	if (!view.config)
		return view_end(&view);
	struct backend_loading loading = { .arena = &view.run.arena, .dry = true };

	view.differs = differs(&loading, &view);
	stdout_open(&out);
	print_comparison(&out, &view, &loading);
	status = stdout_close(&out);
	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		cli_error("cannot compare with what is loaded: %s", p->text);
	tell_unfiltered(&view);
	if (status == EXIT_CLEAN)
		status = loading.problems ? EXIT_ERROR : view.differs ? EXIT_FOUND : EXIT_CLEAN;
	/* What is wrong in the files is for lint to say. */
	diags_clear(&view.run.diags);
	view_end(&view);
	return status;
}

int cmd_compare(const struct cli *cli)
{
	if (cli->operand_count)
		return cli_error("compare takes no operand; --root names the tree");
	return bounded_run(compare_tree, bounded_late, cli, NULL);
}
