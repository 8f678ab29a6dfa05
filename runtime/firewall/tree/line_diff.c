/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986) on lines, without the common beginning
 * and end of both texts.  Each step keeps the furthest points that it has reached; the path is followed back through them.
 *
 * Memory grows with the square of the number of differences.  Beyond DIFFERENCES_MOST all lines in between are removed and
 * added: a correct difference, if not the shortest.
 */
#include "firewall/tree/line_diff.h"

#include "base/arena.h"
#include "base/escape.h"

enum { CONTEXT = 3, DIFFERENCES_MOST = 600 };

struct lines {
	struct text *all;
	bool *differs; /* removed, or added */
	int count;
};

struct pair {
	struct arena arena;
	struct lines before, after;
};

static void lines_split(struct arena *arena, struct text t, struct lines *lines)
{
	int count = 0;

	for (uint32_t i = 0; i < t.len; i++)
		count += t.ptr[i] == '\n';
	count += t.len && t.ptr[t.len - 1] != '\n';
	lines->all = ARENA_ARRAY(arena, struct text, (uint32_t)count + 1);
	lines->differs = ARENA_ARRAY(arena, bool, (uint32_t)count + 1);
	lines->count = count;
	for (int i = 0; i < count; i++)
		text_cut_line(&t, &lines->all[i]);
}

static bool equal(const struct pair *p, int before, int after)
{
	return text_equal(p->before.all[before], p->after.all[after]);
}

static void lines_mark(struct lines *lines, int first, int end)
{
	for (int i = first; i < end; i++)
		lines->differs[i] = true;
}

/* The part of both texts that is compared, and the furthest points of each step. */
struct search {
	struct pair *pair;
	int first, n, m;                    /* lines [first, first + n) of `before`, [first, first + m) of `after` */
	int *steps[DIFFERENCES_MOST + 1]; /* steps[d][k + d]: x on the diagonal k = x - y, after d differences */
};

static int line_diff_reached(const struct search *s, int d, int k)
{
	return k < -d || k > d ? -1 : s->steps[d][k + d];
}

/* Whether the path to diagonal k with d differences comes from the one above: by an added line. */
static bool comes_from_above(const struct search *s, int d, int k)
{
	return k == -d || (k != d && line_diff_reached(s, d - 1, k - 1) < line_diff_reached(s, d - 1, k + 1));
}

/* The number of differences; -1: too many. */
static int line_diff_find(struct search *s)
{
	for (int d = 0; d <= DIFFERENCES_MOST; d++) {
		s->steps[d] = ARENA_ARRAY(&s->pair->arena, int, 2 * (uint32_t)d + 1);
		for (int k = -d; k <= d; k += 2) {
			int x = d == 0 ? 0 : comes_from_above(s, d, k) ? line_diff_reached(s, d - 1, k + 1) : line_diff_reached(s, d - 1, k - 1) + 1;

			while (x < s->n && x - k < s->m && equal(s->pair, s->first + x, s->first + x - k))
				x++;
			s->steps[d][k + d] = x;
			if (x >= s->n && x - k >= s->m)
				return d;
		}
	}
	return -1;
}

static void follow_back(struct search *s, int d)
{
	int x = s->n, y = s->m;

	for (; d > 0; d--) {
		int k = x - y;

		if (comes_from_above(s, d, k)) {
			x = line_diff_reached(s, d - 1, k + 1);
			y = x - (k + 1);
			s->pair->after.differs[s->first + y] = true;
		} else {
			x = line_diff_reached(s, d - 1, k - 1);
			y = x - (k - 1);
			s->pair->before.differs[s->first + x] = true;
		}
	}
}

static void line_diff_compare(struct pair *p, struct text before, struct text after)
{
	struct search s = { .pair = p };
	int differences;

	*p = (struct pair){ .before = { .count = 0 } };
	lines_split(&p->arena, before, &p->before);
	lines_split(&p->arena, after, &p->after);
	s.n = p->before.count;
	s.m = p->after.count;
	while (s.first < s.n && s.first < s.m && equal(p, s.first, s.first))
		s.first++;
	while (s.n > s.first && s.m > s.first && equal(p, s.n - 1, s.m - 1)) {
		s.n--;
		s.m--;
	}
	s.n -= s.first;
	s.m -= s.first;
	differences = line_diff_find(&s);
	if (differences >= 0) {
		follow_back(&s, differences);
	} else {
		lines_mark(&p->before, s.first, s.first + s.n);
		lines_mark(&p->after, s.first, s.first + s.m);
	}
}

static unsigned count_of(const struct lines *lines)
{
	unsigned count = 0;

	for (int i = 0; i < lines->count; i++)
		count += lines->differs[i];
	return count;
}

void line_diff_count(struct text before, struct text after, unsigned *removed, unsigned *added)
{
	struct pair p;

	line_diff_compare(&p, before, after);
	*removed = count_of(&p.before);
	*added = count_of(&p.after);
	arena_free(&p.arena);
}

/* ---- printing ---- */

static void line_diff_print_line(struct out *out, char sign, struct text line)
{
	bool ends = line.len && line.ptr[line.len - 1] == '\n';

	line.len -= ends;
	out_char(out, sign);
	while (line.len) {
		long tab = text_find(line, '\t');
		uint32_t len = tab < 0 ? line.len : (uint32_t)tab;

		out_escaped(out, (struct text){ line.ptr, len });
		if (tab >= 0)
			out_char(out, '\t');
		len += tab >= 0;
		line = (struct text){ line.ptr + len, line.len - len };
	}
	out_string(out, ends ? "\n" : "\n\\ No newline at end of file\n");
}

static void line_diff_print_range(struct out *out, char sign, int first, int count)
{
	/* The line before, if there is none. */
	out_printf(out, "%c%d", sign, count ? first + 1 : first);
	if (count != 1)
		out_printf(out, ",%d", count);
}

/* Where a hunk is in both texts. */
struct hunk {
	int before, after, before_end, after_end;
};

static bool differs_at(const struct lines *lines, int line)
{
	return line < lines->count && lines->differs[line];
}

/* Extends the hunk over differences that have at most twice the context between them. */
static void extend(const struct pair *p, struct hunk *h)
{
	int x = h->before_end, y = h->after_end, same = 0;

	while ((x < p->before.count || y < p->after.count) && same <= 2 * CONTEXT) {
		if (differs_at(&p->before, x) || differs_at(&p->after, y)) {
			while (differs_at(&p->before, x))
				x++;
			while (differs_at(&p->after, y))
				y++;
			h->before_end = x;
			h->after_end = y;
			same = 0;
		} else {
			x++;
			y++;
			same++;
		}
	}
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static void line_diff_print_hunk(struct out *out, const struct pair *p, const struct hunk *h)
{
	int x = h->before, y = h->after;

	out_string(out, "@@ ");
	line_diff_print_range(out, '-', h->before, h->before_end - h->before);
	out_char(out, ' ');
	line_diff_print_range(out, '+', h->after, h->after_end - h->after);
	out_string(out, " @@\n");
	while (x < h->before_end || y < h->after_end) {
		while (x < h->before_end && p->before.differs[x])
			line_diff_print_line(out, '-', p->before.all[x++]);
		while (y < h->after_end && p->after.differs[y])
			line_diff_print_line(out, '+', p->after.all[y++]);
		if (x < h->before_end) {
			line_diff_print_line(out, ' ', p->before.all[x++]);
			y++;
		}
	}
}

void line_diff_print(struct out *out, struct text before, struct text after)
{
	struct pair p;
	int x = 0, y = 0;

	line_diff_compare(&p, before, after);
	while (x < p.before.count || y < p.after.count) {
		struct hunk h;
		int lead, tail;

		if (!differs_at(&p.before, x) && !differs_at(&p.after, y)) {
			x++;
			y++;
			continue;
		}
		lead = least(x, CONTEXT);
		h = (struct hunk){ x - lead, y - lead, x, y };
		extend(&p, &h);
		x = h.before_end;
		y = h.after_end;
		tail = least(least(p.before.count - x, p.after.count - y), CONTEXT);
		h.before_end += tail;
		h.after_end += tail;
		line_diff_print_hunk(out, &p, &h);
	}
	arena_free(&p.arena);
}
