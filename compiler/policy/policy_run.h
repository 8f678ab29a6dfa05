/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the model whether a test holds.
 *
 * A test is asked for each pair of zones that it names.  What it does not say is taken as people mean it: the
 * connection is new, TCP has SYN, addresses are unicast unless the test names others, no limit is exceeded, and
 * a guest sends with its own MAC address.  Everything else is every value.
 */
#ifndef PVEFW_POLICY_RUN_H
#define PVEFW_POLICY_RUN_H

#include "policy/policy_test.h"
#include "questions/asked.h"

enum policy_result {
	POLICY_PASSED,
	POLICY_FAILED,
	POLICY_UNDECIDED, /* over budget */
	POLICY_ERROR,     /* wrong, or about no packet */
};

/* The lines that packets of tests have met; begins zeroed. */
struct policy_coverage {
	struct arena arena;
	struct policy_met *met; /* uthash, by position */
};

void policy_coverage_free(struct policy_coverage *coverage);
void policy_coverage_add(struct policy_coverage *coverage, struct span span);
bool policy_coverage_has(const struct policy_coverage *coverage, struct span span);
/* Counts of rules, with --coverage. */
struct policy_covered {
	bool is_asked;
	unsigned rules, reached;
};

/* Reports the enabled rules of all nodes that were not met (N1314), and counts the rules. */
void policy_coverage_report(const struct policy_coverage *coverage, struct config *const *configs, unsigned count,
			    struct diags *diags, struct policy_covered *covered);

/* How a test has fared. */
struct policy_report {
	enum policy_result result;
	const char *verdict; /* of POLICY_FAILED: what happens to the example */
	const char *example; /* a packet; or NULL */
	const char *zones;   /* "outside -> vm101": where it fails; or NULL */
	struct diagnostic *d; /* what was reported; NULL: nothing */
};

/*
 * Asks.  What is wrong is reported to `diags`.  `coverage` may be NULL.  All strings are from the arena of
 * `diags`.
 */
struct policy_report policy_run(const struct policy_test *test, struct asked *asked, struct diags *diags,
				struct policy_coverage *coverage);

/* What packets have that a test does not say, on a path of its zones; policy_defaults.c. */
void policy_defaults(struct policy_reader *r, const struct policy_test *test, const struct path *path,
		     struct policy_clauses *clauses);
/* What an example has if it may: the addresses of its zones. */
void policy_preferences(struct policy_reader *r, const struct path *path, struct policy_clauses *clauses);
/* Reports a failure: `failing` are decisions about packets of the test that contradict it; policy_report.c. */
struct policy_failure {
	const struct policy_test *test;
	struct question *question;
	const struct decision *decisions;
	const struct policy_clauses *preferences;
	packets asked;   /* all packets of the test */
	packets failing;
};
void policy_report_failure(const struct policy_failure *failure, struct diags *diags, struct policy_report *report);

/* ---- policy_sets.c ---- */

/* Whether the verdict is what the action asks for. */
bool policy_verdict_is(enum fwtest_action action, enum model_verdict verdict);
/* How many matches clauses have, and all of them. */
uint32_t policy_count_matches(const struct policy_clauses *clauses);
uint32_t policy_list_matches(const struct policy_clauses *clauses, struct model_match *matches);
/* The packets that satisfy a clause, or those of `set` that satisfy all.  The values were added to the model. */
packets policy_clause_set(struct model *m, const struct policy_clause *clause);
packets policy_restrict(struct model *m, packets set, const struct policy_clauses *clauses);

#endif
