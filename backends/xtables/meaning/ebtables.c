/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of ebtables as steps. */
#include "xtables/meaning/xt_chains.h"

#include <linux/if_ether.h>

enum { EB_MATCHES_MAX = 4 };

static struct interval_set eb_number(struct xt_translator *t, uint64_t number)
{
	struct interval *range = ARENA_NEW(&t->arena, struct interval);

	*range = (struct interval){ number_small(number), number_small(number) };
	return (struct interval_set){ range, 1 };
}

static void eb_translate_matches(struct xt_translator *t, const struct eb_rule *rule, struct xt_step *step)
{
	struct model_match *matches = ARENA_ARRAY(&t->arena, struct model_match, EB_MATCHES_MAX);
	uint32_t count = 0;

	if (rule->protocol.name.len)
		matches[count++] = (struct model_match){ MODEL_ETHERTYPE, false, eb_number(t, rule->protocol.number) };
	if (rule->not_source) {
		uint64_t mac = 0;

		for (unsigned i = 0; i < 6; i++)
			mac = mac << 8 | rule->not_source[i];
		matches[count++] = (struct model_match){ MODEL_SOURCE_MAC, true, eb_number(t, mac) };
	}
	if (rule->arp_source.family) {
		struct interval *range = ARENA_NEW(&t->arena, struct interval);

		*range = interval_of_prefix(&rule->arp_source);
		matches[count++] = (struct model_match){ MODEL_ARP_SENDER, false, { range, 1 } };
	}
	step->step.matches = matches;
	step->step.match_count = count;
	if (rule->in_iface.len)
		step->conditions[step->condition_count++] = (struct xt_condition){ XT_SIDE_PORT_IN, rule->in_iface };
	if (rule->out_iface.len)
		step->conditions[step->condition_count++] = (struct xt_condition){ XT_SIDE_PORT_OUT, rule->out_iface };
}

struct xt_node *xt_frame_node(struct xt_translator *t, const struct eb_chain *chain)
{
	uint32_t low = 0, high = t->bridge.count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = text_compare(t->bridge.chains[middle]->name, chain->name);

		if (order == 0)
			return &t->frames[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void xt_translate_frames(struct xt_translator *t, struct xt_node *node)
{
	static const enum model_effect effects[] = {
		[EB_ACCEPT] = MODEL_ACCEPT, [EB_DROP] = MODEL_DROP, [EB_RETURN] = MODEL_RETURN, [EB_JUMP] = MODEL_JUMP,
	};
	uint32_t count = 0;

	for (const struct eb_rule *rule = node->bridge->first; rule; rule = rule->next)
		count++;
	node->steps = ARENA_ARRAY(&t->arena, struct xt_step, count);
	for (const struct eb_rule *rule = node->bridge->first; rule; rule = rule->next) {
		struct xt_step *step = &node->steps[node->count++];

		eb_translate_matches(t, rule, step);
		step->step.effect = effects[rule->target];
		step->step.span = rule->span;
		step->step.implied = rule->implied;
		if (rule->target == EB_JUMP)
			step->to = xt_frame_node(t, rule->chain);
	}
}
