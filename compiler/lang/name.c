/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/name.h"

bool name_is_valid(struct text name)
{
	if (name.len < 2 || !char_is_letter(name.ptr[0]))
		return false;
	for (uint32_t i = 1; i < name.len; i++)
		if (!char_is_letter(name.ptr[i]) && !char_is_digit(name.ptr[i]) &&
		    name.ptr[i] != '-' && name.ptr[i] != '_')
			return false;
	return true;
}
