/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question about packet programs, answered exactly.
 *
 * 1. model_new(); model_add() for each program, model_add_match() for what else will be asked: the sets of
 * values that rules compare each field with are collected.
 * 2. model_seal(): each field is cut into classes, values that none of these sets tells apart, and a packet
 * becomes a few class numbers.  Now sets of packets can be computed; they are nodes of a decision diagram,
 * and equal sets are equal numbers.
 * 3. model_walk() and the rest.
 *
 * Every model has a budget of steps and memory.  When it is exceeded, all results are void and model_over()
 * says where: never use a result without asking it.  A model belongs to one thread; there are no globals.
 */
#ifndef PVEFW_MODEL_H
#define PVEFW_MODEL_H

#include "model/program.h"

struct model;
typedef uint32_t packets; /* a set of packets of one model */

enum { PACKETS_NONE = 0 };

struct model_budget {
	uint64_t steps; /* of the decision diagram; 0: MODEL_STEPS */
	size_t bytes;   /* 0: MODEL_BYTES */
};

#define MODEL_STEPS 20000000u
#define MODEL_BYTES ((size_t)256 << 20)

/* `ifaces` names the values of MODEL_IFACE, or is NULL.  It must outlive the model, and so must programs. */
struct model *model_new(const struct model_ifaces *ifaces, struct model_budget budget);
void model_free(struct model *m);
/* Makes it a new one with the same budget, cheaper than model_free() and model_new(). */
void model_reuse(struct model *m, const struct model_ifaces *ifaces);

void model_add(struct model *m, const struct model_program *program);
void model_add_match(struct model *m, const struct model_match *match);
void model_seal(struct model *m);

/* Makes all sets of packets void, and the budget unused. */
void model_restart(struct model *m);

/*
 * Asks a question in as few parts as the budget allows: first of all packets; of parts of them by protocol
 * and destination port if that exceeds it, and so on, up to MODEL_PARTS_STEPS budgets together.  `ask` must
 * throw away what it has found out about `part` if model_over() is true at its end; sets are void afterwards.
 * Returns false, and model_over() is true, if a part remains that exceeds the budget.
 */
enum { MODEL_PARTS_STEPS = 16 };
bool model_ask(struct model *m, void (*ask)(void *context, struct model *m, packets part), void *context);

/* Whether the budget was exceeded; then *chain is the largest of the chains that were walked (if it is not NULL). */
bool model_over(const struct model *m, struct text *chain);
/* Whether it is so since a rule has a form that the model does not know (MODEL_UNKNOWN). */
bool model_is_unknown(const struct model *m);
uint64_t model_steps(const struct model *m);
size_t model_bytes(const struct model *m);

/* All packets that exist: addresses and their types fit, and so on (spec: a multicast address is of type
 * multicast). */
packets model_world(struct model *m);
/* Those that a person would think of: unicast, new, TCP with SYN, from a port other than 0, no ICMP of the
 * other version, not over a limit; within model_world(). */
packets model_ordinary(struct model *m);
/* Those that match, in the world.  The match's set of values must have been added. */
packets model_match(struct model *m, const struct model_match *match);
packets model_and(struct model *m, packets a, packets b);
packets model_or(struct model *m, packets a, packets b);
packets model_minus(struct model *m, packets a, packets b);
packets model_xor(struct model *m, packets a, packets b);

/* ---- walking ---- */

/* One packet, with a value for each field. */
struct model_packet {
	struct number value[MODEL_FIELDS];
};

enum model_verdict {
	MODEL_PASSED, /* all stages */
	MODEL_DROPPED,
	MODEL_REJECTED, /* the kinds follow each other in the order of enum model_reject */
	MODEL_QUEUED = MODEL_REJECTED + MODEL_REJECTS,
	MODEL_VERDICTS
};

/* "ACCEPT", "DROP", "REJECT with a TCP reset", ... */
const char *model_verdict_text(enum model_verdict verdict);

/* Packets of one verdict; of QUEUED those of the same queues. */
struct model_outcome {
	enum model_verdict verdict;
	uint16_t queue, queue_last;
	packets set;
};

/* A jump on the way to a step, the innermost first. */
struct model_trail {
	const struct model_chain *chain;
	const struct model_step *step;   /* of this chain: it jumps to the chain before, or it decides */
	const struct model_trail *outer; /* NULL: chain is the stage's */
};

/* What was decided: `hit` are packets that `trail` gives `verdict` in stage `stage`.  Also called for
 * MODEL_LOG steps, with `logs` set, and for the end of a stage's chain, with trail->step NULL.  All trails
 * are void when the callback returns.  `marked` is why the packets came to the step, or NULL: the last step
 * that set a mark (an accept of a group sets one, and another step accepts what has it), or a step of a line
 * that returned from a chain (which is how a rule for what a guest sends accepts). */
struct model_event {
	unsigned stage;
	bool logs;
	enum model_verdict verdict;
	uint16_t queue; /* of QUEUED */
	const struct model_trail *trail;
	const struct model_trail *marked;
	packets hit;
};

struct model_walk {
	packets live;        /* who walks */
	struct span without; /* steps of this line are left out; SPAN_NONE: none */
	void (*decided)(void *context,
			const struct model_event *event); /* or NULL: faster, chains are walked once */
	void *context;
};

struct model_result {
	struct model_outcome outcomes[16]; /* disjoint; together they are `live` */
	uint32_t count;
};

/*
 * What the program does to packets.  A REJECT of packets to a broadcast or multicast address is a DROP, since
 * the kernel does not answer them.
 */
struct model_result model_walk(struct model *m, const struct model_program *program,
			       const struct model_walk *walk);
/*
 * What the program does to one packet: as model_walk() of a set that has this packet alone, without a model, in one
 * pass over the rules.  `walk->live` is not used; sets of events and of *outcome only say that they are not empty.
 * Trails are from `arena`.  False: chains call themselves, or it
 * comes to a step of an unknown meaning.
 */
bool model_follow(struct arena *arena, const struct model_program *program, const struct model_packet *packet,
		  const struct model_walk *walk, struct model_outcome *outcome);
/* All packets of the verdict, of all queues. */
packets model_result_of(struct model *m, const struct model_result *result, enum model_verdict verdict);
/* All packets about which the two differ. */
packets model_result_xor(struct model *m, const struct model_result *a, const struct model_result *b);

/* ---- changes ---- */

/* What a program means, whatever its chains and lines are called: programs of equal digests do the same. */
struct model_digest {
	uint64_t high, low;
};

/* Keeps digests of chains that are not of one path; they must outlive it.  Digests of two of these cannot be
 * compared: each has a secret.  Belongs to one thread. */
struct model_digests;

struct model_digests *model_digests_new(void);
void model_digests_free(struct model_digests *digests);
/* Chains may be freed now.  Digests from before can still be compared. */
void model_digests_forget(struct model_digests *digests);
struct model_digest model_program_hash(struct model_digests *digests, const struct model_program *program);
bool model_digest_equal(struct model_digest a, struct model_digest b);

/*
 * Packets that may fare differently: those that match a step which only one of the programs has.  All others
 * meet the same steps.  Few packets, if little has changed, so that model_walk() of them is fast.  The
 * programs must have been added.
 */
packets model_changed(struct model *m, struct model_digests *digests, const struct model_program *before,
		      const struct model_program *after);

/* ---- showing ---- */

/* A packet of the set, as ordinary as possible; false if it is empty. */
bool model_pick(struct model *m, packets set, struct model_packet *packet);
/* Whether the packet is in the set. */
bool model_has(struct model *m, packets set, const struct model_packet *packet);
/* All packets of the world that agree with this one in the classes of all fields, except those of `open`, a
 * set of bits 1 << field.  With 0: packets that rules cannot tell from this one. */
packets model_like(struct model *m, const struct model_packet *packet, uint32_t open);
/* "tcp 10.2.3.4:40000 -> 192.168.20.11:5432", and what of it is not ordinary: ", state invalid".  From
 * `arena`. */
const char *model_packet_text(struct arena *arena, const struct model *m, const struct model_packet *packet);

/*
 * A part of a set that is a product of one set of values a field.  A side is of the packets that have the
 * field: IPv6 packets of a row may have any address if IPv4 sources are asked only.  It may name values that
 * no packet of the row has, if that makes it shorter.
 */
struct model_row {
	struct interval_set side[MODEL_FIELDS]; /* count 0: every value */
	packets set;
};

/* The largest row around one packet of the set; the caller goes on with what is left.  If all packets of the
 * set are ordinary, `side` leaves out what is true of all that are.  False if the set is empty. */
bool model_row(struct model *m, struct arena *arena, packets set, struct model_row *row);
/* All values of one field that packets of the set have. */
struct interval_set model_values(struct model *m, struct arena *arena, packets set, enum model_field field);
/* "10.0.0.0/8 -> 192.0.2.1, tcp 5432"; what is not asked is left out.  From `arena`. */
const char *model_row_text(struct arena *arena, const struct model *m, const struct model_row *row);
/* The values of a field as a list, "22,8000-8010"; at most `most` of them, then ", ...".  From `arena`. */
const char *model_values_text(struct arena *arena, const struct model *m, enum model_field field,
			      const struct interval_set *values, unsigned most);
/* The same, but "not 22" for all other ones, if that is shorter. */
const char *model_values_short_text(struct arena *arena, const struct model *m, enum model_field field,
				    const struct interval_set *values, unsigned most);

#endif
