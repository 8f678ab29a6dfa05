/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of the language, and finding things in them. */
#include <check.h>
#include <stdlib.h>

#include "config/config.h"
#include "lang/limit_table.h"
#include "lang/tables.h"

/* Every name is found in any case; a part of it, or more, is not that name. */
START_TEST(macros)
{
	struct arena arena = { 0 };

	ck_assert_ptr_null(macro_table[macro_count].name);
	for (unsigned i = 0; i < macro_count; i++) {
		const struct macro *m = &macro_table[i];
		struct text name = text_of(m->name);

		ck_assert_ptr_eq(macro_find(name), m);
		ck_assert_ptr_eq(macro_find(arena_lower(&arena, name)), m);
		ck_assert_ptr_ne(macro_find((struct text){ name.ptr, name.len - 1 }), m);
		ck_assert_ptr_ne(macro_find((struct text){ name.ptr, name.len + 1 }), m);
		ck_assert_uint_gt(m->count, 0);
		for (unsigned n = 0; n < m->count; n++) {
			ck_assert_ptr_nonnull(m->rules[n].proto);
			ck_assert_uint_eq(m->rules[n].family_mask & ~m->family_mask, 0);
		}
	}
	ck_assert_ptr_null(macro_find(TEXT("")));
	ck_assert_ptr_null(macro_find(TEXT("zzz")));
	arena_free(&arena);
}
END_TEST

START_TEST(macro_rules)
{
	const struct macro *m = macro_find(TEXT("dhcpV6"));

	ck_assert_uint_eq(m->family_mask, IPV6);
	ck_assert_uint_eq(m->count, 1);
	ck_assert_str_eq(m->rules[0].proto, "udp");
	ck_assert_str_eq(m->rules[0].dport, "546:547");
	ck_assert_str_eq(m->rules[0].sport, "546:547");
	m = macro_find(TEXT("Amanda"));
	ck_assert_uint_eq(m->count, 2);
	ck_assert_str_eq(m->rules[1].proto, "tcp");
	ck_assert_ptr_null(m->rules[1].sport);
}
END_TEST

/* Each limit says what it is of and who sets it; an option's range ends where the tool's does. */
START_TEST(limits)
{
	for (unsigned i = 0; i < limit_count; i++) {
		ck_assert_int_gt(limit_table[i].value, 0);
		ck_assert_str_ne(limit_table[i].text, "");
		ck_assert_str_ne(limit_table[i].source, "");
	}
	ck_assert_int_eq(option_table[OPTION_HOST_PROTECTION_SYNFLOOD_BURST].most, LIMIT_SYN_BURST);
	ck_assert_int_eq(option_table[OPTION_HOST_NF_CONNTRACK_MAX].most, LIMIT_CONNTRACK_MAX);
}
END_TEST

/* As the kernel (CONFIG_HZ 250) answered to iptables-legacy. */
START_TEST(refills)
{
	ck_assert(limit_refill_fits(1, 1, 0));
	ck_assert(limit_refill_fits(1, 86400, 1));
	ck_assert(!limit_refill_fits(1, 86400, 2));
	ck_assert(!limit_refill_fits(1, 86400, 0));
	ck_assert(!limit_refill_fits(3, 86400, 0));
	ck_assert(limit_refill_fits(4, 86400, 0));
	ck_assert(limit_refill_fits(1, 3600, 37));
	ck_assert(!limit_refill_fits(1, 3600, 38));
	ck_assert(limit_refill_fits(1, 60, 2236));
	ck_assert(!limit_refill_fits(1, 60, 2237));
	ck_assert(limit_refill_fits(864000000, 86400, 10000));
}
END_TEST

START_TEST(options)
{
	enum option_id id;

	for (unsigned i = 0; i < OPTION_COUNT; i++)
		ck_assert_uint_eq(option_find(option_table[i].kind, text_of(option_table[i].key)), i);
	ck_assert_uint_eq(option_find(FILE_HOST, TEXT("NDP")), OPTION_HOST_NDP);
	ck_assert_uint_eq(option_find(FILE_CLUSTER, TEXT("ndp")), OPTION_COUNT);
	ck_assert_uint_eq(option_find(FILE_GUEST, TEXT("ndpx")), OPTION_COUNT);
	id = option_find(FILE_GUEST, TEXT("ips_queues"));
	ck_assert_uint_eq(option_table[id].offset, offsetof(struct guest_options, ips_queues));
}
END_TEST

START_TEST(words)
{
	ck_assert_uint_eq(rule_param_find(TEXT("--proto")), PARAM_PROTO);
	ck_assert_uint_eq(rule_param_find(TEXT("-p")), PARAM_PROTO);
	ck_assert_uint_eq(rule_param_find((struct text){ "-p\0", 3 }), RULE_PARAMS);
	ck_assert_uint_eq(rule_param_find(TEXT("--i")), RULE_PARAMS);
	ck_assert_uint_eq(log_level_find(TEXT("Info"), true), LOG_INFO);
	ck_assert_uint_eq(log_level_find(TEXT("Info"), false), LOG_LEVELS);
	ck_assert_uint_eq(action_find(TEXT("drop"), true), ACTION_DROP);
	ck_assert_uint_eq(action_find(TEXT("drop"), false), ACTIONS);
	ck_assert_uint_eq(direction_find(TEXT("Group")), DIRECTION_GROUP);
	ck_assert_uint_eq(direction_find(TEXT("INN")), DIRECTIONS);
	ck_assert_uint_eq(direction_find(TEXT("")), DIRECTIONS);
	ck_assert_str_eq(file_kind_name(FILE_VNET), "vnet");
	ck_assert_str_eq(section_name(SECTION_IPSET), "IPSET");
	ck_assert(!section_allowed(SECTION_GROUP, FILE_GUEST));
}
END_TEST

START_TEST(icmp_types)
{
	for (unsigned i = 0; i < icmp_count; i++)
		ck_assert_ptr_eq(icmp_type_find(icmp_table[i].family_mask, text_of(icmp_table[i].name)),
				 &icmp_table[i]);
	ck_assert_int_eq(icmp_type_find(IPV4, TEXT("redirect"))->type, 5);
	ck_assert_int_eq(icmp_type_find(IPV6, TEXT("redirect"))->type, 137);
	ck_assert_ptr_null(icmp_type_find(IPV4, TEXT("no-route")));
	ck_assert_ptr_null(icmp_type_find(IPV4, TEXT("Redirect")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tables");
	TCase *tests = tcase_create("tables");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, macros);
	tcase_add_test(tests, macro_rules);
	tcase_add_test(tests, options);
	tcase_add_test(tests, limits);
	tcase_add_test(tests, refills);
	tcase_add_test(tests, words);
	tcase_add_test(tests, icmp_types);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
