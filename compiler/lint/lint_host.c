/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who reaches the host: the walk over its rules, the set `management`, the local network.
 *
 * The checks that use this ask what becomes of packets of which neither the interface nor the host's own address is
 * known.  So a rule that accepts some of them is taken to accept all of them: it was written for that way in.
 */
#include "lint/lint_host.h"

#include "source/lines.h"

/* ---- rules ---- */

struct walk {
	struct lint *lint;
	enum direction direction;
	void (*each)(void *data, const struct rule *line, const struct rule *rule);
	void *data;
};

struct text lint_rule_iface(const struct rule *line, const struct rule *rule)
{
	return line->iface.len ? line->iface : rule->iface;
}

/* The addresses of the interface lo: 127.0.0.0/8 or ::1. */
static struct interval_set loopback(struct lint *lint, unsigned family_mask)
{
	static const struct prefix networks[] = { { AF_INET, 8, { 127 } }, { AF_INET6, 128, { [15] = 1 } } };
	struct interval *range = ARENA_NEW(&lint->scratch, struct interval);

	*range = interval_of_prefix(&networks[family_mask == IPV6]);
	return (struct interval_set){ range, 1 };
}

/* Packets of the host to itself only. */
static bool is_loopback(const struct walk *w, const struct rule *line, const struct rule *rule)
{
	if (text_is(lint_rule_iface(line, rule), "lo"))
		return true;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set source = space_endpoint(w->lint->space, rule->source, family_mask);
		struct interval_set own = loopback(w->lint, family_mask);

		if ((rule->family_mask & family_mask) && interval_set_subtract(&w->lint->scratch, &source, &own).count)
			return false;
	}
	return true;
}

static void visit(const struct walk *w, const struct rule *line, const struct rule *rule)
{
	if (rule->enabled && rule->direction == w->direction && !is_loopback(w, line, rule))
		w->each(w->data, line, rule);
}

static void visit_all(const struct walk *w, const struct rule_list *rules)
{
	for (const struct rule *r = rules->first; r; r = r->next) {
		if (r->direction != DIRECTION_GROUP)
			visit(w, r, r);
		for (const struct rule *g =
			     r->direction == DIRECTION_GROUP && r->enabled ? r->group->rules.first : NULL;
		     g; g = g->next)
			visit(w, r, g);
	}
}

void lint_each_host_rule(struct lint *lint, enum direction direction,
			 void (*each)(void *data, const struct rule *line, const struct rule *rule), void *data)
{
	struct walk walk = { lint, direction, each, data };

	visit_all(&walk, &lint->config->host_rules);
	visit_all(&walk, &lint->config->cluster_rules);
}

struct packet_set lint_rule_from(struct lint *lint, const struct rule *line, const struct rule *rule)
{
	struct packet_set set = space_rule(lint->space, rule, line->iface);

	for (uint32_t i = 0; i < set.count; i++) {
		struct cube any = space_service(lint->space, set.cubes[i].family_mask, 6, 0, 0);

		set.cubes[i].side[DIM_IFACE] = any.side[DIM_IFACE];
		set.cubes[i].side[DIM_DEST] = any.side[DIM_DEST];
	}
	return set;
}

bool lint_names_port(const struct packet_set *set, uint8_t proto, uint16_t port)
{
	enum { FEW = 1000 };

	for (uint32_t i = 0; i < set->count; i++) {
		const struct interval_set *protos = &set->cubes[i].side[DIM_PROTO];
		const struct interval_set *ports = &set->cubes[i].side[DIM_DPORT];

		if (protos->count != 1 || protos->ranges[0].first.low != proto || protos->ranges[0].last.low != proto)
			continue;
		for (uint32_t j = 0; j < ports->count; j++)
			if (ports->ranges[j].first.low <= port && port <= ports->ranges[j].last.low &&
			    ports->ranges[j].last.low - ports->ranges[j].first.low < FEW)
				return true;
	}
	return false;
}

/* ---- who is let in behind the rules ---- */

const struct ipset *lint_cluster_set(const struct lint *lint, const char *name)
{
	struct ipset *set = NULL;

	if (lint->config->cluster.ipsets)
		HASH_FIND(hh, lint->config->cluster.ipsets, name, strlen(name), set);
	return set;
}

struct interval_set lint_local_network(struct lint *lint, unsigned family_mask)
{
	const struct prefix *network = &lint->config->local_network->prefix;
	struct interval *range = ARENA_NEW(&lint->scratch, struct interval);

	*range = interval_of_prefix(network);
	return (struct interval_set){ range, prefix_family_mask(network) == family_mask };
}

struct interval_set lint_elsewhere(struct lint *lint, unsigned family_mask)
{
	struct interval_set all = space_everyone(family_mask), local = lint_local_network(lint, family_mask);
	struct interval_set own = loopback(lint, family_mask);

	all = interval_set_subtract(&lint->scratch, &all, &local);
	return interval_set_subtract(&lint->scratch, &all, &own);
}

bool lint_knows_local_network(const struct lint *lint)
{
	return lint->inputs->local_network.family || !lint->config->local_network->implicit;
}

struct interval_set lint_written_management(struct lint *lint, unsigned family_mask)
{
	const struct ipset *set = lint_cluster_set(lint, "management");
	uint32_t count = 0;
	struct interval *ranges;
	struct interval_set written, all, outside;

	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		count++;
	ranges = ARENA_ARRAY(&lint->scratch, struct interval, count);
	count = 0;
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next) {
		const struct prefix *prefix = e->alias ? &e->alias->prefix : &e->prefix;

		if (!e->implicit && !e->nomatch && (!e->alias || (e->alias->valid && e->alias != lint->config->local_network)) &&
		    prefix_family_mask(prefix) == family_mask)
			ranges[count++] = interval_of_prefix(prefix);
	}
	written = interval_set_normalize(ranges, count);
	if (!written.count)
		return written;
	/* Without the exceptions. */
	all = space_set(lint->space, set, family_mask);
	outside = interval_set_subtract(&lint->scratch, &written, &all);
	return interval_set_subtract(&lint->scratch, &written, &outside);
}

/* ---- what is wrong ---- */

static bool has_word(struct text line, const char *word)
{
	uint32_t len = (uint32_t)strlen(word);

	for (uint32_t i = 0; i + len <= line.len; i++)
		if (text_equal_nocase((struct text){ line.ptr + i, len }, (struct text){ word, len }))
			return true;
	return false;
}

static bool begins(struct text line, const char *word)
{
	uint32_t len = (uint32_t)strlen(word);

	return line.len >= len && text_equal_nocase((struct text){ line.ptr, len }, (struct text){ word, len });
}

/* Packets of established connections are let in anyway. */
static bool lets_nobody_in(struct text line)
{
	return begins(line, "|") || begins(line, "OUT ") || begins(line, "FORWARD ") || has_word(line, "DROP") ||
	       has_word(line, "REJECT") || has_word(line, "ESTABLISHED");
}

/* The line that an error is about can have been one that lets somebody in. */
static bool may_let_in(const struct source *source, uint32_t position)
{
	struct lines lines = lines_of(source);
	bool options = false;
	struct word line;

	while (lines_next(&lines, &line) && line.begin <= position) {
		if (line.len && line.ptr[0] == '[')
			options = begins(word_text(line), "[options]");
		/* Below the wrong header rules are lost, too. */
		if (position <= line.begin + line.len)
			return (!options || begins(word_text(line), "IN ") || begins(word_text(line), "GROUP ")) &&
			       !lets_nobody_in(word_text(line));
	}
	return true;
}

static bool lost_in(struct lint *lint, const struct source *source)
{
	for (const struct diagnostic *d = source ? lint->told->first : NULL; d; d = d->next)
		if (d->severity == SEVERITY_ERROR && d->span.begin >= source->base &&
		    d->span.begin <= source->base + source->size && may_let_in(source, d->span.begin))
			return true;
	return false;
}

bool lint_lost_rule(struct lint *lint)
{
	return lost_in(lint, lint->inputs->cluster) || lost_in(lint, lint->inputs->host);
}
