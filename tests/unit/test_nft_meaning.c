/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lowered rules as packet programs.  A program is run with one packet here, step by step; what many packets do is the
 * model's affair.
 */
#include <stdlib.h>

#include "fixture.h"
#include "model/packet_model.h"
#include "nft/lower/passes.h"
#include "nft_faults.h"
#include "tree.h"

/* Two tables while they are built, and one path. */
struct bench {
	struct arena arena;
	struct config config;
	struct nft_ruleset ruleset;
	struct nft_table tables[NFT_TABLES];
	struct nft_builder builder[NFT_TABLES];
	struct text names[4];
	struct model_ifaces ifaces;
	struct translator *translator; /* opened when the tables are built */
	struct path path;
	struct number packet[MODEL_FIELDS];
	uint32_t mark, logs;
	const char *implied; /* of the step that decided */
};

static void bench_start(struct bench *b)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nft_table *table = &b->tables[i];

		table->last_helper = &table->helpers;
		table->last_set = &table->sets;
		table->last_chain = &table->chains;
		b->ruleset.tables[i] = table;
		b->builder[i] = (struct nft_builder){ .arena = &b->arena, .drafts = &b->arena, .config = &b->config,
						      .table = table, .bridge = i == NFT_BRIDGE };
	}
	b->names[0] = TEXT("lo");
	b->names[1] = TEXT("vmbr1");
	b->ifaces = (struct model_ifaces){ b->names, 2 };
	b->path.count = 1;
	b->path.passes[0] = (struct path_pass){ .hook = PATH_BRIDGE, .bridge = TEXT("vmbr0"), .in = TEXT("eth0"),
						.out = TEXT("tap100i0") };
	memcpy(b->path.passes[0].dest_mac, mac, 6);
	b->packet[MODEL_ETHERTYPE] = number_small(ETH_P_IP);
	b->packet[MODEL_PROTOCOL] = number_small(IPPROTO_TCP);
}

static void bench_end(struct bench *b)
{
	translator_close(b->translator);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		nft_forget_sets(&b->builder[i]);
		nft_forget_shared(&b->builder[i]);
		arena_free(&b->builder[i].scratch);
	}
	arena_free(&b->arena);
}

/* ---- running a program ---- */

enum { RAN_OFF = 100 }; /* the end of a chain, or RETURN */

static bool has(const struct interval_set *set, struct number n)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (number_compare(set->ranges[i].first, n) <= 0 && number_compare(n, set->ranges[i].last) <= 0)
			return true;
	return false;
}

static bool step_matches(const struct bench *b, const struct model_step *step)
{
	for (uint32_t i = 0; i < step->match_count; i++)
		if (has(&step->matches[i].values, b->packet[step->matches[i].field]) == step->matches[i].negated)
			return false;
	return !step->mark_mask || ((b->mark & step->mark_mask) == step->mark_value) != step->mark_negated;
}

/* The effect that ended it. */
static unsigned run_chain(struct bench *b, const struct model_chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];
		unsigned result;

		if (!step_matches(b, step))
			continue;
		switch (step->effect) {
		case MODEL_MARK:
			b->mark = (b->mark & step->mark.keep) | step->mark.bits;
			break;
		case MODEL_LOG:
			b->logs++;
			break;
		case MODEL_RETURN:
			return RAN_OFF;
		case MODEL_JUMP:
			result = run_chain(b, step->to);
			if (result != RAN_OFF)
				return result;
			break;
		case MODEL_GOTO:
			return run_chain(b, step->to);
		default:
			b->implied = step->implied;
			return step->effect;
		}
	}
	return RAN_OFF;
}

static const struct model_program *bench_program(struct bench *b)
{
	if (!b->translator)
		b->translator = nft_meaning_of(&b->ruleset, &b->ifaces);
	return translator_program(b->translator, &b->arena, &b->path);
}

/* MODEL_ACCEPT: it has passed. */
static unsigned bench_run(struct bench *b)
{
	const struct model_program *program = bench_program(b);

	b->mark = b->logs = 0;
	for (uint32_t i = 0; i < program->count; i++) {
		unsigned result = run_chain(b, program->stages[i].chain);

		if (result != RAN_OFF && result != MODEL_ACCEPT)
			return result;
	}
	return MODEL_ACCEPT;
}

/* ---- what rules ask ---- */

static struct nft_chain *bridge_chain(struct bench *b, enum nft_hook hook, int32_t priority)
{
	return nft_base_chain(&b->builder[NFT_BRIDGE], "base", hook, priority);
}

/* A list of interfaces, each with a chain that drops. */
static void add_dropped(struct bench *b, struct nft_list *list, const char *iface, enum nft_verdict_kind kind)
{
	struct nft_builder *builder = &b->builder[NFT_BRIDGE];
	struct nft_chain *chain = nft_chain_add(builder, text_of(iface));

	NFT_RULE(builder, chain, nft_to(NFT_TO_DROP));
	nft_list_add_iface(builder, list, text_of(iface))->verdict = (struct nft_verdict){ kind, chain };
}

START_TEST(stages_are_in_order_of_priority)
{
	struct bench b;
	const struct model_program *program;
	struct nft_chain *late, *early, *forward;

	bench_start(&b);
	late = bridge_chain(&b, NFT_HOOK_PREROUTING, 1);
	early = bridge_chain(&b, NFT_HOOK_PREROUTING, -10);
	forward = bridge_chain(&b, NFT_HOOK_FORWARD, 0);
	bridge_chain(&b, NFT_HOOK_INPUT, 0);
	late->name = TEXT("late");
	early->name = TEXT("early");
	forward->name = TEXT("forward");
	NFT_RULE(&b.builder[NFT_BRIDGE], early, nft_to(NFT_TO_ACCEPT));
	NFT_RULE(&b.builder[NFT_BRIDGE], forward, nft_to(NFT_TO_DROP));
	program = bench_program(&b);
	ck_assert_uint_eq(program->count, 3);
	ck_assert_text(program->stages[0].chain->name, "early");
	ck_assert_text(program->stages[1].chain->name, "late");
	ck_assert_str_eq(program->stages[2].name, "vmbr0 forward");
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	/* A frame to the host is not forwarded. */
	b.path.passes[0].out.len = 0;
	ck_assert_uint_eq(bench_program(&b)->count, 3);
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	bench_end(&b);
}
END_TEST

START_TEST(map_folds_to_one_verdict)
{
	struct bench b;
	struct nft_list list = { .items = NULL };
	struct nft_chain *chain;

	bench_start(&b);
	chain = bridge_chain(&b, NFT_HOOK_POSTROUTING, 0);
	add_dropped(&b, &list, "tap100i0", NFT_TO_GOTO);
	for (unsigned i = 101; i < 1100; i++)
		add_dropped(&b, &list, arena_printf(&b.arena, "tap%ui0", i), NFT_TO_GOTO);
	NFT_RULE(&b.builder[NFT_BRIDGE], chain,
		 nft_vmap(&b.builder[NFT_BRIDGE], NFT_FIELD_OIFNAME, nft_map_of(&b.builder[NFT_BRIDGE], "to", 1, &list)));
	ck_assert_uint_eq(bench_program(&b)->stages[0].chain->count, 1);
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	b.path.passes[0].out = TEXT("tap99i0"); /* the map falls through */
	ck_assert_uint_eq(bench_program(&b)->stages[0].chain->count, 0);
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	bench_end(&b);
}
END_TEST

START_TEST(map_of_pairs_needs_both)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct nft_list list = { .items = NULL };
	struct nft_chain *chain, *to;

	bench_start(&b);
	chain = bridge_chain(&b, NFT_HOOK_PREROUTING, 0);
	to = nft_chain_add(builder, TEXT("to"));
	NFT_RULE(builder, to, nft_to(NFT_TO_DROP));
	nft_list_add(builder, &list, nft_iface_value(TEXT("vmbr0"), false), nft_bytes(b.path.passes[0].dest_mac, 6))->verdict =
		(struct nft_verdict){ NFT_TO_GOTO, to };
	NFT_RULE(builder, chain, nft_vmap_pair(builder, NFT_FIELD_IBRNAME, NFT_FIELD_ETHER_DADDR,
					       nft_map_of(builder, "macs", 2, &list)));
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	b.path.passes[0].dest_mac[5] = 9;
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	b.path.passes[0].dest_mac[5] = 1;
	b.path.passes[0].bridge = TEXT("vmbr1");
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	bench_end(&b);
}
END_TEST

/* `iifname . ip saddr & M @set`: of the interface's own networks. */
START_TEST(set_of_pairs_asks_the_second_key)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	const uint8_t ours[4] = { 10, 0, 0, 0 }, theirs[4] = { 10, 1, 0, 0 };

	for (unsigned in = 0; in < 2; in++) {
		struct nft_key key = { .field = NFT_FIELD_IP_SADDR, .masked = true, .mask = { 4, { 255, 255 } } };
		struct nft_list list = { .items = NULL };
		struct nft_draft d = { .count = 0 };
		struct nft_chain *chain;

		bench_start(&b);
		chain = bridge_chain(&b, NFT_HOOK_PREROUTING, 0);
		nft_list_add(builder, &list, nft_iface_value(TEXT("eth0"), false), nft_bytes(ours, 4));
		nft_list_add(builder, &list, nft_iface_value(TEXT("eth1"), false), nft_bytes(theirs, 4));
		nft_draft_pair(builder, &d, "pairs", NFT_FIELD_IIFNAME, key, &list, in);
		nft_draft_end(builder, chain, &d, nft_to(NFT_TO_DROP));
		b.packet[MODEL_SOURCE4] = number_small(0x0a00ffff);
		ck_assert_uint_eq(bench_run(&b), in ? MODEL_DROP : MODEL_ACCEPT);
		b.packet[MODEL_SOURCE4] = number_small(0x0a010000);
		ck_assert_uint_eq(bench_run(&b), in ? MODEL_ACCEPT : MODEL_DROP);
		b.path.passes[0].in = TEXT("eth1");
		ck_assert_uint_eq(bench_run(&b), in ? MODEL_DROP : MODEL_ACCEPT);
		b.path.passes[0].in = TEXT("eth2"); /* in no pair */
		ck_assert_uint_eq(bench_run(&b), in ? MODEL_ACCEPT : MODEL_DROP);
		bench_end(&b);
	}
}
END_TEST

START_TEST(states_and_labels)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct nft_labels labels = nft_labels_of(TEXT("tap100i0"));
	struct nft_statement asked[4];
	static const struct {
		unsigned statement;
		unsigned states; /* that match, as bits of enum model_state */
	} rows[] = {
		{ 0, 1u << MODEL_STATE_INVALID | 1u << MODEL_STATE_UNTRACKED },
		{ 1, 1u << MODEL_STATE_ESTABLISHED | 1u << MODEL_STATE_RELATED },
		{ 2, 1u << MODEL_STATE_NEW },
		{ 3, 1u << MODEL_STATE_ESTABLISHED | 1u << MODEL_STATE_RELATED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_start(&b);
		asked[0] = nft_ct_state(builder, CT_INVALID | 64);
		asked[1] = nft_label_is(builder, NFT_OP_FLAGS, LABEL_BEGUN);
		asked[2] = nft_label_is(builder, NFT_OP_NO_FLAGS, LABEL_BEGUN);
		asked[3] = nft_has_labels(builder, &labels);
		NFT_RULE(builder, bridge_chain(&b, NFT_HOOK_FORWARD, 0), asked[rows[i].statement], nft_to(NFT_TO_DROP));
		for (unsigned state = 0; state < MODEL_STATES; state++) {
			b.packet[MODEL_STATE] = number_small(state);
			ck_assert_uint_eq(bench_run(&b), rows[i].states & 1u << state ? MODEL_DROP : MODEL_ACCEPT);
		}
		bench_end(&b);
	}
}
END_TEST

START_TEST(masks_are_exact)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	const uint8_t all = TH_FIN | TH_SYN | TH_RST | TH_ACK;

	for (unsigned op = NFT_OP_EQ; op <= NFT_OP_NE; op++) {
		bench_start(&b);
		NFT_RULE(builder, bridge_chain(&b, NFT_HOOK_FORWARD, 0), nft_proto(builder, IPPROTO_TCP),
			 nft_masked(builder, NFT_FIELD_TCP_FLAGS, all, op, TH_SYN), nft_to(NFT_TO_DROP));
		for (unsigned flags = 0; flags < 256; flags++) {
			b.packet[MODEL_TCP_FLAGS] = number_small(flags);
			ck_assert_uint_eq(bench_run(&b),
					  ((flags & all) == TH_SYN) == (op == NFT_OP_EQ) ? MODEL_DROP : MODEL_ACCEPT);
		}
		b.packet[MODEL_PROTOCOL] = number_small(IPPROTO_UDP);
		ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
		bench_end(&b);
	}
}
END_TEST

START_TEST(addresses_and_ports)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_INET];
	struct prefix net4, net6;
	struct nft_chain *chain;

	bench_start(&b);
	b.path.passes[0] = (struct path_pass){ .hook = PATH_INPUT };
	chain = nft_base_chain(builder, "host-in", NFT_HOOK_INPUT, 0);
	ck_assert_int_eq(prefix_parse(TEXT("10.0.0.0/12"), &net4), 0);
	ck_assert_int_eq(prefix_parse(TEXT("2001:db8::/33"), &net6), 0);
	NFT_RULE(builder, chain, nft_family(builder, IPV4), nft_prefix(builder, NFT_FIELD_IP_SADDR, &net4),
		 nft_ports(builder, NFT_FIELD_TCP_DPORT, (struct port_range){ 5900, 5999 }), nft_to(NFT_TO_DROP));
	NFT_RULE(builder, chain, nft_family(builder, IPV6), nft_prefix(builder, NFT_FIELD_IP6_DADDR, &net6), nft_to(NFT_TO_DROP));
	b.packet[MODEL_SOURCE4] = number_small(0x0a0fffff);
	b.packet[MODEL_DPORT] = number_small(5999);
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	b.packet[MODEL_DPORT] = number_small(6000);
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	b.packet[MODEL_DPORT] = number_small(5900);
	b.packet[MODEL_SOURCE4] = number_small(0x0a100000);
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	b.packet[MODEL_ETHERTYPE] = number_small(ETH_P_IPV6);
	b.packet[MODEL_DEST6] = (struct number){ 0x20010db87fffffff, UINT64_MAX };
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	b.packet[MODEL_DEST6] = (struct number){ 0x20010db880000000, 0 };
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	bench_end(&b);
}
END_TEST

/* ---- what rules do ---- */

/* A rule that asks for the mark, changes it and leads elsewhere does all of it. */
START_TEST(mark_changes_after_it_was_asked)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct nft_chain *chain, *later;

	bench_start(&b);
	chain = bridge_chain(&b, NFT_HOOK_PREROUTING, 0);
	later = bridge_chain(&b, NFT_HOOK_FORWARD, 0);
	NFT_RULE(builder, chain, nft_mark_is(builder, 0), nft_set_mark(MARK_REJECT), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(builder, chain, nft_to(NFT_TO_DROP));
	NFT_RULE(builder, later, nft_masked(builder, NFT_FIELD_MARK, MARK_BITS, NFT_OP_NE, MARK_REJECT), nft_to(NFT_TO_DROP));
	NFT_RULE(builder, later, (struct nft_statement){ .kind = NFT_STMT_QUEUE, .queue = { 3, 5 } });
	ck_assert_uint_eq(bench_run(&b), MODEL_QUEUE);
	ck_assert_uint_eq(b.mark, MARK_REJECT);
	bench_end(&b);
}
END_TEST

/* RETURN in such a rule ends the chain, not only what the rule does. */
START_TEST(return_after_a_mark)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct nft_chain *chain, *called;

	bench_start(&b);
	chain = bridge_chain(&b, NFT_HOOK_PREROUTING, 0);
	called = nft_chain_add(builder, TEXT("called"));
	NFT_RULE(builder, called, nft_mark_is(builder, 0), nft_set_mark(MARK_ACCEPTED), nft_to(NFT_TO_RETURN));
	NFT_RULE(builder, called, nft_to(NFT_TO_DROP));
	NFT_RULE(builder, chain, nft_to_chain(NFT_TO_JUMP, called));
	NFT_RULE(builder, chain, nft_mark_is(builder, MARK_ACCEPTED), (struct nft_statement){ .kind = NFT_STMT_QUEUE });
	ck_assert_uint_eq(bench_run(&b), MODEL_QUEUE);
	bench_end(&b);
}
END_TEST

START_TEST(group_frames_are_not_answered)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct nft_chain *chain;

	bench_start(&b);
	chain = nft_chain_add(builder, TEXT("do-reject"));
	nft_reject_rules(builder, chain);
	NFT_RULE(builder, bridge_chain(&b, NFT_HOOK_PREROUTING, 0), nft_to_chain(NFT_TO_GOTO, chain));
	ck_assert_uint_eq(bench_run(&b), MODEL_REJECT);
	memset(b.path.passes[0].dest_mac, 0xff, 6);
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	b.packet[MODEL_ETHERTYPE] = number_small(ETH_P_IPV6);
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	bench_end(&b);
}
END_TEST

/* What a rule of a form that lowering does not make would do is not decided; nothing crashes. */
static void check_unknown(struct nft_statement asked)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct model *m;
	struct model_digests *digests = model_digests_new();
	struct model_digest digest;
	const struct model_program *program;
	struct model_packet packet = { .value = { [MODEL_ETHERTYPE] = number_small(ETH_P_IP) } };
	const struct model_walk walk = { .live = 0 };
	struct model_outcome outcome;

	bench_start(&b);
	NFT_RULE(builder, bridge_chain(&b, NFT_HOOK_PREROUTING, 0), asked, asked, nft_to(NFT_TO_DROP));
	program = bench_program(&b);
	ck_assert(!model_follow(&b.arena, program, &packet, &walk, &outcome));
	digest = model_program_hash(digests, program);
	model_digests_forget(digests);
	ck_assert(!model_digest_equal(model_program_hash(digests, program), digest));
	m = model_new(&b.ifaces, (struct model_budget){ 0, 0 });
	model_add(m, program);
	model_seal(m);
	model_walk(m, program, &(struct model_walk){ .live = model_world(m) });
	ck_assert(model_over(m, NULL) && model_is_unknown(m));
	model_free(m);
	model_digests_free(digests);
	bench_end(&b);
}

START_TEST(unknown_forms_are_not_decided)
{
	struct arena arena = { .chunks = NULL };
	struct nft_builder b = { .arena = &arena };

	check_unknown(nft_mark_is(&b, MARK_ACCEPTED));
	check_unknown(nft_compare(&b, NFT_FIELD_TCP_FLAGS, NFT_OP_FLAGS, nft_number(NFT_TYPE_TCP_FLAG, 2)));
	check_unknown(nft_is(&b, NFT_FIELD_CT_STATE, 1));
	nft_forget_shared(&b);
	arena_free(&arena);
}
END_TEST

START_TEST(limits)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_INET];
	struct nft_chain *chain;
	struct nft_place place = { .accept = nft_to(NFT_TO_ACCEPT) };
	static const struct nft_draft always;

	bench_start(&b);
	b.path.passes[0] = (struct path_pass){ .hook = PATH_INPUT };
	b.config.host_options.protection_synflood = true;
	chain = nft_base_chain(builder, "prerouting", NFT_HOOK_PREROUTING, -10);
	nft_prerouting(builder, chain);
	place.chain = nft_base_chain(builder, "host-in", NFT_HOOK_INPUT, 0);
	b.config.cluster_options.log_ratelimit.rate = TEXT("1/second");
	nft_log_add(builder, &place, place.chain, &always, LOG_INFO, "DROP: ");
	b.packet[MODEL_TCP_FLAGS] = number_small(TH_SYN);
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	ck_assert_uint_eq(b.logs, 1); /* its limit is not asked */
	b.packet[MODEL_OVER_LIMIT] = number_small(1);
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	ck_assert_str_eq(b.implied, implied_phrase(IMPLIED_SYNFLOOD));
	b.packet[MODEL_TCP_FLAGS] = number_small(TH_ACK);
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	bench_end(&b);
}
END_TEST

/* Of a path from anywhere to the host the interface is a field of the packet. */
START_TEST(any_interface_is_asked)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_INET];
	struct nft_list list = { .items = NULL };
	struct nft_chain *chain, *vnet;

	bench_start(&b);
	b.path.passes[0] = (struct path_pass){ .hook = PATH_INPUT };
	chain = nft_base_chain(builder, "host-in", NFT_HOOK_INPUT, 0);
	vnet = nft_chain_add(builder, TEXT("vnet"));
	NFT_RULE(builder, vnet, nft_to(NFT_TO_DROP));
	nft_list_add_iface(builder, &list, TEXT("vmbr1"))->verdict = (struct nft_verdict){ NFT_TO_GOTO, vnet };
	NFT_RULE(builder, chain, nft_iface(builder, NFT_FIELD_IIFNAME, TEXT("lo")),
		 (struct nft_statement){ .kind = NFT_STMT_QUEUE });
	NFT_RULE(builder, chain, nft_vmap(builder, NFT_FIELD_IIFNAME, nft_map_of(builder, "vnets", 1, &list)));
	NFT_RULE(builder, chain, nft_iface(builder, NFT_FIELD_IIFNAME, TEXT("eth7")), nft_to(NFT_TO_DROP)); /* not named */
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	b.packet[MODEL_IFACE] = number_small(1);
	ck_assert_uint_eq(bench_run(&b), MODEL_QUEUE);
	b.packet[MODEL_IFACE] = number_small(2);
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	/* Of a path from a bridge it is not. */
	b.path.passes[0].in = TEXT("vmbr0");
	ck_assert_uint_eq(bench_run(&b), MODEL_ACCEPT);
	b.path.passes[0].in = TEXT("vmbr1");
	ck_assert_uint_eq(bench_run(&b), MODEL_DROP);
	bench_end(&b);
}
END_TEST

/* ---- sharing ---- */

START_TEST(chains_are_shared_where_they_can)
{
	struct bench b;
	struct nft_builder *builder = &b.builder[NFT_BRIDGE];
	struct nft_chain *base, *shared, *of_path, *labels;
	struct nft_list keep = { .items = NULL };
	const struct model_chain *first, *second;

	bench_start(&b);
	base = bridge_chain(&b, NFT_HOOK_FORWARD, 0);
	shared = nft_chain_add(builder, TEXT("shared"));
	of_path = nft_chain_add(builder, TEXT("of-path"));
	labels = nft_chain_add(builder, TEXT("keep-a"));
	NFT_RULE(builder, labels, nft_set_label(LABEL_BEGUN));
	nft_list_add_iface(builder, &keep, TEXT("tap100i0"))->verdict = (struct nft_verdict){ NFT_TO_JUMP, labels };
	/* A map that only labels connections depends on no path. */
	NFT_RULE(builder, shared, nft_vmap(builder, NFT_FIELD_OIFNAME, nft_map_of(builder, "keep-a", 1, &keep)));
	NFT_RULE(builder, shared, nft_to(NFT_TO_DROP));
	NFT_RULE(builder, of_path, nft_iface(builder, NFT_FIELD_IIFNAME, TEXT("eth0")), nft_to_chain(NFT_TO_GOTO, shared));
	NFT_RULE(builder, base, nft_to_chain(NFT_TO_JUMP, of_path));
	NFT_RULE(builder, base, nft_to_chain(NFT_TO_JUMP, shared));
	first = bench_program(&b)->stages[0].chain;
	ck_assert_uint_eq(first->count, 2);
	ck_assert(first->of_path && first->steps[0].to->of_path && !first->steps[1].to->of_path);
	ck_assert_ptr_eq(first->steps[0].to->steps[0].to, first->steps[1].to);
	ck_assert_uint_eq(first->steps[1].to->count, 1);
	b.path.passes[0].in = TEXT("eth1");
	second = bench_program(&b)->stages[0].chain;
	ck_assert_uint_eq(second->count, 1); /* a jump to a chain without steps is none */
	ck_assert_ptr_eq(second->steps[0].to, first->steps[1].to);
	bench_end(&b);
}
END_TEST

/* ---- planted faults ---- */

/* A packet of any path about which the two differ; NULL: none. */
static const char *find_difference(struct arena *arena, const struct config *config, const struct model_ifaces *ifaces,
				   struct translator *right, struct translator *wrong)
{
	struct path_walk walk = { .config = config, .pairs = 4 };
	struct path path;
	const char *text = NULL;

	while (!text && path_walk_next(&walk, arena, &path)) {
		const struct model_program *programs[] = { translator_program(right, arena, &path),
							   translator_program(wrong, arena, &path) };
		struct model *m = model_new(ifaces, (struct model_budget){ 0, 0 });
		struct model_result results[2];
		struct model_packet packet;

		model_add(m, programs[0]);
		model_add(m, programs[1]);
		model_seal(m);
		for (unsigned i = 0; i < 2; i++)
			results[i] = model_walk(m, programs[i], &(struct model_walk){ .live = model_world(m) });
		if (model_pick(m, model_result_xor(m, &results[0], &results[1]), &packet))
			text = model_packet_text(arena, m, &packet);
		model_free(m);
	}
	return text;
}

START_TEST(planted_faults_are_found)
{
	struct tree tree;
	struct arena arena = { 0 };
	struct model_ifaces ifaces;

	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	ifaces = path_ifaces(&arena, tree.config);
	for (size_t i = 0; i < NFT_FAULTS; i++) {
		const char *packet = NULL;
		bool planted = true;

		for (unsigned skip = 0; planted && !packet; skip++) {
			const struct nft_ruleset *ruleset = nft_lower(&arena, tree.config);
			struct translator *right = nft_meaning(tree.config, &ifaces), *wrong;

			planted = nft_fault_plant(&arena, &nft_faults[i], skip, ruleset);
			wrong = nft_meaning_of(ruleset, &ifaces);
			packet = find_difference(&arena, tree.config, &ifaces, right, wrong);
			ck_assert(planted || !packet); /* without a fault the two are the same */
			translator_close(right);
			translator_close(wrong);
		}
		ck_assert_msg(packet != NULL, "%s: not found", nft_faults[i].name);
	}
	arena_free(&arena);
	tree_free(&tree);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("nft_meaning");

	tcase_add_test(tcase, stages_are_in_order_of_priority);
	tcase_add_test(tcase, map_folds_to_one_verdict);
	tcase_add_test(tcase, map_of_pairs_needs_both);
	tcase_add_test(tcase, set_of_pairs_asks_the_second_key);
	tcase_add_test(tcase, states_and_labels);
	tcase_add_test(tcase, masks_are_exact);
	tcase_add_test(tcase, addresses_and_ports);
	tcase_add_test(tcase, mark_changes_after_it_was_asked);
	tcase_add_test(tcase, return_after_a_mark);
	tcase_add_test(tcase, group_frames_are_not_answered);
	tcase_add_test(tcase, unknown_forms_are_not_decided);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, any_interface_is_asked);
	tcase_add_test(tcase, chains_are_shared_where_they_can);
	tcase_add_test(tcase, planted_faults_are_found);
	return run_suite("nft_meaning", tcase);
}
