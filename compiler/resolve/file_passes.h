/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The passes over one file, in the order in which read_file.c calls them. */
#ifndef PVEFW_FILE_PASSES_H
#define PVEFW_FILE_PASSES_H

#include "resolve/resolver.h"

/* First pass: defines aliases, sets and groups; reports mistakes in them, in headers, and lines outside of sections.
 * names.c */
void names_define(struct resolver *r);
/* Reads every [OPTIONS] section into `options`, of the file kind's structure.  options.c */
void options_read(struct resolver *r, void *options);
/* Second pass over the entries of one set.  set_entries.c */
void set_entries_read(struct resolver *r, const struct ast_section *section);
/* Second pass over one [RULES] or [GROUP]: appends the rules that are right.  rules.c */
void rules_read(struct resolver *r, const struct ast_section *section, struct rule_list *rules);

/* Reports a line in brackets that begins no section; `section` goes on.  headers.c */
struct diagnostic *header_report(struct resolver *r, const struct ast_section *section, struct word line);
/* Remembers the header above the next line; `line` NULL: the section begins.  Call it for each line of a section. */
void header_pass(struct resolver *r, const struct ast_line *line);
/* Adds to a line's diagnostic that the header above it is the mistake; false if there is no such header. */
bool header_help(const struct resolver *r, struct diagnostic *d);

#endif
