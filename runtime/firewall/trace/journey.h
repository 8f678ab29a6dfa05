/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet on its way through the node, put together from the kernel's events.
 *
 * An event belongs to a packet by its id.  The kernel makes a new id when a packet enters another interface, as where a
 * bridge gives it to the host, or a firewall bridge begins.  Such events belong to a packet on its way that has the same
 * bytes, and that was sent there.
 *
 * A frame that a bridge floods becomes several packets.  Each is a journey of its own, which begins with what the frame
 * has passed before.
 */
#ifndef PVEFW_JOURNEY_H
#define PVEFW_JOURNEY_H

#include "firewall/explain/known_packet.h"
#include "firewall/trace/trace_lines.h"
#include "firewall/wiring/wiring.h"
#include "meaning/paths.h"
#include "model/packet_model.h"

/* One traversal of the hooks of a bridge, or of the host. */
struct journey_pass {
	bool is_bridge;
	bool is_host_in, is_host_out, is_routed; /* not of a bridge */
	bool is_complete; /* it is known where the packet goes: a hook after prerouting was seen */
	bool has_state; /* conntrack's, which can change from pass to pass */
	enum model_state state;
	struct text bridge, in, out;
};

/* A rule that the packet met, or the end of a chain. */
struct journey_step {
	unsigned pass;
	struct trace_event event; /* its texts are copies; without headers */
	struct trace_line line;
	struct text log_prefix;
	bool rejects, sets_mark;
	enum model_reject reject4, reject6;
	uint32_t position; /* of the rule in its chain */
	bool is_base;      /* the first of a base chain */
};

enum { JOURNEY_IDS = 16, JOURNEY_KEY_BYTES = 64, JOURNEY_STEPS_MAX = 2000 };

struct journey {
	struct arena arena;
	uint32_t ids[JOURNEY_IDS];
	unsigned id_count;
	uint8_t key[JOURNEY_KEY_BYTES]; /* of its bytes */
	uint32_t key_length;
	struct known_packet packet;
	uint8_t dest_mac[6];
	bool has_macs;
	struct journey_pass passes[PATH_PASSES_MAX];
	unsigned pass_count;
	struct journey_step *steps;
	uint32_t step_count, step_room;
	uint32_t stem; /* steps before the frame was forwarded by the bridge of the last pass */
	uint64_t last;    /* microseconds, CLOCK_MONOTONIC: of the last event */
	bool has_ended;   /* a rule has dropped, rejected or queued it */
	bool is_answer;   /* the bridge table has made it, because a rule has rejected another packet */
	bool is_cut;      /* there were more steps or passes than are kept */
	enum model_verdict verdict;
	uint16_t queue;
	struct journey *next;
};

/* All packets on their way, the oldest first. */
struct journeys {
	struct loaded_rules *rules;
	const struct trace_lines *lines;
	struct wiring_links links;
	struct journey *first, **last;
	uint32_t count;
	uint64_t orphans; /* events that belong to no packet: its first ones were lost, or came before */
};

void journeys_init(struct journeys *journeys, struct loaded_rules *rules, const struct trace_lines *lines);
void journeys_free(struct journeys *journeys);
/* Adds an event that was received at `now`.  Returns the packet if it has ended with it, else NULL. */
struct journey *journeys_take(struct journeys *journeys, const struct trace_event *event, uint64_t now);
/* The oldest packet that had no event since `before`, or NULL. */
struct journey *journeys_find_quiet(const struct journeys *journeys, uint64_t before);
/* When journeys_find_quiet() would find one: the time of the oldest last event; 0: no packet is on its way. */
uint64_t journeys_oldest(const struct journeys *journeys);
/* Takes the packet out, and frees it. */
void journeys_remove(struct journeys *journeys, struct journey *journey);

#endif
