/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output formats of diagnostics: one structure each, all found in one registry. */
#ifndef PVEFW_DIAG_FORMAT_H
#define PVEFW_DIAG_FORMAT_H

#include "diag.h"
#include "out.h"

struct diag_format {
	const char *name;
	const char *text; /* what it is for, for --help */
	/* Prints the collected diagnostics, which are sorted. */
	void (*print)(struct out *out, const struct diags *diags, bool colour);
};

extern const struct diag_format diag_format_text, diag_format_gcc, diag_format_json, diag_format_sarif,
	diag_format_checkstyle, diag_format_junit, diag_format_xml, diag_format_github, diag_format_gitlab;

/* All of them, ended by NULL; the first is the default. */
extern const struct diag_format *const diag_formats[];

/* NULL if there is none of that name. */
const struct diag_format *diag_format_find(struct text name);

#endif
