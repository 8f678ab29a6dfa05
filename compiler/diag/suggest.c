/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/suggest.h"

#include "lang/tables.h"

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

/* Whether `whole` begins with `part`: case, hyphens and underscores do not count. */
static bool begins_with(struct text whole, struct text part)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < part.len; i++) {
		if (part.ptr[i] == '-' || part.ptr[i] == '_')
			continue;
		while (at < whole.len && (whole.ptr[at] == '-' || whole.ptr[at] == '_'))
			at++;
		if (at == whole.len || char_lower(whole.ptr[at]) != char_lower(part.ptr[i]))
			return false;
		at++;
	}
	return true;
}

void suggest_word(struct suggestion *s, struct text candidate)
{
	bool longer = candidate.len >= 3 && begins_with(s->wanted, candidate);
	bool shorter = s->wanted.len >= 2 && begins_with(candidate, s->wanted);

	if ((longer || shorter) && s->distance) {
		s->best = candidate;
		s->distance = 0;
		return;
	}
	suggest(s, candidate, SPAN_NONE);
}

void suggest_diagnostic(struct suggestion *s, struct text wanted)
{
	suggest_start(s, wanted);
	for (int i = 0; i < DIAG_COUNT; i++)
		suggest(s, text_of(diag_catalogue[i].name), SPAN_NONE);
}

/* The level that a number of syslog's or a longer or shorter word means. */
static struct text log_level_near(struct text t)
{
	struct suggestion s;

	if (t.len == 1 && t.ptr[0] >= '0' && t.ptr[0] <= '7')
		return text_of(log_level_names[t.ptr[0] - '0']);
	suggest_start(&s, t);
	for (int i = 0; i < LOG_LEVELS; i++)
		suggest(&s, text_of(log_level_names[i]), SPAN_NONE);
	for (int i = 0; i < LOG_LEVELS && !s.best.len; i++) {
		struct text name = text_of(log_level_names[i]);
		uint32_t len = t.len < name.len ? t.len : name.len;

		if (len >= 3 &&
		    text_equal_nocase((struct text){ t.ptr, len }, (struct text){ name.ptr, len }))
			s.best = name;
	}
	return s.best;
}

struct diagnostic *suggest_log_level(struct diagnostic *d, struct word level)
{
	struct suggestion s = { .best = log_level_near(word_text(level)) };

	if (!s.best.len)
		return diag_help(d, "write emerg, alert, crit, err, warning, notice, info, debug or nolog");
	return suggest_to(d, &s, word_span(level), "");
}

bool suggest_among(uint32_t *compared, uint32_t names)
{
	enum { COMPARED_MOST = 4000000 };

	if (*compared > COMPARED_MOST)
		return false;
	*compared += names;
	return true;
}

struct diagnostic *suggest_to(struct diagnostic *d, const struct suggestion *s, struct span replace,
			      const char *prefix)
{
	if (!s->best.len)
		return d;
	if (s->span.begin)
		diag_label(d, s->span, "a similar name is defined here");
	diag_help(d, "did you mean `%s%.*s`?", prefix, TEXT_ARG(s->best));
	return diag_guess(d, replace, "%s%.*s", prefix, TEXT_ARG(s->best));
}
