/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was in force last, in the run directory: a service that starts later tells changes by others in the kernel from changes
 * of the tree. */
#ifndef PVEFW_IN_FORCE_H
#define PVEFW_IN_FORCE_H

#include "firewall/service/compilation.h"

/* Whether this compilation was the last to be in force, since this boot, by this program.  `answers`: those of surroundings.h, or
 * NULL. */
bool in_force_is(int run_dir, const struct compilation *c, const char *answers);
/* Failures are ignored: the next service then does not know. */
void in_force_write(int run_dir, const struct compilation *c, const char *answers);
void in_force_forget(int run_dir);

#endif
