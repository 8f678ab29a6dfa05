/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inject [-qv] PREFIX HOSTS <PACKETS: sends the packets of a file that draw has written through the namespaces
 * $PREFIX-… (tests/topology), and says which fare otherwise than the model says.
 *
 * Frames are sent from, and watched at, packet sockets in the guests' namespaces.  The host sends with its
 * own headers (IP_HDRINCL), so that OUTPUT is met; a raw socket for each protocol sees what INPUT has let
 * through.  All packets of a batch are sent at once; it is over when those have arrived that should, and
 * nothing else arrives.
 *
 * Some refusals have no answer that could be seen: to a packet with RST or to all stations, to a source that
 * is not one station, and where the answer is of no known connection.  These count as what they are said to
 * be, if nothing passed.  -q: what is queued must be dropped, as somebody listens who does that (queue.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

enum { SPACES_MAX = 16, SOCKETS_MAX = 600, BATCH = 200, QUIET_MS = 20, PATIENCE_MS = 400 };

struct space {
	char name[16];
	unsigned char mac[6];
	char address[2][46];
	int send, send6; /* of the host by protocol family, else the packet socket */
};

struct watch {
	int socket;
	const struct space *space;
	bool is_raw, six;
	unsigned protocol; /* of a raw socket */
};

/* A packet, and what was seen. */
struct sent {
	struct packet packet;
	bool passed, is_answered;
	bool reset;
	unsigned type, code;
};

struct run {
	const char *prefix;
	bool queue_drops; /* somebody listens to all queues, and drops */
	struct space spaces[SPACES_MAX];
	unsigned space_count;
	struct watch watches[SOCKETS_MAX];
	struct pollfd polls[SOCKETS_MAX];
	unsigned watch_count;
	struct sent *sent;
	unsigned count;
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- namespaces ---- */

static void enter(const struct run *run, const char *name)
{
	char path[80];
	int space;

	snprintf(path, sizeof(path), "/run/netns/%s-%s", run->prefix, name);
	space = open(path, O_RDONLY | O_CLOEXEC);
	if (space < 0 || setns(space, CLONE_NEWNET))
		fail(path);
	close(space);
}

static void read_hosts(struct run *run, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256], name[16], space[16], ipv4[46], ipv6[46];
	struct space *s;

	if (!file)
		fail(path);
	while (fgets(line, sizeof(line), file)) {
		unsigned char mac[6];

		if (line[0] == '#' ||
		    sscanf(line, "%15s %15s %45s %45s %hhx:%hhx:%hhx:%hhx:%hhx:%hhx", name, space, ipv4, ipv6,
			   mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 10)
			continue;
		if (strcmp(name, space) != 0)
			continue;
		s = &run->spaces[run->space_count++];
		snprintf(s->name, sizeof(s->name), "%s", name);
		memcpy(s->mac, mac, 6);
		snprintf(s->address[0], sizeof(s->address[0]), "%s", ipv4);
		snprintf(s->address[1], sizeof(s->address[1]), "%s", ipv6);
	}
	fclose(file);
}

static struct space *space_find(struct run *run, const char *name)
{
	for (unsigned i = 0; i < run->space_count; i++)
		if (strcmp(run->spaces[i].name, name) == 0)
			return &run->spaces[i];
	fprintf(stderr, "inject: no host %s\n", name);
	exit(2);
}

/* ---- sockets ---- */

static void watch(struct run *run, struct watch watch)
{
	int room = 64 << 20, one = 1;

	setsockopt(watch.socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (watch.is_raw && watch.six)
		setsockopt(watch.socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	run->polls[run->watch_count] = (struct pollfd){ .fd = watch.socket, .events = POLLIN };
	run->watches[run->watch_count++] = watch;
}

static int open_socket(int family, int type, int protocol)
{
	int made = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (made < 0)
		fail("socket");
	return made;
}

static void open_frames(struct run *run, struct space *space)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	enter(run, space->name);
	space->send = open_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	link.sll_ifindex = (int)if_nametoindex("eth0");
	if (bind(space->send, (struct sockaddr *)&link, sizeof(link)))
		fail(space->name);
	watch(run, (struct watch){ .socket = space->send, .space = space });
}

static void watch_protocol(struct run *run, const struct space *host, bool six, unsigned protocol)
{
	for (unsigned i = 0; i < run->watch_count; i++)
		if (run->watches[i].is_raw && run->watches[i].six == six &&
		    run->watches[i].protocol == protocol)
			return;
	watch(run, (struct watch){ .socket = open_socket(six ? AF_INET6 : AF_INET, SOCK_RAW, (int)protocol),
				   .space = host,
				   .is_raw = true,
				   .six = six,
				   .protocol = protocol });
}

static void open_host(struct run *run, struct space *host)
{
	int one = 1;

	enter(run, host->name);
	host->send = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	host->send6 = open_socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	setsockopt(host->send, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	for (unsigned six = 0; six < 2; six++) {
		watch_protocol(run, host, six, IPPROTO_TCP);
		watch_protocol(run, host, six, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	}
	for (unsigned i = 0; i < run->count; i++) {
		const struct packet *p = &run->sent[i].packet;

		if (strcmp(p->to, host->name) == 0)
			watch_protocol(run, host, p->ethertype == 0x86dd, p->protocol);
	}
}

/* ---- sending ---- */

static struct sent *sent_find(struct run *run, unsigned number)
{
	return number < run->count && run->sent[number].packet.number == number ? &run->sent[number] : NULL;
}

/* What a group's address is on Ethernet. */
static void goal_of(struct run *run, const struct packet *p, unsigned char to[6])
{
	unsigned char address[16];

	if (p->flooded) {
		memset(to, 0xff, 6);
		return;
	}
	memcpy(to, space_find(run, p->to)->mac, 6);
	if (strcmp(p->to, "routed") == 0)
		memcpy(to, space_find(run, "host")->mac, 6);
	if (strncmp(p->from, "vnet-", 5) == 0 && strcmp(p->to, "host") == 0)
		memcpy(to, (unsigned char[]){ 2, 0, 0, 0, 0x30, 1 }, 6);
	if (strcmp(p->from, "routed") == 0)
		memcpy(to, (unsigned char[]){ 2, 0, 0, 0, 0x20, 1 }, 6);
	if (strcmp(p->to, "host") != 0)
		return;
	if (inet_pton(AF_INET6, p->dest, address) == 1 && address[0] == 0xff) {
		memcpy(to,
		       (unsigned char[]){ 0x33, 0x33, address[12], address[13], address[14], address[15] },
		       6);
	} else if (inet_pton(AF_INET, p->dest, address) == 1) {
		if (address[0] >> 4 == 14)
			memcpy(to, (unsigned char[]){ 1, 0, 0x5e, address[1] & 0x7f, address[2], address[3] },
			       6);
		else if (address[3] == 255)
			memset(to, 0xff, 6);
	}
}

static void send_packet(struct run *run, const struct packet *p)
{
	const struct sent *about = strcmp(p->state, "related") == 0 ? sent_find(run, p->ref) : NULL;
	struct space *from = space_find(run, p->from);
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	bool six = p->ethertype == 0x86dd;
	unsigned char to[6];
	struct frame frame;
	ssize_t done;

	goal_of(run, p, to);
	frame_make(&frame, p, to, about ? &about->packet : NULL);
	if (strcmp(p->from, "host") != 0) {
		done = send(from->send, frame.bytes, frame.size, 0);
	} else {
		inet_pton(six ? AF_INET6 : AF_INET, p->dest,
			  six ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr);
		done = sendto(six ? from->send6 : from->send, frame.bytes + FRAME_HEADER,
			      frame.size - FRAME_HEADER, 0,
			      six ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
			      six ? sizeof(to6) : sizeof(to4));
	}
	/* EPERM: the host's own rules have dropped it. */
	if (done < 0 && errno != EPERM && errno != EACCES)
		fprintf(stderr, "inject: packet %u: %s\n", p->number, strerror(errno));
}

/* ---- what arrives ---- */

static struct sent *sent_by_answer(struct run *run, const struct frame_facts *facts)
{
	for (unsigned i = 0; i < run->count; i++) {
		const struct packet *p = &run->sent[i].packet;

		if (p->protocol == IPPROTO_TCP && p->sport == facts->dport && p->dport == facts->sport &&
		    strcmp(p->dest, facts->source) == 0 && strcmp(p->source, facts->dest) == 0)
			return &run->sent[i];
	}
	return NULL;
}

static void take(struct run *run, const struct watch *watch, const struct frame_facts *facts)
{
	struct sent *sent = facts->kind == FRAME_RESET ? sent_by_answer(run, facts)
						       : sent_find(run, facts->number);

	if (facts->kind == FRAME_OTHER || !sent)
		return;
	if (facts->kind == FRAME_PACKET || strcmp(sent->packet.state, "related") == 0) {
		sent->passed |= strcmp(watch->space->name, sent->packet.to) == 0;
		return;
	}
	sent->is_answered = true;
	sent->reset = facts->kind == FRAME_RESET;
	sent->type = facts->type;
	sent->code = facts->code;
}

/* The destination of an IPv6 packet, which raw sockets give beside it. */
static void read_dest(struct msghdr *message, char text[46])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct in6_pktinfo info;

		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		inet_ntop(AF_INET6, &info.ipi6_addr, text, 46);
	}
}

static bool take_one(struct run *run, const struct watch *watch)
{
	unsigned char bytes[2048], control[128];
	struct sockaddr_storage from;
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t size = recvmsg(watch->socket, &message, 0);
	struct frame_facts facts;

	if (size < 0)
		return false;
	if (!watch->is_raw) {
		if (((struct sockaddr_ll *)&from)->sll_pkttype == PACKET_OUTGOING || size < FRAME_HEADER)
			return true;
		facts = frame_read((unsigned)bytes[12] << 8 | bytes[13], bytes + FRAME_HEADER,
				   (size_t)size - FRAME_HEADER);
	} else if (watch->six) {
		facts = frame_read_payload(true, watch->protocol, bytes, (size_t)size);
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, facts.source,
			  sizeof(facts.source));
		read_dest(&message, facts.dest);
	} else {
		facts = frame_read(0x800, bytes, (size_t)size);
	}
	take(run, watch, &facts);
	return true;
}

static bool take_all(struct run *run, int patience)
{
	bool any = false;

	if (poll(run->polls, run->watch_count, patience) <= 0)
		return false;
	for (unsigned i = 0; i < run->watch_count; i++)
		if (run->polls[i].revents)
			while (take_one(run, &run->watches[i]))
				any = true;
	return any;
}

static bool is_queued(const struct packet *p)
{
	return strcmp(p->verdict, "queue") == 0;
}

static bool should_pass(const struct run *run, const struct packet *p)
{
	return strcmp(p->verdict, "pass") == 0 || (is_queued(p) && !run->queue_drops);
}

static bool is_complete(const struct run *run, const unsigned *batch, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (should_pass(run, &run->sent[batch[i]].packet) && !run->sent[batch[i]].passed)
			return false;
	return true;
}

static void send_batch(struct run *run, const unsigned *batch, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		send_packet(run, &run->sent[batch[i]].packet);
	while (take_all(run, is_complete(run, batch, count) ? QUIET_MS : PATIENCE_MS))
		;
}

static void send_phase(struct run *run, unsigned phase)
{
	unsigned batch[BATCH], count = 0;

	for (unsigned i = 0; i < run->count; i++) {
		if (run->sent[i].packet.phase != phase)
			continue;
		batch[count++] = i;
		if (count == BATCH) {
			send_batch(run, batch, count);
			count = 0;
		}
	}
	if (count)
		send_batch(run, batch, count);
}

/* ---- judging ---- */

static bool is_station(const char *text)
{
	static const char *const anycast[] = { "10.10.0.7", "fd00:10::", "fd00:20::", "fd00:30::" };
	unsigned char a[16];

	for (unsigned i = 0; i < sizeof(anycast) / sizeof(anycast[0]); i++)
		if (strcmp(text, anycast[i]) == 0)
			return false;
	if (inet_pton(AF_INET, text, a) == 1)
		return a[0] != 0 && a[0] != 127 && a[0] < 224 && a[3] != 255;
	return inet_pton(AF_INET6, text, a) == 1 && a[0] != 0xff && a[0] != 0 && a[0] != 0xfe;
}

/* An answer to a guest meets its own firewall, where it is of no known connection: connection tracking
 * forgets one whose first packet was dropped, or answered with a reset, and a reset passes two bridges. */
static bool goes_to_guest(const struct run *run, const struct packet *p)
{
	static const char *const guests[] = { "vm100", "ct101" };

	for (unsigned i = 0; i < run->space_count; i++)
		for (unsigned n = 0; n < 2; n++)
			if (strcmp(run->spaces[i].name, guests[n]) == 0 &&
			    (strcmp(p->from, guests[n]) == 0 ||
			     strcmp(p->source, run->spaces[i].address[0]) == 0 ||
			     strcmp(p->source, run->spaces[i].address[1]) == 0))
				return true;
	return false;
}

static bool can_be_answered(const struct run *run, const struct packet *p)
{
	return !p->flooded && !goes_to_guest(run, p) && is_station(p->source) && strcmp(p->dest, "::") != 0 &&
	       strcmp(p->state, "new") == 0 && !(p->protocol == IPPROTO_TCP && p->flags & 4);
}

static const char *seen_text(const struct sent *sent, char text[40])
{
	static const struct {
		bool six;
		unsigned type, code;
		const char *name;
	} errors[] = {
		{ false, 3, 3, "port" },        { false, 3, 10, "host" }, { false, 3, 13, "admin" },
		{ false, 3, 1, "unreachable" }, { true, 1, 4, "port" },   { true, 1, 1, "admin" },
		{ true, 1, 3, "unreachable" },
	};

	if (sent->passed)
		return "pass";
	if (!sent->is_answered)
		return "drop";
	if (sent->reset)
		return "reset";
	snprintf(text, 40, "icmp-%u-%u", sent->type, sent->code);
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].six == (sent->packet.ethertype == 0x86dd) && errors[i].type == sent->type &&
		    errors[i].code == sent->code)
			return errors[i].name;
	return text;
}

static bool is_as_said(const struct run *run, const struct sent *sent, const char *seen)
{
	const struct packet *p = &sent->packet;

	if (is_queued(p) && run->queue_drops)
		return strcmp(seen, "drop") == 0;
	if (should_pass(run, p))
		return sent->passed;
	return strcmp(seen, p->verdict) == 0 || (strcmp(seen, "drop") == 0 && !can_be_answered(run, p));
}

static unsigned report(const struct run *run, bool verbose)
{
	unsigned bad = 0, unanswered = 0;

	for (unsigned i = 0; i < run->count; i++) {
		const struct sent *sent = &run->sent[i];
		char text[40];
		const char *seen = seen_text(sent, text);
		bool good = is_as_said(run, sent, seen);

		bad += !good;
		unanswered += good && strcmp(seen, sent->packet.verdict) != 0 && !sent->passed;
		if (!good || verbose) {
			printf("%s seen %s: ", good ? "ok  " : "FAIL", seen);
			packet_write(&sent->packet);
		}
	}
	printf("%u packets, %u not as the model says, %u refused without an answer that can be seen\n",
	       run->count, bad, unanswered);
	return bad;
}

int main(int argc, char **argv)
{
	static struct run run;
	struct packet packet;
	bool verbose = false;
	unsigned room = 0;
	int option;

	while ((option = getopt(argc, argv, "qv")) != -1) {
		verbose |= option == 'v';
		run.queue_drops |= option == 'q';
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: inject [-qv] PREFIX HOSTS <PACKETS\n");
		return 2;
	}
	run.prefix = argv[optind];
	read_hosts(&run, argv[optind + 1]);
	while (packet_read(stdin, &packet)) {
		if (run.count == room) {
			room = room ? 2 * room : 1024;
			run.sent = realloc(run.sent, room * sizeof(*run.sent));
			if (!run.sent)
				fail("inject");
		}
		run.sent[run.count++] = (struct sent){ .packet = packet };
	}
	for (unsigned i = 0; i < run.space_count; i++)
		if (strcmp(run.spaces[i].name, "host") == 0)
			open_host(&run, &run.spaces[i]);
		else
			open_frames(&run, &run.spaces[i]);
	send_phase(&run, 1);
	send_phase(&run, 2);
	return report(&run, verbose) ? 1 : 0;
}
