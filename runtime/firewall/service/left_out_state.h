/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was left out of a compilation because it was refused, as conditions. */
#ifndef PVEFW_LEFT_OUT_STATE_H
#define PVEFW_LEFT_OUT_STATE_H

#include "firewall/service/compilation.h"
#include "firewall/base/conditions.h"

/* States the conditions of lines, rules and layers that are left out; layers that would be empty do not count. */
void left_out_state(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out);
/* Whether a condition says that less is in force than the files say. */
bool left_out_is_condition(const struct service_condition *condition);

#endif
