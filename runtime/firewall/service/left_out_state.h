/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions for the refused rules that a compilation leaves out. */
#ifndef PVEFW_LEFT_OUT_STATE_H
#define PVEFW_LEFT_OUT_STATE_H

#include "firewall/service/compilation.h"
#include "firewall/base/conditions.h"

/* States the conditions of lines, rules and layers that are left out; layers that would be empty do not count. */
void left_out_state(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out);
/* Whether a condition reports that fewer rules are loaded than the files contain. */
bool left_out_is_condition(const struct service_condition *condition);

#endif
