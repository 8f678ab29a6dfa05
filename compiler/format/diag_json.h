/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions shared by the JSON formats. */
#ifndef PVEFW_DIAG_JSON_H
#define PVEFW_DIAG_JSON_H

#include <jansson.h>

#include "diag/diag.h"
#include "base/output.h"

/* Prints and gives back `value`; NULL, when there was no memory for it, ends the process. */
void json_print(struct out *out, json_t *value);
/* A string that is safe on a terminal: control characters and invalid UTF-8 are escaped. */
json_t *json_escaped(struct text text);

/* Adds `nodes`, the names of those that it is true of, unless that is all or it is of no node in particular. */
void json_add_nodes(json_t *object, const struct diags *diags, const struct diagnostic *d);

#endif
