/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service's left-out rules as JSON: commands that compare must leave them out, too. */
#ifndef PVEFW_LEFT_OUT_JSON_H
#define PVEFW_LEFT_OUT_JSON_H

#include <jansson.h>

#include "config/left_out.h"

/* The caller owns it. */
json_t *left_out_json(const struct left_out *left_out);
/* Adds what left_out_json() has made; ignores anything else. */
void left_out_read_json(struct left_out *left_out, const json_t *json);

#endif
