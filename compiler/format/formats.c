/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of output formats. */
#include "format/formats.h"

const struct diag_format *const diag_formats[] = {
	&diag_format_text,       &diag_format_gcc,
	&diag_format_json,       &diag_format_sarif,
	&diag_format_checkstyle, &diag_format_junit,
	&diag_format_xml,        &diag_format_github,
	&diag_format_gitlab,     NULL,
};

const struct diag_format *diag_format_find(struct text name)
{
	for (unsigned i = 0; diag_formats[i]; i++)
		if (text_is(name, diag_formats[i]->name))
			return diag_formats[i];
	return NULL;
}
