/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/left_out.h"
#include "xtables/lower/xtables.h"

struct xt_chain *xt_chain_add(struct xt_builder *b, struct text name,
			      void (*fill)(struct xt_builder *b, struct xt_chain *chain))
{
	struct xt_chain *chain = ARENA_NEW(b->arena, struct xt_chain);

	chain->append = ARENA_JOIN(b->arena, TEXT("-A "), name);
	chain->name = text_skip(chain->append, 3);
	chain->fill = fill;
	chain->last = &chain->first;
	*b->last = chain;
	b->last = &chain->next;
	b->chain_count++;
	return chain;
}

static struct xt_rule *xt_append(struct xt_builder *b, struct xt_chain *chain, const struct xt_match *matches,
				 uint32_t count, struct xt_target target)
{
	struct xt_rule *rule = ARENA_NEW(b->arena, struct xt_rule);

	rule->matches = matches;
	rule->match_count = count;
	rule->target = target;
	*chain->last = rule;
	chain->last = &rule->next;
	return rule;
}

/* ---- without IP sets ---- */

/* The index of the first match of a set, or `count`. */
static uint32_t xt_find_set_match(const struct xt_match *matches, uint32_t count)
{
	uint32_t i = 0;

	while (i < count && !((matches[i].kind == XT_SOURCE || matches[i].kind == XT_DEST ||
			       matches[i].kind == XT_NOT_SOURCE) &&
			      matches[i].endpoint->kind == ENDPOINT_SET))
		i++;
	return i;
}

static const struct endpoint *xt_entry_endpoint(struct xt_builder *b, const struct set_entry *entry)
{
	struct endpoint *e = ARENA_NEW(b->arena, struct endpoint);
	char text[PREFIX_TEXT_SIZE];
	uint32_t len = prefix_format(&entry->prefix, text);

	*e = (struct endpoint){ .kind = ENDPOINT_LIST, .family_mask = b->family_mask,
				.prefixes = ARENA_NEW(b->arena, struct prefix), .count = 1 };
	*e->prefixes = entry->prefix;
	e->text = arena_copy(b->arena, (struct text){ text, len });
	return e;
}

/* A negation or a set with exceptions cannot be written as rules for members; such rules are left out. */
static struct xt_rule *xt_add_without_sets(struct xt_builder *b, struct xt_chain *chain, const struct xt_match *matches,
					   uint32_t count, struct xt_target target)
{
	uint32_t at = xt_find_set_match(matches, count);
	struct xt_rule *rule = ARENA_NEW(b->arena, struct xt_rule), *before = NULL;
	const struct set_entry *entries;

	if (at == count)
		return xt_append(b, chain, matches, count, target);
	entries = matches[at].endpoint->ipset->entries;
	if (matches[at].kind == XT_NOT_SOURCE)
		return rule;
	for (const struct set_entry *entry = entries; entry; entry = entry->next)
		if (entry->nomatch)
			return rule;
	for (const struct set_entry *entry = entries; entry; entry = entry->next) {
		struct xt_match *copy;

		if (entry->repeated || !(prefix_family_mask(&entry->prefix) & b->family_mask))
			continue;
		copy = ARENA_ARRAY(b->arena, struct xt_match, count);
		memcpy(copy, matches, count * sizeof(*copy));
		copy[at].endpoint = xt_entry_endpoint(b, entry);
		if (before)
			before->is_part = true;
		rule = before = xt_add_without_sets(b, chain, copy, count, target);
	}
	return rule;
}

struct xt_rule *xt_rule_add(struct xt_builder *b, struct xt_chain *chain, const struct xt_match *matches,
			    uint32_t count, struct xt_target target)
{
	return left_out_layer(b->config->left_out, LAYER_SETS) ? xt_add_without_sets(b, chain, matches, count, target)
							       : xt_append(b, chain, matches, count, target);
}

struct xt_rule *xt_add_copy(struct xt_builder *b, struct xt_chain *chain, struct xt_target target,
			    const struct xt_match *matches, uint32_t count)
{
	return xt_rule_add(b, chain, arena_clone(b->arena, matches, count * sizeof(*matches)), count, target);
}

struct xt_match xt_icmp_match(unsigned family_mask, struct text text, const struct icmp_type *type)
{
	struct xt_match match = { .kind = family_mask == IPV4 ? XT_ICMP_TYPE : XT_ICMPV6_TYPE, .text = text,
				  .icmp = { -1, -1 } };
	uint64_t number;

	/* xt_icmp takes type 255 for any. */
	if (type) {
		match.icmp.type = type->type;
		match.icmp.code = type->code;
	} else if (text_to_number(text, UINT8_MAX, &number) && (family_mask == IPV6 || number != UINT8_MAX)) {
		match.icmp.type = (int16_t)number;
	}
	return match;
}

struct xt_rule *xt_packets_add(struct xt_builder *b, struct xt_chain *chain, struct xt_target target,
			       const struct implied_packets *packets, const struct xt_match *before, uint32_t count)
{
	struct text proto = text_of(packets->proto_name);
	struct xt_match *matches;
	struct xt_rule *rule;

	if (!(packets->family_mask & b->family_mask))
		return NULL;
	matches = ARENA_ARRAY(b->arena, struct xt_match, count + 4);
	if (count)
		memcpy(matches, before, count * sizeof(*matches));
	matches[count++] = (struct xt_match){ .kind = XT_PROTO, .text = proto, .protocol = packets->proto };
	/* The standard chains repeat the protocol, as user rules do (spec 2.3, 2.8). */
	if (packets->icmp && implied_rules[packets->rule].stage == IMPLIED_POLICY)
		matches[count++] = (struct xt_match){ .kind = XT_MODULE, .text = proto };
	if (packets->icmp)
		matches[count++] = xt_icmp_match(b->family_mask, text_of(packets->icmp), implied_packets_icmp_type(packets));
	if (packets->sport.count)
		matches[count++] = (struct xt_match){ .kind = packets->sport.count == 1 ? XT_SPORT : XT_SPORTS,
						      .ports = &packets->sport };
	if (packets->dport.count)
		matches[count++] = (struct xt_match){ .kind = packets->dport.count == 1 ? XT_DPORT : XT_DPORTS,
						      .ports = &packets->dport };
	rule = xt_rule_add(b, chain, matches, count, target);
	rule->implied = implied_phrase(packets->rule);
	return rule;
}

void xt_implied_add(struct xt_builder *b, struct xt_chain *chain, struct xt_target target, enum implied_id rule,
		    enum implied_chain at, const struct xt_match *before, uint32_t count)
{
	for (const struct implied_packets *p = NULL; (p = implied_packets_next(rule, at, p));)
		xt_packets_add(b, chain, target, p, before, count);
}

void xt_log_add(struct xt_builder *b, struct xt_chain *chain, const struct xt_match *matches, uint32_t count,
		uint32_t vmid, enum log_level level, const char *message, struct span span)
{
	struct xt_log *log;
	struct xt_rule *rule;

	if (level == LOG_NOLOG || left_out_layer(b->config->left_out, LAYER_NFLOG))
		return;
	log = ARENA_NEW(b->arena, struct xt_log);
	*log = (struct xt_log){ vmid, level, message, &b->config->cluster_options.log_ratelimit };
	rule = xt_rule_add(b, chain, matches, count, (struct xt_target){ .kind = XT_LOG, .log = log });
	rule->wide = true;
	rule->span = span;
}
