/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the candidate with the fewest edits, the first of equals. */
#include "resolve.h"

void suggest_start(struct suggestion *s, struct text wanted)
{
	*s = (struct suggestion){ .wanted = wanted, .distance = 1 + (wanted.len + 1) / 3 };
	if (s->distance > 4)
		s->distance = 4;
}

void suggest(struct suggestion *s, struct text candidate, struct span span)
{
	unsigned distance = text_distance(s->wanted, candidate, s->distance);

	if (distance >= s->distance)
		return;
	s->best = candidate;
	s->distance = distance;
	s->span = span;
}

struct diagnostic *suggest_to(struct diagnostic *d, const struct suggestion *s, struct span replace,
			      const char *prefix)
{
	if (!s->best.len)
		return d;
	if (s->span.begin)
		diag_label(d, s->span, "a similar name is defined here");
	diag_help(d, "did you mean `%s%.*s`?", prefix, TEXT_ARG(s->best));
	return diag_fix(d, replace, "%s%.*s", prefix, TEXT_ARG(s->best));
}
