/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains as chains of a packet program.  A rule is a step for each thing that it does, all with the rule's
 * matches.  If it asks for the mark and changes it, the later ones would not match any more: then it leads to
 * a chain of its own.
 */
#include "nft/meaning/translate.h"

#include <linux/if_ether.h>

/* ---- what is known of a chain ---- */

static struct nft_chain_note *steps_note(struct nft_translator *t, const struct nft_chain *chain,
					 bool bridge);

static bool steps_is_inert_map(struct nft_translator *t, const struct nft_set *set, bool bridge)
{
	struct nft_set_note *note = nft_set_note_of(t, set);

	if (note->inert_known)
		return note->inert;
	note->inert_known = note->inert = true;
	for (uint32_t i = 0; i < set->element_count && note->inert; i++) {
		const struct nft_verdict *verdict = &set->elements[i].verdict;

		note->inert = verdict->kind == NFT_TO_JUMP && steps_note(t, verdict->chain, bridge)->inert;
	}
	return note->inert;
}

/* Of a map by port that depends on the chains that it leads to. */
static bool steps_is_map_of_path(struct nft_translator *t, const struct nft_vmap *vmap, bool bridge)
{
	bool of_path = false;

	for (unsigned i = 0; i < vmap->key_count; i++)
		of_path |= nft_is_of_path(vmap->keys[i].field);
	for (uint32_t i = 0; i < vmap->set->element_count && !of_path; i++)
		if (vmap->set->elements[i].verdict.chain)
			of_path = steps_note(t, vmap->set->elements[i].verdict.chain, bridge)->of_path;
	return of_path;
}

static void steps_note_statement(struct nft_translator *t, struct nft_chain_note *note,
				 const struct nft_statement *s, bool bridge)
{
	const struct nft_chain_note *to = NULL;

	switch (s->kind) {
	case NFT_STMT_MATCH:
		for (unsigned i = 0; i < s->match->key_count; i++)
			note->of_path |= nft_is_of_path(s->match->keys[i].field);
		return;
	case NFT_STMT_VMAP:
		if (steps_is_inert_map(t, s->vmap->set, bridge))
			return;
		note->of_path |= steps_is_map_of_path(t, s->vmap, bridge);
		break;
	case NFT_STMT_VERDICT:
		if (s->verdict.chain)
			to = steps_note(t, s->verdict.chain, bridge);
		note->of_path |= to && to->of_path;
		if (s->verdict.kind == NFT_TO_JUMP && to->inert)
			return;
		break;
	case NFT_STMT_REJECT:
		note->of_path |= bridge; /* the frame's destination */
		break;
	case NFT_STMT_COUNTER:
	case NFT_STMT_LIMIT:
	case NFT_STMT_UPDATE:
	case NFT_STMT_CT_MARK:
	case NFT_STMT_CT_LABEL:
	case NFT_STMT_CT_HELPER:
		return;
	case NFT_STMT_LOG:
	case NFT_STMT_MARK:
	case NFT_STMT_QUEUE:
		break;
	}
	note->inert = false;
}

/* Chains lead to others without a circle. */
static struct nft_chain_note *steps_note(struct nft_translator *t, const struct nft_chain *chain, bool bridge)
{
	struct nft_chain_note *note;

	HASH_FIND_PTR(t->chains, &chain, note);
	if (note)
		return note;
	note = ARENA_NEW(&t->arena, struct nft_chain_note);
	note->chain = chain;
	note->inert = true;
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->statement_count; i++)
			steps_note_statement(t, note, &rule->statements[i], bridge);
	HASH_ADD_PTR(t->chains, chain, note);
	return note;
}

/* ---- what a rule does ---- */

/* The steps of a chain while they are made. */
struct nft_steps {
	const struct nft_traversal *at;
	struct model_step *items; /* from t->scratch */
	uint32_t count, room;
};

static struct model_step *steps_add(struct nft_steps *steps)
{
	if (steps->count == steps->room) {
		struct model_step *more;

		steps->room = steps->room * 2 + 16;
		more = ARENA_ARRAY(&steps->at->t->scratch, struct model_step, steps->room);
		if (steps->count)
			memcpy(more, steps->items, steps->count * sizeof(*more));
		steps->items = more;
	}
	steps->items[steps->count] = (struct model_step){ .match_count = 0 };
	return &steps->items[steps->count++];
}

static const struct model_chain *steps_end(struct nft_steps *steps, const struct nft_chain *from,
					   bool of_path)
{
	struct model_chain *chain = ARENA_NEW(steps->at->arena, struct model_chain);
	struct model_step *copy = ARENA_ARRAY(steps->at->arena, struct model_step, steps->count);

	if (steps->count)
		memcpy(copy, steps->items, steps->count * sizeof(*copy));
	*chain = (struct model_chain){ from->name, copy, steps->count, of_path, from->list };
	return chain;
}

static void steps_set_verdict(const struct nft_traversal *at, struct model_step *step,
			      const struct nft_verdict *verdict)
{
	static const enum model_effect effects[] = {
		[NFT_TO_ACCEPT] = MODEL_ACCEPT, [NFT_TO_DROP] = MODEL_DROP, [NFT_TO_RETURN] = MODEL_RETURN,
		[NFT_TO_JUMP] = MODEL_JUMP,     [NFT_TO_GOTO] = MODEL_GOTO,
	};

	step->effect = effects[verdict->kind];
	if (verdict->chain)
		step->to = nft_translate_chain(at, verdict->chain);
}

/* The kernel does not answer frames to a group address (nft_reject_bridge.c). */
static void steps_set_reject(const struct nft_traversal *at, struct model_step *step,
			     enum nft_reject_type type)
{
	static const enum model_reject kinds[] = {
		[NFT_REJECT_WITH_TCP_RESET] = MODEL_REJECT_RESET,
		[NFT_REJECT_WITH_PORT_UNREACHABLE] = MODEL_REJECT_PORT_UNREACHABLE,
		[NFT_REJECT_WITH_HOST_PROHIBITED] = MODEL_REJECT_HOST_PROHIBITED,
		[NFT_REJECT_WITH_ADMIN_PROHIBITED_V6] = MODEL_REJECT_ADMIN_PROHIBITED,
	};

	if (at->bridge && at->dest_mac[0] & 1) {
		step->effect = MODEL_DROP;
		step->unanswered = true;
		return;
	}
	step->effect = MODEL_REJECT;
	step->reject = kinds[type];
}

/* One thing that a rule does; false: nothing that a program knows. */
static bool steps_set_effect(const struct nft_traversal *at, struct model_step *step,
			     const struct nft_statement *s)
{
	switch (s->kind) {
	case NFT_STMT_VERDICT:
		steps_set_verdict(at, step, &s->verdict);
		return step->effect != MODEL_JUMP || step->to->count;
	case NFT_STMT_LOG:
		step->effect = MODEL_LOG;
		step->prefix = s->log_prefix;
		return true;
	case NFT_STMT_MARK:
		step->effect = MODEL_MARK;
		step->mark.keep = s->mark.keep;
		step->mark.bits = s->mark.bits;
		return true;
	case NFT_STMT_REJECT:
		steps_set_reject(at, step, s->reject);
		return true;
	case NFT_STMT_QUEUE:
		step->effect = MODEL_QUEUE;
		step->queue.first = s->queue.first;
		step->queue.last = s->queue.last;
		return true;
	default:
		return false;
	}
}

static void steps_add_effect(struct nft_steps *steps, const struct nft_statement *s,
			     const struct model_step *asks)
{
	struct model_step step = *asks;

	if (steps_set_effect(steps->at, &step, s))
		*steps_add(steps) = step;
}

/* In place of a rule: whatever it may ask, the packets that come to it are not decided. */
static void steps_add_unknown(struct nft_steps *steps, const struct model_step *rule)
{
	*steps_add(steps) = (struct model_step){ .effect = MODEL_UNKNOWN,
						 .span = rule->span,
						 .implied = rule->implied };
}

/* With matches of its own for each element if the key is not a constant of the path: keys are distinct. */
static void steps_add_map(struct nft_steps *steps, const struct nft_vmap *vmap, const struct model_step *asks,
			  const struct nft_asked *asked)
{
	const struct nft_traversal *at = steps->at;
	struct nft_statement s = { .kind = NFT_STMT_VERDICT };
	const struct nft_element *element;

	if (steps_is_inert_map(at->t, vmap->set, at->bridge))
		return;
	if (nft_find_element(at, vmap, &element)) {
		if (!element)
			return;
		s.verdict = element->verdict;
		steps_add_effect(steps, &s, asks);
		return;
	}
	for (uint32_t i = 0; i < vmap->set->element_count; i++) {
		struct model_step step = *asks;
		struct nft_asked more = *asked;
		struct model_match *matches;

		for (unsigned part = 0; part < vmap->key_count; part++)
			nft_ask_key(at, &more, vmap, &vmap->set->elements[i], part);
		if (more.never)
			continue;
		if (more.unknown) {
			steps_add_unknown(steps, asks);
			continue;
		}
		matches = ARENA_ARRAY(at->arena, struct model_match, more.count);
		memcpy(matches, more.matches, more.count * sizeof(*matches));
		step.matches = matches;
		step.match_count = more.count;
		s.verdict = vmap->set->elements[i].verdict;
		steps_add_effect(steps, &s, &step);
	}
}

/* ---- a rule ---- */

static bool steps_has_effect(const struct nft_statement *s)
{
	return s->kind == NFT_STMT_VERDICT || s->kind == NFT_STMT_VMAP || s->kind == NFT_STMT_LOG ||
	       s->kind == NFT_STMT_MARK || s->kind == NFT_STMT_REJECT || s->kind == NFT_STMT_QUEUE;
}

/* Asks of a rule precede what it does. */
static void steps_ask(const struct nft_traversal *at, const struct nft_rule *rule, struct nft_asked *asked,
		      unsigned *effects)
{
	*effects = 0;
	for (uint32_t i = 0; i < rule->statement_count && !asked->never; i++) {
		const struct nft_statement *s = &rule->statements[i];

		if (*effects && (s->kind == NFT_STMT_MATCH || s->kind == NFT_STMT_UPDATE))
			asked->unknown = true;
		*effects += steps_has_effect(s);
		if (s->kind == NFT_STMT_MATCH)
			nft_ask_match(at, asked, s->match);
		else if (s->kind == NFT_STMT_UPDATE)
			nft_ask_number(at, asked, MODEL_OVER_LIMIT, 1);
	}
}

static void steps_add_effects(struct nft_steps *steps, const struct nft_rule *rule,
			      const struct model_step *asks, const struct nft_asked *asked)
{
	for (uint32_t i = 0; i < rule->statement_count; i++) {
		const struct nft_statement *s = &rule->statements[i];

		if (s->kind == NFT_STMT_VMAP)
			steps_add_map(steps, s->vmap, asks, asked);
		else
			steps_add_effect(steps, s, asks);
	}
}

/* Whether a rule ends its chain wherever it matches. */
static bool steps_leaves(const struct nft_rule *rule)
{
	const struct nft_statement *last = &rule->statements[rule->statement_count - 1];

	return last->kind == NFT_STMT_VERDICT && last->verdict.kind != NFT_TO_JUMP;
}

static bool steps_drops(const struct nft_rule *rule)
{
	const struct nft_statement *last = &rule->statements[rule->statement_count - 1];

	return last->kind == NFT_STMT_VERDICT && last->verdict.kind == NFT_TO_DROP;
}

/* A chain of all that the rule does; `asks` leads to it. */
static void steps_add_apart(struct nft_steps *steps, const struct nft_rule *rule, struct model_step *asks,
			    const struct nft_chain *from)
{
	static const struct nft_asked nothing;
	const struct model_step always = { .span = rule->span, .implied = rule->implied };
	struct nft_steps apart = { .at = steps->at };

	steps_add_effects(&apart, rule, &always, &nothing);
	asks->effect = steps_leaves(rule) ? MODEL_GOTO : MODEL_JUMP;
	asks->to = steps_end(&apart, from, true);
	*steps_add(steps) = *asks;
}

static void steps_add_rule(struct nft_steps *steps, const struct nft_rule *rule, const struct nft_chain *from)
{
	struct model_step asks = { .span = rule->span, .implied = rule->implied };
	struct nft_asked asked = { .count = 0 };
	struct model_match *matches;
	unsigned effects;

	steps_ask(steps->at, rule, &asked, &effects);
	if (asked.unknown && !asked.never)
		steps_add_unknown(steps, &asks);
	if (!effects || asked.never || asked.unknown)
		return;
	matches = ARENA_ARRAY(steps->at->arena, struct model_match, asked.count);
	if (asked.count)
		memcpy(matches, asked.matches, asked.count * sizeof(*matches));
	asks.matches = matches;
	asks.match_count = asked.count;
	asks.mark_mask = asked.mark_mask;
	asks.mark_value = asked.mark_value;
	asks.mark_negated = asked.mark_negated;
	/* Only packets to reject have a mark that drops. */
	asks.unanswered = rule->statement_count && steps_drops(rule) &&
			  (asked.mark_mask || text_is(from->name, "do-reject"));
	if (asked.mark_mask && effects > 1)
		steps_add_apart(steps, rule, &asks, from);
	else
		steps_add_effects(steps, rule, &asks, &asked);
}

/* The hooks of the inet family see IPv4 and IPv6 only: all else passes. */
static void steps_add_others(struct nft_steps *steps)
{
	static const struct interval ip[] = { { { 0, ETH_P_IP }, { 0, ETH_P_IP } },
					      { { 0, ETH_P_IPV6 }, { 0, ETH_P_IPV6 } } };
	static const struct model_match others = { MODEL_ETHERTYPE, true, { ip, 2 } };

	*steps_add(
		steps) = (struct model_step){ .matches = &others, .match_count = 1, .effect = MODEL_ACCEPT };
}

const struct model_chain *nft_translate_chain(const struct nft_traversal *at, const struct nft_chain *chain)
{
	struct nft_translator *t = at->t;
	struct nft_chain_note *note = steps_note(t, chain, at->bridge);
	struct nft_traversal inside = *at;
	struct nft_steps steps = { .at = &inside };

	if (note->made && (!note->of_path || note->hook == t->hook))
		return note->made;
	if (!note->of_path)
		inside.arena = &t->arena;
	if (!at->bridge && chain->hook != NFT_HOOK_NONE)
		steps_add_others(&steps);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		steps_add_rule(&steps, rule, chain);
	note->made = steps_end(&steps, chain, note->of_path);
	note->hook = t->hook;
	return note->made;
}
