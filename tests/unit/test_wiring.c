/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How guests are plugged, judged by the masters of their interfaces. */
#include <check.h>
#include <stdlib.h>

#include "firewall/wiring/wiring.h"
#include "fixture.h"

/* A node: vmbr0 with everything that may be plugged into it, Open vSwitch, a VRF. */
static const struct wiring_link node[] = {
	{ "lo", 1, 0, false, true },
	{ "vmbr0", 2, 0, true, true },
	{ "ovs-system", 3, 0, false, false },
	{ "vrf1", 4, 0, false, true },
	/* with a firewall bridge, of a VM, a container, and of Open vSwitch */
	{ "fwbr100i0", 10, 0, true, true },
	{ "fwln100i0", 11, 10, false, true },
	{ "fwpr100p0", 12, 2, false, true },
	{ "tap100i0", 13, 10, false, true },
	{ "fwbr101i0", 14, 0, true, true },
	{ "veth101i0", 15, 14, false, true },
	{ "fwbr102i0", 16, 0, true, true },
	{ "fwln102o0", 17, 16, false, true },
	{ "tap102i0", 18, 16, false, true },
	/* without */
	{ "tap110i0", 20, 2, false, true },
	{ "veth111i0", 21, 2, false, true },
	{ "tap112i0", 22, 3, false, true },
	{ "tap113i0", 23, 4, false, true },
	{ "tap114i0", 24, 0, false, true },
	{ "tap115i0", 25, 0, false, false },
	{ "tap116i0", 26, 99, false, true }, /* its master came later than the dump */
	{ "fwbr117i0", 27, 0, false, true }, /* a name is no bridge */
	{ "tap117i0", 28, 27, false, true },
};

static struct wiring_links links;

static void setup(void)
{
	struct wiring_link *all = malloc(sizeof(node));

	ck_assert_ptr_nonnull(all);
	memcpy(all, node, sizeof(node));
	ck_assert(wiring_links_init(&links, all, sizeof(node) / sizeof(node[0])));
}

static void teardown(void)
{
	wiring_links_free(&links);
}

START_TEST(a_nic_is_judged_by_its_master)
{
	static const struct {
		const char *device;
		enum wiring_fault iptables, nftables;
		const char *master;
	} rows[] = {
		{ "tap100i0", WIRING_FILTERED, WIRING_FILTERED, "fwbr100i0" },
		{ "veth101i0", WIRING_FILTERED, WIRING_FILTERED, "fwbr101i0" },
		{ "tap102i0", WIRING_FILTERED, WIRING_FILTERED, "fwbr102i0" },
		{ "tap110i0", WIRING_NO_FIREWALL_BRIDGE, WIRING_FILTERED, "vmbr0" },
		{ "veth111i0", WIRING_NO_FIREWALL_BRIDGE, WIRING_FILTERED, "vmbr0" },
		{ "tap112i0", WIRING_NOT_IN_BRIDGE, WIRING_NOT_IN_BRIDGE, "ovs-system" },
		{ "tap113i0", WIRING_NOT_IN_BRIDGE, WIRING_NOT_IN_BRIDGE, "vrf1" },
		{ "tap114i0", WIRING_UNPLUGGED, WIRING_UNPLUGGED, NULL },
		{ "tap115i0", WIRING_FILTERED, WIRING_FILTERED, NULL },
		{ "tap116i0", WIRING_NOT_IN_BRIDGE, WIRING_NOT_IN_BRIDGE, NULL },
		{ "tap117i0", WIRING_NOT_IN_BRIDGE, WIRING_NOT_IN_BRIDGE, "fwbr117i0" },
		{ "tap999i0", WIRING_ABSENT, WIRING_ABSENT, NULL },
		{ "tap100i", WIRING_ABSENT, WIRING_ABSENT, NULL },
		{ "a-name-that-is-too-long", WIRING_ABSENT, WIRING_ABSENT, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wiring_link *link, *master;

		ck_assert_msg(wiring_judge(&links, rows[i].device, true, &link, &master) == rows[i].iptables, "%s",
			      rows[i].device);
		ck_assert_msg(wiring_judge(&links, rows[i].device, false, NULL, NULL) == rows[i].nftables, "%s", rows[i].device);
		ck_assert_str_eq(master ? master->name : "", rows[i].master ? rows[i].master : "");
		ck_assert_int_eq(link != NULL, rows[i].iptables != WIRING_ABSENT);
	}
}
END_TEST

START_TEST(no_links_at_all)
{
	struct wiring_links none;

	ck_assert(wiring_links_init(&none, NULL, 0));
	ck_assert_int_eq(wiring_judge(&none, "tap100i0", true, NULL, NULL), WIRING_ABSENT);
	wiring_links_free(&none);
}
END_TEST

/* ---- guests ---- */

static struct nic nics[4];
static struct guest guests[2];
static struct config config;

static struct nic nic_of(uint32_t index, const char *device, bool firewall, struct nic *next)
{
	return (struct nic){ .index = index, .device = text_of(device), .firewall = firewall, .next = next };
}

static void configure(const char *first, const char *second)
{
	nics[0] = nic_of(0, first, true, &nics[1]);
	nics[1] = nic_of(1, "tap110i0", false, NULL);
	nics[2] = nic_of(0, second, true, NULL);
	guests[0] = (struct guest){ .vmid = 100, .nics = &nics[0], .next = &guests[1] };
	guests[1] = (struct guest){ .vmid = 200, .nics = &nics[2] };
	guests[0].options.enable = guests[1].options.enable = true;
	config = (struct config){ .guests = guests };
	config.cluster_options.enable = 1;
}

static unsigned conditions_after(struct wiring *w, uint64_t now, uint64_t *again)
{
	struct conditions conditions;
	struct log quiet;
	unsigned count;

	log_open(&quiet, "/dev/null", false);
	conditions_init(&conditions, &quiet);
	*again = wiring_check(w, &links, &conditions, now);
	count = conditions_count(&conditions, CONDITION_GUEST_UNFILTERED);
	conditions_free(&conditions);
	return count;
}

START_TEST(what_is_meant_to_be_filtered_counts)
{
	struct wiring w = { .count = 0 };
	struct fixture f;
	uint64_t again;

	fixture_start(&f);
	configure("tap110i0", "veth111i0");
	wiring_expect(&w, &config, &f.map, true);
	ck_assert_uint_eq(w.count, 2);
	ck_assert_uint_eq(conditions_after(&w, 1, &again), 2);
	wiring_expect(&w, &config, &f.map, false);
	ck_assert_uint_eq(conditions_after(&w, 1, &again), 0);
	guests[0].options.enable = false;
	wiring_expect(&w, &config, &f.map, true);
	ck_assert_uint_eq(conditions_after(&w, 1, &again), 1);
	config.cluster_options.enable = 0;
	wiring_expect(&w, &config, &f.map, true);
	ck_assert_uint_eq(w.count, 0);
	ck_assert_uint_eq(conditions_after(&w, 1, &again), 0);
	wiring_free(&w);
	fixture_end(&f);
}
END_TEST

START_TEST(plugging_takes_its_time)
{
	struct wiring w = { .count = 0 };
	struct fixture f;
	uint64_t again;

	fixture_start(&f);
	configure("tap114i0", "tap100i0");
	wiring_expect(&w, &config, &f.map, true);
	ck_assert_uint_eq(conditions_after(&w, 1000, &again), 0);
	ck_assert_uint_eq(again, WIRING_PLUG_TIME);
	ck_assert_uint_eq(conditions_after(&w, 1000 + WIRING_PLUG_TIME - 1, &again), 0);
	ck_assert_uint_eq(again, 1);
	/* Another configuration does not start the time anew. */
	wiring_expect(&w, &config, &f.map, true);
	ck_assert_uint_eq(conditions_after(&w, 1000 + WIRING_PLUG_TIME, &again), 1);
	ck_assert_uint_eq(again, 0);
	wiring_free(&w);
	fixture_end(&f);
}
END_TEST

START_TEST(the_kernel_knows_its_links)
{
	struct wiring_links real;

	ck_assert_int_eq(wiring_links_read(&real), 0);
	ck_assert_int_eq(wiring_judge(&real, "lo", true, NULL, NULL) == WIRING_ABSENT, false);
	wiring_links_free(&real);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("wiring");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_nic_is_judged_by_its_master);
	tcase_add_test(tests, no_links_at_all);
	tcase_add_test(tests, what_is_meant_to_be_filtered_counts);
	tcase_add_test(tests, plugging_takes_its_time);
	tcase_add_test(tests, the_kernel_knows_its_links);
	return run_suite("wiring", tests);
}
