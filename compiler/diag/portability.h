/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The group `portability` of diagnostics (spec 5.5), a row of portability.def each. */
#ifndef PVEFW_PORTABILITY_H
#define PVEFW_PORTABILITY_H

#include "diag/diag.h"

struct portability_row {
	enum diag_id id;
	const char *input;   /* the text in the file */
	const char *stock;   /* the effect with the stock compiler */
	const char *preview; /* the effect with the nftables preview */
};

extern const struct portability_row portability_table[];
extern const unsigned portability_count;

/* The row of a diagnostic; NULL if it is of another group. */
const struct portability_row *portability_find(enum diag_id id);

#endif
