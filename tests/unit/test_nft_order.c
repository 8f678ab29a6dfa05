/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of matches in nft rules: what costs little first, what a match needs before it, statements where they are. */
#include <check.h>

#include "fixture.h"
#include "nft/lower/build.h"

struct rules {
	struct arena arena;
	struct config config;
	struct nft_table table;
	struct nft_builder b;
	struct nft_set hash, small, big;
};

static void start(struct rules *r)
{
	memset(r, 0, sizeof(*r));
	r->b = (struct nft_builder){ .arena = &r->arena, .drafts = &r->arena, .config = &r->config, .table = &r->table };
	r->table.last_chain = &r->table.chains;
	r->hash = (struct nft_set){ .name = TEXT("hash"), .element_count = 5000 };
	r->small = (struct nft_set){ .name = TEXT("small"), .interval = true, .element_count = 2 };
	r->big = (struct nft_set){ .name = TEXT("big"), .interval = true, .element_count = 5000 };
}

static void end(struct rules *r)
{
	nft_forget_shared(&r->b);
	arena_free(&r->b.scratch);
	arena_free(&r->arena);
}

static struct nft_statement in_set(struct rules *r, enum nft_field field, const struct nft_set *set, enum nft_op op)
{
	return nft_match(&r->b, (struct nft_match){ .keys = { nft_key(field) }, .key_count = 1, .op = op, .set = set });
}

static struct nft_statement prefix(struct rules *r, enum nft_field field, const char *text)
{
	struct prefix p;

	ck_assert_int_eq(prefix_parse(text_of(text), &p), ADDRESS_OK);
	return nft_prefix(&r->b, field, &p);
}

static struct nft_statement port(struct rules *r, uint16_t first, uint16_t last)
{
	return nft_ports(&r->b, NFT_FIELD_TCP_DPORT, (struct port_range){ first, last });
}

/* The rule of these statements as the script has it, without its layout. */
static const char *rule_of(struct rules *r, const struct nft_statement *statements, uint32_t count)
{
	struct nft_chain *chain = nft_chain_add(&r->b, TEXT("c"));
	struct out out;
	const char *text;

	nft_rule_add(&r->b, chain, statements, count);
	out_init_memory(&out);
	nft_print_rule(&out, chain->first);
	text = arena_printf(&r->arena, "%.*s", (int)out.len - 3, out.data + 2);
	out_free(&out);
	return text;
}
#define RULE(r, ...) \
	rule_of(r, (const struct nft_statement[]){ __VA_ARGS__ }, \
		sizeof((const struct nft_statement[]){ __VA_ARGS__ }) / sizeof(struct nft_statement))

START_TEST(costs_are_ordered_as_measured)
{
	struct rules r;
	unsigned compare, range, hash, small, big, route;

	start(&r);
	compare = nft_match_cost(port(&r, 22, 22).match);
	range = nft_match_cost(port(&r, 1, 2).match);
	hash = nft_match_cost(in_set(&r, NFT_FIELD_IP_SADDR, &r.hash, NFT_OP_IN).match);
	small = nft_match_cost(in_set(&r, NFT_FIELD_IP_SADDR, &r.small, NFT_OP_IN).match);
	big = nft_match_cost(in_set(&r, NFT_FIELD_IP_SADDR, &r.big, NFT_OP_NOT_IN).match);
	route = nft_match_cost(nft_is(&r.b, NFT_FIELD_FIB_DADDR_TYPE, 3).match);
	/* What most packets have is asked last. */
	ck_assert_uint_lt(compare, nft_match_cost(nft_proto(&r.b, 6).match));
	ck_assert_uint_lt(nft_match_cost(nft_proto(&r.b, 6).match), nft_match_cost(nft_family(&r.b, IPV4).match));
	ck_assert_uint_lt(compare, range);
	ck_assert_uint_lt(range, hash);
	ck_assert_uint_lt(hash, small);
	ck_assert_uint_lt(small, big);
	ck_assert_uint_lt(hash, route);
	/* A mask, a function call to load and a second comparison each cost something. */
	ck_assert_uint_lt(compare, nft_match_cost(prefix(&r, NFT_FIELD_IP_SADDR, "10.0.0.0/20").match));
	ck_assert_uint_eq(compare, nft_match_cost(prefix(&r, NFT_FIELD_IP_SADDR, "10.0.0.0/16").match));
	ck_assert_uint_lt(compare, nft_match_cost(prefix(&r, NFT_FIELD_IP6_SADDR, "2001:db8::1").match));
	ck_assert_uint_lt(compare, nft_match_cost(nft_iface(&r.b, NFT_FIELD_IIFNAME, TEXT("lo")).match));
	end(&r);
}
END_TEST

START_TEST(lookups_follow_comparisons)
{
	struct rules r;

	start(&r);
	ck_assert_str_eq(RULE(&r, nft_family(&r.b, IPV4), in_set(&r, NFT_FIELD_IP_SADDR, &r.big, NFT_OP_IN),
			      in_set(&r, NFT_FIELD_IP_DADDR, &r.small, NFT_OP_IN), nft_proto(&r.b, IPPROTO_TCP),
			      port(&r, 22, 22), nft_counter(), nft_to(NFT_TO_DROP)),
			 "th dport 22 meta l4proto tcp meta nfproto ipv4 ip daddr @small ip saddr @big counter drop");
	ck_assert_str_eq(RULE(&r, nft_family(&r.b, IPV4), in_set(&r, NFT_FIELD_IP_SADDR, &r.small, NFT_OP_NOT_IN),
			      in_set(&r, NFT_FIELD_IP_DADDR, &r.hash, NFT_OP_IN), nft_proto(&r.b, IPPROTO_TCP),
			      port(&r, 5900, 5999), nft_to(NFT_TO_DROP)),
			 "meta l4proto tcp tcp dport 5900-5999 meta nfproto ipv4 ip daddr @hash ip saddr != @small drop");
	ck_assert_str_eq(RULE(&r, nft_iface(&r.b, NFT_FIELD_IIFNAME, TEXT("vmbr0")), nft_family(&r.b, IPV6),
			      prefix(&r, NFT_FIELD_IP6_SADDR, "2001:db8::1"), nft_proto(&r.b, IPPROTO_UDP),
			      nft_to(NFT_TO_DROP)),
			 "meta l4proto udp iifname \"vmbr0\" meta nfproto ipv6 ip6 saddr 2001:db8::1 drop");
	r.b.families[0] = r.b.families[1] = NULL;
	r.b.bridge = true;
	ck_assert_str_eq(RULE(&r, nft_family(&r.b, IPV4), in_set(&r, NFT_FIELD_IP_SADDR, &r.big, NFT_OP_IN),
			      nft_proto(&r.b, IPPROTO_TCP), port(&r, 22, 22), nft_to(NFT_TO_DROP)),
			 "th dport 22 meta l4proto tcp meta protocol ip ip saddr @big drop");
	end(&r);
}
END_TEST

START_TEST(what_a_match_needs_precedes_it)
{
	struct rules r;

	start(&r);
	/* Given in an order that no pass uses. */
	ck_assert_str_eq(RULE(&r, in_set(&r, NFT_FIELD_IP_SADDR, &r.small, NFT_OP_IN), port(&r, 22, 22),
			      nft_family(&r.b, IPV4), nft_proto(&r.b, IPPROTO_TCP)),
			 "th dport 22 meta l4proto tcp meta nfproto ipv4 ip saddr @small");
	/* nft lists and reads an ICMP type as one with family and protocol. */
	ck_assert_str_eq(RULE(&r, nft_family(&r.b, IPV4), in_set(&r, NFT_FIELD_IP_SADDR, &r.small, NFT_OP_IN),
			      nft_proto(&r.b, IPPROTO_ICMP), nft_is(&r.b, NFT_FIELD_ICMP_TYPE, 8), nft_to(NFT_TO_DROP)),
			 "meta nfproto ipv4 meta l4proto icmp icmp type echo-request ip saddr @small drop");
	ck_assert_str_eq(RULE(&r, nft_is(&r.b, NFT_FIELD_ICMPV6_TYPE, 128), nft_proto(&r.b, IPPROTO_ICMPV6),
			      nft_family(&r.b, IPV6), nft_to(NFT_TO_DROP)),
			 "meta nfproto ipv6 meta l4proto icmpv6 icmpv6 type echo-request drop");
	end(&r);
}
END_TEST

START_TEST(a_single_port_precedes_the_protocol)
{
	struct rules r;

	start(&r);
	ck_assert_str_eq(RULE(&r, nft_proto(&r.b, IPPROTO_SCTP), nft_is(&r.b, NFT_FIELD_SCTP_SPORT, 9), nft_to(NFT_TO_DROP)),
			 "th sport 9 meta l4proto sctp drop");
	/* A range is two comparisons. */
	ck_assert_str_eq(RULE(&r, nft_proto(&r.b, IPPROTO_TCP), port(&r, 1, 9), nft_to(NFT_TO_DROP)),
			 "meta l4proto tcp tcp dport 1-9 drop");
	/* Flags are at their place only with TCP. */
	ck_assert_str_eq(RULE(&r, nft_proto(&r.b, IPPROTO_TCP), port(&r, 22, 22), nft_is(&r.b, NFT_FIELD_TCP_FLAGS, 2),
			      nft_to(NFT_TO_DROP)),
			 "meta l4proto tcp tcp dport 22 tcp flags syn drop");
	/* Where a port is the only match, the script does not say which protocol it is of. */
	ck_assert_str_eq(RULE(&r, port(&r, 22, 22), nft_to(NFT_TO_DROP)), "th dport 22 drop");
	end(&r);
}
END_TEST

START_TEST(equal_costs_keep_their_order)
{
	struct rules r;

	start(&r);
	ck_assert_str_eq(RULE(&r, nft_proto(&r.b, IPPROTO_UDP), nft_is(&r.b, NFT_FIELD_UDP_SPORT, 68),
			      nft_is(&r.b, NFT_FIELD_UDP_DPORT, 67), nft_to(NFT_TO_DROP)),
			 "meta l4proto udp udp sport 68 udp dport 67 drop");
	ck_assert_str_eq(RULE(&r, nft_proto(&r.b, IPPROTO_UDP), nft_is(&r.b, NFT_FIELD_UDP_DPORT, 67),
			      nft_is(&r.b, NFT_FIELD_UDP_SPORT, 68), nft_to(NFT_TO_DROP)),
			 "meta l4proto udp udp dport 67 udp sport 68 drop");
	end(&r);
}
END_TEST

START_TEST(other_statements_do_not_move)
{
	static const struct nft_limit rate = { 1, 1, 5 };
	struct rules r;
	struct nft_statement limit = { .kind = NFT_STMT_LIMIT, .limit = &rate };

	start(&r);
	ck_assert_str_eq(RULE(&r, nft_family(&r.b, IPV4), in_set(&r, NFT_FIELD_IP_SADDR, &r.big, NFT_OP_IN), limit,
			      nft_proto(&r.b, IPPROTO_TCP), nft_to(NFT_TO_DROP)),
			 "meta nfproto ipv4 ip saddr @big limit rate 1/second burst 5 packets meta l4proto tcp drop");
	ck_assert_str_eq(RULE(&r, in_set(&r, NFT_FIELD_IIFNAME, &r.hash, NFT_OP_IN), nft_counter(),
			      in_set(&r, NFT_FIELD_OIFNAME, &r.hash, NFT_OP_IN), nft_proto(&r.b, IPPROTO_TCP),
			      nft_to(NFT_TO_DROP)),
			 "iifname @hash counter meta l4proto tcp oifname @hash drop");
	ck_assert_str_eq(RULE(&r, nft_set_label(5), nft_set_mark(0), nft_proto(&r.b, IPPROTO_TCP), nft_to(NFT_TO_DROP)),
			 "ct label set 5 meta mark set meta mark & 0x3fffffff meta l4proto tcp drop");
	end(&r);
}
END_TEST

START_TEST(the_longest_rule_has_room)
{
	struct nft_statement all[NFT_STATEMENTS_MAX];
	struct rules r;

	start(&r);
	for (unsigned i = 0; i < NFT_STATEMENTS_MAX; i++)
		all[i] = in_set(&r, NFT_FIELD_IP_SADDR, i % 2 ? &r.big : &r.small, NFT_OP_IN);
	nft_order_matches(all, NFT_STATEMENTS_MAX);
	for (unsigned i = 0; i < NFT_STATEMENTS_MAX; i++)
		ck_assert_ptr_eq(all[i].match->set, i < NFT_STATEMENTS_MAX / 2 ? &r.small : &r.big);
	end(&r);
}
END_TEST

int main(void)
{
	TCase *all = tcase_create("all");

	tcase_add_test(all, costs_are_ordered_as_measured);
	tcase_add_test(all, lookups_follow_comparisons);
	tcase_add_test(all, what_a_match_needs_precedes_it);
	tcase_add_test(all, a_single_port_precedes_the_protocol);
	tcase_add_test(all, equal_costs_keep_their_order);
	tcase_add_test(all, other_statements_do_not_move);
	tcase_add_test(all, the_longest_rule_has_room);
	return run_suite("nft order", all);
}
