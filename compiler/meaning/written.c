/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Zones as chains, and paths as stages: a packet that leaves a zone passes its OUT rules, one that enters a
 * zone its IN rules, and one that crosses a vnet that vnet's.
 */
#include "meaning/written.h"

#include "meaning/written_parts.h"

#include <linux/if_ether.h>
#include <stdlib.h>

#include "base/xmalloc.h"

static const struct written_accept written_passes = { .effect = MODEL_ACCEPT };

/* ---- zones ---- */

/* Frames that are not IP packets: rules do not ask about them. */
static void written_pass_others(struct written *w, struct written_draft *d, const struct model_chain *layer2)
{
	static const struct interval ip[] = { { { 0, ETH_P_IP }, { 0, ETH_P_IP } },
					      { { 0, ETH_P_IPV6 }, { 0, ETH_P_IPV6 } } };
	struct written_matches m = written_always;

	written_match(&m, MODEL_ETHERTYPE, (struct interval_set){ ip, 2 }, true);
	if (layer2)
		written_add_jump(w, d, &m, MODEL_GOTO, layer2, SPAN_NONE, NULL);
	else
		written_add(w, d, &m, MODEL_ACCEPT);
}

static const struct model_chain *written_host_chain(struct written *w, enum direction direction,
						    uint32_t iface)
{
	static const char *const names[] = { "host IN", "host OUT", "host FORWARD" };
	static const char *const logs[] = { "PVEFW-HOST-IN", "PVEFW-HOST-OUT", "PVEFW-HOST-FORWARD" };
	static const enum implied_chain at[] = { AT_HOST_IN, AT_HOST_OUT, AT_HOST_FORWARD };
	struct written_key key = { .kind = WRITTEN_HOST + direction, .iface = iface };
	const struct model_chain *made = written_find(w, &key);
	struct written_place place = { .zone = zone_of_host(w->config, direction),
				       .at = at[direction],
				       .accept = written_passes,
				       .iface = iface,
				       .log_chain = logs[direction] };
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	written_pass_others(w, &d, NULL);
	written_implied_stage(w, &d, &place, IMPLIED_BEFORE);
	if (w->config->host_options.enable) {
		written_rules(w, &d, &place, &w->config->host_rules);
		written_rules(w, &d, &place, &w->config->cluster_rules);
		written_implied_stage(w, &d, &place, IMPLIED_AFTER);
		written_policy(w, &d, &place);
	}
	return written_keep(w, &key, names[direction], &d);
}

/* Unless `is_queued`, it only tells whether the guest's rules let the packet through. */
static const struct model_chain *written_nic_chain(struct written *w, const struct guest *guest,
						   const struct nic *nic, bool out, bool is_queued)
{
	const struct queues *queues = &guest->options.ips_queues;
	struct written_key key = { .object = nic,
				   .kind = out ? WRITTEN_NIC_OUT : WRITTEN_NIC_IN,
				   .is_queued = is_queued };
	const struct model_chain *made = written_find(w, &key);
	struct written_place place = { .at = out ? AT_NIC_OUT : AT_NIC_IN,
				       .guest = guest,
				       .nic = nic,
				       .zone = { .direction = out ? DIRECTION_OUT : DIRECTION_IN },
				       .accept = written_passes,
				       .iface = WRITTEN_ANY_IFACE };
	bool is_on = guest->options.enable, has_layer2 = is_on && out && w->config->cluster_options.ebtables;
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	if (is_queued) {
		place.accept.effect = MODEL_QUEUE;
		place.accept.first = queues->set ? queues->first : 0;
		place.accept.last = queues->set && queues->range ? queues->last : place.accept.first;
	}
	if (is_on)
		place.zone = zone_of_nic(guest, nic, out);
	place.log_chain = arena_printf(w->arena, "%.*s-%s", TEXT_ARG(nic->device), out ? "OUT" : "IN");
	written_pass_others(w, &d, has_layer2 ? written_layer2(w, guest, nic) : NULL);
	written_implied_stage(w, &d, &place, IMPLIED_BEFORE);
	if (is_on) {
		written_rules(w, &d, &place, &guest->rules);
		written_policy(w, &d, &place);
	}
	return written_keep(w, &key,
			    arena_printf(w->arena, "%.*s %s", TEXT_ARG(nic->device), out ? "OUT" : "IN"), &d);
}

static bool written_is_queued(const struct guest *guest)
{
	return guest->options.enable && guest->options.ips;
}

static bool written_judges_vnet(const struct vnet *vnet)
{
	return vnet->options.enable && (vnet->options.policy_forward.action != ACTION_ACCEPT ||
					rules_have_direction(&vnet->rules, DIRECTION_FORWARD));
}

/* Of the host's own packets through a vnet, the host drops the invalid ones. */
static const struct model_chain *written_vnet_chain(struct written *w, const struct vnet *vnet, bool host)
{
	struct written_key key = { .object = vnet, .kind = host ? WRITTEN_VNET_HOST : WRITTEN_VNET };
	const struct model_chain *made = written_find(w, &key);
	struct written_place place = { .zone = zone_of_vnet(vnet),
				       .at = AT_VNET,
				       .accept = written_passes,
				       .iface = WRITTEN_ANY_IFACE };
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	place.log_chain = arena_printf(w->arena, "vnet-%.*s-forward", TEXT_ARG(vnet->name));
	written_pass_others(w, &d, NULL);
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].stage == IMPLIED_BEFORE && !(host && id == IMPLIED_INVALID))
			written_implied(w, &d, &place, id);
	written_rules(w, &d, &place, &vnet->rules);
	written_implied_stage(w, &d, &place, IMPLIED_AFTER);
	written_policy(w, &d, &place);
	return written_keep(w, &key, arena_printf(w->arena, "vnet %.*s", TEXT_ARG(vnet->name)), &d);
}

/* The vnets that the host is on, by the interface. */
static const struct model_chain *written_vnets_chain(struct written *w, enum direction direction,
						     uint32_t iface)
{
	struct written_key key = { .kind = WRITTEN_VNETS + direction, .iface = iface };
	const struct model_chain *made = written_find(w, &key);
	struct written_place place = { .iface = iface };
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	for (const struct vnet *vnet = w->config->vnets; vnet; vnet = vnet->next) {
		struct written_matches m = written_always;

		if (!written_judges_vnet(vnet))
			continue;
		written_match_iface(w, &m, &place, vnet->name);
		if (!m.never)
			written_add_jump(w, &d, &m, MODEL_GOTO, written_vnet_chain(w, vnet, true), SPAN_NONE,
					 NULL);
	}
	return written_keep(w, &key, "vnets", &d);
}

/* A chain of one implied rule. */
static const struct model_chain *written_one_rule(struct written *w, enum written_kind kind,
						  enum implied_id id, const char *name)
{
	struct written_key key = { .kind = kind };
	const struct model_chain *made = written_find(w, &key);
	struct written_place place = { .at = AT_HOST_FORWARD,
				       .accept = written_passes,
				       .iface = WRITTEN_ANY_IFACE };
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	written_pass_others(w, &d, NULL);
	written_implied(w, &d, &place, id);
	return written_keep(w, &key, name, &d);
}

/* ---- paths ---- */

enum { WRITTEN_STAGES_MAX = 2 + 3 * PATH_PASSES_MAX };

struct written_program {
	struct written *w;
	struct arena *arena;
	const struct path *path;
	struct model_stage stages[WRITTEN_STAGES_MAX];
	uint32_t count;
	bool is_limited; /* protection_synflood has counted it */
};

static void written_stage(struct written_program *p, const struct model_chain *chain, const char *name)
{
	if (chain->count)
		p->stages[p->count++] = (struct model_stage){ chain, name };
}

/* The number of a constant interface, or any. */
static uint32_t written_iface_number(const struct written *w, struct text name)
{
	if (!name.len)
		return WRITTEN_ANY_IFACE;
	for (uint32_t i = 0; i < w->ifaces->count; i++)
		if (text_equal(w->ifaces->names[i], name))
			return i + 1;
	return 0;
}

static bool written_is_filtered(const struct path_end *end)
{
	return end->zone == PATH_GUEST && end->nic->firewall;
}

static void written_nic_stage(struct written_program *p, const struct path_end *end, bool out, bool is_queued)
{
	written_stage(p, written_nic_chain(p->w, end->guest, end->nic, out, is_queued),
		      arena_printf(p->arena, "%s %s", path_end_text(p->arena, end), out ? "OUT" : "IN"));
}

static const struct vnet *written_vnet_of(const struct written_program *p, struct text bridge)
{
	const struct vnet *vnet = p->w->config->vnets;

	while (vnet && !(written_judges_vnet(vnet) && text_equal(vnet->name, bridge)))
		vnet = vnet->next;
	return vnet;
}

/*
 * Where a frame's address tells to which guest it goes, the guest's rules are asked before those of the vnet:
 * only there can a packet be rejected.  A guest's IPS gets the packet at its port.
 */
static void written_vnet_stage(struct written_program *p, const struct path_pass *pass)
{
	const struct vnet *vnet = written_vnet_of(p, pass->bridge);
	const struct path_end *to = &p->path->to;

	if (!vnet)
		return;
	if (written_is_filtered(to) && !p->path->flooded)
		written_nic_stage(p, to, false, false);
	written_stage(p, written_vnet_chain(p->w, vnet, false),
		      arena_printf(p->arena, "vnet %.*s", TEXT_ARG(vnet->name)));
}

static void written_bridge_pass(struct written_program *p, const struct path_pass *pass)
{
	const struct path_end *from = &p->path->from, *to = &p->path->to;

	if (written_is_filtered(from) && text_equal(pass->in, from->nic->device))
		written_nic_stage(p, from, true, false);
	if (pass->in.len && pass->out.len)
		written_vnet_stage(p, pass);
	if (written_is_filtered(to) && text_equal(pass->out, to->nic->device))
		written_nic_stage(p, to, false, written_is_queued(to->guest));
	if (!written_is_filtered(from) && !written_is_filtered(to) && pass->in.len && pass->out.len)
		written_stage(p, written_one_rule(p->w, WRITTEN_BRIDGE, IMPLIED_INVALID, "bridge"),
			      path_pass_text(p->arena, pass));
}

static void written_host_stages(struct written_program *p, enum direction direction, struct text iface)
{
	static const char *const names[] = { "host IN", "host OUT", "host FORWARD" };
	uint32_t number = written_iface_number(p->w, iface);

	if (direction != DIRECTION_FORWARD)
		written_stage(p, written_vnets_chain(p->w, direction, number), "vnets");
	if (direction == DIRECTION_FORWARD || p->w->config->host_options.enable)
		written_stage(p, written_host_chain(p->w, direction, number), names[direction]);
}

static void written_pass(struct written_program *p, const struct path_pass *pass)
{
	bool enters = pass->hook != PATH_OUTPUT && !(pass->hook == PATH_BRIDGE && !pass->in.len);

	if (enters && !p->is_limited) {
		written_stage(p,
			      written_one_rule(p->w, WRITTEN_SYNFLOOD, IMPLIED_SYNFLOOD, "before tracking"),
			      "before tracking");
		p->is_limited = true;
	}
	switch (pass->hook) {
	case PATH_INPUT:
		written_host_stages(p, DIRECTION_IN, pass->in);
		break;
	case PATH_OUTPUT:
		written_host_stages(p, DIRECTION_OUT, pass->out);
		break;
	case PATH_ROUTED:
		written_host_stages(p, DIRECTION_FORWARD, pass->in);
		break;
	case PATH_BRIDGE:
		written_bridge_pass(p, pass);
		break;
	}
}

static const struct model_program *written_program(struct translator *t, struct arena *arena,
						   const struct path *path)
{
	struct written_program p = { .w = (struct written *)t, .arena = arena, .path = path };
	struct model_program *program = ARENA_NEW(arena, struct model_program);
	struct model_stage *stages;

	for (uint32_t i = 0; i < path->count && config_enabled(p.w->config); i++)
		written_pass(&p, &path->passes[i]);
	stages = ARENA_ARRAY(arena, struct model_stage, p.count);
	if (p.count)
		memcpy(stages, p.stages, p.count * sizeof(*stages));
	*program = (struct model_program){ stages, p.count };
	return program;
}

/* ---- the translator ---- */

const struct model_chain *written_host(struct translator *t, enum direction direction)
{
	struct written *w = (struct written *)t;

	return w->config->host_options.enable ? written_host_chain(w, direction, WRITTEN_ANY_IFACE) : NULL;
}

const struct model_chain *written_nic(struct translator *t, const struct guest *guest, const struct nic *nic,
				      bool out)
{
	return written_nic_chain((struct written *)t, guest, nic, out, !out && written_is_queued(guest));
}

const struct model_chain *written_vnet(struct translator *t, const struct vnet *vnet)
{
	return vnet->options.enable ? written_vnet_chain((struct written *)t, vnet, false) : NULL;
}

static struct model_chain written_one_alone(struct written *w, struct arena *arena, const struct rule *rule,
					    const struct written_place *place)
{
	struct written_draft d = { .count = 0 };

	written_reject(w); /* is kept */
	w->arena = arena;
	written_rule_add(w, &d, place, rule);
	w->arena = &w->own;
	return written_take(arena, &d, "rule");
}

struct model_chain written_rule_alone(struct translator *t, struct arena *arena, const struct rule *rule,
				      struct text iface)
{
	struct written_place place = { .zone = { .direction = rule->direction, .net = -1, .ifaces = true },
				       .accept = written_passes,
				       .iface = WRITTEN_ANY_IFACE,
				       .line_iface = iface };

	return written_one_alone((struct written *)t, arena, rule, &place);
}

struct model_chain written_rule_anywhere(struct translator *t, struct arena *arena, const struct rule *rule)
{
	struct written_place place = { .zone = { .direction = rule->direction, .net = -1 }, .accept = written_passes };

	return written_one_alone((struct written *)t, arena, rule, &place);
}

const struct model_chain *written_before_policy(struct translator *t, enum action policy)
{
	return written_noise((struct written *)t, policy == ACTION_REJECT);
}

const struct model_chain *written_services(struct translator *t)
{
	return written_services_of((struct written *)t);
}

struct model_chain written_packets(struct translator *t, struct arena *arena,
				   const struct implied_packets *packets)
{
	struct written *w = (struct written *)t;
	struct written_draft d = { .count = 0 };
	struct written_matches m = written_always;

	w->arena = arena;
	written_match_packets(w, &m, packets);
	written_add(w, &d, &m, MODEL_ACCEPT);
	w->arena = &w->own;
	return written_take(arena, &d, "packets");
}

struct address_cache *written_addresses(struct translator *t)
{
	return &((struct written *)t)->addresses;
}

static void written_forget(struct translator *t)
{
	struct written *w = (struct written *)t;

	written_forget_chains(w);
	address_cache_free(&w->addresses);
	arena_reset(&w->own);
}

static void written_close(struct translator *t)
{
	struct written *w = (struct written *)t;

	written_forget(t);
	arena_free(&w->own);
	free(w);
}

struct translator *written_open(const struct config *config, const struct model_ifaces *ifaces)
{
	struct written *w = xmalloc(sizeof(*w));

	*w = (struct written){ .translator = { "written", written_program, written_forget, written_close },
			       .config = config,
			       .ifaces = ifaces };
	w->arena = &w->own;
	return &w->translator;
}
