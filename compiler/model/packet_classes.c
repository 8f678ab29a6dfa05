/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes: values of a field that no collected set tells apart.
 *
 * The ends of all intervals are swept in ascending order.  A value's signature is the sum (exclusive or) of
 * keys of the sets that it is in; values of one signature are a class, and classes are numbered as they are
 * met.  So the classes that are new within an interval of a set have numbers that follow each other, and
 * those that are not new are in an earlier interval of the set, too: a set is a few runs of numbers,
 * however many values it has.  Keys have 128 random bits, so that nobody can write sets whose sums collide.
 */
#include "model/model_state.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/xmalloc.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LITERAL_ROOM = 64, RUN_ROOM = 2 };

static const uint8_t field_bits[MODEL_FIELDS] = {
#define FIELD(ID, bits, ...) [MODEL_##ID] = bits,
#include "model/field.def"
};

struct number classes_top(enum model_field field)
{
	unsigned bits = field_bits[field];

	if (bits >= 64)
		return (struct number){ bits == 128 ? UINT64_MAX : ((uint64_t)1 << (bits - 64)) - 1,
					UINT64_MAX };
	return number_small(((uint64_t)1 << bits) - 1);
}

/* Whether it is all values of the field. */
static bool classes_is_everything(enum model_field field, const struct interval_set *values)
{
	return values->count == 1 && number_compare(values->ranges[0].first, number_small(0)) == 0 &&
	       number_compare(values->ranges[0].last, classes_top(field)) >= 0;
}

/* ---- collecting ---- */

static uint64_t classes_hash(const struct model_match *match)
{
	return XXH3_64bits_withSeed(match->values.ranges, match->values.count * sizeof(struct interval),
				    (uint64_t)match->field + 1);
}

static uint64_t classes_pointer_key(const struct model_match *match)
{
	return (uint64_t)match->values.count << 32 | (uint64_t)match->field;
}

/* The number of the literal with these contents, or 0. */
static uint32_t classes_find_contents(const struct model *m, const struct model_match *match, uint64_t hash)
{
	const uint32_t *first = packet_index_find(&m->contents, hash, 0);
	uint32_t at = first ? *first : 0;

	for (; at; at = m->literals[at].twin) {
		const struct literal *l = &m->literals[at];

		if (l->field == match->field && l->count == match->values.count &&
		    memcmp(l->ranges, match->values.ranges, l->count * sizeof(*l->ranges)) == 0)
			return at;
	}
	return 0;
}

static struct literal *classes_new_literal(struct model *m)
{
	if (m->literal_count + 1 >= m->literal_room) {
		struct literal *old = m->literals;

		m->literal_room = m->literal_room ? m->literal_room * 2 : LITERAL_ROOM;
		m->literals = ARENA_ARRAY(&m->arena, struct literal, m->literal_room);
		if (old)
			memcpy(m->literals, old, (m->literal_count + 1) * sizeof(*old));
	}
	return &m->literals[++m->literal_count];
}

static uint32_t classes_add_contents(struct model *m, const struct model_match *match, bool is_lasting)
{
	uint64_t hash = classes_hash(match);
	uint32_t found = classes_find_contents(m, match, hash);
	size_t size = match->values.count * sizeof(struct interval);
	struct interval *copy;
	struct literal *l;
	uint32_t *first;
	bool added;

	if (found)
		return found;
	l = classes_new_literal(m);
	l->field = match->field;
	l->ranges = match->values.ranges;
	l->count = match->values.count;
	if (!is_lasting) {
		copy = arena_alloc(&m->arena, size);
		memcpy(copy, l->ranges, size);
		l->ranges = copy;
	}
	m->fields[l->field].interval_count += l->count;
	first = packet_index_add(&m->arena, &m->contents, hash, 0, &added);
	l->twin = *first;
	return *first = m->literal_count;
}

void classes_collect(struct model *m, const struct model_match *match, bool is_lasting)
{
	uint32_t *known, literal;
	bool added;

	if (!match->values.count || classes_is_everything(match->field, &match->values))
		return;
	m->fields[match->field].uses++;
	if (!is_lasting) {
		classes_add_contents(m, match, false);
		return;
	}
	known = packet_index_add(&m->arena, &m->pointers, (uintptr_t)match->values.ranges,
				 classes_pointer_key(match), &added);
	if (!added)
		return;
	literal = classes_add_contents(m, match, true);
	*known = literal;
}

/* ---- sweeping ---- */

/* Where an interval of a set begins, or where the values after it do. */
struct class_end {
	struct number at;
	uint32_t literal;
	bool begins;
};

/* Writes the ends of the literal's intervals, ascending; returns how many. */
static uint32_t classes_ends_of(const struct literal *l, uint32_t number, struct class_end *ends)
{
	struct number top = classes_top(l->field);
	uint32_t count = 0;

	for (uint32_t i = 0; i < l->count && number_compare(l->ranges[i].first, top) <= 0; i++) {
		ends[count++] = (struct class_end){ l->ranges[i].first, number, true };
		if (number_compare(l->ranges[i].last, top) < 0)
			ends[count++] = (struct class_end){ number_next(l->ranges[i].last), number, false };
	}
	return count;
}

static uint32_t classes_merge_two(const struct class_end *a, uint32_t a_count, const struct class_end *b,
				  uint32_t b_count, struct class_end *to)
{
	uint32_t i = 0, j = 0, count = 0;

	while (i < a_count && j < b_count)
		to[count++] = number_compare(a[i].at, b[j].at) <= 0 ? a[i++] : b[j++];
	memcpy(to + count, a + i, (a_count - i) * sizeof(*a));
	memcpy(to + count + a_count - i, b + j, (b_count - j) * sizeof(*b));
	return a_count + b_count;
}

/* Sorts `ends`, of which parts, that end at `bounds`, are sorted; `other` is as large.  Returns one of them. */
static struct class_end *classes_sort(struct class_end *ends, struct class_end *other, uint32_t *bounds,
				      uint32_t part_count)
{
	while (part_count > 1) {
		struct class_end *merged = other;
		uint32_t begin = 0, kept = 0;

		for (uint32_t i = 0; i < part_count; i += 2) {
			uint32_t middle = bounds[i];
			uint32_t end = i + 1 < part_count ? bounds[i + 1] : middle;

			classes_merge_two(ends + begin, middle - begin, ends + middle, end - middle,
					  other + begin);
			bounds[kept++] = begin = end;
		}
		part_count = kept;
		other = ends;
		ends = merged;
	}
	return ends;
}

struct class_key {
	uint64_t a, b;
};

static uint64_t classes_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* The key of a literal: a function of its number that nobody knows before. */
static struct class_key classes_key(const struct class_key *seed, uint32_t number)
{
	uint64_t spread = number * 0x9e3779b97f4a7c15u;

	return (struct class_key){ classes_mix(classes_mix(seed->a + spread) ^ seed->b),
				   classes_mix(classes_mix(seed->b - spread) + seed->a) };
}

/* What a sweep over one field knows. */
struct class_sweep {
	struct model *m;
	struct field_classes *field;
	struct class_key seed, signature;
	struct packet_index signatures;
	struct arena arena; /* of the sweep only */
};

static void classes_begin_interval(struct class_sweep *s, struct literal *l)
{
	l->from = s->field->count;
}

/* The classes that were met first within the interval belong to the literal. */
static void classes_end_interval(struct class_sweep *s, struct literal *l)
{
	uint32_t end = s->field->count;

	if (l->from == end)
		return;
	if (l->run_count && l->runs[l->run_count - 1].last + 1 == l->from) {
		l->runs[l->run_count - 1].last = end - 1;
		return;
	}
	if (l->run_count == l->run_room) {
		struct class_run *old = l->runs;

		l->run_room = l->run_room ? l->run_room * 2 : RUN_ROOM;
		l->runs = ARENA_ARRAY(&s->m->arena, struct class_run, l->run_room);
		if (old)
			memcpy(l->runs, old, l->run_count * sizeof(*old));
	}
	l->runs[l->run_count++] = (struct class_run){ l->from, end - 1 };
}

static void classes_toggle(struct class_sweep *s, const struct class_end *end)
{
	struct class_key key = classes_key(&s->seed, end->literal);
	struct literal *l = &s->m->literals[end->literal];

	s->signature.a ^= key.a;
	s->signature.b ^= key.b;
	if (end->begins)
		classes_begin_interval(s, l);
	else
		classes_end_interval(s, l);
}

static void classes_add_piece(struct class_sweep *s, struct number first)
{
	bool added;
	uint32_t *class = packet_index_add(&s->arena, &s->signatures, s->signature.a, s->signature.b, &added);

	if (added)
		*class = s->field->count++;
	s->field->pieces[s->field->piece_count++] = (struct class_piece){ first, *class };
}

/* All ends, sorted; from the sweep's arena. */
static struct class_end *classes_all_ends(struct class_sweep *s, const uint32_t *literals,
					  uint32_t literal_count, uint32_t *count)
{
	uint32_t most = s->field->interval_count * 2;
	struct class_end *ends = ARENA_ARRAY(&s->arena, struct class_end, most + 1);
	struct class_end *other = ARENA_ARRAY(&s->arena, struct class_end, most + 1);
	uint32_t *bounds = ARENA_ARRAY(&s->arena, uint32_t, literal_count + 1);

	*count = 0;
	for (uint32_t i = 0; i < literal_count; i++) {
		*count += classes_ends_of(&s->m->literals[literals[i]], literals[i], ends + *count);
		bounds[i] = *count;
	}
	return classes_sort(ends, other, bounds, literal_count);
}

static void classes_sweep(struct class_sweep *s, enum model_field field, const uint32_t *literals,
			  uint32_t literal_count)
{
	uint32_t count, i = 0;
	const struct class_end *ends;

	s->signature = (struct class_key){ 0, 0 };
	s->signatures = (struct packet_index){ 0 };
	s->field = &s->m->fields[field];
	ends = classes_all_ends(s, literals, literal_count, &count);
	s->field->pieces = ARENA_ARRAY(&s->m->arena, struct class_piece, count + 1);
	if (!count || number_compare(ends[0].at, number_small(0)) > 0)
		classes_add_piece(s, number_small(0));
	while (i < count) {
		struct number at = ends[i].at;

		for (; i < count && number_compare(ends[i].at, at) == 0; i++)
			classes_toggle(s, &ends[i]);
		classes_add_piece(s, at);
	}
	/* What reaches to the field's largest value ends here. */
	for (i = 0; i < literal_count; i++) {
		struct literal *l = &s->m->literals[literals[i]];

		if (number_compare(l->ranges[l->count - 1].last, classes_top(field)) >= 0)
			classes_end_interval(s, l);
	}
}

static uint32_t classes_width(uint32_t count)
{
	uint32_t width = 0;

	while (((uint64_t)1 << width) < count)
		width++;
	return width;
}

/* The numbers of the literals by field: those of field f end at bounds[f]. */
static uint32_t *classes_by_field(struct class_sweep *s, uint32_t bounds[MODEL_FIELDS])
{
	const struct model *m = s->m;
	uint32_t *sorted = ARENA_ARRAY(&s->arena, uint32_t, m->literal_count + 1);
	uint32_t counts[MODEL_FIELDS] = { 0 }, end = 0;

	for (uint32_t i = 1; i <= m->literal_count; i++)
		counts[m->literals[i].field]++;
	for (int f = 0; f < MODEL_FIELDS; f++) {
		bounds[f] = end;
		end += counts[f];
	}
	for (uint32_t i = 1; i <= m->literal_count; i++)
		sorted[bounds[m->literals[i].field]++] = i;
	return sorted;
}

/*
 * The order of the variables is that of the fields, but for source ports.  Few rules ask them, and then they
 * are better last: 2,000 rules with overlapping prefixes, a third with source ports, took 3.3 instead of 11.5
 * million steps.  With source ports in each rule it was the other way round, 14.1 instead of 4.2 million.
 */
static void classes_order(const struct model *m, enum model_field order[MODEL_FIELDS])
{
	bool rare = m->fields[MODEL_SPORT].uses < m->fields[MODEL_DPORT].uses / 2;
	int count = 0;

	for (int f = 0; f < MODEL_FIELDS; f++) {
		if (f != MODEL_SPORT || !rare)
			order[count++] = (enum model_field)f;
		if (f == MODEL_DEST6 && rare)
			order[count++] = MODEL_SPORT;
	}
}

static void classes_number_vars(struct model *m)
{
	enum model_field order[MODEL_FIELDS];
	uint32_t vars = 0, var = 0;

	classes_order(m, order);
	for (int i = 0; i < MODEL_FIELDS; i++) {
		struct field_classes *f = &m->fields[order[i]];

		f->first_var = vars;
		f->width = classes_width(f->count);
		vars += f->width;
	}
	m->field_of_var = ARENA_ARRAY(&m->arena, uint8_t, vars);
	for (int i = 0; i < MODEL_FIELDS; i++)
		for (uint32_t bit = 0; bit < m->fields[order[i]].width; bit++)
			m->field_of_var[var++] = (uint8_t)order[i];
	dd_reset(&m->dd, vars);
}

void classes_make(struct model *m)
{
	struct class_sweep s = { .m = m };
	uint32_t bounds[MODEL_FIELDS], begin = 0;
	const uint32_t *sorted;

	/* It cannot fail: 16 bytes are given in one piece. */
	if (getrandom(&s.seed, sizeof(s.seed), 0) != sizeof(s.seed))
		abort();
	sorted = classes_by_field(&s, bounds);
	for (int f = 0; f < MODEL_FIELDS; f++) {
		struct arena_mark mark = arena_mark(&s.arena);

		classes_sweep(&s, (enum model_field)f, sorted + begin, bounds[f] - begin);
		begin = bounds[f];
		arena_release(&s.arena, mark);
	}
	arena_free(&s.arena);
	classes_number_vars(m);
}

/* ---- encoding ---- */

struct class_encoder {
	struct dd *dd;
	const struct field_classes *field;
};

/* The first run that ends at `class` or after it. */
static uint32_t classes_find_run(const struct class_run *runs, uint32_t count, uint64_t class)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (runs[middle].last < class)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of the numbers from `base` on that differ in the lowest `bits`, those within the runs. */
static uint32_t classes_encode(const struct class_encoder *e, const struct class_run *runs, uint32_t count,
			       uint64_t base, uint32_t bits)
{
	uint64_t end = base + ((uint64_t)1 << bits) - 1, middle;
	uint32_t first = classes_find_run(runs, count, base), low, high;

	if (first == count || runs[first].first > end)
		return DD_FALSE;
	if (runs[first].first <= base && runs[first].last >= end)
		return DD_TRUE;
	middle = base + ((uint64_t)1 << (bits - 1));
	low = classes_encode(e, runs + first, count - first, base, bits - 1);
	high = classes_encode(e, runs + first, count - first, middle, bits - 1);
	return dd_make(e->dd, e->field->first_var + e->field->width - bits, low, high);
}

packets classes_runs(struct model *m, enum model_field field, const struct class_run *runs, uint32_t count)
{
	struct class_encoder e = { &m->dd, &m->fields[field] };
	struct class_run last;
	uint64_t codes = (uint64_t)1 << e.field->width;

	if (!count)
		return PACKETS_NONE;
	last = runs[count - 1];
	/* The codes of no class belong to the last class. */
	if (last.last == e.field->count - 1 && last.last + 1 < codes)
		return dd_or(&m->dd, classes_encode(&e, runs, count - 1, 0, e.field->width),
			     classes_encode(&e, &(struct class_run){ last.first, (uint32_t)(codes - 1) }, 1,
					    0, e.field->width));
	return classes_encode(&e, runs, count, 0, e.field->width);
}

uint32_t classes_of_value(const struct model *m, enum model_field field, struct number value)
{
	const struct field_classes *f = &m->fields[field];
	uint32_t low = 0, high = f->piece_count;

	/* The last piece that begins at the value or before it. */
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (number_compare(f->pieces[middle].first, value) <= 0)
			low = middle;
		else
			high = middle;
	}
	return f->pieces[low].class;
}

static struct number classes_piece_last(const struct model *m, enum model_field field, uint32_t piece)
{
	const struct field_classes *f = &m->fields[field];

	return piece + 1 < f->piece_count ? number_previous(f->pieces[piece + 1].first) : classes_top(field);
}

struct interval_set classes_values(const struct model *m, struct arena *arena, enum model_field field,
				   const bool *in)
{
	const struct field_classes *f = &m->fields[field];
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, f->piece_count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < f->piece_count; i++) {
		if (!in[f->pieces[i].class])
			continue;
		if (i && in[f->pieces[i - 1].class])
			ranges[count - 1].last = classes_piece_last(m, field, i);
		else
			ranges[count++] = (struct interval){ f->pieces[i].first,
							     classes_piece_last(m, field, i) };
	}
	return (struct interval_set){ ranges, count };
}

/* ---- sets ---- */

static uint32_t classes_find(const struct model *m, const struct model_match *match)
{
	const uint32_t *known = packet_index_find(&m->pointers, (uintptr_t)match->values.ranges,
						  classes_pointer_key(match));

	return known ? *known : classes_find_contents(m, match, classes_hash(match));
}

/*
 * Of a set that was not collected, but may consist of classes.  Whoever asks for one that cuts a class has
 * forgotten to add it: any answer would be wrong.
 */
static packets classes_match_uncollected(struct model *m, const struct model_match *match)
{
	const struct field_classes *f = &m->fields[match->field];
	bool *in = xcalloc(f->count, sizeof(*in)), *out = xcalloc(f->count, sizeof(*out));
	struct class_run *runs = xmalloc(f->count * sizeof(*runs));
	uint32_t count = 0;
	packets set;

	for (uint32_t i = 0; i < f->piece_count; i++) {
		const struct interval piece = { f->pieces[i].first, classes_piece_last(m, match->field, i) };
		const struct interval_set values = { &piece, 1 };

		if (interval_set_contains(&match->values, &values))
			in[f->pieces[i].class] = true;
		else if (interval_set_overlaps(&match->values, &values))
			abort();
		else
			out[f->pieces[i].class] = true;
	}
	for (uint32_t i = 0; i < f->count; i++) {
		if (in[i] && out[i])
			abort();
		if (in[i] && i && in[i - 1])
			runs[count - 1].last = i;
		else if (in[i])
			runs[count++] = (struct class_run){ i, i };
	}
	set = classes_runs(m, match->field, runs, count);
	free(in);
	free(out);
	free(runs);
	return set;
}

/* Of the packets `among`, those with values of `set`, or without. */
static packets classes_pick(struct model *m, packets among, packets set, bool negated)
{
	return negated ? dd_minus(&m->dd, among, set) : dd_and(&m->dd, among, set);
}

packets classes_match(struct model *m, const struct model_match *match, packets among)
{
	struct literal *l;
	uint32_t number;

	if (!match->values.count || classes_is_everything(match->field, &match->values))
		return (match->values.count != 0) != match->negated ? among : PACKETS_NONE;
	number = classes_find(m, match);
	if (!number)
		return classes_pick(m, among, classes_match_uncollected(m, match), match->negated);
	l = &m->literals[number];
	if (!l->has[match->negated]) {
		packets set = classes_runs(m, l->field, l->runs, l->run_count);

		l->set[match->negated] = classes_pick(m, among, set, match->negated);
		l->has[match->negated] = true;
	}
	return l->set[match->negated];
}
