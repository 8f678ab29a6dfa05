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

/* ---- compile_single.c: one file alone ---- */

/* The names and options of a cluster's file, for many files that refer to it. */
struct cluster_names;

/* Reads them; all memory is the arena's, except what cluster_names_free() frees. */
struct cluster_names *cluster_names_read(struct arena *arena, struct source *cluster, const struct inputs *inputs,
					 struct source_map *map);
void cluster_names_free(struct cluster_names *names);

/* Memory that is used again from file to file; all 0 at first. */
struct single_memory {
	struct arena arena, trees;
};

void single_memory_free(struct single_memory *memory);

struct single_compilation {
	struct source *source;
	enum file_kind kind;
	const struct inputs *inputs; /* the caller frees inputs->sdn */
	const struct cluster_names *cluster; /* against which names of the cluster level resolve; NULL: there is no file */
	const struct source *cluster_source; /* as which diagnostics show it: the file that was read, or a twin of it */
	struct single_memory *memory;
};

/*
 * Checks one file alone.  Without a cluster's file, missing names are reported as warnings that say so.  Only the
 * diagnostics remain: the file's text may be freed if nothing was reported.
 */
void compile_single(const struct single_compilation *single, struct diags *diags);

#endif
