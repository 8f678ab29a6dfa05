/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-logger --print: prints the end of the file, and then appended lines. */
#ifndef PVEFW_FOLLOW_H
#define PVEFW_FOLLOW_H

#include "base/output.h"

/* `colour`: auto, always, never or NULL.  Ends when standard output does; returns the exit status. */
int follow(const char *path, const char *colour);

/* One line of the log, without its LF; coloured, and with one. */
void follow_colour(struct out *out, struct text line);

#endif
