/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP sets whose entries say less or more than they seem to: entries that others cover, exceptions from nothing, and sets
 * of all addresses.
 */
#include <stdlib.h>

#include "lint/lint_context.h"
#include "lint/lint_packets.h"

/* Calls `each` for the sets that files define. */
static void each_set(struct lint *lint, void (*each)(struct lint *lint, const struct ipset *set))
{
	for (const struct ipset *s = lint->config->cluster.ipsets; s; s = s->hh.next)
		if (s->span.begin)
			each(lint, s);
	for (uint32_t i = 0; i < lint->file_count; i++)
		for (const struct ipset *s = lint->files[i].guest ? lint->files[i].guest->scope.ipsets : NULL;
		     s; s = s->hh.next)
			if (s->span.begin)
				each(lint, s);
}

/* ---- entries ---- */

/* An entry as a network. */
struct member {
	const struct set_entry *entry;
	struct prefix prefix; /* without host bits */
};

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(&((const struct member *)a)->prefix, &((const struct member *)b)->prefix);
}

static uint32_t list_members(struct lint *lint, const struct ipset *set, struct member **members)
{
	uint32_t count = 0;

	for (const struct set_entry *e = set->entries; e; e = e->next)
		count++;
	*members = ARENA_ARRAY(&lint->scratch, struct member, count);
	count = 0;
	for (const struct set_entry *e = set->entries; e; e = e->next) {
		struct member *m = &(*members)[count];

		if (e->repeated || e->implicit || (e->alias && !e->alias->valid))
			continue;
		*m = (struct member){ e, e->alias ? e->alias->prefix : e->prefix };
		prefix_clear_host_bits(&m->prefix);
		count++;
	}
	return count;
}

enum { MOST_LABELS = 4 };

/* All entries that one entry covers are one diagnostic. */
struct covered {
	const struct set_entry *by;
	struct diagnostic *d;
	uint32_t count;
};

static void end_covered(const struct covered *last)
{
	if (last->count > MOST_LABELS)
		diag_note(last->d, "and %u more", last->count - MOST_LABELS);
	if (last->d)
		diag_note(last->d, "the set is the same without %s", last->count > 1 ? "them" : "it");
}

static void report_covered_entry(struct lint *lint, struct covered *last, const struct set_entry *entry,
			   const struct set_entry *by)
{
	if (last->by == by) {
		if (++last->count <= MOST_LABELS)
			diag_label(last->d, entry->span, "nor does this one");
		return;
	}
	end_covered(last);
	*last = (struct covered){ by, NULL, 1 };
	last->d = diag(lint->diags, entry->span, DIAG_ENTRY_COVERED, "entry adds nothing to the set");
	diag_label(last->d, by->span, "this entry already covers it");
}

static void report_twice_excepted(struct lint *lint, const struct set_entry *entry,
				  const struct set_entry *by)
{
	struct diagnostic *d = diag(lint->diags, entry->span, DIAG_EXCEPTION_OUTSIDE,
				    "exception removes nothing from the set");

	diag_label(d, by->span, "this exception already removes it");
	diag_note(d, "the set is the same without it");
}

/* Sorted, a network comes before those it covers: the stack `open` holds the networks around the present one, as in
 * prefix_set.c. */
static void check_entries(struct lint *lint, const struct ipset *set)
{
	struct arena_mark mark = arena_mark(&lint->scratch);
	const struct member *open[129];
	struct member *members;
	uint32_t count = list_members(lint, set, &members);
	struct covered last = { NULL, NULL, 0 };
	unsigned depth = 0;

	if (count)
		qsort(members, count, sizeof(*members), by_prefix);
	for (uint32_t i = 0; i < count; i++) {
		const struct member *m = &members[i];

		/* Repeated networks were reported when the set was read. */
		if (i && by_prefix(m, &members[i - 1]) == 0)
			continue;
		while (depth && !prefix_covers(&open[depth - 1]->prefix, &m->prefix))
			depth--;
		if (depth && m->entry->nomatch && open[depth - 1]->entry->nomatch) {
			report_twice_excepted(lint, m->entry, open[depth - 1]->entry);
		} else if (depth && !m->entry->nomatch && !open[depth - 1]->entry->nomatch) {
			report_covered_entry(lint, &last, m->entry, open[depth - 1]->entry);
		} else if (!depth && m->entry->nomatch && !text_starts(set->name, "ipfilter-net")) {
			struct diagnostic *d = diag(lint->diags, m->entry->span, DIAG_EXCEPTION_OUTSIDE,
						    "exception removes nothing: no entry of the set contains it");

			diag_note(d, "addresses in no entry never match; the set is the same without it");
			diag_help(d, "add the network that it is an exception of to the set, without `!`");
		}
		open[depth++] = m;
	}
	end_covered(&last);
	arena_release(&lint->scratch, mark);
}

void lint_set_entries(struct lint *lint)
{
	each_set(lint, check_entries);
}

/* ---- everyone ---- */

static const char *ip_version_name(unsigned family_mask)
{
	return family_mask == IPV4 ? "IPv4" : "IPv6";
}

/* Labels entries that together are all addresses. */
static void label_parts(struct diagnostic *d, const struct ipset *set, unsigned family_mask)
{
	uint32_t count = 0;

	for (const struct set_entry *e = set->entries; e && count < MOST_LABELS; e = e->next) {
		const struct prefix *prefix = e->alias ? &e->alias->prefix : &e->prefix;

		if (e->implicit || e->nomatch || prefix_family_mask(prefix) != family_mask)
			continue;
		diag_label(d, e->span, "part of all addresses");
		count++;
	}
}

/* Each node can have its own object for a set of the cluster. */
static bool is_set(const struct ipset *a, const struct ipset *b)
{
	return a == b || (a && a->span.begin && a->span.begin == b->span.begin);
}

static bool list_lets_in(const struct rule_list *rules, const struct ipset *set)
{
	for (const struct rule *r = rules->first; r; r = r->next)
		if (r->enabled && r->direction != DIRECTION_GROUP && r->action == ACTION_ACCEPT &&
		    (is_set(r->source->ipset, set) || is_set(r->dest->ipset, set)))
			return true;
	return false;
}

static bool is_let_in(const struct lint *lint, const struct ipset *set)
{
	const struct config *config = lint->config;

	for (const struct group *g = config->groups; g; g = g->hh.next)
		if (list_lets_in(&g->rules, set))
			return true;
	for (const struct vnet *v = config->vnets; v; v = v->next)
		if (list_lets_in(&v->rules, set))
			return true;
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].guest && list_lets_in(&lint->files[i].guest->rules, set))
			return true;
	for (unsigned i = 0; i < lint->node_count; i++)
		if (list_lets_in(&lint->nodes[i]->host_rules, set))
			return true;
	return list_lets_in(&config->cluster_rules, set);
}

static void check_everyone(struct lint *lint, const struct ipset *set)
{
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set values = lint_ipset(lint, set, family_mask);
		const char *effect;
		struct diagnostic *d;

		if (!is_every_address(&values, family_mask))
			continue;
		if (text_is(set->name, "blacklist"))
			effect = "all packets to hosts and guests are dropped";
		else if (text_is(set->name, "management"))
			effect = "everyone may reach the hosts' web interface, SSH and consoles";
		else if (is_let_in(lint, set))
			effect = "rules that accept this set accept everyone";
		else
			return; /* it may be intended: such as blocking everybody */
		d = diag(lint->diags, set->span, DIAG_EVERYONE, "IP set `%.*s` covers all %s addresses",
			 TEXT_ARG(set->name), ip_version_name(family_mask));
		label_parts(d, set, family_mask);
		diag_note(d, "%s", effect);
		if (!text_is(set->name, "blacklist"))
			diag_help(
				d,
				"list only the intended addresses, or leave the set out of the rules to make this visible");
		return;
	}
}

static void check_endpoint(struct lint *lint, const struct rule *rule, const struct endpoint *endpoint)
{
	for (unsigned family_mask = IPV4; family_mask <= IPV6 && endpoint->kind == ENDPOINT_LIST; family_mask <<= 1) {
		struct interval_set values = lint_endpoint(lint, endpoint, family_mask);
		struct diagnostic *d;

		if (endpoint->count < 2 || !is_every_address(&values, family_mask))
			continue;
		d = diag(lint->diags, endpoint->span.begin ? endpoint->span : rule->span, DIAG_EVERYONE,
			 "list covers all %s addresses", ip_version_name(family_mask));
		diag_note(d, "the rule applies to everyone");
		diag_help(
			d,
			"list only the intended addresses, or leave them out of the rule to make this visible");
	}
}

static void check_rules(struct lint *lint, const struct lint_chain *chain)
{
	struct arena_mark mark = arena_mark(&lint->scratch);

	for (const struct rule *r = chain->rules->first; r; r = r->next) {
		if (r->direction == DIRECTION_GROUP || !r->enabled || r->action != ACTION_ACCEPT)
			continue;
		check_endpoint(lint, r, r->source);
		check_endpoint(lint, r, r->dest);
	}
	arena_release(&lint->scratch, mark);
}

void lint_everyone(struct lint *lint)
{
	each_set(lint, check_everyone);
	lint_each_chain(lint, check_rules);
}
