/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The logger: packets to lines, prefixes, messages of NFLOG, and the file. */
#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../logger/packets.h"
#include "logger/input/conntrack.h"
#include "logger/follow.h"
#include "logger/output/log_file.h"
#include "logger/input/nf_socket.h"
#include "logger/input/nflog_message.h"
#include "logger/output/line.h"

static struct line_printer printer;
static struct out out;
static char folder[] = "/tmp/pvefw-test-XXXXXX";

static void start(void)
{
	printer = (struct line_printer){ .now = 1, .shown = 1, .time = "TIME" };
	interface_put(&printer.interfaces, 1, "wire");
	out_init_memory(&out);
	strcpy(strrchr(folder, '-') + 1, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
	out_free(&out);
}

/* What has been printed, without the LF of its one line. */
static const char *printed(void)
{
	ck_assert_uint_gt(out.len, 0);
	ck_assert_int_eq(out.data[out.len - 1], '\n');
	out.data[out.len - 1] = '\0';
	ck_assert_ptr_null(strchr(out.data, '\n'));
	out.len = 0;
	return out.data;
}

static void check_message(const char *prefix, const char *line)
{
	struct logged_packet packet = { .prefix = text_of(prefix) };

	ck_assert(line_packet(&printer, &out, &packet));
	ck_assert_str_eq(printed(), line);
}

/* ---- packets ---- */

static void check_packet(const struct packet_case *p)
{
	/* A copy of its own size, so that the sanitizer sees what is read behind it. */
	size_t size = p->size - LINK_SIZE;
	uint8_t *copy = malloc(size ? size : 1);
	struct logged_packet packet = {
		.prefix = TEXT(PACKET_PREFIX),
		.in = 1,
		.link = { p->frame, LINK_SIZE },
		.data = { copy, size },
		.ethertype = be16(p->frame + 12),
	};

	memcpy(copy, p->frame + LINK_SIZE, size);
	ck_assert_msg(line_packet(&printer, &out, &packet) == !strstr(p->line, " INVALID="), "%s", p->name);
	ck_assert_msg(strcmp(printed(), p->line) == 0, "%s:\n%s\n%s", p->name, out.data, p->line);
	free(copy);
}

START_TEST(packets_give_their_lines)
{
	DIR *dir = opendir("tests/logger/packets");
	struct packet_case p = { 0 };
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[512];
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/logger/packets/%s", entry->d_name);
		file = fopen(path, "r");
		ck_assert_ptr_nonnull(file);
		for (; packet_case_next(file, &p); count++)
			check_packet(&p);
		fclose(file);
	}
	closedir(dir);
	ck_assert_uint_gt(count, 80);
}
END_TEST

START_TEST(all_parts_of_a_line_stand_in_order)
{
	static const uint8_t link[] = { 0xff, 0, 0x1a };
	static const uint8_t arp[] = { 0, 1, 8, 0, 0, 4, 0, 1, 10, 0, 0, 1, 10, 0, 0, 2 };
	struct logged_packet packet = {
		.prefix = TEXT(":0:3:PVEFW-HOST-IN: ACCEPT: "),
		.ethertype = 0x806,
		.in = 1,
		.out = 2,
		.physin = 3,
		.physout = 4294967295,
		.mark = 4294967294,
		.seconds = 1394797627,
		.link = { link, sizeof(link) },
		.data = { arp, sizeof(arp) },
	};

	setenv("TZ", "XXX-1", 1);
	tzset();
	interface_put(&printer.interfaces, 2, "vmbr0");
	interface_put(&printer.interfaces, 3, "fwln\n1");
	ck_assert(line_packet(&printer, &out, &packet));
	ck_assert_str_eq(
		printed(),
		"0 3 PVEFW-HOST-IN 14/Mar/2014:12:47:07 +0100 ACCEPT: IN=wire OUT=vmbr0 PHYSIN=fwln\\x0a1 "
		"PHYSOUT=4294967295 MAC=ff:00:1a SRC=10.0.0.1 DST=10.0.0.2 PROTO=ARP REQUEST mark=4294967294");
}
END_TEST

START_TEST(times_that_are_none_do_no_harm)
{
	struct logged_packet packet = { .seconds = INT64_MAX };

	ck_assert(line_packet(&printer, &out, &packet));
	ck_assert_str_eq(printed(), "0 6 - -");
}
END_TEST

/* ---- prefixes ---- */

START_TEST(prefixes_are_taken_apart)
{
	check_message(":117:6:tap117i0-IN: policy REJECT: ", "117 6 tap117i0-IN TIME policy REJECT:");
	check_message(":0:0:GROUP-web-IN: ", "0 0 GROUP-web-IN TIME");
	check_message(":999999999:7:a: x: y: ", "999999999 7 a TIME x: y:");
	check_message(":1:1:much-longer-than-the-28-of-iptables: m ",
		      "1 1 much-longer-than-the-28-of-iptables TIME m");
}
END_TEST

START_TEST(other_prefixes_are_the_message)
{
	const char *prefixes[] = {
		"hello",      "::6:c: m", ":1:8:c: m", ":1:66:c: m", ":1::c: m",    ":x:6:c: m",
		":1:6:: m",   ":1:6:c",   ":1:6:c:",   ":1:6:c:m",   ":1:6:c d: m", "1:6:c: m",
		":-1:6:c: m", ":1:6",     ":1",        ":",          ": ",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line), "0 6 - TIME %s", prefixes[i]);
		line[strlen(line) - (line[strlen(line) - 1] == ' ')] = '\0';
		check_message(prefixes[i], line);
	}
	check_message("", "0 6 - TIME");
}
END_TEST

/* A rule of somebody else must not make up lines of ours. */
START_TEST(a_prefix_ends_no_line)
{
	check_message("a\n0 6 - b\r\033[2J\x7f\xff", "0 6 - TIME a\\x0a0 6 - b\\x0d\\x1b[2J\\x7f\\xff");
	check_message(":1:6:c\n: d", "1 6 c\\x0a TIME d");
}
END_TEST

START_TEST(lines_are_cut)
{
	static uint8_t link[400];
	struct logged_packet packet = { .prefix = TEXT("long"), .link = { link, 164 } };

	line_packet(&printer, &out, &packet);
	ck_assert_uint_eq(out.len, LINE_MOST);
	ck_assert_mem_eq(out.data + LINE_MOST - 7, ":00:00\n", 7); /* all of it */
	out.len = 0;
	packet.prefix = TEXT("long1");
	line_packet(&printer, &out, &packet);
	ck_assert_uint_eq(out.len, LINE_MOST);
	ck_assert_mem_eq(out.data + LINE_MOST - 7, "0:00:0\n", 7);
	out.len = 0;
	packet.link.len = sizeof(link);
	line_packet(&printer, &out, &packet);
	ck_assert_uint_eq(out.len, LINE_MOST);
	ck_assert_int_eq(out.data[LINE_MOST - 1], '\n');
}
END_TEST

START_TEST(own_messages_are_lines)
{
	line_message(&printer, &out, 4, TEXT("5 packets\nlost"));
	ck_assert_str_eq(printed(), "0 4 - TIME 5 packets\\x0alost");
}
END_TEST

/* ---- messages ---- */

START_TEST(gaps_are_losses)
{
	struct sequence s = { .known = true };

	ck_assert_uint_eq(sequence_take(&s, 0), 0);
	ck_assert_uint_eq(sequence_take(&s, 1), 0);
	ck_assert_uint_eq(sequence_take(&s, 5), 3);
	ck_assert_uint_eq(sequence_take(&s, 6), 0);
	ck_assert_uint_eq(s.lost, 3);
	/* Counted anew by the kernel. */
	ck_assert_uint_eq(sequence_take(&s, 0), 0);
	ck_assert_uint_eq(sequence_take(&s, 1), 0);
	ck_assert_uint_eq(s.lost, 3);

	s = (struct sequence){ .known = true };
	ck_assert_uint_eq(sequence_take(&s, 7), 7);
	s.next = UINT32_MAX - 1;
	ck_assert_uint_eq(sequence_take(&s, UINT32_MAX), 1);
	ck_assert_uint_eq(sequence_take(&s, 2), 2);
	ck_assert_uint_eq(s.lost, 10);

	s = (struct sequence){ 0 };
	ck_assert_uint_eq(sequence_take(&s, 1000), 0);
	ck_assert_uint_eq(sequence_take(&s, 1002), 1);
}
END_TEST

static struct nlmsghdr *new_message(char *buffer, uint8_t family)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *general;

	header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	general = mnl_nlmsg_put_extra_header(header, sizeof(*general));
	general->nfgen_family = family;
	return header;
}

START_TEST(messages_are_read)
{
	static char buffer[4096];
	struct nlmsghdr *header = new_message(buffer, AF_INET6);
	struct nfulnl_msg_packet_timestamp stamp = { .sec = htobe64(77), .usec = 0 };
	struct nfulnl_msg_packet_hdr ether = { .hw_protocol = htons(0x806) };
	struct nflog_message m;

	ck_assert(nflog_is_packet(header));
	ck_assert(nflog_read(header, &m));
	ck_assert_uint_eq(m.packet.ethertype, 0x86dd);
	ck_assert_uint_eq(m.packet.data.len, 0);
	ck_assert(!m.has_local && !m.has_global);

	mnl_attr_put(header, NFULA_PACKET_HDR, sizeof(ether), &ether);
	mnl_attr_put_u32(header, NFULA_IFINDEX_INDEV, htonl(1));
	mnl_attr_put_u32(header, NFULA_IFINDEX_OUTDEV, htonl(2));
	mnl_attr_put_u32(header, NFULA_IFINDEX_PHYSINDEV, htonl(3));
	mnl_attr_put_u32(header, NFULA_IFINDEX_PHYSOUTDEV, htonl(4));
	mnl_attr_put_u32(header, NFULA_MARK, htonl(5));
	mnl_attr_put_u32(header, NFULA_SEQ, htonl(6));
	mnl_attr_put_u32(header, NFULA_SEQ_GLOBAL, htonl(7));
	mnl_attr_put(header, NFULA_TIMESTAMP, sizeof(stamp), &stamp);
	mnl_attr_put(header, NFULA_PREFIX, 8, "pre\0fix");
	mnl_attr_put(header, NFULA_HWHEADER, 3, "mac");
	mnl_attr_put(header, NFULA_PAYLOAD, 5, "bytes");
	ck_assert(nflog_read(header, &m));
	ck_assert_uint_eq(m.packet.ethertype, 0x806);
	ck_assert_uint_eq(m.packet.in, 1);
	ck_assert_uint_eq(m.packet.out, 2);
	ck_assert_uint_eq(m.packet.physin, 3);
	ck_assert_uint_eq(m.packet.physout, 4);
	ck_assert_uint_eq(m.packet.mark, 5);
	ck_assert(m.has_local && m.local == 6);
	ck_assert(m.has_global && m.global == 7);
	ck_assert_int_eq(m.packet.seconds, 77);
	ck_assert(text_is(m.packet.prefix, "pre"));
	ck_assert_uint_eq(m.packet.link.len, 3);
	ck_assert_uint_eq(m.packet.data.len, 5);
}
END_TEST

/* What is too short for its kind is as if it were not there. */
START_TEST(short_attributes_are_none)
{
	static char buffer[4096];
	struct nlmsghdr *header = new_message(buffer, 200);
	struct nflog_message m;

	for (uint16_t type = 1; type <= NFULA_MAX; type++)
		mnl_attr_put(header, type, 1, "\xff");
	ck_assert(nflog_read(header, &m));
	ck_assert_uint_eq(m.packet.ethertype, 0);
	ck_assert_uint_eq(m.packet.in | m.packet.out | m.packet.physin | m.packet.physout | m.packet.mark, 0);
	ck_assert_int_eq(m.packet.seconds, 0);
	ck_assert(!m.has_local && !m.has_global);
	ck_assert_uint_eq(m.packet.data.len, 1);

	header->nlmsg_len = NLMSG_HDRLEN + 3;
	ck_assert(!nflog_read(header, &m));
}
END_TEST

/* An attribute ends with its message, not where the next message would begin. */
START_TEST(attributes_end_with_the_message)
{
	static char buffer[4096];
	struct nlmsghdr *header = new_message(buffer, 200);
	struct nfulnl_msg_packet_hdr ether = { .hw_protocol = htons(0x806) };
	struct nflog_message m;

	mnl_attr_put(header, NFULA_PACKET_HDR, sizeof(ether), &ether);
	ck_assert(nflog_read(header, &m));
	ck_assert_uint_eq(m.packet.ethertype, 0x806);
	header->nlmsg_len--;
	ck_assert(nflog_read(header, &m));
	ck_assert_uint_eq(m.packet.ethertype, 0);
}
END_TEST

static void count_message(const struct nlmsghdr *header, void *data)
{
	ck_assert_uint_ge(header->nlmsg_len, NLMSG_HDRLEN);
	++*(unsigned *)data;
}

static unsigned count_messages(const void *bytes, size_t size)
{
	unsigned count = 0;

	netlink_each(bytes, size, count_message, &count);
	return count;
}

START_TEST(messages_end_where_the_bytes_do)
{
	struct nlmsghdr headers[3] = { { .nlmsg_len = 16 }, { .nlmsg_len = 16 }, { .nlmsg_len = 16 } };

	ck_assert_uint_eq(count_messages(headers, 48), 3);
	ck_assert_uint_eq(count_messages(headers, 47), 2);
	ck_assert_uint_eq(count_messages(headers, 0), 0);
	headers[1].nlmsg_len = 31; /* and nothing behind the one byte that aligns it */
	ck_assert_uint_eq(count_messages(headers, 47), 2);
	for (uint32_t len = 0; len < 16; len++) {
		headers[1].nlmsg_len = len;
		ck_assert_uint_eq(count_messages(headers, 48), 1);
	}
	headers[1].nlmsg_len = UINT32_MAX;
	ck_assert_uint_eq(count_messages(headers, 48), 1);
	headers[1].nlmsg_len = INT32_MAX + 1u;
	ck_assert_uint_eq(count_messages(headers, 48), 1);
}
END_TEST

START_TEST(what_is_no_event_gives_no_line)
{
	static char buffer[4096];
	struct nlmsghdr *header = new_message(buffer, AF_INET);

	ck_assert(!conntrack_line(&out, header));
	header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	ck_assert(!conntrack_line(&out, header)); /* an update */
	header->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	header->nlmsg_len = NLMSG_HDRLEN + 2;
	ck_assert(!conntrack_line(&out, header));
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* ---- the file ---- */

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *content(const char *name)
{
	static char bytes[4096];
	int fd = open(in_folder(name), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes) - 1);

	ck_assert_int_ge(fd, 0);
	bytes[n > 0 ? n : 0] = '\0';
	close(fd);
	return bytes;
}

START_TEST(lines_go_to_the_file)
{
	struct log_file file;
	char path[128], new_name[128];

	strcpy(path, in_folder("log"));
	strcpy(new_name, in_folder("log.1"));
	ck_assert_int_eq(log_file_open(&file, path), LOG_OPEN_OK);
	out_string(&file.lines, "one\ntwo\n");
	ck_assert(log_file_write(&file));
	ck_assert_uint_eq(file.written, 2);
	ck_assert_str_eq(content("log"), "one\ntwo\n");
	ck_assert_int_eq(rename(path, new_name), 0);
	out_string(&file.lines, "three\n");
	log_file_reopen(&file);
	ck_assert_str_eq(content("log.1"), "one\ntwo\nthree\n");
	ck_assert_str_eq(content("log"), "");
	out_string(&file.lines, "four\n");
	ck_assert(log_file_write(&file));
	ck_assert_str_eq(content("log"), "four\n");
	ck_assert_uint_eq(file.written, 4);
	log_file_close(&file);
}
END_TEST

START_TEST(only_one_writes)
{
	struct log_file file, second;
	char path[128];

	strcpy(path, in_folder("log"));
	ck_assert_int_eq(log_file_open(&file, path), LOG_OPEN_OK);
	ck_assert_int_eq(log_file_open(&second, path), LOG_OPEN_TAKEN);
	log_file_close(&second);
	log_file_close(&file);
	ck_assert_int_eq(log_file_open(&file, path), LOG_OPEN_OK);
	log_file_close(&file);
	ck_assert_int_eq(log_file_open(&file, in_folder("no/such/folder")), LOG_OPEN_FAILED);
	ck_assert_int_eq(file.reason, ENOENT);
	log_file_close(&file);
}
END_TEST

START_TEST(a_line_that_was_cut_off_is_ended)
{
	struct log_file file;
	int fd = open(in_folder("log"), O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "half", 4), 4);
	close(fd);
	ck_assert_int_eq(log_file_open(&file, in_folder("log")), LOG_OPEN_OK);
	out_string(&file.lines, "whole\n");
	ck_assert(log_file_write(&file));
	ck_assert_str_eq(content("log"), "half\nwhole\n");
	ck_assert_uint_eq(file.written, 1);
	log_file_close(&file);
}
END_TEST

/* A file that may grow to ten bytes: then a disk with room, at once or for a new file. */
static void write_to_full_file(struct log_file *file, const char *path)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 10;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(log_file_open(file, path), LOG_OPEN_OK);
	out_string(&file->lines, "12345\n12345\n12345\n");
	ck_assert(!log_file_write(file));
	ck_assert(!log_file_write(file));
	ck_assert_int_eq(file->reason, EFBIG);
	ck_assert_uint_eq(file->written, 1);
	ck_assert_str_eq(content("log"), "12345\n1234");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

START_TEST(half_a_line_is_completed)
{
	struct log_file file;
	char path[128];

	strcpy(path, in_folder("log"));
	write_to_full_file(&file, path);
	ck_assert(log_file_write(&file));
	ck_assert_int_eq(file.reason, 0);
	ck_assert_str_eq(content("log"), "12345\n12345\n12345\n");
	ck_assert_uint_eq(file.written, 3);
	ck_assert_uint_eq(file.lost, 0);
	log_file_close(&file);
}
END_TEST

START_TEST(half_a_line_does_not_go_to_another_file)
{
	struct log_file file;
	char path[128];

	strcpy(path, in_folder("log"));
	write_to_full_file(&file, path);
	ck_assert_int_eq(rename(path, in_folder("log.1")), 0);
	/* The old file cannot be completed either: it is the new one that has room. */
	close(file.fd);
	file.fd = open("/dev/full", O_WRONLY);
	log_file_reopen(&file);
	ck_assert_str_eq(content("log"), "12345\n");
	ck_assert_uint_eq(file.written, 2);
	ck_assert_uint_eq(file.lost, 1);
	log_file_close(&file);
}
END_TEST

START_TEST(room_is_bounded)
{
	struct log_file file = { .path = "/dev/full", .fd = -1, .lock = -1 };
	unsigned count = 0;

	out_init_memory(&file.lines);
	for (; log_file_has_room(&file); count++)
		out_printf(&file.lines, "%0511d\n", 0);
	ck_assert_uint_eq(count, 2048);
	ck_assert(!log_file_write(&file));
	ck_assert_int_eq(file.reason, ENOSPC);
	ck_assert(!log_file_is_due(&file));
	ck_assert_uint_eq(file.lines.len, 2048 * 512);
	log_file_close(&file);
}
END_TEST

/* ---- printing ---- */

START_TEST(colours_change_no_text)
{
	struct text line = TEXT(
		"100 6 tap100i0-IN TIME policy DROP: IN=wire SRC=10.0.0.1 PROTO=TCP DPT=22 \033[2J  x");
	char plain[256];
	size_t len = 0;

	follow_colour(&out, line);
	ck_assert_ptr_nonnull(memmem(out.data, out.len, "\033[36mSRC=10.0.0.1\033[0m", 21));
	for (size_t i = 0; i < out.len; i++) {
		if (out.data[i] == '\033')
			while (out.data[i] != 'm')
				i++;
		else
			plain[len++] = out.data[i];
	}
	plain[len] = '\0';
	ck_assert_str_eq(
		plain,
		"100 6 tap100i0-IN TIME policy DROP: IN=wire SRC=10.0.0.1 PROTO=TCP DPT=22 \\x1b[2J  x\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("logger");
	TCase *tcase = tcase_create("logger");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, packets_give_their_lines);
	tcase_add_test(tcase, all_parts_of_a_line_stand_in_order);
	tcase_add_test(tcase, times_that_are_none_do_no_harm);
	tcase_add_test(tcase, prefixes_are_taken_apart);
	tcase_add_test(tcase, other_prefixes_are_the_message);
	tcase_add_test(tcase, a_prefix_ends_no_line);
	tcase_add_test(tcase, lines_are_cut);
	tcase_add_test(tcase, own_messages_are_lines);
	tcase_add_test(tcase, gaps_are_losses);
	tcase_add_test(tcase, messages_are_read);
	tcase_add_test(tcase, short_attributes_are_none);
	tcase_add_test(tcase, attributes_end_with_the_message);
	tcase_add_test(tcase, messages_end_where_the_bytes_do);
	tcase_add_test(tcase, what_is_no_event_gives_no_line);
	tcase_add_test(tcase, lines_go_to_the_file);
	tcase_add_test(tcase, only_one_writes);
	tcase_add_test(tcase, a_line_that_was_cut_off_is_ended);
	tcase_add_test(tcase, half_a_line_is_completed);
	tcase_add_test(tcase, half_a_line_does_not_go_to_another_file);
	tcase_add_test(tcase, room_is_bounded);
	tcase_add_test(tcase, colours_change_no_text);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
