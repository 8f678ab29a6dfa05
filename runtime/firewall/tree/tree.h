/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of the tree in memory, which the process of tree_reader.h keeps up to date.
 *
 * The service compiles the copy and never touches the tree itself.  So it goes on when the tree's file system hangs,
 * vanishes or fails: the copy stays as it was, and the condition TREE_UNREADABLE says why.
 */
#ifndef PVEFW_TREE_H
#define PVEFW_TREE_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "firewall/base/conditions.h"
#include "firewall/tree/tree_round.h"
#include "inputs/inputs.h"
#include "base/output.h"
#include "source/source_cache.h"

/* Called for each file that has changed, and with NULL for any other change.  The copy changes only in tree_take(). */
typedef void tree_handler(void *context, const char *shown);

struct tree {
	const struct input_options *options;
	struct log *log;
	struct conditions *conditions;
	tree_handler *handler;
	void *context;
	sd_event *event;
	int run_dir;
	struct source_cache *copy;
	unsigned marks;             /* of the tree, enum tree_mark */
	char problem[512];          /* with the root; "": none */
	char unusable[512];         /* why the copy cannot be compiled; "": it can */
	bool is_silent;             /* the reader waits for the file system */
	bool quiet;                 /* no handler is called */
	/* the reader */
	pid_t reader;               /* 0 or -1: none */
	pid_t ended;                /* one that was, and is to be reaped; 0: none */
	int socket;
	uint32_t unanswered;        /* requests */
	sd_event_source *rounds, *timer;
	struct tree_shared *shared;
	struct out incoming;        /* the beginning of a round */
	struct out waiting;         /* records that are not in the copy yet */
};

/* Prepares to read the tree that `options` name; the first tree_read() starts the reader, which inherits standard output and
 * error.  0 or an errno; close it in any case. */
int tree_open(struct tree *t, sd_event *event, const struct input_options *options, int run_dir, struct log *log,
	      struct conditions *conditions, tree_handler *handler, void *context);
void tree_close(struct tree *t);

/* Applies the reader's round to the copy. */
void tree_take(struct tree *t);
/* Reads everything now, believes it, files that have just vanished included, and updates the copy.  False, and the copy stays:
 * no answer within 3 seconds, or the root cannot be read. */
bool tree_read(struct tree *t);
/* Whether the root can be read, and the copy is up to date. */
bool tree_is_readable(const struct tree *t);
/* Whether the tree was read once: then the copy can be compiled. */
bool tree_is_known(const struct tree *t);
/* How often the root directory was polled since the service started. */
uint64_t tree_polls(const struct tree *t);
/* Whether a file has vanished or become empty a moment ago, which is not in the copy yet. */
bool tree_is_in_doubt(const struct tree *t);
/* States the condition that the copy cannot be compiled; NULL: it can. */
void tree_set_unusable(struct tree *t, const char *why);

#endif
