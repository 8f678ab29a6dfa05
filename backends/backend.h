/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a backend is: it lowers the resolved configuration to what its target
 * loads, and prints that.  All are found in one registry.
 */
#ifndef PVEFW_BACKEND_H
#define PVEFW_BACKEND_H

#include "ir.h"
#include "out.h"

/* One file that a backend writes into a folder. */
struct backend_file {
	const char *name;
	void (*print)(struct out *out, const struct config *config);
};

/* Why something could not be loaded; `span` is the line that asks for it, or {0, 0}. */
struct backend_problem {
	struct span span;
	const char *text;
	struct backend_problem *next;
};

/* Loading into the kernel: how it is wanted, and how it went. */
struct backend_loading {
	struct arena *arena; /* for the problems */
	bool whole;          /* replace what has not changed, too */
	struct backend_problem *problems, **last_problem;
	uint32_t messages, sets, chains, rules, elements; /* sent */
	uint32_t deleted;                                 /* objects, elements and contents of chains */
	size_t bytes;
	int64_t lower_time, read_time, build_time, kernel_time; /* nanoseconds */
};

void backend_problem_add(struct backend_loading *loading, struct span span, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct backend {
	const char *name; /* of --target */
	const char *text; /* for --help */
	bool forwards;    /* enforces FORWARD rules, and those of vnets */
	/* One text: what `compile` prints without -o. */
	void (*print)(struct out *out, const struct config *config);
	/* What `compile -o DIR` writes, ended by a NULL name; NULL: -o names one file
	 * that gets what `print` prints. */
	const struct backend_file *files;
	/* What -o gets instead, where that is not for people; or NULL. */
	void (*write)(struct out *out, const struct config *config);
	/*
	 * Loads into the current network namespace, all or nothing, or with `config` NULL
	 * takes away what is loaded.  False: there are problems.
	 */
	bool (*load)(struct backend_loading *loading, const struct config *config);
	/* The lowered ruleset for people (--dump=ruleset). */
	void (*dump)(struct out *out, const struct config *config);
};

extern const struct backend backend_iptables, backend_nft, backend_netlink;

/* All of them, ended by NULL; the first is the default. */
extern const struct backend *const backends[];

const struct backend *backend_find(struct text name);

#endif
