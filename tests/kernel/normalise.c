/* SPDX-License-Identifier: GPL-2.0-or-later */
/* normalise iptables|ip6tables|ebtables: one comparable line for each chain and rule of a script.
 *
 * Reads a restore script or the output of iptables-save on standard input and prints, in the order of
 * the input, `TABLE CHAIN :POLICY` for each chain and `TABLE CHAIN {option values} …` for each rule, so
 * that what was asked for and what the kernel holds can be compared with diff after a stable sort by
 * the first two words.
 *
 * Everything a rule says is compared: its options are put in the order of their names, and values get
 * one spelling (canonical.h). Left out are only `-m NAME` (the match's own options are there; one
 * without any, like `-m tcp`, does nothing), counters, and built-in chains with the policy ACCEPT,
 * which the kernel has anyway. `-s A,B` becomes two rules, as iptables makes two of it. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canonical.h"

enum { MAX_WORDS = 256, MAX_ATTRIBUTES = 64 };

struct rule {
	struct context context;
	const char *table, *chain;
	char *source, *destination; /* NULL, or lists that are still to be taken apart */
	char *attributes[MAX_ATTRIBUTES];
	size_t count;
};

/* Options whose values have more than one spelling, or whose names do. */
static const struct option {
	const char *name, *canonical_name;
	char *(*value)(const struct context *context, const char *value);
} options[] = {
	{"-p", "-p", canonical_protocol},
	{"--sport", "--sport", canonical_ports},
	{"--dport", "--dport", canonical_ports},
	{"--sports", "--sports", canonical_ports},
	{"--dports", "--dports", canonical_ports},
	{"--icmp-type", "--icmp-type", canonical_icmp_type},
	{"--icmpv6-type", "--icmpv6-type", canonical_icmp_type},
	{"--src-range", "--src-range", canonical_address_range},
	{"--dst-range", "--dst-range", canonical_address_range},
	{"--arp-ip-src", "--arp-ip-src", canonical_address},
	{"--mac-source", "--mac-source", canonical_mac},
	{"--mark", "--mark", canonical_mark},
	{"--set-mark", "--set-xmark", canonical_set_mark},
	{"--set-xmark", "--set-xmark", canonical_mark},
	{"--limit", "--limit", canonical_rate},
	{"--limit-burst", "--limit-burst", canonical_burst},
	{"--hashlimit-above", "--hashlimit-above", canonical_hash_rate},
	{"--hashlimit-srcmask", "--hashlimit-srcmask", canonical_source_mask},
	{"--hashlimit-htable-size", "--hashlimit-htable-size", canonical_table_size},
	{"--ctstate", "--ctstate", canonical_list},
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (!strcmp(options[i].name, name))
			return &options[i];
	return NULL;
}

static void add_attribute(struct rule *rule, char *attribute)
{
	if (rule->count == MAX_ATTRIBUTES) {
		fprintf(stderr, "normalise: a rule of %s has too many options\n", rule->chain);
		exit(2);
	}
	rule->attributes[rule->count++] = attribute;
}

/* Splits a line in place at blanks outside double quotes; the quotes go. */
static size_t split_words(char *line, char **words)
{
	size_t count = 0;

	for (char *in = line; count < MAX_WORDS;) {
		bool quoted = false;
		char *out;

		in += strspn(in, " \t\n");
		if (*in == '\0')
			break;
		words[count++] = out = in;
		for (; *in && (quoted || !strchr(" \t\n", *in)); in++) {
			if (*in == '"')
				quoted = !quoted;
			else
				*out++ = in[0] == '\\' && in[1] ? *++in : *in;
		}
		in += *in != '\0';
		*out = '\0';
	}
	return count;
}

/* `-s` and `-d` take a list, in ebtables a MAC address. */
static bool add_address(struct rule *rule, const char *name, const char *negation, char *value)
{
	char **list = !strcmp(name, "-s") ? &rule->source : &rule->destination;

	if (strcmp(name, "-s") && strcmp(name, "-d"))
		return false;
	if (rule->context.family == FAMILY_BRIDGE)
		value = canonical_mac(&rule->context, value);
	if (rule->context.family == FAMILY_BRIDGE || *negation)
		add_attribute(rule, format("%s%s %s", negation, name, value));
	else
		*list = value;
	return true;
}

static void add_option(struct rule *rule, const char *name, const char *negation, char *value)
{
	const struct option *option = find_option(name);

	if (!strcmp(name, "-m") || !strcmp(name, "--match"))
		return;
	if (!strcmp(name, "-p"))
		rule->context.protocol = protocol_number(value);
	if (add_address(rule, name, negation, value))
		return;
	if (option) {
		name = option->canonical_name;
		value = option->value(&rule->context, value);
	}
	if (value)
		add_attribute(rule, format("%s%s%s%s", negation, name, *value ? " " : "", value));
}

/* The words after `-A CHAIN`: options, each with the words up to the next option as its values. A
 * `!` comes before the option, in ebtables after it. */
static void read_options(struct rule *rule, char **words, size_t count)
{
	for (size_t i = 0; i < count;) {
		bool negated = !strcmp(words[i], "!") && i + 1 < count;
		const char *name = words[i += negated];
		char *value = format("%s", "");

		for (i++; i < count && words[i][0] != '-'; i++) {
			if (!strcmp(words[i], "!") && i + 1 < count && words[i + 1][0] == '-')
				break;
			if (!strcmp(words[i], "!"))
				negated = true;
			else
				value = format("%s%s%s", value, *value ? " " : "", words[i]);
		}
		add_option(rule, name, negated ? "! " : "", value);
	}
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* NFQUEUE without a number means queue 0, and -save says so. */
static void add_defaults(struct rule *rule)
{
	bool queues = false, numbered = false;

	for (size_t i = 0; i < rule->count; i++) {
		queues |= !strcmp(rule->attributes[i], "-j NFQUEUE");
		numbered |= !strncmp(rule->attributes[i], "--queue-num", 11) ||
			    !strncmp(rule->attributes[i], "--queue-balance", 15);
	}
	if (queues && !numbered)
		add_attribute(rule, format("--queue-num 0"));
}

static void print_address(const struct rule *rule, const char *name, const char *value)
{
	char *address = value ? canonical_address(&rule->context, value) : NULL;

	if (address)
		printf(" {%s %s}", name, address);
}

/* One line for each pair of a source and a destination, in iptables' order. */
static void print_rule(const struct rule *rule)
{
	char *sources = rule->source ? format("%s", rule->source) : NULL;

	do {
		char *source = strsep(&sources, ",");
		char *destinations = rule->destination ? format("%s", rule->destination) : NULL;

		do {
			char *destination = strsep(&destinations, ",");

			printf("%s %s", rule->table, rule->chain);
			print_address(rule, "-s", source);
			print_address(rule, "-d", destination);
			for (size_t i = 0; i < rule->count; i++)
				printf(" {%s}", rule->attributes[i]);
			putchar('\n');
		} while (destinations);
	} while (sources);
}

static bool is_built_in(const char *chain)
{
	static const char *const names[] = {"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i], chain))
			return true;
	return false;
}

static void read_line(enum family family, char **table, char **words, size_t count)
{
	struct rule rule = {.context = {.family = family}, .table = *table};

	if (count == 1 && words[0][0] == '*') {
		*table = format("%s", words[0] + 1);
	} else if (count >= 2 && words[0][0] == ':') {
		if (!is_built_in(words[0] + 1) || strcmp(words[1], "ACCEPT"))
			printf("%s %s :%s\n", *table, words[0] + 1, words[1]);
	} else if (count >= 2 && !strcmp(words[0], "-A")) {
		rule.chain = words[1];
		read_options(&rule, words + 2, count - 2);
		add_defaults(&rule);
		qsort(rule.attributes, rule.count, sizeof *rule.attributes, compare_text);
		print_rule(&rule);
	}
}

int main(int count, char **arguments)
{
	static const char *const families[] = {"iptables", "ip6tables", "ebtables"};
	char *table = format("%s", ""), *line = NULL, *words[MAX_WORDS];
	enum family family = FAMILY_IPV4;
	size_t size = 0;

	while (family <= FAMILY_BRIDGE && (count != 2 || strcmp(arguments[1], families[family])))
		family++;
	if (family > FAMILY_BRIDGE) {
		fprintf(stderr, "usage: normalise iptables|ip6tables|ebtables < script\n");
		return 2;
	}
	while (getline(&line, &size, stdin) >= 0)
		if (line[0] != '#')
			read_line(family, &table, words, split_words(line, words));
	return ferror(stdin) || fflush(stdout) ? 2 : 0;
}
