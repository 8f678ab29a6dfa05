/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables that select packets.
 *
 * Each has a base chain in every hook, before all others.  In prerouting and output, a packet that matches goes to the
 * chain `select`, whose one rule sets nftrace for so many packets a second.  The other base chains are empty: the
 * kernel's event for their policy tells where a packet goes, also where no firewall has a rule.
 *
 * What a packet's bytes do not tell, such as the state of its connection, the chains `facts` find out: after conntrack,
 * the rule that matches is an event like any other, and its place is the answer.  A rule that asks for the state
 * switches conntrack on, so there are such rules only where it is on.
 */
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <linux/netfilter_ipv4.h>

#include "lang/tables.h"
#include "nft/netlink/expr.h"
#include "nft/netlink/message.h"
#include "nft/trace/trace.h"

enum {
	TRACE_PRIORITY = -350,                          /* before NF_IP_PRI_RAW */
	TRACE_FACTS_PRIORITY = NF_IP_PRI_CONNTRACK + 1, /* in bridges conntrack has the same one */
	TRACE_STATEMENTS_MAX = MODEL_FIELDS + 8,
	TRACE_BURST_MIN = 5, /* packets: nft's default */
};

/* How many bytes a packet's field has, and where they are. */
static const struct {
	enum model_field field;
	enum nft_field ip4, ip6;
} trace_fields[] = {
	{ MODEL_PROTOCOL, NFT_FIELD_L4PROTO, NFT_FIELD_L4PROTO },
	{ MODEL_SPORT, NFT_FIELD_TCP_SPORT, NFT_FIELD_TCP_SPORT }, /* those of UDP are at the same place */
	{ MODEL_DPORT, NFT_FIELD_TCP_DPORT, NFT_FIELD_TCP_DPORT },
	{ MODEL_ICMP_TYPE, NFT_FIELD_ICMP_TYPE, NFT_FIELD_ICMPV6_TYPE },
	{ MODEL_ICMP_CODE, NFT_FIELD_ICMP_CODE, NFT_FIELD_ICMPV6_CODE },
	{ MODEL_TCP_FLAGS, NFT_FIELD_TCP_FLAGS, NFT_FIELD_TCP_FLAGS },
	{ MODEL_SOURCE4, NFT_FIELD_IP_SADDR, NFT_FIELD_IP_SADDR },
	{ MODEL_DEST4, NFT_FIELD_IP_DADDR, NFT_FIELD_IP_DADDR },
	{ MODEL_SOURCE6, NFT_FIELD_IP6_SADDR, NFT_FIELD_IP6_SADDR },
	{ MODEL_DEST6, NFT_FIELD_IP6_DADDR, NFT_FIELD_IP6_DADDR },
	{ MODEL_SOURCE_MAC, NFT_FIELD_ETHER_SADDR, NFT_FIELD_ETHER_SADDR },
	{ MODEL_ARP_SENDER, NFT_FIELD_ARP_SADDR_IP, NFT_FIELD_ARP_SADDR_IP },
};

/* In the order of the rules of the chains `facts`. */
static const struct trace_fact trace_facts[] = {
	{ TRACE_FACT_STATE, MODEL_STATE_NEW },
	{ TRACE_FACT_STATE, MODEL_STATE_ESTABLISHED },
	{ TRACE_FACT_STATE, MODEL_STATE_RELATED },
	{ TRACE_FACT_STATE, MODEL_STATE_INVALID },
	{ TRACE_FACT_STATE, MODEL_STATE_UNTRACKED },
	{ TRACE_FACT_PROTOCOL, IPPROTO_TCP },
	{ TRACE_FACT_PROTOCOL, IPPROTO_UDP },
	{ TRACE_FACT_PROTOCOL, IPPROTO_ICMPV6 },
	{ TRACE_FACT_DEST_TYPE, MODEL_TYPE_LOCAL },
	{ TRACE_FACT_DEST_TYPE, MODEL_TYPE_BROADCAST },
	{ TRACE_FACT_DEST_TYPE, MODEL_TYPE_ANYCAST },
	{ TRACE_FACT_SOURCE_TYPE, MODEL_TYPE_LOCAL },
	{ TRACE_FACT_SOURCE_TYPE, MODEL_TYPE_BROADCAST },
	{ TRACE_FACT_SOURCE_TYPE, MODEL_TYPE_ANYCAST },
};

enum { TRACE_FACTS = sizeof(trace_facts) / sizeof(trace_facts[0]) };

/* Bits of `ct state`, by enum model_state. */
static const uint32_t trace_ct_states[MODEL_STATES] = {
	[MODEL_STATE_NEW] = 8,
	[MODEL_STATE_ESTABLISHED] = 2,
	[MODEL_STATE_RELATED] = 4,
	[MODEL_STATE_INVALID] = 1,
	[MODEL_STATE_UNTRACKED] = 64,
};

/* ---- building ---- */

struct trace_builder {
	struct arena *arena;
	const struct trace_filter *filter;
	struct nft_table *table;
	const struct nft_chain *select;
	struct nft_statement statements[TRACE_STATEMENTS_MAX]; /* of one rule */
	uint32_t count;
};

static struct nft_chain *trace_chain_add(struct trace_builder *b, const char *name, enum nft_hook hook, int32_t priority)
{
	struct nft_chain *chain = ARENA_NEW(b->arena, struct nft_chain);

	*chain = (struct nft_chain){ .name = text_of(name), .hook = hook, .priority = priority };
	chain->last = &chain->first;
	*b->table->last_chain = chain;
	b->table->last_chain = &chain->next;
	b->table->chain_count++;
	return chain;
}

/* Ends the rule that was begun. */
static void trace_rule_end(struct trace_builder *b, struct nft_chain *chain)
{
	struct nft_rule *rule = ARENA_NEW(b->arena, struct nft_rule);
	struct nft_statement *statements = ARENA_ARRAY(b->arena, struct nft_statement, b->count);

	if (b->count)
		memcpy(statements, b->statements, b->count * sizeof(*statements));
	*rule = (struct nft_rule){ .statements = statements, .statement_count = b->count };
	*chain->last = rule;
	chain->last = &rule->next;
	chain->rule_count++;
	b->count = 0;
}

static void trace_add(struct trace_builder *b, struct nft_statement statement)
{
	if (b->count < TRACE_STATEMENTS_MAX)
		b->statements[b->count++] = statement;
}

static struct nft_match *trace_match_add(struct trace_builder *b, enum nft_field field, enum nft_op op)
{
	struct nft_match *match = ARENA_NEW(b->arena, struct nft_match);

	match->keys[0].field = field;
	match->key_count = 1;
	match->op = op;
	trace_add(b, (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = match });
	return match;
}

/* A number as the kernel compares it in this field. */
static struct nft_value trace_value(enum nft_field field, struct number number)
{
	const struct nft_type_row *type = &nft_types[nft_fields[field].type];
	struct nft_value value = { .length = type->length };
	uint32_t host = (uint32_t)number.low;

	if (type->order == NFT_ORDER_HOST) {
		memcpy(value.bytes, &host, sizeof(host));
		return value;
	}
	for (unsigned i = type->length; i-- > 0;) {
		value.bytes[i] = (uint8_t)number.low;
		number.low = number.low >> 8 | number.high << 56;
		number.high >>= 8;
	}
	return value;
}

static void trace_add_equal(struct trace_builder *b, enum nft_field field, uint64_t number)
{
	trace_match_add(b, field, NFT_OP_EQ)->value = trace_value(field, number_small(number));
}

static void trace_add_iface(struct trace_builder *b, enum nft_field field, struct text name)
{
	struct nft_match *match;

	if (!name.len)
		return;
	match = trace_match_add(b, field, NFT_OP_EQ);
	if (text_ends(name, "+"))
		name.len--;
	else
		match->value.length = 16;
	if (name.len > 15)
		name.len = 15;
	memcpy(match->value.bytes, name.ptr, name.len);
	if (!match->value.length)
		match->value.length = (uint8_t)name.len;
}

/* ---- values ---- */

static const struct nft_set *trace_set_add(struct trace_builder *b, enum nft_field field, const struct interval_set *values)
{
	struct nft_set *set = ARENA_NEW(b->arena, struct nft_set);

	b->table->set_count++;
	*set = (struct nft_set){ .name = text_of(arena_printf(b->arena, "values-%u", b->table->set_count)),
				 .interval = true,
				 .part_count = 1,
				 .parts = { nft_fields[field].type },
				 .elements = ARENA_ARRAY(b->arena, struct nft_element, values->count),
				 .element_count = values->count,
				 .id = b->table->set_count };
	for (uint32_t i = 0; i < values->count; i++) {
		set->elements[i].key[0] = trace_value(field, values->ranges[i].first);
		set->elements[i].last = trace_value(field, values->ranges[i].last);
	}
	*b->table->last_set = set;
	b->table->last_set = &set->next;
	return set;
}

static void trace_add_values(struct trace_builder *b, enum nft_field field, const struct model_match *values)
{
	const struct interval *only = values->values.count == 1 ? values->values.ranges : NULL;
	struct nft_match *match;

	if (only && number_compare(only->first, only->last) == 0) {
		match = trace_match_add(b, field, values->negated ? NFT_OP_NE : NFT_OP_EQ);
		match->value = trace_value(field, only->first);
	} else if (only && !values->negated) {
		match = trace_match_add(b, field, NFT_OP_RANGE);
		match->value = trace_value(field, only->first);
		match->last = trace_value(field, only->last);
	} else if (values->values.count || !values->negated) {
		match = trace_match_add(b, field, values->negated ? NFT_OP_NOT_IN : NFT_OP_IN);
		match->set = trace_set_add(b, field, &values->values);
	}
}

/* ---- chains ---- */

static void trace_add_mac(struct trace_builder *b, enum nft_field field, const uint8_t *mac)
{
	struct nft_match *match;

	if (!mac)
		return;
	match = trace_match_add(b, field, NFT_OP_EQ);
	match->value.length = 6;
	memcpy(match->value.bytes, mac, 6);
}

static void trace_add_side(struct trace_builder *b, const struct trace_side *side)
{
	if (side->family_mask)
		trace_add_equal(b, NFT_FIELD_PROTOCOL, side->family_mask == IPV4 ? ETH_P_IP : ETH_P_IPV6);
	for (uint32_t i = 0; i < side->count; i++)
		for (size_t row = 0; row < sizeof(trace_fields) / sizeof(trace_fields[0]); row++)
			if (trace_fields[row].field == side->matches[i].field)
				trace_add_values(b,
						 side->family_mask == IPV6 ? trace_fields[row].ip6 :
									     trace_fields[row].ip4,
						 &side->matches[i]);
}

/* A rule that sends packets of a side to be selected; with `by_port` those of the guest's port, else those of its
 * address. */
static void trace_select(struct trace_builder *b, struct nft_chain *chain, const struct trace_side *side, bool by_port)
{
	const struct trace_filter *filter = b->filter;
	bool incoming = chain->hook == NFT_HOOK_PREROUTING, is_bridge = b->table->family == NFPROTO_BRIDGE;

	/* Only the IP layer knows which addresses are the machine's own; it does not know where a frame goes. */
	if ((filter->to_host && is_bridge) || (filter->to_mac && !is_bridge))
		return;
	trace_add_iface(b, incoming ? NFT_FIELD_IIFNAME : NFT_FIELD_OIFNAME, filter->iface);
	if (incoming && by_port)
		trace_add_iface(b, NFT_FIELD_IIFNAME, filter->from_port);
	else if (incoming)
		trace_add_mac(b, NFT_FIELD_ETHER_SADDR, filter->from_mac);
	if (filter->to_host)
		trace_add_equal(b, NFT_FIELD_FIB_DADDR_TYPE, MODEL_TYPE_LOCAL);
	trace_add_mac(b, NFT_FIELD_ETHER_DADDR, filter->to_mac);
	trace_add_side(b, side);
	trace_add(b, (struct nft_statement){ .kind = NFT_STMT_VERDICT, .verdict = { NFT_TO_JUMP, b->select } });
	trace_rule_end(b, chain);
}

/* A rule of a chain `facts`: it matches if the fact is true. */
static void trace_ask_fact(struct trace_builder *b, struct nft_chain *chain, const struct trace_fact *fact)
{
	enum nft_field type = fact->kind == TRACE_FACT_SOURCE_TYPE ? NFT_FIELD_FIB_SADDR_TYPE : NFT_FIELD_FIB_DADDR_TYPE;

	switch (fact->kind) {
	case TRACE_FACT_STATE:
		trace_match_add(b, NFT_FIELD_CT_STATE, NFT_OP_FLAGS)->value =
			trace_value(NFT_FIELD_CT_STATE, number_small(trace_ct_states[fact->value]));
		break;
	case TRACE_FACT_PROTOCOL: /* of IPv4 the header tells */
		trace_add_equal(b, NFT_FIELD_PROTOCOL, ETH_P_IPV6);
		trace_add_equal(b, NFT_FIELD_L4PROTO, fact->value);
		break;
	case TRACE_FACT_SOURCE_TYPE:
	case TRACE_FACT_DEST_TYPE:
		trace_add_equal(b, type, fact->value);
		break;
	}
	trace_rule_end(b, chain);
}

/* What a table asks: types of addresses are known to the IP layer only. */
static bool trace_asks(const struct trace_builder *b, const struct trace_fact *fact)
{
	bool is_bridge = b->table->family == NFPROTO_BRIDGE;

	if (fact->kind == TRACE_FACT_STATE)
		return is_bridge ? b->filter->bridge_connections : b->filter->connections;
	return fact->kind == TRACE_FACT_PROTOCOL || !is_bridge;
}

/* A fact that is not asked has a rule that never matches, so that each has its place. */
static void trace_facts_add(struct trace_builder *b, const char *name, enum nft_hook hook)
{
	struct nft_chain *chain = trace_chain_add(b, name, hook, TRACE_FACTS_PRIORITY);

	for (size_t i = 0; i < TRACE_FACTS; i++) {
		if (trace_asks(b, &trace_facts[i])) {
			trace_ask_fact(b, chain, &trace_facts[i]);
			continue;
		}
		trace_add_equal(b, NFT_FIELD_L4PROTO, 255);
		trace_add_equal(b, NFT_FIELD_L4PROTO, 254);
		trace_rule_end(b, chain);
	}
}

bool trace_fact_at(struct text chain, uint32_t position, struct trace_fact *fact)
{
	if (!text_starts(chain, "facts-") || position >= TRACE_FACTS)
		return false;
	*fact = trace_facts[position];
	return true;
}

static struct nft_table *trace_table(struct arena *arena, const struct trace_filter *filter, uint8_t family)
{
	struct nft_table *table = ARENA_NEW(arena, struct nft_table);
	struct trace_builder b = { .arena = arena, .filter = filter, .table = table };
	struct nft_chain *incoming, *outgoing;

	*table = (struct nft_table){ .family = family, .name = TRACE_TABLE_NAME };
	table->last_chain = &table->chains;
	table->last_set = &table->sets;
	b.select = trace_chain_add(&b, "select", NFT_HOOK_NONE, 0);
	incoming = trace_chain_add(&b, "prerouting", NFT_HOOK_PREROUTING, TRACE_PRIORITY);
	outgoing = trace_chain_add(&b, "output", NFT_HOOK_OUTPUT, TRACE_PRIORITY);
	trace_chain_add(&b, "input", NFT_HOOK_INPUT, TRACE_PRIORITY);
	trace_chain_add(&b, "forward", NFT_HOOK_FORWARD, TRACE_PRIORITY);
	trace_chain_add(&b, "postrouting", NFT_HOOK_POSTROUTING, TRACE_PRIORITY);
	for (unsigned i = 0; i < filter->side_count; i++) {
		if (filter->incoming)
			trace_select(&b, incoming, &filter->sides[i], false);
		if (filter->incoming && filter->from_port.len)
			trace_select(&b, incoming, &filter->sides[i], true);
		if (filter->outgoing)
			trace_select(&b, outgoing, &filter->sides[i], false);
	}
	trace_facts_add(&b, "facts-in", NFT_HOOK_PREROUTING);
	trace_facts_add(&b, "facts-out", NFT_HOOK_OUTPUT);
	return table;
}

/* ---- writing ---- */

static void trace_write_owned_table(struct nft_batch *batch, const struct nft_table *table)
{
	struct nft_origin origin = { .table = table };
	struct nlmsghdr *message = nft_message_begin(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, origin);

	nft_attr_string(message, NFTA_TABLE_NAME, table->name);
	nft_put_u32(message, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	nft_message_end(batch, message);
}

/* limit rate N/second meta nftrace set 1, which the lowered form has no statement for. */
static void trace_write_selection(struct nft_batch *batch, const struct nft_table *table, uint32_t rate)
{
	static const uint8_t on = 1;
	const struct nft_limit limit = { rate, 1, rate < TRACE_BURST_MIN ? TRACE_BURST_MIN : rate };
	const struct nft_statement limits = { .kind = NFT_STMT_LIMIT, .limit = &limit };
	const struct nft_rule limited = { .statements = &limits, .statement_count = 1 };
	struct nft_origin origin = { .table = table };
	struct nlmsghdr *message = nft_message_begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, origin);
	struct nft_expr_writer e = { message, 0 };
	struct nlattr *nest;

	nft_attr_string(message, NFTA_RULE_TABLE, table->name);
	nft_attr_string(message, NFTA_RULE_CHAIN, "select");
	nest = nft_attr_nest(message, NFTA_RULE_EXPRESSIONS);
	nft_expr_rule(&e, &limited);
	nft_expr_immediate(&e, NFT_REG_1, &on, sizeof(on));
	NFT_EXPR(&e, "meta", { NFTA_META_KEY, NFT_META_NFTRACE }, { NFTA_META_SREG, NFT_REG_1 });
	nft_attr_end(message, nest);
	nft_message_end(batch, message);
}

static void trace_write_table(struct nft_batch *batch, const struct nft_table *table, uint32_t first_set, uint32_t rate)
{
	struct nft_writer w = { batch, table, first_set };

	trace_write_owned_table(batch, table);
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		nft_write_chain(&w, chain);
	for (const struct nft_set *set = table->sets; set; set = set->next) {
		nft_write_set(&w, set);
		nft_write_elements(&w, set);
	}
	trace_write_selection(batch, table, rate);
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		nft_write_rules(&w, chain);
}

static bool trace_tables_send(struct nft_kernel *kernel, struct arena *arena, const struct trace_filter *filter, bool bridged,
			      struct nft_answers *answers)
{
	struct nft_batch batch;
	uint32_t first_set = 0;
	bool taken;

	nft_batch_init(&batch);
	nft_batch_begin(&batch, 0);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		const struct nft_table *table = trace_table(arena, filter, nft_families[i]);

		if (nft_families[i] == NFPROTO_BRIDGE && !bridged)
			continue;
		trace_write_table(&batch, table, first_set, filter->rate);
		first_set += table->set_count;
	}
	nft_batch_end(&batch);
	taken = nft_kernel_send(kernel, arena, &batch, false, answers);
	nft_batch_free(&batch);
	return taken;
}

static const char *trace_refusal(struct arena *arena, const struct nft_answers *answers)
{
	const struct nft_refusal *first = answers->count ? answers->refusals : NULL;
	int reason = first ? first->error : answers->error;

	/* A table that another socket owns; message 0 is refused to those who may change no rules. */
	if (first && first->message && (reason == EEXIST || reason == EPERM))
		return "another pve-firewall trace runs";
	if (first && first->text)
		return arena_printf(arena, "%s: %s", strerror(reason), first->text);
	return arena_printf(arena, "%s", strerror(reason));
}

bool trace_tables_load(struct nft_kernel *kernel, struct arena *arena, const struct trace_filter *filter, bool *bridged,
		       const char **error)
{
	struct trace_filter less = *filter;
	struct nft_answers answers;

	*bridged = true;
	*error = NULL;
	if (trace_tables_send(kernel, arena, &less, true, &answers))
		return true;
	if (answers.count && answers.refusals[0].error != EEXIST && answers.refusals[0].error != EPERM) {
		less.bridge_connections = false;
		if (filter->bridge_connections && trace_tables_send(kernel, arena, &less, true, &answers))
			return true;
		*bridged = false;
		if (trace_tables_send(kernel, arena, &less, false, &answers))
			return true;
	}
	*error = trace_refusal(arena, &answers);
	return false;
}

void trace_tables_unload(struct nft_kernel *kernel)
{
	struct nft_answers answers;
	struct arena arena = { 0 };
	struct nft_batch batch;

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nft_table table = { .family = nft_families[i], .name = TRACE_TABLE_NAME };
		struct nft_writer w = { &batch, &table, 0 };

		/* Each in a transaction of its own: there may be none for bridges. */
		nft_batch_init(&batch);
		nft_batch_begin(&batch, 0);
		nft_write_table(&w, NFT_MSG_DELTABLE, nft_families[i], TRACE_TABLE_NAME);
		nft_batch_end(&batch);
		nft_kernel_send(kernel, &arena, &batch, false, &answers);
		nft_batch_free(&batch);
	}
	arena_free(&arena);
}
