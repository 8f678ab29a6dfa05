/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator of the nftables backends: a path is the base chains of the hooks that it passes, in order of
 * their priority, each a stage.  A frame that only enters a bridge (to the host) has its hooks prerouting and
 * input, one that only leaves it output and postrouting.
 */
#include "nft/meaning/nft_meaning.h"

#include <stdlib.h>

#include "base/xmalloc.h"
#include "nft/meaning/translate.h"

/* ---- stages ---- */

enum { NFT_STAGES_MAX = 64 };

/* In place of more stages than there is room for. */
static const struct model_step unknown_step = { .effect = MODEL_UNKNOWN };
static const struct model_chain unknown_chain = {
	.name = TEXT_INIT("too many"), .steps = &unknown_step, .count = 1, .of_path = true
};

struct nft_stages {
	struct model_stage items[NFT_STAGES_MAX];
	uint32_t count;
};

static void meaning_add_hook(const struct nft_traversal *at, struct nft_stages *stages, enum nft_hook hook)
{
	static const char *const names[] = { "prerouting", "input", "forward", "output", "postrouting" };
	unsigned table = at->bridge ? NFT_BRIDGE : NFT_INET;
	const char *name = names[hook];

	at->t->hook++;
	if (at->bridge)
		name = arena_printf(at->arena, "%.*s %s", TEXT_ARG(at->bridge_name), name);
	for (uint32_t i = 0; i < at->t->hooks[table].count; i++) {
		const struct nft_chain *chain = at->t->hooks[table].chains[i];

		if (chain->hook != hook)
			continue;
		if (stages->count == NFT_STAGES_MAX) {
			stages->items[NFT_STAGES_MAX - 1].chain = &unknown_chain;
			return;
		}
		stages->items[stages->count++] = (struct model_stage){ nft_translate_chain(at, chain), name };
	}
}

static void meaning_add_bridge(struct nft_traversal *at, struct nft_stages *stages,
			       const struct path_pass *pass)
{
	at->bridge = true;
	at->bridge_name = pass->bridge;
	at->dest_mac = pass->dest_mac;
	at->iif = pass->in;
	if (pass->in.len)
		meaning_add_hook(at, stages, NFT_HOOK_PREROUTING);
	at->oif = pass->out;
	if (pass->in.len && pass->out.len)
		meaning_add_hook(at, stages, NFT_HOOK_FORWARD);
	else
		meaning_add_hook(at, stages, pass->in.len ? NFT_HOOK_INPUT : NFT_HOOK_OUTPUT);
	if (pass->out.len)
		meaning_add_hook(at, stages, NFT_HOOK_POSTROUTING);
}

/* Of a packet that is routed without known interfaces the one it comes in by can be any. */
static void meaning_add_host(struct nft_traversal *at, struct nft_stages *stages,
			     const struct path_pass *pass)
{
	bool sent = pass->hook == PATH_OUTPUT;

	if (sent && !pass->out.len)
		at->any_iface = NFT_FIELD_OIFNAME;
	else if (!sent && !pass->in.len)
		at->any_iface = NFT_FIELD_IIFNAME;
	at->iif = pass->in;
	if (!sent)
		meaning_add_hook(at, stages, NFT_HOOK_PREROUTING);
	at->oif = pass->out;
	meaning_add_hook(at, stages,
			 sent                       ? NFT_HOOK_OUTPUT
			 : pass->hook == PATH_INPUT ? NFT_HOOK_INPUT
						    : NFT_HOOK_FORWARD);
	if (pass->hook != PATH_INPUT)
		meaning_add_hook(at, stages, NFT_HOOK_POSTROUTING);
}

/* ---- the translator ---- */

static const struct model_program *meaning_program(struct translator *translator, struct arena *arena,
						   const struct path *path)
{
	struct nft_translator *t = (struct nft_translator *)translator;
	struct model_program *program = ARENA_NEW(arena, struct model_program);
	struct arena_mark mark = arena_mark(&t->scratch);
	struct nft_stages stages = { .count = 0 };
	struct model_stage *copy;

	for (uint32_t i = 0; i < path->count; i++) {
		struct nft_traversal at = { .t = t, .arena = arena, .any_iface = NFT_FIELDS };

		if (path->passes[i].hook == PATH_BRIDGE)
			meaning_add_bridge(&at, &stages, &path->passes[i]);
		else
			meaning_add_host(&at, &stages, &path->passes[i]);
	}
	arena_release(&t->scratch, mark);
	copy = ARENA_ARRAY(arena, struct model_stage, stages.count);
	if (stages.count)
		memcpy(copy, stages.items, stages.count * sizeof(*copy));
	*program = (struct model_program){ copy, stages.count };
	return program;
}

static void meaning_forget(struct translator *translator)
{
	struct nft_translator *t = (struct nft_translator *)translator;

	HASH_CLEAR(hh, t->chains);
	HASH_CLEAR(hh, t->sets);
	arena_release(&t->arena, t->lowered);
}

static void meaning_close(struct translator *translator)
{
	struct nft_translator *t = (struct nft_translator *)translator;

	meaning_forget(translator);
	arena_free(&t->scratch);
	arena_free(&t->arena);
	free(t);
}

/* Of chains of equal priority the one that was made first comes first, as in the kernel. */
static void meaning_find_hooks(struct nft_translator *t, unsigned index)
{
	const struct nft_table *table = t->ruleset->tables[index];
	const struct nft_chain **chains;
	uint32_t count = 0, at;

	for (const struct nft_chain *chain = table ? table->chains : NULL; chain; chain = chain->next)
		count += chain->hook != NFT_HOOK_NONE;
	chains = ARENA_ARRAY(&t->arena, const struct nft_chain *, count);
	count = 0;
	for (const struct nft_chain *chain = table ? table->chains : NULL; chain; chain = chain->next) {
		if (chain->hook == NFT_HOOK_NONE)
			continue;
		for (at = count++; at && chains[at - 1]->priority > chain->priority; at--)
			chains[at] = chains[at - 1];
		chains[at] = chain;
	}
	t->hooks[index].chains = chains;
	t->hooks[index].count = count;
}

static struct translator *meaning_open(struct nft_translator *t, const struct nft_ruleset *ruleset,
				       const struct model_ifaces *ifaces)
{
	t->translator = (struct translator){ "nft", meaning_program, meaning_forget, meaning_close };
	t->ifaces = ifaces;
	t->ruleset = ruleset;
	for (unsigned i = 0; i < NFT_TABLES; i++)
		meaning_find_hooks(t, i);
	t->lowered = arena_mark(&t->arena);
	return &t->translator;
}

struct translator *nft_meaning(const struct config *config, const struct model_ifaces *ifaces)
{
	struct nft_translator *t = xcalloc(1, sizeof(*t));

	return meaning_open(t, nft_lower(&t->arena, config), ifaces);
}

struct translator *nft_meaning_of(const struct nft_ruleset *ruleset, const struct model_ifaces *ifaces)
{
	return meaning_open(xcalloc(1, sizeof(struct nft_translator)), ruleset, ifaces);
}
