/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline from input files to the resolved configuration. */
#ifndef PVEFW_COMPILE_H
#define PVEFW_COMPILE_H

#include "inputs/inputs.h"

/*
 * Parses and resolves everything that was read: the cluster file first, then
 * the host's, the guests' and the vnets'.  Never fails: what is wrong is
 * reported to `diags` and left out.  The result belongs to the arena.
 */
struct config *compile(const struct inputs *inputs, struct diags *diags);

/* What compile_nodes() has made of several nodes. */
struct node_configs {
	struct config **configs; /* by node */
	unsigned count;
	struct config **owners; /* that own what several nodes have in common */
	unsigned owner_count;
};

/*
 * Compiles several nodes of a tree: the same as compile() for each, but what is not the node's is read and
 * resolved once.  What is reported says for which nodes (diags_merge()).  The configurations share the cluster's
 * and the vnets' part.
 */
struct node_configs compile_nodes(const struct node_inputs *nodes, struct diags *diags);
/* In the place of config_free() for each of them. */
void node_configs_free(const struct node_configs *nodes);

/*
 * Another version of the file of one of the configuration's guests, resolved against the same
 * cluster: for comparing two.  Like the guest's, its scope is to be given back.
 */
struct guest *compile_guest(struct config *config, const struct guest *guest, struct source *file);

/*
 * Resolves one file alone (spec 4.1): names of the cluster level resolve against
 * `cluster`, which may be NULL; then what is missing is reported as a warning
 * that says so.
 */
void compile_single(struct source *source, enum file_kind kind, struct source *cluster,
		    const struct inputs *inputs, struct diags *diags);

/*
 * The least that protects a node: the host's management access and the cluster's own traffic, the policies for
 * everything else, of guests and vnets, too.  No rules, sets, logging or further options, so that the least is asked
 * of the kernel.  scope_free() its `cluster`, and before `config` goes.  minimal.c
 */
void config_minimal(struct arena *arena, const struct config *config, struct config *minimal);

struct out;
/* The resolved configuration for people and tests (--dump=ir). */
void config_dump(struct out *out, const struct config *config);

#endif
