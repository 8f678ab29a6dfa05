/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/view/view.h"

#include "firewall/base/left_out_json.h"
#include "firewall/base/service_options.h"
#include "firewall/view/bounded.h"
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

/* The inputs were read. */
static void compile_inputs(struct view *view)
{
	view->inputs.left_out = &view->left_out;
	view->config = compile(&view->inputs, &view->run.diags);
	view->backend = backend_of_host(view->config);
	drop_refused(&view->run.diags);
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
	if (readable)
		compile_inputs(view);
}

/* ---- the rules in force ---- */

/* The files that differ between the tree and the generation, at most four: "firewall/cluster.fw, ..."; NULL: none, or
 * the tree cannot be read. */
static const char *list_changed(struct view *view, uint64_t number)
{
	enum { MOST = 4 };
	struct arena *arena = &view->run.arena;
	struct file_list then, now;
	const char *text = NULL;
	unsigned count = 0;

	if (generations_files(&view->confirm.generations, number, &then) != 0)
		return NULL;
	file_list_of_map(&now, &view->run.map);
	for (unsigned i = 0, j = 0; i < then.count || j < now.count;) {
		int order = i == then.count ? 1 : j == now.count ? -1 : strcmp(then.files[i].path, now.files[j].path);
		const struct generation_file *a = order <= 0 ? &then.files[i++] : NULL, *b = order >= 0 ? &now.files[j++] : NULL;

		if (generation_file_equal(a, b) || count > MOST)
			continue;
		text = count++ == MOST ? arena_printf(arena, "%s, ...", text)
				       : arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "", (a ? a : b)->path);
	}
	file_list_free(&then);
	file_list_free(&now);
	return text;
}

/* The files were read; reads the generation in their place.  False: the files are asked. */
static bool read_generation(struct view *view, struct view_source *source)
{
	struct source_overlay *overlay = ARENA_NEW(&view->run.arena, struct source_overlay);

	source->differs = list_changed(view, source->generation);
	if (confirm_full_overlay(&view->confirm, source->generation, &view->run.arena, overlay) != 0)
		return false;
	HASH_CLEAR(hh, view->inputs.sdn.ipsets);
	diags_clear(&view->run.diags);
	view->run.diags.unreadable = false;
	source_map_init(&view->run.map, &view->run.arena);
	view->run.options.overlay = overlay;
	return inputs_load(&view->inputs, &view->run.options, &view->run.diags);
}

struct view_source view_compile_in_force(struct view *view, const struct cli *cli, const json_t *service)
{
	struct view_source source = { .text = "the files: the service does not run" };
	bool readable;

	*view = (struct view){ .has_confirm = true };
	left_out_read_json(&view->left_out, json_object_get(service, "left_out"));
	confirm_open(&view->confirm, firewall_state_dir(cli), firewall_run_dir(cli), false, NULL);
	if (!run_begin(&view->run, cli)) {
		bounded_done();
		return source;
	}
	view->run.options = firewall_inputs(cli);
	readable = inputs_load(&view->inputs, &view->run.options, &view->run.diags);
	bounded_done();
	if (service && view->confirm.in_force && generations_find(&view->confirm.generations, view->confirm.in_force)) {
		source.generation = view->confirm.in_force;
		source.text = arena_printf(&view->run.arena, "%s, which is loaded",
					   confirm_describe(&view->confirm, &view->run.arena, source.generation));
		readable = read_generation(view, &source);
	} else if (service) {
		source.text = "the files: the service has not kept what is loaded";
	}
	if (readable)
		compile_inputs(view);
	return source;
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
