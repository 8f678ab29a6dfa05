/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of aliases, IP sets and security groups. */
#ifndef PVEFW_NAME_H
#define PVEFW_NAME_H

#include "base/text.h"
#include "lang/limit_table.h"

/* In characters. */
enum { SET_NAME_MAX = LIMIT_SET_NAME, GROUP_NAME_MAX = LIMIT_GROUP_NAME, ALIAS_NAME_MAX = LIMIT_ALIAS_NAME };

/* [A-Za-z][A-Za-z0-9_-]+, of any length */
bool name_is_valid(struct text name);

#endif
