/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains for one pass: what interfaces decide is folded away. */
#include "xtables/meaning/xt_chains.h"

/* ---- once for all paths ---- */

static bool xt_is_pattern(struct text name)
{
	return text_ends(name, "+");
}

/* The condition by which the step is found in a hash, or NULL. */
static const struct xt_condition *xt_step_port(const struct xt_step *step)
{
	const struct xt_condition *condition = &step->conditions[0];

	if (step->condition_count != 1 || condition->side < XT_SIDE_PORT_IN || xt_is_pattern(condition->name))
		return NULL;
	return condition;
}

static void xt_index_port(struct xt_translator *t, struct xt_node *node, const struct xt_condition *condition,
			  uint32_t index)
{
	struct xt_port **ports = &node->ports[condition->side], *port;

	HASH_FIND(hh, *ports, condition->name.ptr, condition->name.len, port);
	if (port) {
		node->steps[port->last].next = index;
		port->last = index;
		return;
	}
	port = ARENA_NEW(&t->arena, struct xt_port);
	*port = (struct xt_port){ .name = condition->name, .first = index, .last = index };
	HASH_ADD_KEYPTR(hh, *ports, port->name.ptr, port->name.len, port);
}

static void xt_index_steps(struct xt_translator *t, struct xt_node *node)
{
	node->others = ARENA_ARRAY(&t->arena, uint32_t, node->count);
	for (uint32_t i = 0; i < node->count; i++) {
		const struct xt_condition *condition = xt_step_port(&node->steps[i]);

		if (condition)
			xt_index_port(t, node, condition, i);
		else
			node->others[node->other_count++] = i;
	}
}

/* The chain without the paths; its jumps lead to chains that do not depend on the path, too. */
static void xt_share(struct xt_translator *t, struct xt_node *node)
{
	struct model_step *steps = ARENA_ARRAY(&t->arena, struct model_step, node->count);

	for (uint32_t i = 0; i < node->count; i++) {
		steps[i] = node->steps[i].step;
		if (node->steps[i].to)
			steps[i].to = &node->steps[i].to->chain;
	}
	node->chain.steps = steps;
	node->chain.count = node->count;
}

static void xt_node_translate(struct xt_translator *t, struct xt_node *node)
{
	if (node->translated)
		return;
	node->translated = true;
	if (node->bridge)
		xt_translate_frames(t, node);
	else
		xt_translate_rules(t, node);
	for (uint32_t i = 0; i < node->count; i++)
		node->depends |= node->steps[i].condition_count > 0;
	/* Of a dispatch chain only those chains are translated that paths go to. */
	for (uint32_t i = 0; i < node->count && !node->depends; i++)
		if (node->steps[i].to) {
			xt_node_translate(t, node->steps[i].to);
			node->depends |= node->steps[i].to->depends;
		}
	if (node->depends)
		xt_index_steps(t, node);
	else
		xt_share(t, node);
}

void xt_node_forget(struct xt_node *node)
{
	for (unsigned i = 0; i < XT_SIDES; i++)
		HASH_CLEAR(hh, node->ports[i]);
	*node = (struct xt_node){ .chain = { .name = node->chain.name },
				  .source = node->source,
				  .lowered = node->lowered,
				  .bridge = node->bridge };
}

/* ---- for one pass ---- */

static bool xt_name_matches(struct text name, struct text pattern)
{
	if (!name.len)
		return false;
	if (!xt_is_pattern(pattern))
		return text_equal(name, pattern);
	return name.len >= pattern.len - 1 && memcmp(name.ptr, pattern.ptr, pattern.len - 1) == 0;
}

/* Whether the pass has the interfaces that the step asks for; *asks: MODEL_IFACE must be asked as well. */
static bool xt_step_applies(const struct xt_step *step, const struct xt_pass *pass, bool *asks)
{
	*asks = false;
	for (uint32_t i = 0; i < step->condition_count; i++) {
		const struct xt_condition *condition = &step->conditions[i];

		if (pass->symbolic[condition->side])
			*asks = true;
		else if (!xt_name_matches(pass->names[condition->side], condition->name))
			return false;
	}
	return true;
}

static uint32_t xt_first_of_port(const struct xt_node *node, enum xt_side side, struct text name)
{
	struct xt_port *port = NULL;

	if (name.len)
		HASH_FIND(hh, node->ports[side], name.ptr, name.len, port);
	return port ? port->first : UINT32_MAX;
}

/* The steps that a pass can meet, in order: a merge of those for its ports and all others. */
struct xt_cursor {
	const struct xt_node *node;
	uint32_t other;   /* of node->others */
	uint32_t port[2]; /* in, out; UINT32_MAX: no more */
};

static const struct xt_step *xt_cursor_next(struct xt_cursor *c)
{
	const struct xt_node *node = c->node;
	uint32_t other = c->other < node->other_count ? node->others[c->other] : UINT32_MAX;
	uint32_t *port = c->port[0] < c->port[1] ? &c->port[0] : &c->port[1];
	const struct xt_step *step;

	if (other < *port) {
		c->other++;
		return &node->steps[other];
	}
	if (*port == UINT32_MAX)
		return NULL;
	step = &node->steps[*port];
	*port = step->next ? step->next : UINT32_MAX;
	return step;
}

static struct xt_cursor xt_cursor_start(const struct xt_node *node, const struct xt_pass *pass)
{
	return (struct xt_cursor){
		.node = node,
		.port = { xt_first_of_port(node, XT_SIDE_PORT_IN, pass->names[XT_SIDE_PORT_IN]),
			  xt_first_of_port(node, XT_SIDE_PORT_OUT, pass->names[XT_SIDE_PORT_OUT]) },
	};
}

static uint32_t xt_count_steps(const struct xt_node *node, const struct xt_pass *pass)
{
	struct xt_cursor cursor = xt_cursor_start(node, pass);
	uint32_t count = 0;

	while (xt_cursor_next(&cursor))
		count++;
	return count;
}

const struct model_chain *xt_node_chain(struct xt_translator *t, struct arena *arena, struct xt_node *node,
					const struct xt_pass *pass)
{
	struct model_chain *chain;
	struct model_step *steps;
	struct xt_cursor cursor;

	xt_node_translate(t, node);
	if (!node->depends)
		return &node->chain;
	chain = ARENA_NEW(arena, struct model_chain);
	steps = ARENA_ARRAY(arena, struct model_step, xt_count_steps(node, pass));
	*chain = (struct model_chain){ .name = node->chain.name, .steps = steps, .of_path = true };
	cursor = xt_cursor_start(node, pass);
	for (const struct xt_step *step; (step = xt_cursor_next(&cursor));) {
		struct model_step *copy = &steps[chain->count];
		bool asks;

		if (!xt_step_applies(step, pass, &asks))
			continue;
		*copy = step->step;
		copy->match_count += asks;
		if (step->to)
			copy->to = xt_node_chain(t, arena, step->to, pass);
		chain->count++;
	}
	return chain;
}
