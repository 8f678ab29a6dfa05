/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source lines of loaded rules. */
#ifndef PVEFW_TRACE_LINES_H
#define PVEFW_TRACE_LINES_H

#include "api/backend.h"
#include "nft/trace/trace.h"

struct trace_chain;

/* The chains that a configuration is lowered to. */
struct trace_lines {
	const struct config *config;
	struct arena arena;
	struct trace_chain *chains; /* uthash */
};

/* What is known about a loaded rule. */
struct trace_line {
	bool is_ours;      /* its chain is one that the configuration is lowered to */
	bool is_known;     /* the rule is one of these, too */
	struct span span;  /* or SPAN_NONE: the rule is of no line */
	struct text words; /* the comment that it is loaded with, such as "cluster.fw: policy_in" */
};

/* The configuration must last as long. */
void trace_lines_open(struct trace_lines *lines, const struct config *config, const struct backend *backend);
void trace_lines_close(struct trace_lines *lines);
/* `rule` may be NULL: one that is not loaded any more, or the policy of the chain. */
struct trace_line trace_line_of(const struct trace_lines *lines, const struct loaded_chain *chain,
				const struct loaded_rule *rule);

#endif
