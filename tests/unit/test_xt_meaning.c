/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers beside the text of lowered rules say what the text says; packet programs are made of them. */
#include <ftw.h>
#include <glob.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "inputs/netdb.h"
#include "model/packet_model.h"
#include "tree.h"
#include "xt_faults.h"
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

/* ---- known lines ---- */

static void print_number(struct out *out, struct number n)
{
	if (n.high)
		out_printf(out, "%llx:", (unsigned long long)n.high);
	out_printf(out, n.low > 0xffff ? "%llx" : "%llu", (unsigned long long)n.low);
}

static void print_match(struct out *out, const struct model_match *match)
{
	static const char *const names[] = {
#define FIELD(ID, ...) #ID,
#include "model/field.def"
	};

	out_printf(out, "%s %s", names[match->field], match->negated ? "not " : "");
	for (uint32_t i = 0; i < match->values.count; i++) {
		const struct interval *range = &match->values.ranges[i];

		if (i)
			out_char(out, ',');
		print_number(out, range->first);
		if (number_compare(range->first, range->last) != 0) {
			out_char(out, '-');
			print_number(out, range->last);
		}
	}
	out_string(out, ", ");
}

static void print_step(struct out *out, const struct model_step *step)
{
	static const char *const effects[] = { "ACCEPT", "DROP", "REJECT", "QUEUE", "RETURN", "JUMP", "GOTO", "MARK", "LOG" };

	for (uint32_t i = 0; i < step->match_count; i++)
		print_match(out, &step->matches[i]);
	if (step->mark_mask)
		out_printf(out, "mark %s%x/%x, ", step->mark_negated ? "not " : "", step->mark_value, step->mark_mask);
	out_string(out, effects[step->effect]);
	switch (step->effect) {
	case MODEL_REJECT:
		out_printf(out, " %d", step->reject);
		break;
	case MODEL_QUEUE:
		out_printf(out, " %u-%u", step->queue.first, step->queue.last);
		break;
	case MODEL_JUMP:
	case MODEL_GOTO:
		out_printf(out, " %.*s", TEXT_ARG(step->to->name));
		break;
	case MODEL_MARK:
		out_printf(out, " %x %x", step->mark.keep, step->mark.bits);
		break;
	case MODEL_LOG:
		out_printf(out, " \"%.*s\"", TEXT_ARG(step->prefix));
		break;
	default:
		break;
	}
	if (step->span.begin)
		out_printf(out, " <- %u", source_line_number(&tree.f.map, step->span.begin));
	else if (step->implied)
		out_printf(out, " <- %s", step->implied);
	out_char(out, '\n');
}

static const struct model_chain *find_chain(const struct model_chain *chain, const char *name)
{
	const struct model_chain *found = text_is(chain->name, name) ? chain : NULL;

	for (uint32_t i = 0; i < chain->count && !found; i++)
		if (chain->steps[i].effect == MODEL_JUMP || chain->steps[i].effect == MODEL_GOTO)
			found = find_chain(chain->steps[i].to, name);
	return found;
}

/* The steps of a chain, one a line, on the path between these two. */
static const char *steps_of(const char *from, const char *to, const char *stage, const char *name)
{
	struct arena *arena = &tree.f.arena;
	struct model_ifaces ifaces = path_ifaces(arena, tree.config);
	struct translator *t = xt_meaning(tree.config, &ifaces);
	const struct model_program *program;
	struct path_end ends[2];
	struct path path;
	struct out out;
	const char *text = "no such chain";

	ck_assert_ptr_null(path_end_parse(tree.config, text_of(from), &ends[0]));
	ck_assert_ptr_null(path_end_parse(tree.config, text_of(to), &ends[1]));
	ck_assert(path_between(arena, tree.config, &ends[0], &ends[1], false, &path));
	program = translator_program(t, arena, &path);
	for (uint32_t i = 0; i < program->count; i++) {
		const struct model_chain *chain = NULL;

		if (strcmp(program->stages[i].name, stage) == 0)
			chain = find_chain(program->stages[i].chain, name);
		if (!chain)
			continue;
		out_init_memory(&out);
		for (uint32_t n = 0; n < chain->count; n++)
			print_step(&out, &chain->steps[n]);
		text = arena_string(arena, (struct text){ out.data, (uint32_t)out.len });
		out_free(&out);
		break;
	}
	translator_close(t);
	return text;
}

static void write_file(const char *root, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static void make_tree(char *root)
{
	static const char *const folders[] = { "firewall", "nodes", "nodes/a", "nodes/a/qemu-server" };
	char path[200];

	ck_assert_ptr_nonnull(mkdtemp(root));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	write_file(root, "firewall/cluster.fw",
		   "[OPTIONS]\nenable: 1\n[IPSET set]\n10.0.0.0/8\n!10.1.0.0/16\n192.0.2.0/24\n"
		   "[group web]\nIN ACCEPT -p icmp -icmp-type network-unreachable\n"
		   "[RULES]\nIN DROP -i eth0 -source +set -p tcp -dport 22,80:90 -log info\nGROUP web -i eth1\n");
	write_file(root, "nodes/a/host.fw", "[OPTIONS]\nprotection_synflood: 1\n");
	write_file(root, "nodes/a/qemu-server/100.conf", "net0: virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=1\n");
	write_file(root, "nodes/a/qemu-server/101.conf", "net0: virtio=02:00:00:00:00:02,bridge=vmbr0,firewall=1\n");
	write_file(root, "firewall/100.fw",
		   "[OPTIONS]\nenable: 1\nips: 1\nips_queues: 3:5\nlayer2_protocols: ARP\n[RULES]\nIN ACCEPT -p udp -sport 53\n"
		   "OUT REJECT -p icmp\n");
	write_file(root, "firewall/101.fw", "[OPTIONS]\nenable: 1\nndp: 0\ndhcp: 0\nmacfilter: 0\npolicy_out: DROP\n");
}

START_TEST(known_lines)
{
	static const struct {
		const char *from, *to, *stage, *chain, *steps;
	} rows[] = {
		{ "outside", "host", "prerouting", "PVEFW-PREROUTING",
		  "PROTOCOL 6, TCP_FLAGS 2,10,34,42,66,74,98,106,130,138,162,170,194,202,226,234, OVER_LIMIT 1, DROP <- 2\n" },
		{ "outside", "host", "input", "PVEFW-HOST-IN",
		  "IFACE 1, ACCEPT <- packets on the interface lo\n"
		  "STATE 3, DROP <- invalid packets (conntrack state INVALID)\n"
		  "STATE 1-2, ACCEPT <- packets of established connections\n"
		  "STATE 0,3, JUMP PVEFW-smurfs\n"
		  "PROTOCOL 2, RETURN <- IGMP\n"
		  "SOURCE4 a000000-a00ffff,a020000-affffff,c0000200-c00002ff, PROTOCOL 6, DPORT 22,80-90, IFACE 2, LOG \":0:6:PVEFW-HOST-IN: DROP: \" <- 10\n"
		  "SOURCE4 a000000-a00ffff,a020000-affffff,c0000200-c00002ff, PROTOCOL 6, DPORT 22,80-90, IFACE 2, DROP <- 10\n"
		  "IFACE 3, JUMP GROUP-web-IN <- 11\n"
		  "IFACE 3, mark 80000000/80000000, RETURN <- 11\n"
		  "SOURCE4 c0000200-c00002ff, PROTOCOL 6, DPORT 8006, RETURN <- the web interface\n"
		  "SOURCE4 c0000200-c00002ff, PROTOCOL 6, DPORT 5900-5999, RETURN <- VNC\n"
		  "SOURCE4 c0000200-c00002ff, PROTOCOL 6, DPORT 3128, RETURN <- SPICE\n"
		  "SOURCE4 c0000200-c00002ff, PROTOCOL 6, DPORT 22, RETURN <- SSH\n"
		  "SOURCE4 c0000200-c00002ff, PROTOCOL 6, DPORT 60000-60050, RETURN <- live migration\n"
		  "JUMP PVEFW-Drop <- policy_in: DROP, the default\n"
		  "DROP <- policy_in: DROP, the default\n" },
		{ "outside", "host", "input", "GROUP-web-IN",
		  "MARK 7fffffff 0\n"
		  "PROTOCOL 1, ICMP_TYPE 3, ICMP_CODE 0, GOTO PVEFW-SET-ACCEPT-MARK <- 8\n" },
		{ "outside", "vm100", "fwbr100i0 forward", "PVEFW-FORWARD",
		  "STATE 1-2, JUMP PVEFW-IPS <- packets of established connections\n"
		  "STATE 3, DROP <- invalid packets (conntrack state INVALID)\n"
		  "STATE 1-2, ACCEPT <- packets of established connections\n"
		  "JUMP PVEFW-FWBR-IN\n" },
		{ "outside", "vm100", "fwbr100i0 forward", "PVEFW-FWBR-IN",
		  "STATE 0,3, JUMP PVEFW-smurfs\n"
		  "JUMP tap100i0-IN\n" },
		{ "outside", "vm100", "fwbr100i0 forward", "PVEFW-IPS",
		  "QUEUE 3-5 <- 3\n" },
		{ "outside", "vm100", "fwbr100i0 forward", "tap100i0-IN",
		  "PROTOCOL 17, SPORT 67, DPORT 68, ACCEPT <- answers of DHCP servers\n"
		  "PROTOCOL 17, SPORT 53, QUEUE 3-5 <- 7\n"
		  "JUMP PVEFW-Drop <- policy_in: DROP, the default\n"
		  "DROP <- policy_in: DROP, the default\n" },
		{ "vm100", "vm101", "fwbr100i0 forward", "PVEFW-FWBR-OUT",
		  "JUMP tap100i0-OUT\n" },
		{ "vm100", "vm101", "fwbr100i0 forward", "tap100i0-OUT",
		  "PROTOCOL 17, SPORT 68, DPORT 67, GOTO PVEFW-SET-ACCEPT-MARK <- requests to DHCP servers\n"
		  "SOURCE_MAC not 20000000001, DROP <- packets from another MAC address\n"
		  "MARK 7fffffff 0\n"
		  "PROTOCOL 1, JUMP PVEFW-reject <- 8\n"
		  "GOTO PVEFW-SET-ACCEPT-MARK <- policy_out: ACCEPT, the default\n" },
		{ "vm100", "vm101", "fwbr100i0 forward, layer 2", "PVEFW-FORWARD",
		  "ETHERTYPE 2048, ACCEPT\n"
		  "ETHERTYPE 34525, ACCEPT\n"
		  "JUMP PVEFW-FWBR-OUT\n" },
		{ "vm100", "vm101", "fwbr100i0 forward, layer 2", "tap100i0-OUT",
		  "SOURCE_MAC not 20000000001, DROP <- packets from another MAC address\n"
		  "JUMP tap100i0-OUT-PROTO\n"
		  "ACCEPT\n" },
		{ "vm100", "vm101", "fwbr100i0 forward, layer 2", "tap100i0-OUT-PROTO",
		  "ETHERTYPE 2054, RETURN <- 5\n"
		  "DROP <- frames of protocols other than IP and those listed\n" },
		{ "vm100", "vm101", "vmbr0 forward", "PVEFW-FORWARD",
		  "STATE 1-2, JUMP PVEFW-IPS <- packets of established connections\n"
		  "STATE 3, DROP <- invalid packets (conntrack state INVALID)\n"
		  "STATE 1-2, ACCEPT <- packets of established connections\n" },
		{ "vm100", "vm101", "fwbr101i0 forward", "PVEFW-FWBR-IN",
		  "STATE 0,3, JUMP PVEFW-smurfs\n"
		  "JUMP tap101i0-IN\n" },
		{ "vm101", "outside", "fwbr101i0 forward", "tap101i0-OUT",
		  "MARK 7fffffff 0\n"
		  "JUMP PVEFW-Drop <- 6\n"
		  "DROP <- 6\n" },
	};
	char root[] = "/tmp/test_xt_meaning.XXXXXX";

	make_tree(root);
	ck_assert(tree_load(&tree, root, NULL, "192.0.2.0/24"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(steps_of(rows[i].from, rows[i].to, rows[i].stage, rows[i].chain), rows[i].steps);
	tree_free(&tree);
	ck_assert_int_eq(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

/* ---- planted faults ---- */

/* A packet that the tables and the faulty tables treat differently; NULL: there is none. */
static const char *find_fault(const struct config *config, struct xt_fault *fault)
{
	struct arena *arena = &tree.f.arena;
	struct model_ifaces ifaces = path_ifaces(arena, config);
	struct translator *right = xt_meaning(config, &ifaces);
	struct translator *wrong = xt_meaning_changed(config, &ifaces, xt_fault_change, fault);
	struct path_walk walk = { .config = config, .pairs = 5 };
	const char *text = NULL;
	struct path path;

	while (!text && path_walk_next(&walk, arena, &path)) {
		const struct model_program *programs[] = { translator_program(right, arena, &path),
							   translator_program(wrong, arena, &path) };
		struct model *m = model_new(&ifaces, (struct model_budget){ 0, 0 });
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
	translator_close(right);
	translator_close(wrong);
	return text;
}

START_TEST(planted_faults_are_found)
{
	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	for (size_t i = 0; i < XT_FAULTS; i++) {
		const char *packet = NULL;
		bool planted = true;

		for (unsigned skip = 0; planted && !packet; skip++) {
			struct xt_fault fault = xt_faults[i];

			fault.skip = skip;
			packet = find_fault(tree.config, &fault);
			planted = fault.planted;
		}
		ck_assert_msg(packet != NULL, "%s: not found", xt_faults[i].name);
	}
	tree_free(&tree);
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
	tcase_add_test(tcase, known_lines);
	tcase_add_test(tcase, planted_faults_are_found);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
