/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach what: the zones of a report against the sources that its rules name, and against the destinations that
 * its rules for outgoing packets name.
 *
 * A cell holds the services that accepting rules let in or out, including those of security groups.  What earlier rules
 * block is subtracted exactly (packets/packet_set.h): a rule without packets left has no service, one that has lost some
 * is marked.  The sources that most zones let in have columns of their own, the others share one.
 *
 * Guests may send everything by default, so the rules that block something say most about them: if the policy accepts,
 * the second matrix has those, too.
 */
#include "report/model.h"

#include <stdlib.h>

#include "packets/packet_set.h"

enum {
	COMPARISONS_MOST = 400000, /* of rules with earlier ones, in one matrix */
	CUBES_MOST = 64,           /* pieces of one rule */
};

/* A source, and the last zone that was counted for it. */
struct column {
	const char *name;
	struct report_source source;
	const struct report_zone *counted;
	uint32_t index; /* of the column */
	UT_hash_handle hh;
};

struct matrix {
	struct report_builder *b;
	enum report_way way;
	struct report_matrix *matrix; /* to be filled */
	struct space *space;
	struct arena scratch;
	struct column *columns; /* uthash */
	struct packet_set blocked;  /* by the rules of the present zone so far */
	struct packet_set passed;   /* accepted by them, if denied packets are shown */
	uint32_t comparisons;
	struct report_zone *zone;
	bool shows_denied; /* in the second matrix, if the policy of the present chain accepts */
};

/* The first and the last column. */
static const char *const everyone[REPORT_WAYS] = { "everyone", "anywhere" };
static const char *const others[REPORT_WAYS] = { "other sources", "other destinations" };

/* ---- the remaining packets of a rule ---- */

enum left {
	LEFT_ALL,
	LEFT_PARTLY,
	LEFT_NOTHING,
};

/* Subtracts what earlier rules decide; false: that would be too much work. */
static bool subtract_earlier_rules(struct matrix *m, struct packet_set *set, const struct packet_set *before, bool *taken)
{
	m->comparisons += set->count * before->count;
	if (before->count && m->comparisons > COMPARISONS_MOST)
		return false;
	for (uint32_t i = 0; i < before->count && set->count; i++) {
		if (set->count > CUBES_MOST)
			return false;
		*taken |= packet_set_subtract(&m->scratch, set, &before->cubes[i]);
	}
	return true;
}

static enum left what_is_left(struct matrix *m, const struct rule *rule, struct text iface)
{
	bool denies = rule->action != ACTION_ACCEPT, taken = false;
	struct packet_set set;

	if (!m->blocked.count && !(denies && m->passed.count))
		return LEFT_ALL;
	set = space_rule(m->space, rule, iface);
	if (!subtract_earlier_rules(m, &set, &m->blocked, &taken) ||
	    (denies && !subtract_earlier_rules(m, &set, &m->passed, &taken)))
		return LEFT_PARTLY;
	return !set.count ? LEFT_NOTHING : taken ? LEFT_PARTLY : LEFT_ALL;
}

static void add_to(struct matrix *m, struct packet_set *before, const struct rule *rule, struct text iface)
{
	struct packet_set set;

	if (m->comparisons > COMPARISONS_MOST)
		return;
	set = space_rule(m->space, rule, iface);
	packet_set_add_all(&m->scratch, before, &set);
}

/* ---- sources ---- */

static struct column *find_column(struct matrix *m, const char *name)
{
	struct column *column;

	HASH_FIND_STR(m->columns, name, column);
	if (column)
		return column;
	column = ARENA_NEW(m->b->arena, struct column);
	column->name = column->source.name = name;
	HASH_ADD_KEYPTR(hh, m->columns, name, strlen(name), column);
	return column;
}

/* The other end of the row's accepted packets; NULL: anywhere. */
static const char *other_end(const struct matrix *m, const struct report_row *row)
{
	return m->way == REPORT_INTO ? row->from : row->to;
}

/* Names of a guest's own scope share a column: another guest's have other meanings. */
static const char *source_name(const struct matrix *m, const struct report_row *row)
{
	const char *name = other_end(m, row);

	if (!name)
		return everyone[m->way];
	return strncmp(name, "+guest/", 7) == 0 || strncmp(name, "guest/", 6) == 0 ? others[m->way] : name;
}

static void count_source(struct matrix *m, const char *name)
{
	struct column *column = find_column(m, name);

	if (column->counted == m->zone)
		return;
	column->counted = m->zone;
	column->source.zones++;
}

/* Everyone and the management come first. */
static int rank(const struct column *column)
{
	return column->name == everyone[REPORT_INTO] || column->name == everyone[REPORT_OUT_OF] ? 0
	       : strcmp(column->name, "+dc/management") == 0                                    ? 1
												: 2;
}

static int by_zones(const void *a, const void *b)
{
	const struct column *x = *(struct column *const *)a, *y = *(struct column *const *)b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->source.zones != y->source.zones)
		return x->source.zones > y->source.zones ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void choose_columns(struct matrix *m)
{
	uint32_t all = HASH_COUNT(m->columns), used = 0;
	struct column **sorted = ARENA_ARRAY(m->b->arena, struct column *, all + 1);
	struct report_matrix *matrix = m->matrix;

	for (struct column *c = m->columns; c; c = c->hh.next) {
		c->index = REPORT_SOURCES_MOST;
		if (c->name == others[m->way])
			matrix->more_sources = true;
		else
			sorted[used++] = c;
	}
	qsort(sorted, used, sizeof(*sorted), by_zones);
	matrix->sources = ARENA_ARRAY(m->b->arena, struct report_source, REPORT_SOURCES_MOST + 1);
	for (uint32_t i = 0; i < used && i < REPORT_SOURCES_MOST; i++) {
		sorted[i]->index = i;
		matrix->sources[matrix->source_count++] = sorted[i]->source;
	}
	matrix->more_sources |= used > REPORT_SOURCES_MOST;
	for (uint32_t i = 0; i < used; i++)
		if (sorted[i]->index == REPORT_SOURCES_MOST)
			sorted[i]->index = matrix->source_count;
	if (matrix->more_sources)
		matrix->sources[matrix->source_count++].name = others[m->way];
	for (struct column *c = m->columns; c; c = c->hh.next)
		if (c->name == others[m->way])
			c->index = matrix->source_count - 1;
}

/* ---- going through the rules ---- */

typedef void visit_function(struct matrix *m, const struct report_row *row, enum left left,
			    struct text iface);

static void visit_row(struct matrix *m, const struct report_row *row, struct text iface,
		      visit_function *visit)
{
	enum left left;

	if (row->disabled || !row->family_mask)
		return;
	if (row->outcome != REPORT_ACCEPT) {
		if (row->origin != REPORT_LINE)
			return;
		left = m->shows_denied ? what_is_left(m, row->rule, iface) : LEFT_NOTHING;
		if (left != LEFT_NOTHING)
			visit(m, row, left, iface);
		add_to(m, &m->blocked, row->rule, iface);
		return;
	}
	if (row->origin != REPORT_LINE && !row->opens)
		return;
	if (!row->rule) {
		visit(m, row, LEFT_ALL, iface);
		return;
	}
	left = what_is_left(m, row->rule, iface);
	if (left != LEFT_NOTHING)
		visit(m, row, left, iface);
	if (m->shows_denied)
		add_to(m, &m->passed, row->rule, iface);
}

/* The chains of a NIC only get its packets. */
static struct text iface_of(const struct matrix *m, const struct report_row *row)
{
	return row->rule && m->zone->kind != REPORT_NIC ? row->rule->iface : (struct text){ NULL, 0 };
}

static void visit_group(struct matrix *m, const struct report_row *row, enum direction direction,
			visit_function *visit)
{
	const struct report_zone *zone = report_find_group(m->b->report, row->rule->group);

	for (const struct report_chain *chain = row->disabled || !zone ? NULL : zone->chains; chain;
	     chain = chain->next)
		for (const struct report_row *r = chain->direction == direction ? chain->first : NULL; r;
		     r = r->next)
			visit_row(m, r, iface_of(m, row), visit);
}

static void visit_zone(struct matrix *m, struct report_zone *zone, visit_function *visit)
{
	enum direction direction = zone->kind == REPORT_VNET ? DIRECTION_FORWARD
				   : m->way == REPORT_INTO   ? DIRECTION_IN
							     : DIRECTION_OUT;
	struct arena_mark mark = arena_mark(&m->scratch);

	m->zone = zone;
	m->blocked = m->passed = (struct packet_set){ .count = 0 };
	for (const struct report_chain *chain = zone->chains; chain; chain = chain->next) {
		m->shows_denied = m->way == REPORT_OUT_OF && chain->policy &&
				  chain->policy->outcome == REPORT_ACCEPT;
		for (const struct report_row *r = chain->direction == direction ? chain->first : NULL; r;
		     r = r->next) {
			if (r->outcome == REPORT_ASK)
				visit_group(m, r, direction, visit);
			else
				visit_row(m, r, iface_of(m, r), visit);
		}
	}
	arena_release(&m->scratch, mark);
}

/* Packets pass a vnet in both directions: it is in the first matrix only, with both addresses. */
static bool has_row(const struct matrix *m, const struct report_zone *zone)
{
	return zone->kind != REPORT_GROUP && (m->way == REPORT_INTO || zone->kind != REPORT_VNET);
}

/* ---- counting, then filling ---- */

static void count_row(struct matrix *m, const struct report_row *row, enum left left, struct text iface)
{
	(void)left;
	(void)iface;
	count_source(m, source_name(m, row));
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_there(const struct report_cell *cell, const struct report_service *service)
{
	for (const struct report_service *s = cell->first; s; s = s->next)
		if (same_text(s->name, service->name) && same_text(s->detail, service->detail) &&
		    same_text(s->where, service->where) && same_text(s->from, service->from) &&
		    same_text(s->comment, service->comment) && s->partly == service->partly &&
		    s->denied == service->denied)
			return true;
	return false;
}

static void add_service(struct matrix *m, uint32_t column, struct report_service service)
{
	struct report_cell *cell = &m->zone->cells[m->way][column];

	if (!cell->last)
		cell->last = &cell->first;
	if (is_there(cell, &service))
		return;
	*cell->last = ARENA_NEW(m->b->arena, struct report_service);
	**cell->last = service;
	cell->last = &(*cell->last)->next;
}

/* The conditions that row and column do not tell; NULL: none. */
static const char *where_of(struct matrix *m, const struct report_row *row, struct text iface)
{
	const char *word = m->way == REPORT_INTO ? "to" : "from";
	const char *end = m->way == REPORT_INTO ? row->to : row->from;

	if (end && iface.len)
		return arena_printf(m->b->arena, "%s %s on %.*s", word, end, TEXT_ARG(iface));
	if (end)
		return arena_printf(m->b->arena, "%s %s", word, end);
	return iface.len ? arena_printf(m->b->arena, "on %.*s", TEXT_ARG(iface)) : NULL;
}

static void fill_row(struct matrix *m, const struct report_row *row, enum left left, struct text iface)
{
	struct column *column = find_column(m, source_name(m, row));
	bool shared = m->matrix->more_sources && column->index == m->matrix->source_count - 1;

	add_service(m, column->index,
		    (struct report_service){ .row = row,
					     .name = row->service,
					     .detail = row->detail,
					     .comment = row->named ? NULL : row->comment,
					     .where = where_of(m, row, iface),
					     .from = shared ? other_end(m, row) : NULL,
					     .partly = left == LEFT_PARTLY,
					     .denied = row->outcome != REPORT_ACCEPT });
}

static void fill_zone_row(struct matrix *m, struct report_zone *zone)
{
	zone->cells[m->way] = ARENA_ARRAY(m->b->arena, struct report_cell, m->matrix->source_count);
	m->zone = zone;
	m->matrix->rows++;
	if (zone->off)
		add_service(m, find_column(m, everyone[m->way])->index,
			    (struct report_service){ .name = "everything" });
	else
		visit_zone(m, zone, fill_row);
}

static void make_matrix(struct report_builder *b, enum report_way way)
{
	struct matrix m = { .b = b, .way = way, .matrix = &b->report->matrices[way] };

	m.space = space_new(&m.scratch);
	find_column(&m, everyone[way]);
	for (struct report_zone *zone = b->report->zones; zone; zone = zone->next)
		if (has_row(&m, zone) && !zone->off)
			visit_zone(&m, zone, count_row);
	choose_columns(&m);
	m.comparisons = 0;
	for (struct report_zone *zone = b->report->zones; zone; zone = zone->next)
		if (has_row(&m, zone))
			fill_zone_row(&m, zone);
	HASH_CLEAR(hh, m.columns);
	space_free(m.space);
	arena_free(&m.scratch);
}

void report_matrices(struct report_builder *b)
{
	make_matrix(b, REPORT_INTO);
	make_matrix(b, REPORT_OUT_OF);
}
