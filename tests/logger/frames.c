/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the logger send, and what they expect.
 *
 *     frames send INTERFACE FILE...      sends the frames of files as packets.h describes them
 *     frames expect FILE...              prints their lines
 *     frames flood PORT COUNT RATE       sends UDP packets to that port of 127.0.0.1, RATE a second,
 *                                        0 for as fast as can be; prints how many have been sent, and in
 *                                        how many milliseconds
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "packets.h"

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- files ---- */

static void for_all(char **paths, void (*take)(const struct packet_case *p))
{
	static struct packet_case p;

	for (; *paths; paths++) {
		FILE *file = fopen(*paths, "r");

		if (!file)
			fail(*paths);
		while (packet_case_next(file, &p))
			take(&p);
		fclose(file);
	}
}

static int wire;

/* Slowly enough for the queue of a virtual device. */
static void send_frame(const struct packet_case *p)
{
	if (p->on_wire && send(wire, p->frame, p->size, 0) != (ssize_t)p->size)
		fail(p->name);
}

static void open_wire(const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_ifindex = (int)if_nametoindex(interface) };

	wire = socket(AF_PACKET, SOCK_RAW, 0);
	if (wire < 0 || bind(wire, (struct sockaddr *)&address, sizeof(address)))
		fail(interface);
}

static void print_line(const struct packet_case *p)
{
	if (p->on_wire)
		puts(p->line);
}

/* ---- flood ---- */

enum { BURST = 20 };

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void wait_until(int64_t when)
{
	struct timespec time = { when / 1000000000, when % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void flood(int port, long count, long rate)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int64_t begin = now();
	long sent = 0;

	if (fd < 0)
		fail("flood");
	for (long i = 0; i < count; i++) {
		if (rate && i % BURST == 0)
			wait_until(begin + i * 1000000000LL / rate);
		sent += sendto(fd, "flood", 5, 0, (struct sockaddr *)&address, sizeof(address)) == 5;
	}
	printf("%ld %lld\n", sent, (long long)(now() - begin) / 1000000);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "send") == 0) {
		open_wire(argv[2]);
		for_all(argv + 3, send_frame);
	} else if (strcmp(what, "expect") == 0) {
		for_all(argv + 2, print_line);
	} else if (strcmp(what, "flood") == 0 && argc == 5) {
		flood(atoi(argv[2]), atol(argv[3]), atol(argv[4]));
	} else {
		fprintf(stderr, "usage: frames send|expect|flood ...\n");
		return 2;
	}
	return 0;
}
