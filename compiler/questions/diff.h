/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change of the configuration changes: packets that two versions of a tree treat differently.
 *
 * A zone is the host of a node, a NIC of a guest, or a vnet.  Zones of the two versions are matched by name.
 * The programs of a path are compared first; only where they differ are packets computed, and of these only
 * those that match a rule that has changed.
 */
#ifndef PVEFW_QUESTIONS_DIFF_H
#define PVEFW_QUESTIONS_DIFF_H

#include <uthash.h>

#include "questions/asked.h"

/* The two versions. */
enum diff_side { DIFF_OLD, DIFF_NEW, DIFF_SIDES };

/* In the order in which they are printed. */
enum change_kind {
	CHANGE_ALLOWED, /* packets that were refused and now pass, or are queued */
	CHANGE_REFUSED,
	CHANGE_OTHER, /* only the kind of refusal, or the queue */
	CHANGE_KINDS
};

/* What one version does to the packets of a row, and why. */
struct change_side {
	struct decision decision; /* verdict and reason of the example */
	struct text line;         /* of the reason; len 0: an implied rule */
	bool is_mixed;            /* the line refuses others of these packets in another way */
};

struct diff_zone;

/* The zones that a row is about. */
struct change_zone {
	const struct diff_zone *zone;
	struct change_zone *next;
};

/* All values of each field; NULL: any. */
struct change_values {
	const char *exact[MODEL_FIELDS];
	struct change_values *next;
};

/* A row: packets that are decided alike. */
struct change {
	enum change_kind kind;
	bool ordinary; /* false: this row stands for all packets that are not, see model_ordinary() */
	bool inward;   /* to the zones; else from them */
	/* What packets: empty texts if all.  `peer` is the address at the other end, `own` that of the zone. */
	const char *peer, *own, *what;
	const char *exact[MODEL_FIELDS]; /* all values of each field; NULL: any */
	struct change_values *except;    /* packets that are not among them */
	const char *example;
	const char *values[MODEL_FIELDS]; /* of the example; NULL: it has no such field */
	const char *from, *to;            /* its zones, as path_end_parse() reads them */
	struct change_side sides[DIFF_SIDES];
	struct change_zone *zones, **last_zone;
	const struct diff_zone *newest; /* of these */
	uint32_t zone_count;
	uint32_t more; /* rows like this one that are left out because of the limit */
	const char *key;
	uint32_t number;
	struct change *next;
	UT_hash_handle hh;
};

/* Something that is told about a zone, and is no row. */
struct diff_note {
	const char *text;
	struct diff_note *next;
};

/* A path that needs more than the budget. */
struct diff_undecided {
	const char *zone, *chain; /* chain "": none in particular */
	struct diff_undecided *next;
};

struct diff {
	/* Set before diff_run().  One configuration a node, in each version. */
	struct config *const *configs[DIFF_SIDES];
	unsigned config_count[DIFF_SIDES];
	const struct source_map *map;
	const struct backend *const *targets[DIFF_SIDES]; /* by node; NULL: what is written */
	bool any_state; /* rows are about packets of all states, and not only of new connections */
	uint32_t limit; /* rows, at most */
	struct model_budget budget;
	struct arena *arena; /* for the results */

	/* Set by diff_run(). */
	struct change *changes; /* sorted; at most `limit` */
	uint32_t change_count, left_out;
	struct diff_note *notes;
	struct diff_undecided *undecided;
	uint32_t zones_differ, zones_same, guests_same;
};

void diff_run(struct diff *diff);
/* Whether the versions do the same to all packets of the same zones. */
static inline bool diff_is_empty(const struct diff *diff)
{
	return !diff->changes && !diff->notes && !diff->left_out;
}

/* "VM 101 net0", "host pve1", "vnet web"; the node only if there are several. */
const char *diff_zone_text(struct arena *arena, const struct diff *diff, const struct diff_zone *zone);
/* All zones of a row, "VM 101, 104 and 12 more": at most `most` by name. */
const char *change_zones_text(struct arena *arena, const struct diff *diff, const struct change *change,
			      uint32_t most);

#endif
