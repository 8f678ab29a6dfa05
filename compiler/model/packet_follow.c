/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program does to one packet: an interpreter, which needs neither classes nor a diagram.  It tells the
 * same as packet_walk.c would of a set with this packet alone.
 */
#include "model/packet_model.h"

enum { FOLLOW_DEPTH_MAX = 256, FOLLOW_HIT = 1 };

/* What became of the packet in a chain. */
enum follow_fate {
	FOLLOW_ON, /* came to its end, or returned */
	FOLLOW_ACCEPTED,
	FOLLOW_ENDED,
	FOLLOW_LOST, /* chains call themselves, or a rule is unknown */
};

struct follower {
	struct arena *arena;
	const struct model_packet *packet;
	const struct model_walk *walk;
	unsigned stage, depth;
	uint32_t mark;
	const struct model_trail *marked;
	struct model_outcome outcome;
};

/* ---- matches ---- */

static bool follow_is_ip(const struct model_packet *packet)
{
	return packet->value[MODEL_ETHERTYPE].low == 0x0800 || packet->value[MODEL_ETHERTYPE].low == 0x86dd;
}

static bool follow_has_ports(uint64_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

/* Whether the packet has the field; see packet_world.c. */
static bool follow_has(const struct model_packet *packet, enum model_field field)
{
	uint64_t ethertype = packet->value[MODEL_ETHERTYPE].low, protocol = packet->value[MODEL_PROTOCOL].low;

	switch (field) {
	case MODEL_PROTOCOL:
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
		return follow_is_ip(packet);
	case MODEL_SOURCE4:
	case MODEL_DEST4:
		return ethertype == 0x0800;
	case MODEL_SOURCE6:
	case MODEL_DEST6:
		return ethertype == 0x86dd;
	case MODEL_ARP_SENDER:
		return ethertype == 0x0806;
	case MODEL_SPORT:
	case MODEL_DPORT:
		return follow_is_ip(packet) && follow_has_ports(protocol);
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
		return follow_is_ip(packet) && (protocol == 1 || protocol == 58);
	case MODEL_TCP_FLAGS:
		return follow_is_ip(packet) && protocol == 6;
	default:
		return true;
	}
}

static bool follow_matches(const struct model_packet *packet, const struct model_match *match)
{
	const struct interval one = { packet->value[match->field], packet->value[match->field] };

	return follow_has(packet, match->field) &&
	       interval_set_contains(&match->values, &(struct interval_set){ &one, 1 }) != match->negated;
}

static bool follow_meets(const struct follower *f, const struct model_step *step)
{
	struct span without = f->walk->without;

	if (without.begin && step->span.begin == without.begin && step->span.end == without.end)
		return false;
	if (step->mark_mask && ((f->mark & step->mark_mask) == step->mark_value) == step->mark_negated)
		return false;
	for (uint32_t i = 0; i < step->match_count; i++)
		if (!follow_matches(f->packet, &step->matches[i]))
			return false;
	return true;
}

/* ---- reasons ---- */

static const struct model_trail *follow_keep_trail(struct follower *f, const struct model_trail *trail)
{
	struct model_trail *copy;

	if (!trail)
		return NULL;
	copy = ARENA_NEW(f->arena, struct model_trail);
	*copy = *trail;
	copy->outer = follow_keep_trail(f, trail->outer);
	return copy;
}

static void follow_tell(const struct follower *f, const struct model_trail *trail, bool logs,
			struct model_outcome outcome)
{
	const struct model_event event = { .stage = f->stage,
					   .logs = logs,
					   .verdict = outcome.verdict,
					   .queue = outcome.queue,
					   .trail = trail,
					   .marked = f->marked,
					   .hit = FOLLOW_HIT };

	if (f->walk->decided)
		f->walk->decided(f->walk->context, &event);
}

/* As walk_return_reason(). */
static void follow_note_return(struct follower *f, const struct model_trail *trail)
{
	bool is_line = trail->step->span.begin || trail->step->implied;

	if (is_line && !(trail->step->mark_mask && f->marked))
		f->marked = follow_keep_trail(f, trail);
}

/* ---- steps ---- */

static enum follow_fate follow_end(struct follower *f, const struct model_trail *trail,
				   struct model_outcome outcome)
{
	outcome.set = FOLLOW_HIT;
	f->outcome = outcome;
	follow_tell(f, trail, false, outcome);
	return FOLLOW_ENDED;
}

static enum follow_fate follow_reject(struct follower *f, const struct model_trail *trail)
{
	uint64_t type = f->packet->value[MODEL_DEST_TYPE].low;
	bool is_group = follow_is_ip(f->packet) &&
			(type == MODEL_TYPE_BROADCAST || type == MODEL_TYPE_MULTICAST);
	enum model_verdict rejected = (enum model_verdict)(MODEL_REJECTED + trail->step->reject);

	return follow_end(f, trail, (struct model_outcome){ .verdict = is_group ? MODEL_DROPPED : rejected });
}

static enum follow_fate follow_chain(struct follower *f, const struct model_chain *chain,
				     const struct model_trail *outer);

/* The packet matches the step; FOLLOW_ON: it goes on in this chain, unless *returns is set. */
static enum follow_fate follow_effect(struct follower *f, const struct model_trail *trail, bool *returns)
{
	const struct model_step *step = trail->step;

	switch (step->effect) {
	case MODEL_ACCEPT:
		follow_tell(f, trail, false, (struct model_outcome){ .verdict = MODEL_PASSED });
		return FOLLOW_ACCEPTED;
	case MODEL_DROP:
		return follow_end(f, trail, (struct model_outcome){ .verdict = MODEL_DROPPED });
	case MODEL_REJECT:
		return follow_reject(f, trail);
	case MODEL_QUEUE:
		return follow_end(f, trail,
				  (struct model_outcome){ .verdict = MODEL_QUEUED,
							  .queue = step->queue.first,
							  .queue_last = step->queue.last });
	case MODEL_RETURN:
		follow_note_return(f, trail);
		*returns = true;
		return FOLLOW_ON;
	case MODEL_GOTO:
		*returns = true;
		return follow_chain(f, step->to, trail);
	case MODEL_JUMP:
		return follow_chain(f, step->to, trail);
	case MODEL_MARK:
		f->mark = (f->mark & step->mark.keep) | step->mark.bits;
		f->marked = step->mark.bits ? follow_keep_trail(f, trail) : NULL;
		return FOLLOW_ON;
	case MODEL_LOG:
		follow_tell(f, trail, true, (struct model_outcome){ .verdict = MODEL_PASSED });
		return FOLLOW_ON;
	case MODEL_UNKNOWN:
		return FOLLOW_LOST;
	}
	return FOLLOW_ON;
}

static enum follow_fate follow_chain(struct follower *f, const struct model_chain *chain,
				     const struct model_trail *outer)
{
	struct model_trail trail = { chain, NULL, outer };
	enum follow_fate fate = FOLLOW_ON;
	bool returns = false;

	if (f->depth == FOLLOW_DEPTH_MAX)
		return FOLLOW_LOST;
	f->depth++;
	for (uint32_t i = 0; i < chain->count && fate == FOLLOW_ON && !returns; i++) {
		trail.step = &chain->steps[i];
		if (follow_meets(f, trail.step))
			fate = follow_effect(f, &trail, &returns);
	}
	f->depth--;
	return fate;
}

bool model_follow(struct arena *arena, const struct model_program *program, const struct model_packet *packet,
		  const struct model_walk *walk, struct model_outcome *outcome)
{
	struct follower f = { .arena = arena,
			      .packet = packet,
			      .walk = walk,
			      .outcome = { .verdict = MODEL_PASSED, .set = FOLLOW_HIT } };
	enum follow_fate fate = FOLLOW_ON;

	for (; f.stage < program->count && fate != FOLLOW_ENDED && fate != FOLLOW_LOST; f.stage++) {
		const struct model_chain *chain = program->stages[f.stage].chain;
		struct model_trail end = { chain, NULL, NULL };

		if (!chain)
			continue;
		fate = follow_chain(&f, chain, NULL);
		if (fate == FOLLOW_ON)
			follow_tell(&f, &end, false, (struct model_outcome){ .verdict = MODEL_PASSED });
	}
	*outcome = f.outcome;
	return fate != FOLLOW_LOST;
}
