/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets as netlink batches: joined comparisons, elements of sets, digests, and
 * the shape of a batch.  What the kernel makes of them is tested in tests/kernel. */
#include <linux/netfilter.h>

#include "fixture.h"
#include "nft/netlink/expr.h"
#include "nft/load/objects.h"

static struct arena arena;

static void setup(void)
{
	arena = (struct arena){ 0 };
}

static void teardown(void)
{
	arena_free(&arena);
}

/* ---- rules ---- */

static struct nft_value value_of(const char *bytes, uint8_t length)
{
	struct nft_value value = { .length = length };

	memcpy(value.bytes, bytes, length);
	return value;
}

static struct nft_statement compare(enum nft_field field, enum nft_op op, const char *bytes, uint8_t length)
{
	struct nft_match *match = ARENA_NEW(&arena, struct nft_match);

	match->keys[0].field = field;
	match->key_count = 1;
	match->op = op;
	match->value = value_of(bytes, length);
	return (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = match };
}

static struct nft_statement verdict(enum nft_verdict_kind kind)
{
	return (struct nft_statement){ .kind = NFT_STMT_VERDICT, .verdict = { .kind = kind } };
}

static struct nft_rule *new_rule(const struct nft_statement *statements, uint32_t count)
{
	struct nft_rule *rule = ARENA_NEW(&arena, struct nft_rule);
	struct nft_statement *copy = ARENA_ARRAY(&arena, struct nft_statement, count);

	memcpy(copy, statements, count * sizeof(*copy));
	rule->statements = copy;
	rule->statement_count = count;
	return rule;
}

#define RULE(...)                                               \
	new_rule((const struct nft_statement[]){ __VA_ARGS__ }, \
		 sizeof((const struct nft_statement[]){ __VA_ARGS__ }) / sizeof(struct nft_statement))

#define SPORT compare(NFT_FIELD_UDP_SPORT, NFT_OP_EQ, "\0\x43", 2)
#define DPORT compare(NFT_FIELD_UDP_DPORT, NFT_OP_EQ, "\0\x44", 2)

START_TEST(ports_are_joined)
{
	struct nft_joined joined;

	nft_expr_join(&joined, RULE(SPORT, DPORT, verdict(NFT_TO_ACCEPT)));
	ck_assert_uint_eq(joined.longer, 1);
	ck_assert_uint_eq(joined.gone, 2);
	ck_assert_uint_eq(joined.joins[0].offset, 0);
	ck_assert_uint_eq(joined.joins[0].length, 4);
	ck_assert_mem_eq(joined.joins[0].bytes, "\0\x43\0\x44", 4);
	/* By place, whatever the order in which they were written. */
	nft_expr_join(&joined, RULE(DPORT, SPORT));
	ck_assert_uint_eq(joined.longer, 2);
	ck_assert_uint_eq(joined.gone, 1);
	ck_assert_mem_eq(joined.joins[1].bytes, "\0\x43\0\x44", 4);
}
END_TEST

START_TEST(nothing_is_joined)
{
	const struct nft_statement saddr = compare(NFT_FIELD_IP_SADDR, NFT_OP_EQ, "\x0a\0\0\1", 4);
	const struct nft_statement daddr = compare(NFT_FIELD_IP_DADDR, NFT_OP_EQ, "\x0a\0\0\2", 4);
	const struct nft_statement not_sport = compare(NFT_FIELD_UDP_SPORT, NFT_OP_NE, "\0\x43", 2);
	const struct nft_statement not_dport = compare(NFT_FIELD_UDP_DPORT, NFT_OP_NE, "\0\x44", 2);
	const struct nft_statement mark = { .kind = NFT_STMT_MARK };
	struct nft_joined joined;

	/* Two loads of four bytes are faster than one of eight. */
	nft_expr_join(&joined, RULE(saddr, daddr));
	ck_assert_uint_eq(joined.longer | joined.gone, 0);
	/* a != x and b != y is not ab != xy. */
	nft_expr_join(&joined, RULE(not_sport, not_dport));
	ck_assert_uint_eq(joined.longer | joined.gone, 0);
	nft_expr_join(&joined, RULE(SPORT, not_dport));
	ck_assert_uint_eq(joined.longer | joined.gone, 0);
	/* Once two were looked at, another statement ends the row. */
	nft_expr_join(&joined, RULE(saddr, SPORT, mark, DPORT));
	ck_assert_uint_eq(joined.longer | joined.gone, 0);
}
END_TEST

/* What is behind a header's type must not be looked at before the type is. */
START_TEST(type_stays_in_front)
{
	const struct nft_statement source = compare(NFT_FIELD_ETHER_SADDR, NFT_OP_EQ, "\2\0\0\0\1\0", 6);
	const struct nft_statement type = compare(NFT_FIELD_ETHER_TYPE, NFT_OP_EQ, "\x08\0", 2);
	struct nft_joined joined;

	nft_expr_join(&joined, RULE(type, source));
	ck_assert_uint_eq(joined.longer, 1);
	ck_assert_uint_eq(joined.gone, 2);
	ck_assert_uint_eq(joined.joins[0].offset, 6);
	ck_assert_mem_eq(joined.joins[0].bytes, "\2\0\0\0\1\0\x08\0", 8);
}
END_TEST

/* ---- elements ---- */

static struct nft_set *new_set(const char *name, enum nft_type type, bool interval, uint32_t count)
{
	struct nft_set *set = ARENA_NEW(&arena, struct nft_set);

	set->name = text_of(name);
	set->part_count = 1;
	set->parts[0] = type;
	set->interval = interval;
	set->elements = ARENA_ARRAY(&arena, struct nft_element, count);
	set->element_count = count;
	return set;
}

START_TEST(ranges)
{
	struct nft_set *set = new_set("s", NFT_TYPE_IPV4_ADDR, true, 2);
	struct nft_kernel_element e;

	set->elements[0].key[0] = value_of("\x0a\0\0\0", 4);
	set->elements[0].last = value_of("\x0a\xff\xff\xff", 4);
	set->elements[1].key[0] = value_of("\xe0\0\0\0", 4);
	set->elements[1].last = value_of("\xff\xff\xff\xff", 4);
	e = nft_kernel_element(set, &set->elements[0]);
	ck_assert(e.has_end && !e.open);
	ck_assert_mem_eq(e.end, "\x0b\0\0\0", 4);
	e = nft_kernel_element(set, &set->elements[1]);
	ck_assert(!e.has_end && e.open);
	ck_assert(nft_set_begins_late(set));
	set->elements[0].key[0] = value_of("\0\0\0\0", 4);
	ck_assert(!nft_set_begins_late(set));
}
END_TEST

START_TEST(beginnings_of_names)
{
	struct nft_set *set = new_set("s", NFT_TYPE_IFNAME, true, 1);
	struct nft_kernel_element e;

	set->elements[0].key[0] = set->elements[0].last = value_of("tap", 3);
	e = nft_kernel_element(set, &set->elements[0]);
	ck_assert_mem_eq(e.key, "tap\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	ck_assert_mem_eq(e.end, "taq\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}
END_TEST

START_TEST(parts_are_padded)
{
	struct nft_set *set = new_set("s", NFT_TYPE_ETHER_ADDR, false, 1);
	struct nft_kernel_element e;

	set->parts[1] = NFT_TYPE_IPV4_ADDR;
	set->part_count = 2;
	set->elements[0].key[0] = value_of("\2\0\0\0\1\1", 6);
	set->elements[0].key[1] = value_of("\x0a\0\0\1", 4);
	e = nft_kernel_element(set, &set->elements[0]);
	ck_assert_uint_eq(nft_set_key_length(set), 12);
	ck_assert_mem_eq(e.key, "\2\0\0\0\1\1\0\0\x0a\0\0\1", 12);
	ck_assert_uint_eq(nft_set_description(set).key_type, 9 << 6 | 7);
}
END_TEST

/* ---- a small ruleset ---- */

static struct nft_chain *add_chain(struct nft_table *table, const char *name, struct nft_rule *rules)
{
	struct nft_chain *chain = ARENA_NEW(&arena, struct nft_chain);

	chain->name = text_of(name);
	chain->hook = NFT_HOOK_NONE;
	chain->first = rules;
	*table->last_chain = chain;
	table->last_chain = &chain->next;
	table->chain_count++;
	return chain;
}

static void add_set(struct nft_table *table, struct nft_set *set)
{
	set->id = ++table->set_count;
	*table->last_set = set;
	table->last_set = &set->next;
}

static struct nft_ruleset *new_ruleset(void)
{
	struct nft_ruleset *ruleset = ARENA_NEW(&arena, struct nft_ruleset);
	struct nft_table *table = ARENA_NEW(&arena, struct nft_table);

	table->family = NFPROTO_INET;
	table->name = "pvefw";
	table->last_set = &table->sets;
	table->last_chain = &table->chains;
	table->last_helper = &table->helpers;
	ruleset->tables[0] = table;
	return ruleset;
}

static const struct nlmsghdr *message_at(const struct nft_batch *batch, uint32_t i)
{
	return (const struct nlmsghdr *)(const void *)(batch->bytes.data + batch->messages[i].offset);
}

START_TEST(digests_tell_what_differs)
{
	struct nft_ruleset *a = new_ruleset(), *b = new_ruleset();
	struct object_map *x, *y;
	struct nft_objects objects[2];

	for (int i = 0; i < 2; i++) {
		struct nft_table *table = (i ? b : a)->tables[0];
		struct nft_set *set = new_set("set", NFT_TYPE_MARK, false, 1);

		set->elements[0].key[0] = value_of("\1\0\0\0", 4);
		add_set(table, set);
		add_chain(table, "same", RULE(SPORT, verdict(NFT_TO_ACCEPT)));
		add_chain(table, "other", RULE(i ? DPORT : SPORT, verdict(NFT_TO_ACCEPT)));
		add_chain(table, "comment", RULE(SPORT))->first->comment = text_of(i ? "a.fw:1" : "a.fw:2");
	}
	objects[0] = nft_objects_of(&arena, a);
	objects[1] = nft_objects_of(&arena, b);
	x = &objects[0].tables[0];
	y = &objects[1].tables[0];
	ck_assert_uint_eq(object_maps_compare(x, y, NULL).changed, 2);
	ck_assert_uint_eq(object_map_find(y, NFT_OBJECT_SET, TEXT("set"))->change, OBJECT_SAME);
	ck_assert_uint_eq(object_map_find(y, NFT_OBJECT_CHAIN, TEXT("same"))->change, OBJECT_SAME);
	ck_assert_uint_eq(object_map_find(y, NFT_OBJECT_CHAIN, TEXT("other"))->change, OBJECT_CHANGED);
	ck_assert_uint_eq(object_map_find(y, NFT_OBJECT_CHAIN, TEXT("comment"))->change, OBJECT_CHANGED);
	/* Chains of the same contents differ by their names. */
	ck_assert_mem_ne(object_map_find(x, NFT_OBJECT_CHAIN, TEXT("same"))->content.ptr,
			 object_map_find(x, NFT_OBJECT_CHAIN, TEXT("other"))->content.ptr, NFT_DIGEST_BYTES);
	ck_assert_uint_eq(a->tables[0]->set_count, 2);
	ck_assert_uint_eq(a->tables[0]->sets->next->element_count, 4);
	ck_assert_text(a->tables[0]->sets->next->name, NFT_DIGEST_SET);
}
END_TEST

/* 1201 elements are three messages; each message has its number, and only the last asks for an answer. */
START_TEST(batch_is_in_order)
{
	struct nft_ruleset *ruleset = new_ruleset();
	struct nft_set *set = new_set("many", NFT_TYPE_MARK, false, 1201);
	struct nft_batch batch;

	for (uint32_t i = 0; i < set->element_count; i++)
		set->elements[i].key[0] = value_of((const char *)&i, 4);
	add_set(ruleset->tables[0], set);
	add_chain(ruleset->tables[0], "chain", RULE(SPORT, verdict(NFT_TO_ACCEPT)));
	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	ck_assert_uint_eq(batch.elements, 1201);
	/* begin, 3 for the table, chain, set, 3 of elements, rule, 2 for the other table, end */
	ck_assert_uint_eq(batch.count, 13);
	for (uint32_t i = 0; i < batch.count; i++) {
		ck_assert_uint_eq(message_at(&batch, i)->nlmsg_seq, i);
		ck_assert_uint_eq((message_at(&batch, i)->nlmsg_flags & NLM_F_ACK) != 0,
				  i == batch.count - 2);
		ck_assert_uint_lt(message_at(&batch, i)->nlmsg_len, 1 << 16);
	}
	ck_assert_uint_eq(batch.messages[batch.count - 1].offset +
				  NLMSG_ALIGN(message_at(&batch, batch.count - 1)->nlmsg_len),
			  batch.bytes.len);
	nft_batch_free(&batch);
}
END_TEST

/* Long names fill a message before 500 elements do. */
START_TEST(long_names_fit)
{
	struct nft_ruleset *ruleset = new_ruleset();
	struct nft_set *set = new_set("many", NFT_TYPE_IFNAME, false, 500);
	struct nft_chain *chain;
	struct nft_batch batch;
	static const char iface[16] = "tap100i0";
	char name[250];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	chain = add_chain(ruleset->tables[0], name, NULL);
	set->verdicts = true;
	for (uint32_t i = 0; i < set->element_count; i++) {
		set->elements[i].key[0] = value_of(iface, sizeof(iface));
		set->elements[i].verdict = (struct nft_verdict){ NFT_TO_GOTO, chain };
	}
	add_set(ruleset->tables[0], set);
	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	for (uint32_t i = 0; i < batch.count; i++)
		ck_assert_uint_lt(message_at(&batch, i)->nlmsg_len, 1 << 16);
	ck_assert_uint_eq(batch.elements, 500);
	nft_batch_free(&batch);
}
END_TEST

START_TEST(batch_for_people)
{
	struct nft_ruleset *ruleset = new_ruleset();
	struct nft_chain *chain = add_chain(ruleset->tables[0], "chain",
					    RULE(SPORT, DPORT, verdict(NFT_TO_DROP)));
	struct nft_batch batch;
	struct out out;

	chain->first->comment = TEXT("100.fw:7");
	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	out_init_memory(&out);
	nft_batch_print(&out, &batch);
	out_char(&out, '\0');
	ck_assert_ptr_nonnull(strstr(out.data, "\nadd chain inet pvefw chain ("));
	ck_assert_ptr_nonnull(strstr(out.data, " from 100.fw:7\n"
					       "  [ payload load 4b @ transport header + 0 => reg 1 ]\n"
					       "  [ cmp eq reg 1 0x44004300 ]\n"
					       "  [ immediate reg 0 drop ]\n"));
	out_free(&out);
	nft_batch_free(&batch);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("netlink");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, ports_are_joined);
	tcase_add_test(tcase, nothing_is_joined);
	tcase_add_test(tcase, type_stays_in_front);
	tcase_add_test(tcase, ranges);
	tcase_add_test(tcase, beginnings_of_names);
	tcase_add_test(tcase, parts_are_padded);
	tcase_add_test(tcase, digests_tell_what_differs);
	tcase_add_test(tcase, batch_is_in_order);
	tcase_add_test(tcase, long_names_fit);
	tcase_add_test(tcase, batch_for_people);
	return run_suite("netlink", tcase);
}
