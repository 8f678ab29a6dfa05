/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was left out of a compilation, as conditions. */
#ifndef PVEFW_LEFT_OUT_STATE_H
#define PVEFW_LEFT_OUT_STATE_H

#include "firewall/service/compilation.h"
#include "firewall/base/conditions.h"

/* States the conditions of lines and layers; layers that would be empty are none. */
void left_out_state(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out);
/* Whether something that is in force is less than what is written. */
bool left_out_is_condition(const struct service_condition *condition);

#endif
