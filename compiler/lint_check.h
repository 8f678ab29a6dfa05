/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks of lint.def are given, and the functions that several of them
 * need (lint.c).
 */
#ifndef PVEFW_LINT_CHECK_H
#define PVEFW_LINT_CHECK_H

#include "lint.h"

/* A firewall file of the tree. */
struct lint_file {
	enum file_kind kind;
	const struct source *source;
	const struct guest *guest; /* of a guest's file */
};

struct lint {
	const struct config *config;
	const struct inputs *inputs;
	struct diags *diags;      /* what is found goes here */
	const struct diags *told; /* what compile() has reported */
	struct arena *arena;      /* for diagnostics */
	struct arena scratch;     /* for the checks */
	struct space *space;      /* see lint_space.h */
	struct lint_file *files;  /* cluster, host, guests with and without one here, vnets */
	uint32_t file_count;
	/* Of the cluster's other nodes: */
	struct source **other_hosts; /* their host.fw */
	uint32_t other_host_count;
	uint32_t *other_guests; /* the VMIDs, sorted */
	uint32_t other_guest_count;
};

/* A list of rules, and what decides when none of them does. */
struct lint_chain {
	const struct rule_list *rules, *then; /* `then`: those that come after them, or NULL */
	const struct policy *policy[3];       /* by direction; NULL: not known */
	bool policy_logs[3];
	bool host; /* the implied rules of the host follow */
};

/* "policy_in" */
const char *lint_policy_key(enum direction direction);
/* Calls `each` for the rules of every file, and of every security group by itself. */
void lint_each_chain(struct lint *lint, void (*each)(struct lint *lint, const struct lint_chain *chain));
/* Where `key` is set in a file (the last time), or the begin of the file. */
struct span lint_option_place(const struct lint_file *file, const char *key);
const struct lint_file *lint_find_file(const struct lint *lint, const struct source *source);
/* Whether compile() has reported an error in a file, which may be NULL: what is missing there
 * may be meant. */
bool lint_has_errors(const struct lint *lint, const struct source *source);
/* Whether a node of the cluster has a guest of that number. */
bool lint_has_guest(const struct lint *lint, uint64_t vmid);
/* "VM 100", "container 101" */
const char *lint_guest_name(struct lint *lint, const struct guest *guest);

#define LINT(name, function, text) void lint_##function(struct lint *lint);
#include "lint.def"
#undef LINT

#endif
