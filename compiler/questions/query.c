/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/query.h"

#include "base/escape.h"
#include "format/diag_json.h"
#include "questions/answers.h"

/* ---- zones ---- */

struct query_zones {
	const char **names;
	uint32_t count;
};

static void query_add_nics(struct query *query, struct query_zones *zones, const struct guest *guest)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		zones->names[zones->count++] = arena_printf(&query->arena, "%s%ui%u",
							    guest->type == GUEST_VM ? "vm" : "ct",
							    guest->vmid, nic->index);
}

static uint32_t query_count_zones(const struct config *config)
{
	uint32_t count = 3;

	for (const struct guest *g = config->guests; g; g = g->next)
		for (const struct nic *nic = g->nics; nic; nic = nic->next)
			count++;
	for (const struct vnet *v = config->vnets; v; v = v->next)
		count++;
	return count;
}

/* "vm100" of a guest with several NICs stands for all of them. */
static bool query_add_guest(struct query *query, struct query_zones *zones, const char *name)
{
	struct path_end end;

	if (strchr(name, 'i') || path_end_parse(query->config, text_of(name), &end) || end.zone != PATH_GUEST)
		return false;
	query_add_nics(query, zones, end.guest);
	return true;
}

/* The zones that a word stands for. */
static struct query_zones query_zones_of(struct query *query, const char *name)
{
	const struct config *config = query->config;
	struct query_zones zones = { ARENA_ARRAY(&query->arena, const char *, query_count_zones(config)), 0 };

	if (strcmp(name, "any") != 0) {
		if (!query_add_guest(query, &zones, name))
			zones.names[zones.count++] = name;
		return zones;
	}
	zones.names[zones.count++] = "outside";
	zones.names[zones.count++] = "host";
	for (const struct guest *g = config->guests; g; g = g->next)
		query_add_nics(query, &zones, g);
	for (const struct vnet *v = config->vnets; v; v = v->next)
		zones.names[zones.count++] = arena_printf(&query->arena, "vnet %.*s", TEXT_ARG(v->name));
	return zones;
}

/* ---- one path ---- */

struct query_path {
	struct query *query;
	struct question question;
	const struct packet_request *request;
	packets set;     /* that is asked about */
	unsigned family; /* or IPV_BOTH */
	const char *from, *to;
};

static bool query_is_action(const char *action, enum model_verdict verdict)
{
	const char *actual = verdict_action(verdict);

	if (strcmp(action, "DENY") == 0)
		return strcmp(actual, "DROP") == 0 || strcmp(actual, "REJECT") == 0;
	return strcmp(action, actual) == 0;
}

/* The values that packets of the set have, if they have the field. */
static struct interval_set query_values(struct query_path *p, packets set, enum model_field field)
{
	struct question *q = &p->question;
	const struct model_match has = { .field = field, .negated = true, .values = { NULL, 0 } };

	return model_values(q->model, &q->arena, model_and(q->model, set, model_match(q->model, &has)),
			    field);
}

static const char *query_field_text(struct query_path *p, packets set, enum model_field field)
{
	struct question *q = &p->question;
	struct interval_set values = query_values(p, set, field);

	return model_values_text(&q->arena, q->model, field, &values, UINT32_MAX);
}

/* The addresses of both families that the path is asked about. */
static const char *query_addresses_text(struct query_path *p, packets set, enum model_field four,
					enum model_field six)
{
	const char *a = p->family & IPV4 ? query_field_text(p, set, four) : "";
	const char *b = p->family & IPV6 ? query_field_text(p, set, six) : "";

	return arena_printf(&p->question.arena, "%s%s%s", a, *a && *b ? "," : "", b);
}

/* The values of one part of the packets; NULL: rows are printed. */
static const char *query_part_text(struct query_path *p, packets set)
{
	switch (p->query->part) {
	case QUERY_SOURCE:
		return query_addresses_text(p, set, MODEL_SOURCE4, MODEL_SOURCE6);
	case QUERY_DEST:
		return query_addresses_text(p, set, MODEL_DEST4, MODEL_DEST6);
	case QUERY_ZONE:
		return p->query->words->from && strcmp(p->query->words->from, "any") == 0 ? p->from : p->to;
	default:
		return NULL;
	}
}

static bool query_is_same(const struct interval_set *a, const struct interval_set *b)
{
	return a->count == b->count && interval_set_contains(a, b);
}

/* Leaves out what is true of all packets that are asked about, unless the command line says it. */
static void query_shorten(struct query_path *p, struct model_row *row)
{
	for (unsigned i = 0; i < MODEL_FIELDS; i++) {
		enum model_field field = (enum model_field)i;
		struct interval_set all;

		if (!row->side[i].count || p->request->fields[i].known)
			continue;
		all = query_values(p, p->set, field);
		if (query_is_same(&row->side[i], &all) && (field != MODEL_ETHERTYPE || p->family == IPV_BOTH))
			row->side[i].count = 0;
	}
}

/* "ipv4", "ipv6", "arp", or "any" of them. */
static const char *query_family_name(const struct query_path *p, const struct model_row *row)
{
	const struct interval_set *types = &row->side[MODEL_ETHERTYPE];

	if (types->count == 1 && types->ranges[0].first.low == 0x0806)
		return "arp";
	if (types->count == 1)
		return types->ranges[0].first.low == 0x86dd ? "ipv6" : "ipv4";
	return p->family == IPV_BOTH ? "any" : p->family == IPV6 ? "ipv6" : "ipv4";
}

/* What is not said of a part is null: any value. */
static json_t *query_row_json(struct query_path *p, const struct model_row *row, const char *text)
{
	struct question *q = &p->question;
	json_t *object = json_pack("{s:o, s:s}", "text", json_escaped(text_of(text)), "family",
				   query_family_name(p, row));

	for (size_t i = 0; i < FIELD_MEMBERS; i++) {
		enum model_field field = field_members[i].field;
		const struct interval_set *side = &row->side[field];
		const char *values;

		if (field == MODEL_ETHERTYPE) /* the family tells it */
			continue;
		values = model_values_text(&q->arena, q->model, field, side, UINT32_MAX);
		json_object_set_new(object, field_members[i].name,
				    side->count ? json_escaped(text_of(values)) : json_null());
	}
	return object;
}

/* The text of a row; of services without the addresses. */
static const char *query_row_text(struct query_path *p, struct model_row *row)
{
	struct question *q = &p->question;
	const char *text, *services;

	query_shorten(p, row);
	if (p->query->part != QUERY_SERVICE)
		return model_row_text(&q->arena, q->model, row);
	for (unsigned i = 0; i < MODEL_FIELDS; i++)
		if (i != MODEL_PROTOCOL && i != MODEL_DPORT && i != MODEL_SPORT && i != MODEL_ICMP_TYPE &&
		    i != MODEL_ICMP_CODE)
			row->side[i].count = 0;
	text = model_row_text(&q->arena, q->model, row);
	services = strstr(text, ", ");
	return services ? services + 2 : "any";
}

/* Cuts the set into rows, and gives them to text or JSON.  Rows beyond the limit are left out, and services
 * that were named before. */
static void query_rows(struct query_path *p, packets set, json_t *rows)
{
	struct query *query = p->query;
	struct question *q = &p->question;
	const char **texts = ARENA_ARRAY(&q->arena, const char *, query->limit - query->printed);
	uint32_t count = 0, known;
	struct model_row row;

	while (query->printed < query->limit && model_row(q->model, &q->arena, set, &row)) {
		const char *text;

		set = model_minus(q->model, set, row.set);
		text = query_row_text(p, &row);
		for (known = 0; known < count && strcmp(texts[known], text) != 0; known++)
			;
		if (known < count)
			continue;
		texts[count++] = text;
		query->printed++;
		if (rows)
			json_array_append_new(rows, query_row_json(p, &row, text));
		if (query->out) {
			out_string(query->out, "  ");
			out_escaped(query->out, text_of(text));
			out_char(query->out, '\n');
		}
	}
	if (set == PACKETS_NONE)
		return;
	query->rows_cut = true;
	if (query->out)
		out_string(query->out, "  ...\n");
}

static void query_print_decision(struct query_path *p, const struct decision *d)
{
	struct query *query = p->query;
	struct question *q = &p->question;
	struct text_printer printer = { .out = query->out,
					.map = query->map,
					.arena = &q->arena,
					.colour = query->colour,
					.gutter = reason_gutter(query->map, &d->reason) };
	const char *part = query_part_text(p, d->set);

	text_style(&printer, STYLE_BOLD);
	out_escaped(query->out, text_of(p->from));
	out_string(query->out, " -> ");
	out_escaped(query->out, text_of(p->to));
	out_printf(query->out, ": %s", decision_text(&q->arena, d));
	text_style(&printer, STYLE_OFF);
	out_char(query->out, '\n');
	if (part && query->part != QUERY_ZONE) {
		out_string(query->out, "  ");
		out_escaped(query->out, text_of(part));
		out_char(query->out, '\n');
	} else if (!part) {
		query_rows(p, d->set, NULL);
	}
	if (d->reason.span.begin)
		reason_print(&printer, &d->reason, NULL);
	else
		text_remark(&printer, "rule", d->reason.implied ? d->reason.implied : "none");
	out_char(query->out, '\n');
}

static void query_add_json(struct query_path *p, const struct decision *d)
{
	struct query *query = p->query;
	json_t *object = decision_json(query->map, d), *answers = json_object_get(query->json, "answers");
	const char *part = query_part_text(p, d->set);
	json_t *rows;

	json_object_set_new(object, "from", json_escaped(text_of(p->from)));
	json_object_set_new(object, "to", json_escaped(text_of(p->to)));
	json_object_set_new(object, "values", part ? json_escaped(text_of(part)) : json_null());
	rows = part ? json_null() : json_array();
	if (!part)
		query_rows(p, d->set, rows);
	json_object_set_new(object, "rows", rows);
	json_array_append_new(answers, object);
}

/* ---- what is asked ---- */

/* No program sends from port 0. */
static const struct interval query_zero = { { 0, 0 }, { 0, 0 } };
static const struct model_match query_odd_port = { .field = MODEL_SPORT, .values = { &query_zero, 1 } };

/*
 * Ordinary packets, except in what the command line asks for: another state, packets over the limit, those to
 * a group's address.
 */
static packets query_ordinary(struct query_path *p)
{
	const struct packet_request *request = p->request;
	struct model *m = p->question.model;
	bool is_special = p->query->words->state || request->flooded || request->arp ||
			  request->fields[MODEL_OVER_LIMIT].known;
	packets set;

	set = is_special ? p->question.set : model_and(m, p->question.set, model_ordinary(m));
	if (request->fields[MODEL_SPORT].known)
		return set;
	return model_minus(m, set, model_match(m, &query_odd_port));
}

/* What a part of a question adds to an answer, and what it was before. */
struct query_asking {
	struct query_path *path;
	const struct model_match *matches;
	uint32_t count;
};

static void query_add_decision(struct query_path *p, const struct decision *d)
{
	struct query *query = p->query;

	if (!query_is_action(query->action, d->verdict))
		return;
	query->found++;
	if (query->printed >= query->limit) {
		query->not_printed++;
		return;
	}
	if (query->out)
		query_print_decision(p, d);
	if (query->json)
		query_add_json(p, d);
}

static void query_add_decisions(struct query_asking *asking, packets part)
{
	struct query_path *p = asking->path;
	struct question *q = &p->question;

	q->set = model_world(q->model);
	for (uint32_t i = 0; i < asking->count; i++)
		q->set = model_and(q->model, q->set, model_match(q->model, &asking->matches[i]));
	p->set = query_ordinary(p);
	for (const struct decision *d = question_decide(q, model_and(q->model, p->set, part), SPAN_NONE); d;
	     d = d->next)
		query_add_decision(p, d);
}

/* Adds the answer about packets of `part`; takes it back if the budget is exceeded. */
static void query_ask_part(void *context, struct model *model, packets part)
{
	struct query_asking *asking = context;
	struct query *query = asking->path->query;
	const struct query before = *query;
	json_t *answers = query->json ? json_object_get(query->json, "answers") : NULL;
	size_t answer_count = json_array_size(answers);
	struct out out;

	out_init_memory(&out);
	if (query->out)
		query->out = &out;
	query_add_decisions(asking, part);
	query->out = before.out;
	if (model_over(model, NULL)) {
		query->found = before.found;
		query->printed = before.printed;
		query->not_printed = before.not_printed;
		query->rows_cut = before.rows_cut;
		while (json_array_size(answers) > answer_count)
			json_array_remove(answers, answer_count);
	} else if (query->out) {
		out_text(query->out, (struct text){ out.data, (uint32_t)out.len });
	}
	out_free(&out);
}

/* Asks one path about one family; false: over budget. */
static bool query_ask(struct query *query, struct asked *asked, const struct packet_request *request,
		      const struct path *path, unsigned family)
{
	struct model_match matches[PACKET_MATCHES_MAX];
	struct query_path p = { .query = query, .family = family, .request = request };
	struct query_asking asking = { &p, matches, packet_request_matches(request, family, matches) };
	bool done;

	question_open(&p.question, asked, path, matches, asking.count, &query_odd_port, 1);
	p.from = path_end_text(&p.question.arena, &path->from);
	p.to = path_end_text(&p.question.arena, &path->to);
	done = model_ask(p.question.model, query_ask_part, &asking);
	if (!done)
		query->error = arena_printf(&query->arena,
					    "%s -> %s: %s; raise it with --budget, or name fewer packets",
					    p.from, p.to, question_over(&p.question));
	question_close(&p.question);
	return done;
}

/* Asks about packets from one zone to another; false: query->error.  Zones between which nothing passes are
 * left out, if they are some of many. */
static bool query_pair(struct query *query, struct asked *asked, const char *from, const char *to,
		       bool is_one)
{
	struct packet_words words = *query->words;
	struct packet_request request;
	struct path path;

	if (!is_one && strcmp(from, to) == 0)
		return true;
	words.from = from;
	words.to = to;
	query->error = packet_request_read(&request, asked, &words, false);
	if (query->error) {
		query->error = arena_string(&query->arena, text_of(query->error));
		return false;
	}
	if (!path_between(&asked->arena, query->config, &request.from, &request.to, request.flooded, &path) &&
	    !path_between(&asked->arena, query->config, &request.from, &request.to, false, &path)) {
		if (is_one)
			query->error = arena_printf(
				&query->arena, "no packet goes from %s to %s past the firewall of this node",
				from, to);
		return !is_one;
	}
	/* Packets of another network come from outside of this one, which is among the zones. */
	if (!is_one && path_is_routed(&path))
		return true;
	if (request.arp)
		return query_ask(query, asked, &request, &path, IPV4);
	if (!packet_request_is_of_families(&request))
		return query_ask(query, asked, &request, &path, IPV_BOTH);
	return (!(request.family_mask & IPV4) || query_ask(query, asked, &request, &path, IPV4)) &&
	       (!(request.family_mask & IPV6) || query_ask(query, asked, &request, &path, IPV6));
}

bool query_run(struct query *query)
{
	const char *from = query->words->from ? query->words->from : "outside";
	const char *to = query->words->to ? query->words->to : strcmp(from, "host") == 0 ? "outside" : "host";
	struct query_zones froms = query_zones_of(query, from), tos = query_zones_of(query, to);
	struct asked asked;
	bool done = true;

	asked_open(&asked, query->config, query->target, query->budget);
	if (query->json)
		json_object_set_new(query->json, "answers", json_array());
	for (uint32_t i = 0; done && i < froms.count; i++)
		for (uint32_t j = 0; done && j < tos.count; j++)
			done = query_pair(query, &asked, froms.names[i], tos.names[j],
					  froms.count == 1 && tos.count == 1);
	asked_close(&asked);
	if (done && query->out && !query->found)
		out_printf(query->out, "none: no such packet has the action %s\n", query->action);
	if (done && query->out && (query->not_printed || query->rows_cut))
		out_printf(query->out, "Not all is shown; --limit %u shows more\n", query->limit * 10);
	if (done && query->json)
		json_object_set_new(query->json, "complete",
				    json_boolean(!query->not_printed && !query->rows_cut));
	return done;
}

void query_end(struct query *query)
{
	arena_free(&query->arena);
}
