/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules in one spelling: what iptables-save prints is what we printed, and nothing else is. */
#include <check.h>
#include <stdlib.h>

#include "xtables/load/xt_state.h"

static struct out a, b;

static void setup(void)
{
	out_init_memory(&a);
	out_init_memory(&b);
}

static void teardown(void)
{
	out_free(&a);
	out_free(&b);
}

static bool same(unsigned family_mask, const char *ours, const char *saved)
{
	struct xt_canonical *c = xt_canonical_new(family_mask);
	bool equal;

	a.len = b.len = 0;
	xt_canonical_lines(c, &a, text_of(ours));
	xt_canonical_lines(c, &b, text_of(saved));
	xt_canonical_free(c);
	equal = a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
	return equal;
}

START_TEST(spellings_of_one_rule)
{
	static const struct {
		unsigned family_mask;
		const char *ours, *saved;
	} pairs[] = {
		{ IPV4, "-A x -p tcp --dport 80 -j ACCEPT", "-A x -p tcp -m tcp --dport 80 -j ACCEPT" },
		{ IPV4, "-A x -p tcp --dport http -j ACCEPT", "-A x -p tcp -m tcp --dport 80 -j ACCEPT" },
		{ IPV4, "-A x -p tcp --dport 80:80 -j ACCEPT", "-A x -p tcp -m tcp --dport 80 -j ACCEPT" },
		{ IPV4, "-A x -s 10.1.2.3/8 -j DROP", "-A x -s 10.0.0.0/8 -j DROP" },
		{ IPV4, "-A x -s 10.0.0.1 -j DROP", "-A x -s 10.0.0.1/32 -j DROP" },
		{ IPV4, "-A x -s 0.0.0.0/0 -j DROP", "-A x -j DROP" },
		{ IPV4, "-A x -s 10.0.0.1,10.0.0.2 -d 1.1.1.1,2.2.2.2 -j DROP",
		  "-A x -s 10.0.0.1/32 -d 1.1.1.1/32 -j DROP\n-A x -s 10.0.0.1/32 -d 2.2.2.2/32 -j DROP\n"
		  "-A x -s 10.0.0.2/32 -d 1.1.1.1/32 -j DROP\n-A x -s 10.0.0.2/32 -d 2.2.2.2/32 -j DROP\n" },
		{ IPV6, "-A x -s 2001:DB8:0::1 -j DROP", "-A x -s 2001:db8::1/128 -j DROP" },
		{ IPV4, "-A x -p icmp -m icmp --icmp-type echo-request -j ACCEPT", "-A x -p icmp -m icmp --icmp-type 8 -j ACCEPT" },
		{ IPV6, "-A x -p icmpv6 --icmpv6-type router-solicitation -j ACCEPT",
		  "-A x -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j ACCEPT" },
		{ IPV4, "-A x -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		  "-A x -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT" },
		{ IPV4, "-A x -j MARK --set-mark 0x80000000/0x80000000", "-A x -j MARK --set-xmark 0x80000000/0x80000000" },
		{ IPV4, "-A x -j CONNMARK --set-mark 100", "-A x -j CONNMARK --set-xmark 0x64/0xffffffff" },
		{ IPV4, "-A x -m limit --limit 60/minute --limit-burst 5 -j DROP", "-A x -m limit --limit 1/sec -j DROP" },
		{ IPV4, "-A x -j NFQUEUE --queue-bypass", "-A x -j NFQUEUE --queue-num 0 --queue-bypass" },
		{ IPV4, "-A x -m mac ! --mac-source 02:00:00:00:AB:01 -j DROP", "-A x -m mac ! --mac-source 02:00:00:00:ab:01 -j DROP" },
		{ IPV4, "-A x -m comment --comment \"PVESIG:a b\"", "-A x -m comment --comment \"PVESIG:a b\"" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		ck_assert_msg(same(pairs[i].family_mask, pairs[i].ours, pairs[i].saved), "%s\n%s\n%.*s\n%.*s", pairs[i].ours,
			      pairs[i].saved, (int)a.len, a.data, (int)b.len, b.data);
}
END_TEST

START_TEST(other_rules)
{
	static const char *const pairs[][2] = {
		{ "-A x -p tcp --dport 80 -j ACCEPT", "-A x -p tcp --dport 81 -j ACCEPT" },
		{ "-A x -p tcp --dport 80 -j ACCEPT", "-A x -p udp --dport 80 -j ACCEPT" },
		{ "-A x -p tcp --dport 80 -j ACCEPT", "-A x -p tcp --sport 80 -j ACCEPT" },
		{ "-A x -p tcp --dport 80 -j ACCEPT", "-A x -p tcp ! --dport 80 -j ACCEPT" },
		{ "-A x -p tcp --dport 80 -j ACCEPT", "-A x -p tcp --dport 80 -j DROP" },
		{ "-A x -p tcp -j ACCEPT", "-A x -p tcp -m socket -j ACCEPT" },
		{ "-A x -i a -j ACCEPT", "-A x -o a -j ACCEPT" },
		{ "-A x -s 10.0.0.0/8 -j DROP", "-A x -s 10.0.0.0/9 -j DROP" },
		{ "-A x -s 10.0.0.0/8 -j DROP", "-A x ! -s 10.0.0.0/8 -j DROP" },
		{ "-A x -s 10.0.0.0/8 -j DROP", "-A x -d 10.0.0.0/8 -j DROP" },
		{ "-A x -m set --match-set PVEFW-0-a-v4 src -j DROP", "-A x -m set --match-set PVEFW-0-a-v4 dst -j DROP" },
		{ "-A x -m set --match-set PVEFW-0-a-v4 src -j DROP", "-A x -m set ! --match-set PVEFW-0-a-v4 src -j DROP" },
		{ "-A x -m limit --limit 1/sec -j DROP", "-A x -m limit --limit 1/min -j DROP" },
		{ "-A x -m limit --limit 1/sec -j DROP", "-A x -m limit --limit 1/sec --limit-burst 6 -j DROP" },
		{ "-A x -m mark --mark 0x1 -j DROP", "-A x -m mark --mark 0x1/0x1 -j DROP" },
		{ "-A x -j ACCEPT", "-A x -g ACCEPT" },
		{ "-A x -i a -j ACCEPT", "-A x -m comment --comment \"a 9:-j ACCEPT\" -i a" },
		{ "-A x -j ACCEPT\n-A x -j DROP\n", "-A x -j DROP\n-A x -j ACCEPT\n" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		ck_assert_msg(!same(IPV4, pairs[i][0], pairs[i][1]), "%s\n%s", pairs[i][0], pairs[i][1]);
}
END_TEST

/* More words or options than there is room for: the text is compared. */
START_TEST(too_long)
{
	char long_rule[4096] = "-A x";

	for (unsigned i = 0; i < 200; i++)
		strcat(long_rule, " -m socket");
	ck_assert(same(IPV4, long_rule, long_rule));
	ck_assert(!same(IPV4, long_rule, "-A x -m socket"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xt_canonical");
	TCase *tests = tcase_create("xt_canonical");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, spellings_of_one_rule);
	tcase_add_test(tests, other_rules);
	tcase_add_test(tests, too_long);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
