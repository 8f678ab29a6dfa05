/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sets of packets to rows, and rows of many zones that say the same. */
#ifndef PVEFW_QUESTIONS_DIFF_ROWS_H
#define PVEFW_QUESTIONS_DIFF_ROWS_H

#include "questions/diff_zones.h"

/* A path, and what both versions do to its packets. */
struct diff_question {
	const struct diff *diff;
	const struct diff_path *path;
	struct question *questions[DIFF_SIDES]; /* about the same model */
	packets ordinary;
	struct arena *arena; /* for the rows */
};

struct change_list {
	struct change *first, **last;
};

/* The matches of diff_ordinary(). */
void diff_add_matches(struct model *m);
/* As model_ordinary(), but in all states, and with all TCP flags. */
packets diff_ordinary(struct model *m);

/* Appends the rows of the packets that are decided differently. */
void diff_rows_add(struct change_list *list, const struct diff_question *q, packets differing);
/* Moves the rows of one zone to those of all zones, a uthash table; rows of the same text become one. */
void change_list_merge(struct change **table, struct change *changes);
/* Sorts the rows of all zones, and gives them to the result; frees the table. */
void change_list_finish(struct diff *diff, struct change *table);

#endif
