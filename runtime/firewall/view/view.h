/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree as a command sees it: compiled by itself, so that it tells the truth whatever the service does. */
#ifndef PVEFW_VIEW_H
#define PVEFW_VIEW_H

#include <jansson.h>

#include "api/backend.h"
#include "findings/run.h"
#include "firewall/service/confirm.h"

struct view {
	struct run run;
	struct inputs inputs;
	struct config *config; /* NULL: cannot be read */
	const struct backend *backend;
	bool compared; /* else it was reported why not, and is trouble */
	bool differs;  /* from the loaded rules */
	struct confirm confirm;
	bool has_confirm;
	struct left_out left_out; /* by the service */
};

/* Compiles the tree; `enforced`: with what is enforced in the place of rejected files.  `service`: its answer to status, which
 * says what it has left out; or NULL.  Calls bounded_done() when the tree was read. */
void view_compile(struct view *view, const struct cli *cli, bool enforced, const json_t *service);
/* What a command asks, if it asks the rules that are in force. */
struct view_source {
	uint64_t generation; /* in force; 0: the files are asked */
	const char *text;    /* "generation 3 of ..., which is loaded", or why the files are asked */
	const char *differs; /* how the files differ from that generation; NULL: they do not */
};

/*
 * Compiles the generation that the service has loaded; the files, if no service runs or the generation is not kept.
 * `service`: its answer to status, or NULL: none runs.  Texts are from the run's arena.  Calls bounded_done().
 */
struct view_source view_compile_in_force(struct view *view, const struct cli *cli, const json_t *service);
/* Whether the loaded rules differ; problems and differences are stored in `loading`. */
bool view_differs(struct backend_loading *loading, const struct view *view);
/* Sets `compared` and `differs`; reports why it cannot. */
void view_compare(struct view *view);
/* Prints the diagnostics; returns the exit status. */
int view_end(struct view *view);

/* Reports guests that are plugged in such a way that the target cannot filter them, and logs them to `log`.  0, or an errno
 * if the interfaces cannot be read. */
int report_unfiltered(const struct config *config, const struct source_map *map, const struct backend *backend,
		      struct log *log);
/* Reports the conditions. */
void report_conditions(const struct conditions *conditions);

#endif
