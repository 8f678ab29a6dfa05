/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One load at a time in a network namespace.
 *
 * The lock is on a file in /run named by the namespace, and the tools inherit it: a
 * tool that outlives a killed load still holds it, and the next load waits for that
 * tool instead of being overtaken by what it does.  Whoever is done removes the file;
 * one that has waited for a removed file tries again with the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "xtables/load/xt_state.h"

enum {
	TURN = 20, /* milliseconds between two tries */
	TURNS = 60 * 1000 / TURN,
};


static void wait_a_turn(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = TURN * 1000000L }, NULL);
}

/* Whether the file that is locked is the one that others will find. */
static bool is_present(const struct xt_lock *lock)
{
	struct stat ours, present;

	return fstat(lock->file, &ours) == 0 && stat(lock->path, &present) == 0 &&
	       ours.st_ino == present.st_ino && ours.st_dev == present.st_dev;
}

/* 0, or an errno; EWOULDBLOCK: somebody else has it. */
static int try_lock(struct xt_lock *lock)
{
	lock->file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock->file < 0)
		return errno;
	if (flock(lock->file, LOCK_EX | LOCK_NB) == 0 && is_present(lock))
		return 0;
	close(lock->file);
	return EWOULDBLOCK;
}

bool xt_lock_take(struct backend_loading *loading, struct xt_lock *lock)
{
	struct stat space = { 0 };
	int reason = stat("/proc/thread-self/ns/net", &space) == 0 ? EWOULDBLOCK : errno;

	if (reason != EWOULDBLOCK) {
		backend_problem_add(loading, SPAN_NONE, "cannot tell the network namespace: /proc/thread-self/ns/net: %s",
				    strerror(reason));
		return false;
	}
	snprintf(lock->path, sizeof(lock->path), "/run/pvefw-load-%llu.lock",
		 (unsigned long long)space.st_ino);
	for (int i = 0; i < TURNS && reason == EWOULDBLOCK; i++) {
		if (i)
			wait_a_turn();
		reason = try_lock(lock);
	}
	if (reason == EWOULDBLOCK)
		backend_problem_add(loading, SPAN_NONE, "another load, or a tool it has left behind, holds %s",
				    lock->path);
	else if (reason)
		backend_problem_add(loading, SPAN_NONE, "cannot lock %s: %s", lock->path, strerror(reason));
	return reason == 0;
}

void xt_lock_give(struct xt_lock *lock)
{
	unlink(lock->path);
	close(lock->file);
}
