/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that reads the tree for the service: a file system which hangs stops only this process.
 *
 * It is forked from the service, so that its memory has the copy of the tree, and sends what differs (tree_round.h).  It
 * notices changes in three ways:
 * - inotify reports files that change on this machine.
 * - pmxcfs sends no events for changes of other nodes.  But the mtime of its root changes with every file (in whole seconds),
 *   and .version with some: they are polled three times and once a second.  After a change the status of every file is read
 *   until no further change can hide behind an mtime of the same second.
 * - If other nodes' clocks differ, an mtime may come twice.  So everything is scanned once in a while, as often as a ten
 *   thousandth of the time allows.
 *
 * That a file has vanished or become empty is believed half a second later: editors rename or truncate a file before they
 * write it.  All other changes are sent meanwhile.
 */
#ifndef PVEFW_TREE_READER_H
#define PVEFW_TREE_READER_H

#include "firewall/tree/tree_round.h"
#include "source/source_cache.h"

struct tree_reader_options {
	const char *root, *node; /* node NULL: the only one in the tree, or this machine */
	unsigned marks;          /* that the tree had when it was read last */
	struct source_cache *known;
	struct tree_shared *shared;
	int socket;              /* rounds go there; each byte that comes asks to read everything now */
};

/* Reads until the other end of the socket is closed.  All other descriptors above 2 are closed. */
_Noreturn void tree_reader_run(const struct tree_reader_options *options);

#endif
