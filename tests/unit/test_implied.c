/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each row of implied.def is in the rulesets of both backends and in the report, and lint knows it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/backend.h"
#include "fixture.h"
#include "inputs/inputs.h"
#include "inputs/netdb.h"
#include "lang/implied.h"
#include "lint/lint.h"
#include "report/report.h"
#include "resolve/compile.h"

/* A tree in which every implied rule is in force. */
static const struct {
	const char *path, *text; /* text NULL: a folder */
} tree[] = {
	{ "firewall", NULL },
	{ "nodes", NULL },
	{ "nodes/a", NULL },
	{ "nodes/a/qemu-server", NULL },
	{ "sdn", NULL },
	{ "sdn/firewall", NULL },
	{ "firewall/cluster.fw", "[OPTIONS]\nenable: 1\npolicy_in: REJECT\npolicy_out: DROP\npolicy_forward: DROP\n"
				 "[ALIASES]\nlocal_network 10.0.0.0/24\n[IPSET blacklist]\n192.0.2.1\n" },
	{ "nodes/a/host.fw", "[OPTIONS]\nprotection_synflood: 1\nnf_conntrack_helpers: ftp\ntcpflags: 1\nnftables: 1\n" },
	{ "corosync.conf", "totem {\n version: 2\n}\nnodelist {\n node {\n  name: a\n  ring0_addr: 10.0.0.1\n }\n"
			   " node {\n  name: b\n  ring0_addr: 10.0.0.2\n }\n}\n" },
	{ "nodes/a/qemu-server/100.conf", "net0: virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=1\n" },
	{ "firewall/100.fw", "[OPTIONS]\nenable: 1\ndhcp: 1\nndp: 1\nradv: 0\nipfilter: 1\nlayer2_protocols: ARP\n" },
	{ "sdn/firewall/net.fw", "[OPTIONS]\nenable: 1\npolicy_forward: DROP\n" },
};

static struct out iptables, nft, page;

static void print_all(void)
{
	char root[] = "/tmp/test_implied.XXXXXX", path[200];
	struct input_options options = { .root = root, .services = "tests/cases/etc/services",
					 .protocols = "tests/cases/etc/protocols", .ethertypes = "tests/cases/etc/ethertypes" };
	struct inputs inputs;
	struct config *config;
	struct fixture f;

	ck_assert_ptr_nonnull(mkdtemp(root));
	for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, tree[i].path);
		if (!tree[i].text) {
			ck_assert_int_eq(mkdir(path, 0700), 0);
			continue;
		}
		FILE *file = fopen(path, "w");

		ck_assert_ptr_nonnull(file);
		fputs(tree[i].text, file);
		fclose(file);
	}
	fixture_start(&f);
	ck_assert(inputs_load(&inputs, &options, &f.diags));
	inputs.forwards = true;
	config = compile(&inputs, &f.diags);
	out_init_memory(&iptables);
	out_init_memory(&nft);
	out_init_memory(&page);
	backend_find(TEXT("iptables"))->print(&iptables, config);
	backend_find(TEXT("nft"))->print(&nft, config);
	report_xml(&page, report_new(config, &inputs, NULL));
	out_char(&iptables, '\0');
	out_char(&nft, '\0');
	out_char(&page, '\0');
	config_free(config);
	fixture_end(&f);
	for (size_t i = sizeof(tree) / sizeof(tree[0]); i--;) {
		snprintf(path, sizeof(path), "%s/%s", root, tree[i].path);
		remove(path);
	}
	rmdir(root);
}

static void expect(const struct out *text, const char *needle, const char *where)
{
	if (!strstr(text->data, needle))
		ck_abort_msg("`%s` is not in %s", needle, where);
}

/* What nft calls an ICMP type. */
static const char *nft_icmp(const char *name)
{
	static const char *const names[][2] = {
		{ "router-solicitation", "nd-router-solicit" },   { "router-advertisement", "nd-router-advert" },
		{ "neighbor-solicitation", "nd-neighbor-solicit" }, { "neighbor-advertisement", "nd-neighbor-advert" },
		{ "fragmentation-needed", "destination-unreachable" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	return name;
}

static void check_packets(const struct implied_packets *p)
{
	const char *option = p->dport.count > 1 ? "--match multiport --dports" : "--dport";
	char ours[200], theirs[200];
	int n = snprintf(ours, sizeof(ours), "-p %s", p->proto_name), m;

	if (p->sport.count)
		n += snprintf(ours + n, sizeof(ours) - (size_t)n, " --sport %.*s", TEXT_ARG(p->sport.text));
	if (p->dport.count)
		n += snprintf(ours + n, sizeof(ours) - (size_t)n, " %s %.*s", option, TEXT_ARG(p->dport.text));
	if (p->icmp)
		snprintf(ours, sizeof(ours), "--%s-type %s ", p->proto_name, p->icmp);
	if (p->chains != AT_VNET) /* iptables does not filter vnets */
		expect(&iptables, ours, "the iptables ruleset");
	if (!p->icmp && !p->sport.count && !p->dport.count) {
		snprintf(theirs, sizeof(theirs), "l4proto %u ", p->proto);
		expect(&nft, theirs, "the nft ruleset");
		return;
	}
	for (uint32_t i = 0; i == 0 || i < p->dport.count; i++) {
		/* A single port precedes its protocol. */
		bool is_single = !p->sport.count != !p->dport.count &&
				 (p->sport.count || p->dport.ranges[i].first == p->dport.ranges[i].last);
		const char *proto = is_single ? "th" : p->proto_name;

		m = 0;
		if (p->icmp)
			m = snprintf(theirs, sizeof(theirs), "%s type %s", p->proto_name, nft_icmp(p->icmp));
		if (p->sport.count)
			m += snprintf(theirs + m, sizeof(theirs) - (size_t)m, "%s sport %u%s", proto,
				      p->sport.ranges[0].first, p->dport.count ? " " : "");
		if (p->dport.count)
			m += snprintf(theirs + m, sizeof(theirs) - (size_t)m, "%s dport %u", proto,
				      p->dport.ranges[i].first);
		if (p->dport.count && p->dport.ranges[i].first != p->dport.ranges[i].last)
			snprintf(theirs + m, sizeof(theirs) - (size_t)m, "-%u", p->dport.ranges[i].last);
		else if (is_single)
			snprintf(theirs + m, sizeof(theirs) - (size_t)m, " meta l4proto %s ", p->proto_name);
		expect(&nft, theirs, "the nft ruleset");
	}
}

START_TEST(backends_have_each_row)
{
	print_all();
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++) {
		for (const struct implied_packets *p = NULL; (p = implied_packets_next(id, ~0u, p));)
			check_packets(p);
		if (implied_rules[id].peer == PEER_MANAGEMENT && (implied_rules[id].chains & AT_HOST_OUT)) {
			char out[200];

			snprintf(out, sizeof(out), "-A PVEFW-HOST-OUT -d 10.0.0.0/24 -p tcp --dport %.*s -j RETURN",
				 TEXT_ARG(implied_packets_of(id)->dport.text));
			expect(&iptables, out, "the iptables ruleset");
		}
		if (implied_rules[id].name)
			expect(&page, implied_rules[id].name, "the report");
	}
	out_free(&iptables);
	out_free(&nft);
	out_free(&page);
}
END_TEST

/* ---- lint ---- */

/* What lint says of one rule at the top of cluster.fw, whose policy drops and logs; 0: not `id`. */
static unsigned lint_says(enum diag_id id, const char *rule)
{
	struct inputs inputs = { .root = "tests/unit", .node = TEXT("none") };
	struct config *config;
	struct fixture f;
	char text[400];
	int len = snprintf(text, sizeof(text), "[OPTIONS]\nenable: 1\n[RULES]\n%s\n", rule);
	static const char host[] = "[OPTIONS]\nlog_level_in: info\n";
	unsigned count;

	fixture_start(&f);
	inputs.netdb = netdb_load(&f.diags, "tests/cases/etc/services", "tests/cases/etc/protocols",
				  "tests/cases/etc/ethertypes");
	inputs.cluster = source_add(&f.map, "firewall/cluster.fw", text, (size_t)len);
	if (id == DIAG_RULE_OF_NOISE)
		inputs.host = source_add(&f.map, "host.fw", host, sizeof(host) - 1);
	config = compile(&inputs, &f.diags);
	lint_run(config, &inputs, &f.diags);
	count = reported(&f, id);
	config_free(config);
	fixture_end(&f);
	return count;
}

static const char *drop_rule(char *text, size_t size, const struct implied_packets *p)
{
	int n = snprintf(text, size, "IN DROP -p %s", p->proto_name);

	if (p->sport.count)
		n += snprintf(text + n, size - (size_t)n, " -sport %.*s", TEXT_ARG(p->sport.text));
	/* Where all or most ports match, one will do: others are corosync's. */
	if (!p->dport.count || p->dport.ranges[0].last == UINT16_MAX)
		snprintf(text + n, size - (size_t)n, " -dport 1234");
	else
		snprintf(text + n, size - (size_t)n, " -dport %.*s", TEXT_ARG(p->dport.text));
	return text;
}

START_TEST(lint_knows_each_row)
{
	char text[200];

	ck_assert_uint_eq(lint_says(DIAG_RULE_LIKE_POLICY, "IN DROP -p tcp -dport 1234"), 1);
	ck_assert_uint_eq(lint_says(DIAG_RULE_OF_NOISE, "IN DROP -p tcp -dport 1234"), 0);
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		for (const struct implied_packets *p = NULL; (p = implied_packets_next(id, ~0u, p));) {
			const struct implied_rule *rule = &implied_rules[id];

			drop_rule(text, sizeof(text), p);
			if (rule->stage == IMPLIED_POLICY && (rule->action == ACTION_DROP || rule->action == ACTIONS) &&
			    lint_says(DIAG_RULE_OF_NOISE, text) != 1)
				ck_abort_msg("`%s` is not said to be noise", text);
			if (rule->stage == IMPLIED_AFTER && (rule->chains & AT_HOST_IN) &&
			    lint_says(DIAG_RULE_LIKE_POLICY, text) != 0)
				ck_abort_msg("`%s` is said to do what the policy does", text);
		}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("implied");

	tcase_add_test(tests, backends_have_each_row);
	tcase_add_test(tests, lint_knows_each_row);
	return run_suite("implied", tests);
}
