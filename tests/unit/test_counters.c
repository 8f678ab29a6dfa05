/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters beside their source lines: what is printed, what --zero takes away, and
 * what the comments and chains of nftables rules say.  That the numbers are the
 * kernel's is tested in tests/kernel. */
#include <errno.h>

#include "resolve/compile.h"
#include "firewall/commands/counters_print.h"
#include "fixture.h"
#include "nft/load/kernel.h"

static struct fixture f;
static struct counters c;
static struct config *config;
static struct source *cluster, *guest_file;
static struct out out;

static const char cluster_text[] = "[OPTIONS]\nenable: 1\n\n[group web]\nIN ACCEPT -source 10.0.0.1\n\n[RULES]\n"
				   "IN ACCEPT -source 10.0.0.2\n|IN DROP -source 10.0.0.3\n"
				   "IN ACCEPT -source 10.0.0.4\x1b[31m\n# nothing\n";
static const char guest_text[] = "[OPTIONS]\nenable: 1\npolicy_in: REJECT\n\n[RULES]\nGROUP web\n"
				 "IN DROP -source 10.0.0.5";

static struct source *add(const char *path, const char *text)
{
	return source_add(&f.map, path, text, strlen(text));
}

static void start(void)
{
	static struct guest_config guest = { .vmid = 100, .vmid_text = { "100", 3 } };
	static struct input_file file = { .name = { "100", 3 } };
	struct inputs inputs = { .node = TEXT("n"), .forwards = true, .guests = &guest, .guest_files = &file };

	fixture_start(&f);
	inputs.cluster = cluster = add("firewall/cluster.fw", cluster_text);
	add("nodes/n/lxc/100.conf", "net0: x\n");
	file.source = guest_file = add("firewall/100.fw", guest_text);
	config = compile(&inputs, &f.diags);
	counters_init(&c, &f.arena, &f.map, config);
	out_init_memory(&out);
}

static void end(void)
{
	out_free(&out);
	counters_free(&c);
	config_free(config);
	fixture_end(&f);
}

/* One rule has counted. */
static void count(struct source *source, uint32_t line, const char *option, uint64_t packets, uint64_t bytes)
{
	struct backend_count one = { .source = source, .line = line, .option = text_of(option),
				     .zone = { BACKEND_HOST, TEXT("host") }, .outcome = BACKEND_DROPPED,
				     .packets = packets, .bytes = bytes };

	counters_add(&c, &one);
}

static void assert_printed(const char *expected)
{
	ck_assert_msg(text_is((struct text){ out.data, (uint32_t)out.len }, expected), "printed:\n%.*s\nand not:\n%s",
		      (int)out.len, out.data, expected);
	out.len = 0;
}

START_TEST(beside_the_source)
{
	count(cluster, 5, "", 9999, 10000);
	count(cluster, 8, "", 0, 0);
	count(cluster, 0, "policy_in", 99949, 999499);
	count(cluster, 0, "policy_out", 999500, UINT64_MAX);
	counters_print_file(&out, &c, counters_find_file(&c, TEXT("cluster.fw")), false);
	assert_printed("firewall/cluster.fw\n"
		       " packets    bytes line\n"
		       "                     1  [OPTIONS]\n"
		       "                     2  enable: 1\n"
		       "                     3\n"
		       "                     4  [group web]\n"
		       "    9999    10.0k    5  IN ACCEPT -source 10.0.0.1\n"
		       "                     6\n"
		       "                     7  [RULES]\n"
		       "       .        .    8  IN ACCEPT -source 10.0.0.2\n"
		       "     off             9  |IN DROP -source 10.0.0.3\n"
		       " ignored            10  IN ACCEPT -source 10.0.0.4\\x1b[31m\n"
		       "                    11  # nothing\n"
		       "   99.9k     999k       policy_in: DROP (the default)\n"
		       "   1.00M    18.4E       policy_out: ACCEPT (the default)\n");
}
END_TEST

START_TEST(lines_not_loaded)
{
	count(guest_file, 3, "", 1234567, 12345678901234567890u);
	counters_print_file(&out, &c, counters_find_file(&c, TEXT("100")), true);
	assert_printed("firewall/100.fw\n"
		       " packets                bytes line\n"
		       "                                 1  [OPTIONS]\n"
		       "                                 2  enable: 1\n"
		       " 1234567 12345678901234567890    3  policy_in: REJECT\n"
		       "                                 4\n"
		       "                                 5  [RULES]\n"
		       "       -                    -    6  GROUP web\n"
		       "       -                    -    7  IN DROP -source 10.0.0.5\n");
}
END_TEST

START_TEST(several_rules_of_a_line)
{
	count(guest_file, 7, "", 3, 300);
	count(guest_file, 7, "", 4, 401);
	count(guest_file, 7, "", 1, 2);
	ck_assert_uint_eq(counted_since(&c.files[1].lines[6]).packets, 8);
	ck_assert_uint_eq(counted_since(&c.files[1].lines[6]).bytes, 703);
	ck_assert_uint_eq(c.zones->outcomes[BACKEND_DROPPED].packets, 8);
	count(guest_file, 8, "", 1, 1);
	count(guest_file, 0, "unknown", 1, 1);
	count(NULL, 1, "", 1, 1);
	ck_assert_uint_eq(c.skipped, 3);
}
END_TEST

START_TEST(top)
{
	count(guest_file, 7, "", 3, 300);
	count(cluster, 8, "", 20, 1000);
	count(cluster, 5, "", 3, 301);
	count(cluster, 0, "policy_in", 1, 40);
	counters_print_top(&out, &c, 3, false);
	assert_printed(" packets    bytes  line\n"
		       "      20     1000  firewall/cluster.fw:8  IN ACCEPT -source 10.0.0.2\n"
		       "       3      301  firewall/cluster.fw:5  IN ACCEPT -source 10.0.0.1\n"
		       "       3      300  firewall/100.fw:7      IN DROP -source 10.0.0.5\n");
	counters_print_top(&out, &c, 9, false);
	assert_printed(" packets    bytes  line\n"
		       "      20     1000  firewall/cluster.fw:8  IN ACCEPT -source 10.0.0.2\n"
		       "       3      301  firewall/cluster.fw:5  IN ACCEPT -source 10.0.0.1\n"
		       "       3      300  firewall/100.fw:7      IN DROP -source 10.0.0.5\n"
		       "       1       40  firewall/cluster.fw    policy_in (the default)\n");
}
END_TEST

START_TEST(top_as_json)
{
	count(cluster, 8, "", 20, 1000);
	count(cluster, 5, "", 3, 301);
	count(cluster, 0, "policy_in", 4, 40);
	counters_print_top_json(&out, &c, 2);
	assert_printed("[\n"
		       "  {\n"
		       "    \"path\": \"firewall/cluster.fw\",\n"
		       "    \"line\": 8,\n"
		       "    \"text\": \"IN ACCEPT -source 10.0.0.2\",\n"
		       "    \"packets\": 20,\n"
		       "    \"bytes\": 1000\n"
		       "  },\n"
		       "  {\n"
		       "    \"path\": \"firewall/cluster.fw\",\n"
		       "    \"default\": \"policy_in\",\n"
		       "    \"packets\": 4,\n"
		       "    \"bytes\": 40\n"
		       "  }\n"
		       "]\n");
}
END_TEST

START_TEST(as_json)
{
	count(guest_file, 7, "", 3, 300);
	count(guest_file, 0, "policy_out", 0, 0);
	counters_print_json(&out, &c, counters_find_file(&c, TEXT("100.fw")));
	assert_printed("[\n"
		       "  {\n"
		       "    \"path\": \"firewall/100.fw\",\n"
		       "    \"lines\": [\n"
		       "      {\n"
		       "        \"line\": 6,\n"
		       "        \"text\": \"GROUP web\",\n"
		       "        \"state\": \"not loaded\"\n"
		       "      },\n"
		       "      {\n"
		       "        \"line\": 7,\n"
		       "        \"text\": \"IN DROP -source 10.0.0.5\",\n"
		       "        \"packets\": 3,\n"
		       "        \"bytes\": 300\n"
		       "      }\n"
		       "    ],\n"
		       "    \"defaults\": {\n"
		       "      \"policy_out\": {\n"
		       "        \"packets\": 0,\n"
		       "        \"bytes\": 0\n"
		       "      }\n"
		       "    }\n"
		       "  }\n"
		       "]\n");
}
END_TEST

/* ---- from zero ---- */

static struct text printed(void)
{
	return (struct text){ out.data, (uint32_t)out.len };
}

START_TEST(zero)
{
	count(guest_file, 7, "", 3, 300);
	count(guest_file, 0, "policy_out", 5, 50);
	count(cluster, 8, "", 0, 0);
	counters_zero(&c);
	counters_print_baseline(&out, &c);
	ck_assert(!counters_read_baseline(&c, printed()));
	assert_printed("3 300 firewall/100.fw:7: IN DROP -source 10.0.0.5\n5 50 firewall/100.fw: policy_out\n");
	count(guest_file, 7, "", 1, 2);
	ck_assert_uint_eq(counted_since(&c.files[1].lines[6]).packets, 1);
	ck_assert_uint_eq(counted_since(&c.files[1].lines[6]).bytes, 2);
	ck_assert_uint_eq(counted_since(&c.files[1].defaults[1]).packets, 0);
}
END_TEST

/* Each says something that does not count; the last entry does in any case. */
START_TEST(stale_baseline)
{
	static const char *const stale[] = {
		"4 300 firewall/100.fw:7: IN DROP -source 10.0.0.5", /* more than there is */
		"3 301 firewall/100.fw:7: IN DROP -source 10.0.0.5",
		"1 1 firewall/100.fw:7: IN DROP -source 10.0.0.6", /* another rule */
		"1 1 firewall/100.fw:8: IN DROP -source 10.0.0.5",
		"1 1 firewall/101.fw:7: IN DROP -source 10.0.0.5",
		"1 1 100.fw:7: IN DROP -source 10.0.0.5",
		"1 1 firewall/100.fw: policy_up",
		"1 1 firewall/100.fw:0: ",
		"1 1 firewall/100.fw:",
		"1 1",
		"x 1 firewall/100.fw:7: IN DROP -source 10.0.0.5",
		"18446744073709551616 1 firewall/100.fw:7: IN DROP -source 10.0.0.5",
		"",
	};

	count(guest_file, 7, "", 3, 300);
	count(cluster, 8, "", 3, 300);
	for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++) {
		out.len = 0;
		out_printf(&out, "%s\n2 200 firewall/cluster.fw:8: IN ACCEPT -source 10.0.0.2\n", stale[i]);
		ck_assert_msg(counters_read_baseline(&c, printed()), "not stale: %s", stale[i]);
		ck_assert_uint_eq(counted_since(&c.files[1].lines[6]).packets, 3);
		ck_assert_uint_eq(counted_since(&c.files[0].lines[7]).packets, 1);
		c.files[0].lines[7].base = (struct count){ 0, 0 };
	}
	ck_assert(counters_read_baseline(&c, TEXT("2 200 firewall/clus"))); /* cut off */
	ck_assert(!counters_read_baseline(&c, TEXT("")));
}
END_TEST

/* ---- targets ---- */

static int interruptions;

/* Is disturbed some times. */
static int fake_counters(const struct config *what, backend_count_function *function, void *context, uint32_t *skipped)
{
	struct backend_count one = { .source = guest_file, .line = 7, .zone = { BACKEND_GUEST, TEXT("100") },
				     .packets = 1, .bytes = 1 };

	ck_assert_ptr_eq(what, config);
	function(context, &one);
	*skipped = 2;
	return interruptions-- > 0 ? EINTR : 0;
}

START_TEST(interrupted)
{
	static const struct backend fake = { .counters = fake_counters };

	interruptions = 3;
	ck_assert_int_eq(counters_read(&c, &fake), 0);
	ck_assert_uint_eq(counted_since(&c.files[1].lines[6]).packets, 1);
	ck_assert_uint_eq(HASH_COUNT(c.zones), 1);
	ck_assert_uint_eq(c.zones->outcomes[BACKEND_ACCEPTED].packets, 1);
	ck_assert_uint_eq(c.skipped, 2);
	interruptions = 1000;
	ck_assert_int_eq(counters_read(&c, &fake), EINTR);
}
END_TEST

START_TEST(zones)
{
	static const struct {
		const char *chain;
		enum backend_zone_kind kind;
		const char *name;
	} rows[] = {
		{ "host-in", BACKEND_HOST, "host" },
		{ "host-forward-12", BACKEND_HOST, "host" },
		{ "tap100i0-in", BACKEND_GUEST, "100" },
		{ "veth1234i12-out-3", BACKEND_GUEST, "1234" },
		{ "guest-100-in-1", BACKEND_GUEST, "100" },
		{ "vnet-v0-forward", BACKEND_VNET, "v0" },
		{ "vnet-a-forward-1-forward-2", BACKEND_VNET, "a-forward-1" },
		{ "group-web-in", BACKEND_GROUP, "web" },
		{ "group-web-out-7", BACKEND_GROUP, "web" },
		{ "group-a-in-1-out", BACKEND_GROUP, "a-in-1" },
		/* of port maps */
		{ "host-in-tcp-0-1023", BACKEND_HOST, "host" },
		{ "tap100i0-in-udplite-none", BACKEND_GUEST, "100" },
		{ "guest-100-in-1-tcp2-80", BACKEND_GUEST, "100" },
		{ "vnet-v0-forward-tcp-80-89", BACKEND_VNET, "v0" },
		{ "vnet-v0-forward-limit-2", BACKEND_VNET, "v0" },
		{ "group-web-in-tcp2-80-89", BACKEND_GROUP, "web" },
		{ "group-web-in-ports3", BACKEND_GROUP, "web" },
		{ "group-in-tcp-in-udp", BACKEND_GROUP, "in-tcp" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct backend_zone zone = nft_zone_of(text_of(rows[i].chain));

		ck_assert_int_eq(zone.kind, rows[i].kind);
		ck_assert_text(zone.name, rows[i].name);
	}
}
END_TEST

START_TEST(comments)
{
	static const char *const others[] = { "", ":", "100.fw", ":14", "100.fw:", "100.fw: ", "100.fw:0", "100.fw:1x",
					      "100.fw:4294967296" };
	struct text file, option;
	uint32_t line;

	ck_assert(nft_comment_parse(TEXT("100.fw:14"), &file, &line, &option));
	ck_assert_text(file, "100.fw");
	ck_assert_uint_eq(line, 14);
	ck_assert(nft_comment_parse(TEXT("cluster.fw: policy_in"), &file, &line, &option));
	ck_assert_text(file, "cluster.fw");
	ck_assert_uint_eq(line, 0);
	ck_assert_text(option, "policy_in");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!nft_comment_parse(text_of(others[i]), &file, &line, &option), "`%s`", others[i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("counters");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, beside_the_source);
	tcase_add_test(tcase, lines_not_loaded);
	tcase_add_test(tcase, several_rules_of_a_line);
	tcase_add_test(tcase, top);
	tcase_add_test(tcase, top_as_json);
	tcase_add_test(tcase, as_json);
	tcase_add_test(tcase, zero);
	tcase_add_test(tcase, stale_baseline);
	tcase_add_test(tcase, interrupted);
	tcase_add_test(tcase, zones);
	tcase_add_test(tcase, comments);
	return run_suite("counters", tcase);
}
