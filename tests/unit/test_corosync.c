/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links of corosync.conf. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lang/tables.h"
#include "fixture.h"
#include "inputs/inputs.h"

static struct fixture f;
static struct corosync corosync;

static void start(void)
{
	fixture_start(&f);
}

static void end(void)
{
	fixture_end(&f);
}

static void parse_bytes(const char *bytes, size_t size, bool resolve)
{
	corosync_parse(&f.diags, source_add(&f.map, "corosync.conf", bytes, size), TEXT("n1"), resolve,
		       &corosync);
}

static void parse(const char *text)
{
	parse_bytes(text, strlen(text), false);
}

/* "OURS<THEIRS OURS<THEIRS" */
static const char *links(void)
{
	const char *all = "";

	for (const struct corosync_link *l = corosync.links; l; l = l->next)
		all = arena_printf(&f.arena, "%s%s%.*s<%.*s", all, all[0] ? " " : "",
				   TEXT_ARG(l->ours), TEXT_ARG(l->theirs));
	return all;
}

START_TEST(a_cluster)
{
	parse("totem {\n  transport: knet\n  ip_version: ipv4-6\n  interface {\n    linknumber: 0\n  }\n}\n"
	      "nodelist {\n"
	      "  node {\n    name: n1\n    ring0_addr: 192.0.2.11\n    ring1_addr: 2001:DB8:c::11\n  }\n"
	      "  node {\n    name: n3\n    ring0_addr: 192.0.2.13\n    ring1_addr: 2001:db8:c::13\n"
	      "    ring2_addr: 198.51.100.13\n  }\n"
	      "  node {\n    # the second\n    name: n2\n    ring1_addr: 2001:db8:c::12\n"
	      "    ring0_addr: 192.0.2.12\n  }\n}\n"
	      "quorum {\n  provider: corosync_votequorum\n}\n");
	ck_assert(corosync.present);
	ck_assert(!corosync.multicast);
	ck_assert_str_eq(links(), "192.0.2.11<192.0.2.12 2001:DB8:c::11<2001:db8:c::12 "
				  "192.0.2.11<192.0.2.13 2001:DB8:c::11<2001:db8:c::13");
	ck_assert_uint_eq(corosync.links->family_mask, IPV4);
	ck_assert_uint_eq(corosync.links->next->family_mask, IPV6);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

/* "NUMBER:PORT NUMBER:PORT" */
static const char *ports(const char *totem)
{
	const char *all = "";

	parse(arena_printf(&f.arena, "totem {\n%s}\nnodelist {\nnode {\nname: n1\nring0_addr: 10.0.0.1\nring1_addr: 10.1.0.1\n"
				     "ring3_addr: 10.3.0.1\n}\nnode {\nname: n2\nring0_addr: 10.0.0.2\nring1_addr: 10.1.0.2\n"
				     "ring3_addr: 10.3.0.2\n}\n}\n", totem));
	for (const struct corosync_link *l = corosync.links; l; l = l->next)
		all = arena_printf(&f.arena, "%s%s%u:%u", all, all[0] ? " " : "", l->number, l->port);
	return all;
}

START_TEST(ports_of_links)
{
	ck_assert_str_eq(ports(""), "0:5405 1:5406 3:5408");
	ck_assert_str_eq(ports("transport: knet\ninterface {\nlinknumber: 1\nmcastport: 5500\n}\n"), "0:5405 1:5500 3:5408");
	ck_assert_str_eq(ports("interface {\nmcastport: 5600\n}\ninterface {\nringnumber: 3\nmcastport: 7\n}\n"), "0:5600 1:5406 3:7");
	ck_assert_str_eq(ports("transport: udpu\n"), "0:5405 1:5405 3:5405");
	ck_assert_str_eq(ports("interface {\nlinknumber: 9\nmcastport: 5500\n}\ninterface {\nmcastport: x\n}\n"),
			 "0:5405 1:5406 3:5408");
}
END_TEST

START_TEST(multicast_with_udp)
{
	parse("totem {\n transport: udp\n}\n");
	ck_assert(corosync.multicast);
	parse("totem {\n transport: udpu\n}\n");
	ck_assert(!corosync.multicast);
	parse("totem {\n interface {\n transport: udp\n }\n}\nlogging {\n transport: udp\n}\n");
	ck_assert(!corosync.multicast);
	parse("transport: udp\n");
	ck_assert(!corosync.multicast);
}
END_TEST

START_TEST(keys_and_versions_must_agree)
{
	parse("nodelist {\n"
	      "node {\nname: n1\nring0_addr: 10.0.0.1\nring1_addr: 10.1.0.1\nlink3_addr: 10.3.0.1\n}\n"
	      "node {\nname: n2\nring0_addr: fd00::2\nring1_addr: 10.1.0.2\nring3_addr: 10.3.0.2\n}\n"
	      "node {\nname: n3\nlink3_addr: 10.3.0.3\nring_addr: 10.9.0.1\nring0_addrx: 10.9.0.2\n}\n}\n");
	ck_assert_str_eq(links(), "10.1.0.1<10.1.0.2 10.3.0.1<10.3.0.3");
}
END_TEST

START_TEST(keys_sort_as_text)
{
	parse("nodelist {\n"
	      "node {\nname: n1\nring2_addr: 10.0.0.1\nring10_addr: 10.0.0.2\nlink0_addr: 10.0.0.3\n}\n"
	      "node {\nname: n2\nring2_addr: 10.1.0.1\nring10_addr: 10.1.0.2\nlink0_addr: 10.1.0.3\n}\n}\n");
	ck_assert_str_eq(links(), "10.0.0.3<10.1.0.3 10.0.0.2<10.1.0.2 10.0.0.1<10.1.0.1");
}
END_TEST

START_TEST(ring0_names_a_node)
{
	parse("nodelist {\nnode {\nring0_addr: n1\nring1_addr: 10.0.0.1\n}\n"
	      "node {\nring0_addr: 10.0.1.2\nring1_addr: 10.0.0.2\n}\n}\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.2");
	ck_assert_uint_eq(reported(&f, DIAG_COROSYNC_HOST_NAME), 1);
}
END_TEST

START_TEST(host_names_need_resolve)
{
	static const char text[] = "totem {\nip_version: ipv4\n}\nnodelist {\n"
				   "node {\nname: n1\nring0_addr: localhost\n}\n"
				   "node {\nname: n2\nring0_addr: 10.0.0.2\n}\n}\n";

	parse(text);
	ck_assert_str_eq(links(), "");
	assert_report(&f, DIAG_COROSYNC_HOST_NAME, "localhost");
	ck_assert_uint_eq(f.diags.counts[SEVERITY_WARNING] + f.diags.counts[SEVERITY_ERROR], 0);
	parse_bytes(text, strlen(text), true);
	ck_assert_str_eq(links(), "127.0.0.1<10.0.0.2");
	ck_assert_uint_eq(reported_any(&f), 1);
}
END_TEST

START_TEST(a_name_that_does_not_exist)
{
	static const char text[] = "nodelist {\nnode {\nname: n1\nring0_addr: no-such-host.invalid\n}\n"
				   "node {\nname: n2\nring0_addr: 10.0.0.2\n}\n}\n";

	/* Where no name server answers, do not wait for it. */
	setenv("RES_OPTIONS", "attempts:1 timeout:1", 1);
	parse_bytes(text, strlen(text), true);
	ck_assert_str_eq(links(), "");
	assert_report(&f, DIAG_COROSYNC_UNRESOLVED, "no-such-host.invalid");
}
END_TEST

static const struct {
	const char *text;
	enum diag_id id;
	const char *at;
} mistakes[] = {
	{ "nodelist\nx: y\n", DIAG_COROSYNC_LINE, "nodelist" },
	{ "nodelist\n", DIAG_COROSYNC_LINE, "nodelist" },
	{ "totem {\ntransport udp\n}\n", DIAG_COROSYNC_LINE, "transport udp" },
	{ "totem { transport udp\n}\n", DIAG_COROSYNC_LINE, "transport udp" },
	{ "totem {\n}\ntotem {\n}\n", DIAG_COROSYNC_SECTION_TWICE, "totem" },
	{ "totem {\n: x\n}\n", DIAG_COROSYNC_LINE, ": x" },
	{ "}\n", DIAG_COROSYNC_BRACES, "}" },
	{ "totem {\n", DIAG_COROSYNC_BRACES, "totem {" },
	{ "totem {\nip_version: ip4\n}\n", DIAG_COROSYNC_IP_VERSION, "ip4" },
	{ "nodelist {\nnode {\nname: n1\nring0_addr: 10.0.0.0/24\n}\n}\n", DIAG_COROSYNC_BAD_ADDRESS,
	  "10.0.0.0/24" },
	{ "nodelist {\nnode {\nname: n1\nring0_addr: 10.0.0\n}\n}\n", DIAG_COROSYNC_BAD_ADDRESS,
	  "10.0.0" },
	{ "nodelist {\nnode {\nname: n1\nring0_addr: fe80::1%eth0\n}\n}\n", DIAG_COROSYNC_BAD_ADDRESS,
	  "fe80::1%eth0" },
	{ "nodelist {\nnode {\nname: n1\nring0_addr:\n}\n}\n", DIAG_COROSYNC_BAD_ADDRESS, "ring0_addr" },
	{ "nodelist {\nnode {\nname: n1\nring0_addr: x\n}\nnode {\nname: n1\n}\n}\n",
	  DIAG_COROSYNC_DUPLICATE_NODE, "n1" },
	{ "nodelist {\nnode {\nname: n2\n}\n}\n", DIAG_COROSYNC_NODE_MISSING, "nodelist {" },
	{ "nodelist {\nnode {\nname: n1\n}\nnode {\nring1_addr: 10.0.0.1\n}\n}\n",
	  DIAG_COROSYNC_UNNAMED_NODE, "node {" },
	{ "nodelist {\nnode {\nname: n1\nring0_addr: 10.0.0.1\nring0_addr: 10.0.0.2\n}\n}\n",
	  DIAG_COROSYNC_DUPLICATE_KEY, "ring0_addr" },
};

START_TEST(reports)
{
	parse(mistakes[_i].text);
	assert_report(&f, mistakes[_i].id, mistakes[_i].at);
	ck_assert_uint_eq(reported_any(&f), 1);
	ck_assert(has_part(f.diags.first, DIAG_NOTE, ""));
}
END_TEST

START_TEST(lines_hold_several_statements)
{
	parse("totem { version: 2 transport: udp } nodelist { node { name: n1 ring0_addr: 10.0.0.1 }\n"
	      "node { # the other\nname: n2 ring0_addr: 10.0.0.2 # c\n} }\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.2");
	ck_assert(corosync.multicast);
	ck_assert_uint_eq(reported_any(&f), 0);
	parse("nodelist\n{\nnode\n{\nname: n1\nring0_addr: 10.0.0.1\n}\n\nnode\n# c\n{ name: n2\nring0_addr: 10.0.0.2\n}\n}\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.2");
	ck_assert_uint_eq(reported_any(&f), 0);
	/* Values with blanks. */
	parse("totem {\ncluster_name: my own cluster\ntransport: udp\n}\n");
	ck_assert(corosync.multicast);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(the_last_node_of_a_name_counts)
{
	parse("nodelist {\nnode {\nname: n1\nring0_addr: 10.0.0.1\n}\nnode {\nname: n2\nring0_addr: 10.0.0.2\n}\n"
	      "node {\nname: n2\nring0_addr: 10.0.0.3\n}\n}\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.3");
}
END_TEST

START_TEST(a_node_without_a_name_has_links)
{
	parse("nodelist {\nnode {\nname: n1\nring1_addr: 10.0.0.1\n}\nnode {\nring1_addr: 10.0.0.2\n}\n}\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.2");
	assert_report(&f, DIAG_COROSYNC_UNNAMED_NODE, "node {");
}
END_TEST

START_TEST(the_last_address_of_a_key_counts)
{
	parse("nodelist {\nnode {\nname: n1\nring0_addr: 10.0.0.1\n}\n"
	      "node {\nname: n2\nring0_addr: 10.0.0.2\nring0_addr: 10.0.0.3\n}\n}\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.3");
}
END_TEST

START_TEST(leading_zeros_get_a_fix)
{
	parse("nodelist {\nnode {\nname: n1\nring0_addr: 010.0.0.1\n}\n}\n");
	ck_assert(has_part(report_of(&f, DIAG_COROSYNC_BAD_ADDRESS), DIAG_FIX, "10.0.0.1"));
}
END_TEST

START_TEST(dos_line_ends)
{
	parse("nodelist {\r\n  node {\r\n name: n1\r\n ring0_addr: 10.0.0.1\r\n }\r\n"
	      "node {\r\nname: n2\r\nring0_addr: 10.0.0.2\r\n}\r\n}\r\n");
	ck_assert_str_eq(links(), "10.0.0.1<10.0.0.2");
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(deep_nesting)
{
	enum { DEPTH = 300000 };
	char *bytes = malloc(2 * DEPTH + 64);
	size_t size = 0;

	for (int i = 0; i < DEPTH; i++) {
		bytes[size++] = '{';
		bytes[size++] = '\n';
	}
	parse_bytes(bytes, size, false);
	free(bytes);
	ck_assert_uint_eq(reported(&f, DIAG_COROSYNC_BRACES), 1);
	ck_assert_uint_eq(reported_any(&f), 1);
}
END_TEST

START_TEST(a_node_deeper_down_is_none)
{
	parse("x {\nnodelist {\nnode {\nname: n1\n}\n}\n}\n"
	      "nodelist {\nx {\nnode {\nname: n2\n}\n}\nnode {\nname: n1\nx {\nring0_addr: 10.0.0.1\n}\n}\n"
	      "node {\nname: n3\nring0_addr: 10.0.0.3\n}\n}\n");
	ck_assert_str_eq(links(), "");
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

/* As many nodes and addresses as a megabyte holds take no quadratic time. */
START_TEST(many_nodes)
{
	enum { NODES = 20000 };
	char *bytes = malloc(NODES * 64 + 64);
	size_t size = (size_t)sprintf(bytes, "nodelist {\nnode {\nname: n1\nring0_addr: 10.0.0.1\n}\n");
	unsigned count = 0;

	for (int i = 0; i < NODES; i++)
		size += (size_t)sprintf(bytes + size, "node {\nname: x%d\nring0_addr: 10.0.0.2\n}\n", i);
	size += (size_t)sprintf(bytes + size, "}\n");
	parse_bytes(bytes, size, false);
	free(bytes);
	for (const struct corosync_link *l = corosync.links; l; l = l->next)
		count++;
	ck_assert_uint_eq(count, NODES);
}
END_TEST

START_TEST(nasty_files)
{
	enum { SIZE = 1 << 20 };
	char *bytes = malloc(SIZE);

	parse_bytes("", 0, false);
	parse_bytes("\0", 1, false);
	parse_bytes("nodelist {\nnode {\nname: n\0\nring0_addr: 1\0.2\n", 45, false);
	memset(bytes, 'x', SIZE);
	parse_bytes(bytes, SIZE, false);
	memcpy(bytes, "nodelist {\nnode {\nname: n1\nring0_addr: ", 39);
	parse_bytes(bytes, SIZE, false);
	parse_bytes(bytes, SIZE, true);
	free(bytes);
}
END_TEST

START_TEST(random_files)
{
	static const char *const pieces[] = { "nodelist {\n", "node {\n", "name: n1\n", "name: n2\n", "}\n",
					      "ring0_addr: 10.0.0.1\n", "ring1_addr: ::1\n", "\n", "{",
					      ":", "#", "\r", "\0", "totem {\n", "x", "ring0_addr: " };

	srand(4);
	for (int round = 0; round < 3000; round++) {
		char bytes[1024];
		size_t size = 0;

		while (size < 900 && rand() % 40) {
			const char *piece = pieces[(size_t)rand() % (sizeof(pieces) / sizeof(pieces[0]))];
			size_t len = piece[0] ? strlen(piece) : 1;

			memcpy(bytes + size, piece, len);
			size += len;
		}
		parse_bytes(bytes, size, false);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("corosync");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, a_cluster);
	tcase_add_test(tcase, ports_of_links);
	tcase_add_test(tcase, multicast_with_udp);
	tcase_add_test(tcase, keys_and_versions_must_agree);
	tcase_add_test(tcase, keys_sort_as_text);
	tcase_add_test(tcase, ring0_names_a_node);
	tcase_add_test(tcase, host_names_need_resolve);
	tcase_add_test(tcase, a_name_that_does_not_exist);
	tcase_add_test(tcase, lines_hold_several_statements);
	tcase_add_test(tcase, the_last_node_of_a_name_counts);
	tcase_add_test(tcase, a_node_without_a_name_has_links);
	tcase_add_loop_test(tcase, reports, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(tcase, the_last_address_of_a_key_counts);
	tcase_add_test(tcase, leading_zeros_get_a_fix);
	tcase_add_test(tcase, dos_line_ends);
	tcase_add_test(tcase, deep_nesting);
	tcase_add_test(tcase, a_node_deeper_down_is_none);
	tcase_add_test(tcase, many_nodes);
	tcase_add_test(tcase, nasty_files);
	tcase_add_test(tcase, random_files);
	return run_suite("corosync", tcase);
}
