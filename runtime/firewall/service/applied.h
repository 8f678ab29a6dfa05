/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a compiled configuration: the target that the host's options choose gets it, the other target is emptied, and the
 * kernel's settings follow.  The new target is filled first, so that one always filters.
 *
 * What the kernel or a tool refuses is left out, and remembered: later loads start without it.  It is tried again when its
 * files change, and after applied_forget() or applied_retry(); if it is still refused, what was in force is loaded again
 * without another search.
 */
#ifndef PVEFW_APPLIED_H
#define PVEFW_APPLIED_H

#include "pipeline/leave_out.h"
#include "firewall/service/compilation.h"
#include "firewall/wiring/fwbr_flag.h"
#include "firewall/base/log.h"
#include "firewall/base/sysctl.h"

enum { APPLIED_TARGETS = 2 };

struct applied {
	struct log *log;
	struct sysctls *sysctls;
	struct fwbr_flag fwbr_flag;
	struct backend_session *sessions[APPLIED_TARGETS]; /* of backend_targets */
	const struct backend *backend; /* that has our rules; NULL: not known yet, or none */
	bool removed_other;            /* the other one has none, for sure */
	struct tree_digest digest;     /* of the last applied configuration */
	bool valid;                    /* something was applied, and digest tells what */
	struct left_out left_out;      /* the refused rules */
	bool retry;                    /* the next load tries that again */
	bool minimal;                  /* the minimal ruleset is loaded */
	bool patched;                  /* applied_patch() has changed something since applied_load() */
	void (*alive)(void);           /* called between attempts, or NULL */
};

/* What one applied_load() or applied_patch() does and reports. */
struct applying {
	struct arena *arena;
	bool changed;
	struct backend_loading loading; /* of the target */
	struct backend_problem *problems;
	bool others_stay; /* the other target's rules could not be removed */
};

void applied_init(struct applied *a, struct log *log, struct sysctls *sysctls);
void applied_free(struct applied *a);
/* The session of a target. */
struct backend_session *applied_session(const struct applied *a, const struct backend *backend);
/* The one that the kernel tells of changes. */
struct backend_session *applied_watched(const struct applied *a);
/* Makes the next load discard all cached state and try the left-out rules. */
void applied_forget(struct applied *a);
/* Makes the next load try the left-out rules. */
void applied_retry(struct applied *a);
/* Makes the next load compare the target's rules with the desired ones. */
void applied_doubt(struct applied *a);
/* Whether other programs may have changed the loaded rules; takes microseconds. */
bool applied_is_stale(const struct applied *a);
/* Like applied_is_stale(), for unreported changes, such as those of set members; takes milliseconds. */
bool applied_contents_changed(const struct applied *a);

/*
 * Loads a compilation that has a configuration.  It is compiled again without what is refused, if it was made by
 * compilation_run_without() with a->left_out.  False: the target has what it had before, and the problems, which were
 * logged, say why; the compilation may have no configuration then.
 */
bool applied_load(struct applied *a, struct compilation *c, struct applying *applying);
/* After applied_load() has failed: loads the minimal ruleset into any target that takes it, if nothing is in force.  True if
 * the minimal ruleset is in force. */
bool applied_load_minimal(struct applied *a, const struct compilation *c, struct applying *applying);
/* The fast path: loads changes of guests of a configuration that was loaded last.  False: nothing has changed, and everything
 * must be loaded if applying->loading.stale; else other changes may be loaded so. */
bool applied_patch(struct applied *a, const struct config *config, const struct guest_change *changes, unsigned count,
		   struct applying *applying);
/* After applied_patch(): compares the target's rules with what is known to be loaded, and removes what is unused.  False:
 * everything must be loaded. */
bool applied_tidy(struct applied *a, struct applying *applying);
/* Removes all our rules from the kernel and restores its settings. */
bool applied_remove(struct applied *a, struct arena *arena);

#endif
