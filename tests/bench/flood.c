/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flood SOURCE DESTINATION ADDRESS PORT SECONDS: what a packet costs on its way between two namespaces.
 *
 * Sends UDP packets of 64 bytes from the network namespace SOURCE to ADDRESS in DESTINATION as fast as it
 * can, for so many seconds. Between virtual Ethernet devices the whole way is gone within the sending call, so
 * its time is the cost of the way. Nobody answers: to connection tracking each packet is new. Prints
 * microseconds a packet; exit status 1 when less than half of the packets arrive. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PACKET = 64 };

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int socket_in(const char *space)
{
	char path[128];
	int file, made, size = 64 << 20;

	snprintf(path, sizeof path, "/run/netns/%s", space);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || setns(file, CLONE_NEWNET))
		fail(path);
	close(file);
	made = socket(AF_INET, SOCK_DGRAM, 0);
	if (made < 0)
		fail("socket");
	setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(made, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	return made;
}

/* Takes away what has arrived. */
static unsigned long drain(int receiver)
{
	char data[PACKET];
	unsigned long count = 0;

	while (recv(receiver, data, sizeof data, MSG_DONTWAIT) > 0)
		count++;
	return count;
}

int main(int words, char **arguments)
{
	static char data[PACKET];
	struct iovec part = {data, sizeof data};
	struct mmsghdr messages[BATCH];
	struct sockaddr_in address = {.sin_family = AF_INET};
	unsigned long sent = 0, arrived = 0;
	double spent = 0, seconds;
	int receiver, sender;

	if (words != 6) {
		fprintf(stderr, "usage: flood SOURCE DESTINATION ADDRESS PORT SECONDS\n");
		return 2;
	}
	inet_pton(AF_INET, arguments[3], &address.sin_addr);
	address.sin_port = htons((uint16_t)atoi(arguments[4]));
	seconds = atof(arguments[5]);
	receiver = socket_in(arguments[2]);
	if (bind(receiver, (struct sockaddr *)&address, sizeof address))
		fail("bind");
	sender = socket_in(arguments[1]);
	if (connect(sender, (struct sockaddr *)&address, sizeof address))
		fail("connect");
	for (int i = 0; i < BATCH; i++)
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	send(sender, data, sizeof data, 0); /* has the neighbours found */
	usleep(300000);
	drain(receiver);
	while (spent < seconds) {
		double start = now();
		int done = sendmmsg(sender, messages, BATCH, 0);

		spent += now() - start;
		if (done > 0)
			sent += (unsigned long)done;
		arrived += drain(receiver);
	}
	usleep(100000);
	arrived += drain(receiver);
	printf("%.3f\n", 1e6 * spent / (double)sent);
	return arrived * 2 >= sent ? 0 : 1;
}
