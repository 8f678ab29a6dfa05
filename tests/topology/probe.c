/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe [-v] [-t SECONDS] PREFIX HOSTS SPEC: what gets through, and what becomes of the rest.
 *
 * One process for all namespaces ($PREFIX-…, made by topo.sh): it opens a listener for every goal of
 * the spec file, sends all probes at once, each from a socket made in its source's namespace, and
 * waits until each has its answer or the time (1 second) is over. Frames with a false sender come
 * afterwards, as bridges learn from them. Prints the probes whose result is not the wanted one (-v:
 * all). Exit status: 0 all as wanted, 1 not, 2 for a mistake in a file. */
#include <time.h> /* which linux/errqueue.h needs */

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

/* What answers, or is watched, at a goal. */
struct listener {
	const struct probe *first; /* the first probe for it */
	int socket;
};

struct run {
	const char *prefix;
	double seconds;
	struct spec spec;
	struct listener *listeners;
	size_t listener_count;
	struct pollfd *polls; /* first the listeners, then the probes */
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

static int make_socket(const struct probe *probe, int type, int protocol)
{
	int family = probe->ipv6 ? AF_INET6 : AF_INET, one = 1;
	int made = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (made < 0)
		fail("socket");
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* have ICMP errors reported with their type and code */
	setsockopt(made, probe->ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, probe->ipv6 ? IPV6_RECVERR : IP_RECVERR,
		   &one, sizeof one);
	return made;
}

static bool same_goal(const struct probe *a, const struct probe *b)
{
	return a->destination == b->destination && probe_is_raw(a) == probe_is_raw(b) &&
	       (probe_is_raw(a) || (a->protocol == b->protocol && a->ipv6 == b->ipv6 &&
				    a->port == b->port && !strcmp(a->other, b->other)));
}

static int open_listener(const struct probe *probe)
{
	int type = probe->protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, made;
	struct sockaddr_storage address;
	socklen_t size = goal_address(probe, &address);

	if (probe_is_raw(probe))
		return raw_open(true);
	made = make_socket(probe, type, 0);
	if (bind(made, (struct sockaddr *)&address, size))
		fail(probe->text);
	if (type == SOCK_STREAM && listen(made, 64))
		fail(probe->text);
	return made;
}

/* Kernels answer ICMP echo requests themselves; all other goals need a socket. */
static void open_listeners(struct run *run)
{
	for (size_t i = 0; i < run->spec.probe_count; i++) {
		const struct probe *probe = &run->spec.probes[i];
		size_t known = 0;

		if (probe->protocol == PROTOCOL_ICMP && !probe_is_raw(probe))
			continue;
		while (known < run->listener_count && !same_goal(run->listeners[known].first, probe))
			known++;
		if (known < run->listener_count)
			continue;
		enter_space(run->prefix, probe->destination);
		run->listeners[run->listener_count++] = (struct listener){probe, open_listener(probe)};
	}
}

/* An echo request with the probe's number as its sequence; the kernel does ICMPv6's checksum. */
static void send_echo(const struct probe *probe, size_t number)
{
	unsigned char echo[8] = {probe->ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, 'p', 'v',
				 (unsigned char)(number >> 8), (unsigned char)number};
	unsigned int sum = 0;

	for (size_t i = 0; i < sizeof echo; i += 2)
		sum += (unsigned int)echo[i] << 8 | echo[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	if (!probe->ipv6) {
		echo[2] = (unsigned char)(sum >> 8);
		echo[3] = (unsigned char)sum;
	}
	send(probe->socket, echo, sizeof echo, 0);
}

static void bind_own(const struct probe *probe)
{
	struct sockaddr_storage address;
	socklen_t size = own_address(probe, &address);

	if (!*probe->own && !probe->source_port)
		return;
	if (bind(probe->socket, (struct sockaddr *)&address, size))
		fail(probe->text);
}

/* A refusal by the source's own rules comes back from here at once, and again from the poll. */
static void start(struct run *run, size_t number)
{
	struct probe *probe = &run->spec.probes[number];
	struct sockaddr_storage address;
	socklen_t size = goal_address(probe, &address);

	enter_space(run->prefix, probe->source);
	if (probe->protocol == PROTOCOL_TCP)
		probe->socket = make_socket(probe, SOCK_STREAM, 0);
	else if (probe->protocol == PROTOCOL_UDP)
		probe->socket = make_socket(probe, SOCK_DGRAM, 0);
	else
		probe->socket = make_socket(probe, SOCK_RAW, probe->ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	bind_own(probe);
	if (connect(probe->socket, (struct sockaddr *)&address, size) && errno != EINPROGRESS)
		snprintf(probe->result, sizeof probe->result, "errno-%d", errno);
	if (probe->protocol == PROTOCOL_UDP)
		send(probe->socket, "ping", 4, 0);
	else if (probe->protocol == PROTOCOL_ICMP)
		send_echo(probe, number);
}

static void start_raw(struct run *run, size_t number)
{
	const struct probe *probe = &run->spec.probes[number];
	int raw;

	enter_space(run->prefix, probe->source);
	raw = raw_open(false);
	raw_send(raw, probe, number);
	close(raw);
}

static void set_result(struct probe *probe, const char *result)
{
	snprintf(probe->result, sizeof probe->result, "%s", result);
}

static const struct icmp_error {
	int origin, type, code;
	const char *result;
} icmp_errors[] = {
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, "unreach"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, "nohost"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_NET_ANO, "prohib"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_ANO, "prohib"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, "prohib"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, "unreach"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, "nohost"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, "prohib"},
};

static void classify_icmp(struct probe *probe, const struct sock_extended_err *error)
{
	for (size_t i = 0; i < sizeof icmp_errors / sizeof *icmp_errors; i++)
		if (icmp_errors[i].origin == error->ee_origin && icmp_errors[i].type == error->ee_type &&
		    icmp_errors[i].code == error->ee_code) {
			set_result(probe, icmp_errors[i].result);
			return;
		}
	snprintf(probe->result, sizeof probe->result, "icmp-%d-%d", error->ee_type, error->ee_code);
}

/* Takes an ICMP error out of the socket's error queue; false if there is none. */
static bool read_icmp_error(struct probe *probe)
{
	char data[256], control[512];
	struct iovec part = {data, sizeof data};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof control};

	if (recvmsg(probe->socket, &message, MSG_ERRQUEUE) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct sock_extended_err error;

		if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
			continue;
		memcpy(&error, CMSG_DATA(c), sizeof error);
		if (error.ee_origin == SO_EE_ORIGIN_LOCAL)
			continue;
		classify_icmp(probe, &error);
		return true;
	}
	return false;
}

/* A raw ICMP socket sees all answers of its peer: is this the one to the probe? */
static bool is_echo_reply(const struct probe *probe, size_t number, const unsigned char *data, size_t size)
{
	unsigned char type = probe->ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	size_t skip = probe->ipv6 || size == 0 ? 0 : (size_t)(data[0] & 15) * 4;

	return size >= skip + 8 && data[skip] == type && data[skip + 4] == 'p' && data[skip + 5] == 'v' &&
	       data[skip + 6] == (unsigned char)(number >> 8) && data[skip + 7] == (unsigned char)number;
}

/* Something happened at the probe's socket: an error, the connection, an answer. */
static void read_answer(struct probe *probe, size_t number)
{
	unsigned char data[2048];
	socklen_t size = sizeof(int);
	ssize_t received;
	int error = 0;

	if (read_icmp_error(probe))
		return;
	getsockopt(probe->socket, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error == ECONNREFUSED && probe->protocol == PROTOCOL_TCP) {
		set_result(probe, "rst");
	} else if (error) {
		snprintf(probe->result, sizeof probe->result, "errno-%d", error);
	} else if (probe->protocol == PROTOCOL_TCP) {
		set_result(probe, "accept");
	} else {
		received = recv(probe->socket, data, sizeof data, 0);
		if (received > 0 && (probe->protocol == PROTOCOL_UDP ||
				     is_echo_reply(probe, number, data, (size_t)received)))
			set_result(probe, "accept");
	}
}

/* The frame counts when it is where it was sent to: a flooded one is seen elsewhere, too. */
static void read_frame(struct run *run, const struct listener *listener)
{
	unsigned char frame[2048];
	ssize_t received;

	while ((received = recv(listener->socket, frame, sizeof frame, 0)) > 0) {
		size_t number = raw_number(frame, (size_t)received);

		if (number >= run->spec.probe_count)
			continue;
		if (run->spec.probes[number].destination == listener->first->destination)
			set_result(&run->spec.probes[number], "accept");
	}
}

static void serve(struct run *run, const struct listener *listener)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	char data[64];

	if (probe_is_raw(listener->first)) {
		read_frame(run, listener);
	} else if (listener->first->protocol == PROTOCOL_UDP) {
		if (recvfrom(listener->socket, data, sizeof data, 0, (struct sockaddr *)&peer, &size) > 0)
			sendto(listener->socket, "pong", 4, 0, (struct sockaddr *)&peer, size);
	}
}

/* The sockets to wait for; how many probes of the kind (raw or not) still have no result. */
static size_t fill_polls(struct run *run, bool raw)
{
	size_t open = 0;

	for (size_t i = 0; i < run->listener_count; i++) {
		const struct listener *listener = &run->listeners[i];
		bool silent = !probe_is_raw(listener->first) && listener->first->protocol == PROTOCOL_TCP;

		run->polls[i] = (struct pollfd){silent ? -1 : listener->socket, POLLIN, 0};
	}
	for (size_t i = 0; i < run->spec.probe_count; i++) {
		const struct probe *probe = &run->spec.probes[i];
		bool waiting = probe_is_raw(probe) == raw && !*probe->result;

		run->polls[run->listener_count + i] =
			(struct pollfd){waiting && !raw ? probe->socket : -1,
					probe->protocol == PROTOCOL_TCP ? POLLOUT : POLLIN, 0};
		open += waiting;
	}
	return open;
}

static void wait_for_answers(struct run *run, bool raw)
{
	double end = now() + run->seconds;

	while (fill_polls(run, raw) > 0 && now() < end) {
		poll(run->polls, run->listener_count + run->spec.probe_count, 50);
		for (size_t i = 0; i < run->listener_count; i++)
			if (run->polls[i].revents)
				serve(run, &run->listeners[i]);
		for (size_t i = 0; i < run->spec.probe_count; i++)
			if (run->polls[run->listener_count + i].revents)
				read_answer(&run->spec.probes[i], i);
	}
}

/* Prints the results; returns how many are not the wanted ones. */
static size_t report(struct run *run, bool verbose)
{
	size_t bad = 0;

	for (size_t i = 0; i < run->spec.probe_count; i++) {
		struct probe *probe = &run->spec.probes[i];
		bool good;

		if (!*probe->result)
			set_result(probe, "drop");
		good = !strcmp(probe->result, probe->want);
		bad += !good;
		if (verbose || !good)
			printf("%s %s: %s, wanted %s\n", good ? "ok  " : "FAIL", probe->text, probe->result,
			       probe->want);
	}
	printf("%zu probes, %zu not as wanted\n", run->spec.probe_count, bad);
	return bad;
}

static void run_probes(struct run *run)
{
	size_t count = run->spec.probe_count;
	bool any_raw = false;

	run->listeners = calloc(count + 1, sizeof *run->listeners);
	run->polls = calloc(2 * count + 1, sizeof *run->polls);
	if (!run->listeners || !run->polls)
		fail("probe");
	open_listeners(run);
	for (size_t i = 0; i < count; i++) {
		any_raw |= probe_is_raw(&run->spec.probes[i]);
		if (!probe_is_raw(&run->spec.probes[i]))
			start(run, i);
	}
	wait_for_answers(run, false);
	for (size_t i = 0; i < count; i++)
		if (probe_is_raw(&run->spec.probes[i]))
			start_raw(run, i);
	if (any_raw)
		wait_for_answers(run, true);
}

int main(int count, char **arguments)
{
	struct run run = {.seconds = 1};
	bool verbose = false;
	int option;

	while ((option = getopt(count, arguments, "vt:")) != -1)
		if (option == 'v')
			verbose = true;
		else if (option == 't')
			run.seconds = atof(optarg);
		else
			return 2;
	if (count - optind != 3) {
		fprintf(stderr, "usage: probe [-v] [-t SECONDS] PREFIX HOSTS SPEC\n");
		return 2;
	}
	run.prefix = arguments[optind];
	spec_read(&run.spec, arguments[optind + 1], arguments[optind + 2]);
	run_probes(&run);
	return report(&run, verbose) ? 1 : 0;
}
