/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was in force, what waits to be confirmed, and what was rejected.
 *
 * Each configuration that comes into force is a generation (generations.h).  `apply --confirm` waits for a
 * confirmation; when none comes, or on `rollback`, the files of the firewall (*.fw) that differ from an earlier
 * generation are rejected: until such a file changes again, the one of that generation is compiled in its place.
 * All other files count as they are now, so that guests that come and go meanwhile are filtered.
 *
 * All of it is in files, so that any of these can go back: the service, the next service, or the guard, a process
 * of its own.  Only the holder of RUN/lock writes them.
 */
#ifndef PVEFW_CONFIRM_H
#define PVEFW_CONFIRM_H

#include "firewall/service/compilation.h"
#include "firewall/base/conditions.h"
#include "firewall/tree/generations.h"

enum rejection_reason { REJECTED_NOT_CONFIRMED, REJECTED_ROLLED_BACK };

/* A file that is not read from the tree as long as it is what was rejected. */
struct rejected_file {
	char *path;
	bool rejected_exists, enforced_exists; /* false: rejected was that it is missing; it must be missing */
	struct content_digest rejected, enforced;
	struct out content; /* that is enforced */
	bool changed;       /* it is not what was rejected any more */
	uint64_t missing_since; /* microseconds, CLOCK_MONOTONIC: first seen to be missing or empty; 0: it is not */
};

enum { BOOT_ID_SIZE = 37 };

struct confirm {
	struct log *log;
	char *path; /* of the store */
	struct generations generations;
	int reason; /* errno why generations cannot be kept; 0: they are */
	uint64_t next, in_force; /* numbers; 0: nothing was in force yet */
	uint64_t confirmed;      /* the latest generation that somebody has confirmed */
	struct file_list files;  /* of the one in force, without contents */

	bool pending;
	char boot_id[BOOT_ID_SIZE];
	uint64_t deadline;     /* of `pending`: microseconds, CLOCK_BOOTTIME of that boot */
	uint64_t requested;    /* the generation in force then */
	uint64_t if_changed;   /* what to go back to when the last edit before the command was edited again */
	uint64_t if_unchanged; /* and when it is in the tree still; 0: no such edit, nothing is taken back */

	uint64_t enforced; /* the generation that files of are enforced; 0: nothing is rejected */
	enum rejection_reason why;
	struct rejected_file *rejected;
	unsigned rejected_count;
	struct overlay_file *overlay_files;
	struct source_overlay overlay;

	uint64_t rolled_back[GENERATIONS_MOST]; /* generations that were rejected, the latest last */
	unsigned rolled_back_count;
};

/*
 * Reads what STATE/generations holds, or RUN/generations where that is not to be had; with `create` the store is
 * made.  A store that cannot be opened is an empty one, and `reason` says why.
 */
void confirm_open(struct confirm *c, const char *state_path, const char *run_path, bool create, struct log *log);
void confirm_close(struct confirm *c);

/* ---- generations ---- */

/* What was compiled is in force; `changed`: the kernel's rules are others now.  Keeps it as a generation. */
void confirm_note_applied(struct confirm *c, const struct compilation *compilation, bool changed);
/* The generation before the one in force, or 0. */
uint64_t confirm_before(const struct confirm *c);
/* The latest before the one in force whose .fw files are others; else as confirm_before(). */
uint64_t confirm_before_edit(const struct confirm *c);
bool confirm_was_rolled_back(const struct confirm *c, uint64_t number);

/* ---- what waits ---- */

/*
 * Begins to wait.  `previous` was in force before this command applied what is in force now; the same number:
 * it has applied nothing new, and an edit of the last hour counts as what is to be confirmed.
 * `to`: goes back to this generation in any case; 0: chosen as confirm.c says.  0 or an errno.
 */
int confirm_begin(struct confirm *c, uint64_t previous, uint64_t to, uint64_t seconds);
/* What is in force is good; 0 or an errno, ENOENT if nothing is pending. */
int confirm_keep(struct confirm *c);
/* Nobody waits any more, and nothing is taken back. */
void confirm_cancel(struct confirm *c);
/* Whether the time is over: also when the machine has started anew meanwhile. */
bool confirm_is_over(const struct confirm *c);
/* Whole seconds that are left. */
uint64_t confirm_seconds_left(const struct confirm *c);
/* CLOCK_BOOTTIME in microseconds. */
uint64_t confirm_now(void);
/* What to go back to now: a number, or 0. */
uint64_t confirm_target(const struct confirm *c, const struct file_list *present);

/* ---- what was rejected ---- */

/*
 * Rejects the .fw files of the tree, `present`, that differ from generation `number`.  ENOENT: that is not kept;
 * EALREADY: nothing differs; or another errno.  Nothing has changed then, except that nothing is pending.
 */
int confirm_reject(struct confirm *c, const struct file_list *present, uint64_t number, enum rejection_reason why);
/* All files count again. */
void confirm_release(struct confirm *c);
/* Looks which rejected files of the tree have changed: in `cache`, or if that is NULL below `root`.  Before each
 * compilation. */
void confirm_poll(struct confirm *c, const char *root, const struct source_cache *cache);
/* With what was found then: `options` and the overlay, which is valid until the next confirm_poll(). */
struct input_options confirm_inputs(const struct confirm *c, const struct input_options *options);
/* The tree was read as a whole: what has changed counts again.  Returns the microseconds until a file that is
 * missing or empty counts as changed; 0: there is none. */
uint64_t confirm_settle(struct confirm *c);
/* States the conditions of what is rejected. */
void confirm_state(const struct confirm *c, struct conditions *conditions);

/* The time is over: rejects what is not wanted.  `cache` may be NULL.  True if something else is to be enforced now. */
bool confirm_roll_back(struct confirm *c, const struct input_options *options, struct source_cache *cache);
/* Compiles what is to be enforced, without `left_out`; `cache` may be NULL.  Free it in any case.  If the tree cannot be read, but a
 * generation was gone back to and is not in force yet, that is compiled as a whole. */
void confirm_compile(struct confirm *c, const struct input_options *options, struct source_cache *cache,
		     struct left_out *left_out, struct compilation *compilation);

/* "generation 3 of 2026-11-30 12:00:00", from `arena`. */
const char *confirm_describe(const struct confirm *c, struct arena *arena, uint64_t number);
/* What status tells: an object with the members held, pending_confirmation, seconds_left, and, each with number and
 * time or null, generation, if_changed, if_unchanged and enforced.  The caller owns it. */
json_t *confirm_json(const struct confirm *c);

/*
 * Starts the guard, which goes back if no service has done so a few seconds after the
 * deadline; it ends when nothing is pending.  Its messages go to `log_file`, if that is not NULL.
 * A byte that is sent to the socket *answered tells it that the request was answered.
 * 0 or an errno.
 * guard.c
 */
int confirm_start_guard(const char *state_path, const char *run_path, const char *log_file,
			const struct input_options *options, int *answered);

#endif
