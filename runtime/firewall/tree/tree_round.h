/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reader of the tree sends to the service: rounds, each the result of one scan or check.
 *
 * A round is its size in bytes (uint32_t), then records: a struct tree_record, the name with a NUL, the bytes.  Both ends are
 * the same program: nothing is converted.
 */
#ifndef PVEFW_TREE_ROUND_H
#define PVEFW_TREE_ROUND_H

#include <stdint.h>

enum tree_record_kind {
	TREE_FILE,        /* the file `name` holds these bytes */
	TREE_FOLDER,      /* the folder `name` is there */
	TREE_GONE,        /* file or folder `name` is not there */
	TREE_FILE_FAILS,  /* it cannot be read, for `reason` */
	TREE_FOLDER_FAILS,
	TREE_ROOT,        /* `name` is what is wrong with the root, "": nothing; `reason`, `marks` as in tree_root.h */
	TREE_WARNING,     /* `name` is a message for the log */
	TREE_ANSWER,      /* everything was read, for `reason` requests */
};

struct tree_record {
	uint32_t kind, name_size, size;
	int32_t reason;
	uint32_t marks;
};

/* In memory that both processes share. */
struct tree_shared {
	_Atomic uint64_t busy_since; /* CLOCK_MONOTONIC in microseconds; 0: the reader waits */
	_Atomic uint64_t polls;      /* of the root directory, since the service started */
	_Atomic uint32_t doubts;     /* files and folders that have vanished or become empty a moment ago */
};

#endif
