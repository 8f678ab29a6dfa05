/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing a compiled configuration into the kernel: the target that the host's
 * options name gets it, the other one loses what it has, and the kernel's settings
 * follow.
 *
 * The new target is filled before the old one is emptied, so that there is always one
 * that filters.
 */
#ifndef PVEFW_APPLIED_H
#define PVEFW_APPLIED_H

#include "firewall/compilation.h"
#include "firewall/fwbr_flag.h"
#include "firewall/log.h"
#include "firewall/sysctl.h"

struct nft_known;
struct xt_state;

struct applied {
	struct log *log;
	struct sysctls *sysctls;
	struct fwbr_flag fwbr_flag;
	struct xt_state *xtables;      /* what iptables has, as far as it is known */
	struct nft_known *nftables;    /* the same of nftables */
	const struct backend *backend; /* that has our rules; NULL: not known yet, or none */
	bool removed_other;            /* the other one has none, for sure */
	struct tree_digest digest;     /* of what was applied last */
	bool valid;                    /* something was applied, and digest tells what */
};

/* What applying did, and what it met. */
struct applying {
	struct arena *arena;
	bool whole; /* load what has not changed, too */
	bool changed;
	struct backend_loading loading; /* of the target */
	struct backend_problem *problems;
};

void applied_init(struct applied *a, struct log *log, struct sysctls *sysctls);
void applied_free(struct applied *a);
/* The next time nothing is taken as known. */
void applied_forget(struct applied *a);
/* Whether somebody may have changed what iptables has; takes microseconds. */
bool applied_is_stale(const struct applied *a);

/* Applies a compilation that has a configuration.  False: the target has what it had
 * before, and the problems, which were logged, say why. */
bool applied_load(struct applied *a, const struct compilation *c, struct applying *applying);
/*
 * The short way for a change of nothing but the file of `guest`, a guest of `c`, which is what
 * was applied.  False: it must be applied as a whole, and nothing has changed.
 */
bool applied_patch(struct applied *a, struct compilation *c, const struct guest *guest, struct applying *applying);
/* Takes everything of ours out of the kernel and puts its settings back. */
bool applied_remove(struct applied *a, struct arena *arena);

#endif
