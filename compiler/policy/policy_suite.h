/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of tests, and the nodes that they are about.
 *
 * A test is about each node that has all guests that it names.  What is wrong with a line is reported once.
 */
#ifndef PVEFW_POLICY_SUITE_H
#define PVEFW_POLICY_SUITE_H

#include "policy/policy_run.h"

/* A node of the tree. */
struct policy_node {
	const struct config *config;
	struct address_cache cache;
	struct asked asked; /* unless the suite only checks */
};

/* A test and how it has fared. */
struct policy_item {
	const struct source *source;
	struct span span;
	struct text text, id; /* id.len 0: none */
	struct policy_report report;
	const char *node; /* where it fails, if there are several; or NULL */
	struct policy_item *next;
};

struct policy_suite {
	struct arena *arena;
	struct diags *diags;
	const struct netdb *netdb;
	bool is_asked;             /* tests are run, and not just checked */
	bool is_partial;           /* not all nodes are known: tests of unknown zones are passed over */
	struct policy_coverage *coverage; /* or NULL */
	/* Set by the functions: */
	struct policy_node *nodes;
	unsigned node_count;
	struct policy_item *first, **last;
	unsigned count, results[POLICY_ERROR + 1];
	unsigned files;
};

/* The fields above are set.  `configs` may be none: then zones and names are not checked.  `target` NULL: what is
 * written is asked. */
struct policy_suite_options {
	struct config *const *configs;
	unsigned count;
	const struct backend *(*target)(const void *context, const struct config *config);
	const void *context;
	struct model_budget budget;
};

void policy_suite_open(struct policy_suite *suite, const struct policy_suite_options *options);
void policy_suite_close(struct policy_suite *suite);
/* Reads a file, and runs its tests.  `rows`: it has rows of Perl. */
void policy_suite_file(struct policy_suite *suite, struct source *source, bool rows);

/* ---- policy_formats.c ---- */

struct out;

/* "7 tests, 6 passed, 1 failed" */
void policy_print_summary(struct out *out, const struct policy_suite *suite, const struct policy_covered *covered);
void policy_print_tap(struct out *out, const struct policy_suite *suite);
void policy_print_junit(struct out *out, const struct policy_suite *suite);
void policy_print_json(struct out *out, const struct policy_suite *suite, const struct policy_covered *covered);

#endif
