/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of output formats. */
#include "diag_format.h"

const struct diag_format *const diag_formats[] = {
	&diag_format_text,
	NULL,
};

const struct diag_format *diag_format_find(struct text name)
{
	for (unsigned i = 0; diag_formats[i]; i++)
		if (text_is(name, diag_formats[i]->name))
			return diag_formats[i];
	return NULL;
}
