/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who reaches the host: its rules in order, the set `management`, the local network.
 *
 * The checks that use this follow packets whose interface and destination are unknown.  A rule that accepts some of
 * them is assumed to accept all: it was written for that path.
 */
#include "lint/lint_host.h"

#include "source/lines.h"

/* ---- rules ---- */

struct text lint_rule_iface(const struct rule *line, const struct rule *rule)
{
	return line->iface.len ? line->iface : rule->iface;
}

static struct interval_set loopback(struct lint *lint, unsigned family_mask)
{
	static const struct prefix networks[] = { { AF_INET, 8, { 127 } }, { AF_INET6, 128, { [15] = 1 } } };

	return interval_set_of_prefixes(&lint->scratch, networks, 2, family_mask);
}

/* Packets of the host to itself only. */
static bool is_loopback(struct lint *lint, const struct rule *line, const struct rule *rule)
{
	if (text_is(lint_rule_iface(line, rule), "lo"))
		return true;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set source = space_endpoint(lint->space, rule->source, family_mask);
		struct interval_set own = loopback(lint, family_mask);

		if ((rule->family_mask & family_mask) && interval_set_subtract(&lint->scratch, &source, &own).count)
			return false;
	}
	return true;
}

struct host_walk {
	struct lint *lint;
	lint_rule_function *each;
	void *data;
};

static void visit_host_rule(void *data, const struct rule *line, const struct rule *rule)
{
	const struct host_walk *w = data;

	if (!is_loopback(w->lint, line, rule))
		w->each(w->data, line, rule);
}

void lint_each_host_rule(struct lint *lint, enum direction direction, lint_rule_function *each, void *data)
{
	struct host_walk walk = { lint, each, data };

	lint_each_rule(&lint->config->host_rules, direction, visit_host_rule, &walk);
	lint_each_rule(&lint->config->cluster_rules, direction, visit_host_rule, &walk);
}

bool lint_blocks_one_way(const struct rule *line, const struct rule *rule)
{
	return rule->action != ACTION_ACCEPT && (lint_rule_iface(line, rule).len || rule->dest->kind != ENDPOINT_ANY);
}

struct packet_set lint_rule_from(struct lint *lint, const struct rule *line, const struct rule *rule)
{
	struct packet_set set = space_rule(lint->space, rule, line->iface);

	for (uint32_t i = 0; i < set.count; i++) {
		struct cube any = space_everything(set.cubes[i].family_mask);

		set.cubes[i].side[DIM_IFACE] = any.side[DIM_IFACE];
		set.cubes[i].side[DIM_DEST] = any.side[DIM_DEST];
	}
	return set;
}

bool lint_names_service(const struct packet_set *set, enum implied_id service)
{
	enum { FEW = 1000 };
	const struct implied_packets *packets = implied_packets_of(service);
	const struct port_range *service_ports = packets->dport.ranges;

	for (uint32_t i = 0; i < set->count; i++) {
		const struct interval_set *protos = &set->cubes[i].side[DIM_PROTO];
		const struct interval_set *ports = &set->cubes[i].side[DIM_DPORT];

		if (protos->count != 1 || protos->ranges[0].first.low != packets->proto ||
		    protos->ranges[0].last.low != packets->proto)
			continue;
		for (uint32_t j = 0; j < ports->count; j++) {
			uint64_t first = ports->ranges[j].first.low, last = ports->ranges[j].last.low;

			if (last - first < FEW && ((first <= service_ports->first && service_ports->first <= last) ||
						   (first <= service_ports->last && service_ports->last <= last)))
				return true;
		}
	}
	return false;
}

/* ---- sources accepted after the rules ---- */

struct interval_set lint_local_network(struct lint *lint, unsigned family_mask)
{
	return interval_set_of_prefixes(&lint->scratch, &lint->config->local_network->prefix, 1, family_mask);
}

struct interval_set lint_elsewhere(struct lint *lint, unsigned family_mask)
{
	struct interval_set all = every_address(family_mask), local = lint_local_network(lint, family_mask);
	struct interval_set own = loopback(lint, family_mask);

	all = interval_set_subtract(&lint->scratch, &all, &local);
	return interval_set_subtract(&lint->scratch, &all, &own);
}

void lint_add_service(struct lint *lint, struct packet_set *set, enum implied_id service, unsigned family_mask,
		      struct interval_set sources)
{
	struct cube cube = space_packets(lint->space, family_mask, implied_packets_of(service));

	cube.side[DIM_SOURCE] = sources;
	if (sources.count)
		packet_set_add(&lint->scratch, set, &cube);
}

bool lint_knows_local_network(const struct lint *lint)
{
	return lint->inputs->local_network.family || !lint->config->local_network->implicit;
}

struct interval_set lint_written_management(struct lint *lint, unsigned family_mask)
{
	const struct ipset *set = cluster_ipset(lint->config, "management");
	uint32_t count = 0;
	struct interval *ranges;
	struct interval_set written, all;

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
	all = space_set(lint->space, set, family_mask); /* without the exceptions */
	return interval_set_intersect(&lint->scratch, &written, &all);
}

/* ---- rules lost to errors ---- */

static bool line_has_word(struct text line, const char *word)
{
	uint32_t len = (uint32_t)strlen(word);

	for (uint32_t i = 0; i + len <= line.len; i++)
		if (text_equal_nocase((struct text){ line.ptr + i, len }, (struct text){ word, len }))
			return true;
	return false;
}

/* Whether the line at a position may have been meant to let somebody in.  Packets of established connections are let in
 * anyway. */
static bool may_let_in(const struct source *source, uint32_t position)
{
	struct lines lines = lines_of(source);
	bool options = false;
	struct word line;

	while (lines_next(&lines, &line) && line.begin <= position) {
		struct text text = word_text(line);

		if (text_starts(text, "["))
			options = text_starts_nocase(text, "[options]");
		/* After a wrong header, rules stand among options and are lost, too. */
		if (position <= line.begin + line.len)
			return (!options || text_starts_nocase(text, "IN ") || text_starts_nocase(text, "GROUP ")) &&
			       !text_starts(text, "|") && !text_starts_nocase(text, "OUT ") &&
			       !text_starts_nocase(text, "FORWARD ") && !line_has_word(text, "DROP") &&
			       !line_has_word(text, "REJECT") && !line_has_word(text, "ESTABLISHED");
	}
	return true;
}

static bool lost_in(struct lint *lint, const struct source *source)
{
	for (const struct diagnostic *d = source ? lint->reported->first : NULL; d; d = d->next)
		if (d->severity == SEVERITY_ERROR && d->span.begin >= source->base &&
		    d->span.begin <= source->base + source->size && may_let_in(source, d->span.begin))
			return true;
	return false;
}

bool lint_lost_rule(struct lint *lint)
{
	return lost_in(lint, lint->inputs->cluster) || lost_in(lint, lint->inputs->host);
}
