/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/lower/build.h"

#include <linux/netfilter.h>

#include "lang/limit_table.h"

/* ---- chains and rules ---- */

struct nft_chain *nft_chain_add(struct nft_builder *b, struct text name)
{
	struct nft_chain *chain = ARENA_NEW(b->arena, struct nft_chain);

	chain->name = name;
	chain->hook = NFT_HOOK_NONE;
	chain->last = &chain->first;
	*b->table->last_chain = chain;
	b->table->last_chain = &chain->next;
	b->table->chain_count++;
	return chain;
}

struct nft_chain *nft_base_chain(struct nft_builder *b, const char *name, enum nft_hook hook, int32_t priority)
{
	struct nft_chain *chain = nft_chain_add(b, text_of(name));

	chain->hook = hook;
	chain->priority = priority;
	return chain;
}

struct nft_rule *nft_rule_add(struct nft_builder *b, struct nft_chain *chain, const struct nft_statement *statements,
			      uint32_t count)
{
	struct nft_rule *rule = ARENA_NEW(b->arena, struct nft_rule);
	struct nft_statement ordered[NFT_STATEMENTS_MAX];

	memcpy(ordered, statements, count * sizeof(*statements));
	nft_order_matches(ordered, count);
	rule->statements = nft_copy_statements(b, ordered, count);
	rule->statement_count = count;
	*chain->last = rule;
	chain->last = &rule->next;
	chain->rule_count++;
	b->table->rule_count++;
	return rule;
}

_Static_assert(100 + sizeof(":4294967295") - 1 <= LIMIT_NFT_COMMENT, "a comment has any file and line");

/* The comment is FILE:LINE, made without printf(): there is one for each rule. */
void nft_rule_from(struct nft_builder *b, struct nft_rule *rule, struct span span)
{
	char digits[10], *first = digits + sizeof(digits);
	uint32_t line = 0;
	const struct source *source = config_line(b->config, span, &line);

	rule->span = span;
	if (!source)
		return;
	if (b->source != source) {
		b->source = source;
		b->source_name = text_of(arena_printf(b->arena, "%.100s:", base_name(source->path)));
	}
	do
		*--first = (char)('0' + line % 10);
	while (line /= 10);
	rule->comment = ARENA_JOIN(b->arena, b->source_name,
				   (struct text){ first, (uint32_t)(digits + sizeof(digits) - first) });
}

void nft_rule_from_default(struct nft_builder *b, struct nft_rule *rule, const char *file, const char *option)
{
	rule->comment = text_of(arena_printf(b->arena, "%.100s: %s", base_name(file), option));
}

/* ---- values ---- */

struct nft_value nft_number(enum nft_type type, uint32_t number)
{
	struct nft_value value = { .length = nft_types[type].length };

	if (nft_types[type].order == NFT_ORDER_HOST) {
		memcpy(value.bytes, &number, sizeof(number));
		return value;
	}
	for (unsigned i = value.length; i-- > 0; number >>= 8)
		value.bytes[i] = (uint8_t)number;
	return value;
}

struct nft_value nft_bytes(const uint8_t *bytes, uint8_t length)
{
	struct nft_value value = { .length = length };

	memcpy(value.bytes, bytes, length);
	return value;
}

bool nft_iface_possible(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || strchr("\"*/\\", name.ptr[i]))
			return false;
	return name.len > 0 && name.len <= LIMIT_IFACE_NAME;
}

struct nft_value nft_iface_value(struct text name, bool wild)
{
	struct nft_value value = { .length = wild ? (uint8_t)name.len : 16 };

	memcpy(value.bytes, name.ptr, name.len);
	return value;
}

/* ---- matches ---- */

struct nft_statement nft_match(struct nft_builder *b, struct nft_match match)
{
	return (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = nft_share_match(b, &match) };
}

static struct nft_statement nft_compare_key(struct nft_builder *b, struct nft_key key, enum nft_op op,
					    struct nft_value value)
{
	return nft_match(b, (struct nft_match){ .keys = { key }, .key_count = 1, .op = op, .value = value });
}

struct nft_statement nft_compare(struct nft_builder *b, enum nft_field field, enum nft_op op, struct nft_value value)
{
	return nft_compare_key(b, nft_key(field), op, value);
}

struct nft_statement nft_is(struct nft_builder *b, enum nft_field field, uint32_t number)
{
	return nft_compare(b, field, NFT_OP_EQ, nft_number(nft_fields[field].type, number));
}

struct nft_statement nft_is_not(struct nft_builder *b, enum nft_field field, uint32_t number)
{
	return nft_compare(b, field, NFT_OP_NE, nft_number(nft_fields[field].type, number));
}

struct nft_statement nft_masked(struct nft_builder *b, enum nft_field field, uint32_t mask, enum nft_op op,
				uint32_t number)
{
	struct nft_key key = { .field = field, .masked = true, .mask = nft_number(nft_fields[field].type, mask) };

	return nft_compare_key(b, key, op, nft_number(nft_fields[field].type, number));
}

struct nft_statement nft_iface(struct nft_builder *b, enum nft_field field, struct text name)
{
	return nft_compare(b, field, NFT_OP_EQ, nft_iface_value(name, false));
}

struct nft_statement nft_ports(struct nft_builder *b, enum nft_field field, struct port_range range)
{
	struct nft_match m = { .keys = { nft_key(field) }, .key_count = 1, .op = NFT_OP_RANGE };

	if (range.first == range.last)
		return nft_is(b, field, range.first);
	m.value = nft_number(NFT_TYPE_INET_SERVICE, range.first);
	m.last = nft_number(NFT_TYPE_INET_SERVICE, range.last);
	return nft_match(b, m);
}

struct nft_statement nft_address(struct nft_builder *b, enum nft_field field, const struct address_range *range,
				 unsigned size)
{
	int bits = address_range_bits(range, size);
	struct nft_match m = { .keys = { nft_key(field) }, .key_count = 1, .op = NFT_OP_RANGE };

	m.value = nft_bytes(range->first, (uint8_t)size);
	m.last = nft_bytes(range->last, (uint8_t)size);
	if (bits == (int)size * 8) {
		m.op = NFT_OP_EQ;
	} else if (bits >= 0) {
		m.op = NFT_OP_PREFIX;
		m.bits = (uint8_t)bits;
	}
	return nft_match(b, m);
}

struct nft_statement nft_prefix(struct nft_builder *b, enum nft_field field, const struct prefix *prefix)
{
	struct prefix network = *prefix;
	uint8_t size = prefix->family == AF_INET ? 4 : 16;
	struct nft_match m = { .keys = { nft_key(field) }, .key_count = 1, .bits = prefix->length };

	prefix_clear_host_bits(&network);
	m.op = prefix->length == size * 8 ? NFT_OP_EQ : NFT_OP_PREFIX;
	m.value = nft_bytes(network.bytes, size);
	return nft_match(b, m);
}

struct nft_statement nft_ct_state(struct nft_builder *b, uint32_t bits)
{
	return nft_compare(b, NFT_FIELD_CT_STATE, NFT_OP_FLAGS, nft_number(NFT_TYPE_CT_STATE, bits));
}

struct nft_statement nft_family(struct nft_builder *b, unsigned family_mask)
{
	const struct nft_match **shared = &b->families[family_mask == IPV6];

	if (!*shared && b->bridge)
		*shared = nft_is(b, NFT_FIELD_PROTOCOL, family_mask == IPV4 ? ETH_P_IP : ETH_P_IPV6).match;
	else if (!*shared)
		*shared = nft_is(b, NFT_FIELD_NFPROTO, family_mask == IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6).match;
	return (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = *shared };
}

struct nft_statement nft_proto(struct nft_builder *b, uint8_t number)
{
	const struct nft_match **shared = &b->protos[number];

	if (!*shared)
		*shared = nft_is(b, NFT_FIELD_L4PROTO, number).match;
	return (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = *shared };
}

struct nft_statement nft_mark_is(struct nft_builder *b, uint32_t bits)
{
	return nft_masked(b, NFT_FIELD_MARK, MARK_BITS, NFT_OP_EQ, bits);
}

struct nft_statement nft_is_multicast(struct nft_builder *b)
{
	static const struct nft_value group = { 6, { 1 } };
	struct nft_key key = { .field = NFT_FIELD_ETHER_DADDR, .masked = true, .mask = group };

	return nft_compare_key(b, key, NFT_OP_EQ, group);
}

/* ---- labels ---- */

/* By FNV-1a, so that a name has the same labels after every reload. */
struct nft_labels nft_labels_of(struct text name)
{
	struct nft_labels labels;
	uint32_t hash = 0x811c9dc5;

	for (uint32_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.ptr[i]) * 0x01000193;
	for (unsigned i = 0; i < LABELS_EACH; i++, hash /= LABELS_GROUP)
		labels.bits[i] = (uint8_t)(LABELS_FIRST + i * LABELS_GROUP + hash % LABELS_GROUP);
	return labels;
}

struct nft_statement nft_has_labels(struct nft_builder *b, const struct nft_labels *labels)
{
	struct nft_key key = { .field = NFT_FIELD_CT_LABEL, .masked = true, .mask = { .length = 16 } };

	for (unsigned i = 0; i < LABELS_EACH; i++)
		key.mask.bytes[labels->bits[i] / 8] |= (uint8_t)(1u << labels->bits[i] % 8);
	return nft_compare_key(b, key, NFT_OP_EQ, key.mask);
}

struct nft_statement nft_label_is(struct nft_builder *b, enum nft_op op, unsigned bit)
{
	return nft_compare(b, NFT_FIELD_CT_LABEL, op, nft_label_value(bit));
}

/* ---- implied rules ---- */

void nft_packets_add(struct nft_builder *b, struct nft_chain *chain, const struct implied_packets *packets,
		     const struct nft_draft *before, struct nft_statement verdict)
{
	bool udp = packets->proto == IPPROTO_UDP, four = packets->family_mask == IPV4;
	const struct icmp_type *icmp;
	uint32_t i = 0;

	do {
		struct nft_draft d = { .count = 0 };

		if (before)
			d = *before;
		if (packets->family_mask != IPV_BOTH)
			nft_draft_add(&d, nft_family(b, packets->family_mask));
		nft_draft_add(&d, nft_proto(b, packets->proto));
		icmp = packets->icmp ? icmp_type_find(packets->family_mask, text_of(packets->icmp)) : NULL;
		if (icmp)
			nft_draft_add(&d, nft_is(b, four ? NFT_FIELD_ICMP_TYPE : NFT_FIELD_ICMPV6_TYPE, (uint32_t)icmp->type));
		if (icmp && icmp->code >= 0)
			nft_draft_add(&d, nft_is(b, four ? NFT_FIELD_ICMP_CODE : NFT_FIELD_ICMPV6_CODE, (uint32_t)icmp->code));
		if (packets->sport.count)
			nft_draft_add(&d, nft_ports(b, udp ? NFT_FIELD_UDP_SPORT : NFT_FIELD_TCP_SPORT, packets->sport.ranges[0]));
		if (packets->dport.count)
			nft_draft_add(&d, nft_ports(b, udp ? NFT_FIELD_UDP_DPORT : NFT_FIELD_TCP_DPORT, packets->dport.ranges[i]));
		nft_rule_implied(nft_draft_end(b, chain, &d, verdict), packets->rule);
	} while (++i < packets->dport.count);
}

void nft_implied_add(struct nft_builder *b, struct nft_chain *chain, enum implied_id rule, enum implied_chain at,
		     const struct nft_draft *before, struct nft_statement verdict)
{
	for (const struct implied_packets *p = NULL; (p = implied_packets_next(rule, at, p));)
		nft_packets_add(b, chain, p, before, verdict);
}
