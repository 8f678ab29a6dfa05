/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall status: whether the firewall is on, runs, and enforces the present configuration. */
#include <jansson.h>

#include "base/escape.h"
#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/view/service_client.h"
#include "firewall/view/view.h"
#include "format/diag_json.h"

enum { STATUS_WAIT = 10000 /* milliseconds */ };

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

static bool is_true(const json_t *service, const char *key)
{
	return json_is_true(json_object_get(service, key));
}

/* Whether a condition of this kind lasts; NULL: any that has no status of its own. */
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
static enum status_kind status_kind_of(const struct view *view, const json_t *service)
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

/* ---- as text ---- */

static void status_print_conditions(struct out *out, const json_t *service)
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
static void status_print_generation(struct out *out, const json_t *generation)
{
	char when[GENERATION_TIME_SIZE];

	generation_time(when, json_integer_value(json_object_get(generation, "time")));
	out_printf(out, "generation %lld of %s", (long long)json_integer_value(json_object_get(generation, "number")), when);
}

static void status_print_pending(struct out *out, const json_t *service)
{
	const json_t *changed = json_object_get(service, "if_changed"), *unchanged = json_object_get(service, "if_unchanged");
	bool same = json_equal(changed, unchanged);

	out_printf(out, "Not confirmed yet: in %lld seconds ", (long long)json_integer_value(json_object_get(service, "seconds_left")));
	if (!json_is_object(unchanged)) {
		out_string(out, "everything that changed since ");
		status_print_generation(out, changed);
		out_string(out, " is reverted.\n");
		return;
	}
	status_print_generation(out, unchanged);
	out_string(out, " is enforced again");
	if (!same) {
		out_string(out, ", or ");
		status_print_generation(out, changed);
		out_string(out, " if files of the confirmed change have changed again");
	}
	out_string(out, ".\n");
}

static const char *enabled_text(const struct view *view, const json_t *service)
{
	if (view && view->config)
		return config_enabled(view->config) ? "enabled" : "disabled";
	/* The service's last reading of the tree is loaded. */
	return !is_true(service, "running") || !is_true(service, "known") ? "unknown"
	       : is_true(service, "enabled")				  ? "enabled"
									  : "disabled";
}

static void status_print_text(struct out *out, const struct view *view, const json_t *service, enum status_kind kind)
{
	const char *reason = json_string_value(json_object_get(service, "reason"));

	out_printf(out, "Status: %s/%s%s\n", enabled_text(view, service),
		   !service ? "unknown" : is_true(service, "running") ? "running" : "stopped",
		   kind == STATUS_UNREADABLE ? " (the configuration cannot be read)"
		   : kind == STATUS_NOT_APPLIED ? " (not applied)"
		   : !view->compared	     ? " (whether changes are pending is not known)"
		   : view->differs	     ? " (pending changes)"
					     : "");
	if (is_true(service, "pending_confirmation"))
		status_print_pending(out, service);
	if (is_true(service, "held")) {
		out_string(out, "The configuration was not confirmed, or rolled back: ");
		status_print_generation(out, json_object_get(service, "enforced"));
		out_string(out, " is enforced instead of the files below, until they change or `pve-firewall apply` is run.\n");
	}
	if (is_true(service, "failing")) {
		out_printf(out, "The current configuration could not be applied; %s, and the service tries again: ",
			   has_condition(service, "minimal_ruleset") ? "the minimal ruleset is loaded"
								     : "the previous rules stay loaded");
		out_escaped(out, text_of(reason ? reason : "see journalctl -u pve-firewall"));
		out_char(out, '\n');
	}
	status_print_conditions(out, service);
}

/* ---- as JSON ---- */

static json_t *member_or_null(const json_t *service, const char *key)
{
	json_t *value = json_object_get(service, key);

	return value ? json_incref(value) : json_null();
}

/* The schema is in pve-firewall(8). */
static void status_print_json(struct out *out, const struct view *view, const json_t *service, enum status_kind kind)
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

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_object_set_new(status, members[i], member_or_null(service, members[i]));
	json_object_set_new(status, "conditions", conditions ? json_incref(conditions) : json_array());
	json_print(out, status);
}

/* ---- the command ---- */

static int print_status(const struct cli *cli, const struct view *view, const json_t *service, enum status_kind kind)
{
	struct out out;

	stdout_open(&out);
	if (firewall_wants_json(cli))
		status_print_json(&out, view, service, kind);
	else
		status_print_text(&out, view, service, kind);
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
	/* If none runs, the next service, or the guard, continues from the saved state. */
	if (service && !is_true(service, "running")) {
		stored = confirm_json(&view.confirm);
		json_object_update(service, stored);
		json_decref(stored);
	}
	kind = status_kind_of(&view, service);
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
	json_t *service; /* the service's reply; an empty object if none runs, NULL if unknown */
	bool missing;
	int status;

	if (cli->operand_count)
		return cli_error("status does not take an operand; use --root for the tree");
	service = client_ask_within(cli, json_pack("{s:s}", "command", "status"), STATUS_WAIT, &missing);
	if (missing)
		service = json_object();
	status = client_tree_hangs() ? status_without_tree(cli, service)
				     : bounded_run(status_of_tree, status_without_tree, cli, service);
	json_decref(service);
	return status;
}
