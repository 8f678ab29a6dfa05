/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of the tables of the language, and of the catalogue of diagnostics, as JSON: schemas/ describes them.
 *
 * Each function appends to `rows` those of a name, or all if name.ptr is NULL, and returns whether there were any.
 */
#ifndef PVEFW_TABLE_JSON_H
#define PVEFW_TABLE_JSON_H

#include "diag/diag.h"
#include "format/diag_json.h"

bool add_macros_json(json_t *rows, struct text name);
bool add_options_json(json_t *rows, struct text name);
bool add_icmp_types_json(json_t *rows, struct text name);
void add_diagnostic_json(json_t *rows, const struct diag_row *row);

#endif
