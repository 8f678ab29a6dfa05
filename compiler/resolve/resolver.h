/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state while one file is resolved, from the syntax tree to the configuration.
 *
 * A file is read twice.  The first pass (names.c, options.c) collects what it defines: aliases with their last value, sets
 * and groups with their last definition, each with the place of its first one; and the options.  The second pass
 * (set_entries.c, rules.c) resolves references.  As in the stock compiler, which reads line by line, a reference counts
 * only if the name is defined above it; but it refers to the last definition.
 */
#ifndef PVEFW_RESOLVER_H
#define PVEFW_RESOLVER_H

#include "ast.h"
#include "config/config.h"
#include "encoding.h"
#include "inputs/netdb.h"
#include "lang/foreign.h"

/* Protocols and macros that were resolved, for the rules that follow. */
struct rule_cache {
	struct proto protos[16];         /* by a hash of the text; text.len 0: free */
	const struct condition **macros; /* by index in macro_table: of rules that have the macro and no options for it */
};

/*
 * A use of an alias without a value.  The label is added to the alias's diagnostic at the end, because that diagnostic
 * may belong to another thread.
 */
struct late_label {
	struct diagnostic *d;
	struct span span;
	struct late_label *next;
};

struct resolver {
	struct config *config;
	struct rule_cache *cache;
	struct arena *arena;
	struct arena *scratch; /* for the tree, and what lasts no longer than it */
	struct diags *diags;
	struct late_label **late;
	const struct ast_file *file;
	struct lost_lines *lost; /* lines to pass over */
	struct word header; /* the last line of the section that looks like a header and begins none; ptr NULL: no such line */
	struct scope *own;  /* names that this file defines; NULL for host and vnet files */
	bool cluster_unknown; /* a file alone, without a cluster file */
	const struct guest_options *guest; /* of a guest's file */
	const struct vnet_options *vnet;   /* of a vnet's file */
	struct span *written; /* by enum option_id: the line of this file that sets it */
	uint32_t compared;     /* see suggest_among() */
	/* The rule that is being verified: */
	const struct ast_rule *rule; /* NULL: an entry of a set */
	bool in_group;
	bool failed;       /* it was reported as wrong */
	struct diags *odd; /* for mistakes in words with characters that were reported; or NULL */
};

static inline struct protocol_names protocol_names(const struct resolver *r)
{
	return (struct protocol_names){ netdb_protocol, r->config->netdb };
}

#endif
