/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions and their reasons, for people and as JSON. */
#ifndef PVEFW_ANSWERS_H
#define PVEFW_ANSWERS_H

#include <jansson.h>

#include "format/diag_text.h"
#include "questions/asked.h"

/* "firewall/cluster.fw:11, by GROUP web at firewall/100.fw:7"; of an implied rule its name; "no rule". */
const char *reason_text(struct arena *arena, const struct source_map *map, const struct reason *reason);
/* The line of a reason, without spaces around it; len 0 if it has none. */
struct text reason_source_line(const struct source_map *map, const struct reason *reason);
/* Verdict and reason of a decision, without what belongs to its question; the texts are copied to `arena`. */
struct decision decision_keep(struct arena *arena, const struct decision *decision);
/* "ACCEPT", "DROP", "REJECT", "QUEUE": without the kind of reject and the queue. */
const char *verdict_action(enum model_verdict verdict);
/* "ACCEPT", "REJECT with a TCP reset", "QUEUE 3". */
const char *decision_text(struct arena *arena, const struct decision *decision);

/* Whether the line sets an option: without it the default applies, and not nothing. */
bool reason_is_option(const struct config *config, const struct path *path, const struct reason *reason);

/* Prints the lines of a reason: that of the rule, with `label` below it, and that which refers to its group. */
void reason_print(const struct text_printer *p, const struct reason *reason, const char *label);
/* How many columns the line numbers of a reason take. */
unsigned reason_gutter(const struct source_map *map, const struct reason *reason);

/* The fields that JSON tells of rows and examples, each as a member. */
struct field_member {
	const char *name;
	enum model_field field;
};

enum { FIELD_MEMBERS = 14 };

extern const struct field_member field_members[FIELD_MEMBERS];

/* The members action, reject, queue, file, line, column, text, group and implied; null where there is none. */
json_t *decision_json(const struct source_map *map, const struct decision *decision);

/*
 * What else explains an answer: lines with errors, which are ignored; a firewall that is switched off; a NIC
 * without one.  Returns the texts, ended by NULL; from `arena`.
 */
const char *const *answer_notes(struct arena *arena, const struct config *config,
				const struct backend *target, const struct path *path);

#endif
