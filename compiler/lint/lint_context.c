/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lint/lint_context.h"

#include <stdlib.h>

const char *const lint_effects[ACTIONS] = { "accepted", "dropped", "rejected" };

const struct prefix lint_private_networks[LINT_PRIVATE_NETWORKS] = {
	{ AF_INET, 8, { 10 } },       { AF_INET, 12, { 172, 16 } },  { AF_INET, 16, { 192, 168 } },
	{ AF_INET, 10, { 100, 64 } }, { AF_INET, 16, { 169, 254 } },
};

const struct lint_file *lint_find_file(const struct lint *lint, const struct source *source)
{
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].source == source)
			return &lint->files[i];
	return NULL;
}

bool lint_has_errors(const struct lint *lint, const struct source *source)
{
	for (const struct diagnostic *d = source ? lint->reported->first : NULL; d; d = d->next)
		if (d->severity == SEVERITY_ERROR && d->span.begin >= source->base &&
		    d->span.begin <= source->base + source->size)
			return true;
	return false;
}

struct ast_file *lint_parse(struct arena *arena, const struct lint_file *file)
{
	struct source *copy = ARENA_NEW(arena, struct source);

	*copy = *file->source;
	copy->text = arena_alloc(arena, copy->size + 2);
	if (copy->size)
		memcpy(copy->text, file->source->text, copy->size);
	return ast_parse(arena, copy, file->kind);
}

struct span lint_option_place(const struct lint_file *file, enum option_id id)
{
	if (file->written && file->written[id].begin)
		return file->written[id];
	return (struct span){ file->source->base, file->source->base };
}

bool lint_has_guest(const struct lint *lint, uint64_t vmid)
{
	uint32_t key = (uint32_t)vmid;

	if (lint->other_guest_count &&
	    bsearch(&key, lint->other_guests, lint->other_guest_count, sizeof(key), compare_u32))
		return true;
	for (const struct guest *g = lint->config->guests; g; g = g->next)
		if (g->vmid == vmid)
			return true;
	return false;
}

/* ---- chains ---- */

const char *lint_policy_key(enum direction direction)
{
	static const char *const keys[] = { "policy_in", "policy_out", "policy_forward" };

	return keys[direction];
}

static struct lint_chain host_chain(const struct config *config)
{
	const struct cluster_options *cluster = &config->cluster_options;
	const struct host_options *host = &config->host_options;

	return (struct lint_chain){
		.rules = &config->host_rules,
		.then = &config->cluster_rules,
		.policy = { &cluster->policy_in, &cluster->policy_out, &cluster->policy_forward },
		.policy_logs = { host->log_level_in != LOG_NOLOG, host->log_level_out != LOG_NOLOG,
				 host->log_level_forward != LOG_NOLOG },
		.host = true,
	};
}

static void visit_chain(struct lint *lint, struct lint_chain chain, lint_chain_function *each)
{
	if (chain.rules->first)
		each(lint, &chain);
}

static void each_shared_chain(struct lint *lint, lint_chain_function *each)
{
	for (const struct group *g = lint->config->groups; g; g = g->hh.next)
		visit_chain(lint, (struct lint_chain){ .rules = &g->rules }, each);
	for (const struct vnet *v = lint->config->vnets; v; v = v->next)
		visit_chain(lint, (struct lint_chain){
			.rules = &v->rules,
			.policy = { [DIRECTION_FORWARD] = &v->options.policy_forward },
			.policy_logs = { [DIRECTION_FORWARD] = v->options.log_level_forward != LOG_NOLOG },
		}, each);
}

void lint_each_chain(struct lint *lint, lint_chain_function *each)
{
	struct lint_chain cluster = host_chain(lint->config);
	const struct node_set *nodes = lint->diags->nodes;

	/* Groups and vnets are the same for all nodes: what is found in them is not said of one. */
	if (lint->view == LINT_CHAINS)
		lint->diags->nodes = NULL;
	if (lint->view != LINT_CHAINS || lint->is_first)
		each_shared_chain(lint, each);
	lint->diags->nodes = nodes;
	cluster.rules = cluster.then;
	cluster.then = NULL;
	visit_chain(lint, cluster, each);
	for (unsigned i = 0; i < lint->node_count; i++)
		visit_chain(lint, host_chain(lint->nodes[i]), each);
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *guest = lint->files[i].guest;
		const struct guest_options *options = guest ? &guest->options : NULL;

		if (guest)
			visit_chain(lint, (struct lint_chain){
				.rules = &guest->rules,
				.policy = { &options->policy_in, &options->policy_out },
				.policy_logs = { options->log_level_in != LOG_NOLOG, options->log_level_out != LOG_NOLOG },
			}, each);
	}
}

void lint_each_rule(const struct rule_list *rules, enum direction direction, lint_rule_function *each, void *data)
{
	for (const struct rule *r = rules ? rules->first : NULL; r; r = r->next) {
		bool group = r->direction == DIRECTION_GROUP;

		if (r->enabled && r->direction == direction)
			each(data, r, r);
		for (const struct rule *g = group && r->enabled ? r->group->rules.first : NULL; g; g = g->next)
			if (g->enabled && g->direction == direction)
				each(data, r, g);
	}
}
