/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdict maps of port ranges as netlink messages, and the change of a table that begins to use one. */
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include "fixture.h"
#include "net/netlink_socket.h"
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

/* ---- a table with a list and its map ---- */

static struct nft_value port(unsigned number)
{
	return (struct nft_value){ .length = 2, .bytes = { (uint8_t)(number >> 8), (uint8_t)number } };
}

static struct nft_rule *rule_of(struct nft_statement statement)
{
	struct nft_rule *rule = ARENA_NEW(&arena, struct nft_rule);
	struct nft_statement *copy = ARENA_NEW(&arena, struct nft_statement);

	*copy = statement;
	rule->statements = copy;
	rule->statement_count = 1;
	return rule;
}

static struct nft_chain *add_chain(struct nft_table *table, const char *name, struct nft_statement statement)
{
	struct nft_chain *chain = ARENA_NEW(&arena, struct nft_chain);

	chain->name = text_of(name);
	chain->hook = NFT_HOOK_NONE;
	chain->first = rule_of(statement);
	*table->last_chain = chain;
	table->last_chain = &chain->next;
	table->chain_count++;
	return chain;
}

/* Ports up to `split`, and the others. */
static struct nft_set *add_map(struct nft_table *table, const char *name, unsigned split, const struct nft_chain *low,
			       const struct nft_chain *high)
{
	struct nft_set *set = ARENA_NEW(&arena, struct nft_set);

	set->name = text_of(name);
	set->verdicts = set->interval = true;
	set->part_count = 1;
	set->parts[0] = NFT_TYPE_INET_SERVICE;
	set->elements = ARENA_ARRAY(&arena, struct nft_element, 2);
	set->element_count = 2;
	set->elements[0] = (struct nft_element){ .key = { port(0) }, .last = port(split), .verdict = { NFT_TO_GOTO, low } };
	set->elements[1] = (struct nft_element){ .key = { port(split + 1) }, .last = port(65535), .verdict = { NFT_TO_GOTO, high } };
	set->id = ++table->set_count;
	*table->last_set = set;
	table->last_set = &set->next;
	return set;
}

static struct nft_statement decide(enum nft_verdict_kind kind)
{
	return (struct nft_statement){ .kind = NFT_STMT_VERDICT, .verdict = { .kind = kind } };
}

static struct nft_statement look_up(const struct nft_set *set)
{
	struct nft_vmap *vmap = ARENA_NEW(&arena, struct nft_vmap);

	*vmap = (struct nft_vmap){ { { .field = NFT_FIELD_TCP_DPORT } }, 1, set };
	return (struct nft_statement){ .kind = NFT_STMT_VMAP, .vmap = vmap };
}

/* A list that looks up ports in the map of that name. */
static struct nft_ruleset *ruleset_with(const char *map, unsigned split)
{
	struct nft_ruleset *ruleset = ARENA_NEW(&arena, struct nft_ruleset);
	struct nft_table *table = ARENA_NEW(&arena, struct nft_table);
	struct nft_chain *low, *high;

	table->family = NFPROTO_INET;
	table->name = "pvefw";
	table->last_set = &table->sets;
	table->last_chain = &table->chains;
	table->last_helper = &table->helpers;
	ruleset->tables[NFT_INET] = table;
	low = add_chain(table, "list-tcp-0", decide(NFT_TO_ACCEPT));
	high = add_chain(table, arena_printf(&arena, "list-tcp-%u", split + 1), decide(NFT_TO_DROP));
	add_chain(table, "list", look_up(add_map(table, map, split, low, high)));
	return ruleset;
}

/* ---- elements ---- */

START_TEST(ranges_of_ports)
{
	struct nft_set *set = ruleset_with("map", 1023)->tables[NFT_INET]->sets;
	struct nft_kernel_element low = nft_kernel_element(set, &set->elements[0]), high = nft_kernel_element(set, &set->elements[1]);

	ck_assert(!nft_set_begins_late(set));
	ck_assert_uint_eq(nft_set_key_length(set), 2);
	ck_assert_mem_eq(low.key, "\0\0", 2);
	ck_assert_mem_eq(low.end, "\4\0", 2);
	ck_assert(low.has_end && !low.open);
	/* There is no port after 65535. */
	ck_assert(!high.has_end && high.open);
	ck_assert_text(high.chain, "list-tcp-1024");
	/* The verdict is a part of what an element is. */
	low = high;
	low.chain = TEXT("list-tcp-0");
	ck_assert(!nft_kernel_element_equal(&low, &high));
}
END_TEST

static const struct nlmsghdr *message_at(const struct nft_batch *batch, uint32_t i)
{
	return (const struct nlmsghdr *)(const void *)(batch->bytes.data + batch->messages[i].offset);
}

static unsigned type_at(const struct nft_batch *batch, uint32_t i)
{
	return message_at(batch, i)->nlmsg_type & 0xff;
}

/* The attributes of a message with elements, as nft writes them: a range is a beginning with the verdict, and an end. */
START_TEST(messages_of_a_map)
{
	struct nft_ruleset *ruleset = ruleset_with("map", 1023);
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *element, *parts[3][NFT_ATTRIBUTES] = { { NULL } };
	struct nft_batch batch;
	unsigned count = 0;

	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	for (uint32_t i = 0; i < batch.count; i++)
		if (type_at(&batch, i) == NFT_MSG_NEWSETELEM)
			mnl_attr_parse(message_at(&batch, i), sizeof(struct nfgenmsg), nft_collect, found);
	ck_assert_ptr_nonnull(found[NFTA_SET_ELEM_LIST_ELEMENTS]);
	NETLINK_FOR_EACH_NESTED(element, found[NFTA_SET_ELEM_LIST_ELEMENTS])
		if (count < 3)
			mnl_attr_parse_nested(element, nft_collect, parts[count++]);
	ck_assert_uint_eq(count, 3);
	ck_assert(parts[0][NFTA_SET_ELEM_DATA] && !parts[0][NFTA_SET_ELEM_FLAGS] && !parts[0][NFTA_SET_ELEM_USERDATA]);
	ck_assert(!parts[1][NFTA_SET_ELEM_DATA] && nft_get_u32(parts[1][NFTA_SET_ELEM_FLAGS]) == NFT_SET_ELEM_INTERVAL_END);
	ck_assert(parts[2][NFTA_SET_ELEM_DATA] && parts[2][NFTA_SET_ELEM_USERDATA]);
	nft_batch_free(&batch);
}
END_TEST

/* All ports, each with a chain of its own: no message is longer than an attribute can be. */
START_TEST(many_ranges)
{
	struct nft_ruleset *ruleset = ruleset_with("map", 1023);
	struct nft_table *table = ruleset->tables[NFT_INET];
	struct nft_set *set = table->sets;
	struct nft_batch batch;
	uint32_t messages = 0;

	set->element_count = 65536;
	set->elements = ARENA_ARRAY(&arena, struct nft_element, set->element_count);
	for (unsigned i = 0; i < set->element_count; i++)
		set->elements[i] = (struct nft_element){ .key = { port(i) }, .last = port(i),
							 .verdict = { NFT_TO_GOTO, table->chains } };
	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	ck_assert_uint_eq(batch.elements, 65536);
	for (uint32_t i = 0; i < batch.count; i++) {
		messages += type_at(&batch, i) == NFT_MSG_NEWSETELEM;
		ck_assert_uint_lt(message_at(&batch, i)->nlmsg_len, 1 << 16);
	}
	ck_assert_uint_eq(messages, (65536 + 499) / 500);
	nft_batch_free(&batch);
}
END_TEST

/* ---- changes ---- */

/* From one ruleset to the other, as far as no kernel is asked. */
static void change(struct nft_batches *batches, struct nft_objects *loaded, const struct nft_ruleset *from,
		   struct nft_objects *desired, const struct nft_ruleset *to)
{
	struct nft_change c = { .arena = &arena };

	*loaded = nft_objects_of(&arena, from);
	*desired = nft_objects_of(&arena, to);
	c.loaded = &loaded->tables[NFT_INET];
	c.desired = &desired->tables[NFT_INET];
	c.loaded_digests.arena = c.desired_digests.arena = &arena;
	for (uint32_t i = 0; i < c.loaded->count; i++)
		nft_digests_add(&c.loaded_digests, &nft_object_of(&c.loaded->objects[i])->digest);
	for (uint32_t i = 0; i < c.desired->count; i++)
		nft_digests_add(&c.desired_digests, &nft_object_of(&c.desired->objects[i])->digest);
	object_maps_compare(c.loaded, c.desired, NULL);
	nft_batches_begin(batches, 7);
	c.w = nft_writer_of(&batches->second, to, NFT_INET);
	nft_write_first(&c, &batches->first);
	nft_write_change(&c);
	nft_batches_end(batches);
}

static unsigned count_of(const struct nft_batch *batch, unsigned type)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < batch->count; i++)
		count += (message_at(batch, i)->nlmsg_type >> 8) == NFNL_SUBSYS_NFTABLES && type_at(batch, i) == type;
	return count;
}

static uint32_t generation_of(const struct nft_batch *batch)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse(message_at(batch, 0), sizeof(struct nfgenmsg), nft_collect, found);
	return nft_get_u32(found[NFNL_BATCH_GENID]);
}

/* The new map and the chains that it names are complete before a rule uses them; what is gone goes with the rule. */
START_TEST(new_map_first)
{
	struct nft_objects loaded, desired;
	struct nft_batches batches;

	change(&batches, &loaded, ruleset_with("map-a", 1023), &desired, ruleset_with("map-b", 79));
	ck_assert_uint_eq(generation_of(&batches.first), 7);
	ck_assert_uint_eq(generation_of(&batches.second), 8);
	ck_assert_uint_eq(count_of(&batches.first, NFT_MSG_NEWCHAIN), 1);
	ck_assert_uint_eq(count_of(&batches.first, NFT_MSG_NEWSET), 1);
	ck_assert_uint_eq(count_of(&batches.first, NFT_MSG_NEWRULE), 1);
	ck_assert_uint_eq(batches.first.deleted, 0);
	ck_assert_uint_eq(count_of(&batches.second, NFT_MSG_NEWCHAIN), 0);
	ck_assert_uint_eq(count_of(&batches.second, NFT_MSG_NEWSET), 0);
	ck_assert_uint_eq(count_of(&batches.second, NFT_MSG_NEWRULE), 1);
	ck_assert_uint_eq(count_of(&batches.second, NFT_MSG_DELSET), 1);
	ck_assert_uint_eq(count_of(&batches.second, NFT_MSG_DELCHAIN), 1);
	/* Digests: two new ones in the first; the list's, and three that go, in the second. */
	ck_assert_uint_eq(batches.first.elements, 2 + 2);
	ck_assert_uint_eq(batches.second.elements, 1);
	nft_batches_free(&batches);
}
END_TEST

/* Where no set of intervals is new, one transaction is enough. */
START_TEST(same_map_once)
{
	struct nft_objects loaded, desired;
	struct nft_ruleset *to = ruleset_with("map-a", 1023);
	struct nft_batches batches;

	add_chain(to->tables[NFT_INET], "more", decide(NFT_TO_DROP));
	change(&batches, &loaded, ruleset_with("map-a", 1023), &desired, to);
	ck_assert(nft_batch_is_empty(&batches.first));
	ck_assert_uint_eq(generation_of(&batches.second), 7);
	ck_assert_uint_eq(count_of(&batches.second, NFT_MSG_NEWCHAIN), 1);
	nft_batches_free(&batches);
}
END_TEST

/* 0 is no generation: nf_tables_commit() goes on with 1. */
START_TEST(generation_after_the_last)
{
	struct nft_batch batch;

	nft_batch_init(&batch);
	nft_batch_begin(&batch, UINT32_MAX);
	nft_batch_follow(&batch);
	ck_assert_uint_eq(generation_of(&batch), 1);
	nft_batch_free(&batch);
	/* A batch for any generation stays one. */
	nft_batch_init(&batch);
	nft_batch_begin(&batch, 0);
	nft_batch_follow(&batch);
	ck_assert_uint_eq(generation_of(&batch), 0);
	nft_batch_free(&batch);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("port_map_netlink");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, ranges_of_ports);
	tcase_add_test(tcase, messages_of_a_map);
	tcase_add_test(tcase, many_ranges);
	tcase_add_test(tcase, new_map_first);
	tcase_add_test(tcase, same_map_once);
	tcase_add_test(tcase, generation_after_the_last);
	return run_suite("port_map_netlink", tcase);
}
