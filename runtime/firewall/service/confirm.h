/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was in force, what waits to be confirmed, and what was rejected.
 *
 * Each configuration that comes into force is a generation (generations.h).  `apply --confirm` waits for a confirmation.  If
 * none comes, and on `rollback`, the .fw files that differ from an earlier generation are rejected: until such a file changes
 * again, that of the generation is compiled in its place.  All other files are compiled as they are, so that guests which
 * come and go meanwhile are filtered.
 *
 * All of it is on disk: the service, the next service and the guard, a process of its own, can roll back.  Only the holder of
 * RUN/lock writes it.
 */
#ifndef PVEFW_CONFIRM_H
#define PVEFW_CONFIRM_H

#include "firewall/service/compilation.h"
#include "firewall/base/conditions.h"
#include "firewall/tree/generations.h"

enum rejection_reason { REJECTED_NOT_CONFIRMED, REJECTED_ROLLED_BACK };

/* A file that is read from the store, and not from the tree, until it changes in the tree. */
struct rejected_file {
	char *path;
	bool rejected_exists, enforced_exists; /* false: the rejected tree, or the enforced generation, has no such file */
	struct content_digest rejected, enforced;
	struct out content; /* the enforced contents */
	bool changed;       /* it no longer has the rejected contents */
	uint64_t missing_since; /* microseconds, CLOCK_MONOTONIC: first seen to be missing or empty; 0: it is not */
};

enum { BOOT_ID_SIZE = 37 };

struct confirm {
	struct log *log;
	char *path; /* of the store */
	struct generations generations;
	int reason; /* errno why generations cannot be kept; 0: they are */
	uint64_t next, in_force; /* numbers; 0: nothing was enforced yet */
	uint64_t confirmed;      /* the latest confirmed generation */
	struct file_list files;  /* of the enforced generation, without contents */

	bool pending;
	char boot_id[BOOT_ID_SIZE];
	uint64_t deadline;     /* of `pending`: microseconds, CLOCK_BOOTTIME of that boot */
	uint64_t requested;    /* the generation enforced at that time */
	uint64_t if_changed;   /* what to roll back to if the last edit before the command was edited again */
	uint64_t if_unchanged; /* and if it was not; 0: there is no such edit, and nothing is rolled back */

	uint64_t enforced; /* the generation whose files are enforced; 0: nothing is rejected */
	enum rejection_reason why;
	struct rejected_file *rejected;
	unsigned rejected_count;
	struct overlay_file *overlay_files;
	struct source_overlay overlay;

	uint64_t rolled_back[GENERATIONS_MOST]; /* generations that were rejected, the latest last */
	unsigned rolled_back_count;
};

/* Reads STATE/generations, or RUN/generations if that cannot be opened; with `create` the store is created.  A store that
 * cannot be opened is empty, and `reason` says why. */
void confirm_open(struct confirm *c, const char *state_path, const char *run_path, bool create, struct log *log);
void confirm_close(struct confirm *c);

/* ---- generations ---- */

/* Keeps what was compiled and is in force as a generation; `changed`: the kernel's rules have changed. */
void confirm_note_applied(struct confirm *c, const struct compilation *compilation, bool changed);
/* Returns the generation before the enforced one, or 0. */
uint64_t confirm_before(const struct confirm *c);
/* Returns the latest earlier generation with different .fw files; without one, that of confirm_before(). */
uint64_t confirm_before_edit(const struct confirm *c);
bool confirm_was_rolled_back(const struct confirm *c, uint64_t number);

/* ---- what waits ---- */

/*
 * Starts to wait.  `previous` was in force before this command applied what is in force now; if it is the same, the command
 * has applied nothing new, and an edit of the last hour is to be confirmed.  `to`: the generation to roll back to; 0: chosen
 * as confirm.c says.  0 or an errno.
 */
int confirm_begin(struct confirm *c, uint64_t previous, uint64_t to, uint64_t seconds);
/* Confirms the enforced generation; 0 or an errno, ENOENT: nothing is pending. */
int confirm_keep(struct confirm *c);
/* Ends the wait; nothing is rolled back. */
void confirm_cancel(struct confirm *c);
/* Whether the time is over; it is after a reboot. */
bool confirm_is_over(const struct confirm *c);
/* Whole seconds that are left. */
uint64_t confirm_seconds_left(const struct confirm *c);
/* CLOCK_BOOTTIME in microseconds. */
uint64_t confirm_now(void);
/* What to roll back to now: a number, or 0. */
uint64_t confirm_target(const struct confirm *c, const struct file_list *present);

/* ---- rejected files ---- */

/* Rejects the .fw files of the tree, `present`, that differ from generation `number`, and ends the wait.  0 or an errno, and
 * nothing has changed: ENOENT: there is no such generation; EALREADY: nothing differs. */
int confirm_reject(struct confirm *c, const struct file_list *present, uint64_t number, enum rejection_reason why);
/* All files are compiled as they are again. */
void confirm_release(struct confirm *c);
/* Finds rejected files that have changed, in `cache` or, if that is NULL, below `root`.  Call it before each compilation. */
void confirm_poll(struct confirm *c, const char *root, const struct source_cache *cache);
/* Returns `options` with the overlay, which is valid until the next confirm_poll(). */
struct input_options confirm_inputs(const struct confirm *c, const struct input_options *options);
/* Releases the files that have changed: the tree was read.  Returns the microseconds until a file that is missing or empty
 * counts as changed; 0: there is none. */
uint64_t confirm_settle(struct confirm *c);
/* Sets the conditions for the rejected files. */
void confirm_state(const struct confirm *c, struct conditions *conditions);

/* After a timeout: rejects what was not confirmed.  `cache` may be NULL.  True if something else is to be enforced now. */
bool confirm_roll_back(struct confirm *c, const struct input_options *options, struct source_cache *cache);
/* Compiles what is to be enforced, without `left_out`; `cache` may be NULL.  Free it in any case.  If the tree cannot be read,
 * but a rollback has not come into force yet, its generation is compiled instead. */
void confirm_compile(struct confirm *c, const struct input_options *options, struct source_cache *cache,
		     struct left_out *left_out, struct compilation *compilation);

/* The overlay that is all of a generation, without the tree; from `arena`.  0 or an errno. */
int confirm_full_overlay(const struct confirm *c, uint64_t number, struct arena *arena, struct source_overlay *overlay);

/* "generation 3 of 2026-11-30 12:00:00", from `arena`. */
const char *confirm_describe(const struct confirm *c, struct arena *arena, uint64_t number);
/* For status: an object with held, pending_confirmation, seconds_left, and, each with number and time or null, generation,
 * if_changed, if_unchanged and enforced.  The caller owns it. */
json_t *confirm_json(const struct confirm *c);

/*
 * Starts the guard (guard.c), which rolls back if no service has done so a few seconds after the deadline, and ends when
 * nothing is pending.  Its messages go to `log_file`, if that is not NULL.  A byte sent to the socket *answered says that
 * the request was answered.  0 or an errno.
 */
int confirm_start_guard(const char *state_path, const char *run_path, const char *log_file,
			const struct input_options *options, int *answered);

#endif
