/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/explain/log_rules.h"

#include <uthash.h>

struct log_guest {
	struct text vmid;
	struct log_rule *first, **last;
	UT_hash_handle hh;
};

/* A chain that was searched. */
struct log_chain {
	const struct model_chain *chain;
	UT_hash_handle hh;
};

struct log_search {
	struct log_rules *rules;
	struct log_chain *seen;
	struct arena arena;
};

/* "100" of ":100:6:tap100i0-IN: " */
static struct text log_rules_vmid(struct text prefix)
{
	struct text vmid = text_starts(prefix, ":") ? text_skip(prefix, 1) : (struct text){ NULL, 0 };
	long end = text_find(vmid, ':');

	return end < 0 ? (struct text){ NULL, 0 } : (struct text){ vmid.ptr, (uint32_t)end };
}

static void log_rules_add(struct log_rules *rules, const struct model_chain *chain, const struct model_step *step)
{
	struct text vmid = log_rules_vmid(step->prefix);
	struct log_rule *rule = ARENA_NEW(&rules->arena, struct log_rule);
	struct log_guest *guest = NULL;

	if (!vmid.len)
		return;
	HASH_FIND(hh, rules->guests, vmid.ptr, vmid.len, guest);
	if (!guest) {
		guest = ARENA_NEW(&rules->arena, struct log_guest);
		*guest = (struct log_guest){ .vmid = vmid };
		guest->last = &guest->first;
		HASH_ADD_KEYPTR(hh, rules->guests, guest->vmid.ptr, guest->vmid.len, guest);
	}
	*rule = (struct log_rule){ .chain = chain, .step = step };
	*guest->last = rule;
	guest->last = &rule->next;
}

static bool log_search_is_seen(struct log_search *search, const struct model_chain *chain)
{
	struct log_chain *seen = NULL;

	HASH_FIND_PTR(search->seen, &chain, seen);
	if (seen)
		return true;
	seen = ARENA_NEW(&search->arena, struct log_chain);
	seen->chain = chain;
	HASH_ADD_PTR(search->seen, chain, seen);
	return false;
}

static void log_search_chain(struct log_search *search, const struct model_chain *chain)
{
	if (log_search_is_seen(search, chain))
		return;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];

		if (step->effect == MODEL_JUMP || step->effect == MODEL_GOTO)
			log_search_chain(search, step->to);
		else if (step->effect == MODEL_LOG)
			log_rules_add(search->rules, chain, step);
	}
}

static void log_rules_read(struct log_rules *rules, const struct asked *asked)
{
	struct path_walk walk = { .config = asked->config };
	struct log_search search = { .rules = rules };
	struct path path;

	rules->asked = asked;
	while (path_walk_next(&walk, &rules->arena, &path)) {
		const struct model_program *program = translator_program(asked->translator, &rules->arena, &path);

		for (uint32_t i = 0; i < program->count; i++)
			log_search_chain(&search, program->stages[i].chain);
	}
	HASH_CLEAR(hh, search.seen);
	arena_free(&search.arena);
}

const struct log_rule *log_rules_of(struct log_rules *rules, const struct asked *asked, struct text vmid)
{
	struct log_guest *guest = NULL;

	if (rules->asked != asked) {
		log_rules_free(rules);
		log_rules_read(rules, asked);
	}
	HASH_FIND(hh, rules->guests, vmid.ptr, vmid.len, guest);
	return guest ? guest->first : NULL;
}

void log_rules_free(struct log_rules *rules)
{
	HASH_CLEAR(hh, rules->guests);
	arena_free(&rules->arena);
	*rules = (struct log_rules){ .asked = NULL };
}
