/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live tracing of packets by nf_tables.
 *
 * trace_tables_load() makes the tables `inet pvefw-trace` and `bridge pvefw-trace`, which select packets.  The socket
 * owns them: the kernel removes them when it is closed, also when the process is killed.  For each rule that a selected
 * packet meets, in whatever table, the kernel sends an event to a multicast group.
 */
#ifndef PVEFW_NFT_TRACE_H
#define PVEFW_NFT_TRACE_H

#include "model/program.h"
#include "nft/load/kernel.h"

struct nlmsghdr;
struct nftnl_trace;

/* ---- trace_table.c ---- */

#define TRACE_TABLE_NAME "pvefw-trace"

/* What is traced: packets that match one of `sides`. */
struct trace_filter {
	struct trace_side {
		unsigned family_mask;             /* IPV4 or IPV6; 0: frames of every kind */
		const struct model_match *matches; /* of fields that a packet's bytes show; others are left out */
		uint32_t count;
	} sides[2];
	unsigned side_count;
	struct text iface;       /* received on it, or sent by it; a name, or one that ends in '+'; len 0: any */
	/* Of a guest, or NULL: its port and its address, either of which makes a packet its own; the address it is sent to.
	 * Frames keep the addresses on their way over bridges. */
	struct text from_port;
	const uint8_t *from_mac, *to_mac;
	bool to_host;            /* to an address of this machine */
	bool incoming, outgoing; /* what this machine receives, and what it sends itself */
	uint32_t rate;           /* packets per second; of each of both tables */
	bool connections;                /* the node tracks connections already, so their state may be asked for */
	bool bridge_connections;         /* also in the bridge */
};

/* Makes the tables; *error is from `arena`, or NULL.  False: the kernel has refused them, and nothing is traced.  Without
 * what a kernel lacks for bridges (conntrack, then all), the rest is made, and *bridged says whether bridges are traced. */
bool trace_tables_load(struct nft_kernel *kernel, struct arena *arena, const struct trace_filter *filter, bool *bridged,
		       const char **error);
/* Removes them now. */
void trace_tables_unload(struct nft_kernel *kernel);

/* What rules of our own chains find out about a packet: the rule of a chain `facts` by its place. */
enum trace_fact_kind { TRACE_FACT_STATE, TRACE_FACT_SOURCE_TYPE, TRACE_FACT_DEST_TYPE, TRACE_FACT_PROTOCOL };

struct trace_fact {
	enum trace_fact_kind kind;
	uint32_t value; /* enum model_state, enum model_type, or a protocol */
};

/* Whether a rule of our table is a fact: rule `position` of `chain`. */
bool trace_fact_at(struct text chain, uint32_t position, struct trace_fact *fact);

/* ---- trace_event.c ---- */

enum trace_event_kind { TRACE_RULE, TRACE_RETURN, TRACE_POLICY };

/* Bytes of a header, pointing into the message; len 0: not told. */
struct trace_header {
	const uint8_t *bytes;
	uint32_t len;
};

/* One event.  Only the first one of a packet in a base chain has headers and interfaces. */
struct trace_event {
	uint32_t id;     /* of the packet, as long as it is in one machine's one network interface */
	uint8_t family;  /* NFPROTO_ of the table */
	enum trace_event_kind kind;
	struct text table, chain, target; /* target: of JUMP and GOTO */
	uint64_t rule;    /* handle; of TRACE_RULE */
	int32_t verdict;  /* NF_ACCEPT and so on, NFT_CONTINUE and so on */
	bool has_headers;
	uint32_t in, out; /* indexes of interfaces; 0: none */
	uint32_t mark;
	struct trace_header link, network, transport;
	struct nftnl_trace *parsed; /* owns the texts and headers */
};

/* Parses a message of the group; false: it is not an event, or one that makes no sense. */
bool trace_event_read(struct trace_event *event, const struct nlmsghdr *message);
void trace_event_free(struct trace_event *event);
/* Whether a message ends a transaction: rules may have changed. */
bool trace_is_generation(const struct nlmsghdr *message);

/* Opens a socket that hears events and new generations; NULL with errno set. */
struct mnl_socket *trace_listen(void);

/* ---- loaded_rules.c ---- */

/* A rule that is loaded, in whatever table. */
struct loaded_rule {
	uint64_t handle;
	uint32_t position; /* in its chain, from 0 */
	struct text comment;
	struct text log_prefix; /* len 0: it does not log */
	bool rejects, sets_mark;
	enum model_reject reject4, reject6; /* how it rejects packets of IPv4 and of IPv6 */
};

struct loaded_chain {
	uint8_t family;
	struct text table, name;
	bool exists;
	enum nft_hook hook; /* NFT_HOOK_NONE: not a base chain */
	struct loaded_rule *rules;
	uint32_t count, room;
	struct loaded_chain *next;
};

/* The chains that packets have met.  Each is read when it is asked for first. */
struct loaded_rules {
	struct nft_kernel kernel;
	struct arena arena;
	struct loaded_chain *first;
};

/* 0, or an errno. */
int loaded_rules_open(struct loaded_rules *rules);
void loaded_rules_close(struct loaded_rules *rules);
/* After a new generation: everything is read again. */
void loaded_rules_forget(struct loaded_rules *rules);
/* Never NULL; one that is gone, or cannot be read, does not exist. */
const struct loaded_chain *loaded_chain_find(struct loaded_rules *rules, uint8_t family, struct text table, struct text name);
const struct loaded_rule *loaded_rule_find(const struct loaded_chain *chain, uint64_t handle);

#endif
