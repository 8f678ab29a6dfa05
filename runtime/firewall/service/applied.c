/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/applied.h"

#include "firewall/wiring/bridge_calls.h"

static void log_problems(struct applied *a, const struct source_map *map, const struct backend *backend,
			 const struct backend_problem *problems)
{
	for (const struct backend_problem *p = problems; p; p = p->next) {
		struct place place = { NULL, 0, 0, 0 };
		struct log_about about = { NULL, NULL, 0 };

		if (p->repeated)
			continue;
		if (map)
			place = source_place(map, p->span.begin);
		if (place.source)
			about = (struct log_about){ .file = place.source->path, .line = place.line };
		log_message(a->log, PRIORITY_ERROR, &about, "%s: %s", backend->name, p->text);
	}
}

struct backend_session *applied_session(const struct applied *a, const struct backend *backend)
{
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		if (a->sessions[i]->backend == backend)
			return a->sessions[i];
	return NULL;
}

struct backend_session *applied_watched(const struct applied *a)
{
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		if (a->sessions[i]->backend->watch)
			return a->sessions[i];
	return NULL;
}

static bool applied_load_target(struct applied *a, struct backend_loading *loading, const struct backend *backend,
		 const struct config *config)
{
	return backend->load(applied_session(a, backend), loading, config);
}

/* Removes our rules from a target; true if none are left. */
static bool applied_empty(struct applied *a, struct arena *arena, const struct backend *backend)
{
	struct backend_loading loading = { .arena = arena };
	bool done = applied_load_target(a, &loading, backend, NULL) || (backend->is_absent && backend->is_absent());

	if (!done)
		log_problems(a, NULL, backend, loading.problems);
	if (loading.messages)
		log_message(a->log, PRIORITY_INFO, NULL, "%s: rules of the service removed", backend->name);
	return done;
}

static bool applied_empty_others(struct applied *a, struct arena *arena, const struct backend *keep)
{
	bool done = true;

	if (a->backend == keep && a->removed_other)
		return true;
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		if (backend_targets[i] != keep)
			done = applied_empty(a, arena, backend_targets[i]) && done;
	return done;
}

void applied_init(struct applied *a, struct log *log, struct sysctls *sysctls)
{
	*a = (struct applied){ .log = log, .sysctls = sysctls };
	fwbr_flag_init(&a->fwbr_flag, log, sysctls->run_dir);
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		a->sessions[i] = backend_targets[i]->open(backend_targets[i]);
}

void applied_free(struct applied *a)
{
	left_out_clear(&a->left_out);
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		a->sessions[i]->backend->close(a->sessions[i]);
}

void applied_forget(struct applied *a)
{
	applied_doubt(a);
	a->removed_other = false;
	a->retry = true;
}

void applied_retry(struct applied *a)
{
	a->retry = true;
}

void applied_doubt(struct applied *a)
{
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		a->sessions[i]->backend->forget(a->sessions[i]);
}

bool applied_contents_changed(const struct applied *a)
{
	return a->valid && a->backend->has_changed && a->backend->has_changed(applied_session(a, a->backend));
}

bool applied_is_stale(const struct applied *a)
{
	return a->valid && a->backend->is_stale && a->backend->is_stale(applied_session(a, a->backend));
}

/* ---- loading without the refused rules ---- */

/* The context of leave_out_load(). */
struct attempts {
	struct applied *a;
	struct compilation *c;
	struct applying *applying;
	bool again; /* it must be compiled again */
};

static bool attempt_load(void *context, struct backend_loading *loading, const struct source_map **map)
{
	struct attempts *t = context;

	if (t->again && t->a->alive)
		t->a->alive();
	if (t->again)
		compilation_again(t->c);
	t->again = t->c->left_out != NULL;
	*loading = (struct backend_loading){ .arena = t->applying->arena, .patched = t->a->patched };
	*map = &t->c->map;
	return t->c->config && applied_load_target(t->a, loading, t->c->backend, t->c->config);
}

/* Makes one attempt without the rules left out so far; from then on it also leaves out missing layers. */
static bool attempt_once(struct attempts *t, struct backend_loading *loading)
{
	const struct source_map *map;

	t->again = true;
	if (!attempt_load(t, loading, &map))
		return false;
	for (const struct backend_problem *p = loading->problems; p; p = p->next)
		if (p->layer != LAYERS)
			left_out_add_layer(&t->a->left_out, p->layer, p->text);
	return true;
}

/* Tries everything, then all layers, then what was loaded before: what is still refused is not searched for again. */
static bool retry(struct attempts *t, struct backend_loading *loading)
{
	struct left_out *now = &t->a->left_out, before = *now, nothing = { .lines = NULL };
	bool loaded;

	*now = nothing;
	loaded = attempt_once(t, loading);
	if (!loaded && before.layers && (before.lines || before.rules)) {
		left_out_clear(now);
		*now = before;
		now->layers = 0;
		memset(now->layer_words, 0, sizeof(now->layer_words));
		loaded = attempt_once(t, loading);
		if (loaded)
			before.lines = NULL, before.rules = NULL;
		else
			before.lines = now->lines, before.rules = now->rules, now->lines = NULL, now->rules = NULL;
	}
	if (loaded) {
		left_out_clear(&before);
		return true;
	}
	left_out_clear(now);
	*now = before;
	t->again = true;
	return false;
}

static bool load_rest(struct applied *a, struct compilation *c, struct applying *applying)
{
	struct attempts attempts = { .a = a, .c = c, .applying = applying };
	struct leave_out l = { .left_out = &a->left_out, .attempt = attempt_load, .context = &attempts };
	bool again = a->retry && !left_out_is_empty(&a->left_out) && c->left_out;
	struct backend_loading *loading = &applying->loading;
	struct left_out unused = { .lines = NULL };
	bool loaded;

	a->retry = false;
	if (again && retry(&attempts, loading))
		return true;
	l.strict = !c->left_out;
	if (l.strict)
		l.left_out = &unused;
	*loading = (struct backend_loading){ .arena = applying->arena };
	loaded = leave_out_load(&l, loading);
	left_out_clear(&unused);
	return loaded;
}

bool applied_load(struct applied *a, struct compilation *c, struct applying *applying)
{
	struct backend_loading *loading = &applying->loading;
	bool needs_fwbr = !config_enabled(c->config) || c->backend->needs_bridge_calls, done;

	/* Guests that start meanwhile get firewall bridges, which both targets filter. */
	if (needs_fwbr)
		fwbr_flag_set(&a->fwbr_flag, true);
	done = load_rest(a, c, applying);
	applying->problems = loading->problems;
	if (!done) {
		log_problems(a, &c->map, c->backend, loading->problems);
		return false;
	}
	applying->changed = loading->messages != 0;
	/* Before the other target is emptied: iptables does not filter guests without them. */
	sysctls_apply(a->sysctls, c->config, c->backend->needs_bridge_calls);
	a->removed_other = applied_empty_others(a, applying->arena, c->backend);
	applying->others_stay = !a->removed_other;
	a->backend = c->backend;
	a->digest = c->digest;
	a->valid = true;
	a->patched = false;
	if (!needs_fwbr)
		fwbr_flag_set(&a->fwbr_flag, false);
	a->minimal = false;
	return true;
}

/* ---- the minimal ruleset ---- */

/* Loading the minimal ruleset into one target. */
struct minimal {
	struct applied *a;
	struct config *config;
	const struct backend *backend;
	const struct source_map *map;
	struct applying *applying;
};

static bool attempt_minimal(void *context, struct backend_loading *loading, const struct source_map **map)
{
	struct minimal *m = context;

	if (m->a->alive)
		m->a->alive();
	*loading = (struct backend_loading){ .arena = m->applying->arena, .whole = true };
	*map = m->map;
	return applied_load_target(m->a, loading, m->backend, m->config);
}

static bool load_minimal(struct minimal *m)
{
	struct left_out left_out = { .lines = NULL };
	struct leave_out l = { .left_out = &left_out, .attempt = attempt_minimal, .context = m };
	struct backend_loading loading = { .arena = m->applying->arena };
	bool loaded;

	m->config->left_out = &left_out;
	loaded = leave_out_load(&l, &loading);
	if (!loaded)
		log_problems(m->a, NULL, m->backend, loading.problems);
	left_out_clear(&left_out);
	return loaded;
}

bool applied_load_minimal(struct applied *a, const struct compilation *c, struct applying *applying)
{
	struct config config;
	struct minimal m = { a, &config, c->backend, &c->map, applying };
	bool in_force = a->minimal, loaded;

	if (!c->config || !config_enabled(c->config))
		return false;
	for (unsigned i = 0; i < APPLIED_TARGETS && !in_force; i++)
		in_force = backend_targets[i]->is_in_force(applying->arena);
	if (in_force)
		return a->minimal;
	config_minimal(applying->arena, c->config, &config);
	loaded = load_minimal(&m);
	for (unsigned i = 0; i < APPLIED_TARGETS && !loaded; i++) {
		m.backend = backend_targets[i];
		loaded = backend_targets[i] != c->backend && load_minimal(&m);
	}
	if (loaded) {
		sysctls_apply(a->sysctls, &config, m.backend->needs_bridge_calls);
		a->backend = m.backend;
		a->removed_other = a->valid = false;
		a->minimal = true;
	}
	scope_free(&config.cluster);
	return loaded;
}

bool applied_patch(struct applied *a, const struct config *config, const struct guest_change *changes, unsigned count,
		   struct applying *applying)
{
	bool done;

	applying->loading = (struct backend_loading){ .arena = applying->arena };
	done = a->backend->load_guests(applied_session(a, a->backend), &applying->loading, config, changes, count);
	applying->changed = done && applying->loading.messages;
	a->patched |= applying->changed;
	return done;
}

bool applied_tidy(struct applied *a, struct applying *applying)
{
	bool done;

	applying->loading = (struct backend_loading){ .arena = applying->arena };
	done = a->valid && a->removed_other && a->backend->tidy(applied_session(a, a->backend), &applying->loading);
	applying->changed = done && applying->loading.messages;
	return done;
}

bool applied_remove(struct applied *a, struct arena *arena)
{
	bool done = true;

	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		done = applied_empty(a, arena, backend_targets[i]) && done;
	sysctls_apply(a->sysctls, NULL, false);
	bridge_calls_clear();
	a->backend = NULL;
	a->valid = a->minimal = false;
	a->removed_other = done;
	return done;
}
