/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions: what keeps the service from enforcing the files, for as long as that lasts.
 *
 * Each kind has one owner, which states all conditions of the kind at once:
 *
 *	conditions_begin(c, CONDITION_GUEST_UNFILTERED);
 *	conditions_add(c, &about, "guest %u: ...", vmid);      any number of times
 *	conditions_end(c);
 *
 * A new condition is logged once, and once when it is over.  Status, metrics and the exit status of `pve-firewall status`
 * show those that last.
 */
#ifndef PVEFW_CONDITIONS_H
#define PVEFW_CONDITIONS_H

#include <jansson.h>

#include "firewall/base/log.h"

enum condition_kind {
#define CONDITION(ID, name, priority, text) CONDITION_##ID,
#include "firewall/base/conditions.def"
	CONDITION_KINDS
};

/* Facts of a kind, from conditions.def. */
struct condition_row {
	const char *name;
	enum log_priority priority;
	const char *text;
};

extern const struct condition_row condition_rows[CONDITION_KINDS];

struct service_condition {
	enum condition_kind kind;
	char *message;
	char *file; /* relative to the root; NULL: not about a file */
	unsigned line;
	struct service_condition *next;
};

struct conditions {
	struct log *log;
	struct service_condition *first;  /* those that last, in the order of the kinds, then of their statement */
	struct service_condition *stated; /* since conditions_begin() */
	enum condition_kind kind;         /* that is being stated */
};

void conditions_init(struct conditions *c, struct log *log);
void conditions_free(struct conditions *c);

/* From here to conditions_end() all conditions of `kind` are stated. */
void conditions_begin(struct conditions *c, enum condition_kind kind);
/* States one.  `about` may be NULL; its file and line are copied. */
void conditions_add(struct conditions *c, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends the statement: conditions that were not stated again are over.  True if anything has changed. */
bool conditions_end(struct conditions *c);
/* How many conditions of the kind last. */
unsigned conditions_count(const struct conditions *c, enum condition_kind kind);
/* An array of objects with kind, priority, message, file and line (null and 0: not about a file).  The caller owns it. */
json_t *conditions_json(const struct conditions *c);

#endif
