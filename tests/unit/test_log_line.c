/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the packet log, parsed to packets; files that are followed over rotations. */
#include <check.h>
#include <dirent.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/explain/log_follow.h"
#include "firewall/explain/log_line.h"

#define TIME "30/Nov/2026:16:41:39 +0000"

static struct log_line parsed(const char *text)
{
	struct log_line line;
	const char *error = log_line_parse(text_of(text), &line);

	ck_assert_msg(!error, "%s: %s", text, error ? error : "");
	return line;
}

static void check_text(struct text text, const char *expected)
{
	ck_assert_msg(text_is(text, expected), "`%.*s`, not `%s`", TEXT_ARG(text), expected);
}

static void check_number(const struct log_line *line, enum model_field field, uint64_t expected)
{
	ck_assert_msg(line->packet.known[field], "field %d is not known", (int)field);
	ck_assert_uint_eq(line->packet.value[field].low, expected);
}

static void check_packet(const struct log_line *line, const char *expected)
{
	struct arena arena = { 0 };

	ck_assert_str_eq(known_packet_text(&arena, &line->packet), expected);
	arena_free(&arena);
}

/* ---- lines ---- */

START_TEST(tcp)
{
	struct log_line line = parsed("100 6 tap100i0-IN " TIME " policy DROP: IN=fwbr100i0 OUT=fwbr100i0 PHYSIN=fwln100i0 "
				      "PHYSOUT=tap100i0 MAC=02:00:00:00:01:00:02:00:00:00:00:01:08:00 SRC=192.0.2.1 DST=192.0.2.2 "
				      "LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4711 DF PROTO=TCP SPT=40000 DPT=22 SEQ=1 ACK=0 "
				      "WINDOW=64240 SYN FIN URGP=0 mark=7");

	check_text(line.vmid, "100");
	check_text(line.level, "6");
	check_text(line.chain, "tap100i0-IN");
	check_text(line.time, TIME);
	check_text(line.message, "policy DROP:");
	check_text(line.in, "fwbr100i0");
	check_text(line.out, "fwbr100i0");
	check_text(line.physin, "fwln100i0");
	check_text(line.physout, "tap100i0");
	ck_assert(line.has_macs);
	ck_assert_mem_eq(line.dest_mac, "\2\0\0\0\1\0", 6);
	check_number(&line, MODEL_SOURCE_MAC, 0x020000000001);
	check_number(&line, MODEL_ETHERTYPE, ETH_P_IP);
	check_number(&line, MODEL_PROTOCOL, IPPROTO_TCP);
	check_number(&line, MODEL_SPORT, 40000);
	check_number(&line, MODEL_DPORT, 22);
	check_number(&line, MODEL_TCP_FLAGS, TH_SYN | TH_FIN); /* ACK= is a number, and not the flag */
	check_packet(&line, "tcp 192.0.2.1:40000 -> 192.0.2.2:22");
}
END_TEST

/* A group's rules log without a message. */
START_TEST(group)
{
	struct log_line line = parsed("0 6 group-web-in " TIME " IN=eth0 SRC=2001:db8::1 DST=2001:db8::2 LEN=60 TC=0 HOPLIMIT=64 "
				      "FLOWLBL=0 PROTO=UDP SPT=53 DPT=5353 LEN=20");

	check_text(line.message, "");
	check_text(line.out, "");
	check_number(&line, MODEL_ETHERTYPE, ETH_P_IPV6);
	check_packet(&line, "udp [2001:db8::1]:53 -> [2001:db8::2]:5353");
	ck_assert(log_line_has_prefix(&line, TEXT(":0:6:group-web-in: ")));
	ck_assert(log_line_has_prefix(&line, TEXT(":0:6:group-web-in:")));
	ck_assert(!log_line_has_prefix(&line, TEXT(":0:6:group-web-in: DROP: ")));
	ck_assert(!log_line_has_prefix(&line, TEXT(":0:6:group-web-i: ")));
	ck_assert(!log_line_has_prefix(&line, TEXT(":0:5:group-web-in: ")));
	ck_assert(!log_line_has_prefix(&line, TEXT("")));
}
END_TEST

START_TEST(icmp)
{
	struct log_line line = parsed("0 6 host-in - DROP: IN=eth0 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=ICMP TYPE=3 CODE=4 MTU=1400");

	check_number(&line, MODEL_ICMP_TYPE, 3);
	check_number(&line, MODEL_ICMP_CODE, 4);
	check_packet(&line, "icmp type 3 code 4 192.0.2.1 -> 192.0.2.2");
	/* TYPE= of a routing header comes before PROTO=. */
	line = parsed("0 6 host-in " TIME " DROP: IN=eth0 SRC=::1 DST=::2 LEN=60 TYPE=4 SEGMENTS=1 PROTO=ICMPV6 TYPE=128 CODE=0");
	check_number(&line, MODEL_ICMP_TYPE, 128);
}
END_TEST

START_TEST(arp)
{
	struct log_line line = parsed("100 6 tap100i0-OUT " TIME " DROP: IN=wire MAC=ff:ff:ff:ff:ff:ff:02:00:00:00:0b:02:08:06 "
				      "SRC=192.0.2.1 DST=192.0.2.2 PROTO=ARP REPLY MAC=02:00:00:00:0b:02");

	check_number(&line, MODEL_ETHERTYPE, ETH_P_ARP);
	check_number(&line, MODEL_ARP_SENDER, 0xc0000201);
	ck_assert(!line.packet.known[MODEL_SOURCE4]);
	check_number(&line, MODEL_SOURCE_MAC, 0x020000000b02);
}
END_TEST

/* A fragment that is not the first has no ports, whatever follows. */
START_TEST(fragment)
{
	struct log_line line =
		parsed("0 6 host-in " TIME " DROP: IN=eth0 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 FRAG=185 PROTO=UDP SPT=1 DPT=2");

	check_number(&line, MODEL_PROTOCOL, IPPROTO_UDP);
	ck_assert(!line.packet.known[MODEL_SPORT] && !line.packet.known[MODEL_DPORT]);
}
END_TEST

START_TEST(other_lines)
{
	static const char *const lines[] = {
		"", " ", "x", "100", "100 6", "100 6 chain", "100 6 chain notime DROP: IN=eth0", "100 8 chain " TIME " IN=eth0",
		"1x0 6 chain " TIME " IN=eth0", "0 5 - " TIME " starting pvefw-logger", "0 6 - " TIME " mine: IN=eth0 SRC=::1",
		"100 6 chain " TIME, "100 6 chain " TIME " DROP:", "[NEW] tcp 6 120 SYN_SENT src=192.0.2.1 dst=192.0.2.2",
		"100 6 chain 30/Nov/2026:16:41:39 +0000x IN=eth0",
	};
	struct log_line line;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(log_line_parse(text_of(lines[i]), &line) != NULL, "`%s` is taken for a packet", lines[i]);
}
END_TEST

/* Values that are not what their field has are left out. */
START_TEST(strange_values)
{
	struct log_line line = parsed("100 6 chain " TIME " a b IN= OUT= MAC=zz:00 SRC=x DST=300.1.1.1 LEN= FRAG= PROTO=TCP SPT=99999 "
				      "DPT=-1 TYPE=3 = == =x SYN SYN");

	check_text(line.message, "a b");
	ck_assert(!line.has_macs && !line.packet.known[MODEL_SPORT] && !line.packet.known[MODEL_DPORT]);
	ck_assert(!line.packet.known[MODEL_SOURCE4] && !line.packet.known[MODEL_DEST4]);
	line = parsed("100 6 chain " TIME " IN=e PROTO=0xzzzz PROTO=UDP");
	ck_assert(!line.packet.known[MODEL_PROTOCOL]);
}
END_TEST

/* The kernel cuts prefixes of iptables. */
START_TEST(cut_prefix)
{
	static const char full[] = ":4294967295:6:GROUP-abcdefghijklmnopqr-OUT: policy REJECT with more words: ";
	struct log_line line =
		parsed("4294967295 6 GROUP-abcdefghijklmnopqr-OUT " TIME " policy REJECT with IN=eth0 SRC=192.0.2.1 DST=192.0.2.2");

	ck_assert_uint_gt(sizeof(full), 64);
	ck_assert(log_line_has_prefix(&line, (struct text){ full, 63 }));
	ck_assert(!log_line_has_prefix(&line, (struct text){ full, 50 }));
}
END_TEST

/* Every line that the logger is known to write for a packet. */
START_TEST(goldens)
{
	DIR *dir = opendir("tests/logger/packets");
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[512], *bytes = NULL;
		size_t room = 0;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/logger/packets/%s", entry->d_name);
		file = fopen(path, "r");
		ck_assert_ptr_nonnull(file);
		while (getline(&bytes, &room, file) > 0) {
			char text[2048], *time = strstr(bytes, " TIME ");
			struct log_line line;

			if (strncmp(bytes, "line ", 5) != 0 || !time)
				continue;
			bytes[strcspn(bytes, "\n")] = '\0';
			snprintf(text, sizeof(text), "%.*s " TIME " %s", (int)(time - bytes - 5), bytes + 5, time + 6);
			line = parsed(text);
			check_text(line.in, "wire");
			if (strstr(text, "PROTO=TCP SPT=1"))
				check_number(&line, MODEL_PROTOCOL, IPPROTO_TCP);
			ck_assert_int_eq(line.packet.known[MODEL_DPORT], strstr(text, " DPT=") != NULL);
			count++;
		}
		free(bytes);
		fclose(file);
	}
	closedir(dir);
	ck_assert_uint_gt(count, 60);
}
END_TEST

/* ---- following ---- */

static char folder[] = "/tmp/pvefw-test-XXXXXX";
static char path[64], rotated[64];
static struct out taken;

static void follow_start(void)
{
	strcpy(strrchr(folder, '-') + 1, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(rotated, sizeof(rotated), "%s/log.1", folder);
	out_init_memory(&taken);
}

static void follow_end(void)
{
	unlink(path);
	unlink(rotated);
	ck_assert_int_eq(rmdir(folder), 0);
	out_free(&taken);
}

static void take(void *context, struct text line)
{
	(void)context;
	out_text(&taken, line);
	out_char(&taken, ';');
}

static FILE *opened(const char *name)
{
	FILE *file = fopen(name, "a");

	ck_assert_ptr_nonnull(file);
	setlinebuf(file);
	return file;
}

static void check_taken(struct log_follow *f, const char *expected)
{
	ck_assert_int_eq(log_follow_read(f), 0);
	out_char(&taken, '\0');
	ck_assert_str_eq(taken.data, expected);
	taken.len = 0;
}

START_TEST(last_lines)
{
	struct log_follow f;
	FILE *log = opened(path);

	fputs("1\n2\n3\n4", log);
	fflush(log);
	ck_assert_int_eq(log_follow_open(&f, path, 2, take, NULL), 0);
	check_taken(&f, "3;");
	fputs("4\n", log);
	ck_assert(log_follow_wait(&f));
	check_taken(&f, "44;");
	fclose(log);
	log_follow_close(&f);
}
END_TEST

/* The writer goes on with the renamed file until it is told of the new one: no line is lost, or told twice. */
START_TEST(renamed)
{
	struct log_follow f;
	FILE *log = opened(path), *next;

	fputs("1\n", log);
	ck_assert_int_eq(log_follow_open(&f, path, 10, take, NULL), 0);
	check_taken(&f, "1;");
	ck_assert_int_eq(rename(path, rotated), 0);
	fputs("2\n", log);
	check_taken(&f, "2;");
	next = opened(path);
	fputs("3\n", log);
	check_taken(&f, "3;");
	fputs("4\n", log);
	fputs("5\n", next);
	check_taken(&f, "4;5;");
	fputs("6", log);
	fclose(log);
	ck_assert(log_follow_wait(&f));
	fputs("7\n", next);
	check_taken(&f, "6;7;");
	ck_assert_int_eq(f.previous.fd, -1);
	fclose(next);
	log_follow_close(&f);
}
END_TEST

START_TEST(truncated)
{
	struct log_follow f;
	FILE *log = opened(path);

	fputs("one line\n", log);
	ck_assert_int_eq(log_follow_open(&f, path, 10, take, NULL), 0);
	check_taken(&f, "one line;");
	ck_assert_int_eq(truncate(path, 0), 0);
	fputs("2\n", log);
	check_taken(&f, "2;");
	/* It has grown again before it is read. */
	ck_assert_int_eq(truncate(path, 0), 0);
	fputs("another line\nand another one\n", log);
	check_taken(&f, "another line;and another one;");
	fclose(log);
	log_follow_close(&f);
}
END_TEST

START_TEST(appears_later)
{
	struct log_follow f;
	FILE *log;

	ck_assert_int_eq(log_follow_open(&f, path, 10, take, NULL), 0);
	check_taken(&f, "");
	log = opened(path);
	ck_assert(log_follow_wait(&f));
	fputs("1\n", log);
	check_taken(&f, "1;");
	fputs("2\n", log);
	ck_assert(log_follow_wait(&f));
	check_taken(&f, "2;");
	fclose(log);
	log_follow_close(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log lines");
	TCase *lines = tcase_create("lines"), *following = tcase_create("following");
	SRunner *runner;
	int failed;

	tcase_add_test(lines, tcp);
	tcase_add_test(lines, group);
	tcase_add_test(lines, icmp);
	tcase_add_test(lines, arp);
	tcase_add_test(lines, fragment);
	tcase_add_test(lines, other_lines);
	tcase_add_test(lines, strange_values);
	tcase_add_test(lines, cut_prefix);
	tcase_add_test(lines, goldens);
	suite_add_tcase(suite, lines);
	tcase_add_checked_fixture(following, follow_start, follow_end);
	tcase_add_test(following, last_lines);
	tcase_add_test(following, renamed);
	tcase_add_test(following, truncated);
	tcase_add_test(following, appears_later);
	suite_add_tcase(suite, following);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
