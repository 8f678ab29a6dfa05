/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach what: the zones of a report against the sources that its rules name, and against the destinations that
 * its rules for outgoing packets name.
 *
 * A cell holds the services that accepting rules let in or out, including those of security groups: as far as the packets
 * of the rule arrive (reach.c).  A rule of which nothing arrives has no service, one that has lost some is marked.  The
 * sources that most zones let in have columns of their own, the others share one.
 *
 * Guests may send everything by default, so the rules that block something say most about them: if the policy accepts,
 * the second matrix has those, too.
 */
#include "report/model.h"

#include <stdlib.h>

/* A source, and the last zone that was counted for it. */
struct column {
	const char *name;
	struct report_source source;
	const struct report_zone *counted;
	uint32_t index; /* of the column */
	UT_hash_handle hh;
};

/* A row of a chain in a zone's cell. */
struct visit {
	struct report_zone *zone;
	const struct report_row *row;
	struct text iface;
	bool is_asked;   /* of reach.c, as `number` */
	uint32_t number;
	enum report_left left;
	struct visit *next;
};

struct matrix {
	struct report_builder *b;
	enum report_way way;
	struct report_matrix *matrix; /* to be filled */
	struct reach *reach;
	struct arena scratch;
	struct column *columns; /* uthash */
	struct visit *first, **last;
	struct report_zone *zone;
	bool shows_denied; /* in the second matrix, if the policy of the present chain accepts */
};

/* The first and the last column. */
static const char *const everyone[REPORT_WAYS] = { "everyone", "anywhere" };
static const char *const others[REPORT_WAYS] = { "other sources", "other destinations" };

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

static void visit_row(struct matrix *m, const struct report_row *row, struct text iface)
{
	bool denied = row->outcome != REPORT_ACCEPT;
	struct visit *visit;

	if (row->disabled || !row->family_mask || (denied && !m->shows_denied) ||
	    (row->origin != REPORT_LINE && (denied || !row->opens)))
		return;
	visit = ARENA_NEW(&m->scratch, struct visit);
	*visit = (struct visit){ .zone = m->zone, .row = row, .iface = iface, .is_asked = row->rule != NULL };
	if (visit->is_asked)
		visit->number = reach_add(m->reach, row->rule, iface);
	*m->last = visit;
	m->last = &visit->next;
}

/* The chains of a NIC only get its packets. */
static struct text iface_of(const struct matrix *m, const struct report_row *row)
{
	return row->rule && m->zone->kind != REPORT_NIC ? row->rule->iface : (struct text){ NULL, 0 };
}

static void visit_group(struct matrix *m, const struct report_row *row, enum direction direction)
{
	const struct report_zone *zone;

	HASH_FIND_PTR(m->b->groups, &row->rule->group, zone);
	for (const struct report_chain *chain = row->disabled || !zone ? NULL : zone->chains; chain;
	     chain = chain->next)
		for (const struct report_row *r = chain->direction == direction ? chain->first : NULL; r;
		     r = r->next)
			visit_row(m, r, iface_of(m, row));
}

/* Collects the rows of a zone of which something arrives. */
static void visit_zone(struct matrix *m, struct report_zone *zone)
{
	enum direction direction = zone->kind == REPORT_VNET ? DIRECTION_FORWARD
				   : m->way == REPORT_INTO   ? DIRECTION_IN
							     : DIRECTION_OUT;
	struct visit **begin = m->last;

	m->zone = zone;
	reach_start(m->reach, zone, m->way);
	for (const struct report_chain *chain = zone->chains; chain; chain = chain->next) {
		m->shows_denied = m->way == REPORT_OUT_OF && chain->policy &&
				  chain->policy->outcome == REPORT_ACCEPT;
		for (const struct report_row *r = chain->direction == direction ? chain->first : NULL; r;
		     r = r->next) {
			if (r->outcome == REPORT_ASK)
				visit_group(m, r, direction);
			else
				visit_row(m, r, iface_of(m, r));
		}
	}
	for (struct visit *v = *begin; v; v = v->next)
		if (v->is_asked)
			v->left = reach_left(m->reach, v->number, v->row->outcome != REPORT_ACCEPT);
}

/* Packets pass a vnet in both directions: it is in the first matrix only, with both addresses. */
static bool has_row(const struct matrix *m, const struct report_zone *zone)
{
	return zone->kind != REPORT_GROUP && (m->way == REPORT_INTO || zone->kind != REPORT_VNET);
}

/* ---- counting, then filling ---- */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_there(const struct report_cell *cell, const struct report_service *service)
{
	for (const struct report_service *s = cell->first; s; s = s->next)
		if (same_text(s->name, service->name) && same_text(s->detail, service->detail) &&
		    same_text(s->where, service->where) && same_text(s->from, service->from) &&
		    same_text(s->comment, service->comment) && s->left == service->left &&
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

static void fill_row(struct matrix *m, const struct visit *visit)
{
	const struct report_row *row = visit->row;
	struct column *column = find_column(m, source_name(m, row));
	bool shared = m->matrix->more_sources && column->index == m->matrix->source_count - 1;

	m->zone = visit->zone;
	add_service(m, column->index,
		    (struct report_service){ .row = row,
					     .name = row->service,
					     .detail = row->detail,
					     .comment = row->named ? NULL : row->comment,
					     .where = where_of(m, row, visit->iface),
					     .from = shared ? other_end(m, row) : NULL,
					     .left = visit->left,
					     .denied = row->outcome != REPORT_ACCEPT });
}

static void start_zone_row(struct matrix *m, struct report_zone *zone)
{
	zone->cells[m->way] = ARENA_ARRAY(m->b->arena, struct report_cell, m->matrix->source_count);
	m->zone = zone;
	m->matrix->rows++;
	if (zone->off)
		add_service(m, find_column(m, everyone[m->way])->index,
			    (struct report_service){ .name = "everything" });
}

static void make_matrix(struct report_builder *b, struct reach *reach, enum report_way way)
{
	struct matrix m = { .b = b, .way = way, .matrix = &b->report->matrices[way], .reach = reach, .last = &m.first };

	find_column(&m, everyone[way]);
	for (struct report_zone *zone = b->report->zones; zone; zone = zone->next)
		if (has_row(&m, zone) && !zone->off)
			visit_zone(&m, zone);
	for (const struct visit *v = m.first; v; v = v->next) {
		m.zone = v->zone;
		if (v->left != REPORT_LEFT_NOTHING)
			count_source(&m, source_name(&m, v->row));
	}
	choose_columns(&m);
	for (struct report_zone *zone = b->report->zones; zone; zone = zone->next)
		if (has_row(&m, zone))
			start_zone_row(&m, zone);
	for (const struct visit *v = m.first; v; v = v->next)
		if (v->left != REPORT_LEFT_NOTHING)
			fill_row(&m, v);
	HASH_CLEAR(hh, m.columns);
	arena_free(&m.scratch);
}

void report_matrices(struct report_builder *b)
{
	struct reach *reach = reach_open(b);

	make_matrix(b, reach, REPORT_INTO);
	make_matrix(b, reach, REPORT_OUT_OF);
	reach_close(reach);
}
