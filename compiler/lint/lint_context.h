/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input of the checks of lint.def, and functions that several of them share. */
#ifndef PVEFW_LINT_CONTEXT_H
#define PVEFW_LINT_CONTEXT_H

#include "ast.h"
#include "lint/lint.h"
#include "meaning/translator.h"

/* A .fw file of the tree. */
struct lint_file {
	enum file_kind kind;
	const struct source *source;
	const struct span *written; /* by enum option_id: the line that sets it; begin 0: none */
	const struct guest *guest; /* of a guest's file */
};

/* The files and the configuration that a check sees: see lint.def. */
enum lint_view {
	LINT_ALL, /* one node is checked: every check sees its files and all others of the tree */
	LINT_NODE,
	LINT_TREE,
	LINT_CHAINS,
};

/* The checks of several nodes run in parallel: nothing that they share is written, nor are the texts of files. */
struct lint {
	const struct config *config;
	const struct inputs *inputs;
	const struct config *const *nodes; /* `config` alone, or with the view TREE those of all nodes */
	unsigned node_count;
	enum lint_view view;
	bool is_first;                /* of the nodes */
	struct diags *diags;          /* for findings */
	const struct diags *reported; /* by compile() */
	struct arena *arena;          /* for diagnostics */
	struct arena scratch;         /* for the checks */
	struct translator *written;
	struct model_ifaces ifaces;
	struct model *model;          /* of lint_model_start() */
	struct lint_file *files; /* cluster, hosts, guests on the node and others, vnets */
	uint32_t file_count;
	struct source **other_hosts; /* host.fw of nodes that are not checked */
	uint32_t other_host_count;
	uint32_t *other_guests; /* VMIDs of other nodes and, if several nodes are checked, of these; sorted */
	uint32_t other_guest_count;
};

/* A list of rules and the policy after it. */
struct lint_chain {
	const struct rule_list *rules, *then; /* `then` follows `rules`; or NULL */
	const struct policy *policy[3];       /* by direction; NULL: unknown */
	bool policy_logs[3];
	bool host; /* the implied rules of the host follow */
};

/* "policy_in" */
const char *lint_policy_key(enum direction direction);
typedef void lint_chain_function(struct lint *lint, const struct lint_chain *chain);
/* Calls `each` for the rules of each file and of each security group, unless there are none. */
void lint_each_chain(struct lint *lint, lint_chain_function *each);
typedef void lint_rule_function(void *data, const struct rule *line, const struct rule *rule);
/* Calls `each` for the enabled rules of one direction in `rules` (NULL: none), with those of groups in place: `line` is
 * the GROUP rule or the rule itself. */
void lint_each_rule(const struct rule_list *rules, enum direction direction, lint_rule_function *each, void *data);
/* The syntax tree of a file, from `arena`, with a copy of the text: the lexer writes into the text while it reads, which
 * other checks use at the same time. */
struct ast_file *lint_parse(struct arena *arena, const struct lint_file *file);
/* The line of a file that sets the option, or the begin of the file. */
struct span lint_option_place(const struct lint_file *file, enum option_id id);
const struct lint_file *lint_find_file(const struct lint *lint, const struct source *source);
/* Whether compile() has reported an error in a file, which may be NULL: then what seems to be missing may have been in
 * the line with the error. */
bool lint_has_errors(const struct lint *lint, const struct source *source);
/* Whether any node of the cluster has this guest. */
bool lint_has_guest(const struct lint *lint, uint64_t vmid);

/* RFC 1918, 6598, 3927. */
enum { LINT_PRIVATE_NETWORKS = 5 };
extern const struct prefix lint_private_networks[LINT_PRIVATE_NETWORKS];
/* "accepted", "dropped", "rejected" */
extern const char *const lint_effects[ACTIONS];

#define LINT(name, function, view, text) void lint_##function(struct lint *lint);
#include "lint/lint.def"
#undef LINT

#endif
