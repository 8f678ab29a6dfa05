/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reporting mistakes in rules and in entries of sets. */
#ifndef PVEFW_RULE_REPORT_H
#define PVEFW_RULE_REPORT_H

#include "config/left_out.h"
#include "resolve/resolver.h"

/* Reports that the present rule or entry is wrong, and notes what happens to the traffic because it is ignored. */
struct diagnostic *rule_error(struct resolver *r, struct span span, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* As rule_error(), without that note. */
struct diagnostic *rule_fail(struct resolver *r, struct span span, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Adds that note, and returns `d`. */
struct diagnostic *rule_note_effect(const struct resolver *r, struct diagnostic *d);
/* Reports an empty element of a comma list, which ends at byte `at` of the value. */
void rule_empty_item(struct resolver *r, struct word value, uint32_t at);
/* If the kernel or a tool has refused a line (left_out.h), reports that, with the note `effect` unless it is NULL.
 * Otherwise returns NULL. */
struct diagnostic *refused_report_line(struct resolver *r, struct span line, const char *effect);
static inline struct diagnostic *refused_report(struct resolver *r, struct span line, const char *effect)
{
	const struct left_out *left_out = r->config->left_out;

	return left_out && left_out->lines ? refused_report_line(r, line, effect) : NULL;
}

#endif
