/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dictionary NAME: the words of the language for the fuzzer of that name, in
 * libFuzzer's form, from the compiler's own tables.
 */
#include <stdio.h>
#include <string.h>

#include "fwtest.h"
#include "lang/option_table.h"
#include "lang/tables.h"

static void print(const char *before, const char *word, const char *after)
{
	printf("\"%s%s%s\"\n", before, word, after);
}

static void print_words(const char *const *words)
{
	for (; *words; words++)
		print("", *words, "");
}

static void sections(void)
{
	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		print("[", section_table[kind].name, section_table[kind].named ? " name]\\x0a" : "]\\x0a");
}

static void options(void)
{
	static const char *const values[] = { "burst=", "rate=", "enable=", "/second", "/hour", NULL };

	for (int id = 0; id < OPTION_COUNT; id++)
		print("\\x0a", option_table[id].key, ": ");
	for (int i = 0; i < LOG_LEVELS; i++)
		print("", log_level_names[i], "");
	for (unsigned i = 0; i < helper_count; i++)
		print("", helper_table[i].name, "");
	print_words(values);
}

static void actions(void)
{
	for (int i = 0; i < ACTIONS; i++)
		print("", action_names[i], "");
}

static void rules(void)
{
	static const char *const references[] = { "+dc/", "+guest/", "+sdn/", "dc/", "guest/", "net0", NULL };

	for (int i = 0; i < DIRECTIONS; i++)
		print("\\x0a", direction_names[i], " ");
	for (int i = 0; i < RULE_PARAMS; i++)
		for (int j = 0; j < 3 && rule_param_table[i].spellings[j]; j++)
			print(" ", rule_param_table[i].spellings[j], " ");
	for (unsigned i = 0; i < macro_count; i++)
		print("", macro_table[i].name, "(ACCEPT)");
	print_words(references);
}

static void addresses(void)
{
	static const char *const words[] = {
		"10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32", "::ffff:1.2.3.4", "0.0.0.0/0", "/32",
		"/128", "255.255.255.0", "010.", "10.0.0.1-10.0.0.9", ",", NULL,
	};

	print_words(words);
}

static void names(void)
{
	static const char *const words[] = {
		"local_network", "web", "net4", "net6", "broken", "management", "trusted",
		"blacklist", "ipfilter-net0", "web-in", NULL,
	};

	print_words(words);
}

static void ports(void)
{
	static const char *const words[] = {
		"tcp", "udp", "sctp", "dccp", "udplite", "icmp", "icmpv6", "ipv6-icmp", "ssh", "domain",
		"65535", "65536", "0:65535", ":", ",", NULL,
	};

	print_words(words);
	for (unsigned i = 0; i < icmp_count; i++)
		print("", icmp_table[i].name, "");
}

static void guest_configuration(void)
{
	static const char *const words[] = {
		"net0: ", "net31: ", "virtio=BC:24:11:00:00:01", "model=", "macaddr=", "bridge=vmbr0",
		"firewall=1", "name=eth0", "hwaddr=", "ip=", "ip6=", "dhcp", "auto", "manual", "/24",
		"[snapshot]", "tag=", "trunks=", "type=veth", NULL,
	};

	print_words(words);
}

static void corosync(void)
{
	static const char *const words[] = {
		"totem {\\x0a", "nodelist {\\x0a", "node {\\x0a", "}\\x0a", "name: n1\\x0a", "ring0_addr: ",
		"ring1_addr: ", "link0_addr: ", "transport: udp\\x0a", "transport: knet\\x0a",
		"ip_version: ", "ipv6-4", "ipv4-6", "ipv4", "ipv6", NULL,
	};

	print_words(words);
}

static void sdn(void)
{
	static const char *const words[] = {
		"\\\"zones\\\":", "\\\"vnets\\\":", "\\\"subnets\\\":", "\\\"ids\\\":{", "\\\"zone\\\":",
		"\\\"vnet\\\":", "\\\"gateway\\\":", "\\\"dhcp-range\\\":[", "\\\"ips\\\":{", "\\\"vmid\\\":",
		"start-address=", ",end-address=", "z1-10.0.0.0-24", "null", "\\x0a%%\\x0a", "\\\\u0000", NULL,
	};

	print_words(words);
}

static void netdb(void)
{
	static const char *const words[] = { "/tcp", "/udp", "/sctp", " 6 ", " 0800 ", "0x", "\\x0a%%\\x0a",
					     NULL };

	print_words(words);
}

static void files(void)
{
	static const char *const words[] = { "\\x0a%%c\\x0a", "\\x0a%%h\\x0a", "\\x0a%%g100\\x0a",
					     "\\x0a%%vvnet0\\x0a", "\\x0a%%q100\\x0a", "\\x0a%%l100\\x0a",
					     "\\x0a%%s\\x0a", "\\x0a%%i\\x0a", "\\x0a%%y\\x0a",
					     "\\x0a%%w10.0.0.0/8\\x0a", NULL };

	print_words(words);
}

/* Ethernet types, and numbers of protocols and of extension headers in pieces of headers. */
static void packets(void)
{
	static const char *const words[] = {
		"\\x08\\x00\\x45\\x00", "\\x86\\xdd\\x60\\x00", "\\x08\\x06\\x00\\x01\\x08\\x00\\x06\\x04",
		"\\x81\\x00", "\\x88\\xa8", "\\x3c\\x00", "\\x2b\\x00", "\\x2c\\x00", "\\x87\\x00", "\\x3a\\x00",
		"\\x40\\x06", "\\x40\\x11", "\\x40\\x84", "\\x40\\x01", NULL,
	};

	print_words(words);
}

static void test_words(void)
{
	static const char *const words[] = {
		" -> ", "vm100", "vm100i0", "vnet ", "vmbr0/eth0", "tcp/22,80", "8000:8010", "echo-request", "3/4", "established",
		"02:00:00:00:00:01", "HTTP,SSH", "+management", "+guest/", "guest/own", "#", NULL,
	};

	for (int i = 0; i < FWTEST_WORDS; i++)
		print(" ", fwtest_word_table[i].spelling, " ");
	for (int i = 0; i < FWTEST_ACTIONS; i++)
		print(" ", fwtest_action_table[i].spelling, "\\x0a");
	for (const struct fwtest_row *row = fwtest_zone_table; row->spelling; row++)
		print("", row->spelling, " -> host ");
	print_words(words);
}

static void row_words(void)
{
	static const char *const words[] = {
		"{ ", " }\\x0a", " => ", "from", "to", "action", "id", "proto", "source", "dest", "sport", "dport", "srctype",
		"dsttype", "'ACCEPT'", "'DROP'", "'REJECT'", "'host'", "'outside'", "'vm100'", "'icmp'", "'echo-request'",
		"'MULTICAST'", "'BROADCAST'", "'10.0.0.1'", "{ from => 'outside', to => 'host', action => 'DROP' }\\x0a", NULL,
	};

	print_words(words);
}

/* Headers of messages and attributes, and prefixes. */
static void netlink(void)
{
	static const char *const words[] = {
		"\\x00\\x04\\x00\\x00", "\\x08\\x00\\x02\\x00", "\\x08\\x00\\x0c\\x00", "\\x14\\x00\\x03\\x00",
		"\\x12\\x00\\x10\\x00", "\\x08\\x00\\x01\\x00", ":100:6:tap100i0-IN: ", ":0:7:c: m", NULL,
	};

	print_words(words);
}

/* Steps of fuzz_classes.c: effect and number of matches, field, number of intervals, two ends of each. */
static void steps(void)
{
	static const char *const words[] = {
		"\\x01\\x00\\x01\\x00\\x00", "\\x05\\x02\\x01\\x06\\x06", "\\x09\\x88\\x02\\x01\\x05\\x8a\\x80",
		"\\x2c", "\\xac", NULL,
	};

	print_words(words);
}

/* Fields of log lines. */
static void log_fields(void)
{
	static const char *const words[] = {
		"100 6 tap100i0-IN 30/Nov/2026:16:41:39 +0000 policy DROP: ", " IN=", " OUT=", " PHYSIN=", " PHYSOUT=",
		" MAC=02:00:00:00:01:00:02:00:00:00:00:01:08:00", " SRC=", " DST=", " FRAG=", " PROTO=TCP", " PROTO=ARP",
		" PROTO=0x86DD", " SPT=", " DPT=", " SYN", " TYPE=", " CODE=", NULL,
	};

	print_words(words);
}

/* Which words a fuzzer gets. */
static const struct {
	const char *name;
	void (*parts[10])(void);
} dictionaries[] = {
	{ "parser", { sections, options, actions, rules, addresses, names } },
	{ "fmt", { sections, options, actions, rules, addresses, names } },
	{ "compile",
	  { files, sections, options, actions, rules, addresses, names, ports, guest_configuration, sdn } },
	{ "address", { addresses } },
	{ "endpoint", { addresses, names } },
	{ "ports", { ports } },
	{ "options", { options, actions, netdb } },
	{ "guestconf", { guest_configuration, addresses } },
	{ "corosync", { corosync, addresses } },
	{ "sdn", { sdn, addresses } },
	{ "netdb", { netdb, ports } },
	{ "packet", { packets } },
	{ "nflog", { netlink, packets } },
	{ "fwtest", { test_words, addresses, names } },
	{ "rows", { row_words, addresses } },
	{ "classes", { steps } },
	{ "log_line", { log_fields, addresses } },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(dictionaries) / sizeof(dictionaries[0]); i++) {
		if (strcmp(argv[1], dictionaries[i].name) != 0)
			continue;
		for (int j = 0; j < 10 && dictionaries[i].parts[j]; j++)
			dictionaries[i].parts[j]();
		return 0;
	}
	fprintf(stderr, "dictionary: no such fuzzer\n");
	return 1;
}
