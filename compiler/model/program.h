/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet program: what a ruleset does to the packets of one path, whatever language it was written in.
 *
 * A program is a list of stages, which a packet passes one after the other: ACCEPT, and the end of a stage's
 * chain, go on to the next stage, and after the last one the packet has passed; every other verdict ends it.
 * A chain is a list of steps; a step whose matches all hold has an effect.  There are three translators: of
 * what is written (meaning/written.h), and one of each backend's lowered form (`meaning` of struct backend).
 *
 * What is constant on a path (bridge, ports, destination MAC address) is folded away by the translator.  The
 * packet's mark is a constant of the walk: it is 0 at first, MARK changes it, and a step can ask for it.
 *
 * Not in a program: logging limits, counters, conntrack marks and helpers.  A label of a connection is taken
 * to be set exactly in states ESTABLISHED and RELATED: a known connection is one that was accepted.
 */
#ifndef PVEFW_MODEL_PROGRAM_H
#define PVEFW_MODEL_PROGRAM_H

#include "net/interval_set.h"
#include "source/source.h"

enum model_field {
#define FIELD(ID, ...) MODEL_##ID,
#include "model/field.def"
	MODEL_FIELDS
};

/* Values of MODEL_STATE. */
enum model_state {
	MODEL_STATE_NEW,
	MODEL_STATE_ESTABLISHED,
	MODEL_STATE_RELATED,
	MODEL_STATE_INVALID,
	MODEL_STATE_UNTRACKED,
	MODEL_STATES
};

/* Values of MODEL_SOURCE_TYPE and MODEL_DEST_TYPE: the kernel's RTN_ numbers. */
enum model_type {
	MODEL_TYPE_UNICAST = 1,
	MODEL_TYPE_LOCAL = 2,
	MODEL_TYPE_BROADCAST = 3,
	MODEL_TYPE_ANYCAST = 4,
	MODEL_TYPE_MULTICAST = 5,
};

/* The packet's value of the field is one of these (or none of these).  Addresses of the other family never
 * match, be it negated or not: MODEL_SOURCE4 is asked of IPv4 packets only, and a translator says so with
 * MODEL_ETHERTYPE. */
struct model_match {
	enum model_field field;
	bool negated;
	struct interval_set values;
};

enum model_effect {
	MODEL_ACCEPT,
	MODEL_DROP,
	MODEL_REJECT, /* `reject` */
	MODEL_QUEUE,  /* `queue` */
	MODEL_RETURN,
	MODEL_JUMP, /* `to` */
	MODEL_GOTO, /* `to` */
	MODEL_MARK, /* `keep`, `bits`; goes on */
	MODEL_LOG,  /* `prefix`; goes on */
	/* The translator does not know a rule of this form: what comes to it is not decided. */
	MODEL_UNKNOWN,
};

/* How a packet is rejected: with TCP RST, or ICMP or ICMPv6 of that code. */
enum model_reject {
	MODEL_REJECT_RESET,
	MODEL_REJECT_PORT_UNREACHABLE,
	MODEL_REJECT_HOST_PROHIBITED,
	MODEL_REJECT_ADMIN_PROHIBITED,
	MODEL_REJECT_HOST_UNREACHABLE,
	MODEL_REJECTS
};

struct model_chain;

struct model_step {
	const struct model_match *matches; /* all must hold */
	uint32_t match_count;
	uint32_t mark_mask,
		mark_value; /* mark & mask == value must hold, or not hold; mask 0: it is not asked */
	bool mark_negated;
	bool unanswered; /* DROP of a packet that is rejected: nobody is told */
	enum model_effect effect;
	union {
		const struct model_chain *to;
		enum model_reject reject;
		struct {
			uint16_t first, last;
		} queue;
		struct {
			uint32_t keep, bits; /* mark = mark & keep | bits */
		} mark;
		struct text prefix; /* of the log line */
	};
	struct span span;    /* the line that asks for it, or SPAN_NONE */
	const char *implied; /* else why: a name of lang/implied.def or words such as "policy_in: DROP, the
				default"; or NULL */
};

struct model_chain {
	struct text name;
	const struct model_step *steps;
	uint32_t count;
	/* Its meaning depends on the path it was made for; else the same chain may be a part of many
	 * programs. */
	bool of_path;
	/* The chain whose rules it shares with others, where a target cuts long lists; or empty. */
	struct text list;
};

struct model_stage {
	const struct model_chain *chain;
	const char *name; /* for people: "fwbr101i0 forward" */
};

struct model_program {
	const struct model_stage *stages;
	uint32_t count;
};

/*
 * The names of interfaces that the rules of a configuration ask for, as numbers of MODEL_IFACE.  0 is an
 * interface that no rule names.  A pattern ("eth+") has a number of its own, for an interface that it matches
 * and no rule names.
 */
struct model_ifaces {
	const struct text *names; /* number 1 and so on; patterns end in '+' */
	uint32_t count;
};

/* All numbers that `name`, a name or a pattern, matches.  `name` must be one of the names. */
struct interval_set model_iface_values(struct arena *arena, const struct model_ifaces *ifaces,
				       struct text name);

#endif
