/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sets of packets to rows, and rows of many zones that say the same. */
#ifndef PVEFW_QUESTIONS_DIFF_ROWS_H
#define PVEFW_QUESTIONS_DIFF_ROWS_H

#include "questions/diff_zones.h"

enum { USUAL_MAX = 8 };

/* Why the version without a NIC has no packets of it. */
#define DIFF_NO_NIC "no such NIC there"

/* Values that packets of a path usually have, and that need not be told. */
struct usual_values {
	struct model_match items[USUAL_MAX];
	uint32_t count;
	const struct model_ifaces *ifaces;
};

/* From `arena`, which must last as long as the model. */
struct usual_values usual_values_of(struct arena *arena, const struct diff_path *path,
				    const struct model_ifaces *ifaces);
void usual_values_add(struct model *m, const struct usual_values *usual);
/* Ordinary packets with these values; `any_state`: of all states, and with all TCP flags. */
packets usual_packets(struct model *m, const struct usual_values *usual, bool any_state);

/* A path, and what both versions do to its packets. */
struct diff_question {
	const struct diff *diff;
	const struct diff_path *path;
	struct question *questions[DIFF_SIDES]; /* about the same model */
	const struct usual_values *usual;
	packets ordinary;    /* those with usual values */
	struct arena *arena; /* for the rows of a zone */
};

struct change_list {
	struct change *first, **last;
};

/* Appends the rows of the packets that are decided differently. */
void diff_rows_add(struct change_list *list, const struct diff_question *q, packets differing);
/* Copies the rows of one zone to those of all zones, a uthash table, and to `arena`; rows of the same text
 * become one. */
void change_list_merge(struct arena *arena, struct change **table, const struct change *changes);
/* Sorts the rows of all zones, and gives them to the result; frees the table. */
void change_list_finish(struct diff *diff, struct change *table);

#endif
