/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was in force last, in the run directory: so that a service that starts later can tell what others have changed in
 * the kernel from what has changed in the tree.
 */
#ifndef PVEFW_IN_FORCE_H
#define PVEFW_IN_FORCE_H

#include "firewall/service/compilation.h"

/* Whether this was the last to be in force, since this boot, by this program; `answers`: what the machine has told the
 * compilation, or NULL. */
bool in_force_is(int run_dir, const struct compilation *c, const char *answers);
/* Where it cannot be written, the next service does not know. */
void in_force_write(int run_dir, const struct compilation *c, const char *answers);
void in_force_forget(int run_dir);

#endif
