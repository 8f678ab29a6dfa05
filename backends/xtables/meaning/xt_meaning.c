/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths as stages of the tables.  Each IP packet meets raw PREROUTING, unless it is the host's own, and one chain of
 * filter; a bridged one as well, since bridges hand packets to iptables (br_netfilter).  ebtables sees all frames of a
 * bridge, before iptables does (NF_BR_PRI_FILTER_BRIDGED is -200).
 *
 * A bridge that delivers to the host calls PREROUTING once: ip_sabotage_in() keeps IP from doing it again.  That is the
 * one of the pass that follows.  What the host sends into a bridge has met OUTPUT, and no filter of a bridge.
 */
#include "xtables/meaning/xt_meaning.h"

#include <linux/if_ether.h>

#include "base/xmalloc.h"
#include "xtables/meaning/xt_chains.h"

/* ---- opening and closing ---- */

static void xt_source_open(struct xt_translator *t, struct xt_source *source, struct xt_table *table)
{
	source->table = table;
	source->count = table->chain_count;
	source->nodes = ARENA_ARRAY(&t->arena, struct xt_node, source->count);
	for (uint32_t i = 0; i < source->count; i++) {
		struct xt_node *node = &source->nodes[i];

		node->chain.name = table->chains[i]->name;
		node->lowered = table->chains[i];
		node->source = source;
	}
}

static void xt_frames_open(struct xt_translator *t)
{
	eb_lower(&t->bridge, t->config);
	t->frames = ARENA_ARRAY(&t->arena, struct xt_node, t->bridge.count);
	for (uint32_t i = 0; i < t->bridge.count; i++) {
		t->frames[i].chain.name = t->bridge.chains[i]->name;
		t->frames[i].bridge = t->bridge.chains[i];
	}
}

static void xt_meaning_forget(struct translator *base)
{
	struct xt_translator *t = (struct xt_translator *)base;
	struct xt_source *const sources[] = { &t->filter[0], &t->filter[1], &t->raw[0], &t->raw[1] };

	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		for (uint32_t n = 0; n < sources[i]->count; n++)
			xt_node_forget(&sources[i]->nodes[n]);
	for (uint32_t i = 0; i < t->bridge.count; i++)
		xt_node_forget(&t->frames[i]);
	memset(t->set_values, 0, t->sets.count * sizeof(*t->set_values));
	arena_release(&t->arena, t->lowered);
}

static void xt_meaning_close(struct translator *base)
{
	struct xt_translator *t = (struct xt_translator *)base;

	xt_meaning_forget(base);
	arena_free(&t->bridge.arena);
	arena_free(&t->scratch);
	arena_free(&t->arena);
	free(t);
}

/* ---- stages ---- */

struct xt_program {
	struct xt_translator *t;
	struct arena *arena;
	struct model_stage stages[3 * PATH_PASSES_MAX];
	uint32_t count;
};

static void xt_add_stage(struct xt_program *p, const struct model_chain *chain, const char *name)
{
	p->stages[p->count++] = (struct model_stage){ chain, name };
}

static struct model_step xt_family_step(struct xt_program *p, unsigned family, const struct model_chain *to)
{
	struct model_match *match = ARENA_NEW(p->arena, struct model_match);
	struct interval *range = ARENA_NEW(p->arena, struct interval);

	*range = (struct interval){ number_small(family ? ETH_P_IPV6 : ETH_P_IP), number_small(family ? ETH_P_IPV6 : ETH_P_IP) };
	*match = (struct model_match){ MODEL_ETHERTYPE, false, { range, 1 } };
	return (struct model_step){ .matches = match, .match_count = 1, .effect = MODEL_JUMP, .to = to };
}

/* A hook of iptables and ip6tables: a built-in chain that calls ours. */
static void xt_add_hook(struct xt_program *p, const struct xt_source sources[2], const char *builtin, const char *name,
			const struct xt_pass *pass, const char *stage)
{
	struct model_step *steps = ARENA_ARRAY(p->arena, struct model_step, 2);
	struct model_chain *chain = ARENA_NEW(p->arena, struct model_chain);

	*chain = (struct model_chain){ .name = text_of(builtin), .steps = steps, .of_path = true };
	for (unsigned family = 0; family < 2; family++) {
		struct xt_node *node = xt_node_find(&sources[family], text_of(name));

		if (node)
			steps[chain->count++] = xt_family_step(p, family, xt_node_chain(p->t, p->arena, node, pass));
	}
	if (chain->count)
		xt_add_stage(p, chain, stage);
}

static void xt_add_prerouting(struct xt_program *p, const struct xt_pass *pass, const char *stage)
{
	xt_add_hook(p, p->t->raw, "PREROUTING", "PVEFW-PREROUTING", pass, stage);
}

static void xt_add_bridge(struct xt_program *p, const struct path_pass *pass, const char *stage)
{
	struct xt_pass ports = { .names = { [XT_SIDE_IN] = pass->bridge, [XT_SIDE_OUT] = pass->bridge,
					    [XT_SIDE_PORT_IN] = pass->in, [XT_SIDE_PORT_OUT] = pass->out } };

	if (!pass->in.len || !pass->out.len)
		return;
	xt_add_prerouting(p, &ports, arena_printf(p->arena, "%.*s prerouting", TEXT_ARG(pass->bridge)));
	if (p->t->bridge.forward)
		xt_add_stage(p, xt_node_chain(p->t, p->arena, xt_frame_node(p->t, p->t->bridge.forward), &ports),
			     arena_printf(p->arena, "%s, layer 2", stage));
	xt_add_hook(p, p->t->filter, "FORWARD", "PVEFW-FORWARD", &ports, stage);
}

static void xt_add_pass(struct xt_program *p, const struct path_pass *pass)
{
	const char *stage = path_pass_text(p->arena, pass);
	struct xt_pass ifaces = { .names = { [XT_SIDE_IN] = pass->in, [XT_SIDE_OUT] = pass->out } };

	switch (pass->hook) {
	case PATH_BRIDGE:
		xt_add_bridge(p, pass, stage);
		break;
	case PATH_INPUT:
		ifaces.symbolic[XT_SIDE_IN] = !pass->in.len;
		xt_add_prerouting(p, &ifaces, "prerouting");
		xt_add_hook(p, p->t->filter, "INPUT", "PVEFW-INPUT", &ifaces, stage);
		break;
	case PATH_OUTPUT:
		ifaces.symbolic[XT_SIDE_OUT] = !pass->out.len;
		xt_add_hook(p, p->t->filter, "OUTPUT", "PVEFW-OUTPUT", &ifaces, stage);
		break;
	case PATH_ROUTED:
		ifaces.symbolic[XT_SIDE_IN] = !pass->in.len;
		xt_add_prerouting(p, &ifaces, "prerouting");
		xt_add_hook(p, p->t->filter, "FORWARD", "PVEFW-FORWARD", &ifaces, stage);
		break;
	}
}

static const struct model_program *xt_program_of(struct translator *base, struct arena *arena, const struct path *path)
{
	struct xt_program p = { .t = (struct xt_translator *)base, .arena = arena, .count = 0 };
	struct model_program *program = ARENA_NEW(arena, struct model_program);
	struct model_stage *stages;

	for (uint32_t i = 0; i < path->count; i++)
		xt_add_pass(&p, &path->passes[i]);
	stages = ARENA_ARRAY(arena, struct model_stage, p.count);
	if (p.count)
		memcpy(stages, p.stages, p.count * sizeof(*stages));
	*program = (struct model_program){ stages, p.count };
	return program;
}

struct translator *xt_meaning_changed(const struct config *config, const struct model_ifaces *ifaces, xt_change *change,
				      void *context)
{
	struct xt_translator *t = xcalloc(1, sizeof(*t));

	t->base = (struct translator){ "iptables", xt_program_of, xt_meaning_forget, xt_meaning_close };
	t->config = config;
	t->ifaces = ifaces;
	t->change = change;
	t->context = context;
	for (unsigned i = 0; i < 256; i++)
		t->numbers[i] = (struct interval){ number_small(i), number_small(i) };
	for (unsigned family = 0; family < 2; family++) {
		unsigned mask = family ? IPV6 : IPV4;

		xt_source_open(t, &t->filter[family], xt_lower_filter(&t->arena, config, mask));
		xt_source_open(t, &t->raw[family], xt_lower_raw(&t->arena, config, mask));
	}
	xt_frames_open(t);
	t->sets = xt_sets_of(&t->arena, config);
	t->set_values = ARENA_ARRAY(&t->arena, struct interval_set, t->sets.count);
	t->lowered = arena_mark(&t->arena);
	return &t->base;
}

struct translator *xt_meaning(const struct config *config, const struct model_ifaces *ifaces)
{
	return xt_meaning_changed(config, ifaces, NULL, NULL);
}
