/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All tables as one text (spec 6.1).
 *
 * A section is a list of items: sets or chains. Several threads print parts of the list, each into memory,
 * and append them to the listing in order. A chain's rules are freed before those of the next chain are made.
 */
#include "base/parallel_for.h"
#include "xtables/print/print.h"

enum { XT_PART = 64 /* items */ };

struct xt_listing {
	const struct config *config;
	struct out *out;
	/* The section that is being printed, and what it is lowered to. */
	const struct xt_section *section;
	struct arena arena;
	union {
		struct xt_set_list sets;
		const struct xt_table *table;
		struct eb_table bridge;
	};
	uint32_t count;
	unsigned worker_count;
	struct xt_lister {
		struct out out;
		struct arena scratch;
	} workers[PARALLEL_MOST];
};

struct xt_section {
	const char *title;
	unsigned family_mask;
	struct xt_table *(*lower)(struct arena *arena, const struct config *config, unsigned family_mask);
	/* Returns the number of items. */
	uint32_t (*start)(struct xt_listing *l);
	void (*print)(const struct xt_listing *l, struct out *out, struct arena *scratch, uint32_t item);
};

/* ---- the kinds of sections ---- */

static uint32_t xt_start_sets(struct xt_listing *l)
{
	l->sets = xt_sets_of(&l->arena, l->config);
	return l->sets.count;
}

static void xt_list_set(const struct xt_listing *l, struct out *out, struct arena *scratch, uint32_t item)
{
	xt_print_one_set(out, scratch, l->config, &l->sets.items[item]);
}

static uint32_t xt_start_table(struct xt_listing *l)
{
	l->table = l->section->lower(&l->arena, l->config, l->section->family_mask);
	return l->table->chain_count;
}

static void xt_list_chain(const struct xt_listing *l, struct out *out, struct arena *scratch, uint32_t item)
{
	struct xt_chain *chain = l->table->chains[item];

	xt_print_chain_name(out, chain->name);
	xt_chain_fill(scratch, l->table, chain);
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		xt_print_rule(out, chain, rule, l->table->family_mask);
		out_char(out, '\n');
	}
}

static uint32_t xt_start_bridge(struct xt_listing *l)
{
	eb_lower(&l->bridge, l->config);
	arena_adopt(&l->arena, &l->bridge.arena);
	return l->bridge.count;
}

static void xt_list_bridge_chain(const struct xt_listing *l, struct out *out, struct arena *scratch,
				 uint32_t item)
{
	(void)scratch;
	xt_print_chain_name(out, l->bridge.chains[item]->name);
	eb_print_rules(out, l->bridge.chains[item]);
}

static const struct xt_section xt_sections[] = {
	{ "ipset", 0, NULL, xt_start_sets, xt_list_set },
	{ "iptables filter", IPV4, xt_lower_filter, xt_start_table, xt_list_chain },
	{ "ip6tables filter", IPV6, xt_lower_filter, xt_start_table, xt_list_chain },
	{ "iptables raw", IPV4, xt_lower_raw, xt_start_table, xt_list_chain },
	{ "ip6tables raw", IPV6, xt_lower_raw, xt_start_table, xt_list_chain },
	{ "ebtables filter", 0, NULL, xt_start_bridge, xt_list_bridge_chain },
};

/* ---- parts ---- */

/* A worker that is alone needs no memory between itself and the listing. */
static struct out *xt_lister_out(struct xt_listing *l, unsigned worker)
{
	return l->worker_count == 1 ? l->out : &l->workers[worker].out;
}

static void xt_list_part(void *context, unsigned worker, unsigned part)
{
	struct xt_listing *l = context;
	struct arena *scratch = &l->workers[worker].scratch;

	for (uint32_t i = part * XT_PART; i < l->count && i < (part + 1) * XT_PART; i++) {
		l->section->print(l, xt_lister_out(l, worker), scratch, i);
		arena_reset(scratch);
	}
}

static void xt_append_part(void *context, unsigned worker, unsigned part)
{
	struct xt_listing *l = context;
	struct out *printed = &l->workers[worker].out;

	(void)part;
	out_append(l->out, printed);
}

static void xt_list_section(struct xt_listing *l)
{
	out_string(l->out, "=== ");
	out_string(l->out, l->section->title);
	out_char(l->out, '\n');
	l->count = l->section->start(l);
	l->worker_count = parallel_workers(l->count);
	parallel_run_in_order(l->worker_count, (l->count + XT_PART - 1) / XT_PART, xt_list_part,
			      xt_append_part, l);
	arena_free(&l->arena);
}

void xt_print_listing(struct out *out, const struct config *config)
{
	struct xt_listing l = { .config = config, .out = out };

	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		out_init_memory(&l.workers[i].out);
	for (unsigned i = 0; i < sizeof(xt_sections) / sizeof(xt_sections[0]); i++) {
		l.section = &xt_sections[i];
		xt_list_section(&l);
	}
	for (unsigned i = 0; i < PARALLEL_MOST; i++) {
		out_free(&l.workers[i].out);
		arena_free(&l.workers[i].scratch);
	}
}
