/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's own structures.  A chain is translated once, into steps that may still ask for interfaces.
 * A chain that asks for none, and calls none that does, is shared by all paths.  Of the others each path gets a
 * copy of the steps that its interfaces let through: names of ports are looked up in a hash, since dispatch
 * chains have a rule for every NIC.
 */
#ifndef PVEFW_XT_CHAINS_H
#define PVEFW_XT_CHAINS_H

#include <uthash.h>

#include "xtables/meaning/xt_meaning.h"
#include "xtables/print/print.h"

/* What a condition on an interface compares; patterns end in '+'. */
enum xt_side {
	XT_SIDE_IN,       /* the interface the packet came in by */
	XT_SIDE_OUT,      /* the interface it leaves by */
	XT_SIDE_PORT_IN,  /* the port of the bridge */
	XT_SIDE_PORT_OUT,
	XT_SIDES
};

struct xt_condition {
	enum xt_side side;
	struct text name;
};

enum { XT_CONDITIONS_MAX = 2 };

struct xt_step {
	struct model_step step; /* of a jump `to` is not set */
	struct xt_node *to;
	struct xt_condition conditions[XT_CONDITIONS_MAX];
	uint32_t condition_count; /* with XT_SIDE_IN or XT_SIDE_OUT, a match of MODEL_IFACE follows the others */
	uint32_t next;            /* the next step for the same port, or 0 */
};

/* The first step of a chain that asks for a port by its name. */
struct xt_port {
	struct text name;
	uint32_t first, last;
	UT_hash_handle hh;
};

/* A chain: of a table, or of ebtables. */
struct xt_node {
	struct model_chain chain; /* if it does not depend on the path */
	const struct xt_source *source; /* the table of `lowered`; NULL: of `bridge` */
	struct xt_chain *lowered;
	const struct eb_chain *bridge;
	bool translated, depends;
	struct xt_step *steps;
	uint32_t count;
	uint32_t *others; /* indices of the steps that are not in `ports` */
	uint32_t other_count;
	struct xt_port *ports[XT_SIDES]; /* uthash */
};

/* A table with its chains, in the order of the table. */
struct xt_source {
	struct xt_table *table;
	struct xt_node *nodes;
	uint32_t count;
};

struct xt_translator {
	struct translator base;
	const struct config *config;
	const struct model_ifaces *ifaces;
	xt_change *change; /* or NULL */
	void *context;     /* of change */
	struct arena arena, scratch; /* scratch: rules of the chain that is translated */
	struct arena_mark lowered;   /* in `arena`: what is translated comes after it */
	struct xt_source filter[2], raw[2]; /* IPv4, IPv6 */
	struct eb_table bridge;
	struct xt_node *frames; /* in the order of bridge.chains */
	struct xt_set_list sets;
	struct interval_set *set_values; /* of each of `sets`; ranges NULL: not computed yet */
	struct interval numbers[256];    /* each one number */
};

/* The interfaces of one pass; those of length 0 match nothing, or are `symbolic`. */
struct xt_pass {
	struct text names[XT_SIDES];
	bool symbolic[XT_SIDES]; /* any interface: it is asked by MODEL_IFACE */
};

/* ---- rules.c, ebtables.c ---- */

/* Translate the rules of a chain into node->steps, from t->arena. */
void xt_translate_rules(struct xt_translator *t, struct xt_node *node);
void xt_translate_frames(struct xt_translator *t, struct xt_node *node);
/* The chain with this name, or NULL. */
struct xt_node *xt_node_find(const struct xt_source *source, struct text name);
struct xt_node *xt_frame_node(struct xt_translator *t, const struct eb_chain *chain);

/* ---- chains.c ---- */

/* The chain for packets of a pass; from `arena` if it depends on that. */
const struct model_chain *xt_node_chain(struct xt_translator *t, struct arena *arena, struct xt_node *node,
					const struct xt_pass *pass);
void xt_node_forget(struct xt_node *node);

#endif
