/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * draw [-dr] TREE TARGET SEED COUNT: random packets for tests/topology, and what the model says of each
 * (packet.h).
 *
 * A packet is drawn so that it meets a rule: the values that a random step of the path's program asks for,
 * often those at the ends of ranges, and what it does not ask at random; then some are moved off it again.
 * Packets that the topology cannot send, or whose state in connection tracking is not certain, are drawn
 * again.  -d: guests are plugged straight into their bridge.  -r: only packets of the host that meet no
 * bridge's rules.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <uthash.h>

#include "api/backend.h"
#include "inputs/inputs.h"
#include "model/packet_model.h"
#include "packet.h"
#include "resolve/compile.h"

/* ---- the topology ---- */

static const struct way {
	const char *from, *to, *from_space, *to_space;
	bool flooded;
	const char *iface; /* of the host */
} ways[] = {
	{ "outside", "host", "outside", "host", false, "vmbr0" },
	{ "outside", "host", "routed", "host", false, "rt0" },
	{ "host", "outside", "host", "outside", false, "vmbr0" },
	{ "host", "outside", "host", "routed", false, "rt0" },
	{ "outside", "outside", "outside", "routed", false, "vmbr0" },
	/* Those before this one are the ways without a bridge. */
	{ "outside", "vm100", "outside", "vm100", false, NULL },
	{ "outside", "ct101", "outside", "ct101", false, NULL },
	{ "vm100", "outside", "vm100", "outside", false, NULL },
	{ "ct101", "outside", "ct101", "outside", false, NULL },
	{ "vm100", "ct101", "vm100", "ct101", false, NULL },
	{ "ct101", "vm100", "ct101", "vm100", false, NULL },
	{ "vm100", "host", "vm100", "host", false, "vmbr0" },
	{ "ct101", "host", "ct101", "host", false, "vmbr0" },
	{ "host", "vm100", "host", "vm100", false, "vmbr0" },
	{ "host", "ct101", "host", "ct101", false, "vmbr0" },
	{ "nfvm", "vm100", "vm102", "vm100", false, NULL },
	{ "vm100", "nfvm", "vm100", "vm102", false, NULL },
	{ "nfvm", "host", "vm102", "host", false, "vmbr0" },
	{ "outside", "vm100", "outside", "vm100", true, NULL },
	{ "vm100", "outside", "vm100", "outside", true, NULL },
	{ "vnet0/va0", "vnet0/vb0", "vnet-a", "vnet-b", false, NULL },
	{ "vnet0/vb0", "vnet0/va0", "vnet-b", "vnet-a", false, NULL },
	{ "vnet vnet0", "host", "vnet-a", "host", false, "vnet0" },
	{ "host", "vnet vnet0", "host", "vnet-b", false, "vnet0" },
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), WAYS_OF_HOST = 5 };

enum { HOST_ADDRESSES = 3 };

static const char *const host_addresses[2][HOST_ADDRESSES] = { { "10.10.0.1", "10.20.0.1", "10.30.0.1" },
							       { "fd00:10::1", "fd00:20::1", "fd00:30::1" } };

static const struct space {
	const char *name, *address[2];
	uint8_t mac[6];
} spaces[] = {
	{ "host", { "10.10.0.1", "fd00:10::1" }, { 2, 0, 0, 0, 0, 1 } },
	{ "outside", { "10.10.0.254", "fd00:10::254" }, { 2, 0, 0, 0, 2, 0x54 } },
	{ "routed", { "10.20.0.2", "fd00:20::2" }, { 2, 0, 0, 0, 0x20, 2 } },
	{ "vm100", { "10.10.0.100", "fd00:10::100" }, { 2, 0, 0, 0, 1, 0 } },
	{ "ct101", { "10.10.0.101", "fd00:10::101" }, { 2, 0, 0, 0, 1, 1 } },
	{ "vm102", { "10.10.0.102", "fd00:10::102" }, { 2, 0, 0, 0, 1, 2 } },
	{ "vnet-a", { "10.30.0.2", "fd00:30::2" }, { 2, 0, 0, 0, 0x30, 2 } },
	{ "vnet-b", { "10.30.0.3", "fd00:30::3" }, { 2, 0, 0, 0, 0x30, 3 } },
};

static const struct space *space_find(const char *name)
{
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (strcmp(spaces[i].name, name) == 0)
			return &spaces[i];
	abort();
}

/* ---- chance ---- */

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

static bool often(unsigned percent)
{
	return chance(100) < percent;
}

static struct number chance_of_range(const struct interval *range)
{
	struct number n = range->first;
	uint64_t width = range->last.high != range->first.high ? UINT64_MAX
							       : range->last.low - range->first.low;

	switch (chance(3)) {
	case 0:
		return range->first;
	case 1:
		return range->last;
	default:
		n.low += width == UINT64_MAX ? chance(UINT64_MAX) : chance(width + 1);
		if (range->first.high != range->last.high && n.low < range->first.low)
			n.low = UINT64_MAX;
		return n;
	}
}

/* ---- steps of a program ---- */

struct drawn_step {
	const struct model_step *step;
	unsigned family; /* 4, 6; 0: none */
};

struct way_steps {
	struct drawn_step items[20000];
	uint32_t count;
};

static unsigned family_of_step(const struct model_step *step, unsigned family)
{
	for (uint32_t i = 0; i < step->match_count; i++)
		if (step->matches[i].field == MODEL_ETHERTYPE && !step->matches[i].negated &&
		    step->matches[i].values.count == 1) {
			uint64_t type = step->matches[i].values.ranges[0].first.low;

			family = type == 0x800 ? 4 : type == 0x86dd ? 6 : 0;
		}
	return family;
}

static void collect_steps(struct way_steps *steps, const struct model_chain *chain, unsigned family,
			  unsigned depth)
{
	for (uint32_t i = 0; i < chain->count && depth < 12; i++) {
		const struct model_step *step = &chain->steps[i];
		unsigned inner = family_of_step(step, family);

		if (steps->count < sizeof(steps->items) / sizeof(steps->items[0]))
			steps->items[steps->count++] = (struct drawn_step){ step, inner };
		if (step->effect == MODEL_JUMP || step->effect == MODEL_GOTO)
			collect_steps(steps, step->to, inner, depth + 1);
	}
}

/* ---- addresses ---- */

static struct number address_number(const char *text)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return number_of_address(bytes, 4);
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return number_of_address(bytes, 16);
	abort();
}

static void address_text(struct number n, bool six, char text[46])
{
	uint8_t bytes[16];

	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(n.high >> (56 - 8 * i));
		bytes[8 + i] = (uint8_t)(n.low >> (56 - 8 * i));
	}
	inet_ntop(six ? AF_INET6 : AF_INET, six ? bytes : bytes + 12, text, 46);
}

static bool number_is(struct number n, const char *address)
{
	return number_compare(n, address_number(address)) == 0;
}

static bool is_host_address(struct number n, bool six)
{
	for (unsigned i = 0; i < HOST_ADDRESSES; i++)
		if (number_is(n, host_addresses[six][i]))
			return true;
	return false;
}

/* As the host's routing table has it: see wire.sh. */
static enum model_type type_of_address(struct number n, bool six)
{
	if (six)
		return n.high >> 56 == 0xff       ? MODEL_TYPE_MULTICAST
		       : is_host_address(n, true) ? MODEL_TYPE_LOCAL
						  : MODEL_TYPE_UNICAST;
	if (n.low == 0 || n.low == UINT32_MAX || number_is(n, "10.10.0.255") || number_is(n, "10.20.0.255") || number_is(n, "10.30.0.255") ||
	    number_is(n, "127.255.255.255"))
		return MODEL_TYPE_BROADCAST;
	if (n.low >> 28 == 14)
		return MODEL_TYPE_MULTICAST;
	if (number_is(n, "10.10.0.7"))
		return MODEL_TYPE_ANYCAST;
	return is_host_address(n, false) || n.low >> 24 == 127 ? MODEL_TYPE_LOCAL : MODEL_TYPE_UNICAST;
}

/* Whether the host takes a packet with this source, and routes one to this address. */
static bool is_routable(struct number n, bool six)
{
	if (type_of_address(n, six) != MODEL_TYPE_UNICAST)
		return false;
	/* Anycast addresses of all routers of a network. */
	if (six && n.low == 0 &&
	    (n.high == 0xfd00001000000000 || n.high == 0xfd00002000000000 || n.high == 0xfd00003000000000))
		return false;
	/* Unspecified, loopback, mapped and link-local addresses; classes D and E. */
	return six ? n.high != 0 && n.high >> 54 != 0xfe80 >> 6 : n.low >> 24 != 0 && n.low < 0xe0000000;
}

/* Whether the host sends packets with this destination to the space. */
static bool is_route_to(struct number n, bool six, const struct space *to)
{
	bool is_behind_rt0 = six ? n.high >> 32 == 0xfd000020 : n.low >> 16 == 0x0a14;

	if (!is_routable(n, six))
		return false;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (number_is(n, spaces[i].address[six]))
			return &spaces[i] == to;
	return strcmp(to->name, is_behind_rt0 ? "routed" : "outside") == 0;
}

/* ---- a packet ---- */

struct drawing {
	const struct way *way;
	const struct space *from, *to;
	bool is_bridged; /* may have any addresses, and be no IP */
	bool six;
	struct number *value; /* of struct model_packet */
	bool set[MODEL_FIELDS];
};

static void draw_value(struct drawing *d, enum model_field field, uint64_t n)
{
	d->value[field] = number_small(n);
	d->set[field] = true;
}

/* Values that the step asks for. */
static void draw_step(struct drawing *d, const struct model_step *step)
{
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *match = &step->matches[i];

		if (!match->values.count)
			continue;
		if (match->negated && often(80))
			continue;
		d->value[match->field] = chance_of_range(&match->values.ranges[chance(match->values.count)]);
		d->set[match->field] = true;
	}
}

static struct number chance_address(const struct drawing *d, bool source)
{
	static const char *const some[2][8] = {
		{ "10.10.0.254", "10.10.0.100", "10.20.0.9", "192.0.2.7", "203.0.113.9", "172.16.5.5",
		  "198.51.100.70", "8.8.8.8" },
		{ "fd00:10::254", "fd00:10::100", "fd00:20::9", "2001:db8:5::7", "2001:db8:5::19", "fd12::1",
		  "2a00::1", "4000::1" },
	};
	static const char *const odd[2][6] = {
		{ "0.0.0.0", "255.255.255.255", "10.10.0.255", "224.0.0.251", "10.10.0.7", "10.10.0.1" },
		{ "ff02::1", "ff05::2", "::", "fe80::1", "fd00:10::1", "ff0e::7" },
	};
	const struct space *own = source ? d->from : d->to;

	if (often(40))
		return address_number(own->address[d->six]);
	if (d->is_bridged && often(15))
		return address_number(odd[d->six][chance(6)]);
	return address_number(some[d->six][chance(8)]);
}

static void draw_protocol(struct drawing *d)
{
	static const uint8_t some[] = { 6, 6, 6, 17, 17, 1, 1, 2, 47, 50, 89, 112, 132, 136, 253 };

	if (!d->set[MODEL_PROTOCOL]) {
		if (d->set[MODEL_ICMP_TYPE])
			draw_value(d, MODEL_PROTOCOL, 1);
		else
			draw_value(d, MODEL_PROTOCOL, some[chance(sizeof(some))]);
	}
	if (d->six && d->value[MODEL_PROTOCOL].low == 1)
		draw_value(d, MODEL_PROTOCOL, 58);
}

static void draw_rest(struct drawing *d)
{
	static const uint16_t ports[] = { 22,   80,   443,   53,  67,  68,   546,   547,
					  1024, 8006, 40000, 137, 445, 1900, 65535, 43 };
	static const uint8_t types4[] = { 8, 8, 0, 3, 11, 13, 12, 5, 40 },
			     types6[] = { 128, 128, 129, 1, 2, 3, 133, 134, 135, 136, 4 };
	enum model_field source = d->six ? MODEL_SOURCE6 : MODEL_SOURCE4,
			 dest = d->six ? MODEL_DEST6 : MODEL_DEST4;

	draw_protocol(d);
	if (!d->set[source])
		d->value[source] = chance_address(d, true);
	if (!d->set[dest])
		d->value[dest] = chance_address(d, false);
	if (!d->set[MODEL_SPORT])
		d->value[MODEL_SPORT] = number_small(often(80) ? 20000 + chance(40000) : ports[chance(16)]);
	if (!d->set[MODEL_DPORT])
		d->value[MODEL_DPORT] = number_small(often(30) ? chance(65536) : ports[chance(16)]);
	if (!d->set[MODEL_ICMP_TYPE])
		d->value[MODEL_ICMP_TYPE] = number_small(d->six ? types6[chance(sizeof(types6))]
								: types4[chance(sizeof(types4))]);
	if (!d->set[MODEL_ICMP_CODE])
		d->value[MODEL_ICMP_CODE] = number_small(often(60) ? 0 : chance(8));
	if (!d->set[MODEL_TCP_FLAGS])
		d->value[MODEL_TCP_FLAGS] = number_small(often(75) ? 2 : chance(64));
	if (!d->set[MODEL_SOURCE_MAC] || d->value[MODEL_SOURCE_MAC].low >> 40 & 1 || often(60)) {
		uint64_t mac = 0;

		for (unsigned i = 0; i < 6; i++)
			mac = mac << 8 | d->from->mac[i];
		d->value[MODEL_SOURCE_MAC] = number_small(often(90) ? mac : 0x020000009900 + chance(256));
	}
}

/* One value is moved to the next one, or off by far. */
static void draw_off(struct drawing *d)
{
	static const enum model_field fields[] = {
		MODEL_DPORT, MODEL_SPORT, MODEL_SOURCE4,   MODEL_SOURCE6,
		MODEL_DEST4, MODEL_DEST6, MODEL_ICMP_TYPE, MODEL_TCP_FLAGS
	};
	static const uint64_t most[] = {
		65535, 65535, UINT32_MAX, UINT64_MAX, UINT32_MAX, UINT64_MAX, 255, 63
	};
	unsigned i = (unsigned)chance(8);
	struct number *n = &d->value[fields[i]];

	n->low += often(50) ? 1 : (uint64_t)-1;
	n->low &= most[i];
}

/* What connection tracking makes of the first packet of its kind; MODEL_STATES: it is not certain. */
static enum model_state state_of_packet(const struct drawing *d)
{
	uint64_t protocol = d->value[MODEL_PROTOCOL].low, type = d->value[MODEL_ICMP_TYPE].low;
	uint64_t flags = d->value[MODEL_TCP_FLAGS].low & 0x37; /* without PSH, ECE and CWR */

	switch (protocol) {
	case IPPROTO_TCP:
		/* SYN, SYN URG, and, of connections picked up, ACK, ACK URG */
		return flags == 2 || flags == 0x22 || flags == 0x10 || flags == 0x30 ? MODEL_STATE_NEW
										     : MODEL_STATE_INVALID;
	case IPPROTO_ICMP:
		if (d->six)
			return MODEL_STATES;
		return type == 8 || type == 13 || type == 15 || type == 17 ? MODEL_STATE_NEW
									   : MODEL_STATE_INVALID;
	case IPPROTO_ICMPV6:
		if (!d->six)
			return MODEL_STATE_NEW;
		if (type == 128 || type == 139)
			return MODEL_STATE_NEW;
		return (type >= 130 && type <= 136) || type == 143 ? MODEL_STATE_UNTRACKED
								   : MODEL_STATE_INVALID;
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		return MODEL_STATES; /* depends on the kernel */
	default:
		return MODEL_STATE_NEW;
	}
}

static bool is_extension(uint64_t protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 || protocol == 59 ||
	       protocol == 60;
}

/* Puts in what the way demands; false: cannot be sent. */
static bool draw_for_way(struct drawing *d)
{
	struct number *source = &d->value[d->six ? MODEL_SOURCE6 : MODEL_SOURCE4];
	struct number *dest = &d->value[d->six ? MODEL_DEST6 : MODEL_DEST4];
	bool from_host = strcmp(d->way->from, "host") == 0, to_host = strcmp(d->way->to, "host") == 0;
	uint64_t protocol = d->value[MODEL_PROTOCOL].low;
	enum model_type type = type_of_address(*dest, d->six);

	if ((d->six && is_extension(protocol)) || protocol == 255)
		return false;
	/*
	 * The kernel answers a packet for a group that comes in a frame for one station, which nobody sends.
	 * The host takes and answers a packet for itself in a frame for all.
	 */
	if (d->is_bridged && d->way->flooded && type == MODEL_TYPE_LOCAL)
		return false;
	/* iptables resets TCP to a multicast address on a bridge; the model says that groups get no answer. */
	if (d->is_bridged && d->way->flooded)
		return d->six ? dest->low != 0 : protocol != IPPROTO_TCP || type != MODEL_TYPE_MULTICAST;
	if (d->is_bridged)
		return type != MODEL_TYPE_BROADCAST && type != MODEL_TYPE_MULTICAST;
	if (protocol == 0)
		return false;
	if (from_host)
		*source = address_number(host_addresses[d->six][chance(HOST_ADDRESSES)]);
	if (to_host) {
		static const char *const groups[2][2] = { { "10.20.0.255", "224.0.0.1" },
							  { "ff02::1", "ff02::1" } };
		/* What is sent to a group on a bridge is delivered to the host by the firewall bridges as
		 * well. */
		bool is_bridge = strcmp(d->way->iface, "vmbr0") == 0;

		*dest = address_number(!is_bridge && often(10) ? groups[d->six][chance(2)]
							       : host_addresses[d->six][chance(HOST_ADDRESSES)]);
	} else if (d->to->name[0] == 'v' || d->to->name[0] == 'c') {
		*dest = address_number(d->to->address[d->six]);
	}
	if (!to_host && !is_route_to(*dest, d->six, d->to))
		return false;
	return from_host || is_routable(*source, d->six);
}

/* ---- programs ---- */

struct prepared {
	struct arena arena;
	const struct model_program *program;
	struct model *model;
	struct model_result result;
	struct way_steps steps;
	uint64_t iface;
	bool exists;
};

static uint64_t iface_number(const struct model_ifaces *ifaces, const char *name)
{
	for (uint32_t i = 0; name && i < ifaces->count; i++)
		if (text_is(ifaces->names[i], name))
			return i + 1;
	return 0;
}

static void prepare(struct prepared *w, const struct way *way, const struct config *config,
		    struct translator *t, const struct model_ifaces *ifaces, bool direct)
{
	struct path_end ends[2];
	struct path path;
	const char *wrong = path_end_parse(config, text_of(way->from), &ends[0]);

	if (!wrong)
		wrong = path_end_parse(config, text_of(way->to), &ends[1]);
	if (wrong) {
		fprintf(stderr, "draw: %s\n", wrong);
		exit(2);
	}
	ends[0].direct = ends[1].direct = direct;
	w->exists = path_between(&w->arena, config, &ends[0], &ends[1], way->flooded, &path);
	if (!w->exists)
		return;
	w->program = translator_program(t, &w->arena, &path);
	w->model = model_new(ifaces, (struct model_budget){ 0, 0 });
	model_add(w->model, w->program);
	model_seal(w->model);
	w->result = model_walk(w->model, w->program, &(struct model_walk){ .live = model_world(w->model) });
	if (model_over(w->model, NULL)) {
		fprintf(stderr, "draw: the model is over its budget\n");
		exit(2);
	}
	w->iface = iface_number(ifaces, way->iface);
	for (uint32_t i = 0; i < w->program->count; i++)
		collect_steps(&w->steps, w->program->stages[i].chain, 0, 0);
}

static const char *verdict_of(const struct prepared *w, const struct model_packet *packet)
{
	static const char *const names[MODEL_VERDICTS] = {
		[MODEL_PASSED] = "pass",
		[MODEL_DROPPED] = "drop",
		[MODEL_REJECTED + MODEL_REJECT_RESET] = "reset",
		[MODEL_REJECTED + MODEL_REJECT_PORT_UNREACHABLE] = "port",
		[MODEL_REJECTED + MODEL_REJECT_HOST_PROHIBITED] = "host",
		[MODEL_REJECTED + MODEL_REJECT_ADMIN_PROHIBITED] = "admin",
		[MODEL_REJECTED + MODEL_REJECT_HOST_UNREACHABLE] = "unreachable",
		[MODEL_QUEUED] = "queue",
	};

	for (uint32_t i = 0; i < w->result.count; i++)
		if (model_has(w->model, w->result.outcomes[i].set, packet))
			return names[w->result.outcomes[i].verdict];
	return NULL;
}

/* ---- drawing ---- */

/* Packets of one connection must not be drawn twice: the second would not be new. */
struct known {
	char key[120];
	UT_hash_handle hh;
};

static struct known *all_known;

static bool is_new(const struct packet *p)
{
	bool ports = p->protocol == 6 || p->protocol == 17 || p->protocol == 132 || p->protocol == 136;
	struct known *known = calloc(1, sizeof(*known)), *found;
	int order = strcmp(p->source, p->dest);
	unsigned a = ports ? p->sport : 0, b = ports ? p->dport : 0;

	if ((p->ethertype != 0x800 && p->ethertype != 0x86dd) || p->protocol == 1 || p->protocol == 58) {
		free(known);
		/* Has its number as its identification; an echo to oneself is no question. */
		return p->protocol != 1 || strcmp(p->source, p->dest) != 0 || p->type != 8;
	}
	/* A packet that is its own answer is of a known connection at the second bridge. */
	if (order == 0 && a == b) {
		free(known);
		return false;
	}
	if (order > 0 || (order == 0 && a > b))
		snprintf(known->key, sizeof(known->key), "%u %s %s %u %u", p->protocol, p->dest, p->source, b,
			 a);
	else
		snprintf(known->key, sizeof(known->key), "%u %s %s %u %u", p->protocol, p->source, p->dest, a,
			 b);
	HASH_FIND_STR(all_known, known->key, found);
	if (found) {
		free(known);
		return false;
	}
	HASH_ADD_STR(all_known, key, known);
	return true;
}

static const char *const state_names[] = { "new", "established", "related", "invalid", "untracked" };

static void fill_packet(struct packet *p, const struct drawing *d, const struct way *way)
{
	uint64_t mac = d->value[MODEL_SOURCE_MAC].low;

	snprintf(p->from, sizeof(p->from), "%s", way->from_space);
	snprintf(p->to, sizeof(p->to), "%s", way->to_space);
	p->flooded = way->flooded;
	p->ethertype = (unsigned)d->value[MODEL_ETHERTYPE].low;
	p->protocol = (unsigned)d->value[MODEL_PROTOCOL].low;
	p->sport = (unsigned)d->value[MODEL_SPORT].low;
	p->dport = (unsigned)d->value[MODEL_DPORT].low;
	p->type = (unsigned)d->value[MODEL_ICMP_TYPE].low;
	p->code = (unsigned)d->value[MODEL_ICMP_CODE].low;
	p->flags = (unsigned)d->value[MODEL_TCP_FLAGS].low;
	for (unsigned i = 0; i < 6; i++)
		p->mac[i] = (uint8_t)(mac >> (40 - 8 * i));
}

/* A frame that is no IP packet. */
static void draw_frame(struct drawing *d, struct packet *p)
{
	static const uint16_t types[] = { 0x806, 0x806, 0x88cc, 0x8137, 0x9000, 0x88b5 };
	struct number sender = d->set[MODEL_ARP_SENDER] ? d->value[MODEL_ARP_SENDER]
							: address_number(d->from->address[0]);
	uint64_t type = d->value[MODEL_ETHERTYPE].low;

	if (!d->set[MODEL_ETHERTYPE] || type < 0x600 || type == 0x800 || type == 0x86dd)
		type = types[chance(sizeof(types) / sizeof(types[0]))];
	d->value[MODEL_ETHERTYPE] = number_small(type);
	d->value[MODEL_ARP_SENDER] = sender;
	d->value[MODEL_STATE] = number_small(MODEL_STATE_INVALID);
	snprintf(p->source, sizeof(p->source), "-");
	snprintf(p->dest, sizeof(p->dest), "-");
	if (type == 0x806) {
		address_text(sender, false, p->source);
		snprintf(p->dest, sizeof(p->dest), "%s", d->to->address[0]);
	}
	snprintf(p->state, sizeof(p->state), "none");
}

static bool draw_one(struct prepared *w, const struct way *way, struct model_packet *packet, struct packet *p)
{
	struct drawing d = { .way = way,
			     .from = space_find(way->from_space),
			     .to = space_find(way->to_space),
			     .value = packet->value };
	const struct drawn_step *step = w->steps.count ? &w->steps.items[chance(w->steps.count)] : NULL;
	unsigned family = step ? step->family : 0;
	enum model_state state;
	const char *verdict;

	memset(packet, 0, sizeof(*packet));
	d.is_bridged = !way->iface;
	d.six = family == 6 || (family == 0 && often(30));
	if (step)
		draw_step(&d, step->step);
	d.value[MODEL_IFACE] = number_small(w->iface);
	d.value[MODEL_OVER_LIMIT] = number_small(0);
	draw_rest(&d);
	if (d.is_bridged && often(family ? 3 : 50)) {
		draw_frame(&d, p);
	} else {
		enum model_field source = d.six ? MODEL_SOURCE6 : MODEL_SOURCE4,
				 dest = d.six ? MODEL_DEST6 : MODEL_DEST4;

		d.value[MODEL_ETHERTYPE] = number_small(d.six ? 0x86dd : 0x800);
		if (often(25))
			draw_off(&d);
		if (!draw_for_way(&d))
			return false;
		state = state_of_packet(&d);
		if (state == MODEL_STATES)
			return false;
		d.value[MODEL_STATE] = number_small(state);
		d.value[MODEL_SOURCE_TYPE] = number_small(type_of_address(d.value[source], d.six));
		d.value[MODEL_DEST_TYPE] = number_small(type_of_address(d.value[dest], d.six));
		address_text(d.value[source], d.six, p->source);
		address_text(d.value[dest], d.six, p->dest);
		snprintf(p->state, sizeof(p->state), "%s", state_names[state]);
	}
	verdict = verdict_of(w, packet);
	if (!verdict)
		return false; /* no packet of the model's world */
	fill_packet(p, &d, way);
	snprintf(p->verdict, sizeof(p->verdict), "%s", verdict);
	return is_new(p);
}

/* An answer to a packet that passed, or an ICMP error about it. */
static bool draw_answer(struct prepared *prepared, const struct packet *first,
			const struct model_packet *asked, struct packet *p)
{
	bool six = first->ethertype == 0x86dd, related = often(40);
	enum model_field source = six ? MODEL_SOURCE6 : MODEL_SOURCE4, dest = six ? MODEL_DEST6 : MODEL_DEST4;
	struct model_packet packet = *asked;
	struct drawing d = { .value = packet.value };
	unsigned i = 0;
	const char *verdict;

	if (strcmp(first->verdict, "pass") != 0 || strcmp(first->state, "new") != 0 || first->flooded ||
	    asked->value[MODEL_DEST_TYPE].low > MODEL_TYPE_LOCAL ||
	    asked->value[MODEL_SOURCE_TYPE].low > MODEL_TYPE_LOCAL ||
	    !((first->protocol == 1 && first->type == 8) || (first->protocol == 58 && first->type == 128) ||
	      first->protocol == 17))
		return false;
	while (i < WAYS && (ways[i].flooded || strcmp(ways[i].from_space, first->to) != 0 ||
			    strcmp(ways[i].to_space, first->from) != 0))
		i++;
	if (i == WAYS || !prepared[i].exists)
		return false;
	if (strcmp(ways[i].from, "host") == 0 &&
	    !is_route_to(asked->value[source], six, space_find(ways[i].to_space)))
		return false;
	packet.value[source] = asked->value[dest];
	packet.value[dest] = asked->value[source];
	packet.value[MODEL_SOURCE_TYPE] = asked->value[MODEL_DEST_TYPE];
	packet.value[MODEL_DEST_TYPE] = asked->value[MODEL_SOURCE_TYPE];
	packet.value[MODEL_SPORT] = asked->value[MODEL_DPORT];
	packet.value[MODEL_DPORT] = asked->value[MODEL_SPORT];
	packet.value[MODEL_IFACE] = number_small(prepared[i].iface);
	packet.value[MODEL_STATE] = number_small(related ? MODEL_STATE_RELATED : MODEL_STATE_ESTABLISHED);
	if (related) {
		packet.value[MODEL_PROTOCOL] = number_small(six ? 58 : 1);
		packet.value[MODEL_ICMP_TYPE] = number_small(six ? 1 : 3);
		packet.value[MODEL_ICMP_CODE] = number_small(six ? 4 : chance(4));
	} else if (first->protocol != 17) {
		packet.value[MODEL_ICMP_TYPE] = number_small(six ? 129 : 0);
	}
	packet.value[MODEL_SOURCE_MAC] = number_small(0);
	for (unsigned b = 0; b < 6; b++)
		packet.value[MODEL_SOURCE_MAC].low = packet.value[MODEL_SOURCE_MAC].low << 8 |
						     space_find(first->to)->mac[b];
	verdict = verdict_of(&prepared[i], &packet);
	if (!verdict)
		return false;
	fill_packet(p, &d, &ways[i]);
	address_text(packet.value[source], six, p->source);
	address_text(packet.value[dest], six, p->dest);
	p->phase = 2;
	p->ref = first->number;
	snprintf(p->state, sizeof(p->state), "%s", related ? "related" : "established");
	snprintf(p->verdict, sizeof(p->verdict), "%s", verdict);
	return true;
}

static void draw_all(struct prepared *prepared, unsigned count)
{
	unsigned number = 0, tries = 0;

	while (number < count && tries++ < 200 * count) {
		unsigned way = (unsigned)chance(WAYS);
		struct packet p = { .number = number, .phase = 1 }, answer = { .number = number + 1 };
		struct model_packet packet;

		if (!prepared[way].exists || !draw_one(&prepared[way], &ways[way], &packet, &p))
			continue;
		packet_write(&p);
		number++;
		if (number < count && often(40) && draw_answer(prepared, &p, &packet, &answer)) {
			packet_write(&answer);
			number++;
		}
	}
	if (number < count)
		fprintf(stderr, "draw: only %u packets\n", number);
}

int main(int argc, char **argv)
{
	static struct prepared prepared[WAYS];
	struct arena arena = { 0 };
	struct source_map map;
	struct diags diags;
	struct inputs inputs;
	struct input_options options = { .root = NULL };
	const struct backend *backend;
	const struct config *config;
	struct model_ifaces ifaces;
	struct translator *t;
	bool direct = false;
	unsigned way_count = WAYS;
	int option;

	while ((option = getopt(argc, argv, "dr")) != -1) {
		direct |= option == 'd';
		if (option == 'r')
			way_count = WAYS_OF_HOST;
	}
	if (argc - optind != 4) {
		fprintf(stderr, "usage: draw [-dr] TREE TARGET SEED COUNT\n");
		return 2;
	}
	options.root = argv[optind];
	backend = backend_find(text_of(argv[optind + 1]));
	seed = strtoull(argv[optind + 2], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
	source_map_init(&map, &arena);
	diags_init(&diags, &arena, &map);
	if (!backend || !backend->meaning || !inputs_load(&inputs, &options, &diags))
		return 2;
	inputs.forwards = backend->forwards;
	config = compile(&inputs, &diags);
	if (!config)
		return 2;
	ifaces = path_ifaces(&arena, config);
	t = backend->meaning(config, &ifaces);
	for (unsigned i = 0; i < way_count; i++)
		prepare(&prepared[i], &ways[i], config, t, &ifaces, direct);
	draw_all(prepared, (unsigned)atoi(argv[optind + 3]));
	return 0;
}
