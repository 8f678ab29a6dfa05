/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree as the service knows it: a copy in memory, which the process of tree_reader.h keeps up to date.
 *
 * The service compiles the copy and never touches the tree itself.  So it goes on when the tree's file system
 * hangs, vanishes or fails: the copy stays what it was, and the condition TREE_UNREADABLE says why.
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

/* Called for each file that has changed, and with NULL when something else has; the copy is
 * what it was before, until tree_take(). */
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

/* Prepares to read the tree that `options` name; the first tree_read() starts the reader, which has the standard output
 * and error of the service as they are then.  0 or an errno; close it in any case. */
int tree_open(struct tree *t, sd_event *event, const struct input_options *options, int run_dir, struct log *log,
	      struct conditions *conditions, tree_handler *handler, void *context);
void tree_close(struct tree *t);

/* Brings the copy up to what the reader has sent. */
void tree_take(struct tree *t);
/*
 * Has everything looked at now and believed at once, what has just vanished included; then brings the copy up to
 * that.  False if there was no answer within 3 seconds, or the root cannot be read: the copy stays.
 */
bool tree_read(struct tree *t);
/* Whether the root can be read, and the copy is what it holds. */
bool tree_is_readable(const struct tree *t);
/* Whether the tree was read once, so that the copy can be compiled. */
bool tree_is_known(const struct tree *t);
/* Whether something in it has vanished or become empty a moment ago, which is not in the copy yet. */
bool tree_is_in_doubt(const struct tree *t);
/* Tells why the copy cannot be compiled; NULL: it can. */
void tree_set_unusable(struct tree *t, const char *why);

#endif
