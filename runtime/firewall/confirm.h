/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Applying until confirmed (spec 7.2).
 *
 * From the request on, what was in force is kept as a tree, RUN/confirmed, and
 * RUN/confirm says until when `pve-firewall confirm` may come.  When it does not, that
 * tree is enforced again, and RUN/held names the configuration that was not confirmed:
 * it is not applied again before it changes, or somebody asks for it.
 *
 * All of it is in files, so that whoever lives at that time can do it: the service, the
 * next service, or the guard, a process of its own that waits for nothing else.
 */
#ifndef PVEFW_CONFIRM_H
#define PVEFW_CONFIRM_H

#include "firewall/compilation.h"

struct confirm {
	int run_dir;
	const char *run_path;
	bool pending;
	uint64_t deadline; /* of `pending`: microseconds, CLOCK_BOOTTIME */
	bool held;
	struct tree_digest not_wanted; /* of `held` */
};

/* Reads what is in the run directory. */
void confirm_open(struct confirm *confirm, int run_dir, const char *run_path);

/* Keeps the files of `cache` and begins to wait; 0 or an errno.  When something is pending
 * already, only the time begins anew. */
int confirm_begin(struct confirm *confirm, const struct source_cache *cache, uint64_t seconds);
/* What is in force is good; 0 or an errno, ENOENT if nothing is pending. */
int confirm_keep(struct confirm *confirm);
/* The time is over: `digest` is not wanted. */
void confirm_hold(struct confirm *confirm, const struct tree_digest *digest);
/* The tree counts again. */
void confirm_release(struct confirm *confirm);
/* Whether RUN/confirmed is to be enforced instead of the tree with this digest. */
bool confirm_is_held(const struct confirm *confirm, const struct tree_digest *digest);

/* What to compile instead of the tree; the path is from `arena`. */
struct input_options confirm_inputs(const struct confirm *confirm, struct arena *arena,
				    const struct input_options *options);
/* The time of its deadline. */
uint64_t confirm_now(void);

/*
 * Starts the guard, which goes back if no service has done so a few seconds after the
 * deadline; it ends when nothing is pending.  Its messages go to `log_file`, if that is not NULL.
 * 0 or an errno.
 * guard.c
 */
int confirm_start_guard(const char *run_path, const char *log_file, const struct input_options *options);

#endif
