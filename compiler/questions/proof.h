/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether targets do the same: for every path of a configuration, and for all packets.
 *
 * The programs of all targets are walked over all packets of one model; equal results are equal sets.  Where
 * two targets differ, the packets either belong to a named difference (proof_names.def), or the proof fails
 * with an example.
 */
#ifndef PVEFW_QUESTIONS_PROOF_H
#define PVEFW_QUESTIONS_PROOF_H

#include "questions/asked.h"

enum named_difference {
#define NAMED_DIFFERENCE(ID, ...) NAMED_##ID,
#include "questions/proof_names.def"
	NAMED_DIFFERENCES
};

struct named_row {
	const char *id, *text;
};

extern const struct named_row named_rows[NAMED_DIFFERENCES];

/* `backend` NULL: as written. */
struct proof_target {
	const char *name;
	const struct backend *backend;
	bool plain_lists; /* see struct config */
};

enum { PROOF_TARGETS_MAX = 4 };

struct proof {
	/* Set before proof_run(). */
	struct config *const *configs; /* by node */
	unsigned config_count;
	struct proof_target targets[PROOF_TARGETS_MAX];
	uint32_t target_count; /* 2 or more */
	uint32_t pairs;        /* paths from guest to guest, at most */
	unsigned workers;      /* 0: as many as there are processors */
	struct model_budget budget;
	struct arena *arena; /* for the results */

	/* Set by proof_run(). */
	uint32_t paths;
	uint32_t named[NAMED_DIFFERENCES]; /* paths with that difference */
	struct proof_difference *differences;
	struct proof_undecided *undecided;
};

/* Packets that two targets treat differently. */
struct proof_difference {
	const char *node; /* NULL if there is only one */
	const char *from, *to;
	bool flooded,
		direct;     /* frames to the broadcast address; guests plugged straight into their bridges */
	const char *packet; /* an example */
	struct proof_side {
		const struct proof_target *target;
		struct decision decision; /* its verdict and reason */
		const char *trail;        /* of chains; or NULL */
	} sides[2];
	struct proof_difference *next;
};

/* A path that needs more than the budget. */
struct proof_undecided {
	const char *node;
	const char *from, *to;
	bool flooded, direct;
	const char *chain; /* "" if it is none in particular */
	struct proof_undecided *next;
};

void proof_run(struct proof *proof);

/* ---- named differences: proof_names.c ---- */

struct named_sets {
	packets set[NAMED_DIFFERENCES];
};

/* The matches that the sets are made of; `arena` must last as long as the model. */
void named_add_matches(struct model *m, struct arena *arena, const struct asked *asked);
/* Which packets of the path each difference is about. */
struct named_sets named_sets_of(struct model *m, struct arena *arena, const struct asked *asked,
				const struct path *path);
/* Whether the difference can be one of these two targets with these verdicts. */
bool named_fits(enum named_difference named, const struct path *path, const struct proof_target *a,
		const struct proof_target *b, enum model_verdict va, enum model_verdict vb);

#endif
