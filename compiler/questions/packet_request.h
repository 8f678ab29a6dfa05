/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets a command asks about: the words of its command line, and the matches that they stand for.
 *
 * Addresses may be written as in rules (prefixes, ranges, aliases, +sets, lists), ports also as names of
 * services. Names are those of cluster.fw, and of the guest that the packet goes to or comes from.
 */
#ifndef PVEFW_PACKET_REQUEST_H
#define PVEFW_PACKET_REQUEST_H

#include "questions/asked.h"

/* The words; NULL: not given. */
struct packet_words {
	const char *from, *to, *protocol, *source, *dest, *sport, *dport, *icmp_type, *state, *mac,
		*interface;
	bool over_limit;
};

/* What is asked of one field by the command line: any value if it was not given. */
struct requested_field {
	const char *given; /* as written; NULL: not given */
	bool known;        /* false: any value */
	struct interval_set values;
};

enum { PACKET_MATCHES_MAX = MODEL_FIELDS + 8 };

struct packet_request {
	struct path_end from, to;
	unsigned family_mask;          /* IPV4 | IPV6: those that the words leave */
	bool arp;                      /* ARP instead of IP */
	bool flooded;                  /* to a broadcast or multicast address */
	struct interval_set not_iface; /* lo, if it is known: no zone is behind it */
	/* By field; both families' addresses. */
	struct requested_field fields[MODEL_FIELDS];
};

/*
 * Reads the words.  `is_one`: they say one packet, whose defaults are stock's: from outside to the host, TCP,
 * a new connection; else what is not given is any, but ports are TCP's.  Returns NULL, or what is wrong; from
 * the asked configuration's arena.
 */
const char *packet_request_read(struct packet_request *request, struct asked *asked,
				const struct packet_words *words, bool is_one);

/* Whether the words ask different things of IPv4 and IPv6, so that each family is a question of its own. */
bool packet_request_is_of_families(const struct packet_request *request);
/* Writes the matches of one family (IPV4 or IPV6), or of both if that makes no difference; returns their
 * number. */
uint32_t packet_request_matches(const struct packet_request *request, unsigned family,
				struct model_match matches[PACKET_MATCHES_MAX]);

/*
 * Writes matches that one packet of the family has if it may, the most important first: a guest's own
 * addresses, unicast, SYN.  Returns their number.
 */
uint32_t packet_request_preferred(struct asked *asked, const struct packet_request *request, unsigned family,
				  struct model_match matches[PACKET_MATCHES_MAX]);

/* The address that a packet from or to this end has unless another one is asked for; false: none is known. */
bool packet_end_address(const struct config *config, const struct path_end *end, unsigned family,
			struct prefix *address);

/* "new", "established", ... */
const char *model_state_text(enum model_state state);

#endif
