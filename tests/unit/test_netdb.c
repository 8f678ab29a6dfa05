/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of services, protocols and Ethernet protocols. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "inputs/netdb.h"

static struct fixture f;
static char folder[] = "/tmp/pvefw-netdb-XXXXXX";

static void start(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	fixture_start(&f);
}

static void end(void)
{
	static const char *const names[] = { "services", "protocols", "ethertypes" };

	for (int i = 0; i < 3; i++)
		unlink(arena_printf(&f.arena, "%s/%s", folder, names[i]));
	rmdir(folder);
	fixture_end(&f);
}

static const char *write_bytes(const char *name, const char *bytes, size_t size)
{
	const char *path = arena_printf(&f.arena, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
	return path;
}

static const struct netdb *load(const char *services, const char *protocols, const char *ethertypes)
{
	return netdb_load(&f.diags, write_bytes("services", services, strlen(services)),
			  write_bytes("protocols", protocols, strlen(protocols)),
			  write_bytes("ethertypes", ethertypes, strlen(ethertypes)));
}

START_TEST(services)
{
	const struct netdb *db = load("# comment\n"
				      "domain\t53/tcp\n"
				      "domain\t53/udp\n"
				      "ssh 22/tcp secure-shell # aliases do not count\n"
				      "both 100/udp\nboth 200/tcp\nboth 300/tcp\n"
				      "m2pa 3565/sctp\n"
				      "gre 5/dccp\nbad x/tcp\nhuge 65536/tcp\nnothing\nslash /tcp\n"
				      "last 1/tcp", "", "");
	uint16_t port = 0;

	ck_assert_uint_eq(netdb_service(db, TEXT("domain"), SERVICE_UDP, &port),
			  SERVICE_TCP | SERVICE_UDP);
	ck_assert_uint_eq(port, 53);
	ck_assert_uint_eq(netdb_service(db, TEXT("ssh"), SERVICE_TCP, &port), SERVICE_TCP);
	ck_assert_uint_eq(port, 22);
	ck_assert_uint_eq(netdb_service(db, TEXT("ssh"), SERVICE_UDP, &port), SERVICE_TCP);
	ck_assert_uint_eq(port, 22);
	ck_assert_uint_eq(netdb_service(db, TEXT("both"), SERVICE_TCP, &port),
			  SERVICE_TCP | SERVICE_UDP);
	ck_assert_uint_eq(port, 200);
	ck_assert_uint_eq(netdb_service(db, TEXT("both"), SERVICE_UDP, &port),
			  SERVICE_TCP | SERVICE_UDP);
	ck_assert_uint_eq(port, 100);
	ck_assert_uint_eq(netdb_service(db, TEXT("m2pa"), 0, &port), SERVICE_SCTP);
	ck_assert_uint_eq(port, 3565);
	ck_assert_uint_eq(netdb_service(db, TEXT("last"), SERVICE_TCP, &port), SERVICE_TCP);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(unknown_services)
{
	static const char *const names[] = { "secure-shell", "SSH", "ss", "sshd", "", "#", "gre",
					     "bad", "huge", "slash", "zzz", "nothing" };
	const struct netdb *db = load("ssh 22/tcp secure-shell\n# 1/tcp\ngre 5/dccp\nbad x/tcp\n"
				      "huge 65536/tcp\nnothing\nslash /tcp\n", "", "");
	uint16_t port = 7;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_uint_eq(netdb_service(db, text_of(names[i]), SERVICE_TCP, &port), 0);
	ck_assert_uint_eq(port, 7);
	ck_assert_text(netdb_near_service(db, TEXT("shs")), "ssh");
	ck_assert_uint_eq(netdb_near_service(db, TEXT("postgres")).len, 0);
}
END_TEST

START_TEST(protocols)
{
	const struct netdb *db = load("", "icmp 1 ICMP\ntcp 6 TCP\nipv6-icmp 58 IPv6-ICMP\nbig 256\n", "");
	uint8_t number = 0;

	ck_assert(netdb_protocol(db, TEXT("tcp"), &number));
	ck_assert_uint_eq(number, 6);
	ck_assert(netdb_protocol(db, TEXT("58"), &number));
	ck_assert_uint_eq(number, 58);
	ck_assert(!netdb_protocol(db, TEXT("TCP"), &number));
	ck_assert(!netdb_protocol(db, TEXT("17"), &number));
	ck_assert(!netdb_protocol(db, TEXT("06"), &number));
	ck_assert(!netdb_protocol(db, TEXT("262"), &number));
	ck_assert(!netdb_protocol(db, TEXT("big"), &number));
	ck_assert(!netdb_protocol(db, TEXT(""), &number));
	ck_assert_uint_eq(number, 58);
	ck_assert_text(netdb_near_protocol(db, TEXT("tpc")), "tcp");
}
END_TEST

START_TEST(ethertypes)
{
	const struct netdb *db = load("", "", "IPv4\t0800  ip ip4\nARP 0806\nIPv6 86DD\n802_1Q 8100\n"
					      "X 10000\nY 0x\nZ 08g0\n");
	uint16_t number = 0;

	ck_assert(netdb_ethertype(db, TEXT("ARP"), &number));
	ck_assert_uint_eq(number, 0x806);
	ck_assert(netdb_ethertype(db, TEXT("IPv6"), &number));
	ck_assert_uint_eq(number, 0x86dd);
	ck_assert(netdb_ethertype(db, TEXT("802_1Q"), &number));
	ck_assert_uint_eq(number, 0x8100);
	ck_assert(netdb_ethertype(db, TEXT("86DD"), &number));
	ck_assert_uint_eq(number, 0x86dd);
	ck_assert(netdb_ethertype(db, TEXT("0800"), &number));
	ck_assert_uint_eq(number, 0x800);
	ck_assert(!netdb_ethertype(db, TEXT("0x0800"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("800"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("arp"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("ip"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("0807"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("X"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("Y"), &number));
	ck_assert(!netdb_ethertype(db, TEXT("Z"), &number));
	ck_assert(!netdb_ethertype(db, TEXT(""), &number));
	ck_assert(!netdb_ethertype(db, TEXT("0x"), &number));
	ck_assert_text(netdb_near_ethertype(db, TEXT("IPv5")), "IPv4");
}
END_TEST

START_TEST(a_named_file_must_be_there)
{
	const struct netdb *db = netdb_load(&f.diags, "/nonexistent/services", "/tmp", NULL);
	uint16_t port;

	ck_assert_ptr_nonnull(db);
	ck_assert_uint_eq(reported(&f, DIAG_CANNOT_READ), 2);
	ck_assert(f.diags.unreadable);
	ck_assert_uint_eq(netdb_service(db, TEXT("ssh"), SERVICE_TCP, &port), 0);
}
END_TEST

/* NUL bytes, a line of a megabyte, no line end, blank lines, DOS line ends. */
START_TEST(nasty_files)
{
	enum { SIZE = 1 << 20 };
	char *bytes = malloc(SIZE + 64);
	size_t size = SIZE;
	const struct netdb *db;
	uint16_t port = 0;

	memset(bytes, 'a', SIZE);
	memcpy(bytes, "x\0y 9/tcp\r\n\r\n \t \n", 17);
	memcpy(bytes + size, "\nssh 22/tcp\r\nend", 17);
	size += 16;
	db = netdb_load(&f.diags, write_bytes("services", bytes, size),
			write_bytes("protocols", bytes, size), write_bytes("ethertypes", bytes, size));
	free(bytes);
	ck_assert_uint_eq(netdb_service(db, TEXT("ssh"), SERVICE_TCP, &port), SERVICE_TCP);
	ck_assert_uint_eq(port, 22);
	ck_assert_uint_eq(netdb_service(db, TEXT("x\0y"), SERVICE_TCP, &port), SERVICE_TCP);
	ck_assert_uint_eq(netdb_service(db, TEXT("x"), SERVICE_TCP, &port), 0);
}
END_TEST

START_TEST(the_systems_own_files)
{
	const struct netdb *db = netdb_load(&f.diags, NULL, NULL, NULL);
	uint8_t number = 0;

	ck_assert(!f.diags.unreadable);
	ck_assert(netdb_protocol(db, TEXT("tcp"), &number));
	ck_assert_uint_eq(number, 6);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("netdb");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, services);
	tcase_add_test(tcase, unknown_services);
	tcase_add_test(tcase, protocols);
	tcase_add_test(tcase, ethertypes);
	tcase_add_test(tcase, a_named_file_must_be_there);
	tcase_add_test(tcase, nasty_files);
	tcase_add_test(tcase, the_systems_own_files);
	return run_suite("netdb", tcase);
}
