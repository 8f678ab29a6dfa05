/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written, asked packet by packet: each row is a sentence of the manual or of spec 1 and 2. */
#include <stdio.h>

#include "fixture.h"
#include "inputs/inputs.h"
#include "meaning/translator.h"
#include "model/packet_model.h"
#include "resolve/compile.h"

static const struct overlay_file files[] = {
#define FILE(path, text) { path, text, sizeof(text) - 1 }
	FILE("corosync.conf", "totem {\n version: 2\n}\nnodelist {\n node {\n  name: a\n  ring0_addr: 10.9.0.1\n }\n"
			      " node {\n  name: b\n  ring0_addr: 10.9.0.2\n }\n}\n"),
	FILE("firewall/100.fw", "[OPTIONS]\nenable: 1\npolicy_in: REJECT\nipfilter: 1\nlayer2_protocols: TRILL,ARP\n"
				"[IPSET ipfilter-net0]\n10.1.0.100\n10.2.0.0/16\n!10.2.3.0/24\n"
				"[RULES]\nGROUP web -i net0\nIN DROP -p tcp -dport 22 -log info\nIN ACCEPT -p tcp -dport 22\n"
				"|IN ACCEPT -p tcp -dport 23\nOUT REJECT -p tcp -dport 25\nIN ACCEPT -i net1 -p tcp -dport 24\n"),
	FILE("firewall/101.fw", "[OPTIONS]\nenable: 1\nips: 1\nips_queues: 4:6\nradv: 1\npolicy_out: DROP\nmacfilter: 0\n"
				"[RULES]\nGROUP web\n"),
	FILE("firewall/102.fw", "[OPTIONS]\nenable: 0\n[RULES]\nIN DROP\n"),
	FILE("firewall/cluster.fw",
	     "[OPTIONS]\nenable: 1\npolicy_forward: DROP\n[ALIASES]\nlocal_network 10.9.0.0/24\n"
	     "[IPSET blacklist]\n192.0.2.0/24\n!192.0.2.7\n[RULES]\nIN DROP -p tcp -dport 443\nIN ACCEPT -i vmbr1 -p tcp -dport 81\n"
	     "FORWARD ACCEPT -p udp -dport 53\nGROUP web -i eno1\n"
	     "[GROUP web]\nIN ACCEPT -p tcp -dport 80\nOUT ACCEPT -p udp -dport 123\nIN ACCEPT -source fd00::/8 -p tcp -dport 88\n"),
	FILE("nodes/a/host.fw", "[OPTIONS]\ntcpflags: 1\nprotection_synflood: 1\n[RULES]\nIN ACCEPT -p tcp -dport 443\n"
				"IN ACCEPT -p icmp -icmp-type echo-request\n"),
	FILE("nodes/a/lxc/101.conf", "net0: name=eth0,bridge=vnet1,hwaddr=02:00:00:00:01:01,ip=10.1.0.101/24,firewall=1\n"),
	FILE("nodes/a/qemu-server/100.conf", "net0: virtio=02:00:00:00:01:00,bridge=vmbr0,firewall=1\n"
					     "net1: virtio=02:00:00:00:01:AA,bridge=vmbr0,firewall=1\n"),
	FILE("nodes/a/qemu-server/102.conf", "net0: virtio=02:00:00:00:01:02,bridge=vmbr0,firewall=1\n"),
	FILE("sdn/firewall/vnet1.fw", "[OPTIONS]\nenable: 1\n[RULES]\nFORWARD DROP -p tcp -dport 80\n"),
#undef FILE
};

static struct fixture f;
static struct inputs inputs;
static struct config *config;
static struct model_ifaces ifaces;
static struct translator *written;

static void start(void)
{
	static const struct source_overlay overlay = { files, sizeof(files) / sizeof(files[0]), true };
	struct input_options options = { .root = "/nowhere", .overlay = &overlay, .node = "a",
					 .services = "tests/cases/etc/services", .protocols = "tests/cases/etc/protocols",
					 .ethertypes = "tests/cases/etc/ethertypes" };

	fixture_start(&f);
	ck_assert(inputs_load(&inputs, &options, &f.diags));
	inputs.forwards = true;
	config = compile(&inputs, &f.diags);
	ifaces = path_ifaces(&f.arena, config);
	written = written_open(config, &ifaces);
}

static void end(void)
{
	translator_close(written);
	config_free(config);
	fixture_end(&f);
}

/* A packet: fields that are not set are those of an ordinary one. */
struct packet {
	const char *source, *dest; /* NULL: of IPv4, 10.1.0.1 and 10.1.0.100 */
	unsigned protocol, sport, dport, type, code, flags, state, ethertype, over_limit;
	unsigned source_type, dest_type;
	uint64_t mac;
	const char *sender, *iface;
};

static struct model_match matches[MODEL_FIELDS];
static struct interval ranges[MODEL_FIELDS];
static unsigned match_count;

static void ask(enum model_field field, struct number n)
{
	ranges[match_count] = (struct interval){ n, n };
	matches[match_count] = (struct model_match){ field, false, { &ranges[match_count], 1 } };
	match_count++;
}

static void ask_address(bool source, const char *text, const char *otherwise)
{
	struct prefix prefix;

	ck_assert(!address_parse(text_of(text ? text : otherwise), &prefix));
	if (prefix.family == AF_INET)
		ask(source ? MODEL_SOURCE4 : MODEL_DEST4, number_of_address(prefix.bytes, 4));
	else
		ask(source ? MODEL_SOURCE6 : MODEL_DEST6, number_of_address(prefix.bytes, 16));
}

static void ask_packet(const struct packet *p)
{
	bool six = (p->source && strchr(p->source, ':')) || (p->dest && strchr(p->dest, ':'));
	unsigned protocol = p->protocol ? p->protocol : 6;
	unsigned iface = 0;

	match_count = 0;
	while (p->iface && iface < ifaces.count && !text_is(ifaces.names[iface++], p->iface))
		;
	ask(MODEL_IFACE, number_small(iface));
	ask(MODEL_SOURCE_MAC, number_small(p->mac ? p->mac : 0x020000000100));
	ask(MODEL_ETHERTYPE, number_small(p->ethertype ? p->ethertype : six ? 0x86dd : 0x800));
	if (p->sender)
		ask_address(true, p->sender, NULL), matches[match_count - 1].field = MODEL_ARP_SENDER;
	if (p->ethertype)
		return;
	ask(MODEL_STATE, number_small(p->state));
	ask(MODEL_PROTOCOL, number_small(protocol));
	ask_address(true, p->source, six ? "fd00::1" : "10.1.0.1");
	ask_address(false, p->dest, six ? "fd00::100" : "10.1.0.100");
	ask(MODEL_SOURCE_TYPE, number_small(p->source_type ? p->source_type : MODEL_TYPE_UNICAST));
	ask(MODEL_DEST_TYPE, number_small(p->dest_type ? p->dest_type : MODEL_TYPE_UNICAST));
	ask(MODEL_OVER_LIMIT, number_small(p->over_limit));
	if (protocol == 6 || protocol == 17) {
		ask(MODEL_SPORT, number_small(p->sport ? p->sport : 40000));
		ask(MODEL_DPORT, number_small(p->dport ? p->dport : 7));
	}
	if (protocol == 6)
		ask(MODEL_TCP_FLAGS, number_small(p->flags ? p->flags : 2));
	if (protocol == 1 || protocol == 58) {
		ask(MODEL_ICMP_TYPE, number_small(p->type));
		ask(MODEL_ICMP_CODE, number_small(p->code));
	}
}

static const char *answer(const char *from, const char *to, const struct packet *packet)
{
	struct model *m = model_new(&ifaces, (struct model_budget){ 0 });
	const struct model_program *program;
	struct path_end ends[2];
	struct path path;
	packets set;
	const char *text = "nothing";

	ck_assert_msg(!path_end_parse(config, text_of(from), &ends[0]), "%s", from);
	ck_assert_msg(!path_end_parse(config, text_of(to), &ends[1]), "%s", to);
	ck_assert(path_between(&f.arena, config, &ends[0], &ends[1], false, &path));
	program = translator_program(written, &f.arena, &path);
	model_add(m, program);
	ask_packet(packet);
	for (unsigned i = 0; i < match_count; i++)
		model_add_match(m, &matches[i]);
	model_seal(m);
	set = model_world(m);
	for (unsigned i = 0; i < match_count; i++)
		set = model_and(m, set, model_match(m, &matches[i]));
	if (set != PACKETS_NONE) {
		struct model_result result = model_walk(m, program, &(struct model_walk){ .live = set });

		text = result.count == 1 ? model_verdict_text(result.outcomes[0].verdict) : "several";
	}
	ck_assert(!model_over(m, NULL));
	model_free(m);
	return text;
}

struct row {
	const char *from, *to, *verdict;
	struct packet packet;
};

static void check_rows(const struct row *rows, size_t count)
{
	start();
	for (size_t i = 0; i < count; i++) {
		const char *verdict = answer(rows[i].from, rows[i].to, &rows[i].packet);

		ck_assert_msg(strstr(verdict, rows[i].verdict) != NULL, "row %zu, %s -> %s: %s, not %s", i, rows[i].from,
			      rows[i].to, verdict, rows[i].verdict);
	}
	end();
}

#define CHECK(...) \
	check_rows((const struct row[]){ __VA_ARGS__ }, sizeof((const struct row[]){ __VA_ARGS__ }) / sizeof(struct row))
#define SIX "fd00::1"

START_TEST(host)
{
	CHECK({ "outside", "host", "ACCEPT", { .dport = 443 } },  /* host.fw before cluster.fw */
	      { "outside", "host", "DROP", { .dport = 443, .source = "192.0.2.1" } }, /* blacklist */
	      { "outside", "host", "ACCEPT", { .dport = 443, .source = "192.0.2.7" } },
	      { "outside", "host", "ACCEPT", { .dport = 443, .source = "192.0.2.1", .state = MODEL_STATE_ESTABLISHED } },
	      { "outside", "host", "DROP", { .dport = 443, .state = MODEL_STATE_INVALID } },
	      { "outside", "host", "DROP", { .dport = 443, .flags = 3 } }, /* tcpflags */
	      { "outside", "host", "DROP", { .dport = 443, .over_limit = 1 } }, /* protection_synflood */
	      { "outside", "host", "ACCEPT", { .dport = 443, .over_limit = 1, .flags = 16 } },
	      { "outside", "host", "DROP", { .dport = 443, .source = "10.1.0.255", .source_type = MODEL_TYPE_BROADCAST } },
	      { "outside", "host", "DROP", { .dport = 80 } },
	      { "outside", "host", "ACCEPT", { .dport = 80, .iface = "eno1" } }, /* a group of an interface */
	      { "outside", "host", "DROP", { .dport = 81 } },
	      { "outside", "host", "ACCEPT", { .dport = 81, .iface = "vmbr1" } },
	      { "outside", "host", "ACCEPT", { .dport = 9, .iface = "lo" } },
	      { "outside", "host", "ACCEPT", { .protocol = 1, .type = 8 } },
	      { "outside", "host", "DROP", { .protocol = 1, .type = 0 } },
	      { "outside", "host", "ACCEPT", { .protocol = 1, .type = 3, .code = 4 } }, /* fragmentation needed */
	      { "outside", "host", "DROP", { .protocol = 1, .type = 3, .code = 1 } },
	      { "outside", "host", "ACCEPT", { .protocol = 2 } }, /* IGMP */
	      { "outside", "host", "ACCEPT", { .dport = 8006, .source = "10.9.0.77" } },
	      { "outside", "host", "DROP", { .dport = 8006, .source = "10.8.0.77" } },
	      { "outside", "host", "ACCEPT", { .protocol = 17, .dport = 5405, .source = "10.9.0.2", .dest = "10.9.0.1" } },
	      { "outside", "host", "DROP", { .protocol = 17, .dport = 5405, .source = "10.9.0.3", .dest = "10.9.0.1" } },
	      { "outside", "host", "ACCEPT", { .protocol = 58, .type = 135, .source = SIX } },
	      { "outside", "host", "REJECT with a TCP reset", { .dport = 43, .source = SIX } },
	      { "outside", "host", "DROP", { .dport = 43 } },
	      { "host", "outside", "ACCEPT", { .dport = 9 } }, { "host", "outside", "DROP", { .state = MODEL_STATE_INVALID } },
	      { "outside", "outside", "ACCEPT", { .protocol = 17, .dport = 53 } }, { "outside", "outside", "DROP", { .dport = 53 } },
	      { "outside", "host", "ACCEPT", { .ethertype = 0x806 } });
}
END_TEST

START_TEST(guests_in)
{
	CHECK({ "outside", "vm100", "ACCEPT", { .dport = 80 } },
	      { "outside", "vm100", "ACCEPT", { .dport = 88, .source = SIX } }, { "outside", "vm100", "reset", { .dport = 88 } },
	      { "outside", "vm100", "DROP", { .dport = 22 } }, { "outside", "vm100i1", "reset", { .dport = 80 } },
	      { "outside", "vm100", "reset", { .dport = 23 } }, /* disabled */
	      { "outside", "vm100", "reset", { .dport = 24 } }, { "outside", "vm100i1", "ACCEPT", { .dport = 24 } },
	      { "outside", "vm100", "port unreachable", { .protocol = 17 } },
	      { "outside", "vm100", "DROP", { .protocol = 1, .type = 8 } },
	      { "outside", "vm100", "DROP", { .protocol = 47, .dest = "224.0.0.9", .dest_type = MODEL_TYPE_MULTICAST } },
	      { "outside", "vm100", "DROP", { .protocol = 47, .dest_type = MODEL_TYPE_ANYCAST } },
	      { "outside", "vm100", "prohibited", { .protocol = 47 } },
	      { "outside", "vm100", "DROP", { .flags = 16 } }, /* not SYN */
	      { "outside", "vm100", "ACCEPT", { .protocol = 17, .sport = 67, .dport = 68 } },
	      { "outside", "vm100", "DROP", { .protocol = 17, .dport = 1900 } },
	      { "outside", "vm100", "port unreachable", { .protocol = 17, .dport = 137 } },
	      { "outside", "vm100", "DROP", { .dport = 80, .source = "192.0.2.1" } },
	      { "outside", "vm102", "ACCEPT", { .dport = 80 } }, { "outside", "vm102", "DROP", { .source = "192.0.2.1" } },
	      { "outside", "vm102", "DROP", { .state = MODEL_STATE_INVALID } });
}
END_TEST

START_TEST(guests_out)
{
	CHECK({ "vm100", "outside", "ACCEPT", { .dport = 80, .source = "10.1.0.100" } },
	      { "vm100", "outside", "DROP", { .dport = 80, .source = "10.1.0.101" } },
	      { "vm100", "outside", "ACCEPT", { .dport = 80, .source = "10.2.0.101" } },
	      { "vm100", "outside", "DROP", { .dport = 80, .source = "10.2.3.101" } },
	      { "vm100", "outside", "DROP", { .dport = 80, .source = "10.1.0.100", .mac = 1 } },
	      { "vm100", "outside", "ACCEPT", { .protocol = 17, .sport = 68, .dport = 67, .mac = 1, .source = "0.0.0.0",
						.source_type = MODEL_TYPE_BROADCAST } },
	      { "vm100", "outside", "reset", { .dport = 25, .source = "10.1.0.100" } },
	      { "vm100", "outside", "DROP", { .protocol = 58, .type = 134, .source = "fe80::ff:fe00:100" } },
	      { "ct101", "outside", "ACCEPT", { .protocol = 58, .type = 134, .source = "fe80::1", .mac = 1 } },
	      { "ct101", "outside", "ACCEPT", { .protocol = 17, .dport = 123 } },
	      { "ct101", "outside", "DROP", { .protocol = 17, .dport = 124 } },
	      { "vm102", "outside", "ACCEPT", { .mac = 1 } }, { "vm100", "host", "DROP", { .dport = 443, .mac = 1 } },
	      { "vm100", "host", "ACCEPT", { .dport = 443, .source = "10.2.0.1" } },
	      { "vm100", "host", "DROP", { .dport = 81, .source = "10.2.0.1", .iface = "vmbr1" } });
}
END_TEST

START_TEST(an_ips)
{
	CHECK({ "outside", "ct101", "QUEUE", { .dport = 88, .source = SIX } },
	      { "outside", "ct101", "DROP", { .dport = 88 } },
	      { "outside", "ct101", "QUEUE", { .state = MODEL_STATE_ESTABLISHED } },
	      { "outside", "ct101", "ACCEPT", { .protocol = 17, .sport = 67, .dport = 68 } },
	      { "outside", "ct101", "ACCEPT", { .protocol = 1, .type = 11 } },
	      { "outside", "ct101", "QUEUE", { .protocol = 58, .type = 135, .source = SIX } });
}
END_TEST

/* vnet1 drops port 80; invalid packets of the host are the host's to drop. */
START_TEST(vnets)
{
	CHECK({ "outside", "ct101", "DROP", { .dport = 80 } }, { "outside", "vnet vnet1", "DROP", { .dport = 80 } },
	      { "outside", "vnet vnet1", "ACCEPT", { .dport = 81 } },
	      { "outside", "vnet vnet1", "ACCEPT", { .dport = 80, .state = MODEL_STATE_RELATED } },
	      { "host", "vnet vnet1", "DROP", { .dport = 80 } }, { "host", "outside", "DROP", { .dport = 80, .iface = "vnet1" } },
	      { "host", "outside", "ACCEPT", { .dport = 80, .iface = "vmbr1" } },
	      { "nfvm", "outside", "ACCEPT", { .dport = 80 } }, { "nfvm", "outside", "DROP", { .state = MODEL_STATE_INVALID } });
}
END_TEST

START_TEST(layer2)
{
	CHECK({ "vm100", "outside", "ACCEPT", { .ethertype = 0x22f3 } }, { "vm100", "outside", "DROP", { .ethertype = 0x22f4 } },
	      { "vm100", "outside", "DROP", { .ethertype = 0x22f3, .mac = 1 } },
	      { "vm100", "outside", "ACCEPT", { .ethertype = 0x806, .sender = "10.1.0.100" } },
	      { "vm100", "outside", "DROP", { .ethertype = 0x806, .sender = "10.2.3.4" } },
	      { "vm100", "outside", "ACCEPT", { .ethertype = 0x806, .sender = "10.2.4.4" } },
	      { "ct101", "outside", "ACCEPT", { .ethertype = 0x806, .sender = "10.2.3.4", .mac = 1 } },
	      { "outside", "vm100", "ACCEPT", { .ethertype = 0x22f4 } });
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("written");

	tcase_add_test(tcase, host);
	tcase_add_test(tcase, guests_in);
	tcase_add_test(tcase, guests_out);
	tcase_add_test(tcase, an_ips);
	tcase_add_test(tcase, vnets);
	tcase_add_test(tcase, layer2);
	return run_suite("written", tcase);
}
