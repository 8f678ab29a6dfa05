/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing a compiled configuration into the kernel: the target that the host's
 * options name gets it, the other one loses what it has, and the kernel's settings
 * follow.
 *
 * The new target is filled before the old one is emptied, so that there is always one
 * that filters.
 *
 * What the kernel or a tool refuses is left out, and remembered: later loads begin without it.  It is tried again
 * when its files change, and when applied_forget() or applied_retry() say so; if it is still refused then, what
 * was in force comes back without another search.
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
	struct tree_digest digest;     /* of what was applied last */
	bool valid;                    /* something was applied, and digest tells what */
	struct left_out left_out;      /* what was refused */
	bool retry;                    /* the next load tries that again */
	bool minimal;                  /* the minimal ruleset is in force */
	void (*alive)(void);           /* called between attempts, or NULL */
};

/* What applying did, and what it met. */
struct applying {
	struct arena *arena;
	bool whole; /* load what has not changed, too */
	bool changed;
	struct backend_loading loading; /* of the target */
	struct backend_problem *problems;
	unsigned attempts;
	bool others_stay; /* the other target could not be emptied: its rules are in force, too */
};

void applied_init(struct applied *a, struct log *log, struct sysctls *sysctls);
void applied_free(struct applied *a);
/* The session of a target. */
struct backend_session *applied_session(const struct applied *a, const struct backend *backend);
/* The one that the kernel tells of changes. */
struct backend_session *applied_watched(const struct applied *a);
/* The next time nothing is taken as known. */
void applied_forget(struct applied *a);
/* The next load tries what is left out. */
void applied_retry(struct applied *a);
/* The next time what the target has is compared with what is wanted. */
void applied_doubt(struct applied *a);
/* Whether somebody may have changed what iptables has; takes microseconds. */
bool applied_is_stale(const struct applied *a);
/* The same of what the kernel does not tell: members of sets, ebtables-legacy; takes milliseconds. */
bool applied_contents_changed(const struct applied *a);

/*
 * Applies a compilation that has a configuration, which is compiled again without what is refused; where it was
 * made by compilation_run_without(), with a->left_out.  False: the target has what it had before, and the
 * problems, which were logged, say why; the compilation may have no configuration then.
 */
bool applied_load(struct applied *a, struct compilation *c, struct applying *applying);
/* When that has failed and nothing is in force: loads the minimal ruleset, with whatever target takes it.  True if it
 * is in force then, or was before. */
bool applied_load_minimal(struct applied *a, const struct compilation *c, struct applying *applying);
/* Whether a layer that is missing matters for a configuration. */
bool applied_layer_matters(const struct compilation *c, enum layer layer);
/*
 * The short way for a change of nothing but the file of `guest`, a guest of `c`, which is what
 * was applied.  False: it must be applied as a whole, and nothing has changed.
 */
bool applied_patch(struct applied *a, struct compilation *c, const struct guest *guest, struct applying *applying);
/* Takes everything of ours out of the kernel and puts its settings back. */
bool applied_remove(struct applied *a, struct arena *arena);

#endif
