/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of packets in words. */
#ifndef PVEFW_QUESTIONS_DIFF_TEXT_H
#define PVEFW_QUESTIONS_DIFF_TEXT_H

#include "questions/diff_rows.h"

struct row_printer {
	struct arena *arena;
	struct model *model;
	const struct model_row *row;
	const struct usual_values *usual;
	const struct model_step *steps[DIFF_SIDES]; /* that decide; or NULL */
};

/* Whether packets of the row can have the value. */
bool row_has_value(const struct row_printer *p, enum model_field field, uint64_t value);
/* Sets peer, own, what and exact of the change, whose direction is set; from the printer's arena. */
void row_print(struct change *change, const struct row_printer *p);
/* Appends `more`, after the separator unless the text is empty. */
const char *text_append(struct arena *arena, const char *text, const char *separator, const char *more);

#endif
