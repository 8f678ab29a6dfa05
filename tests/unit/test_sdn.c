/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IP sets of the SDN. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "inputs/inputs.h"

static struct fixture f;
static struct scope sdn;

static void start(void)
{
	fixture_start(&f);
	sdn = (struct scope){ .kind = SCOPE_CLUSTER };
}

static void end(void)
{
	HASH_CLEAR(hh, sdn.ipsets);
	fixture_end(&f);
}

static void parse_bytes(const char *running, size_t size, const char *ipam, size_t ipam_size)
{
	HASH_CLEAR(hh, sdn.ipsets);
	sdn_parse(&f.diags, running ? source_add(&f.map, "sdn/.running-config", running, size) : NULL,
		  ipam ? source_add(&f.map, "priv/ipam.db", ipam, ipam_size) : NULL, &sdn);
	ck_assert_int_eq(sdn.kind, SCOPE_SDN);
}

static void parse(const char *running, const char *ipam)
{
	parse_bytes(running, running ? strlen(running) : 0, ipam, ipam ? strlen(ipam) : 0);
}

/* The names of all sets. */
static const char *set_names(void)
{
	const char *all = "";

	for (const struct ipset *s = sdn.ipsets; s; s = s->hh.next)
		all = arena_printf(&f.arena, "%s%s%.*s", all, all[0] ? " " : "", TEXT_ARG(s->name));
	return all;
}

/* A set's entries, with ! for exceptions. */
static const char *entries(const char *name)
{
	const char *all = "";
	struct ipset *set;
	uint32_t count = 0;

	HASH_FIND(hh, sdn.ipsets, name, strlen(name), set);
	if (!set)
		return "(no set)";
	ck_assert_int_eq(set->scope, SCOPE_SDN);
	for (const struct set_entry *e = set->entries; e; e = e->next, count++) {
		char text[PREFIX_TEXT_SIZE];

		prefix_format(&e->prefix, text);
		ck_assert_text(e->text, text);
		all = arena_printf(&f.arena, "%s%s%s%s", all, all[0] ? " " : "", e->nomatch ? "!" : "",
				   text);
	}
	ck_assert_uint_eq(set->size, count);
	return all;
}

#define ZONES "\"zones\":{\"ids\":{\"test\":{\"type\":\"simple\"}}}"
#define VNETS "\"vnets\":{\"ids\":{\"vnet1\":{\"zone\":\"test\",\"type\":\"vnet\"},\"vnet0\":{\"zone\":\"test\"}}}"
#define CONFIG(subnets) "{\"version\":3," ZONES "," VNETS ",\"subnets\":{\"ids\":{" subnets "}}}"

START_TEST(a_configuration)
{
	parse(CONFIG("\"test-fd80::-64\":{\"vnet\":\"vnet0\",\"gateway\":\"fd80::1\"},"
		     "\"test-10.101.0.0-16\":{\"vnet\":\"vnet0\",\"type\":\"subnet\",\"snat\":1,"
		     "\"gateway\":\"10.101.0.1\",\"dhcp-range\":[\"start-address=10.101.99.100,"
		     "end-address=10.101.99.200\"]}"), NULL);
	ck_assert_str_eq(set_names(), "vnet0-all vnet0-gateway vnet0-no-gateway vnet0-dhcp "
				      "vnet1-all vnet1-gateway vnet1-no-gateway vnet1-dhcp");
	ck_assert_str_eq(entries("vnet0-all"), "10.101.0.0/16 fd80::/64");
	ck_assert_str_eq(entries("vnet0-gateway"), "10.101.0.1 fd80::1");
	ck_assert_str_eq(entries("vnet0-no-gateway"),
			 "10.101.0.0/16 !10.101.0.1 fd80::/64 !fd80::1");
	ck_assert_str_eq(entries("vnet0-dhcp"), "10.101.99.100/30 10.101.99.104/29 10.101.99.112/28 "
						"10.101.99.128/26 10.101.99.192/29 10.101.99.200");
	ck_assert_str_eq(entries("vnet1-all"), "");
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

/* The members' order in the file plays no part. */
START_TEST(order_does_not_matter)
{
	parse(CONFIG("\"test-10.2.0.0-16\":{\"vnet\":\"vnet0\"},\"test-10.1.0.0-16\":{\"vnet\":\"vnet0\"}"),
	      NULL);
	ck_assert_str_eq(entries("vnet0-all"), "10.1.0.0/16 10.2.0.0/16");
}
END_TEST

START_TEST(an_ipam)
{
	static const char ipam[] =
		"{\"zones\":{\"test\":{\"subnets\":{\"10.101.0.0/16\":{\"ips\":{"
		"\"10.101.0.1\":{\"gateway\":1},"
		"\"10.101.99.101\":{\"vmid\":\"102\",\"mac\":\"BC:24:11:00:00:01\",\"hostname\":\"a\"},"
		"\"10.101.99.100\":{\"vmid\":\"101\",\"mac\":null}}},"
		"\"fd80::/64\":{\"ips\":{\"fd80::5\":{\"vmid\":\"101\"}}}}}}}";

	parse(NULL, ipam);
	ck_assert_str_eq(set_names(), "guest-ipam-101 guest-ipam-102");
	ck_assert_str_eq(entries("guest-ipam-101"), "10.101.99.100 fd80::5");
	ck_assert_str_eq(entries("guest-ipam-102"), "10.101.99.101");
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(ranges)
{
	static const struct {
		const char *from, *to, *networks;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.1" },
		{ "10.0.0.0", "10.0.0.255", "10.0.0.0/24" },
		{ "10.0.0.1", "10.0.0.2", "10.0.0.1 10.0.0.2" },
		{ "0.0.0.0", "255.255.255.255", "0.0.0.0/0" },
		{ "255.255.255.254", "255.255.255.255", "255.255.255.254/31" },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0" },
		{ "fd00::ffff", "fd00::1:0", "fd00::ffff fd00::1:0" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(arena_printf(&f.arena,
				   CONFIG("\"test-10.0.0.0-16\":{\"vnet\":\"vnet0\",\"dhcp-range\":["
					  "\"start-address=%s,end-address=%s\"]}"),
				   rows[i].from, rows[i].to), NULL);
		ck_assert_str_eq(entries("vnet0-dhcp"), rows[i].networks);
	}
	parse(CONFIG("\"test-10.0.0.0-16\":{\"vnet\":\"vnet0\",\"dhcp-range\":["
		     "\"start-address=0.0.0.1,end-address=255.255.255.254\"]}"), NULL);
	for (const struct ipset *set = sdn.ipsets; set; set = set->hh.next)
		if (text_is(set->name, "vnet0-dhcp"))
			ck_assert_uint_eq(set->size, 62);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

/* Reported once, with the path, at the last key of it. */
static const struct {
	const char *running, *ipam;
	enum diag_id id;
	const char *path, *at;
} mistakes[] = {
	{ "[1]", NULL, DIAG_SDN_TYPE, "", "[" },
	{ "{\"vnets\": 5}", NULL, DIAG_SDN_TYPE, "`vnets`: value is not an object", "\"vnets\"" },
	{ "{\"vnets\":{\"ids\":[1, 2]}}", NULL, DIAG_SDN_TYPE, "`vnets.ids`: value is not an object", "\"ids\"" },
	{ "{" ZONES ",\"vnets\":{\"ids\":{\"v1\":{\"zone\": 7}}}}", NULL, DIAG_SDN_TYPE,
	  "`vnets.ids.v1.zone`: value is not a string", "\"zone\"" },
	{ "{" ZONES ",\"vnets\":{\"ids\":{\"v1\":{\"zone\": \"nope\"}}}}", NULL, DIAG_SDN_ZONE,
	  "`vnets.ids.v1.zone`", "\"zone\"" },
	{ "{\"vnets\":{\"ids\":{\"a b\":{}}}}", NULL, DIAG_SDN_BAD_NAME, "`vnets.ids.a b`", "\"a b\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet2\"}"), NULL, DIAG_SDN_UNKNOWN_VNET,
	  "`subnets.ids.test-10.0.0.0-8.vnet`", "\"vnet\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"x\":1}"), NULL, DIAG_SDN_UNKNOWN_VNET, "", "\"test-10.0.0.0-8\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":null}"), NULL, DIAG_SDN_UNKNOWN_VNET, "", "\"test-10.0.0.0-8\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":{}}"), NULL, DIAG_SDN_TYPE, ".vnet`: value is not a string", "\"vnet\"" },
	{ CONFIG("\"test-10.0.0.0-33\":{\"vnet\":\"vnet0\"}"), NULL, DIAG_SDN_BAD_ADDRESS, "", "\"test-10.0.0.0-33\"" },
	{ CONFIG("\"nonsense\":{\"vnet\":\"vnet0\"}"), NULL, DIAG_SDN_BAD_ADDRESS, "`subnets.ids.nonsense`", "\"nonsense\"" },
	{ CONFIG("\"other-10.0.0.0-8\":{\"vnet\":\"vnet0\"}"), NULL, DIAG_SDN_ZONE, "", "\"other-10.0.0.0-8\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet0\",\"gateway\":\"10.0.0\"}"), NULL,
	  DIAG_SDN_BAD_ADDRESS, ".gateway`", "\"gateway\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet0\",\"dhcp-range\":\"x\"}"), NULL, DIAG_SDN_TYPE,
	  ".dhcp-range`: value is not a list", "\"dhcp-range\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet0\",\"dhcp-range\":[ 4 ]}"), NULL, DIAG_SDN_TYPE,
	  ".dhcp-range[0]`: value is not a string", "\"dhcp-range\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet0\",\"dhcp-range\":[\"start-address=10.0.0.1,"
		 "end-address=10.0.0.2\",\"start-address=10.0.0.2,end-address=10.0.0.1\"]}"), NULL,
	  DIAG_SDN_BAD_RANGE, ".dhcp-range[1]`", "\"dhcp-range\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet0\",\"dhcp-range\":[\"start-address=10.0.0.1,"
		 "end-address=::1\"]}"), NULL, DIAG_SDN_BAD_RANGE, "", "\"dhcp-range\"" },
	{ CONFIG("\"test-10.0.0.0-8\":{\"vnet\":\"vnet0\",\"dhcp-range\":[\"\"]}"), NULL,
	  DIAG_SDN_BAD_RANGE, "", "\"dhcp-range\"" },
	{ NULL, "{\"zones\":{\"z\":{\"subnets\":{\"10.0.0.0/8\":{\"ips\":{\"x\":{\"vmid\":\"1\"}}}}}}}",
	  DIAG_SDN_BAD_ADDRESS, "`zones.z.subnets.10.0.0.0/8.ips.x`", "\"x\"" },
	{ NULL, "{\"zones\":{\"z\":{\"subnets\":{\"10.0.0.0/8\":{\"ips\":{\"10.0.0.1\":{\"vmid\":\"a\"}}}}}}}",
	  DIAG_IPAM_BAD_VMID, ".10.0.0.1.vmid`", "\"vmid\"" },
	{ NULL, "{\"zones\":{\"z\":{\"subnets\":{\"10.0.0.0/8\":{\"ips\":{\"10.0.0.1\":{\"vmid\":100}}}}}}}",
	  DIAG_SDN_TYPE, ".vmid`: value is not a string", "\"vmid\"" },
	{ NULL, "{\"zones\":{\"z\":{\"subnets\":{\"10.0.0.0/8\":{\"ips\":{\"10.0.0.1\":1}}}}}}",
	  DIAG_SDN_TYPE, "not an object", "\"10.0.0.1\"" },
};

START_TEST(reports)
{
	parse(mistakes[_i].running, mistakes[_i].ipam);
	assert_report(&f, mistakes[_i].id, mistakes[_i].at);
	ck_assert_uint_eq(reported_any(&f), 1);
	ck_assert_msg(strstr(f.diags.first->message, mistakes[_i].path), "%s", f.diags.first->message);
}
END_TEST

START_TEST(places_are_of_keys)
{
	const struct diagnostic *d;

	parse("{\"a\":[\"vnets\",\"\\\"vnets\\\":2}{\"],\n\"vnets\" : 4.5e1 }", NULL);
	d = report_of(&f, DIAG_SDN_TYPE);
	assert_report(&f, DIAG_SDN_TYPE, "\"vnets\"");
	ck_assert_uint_eq(source_place(&f.map, d->span.begin).line, 2);
}
END_TEST

START_TEST(no_json)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
		{ "{", 1 }, { "{\n\"a\": }\n", 2 }, { "{}\n{}", 2 }, { "nonsense", 1 },
		{ "{\"a\":\"\\u0000\"}", 1 }, { "{\"a\":\"\xff\"}", 1 }, { "\n\n{\"a\" 1}", 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct diagnostic *d;
		struct place place;

		parse(rows[i].text, NULL);
		ck_assert_uint_eq(reported(&f, DIAG_SDN_JSON), 1);
		d = report_of(&f, DIAG_SDN_JSON);
		place = source_place(&f.map, d->span.begin);
		ck_assert_ptr_nonnull(place.source);
		ck_assert_uint_eq(place.line, rows[i].line);
		diags_init(&f.diags, &f.arena, &f.map);
	}
	parse("", " \n\t\r\n");
	ck_assert_uint_eq(reported_any(&f), 0);
	ck_assert_ptr_null(sdn.ipsets);
}
END_TEST

START_TEST(nasty_files)
{
	enum { SIZE = 1 << 20 };
	char *bytes = malloc(SIZE);

	parse_bytes("\0", 1, "{}\0", 3);
	ck_assert_uint_eq(reported(&f, DIAG_SDN_JSON), 2);
	memset(bytes, '[', SIZE);
	parse_bytes(bytes, SIZE, bytes, SIZE);
	ck_assert_uint_eq(reported(&f, DIAG_SDN_JSON), 4);
	memset(bytes, 'a', SIZE);
	memcpy(bytes, "{\"vnets\":{\"ids\":{\"", 18);
	memcpy(bytes + SIZE - 8, "\":3}}}  ", 8);
	parse_bytes(bytes, SIZE, NULL, 0);
	ck_assert_uint_eq(reported(&f, DIAG_SDN_TYPE), 1);
	free(bytes);
}
END_TEST

/* Many members that are all wrong take no quadratic time. */
START_TEST(many_mistakes)
{
	enum { COUNT = 40000 };
	char *bytes = malloc(COUNT * 16 + 64);
	size_t size = (size_t)sprintf(bytes, "{\"vnets\":{\"ids\":{");

	for (int i = 0; i < COUNT; i++)
		size += (size_t)sprintf(bytes + size, "%s\"v%d\":1", i ? "," : "", i);
	size += (size_t)sprintf(bytes + size, "}}}");
	parse_bytes(bytes, size, NULL, 0);
	free(bytes);
	ck_assert_uint_eq(reported(&f, DIAG_SDN_TYPE), COUNT);
}
END_TEST

START_TEST(names_in_messages_are_harmless)
{
	parse("{\"vnets\":{\"ids\":{\"a\\u001b[31m\\n\":1}}}", NULL);
	ck_assert_ptr_nonnull(strstr(f.diags.first->message, "`vnets.ids.a?[31m?`"));
}
END_TEST

START_TEST(random_files)
{
	static const char config[] = CONFIG("\"test-10.101.0.0-16\":{\"vnet\":\"vnet0\",\"gateway\":"
					    "\"10.101.0.1\",\"dhcp-range\":[\"start-address=10.101.9.1,"
					    "end-address=10.101.9.2\"]}");
	static const char alphabet[] = "{}[]\",:\\0159az \n\xff";

	srand(5);
	for (int round = 0; round < 3000; round++) {
		char bytes[sizeof(config)];

		memcpy(bytes, config, sizeof(bytes));
		for (int i = rand() % 4; i >= 0; i--)
			bytes[(size_t)rand() % (sizeof(bytes) - 1)] =
				alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		parse_bytes(bytes, sizeof(bytes) - 1, bytes, sizeof(bytes) - 1);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("sdn");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, a_configuration);
	tcase_add_test(tcase, order_does_not_matter);
	tcase_add_test(tcase, an_ipam);
	tcase_add_test(tcase, ranges);
	tcase_add_loop_test(tcase, reports, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(tcase, places_are_of_keys);
	tcase_add_test(tcase, no_json);
	tcase_add_test(tcase, nasty_files);
	tcase_add_test(tcase, many_mistakes);
	tcase_add_test(tcase, names_in_messages_are_harmless);
	tcase_add_test(tcase, random_files);
	return run_suite("sdn", tcase);
}
