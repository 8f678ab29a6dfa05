/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream PREFIX HOSTS SPEC MICROSECONDS: what passes along the lines of SPEC, over time.
 *
 * Sends one packet along each line (tests/topology/README.md; TCP, UDP, echo requests) every so many
 * microseconds until it is told to end (SIGTERM). UDP is never answered, so that each packet is new to connection
 * tracking; of TCP each is a connection of its own; of an echo request the answer counts.
 *
 * Prints `NUMBER open SECONDS` when something passes along a line (counted from 1), `NUMBER shut SECONDS` when
 * nothing does any more, with the time since the epoch of the first packet that did, or did not; at the end
 * `NUMBER total SENT PASSED`. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../topology/probe.h"

enum { MOST = 16, MISSES = 5 };

struct stream {
	const struct probe *probe;
	int near, far; /* far: where it arrives, or the listener; -1 where a kernel answers */
	uint32_t sent, passed, last;
	double missed; /* when the first packet was sent that has not passed since; 0: none */
	unsigned misses;
	enum { UNKNOWN, OPEN, SHUT } state;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int make_socket(const struct probe *probe)
{
	int one = 1, made, family = probe->ipv6 ? AF_INET6 : AF_INET;

	if (probe->protocol == PROTOCOL_ICMP)
		made = socket(family, SOCK_RAW | SOCK_NONBLOCK, probe->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	else
		made = socket(family, (probe->protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	if (made < 0)
		fail("socket");
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	return made;
}

/* A connection in progress. */
static void connect_anew(const char *prefix, struct stream *s)
{
	const struct linger at_once = {1, 0};
	struct sockaddr_storage address;
	socklen_t size = goal_address(s->probe, &address);

	if (s->near >= 0)
		close(s->near);
	enter_space(prefix, s->probe->source);
	s->near = make_socket(s->probe);
	setsockopt(s->near, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	connect(s->near, (struct sockaddr *)&address, size);
}

static void open_stream(const char *prefix, struct stream *s, const struct probe *probe)
{
	struct sockaddr_storage address;
	socklen_t size = goal_address(probe, &address);

	*s = (struct stream){.probe = probe, .near = -1, .far = -1};
	if (probe->protocol != PROTOCOL_ICMP) {
		enter_space(prefix, probe->destination);
		s->far = make_socket(probe);
		if (bind(s->far, (struct sockaddr *)&address, size))
			fail(probe->text);
		if (probe->protocol == PROTOCOL_TCP && listen(s->far, 64))
			fail(probe->text);
	}
	if (probe->protocol == PROTOCOL_TCP)
		return;
	enter_space(prefix, probe->source);
	s->near = make_socket(probe);
	if (connect(s->near, (struct sockaddr *)&address, size))
		fail(probe->text);
}

/* The number is behind the header; the kernel adds the checksum of IPv6. */
static void send_echo(const struct stream *s)
{
	unsigned char echo[12] = {s->probe->ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, 's', 't', 0, 1};
	unsigned sum = 0;

	memcpy(echo + 8, &s->sent, sizeof s->sent);
	for (size_t i = 0; i < sizeof echo; i += 2)
		sum += (unsigned)echo[i] << 8 | echo[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	if (!s->probe->ipv6) {
		echo[2] = (unsigned char)(sum >> 8);
		echo[3] = (unsigned char)sum;
	}
	send(s->near, echo, sizeof echo, 0);
}

static void send_one(const char *prefix, struct stream *s)
{
	s->sent++;
	if (s->probe->protocol == PROTOCOL_TCP)
		connect_anew(prefix, s);
	else if (s->probe->protocol == PROTOCOL_ICMP)
		send_echo(s);
	else
		send(s->near, &s->sent, sizeof s->sent, 0);
}

/* A raw socket also sees requests, errors and others' answers. */
static bool is_answer(const struct stream *s, const unsigned char *data, size_t size)
{
	unsigned char reply = s->probe->ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	size_t skip = s->probe->ipv6 || size == 0 ? 0 : (size_t)(data[0] & 15) * 4;

	return size >= skip + 12 && data[skip] == reply && data[skip + 4] == 's' && data[skip + 5] == 't';
}

static bool is_connected(const struct stream *s)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	int one;

	while ((one = accept(s->far, NULL, NULL)) >= 0)
		close(one);
	return getpeername(s->near, (struct sockaddr *)&peer, &size) == 0;
}

static void note_passed(struct stream *s, uint32_t number)
{
	s->passed++;
	s->last = number;
}

static void receive(struct stream *s)
{
	int socket = s->probe->protocol == PROTOCOL_ICMP ? s->near : s->far;
	unsigned char data[2048];
	uint32_t number;
	ssize_t size;

	if (s->probe->protocol == PROTOCOL_TCP) {
		if (s->last != s->sent && is_connected(s))
			note_passed(s, s->sent);
		return;
	}
	while ((size = recv(socket, data, sizeof data, 0)) >= 0) {
		if (size < 4 || (s->probe->protocol == PROTOCOL_ICMP && !is_answer(s, data, (size_t)size)))
			continue;
		memcpy(&number, data + size - 4, sizeof number);
		note_passed(s, number);
	}
}

/* `time`: when the last packet was sent. */
static void judge(struct stream *s, size_t number, double time)
{
	if (s->sent && s->last == s->sent) {
		if (s->state != OPEN)
			printf("%zu open %.6f\n", number, time);
		s->state = OPEN;
		s->misses = 0;
		return;
	}
	if (s->misses++ == 0)
		s->missed = time;
	if (s->misses >= MISSES && s->state != SHUT) {
		printf("%zu shut %.6f\n", number, s->missed);
		s->state = SHUT;
	}
}

int main(int count, char **arguments)
{
	static struct stream streams[MOST];
	struct timespec pause = {0, 0};
	struct spec spec = {0};
	size_t number;

	if (count != 5) {
		fprintf(stderr, "usage: stream PREFIX HOSTS SPEC MICROSECONDS\n");
		return 2;
	}
	signal(SIGTERM, end);
	setvbuf(stdout, NULL, _IOLBF, 0);
	spec_read(&spec, arguments[2], arguments[3]);
	pause.tv_nsec = atol(arguments[4]) * 1000;
	number = spec.probe_count < MOST ? spec.probe_count : MOST;
	for (size_t i = 0; i < number; i++)
		open_stream(arguments[1], &streams[i], &spec.probes[i]);
	while (!ended) {
		double time = now();

		for (size_t i = 0; i < number; i++)
			send_one(arguments[1], &streams[i]);
		nanosleep(&pause, NULL);
		for (size_t i = 0; i < number; i++) {
			receive(&streams[i]);
			judge(&streams[i], i + 1, time);
		}
	}
	for (size_t i = 0; i < number; i++)
		printf("%zu total %u %u\n", i + 1, streams[i].sent, streams[i].passed);
	return 0;
}
