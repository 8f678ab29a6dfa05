/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks of lint.def are given, and the functions that several of them
 * need (lint.c).
 */
#ifndef PVEFW_LINT_CONTEXT_H
#define PVEFW_LINT_CONTEXT_H

#include "lint/lint.h"

/* A firewall file of the tree. */
struct lint_file {
	enum file_kind kind;
	const struct source *source;
	const struct guest *guest; /* of a guest's file */
};

/* What a check is given (lint.def). */
enum lint_view {
	LINT_ALL, /* one node is checked: its files and all others of the tree are what any check is given */
	LINT_NODE,
	LINT_TREE,
	LINT_CHAINS,
};

/* The checks of several nodes run at the same time: what they share is only read, the texts of files, too. */
struct lint {
	const struct config *config;
	const struct inputs *inputs;
	const struct config *const *nodes; /* all that are looked at: `config`, or those of the tree (lint.def) */
	unsigned node_count;
	enum lint_view view;
	bool is_first;            /* of the nodes */
	struct diags *diags;      /* what is found goes here */
	const struct diags *told; /* what compile() has reported */
	struct arena *arena;      /* for diagnostics */
	struct arena scratch;     /* for the checks */
	struct space *space;      /* see lint_space.h */
	struct lint_file *files;  /* cluster, host, guests with and without one here, vnets */
	uint32_t file_count;
	struct source **other_hosts; /* host.fw of nodes that are not checked */
	uint32_t other_host_count;
	uint32_t *other_guests; /* the VMIDs of other nodes, which may be checked, too; sorted */
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
/*
 * The syntax tree of a file; its words are of a copy of the text, and go with the arena.  ast_parse() is not for
 * checks: the lexer writes into the text while it reads, and other checks read that at the same time.
 */
struct ast_file *lint_parse(struct arena *arena, const struct lint_file *file);
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

#define LINT(name, function, view, text) void lint_##function(struct lint *lint);
#include "lint/lint.def"
#undef LINT

#endif
