/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output formats of diagnostics: one structure each, all found in one registry. */
#ifndef PVEFW_FORMATS_H
#define PVEFW_FORMATS_H

#include "diag/diag.h"
#include "base/output.h"

struct diag_format {
	const char *name;
	const char *text; /* description for --help */
	bool sums_up;	     /* notes that one line is enough for are summed up: for people */
	bool says_not_shown; /* prints diags->not_shown itself */
	/* Prints the collected diagnostics, which are sorted. */
	void (*print)(struct out *out, const struct diags *diags, bool colour);
};

extern const struct diag_format diag_format_text, diag_format_gcc, diag_format_json, diag_format_sarif,
	diag_format_checkstyle, diag_format_junit, diag_format_xml, diag_format_github, diag_format_gitlab;

/* All of them, ended by NULL; the first is the default. */
extern const struct diag_format *const diag_formats[];

/* "2 errors, 1 warning", and how many are not shown: the end of the text form; nothing if there is nothing. */
void diag_text_counts(struct out *out, const struct diags *diags, bool colour);

/* NULL if there is none of that name. */
const struct diag_format *diag_format_find(struct text name);

#endif
