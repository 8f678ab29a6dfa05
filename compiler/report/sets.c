/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IP sets of a report: their entries, how many addresses they match, and how many rules use them. */
#include "report/model.h"

#include <inttypes.h>

#include "net/prefix_set.h"
#include "net/interval_set.h"

/* ---- how many addresses ---- */

/* A number up to 2^128; that one is 0 with `all` set. */
struct amount {
	uint64_t high, low;
	bool all;
};

static void amount_add_range(struct amount *a, const struct address_range *range, unsigned size)
{
	struct number first = number_of_address(range->first, size), last = number_of_address(range->last, size);
	uint64_t low = last.low - first.low;

	/* Adds last - first + 1. */
	a->high += last.high - first.high - (last.low < first.low);
	a->high += a->low + low < low;
	a->low += low;
	a->low++;
	a->high += a->low == 0;
	a->all |= !a->high && !a->low;
}

static bool is_power(uint64_t n)
{
	return n && !(n & (n - 1));
}

static unsigned log2_of(const struct amount *a)
{
	uint64_t rest = a->high ? a->high : a->low;
	unsigned bits = a->high ? 64 : 0;

	while (rest >>= 1)
		bits++;
	return bits;
}

/* "256", "2^64", "more than 2^80" */
static const char *amount_text(struct arena *arena, const struct amount *a)
{
	bool exact = a->high ? is_power(a->high) && !a->low : is_power(a->low);

	if (a->all)
		return "2^128";
	if (!a->high && a->low < (uint64_t)1 << 40)
		return arena_printf(arena, "%" PRIu64, a->low);
	return arena_printf(arena, "%s2^%u", exact ? "" : "more than ", log2_of(a));
}

static const char *count_addresses(struct arena *arena, const struct prefix_entry *entries, uint32_t count,
				   unsigned family)
{
	struct address_set set = prefix_set_resolve(arena, entries, count, family);
	struct amount amount = { 0 };

	for (uint32_t i = 0; i < set.count; i++)
		amount_add_range(&amount, &set.ranges[i], set.size);
	return amount_text(arena, &amount);
}

/* ---- sets ---- */

/* How often rules name a set. */
struct use {
	const struct ipset *set;
	uint32_t count;
	UT_hash_handle hh;
};

struct collecting {
	struct report_builder *b;
	struct use *uses; /* uthash */
	struct report_set **last;
};

static void count_use(struct collecting *c, const struct endpoint *e)
{
	struct use *use;

	if (e->kind != ENDPOINT_SET)
		return;
	HASH_FIND_PTR(c->uses, &e->ipset, use);
	if (!use) {
		use = ARENA_NEW(c->b->arena, struct use);
		use->set = e->ipset;
		HASH_ADD_PTR(c->uses, set, use);
	}
	use->count++;
}

static void count_uses(struct collecting *c, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if (rule->direction != DIRECTION_GROUP) {
			count_use(c, rule->source);
			count_use(c, rule->dest);
		}
}

static void add_report_set(struct collecting *c, const struct ipset *set, const char *owner)
{
	struct report_builder *b = c->b;
	struct report_set *added = ARENA_NEW(b->arena, struct report_set);
	const struct use *use;
	struct prefix_entry *entries;
	uint32_t count = 0;

	for (const struct set_entry *e = set->entries; e; e = e->next)
		count++;
	entries = ARENA_ARRAY(b->arena, struct prefix_entry, count + 1);
	count = 0;
	for (const struct set_entry *e = set->entries; e; e = e->next) {
		if (e->repeated || (e->alias && !e->alias->valid))
			continue;
		entries[count++] = (struct prefix_entry){ e->alias ? e->alias->prefix : e->prefix,
							  e->nomatch };
		if (e->implicit)
			added->implied++;
		else
			added->written++;
	}
	HASH_FIND_PTR(c->uses, &set, use);
	added->id = arena_printf(b->arena, "s-%u", ++b->report->set_count);
	added->name = report_text(b,
				  ARENA_JOIN(b->arena, TEXT("+"), report_scope_name(set->scope), set->name));
	added->owner = owner;
	added->comment = report_comment(b, set->last_span);
	added->ipv4 = count_addresses(b->arena, entries, count, AF_INET);
	added->ipv6 = count_addresses(b->arena, entries, count, AF_INET6);
	added->uses = use ? use->count : 0;
	added->span = set->last_span;
	*c->last = added;
	c->last = &added->next;
}

static void add_sets_of_scope(struct collecting *c, const struct scope *scope, const char *owner)
{
	for (const struct ipset *set = scope->ipsets; set; set = set->hh.next)
		add_report_set(c, set, owner);
}

static void count_all(struct collecting *c)
{
	const struct config *config = c->b->config;

	count_uses(c, &config->host_rules);
	count_uses(c, &config->cluster_rules);
	for (const struct group *group = config->groups; group; group = group->hh.next)
		count_uses(c, &group->rules);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		count_uses(c, &guest->rules);
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		count_uses(c, &vnet->rules);
}

void report_sets(struct report_builder *b)
{
	struct collecting c = { .b = b, .last = &b->report->sets };

	count_all(&c);
	add_sets_of_scope(&c, &b->config->cluster, "cluster");
	add_sets_of_scope(&c, &b->config->sdn, "SDN");
	for (const struct guest *guest = b->config->guests; guest; guest = guest->next) {
		const char *owner = guest_name(b->arena, guest), *name, *notes;

		if (!guest->scope.ipsets)
			continue;
		report_guest_about(b, guest, &name, &notes);
		add_sets_of_scope(&c, &guest->scope, name ? arena_printf(b->arena, "%s %s", owner, name) : owner);
	}
	HASH_CLEAR(hh, c.uses);
}
