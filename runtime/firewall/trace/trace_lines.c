/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of nftables carry their line in a comment.  Those of iptables carry nothing: rule n of a chain is rule n of the
 * chain as it is lowered.  That counts only if the loaded chain has as many rules; iptables adds one with the chain's
 * digest at the end.
 */
#include "firewall/trace/trace_lines.h"

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <uthash.h>

#include "diag/diag.h"
#include "nft/load/kernel.h"

struct trace_lowered {
	uint32_t position, count;
	struct span span;
	struct text comment;
};

struct trace_chain {
	struct text key; /* family, table and name */
	struct trace_lowered *rules;
	uint32_t count, room, loaded; /* loaded: how many rules the kernel has */
	UT_hash_handle hh;
};

static struct text trace_chain_key(struct arena *arena, uint8_t family, struct text table, struct text name)
{
	return text_of(arena_printf(arena, "%u %.*s %.*s", family, TEXT_ARG(table), TEXT_ARG(name)));
}

static void trace_lines_add(void *context, const struct backend_lowered *rule)
{
	struct trace_lines *lines = context;
	struct arena_mark mark = arena_mark(&lines->arena);
	struct text key = trace_chain_key(&lines->arena, rule->family, text_of(rule->table), rule->chain);
	struct trace_chain *chain = NULL;

	HASH_FIND(hh, lines->chains, key.ptr, key.len, chain);
	if (chain) {
		arena_release(&lines->arena, mark);
	} else {
		chain = ARENA_NEW(&lines->arena, struct trace_chain);
		chain->key = key;
		HASH_ADD_KEYPTR(hh, lines->chains, chain->key.ptr, chain->key.len, chain);
	}
	if (chain->count == chain->room) {
		struct trace_lowered *grown;

		chain->room = chain->room ? chain->room * 2 : 8;
		grown = ARENA_ARRAY(&lines->arena, struct trace_lowered, chain->room);
		if (chain->count)
			memcpy(grown, chain->rules, chain->count * sizeof(*grown));
		chain->rules = grown;
	}
	chain->rules[chain->count++] = (struct trace_lowered){ rule->position, rule->count, rule->span,
							       arena_copy(&lines->arena, rule->comment) };
	chain->loaded += rule->count;
}

void trace_lines_open(struct trace_lines *lines, const struct config *config, const struct backend *backend)
{
	*lines = (struct trace_lines){ .config = config };
	backend->lowered(config, trace_lines_add, lines);
}

void trace_lines_close(struct trace_lines *lines)
{
	HASH_CLEAR(hh, lines->chains);
	arena_free(&lines->arena);
}

/* ---- by position ---- */

static const struct trace_lowered *trace_lowered_at(const struct trace_chain *lowered, const struct loaded_chain *chain,
						    const struct loaded_rule *rule)
{
	bool has_digest = chain->family != NFPROTO_INET && lowered->loaded + 1 == chain->count;

	if (lowered->loaded != chain->count && !has_digest)
		return NULL;
	for (uint32_t i = 0; i < lowered->count; i++)
		if (rule->position >= lowered->rules[i].position &&
		    rule->position < lowered->rules[i].position + lowered->rules[i].count)
			return &lowered->rules[i];
	return NULL;
}

/* ---- by comment ---- */

/* The line of a file that the comment names without its folder. */
static struct span trace_span_of_comment(const struct trace_lines *lines, const struct loaded_chain *chain, struct text comment)
{
	const struct source_map *map = lines->config->diags->map;
	bool is_vnet = text_starts(chain->name, "vnet-");
	struct text file, option;
	uint32_t line;

	if (!nft_comment_parse(comment, &file, &line, &option) || !line)
		return SPAN_NONE;
	for (uint32_t i = 0; i < map->count; i++) {
		struct source *source = map->sources[i];

		if (!text_is(file, base_name(source->path)) || (strncmp(source->path, "sdn/", 4) == 0) != is_vnet)
			continue;
		if (source_line_number(map, source->base) && line <= source->line_count)
			return word_span(source_line(map, source, line));
	}
	return SPAN_NONE;
}

struct trace_line trace_line_of(const struct trace_lines *lines, const struct loaded_chain *chain,
				const struct loaded_rule *rule)
{
	struct trace_line line = { .span = SPAN_NONE };
	const struct trace_lowered *lowered;
	struct arena arena = { 0 };
	struct text key = trace_chain_key(&arena, chain->family, chain->table, chain->name);
	const struct trace_chain *known = NULL;

	HASH_FIND(hh, lines->chains, key.ptr, key.len, known);
	arena_free(&arena);
	line.is_ours = known || text_is(chain->table, NFT_TABLE_NAME);
	if (!line.is_ours || !rule)
		return line;
	lowered = known ? trace_lowered_at(known, chain, rule) : NULL;
	if (lowered && text_equal(lowered->comment, rule->comment)) {
		line.is_known = true;
		line.span = lowered->span;
		line.words = lowered->comment;
	} else if (rule->comment.len && chain->family != NFPROTO_IPV4 && chain->family != NFPROTO_IPV6) {
		line.span = trace_span_of_comment(lines, chain, rule->comment);
		line.words = rule->comment;
		line.is_known = line.span.begin != 0;
	} else if (known && chain->family != NFPROTO_INET && rule->position == known->loaded &&
		   known->loaded + 1 == chain->count) {
		line.is_known = true; /* that with the digest */
	} else if (lowered && chain->family != NFPROTO_INET) {
		line.is_known = true; /* comments of iptables are not compared: its tools write them as matches */
		line.span = lowered->span;
	}
	return line;
}
