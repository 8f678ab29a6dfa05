/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/portability.h"

const struct portability_row portability_table[] = {
#define PORTABILITY(ID, input, stock, preview) { DIAG_##ID, input, stock, preview },
#include "diag/portability.def"
#undef PORTABILITY
};

const unsigned portability_count = sizeof(portability_table) / sizeof(portability_table[0]);

const struct portability_row *portability_find(enum diag_id id)
{
	for (unsigned i = 0; i < portability_count; i++)
		if (portability_table[i].id == id)
			return &portability_table[i];
	return NULL;
}
