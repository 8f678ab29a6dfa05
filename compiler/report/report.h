/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report on a configuration, for those who must answer for a firewall: collected once, and printed as a page (html.c)
 * or as XML (xml.c).
 */
#ifndef PVEFW_REPORT_H
#define PVEFW_REPORT_H

#include "base/output.h"
#include "inputs/inputs.h"

struct report;

/* Makes the report of what compile() made of `inputs`, whose diagnostics are sorted; `now` is the text of --now or NULL. */
struct report *report_new(const struct config *config, const struct inputs *inputs, const char *now);

void report_html(struct out *out, const struct report *report);
/* See the schema pvefw-report.rng. */
void report_xml(struct out *out, const struct report *report);

#endif
