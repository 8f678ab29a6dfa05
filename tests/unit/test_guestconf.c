/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NICs of guests' configurations. */
#include <check.h>
#include <stdlib.h>

#include "fixture.h"
#include "inputs/inputs.h"

static struct fixture f;

static void start(void)
{
	fixture_start(&f);
}

static void end(void)
{
	fixture_end(&f);
}

static struct nic *parse_bytes(enum guest_type type, const char *bytes, size_t size)
{
	return guestconf_parse(&f.diags, source_add(&f.map, "100.conf", bytes, size), type,
			       TEXT("100"));
}

static struct nic *vm(const char *config)
{
	return parse_bytes(GUEST_VM, config, strlen(config));
}

static struct nic *container(const char *config)
{
	return parse_bytes(GUEST_CONTAINER, config, strlen(config));
}

static unsigned count(const struct nic *nics)
{
	unsigned n = 0;

	for (; nics; nics = nics->next)
		n++;
	return n;
}

START_TEST(a_vm)
{
	static const uint8_t mac[6] = { 0xbc, 0x24, 0x11, 0x00, 0x00, 0x0f };
	struct nic *nic = vm("#net9: virtio=BC:24:11:00:00:09\nagent: 1\n"
			     "net0: virtio=BC:24:11:00:00:0f,bridge=vmbr0,firewall=1,tag=20,queues=4\n"
			     "network: x\nnetmask: y\nnet: z\n");

	ck_assert_uint_eq(count(nic), 1);
	ck_assert_uint_eq(nic->index, 0);
	ck_assert_text(nic->key, "net0");
	ck_assert_text(nic->device, "tap100i0");
	ck_assert_text(nic->mac, "BC:24:11:00:00:0f");
	ck_assert_mem_eq(nic->mac_bytes, mac, 6);
	ck_assert_text(nic->bridge, "vmbr0");
	ck_assert(nic->firewall);
	ck_assert_uint_eq(nic->ip4.family + nic->ip6.family, 0);
	ck_assert_uint_eq(nic->span.end - nic->span.begin,
			  strlen("virtio=BC:24:11:00:00:0f,bridge=vmbr0,firewall=1,tag=20,queues=4"));
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(spellings)
{
	static const char *const values[] = {
		"virtio=BC:24:11:00:00:01,firewall=1",
		"model=virtio,macaddr=BC:24:11:00:00:01,firewall=yes",
		"firewall=on,macaddr=BC:24:11:00:00:01,model=e1000-82545em",
		"virtio,macaddr=BC:24:11:00:00:01,firewall=true",
		"vmxnet3=BC:24:11:00:00:01,,firewall=1,",
		"rtl8139=BC:24:11:00:00:01,firewall=TRUE",
		"virtio=BC:24:11:00:00:01,firewall=1\r",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct nic *nic = vm(arena_printf(&f.arena, "net3:%s\n", values[i]));

		ck_assert_msg(nic && nic->firewall, "%s", values[i]);
		ck_assert_text(nic->mac, "BC:24:11:00:00:01");
	}
	ck_assert_uint_eq(reported_any(&f), 0);
	ck_assert(!vm("net0: virtio=BC:24:11:00:00:01,firewall=0")->firewall);
	ck_assert(!vm("net0: virtio=BC:24:11:00:00:01,firewall=off")->firewall);
	ck_assert(!vm("net0: virtio=BC:24:11:00:00:01,firewall=No")->firewall);
	ck_assert(!vm("net0: virtio=BC:24:11:00:00:01")->firewall);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(a_container)
{
	struct nic *nic = container("net0: name=eth0,hwaddr=bc:24:11:AA:00:01,bridge=vmbr0,firewall=1,"
				    "ip=10.5.0.1/24,gw=10.5.0.254,ip6=2001:db8::5/64,type=veth\n"
				    "net1: name=eth1,ip=dhcp,ip6=auto\n"
				    "net2: name=eth2,ip=manual,ip6=dhcp\n");
	char text[PREFIX_TEXT_SIZE];

	ck_assert_uint_eq(count(nic), 3);
	ck_assert_text(nic->device, "veth100i0");
	ck_assert_text(nic->mac, "bc:24:11:AA:00:01");
	prefix_format(&nic->ip4, text);
	ck_assert_str_eq(text, "10.5.0.1/24");
	prefix_format(&nic->ip6, text);
	ck_assert_str_eq(text, "2001:db8::5/64");
	ck_assert_uint_eq(nic->next->ip4.family + nic->next->ip6.family, 0);
	ck_assert_uint_eq(nic->next->next->ip4.family + nic->next->next->ip6.family, 0);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(sorted_as_text)
{
	static const char *const keys[] = { "net0", "net1", "net10", "net2", "net31" };
	struct nic *nic = vm("net2: virtio=BC:24:11:00:00:01\nnet31: virtio=BC:24:11:00:00:01\n"
			     "net10: virtio=BC:24:11:00:00:01\nnet0: virtio=BC:24:11:00:00:01\n"
			     "net1: virtio=BC:24:11:00:00:01");

	for (int i = 0; i < 5; i++, nic = nic->next)
		ck_assert_text(nic->key, keys[i]);
	ck_assert_ptr_null(nic);
}
END_TEST

START_TEST(only_before_the_first_section)
{
	struct nic *nic = vm("net0: virtio=BC:24:11:00:00:01\n\n[PENDING]\n"
			     "net0: virtio=BC:24:11:00:00:99\nnet1: nonsense\n"
			     "[snap]\nnet2: virtio=BC:24:11:00:00:01\n");

	ck_assert_uint_eq(count(nic), 1);
	ck_assert_text(nic->mac, "BC:24:11:00:00:01");
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

/* Each is reported once, at `at`, and its NIC left out; net1 stays. */
static const struct {
	enum guest_type type;
	const char *value;
	enum diag_id id;
	const char *at;
} mistakes[] = {
	{ GUEST_VM, "virtio=BC:24:11:00:00:0g", DIAG_NIC_BAD_MAC, "BC:24:11:00:00:0g" },
	{ GUEST_VM, "virtio=BC-24-11-00-00-01", DIAG_NIC_BAD_MAC, "BC-24-11-00-00-01" },
	{ GUEST_VM, "virtio=BC:24:11:00:00", DIAG_NIC_BAD_MAC, "BC:24:11:00:00" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01:02", DIAG_NIC_BAD_MAC, "BC:24:11:00:00:01:02" },
	{ GUEST_VM, "virtio=BD:24:11:00:00:01", DIAG_NIC_BAD_MAC, "BD:24:11:00:00:01" },
	{ GUEST_VM, "virtoi=BC:24:11:00:00:01", DIAG_NIC_MODEL, "virtoi" },
	{ GUEST_VM, "model=foo,macaddr=BC:24:11:00:00:01", DIAG_NIC_MODEL, "foo" },
	{ GUEST_VM, "bridge=vmbr0,firewall=1", DIAG_NIC_MODEL, "net0" },
	{ GUEST_VM, "macaddr=BC:24:11:00:00:01", DIAG_NIC_MODEL, "net0" },
	{ GUEST_VM, "", DIAG_NIC_MODEL, "net0" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,bridge vmbr0", DIAG_NIC_UNREADABLE, "bridge vmbr0" },
	{ GUEST_VM, "virtio=,bridge=vmbr0", DIAG_NIC_UNREADABLE, "virtio=" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,=1", DIAG_NIC_UNREADABLE, "=1" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,firewall=2", DIAG_NIC_BAD_FLAG, "2" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,firewall=enabled", DIAG_NIC_BAD_FLAG, "enabled" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,e1000=BC:24:11:00:00:02", DIAG_NIC_DUPLICATE_KEY,
	  "e1000=BC:24:11:00:00:02" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,macaddr=BC:24:11:00:00:02", DIAG_NIC_DUPLICATE_KEY,
	  "macaddr=BC:24:11:00:00:02" },
	{ GUEST_VM, "virtio=BC:24:11:00:00:01,firewall=1,firewall=1", DIAG_NIC_DUPLICATE_KEY,
	  "firewall=1" },
	{ GUEST_CONTAINER, "hwaddr=BC:24:11:00:00:01,firewall=1", DIAG_NIC_NO_NAME, "net0" },
	{ GUEST_CONTAINER, "name=eth0,ip=10.0.0.1", DIAG_NIC_BAD_ADDRESS, "10.0.0.1" },
	{ GUEST_CONTAINER, "name=eth0,ip=auto", DIAG_NIC_BAD_ADDRESS, "auto" },
	{ GUEST_CONTAINER, "name=eth0,ip=10.0.0.1/33", DIAG_NIC_BAD_ADDRESS, "10.0.0.1/33" },
	{ GUEST_CONTAINER, "name=eth0,ip=10.0.0/24", DIAG_NIC_BAD_ADDRESS, "10.0.0/24" },
	{ GUEST_CONTAINER, "name=eth0,ip=::1/64", DIAG_NIC_BAD_ADDRESS, "::1/64" },
	{ GUEST_CONTAINER, "name=eth0,ip6=10.0.0.1/8", DIAG_NIC_BAD_ADDRESS, "10.0.0.1/8" },
	{ GUEST_CONTAINER, "name=eth0,hwaddr=xx", DIAG_NIC_BAD_MAC, "xx" },
};

START_TEST(left_out)
{
	bool is_vm = mistakes[_i].type == GUEST_VM;
	const char *right = is_vm ? "virtio=BC:24:11:00:00:01" : "name=eth0";
	const char *config = arena_printf(&f.arena, "net0: %s\nnet1: %s\n", mistakes[_i].value, right);
	struct nic *nics = parse_bytes(mistakes[_i].type, config, strlen(config));

	ck_assert_uint_eq(reported_any(&f), 1);
	assert_report(&f, mistakes[_i].id, mistakes[_i].at);
	ck_assert(has_part(f.diags.first, DIAG_NOTE, "net0 is left out"));
	ck_assert_uint_eq(count(nics), 1);
	ck_assert_text(nics->key, "net1");
}
END_TEST

START_TEST(helps)
{
	vm("net0: virtoi=BC:24:11:00:00:01\n");
	ck_assert(has_part(report_of(&f, DIAG_NIC_MODEL), DIAG_HELP, "did you mean `virtio`"));
	container("net0: name=eth0,ip=::1/64\n");
	ck_assert(has_part(report_of(&f, DIAG_NIC_BAD_ADDRESS), DIAG_HELP, "ip6="));
	vm("net0: virtio=BC:24:11:00:00:01,virtio=BC:24:11:00:00:01\n");
	ck_assert(has_part(report_of(&f, DIAG_NIC_DUPLICATE_KEY), DIAG_LABEL, "first"));
}
END_TEST

START_TEST(every_mistake_of_a_nic)
{
	vm("net0: virtoi=BC:24:11:00:00:01,firewall=2,x\n");
	ck_assert_uint_eq(reported(&f, DIAG_NIC_MODEL), 1);
	ck_assert_uint_eq(reported(&f, DIAG_NIC_BAD_FLAG), 1);
	ck_assert_uint_eq(reported(&f, DIAG_NIC_UNREADABLE), 1);
	ck_assert_uint_eq(reported_any(&f), 3);
}
END_TEST

START_TEST(no_mac)
{
	struct nic *nic = vm("net0: virtio,bridge=vmbr0,firewall=1\n");

	ck_assert_uint_eq(count(nic), 1);
	ck_assert_uint_eq(nic->mac.len, 0);
	assert_report(&f, DIAG_NIC_NO_MAC, "net0");
	nic = container("net0: name=eth0,firewall=1\n");
	ck_assert_uint_eq(count(nic), 1);
	ck_assert_uint_eq(reported(&f, DIAG_NIC_NO_MAC), 2);
	nic = container("net0: name=eth0,firewall=0\nnet1: name=eth1\n");
	ck_assert_uint_eq(count(nic), 2);
	ck_assert_uint_eq(reported_any(&f), 2);
}
END_TEST

START_TEST(numbers)
{
	static const char *const wrong[] = { "net32", "net007", "net00", "net100",
					     "net99999999999999999999999999999999" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_ptr_null(vm(arena_printf(&f.arena, "%s: virtio=BC:24:11:00:00:01\n",
						   wrong[i])));
		ck_assert_uint_eq(reported(&f, DIAG_NIC_INDEX), i + 1);
	}
	ck_assert_ptr_null(vm("net1x: virtio=BC:24:11:00:00:01\nNET0: a\nxnet0: b\nnet-1: c\n"));
	ck_assert_uint_eq(reported_any(&f), sizeof(wrong) / sizeof(wrong[0]));
}
END_TEST

START_TEST(the_last_of_two_counts)
{
	struct nic *nic = vm("net0: virtio=BC:24:11:00:00:01,firewall=1\n"
			     "net1: virtio=BC:24:11:00:00:02\n"
			     "net0: virtio=BC:24:11:00:00:03\n");

	ck_assert_uint_eq(count(nic), 2);
	ck_assert_text(nic->mac, "BC:24:11:00:00:03");
	ck_assert(!nic->firewall);
	ck_assert_uint_eq(reported(&f, DIAG_NIC_DUPLICATE), 1);
	ck_assert(has_part(f.diags.first, DIAG_LABEL, "no effect"));
}
END_TEST

START_TEST(a_wrong_second_changes_nothing)
{
	struct nic *nic = vm("net0: virtio=BC:24:11:00:00:01,firewall=1\nnet0: nonsense\n");

	ck_assert_uint_eq(count(nic), 1);
	ck_assert_text(nic->mac, "BC:24:11:00:00:01");
	ck_assert_uint_eq(reported(&f, DIAG_NIC_DUPLICATE), 0);
}
END_TEST

START_TEST(nasty_files)
{
	enum { SIZE = 1 << 20 };
	char *bytes = malloc(SIZE);

	ck_assert_ptr_null(parse_bytes(GUEST_VM, "", 0));
	ck_assert_ptr_null(parse_bytes(GUEST_VM, "net0", 4));
	ck_assert_ptr_null(parse_bytes(GUEST_VM, "net0:", 5));
	ck_assert_ptr_null(parse_bytes(GUEST_VM, "\0\0\n:\n::\n\r", 9));
	ck_assert_ptr_null(parse_bytes(GUEST_VM, "net0: virtio=BC:24:11:00:00:0\0,firewall=1\0", 42));
	memset(bytes, ',', SIZE);
	memcpy(bytes, "net0: virtio=BC:24:11:00:00:01", 30);
	ck_assert_uint_eq(count(parse_bytes(GUEST_VM, bytes, SIZE)), 1);
	memset(bytes + 30, 'x', SIZE - 30);
	ck_assert_ptr_null(parse_bytes(GUEST_VM, bytes, SIZE));
	for (int i = 30; i < SIZE; i++)
		bytes[i] = ",="[i % 2];
	ck_assert_ptr_null(parse_bytes(GUEST_VM, bytes, SIZE));
	free(bytes);
}
END_TEST

/* Whatever stands there, the reader comes to an end and keeps within the text. */
START_TEST(random_files)
{
	static const char alphabet[] = "net0123:=, \n\r\t[]virtobdgfwal\0#%BC";

	srand(3);
	for (int round = 0; round < 3000; round++) {
		char bytes[200];
		size_t size = (size_t)rand() % sizeof(bytes);

		memcpy(bytes, "net0: virtio", size < 12 ? size : 12);
		for (size_t i = 12; i < size; i++)
			bytes[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		parse_bytes(rand() % 2 ? GUEST_VM : GUEST_CONTAINER, bytes, size);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("guestconf");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, a_vm);
	tcase_add_test(tcase, spellings);
	tcase_add_test(tcase, a_container);
	tcase_add_test(tcase, sorted_as_text);
	tcase_add_test(tcase, only_before_the_first_section);
	tcase_add_loop_test(tcase, left_out, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(tcase, helps);
	tcase_add_test(tcase, every_mistake_of_a_nic);
	tcase_add_test(tcase, no_mac);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, the_last_of_two_counts);
	tcase_add_test(tcase, a_wrong_second_changes_nothing);
	tcase_add_test(tcase, nasty_files);
	tcase_add_test(tcase, random_files);
	return run_suite("guestconf", tcase);
}
