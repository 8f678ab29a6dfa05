/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In what two lists of lines differ, for people: both are sorted, and walked through together. */
#include <stdlib.h>

#include "xtables/load/xt_state.h"
#include "base/xmalloc.h"

struct lines {
	struct text *items;
	uint32_t count;
};

static int by_text(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static struct lines sort_lines(struct text text)
{
	struct lines lines = { NULL, 0 };
	uint32_t start = 0, count = 0;

	for (uint32_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	lines.items = xmalloc((count + 1) * sizeof(*lines.items));
	for (uint32_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\n') {
			lines.items[lines.count++] = (struct text){ text.ptr + start, i - start };
			start = i + 1;
		}
	if (lines.count)
		qsort(lines.items, lines.count, sizeof(*lines.items), by_text);
	return lines;
}

struct xt_difference xt_difference_of(struct text wanted, struct text found)
{
	struct lines a = sort_lines(wanted), b = sort_lines(found);
	struct xt_difference d = { .missing = 0 };
	uint32_t i = 0, j = 0;

	while (i < a.count || j < b.count) {
		int order = i == a.count ? 1 : j == b.count ? -1 : text_compare(a.items[i], b.items[j]);

		if (order < 0 && !d.missing++)
			d.first_missing = a.items[i];
		if (order > 0 && !d.foreign++)
			d.first_foreign = b.items[j];
		i += order <= 0;
		j += order >= 0;
	}
	free(a.items);
	free(b.items);
	return d;
}

void xt_difference_print(struct out *out, const struct xt_difference *d, const char *thing)
{
	if (!d->missing && !d->foreign)
		out_printf(out, "the %ss are in a different order", thing);
	if (d->missing)
		out_printf(out, "%u %s%s missing", d->missing, thing, d->missing == 1 ? "" : "s");
	if (d->missing && d->foreign)
		out_string(out, ", ");
	if (d->foreign)
		out_printf(out, "%u foreign %s%s", d->foreign, thing, d->foreign == 1 ? "" : "s");
}
