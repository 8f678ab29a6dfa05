/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the language in words: shared by the commands that list them and by what makes the manual
 * pages.
 */
#ifndef PVEFW_DESCRIBE_H
#define PVEFW_DESCRIBE_H

#include "base/output.h"
#include "lang/option_table.h"
#include "lang/tables.h"

/* Words up to 80 columns, every line behind `indent` blanks; '\n' begins a line. */
void describe_paragraph(struct out *out, unsigned indent, struct text text);
/* "0 or 1", "30 to 60": what an option can be set to. */
void describe_values(struct out *out, const struct option_row *row);
/* Returns the value of the option if no file sets it. */
void describe_default(struct out *out, const struct option_row *row);
/* "-p tcp -dport 22" */
void describe_macro_rule(struct out *out, const struct macro_rule *rule);
/* " (IPv6 only)" if `family_mask` is a part of `all`, else nothing. */
const char *describe_families(unsigned family_mask, unsigned all);
/* "8", "3/1", "any": type and code. */
void describe_icmp_numbers(struct out *out, const struct icmp_type *type);

#endif
