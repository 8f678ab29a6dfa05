/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways of packets through a node of hand-made guests. */
#include "fixture.h"
#include "meaning/paths.h"

#define NIC(n, device_, bridge_, ...)                                                                       \
	{                                                                                                   \
		.index = (n), .device = TEXT_INIT(device_), .bridge = TEXT_INIT(bridge_), .firewall = true, \
		.mac = TEXT_INIT("02:00:00:00:00:01"), .mac_bytes = { 2, 0, 0, 0, 0, (n) + 1 }, __VA_ARGS__ \
	}

static struct nic nic101i1 = NIC(1, "veth101i1", "vmbr1", .tag = 5, .next = NULL),
		  nic101i0 = NIC(0, "veth101i0", "vmbr0", .next = &nic101i1),
		  nic102i0 = NIC(0, "tap102i0", "vmbr1", .tag = 5, .trunks = TEXT_INIT("6;7")),
		  nic100i1 = NIC(1, "tap100i1", "vmbr1", .tag = 5),
		  nic100i0 = NIC(0, "tap100i0", "vmbr0", .next = &nic100i1),
		  nic103i0 = { .index = 0, .device = TEXT_INIT("tap103i0"), .bridge = TEXT_INIT("vmbr0") };
static struct guest none = { .vmid = 104, .vmid_text = TEXT_INIT("104"), .type = GUEST_VM },
		    open = { .vmid = 103,
			     .vmid_text = TEXT_INIT("103"),
			     .type = GUEST_VM,
			     .nics = &nic103i0,
			     .next = &none },
		    trunked = { .vmid = 102,
				.vmid_text = TEXT_INIT("102"),
				.type = GUEST_VM,
				.nics = &nic102i0,
				.next = &open },
		    container = { .vmid = 101,
				  .vmid_text = TEXT_INIT("101"),
				  .type = GUEST_CONTAINER,
				  .nics = &nic101i0,
				  .next = &trunked },
		    vm = { .vmid = 100,
			   .vmid_text = TEXT_INIT("100"),
			   .type = GUEST_VM,
			   .nics = &nic100i0,
			   .next = &container };
static struct vnet vnet = { .name = TEXT_INIT("vnet0") };
static struct arena arena;
static struct config config = { .arena = &arena, .node = TEXT_INIT("pve1"), .guests = &vm, .vnets = &vnet };

static struct path_end zone(const char *text)
{
	struct path_end end;
	const char *wrong = path_end_parse(&config, text_of(text), &end);

	ck_assert_msg(!wrong, "%s: %s", text, wrong);
	return end;
}

/* "vmbr0:eth0>fwpr100p0 fwbr100i0:fwln100i0>tap100i0", or "-". */
static const char *way(struct path_end from, struct path_end to, bool flooded)
{
	static const char *const hooks[] = { "input", "output", "routed" };
	struct path path;
	const char *text = "";

	if (!path_between(&arena, &config, &from, &to, flooded, &path))
		return "-";
	for (uint32_t i = 0; i < path.count; i++) {
		const struct path_pass *p = &path.passes[i];

		text = arena_printf(&arena, "%s%s%.*s:%.*s>%.*s", text, i ? " " : "",
				    p->hook == PATH_BRIDGE ? (int)p->bridge.len : (int)strlen(hooks[p->hook]),
				    p->hook == PATH_BRIDGE ? p->bridge.ptr : hooks[p->hook], TEXT_ARG(p->in),
				    TEXT_ARG(p->out));
	}
	return text;
}

START_TEST(passes)
{
	static const struct {
		const char *from, *to, *passes;
	} rows[] = {
		{ "outside", "host", "input:>" },
		{ "host", "outside", "output:>" },
		{ "outside", "outside", "routed:>" },
		{ "host", "host", "-" },
		{ "outside", "vm100", "vmbr0:eth0>fwpr100p0 fwbr100i0:fwln100i0>tap100i0" },
		{ "vm100", "outside", "fwbr100i0:tap100i0>fwln100i0 vmbr0:fwpr100p0>eth0" },
		{ "vm100", "host", "fwbr100i0:tap100i0>fwln100i0 input:vmbr0>" },
		{ "host", "vm100", "output:>vmbr0 vmbr0:>fwpr100p0 fwbr100i0:fwln100i0>tap100i0" },
		{ "vm100", "ct101",
		  "fwbr100i0:tap100i0>fwln100i0 vmbr0:fwpr100p0>fwpr101p0 fwbr101i0:fwln101i0>veth101i0" },
		{ "vm100i1", "ct101i1",
		  "fwbr100i1:tap100i1>fwln100i1 vmbr1v5:fwpr100p1>fwpr101p1 fwbr101i1:fwln101i1>veth101i1" },
		/* A bridge with trunks knows VLANs itself. */
		{ "vm100i1", "vm102",
		  "fwbr100i1:tap100i1>fwln100i1 vmbr1:fwpr100p1>fwpr102p0 fwbr102i0:fwln102i0>tap102i0" },
		/* Between networks the host routes. */
		{ "vm100", "ct101i1",
		  "fwbr100i0:tap100i0>fwln100i0 routed:vmbr0> vmbr1v5:>fwpr101p1 fwbr101i1:fwln101i1>veth101i1" },
		{ "vm103", "ct101i1",
		  "vmbr0:tap103i0> routed:vmbr0> vmbr1v5:>fwpr101p1 fwbr101i1:fwln101i1>veth101i1" },
		{ "vmbr2/eth7", "vmbr1/eth0", "routed:vmbr2> vmbr1:>eth0" },
		{ "vm100", "vm100", "-" },
		{ "vm100", "vm100i1",
		  "fwbr100i0:tap100i0>fwln100i0 routed:vmbr0> vmbr1v5:>fwpr100p1 fwbr100i1:fwln100i1>tap100i1" },
		{ "vm103", "host", "vmbr0:tap103i0> input:vmbr0>" },
		{ "vm103", "vm100", "vmbr0:tap103i0>fwpr100p0 fwbr100i0:fwln100i0>tap100i0" },
		{ "nfvm", "host", "input:vmbr0>" },
		{ "nfvm", "outside", "vmbr0:tapXYZ>eth0" },
		{ "nfvm", "ct101i1", "vmbr1v5:tapXYZ>fwpr101p1 fwbr101i1:fwln101i1>veth101i1" },
		{ "vmbr0/eth7", "vm100", "vmbr0:eth7>fwpr100p0 fwbr100i0:fwln100i0>tap100i0" },
		/* A port has all VLANs. */
		{ "vmbr1/eth7", "vm100i1", "vmbr1v5:eth7>fwpr100p1 fwbr100i1:fwln100i1>tap100i1" },
		{ "vm100i1", "vmbr1/eth7", "fwbr100i1:tap100i1>fwln100i1 vmbr1v5:fwpr100p1>eth7" },
		{ "vmbr2/eth7", "vm100", "routed:vmbr2> vmbr0:>fwpr100p0 fwbr100i0:fwln100i0>tap100i0" },
		{ "vmbr2/eth7", "host", "input:vmbr2>" },
		{ "host", "vmbr2/eth7", "output:>vmbr2" },
		{ "outside", "vnet vnet0", "vnet0:eth0>eth0" },
		{ "host", "vnet vnet0", "output:>vnet0 vnet0:>eth0" },
		{ "vnet vnet0", "host", "input:vnet0>" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(way(zone(rows[i].from), zone(rows[i].to), false), rows[i].passes);
	ck_assert_str_eq(way(zone("outside"), zone("host"), true), "-");
	ck_assert_str_eq(way(zone("vm100"), zone("outside"), true),
			 "fwbr100i0:tap100i0>fwln100i0 vmbr0:fwpr100p0>eth0");
}
END_TEST

START_TEST(direct_wiring)
{
	struct path_end from = zone("vm100"), to = zone("ct101");

	from.direct = to.direct = true;
	ck_assert_str_eq(way(from, to, false), "vmbr0:tap100i0>veth101i0");
	ck_assert_str_eq(way(from, zone("host"), false), "vmbr0:tap100i0> input:vmbr0>");
	ck_assert_str_eq(way(zone("host"), to, false), "output:>vmbr0 vmbr0:>veth101i0");
}
END_TEST

START_TEST(addresses_of_frames)
{
	struct path_end from = zone("outside"), to = zone("vm100i1");
	struct path path;

	ck_assert(path_between(&arena, &config, &from, &to, false, &path));
	ck_assert_mem_eq(path.passes[1].dest_mac, nic100i1.mac_bytes, 6);
	ck_assert(path_between(&arena, &config, &from, &to, true, &path));
	ck_assert_mem_eq(path.passes[1].dest_mac, "\377\377\377\377\377\377", 6);
	ck_assert(path_between(&arena, &config, &to, &from, false, &path));
	ck_assert_int_ne(memcmp(path.passes[0].dest_mac, nic100i1.mac_bytes, 6), 0);
}
END_TEST

START_TEST(zones)
{
	static const struct {
		const char *text, *wrong;
	} rows[] = {
		{ "", "is not a zone" },
		{ "vmx", "is not a zone" },
		{ "/eth0", "is not a zone" },
		{ "vmbr0/", "is not a zone" },
		{ "vm105", "did you mean `vm100`?" },
		{ "vm999", "has no guest `vm999`" },
		{ "vm101", "write `ct101`" },
		{ "ct100i1", "write `vm100i1`" },
		{ "vm100i7", "has no NIC net7" },
		{ "vm100i", "is not a guest's NIC" },
		{ "vm104", "has no NIC" },
		{ "vnet other", "no vnet `other`" },
	};
	static const char *const same[] = { "host",    "outside", "nfvm",       "vm100i0",   "vm100i1",
					    "ct101i0", "vm102",   "vmbr0/eth0", "vnet vnet0" };
	struct path_end end;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong = path_end_parse(&config, text_of(rows[i].text), &end);

		ck_assert_msg(wrong && strstr(wrong, rows[i].wrong), "%s: %s", rows[i].text,
			      wrong ? wrong : "right");
	}
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		end = zone(same[i]);
		ck_assert_str_eq(path_end_text(&arena, &end), same[i]);
	}
}
END_TEST

static unsigned count_paths(uint32_t pairs, bool direct)
{
	struct path_walk walk = { .config = &config, .pairs = pairs, .direct = direct };
	struct path path;
	unsigned count = 0;

	while (path_walk_next(&walk, &arena, &path))
		count++;
	return count;
}

START_TEST(all_paths)
{
	/* Three of the host, four of each of five NICs, three of the vnet. */
	ck_assert_uint_eq(count_paths(0, false), 26);
	ck_assert_uint_eq(count_paths(0, true), 26);
	/* vmbr0 has two NICs, VLAN 5 of vmbr1 three. */
	ck_assert_uint_eq(count_paths(100, false), 26 + 2 + 6);
	ck_assert_uint_eq(count_paths(3, false), 29);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("paths");
	int failed;

	tcase_add_test(tcase, passes);
	tcase_add_test(tcase, direct_wiring);
	tcase_add_test(tcase, addresses_of_frames);
	tcase_add_test(tcase, zones);
	tcase_add_test(tcase, all_paths);
	failed = run_suite("paths", tcase);
	arena_free(&arena);
	return failed;
}
