/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach what: the zones of a report against the sources that its rules name.
 *
 * A cell holds the services that accepting rules let in, those of security groups among
 * them.  What rules before it drop or reject is taken away exactly (lint_space.h): a rule
 * of which nothing is left has no service, and one of which something is left is marked.
 * The sources that most zones let in have a column of their own, the others share one.
 */
#include "report.h"

#include <stdlib.h>

#include "lint_space.h"

enum {
	COMPARISONS_MOST = 400000, /* of rules with rules before them, in the whole report */
	BOXES_MOST = 64,           /* pieces of one rule */
};

/* A source by name, and the zone that was last counted for it. */
struct column {
	const char *name;
	struct report_source source;
	const struct report_zone *counted;
	uint32_t index; /* of the column */
	UT_hash_handle hh;
};

struct matrix {
	struct report_builder *b;
	struct space *space;
	struct arena scratch;
	struct column *columns; /* uthash */
	struct region blocked;  /* by the rules of the present zone so far */
	uint32_t comparisons;
	struct report_zone *zone;
	struct text iface;
};

static const char everyone[] = "everyone", others[] = "other sources";

/* ---- what is left of a rule ---- */

enum left {
	LEFT_ALL,
	LEFT_PARTLY,
	LEFT_NOTHING,
};

static bool too_many(struct matrix *m, const struct region *region)
{
	m->comparisons += region->count * m->blocked.count;
	return m->comparisons > COMPARISONS_MOST;
}

static enum left what_is_left(struct matrix *m, const struct rule *rule, struct text iface)
{
	struct region region;
	bool taken = false;

	if (!m->blocked.count)
		return LEFT_ALL;
	region = space_rule(m->space, rule, iface);
	if (too_many(m, &region))
		return LEFT_PARTLY;
	for (uint32_t i = 0; i < m->blocked.count && region.count; i++) {
		if (region.count > BOXES_MOST)
			return LEFT_PARTLY;
		taken |= region_take(&m->scratch, &region, &m->blocked.boxes[i]);
	}
	return !region.count ? LEFT_NOTHING : taken ? LEFT_PARTLY : LEFT_ALL;
}

static void block(struct matrix *m, const struct rule *rule, struct text iface)
{
	struct region region;

	if (m->comparisons > COMPARISONS_MOST)
		return;
	region = space_rule(m->space, rule, iface);
	for (uint32_t i = 0; i < region.count; i++)
		region_add(&m->scratch, &m->blocked, &region.boxes[i]);
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

/* Names of one guest mean something else in the next. */
static const char *source_name(const struct report_row *row)
{
	if (!row->from)
		return everyone;
	return strncmp(row->from, "+guest/", 7) == 0 || strncmp(row->from, "guest/", 6) == 0 ? others
											     : row->from;
}

static void count(struct matrix *m, const char *name)
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
	return column->name == everyone ? 0 : strcmp(column->name, "+dc/management") == 0 ? 1 : 2;
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
	struct report *report = m->b->report;

	for (struct column *c = m->columns; c; c = c->hh.next) {
		c->index = REPORT_SOURCES_MOST;
		if (c->name == others)
			report->more_sources = true;
		else
			sorted[used++] = c;
	}
	qsort(sorted, used, sizeof(*sorted), by_zones);
	report->sources = ARENA_ARRAY(m->b->arena, struct report_source, REPORT_SOURCES_MOST + 1);
	for (uint32_t i = 0; i < used && i < REPORT_SOURCES_MOST; i++) {
		sorted[i]->index = i;
		report->sources[report->source_count++] = sorted[i]->source;
	}
	report->more_sources |= used > REPORT_SOURCES_MOST;
	for (uint32_t i = 0; i < used; i++)
		if (sorted[i]->index == REPORT_SOURCES_MOST)
			sorted[i]->index = report->source_count;
	if (report->more_sources)
		report->sources[report->source_count++].name = others;
	for (struct column *c = m->columns; c; c = c->hh.next)
		if (c->name == others)
			c->index = report->source_count - 1;
}

/* ---- going through the rules ---- */

typedef void visit_function(struct matrix *m, const struct report_row *row, enum left left,
			    struct text iface);

static void visit_row(struct matrix *m, const struct report_row *row, struct text iface,
		      visit_function *visit)
{
	enum left left;

	if (row->disabled || !row->versions)
		return;
	if (row->outcome != REPORT_ACCEPT) {
		if (row->origin == REPORT_LINE)
			block(m, row->rule, iface);
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
}

/* A NIC's chains hold its own packets only. */
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
	enum direction direction = zone->kind == REPORT_VNET ? DIRECTION_FORWARD : DIRECTION_IN;
	struct arena_mark mark = arena_mark(&m->scratch);

	m->zone = zone;
	m->blocked = (struct region){ .count = 0 };
	for (const struct report_chain *chain = zone->chains; chain; chain = chain->next)
		for (const struct report_row *r = chain->direction == direction ? chain->first : NULL; r;
		     r = r->next) {
			if (r->outcome == REPORT_ASK)
				visit_group(m, r, direction, visit);
			else
				visit_row(m, r, iface_of(m, r), visit);
		}
	arena_release(&m->scratch, mark);
}

static bool has_row(const struct report_zone *zone)
{
	return zone->kind != REPORT_GROUP;
}

/* ---- counting, then filling ---- */

static void count_row(struct matrix *m, const struct report_row *row, enum left left, struct text iface)
{
	(void)left;
	(void)iface;
	count(m, source_name(row));
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
		    s->partly == service->partly)
			return true;
	return false;
}

static void add_service(struct matrix *m, uint32_t column, struct report_service service)
{
	struct report_cell *cell = &m->zone->cells[column];

	if (!cell->last)
		cell->last = &cell->first;
	if (is_there(cell, &service))
		return;
	*cell->last = ARENA_NEW(m->b->arena, struct report_service);
	**cell->last = service;
	cell->last = &(*cell->last)->next;
}

/* The conditions that the cell's place does not tell; NULL: none. */
static const char *where_of(struct matrix *m, const struct report_row *row, struct text iface)
{
	if (row->to && iface.len)
		return arena_printf(m->b->arena, "to %s on %.*s", row->to, TEXT_ARG(iface));
	if (row->to)
		return arena_printf(m->b->arena, "to %s", row->to);
	return iface.len ? arena_printf(m->b->arena, "on %.*s", TEXT_ARG(iface)) : NULL;
}

static void fill_row(struct matrix *m, const struct report_row *row, enum left left, struct text iface)
{
	const struct report *report = m->b->report;
	struct column *column = find_column(m, source_name(row));
	bool shared = report->more_sources && column->index == report->source_count - 1;

	add_service(m, column->index,
		    (struct report_service){ .row = row,
					     .name = row->service,
					     .detail = row->detail,
					     .where = where_of(m, row, iface),
					     .from = shared ? row->from : NULL,
					     .partly = left == LEFT_PARTLY });
}

static void fill(struct matrix *m, struct report_zone *zone)
{
	zone->cells = ARENA_ARRAY(m->b->arena, struct report_cell, m->b->report->source_count);
	m->zone = zone;
	if (zone->off)
		add_service(m, find_column(m, everyone)->index,
			    (struct report_service){ .name = "everything" });
	else
		visit_zone(m, zone, fill_row);
}

void report_matrix(struct report_builder *b)
{
	struct matrix m = { .b = b };

	m.space = space_new(&m.scratch);
	find_column(&m, everyone);
	for (struct report_zone *zone = b->report->zones; zone; zone = zone->next)
		if (has_row(zone) && !zone->off)
			visit_zone(&m, zone, count_row);
	choose_columns(&m);
	m.comparisons = 0;
	for (struct report_zone *zone = b->report->zones; zone; zone = zone->next)
		if (has_row(zone))
			fill(&m, zone);
	HASH_CLEAR(hh, m.columns);
	space_free(m.space);
	arena_free(&m.scratch);
}
