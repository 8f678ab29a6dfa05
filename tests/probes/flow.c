/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow [-v] PREFIX HOSTS SPEC COMMAND…: what becomes of connections when the rules change.
 *
 * Opens a connection for each line of SPEC (tests/topology/README.md; TCP, UDP, echo requests) and
 * exchanges a message over each. Then COMMAND runs, which loads other rules; while it does, messages go
 * on: none may get lost where the line says `accept`. Afterwards each connection carries a message
 * (`accept`) or does not (`drop`). Prints what is not as wanted, and a count as probe does. Exit status: 0
 * all as wanted, 1 not, 2 for a mistake. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../topology/probe.h"

enum { MOST_FLOWS = 64 };

/* Both ends of a connection; far is -1 where a kernel answers. */
struct flow {
	const struct probe *probe;
	int near, far;
	uint32_t answered; /* the number of the last message that came back */
	unsigned int lost; /* messages during the change that did not */
};

struct run {
	const char *prefix;
	struct spec spec;
	struct flow flows[MOST_FLOWS];
	size_t count;
	uint32_t number; /* of the last message sent */
};

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

static int make_socket(const struct probe *probe)
{
	int one = 1, made;

	if (probe->protocol == PROTOCOL_ICMP)
		made = socket(probe->ipv6 ? AF_INET6 : AF_INET, SOCK_RAW, probe->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	else
		made = socket(probe->ipv6 ? AF_INET6 : AF_INET,
			      probe->protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (made < 0)
		fail("socket");
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (probe->protocol == PROTOCOL_TCP)
		setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return made;
}

static void open_flow(struct run *run, struct flow *flow, const struct probe *probe)
{
	struct sockaddr_storage address;
	socklen_t size = goal_address(probe, &address);
	int goal = -1;

	if (probe->protocol != PROTOCOL_ICMP) {
		enter_space(run->prefix, probe->destination);
		goal = make_socket(probe);
		if (bind(goal, (struct sockaddr *)&address, size))
			fail(probe->text);
		if (probe->protocol == PROTOCOL_TCP && listen(goal, 1))
			fail(probe->text);
	}
	enter_space(run->prefix, probe->source);
	*flow = (struct flow){.probe = probe, .near = make_socket(probe), .far = goal};
	alarm(5); /* a connection that is not accepted must not take longer */
	if (connect(flow->near, (struct sockaddr *)&address, size))
		fail(probe->text);
	if (probe->protocol == PROTOCOL_TCP) {
		flow->far = accept(goal, NULL, NULL);
		if (flow->far < 0)
			fail(probe->text);
		close(goal);
	}
	alarm(0);
}

/* Messages are their number; that of an echo request is behind its header. */
static void send_number(const struct flow *flow, uint32_t number)
{
	unsigned char echo[12] = {flow->probe->ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, 'f', 'l', 0, 1};
	unsigned int sum = 0;

	if (flow->probe->protocol != PROTOCOL_ICMP) {
		send(flow->near, &number, sizeof number, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	memcpy(echo + 8, &number, sizeof number);
	for (size_t i = 0; i < sizeof echo; i += 2)
		sum += (unsigned int)echo[i] << 8 | echo[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	if (!flow->probe->ipv6) {
		echo[2] = (unsigned char)(sum >> 8);
		echo[3] = (unsigned char)sum;
	}
	send(flow->near, echo, sizeof echo, MSG_DONTWAIT);
}

/* The far end sends back what it gets. */
static void reflect(const struct flow *flow)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	unsigned char data[2048];
	ssize_t received = recvfrom(flow->far, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&peer, &size);

	if (received <= 0)
		return;
	if (flow->probe->protocol == PROTOCOL_TCP)
		send(flow->far, data, (size_t)received, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		sendto(flow->far, data, (size_t)received, MSG_DONTWAIT, (struct sockaddr *)&peer, size);
}

/* The last number of what came back. A raw socket also sees requests and others' messages. */
static void read_number(struct flow *flow)
{
	unsigned char data[2048], reply = flow->probe->ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	ssize_t received = recv(flow->near, data, sizeof data, MSG_DONTWAIT);
	size_t skip = 0;

	if (received < 4)
		return;
	if (flow->probe->protocol == PROTOCOL_ICMP) {
		skip = flow->probe->ipv6 ? 0 : (size_t)(data[0] & 15) * 4;
		if ((size_t)received < skip + 12 || data[skip] != reply || data[skip + 4] != 'f')
			return;
	}
	memcpy(&flow->answered, data + received - 4, sizeof flow->answered);
}

/* Sends one message over each connection and waits for the answers, for a second at most. */
static void exchange(struct run *run)
{
	struct pollfd polls[2 * MOST_FLOWS];
	double end = now() + 1;
	size_t open = run->count;

	run->number++;
	for (size_t i = 0; i < run->count; i++)
		send_number(&run->flows[i], run->number);
	while (open > 0 && now() < end) {
		for (size_t i = 0; i < run->count; i++) {
			polls[2 * i] = (struct pollfd){run->flows[i].near, POLLIN, 0};
			polls[2 * i + 1] = (struct pollfd){run->flows[i].far, POLLIN, 0};
		}
		poll(polls, 2 * run->count, 20);
		open = run->count;
		for (size_t i = 0; i < run->count; i++) {
			if (polls[2 * i].revents)
				read_number(&run->flows[i]);
			if (polls[2 * i + 1].revents)
				reflect(&run->flows[i]);
			open -= run->flows[i].answered == run->number;
		}
	}
}

static int change_rules(struct run *run, char **command)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("fork");
	if (child == 0) {
		execvp(command[0], command);
		perror(command[0]);
		_exit(2);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		exchange(run);
		for (size_t i = 0; i < run->count; i++)
			run->flows[i].lost += run->flows[i].answered != run->number;
	}
	return status;
}

static size_t report(const struct run *run, uint32_t during, bool verbose)
{
	size_t bad = 0;

	for (size_t i = 0; i < run->count; i++) {
		const struct flow *flow = &run->flows[i];
		bool accepted = flow->answered == run->number;
		bool wanted = !strcmp(flow->probe->want, "accept");
		bool good = accepted == wanted && (!wanted || flow->lost == 0);

		bad += !good;
		if (!good || verbose)
			printf("%s %s: %s, wanted %s; %u of %u messages lost\n", good ? "ok  " : "FAIL",
			       flow->probe->text, accepted ? "accept" : "drop", flow->probe->want, flow->lost,
			       during);
	}
	printf("%zu probes, %zu not as wanted\n", run->count, bad);
	return bad;
}

int main(int count, char **arguments)
{
	static struct run run;
	bool verbose = count > 1 && !strcmp(arguments[1], "-v");
	char **words = arguments + 1 + verbose;
	uint32_t before;

	if (count - 1 - verbose < 4) {
		fprintf(stderr, "usage: flow [-v] PREFIX HOSTS SPEC COMMAND…\n");
		return 2;
	}
	run.prefix = words[0];
	spec_read(&run.spec, words[1], words[2]);
	for (; run.count < run.spec.probe_count && run.count < MOST_FLOWS; run.count++)
		open_flow(&run, &run.flows[run.count], &run.spec.probes[run.count]);
	exchange(&run);
	for (size_t i = 0; i < run.count; i++)
		if (run.flows[i].answered != run.number) {
			fprintf(stderr, "%s: no connection to begin with\n", run.flows[i].probe->text);
			return 2;
		}
	before = run.number;
	if (change_rules(&run, words + 3) != 0) {
		fprintf(stderr, "the rules did not change: %s\n", words[3]);
		return 2;
	}
	before = run.number - before;
	exchange(&run);
	return report(&run, before, verbose) ? 1 : 0;
}
