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

struct backend {
	const char *name; /* of --target */
	const char *text; /* for --help */
	/* One text: what `compile` prints without -o. */
	void (*print)(struct out *out, const struct config *config);
	/* What `compile -o DIR` writes, ended by a NULL name; NULL: -o names one file
	 * that gets what `print` prints. */
	const struct backend_file *files;
	/* The lowered ruleset for people (--dump=ruleset). */
	void (*dump)(struct out *out, const struct config *config);
};

extern const struct backend backend_iptables, backend_nft;

/* All of them, ended by NULL; the first is the default. */
extern const struct backend *const backends[];

const struct backend *backend_find(struct text name);

#endif
