/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers beside the text of lowered rules say what the text says; packet programs are made of them. */
#include <ctype.h>
#include <glob.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "inputs/netdb.h"
#include "tree.h"
#include "xtables/meaning/xt_meaning.h"
#include "xtables/print/print.h"

static struct tree tree;

/* ---- what the tools read from the text ---- */

static unsigned read_words(struct text text, const char *const *words, const unsigned *values)
{
	char copy[80], *save;
	unsigned sum = 0;

	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARG(text));
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		unsigned i = 0;

		while (words[i] && strcmp(words[i], word) != 0)
			i++;
		ck_assert_msg(words[i] != NULL, "unknown word %s", word);
		sum |= values[i];
	}
	return sum;
}

static unsigned read_flags(struct text text)
{
	static const char *const words[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "NONE", NULL };
	static const unsigned bits[] = { 1, 2, 4, 8, 16, 32, 0 };

	return read_words(text, words, bits);
}

static int read_protocol(struct text text)
{
	uint64_t number;
	uint8_t protocol;

	if (text_is(text, "icmpv6"))
		return IPPROTO_ICMPV6;
	if (text_to_number(text, 255, &number))
		return (int)number;
	return netdb_protocol(tree.config->netdb, text, &protocol) ? protocol : -1;
}

static void check_icmp(const struct xt_match *match)
{
	const struct icmp_type *type = icmp_type_find(match->kind == XT_ICMP_TYPE ? IPV4 : IPV6, match->text);
	uint64_t number;

	if (type) {
		ck_assert_int_eq(match->icmp.type, type->type);
		ck_assert_int_eq(match->icmp.code, type->code);
	} else {
		ck_assert(text_to_number(match->text, 255, &number));
		ck_assert_int_eq(match->icmp.type, number == 255 && match->kind == XT_ICMP_TYPE ? -1 : (int)number);
		ck_assert_int_eq(match->icmp.code, -1);
	}
}

static struct xt_mark read_mark(struct text text)
{
	char copy[40];
	struct xt_mark mark;

	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARG(text));
	ck_assert_int_eq(sscanf(copy, "%x/%x", &mark.value, &mark.mask), 2);
	return mark;
}

static void check_mac(struct text text, const uint8_t mac[6])
{
	char copy[40];
	unsigned bytes[6];

	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARG(text));
	ck_assert_int_eq(sscanf(copy, "%x:%x:%x:%x:%x:%x", bytes, bytes + 1, bytes + 2, bytes + 3, bytes + 4, bytes + 5), 6);
	for (int i = 0; i < 6; i++)
		ck_assert_uint_eq(mac[i], bytes[i]);
}

static unsigned checked[XT_SYN_RATE + 1];

static void check_match(const struct xt_match *match)
{
	static const char *const states[] = { "NEW", "ESTABLISHED", "RELATED", "INVALID", NULL };
	static const unsigned state_bits[] = { XT_NEW, XT_ESTABLISHED, XT_RELATED, XT_INVALID };
	static const char *const types[] = { "BROADCAST", "MULTICAST", "ANYCAST", NULL };
	static const unsigned type_numbers[] = { RTN_BROADCAST, RTN_MULTICAST, RTN_ANYCAST };
	struct xt_mark mark;
	long space;

	checked[match->kind]++;
	switch (match->kind) {
	case XT_PROTO:
		ck_assert_int_eq(match->protocol, read_protocol(match->text));
		break;
	case XT_ICMP_TYPE:
	case XT_ICMPV6_TYPE:
		check_icmp(match);
		break;
	case XT_DST_TYPE:
	case XT_SRC_TYPE:
		ck_assert_uint_eq(match->address_type, read_words(match->text, types, type_numbers));
		break;
	case XT_CTSTATE:
		ck_assert_uint_eq(match->states, read_words(match->text, states, state_bits));
		break;
	case XT_MARK:
		mark = read_mark(match->text);
		ck_assert_uint_eq(match->mark.value, mark.value);
		ck_assert_uint_eq(match->mark.mask, mark.mask);
		break;
	case XT_NOT_MAC:
		check_mac(match->text, match->mac);
		break;
	case XT_TCP_FLAGS:
	case XT_NOT_TCP_FLAGS:
		space = text_find(match->text, ' ');
		ck_assert_int_gt(space, 0);
		ck_assert_uint_eq(match->tcp_flags.mask, read_flags((struct text){ match->text.ptr, (uint32_t)space }));
		ck_assert_uint_eq(match->tcp_flags.flags, read_flags(text_skip(match->text, (uint32_t)space + 1)));
		break;
	default:
		break;
	}
}

static void check_target(const struct xt_target *target)
{
	static const struct {
		const char *text;
		enum xt_reject reject;
	} rejects[] = {
		{ "tcp-reset", XT_REJECT_RESET },
		{ "icmp-port-unreachable", XT_REJECT_PORT_UNREACHABLE },
		{ "icmp6-port-unreachable", XT_REJECT_PORT_UNREACHABLE },
		{ "icmp-host-unreachable", XT_REJECT_HOST_UNREACHABLE },
		{ "icmp-host-prohibited", XT_REJECT_HOST_PROHIBITED },
		{ "icmp6-adm-prohibited", XT_REJECT_ADMIN_PROHIBITED },
	};
	unsigned found = 0;
	struct xt_mark mark;

	if (target->kind == XT_SET_MARK) {
		mark = read_mark(target->text);
		ck_assert_uint_eq(target->mark.value, mark.value);
		ck_assert_uint_eq(target->mark.mask, mark.mask);
	} else if (target->kind == XT_REJECT) {
		for (size_t i = 0; i < sizeof(rejects) / sizeof(rejects[0]); i++)
			if (text_is(target->text, rejects[i].text)) {
				ck_assert_uint_eq(target->reject, rejects[i].reject);
				found++;
			}
		ck_assert_uint_eq(found, 1);
	}
}

static void check_table(const struct xt_table *table)
{
	struct arena arena = { 0 };

	for (uint32_t i = 0; i < table->chain_count; i++) {
		xt_chain_fill(&arena, table, table->chains[i]);
		for (const struct xt_rule *rule = table->chains[i]->first; rule; rule = rule->next) {
			for (uint32_t n = 0; n < rule->match_count; n++)
				check_match(&rule->matches[n]);
			check_target(&rule->target);
		}
		arena_reset(&arena);
	}
	arena_free(&arena);
}

/* The number of the protocol's name in the printed rule, which ebtables takes from /etc/ethertypes. */
static void check_bridge(const struct config *config)
{
	struct eb_table table;
	uint16_t number;

	eb_lower(&table, config);
	for (uint32_t i = 0; i < table.count; i++)
		for (const struct eb_rule *rule = table.chains[i]->first; rule; rule = rule->next) {
			ck_assert_int_eq(rule->target == EB_JUMP, rule->chain != NULL);
			if (!rule->protocol.name.len)
				continue;
			ck_assert(netdb_ethertype(config->netdb, rule->protocol.name, &number));
			ck_assert_uint_eq(rule->protocol.number, number);
		}
	arena_free(&table.arena);
}

static unsigned for_each_case(void (*check)(const struct config *config))
{
	unsigned count = 0;
	glob_t found;

	ck_assert_int_eq(glob("tests/cases/*/*/root", GLOB_ONLYDIR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct arena arena = { 0 };
		const char *folder = arena_printf(&arena, "%.*s", (int)strlen(found.gl_pathv[i]) - 5, found.gl_pathv[i]);

		if (tree_load(&tree, found.gl_pathv[i], case_option(&arena, folder, "--node"),
			      case_option(&arena, folder, "--local-network"))) {
			check(tree.config);
			count++;
		}
		tree_free(&tree);
		arena_free(&arena);
	}
	globfree(&found);
	return count;
}

static void check_numbers(const struct config *config)
{
	struct arena arena = { 0 };

	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++) {
		check_table(xt_lower_filter(&arena, config, family_mask));
		check_table(xt_lower_raw(&arena, config, family_mask));
	}
	check_bridge(config);
	arena_free(&arena);
}

START_TEST(numbers_are_what_the_text_says)
{
	static const enum xt_match_kind kinds[] = { XT_PROTO,	XT_ICMP_TYPE, XT_ICMPV6_TYPE, XT_DST_TYPE,
						    XT_SRC_TYPE, XT_CTSTATE,  XT_MARK,	      XT_NOT_MAC,
						    XT_TCP_FLAGS, XT_NOT_TCP_FLAGS };

	ck_assert_uint_gt(for_each_case(check_numbers), 80);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		ck_assert_msg(checked[kinds[i]] > 0, "no case has a match of kind %d", kinds[i]);
}
END_TEST

/* ---- programs ---- */

static unsigned jumps, shared;

static void check_chain(const struct model_chain *chain, unsigned depth)
{
	ck_assert_uint_lt(depth, 10);
	shared += !chain->of_path;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];

		for (uint32_t n = 0; n < step->match_count; n++)
			for (uint32_t r = 0; r < step->matches[n].values.count; r++)
				ck_assert_int_le(number_compare(step->matches[n].values.ranges[r].first,
								step->matches[n].values.ranges[r].last), 0);
		if (step->effect != MODEL_JUMP && step->effect != MODEL_GOTO)
			continue;
		jumps++;
		ck_assert_ptr_nonnull(step->to);
		ck_assert(chain->of_path || !step->to->of_path);
		check_chain(step->to, depth + 1);
	}
}

static void check_programs(const struct config *config)
{
	struct arena arena = { 0 };
	struct model_ifaces ifaces = path_ifaces(&arena, config);
	struct translator *t = xt_meaning(config, &ifaces);
	struct path_walk walk = { .config = config, .pairs = 20 };
	struct path path;

	while (path_walk_next(&walk, &arena, &path)) {
		const struct model_program *program = translator_program(t, &arena, &path);

		if (!config_enabled(config))
			ck_assert_uint_eq(program->count, 0);
		for (uint32_t i = 0; i < program->count; i++)
			check_chain(program->stages[i].chain, 0);
	}
	translator_close(t);
	arena_free(&arena);
}

START_TEST(programs_are_whole)
{
	ck_assert_uint_gt(for_each_case(check_programs), 80);
	ck_assert_uint_gt(jumps, 1000);
	ck_assert_uint_gt(shared, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xt_meaning");
	TCase *tcase = tcase_create("xt_meaning");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, numbers_are_what_the_text_says);
	tcase_add_test(tcase, programs_are_whole);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
