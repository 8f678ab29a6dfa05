/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/applied.h"

#include "nft/netlink.h"
#include "xtables/xt_load.h"

static const struct backend *const targets[] = { &backend_iptables, &backend_netlink };
enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

static void log_problems(struct applied *a, const struct source_map *map, const struct backend *backend,
			 const struct backend_problem *problems)
{
	for (const struct backend_problem *p = problems; p; p = p->next) {
		struct place place = { NULL, 0, 0, 0 };
		struct log_about about = { NULL, NULL, 0 };

		if (map)
			place = source_place(map, p->span.begin);
		if (place.source)
			about = (struct log_about){ .file = place.source->path, .line = place.line };
		log_message(a->log, PRIORITY_ERROR, &about, "%s: %s", backend->name, p->text);
	}
}

/* With `config` NULL takes away what is ours. */
static bool load(struct applied *a, struct backend_loading *loading, const struct backend *backend,
		 const struct config *config)
{
	if (backend == &backend_iptables)
		return xt_load(loading, a->xtables, config);
	return config ? nft_netlink_load_known(loading, config, a->nftables) : nft_netlink_load(loading, NULL);
}

/* Empties a target; true if it has nothing of ours any more. */
static bool empty(struct applied *a, struct arena *arena, const struct backend *backend)
{
	struct backend_loading loading = { .arena = arena };
	bool done = load(a, &loading, backend, NULL);

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
	for (unsigned i = 0; i < TARGETS; i++)
		if (targets[i] != keep)
			done = empty(a, arena, targets[i]) && done;
	return done;
}

void applied_init(struct applied *a, struct log *log, struct sysctls *sysctls)
{
	*a = (struct applied){ .log = log, .sysctls = sysctls };
	fwbr_flag_init(&a->fwbr_flag, log, sysctls->run_dir);
	a->xtables = xt_state_new();
	a->nftables = nft_known_new();
}

void applied_free(struct applied *a)
{
	xt_state_free(a->xtables);
	nft_known_free(a->nftables);
}

void applied_forget(struct applied *a)
{
	xt_state_forget(a->xtables);
	nft_known_forget(a->nftables);
	a->removed_other = false;
}

bool applied_is_stale(const struct applied *a)
{
	return a->valid && a->backend == &backend_iptables && xt_state_is_stale(a->xtables);
}

bool applied_load(struct applied *a, const struct compilation *c, struct applying *applying)
{
	struct backend_loading *loading = &applying->loading;
	bool needs_fwbr = !config_enabled(c->config) || c->backend == &backend_iptables, done;

	/* Guests that start meanwhile get firewall bridges, which both targets filter. */
	if (needs_fwbr)
		fwbr_flag_set(&a->fwbr_flag, true);
	*loading = (struct backend_loading){ .arena = applying->arena, .whole = applying->whole };
	if (applying->whole)
		xt_state_forget(a->xtables);
	done = load(a, loading, c->backend, c->config);
	applying->problems = loading->problems;
	log_problems(a, &c->map, c->backend, loading->problems);
	if (!done)
		return false;
	applying->changed = loading->messages != 0;
	/* Before the other target is emptied: iptables does not filter guests without them. */
	sysctls_apply(a->sysctls, c->config, c->backend == &backend_iptables);
	a->removed_other = empty_others(a, applying->arena, c->backend);
	a->backend = c->backend;
	a->digest = c->digest;
	a->valid = true;
	if (!needs_fwbr)
		fwbr_flag_set(&a->fwbr_flag, false);
	return a->removed_other;
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
	done = a->backend == &backend_iptables
		       ? xt_guest_patch(&applying->loading, a->xtables, c->config, guest, now)
		       : nft_guest_patch(&applying->loading, a->nftables, c->config, guest, now);
	scope_free(&now->scope);
	return done;
}

bool applied_remove(struct applied *a, struct arena *arena)
{
	bool done = true;

	for (unsigned i = 0; i < TARGETS; i++)
		done = empty(a, arena, targets[i]) && done;
	sysctls_apply(a->sysctls, NULL, false);
	a->backend = NULL;
	a->valid = false;
	a->removed_other = done;
	return done;
}
