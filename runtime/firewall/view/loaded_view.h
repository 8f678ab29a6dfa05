/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration that is loaded, for commands that run for a while and read it again when it is replaced. */
#ifndef PVEFW_LOADED_VIEW_H
#define PVEFW_LOADED_VIEW_H

#include <sys/stat.h>

#include "firewall/view/view.h"
#include "questions/asked.h"

struct loaded_view {
	const struct cli *cli;
	struct view view;
	struct view_source source;
	struct asked asked; /* as the target does it; valid if view.config is not NULL */
	struct stat in_force; /* the service's note of what it has loaded; zeroed if there is none */
};

/* Reads and compiles; `service` is its answer to status, or NULL.  Never NULL; if the tree cannot be read, view.config is,
 * and the diagnostics are printed when the view is closed. */
struct loaded_view *loaded_view_open(const struct cli *cli, const json_t *service);
/* Frees it; returns the exit status of reading the tree. */
int loaded_view_close(struct loaded_view *loaded);
/* Whether the service has loaded something else since. */
bool loaded_view_is_stale(const struct loaded_view *loaded);
/* Asks the service and puts a new view in the place of the old one.  False: the tree does not answer, or cannot be read;
 * then the old one stays. */
bool loaded_view_reload(struct loaded_view **loaded);

#endif
