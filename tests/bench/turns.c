/* SPDX-License-Identifier: GPL-2.0-or-later */
/* turns ROUNDS MILLISECONDS < WAYS: what a packet costs on several ways, measured in turn.
 *
 * WAYS has a line `FROM TO ADDRESS PORT` for each. In each of ROUNDS rounds, the ways take turns: UDP packets of 64 bytes go
 * from the network namespace FROM to ADDRESS in TO for at least so many milliseconds. The order is reversed from
 * round to round. Between virtual Ethernet devices the whole way is gone within the sending call, so its processor time
 * is the cost of the way. A socket gets the packets, and drops what it has no room for; nobody answers. So to connection
 * tracking each packet is new. Prints a line a
 * round: nanoseconds of the thread's processor time a packet, for each way. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PACKET = 64, WAYS = 256 };

struct way {
	int sender;
	double cost;
};

static char data[PACKET];
static struct iovec part = { data, sizeof data };
static struct mmsghdr messages[BATCH];

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void enter(const char *space)
{
	char path[128];
	int file;

	snprintf(path, sizeof path, "/run/netns/%s", space);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || setns(file, CLONE_NEWNET))
		fail(path);
	close(file);
}

/* The sender's socket; the receiver's stays open. */
static int open_way(const char *from, const char *to, const char *text, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int sender, receiver, size = 64 << 20, least = 1;

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		fail(text);
	enter(to);
	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	if (receiver < 0 || bind(receiver, (struct sockaddr *)&address, sizeof address))
		fail("bind");
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
	enter(from);
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	if (sender < 0 || connect(sender, (struct sockaddr *)&address, sizeof address))
		fail("connect");
	setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	return sender;
}

static double cost(int sender, double least)
{
	double begin, spent;
	unsigned long sent = 0;

	sendmmsg(sender, messages, BATCH, 0); /* fills the caches */
	begin = now(CLOCK_THREAD_CPUTIME_ID);
	do {
		int done = sendmmsg(sender, messages, BATCH, 0);

		if (done < 0)
			fail("sendmmsg");
		sent += (unsigned long)done;
		spent = now(CLOCK_THREAD_CPUTIME_ID) - begin;
	} while (spent < least);
	return spent / (double)sent;
}

int main(int words, char **arguments)
{
	static struct way ways[WAYS];
	char from[64], to[64], address[64];
	int count = 0, port;

	if (words != 3) {
		fprintf(stderr, "usage: turns ROUNDS MILLISECONDS\n");
		return 2;
	}
	for (int i = 0; i < BATCH; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } };
	while (count < WAYS && scanf("%63s %63s %63s %d", from, to, address, &port) == 4) {
		ways[count].sender = open_way(from, to, address, port);
		send(ways[count++].sender, data, sizeof data, 0); /* has the neighbour found */
	}
	usleep(300000);
	for (int round = 0, rounds = atoi(arguments[1]); round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			struct way *way = &ways[round % 2 ? count - 1 - i : i];

			way->cost = cost(way->sender, atof(arguments[2]) * 1e6);
		}
		for (int i = 0; i < count; i++)
			printf("%.2f%c", ways[i].cost, i < count - 1 ? ' ' : '\n');
	}
	return 0;
}
