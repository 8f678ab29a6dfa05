/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/commands/view.h"

#include "firewall/base/left_out_json.h"
#include "firewall/base/service_options.h"
#include "firewall/commands/bounded.h"
#include "firewall/wiring/wiring.h"

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

void view_compile(struct view *view, const struct cli *cli, bool enforced, const json_t *service)
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

bool view_differs(struct backend_loading *loading, const struct view *view)
{
	struct backend_session *session = view->backend->open(view->backend);
	bool result = view->backend->differs(session, loading, view->config);

	view->backend->close(session);
	return result;
}

void view_compare(struct view *view)
{
	struct backend_loading loading = { .arena = &view->run.arena };

	view->differs = view->config && view_differs(&loading, view);
	view->compared = view->config && !loading.problems;
	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		cli_error("cannot compare with the loaded rules: %s", p->text);
}

int view_end(struct view *view)
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

void report_conditions(const struct conditions *conditions)
{
	for (const struct service_condition *c = conditions->first; c; c = c->next) {
		if (c->file && c->line && c->kind != CONDITION_GUEST_UNFILTERED)
			cli_error("%s:%u: %s", c->file, c->line, c->message);
		else
			cli_error("%s", c->message);
	}
}

int report_unfiltered(const struct config *config, const struct source_map *map, const struct backend *backend,
		      struct log *log)
{
	struct wiring wiring = { .count = 0 };
	struct wiring_links links;
	struct conditions conditions;
	int reason = wiring_links_read(&links);

	if (reason)
		return reason;
	conditions_init(&conditions, log);
	wiring_expect(&wiring, config, map, backend->needs_bridge_calls);
	wiring_check(&wiring, &links, &conditions, 0);
	report_conditions(&conditions);
	conditions_free(&conditions);
	wiring_free(&wiring);
	wiring_links_free(&links);
	return 0;
}
