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
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/file_lock.h"
#include "xtables/load/xt_state.h"

enum { WAIT = 60 * 1000 /* milliseconds */ };

bool xt_lock_take(struct backend_loading *loading, struct xt_lock *lock)
{
	struct stat space = { 0 };

	if (stat("/proc/thread-self/ns/net", &space) < 0) {
		backend_problem_add(loading, SPAN_NONE,
				    "cannot determine the network namespace: /proc/thread-self/ns/net: %s",
				    strerror(errno));
		return false;
	}
	snprintf(lock->path, sizeof(lock->path), "/run/pvefw-load-%llu.lock", (unsigned long long)space.st_ino);
	lock->file = file_lock_take(AT_FDCWD, lock->path, 0600, WAIT);
	if (lock->file >= 0)
		return true;
	if (errno == EWOULDBLOCK)
		backend_problem_add(loading, SPAN_NONE,
				    "%s is locked by another load, or by a tool that it left running",
				    lock->path);
	else
		backend_problem_add(loading, SPAN_NONE, "cannot lock %s: %s", lock->path, strerror(errno));
	return false;
}

void xt_lock_give(struct xt_lock *lock)
{
	unlink(lock->path);
	close(lock->file);
}
