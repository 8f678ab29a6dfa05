/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipeline from input files to the resolved configuration. */
#ifndef PVEFW_COMPILE_H
#define PVEFW_COMPILE_H

#include "config/config.h"
#include "inputs/inputs.h"

/*
 * Parses and resolves the inputs: the cluster's file, the host's, the guests' and the vnets'.  Never fails: what is wrong
 * is reported to `diags` and left out.  The result belongs to the arena of `diags`; its hash tables are freed by
 * config_free().
 */
struct config *compile(const struct inputs *inputs, struct diags *diags);

struct node_configs {
	struct config **configs; /* by node */
	unsigned count;
	struct config **owners; /* of the parts that several nodes share */
	unsigned owner_count;
};

/*
 * Compiles several nodes of a tree, as compile() would each, but resolves what they share once: the configurations share
 * the cluster's and the vnets' part.  Each diagnostic says for which nodes it holds (diags_merge()).
 */
struct node_configs compile_nodes(const struct node_inputs *nodes, struct diags *diags);
/* Frees the hash tables of all of them. */
void node_configs_free(const struct node_configs *nodes);

/*
 * Resolves another version of the file of one of the configuration's guests against the same cluster.  The caller frees
 * its scope.  compile_single.c
 */
struct guest *compile_guest(struct config *config, const struct guest *guest, struct source *file);

/*
 * Checks one file alone: names of the cluster level resolve against `cluster`.  If that is NULL, missing names are
 * reported as warnings that say so.  compile_single.c
 */
void compile_single(struct source *source, enum file_kind kind, struct source *cluster, const struct inputs *inputs,
		    struct diags *diags);

#endif
