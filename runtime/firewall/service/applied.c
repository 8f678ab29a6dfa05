/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
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

static bool load(struct applied *a, struct backend_loading *loading, const struct backend *backend,
		 const struct config *config)
{
	return backend->load(applied_session(a, backend), loading, config);
}

/* Empties a target; true if it has nothing of ours any more. */
static bool empty(struct applied *a, struct arena *arena, const struct backend *backend)
{
	struct backend_loading loading = { .arena = arena };
	bool done = load(a, &loading, backend, NULL) || (backend->is_absent && backend->is_absent());

	if (!done)
		log_problems(a, NULL, backend, loading.problems);
	if (loading.messages)
		log_message(a->log, PRIORITY_INFO, NULL, "%s: our rules are taken away", backend->name);
	return done;
}

static bool empty_others(struct applied *a, struct arena *arena, const struct backend *keep)
{
	bool done = true;

	if (a->backend == keep && a->removed_other)
		return true;
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		if (backend_targets[i] != keep)
			done = empty(a, arena, backend_targets[i]) && done;
	return done;
}

void applied_init(struct applied *a, struct log *log, struct sysctls *sysctls)
{
	*a = (struct applied){ .log = log, .sysctls = sysctls };
	fwbr_flag_init(&a->fwbr_flag, log, sysctls->run_dir);
	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		a->sessions[i] = backend_targets[i]->open();
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

/* ---- loading without what is refused ---- */

/* Of leave_out_load(). */
struct attempts {
	struct applied *a;
	struct compilation *c;
	struct applying *applying;
	bool again; /* it must be compiled again */
};

static bool attempt(void *context, struct backend_loading *loading, const struct source_map **map)
{
	struct attempts *t = context;

	if (t->again && t->a->alive)
		t->a->alive();
	if (t->again)
		compilation_again(t->c);
	t->again = t->c->left_out != NULL;
	t->applying->attempts++;
	*loading = (struct backend_loading){ .arena = t->applying->arena, .whole = t->applying->whole };
	*map = &t->c->map;
	return t->c->config && load(t->a, loading, t->c->backend, t->c->config);
}

/* One attempt without `left_out`, and with layers only that are missing still. */
static bool attempt_once(struct attempts *t, struct backend_loading *loading)
{
	const struct source_map *map;

	t->again = true;
	if (!attempt(t, loading, &map))
		return false;
	for (const struct backend_problem *p = loading->problems; p; p = p->next)
		if (p->layer != LAYERS)
			left_out_add_layer(&t->a->left_out, p->layer, p->text);
	return true;
}

/* All of it, then all layers, then what was loaded before: so that what is refused still is not searched for again. */
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
	struct leave_out l = { .left_out = &a->left_out, .attempt = attempt, .context = &attempts };
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
	if (applying->whole)
		c->backend->forget(applied_session(a, c->backend));
	done = load_rest(a, c, applying);
	applying->problems = loading->problems;
	if (!done) {
		log_problems(a, &c->map, c->backend, loading->problems);
		return false;
	}
	applying->changed = loading->messages != 0;
	/* Before the other target is emptied: iptables does not filter guests without them. */
	sysctls_apply(a->sysctls, c->config, c->backend->needs_bridge_calls);
	a->removed_other = empty_others(a, applying->arena, c->backend);
	applying->others_stay = !a->removed_other;
	a->backend = c->backend;
	a->digest = c->digest;
	a->valid = true;
	if (!needs_fwbr)
		fwbr_flag_set(&a->fwbr_flag, false);
	a->minimal = false;
	return true;
}

/* ---- the minimal ruleset ---- */

static bool is_in_force(struct applied *a, struct arena *arena)
{
	bool in_force = a->minimal;

	for (unsigned i = 0; i < APPLIED_TARGETS && !in_force; i++)
		in_force = backend_targets[i]->is_in_force(arena);
	return in_force;
}

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
	return load(m->a, loading, m->backend, m->config);
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
	bool loaded;

	if (!c->config || !config_enabled(c->config))
		return false;
	if (is_in_force(a, applying->arena))
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

/* ---- what is missing ---- */

static bool any_logged(const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if (rule->enabled && rule->log != LOG_NOLOG)
			return true;
	return false;
}

static bool guest_logs(const struct guest *guest)
{
	return guest->options.enable && (guest->options.log_level_in != LOG_NOLOG ||
					 guest->options.log_level_out != LOG_NOLOG || any_logged(&guest->rules));
}

static bool is_logged(const struct config *config)
{
	const struct host_options *o = &config->host_options;
	bool logged = o->log_level_in != LOG_NOLOG || o->log_level_out != LOG_NOLOG || o->log_level_forward != LOG_NOLOG ||
		      o->smurf_log_level != LOG_NOLOG || o->tcp_flags_log_level != LOG_NOLOG ||
		      any_logged(&config->cluster_rules) || any_logged(&config->host_rules);

	for (const struct guest *guest = config->guests; guest && !logged; guest = guest->next)
		logged = guest_logs(guest);
	for (const struct group *group = config->groups; group && !logged; group = group->hh.next)
		logged = any_logged(&group->rules);
	for (const struct vnet *vnet = config->vnets; vnet && !logged; vnet = vnet->next)
		logged = vnet->options.log_level_forward != LOG_NOLOG || any_logged(&vnet->rules);
	return logged;
}

static bool is_bridged(const struct config *config)
{
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic && guest->options.enable; nic = nic->next)
			if (nic->firewall)
				return true;
	return config->vnets != NULL;
}

bool applied_layer_matters(const struct compilation *c, enum layer layer)
{
	const struct config *config = c->config;

	if (!config_enabled(config) || layer == LAYERS || !(c->backend->layers & 1u << layer))
		return false;
	switch (layer) {
	case LAYER_EBTABLES:
		return config->cluster_options.ebtables;
	case LAYER_RAW:
		return config->host_options.protection_synflood || config->host_options.nf_conntrack_helpers.count;
	case LAYER_NFLOG:
		return is_logged(config);
	case LAYER_BRIDGE:
	case LAYER_BRIDGE_CONNTRACK:
	case LAYER_BRIDGE_REJECT:
	case LAYER_BRIDGE_META:
		return is_bridged(config);
	default:
		return true;
	}
}

bool applied_patch(struct applied *a, struct compilation *c, const struct guest *guest, struct applying *applying)
{
	struct source *source = source_load_again(&c->map, guest->file);
	struct guest *now;
	bool done;

	if (!source)
		return false;
	applying->loading = (struct backend_loading){ .arena = applying->arena };
	now = compile_guest(c->config, guest, source);
	done = a->backend->load_guest(applied_session(a, a->backend), &applying->loading, c->config, guest, now);
	scope_free(&now->scope);
	return done;
}

bool applied_remove(struct applied *a, struct arena *arena)
{
	bool done = true;

	for (unsigned i = 0; i < APPLIED_TARGETS; i++)
		done = empty(a, arena, backend_targets[i]) && done;
	sysctls_apply(a->sysctls, NULL, false);
	bridge_calls_clear();
	a->backend = NULL;
	a->valid = a->minimal = false;
	a->removed_other = done;
	return done;
}
