/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that reads the tree for the service, so that a file system which hangs stops nobody but it.
 *
 * It is forked from the service, and knows from its memory what the service knows of the tree.  What differs
 * is sent (tree_round.h).  How changes are noticed:
 * - inotify tells of files that change on this machine.
 * - pmxcfs sends no events for what other nodes change.  But the mtime of its root changes with everything
 *   (whole seconds), and .version with a part of it: looked at three times, and once a second.
 *   When one has changed, the status of every file is looked at until no change can hide any more behind
 *   an mtime of the same second.
 * - Where other nodes' clocks differ, an mtime may come twice.  So everything is looked at once in a while, as often
 *   as a ten thousandth of the time allows.
 * FUSE keeps attributes for a second; AT_STATX_FORCE_SYNC asks for present ones.
 *
 * What has vanished or become empty is believed half a second later only: editors rename a file away, or
 * truncate it, before they write it anew.  Everything else is sent meanwhile.
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
	int socket;              /* rounds go there; each byte that comes asks for everything, at once */
};

/* Reads until the other end of the socket is closed.  All other descriptors above 2 are closed. */
_Noreturn void tree_reader_run(const struct tree_reader_options *options);

#endif
