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
		struct interval_set source = lint_endpoint(lint, rule->source, family_mask);
		struct interval_set own = loopback(lint, family_mask);

		if ((rule->family_mask & family_mask) && interval_set_subtract(&lint->scratch, &source, &own).count)
			return false;
	}
	return true;
}

struct host_walk {
	struct lint *lint;
	struct lint_host_rules rules;
	uint32_t room;
};

static void visit_host_rule(void *data, const struct rule *line, const struct rule *rule)
{
	struct host_walk *w = data;
	struct lint_host_rule *added;
	struct model_chain without;

	if (is_loopback(w->lint, line, rule))
		return;
	if (w->rules.count == w->room) {
		struct lint_host_rule *more;

		w->room = w->room * 2 + 16;
		more = ARENA_ARRAY(&w->lint->scratch, struct lint_host_rule, w->room);
		if (w->rules.count)
			memcpy(more, w->rules.items, w->rules.count * sizeof(*more));
		w->rules.items = more;
	}
	added = &w->rules.items[w->rules.count++];
	*added = (struct lint_host_rule){ .line = line, .rule = rule, .steps = lint_rule_steps(w->lint, rule, line->iface) };
	without = lint_steps_without(w->lint, &added->steps, MODEL_IFACE);
	without = lint_steps_without(w->lint, &without, MODEL_DEST4);
	added->from = lint_steps_without(w->lint, &without, MODEL_DEST6);
}

struct lint_host_rules lint_host_rules(struct lint *lint, enum direction direction)
{
	struct host_walk walk = { .lint = lint };

	lint_each_rule(&lint->config->host_rules, direction, visit_host_rule, &walk);
	lint_each_rule(&lint->config->cluster_rules, direction, visit_host_rule, &walk);
	return walk.rules;
}

void lint_host_add(struct model *m, const struct lint_host_rules *rules)
{
	for (uint32_t i = 0; i < rules->count; i++)
		lint_model_add(m, &rules->items[i].steps);
}

bool lint_blocks_one_way(const struct rule *line, const struct rule *rule)
{
	return rule->action != ACTION_ACCEPT && (lint_rule_iface(line, rule).len || rule->dest->kind != ENDPOINT_ANY);
}

static const struct interval_set *values_of(const struct model_step *step, enum model_field field)
{
	for (uint32_t i = 0; i < step->match_count; i++)
		if (step->matches[i].field == field)
			return &step->matches[i].values;
	return NULL;
}

static bool is_one_value(const struct interval_set *values, uint64_t value)
{
	return values && values->count == 1 && values->ranges[0].first.low == value && values->ranges[0].last.low == value;
}

bool lint_names_service(const struct model_chain *steps, enum implied_id service)
{
	enum { FEW = 1000 };
	const struct implied_packets *row = implied_packets_of(service);
	const struct port_range *service_ports = row->dport.ranges;

	for (uint32_t i = 0; i < steps->count; i++) {
		const struct interval_set *ports = values_of(&steps->steps[i], MODEL_DPORT);

		if (!is_one_value(values_of(&steps->steps[i], MODEL_PROTOCOL), row->proto) || !ports)
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

struct lint_sources lint_local_network(struct lint *lint)
{
	const struct prefix *network = &lint->config->local_network->prefix;

	return (struct lint_sources){ { interval_set_of_prefixes(&lint->scratch, network, 1, IPV4),
					interval_set_of_prefixes(&lint->scratch, network, 1, IPV6) } };
}

struct lint_sources lint_elsewhere(struct lint *lint)
{
	struct lint_sources local = lint_local_network(lint), elsewhere;

	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set all = every_address(family_mask), own = loopback(lint, family_mask);

		all = interval_set_subtract(&lint->scratch, &all, &local.of[family_mask == IPV6]);
		elsewhere.of[family_mask == IPV6] = interval_set_subtract(&lint->scratch, &all, &own);
	}
	return elsewhere;
}

struct model_chain lint_from(struct lint *lint, const struct lint_sources *sources)
{
	static const struct interval types[] = { { { 0, 0x0800 }, { 0, 0x0800 } }, { { 0, 0x86dd }, { 0, 0x86dd } } };
	struct model_step *steps = ARENA_ARRAY(&lint->scratch, struct model_step, 2);
	uint32_t count = 0;

	for (unsigned six = 0; six < 2; six++) {
		struct model_match *matches = ARENA_ARRAY(&lint->scratch, struct model_match, 2);

		if (!sources->of[six].count)
			continue;
		matches[0] = (struct model_match){ MODEL_ETHERTYPE, false, { &types[six], 1 } };
		matches[1] = (struct model_match){ six ? MODEL_SOURCE6 : MODEL_SOURCE4, false, sources->of[six] };
		steps[count++] = (struct model_step){ .matches = matches, .match_count = 2 };
	}
	return (struct model_chain){ .steps = steps, .count = count };
}

struct model_chain lint_service(struct lint *lint, enum implied_id service)
{
	return written_packets(lint->written, &lint->scratch, implied_packets_of(service));
}

bool lint_knows_local_network(const struct lint *lint)
{
	return lint->inputs->local_network.family || !lint->config->local_network->implicit;
}

static struct interval_set written_management(struct lint *lint, const struct ipset *set, unsigned family_mask)
{
	uint32_t count = 0;
	struct interval *ranges;
	struct interval_set written, all;

	for (const struct set_entry *e = set->entries; e; e = e->next)
		count++;
	ranges = ARENA_ARRAY(&lint->scratch, struct interval, count);
	count = 0;
	for (const struct set_entry *e = set->entries; e; e = e->next) {
		const struct prefix *prefix = e->alias ? &e->alias->prefix : &e->prefix;

		if (!e->implicit && !e->nomatch && (!e->alias || (e->alias->valid && e->alias != lint->config->local_network)) &&
		    prefix_family_mask(prefix) == family_mask)
			ranges[count++] = interval_of_prefix(prefix);
	}
	written = interval_set_normalize(ranges, count);
	if (!written.count)
		return written;
	all = lint_ipset(lint, set, family_mask); /* without the exceptions */
	return interval_set_intersect(&lint->scratch, &written, &all);
}

struct lint_sources lint_written_management(struct lint *lint)
{
	const struct ipset *set = cluster_ipset(lint->config, "management");

	if (!set)
		return (struct lint_sources){ .of = { { .count = 0 } } };
	return (struct lint_sources){ { written_management(lint, set, IPV4), written_management(lint, set, IPV6) } };
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
