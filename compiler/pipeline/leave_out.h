/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads what can be loaded: lines that the kernel or a tool refuses are left out, as if they had errors.  For
 * the command and the service.
 */
#ifndef PVEFW_LEAVE_OUT_H
#define PVEFW_LEAVE_OUT_H

#include "api/backend.h"
#include "config/left_out.h"

/* Bounds of a search. */
enum {
	LEAVE_OUT_ATTEMPTS = 100,
	LEAVE_OUT_SECONDS = 30,
};

struct leave_out {
	/* What is left out so far; what is found is added, and if nothing helps all is forgotten. */
	struct left_out *left_out;
	/* Compiles without what is left out, and loads; sets *loading anew, and *map to the sources, which last until
	 * the next call.  True if it is loaded. */
	bool (*attempt)(void *context, struct backend_loading *loading, const struct source_map **map);
	void *context;
	bool strict;       /* one attempt, all or nothing */
	unsigned attempts; /* made */
	int64_t begin;
	struct backend_loading last; /* of a search */
};

/*
 * Loads.  Each refusal that names rules leaves their lines out; one that names none is searched for: lines that may
 * be refused are replaced by rules that drop everything, as many as it takes, and then put back by halves.  True
 * if something is loaded: `left_out` says what is missing.  False: `loading` has the problems of the first attempt.
 */
bool leave_out_load(struct leave_out *l, struct backend_loading *loading);

#endif
