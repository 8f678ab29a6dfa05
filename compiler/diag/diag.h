/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics: what is wrong with the input, where, what it means for the
 * traffic, and how to make it right.
 *
 * A pass reports with diag() and hangs labels, notes, helps and fixes on the result. Nothing is printed here:
 * a format (see diag_format.h) prints the collected list, sorted by position, when the compilation is over.
 */
#ifndef PVEFW_DIAG_H
#define PVEFW_DIAG_H

#include "base/arena.h"
#include "diag/node_set.h"
#include "source/source.h"

enum severity {
	SEVERITY_NOTE,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

/* enum diag_id: DIAG_ and the ID of each row of diagnostics.def. */
#include "generated/diag_ids.h"

/* One row of the catalogue, diagnostics.def. */
struct diag_row {
	char letter; /* E, W or N */
	const char *number;
	const char *name;
	const char *summary;
	const char *what, *effect, *fix; /* the parts of its page: what is wrong, what happens to the traffic, how to fix it */
	const char *explanation;         /* all three */
	const char *wrong;               /* an example, or "" */
	const char *right;               /* the same example, fixed, or "" */
};

extern const struct diag_row diag_catalogue[DIAG_COUNT];

enum diag_part_kind {
	DIAG_LABEL, /* secondary span with a text */
	DIAG_NOTE,
	DIAG_HELP,
	DIAG_FIX,         /* replaces the span by the text */
	DIAG_GUESSED = 8, /* a bit beside DIAG_FIX, for diag_add_part() */
};

struct diag_part {
	enum diag_part_kind kind;
	struct span span; /* of labels and fixes */
	const char *text;
	bool guess; /* of fixes: a suggestion that the user must confirm */
	struct diag_part *next;
};

struct diagnostic {
	enum diag_id id;
	enum severity severity;
	struct span span;    /* {0, 0}: about no place in a file */
	const char *message; /* one line, no final stop */
	const char *label;   /* what stands at the carets, or NULL */
	struct diag_part *parts, **last_part;
	const struct node_set *nodes; /* nodes that it concerns; NULL: all, or not specific to nodes */
	unsigned check;      /* as of diags when it was reported */
	struct diags *owner;
	struct diagnostic *next;
};

struct diags {
	struct arena *arena;
	struct source_map *map;
	struct diagnostic *first, **last;
	unsigned counts[SEVERITY_ERROR + 1];
	unsigned not_shown; /* of those counted, how many were taken from the list, because of --max-findings */
	const struct node_set *nodes; /* nodes that the present diagnostics concern; NULL: all */
	unsigned check; /* which check of lint.def runs now, from 1; 0: none */
	bool unreadable; /* an input could not be read: exit status 2 */
	bool linted;     /* the checks of a whole tree were made, too */
};

void diags_init(struct diags *diags, struct arena *arena, struct source_map *map);

/* Reports a diagnostic; `span` may be SPAN_NONE. The catalogue sets the severity. */
struct diagnostic *diag(struct diags *diags, struct span span, enum diag_id id, const char *format,
			...) __attribute__((format(printf, 4, 5)));
/* Reports that `path` cannot be read; `reason` is an errno. The exit status will be 2. */
struct diagnostic *diag_unreadable(struct diags *diags, const char *path, int reason);

/* The functions and macros below add a part to a diagnostic and return the diagnostic. */
struct diagnostic *diag_here(struct diagnostic *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct diagnostic *diag_add_part(unsigned kind, struct diagnostic *d, struct span span, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
struct diagnostic *diag_add_fix(unsigned kind, const char *help, struct diagnostic *d, struct span span,
				const char *format, ...) __attribute__((format(printf, 5, 6)));
/* (d, span, format, ...) */
#define diag_label(...) diag_add_part(DIAG_LABEL, __VA_ARGS__)
/* (d, format, ...) */
#define diag_note(d, ...) diag_add_part(DIAG_NOTE, d, SPAN_NONE, __VA_ARGS__)
#define diag_help(d, ...) diag_add_part(DIAG_HELP, d, SPAN_NONE, __VA_ARGS__)
/* (d, span, format, ...): a certain fix, which lint --fix applies; or a guess, which users must confirm. */
#define diag_fix(...) diag_add_part(DIAG_FIX, __VA_ARGS__)
#define diag_guess(...) diag_add_part(DIAG_FIX | DIAG_GUESSED, __VA_ARGS__)
/* Add a fix with the help "write `TEXT`", and a guess with "did you mean `TEXT`?". */
#define diag_correct(...) diag_add_fix(DIAG_FIX, "write `%s`", __VA_ARGS__)
#define diag_suggest(...) diag_add_fix(DIAG_FIX | DIAG_GUESSED, "did you mean `%s`?", __VA_ARGS__)

/* Empties the list, for diags_add() to fill it again. */
void diags_clear(struct diags *diags);
void diags_add(struct diags *diags, struct diagnostic *d);
/* Moves all that `other` has collected to the end of `diags`. */
void diags_append(struct diags *diags, struct diags *other);
/*
 * Of a list that was made for several nodes: what was reported for each becomes one diagnostic, which says
 * for which nodes, if that is not all and its file does not tell. merge.c
 */
void diags_merge(struct diags *diags);
/* "pve1, pve3": the nodes of a merged one, where neither its place nor its being true of all says it; else NULL. */
const char *diag_nodes_text(const struct diags *diags, const struct diagnostic *d);
/* Sorts by file and position; for equal places the order of reporting stays. */
void diags_sort(struct diags *diags);
/* Severity from the letter of a row. */
enum severity diag_severity(const struct diag_row *row);
const char *severity_name(enum severity severity);
/* One of the checks that only `lint` makes, and only of whole trees. */
bool diag_is_of_lint(enum diag_id id);
/* The row whose "E0203" or "unknown-alias" is `name`; DIAG_COUNT if none. */
enum diag_id diag_find(struct text name);

#endif
